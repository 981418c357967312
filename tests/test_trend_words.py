"""What the trend report says of other data than today's: each verdict at its edges, and every sentence told by one of them."""

import re
from pathlib import Path

import pandas as pd
import pytest
from periods import sheets_of
from test_trends import SCHEME

from analysis import DATA, registry, roster, trends, words
from analysis import trends_verdicts as verdicts
from analysis.grades import GRADES, HIGH, LOW, Scheme

SAY, REGISTRY = words.read("trends"), registry.read(DATA)
IDS = [f"{b}{n:02}" for b in "123" for n in range(19)]
MARKS = {id: 40 + n * 7 % 56 for n, id in enumerate(IDS)}
TOP, MIDDLE, LAST = (dict.fromkeys(IDS[n:n + 19], mark) for n, mark in ((0, 95), (19, 75), (38, 40)))
LOWER = Scheme("2019", dict(zip(GRADES, ("不合格", "合格", "良好", "优秀"))), dict(zip(GRADES, (0, 40, 60, 75))))


@pytest.fixture(autouse=True)
def _fewer_resamples(monkeypatch):
    monkeypatch.setattr(trends, "RESAMPLES", 499)  # what is said needs no third digit of p


def by(points: float, marks=MARKS) -> dict[str, float]:
    return {id: mark + points for id, mark in marks.items()}


def at(mark: float, marks=TOP) -> dict[str, float]:
    return dict.fromkeys(marks, mark)


def few(*marks: float) -> dict[str, float]:
    return dict(zip(IDS, marks))


def hidden(marks: dict[str, float], below: float = 101, least: float = 0) -> dict[str, object]:
    return {id: SCHEME.grade(mark) if least <= mark < below else mark for id, mark in marks.items()}


def told(periods: dict[str, dict], unchosen: list[str] = (), **more) -> dict[str, words.Verdict]:
    """All that is said of some periods (a score, or a grade where it is withheld, by id), by the name of its sentence."""
    lines = {id: tuple(marks.get(id) for marks in periods.values()) for id in dict.fromkeys(id for marks in periods.values() for id in marks)}
    sheets = sheets_of(lines, tuple(periods), **more)
    alliances = roster.of_all(sheets)
    evaluated, pair, moves = alliances.dropna(subset="grade"), trends.pair(alliances, *trends.last_two(alliances)), trends.pairs(alliances)
    tests, line = trends.tests(alliances, moves), trends.timeline(REGISTRY, [*periods, *unchosen])
    means = evaluated.groupby("period").agg(参评=("grade", "size"), 公布=("score", "count"), 平均=("score", trends.mean),
                                            至少=("low", trends.mean), 至多=("high", trends.mean))
    means["未公布"] = means.参评 - means.公布
    changes = pair[pair.stayed].groupby("batch").agg(公布者变化=("change", trends.mean), 至少=("least", trends.mean), 至多=("most", trends.mean))
    outcomes = trends.with_all(alliances[alliances.state != "未加入"])
    outcomes = outcomes.groupby(["batch", "period"], observed=True).agg(
        总数=("period", "size"), 参评=("grade", "count"), 活跃度高=("level", lambda levels: (levels == 4).sum()))
    known = pair.dropna(subset="change")
    fit = trends.regression(known.score_before, known.score_after)
    last = evaluated[evaluated.period == sheets[-1].name]
    near, shifts = trends.near_cutoffs(last, sheets[-1].scheme), trends.sensitivity(last, sheets[-1].scheme)
    said = [*verdicts.coverage(outcomes, pair), *verdicts.scores(means, pair), *verdicts.leaving(pair, tests),
            *verdicts.high(outcomes, trends.decomposition(pair), pair, sheets), *verdicts.moving(pair, fit, sheets),
            *verdicts.batches(outcomes, changes, sheets), *verdicts.compare(sheets, line), *verdicts.again(tests),
            *verdicts.order(pair, fit), *verdicts.withheld(means), *verdicts.holding(alliances, 2, line),
            *verdicts.failing(alliances, trends.failing(alliances, 2), 2, line), *verdicts.cutoffs(near, shifts, last, sheets),
            *verdicts.changed(sheets), *[one for _, row in tests.iterrows() for one in verdicts.test(row)],
            *verdicts.matching(trends.matching(sheets), pd.Series({"109": ["甲联盟", "乙联盟"]}))]
    assert "nan" not in SAY(said).lower() and "None" not in SAY(said)
    return {one.name: one for one in said if not isinstance(one, words.Text)}


THREE = {"2017": MARKS, "2018": MARKS, "2019": MARKS}
SAME = {"2018": MARKS, "2019": by(2)}


