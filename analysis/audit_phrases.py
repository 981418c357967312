"""What a row of data/published prints and asks: phrases -> masks on the roster of its period, and numbers.

A phrase is words that must all hold (`活跃度高+活跃度较高 第三批`); a sum has phrases, items of the sheet, `[2.4-13]` and numbers
with ` + ` and ` - ` between; a few words stand before what they count (FUNCTIONS). data/README.md has the vocabulary.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis import roster, shares, sheets
from analysis.grades import BEST_FIRST, GRADES, HIGH, INCOMPLETE, NOT_EVALUATED
from analysis.messages import Said
from analysis.problems import quoted

EVALUATED, PILOTS, EVERYONE, ENTERED, NOT_ENTERED, A_LEVEL, PANEL = "参评联盟", "试点联盟", "联盟总数", "录入信息", "未录入", "A级", "专家人数"
OWN_BATCH, OWN_BATCH_EVALUATED, OWN_GRADE, OWN_GRADE_PILOTS = "本批次", "本批次参评联盟", "本档联盟", "本档试点联盟"
RELATIVE = {OWN_BATCH: ("batch", EVERYONE), OWN_BATCH_EVALUATED: ("batch", EVALUATED),  # to a word of the part, and within what
            OWN_GRADE: ("grade", EVERYONE), OWN_GRADE_PILOTS: ("grade", PILOTS)}
DENOMINATORS = (EVALUATED, PILOTS, EVERYONE, f"{PILOTS} {EVALUATED}", *RELATIVE)
SHARE, LIST, CLAIM, JUDGEMENT, DATE = "%", "名单", "说法", "评语", "日期"
BAND, NAME, LABEL, CODE, PLACE = "分段", "名称", "称呼", "代码", "对照"
UNITS = ("家", "个", "位", "项", "份", "次", "件", "年", "号", "亿元", "万元", "平方米", "家次")  # of numbers
SCORE = re.compile(r"(\d+(?:\.\d+)?)分(及以上|以下)?")
SIGN = re.compile(r"\s+([+\-−])\s+")
LITERAL = re.compile(r"\d+(?:\.\d+)?")
ELSEWHERE = re.compile(r"\[\S+ \S+\]")  # a row of another period's file, which may not be there
DIGITS = {"": 0, "无": 0, "两": 2} | {digit: value for value, digit in enumerate("一二三四五六七八九", start=1)}
ALL_ACTIVITIES, EACH = "各项活动", "联盟数"  # all cells of a line of 协同创新活动 together, but for the first: how many alliances it is of
JUST_BELOW = 1e-9  # a withheld score does not reach the next floor


class UnknownWord(ValueError):
    """What the vocabulary does not have: the message, and the column that asks for it."""

    def __init__(self, rule: str, /, column: str = "counts", **values: object):
        super().__init__(rule)
        self.said, self.column = Said(rule, **values), column


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
    sentence: str = ""
    page: str = ""
    instead: str = ""
    line: int = 0

    @property
    def value(self) -> Fraction:
        """The printed number, exact; a percentage is a number of percent, 两 is 2, 130多 is 130, a date a number of years."""
        text = self.printed.rstrip("%多")
        if self.unit == DATE:
            year, month, day = [*map(int, re.findall(r"\d+", text)), 1, 1][:3]
            return year + Fraction(month - 1, 12) + Fraction(day - 1, 12 * 31)
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


def lists(sheet: sheets.Period) -> dict[str, list]:
    """What a sheet lists by name."""
    return {"评分表": sheet.evaluated, "未参评": sheet.absent, "A级名单": sheet.a_level}


class Vocabulary:
    """The words of one period as masks on its roster, and the items of its sheet with whether nothing but the item vouches for it."""

    def __init__(self, sheet: sheets.Period):
        self.sheet, self.alliances, facts = sheet, roster.of(sheet), sheet.facts
        batch, grade, state, pilots = (self.alliances[column].to_numpy() for column in ("batch", "grade", "state", "pilot"))
        self.everyone, self.evaluated, incomplete = np.ones(len(batch), bool), np.isin(grade, GRADES), state == INCOMPLETE
        listed, entered = self.evaluated | incomplete, facts.get(sheets.ENTERED)
        told = facts.get(sheets.INCOMPLETE_TOTAL, incomplete.sum() if sheet.absent else None)
        named = told == incomplete.sum()  # else any that was not evaluated may have been incomplete
        most = listed if named and entered == listed.sum() else self.everyone
        self.words = {  # kind, the rows where the word holds for certain, and those where it may
            **{word: ("batch", batch == own.short, batch == own.short) for own in sheet.batches for word in (own.short, own.name)},
            PILOTS: ("batch", pilots, pilots), EVERYONE: ("batch", self.everyone, self.everyone),
            **{name: ("grade", grade == name, grade == name) for name in BEST_FIRST},
            EVALUATED: ("step", self.evaluated, self.evaluated), NOT_EVALUATED: ("step", ~self.evaluated, ~self.evaluated),
            ENTERED: ("step", listed, most), NOT_ENTERED: ("step", ~most, ~listed),
            INCOMPLETE: ("step", incomplete, incomplete if named else ~self.evaluated),
            A_LEVEL: ("list", self.alliances["a_level"].to_numpy(), self.alliances["a_level"].to_numpy() | (not sheet.a_level))}
        self.items = {item: (number, True) for item, number in facts.items() if isinstance(number, int)} | {
            item: (number, True) for item, (number, _) in sheet.totals.items()}
        self.items |= {f"{name} {activity}": (n, True) for name, cells in sheet.activities.items()
                       for activity, n in {**cells, ALL_ACTIVITIES: sum(cells.values()) - cells.get(EACH, 0)}.items()}
        ranks = self.alliances[["code", "rank"]].itertuples(index=False)
        self.items |= {f"名次 {code}": (None if rank is pd.NA else rank, False) for code, rank in ranks}
        self.items |= {PANEL: (len(sheet.experts), False)} if sheet.experts else {}
        self.items |= {} if told is None else {INCOMPLETE: (told, not named)}
        self.items |= {} if entered is None else {ENTERED: (entered, True), NOT_ENTERED: (len(batch) - entered, False)}
        self.rows = cache(self.rows)

    def word(self, word: str) -> tuple[str, np.ndarray, np.ndarray]:
        """The kind of a word, the rows where it holds for certain, and those where it may. Raises UnknownWord."""
        if known := self.words.get(word) or self.words.get(self.sheet.scheme.named(word)):
            return known
        if not (score := SCORE.fullmatch(word)):
            raise UnknownWord("published.word", word=quoted(word), known=[*self.words, "95分及以上", "100分", "50分以下"])
        low, high, number = *(self.alliances[column].to_numpy() for column in ("low", "high")), float(score[1])
        top = np.where((low == high) | self.words[HIGH][1], high, high - JUST_BELOW)
        sides = {"及以上": (low >= number, top >= number), "以下": (top < number, low < number)}
        return "score", *sides.get(score[2], ((low == number) & (top == number), (low <= number) & (top >= number)))

    def rows(self, phrase: str, kind: str = "") -> np.ndarray | None:
        """Which rows a phrase counts, or its words of one kind; None where a withheld score or a missing list hides it."""
        sure, possible, kinds = self.everyone, self.everyone, {""}
        for words in phrase.split():
            own, surely, maybe = zip(*map(self.word, words.split("+")))
            if len(set(own)) > 1:
                raise UnknownWord("published.kinds", word=quoted(words))
            if kind in ("", own[0]):
                sure, possible = sure & np.any(surely, axis=0), possible & np.any(maybe, axis=0)
            kinds.add(own[0])
        if kind not in kinds:
            raise UnknownWord("published.relative", word=quoted(phrase))
        return sure if (sure == possible).all() else None

    def number(self, what: str) -> tuple[Fraction | None, bool]:
        """A number that is no sum, None where it cannot be told; and whether the sheet only repeats it. Raises UnknownWord."""
        function, _, rest = what.partition(" ")
        if function in FUNCTIONS:
            return Fraction(FUNCTIONS[function](self, rest)), False
        if what in self.items:
            number, stated = self.items[what]
            return (None if number is None else Fraction(str(number))), stated
        if LITERAL.fullmatch(what) or ELSEWHERE.fullmatch(what):
            return (Fraction(what) if what[0] != "[" else None), True
        rows = self.rows(what)  # the approved number of a batch is a statement
        return (None if rows is None else Fraction(int(rows.sum()))), any(what in (batch.short, batch.name) for batch in self.sheet.batches)

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
        part, (kind, within) = self.rows(phrase), RELATIVE.get(of, ("", EVERYONE))
        try:
            whole = self.rows(phrase if kind else of, kind)
        except UnknownWord as error:
            error.column = "of"
            raise
        if number is None or whole is None:
            return Number(None, "")
        whole = whole & self.rows(within)
        size = int(whole.sum()) * (len({*self.sheet.activities[phrase]} - {EACH}) if what.endswith(ALL_ACTIVITIES) else 1)
        if number > size or (not item and (part & ~whole).any()):
            raise UnknownWord("published.part", "of", part=int(number), whole=size)
        share = shares.Share(int(number), size)
        return Number(share.fraction * 100 if size else None, f"{share.part} ÷ {size}", (), share, part, whole)


def full_years(words: Vocabulary, dates: str) -> int:
    """The full years from one printed date to another. Raises UnknownWord."""
    if missing := [date for date in dates.split() if date not in words.items]:
        raise UnknownWord("published.date", word=missing[0])
    start, end = (words.items[date][0] for date in dates.split())
    return int(end - start)


def periods_between(words: Vocabulary, ends: str) -> int:
    """The evaluations that `periods.csv` knows from one to another. Raises UnknownWord."""
    known, wanted = list(words.sheet.registry.periods), ends.split("至")
    if len(wanted) != 2 or not {*wanted} <= {*known}:
        raise UnknownWord("published.periods", known=known)
    return known.index(wanted[1]) - known.index(wanted[0]) + 1


FUNCTIONS = {"列举": lambda _, named: len(named.split("；")), "足年": full_years, "评价期数": periods_between}
