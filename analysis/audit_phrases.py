"""What a row of data/published asks: phrases -> masks on the roster of its period, and numbers.

A phrase is words that must all hold (`活跃度高+活跃度较高 第三批`); a sum has phrases, items of the sheet, `[2.4-13]` and numbers
with ` + ` and ` - ` between. data/README.md has the vocabulary. To understand a phrase takes no pandas, to count it does.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from analysis import shares, sheets
from analysis.grades import BEST_FIRST, GRADES, HIGH, INCOMPLETE, NOT_EVALUATED

if TYPE_CHECKING:
    import pandas as pd

EVALUATED, PILOTS, EVERYONE, ENTERED, NOT_ENTERED, A_LEVEL = "参评联盟", "试点联盟", "联盟总数", "录入信息", "未录入", "A级"
STEPS = {EVALUATED: GRADES, ENTERED: (*GRADES, INCOMPLETE), INCOMPLETE: (INCOMPLETE,), NOT_ENTERED: (NOT_EVALUATED,),
         NOT_EVALUATED: (NOT_EVALUATED, INCOMPLETE)}
OWN_BATCH, OWN_BATCH_EVALUATED, OWN_GRADE, OWN_GRADE_PILOTS = RELATIVE = ("本批次", "本批次参评联盟", "本档联盟", "本档试点联盟")
DENOMINATORS = (EVALUATED, PILOTS, EVERYONE, f"{PILOTS} {EVALUATED}", *RELATIVE)
PANEL = "专家人数"
SCORE = re.compile(r"(\d+(?:\.\d+)?)分(及以上|以下)?")
SIGN = re.compile(r"\s+([+\-−])\s+")
LITERAL = re.compile(r"\d+(?:\.\d+)?")
GIVEN = re.compile(r"\[([^\[\]\s]+)\]")
RANK_OF = re.compile(r"名次 (\S+)")
JUST_BELOW = 1e-9  # a withheld score does not reach the next floor


class UnknownWord(ValueError):
    """What the vocabulary does not have, or a share of what is no part of its whole."""


class Phrase(NamedTuple):
    """Alliances of these batches and in these states, that pass one test of each set: (score, side) or (A级, None)."""

    batches: frozenset[str]
    states: frozenset[str]
    tests: frozenset[frozenset[tuple]] = frozenset()

    def within(self, whole: Phrase) -> bool:
        """Whether it is a part of a whole, whatever the sheet says."""
        return self.batches <= whole.batches and self.states <= whole.states and whole.tests <= self.tests

    def apart(self, other: Phrase) -> bool:
        """Whether the two can have no alliance in common, being of other batches or other grades."""
        return not (self.batches & other.batches and self.states & other.states)


class Term(NamedTuple):
    """One term of a sum. `stated`: the sheet only repeats the number, so it cannot vouch for it."""

    sign: int
    what: str
    number: Fraction | None
    stated: bool


def total(terms: list[Term]) -> Fraction | None:
    """The sum of terms, exact; None where one of them is not known."""
    return None if any(term.number is None for term in terms) else sum((t.sign * t.number for t in terms), Fraction(0))


def written(terms: list[Term]) -> str:
    """A sum written out: `107 − 20 = 87`."""
    sums = "".join(f" {'+' if term.sign > 0 else '−'} {plain(term.number)}" for term in terms).removeprefix(" + ").strip()
    return f"{sums} = {plain(total(terms))}" if len(terms) > 1 else sums


def plain(number: Fraction | None) -> str:
    """A number as a sum has it: `1804`, `0.5`; `?` where it is not known."""
    return "?" if number is None else f"{float(number):.10g}"


class Vocabulary:
    """The words of one period, over its sheet and its roster; `given` has the numbers that the rows of a report print, by id."""

    def __init__(self, sheet: sheets.Period, given: dict[str, Fraction] | None = None):
        self.sheet, self.given = sheet, given or {}
        self.batches = {batch.short for batch in sheet.batches}
        self.pilots = frozenset(batch.short for batch in sheet.batches if batch.is_pilot)
        self.everyone = Phrase(frozenset(self.batches), frozenset((NOT_EVALUATED, INCOMPLETE, *GRADES)))
        self.words = {EVERYONE: ("batches", self.batches), PILOTS: ("batches", self.pilots), A_LEVEL: ("tests", {(A_LEVEL, None)})}
        self.words |= {word: ("batches", {batch.short}) for batch in sheet.batches for word in (batch.short, batch.name)}
        self.words |= {step: ("states", states) for step, states in STEPS.items()}
        self.items = {item: number for item, number in sheet.facts.items() if isinstance(number, int)}
        self.items |= {item: number for item, (number, _) in sheet.totals.items()} | ({PANEL: len(sheet.experts)} if sheet.experts else {})
        self.items |= {f"{grade} {name}": number for grade, cells in sheet.activities.items() for name, number in cells.items()}

    @cached_property
    def alliances(self) -> pd.DataFrame:
        """The roster of the period."""
        from analysis import roster

        return roster.of(self.sheet)

    def parse(self, text: str) -> Phrase:
        """What a phrase asks. Raises UnknownWord."""
        phrase = self.everyone
        for words in text.split():
            kinds, values = zip(*map(self._word, words.split("+")))
            if len(set(kinds)) > 1:
                raise UnknownWord(f"{words!r} joins words of different kinds")
            either = frozenset().union(*values)
            if kinds[0] == "tests":  # only who has a grade has a score, or stands in the list
                phrase = phrase._replace(states=phrase.states & set(GRADES), tests=phrase.tests | {either})
            else:
                phrase = phrase._replace(**{kinds[0]: getattr(phrase, kinds[0]) & either})
        return phrase

    def _word(self, word: str) -> tuple[str, set]:
        if word in self.words:
            return self.words[word]
        if grade := self.sheet.scheme.named(word):
            return "states", {grade}
        if score := SCORE.fullmatch(word):
            return "tests", {(float(score[1]), score[2])}
        raise UnknownWord(f"{word!r} is not a word of the vocabulary: {'、'.join((*self.words, *BEST_FIRST))}, 95分及以上, 100分, 50分以下")

    def mask(self, phrase: Phrase) -> pd.Series | None:
        """Which rows of the roster a phrase counts; None where a withheld score could be on either side."""
        rows = self.alliances["batch"].isin(phrase.batches) & self.alliances["state"].isin(phrase.states)
        for either in phrase.tests:
            sure, possible = (sum(answers) > 0 for answers in zip(*(self._test(*test) for test in either)))
            if (rows & possible & ~sure).any():
                return None
            rows &= sure
        return rows

    def _test(self, number: float | str, side: str | None) -> tuple[pd.Series, pd.Series]:
        """Which rows pass a test for certain, and which may."""
        if number == A_LEVEL:
            listed = self.alliances["a_level"]
            return listed, listed | (not self.sheet.a_level)
        low, high = self.alliances["low"], self.alliances["high"]
        top = high.where(self.alliances["score"].notna() | (self.alliances["grade"] == HIGH), high - JUST_BELOW)
        if side == "及以上":
            return low >= number, top >= number
        return (top < number, low < number) if side else ((low == number) & (top == number), (low <= number) & (top >= number))

    @cached_property
    def ladder(self) -> dict[frozenset[str], int | None]:
        """What 评价期 says of the whole programme: who entered, who was incomplete, who did not enter."""
        facts, named = self.sheet.facts, int((self.alliances["state"] == INCOMPLETE).sum())
        entered = facts.get(sheets.ENTERED)
        told = {ENTERED: entered, INCOMPLETE: facts.get(sheets.INCOMPLETE_TOTAL, named if self.sheet.absent else None),
                NOT_ENTERED: None if entered is None else len(self.alliances) - entered}
        return {frozenset(STEPS[step]): number for step, number in told.items()}

    def count(self, phrase: Phrase) -> tuple[int | None, bool]:
        """How many a phrase counts, None where the sheet does not say; and whether the sheet only repeats it.

        A step of the ladder is known of a batch where the lists name as many as 评价期 states.
        """
        rows = self.mask(phrase)
        listed = None if rows is None else int(rows.sum())
        if phrase.states not in self.ladder:  # the approved number of a batch is a statement too
            return listed, phrase.states == self.everyone.states and len(phrase.batches) == 1
        told, named = self.ladder[phrase.states], int(self.alliances["state"].isin(phrase.states).sum())
        if phrase.batches == self.everyone.batches:
            return told, told != named and phrase.states != {NOT_EVALUATED}
        return (listed if told == named else None), False

    def terms(self, expression: str) -> list[Term]:
        """The terms of a sum with their numbers. Raises UnknownWord."""
        return [Term(sign, what, *self._number(what)) for sign, what in _signed(expression)]

    def _number(self, what: str) -> tuple[Fraction | None, bool]:
        if key := GIVEN.fullmatch(what):
            return self.given[key[1]], False
        if what in self.items or LITERAL.fullmatch(what):
            return Fraction(str(self.items.get(what, what))), what != PANEL or not self.sheet.experts
        if code := RANK_OF.fullmatch(what):
            number, stated = next(iter(self.alliances.loc[self.alliances["code"] == code[1], "rank"].dropna()), None), False
        else:
            number, stated = self.count(self.parse(what))
        return (None if number is None else Fraction(int(number))), stated

    def understand(self, expression: str) -> None:
        """Raises UnknownWord where `terms` would not know what to count."""
        for _, what in _signed(expression):
            if (key := GIVEN.fullmatch(what)) and key[1] not in self.given:
                raise UnknownWord(f"there is no row {key[1]!r}")
            if not key and not RANK_OF.fullmatch(what):
                self.asked(what)

    def asked(self, what: str) -> Phrase:
        """The phrase of a part; of an item of the sheet its grade, or nobody where it has none."""
        if what in self.items or LITERAL.fullmatch(what):
            return self.everyone._replace(states=frozenset(what.split()[:1]) & set(GRADES))
        return self.parse(what)

    def whole(self, what: str, of: str) -> Phrase:
        """The denominator of a part. Raises UnknownWord where the part names no such batch or grade, or is no part of it."""
        part, everyone = self.asked(what), self.everyone
        named = part.batches != everyone.batches if of in RELATIVE[:2] else set() < part.states < set(GRADES)
        if of in RELATIVE and not named:
            raise UnknownWord(f"{of!r} cannot be told from {what!r}: it names no such batch or grade")
        relative = {OWN_BATCH: everyone._replace(batches=part.batches), OWN_BATCH_EVALUATED: Phrase(part.batches, frozenset(GRADES)),
                    OWN_GRADE: everyone._replace(states=part.states), OWN_GRADE_PILOTS: Phrase(self.pilots, part.states)}
        whole = relative[of] if of in relative else self.parse(of)
        if not part.within(whole):
            raise UnknownWord(f"{what!r} is no part of {of!r}")
        return whole

    def share(self, what: str, of: str) -> shares.Share | None:
        """The exact share of a part in its whole; None where either is not known, or nothing. Raises ValueError."""
        part, whole = self._number(what)[0], self.count(self.whole(what, of))[0]
        return None if part is None or not whole else shares.share(int(part), of=whole)


def _signed(expression: str) -> list[tuple[int, str]]:
    first, *rest = SIGN.split(expression.strip())
    return [(1, first), *((1 if sign == "+" else -1, what) for sign, what in zip(rest[::2], rest[1::2]))]
