"""What may be said of one period: each verdict at its edges, on rosters made for it."""

import datetime as dt
from fractions import Fraction
from types import SimpleNamespace

import pandas as pd
import pytest
from periods import SCHEME, sheets_of

from analysis import report, words
from analysis import roster as real
from analysis.grades import FAIR, FAIRLY_HIGH, GRADES, HIGH, LOW, OUTCOMES, Scheme
from analysis.panel import shown

SAY = words.read("report")
SCORE = {HIGH: 90, FAIRLY_HIGH: 75, FAIR: 60, LOW: 30}
A, B, C = "第一批", "第二批", "第三批"


def roster(rows: dict[str, list[str | None]], scores: list[float] | None = None) -> pd.DataFrame:
    """A roster with these grades (None: not evaluated) by batch."""
    frame = pd.DataFrame([(batch, grade) for batch, grades in rows.items() for grade in grades], columns=["batch", "grade"])
    frame["score"] = scores or [SCORE.get(grade) for grade in frame.grade]
    frame["name"] = [f"甲{place}" for place in frame.index]
    frame["pilot"] = frame.batch != "网员联盟"
    frame["outcome"] = pd.Categorical(frame.grade.fillna("未参评"), OUTCOMES, ordered=True)
    frame["grade"] = pd.Categorical(frame.grade, GRADES, ordered=True)
    frame["batch"] = pd.Categorical(frame.batch, list(rows), ordered=True)
    return frame


def names(said: list[words.Verdict]) -> list[str]:
    """Which sentences are said; each of them has all its numbers."""
    assert "{" not in SAY(said)
    return [one.name for one in said]


@pytest.mark.parametrize("rows, name, batches", [
    ({A: [HIGH, LOW], B: [LOW, LOW]}, "leading.all", [A]), ({A: [HIGH, LOW], B: [HIGH, LOW, LOW]}, "leading.one", [A]),
    ({A: [HIGH, LOW], B: [HIGH, LOW], C: [LOW]}, "leading.tie", [A, B]),
    ({A: [LOW], B: [None]}, "leading.nobody", None),
    ({A: [HIGH, HIGH, LOW, LOW], B: [HIGH, None, None, None]}, "leading.two-views", [A]),
    ({A: [HIGH]}, "leading.all", [A])])
def test_which_batch_leads(rows, name, batches):
    said = report.leading(roster(rows))
    assert names(said) == [name] and said[0].numbers.get("batches") == batches
    assert name != "leading.two-views" or said[0].numbers["evaluated_batches"] == [B]


@pytest.mark.parametrize("low, absent, said", [
    (1, 2, "活跃度较差的联盟1家，占参评联盟的50.00%；未参评的2家，占联盟总数的50.00%。"),
    (0, 2, "没有活跃度较差的联盟；未参评的2家，占联盟总数的50.00%。"),
    (1, 0, "活跃度较差的联盟1家，占参评联盟的50.00%；没有未参评的联盟。")])
def test_what_there_is_none_of_has_no_share(low, absent, said):
    assert SAY(report.rest(low, absent), low_label=LOW, low=low, absent=absent, share="50.00%", absent_share="50.00%") == said


@pytest.mark.parametrize("rows, said", [
    ({A: [HIGH], B: [FAIRLY_HIGH, LOW]}, "活跃度高和较高的联盟分布为：第一批1家、第二批1家；其余两档分布为：第二批1家。"),
    ({A: [HIGH], B: [FAIRLY_HIGH]}, "参评联盟都在这两档，分布为：第一批1家、第二批1家。"),
    ({A: [FAIR], B: [None]}, "参评联盟都在其余两档，分布为：第一批1家。")])
def test_where_the_upper_and_the_lower_grades_are(rows, said):
    alliances = roster(rows)
    assert SAY(report.by_batch(SAY, alliances[alliances.grade >= FAIRLY_HIGH], alliances[alliances.grade < FAIRLY_HIGH])) == said


@pytest.mark.parametrize("rows, name", [
    ({A: [HIGH, None], B: [LOW, None]}, "coverage.all-same"), ({A: [HIGH], B: [LOW, None]}, "coverage.lowest-one"),
    ({A: [HIGH], B: [LOW, None], C: [LOW, None]}, "coverage.lowest-tie"), ({A: [HIGH, None]}, "coverage.alone")])
def test_coverage_by_batch(rows, name):
    assert names(report.coverage_by_batch(roster(rows))) == [name]


def test_rates_are_exact():
    """A third and 33.33 %: two batches tie only where their fractions are equal."""
    pilots = roster({A: [HIGH, None, None], B: [HIGH] * 3333 + [None] * 6667})
    rates = report.rates(pilots, pilots.grade == HIGH)
    assert rates.to_dict() == {A: Fraction(1, 3), B: Fraction(3333, 10000)} and report.most(rates) == [A]


