"""The sheets of a workbook -> one period, each sheet by a function that checks it; what they hold is in data/README.md."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, namedtuple
from dataclasses import dataclass, field
from pathlib import Path

from analysis.grades import BEST_FIRST, HIGH, INCOMPLETE, TOP_SCORE, Scheme
from analysis.problems import quoted, unfit
from analysis.registry import ROSTER, Batch, Registry, normalise
from analysis.tables import CODE, NAME, Book, Row, Table, closest, exact, shown
from analysis.workbook import ERROR, UNCALCULATED, Cell

SCORES, FACTS, ABSENT, ACTIVITIES, TOTALS, A_LEVEL, EXPERTS = (
    "评分表", "评价期", "未参评", "协同创新活动", "活动汇总", "A级名单", "专家组")
HEADINGS = {
    SCORES: (NAME, CODE, "评分"), FACTS: ("项目", "数值"), ABSENT: (NAME, CODE, "情况"), ACTIVITIES: ("等级", "联盟数"),
    TOTALS: ("项目", "数值", "单位"), A_LEVEL: (NAME, CODE), EXPERTS: ("职务", "姓名", "单位及职务"),
}
OPTIONAL_HEADINGS = {SCORES: ("序号", "等级"), FACTS: ("说明",), ABSENT: ("序号",), ACTIVITIES: ("序号",), A_LEVEL: ("序号",)}
NATURE, SIMULATED = "数据性质", "模拟数据"
DATES = START, END, *STEPS = ("开始日期", "结束日期", "启动会日期", "会评日期", "复核日期")
PANEL = "评分过程"  # the hash of the panel that a score sheet came from
TOLD = ("通知时间", "专家来源", PANEL)  # items of 评价期 that are text
COUNTS = REGISTERED, ENTERED, INCOMPLETE_TOTAL, EVALUATED_TOTAL, EXPERTS_TOTAL, WEBSITES = (
    "登记联盟数", "录入信息联盟数", "信息不完整联盟数", "参评联盟数", "专家人数", "有网站联盟数")
SYNONYMS = {"联盟总数": REGISTERED}
NOT_ENTERED = "未录入"
DAYS_IN_A_MONTH = 30.436875
YEARS_AFTER = 3  # within so many years after its end a period is evaluated
GRADE_ROW = re.compile(r"([^(]+)\(共?(\d{1,6})[家个]?\)")
DATE_TEXT = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


@dataclass(frozen=True)
class Alliance:
    """One row of a sheet: the registry's id, the name and code as the sheet has them, and how they were matched."""

    id: str
    name: str
    code: str
    how: str
    row: int

    @property
    def batch(self) -> str:
        return self.code[0]


@dataclass(frozen=True)
class Evaluated(Alliance):
    """An alliance with a grade; `score` is None where it was withheld; `columns` are the analyst's own of 评分表, by heading."""

    score: float | None = None
    grade: str = ""
    columns: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Absent(Alliance):
    """An alliance of the sheet 未参评; `state` is 信息不完整 or 未录入."""

    state: str = ""


@dataclass
class Period:
    """One evaluation as its workbook tells it, checked; sheets that are not there are empty. `said` is what `check` says of it."""

    name: str
    path: Path
    sha256: str
    registry: Registry
    scheme: Scheme
    evaluated: list[Evaluated] = field(default_factory=list)
    absent: list[Absent] = field(default_factory=list)
    a_level: list[Alliance] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
    activities: dict[str, dict[str, int]] = field(default_factory=dict)
    totals: dict[str, tuple[float, str]] = field(default_factory=dict)
    experts: list[tuple[str, str, str]] = field(default_factory=list)
    changed_in_reading: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)

    @property
    def start(self) -> dt.date:
        return self.facts[START]

    @property
    def end(self) -> dt.date:
        return self.facts[END]

    @property
    def months(self) -> int:
        """The length of the period in months of the usual length, both ends included: 2017-03-01 to 2017-03-31 is one."""
        return round(((self.end - self.start).days + 1) / DAYS_IN_A_MONTH)

    @property
    def simulated(self) -> bool:
        """Whether the sheet came out of a simulated panel."""
        return self.facts.get(NATURE) == SIMULATED

    @property
    def data(self) -> Path:
        """The data folder that the period was read from."""
        return self.path.parents[1]

    @property
    def batches(self) -> list[Batch]:
        """The batches that were in the programme, in order, with their sizes then."""
        return self.registry.batches_in(self.name)

    def summary(self) -> str:
        """One line that says the sheet is sound, with the counts by grade and batch."""
        grades, batches = Counter(a.grade for a in self.evaluated), Counter(a.batch for a in self.evaluated)
        by_grade = ", ".join(f"{self.scheme.labels[g]} {grades[g]}" for g in BEST_FIRST)
        by_batch = ", ".join(f"{b.short} {batches[b.key]}" for b in self.batches)
        return f"{self.path.name} is sound: {len(self.evaluated)} evaluated ({by_grade}; {by_batch})"


