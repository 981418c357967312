"""Printed figures against recomputed ones: each row of `data/published/<period>.csv` gets a verdict and, where one fits, a cause.

A row says what it counts in the vocabulary of `breakdown`; data/README.md says how to add one. Causes are found by computing.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import DATA, registry, sheets
from analysis.registry import first_year, normalise
from analysis.blocks import Table
from analysis.breakdown import (
    EVALUATED,
    EVERYONE,
    OWN_BATCH,
    OWN_BATCH_EVALUATED,
    OWN_GRADE,
    OWN_GRADE_PILOTS,
    PILOTS,
    Numbers,
    Share,
    Total,
    UnknownWord,
    half_up,
    shown,
)
from analysis.grades import GRADES, TOP_SCORE
from analysis.problems import DataError, Problem, quoted

if TYPE_CHECKING:
    from analysis.sentences import Templates  # it loads pandas, which the command has no need of before the kernel starts

AGREES, DIFFERS, UNVERIFIED = VERDICTS = ("agrees", "differs", "cannot be verified")
IN_CHINESE = {AGREES: "相符", DIFFERS: "不符", UNVERIFIED: "无法核实"}
COLUMNS = ("id", "section", "statement", "printed", "unit", "counts", "of", "needs")

SHARE, LIST, CLAIM, DATE, BAND, NAME, LABEL = KINDS = ("%", "名单", "说法", "日期", "分段", "名称", "称呼")
UNITS = ("家", "个", "位", "项", "份", "次", "件", "年", "号", "亿元", "平方米", "家次")
FORMS = {  # what `printed` may look like, and how a message says it
    SHARE: (re.compile(r"\d+(\.\d+)?%"), "a percentage like 45.54%"),
    LIST: (re.compile(r"[^；]+(；[^；]+)*"), "names with ； between them"),
    DATE: (re.compile(r"\d{4}年(\d{1,2}月(\d{1,2}日)?)?"), "a date like 2017年1月31日"),
    BAND: (re.compile(r"(\d+)分?\s*(?:至|~|～|—+|-)\s*(\d+)分|(\d+)分以下"), "a band like 70分至84分 or 49分以下"),
}
ANYTHING = (re.compile(r".+"), "what the report prints")
NUMBER = (re.compile(r"\d+(\.\d+)?多?|[无一二两三四五六七八九十]+"), "a number like 24, 130多, 四 or 无")
CHINESE_DIGITS = {"无": 0, "两": 2} | {digit: value for value, digit in enumerate("一二三四五六七八九", start=1)}
COMPARISON = re.compile(r"(.+?)\s+(>=|<=|>|<|=)\s+(.+)")
STREAK = re.compile(r"连续 (\d+) 期 (.+) (\S+)")
ORDER = re.compile(r"顺序 (\S+)")
PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
HOLDS = {">": (lambda a, b: a > b), "<": (lambda a, b: a < b), "=": (lambda a, b: a == b),
         ">=": (lambda a, b: a >= b), "<=": (lambda a, b: a <= b)}

BY_COUNT = "家数"
RELATIVE = (OWN_BATCH, OWN_BATCH_EVALUATED, OWN_GRADE, OWN_GRADE_PILOTS)
DENOMINATORS = (EVALUATED, PILOTS, EVERYONE, f"{PILOTS} {EVALUATED}", *RELATIVE)
NEAR = 8  # rows of the same section: a slip of copying comes from close by
MOST_SHOWN = 4  # comparisons of one claim; of more, those that fail are shown
MOST_PARTS = 5  # of a whole: four grades and those not evaluated

TRUNCATED, ADJUSTED, DENOMINATOR, NEIGHBOUR, OFF_BY_ONE, ELSEWHERE, SOME_MEASURES, NO_MEASURE, WORDING, NEEDS = (
    "truncated", "last digit adjusted so that the parts add to 100.00", "another denominator",
    "value of a neighbouring statement", "off by one in a closure", "printed differently elsewhere",
    "holds only under", "holds under no measure", "another wording", "needs")
CAUSE_IN_CHINESE = {
    TRUNCATED: "后面的位数被截去，没有四舍五入", ADJUSTED: "末位经过调整，好让各项相加得100.00%", DENOMINATOR: "换了分母",
    NEIGHBOUR: "与相邻一处的数相同", OFF_BY_ONE: "加减相差一", ELSEWHERE: "同一个数在别处印法不同",
    SOME_MEASURES: "只在这种量法下成立", NO_MEASURE: "每种量法下都不成立", WORDING: "写法不一", NEEDS: "要有",
}
NO_SOURCE = "原始记录"


@dataclass(frozen=True)
class Printed:
    """One row of a published file; data/README.md has the columns."""

    id: str
    section: str
    statement: str
    printed: str
    unit: str
    counts: str
    of: str
    needs: str
    line: int = 0

    @property
    def is_number(self) -> bool:
        return self.unit in UNITS

    @property
    def value(self) -> Fraction:
        """The printed number, exact; a percentage is a number of percent.

        >>> Printed("", "", "", "两", "家", "", "", "").value
        Fraction(2, 1)
        """
        text = self.printed.rstrip("%多")
        if text[0].isdigit():
            return Fraction(text)
        tens, ten, units = text.rpartition("十")
        return Fraction(10 * CHINESE_DIGITS.get(tens, 1) * bool(ten) + CHINESE_DIGITS.get(units, 0))

    @property
    def names(self) -> list[str]:
        return [name.strip() for name in self.printed.split("；")]

    @property
    def brief(self) -> str:
        """The printed value as a table shows it."""
        return f"{len(self.names)}家的名单" if self.unit == LIST else self.printed


@dataclass(frozen=True)
class Cause:
    """Why a row may differ: one of the kinds above, and the calculation that shows it."""

    kind: str
    detail: str
    told: str | None = None  # the detail as the report tells it beside the calculation; the same where it is None

    @property
    def english(self) -> str:
        return f"{self.kind}: {self.detail}"

    @property
    def chinese(self) -> str:
        detail = self.detail if self.told is None else self.told
        return CAUSE_IN_CHINESE[self.kind] + (f"：{detail}" if detail else "")


@dataclass
class Finding:
    """A row with its verdict; `working` is the calculation written out, and the likeliest cause comes first.

    `off` is how far the printed number is from the recomputed one: of a share its difference, else relative to what is right.
    """

    row: Printed
    verdict: str
    recomputed: str = ""
    difference: str = ""
    working: str = ""
    causes: list[Cause] = field(default_factory=list)
    off: Fraction = Fraction(0)
    is_sum: bool = False

    def record(self) -> dict[str, str]:
        """The row as `reports/audit-<period>.csv` has it."""
        row = self.row
        return {"id": row.id, "section": row.section, "statement": row.statement, "printed": row.printed,
                "recomputed": self.recomputed, "difference": self.difference, "verdict": self.verdict,
                "cause": "; ".join(cause.english for cause in self.causes)}


@dataclass(frozen=True)
class Name:
    """What is odd about a name or a code, where it was seen, what the registry has decided, and on what evidence."""

    kind: str
    seen: str
    decision: str
    evidence: str


@dataclass
class Audit:
    """A published report, checked."""

    numbers: Numbers
    sha256: str
    findings: list[Finding]
    names: list[Name]
    unread: list[str] = field(default_factory=list)

    def of(self, verdict: str) -> list[Finding]:
        """The findings with one verdict, in printed order."""
        return [finding for finding in self.findings if finding.verdict == verdict]


def path_of(period: str, data: Path) -> Path:
    """Where the figures that the report of a period prints are written down."""
    return data / "published" / f"{period}.csv"


def published(numbers: Numbers) -> list[Printed]:
    """The rows of the period's published file. Raises DataError with everything in it that cannot be understood."""
    path = path_of(numbers.period.name, numbers.period.data)
    problems: list[Problem] = []
    lines = registry.read_csv(path, COLUMNS[:5], ("id",), problems)
    rows = [Printed(*(line.get(column, "") for column in COLUMNS), int(line["line"])) for line in lines]
    if not rows and not problems:
        problems.append(Problem("no rows", (f"published/{path.name}",), "has headings but no rows; see data/README.md"))
    ids = {row.id for row in rows if row.is_number}
    for row in rows:
        for column, message in _faults(row, numbers, ids - {row.id}):
            where = (f"published/{path.name}", f"line {row.line}", column)
            problems.append(Problem(f"{column} of a row", where, message, (row.line,)))
    if problems:
        raise DataError(problems)
    return rows


