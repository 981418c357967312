"""The verdict on each row of a published report, with its calculation and, where it differs, the likeliest cause.

A row that is wrong differs; printed numbers that cannot all be right do not close, and nothing here says which is wrong; a judgement
that does not follow from the numbers is a reading. The last two are for the author to decide.
Causes are found by computing, in the order of CAUSES; the first that gives the printed value is told.
"""

from __future__ import annotations

import datetime as dt
import operator
import re
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from analysis import audit_phrases as phrases
from analysis.audit_phrases import (
    BAND,
    CLAIM,
    CODE,
    DATE,
    JUDGEMENT,
    LABEL,
    LIST,
    NAME,
    PLACE,
    SHARE,
    Number,
    Printed,
    UnknownWord,
    Vocabulary,
    plain,
)
from analysis.grades import BEST_FIRST, HIGH, TOP_SCORE
from analysis.registry import first_year, normalise
from analysis.shares import half_up
from analysis.sheets import Period
from analysis.words import Verdict, shown, verdict

AGREES, DIFFERS, OPEN, READING, UNVERIFIED = VERDICTS = ("agrees", "differs", "does not close", "a reading", "cannot be verified")
COMPARISON = re.compile(r"(.+?)\s+(>=|<=|>|<|=)\s+(.+)")
PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
STREAK = re.compile(r"连续 (\d+) 期 (.+) (\S+)")
ORDER = re.compile(r"顺序 (\S+)")
HOLDS = {">": operator.gt, "<": operator.lt, "=": operator.eq, ">=": operator.ge, "<=": operator.le}
BY_COUNT, NO_SOURCE, NOTHING = "家数", "原始记录", "没有对应的内容"
OUTCOMES = {True: "成立", False: "说法不成立", None: "不能判定"}
NEAR = 8  # rows of the same section: a slip of copying comes from close by


class Cause(NamedTuple):
    """Why a row may differ: the kind, the calculation that shows it, and its sentence where the working does not say it all."""

    kind: str
    detail: str
    told: Verdict | None = None


class Finding(NamedTuple):
    """What is found of a row."""

    verdict: str
    recomputed: str = ""
    difference: str = ""
    working: str = ""
    causes: tuple[Cause, ...] = ()


class Report(Vocabulary):
    """A published report: what it prints beside the words of its period, and the words of the other periods by name."""

    def __init__(self, printed: list[Printed], sheet: Period, others: list[Period] = ()):
        super().__init__(sheet)
        self.printed, self.numbers, self.others = printed, {}, {other.name: Vocabulary(other) for other in others}
        self.items |= {f"[{row.id}]": (row.value, False) for row in printed if row.unit in (DATE, *phrases.UNITS)}
        self.places = max((len(row.printed.rstrip("%").partition(".")[2]) for row in printed if row.unit == SHARE), default=2)

    def compute(self, row: Printed) -> None:
        """What a percentage or a number should be, into `numbers`. Raises UnknownWord."""
        if row.counts and row.unit in (SHARE, *phrases.UNITS):
            self.numbers[row.id] = self.share(row.counts, row.of) if row.unit == SHARE else self.sum(row.counts)

    def rounded(self, number: Number, more: int = 0) -> Fraction | None:
        """As it should be printed: a share to the most places that the report prints (or some more), another number as it is."""
        return Fraction(half_up(number.right, self.places + more)) if number.share and number.right is not None else number.right


def finding(row: Printed, report: Report) -> Finding:
    """The finding on one row. Raises UnknownWord."""
    judges = {LIST: of_list, CLAIM: of_claim, JUDGEMENT: of_claim, CODE: of_code, PLACE: of_place} | dict.fromkeys(
        (DATE, BAND, NAME, LABEL), of_text)
    return judges.get(row.unit, of_number)(row, report) if row.counts or row.unit == PLACE else unverified(row)


def unverified(row: Printed, needs: str = "", working: str = "") -> Finding:
    """What nothing but its own statement gives; `needs` is what would verify it."""
    return Finding(UNVERIFIED, working=working, causes=(Cause("needs", needs or row.needs or NO_SOURCE),))


