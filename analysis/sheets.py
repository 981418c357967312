"""A workbook -> one checked period, or every error in it. What the sheets hold is in data/README.md."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from analysis import DATA, fonts, registry, workbook
from analysis.registry import CODE, Registry, normalise
from analysis.grades import BEST_FIRST, GRADES, HIGH, INCOMPLETE, NOT_EVALUATED, TOP_SCORE, Scheme
from analysis.problems import FORMULA_STARTS, SHOWN_OF_ONE_KIND, DataError, Problem, hidden, quoted
from analysis.workbook import ERROR, PERCENT, UNCALCULATED, Cell, Unreadable

FOLDER = "score_sheets"
SCORES, FACTS, ABSENT, ACTIVITIES, TOTALS, A_LEVEL, EXPERTS = (
    "评分表", "评价期", "未参评", "协同创新活动", "活动汇总", "A级名单", "专家组")
HEADINGS = {
    SCORES: ("联盟名称", "批次", "评分"),
    FACTS: ("项目", "数值"),
    ABSENT: ("联盟名称", "批次", "情况"),
    ACTIVITIES: ("等级", "联盟数"),
    TOTALS: ("项目", "数值", "单位"),
    A_LEVEL: ("联盟名称", "批次"),
    EXPERTS: ("职务", "姓名", "单位及职务"),
}
OPTIONAL_HEADINGS = {SCORES: ("序号", "等级"), ABSENT: ("序号",), A_LEVEL: ("序号",)}
REQUIRED_SHEETS = (SCORES, FACTS)
TO_FILL = {  # the columns that a template leaves empty
    SCORES: ("联盟名称", "批次", "评分", "等级"), FACTS: ("数值",), ABSENT: ("联盟名称", "批次", "情况"), ACTIVITIES: ("联盟数",),
    TOTALS: ("数值",), A_LEVEL: ("联盟名称", "批次"), EXPERTS: ("职务", "姓名", "单位及职务"),
}
NATURE, SIMULATED = "数据性质", "模拟数据"
START, END = "开始日期", "结束日期"
DAYS_IN_A_MONTH = 30.436875
DATES = (START, END, "启动会日期", "会评日期", "复核日期")
REGISTERED, ENTERED, INCOMPLETE_TOTAL, EVALUATED_TOTAL = "登记联盟数", "录入信息联盟数", "信息不完整联盟数", "参评联盟数"
COUNTS = (REGISTERED, ENTERED, INCOMPLETE_TOTAL, EVALUATED_TOTAL, "专家人数", "有网站联盟数")
NOT_ENTERED = "未录入"
HEADING_ROWS, LONGEST_HEADING = 1000, 100  # where headings are looked for
MOST_ROWS = 10_000
GRADE_ROW = re.compile(r"([^(]+)\(共?(\d{1,6})[家个]?\)")
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # full-width forms of ASCII
DATE_TEXT = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
NOTE_STARTS = ("*", "备注", "注：")
ONE_SPACE = dict.fromkeys(map(ord, SPACES), " ")


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
    """An alliance with a grade; `score` is None where it was withheld."""

    score: float | None = None
    grade: str = ""
    columns: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Absent(Alliance):
    """An alliance of the sheet 未参评; `state` is 信息不完整 or 未录入."""

    state: str = ""


@dataclass
class Period:
    """One evaluation as its workbook tells it, checked. Optional sheets that are not there are empty."""

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
    def batches(self) -> list[registry.Batch]:
        """The batches that were in the programme, in order."""
        return self.registry.batches_in(self.name)

    def summary(self) -> str:
        """One line that says the sheet is sound, with the counts by grade and batch."""
        grades = Counter(a.grade for a in self.evaluated)
        batches = Counter(a.batch for a in self.evaluated)
        by_grade = ", ".join(f"{self.scheme.labels[g]} {grades[g]}" for g in BEST_FIRST)
        by_batch = ", ".join(f"{b.short} {batches[b.key]}" for b in self.batches)
        return f"{self.path.name} is sound: {len(self.evaluated)} evaluated ({by_grade}; {by_batch})"


def path_of(period: str, data: Path, folder: str = FOLDER) -> Path:
    """Where the score sheet of a period lies, or its workbook in another folder."""
    return data / folder / f"{period}.xlsx"


def periods(data: Path, folder: str = FOLDER) -> list[str]:
    """The periods with a sheet, or with a workbook in another folder, earliest first."""
    names = (path.stem for path in (data / folder).glob("*.xlsx"))
    return sorted(name for name in names if registry.PERIOD.fullmatch(name))


def misnamed(data: Path) -> list[str]:
    """The workbooks among the score sheets that no period is read from, by their names; a lock file is none."""
    names = (path.name for path in (data / FOLDER).glob("*.xlsx") if not path.name.startswith("~$"))
    return sorted(name for name in names if not registry.PERIOD.fullmatch(name.removesuffix(".xlsx")))


class Unfilled(DataError):
    """The workbook is a template that nobody has filled in yet."""


def filled_periods(data: Path) -> tuple[list[str], list[str]]:
    """The periods whose workbook holds something (be it wrong), and those with a template not filled in; earliest first."""
    filled, empty = [], []
    for period in periods(data):
        try:
            unfilled = _Workbook(path_of(period, data)).unfilled
        except DataError:
            unfilled = False
        (empty if unfilled else filled).append(period)
    return filled, empty


def read(period: str | int, data: Path | str = "") -> Period:
    """The checked period from a data folder, the project's own unless another is named.

    Raises DataError with every problem of the workbook, or of the registry; Unfilled for an unfilled template.
    """
    period, data = str(period), Path(data or DATA)
    known = registry.read(data)
    path = path_of(period, data)
    book = _Workbook(path)
    if book.unfilled:
        raise Unfilled([Problem("unfilled", (path.name,), "is not filled in yet: a template without an alliance or a value")])
    reading = Period(period, path, book.sha256, known, known.scheme(period), changed_in_reading=book.changed)
    for reader in (_read_scores, _read_facts, _read_absent, _read_activities, _read_totals, _read_a_level, _read_experts):
        reader(book, reading)
    _check_totals(book, reading)
    _check_dates(book, reading, data)
    if book.problems:
        raise DataError(book.problems)
    return reading


def notes(reading: Period) -> list[str]:
    """What an analyst should know of a sound sheet: what was changed in reading, and how it sits with the registry."""
    known, said = reading.registry, []
    changed = "; ".join(f"{number} × {what}" for what, number in reading.changed_in_reading.items() if number)
    if changed:
        said.append(f"changed in reading (the file is as it was): {changed}")
    by_alias = [a.name for a in (*reading.evaluated, *reading.absent) if a.how == "alias"]
    if by_alias:
        said.append(f"known by an alias: {'、'.join(by_alias)}")
    new = {a.id: a for a in (*reading.evaluated, *reading.absent, *reading.a_level) if not known.known_codes(a.id)}
    if new:
        lines = "、".join(f"{a.name} ({a.id},{reading.name},{a.code},certain)" for a in new.values())
        said.append(f"new, without a code in registry/codes.csv; add a line for each: {lines}")
    for period, failing in earlier_grades(reading).items() if reading.a_level else ():
        if failing:
            names = "、".join(f"{a.name} ({was}, {A_LEVEL} row {a.row})" for a, was in failing)
            said.append(f"in {A_LEVEL}, but not {reading.scheme.labels[HIGH]} in {period}.xlsx: {names}")
    unused = _unused_aliases(known, reading.data)
    if unused:
        said.append(f"aliases in no sheet and no published report: {'、'.join(unused)}")
    if reading.name not in known.periods:
        said.append(f'not in registry/periods.csv; add the line "{reading.name},{reading.start},{reading.end},"')
    if reading.scheme.declared != reading.name:
        said.append(f"no grades of its own in registry/schemes.csv; those of {reading.scheme.declared} hold")
    return said


def _unused_aliases(registry: Registry, data: Path) -> list[str]:
    """The aliases that no sheet of any period has, not even inside an expert's post, and no published report prints."""
    names, posts = set(), [normalise(path.read_text("utf-8-sig", errors="replace")) for path in (data / "published").glob("*.csv")]
    for period in periods(data):
        try:
            book = _Workbook(path_of(period, data), locked=True)
        except DataError:
            continue  # its own check says why
        for sheet, rows in book.sheets.items():
            found = [normalise(cell.value) for row in rows for cell in row.values() if isinstance(cell.value, str)]
            names.update(found)
            posts += found if sheet == normalise(EXPERTS) else ()
    return [alias for alias in registry.aliases
            if normalise(alias) not in names and not any(normalise(alias) in post for post in posts)]


