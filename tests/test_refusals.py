"""What a score sheet may not hold: each fault by its file, sheet and cell, in words, and all of them at once.

Faults that have nothing to do with each other stand in one workbook: each must be one problem, at its place, in its words.
In 评分表 of 2017 the rows 52 to 86 stand under the grade row 51, where no other sheet counts.
"""

import datetime as dt
import re

import pytest
from workbooks import change, problems, rewrite, told

from analysis import packing, sheets
from analysis.problems import DataError

SCORE, NAME = "2017.xlsx › 评分表 › ", "产业技术创新战略联盟"
NOT_0_TO_100 = "; write 0–100, or leave it blank and give a grade"
SCORES = [
    ("九十", f'"九十" is not a number{NOT_0_TO_100}'), ("85分", f'"85分" is not a number{NOT_0_TO_100}'),
    ("NaN", '"NaN" is not a number'), ("inf", '"inf" is not a number'), ("6,5", '"6,5" is not a number'),
    ("=60+5", "score (a formula) is not calculated yet (open the sheet in Excel"), ("#REF!", '"#REF!" is an error of the spreadsheet'),
    (True, "TRUE or FALSE, not a number"), (dt.time(1, 5), "is a date, not a number"),
    (dt.datetime(2017, 3, 5, 12), '"2017-03-05 12:00:00" is a date, not a number'),
    (dt.date(2017, 3, 5), '"2017-03-05" is a date, not a number'),
    (100.0000001, "100.0000001 is not between 0 and 100; correct it"), (84.9999999, "84.9999999 is 活跃度较高 but A51 says"),
    (None, "score is blank; write 0–100, or, if it is withheld, give the grade in this row (column 等级)"),
    (-0.5, "-0.5 is not between 0 and 100"), ("－１", "-1 is not between 0 and 100"), (49.5, "49.5 is 活跃度较差 but A51 says 活跃度一般")]


def test_scores(data):
    told(data, {f"评分表!D{row}": value for row, (value, _) in enumerate(SCORES, start=52)},
         [(f"评分表 › D{row}", words) for row, (_, words) in enumerate(SCORES, start=52)])


SHOWN = {60: (0.65, "0%", "score 65% is a percentage, not a number; write 0–100, or leave it blank and give a grade"),
         **{row: (65, form, '"1900-03-05" is a date') for row, form in enumerate(("yyyy\"年\"m\"月\"", "[$-804]yyyy/m/d;@", "m/d"), start=61)}}


def test_a_number_that_is_shown_as_something_else_is_no_score(data):
    def edit(book):
        for row, (value, shown_as, _) in SHOWN.items():
            book["评分表"].cell(row, 4, value).number_format = shown_as
    told(data, edit, [(f"评分表 › D{row}", words) for row, (_, _, words) in SHOWN.items()])


STORED = {60: (b"<v>NaN</v>", '"NaN" is an error'), 61: (b"<v>1e999</v>", "inf is not a number"), 62: (b"<v>-INF</v>", '"-INF" is an error'),
          63: (b"<f>A1</f>", "is not calculated yet"), 64: (b"<f>A1</f><v></v>", "is not calculated yet")}


def test_numbers_that_are_none(data):
    """What no spreadsheet program writes for a number, and formulas that none has calculated."""
    def edit(name, part):
        for row, (stored, _) in STORED.items() if name.endswith("sheet1.xml") else ():
            part = re.sub(rb'(<c r="D%d"[^>]*>).*?</c>' % row, rb"\1" + stored + b"</c>", part)
        return part
    rewrite(sheets.path_of("2017", data), edit)
    told(data, None, [(f"评分表 › D{row}", words) for row, (_, words) in STORED.items()])


ROWS = [
    ("C", 52, 'code "52" is not three digits, or D and three digits, of a batch of 2017 (1 第一批, 2 第二批, 3 第三批)'),
    ("C", 35.2, 'code "35.2" is not three digits'), ("C", "三五二", "is not three digits"), ("C", 401, 'code "401" is not'),
    ("C", None, "code is blank"), ("C", "D101", 'code "D101" is not three digits'), ("C", True, "code True is TRUE or FALSE"),
    ("C", "#N/A", 'code "#N/A" is an error'), ("B", None, "name is blank"), ("B", "=A1", "name (a formula) is not calculated yet"),
    ("B", dt.date(2017, 1, 1), "name"), ("B", "@联盟", "which a spreadsheet would run"), ("B", "＝深部", "which a spreadsheet would run"),
    ("B", f"深部地质\n矿产勘查{NAME}", "contains a line break; remove it"),
    ("B", f"深部\u200b地质矿产勘查{NAME}", "the invisible character U+200B"),
    ("B", f"深部\u202e地质{NAME}", "the invisible character U+202E"), ("B", f"深部_x0007_{NAME}", "the invisible character U+0007"),
    ("B", f"深部𠮷{NAME}", "𠮷 (U+20BB7), which the report's fonts cannot show"), ("B", f"深部\u2028{NAME}", "U+2028"),
    ("B", f"深部地质矿产勘察{NAME}", f"the nearest known: 深部地质矿产勘查{NAME}"),
    ("B", f"量子{NAME}", f'add the line "L121,量子{NAME}" to registry/alliances.csv'),
    ("B", "长" * 1001, "has 1,001 characters; shorten it to 1,000")]


