"""The methods of the trend on alliances that are worked out on paper, and on the two real periods."""

from dataclasses import replace
from fractions import Fraction

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from periods import SCHEME, sheets_of

from analysis import NOTEBOOKS, roster, trends, trends_charts
from analysis.cells import RESOURCE
from analysis.grades import FAIR, FAIRLY_HIGH, GRADES, HIGH, INCOMPLETE, LOW, NOT_EVALUATED, NOT_IN_PROGRAMME, Scheme
from analysis.registry import Claim

LOWER = Scheme("2013", SCHEME.labels, dict(zip(GRADES, (0, 40, 60, 80))))
# Five stay (1a, 1b, 1c, 2d, 2e), two leave (2f, 3g), two come (3h, 4j), one is absent twice (3i); batch 4 joins in 2018.
LINES = {"1a": (90, 80), "1b": (75, 90), "1c": (75, 60), "2d": (60, LOW), "2e": (40, 95), "2f": (55, INCOMPLETE), "3g": (30, None),
         "3h": (None, 72), "3i": (INCOMPLETE, "未录入"), "4j": (None, 88)}
PAPER = roster.of_all(sheets_of(LINES, late={"4": "2018"}))
PAIR = trends.pair(PAPER, "2017", "2018")


def evaluated(*cells) -> pd.DataFrame:
    """The evaluated of one period: 1a, 1b, …"""
    return roster.of(sheets_of({f"1{chr(97 + n)}": (cell,) for n, cell in enumerate(cells)}, ("2017",))[0]).dropna(subset="grade")


@pytest.fixture(scope="module")
def real() -> list:
    return roster.read_sheets()


def test_a_pair_has_each_alliance_once_and_no_row_without_an_id():
    pair = PAIR.set_index("id")
    assert list(pair.index.sort_values()) == sorted(LINES) and PAPER.id.isna().sum() == 6 + 8
    for who, ids in {"stayed": {"1a", "1b", "1c", "2d", "2e"}, "left": {"2f", "3g"}, "entered": {"3h", "4j"}, "returned": set()}.items():
        assert {*pair.index[pair[who]]} == ids
    assert pair.steps.dropna().to_dict() == {"1a": -1, "1b": 1, "1c": -1, "2d": -1, "2e": 3}
    assert pair.change.dropna().to_dict() == {"1a": -10, "1b": 15, "1c": -15, "2e": 55}
    assert (pair.least["2d"], pair.most["2d"]) == (-60, -10), "from 60 to 较差, which is 0 to 50"
    assert pair.state_before["4j"] == NOT_IN_PROGRAMME and pair.state_after["3i"] == NOT_EVALUATED
    with pytest.raises(ValueError, match="a trend needs two periods or more; there is 2017"):
        trends.last_two(roster.of_all(sheets_of({"1a": (80,)}, ("2017",))))
    with pytest.raises(pd.errors.MergeError):
        trends.pair(pd.concat([PAPER, PAPER]), "2017", "2018")


def test_decomposition_by_hand():
    parts = trends.decomposition(PAIR)
    columns = ["before", "after", "total", "stayers", "entrants", "leavers"]
    # 高: before 1/7, after 3/7. Stayers 1/5 → 2/5. Entrants 2/7 × (1/2 − 2/5) = 1/35. Leavers 2/7 × (1/5 − 0) = 2/35.
    assert [*parts.loc[HIGH, columns]] == [Fraction(n, 35) for n in (500, 1500, 1000, 700, 100, 200)]
    # 较差: stayers 1/5 → 1/5. Entrants 2/7 × (0 − 1/5) = −2/35. Leavers 2/7 × (1/5 − 1/2) = −3/35. Sum −1/7.
    assert [*parts.loc[LOW, columns[2:]]] == [Fraction(n, 35) for n in (-500, 0, -200, -300)]
    apart = trends.decomposition(trends.pair(roster.of_all(sheets_of({"1a": (90, None), "1b": (60, None), "1c": (None, 95)})), "2017", "2018"))
    assert [*apart.loc[HIGH, columns[2:]]] == [50, 0, 100, -50] and [*apart.loc[FAIR, columns[2:]]] == [-50, 0, 0, -50], "nobody stays"


