"""An .xlsx file -> its filled cells, each with its type and its place; or one sentence on why not.

Sizes are looked at before anything is unpacked; nothing in the file is run or followed. openpyxl would open it too, but
shows a formula that was never calculated as a blank, gives up on styles that it does not know, and needs minutes for a
million styled blank rows.
"""

from __future__ import annotations

import datetime as dt
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO, NamedTuple
from xml.parsers import expat

LARGEST_FILE = 100_000_000  # bytes, packed
LARGEST_UNPACKED = 600_000_000  # bytes, by the file's own directory
MOST_ELEMENTS = 2_000_000  # XML elements that are looked at one by one
LONGEST_TEXT = 32_767  # characters in a cell, Excel's own limit
MOST_CHARACTERS = 5_000_000
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
PIECE = 1 << 15
LONGEST_TOKEN = 1 << 22
LARGEST_PLAIN = 1 << 26  # bytes of a sheet that is held in memory as a whole
ADDRESS = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,4})?", re.ASCII)
# Rows and cells as Excel, WPS, LibreOffice and openpyxl write them.
PLAIN_ROW = re.compile(rb'''<row r="([1-9]\d{0,6})"((?: [\w:]+="[ !#-%'-;=?-~]*")*)(?: ?(/))?>''')
PLAIN_CELL = re.compile(rb'''(<c r="([A-Z]{1,3})([1-9]\d{0,6})"(?: s="(\d+)")?(?: t="(n|s|b|str|inlineStr)")?(?:><v>([^<>&\x00-\x1f]*)</v></c>'''
                        rb'''| ?/>|></c>|><is><t(?: xml:space="preserve")?>([^<>&\x00-\x1f]*)</t></is></c>))''')
UTF8 = re.compile(rb"(?:<\?xml[^?<>]*encoding=[\"']utf-8[\"'][^?<>]*\?>|<\w)", re.IGNORECASE)
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}  # 27-36 and 50-58 are the Chinese ones
PERCENT_FORMATS = {9, 10}
NOT_SHOWN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
FIRST_DAY, FIRST_DAY_1904 = dt.datetime(1899, 12, 30), dt.datetime(1904, 1, 1)
LAST_DAY = 2_958_466  # the serial number after 9999-12-31
ERROR, UNCALCULATED, PERCENT = "error", "uncalculated", "percent"


class Unreadable(Exception):
    """The file is no workbook that can be read: the kind of problem, a sentence, and the sheet and cell where known."""

    def __init__(self, kind: str, message: str, sheet: str = "", place: str = ""):
        self.kind, self.message, self.sheet, self.place = kind, message, sheet, place
        super().__init__(message)


class Cell(NamedTuple):
    """A filled cell. `kind` is `error`, `uncalculated` (a formula without a stored value), `percent`, or nothing."""

    value: object
    row: int
    column: int
    kind: str = ""

    @property
    def place(self) -> str:
        return f"{letters(self.column)}{self.row}"


Rows = dict[int, dict[int, Cell]]


def letters(column: int) -> str:
    """A column's letters: 1 is A, 28 is AB."""
    found = ""
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(65 + rest) + found
    return found


@cache
def _column(shown: bytes) -> int:
    number = 0
    for letter in shown:
        number = number * 26 + letter - 64
    return number


def content_of(path: Path, locked: bool = False) -> bytes:
    """The bytes of a workbook that nobody has open (`locked`: or somebody has). Raises Unreadable for what else lies there."""
    for lock, program in ((f"~${path.name}", "Excel"), (f".~lock.{path.name}#", "LibreOffice")):
        if not locked and path.with_name(lock).exists():
            raise Unreadable("open elsewhere", f"is open in {program} ({lock} lies beside it); save and close it there, or "
                             "remove that file if nobody has it open")
    try:
        if path.is_dir():
            raise Unreadable("a folder", "is a folder; a workbook of that name is expected")
        if path.exists() and not path.is_file():
            raise Unreadable("not a file", "is not a file; a workbook of that name is expected")
        if path.stat().st_size > LARGEST_FILE:
            raise Unreadable("too large", f"has {path.stat().st_size / 1e6:,.0f} MB, more than {LARGEST_FILE / 1e6:,.0f} MB; "
                             "copy its cells into a new workbook, without pictures")
        content = path.read_bytes()
    except FileNotFoundError:
        raise Unreadable("file missing", f"there is no such file in {path.parent}") from None
    except PermissionError:
        raise Unreadable("not readable", "cannot be read: permission is denied") from None
    if not content:
        raise Unreadable("empty file", "is empty (0 bytes); save it again from Excel")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise Unreadable("password", "is protected by a password; save it without one")
        raise Unreadable("old format", "is an old .xls under another name; save it as .xlsx")
    if not content.startswith(b"PK"):
        raise Unreadable("not a workbook", "is not an .xlsx workbook; save it as one from Excel, WPS or LibreOffice")
    return content


