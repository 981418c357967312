"""The verdict on each row of a published report, with its calculation and, where it differs, the likeliest cause.

Causes are found by computing, in the order of CAUSES; the first that gives the printed value is told.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, NamedTuple

from analysis.audit_phrases import DENOMINATORS, OWN_BATCH, OWN_BATCH_EVALUATED, Phrase, Term, UnknownWord, Vocabulary, plain, total, written
from analysis.grades import HIGH, TOP_SCORE
from analysis.registry import first_year, normalise
from analysis.shares import Share, half_up
from analysis.words import Verdict, shown, verdict

if TYPE_CHECKING:
    from analysis.audit import Printed

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
MOST_PARTS = 5  # of a whole: four grades and those not evaluated
GROUPS = ("占比不对", "家数、名单和日期不对", "加减合不上", "说法不成立", "占比的末位不对", "名称和叫法不一")  # worst first
CAUSED_BY = {
    "truncated": "truncated", "rounded_twice": "rounded twice", "adjusted": "last digit adjusted so that the parts add to 100.00",
    "denominator": "another denominator", "off_by_one": "off by one in a closure", "loose_term": "off by one in a closure",
    "copied": "value of a neighbouring statement", "elsewhere": "printed differently elsewhere", "some_measures": "holds only under",
    "no_measure": "holds under no measure", "wording": "another wording", "needs": "needs"}


class Cause(NamedTuple):
    """Why a row may differ: one of CAUSED_BY, and the calculation that shows it."""

    name: str
    detail: str
    numbers: dict[str, object] = {}

    def __str__(self) -> str:
        return f"{CAUSED_BY[self.name]}: {self.detail}"

    @property
    def told(self) -> Verdict:
        """The verdict for its sentence."""
        return verdict(f"cause.{self.name}", detail=self.detail.replace(" (", "（").replace(")", "）"), **self.numbers)


class Finding(NamedTuple):
    """What is found of a row; `off` is how far it is from what is right: of a share its difference, else relative."""

    verdict: str
    recomputed: str = ""
    difference: str = ""
    working: str = ""
    causes: tuple[Cause, ...] = ()
    off: Fraction = Fraction(0)


@dataclass
class Number:
    """What a row should print: `right`, of a percentage in percent and rounded; for a share also the phrases of part and whole."""

    right: Fraction | None
    working: str
    terms: list[Term] = field(default_factory=list)
    share: Share | None = None
    part: Phrase | None = None
    whole: Phrase | None = None


@dataclass
class Report:
    """A published report beside its period: its rows, and the vocabularies of the other periods by name."""

    rows: list[Printed]
    words: Vocabulary
    others: dict[str, Vocabulary] = field(default_factory=dict)

    @cached_property
    def places(self) -> int:
        """The most decimal places that the report prints: percentages are held to these."""
        return max((len(row.printed.rstrip("%").partition(".")[2]) for row in self.rows if row.unit == SHARE), default=2)

    @cached_property
    def numbers(self) -> dict[str, Number]:
        """What the rows with a percentage or a number should print, by id. Raises ValueError for a part larger than its whole."""
        return {row.id: self.number(row) for row in self.rows if row.counts and (row.unit == SHARE or row.is_number)}

    def number(self, row: Printed) -> Number:
        """What one of these rows should print."""
        if row.unit != SHARE:
            terms = self.words.terms(row.counts)
            return Number(total(terms), written(terms), terms)
        share, phrases = self.words.share(row.counts, row.of), (self.words.asked(row.counts), self.words.whole(row.counts, row.of))
        right = share and self.rounded(share)
        return Number(share and Fraction(right), share and f"{share.part} ÷ {share.whole} = {right}%", [], share, *phrases)

    def rounded(self, share: Share) -> Decimal:
        """A share in percent, to the places of the report."""
        return half_up(share.fraction * 100, self.places)

    @property
    def last_place(self) -> Fraction:
        return Fraction(1, 10 ** self.places)


def finding(row: Printed, report: Report) -> Finding:
    """The finding on one row. Raises ValueError for a percentage whose part is larger than its whole."""
    judges = {LIST: of_list, CLAIM: of_claim} | dict.fromkeys(KNOWN, of_text)
    return judges.get(row.unit, of_number)(row, report) if row.counts else unverified(row)


def unverified(row: Printed, needs: str = "", working: str = "") -> Finding:
    """What nothing but its own statement gives; `needs` is what would verify it."""
    return Finding(UNVERIFIED, working=working, causes=(Cause("needs", needs or row.needs or NO_SOURCE),))


def group(row: Printed, found: Finding, report: Report) -> str:
    """What kind of difference it is: one of GROUPS."""
    if row.unit == SHARE:
        return GROUPS[0] if found.off > report.last_place / 100 else GROUPS[4]
    if row.unit in (CLAIM, NAME, LABEL):
        return GROUPS[3] if row.unit == CLAIM else GROUPS[5]
    return GROUPS[2] if len(getattr(report.numbers.get(row.id), "terms", ())) > 1 else GROUPS[1]


def of_number(row: Printed, report: Report) -> Finding:
    """A percentage, rounded half up, or a number; what the sheet only repeats cannot be verified, only contradicted."""
    known = report.numbers[row.id]
    right, terms, percent = known.right, known.terms, row.unit == SHARE
    if right is None or row.value == right and len(terms) == 1 and terms[0].stated:
        return unverified(row)
    text = f"{half_up(right, report.places)}%" if percent else plain(right)
    if row.value == right:
        return Finding(AGREES, text, "", known.working)
    off = row.value - right
    causes = [cause for test in CAUSES if (cause := test(row, known, report))][:1]
    return Finding(DIFFERS, text, f"{half_up(off, report.places) if percent else float(off):+}".removesuffix(".0"),
                   f"{known.working}；印作{row.printed}", (*causes, *elsewhere(row, known, report)), abs(off) / (100 if percent else max(right, 1)))


def truncated(row: Printed, known: Number, report: Report) -> Cause | None:
    """The places that follow were cut off."""
    if known.share and 0 < known.share.fraction * 100 - row.value < report.last_place:
        return Cause("truncated", f"{_long(known.share, report)} → {row.printed}")


def rounded_twice(row: Printed, known: Number, report: Report) -> Cause | None:
    """Rounded to one place more, and that again."""
    once = half_up(known.share.fraction * 100, report.places + 1) if known.share else Decimal("NaN")
    if known.share and half_up(Fraction(once), report.places) == row.value:
        return Cause("rounded_twice", f"{_long(known.share, report)} → {once}% → {row.printed}")


def _long(share: Share, report: Report) -> str:
    return f"{share.part} ÷ {share.whole} = {float(share.fraction * 100):.{report.places + 3}f}…%"


def adjusted(row: Printed, known: Number, report: Report) -> Cause | None:
    """The printed parts of the whole add to 100.00 only because this one was moved; what is not printed counts as a part."""
    if not known.share or abs(row.value - known.right) != report.last_place:
        return None
    others = [(other, number) for other in report.rows if other.section == row.section and (number := report.numbers.get(other.id))
              and number.share and number.whole == known.whole and number.part.apart(known.part)]
    for size in range(min(MOST_PARTS - 1, len(others)), 0, -1):
        for parts in combinations(others, size):
            rest = known.share.whole - known.share.part - sum(number.share.part for _, number in parts)
            left = half_up(Fraction(100 * rest, known.share.whole), report.places)
            values = [text.rstrip("%") for text in (row.printed, *(other.printed for other, _ in parts))] + ([f"{left}"] if rest else [])
            if rest >= 0 and sum(map(Decimal, values)) == 100 and all(a.part.apart(b.part) for (_, a), (_, b) in combinations(parts, 2)):
                return Cause("adjusted", f"{' + '.join(values)} = 100.00" + (f" ({rest} ÷ {known.share.whole} = {left}%)" if rest else ""))


def denominator(row: Printed, known: Number, report: Report) -> Cause | None:
    """Another whole that holds the part gives the printed value."""
    for of in DENOMINATORS if known.share else ():
        try:
            other = report.words.share(row.counts, of)
        except ValueError:  # no part of that
            continue
        if other and other.whole != known.share.whole and report.rounded(other) == row.value:
            return Cause("denominator", f"{other.part} ÷ {other.whole} = {row.printed} ({of})")


def off_by_one(row: Printed, known: Number, report: Report) -> Cause | None:
    """A sum that closes but for one, and the one term that nothing else vouches for, with the value that would close it."""
    if len(known.terms) < 2 or abs(row.value - known.right) != 1:
        return None
    rows = {f"[{other.id}]": other for other in report.rows}
    loose = [term for term in known.terms if not (source := rows[term.what].counts if term.what in rows else term.what) or any(
        own.stated and own.what not in report.words.batches for own in report.words.terms(source))]
    if len(loose) != 1:
        return Cause("off_by_one", f"{known.working} ≠ {row.printed}")
    sign, what, number, _ = loose[0]
    name, number, closing = rows[what].statement if what in rows else what, plain(number), plain(number + sign * (row.value - known.right))
    return Cause("loose_term", f"{known.working} ≠ {row.printed} ({name} {number} has no source but its own statement; "
                 f"{closing} would close it)", {"term": name, "number": number, "closing": closing})


def copied(row: Printed, known: Number, report: Report) -> Cause | None:
    """The nearest other row of the section that rightly has this value."""
    here = report.rows.index(row)
    near = [(abs(place - here), place) for place, other in enumerate(report.rows) if 0 < abs(place - here) <= NEAR
            and (other.section, other.unit) == (row.section, row.unit) and other.id in report.numbers
            and other.value == row.value == report.numbers[other.id].right]
    if near:
        other = report.rows[min(near)[1]]
        share = report.numbers[other.id].share
        return Cause("copied", f"{other.statement} {f'{share.part} ÷ {share.whole} = ' if share else ''}{other.printed}")


CAUSES = (truncated, rounded_twice, adjusted, denominator, off_by_one, copied)


def elsewhere(row: Printed, known: Number, report: Report) -> list[Cause]:
    """The same share, printed differently in other places."""
    same = [other for other in report.rows if known.share and (number := report.numbers.get(other.id)) and other.value != row.value
            and (number.share, number.part, number.whole) == (known.share, known.part, known.whole)]
    return [Cause("elsewhere", "、".join(sorted({f"{other.printed} ({other.section})" for other in same})))] if same else []


def of_list(row: Printed, report: Report) -> Finding:
    """Names in the text: the alliances that are counted, no more and no fewer."""
    rows = report.words.mask(report.words.parse(row.counts))
    if rows is None:
        return unverified(row)
    right = report.words.alliances[rows].set_index("id")["name"]
    ids = {name: report.words.sheet.registry.id_of(name) for name in row.names}
    missing = [name for id, name in right.items() if id not in ids.values()]
    extra = [name for name, id in ids.items() if id not in right.index]
    if not missing and not extra and len(row.names) == len(right):
        return Finding(AGREES, "；".join(right), "", f"{len(right)}家，逐一对上")
    words = "，".join(f"{word}{'、'.join(names)}" for word, names in (("缺", missing), ("多", extra)) if names) or "有重复"
    return Finding(DIFFERS, "；".join(right), words, f"评分表有{len(right)}家，印出{len(row.names)}家；{words}",
                   off=Fraction(len(missing) + len(extra), max(len(right), 1)))


def _date(counts: str, report: Report) -> tuple[str, list[str], str, bool]:
    fact = report.words.sheet.facts[counts]
    known = shown(fact) if isinstance(fact, dt.date) else fact
    return known, [known], "评价期表", False  # known only from its own statement


def _band(counts: str, report: Report) -> tuple[str, list[str], str, bool]:
    scheme, alliances = report.words.sheet.scheme, report.words.alliances
    grade = scheme.named(counts)
    low, high = int(scheme.floors[grade]), TOP_SCORE if grade == HIGH else int(scheme.ceiling(grade)) - 1
    right = f"{low}分至{high}分" if low else f"{high}分以下"
    return right, [right], "等级方案", bool(alliances.loc[alliances["grade"] == grade, "score"].notna().any())


def _name(code: str, report: Report) -> tuple[str, list[str], str, bool]:
    sheet, registry = report.words.sheet, report.words.sheet.registry
    id = registry.holders[code][sheet.name]
    right = next((a.name for a in (*sheet.evaluated, *sheet.absent) if a.id == id), registry.names[id])
    short = [decision["alias"] for decision in registry.decisions.get(id, ()) if decision.get("kind") == "short"]
    return right, [right, *short], f"{code}在附件中", True


def _label(counts: str, report: Report) -> tuple[str, list[str], str, bool]:
    scheme = report.words.sheet.scheme
    right = scheme.labels[scheme.named(counts)]
    return right, [right, f"{right}联盟", f"{right}的联盟"], "等级方案", True


KNOWN = {DATE: _date, BAND: _band, NAME: _name, LABEL: _label}  # what is right, the forms allowed, where from, and whether that verifies it


def of_text(row: Printed, report: Report) -> Finding:
    """A date, the scores of a grade, or what an alliance or a grade is called."""
    right, allowed, source, verifies = KNOWN[row.unit](row.counts, report)
    band = BAND_FORM.fullmatch(row.printed) if row.unit == BAND else None
    printed = (f"{band[1]}分至{band[2]}分" if band[1] else f"{band[3]}分以下") if band else row.printed
    if normalise(printed) in map(normalise, allowed):
        return Finding(AGREES, right, "", f"{source}：{right}") if verifies else unverified(row)
    change = f"{right} → {row.printed}"
    return Finding(DIFFERS, right, change, f"{source}作{right}；此处作{row.printed}",
                   (Cause("wording", change),) if row.unit in (NAME, LABEL) else (), Fraction(1))


def comparisons(claim: str) -> list[tuple[str, str, str]]:
    """The comparisons of a claim, all of which must hold: left, sign, right. Raises UnknownWord."""
    found = [COMPARISON.fullmatch(part.strip()) for part in re.split("[;；]", claim)]
    if None in found:
        raise UnknownWord("a claim is `A > B; A > C` (with >, <, >=, <=, =), `连续 4 期 100分 109` or `顺序 评分表`")
    return [match.groups() for match in found]


def of_claim(row: Printed, report: Report) -> Finding:
    """A claim in words, tried under each measure that it can be tried under."""
    if order := ORDER.fullmatch(row.counts):
        return of_order(order[1], report)
    if streak := STREAK.fullmatch(row.counts):
        return of_streak(row, report, int(streak[1]), streak[2], streak[3])
    compared = comparisons(row.counts)
    named = row.of.split("、") if row.of else []
    results = {by: tried(compared, by, report.words) for by in dict.fromkeys([*named, *measures(compared, named, report.words)])}
    holding, failing = ([by for by, (holds, _) in results.items() if holds is truth] for truth in (True, False))
    bare = list(results) == [BY_COUNT]
    working = "；".join(f"{'' if bare else f'按{by}：'}{text}，{'成立' if holds else '说法不成立'}" for by, (holds, text) in results.items())
    judged = [results[by][0] for by in (named or results)]
    if None in judged:
        return unverified(row, working=working)
    if all(judged):
        return Finding(AGREES, working, "", working)
    cause = Cause("some_measures", "、".join(holding)) if holding else Cause("no_measure", results[failing[0]][1])
    return Finding(DIFFERS, working, "fails" if bare else f"fails: {'、'.join(failing)}", working, (cause,), Fraction(len(failing), len(results)))


def measures(compared: list[tuple[str, str, str]], named: list[str], words: Vocabulary) -> list[str]:
    """Counts, and the two shares of a batch where every side is one phrase about batches."""
    try:
        for side in (side for left, _, right in compared for side in (left, right) if not PERCENT.fullmatch(side)):
            words.whole(side, OWN_BATCH)
        by_batch = all(sign != "=" for _, sign, _ in compared)
    except UnknownWord:  # a sum or a rank has no share
        by_batch = False
    return [BY_COUNT, OWN_BATCH, OWN_BATCH_EVALUATED] if by_batch else [] if named else [BY_COUNT]


def tried(compared: list[tuple[str, str, str]], measure: str, words: Vocabulary) -> tuple[bool | None, str]:
    """Whether all comparisons hold under a measure, None where one cannot be told; and how, in numbers."""
    lines, failed = [], []
    for left, sign, right in compared:
        (a, a_shown), (b, b_shown) = measured(left, measure, words), measured(right, measure, words)
        if a is None or b is None:
            return None, "有未公布的数"
        holds = HOLDS[sign](a, b)
        truth = sign if holds else "≠" if sign == "=" else next(s for s in ("<", "=", ">") if HOLDS[s](a, b))
        lines.append(f"{a_shown} {truth.replace('>=', '≥').replace('<=', '≤')} {b_shown}")
        failed += [] if holds else [f"{left} {lines[-1]}"]
    if len(lines) > MOST_SHOWN:
        return not failed, f"{len(lines)}项比较" + (f"中{len(failed)}项不符：{'，'.join(failed)}" if failed else "都符合")
    return not failed, ("实为" if failed else "") + "，".join(lines)


def measured(side: str, measure: str, words: Vocabulary) -> tuple[Fraction | None, str]:
    """One side of a comparison under a measure, and how it is written."""
    if percent := PERCENT.fullmatch(side):
        return Fraction(percent[1]) / 100, side
    if measure == BY_COUNT:
        number = total(words.terms(side))
        return number, plain(number)
    share = words.share(side, measure)
    return (share.fraction, f"{share.percent}（{share.part}/{share.whole}）") if share else (None, "?")


def of_order(name: str, report: Report) -> Finding:
    """The order of a list: scores that do not rise and the withheld last, or codes that do not fall."""
    sheet, by_score = report.words.sheet, name == "评分表"
    listed = {"评分表": sheet.evaluated, "未参评": sheet.absent, "A级名单": sheet.a_level}[name]
    keys = [(1 if a.score is None else -a.score) if by_score else a.code for a in listed]
    broken = "、".join(a.name for (before, after), a in zip(pairwise(keys), listed[1:]) if after < before)
    known = len(keys) - keys.count(1)
    if broken:
        return Finding(DIFFERS, "", broken, f"次序在这些联盟处中断：{broken}", off=Fraction(1))
    return Finding(AGREES, f"1—{known}", "", f"{known}行依次排列")


def of_streak(row: Printed, report: Report, length: int, what: str, who: str) -> Finding:
    """Something true of the same alliances in several periods running: every sheet that there is must bear it out."""
    sheet, registry = report.words.sheet, report.words.sheet.registry
    ids = {a.id for a in sheet.a_level} if who == "A级" else {registry.holders[who][sheet.name]}
    until = [period for period in registry.periods if first_year(period) <= first_year(sheet.name)][-length:]
    having: dict[str, set[str] | None] = {}
    for name, words in (report.others | {sheet.name: report.words}).items():
        rows = words.mask(words.parse(what))
        having[name] = None if rows is None else ids & set(words.alliances.loc[rows, "id"])
    working = "；".join(f"{name}评价期：{len(ids)}家中{len(having[name] or ())}家符合" for name in until if name in having)
    failing = "、".join(name for name in until if having.get(name) is not None and having[name] != ids)
    missing = "、".join(name for name in until if having.get(name) is None)
    if failing:
        return Finding(DIFFERS, working, failing, working, off=Fraction(1))
    if missing or len(until) < length:
        return unverified(row, f"{missing or '更早'}的评分表", working)
    return Finding(AGREES, working, "", working)
