"""What-if questions, frames and verdicts of the internal report, on panels worked out by hand (see HAND in test_panel.py)."""

from __future__ import annotations

import math

import numpy as np
import openpyxl
import pytest
from test_panel import COAL, OPEN, REVIEWS, STEEL, apart, hand, in_long_form, read, rule, without_second

from analysis import sheets, words
from analysis.__main__ import main
from analysis.grades import FAIRLY_HIGH, INCOMPLETE, LOW
from analysis.panel import figures, frames, verdicts
from analysis.panel import sheet as writer
from analysis.panel.scores import Scores, Without
from analysis.panel.workbook import UNFIT, counted
from analysis.sheets import NOT_ENTERED

# Totals: steel A 70.5, B 77, C 80; coal A 50, B 48, C 49. Every expert marks both, so severities are differences of means:
# A 60.25, B 62.5, C 64.5 less 62.41667. Of the six totals 6 - 2 - 3 + 1 = 2 degrees of freedom are left.


@pytest.fixture
def work(data):
    return Scores(read(data))


@pytest.fixture
def alone(data):
    """One expert, one stage."""
    return Scores(read(data, 评分=lambda r: [row for row in r if row[0] in ("专家", "A")], 录入=without_second, 专家=lambda r: r[:2]))


def said(work):
    """All sentences of a report, by the function that decides them."""
    say, panel = words.read("panel"), work.panel
    intake, alliances, experts = frames.intake(panel), frames.alliances(work), frames.experts(work)
    adjusted, chances = frames.adjusted(work), frames.chances(work)
    groups = frames.agreement(work)
    return {"summary": say.items(*verdicts.summary(work, intake, alliances, experts, adjusted, chances)), "ladder": say(verdicts.ladder(panel)),
            "rules": say(verdicts.rules(panel)), "scores": say(verdicts.scores(panel, alliances)),
            "conditions": say.items(*verdicts.conditions(panel)), "listed": say(verdicts.listed(alliances)),
            "linked": say(verdicts.linked(work, experts)), "severity": say(verdicts.severity(work, experts)),
            "agreement": say(verdicts.agreement(work, groups)), "adjusted": say(verdicts.adjusted(work, adjusted)),
            "confidence": say(verdicts.confidence(panel, chances))}


def test_severity_and_adjusted_scores(work):
    assert work.model.severity == pytest.approx([-13 / 6, 1 / 12, 25 / 12])
    # steel 0.6 × (80 - 25/12) + 0.4 × (72.6667 + 76.9167) / 2, coal 0.6 × (49 - 25/12) + 0.4 × (52.1667 + 47.9167) / 2
    (_, steel, steel_shown, steel_grade), (_, coal, coal_shown, coal_grade) = work.adjusted
    assert (steel, coal) == (pytest.approx(76 + 2 / 3), pytest.approx(48 + 1 / 6))
    assert (steel_shown, coal_shown, steel_grade, coal_grade) == (77, 48, FAIRLY_HIGH, LOW)


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
    without = frames.without(work.without_expert(), "专家")
    assert without.没有评分的联盟.tolist() == [STEEL, COAL]
    assert f"去掉A，{STEEL}就没有评分" in words.read("panel")(verdicts.without(without))
    assert work.model.parts == 2 and frames.experts(work).宽严.isna().all()  # nobody to be held against
    texts = said(work)
    assert "分成2片" in texts["summary"] and "独自成片的2位" in texts["linked"] and "无从说起" in texts["severity"]


def test_confidence(data):
    """Analysis of variance by hand: residual 15.5417, experts 0; the rule makes N(49, 0.44 × 15.5417) of coal, N(77.5, …) of steel."""
    work = Scores(read(data, 规则=rule("模拟次数", 100_000)))
    spread = math.sqrt(0.44 * 15.541667)

    def over(floor, mean):
        return 0.5 * math.erfc((floor - 0.5 - mean) / spread / math.sqrt(2))

    assert work.confidence[1] == pytest.approx([1 - over(50, 49), over(50, 49), 0, 0], abs=0.006)
    assert work.confidence[0] == pytest.approx([0, 1 - over(70, 77.5), over(70, 77.5) - over(85, 77.5), over(85, 77.5)], abs=0.002)
    chances = frames.chances(work)
    assert chances.把握.tolist() == [chances[grade][row] for row, grade in enumerate(chances.等级)] and chances.离分档线.tolist() == [7.5, 1]
    assert list(chances.联盟名称[chances.把握 < frames.SURE]) == [COAL] and "有1家（见[@confidence]）；" in said(work)["confidence"]


