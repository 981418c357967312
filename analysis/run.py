"""A notebook and its parameters -> an executed notebook -> HTML, PDF, figures and tables in their places."""

from __future__ import annotations

import contextlib
import gc
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from analysis import NOTEBOOKS, ROOT, fonts
from analysis.messages import Said
from analysis.publish import FIGURES, REPORTS, publish

if TYPE_CHECKING:
    from concurrent.futures import Future

    from analysis.sheets import Period

# What papermill, jsonschema, requests and openpyxl load where they find it, for places, addresses and numbers that no report has: half a
# second and more.
SPARED = ("rfc3987_syntax", "rfc3986_validator", "rfc3339_validator", "isoduration", "uri_template", "webcolors", "boto3", "chardet",
          "pyarrow", "numpy")
START = "import gc; gc.disable(); from analysis import worker; worker.main()"  # what it loads is not looked through meanwhile
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
MOST_OF_A_CAUSE = 600  # characters
PROGRESS = "{desc} {percentage:3.0f}%|{bar:30}|"
waiting: dict[Path, tuple[IO[bytes], subprocess.Popen]] = {}  # by notebook, what `start` has started


class NotebookFailedError(Exception):
    """A cell raised an error, or the process died: the notebook, the heading above the cell, the cause; `log` has the rest."""

    def __init__(self, said: Said, log: str):
        self.log = log
        super().__init__(said)


def report(name: str, title: str, parameters: dict[str, str], data: Path, out: Path, state: dict[str, object],
           read: Callable[[], list[Period]] = list, *, saved: dict[str, str] | None = None,
           parts: dict[str, str] | None = None) -> tuple[list[Path], list[str]]:
    """Run `notebooks/<name>.ipynb` and publish `reports/<title>.*`, `figures/<title>/*` and the record; what was made, and notes.

    `state` is what `record.state` said before anything was read. `saved` names the files under `reports` for the tables of
    some labels; others go beside the figures. `parts` has the titles of the documents that the cells with some tags make again.
    `read` is called while the process that runs it starts, which is given the sheets; it may change the parameters, and an error of
    it ends the run.
    Raises NotebookFailedError; then, and whenever it is stopped, what was there before stays as it was.
    """
    from concurrent.futures import ThreadPoolExecutor

    path = NOTEBOOKS / f"{name}.ipynb"
    with ThreadPoolExecutor(2) as pool, _worker(path) as worker:
        with spared(*SPARED):
            worker["given"] = {(sheet.name, str(data)): sheet for sheet in read()}
            import papermill  # noqa: F401

        loaded: list[Future] = []
        worker["meanwhile"] = lambda: loaded.append(pool.submit(_writers))
        notebook = _executed(path, {**parameters, "data": str(data)}, worker)
        document, html, pdf, book = loaded[0].result()
        whole = document.read(notebook)
        documents = {title: whole} | {part: document.read(_part(notebook, tag)) for tag, part in (parts or {}).items()}
        papers = [pool.submit(pdf.render, one) for one in documents.values()]
        beside = [{f"{title}.pdf": "本报告的PDF", f"{title}-tables.xlsx": "各表和各图的数据（Excel）"},
                  *({f"{part}.pdf": "本文的PDF", f"{part}.csv": "数据（CSV）"} for part in (parts or {}).values())]
        pages = [*map(html.render, documents.values(), beside)]
        tables, ran = book.render(whole), json.dumps(notebook, ensure_ascii=False).encode()
        places = {f"{label}.csv": REPORTS / name for label, name in (saved or {}).items()}
        files = {REPORTS / f"{title}.ipynb": ran}
        for made, paper, page in zip(documents, papers, pages):
            files |= {REPORTS / f"{made}.pdf": paper.result(), REPORTS / f"{made}.html": page.encode()}
        files |= {REPORTS / f"{title}-tables.xlsx": tables,
                  **{places.get(name, FIGURES / title / name): content for name, content in whole.saved().items()}}
    return publish(files, out, title, state), whole.notes


def _writers() -> tuple:
    """The modules that write a report, ready to do it, loaded while its cells run."""
    from analysis.export import book, document, html, pdf

    html.template()
    fonts.faces("")
    return document, html, pdf, book


def _part(notebook, tag: str):
    """The cells with a tag, also those that the whole leaves out."""
    cells = [cell | {"metadata": {"tags": [tag]}} for cell in notebook.cells if tag in cell.metadata.get("tags", ())]
    return type(notebook)(notebook | {"cells": [type(notebook)(cell) for cell in cells]})


@contextlib.contextmanager
def spared(*names: str) -> Iterator[None]:
    """None of the modules is loaded meanwhile, and nothing is looked through for what could be cleared up; later that is seldom done."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(100_000)
        gc.enable()
        for name in absent:
            del sys.modules[name]


def start(notebook: Path) -> None:
    """Start the process that runs the cells of a notebook; it loads what they need while this one reads and checks the sheet."""
    said = tempfile.TemporaryFile()  # noqa: SIM115
    waiting[notebook] = said, subprocess.Popen([sys.executable, "-c", START, str(notebook)], cwd=ROOT, stdin=subprocess.PIPE,
                                               stdout=subprocess.PIPE, stderr=said)


def stop() -> None:
    """End the processes that were started and not needed."""
    while waiting:
        with _worker(next(iter(waiting))):
            pass


@contextlib.contextmanager
def _worker(notebook: Path) -> Iterator[dict[str, object]]:
    """The process that runs the cells of a notebook, and the file of what it says itself."""
    if notebook not in waiting:
        start(notebook)
    said, process = waiting.pop(notebook)
    with said:
        try:
            yield {"process": process, "said": said}
        finally:
            process.kill()
            process.wait()


def _executed(path: Path, parameters: dict[str, str], worker: dict[str, object]):
    """The notebook as it ran. Raises NotebookFailedError."""
    import logging

    import nbformat
    import papermill
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import raise_for_execution_errors

    from analysis import engine

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it would say is in the exception
    if unknown := parameters.keys() - papermill.inspect_notebook(path):  # papermill runs the default for a name that is misspelt
        raise ValueError(f"{path.name} has no parameter {', '.join(sorted(unknown))}")
    notebook = nbformat.read(path, as_version=4)
    progress = {"desc": path.stem, "leave": False, "bar_format": PROGRESS} if sys.stderr.isatty() else False
    try:
        # Prepared and run apart: papermill would write out the whole that was run, for no file.
        ready = papermill.execute_notebook(notebook, None, parameters, kernel_name="python3", prepare_only=True)
        ready.metadata.papermill.input_path = path.name  # papermill notes the whole notebook
        executed = papermill_engines.execute_notebook_with_engine(engine.NAME, ready, "python3", progress_bar=progress,
                                                                  autosave_cell_every=0, **worker)
        raise_for_execution_errors(executed, None)
        return executed
    except PapermillExecutionError as error:
        log = COLOURS.sub("", "\n".join([error.source, "", *error.traceback]))
        cause = f"{error.ename}: {error.evalue.strip()}".splitlines()[0][:MOST_OF_A_CAUSE]
        above = notebook.cells[:error.cell_index]
    heading = next((line.lstrip("# ") for cell in reversed(above) for line in reversed(cell.source.splitlines())
                    if cell.cell_type == "markdown" and line.startswith("#")), Said("run.beginning"))
    raise NotebookFailedError(Said("run.failed", name=path.name, heading=heading, cause=cause), log)
