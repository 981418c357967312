"""A new period: the template, what people really do to a sheet, what make check says, and names that mean harm."""

import csv
import datetime as dt
import io
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import openpyxl
import pytest
from conftest import once, run
from openpyxl.styles import PatternFill
from playwright.sync_api import sync_playwright
from pypdf import PdfReader
from workbooks import change, problems, scores

from analysis import ROOT, registry, sheets, template, workbook
from analysis.__main__ import main
from analysis.registry import normalise

YEAR = "2022"
ENDING = "产业技术创新战略联盟"


def command(*words: str, data: Path, out: Path | None = None) -> int:
    return main([*words, "--data", str(data), *(["--out", str(out)] if out else [])])


def shape(period) -> list[tuple]:
    return [(a.id, a.code, a.score, a.grade) for a in period.evaluated]


def rewrite(path: Path, edit) -> None:
    """Change the parts of a workbook: `edit` takes a name and bytes, and returns bytes."""
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for name, content in parts.items():
            target.writestr(name, edit(name, content))


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


def test_the_template_is_never_overwritten(made_new, data, capsys):
    before = made_new.read_bytes()
    assert command("new", YEAR, data=data) == 2
    assert "2022.xlsx is there already and is never overwritten" in capsys.readouterr().err
    assert made_new.read_bytes() == before
    with pytest.raises(FileExistsError):
        template.write(YEAR, data)


@pytest.mark.parametrize("year", ["../x", "22", "2022.xlsx", "2022/2023"])
def test_new_takes_a_period(data, capsys, year):
    assert command("new", year, data=data) == 2
    assert "is not a period; write one like 2017" in capsys.readouterr().err


def test_new_without_a_year_says_so_and_check_too(data, capsys):
    for name, words in (("new", "new: YEAR is missing: make new YEAR=2022"), ("check", "check: YEAR is missing: make check YEAR=2017")):
        assert command(name, "", data=data) == 2
        assert words in capsys.readouterr().err


def test_new_says_which_period_covers_the_year_already(data, capsys):
    assert command("new", "2021", data=data) == 0
    assert "2020-2021 covers 2020-01-01 to 2021-09-30 already; the dates of 2021 must not overlap it" in capsys.readouterr().out
    assert command("new", YEAR, data=data) == 0
    assert "already" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["2022 - 副本.xlsx", "2022 副本.xlsx", "2022副本.xlsx"])
