"""`data/panel/<period>.xlsx` -> one checked panel, or every error in it."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from analysis import DATA, registry, sheets
from analysis.grades import INCOMPLETE, TOP_SCORE, Scheme
from analysis.problems import DataError, quoted
from analysis.registry import Registry, normalise
from analysis.sheets import FACTS, NOT_ENTERED, Row, _plain, _shown, _Table, _Workbook
from analysis.workbook import ERROR, UNCALCULATED, Cell

if TYPE_CHECKING:
    import pandas as pd

INDICATORS, RULES, EXPERTS, INTAKE, MARKS, REVIEWS = "指标", "规则", "专家", "录入", "评分", "复核"
FOLDER = "panel"
INDICATOR, MARK, STAGE, EXPERT, AFFILIATION = "指标", "分数", "阶段", "专家", "所属联盟"
STAGES = FIRST, SECOND = ("初评", "会评")
GROUPS = {FIRST: "初评组", SECOND: "会评组"}
UNITS = 100  # a mark is a whole number of hundredths of a point, so that sums are exact
MEAN, MEDIAN, TRIMMED = "平均", "中位数", "截尾平均"
REPLACE, POOL, WEIGH = "替代", "合并", "加权"
YES, NO = "是", "否"
REAL = "正式数据"
UNFIT = "未达评价条件"  # entered and complete, and yet it shows too little to be evaluated
NEEDED = object()
ITEMS: dict[str, tuple[str, object]] = {  # what a rule holds, and what it is where the workbook does not say
    sheets.NATURE: (f"{REAL}|{sheets.SIMULATED}", REAL),
    "录入信息的最少填写数": ("count", 1),
    "信息完整的最少填写数": ("count", NEEDED),
    "信息完整的必填指标": ("indicators", ()),
    "可评价的最少开展数": ("count", 0),
    "视为未开展的填写": ("words", ("无", "否", "没有", "0")),
    "汇总方法": (f"{MEAN}|{MEDIAN}|{TRIMMED}", NEEDED),
    "截尾个数": ("count", 1),
    "两阶段合成": (f"{REPLACE}|{POOL}|{WEIGH}", NEEDED),
    "会评权重": ("share", None),
    "评分小数位": ("count", 0),
    "重点差异：极差超过": ("number", None),
    "重点差异：组间等级不同": (f"{YES}|{NO}", NO),
    "重点差异：组间相差至少": ("number", 0),
    "重点差异：残差超过标准差": ("number", None),
    "提示：宽严超过": ("number", None),
    "提示：离散倍数": ("number", None),
    "不公布评分的等级": ("grade", None),
    "公布专家名单": (f"{YES}|{NO}", NO),
    "模拟次数": ("count", 1000),
    "随机种子": ("count", 0),
}
MOST = {"评分小数位": 2, "模拟次数": 100_000}
COMPLETENESS = ("录入信息的最少填写数", "信息完整的最少填写数", "信息完整的必填指标", "可评价的最少开展数", "视为未开展的填写")
SHARE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(%?)", re.ASCII)
LIST = re.compile(r"[、；;，,\n]")


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
class Entry(sheets.Alliance):
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
        return self.facts[sheets.START]

    @property
    def end(self) -> dt.date:
        return self.facts[sheets.END]

    @property
    def batches(self) -> list[registry.Batch]:
        return self.registry.batches_in(self.name)

    @property
    def evaluated(self) -> list[Entry]:
        """The alliances that are evaluated, in the order of the sheet; `marks` counts them from 0."""
        return [entry for entry in self.intake if not entry.state]

    @property
    def simulated(self) -> bool:
        return self.rules[sheets.NATURE] == sheets.SIMULATED

    @property
    def pillars(self) -> list[str]:
        return list(dict.fromkeys(indicator.pillar for indicator in self.indicators))


def read(period: str, data: Path | str = "", marks: bool = True) -> Panel:
    """The checked panel from a data folder, the project's own unless another is named; without its marks where not asked for.

    Raises DataError with every problem of the workbook, or of the registry.
    """
    with _no_collection():
        return _read(period, Path(data or DATA), marks)


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


def _read(period: str, data: Path, marks: bool) -> Panel:
    known = registry.read(data)
    path = sheets.path_of(period, data, FOLDER)
    book = PanelWorkbook(path, marks)
    panel = Panel(period, path, book.sha256, known, known.scheme(period))
    for reader in (_read_indicators, _read_rules, sheets._read_facts, _read_intake, _read_experts):
        reader(book, panel)
    book.doubtful = {sheet for sheet in (INDICATORS, EXPERTS, INTAKE) if sheet not in book.sheets or book.wrong_in(sheet)}
    if INDICATORS in book.doubtful or book.wrong_rules.intersection(COMPLETENESS):
        book.doubtful.add(INTAKE)
    sheets._check_dates(book, panel, data)
    _check_groups(book, panel)
    _check_counts(book, panel)
    if marks:
        _read_marks(book, panel)
        _read_reviews(book, panel)
    if book.problems:
        raise DataError(book.problems)
    return panel


class PanelWorkbook(_Workbook):
    """A workbook of the panel, opened with the same care as a score sheet; a sheet of marks may be much longer.

    What is in `doubtful` and `wrong_rules` was read with problems: nothing else is held against it.
    """

    headings: ClassVar = {INDICATORS: ("一级指标", "二级指标", "分值"), RULES: ("项目", "数值"), FACTS: ("项目", "数值"),
                EXPERTS: (EXPERT,), INTAKE: ("联盟名称", "批次"), MARKS: (EXPERT, STAGE, "联盟名称"),
                REVIEWS: ("联盟名称", "批次", "复核评分", "理由")}
    optional: ClassVar = {INDICATORS: ("评分标准",), EXPERTS: ("姓名", "职务", "单位及职务", AFFILIATION, *GROUPS.values()),
                INTAKE: tuple(GROUPS.values()), MARKS: ("批次", INDICATOR, MARK)}
    required = (INDICATORS, RULES, FACTS, EXPERTS, INTAKE, MARKS)
    most_rows, most_times = 600_000, 10

    def __init__(self, path: Path, marks: bool = True):
        self.group_cells: dict[tuple[str, str, str], Cell] = {}
        self.doubtful: set[str] = set()
        self.wrong_rules: set[str] = set()
        if not marks:
            self.headings = {sheet: needed for sheet, needed in self.headings.items() if sheet not in (MARKS, REVIEWS)}
            self.required = tuple(sheet for sheet in self.required if sheet != MARKS)
        super().__init__(path)

    def groups(self, table: _Table, row: Row, key: str) -> dict[str, str]:
        """The groups of an expert or an alliance, by stage; their cells are kept for the problems of later."""
        cells = {stage: table.cell(row, heading) for stage, heading in GROUPS.items()}
        self.group_cells |= {(table.sheet, key, stage): cell for stage, cell in cells.items()}
        return {stage: self.word(cell) for stage, cell in cells.items() if cell.value is not None}


def _decimals(number: float, places: int) -> bool:
    """Whether a number has at most so many places."""
    return abs(number * 10 ** places - round(number * 10 ** places)) < 1e-6


def _read_indicators(book: PanelWorkbook, panel: Panel) -> None:
    table = book.table(INDICATORS)
    if table is None:
        return
    seen: dict[str, str] = {}
    for row in table.filled():
        cells = [table.cell(row, heading) for heading in book.headings[INDICATORS]]
        pillar, name = (book.text(INDICATORS, cell, what) for cell, what in zip(cells, ("一级指标", "二级指标")))
        points = book.number(INDICATORS, cells[2], "points", "write a number over 0")
        if points is not None and (points <= 0 or not _decimals(points, 2)):
            book.wrong("points", f"points {points:g} are not a number over 0 with at most two decimals", INDICATORS, cells[2])
            points = None
        if name is not None:
            book.twice("indicator", quoted(name), seen, normalise(name), INDICATORS, cells[1])
        standard = table.cell(row, "评分标准").value
        if None not in (pillar, name, points):
            panel.indicators.append(Indicator(pillar, name, Fraction(round(points * UNITS), UNITS), str(standard or "")))
    total = sum(indicator.points for indicator in panel.indicators)
    if total != TOP_SCORE and not book.wrong_in(INDICATORS):
        book.wrong("points in all", f"the points add up to {float(total):g}, not {TOP_SCORE}; correct the column 分值", INDICATORS,
                   level=1)


def _read_rules(book: PanelWorkbook, panel: Panel) -> None:
    panel.rules = {item: default for item, (_, default) in ITEMS.items() if default is not NEEDED}
    table = book.table(RULES)
    if table is None:
        book.wrong_rules.update(ITEMS)
        return
    items = {normalise(item): item for item in ITEMS}
    places: dict[str, str] = {}
    cells: dict[str, Cell] = {}
    for row in table.filled():
        item_cell, cell = table.cell(row, "项目"), table.cell(row, "数值")
        item = items.get(book.word(item_cell))
        if item_cell.value is None:
            if cell.value is not None:
                book.wrong("项目 blank", f"项目 is blank beside {_shown(cell)}; fill it in", RULES, item_cell)
        elif item is None:
            book.wrong("rule unknown", f"rule {_shown(item_cell)} is not one of {'、'.join(ITEMS)}", RULES, item_cell)
        elif not book.twice("rule", f"rule {_shown(item_cell)}", places, item, RULES, item_cell):
            cells[item] = cell
            value = _rule(book, panel, item, cell) if cell.value is not None else None
            if value is not None:
                panel.rules[item] = value
            elif cell.value is not None:
                book.wrong_rules.add(item)
            elif item not in panel.rules:
                book.wrong("rule missing", f"the rule {item} is blank; write {_expected(item)}", RULES, cell)
                book.wrong_rules.add(item)
    for item in (item for item in ITEMS if item not in panel.rules and item not in cells):
        book.wrong("rule missing", f"has no rule {item}; add a row with it ({_expected(item)})", RULES, level=1)
        book.wrong_rules.add(item)
    if panel.rules.get("两阶段合成") == WEIGH and panel.rules["会评权重"] is None and "会评权重" not in book.wrong_rules:
        book.wrong("rule missing", f"两阶段合成 is {WEIGH} and there is no 会评权重; add a row with a share like 60%, or join the "
                   f"stages by {REPLACE} or {POOL}", RULES, cells["两阶段合成"])


def _expected(item: str) -> str:
    return ITEMS[item][0].replace("|", ", ")


class _Unfit(Exception):
    """The value of a rule is none; the text says what one would be."""


def _rule(book: PanelWorkbook, panel: Panel, item: str, cell: Cell) -> object | None:
    """The value of a rule, or None with the problem noted."""
    if cell.kind in (ERROR, UNCALCULATED):
        return book.text(RULES, cell, item)
    try:
        return VALUES.get(ITEMS[item][0], _one_of)(book, panel, item, cell)
    except _Unfit as expected:
        book.wrong("rule value", f"{item} {_shown(cell)} is not {expected}", RULES, cell)
        return None


def _number(book: PanelWorkbook, panel: Panel, item: str, cell: Cell) -> float | None:
    number = book.number(RULES, cell, item, "write a number from 0", whole=ITEMS[item][0] == "count")
    if number is not None and not 0 <= number <= MOST.get(item, number):
        raise _Unfit(f"a number from 0{f' to {MOST[item]}' if item in MOST else ''}")
    return number


def _share(book: PanelWorkbook, panel: Panel, item: str, cell: Cell) -> Fraction:
    parts = SHARE.fullmatch(book.word(cell))
    share = Fraction(parts[1]) / (100 if parts[2] else 1) if parts else Fraction(-1)
    if not 0 <= share <= 1:
        raise _Unfit("a share like 60% or 0.6")
    return share


def _words(book: PanelWorkbook, panel: Panel, item: str, cell: Cell) -> tuple[str, ...]:
    return tuple(normalise(word) for word in LIST.split(_plain(cell.value)) if word.strip())


def _names(book: PanelWorkbook, panel: Panel, item: str, cell: Cell) -> tuple[str, ...]:
    """Names of indicators; a name may itself hold the sign that parts two names."""
    left, found = book.word(cell), []
    for indicator in sorted(panel.indicators, key=lambda i: -len(i.name)):
        if normalise(indicator.name) in left:
            left = left.replace(normalise(indicator.name), "")
            found.append(indicator.name)
    unknown = [word for word in LIST.split(left) if word.strip()]
    if unknown and not book.wrong_in(INDICATORS):
        raise _Unfit(f"made of names of the sheet {INDICATORS} ({'、'.join(unknown)} is none)")
    return tuple(found)


def _grade(book: PanelWorkbook, panel: Panel, item: str, cell: Cell) -> str:
    grade = panel.scheme.named(book.word(cell))
    if grade is None:
        raise _Unfit(f"one of {'、'.join(panel.scheme.labels.values())}")
    return grade


def _one_of(book: PanelWorkbook, panel: Panel, item: str, cell: Cell) -> str:
    words = ITEMS[item][0].split("|")
    if book.word(cell) not in words:
        raise _Unfit(f"one of {'、'.join(words)}")
    return book.word(cell)


VALUES = {"count": _number, "number": _number, "share": _share, "words": _words, "indicators": _names, "grade": _grade}


def _indicator_columns(book: PanelWorkbook, panel: Panel, table: _Table) -> list[tuple[int, str]]:
    """Each indicator's place in the list with its heading; those without a column are noted."""
    headings = [normalise(i.name).rstrip("*") for i in panel.indicators]
    missing = [i.name for i, heading in zip(panel.indicators, headings) if heading not in table.columns]
    if missing:
        book.wrong("column missing", f"has no column for {len(missing)} of {len(headings)} indicators: {'、'.join(missing)}",
                   table.sheet, level=2)
    return [(place, heading) for place, heading in enumerate(headings) if heading in table.columns]


