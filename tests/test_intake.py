"""A new period: the template, what people really do to a sheet, sheets that are too much, and what a check says of a sound one."""

import datetime as dt
import json
import re
import shutil
import subprocess
import sys
import zipfile
from functools import partial, partialmethod
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import PatternFill
from workbooks import change, problems, rewrite

from analysis import DATA, ROOT, check, sheets, template
from analysis.problems import DataError

YEAR, ENDING = "2022", "产业技术创新战略联盟"


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
    book, first = openpyxl.load_workbook(made_new), template.HEADING_ROW
    assert {*book.sheetnames} == {*sheets.HEADINGS, "联盟名录"}
    for sheet in book:
        assert {*sheets.HEADINGS.get(sheet.title, ())} <= {cell.value for cell in sheet[first]}
        assert len(sheet["A2"].value) > 15 and sheet.freeze_panes == f"A{first + 1}"
        assert all(sheet.column_dimensions[cell.column_letter].width >= 6 for cell in sheet[first])
    rules = {(sheet.title, rule.type, str(rule.sqref)): rule for sheet in book for rule in sheet.data_validations.dataValidation}
    score = rules["评分表", "decimal", "D4:D500"]
    assert (score.formula1, score.formula2, score.showErrorMessage) == ("0", "100", True)
    assert rules["评分表", "list", "E4:E500"].formula1 == '"活跃度高,活跃度较高,活跃度一般,不活跃"'
    assert rules["未参评", "list", "D4:D500"].formula1 == '"信息不完整,未录入"' and rules["评价期", "date", "B4"]
    assert all("LEN(C4)=3" in rules[sheet, "custom", "C4:C500"].formula1 for sheet in ("评分表", "未参评", "A级名单"))
    directory = {row[1]: row[2] for row in book["联盟名录"].iter_rows(min_row=first + 1, values_only=True)}
    assert len(directory) == 120 and (directory[f"半导体照明{ENDING}"], directory[f"维生素{ENDING}"]) == (110, 109)
    before = made_new.read_bytes()
    with pytest.raises(FileExistsError):
        template.write(YEAR, data)
    assert made_new.read_bytes() == before


def test_an_unfilled_template_is_said_in_one_line(made_new, data):
    with pytest.raises(sheets.Unfilled) as raised:
        sheets.read(YEAR, data)
    assert str(raised.value) == "2022.xlsx: is not filled in yet: a template without an alliance or a value"
    assert sheets.filled_periods(data) == (["2017", "2020-2021"], [YEAR])
    change(data, {"评价期!B4": "2022-01-01"}, YEAR)
    assert re.search("has headings but no alliance.*has no 结束日期", "".join(problems(data, YEAR)))


@pytest.mark.parametrize("above", [0, 5])
def test_a_filled_template_is_sound_whatever_stands_above(made_new, data, above):
    def fill(book):
        """As an analyst would: rows copied from 联盟名录, scores, dates."""
        first = template.HEADING_ROW + 1
        directory = [row[1:3] for row in book["联盟名录"].iter_rows(min_row=first, values_only=True)]
        for place, (name, code) in enumerate(directory[:60], start=1):
            for column, value in enumerate((place, name, code, 100 - place), start=1):
                book["评分表"].cell(first + place - 1, column).value = value
        book["评价期"]["B4"], book["评价期"]["B5"] = dt.date(2022, 1, 1), dt.date(2022, 12, 31)
        for sheet in book if above else ():
            sheet.insert_rows(2, above)
            sheet["A3"] = "填写前请先阅读：联盟名称、批次、评分、项目、数值"

    change(data, fill, YEAR)
    read = sheets.read(YEAR, data)
    assert read.summary().startswith("2022.xlsx is sound: 60 evaluated (活跃度高 15, 活跃度较高 15, 活跃度一般 20, 不活跃 10; ")
    assert 'not in registry/periods.csv; add the line "2022,2022-01-01,2022-12-31,"' in notes(data, YEAR)
    assert "no grades of its own in registry/schemes.csv; those of 2020-2021 hold" in notes(data, YEAR)
    assert "评价期: left blank: 启动会日期, 会评日期" in notes(data, YEAR) and read.activities == {} == read.totals


# Files and folders


def test_files_that_are_nearly_a_score_sheet_are_named(data):
    names = ["2022 - 副本.xlsx", "2022年度.xlsx", "2023.csv", "2023.xls", "2023.XLSX"]
    for name in (*names, "~$2022.xlsx", ".DS_Store", "说明.txt"):
        (data / "score_sheets" / name).touch()
    assert sheets.misnamed(data) == sorted(names)
    assert sheets.periods(data) == ["2017", "2020-2021"]


