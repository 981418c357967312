"""`data/panel/<period>.xlsx` and the files returned to `data/panel/<period>/` -> one checked panel, or every error in them.

What the workbook itself says is read here; the groups, the marks and the re-review, which may also come back in files, in `marks`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from analysis import DATA, period, registry, sheets
from analysis.grades import INCOMPLETE, TOP_SCORE
from analysis.messages import Said
from analysis.panel.rules import EXPERT_GROUPS, EXPERTS, GROUPS, INDICATORS, INTAKE, LIST, MARKS, REVIEWS, RULES, read_rules
from analysis.period import FACTS, NOT_ENTERED
from analysis.problems import DataError, quoted
from analysis.registry import Registry, normalise
from analysis.tables import CODE, NAME, Book, Table, kind_of, plain, shown
from analysis.workbook import ERROR, UNCALCULATED

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "panel"
STAGES = FIRST, SECOND = ("初评", "会评")
GROUP_OF = {FIRST: "初评组", SECOND: "会评组"}
UNITS = 100  # a mark is a whole number of hundredths of a point, so that sums are exact
UNFIT = "未达评价条件"  # entered and complete, and yet it shows too little to be evaluated
SHORT, SHORT_DENIAL = 4, 8  # characters of an entry that says too little to be taken for an activity unseen
NUMBERED, DENIAL = re.compile(r"(\d+(?:\.\d+)?)\D{0,2}"), re.compile(r"[无未没否暂尚不]")


class Indicator(NamedTuple):
    """A second-level indicator under its first-level one; `points` is the most that it can bring."""

    pillar: str
    name: str
    points: Fraction


class Expert(NamedTuple):
    """An expert as the marks call them; `own` are the alliances of an own affiliation."""

    key: str
    name: str
    role: str
    post: str
    own: frozenset[str]


@dataclass(frozen=True)
class Entry(period.Alliance):
    """What one alliance entered: `answers` by indicator where there is one, `shown` the activities that they show.

    `state` is empty for an alliance that is evaluated, else 未达评价条件, 信息不完整 or 未录入; `why` says what was missing.
    """

    officer: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    shown: frozenset[str] = frozenset()
    why: str = ""


class Review(NamedTuple):
    """What the re-review decided for one alliance (no score: 维持, the panel's stands), and why."""

    score: Decimal | None
    reason: str


@dataclass
class Panel(period.Period):
    """One checked panel: a period in the making; `rules` as values and as `written`; `evaluated` are those of `intake`, by id.

    `groups` has by sheet (分组, 专家分组) and stage the group of each alliance (id) or expert (key). `totals` has a row for each
    alliance that an expert is to mark at a stage, its `units` missing until the marks are in; `marks` one for each single mark.
    """

    rules: dict[str, object] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    indicators: list[Indicator] = field(default_factory=list)
    intake: list[Entry] = field(default_factory=list)
    evaluated: dict[str, Entry] = field(default_factory=dict)
    undecided: Counter[str] = field(default_factory=Counter)
    experts: dict[str, Expert] = field(default_factory=dict)
    groups: dict[tuple[str, str], dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    reviews: dict[str, Review] = field(default_factory=dict)
    totals: pd.DataFrame | None = None
    marks: pd.DataFrame | None = None

    @property
    def batches(self) -> list[registry.Batch]:
        """The batches that were in the programme, with the sizes that the registry has."""
        return self.registry.batches_in(self.name)

    @property
    def stages(self) -> list[str]:
        """The stages that there are to be: a stage has a group, or a date."""
        return [stage for stage in STAGES if stage == FIRST or self.groups[GROUPS, stage] or f"{stage}日期" in self.facts]

    @property
    def interim(self) -> bool:
        """Whether marks of some stage are still to come."""
        return bool(self.totals["units"].isna().any()) or not {*self.stages} <= {*self.totals["stage"]}

    @property
    def places(self) -> int:
        """The decimals of a score."""
        return int(self.rules["评分小数位"])

    def called(self, key: str) -> str:
        """An expert's key; with the name only where the rules ask for it."""
        return f"{key} {self.experts[key].name}".strip() if self.rules["内部报告写明专家姓名"] else key


class PanelBook(Book):
    """A workbook of the panel, or a file that was returned; a sheet of marks may be much longer than one of a score sheet."""

    headings: ClassVar = {INDICATORS: ("一级指标", "二级指标", "分值"), RULES: ("项目", "数值"), FACTS: ("项目", "数值"),
                          EXPERTS: ("专家",), INTAKE: (NAME, CODE), GROUPS: (NAME, CODE, GROUP_OF[FIRST]),
                          EXPERT_GROUPS: ("专家", GROUP_OF[FIRST]), MARKS: ("专家", "阶段", NAME), REVIEWS: (NAME, CODE, "复核评分", "理由")}
    optional, required, times = {}, (), 10


def read(name: str | int, data: Path | str = "", upto: str = MARKS) -> Panel:
    """The checked panel from a data folder, the project's own unless another is named.

    `upto` the sheet 录入 it is read for the chase list, where nothing in an entry is wrong; `upto` 专家 for the groups.
    Raises DataError with every problem of the workbook, or of the registry; of the returned files once the workbook is sound.
    """
    name, data = str(name), Path(data or DATA)
    known = registry.read(data)
    book = PanelBook(sheets.path_of(name, data, FOLDER))
    book.required = (INDICATORS, RULES, FACTS, INTAKE, *[EXPERTS] * (upto != INTAKE))
    panel = Panel(name, book.path, book.sha256, known, known.scheme(name))
    _read_indicators(book, panel)
    read_rules(book, panel)
    if not book.problems:
        _read_intake(book, panel, strict=upto != INTAKE)
    period.read_facts(book, panel)
    sheets.check_dates(book, panel)
    if upto != INTAKE:
        _read_experts(book, panel)
        for item, number in counted(panel).items() if not book.problems else ():
            period.must(book, panel, panel.facts.get(item, number) == number, item, "panel.count_of", number=number)
    if book.problems:
        raise DataError(book.problems)
    panel.facts[period.NATURE] = panel.rules[period.NATURE]
    if upto == MARKS:
        from analysis.panel import marks

        marks.read(book, panel)
    return panel


def fits(number: float, most: float, places: int = 2) -> bool:
    """Whether a number lies between 0 and the most that there may be, with at most so many decimals."""
    return 0 <= number <= most and abs(number * 10 ** places - round(number * 10 ** places)) < 1e-6


def _read_indicators(book: PanelBook, panel: Panel) -> None:
    seen: dict[str, str] = {}
    for row in book.rows(INDICATORS):
        pillar, name, points = row.text("一级指标"), row.text("二级指标"), row.number("分值", "分值", Said("panel.over"))
        if points is not None:
            row.must(points > 0 and fits(points, TOP_SCORE), "分值", "panel.points", number=points)
        if pillar and name and row.once("二级指标", "twice.item", quoted(name), normalise(name), seen):
            panel.indicators.append(Indicator(pillar, name, Fraction(round((points or 0) * UNITS), UNITS)))
    total = float(sum(indicator.points for indicator in panel.indicators))
    if panel.indicators and total != TOP_SCORE and not book.wrong_in(INDICATORS):
        book.wrong("panel.hundred", INDICATORS, level=1, number=total)


def columns_of(table: Table, panel: Panel) -> list[tuple[Indicator, str]]:
    """Each indicator with its heading; those without a column are noted."""
    headings = {normalise(i.name).rstrip("*"): i for i in panel.indicators}
    if missing := [i.name for heading, i in headings.items() if heading not in table.columns]:
        table.book.wrong("panel.columns", table.sheet, level=2, number=len(missing), all=len(headings), names="、".join(missing))
    return [(i, heading) for heading, i in headings.items() if heading in table.columns]


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
    columns, seen, cells = columns_of(table, panel), {}, {}
    for row in table.filled():
        found, answers, done = row.alliance(panel, seen), {}, set()
        for indicator, heading in columns:
            cell, word = row[heading], row.word(heading)
            if cell.kind in (ERROR, UNCALCULATED):
                row.must(not strict, heading, "cell.text", what=indicator.name, cell=shown(cell), kind=kind_of(cell))
            elif word and not any(map(str.isalnum, word)):
                row.must(not strict, heading, "panel.nothing", cell=shown(cell))
            elif word:
                answers[indicator.name], activity = plain(cell.value), shows(word, panel.rules)
                done |= {indicator.name} if activity is not False else set()
                if activity is None:
                    panel.undecided[word] += 1
                    cells.setdefault(word, (row, heading))
        if found:
            state, why = _state(panel.rules, answers, done)
            panel.intake.append(Entry(*found, row.at, state=state, officer=str(row["联络员"].value or ""), answers=answers,
                                      shown=frozenset(done), why=why))
    panel.evaluated = {entry.id: entry for entry in panel.intake if not entry.state}
    for word, (row, heading) in cells.items() if strict else ():
        row.wrong(heading, "panel.undecided", word=quoted(word), number=panel.undecided[word] - 1)
    if strict and not panel.evaluated and not book.wrong_in(INTAKE):
        book.wrong("panel.nobody", INTAKE, level=1)


def _state(rules: dict, answers: dict[str, str], done: set[str]) -> tuple[str, str]:
    """What the completeness rule makes of one alliance's entries, and why; both empty for one that is evaluated."""
    if not answers:
        return NOT_ENTERED, "没有填写任何一项"
    for state, item in ((NOT_ENTERED, "录入信息的最少填写数"), (INCOMPLETE, "信息完整的最少填写数")):
        if len(answers) < rules[item]:
            return state, f"填写{len(answers)}项，少于{rules[item]}项"
    if missing := [name for name in rules["信息完整的必填指标"] if name not in answers]:
        return INCOMPLETE, f"缺少必填的{'、'.join(missing)}"
    least = rules["可评价的最少开展数"]
    return (UNFIT, f"开展{len(done)}项，少于{least}项") if len(done) < least else ("", "")


def _read_experts(book: PanelBook, panel: Panel) -> None:
    seen: dict[str, str] = {}
    for row in book.rows(EXPERTS):
        key = row.text("专家")
        if key is None or not row.once("专家", "twice.item", quoted(key), normalise(key), seen):
            continue
        name, role, post = (row.text(heading) or "" if heading in row else "" for heading in ("姓名", "职务", "单位及职务"))
        row.must("姓名" in row or not panel.rules["公布专家名单"], "姓名", "panel.unnamed")
        own, sound = set(), True
        for alliance in filter(str.strip, LIST.split(str(row["所属联盟"].value or ""))):
            try:
                own.add(panel.registry.identify(alliance.strip(), None, panel.name))
            except registry.Conflict as conflict:
                sound = row.must(False, "所属联盟", conflict.said)
        for id in sorted(named_in(post, panel.registry) - own) if sound else ():
            row.wrong("单位及职务", "panel.own_untold", key=key, name=quoted(panel.registry.names[id]), place=row["所属联盟"].place)
        panel.experts[key] = Expert(key, name, role, post, frozenset(own))


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
    named = Counter(entry.batch for entry in panel.intake)
    counts = {period.REGISTERED: sum(max(batch.approved or 0, named[batch.key]) for batch in panel.batches),
              period.ENTERED: states[""] + states[UNFIT] + states[INCOMPLETE], period.INCOMPLETE_TOTAL: states[INCOMPLETE],
              period.EVALUATED_TOTAL: states[""], period.EXPERTS_TOTAL: len(panel.experts)}
    website = next((i.name for i in panel.indicators if "网站" in i.name), None)
    return counts | ({period.WEBSITES: sum(website in entry.shown for entry in panel.evaluated.values())} if website else {})
