"""What a score sheet may not hold: each fault by its file, sheet and cell, in words, and all of them at once.

Row 4 of 评分表 in 2017 is 半导体照明 (109, 100 points), the first under the grade row 3; row 60 is 深部地质矿产勘查 (352, 65),
under the grade row 51, where no other sheet counts, so that one fault is one problem.
"""

import datetime as dt
import re
import zipfile

import openpyxl
import pytest
from workbooks import change, problems, rewrite

from analysis import sheets
from analysis.problems import DataError

SCORE, FACTS, NAME = "2017.xlsx › 评分表 › ", "2017.xlsx › 评价期", "产业技术创新战略联盟"
NOT_0_TO_100 = "; write 0–100, or leave it blank and give a grade"


@pytest.mark.parametrize("value, words", [
    ("九十", f'"九十" is not a number{NOT_0_TO_100}'), ("85分", f'"85分" is not a number{NOT_0_TO_100}'),
    ("NaN", '"NaN" is not a number'), ("inf", '"inf" is not a number'), ("6,5", '"6,5" is not a number'),
    ("=60+5", "score (a formula) is not calculated yet (open the sheet in Excel"), ("#REF!", '"#REF!" is an error of the spreadsheet'),
    (True, "TRUE or FALSE, not a number"), (dt.time(1, 5), "is a date, not a number"),
    (dt.datetime(2017, 3, 5, 12), '"2017-03-05 12:00:00" is a date, not a number'),
    (dt.date(2017, 3, 5), '"2017-03-05" is a date, not a number'),
    (100.0000001, "100.0000001 is not between 0 and 100"), (84.9999999, "84.9999999 is 活跃度较高 but A51 says"),
    (None, "score is blank among scores; write 0–100, or, if it is withheld, give the grade in this row (column 等级)"),
    (-1, "-1 is not between 0 and 100"), (-0.5, "-0.5 is not between 0 and 100"), (101, "101 is not between 0 and 100"),
    (100.5, "100.5 is not between 0 and 100"), ("－１", "-1 is not between 0 and 100"),
    (70, "70 is 活跃度较高 but A51 says 活跃度一般; correct one of them"),
    (49.5, "49.5 is 活跃度较差 but A51 says 活跃度一般"), (0, "0 is 活跃度较差 but A51 says")])
def test_score(data, value, words):
    change(data, {"评分表!D60": value})
    assert [line.startswith(f"{SCORE}D60: score ") and words in line for line in problems(data)] == [True]


def test_every_blank_among_scores_is_named(data):
    change(data, {f"评分表!D{row}": None for row in range(60, 80)})
    assert [line.split(": ")[0] for line in problems(data)] == [f"{SCORE}D{row}" for row in range(60, 80)]


def moved(book):
    """Row 60 moved four columns to the right."""
    book["评分表"].move_range("A60:D60", cols=4)


@pytest.mark.parametrize("edit, place, words", [
    (moved, "F60", "stands beside the table, and nothing under its headings; move the row back, or delete it"),
    ({"评分表!B109": "合计", "评分表!D109": 6543}, "B109", '"合计" is a row of totals, which are computed; delete the row'),
    ({"评分表!A109": "平均分", "评分表!D109": 65.5}, "A109", "is a row of totals")])
def test_rows_that_are_none(data, edit, place, words):
    change(data, edit)
    found = problems(data)
    assert [line for line in found if line.startswith(f"{SCORE}{place}: ") and words in line]
    assert len(found) == (3 if edit is moved else 1)  # the count of the grade row and 参评联盟数 disagree too


def test_values_hidden_under_a_merged_range(data):
    """WPS and openpyxl keep what lies under a merged range, and nobody sees it; Excel deletes it: then it is a blank."""
    path = change(data, lambda book: book["评分表"].merge_cells("D60:D61"))
    assert problems(data) == [f"{SCORE}D61: score is blank among scores; write 0–100, or, if it is withheld, give the grade in this row "
                              "(column 等级)"]
    rewrite(path, lambda name, part: re.sub(rb'<c r="D61"[^>]*?/>', b'<c r="D61"><v>64</v></c>', part) if "sheet1" in name else part)
    assert problems(data) == [f"{SCORE}D61: 64 lies hidden under a merged range; undo the merging, and delete the value if it is not meant"]


