"""What a row of data/published prints and asks: phrases -> masks on the roster of its period, and numbers.

A phrase is words that must all hold (`活跃度高+活跃度较高 第三批`); a sum has phrases, items of the sheet, `[2.4-13]` and numbers
with ` + ` and ` - ` between. data/README.md has the vocabulary.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np

from analysis import roster, shares, sheets
from analysis.grades import BEST_FIRST, GRADES, HIGH, INCOMPLETE, NOT_EVALUATED

EVALUATED, PILOTS, EVERYONE, ENTERED, NOT_ENTERED, A_LEVEL, PANEL = "参评联盟", "试点联盟", "联盟总数", "录入信息", "未录入", "A级", "专家人数"
OWN_BATCH, OWN_BATCH_EVALUATED, OWN_GRADE, OWN_GRADE_PILOTS = RELATIVE = ("本批次", "本批次参评联盟", "本档联盟", "本档试点联盟")
DENOMINATORS = (EVALUATED, PILOTS, EVERYONE, f"{PILOTS} {EVALUATED}", *RELATIVE)
UNITS = ("家", "个", "位", "项", "份", "次", "件", "年", "号", "亿元", "平方米", "家次")  # of numbers
SCORE = re.compile(r"(\d+(?:\.\d+)?)分(及以上|以下)?")
SIGN = re.compile(r"\s+([+\-−])\s+")
LITERAL = re.compile(r"\d+(?:\.\d+)?")
GIVEN = re.compile(r"\[([^\[\]\s]+)\]")
RANK_OF = re.compile(r"名次 (\S+)")
DIGITS = {"": 0, "无": 0, "两": 2} | {digit: value for value, digit in enumerate("一二三四五六七八九", start=1)}
JUST_BELOW = 1e-9  # a withheld score does not reach the next floor


class UnknownWord(ValueError):
    """What the vocabulary does not have; a second argument is the column that asks for it, where that is not `counts`."""


class Printed(NamedTuple):
    """One row of a published file; data/README.md has the columns."""

    id: str
    section: str
    statement: str
    printed: str
    unit: str
    counts: str = ""
    of: str = ""
    needs: str = ""
    line: int = 0

    @property
    def value(self) -> Fraction:
        """The printed number, exact; a percentage is a number of percent, 两 is 2, 130多 is 130."""
        text = self.printed.rstrip("%多")
        if text[0].isdigit():
            return Fraction(text)
        tens, ten, units = text.rpartition("十")
        return Fraction(10 * (DIGITS[tens] or 1) * bool(ten) + DIGITS[units])


class Number(NamedTuple):
    """What should be printed, exact (a share in percent; None: it cannot be told), how it comes about, and of what it is made.

    The terms of a sum are sign, phrase, number, and whether the sheet only repeats that, so that it cannot vouch for it.
    """

    right: Fraction | None
    working: str
    terms: tuple[tuple[int, str, Fraction | None, bool], ...] = ()
    share: shares.Share | None = None
    part: np.ndarray | None = None
    whole: np.ndarray | None = None


def plain(number: Fraction | None) -> str:
    """A number as a sum has it: `1804`, `0.5`; `?` where it is not known."""
    return "?" if number is None else f"{float(number):.10g}"


class Vocabulary:
    """The words of one period: masks on its roster, and the items of its sheet. `given`: what the rows of a report print, by id."""

    def __init__(self, sheet: sheets.Period, given: dict[str, Fraction] | None = None):
        self.sheet, self.given, self.alliances, facts = sheet, given or {}, roster.of(sheet), sheet.facts
        batch, grade, state, self.pilots = (self.alliances[column].to_numpy() for column in ("batch", "grade", "state", "pilot"))
        self.everyone, self.evaluated = np.ones(len(batch), bool), np.isin(grade, GRADES)
        self.batches = {word: batch == own.short for own in sheet.batches for word in (own.short, own.name)}
        self.grades = {name: grade == name for name in GRADES}
        incomplete, entered = state == INCOMPLETE, facts.get(sheets.ENTERED)
        told = facts.get(sheets.INCOMPLETE_TOTAL, incomplete.sum() if sheet.absent else None)
        named = told == incomplete.sum()  # else any that was not evaluated may have been incomplete
        listed = self.evaluated | incomplete
        has_entered = listed, listed if named and entered == listed.sum() else self.everyone
        self.steps = {EVALUATED: (self.evaluated,) * 2, NOT_EVALUATED: (~self.evaluated,) * 2, ENTERED: has_entered,
                      INCOMPLETE: (incomplete, incomplete if named else ~self.evaluated), NOT_ENTERED: (~has_entered[1], ~has_entered[0])}
        self.items = {item: number for item, number in facts.items() if isinstance(number, int)}
        self.items |= {item: number for item, (number, _) in sheet.totals.items()} | ({PANEL: len(sheet.experts)} if sheet.experts else {})
        self.items |= {f"{name} {activity}": number for name, cells in sheet.activities.items() for activity, number in cells.items()}
        self.items |= {} if told is None else {INCOMPLETE: told}
        self.items |= {} if entered is None else {ENTERED: entered, NOT_ENTERED: len(batch) - entered}
        self.vouched = {NOT_ENTERED, *([PANEL] if sheet.experts else []), *([INCOMPLETE] if named else [])}  # by more than the item
        self.word, self.rows = cache(self.word), cache(self.rows)

    def word(self, word: str) -> tuple[str, np.ndarray, np.ndarray]:
        """The kind of a word, the rows where it holds for certain, and those where it may. Raises UnknownWord."""
        everywhere = self.batches | {PILOTS: self.pilots, EVERYONE: self.everyone}
        if word in everywhere:
            return "batch", everywhere[word], everywhere[word]
        if word in self.steps:
            return "step", *self.steps[word]
        if grade := self.sheet.scheme.named(word):
            return "grade", self.grades[grade], self.grades[grade]
        low, high, listed = (self.alliances[column].to_numpy() for column in ("low", "high", "a_level"))
        if word == A_LEVEL:
            return "list", listed, listed | (not self.sheet.a_level)
        if not (score := SCORE.fullmatch(word)):
            words = (*everywhere, *BEST_FIRST, *self.steps, A_LEVEL)
            raise UnknownWord(f"{word!r} is not a word of the vocabulary: {'、'.join(words)}, 95分及以上, 100分, 50分以下")
        number, top = float(score[1]), np.where((low == high) | self.grades[HIGH], high, high - JUST_BELOW)
        sides = {"及以上": (low >= number, top >= number), "以下": (top < number, low < number)}
        return "score", *sides.get(score[2], ((low == number) & (top == number), (low <= number) & (top >= number)))

    def rows(self, phrase: str, kind: str = "") -> np.ndarray | None:
        """Which rows a phrase counts, or its words of one kind; None where a withheld score or a missing list hides it."""
        sure, possible, kinds = self.everyone, self.everyone, {""}
        for words in phrase.split():
            own, surely, maybe = zip(*map(self.word, words.split("+")))
            if len(set(own)) > 1:
                raise UnknownWord(f"{words!r} joins words of different kinds")
            if kind in ("", own[0]):
                sure, possible = sure & np.any(surely, axis=0), possible & np.any(maybe, axis=0)
            kinds.add(own[0])
        if kind not in kinds:
            raise UnknownWord(f"{phrase!r} names no {kind}", "of")
        return sure if (sure == possible).all() else None

    def number(self, what: str) -> tuple[Fraction | None, bool]:
        """A number that is no sum, None where it cannot be told; and whether the sheet only repeats it. Raises UnknownWord."""
        if key := GIVEN.fullmatch(what):
            if key[1] not in self.given:
                raise UnknownWord(f"there is no row {key[1]!r}")
            return self.given[key[1]], False
        if what in self.items or LITERAL.fullmatch(what):
            return Fraction(str(self.items.get(what, what))), what not in self.vouched
        if code := RANK_OF.fullmatch(what):
            rank = self.alliances.loc[self.alliances["code"] == code[1], "rank"].dropna()
            return (Fraction(int(rank.iloc[0])) if len(rank) else None), False
        rows = self.rows(what)
        return (None if rows is None else Fraction(int(rows.sum()))), what in self.batches  # its approved number is a statement

    def sum(self, expression: str) -> Number:
        """What a sum comes to, or a phrase alone. Raises UnknownWord."""
        first, *rest = SIGN.split(expression.strip())
        signed = [(1, first), *((1 if sign == "+" else -1, what) for sign, what in zip(rest[::2], rest[1::2]))]
        terms = tuple((sign, what, *self.number(what)) for sign, what in signed)
        right = None if any(term[2] is None for term in terms) else sum(sign * number for sign, _, number, _ in terms)
        written = "".join(f" {'+' if sign > 0 else '−'} {plain(number)}" for sign, _, number, _ in terms).removeprefix(" + ").strip()
        return Number(right, f"{written} = {plain(right)}" if len(terms) > 1 else written, terms)

    def share(self, what: str, of: str) -> Number:
        """What share one is of the other: a phrase or an item of a phrase. Raises UnknownWord, also where it is no part of that."""
        item, (number, _) = what in self.items, self.number(what)
        phrase = " ".join(word for word in what.split() if word in GRADES) if item else what  # of a cell of 协同创新活动
        part, whole = self.rows(phrase), self.rows(phrase if of in RELATIVE else of, {OWN_BATCH: "batch", OWN_BATCH_EVALUATED: "batch",
                                                                                     OWN_GRADE: "grade", OWN_GRADE_PILOTS: "grade"}.get(of, ""))
        if number is None or whole is None:
            return Number(None, "")
        whole = whole & {OWN_BATCH_EVALUATED: self.evaluated, OWN_GRADE_PILOTS: self.pilots}.get(of, self.everyone)
        try:
            share = shares.share(int(number) if item else self.alliances[part], of=int(whole.sum()) if item else self.alliances[whole])
        except ValueError:
            raise UnknownWord(f"{what!r} ({plain(number)}) is no part of {of!r} ({whole.sum()})", "of") from None
        right = share.fraction * 100 if share.whole else None
        return Number(right, f"{share.part} ÷ {share.whole}", (), share, part, whole)