def of_number(row: Printed, report: Report) -> Finding:
    """A percentage, rounded half up, or a number; what the sheet only repeats cannot be verified, only contradicted."""
    known, percent = report.numbers[row.id], row.unit == SHARE
    right = report.rounded(known)
    if right is None or (row.value == right and len(known.terms) == 1 and known.terms[0][3]):
        return unverified(row)
    text = f"{half_up(right, report.places)}%" if percent else plain(right)
    working = f"{known.working} = {text}" if percent else known.working
    if row.value == right:
        return Finding(AGREES, text, "", working)
    off = row.value - right
    causes = [cause for test in CAUSES if (cause := test(row, known, report))][:1]
    return Finding(DIFFERS if len(known.terms) < 2 else OPEN, text,
                   f"{half_up(off, report.places):+}" if percent else f"{float(off):+.10g}", f"{working}；印作{row.printed}",
                   (*causes, *elsewhere(row, report)))


def _cause(name: str, kind: str, detail: str, **numbers: object) -> Cause:
    return Cause(kind, detail, verdict(name, detail=detail.replace(" (", "（").replace(")", "）"), **numbers))


def rounding(row: Printed, known: Number, report: Report) -> Cause | None:
    """The places that follow were cut off; or it was rounded to one place more, and that again."""
    if known.share:
        exact, once = f"{known.working} = {float(known.right):.{report.places + 3}f}…%", report.rounded(known, more=1)
        if 0 < known.right - row.value < Fraction(1, 10 ** report.places):
            return _cause("cause.truncated", "truncated", f"{exact} → {row.printed}")
        if half_up(once, report.places) == row.value:
            return _cause("cause.rounded-twice", "rounded twice", f"{exact} → {half_up(once, report.places + 1)}% → {row.printed}")


def adjusted(row: Printed, known: Number, report: Report) -> Cause | None:
    """The printed parts of the whole add to 100.00 only because this one was moved; what is not printed counts as a part."""
    if not known.share or abs(row.value - report.rounded(known)) != Fraction(1, 10 ** report.places):
        return None
    same = [(place, number) for place, other in enumerate(report.printed) if other.section == row.section and other is not row
            and (number := report.numbers.get(other.id)) and number.share and (number.whole == known.whole).all()]
    parts, taken = [], known.part
    for place, number in sorted(same, key=lambda found: found[1].share.part):  # the finest that have nothing in common
        if not (number.part & taken).any():
            parts, taken = [*parts, place], taken | number.part
    rest = known.share.whole - int(taken.sum())
    left = f"{half_up(Fraction(100 * rest, known.share.whole), report.places)}%"
    values = [text.rstrip("%") for text in (row.printed, *(report.printed[place].printed for place in sorted(parts)), *([left] if rest else []))]
    if parts and sum(map(Decimal, values)) == 100:
        return _cause("cause.adjusted", "last digit adjusted so that the parts add to 100.00",
                      f"{' + '.join(values)} = 100.00" + (f" ({rest} ÷ {known.share.whole} = {left})" if rest else ""))


def denominator(row: Printed, known: Number, report: Report) -> Cause | None:
    """Another whole that holds the part gives the printed value."""
    for of in phrases.DENOMINATORS if known.share else ():
        try:
            other = report.share(row.counts, of)
        except UnknownWord:  # no part of that
            continue
        if other.share and other.share.whole != known.share.whole and report.rounded(other) == row.value:
            sums = f"{other.working} = {row.printed}"
            return _cause("cause.denominator", "another denominator", f"{sums} ({of})", of=of, whole=other.share.whole, sum=sums)