@pytest.mark.parametrize("cells, place, words", [
    ({"评分表!C60": 52}, "C60", 'code "52" is not three digits, or D and three digits'),
    ({"评分表!C60": 35.2}, "C60", 'code "35.2" is not three digits'), ({"评分表!C60": "三五二"}, "C60", "is not three digits"),
    ({"评分表!C60": 401}, "C60", 'code "401" is of no batch of 2017'), ({"评分表!C60": None}, "C60", "code is blank"),
    ({"评分表!C60": "D101"}, "C60", 'code "D101" is of no batch of 2017 (1 第一批、2 第二批、3 第三批)'),
    ({"评分表!C60": True}, "C60", "code True is TRUE or FALSE"), ({"评分表!C60": "#N/A"}, "C60", 'code "#N/A" is an error'),
    ({"评分表!B60": None}, "B60", "name is blank"), ({"评分表!B60": "=A1"}, "B60", "name (a formula) is not calculated yet"),
    ({"评分表!B60": dt.date(2017, 1, 1)}, "B60", "name"), ({"评分表!B60": "@联盟"}, "B60", "which a spreadsheet would run"),
    ({"评分表!B60": f"深部地质\n矿产勘查{NAME}"}, "B60", "contains a line break; remove it"),
    ({"评分表!B60": f"深部\u200b地质矿产勘查{NAME}"}, "B60", "the invisible character U+200B"),
    ({"评分表!B60": f"深部地质矿产勘察{NAME}"}, "B60", f"the nearest known: 深部地质矿产勘查{NAME}"),
    ({"评分表!B60": f"量子{NAME}"}, "B60", f'add the line "L121,量子{NAME}" to registry/alliances.csv'),
    ({"评分表!C60": 351}, "B60", f"but the code 351 belongs to L109 (工业酶{NAME})"),
    ({"评分表!C60": 356}, "C60", f'the code 356 is not one of "深部地质矿产勘查{NAME}"'),
    ({"评分表!B59": f"深部地质矿产勘查{NAME}", "评分表!C59": 352}, "B60", "stands in B59 already; keep one"),
    ({"评分表!A51": "活跃度一般的联盟（共 34 家）"}, "A51", "the row says 34 alliances of 活跃度一般, 35 follow"),
    ({"评分表!A87": "活跃度较差的联盟（21家）"}, "A87", "the row says 21 alliances of 活跃度较差, 20 follow"),
    ({"评分表!A87": "不活跃的联盟（20家）"}, "A87", "nor a row that names a grade"),
    ({"评分表!A108": "完"}, "A108", '"完" is neither an alliance with a code nor a row that names a grade'),
    ({"评分表!E2": "等级", "评分表!E60": "优"}, "E60", 'grade "优" is not one of 活跃度高、活跃度较高、活跃度一般、活跃度较差'),
    ({"评分表!E2": "等级", "评分表!E60": "活跃度较差", "评分表!D60": None}, "E60", 'under the grade row "活跃度一般的联盟（共 35 家）" (A51)'),
    ({"评分表!E2": "等级", "评分表!E60": "活跃度较高"}, "E60", 'stands under the grade row'),
    ({"评分表!A51": None, "评分表!A28": None, "评分表!A3": None, "评分表!D60": None}, "D60", "score is blank and no grade is given"),
])
def test_row(data, cells, place, words):
    change(data, cells)
    found = problems(data)
    assert [line for line in found if line.startswith(f"{SCORE}{place}: ") and words in line]
    assert len(found) == 1


