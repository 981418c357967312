"""Counts and exact shares of one period, asked for in the words of the reports.

A count is asked for by what it counts: words that all must hold, with a blank between them, `+` for either.

    参评联盟                    everyone with a grade                       第一批            the 52 that were approved
    活跃度高 第一批             of batch 1, graded 活跃度高                 试点联盟          batches 1 to 3
    活跃度高+活跃度较高         the two upper grades                        联盟总数          every batch
    95分及以上 第二批           scores from 95 on, batch 2                  网员联盟          the network members
    100分   50分以下            exactly 100; below 50                       A级               the list of the period
    录入信息  信息不完整  未录入  未参评      the ladder, all or of a batch; None where nobody published it

A sum is asked for by its terms, with ` + ` and ` - ` between them: `录入信息 - 信息不完整`. A term may also be an item of
活动汇总 or 评价期 (`自设项目数`, `专家人数`), a cell of 协同创新活动 (`活跃度高 政府项目`), the rank of a code (`名次 320`),
or a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from analysis.grades import GRADES, INCOMPLETE, NOT_EVALUATED
from analysis.sheets import ENTERED, INCOMPLETE_TOTAL, NOT_ENTERED

if TYPE_CHECKING:
    import pandas as pd

    from analysis.sheets import Period

EVALUATED, PILOTS, EVERYONE, HAS_ENTERED, A_LEVEL = "参评联盟", "试点联盟", "联盟总数", "录入信息", "A级"
OWN_BATCH, OWN_BATCH_EVALUATED, OWN_GRADE, OWN_GRADE_PILOTS = "本批次", "本批次参评联盟", "本档联盟", "本档试点联盟"
LADDER = (HAS_ENTERED, INCOMPLETE, NOT_ENTERED, NOT_EVALUATED)
UNPUBLISHED = "未公布"
NOTHING = "∅"
SCORE = re.compile(r"(\d+(?:\.\d+)?)分(及以上|以下)?")
SIGN = re.compile(r"\s+([+\-−])\s+")
LITERAL = re.compile(r"\d+(?:\.\d+)?")
GIVEN = re.compile(r"\[([^\[\]\s]+)\]")
RANK_OF = re.compile(r"名次 (\S+)")
PANEL = "专家人数"


class Count(int):
    """A whole number that knows what it counts."""

    what: str

    def __new__(cls, number: int, what: str) -> Count:
        count = super().__new__(cls, number)
        count.what = what
        return count


@dataclass(frozen=True)
class Term:
    """One term of a sum. `stated`: the sheet only repeats the number, so it cannot vouch for it."""

    sign: int
    what: str
    number: Fraction | None
    stated: bool


@dataclass(frozen=True)
class Total:
    """A sum of terms; one term alone is a total too."""

    terms: tuple[Term, ...]

    @property
    def number(self) -> Fraction | None:
        """The sum, exact; None where a term is not known."""
        numbers = [None if term.number is None else term.sign * term.number for term in self.terms]
        return None if None in numbers else sum(numbers, Fraction(0))

    @property
    def stated(self) -> bool:
        """Whether it is one number that the sheet only repeats; terms that must close are more than that."""
        return len(self.terms) == 1 and self.terms[0].stated

    def __str__(self) -> str:
        """Written out: `107 − 20 = 87`."""
        terms = "".join(f" {'+' if t.sign > 0 else '−'} {shown(t.number)}" for t in self.terms)
        return f"{terms.removeprefix(' + ').strip()} = {shown(self.number)}" if len(self.terms) > 1 else shown(self.number)


def shown(number: Fraction | None) -> str:
    """A number as it is written in a sum: `1804`, `0.5`; `?` where it is not known."""
    return "?" if number is None else str(int(number)) if number == int(number) else f"{float(number):g}"


@dataclass(frozen=True)
class Share:
    """`part` of `whole`, exact; `what` and `of` are what they count, `denominator` how a sentence calls the whole."""

    part: int
    whole: int
    what: str
    of: str
    denominator: str

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.part, self.whole) if self.whole else Fraction(0)

    @property
    def percent(self) -> str:
        """In percent, half up, two places: `23.76%`; `—` where the whole is nothing."""
        return percent(self.fraction) if self.whole else "—"

    def __str__(self) -> str:
        return f"占{self.denominator}的{self.percent}"


@dataclass(frozen=True)
class Group:
    """One part of a breakdown: `key` is the canonical grade or the batch, `label` what the period calls it."""

    key: str
    label: str
    share: Share

    @property
    def count(self) -> int:
        return self.share.part


@dataclass(frozen=True)
class Breakdown:
    """The parts of a whole, in order. `by` is 等级 or 批次; `of` names the whole, `where` says which alliances these are."""

    by: str
    groups: tuple[Group, ...]
    whole: int
    of: str
    where: str = ""

    def largest(self) -> list[Group]:
        """The group with the largest count, or all that share it."""
        most = max(group.count for group in self.groups)
        return [group for group in self.groups if group.count == most]

    def rounded_sum(self) -> Decimal:
        """What the printed percentages add up to; 100.00 only by luck."""
        return sum((half_up(group.share.fraction * 100) for group in self.groups), Decimal(0))

    def records(self) -> list[dict[str, object]]:
        """The numbers as they are saved: the group's canonical name, its count, its whole, its share in percent."""
        return [{self.by: g.key, "联盟数": g.count, "分母": self.whole, "分母名称": self.of,
                 "占比": str(half_up(g.share.fraction * 100))} for g in self.groups]