def _read_intake(book: PanelWorkbook, panel: Panel) -> None:
    table = book.table(INTAKE)
    if table is None:
        return
    columns = [(panel.indicators[place].name, heading) for place, heading in _indicator_columns(book, panel, table)]
    not_shown, seen = set(panel.rules["视为未开展的填写"]), {}
    for row in table.filled():
        found = book.alliance(table, row, panel)
        answers, shown = {}, set()
        for name, heading in columns:
            cell = table.cell(row, heading)
            if cell.kind in (ERROR, UNCALCULATED):
                book.wrong("entry", f"{name} {_shown(cell)} is {sheets._kind(cell)}", INTAKE, cell)
            elif cell.value is not None:
                answers[name] = _plain(cell.value)
                if book.word(cell) not in not_shown:
                    shown.add(name)
        if found is not None:
            book.once(table, row, seen, found[0], found[2])
            panel.intake.append(Entry(*found, next(iter(row.values())).row, answers, frozenset(shown),
                                      book.groups(table, row, found[0]), *_state(panel.rules, answers, shown)))
    if not panel.evaluated and not book.problems:
        book.wrong("no alliances", "has no alliance that the completeness rule lets be evaluated", INTAKE, level=1)


def _state(rules: dict, answers: dict[str, str], shown: set[str]) -> tuple[str, str]:
    """What the completeness rule makes of one alliance's entries, and why; both empty for one that is evaluated."""
    if not answers:
        return NOT_ENTERED, "没有填写任何一项"
    for state, item in ((NOT_ENTERED, "录入信息的最少填写数"), (INCOMPLETE, "信息完整的最少填写数")):
        if len(answers) < rules.get(item, 0):
            return state, f"填写{len(answers)}项，少于{rules[item]}项"
    if missing := [name for name in rules["信息完整的必填指标"] if name not in answers]:
        return INCOMPLETE, f"缺少必填的{'、'.join(missing)}"
    least = rules["可评价的最少开展数"]
    return (UNFIT, f"开展{len(shown)}项，少于{least}项") if len(shown) < least else ("", "")