def test_one_code_for_two_alliances_that_have_none_yet(data):
    with (data / "registry" / "alliances.csv").open("a", encoding="utf-8") as file:
        file.write(f"L901,量子{NAME},\nL902,光子{NAME},\n")
    change(data, {"评分表!B60": f"量子{NAME}", "评分表!C60": 390, "评分表!B61": f"光子{NAME}", "评分表!C61": "390"})
    assert problems(data) == [f'{SCORE}C61: code "390" stands in C60 already; keep one']


@pytest.mark.parametrize("cells, place, words", [
    ({"评价期!B2": "2017-13-01"}, " › B2", '开始日期 "2017-13-01" is not a date; write it like 2017-01-31'),
    ({"评价期!B11": "三月六日"}, " › B11", '启动会日期 "三月六日" is not a date'),
    ({"评价期!B3": "2017年12月"}, " › B3", '结束日期 "2017年12月" is not a date'),
    ({"评价期!B3": dt.date(2016, 12, 31)}, " › B3", "结束日期 2016-12-31 is before 开始日期 2017-01-01"),
    ({"评价期!A3": None}, " › A3", '项目 is blank beside "2017-12-31"'),
    ({"评价期!A3": None, "评价期!B3": None}, "", "has no 结束日期; add a row"),
    ({"评价期!A9": "专家人数"}, " › A9", "专家人数 stands in A8 already"),
    ({"评价期!B8": 27.5}, " › B8", "专家人数 27.5 is not a whole number from 0"),
    ({"评价期!B8": "多"}, " › B8", '"多" is not a number'), ({"评价期!B4": 145}, " › B4", "登记联盟数 145 is not the 146 alliances approved"),
    ({"评价期!B5": 100}, " › B5", "录入信息联盟数 100 is smaller than the 110"),
    ({"评价期!B7": 100}, " › B7", "参评联盟数 100 is not the 101 alliances"), ({"评价期!B5": 147}, " › B5", "147 is more than the 146 that can"),
    ({"评价期!B5": 105}, " › B5", "录入信息联盟数 105 is smaller than the 110"),
    ({"评价期!B9": 102}, " › B9", "有网站联盟数 102 is more than the 101"),
    ({"评价期!B8": 0}, " › B8", "专家人数 0 cannot be: somebody has scored"),
    ({"评价期!B11": dt.date(2031, 3, 6), "评价期!B12": None, "评价期!B13": None}, " › B11",
     "启动会日期 2031-03-06 is not between 开始日期 (2017-01-01) and 2020-12-31; correct one of them"),
    ({"评价期!B12": dt.date(1900, 3, 15)}, " › B12", "会评日期 1900-03-15 is not between 启动会日期 (2018-03-06) and 2020-12-31"),
    ({"评价期!B13": dt.date(2018, 3, 14)}, " › B13", "复核日期 2018-03-14 is not between 会评日期 (2018-03-15)")])
def test_facts(data, cells, place, words):
    change(data, cells)
    assert [line.startswith(f"{FACTS}{place}: ") and words in line for line in problems(data)] == [True]


@pytest.mark.parametrize("cells, place, words", [
    ({"未参评!B2": f"半导体照明{NAME}", "未参评!C2": 110}, "未参评 › B2", "is evaluated too (评分表 row 4)"),
    ({"未参评!D2": "生病"}, "未参评 › D2", '情况 "生病" is not 信息不完整 or 未录入'),
    ({"未参评!B3": f"维生素{NAME}", "未参评!C3": 109}, "未参评 › B3", "stands in B2 already"),
    ({"评价期!B6": 19}, "评价期 › B6", "信息不完整联盟数 19 is smaller than the 20"),
    ({"评价期!B5": 105}, "评价期 › B5", "录入信息联盟数 105 is smaller than the 106"),
    ({"A级名单!C2": 104}, "A级名单 › B2", "belongs to L004"), ({"专家组!B2": None}, "专家组 › B2", "姓名 is blank"),
    ({"活动汇总!B2": "很多"}, "活动汇总 › B2", '数值 "很多" is not a number'),
    ({"活动汇总!A3": "创新项目总数"}, "活动汇总 › A3", '"创新项目总数" stands in A2 already'),
    ({"A级名单!B2": f"果酒{NAME}", "A级名单!C2": "D203"}, "A级名单 › B2", "不活跃")])
