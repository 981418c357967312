"""What each command does: looks whether anything is to be done, checks, runs a notebook, and says what was made."""

from __future__ import annotations

import contextlib
import csv
import os
import subprocess
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import NOTEBOOKS, ROOT, links, record, run
from analysis.messages import CHINESE, Said, language
from analysis.problems import DataError, Problem
from analysis.publish import FIGURES, REPORTS, publish, put
from analysis.registry import PERIOD, first_year

if TYPE_CHECKING:
    from analysis.sheets import Period

SHEETS = "score_sheets"
AUDITED = {  # what the terminal calls the number of each verdict, and a row of those that are wrong or for the author to decide
    "agrees": ("agree", ""), "differs": ("differ", "published.differs"), "does not close": ("open", "published.open"),
    "a reading": ("readings", "published.reading"), "cannot be verified": ("unverified", "")}
ADDED_IN_USE = [*(f"metadata.language_info.{key}" for key in (  # what JupyterLab writes into a notebook that it saves
    "codemirror_mode", "file_extension", "mimetype", "nbconvert_exporter", "pygments_lexer", "version")),
    "cell.metadata.editable", "cell.metadata.slideshow"]


class CommandError(Exception):
    """The command cannot be carried out as it was given."""


def say(*lines: object, to=None) -> None:
    """Print lines, at once."""
    print(*lines, sep="\n", file=to or sys.stdout, flush=True)


def from_here(path: Path) -> str:
    """A path as it is typed from the folder of the command."""
    try:
        return os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)


def with_size(path: Path) -> str:
    """A file that was made, as a command names it."""
    return f"{from_here(path)}  {path.stat().st_size / 1e3:,.0f} kB"


def must_be_period(name: str, more: object = "") -> None:
    """Raise CommandError for what is not written like a period."""
    if not PERIOD.fullmatch(name):
        raise CommandError(Said("command.period", name=repr(name), more=more) if name else Said("command.year", more=more))


def known_period(name: str, data: Path, folder: str = SHEETS) -> str:
    """The period if it has a sheet, or a workbook in another folder. Raises CommandError with those there are, and the nearest."""
    from analysis import sheets

    there, what = sheets.periods(data, folder), Said("command.sheet" if folder == SHEETS else "command.panel")
    if name not in there:
        listed = Said("command.periods", what=what, periods=there) if there else Said("command.empty", what=what, folder=str(data / folder))
        must_be_period(name, listed)
        near = min(there, key=lambda p: min(abs(int(year) - first_year(name)) for year in p.split("-")), default="")
        raise CommandError(Said("command.unknown", what=what, period=name, near=near and Said("command.near", near=near), more=listed))
    return name


def all_periods(data: Path) -> list[str]:
    """The periods with a sheet; what else lies beside the sheets is named. Raises CommandError where there is none."""
    from analysis import sheets

    for name in sheets.misnamed(data):
        say(Said("command.misnamed", name=name))
    if periods := sheets.periods(data):
        return periods
    raise CommandError(Said("command.none", folder=str(data / SHEETS)))


def out_of_date(options: Namespace, notebook: str, periods: list[str], title: str, **more: object) -> dict[str, object] | None:
    """What a report is to be made of, where it is not made of that; else a line says so."""
    if record.older(options.out, title, notebook, periods, options.data):
        run.start(NOTEBOOKS / f"{notebook}.ipynb")
    state = record.state(notebook, periods, options.data) | more
    if not record.holds(options.out, title, state):
        return state
    links.refresh(options.out)
    say(Said("command.nothing", title=title, path=from_here(options.out / REPORTS / title)))
    return None


def make(options: Namespace, notebook: str, title: str, parameters: dict[str, str], state: dict[str, object],
         read: Callable[[], list[Period]] = list, **more) -> None:
    """Run a notebook, and say what there is now and how long it took."""
    started = time.perf_counter()
    made, notes = run.report(notebook, title, parameters, options.data, options.out, state, read, **more)
    links.refresh(options.out)
    reports, figures = options.out / REPORTS, options.out / FIGURES / title
    (reports / f"{title}.log").unlink(missing_ok=True)
    say(*(with_size(path) for path in made if path.parent == reports),
        Said("command.figures", folder=from_here(figures), number=sum(path.suffix == ".svg" for path in made)),
        *(f"  {note}" for note in notes), Said("command.done", title=title, seconds=f"{time.perf_counter() - started:.1f}"))