def test_names_and_codes(data):
    told(data, {f"评分表!{column}{row}": value for row, (column, value, _) in enumerate(ROWS, start=61)},
         [(f"评分表 › {column}{row}", words) for row, (column, _, words) in enumerate(ROWS, start=61)])


@pytest.mark.parametrize("cells, expected", [
    ({"C60": 351, "C61": 356, "B63": f"大豆加工{NAME}", "C63": 113, "A51": "活跃度一般的联盟（共 34 家）", "A3": "完", "E2": "等级", "E64": "优",
      "E65": "活跃度较差", "D65": None, "B109": "合计", "D109": 6543, "B110": f"半导体照明{NAME}", "A111": "总 计（101家）", "D111": 65.5},
     [("B60", f"but the code 351 belongs to L109 (工业酶{NAME})"), ("C61", 'the code 356 is not one of "'),
      ("B63", "stands in B62 already; keep one"), ("A51", "the row says 34 alliances of 活跃度一般, 35 follow"),
      ("A3", '"完" is neither an alliance with a code nor a row that names a grade'),
      ("E64", 'grade "优" is not one of 活跃度高, 活跃度较高, 活跃度一般, 活跃度较差'),
      ("E65", '"活跃度较差" is 活跃度较差 but A51 says 活跃度一般'), ("B109", '"合计" is a row of totals, which are computed; delete the row'),
      ("B110", "is neither an alliance with a code"), ("A111", "is a row of totals")]),
    ({"A51": None, "A28": None, "A3": None, "D60": None, "E2": "=1+1", "E60": 5}, [
        ("D60", "score is blank"), ("E2", "the heading (a formula) is no text, and the column under it is not read")])])
def test_rows(data, cells, expected):
    told(data, {f"评分表!{cell}": value for cell, value in cells.items()}, [(f"评分表 › {place}", words) for place, words in expected])


@pytest.mark.parametrize("columns, place", [(4, "F60"), (5, "G60")])
def test_a_row_moved_to_the_right(data, columns, place):
    """The count of the grade row and 参评联盟数 disagree too; a column of one's own does not swallow the row."""
    told(data, lambda book: (book["评分表"].move_range("A60:D60", cols=columns), book["评分表"].__setitem__("G2", "行业")), [
        (f"评分表 › {place}", "stands outside the table, and is not read; move the row back under its headings, or delete it"),
        ("评分表 › A51", "35 alliances of 活跃度一般, 34 follow"), ("评价期 › B7", "参评联盟数 101 is not the 100")])


def test_values_hidden_under_a_merged_range(data):
    """WPS and openpyxl keep what lies under a merged range, and nobody sees it; Excel deletes it: then it is a blank."""
    told(data, lambda book: book["评分表"].merge_cells("D60:D61"), [("评分表 › D61", "score is blank")])
    rewrite(sheets.path_of("2017", data), lambda name, part: re.sub(
        rb'<c r="D61"[^>]*?/>', b'<c r="D61"><v>64</v></c>', part) if "sheet1" in name else part)
    told(data, None, [("评分表 › D61", "64 lies hidden under a merged range; undo the merging, and delete the value if it is not meant")])


def test_one_code_for_two_alliances_that_have_none_yet(data):
    with (data / "registry" / "alliances.csv").open("a", encoding="utf-8") as file:
        file.write(f"L901,量子{NAME},\nL902,光子{NAME},\n")
    told(data, {"评分表!B60": f"量子{NAME}", "评分表!C60": 390, "评分表!B61": f"光子{NAME}", "评分表!C61": "390"},
         [("评分表 › C61", 'code "390" stands in C60 already; keep one')])