def test_grades_and_their_batches():
    alliances = roster({A: [HIGH, HIGH, LOW], B: [HIGH, FAIR], "网员联盟": [HIGH, HIGH]}, [100, 96, 30, 94, 60, 95, 88])
    assert SAY(report.grade(SAY, SCHEME, alliances, HIGH)) == (
        "活跃度高的5家联盟（85—100分），第一批、网员联盟同为最多，各有2家。"
        "95分及以上的有3家：第一批2家（甲0、甲1）、网员联盟1家（甲5）。得满分的有1家：第一批1家（甲0）。")
    assert names(report.grade(SAY, SCHEME, alliances, FAIRLY_HIGH)) == ["grade.nobody"]
    assert SAY(report.grade(SAY, SCHEME, alliances, FAIR)) == "活跃度一般的联盟（50—69分）共1家，全在第二批。"
    assert [report.grade(SAY, SCHEME, roster({A: [name] * more, B: [name]}), name)[0].name for name in (FAIRLY_HIGH, FAIR, LOW)
            for more in (0, 1, 2)] == [f"grade.{name}" for one in ("fairly-high", "fair", "low") for name in ("all", f"{one}-tie", one)]


@pytest.mark.parametrize("scores, said", [
    ([90, None], []), ([96, None], ["grade.published", "grade.from-95"]),
    ([100, None], ["grade.published", "grade.from-95", "grade.published", "grade.full"]),
    ([90, 91], ["grade.full-none"]), ([100, 91], ["grade.from-95", "grade.full"])])
def test_the_top_is_told_of_published_scores_where_others_are_withheld(scores, said):
    """Full marks are not denied, and nothing is counted as if it were all, while a score of 活跃度高 is not published."""
    assert names(report.grade(SAY, SCHEME, roster({A: [HIGH, HIGH]}, scores), HIGH)) == ["grade.all", *said]


@pytest.mark.parametrize("facts, said", [
    ({}, ["procedure.no-notice"]), ({"通知时间": "2018年1月", "会评日期": dt.date(2018, 3, 15)}, ["procedure.notice", "procedure.review"]),
    (dict.fromkeys(("启动会日期", "会评日期", "复核日期"), dt.date(2018, 3, 6)), ["procedure.no-notice", "procedure.steps"])])
def test_procedure_tells_what_there_is(facts, said):
    assert names(report.procedure(SimpleNamespace(facts=facts, start=dt.date(2017, 1, 1), end=dt.date(2017, 12, 31)))) == said


@pytest.mark.parametrize("facts, experts, said", [
    ({"专家人数": 27}, [], ["experts.number"]),
    ({"专家人数": 27, "专家来源": "成员来自各联盟秘书处"}, [("组长", "甲", "")], ["experts.number-from", "experts.list"]),
    ({}, [("组长", "甲", "")], ["experts.number", "experts.list"]), ({}, [], [])])
def test_experts(facts, experts, said):
    assert names(report.experts(SimpleNamespace(facts=facts, experts=experts))) == said


@pytest.mark.parametrize("entered, incomplete, absent, said", [
    (None, 0, [], ["coverage.pilots"]), (2, 1, [], ["coverage.pilots", "coverage.entered", "coverage.incomplete"]),
    (3, 1, [1], ["coverage.pilots", "coverage.entered", "coverage.incomplete-named", "coverage.gap"])])
def test_coverage_says_what_the_sheet_says(entered, incomplete, absent, said):
    sheet = SimpleNamespace(facts={"录入信息联盟数": entered}, absent=absent, incomplete=incomplete)
    assert names(report.coverage(SAY, sheet, roster({A: [HIGH, None, None, None]}))) == said


def test_bands_and_withheld_scores():
    whole, broken = roster({A: [HIGH, LOW]}, [90, 30]), roster({A: [FAIRLY_HIGH, LOW]}, [84.5, None])
    assert "活跃度较高（70—84分）" in SAY(report.bands(SCHEME, whole)) and "只公布等级" not in SAY(report.bands(SCHEME, whole))
    said = SAY(report.bands(SCHEME, broken))
    assert "活跃度较高（70分及以上、不足85分）" in said and "活跃度较差的1家联盟只公布等级" in said
    assert names(report.distribution(roster({A: [LOW]}, [None]), 0)) == ["overall.scores-none"]
    assert SAY(report.distribution(broken, 1)).startswith("公布的评分最低84.5分，最高84.5分，有1家")


