"""The commands of the scoring process. All that is internal goes to `internal/<period>/`, for its owner alone."""

from __future__ import annotations

import datetime as dt
import os
from argparse import Namespace
from pathlib import Path

import pandas as pd

from analysis import DATA, ROOT, registry, sheets
from analysis.commands import CommandError, from_here, known_period, make, must_be_period, out_of_date, say
from analysis.messages import Said
from analysis.panel import example, organise, sheet, workbook
from analysis.panel.rules import EXPERTS, GROUPS, INTAKE
from analysis.panel.scores import Scores, parts
from analysis.publish import put

DOSSIER, SHEETS_OUT, GROUPS_FILE = "复核材料.xlsx", "评分表格", "分组.xlsx"


def _internal(options: Namespace, period: str) -> Path:
    """The folder of what is internal to a period, mode 700 with the one above it."""
    place = options.out / "internal" / period
    for folder in (place.parent, place):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    return place


def panel(options: Namespace) -> None:
    """From a period's marks to its score sheet and the internal report; no score sheet while marks or decisions are to come."""
    period = known_period(options.period, options.data, workbook.FOLDER)
    scores, place = Scores(workbook.read(period, options.data)), sheets.path_of(period, options.data)
    panel = scores.panel
    if scores.totals.empty:
        raise CommandError(Said("panel.unmarked_yet", folder=from_here(panel.path.with_suffix(""))))
    alliances, options.out = scores.alliances, _internal(options, period)
    if state := out_of_date(options, "panel", [period], f"panel-{period}"):
        make(options, "panel", f"panel-{period}", {"period": period}, state, saved={"scores": f"panel-{period}-trace.csv"})
    if alliances["待定"].any():
        put(options.out / DOSSIER, organise.dossier(scores))
        say(Said("panel.dossier", path=from_here(options.out / DOSSIER)))
    if panel.interim:
        return say(*scores.open())
    content = sheet.build(scores)
    if place.exists() and place.read_bytes() != content and not options.force:
        raise CommandError(Said("panel.force", path=from_here(place)))
    put(place, content)
    return say(Said("panel.done", path=from_here(place), evaluated=len(alliances), listed=int((alliances["重点差异"] != "").sum()),
                    decided=len(panel.reviews)))


def assign(options: Namespace) -> None:
    """Draw groups without conflicts where there are none yet, and write a mark sheet for each expert and stage."""
    period = known_period(options.period, options.data, workbook.FOLDER)
    panel = workbook.read(period, options.data, EXPERTS)
    place, out = panel.path.with_suffix("") / GROUPS_FILE, _internal(options, period) / SHEETS_OUT
    if place.exists() or GROUPS in panel.books[0].sheets:
        say(Said("panel.stay", path=from_here(place)))
    else:
        put(place, sheet.workbook(organise.assign(panel), panel.end))
        place.parent.chmod(0o700)
        say(Said("panel.grouped", path=from_here(place)))
    panel = workbook.read(period, options.data)
    made, totals = organise.mark_sheets(panel), panel.totals
    linked = parts(pd.crosstab(totals["alliance"] + totals["stage"], totals["expert"])).nunique() == 1
    for name, content in made.items():
        put(out / name, content)
    say(Said("panel.sheets", path=from_here(out), number=len(made), folder=from_here(place.parent)),
        Said("panel.linked" if linked else "panel.apart"))
    if workbook.SECOND not in panel.stages:
        say(Said("panel.first_only", path=from_here(place)))
    if again := int(totals.duplicated(["alliance", "expert"]).sum()):
        say(Said("panel.again", number=again))


def intake(options: Namespace) -> None:
    """Write the chase list: every alliance of the programme by state, with what is blank, by liaison officer."""
    period = known_period(options.period, options.data, workbook.FOLDER)
    panel, out = workbook.read(period, options.data, INTAKE), _internal(options, period) / organise.CHASE
    frame, content = organise.chase_list(panel)
    put(out.with_suffix(".xlsx"), content)
    put(out.with_suffix(".csv"), frame.to_csv(index=False).encode("utf-8-sig"))
    states = [f"{state} {number}" for state, number in frame["情况"].value_counts(sort=False).items()]
    say(Said("panel.chase", path=from_here(out), number=len(frame), states=states))
    if panel.undecided:
        say(Said("panel.open", number=len(panel.undecided)))


def new_panel(options: Namespace) -> None:
    """Write an empty panel workbook, its rules explained; one that is there is never overwritten."""
    must_be_period(options.period)
    path = sheets.path_of(options.period, options.data, workbook.FOLDER)
    if os.path.lexists(path):
        raise CommandError(Said("command.there", path=from_here(path)))
    put(path, sheet.workbook(organise.new(registry.read(options.data), options.period), dt.date(registry.first_year(options.period), 1, 1)))
    say(Said("panel.fill", path=from_here(path), period=options.period))


def example_panel(options: Namespace) -> None:
    """Make a small data folder whose panel is drawn at random, to see the chain at work; never inside a data folder."""
    must_be_period(options.period)
    out = ROOT / "build" / f"example-panel-{options.period}" if options.out == ROOT else options.out
    inside = any(out.resolve().is_relative_to(data.resolve()) for data in (options.data, DATA))
    if inside or (out.exists() and any(out.iterdir()) and not (out / example.MARK).exists()):
        raise CommandError(Said("panel.strange", path=out))
    path = example.make(options.period, options.data, out)
    say(Said("panel.example", path=from_here(path), period=options.period, folder=from_here(out)))
