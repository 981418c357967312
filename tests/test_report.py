"""What may be said of one period: each verdict at its edges, on rosters made for it."""

import datetime as dt
from fractions import Fraction
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis import DATA, registry, report, sheets, words
from analysis.grades import FAIR, FAIRLY_HIGH, GRADES, HIGH, LOW, OUTCOMES, Scheme
from analysis.sheets import Alliance

SCHEME = Scheme("2017", dict(zip(GRADES, GRADES)), dict(zip(GRADES, (0, 50, 70, 85))))
SAY = words.read("report")
SCORE = {HIGH: 90, FAIRLY_HIGH: 75, FAIR: 60, LOW: 30}
A, B, C = "第一批", "第二批", "第三批"


def roster(rows: dict[str, list[str | None]], scores: list[float] | None = None) -> pd.DataFrame:
    """A roster with these grades (None: not evaluated) by batch."""
    frame = pd.DataFrame([(batch, grade) for batch, grades in rows.items() for grade in grades], columns=["batch", "grade"])
    frame["score"] = scores or [SCORE.get(grade) for grade in frame.grade]
    frame["name"] = [f"甲{place}" for place in frame.index]
    frame["pilot"] = frame.batch != "网员联盟"
    frame["state"] = frame.grade.fillna("未参评")
    frame["outcome"] = pd.Categorical(frame.state, OUTCOMES, ordered=True)
    frame["grade"] = pd.Categorical(frame.grade, GRADES, ordered=True)
    frame["batch"] = pd.Categorical(frame.batch, list(rows), ordered=True)
    return frame


@pytest.mark.parametrize("rows, name, batches", [
    ({A: [HIGH, LOW], B: [LOW, LOW]}, "leading.one", [A]),
    ({A: [HIGH, LOW], B: [HIGH, LOW], C: [LOW]}, "leading.tie", [A, B]),
    ({A: [LOW], B: [None]}, "leading.nobody", None),
    ({A: [HIGH, HIGH, LOW, LOW], B: [HIGH, None, None, None]}, "leading.two-views", [A]),
    ({A: [HIGH]}, "leading.one", [A])])
def test_which_batch_leads(rows, name, batches):
    said = report.leading(roster(rows))
    assert said.name == name and said.numbers.get("batches") == batches
    if name == "leading.two-views":
        assert said.numbers["evaluated_batches"] == [B]
    assert "{" not in SAY(said)


@pytest.mark.parametrize("rows, name", [
    ({A: [HIGH, None], B: [LOW, None]}, "coverage.all-same"), ({A: [HIGH], B: [LOW, None]}, "coverage.lowest-one"),
    ({A: [HIGH], B: [LOW, None], C: [LOW, None]}, "coverage.lowest-tie"), ({A: [HIGH, None]}, "coverage.alone")])
def test_coverage_by_batch(rows, name):
    assert report.coverage_by_batch(roster(rows)).name == name
    assert "{" not in SAY(report.coverage_by_batch(roster(rows)))


def test_ends_are_exact():
    """A third and 33.33 %: two batches tie only where their fractions are equal."""
    pilots = roster({A: [HIGH, None, None], B: [HIGH] * 3333 + [None] * 6667})
    most, share, least, low = report.ends(pilots, pilots.grade == HIGH)
    assert (most, share, least, low) == ([A], Fraction(1, 3), [B], Fraction(3333, 10000))


def test_grades_and_their_batches():
    alliances = roster({A: [HIGH, HIGH, LOW], B: [HIGH, FAIR], "网员联盟": [HIGH, HIGH]}, [100, 96, 30, 94, 60, 95, 88])
    assert SAY(report.grade(SAY, SCHEME, alliances, HIGH)) == (
        "活跃度高的5家联盟（85—100分），第一批、网员联盟同为最多，各有2家。"
        "95分及以上的有3家：第一批2家（甲0、甲1）、网员联盟1家（甲5）。得满分的有1家：第一批1家（甲0）。")
    assert [one.name for one in report.grade(SAY, SCHEME, alliances, FAIRLY_HIGH)] == ["grade.nobody"]
    assert [one.name for one in report.grade(SAY, SCHEME, alliances, FAIR)] == ["grade.fair"]
    assert [report.grade(SAY, SCHEME, roster({A: [name], B: [name] * more}), name)[0].name for name in (FAIRLY_HIGH, LOW)
            for more in (0, 1)] == ["grade.fairly-high", "grade.fairly-high-tie", "grade.low", "grade.low-tie"]


