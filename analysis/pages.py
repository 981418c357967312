"""What one alliance's letter says, computed from the frames of all: one definition for the PDF, the index and the notebook.

Of others nothing is told but how many there are: a published score stands on the strip without a name, a withheld one nowhere.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pandas as pd

from analysis import pages_verdicts as verdicts
from analysis import roster, trends, words
from analysis.grades import GRADES, NOT_IN_PROGRAMME, TOP_SCORE
from analysis.pages_verdicts import Step
from analysis.panel import shown
from analysis.panel.workbook import UNFIT
from analysis.period import NOT_ENTERED, Period
from analysis.shares import share
from analysis.words import Verdict, verdict

UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')
LONGEST = 60  # characters of a file's name; the system allows 255 bytes
MOST_LINES = 120  # different scores on a strip; where there are more they are taken to whole points
CELLS = {"place.only": "place.cell", "place.alone": "place.cell", "place.tied": "place.cell-tied", "place.open": "place.cell-open"}
say = words.read("pages")


class Frames(NamedTuple):
    """What the letters of a period are computed from.

    named: its alliances by id, with their places (`places`, with _all, _batch, _sector); steps: each in all periods; profiles: by id,
    each activity, whether it is `shown`, by how many of its grade (`sum` of `size`), and whether that is `usual`; empty without a panel.
    """

    sheet: Period
    named: pd.DataFrame
    steps: dict[str, list[Step]]
    caveats: list[Verdict]
    profiles: dict[str, pd.DataFrame]


def places(evaluated: pd.DataFrame) -> pd.DataFrame:
    """The place of each evaluated alliance among some: best and worst that it can be, ties (others with its score), number in all.

    best is worst unless a score of its grade is withheld.
    """
    frame = evaluated[["level"]].assign(best=evaluated["score"].rank(method="min", ascending=False), worst=0, number=len(evaluated),
                                        ties=evaluated.groupby("score")["score"].transform("size").sub(1).fillna(0))
    for level, here in evaluated.groupby("level"):
        above, hidden = evaluated["level"] > level, evaluated["score"].isna()
        best = (frame.loc[here.index, "best"] + (above & hidden).sum()).fillna(above.sum() + 1)
        frame.loc[here.index, "best"] = best
        frame.loc[here.index, "worst"] = (best + hidden[here.index].sum()).where(~hidden[here.index], above.sum() + len(here))
    return frame.drop(columns="level").astype("Int64")


def frames(sheets: list[Period], period: str | int) -> Frames:
    """What the letters of one of some periods need. Raises DataError where a panel does not evaluate whom the score sheet does."""
    alliances = roster.of_all(sheets)
    sheet, everyone = next(sheet for sheet in sheets if sheet.name == str(period)), alliances.dropna(subset="id")
    here = everyone[(everyone["period"] == sheet.name) & (everyone["state"] != NOT_IN_PROGRAMME)]
    named, entries, left_out = here.set_index("id", drop=False).rename_axis(None), shown.entries(sheet), shown.left_out(sheet)
    evaluated = named.dropna(subset="grade")
    for by in ("all", "batch", *(["sector"] if "sector" in named else [])):
        groups = [evaluated] if by == "all" else [rows for _, rows in evaluated.groupby(by)]
        named = named.join(pd.concat(map(places, [evaluated.head(0), *groups])).add_suffix(f"_{by}"))
    absence = {a.id: "why.not-entered" for a in sheet.absent if a.state == NOT_ENTERED} | {
        id: "why.unfit" for id, (state, _) in left_out.items() if state == UNFIT}
    named = named.assign(peers=named.groupby("grade")["id"].transform("size"), why=[left_out.get(id, ("", ""))[1] for id in named["id"]],
                         absence=[absence.get(id, "why.not-evaluated") for id in named["id"]], file=_files(named))
    steps: dict[str, list[Step]] = {}
    schemes = {sheet.name: sheet.scheme for sheet in sheets}
    for row in everyone.assign(level=everyone["level"].fillna(0)).itertuples():
        scheme = schemes[row.period]
        steps.setdefault(row.id, []).append(Step(row.period, row.state, row.level, scheme.labels.get(row.state, row.state), row.score,
                                                 scheme.floors))
    counts = entries.groupby(["grade", "indicator"])["shown"].agg(["sum", "size"]).reset_index()
    profiles = entries.merge(counts.assign(usual=4 * counts["sum"] >= 3 * counts["size"]), on=["grade", "indicator"])
    return Frames(sheet, named, steps, _caveats(sheets, sheet), dict([*profiles.groupby("id")]))


def _files(named: pd.DataFrame) -> pd.Series:
    """The name of each letter's file; two that are the same, or the same to Windows, have the id too."""
    files = pd.Series([UNSAFE.sub("_", f"{code}-{name}")[:LONGEST].strip(" .") for code, name in zip(named["code"], named["name"])], named.index)
    return files.where(~files.str.casefold().duplicated(keep=False), files + "-" + named["id"])