@pytest.mark.parametrize("periods, right, wrong", [
    (SAME, "coverage.as-many coverage.the-same coverage.beware-nothing scores.really-up scores.up scores.as-much scores.hides leaving.nobody "
     "leaving.all-again leaving.beware-nobody order.coefficients halves.numbers halves.wider batches.alike batches.up "
     "cutoffs.near withheld.none matching.plain matching.shared test.none test.alike cutoffs.lower cutoffs.higher",
     "coverage.others scores.less again.alike again.differ"),
    ({"2017": dict([*MARKS.items()][:40]), "2018": dict([*MARKS.items()][:41])}, "coverage.more coverage.nobody-left scores.beware-others "
     "leaving.beware-new", "coverage.fewer coverage.share-fell"),
    ({"2018": TOP, "2019": MIDDLE}, "coverage.as-many coverage.nobody-in-both scores.nobody scores.some scores.apart high.apart "
     "leaving.everybody leaving.none-again leaving.beware-different moving.nobody moving.beware-nobody order.nothing matching.nobody",
     "batches.table coverage.others"),
    ({"2018": MARKS, "2019": by(5)}, "scores.up scores.really-up scores.as-much high.up high.all-own moving.up", "scores.less"),
    ({"2018": MARKS, "2019": by(-5)}, "scores.down scores.really-down scores.as-much high.down moving.down batches.down", "scores.up"),
    ({"2018": TOP | LAST, "2019": by(2, TOP)}, "coverage.nobody-new coverage.fewer scores.less scores.really-up leaving.lower-more test.differ "
     "leaving.beware-chosen again.differ high.not-own", "scores.farther"),
    ({"2018": TOP | LAST, "2019": LAST}, "leaving.higher-more high.down", "leaving.lower-more"),
    ({"2018": TOP, "2019": by(3, TOP) | LAST}, "scores.down scores.really-up", "scores.less scores.farther"),
    ({"2018": at(60) | at(60, MIDDLE), "2019": at(70) | at(50, LAST)}, "scores.level scores.really-up coverage.others", "scores.up"),
    ({"2018": at(75), "2019": at(60) | at(80, LAST)}, "scores.down scores.really-down scores.farther", "scores.as-much"),
    ({"2018": hidden(MARKS, 50), "2019": MARKS}, "scores.withheld scores.bounds withheld.above withheld.some "
     "halves.withheld", "scores.hides"),
    ({"2018": MARKS, "2019": hidden(by(1), 70)}, "scores.really-unknown scores.up scores.bounds cutoffs.withheld", "scores.really-up"),
    ({"2018": at(60, TOP | MIDDLE) | at(LOW, LAST), "2019": at(58, TOP | MIDDLE) | at(75, LAST)},
     "scores.really-up scores.too-low", "scores.hides"),
    ({"2018": MARKS, "2019": dict([*MARKS.items()][1:]) | {"399": 60}}, "coverage.some-of-each coverage.as-many", "coverage.others"),
    ({"2018": few(60, 62, 64), "2019": few(71, 72, 74)}, "scores.few moving.up order.few halves.few", "moving.kept moving.spearman"),
    ({"2018": few(60, 62), "2019": few(71, 72)}, "order.too-few scores.few", "halves.numbers"),
    ({"2018": MARKS, "2019": hidden(MARKS)}, "scores.silent scores.none scores.some withheld.all cutoffs.unknown order.nothing", "scores.up"),
    ({"2018": hidden(MARKS), "2019": hidden(MARKS)}, "scores.silent scores.none moving.none batches.partly batches.unknown", "scores.some"),
    ({"2018": TOP | MIDDLE | LAST, "2019": TOP | dict([*LAST.items()][4:])}, "leaving.mixed leaving.worst", "leaving.lower-more"),
    ({"2018": TOP | LAST, "2019": dict([*TOP.items()][2:]) | dict([*LAST.items()][2:])}, "leaving.unrelated again.alike", "leaving.mixed"),
    ({"2018": TOP, "2019": dict([*TOP.items()][4:])}, "leaving.one-grade leaving.best", "leaving.worst"),
    ({"2018": MARKS, "2019": MARKS}, "moving.none moving.kept moving.spearman scores.level scores.really-level scores.nobody-changed "
     "high.level batches.alike batches.level", "high.offset"),
    ({"2018": {"101": 60, "102": 75, "103": 90}, "2019": {"101": 75, "102": 60, "103": 90}},
     "moving.as-many moving.beware-lines", "moving.none"),
    ({"2018": MARKS, "2019": hidden(MARKS, least=85)}, "withheld.below", "withheld.above"),
    ({"2018": at(HIGH) | at(60, MIDDLE), "2019": at(90) | at(60, MIDDLE)}, "withheld.below", "withheld.inside"),
    ({"2018": MARKS, "2019": {id: HIGH if n == 5 else 90 for n, id in enumerate(IDS)}}, "withheld.inside", "withheld.below"),
    ({"2018": MARKS, "2019": {i: 50 + m / 2 for i, m in MARKS.items()}}, "halves.in-line halves.crosses", "halves.chance"),
    ({"2018": MARKS, "2019": {i: 60 + (m * 13 + n * 5) % 31 for n, (i, m) in enumerate(MARKS.items())}}, "halves.chance moving.beware-chance",
     "halves.in-line moving.kept"),
    ({"2018": at(100), "2019": at(100)}, "order.constant holding.some cutoffs.nobody-near high.whole failing.nobody",
     "order.too-few batches.table"),
    ({"2018": at(60) | at(60, MIDDLE), "2019": at(80) | at(50, MIDDLE)}, "batches.differ batches.up batches.down batches.flat batches.table",
     "batches.partly"),
    ({"2018": at(60, TOP | MIDDLE | LAST), "2019": at(60) | at(80, MIDDLE) | at(LOW, LAST)},
     "batches.differ batches.level batches.down", "batches.partly"),
    ({"2018": at(60, TOP | MIDDLE), "2019": at(80) | at("活跃度一般", MIDDLE)}, "batches.partly batches.unknown batches.up", "batches.differ"),
    ({"2018": at(90, TOP | MIDDLE), "2019": at(91, TOP | MIDDLE) | {"100": LOW, "101": LOW}},
     "batches.outside batches.differ scores.too-high", "batches.alike"),
    ({"2017": TOP, "2018": LAST, "2019": TOP}, "holding.nobody failing.some failing.gone failing.unnamed", "holding.some"),
    ({"2018": at(60) | at(40, MIDDLE), "2019": at(60) | at(40, MIDDLE)}, "failing.some failing.gone-nobody", "failing.gone"),
    (THREE, "holding.some", "holding.gap compare.gap")])