@pytest.mark.parametrize("scores, names", [
    ([90, None], []), ([96, None], ["grade.from-95-published"]), ([100, None], ["grade.from-95-published", "grade.full-published"]),
    ([90, 91], ["grade.full-none"]), ([100, 91], ["grade.from-95", "grade.full"])])
def test_the_top_is_told_of_published_scores_where_others_are_withheld(scores, names):
    """Full marks are not denied, and nothing is counted as if it were all, while a score of 活跃度高 is not published."""
    said = report.grade(SAY, SCHEME, roster({A: [HIGH, HIGH]}, scores), HIGH)
    assert [one.name for one in said] == ["grade.high", *names] and "{" not in SAY(said)


@pytest.mark.parametrize("facts, names", [
    ({}, ["procedure.no-notice"]), ({"通知时间": "2018年1月", "会评日期": dt.date(2018, 3, 15)}, ["procedure.notice", "procedure.review"]),
    (dict.fromkeys(("启动会日期", "会评日期", "复核日期"), dt.date(2018, 3, 6)), ["procedure.no-notice", "procedure.steps"])])
def test_procedure_tells_what_there_is(facts, names):
    sheet = SimpleNamespace(facts=facts, start=dt.date(2017, 1, 1), end=dt.date(2017, 12, 31))
    assert [one.name for one in report.procedure(sheet)] == names and SAY(report.procedure(sheet))


@pytest.mark.parametrize("facts, experts, names", [
    ({"专家人数": 27}, [], ["experts.number"]),
    ({"专家人数": 27, "专家来源": "成员来自各联盟秘书处"}, [("组长", "甲", "")], ["experts.number-from", "experts.list"]),
    ({}, [("组长", "甲", "")], ["experts.number", "experts.list"]), ({}, [], [])])
def test_experts(facts, experts, names):
    said = report.experts(SimpleNamespace(facts=facts, experts=experts))
    assert [one.name for one in said] == names and "{" not in SAY(said)


@pytest.mark.parametrize("facts, absent, names", [
    ({}, [], ["coverage.pilots"]),
    ({"录入信息联盟数": 2, "信息不完整联盟数": 1}, [], ["coverage.pilots", "coverage.entered", "coverage.incomplete"]),
    ({"录入信息联盟数": 3, "信息不完整联盟数": 1}, [1], ["coverage.pilots", "coverage.entered", "coverage.incomplete-named", "coverage.gap"])])
def test_coverage_says_what_the_sheet_says(facts, absent, names):
    alliances = roster({A: [HIGH, None, None, None]})
    assert [one.name for one in report.coverage(SAY, SimpleNamespace(
        facts=facts, absent=absent, incomplete=facts.get("信息不完整联盟数", 0)), alliances)] == names


def test_bands_and_withheld_scores():
    whole, broken = roster({A: [HIGH, LOW]}, [90, 30]), roster({A: [FAIRLY_HIGH, LOW]}, [84.5, None])
    assert "活跃度较高（70—84分）" in SAY(report.bands(SCHEME, whole)) and "只公布等级" not in SAY(report.bands(SCHEME, whole))
    said = SAY(report.bands(SCHEME, broken))
    assert "活跃度较高（70分及以上、不足85分）" in said and "活跃度较差的1家联盟只公布等级" in said
    assert report.distribution(roster({A: [LOW]}, [None]), SCHEME).name == "overall.scores-none"
    assert report.distribution(broken, SCHEME).numbers == {"least": 84.5, "most": 84.5, "near": 1}


def test_near_a_cutoff_counts_each_alliance_once():
    assert report.near_cutoffs(roster({A: [HIGH] * 6}, [87, 87.1, 83, 68, 0, 51]), SCHEME) == 4


@pytest.mark.parametrize("counts, names", [
    ({HIGH: {"联盟数": 4, "甲": 4, "乙": 3}}, ["cooperation.all", "cooperation.few-none"]),
    ({HIGH: {"联盟数": 4, "甲": 4, "乙": 2}}, ["cooperation.all", "cooperation.few"]),
    ({HIGH: {"联盟数": 4, "甲": 4, "乙": 4}}, ["cooperation.all-of-them"]),
    ({HIGH: {"联盟数": 4, "甲": 3, "乙": 3}}, ["cooperation.none-by-all", "cooperation.few-none"]), ({}, [])])
def test_activities(counts, names):
    said = report.activities(SAY, SCHEME, pd.DataFrame(counts))
    assert [one.name for one in said] == names and "{" not in SAY(said)