def off_by_one(row: Printed, known: Number, report: Report) -> Cause | None:
    """A sum that closes but for one, and the one term that nothing else vouches for, with the value that would close it."""
    if len(known.terms) < 2 or abs(row.value - known.right) != 1:
        return None
    rows, kind = {f"[{other.id}]": other for other in report.printed}, "off by one in a closure"
    sources = [(term, rows[term[1]].counts if term[1] in rows else term[1]) for term in known.terms]
    loose = [term for term, source in sources if not source or any(
        stated and report.words.get(what, " ")[0] != "batch" for _, what, _, stated in report.sum(source).terms)]
    if len(loose) != 1:
        return _cause("cause.off-by-one", kind, f"{known.working} ≠ {row.printed}")
    sign, what, number, _ = loose[0]
    name, number, closing = rows[what].statement if what in rows else what, plain(number), plain(number + sign * (row.value - known.right))
    note = f"({name} {number} has no source but its own statement; {closing} would close it)"
    return _cause("cause.loose-term", kind, f"{known.working} ≠ {row.printed} {note}", term=name, number=number, closing=closing)


def copied(row: Printed, known: Number, report: Report) -> Cause | None:
    """The nearest other row of the section that rightly has this value."""
    here = report.printed.index(row)
    near = [(abs(place - here), other, number) for place, other in enumerate(report.printed)
            if 0 < abs(place - here) <= NEAR and (other.section, other.unit) == (row.section, row.unit)
            and (number := report.numbers.get(other.id)) and other.value == row.value == report.rounded(number)]
    for _, other, number in sorted(near, key=lambda found: found[0])[:1]:
        return _cause("cause.copied", "value of a neighbouring statement",
                      f"{other.statement} {f'{number.working} = ' if number.share else ''}{other.printed}")


CAUSES = (rounding, adjusted, denominator, off_by_one, copied)


def elsewhere(row: Printed, report: Report) -> list[Cause]:
    """The same share, printed differently in other places."""
    places = sorted({f"{other.printed} ({other.section})" for other in report.printed if row.unit == other.unit == SHARE
                     and (other.counts, other.of) == (row.counts, row.of) and other.value != row.value})
    return [_cause("cause.elsewhere", "printed differently elsewhere", "、".join(places))] if places else []


def of_list(row: Printed, report: Report) -> Finding:
    """Names in the text: the alliances that are counted, no more and no fewer."""
    rows = report.rows(row.counts)
    if rows is None or report.alliances.loc[rows, "id"].isna().any():  # some of them have no name in any list
        return unverified(row)
    right, named = report.alliances[rows].set_index("id")["name"], row.printed.split("；")
    ids = [report.sheet.registry.id_of(name) for name in named]
    missing, extra = right[~right.index.isin(ids)], [name for name, id in zip(named, ids) if id not in right.index]
    if len(named) == len(right) and not len(missing):
        return Finding(AGREES, "；".join(right), "", f"{len(right)}家，逐一对上")
    words = "，".join(f"{word}{'、'.join(names)}" for word, names in (("缺", missing), ("多", extra)) if len(names)) or "有重复"
    return Finding(DIFFERS, "；".join(right), words, f"评分表有{len(right)}家，印出{len(named)}家；{words}")


def of_text(row: Printed, report: Report) -> Finding:
    """A date, the scores of a grade, or what an alliance or a grade is called."""
    right, allowed, source, verifies = _known(row, report.sheet)
    band = phrases.FORMS[BAND][0].fullmatch(row.printed) if row.unit == BAND else None
    printed = (f"{band[1]}分至{band[2]}分" if band[1] else f"{band[3]}分以下") if band else row.printed
    if normalise(printed) in map(normalise, allowed):
        return Finding(AGREES, right, "", f"{source}：{right}") if verifies else unverified(row)
    change = f"{right} → {row.printed}"
    return Finding(DIFFERS, right, change, f"{source}作{right}；此处作{row.printed}",
                   (Cause("another wording", change),) if row.unit in (NAME, LABEL) else ())