def _caveats(sheets: list[Period], sheet: Period) -> list[Verdict]:
    """What must be known before a course is read: periods without a sheet between, and later ones."""
    names = [one.name for one in sheets]
    past, line = names[:names.index(sheet.name) + 1], trends.timeline(sheet.registry, names)
    between = {*line[line.index(past[0]):line.index(sheet.name)]} - {*past}
    return [*([verdict("course.gaps", first=past[0], period=sheet.name, number=len(between))] if between else []),
            *([verdict("course.later", period=sheet.name)] if len(past) < len(names) else [])]


def page(frames: Frames, row: Any) -> dict[str, Any]:
    """What the letter to one alliance says, a row of `frames.named.itertuples()`: its texts, places, steps and place on the strip."""
    scheme, steps, graded = frames.sheet.scheme, frames.steps[row.id], row.grade in GRADES
    past = steps[:next(n for n, step in enumerate(steps, start=1) if step.period == frames.sheet.name)]
    sector = getattr(row, "sector", None) or ""
    groups = {"all": ("全部", say("group.all")), "batch": (row.batch, say("group.batch", name=row.batch))} | (
        {"sector": (sector, say("group.sector", name=sector))} if isinstance(sector, str) and sector else {})
    found = {head: verdicts.place(row, by, group) for by, (head, group) in groups.items() if graded}
    result = verdicts.absence(row) if not graded else [
        *verdicts.grade(row, scheme), verdicts.position(row, scheme), *verdicts.distance(row, scheme), *found.values()]
    known = row.score == row.score
    own = "letter.strip-own" if known else "letter.strip-range" if graded else "letter.strip-none"
    return {"name": row.name, "code": row.code, "batch": row.batch, "sector": groups.get("sector", ("",))[0], "file": f"{row.file}.pdf",
            "graded": graded, "state": past[-1].label, "score": written(row.score),
            "places": [[head, say.plain(CELLS[one.name], **one.numbers)] for head, one in found.items()],
            "strip": {"score": row.score if known else None, "range": [row.low, row.high] if graded and not known else None,
                      "own": say.plain(own, score=row.score)},
            "cells": [[step.period, step.state, step.label, written(step.score)] for step in steps],
            "greeting": say.plain("letter.greeting", name=row.name), "result": say.plain(result), **_activities(frames, row),
            "course": say.plain(verdicts.course(past), frames.caveats), "next": say.plain(verdicts.following(row, scheme))}


def _activities(frames: Frames, row: Any) -> dict[str, list]:
    """What three quarters of its grade show and it does not, after a sentence, and each activity; nothing where there is no panel."""
    if row.id not in frames.profiles:
        return {"usual": [], "profile": []}
    profile, about = frames.profiles[row.id], {"label": frames.sheet.scheme.labels[row.grade], "peers": int(row.peers)}
    lacks = [*profile[profile["usual"] & ~profile["shown"]].itertuples()]
    said = "usual.lacks" if lacks else "usual.all" if profile["usual"].any() else "usual.nothing"
    return {"usual": [say.plain(said, **about), *(
                say.plain("usual.item", activity=one.indicator, share=share(one.sum, of=one.size)) for one in lacks)],
            "profile": [say.plain("usual.profile", **about), *(
                [one.pillar, one.indicator, one.shown, str(share(one.sum, of=one.size)), one.usual] for one in profile.itertuples())]}


def common(frames: Frames) -> dict[str, Any]:
    """What all letters of a period share: titles, publishers, the strip's lines and grades, and what is said of it."""
    sheet, evaluated = frames.sheet, frames.named.dropna(subset="grade")
    scores, withheld = evaluated["score"].dropna(), evaluated[evaluated["score"].isna()]
    strip = (scores if scores.nunique() <= MOST_LINES else scores // 1).value_counts().sort_index()
    floors = [float(floor) for floor in sheet.scheme.floors.values() if floor]
    hidden = verdict("letter.strip-hidden", number=len(withheld)) if len(withheld) else None
    return {"title": say.plain("letter.title", mark=say("letter.simulated") if sheet.simulated else ""), "period": sheet.name,
            "subtitle": say.plain("letter.subtitle", period=sheet.name, start=sheet.start, end=sheet.end),
            "opening": say.plain("letter.opening", period=sheet.name), "issued": sheet.facts.get("发布时间", ""),
            "publishers": [say.plain("letter.publisher"), say.plain("letter.second")], "day": [sheet.end.year, sheet.end.month, sheet.end.day],
            "start": max(0, min([*scores, *(withheld["high"] - 10), 90]) // 10 * 10), "end": TOP_SCORE,
            "bars": [[float(score), int(number)] for score, number in strip.items()],
            "grades": [[grade, sheet.scheme.labels[grade], sheet.scheme.floors[grade], sheet.scheme.ceiling(grade)] for grade in GRADES],
            "note": say.plain("letter.strip-note", hidden), "alt": "" if scores.empty else say.plain(
                "letter.strip", least=scores.min(), most=scores.max(), number=len(scores), floors=floors)}


def written(score: float) -> str:
    """A score as it is given; nothing where there is none."""
    return "" if score != score else f"{score:.10g}"
