"""`data/panel/<period>.xlsx` and the files returned to `data/panel/<period>/` -> one checked panel, or every error in them.

The groups, the marks and the re-review are read in `marks`, from the workbook and from every returned file alike.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass, field, replace
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
from analysis.tables import CODE, NAME, Book, Table, kind_of, plain, shown
from analysis.workbook import ERROR, UNCALCULATED, Cell

if TYPE_CHECKING:
    import pandas as pd

EXPERTS, INTAKE, GROUPS, EXPERT_GROUPS, MARKS, REVIEWS = "专家", "录入", "分组", "专家分组", "评分", "复核"
FOLDER = "panel"
INDICATOR, MARK, STAGE, EXPERT, AFFILIATION, POST, OFFICER = "指标", "分数", "阶段", "专家", "所属联盟", "单位及职务", "联络员"
STAGES = FIRST, SECOND = ("初评", "会评")
GROUP_OF = {FIRST: "初评组", SECOND: "会评组"}
UNITS = 100  # a mark is a whole number of hundredths of a point, so that sums are exact
UNFIT = "未达评价条件"  # entered and complete, and yet it shows too little to be evaluated
SHORT, SHORT_DENIAL = 4, 8  # characters of an entry that says too little to be taken for an activity unseen
NUMBERED, DENIAL = re.compile(r"(\d+(?:\.\d+)?)\D{0,2}"), re.compile(r"[无未没否暂尚不]")


@dataclass(frozen=True)
class Indicator:
    """A second-level indicator under its first-level one; `points` is the most that it can bring."""

    pillar: str
    name: str
    points: Fraction
    standard: str


@dataclass(frozen=True)
class Expert:
    """An expert as the marks call them; `own` are the alliances of an own affiliation, `told` whether any affiliation is."""

    key: str
    name: str
    role: str
    post: str
    own: frozenset[str]
    told: bool
    place: str


@dataclass(frozen=True)
class Entry(period.Alliance):
    """What one alliance entered: `answers` by indicator where there is one, `shown` the activities that they show.

    `state` is empty for an alliance that is evaluated, else 未达评价条件, 信息不完整 or 未录入; `why` says what was missing.
    """

    officer: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    shown: frozenset[str] = frozenset()
    state: str = ""
    why: str = ""


@dataclass(frozen=True)
class Review:
    """What the re-review decided for one alliance (no score: 维持, the panel's stands), and why."""

    score: Decimal | None
    reason: str
    place: str


@dataclass
class Panel:
    """One checked panel. `marks` has a row per mark: alliance, expert, stage, indicator (places in the lists), units, place.

    Only an expert's whole marks of an alliance are there; `missing` are the others that the groups ask for. `groups` has the
    group of each alliance (by id) and expert (by key) at each stage.
    """

    name: str
    path: Path
    registry: Registry
    scheme: Scheme
    rules: dict[str, object] = field(default_factory=dict)
    indicators: list[Indicator] = field(default_factory=list)
    intake: list[Entry] = field(default_factory=list)
    undecided: Counter[str] = field(default_factory=Counter)
    experts: list[Expert] = field(default_factory=list)
    groups: dict[str, dict[str, str]] = field(default_factory=lambda: {stage: {} for stage in STAGES})
    reviews: dict[str, Review] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)
    assigned: set[tuple[int, int, int]] = field(default_factory=set)
    missing: set[tuple[int, int, int]] = field(default_factory=set)
    marks: pd.DataFrame | None = None

    @property
    def start(self) -> dt.date:
        return self.facts[period.START]

    @property
    def end(self) -> dt.date:
        return self.facts[period.END]

    @property
    def data(self) -> Path:
        return self.path.parents[1]

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
    def stages(self) -> list[str]:
        """The stages that there are to be: a stage has a group, or a date."""
        return [stage for stage in STAGES if stage == FIRST or self.groups[stage] or f"{stage}日期" in self.facts]

    @property
    def interim(self) -> bool:
        """Whether marks of the last stage, or of an earlier one, are still to come."""
        return bool(self.missing) or not {*range(len(self.stages))} <= {stage for _, _, stage in self.assigned}

    @property
    def simulated(self) -> bool:
        return self.rules[period.NATURE] == period.SIMULATED

    def called(self, expert: Expert) -> str:
        """An expert's key; with the name only where the rules ask for it."""
        return f"{expert.key} {expert.name}".strip() if self.rules["内部报告写明专家姓名"] == YES else expert.key


