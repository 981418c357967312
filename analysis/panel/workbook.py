"""`data/panel/<period>.xlsx` -> one checked panel, or every error in it; its marks are read in `marks`."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from analysis import DATA, period, registry, sheets
from analysis.grades import INCOMPLETE, TOP_SCORE, Scheme
from analysis.panel.rules import COMPLETENESS, INDICATORS, LIST, RULES, YES, read_rules
from analysis.period import FACTS, NOT_ENTERED
from analysis.problems import DataError, quoted
from analysis.registry import Registry, normalise
from analysis.tables import CODE, NAME, Book, Row, Table, kind_of, plain, shown
from analysis.workbook import ERROR, UNCALCULATED, Cell

if TYPE_CHECKING:
    import pandas as pd

EXPERTS, INTAKE, MARKS, REVIEWS = "专家", "录入", "评分", "复核"
FOLDER = "panel"
INDICATOR, MARK, STAGE, EXPERT, AFFILIATION = "指标", "分数", "阶段", "专家", "所属联盟"
STAGES = FIRST, SECOND = ("初评", "会评")
GROUPS = {FIRST: "初评组", SECOND: "会评组"}
UNITS = 100  # a mark is a whole number of hundredths of a point, so that sums are exact
UNFIT = "未达评价条件"  # entered and complete, and yet it shows too little to be evaluated


@dataclass(frozen=True)
class Indicator:
    """A second-level indicator under its first-level one; `points` is the most that it can bring."""

    pillar: str
    name: str
    points: Fraction
    standard: str


@dataclass(frozen=True)
class Expert:
    """An expert as the marks call them; `own` are the alliances of an own affiliation, `groups` is by stage."""

    key: str
    name: str
    role: str
    post: str
    own: frozenset[str]
    groups: dict[str, str]
    place: str


@dataclass(frozen=True)
class Entry(period.Alliance):
    """What one alliance entered: `answers` by indicator where there is one, `shown` the activities that they show.

    `state` is empty for an alliance that is evaluated, else 未达评价条件, 信息不完整 or 未录入; `why` says what was missing.
    """

    answers: dict[str, str] = field(default_factory=dict)
    shown: frozenset[str] = frozenset()
    groups: dict[str, str] = field(default_factory=dict)
    state: str = ""
    why: str = ""


@dataclass(frozen=True)
class Review:
    """What the re-review decided for one alliance, and why."""

    score: Decimal
    reason: str
    place: str


@dataclass
class Panel:
    """One checked panel. `marks` has a row per mark: alliance, expert, stage, indicator (places in the lists), units, row."""

    name: str
    path: Path
    sha256: str
    registry: Registry
    scheme: Scheme
    rules: dict[str, object] = field(default_factory=dict)
    indicators: list[Indicator] = field(default_factory=list)
    intake: list[Entry] = field(default_factory=list)
    experts: list[Expert] = field(default_factory=list)
    reviews: dict[str, Review] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)
    stages: tuple[str, ...] = STAGES
    marks: pd.DataFrame | None = None
    long: bool = False

    @property
    def start(self) -> dt.date:
        return self.facts[period.START]

    @property
    def end(self) -> dt.date:
        return self.facts[period.END]

    @property
    def batches(self) -> list[registry.Batch]:
        return self.registry.batches_in(self.name)

    def size(self, batch: registry.Batch) -> int:
        """How many alliances a batch has: those approved, or those named, where that is not known or they are more."""
        return max(batch.approved or 0, sum(entry.batch == batch.key for entry in self.intake))

    @property
    def evaluated(self) -> list[Entry]:
        """The alliances that are evaluated, in the order of the sheet; `marks` counts them from 0."""
        return [entry for entry in self.intake if not entry.state]

    @property
    def simulated(self) -> bool:
        return self.rules[period.NATURE] == period.SIMULATED

    @property
    def pillars(self) -> list[str]:
        return list(dict.fromkeys(indicator.pillar for indicator in self.indicators))


def read(name: str | int, data: Path | str = "", marks: bool = True) -> Panel:
    """The checked panel from a data folder, the project's own unless another is named; without its marks where not asked for.

    Raises DataError with every problem of the workbook, or of the registry.
    """
    with _no_collection():
        return _read(str(name), Path(data or DATA), marks)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Half a million cells are made here, none in a cycle; looking for cycles would take two fifths of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _read(name: str, data: Path, marks: bool) -> Panel:
    from analysis.panel import marks as marking

    known = registry.read(data)
    book = PanelBook(sheets.path_of(name, data, FOLDER), marks)
    panel = Panel(name, book.path, book.sha256, known, known.scheme(name))
    for reader in (_read_indicators, read_rules, period.read_facts, _read_intake, _read_experts):
        reader(book, panel)
    book.doubtful = {sheet for sheet in (INDICATORS, EXPERTS, INTAKE) if sheet not in book.sheets or book.wrong_in(sheet)}
    if INDICATORS in book.doubtful or book.wrong_rules.intersection(COMPLETENESS):
        book.doubtful.add(INTAKE)
    sheets.check_dates(book, panel, data)
    marking.check_groups(book, panel)
    _check_counts(book, panel)
    if marks:
        marking.read_marks(book, panel)
        marking.read_reviews(book, panel)
    if book.problems:
        raise DataError(book.problems)
    return panel


class PanelBook(Book):
    """A workbook of the panel; a sheet of marks may be much longer than one of a score sheet.

    What is in `doubtful` and `wrong_rules` was read with problems: nothing else is held against it.
    """

    headings: ClassVar = {INDICATORS: ("一级指标", "二级指标", "分值"), RULES: ("项目", "数值"), FACTS: ("项目", "数值"),
                          EXPERTS: (EXPERT,), INTAKE: (NAME, CODE), MARKS: (EXPERT, STAGE, NAME),
                          REVIEWS: (NAME, CODE, "复核评分", "理由")}
    optional: ClassVar = {INDICATORS: ("评分标准",), EXPERTS: ("姓名", "职务", "单位及职务", AFFILIATION, *GROUPS.values()),
                          INTAKE: tuple(GROUPS.values()), MARKS: (CODE, INDICATOR, MARK)}
    required = (INDICATORS, RULES, FACTS, EXPERTS, INTAKE, MARKS)
    most_rows, times = 600_000, 10

    def __init__(self, path: Path, marks: bool = True):
        self.fact_cells: dict[str, Cell] = {}
        self.group_cells: dict[tuple[str, str, str], Cell] = {}
        self.doubtful: set[str] = set()
        self.wrong_rules: set[str] = set()
        if not marks:
            self.headings = {sheet: needed for sheet, needed in self.headings.items() if sheet not in (MARKS, REVIEWS)}
            self.required = tuple(sheet for sheet in self.required if sheet != MARKS)
        super().__init__(path)

    def groups(self, row: Row, key: str) -> dict[str, str]:
        """The groups of an expert or an alliance, by stage; their cells are kept for the problems of later."""
        self.group_cells |= {(row.table.sheet, key, stage): row[heading] for stage, heading in GROUPS.items()}
        return {stage: row.word(heading) for stage, heading in GROUPS.items() if heading in row}


def decimals(number: float, places: int) -> bool:
    """Whether a number has at most so many places."""
    return abs(number * 10 ** places - round(number * 10 ** places)) < 1e-6


def _read_indicators(book: PanelBook, panel: Panel) -> None:
    seen: dict[str, str] = {}
    for row in book.rows(INDICATORS):
        pillar, name = row.text("一级指标"), row.text("二级指标")
        points = row.number("分值", "points", "write a number over 0")
        if points is not None and not row.must(points > 0 and decimals(points, 2), "分值", "points",
                                               f"points {points:g} are not a number over 0 with at most two decimals"):
            points = None
        if name is not None:
            row.once("二级指标", "indicator twice", quoted(name), normalise(name), seen)
        if None not in (pillar, name, points):
            panel.indicators.append(Indicator(pillar, name, Fraction(round(points * UNITS), UNITS), str(row["评分标准"].value or "")))
    total = sum(indicator.points for indicator in panel.indicators)
    if total != TOP_SCORE and not book.wrong_in(INDICATORS):
        book.wrong("points in all", f"the points add up to {float(total):g}, not {TOP_SCORE}; correct the column 分值", INDICATORS,
                   level=1)


def indicator_columns(book: PanelBook, panel: Panel, table: Table) -> list[tuple[int, str]]:
    """Each indicator's place in the list with its heading; those without a column are noted."""
    headings = [normalise(i.name).rstrip("*") for i in panel.indicators]
    missing = [i.name for i, heading in zip(panel.indicators, headings) if heading not in table.columns]
    if missing:
        book.wrong("column missing", f"has no column for {len(missing)} of {len(headings)} indicators: {'、'.join(missing)}",
                   table.sheet, level=2)
    return [(place, heading) for place, heading in enumerate(headings) if heading in table.columns]