def _read_experts(book: PanelWorkbook, panel: Panel) -> None:
    table = book.table(EXPERTS)
    if table is None:
        return
    seen: dict[str, str] = {}
    for row in table.filled():
        cell = table.cell(row, EXPERT)
        key = book.text(EXPERTS, cell, "expert")
        if key is None or book.twice("expert", quoted(key), seen, normalise(key), EXPERTS, cell):
            continue
        texts = [book.text(EXPERTS, c, heading) if (c := table.cell(row, heading)).value is not None else ""
                 for heading in ("姓名", "职务", "单位及职务")]
        if not texts[0] and panel.rules["公布专家名单"] == YES:
            book.wrong("姓名 blank", f"姓名 is blank and 公布专家名单 is {YES}; fill it in", EXPERTS, table.cell(row, "姓名"))
        own_cell, own = table.cell(row, AFFILIATION), set()
        for name in LIST.split(str(own_cell.value or "")):
            if name.strip():
                try:
                    own.add(panel.registry.identify(name.strip(), None, panel.name).id)
                except registry.Conflict as conflict:
                    book.wrong(conflict.kind, conflict.__str__, EXPERTS, own_cell)
        panel.experts.append(Expert(key, *(text or "" for text in texts), frozenset(own), book.groups(table, row, key), cell.place))


