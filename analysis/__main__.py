"""The command line: `python -m analysis report 2017`. Exit status: 0 done, 1 the data is wrong, 2 the command, 3 the rest."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from analysis import DATA, ROOT, registry, remarks, sheets
from analysis.problems import DataError, Problem

DONE, DATA_WRONG, COMMAND_WRONG, FAILED = 0, 1, 2, 3


class CommandError(Exception):
    """The command cannot be carried out as it was given."""


def known_period(name: str, data: Path, command: str = "report", folder: str = sheets.FOLDER) -> str:
    """The period if it has a sheet, or a workbook in another folder. Raises CommandError with those there are, and the nearest."""
    there = sheets.periods(data, folder)
    if not registry.PERIOD.fullmatch(name):
        wrong = f"{name!r} is not a period; write one like 2017 or 2020-2021" if name else f"YEAR is missing: make {command} YEAR=2017"
        raise CommandError(f"{wrong}. {_there(data, folder)}")
    if name in there:
        return name
    wanted = registry.first_year(name)
    near = min(there, key=lambda p: min(abs(int(year) - wanted) for year in p.split("-")), default="")
    hint = f" Did you mean {near}?" if near else ""
    raise CommandError(f"there is no {folder.removesuffix('s').replace('_', ' ')} for {name}.{hint} {_there(data, folder)}")


def _there(data: Path, folder: str = sheets.FOLDER) -> str:
    there, what = sheets.periods(data, folder), "sheet" if folder == sheets.FOLDER else folder
    return f"Periods with a {what}: {', '.join(there)}." if there else f"There is no {what} in {data / folder}."


def _years(period: str) -> range:
    """The years that a period's name spans."""
    return range(registry.first_year(period), int(period[-4:]) + 1)


def _problems(*readers: Callable[[], object]) -> list[Problem]:
    """Every problem that some readers find, those of the first first; an unfilled template is told alone."""
    found: list[Problem] = []
    for reader in readers:
        try:
            reader()
        except sheets.Unfilled:
            raise
        except DataError as error:
            found += error.problems
    return found


def report(options: argparse.Namespace) -> None:
    """Make the report of one period."""
    started = time.perf_counter()
    period = known_period(options.period, options.data)
    try:
        problems = _problems(lambda: sheets.read(period, options.data), lambda: remarks.read(period, options.data))
        if problems:
            raise DataError(problems)
    except sheets.Unfilled as unfilled:
        if not options.pass_over_unfilled:
            raise
        print(f"{unfilled}; passed over")
        return
    from analysis import run

    made = run.report("report", period, {"period": period, "data": str(options.data)}, options.out, period)
    _say_made(made, options.out / "figures" / period, started)


def trends(options: argparse.Namespace) -> None:
    """Make the trend report of all periods with a sheet, or of those named."""
    started = time.perf_counter()
    names = list(dict.fromkeys(known_period(name, options.data) for name in options.periods)) or sheets.periods(options.data)
    _say_misnamed(options.data)
    problems = []
    for name in [*names]:
        try:
            sheets.read(name, options.data)
        except sheets.Unfilled as unfilled:
            print(f"{unfilled}; passed over")
            names.remove(name)
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    if len(names) < 2:
        raise CommandError(f"a trend needs two periods or more. {_there(options.data)}")
    from analysis import run

    made = run.report("trends", "trends", {"periods": " ".join(names), "data": str(options.data)}, options.out, "trends")
    _say_made(made, options.out / "figures" / "trends", started)


def audit(options: argparse.Namespace) -> None:
    """Check the published report of one period: every figure that it prints, recomputed."""
    started = time.perf_counter()
    period = known_period(options.period, options.data, "audit")
    from analysis import audit, run
    from analysis.breakdown import Numbers

    def sound() -> None:
        audit.published(Numbers(sheets.read(period, options.data)))

    title = f"audit-{period}"
    made = run.report("audit", title, {"period": period, "data": str(options.data)}, options.out, title,
                      saved={"everything": f"{title}.csv"}, meanwhile=sound)
    print("\n".join(audit.summary(period, options.out / "reports" / f"{title}.csv")))
    _say_made(made, options.out / "figures" / title, started)