def report(options: Namespace) -> None:
    """Make the report of one period."""
    if state := out_of_date(options, "report", [options.period], options.period):
        period = known_period(options.period, options.data)
        make(options, "report", period, {"period": period}, state, lambda: _checked(period, options.data))


def _checked(period: str, data: Path) -> list[Period]:
    """The sheet of a period, and that of the one before. Raises DataError with every problem of it and of its remarks."""
    from analysis import check, sheets

    sheet = check.read(period, data)
    return [sheet, *filter(None, [sheets.before(sheet)])]


def reports(options: Namespace) -> int:
    """Make the reports of all periods whose sheet is filled in, side by side; the highest exit status."""
    from concurrent.futures import ThreadPoolExecutor

    from analysis import sheets

    all_periods(options.data)
    filled, unfilled = sheets.filled_periods(options.data)
    for name in unfilled:
        say(Said("command.over", what=Problem.of(Said("file.unfilled"), f"{name}.xlsx")))
    words = [sys.executable, "-m", "analysis", "report", "--data", str(options.data), "--out", str(options.out)]

    def one(period: str) -> int:
        done = subprocess.run([*words, period], stderr=subprocess.PIPE, text=True, check=False)
        sys.stderr.write(done.stderr)
        return done.returncode

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return max(pool.map(one, filled), default=0)


def trends(options: Namespace) -> None:
    """Make the trend report of all periods with a sheet, or of those named."""
    if options.running < 2:
        raise CommandError(Said("command.running", number=options.running))
    names = sorted({name for words in options.periods for name in words.split()}) or all_periods(options.data)
    if state := out_of_date(options, "trends", names, "trends", running=options.running):
        names = [known_period(name, options.data) for name in names]
        parameters = {"periods": "", "running": str(options.running)}
        make(options, "trends", "trends", parameters, state, lambda: _sound(names, options.data, parameters))


def _sound(names: list[str], data: Path, parameters: dict[str, str]) -> list[Period]:
    """The sheets without those that nobody has filled in. Raises DataError, with the way around it, for what is wrong in any."""
    from analysis import sheets

    sound, problems, known = [], [], None
    for name in names:
        try:
            sound.append(sheets.read(name, data, known))
            known = sound[-1].registry
        except sheets.Unfilled as unfilled:
            say(Said("command.over", what=str(unfilled)))
        except DataError as error:
            problems += error.problems
    if problems:
        wrong = DataError(problems)
        if len(sound) > 1:
            wrong.add_note(str(Said("command.around", periods=" ".join(sheet.name for sheet in sound))))
        raise wrong
    if len(sound) < 2:
        raise CommandError(Said("command.few", periods=[sheet.name for sheet in sound] or Said("command.no")))
    parameters["periods"] = " ".join(sheet.name for sheet in sound)
    return sound


def audit(options: Namespace) -> None:
    """Check the published report of one period: every figure that it prints, recomputed."""
    title, corrections = f"audit-{options.period}", f"errata-{options.period}"
    if state := out_of_date(options, "audit", [options.period], title):
        period = known_period(options.period, options.data)
        from analysis import sheets

        def read() -> list[Period]:
            sheet = sheets.read(period, options.data)
            return [sheet, *sheets.others(sheet)[0]]

        try:
            make(options, "audit", title, {"period": period}, state, read, parts={"errata": corrections},
                 saved={"everything": f"{title}.csv", "errata": f"{corrections}.csv"})
        except run.NotebookFailedError:
            from analysis import audit

            audit.published(period, options.data)  # where the published file is wrong, this says what and where
            raise
        say(*summary(period, options.out / REPORTS / f"{title}.csv"))