def test_nothing_is_certain_where_the_spread_is_not_known(alone):
    assert alone.model.freedom == 0 and np.isnan(alone.confidence).all()
    with pytest.raises(ValueError, match="no grade"):
        alone._grades(np.array([np.nan]))
    texts = said(alone)
    assert "可以互相比较" not in texts["summary"] and "只有一位专家给了分" in texts["summary"] and "无从计算" in texts["summary"]
    assert "无从计算" in texts["confidence"] and "无从" in texts["agreement"] and "无从扣除" in texts["adjusted"]
    assert "连成一片" not in texts["linked"] and "本次只有一个阶段" in texts["rules"]
    assert figures.agreement(frames.agreement(alone)) is None and figures.deviations(frames.deviations(alone)) is None


def test_a_report_of_one_expert_and_one_stage_holds_together(alone, tmp_path):
    """No sentence refers to a table or a figure that is not there."""
    assert main(["panel", "2017", "--data", str(alone.panel.path.parents[1]), "--out", str(tmp_path), "--force"]) == 0


def test_one_expert_is_no_hint(data):
    """A severity without an interval says nothing, however large."""
    work = Scores(read(data, 规则=rule("提示：宽严超过", 1), 专家=lambda r: [*r[:3]], 录入=lambda r: without_second([r[0], r[1], r[3]]),
                       评分=lambda r: r[:3]))  # A and B mark one alliance: 70.5 and 77, severities -3.25 and 3.25
    assert work.model.severity == pytest.approx([-3.25, 3.25]) and work.model.freedom == 0
    assert frames.experts(work).提示.tolist() == ["", ""] and "算不出区间" in said(work)["severity"]


def test_hints():
    found = [frames.hints({"提示：宽严超过": 2, "提示：离散倍数": 1.5}, *row) for row in (
        (2.5, 0.5, 4.5, 1), (-2.5, -4.5, -0.5, 1), (2.5, -0.5, 5.5, 1), (1.5, 0.5, 2.5, 1), (0, -1, 1, 1.6), (0, -1, 1, 0.5),
        (0, -1, 1, 1.5), (0, -1, 1, math.nan))]
    assert found == [["偏宽"], ["偏严"], [], [], ["分差偏大（1.6倍）"], ["分差偏小（0.5倍）"], [], []]


def test_rates(work):
    alliances, rates = frames.alliances(work), frames.rates(work)
    by_grade = rates.groupby(alliances.等级).mean()
    assert by_grade.loc[FAIRLY_HIGH].tolist() == pytest.approx([97 / 120, 130.5 / 180])
    assert by_grade.loc[LOW].tolist() == pytest.approx([0.5, 29 / 60])
    assert verdicts.rates_title(by_grade.T).numbers == {"indicator": "理事会", "gap": "31"}


def test_numbers_are_rounded_half_up_and_signed():
    assert [frames.number(*one) for one in ((2.345, 2), (-0.125, 2), (1.005, "+2"), (-7.5, "+0"), (0.0, "+1"), (0.8955, "%1"), (math.nan, 2))] \
        == ["2.35", "−0.13", "+1.01", "−8", "0.0", "89.6%", "—"]


@pytest.mark.parametrize(("reviews", "open_", "said_of_list", "said_in_summary"), [
    ([], 1, f"其中1家还没有决定：{STEEL}", "因此没有生成评分表"), ([[STEEL, 101, 71, "议定"]], 0, "都有复核评分和理由", "都已有复核决定"),
    ([[STEEL, 101, 71, "议定"], [COAL, 102, 50, "提请"]], 0, "另有1家没有列入清单", "都已有复核决定")])
def test_the_list_and_what_became_of_it(data, reviews, open_, said_of_list, said_in_summary):
    work = Scores(read(data, 评分=apart, **({"复核": [REVIEWS, *reviews]} if reviews else {})))
    alliances, texts = frames.alliances(work), said(work)
    assert alliances.待定.sum() == open_ and said_of_list in texts["listed"] and said_in_summary in texts["summary"]
    listed = frames.listed(alliances).set_index("联盟名称").列入原因与决定
    assert listed[STEEL].endswith("尚无决定" if open_ else "复核71分：议定") and len(listed) == max(len(reviews), 1)
    assert texts["conditions"].count("- ") == 2


def test_nobody_on_the_list(data, work):
    assert "没有联盟列入" in said(work)["listed"] and "不需要复核" in said(work)["summary"]
    asked = said(Scores(read(data, 复核=[REVIEWS, [COAL, 102, 50, "提请"]])))
    assert "另提请复核的都有决定" in asked["summary"] and "另有1家" in asked["listed"]


@pytest.mark.parametrize(("changes", "words_said"), [
    ({"汇总方法": "截尾平均", "两阶段合成": "替代"}, ("去掉两头各1个后取平均", "以会评代替初评")),
    ({"汇总方法": "中位数"}, ("取中位数", "会评按60%、初评按40%加权")), ({"两阶段合成": "合并"}, ("取平均", "放在一起汇总"))])
