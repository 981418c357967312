"""A notebook and its parameters -> an executed notebook -> HTML, PDF, figures and tables in their places."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

from analysis import NOTEBOOKS, record
from analysis.publish import FIGURES, REPORTS, check_writable, publish

# jsonschema checks IRIs with this package where it is installed; its grammar takes a second to load, and no
# notebook has an IRI to check.
sys.modules.setdefault("rfc3987_syntax", None)

SAID = "said.txt"  # what the kernel itself says, not its cells
LONGEST_SOCKET = 90  # characters; the system allows a little over a hundred
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
MOST_OF_A_CAUSE = 600  # characters
UNDO: list[Callable[[], object]] = []  # what a stop must clear away, latest last
PROGRESS = "{desc} {percentage:3.0f}%|{bar:30}|"
PRELOADED = "_preloaded = list(map(__import__, ('analysis.charts', 'analysis.roster', 'analysis.words')))"


class NotebookFailedError(Exception):
    """A cell raised an error, or its kernel died: the notebook, the heading above the cell, the cause; `log` has the rest."""

    def __init__(self, said: str, log: str):
        self.log = log
        super().__init__(said)


def report(name: str, title: str, parameters: dict[str, str], out: Path, state: dict[str, object], *,
           saved: dict[str, str] | None = None, parts: dict[str, str] | None = None,
           meanwhile: Callable[[], dict | None] = dict) -> tuple[list[Path], list[str]]:
    """Run `notebooks/<name>.ipynb` and publish `reports/<title>.*`, `figures/<title>/*` and the record; what was made, and notes.

    `state` is what `record.state` said before anything was read. `saved` names the files under `reports` for the tables of
    some labels; others go beside the figures. `parts` has the titles of the documents that the cells with some tags make again.
    `meanwhile` is called while the kernel starts: it may give parameters their values, and an error of it ends the run.
    Raises NotebookFailedError; then, and whenever it is stopped, what was there before stays as it was.
    """
    path = NOTEBOOKS / f"{name}.ipynb"
    _check_parameters(path, parameters)
    check_writable(out)
    with ThreadPoolExecutor(1) as pool, _kernel() as manager:
        parameters = parameters | (meanwhile() or {})
        import nbformat
        import papermill  # noqa: F401  before the thread, so that no module is loaded by both at once

        loaded = pool.submit(import_module, "analysis.export.exporters")
        notebook = _executed(path, parameters, manager)
        manager.provisioner.process.kill()  # it is gone by the time that the files are made
        exporters = loaded.result()
        document = exporters.document.read(notebook)
        pdf = pool.submit(exporters.PDFExporter().render, document)
        html = exporters.HTMLExporter().render(document, _links(title)).encode()
        tables = import_module("analysis.export.book").render(document)
        places = {f"{label}.csv": REPORTS / name for label, name in (saved or {}).items()}
        files = {REPORTS / f"{title}.ipynb": nbformat.writes(notebook).encode(), REPORTS / f"{title}.pdf": pdf.result(),
                 REPORTS / f"{title}.html": html, REPORTS / f"{title}-tables.xlsx": tables,
                 **{places.get(name, FIGURES / title / name): content for name, content in document.saved().items()}}
        for tag, part in (parts or {}).items():
            document_of_part = exporters.document.read(_part(notebook, tag))
            files |= {REPORTS / f"{part}.html": exporters.HTMLExporter().render(document_of_part).encode(),
                      REPORTS / f"{part}.pdf": exporters.PDFExporter().render(document_of_part)}
    stale = [Path(place) for place in record.earlier(out, title).get("made", ())]
    return publish({**files, record.path_of(title): record.written(state, files)}, out, title, stale)[:-1], document.notes


def _links(title: str) -> dict[str, str]:
    """The files that are made beside a page."""
    return {f"{title}.pdf": "本报告的PDF", f"{title}-tables.xlsx": "各表和各图的数据（Excel）"}


def _part(notebook, tag: str):
    """The cells with a tag, also those that the whole leaves out."""
    cells = [cell | {"metadata": {"tags": [tag]}} for cell in notebook.cells if tag in cell.metadata.get("tags", ())]
    return type(notebook)(notebook | {"cells": [type(notebook)(cell) for cell in cells]})


@contextlib.contextmanager
def _kernel() -> Iterator[AsyncKernelManager]:
    """A kernel that starts, and imports what notebooks need, while this process imports papermill; no settings of the user's."""
    with tempfile.TemporaryDirectory(prefix="kernel-", ignore_cleanup_errors=True) as folder, Path(folder, SAID).open("w") as said:
        connection, settings = os.path.join(folder, "k.json"), os.path.join(folder, "matplotlibrc")
        Path(settings).touch()
        sockets = hasattr(os, "fork") and len(connection) < LONGEST_SOCKET  # else two kernels may want one port
        manager = AsyncKernelManager(kernel_name="python3", connection_file=connection, transport="ipc" if sockets else "tcp")
        manager.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]  # whatever JUPYTER_PATH has
        run_sync(manager.start_kernel)(cwd=str(NOTEBOOKS), extra_arguments=[f"--IPKernelApp.exec_lines={PRELOADED}"], stderr=said,
                                       env={**os.environ, "IPYTHONDIR": folder, "MATPLOTLIBRC": settings})
        UNDO[:] = [lambda: shutil.rmtree(folder, ignore_errors=True), manager.provisioner.process.kill]
        try:
            yield manager
        finally:
            with contextlib.suppress(Exception):  # it may be gone already
                run_sync(manager.shutdown_kernel)(now=True)
            UNDO.clear()


