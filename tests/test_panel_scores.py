"""What-if questions and words of the internal report, on panels worked out by hand (see HAND in test_panel.py)."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import openpyxl
import pytest
from test_panel import COAL, STEEL, hand, problems, read, rule

from analysis import sheets
from analysis.grades import GRADES
from analysis.panel import experts, figures, words
from analysis.panel import sheet as writer
from analysis.panel.scores import Scores, Without
from analysis.panel.workbook import INCOMPLETE, NOT_ENTERED, UNFIT, counted

# Totals: steel A 70.5, B 77, C 80; coal A 50, B 48, C 49. Every expert marks both, so severities are differences of means:
# A 60.25, B 62.5, C 64.5 less 62.41667. Of the six totals 6 - 2 - 3 + 1 = 2 degrees of freedom are left.


@pytest.fixture
def work(data):
    return Scores(read(data))


def one_expert(rows):
    return [row for row in rows if row[0] in ("专家", "A")]


def first_stage(rows):
    return [rows[0], *([*row[:3], None, *row[4:]] for row in rows[1:])]


@pytest.fixture
def alone(data):
    """One expert, one stage."""
    return Scores(read(data, 评分=one_expert, 录入=first_stage,
                       专家=lambda rows: [rows[0], ["A", "甲", "煤炭开发利用技术创新战略联盟", "一", None]]))


def said(work, name):
    return words.say(work)(name).markdown


def test_severity_and_adjusted_scores(work):
    assert work.model.severity == pytest.approx([-13 / 6, 1 / 12, 25 / 12])
    # steel 0.6 × (80 - 25/12) + 0.4 × (72.6667 + 76.9167) / 2, coal 0.6 × (49 - 25/12) + 0.4 × (52.1667 + 47.9167) / 2
    (_, steel, steel_shown, steel_grade), (_, coal, coal_shown, coal_grade) = work.adjusted
    assert (steel, coal) == (pytest.approx(76 + 2 / 3), pytest.approx(48 + 1 / 6))
    assert (steel_shown, coal_shown, steel_grade, coal_grade) == (77, 48, GRADES[1], GRADES[3])


def test_without_an_expert(work):
    found = work.without_expert()
    assert [(one.what, one.grades) for one in found] == [("A", 0), ("B", 0), ("C", 0)]
    assert [one.most for one in found] == pytest.approx([1.3, 1.3, 3.75])  # steel 78.8, 76.2 and 73.75 instead of 77.5


def test_without_an_indicator(work):
    """Steel 44.1 of 60 and 33.4 of 40 points, coal 29 of 60 and 20 of 40: coal climbs from 49 to 50."""
    assert [(one.what, one.grades, round(one.most, 6)) for one in work.without_indicator()] == [("理事会", 0, 4), ("政府项目", 1, 6)]


def test_who_is_left_without_a_score_is_counted_and_named(data):
    """A alone marks steel, B alone marks coal, in one stage."""
    work = Scores(read(data, 录入=lambda r: [r[0], [STEEL, 101, "一", None, 1, 1], [COAL, 102, "三", None, 1, 1]],
                       专家=lambda r: [r[0], ["A", "甲", None, "一", None], ["B", "乙", None, "三", None]],
                       评分=lambda r: [r[0], ["A", "初评", STEEL, 30, 40], ["B", "初评", COAL, 20, 30]]))
    assert work.without_expert() == [Without("A", 0, 0.0, [STEEL]), Without("B", 0, 0.0, [COAL])]
    table = words.without_expert(work)
    assert "去掉A，钢铁可循环流程就没有评分" in table.note and table.records[0]["没有评分的联盟"] == STEEL
    assert work.model.parts == 2
    rows = [row for row in words.experts(work).rows if isinstance(row, list)]
    assert [row[7] for row in rows] == ["—", "—"]  # nobody to be held against


def test_confidence(data):
    """Analysis of variance by hand: residual 15.5417, experts 0; the rule makes N(49, 0.44 × 15.5417) of coal, N(77.5, …) of steel."""
    work = Scores(read(data, 规则=rule("模拟次数", 100_000)))
    spread = math.sqrt(0.44 * 15.541667)

    def over(floor, mean):
        return 0.5 * math.erfc((floor - 0.5 - mean) / spread / math.sqrt(2))

    assert work.confidence[1] == pytest.approx([0, 0, over(50, 49), 1 - over(50, 49)], abs=0.006)
    assert work.confidence[0] == pytest.approx([over(85, 77.5), over(70, 77.5) - over(85, 77.5), 1 - over(70, 77.5), 0], abs=0.002)
    (one, shares), = words.unsure_grades(work)
    assert one.entry.name == COAL and sum(shares) == pytest.approx(1, abs=0.002)
    assert all(float(cell.rstrip("%").split("较差")[-1].split("一般")[-1]) < 90 for cell in words.confidence(work).rows[0][4].split("，"))


def test_nothing_is_certain_where_the_spread_is_not_known(alone):
    assert alone.model.freedom == 0 and np.isnan(alone.confidence).all()
    assert words.unsure_grades(alone) == [] and not words.confidence(alone)
    with pytest.raises(ValueError, match="no grade"):
        alone._grades(np.array([np.nan]))
    summary = said(alone, "summary")
    assert "—" not in summary and "可以互相比较" not in summary and "只有一位专家给了分" in summary and "无从计算" in summary
    assert "无从计算" in said(alone, "confidence") and "无从" in said(alone, "agreement") and "无从扣除" in said(alone, "adjusted")
    assert "连成一片" not in said(alone, "linked")
    assert figures.agreement(alone) is None and figures.deviations(alone) is None and not words.without_expert(alone)


def test_one_expert_is_no_hint(data):
    """A severity without an interval says nothing, however large."""
    work = Scores(read(data, 规则=rule("提示：宽严超过", 1), 专家=lambda r: [*r[:3]], 录入=lambda r: first_stage([r[0], r[1], r[3]]),
                       评分=lambda r: r[:3]))  # A and B mark one alliance: 70.5 and 77, severities -3.25 and 3.25
    assert work.model.severity == pytest.approx([-3.25, 3.25]) and work.model.freedom == 0
    assert [use.hints(work.rules) for use in words.use_of_scale(work)] == [[], []]


def test_hints(work):
    rules = {"提示：宽严超过": 2, "提示：离散倍数": 1.5}

    def hints(severity, low, high, relative):
        use = words.Use(work.panel.experts[0], 1, 1, 70, 9, relative, 0, {}, severity, low, high, 0)
        return use.hints(rules)

    assert hints(2.5, 0.5, 4.5, 1) == ["偏宽"] and hints(-2.5, -4.5, -0.5, 1) == ["偏严"]
    assert hints(2.5, -0.5, 5.5, 1) == [] and hints(1.5, 0.5, 2.5, 1) == []
    assert hints(0, -1, 1, 1.6) == ["分差偏大（1.6倍）"] and hints(0, -1, 1, 0.5) == ["分差偏小（0.5倍）"]
    assert hints(0, -1, 1, 1.5) == [] and hints(0, -1, 1, math.nan) == []


def test_spread_is_held_against_others_on_the_same_alliances():
    """A is half as wide as B; C and D are as wide as each other, though their alliances lie far apart."""
    totals = {0: (50, 60, 70), 1: (40, 60, 80), 2: (10, 50, 90), 3: (10, 50, 90)}
    expert, place, y = map(np.array, zip(*((e, n + 3 * (e > 1), float(t)) for e, three in totals.items() for n, t in enumerate(three))))
    assert experts.relative_spread(place, expert, np.zeros(12, int), y) == pytest.approx({0: 0.5, 1: 2, 2: 1, 3: 1})
    few = experts.relative_spread(place[:4], expert[:4], np.zeros(4, int), y[:4])
    assert all(math.isnan(value) for value in few.values())  # they share one alliance


def test_rates_and_strengths(work):
    found = words.rates(work)
    assert found[GRADES[1]] == pytest.approx([97 / 120, 130.5 / 180]) and found[GRADES[3]] == pytest.approx([0.5, 29 / 60])
    assert found[""] == pytest.approx([(97 / 120 + 0.5) / 2, (130.5 / 180 + 29 / 60) / 2])
    rows = words.strengths(work).rows
    assert rows[:3] == ["按等级", ["活跃度较高", "最突出", "理事会 +15.4；政府项目 +12.1"], ["活跃度较高", "最不足", "—"]]


def test_a_range_of_just_the_threshold_is_not_listed(data):
    """19.9 × 100 is a little under 1990 in binary."""
    def marks(second):
        return lambda r: [r[0], ["A", "初评", STEEL, 30, 40], ["B", "初评", STEEL, 30, 40 + second], *r[3:]]

    for second, listed in ((19.9, []), (19.91, ["专家总分极差19.91分"])):
        work = Scores(read(data, 规则=lambda r: rule("重点差异：极差超过", 19.9)(rule("重点差异：组间等级不同", "否")(r)), 评分=marks(second)))
        assert list(work.settled[0].reasons) == listed


def test_median_of_one_stage(data):
    work = Scores(read(data, 规则=rule("汇总方法", "中位数"), 录入=first_stage, 专家=lambda r: r[:3],
                       评分=lambda r: [x for x in r if x[0] != "C"]))
    assert [one.combined for one in work.settled] == [Fraction("73.75"), 49] and work.confidence.sum() == pytest.approx(2)


def test_steps_of_the_ladder(data):
    """Steel shows one activity where two are wanted: complete, and not evaluated. The third entered one where two count."""
    panel = read(data, 规则=lambda r: rule("可评价的最少开展数", 2)(rule("录入信息的最少填写数", 2)(r)),
                 评分=lambda r: [row for row in r if row[2] != STEEL])
    assert [(e.state, e.why) for e in panel.intake] == [(UNFIT, "开展1项，少于2项"), ("", ""), (NOT_ENTERED, "填写1项，少于2项")]
    assert [counted(panel)[item] for item in (sheets.ENTERED, sheets.INCOMPLETE_TOTAL, sheets.EVALUATED_TOTAL)] == [2, 0, 1]
    work = Scores(panel)
    assert words.ladder(work).rows[0] == ["第一批", "52", "2", "2", "1", "51", "1.92%"]
    assert [row if isinstance(row, str) else row[2] for row in words.incomplete(work).rows] == [
        "未达评价条件（1家）", "开展1项，少于2项", "未录入（1家）", "填写1项，少于2项"]
    writer.put(writer.build(work), sheets.path_of("2017", data))
    back = sheets.read("2017", data)
    assert [(a.name, a.state) for a in back.absent] == [("煤炭开发利用技术创新战略联盟", NOT_ENTERED)]  # nothing untrue of steel
    assert back.facts[sheets.ENTERED] == 2 and INCOMPLETE not in {a.state for a in back.absent}


def test_the_rows_of_a_score_wherever_they_stand(data):
    """In long form the six rows of steel's and coal's marks by A are told, in whatever order they come."""
    rows = [["专家", "阶段", "联盟名称", "指标", "分数"]]
    for expert, stage, name, *marks in hand()["评分"][1:]:
        rows += [[expert, stage, name, indicator, mark] for indicator, mark in zip(("理事会", "政府项目"), marks)]
    rows = [rows[0], *rows[1::2], *rows[2::2]]  # all of the one indicator, then all of the other
    table = words.trace(Scores(read(data, 评分=rows)))
    assert table.records[0]["评分表的行"] == "评分!2、8" and table.records[0]["专家总分"] == "70.5"
    assert words.ranges([9, 3, 2, 4, 3]) == "2-4、9"


def test_agreement_says_where_a_range_is_not_connected(data):
    """Both stages: A and B with steel, C and D with coal; nobody marks both."""
    work = Scores(read(
        data, 录入=lambda r: [r[0], [STEEL, 101, "一", None, 1, 1], [COAL, 102, "三", None, 1, 1]],
        专家=lambda r: [r[0], *([key, key, None, group, None] for key, group in zip("ABCD", "一一三三"))],
        评分=lambda r: [r[0], *([key, "初评", name, a, b] for key, name, a, b in (
            ("A", STEEL, 30, 50), ("B", STEEL, 30, 52), ("C", COAL, 20, 30), ("D", COAL, 20, 31)))]))
    assert [(a.name, a.parts) for a in words.agreements(work)] == [("初评一", 1), ("初评三", 1), ("初评全体", 2)]
    text = said(work, "agreement")
    assert "初评全体的评分关系没有连成一片" in text and "专家还是这几位" in text


def test_no_mark_key_stands_where_a_published_name_is_blank(data):
    said = problems(data, 规则=rule("公布专家名单", "是"), 专家=lambda r: [r[0], ["A", None, *r[1][2:]], *r[2:]])
    assert said == "2017.xlsx › 专家 › B2: 姓名 is blank and 公布专家名单 is 是; fill it in"
    assert read(data, 专家=lambda r: [r[0], ["A", None, *r[1][2:]], *r[2:]]).experts[0].name == ""  # no roster, no need


def test_only_what_the_report_reads_goes_into_the_public_sheet(data):
    """An item of 评价期 that the report does not know stays in the panel."""
    work = Scores(read(data, 评价期=lambda r: [*r, ["会评日期", "2018-03-01"], ["专家联系电话", "13800000000"], ["通知时间", "2018年1月"]]))
    writer.put(writer.build(work), sheets.path_of("2017", data))
    text = str([[cell.value for row in sheet.iter_rows() for cell in row] for sheet in openpyxl.load_workbook(
        sheets.path_of("2017", data))])
    assert "联系电话" not in text and "13800000000" not in text and "会评日期" in text and "通知时间" in text
