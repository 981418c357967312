"""What may be said of one alliance, by name and number; the sentences are in notebooks/text/pages.toml.

A row is one alliance of `pages.frames`, as `itertuples` gives it. Of each tuple of names below exactly one holds for a row.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from analysis.grades import GRADES, HIGH, INCOMPLETE, LOW, NOT_EVALUATED, NOT_IN_PROGRAMME, TOP_SCORE, Scheme
from analysis.words import Verdict, verdict

NEAR = 2  # points from another grade
DIGITS = 6  # to which differences of scores are taken
POSITIONS = ("position.top-alone", "position.top-tied", "position.near-both", "position.near-next", "position.on-floor",
             "position.near-fall", "position.safe-best", "position.safe", "position.lowest", "position.withheld",
             "position.withheld-best", "position.withheld-lowest")
ABSENCES = ("why.incomplete", "why.not-entered", "why.unfit", "why.not-evaluated")
COURSES = ("course.alone", "course.new", "course.first", "course.back", "course.risen-twice", "course.fallen-twice", "course.lowest-again",
           "course.best-again", "course.risen", "course.fallen", "course.same")
ABSENT_COURSES = ("course.alone", "course.newcomer", "course.never", "course.left", "course.away")
CHANGES = ("change.up", "change.down", "change.none", "change.open")
PLACES = ("place.only", "place.alone", "place.tied", "place.open")
NEXT = ("next.keep", "next.hold", "next.close", "next.climb", "next.rise", "next.withheld", "next.withheld-best", "next.complete",
        "next.enter", "next.take-part")


class Step(NamedTuple):
    """One alliance in one period: its state, the grade's number (0 for none), what the period calls it, the score, the floors."""

    period: str
    state: str
    level: int
    label: str
    score: float
    floors: dict[str, float]


def distances(score: float, grade: str, scheme: Scheme) -> tuple[float | None, float | None]:
    """The points from a score up to the next grade, and those by which it is over its own floor; None where there is no such grade."""
    return (None if grade == HIGH else round(scheme.ceiling(grade) - score, DIGITS),
            None if grade == LOW else round(score - scheme.floors[grade], DIGITS))


def grade(row: Any, scheme: Scheme) -> list[Verdict]:
    """Its score and grade, and whether it is on the A-level list."""
    about = {"score": row.score, "label": scheme.labels[row.grade], "band": scheme.band(row.grade, whole=False)}
    told = verdict("grade.published" if row.score == row.score else "grade.withheld", **about)
    return [told, *([verdict("grade.a-level")] if row.a_level else [])]


def position(row: Any, scheme: Scheme) -> Verdict:
    """Where it stands: one of POSITIONS."""
    place = GRADES.index(row.grade)
    about = {"label": scheme.labels[row.grade], "number": row.peers, "next": scheme.labels[GRADES[min(place + 1, len(GRADES) - 1)]],
             "under": scheme.labels[GRADES[max(place - 1, 0)]]}
    if row.score != row.score:
        return verdict({HIGH: "position.withheld-best", LOW: "position.withheld-lowest"}.get(row.grade, "position.withheld"), **about)
    up, down = distances(row.score, row.grade, scheme)
    close, low = up is not None and up <= NEAR, down is not None and down <= NEAR
    if row.worst_all == 1:
        name = "position.top-tied" if row.ties_all else "position.top-alone"
    elif close or low:
        name = "position.near-both" if close and low else "position.near-next" if close else "position.near-fall"
        name = "position.on-floor" if down == 0 else name
    else:
        name = {HIGH: "position.safe-best", LOW: "position.lowest"}.get(row.grade, "position.safe")
    return verdict(name, near=NEAR, ties=row.ties_all, **about)


