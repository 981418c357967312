"""The command line: `alliance report 2017`. Exit status: 0 done, 1 the data is wrong, 2 the command is wrong, 3 anything else."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path

from analysis import DATA, ROOT
from analysis.commands import UNHEARD, CommandError, from_here, say
from analysis.messages import Said, reason
from analysis.problems import DataError
from analysis.publish import STOPS

DONE, DATA_WRONG, COMMAND_WRONG, FAILED = 0, 1, 2, 3
COMMANDS = {
    "report": "make the report of one period", "reports": "make the reports of all periods, side by side",
    "trends": "make the trend report of all periods, or of those named", "audit": "check the published report of one period",
    "transcribe": "draft the figures that a published report prints, from its text or PDF",
    "check": "read the sheet of one period and say whether it is sound", "new": "write an empty workbook to fill in",
    "check-page": "make the check as a page that needs nothing installed",
    "new-panel": "write an empty panel workbook", "intake": "write the chase list of one period",
    "assign": "draw groups of experts and write their mark sheets", "panel": "from the marks of one period to its score sheet",
    "example-panel": "make a small simulated panel to try that on",
    "pages": "make a letter to each alliance of one period, and an index", "page": "make the letter to one alliance",
    "word": "make the report of one period as a Word document", "release": "make everything that goes out, in one folder",
    "preview": "show the report of one period at a local address, made again when something is saved",
    "data": "write the tidy tables of all periods, CSV and Parquet, with a Data Package",
    "lab": "start JupyterLab at explore.ipynb",
}
MODULES = dict.fromkeys(("new-panel", "intake", "assign", "panel", "example-panel"), "analysis.panel.commands") | dict.fromkeys(
    ("pages", "page"), "analysis.pages_run") | dict.fromkeys(("word", "release"), "analysis.release") | {"preview": "analysis.preview"}


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    main = argparse.ArgumentParser(prog="alliance", description="Reports of the alliance evaluation.")
    subparsers = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, what in COMMANDS.items():
        command = subparsers.add_parser(name, help=what, description=what)
        if name == "trends":
            command.add_argument("periods", nargs="*", metavar="period", help="periods with a sheet; all where none is named")
            command.add_argument("--running", type=int, default=2, metavar="K", help="how many periods running are “again and again”")
        elif name not in ("reports", "data", "lab", "check-page"):
            command.add_argument("period", help="a period with a sheet in data/score_sheets, such as 2017")
        if name == "transcribe":
            command.add_argument("source", nargs="?", default="", metavar="report.pdf", help="the report, a PDF or a text in UTF-8")
        command.add_argument("--data", type=_folder, default=DATA, help="another data folder with the same layout")
        command.add_argument("--out", type=_place, default=ROOT, help="where reports/ and figures/ are made; for letters an address too")
    subparsers.choices["page"].add_argument("who", help="a name, an alias, or a code of that period")
    for name in ("pages", "release"):
        subparsers.choices[name].add_argument("--workers", type=int, default=0, help="processes; as many as there are cores")
        subparsers.choices[name].add_argument("--scheduler", default="", help="a Dask cluster to draw on, such as tcp://host:8786")
    for name in ("report", "word", "release"):
        subparsers.choices[name].add_argument("--pass-over-unfilled", action="store_true", help=argparse.SUPPRESS)
    subparsers.choices["panel"].add_argument("--force", action="store_true", help="replace a score sheet without asking")
    return main


def _folder(text: str) -> Path:
    return Path(os.path.abspath(Path(text).expanduser()))  # links are not followed


def _place(text: str) -> Path | str:
    return text if "://" in text else _folder(text)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit status."""
    options = parser().parse_args(arguments)
    options.changed = False
    UNHEARD.clear()
    try:
        if isinstance(options.out, str) and options.command not in ("pages", "page"):
            raise CommandError(Said("command.address", out=options.out))
        module = import_module(MODULES.get(options.command, "analysis.commands"))
        status = getattr(module, options.command.replace("-", "_"))(options) or DONE
    except DataError as error:
        say(error, *getattr(error, "__notes__", ()), to=sys.stderr)
        status = DATA_WRONG
    except CommandError as error:
        say(f"{options.command}: {error}", to=sys.stderr)
        status = COMMAND_WRONG
    except Exception as error:
        _tell(error, options)
        status = FAILED
    if UNHEARD and not isinstance(UNHEARD[0], BrokenPipeError):
        say(Said("command.unheard", command=options.command, reason=UNHEARD[0].strerror), to=sys.stderr)
        status = status or FAILED
    return status


def _tell(error: Exception, options: argparse.Namespace) -> None:
    """A few lines on the terminal, the rest in a log."""
    import traceback

    why, where = reason(error), getattr(error, "filename", None)
    earlier = "" if options.changed else Said("command.earlier")
    if isinstance(why, Said) or where:
        say(Said("command.failed", command=options.command, why=why, where=f": {where}" if where else "", earlier=earlier), to=sys.stderr)
        return
    said = str(error) if hasattr(error, "log") else Said("run.error", command=options.command, kind=type(error).__name__, said=error)
    rest = getattr(error, "log", None) or traceback.format_exc()
    title = "-".join([options.command] * (options.command != "report") + getattr(options, "period", "").split())
    log = (ROOT if isinstance(options.out, str) else options.out) / "reports" / f"{title}.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(rest, "utf8")
        rest = Said("command.rest", log=from_here(log), earlier=earlier)
    except OSError:
        pass
    say(said, rest, to=sys.stderr)


def _stop(number: int, _: object) -> None:
    """Clear away and end at once: an error raised wherever the code happens to be could wait for a lock for ever."""
    running = sys.modules.get("analysis.run")
    for undo in reversed(getattr(running, "UNDO", ())):
        with contextlib.suppress(Exception):
            undo()
    os.write(2, "\n{}\n".format(Said("run.stopped")).encode())
    os._exit(128 + number)


def script() -> None:
    """The console command `alliance`."""
    for number in STOPS:
        signal.signal(number, _stop)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")
    sys.unraisablehook = lambda _: None  # what the collector meets after an error has been told
    status = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    if threading.active_count() == 1:
        os._exit(status)  # to clear up what is loaded takes a fifth of a second
    sys.exit(status)


if __name__ == "__main__":
    script()