@pytest.mark.parametrize("facts", [
    [("B2", "2017-13-01", '开始日期 "2017-13-01" is not a date; write it like 2017-01-31'), ("B11", "三月六日", '启动会日期 "三月六日" is not'),
     ("B3", "2017年12月", '结束日期 "2017年12月" is not a date'), ("B4", 145, "登记联盟数 145 is not the 146 alliances approved"),
     ("B5", 100, "录入信息联盟数 100 is smaller than the 110"), ("B7", 100, "参评联盟数 100 is not the 101 alliances"),
     ("B8", 27.5, "专家人数 27.5 is not a whole number from 0"), ("B9", 102, "有网站联盟数 102 is more than the 101")],
    [("B3", dt.date(2016, 12, 31), "结束日期 2016-12-31 is before 开始日期 2017-01-01"), ("B5", 147, "147 is more than the 146"),
     ("B8", "多", '"多" is not a number')],
    [("A9", "专家人数", "专家人数 stands in A8 already"), ("A12", None, "项目 is blank; fill it in")],
    [("B8", 0, "专家人数 0 cannot be: somebody has scored"), ("B11", dt.date(2031, 3, 6), "启动会日期 2031-03-06 is not between 开始日期 "
                                                              "(2017-01-01) and 2020-12-31; correct one of them")],
    [("B12", dt.date(1900, 3, 15), "会评日期 1900-03-15 is not between 启动会日期 (2018-03-06) and 2020-12-31"),
     ("B13", dt.date(2018, 3, 5), "复核日期 2018-03-05 is not between 启动会日期")],
    [("B13", dt.date(2018, 3, 14), "复核日期 2018-03-14 is not between 会评日期 (2018-03-15)")]])
def test_facts(data, facts):
    told(data, {f"评价期!{cell}": value for cell, value, _ in facts}, [(f"评价期 › {cell}", words) for cell, _, words in facts])


def test_other_sheets_of_2020_2021(data):
    told(data, {
        "未参评!B2": f"半导体照明{NAME}", "未参评!C2": 110, "未参评!D3": "生病", "未参评!B5": f"维生素{NAME}", "未参评!C5": 109,
        "未参评!B6": f"维生素{NAME}", "未参评!C6": 109, "A级名单!C2": 104, "A级名单!B3": f"果酒{NAME}", "A级名单!C3": "D203", "专家组!B2": None,
        "活动汇总!B2": "很多", "活动汇总!A4": "创新项目总数", "活动汇总!A3": "创新项目总数", "评价期!B6": 19, "评价期!B5": 104}, [
        ("未参评 › B2", "is evaluated too (评分表 row 4)"), ("未参评 › D3", '情况 "生病" is not one of 信息不完整, 未录入'),
        ("未参评 › B6", "stands in B5 already"), ("A级名单 › B2", "belongs to L004"), ("A级名单 › B3", "不活跃"),
        ("专家组 › B2", "姓名 is blank"),
        ("活动汇总 › B2", '数值 "很多" is not a number'), ("活动汇总 › A4", '"创新项目总数" stands in A3 already'),
        ("评价期 › B5", "录入信息联盟数 104 is smaller than the 105")], "2020-2021")


@pytest.mark.parametrize("cells, told_at", [
    ({"B2": 23, "D3": 23, "E1": "AI for Science", "E2": 99, "A4": "活跃度高", "B4": 24}, [
        ("B2", "联盟数 23 does not fit the 24 alliances that 评分表 has as 活跃度高"), ("D3", "政府项目 23 does not fit the 22"),
        ("E2", "AI for Science 99 does not fit the 24"), ("A4", '"活跃度高" stands in A2 already')]),
    ({"A3": "优", "D2": None, "A4": "合计", "B4": 46}, [
        ("A3", 'grade "优" is not one of'), ("D2", "政府项目 is blank"), ("A4", "is a row of totals")]),
    ({"B2": None, "L1": "政府项目", "L2": 1}, [("B2", "联盟数 is blank"), ("L1", "政府项目 stands in D1 too")]),
    ({"D1": "项目𠮷", "E1": "政府\n项目", "F1": "@政府", "G1": "a\u202eb", "H1": "=1+1"}, [
        ("D1", "𠮷 (U+20BB7), which the report's fonts cannot show"), ("E1", "contains a line break"), ("F1", "which a spreadsheet would run"),
        ("G1", "the invisible character U+202E"), ("H1", "the heading (a formula) is no text")])])
def test_activities(data, cells, told_at):
    told(data, {f"协同创新活动!{cell}": value for cell, value in cells.items()}, [(f"协同创新活动 › {at}", words) for at, words in told_at])


