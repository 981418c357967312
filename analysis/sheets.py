"""A workbook -> one checked period, or every error in it. What the sheets hold is in data/README.md."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import math
import re
import unicodedata
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import DATA, alliances
from analysis.alliances import CODE, Registry, normalise
from analysis.grades import GRADES, INCOMPLETE, TOP_SCORE, Scheme
from analysis.problems import DataError, Problem, quoted

if TYPE_CHECKING:
    import pandas as pd

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
START, END = "开始日期", "结束日期"
DATES = (START, END, "启动会日期", "会评日期", "复核日期")
REGISTERED, ENTERED, INCOMPLETE_TOTAL, EVALUATED_TOTAL = "登记联盟数", "录入信息联盟数", "信息不完整联盟数", "参评联盟数"
COUNTS = (REGISTERED, ENTERED, INCOMPLETE_TOTAL, EVALUATED_TOTAL, "专家人数", "有网站联盟数")
NOT_ENTERED = "未录入"
LARGEST_UNPACKED = 400_000_000
MOST_CELLS = 300_000
GRADE_ROW = re.compile(r"(.+?)\s*[(（]\s*共?\s*(\d+)\s*[家个]?\s*[)）]")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)")
DATE_TEXT = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
FORMULA_STARTS = ("=", "+", "-", "@", "\t")


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
        """The length of the period in months, both ends included."""
        return 12 * (self.end.year - self.start.year) + self.end.month - self.start.month + 1

    @property
    def data(self) -> Path:
        """The data folder that the period was read from."""
        return self.path.parents[1]

    @property
    def batches(self) -> list[alliances.Batch]:
        """The batches that were in the programme, in order."""
        return self.registry.batches_in(self.name)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per evaluated alliance: id, name, code, batch, score (NaN where withheld), grade (ordered)."""
        import pandas as pd  # a check must not wait half a second for it

        frame = pd.DataFrame(
            [(a.id, a.name, a.code, a.batch, a.score, a.grade) for a in self.evaluated],
            columns=["id", "name", "code", "batch", "score", "grade"],
        )
        frame["score"] = frame["score"].astype(float)
        frame["grade"] = pd.Categorical(frame["grade"], categories=GRADES, ordered=True)
        return frame

    def summary(self) -> str:
        """One line that says the sheet is sound, with the counts by grade and batch."""
        grades = Counter(a.grade for a in self.evaluated)
        batches = Counter(a.batch for a in self.evaluated)
        by_grade = ", ".join(f"{self.scheme.labels[g]} {grades[g]}" for g in GRADES)
        by_batch = ", ".join(f"{b.short} {batches[b.key]}" for b in self.batches)
        return f"{self.path.name} is sound: {len(self.evaluated)} evaluated ({by_grade}; {by_batch})"


def path_of(period: str, data: Path) -> Path:
    """Where the score sheet of a period lies."""
    return data / "score_sheets" / f"{period}.xlsx"


def periods(data: Path) -> list[str]:
    """The periods with a sheet, earliest first."""
    names = (path.stem for path in (data / "score_sheets").glob("*.xlsx"))
    return sorted(name for name in names if alliances.PERIOD.fullmatch(name))


def read(period: str, data: Path | str = "") -> Period:
    """The checked period from a data folder, the project's own unless another is named.

    Raises DataError with every problem of the workbook, or of the registry.
    """
    data = Path(data or DATA)
    registry = alliances.read(data)
    path = path_of(period, data)
    workbook = _Workbook(path)
    reading = Period(period, path, workbook.sha256, registry, registry.scheme(period))
    for reader in (_read_scores, _read_facts, _read_absent, _read_activities, _read_totals, _read_a_level, _read_experts):
        reader(workbook, reading)
    if not workbook.problems:
        _check_totals(workbook, reading)
    if workbook.problems:
        raise DataError(workbook.problems)
    return reading


@dataclass
class _Cell:
    """A cell's value with its place; text is trimmed, blank text is None."""

    value: object
    place: str
    row: int
    column: int
    kind: str = ""


class _Table:
    """The part of a sheet under its headings."""

    def __init__(self, sheet: str, columns: dict[str, int], rows: list[list[_Cell]], last_heading: int):
        self.sheet, self.columns, self.rows, self.last_heading = sheet, columns, rows, last_heading

    def cell(self, row: list[_Cell], heading: str) -> _Cell:
        """The cell of a row under a heading; an empty one where the row is short."""
        column = self.columns.get(heading)
        if column is None or column >= len(row):
            number = row[0].row if row else 0
            return _Cell(None, f"{_letter(column or 0)}{number}", number, column or 0)
        return row[column]