def read(content: bytes, wanted: Callable[[str], bool], times: int = 1) -> tuple[list[str], dict[str, Rows]]:
    """The names of all worksheets in order, and the filled cells of those that are wanted, by row and column.

    A file may hold so many `times` what a score sheet may.
    """
    try:
        package = _Package(content, times)
        return list(package.sheets), {name: package.rows(name) for name in package.sheets if wanted(name)}
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise Unreadable("cut short", "is cut short or damaged; copy or save it again") from None
    except Unreadable:
        raise
    except expat.ExpatError as error:
        raise Unreadable("damaged", f"is damaged ({error}); save it again from Excel") from None
    except Exception as error:  # whatever a zip reader meets in bytes that mean harm
        raise Unreadable("damaged", f"is damaged ({type(error).__name__}: {str(error)[:80]!r}); save it again from "
                         "Excel") from None


class _Package:
    """The parts of a workbook."""

    def __init__(self, content: bytes, times: int = 1):
        self.most_elements, self.most_characters = MOST_ELEMENTS * times, MOST_CHARACTERS * times
        self.zip = zipfile.ZipFile(io.BytesIO(content))
        self.elements = self.characters = 0
        members = self.zip.infolist()
        self.members = {member.filename: member for member in members}
        unpacked = sum(member.file_size for member in members)
        if unpacked > LARGEST_UNPACKED:
            raise Unreadable("too large", f"unpacks to {unpacked / 1e6:,.0f} MB, more than {LARGEST_UNPACKED / 1e6:,.0f} MB; "
                             "copy its cells into a new workbook")
        if len(self.members) < len(members):
            raise Unreadable("damaged", "is damaged (it holds two parts of one name); save it again from Excel")
        book = next((target for kind, target in self._related("").values() if kind == "officeDocument"), "")
        if "[Content_Types].xml" not in self.members or book not in self.members:
            raise Unreadable("not a workbook", "is a zip file but not an .xlsx workbook; save it as one from Excel")
        self.sheets: dict[str, str] = {}
        self.first_day = FIRST_DAY
        self._read_book(book)
        if not self.sheets:
            raise Unreadable("not a workbook", "is a workbook without a worksheet; save it as .xlsx from Excel")

    def _related(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to inside the file: the last word of the kind, and the target, by id."""
        folder, name = posixpath.split(part)
        found = {}

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "")
                path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
                found[attributes.get("Id", "")] = (posixpath.basename(attributes.get("Type", "")), path)

        path = posixpath.join(folder, "_rels", f"{name}.rels")
        if path in self.members:
            self._parse(path, start)
        return found

    def _read_book(self, book: str) -> None:
        related = self._related(book)
        parts = dict(related.values())

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "sheet":
                id = next((value for key, value in attributes.items() if key.rpartition(" ")[2] == "id"), "")
                kind, target = related.get(id, ("", ""))
                name = attributes.get("name", "")
                if kind == "worksheet" and name in self.sheets:
                    raise Unreadable("damaged", "is damaged (two sheets have one name); save it again from Excel", name)
                if kind == "worksheet":
                    self.sheets[name] = target
            elif tag == "workbookPr" and attributes.get("date1904") in ("1", "true"):
                self.first_day = FIRST_DAY_1904

        self._parse(book, start)
        self.formats = self._formats(parts.get("styles", ""))
        self.strings_part, self.strings = parts.get("sharedStrings", ""), None

    def _formats(self, part: str) -> list[str]:
        """For each cell style `date`, `percent` or nothing."""
        codes: dict[str, str] = {}
        styles: list[str] = []
        inside = ""

        def start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal inside
            if tag in ("cellXfs", "cellStyleXfs", "dxfs"):
                inside = tag
            elif tag == "numFmt" and inside != "dxfs":
                codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            elif tag == "xf" and inside == "cellXfs":
                styles.append(attributes.get("numFmtId", "0"))

        if part in self.members:
            self._parse(part, start)
        return [_format(id, codes.get(id)) for id in styles]

    def shared(self, index: str) -> str | None:
        """A shared string by its number; None where there is none."""
        if self.strings is None:
            self.strings = self._shared_strings() if self.strings_part in self.members else []
        return self.strings[int(index)] if index.isascii() and index.isdigit() and int(index) < len(self.strings) else None

    def _shared_strings(self) -> list[str]:
        strings: list[str] = []
        text = _Text()

        def start(tag: str, _: dict[str, str]) -> None:
            if tag == "si":
                text.begin()
            text.start(tag)

        def end(tag: str) -> None:
            text.end(tag)
            if tag == "si":
                strings.append(text.read("t"))

        self._parse(self.strings_part, start, end, text.data)
        return strings

    def rows(self, name: str) -> Rows:
        """The filled cells of a sheet."""
        part = self.sheets[name]
        if part not in self.members:
            raise Unreadable("damaged", "is damaged (the sheet's contents are missing); save it again from Excel", name)
        reader = _SheetReader(self, name)
        if not self._read_plainly(self.members[part], reader):
            reader = _SheetReader(self, name)
            try:
                self._parse(part, reader.start, reader.end, reader.text.data, skip_blank_rows=True)
            except expat.ExpatError as error:
                raise Unreadable("damaged", f"is damaged ({error}); save it again from Excel", name) from None
        return {row: cells for row, cells in sorted(reader.rows.items()) if cells}

    def _read_plainly(self, member: zipfile.ZipInfo, reader: _SheetReader) -> bool:
        """Read a sheet that is as plain as the usual programs write one, several times as fast as element by element.

        False where it is not, or is too much to look at; what is wrong is then told by whoever looks at the elements.
        """
        if member.flag_bits & 1 or member.file_size > LARGEST_PLAIN or member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return False
        content = self.zip.read(member)
        begin, finish = content.find(b"<sheetData>") + len(b"<sheetData>"), content.rfind(b"</sheetData>")
        elements = content.count(b"<") - content.count(b"</")
        if not (UTF8.match(content) and len(b"<sheetData>") < begin <= finish and b"<!" not in content and content.count(b"<?") < 2
                and self.elements + elements <= self.most_elements and self.characters + finish - begin <= 8 * self.most_characters):
            return False
        try:
            plain = reader.read_plainly(content, begin, finish)
            heads = b"".join(b'<row r="1"%s/>' % attributes for attributes in reader.row_attributes)
            expat.ParserCreate(namespace_separator=" ").Parse(content[:begin] + heads + content[finish:], True)
        except (expat.ExpatError, UnicodeDecodeError, Unreadable):
            return False
        self.elements += elements
        self.characters += reader.characters
        return plain and self.characters <= self.most_characters

    def _parse(self, part: str, start: Callable, end: Callable | None = None, data: Callable | None = None,
               skip_blank_rows: bool = False) -> None:
        """Call `start` and `end` with each element's bare name; refuse a DTD and what is too much to look at."""
        member = self.members[part]
        if member.flag_bits & 1:
            raise Unreadable("password", "is protected by a password; save it without one")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable("damaged", "is packed in a way that Excel does not use; save it again from Excel")
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True

        def started(name: str, attributes: dict[str, str]) -> None:
            self.elements += 1
            if self.elements > self.most_elements:
                raise Unreadable("too large", f"has more than {self.most_elements:,} rows, cells and values; copy the cells that "
                                 "matter into a new workbook")
            start(name.rpartition(" ")[2], attributes)

        def read(text: str) -> None:
            self.characters += len(text)
            if self.characters > self.most_characters:
                raise Unreadable("too large", f"has more than {self.most_characters:,} characters; copy the cells that matter into "
                                 "a new workbook")
            data(text)

        def refuse(*_: object) -> None:
            raise Unreadable("damaged", "holds a document type, which no workbook needs; save it again from Excel")

        parser.StartElementHandler = started
        parser.StartDoctypeDeclHandler = refuse
        if end:
            parser.EndElementHandler = lambda name: end(name.rpartition(" ")[2])
        if data:
            parser.CharacterDataHandler = read
        fed = 0
        with self.zip.open(member) as source:
            for piece in _rows_with_values(source) if skip_blank_rows else iter(lambda: source.read(1 << 16), b""):
                parser.Parse(piece, False)
                fed += len(piece)
                if fed - max(parser.CurrentByteIndex, 0) > LONGEST_TOKEN:
                    raise Unreadable("too large", "holds a piece of text of several million characters; copy the cells that "
                                     "matter into a new workbook")
        parser.Parse(b"", True)


def _rows_with_values(source: BinaryIO) -> Iterator[bytes]:
    """The XML of a sheet without stretches that hold no tag but those of rows and cells; no value is ever judged here.

    A stretch is left out only where it ends at a row that gives its own number, so that no row moves; from the first
    comment on everything is handed through.
    """
    rest, row, tags, plain = b"", b"", (), True
    while piece := source.read(PIECE):
        rest += piece
        if not row and (found := re.search(rb"<((?:\w+:)?)row ", rest)):
            row = found[0]
            tags = (row, b"</%srow>" % found[1], b"<%sc " % found[1], b"</%sc>" % found[1])
            yield rest[:found.start()]
            rest = rest[found.start():]
        cut = rest.rfind(row, 0, max(len(rest) - 256, 0)) if row else -1
        if cut <= 0:
            if len(rest) > LONGEST_TOKEN:
                yield rest
                rest = b""
            continue
        stretch, rest = rest[:cut], rest[cut:]
        blank = stretch.count(b"<") == sum(map(stretch.count, tags))
        plain = plain and (blank or not re.search(rb"<[!?]", stretch))
        if not (blank and plain and re.match(rb"<[\w:]+\s(?:[^<>]*\s)?r\s*=", rest)):
            yield stretch
    yield rest


class _Text:
    """Collects the text of a cell or shared string by element; what is spoken (phonetic runs) is left out."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.parts: dict[str, list[str]] = {}
        self.inside, self.phonetic = "", False

    def start(self, tag: str) -> None:
        if tag == "rPh":
            self.phonetic = True
        elif tag in ("v", "t", "f") and not self.phonetic:
            self.inside = tag
            self.parts.setdefault(tag, [])

    def end(self, tag: str) -> None:
        if tag == "rPh":
            self.phonetic = False
        elif tag == self.inside:
            self.inside = ""

    def data(self, text: str) -> None:
        if self.inside:
            self.parts[self.inside].append(text)

    def read(self, tag: str) -> str:
        return "".join(self.parts.get(tag, ()))


class _SheetReader:
    """Takes the elements of a sheet and keeps its filled cells."""

    def __init__(self, package: _Package, sheet: str):
        self.package, self.sheet = package, sheet
        self.rows: Rows = {}
        self.text = _Text()
        self.in_data, self.in_cell = False, False
        self.row = self.column = self.characters = 0
        self.row_attributes: set[bytes] = set()
        self.attributes: dict[str, str] = {}

    def _damaged(self, what: str) -> Unreadable:
        return Unreadable("damaged", f"is damaged ({what}); save it again from Excel", self.sheet,
                          f"{letters(self.column)}{self.row}" if self.in_cell else "")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheetData":
            self.in_data = True
        elif not self.in_data:
            return
        elif self.in_cell:
            self.text.start(tag)
        elif tag == "row":
            number = attributes.get("r", str(self.row + 1))
            if not (number.isascii() and number.isdigit() and self.row < int(number) <= LAST_ROW):
                raise self._damaged(f"row {number[:20]} follows row {self.row}")
            self.row, self.column = int(number), 0
            self.rows[self.row] = {}
        elif tag == "c":
            address = attributes.get("r", f"{letters(self.column + 1)}{self.row}")
            found = ADDRESS.fullmatch(address)
            column = _column(found[1].encode()) if found else 0
            if not found or int(found[2]) != self.row or not self.column < column <= LAST_COLUMN:
                raise self._damaged(f"cell {address[:20]} stands in row {self.row} after column "
                                    f"{letters(self.column) or 'none'}")
            self.column, self.attributes, self.in_cell = column, attributes, True
            self.text.begin()

    def end(self, tag: str) -> None:
        if tag == "sheetData":
            self.in_data = False
        elif self.in_cell and tag == "c":
            read = self.text.read
            type = self.attributes.get("t", "n")
            formula = "f" in self.text.parts and (type != "str" or "v" not in self.text.parts)
            value, kind = self._value(type, self.attributes.get("s", "0"), read("t" if type == "inlineStr" else "v"), formula)
            if value != "":
                self.rows[self.row][self.column] = Cell(value, self.row, self.column, kind)
            self.in_cell = False
        elif self.in_cell:
            self.text.end(tag)

    def read_plainly(self, content: bytes, at: int, finish: int) -> bool:
        """Read rows of cells with nothing between them; False where something else is there, or they are out of order."""
        known: dict[tuple[bytes, ...], tuple[object, str]] = {}  # most cells say what another has said
        while at < finish:
            head = PLAIN_ROW.match(content, at, finish)
            if not head or not self.row < int(head[1]) <= LAST_ROW:
                return False
            self.row, self.column = int(head[1]), 0
            self.row_attributes.add(head[2])
            end = head.end() if head[3] else content.find(b"</row>", head.end(), finish)
            body = content[head.end():end]
            at = end + (0 if head[3] else len(b"</row>"))
            found = PLAIN_CELL.findall(body)
            if end < 0 or sum(len(whole) for whole, *_ in found) != len(body):
                return False
            cells = self.rows[self.row] = {}
            for _, column, number, *said in found:
                place = _column(column)
                if int(number) != self.row or not self.column < place <= LAST_COLUMN:
                    return False
                self.column = place
                shown = known.get(said := tuple(said)) or known.setdefault(said, self._plain_value(*said))
                if shown[0] != "":
                    cells[place] = Cell(shown[0], self.row, place, shown[1])
        return at == finish

    def _plain_value(self, style: bytes, type: bytes, value: bytes, text: bytes) -> tuple[object, str]:
        if (value if type == b"inlineStr" else text):
            raise self._damaged("a cell's text stands where its type has none")
        given = (value or text).decode()
        if "\ufffe" in given or "\uffff" in given:
            raise self._damaged("a cell holds what is no character")
        self.characters += len(given)
        return self._value(type.decode() or "n", style.decode() or "0", given)

    def _value(self, type: str, style: str, given: str, formula: bool = False) -> tuple[object, str]:
        """The value of a cell of a type and a style, "" for a blank one, and its kind."""
        if type in ("s", "inlineStr", "str"):
            if type == "str" and formula:
                return "formula", UNCALCULATED
            text = given
            if type == "s" and given:
                text = self.package.shared(given.strip())
                if text is None:
                    raise self._damaged("its text is not in the list of texts")
            if "_x" in text:
                text = ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
            if len(text) > LONGEST_TEXT:
                raise self._damaged(f"its text has more than {LONGEST_TEXT:,} characters")
            return text, ""
        given = given.strip()
        if not given:
            return ("formula", UNCALCULATED) if formula else ("", "")
        if type == "b":
            return given in ("1", "true"), ""
        if type == "d":
            try:
                return dt.datetime.fromisoformat(given).replace(tzinfo=None), ""
            except ValueError:
                return given, ERROR
        if type != "n" or not NUMBER.fullmatch(given):
            return given, ERROR
        return self._number(float(given), style)

    def _number(self, number: float, style: str) -> tuple[object, str]:
        """A number to the fifteen digits that a spreadsheet shows, or the day that it stands for."""
        formats = self.package.formats
        format = formats[int(style)] if style.isascii() and style.isdigit() and int(style) < len(formats) else ""
        if format == "date" and 0 <= number < LAST_DAY - 1:
            moment = self.package.first_day + dt.timedelta(seconds=round(number * 86400))
            return moment if number >= 1 or not number else moment.time(), ""
        return float(f"{number:.15g}"), format if format == PERCENT else ""


def _format(id: str, code: str | None) -> str:
    """`date`, `percent` or nothing, from a number format's id and its own code if it has one."""
    if code is None:
        number = int(id) if id.isascii() and id.isdigit() else 0
        return "date" if number in DATE_FORMATS else PERCENT if number in PERCENT_FORMATS else ""
    shown = NOT_SHOWN.sub("", code.split(";")[0]).lower()
    if "general" in shown or "通用格式" in shown:
        return ""
    return "date" if re.search(r"[ymdhs年月日]", shown) else PERCENT if "%" in shown else ""

