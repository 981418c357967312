"""The sentences of a period's report, where the data could make them untrue: what they say of it, in the templates' own words."""

import datetime as dt
from pathlib import Path

import openpyxl
import pytest
from workbooks import change, scores

from analysis import breakdown, sentences, sheets
from analysis.__main__ import main
from analysis.breakdown import UnknownWord
from analysis.problems import DataError

LATEST = "2020-2021"


def told(name: str, data: Path | str = "", period: str = LATEST, **more) -> str:
    """What one template says of a period."""
    return sentences.report(breakdown.Numbers(sheets.read(period, data)))(name, **more).markdown.replace("\\", "")


def add(data: Path, period: str, rows: list[tuple], a_level: list[tuple] = ()) -> None:
    """A score sheet with these alliances (name, code, score, grade) and this A-level list."""
    book = openpyxl.Workbook()
    book.active.title = "评分表"
    year = int(period[:4])
    sheets_of = {"评分表": [("联盟名称", "批次", "评分", "等级"), *rows], "A级名单": [("联盟名称", "批次"), *a_level],
                 "评价期": [("项目", "数值"), ("开始日期", dt.datetime(year, 1, 1)), ("结束日期", dt.datetime(year, 12, 31))]}
    for sheet, lines in sheets_of.items():
        for line in lines:
            (book[sheet] if sheet in book.sheetnames else book.create_sheet(sheet)).append(line)
    book.save(data / "score_sheets" / f"{period}.xlsx")


def test_those_not_evaluated_are_told_by_what_the_table_says_of_them(data):
    assert "下列20家联盟没有纳入评价：录入了信息而填报不完整的20家。没有录入信息的50家没有公布名单" in told("absent")
    change(data, {"未参评!D3": "未录入"}, LATEST)  # 107 of 157 entered, so 50 did not: one named, 49 not
    said = told("absent", data)
    assert "填报不完整的19家，没有录入信息的1家。" in said and "其余没有录入信息的49家没有公布名单" in said
    assert "另有信息不完整的1家没有公布名单" in said  # the sheet says 20


def test_an_a_level_list_that_an_earlier_sheet_refutes_is_told_with_the_names(data):
    """The first of 不活跃 in 2020-2021 cannot be A-level in 2022; one who was 活跃度高 there can, for all that this sheet says."""
    rows = scores(LATEST)
    low, high = next(r for r in rows if r.grade == "活跃度较差"), rows[0]
    add(data, "2022", [(r.name, r.code, 90, "活跃度高") for r in rows], [(low.name, low.code), (high.name, high.code)])
    said = told("a-level", data, "2022")
    assert f"2020-2021评价期的评分表，名单上有1家那一期没有评为活跃度高：{low.name}（不活跃）" in said
    assert "2019评价期没有可用的评分表" in said and high.name not in said
    notes = [note for note in sheets.notes(sheets.read("2022", data)) if "A级名单" in note]
    assert notes == [f"in A级名单, but not 活跃度高 in 2020-2021.xlsx: {low.name} (不活跃, A级名单 row 2)"]


def test_an_a_level_list_is_not_doubted_without_a_sheet_to_doubt_it_by(data):
    assert "2018、2019评价期没有可用的评分表，那两期是否活跃度高无从核对" in told("a-level")
    rows = scores(LATEST)
    add(data, "2022", [(r.name, r.code, 90, "活跃度高") for r in rows], [(rows[0].name, rows[0].code)])
    assert "它们那一期也都评为活跃度高" in told("a-level", data, "2022")
    assert not any("A级名单" in note for note in sheets.notes(sheets.read("2022", data)))


def counted(data: Path, high: dict[str, int], evaluated: dict[str, int]) -> None:
    """A period 2022 in which so many of a batch are 活跃度高 and so many evaluated."""
    rows = {batch: [r for r in scores(LATEST) if r.code[0] == batch] for batch in evaluated}
    add(data, "2022", [(r.name, r.code, 90 if place < high.get(batch, 0) else 60, None)
                       for batch, number in evaluated.items() for place, r in enumerate(rows[batch][:number])])


def test_batches_that_tie_are_named(data):
    """Of 52, 39 and 55: 8 and 6 are 15.38 % both; of those evaluated 8 of 16 and 6 of 12 are half."""
    counted(data, {"1": 8, "2": 6, "3": 1}, {"1": 16, "2": 12, "3": 20, "D": 4})
    said = told("summary", data, "2022")
    assert "活跃度高的联盟占比最大的是第一批、第二批（并列）：以登记数为分母是15.38%，以参评数为分母是50.00%" in said
    assert "试点中参评占比最低的是第一批：16家，占第一批52家试点联盟的30.77%；第二批：12家，占第二批39家试点联盟的30.77%（并列）" in said
    assert "在第一批、第二批中占比并列最大" in told("grade", data, "2022", grade="活跃度高", figure="grade-high")
    counted(data, {}, {"1": 4, "2": 3, "D": 11})
    assert "试点联盟中没有活跃度高的" in told("summary", data, "2022")


def test_coverage_names_those_that_tie_for_the_first_place(data):
    counted(data, {}, {"1": 4, "2": 3, "3": 0})  # 7.69 % of 52 and of 39
    assert "第一批、第二批参评的占7.69%，并列最高；第三批、网员联盟占0.00%，并列最低" in told("coverage", data, "2022")


# What an analyst edits: the templates and the remarks