class PanelBook(Book):
    """A workbook of the panel, or a file that was returned; a sheet of marks may be much longer than one of a score sheet.

    What is in `doubtful` and `wrong_rules` was read with problems: nothing else is held against it.
    """

    headings: ClassVar = {INDICATORS: ("一级指标", "二级指标", "分值"), RULES: ("项目", "数值"), FACTS: ("项目", "数值"),
                          EXPERTS: (EXPERT,), INTAKE: (NAME, CODE), GROUPS: (NAME, CODE, GROUP_OF[FIRST]),
                          EXPERT_GROUPS: (EXPERT, GROUP_OF[FIRST]), MARKS: (EXPERT, STAGE, NAME), REVIEWS: (NAME, CODE, "复核评分", "理由")}
    optional: ClassVar = {INDICATORS: ("评分标准",), RULES: ("说明",), FACTS: ("说明",), EXPERTS: ("姓名", "职务", POST, AFFILIATION),
                          INTAKE: (OFFICER,), GROUPS: (GROUP_OF[SECOND],), EXPERT_GROUPS: (GROUP_OF[SECOND],),
                          MARKS: (CODE, INDICATOR, MARK, "合计")}
    times = 10

    def __init__(self, path: Path, required: tuple[str, ...] = ()):
        self.required = required
        self.fact_cells: dict[str, Cell] = {}
        self.doubtful: set[str] = set()
        self.wrong_rules: set[str] = set()
        super().__init__(path)


def read(name: str | int, data: Path | str = "", upto: str = MARKS) -> Panel:
    """The checked panel from a data folder, the project's own unless another is named.

    `upto` the sheet 录入 it is read for the chase list, where nothing in an entry is wrong; `upto` 专家 for the groups.
    Raises DataError with every problem of the workbook, of the returned files, or of the registry.
    """
    from analysis.panel import marks as marking

    name, data = str(name), Path(data or DATA)
    known = registry.read(data)
    book = PanelBook(sheets.path_of(name, data, FOLDER), (INDICATORS, RULES, FACTS, INTAKE, *[EXPERTS] * (upto != INTAKE)))
    panel = Panel(name, book.path, known, known.scheme(name))
    for reader in (_read_indicators, read_rules, period.read_facts):
        reader(book, panel)
    sheets.check_dates(book, panel, data)
    _read_intake(book, panel, strict=upto != INTAKE)
    if upto != INTAKE:
        _read_experts(book, panel)
        _check_counts(book, panel)
    books, problems = [book], []
    if upto == MARKS:
        book.doubtful = {sheet for sheet in (INDICATORS, EXPERTS, INTAKE) if sheet not in book.sheets or book.wrong_in(sheet)}
        if INDICATORS in book.doubtful or book.wrong_rules.intersection(COMPLETENESS):
            book.doubtful.add(INTAKE)
        for path in returned(name, data):
            try:
                books.append(PanelBook(path))
            except DataError as error:
                problems += error.problems
        marking.read(books, panel)
    problems += [replace(problem, order=(place, *problem.order)) for place, one in enumerate(books) for problem in one.problems]
    if problems:
        raise DataError(problems)
    return panel


def returned(name: str, data: Path) -> list[Path]:
    """The files that came back: mark sheets, an export of marks, groups, minutes."""
    return sorted(path for path in (data / FOLDER / name).glob("*.xlsx") if path.name[0] not in "~.")


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


def shows(word: str, rules: dict) -> bool | None:
    """Whether an entry shows its activity: by the words of the rules, else by its number; None for a short one that they do not know.

    >>> [shows(word, {"视为未开展的填写": ("无",), "视为开展的填写": ("有",)}) for word in ("无", "0次", "3次", "暂缓", "召开两次理事会")]
    [False, False, True, None, True]
    """
    if word in rules["视为未开展的填写"] or word in rules["视为开展的填写"]:
        return word in rules["视为开展的填写"]
    if number := NUMBERED.fullmatch(word):
        return float(number[1]) > 0
    return None if len(word) <= (SHORT_DENIAL if DENIAL.match(word) else SHORT) else True


