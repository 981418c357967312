"""The methods of the trend another way, by formula or by counting, and what must hold for any periods."""

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from periods import SCHEME, sheets_of
from scipy import stats

from analysis import roster, trends
from analysis.grades import GRADES, INCOMPLETE, NOT_IN_PROGRAMME, STATES


@pytest.fixture(scope="module")
def pair() -> pd.DataFrame:
    return trends.pair(roster.read_all(), "2017", "2020-2021")


def by_weights(pair: pd.DataFrame, grade: str) -> tuple[float, float, float]:
    """Melitz and Polanec (2015), eq. 3, as they write it: with weights of firms and of groups."""
    first, second = pair.stayed | pair.left, pair.stayed | pair.entered
    phi1, phi2 = ((pair[f"grade_{side}"] == grade).astype(float) for side in ("before", "after"))

    def of(phi: pd.Series, group: pd.Series) -> float:
        return float(phi[group].mean()) if group.any() else 0.0

    s1, s2 = of(phi1, pair.stayed), of(phi2, pair.stayed)
    return (s2 - s1, pair.entered.sum() / max(second.sum(), 1) * (of(phi2, pair.entered) - s2),
            pair.left.sum() / max(first.sum(), 1) * (s1 - of(phi1, pair.left)))


@pytest.mark.parametrize("part, whole", [(0, 1), (0, 20), (8, 20), (24, 24), (72, 101), (5000, 10000)])
def test_wilson_another_way(part, whole):
    row = trends.rates(pd.Series([True] * part + [False] * (whole - part)), pd.Series(["全部"] * whole)).loc["全部"]
    known = stats.binomtest(part, whole).proportion_ci(method="wilson")
    assert (row["下限"], row["上限"]) == pytest.approx((100 * known.low, 100 * known.high))
    assert (row["联盟数"], row["其中"]) == (whole, part)


def test_correlations_another_way(pair):
    known = pair.dropna(subset="change")
    before, after = known.score_before, known.score_after
    fit = trends.regression(before, after)
    line = stats.linregress(before, after)
    assert (fit["spearman"], fit["kendall"], fit["pearson"], fit["slope"], fit["intercept"]) == pytest.approx(
        (stats.spearmanr(before, after).statistic, stats.kendalltau(before, after).statistic, line.rvalue, line.slope, line.intercept))


@pytest.mark.parametrize("table, exact", [
    ([[8, 2], [2, 8]], lambda t: stats.fisher_exact(t).pvalue), ([[9, 3], [3, 9]], lambda t: stats.fisher_exact(t).pvalue),
    ([[60, 40, 35], [45, 50, 70]], lambda t: stats.chi2_contingency(t, correction=False).pvalue),
    ([[150, 140, 160], [150, 160, 140]], lambda t: stats.chi2_contingency(t, correction=False).pvalue)])
def test_association_another_way(table, exact):
    sides = [pd.Series(side) for side in zip(*[(f"r{i}", f"c{j}") for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)])]
    p, v, n = trends.association(*sides)
    assert (v, n) == (pytest.approx(stats.contingency.association(np.array(table), method="cramer")), np.sum(table))
    assert p == pytest.approx(exact(table), abs=0.01)
    assert (p, v, n) == trends.association(*sides), "the seed is fixed"
    assert np.isnan(trends.association(pd.Series(["a", "a"]), pd.Series(["b", "c"]))[0])


def test_holm_corrects_by_how_many_are_left():
    alliances = roster.read_all()
    tests = trends.tests(alliances, trends.pairs(alliances)).sort_values("p")
    assert [*tests.holm] == pytest.approx([4 * tests.p.iloc[0], 3 * tests.p.iloc[1], 2 * tests.p.iloc[2], 2 * tests.p.iloc[2]])


# For any periods

CELLS = st.one_of(st.integers(0, 100), st.integers(0, 20).map(lambda n: 100 - n / 2), st.sampled_from((*GRADES, INCOMPLETE, "未录入")),
                  st.none(), st.none())


@st.composite
def frames(draw) -> pd.DataFrame:
    periods = tuple(str(2013 + n) for n in range(draw(st.integers(2, 4))))
    late = draw(st.integers(0, len(periods) - 1))
    ids = ["199"] + [f"{draw(st.sampled_from('1234'))}{n:02}" for n in range(draw(st.integers(1, 12)))]
    lines = {id: [draw(CELLS) if id[0] != "4" or n >= late else None for n in range(len(periods))] for id in ids}
    return roster.of_all(sheets_of(lines, periods, {"4": periods[late]}))


any_periods = settings(max_examples=8, deadline=None)