def earlier_grades(reading: Period) -> dict[str, list[tuple[Alliance, str]] | None]:
    """For each of the two periods before: who of the A-level list was not 活跃度高 there, and what instead; None without a sheet."""
    before = [p for p in reading.registry.periods if registry.first_year(p) < registry.first_year(reading.name)][-2:]
    found: dict[str, list[tuple[Alliance, str]] | None] = dict.fromkeys(before)
    for period in set(before) & set(periods(reading.data)):
        try:
            sheet = read(period, reading.data)
        except DataError:
            continue  # its own check says why
        was = {a.id: a.state for a in sheet.absent} | {a.id: a.grade for a in sheet.evaluated}
        found[period] = [(a, sheet.scheme.labels.get(was.get(a.id, ""), was.get(a.id, NOT_EVALUATED)))
                         for a in reading.a_level if was.get(a.id) != HIGH]
    return found


Row = dict[int, Cell]


@dataclass
class _Table:
    """The part of a sheet under its headings; `columns` maps a heading to its column."""

    sheet: str
    columns: dict[str, int]
    rows: list[Row]

    def cell(self, row: Row, heading: str) -> Cell:
        """The cell of a row under a heading; an empty one where there is none."""
        column = self.columns.get(heading, 0)
        return row.get(column) or Cell(None, next(iter(row.values())).row, column or 1)

    def holds(self, row: Row, headings: Iterable[str]) -> bool:
        """Whether a row has something under one of the headings."""
        return any(self.columns.get(heading, 0) in row for heading in headings)

    def filled(self) -> list[Row]:
        """The rows that are not a note under the table."""
        return [row for row in self.rows if not str(next(iter(row.values())).value).startswith(NOTE_STARTS)]