def _read_intake(book: PanelBook, panel: Panel, strict: bool) -> None:
    if (table := book.table(INTAKE)) is None:
        return
    columns = [(panel.indicators[place].name, heading) for place, heading in indicator_columns(book, panel, table)]
    seen, cells = {}, {}
    for row in table.filled():
        found, answers, done = row.alliance(panel, seen), {}, set()
        for name, heading in columns:
            cell, word = row[heading], row.word(heading)
            if word and (fault := _fault(cell, word, panel.rules)):
                row.must(not strict, heading, "entry", f"{name} {shown(cell)} {fault}")
            elif word:
                answers[name], shown_here = plain(cell.value), shows(word, panel.rules)
                done |= {name} if shown_here is not False else set()
                if shown_here is None:
                    panel.undecided[word] += 1
                    cells.setdefault(word, (row, heading))
        if found is not None:
            officer = str(row[OFFICER].value or "") if OFFICER in row else ""
            panel.intake.append(Entry(*found, row.at, officer, answers, frozenset(done), *_state(panel.rules, answers, done)))
    for word, (row, heading) in cells.items() if strict and not book.wrong_rules.intersection(COMPLETENESS) else ():
        row.wrong(heading, "entry undecided", f"the entry {quoted(word)} (here and in {panel.undecided[word] - 1} other cells) may or may not "
                  f"mean that something was done; put it into 视为开展的填写 or 视为未开展的填写 of {RULES}")
    if strict and not panel.evaluated and not book.problems:
        book.wrong("no alliances", "has no alliance that the completeness rule lets be evaluated", INTAKE, level=1)


def _fault(cell: Cell, word: str, rules: dict) -> str:
    """Why a cell is no entry; nothing where it is one."""
    if cell.kind in (ERROR, UNCALCULATED):
        return f"is {kind_of(cell)}"
    known = word in rules["视为未开展的填写"] or word in rules["视为开展的填写"]
    return "" if known or any(map(str.isalnum, word)) else "says nothing; leave the cell blank, or write what was done (无 for nothing)"


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
        name, role, post = (row.text(heading) or "" if heading in row else "" for heading in ("姓名", "职务", POST))
        row.must(name or panel.rules["公布专家名单"] != YES, "姓名", "姓名 blank", f"姓名 is blank and 公布专家名单 is {YES}; fill it in")
        own, wrong = set(), False
        for alliance in filter(str.strip, LIST.split(str(row[AFFILIATION].value or ""))):
            try:
                own.add(panel.registry.identify(alliance.strip(), None, panel.name).id)
            except registry.Conflict as conflict:
                wrong = not row.wrong(AFFILIATION, conflict.said)
        for id in sorted(named_in(post, panel.registry) - own) if not wrong else ():
            row.wrong(POST, "own alliance not declared", f"{key} holds a post in {quoted(panel.registry.names[id])}, which {AFFILIATION} "
                      f"({row[AFFILIATION].place}) does not have; add it there, or correct the post")
        panel.experts.append(Expert(key, name, role, post, frozenset(own), bool(post or AFFILIATION in row), row[EXPERT].place))


def named_in(text: str, known: Registry) -> set[str]:
    """The alliances that a text names, by a name or an alias of the registry; the longest are taken first."""
    left, found = normalise(text), set()
    for name, id in sorted((known.by_alias | known.by_name).items(), key=lambda item: -len(item[0])):
        if name in left:
            found.add(id)
            left = left.replace(name, "|")
    return found


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
        if not (source and book.wrong_in(source)) and panel.facts.get(item, number) != number:
            book.wrong("count", f"{item} {panel.facts[item]} is not the {number} that the other sheets count; correct it or leave "
                       "it out", FACTS, book.fact_cells[item])
    for batch in panel.batches:
        if batch.approved is not None and panel.size(batch) > batch.approved:
            book.wrong("more than approved", f"names {panel.size(batch)} alliances of {batch.name}, of which {batch.approved} are approved in "
                       "registry/batches.csv", INTAKE, level=1)
