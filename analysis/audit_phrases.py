"""What a row of data/published prints and asks: phrases -> masks on the roster of its period, and numbers.

A phrase is words that must all hold (`活跃度高+活跃度较高 第三批`); a sum has phrases, items of the sheet, `[2.4-13]` and numbers
with ` + ` and ` - ` between; a few words stand before what they count (FUNCTIONS). data/README.md has the vocabulary.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache, reduce
from operator import and_, or_
from typing import NamedTuple

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
MOST = 30  # words of a table that a message names
JUST_BELOW = 1e-9  # a withheld score does not reach the next floor


class UnknownWord(ValueError):
    """What the vocabulary does not have: the message, and the column that asks for it."""

    def __init__(self, rule: str, /, column: str = "counts", **values: object):
        super().__init__(rule)
        self.said, self.column = Said(rule, **values), column


class Known(dict):
    """A table of words; asked for one that it does not have, it says which it has."""

    def __missing__(self, word: str) -> None:
        raise UnknownWord("published.word", word=quoted(word), known=[*self][:MOST] + ["…"] * (len(self) > MOST))


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


def plain(number: Fraction | None) -> str:
    """A number as a sum has it: `1804`, `0.5`; `?` where it is not known."""
    return "?" if number is None else f"{float(number):.10g}"


def lists(sheet: sheets.Period) -> Known:
    """What a sheet lists by name."""
    return Known({"评分表": sheet.evaluated, "未参评": sheet.absent, "A级名单": sheet.a_level})


def told(mask: pd.Series, known: pd.Series | bool) -> pd.Series:
    """A mask of the rows, missing where it is not known whether it holds."""
    return mask.astype("boolean").where(known & mask.notna())


class Vocabulary:
    """The words of one period as masks on its roster, and the items of its sheet with whether nothing but the item vouches for it."""

    def __init__(self, sheet: sheets.Period):
        self.sheet, self.alliances = sheet, roster.of(sheet)
        rows, facts = self.alliances, sheet.facts
        everyone, evaluated, incomplete = rows["batch"].notna(), rows["grade"].notna(), rows["state"] == INCOMPLETE
        listed, entered = evaluated | incomplete, facts.get(sheets.ENTERED)
        number = facts.get(sheets.INCOMPLETE_TOTAL, incomplete.sum() if sheet.absent else None)
        named = bool(number == incomplete.sum())  # else any that was not evaluated may have been incomplete
        has_entered = told(listed, named and entered == listed.sum())
        self.words = Known({  # kind, and where the word holds
            **{word: ("batch", rows["batch"] == own.short) for own in sheet.batches for word in (own.short, own.name)},
            PILOTS: ("batch", rows["pilot"]), EVERYONE: ("batch", everyone),
            **{word: ("grade", rows["grade"] == grade) for grade in BEST_FIRST for word in (grade, sheet.scheme.labels[grade])},
            EVALUATED: ("step", evaluated), NOT_EVALUATED: ("step", ~evaluated),
            ENTERED: ("step", has_entered), NOT_ENTERED: ("step", ~has_entered),
            INCOMPLETE: ("step", told(incomplete, named)),
            A_LEVEL: ("list", told(rows["a_level"], bool(sheet.a_level)))})
        stated = {item: number for item, number in facts.items() if isinstance(number, int)}
        stated |= {item: number for item, (number, _) in sheet.totals.items()}
        for name, cells in sheet.activities.items():
            together = sum(cells.values()) - cells.get(EACH, 0)
            stated |= {f"{name} {activity}": number for activity, number in {**cells, ALL_ACTIVITIES: together}.items()}
        self.items = {item: (Fraction(str(number)), True) for item, number in stated.items()}
        self.items |= {f"名次 {row.code}": (None if row.rank is pd.NA else Fraction(row.rank), False) for row in rows.itertuples()}
        self.items |= {PANEL: (Fraction(len(sheet.experts)), False)} if sheet.experts else {}
        self.items |= {} if number is None else {INCOMPLETE: (Fraction(int(number)), not named)}
        self.items |= {} if entered is None else {ENTERED: (Fraction(entered), True), NOT_ENTERED: (Fraction(len(rows) - entered), False)}
        self.rows = cache(self.rows)

    def word(self, word: str) -> tuple[str, pd.Series]:
        """The kind of a word, and where it holds. Raises UnknownWord."""
        if not (score := SCORE.fullmatch(word)):
            return self.words[word]
        number, scores, low = float(score[1]), self.alliances["score"], self.alliances["low"]
        top = scores.fillna(self.alliances["high"] - JUST_BELOW * ~self.words[HIGH][1])
        sides = {"及以上": low >= number, "以下": top < number}
        if score[2]:
            return "score", told(sides[score[2]], ~((low < number) & (number <= top)))
        return "score", told(scores == number, scores.notna() | ~((low <= number) & (number <= top)))

    def rows(self, phrase: str, kind: str = "") -> pd.Series | None:
        """Which rows a phrase counts, or its words of one kind; None where a withheld score or a missing list hides it."""
        groups = [[self.word(word) for word in words.split("+")] for words in phrase.split() or [phrase]]
        masks = [reduce(or_, [mask for _, mask in group]) for group in groups if kind in ("", group[0][0])]
        if not masks:
            raise UnknownWord("published.relative", "of", word=quoted(phrase))
        mask = reduce(and_, masks)
        return None if mask.isna().any() else mask.astype(bool)

    def number(self, what: str) -> tuple[Fraction | None, bool]:
        """A number that is no sum, None where it cannot be told; and whether the sheet only repeats it. Raises UnknownWord."""
        function, _, rest = what.partition(" ")
        if function in FUNCTIONS:
            return Fraction(FUNCTIONS[function](self, rest)), False
        if what in self.items:
            return self.items[what]
        if LITERAL.fullmatch(what) or ELSEWHERE.fullmatch(what):
            return (Fraction(what) if what[0] != "[" else None), True
        rows = self.rows(what)  # the approved number of a batch is a statement
        return (None if rows is None else Fraction(int(rows.sum()))), any(what in (batch.short, batch.name) for batch in self.sheet.batches)

    def sum(self, expression: str) -> Number:
        """What a sum comes to, or a phrase alone. Raises UnknownWord."""
        pieces = ["+", *SIGN.split(expression.strip())]
        terms = tuple((1 if sign == "+" else -1, what, *self.number(what)) for sign, what in zip(pieces[::2], pieces[1::2]))
        right = None if any(term[2] is None for term in terms) else sum(sign * number for sign, _, number, _ in terms)
        written = "".join(f" {'+' if sign > 0 else '−'} {plain(number)}" for sign, _, number, _ in terms).removeprefix(" + ")
        return Number(right, f"{written} = {plain(right)}" if len(terms) > 1 else written, terms)

    def share(self, what: str, of: str) -> Number:
        """What share one is of the other: a phrase or an item of a phrase. Raises UnknownWord, also where it is no part of that."""
        item, (number, _) = what in self.items, self.number(what)
        phrase = " ".join(word for word in what.split() if word in GRADES) if item else what  # of a cell of 协同创新活动
        kind, within = RELATIVE.get(of, ("", EVERYONE))
        try:
            part, whole = self.rows(phrase), self.rows(phrase if kind else of, kind)
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
        return Number(share.fraction * 100 if size else None, f"{share.part} ÷ {size}", (), share)


def full_years(words: Vocabulary, dates: str) -> int:
    """The full years from one printed date to another. Raises UnknownWord."""
    start, _, end = dates.partition(" ")
    items = Known(words.items)
    return int(items[end][0] - items[start][0])


def periods_between(words: Vocabulary, ends: str) -> int:
    """The evaluations that `periods.csv` knows from one to another. Raises UnknownWord."""
    start, _, end = ends.partition("至")
    places = Known({period: place for place, period in enumerate(words.sheet.registry.periods)})
    return places[end] - places[start] + 1


FUNCTIONS = {"列举": lambda _, named: len(named.split("；")), "足年": full_years, "评价期数": periods_between}
