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

from analysis import NOTEBOOKS, ROOT, links, record
from analysis.messages import CHINESE, Said, language
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
    what = Said("command.sheet" if folder == SHEETS else "command.panel")
    listed = Said("command.periods", what=what, periods=there) if there else Said("command.empty", what=what, folder=str(data / folder))
    if not PERIOD.fullmatch(name):
        raise CommandError(Said("command.then", said=no_period(name, command), more=listed))
    if name not in there:
        near = min(there, key=lambda p: min(abs(int(year) - first_year(name)) for year in p.split("-")), default="")
        what = Said("command.score_sheet" if folder == SHEETS else "command.panel")
        raise CommandError(Said("command.unknown", what=what, period=name, near=near and Said("command.near", near=near), more=listed))
    return name


def no_period(name: str, command: str, year: str = "2017") -> Said:
    return Said("command.period", name=repr(name)) if name else Said("command.year", command=command, year=year)


def up_to_date(options: Namespace, notebook: str, periods: list[str], title: str) -> bool:
    """Whether a report is made of what is there; then a line says so. What it is to be made of is kept in `options`."""
    options.state = record.state(notebook, periods, options.data) if all(map(PERIOD.fullmatch, periods)) else {}
    if not options.state:
        return False
    options.state |= {"running": options.running} if "running" in options else {}
    if not record.holds(options.out, title, options.state):
        return False
    links.refresh(options.out)
    say(Said("command.nothing", title=title, path=from_here(options.out / "reports" / title)))
    return True


def make(options: Namespace, notebook: str, title: str, parameters: dict[str, str], **more) -> None:
    """Run a notebook, and say what there is now and how long it took."""
    started = time.perf_counter()
    from analysis import run

    made, notes = run.report(notebook, title, {**parameters, "data": str(options.data)}, options.out, options.state, **more)
    options.changed = True
    links.refresh(options.out)
    reports, figures = options.out / "reports", options.out / "figures" / title
    (reports / f"{title}.log").unlink(missing_ok=True)
    drawings = sum(path.suffix == ".svg" for path in made)
    say(*(f"{from_here(path)}  {path.stat().st_size / 1e3:,.0f} kB" for path in made if path.parent == reports),
        Said("command.figure" if drawings == 1 else "command.figures", folder=from_here(figures), number=drawings),
        *(f"  {note}" for note in notes), Said("command.done", title=title, seconds=f"{time.perf_counter() - started:.1f}"))


def report(options: Namespace) -> None:
    """Make the report of one period."""
    if up_to_date(options, "report", [options.period], options.period):
        return
    period = known_period(options.period, options.data)
    from analysis.check import read as check_period
    from analysis.sheets import Unfilled

    try:
        make(options, "report", period, {"period": period}, meanwhile=lambda: check_period(period, options.data) and None)
    except Unfilled as unfilled:
        if not options.pass_over_unfilled:
            raise
        say(Said("command.over", what=str(unfilled)))


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
        say(Said("command.misnamed", name=name))
    if periods := sheets.periods(data):
        return periods
    raise CommandError(Said("command.none", folder=str(data / SHEETS)))


def trends(options: Namespace) -> None:
    """Make the trend report of all periods with a sheet, or of those named."""
    names = sorted({name for words in options.periods for name in words.split()}) or all_periods(options.data)
    if up_to_date(options, "trends", names, "trends"):
        return
    names = [known_period(name, options.data, "trends") for name in names]
    make(options, "trends", "trends", {"periods": "", "running": str(options.running)},
         meanwhile=lambda: {"periods": " ".join(_sound(names, options.data))})


def _sound(names: list[str], data: Path) -> list[str]:
    """The periods without those that nobody has filled in. Raises DataError, with the way around it, for what is wrong in any."""
    from analysis import sheets

    sound, problems, known = [], [], None
    for name in names:
        try:
            known = sheets.read(name, data, known).registry
            sound.append(name)
        except sheets.Unfilled as unfilled:
            say(Said("command.over", what=str(unfilled)))
        except DataError as error:
            problems += error.problems
    if problems:
        wrong = DataError(problems)
        if len(sound) > 1:
            wrong.add_note(str(Said("command.around", periods=" ".join(sound))))
        raise wrong
    if len(sound) < 2:
        raise CommandError(Said("command.few", periods=sound or Said("command.no")))
    return sound


def audit(options: Namespace) -> None:
    """Check the published report of one period: every figure that it prints, recomputed."""
    title = f"audit-{options.period}"
    if up_to_date(options, "audit", [options.period], title):
        return
    period = known_period(options.period, options.data, "audit")
    from analysis import audit

    make(options, "audit", title, {"period": period}, parts={"errata": f"errata-{period}"},
         saved={"everything": f"{title}.csv", "errata": f"errata-{period}.csv"},
         meanwhile=lambda: audit.published(period, options.data))
    say(*audit.summary(period, options.out / "reports" / f"{title}.csv"))


