"""The sheets of a workbook -> one period, each sheet by a function that checks it; what they hold is in data/README.md."""

from __future__ import annotations

import contextlib
import datetime as dt
import operator
import re
from collections import Counter, namedtuple
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from analysis.grades import BEST_FIRST, HIGH, INCOMPLETE, TOP_SCORE, Scheme
from analysis.messages import Said
from analysis.problems import quoted, unfit
from analysis.registry import ROSTER, Batch, Registry, normalise
from analysis.tables import CODE, MOST_PLACES, NAME, Book, Row, Table, closest, plain, shown
from analysis.workbook import ERROR, UNCALCULATED

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
    """One row of a sheet: the registry's id, the name and code as the sheet has them, and what the sheet says of it.

    `grade` and `score` of 评分表 (None where it is withheld), `state` of 未参评 (信息不完整 or 未录入), `columns` the analyst's own.
    """

    id: str
    name: str
    code: str
    row: int
    score: float | None = None
    grade: str = ""
    state: str = ""
    columns: dict[str, object] = field(default_factory=dict)

    @property
    def batch(self) -> str:
        return self.code[0]


@dataclass
class Period:
    """One evaluation as its workbook tells it, checked; sheets that are not there are empty. `said` is what `check` says of it."""

    name: str
    path: Path
    sha256: str
    registry: Registry
    scheme: Scheme
    evaluated: list[Alliance] = field(default_factory=list)
    absent: list[Alliance] = field(default_factory=list)
    a_level: list[Alliance] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
    activities: dict[str, dict[str, int]] = field(default_factory=dict)
    totals: dict[str, tuple[float, str]] = field(default_factory=dict)
    experts: list[tuple[str, str, str]] = field(default_factory=list)
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
        rest = self.facts.get(REGISTERED, 0) - sum(batch.approved or 0 for batch in found)
        alone = REGISTERED in self.facts and [batch.approved for batch in found].count(None) == 1
        return [batch._replace(approved=rest) if alone and batch.approved is None else batch for batch in found]

    @cached_property
    def batch_names(self) -> dict[str, str]:
        """The short names of the batches by their letters, in order."""
        return {batch.key: batch.short for batch in self.registry.batches_in(self.name)}

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
    """The workbook of a period; `items` has the rows of 评价期, `listed` counts the alliances of 评分表, also those that are wrong."""

    headings, optional, required = HEADINGS, OPTIONAL_HEADINGS, (SCORES, FACTS)
    listed = 0

    @property
    def unfilled(self) -> bool:
        """Whether the two sheets that are needed have their headings and nothing under them."""
        tables = {sheet: self.table(sheet) for sheet in self.required}
        return not self.problems and not any(heading in row for sheet, heading in ((SCORES, NAME), (SCORES, "评分"), (FACTS, "数值"))
                                             for row in tables[sheet].rows)


Section = namedtuple("Section", "grade announced cell rows")  # a row of 评分表 that names a grade, and the alliances under it


def read_scores(book: ScoreSheet, reading: Period) -> None:
    if (table := book.table(SCORES)) is None:
        return
    for heading in (h for h in table.own if table.title(h) in ROSTER):
        book.wrong("column.own", SCORES, table.columns[heading], name=table.title(heading))
    seen, bad, own, labels = {}, [], [], reading.scheme.labels
    for section in _sections(table, reading):
        withheld = not any("评分" in row for row in section.rows)
        if section.announced not in (None, len(section.rows)):
            book.wrong("grade.count", SCORES, section.cell, announced=section.announced, label=labels[section.grade],
                       number=len(section.rows))
        for row in section.rows:
            book.listed += 1
            found, given = row.alliance(reading, seen), _grade(row, section, reading, withheld)
            faulty = [heading for heading in table.own if row[heading].kind in (ERROR, UNCALCULATED)]
            bad += [row[heading].place for heading in faulty]
            if found and given:
                columns = {table.title(h): None if h in faulty else row[h].value for h in table.own}
                reading.evaluated.append(Alliance(*found, row.at, *given, columns=columns))
                own += [Said("note.row", name=found[1], row=row.at)] * ("等级" in row and given[0] is None)
    if not book.listed:
        book.wrong("score.none", SCORES)
    blank, scored = ({a.grade for a in reading.evaluated if (a.score is None) is withheld} for withheld in (True, False))
    both = [labels[grade] for grade in BEST_FIRST if grade in blank & scored]
    for rule, what in (("note.bad", bad[:MOST_PLACES]), ("note.withheld", own), ("note.both", both)):
        book.said += [Said(rule, sheet=SCORES, what=what)] * bool(what)