class _Workbook:
    """An .xlsx opened with care: sizes are looked at before anything is unpacked, nothing in it is run or followed."""

    headings, optional, required, most_cells = HEADINGS, OPTIONAL_HEADINGS, REQUIRED_SHEETS, MOST_CELLS

    def __init__(self, path: Path):
        self.path = path
        self.problems: list[Problem] = []
        self.changed: Counter[str] = Counter()
        content = self._bytes()
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.sheets: dict[str, list[list[_Cell]]] = {}
        self.order: dict[str, int] = {}
        self._load(content)

    def wrong(self, kind: str, message: str, sheet: str = "", cell: _Cell | None = None, level: int = 0) -> None:
        """Note a problem; `level` is 0 for the file, 1 a sheet, 2 its columns, 3 its rows."""
        where = tuple(part for part in (self.path.name, sheet, cell.place if cell else "") if part)
        order = (level, self.order.get(sheet, -1), cell.row if cell else 0, cell.column if cell else 0)
        self.problems.append(Problem(kind, where, message, order))

    def _stop(self, kind: str, message: str) -> None:
        self.wrong(kind, message)
        raise DataError(self.problems)

    def _bytes(self) -> bytes:
        if self.path.with_name(f"~${self.path.name}").exists():
            self._stop("open in Excel", f"is open in Excel (~${self.path.name} lies beside it); save and close it there")
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            self._stop("file missing", f"there is no such file in {self.path.parent}")
        except IsADirectoryError:
            self._stop("a folder", "is a folder; a workbook of that name is expected")
        except PermissionError:
            self._stop("not readable", "cannot be read: permission is denied")
        if not content:
            self._stop("empty file", "is empty (0 bytes); save it again from Excel")
        if content.startswith(b"\xd0\xcf\x11\xe0"):
            if "EncryptedPackage".encode("utf-16-le") in content:
                self._stop("password", "is protected by a password; save it without one")
            self._stop("old format", "is an old .xls under another name; save it as .xlsx")
        if not content.startswith(b"PK"):
            self._stop("not a workbook", "is not an .xlsx workbook; save it as one from Excel, WPS or LibreOffice")
        return content

    def _load(self, content: bytes) -> None:
        try:
            slim, has_formulas = self._slim(content)
            values = _open(slim, formulas=False)
            formulas = _open(slim, formulas=True) if has_formulas else None
            for index, name in enumerate(values.sheetnames):
                sheet = values[name]
                if not hasattr(sheet, "reset_dimensions"):
                    continue
                key = normalise(name)
                if key in self.sheets:
                    self.order.setdefault(key, index)
                    self.wrong("sheet twice", f"there are two sheets {quoted(key)}; keep one", key, level=1)
                    continue
                self.order[key] = index
                self.sheets[key] = _cells(sheet, formulas[name] if formulas else None)
        except zipfile.BadZipFile:
            self._stop("cut short", "is cut short or damaged; copy or save it again")
        except DataError:
            raise
        except Exception as error:  # openpyxl raises whatever its XML and style readers meet
            self._stop("not readable", f"is not readable as a workbook ({type(error).__name__}: "
                       f"{str(error).splitlines()[0][:100] if str(error) else 'no reason given'}); save it again from Excel")

    def _slim(self, content: bytes) -> tuple[io.BytesIO, bool]:
        """The workbook without cells that hold neither value nor formula, and whether it has any formula."""
        source = zipfile.ZipFile(io.BytesIO(content))
        names = {info.filename for info in source.infolist()}
        if "[Content_Types].xml" not in names or not any(name.endswith("workbook.xml") for name in names):
            self._stop("not a workbook", "is a zip file but not an .xlsx workbook; save it as one from Excel")
        wanted = [i for i in source.infolist() if i.filename.endswith((".xml", ".rels")) and
                  not re.search(r"(drawing|media|externalLink|comment|chart|pivot|printerSettings)", i.filename)]
        unpacked = sum(info.file_size for info in wanted)
        if unpacked > LARGEST_UNPACKED:
            self._stop("too large", f"unpacks to {unpacked / 1e6:,.0f} MB, more than {LARGEST_UNPACKED / 1e6:,.0f} MB; "
                       "copy its cells into a new workbook")
        slim, has_formulas, cells = io.BytesIO(), False, 0
        with zipfile.ZipFile(slim, "w", zipfile.ZIP_STORED) as target:
            for info in wanted:
                with source.open(info) as part:
                    if "worksheets/" not in info.filename or info.filename.endswith(".rels"):
                        target.writestr(info.filename, part.read())
                        continue
                    xml, formulas, number = _without_blanks(part)
                    has_formulas, cells = has_formulas or formulas, cells + number
                    if cells > self.most_cells:
                        self._stop("too large", f"has more than {self.most_cells:,} filled cells; "
                                   "keep only the sheets of the period")
                    target.writestr(info.filename, xml)
        return slim, has_formulas

    def table(self, sheet: str, reading: Period) -> _Table | None:
        """The table of a sheet, or None where there is none; missing and double headings are noted."""
        key = normalise(sheet)
        needed, optional = self.headings[sheet], self.optional.get(sheet, ())
        if key not in self.sheets:
            if sheet in self.required:
                found = ", ".join(self.sheets) or "none"
                self.wrong("sheet missing", f"has no sheet {sheet}; found {found}", level=1)
            return None
        rows = self.sheets[key]
        best: tuple[int, list[_Cell]] = (0, [])
        for row in rows:
            headings = [_heading(cell.value) for cell in row]
            held = sum(heading in headings for heading in needed)
            if held > best[0]:
                best = (held, row)
            if held == len(needed):
                break
        held, row = best
        headings = [_heading(cell.value) for cell in row]
        if held < len(needed):
            missing = "、".join(h for h in needed if h not in headings)
            found = "、".join(f"{h} ({cell.place})" for h, cell in zip(headings, row) if h) if held else "none of them"
            self.wrong("column missing", f"no row holds all of {'、'.join(needed)}: {missing} is missing; found {found}",
                       sheet, level=2)
            return None
        for heading in (*needed, *optional):
            twice = [cell for h, cell in zip(headings, row) if h == heading]
            if len(twice) > 1:
                self.wrong("heading twice", f"the heading {heading} stands in {twice[0].place} too; keep one column",
                           sheet, twice[1], level=2)
        columns = {}
        for index, heading in enumerate(headings):
            if heading:
                columns.setdefault(heading, index)
        number = row[0].row
        return _Table(sheet, columns, [r for r in rows if r and r[0].row > number], number)

    def text(self, sheet: str, cell: _Cell, what: str) -> str | None:
        """A cell as text that may stand in a report, or None with the problem noted."""
        value = cell.value
        if value is None:
            self.wrong(f"{what} blank", f"{what} is blank; fill it in", sheet, cell, level=3)
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, (bool, dt.date, dt.time)) or cell.kind in ("e", "f"):
            self.wrong(f"{what} not text", f"{what} {_shown(cell)} is {_kind(cell)}; write it as text", sheet, cell, level=3)
            return None
        text = str(value)
        for character in text:
            if unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"):
                name = "a line break" if character in "\n\r" else f"the invisible character U+{ord(character):04X}"
                self.wrong("invisible character", f"{what} {quoted(text)} contains {name}; remove it", sheet, cell, level=3)
                return None
        if text.startswith(FORMULA_STARTS):
            self.wrong("formula in text", f"{what} {quoted(text)} starts with {text[0]!r}, which a spreadsheet would run; "
                       "write it without", sheet, cell, level=3)
            return None
        return text

    def number(self, sheet: str, cell: _Cell, what: str, expected: str, whole: bool = False) -> float | None:
        """A cell as a finite number, or None with the problem noted."""
        value = cell.value
        if isinstance(value, str) and cell.kind not in ("e", "f"):
            folded = unicodedata.normalize("NFKC", value).replace(" ", "")
            if NUMBER.fullmatch(folded):
                self.changed["number stored as text"] += 1
                value = float(folded)
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and cell.kind not in ("e", "f")
        if not good or not math.isfinite(value):
            self.wrong(f"{what} not a number", f"{what} {_shown(cell)} is {_kind(cell)}; {expected}", sheet, cell, level=3)
            return None
        if whole and (value != int(value) or value < 0):
            self.wrong(f"{what} not a count", f"{what} {value:g} is not a whole number from 0; {expected}", sheet, cell, level=3)
            return None
        return int(value) if whole else float(value)

    def alliance(self, table: _Table, row: list[_Cell], reading: Period) -> tuple[str, str, str, str] | None:
        """Id, name, code and way of matching of the alliance in a row, or None with the problems noted."""
        name_cell, code_cell = table.cell(row, "联盟名称"), table.cell(row, "批次")
        name = self.text(table.sheet, name_cell, "name")
        code = self.text(table.sheet, code_cell, "code")
        if code is not None:
            folded = normalise(code)
            self.changed["width or case of a code"] += folded != code
            if not CODE.fullmatch(folded):
                self.wrong("code form", f"code {quoted(code)} is not three digits, or D and three digits", table.sheet,
                           code_cell, level=3)
                code = None
            elif folded[0] not in {b.key for b in reading.batches}:
                known = "、".join(f"{b.key} {b.short}" for b in reading.batches)
                self.wrong("code of no batch", f"code {quoted(code)} is of no batch of {reading.name} ({known})",
                           table.sheet, code_cell, level=3)
                code = None
            else:
                code = folded
        if name is None or code is None:
            return None
        try:
            match = reading.registry.identify(name, code, reading.name)
        except alliances.Conflict as conflict:
            self.wrong(conflict.kind, str(conflict), table.sheet, name_cell, level=3)
            return None
        return match.id, name, code, match.how

    def once(self, table: _Table, row: list[_Cell], seen: dict[str, str], id: str, code: str) -> None:
        """Note an alliance or a code that a sheet has already had; `seen` maps both to their cell."""
        for key, heading, what in ((f"id {id}", "联盟名称", "alliance"), (f"code {code}", "批次", "code")):
            cell = table.cell(row, heading)
            if key in seen:
                self.wrong(f"{what} twice", f"{what} {_shown(cell)} stands in {seen[key]} already; keep one", table.sheet,
                           cell, level=3)
            seen.setdefault(key, cell.place)