class ScoreSheet(Book):
    """The workbook of a period."""

    headings, optional, required = HEADINGS, OPTIONAL_HEADINGS, (SCORES, FACTS)

    @property
    def unfilled(self) -> bool:
        """Whether the sheets have their headings and nothing where a template has nothing."""
        given, book = {TOTALS: ("项目", "单位"), FACTS: ("项目", "说明"), ACTIVITIES: ("等级",)}, type(self)(self.path, locked=True)
        tables = [table for sheet in HEADINGS if (table := book.table(sheet))]
        return not book.problems and not any(heading in row for table in tables for row in table.rows
                                             for heading in table.columns if heading not in (*given.get(table.sheet, ()), "序号"))


Section = namedtuple("Section", "grade announced cell rows")  # a row of 评分表 that names a grade, and the alliances under it


def must(book: Book, reading: Period, holds: object, item: str, kind: str, message: str) -> bool:
    """Whether something holds of an item of 评价期, if it is there; else a problem of its cell is noted."""
    if item in reading.facts and not holds:
        book.wrong(kind, f"{item} {reading.facts[item]} {message}", FACTS, book.fact_cells[item])
    return bool(holds)


def read_scores(book: Book, reading: Period) -> None:
    if (table := book.table(SCORES)) is None:
        return
    seen, bad, own = {}, [], []
    for heading in (h for h in table.own if table.title(h) in ROSTER):
        book.wrong("column name", f"a column {table.title(heading)} is the roster's own; rename it", SCORES, table.heads[heading], level=2)
    for section in _sections(book, table, reading):
        if section.announced not in (None, len(section.rows)):
            book.wrong("count of a grade row", f"the row says {section.announced} alliances of {reading.scheme.labels[section.grade]}, "
                       f"{len(section.rows)} follow; correct the row or the list", SCORES, section.cell)
        withheld = not any("评分" in row for row in section.rows)
        for row in section.rows:
            book.listed[SCORES] += 1
            found, grade = row.alliance(reading, seen), _grade(row, section, reading, withheld)
            bad += [row[h].place for h in table.own if row[h].kind in (ERROR, UNCALCULATED)]
            if found and grade:
                columns = {table.title(h): None if row[h].kind in (ERROR, UNCALCULATED) else row[h].value for h in table.own}
                reading.evaluated.append(Evaluated(*found, row.at, *grade, columns))
                own += [f"{found[1]} (row {row.at})"] * ("等级" in row and grade[0] is None)
    if not book.listed[SCORES]:
        book.wrong("no alliances", "has headings but no alliance under them; fill it in", SCORES, level=1)
    if bad:
        book.said.append(f"errors and formulas without a value in columns of your own, taken as blank: {SCORES} {', '.join(bad[:20])}")
    if own:
        book.said.append(f"withheld, by the grade in 等级: {'、'.join(own)}")
    blank, given = ({a.grade for a in reading.evaluated if (a.score is None) is withheld} for withheld in (True, False))
    if both := [reading.scheme.labels[grade] for grade in BEST_FIRST if grade in blank & given]:
        book.said.append(f"with published and with withheld scores: {'、'.join(both)}")


