"""An .xlsx file -> the filled cells of its sheets by openpyxl, behind a guard on sizes; or one sentence on why not.

`content_of(path)` -> bytes; `read(content, wanted)` -> the names of the sheets, and the cells of those wanted; `Unreadable`.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Container
from functools import cache
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import iterparse

from analysis.messages import Refused, reason
from analysis.problems import normalise

LARGEST_PART = 40_000_000  # bytes of a part that is read, unpacked; told from the archive's directory
MOST_TAGS = 1_200_000  # in a part: 200,000 filled cells
CHINESE_DATES = {*range(27, 37), *range(50, 59)}  # number formats that Excel has built in, and openpyxl has not
NOT_READ = re.compile(r"/(worksheets|drawings|charts|pivot\w+)/")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
QUOTED = re.compile(r'"[^"]*"|\\.')
ERROR, UNCALCULATED, PERCENT, COVERED = "kind.error", "kind.uncalculated", "kind.percent", "covered"  # as messages.toml calls them


class Unreadable(Refused):
    """The file is no workbook that can be read; `sheet` is among the values where it is known."""


class Cell(NamedTuple):
    """A filled cell. `kind` is ERROR, UNCALCULATED (a formula without a value), PERCENT, COVERED (by a merged range), or ""."""

    value: object
    row: int
    column: int
    kind: str = ""

    @property
    def place(self) -> str:
        return f"{letters(self.column)}{self.row}"


Cells = dict[int, dict[int, Cell]]  # by row and column


@cache
def letters(column: int) -> str:
    """A column's letters: 1 is A, 28 is AB."""
    before, last = divmod(column - 1, 26)
    return (letters(before) if before else "") + chr(65 + last)


def content_of(path: Path, locked: bool = False) -> bytes:
    """The bytes of a workbook that nobody has open (`locked`: or somebody has). Raises Unreadable for what else lies there."""
    for lock, program in ((f"~${path.name}", "Excel"), (f".~lock.{path.name}#", "LibreOffice")):
        if not locked and path.with_name(lock).exists():
            raise Unreadable("file.open", program=program, lock=lock)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise Unreadable("file.missing", folder=str(path.parent)) from None
    except OSError as error:
        raise Unreadable("file.refused", reason=reason(error)) from None
    old = content.startswith(b"\xd0\xcf\x11\xe0")
    for fault, rule in ((not content, "file.empty"), (old and "EncryptedPackage".encode("utf-16-le") in content, "file.password"),
                        (old, "file.xls"), (not content.startswith(b"PK"), "file.other")):
        if fault:
            raise Unreadable(rule)
    return content


def read(content: bytes, wanted: Container[str], times: int = 1) -> tuple[tuple[str, ...], dict[str, Cells]]:
    """The names of all worksheets in order, and the filled cells of those wanted, told by their names normalised.

    A sheet may hold so many `times` what a score sheet may. Nothing in the file is run or followed.
    """
    from openpyxl.reader.excel import ExcelReader

    sheet = ""
    try:
        with warnings.catch_warnings(action="ignore"):
            reader = ExcelReader(io.BytesIO(content), read_only=True, keep_links=False)
            for name in reader.valid_files:
                if name.endswith((".xml", ".rels")) and not NOT_READ.search(name):
                    _checked(reader.archive, name, times)
            for step in (reader.read_manifest, reader.read_strings, reader.read_workbook):
                step()
            parts = {at.name: rel.target for at, rel in reader.parser.find_sheets() if "chartsheet" not in rel.Type}
            if not parts:
                raise Unreadable("file.other")
            formats, sheets = _formats(reader), {}
            for sheet, part in parts.items():
                if normalise(sheet) in wanted:
                    sheets[sheet] = _cells(_checked(reader.archive, part, times, sheet), reader, *formats)
            return tuple(parts), sheets
    except (Unreadable, MemoryError):
        raise
    except Exception:  # whatever zipfile and openpyxl meet in a file that no spreadsheet program has written
        raise Unreadable("file.damaged", sheet=sheet) from None


