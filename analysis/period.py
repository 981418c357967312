"""The sheets of a workbook -> one period, each sheet by a function that checks it; what they hold is in data/README.md."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, namedtuple
from dataclasses import dataclass, field
from pathlib import Path

from analysis.grades import BEST_FIRST, HIGH, INCOMPLETE, TOP_SCORE, Scheme
from analysis.messages import Said
from analysis.problems import quoted, unfit
from analysis.registry import ROSTER, Batch, Registry, normalise
from analysis.tables import CODE, NAME, Book, Row, Table, closest, plain, shown
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
TOLD = ("通知时间", "专家来源", "发布时间", PANEL)  # items of 评价期 that are text
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
    said: list[Said] = field(default_factory=list)

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
        """The batches that were in the programme, in order, with their sizes then; the total gives the only one not known."""
        found = self.registry.batches_in(self.name)
        unsized = [b for b in found if b.approved is None]
        if len(unsized) != 1 or REGISTERED not in self.facts:
            return found
        rest, named = self.facts[REGISTERED] - sum(b.approved or 0 for b in found), Counter(a.batch for a in (*self.evaluated, *self.absent))
        return [b._replace(approved=rest) if [b] == unsized and rest >= named[b.key] else b for b in found]

    @property
    def incomplete(self) -> int:
        """How many entered and were not complete: the number stated, or those that are named."""
        return self.facts.get(INCOMPLETE_TOTAL) or sum(a.state == INCOMPLETE for a in self.absent)

    @property
    def doubtful(self) -> list[Alliance]:
        """Those whose code in this period the registry doubts."""
        return [a for a in (*self.evaluated, *self.absent) if self.registry.codes.get((a.id, self.name), ("", "certain"))[1] != "certain"]

    def summary(self) -> str:
        """One line that says the sheet is sound, with the counts by grade and batch."""
        grades, batches = Counter(a.grade for a in self.evaluated), Counter(a.batch for a in self.evaluated)
        return str(Said("note.sound", file=self.path.name, number=len(self.evaluated),
                    grades=[f"{self.scheme.labels[g]} {grades[g]}" for g in BEST_FIRST],
                    batches=[f"{b.short} {batches[b.key]}" for b in self.batches]))


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


def must(book: Book, reading: Period, holds: object, item: str, rule: str, **values: object) -> bool:
    """Whether something holds of an item of 评价期, if it is there; else a problem of its cell is noted."""
    if item in reading.facts and not holds:
        book.wrong(rule, FACTS, book.fact_cells[item], item=item, value=reading.facts[item], **values)
    return bool(holds)


def read_scores(book: Book, reading: Period) -> None:
    if (table := book.table(SCORES)) is None:
        return
    seen, bad, own, labels = {}, [], [], reading.scheme.labels
    for heading in (h for h in table.own if table.title(h) in ROSTER):
        book.wrong("column.own", SCORES, table.heads[heading], level=2, name=table.title(heading))
    for section in _sections(book, table, reading):
        if section.announced not in (None, len(section.rows)):
            book.wrong("grade.count", SCORES, section.cell, announced=section.announced, label=labels[section.grade],
                       number=len(section.rows))
        withheld = not any("评分" in row for row in section.rows)
        for row in section.rows:
            book.listed[SCORES] += 1
            found, grade = row.alliance(reading, seen), _grade(row, section, reading, withheld)
            bad += [row[h].place for h in table.own if row[h].kind in (ERROR, UNCALCULATED)]
            if found and grade:
                columns = {table.title(h): None if row[h].kind in (ERROR, UNCALCULATED) else row[h].value for h in table.own}
                reading.evaluated.append(Evaluated(*found, row.at, *grade, columns))
                own += [Said("note.row", name=found[1], row=row.at)] * ("等级" in row and grade[0] is None)
    if not book.listed[SCORES]:
        book.wrong("score.none", SCORES, level=1)
    if bad:
        book.said.append(Said("note.bad", sheet=SCORES, places=bad[:20]))
    if own:
        book.said.append(Said("note.withheld", rows=own))
    blank, given = ({a.grade for a in reading.evaluated if (a.score is None) is withheld} for withheld in (True, False))
    if both := [labels[grade] for grade in BEST_FIRST if grade in blank & given]:
        book.said.append(Said("note.both", labels=both))


def _sections(book: Book, table: Table, reading: Period) -> list[Section]:
    """The rows that name a grade, each with the alliances under it; other texts under the last alliance are notes, if they name none."""
    sections, unclear = [Section(None, None, None, [])], []
    columns = {table.columns.get(heading, 0) for heading in (NAME, CODE, "评分", "等级", "序号")}
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
            unclear.append((known[0], not parts and not reading.registry.id_of(words)))
    last = max((row.at for section in sections for row in section.rows), default=0)
    for cell, note in unclear:
        if note and cell.row > last:
            book.said.append(Said("note.footer", sheet=SCORES, place=cell.place, text=shown(cell)))
        else:
            book.wrong("row.unclear", SCORES, cell, cell=shown(cell), labels="、".join(reading.scheme.labels.values()))
    return sections


def _grade(row: Row, section: Section, reading: Period, withheld: bool) -> tuple[float | None, str] | None:
    """The score of a row, None where it is withheld, and its grade; None with the problem noted."""
    labels, grade, given_in = reading.scheme.labels, section.grade, section.cell
    if "等级" in row:
        given, given_in = reading.scheme.named(row.word("等级")), row["等级"]
        if not row.must(given, "等级", "grade.unknown", cell=shown(given_in), labels="、".join(labels.values())):
            return None
        if grade not in (None, given):
            return row.wrong("等级", "grade.row", cell=shown(given_in), row=shown(section.cell), place=section.cell.place)
        grade, withheld = given, True
    if "评分" not in row:
        return (None, grade) if row.must(grade and withheld, "评分", "score.blank" if grade else "score.ungraded") else None
    score = row.number("评分", Said("word.score"), Said("word.scored"))
    if score is None or not row.must(0 <= score <= TOP_SCORE, "评分", "score.outside", score=score):
        return None
    by_score = reading.scheme.grade(score)
    agrees = row.must(grade in (None, by_score), "评分", "score.grade", score=score, label=labels[by_score],
                      place=given_in and given_in.place, other=labels.get(grade))
    return (score, by_score) if agrees else None


def read_facts(book: Book, reading: Period) -> None:
    if (table := book.table(FACTS)) is None:
        return
    seen, known, blank = {}, (*DATES, *COUNTS, *TOLD, NATURE), []
    for row in table.filled():
        cell, item = row["数值"], SYNONYMS.get(row.word("项目"), row.word("项目"))
        if not row.must(item or cell.value is None, "项目", "cell.beside", what="项目", cell=shown(cell)) or not item:
            continue
        if not row.once("项目", "twice.item", item, item, seen) or cell.value is None:
            blank += [item] * (item in known and cell.value is None)
            continue
        if item not in known:
            near = closest(item, known)
            book.said.append(Said("note.item", sheet=FACTS, place=row["项目"].place, name=quoted(row["项目"].value),
                                  near=near and Said("note.meant", near=near)))
        book.fact_cells[item] = cell
        if item in DATES:
            value = _date(cell)
            row.must(value, "数值", "fact.date", item=item, cell=shown(cell))
        elif item in COUNTS:
            value = row.number("数值", item, Said("word.whole"), whole=True)
        else:
            day = cell.value if isinstance(cell.value, dt.datetime) else None
            value = f"{day.year}年{day.month}月{day.day}日" if day else row.text("数值", item)
        if value is not None:
            reading.facts[item] = value
    if blank:
        book.said.append(Said("note.blank", sheet=FACTS, items=blank))
    for item in (START, END):
        if item not in book.fact_cells and "cell.beside" not in book.kinds:
            book.wrong("fact.missing", FACTS, level=1, item=item)
    if START in reading.facts and END in reading.facts:
        _check_steps(book, reading)


def _check_steps(book: Book, reading: Period) -> None:
    """A period ends after it began; the steps of scoring follow each other, not long after it, and somebody takes them."""
    facts, before, last = reading.facts, START, dt.date(min(reading.end.year + YEARS_AFTER, dt.MAXYEAR), 12, 31)
    ordered = must(book, reading, reading.start <= reading.end, END, "fact.order", first=START, start=reading.start)
    for item in (item for item in STEPS if ordered and item in facts):
        if must(book, reading, facts[before] <= facts[item] <= last, item, "fact.step", before=before, day=facts[before], last=last):
            before = item
    must(book, reading, facts.get(EXPERTS_TOTAL) != 0, EXPERTS_TOTAL, "fact.experts")


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
        row.must(state in (INCOMPLETE, NOT_ENTERED), "情况", "absent.state" if state else "absent.blank", cell=shown(row["情况"]),
                 one=INCOMPLETE, other=NOT_ENTERED)
        if found is None:
            continue
        id, name, code, _ = found
        if both := evaluated.get(id):
            row.wrong(NAME, "absent.both", name=quoted(name), sheet=SCORES, row=both.row)
        elif holder := codes.get(code):
            row.wrong(CODE, "absent.code", code=code, name=quoted(holder.name), sheet=SCORES, row=holder.row)
        reading.absent.append(Absent(*found, row.at, state))


def read_activities(book: Book, reading: Period) -> None:
    labels, graded = reading.scheme.labels, Counter(a.grade for a in reading.evaluated)
    unknown = book.listed[SCORES] - len(reading.evaluated)  # rows that are wrong may be of any grade
    twice = book.kinds["twice.alliance"] + book.kinds["twice.code"]
    if (table := book.table(ACTIVITIES)) is None:
        return
    for heading in table.own:
        if fault := unfit(plain(table.heads[heading].value).strip(), Said("word.heading")):
            book.wrong(fault, ACTIVITIES, table.heads[heading], level=2)
    for row in table.filled():
        headings = ["联盟数", *table.own]
        grade, cell = reading.scheme.named(row.word("等级")), row["等级"]
        rule = "grade.blank" if not row.word("等级") else "grade.twice" if grade else "grade.unknown"
        if not any(heading in row for heading in headings) or not row.must(
                grade and grade not in reading.activities, "等级", rule, cell=shown(cell), labels="、".join(labels.values())):
            continue
        counts = {heading: row.number(heading, table.title(heading), Said("word.whole"), whole=True) for heading in headings}
        reading.activities[grade] = {table.title(heading): count for heading, count in counts.items() if count is not None}
        least, most = (graded[grade] - twice, graded[grade] + unknown) if book.wrong_in(SCORES) else (graded[grade],) * 2
        there = most if least == most else Said("activity.range", least=least, most=most)
        for heading, count in counts.items() if book.listed[SCORES] else ():
            if count is not None and heading == "联盟数":
                row.must(least <= count <= most, heading, "activity.number", count=count, number=there, sheet=SCORES, label=labels[grade])
            elif count is not None:
                row.must(count <= most, heading, "activity.more", heading=table.title(heading), count=count, number=there, label=labels[grade])


def read_totals(book: Book, reading: Period) -> None:
    seen: dict[str, str] = {}
    for row in book.rows(TOTALS):
        if "数值" not in row:
            continue
        item, number, unit = row.text("项目"), row.number("数值", "数值", Said("word.number")), row.text("单位")
        if None not in (item, number, unit) and row.once("项目", "twice.item", quoted(item), item, seen):
            reading.totals[item] = (number, unit)


def read_a_level(book: Book, reading: Period) -> None:
    evaluated, seen, best = {a.id: a for a in reading.evaluated}, {}, reading.scheme.labels[HIGH]
    for row in book.rows(A_LEVEL, reading.registry):
        if found := row.alliance(reading, seen):
            graded = evaluated.get(found[0])
            what = (Said("alist.graded", label=reading.scheme.labels[graded.grade], sheet=SCORES, row=graded.row) if graded else
                    Said("alist.none", sheet=SCORES))
            row.must(graded.grade == HIGH if graded else book.wrong_in(SCORES), NAME, "alist.grade",  # a wrong row may be this one
                     name=quoted(found[1]), what=what, best=best)
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
            (REGISTERED, listed + len(reading.absent), Said("total.named", sheet=ABSENT)),
            (ENTERED, listed + incomplete, Said("total.entered", state=INCOMPLETE)),
            (INCOMPLETE_TOTAL, states[INCOMPLETE], Said("total.incomplete", state=INCOMPLETE, sheet=ABSENT))):
        must(book, reading, facts.get(item, number) >= number, item, "total.small", number=number, what=what)
    sized = facts.get(REGISTERED, least)
    must(book, reading, sized == least if known else sized >= least, REGISTERED, "total.approved" if known else "total.least", number=least)
    for holds, item, rule in (
            (not listed or facts.get(EVALUATED_TOTAL) == listed, EVALUATED_TOTAL, "total.listed"),
            (not 0 < listed < facts.get(WEBSITES, 0), WEBSITES, "total.websites")):
        must(book, reading, holds, item, rule, number=listed, sheet=SCORES)
    must(book, reading, facts.get(ENTERED, 0) <= most, ENTERED, "total.most", number=most)
    for batch in (batch for batch in reading.batches if batch.approved is not None and named[batch.key] > batch.approved):
        book.wrong("size.names", SCORES, level=1, number=named[batch.key], batch=batch.short, approved=batch.approved)
