"""A new period: the template, what people really do to a sheet, files that are none, what check says, and names that mean harm."""

import datetime as dt
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import PatternFill
from workbooks import change, problems, rewrite, share_strings

from analysis import ROOT, check, registry, sheets, template
from analysis.problems import DataError

YEAR = "2022"
ENDING = "产业技术创新战略联盟"


def notes(data: Path, period: str = "2017") -> str:
    return "\n".join(map(str, sheets.notes(sheets.read(period, data))))


def shape(period) -> list[tuple]:
    return [(a.id, a.code, a.score, a.grade) for a in period.evaluated]


def sheet_path(data: Path, period: str = "2017") -> Path:
    return data / "score_sheets" / f"{period}.xlsx"


# The template


@pytest.fixture
def made_new(data) -> Path:
    template.write(YEAR, data)
    return sheet_path(data, YEAR)


def test_the_template_has_every_sheet_explained_and_guarded(made_new, data):
    book = openpyxl.load_workbook(made_new)
    assert book.sheetnames == [*sheets.HEADINGS, "联盟名录"] or set(book.sheetnames) == {*sheets.HEADINGS, "联盟名录"}
    for sheet in book:
        headings = [cell.value for cell in sheet[template.HEADING_ROW]]
        assert set(sheets.HEADINGS.get(sheet.title, ())) <= set(headings)
        assert len(sheet["A2"].value) > 15 and sheet.freeze_panes == f"A{template.HEADING_ROW + 1}"
        assert all(sheet.column_dimensions[cell.column_letter].width >= 6 for cell in sheet[template.HEADING_ROW])
    rules = {(sheet.title, rule.type, str(rule.sqref)): rule for sheet in book for rule in sheet.data_validations.dataValidation}
    score = rules["评分表", "decimal", "D4:D500"]
    assert (score.formula1, score.formula2, score.showErrorMessage) == ("0", "100", True)
    assert rules["评分表", "list", "E4:E500"].formula1 == '"活跃度高,活跃度较高,活跃度一般,不活跃"'
    assert rules["未参评", "list", "D4:D500"].formula1 == '"信息不完整,未录入"'
    for sheet in ("评分表", "未参评", "A级名单"):
        assert '"123"' in rules[sheet, "custom", "C4:C500"].formula1 and len(rules[sheet, "custom", "C4:C500"].formula1) < 255
    assert rules["评价期", "date", "B4"]
    directory = {row[1]: row[2] for row in book["联盟名录"].iter_rows(min_row=template.HEADING_ROW + 1, values_only=True)}
    assert len(directory) == len(registry.read(data).names) == 120
    assert (directory[f"半导体照明{ENDING}"], directory[f"维生素{ENDING}"]) == (110, 109)


def test_the_template_is_never_overwritten(made_new, data):
    before = made_new.read_bytes()
    with pytest.raises(FileExistsError):
        template.write(YEAR, data)
    assert made_new.read_bytes() == before


def test_a_text_that_a_spreadsheet_would_run_is_quoted_in_the_template(data):
    path = data / "registry" / "alliances.csv"
    path.write_text(path.read_text("utf-8-sig").replace("L001,钢铁", "L001,A=B钢铁"), "utf-8-sig")
    cells = openpyxl.load_workbook(template.write(YEAR, data))["联盟名录"]
    assert all(cell.data_type != "f" for row in cells.iter_rows() for cell in row)


def test_files_that_are_nearly_a_score_sheet_are_named(data):
    names = ["2022 - 副本.xlsx", "2022年度.xlsx", "2023.csv", "2023.xls", "2023.XLSX"]
    for name in (*names, "~$2022.xlsx", ".DS_Store", "说明.txt"):
        (data / "score_sheets" / name).touch()
    assert sheets.misnamed(data) == sorted(names)
    assert sheets.periods(data) == ["2017", "2020-2021"]


def test_a_folder_that_may_not_be_read_is_not_called_empty(data, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    assert sheets.periods(data / "nowhere") == []
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DataError, match="score_sheets: cannot be read: permission is denied"):
        sheets.periods(data)