def _open(content: io.BytesIO, formulas: bool):
    import openpyxl

    return openpyxl.load_workbook(content, read_only=True, data_only=not formulas, keep_links=False)


def _without_blanks(part) -> tuple[bytes, bool, int]:
    """The XML of a sheet without blank cells and rows, whether it has a formula, and how many cells are left."""
    blank_cell = re.compile(rb"<(?:\w+:)?c(?:\s[^<>]*)?(?:/>|></(?:\w+:)?c>)")
    blank_row = re.compile(rb"<(?:\w+:)?row(?:\s[^<>]*)?(?:/>|>\s*</(?:\w+:)?row>)")
    kept, rest, formulas, cells = [], b"", False, 0
    while chunk := part.read(1 << 20):
        rest += chunk
        cut = max(rest.rfind(b"</row>"), rest.rfind(b":row>"), rest.rfind(b"<row"))
        if cut <= 0:
            continue
        piece, rest = rest[:cut], rest[cut:]
        kept.append(blank_row.sub(b"", blank_cell.sub(b"", piece)))
    kept.append(rest)
    xml = blank_row.sub(b"", blank_cell.sub(b"", b"".join(kept)))
    formulas = re.search(rb"<(?:\w+:)?f[\s>/]", xml) is not None
    cells = len(re.findall(rb"<(?:\w+:)?c[\s>]", xml))
    return xml, formulas, cells


