"""`data/panel/<period>.xlsx` and the files returned to `data/panel/<period>/` -> one checked panel, or every error in them.

What the workbook itself says comes first; then the groups, the marks and the re-review, which may also come back in files.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pandas as pd

from analysis import DATA, period, registry, sheets
from analysis.grades import INCOMPLETE, TOP_SCORE
from analysis.messages import Said
from analysis.panel.rules import EXPERT_GROUPS, EXPERTS, GROUPS, INDICATORS, INTAKE, LIST, MARKS, REVIEWS, RULES, read_rules
from analysis.period import FACTS, NOT_ENTERED
from analysis.problems import FORMULA_STARTS, DataError, Problem, quoted, text_of
from analysis.registry import Registry, normalise
from analysis.tables import CODE, NAME, Book, Row, Table, kind_of, plain, shown
from analysis.workbook import ERROR, UNCALCULATED

FOLDER = "panel"
STAGES = FIRST, SECOND = ("初评", "会评")
GROUP_OF = {FIRST: "初评组", SECOND: "会评组"}
UNITS = 100  # a mark is a whole number of hundredths of a point, so that sums are exact
UNFIT, EVALUATED = "未达评价条件", "参评"  # entered and complete, and yet it shows too little to be evaluated; evaluated
STATES = (NOT_ENTERED, INCOMPLETE, UNFIT, EVALUATED)
SHORT, SHORT_DENIAL = 4, 8  # characters of an entry that says too little to be taken for an activity unseen
KEY, KEEP = ["alliance", "stage", "expert"], "维持"
RETURNED = (MARKS, REVIEWS, GROUPS, EXPERT_GROUPS)
ENTERED, GROUPED = (INDICATORS, RULES, INTAKE), (INDICATORS, RULES, INTAKE, EXPERTS, GROUPS, EXPERT_GROUPS)  # what is to be sound first
NUMBERED, DENIAL = re.compile(r"(\d+(?:\.\d+)?)\D{0,2}"), re.compile(r"[无未没否暂尚不]")


class Panel(period.Period):
    """One checked panel, a period in the making, as frames; `rules` are values, `written` as they stand in the workbook.

    - `indicators` by name: pillar, points; `experts` by key: 姓名, 职务, 单位及职务, own (ids of alliances)
    - `intake` by id, all that 录入 names: 联盟名称, 代码, 批次, 联络员, 情况, 原因, 必填而空着, 空着的指标; `answers`, one for each
      indicator: id, indicator, answer, shown; `undecided`: the cells of each short entry that the rules do not know
    - `groups`: stage, group, alliance; `members`: stage, group, expert; `totals`: a row for each alliance that an expert is to mark at
      a stage, its `units` missing until the marks are in; `marks`: one for each single mark; `reviews` by id: what was decided, and why
    """

    totals = marks = None
    groups = members = pd.DataFrame(columns=["stage"])

    @property
    def alliances(self) -> pd.DataFrame:
        """The rows of `intake` that are evaluated."""
        return self.intake[self.intake["情况"] == EVALUATED]

    @property
    def stages(self) -> list[str]:
        """The stages that there are to be: a stage has a group, or a date."""
        return [stage for stage in STAGES if stage in (FIRST, *self.groups["stage"]) or f"{stage}日期" in self.facts]

    @property
    def interim(self) -> bool:
        """Whether marks of some stage are still to come."""
        return bool(self.totals["units"].isna().any()) or not {*self.stages} <= {*self.totals["stage"]}

    def called(self, key: str) -> str:
        """An expert's key; with the name only where the rules ask for it."""
        return f"{key} {self.experts.at[key, '姓名']}".strip() if self.rules["内部报告写明专家姓名"] else key

    def rows(self, sheet: str) -> Iterator[Row]:
        """The rows of a sheet in the workbook and in every returned file that has it."""
        return (row for book in self.books for row in book.rows(sheet))

    def problems(self) -> list[Problem]:
        """All that is wrong, file by file."""
        return self.unread + [replace(problem, order=(place, *problem.order)) for place, book in enumerate(self.books)
                              for problem in book.problems]

    def sound(self, *names: str) -> bool:
        """Whether nothing is wrong in some sheets, nor with a whole file."""
        return not any(problem.where[1:2] in [(), *((name,) for name in names)] for problem in self.problems())

    def must(self, row: Row, holds: object, heading: str, rule: str, /, *names: str, **values: object) -> bool:
        """Whether something holds; where it does not, and the sheets that it rests on are sound, a problem of the row's cell is noted."""
        return row.must(holds, heading, rule, **values) if holds or self.sound(*names) else False


