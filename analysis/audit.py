"""A published report against its score sheet: the rows of `data/published/<period>.csv`, a finding on each, names and codes.

data/README.md says what a row is. Reading and checking the rows takes no pandas.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import registry, sheets
from analysis.audit_phrases import DENOMINATORS, RELATIVE, UnknownWord, Vocabulary
from analysis.audit_verdicts import (AGREES, BAND, BAND_FORM, BY_COUNT, CLAIM, DATE, DIFFERS, GROUPS, KINDS, LABEL, LIST, NAME, ORDER,
                                     PERCENT, SHARE, STREAK, UNVERIFIED, VERDICTS, Report, comparisons, finding, group)
from analysis.grades import BEST_FIRST
from analysis.problems import DataError, Problem, quoted
from analysis.registry import normalise

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("id", "section", "statement", "printed", "unit", "counts", "of", "needs")
SAVED = ("id", "section", "statement", "printed", "recomputed", "difference", "verdict", "cause")
UNITS = ("家", "个", "位", "项", "份", "次", "件", "年", "号", "亿元", "平方米", "家次")
FORMS = {  # what `printed` may look like, and how a message says it
    SHARE: (re.compile(r"\d+(\.\d+)?%"), "a percentage like 45.54%"),
    LIST: (re.compile(r"[^；]+(；[^；]+)*"), "names with ； between them"),
    DATE: (re.compile(r"\d{4}年(\d{1,2}月(\d{1,2}日)?)?"), "a date like 2017年1月31日"),
    BAND: (BAND_FORM, "a band like 70分至84分 or 49分以下"),
} | dict.fromkeys(UNITS, (re.compile(r"\d+(\.\d+)?多?|[无一二两三四五六七八九十]+"), "a number like 24, 130多, 四 or 无"))
DIGITS = {"": 0, "无": 0, "两": 2} | {digit: value for value, digit in enumerate("一二三四五六七八九", start=1)}
IN_CHINESE = dict(zip(VERDICTS, ("相符", "不符", "无法核实")))


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


def path_of(period: str, data: Path) -> Path:
    """Where the figures that the report of a period prints are written down."""
    return data / "published" / f"{period}.csv"


def published(sheet: sheets.Period) -> list[Printed]:
    """The rows of the period's published file. Raises DataError with everything in it that cannot be understood."""
    path, problems = path_of(sheet.name, sheet.data), []
    lines = registry.read_csv(path, COLUMNS[:5], ("id",), problems)
    rows = [Printed(*(line.get(column, "") for column in COLUMNS), int(line["line"])) for line in lines]
    if not rows and not problems:
        problems.append(Problem("no rows", (f"published/{path.name}",), "has headings but no rows; see data/README.md"))
    numbers = dict.fromkeys(row.id for row in rows if row.is_number)
    for row in rows:
        words = Vocabulary(sheet, {id: None for id in numbers if id != row.id})
        problems += [Problem(f"{column} of a row", (f"published/{path.name}", f"line {row.line}", column), message, (row.line,))
                     for column, message in _faults(row, words)]
    if problems:
        raise DataError(problems)
    return rows


def _faults(row: Printed, words: Vocabulary) -> Iterator[tuple[str, str]]:
    """What is wrong with a row: the column, and what was found and what is allowed."""
    if row.unit not in (*KINDS, *UNITS):
        yield "unit", f"{quoted(row.unit)} is not one of {'、'.join((*KINDS, *UNITS))}"
        return
    form, called = FORMS.get(row.unit, (re.compile(".+"), ""))
    if not form.fullmatch(row.printed):
        yield "printed", f"{quoted(row.printed)} is not {called}, as unit {row.unit} wants"
    if row.printed.endswith("多") and row.counts:
        yield "counts", f"{quoted(row.counts)} is exact, but the report prints {row.printed}; leave it empty"
    if not row.counts and not row.is_number and row.unit != DATE:
        yield "counts", f"is empty; unit {row.unit} needs to know what is counted (see data/README.md)"
    elif row.of and row.unit not in (SHARE, CLAIM):
        yield "of", f"{quoted(row.of)} is a denominator; only unit {SHARE} has one, and {CLAIM} its measures; leave it empty"
    elif row.unit == SHARE and not row.of:
        yield "of", f"is empty; write the denominator: {'、'.join(DENOMINATORS)}, or another phrase"
    elif row.counts:
        column = "counts"
        try:
            sides = _understand(row, words)
            column = "of"
            for of in row.of.split("、") if row.of else ():
                for side in sides if of != BY_COUNT else ():
                    words.whole(side, of)
        except UnknownWord as error:
            allowed = f"; {'、'.join(RELATIVE)}" if column == "of" else ""
            yield column, f"{quoted(getattr(row, column))} is not understood: {error}{allowed}"