def test_other_sheets_of_2020_2021(data, cells, place, words):
    change(data, cells, "2020-2021")
    assert any(line.startswith(f"2020-2021.xlsx › {place}: ") and words in line for line in problems(data, "2020-2021"))


@pytest.mark.parametrize("cells, place, words", [
    ({"协同创新活动!B2": 23}, "B2", "联盟数 23 is not the 24 alliances"),
    ({"协同创新活动!D3": 23}, "D3", "政府项目 23 is more than the 22"),
    ({"协同创新活动!A3": "活跃度高"}, "A3", 'grade "活跃度高" stands here twice'),
    ({"协同创新活动!A3": "优"}, "A3", 'grade "优" is not one of'),
    ({"协同创新活动!B2": None}, "B2", "联盟数"),
    ({"协同创新活动!D2": None}, "D2", "政府项目"),
    ({"协同创新活动!D1": "项目𠮷"}, "D1", "𠮷 (U+20BB7), which the report's fonts cannot show"),
    ({"协同创新活动!D1": "政府\n项目"}, "D1", "contains a line break"), ({"协同创新活动!D1": "@政府"}, "D1", "which a spreadsheet would run"),
    ({"协同创新活动!A4": "合计", "协同创新活动!B4": 46}, "A4", "is a row of totals"),
    ({"协同创新活动!L1": "政府项目", "协同创新活动!L2": 1}, "L1", "政府项目")])
def test_activities(data, cells, place, words):
    change(data, cells)
    assert any(line.startswith(f"2017.xlsx › 协同创新活动 › {place}: ") and words in line for line in problems(data))


@pytest.mark.parametrize("edit, lines", [
    (lambda book: book.remove(book["评价期"]), ["2017.xlsx: has no sheet 评价期; found 评分表, 协同创新活动"]),
    (lambda book: setattr(book["评分表"], "title", "分数"), ["2017.xlsx: has no sheet 评分表; found 分数, 评价期, 协同创新活动"]),
    (lambda book: setattr(book["评分表"], "title", "分\u2028数"), ["2017.xlsx: has no sheet 评分表; found 分\\u2028数, 评价期, 协同创新活动"]),
    (lambda book: book.create_sheet("评分表 "), ['2017.xlsx › 评分表: there are two sheets "评分表"; keep one']),
    ({"评分表!D2": "分数"}, ["2017.xlsx › 评分表: no row holds all of 联盟名称、批次、评分: 评分 is missing; "
                        "found 序号 (A2)、联盟名称 (B2)、批次 (C2)、分数 (D2)"]),
    ({"评分表!E2": "评 分"}, ["2017.xlsx › 评分表 › E2: the heading 评分 stands in D2 too; keep one column"]),
    (lambda book: book["评分表"].delete_rows(3, 200), ["2017.xlsx › 评分表: has headings but no alliance under them; fill it in"]),
])
def test_sheets_and_columns(data, edit, lines):
    change(data, edit)
    assert [line for line in problems(data) if "协同创新活动 ›" not in line] == lines


def test_a_name_pasted_twice_is_told_by_the_place_where_it_stands(data):
    """Row 59 is above row 60; its name beside the code 352 is a slip of pasting, and no code to be decided on."""
    name = openpyxl.load_workbook(sheets.path_of("2017", data))["评分表"]["B59"].value
    change(data, {"评分表!B60": name})
    told, = problems(data)
    assert told.startswith(f'{SCORE}B60: "{name}" stands in B59 already, and the code 352 here is another\'s') and "doubtful" not in told


