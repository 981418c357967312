"""The commands of the scoring process. All that is internal goes to `internal/<period>/`, for its owner alone."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from analysis import DATA, ROOT, record, sheets
from analysis.commands import CommandError, from_here, known_period, make, say
from analysis.panel import example, organise, sheet, workbook
from analysis.panel.scores import Scores
from analysis.publish import put
from analysis.registry import PERIOD

DOSSIER, CHASE, SHEETS_OUT = "复核材料.xlsx", "催报名单", "评分表格"
GROUPS_FILE = "分组.xlsx"


def internal(options: Namespace, period: str) -> Path:
    """The folder of what is internal to a period, mode 700 with the one above it."""
    place = options.out / "internal" / period
    for folder in (place.parent, place):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    return place


def panel(options: Namespace) -> None:
    """From a period's marks to its score sheet and the internal report; no score sheet while marks or decisions are to come."""
    period = known_period(options.period, options.data, "panel", workbook.FOLDER)
    options.state = record.state("panel", [period], options.data)
    scores = Scores(workbook.read(period, options.data))
    panel, place, content = scores.panel, sheets.path_of(period, options.data), b""
    if not len(scores.totals):
        raise CommandError(f"nobody has marked anything yet; the mark sheets that come back go to {from_here(panel.path.with_suffix(''))}")
    waiting = scores.alliances["待定"].any()
    if not panel.interim and not waiting:
        content = sheet.build(scores)
    same = place.exists() and place.read_bytes() == content
    if content and place.exists() and not same and not options.force:
        _ask(place)
    options.out = internal(options, period)
    make(options, "panel", f"panel-{period}", {"period": period}, saved={"trace": f"panel-{period}-trace.csv"})
    if waiting:
        put(options.out / DOSSIER, organise.dossier(scores, scores.alliances))
        say(f"{from_here(options.out / DOSSIER)}  dossier and minutes of the re-review")
    for one in scores.alliances[scores.alliances["出界"]].itertuples():
        say(f"  the decision {one.复核} for {one.联盟名称} ({one.代码}) lies outside all of its own marks")
    if panel.interim:
        say(f"interim: {len(panel.missing)} of {len(panel.assigned)} marks of an alliance by an expert are still to come"
            + "".join(f"; {stage} has no groups yet" for stage in panel.stages if not panel.groups[stage]) + "; no score sheet is written")
        return
    if content and not same:
        put(place, content)
    if waiting:
        say("the list for the re-review is in the report; the score sheet waits for these decisions:", to=sys.stderr)
        scores.complete()
    say(f"{from_here(place)}  {len(scores.alliances)} evaluated, {(scores.alliances['重点差异'] != '').sum()} on the list, "
        f"{len(panel.reviews)} decided in the re-review{', unchanged' if same else ''}")


def _ask(place: Path) -> None:
    """Let a person say whether a score sheet may be replaced. Raises CommandError where nobody says yes."""
    if not sys.stdin.isatty():
        raise CommandError(f"{from_here(place)} is there and would change; FORCE=1 (--force) replaces it")
    if input(f"{from_here(place)} is there and would change; replace it? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError(f"{from_here(place)} stays as it was; nothing was made")


def assign(options: Namespace) -> None:
    """Draw groups without conflicts where there are none yet, and write a mark sheet for each expert and stage."""
    period = known_period(options.period, options.data, "assign", workbook.FOLDER)
    panel = workbook.read(period, options.data, workbook.EXPERTS)
    place = panel.path.with_suffix("") / GROUPS_FILE
    if place.exists() or workbook.GROUPS in workbook.PanelBook(panel.path).sheets:
        say("the groups that are there stay; take them away to draw new ones")
    else:
        put(place, sheet.workbook(organise.assign(panel), panel.end))
        place.parent.chmod(0o700)
        say(f"{from_here(place)}  groups" + "; no 会评日期, so for 初评 only" * (workbook.SECOND not in panel.stages))
    panel, out = workbook.read(period, options.data), internal(options, period) / SHEETS_OUT
    made = organise.mark_sheets(panel)
    for name, content in made.items():
        put(out / name, content)
    say(f"{from_here(out)}/  {len(made)} mark sheets; when filled in, they go to {from_here(place.parent)}/",
        "  the severities of all experts can be held against each other" if organise.linked(panel) else
        "  the groups are not all linked: let some experts change groups between the stages",
        *[f"  {number} times an expert meets an alliance at both stages: there are too few groups"
          for number in [organise.twice(panel)] if number])


def intake(options: Namespace) -> None:
    """Write the chase list: every alliance of the programme by state, with what is blank, by liaison officer."""
    period = known_period(options.period, options.data, "intake", workbook.FOLDER)
    panel = workbook.read(period, options.data, workbook.INTAKE)
    frame, content = organise.chase_list(panel)
    out = internal(options, period)
    put(out / f"{CHASE}.xlsx", content)
    put(out / f"{CHASE}.csv", frame.to_csv(index=False).encode("utf-8-sig"))
    states = "，".join(f"{state} {number}" for state, number in frame["情况"].value_counts(sort=False).items())
    say(f"{from_here(out / CHASE)}.xlsx, .csv  {len(frame)} alliances: {states}",
        *[f"  {len(panel.undecided)} short entries are to be decided in the rules" for _ in [1] if panel.undecided])


def new_panel(options: Namespace) -> None:
    """Write an empty panel workbook, its rules explained; one that is there is never overwritten."""
    if not PERIOD.fullmatch(options.period):
        raise CommandError(f"{options.period!r} is not a period; write one like 2017 or 2020-2021" if options.period
                           else "YEAR is missing: make new-panel YEAR=2022")
    path = sheets.path_of(options.period, options.data, workbook.FOLDER)
    if path.exists():
        raise CommandError(f"{from_here(path)} is there already and is never overwritten; fill it in, or move it away")
    put(path, organise.new(options.period, options.data))
    say(f"{from_here(path)}: fill in 指标, 规则, 评价期 and 录入, then run: make intake YEAR={options.period}; with 专家, make assign")


def example_panel(options: Namespace) -> None:
    """Make a small data folder whose panel is drawn at random, to see the chain at work; never inside a data folder."""
    if not PERIOD.fullmatch(options.period):
        raise CommandError("YEAR is missing or no period: make example-panel YEAR=2017")
    out = ROOT / "build" / f"example-panel-{options.period}" if options.out == ROOT else options.out
    for data in (options.data, DATA):
        if out.resolve().is_relative_to(data.resolve()):
            raise CommandError(f"{out} lies in the data folder {data}; simulated data never goes there, name another with OUT=")
    try:
        path = example.make(options.period, options.data, out)
    except FileExistsError as error:
        raise CommandError(str(error)) from None
    here = from_here(out)
    say(f"{from_here(path)}  simulated: entries, experts and marks are drawn at random",
        f"next: make panel YEAR={options.period} DATA={here} OUT={here}   then: make report YEAR={options.period} DATA={here} OUT={here}")