def _sections(book: Book, table: Table, reading: Period) -> list[Section]:
    sections, columns = [Section(None, None, None, [])], {table.columns.get(heading, 0) for heading in (NAME, CODE, "评分", "等级", "序号")}
    for row in table.filled(reading.registry):
        known = [cell for column, cell in row.cells.items() if column in columns]
        inside, known = bool(known), known or [*row.cells.values()]
        words = normalise(known[0].value) if isinstance(known[0].value, str) else ""
        parts = GRADE_ROW.fullmatch(words)
        grade = reading.scheme.named(parts[1] if parts else words)
        if inside and (len(known) > 1 or not words):
            sections[-1].rows.append(row)
            continue
        if parts or (grade and len(known) == 1 and known[0].column != table.columns.get("等级")):
            sections.append(Section(grade, int(parts[2]) if parts and grade else None, known[0], []))
        if inside and not grade:
            book.wrong("row not understood", f"{shown(known[0])} is neither an alliance with a code nor a row that names a grade "
                       f"({'、'.join(reading.scheme.labels.values())}); remove it or mend it", SCORES, known[0])
    return sections


def _grade(row: Row, section: Section, reading: Period, withheld: bool) -> tuple[float | None, str] | None:
    """The score of a row, None where it is withheld, and its grade; None with the problem noted."""
    labels, grade, given_in = reading.scheme.labels, section.grade, section.cell
    if "等级" in row:
        given, given_in = reading.scheme.named(row.word("等级")), row["等级"]
        if not row.must(given, "等级", "grade unknown", f"grade {shown(given_in)} is not one of {'、'.join(labels.values())}"):
            return None
        if not row.must(grade in (None, given), "等级", "grade and grade row", f"grade {shown(given_in)} stands under the grade row "
                        f"{grade and shown(section.cell)} ({grade and section.cell.place}); move the row or correct the grade"):
            return None
        grade, withheld = given, True
    if "评分" not in row:
        blank = "is blank among scores" if grade else "is blank and no grade is given"
        return (None, grade) if row.must(grade and withheld, "评分", "score blank", f"score {blank}; write 0–100, or, if it is withheld, "
                                         "give the grade in this row (column 等级)") else None
    score = row.number("评分", "score", "write 0–100, or leave it blank and give a grade")
    if score is None or not row.must(0 <= score <= TOP_SCORE, "评分", "score outside 0–100",
                                     f"score {exact(score)} is not between 0 and 100; correct it"):
        return None
    by_score = reading.scheme.grade(score)
    agrees = row.must(grade in (None, by_score), "评分", "score and grade", f"score {exact(score)} is {labels[by_score]} but "
                      f"{given_in and given_in.place} says {labels.get(grade)}; correct one of them")
    return (score, by_score) if agrees else None


def read_facts(book: Book, reading: Period) -> None:
    if (table := book.table(FACTS)) is None:
        return
    seen, known = {}, (*DATES, *COUNTS, *TOLD, NATURE)
    for row in table.filled():
        cell, item = row["数值"], SYNONYMS.get(row.word("项目"), row.word("项目"))
        if not row.must(item or cell.value is None, "项目", "项目 blank", f"项目 is blank beside {shown(cell)}; fill it in") or not item:
            continue
        if not row.once("项目", "item twice", item, item, seen) or cell.value is None:
            continue
        if item not in known:
            near = closest(item, known)
            book.said.append(f"{FACTS} {row['项目'].place}: the item {quoted(row['项目'].value)} is not known, and no report reads it"
                             + f"; if it is meant as {near}, write that" * bool(near))
        book.fact_cells[item] = cell
        if item in DATES:
            value = _date(cell)
            row.must(value, "数值", "not a date", f"{item} {shown(cell)} is not a date; write it like 2017-01-31")
        elif item in COUNTS:
            value = row.number("数值", item, "write a whole number", whole=True)
        else:
            day = cell.value if isinstance(cell.value, dt.datetime) else None
            value = f"{day.year}年{day.month}月{day.day}日" if day else row.text("数值", item)
        if value is not None:
            reading.facts[item] = value
    for item in (START, END):
        if item not in book.fact_cells and "项目 blank" not in book.kinds:
            book.wrong("date missing", f"has no {item}; add a row {item} with a date like 2017-01-31", FACTS, level=1)
    if START in reading.facts and END in reading.facts:
        _check_steps(book, reading)