def test_a_copy_of_a_workbook_is_named_and_breaks_nothing(data, tmp_path, capsys, name):
    shutil.copy(sheet_path(data), data / "score_sheets" / name)
    (data / "score_sheets" / "~$2022.xlsx").touch()
    assert command("check", "2017", data=data) == 0
    said = capsys.readouterr().out
    assert f"{name}: is not named like 2022.xlsx or 2020-2021.xlsx; passed over" in said and "~$" not in said
    planned = subprocess.run(["make", "-n", "-o", ".venv/.installed", "audit", "YEAR=2017", f"DATA={data}", f"OUT={tmp_path}/out"], cwd=ROOT,
                             capture_output=True, text=True, check=True)
    assert "analysis audit" in planned.stdout
    reports = subprocess.run(["make", "-t", "--no-print-directory", "-o", ".venv/.installed", "reports", f"DATA={data}",
                              f"OUT={tmp_path}/out"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert reports.returncode == 0, reports.stderr


def test_an_unfilled_template_is_said_in_one_line(made_new, data, tmp_path, capsys):
    assert command("check", YEAR, data=data) == 1
    assert capsys.readouterr().err == "2022.xlsx: is not filled in yet: a template without an alliance or a value\n"
    assert command("report", YEAR, data=data, out=tmp_path / "out") == 1
    capsys.readouterr()
    assert command("report", YEAR, "--pass-over-unfilled", data=data, out=tmp_path / "out") == 0
    assert capsys.readouterr().out.endswith("passed over\n")
    assert not (tmp_path / "out").exists()
    assert sheets.filled_periods(data) == (["2017", "2020-2021"], [YEAR])


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
def test_a_filled_template_is_sound_whatever_stands_above(made_new, data, capsys, above):
    fill(made_new, data, above)
    assert command("check", YEAR, data=data) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("2022.xlsx is sound: 60 evaluated (活跃度高 15, 活跃度较高 15, 活跃度一般 20, 不活跃 10; ")
    assert '  not in registry/periods.csv; add the line "2022,2022-01-01,2022-12-31,"' in said
    assert "  no grades of its own in registry/schemes.csv; those of 2020-2021 hold" in said
    assert sheets.read(YEAR, data).activities == {} == sheets.read(YEAR, data).totals


def test_a_template_with_one_value_is_no_longer_unfilled(made_new, data):
    change(data, {"评价期!B4": "2022-01-01"}, YEAR)
    assert any("has headings but no alliance" in line for line in problems(data, YEAR))
    assert any("has no 结束日期" in line for line in problems(data, YEAR))


@pytest.mark.parametrize("goal", ["reports", "trends"])
def test_make_passes_over_an_unfilled_template(made_new, data, goal):
    assert "--pass-over-unfilled" in (ROOT / "Makefile").read_text("utf8")
    names = ("2017", YEAR) if goal == "reports" else (YEAR,)
    for name in names[-1:]:
        result = run("report", name, "--pass-over-unfilled", data=data, out=data.parent / "out")
        assert (result.returncode, result.stdout.count("passed over")) == (0, 1)


# What people do to a sheet


def reference():
    return shape(sheets.read("2017"))


def styled(content: bytes, prefix: bytes, rows: int, cells: int) -> bytes:
    """The XML of a sheet with that many more rows of blank, styled cells, and every element under a namespace prefix."""
    head, tail = content.split(b"</sheetData>")
    if prefix:
        head, tail = (re.sub(rb"<(/?)(?=\w)", rb"<\1" + prefix, part) for part in (head, tail))
        head = head.replace(b"xmlns=", b"xmlns:" + prefix[:-1] + b"=")
    row = b"".join(b'<%sc r="%c%%d" s="3"/>' % (prefix, 65 + i) for i in range(cells))
    template = b'<%srow r="%%d" spans="1:4" s="3" customFormat="1">%s</%srow>' % (prefix, row, prefix)
    return b"".join([head, *(template % ((number,) * (cells + 1)) for number in range(200, 200 + rows)),
                     b"</%ssheetData>" % prefix, tail])


MEASURE = r"""
import re, sys, time
from pathlib import Path
from analysis import sheets
from analysis.problems import DataError
started = time.process_time()
try:
    said = str(len(sheets.read("2017", Path(sys.argv[1])).evaluated))
except DataError as error:
    said = str(error)
most = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
print(time.process_time() - started, most / 1000, said)
"""


def measured(data: Path) -> str:
    """What a reading said, after its five seconds and 500 MB were looked at in a process of its own."""
    result = subprocess.run([sys.executable, "-c", MEASURE, str(data)], capture_output=True, text=True, check=True, cwd=ROOT)
    seconds, megabytes, said = result.stdout.split(" ", 2)
    assert float(seconds) < 5 and float(megabytes) < 500, (seconds, megabytes)
    return said.strip()


@pytest.mark.parametrize("prefix", [b"", b"x:"])
def test_a_million_styled_blank_rows(data, prefix):
    rewrite(sheet_path(data), lambda name, part: styled(part, prefix, 1_000_000, 4) if name.endswith("sheet1.xml") else part)
    assert measured(data) == "101"


def test_a_row_after_a_million_blank_ones_is_read(data):
    def edit(name, part):
        if not name.endswith("sheet1.xml"):
            return part
        last = b'<row r="900000"><c r="D900000" t="str"><v>99</v></c></row></sheetData>'
        return styled(part, b"", 500_000, 2).replace(b"</sheetData>", last)
    rewrite(sheet_path(data), edit)
    assert problems(data) and all("900000" in line for line in problems(data) if "评分表" in line and "A87" not in line)


@pytest.mark.parametrize("dimension", [b"A1:A1", b"A1:XFD1048576", b"Z9:B2", b""])
def test_a_lying_dimension_is_not_trusted(data, dimension):
    rewrite(sheet_path(data), lambda name, part: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="%s"' % dimension, part))
    assert shape(sheets.read("2017", data)) == reference()


def test_cells_and_rows_without_an_address(data):
    """A blank cell without an address still moves the next one on."""
    def edit(name, part):
        return re.sub(rb'(<row|<c) r="[^"]*"', rb"\1", part) if name.endswith("sheet1.xml") else part
    rewrite(sheet_path(data), edit)
    moved = sheets.read("2017", data)
    assert shape(moved) == reference()


def test_comments_and_cdata_hide_no_cell(data):
    def edit(name, part):
        if not name.endswith("sheet1.xml"):
            return part
        part = part.replace(b"<sheetData>", b'<sheetData><!-- <row r="1"><c r="A1"/></row> -->', 1)
        return re.sub(rb"<t>([^<]*)</t>", rb"<t><![CDATA[\1]]></t>", part)
    rewrite(sheet_path(data), edit)
    assert shape(sheets.read("2017", data)) == reference()


def test_macros_links_and_extra_parts_are_left_alone(data):
    def edit(name, part):
        if name == "xl/_rels/workbook.xml.rels":
            return part.replace(b"</Relationships>", b'<Relationship Id="rIdx" Type="http://schemas.openxmlformats.org/officeDocument'
                                b'/2006/relationships/externalLink" Target="http://127.0.0.1:9/x" TargetMode="External"/>'
                                b'<Relationship Id="rIdv" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject" '
                                b'Target="vbaProject.bin"/></Relationships>')
        return part
    rewrite(sheet_path(data), edit)
    with zipfile.ZipFile(sheet_path(data), "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0" * 99)
        archive.writestr("xl/externalLinks/externalLink1.xml", b"<broken")
    assert shape(sheets.read("2017", data)) == reference()


def test_merged_titles_and_styles_of_other_programs(data):
    def edit(book):
        sheet = book["评分表"]
        sheet.insert_rows(1, 2)
        sheet["A1"] = "二〇一七年度评价结果"
        sheet.merge_cells("A1:D2")
        for row in range(110, 130):
            sheet.cell(row, 2).fill = PatternFill("solid", start_color="FFFF00")
    path = change(data, edit)
    rewrite(path, lambda name, part: re.sub(rb"<fill>.*?</fill>", b"<fill><unknownFill/></fill>", part)
            if name == "xl/styles.xml" else part)
    assert shape(sheets.read("2017", data)) == reference()


def test_what_was_changed_in_reading_is_said_in_one_line(data, capsys):
    change(data, {"评分表!D60": "６５", "评分表!D61": " 64 ", "评分表!C60": "３５２", "评分表!B60": f"深部地质矿产勘查{ENDING}\u3000"})
    assert command("check", "2017", data=data) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1] == ("  changed in reading (the file is as it was): 2 × spaces around a text; 1 × width or case of a code; "
                       "2 × number stored as text")


# Further refusals (tests/test_refusals.py has the others)


def damaged(part: str, old: bytes, new: bytes):
    return lambda path: rewrite(path, lambda name, content: content.replace(old, new, 1) if name.endswith(part) else content)


def packed(name: str, size: int):
    def edit(path):
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open(name, "w", force_zip64=True) as part:
            for _ in range(size // 10_000_000):
                part.write(bytes(10_000_000))
    return edit


@pytest.mark.parametrize("spoil, words", [
    (packed("xl/worksheets/sheet99.xml", 700_000_000), "2017.xlsx: unpacks to 700 MB, more than 600 MB"),
    (damaged("sheet1.xml", b'<row r="60"', b'<row r="59"'), "2017.xlsx › 评分表: is damaged (row 59 follows row 59)"),
    (damaged("sheet1.xml", b'<c r="B60"', b'<c r="A60"'), "is damaged (cell A60 stands in row 60 after column A)"),
    (damaged("sheet1.xml", b"</sheetData>", b"</sheetDat>"), "2017.xlsx › 评分表: is damaged (mismatched tag"),
    (damaged("workbook.xml", b"<workbook", b'<!DOCTYPE x [<!ENTITY a "b">]><workbook'), "holds a document type"),
    (damaged("sheet1.xml", b'<c r="D60"', b'<c t="q" r="D60"'), "2017.xlsx › 评分表"),
    (lambda path: path.with_name(".~lock.2017.xlsx#").write_text("me"), "2017.xlsx: is open in LibreOffice"),
])
def test_further_file_refusals(data, spoil, words):
    spoil(sheet_path(data))
    assert any(words in line for line in problems(data)), problems(data)


@pytest.mark.parametrize("write", ["encrypted", "bzip2", "twice"])
def test_zip_members_that_excel_does_not_write(data, write):
    path = sheet_path(data)
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2 if write == "bzip2" else zipfile.ZIP_DEFLATED) as target:
        for name, content in parts.items():
            target.writestr(name, content)
        if write == "twice":
            with pytest.warns(UserWarning):
                target.writestr("xl/workbook.xml", parts["xl/workbook.xml"])
    if write == "encrypted":
        content = bytearray(path.read_bytes())
        for start in (m.start() for m in re.finditer(b"PK\x01\x02", content)):
            content[start + 8] |= 1
        path.write_bytes(content)
    words = {"encrypted": "password", "bzip2": "in a way that Excel does not use", "twice": "two parts of one name"}[write]
    assert words in problems(data)[0] and len(problems(data)) == 1


@pytest.mark.parametrize("stored, words", [
    (b"<v>NaN</v>", '"NaN" is an error of the spreadsheet'), (b"<v>1e999</v>", "inf is not a number"),
    (b"<v>-INF</v>", "is an error of the spreadsheet"), (b"<f>A1</f>", "is not calculated yet"),
    (b"<f>A1</f><v></v>", "is not calculated yet")])
def test_numbers_that_are_none(data, stored, words):
    rewrite(sheet_path(data), lambda name, part: re.sub(rb'(<c r="D60"[^>]*>).*?</c>', rb"\1" + stored + b"</c>", part)
            if name.endswith("sheet1.xml") else part)
    assert [line.startswith("2017.xlsx › 评分表 › D60: score ") and words in line for line in problems(data)] == [True]


def test_a_percentage_is_no_score(data):
    change(data, lambda book: (setattr(book["评分表"]["D60"], "value", 0.65), setattr(book["评分表"]["D60"], "number_format", "0%")))
    assert problems(data) == ["2017.xlsx › 评分表 › D60: score 65% is a percentage, not a number; write 0–100, or leave it blank "
                              "and give a grade"]


@pytest.mark.parametrize("number_format", ["yyyy\"年\"m\"月\"", "[$-804]yyyy/m/d;@", "m/d"])
def test_a_chinese_date_is_no_score(data, number_format):
    change(data, lambda book: (setattr(book["评分表"]["D60"], "value", 65),
                               setattr(book["评分表"]["D60"], "number_format", number_format)))
    assert '"1900-03-05" is a date' in problems(data)[0]


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
    assert problems(data, "2018") == ["2018.xlsx › 评价期 › B2: 2018-01-01 to 2020-01-01 overlaps 2020-2021 (2020-01-01 to "
                                      "2021-09-30 in 2020-2021.xlsx); correct one of them"]
    change(data, {"评价期!B3": "2018-12-31"}, "2018")
    assert problems(data, "2018") == []
    sheet_path(data).unlink()
    change(data, {"评价期!B2": "2017-12-31"}, "2018")
    assert "overlaps 2017 (2017-01-01 to 2017-12-31 in registry/periods.csv)" in problems(data, "2018")[0]
    change(data, {"评价期!B2": "2012-01-01", "评价期!B3": "2012-12-31"}, "2018")
    assert "are not in 2018; correct them, or the file's name" in problems(data, "2018")[0]


def test_dates_that_the_registry_contradicts(data):
    change(data, {"评价期!B3": "2017-11-30"})
    assert "is not what registry/periods.csv says of 2017 (2017-01-01 to 2017-12-31)" in problems(data)[0]


def test_many_faults_do_not_take_long(data):
    def edit(book):
        for row in range(200, 9000):
            for column, value in ((2, f"第{row}个{ENDING}" + "长" * 300), (3, 399), (4, "九十")):
                book["评分表"].cell(row, column).value = value
    change(data, edit)
    assert "… and 8780 more of this kind: score not a number" in measured(data)


# The registry


def append(data: Path, file: str, line: str) -> None:
    path = data / "registry" / file
    path.write_bytes(path.read_bytes().rstrip() + b"\n" + line.encode() + b"\n")


def test_check_says_which_names_are_new_and_which_aliases_are_in_no_sheet(data, capsys):
    append(data, "alliances.csv", f"L121,量子{ENDING},")
    append(data, "aliases.csv", f"量子通信{ENDING},L121,short,,")
    change(data, {"评分表!B60": f"量子{ENDING}", "评分表!C60": 356})
    assert command("check", "2017", data=data) == 0
    said = capsys.readouterr().out
    assert f"new, without a code in registry/codes.csv; add a line for each: 量子{ENDING} (L121,2017,356,certain)" in said
    assert f"aliases in no sheet and no published report: 量子通信{ENDING}" in said  # the 2017 report prints TD产业联盟


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


@pytest.mark.parametrize("file, line, words", [
    ("alliances.csv", "L121,=1+1联盟,", 'name "=1+1联盟" starts with "="'), ("aliases.csv", "某\u200b盟,L001,short,,", "U+200B"),
    ("codes.csv", "L001,2030,102,certain,", "code 102 is L002's for certain"),
    ("periods.csv", "2030,2030-01-01,,", "are not two dates like 2017-01-31"),
    ("periods.csv", "2030,2030-12-31,2030-01-01,", "are not two dates like 2017-01-31, in order"),
    ("periods.csv", "2030,2021-09-30,2022-01-01,", "2030 starts on 2021-09-30, but 2020-2021 above it ends on 2021-09-30")])
def test_contradictions_in_the_registry(data, file, line, words):
    append(data, file, line)
    assert [found.startswith(f"registry/{file} › line ") and words in found for found in problems(data)] == [True]


# Text is text

HOSTILE = (
    "<script>document.title='run'</script>甲联盟", "<img src=x onerror=\"document.title='run'\">乙联盟", "A&B &amp; \"丙\" 'c'联盟",
    "#eval(\"1+1\") #include \"x\"丁联盟", "$x^2$ @ref <label> \\ \\u{41}戊联盟", "{{ 7*7 }}{% raw %}{# #}己联盟",
    "*粗* _斜_ `码` ~删~ [@grades] 庚联盟", "[链](javascript:alert(1)) ![图](x.png)辛联盟", "</table></svg></style>]]>壬联盟",
    "a|b // /* */ --- = ~ 1. # 癸联盟",
)


@pytest.fixture(scope="module")
def hostile(shared) -> Path:
    """The reports of 2020-2021 and of the trend, from data in which the first alliances have hostile names."""
    return once(shared, "hostile", made_of_hostile_names) / "out"


def made_of_hostile_names(folder: Path) -> None:
    data = Path(shutil.copytree(ROOT / "data", folder / "data"))
    earlier = {row.code: row.name for row in scores("2017")}
    both = [row for row in scores("2020-2021") if earlier.get(row.code) == row.name][:len(HOSTILE)]
    names = {normalise(row.name): name for row, name in zip(both, HOSTILE)}
    with (data / "registry" / "alliances.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [[id, names.get(normalise(name), name), *rest] for id, name, *rest in csv.reader(file)]
    with (data / "registry" / "alliances.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)

    def edit(book):
        for sheet in book:
            for row in sheet.iter_rows():
                for cell in row:
                    if isinstance(cell.value, str) and normalise(cell.value) in names:
                        cell.value = names[normalise(cell.value)]
        for place, name in enumerate(HOSTILE if "专家组" in book.sheetnames else (), start=2):
            book["专家组"][f"B{place}"], book["专家组"][f"C{place}"] = name, name

    for period in ("2017", "2020-2021"):
        change(data, edit, period)
    for words in (("report", "2020-2021"), ("trends",)):
        result = run(*words, data=data, out=folder / "out")
        assert result.returncode == 0, result.stderr


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_hostile_names_are_text_in_html(hostile):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for file in ("2020-2021", "trends"):
            page = browser.new_page()
            heard = []
            for event in ("request", "dialog", "pageerror", "console"):
                page.on(event, lambda what, heard=heard: heard.append(what))
            page.goto((hostile / "reports" / f"{file}.html").as_uri())
            text = squeezed(page.evaluate("document.body.textContent"))
            assert [name for name in HOSTILE if squeezed(name) not in text] == []
            assert page.title() != "run" and heard[1:] == []
            assert page.locator("img, script:not([type])").count() <= 1 and page.locator("img[src='x']").count() == 0
            page.close()
        browser.close()


def test_hostile_names_are_text_in_pdf(hostile):
    for file in ("2020-2021", "trends"):
        text = squeezed("".join(page.extract_text() for page in PdfReader(hostile / "reports" / f"{file}.pdf").pages))
        assert [name for name in HOSTILE if squeezed(name) not in text] == []


def test_hostile_names_are_text_in_svg_csv_and_file_names(hostile):
    found, names = set(), []
    for path in sorted(hostile.rglob("*")):
        names.append(path.name)
        if path.suffix == ".svg":
            tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(path.read_text("utf8")).iter()}
            assert not tags & {"script", "image", "foreignObject", "a"}
        if path.suffix == ".csv":
            cells = [cell for row in csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline="")) for cell in row]
            found |= set(cells) & set(HOSTILE)
            assert not [cell for cell in cells if cell.startswith(("=", "@", "\t"))]
    assert found == set(HOSTILE)
    assert [name for name in names if not re.fullmatch(r"[\w.-]+", name)] == []


def test_workbook_letters():
    assert [workbook.letters(n) for n in (1, 26, 27, 52, 703, 16_384)] == ["A", "Z", "AA", "AZ", "AAA", "XFD"]