def test_means_are_exact_and_have_bounds():
    # 2018: 80 + 90 + 60 + 95 + 72 + 88 = 485 and one 较差, from 0 to 50.
    here = PAPER[(PAPER.period == "2018") & PAPER.grade.notna()]
    assert [trends.mean(here[side]) for side in ("score", "low", "high")] == [Fraction(485, 6), Fraction(485, 7), Fraction(535, 7)]
    assert trends.mean(pd.Series([70.1, 70.2, 70.4])) == Fraction(2107, 30) and trends.mean(pd.Series([float("nan")])) is None


def test_regression_and_correlation():
    # About the means 70 and 81.25: Sxy = −25 + 43.75 − 106.25 − 412.5 = −500, Sxx = 1350. Half at the median 75 or below.
    known = PAIR.dropna(subset="change")
    fit = trends.regression(known.score_before, known.score_after)
    assert fit["slope"] == pytest.approx(-10 / 27) and fit["intercept"] == pytest.approx(81.25 + 700 / 27)
    assert fit["fixed"] == pytest.approx((81.25 + 700 / 27) / (37 / 27)) and (fit["n_lower"], fit["n_upper"]) == (3, 1)
    assert (fit["lower"], fit["upper"]) == (pytest.approx(55 / 3), -10)
    assert trends.regression(known.score_before[:2], known.score_after[:2]) is None
    assert trends.regression(known.score_before * 0, known.score_after) is None


def test_cutoffs_and_regrading():
    one = evaluated(87, 84, 70, 68, 67.9, 52, 50, 30, LOW)
    # −2: 84 and 68 rise. −1: 84. +1: 70 and 50 fall. +2: the same, since 87 and 52 still reach theirs.
    assert trends.sensitivity(one, SCHEME).to_numpy().tolist() == [[-2, 2, 0], [-1, 1, 0], [1, 0, 2], [2, 0, 2]]
    near = trends.near_cutoffs(one, SCHEME)
    assert [*zip(near.id, near.cutoff, near.distance)] == [
        ("1a", 85, 2), ("1b", 85, -1), ("1c", 70, 0), ("1d", 70, -2), ("1f", 50, 2), ("1g", 50, 0)]
    # Floors 80 60 40: 84 becomes 高, 68 and 67.9 become 较高; nobody can say what the withheld 较差 would be.
    assert [*trends.regraded(one, LOWER).grade] == [HIGH, HIGH, FAIRLY_HIGH, FAIRLY_HIGH, FAIRLY_HIGH, FAIR, FAIR, LOW, trends.UNDECIDED]
    # The other way only 80 to 100 and 40 to 60 reach into two grades: 0 to 40 is inside 0 to 50, 60 to 80 is not inside 50 to 70.
    withheld = sheets_of({"1a": (HIGH,), "1b": (FAIRLY_HIGH,), "1c": (FAIR,), "1d": (LOW,)}, ("2017",), schemes={"2017": LOWER})
    assert [*trends.regraded(roster.of(withheld[0])[:4], SCHEME).grade] == [trends.UNDECIDED] * 3 + [LOW]
    assert [*trends.regraded(evaluated(HIGH), LOWER).grade] == [HIGH], "from 85 on is from 80 on"


def test_the_periods_held(real):
    known = real[-1].registry
    assert trends.timeline(known, ("2017", "2024"))[4:] == ["2017", "2018", "2019", "2020-2021", "2024"]
    assert trends.timeline(known, ("2017", "2018-2019"))[4:] == ["2017", "2018-2019", "2020-2021"], "2018 and 2019 are parts of it"
    longer = replace(known, periods=("2017", "2018-2020", "2019", "2021"))
    assert trends.timeline(longer, ("2022",)) == ["2017", "2019", "2018-2020", "2021", "2022"], "by their ends"


def test_who_fails_again_and_again_and_who_holds():
    # 1a low, incomplete, low; 1b low twice, the first withheld; 1c never; 2d low, then good; 2e joins late; 2f high again from 2018.
    table = {"1a": (40, INCOMPLETE, 30), "1b": (60, LOW, 20), "1c": (None, None, INCOMPLETE), "2d": (20, 30, 60), "4e": (None, None, 30),
             "2f": (60, 90, HIGH)}
    three = roster.of_all(sheets_of(table, ("2017", "2018", "2019"), {"4": "2019"}))
    found = trends.failing(three, 2).set_index("id")
    assert found[["run", "kind"]].T.to_dict("list") == {"1a": [3, "failing.mixed"], "1b": [2, "failing.low"], "1c": [3, "failing.absent"]}
    assert found.loc["1b", ["2017", "2018", "2019"]].to_list() == ["活跃度一般（60分）", "活跃度较差（评分未公布）", "活跃度较差（20分）"]
    assert found.loc["1a", "2018"] == INCOMPLETE
    assert [*trends.failing(three, 3)["id"]] == ["1a", "1c"] and "4e" in [*trends.failing(three, 1)["id"]]
    assert trends.runs(trends.by_period(three), HIGH).to_dict() == {"1a": 0, "1b": 0, "1c": 0, "2d": 0, "2f": 2, "4e": 0}


