"""`data/panel/<period>.xlsx` -> one checked panel, or every error in it."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from analysis import DATA, alliances, sheets
from analysis.alliances import Registry, normalise
from analysis.grades import INCOMPLETE, TOP_SCORE, Scheme
from analysis.problems import DataError, quoted
from analysis.sheets import FACTS, NOT_ENTERED, Row, _plain, _shown, _Table, _Workbook
from analysis.workbook import ERROR, UNCALCULATED, Cell

if TYPE_CHECKING:
    import pandas as pd

INDICATORS, RULES, EXPERTS, INTAKE, MARKS, REVIEWS = "指标", "规则", "专家", "录入", "评分", "复核"
INDICATOR, MARK, STAGE, EXPERT, AFFILIATION = "指标", "分数", "阶段", "专家", "所属联盟"
STAGES = FIRST, SECOND = ("初评", "会评")
GROUPS = {FIRST: "初评组", SECOND: "会评组"}
UNITS = 100  # a mark is a whole number of hundredths of a point, so that sums are exact
MEAN, MEDIAN, TRIMMED = "平均", "中位数", "截尾平均"
REPLACE, POOL, WEIGH = "替代", "合并", "加权"
YES, NO = "是", "否"
REAL, SIMULATED = "正式数据", "模拟数据"
NEEDED = object()
ITEMS: dict[str, tuple[str, object]] = {  # what a rule holds, and what it is where the workbook does not say
    "数据性质": (f"{REAL}|{SIMULATED}", REAL),
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

    `state` is empty for an alliance that is evaluated, else 信息不完整 or 未录入; `why` says what was missing.
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
    def batches(self) -> list[alliances.Batch]:
        return self.registry.batches_in(self.name)

    @property
    def evaluated(self) -> list[Entry]:
        """The alliances that are evaluated, in the order of the sheet; `marks` counts them from 0."""
        return [entry for entry in self.intake if not entry.state]

    @property
    def simulated(self) -> bool:
        return self.rules["数据性质"] == SIMULATED

    @property
    def pillars(self) -> list[str]:
        return list(dict.fromkeys(indicator.pillar for indicator in self.indicators))


def path_of(period: str, data: Path) -> Path:
    """Where the panel of a period lies."""
    return data / "panel" / f"{period}.xlsx"


def periods(data: Path) -> list[str]:
    """The periods with a panel, earliest first."""
    names = (path.stem for path in (data / "panel").glob("*.xlsx"))
    return sorted(name for name in names if alliances.PERIOD.fullmatch(name))


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
    registry = alliances.read(data)
    path = path_of(period, data)
    book = PanelWorkbook(path, marks)
    panel = Panel(period, path, book.sha256, registry, registry.scheme(period))
    for reader in (_read_indicators, _read_rules, sheets._read_facts, _read_intake, _read_experts):
        reader(book, panel)
    if not book.problems:
        _check_counts(book, panel)
    if marks and not book.problems:  # each mark is held against all of these
        _read_marks(book, panel)
        _read_reviews(book, panel)
    if book.problems:
        raise DataError(book.problems)
    return panel


class PanelWorkbook(_Workbook):
    """A workbook of the panel, opened with the same care as a score sheet; a sheet of marks may be much longer."""

    headings: ClassVar = {INDICATORS: ("一级指标", "二级指标", "分值"), RULES: ("项目", "数值"), FACTS: ("项目", "数值"),
                EXPERTS: (EXPERT,), INTAKE: ("联盟名称", "批次"), MARKS: (EXPERT, STAGE, "联盟名称"),
                REVIEWS: ("联盟名称", "批次", "复核评分", "理由")}
    optional: ClassVar = {INDICATORS: ("评分标准",), EXPERTS: ("姓名", "职务", "单位及职务", AFFILIATION, *GROUPS.values()),
                INTAKE: tuple(GROUPS.values()), MARKS: ("批次", INDICATOR, MARK)}
    required = (INDICATORS, RULES, FACTS, EXPERTS, INTAKE, MARKS)
    most_rows, most_times = 600_000, 10

    def __init__(self, path: Path, marks: bool = True):
        self.group_cells: dict[tuple[str, str], Cell] = {}
        if not marks:
            self.headings = {sheet: needed for sheet, needed in self.headings.items() if sheet not in (MARKS, REVIEWS)}
        super().__init__(path)


def _filled(table: _Table) -> list[Row]:
    """The rows of a table that are not a note under it."""
    return [
        row
        for row in table.rows
        if not str(next(iter(row.values())).value).startswith(("*", "备注", "注："))
    ]


def _decimals(number: float, places: int) -> bool:
    """Whether a number has at most so many places."""
    return abs(number * 10 ** places - round(number * 10 ** places)) < 1e-6


def _read_indicators(book: PanelWorkbook, panel: Panel) -> None:
    table = book.table(INDICATORS)
    if table is None:
        return
    seen: dict[str, str] = {}
    for row in _filled(table):
        cells = [table.cell(row, heading) for heading in book.headings[INDICATORS]]
        pillar, name = (book.text(INDICATORS, cell, what) for cell, what in zip(cells, ("一级指标", "二级指标")))
        points = book.number(INDICATORS, cells[2], "points", "write a number over 0")
        if points is not None and (points <= 0 or not _decimals(points, 2)):
            book.wrong(
                "points", f"points {points:g} are not a number over 0 with at most two decimals", INDICATORS, cells[2], level=3
            )
            points = None
        if name is not None and normalise(name) in seen:
            book.wrong("indicator twice", f"{quoted(name)} stands in {seen[normalise(name)]} already; keep one", INDICATORS,
                       cells[1], level=3)
        elif name is not None:
            seen[normalise(name)] = cells[1].place
        standard = table.cell(row, "评分标准").value
        if None not in (pillar, name, points):
            panel.indicators.append(Indicator(pillar, name, Fraction(round(points * UNITS), UNITS), str(standard or "")))
    total = sum(indicator.points for indicator in panel.indicators)
    if total != TOP_SCORE and not any(p.where[1:2] == (INDICATORS,) for p in book.problems):
        book.wrong(
            "points in all",
            f"the points add up to {float(total):g}, not {TOP_SCORE}; correct the column 分值",
            INDICATORS,
            level=1,
        )


def _read_rules(book: PanelWorkbook, panel: Panel) -> None:
    panel.rules = {item: default for item, (_, default) in ITEMS.items() if default is not NEEDED}
    table = book.table(RULES)
    if table is None:
        return
    items, seen = {normalise(item): item for item in ITEMS}, {}
    for row in _filled(table):
        item_cell, cell = table.cell(row, "项目"), table.cell(row, "数值")
        if item_cell.value is None:
            continue
        item = items.get(book.word(item_cell))
        if item is None or item in seen:
            what = f"stands in {seen[item]} already; keep one" if item else f"is not one of {'、'.join(ITEMS)}"
            book.wrong("rule unknown", f"rule {_shown(item_cell)} {what}", RULES, item_cell, level=3)
            continue
        seen[item] = item_cell.place
        if cell.value is not None:
            value = _rule(book, panel, item, cell)
            if value is not None:
                panel.rules[item] = value
    missing = [item for item in ITEMS if item not in panel.rules and item not in seen]
    for item in missing:
        book.wrong("rule missing", f"has no rule {item}; add a row with it ({ITEMS[item][0].replace('|', ', ')})", RULES, level=1)
    for item in (i for i in seen if i not in panel.rules and not any(seen[i][1:] == p.where[-1][1:] for p in book.problems)):
        book.wrong("rule missing", f"the rule {item} is blank; write {ITEMS[item][0].replace('|', ', ')}", RULES, level=1)
    if panel.rules.get("两阶段合成") == WEIGH and panel.rules["会评权重"] is None:
        book.wrong(
            "rule missing", f"两阶段合成 is {WEIGH} but there is no 会评权重; add a row with a share like 60%", RULES, level=1
        )


def _rule(book: PanelWorkbook, panel: Panel, item: str, cell: Cell) -> object | None:
    """The value of a rule, or None with the problem noted."""
    def wrong(expected: str) -> None:
        book.wrong("rule value", f"{item} {_shown(cell)} is not {expected}", RULES, cell, level=3)

    kind = ITEMS[item][0]
    if cell.kind in (ERROR, UNCALCULATED):
        return book.text(RULES, cell, item)
    if kind in ("count", "number"):
        number = book.number(RULES, cell, item, "write a number from 0", whole=kind == "count")
        if number is not None and (number < 0 or number > MOST.get(item, number)):
            return wrong(f"a number from 0{f' to {MOST[item]}' if item in MOST else ''}")
        return number
    text = unicodedata.normalize("NFKC", _plain(cell.value)).strip()
    if kind == "share":
        try:
            share = Fraction(Decimal(text.rstrip("%"))) / (100 if text.endswith("%") else 1)
        except InvalidOperation:
            return wrong("a share like 60% or 0.6")
        return share if 0 <= share <= 1 else wrong("a share from 0% to 100%")
    words = tuple(word.strip() for word in LIST.split(_plain(cell.value)) if word.strip())
    if kind == "words":
        return tuple(normalise(word) for word in words)
    if kind == "indicators":  # an indicator's own name may hold the sign that parts two names
        left, found = book.word(cell), []
        for indicator in sorted(panel.indicators, key=lambda i: -len(i.name)):
            if normalise(indicator.name) in left:
                left = left.replace(normalise(indicator.name), "")
                found.append(indicator.name)
        unknown = [word for word in LIST.split(left) if word.strip()]
        return wrong(f"made of names of the sheet {INDICATORS} ({'、'.join(unknown)} is none)") if unknown else tuple(found)
    if kind == "grade":
        grade = panel.scheme.named(normalise(text))
        return grade or wrong(f"one of {'、'.join(panel.scheme.labels.values())}")
    return text if text in kind.split("|") else wrong(f"one of {'、'.join(kind.split('|'))}")


def _indicator_columns(book: PanelWorkbook, panel: Panel, table: _Table) -> list[tuple[str, str]]:
    """Each indicator with its heading; those without a column are noted."""
    found = [(i.name, normalise(i.name).rstrip("*")) for i in panel.indicators]
    missing = [name for name, heading in found if heading not in table.columns]
    if missing:
        book.wrong(
            "column missing",
            f"has no column for {len(missing)} of {len(found)} indicators: {'、'.join(missing)}",
            table.sheet,
            level=2,
        )
    return [(name, heading) for name, heading in found if heading in table.columns]


def _read_intake(book: PanelWorkbook, panel: Panel) -> None:
    table = book.table(INTAKE)
    if table is None:
        return
    columns, seen = _indicator_columns(book, panel, table), {}
    not_shown, rules = set(panel.rules["视为未开展的填写"]), panel.rules
    for row in _filled(table):
        found = book.alliance(table, row, panel)
        answers, shown = {}, set()
        for name, heading in columns:
            cell = table.cell(row, heading)
            if cell.kind in (ERROR, UNCALCULATED):
                book.wrong("entry", f"{name} {_shown(cell)} is {sheets._kind(cell)}", INTAKE, cell, level=3)
            elif cell.value is not None:
                answers[name] = _plain(cell.value)
                if book.word(cell) not in not_shown:
                    shown.add(name)
        if found is None:
            continue
        book.once(table, row, seen, found[0], found[2])
        missing = [name for name in rules["信息完整的必填指标"] if name not in answers]
        state, why = "", ""
        if len(answers) < max(rules["录入信息的最少填写数"], 1):
            state, why = NOT_ENTERED, ""
        elif len(answers) < rules.get("信息完整的最少填写数", 0):
            state, why = INCOMPLETE, f"填写{len(answers)}项，少于{rules['信息完整的最少填写数']}项"
        elif missing:
            state, why = INCOMPLETE, f"缺少必填的{'、'.join(missing)}"
        elif len(shown) < rules["可评价的最少开展数"]:
            state, why = INCOMPLETE, f"开展{len(shown)}项，少于{rules['可评价的最少开展数']}项"
        cells = {stage: table.cell(row, heading) for stage, heading in GROUPS.items()}
        groups = {stage: book.word(cell) for stage, cell in cells.items() if cell.value is not None}
        book.group_cells |= {(found[0], stage): cell for stage, cell in cells.items()}
        panel.intake.append(Entry(*found, next(iter(row.values())).row, answers, frozenset(shown), groups, state, why))
    if not panel.evaluated and not book.problems:
        book.wrong("no alliances", "has no alliance that the completeness rule lets be evaluated", INTAKE, level=1)


def _read_experts(book: PanelWorkbook, panel: Panel) -> None:
    table = book.table(EXPERTS)
    if table is None:
        return
    seen: dict[str, str] = {}
    for row in _filled(table):
        cell = table.cell(row, EXPERT)
        key = book.text(EXPERTS, cell, "expert")
        if key is None:
            continue
        if normalise(key) in seen:
            book.wrong(
                "expert twice", f"{quoted(key)} stands in {seen[normalise(key)]} already; keep one", EXPERTS, cell, level=3
            )
            continue
        seen[normalise(key)] = cell.place
        texts = [book.text(EXPERTS, c, heading) if (c := table.cell(row, heading)).value is not None else ""
                 for heading in ("姓名", "职务", "单位及职务")]
        own_cell, own = table.cell(row, AFFILIATION), set()
        for name in LIST.split(str(own_cell.value or "")):
            if name.strip():
                try:
                    own.add(panel.registry.identify(name.strip(), None, panel.name).id)
                except alliances.Conflict as conflict:
                    book.wrong(conflict.kind, conflict.__str__, EXPERTS, own_cell, level=3)
        cells = {stage: table.cell(row, heading) for stage, heading in GROUPS.items()}
        groups = {stage: book.word(cell) for stage, cell in cells.items() if cell.value is not None}
        panel.experts.append(Expert(key, *(text or "" for text in texts), frozenset(own), groups, cell.place))
    manned = {(stage, group) for expert in panel.experts for stage, group in expert.groups.items()}
    for entry in panel.evaluated:
        for stage, group in entry.groups.items():
            if (stage, group) not in manned:
                book.wrong(
                    "group without experts",
                    f"{quoted(entry.name)} is in {GROUPS[stage]} {quoted(group)}, which no expert of the sheet {EXPERTS} is in",
                    INTAKE,
                    book.group_cells[entry.id, stage],
                    level=3,
                )
        if FIRST not in entry.groups:
            book.wrong("no group", f"{quoted(entry.name)} is evaluated and has no {GROUPS[FIRST]}", INTAKE,
                       book.group_cells[entry.id, FIRST], level=3)


def counted(panel: Panel) -> dict[str, int]:
    """What 评价期 says in a score sheet, counted: the ladder, the experts, those who show a website."""
    evaluated, incomplete = len(panel.evaluated), sum(entry.state == INCOMPLETE for entry in panel.intake)
    counts = {sheets.REGISTERED: sum(batch.approved for batch in panel.batches), sheets.ENTERED: evaluated + incomplete,
              sheets.INCOMPLETE_TOTAL: incomplete, sheets.EVALUATED_TOTAL: evaluated, "专家人数": len(panel.experts)}
    website = next((i.name for i in panel.indicators if "网站" in i.name), None)
    return counts | ({"有网站联盟数": sum(website in entry.shown for entry in panel.evaluated)} if website else {})


def _check_counts(book: PanelWorkbook, panel: Panel) -> None:
    for item, number in counted(panel).items():
        if panel.facts.get(item, number) != number:
            book.wrong(
                "count",
                f"{item} {panel.facts[item]} is not the {number} that the other sheets count; correct it or leave it out",
                FACTS,
                level=1,
            )
    for batch in panel.batches:
        named = sum(entry.batch == batch.key for entry in panel.intake)
        if named > batch.approved:
            book.wrong(
                "more than approved",
                f"names {named} alliances of {batch.name}, of which {batch.approved} are approved in registry/batches.csv",
                INTAKE,
                level=1,
            )


class _MarksReader:
    """What one pass over the sheet 评分 gathers; every mark is held against the assignment."""

    def __init__(self, book: PanelWorkbook, panel: Panel, table: _Table):
        self.book, self.panel, self.table = book, panel, table
        self.alliances, self.all_alliances = {}, {normalise(e.name): e for e in panel.intake}
        self.places = {entry.id: place for place, entry in enumerate(panel.evaluated)}
        self.experts = {key: place for place, e in enumerate(panel.experts) for key in (e.key, normalise(e.key))}
        self.indicators = {name: place for place, i in enumerate(panel.indicators) for name in (i.name, normalise(i.name))}
        self.most = [int(i.points * UNITS) for i in panel.indicators]
        self.known: dict[tuple, tuple[int, int, int] | None] = {}
        self.seen: dict[tuple[int, int, int, int], int] = {}
        self.first: dict[tuple[int, int, int], Cell] = {}
        self.noted: set[tuple[int, int, int]] = set()
        self.columns: tuple[list[int], ...] = ([], [], [], [], [], [])

    def row(self, row: Row) -> tuple[int, int, int] | None:
        """Alliance, expert and stage of a row, or None with the problem noted."""
        cells = [self.table.cell(row, heading) for heading in ("联盟名称", "批次", EXPERT, STAGE)]
        key = tuple(cell.value for cell in cells)
        if self.known.get(key) is None:
            found = [self._alliance(*cells[:2]), self._place(cells[2], self.experts, "expert", EXPERTS), self._stage(cells[3])]
            self.known[key] = None if None in found else tuple(found)
            if self.known[key]:
                self._assigned(self.known[key], cells)
                self.first.setdefault(self.known[key], cells[2])
        return self.known[key]

    def mark(self, triple: tuple[int, int, int], indicator: int, cell: Cell) -> None:
        """One mark, held against the points of its indicator."""
        value, name = cell.value, self.panel.indicators[indicator].name
        if type(value) is not float or cell.kind or not math.isfinite(value):
            if value is None:
                self.book.wrong("mark missing", f"the mark of {self._who(triple)} for {name} is blank; write 0–"
                                f"{self.most[indicator] / UNITS:g}", MARKS, cell, level=3)
                self.noted.add(triple)
                return
            value = self.book.number(MARKS, cell, "mark", f"write 0–{self.most[indicator] / UNITS:g}")
            if value is None:
                self.noted.add(triple)
                return
        units = round(value * UNITS)
        if not 0 <= units <= self.most[indicator] or abs(units - value * UNITS) > 1e-6:
            what = f"is not between 0 and the {self.most[indicator] / UNITS:g} points of {name}"
            if 0 <= value <= self.most[indicator] / UNITS:
                what = "has more than two decimals"
            self.book.wrong("mark outside its points", f"mark {value:g} {what}; correct it", MARKS, cell, level=3)
        key = (*triple, indicator)
        if key in self.seen:
            self.book.wrong(
                "mark twice",
                f"the mark of {self._who(triple)} for {name} stands in row {self.seen[key]} already; keep one",
                MARKS,
                cell,
                level=3,
            )
            return
        self.seen[key] = cell.row
        for column, number in zip(self.columns, (*key, units, cell.row)):
            column.append(number)

    def missing(self) -> None:
        """Note the marks that the assignment asks for and that are not there."""
        panel, there = self.panel, Counter((a, e, s) for a, e, s, _ in self.seen)
        used = {s for _, _, s in there}
        panel.stages = tuple(stage for place, stage in enumerate(STAGES) if place in used)
        for a, entry in enumerate(panel.evaluated):
            for s, stage in enumerate(STAGES):
                if s not in used or stage not in entry.groups:
                    continue
                for e, expert in enumerate(panel.experts):
                    if expert.groups.get(stage) != entry.groups[stage] or entry.id in expert.own or (a, e, s) in self.noted:
                        continue
                    number, triple = there[a, e, s], (a, e, s)
                    if not number:
                        self.book.wrong(
                            "marks missing",
                            f"{self._who(triple)} has no marks; {EXPERTS} {expert.place} and {INTAKE} row "
                            f"{entry.row} put both in {GROUPS[stage]} {entry.groups[stage]}",
                            MARKS,
                            level=3,
                        )
                    elif number < len(panel.indicators):
                        lacking = [i.name for n, i in enumerate(panel.indicators) if (*triple, n) not in self.seen]
                        self.book.wrong(
                            "marks missing",
                            f"{self._who(triple)} lacks {len(lacking)} of {len(panel.indicators)} marks: {'、'.join(lacking)}",
                            MARKS,
                            self.first[triple],
                            level=3,
                        )

    def _who(self, triple: tuple[int, int, int]) -> str:
        a, e, s = triple
        return f"{self.panel.experts[e].key} for {self.panel.evaluated[a].name} in {STAGES[s]}"

    def _place(self, cell: Cell, places: dict[str, int], what: str, sheet: str) -> int | None:
        if cell.value in places:
            return places[cell.value]
        place = places.get(self.book.word(cell))
        if place is None:
            self.book.wrong(
                f"{what} unknown",
                f"{what} {_shown(cell)} is not in the sheet {sheet}; correct it, or add a row there",
                MARKS,
                cell,
                level=3,
            )
        return place

    def _stage(self, cell: Cell) -> int | None:
        stage = self.book.word(cell)
        if stage not in STAGES:
            self.book.wrong("stage unknown", f"stage {_shown(cell)} is not one of {'、'.join(STAGES)}", MARKS, cell, level=3)
            return None
        return STAGES.index(stage)

    def _alliance(self, cell: Cell, code_cell: Cell) -> int | None:
        name, entry = cell.value, None
        if isinstance(name, str):
            entry = self.all_alliances.get(normalise(name))
            if entry is None:
                id = self.panel.registry.by_name.get(normalise(name)) or self.panel.registry.by_alias.get(normalise(name))
                entry = next((e for e in self.panel.intake if e.id == id), None)
        if entry is None:
            near = self.panel.registry.nearest(str(name)) if name is not None else []
            hint = f"; the nearest known: {', '.join(near)}" if near else ""
            self.book.wrong(
                "alliance unknown", f"alliance {_shown(cell)} is not in the sheet {INTAKE}{hint}", MARKS, cell, level=3
            )
            return None
        if code_cell.value is not None and self.book.word(code_cell) != entry.code:
            self.book.wrong("code of another", f"code {_shown(code_cell)} is not {entry.code}, which {INTAKE} has for "
                            f"{quoted(entry.name)}", MARKS, code_cell, level=3)
            return None
        if entry.state:
            self.book.wrong(
                "not evaluated",
                f"{quoted(entry.name)} is not evaluated ({entry.state}{'：' + entry.why if entry.why else ''}"
                f", {INTAKE} row {entry.row}); remove its marks or mend its entry",
                MARKS,
                cell,
                level=3,
            )
            return None
        return self.places[entry.id]

    def _assigned(self, triple: tuple[int, int, int], cells: Row) -> None:
        expert, entry, stage = self.panel.experts[triple[1]], self.panel.evaluated[triple[0]], STAGES[triple[2]]
        if entry.id in expert.own:
            self.book.wrong(
                "own alliance",
                f"{expert.key} belongs to {quoted(entry.name)} ({EXPERTS} {expert.place}) and may not mark "
                "it; remove the marks",
                MARKS,
                cells[2],
                level=3,
            )
        elif stage not in entry.groups or expert.groups.get(stage) != entry.groups[stage]:
            self.book.wrong(
                "outside the assignment",
                f"{expert.key} is in {GROUPS[stage]} {expert.groups.get(stage, 'none')}, "
                f"{quoted(entry.name)} in {entry.groups.get(stage, 'none')}; remove the marks or mend the groups",
                MARKS,
                cells[2],
                level=3,
            )


def _read_marks(book: PanelWorkbook, panel: Panel) -> None:
    table = book.table(MARKS)
    if table is None:
        return
    reader = _MarksReader(book, panel, table)
    panel.long = INDICATOR in table.columns and MARK in table.columns
    columns = [] if panel.long else [(panel.indicators.index(i), normalise(i.name)) for name, _ in _indicator_columns(
        book, panel, table) for i in panel.indicators if i.name == name]
    if book.problems:
        return
    for row in _filled(table):
        triple = reader.row(row)
        if panel.long:
            cell = table.cell(row, INDICATOR)
            indicator = reader._place(cell, reader.indicators, "indicator", INDICATORS)
            if triple is not None and indicator is not None:
                reader.mark(triple, indicator, table.cell(row, MARK))
        elif triple is not None:
            for indicator, heading in columns:
                reader.mark(triple, indicator, table.cell(row, heading))
    if not reader.seen and not book.problems:
        book.wrong("no marks", "has headings but no mark under them; fill it in", MARKS, level=1)
        return
    reader.missing()

    import pandas as pd

    names = ("alliance", "expert", "stage", "indicator", "units", "row")
    panel.marks = pd.DataFrame(dict(zip(names, reader.columns)), dtype="int32")


def _read_reviews(book: PanelWorkbook, panel: Panel) -> None:
    table = book.table(REVIEWS)
    if table is None:
        return
    evaluated, seen = {entry.id for entry in panel.evaluated}, {}
    for row in _filled(table):
        found = book.alliance(table, row, panel)
        cell = table.cell(row, "复核评分")
        score = book.number(REVIEWS, cell, "score", "write 0–100")
        reason = book.text(REVIEWS, table.cell(row, "理由"), "reason")
        if score is not None and not 0 <= score <= TOP_SCORE:
            book.wrong("score outside 0–100", f"score {score:g} is not between 0 and 100; correct it", REVIEWS, cell, level=3)
        elif score is not None and not _decimals(score, panel.rules["评分小数位"]):
            book.wrong("score too fine", f"score {score:g} has more decimals than the rule 评分小数位 "
                       f"({panel.rules['评分小数位']}) allows", REVIEWS, cell, level=3)
        if found is None:
            continue
        book.once(table, row, seen, found[0], found[2])
        if found[0] not in evaluated:
            book.wrong("not evaluated", f"{quoted(found[1])} is not evaluated", REVIEWS, table.cell(row, "联盟名称"), level=3)
        elif score is not None and reason is not None:
            panel.reviews[found[0]] = Review(Decimal(f"{score:.{panel.rules['评分小数位']}f}"), reason, f"{REVIEWS} {cell.place}")