class PanelBook(Book):
    """A workbook of the panel, or a file that was returned; a sheet of marks may be much longer than one of a score sheet."""

    headings: ClassVar = {INDICATORS: ("一级指标", "二级指标", "分值"), RULES: ("项目", "数值"), FACTS: ("项目", "数值"),
                          EXPERTS: ("专家",), INTAKE: (NAME, CODE), GROUPS: (NAME, CODE, GROUP_OF[FIRST]),
                          EXPERT_GROUPS: ("专家", GROUP_OF[FIRST]), MARKS: ("专家", "阶段", NAME), REVIEWS: (NAME, CODE, "复核评分", "理由")}
    optional, required, times = {}, (), 10


def read(name: str | int, data: Path | str = "", upto: str = MARKS) -> Panel:
    """The checked panel from a data folder, the project's own unless another is named.

    `upto` the sheet 录入 it is read for the chase list, where nothing in an entry is wrong; `upto` 专家 for the groups.
    Raises DataError with every problem of the workbook, of the returned files, or of the registry.
    """
    name, data = str(name), Path(data or DATA)
    known, book = registry.read(data), PanelBook(sheets.path_of(name, data, FOLDER))
    book.required = (INDICATORS, RULES, FACTS, INTAKE, *[EXPERTS] * (upto != INTAKE))
    panel = Panel(name, book.path, book.sha256, known, known.scheme(name))
    panel.books, panel.unread, panel.reviews, panel.undecided = [book], [], {}, {}
    _read_indicators(panel)
    read_rules(panel)
    _read_intake(panel, strict=upto != INTAKE)
    period.read_facts(book, panel)
    sheets.check_dates(book, panel)
    if upto != INTAKE:
        _read_experts(panel)
    if upto == MARKS:
        _read_returned(panel)
    if problems := panel.problems():
        raise DataError(problems)
    panel.facts[period.NATURE] = panel.rules[period.NATURE]
    return panel


def fits(number: float, most: float, places: int = 2) -> bool:
    """Whether a number lies between 0 and the most that there may be, with at most so many decimals."""
    return 0 <= number <= most and abs(number * 10 ** places - round(number * 10 ** places)) < 1e-6


def _read_indicators(panel: Panel) -> None:
    book, seen, found = panel.books[0], {}, {}
    for row in book.rows(INDICATORS):
        pillar, name, points = row.text("一级指标"), row.text("二级指标"), row.number("分值", "分值", Said("panel.over"))
        if pillar and name and row.once("二级指标", "twice.item", quoted(name), normalise(name), seen):
            found[name] = pillar, points or 0
    panel.indicators = pd.DataFrame.from_dict(found, orient="index", columns=["pillar", "points"])
    total = round(panel.indicators["points"].sum(), 2)
    if panel.sound(INDICATORS) and total != TOP_SCORE:
        book.wrong("panel.hundred", INDICATORS, number=total)


def columns_of(table: Table, panel: Panel) -> list[tuple[str, str]]:
    """Each indicator with its heading; those without a column are noted."""
    headings = {normalise(name).rstrip("*"): name for name in panel.indicators.index}
    missing = [name for heading, name in headings.items() if heading not in table.columns]
    if missing and panel.sound(INDICATORS):
        table.book.wrong("panel.columns", table.sheet, number=len(missing), all=len(headings), names="、".join(missing))
    return [(name, heading) for heading, name in headings.items() if heading in table.columns]


def shows(word: str, rules: dict) -> bool | None:
    """Whether an entry shows its activity: by the words of the rules, else by its number; None for a short one that they do not know.

    >>> [shows(word, {"视为未开展的填写": ["无"], "视为开展的填写": ["有"]}) for word in ("无", "0次", "3次", "暂缓", "召开两次理事会")]
    [False, False, True, None, True]
    """
    if word in rules["视为未开展的填写"] or word in rules["视为开展的填写"]:
        return word in rules["视为开展的填写"]
    if number := NUMBERED.fullmatch(word):
        return float(number[1]) > 0
    return None if len(word) <= (SHORT_DENIAL if DENIAL.match(word) else SHORT) else True


