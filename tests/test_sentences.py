"""The sentences of a period's report, where the data could make them untrue: what they say of it, in the templates' own words."""

import datetime as dt
from pathlib import Path

import openpyxl
import pytest
from workbooks import change, scores

from analysis import breakdown, sentences, sheets

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