def test_a_fault_in_the_scores_hides_no_fault_elsewhere(data):
    """24 are 活跃度高 in 2017; with one row that cannot be read there can be 25, and not 26."""
    change(data, {"评分表!D60": "九十", "协同创新活动!B2": 25})
    assert len(problems(data)) == 1
    change(data, {"协同创新活动!B2": 26, "协同创新活动!C2": 26})
    told = problems(data)
    assert [line.split(": ")[0].split(" › ")[1:] for line in told] == [["评分表", "D60"], ["协同创新活动", "B2"], ["协同创新活动", "C2"]]
    assert "联盟数 26 is not the 24 to 25 alliances that 评分表 has as 活跃度高" in told[1]


def test_an_a_level_list_is_checked_beside_a_fault_in_the_scores(data):
    book = openpyxl.load_workbook(sheets.path_of("2020-2021", data))["评分表"]
    low = next(row for row in book.iter_rows(min_row=60, values_only=True) if row[2] and row[3] is None)  # withheld: 不活跃
    change(data, {"评分表!D40": "九十", "A级名单!B3": low[1], "A级名单!C3": low[2]}, "2020-2021")
    told = problems(data, "2020-2021")
    assert len(told) == 2 and f'A级名单 › B3: "{low[1]}" is 不活跃' in told[1]



def put(content):
    return lambda path: path.write_bytes(content(path) if callable(content) else content)


def folder(path):
    path.unlink()
    path.mkdir()


def parts(**contents):
    def spoil(path):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
    return spoil



@pytest.mark.parametrize("spoil, words", [
    (lambda path: path.unlink(), "there is no such file in "), (put(b""), "is empty (0 bytes)"),
    (folder, "is a folder; a workbook of that name is expected"), (put(b"a,b\n1,2\n"), "is not an .xlsx workbook"),
    (put(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)), "is an old .xls under another name"),
    (put(b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le")), "is protected by a password"),
    (lambda path: path.with_name("~$2017.xlsx").write_bytes(b"me"), "is open in Excel (~$2017.xlsx lies beside it)"),
    (put(lambda path: path.read_bytes()[:5000]), "is cut short or damaged"),
    (put(lambda path: path.read_bytes().replace(b"PK\x01\x02", b"PK\x01\x03")), "is cut short or damaged"),
    (parts(**{"word/document.xml": "<w/>"}), "is a zip file but not an .xlsx workbook"),
    (parts(**{"[Content_Types].xml": "<Types>", "xl/workbook.xml": "<"}), "is damaged (ParseError: ")])
def test_file(data, spoil, words):
    spoil(data / "score_sheets" / "2017.xlsx")
    assert [line.startswith("2017.xlsx: ") and words in line for line in problems(data)] == [True]


def test_all_at_once_sheets_then_columns_then_rows(data):
    def edit(book):
        book.remove(book["评价期"])
        book["协同创新活动"]["A1"] = "档次"
        for cell, value in {"D90": "九十", "C60": 401, "D60": -1, "A51": "活跃度一般的联盟（共 36 家）"}.items():
            book["评分表"][cell] = value
    change(data, edit)
    assert [line.split(": ")[0] for line in problems(data)] == [
        "2017.xlsx", "2017.xlsx › 协同创新活动", *(f"{SCORE}{cell}" for cell in ("A51", "C60", "D60", "D90"))]


@pytest.mark.parametrize("wrong, shown, last", [
    (20, 20, f"{SCORE}D71: "), (21, 21, "… and 1 more of this kind: score not a number"),
    (34, 21, "… and 14 more of this kind: score not a number")])
def test_past_20_of_one_kind_they_are_counted(data, wrong, shown, last):
    change(data, {f"评分表!D{row}": "缺" for row in range(52, 52 + wrong)})
    with pytest.raises(DataError) as raised:
        sheets.read("2017", data)
    assert len(raised.value.problems) == wrong
    assert len(str(raised.value).splitlines()) == shown
    assert str(raised.value).splitlines()[-1].startswith(last)