def _sections(table: Table, reading: Period) -> list[Section]:
    """The rows that name a grade, each with the alliances under it; other texts under the last alliance are notes, if they name none."""
    sections, unclear, last = [Section(None, None, None, [])], [], 0
    for row in table.filled(reading.registry):
        cells = [row[heading] for heading in (NAME, CODE, "评分", "序号") if heading in row]
        words = normalise(cells[0].value) if len(cells) == 1 and isinstance(cells[0].value, str) else ""
        parts = GRADE_ROW.fullmatch(words)
        if grade := reading.scheme.named(parts[1] if parts else words):
            sections.append(Section(grade, int(parts[2]) if parts else None, cells[0], []))
        elif words:
            unclear.append((cells[0], parts or reading.registry.id_of(words)))
        elif cells:
            sections[-1].rows.append(row)
            last = row.at
    for cell, meant in unclear:
        if meant or cell.row < last:
            table.book.wrong("row.unclear", SCORES, cell, cell=shown(cell), labels=[*reading.scheme.labels.values()])
        else:
            table.book.said.append(Said("note.footer", sheet=SCORES, place=cell.place, text=shown(cell)))
    return sections


def _grade(row: Row, section: Section, reading: Period, withheld: bool) -> tuple[float | None, str] | None:
    """The score of a row, None where it is withheld, and its grade, on which all agree that tell it; None with the problem noted."""
    scheme, score, told = reading.scheme, None, [(section.grade, section.cell)] if section.grade else []
    if "等级" in row:
        told.append((scheme.named(row.word("等级")), row["等级"]))
        if not row.must(told[-1][0], "等级", "grade.unknown", cell=shown(row["等级"]), labels=[*scheme.labels.values()]):
            return None
    if "评分" in row:
        score = row.number("评分", Said("word.score"), Said("word.scored"))
        if score is None or not row.must(0 <= score <= TOP_SCORE, "评分", "score.outside", score=score):
            return None
        told.append((scheme.grade(score), row["评分"]))
    elif not row.must("等级" in row or (told and withheld), "评分", "score.blank"):
        return None
    for (one, first), (other, cell) in pairwise(told):
        if one != other:
            row.table.book.wrong("grade.differs", SCORES, cell, cell=shown(cell), label=scheme.labels[other], place=first.place,
                                 other=scheme.labels[one])
    return score, told[-1][0]


def read_facts(book: Book, reading: Period) -> None:
    book.items, known, blank, seen = {}, (*DATES, *COUNTS, *TOLD, NATURE), [], {}
    for row in book.rows(FACTS):
        item = SYNONYMS.get(row.word("项目"), row.word("项目"))
        if not item:
            row.must("数值" not in row, "项目", "cell.blank", what="项目", advice=Said("word.fill"))
        elif not row.once("项目", "twice.item", item, item, seen):
            continue
        elif "数值" in row:
            if (value := _fact(row, item)) is not None:
                reading.facts[item] = value
            if item not in known:
                near = closest(item, known)
                book.said.append(Said("note.item", sheet=FACTS, place=row["项目"].place, name=quoted(row["项目"].value),
                                      near=near and Said("note.meant", near=near)))
        elif item in known:
            blank.append(item)
        book.items[item] = row
    if blank:
        book.said.append(Said("note.blank", sheet=FACTS, what=blank))
    for item in (START, END):
        if book.table(FACTS) and "数值" not in book.items.get(item, ()):
            book.wrong("fact.missing", FACTS, item=item)
    if START in reading.facts and END in reading.facts:
        _check_steps(book, reading)


def _fact(row: Row, item: str) -> object:
    """The value of an item of 评价期, or None with the problem noted."""
    cell = row["数值"]
    if item in COUNTS:
        return row.number("数值", item, Said("word.whole"), whole=True)
    day = cell.value.date() if isinstance(cell.value, dt.datetime) else None
    if item not in DATES:
        return f"{day.year}年{day.month}月{day.day}日" if day else row.text("数值", item)
    if parts := DATE_TEXT.fullmatch(row.word("数值")):
        with contextlib.suppress(ValueError):
            day = dt.date(*map(int, parts.groups()))
    row.must(day, "数值", "fact.date", item=item, cell=shown(cell))
    return day


def must(book: Book, reading: Period, holds: object, item: str, rule: str, **values: object) -> bool:
    """Whether something holds of an item of 评价期, if it is there; else a problem of its cell is noted."""
    return item not in reading.facts or book.items[item].must(holds, "数值", rule, item=item, value=reading.facts[item], **values)