def check(options: argparse.Namespace) -> None:
    """Read the sheet of one period and say whether it is sound."""
    name, read = known_period(options.period, options.data, "check"), []
    problems = _problems(lambda: read.append(sheets.read(name, options.data)), lambda: remarks.read(name, options.data))
    if problems:
        raise DataError(problems)
    period = read[0]
    print(period.summary(), *(f"  {note}" for note in sheets.notes(period)), sep="\n")
    _say_misnamed(options.data)


def new(options: argparse.Namespace) -> None:
    """Write an empty workbook to fill in; one that is there is never overwritten."""
    if not options.period:
        raise CommandError("YEAR is missing: make new YEAR=2022")
    if not registry.PERIOD.fullmatch(options.period):
        raise CommandError(f"{options.period!r} is not a period; write one like 2017 or 2020-2021")
    path = sheets.path_of(options.period, options.data)
    if os.path.lexists(path):
        raise CommandError(f"{_from_here(path)} is there already and is never overwritten; fill it in, or move it away")
    from analysis import template

    template.write(options.period, options.data)
    for other, (start, end) in registry.read(options.data).dates.items():
        if {start.year, end.year} & set(_years(options.period)):
            print(f"{other} covers {start} to {end} already; the dates of {options.period} must not overlap it")
    print(f"{_from_here(path)}: fill in {sheets.SCORES} and {sheets.FACTS}, then run: make check YEAR={options.period}")


def _say_misnamed(data: Path) -> None:
    """Which workbooks beside the score sheets are no score sheet of a period."""
    for name in sheets.misnamed(data):
        print(f"{name}: is not named like 2022.xlsx or 2020-2021.xlsx; passed over")


def _say_made(made: list[Path], figures: Path, started: float) -> None:
    """What there is now, and how long it took."""
    for path in (path for path in made if path.parent.name == "reports" and not path.name.startswith(".")):
        print(f"{_from_here(path)}  {path.stat().st_size / 1e3:,.0f} kB")
    drawings = sum(path.suffix == ".svg" for path in made)
    print(f"{_from_here(figures)}/  {drawings} figure{'s' * (drawings != 1)}, each as SVG with its numbers as CSV")
    (made[-1].parent / f"{made[-1].stem}.log").unlink(missing_ok=True)
    print(f"{figures.name}: done in {time.perf_counter() - started:.1f} s")


def panel(options: argparse.Namespace) -> None:
    """From a period's panel to its score sheet and the internal report; a decision that is missing stops the score sheet."""
    started = time.perf_counter()
    from analysis import run
    from analysis.panel import sheet, workbook
    from analysis.panel.scores import Scores

    period = known_period(options.period, options.data, "panel", workbook.FOLDER)
    scores = Scores(workbook.read(period, options.data))
    waiting = any(one.open for one in scores.settled)
    place, title, content = sheets.path_of(period, options.data), f"panel-{period}", b"" if waiting else sheet.build(scores)
    same = place.exists() and place.read_bytes() == content
    if content and place.exists() and not same and not options.force:
        _ask(place)
    made = run.report("panel", title, {"period": period, "data": str(options.data)}, options.out, title,
                      {"trace": f"{title}-trace.csv"})
    if content and not same:
        sheet.put(content, place)
    _say_made(made, options.out / "figures" / title, started)
    if waiting:
        print("the list for the re-review is in the report; the score sheet waits for these decisions:", file=sys.stderr)
        scores.complete()
    listed, reviewed = len(scores.listed), sum(one.review is not None for one in scores.settled)
    print(f"{_from_here(place)}  {len(scores.settled)} evaluated, {listed} on the list, {reviewed} decided in the re-review"
          f"{', unchanged' if same else ''}")