def test_rules_in_words(data, changes, words_said):
    panel = read(data, 规则=lambda rows: [[item, changes.get(item, value)] for item, value in rows])
    assert all(word in words.read("panel")(verdicts.rules(panel)) for word in words_said)


def test_a_range_of_just_the_threshold_is_not_listed(data):
    """19.9 × 100 is a little under 1990 in binary."""
    def marks(second):
        return lambda r: [r[0], ["A", "初评", STEEL, 30, 40], ["B", "初评", STEEL, 30, 40 + second], *r[3:]]

    for second, listed in ((19.9, []), (19.91, ["专家总分极差19.91分"])):
        work = Scores(read(data, 规则=lambda r: rule("重点差异：极差超过", 19.9)(rule("重点差异：组间等级不同", "否")(r)), 评分=marks(second)))
        assert list(work.settled[0].reasons) == listed


def test_steps_of_the_ladder(data):
    """Steel shows one activity where two are wanted: complete, and not evaluated. The third entered one where two count."""
    panel = read(data, 规则=lambda r: rule("可评价的最少开展数", 2)(rule("录入信息的最少填写数", 2)(r)),
                 评分=lambda r: [row for row in r if row[2] != STEEL])
    assert [(e.state, e.why) for e in panel.intake] == [(UNFIT, "开展1项，少于2项"), ("", ""), (NOT_ENTERED, "填写1项，少于2项")]
    assert [counted(panel)[item] for item in (sheets.ENTERED, sheets.INCOMPLETE_TOTAL, sheets.EVALUATED_TOTAL)] == [2, 0, 1]
    intake = frames.intake(panel)
    assert [(intake.情况 > state).sum() for state in frames.STATES] == [2, 2, 1, 0] and (intake.批次 == "第一批").sum() == 52
    assert len(intake) == 146 and intake.原因.dropna().tolist() == ["开展1项，少于2项", "", "填写1项，少于2项"]
    work = Scores(panel)
    assert "信息完整而未达评价条件的1家" in said(work)["summary"]
    writer.put(writer.build(work), sheets.path_of("2017", data))
    back = sheets.read("2017", data)
    assert [(a.name, a.state) for a in back.absent] == [(OPEN, NOT_ENTERED)]  # nothing untrue of steel
    assert back.facts[sheets.ENTERED] == 2 and INCOMPLETE not in {a.state for a in back.absent}


def test_the_rows_of_a_score_wherever_they_stand(data):
    """In long form, all of the one indicator first: the rows of a total are told apart."""
    rows = in_long_form(hand()["评分"])
    trace = frames.trace(Scores(read(data, 评分=[rows[0], *rows[1::2], *rows[2::2]])))
    assert trace.评分表的行[0] == "评分!2、8" and trace.专家总分[0] == "70.5" and frames.ranges([9, 3, 2, 4, 3]) == "2-4、9"


def test_agreement_says_where_a_range_is_not_connected(data):
    """A and B with steel, C and D with coal; nobody marks both."""
    marks = [("A", STEEL, 30, 50), ("B", STEEL, 30, 52), ("C", COAL, 20, 30), ("D", COAL, 20, 31)]
    work = Scores(read(data, 录入=lambda r: [r[0], [STEEL, 101, "一", None, 1, 1], [COAL, 102, "三", None, 1, 1]],
                       专家=lambda r: [r[0], *([key, key, None, group, None] for key, group in zip("ABCD", "一一三三"))],
                       评分=lambda r: [r[0], *([key, "初评", name, a, b] for key, name, a, b in marks)]))
    groups = frames.agreement(work)
    assert list(zip(groups.范围, groups.片)) == [("初评一", 1), ("初评三", 1), ("初评全体", 2)]
    assert "初评全体的评分关系没有连成一片" in said(work)["agreement"] and verdicts.agreement_title(groups) is None


def test_a_name_is_needed_only_where_it_is_published(data):
    assert read(data, 专家=lambda r: [r[0], ["A", None, *r[1][2:]], *r[2:]]).experts[0].name == ""


def test_only_what_the_report_reads_goes_into_the_public_sheet(data):
    """An item of 评价期 that the report does not know stays in the panel."""
    work = Scores(read(data, 评价期=lambda r: [*r, ["会评日期", "2018-03-01"], ["专家联系电话", "13800000000"], ["通知时间", "2018年1月"]]))
    writer.put(writer.build(work), sheets.path_of("2017", data))
    text = str([[cell.value for row in sheet.iter_rows() for cell in row] for sheet in openpyxl.load_workbook(
        sheets.path_of("2017", data))])
    assert "联系电话" not in text and "13800000000" not in text and "会评日期" in text and "通知时间" in text