def test_what_is_said_of_other_data(periods, right, wrong):
    said = told(periods)
    assert {*right.split()} - {*said} == set() and {*wrong.split()} & {*said} == set()


@pytest.mark.parametrize("naive, least, most, names", [
    (0, 0, 0, "level really-level"), (1, 0, 0, "up really-level"), (-1, 0, 0, "down really-level"), (1, -1, 0, "up really-unknown"),
    (1, 0, 1, "up really-unknown"), (0, -1, 1, "level really-unknown"), (0, 1, 2, "level really-up"), (-1, 1, 2, "down really-up"),
    (1, 1, 1, "up really-up as-much"), (2, 1, 1, "up really-up less"), (2, 1, 2, "up really-up perhaps"), (1, 1, 2, "up really-up perhaps"),
    (1, 2, 3, "up really-up farther"), (3, 1, 2, "up really-up less"), (-1, -1, -1, "down really-down as-much"),
    (-2, -1, -1, "down really-down less"), (-1, -3, -2, "down really-down farther"), (-2, -2, -1, "down really-down perhaps"),
    (1, -2, -1, "up really-down"), (0, -2, -1, "level really-down")])
def test_the_headline_of_scores(naive, least, most, names):
    assert verdicts.headline_of_scores(naive, least, most, 10) == [f"scores.{name}" for name in names.split()]
    assert verdicts.headline_of_scores(naive, least, most, 9) == ["scores.few"]


@pytest.mark.parametrize("parts, names", [
    ((3, 3, 0, 0), "up all-own"), ((3, 4, -1, 0), "up largest"), ((3, 1, 1, 1), "up largest"), ((3, 1, 2, 0), "up smaller"),
    ((3, 0, 2, 1), "up not-own"), ((3, -1, 2, 2), "up not-own"), ((-3, -3, 0, 0), "down all-own"), ((-3, -2, -1, 0), "down largest"),
    ((-3, -1, -2, 0), "down smaller"), ((-3, 1, -4, 0), "down not-own"), ((0, 0, 1, -1), "level"), ((0, 1, 0, -1), "level offset")])
def test_the_headline_of_shares(parts, names):
    assert verdicts.headline_of_shares(*parts) == [f"high.{name}" for name in names.split()]


def test_shares_of_a_programme_that_grew():
    said = told({"2018": MARKS, "2019": MARKS | {"401": 60}}, late={"4": "2019"})  # of 4th batch one of three
    assert {"coverage.more", "coverage.share-fell"} <= {*said}
    fell = told({"2018": MARKS | {"401": 60}, "2019": MARKS}, late={"4": "2018"})
    assert "coverage.share-rose" not in fell and "coverage.fewer" in fell