def _read_intake(book: PanelBook, panel: Panel) -> None:
    if (table := book.table(INTAKE)) is None:
        return
    columns = [(panel.indicators[place].name, heading) for place, heading in indicator_columns(book, panel, table)]
    not_shown, seen = set(panel.rules["视为未开展的填写"]), {}
    for row in table.filled():
        found, answers, done = row.alliance(panel, seen), {}, set()
        for name, heading in columns:
            cell = row[heading]
            if cell.value is not None and row.must(cell.kind not in (ERROR, UNCALCULATED), heading, "entry",
                                                   f"{name} {shown(cell)} is {kind_of(cell) if cell.kind else ''}"):
                answers[name] = plain(cell.value)
                done |= {name} if row.word(heading) not in not_shown else set()
        if found is not None:
            panel.intake.append(Entry(*found, row.at, answers, frozenset(done), book.groups(row, found[0]),
                                      *_state(panel.rules, answers, done)))
    if not panel.evaluated and not book.problems:
        book.wrong("no alliances", "has no alliance that the completeness rule lets be evaluated", INTAKE, level=1)


def _state(rules: dict, answers: dict[str, str], done: set[str]) -> tuple[str, str]:
    """What the completeness rule makes of one alliance's entries, and why; both empty for one that is evaluated."""
    if not answers:
        return NOT_ENTERED, "没有填写任何一项"
    for state, item in ((NOT_ENTERED, "录入信息的最少填写数"), (INCOMPLETE, "信息完整的最少填写数")):
        if len(answers) < rules.get(item, 0):
            return state, f"填写{len(answers)}项，少于{rules[item]}项"
    if missing := [name for name in rules["信息完整的必填指标"] if name not in answers]:
        return INCOMPLETE, f"缺少必填的{'、'.join(missing)}"
    least = rules["可评价的最少开展数"]
    return (UNFIT, f"开展{len(done)}项，少于{least}项") if len(done) < least else ("", "")