def _faults(row: Printed, numbers: Numbers, ids: set[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with a row: the column, and what was found and what is allowed."""
    if row.unit not in (*KINDS, *UNITS):
        yield "unit", f"{quoted(row.unit)} is not one of {'、'.join((*KINDS, *UNITS))}"
        return
    form, words = FORMS.get(row.unit, NUMBER if row.is_number else ANYTHING)
    if not form.fullmatch(row.printed):
        yield "printed", f"{quoted(row.printed)} is not {words}, as unit {row.unit} wants"
    if row.printed.endswith("多") and row.counts:
        yield "counts", f"{quoted(row.counts)} is exact, but the report prints {row.printed}; leave it empty"
    if not row.counts and not row.is_number and row.unit != DATE:
        yield "counts", f"is empty; unit {row.unit} needs to know what is counted (see data/README.md)"
        return
    if row.of and row.unit not in (SHARE, CLAIM):
        yield "of", f"{quoted(row.of)} is a denominator; only unit {SHARE} has one, and {CLAIM} its measures; leave it empty"
    if row.unit == SHARE and not row.of:
        yield "of", f"is empty; write the denominator: {'、'.join(DENOMINATORS)}, or another phrase"
    try:
        if row.counts:
            _understand(row, numbers, ids)
    except UnknownWord as error:
        yield "counts", f"{quoted(row.counts)} is not understood: {error}"
        return
    for of in row.of.split("、") if row.of and row.unit in (SHARE, CLAIM) else ():
        try:
            phrases = [row.counts] if row.unit == SHARE else [side for left, _, right in _comparisons(row.counts)
                                                              for side in (left, right) if not PERCENT.fullmatch(side)]
            if of not in (*RELATIVE, BY_COUNT):
                numbers.understand(of)
            elif of != BY_COUNT and not all(numbers.contains(of, phrase) for phrase in phrases):
                yield "of", f"{quoted(of)} cannot be told from {quoted(row.counts)}: it names no such batch or grade"
        except UnknownWord as error:
            yield "of", f"{quoted(of)} is not understood: {error}; {'、'.join(RELATIVE)}"


def _understand(row: Printed, numbers: Numbers, ids: set[str]) -> None:
    """Raises UnknownWord where `counts` is not what the unit asks for."""
    period = numbers.period
    lists = {"评分表": period.evaluated, "未参评": period.absent, "A级名单": period.a_level}
    if row.unit in (BAND, LABEL):
        if numbers.scheme.named(row.counts) is None:
            raise UnknownWord(f"a grade is wanted: {'、'.join(GRADES)}")
    elif row.unit == NAME:
        if period.name not in period.registry.holders.get(row.counts, {}):
            raise UnknownWord(f"a code of {period.name} in registry/codes.csv is wanted")
    elif row.unit == DATE:
        if row.counts not in period.facts:
            raise UnknownWord(f"an item of 评价期 is wanted: {'、'.join(period.facts)}")
    elif row.unit in (SHARE, LIST):
        numbers.understand(row.counts)
        if " - " in row.counts or " + " in row.counts:
            raise UnknownWord(f"unit {row.unit} counts one phrase, not a sum")
    elif row.unit == CLAIM and ORDER.fullmatch(row.counts):
        if ORDER.fullmatch(row.counts)[1] not in lists:
            raise UnknownWord(f"a list is wanted: {'、'.join(lists)}")
    elif row.unit == CLAIM and (streak := STREAK.fullmatch(row.counts)):
        numbers.understand(streak[2])
        if streak[3] != "A级" and period.name not in period.registry.holders.get(streak[3], {}):
            raise UnknownWord(f"{streak[3]!r} is neither A级 nor a code of {period.name}")
    elif row.unit == CLAIM:
        for left, _, right in _comparisons(row.counts):
            numbers.understand(left, ids)
            if not PERCENT.fullmatch(right):
                numbers.understand(right, ids)
    else:
        numbers.understand(row.counts, ids)


def _comparisons(claim: str) -> list[tuple[str, str, str]]:
    """The comparisons of a claim, all of which must hold: left, sign, right."""
    found = [COMPARISON.fullmatch(part.strip()) for part in re.split("[;；]", claim)]
    if None in found:
        raise UnknownWord("a claim is `A > B; A > C` (with >, <, >=, <=, =), `连续 4 期 100分 109` or `顺序 评分表`")
    return [match.groups() for match in found]


def report(period: str, data: Path | str = "") -> Audit:
    """The published report of a period, checked against its sheet. Raises DataError."""
    numbers = Numbers(sheets.read(period, data))
    rows = published(numbers)
    content = path_of(period, numbers.period.data).read_bytes()
    others, unread = [], []
    for other in sheets.periods(Path(data or DATA)):
        if other != period:
            try:
                others.append(sheets.read(other, data))
            except DataError:  # another period's sheet may be half filled in; the audit says that it was left out
                unread.append(other)
    return Audit(numbers, hashlib.sha256(content).hexdigest(), check(rows, numbers, others),
                 names_and_codes(rows, numbers, others), unread)


def check(rows: list[Printed], numbers: Numbers, others: list[sheets.Period] = ()) -> list[Finding]:
    """A finding for each row, in order. Percentages are held to the most decimal places that the report prints."""
    places = max((len(row.printed.rstrip("%").partition(".")[2]) for row in rows if row.unit == SHARE), default=2)
    judge = _Judge(numbers, rows, places, others)
    return [judge.finding(row) for row in rows]


class _Judge:
    """The verdict on each row of one report, given all of them."""

    def __init__(self, numbers: Numbers, rows: list[Printed], places: int, others: list[sheets.Period]):
        self.numbers, self.rows, self.places, self.others = numbers, rows, places, others
        self.period = numbers.period
        self.given = {row.id: (row.value, False) for row in rows if row.is_number}
        self.shares = {row.id: numbers.share(row.counts, row.of) for row in rows if row.unit == SHARE}

    def finding(self, row: Printed) -> Finding:
        """The finding on one row."""
        kinds = {SHARE: self.of_share, LIST: self.of_list, CLAIM: self.of_claim, DATE: self.of_date, BAND: self.of_band,
                 NAME: self.of_name, LABEL: self.of_label}
        if not row.counts:
            return self.unverified(row)
        return kinds.get(row.unit, self.of_number)(row)

    def unverified(self, row: Printed, needs: str = "", working: str = "") -> Finding:
        return Finding(row, UNVERIFIED, working=working, causes=[Cause(NEEDS, needs or row.needs or NO_SOURCE)])

    def rounded(self, share: Share) -> Decimal:
        return half_up(share.fraction * 100, self.places)

    def of_share(self, row: Printed) -> Finding:
        """A percentage: the exact fraction, rounded half up, must be what is printed."""
        share = self.shares[row.id]
        if share is None or not share.whole:
            return self.unverified(row)
        right, printed = self.rounded(share), Decimal(row.printed.rstrip("%"))
        working = f"{share.part} ÷ {share.whole} = {right}%"
        if printed == right:
            return Finding(row, AGREES, f"{right}%", "", working)
        causes = self.share_causes(row, share, printed)
        by_division = next((f" = {cause.detail.split(' = ')[0]}" for cause in causes if cause.kind == DENOMINATOR), "")
        return Finding(row, DIFFERS, f"{right}%", f"{printed - right:+}", f"{working}；印作{row.printed}{by_division}", causes,
                       abs(Fraction(printed - right)) / 100)

    def share_causes(self, row: Printed, share: Share, printed: Decimal) -> list[Cause]:
        """Whatever gives the printed value, the likeliest first."""
        exact, unit = share.fraction * 100, Fraction(1, 10 ** self.places)
        causes = []
        if 0 < exact - Fraction(printed) < unit:
            cut = f"{float(exact):.{self.places + 3}f}"
            causes.append(Cause(TRUNCATED, f"{share.part} ÷ {share.whole} = {cut}…% → {row.printed}"))
        if abs(Fraction(printed - self.rounded(share))) == unit:
            causes += self.adjusted(row, share)
        for of in DENOMINATORS:
            other = self.numbers.share(row.counts, of) if self.numbers.contains(of, row.counts) else None
            if other and other.whole not in (0, share.whole) and self.rounded(other) == printed:
                causes.append(Cause(DENOMINATOR, f"{other.part} ÷ {other.whole} = {row.printed} ({other.of})",
                                    f"以{other.of}的{other.whole}家为分母"))
                break
        causes += self.neighbour(row)
        elsewhere = sorted({f"{other.printed} ({other.section})" for other in self.rows if other.unit == SHARE
                            and self.shares[other.id] == share and Fraction(other.value) != Fraction(row.value)})
        told = "、".join(elsewhere)
        return causes + ([Cause(ELSEWHERE, told, told.replace(" (", "（").replace(")", "）"))] if elsewhere else [])

    def adjusted(self, row: Printed, share: Share) -> list[Cause]:
        """Whether the printed parts of one whole add to 100.00 only because this one was moved; the rest counts as a part."""
        parts = [other for other in self.rows if other.section == row.section and other.unit == SHARE and other.id != row.id
                 and self.shares[other.id] and self.shares[other.id].of == share.of
                 and self.numbers.apart(other.counts, row.counts)]
        for size in range(min(MOST_PARTS, len(parts) + 1) - 1, 0, -1):
            for group in combinations(parts, size):
                if not all(self.numbers.apart(a.counts, b.counts) for a, b in combinations(group, 2)):
                    continue
                rest = share.whole - share.part - sum(self.shares[other.id].part for other in group)
                left = half_up(Fraction(100 * rest, share.whole), self.places)
                together = [row.printed, *(other.printed for other in group), *([f"{left}%"] if rest else [])]
                if rest >= 0 and sum(Decimal(text.rstrip("%")) for text in together) == 100:
                    words = f" ({rest} ÷ {share.whole} = {left}%)" if rest else ""
                    addends = " + ".join(text.rstrip("%") for text in together) + " = 100.00"
                    return [Cause(ADJUSTED, addends + words, addends + words.replace(" (", "（").replace(")", "）"))]
        return []

    def neighbour(self, row: Printed) -> list[Cause]:
        """The nearest other row of the section that rightly has this printed value."""
        here = self.rows.index(row)
        wanted = (row.section, row.unit, row.printed)
        near = [(abs(place - here), place) for place, other in enumerate(self.rows)
                if 0 < abs(place - here) <= NEAR and (other.section, other.unit, other.printed) == wanted]
        for other in (self.rows[place] for _, place in sorted(near)):
            share = self.shares.get(other.id)
            if row.unit == SHARE and share and self.rounded(share) == Decimal(row.printed.rstrip("%")):
                return [Cause(NEIGHBOUR, f"{other.statement} {share.part} ÷ {share.whole} = {other.printed}")]
            if row.unit != SHARE and other.counts and self.numbers.total(other.counts, self.given).number == row.value:
                return [Cause(NEIGHBOUR, f"{other.statement} {other.printed}")]
        return []

    def of_number(self, row: Printed) -> Finding:
        """A count, an amount or a sum; one that the sheet only repeats cannot be verified, only contradicted."""
        total = self.numbers.total(row.counts, self.given)
        right = total.number
        if right is None:
            return self.unverified(row)
        if row.value == right:
            return self.unverified(row) if total.stated else Finding(row, AGREES, shown(right), "", str(total))
        difference, is_sum = row.value - right, len(total.terms) > 1
        causes = self.off_by_one(total, row) if abs(difference) == 1 and is_sum else self.neighbour(row)
        return Finding(row, DIFFERS, shown(right), f"{'+' if difference > 0 else '-'}{shown(abs(difference))}",
                       f"{total}；印作{row.printed}", causes, abs(difference) / max(right, 1), is_sum)

    def off_by_one(self, total: Total, row: Printed) -> list[Cause]:
        """The closure, and the one term that nothing else vouches for, with the value that would close it."""
        printed = {f"[{other.id}]": other for other in self.rows}
        loose = [(term, printed[term.what].statement if term.what in printed else term.what) for term in total.terms
                 if self.is_loose(printed[term.what].counts if term.what in printed else term.what)]
        note, told = "", ""
        if len(loose) == 1:
            term, name = loose[0]
            closing = shown(term.number + term.sign * (row.value - total.number))
            note = f" ({name} {shown(term.number)} has no source but its own statement; {closing} would close it)"
            told = f"{name}{shown(term.number)}只有自己的陈述，若是{closing}就合得上"
        return [Cause(OFF_BY_ONE, f"{total} ≠ {row.printed}{note}", told)]

    def is_loose(self, source: str) -> bool:
        """Whether a term rests on a number that the sheet only repeats; the approved number of a batch is a given."""
        return not source or any(term.stated and term.what not in {b.short for b in self.numbers.batches.values()}
                                 for term in self.numbers.total(source, self.given).terms)

    def of_list(self, row: Printed) -> Finding:
        """Names in the text: the alliances that are counted, no more and no fewer."""
        registry = self.period.registry
        right = self.numbers.ids(row.counts)
        if right is None:
            return self.unverified(row)
        ids = {name: registry.by_name.get(normalise(name)) or registry.by_alias.get(normalise(name)) for name in row.names}
        missing = [a.name for a in self.period.evaluated if a.id in right - set(ids.values())]
        extra = [name for name, id in ids.items() if id not in right]
        recomputed = "；".join(a.name for a in self.period.evaluated if a.id in right)
        if not missing and not extra and len(row.names) == len(right):
            return Finding(row, AGREES, recomputed, "", f"{len(right)}家，逐一对上")
        words = "，".join(f"{word}{'、'.join(names)}" for word, names in (("缺", missing), ("多", extra)) if names) or "有重复"
        return Finding(row, DIFFERS, recomputed, words, f"评分表有{len(right)}家，印出{len(row.names)}家；{words}",
                       off=Fraction(len(missing) + len(extra), max(len(right), 1)))

    def of_date(self, row: Printed) -> Finding:
        """A date is known only from its own statement; it can be contradicted, not verified."""
        from analysis.sentences import date

        fact = self.period.facts[row.counts]
        known = fact if isinstance(fact, str) else date(fact)
        if normalise(known) == normalise(row.printed):
            return self.unverified(row)
        return Finding(row, DIFFERS, known, f"{known} → {row.printed}", f"评价期表记作{known}；印作{row.printed}",
                       off=Fraction(1))

    def of_band(self, row: Printed) -> Finding:
        """The scores of a grade: the scheme's, and every published score of the grade lies in it and no other does."""
        low, high, below = FORMS[BAND][0].fullmatch(row.printed).groups()
        grade, scheme = self.numbers.scheme.named(row.counts), self.numbers.scheme
        right = (int(scheme.floors[grade]), TOP_SCORE if grade == GRADES[0] else int(scheme.ceiling(grade)) - 1)
        printed = (int(low or 0), int(high or below))
        words = f"{right[1]}分以下" if right[0] == 0 else f"{right[0]}分至{right[1]}分"
        if printed != right:
            return Finding(row, DIFFERS, words, f"{words} → {row.printed}", f"等级方案为{words}；印作{row.printed}",
                           off=Fraction(1))
        frame = self.numbers.scores
        known = frame.loc[frame["grade"] == grade, "score"].dropna()
        if not len(known):
            return self.unverified(row, working="该档评分没有公布")
        inside = f"{known.min():g}分至{known.max():g}分"
        return Finding(row, AGREES, words, "", f"该档{len(known)}个评分在{inside}之间")

    def of_name(self, row: Printed) -> Finding:
        """The name of an alliance in the text: its own, or one that the registry knows as short or former, not as a slip."""
        registry = self.period.registry
        id = registry.holders[row.counts][self.period.name]
        right = next((a.name for a in (*self.period.evaluated, *self.period.absent) if a.id == id), registry.names[id])
        short = {normalise(d["alias"]) for d in registry.decisions.get(id, ()) if d.get("kind") == "short"}
        if normalise(row.printed) in {normalise(right), *short}:
            return Finding(row, AGREES, right, "", f"{row.counts}：{right}")
        return self.reworded(row, right, f"{row.counts}在附件中是{right}")

    def reworded(self, row: Printed, right: str, source: str) -> Finding:
        change = f"{right} → {row.printed}"
        return Finding(row, DIFFERS, right, change, f"{source}；此处作{row.printed}", [Cause(WORDING, change)])

    def of_label(self, row: Printed) -> Finding:
        """What the report calls a grade: one word for one grade."""
        right = self.numbers.scheme.labels[self.numbers.scheme.named(row.counts)]
        if normalise(row.printed) in (right, f"{right}联盟", f"{right}的联盟"):
            return Finding(row, AGREES, right, "", f"等级方案：{right}")
        return self.reworded(row, right, f"等级方案作{right}")

    def of_claim(self, row: Printed) -> Finding:
        """A claim in words, tried under each measure that it can be tried under."""
        if order := ORDER.fullmatch(row.counts):
            return self.of_order(row, order[1])
        if streak := STREAK.fullmatch(row.counts):
            return self.of_streak(row, int(streak[1]), streak[2], streak[3])
        comparisons = _comparisons(row.counts)
        named = tuple(row.of.split("、")) if row.of else ()
        tried = dict.fromkeys((*named, *self.measures(comparisons, bool(named))))
        results = {measure: self.tried(comparisons, measure) for measure in tried}
        judged = [results[measure][0] for measure in (named or tried)]
        holding = [measure for measure, (holds, _) in results.items() if holds]
        failing = [measure for measure, (holds, _) in results.items() if holds is False]
        bare = list(results) == [BY_COUNT]
        working = "；".join(f"{'' if bare else f'按{measure}：'}{text}，{'成立' if holds else '说法不成立'}"
                           for measure, (holds, text) in results.items())
        if None in judged:
            return self.unverified(row, working=working)
        if all(judged):
            return Finding(row, AGREES, working, "", working)
        cause = Cause(SOME_MEASURES, "、".join(holding)) if holding else Cause(NO_MEASURE, results[failing[0]][1], "")
        difference = "fails" if bare else f"fails: {'、'.join(failing)}"
        return Finding(row, DIFFERS, working, difference, working, [cause], Fraction(len(failing), len(results)))

    def measures(self, comparisons: list[tuple[str, str, str]], named: bool) -> tuple[str, ...]:
        """Counts, and the two shares of a batch where every side is one phrase about batches."""
        sides = [side for left, _, right in comparisons for side in (left, right)]
        try:
            by_batch = all(sign != "=" for _, sign, _ in comparisons) and all(
                self.numbers.contains(OWN_BATCH, side) for side in sides if not PERCENT.fullmatch(side))
        except UnknownWord:  # a sum or a rank has no share
            by_batch = False
        return (BY_COUNT, OWN_BATCH, OWN_BATCH_EVALUATED) if by_batch else () if named else (BY_COUNT,)

    def tried(self, comparisons: list[tuple[str, str, str]], measure: str) -> tuple[bool | None, str]:
        """Whether all comparisons hold under a measure, None where one cannot be told; and how, in numbers."""
        held, words, failed = [], [], []
        for left, sign, right in comparisons:
            (a, a_shown), (b, b_shown) = self.measured(left, measure), self.measured(right, measure)
            if a is None or b is None:
                return None, "有未公布的数"
            held.append(HOLDS[sign](a, b))
            truth = sign if held[-1] else "≠" if sign == "=" else next(s for s in ("<", "=", ">") if HOLDS[s](a, b))
            words.append(f"{a_shown} {truth.replace('>=', '≥').replace('<=', '≤')} {b_shown}")
            failed += [] if held[-1] else [f"{left} {words[-1]}"]
        if len(words) > MOST_SHOWN:
            some = f"{len(words)}项比较中{len(failed)}项不符：{'，'.join(failed)}"
            return all(held), some if failed else f"{len(words)}项比较都符合"
        return all(held), ("" if all(held) else "实为") + "，".join(words)

    def measured(self, side: str, measure: str) -> tuple[Fraction | None, str]:
        percent = PERCENT.fullmatch(side)
        if percent:
            return Fraction(percent[1]) / 100, side
        if measure == BY_COUNT:
            number = self.numbers.total(side, self.given).number
            return number, shown(number)
        share = self.numbers.share(side, measure)
        return (share.fraction, f"{share.percent}（{share.part}/{share.whole}）") if share and share.whole else (None, "?")

    def of_order(self, row: Printed, name: str) -> Finding:
        """The order of a list: scores that do not rise and the withheld last, or codes that do not fall."""
        if name == "评分表":
            keys = [(a.name, -1 if a.score is None else a.score) for a in self.period.evaluated]
            broken = [after[0] for before, after in pairwise(keys) if after[1] > before[1]]
        else:
            listed = self.period.absent if name == "未参评" else self.period.a_level
            broken = [after.name for before, after in pairwise(listed) if after.code < before.code]
        if broken:
            return Finding(row, DIFFERS, "", "、".join(broken), f"次序在这些联盟处中断：{'、'.join(broken)}", off=Fraction(1))
        known = sum(a.score is not None for a in self.period.evaluated) if name == "评分表" else len(listed)
        return Finding(row, AGREES, f"1—{known}", "", f"{known}行依次排列")

    def of_streak(self, row: Printed, length: int, what: str, who: str) -> Finding:
        """Something true of the same alliances in several periods running: every sheet that there is must bear it out."""
        registry = self.period.registry
        ids = ({a.id for a in self.period.a_level} if who == "A级" else {registry.holders[who][self.period.name]})
        until = [p for p in registry.periods if first_year(p) <= first_year(self.period.name)][-length:]
        known = {other.name: Numbers(other) for other in self.others} | {self.period.name: self.numbers}
        seen = {name: known[name].ids(what) for name in until if name in known}
        failing = [name for name, having in seen.items() if having is not None and ids - having]
        working = "；".join(f"{name}评价期：{len(ids)}家中{len(ids & (having or set()))}家符合" for name, having in seen.items())
        missing = [name for name in until if seen.get(name) is None]
        if failing:
            return Finding(row, DIFFERS, working, "、".join(failing), working, off=Fraction(1))
        if missing or len(until) < length:
            return self.unverified(row, f"{'、'.join(missing) or '更早'}的评分表", working)
        return Finding(row, AGREES, working, "", working)


def names_and_codes(rows: list[Printed], numbers: Numbers, others: list[sheets.Period]) -> list[Name]:
    """What is odd about names and codes in this report and against the other ones, with what the registry has decided."""
    period, registry = numbers.period, numbers.period.registry
    seen = _seen(period) + [(row.section, name, "", id) for row in rows if row.unit in (LIST, NAME) for name in row.names
                            if (id := registry.by_name.get(normalise(name)) or registry.by_alias.get(normalise(name)))]
    elsewhere = {other.name: _seen(other) for other in others}
    names = sorted(_names(period, seen, elsewhere), key=lambda name: name.kind)
    return [*_codes(period, seen, elsewhere), *names, *_ties(period), *_labels(rows, numbers)]


def _seen(period: sheets.Period) -> list[tuple[str, str, str, str]]:
    """Where a sheet names an alliance: the list, the name, the code (none among the experts), the registry's id."""
    found = [(place, a.name, a.code, a.id) for place, listed in (("评分表", period.evaluated), ("未参评", period.absent),
             ("A级名单", period.a_level)) for a in listed]
    registry = period.registry
    known = sorted([*registry.by_name.items(), *registry.by_alias.items()], key=lambda pair: -len(pair[0]))
    for _, _, posts in period.experts:
        for post in posts.split("；"):
            name, id = next(((name, id) for name, id in known if normalise(post).startswith(name)), ("", ""))
            if id:
                end = next(end for end in range(len(post) + 1) if normalise(post[:end]) == name)
                found.append(("专家组", post[:end], "", id))
    return found


def _places(seen: list[tuple[str, str, str, str]], column: int) -> str:
    """`109（评分表）、110（A级名单）`: what stands in a column, and where."""
    where: dict[str, list[str]] = {}
    for entry in seen:
        if entry[column]:
            where.setdefault(entry[column], []).append(entry[0])
    once = {value: [p for p in dict.fromkeys(places) if not any(q != p and q.endswith(p) for q in places)]
            for value, places in where.items()}  # 附件1 专家组 is where 专家组 is
    return "、".join(f"{value}（{'、'.join(places)}）" for value, places in once.items())


def _codes(period: sheets.Period, seen: list, elsewhere: dict[str, list]) -> Iterator[Name]:
    registry = period.registry
    by_report = {period.name: seen} | elsewhere
    for code in sorted({entry[2] for entry in seen if entry[2]}):
        holders = {report: sorted({e[3] for e in entries if e[2] == code}) for report, entries in by_report.items()}
        ids = sorted({id for found in holders.values() for id in found})
        if len(ids) > 1:
            where = "；".join(f"{report}：{'、'.join(registry.names[id] for id in found)}"
                             for report, found in holders.items() if found)
            yield Name("一码两家", f"{code}：{where}", *_decided(registry, ids, code))
    for id in dict.fromkeys(entry[3] for entry in seen):
        codes = {report: [e for e in entries if e[3] == id] for report, entries in by_report.items()}
        if len({e[2] for entries in codes.values() for e in entries if e[2]}) > 1:
            where = "；".join(f"{report}：{_places(entries, 2)}" for report, entries in codes.items() if entries)
            yield Name("一家两码", f"{registry.names[id]}：{where}", *_decided(registry, [id]))


def _decided(registry: registry.Registry, ids: list[str], code: str = "") -> tuple[str, str]:
    """What the registry holds of the codes of alliances, and why."""
    held = [f"{registry.names[owner] if code else ''}{period}的{own}{'存疑' if status == 'doubtful' else '可信'}"
            for (owner, period), (own, status) in registry.codes.items() if owner in ids and code in ("", own)]
    doubts = [d["evidence"] for id in ids for d in registry.decisions.get(id, ()) if d.get("status") == "doubtful"]
    return "；".join(held), " ".join(dict.fromkeys(doubts)) or "—"


KIND_OF_ALIAS = {"renamed": "更名", "misspelt": "误写", "short": "简称"}


def _names(period: sheets.Period, seen: list, elsewhere: dict[str, list]) -> Iterator[Name]:
    registry = period.registry
    for id in dict.fromkeys(entry[3] for entry in seen):
        here = [entry for entry in seen if entry[3] == id]
        there = {report: [e for e in entries if e[3] == id] for report, entries in elsewhere.items()}
        forms = {normalise(e[1]) for e in here} | {normalise(e[1]) for entries in there.values() for e in entries}
        if len(forms) < 2 and forms <= {normalise(registry.names[id])}:
            continue
        canonical = registry.names[id]
        others = [f"{report}：{_places(entries, 1)}" for report, entries in there.items() if entries]
        where = "；".join([_places(here, 1), *others])
        decisions = [d for d in registry.decisions.get(id, ()) if normalise(d.get("alias", "")) in forms]
        kinds = list(dict.fromkeys(KIND_OF_ALIAS[d["kind"]] for d in decisions))
        within = "（本报告之内不一）" if len({normalise(e[1]) for e in here}) > 1 else ""
        decided = "；".join([f"采用{canonical}", *(f"{d['alias']}记为{KIND_OF_ALIAS[d['kind']]}" for d in decisions)])
        yield Name("、".join(kinds) or "写法", where + within, decided, " ".join(d["evidence"] for d in decisions) or "—")


def _ties(period: sheets.Period) -> Iterator[Name]:
    groups = [(score, [a.code for a in group]) for score, group in groupby(period.evaluated, key=lambda a: a.score)]
    ties = [(score, codes) for score, codes in groups if score is not None and len(codes) > 1]
    ordered = sum(codes == sorted(codes) for _, codes in ties)
    for score, codes in ties:
        if codes != sorted(codes):
            yield Name("同分次序", f"{score:g}分：{'、'.join(codes)}", "名次相同，次序不影响等级",
                       f"同分的{len(ties)}组中，{ordered}组按代码从小到大，这一组不是")


def _labels(rows: list[Printed], numbers: Numbers) -> Iterator[Name]:
    for grade in GRADES:
        used: dict[str, list[str]] = {}
        for row in rows:
            if row.unit == LABEL and numbers.scheme.named(row.counts) == grade:
                used.setdefault(row.printed, []).append(row.section)
        if len(used) > 1 or set(used) - {numbers.scheme.labels[grade]}:
            where = "；".join(f"{label}（{'、'.join(places)}）" for label, places in used.items())
            yield Name("等级叫法", where, f"本期方案作{numbers.scheme.labels[grade]}", "registry/schemes.csv")


def worst_first(audit: Audit) -> list[tuple[str, list[Finding]]]:
    """What differs, in groups from what misleads most to what only looks untidy, and in each the farthest off first."""
    groups: dict[str, list[Finding]] = {name: [] for name in (
        "占比不对", "家数、名单和日期不对", "加减合不上", "说法不成立", "占比的末位不对", "名称和叫法不一")}
    last_place = Fraction(1, 10 ** 4)
    for finding in audit.of(DIFFERS):
        unit = finding.row.unit
        if unit == SHARE:
            name = "占比不对" if finding.off > last_place else "占比的末位不对"
        elif unit in (CLAIM, NAME, LABEL):
            name = "说法不成立" if unit == CLAIM else "名称和叫法不一"
        else:
            name = "加减合不上" if finding.is_sum else "家数、名单和日期不对"
        groups[name].append(finding)
    return [(name, sorted(found, key=lambda f: -f.off)) for name, found in groups.items() if found]


def sentences(audit: Audit) -> Templates:
    """The templates of an audit report, with what they may ask for."""
    from analysis.sentences import Templates

    groups = worst_first(audit)
    return Templates(
        "audit", period=audit.numbers.period, total=len(audit.findings), names=audit.names, unread=audit.unread, worst=groups,
        counts={verdict: len(audit.of(verdict)) for verdict in VERDICTS}, first=groups[0][1][0] if groups else None,
        percentages=sum(f.row.unit == SHARE for f in audit.findings), claims=sum(f.row.unit == CLAIM for f in audit.findings))


def by_section(audit: Audit) -> list[tuple[str, dict[str, int]]]:
    """How many rows of each section have which verdict, in printed order."""
    sections: dict[str, Counter[str]] = {}
    for finding in audit.findings:
        sections.setdefault(finding.row.section, Counter())[finding.verdict] += 1
    return [(section, {verdict: counts[verdict] for verdict in VERDICTS}) for section, counts in sections.items()]


def claims_table(audit: Audit) -> Table:
    """Every claim in words: the measures under which it holds, and under which it fails, in numbers."""
    rows = [[f"{f.row.section}：{f.row.statement}（“{f.row.printed}”）", IN_CHINESE[f.verdict],
             f.working or "、".join(cause.chinese for cause in f.causes)] for f in audit.findings if f.row.unit == CLAIM]
    return Table("claims", "文字说法与次序，逐条检验", ["说法", "结论", "按各种量法"], rows, "lcl", stretch=[0, 2])


def names_table(audit: Audit) -> Table:
    """What is odd about names and codes, beside what the registry has decided and why."""
    rows = [[name.kind, name.seen, name.decision, name.evidence] for name in audit.names]
    columns = ["情形", "见于", "名录的判定", "依据"]
    return Table("names-and-codes", "名称、代码、次序与叫法", columns, rows, "llll", stretch=[1, 2, 3],
                 records=[asdict(name) for name in audit.names], fields=["kind", "seen", "decision", "evidence"])


def needs_table(audit: Audit) -> Table:
    """What would be needed to verify the rest."""
    needs: dict[str, list[Finding]] = {}
    for finding in audit.of(UNVERIFIED):
        needs.setdefault(finding.causes[0].detail, []).append(finding)
    rows = [[what, str(len(found)), "、".join(f.row.id for f in found)]
            for what, found in sorted(needs.items(), key=lambda pair: -len(pair[1]))]
    return Table("needs", "要有什么，才能核实", ["要有", "条数", "编号"], rows, "lrl", stretch=2)


def everything(audit: Audit) -> Table:
    """Every row with its verdict, under the section that prints it; its records are `reports/audit-<period>.csv`."""
    rows: list[list[str] | str] = []
    for section, findings in groupby(audit.findings, key=lambda f: f.row.section):
        rows.append(section)
        for f in findings:
            statement, printed, recomputed = f.row.statement, f.row.brief, f.recomputed
            difference = f.difference if f.row.is_number or f.row.unit == SHARE else ""
            if f.row.unit == CLAIM:
                recomputed = {AGREES: "成立", DIFFERS: "不成立", UNVERIFIED: ""}[f.verdict]
            elif f.row.unit == LIST:
                recomputed = f"{len(f.recomputed.split('；'))}家的名单"
            elif f.row.unit == NAME:
                statement, printed = f"{statement}：{f.row.printed}", "如左"
                recomputed = "另一写法" if f.verdict == DIFFERS else "同一家"
            rows.append([f.row.id, statement, printed, recomputed, difference, IN_CHINESE[f.verdict]])
    columns = ["编号", "内容", "印作", "重算", "相差", "结论"]
    return Table("everything", "全部核对结果", columns, rows, "clrrrc", stretch=1, search=True, choose="结论",
                 records=[f.record() for f in audit.findings],
                 note="占比的相差以百分点计。说法的各种量法见正文的表；无法核实的，要有什么才能核实，也见正文的表。")


def provenance(audit: Audit) -> Table:
    """What the audit was made from and by which rules."""
    period = audit.numbers.period
    rows = [["报告所印的数", path_of(period.name, period.data).name], ["SHA-256", audit.sha256],
            ["评分表", period.path.name], ["SHA-256", period.sha256],
            ["等级方案", f"{audit.numbers.scheme.declared}：" + "，".join(
                f"{audit.numbers.scheme.labels[g]}≥{audit.numbers.scheme.floors[g]:g}" for g in GRADES)],
            ["取整规则", "按精确分数计算，四舍五入到报告所用的位数"]]
    return Table("provenance", "核对所用的资料与规则", ["项目", "内容"], rows, "ll", stretch=1)


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
