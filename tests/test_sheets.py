"""The score sheets: the real ones against a second reading, and other shapes of the same data. Refusals: test_refusals.py."""

import datetime as dt
import re
from collections import Counter
from functools import lru_cache

import openpyxl
import pytest
import workbooks
from workbooks import change, problems

from analysis import DATA, registry, roster, sheets
from analysis.registry import normalise

NAMES = {period: openpyxl.load_workbook(sheets.path_of(period, DATA)).sheetnames for period in ("2017", "2020-2021")}


def rows(period):
    """The alliances of a reading as the annex has them."""
    return [workbooks.Row(a.name, a.code, a.score, a.grade) for a in period.evaluated]


@pytest.mark.parametrize("period, months", [("2017", 12), ("2020-2021", 21)])
def test_the_sheets_against_a_second_reading(period, months):
    read, lines = sheets.read(period), lambda sheet: workbooks.lines(period, sheet) if sheet in NAMES[period] else []
    assert rows(read) == workbooks.scores(period) and read.months == months
    assert read.facts == {item: value.date() if isinstance(value, dt.datetime) else value for item, value, _ in lines("评价期")}
    assert [[grade, *counts.values()] for grade, counts in read.activities.items()] == [[*line] for line in lines("协同创新活动")]
    assert read.totals == {item: (number, unit) for item, number, unit in lines("活动汇总")}
    assert [(a.name, a.code, a.state) for a in read.absent] == [(name, str(code), "信息不完整") for _, name, code, _ in lines("未参评")]
    assert [(a.name, a.code) for a in read.a_level] == [(name, str(code)) for _, name, code in lines("A级名单")]
    assert read.experts == [(*line[:2], line[2] or "") for line in lines("专家组")]


def reordered(book):
    """评分, 备注, 批次, 序号, 联盟名称 instead of 序号, 联盟名称, 批次, 评分; grade rows stay in the first column. Four more lines above."""
    sheet = book["评分表"]
    for merged in list(sheet.merged_cells.ranges):
        sheet.unmerge_cells(str(merged))
    for line in list(sheet.iter_rows(min_row=2, max_row=107)):
        number, name, code, score = (cell.value for cell in line)
        if name is not None:
            remark = "备 注" if line[0].row == 2 else None
            for column, value in enumerate((score, remark, code, number, name), start=1):
                sheet.cell(line[0].row, column).value = value
    sheet.insert_rows(1, 3)
    sheet.insert_rows(6)
    sheet["A1"] = "机密：仅供内部使用"


def texts(to_text, columns="CD"):
    """Codes and scores, or names, as other texts."""
    def edit(book):
        for cell in (book["评分表"][f"{column}{row}"] for row in range(4, 108) for column in columns):
            if cell.value is not None:
                cell.value = to_text(str(cell.value))
    return edit


def extras(book):
    book.create_sheet("草稿").append(["评分", "评分", "=1/0"])
    book.create_chartsheet("图")
    for cell, value in (("E2", "备注"), ("E4", "第一"), ("G60", "#REF!"), ("H61", "=A1")):
        book["评分表"][cell] = value


WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


@pytest.mark.parametrize("edit", [
    reordered, extras, texts(lambda text: f" {text}\u00a0"), texts(lambda text: text.translate(WIDE)),
    texts(lambda text: f"\u3000{text}.0", "D"), texts(float), texts(lambda name: f"\u00a0{name}  ", "B"),
    texts(lambda name: name.replace("TD ", "ＴＤ\u00a0").replace("（", " (").replace("WAPI", "wapi"), "B"),
    {"评价期!B2": "2017年1月1日", "评价期!B3": "2017/12/31"},
    {"评分表!B2": " 联盟名称*", "评分表!C2": "批 次", "评分表!D2": "评分＊"},
    {"评分表!A108": "备注：三位数字", "评分表!A109": "注：同上"}, {"评分表!A3": "活跃度高（24）", "评分表!A28": "活跃度较高"},
    {"评分表!E2": "等级", "评分表!E4": "活跃度高的联盟", "评分表!E60": "活跃度一般", "评分表!A60": "备注1"}])
def test_another_shape_of_the_same_data(data, edit):
    change(data, edit)
    read, real = sheets.read("2017", data), sheets.read("2017")
    one, other = ([(a.id, a.code, a.score, a.grade, normalise(a.name)) for a in period.evaluated] for period in (read, real))
    assert one == other and (read.start, read.end) == (real.start, real.end)