def _members(panel: Panel) -> dict[tuple[str, str], list[int]]:
    """The places of the experts in each group of each stage."""
    members: dict[tuple[str, str], list[int]] = {}
    for place, expert in enumerate(panel.experts):
        for stage, group in expert.groups.items():
            members.setdefault((stage, group), []).append(place)
    return members


def _check_groups(book: PanelWorkbook, panel: Panel) -> None:
    """Every group that an alliance is in has an expert who may mark it; every group that an expert is in has an alliance."""
    if book.doubtful.intersection((EXPERTS, INTAKE)):
        return
    members, marked = _members(panel), {(stage, group) for entry in panel.intake for stage, group in entry.groups.items()}

    def wrong(kind: str, message: str, sheet: str, key: str, stage: str) -> None:
        book.wrong(kind, message, sheet, book.group_cells[sheet, key, stage])

    for entry in panel.evaluated:
        if FIRST not in entry.groups:
            wrong("no group", f"{quoted(entry.name)} is evaluated and has no {GROUPS[FIRST]}", INTAKE, entry.id, FIRST)
        for stage, group in entry.groups.items():
            there = [panel.experts[place] for place in members.get((stage, group), ())]
            found = f"{quoted(entry.name)} is in {GROUPS[stage]} {quoted(group)}"
            if not there:
                wrong("group without experts", f"{found}, which no expert of the sheet {EXPERTS} is in", INTAKE, entry.id, stage)
            elif all(entry.id in expert.own for expert in there):
                whom = "、".join(f"{expert.key} ({EXPERTS} {expert.place})" for expert in there)
                wrong("nobody may mark", f"{found}, of which no expert may mark it: it is the own alliance of {whom}; put another "
                      "expert into the group, or the alliance into another group", INTAKE, entry.id, stage)
    for (stage, group), places in members.items():
        for expert in (panel.experts[place] for place in places if (stage, group) not in marked):
            wrong("group without alliances", f"{expert.key} is in {GROUPS[stage]} {quoted(group)}, which no alliance of the sheet "
                  f"{INTAKE} is in; correct it, or fill in {GROUPS[stage]} there", EXPERTS, expert.key, stage)


