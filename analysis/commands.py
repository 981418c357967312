"""What each command does: looks whether anything is to be done, checks, runs a notebook, and says what was made."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from analysis import NOTEBOOKS, ROOT, record
from analysis.problems import DataError
from analysis.registry import PERIOD, first_year

SHEETS = "score_sheets"
UNHEARD: list[OSError] = []  # what kept the terminal from being written to
ADDED_IN_USE = [*(f"metadata.language_info.{key}" for key in (  # what JupyterLab writes into a notebook that it saves
    "codemirror_mode", "file_extension", "mimetype", "nbconvert_exporter", "pygments_lexer", "version")),
    "cell.metadata.editable", "cell.metadata.slideshow"]


class CommandError(Exception):
    """The command cannot be carried out as it was given."""


def say(*lines: object, to=None) -> None:
    """Print lines; where nobody can read them, the disk being full or the pipe closed, the work goes on."""
    stream = to or sys.stdout
    try:
        print(*lines, sep="\n", file=stream, flush=True)
    except OSError as error:
        UNHEARD.append(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def from_here(path: Path) -> str:
    """A path as it is typed from the folder of the command."""
    try:
        return os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)


def known_period(name: str, data: Path, command: str = "report", folder: str = SHEETS) -> str:
    """The period if it has a sheet, or a workbook in another folder. Raises CommandError with those there are, and the nearest."""
    from analysis import sheets

    there = sheets.periods(data, folder)
    what = "sheet" if folder == SHEETS else folder
    listed = f"Periods with a {what}: {', '.join(there)}." if there else f"There is no {what} in {data / folder}."
    if not PERIOD.fullmatch(name):
        wrong = f"{name!r} is not a period; write one like 2017 or 2020-2021" if name else f"YEAR is missing: make {command} YEAR=2017"
        raise CommandError(f"{wrong}. {listed}")
    if name not in there:
        near = min(there, key=lambda p: min(abs(int(year) - first_year(name)) for year in p.split("-")), default="")
        hint = f" Did you mean {near}?" if near else ""
        raise CommandError(f"there is no {folder.removesuffix('s').replace('_', ' ')} for {name}.{hint} {listed}")
    return name


def checked(period: str, data: Path):
    """The score sheet of a period, where the remarks on it are sound too. Raises DataError with every problem of both."""
    from analysis import remarks, sheets

    read, problems = [], []
    for reader in (sheets.read, remarks.read):
        try:
            read.append(reader(period, data))
        except sheets.Unfilled:
            raise
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return read[0]


def up_to_date(options: Namespace, notebook: str, periods: list[str], title: str) -> bool:
    """Whether a report is made of what is there; then a line says so. What it is to be made of is kept in `options`."""
    options.state = record.state(notebook, periods, options.data) if all(map(PERIOD.fullmatch, periods)) else {}
    if not record.holds(options.out, title, options.state):
        return False
    say(f"{title}: nothing to do; {from_here(options.out / 'reports' / title)}.html and .pdf are up to date")
    return True


def make(options: Namespace, notebook: str, title: str, parameters: dict[str, str], **more) -> None:
    """Run a notebook, and say what there is now and how long it took."""
    started = time.perf_counter()
    from analysis import run

    made, notes = run.report(notebook, title, {**parameters, "data": str(options.data)}, options.out, options.state, **more)
    options.changed = True
    reports, figures = options.out / "reports", options.out / "figures" / title
    (reports / f"{title}.log").unlink(missing_ok=True)
    drawings = sum(path.suffix == ".svg" for path in made)
    say(*(f"{from_here(path)}  {path.stat().st_size / 1e3:,.0f} kB" for path in made if path.parent == reports),
        f"{from_here(figures)}/  {drawings} figure{'s' * (drawings != 1)}, each as SVG with its numbers as CSV",
        *(f"  {note}" for note in notes), f"{title}: done in {time.perf_counter() - started:.1f} s")


def report(options: Namespace) -> None:
    """Make the report of one period."""
    if up_to_date(options, "report", [options.period], options.period):
        return
    period = known_period(options.period, options.data)
    from analysis.sheets import Unfilled

    try:
        make(options, "report", period, {"period": period}, meanwhile=lambda: checked(period, options.data) and None)
    except Unfilled as unfilled:
        if not options.pass_over_unfilled:
            raise
        say(f"{unfilled}; passed over")


def reports(options: Namespace) -> int:
    """Make the reports of all periods, side by side; the highest exit status."""
    stale = [period for period in all_periods(options.data) if not up_to_date(options, "report", [period], period)]

    def one(period: str) -> subprocess.CompletedProcess:
        words = ["report", period, "--pass-over-unfilled", "--data", str(options.data), "--out", str(options.out)]
        return subprocess.run([sys.executable, "-m", "analysis", *words], capture_output=True, text=True, encoding="utf8",
                              env={**os.environ, "PYTHONIOENCODING": "utf8"}, check=False)

    status = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in as_completed([pool.submit(one, period) for period in stale]):
            for said, stream in ((done.result().stdout, sys.stdout), (done.result().stderr, sys.stderr)):
                if said:
                    say(said.rstrip(), to=stream)
            status = max(status, done.result().returncode)
    return status


def all_periods(data: Path) -> list[str]:
    """The periods with a sheet; what else lies beside the sheets is named. Raises CommandError where there is none."""
    from analysis import sheets

    for name in sheets.misnamed(data):
        say(f"{name}: is not named like 2022.xlsx or 2020-2021.xlsx; passed over")
    if periods := sheets.periods(data):
        return periods
    raise CommandError(f"there is no sheet in {data / SHEETS}; start with make new YEAR=2022 (alliance new 2022)")


def trends(options: Namespace) -> None:
    """Make the trend report of all periods with a sheet, or of those named."""
    names = sorted({name for words in options.periods for name in words.split()}) or all_periods(options.data)
    if up_to_date(options, "trends", names, "trends"):
        return
    names = [known_period(name, options.data, "trends") for name in names]
    make(options, "trends", "trends", {"periods": ""}, meanwhile=lambda: {"periods": " ".join(_sound(names, options.data))})


def _sound(names: list[str], data: Path) -> list[str]:
    """The periods without those that nobody has filled in. Raises DataError, with the way around it, for what is wrong in any."""
    from analysis import sheets

    sound, problems = [], []
    for name in names:
        try:
            sheets.read(name, data)
            sound.append(name)
        except sheets.Unfilled as unfilled:
            say(f"{unfilled}; passed over")
        except DataError as error:
            problems += error.problems
    if problems:
        wrong = DataError(problems)
        if len(sound) > 1:
            wrong.add_note(f'or leave it out: make trends PERIODS="{" ".join(sound)}" (alliance trends {" ".join(sound)})')
        raise wrong
    if len(sound) < 2:
        raise CommandError(f"a trend needs two periods or more; there is a filled sheet for {', '.join(sound) or 'none'}")
    return sound


def audit(options: Namespace) -> None:
    """Check the published report of one period: every figure that it prints, recomputed."""
    title = f"audit-{options.period}"
    if up_to_date(options, "audit", [options.period], title):
        return
    period = known_period(options.period, options.data, "audit")
    from analysis import audit

    make(options, "audit", title, {"period": period}, saved={"everything": f"{title}.csv"},
         meanwhile=lambda: audit.published(period, options.data))
    say(*audit.summary(period, options.out / "reports" / f"{title}.csv"))


def check(options: Namespace) -> None:
    """Read the sheet of one period and say whether it is sound."""
    from analysis import sheets

    period = checked(known_period(options.period, options.data, "check"), options.data)
    say(period.summary(), *(f"  {note}" for note in sheets.notes(period)))
    all_periods(options.data)


def new(options: Namespace) -> None:
    """Write an empty workbook to fill in; one that is there is never overwritten."""
    from analysis import registry, sheets, template

    if not PERIOD.fullmatch(options.period):
        raise CommandError(f"{options.period!r} is not a period; write one like 2017 or 2020-2021" if options.period
                           else "YEAR is missing: make new YEAR=2022")
    path = sheets.path_of(options.period, options.data)
    if os.path.lexists(path):
        raise CommandError(f"{from_here(path)} is there already and is never overwritten; fill it in, or move it away")
    template.write(options.period, options.data)
    years = range(first_year(options.period), int(options.period[-4:]) + 1)
    for other, (start, end) in registry.read(options.data).dates.items():
        if start.year in years or end.year in years:
            say(f"{other} covers {start} to {end} already; the dates of {options.period} must not overlap it")
    say(f"{from_here(path)}: fill in {sheets.SCORES} and {sheets.FACTS}, then run: make check YEAR={options.period}")


def data(options: Namespace) -> None:
    """Write the tidy tables of all periods with a filled sheet."""
    from analysis import publish, roster, tidy

    all_periods(options.data)
    made = {publish.REPORTS / "data" / name: content for name, content in tidy.files(roster.read_sheets("", options.data)).items()}
    say(*(f"{from_here(path)}  {path.stat().st_size / 1e3:,.0f} kB" for path in publish.publish(made, options.out, "data")))


def lab(_: Namespace) -> int:
    """Start JupyterLab at explore.ipynb."""
    keep_outputs_out_of_git()
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(NOTEBOOKS / "explore.ipynb")])


def keep_outputs_out_of_git(folder: Path = ROOT) -> None:
    """Set up the filter that .gitattributes names, so that a notebook that ran is no change; nothing where there is no git."""
    strip = f'"{Path(sys.executable).as_posix()}" -m nbstripout --keep-id --extra-keys "{" ".join(ADDED_IN_USE)}"'
    with contextlib.suppress(OSError):
        for key, value in (("clean", strip), ("smudge", "cat")):
            subprocess.run(["git", "config", f"filter.nbstripout.{key}", value], cwd=folder, capture_output=True, check=False)