def _cells(sheet, formulas) -> list[list[_Cell]]:
    """The rows of a sheet that hold something, from column A on."""
    sheet.reset_dimensions()
    uncalculated = set()
    if formulas is not None:
        formulas.reset_dimensions()
        uncalculated = {(c.row, c.column) for row in formulas.iter_rows() for c in row if getattr(c, "data_type", "") == "f"}
    rows = []
    for row in sheet.iter_rows():
        filled = [c for c in row if c.value is not None or (getattr(c, "row", 0), getattr(c, "column", 0)) in uncalculated]
        if not filled:
            continue
        number, cells = filled[0].row, []
        by_column = {c.column: c for c in filled}
        for column in range(1, max(by_column) + 1):
            source = by_column.get(column)
            value, kind = (source.value, source.data_type) if source is not None else (None, "")
            if source is not None and value is None:
                value, kind = "formula", "f"
            if isinstance(value, str) and kind not in ("e", "f"):
                value = value.strip(" \t\u00a0\u3000\u2007\u202f") or None
            cells.append(_Cell(value, f"{_letter(column - 1)}{number}", number, column, kind))
        if any(cell.value is not None for cell in cells):
            rows.append(cells)
    return rows


def _letter(index: int) -> str:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _heading(value: object) -> str:
    return normalise(value).rstrip("*") if isinstance(value, str) else ""


