"""A notebook and its parameters -> finished files in their places, all of them or none."""

from __future__ import annotations

import ast
import contextlib
import csv
import errno
import fcntl
import io
import json
import os
import queue
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

from analysis import NOTEBOOKS

if TYPE_CHECKING:
    from nbformat import NotebookNode

# jsonschema checks IRIs with this package where it is installed; its grammar takes a second to load, and no
# notebook has an IRI to check.
sys.modules.setdefault("rfc3987_syntax", None)

LONGEST_SOCKET = 90  # characters; the system allows a little over a hundred
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
MOST_OF_A_CAUSE = 600  # characters
UNDO: list[Callable[[], object]] = []  # what a stop must clear away, latest last
PROGRESS = "{desc} {percentage:3.0f}%|{bar:30}|"
PRELOADED = "from analysis import breakdown, charts, sentences, sheets, tables"


class NotebookFailedError(Exception):
    """A cell raised an error: the notebook, the heading above the cell, the cause; `log` has the rest."""

    def __init__(self, notebook: str, heading: str, cause: str, log: str):
        self.notebook, self.heading, self.cause, self.log = notebook, heading, cause, log
        super().__init__(f"{notebook} failed under “{heading}”: {cause}")


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


def report(name: str, title: str, parameters: dict[str, str], out: Path, figures: str, saved: dict[str, str] | None = None,
           meanwhile: Callable[[], object] | None = None) -> list[Path]:
    """Run `notebooks/<name>.ipynb` and publish `reports/<title>.*` and `figures/<figures>/*`; what was made.

    `saved` names the files under `reports` for the records of tables by their key; others go beside the figures.
    `meanwhile` is called while the kernel starts; an error that it raises ends the run.
    Raises NotebookFailedError; then, and whenever it is stopped, what was there before stays as it was.
    """
    path = NOTEBOOKS / f"{name}.ipynb"
    _check_parameters(path, parameters)
    since = time.time()
    check_writable(out)
    with ThreadPoolExecutor(1) as pool, _kernel() as manager:
        if meanwhile:
            meanwhile()
        import papermill  # noqa: F401  before the thread, so that no module is loaded by both at once

        exporters = pool.submit(import_module, "analysis.export.exporters")
        notebook = _executed(path, parameters, manager)
        run_sync(manager.signal_kernel)(signal.SIGKILL)  # it is gone by the time that the files are made
        pdf = pool.submit(lambda: exporters.result().PDFExporter().from_notebook_node(notebook)[0])
        html = exporters.result().HTMLExporter().from_notebook_node(notebook)[0]
        files = _saved_files(notebook, Path("figures") / figures, saved or {})
        listed = " ".join(sorted(place.name for place in files if place.parent == Path("figures") / figures))
        files[Path("reports") / f".{figures}-figures"] = listed.encode()  # by which make sees that one of them is gone
        files[Path("reports") / f"{title}.ipynb"] = _notebook_bytes(notebook)
        files[Path("reports") / f"{title}.pdf"] = pdf.result()
        files[Path("reports") / f"{title}.html"] = html.encode()
    _forget_other_inputs(out / "reports" / f".{title}-inputs", parameters)
    return publish(files, out, title, {Path("figures") / figures}, since)


def _forget_other_inputs(noted: Path, parameters: dict[str, str]) -> None:
    """Remove make's note of which data a report is from, if it is from other data now."""
    if noted.is_file() and parameters["data"] not in noted.read_text("utf8"):
        noted.unlink()


def publish(files: dict[Path, bytes], out: Path, title: str, owned: set[Path] = frozenset(),
            since: float | None = None) -> list[Path]:
    """Put files in their places under `out` by rename, the last one last; folders in `owned` hold nothing else after.

    Two runs of one title take turns, so that no set is mixed, and what a killed run left is removed. An error leaves the
    earlier set; a kill between two renames leaves whole files, of which the last is dated so far back that make will not
    take it for done. `since` is the date that the last one gets: what is edited while a report is made is newer than it.
    """
    check_writable(out, files)
    with _turn(out, title), _undisturbed():
        for left in out.glob(f".making-{title}.*"):
            shutil.rmtree(left, ignore_errors=True)
        stage = Path(tempfile.mkdtemp(prefix=f".making-{title}.", dir=out))
        try:
            for place, content in files.items():
                (stage / place).parent.mkdir(parents=True, exist_ok=True)
                (stage / place).write_bytes(content)
            for place in files:
                (out / place).parent.mkdir(parents=True, exist_ok=True)
            stale = [folder / path.name for folder in owned for path in (out / folder).glob("*")
                     if folder / path.name not in files and path.suffix in (".svg", ".csv")]
            last = list(files)[-1]
            if since is not None:
                os.utime(stage / last, (since, since))
            _swap(stage, out, [*files], stale)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return [out / place for place in files]