@pytest.mark.parametrize("place", ["registry/codes.csv", "score_sheets/2017.xlsx", "remarks/2017.md", "score_sheets"])
def test_what_may_not_be_read_is_not_called_missing_or_empty(data, monkeypatch, place):
    def refuse(path, real):
        if path == data / place:
            raise PermissionError(13, "Permission denied")
        return real(path)

    assert sheets.periods(data / "nowhere") == []
    for method, real in (("read_bytes", Path.read_bytes), ("iterdir", Path.iterdir)):
        monkeypatch.setattr(Path, method, partialmethod(refuse, real))
    with pytest.raises(DataError, match=f"{place.removeprefix('score_sheets/')}: cannot be read: permission is denied"):
        check.read("2017", data)
        sheets.periods(data)


# Too much, and much

MEASURE = r"""
import json, re, sys, time
from pathlib import Path
from analysis import sheets
from analysis.problems import DataError
import openpyxl, uharfbuzz
def kilobytes(what):
    return int(re.search(rf"{what}:\s+(\d+)", Path("/proc/self/status").read_text())[1])
for folder in sys.argv[1:]:
    Path("/proc/self/clear_refs").write_text("5")
    before, started = kilobytes("VmRSS"), time.process_time()
    try:
        said = str(len(sheets.read("2017", Path(folder)).evaluated))
    except DataError as error:
        said = str(error)
    print(json.dumps((time.process_time() - started, (kilobytes("VmHWM") - before) / 1000, said)))
"""


def part(ending: str, old: bytes, new: bytes):
    return lambda path: rewrite(path, lambda name, content: content.replace(old, new, 1) if name.endswith(ending) else content)


def appended(rows):
    return lambda path: change(path.parents[1], lambda book: [book["评分表"].append(row) for row in rows])


