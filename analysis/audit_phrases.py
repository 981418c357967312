"""What a row of data/published prints and asks: phrases -> masks on the roster of its period, and numbers.

A phrase is words that must all hold (`活跃度高+活跃度较高 第三批`); a sum has phrases, items of the sheet, `[2.4-13]` and numbers
with ` + ` and ` - ` between. data/README.md has the vocabulary.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import pandas as pd

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
    """What the vocabulary does not have, and the column of the row that asks for it."""

    def __init__(self, message: str, column: str = "counts"):
        self.column = column
        super().__init__(message)


@dataclass(frozen=True)
class Printed:
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
    def is_number(self) -> bool:
        return self.unit in UNITS

    @property
    def value(self) -> Fraction:
        """The printed number, exact; a percentage is a number of percent, 两 is 2, 130多 is 130."""
        text = self.printed.rstrip("%多")
        if text[0].isdigit():
            return Fraction(text)
        tens, ten, units = text.rpartition("十")
        return Fraction(10 * (DIGITS[tens] or 1) * bool(ten) + DIGITS[units])

    @property
    def names(self) -> list[str]:
        return [name.strip() for name in self.printed.split("；")]


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
    """The words of one period: masks on its roster, and the items of its sheet. `given`: what other rows print, by id."""

    def __init__(self, sheet: sheets.Period, given: dict[str, Fraction] | None = None):
        self.sheet, self.given, self.alliances = sheet, given or {}, roster.of(sheet)
        self.batches = {word: self.alliances["batch"] == batch.short for batch in sheet.batches for word in (batch.short, batch.name)}
        self.everyone, evaluated = self.alliances["batch"].notna(), self.alliances["grade"].notna()
        incomplete, entered = self.alliances["state"] == INCOMPLETE, sheet.facts.get(sheets.ENTERED)
        told = sheet.facts.get(sheets.INCOMPLETE_TOTAL, int(incomplete.sum()) if sheet.absent else None)
        named = told == incomplete.sum()  # else any that was not evaluated may have been incomplete
        closes = named and entered == (evaluated | incomplete).sum()
        has_entered = evaluated | incomplete, evaluated | (incomplete if closes else self.everyone)
        self.steps = {EVALUATED: (evaluated,) * 2, NOT_EVALUATED: (~evaluated,) * 2, ENTERED: has_entered,
                      INCOMPLETE: (incomplete, incomplete if named else ~evaluated), NOT_ENTERED: (~has_entered[1], ~has_entered[0])}
        self.items = {item: number for item, number in sheet.facts.items() if isinstance(number, int)}
        self.items |= {item: number for item, (number, _) in sheet.totals.items()}
        self.items |= {f"{grade} {name}": number for grade, cells in sheet.activities.items() for name, number in cells.items()}
        self.items |= {PANEL: len(sheet.experts)} if sheet.experts else {}
        self.items |= {} if told is None else {INCOMPLETE: told}
        self.items |= {} if entered is None else {ENTERED: entered, NOT_ENTERED: len(self.alliances) - entered}
        self.vouched = {NOT_ENTERED, *([PANEL] if sheet.experts else []), *([INCOMPLETE] if named else [])}  # by more than the item

    def word(self, word: str) -> tuple[str, pd.Series, pd.Series]:
        """The kind of a word, the rows where it holds for certain, and those where it may. Raises UnknownWord."""
        alliances, grade, score = self.alliances, self.sheet.scheme.named(word), SCORE.fullmatch(word)
        everywhere = self.batches | {PILOTS: alliances["pilot"], EVERYONE: self.everyone}
        if word in everywhere:
            return "batch", everywhere[word], everywhere[word]
        if word in self.steps:
            return "step", *self.steps[word]
        if word == A_LEVEL:
            return "list", alliances["a_level"], alliances["a_level"] | (not self.sheet.a_level)
        if grade:
            return "grade", alliances["grade"] == grade, alliances["grade"] == grade
        if not score:
            words = [*everywhere, *BEST_FIRST, *self.steps, A_LEVEL]
            raise UnknownWord(f"{word!r} is not a word of the vocabulary: {'、'.join(words)}, 95分及以上, 100分, 50分以下")
        number, low, high = float(score[1]), alliances["low"], alliances["high"]
        top = high.where(alliances["score"].notna() | (alliances["grade"] == HIGH), high - JUST_BELOW)
        sides = {"及以上": (low >= number, top >= number), "以下": (top < number, low < number)}
        return "score", *sides.get(score[2], ((low == number) & (top == number), (low <= number) & (top >= number)))

    def rows_of(self, phrase: str, kind: str = "") -> pd.Series | None:
        """Which rows a phrase counts, or its words of one kind; None where a withheld score or a missing list hides it."""
        sure = possible = self.everyone
        kinds = set()
        for words in phrase.split():
            found = list(map(self.word, words.split("+")))
            if len({own for own, *_ in found}) > 1:
                raise UnknownWord(f"{words!r} joins words of different kinds")
            if not kind or found[0][0] == kind:
                sure, possible = sure & (sum(row[1] for row in found) > 0), possible & (sum(row[2] for row in found) > 0)
            kinds.add(found[0][0])
        if kind and kind not in kinds:
            raise UnknownWord(f"no {kind} is named in {phrase!r}: write one of {'、'.join(DENOMINATORS)} that can be told from it", "of")
        return sure if sure.equals(possible) else None

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
        rows = self.rows_of(what)
        return (None if rows is None else Fraction(int(rows.sum()))), what in self.batches  # its approved number is a statement

    def terms(self, expression: str) -> list[Term]:
        """The terms of a sum with their numbers. Raises UnknownWord."""
        first, *rest = SIGN.split(expression.strip())
        signed = [(1, first), *((1 if sign == "+" else -1, what) for sign, what in zip(rest[::2], rest[1::2]))]
        return [Term(sign, what, *self.number(what)) for sign, what in signed]

    def part(self, what: str) -> str:
        """The phrase of what is counted: of a cell of 协同创新活动 its grade, of another item of the sheet everyone."""
        return " ".join(word for word in what.split() if word in GRADES) if what in self.items or LITERAL.fullmatch(what) else what

    def whole(self, what: str, of: str) -> pd.Series | None:
        """The rows of a denominator. Raises UnknownWord, also where the part names no such batch or grade."""
        if of not in RELATIVE:
            return self.rows_of(of)
        rows = self.rows_of(self.part(what), "batch" if of in (OWN_BATCH, OWN_BATCH_EVALUATED) else "grade")
        narrower = {OWN_BATCH_EVALUATED: self.alliances["grade"].notna(), OWN_GRADE_PILOTS: self.alliances["pilot"]}
        return rows & narrower.get(of, self.everyone)

    def share(self, what: str, of: str) -> shares.Share | None:
        """The exact share of a part in its whole; None where either is not known, or nothing.

        Raises UnknownWord, also where the part is no part of that whole.
        """
        number, part, whole = self.number(what)[0], None if what in self.items else self.rows_of(self.part(what)), self.whole(what, of)
        if number is None or whole is None or not whole.any():
            return None
        try:
            return shares.share(int(number) if part is None else part, of=int(whole.sum()) if part is None else whole)
        except ValueError:
            raise UnknownWord(f"{what!r} ({plain(number)}) is no part of {of!r} ({int(whole.sum())})", "of") from None