@pytest.mark.parametrize("written, words", [
    ("第一行\n{{ conut('参评联盟') }}", "trial.md, line 2: there is no conut; a template here may ask for amount, "),
    ("{{ period.end", "trial.md, line 1: unexpected end of template"), ("一\n二\n{% if count('参评联盟') %}", "trial.md, line 3: "),
    ("{{ names('95分及以上 第二批') }}", "line 1: a list cannot be printed as it is"),
    ("{{ leader('活跃度高', '本批次') }}", "line 1: a tuple cannot be printed as it is; take one of it, as in leader(…)[0]"),
    ("{{ count }}", "line 1: a method cannot"), ("{{ facts }}", "line 1: a dict cannot"),
    ("一\n{{ share('活跃度高', '本批次') }}", "line 2: '本批次' cannot be told from '活跃度高', which names no batch"),
    ("{{ share('第一批', '本档联盟') }}", "names no grade"), ("{{ count('第九批') }}", "line 1: '第九批' is not a word of the vocabulary"),
    ("{{ 1 / 0 }}", "line 1: division by zero")])
def test_a_wrong_template_is_told_by_its_file_and_line(tmp_path, monkeypatch, written, words):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "trial.md").write_text(written, "utf8")
    monkeypatch.setattr(sentences, "TEXTS", tmp_path)
    with pytest.raises(sentences.TemplateError) as refused:
        told("trial")
    assert words in str(refused.value) and "report/trial.md, line" in str(refused.value)


def test_a_share_of_ones_own_batch_needs_a_batch(numbers):
    with pytest.raises(UnknownWord, match="names no batch; name one, as in '活跃度高 第一批'"):
        numbers.share("活跃度高", "本批次参评联盟")
    assert numbers.share("活跃度高 第一批", "本批次").whole == 52


def test_remarks_that_no_report_can_show_are_refused_all_at_once(data, tmp_path, capsys):
    lines = ["### 小标题", "", "# 标题", "正文。", "---", "| a | b |", "|---|---|", "![图](a.png)", "很好\U0001f600",
             "a\u200bb", "##标题", "```"]
    (data / "remarks" / "2017.md").write_text("\n".join(lines), "utf8")
    change(data, {"评分表!D60": "九十"})
    for command in ("check", "report"):
        assert main([command, "2017", "--data", str(data), "--out", str(tmp_path / "out")]) == 1
        said = capsys.readouterr().err
        assert '2017.xlsx › 评分表 › D60: score "九十" is not a number' in said
        for number, words in ((1, 'the heading "### 小标题" is not of level 2; write it as "## 小标题"'), (3, 'write it as "## 标题"'),
                              (5, "makes a heading of the line above"), (6, "a table cannot stand"), (7, "a table"), (8, "an image"),
                              (9, "U+1F600"), (10, "the invisible character U+200B"), (11, 'write it as "## 标题"'), (12, "a block of code")):
            assert any(line.startswith(f"remarks/2017.md › line {number}: ") and words in line for line in said.splitlines()), number


def test_remarks_in_gbk_are_named(data):
    (data / "remarks" / "2017.md").write_bytes("评价发现".encode("gbk"))
    with pytest.raises(DataError, match=r"remarks/2017\.md: is not UTF-8 \(perhaps GBK\); save it as UTF-8"):
        sentences.remarks(sheets.read("2017", data))


def test_the_remarks_there_are_can_be_shown(period):
    assert sentences.remarks(sheets.read(period)).markdown.startswith("## ")


def test_a_total_that_holds_income_is_told_so(data):
    """1268 + 206 + 71 = 1545, and the 71 is income; what was put in is 1474."""
    said = told("indicators-cooperation")
    assert "总额等于三项之和，其中企业委托项目的71亿元是收入而不是投入；只算投入，是1474亿元。" in said
    change(data, lambda book: [row[1].__setattr__("value", 1474) for row in book["活动汇总"] if row[0].value == "投入经费总额"], LATEST)
    assert "等于三项之和" not in told("indicators-cooperation", data)


def test_totals_of_which_some_are_missing_end_in_a_full_stop(data):
    change(data, lambda book: [row[1].__setattr__("value", None) for row in book["活动汇总"] if str(row[0].value).startswith("企业")], LATEST)
    said = told("indicators-cooperation", data)
    assert "联盟自设项目585项，投入1268亿元；政府委托项目833项，投入206亿元。" in said and "；\n" not in said and not said.endswith("；")


def test_items_with_marks_in_them_are_kept_apart():
    assert "各家都开展了的是" in told("indicators-cooperation", period="2017", entered=None)
    assert "、组织展览、论坛、学术会议、" not in told("indicators-cooperation", period="2017", entered=None)


def test_what_is_true_of_a_period_only_is_told_of_it_only(data):
    rows = scores(LATEST)
    add(data, "2022", [(r.name, r.code, 90, None) for r in rows])
    assert "秘书长" in told("experts", period="2017") and "三步走" in told("procedure", period="2017")
    assert told("experts", data, "2022").startswith("评价专家组的人数未公布。") and "秘书长" not in told("experts", data, "2022")
    assert "三步走" not in told("procedure", data, "2022") and "各次会议的日期未公布。" in told("procedure", data, "2022")
    said = told("provenance", data, "2022", remarked=True, entered=None)
    assert "按未公布处理的有：通知时间、启动会日期、会评日期、复核日期、专家人数、录入信息联盟数、信息不完整联盟数。" in said
    assert "按未公布处理的有" not in told("provenance", period="2017", remarked=True, entered=None)
    change(data, lambda book: [book["评价期"].append(row) for row in (
        ("专家来源", "成员来自各联盟的秘书处"), ("会评日期", dt.datetime(2023, 3, 1)))], "2022")
    assert "成员来自各联盟的秘书处。" in told("experts", data, "2022")
    assert "会评的日期是2023年3月1日。" in told("procedure", data, "2022")


def test_with_a_panel_the_score_was_rounded_before_it_was_graded():
    assert "不先取整" in told("grades", entered=None) and "不先取整" not in told("grades", entered=["a panel"])
