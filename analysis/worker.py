"""The process that runs the cells of a notebook: IPython's shell, without a kernel, spoken to through its own pipes.

It is asked once, with the sources of all cells as one line of JSON and the sheets that have been read, pickled. It answers with
the number of each cell that begins, and last with what the cells show, as Jupyter notes it. Where cores have nothing to do,
figures are drawn in forks of it.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import io
import json
import numbers
import os
import pickle
import select
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.formatters import DisplayFormatter
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.artist import Artist
from traitlets import Type
from traitlets.config import Config

from analysis import cells, sheets
from analysis.run import spared

MOST_FORKED = 2_000  # alliances of a period: beside more, a fork takes longer than a drawing
PRELOADED = ("analysis.charts", "analysis.roster", "analysis.words")


class Drawn(dict):
    """What a fork says of a figure: to be read from a pipe once it is needed."""

    def __init__(self, child: int, receiving: int):
        super().__init__({cells.SVG: ""})
        self.child, self.receiving, self.content = child, receiving, b""

    def read(self) -> None:
        """Take what the fork said, and wait for it where it is not done."""
        if not self.content:
            with open(self.receiving, "rb") as pipe:
                self.content = pipe.read()
            os.waitpid(self.child, 0)
            if not self.content:
                raise SystemExit("the process that drew a figure died")


class Formatter(DisplayFormatter):
    """IPython's, which draws figures in forks."""

    def format(self, obj, include=None, exclude=None):
        figures = sys.modules.get("matplotlib.figure")
        if figures and isinstance(obj, figures.Figure) and _idle(self.parent.forks):
            with contextlib.suppress(OSError):  # there is no room for another process
                return self.parent.forked(lambda: super(Formatter, self).format(obj, include, exclude)), {}
        return super().format(obj, include, exclude)


class Publisher(DisplayPublisher):
    """What `display` and `show` send."""

    def publish(self, data, metadata=None, *, transient=None, update=False, **_):
        self._validate_data(data, metadata)
        self.shell.note("display_data", data, metadata, (transient or {}).get("display_id"), update)

    def clear_output(self, wait=False):
        self.shell.outputs.clear()


class Hook(DisplayHook):
    """What a cell ends with."""

    def start_displayhook(self):
        pass

    write_output_prompt = finish_displayhook = start_displayhook

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.note("execute_result", format_dict, md_dict, execution_count=self.prompt_count)


class Stream(io.TextIOBase):
    """What is printed, by cell; what follows on what was printed is one output with it."""

    encoding = "utf-8"

    def __init__(self, name: str, shell: Shell):
        self.name, self.shell = name, shell

    def write(self, text: str) -> int:
        outputs = self.shell.outputs
        if not outputs or outputs[-1].get("name") != self.name:
            outputs.append({"output_type": "stream", "name": self.name, "text": []})
        outputs[-1]["text"].append(text)
        return len(text)