def counted(panel: Panel) -> dict[str, int]:
    """What 评价期 says in a score sheet, counted: the ladder, the experts, those who show a website."""
    states = Counter(entry.state for entry in panel.intake)
    counts = {sheets.REGISTERED: sum(batch.approved for batch in panel.batches),
              sheets.ENTERED: states[""] + states[UNFIT] + states[INCOMPLETE], sheets.INCOMPLETE_TOTAL: states[INCOMPLETE],
              sheets.EVALUATED_TOTAL: states[""], "专家人数": len(panel.experts)}
    website = next((i.name for i in panel.indicators if "网站" in i.name), None)
    return counts | ({"有网站联盟数": sum(website in entry.shown for entry in panel.evaluated)} if website else {})


def _check_counts(book: PanelWorkbook, panel: Panel) -> None:
    for item, number in counted(panel).items():
        source = {sheets.REGISTERED: "", "专家人数": EXPERTS}.get(item, INTAKE)
        if source not in book.doubtful and panel.facts.get(item, number) != number:
            book.wrong("count", f"{item} {panel.facts[item]} is not the {number} that the other sheets count; correct it or leave "
                       "it out", FACTS, book.fact_cells[item])
    for batch in panel.batches:
        named = sum(entry.batch == batch.key for entry in panel.intake)
        if named > batch.approved:
            book.wrong("more than approved", f"names {named} alliances of {batch.name}, of which {batch.approved} are approved in "
                       "registry/batches.csv", INTAKE, level=1)