def _ask(place: Path) -> None:
    """Let a person say whether a score sheet may be replaced. Raises CommandError where nobody says yes."""
    if not sys.stdin.isatty():
        raise CommandError(f"{_from_here(place)} is there and would change; FORCE=1 (--force) replaces it")
    if input(f"{_from_here(place)} is there and would change; replace it? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError(f"{_from_here(place)} stays as it was; nothing was made")


def example_panel(options: argparse.Namespace) -> None:
    """Make a simulated data folder whose panel settles on a period's published scores; never inside a data folder."""
    from analysis.panel import example

    period = known_period(options.period, options.data, "example-panel")
    out = ROOT / "build" / f"example-panel-{period}" if options.out == ROOT else options.out
    for data in (options.data, DATA):
        if out.resolve().is_relative_to(data.resolve()):
            raise CommandError(f"{out} lies in the data folder {data}; simulated data never goes there, name another with OUT=")
    try:
        path = example.make(period, options.data, out)
    except FileExistsError as error:
        raise CommandError(str(error)) from None
    here = _from_here(out)
    print(f"{_from_here(path)}  simulated; it settles on the published scores of {period}\n"
          f"next: make panel YEAR={period} DATA={here} OUT={here}   then: make report YEAR={period} DATA={here} OUT={here}")


def _from_here(path: Path) -> str:
    return os.path.relpath(path)


def _folder(text: str) -> Path:
    return Path(os.path.abspath(Path(text).expanduser()))  # as make has it: links are not followed


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    main = argparse.ArgumentParser(prog="python -m analysis", description="Reports of the alliance evaluation.")
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for function in (report, audit, check, new, trends, panel, example_panel):
        command = commands.add_parser(function.__name__.replace("_", "-"), help=function.__doc__)
        if function is trends:
            command.add_argument("periods", nargs="*", metavar="period", help="periods with a sheet; all where none is named")
        else:
            command.add_argument("period", help="a period with a sheet in data/score_sheets, such as 2017")
        command.add_argument("--data", type=_folder, default=DATA, help="another data folder with the same layout")
        command.add_argument("--out", type=_folder, default=ROOT, help="where reports/ and figures/ are made")
        command.set_defaults(function=function)
    commands.choices["report"].add_argument("--pass-over-unfilled", action="store_true",
                                            help="say that an unfilled template is passed over, and stop without an error")
    commands.choices["panel"].add_argument("--force", action="store_true", help="replace a score sheet without asking")
    return main


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit status."""
    options = parser().parse_args(arguments)
    try:
        options.function(options)
    except DataError as error:
        print(error, file=sys.stderr)
        return DATA_WRONG
    except CommandError as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return COMMAND_WRONG
    except OSError as error:
        reasons = {errno.ENOSPC: "the disk is full", errno.EROFS: "the folder is read-only", errno.EACCES: "permission is denied"}
        print(f"{options.command}: {reasons.get(error.errno, error.strerror or error)}: {error.filename or options.out}; "
              "nothing was changed", file=sys.stderr)
        return FAILED
    except Exception as error:
        return _failed(error, options)
    return DONE


def _stop(number: int, _: object) -> None:
    """Clear away and end at once: an error raised wherever the code happens to be could wait for a lock for ever."""
    running = sys.modules.get("analysis.run")
    for undo in reversed(getattr(running, "UNDO", ())):
        with contextlib.suppress(Exception):
            undo()
    os.write(2, b"\nstopped; every file that was there is whole\n")
    os._exit(128 + number)


def _failed(error: Exception, options: argparse.Namespace) -> int:
    """A few lines on the terminal, the rest in a log."""
    import traceback

    from analysis.run import NotebookFailedError

    if isinstance(error, NotebookFailedError):
        print(f"{error.notebook} failed\n  under: {error.heading}\n  cause: {error.cause}", file=sys.stderr)
        rest = error.log
    else:
        print(f"{options.command} failed: {type(error).__name__}: {error}", file=sys.stderr)
        rest = traceback.format_exc()
    title = "-".join([options.command] * (options.command != "report") + [options.period] * hasattr(options, "period"))
    log = options.out / "reports" / f"{title}.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(rest, "utf8")
        print(f"  the rest: {_from_here(log)}; the earlier report is as it was", file=sys.stderr)
    except OSError:
        print(rest, file=sys.stderr)
    return FAILED


if __name__ == "__main__":
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_number, _stop)
    sys.exit(main())