def _read_intake(panel: Panel, strict: bool) -> None:
    """Keep the entries, and what the completeness rule makes of them; `strict` if what they leave open is wrong."""
    rows, answers, seen, sound = [], [], {}, panel.sound(INDICATORS, RULES)
    short = {batch.key: batch.short for batch in panel.batches}
    table = panel.books[0].table(INTAKE)
    columns = columns_of(table, panel) if table else []
    for row in table.filled() if table else ():
        found, here = row.alliance(panel, seen), {}
        for name, heading in columns:
            cell, word = row[heading], row.word(heading)
            if cell.kind in (ERROR, UNCALCULATED):
                row.must(not strict, heading, "cell.text", what=name, cell=shown(cell), kind=kind_of(cell))
            elif word and not any(map(str.isalnum, word)):
                row.must(not strict, heading, "panel.nothing", cell=shown(cell))
            elif word:
                activity = shows(word, panel.rules)
                here[name] = plain(cell.value), activity is not False
                if activity is None:
                    panel.undecided.setdefault(word, []).append((row, heading))
        if found:
            id, title, code = found
            blank, needed = [name for name, _ in columns if name not in here], panel.rules["信息完整的必填指标"] or ()
            rows.append((id, title, code, short[code[0]], str(row["联络员"].value or "").lstrip("".join(FORMULA_STARTS)),
                         *(_state(panel.rules, here) if sound else (EVALUATED, "")), "、".join(name for name in needed if name in blank),
                         "、".join(blank)))
            answers += [(id, name, *here.get(name, (None, False))) for name, _ in columns]
    panel.intake = pd.DataFrame(rows, columns=["id", NAME, "代码", "批次", "联络员", "情况", "原因", "必填而空着", "空着的指标"]).set_index("id")
    panel.intake["批次"] = pd.Categorical(panel.intake["批次"], [*short.values()], ordered=True)
    panel.answers = pd.DataFrame(answers, columns=["id", "indicator", "answer", "shown"]).astype({"shown": bool})
    for word, ((row, heading), *others) in panel.undecided.items() if strict and sound else ():
        row.wrong(heading, "panel.undecided", word=quoted(word), number=len(others))
    if strict and panel.alliances.empty and panel.sound(*ENTERED):
        panel.books[0].wrong("panel.nobody", INTAKE)


def _state(rules: dict, answers: dict[str, tuple[str, bool]]) -> tuple[str, str]:
    """What the completeness rule makes of one alliance's entries, and why."""
    done, least = sum(activity for _, activity in answers.values()), rules["可评价的最少开展数"]
    for state, number in ((NOT_ENTERED, max(rules["录入信息的最少填写数"], 1)), (INCOMPLETE, rules["信息完整的最少填写数"])):
        if len(answers) < number:
            return state, f"填写{len(answers)}项，少于{number}项"
    if missing := [name for name in rules["信息完整的必填指标"] if name not in answers]:
        return INCOMPLETE, f"缺少必填的{'、'.join(missing)}"
    return (UNFIT, f"开展{done}项，少于{least}项") if done < least else (EVALUATED, "")


def _read_experts(panel: Panel) -> None:
    rows, seen = {}, {}
    for row in panel.books[0].rows(EXPERTS):
        key = row.text("专家")
        if key is None or not row.once("专家", "twice.item", quoted(key), normalise(key), seen):
            continue
        name, role, post = (row.text(heading) or "" if heading in row else "" for heading in ("姓名", "职务", "单位及职务"))
        own, sound = set(), True
        for alliance in filter(str.strip, LIST.split(str(row["所属联盟"].value or ""))):
            try:
                own.add(panel.registry.identify(alliance.strip(), None, panel.name))
            except registry.Conflict as conflict:
                sound = row.must(False, "所属联盟", conflict.said)
        for id in sorted(named_in(post, panel.registry) - own) if sound else ():
            row.wrong("单位及职务", "panel.own_untold", key=key, name=quoted(panel.registry.names[id]), place=row["所属联盟"].place)
        rows[key] = name, role, post, own
    panel.experts = pd.DataFrame.from_dict(rows, orient="index", columns=["姓名", "职务", "单位及职务", "own"])


def named_in(text: str, known: Registry) -> set[str]:
    """The alliances that a text names, by a name or an alias of the registry; the longest are taken first."""
    names = known.by_alias | known.by_name
    return {names[name] for name in re.findall("|".join(sorted(map(re.escape, names), key=len, reverse=True)), normalise(text))}