def of_code(row: Printed, report: Report) -> Finding:
    """The code of an alliance: the one that the registry is certain of; where it is certain of none, the author must say."""
    registry = report.sheet.registry
    if (id := registry.id_of(row.counts)) is None:
        raise UnknownWord("a name of the registry is wanted")
    codes = {period: held for (own, period), held in registry.codes.items() if own == id}
    certain = {code for code, status in codes.values() if status == "certain"}
    working = f"{row.counts}：" + "，".join(f"{period}评价期印作{code}" for period, (code, _) in codes.items())
    if row.printed in certain:
        return Finding(AGREES, row.printed, "", working)
    allowed = certain or {code for code, _ in codes.values()}
    if row.printed in allowed:  # one of several, all in doubt
        return Finding(READING, "", "", working)
    right = "、".join(sorted(allowed))
    return Finding(DIFFERS, right, f"{right} → {row.printed}", working)


def of_place(row: Printed, report: Report) -> Finding:
    """What the contents page or the text points to, and what stands there."""
    if normalise(row.printed) == normalise(row.counts):
        return Finding(AGREES, row.counts)
    there = row.counts or NOTHING
    return Finding(DIFFERS, there, f"{there} → {row.printed}", f"所指之处作{there}")


def _known(row: Printed, sheet: Period) -> tuple[str, list[str], str, bool]:
    """What is right, the forms allowed, where it is from, and whether that verifies it."""
    scheme, grade = sheet.scheme, sheet.scheme.named(row.counts)
    if row.unit == DATE:
        if row.counts not in sheet.facts:
            raise UnknownWord(f"an item of 评价期 is wanted: {'、'.join(sheet.facts)}")
        fact = sheet.facts[row.counts]
        right = shown(fact) if isinstance(fact, dt.date) else str(fact)
        return right, [right], "评价期表", False  # known only from its own statement
    if row.unit == NAME:
        id = _holder(row.counts, sheet)
        kinds = {decision["alias"]: decision["kind"] for decision in sheet.registry.decisions.get(id, ()) if "alias" in decision}
        in_annex = {a.id: a.name for a in (*sheet.absent, *sheet.evaluated)}.get(id, sheet.registry.names[id])
        right = sheet.registry.names[id] if kinds.get(in_annex) == "misspelt" else in_annex
        short = [alias for alias, kind in kinds.items() if kind == "short"]
        return right, [right, *short], f"{row.counts}在{'附件中' if right == in_annex else '名录中'}", True
    if grade is None:
        raise UnknownWord(f"a grade is wanted: {'、'.join(BEST_FIRST)}")
    if row.unit == LABEL:
        ending = next((ending for ending in ("的联盟", "联盟") if row.printed.endswith(ending)), "")
        return scheme.labels[grade] + ending, [scheme.labels[grade] + ending], "等级方案", True
    low, high = int(scheme.floors[grade]), TOP_SCORE if grade == HIGH else int(scheme.ceiling(grade)) - 1
    right = f"{low}分至{high}分" if low else f"{high}分以下"
    return right, [right], "等级方案", any(a.grade == grade and a.score is not None for a in sheet.evaluated)


def _holder(code: str, sheet: Period) -> str:
    if sheet.name not in (held := sheet.registry.holders.get(code, {})):
        raise UnknownWord(f"a code of {sheet.name} in registry/codes.csv is wanted")
    return held[sheet.name]