def transcribe(options: Namespace) -> None:
    """Draft the published figures of a period from the text of its report; a file that is there is never overwritten."""
    from analysis import transcribe

    if not PERIOD.fullmatch(options.period) or not options.source:
        raise CommandError(Said("command.from"))
    path, source = options.data / "published" / f"{options.period}.csv", Path(options.source).expanduser()
    if os.path.lexists(path):
        raise CommandError(Said("command.kept", path=from_here(path)))
    if not source.is_file():
        raise CommandError(Said("command.file", path=options.source))
    drafted = transcribe.draft(transcribe.text_of(source), options.period, options.data)
    if not drafted:
        raise CommandError(Said("command.unread", path=options.source))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")  # so that a full disk leaves no half of it
    part.write_bytes(transcribe.written(drafted))
    part.rename(path)
    sure = sum(float(row["confidence"]) >= transcribe.TRUSTED for row in drafted)
    say(Said("command.drafted", path=from_here(path), rows=len(drafted), sure=sure, period=options.period))


def check(options: Namespace) -> int:
    """Read the sheet of one period and say whether it is sound; where it is not, leave a marked copy of it."""
    from analysis import check, publish, sheets

    name, problems, notes = known_period(options.period, options.data, "check"), [], []
    try:
        period = check.read(name, options.data)
        notes = sheets.notes(period)
        say(period.summary(), *(f"  {note}" for note in notes))
        all_periods(options.data)
    except DataError as error:
        problems = error.problems
        say(error, to=sys.stderr)
    made, folder = check.files(name, options.data, problems, notes), options.out / publish.REPORTS
    for file, content in made.items():
        publish.put(folder / file, content)
    if (copy := f"{name}-check.xlsx") in made:
        say(Said("command.marked", path=from_here(folder / copy)))
    else:
        (folder / copy).unlink(missing_ok=True)
    return bool(problems)


def check_page(options: Namespace) -> None:
    """Make the check as a page that needs nothing installed."""
    from analysis import check_page, publish

    folder = publish.REPORTS / "check-page"
    try:
        made = {folder / name: content for name, content in check_page.files(options.data).items()}
    except check_page.MissingError as error:
        raise CommandError(str(error)) from None
    publish.publish(made, options.out, "check-page")
    say(Said("command.page", path=from_here(options.out / folder), size=f"{sum(map(len, made.values())) / 1e6:.1f}"))


def new(options: Namespace) -> None:
    """Write an empty workbook to fill in; one that is there is never overwritten."""
    from analysis import registry, sheets, template

    if not PERIOD.fullmatch(options.period):
        raise CommandError(no_period(options.period, "new", "2022"))
    path = sheets.path_of(options.period, options.data)
    if os.path.lexists(path):
        raise CommandError(Said("command.there", path=from_here(path)))
    template.write(options.period, options.data)
    years = range(first_year(options.period), int(options.period[-4:]) + 1)
    for other, (start, end) in registry.read(options.data).dates.items():
        if start.year in years or end.year in years:
            say(Said("command.covers", other=other, start=start, end=end, period=options.period))
    say(Said("command.fill", path=from_here(path), sheets=[sheets.SCORES, sheets.FACTS], period=options.period))


def data(options: Namespace) -> None:
    """Write the tidy tables of all periods with a filled sheet."""
    from analysis import publish, roster, tidy

    all_periods(options.data)
    made = {publish.REPORTS / "data" / name: content for name, content in tidy.files(roster.read_sheets("", options.data)).items()}
    say(*(f"{from_here(path)}  {path.stat().st_size / 1e3:,.0f} kB" for path in publish.publish(made, options.out, "data")))


def lab(_: Namespace) -> int:
    """Start JupyterLab at explore.ipynb, in Chinese where the system is."""
    keep_outputs_out_of_git()
    hook = f"--FileContentsManager.post_save_hook={__name__}.settle"
    chinese = [f"--LabApp.app_settings_dir={ROOT / 'analysis' / 'style' / 'lab'}"] * (language() == CHINESE)
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(NOTEBOOKS / "explore.ipynb"), hook, *chinese])


def settle(os_path: str, model: dict | None = None, contents_manager: object = None) -> None:
    """After JupyterLab has saved a notebook: let git see that nothing but its outputs changed, which it does not by itself."""
    with contextlib.suppress(OSError):
        if not subprocess.run(["git", "diff", "--quiet", os_path], cwd=Path(os_path).parent, capture_output=True, check=False).returncode:
            subprocess.run(["git", "add", "--update", os_path], cwd=Path(os_path).parent, capture_output=True, check=False)


def keep_outputs_out_of_git(folder: Path = ROOT) -> None:
    """Set up the filter that .gitattributes names, so that a notebook that ran is no change; nothing where there is no git."""
    strip = f'"{Path(sys.executable).as_posix()}" -m nbstripout --keep-id --extra-keys "{" ".join(ADDED_IN_USE)}"'
    with contextlib.suppress(OSError):
        for key, value in (("clean", strip), ("smudge", "cat")):
            subprocess.run(["git", "config", f"filter.nbstripout.{key}", value], cwd=folder, capture_output=True, check=False)