def _read_returned(panel: Panel) -> None:
    """Read what the workbook and the returned files hold of groups, marks and decisions; what is wrong is noted."""
    for path in sheets.returned(panel.name, panel.data):
        try:
            book = _opened(path)
        except DataError as error:
            panel.unread += error.problems
            continue
        panel.books.append(book)
        if not book.sheets.keys() & {*RETURNED}:
            book.wrong("panel.no_sheet", sheets=RETURNED)
    panel.keys, panel.entries = {normalise(key): key for key in panel.experts.index}, panel.intake.to_dict("index")
    panel.points, panel.own = panel.indicators["points"].to_dict(), panel.experts["own"].to_dict()
    _read_groups(panel)
    found: dict[tuple, tuple[int, str]] = {}
    for table in filter(None, [book.table(MARKS) for book in panel.books]):
        _read_marks(table, panel, found)
    _read_reviews(panel)
    marks = pd.DataFrame([(*key, *mark) for key, mark in found.items()], columns=[*KEY, "indicator", "units", "place"])
    sums = marks.groupby(KEY)["units"].agg(["sum", "size"]).query("size == @all", local_dict={"all": len(panel.indicators)})["sum"]
    panel.totals["units"] = sums.reindex(pd.MultiIndex.from_frame(panel.totals[KEY])).astype("Int64").array
    panel.marks = marks[pd.MultiIndex.from_frame(marks[KEY]).isin(sums.index)].reset_index(drop=True)


def _opened(path: Path) -> PanelBook:
    """A returned file; a CSV is read as the workbook that it would be, its one sheet known by its headings."""
    if path.suffix.lower() != ".csv":
        return PanelBook(path)
    rows, content = [*csv.reader(io.StringIO(text_of(path), newline=""))], io.BytesIO()
    title = next((sheet for sheet in RETURNED if any({*PanelBook.headings[sheet]} <= {*row} for row in rows)), "CSV")
    pd.DataFrame(itertools.zip_longest(*rows)).T.to_excel(content, sheet_name=title, header=False, index=False)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / path.name).write_bytes(content.getvalue())
        return PanelBook(Path(folder) / path.name)


def _read_groups(panel: Panel) -> None:
    """Who is in which group at which stage, and so who is to mark whom: an expert the alliances of the same group, but no own one."""
    seen, seen_experts = {}, {}
    panel.groups = _placed(panel, GROUPS, "alliance", lambda row: (found := row.alliance(panel, seen)) and found[0])
    panel.members = _placed(panel, EXPERT_GROUPS, "expert", lambda row: (key := _expert(row, panel)) and row.once(
        "专家", "twice.item", quoted(key), key, seen_experts) and key)
    met = panel.groups.merge(panel.members)
    met = met[met["alliance"].isin(panel.alliances.index)]
    own = pd.Series([one.alliance in panel.own[one.expert] for one in met.itertuples()], met.index, bool)
    panel.barred, panel.totals = int(own.sum()), met.loc[~own, [*KEY, "group"]].reset_index(drop=True)
    panel.pairs = {*panel.totals[KEY].itertuples(index=False, name=None)}
    panel.group_of = {(one[2], one.stage): one.group for frame in (panel.groups, panel.members) for one in frame.itertuples(index=False)}
    if panel.sound(*GROUPED):
        _check_groups(panel)


def _placed(panel: Panel, sheet: str, what: str, who: Callable[[Row], str | None]) -> pd.DataFrame:
    """Stage, group, and who is in it."""
    rows = [(found, row) for row in panel.rows(sheet) if (found := who(row))]
    placed = [(stage, row.word(heading), found) for stage, heading in GROUP_OF.items() for found, row in rows if heading in row]
    return pd.DataFrame(placed, columns=["stage", "group", what])


def _check_groups(panel: Panel) -> None:
    """Every evaluated alliance has somebody who may mark it in 初评, and so in 会评 if any alliance has a group there."""
    book, marked = panel.books[0], {pair[:2] for pair in panel.pairs}
    if not marked:
        return book.wrong("panel.no_groups", sheet=GROUPS, period=panel.name)
    for id, name in panel.alliances[NAME].items():
        if stage := next((stage for stage in panel.groups["stage"].unique() if (id, stage) not in marked), ""):
            own = [key for key, theirs in panel.own.items() if id in theirs]
            book.wrong("panel.unmarked", GROUPS, name=quoted(name), stage=stage, own=own or "—",
                       group=panel.group_of.get((id, stage), "—"))
    return None


