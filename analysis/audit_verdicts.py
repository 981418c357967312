"""The verdict on each row of a published report, with its calculation and, where it differs, the likeliest cause.

Causes are found by computing, in the order of CAUSES; the first that gives the printed value is told.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from analysis.audit_phrases import (DENOMINATORS, OWN_BATCH, OWN_BATCH_EVALUATED, Printed, Term, UnknownWord, Vocabulary, plain,
                                    total, written)
from analysis.grades import BEST_FIRST, HIGH, TOP_SCORE
from analysis.registry import first_year, normalise
from analysis.shares import Share, half_up
from analysis.sheets import Period
from analysis.words import Verdict, shown, verdict

AGREES, DIFFERS, UNVERIFIED = VERDICTS = ("agrees", "differs", "cannot be verified")
SHARE, LIST, CLAIM, DATE, BAND, NAME, LABEL = KINDS = ("%", "名单", "说法", "日期", "分段", "名称", "称呼")
BAND_FORM = re.compile(r"(\d+)分?\s*(?:至|~|～|—+|-)\s*(\d+)分|(\d+)分以下")
COMPARISON = re.compile(r"(.+?)\s+(>=|<=|>|<|=)\s+(.+)")
PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
STREAK = re.compile(r"连续 (\d+) 期 (.+) (\S+)")
ORDER = re.compile(r"顺序 (\S+)")
HOLDS = {">": (lambda a, b: a > b), "<": (lambda a, b: a < b), "=": (lambda a, b: a == b),
         ">=": (lambda a, b: a >= b), "<=": (lambda a, b: a <= b)}
BY_COUNT, NO_SOURCE = "家数", "原始记录"
NEAR = 8  # rows of the same section: a slip of copying comes from close by
MOST_SHOWN = 4  # comparisons of one claim; of more, those that fail are shown
CAUSED_BY = {  # the sentence of a cause, and what the CSV calls it
    "cause.truncated": "truncated", "cause.rounded-twice": "rounded twice",
    "cause.adjusted": "last digit adjusted so that the parts add to 100.00", "cause.denominator": "another denominator",
    "cause.off-by-one": "off by one in a closure", "cause.loose-term": "off by one in a closure",
    "cause.copied": "value of a neighbouring statement", "cause.elsewhere": "printed differently elsewhere",
    "cause.some-measures": "holds only under", "no measure": "holds under no measure", "wording": "another wording", "needs": "needs"}


class Cause(NamedTuple):
    """Why a row may differ: one of CAUSED_BY, and the calculation that shows it."""

    name: str
    detail: str
    numbers: dict[str, object] = {}

    def __str__(self) -> str:
        return f"{CAUSED_BY[self.name]}: {self.detail}"

    @property
    def told(self) -> list[Verdict]:
        """The verdict for its sentence; nothing where the working says it all."""
        detail = self.detail.replace(" (", "（").replace(")", "）")
        return [verdict(self.name, detail=detail, **self.numbers)] if self.name.startswith("cause.") else []


class Finding(NamedTuple):
    """What is found of a row; `off` is how far it is from what is right: of a share its difference, else relative."""

    verdict: str
    recomputed: str = ""
    difference: str = ""
    working: str = ""
    causes: tuple[Cause, ...] = ()
    off: Fraction = Fraction(0)


class Number(NamedTuple):
    """What a row should print: `right` (of a share in percent, rounded), how it comes about, and of what it is made."""

    right: Fraction | None
    working: str
    terms: list[Term] = []
    share: Share | None = None
    part: pd.Series | None = None
    whole: pd.Series | None = None


class Report(Vocabulary):
    """A published report: its rows beside the vocabulary of its period, and those of the other periods by name."""

    def __init__(self, rows: list[Printed], sheet: Period, others: list[Period] = ()):
        super().__init__(sheet, {row.id: row.value for row in rows if row.is_number})
        self.rows, self.others, self.numbers = rows, {other.name: Vocabulary(other) for other in others}, {}
        printed = [row.printed.rstrip("%").partition(".")[2] for row in rows if row.unit == SHARE]
        self.places = max(map(len, printed), default=2)  # the most that it prints
        self.last_place = Fraction(1, 10 ** self.places)

    def compute(self, row: Printed) -> None:
        """What a row with a percentage or a number should print, into `numbers`. Raises UnknownWord."""
        if row.counts and row.is_number:
            terms = self.terms(row.counts)
            self.numbers[row.id] = Number(total(terms), written(terms), terms)
        elif row.unit == SHARE:
            share = self.share(row.counts, row.of)
            self.numbers[row.id] = Number(None, "") if share is None else Number(
                Fraction(self.rounded(share)), f"{share.part} ÷ {share.whole} = {self.rounded(share)}%", [], share,
                self.rows_of(self.part(row.counts)), self.whole(row.counts, row.of))

    def rounded(self, share: Share, more: int = 0) -> Decimal:
        """A share in percent, to the places of the report or some more."""
        return half_up(share.fraction * 100, self.places + more)


def finding(row: Printed, report: Report) -> Finding:
    """The finding on one row. Raises UnknownWord."""
    judges = {LIST: of_list, CLAIM: of_claim} | dict.fromkeys(KNOWN, of_text)
    return judges.get(row.unit, of_number)(row, report) if row.counts else unverified(row)


def unverified(row: Printed, needs: str = "", working: str = "") -> Finding:
    """What nothing but its own statement gives; `needs` is what would verify it."""
    return Finding(UNVERIFIED, working=working, causes=(Cause("needs", needs or row.needs or NO_SOURCE),))


def of_number(row: Printed, report: Report) -> Finding:
    """A percentage, rounded half up, or a number; what the sheet only repeats cannot be verified, only contradicted."""
    known, percent = report.numbers[row.id], row.unit == SHARE
    right, terms = known.right, known.terms
    if right is None or row.value == right and len(terms) == 1 and terms[0].stated:
        return unverified(row)
    text = f"{half_up(right, report.places)}%" if percent else plain(right)
    if row.value == right:
        return Finding(AGREES, text, "", known.working)
    off, places = row.value - right, report.places
    causes = [cause for test in CAUSES if (cause := test(row, known, report))]
    return Finding(DIFFERS, text, f"{half_up(off, places):+}" if percent else f"{float(off):+.10g}", f"{known.working}；印作{row.printed}",
                   (*causes[:1], *elsewhere(row, known, report)), abs(off) / (100 if percent else max(right, 1)))


def truncated(row: Printed, known: Number, report: Report) -> Cause | None:
    """The places that follow were cut off."""
    if known.share and 0 < known.share.fraction * 100 - row.value < report.last_place:
        return Cause("cause.truncated", f"{_long(known.share, report)} → {row.printed}")


def rounded_twice(row: Printed, known: Number, report: Report) -> Cause | None:
    """Rounded to one place more, and that again."""
    if known.share and half_up(Fraction(report.rounded(known.share, 1)), report.places) == row.value:
        return Cause("cause.rounded-twice", f"{_long(known.share, report)} → {report.rounded(known.share, 1)}% → {row.printed}")


def _long(share: Share, report: Report) -> str:
    return f"{share.part} ÷ {share.whole} = {float(share.fraction * 100):.{report.places + 3}f}…%"


def adjusted(row: Printed, known: Number, report: Report) -> Cause | None:
    """The printed parts of the whole add to 100.00 only because this one was moved; what is not printed counts as a part."""
    if not known.share or abs(row.value - known.right) != report.last_place:
        return None
    same = {other.printed: number for other in report.rows if other.section == row.section and (number := report.numbers.get(other.id))
            and number.share and number.whole.equals(known.whole)}
    parts: dict[str, Number] = {}
    for printed, number in sorted(same.items(), key=lambda item: item[1].share.part):  # the finest parts that have nothing in common
        if not any((number.part & part.part).any() for part in (known, *parts.values())):
            parts[printed] = number
    rest = known.share.whole - known.share.part - sum(number.share.part for number in parts.values())
    left = half_up(Fraction(100 * rest, known.share.whole), report.places)
    values = [text.rstrip("%") for text in (row.printed, *(text for text in same if text in parts))] + ([str(left)] if rest else [])
    if parts and rest >= 0 and sum(map(Decimal, values)) == 100:
        return Cause("cause.adjusted", f"{' + '.join(values)} = 100.00" + (f" ({rest} ÷ {known.share.whole} = {left}%)" if rest else ""))


def denominator(row: Printed, known: Number, report: Report) -> Cause | None:
    """Another whole that holds the part gives the printed value."""
    for of in DENOMINATORS if known.share else ():
        try:
            other = report.share(row.counts, of)
        except UnknownWord:  # no part of that
            continue
        if other and other.whole != known.share.whole and report.rounded(other) == row.value:
            sums = f"{other.part} ÷ {other.whole} = {row.printed}"
            return Cause("cause.denominator", f"{sums} ({of})", {"of": of, "whole": other.whole, "sum": sums})


def off_by_one(row: Printed, known: Number, report: Report) -> Cause | None:
    """A sum that closes but for one, and the one term that nothing else vouches for, with the value that would close it."""
    if len(known.terms) < 2 or abs(row.value - known.right) != 1:
        return None
    rows, closure = {f"[{other.id}]": other for other in report.rows}, f"{known.working} ≠ {row.printed}"
    loose = [term for term in known.terms if not (source := rows[term.what].counts if term.what in rows else term.what) or any(
        own.stated and own.what not in report.batches for own in report.terms(source))]
    if len(loose) != 1:
        return Cause("cause.off-by-one", closure)
    sign, what, number, _ = loose[0]
    name, number, closing = rows[what].statement if what in rows else what, plain(number), plain(number + sign * (row.value - known.right))
    return Cause("cause.loose-term", f"{closure} ({name} {number} has no source but its own statement; {closing} would close it)",
                 {"term": name, "number": number, "closing": closing})


def copied(row: Printed, known: Number, report: Report) -> Cause | None:
    """The nearest other row of the section that rightly has this value."""
    here = report.rows.index(row)
    near = [(abs(place - here), place) for place, other in enumerate(report.rows) if 0 < abs(place - here) <= NEAR
            and (other.section, other.unit) == (row.section, row.unit) and other.id in report.numbers
            and other.value == row.value == report.numbers[other.id].right]
    if near:
        other = report.rows[min(near)[1]]
        share = report.numbers[other.id].share
        return Cause("cause.copied", f"{other.statement} {f'{share.part} ÷ {share.whole} = ' if share else ''}{other.printed}")


CAUSES = (truncated, rounded_twice, adjusted, denominator, off_by_one, copied)


def elsewhere(row: Printed, known: Number, report: Report) -> list[Cause]:
    """The same share, printed differently in other places."""
    places = sorted({f"{other.printed} ({other.section})" for other in report.rows if known.share
                     and (other.counts, other.of) == (row.counts, row.of) and other.value != row.value})
    return [Cause("cause.elsewhere", "、".join(places))] if places else []


def of_list(row: Printed, report: Report) -> Finding:
    """Names in the text: the alliances that are counted, no more and no fewer."""
    rows = report.rows_of(row.counts)
    if rows is None:
        return unverified(row)
    right = report.alliances[rows].set_index("id")["name"]
    ids = {name: report.sheet.registry.id_of(name) for name in row.names}
    missing = [name for id, name in right.items() if id not in ids.values()]
    extra = [name for name, id in ids.items() if id not in right.index]
    if not missing and not extra and len(row.names) == len(right):
        return Finding(AGREES, "；".join(right), "", f"{len(right)}家，逐一对上")
    words = "，".join(f"{word}{'、'.join(names)}" for word, names in (("缺", missing), ("多", extra)) if names) or "有重复"
    return Finding(DIFFERS, "；".join(right), words, f"评分表有{len(right)}家，印出{len(row.names)}家；{words}",
                   off=Fraction(len(missing) + len(extra), max(len(right), 1)))


def _date(item: str, sheet: Period) -> tuple[str, list[str], str, bool]:
    if item not in sheet.facts:
        raise UnknownWord(f"an item of 评价期 is wanted: {'、'.join(sheet.facts)}")
    known = shown(sheet.facts[item]) if isinstance(sheet.facts[item], dt.date) else str(sheet.facts[item])
    return known, [known], "评价期表", False  # known only from its own statement


def _grade(label: str, sheet: Period) -> str:
    if grade := sheet.scheme.named(label):
        return grade
    raise UnknownWord(f"a grade is wanted: {'、'.join(BEST_FIRST)}")


def _band(label: str, sheet: Period) -> tuple[str, list[str], str, bool]:
    grade = _grade(label, sheet)
    low, high = int(sheet.scheme.floors[grade]), TOP_SCORE if grade == HIGH else int(sheet.scheme.ceiling(grade)) - 1
    right = f"{low}分至{high}分" if low else f"{high}分以下"
    return right, [right], "等级方案", any(a.grade == grade and a.score is not None for a in sheet.evaluated)


def _label(label: str, sheet: Period) -> tuple[str, list[str], str, bool]:
    right = sheet.scheme.labels[_grade(label, sheet)]
    return right, [right, f"{right}联盟", f"{right}的联盟"], "等级方案", True


def _name(code: str, sheet: Period) -> tuple[str, list[str], str, bool]:
    id = holder(code, sheet)
    right = next((a.name for a in (*sheet.evaluated, *sheet.absent) if a.id == id), sheet.registry.names[id])
    short = [decision["alias"] for decision in sheet.registry.decisions.get(id, ()) if decision.get("kind") == "short"]
    return right, [right, *short], f"{code}在附件中", True


def holder(code: str, sheet: Period) -> str:
    """Whose code it is in the period. Raises UnknownWord."""
    if sheet.name in (held := sheet.registry.holders.get(code, {})):
        return held[sheet.name]
    raise UnknownWord(f"a code of {sheet.name} in registry/codes.csv is wanted")


KNOWN = {DATE: _date, BAND: _band, NAME: _name, LABEL: _label}  # what is right, the forms allowed, its source, whether that verifies


def of_text(row: Printed, report: Report) -> Finding:
    """A date, the scores of a grade, or what an alliance or a grade is called."""
    right, allowed, source, verifies = KNOWN[row.unit](row.counts, report.sheet)
    band = BAND_FORM.fullmatch(row.printed) if row.unit == BAND else None
    printed = (f"{band[1]}分至{band[2]}分" if band[1] else f"{band[3]}分以下") if band else row.printed
    if normalise(printed) in map(normalise, allowed):
        return Finding(AGREES, right, "", f"{source}：{right}") if verifies else unverified(row)
    change = f"{right} → {row.printed}"
    return Finding(DIFFERS, right, change, f"{source}作{right}；此处作{row.printed}",
                   (Cause("wording", change),) if row.unit in (NAME, LABEL) else (), Fraction(1))


def of_claim(row: Printed, report: Report) -> Finding:
    """A claim in words, tried under each measure that it can be tried under."""
    if order := ORDER.fullmatch(row.counts):
        return of_order(order[1], report)
    if streak := STREAK.fullmatch(row.counts):
        return of_streak(row, report, int(streak[1]), streak[2], streak[3])
    compared = [COMPARISON.fullmatch(part.strip()) for part in re.split("[;；]", row.counts)]
    if None in compared:
        raise UnknownWord("a claim is `A > B; A > C` (with >, <, >=, <=, =), `连续 4 期 100分 109` or `顺序 评分表`")
    named = row.of.split("、") if row.of else []
    results = {by: tried(compared, by, report) for by in dict.fromkeys([*named, *measures(compared, named, report)])}
    holding, failing = ([by for by, (holds, _) in results.items() if holds is truth] for truth in (True, False))
    bare = list(results) == [BY_COUNT]
    working = "；".join(f"{'' if bare else f'按{by}：'}{text}，{'成立' if holds else '说法不成立'}" for by, (holds, text) in results.items())
    judged = [results[by][0] for by in (named or results)]
    if None in judged:
        return unverified(row, working=working)
    if all(judged):
        return Finding(AGREES, working, "", working)
    cause = Cause("cause.some-measures", "、".join(holding)) if holding else Cause("no measure", results[failing[0]][1])
    return Finding(DIFFERS, working, "fails" if bare else f"fails: {'、'.join(failing)}", working, (cause,), Fraction(len(failing), len(results)))


def measures(compared: list[re.Match], named: list[str], report: Report) -> list[str]:
    """Counts, and the two shares of a batch where every side is one phrase about batches."""
    try:
        for side in (side for match in compared for side in match.group(1, 3) if not PERCENT.fullmatch(side)):
            report.whole(side, OWN_BATCH)
    except UnknownWord:  # a sum or a rank has no share
        return [] if named else [BY_COUNT]
    return [BY_COUNT, OWN_BATCH, OWN_BATCH_EVALUATED]


def tried(compared: list[re.Match], measure: str, report: Report) -> tuple[bool | None, str]:
    """Whether all comparisons hold under a measure, None where one cannot be told; and how, in numbers."""
    lines, failed = [], []
    for left, sign, right in (match.groups() for match in compared):
        (a, a_shown), (b, b_shown) = measured(left, measure, report), measured(right, measure, report)
        if a is None or b is None:
            return None, "有未公布的数"
        holds = HOLDS[sign](a, b)
        truth = sign if holds else "≠" if sign == "=" else next(s for s in ("<", "=", ">") if HOLDS[s](a, b))
        lines.append(f"{a_shown} {truth.replace('>=', '≥').replace('<=', '≤')} {b_shown}")
        failed += [] if holds else [f"{left} {lines[-1]}"]
    if len(lines) > MOST_SHOWN:
        return not failed, f"{len(lines)}项比较" + (f"中{len(failed)}项不符：{'，'.join(failed)}" if failed else "都符合")
    return not failed, ("实为" if failed else "") + "，".join(lines)


def measured(side: str, measure: str, report: Report) -> tuple[Fraction | None, str]:
    """One side of a comparison under a measure, and how it is written."""
    if percent := PERCENT.fullmatch(side):
        return Fraction(percent[1]) / 100, side
    if measure == BY_COUNT:
        number = total(report.terms(side))
        return number, plain(number)
    share = report.share(side, measure)
    return (share.fraction, f"{share.percent}（{share.part}/{share.whole}）") if share else (None, "?")


def of_order(name: str, report: Report) -> Finding:
    """The order of a list: scores that do not rise and the withheld last, or codes that do not fall."""
    lists = {"评分表": report.sheet.evaluated, "未参评": report.sheet.absent, "A级名单": report.sheet.a_level}
    if name not in lists:
        raise UnknownWord(f"a list is wanted: {'、'.join(lists)}")
    keys = [(1 if a.score is None else -a.score) if name == "评分表" else a.code for a in lists[name]]
    broken = "、".join(a.name for (before, after), a in zip(pairwise(keys), lists[name][1:]) if after < before)
    known = len(keys) - keys.count(1)
    if broken:
        return Finding(DIFFERS, "", broken, f"次序在这些联盟处中断：{broken}", off=Fraction(1))
    return Finding(AGREES, f"1—{known}", "", f"{known}行依次排列")


def of_streak(row: Printed, report: Report, length: int, what: str, who: str) -> Finding:
    """Something true of the same alliances in several periods running: every sheet that there is must bear it out."""
    sheet = report.sheet
    ids = {a.id for a in sheet.a_level} if who == "A级" else {holder(who, sheet)}
    until = [period for period in sheet.registry.periods if first_year(period) <= first_year(sheet.name)][-length:]
    having: dict[str, set[str] | None] = {}
    for name, words in (report.others | {sheet.name: report}).items():
        rows = words.rows_of(what)
        having[name] = None if rows is None else ids & set(words.alliances.loc[rows, "id"])
    working = "；".join(f"{name}评价期：{len(ids)}家中{len(having[name] or ())}家符合" for name in until if name in having)
    failing = "、".join(name for name in until if having.get(name) is not None and having[name] != ids)
    missing = "、".join(name for name in until if having.get(name) is None)
    if failing:
        return Finding(DIFFERS, working, failing, working, off=Fraction(1))
    if missing or len(until) < length:
        return unverified(row, f"{missing or '更早'}的评分表", working)
    return Finding(AGREES, working, "", working)