def test_formula_with_its_value(data):
    path = change(data, {"评分表!D60": "=60+5"})
    workbooks.rewrite(path, lambda name, part: re.sub(rb"<f>60\+5</f><v ?/?>(</v>)?", b"<f>60+5</f><v>65</v>", part))
    assert rows(sheets.read("2017", data)) == workbooks.scores("2017")


def test_each_workbook_is_parsed_once(monkeypatch):
    from analysis import tables, workbook

    parsed = []
    monkeypatch.setattr(tables.Book, "open", staticmethod(lru_cache(32)(lambda *a: parsed.append(1) or workbook.read(*a))))
    for period in ("2017", "2020-2021", "2017"):
        sheets.notes(sheets.read(period))
    assert len(parsed) == 2


def notes(data):
    return [*map(str, sheets.notes(sheets.read("2017", data)))]


def test_a_blank_score_is_withheld_where_its_own_row_or_its_whole_grade_says_so(data):
    change(data, {f"评分表!D{row}": None for row in range(52, 87)})
    assert Counter(a.grade for a in sheets.read("2017", data).evaluated if a.score is None) == {"活跃度一般": 35}
    assert not [line for line in notes(data) if "withheld" in line]
    change(data, {"评分表!E2": "等级", "评分表!E60": "活跃度一般", "评分表!D61": 65, **{f"评分表!E{row}": "活跃度一般" for row in range(62, 87)},
                  **{f"评分表!D{row}": 60 for row in range(52, 60)}})
    assert [line[:75] for line in notes(data) if "withheld" in line] == [
        "withheld, by the grade in 等级: 深部地质矿产勘查产业技术创新战略联盟 (row 60), 大豆加工产业技术创新战略联盟 (row"[:75],
        "with published and with withheld scores: 活跃度一般"]


def test_own_columns_are_kept_under_their_headings(data):
    change(data, {"评分表!E2": "行 业*", "评分表!E4": "照明\n节能", "评分表!F2": "Staff", "评分表!F4": 12.5, "评分表!F5": "#N/A",
                  "评分表!F6": "=1+1", "协同创新活动!D1": "AI for Science"})
    read = sheets.read("2017", data)
    assert [a.columns for a in read.evaluated[:3]] == [{"行 业": "照明\n节能", "Staff": 12.5}, *[{"行 业": None, "Staff": None}] * 2]
    assert list(read.activities["活跃度高"])[2] == "AI for Science"
    assert "errors and formulas without a value in columns of your own, taken as blank: 评分表 F5, F6" in notes(data)


@pytest.mark.parametrize("edit, words", [
    ({"评价期!A8": "专家人数（人）"},
     '评价期 A8: the item "专家人数（人）" is not known, and no report reads it; if it is meant as 专家人数, write'),
    ({"评价期!A14": "天气", "评价期!B14": "晴"}, '评价期 A14: the item "天气" is not known, and no report reads it'),
    ({"评分表!G60": 5, "评价期!A14": "注", "评价期!F16": 27}, "评分表 G60: under no heading, and not read"),
    (lambda book: book["协同创新活动"].move_range("A1:K1", rows=2), "协同创新活动 A2, B2, C2, D2, E2, F2, G2, H2, I2, J2, K2: under no heading"),
    ({"评分表!A110": "制表人：张三"}, '评分表 A110: "制表人：张三" is taken for a note under the table'),
    ({"评价期!B8": None}, "评价期: left blank: 专家人数"),
    ({"评分表!E2": "级别", "评分表!E4": "甲"}, '评分表 E2: the column "级别" is taken for one of your own; if it is meant as 等级, name it so'),
    (lambda book: book.create_sheet("评分表 "), 'the sheet "评分表 " is not read; if it is meant as 评分表, name it so'),
    (lambda book: book.create_sheet("未参评联盟"), 'the sheet "未参评联盟" is not read; if it is meant as 未参评, name it so'),
    (lambda book: book.create_sheet("评分表 (2)"), 'the sheet "评分表 (2)" is not read; if it is meant as 评分表')])
def test_what_is_not_read_is_said(data, edit, words):
    change(data, edit)
    assert [line for line in notes(data) if line.startswith(words)]


@pytest.mark.parametrize("period", ["2017", "2020-2021"])
def test_known_things_are_not_said_to_be_unknown(period):
    said = {note.rule: note.values for note in sheets.notes(sheets.read(period))}
    assert [*said] == ["note.alias", "note.doubtful", "note.gap"][:2 + (period == "2020-2021")]
    assert {name[-3:] for name in said["note.doubtful"]["what"]} == {"2017": {"109", "210"}, "2020-2021": {"201"}}[period]
    assert period == "2017" or said["note.gap"] == {"entered": 107, "incomplete": 20, "evaluated": 86, "gap": 1}