def test_what_lies_between():
    gap = told({"2022": TOP, "2024": TOP}, ["2023"])
    assert {"compare.gap", "holding.gap", "failing.gap"} <= {*gap} and gap["compare.gap"].numbers["gap"] == ["2023"]
    assert told({"2017": MARKS, "2019": MARKS})["compare.gap"].numbers["gap"] == ["2018"]
    months = told(SAME, months={"2019": 21})
    assert (months["compare.months"].numbers["months_before"], months["compare.months"].numbers["months_after"]) == (12, 21)
    assert "moving.beware-months" in months


def test_a_change_of_floors_is_no_progress():
    said = told({"2018": MARKS, "2019": MARKS | {"100": 90, "105": LOW}}, schemes={"2018": SCHEME, "2019": LOWER})
    assert {"high.floors", "high.one-scheme", "moving.floors", "moving.beware-floors", "compare.floors", "compare.renamed",
            "cutoffs.regraded", "changed.floors", "changed.renamed"} <= {*said}
    assert said["high.one-scheme"].numbers["n"] == sum(mark >= 75 for mark in MARKS.values())
    assert "2018为85、70、50分，2019为75、60、40分" in SAY([said["compare.floors"]])
    assert (said["moving.beware-floors"].numbers["scheme_up"], said["moving.beware-floors"].numbers["scheme_down"]) == (1, 0)
    opened = told({"2018": hidden(MARKS, 85, 70), "2019": MARKS}, schemes={"2018": SCHEME, "2019": LOWER})
    assert opened["high.one-scheme-open"].numbers["undecided"] == sum(70 <= mark < 85 for mark in MARKS.values())


def test_claims_and_their_evidence():
    sheets = roster.read_sheets()
    found = trends.claims(roster.of_all(sheets), sheets[-1].registry, trends.timeline(sheets[-1].registry, ["2017", "2020-2021"]))
    row = next(found.itertuples())
    for changes, said in (({}, "本报告没有2018、2019的评分表。"), ({"needed": [], "withheld": ["2017"]}, "2017评分未公布。"),
                          ({"verdict": trends.REFUTED, "against": ["2017"], "held": 2}, "2017不符。到2020-2021只举行过2期。"),
                          ({"verdict": trends.CONFIRMED, "needed": []}, "各期都符合。")):
        assert SAY.plain(verdicts.evidence(row._replace(**changes))) == said  # needed withheld against held fits


def test_the_a_level_list_against_the_sheets_and_the_one_to_come():
    sheets = roster.read_sheets()
    alliances, line = roster.of_all(sheets), trends.timeline(sheets[-1].registry, ["2017", "2020-2021"])
    said = verdicts.a_level(trends.listed(alliances), trends.proposed(alliances, line), alliances)
    assert [one.name for one in said] == ["listed.agrees", "listed.low", "listed.outside", "listed.missing"]
    assert (said[0].numbers["n"], said[0].numbers["agrees"], said[-1].numbers["names"]) == (24, 20, ["滚动轴承"])
    unlisted = alliances.assign(a_level=False)
    (told,) = verdicts.a_level(trends.listed(unlisted), trends.proposed(unlisted, line), unlisted)
    assert told.name == "proposed.said" and SAY(told).startswith("2020-2021还没有公布A级名单。按三个评价期推算：可列入0家，缺评分表而待核实35家")
    nobody = unlisted.assign(state="未参评", grade=None, period=alliances.period)
    assert [one.name for one in verdicts.a_level(trends.listed(nobody), trends.proposed(nobody, line), nobody)] == ["proposed.nobody"]
    assert [SAY.plain(f"proposed.{kind}") for kind in ("in", "open", "near", "lost")] == [
        "可以列入", "待核实（缺评分表）", "只差一期", "失去A级"]


def test_a_cover_says_what_is_simulated():
    real, made = roster.read_sheets("2017")[0], roster.read_sheets("2020-2021")[0]
    made.facts["数据性质"] = "模拟数据"
    said = [[one.name for one in verdicts.simulated(sheets)] for sheets in ([real], [real, made], [made])]
    assert said == [[], ["cover.partly"], ["cover.simulated"]]


def test_names_that_changed_are_counted_once():
    said = told(THREE, named=lambda id, period: (f"{id}旧称联盟" if (id, period) == ("105", "2018") else f"{id}产业联盟", id))
    assert (said["matching.some"].numbers["odd"], said["matching.some"].numbers["plain"]) == (1, len(MARKS) - 1)


def test_every_sentence_is_asked_for():
    source = Path(__file__).read_text("utf8")
    by_the_notebook = ("cover", "matrices", "tests", "streaks", "how", "claimed", "claims", "look", "titles", "cutoffs.intro",
                       "cutoffs.undecided", "listed.other", "failing.lead", "failing.absent")
    asked = {name for name in SAY.sentences if re.search(rf"\b{name.split('.')[1]}\b", source) or name.startswith(by_the_notebook)}
    assert {*SAY.sentences} - asked == set()
