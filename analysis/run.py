"""A notebook and its parameters -> an executed notebook -> HTML, PDF, figures and tables in their places."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import queue
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

from jupyter_client.asynchronous.client import AsyncKernelClient
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
    """A cell raised an error: the notebook, the heading above the cell, the cause; `log` has the rest."""

    def __init__(self, notebook: str, heading: str, cause: str, log: str):
        self.notebook, self.heading, self.cause, self.log = notebook, heading, cause, log
        super().__init__(f"{notebook} failed\n  under: {heading}\n  cause: {cause}")


class _Client(AsyncKernelClient):
    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """As the library's, without its last step: a fifth of a second of listening for what nobody sent."""
        until = time.monotonic() + (timeout or 60)
        while time.monotonic() < until and await self.is_alive():
            self.kernel_info()
            with contextlib.suppress(queue.Empty):
                reply = await self.shell_channel.get_msg(timeout=1)
                await self.iopub_channel.get_msg(timeout=0.2)
                self._handle_kernel_info_reply(reply)
                return
        raise RuntimeError("the kernel did not start")


def report(name: str, title: str, parameters: dict[str, str], out: Path, state: dict[str, object], *,
           saved: dict[str, str] | None = None, meanwhile: Callable[[], object] = bool) -> tuple[list[Path], list[str]]:
    """Run `notebooks/<name>.ipynb` and publish `reports/<title>.*`, `figures/<title>/*` and the record; what was made, and notes.

    `state` is what `record.state` said before anything was read. `saved` names the files under `reports` for the tables
    of some labels; others go beside the figures. `meanwhile` is called while the kernel starts; an error of it ends the run.
    Raises NotebookFailedError; then, and whenever it is stopped, what was there before stays as it was.
    """
    path = NOTEBOOKS / f"{name}.ipynb"
    _check_parameters(path, parameters)
    check_writable(out)
    with ThreadPoolExecutor(1) as pool, _kernel() as manager:
        meanwhile()
        import papermill  # noqa: F401  before the thread, so that no module is loaded by both at once

        exporters = pool.submit(import_module, "analysis.export.exporters")
        notebook = _executed(path, parameters, manager)
        manager.provisioner.process.kill()  # it is gone by the time that the files are made
        document = exporters.result().document.read(notebook)
        pdf = pool.submit(exporters.result().PDFExporter().render, document)
        html = exporters.result().HTMLExporter().render(document).encode()
        files = _files(document, notebook, FIGURES / title, saved or {}, title)
        files |= {REPORTS / f"{title}.pdf": pdf.result(), REPORTS / f"{title}.html": html}
    stale = [Path(place) for place in record.earlier(out, title).get("made", ())]
    return publish({**files, record.path_of(title): record.written(state, files)}, out, title, stale)[:-1], document.notes


def _files(document, notebook, figures: Path, saved: dict[str, str], title: str) -> dict[Path, bytes]:
    """The notebook as it ran, and what the document saves of its figures and tables."""
    import nbformat

    places = {f"{label}.csv": REPORTS / name for label, name in saved.items()}
    files = {places.get(name, figures / name): content for name, content in document.saved().items()}
    return {REPORTS / f"{title}.ipynb": nbformat.writes(notebook).encode(), **files}


@contextlib.contextmanager
def _kernel() -> Iterator[AsyncKernelManager]:
    """A kernel that starts, and imports what notebooks need, while this process imports papermill; no settings of the user's."""
    with tempfile.TemporaryDirectory(prefix="kernel-", ignore_cleanup_errors=True) as folder, Path(folder, SAID).open("w") as said:
        connection, settings = os.path.join(folder, "k.json"), os.path.join(folder, "matplotlibrc")
        Path(settings).touch()
        sockets = hasattr(os, "fork") and len(connection) < LONGEST_SOCKET  # else two kernels may want one port
        manager = AsyncKernelManager(kernel_name="python3", connection_file=connection, client_factory=_Client,
                                     transport="ipc" if sockets else "tcp")
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
    raise NotebookFailedError(f"notebooks/{path.name}", _heading(notebook.cells[:reached[-1]]), cause, log)


def _heading(cells: list) -> str:
    """The last heading in some cells."""
    return next((line.lstrip("# ") for cell in reversed(cells) for line in reversed(cell.source.splitlines())
                 if cell.cell_type == "markdown" and line.startswith("#")), "the beginning")


def _check_parameters(path: Path, parameters: dict[str, str]) -> None:
    """papermill takes any name and runs the default for one that is misspelt; so look first."""
    cells = json.loads(path.read_text("utf8"))["cells"]
    source = "".join(next(cell["source"] for cell in cells if "parameters" in cell["metadata"].get("tags", ())))
    declared = {target.id for node in ast.parse(source).body if isinstance(node, ast.Assign) for target in node.targets}
    unknown = set(parameters) - declared
    if unknown:
        raise ValueError(f"{path.name} has no parameter {', '.join(sorted(unknown))}; it has {', '.join(sorted(declared))}")
