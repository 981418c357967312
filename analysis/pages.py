"""What one alliance's letter says, computed from the frames of all: one definition for the PDF, the index and the notebook.

Of others nothing is told but how many there are: a published score stands on the strip without a name, a withheld one nowhere.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis import pages_verdicts as verdicts
from analysis import roster, trends, words
from analysis.grades import GRADES, INCOMPLETE, NOT_IN_PROGRAMME, TOP_SCORE
from analysis.panel import shown
from analysis.panel.workbook import UNFIT
from analysis.period import NOT_ENTERED, Period
from analysis.shares import share
from analysis.words import Verdict, verdict

UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')
LONGEST = 60  # characters of a file's name; the system allows 255 bytes
LEAST_PEERS = 5  # others of a grade, below whom what they show would tell of one
MOST_LINES = 120  # different scores on a strip; where there are more they are taken to whole points
GROUPS = {"all": "group.all", "batch": "group.batch", "sector": "group.sector"}  # columns that say among whom a place is told
ABSENCES = {INCOMPLETE: "why.incomplete", NOT_ENTERED: "why.not-entered", UNFIT: "why.unfit"}
CELLS = {"place.only": "place.cell", "place.alone": "place.cell", "place.tied": "place.cell-tied", "place.open": "place.cell-open"}
SENTENCES = words.read("pages")
say = SENTENCES.plain


class Frames(NamedTuple):
    """What the letters of a period are computed from.

    named: its alliances by id, with their places (`places`, with _all, _batch, _sector); steps: the rows of each, in all periods; profiles:
    by id, each activity, whether it is `shown`, by how many others of its grade (`sum` of `size`), and whether that is `usual`; empty
    without a panel.
    """

    sheet: Period
    named: pd.DataFrame
    steps: dict[str, list[Any]]
    caveats: list[Verdict]
    profiles: dict[str, pd.DataFrame]


def places(evaluated: pd.DataFrame) -> pd.DataFrame:
    """The place of each evaluated alliance among some: best and worst that it can be, ties (others with its score), number in all.

    best is worst unless a score of its grade is withheld.
    """
    grade, score = evaluated["level"].astype(int) * 1000, evaluated["score"]
    least, most, among = grade + score.fillna(-1), grade + score.fillna(999), len(evaluated)
    return pd.DataFrame({"best": among - np.searchsorted(least.sort_values(), most, side="right") + 1,
                         "worst": among - np.searchsorted(most.sort_values(), least, side="right") + score.notna(),
                         "ties": score.groupby(score).transform("size").sub(1).fillna(0), "number": among}, evaluated.index).astype("Int64")


def frames(sheets: list[Period], period: str | int) -> Frames:
    """What the letters of one of some periods need. Raises DataError where a panel does not evaluate whom the score sheet does."""
    sheet, everyone = next(sheet for sheet in sheets if sheet.name == str(period)), roster.of_all(sheets).dropna(subset="id")
    here = everyone[(everyone["period"] == sheet.name) & (everyone["state"] != NOT_IN_PROGRAMME)]
    named, left_out = here.set_index("id", drop=False).rename_axis(None), shown.left_out(sheet)
    given = {a.code: a.id for a in (*sheet.evaluated, *sheet.absent)}
    # A code that is lent from another period is none where the sheet gives it to another.
    named["code"] = [code if given.get(code, id) == id else "" for id, code in zip(named["id"], named["code"])]
    states = {a.id: a.state for a in sheet.absent} | {id: state for id, (state, _) in left_out.items()}
    named = named.assign(all="全部", sector=named["sector"].fillna("") if "sector" in named else "", file=_files(named),
                         peers=named.groupby("grade")["id"].transform("size"), why=[left_out.get(id, ("", ""))[1] for id in named["id"]],
                         absence=[ABSENCES.get(states.get(id), "why.not-evaluated") for id in named["id"]])
    evaluated = named.dropna(subset="grade")
    for by in GROUPS:
        groups = [evaluated.head(0), *(rows for _, rows in evaluated.groupby(by))]
        named = named.join(pd.concat(map(places, groups)).add_suffix(f"_{by}"))
    schemes, steps = {sheet.name: sheet.scheme for sheet in sheets}, {}
    told = everyone[["id", "period", "state", "score", "a_level"]].assign(
        level=everyone["level"].fillna(0), floors=[schemes[period].floors for period in everyone["period"]],
        label=[schemes[period].labels.get(state, state) for period, state in zip(everyone["period"], everyone["state"])])
    for row in told.itertuples():
        steps.setdefault(row.id, []).append(row)
    entries = shown.entries(sheet)
    peers = entries.groupby(["grade", "indicator"])["shown"]
    entries = entries.assign(sum=peers.transform("sum") - entries["shown"], size=peers.transform("size") - 1)
    entries["usual"] = 4 * entries["sum"] >= 3 * entries["size"]
    return Frames(sheet, named, steps, _caveats(sheets, sheet), dict([*entries.groupby("id")]))


def _files(named: pd.DataFrame) -> pd.Series:
    """The name of each letter's file; two that are the same, or the same to Windows, have the id too."""
    files = (named["code"] + "-" + named["name"]).str.removeprefix("-").str.replace(UNSAFE, "_", regex=True).str[:LONGEST].str.strip(" .")
    return files.where(~files.str.casefold().duplicated(keep=False), files + "-" + named["id"])