def _check_steps(book: Book, reading: Period) -> None:
    """A period ends after it began; the steps of scoring follow each other, not long after it, and somebody takes them."""
    facts, before, last = reading.facts, START, dt.date(reading.end.year + YEARS_AFTER, 12, 31)
    ordered = must(book, reading, reading.start <= reading.end, END, "dates", f"is before {START} {reading.start}; correct one of them")
    for item in (item for item in STEPS if ordered and item in facts):
        must(book, reading, facts[before] <= facts[item] <= last, item, "step of scoring", f"is not between {before} ({facts[before]}) and "
             f"{last}; correct one of them")
        before = item
    must(book, reading, facts.get(EXPERTS_TOTAL) != 0, EXPERTS_TOTAL, "no experts", "cannot be: somebody has scored; correct it, or leave it "
         "blank")


def _date(cell: Cell) -> dt.date | None:
    if isinstance(cell.value, dt.datetime):
        return cell.value.date()
    parts = DATE_TEXT.fullmatch(normalise(cell.value)) if isinstance(cell.value, str) and not cell.kind else None
    try:
        return dt.date(*map(int, parts.groups())) if parts else None
    except ValueError:
        return None


def read_absent(book: Book, reading: Period) -> None:
    evaluated, codes, seen = {a.id: a for a in reading.evaluated}, {a.code: a for a in reading.evaluated}, {}
    for row in book.rows(ABSENT, reading.registry):
        state, found = row.word("情况"), row.alliance(reading, seen)
        row.must(state in (INCOMPLETE, NOT_ENTERED), "情况", "state unknown",
                 (f"情况 {shown(row['情况'])} is not" if state else "情况 is blank; write") + f" {INCOMPLETE} or {NOT_ENTERED}")
        if found is None:
            continue
        id, name, code, _ = found
        if row.must(id not in evaluated, NAME, "evaluated and not", f"{quoted(name)} is evaluated too ({SCORES} row "
                    f"{id in evaluated and evaluated[id].row}); remove it from one of the sheets"):
            row.must(code not in codes, CODE, "code twice", f"code {code} is {code in codes and quoted(codes[code].name)} in {SCORES} row "
                     f"{code in codes and codes[code].row}; correct one of them")
        reading.absent.append(Absent(*found, row.at, state))


def read_activities(book: Book, reading: Period) -> None:
    labels, graded = reading.scheme.labels, Counter(a.grade for a in reading.evaluated)
    unknown = book.listed[SCORES] - len(reading.evaluated)  # rows that are wrong may be of any grade
    twice = book.kinds["alliance twice"] + book.kinds["code twice"]
    if (table := book.table(ACTIVITIES)) is None:
        return
    for heading in table.own:
        if fault := unfit(str(table.heads[heading].value).strip()):
            book.wrong(fault[0], f"the heading {shown(table.heads[heading])} {fault[1]}", ACTIVITIES, table.heads[heading], level=2)
    for row in table.filled():
        headings = ["联盟数", *table.own]
        grade, cell = reading.scheme.named(row.word("等级")), row["等级"]
        if not any(heading in row for heading in headings) or not row.must(
                grade and grade not in reading.activities, "等级", "grade unknown", f"grade {shown(cell) if row.word('等级') else '(blank)'} "
                + ("stands here twice" if grade else f"is not one of {'、'.join(labels.values())}")):
            continue
        counts = {heading: row.number(heading, table.title(heading), "write a whole number", whole=True) for heading in headings}
        reading.activities[grade] = {table.title(heading): count for heading, count in counts.items() if count is not None}
        least, most = (graded[grade] - twice, graded[grade] + unknown) if book.wrong_in(SCORES) else (graded[grade],) * 2
        there = f"{most} alliances" if least == most else f"{least} to {most} alliances"
        for heading, count in counts.items() if book.listed[SCORES] else ():
            if count is not None and heading == "联盟数":
                row.must(least <= count <= most, heading, "number of a grade", f"联盟数 {count} is not the {there} that {SCORES} has as "
                         f"{labels[grade]}")
            elif count is not None:
                row.must(count <= most, heading, "more than there are", f"{heading} {count} is more than the {there} of {labels[grade]}")


