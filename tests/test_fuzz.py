"""Workbooks broken at random: the data comes out as the sheet says, or an error names the place; nothing else.

It starts from the two real workbooks, and changes cells, rows, columns and types by openpyxl, or the members of the zip
byte by byte. What comes out is held against a second reading by plain openpyxl, which shares no code with the first.
`FUZZ=3000` (make fuzz) sets how many are tried.
"""

import datetime as dt
import io
import os
import re
import time
import unicodedata
import zipfile
from functools import cache

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis import DATA, registry, sheets, workbook
from analysis.grades import BEST_FIRST
from analysis.packing import zipped
from analysis.problems import DataError

TRIES = int(os.environ.get("FUZZ", "40"))
SECONDS = 5.0
PERIODS = ("2017", "2020-2021")
FUZZ = settings(max_examples=TRIES, deadline=None, derandomize="FUZZ" not in os.environ, database=None,
                suppress_health_check=list(HealthCheck))
FOLDERS = {}


@cache
def original(period: str) -> bytes:
    return sheets.path_of(period, DATA).read_bytes()


@cache
def parts(period: str) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(original(period))) as source:
        return {name: source.read(name) for name in source.namelist()}


@pytest.fixture(autouse=True, scope="module")
def in_memory():
    """The workbook is read from memory, the registry once, and the others of the folder not at all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbook, "content_of", lambda path, locked=False: FOLDERS[path.stem])
        patch.setattr(registry, "read", cache(registry.read))
        patch.setattr(sheets, "periods", lambda data, folder="": [])
        yield


def read(period: str, content: bytes) -> sheets.Period | list[str]:
    """The period, or the lines of the error; in time, and never anything else."""
    FOLDERS[period] = content
    started = time.process_time()
    try:
        return sheets.read(period, DATA)
    except DataError as error:
        lines = str(error).splitlines()
        assert lines and all(re.match(rf"{period}\.xlsx( › [^:]+)*: \S|… and \d+ more", line) for line in lines), lines
        return lines
    finally:
        assert time.process_time() - started < SECONDS


def text_of(value: object) -> str:
    """A cell as it is compared: without width, spaces and case."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", "" if value is None else str(value))).upper()


KNOWN = {text_of(name) for table in (registry.read(DATA).names.values(), registry.read(DATA).aliases) for name in table}
FLOORS = dict(zip(BEST_FIRST, (85, 70, 50, 0)))


def holds(period: str, content: bytes) -> None:
    """Either an error with a place, or exactly what plain openpyxl reads: each alliance in its row, and none left out."""
    answer = read(period, content)
    if isinstance(answer, sheets.Period):
        book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
        sheet = next(sheet for sheet in book.worksheets if text_of(sheet.title) == "评分表")
        rows = {number: [text_of(value) for value in row] for number, row in enumerate(sheet.iter_rows(values_only=True), start=1)}
        for a in answer.evaluated:
            assert {text_of(a.name), a.code} <= set(rows[a.row]) and (a.score is None or text_of(a.score) in rows[a.row])
            assert a.score is None or (0 <= a.score <= 100 and a.grade == next(g for g in BEST_FIRST if a.score >= FLOORS[g]))
        assert {a.row for a in answer.evaluated} == {number for number, row in rows.items() if KNOWN & set(row)}


# Cells, rows, columns, types

odd_text = st.one_of(
    st.sampled_from(["九十", "85分", "NaN", "inf", "=1+1", "#REF!", "８５", " 85 ", "\u00a085", "1e2", "0x10", "8 5", "８５．５",
                     "TRUE", "活跃度高", "不活跃", "活跃度高的联盟（共 24 家）", "活跃度一般的联盟", "备注", "***备注", "联盟名称", "批次",
                     "评分", "等级", "D101", "d101", "ｄ101", "109", "999", "信息不完整", "2017-01-01", "2017年13月1日",
                     "-5", "+5", "@x", "\u202e109",
                     "半导体照明产业技术创新战略联盟", "半导体照明产业技术创新战略联盟 ", "<script>", "𠮷", "_x0041_", "½", "8²", "①"]),
    st.text(max_size=12).filter(lambda text: not openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.search(text)))
odd_value = st.one_of(
    st.none(), odd_text, st.integers(-10, 400), st.floats(-10, 110), st.sampled_from([1e300, -1e-300, 49.999999999999999, 84.5]),
    st.booleans(), st.dates(dt.date(1990, 1, 1), dt.date(2060, 1, 1)),
    st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2060, 1, 1)), st.times())
FORMATS = ["General", "0%", "yyyy-mm-dd", "@", "0.00", "h:mm", '"分"0', "[Red]0;[Blue]0"]


def swap(sheet, one, other):
    one, other = sheet.cell(*one), sheet.cell(*other)
    one.value, other.value = other.value, one.value


def merge(sheet, one, other):
    (top, bottom), (left, right) = map(sorted, zip(one, other))
    sheet.merge_cells(start_row=top, end_row=bottom, start_column=left, end_column=right)