def _read_experts(book: PanelBook, panel: Panel) -> None:
    seen: dict[str, str] = {}
    for row in book.rows(EXPERTS):
        key = row.text(EXPERT, "expert")
        if key is None or not row.once(EXPERT, "expert twice", quoted(key), normalise(key), seen):
            continue
        texts = [row.text(heading) or "" if heading in row else "" for heading in ("姓名", "职务", "单位及职务")]
        row.must("姓名" in row or panel.rules["公布专家名单"] != YES, "姓名", "姓名 blank",
                 f"姓名 is blank and 公布专家名单 is {YES}; fill it in")
        own = set()
        for name in filter(str.strip, LIST.split(str(row[AFFILIATION].value or ""))):
            try:
                own.add(panel.registry.identify(name.strip(), None, panel.name).id)
            except registry.Conflict as conflict:
                row.wrong(AFFILIATION, conflict.said)
        panel.experts.append(Expert(key, *texts, frozenset(own), book.groups(row, key), row[EXPERT].place))


def counted(panel: Panel) -> dict[str, int]:
    """What 评价期 says in a score sheet, counted: the ladder, the experts, those who show a website."""
    states = Counter(entry.state for entry in panel.intake)
    counts = {period.REGISTERED: sum(map(panel.size, panel.batches)),
              period.ENTERED: states[""] + states[UNFIT] + states[INCOMPLETE], period.INCOMPLETE_TOTAL: states[INCOMPLETE],
              period.EVALUATED_TOTAL: states[""], "专家人数": len(panel.experts)}
    website = next((i.name for i in panel.indicators if "网站" in i.name), None)
    return counts | ({"有网站联盟数": sum(website in entry.shown for entry in panel.evaluated)} if website else {})


def _check_counts(book: PanelBook, panel: Panel) -> None:
    for item, number in counted(panel).items():
        source = {period.REGISTERED: "", "专家人数": EXPERTS}.get(item, INTAKE)
        if source not in book.doubtful and panel.facts.get(item, number) != number:
            book.wrong("count", f"{item} {panel.facts[item]} is not the {number} that the other sheets count; correct it or leave "
                       "it out", FACTS, book.fact_cells[item])
    for batch in panel.batches:
        if batch.approved is not None and panel.size(batch) > batch.approved:
            book.wrong("more than approved", f"names {panel.size(batch)} alliances of {batch.name}, of which {batch.approved} are approved in "
                       "registry/batches.csv", INTAKE, level=1)