@pytest.mark.parametrize("place", ["registry/codes.csv", "score_sheets/2017.xlsx", "remarks/2017.md"])
def test_a_file_that_may_not_be_read_is_not_called_missing(data, monkeypatch, place):
    def refuse(path, real=Path.read_bytes):
        if path == data / place:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=f"{place.removeprefix('score_sheets/')}: cannot be read: permission is denied"):
        check.read("2017", data)


def test_an_unfilled_template_is_said_in_one_line(made_new, data):
    with pytest.raises(sheets.Unfilled) as raised:
        sheets.read(YEAR, data)
    assert str(raised.value) == "2022.xlsx: is not filled in yet: a template without an alliance or a value"
    assert sheets.filled_periods(data) == (["2017", "2020-2021"], [YEAR])
    change(data, {"评价期!B4": "2022-01-01"}, YEAR)
    assert re.search("has headings but no alliance.*has no 结束日期", "".join(problems(data, YEAR)))


def fill(path: Path, data: Path, above: int = 0) -> None:
    """Fill the template as an analyst would: rows copied from 联盟名录, scores, dates."""
    book = openpyxl.load_workbook(path)
    first = template.HEADING_ROW + 1
    directory = [row[1:3] for row in book["联盟名录"].iter_rows(min_row=first, values_only=True)]
    for place, (name, code) in enumerate(directory[:60], start=1):
        for column, value in enumerate((place, name, code, 100 - place), start=1):
            book["评分表"].cell(first + place - 1, column).value = value
    book["评价期"]["B4"], book["评价期"]["B5"] = dt.date(2022, 1, 1), dt.date(2022, 12, 31)
    for sheet in book if above else ():
        sheet.insert_rows(2, above)
        sheet["A3"] = "填写前请先阅读：联盟名称、批次、评分、项目、数值"
    book.save(path)


@pytest.mark.parametrize("above", [0, 5])
def test_a_filled_template_is_sound_whatever_stands_above(made_new, data, above):
    fill(made_new, data, above)
    read = sheets.read(YEAR, data)
    assert read.summary().startswith("2022.xlsx is sound: 60 evaluated (活跃度高 15, 活跃度较高 15, 活跃度一般 20, 不活跃 10; ")
    assert 'not in registry/periods.csv; add the line "2022,2022-01-01,2022-12-31,"' in notes(data, YEAR)
    assert "no grades of its own in registry/schemes.csv; those of 2020-2021 hold" in notes(data, YEAR)
    assert read.activities == {} == read.totals


# What people do to a sheet


def reference():
    return shape(sheets.read("2017"))


def styled(content: bytes, rows: int, cells: int) -> bytes:
    """The XML of a sheet with that many more rows of blank, styled cells."""
    row = '<row r="%d" s="3" customFormat="1">' + "".join(f'<c r="{chr(65 + i)}%d" s="3"/>' for i in range(cells)) + "</row>"
    blank = "".join(row % ((number,) * (cells + 1)) for number in range(200, 200 + rows))
    return content.replace(b"</sheetData>", blank.encode() + b"</sheetData>")


MEASURE = r"""
import re, sys, time
from pathlib import Path
from analysis import sheets
from analysis.problems import DataError
import openpyxl, uharfbuzz
before = int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1])
started = time.process_time()
try:
    said = str(len(sheets.read("2017", Path(sys.argv[1])).evaluated))
except DataError as error:
    said = str(error)
most = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
print(time.process_time() - started, (most - before) / 1000, said)
"""


def measured(data: Path, most_seconds: float = 2) -> str:
    """What a reading said, after its seconds and 300 MB were looked at in a process of its own."""
    result = subprocess.run([sys.executable, "-c", MEASURE, str(data)], capture_output=True, text=True, check=True, cwd=ROOT)
    seconds, megabytes, said = result.stdout.split(" ", 2)
    assert float(seconds) < most_seconds and float(megabytes) < 300, (seconds, megabytes)
    return said.strip()


def deep(part: bytes) -> bytes:
    return part.replace(b"<sheetData>", b"<sheetData>" + b"<a>" * 1_500_000)