def _understand(row: Printed, words: Vocabulary) -> list[str]:
    """The phrases that have a share. Raises UnknownWord where `counts` is not what the unit asks for."""
    sheet, claim = words.sheet, row.unit == CLAIM
    wanted = {BAND: BEST_FIRST, LABEL: BEST_FIRST, DATE: sheet.facts,
              NAME: [code for code, held in sheet.registry.holders.items() if sheet.name in held]}
    called = {DATE: "an item of 评价期", NAME: f"a code of {sheet.name} in registry/codes.csv"}.get(row.unit, "a grade")
    if row.unit in wanted:
        if row.counts not in wanted[row.unit] and not (row.unit in (BAND, LABEL) and sheet.scheme.named(row.counts)):
            raise UnknownWord(f"{called} is wanted" + ("" if row.unit == NAME else f": {'、'.join(wanted[row.unit])}"))
    elif claim and (order := ORDER.fullmatch(row.counts)):
        if order[1] not in ("评分表", "未参评", "A级名单"):
            raise UnknownWord("a list is wanted: 评分表、未参评、A级名单")
    elif claim and (streak := STREAK.fullmatch(row.counts)):
        words.parse(streak[2])
        if streak[3] != "A级" and sheet.name not in sheet.registry.holders.get(streak[3], {}):
            raise UnknownWord(f"{streak[3]!r} is neither A级 nor a code of {sheet.name}")
    else:
        compared = comparisons(row.counts) if claim else []
        sides = [side for left, _, right in compared for side in (left, right) if not PERCENT.fullmatch(side)] or [row.counts]
        for side in sides:
            words.understand(side)
        if row.unit in (SHARE, LIST) and re.search(r" [+-] ", row.counts):
            raise UnknownWord(f"unit {row.unit} counts one phrase, not a sum")
        return sides
    return []


def others(sheet: sheets.Period) -> tuple[list[sheets.Period], list[str]]:
    """The sheets of the other periods, and the periods whose sheet is wrong or half filled in."""
    read, unread = [], []
    for period in sheets.periods(sheet.data):
        if period != sheet.name:
            try:
                read.append(sheets.read(period, sheet.data))
            except DataError:  # its own check says why
                unread.append(period)
    return read, unread


def findings(sheet: sheets.Period, others: list[sheets.Period] = ()) -> pd.DataFrame:
    """A row for each figure and claim of the period's published report, in printed order. Raises DataError.

    The columns of SAVED; unit; 内容, 印作, 重算, 相差 and 结论 as a table shows them; group (what kind of difference, worst
    first), off (how far), working (the calculation), causes (verdicts for their sentences) and needs.
    """
    rows = published(sheet)
    words = Vocabulary(sheet, {row.id: row.value for row in rows if row.is_number})
    return check(rows, words, {other.name: Vocabulary(other) for other in others})


def check(rows: list[Printed], words: Vocabulary, others: dict[str, Vocabulary] | None = None) -> pd.DataFrame:
    """The findings on some rows."""
    import pandas as pd

    report = Report(rows, words, others or {})
    try:
        found = [finding(row, report) for row in rows]
    except ValueError as error:
        raise DataError([Problem("share", (path_of(words.sheet.name, words.sheet.data).name,), str(error))]) from None
    frame = pd.DataFrame([
        {column: getattr(row, column) for column in ("id", "section", "statement", "printed", "unit", "counts")}
        | {"recomputed": one.recomputed, "difference": one.difference, "verdict": one.verdict, "cause": "; ".join(map(str, one.causes)),
           "group": group(row, one, report), "off": float(one.off), "working": one.working,
           "causes": [cause.told for cause in one.causes], "needs": one.causes[0].detail if one.verdict == UNVERIFIED else ""}
        | _shown(row, one) for row, one in zip(rows, found)])
    for column, order in {"verdict": VERDICTS, "结论": list(IN_CHINESE.values()), "group": GROUPS, "section": frame["section"].unique()}.items():
        frame[column] = pd.Categorical(frame[column], order, ordered=True)
    return frame


def _shown(row: Printed, found) -> dict[str, str]:
    """The row as the table of everything shows it."""
    shown = {"内容": row.statement, "印作": row.printed, "重算": found.recomputed, "相差": "", "结论": IN_CHINESE[found.verdict]}
    if row.unit == CLAIM:
        return shown | {"重算": {AGREES: "成立", DIFFERS: "不成立", UNVERIFIED: ""}[found.verdict]}
    if row.unit == LIST:
        return shown | {"印作": f"{len(row.names)}家的名单", "重算": f"{len(found.recomputed.split('；'))}家的名单"}
    if row.unit == NAME:
        return shown | {"内容": f"{row.statement}：{row.printed}", "印作": "如左", "重算": "另一写法" if found.verdict == DIFFERS else "同一家"}
    return shown | ({"相差": found.difference} if row.is_number or row.unit == SHARE else {})


def summary(period: str, path: Path) -> list[str]:
    """What the terminal says of a made `audit-<period>.csv`: the counts, then each row that differs."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        records = list(csv.DictReader(file))
    counts = Counter(record["verdict"] for record in records)
    lines = [f"{period}: {len(records)} figures and claims checked: {counts[AGREES]} agree, {counts[DIFFERS]} differ, "
             f"{counts[UNVERIFIED]} cannot be verified"]
    for record in records:
        if record["verdict"] == DIFFERS:
            lines += [f"  {record['section']} › {record['statement']} [{record['id']}]",
                      f"    printed {record['printed']}; the sheet gives {record['recomputed']}"]
            lines += [f"    {record['cause']}"] if record["cause"] else []
    return lines