def _shown(cell: _Cell) -> str:
    if cell.kind == "f" and cell.value == "formula":
        return "(a formula)"
    if isinstance(cell.value, dt.datetime):
        return quoted(cell.value.date() if not cell.value.time() else cell.value)
    return quoted(cell.value) if isinstance(cell.value, str) else str(cell.value)


def _kind(cell: _Cell) -> str:
    if cell.kind == "f":
        return "a formula that was never calculated (open the sheet in Excel and save it)"
    if cell.kind == "e":
        return "an error of the spreadsheet"
    if isinstance(cell.value, bool):
        return "TRUE or FALSE, not a number"
    if isinstance(cell.value, (dt.date, dt.time)):
        return "a date, not a number"
    return "blank" if cell.value is None else "not a number"


def _read_scores(book: _Workbook, reading: Period) -> None:
    table = book.table(SCORES, reading)
    if table is None:
        return
    section, announced, under, section_cell = None, None, 0, None
    seen: dict[str, str] = {}

    def close_section() -> None:
        if section_cell is not None and announced is not None and announced != under:
            book.wrong("count of a grade row", f"the row says {announced} alliances of {reading.scheme.labels[section]}, "
                       f"{under} follow; correct the row or the list", SCORES, section_cell, level=3)

    for row in table.rows:
        filled = [cell for cell in row if cell.value is not None]
        first = filled[0]
        if isinstance(first.value, str) and normalise(first.value).lstrip("*").startswith(("备注", "注:")):
            continue
        if len(filled) == 1 and isinstance(first.value, str):
            parts = GRADE_ROW.fullmatch(unicodedata.normalize("NFKC", first.value))
            label = parts[1] if parts else first.value
            grade = reading.scheme.named(normalise(label))
            if grade:
                close_section()
                section, announced, under, section_cell = grade, int(parts[2]) if parts else None, 0, first
                continue
            book.wrong("row not understood", f"{_shown(first)} is neither an alliance with a code nor a row that names a "
                       f"grade ({'、'.join(reading.scheme.labels.values())}); remove it or mend it", SCORES, first, level=3)
            continue
        if not any(table.cell(row, h).value is not None for h in ("联盟名称", "批次", "评分")):
            continue
        under += 1
        found = book.alliance(table, row, reading)
        score_cell, grade_cell = table.cell(row, "评分"), table.cell(row, "等级")
        grade, given_in = section, section_cell
        if grade_cell.value is not None:
            given = reading.scheme.named(normalise(str(grade_cell.value)))
            if given is None:
                book.wrong("grade unknown", f"grade {_shown(grade_cell)} is not one of "
                           f"{'、'.join(reading.scheme.labels.values())}", SCORES, grade_cell, level=3)
            elif section and given != section:
                book.wrong("grade and grade row", f"grade {_shown(grade_cell)} stands under the grade row "
                           f"{_shown(section_cell)} ({section_cell.place}); move the row or correct the grade", SCORES,
                           grade_cell, level=3)
            grade, given_in = given or section, grade_cell
        score = None
        if score_cell.value is None:
            if grade is None:
                book.wrong("score blank", "score is blank and no grade is given; write 0–100, or give a grade "
                           "(column 等级, or a row that names it)", SCORES, score_cell, level=3)
                continue
        else:
            score = book.number(SCORES, score_cell, "score", "write 0–100, or leave it blank and give a grade")
            if score is None:
                continue
            if not 0 <= score <= TOP_SCORE:
                book.wrong("score outside 0–100", f"score {score:g} is not between 0 and 100; correct it", SCORES,
                           score_cell, level=3)
                continue
            by_score = reading.scheme.grade(score)
            if grade and grade != by_score:
                book.wrong("score and grade", f"score {score:g} is {reading.scheme.labels[by_score]} but "
                           f"{given_in.place} says {reading.scheme.labels[grade]}; correct one of them", SCORES,
                           score_cell, level=3)
                continue
            grade = by_score
        if found is None:
            continue
        id, name, code, how = found
        book.once(table, row, seen, id, code)
        reading.evaluated.append(Evaluated(id, name, code, how, score_cell.row, score, grade))
    close_section()
    reading.changed_in_reading = book.changed
    if not under and not book.problems:
        book.wrong("no alliances", "has headings but no alliance under them; fill it in", SCORES, level=1)