def half_up(number: Fraction | int, places: int = 2) -> Decimal:
    """An exact number rounded half up, as the reports do and `round` does not.

    >>> half_up(Fraction(500, 32))
    Decimal('15.63')
    """
    rounded = int(abs(Fraction(number)) * 10 ** places + Fraction(1, 2))
    return Decimal(rounded if number >= 0 else -rounded).scaleb(-places)


def percent(share: Fraction, places: int = 2) -> str:
    """An exact share in percent: `23.76%`."""
    return f"{half_up(share * 100, places)}%"


def signed(number: Fraction | int, places: int = 2) -> str:
    """A change with its sign: `+16.93`, `−4.10`."""
    rounded = half_up(number, places)
    return f"+{rounded}" if rounded > 0 else f"−{-rounded}" if rounded < 0 else str(half_up(0, places))


def gained(points: float) -> str:
    """A change of scores with its sign and the decimals that it has, six at most: `+8`, `−2.5`."""
    exact = Fraction(str(round(points, 6)))
    return signed(exact, next(places for places in range(7) if (exact * 10 ** places).denominator == 1))


def p_value(p: float) -> str:
    """A p-value to three places: `0.043`, `<0.001`."""
    return f"{p:.3f}" if p >= 0.001 else "<0.001"


class UnknownWord(ValueError):
    """A word that the vocabulary does not have."""