@pytest.mark.parametrize("counts, said", [
    ({HIGH: {"联盟数": 4, "甲": 4, "乙": 3}}, ["cooperation.all", "cooperation.few-none"]),
    ({HIGH: {"联盟数": 4, "甲": 4, "乙": 2}}, ["cooperation.all", "cooperation.few"]),
    ({HIGH: {"联盟数": 4, "甲": 4, "乙": 4}}, ["cooperation.all-of-them"]),
    ({HIGH: {"联盟数": 4, "甲": 3, "乙": 3}}, ["cooperation.none-by-all", "cooperation.few-none"]), ({}, [])])
def test_activities(counts, said):
    assert names(report.activities(SAY, SCHEME, pd.DataFrame(counts))) == said


def test_nothing_is_told_of_the_activities_of_nobody():
    sheet = SimpleNamespace(activities={HIGH: {"联盟数": 4, "甲": 4, "乙": 3}, LOW: {"联盟数": 0, "甲": 0, "乙": 0}})
    assert [*shown.activities(sheet)] == [HIGH]


@pytest.mark.parametrize("shares, said", [
    ({HIGH: [100, 50], LOW: [50, 40]}, ["cooperation.title"]), ({HIGH: [50, 50], LOW: [50, 50]}, ["cooperation.title-same"]),
    ({HIGH: [50, 40]}, ["cooperation.title-one"]), ({}, [])])
def test_widest_gap(shares, said):
    assert names(report.widest_gap(SCHEME, pd.DataFrame(shares))) == said


@pytest.mark.parametrize("rows, pies, bars", [
    ({A: [HIGH, HIGH], B: [HIGH]}, "grade.title", "title.tie"), ({A: [HIGH], B: [HIGH]}, "grade.title-tie", "title.tie"),
    ({A: [HIGH, LOW], B: [HIGH]}, "grade.title-tie", "title.one"), ({A: [HIGH], B: [LOW]}, "grade.title-all", "title.all"),
    ({A: [LOW], "网员联盟": [HIGH]}, "title.nobody", "title.nobody")])
def test_titles(rows, pies, bars):
    """Counts make one title, shares the other: where all of both batches are 活跃度高, they tie as shares."""
    alliances = roster(rows)
    assert names(report.grade_title(alliances)) == [pies] and names(report.bar_title(alliances[alliances.pilot])) == [bars]


def test_batches_and_members_that_nobody_evaluated():
    empty = roster({A: [None, None]})
    assert names(report.batch("第一批试点联盟", "batch-1", empty)) == ["batch.nobody"]
    assert names(report.batch_title(empty)) == ["batch.title-nobody"]
    assert report.members(empty[:0]) == [] and names(report.members(empty)) == ["members.none"]


@pytest.mark.parametrize("period, said", [
    ("2017", "试点联盟共146家，参评101家，占69.18%。"), ("2020-2021", "试点联盟146家、协发网网员联盟11家，合计157家，参评86家，占54.78%。")])
def test_scope_of_the_published_periods(period, said):
    sheet, = real.read_sheets(period)
    assert SAY(report.scope(sheet, real.of(sheet))).endswith(said)


@pytest.mark.parametrize("first, second, said", [
    (60, 80, ["change.who-same", "change.rose-known", "change.steps-none"]),
    (40, 80, ["change.who-same", "change.fell-known", "change.steps-down"]),
    (50, 80, ["change.who-same", "change.same", "change.steps-none"]), (90, 40, ["change.who-same", "change.same", "change.steps"]),
    (None, None, ["change.nobody-stayed"]), (70, None, ["change.who", "change.rose-known", "change.steps-up"]),
    (FAIR, 80, ["change.who-same", "change.open", "change.steps-none"]), (HIGH, 80, ["change.who-same", "change.rose", "change.steps-up"]),
    (LOW, 70, ["change.who-same", "change.fell", "change.steps-down"])])
def test_the_change_since_the_period_before(first, second, said):
    """Like for like, by bounds where a score is withheld (a grade stands for one): 1a had 50, 1b 80; who comes instead is 1c."""
    before, now = sheets_of({"1a": (50, first), "1b": (80, second), "1c": (None, None if second else 1)})
    assert names(report.change(now, before)) == said and report.change(now, None) == []


def test_who_came_or_left_what_lies_between_and_other_floors_are_said():
    grew = sheets_of({"1a": (50, 50), "1b": (None, 1)})
    assert names(report.change(grew[1], grew[0]))[0] == "change.who-entered"
    assert names(report.change(*grew))[0] == "change.who-left", "the other way round"
    periods = ("2017", "2018", "2022")
    first, _, last = sheets_of({"1a": (50, 50, 60)}, periods, schemes={"2017": SCHEME, "2022": Scheme(
        "2022", SCHEME.labels, SCHEME.floors | {HIGH: 90})})
    assert names(report.change(last, first)) == ["change.who-same", "change.between", "change.other-floors"]
    assert report.change(last, first)[1].numbers["between"] == ["2018"]