@pytest.mark.parametrize("edit, lines", [
    (lambda book: book.remove(book["评价期"]), ["2017.xlsx: has no sheet 评价期; found 评分表, 协同创新活动"]),
    (lambda book: setattr(book["评分表"], "title", "分\u2028数"), ["2017.xlsx: has no sheet 评分表; found 分\\u2028数, 评价期, 协同创新活动"]),
    ({"评价期!A3": None, "评价期!B3": None}, ["2017.xlsx › 评价期: has no 结束日期; add a row 结束日期 with a date like 2017-01-31"]),
    ({"评分表!D2": "分数"}, ["2017.xlsx › 评分表: no row holds all of 联盟名称, 批次, 评分: 评分 is missing; "
                        "found 序号 (A2), 联盟名称 (B2), 批次 (C2), 分数 (D2)"]),
    ({"评分表!E2": "评 分"}, ["2017.xlsx › 评分表 › E2: the heading 评分 stands in D2 too; keep one column"]),
    ({"评分表!E2": "rank"}, ["2017.xlsx › 评分表 › E2: a column rank is the roster's own; rename it"]),
    (lambda book: book["评分表"].delete_rows(3, 200), ["2017.xlsx › 评分表: has headings but no alliance under them; fill it in"]),
])
def test_sheets_and_columns(data, edit, lines):
    change(data, edit)
    assert [line for line in problems(data) if "协同创新活动 ›" not in line] == lines


def put(content):
    return lambda path: path.write_bytes(content(path) if callable(content) else content)


def strict(path):
    """As Excel saves “Strict Open XML”: other namespaces."""
    rewrite(path, lambda name, content: re.sub(rb"http://schemas.openxmlformats.org/(spreadsheetml|officeDocument)/2006/(main|relationships)",
                                               rb"http://purl.oclc.org/ooxml/\1/\2", content))


def cut_sheet(path):
    rewrite(path, lambda name, content: content.replace(b"</sheetData>", b"</sheetDat>") if name.endswith("sheet1.xml") else content)


@pytest.mark.parametrize("spoil, words", [
    (lambda path: path.unlink(), ": there is no such file in "), (put(b""), ": is empty (0 bytes)"),
    (put(b"a,b\n1,2\n"), ": is not an .xlsx workbook"), (put(b"\xd0\xcf\x11\xe0\xa1\xb1" + bytes(600)), ": is an old .xls under another"),
    (put(b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le")), ": is protected by a password"),
    (lambda path: path.with_name("~$2017.xlsx").write_bytes(b"me"), ": is open in Excel (~$2017.xlsx lies beside it)"),
    (lambda path: path.with_name(".~lock.2017.xlsx#").write_text("me"), ": is open in LibreOffice"),
    (put(lambda path: path.read_bytes()[:5000]), ": is cut short, damaged or no workbook; copy it again"),
    (put(packing.zipped({"word/document.xml": b"<w/>"})), ": is cut short, damaged or no workbook"),
    (strict, ": is not an .xlsx workbook; save it as “Excel Workbook (.xlsx)”"), (cut_sheet, " › 评分表: is cut short, damaged or no workbook")])
def test_file(data, spoil, words):
    spoil(sheets.path_of("2017", data))
    assert [line.startswith(f"2017.xlsx{words}") for line in problems(data)] == [True]


def test_all_at_once_sheets_then_columns_then_rows(data):
    def edit(book):
        book.remove(book["评价期"])
        book["协同创新活动"]["A1"] = "档次"
        for cell, value in {"D90": "九十", "C60": 401, "D60": -1, "A51": "活跃度一般的联盟（共 36 家）"}.items():
            book["评分表"][cell] = value
    change(data, edit)
    assert [line.split(": ")[0] for line in problems(data)] == [
        "2017.xlsx", "2017.xlsx › 协同创新活动", *(f"{SCORE}{cell}" for cell in ("A51", "C60", "D60", "D90"))]


def test_what_is_compared_with_scores_that_are_missing_is_not_checked(data):
    def edit(book):
        book.remove(book["评分表"])
        for row in (("联盟名称", "批次"), ("半导体照明产业技术创新战略联盟", 109)):
            (book["A级名单"] if "A级名单" in book.sheetnames else book.create_sheet("A级名单")).append(row)
    change(data, edit)
    assert [line.split(";")[0] for line in problems(data)] == ["2017.xlsx: has no sheet 评分表"]


@pytest.mark.parametrize("wrong, shown, last", [(20, 20, f"{SCORE}D71: "), (34, 21, "… and 14 more of this kind: score not a number")])
def test_past_20_of_one_kind_they_are_counted(data, wrong, shown, last):
    change(data, {f"评分表!D{row}": "缺" for row in range(52, 52 + wrong)})
    with pytest.raises(DataError) as raised:
        sheets.read("2017", data)
    assert (len(raised.value.problems), len(str(raised.value).splitlines())) == (wrong, shown)
    assert str(raised.value).splitlines()[-1].startswith(last)