def test_the_number_of_alliances_has_two_names(data):
    change(data, {"评价期!A4": "联盟总数"})
    assert sheets.read(2017, data).facts["登记联盟数"] == 146
    change(data, {"评价期!B4": 145})
    assert "145 is not the 146 alliances approved" in problems(data)[0]


def test_a_label_in_lower_case_is_the_label(data):
    schemes = data / "registry" / "schemes.csv"
    schemes.write_text(schemes.read_text("utf-8-sig").replace("2017,活跃度高,活跃度高", "2017,活跃度高,Grade A 级"), "utf-8-sig")
    change(data, {"评分表!A3": "grade a级的联盟（共24家）"})
    assert problems(data) == []


MEMBERS = [("食醋产业技术创新战略联盟", "D101"), ("果酒产业技术创新战略联盟", "D203"), ("第三代半导体产业技术创新战略联盟", "D106")]


@pytest.mark.parametrize("total, members, size, wrong", [
    (147, 1, 1, ""), (157, 3, 11, ""), (None, 2, None, ""), (146, 0, 0, ""), (145, 0, None, "145 is smaller than the 146 "),
    (147, 3, None, "147 is smaller than the 149 that the sheets and the registry name")])
def test_a_true_sheet_of_2018_while_members_joined(data, total, members, size, wrong):
    """Eleven members joined from 2018 to 2021; how many there were in 2018 nobody has published, but the sheet may say."""
    pilots = [(r.name, r.code, r.score) for r in workbooks.scores("2017") if r.code not in ("109", "210")]
    workbooks.write(data, "2018", pilots + [(name, code, 60) for name, code in MEMBERS[:members]], 联盟总数=total)
    told = problems(data, "2018")
    assert len(told) == bool(wrong) and all(wrong in line for line in told)
    if not told:
        read = sheets.read("2018", data)
        assert [b.approved for b in read.batches] == [52, 39, 55, size] and len(roster.of(read)) == (total or 146 + members)
        unsized = "size not known in registry/batches.csv, so that only the named count: 网员联盟"
        assert (unsized in [*map(str, sheets.notes(read))]) == (size is None)


def test_a_batch_has_the_size_of_its_period(data):
    batches, alliances = data / "registry" / "batches.csv", data / "registry" / "alliances.csv"
    batches.write_text(batches.read_text("utf-8-sig") + "1,第一批试点联盟,51,2022\n3,第三批试点联盟,43,2022\n", "utf-8-sig")
    lines = [",".join([*line.split(",")[:3], "", ""]) for line in alliances.read_text("utf-8-sig").splitlines()]
    lines[0], lines[1] = "id,name,note,joined,left", lines[1] + "2022"
    alliances.write_text("\n".join(lines) + "\n", "utf-8-sig")
    known = registry.read(data)
    assert [known.batches_in(period)[0].approved for period in ("2017", "2020-2021", "2022", "2023")] == [52, 52, 51, 51]
    assert [known.there("L001", period) for period in ("2017", "2020-2021", "2022")] == [True, True, False]
    steel = known.names["L001"]
    workbooks.write(data, "2022", [(steel, "101", 90)])
    assert problems(data, "2022") == [
        "2022.xlsx › 评分表: 44 alliances of 第三批 are named here and in the registry, more than the 43 approved in registry/batches.csv; "
        "correct one of them", f'2022.xlsx › 评分表 › A2: "{steel}" was not in the programme in 2022 (joined, left in '
        'registry/alliances.csv: "", "2022"); correct one of them']


def test_who_was_not_of_the_best_grade_before_is_said_of_an_a_level_list(data):
    """With no evaluation between them, 2017 is one of the two periods before 2020-2021; the grades are those that both reports print."""
    path = data / "registry" / "periods.csv"
    path.write_text("".join(line for line in path.read_text("utf-8-sig").splitlines(True) if line[:4] not in ("2018", "2019")), "utf-8-sig")
    said, = (str(note) for note in sheets.notes(sheets.read("2020-2021", data)) if "2017.xlsx" in str(note))
    for name, was in (("新一代煤", "活跃度较高"), ("闪联", "活跃度一般"), ("科研用试剂", "活跃度较高"), ("第三代半导体", "未参评")):
        assert f"{was}, A级名单 row" in next(part for part in said.split("), ") if name in part)
    assert "化纤" not in said