def test_the_real_ones_that_fail_again_by_a_second_hand(real):
    """Issue 14: three lowest both times, four that a sheet names evaluated in neither; of the twenty lowest twelve did not come back."""
    alliances = roster.of_all(real)
    found = trends.failing(alliances, 2)
    codes = found.groupby("kind")["code"].agg(set)
    assert codes["failing.low"] == {"328", "149", "318"} and codes["failing.absent"] == {"109", "142", "151", "335"} and len(found) == 22
    lowest = trends.pair(alliances, "2017", "2020-2021").query("grade_before == @LOW")
    assert (len(lowest), lowest.left.sum()) == (20, 12)


def test_the_a_level_list_of_a_period_to_come(real):
    """The list of 2020-2021 stands for 2019; 1a keeps it, 1b loses it, 1c is not on it, 1d is one period short."""
    listed = trends.listed(roster.of_all(real)).groupby("kind")["code"].agg(set)
    assert listed["listed.low"] == {"102", "115", "307"} and listed["listed.outside"] == {"D106"} and listed["listed.missing"] == {"207"}
    assert len(listed["listed.agrees"]) == 20
    line, table = ["2019", "2020-2021", "2022"], {"1a": (90, 90), "1b": (90, 60), "1c": (90, 95), "1d": (90, 80)}
    alliances = roster.of_all(sheets_of(table, ("2020-2021", "2022")))
    alliances["a_level"] = alliances["id"].isin(["1a", "1b"]) & (alliances["period"] == "2020-2021")
    found = trends.proposed(alliances, line).set_index("id")
    assert found["kind"].to_dict() == {"1a": "proposed.in", "1b": "proposed.lost", "1c": "proposed.open"}
    assert found.loc["1c", line].to_list() == [trends.NO_SHEET, HIGH, HIGH]
    sheets = sheets_of({"1a": (90, 90, 90), "1d": (90, 90, 80), "1e": (60, 80, 90)}, ("2019", "2020-2021", "2022"))
    assert trends.proposed(roster.of_all(sheets), line).set_index("id")["kind"].to_dict() == {"1a": "proposed.in", "1d": "proposed.near"}
    four = roster.of_all(sheets_of({"1a": (90, 90, 90, 60), "1b": (60, 90, 90, 60)}, ("2018", "2019", "2020-2021", "2022")))
    assert trends.proposed(four, ["2018", *line]).set_index("id")["kind"].to_dict() == {"1a": "proposed.lost", "1b": "proposed.near"}
    published = roster.of_all(sheets).assign(a_level=True)
    assert trends.proposed(published, line).empty and trends.listed(published.assign(a_level=False)).empty


@pytest.mark.parametrize("held, line, times, verdict, needed, against", [
    (("2018", "2019", "2020-2021"), (100, 100, 100), 3, "属实", [], []),
    (("2018", "2019", "2020-2021"), (100, 99, 100), 3, "不属实", [], ["2019"]),
    (("2018", "2020-2021"), (100, 100), 3, "无法核实", ["2019"], []),
    (("2018", "2020-2021"), (None, 100), 3, "不属实", ["2019"], ["2018"]),
    (("2018", "2019", "2020-2021"), (60, 100, 100), 2, "属实", [], []),
    (("2020-2021", "2022"), (100, 60), 8, "无法核实", ["2013", "2014", "2015", "2016", "2017", "2018", "2019"], []),
    (("2019", "2020-2021"), (100, 100), 9, "不属实", ["2013", "2014", "2015", "2016", "2017", "2018"], []),  # only 8 were held
    (("2019", "2020-2021"), (HIGH, 100), 2, "无法核实", [], []),  # a withheld score may be 100
    (("2019", "2020-2021"), (FAIRLY_HIGH, 100), 2, "不属实", [], ["2019"]),  # and this one may not
])
def test_claims(real, held, line, times, verdict, needed, against):
    alliances = roster.of_all(sheets_of({"1a": line, "1b": (60,) * len(line)}, held))
    said = replace(real[-1].registry, claims=(Claim("2020-2021", "1a", times),))
    found, = trends.claims(alliances, said, trends.timeline(said, held)).itertuples()
    assert (found.verdict, found.needed, found.against, found.name) == (verdict, needed, against, "1a产业联盟")
    assert found.withheld == [p for p, cell in zip(held, line) if cell == HIGH]
    assert (found.held == 8) == (times == 9)