def _checked(archive: zipfile.ZipFile, part: str, times: int, sheet: str = "") -> bytes:
    """The bytes of a part that is not too large to be looked at."""
    size, most = archive.getinfo(part).file_size, LARGEST_PART * times
    if size > most:
        raise Unreadable("file.unpacks", sheet=sheet, size=f"{size / 1e6:,.0f}", most=f"{most / 1e6:,.0f}")
    content = archive.read(part)
    if content.count(b"<") > MOST_TAGS * times:
        raise Unreadable("file.cells", sheet=sheet, most=f"{MOST_TAGS * times // 6:,}")
    return content


def _formats(reader) -> tuple[set[int], set[int]]:
    """Which cell styles are of dates, and which of percentages; many programs write other styles that openpyxl refuses."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
    from openpyxl.xml.constants import ARC_STYLE, SHEET_MAIN_NS
    from openpyxl.xml.functions import fromstring

    if ARC_STYLE not in reader.valid_files:
        return set(), set()
    root, space = fromstring(reader.archive.read(ARC_STYLE)), {"m": SHEET_MAIN_NS}
    codes = BUILTIN_FORMATS | dict.fromkeys(CHINESE_DATES, "yyyy-mm-dd")
    codes |= {int(e.get("numFmtId")): e.get("formatCode") for e in root.iterfind("m:numFmts/m:numFmt", space)}
    styles = [codes.get(int(e.get("numFmtId", 0)), "") for e in root.iterfind("m:cellXfs/m:xf", space)]
    dates = {style for style, code in enumerate(styles) if is_date_format(code)}
    return dates, {style for style, code in enumerate(styles) if "%" in QUOTED.sub("", code)} - dates


def _cells(content: bytes, reader, dates: set[int], percents: set[int]) -> Cells:
    """The filled cells of a sheet."""
    from openpyxl.worksheet._reader import FORMULA_TAG, MERGE_TAG, ROW_TAG, VALUE_TAG, WorkSheetParser

    rows, parser = {}, WorkSheetParser(None, reader.shared_strings, data_only=True, epoch=reader.wb.epoch, date_formats=dates)
    for _, element in iterparse(io.BytesIO(content)):
        if element.tag == MERGE_TAG:
            _cover(rows, [merged.get("ref") for merged in element])
        if element.tag != ROW_TAG:
            continue
        number = parser.row_counter = int(element.get("r", parser.row_counter + 1))
        parser.col_counter = 0
        for found in element:
            percent = int(found.get("s", 0)) in percents
            try:
                cell = parser.parse_cell(found)
                value, kind = _read(cell["value"], cell["data_type"], percent)
            except (ValueError, IndexError, OverflowError):
                value, kind = found.findtext(VALUE_TAG), ERROR
            if value is None and found.find(FORMULA_TAG) is not None and (found.get("t") != "str" or found.find(VALUE_TAG) is None):
                value, kind = "formula", UNCALCULATED
            if value is not None and value != "":
                rows.setdefault(number, {})[parser.col_counter] = Cell(value, number, parser.col_counter, kind)
        element.clear()
    return dict(sorted(rows.items()))


def _read(value: object, type: str, percent: bool) -> tuple[object, str]:
    """What openpyxl has read, with its kind; a number has the fifteen digits that a spreadsheet shows."""
    if type == "s":
        return ESCAPED.sub(lambda code: chr(int(code[1], 16)), value) if value and "_x" in value else value, ""
    if type == "n" and value is not None:
        return float(value if isinstance(value, int) else f"{value:.15g}"), PERCENT if percent else ""
    return value, "" if type in "nbd" else ERROR


def _cover(rows: Cells, ranges: list[str]) -> None:
    """Mark the values that lie hidden under merged ranges: all but the first cell's."""
    from openpyxl.utils import range_boundaries

    for left, top, right, bottom in map(range_boundaries, ranges):
        for number in rows.keys() & range(top, bottom + 1):
            for column, cell in rows[number].items():
                if left <= column <= right and (number, column) != (top, left):
                    rows[number][column] = cell._replace(kind=COVERED)