def of_claim(row: Printed, report: Report) -> Finding:
    """A claim in words, tried under each measure that it can be tried under; a judgement that fails is a reading, no slip."""
    if order := ORDER.fullmatch(row.counts):
        return of_order(order[1], report)
    if streak := STREAK.fullmatch(row.counts):
        return of_streak(row, report, int(streak[1]), streak[2], streak[3])
    compared = [COMPARISON.fullmatch(part.strip()) for part in re.split("[;；]", row.counts)]
    if None in compared:
        raise UnknownWord("a claim is `A > B; A > C` (with >, <, >=, <=, =), `连续 4 期 100分 109` or `顺序 评分表`")
    named = row.of.split("、") if row.of else []
    try:  # between batches, counts and two shares
        sides = [report.rows(side, "batch") for match in compared for side in match.group(1, 3) if not PERCENT.fullmatch(side)]
        measures = [*named, BY_COUNT, phrases.OWN_BATCH, phrases.OWN_BATCH_EVALUATED] if sides else named
    except UnknownWord:
        measures = named or [BY_COUNT]
    results = {by: tried(compared, by, report) for by in dict.fromkeys(measures)}
    holding, failing = ([by for by, (holds, _) in results.items() if holds is truth] for truth in (True, False))
    bare = measures == [BY_COUNT]
    working = "；".join(f"{'' if bare else f'按{by}：'}{text}，{OUTCOMES[holds]}" for by, (holds, text) in results.items())
    judged = [results[by][0] for by in (named or results)]
    if None in judged:
        return unverified(row, working=working)
    if all(judged):
        return Finding(AGREES, working, "", working)
    cause = _cause("cause.some-measures", "holds only under", "、".join(holding)) if holding else \
        Cause("holds under no measure", results[failing[0]][1])
    difference, reading = "fails" if bare else f"fails: {'、'.join(failing)}", row.unit == JUDGEMENT or (holding and not named)
    return Finding(READING if reading else DIFFERS, working, difference, working, (cause,))


def tried(compared: list[re.Match], measure: str, report: Report) -> tuple[bool | None, str]:
    """Whether all comparisons hold under a measure, None where one cannot be told; and how, in numbers."""
    def measured(side: str) -> tuple[Fraction | None, str]:
        if percent := PERCENT.fullmatch(side):
            return Fraction(percent[1]), side
        number = report.sum(side) if measure == BY_COUNT else report.share(side, measure)
        return number.right, f"{number.share}（{number.share.part}/{number.share.whole}）" if number.share else number.working

    lines, failed = [], False
    for left, sign, right in (match.groups() for match in compared):
        (a, a_shown), (b, b_shown) = measured(left), measured(right)
        if a is None or b is None:
            return None, "有未公布的数"
        truth = sign if HOLDS[sign](a, b) else "≠" if sign == "=" else next(s for s in ("<", "=", ">") if HOLDS[s](a, b))
        lines.append(f"{a_shown} {truth.replace('>=', '≥').replace('<=', '≤')} {b_shown}")
        failed |= truth != sign
    return not failed, ("实为" if failed else "") + "，".join(lines)


def of_order(name: str, report: Report) -> Finding:
    """The order of a list: scores that do not rise and the withheld last, or codes that do not fall."""
    lists = {"评分表": report.sheet.evaluated, "未参评": report.sheet.absent, "A级名单": report.sheet.a_level}
    if name not in lists:
        raise UnknownWord(f"a list is wanted: {'、'.join(lists)}")
    keys = [(1 if a.score is None else -a.score) if name == "评分表" else a.code for a in lists[name]]
    broken = "、".join(a.name for (before, after), a in zip(pairwise(keys), lists[name][1:]) if after < before)
    known = len(keys) - keys.count(1)
    if broken:
        return Finding(DIFFERS, "", broken, f"次序在这些联盟处中断：{broken}")
    return Finding(AGREES, f"1—{known}", "", f"{known}行依次排列")


def of_streak(row: Printed, report: Report, length: int, what: str, who: str) -> Finding:
    """Something true of the same alliances in several periods running: every sheet that there is must bear it out."""
    sheet = report.sheet
    ids = {a.id for a in sheet.a_level} if who == "A级" else {_holder(who, sheet)}
    until = [period for period in sheet.registry.periods if first_year(period) <= first_year(sheet.name)][-length:]
    having = {name: None if (rows := words.rows(what)) is None else ids & set(words.alliances.loc[rows, "id"])
              for name, words in (report.others | {sheet.name: report}).items()}
    working = "；".join(f"{name}评价期：{len(ids)}家中{len(having[name] or ())}家符合" for name in until if name in having)
    failing = "、".join(name for name in until if having.get(name) is not None and having[name] != ids)
    missing = "、".join(name for name in until if having.get(name) is None)
    if failing:
        return Finding(DIFFERS, working, failing, working)
    if missing or len(until) < length:
        return unverified(row, f"{missing or '更早'}的评分表", working)
    return Finding(AGREES, working, "", working)