def _headings(rows: list[Row], needed: tuple[str, ...]) -> tuple[int, dict[str, list[Cell]]]:
    """The first row that holds the needed headings, or most of them: its index, and its headings with their cells."""
    best: tuple[int, int, dict[str, list[Cell]]] = (0, 0, {})
    for index, row in enumerate(rows[:HEADING_ROWS]):
        found: dict[str, list[Cell]] = {}
        for cell in row.values():
            if isinstance(cell.value, str) and len(cell.value) <= LONGEST_HEADING:
                found.setdefault(normalise(cell.value).rstrip("*"), []).append(cell)
        held = sum(heading in found for heading in needed)
        if held > best[0]:
            best = (held, index, found)
        if held == len(needed):
            break
    return best[1:]


class _Workbook:
    """The sheets of a workbook that a period may have, and the problems found in them so far."""

    headings, optional, required, most_rows, most_times = HEADINGS, OPTIONAL_HEADINGS, REQUIRED_SHEETS, MOST_ROWS, 1

    def __init__(self, path: Path, locked: bool = False):
        self.path = path
        self.problems: list[Problem] = []
        self.kinds: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()
        self.fact_cells: dict[str, Cell] = {}
        self.listed: dict[str, int] = {}
        try:
            content = workbook.content_of(path, locked)
            self.names, sheets = workbook.read(content, lambda name: normalise(name) in map(normalise, self.headings),
                                               self.most_times)
        except Unreadable as error:
            where = tuple(part for part in (path.name, error.sheet, error.place) if part)
            raise DataError([Problem(error.kind, where, error.message)]) from None
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.order = {normalise(name): index for index, name in reversed([*enumerate(self.names)])}
        self.sheets: dict[str, list[Row]] = {}
        self.trimmed: set[tuple[str, int, int]] = set()
        for name, rows in sheets.items():
            key = normalise(name)
            if key in self.sheets:
                self.wrong("sheet twice", f"there are two sheets {quoted(key)}; keep one", key, level=1)
            else:
                self.sheets[key] = [row for row in (self._trimmed(key, row) for row in rows.values()) if row]

    def _trimmed(self, sheet: str, row: Row) -> Row:
        kept = {}
        for column, cell in row.items():
            text = cell.value.strip(SPACES) if isinstance(cell.value, str) else cell.value
            if text == cell.value:
                kept[column] = cell
            elif text:
                kept[column] = cell._replace(value=text)
                self.trimmed.add((sheet, cell.row, column))
        return kept

    @property
    def unfilled(self) -> bool:
        """Whether the sheets have their headings and nothing where a template has nothing."""
        for sheet, needed in HEADINGS.items():
            rows = self.sheets.get(normalise(sheet))
            if rows is None and sheet not in REQUIRED_SHEETS:
                continue
            index, found = _headings(rows or [], needed)
            if any(heading not in found for heading in needed):
                return False
            table = _Table(sheet, {heading: cells[0].column for heading, cells in found.items()}, rows[index + 1:])
            to_fill = [h for h in table.columns if h != "等级"] if sheet == ACTIVITIES else TO_FILL[sheet]
            if any(table.holds(row, to_fill) for row in table.rows):
                return False
        return True

    def wrong(self, kind: str, message: str | Callable[[], str], sheet: str = "", cell: Cell | None = None,
              level: int = 3) -> None:
        """Note a problem; `level` is 0 for the file, 1 a sheet, 2 its columns, 3 its rows.

        A message that takes long to find is given as a function, and found only if it will be shown.
        """
        self.kinds[kind] += 1
        if callable(message):
            message = message() if self.kinds[kind] <= SHOWN_OF_ONE_KIND else kind
        where = tuple(part for part in (self.path.name, sheet, cell.place if cell else "") if part)
        order = (level, self.order.get(normalise(sheet), -1), cell.row if cell else 0, cell.column if cell else 0)
        self.problems.append(Problem(kind, where, message, order))

    def wrong_in(self, sheet: str) -> bool:
        """Whether something is wrong in a sheet, so that what it lists cannot be counted on."""
        return any(problem.where[1:2] == (sheet,) for problem in self.problems)

    def table(self, sheet: str) -> _Table | None:
        """The table of a sheet, or None where there is none; missing and double headings are noted."""
        key = normalise(sheet)
        needed, optional = self.headings[sheet], self.optional.get(sheet, ())
        if key not in self.sheets:
            if sheet in self.required:
                self.wrong("sheet missing", f"has no sheet {sheet}; found {', '.join(self.names)}", level=1)
            return None
        rows = self.sheets[key]
        index, found = _headings(rows, needed)
        missing = [heading for heading in needed if heading not in found]
        if missing:
            there = "、".join(f"{quoted(h)[1:-1]} ({cells[0].place})" for h, cells in found.items()) or "none of them"
            self.wrong("column missing", f"no row holds all of {'、'.join(needed)}: {'、'.join(missing)} is missing; found "
                       f"{there}", sheet, level=2)
            return None
        if len(rows) > self.most_rows:
            self.wrong("too many rows", f"has {len(rows):,} filled rows, more than {self.most_rows:,}; keep only those of the period",
                       sheet, level=1)
            return None
        for heading in found if sheet == ACTIVITIES else (*needed, *optional):
            for cell in found.get(heading, ())[1:]:
                self.wrong("heading twice", f"the heading {heading} stands in {found[heading][0].place} too; keep one column",
                           sheet, cell, level=2)
        table = _Table(sheet, {heading: cells[0].column for heading, cells in found.items()}, rows[index + 1:])
        read = {table.columns[h] for h in (*needed, *optional) if h in table.columns}
        self.changed["spaces around a text"] += sum((key, cell.row, column) in self.trimmed
                                                    for row in table.rows for column, cell in row.items() if column in read)
        return table

    def text(self, sheet: str, cell: Cell, what: str) -> str | None:
        """A cell as text that may stand in a report, or None with the problem noted."""
        value = cell.value
        if value is None:
            self.wrong(f"{what} blank", f"{what} is blank; fill it in", sheet, cell)
            return None
        if isinstance(value, (bool, dt.date, dt.time)) or cell.kind in (ERROR, UNCALCULATED):
            self.wrong(f"{what} not text", f"{what} {_shown(cell)} is {_kind(cell)}; write it as text", sheet, cell)
            return None
        text = _plain(value)
        if isinstance(value, str) and unicodedata.normalize("NFKC", text[0]) in FORMULA_STARTS:
            self.wrong("formula in text", f"{what} {quoted(text)} starts with {quoted(text[0])}, which a spreadsheet would run; "
                       "write it without", sheet, cell)
            return None
        if found := hidden(text):
            self.wrong("invisible character", f"{what} {quoted(text)} contains {found}; remove it", sheet, cell)
            return None
        if missing := fonts.missing(text):
            shown = "、".join(f"{c} (U+{ord(c):04X})" for c in missing)
            self.wrong("character not in the fonts", f"{what} {quoted(text)} has {shown}, which the report's fonts cannot show; "
                       "write it another way, or see analysis/fonts/README.md", sheet, cell)
            return None
        spaced = text.translate(ONE_SPACE)
        self.changed["no-break or wide space in a text"] += spaced != text
        return spaced

    def number(self, sheet: str, cell: Cell, what: str, expected: str, whole: bool = False) -> float | None:
        """A cell as a finite number, or None with the problem noted."""
        value = cell.value
        if value is None:
            self.wrong(f"{what} blank", f"{what} is blank; {expected}", sheet, cell)
            return None
        if isinstance(value, str) and not cell.kind:
            folded = value.translate(NARROW)
            if NUMBER.fullmatch(folded):
                self.changed["number stored as text"] += 1
                value = float(folded)
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and not cell.kind and math.isfinite(value)
        if not good:
            self.wrong(f"{what} not a number", f"{what} {_shown(cell)} is {_kind(cell)}; {expected}", sheet, cell)
            return None
        if whole and (value != int(value) or value < 0):
            self.wrong(f"{what} not a count", f"{what} {value:g} is not a whole number from 0; {expected}", sheet, cell)
            return None
        return int(value) if whole else float(value)

    def word(self, cell: Cell) -> str:
        """A cell as a word to be compared with known ones."""
        return normalise(_plain(cell.value)) if cell.value is not None else ""

    def alliance(self, table: _Table, row: Row, reading: Period, seen: dict[str, str] | None = None) -> tuple[str, str, str, str] | None:
        """Id, name, code and way of matching of the alliance in a row, or None with the problems noted.

        `seen` maps the ids and codes of the rows above to their places.
        """
        name_cell, code_cell = table.cell(row, "联盟名称"), table.cell(row, "批次")
        name = self.text(table.sheet, name_cell, "name")
        code = self.text(table.sheet, code_cell, "code")
        if code is not None:
            folded = normalise(code)
            self.changed["width or case of a code"] += folded != code
            if not CODE.fullmatch(folded):
                self.wrong("code form", f"code {quoted(code)} is not three digits, or D and three digits", table.sheet,
                           code_cell)
                code = None
            elif folded[0] not in {b.key for b in reading.batches}:
                known = "、".join(f"{b.key} {b.short}" for b in reading.batches)
                self.wrong("code of no batch", f"code {quoted(code)} is of no batch of {reading.name} ({known})",
                           table.sheet, code_cell)
                code = None
            else:
                code = folded
        if name is None:
            return None
        try:
            match = reading.registry.identify(name, code, reading.name)
        except registry.Conflict as conflict:
            cell = code_cell if conflict.about_code else name_cell
            above = (seen or {}).get(f"id {reading.registry.id_of(name)}")
            pasted = (f"{quoted(name)} stands in {above} already, and the code {code} here is another's; write the name that belongs to "
                      f"the code, or remove the row") if above and code else ""
            self.wrong("name pasted twice" if pasted else conflict.kind, pasted or conflict.__str__, table.sheet, cell)
            return None
        return (match.id, name, code, match.how) if code else None

    def twice(self, what: str, shown: str, seen: dict[str, str], key: str, sheet: str, cell: Cell) -> bool:
        """Whether a key stands in a sheet already, which is noted; `seen` keeps the place of the first."""
        if key in seen:
            self.wrong(f"{what} twice", f"{shown} stands in {seen[key]} already; keep one", sheet, cell)
            return True
        seen[key] = cell.place
        return False

    def once(self, table: _Table, row: Row, seen: dict[str, str], id: str, code: str) -> None:
        """Note an alliance or a code that was listed already; `seen` maps both to their place."""
        for key, heading, what in ((f"id {id}", "联盟名称", "alliance"), (f"code {code}", "批次", "code")):
            cell = table.cell(row, heading)
            if key in seen:
                self.wrong(f"{what} twice", f"{what} {_shown(cell)} stands in {seen[key]} already; keep one", table.sheet, cell)
                break
        for key, heading in ((f"id {id}", "联盟名称"), (f"code {code}", "批次")):
            seen.setdefault(key, table.cell(row, heading).place)


