"""What may be said of one alliance, by name and number; the sentences are in notebooks/text/pages.toml, whose sections list the names.

A row is one alliance of `pages.frames`, as `itertuples` gives it. Of each section there, but `caveat`, at most one name holds for a row.
"""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import Any

from analysis.grades import GRADES, HIGH, LOW, NOT_IN_PROGRAMME, TOP_SCORE, Scheme
from analysis.words import Verdict, verdict

NEAR = 2  # points from another grade
DIGITS = 6  # to which differences of scores are taken
ABOVE = dict(pairwise(GRADES))
BELOW = {above: grade for grade, above in ABOVE.items()}


def about(row: Any, scheme: Scheme) -> dict[str, Any]:
    """The numbers that sentences on a row take: of a graded one its grade, those beside it, and the points up to the next one and over
    its own floor, endless where there is no such grade."""
    if row.grade not in GRADES:
        return {"why": row.why}
    above, below, floor, ceiling = ABOVE.get(row.grade), BELOW.get(row.grade), float(scheme.floors[row.grade]), float(scheme.ceiling(row.grade))
    return {"score": row.score, "label": scheme.labels[row.grade], "band": scheme.band(row.grade, whole=False), "number": row.peers,
            "ties": row.ties_all, "near": NEAR, "next": scheme.labels.get(above), "under": scheme.labels.get(below), "floor": floor,
            "ceiling": ceiling, "up": round(ceiling - row.score, DIGITS) if above else inf,
            "over": round(row.score - floor, DIGITS) if below else inf}


def result(row: Any, facts: dict[str, Any]) -> list[str]:
    """Its score and grade, whether it is on the A-level list, where it stands and how far it is to other grades; or why it has none."""
    if row.grade not in GRADES:
        unknown = row.absence == "why.not-evaluated"
        return [row.absence, *(["absence.because"] if row.why else []), "absence.nothing" if unknown else "absence.without"]
    told = [*(["grade.a-level"] if row.a_level else []), position(row, facts)]
    return ["grade.withheld", *told] if row.score != row.score else ["grade.published", *told, *distance(row, facts)]


def position(row: Any, facts: dict[str, Any]) -> str:
    """Where it stands."""
    if row.score != row.score:
        return {HIGH: "position.withheld-best", LOW: "position.withheld-lowest"}.get(row.grade, "position.withheld")
    if row.worst_all == 1:
        return "position.top-tied" if row.ties_all else "position.top-alone"
    if facts["over"] == 0:
        return "position.on-floor"
    if facts["over"] <= NEAR:
        return "position.near-both" if facts["up"] <= NEAR else "position.near-fall"
    if facts["up"] <= NEAR:
        return "position.near-next"
    return {HIGH: "position.safe-best", LOW: "position.lowest"}.get(row.grade, "position.safe")


def distance(row: Any, facts: dict[str, Any]) -> list[str]:
    """How far a score is from the next grade, and over the one below."""
    up = "distance.next" if row.grade != HIGH else "distance.full" if row.score == TOP_SCORE else "distance.best"
    return [up, "distance.lowest" if row.grade == LOW else "distance.over" if facts["over"] else "distance.at"]


def place(row: Any, by: str, group: str) -> Verdict:
    """Its place in a group. `by` names the columns: all, batch or sector."""
    best, worst, ties, number = (int(getattr(row, f"{what}_{by}")) for what in ("best", "worst", "ties", "number"))
    name = "place.only" if number == 1 else "place.open" if best < worst else "place.tied" if ties else "place.alone"
    return verdict(name, group=group, best=best, worst=worst, ties=ties, number=number)


def course(steps: list[Any]) -> list[Verdict]:
    """What became of it up to the last of some steps, rows of one alliance: how its grade changed and its score, where both are graded."""
    *earlier, now = steps
    seen = [step for step in earlier if step.level]
    before = earlier[-1] if earlier else now
    last = seen[-1] if seen else now
    about = {"period": now.period, "label": now.label, "before": before.period, "label_before": before.label, "last": last.period,
             "label_last": last.label}
    if now.a_level and not seen:
        return [verdict("course.listed", **about)]
    if not earlier:
        return [verdict("course.alone", **about)]
    if all(step.state == NOT_IN_PROGRAMME for step in earlier):
        return [verdict("course.new" if now.level else "course.newcomer", **about)]
    if not now.level:
        return [verdict("course.never" if not seen else "course.left" if before.level else "course.away", **about)]
    if not before.level:
        return [verdict("course.back" if seen else "course.first", **about)]
    first = earlier[-2] if len(earlier) > 1 and earlier[-2].level else before
    if now.level == before.level:
        name = {HIGH: "course.best-again", LOW: "course.lowest-again"}.get(now.state, "course.same")
    elif now.level > before.level:
        name = "course.risen-twice" if before.level > first.level else "course.risen"
    else:
        name = "course.fallen-twice" if before.level < first.level else "course.fallen"
    return [verdict(name, **about, first=first.label), change(before.score, now.score),
            *([verdict("caveat.floors")] if before.floors != now.floors else [])]


def change(before: float, now: float) -> Verdict:
    """How a score changed."""
    points = round(now - before, DIGITS)
    name = "change.open" if points != points else "change.up" if points > 0 else "change.down" if points < 0 else "change.none"
    return verdict(name, before=before, now=now, points=abs(points))


def following(row: Any, facts: dict[str, Any]) -> str:
    """What comes next."""
    if row.grade not in GRADES:
        return {"why.incomplete": "next.complete", "why.not-entered": "next.enter"}.get(row.absence, "next.take-part")
    if row.score != row.score:
        return "next.withheld-best" if row.grade == HIGH else "next.withheld"
    if row.grade == HIGH:
        return "next.hold" if facts["over"] <= NEAR else "next.keep"
    return "next.close" if facts["up"] <= NEAR else "next.rise" if row.grade == LOW else "next.climb"
