"""The frame of one period and of all, on data that the two published sheets do not have."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbooks import change

from analysis import roster, shares, sheets
from analysis.grades import GRADES, STATES


def test_all_periods_in_one_frame():
    """The eight members that a later annex names were not in the programme in 2017; unnamed rows stay in their period."""
    everyone = roster.read_all()
    assert list(everyone.period.cat.categories) == ["2017", "2020-2021"] and everyone.state.cat.categories.tolist() == list(STATES)
    counts = pd.crosstab(everyone.period, everyone.state, dropna=False)
    assert counts.loc["2017"].to_dict() == {"未加入": 8, "未参评": 45, "信息不完整": 0, "活跃度较差": 20, "活跃度一般": 35, "活跃度较高": 22,
                                            "活跃度高": 24}
    outside = everyone[everyone.state == "未加入"]
    assert set(outside.batch) == {"网员联盟"} and outside.outcome.isna().all() and not outside.pilot.any()
    known = everyone.dropna(subset="id")
    assert not known.duplicated(["id", "period"]).any() and len(known) == 2 * 120


@pytest.mark.parametrize("periods", [2017, "2017", ["2017"], ["2017", "2017"]])
def test_a_period_may_be_a_number_a_text_or_a_list(periods):
    assert len(roster.read_all(periods)) == 146


def test_an_analysts_own_columns_come_along(data):
    """行业 in 评分表, and any further column of the registry."""
    change(data, {"评分表!E2": "行业", "评分表!E4": "电子信息"})
    listed = data / "registry" / "alliances.csv"
    lines = listed.read_text("utf-8-sig").splitlines()
    listed.write_text("\n".join([f"{lines[0]},地区", *(f"{line},北京" for line in lines[1:])]), "utf-8-sig")
    alliances = roster.read("2017", data)
    assert alliances.groupby("行业").size().to_dict() == {"电子信息": 1}
    assert (alliances.dropna(subset="id")["地区"] == "北京").all()


def test_a_share_names_its_whole():
    alliances = roster.read("2017")
    evaluated = alliances.dropna(subset="grade")
    third, first = evaluated[evaluated.batch == "第三批"], evaluated[evaluated.batch == "第一批"]
    assert shares.share(third, of=evaluated) == (39, 101) == shares.share(evaluated.batch == "第三批", of=evaluated)
    for part, whole in ((evaluated, third), (first, third), (55, 24), (-1, 24)):
        with pytest.raises(ValueError, match="names the wrong whole"):
            shares.share(part, of=whole)
    with pytest.raises(ValueError, match="names the wrong whole"):
        shares.column(pd.Series([3, 5]), pd.Series([4, 4]))
    assert str(shares.share(0, of=0)) == "—"


@settings(deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1), st.integers(1, 400))
def test_columns_of_shares_are_the_exact_ones(parts, whole):
    parts = [min(part, whole) for part in parts]
    assert [f"{value:.2f}%" for value in shares.column(pd.Series(parts), whole)] == [str(shares.share(part, of=whole)) for part in parts]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 100), st.booleans()), min_size=1, max_size=20))
def test_ranks_are_those_that_every_filling_of_the_withheld_scores_agrees_on(rows):
    """Second way of computing: fill each withheld score with its floor and with its ceiling; a rank stands where all agree."""
    floors = [0, 50, 70, 85, 101]
    frame = pd.DataFrame([(float(score), GRADES[sum(score >= floor for floor in floors) - 1], hidden) for score, hidden in rows],
                         columns=["score", "grade", "hidden"])
    frame["grade"] = pd.Categorical(frame.grade, GRADES, ordered=True)
    low = frame.grade.map(dict(zip(GRADES, floors))).astype(float).where(frame.hidden, frame.score)
    high = frame.grade.map(dict(zip(GRADES, [49.9, 69.9, 84.9, 100]))).astype(float).where(frame.hidden, frame.score)
    found = roster.ranks(frame.assign(score=frame.score.mask(frame.hidden)))
    same_grade_hidden = frame.groupby("grade").hidden.transform("any")
    for place, score in enumerate(frame.score):
        others = [1 + sum(filled[other] > score for other in frame.index if other != place) for filled in (low, high)]
        if pd.notna(found[place]):
            assert found[place] == others[0] == others[1] and not frame.hidden[place]
        else:
            assert same_grade_hidden[place]


@pytest.mark.parametrize("who, found", [
    ("半导体照明产业技术创新战略联盟", "L010"), ("汽车轻量化技术创新战略联盟", "L007"), ("104", "L004"), ("半导体照明", "L010"),
    ("109", "may be"), ("大豆加公", "no alliance; the nearest: 大豆加工"), ("联盟", "or 117 more"), ("zzz", "neither a name")])
def test_an_alliance_is_found_by_name_alias_code_or_part_of_its_name(who, found):
    """Or the nearest are named; 109 was printed for two alliances."""
    everyone, registry = roster.read_all(), sheets.read("2017").registry
    if found[0] == "L":
        rows = roster.find(everyone, registry, who)
        assert [*rows.id] == [found] * 2 and [*rows.period] == ["2017", "2020-2021"]
    else:
        with pytest.raises(LookupError, match=found):
            roster.find(everyone, registry, who)