@pytest.mark.parametrize("name, edit, words", [
    ("sheet1.xml", lambda part: styled(part, 1_000_000, 4), "2017.xlsx › 评分表: unpacks to "),
    ("sheet1.xml", lambda part: styled(part, 260_000, 4), "has more than 200,000 cells, blank ones with a style counted; copy the"),
    ("sheet1.xml", deep, "has more than 200,000 cells"),
    ("workbook.xml", lambda part: part + b" " * 50_000_000, "2017.xlsx: unpacks to 50 MB"),
    ("styles.xml", lambda part: part.replace(b"<cellXfs", b"<x/>" * 1_300_000 + b"<cellXfs"), "has more than 200,000 cells")])
def test_a_workbook_that_is_too_much_is_refused_with_advice(data, name, edit, words):
    rewrite(sheet_path(data), lambda part, content: edit(content) if part.endswith(name) else content)
    assert words in measured(data)


@pytest.mark.parametrize("strings, words", [
    (b"<si><t>" + b"x" * 45_000_000 + b"</t></si>", "unpacks to 45 MB, more than 40 MB"),
    (b"<si><t>x</t></si>" * 350_000, "has more than 200,000 cells"), (b"<si><t>" + b"x" * 39_000_000 + b"</t></si>", "101")])
def test_shared_strings_without_end_are_refused(data, strings, words):
    share_strings(sheet_path(data), strings)
    assert words in measured(data)


def test_a_name_without_end_is_refused(data):
    change(data, {})
    name = f"深部地质矿产勘查{ENDING}".encode()
    rewrite(sheet_path(data), lambda part, content: content.replace(name, name * 200_000))
    assert 'name "深部地质' in measured(data) and "has 3,600,000 characters; shorten it to 1,000" in measured(data)


def test_a_hundred_thousand_styled_blank_rows_are_passed_over(data):
    rewrite(sheet_path(data), lambda name, part: styled(part, 100_000, 4) if name.endswith("sheet1.xml") else part)
    assert measured(data, 5) == "101"


def test_ten_thousand_alliances_are_read_within_three_seconds(data):
    names = [f"第{number}号{ENDING}" for number in range(9_800)]
    registered = data / "registry"
    with (registered / "alliances.csv").open("a", encoding="utf8") as file:
        file.writelines(f"L{number + 1000},{name},\n" for number, name in enumerate(names))
    with (registered / "batches.csv").open("a", encoding="utf8") as file:
        file.writelines(f"{key},第{key}类联盟,,2013\n" for key in "ABCEFGHIJK")

    def edit(book):
        for number, name in enumerate(names):
            for column, value in ((2, name), (3, f"{'ABCEFGHIJK'[number // 1000]}{number % 1000:03d}"), (4, 20)):
                book["评分表"].cell(200 + number, column).value = value
        book["评分表"]["A87"], book["评价期"]["B7"], book["评价期"]["B4"], book["评价期"]["B5"] = None, None, None, None
        book["评分表"]["A108"] = "活跃度较差的联盟"
        for row in range(88, 108):
            book["评分表"].cell(row, 4).value = 60
        book["评分表"]["A51"] = "活跃度一般的联盟"
    change(data, edit)
    assert measured(data, 3) == "9901"


def test_cells_and_rows_without_an_address(data):
    """A blank cell without an address still moves the next one on."""
    def edit(name, part):
        return re.sub(rb'(<row|<c) r="[^"]*"', rb"\1", part) if name.endswith("sheet1.xml") else part
    rewrite(sheet_path(data), edit)
    moved = sheets.read("2017", data)
    assert shape(moved) == reference()


def test_macros_links_and_extra_parts_are_left_alone(data):
    def edit(name, part):
        link = (b'<Relationship Id="rIdx" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLink" '
                b'Target="http://127.0.0.1:9/x" TargetMode="External"/></Relationships>')
        return part.replace(b"</Relationships>", link) if name == "xl/_rels/workbook.xml.rels" else part
    rewrite(sheet_path(data), edit)
    with zipfile.ZipFile(sheet_path(data), "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0" * 99)
        archive.writestr("xl/externalLinks/externalLink1.xml", b"<broken")
    assert shape(sheets.read("2017", data)) == reference()