ACTS = {  # what is done to a sheet, by two places (a row and a column each) and a value
    **{f"set {n}": lambda sheet, one, other, value: setattr(sheet.cell(*one), "value", value) for n in range(4)},
    "swap": lambda sheet, one, other, value: swap(sheet, one, other), "merge": lambda sheet, one, other, value: merge(sheet, one, other),
    "move": lambda sheet, one, other, value: sheet.move_range(f"A{one[0]}:H{one[0]}", rows=0, cols=other[1]),
    "delete rows": lambda sheet, one, other, value: sheet.delete_rows(one[0], other[1]),
    "insert rows": lambda sheet, one, other, value: sheet.insert_rows(one[0], other[1]),
    "delete column": lambda sheet, one, other, value: sheet.delete_cols(one[1]),
    "insert columns": lambda sheet, one, other, value: sheet.insert_cols(one[1], other[1]),
    "format": lambda sheet, one, other, value: setattr(sheet.cell(*one), "number_format", FORMATS[other[1] - 1]),
    "title": lambda sheet, one, other, value: setattr(sheet, "title", re.sub(r"[\\*?:/\[\]]", "", str(value))[:31].strip() or "表"),
    "remove": lambda sheet, one, other, value: len(sheet.parent.sheetnames) > 1 and sheet.parent.remove(sheet),
}
place = st.tuples(st.integers(1, 112), st.integers(1, 8))
edit = st.tuples(st.sampled_from([0, 0, 0, 1, 2, 3]), st.sampled_from(sorted(ACTS)), place, place, odd_value)


@FUZZ
@given(st.sampled_from(PERIODS), st.lists(edit, min_size=1, max_size=3))
def test_changed_cells_rows_and_columns(period, edits):
    book = openpyxl.load_workbook(io.BytesIO(original(period)))
    for index, act, one, other, value in edits:
        sheet = book.worksheets[min(index, len(book.worksheets) - 1)]
        for merged in [*sheet.merged_cells.ranges]:
            sheet.unmerge_cells(str(merged))
        ACTS[act](sheet, one, other, value)
    content = io.BytesIO()
    book.save(content)
    holds(period, content.getvalue())


# One cell, straight in the XML: many more, since nothing else is written

CELL = re.compile(rb'<c r="([A-Z]+\d+)"([^>]*?)(?:/>|>(.*?)</c>)', re.S)
xml_body = st.one_of(
    st.sampled_from([b"", b"<v/>", b"<v></v>", b"<v>85</v>", b"<v>-0</v>", b"<v>NaN</v>", b"<v>1e999</v>", b"<v> 85 </v>", b"<v>85,5</v>",
                     b"<f>A1</f>", b"<f>A1</f><v>85</v>", b"<f>A1</f><v/>", b"<is><t>85</t></is>", b"<is><r><t>8</t></r><r><t>5</t></r></is>",
                     b"<is><t>8</t><rPh sb='0' eb='1'><t>5</t></rPh></is>", b"<v>1</v><v>2</v>", b"<x/>", b"<v>0.85</v>", b"<v>99999</v>"]),
    st.integers(-5, 105).map(lambda n: b"<v>%d</v>" % n), st.text("<>&;/vtisf \"'=", max_size=8).map(str.encode))
xml_type = st.sampled_from([b"", b' t="n"', b' t="s"', b' t="str"', b' t="inlineStr"', b' t="b"', b' t="e"', b' t="d"', b' t="q"'])
xml_style = st.sampled_from([b"", b' s="0"', b' s="2"', b' s="5"', b' s="99"', b' s="x"'])


@settings(FUZZ, max_examples=2 * TRIES)
@given(st.sampled_from(PERIODS), st.integers(0, 400), xml_type, xml_style, xml_body, st.booleans())
def test_one_cell_in_the_xml(period, index, kind, style, body, keep_address):
    name = "xl/worksheets/sheet1.xml"
    xml = parts(period)[name]
    cells = list(CELL.finditer(xml))
    cell = cells[index % len(cells)]
    address = b' r="%s"' % cell[1] if keep_address else b""
    changed = xml[:cell.start()] + b"<c%s%s%s>%s</c>" % (address, style, kind, body) + xml[cell.end():]
    answer = read(period, zipped(parts(period) | {name: changed}))
    if isinstance(answer, sheets.Period):
        real = read(period, original(period))
        pairs = zip(answer.evaluated, real.evaluated, strict=True)
        changes = [one for one, other in pairs if (one.id, one.code, one.score, one.grade) != (other.id, other.code, other.score, other.grade)]
        assert [f"D{one.row}" for one in changes] in ([], [cell[1].decode()]), "another row or column changed"
        stored = re.sub(rb"<[^>]*>", b"", body).decode()
        assert all(one.score is None or f"{one.score:g}" in stored for one in changes), "another score than stored"


# Bare bytes


@settings(FUZZ, max_examples=2 * TRIES)
@given(st.sampled_from(PERIODS), st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=4)), max_size=6),
       st.integers(0, 1 << 16), st.booleans())
def test_broken_bytes(period, changes, cut, shorten):
    """A damaged file is refused, or its checksums still vouch for what is read."""
    content = bytearray(original(period))
    for at, new in changes:
        content[at % len(content):at % len(content) + len(new)] = new
    answer = read(period, bytes(content[:cut % len(content)] if shorten else content))
    if isinstance(answer, sheets.Period):
        assert [(a.id, a.score) for a in answer.evaluated] == [(a.id, a.score) for a in read(period, original(period)).evaluated]