def _swap(stage: Path, out: Path, places: list[Path], stale: list[Path]) -> None:
    """Rename each file into its place, the last one when all others are there and the stale ones gone; all or none."""
    earlier = stage / "earlier"
    for place in (*places, *stale):
        if (out / place).is_file():
            (earlier / place).parent.mkdir(parents=True, exist_ok=True)
            _link(out / place, earlier / place)
    *others, last = places
    date = (out / last).stat().st_mtime if (earlier / last).exists() else 0
    moved: list[Path] = []
    try:
        if (earlier / last).exists():
            os.utime(out / last, (0, 0))
        for place in others:
            moved.append(place)
            os.replace(stage / place, out / place)
        for place in stale:
            moved.append(place)
            (out / place).unlink()
        moved.append(last)
        os.replace(stage / last, out / last)
    except BaseException:
        for place in moved:
            if (earlier / place).exists():
                os.replace(earlier / place, out / place)
            elif place in places and not (stage / place).exists():
                (out / place).unlink()
        if (out / last).is_file():
            os.utime(out / last, (date, date))
        raise


def _link(source: Path, target: Path) -> None:
    """A second name for a file, or a copy where the disk has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def check_writable(out: Path, places: Iterable[Path] = ()) -> None:
    """Make `out`, and raise OSError for it or for a folder in it that cannot be written to."""
    out.mkdir(parents=True, exist_ok=True)
    for folder in (out, out / "reports", out / "figures", *{(out / place).parent for place in places}):
        if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(folder))


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C and a polite kill wait until this is over, a few hundredths of a second."""
    came: list[int] = []
    usual = {number: signal.signal(number, lambda number, _: came.append(number))
             for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
             if threading.current_thread() is threading.main_thread()}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)


@contextlib.contextmanager
def _turn(out: Path, title: str) -> Iterator[None]:
    lock = out / f".lock-{title}"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _kernel() -> Iterator[object]:
    """A kernel that starts, and imports what notebooks need, while this process imports papermill."""
    with tempfile.TemporaryDirectory(prefix="kernel-") as folder:
        connection = os.path.join(folder, "k.json")
        manager = AsyncKernelManager(kernel_name="python3", connection_file=connection, client_factory=_Client,
                                     transport="ipc" if len(connection) < LONGEST_SOCKET else "tcp")
        manager.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]  # whatever JUPYTER_PATH has
        UNDO[:] = [lambda: shutil.rmtree(folder, ignore_errors=True), lambda: os.kill(manager.provisioner.pid, signal.SIGKILL)]
        run_sync(manager.start_kernel)(cwd=str(NOTEBOOKS), extra_arguments=[f"--IPKernelApp.exec_lines={PRELOADED}"])
        try:
            yield manager
        finally:
            with contextlib.suppress(Exception):  # it may be gone already
                run_sync(manager.shutdown_kernel)(now=True)
            UNDO.clear()


def _executed(path: Path, parameters: dict[str, str], manager: object) -> NotebookNode:
    import logging

    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it would say is in the exception
    notebook = nbformat.read(path, as_version=4)
    try:
        return papermill.execute_notebook(
            notebook, None, parameters, kernel_name="python3", km=manager, request_save_on_cell_execute=False,
            autosave_cell_every=0, progress_bar={"desc": path.stem, "leave": False, "bar_format": PROGRESS})
    except PapermillExecutionError as error:
        log = COLOURS.sub("", "\n".join([error.source, "", *error.traceback]))
        cause = f"{error.ename}: {error.evalue}".splitlines()[0][:MOST_OF_A_CAUSE]
        raise NotebookFailedError(f"notebooks/{path.name}", _heading(notebook.cells[:error.cell_index]), cause, log) from None
    except DeadKernelError as error:
        at = next((i for i, cell in enumerate(notebook.cells) if cell.metadata.get("papermill", {}).get("status") == "running"),
                  len(notebook.cells) - 1)
        raise NotebookFailedError(f"notebooks/{path.name}", _heading(notebook.cells[:at]), str(error),
                                  notebook.cells[at].source) from None


def _heading(cells: list[NotebookNode]) -> str:
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


def _saved_files(notebook: NotebookNode, folder: Path, saved: dict[str, str]) -> dict[Path, bytes]:
    """The SVG of every figure, and the CSV of the numbers of every figure and table that has some to save."""
    from analysis.export import document

    files = {}
    for block in document.of_notebook(notebook).numbered:
        if block.kind == "figure":
            files[folder / f"{block.key}.svg"] = block.svg.encode()
        if block.records or getattr(block, "fields", ()):
            place = Path("reports") / saved[block.key] if block.key in saved else folder / f"{block.key}.csv"
            files[place] = csv_bytes(block.records, getattr(block, "fields", ()))
    return files


def csv_bytes(records: list[dict], fields: Sequence[str] = ()) -> bytes:
    """Records as CSV that Excel opens: UTF-8 with BOM, one line a record, None as nothing; `fields` where there are none."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fields or records[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _notebook_bytes(notebook: NotebookNode) -> bytes:
    import nbformat

    return nbformat.writes(notebook).encode()