@any_periods
@given(frames())
def test_each_pair_adds_up(alliances):
    named = alliances.dropna(subset="id")
    for earlier, later in pairwise(alliances.period.cat.categories):
        pair = trends.pair(alliances, earlier, later)
        assert len(pair) == named.id.nunique() == pair.id.nunique()
        counts = pd.crosstab(pair.state_before, pair.state_after)
        for period, sums in ((earlier, counts.sum(axis=1)), (later, counts.sum())):
            states = named[named.period == period].state
            assert {s: int(n) for s, n in sums.items() if n} == {s: (states == s).sum() for s in STATES if (states == s).any()}
        ids = [{*alliances[(alliances.period == p) & alliances.grade.notna()].id} for p in (earlier, later)]
        assert {*pair[pair.stayed].id} == ids[0] & ids[1] and {*pair[pair.left].id} == ids[0] - ids[1]
        past = {*alliances[(alliances.period < earlier) & alliances.grade.notna()].id}
        assert {*pair[pair.entered].id} == ids[1] - ids[0] and {*pair[pair.returned].id} == (ids[1] - ids[0]) & past
        outside = pair[pair.state_before == NOT_IN_PROGRAMME]
        assert set(outside.batch) <= {"第四批"} and not outside.left.any()
        retention = trends.rates(pair.stayed[pair.grade_before.notna()], pair.grade_before.dropna())
        assert retention["联盟数"].sum() == len(ids[0]) and retention["其中"].sum() == len(ids[0] & ids[1])


@any_periods
@given(frames())
def test_the_parts_add_up_exactly(alliances):
    for earlier, later in pairwise(alliances.period.cat.categories):
        pair, grades = trends.pair(alliances, earlier, later), {p: alliances[alliances.period == p].grade.dropna() for p in (earlier, later)}
        parts = trends.decomposition(pair)
        for grade, row in parts.iterrows():
            assert row.stayers + row.entrants + row.leavers == row.total == row.after - row.before
            assert [row.before, row.after] == [Fraction(100 * int((g == grade).sum()), max(len(g), 1)) for g in grades.values()]
            assert np.array(row[["stayers", "entrants", "leavers"]], float) == pytest.approx(100 * np.array(by_weights(pair, grade)))
        if all(len(g) for g in grades.values()):
            assert parts.total.sum() == 0 and (not pair.stayed.any() or [*parts[["stayers", "entrants", "leavers"]].sum()] == [0, 0, 0])


@any_periods
@given(frames(), st.floats(0, 1))
def test_bounds_hold_whatever_was_withheld(alliances, where):
    evaluated = alliances[alliances.grade.notna()]
    for _, here in evaluated.groupby("period"):
        filled = here.low + where * (here.high - here.low)
        assert float(trends.mean(here.low)) - 1e-9 <= filled.mean() <= float(trends.mean(here.high)) + 1e-9
        new = trends.regraded(here, SCHEME)
        assert (new.grade.astype(str) == here.grade.astype(str)).all(), "the same floors change nothing"
    for earlier, later in pairwise(alliances.period.cat.categories):
        pair = trends.pair(alliances, earlier, later)
        stayed = pair[pair.stayed]
        assert stayed.change.notna().sum() + stayed[["score_before", "score_after"]].isna().any(axis=1).sum() == len(stayed)
        assert (stayed.least <= stayed.most).all() and pair[~pair.stayed][["change", "least", "most", "steps"]].isna().all(axis=None)
        both = stayed.dropna(subset="change")
        assert np.allclose(both.least, both.change) and np.allclose(both.most, both.change)


@any_periods
@given(st.data())
def test_another_name_or_code_changes_nothing_but_how_it_was_matched(data):
    periods = tuple(str(2013 + n) for n in range(data.draw(st.integers(2, 5))))
    cell = st.one_of(st.integers(0, 100), st.sampled_from((*GRADES, INCOMPLETE)), st.none())
    lines = {f"1{n:02}": data.draw(st.lists(cell, min_size=len(periods), max_size=len(periods))) for n in range(data.draw(st.integers(1, 9)))}
    renamed, recoded = ({key for key in product(lines, periods) if data.draw(st.booleans())} for _ in range(2))

    def named(id: str, period: str) -> tuple[str, str]:
        return (f"{id}旧称联盟" if (id, period) in renamed else f"{id}产业联盟", f"1{50 * ((id, period) in recoded) + int(id[1:]):02}")

    made, plain = sheets_of(lines, periods, named=named), sheets_of(lines, periods)
    columns = ["id", "score", "grade", "state", "change", "steps", "stayed"]
    found, known = (trends.pairs(roster.of_all(sheets)).rename(columns={"grade_after": "grade", "state_after": "state", "score_after": "score"})
                    for sheets in (made, plain))
    order = ["from_period", "id"]
    assert found.sort_values(order)[columns].reset_index(drop=True).equals(known.sort_values(order)[columns].reset_index(drop=True))
    words = {(True, True): "how.both", (True, False): "how.name", (False, True): "how.code", (False, False): "how.alias"}
    assert {(r.id, r.from_period): r.how for r in trends.matching(made).itertuples()} == {
        (id, p): words[((id, p) in renamed) == ((id, q) in renamed), ((id, p) in recoded) == ((id, q) in recoded)]
        for id, cells in lines.items() for n, (p, q) in enumerate(pairwise(periods)) if cells[n] is not None and cells[n + 1] is not None}