def share_strings(path, more=b""):
    """Keep the texts where Excel and WPS keep them: in a part of their own, with `more` after them."""
    strings = []

    def shared(found):
        strings.append(b"<si>" + found[2] + b"</si>")
        return b'%s t="s"><v>%d</v></c>' % (found[1], len(strings) - 1)

    rewrite(path, lambda name, xml: re.sub(rb'(<c [^>]*?) t="inlineStr"><is>(.*?)</is></c>', shared, xml) if "worksheets" in name else xml)
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part("[Content_Types].xml", b"</Types>", b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % kind)(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        archive.writestr("xl/sharedStrings.xml", b'<sst xmlns="%s">%s%s</sst>' % (space, b"".join(strings), more))


def blank_rows(path):
    """A million styled blank rows."""
    part("sheet1.xml", b"</sheetData>", b"".join(b'<row r="%d"><c r="A%d" s="3"/></row>' % (n, n) for n in range(200, 1_000_200)) +
         b"</sheetData>")(path)


def many_alliances(path):
    """9,800 more, of eleven new batches, under a grade row that names no number; what they contradict is taken out."""
    names = [(f"第{number}号{ENDING}", f"{'ABCEFGHIJK'[number // 1000]}{number % 1000:03d}") for number in range(9_800)]
    for file, lines in (("alliances", (f"L{number + 1000},{name},\n" for number, (name, _) in enumerate(names))),
                        ("batches", (f"{key},第{key}类联盟,,2013\n" for key in "ABCEFGHIJK"))):
        with (path.parents[1] / "registry" / f"{file}.csv").open("a", encoding="utf8") as table:
            table.writelines(lines)
    change(path.parents[1], {"评分表!A87": "活跃度较差的联盟", **dict.fromkeys(("评价期!B7", "评价期!B4", "评价期!B5"))})
    appended([(None, *row, 20) for row in names])(path)


TOO_MUCH = [
    (blank_rows, 2, "2017.xlsx › 评分表: unpacks to "),
    (part("sheet1.xml", b"<sheetData>", b"<sheetData>" + b"<a>" * 1_500_000), 2, "has more than 200,000 cells, blank ones with a style"),
    (part("workbook.xml", b"</workbook>", b" " * 50_000_000 + b"</workbook>"), 2, "2017.xlsx: unpacks to 50 MB"),
    (part("styles.xml", b"<cellXfs", b"<x/>" * 1_300_000 + b"<cellXfs"), 2, "has more than 200,000 cells"),
    (partial(share_strings, more=b"<si><t>" + b"x" * 45_000_000 + b"</t></si>"), 2, "unpacks to 45 MB, more than 40 MB"),
    (partial(share_strings, more=b"<si><t>x</t></si>" * 350_000), 2, "has more than 200,000 cells"),
    (partial(share_strings, more=b"<si><t>" + b"x" * 39_000_000 + b"</t></si>"), 2, "101"),
    (appended([(None, f"第{row}个{ENDING}" + "长" * 300, 399, "九十") for row in range(3000)]), 2,
     "… and 2980 more of this kind: score not a number"),
    (many_alliances, 3, "9901")]


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> list[tuple[float, float, str]]:
    """The seconds, megabytes and words of a reading of each, in a process of its own."""
    folders = [Path(shutil.copytree(DATA, tmp_path_factory.mktemp("much") / "data")) for _ in TOO_MUCH]
    for folder, (edit, _, _) in zip(folders, TOO_MUCH):
        edit(sheet_path(folder))
    result = subprocess.run([sys.executable, "-c", MEASURE, *folders], capture_output=True, text=True, check=True, cwd=ROOT)
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.xdist_group("much")
@pytest.mark.parametrize("nth", range(len(TOO_MUCH)))
def test_what_is_too_much_is_refused_in_time_and_what_is_much_is_read(measured, nth):
    _, most, words = TOO_MUCH[nth]
    seconds, megabytes, said = measured[nth]
    assert words in said and seconds < most and megabytes < 300, (seconds, megabytes, said)


# What people and programs do to a sheet


def unaddressed(path):
    """A blank cell without an address still moves the next one on."""
    rewrite(path, lambda name, part: re.sub(rb'(<row|<c) r="[^"]*"', rb"\1", part) if name.endswith("sheet1.xml") else part)


def linked(path):
    """Macros, a link to another workbook, and a part that is broken."""
    link = (b'<Relationship Id="rIdx" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLink" '
            b'Target="http://127.0.0.1:9/x" TargetMode="External"/></Relationships>')
    part("xl/_rels/workbook.xml.rels", b"</Relationships>", link)(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0" * 99)
        archive.writestr("xl/externalLinks/externalLink1.xml", b"<broken")


def styled(path):
    """A merged title, and styles that openpyxl refuses."""
    def edit(book):
        sheet = book["评分表"]
        for merged in [*sheet.merged_cells.ranges]:
            sheet.unmerge_cells(str(merged))
        sheet.insert_rows(1, 2)
        sheet["A1"] = "二〇一七年度评价结果"
        sheet.merge_cells("A1:D2")
        sheet["B115"].fill = PatternFill("solid", start_color="FFFF00")
    change(path.parents[1], edit)
    rewrite(path, lambda name, part: re.sub(rb"<fill>.*?</fill>", b"<fill><unknownFill/></fill>", part) if name == "xl/styles.xml" else part)


@pytest.mark.parametrize("edit", [unaddressed, linked, styled, share_strings])
def test_workbooks_of_other_programs_are_read_alike(data, edit):
    edit(sheet_path(data))
    assert shape(sheets.read("2017", data)) == shape(sheets.read("2017"))


def test_what_was_changed_in_reading_is_said_in_one_line(data):
    change(data, {"评分表!D60": "６５", "评分表!D61": " 64 ", "评分表!C60": "３５２", "评分表!B60": f"深部地质矿产勘查{ENDING}\u3000"})
    assert notes(data).splitlines()[0] == ("changed in reading (the file is as it was): 2 × spaces in or around a text, "
                                           "1 × width or case of a code, 2 × number stored as text")


def test_periods_that_overlap(data):
    change(data, {"评分表!C4": 110, "评价期!B4": None})
    shutil.copy(sheet_path(data), sheet_path(data, "2018"))
    assert [line for line in problems(data, "2018") if "overlaps 2017 (2017-01-01 to 2017-12-31 in 2017.xlsx)" in line]
    change(data, {"评价期!B2": "2018-01-01", "评价期!B3": "2020-01-01"}, "2018")
    assert problems(data, "2018") == ["2018.xlsx › 评价期 › B2: 开始日期 2018-01-01 to 2020-01-01 overlaps 2020-2021 (2020-01-01 to "
                                      "2021-09-30 in 2020-2021.xlsx); correct one of them"]
    sheet_path(data).unlink()
    change(data, {"评价期!B2": "2017-12-31", "评价期!B3": "2018-12-31"}, "2018")
    assert "overlaps 2017 (2017-01-01 to 2017-12-31 in registry/periods.csv)" in problems(data, "2018")[0]
    change(data, {"评价期!B2": "2012-01-01", "评价期!B3": "2012-12-31"}, "2018")
    assert "are not in 2018; correct them, or the file's name" in problems(data, "2018")[0]


def test_check_says_which_names_are_new_and_which_aliases_are_in_no_sheet(data):
    for file, line in (("alliances", f"L121,量子{ENDING},"), ("aliases", f"量子通信{ENDING},L121,short,,")):
        with (data / "registry" / f"{file}.csv").open("a", encoding="utf8") as table:
            table.write(f"{line}\n")
    change(data, {"评分表!B60": f"量子{ENDING}", "评分表!C60": 356})
    assert f"new, without a code in registry/codes.csv; add a line for each: 量子{ENDING} (L121,2017,356,certain)" in notes(data)
    assert f"aliases in no sheet and no published report: 量子通信{ENDING}" in notes(data)  # the 2017 report prints TD产业联盟