def read_totals(book: Book, reading: Period) -> None:
    seen: dict[str, str] = {}
    for row in book.rows(TOTALS):
        if "数值" not in row:
            continue
        item, number, unit = row.text("项目"), row.number("数值", "数值", "write a number"), row.text("单位")
        if None not in (item, number, unit) and row.once("项目", "item twice", quoted(item), item, seen):
            reading.totals[item] = (number, unit)


def read_a_level(book: Book, reading: Period) -> None:
    evaluated, seen, best = {a.id: a for a in reading.evaluated}, {}, reading.scheme.labels[HIGH]
    for row in book.rows(A_LEVEL, reading.registry):
        if found := row.alliance(reading, seen):
            graded = evaluated.get(found[0])
            what = f"{reading.scheme.labels[graded.grade]} ({SCORES} row {graded.row})" if graded else f"not in {SCORES}"
            row.must(graded.grade == HIGH if graded else book.wrong_in(SCORES), NAME, "A-level and grade",  # a wrong row may be this one
                     f"{quoted(found[1])} is {what}; A-level is {best} in this period and the two before")
            reading.a_level.append(Alliance(*found, row.at))


def read_experts(book: Book, reading: Period) -> None:
    for row in book.rows(EXPERTS):
        texts = [row.text(heading) if heading in row or heading != "单位及职务" else "" for heading in HEADINGS[EXPERTS]]
        if None not in texts:
            reading.experts.append(tuple(texts))


def check_totals(book: Book, reading: Period) -> None:
    """Totals of 评价期 may be larger than what the sheets name, never smaller."""
    facts, listed, states = reading.facts, book.listed[SCORES], Counter(a.state for a in reading.absent)
    named = Counter(a.batch for a in (*reading.evaluated, *reading.absent))
    known = all(batch.approved is not None for batch in reading.batches)
    least = sum(named[batch.key] if batch.approved is None else batch.approved for batch in reading.batches)
    most = (least if known else facts.get(REGISTERED, least)) - states[NOT_ENTERED]
    incomplete = max(states[INCOMPLETE], facts.get(INCOMPLETE_TOTAL, 0))
    for item, number, what in (
            (REGISTERED, listed + len(reading.absent), f"alliances evaluated or named in {ABSENT}"),
            (ENTERED, listed + incomplete, f"alliances that are evaluated or {INCOMPLETE}"),
            (INCOMPLETE_TOTAL, states[INCOMPLETE], f"alliances named as {INCOMPLETE} in {ABSENT}")):
        must(book, reading, facts.get(item, number) >= number, item, "total too small", f"is smaller than the {number} {what}; correct it, or "
             "the list")
    sized = facts.get(REGISTERED, least)
    must(book, reading, sized == least if known else sized >= least, REGISTERED, "total and registry",
         f"is {'not' if known else 'less than'} the {least} alliances approved in registry/batches.csv for the batches of this period"
         + ", or named here" * (not known) + "; correct one of them")
    must(book, reading, not listed or facts.get(EVALUATED_TOTAL) == listed, EVALUATED_TOTAL, "total and list",
         f"is not the {listed} alliances of {SCORES}; correct it, or the list")
    must(book, reading, not 0 < listed < facts.get(WEBSITES, 0), WEBSITES, "total too large", f"is more than the {listed} alliances of "
         f"{SCORES}; correct it, or the list")
    must(book, reading, facts.get(ENTERED, 0) <= most, ENTERED, "total too large", f"is more than the {most} that can have entered; correct it")
    for batch in (batch for batch in reading.batches if batch.approved is not None and named[batch.key] > batch.approved):
        book.wrong("more than approved", f"names {named[batch.key]} alliances of {batch.short}, more than the {batch.approved} approved in "
                   "registry/batches.csv; correct one of them", SCORES, level=1)