def test_the_two_real_periods(real):
    alliances = roster.of_all(real)
    earlier, later = trends.last_two(alliances)
    pair = trends.pair(alliances, earlier, later)
    means = alliances[alliances.grade.notna()].groupby("period")[["score", "low", "high"]].agg(trends.mean)
    assert round(float(means.score[later] - means.score[earlier]), 1) == 13.6 and pair.change.count() == 66
    assert round(float(trends.mean(pair.change)), 1) == 5.8 and len(pair) == 120
    assert pair[["stayed", "left", "entered", "returned"]].sum().to_list() == [72, 29, 14, 0]
    counts = pd.crosstab(pair.state_before, pair.state_after, margins=True)
    assert [*counts.loc[[*GRADES], "All"]] == [20, 35, 22, 24] and [*counts.loc["All", [INCOMPLETE, *GRADES]]] == [20, 11, 18, 22, 35]
    stayers = pair[pair.stayed].groupby("batch")  # like for like, by a second hand: issue 14
    assert stayers.change.mean().round(2).to_list() == [6.19, -0.6, 7.8] and stayers.change.count().to_list() == [31, 10, 25]
    assert [*zip(stayers.least.mean().round(1), stayers.most.mean().round(1))] == [(2.6, 5.6), (-7.5, -3.0), (2.5, 7.9)]
    line = trends.timeline(real[-1].registry, [earlier, later])
    claims = trends.claims(alliances, real[-1].registry, line)
    assert {*claims.verdict} == {"无法核实"} and claims.kind.value_counts().to_list() == [24, 2]
    assert [*map(len, claims[claims.kind == "claimed.full"].needed)] == [3, 5]
    how = trends.matching(real).set_index("id").how
    assert (len(how), how["L010"], how["L050"], how["L006"], how["L002"]) == (87, "how.decided", "how.decided", "how.code", "how.both")
    table = trends.everyone(alliances, real[-1].registry).set_index("代码")
    assert len(table) == 120 and "住宅联盟" in table.also["233"]
    assert table.loc["110", [earlier, later, "评分变化", "等级变化"]].to_list() == ["100", "100", "0", "0"]
    assert [*pair.loc[pair.steps <= -2, "id"].sort_values()] == ["L015", "L066"] and {*table.loc[["116", "236"], "等级变化"]} == {"−2"}


@pytest.mark.parametrize("alliances, panels", [(PAPER, 4), (PAPER[PAPER.batch == "第一批"], 2)], ids=["four batches", "one"])
def test_the_carpet_has_a_row_for_each_alliance(alliances, panels):
    named = alliances.dropna(subset="id")
    drawn = trends_charts.carpet(named, SCHEME.floors.values())
    words = [text.get_text() for axes in drawn for text in axes.texts]
    assert len(drawn) == panels and sorted(word for word in words if word.endswith("产业联盟")) == sorted(named.name.unique())


def test_what_is_chosen_in_explore_is_answered_in_a_live_kernel():
    """The buttons of the two choices are pressed, the second after a code was typed."""
    notebook = nbformat.read(NOTEBOOKS / "explore.ipynb", 4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    press = """from ipywidgets import Widget
for widget in [*Widget.widgets.values()]:
    if getattr(widget, "description", "") == "联盟":
        widget.value = "110"
for widget in [*Widget.widgets.values()]:
    if getattr(widget, "description", "") in ("比较", "查看"):
        widget.click()"""
    notebook.cells = [*code[:3], *(cell for cell in code if "interact_manual.options" in cell.source), nbformat.v4.new_code_cell(press)]
    NotebookClient(notebook, timeout=90, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    states = [widget["state"] for widget in notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()]
    shown = [[row["name"] for row in output["data"][RESOURCE]["data"]] for state in states for output in state.get("outputs", ())]
    assert sorted(map(len, shown)) == [2, 120] and ["半导体照明产业技术创新战略联盟"] * 2 in shown