def _assignment(panel: Panel) -> set[tuple[int, int, int]]:
    """Who marks whom and when, as places in the lists: alliance, expert, stage; those of an own affiliation are left out."""
    members = _members(panel)
    return {(a, e, s) for a, entry in enumerate(panel.evaluated) for s, stage in enumerate(STAGES)
            for e in members.get((stage, entry.groups.get(stage, "")), ()) if entry.id not in panel.experts[e].own}


class _MarksReader:
    """What one pass over the sheet 评分 gathers; every mark is held against the assignment."""

    def __init__(self, book: PanelWorkbook, panel: Panel, table: _Table):
        self.book, self.panel, self.table = book, panel, table
        self.entries = {key: e for e in panel.intake for key in (e.id, normalise(e.name))}
        self.places = {entry.id: place for place, entry in enumerate(panel.evaluated)}
        self.experts = {key: place for place, e in enumerate(panel.experts) for key in (e.key, normalise(e.key))}
        self.indicators = {name: place for place, i in enumerate(panel.indicators) for name in (i.name, normalise(i.name))}
        self.most = [int((TOP_SCORE if INDICATORS in book.doubtful else i.points) * UNITS) for i in panel.indicators]
        self.assigned = _assignment(panel)
        self.known: dict[tuple, tuple[int, int, int]] = {}
        self.seen: dict[tuple[int, int, int, int], int] = {}
        self.first: dict[tuple[int, int, int], Cell] = {}
        self.noted: set[tuple[int, int, int]] = set()
        self.columns: tuple[list[int], ...] = ([], [], [], [], [], [])

    def row(self, row: Row) -> tuple[int, int, int] | None:
        """Alliance, expert and stage of a row, or None with the problem noted."""
        cells = [self.table.cell(row, heading) for heading in ("联盟名称", "批次", EXPERT, STAGE)]
        key = tuple(cell.value for cell in cells)
        if key not in self.known:
            found = (self._alliance(*cells[:2]), self.place(cells[2], self.experts, "expert", EXPERTS), self._stage(cells[3]))
            if None in found:
                return None
            self.known[key] = found
            self.first.setdefault(found, cells[2])
            if found not in self.assigned:
                self._not_assigned(found, cells[2])
        return self.known[key]

    def mark(self, triple: tuple[int, int, int] | None, indicator: int, cell: Cell) -> None:
        """One mark, held against the points of its indicator; of a row that has no place, nothing else can be said."""
        if cell.value is None:
            if triple is not None:
                self.book.wrong("mark missing", f"the mark of {self._who(triple)} for {self.panel.indicators[indicator].name} is "
                                f"blank; write 0–{self.most[indicator] / UNITS:g}", MARKS, cell)
                self.noted.add(triple)
            return
        units = self._units(indicator, cell)
        if triple is None:
            return
        key = (*triple, indicator)
        if units is None:
            self.noted.add(triple)
        elif key in self.seen:
            self.book.wrong("mark twice", f"the mark of {self._who(triple)} for {self.panel.indicators[indicator].name} stands in "
                            f"row {self.seen[key]} already; keep one", MARKS, cell)
        else:
            self.seen[key] = cell.row
            for column, number in zip(self.columns, (*key, units, cell.row)):
                column.append(number)

    def missing(self) -> None:
        """Note the marks that the assignment asks for and that are not there."""
        there, panel = Counter(key[:3] for key in self.seen), self.panel
        for triple in sorted(self.assigned - self.noted):
            entry, expert, stage = panel.evaluated[triple[0]], panel.experts[triple[1]], STAGES[triple[2]]
            if not there[triple]:
                self.book.wrong("marks missing", f"{self._who(triple)} has no marks; {EXPERTS} {expert.place} and {INTAKE} row "
                                f"{entry.row} put both in {GROUPS[stage]} {entry.groups[stage]}", MARKS)
            elif there[triple] < len(panel.indicators):
                lacking = [i.name for n, i in enumerate(panel.indicators) if (*triple, n) not in self.seen]
                self.book.wrong("marks missing", f"{self._who(triple)} lacks {len(lacking)} of {len(panel.indicators)} marks: "
                                f"{'、'.join(lacking)}", MARKS, self.first[triple])

    def place(self, cell: Cell, places: dict[str, int], what: str, sheet: str) -> int | None:
        """The place of an expert or an indicator in its list, or None with the problem noted."""
        place = places.get(cell.value if isinstance(cell.value, str) else "")
        if place is None:
            place = places.get(self.book.word(cell))
        if place is None and sheet not in self.book.doubtful:
            self.book.wrong(f"{what} unknown", f"{what} {_shown(cell)} is not in the sheet {sheet}; correct it, or add a row there",
                            MARKS, cell)
        return place

    def _who(self, triple: tuple[int, int, int]) -> str:
        a, e, s = triple
        return f"{self.panel.experts[e].key} for {self.panel.evaluated[a].name} in {STAGES[s]}"

    def _units(self, indicator: int, cell: Cell) -> int | None:
        """A mark in hundredths of a point, or None with the problem noted."""
        value, most = cell.value, self.most[indicator]
        if type(value) is not float or cell.kind or not math.isfinite(value):
            value = self.book.number(MARKS, cell, "mark", f"write 0–{most / UNITS:g}")
            if value is None:
                return None
        units = round(value * UNITS)
        if 0 <= units <= most and abs(units - value * UNITS) <= 1e-6:
            return units
        what = (f"is not between 0 and the {most / UNITS:g} points of {self.panel.indicators[indicator].name}"
                if not 0 <= value <= most / UNITS else "has more than two decimals")
        self.book.wrong("mark outside its points", f"mark {value:g} {what}; correct it", MARKS, cell)
        return None

    def _stage(self, cell: Cell) -> int | None:
        stage = self.book.word(cell)
        if stage not in STAGES:
            self.book.wrong("stage unknown", f"stage {_shown(cell)} is not one of {'、'.join(STAGES)}", MARKS, cell)
            return None
        return STAGES.index(stage)

    def _alliance(self, cell: Cell, code_cell: Cell) -> int | None:
        name, registry, certain = self.book.word(cell), self.panel.registry, INTAKE not in self.book.doubtful
        entry = self.entries.get(name) or self.entries.get(registry.by_name.get(name) or registry.by_alias.get(name))
        if entry is None:
            near = registry.nearest(str(cell.value)) if certain and name else []
            hint = f"; the nearest known: {', '.join(near)}" if near else ""
            if certain:
                self.book.wrong("alliance unknown", f"alliance {_shown(cell)} is not in the sheet {INTAKE}{hint}", MARKS, cell)
        elif code_cell.value is not None and self.book.word(code_cell) != normalise(entry.code):
            self.book.wrong("code of another", f"code {_shown(code_cell)} is not {entry.code}, which {INTAKE} has for "
                            f"{quoted(entry.name)}", MARKS, code_cell)
        elif not entry.state:
            return self.places[entry.id]
        elif certain:
            self.book.wrong("not evaluated", f"{quoted(entry.name)} is not evaluated ({entry.state}：{entry.why}, {INTAKE} row "
                            f"{entry.row}); remove its marks or mend its entry", MARKS, cell)
        return None

    def _not_assigned(self, triple: tuple[int, int, int], cell: Cell) -> None:
        entry, expert, stage = self.panel.evaluated[triple[0]], self.panel.experts[triple[1]], STAGES[triple[2]]
        if entry.id in expert.own:
            self.book.wrong("own alliance", f"{expert.key} belongs to {quoted(entry.name)} ({EXPERTS} {expert.place}) and may not "
                            "mark it; remove the marks", MARKS, cell)
        else:
            self.book.wrong("outside the assignment", f"{expert.key} is in {GROUPS[stage]} {expert.groups.get(stage, 'none')}, "
                            f"{quoted(entry.name)} in {entry.groups.get(stage, 'none')}; remove the marks or mend the groups", MARKS,
                            cell)