def _expert(row: Row, panel: Panel) -> str | None:
    """The key of the expert of a row, or None with the problem noted."""
    key = panel.keys.get(row.word("专家"))
    panel.must(row, key, "专家", "panel.unknown", EXPERTS, what="专家", cell=shown(row["专家"]), sheet=EXPERTS)
    return key


def _read_marks(table: Table, panel: Panel, found: dict) -> None:
    """The marks of one file, one a row (long) or one an indicator's column (wide); a blank one is still to come."""
    long = {"指标", "分数"} <= table.columns.keys()
    names, columns = {normalise(name): name for name in panel.indicators.index}, [] if long else columns_of(table, panel)
    for row in table.filled():
        if long:
            name = names.get(row.word("指标"))
            panel.must(row, name, "指标", "panel.unknown", INDICATORS, what="指标", cell=shown(row["指标"]), sheet=INDICATORS)
            columns = [(name, "分数")] if name else []
        units = {name: _units(row, heading, name, panel) for name, heading in columns if heading in row}
        key = _key(row, panel) if units else None
        there = [found[*key, name][-1] for name in units if (*key, name) in found] if key else []
        if there:
            row.wrong("专家", "panel.twice", key=key[2], name=quoted(row[NAME].value), stage=key[1], place=there[0])
        elif key:
            place = f"{table.book.path.name} {MARKS} {row.at}"
            found.update({(*key, name): (one, place) for name, one in units.items() if one is not None})


def _key(row: Row, panel: Panel) -> tuple[str, str, str] | None:
    """Alliance, stage and expert of a row of marks, or None with the problems noted."""
    stage, key, id, name = row.word("阶段"), _expert(row, panel), _evaluated(row, panel), quoted(row[NAME].value)
    if not row.must(stage in STAGES, "阶段", "panel.stage", cell=shown(row["阶段"]), stages=STAGES) or not key or not id:
        return None
    if row.must(id not in panel.own[key], "专家", "panel.own", key=key, name=name):
        own, other = (panel.group_of.get((who, stage), "—") for who in (key, id))
        panel.must(row, (id, stage, key) in panel.pairs or not panel.pairs, "专家", "panel.outside", *GROUPED, key=key,
                   heading=GROUP_OF[stage], group=own, name=name, other=other)
    return id, stage, key


def _evaluated(row: Row, panel: Panel) -> str | None:
    """The id of the evaluated alliance of a row, or None with the problem noted."""
    name, known = str(row[NAME].value), panel.registry
    id = known.id_of(name)
    entry = panel.entries.get(id)
    why = f"{entry['情况']}：{entry['原因']}" if entry else lambda: Said("panel.unlisted", names=known.nearest(name) or "—")
    good = panel.must(row, entry and entry["情况"] == EVALUATED, NAME, "panel.not_evaluated", *ENTERED, name=quoted(name), why=why)
    return id if good else None


def _units(row: Row, heading: str, name: str, panel: Panel) -> int | None:
    """A mark in hundredths of a point, or None with the problem noted."""
    most = panel.points[name]
    mark = row.number(heading, name, Said("panel.upto", points=most))
    good = mark is not None and panel.must(row, fits(mark, most), heading, "panel.mark", INDICATORS, mark=mark, name=name, points=most)
    return round(mark * UNITS) if good else None


def _read_reviews(panel: Panel) -> None:
    """Read what the re-review decided; a row of minutes that is not filled in so far is no decision."""
    seen: dict[str, str] = {}
    for row in (row for row in panel.rows(REVIEWS) if "复核评分" in row or "理由" in row):
        found, decision = row.alliance(panel, seen), row.word("复核评分")
        if decision != KEEP and (score := row.number("复核评分", "复核评分", Said("panel.decide", keep=KEEP))) is not None:
            row.must(fits(score, TOP_SCORE, panel.places), "复核评分", "panel.decision", score=score, places=panel.places, keep=KEEP)
            decision = f"{score:.{panel.places}f}"
        reason, id = row.text("理由"), found and _evaluated(row, panel)
        if id:
            panel.reviews[id] = decision, reason