def test_merged_titles_and_styles_of_other_programs(data):
    def edit(book):
        sheet = book["评分表"]
        for merged in [*sheet.merged_cells.ranges]:
            sheet.unmerge_cells(str(merged))
        sheet.insert_rows(1, 2)
        sheet["A1"] = "二〇一七年度评价结果"
        sheet.merge_cells("A1:D2")
        for row in range(110, 130):
            sheet.cell(row, 2).fill = PatternFill("solid", start_color="FFFF00")
    path = change(data, edit)
    rewrite(path, lambda name, part: re.sub(rb"<fill>.*?</fill>", b"<fill><unknownFill/></fill>", part)
            if name == "xl/styles.xml" else part)
    assert shape(sheets.read("2017", data)) == reference()



def test_what_was_changed_in_reading_is_said_in_one_line(data):
    change(data, {"评分表!D60": "６５", "评分表!D61": " 64 ", "评分表!C60": "３５２", "评分表!B60": f"深部地质矿产勘查{ENDING}\u3000"})
    assert notes(data).splitlines()[0] == ("changed in reading (the file is as it was): 2 × spaces around a text; 1 × width or case of a code; "
                                           "2 × number stored as text")


def test_reading_and_checking_need_neither_pandas_nor_what_only_one_system_has():
    program = "import sys; from analysis import sheets; sheets.notes(sheets.read(2017)); print({'pandas', 'fcntl'} & {*sys.modules})"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout == "set()\n"


# Further refusals (tests/test_refusals.py has the others)


def damaged(part: str, old: bytes, new: bytes):
    return lambda path: rewrite(path, lambda name, content: content.replace(old, new, 1) if name.endswith(part) else content)


@pytest.mark.parametrize("spoil, words", [
    (damaged("sheet1.xml", b'<c r="B60"', b'<c r="A60"'), "2017.xlsx › 评分表: is damaged (ValueError: two cells A60)"),
    (damaged("sheet1.xml", b"</sheetData>", b"</sheetDat>"), "2017.xlsx › 评分表: is damaged (ParseError: mismatched tag"),
    (damaged("workbook.xml", b"<workbook", b'<!DOCTYPE x [<!ENTITY a "b">]><workbook'), "holds a document type"),
    (damaged("sheet1.xml", b'<c r="D60"', b'<c t="q" r="D60"'), "2017.xlsx › 评分表"),
    (lambda path: path.with_name(".~lock.2017.xlsx#").write_text("me"), "2017.xlsx: is open in LibreOffice"),
])
def test_further_file_refusals(data, spoil, words):
    spoil(sheet_path(data))
    assert any(words in line for line in problems(data)), problems(data)


def test_an_encrypted_archive(data):
    content = bytearray(sheet_path(data).read_bytes())
    for start in (m.start() for m in re.finditer(b"PK\x01\x02", content)):
        content[start + 8] |= 1
    sheet_path(data).write_bytes(content)
    assert problems(data) == ["2017.xlsx: is protected by a password; save it without one"]


@pytest.mark.parametrize("stored, words", [
    (b"<v>NaN</v>", "nan is not a number"), (b"<v>1e999</v>", "inf is not a number"),
    (b"<v>-INF</v>", "-inf is not a number"), (b"<f>A1</f>", "is not calculated yet"),
    (b"<f>A1</f><v></v>", "is not calculated yet")])
def test_numbers_that_are_none(data, stored, words):
    rewrite(sheet_path(data), lambda name, part: re.sub(rb'(<c r="D60"[^>]*>).*?</c>', rb"\1" + stored + b"</c>", part)
            if name.endswith("sheet1.xml") else part)
    assert [line.startswith("2017.xlsx › 评分表 › D60: score ") and words in line for line in problems(data)] == [True]




@pytest.mark.parametrize("value, number_format, words", [
    (0.65, "0%", "score 65% is a percentage, not a number; write 0–100, or leave it blank and give a grade"),
    *((65, form, '"1900-03-05" is a date') for form in ("yyyy\"年\"m\"月\"", "[$-804]yyyy/m/d;@", "m/d"))])
def test_a_number_that_is_shown_as_something_else_is_no_score(data, value, number_format, words):
    change(data, lambda book: (setattr(book["评分表"]["D60"], "value", value),
                               setattr(book["评分表"]["D60"], "number_format", number_format)))
    assert [words in line for line in problems(data)] == [True]