class Numbers:
    """The numbers of one period; `scores` is its frame, one row per evaluated alliance."""

    def __init__(self, period: Period):
        self.period = period
        self.scheme = period.scheme
        self.batches = {batch.key: batch for batch in period.batches}
        self.has_members = any(not batch.is_pilot for batch in period.batches)
        self.everyone = EVERYONE if self.has_members else PILOTS
        self.own_grade_pilots = OWN_GRADE_PILOTS if self.has_members else OWN_GRADE
        self._counted: dict[str, Count | None] = {}

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per evaluated alliance."""
        return self.period.scores

    def count(self, what: str) -> Count | None:
        """How many there are; None where the sheet does not say. Raises UnknownWord."""
        if what not in self._counted:
            self._counted[what] = self._count(what)
        return self._counted[what]

    def _count(self, what: str) -> Count | None:
        words = self._words(what)
        batches = words.pop("batch")
        statuses = words.pop("status")
        if words["a_level"] and not self.period.a_level and not statuses - {EVALUATED}:
            return None
        if words["a_level"] and not (statuses or words["grade"] or words["score"]):
            return Count(sum(a.batch in batches for a in self.period.a_level), what)
        if not statuses - {EVALUATED} and (statuses or any(words.values())):
            rows = self._rows(what)
            return None if rows is None else Count(int(rows.sum()), what)
        if any(words.values()) or len(statuses) > 1:
            raise UnknownWord(f"{what!r} counts two things at once")
        number = self._ladder(statuses.pop(), batches) if statuses else self._approved(batches)
        return None if number is None else Count(number, what)

    def share(self, what: str, of: str) -> Share | None:
        """The share of one count in another; `of` may be 本批次, 本批次参评联盟, 本档联盟, 本档试点联盟."""
        absolute, denominator = self._whole(what, of)
        if of in (OWN_BATCH, OWN_BATCH_EVALUATED, OWN_GRADE, OWN_GRADE_PILOTS) and (not absolute or absolute[0] == " "):
            wanted = "batch" if of in (OWN_BATCH, OWN_BATCH_EVALUATED) else "grade"
            raise UnknownWord(f"{of!r} cannot be told from {what!r}, which names no {wanted}; name one, as in "
                              f"{what + (' 第一批' if wanted == 'batch' else ' 活跃度高')!r}")
        part, whole = self.total(what).number, self.count(absolute)
        return None if part is None or whole is None else Share(int(part), int(whole), what, absolute, denominator)

    def total(self, expression: str, given: dict[str, tuple[Fraction, bool]] | None = None) -> Total:
        """The sum that an expression asks for; `[key]` in it is a number of `given` (with whether it is only stated).

        Raises UnknownWord, as `understand` does without counting.
        """
        terms = []
        for sign, what in self._terms(expression):
            key = GIVEN.fullmatch(what)
            number, stated = (given or {})[key[1]] if key else self._number(what)
            terms.append(Term(sign, what, number, stated))
        return Total(tuple(terms))

    def understand(self, expression: str, given: set[str] = frozenset()) -> None:
        """Raises UnknownWord where `total` would not know what to count."""
        for _, what in self._terms(expression):
            key = GIVEN.fullmatch(what)
            if key and key[1] not in given:
                raise UnknownWord(f"there is no row {key[1]!r}")
            if not key and self._item(what) is None and not RANK_OF.fullmatch(what):
                words = self._words(what)
                if len(words["status"]) > 1:
                    raise UnknownWord(f"{what!r} counts two things at once")

    def contains(self, of: str, what: str) -> bool:
        """Whether a denominator can be asked for what is counted: its words are there, and it holds every part of it."""
        own = self._words(self._phrase(what))
        if of in (OWN_BATCH, OWN_BATCH_EVALUATED) and own["batch"] == set(self.batches):
            return False
        if of in (OWN_GRADE, OWN_GRADE_PILOTS) and not own["grade"]:
            return False
        whole = self._words(self._whole(what, of)[0])
        same_grade = not whole["grade"] or (bool(own["grade"]) and own["grade"] <= whole["grade"])
        return own["batch"] <= whole["batch"] and same_grade

    def apart(self, one: str, other: str) -> bool:
        """Whether two phrases can have no alliance in common, being of other batches or other grades."""
        a, b = self._words(self._phrase(one)), self._words(self._phrase(other))
        return not a["batch"] & b["batch"] or bool(a["grade"] and b["grade"] and not a["grade"] & b["grade"])

    def _phrase(self, what: str) -> str:
        """The words of a phrase without an item of the sheet, which has no batch and no grade of its own."""
        return what if self._item(what) is None else " ".join(word for word in what.split() if self.scheme.named(word))

    @staticmethod
    def _terms(expression: str) -> list[tuple[int, str]]:
        pieces = SIGN.split(expression.strip())
        return [(1, pieces[0]), *((1 if sign == "+" else -1, what) for sign, what in zip(pieces[1::2], pieces[2::2]))]

    def _number(self, what: str) -> tuple[Fraction | None, bool]:
        item = self._item(what)
        if item is not None:
            return item
        rank = RANK_OF.fullmatch(what)
        if rank:
            ranks = self.ranks()
            place = ranks.loc[ranks["code"] == rank[1], "rank"].dropna()
            return (Fraction(int(place.iloc[0])) if len(place) else None), False
        count = self.count(what)
        return (None if count is None else Fraction(int(count))), self._is_stated(what)

    def _item(self, what: str) -> tuple[Fraction, bool] | None:
        """A number that the sheet gives as such, and whether nothing else in it vouches for it; None for a phrase."""
        if LITERAL.fullmatch(what):
            return Fraction(what), True
        if what in self.period.totals:
            return Fraction(str(self.period.totals[what][0])), True
        if what == PANEL and self.period.experts:
            return Fraction(len(self.period.experts)), False
        if isinstance(self.period.facts.get(what), int):
            return Fraction(self.period.facts[what]), True
        grade, *activity = sorted(what.split(), key=lambda word: self.scheme.named(word) is None) or [""]
        cells = self.period.activities.get(self.scheme.named(grade) or "", {})
        return (Fraction(cells[activity[0]]), True) if len(activity) == 1 and activity[0] in cells else None

    def _is_stated(self, what: str) -> bool:
        words = self._words(what)
        status, whole_programme = words["status"], words["batch"] == set(self.batches)
        if status <= {EVALUATED} and (status or any(words[kind] for kind in ("grade", "score", "a_level"))):
            return False
        if not status:
            return len(words["batch"]) == 1
        named = sum(a.state == INCOMPLETE for a in self.period.absent)
        return whole_programme and (HAS_ENTERED in status or (INCOMPLETE in status and named != self.count(INCOMPLETE)))

    @property
    def batch_names(self) -> dict[str, str]:
        """The short names of the batches by key."""
        return {key: batch.short for key, batch in self.batches.items()}

    def label(self, grade: str) -> str:
        """What the period calls a grade."""
        return self.scheme.labels[grade]

    def portion(self, part: int, of: str) -> Share:
        """The share of a number that the sheet gives in a count of the vocabulary."""
        absolute, denominator = self._whole(of, of)
        grade = self.scheme.named(of)
        return Share(part, int(self.count(absolute)), str(part), absolute, f"{self.label(grade)}联盟" if grade else denominator)

    def amount(self, item: str) -> str:
        """A total of 活动汇总 with its unit: `1804项`."""
        number, unit = self.period.totals[item]
        return f"{number:g}{unit}"

    def names(self, what: str) -> list[str]:
        """The evaluated alliances that are counted, best score first, as the sheet names them."""
        rows = self._rows(what)
        if rows is None:
            raise UnknownWord(f"{what!r} cannot be told where scores are withheld")
        return list(self.scores[rows].sort_values("score", ascending=False, kind="stable")["name"])

    def ids(self, what: str) -> set[str] | None:
        """The registry's ids of the evaluated alliances that are counted; None where withheld scores hide it."""
        rows = self._rows(what)
        return None if rows is None else set(self.scores.loc[rows, "id"])

    def by_grade(self, where: str = "", of: str = EVALUATED) -> Breakdown:
        """The four grades of some batches; where the whole is more than those evaluated, the rest is 未参评."""
        whole, _ = self._whole(where, of)
        groups = [self._group(grade, self.scheme.labels[grade], f"{grade} {where}".strip(), whole, of) for grade in GRADES]
        if EVALUATED not in whole.split():
            groups.append(self._group(NOT_EVALUATED, NOT_EVALUATED, f"{NOT_EVALUATED} {where}".strip(), whole, of))
        return Breakdown("等级", tuple(groups), int(self.count(whole)), whole, where)

    def by_batch(self, where: str, of: str | None = None, pilots_only: bool = True) -> Breakdown:
        """The batches of a grade, or of everyone evaluated."""
        of = of or (self.own_grade_pilots if pilots_only else OWN_GRADE)
        whole, _ = self._whole(where, of)
        groups = [self._group(b.key, b.short, f"{where} {b.short}", whole, of) for b in self.batches.values()
                  if b.is_pilot or not pilots_only]
        return Breakdown("批次", tuple(groups), int(self.count(whole)), whole, where)

    def leader(self, what: str, of: str, pilots_only: bool = True) -> tuple[str, Share] | None:
        """The batch with the largest share, or None where two share the first place or nobody has any."""
        first = self.leaders(what, of, pilots_only)
        return first[0] if len(first) == 1 else None

    def leaders(self, what: str, of: str, pilots_only: bool = True) -> list[tuple[str, Share]]:
        """The batch with the largest share, or all that share the first place; nothing where nobody has any."""
        shares = self._batch_shares(what, of, pilots_only)
        best = max((share.fraction for _, share in shares), default=Fraction(0))
        return [(name, share) for name, share in shares if share.fraction == best and best > 0]

    def trailer(self, what: str, of: str, pilots_only: bool = True) -> tuple[str, Share] | None:
        """The batch with the smallest share, or None where two share the last place."""
        last = self.trailers(what, of, pilots_only)
        return last[0] if len(last) == 1 else None

    def trailers(self, what: str, of: str, pilots_only: bool = True) -> list[tuple[str, Share]]:
        """The batch with the smallest share, or all that share the last place."""
        shares = self._batch_shares(what, of, pilots_only)
        least = min((share.fraction for _, share in shares), default=Fraction(0))
        return [(name, share) for name, share in shares if share.fraction == least]

    def _batch_shares(self, what: str, of: str, pilots_only: bool) -> list[tuple[str, Share]]:
        """The share of each batch by its name; nothing where one of them is not known."""
        batches = [b.short for b in self.batches.values() if b.is_pilot or not pilots_only]
        shares = [(name, self.share(f"{what} {name}", of)) for name in batches]
        return [] if any(share is None for _, share in shares) else shares

    def ranks(self) -> pd.DataFrame:
        """The scores with `rank`: ties share the best place, and a withheld score has none."""
        frame = self.scores.copy()
        frame["rank"] = frame["score"].rank(method="min", ascending=False)
        return frame

    def withheld(self) -> int:
        """How many have a grade but no published score."""
        return int(self.scores["score"].isna().sum())

    def ladder(self) -> list[tuple[str, dict[str, Count | None]]]:
        """The steps from registered to evaluated for each batch and for all: name of the row, count by step."""
        steps = {"登记联盟": "", HAS_ENTERED: HAS_ENTERED, INCOMPLETE: INCOMPLETE, EVALUATED: EVALUATED,
                 NOT_EVALUATED: NOT_EVALUATED}
        rows = [*(b.short for b in self.batches.values()), *([PILOTS] if self.has_members else []), self.everyone]
        return [(row, {step: self.count(f"{row} {word}".strip()) for step, word in steps.items()}) for row in rows]

    def _group(self, key: str, label: str, what: str, whole: str, of: str) -> Group:
        denominator = self._whole(what, of)[1]
        return Group(key, label, Share(int(self.count(what)), int(self.count(whole)), what, whole, denominator))

    def _words(self, what: str) -> dict[str, set]:
        """What each word of a phrase asks for: `batch` (keys), `grade`, `score` (alternatives), `status`, `a_level`."""
        found: dict[str, set] = {"batch": set(self.batches), "grade": set(), "score": set(), "status": set(), "a_level": set()}
        for phrase in what.split():
            kinds, values = set(), set()
            for word in phrase.split("+"):
                kind, value = self._word(word)
                kinds.add(kind)
                values |= value
            if len(kinds) != 1:
                raise UnknownWord(f"{phrase!r} joins words of different kinds")
            kind = kinds.pop()
            if kind == "batch":
                found[kind] &= values
            elif kind == "grade":
                found[kind] = (found[kind] & values or {NOTHING}) if found[kind] else values
            else:
                found[kind] |= {frozenset(values)} if kind == "score" else values
        return found

    def _word(self, word: str) -> tuple[str, set]:
        for batch in self.batches.values():
            if word in (batch.short, batch.name):
                return "batch", {batch.key}
        if word in (EVERYONE, PILOTS):
            return "batch", {b.key for b in self.batches.values() if b.is_pilot or word == EVERYONE}
        if word in (EVALUATED, *LADDER):
            return "status", {word}
        if word == A_LEVEL:
            return "a_level", {word}
        grade = self.scheme.named(word)
        if grade:
            return "grade", {grade}
        score = SCORE.fullmatch(word)
        if score:
            return "score", {(float(score[1]), score[2] or "")}
        raise UnknownWord(f"{word!r} is not a word of the vocabulary: batches "
                          f"{'、'.join(b.short for b in self.batches.values())}, grades {'、'.join(GRADES)}, "
                          f"{'、'.join((EVALUATED, PILOTS, EVERYONE, *LADDER, A_LEVEL))}, 95分及以上, 100分, 50分以下")

    def _rows(self, what: str) -> pd.Series | None:
        """Which rows of `scores` are counted; None where a withheld score could be on either side."""
        words, frame = self._words(what), self.scores
        rows = frame["batch"].isin(words["batch"])
        if words["grade"]:
            rows &= frame["grade"].isin(words["grade"])
        if words["a_level"]:
            rows &= frame["id"].isin({a.id for a in self.period.a_level})
        for alternatives in words["score"]:
            answers = [self._holds(score, grade, alternatives) for score, grade in zip(frame["score"], frame["grade"])]
            if any(answer is None and here for answer, here in zip(answers, rows)):
                return None
            rows &= rows.index.isin([place for place, answer in zip(rows.index, answers) if answer])
        return rows

    def _holds(self, score: float, grade: str, alternatives: frozenset[tuple[float, str]]) -> bool | None:
        """Whether a score is one of those asked for; None where it is withheld and could be or not."""
        low, high = (score, score) if score == score else (self.scheme.floors[grade], self.scheme.ceiling(grade))
        reached = score == score or grade == GRADES[0]  # the ceiling of the best grade is a score, that of another is not
        answers = []
        for number, side in alternatives:
            if side == "及以上":
                sure, never = low >= number, high < number or (high == number and not reached)
            elif side == "以下":
                sure, never = high < number or (high == number and not reached), low >= number
            else:
                sure = low == high == number
                never = not low <= number <= high or (number == high and not reached)
            answers.append(True if sure else False if never else None)
        return True if True in answers else None if None in answers else False

    def _approved(self, batches: set[str]) -> int:
        return sum(self.batches[key].approved for key in batches)

    def _ladder(self, step: str, batches: set[str]) -> int | None:
        facts, whole_programme = self.period.facts, batches == set(self.batches)
        evaluated = int(self.scores["batch"].isin(batches).sum())
        named = sum(a.state == INCOMPLETE and a.batch in batches for a in self.period.absent)
        all_named = sum(a.state == INCOMPLETE for a in self.period.absent)
        incomplete_total = facts.get(INCOMPLETE_TOTAL, all_named if self.period.absent else None)
        if step == NOT_EVALUATED:
            return self._approved(batches) - evaluated
        if step == INCOMPLETE:
            return incomplete_total if whole_programme else named if all_named == incomplete_total else None
        entered = facts.get(ENTERED)
        if not whole_programme:
            closes = entered is not None and all_named == incomplete_total and entered == len(self.scores) + all_named
            entered = evaluated + named if closes else None
        return entered if step == HAS_ENTERED or entered is None else self._approved(batches) - entered

    def _whole(self, what: str, of: str) -> tuple[str, str]:
        """The denominator in absolute words, and as a sentence calls it."""
        what = self._phrase(what)
        kinds = {phrase: self._word(phrase.split("+")[0])[0] for phrase in what.split()}
        batch = " ".join(phrase for phrase, kind in kinds.items() if kind == "batch")
        grade = " ".join(phrase for phrase, kind in kinds.items() if kind == "grade")
        label = "和".join(self.scheme.labels.get(self.scheme.named(g) or "", g) for g in grade.split("+"))
        pilot = "" if batch in ("网员联盟", "") else "试点联盟"
        called = batch.replace("+", "和")
        if of == OWN_BATCH:
            return batch, f"{called}{self.count(batch)}家{pilot}"
        if of == OWN_BATCH_EVALUATED:
            return f"{batch} {EVALUATED}", f"{called}参评联盟"
        if of == OWN_GRADE:
            return grade, f"{label}联盟"
        if of == OWN_GRADE_PILOTS:
            return f"{grade} {PILOTS}", f"{label}试点联盟"
        return of, {PILOTS: "试点联盟总数", EVERYONE: EVERYONE}.get(of, of)