@pytest.mark.parametrize("shares, name", [
    ({HIGH: [100, 50], LOW: [50, 40]}, "cooperation.title"), ({HIGH: [50, 50], LOW: [50, 50]}, "cooperation.title-same"),
    ({HIGH: [50, 40]}, "cooperation.title-one"), ({}, None)])
def test_widest_gap(shares, name):
    said = report.widest_gap(SCHEME, pd.DataFrame(shares))
    assert (said and said.name) == name


@pytest.mark.parametrize("rows, name", [({A: [HIGH, HIGH], B: [HIGH]}, "grade.title"), ({A: [HIGH], B: [HIGH]}, "grade.title-tie"),
                                        ({A: [LOW], "网员联盟": [HIGH]}, "title.nobody")])
def test_titles_of_the_pies(rows, name):
    assert report.grade_title(roster(rows)).name == name
    assert report.bar_title(roster(rows)[lambda f: f.pilot]).name == (
        "title.nobody" if name == "title.nobody" else "title.tie")  # all of both batches are 活跃度高, so as shares they tie


def test_batches_and_members_that_nobody_evaluated():
    empty = roster({A: [None, None]})
    assert report.batch("第一批试点联盟", "batch-1", empty).name == "batch.nobody" and report.batch_title(empty).name == "batch.title-nobody"
    assert report.members(empty[:0]) is None and report.members(empty).name == "members.none"


@pytest.mark.parametrize("period, words_", [
    ("2017", "试点联盟共146家，参评101家，占69.18%。"), ("2020-2021", "试点联盟146家、协发网网员联盟11家，合计157家，参评86家，占54.78%。")])
def test_scope_of_the_published_periods(period, words_, request):
    from analysis import roster as real

    sheet = sheets.read(period)
    assert SAY(report.scope(sheet, real.of(sheet))).endswith(words_)


@pytest.mark.parametrize("later, names", [
    ({"甲": 60, "乙": 80}, ["change.who-same", "change.rose-known", "change.steps-none"]),
    ({"甲": 40, "乙": 80}, ["change.who-same", "change.fell-known", "change.steps-down"]),
    ({"甲": 50, "乙": 80}, ["change.who-same", "change.same", "change.steps-none"]),
    ({"甲": 90, "乙": 40}, ["change.who-same", "change.same", "change.steps"]),
    ({"丙": 50}, ["change.nobody-stayed"]), ({"甲": 70}, ["change.who-left", "change.rose-known", "change.steps-up"]),
    ({"甲": 70, "丙": 1}, ["change.who", "change.rose-known", "change.steps-up"]),
    ({"甲": 50, "乙": 80, "丙": 1}, ["change.who-entered", "change.same", "change.steps-none"]),
    ({"甲": FAIR, "乙": 80}, ["change.who-same", "change.open", "change.steps-none"]),
    ({"甲": HIGH, "乙": 80}, ["change.who-same", "change.rose", "change.steps-up"]),
    ({"甲": LOW, "乙": 70}, ["change.who-same", "change.fell", "change.steps-down"])])
def test_the_change_since_the_period_before(later, names):
    """Like for like, by bounds where a score is withheld (a grade stands for one): 甲 had 50, 乙 80."""
    before, now = period("2017", {"甲": 50, "乙": 80}), period("2018", later)
    said = report.change(now, before)
    assert [one.name for one in said] == names and "{" not in SAY(said)
    assert report.change(now, None) == []


def test_evaluations_between_without_a_sheet_are_named():
    said = report.change(period("2022", {"甲": 50}), period("2017", {"甲": 50}))
    assert [one.numbers["between"] for one in said if one.name == "change.between"] == [["2018", "2019", "2020-2021"]]


def test_other_floors_are_said_instead_of_steps():
    other = Scheme("2018", SCHEME.labels, SCHEME.floors | {HIGH: 90})
    said = report.change(period("2018", {"甲": 60}, other), period("2017", {"甲": 50}))
    assert [one.name for one in said] == ["change.who-same", "change.other-floors"]


def period(name: str, scores: dict[str, float | str], scheme: Scheme = SCHEME) -> sheets.Period:
    """A period of one batch with these scores, or grades where the score is withheld."""
    known = registry.read(DATA)
    rows = [Alliance(f"X{who}", who, f"1{place:02}", place, None if isinstance(score, str) else score,
                      score if isinstance(score, str) else scheme.grade(score)) for place, (who, score) in enumerate(scores.items())]
    return sheets.Period(name, DATA / "x" / f"{name}.xlsx", "", known, scheme, rows,
                         facts={"开始日期": dt.date(int(name), 1, 1), "结束日期": dt.date(int(name), 12, 31)})
