"""The verdict on each row of a published report, with its calculation and, where it differs, the likeliest cause.

A row that is wrong differs; printed numbers that cannot all be right do not close, and nothing here says which is wrong; a judgement
that does not follow from the numbers is a reading. The last two are for the author to decide.
Each unit is of a KIND: the form of what is printed, and who judges it. Causes are found by computing, in the order of CAUSES; the
first that gives the printed value is told.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import operator
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import islice, pairwise
from typing import NamedTuple

from analysis import audit_phrases as phrases
from analysis import shares
from analysis.audit_phrases import (
    CLAIM,
    JUDGEMENT,
    LABEL,
    PLACE,
    SHARE,
    UNITS,
    Known,
    Number,
    Printed,
    UnknownWord,
    Vocabulary,
    plain,
)
from analysis.messages import Said
from analysis.problems import quoted
from analysis.registry import first_year, normalise
from analysis.shares import half_up, percent
from analysis.sheets import Period
from analysis.words import Verdict, shown, verdict

AGREES, DIFFERS, OPEN, READING, UNVERIFIED = VERDICTS = ("agrees", "differs", "does not close", "a reading", "cannot be verified")
HOLDS = {">": operator.gt, "<": operator.lt, "=": operator.eq, ">=": operator.ge, "<=": operator.le}
COMPARISON = re.compile(rf"\s+({'|'.join(sorted(HOLDS, key=len, reverse=True))})\s+")
PERCENT = re.compile(r"\d+(?:\.\d+)?%")
BETWEEN = re.compile(r"分?\s*(至|~|～|—+|-)\s*")  # two scores
BY_COUNT, NO_SOURCE, NOTHING = "家数", "原始记录", "没有对应的内容"
OUTCOMES = {True: "成立", False: "说法不成立", None: "不能判定"}
NEAR, SHOWN = 8, 3  # rows of the same section, from which a slip of copying comes; other sections that are named


class Finding(NamedTuple):
    """What is found of a row."""

    verdict: str
    recomputed: str = ""
    difference: str = ""
    working: str = ""
    causes: tuple[Verdict, ...] = ()  # why it may differ, or what would verify it


class Report(Vocabulary):
    """A published report: what it prints beside the words of its period, and the words of the other periods by name."""

    def __init__(self, printed: list[Printed], sheet: Period, others: Iterable[Period] = ()):
        super().__init__(sheet)
        self.printed, self.numbers, self.others = printed, {}, {other.name: Vocabulary(other) for other in others}
        self.by_id = {f"[{row.id}]": row for row in printed}
        self.items |= {id: (row.value, False) for id, row in self.by_id.items() if row.unit in (phrases.DATE, *UNITS)}
        self.places = max((len(row.printed.rstrip("%").partition(".")[2]) for row in printed if row.unit == SHARE), default=2)

    def compute(self, row: Printed) -> None:
        """What a percentage or a number should be, into `numbers`. Raises UnknownWord."""
        if row.counts and row.unit in (SHARE, *UNITS):
            self.numbers[row.id] = self.share(row.counts, row.of) if row.unit == SHARE else self.sum(row.counts)

    def rounded(self, number: Number) -> Fraction | None:
        """As it should be printed: a share to the most places that the report prints, another number as it is."""
        return Fraction(half_up(number.right, self.places)) if number.share and number.right is not None else number.right

    def beside(self, row: Printed) -> list[tuple[Printed, Number]]:
        """The other rows that are computed, the nearest first."""
        here = self.printed.index(row)
        near = sorted(enumerate(self.printed), key=lambda each: abs(each[0] - here))
        return [(other, self.numbers[other.id]) for place, other in near if other.id in self.numbers and place != here]

    def source(self, term: str) -> str:
        """What a term of a sum counts, where it is another row of the report."""
        return self.by_id[term].counts if term in self.by_id else term

    def vouched(self, term: str) -> bool:
        """Whether anything but its own statement gives a term of a sum."""
        source = self.source(term)
        return source != "" and all(not stated or self.words.get(what, " ")[0] == "batch" for _, what, _, stated in self.sum(source).terms)

    def grade(self, row: Printed) -> str:
        """The grade that a row names. Raises UnknownWord."""
        return self.sheet.scheme.named(row.counts) or Known.fromkeys(phrases.BEST_FIRST)[row.counts]

    def alliance(self, who: str) -> str:
        """The id of the alliance that has a name, or in the period a code. Raises UnknownWord."""
        registry = self.sheet.registry
        if found := registry.id_of(who) or registry.holders.get(who, {}).get(self.sheet.name):
            return found
        raise UnknownWord("published.alliance", period=self.sheet.name)


def formed(row: Printed) -> None:
    """Raises UnknownWord where a row has no unit that is known, or what it prints not the form of its unit."""
    if row.unit not in KINDS:
        raise UnknownWord("published.word", "unit", word=quoted(row.unit), known=[*KINDS])
    form, example, _ = KINDS[row.unit]
    if not re.fullmatch(form, row.printed):
        raise UnknownWord("published.printed", "printed", form=Said(example))
    if f"[{row.id}]" in row.counts:
        raise UnknownWord("published.itself", "counts", id=row.id)


def finding(row: Printed, report: Report) -> Finding:
    """The finding on one row; nothing exact is said of `130多`. Raises UnknownWord."""
    exact = row.counts and not (row.unit in UNITS and row.printed.endswith("多"))
    return KINDS[row.unit][2](row, report) if exact or row.unit == PLACE else unverified(row)


def unverified(row: Printed, needs: str = "", working: str = "") -> Finding:
    """What nothing but its own statement gives; `needs` is what would verify it."""
    return Finding(UNVERIFIED, working=working, causes=(verdict("needs", detail=needs or row.needs or NO_SOURCE),))


def of_number(row: Printed, report: Report) -> Finding:
    """A percentage, rounded half up, or a number; what the sheet only repeats cannot be verified, only contradicted."""
    known = report.numbers[row.id]
    right = report.rounded(known)
    if right is None or (row.value == right and len(known.terms) == 1 and known.terms[0][3]):
        return unverified(row)
    text = percent(right / 100, report.places) if known.share else plain(right)
    working = f"{known.working} = {text}" if known.share else known.working
    if row.value == right:
        return Finding(AGREES, text, "", working)
    off = f"{half_up(row.value - right, report.places):+}" if known.share else f"{float(row.value - right):+.10g}"
    likely = (cause for causes in CAUSES[row.unit == SHARE] for value, cause in causes(row, known, report) if value == row.value)
    return Finding(OPEN if len(known.terms) > 1 else DIFFERS, text, off, working, (*islice(likely, 1), *elsewhere(row, report)))


Causes = Iterator[tuple[Fraction | Decimal, Verdict]]  # each with the value that it would have printed


def carried(row: Printed, known: Number, report: Report) -> Causes:
    """Computed rightly from a number that is itself printed wrong."""
    for other, number in report.beside(row):
        if other.unit in UNITS and other.counts == row.counts and other.value != number.right:
            yield half_up(100 * other.value / known.share.whole, report.places), verdict(
                "cause.carried", detail=f"{plain(other.value)} ÷ {known.share.whole} = {row.printed}", statement=other.statement, id=other.id)


def rounding(row: Printed, known: Number, report: Report) -> Causes:
    """The places that follow were cut off; or it was rounded to one place more, and that again."""
    exact, once = f"{known.working} = {float(known.right):.{report.places + 3}f}…%", half_up(known.right, report.places + 1)
    cut = Fraction(int(known.right * 10 ** report.places), 10 ** report.places)
    yield cut, verdict("cause.truncated", detail=f"{exact} → {row.printed}")
    yield half_up(once, report.places), verdict("cause.rounded-twice", detail=f"{exact} → {once}% → {row.printed}")


def adjusted(row: Printed, known: Number, report: Report) -> Causes:
    """The printed parts of the whole add to 100.00 only because this one was moved; what is not printed counts as a part."""
    parts = {other.counts: (other.value, number.share.part, other.printed) for other, number in report.beside(row)
             if (other.section, other.of, other.unit) == (row.section, row.of, SHARE) and other.counts != row.counts
             and "+" not in other.counts and number.share and number.share.whole == known.share.whole}
    values, counts, texts = zip(*sorted(parts.values(), reverse=True)) if parts else ((), (), ())
    rest = shares.Share(known.share.whole - known.share.part - sum(counts), known.share.whole)
    if parts and rest.part >= 0:
        left = half_up(100 * rest.fraction, report.places)
        printed = " + ".join(text.rstrip("%") for text in (row.printed, *texts, *([str(left)] if rest.part else [])))
        yield 100 - Fraction(left) - sum(values), verdict("cause.adjusted", detail=f"{printed} = 100.00"
                                                + (f"（{rest.part} ÷ {rest.whole} = {left}%）" if rest.part else ""))


def denominator(row: Printed, known: Number, report: Report) -> Causes:
    """Another whole that holds the part."""
    for of in phrases.DENOMINATORS:
        with contextlib.suppress(UnknownWord):  # no part of that
            other = report.share(row.counts, of)
            if other.share and other.share.whole != known.share.whole:
                yield report.rounded(other), verdict("cause.denominator", detail=f"{other.working} = {row.printed}", of=of,
                                                     whole=other.share.whole)


def off_by_one(row: Printed, known: Number, report: Report) -> Causes:
    """A sum that closes but for one, and the one term that nothing else vouches for, with the value that would close it."""
    if len(known.terms) < 2 or abs(row.value - known.right) != 1:
        return
    detail, loose = f"{known.working} ≠ {row.printed}", [term for term in known.terms if not report.vouched(term[1])]
    said = verdict("cause.off-by-one", detail=detail)
    for sign, what, number, _ in loose if len(loose) == 1 else ():
        said = verdict("cause.loose-term", detail=detail, term=report.by_id[what].statement if what in report.by_id else what,
                       number=plain(number), closing=plain(number + sign * (row.value - known.right)))
    yield row.value, said


def copied(row: Printed, known: Number, report: Report) -> Causes:
    """The nearest other row of the section that rightly has this value."""
    for other, number in report.beside(row)[:2 * NEAR]:
        if (other.section, other.unit) == (row.section, row.unit) and other.value == report.rounded(number):
            working = f"{number.working} = " if number.share else ""
            yield other.value, verdict("cause.copied", detail=f"{other.statement} {working}{other.printed}")


CAUSES = {True: (carried, rounding, adjusted, denominator, copied), False: (off_by_one, copied)}  # of shares, and of sums


def elsewhere(row: Printed, report: Report) -> list[Verdict]:
    """The same share, printed differently in other places."""
    places = sorted({f"{other.printed}（{other.section}）" for other in report.printed if row.unit == other.unit == SHARE
                     and (other.counts, other.of) == (row.counts, row.of) and other.value != row.value})
    return [verdict("cause.elsewhere", detail="、".join(places))] if places else []


def of_list(row: Printed, report: Report) -> Finding:
    """Names in the text: the alliances that are counted, no more and no fewer."""
    rows = report.rows(row.counts)
    if rows is None or report.alliances.loc[rows, "id"].isna().any():  # some of them have no name in any list
        return unverified(row)
    right = report.alliances[rows].set_index("id")["name"]
    printed = [(report.sheet.registry.id_of(name), name) for name in row.printed.split("；")]
    missing, extra = [*right.drop(dict(printed), errors="ignore")], [name for id, name in printed if id not in right]
    if len(printed) == len(right) and not missing:
        return Finding(AGREES, "；".join(right), "", f"{len(right)}家，逐一对上")
    words = f"缺{'、'.join(missing) or '无'}，多{'、'.join(extra) or '无'}"
    return Finding(DIFFERS, "；".join(right), words, f"评分表有{len(right)}家，印出{len(printed)}家；{words}")


def worded(row: Printed, right: str, source: str, also: Iterable[str] = (), known: bool = True) -> Finding:
    """What is not counted but worded: as it should be, or as it also may be; `known` from more than its own statement."""
    if normalise(row.printed) in map(normalise, (right, *also)):
        return Finding(AGREES, right, "", f"{source}：{right}") if known else unverified(row)
    return Finding(DIFFERS, right, f"{right} → {row.printed}", f"{source}作{right}")


def of_date(row: Printed, report: Report) -> Finding:
    """A date, known only from its own statement."""
    fact = Known(report.sheet.facts)[row.counts]
    return worded(row, shown(fact) if isinstance(fact, dt.date) else str(fact), "评价期表", known=False)


def of_band(row: Printed, report: Report) -> Finding:
    """The scores of a grade, whatever stands between them; where none is published, only the scheme says so."""
    grade = report.grade(row)
    known = report.alliances["score"][report.words[grade][1]].notna().any()
    return worded(row._replace(printed=BETWEEN.sub("—", row.printed)), report.sheet.scheme.band(grade), "等级方案", known=known)


def of_name(row: Printed, report: Report) -> Finding:
    """What an alliance is called: as in the annex, unless it is misspelt there, or in short."""
    registry, id = report.sheet.registry, report.alliance(row.counts)
    decided = {decision["alias"]: decision for decision in registry.decisions.get(id, ()) if "alias" in decision}
    misspelt, short = ([alias for alias in decided if decided[alias]["kind"] == kind] for kind in ("misspelt", "short"))
    in_annex = report.alliances.set_index("id")["name"].get(id, registry.names[id])
    right = registry.names[id] if in_annex in misspelt else in_annex
    found = worded(row, right, f"代码{row.counts}在{'附件' if right == in_annex else '名录'}中", short)
    why = decided.get(row.printed, {}).get("evidence", "").rstrip("。")
    return found._replace(working=f"{found.working}。{why}") if why and found.verdict == DIFFERS else found


def of_label(row: Printed, report: Report) -> Finding:
    """What a grade is called: by one word in the whole report."""
    right = report.sheet.scheme.labels[report.grade(row)]
    others = [*dict.fromkeys(other.section for other in report.printed if right in other.sentence and other.section != row.section)]
    return worded(row, right, f"{'、'.join(others[:SHOWN])}{'等处' if len(others) > SHOWN else ''}" or "等级方案")


def of_code(row: Printed, report: Report) -> Finding:
    """The code of an alliance: the one that the registry is certain of; where it is certain of none, the author must say."""
    id = report.alliance(row.counts)
    codes = {period: held for (own, period), held in report.sheet.registry.codes.items() if own == id}
    certain = [code for code, status in codes.values() if status == "certain"]
    allowed = sorted({*(certain or report.sheet.registry.own_codes.get(id, {}).values())})
    working = f"{row.counts}：" + "，".join(f"{period}评价期印作{code}" for period, (code, _) in codes.items())
    found = worded(row, "、".join(allowed), row.counts, allowed)._replace(working=working)
    return found if certain or found.verdict == DIFFERS else Finding(READING, "", "", working)  # one of several, all in doubt


def of_place(row: Printed, report: Report) -> Finding:
    """What the contents page or the text points to, and what stands there."""
    working = f"所指之处{NOTHING}" if not row.counts else f"所指之处是{row.counts}" if row.instead else "以所指之处为准"
    return worded(row, row.counts or NOTHING, "所指之处")._replace(working=working)


def of_claim(row: Printed, report: Report) -> Finding:
    """A claim in words: by its pattern, or as comparisons, each tried under each measure that it can be tried under.

    A judgement that fails is a reading, no slip; so is a claim that names no measure and holds under some.
    """
    for pattern, judge in CLAIMS.items():
        if match := re.fullmatch(pattern, row.counts):
            return judge(row, report, *match.groups())
    parts = [COMPARISON.split(part.strip()) for part in re.split("[;；]", row.counts)]
    if any(len(part) != 3 for part in parts):
        raise UnknownWord("published.claim")
    named = row.of.split("、") if row.of else []
    try:  # between batches, counts and two shares
        sides = [report.rows(side, "batch") for left, _, right in parts for side in (left, right) if not PERCENT.fullmatch(side)]
        measures = [*named, BY_COUNT, phrases.OWN_BATCH, phrases.OWN_BATCH_EVALUATED] if sides else named
    except UnknownWord:
        measures = named or [BY_COUNT]
    results = {by: tried(parts, by, report) for by in dict.fromkeys(measures)}
    holding, failing = ([by for by, (holds, _) in results.items() if holds is truth] for truth in (True, False))
    bare = [*results] == [BY_COUNT]
    working = "；".join(f"{'' if bare else f'按{by}：'}{text}，{OUTCOMES[holds]}" for by, (holds, text) in results.items())
    outcomes = [results[by][0] for by in (named or results)]
    if None in outcomes:
        return unverified(row, working=working)
    if all(outcomes):
        return Finding(AGREES, working, "", working)
    some, none = verdict("cause.some-measures", detail="、".join(holding)), "holds under no measure"
    reading = row.unit == JUDGEMENT or (holding and not named)
    return Finding(READING if reading else DIFFERS, working, "fails" if bare else f"fails: {'、'.join(failing)}", working,
                   (some if holding else verdict(none, detail=results[failing[0]][1]),))


def tried(parts: list[list[str]], measure: str, report: Report) -> tuple[bool | None, str]:
    """Whether all comparisons hold under a measure, None where one cannot be told; and how, in numbers."""
    def measured(side: str) -> tuple[Fraction | None, str]:
        if PERCENT.fullmatch(side):
            return Fraction(side.rstrip("%")), side
        number = report.sum(side) if measure == BY_COUNT else report.share(side, measure)
        return number.right, f"{number.share}（{number.share.part}/{number.share.whole}）" if number.share else number.working

    lines, failed = [], False
    for left, sign, right in parts:
        (a, a_shown), (b, b_shown) = measured(left), measured(right)
        if a is None or b is None:
            return None, "有未公布的数"
        truth = sign if HOLDS[sign](a, b) else "≠" if sign == "=" else next(s for s in ("<", "=", ">") if HOLDS[s](a, b))
        lines.append(f"{a_shown} {truth.replace('>=', '≥').replace('<=', '≤')} {b_shown}")
        failed |= truth != sign
    return not failed, ("实为" if failed else "") + "，".join(lines)


def of_order(row: Printed, report: Report, name: str) -> Finding:
    """The order of a list: scores that do not rise, or codes that do not fall."""
    rows = phrases.lists(report.sheet)[name]
    ranked = [(-a.score if name == "评分表" else a.code, a.name) for a in rows if name != "评分表" or a.score is not None]
    broken = "、".join(name for (before, _), (after, name) in pairwise(ranked) if after < before)
    if broken:
        return Finding(DIFFERS, "", broken, f"次序在这些联盟处中断：{broken}")
    return Finding(AGREES, f"1—{len(ranked)}", "", f"{len(ranked)}行依次排列")


def of_streak(row: Printed, report: Report, length: str, what: str, who: str) -> Finding:
    """Something true of the same alliances in several periods running: every sheet that there is must bear it out."""
    here = report.sheet.name
    ids = {a.id for a in report.sheet.a_level} if who == phrases.A_LEVEL else {report.alliance(who)}
    until = [period for period in report.sheet.registry.periods if first_year(period) <= first_year(here)][-int(length):]
    known = {name: words for name, words in (report.others | {here: report}).items() if name in until and words.rows(what) is not None}
    having = {name: ids & {*known[name].alliances.loc[known[name].rows(what), "id"]} for name in until if name in known}
    working = "；".join(f"{name}评价期：{len(ids)}家中{len(those)}家符合" for name, those in having.items())
    if failing := "、".join(name for name, those in having.items() if those != ids):
        return Finding(DIFFERS, working, failing, working)
    missing = "、".join(name for name in until if name not in having)
    if missing or len(until) < int(length):
        return unverified(row, f"{missing or '更早'}的评分表", working)
    return Finding(AGREES, working, "", working)


CLAIMS = {r"顺序 (\S+)": of_order, r"连续 (\d+) 期 (.+) (\S+)": of_streak}


KINDS = {  # what may be printed in a row of a unit, the message that says so, and who judges it
    SHARE: (r"\d+(\.\d+)?%", "published.percent", of_number),
    phrases.LIST: ("[^；]+(；[^；]+)*", "published.names", of_list),
    phrases.DATE: (r"\d{4}年(\d{1,2}月(\d{1,2}日)?)?", "published.day", of_date),
    phrases.BAND: (rf"\d+{BETWEEN.pattern}\d+分|\d+分以下", "published.band", of_band),
    **{unit: (".+", "published.any", judge) for unit, judge in (
        (phrases.NAME, of_name), (LABEL, of_label), (phrases.CODE, of_code), (PLACE, of_place), (CLAIM, of_claim), (JUDGEMENT, of_claim))},
    **dict.fromkeys(UNITS, (r"\d+(\.\d+)?多?|[无一二两三四五六七八九十]+", "published.number", of_number))}