def _read_facts(book: _Workbook, reading: Period) -> None:
    table = book.table(FACTS, reading)
    if table is None:
        return
    seen: dict[str, str] = {}
    for row in table.rows:
        item_cell, cell = table.cell(row, "项目"), table.cell(row, "数值")
        if item_cell.value is None:
            continue
        item = normalise(str(item_cell.value))
        if item in seen:
            book.wrong("item twice", f"{item} stands in {seen[item]} already; keep one", FACTS, item_cell, level=3)
            continue
        seen[item] = item_cell.place
        if cell.value is None:
            continue
        if item in DATES:
            value = _date(cell)
            if value is None:
                book.wrong("not a date", f"{item} {_shown(cell)} is not a date; write it like 2017-01-31", FACTS, cell, level=3)
        elif item in COUNTS:
            value = book.number(FACTS, cell, item, "write a whole number", whole=True)
        else:
            value = book.text(FACTS, cell, item)
        if value is not None:
            reading.facts[item] = value
    for item in (START, END):
        if item not in reading.facts and not any(p.where[1:2] == (FACTS,) and item in p.message for p in book.problems):
            book.wrong("date missing", f"has no {item}; add a row {item} with a date like 2017-01-31", FACTS, level=1)
    if START in reading.facts and END in reading.facts and reading.end < reading.start:
        book.wrong("dates", f"{END} {reading.end} is before {START} {reading.start}; correct one of them", FACTS, level=1)


def _date(cell: _Cell) -> dt.date | None:
    if isinstance(cell.value, dt.datetime):
        return cell.value.date()
    if isinstance(cell.value, dt.date):
        return cell.value
    parts = DATE_TEXT.fullmatch(unicodedata.normalize("NFKC", cell.value)) if isinstance(cell.value, str) else None
    try:
        return dt.date(*map(int, parts.groups())) if parts else None
    except ValueError:
        return None


def _read_absent(book: _Workbook, reading: Period) -> None:
    table = book.table(ABSENT, reading)
    if table is None:
        return
    evaluated = {a.id: a for a in reading.evaluated}
    seen: dict[str, str] = {}
    for row in table.rows:
        if not any(table.cell(row, h).value is not None for h in ("联盟名称", "批次")):
            continue
        cell = table.cell(row, "情况")
        state = normalise(str(cell.value or ""))
        if state not in (INCOMPLETE, NOT_ENTERED):
            book.wrong("state unknown", f"情况 {_shown(cell)} is not {INCOMPLETE} or {NOT_ENTERED}", ABSENT, cell, level=3)
        found = book.alliance(table, row, reading)
        if found is None:
            continue
        id, name, code, how = found
        book.once(table, row, seen, id, code)
        if id in evaluated:
            book.wrong("evaluated and not", f"{quoted(name)} is evaluated too ({SCORES} row {evaluated[id].row}); "
                       "remove it from one of the sheets", ABSENT, table.cell(row, "联盟名称"), level=3)
        reading.absent.append(Absent(id, name, code, how, cell.row, state))


def _read_activities(book: _Workbook, reading: Period) -> None:
    table = book.table(ACTIVITIES, reading)
    if table is None:
        return
    headings = [h for h in table.columns if h not in (*HEADINGS[ACTIVITIES], "序号")]
    for row in table.rows:
        grade_cell = table.cell(row, "等级")
        if grade_cell.value is None:
            continue
        grade = reading.scheme.named(normalise(str(grade_cell.value)))
        if grade is None or grade in reading.activities:
            what = "is not one of " + "、".join(reading.scheme.labels.values()) if grade is None else "stands here twice"
            book.wrong("grade unknown", f"grade {_shown(grade_cell)} {what}", ACTIVITIES, grade_cell, level=3)
            continue
        counts = {}
        for heading in ("联盟数", *headings):
            cell = table.cell(row, heading)
            if cell.value is not None:
                number = book.number(ACTIVITIES, cell, heading, "write a whole number", whole=True)
                if number is not None:
                    counts[heading] = number
        total = sum(a.grade == grade for a in reading.evaluated)
        if "联盟数" in counts and counts["联盟数"] != total:
            book.wrong("number of a grade", f"联盟数 {counts['联盟数']} is not the {total} alliances that {SCORES} has as "
                       f"{reading.scheme.labels[grade]}", ACTIVITIES, table.cell(row, "联盟数"), level=3)
        for heading in headings:
            if counts.get(heading, 0) > total:
                book.wrong("more than there are", f"{heading} {counts[heading]} is more than the {total} alliances of "
                           f"{reading.scheme.labels[grade]}", ACTIVITIES, table.cell(row, heading), level=3)
        reading.activities[grade] = counts