def _executed(path: Path, parameters: dict[str, str], manager: AsyncKernelManager):
    """The notebook as it ran. Raises NotebookFailedError."""
    import logging

    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it would say is in the exception
    notebook, reached = nbformat.read(path, as_version=4), [0]
    progress = {"desc": path.stem, "leave": False, "bar_format": PROGRESS} if sys.stderr.isatty() else False
    try:
        return papermill.execute_notebook(
            notebook, None, parameters, kernel_name="python3", km=manager, request_save_on_cell_execute=False, autosave_cell_every=0,
            progress_bar=progress, on_cell_start=lambda cell, cell_index: reached.append(cell_index))
    except PapermillExecutionError as error:
        log = COLOURS.sub("", "\n".join([error.source, "", *error.traceback]))
        cause = f"{error.ename}: {error.evalue}".splitlines()[0][:MOST_OF_A_CAUSE]
    except RuntimeError as error:  # the kernel died, or did not start
        said = Path(manager.connection_file).with_name(SAID).read_text("utf8", "replace").strip()
        cause = "; ".join(filter(None, [str(error).rstrip("."), said.rpartition("\n")[2], "perhaps there is too little memory"]))
        log = f"{notebook.cells[max(0, reached[-1] - 1)].source}\n\n{said}"  # papermill's cell of parameters comes before
    heading = next((line.lstrip("# ") for cell in reversed(notebook.cells[:reached[-1]]) for line in reversed(cell.source.splitlines())
                    if cell.cell_type == "markdown" and line.startswith("#")), "the beginning")
    raise NotebookFailedError(f"notebooks/{path.name} failed\n  under: {heading}\n  cause: {cause}", log)


def _check_parameters(path: Path, parameters: dict[str, str]) -> None:
    """papermill takes any name and runs the default for one that is misspelt; so look first."""
    cells = json.loads(path.read_text("utf8"))["cells"]
    source = "".join(next(cell["source"] for cell in cells if "parameters" in cell["metadata"].get("tags", ())))
    declared = {target.id for node in ast.parse(source).body if isinstance(node, ast.Assign) for target in node.targets}
    unknown = set(parameters) - declared
    if unknown:
        raise ValueError(f"{path.name} has no parameter {', '.join(sorted(unknown))}; it has {', '.join(sorted(declared))}")
