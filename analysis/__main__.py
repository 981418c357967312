"""The command line: `alliance report 2017`. Exit status: 0 done, 1 the data is wrong, 2 the command is wrong, 3 anything else."""

from __future__ import annotations

import os
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import DATA, ROOT, run
from analysis.messages import Said, reason
from analysis.publish import REPORTS, STOPS

if TYPE_CHECKING:
    import argparse

DONE, DATA_WRONG, COMMAND_WRONG, FAILED = 0, 1, 2, 3
COMMANDS = {  # the module and the arguments of each, and what it is for
    "report": ("analysis.commands", "period", "make the report of one period"),
    "reports": ("analysis.commands", "", "make the reports of all periods, side by side"),
    "trends": ("analysis.commands", "periods --running", "make the trend report of all periods, or of those named"),
    "audit": ("analysis.commands", "period", "check the published report of one period"),
    "transcribe": ("analysis.commands", "period source", "draft the figures that a published report prints, from its text or PDF"),
    "check": ("analysis.commands", "period", "read the sheet of one period and say whether it is sound"),
    "new": ("analysis.commands", "period", "write an empty workbook to fill in"),
    "check-page": ("analysis.commands", "", "make the check as a page that needs nothing installed"),
    "new-panel": ("analysis.panel.commands", "period", "write an empty panel workbook"),
    "intake": ("analysis.panel.commands", "period", "write the chase list of one period"),
    "assign": ("analysis.panel.commands", "period", "draw groups of experts and write their mark sheets"),
    "panel": ("analysis.panel.commands", "period --force", "from the marks of one period to its score sheet"),
    "example-panel": ("analysis.panel.commands", "period", "make a small simulated panel to try that on"),
    "pages": ("analysis.pages_run", "period --workers --scheduler", "make a letter to each alliance of one period, and an index"),
    "page": ("analysis.pages_run", "period who", "make the letter to one alliance"),
    "word": ("analysis.release", "period", "make the report of one period as a Word document"),
    "release": ("analysis.release", "period --workers --scheduler", "make everything that goes out, in one folder"),
    "preview": ("analysis.preview", "period", "show the report of one period at a local address, made again when something is saved"),
    "data": ("analysis.commands", "", "write the tidy tables of all periods, CSV and Parquet, with a Data Package"),
    "lab": ("analysis.commands", "", "start JupyterLab at explore.ipynb"),
}
ARGUMENTS = {
    "period": {"nargs": "?", "default": "", "help": "a period with a sheet in data/score_sheets, such as 2017"},
    "periods": {"nargs": "*", "metavar": "period", "help": "periods with a sheet; all where none is named"},
    "source": {"nargs": "?", "default": "", "metavar": "report.pdf", "help": "the report, a PDF or a text in UTF-8"},
    "who": {"help": "a name, an alias, or a code of that period"},
    "--running": {"type": int, "default": 2, "metavar": "K", "help": "how many periods running are “again and again”"},
    "--force": {"action": "store_true", "help": "replace a score sheet without asking"},
    "--workers": {"type": int, "default": 0, "help": "processes; as many as there are cores"},
    "--scheduler": {"default": "", "help": "a Dask cluster to draw on, such as tcp://host:8786"},
}


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    import argparse

    main = argparse.ArgumentParser(prog="alliance", description="Reports of the alliance evaluation.")
    subparsers = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, words, what) in COMMANDS.items():
        command = subparsers.add_parser(name, help=what, description=what)
        command.set_defaults(module=module)
        for word in words.split():
            command.add_argument(word, **ARGUMENTS[word])
        command.add_argument("--data", type=_folder, default=DATA, help="another data folder with the same layout")
        command.add_argument("--out", type=_place, default=ROOT, help="where reports/ and figures/ are made; for letters an address too")
    return main


def _folder(text: str) -> Path:
    return Path(os.path.abspath(Path(text).expanduser()))  # links are not followed


def _place(text: str) -> Path | str:
    return text if "://" in text else _folder(text)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit status."""
    from analysis.commands import CommandError, say
    from analysis.problems import DataError

    options = parser().parse_args(arguments)
    try:
        if isinstance(options.out, str) and options.command not in ("pages", "page"):
            raise CommandError(Said("command.address", out=options.out))
        return getattr(import_module(options.module), options.command.replace("-", "_"))(options) or DONE
    except DataError as error:
        say(error, *getattr(error, "__notes__", ()), to=sys.stderr)
        return DATA_WRONG
    except CommandError as error:
        say(f"{options.command}: {error}", to=sys.stderr)
        return COMMAND_WRONG
    except Exception as error:
        _tell(error, options)
        return FAILED
    finally:
        run.stop()


def _tell(error: Exception, options: argparse.Namespace) -> None:
    """A few lines on the terminal, the rest in a log."""
    import traceback

    from analysis.commands import from_here, say

    if why := reason(error):
        where = getattr(error, "filename2", None) or getattr(error, "filename", None)  # the place that could not be renamed to
        say(Said("command.failed", command=options.command, why=why, where=f": {where}" if where else ""), to=sys.stderr)
        return
    said = str(error) if hasattr(error, "log") else Said("run.error", command=options.command, kind=type(error).__name__, said=error)
    rest = getattr(error, "log", None) or traceback.format_exc()
    title = "-".join([options.command] * (options.command != "report") + getattr(options, "period", "").split())
    log = (ROOT if isinstance(options.out, str) else options.out) / REPORTS / f"{title}.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(rest, "utf8")
        rest = Said("command.rest", log=from_here(log))
    except OSError:
        pass
    say(said, rest, to=sys.stderr)


def _stop(number: int, _: object) -> None:
    """End at once: an error raised wherever the code happens to be could wait for a lock for ever. The cells' process ends by itself."""
    os.write(2, "\n{}\n".format(Said("run.stopped")).encode())
    os._exit(128 + number)


def script() -> None:
    """The console command `alliance`."""
    for number in STOPS:
        signal.signal(number, _stop)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")
    status = main()
    if threading.active_count() == 1:
        os._exit(status)  # to clear up what is loaded takes a fifth of a second
    sys.exit(status)


if __name__ == "__main__":
    script()