def _caveats(sheets: list[Period], sheet: Period) -> list[Verdict]:
    """What must be known before a course is read: periods without a sheet between, and later ones."""
    names = [one.name for one in sheets]
    past, line = names[:names.index(sheet.name) + 1], trends.timeline(sheet.registry, names)
    between = {*line[line.index(past[0]):line.index(sheet.name)]} - {*past}
    return [*([verdict("caveat.gaps", first=past[0], period=sheet.name, number=len(between))] if between else []),
            *([verdict("caveat.later", period=sheet.name)] if len(past) < len(names) else [])]


def page(frames: Frames, row: Any) -> dict[str, Any]:
    """What the letter to one alliance says, a row of `frames.named.itertuples()`: its texts, places, steps and bounds of its score."""
    steps, graded, facts = frames.steps[row.id], row.grade in GRADES, verdicts.about(row, frames.sheet.scheme)
    past = steps[:[step.period for step in steps].index(frames.sheet.name) + 1]
    groups = {by: getattr(row, by) for by in GROUPS if graded and getattr(row, by)}
    found = {name: verdicts.place(row, by, say(GROUPS[by], name=name)) for by, name in groups.items()}
    own = "letter.strip-own" if row.score == row.score else "letter.strip-range" if graded else "letter.strip-none"
    return {"name": row.name, "code": row.code, "batch": row.batch, "sector": row.sector, "file": f"{row.file}.pdf",
            "graded": graded, "state": past[-1].label, "score": written(row.score),
            "places": [[name, say(CELLS[one.name], **one.numbers)] for name, one in found.items()],
            "strip": [row.low, row.high] if graded else [], "own": say(own, score=row.score),
            "cells": [[step.period, step.state, step.label, written(step.score)] for step in steps],
            "greeting": say("letter.greeting", name=row.name), **_activities(frames, row),
            "result": say(verdicts.result(row, facts), [*found.values()], **facts),
            "course": say(verdicts.course(past), frames.caveats), "next": say(verdicts.following(row, facts), **facts)}


def _activities(frames: Frames, row: Any) -> dict[str, list]:
    """What three quarters of the others of its grade show and it does not, after a sentence, and each activity; nothing where there is
    no panel, and a sentence alone where the others are few."""
    if row.id not in frames.profiles:
        return {"usual": [], "profile": []}
    profile, about = frames.profiles[row.id], {"label": frames.sheet.scheme.labels[row.grade], "peers": int(row.peers) - 1}
    if about["peers"] < LEAST_PEERS:
        return {"usual": [say("usual.few", least=LEAST_PEERS)], "profile": []}
    lacks = [*profile[profile["usual"] & ~profile["shown"]].itertuples()]
    said = "usual.lacks" if lacks else "usual.all" if profile["usual"].any() else "usual.nothing"
    return {"usual": [say(said, **about), *(
                say("usual.item", activity=one.indicator, share=share(one.sum, of=one.size)) for one in lacks)],
            "profile": [say("usual.profile", *["usual.bold"] * bool(lacks), **about), *(
                [one.pillar, one.indicator, one.shown, str(share(one.sum, of=one.size)), one.usual] for one in profile.itertuples())]}


def common(frames: Frames) -> dict[str, Any]:
    """What all letters of a period share: titles, publishers, the strip's lines and grades, and what is said of it."""
    sheet, evaluated = frames.sheet, frames.named.dropna(subset="grade")
    scores, withheld = evaluated["score"].dropna(), evaluated[evaluated["score"].isna()]
    strip = (scores if scores.nunique() <= MOST_LINES else scores // 1).value_counts().sort_index()
    floors = [float(floor) for floor in sheet.scheme.floors.values() if floor]
    hidden = verdict("letter.strip-hidden", number=len(withheld)) if len(withheld) else None
    return {"title": say("letter.title", mark=say("letter.simulated") if sheet.simulated else ""), "period": sheet.name,
            "subtitle": say("letter.subtitle", period=sheet.name, start=sheet.start, end=sheet.end),
            "opening": say("letter.opening", period=sheet.name), "issued": sheet.facts.get("发布时间", ""),
            "publishers": [say("letter.publisher"), say("letter.second")], "day": [sheet.end.year, sheet.end.month, sheet.end.day],
            "start": max(0, min([*scores, *(withheld["high"] - 10), 90]) // 10 * 10), "end": TOP_SCORE,
            "bars": [*strip.items()],
            "grades": [[grade, sheet.scheme.labels[grade], sheet.scheme.floors[grade], sheet.scheme.ceiling(grade)] for grade in GRADES],
            "note": say("letter.strip-note", hidden), "alt": "" if scores.empty else say(
                "letter.strip", least=scores.min(), most=scores.max(), number=len(scores), floors=floors)}


def written(score: float) -> str:
    """A score as it is given; nothing where there is none."""
    return "" if score != score else f"{score:.10g}"