def distance(row: Any, scheme: Scheme) -> list[Verdict]:
    """How far it is to the next grade, and over the one below; nothing where its score is withheld."""
    if row.score != row.score:
        return []
    place, (up, down) = GRADES.index(row.grade), distances(row.score, row.grade, scheme)
    to_next = verdict("distance.full" if row.score == TOP_SCORE else "distance.best") if up is None else verdict(
        "distance.next", points=up, label=scheme.labels[GRADES[place + 1]], floor=float(scheme.ceiling(row.grade)))
    over = verdict("distance.lowest") if down is None else verdict(
        "distance.over" if down else "distance.at", points=down, floor=float(scheme.floors[row.grade]))
    return [to_next, over]


def place(row: Any, by: str, group: str) -> Verdict:
    """Its place in a group: one of PLACES. `by` names the columns: all, batch or sector."""
    best, worst, ties, number = (int(getattr(row, f"{what}_{by}")) for what in ("best", "worst", "ties", "number"))
    name = "place.only" if number == 1 else "place.open" if best < worst else "place.tied" if ties else "place.alone"
    return verdict(name, group=group, best=best, worst=worst, ties=ties, number=number)


def absence(row: Any) -> list[Verdict]:
    """Why it was not evaluated: one of ABSENCES, then what the panel says is missing, as far as there is one."""
    name = "why.incomplete" if row.state == INCOMPLETE else row.absence
    return [verdict(name), *([verdict("why.because", why=row.why)] if row.why else []), verdict("why.without")]


def course(steps: list[Step]) -> list[Verdict]:
    """What became of it up to the last of some steps: one of COURSES with one of CHANGES where both are graded, or one of ABSENT_COURSES."""
    *earlier, now = steps
    seen = [step for step in earlier if step.level]
    before = earlier[-1] if earlier else now
    last = seen[-1] if seen else now
    about = {"period": now.period, "label": now.label, "before": before.period, "label_before": before.label, "last": last.period,
             "label_last": last.label, "score": None if now.score != now.score else now.score}
    if not earlier:
        return [verdict("course.alone", **about)]
    if all(step.state == NOT_IN_PROGRAMME for step in earlier):
        return [verdict("course.new" if now.level else "course.newcomer", **about)]
    if not now.level:
        return [verdict("course.never" if not seen else "course.left" if before.level else "course.away", **about)]
    if not before.level:
        return [verdict("course.back" if seen else "course.first", **about)]
    step, further = now.level - before.level, before.level - earlier[-2].level if len(earlier) > 1 and earlier[-2].level else 0
    name = ("course.risen-twice" if step > 0 and further > 0 else "course.fallen-twice" if step < 0 and further < 0
            else "course.risen" if step > 0 else "course.fallen" if step < 0
            else {HIGH: "course.best-again", LOW: "course.lowest-again"}.get(now.state, "course.same"))
    return [verdict(name, **about, first=earlier[-2].label if further else None), change(before.score, now.score),
            *([verdict("course.floors")] if before.floors != now.floors else [])]


def change(before: float, now: float) -> Verdict:
    """How a score changed: one of CHANGES."""
    points = round(now - before, DIGITS)
    name = "change.open" if points != points else "change.up" if points > 0 else "change.down" if points < 0 else "change.none"
    return verdict(name, before=before, now=now, points=abs(points))


def following(row: Any, scheme: Scheme) -> Verdict:
    """What comes next: one of NEXT."""
    if row.state in (INCOMPLETE, NOT_EVALUATED):
        return verdict("next.complete" if row.state == INCOMPLETE else "next.enter" if row.absence == "why.not-entered" else "next.take-part")
    if row.score != row.score:
        return verdict("next.withheld-best") if row.grade == HIGH else verdict(
            "next.withheld", label=scheme.labels[GRADES[GRADES.index(row.grade) + 1]], floor=float(scheme.ceiling(row.grade)))
    up, down = distances(row.score, row.grade, scheme)
    if row.grade == HIGH:
        return verdict("next.hold" if down <= NEAR else "next.keep", label=scheme.labels[HIGH])
    name = "next.close" if up <= NEAR else "next.rise" if row.grade == LOW else "next.climb"
    return verdict(name, label=scheme.labels[GRADES[GRADES.index(row.grade) + 1]], points=up)