def _plain(value: object) -> str:
    """A value as a person would type it: 101 for 101.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _shown(cell: Cell) -> str:
    if cell.kind == UNCALCULATED:
        return "(a formula)"
    if isinstance(cell.value, dt.datetime):
        return quoted(cell.value.date() if cell.value.time() == dt.time() else cell.value)
    if cell.kind == PERCENT:
        return f"{cell.value:.4%}".rstrip("%").rstrip("0").rstrip(".") + "%"
    return quoted(cell.value) if isinstance(cell.value, str) else _plain(cell.value)


def _kind(cell: Cell) -> str:
    if cell.kind == UNCALCULATED:
        return "not calculated yet (open the sheet in Excel and save it)"
    if cell.kind == ERROR:
        return "an error of the spreadsheet"
    if cell.kind == PERCENT:
        return "a percentage, not a number"
    if isinstance(cell.value, bool):
        return "TRUE or FALSE, not a number"
    if isinstance(cell.value, (dt.date, dt.time)):
        return "a date, not a number"
    return "blank" if cell.value is None else "not a number"


def _read_scores(book: _Workbook, reading: Period) -> None:
    table = book.table(SCORES)
    if table is None:
        return
    section, announced, under, section_cell = None, None, 0, None
    seen: dict[str, str] = {}
    labels = "、".join(reading.scheme.labels.values())
    columns = {table.columns.get(heading, 0) for heading in (*TO_FILL[SCORES], "序号")}
    extra = set(table.columns.values()) - columns
    marks = {table.columns.get(heading, 0) for heading in ("批次", "评分", "等级")}

    def close_section() -> None:
        if section is not None and announced is not None and announced != under:
            book.wrong("count of a grade row", f"the row says {announced} alliances of {reading.scheme.labels[section]}, "
                       f"{under} follow; correct the row or the list", SCORES, section_cell)

    for row in table.rows:
        known = [cell for cell in row.values() if cell.column in columns] or list(row.values())
        words = normalise(known[0].value) if isinstance(known[0].value, str) else ""
        if words.lstrip("*").startswith(("备注", "注:")) and not marks.intersection(cell.column for cell in known[1:]):
            continue
        parts = GRADE_ROW.fullmatch(words)
        if len(known) == 1 and words and (parts or known[0].column != table.columns.get("等级")):
            grade = reading.scheme.named(parts[1] if parts else words)
            if grade or parts:
                close_section()
                section, announced, under, section_cell = grade, int(parts[2]) if parts else None, 0, known[0]
            if not grade and known[0].column not in extra:
                book.wrong("row not understood", f"{_shown(known[0])} is neither an alliance with a code nor a row that names a "
                           f"grade ({labels}); remove it or mend it", SCORES, known[0])
            continue
        if not table.holds(row, TO_FILL[SCORES]):
            continue
        under += 1
        book.listed[SCORES] = book.listed.get(SCORES, 0) + 1
        found = book.alliance(table, row, reading, seen)
        if found:
            book.once(table, row, seen, found[0], found[2])
        score_cell, grade_cell = table.cell(row, "评分"), table.cell(row, "等级")
        grade, given_in = section, section_cell
        if grade_cell.value is not None:
            given = reading.scheme.named(book.word(grade_cell))
            if given is None:
                book.wrong("grade unknown", f"grade {_shown(grade_cell)} is not one of {labels}", SCORES, grade_cell)
            elif section and given != section:
                book.wrong("grade and grade row", f"grade {_shown(grade_cell)} stands under the grade row "
                           f"{_shown(section_cell)} ({section_cell.place}); move the row or correct the grade", SCORES,
                           grade_cell)
            if given is None or (section and given != section):
                continue
            grade, given_in = given, grade_cell
        score = None
        if score_cell.value is None:
            if grade is None:
                book.wrong("score blank", "score is blank and no grade is given; write 0–100, or give a grade "
                           "(column 等级, or a row that names it)", SCORES, score_cell)
                continue
        else:
            score = book.number(SCORES, score_cell, "score", "write 0–100, or leave it blank and give a grade")
            if score is None:
                continue
            if not 0 <= score <= TOP_SCORE:
                book.wrong("score outside 0–100", f"score {score:g} is not between 0 and 100; correct it", SCORES,
                           score_cell)
                continue
            by_score = reading.scheme.grade(score)
            if grade and grade != by_score:
                book.wrong("score and grade", f"score {score:g} is {reading.scheme.labels[by_score]} but "
                           f"{given_in.place} says {reading.scheme.labels[grade]}; correct one of them", SCORES,
                           score_cell)
                continue
            grade = by_score
        if found is None:
            continue
        reading.evaluated.append(Evaluated(*found, score_cell.row, score, grade))
    close_section()
    if SCORES not in book.listed:
        book.wrong("no alliances", "has headings but no alliance under them; fill it in", SCORES, level=1)


def _read_facts(book: _Workbook, reading: Period) -> None:
    table = book.table(FACTS)
    if table is None:
        return
    seen: dict[str, str] = {}
    for row in table.rows:
        item_cell, cell = table.cell(row, "项目"), table.cell(row, "数值")
        if item_cell.value is None:
            if cell.value is not None:
                book.wrong("项目 blank", f"项目 is blank beside {_shown(cell)}; fill it in", FACTS, item_cell)
            continue
        item = book.word(item_cell)
        if book.twice("item", item, seen, item, FACTS, item_cell) or cell.value is None:
            continue
        book.fact_cells[item] = cell
        if item in DATES:
            value = _date(cell)
            if value is None:
                book.wrong("not a date", f"{item} {_shown(cell)} is not a date; write it like 2017-01-31", FACTS, cell)
        elif item in COUNTS:
            value = book.number(FACTS, cell, item, "write a whole number", whole=True)
        elif isinstance(cell.value, dt.datetime):
            value = f"{cell.value.year}年{cell.value.month}月{cell.value.day}日"
        else:
            value = book.text(FACTS, cell, item)
        if value is not None:
            reading.facts[item] = value
    for item in (START, END):
        if item not in book.fact_cells and "项目 blank" not in book.kinds:
            book.wrong("date missing", f"has no {item}; add a row {item} with a date like 2017-01-31", FACTS, level=1)
    if START in reading.facts and END in reading.facts and reading.end < reading.start:
        book.wrong("dates", f"{END} {reading.end} is before {START} {reading.start}; correct one of them", FACTS,
                   book.fact_cells[END])


def _date(cell: Cell) -> dt.date | None:
    if isinstance(cell.value, dt.datetime):
        return cell.value.date()
    parts = DATE_TEXT.fullmatch(normalise(cell.value)) if isinstance(cell.value, str) and not cell.kind else None
    try:
        return dt.date(*map(int, parts.groups())) if parts else None
    except ValueError:
        return None


def _read_absent(book: _Workbook, reading: Period) -> None:
    table = book.table(ABSENT)
    if table is None:
        return
    evaluated = {a.id: a for a in reading.evaluated}
    holders = {a.code: a for a in reading.evaluated}
    seen: dict[str, str] = {}
    for row in table.rows:
        if not table.holds(row, HEADINGS[ABSENT]):
            continue
        cell = table.cell(row, "情况")
        state = book.word(cell)
        if state not in (INCOMPLETE, NOT_ENTERED):
            what = f"情况 {_shown(cell)} is not" if state else "情况 is blank; write"
            book.wrong("state unknown", f"{what} {INCOMPLETE} or {NOT_ENTERED}", ABSENT, cell)
        found = book.alliance(table, row, reading, seen)
        if found is None:
            continue
        id, name, code, how = found
        book.once(table, row, seen, id, code)
        if id in evaluated:
            book.wrong("evaluated and not", f"{quoted(name)} is evaluated too ({SCORES} row {evaluated[id].row}); "
                       "remove it from one of the sheets", ABSENT, table.cell(row, "联盟名称"))
        elif code in holders:
            book.wrong("code twice", f"code {code} is {quoted(holders[code].name)} in {SCORES} row {holders[code].row}; "
                       "correct one of them", ABSENT, table.cell(row, "批次"))
        reading.absent.append(Absent(id, name, code, how, cell.row, state))


def _read_activities(book: _Workbook, reading: Period) -> None:
    table = book.table(ACTIVITIES)
    if table is None:
        return
    headings = [h for h in table.columns if h not in (*HEADINGS[ACTIVITIES], "序号")]
    for row in table.rows:
        if not table.holds(row, ("联盟数", *headings)):
            continue
        grade_cell = table.cell(row, "等级")
        grade = reading.scheme.named(book.word(grade_cell))
        if grade is None or grade in reading.activities:
            what = "stands here twice" if grade else "is not one of " + "、".join(reading.scheme.labels.values())
            shown = _shown(grade_cell) if grade_cell.value is not None else "(blank)"
            book.wrong("grade unknown", f"grade {shown} {what}", ACTIVITIES, grade_cell)
            continue
        counts = {heading: book.number(ACTIVITIES, table.cell(row, heading), heading, "write a whole number", whole=True)
                  for heading in ("联盟数", *headings)}
        reading.activities[grade] = {heading: count for heading, count in counts.items() if count is not None}
        total = sum(a.grade == grade for a in reading.evaluated)
        unknown = book.listed.get(SCORES, 0) - len(reading.evaluated)  # rows that are wrong may be of any grade
        twice = book.kinds["alliance twice"] + book.kinds["code twice"]
        least, most = (total - twice, total + unknown) if book.wrong_in(SCORES) else (total, total)
        if SCORES not in book.listed:
            continue  # how many there are is not known
        label = reading.scheme.labels[grade]
        there = f"{total} alliances" if least == most else f"{least} to {most} alliances"
        for heading, count in reading.activities[grade].items():
            if heading == "联盟数" and not least <= count <= most:
                book.wrong("number of a grade", f"联盟数 {count} is not the {there} that {SCORES} has as {label}",
                           ACTIVITIES, table.cell(row, heading))
            elif count > most:
                book.wrong("more than there are", f"{heading} {count} is more than the {there} of {label}",
                           ACTIVITIES, table.cell(row, heading))


def _read_totals(book: _Workbook, reading: Period) -> None:
    table = book.table(TOTALS)
    if table is None:
        return
    seen: dict[str, str] = {}
    for row in table.rows:
        item_cell, cell = table.cell(row, "项目"), table.cell(row, "数值")
        if cell.value is None:
            continue
        item = book.text(TOTALS, item_cell, "项目")
        number = book.number(TOTALS, cell, "数值", "write a number")
        unit = book.text(TOTALS, table.cell(row, "单位"), "单位")
        if item is not None:
            book.twice("item", quoted(item), seen, item, TOTALS, item_cell)
        if item is not None and number is not None and unit is not None:
            reading.totals[item] = (number, unit)


def _read_a_level(book: _Workbook, reading: Period) -> None:
    table = book.table(A_LEVEL)
    if table is None:
        return
    evaluated = {a.id: a for a in reading.evaluated}
    seen: dict[str, str] = {}
    for row in table.rows:
        if not table.holds(row, HEADINGS[A_LEVEL]):
            continue
        found = book.alliance(table, row, reading, seen)
        if found is not None:
            book.once(table, row, seen, found[0], found[2])
            graded = evaluated.get(found[0])
            if graded.grade != HIGH if graded else not book.wrong_in(SCORES):  # a row that is wrong may be this alliance's
                what = f"{reading.scheme.labels[graded.grade]} ({SCORES} row {graded.row})" if graded else f"not in {SCORES}"
                book.wrong("A-level and grade", f"{quoted(found[1])} is {what}; A-level is {reading.scheme.labels[HIGH]} in "
                           "this period and the two before", A_LEVEL, table.cell(row, "联盟名称"))
            reading.a_level.append(Alliance(*found, table.cell(row, "联盟名称").row))


def _read_experts(book: _Workbook, reading: Period) -> None:
    table = book.table(EXPERTS)
    if table is None:
        return
    for row in table.rows:
        if not table.holds(row, HEADINGS[EXPERTS]):
            continue
        role, name, post = (table.cell(row, heading) for heading in HEADINGS[EXPERTS])
        texts = (book.text(EXPERTS, role, "职务"), book.text(EXPERTS, name, "姓名"),
                 book.text(EXPERTS, post, "单位及职务") if post.value is not None else "")
        if None not in texts:
            reading.experts.append(texts)


def _check_totals(book: _Workbook, reading: Period) -> None:
    """Totals of 评价期 may be larger than what the sheets name, never smaller."""
    incomplete = sum(a.state == INCOMPLETE for a in reading.absent)
    most_incomplete = max(incomplete, reading.facts.get(INCOMPLETE_TOTAL, 0))
    not_entered = sum(a.state == NOT_ENTERED for a in reading.absent)
    evaluated = book.listed.get(SCORES, 0)
    approved = sum(b.approved for b in reading.batches)

    def wrong(kind: str, item: str, message: str) -> None:
        book.wrong(kind, f"{item} {reading.facts[item]} {message}", FACTS, book.fact_cells[item])

    counted = {
        REGISTERED: (evaluated + len(reading.absent), f"alliances evaluated or named in {ABSENT}"),
        ENTERED: (evaluated + most_incomplete, f"alliances that are evaluated or {INCOMPLETE}"),
        INCOMPLETE_TOTAL: (incomplete, f"alliances named as {INCOMPLETE} in {ABSENT}"),
    }
    for item, (number, what) in counted.items():
        if reading.facts.get(item, number) < number:
            wrong("total too small", item, f"is smaller than the {number} {what}; correct it, or the list")
    if SCORES in book.listed and reading.facts.get(EVALUATED_TOTAL, evaluated) != evaluated:
        wrong("total and list", EVALUATED_TOTAL, f"is not the {evaluated} alliances of {SCORES}; correct it, or the list")
    if reading.facts.get("有网站联盟数", 0) > evaluated > 0:
        wrong("total too large", "有网站联盟数", f"is more than the {evaluated} alliances of {SCORES}; correct it, or the list")
    if reading.facts.get(REGISTERED, approved) != approved:
        wrong("total and registry", REGISTERED, f"is not the {approved} alliances approved in registry/batches.csv for the "
              "batches of this period; correct one of them")
    if reading.facts.get(ENTERED, 0) > approved - not_entered:
        wrong("total too large", ENTERED, f"is more than the {approved - not_entered} that can have entered; correct it")
    for batch in reading.batches:
        named = sum(a.batch == batch.key for a in (*reading.evaluated, *reading.absent))
        if named > batch.approved:
            book.wrong("more than approved", f"names {named} alliances of {batch.short}, more than the {batch.approved} approved "
                       "in registry/batches.csv; correct one of them", SCORES, level=1)


def _check_dates(book: _Workbook, reading: Period, data: Path) -> None:
    """A period lies where its name says, and on no day of another's."""
    if START not in reading.facts or END not in reading.facts or reading.end < reading.start:
        return
    years = {int(year) for year in reading.name.split("-")}
    if reading.end.year < min(years) or reading.start.year > max(years):
        book.wrong("dates and name", f"{START} {reading.start} and {END} {reading.end} are not in {reading.name}; correct them, "
                   "or the file's name", FACTS, book.fact_cells[START])
    others = {period: ("registry/periods.csv", dates) for period, dates in reading.registry.dates.items()}
    own = others.pop(reading.name, None)
    if own and own[1] != (reading.start, reading.end):
        book.wrong("dates and registry", f"{reading.start} to {reading.end} is not what registry/periods.csv says of "
                   f"{reading.name} ({own[1][0]} to {own[1][1]}); correct one of them", FACTS, book.fact_cells[START])
    others |= {period: (f"{period}.xlsx", dates) for period in periods(data) if period != reading.name
               and (dates := _dates_in(path_of(period, data)))}
    for period, (where, (start, end)) in sorted(others.items()):
        if start <= reading.end and reading.start <= end:
            book.wrong("periods overlap", f"{reading.start} to {reading.end} overlaps {period} ({start} to {end} in {where}); "
                       "correct one of them", FACTS, book.fact_cells[START])


def _dates_in(path: Path) -> tuple[dt.date, dt.date] | None:
    """The first and last day of another period's sheet, if it can be read so far."""
    try:
        book = _Workbook(path, locked=True)
    except DataError:
        return None
    other = Period("", path, "", None, None)
    _read_facts(book, other)
    return (other.start, other.end) if START in other.facts and END in other.facts and other.start <= other.end else None