@pytest.mark.parametrize("text, words", [
    ("=深部", "starts with \"=\""), ("＝深部", "which a spreadsheet would run"), ("\t深部", "which a spreadsheet would run"),
    ("深部\u202e地质", "the invisible character U+202E"), ("深部_x0007_", "the invisible character U+0007"),
    ("深部𠮷", "𠮷 (U+20BB7), which the report's fonts cannot show"), ("深部\u2028", "U+2028")])
def test_names_that_no_report_may_show(data, text, words):
    def edit(name, part):
        name_of = f"深部地质矿产勘查{ENDING}".encode()
        return part.replace(name_of, (text.replace("\t", "&#9;") + ENDING).encode())
    rewrite(sheet_path(data), edit)
    assert [line.startswith("2017.xlsx › 评分表 › B60: name ") and words in line for line in problems(data)] == [True]


def test_periods_that_overlap(data):
    change(data, {"评分表!C4": 110, "评价期!B4": None})
    shutil.copy(sheet_path(data), sheet_path(data, "2018"))
    assert [line for line in problems(data, "2018") if "overlaps 2017 (2017-01-01 to 2017-12-31 in 2017.xlsx)" in line]
    change(data, {"评价期!B2": "2018-01-01", "评价期!B3": "2020-01-01"}, "2018")
    assert problems(data, "2018") == ["2018.xlsx › 评价期 › B2: 开始日期 2018-01-01 to 2020-01-01 overlaps 2020-2021 (2020-01-01 to "
                                      "2021-09-30 in 2020-2021.xlsx); correct one of them"]
    change(data, {"评价期!B3": "2018-12-31"}, "2018")
    assert problems(data, "2018") == []
    sheet_path(data).unlink()
    change(data, {"评价期!B2": "2017-12-31"}, "2018")
    assert "overlaps 2017 (2017-01-01 to 2017-12-31 in registry/periods.csv)" in problems(data, "2018")[0]
    change(data, {"评价期!B2": "2012-01-01", "评价期!B3": "2012-12-31"}, "2018")
    assert "are not in 2018; correct them, or the file's name" in problems(data, "2018")[0]



def test_many_faults_do_not_take_long(data):
    def edit(book):
        for row in range(200, 9000):
            for column, value in ((2, f"第{row}个{ENDING}" + "长" * 300), (3, 399), (4, "九十")):
                book["评分表"].cell(row, column).value = value
    change(data, edit)
    assert "… and 8780 more of this kind: score not a number" in measured(data)


def append(data: Path, file: str, line: str) -> None:
    path = data / "registry" / file
    path.write_bytes(path.read_bytes().rstrip() + b"\n" + line.encode() + b"\n")


def test_check_says_which_names_are_new_and_which_aliases_are_in_no_sheet(data):
    append(data, "alliances.csv", f"L121,量子{ENDING},")
    append(data, "aliases.csv", f"量子通信{ENDING},L121,short,,")
    change(data, {"评分表!B60": f"量子{ENDING}", "评分表!C60": 356})
    assert f"new, without a code in registry/codes.csv; add a line for each: 量子{ENDING} (L121,2017,356,certain)" in notes(data)
    assert f"aliases in no sheet and no published report: 量子通信{ENDING}" in notes(data)  # the 2017 report prints TD产业联盟


def test_a_rename_is_one_line(data):
    change(data, {"评分表!B60": f"深地{ENDING}"})
    assert f'if 352 (深部地质矿产勘查{ENDING}) was renamed, add the line "深地{ENDING},' in problems(data)[0]
    append(data, "aliases.csv", re.search(r'add the line "([^"]*)" to registry/aliases', problems(data)[0])[1] + ",,")
    assert problems(data) == []


def test_a_code_change_is_one_line(data):
    shutil.copy(sheet_path(data), sheet_path(data, "2018"))
    change(data, {"评价期!B2": "2018-01-01", "评价期!B3": "2018-12-31", "评价期!B4": None, "评分表!C4": 110, "评分表!C60": 356}, "2018")
    append(data, "codes.csv", re.search(r'add the line "([^"]*)" to registry/codes', problems(data, "2018")[0])[1])
    assert problems(data, "2018") == []