def _check_steps(book: Book, reading: Period) -> None:
    """A period ends after it began; the steps of scoring follow each other, not long after it, and somebody takes them."""
    facts, before, last = reading.facts, START, dt.date(min(reading.end.year + YEARS_AFTER, dt.MAXYEAR), 12, 31)
    ordered = must(book, reading, reading.start <= reading.end, END, "fact.order", first=START, start=reading.start)
    for item in (item for item in STEPS if ordered and item in facts):
        if must(book, reading, facts[before] <= facts[item] <= last, item, "fact.step", before=before, day=facts[before], last=last):
            before = item
    must(book, reading, facts.get(EXPERTS_TOTAL) != 0, EXPERTS_TOTAL, "fact.experts")


def read_absent(book: Book, reading: Period) -> None:
    evaluated, codes, seen = {a.id: a for a in reading.evaluated}, {a.code: a for a in reading.evaluated}, {}
    for row in book.rows(ABSENT, reading.registry):
        state, found = row.word("情况"), row.alliance(reading, seen)
        row.must(state in (INCOMPLETE, NOT_ENTERED), "情况", "absent.state", cell=quoted(state), states=(INCOMPLETE, NOT_ENTERED))
        if found and (both := evaluated.get(found[0]) or codes.get(found[2])):
            row.wrong(NAME, "absent.both", name=quoted(both.name), code=both.code, sheet=SCORES, row=both.row)
        if found:
            reading.absent.append(Alliance(*found, row.at, state=state))


def read_activities(book: Book, reading: Period) -> None:
    if (table := book.table(ACTIVITIES)) is None:
        return
    labels, graded, seen = reading.scheme.labels, Counter(a.grade for a in reading.evaluated), {}
    for heading in table.own:
        if fault := unfit(plain(table.columns[heading].value).strip(), Said("word.heading")):
            book.wrong(fault, ACTIVITIES, table.columns[heading])
    for row in table.filled():
        if row.cells.keys() <= {"等级", "序号"}:
            continue
        grade = reading.scheme.named(row.word("等级"))
        if not row.must(grade, "等级", "grade.unknown", cell=quoted(row.word("等级")), labels=[*labels.values()]) or not row.once(
                "等级", "twice.item", shown(row["等级"]), grade, seen):
            continue
        reading.activities[grade] = {}
        for heading in ("联盟数", *table.own):
            title, number = table.title(heading), graded[grade]
            count = reading.activities[grade][title] = row.number(heading, title, Said("word.whole"), whole=True)
            if count is not None and not book.wrong_in(SCORES):
                row.must(count == number or (count < number and heading in table.own), heading, "activity.number", heading=title, count=count,
                         number=number, sheet=SCORES, label=labels[grade])


def read_totals(book: Book, reading: Period) -> None:
    seen: dict[str, str] = {}
    for row in (row for row in book.rows(TOTALS) if "数值" in row):
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
        role, name, post = row.text("职务"), row.text("姓名"), row.text("单位及职务") if "单位及职务" in row else ""
        reading.experts.append((role, name, post))


def check_totals(book: ScoreSheet, reading: Period) -> None:
    """Totals of 评价期 may be larger than what the sheets name, never smaller; a batch has no more alliances than were approved."""
    if not book.listed:
        return
    facts, known, states = reading.facts, reading.registry, Counter(a.state for a in reading.absent)
    named = {a.id: a.batch for a in (*reading.evaluated, *reading.absent)}
    listed, everybody = Counter(named.values()), Counter(({id: next(iter(codes.values()))[0] for id, codes in known.own_codes.items()
                                                           if known.there(id, reading.name)} | named).values())
    batches = known.batches_in(reading.name)
    total, sized = sum(listed[b.key] if b.approved is None else b.approved for b in batches), None not in [b.approved for b in batches]
    entered, most = book.listed + max(states[INCOMPLETE], facts.get(INCOMPLETE_TOTAL, 0)), facts.get(REGISTERED, total) - states[NOT_ENTERED]
    for item, holds, number, rule in (
            (REGISTERED, operator.eq if sized else operator.ge, total, "total.approved" if sized else "total.small"),
            (ENTERED, operator.ge, entered, "total.small"), (INCOMPLETE_TOTAL, operator.ge, states[INCOMPLETE], "total.small"),
            (EVALUATED_TOTAL, operator.eq, book.listed, "total.listed"), (WEBSITES, operator.le, book.listed, "total.large"),
            (ENTERED, operator.le, most, "total.large")):
        must(book, reading, holds(facts.get(item, 0), number), item, rule, number=number)
    for batch in (batch for batch in batches if batch.approved is not None and everybody[batch.key] > batch.approved):
        book.wrong("size.names", SCORES, number=everybody[batch.key], batch=batch.short, approved=batch.approved)