def _read_marks(book: PanelWorkbook, panel: Panel) -> None:
    table = book.table(MARKS)
    if table is None:
        return
    panel.long = INDICATOR in table.columns and MARK in table.columns
    columns = [] if panel.long else _indicator_columns(book, panel, table)
    reader, rows = _MarksReader(book, panel, table), table.filled()
    if not rows:
        book.wrong("no marks", "has headings but no mark under them; fill it in", MARKS, level=1)
        return
    for row in rows:
        triple = reader.row(row)
        if panel.long:
            indicator = reader.place(table.cell(row, INDICATOR), reader.indicators, "indicator", INDICATORS)
            if indicator is not None:
                reader.mark(triple, indicator, table.cell(row, MARK))
        else:
            for indicator, heading in columns:
                reader.mark(triple, indicator, table.cell(row, heading))
    if not book.doubtful and (panel.long or len(columns) == len(panel.indicators)):
        reader.missing()
    panel.stages = tuple(stage for stage in STAGES if any(stage in entry.groups for entry in panel.evaluated))

    import pandas as pd

    names = ("alliance", "expert", "stage", "indicator", "units", "row")
    panel.marks = pd.DataFrame(dict(zip(names, reader.columns)), dtype="int32")


def _read_reviews(book: PanelWorkbook, panel: Panel) -> None:
    table = book.table(REVIEWS)
    if table is None:
        return
    evaluated, seen, places = {entry.id for entry in panel.evaluated}, {}, panel.rules["评分小数位"]
    for row in table.filled():
        found = book.alliance(table, row, panel)
        cell = table.cell(row, "复核评分")
        score = book.number(REVIEWS, cell, "score", "write 0–100")
        reason = book.text(REVIEWS, table.cell(row, "理由"), "reason")
        if score is not None and not 0 <= score <= TOP_SCORE:
            book.wrong("score outside 0–100", f"score {score:g} is not between 0 and 100; correct it", REVIEWS, cell)
        elif score is not None and "评分小数位" not in book.wrong_rules and not _decimals(score, places):
            book.wrong("score too fine", f"score {score:g} has more decimals than the rule 评分小数位 ({places}) allows", REVIEWS, cell)
        if found is None:
            continue
        book.once(table, row, seen, found[0], found[2])
        if found[0] not in evaluated and INTAKE not in book.doubtful:
            book.wrong("not evaluated", f"{quoted(found[1])} is not evaluated", REVIEWS, table.cell(row, "联盟名称"))
        elif score is not None and reason is not None:
            panel.reviews[found[0]] = Review(Decimal(f"{score:.{places}f}"), reason, f"{REVIEWS} {cell.place}")