def summary(period: str, path: Path) -> list[str]:
    """What the terminal says of a made `audit-<period>.csv`: the counts, then each row that is wrong or for the author to decide."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        records = list(csv.DictReader(file))
    counts = Counter(record["verdict"] for record in records)
    told = [Said("published.told", **record | {"verdict": Said(rule), "recomputed": record["recomputed"] or "?"})
            for verdict, (_, rule) in AUDITED.items() for record in records if rule and record["verdict"] == verdict]
    numbers = {name: counts[verdict] for verdict, (name, _) in AUDITED.items()}
    return [str(Said("published.checked", period=period, total=len(records), **numbers)), *(f"  {said}".rstrip() for said in told)]


def transcribe(options: Namespace) -> None:
    """Draft the published figures of a period from the text of its report; a file that is there is never overwritten."""
    from analysis import transcribe

    path, source = options.data / "published" / f"{options.period}.csv", Path(options.source).expanduser()
    if not PERIOD.fullmatch(options.period) or not options.source:
        raise CommandError(Said("command.from"))
    if os.path.lexists(path):
        raise CommandError(Said("command.kept", path=from_here(path)))
    if not source.is_file():
        raise CommandError(Said("command.file", path=options.source))
    drafted = transcribe.draft(transcribe.text_of(source), options.period, options.data)
    if not drafted:
        raise CommandError(Said("command.unread", path=options.source))
    put(path, transcribe.written(drafted))
    sure = sum(float(row["confidence"]) >= transcribe.TRUSTED for row in drafted)
    say(Said("command.drafted", path=from_here(path), rows=len(drafted), sure=sure, period=options.period))


def check(options: Namespace) -> int:
    """Read the sheet of one period and say whether it is sound; where it is not, leave a marked copy of it."""
    from analysis import check, sheets

    name, problems, notes = known_period(options.period, options.data), [], []
    try:
        period = check.read(name, options.data)
        notes = sheets.notes(period)
        say(period.summary(), *(f"  {note}" for note in notes))
        all_periods(options.data)
    except DataError as error:
        problems = error.problems
        say(error, to=sys.stderr)
    made, folder, copy = check.files(name, options.data, problems, notes), options.out / REPORTS, f"{name}-check.xlsx"
    (folder / copy).unlink(missing_ok=True)
    for file, content in made.items():
        put(folder / file, content)
    if copy in made:
        say(Said("command.marked", path=from_here(folder / copy)))
    return bool(problems)


def check_page(options: Namespace) -> None:
    """Make the check as a page that needs nothing installed."""
    from analysis import check_page

    folder = REPORTS / "check-page"
    try:
        made = {folder / name: content for name, content in check_page.files(options.data).items()}
    except check_page.MissingError as error:
        raise CommandError(str(error)) from None
    publish(made, options.out, "check-page")
    say(Said("command.page", path=from_here(options.out / folder), size=f"{sum(map(len, made.values())) / 1e6:.1f}"))


def new(options: Namespace) -> None:
    """Write an empty workbook to fill in; one that is there is never overwritten."""
    from analysis import registry, sheets, template

    must_be_period(options.period)
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
    from analysis import roster, tidy

    all_periods(options.data)
    made = {REPORTS / "data" / name: content for name, content in tidy.files(roster.read_sheets("", options.data)).items()}
    say(*map(with_size, publish(made, options.out, "data")))


def lab(_: Namespace) -> int:
    """Start JupyterLab at explore.ipynb, in Chinese where the system is."""
    keep_outputs_out_of_git()
    hook = f"--FileContentsManager.post_save_hook={__name__}.settle"
    chinese = [f"--LabApp.app_settings_dir={ROOT / 'analysis' / 'style' / 'lab'}"] * (language() == CHINESE)
    return subprocess.call([sys.executable, "-m", "jupyterlab", str(NOTEBOOKS / "explore.ipynb"), hook, *chinese])


def settle(os_path: str, model: dict | None = None, contents_manager: object = None) -> None:
    """After JupyterLab has saved a notebook: let git see that nothing but its outputs changed, which it does not by itself."""
    if _git(Path(os_path).parent, "diff", "--quiet", os_path):
        _git(Path(os_path).parent, "add", "--update", os_path)


def keep_outputs_out_of_git(folder: Path = ROOT) -> None:
    """Set up the filter that .gitattributes names, so that a notebook that ran is no change."""
    strip = f'"{Path(sys.executable).as_posix()}" -m nbstripout --keep-id --extra-keys "{" ".join(ADDED_IN_USE)}"'
    _git(folder, "config", "filter.nbstripout.clean", strip)
    _git(folder, "config", "filter.nbstripout.smudge", "cat")


def _git(folder: Path, *words: str) -> bool:
    """Whether git does something in a folder; not where there is no git."""
    with contextlib.suppress(OSError):
        return subprocess.run(["git", *words], cwd=folder, capture_output=True, check=False).returncode == 0
    return False