class Shell(InteractiveShell):
    """IPython's shell that notes what cells show, and reads and writes nothing of the user's."""

    displayhook_class, display_pub_class = Type(Hook), Type(Publisher)
    kernel = None  # by which others know that figures are shown where they stand

    def __init__(self, **more):
        self.outputs, self.forks, self.displayed = [], [], {}
        super().__init__(ipython_dir=os.getcwd(), **more)

    def init_profile_dir(self, profile_dir):
        self.profile_dir = None

    def init_display_formatter(self):
        self.display_formatter = Formatter(parent=self)

    def enable_gui(self, gui=None):
        pass

    def showtraceback(self, exc_tuple=None, *more, **options):
        super().showtraceback(exc_tuple, *more, **options)
        if not any("ename" in output for output in self.outputs):  # a magic that does not exist; no file can be opened
            self._showtraceback(*(exc_tuple or sys.exc_info())[:2], [])

    def _showtraceback(self, etype, evalue, stb):
        said = f"exit {evalue}" if etype is SystemExit else str(evalue)  # papermill takes an exit without a number for an end
        self.outputs.append({"output_type": "error", "ename": etype.__name__, "evalue": said, "traceback": stb})

    def note(self, kind: str, data: dict, metadata: dict | None, key: str | None = None, update: bool = False, **more) -> None:
        """An output of the cell, as it is now, or what an earlier one with a key is to show instead."""
        shown = {"data": data if isinstance(data, Drawn) else _json(data), "metadata": _json(metadata or {})}
        for output in self.displayed.get(key, ()) if key else ():
            output.update(shown)
        if not update:
            self.outputs.append({"output_type": kind, **shown, **more})
            self.displayed.setdefault(key, []).append(self.outputs[-1])

    def forked(self, drawing: Callable[[], tuple[dict, dict]]) -> Drawn:
        """Draw in a fork, with what is said there."""
        receiving, sending = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of forks beside threads: ours only waits
            child = os.fork()
        if not child:
            os.close(receiving)  # or it would wait for ever to be read by a process that died
            with contextlib.suppress(BaseException), open(sending, "wb") as pipe:
                gc.disable()
                self.outputs = []
                pipe.write(json.dumps([*drawing(), self.outputs], default=_plain).encode())
            os._exit(0)
        os.close(sending)
        self.forks.append(Drawn(child, receiving))
        return self.forks[-1]

    def settled(self, outputs: list[dict]) -> list[dict]:
        """Outputs as a notebook has them, with what forks drew and said."""
        whole = []
        for output in outputs:
            if isinstance(drawn := output.get("data"), Drawn):
                drawn.read()
                data, metadata, said = json.loads(drawn.content)
                whole += self.settled(said) + [output | {"data": data, "metadata": metadata | output["metadata"]}] * bool(data)
            else:
                whole.append(output | ({"text": "".join(output["text"])} if "text" in output else {}))
        return whole

    def answer(self, sources: list[str], told: Callable[[object], None]) -> None:
        """Run cells until one fails: tell the number of each, and then what all show."""
        run = []
        for place, source in enumerate(sources):
            told(place)
            if source.strip():
                run.append((place, self.execution_count, outputs := []))
                self.outputs = outputs
                self.run_cell(source, store_history=True)
                if any("ename" in output for output in outputs):
                    break
        told([(place, count, self.settled(outputs)) for place, count, outputs in run])


def _idle(forks: list[Drawn]) -> bool:
    """Whether a fork helps: it takes more work, but on a core that has nothing to do. What macOS draws with, or threads beside the one
    that waits, cannot be forked."""
    drawing = [fork.receiving for fork in forks if not fork.content]
    return (sys.platform == "linux" and hasattr(os, "fork") and os.getloadavg()[0] < (os.cpu_count() or 1) + 1
            and len(drawing) - len(select.select(drawing, [], [], 0)[0]) < (os.cpu_count() or 1) - 1
            and threading.active_count() == 2 and all(len(sheet.evaluated) < MOST_FORKED for sheet in sheets.GIVEN.values()))


def _json(item: dict) -> dict:
    return json.loads(json.dumps(item, default=_plain))


def _plain(item: object) -> object:
    """What JSON does not know: bytes in base 64, numbers of numpy's."""
    if isinstance(item, bytes):
        return base64.b64encode(item).decode()
    if isinstance(item, numbers.Number):
        return int(item) if isinstance(item, numbers.Integral) else float(item)
    raise TypeError(f"{type(item).__name__} is no JSON")


def main() -> None:
    """Answer, and end with the process that asks, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asks has it
    asked, answers = open(os.dup(0), "rb"), open(os.dup(1), "wb")  # noqa: SIM115
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    notebook = Path(sys.argv[1])
    os.chdir(notebook.parent)
    with spared(*["pyarrow"] * (b"pyarrow" not in notebook.read_bytes())):  # pandas loads it where it can
        Artist._update_set_signature_and_docstring = classmethod(lambda _: None)  # it documents each kind of artist, for nobody
        shell = Shell.instance(config=Config(HistoryManager={"enabled": False, "hist_file": ":memory:"}))
        cells.register(shell)
        with contextlib.suppress(Exception):  # the cell that needs it tells
            list(map(import_module, PRELOADED))
        if sources := asked.readline():
            sheets.GIVEN.update(pickle.load(asked))
    if sources:
        threading.Thread(target=lambda: (asked.read(), os._exit(1)), daemon=True).start()
        sys.stdout, sys.stderr = Stream("stdout", shell), Stream("stderr", shell)
        shell.answer(json.loads(sources), lambda what: (answers.write(json.dumps(what).encode() + b"\n"), answers.flush()))
    os._exit(0)