def _read_totals(book: _Workbook, reading: Period) -> None:
    table = book.table(TOTALS, reading)
    if table is None:
        return
    for row in table.rows:
        item_cell, cell = table.cell(row, "项目"), table.cell(row, "数值")
        if item_cell.value is None or cell.value is None:
            continue
        item = book.text(TOTALS, item_cell, "项目")
        number = book.number(TOTALS, cell, "数值", "write a number")
        unit = book.text(TOTALS, table.cell(row, "单位"), "单位")
        if item in reading.totals:
            book.wrong("item twice", f"{quoted(item)} stands here twice; keep one", TOTALS, item_cell, level=3)
        if item is not None and number is not None and unit is not None:
            reading.totals[item] = (number, unit)


def _read_a_level(book: _Workbook, reading: Period) -> None:
    table = book.table(A_LEVEL, reading)
    if table is None:
        return
    seen: dict[str, str] = {}
    for row in table.rows:
        if not any(table.cell(row, h).value is not None for h in ("联盟名称", "批次")):
            continue
        found = book.alliance(table, row, reading)
        if found is not None:
            book.once(table, row, seen, found[0], found[2])
            reading.a_level.append(Alliance(*found, table.cell(row, "联盟名称").row))


def _read_experts(book: _Workbook, reading: Period) -> None:
    table = book.table(EXPERTS, reading)
    if table is None:
        return
    for row in table.rows:
        cells = [table.cell(row, heading) for heading in HEADINGS[EXPERTS]]
        if all(cell.value is None for cell in cells[:2]):
            continue
        texts = [book.text(EXPERTS, cell, heading) for cell, heading in zip(cells, HEADINGS[EXPERTS]) if cell.value is not None
                 or heading != "单位及职务"]
        if None not in texts:
            reading.experts.append((texts[0], texts[1], texts[2] if len(texts) > 2 else ""))


def _check_totals(book: _Workbook, reading: Period) -> None:
    """Totals of 评价期 may be larger than what the sheets name, never smaller."""
    incomplete = sum(a.state == INCOMPLETE for a in reading.absent)
    not_entered = sum(a.state == NOT_ENTERED for a in reading.absent)
    evaluated = len(reading.evaluated)
    approved = sum(b.approved for b in reading.batches)
    counted = {
        REGISTERED: (evaluated + len(reading.absent), "alliances evaluated or named in 未参评"),
        ENTERED: (evaluated + incomplete, "alliances evaluated or named as 信息不完整"),
        INCOMPLETE_TOTAL: (incomplete, "alliances named as 信息不完整 in 未参评"),
    }
    for item, (number, what) in counted.items():
        if item in reading.facts and reading.facts[item] < number:
            book.wrong("total too small", f"{item} {reading.facts[item]} is smaller than the {number} {what}", FACTS, level=1)
    if reading.facts.get(EVALUATED_TOTAL, evaluated) != evaluated:
        book.wrong("total and list", f"{EVALUATED_TOTAL} {reading.facts[EVALUATED_TOTAL]} is not the {evaluated} alliances "
                   f"of {SCORES}", FACTS, level=1)
    if reading.facts.get(REGISTERED, approved) != approved:
        book.wrong("total and registry", f"{REGISTERED} {reading.facts[REGISTERED]} is not the {approved} alliances "
                   "approved in registry/batches.csv for the batches of this period", FACTS, level=1)
    if ENTERED in reading.facts and reading.facts[ENTERED] > approved - not_entered:
        book.wrong("total too large", f"{ENTERED} {reading.facts[ENTERED]} is more than the {approved - not_entered} that can "
                   "have entered", FACTS, level=1)
