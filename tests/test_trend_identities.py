"""The methods of the trend another way, by formula or by counting, and what must hold for any panel."""

from fractions import Fraction
from itertools import combinations, pairwise, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from test_trends import NOT_ENTERED, SCHEME, small

from analysis import registry, sheets, trends
from analysis.grades import GRADES, INCOMPLETE
from analysis.trends import STATES, Pair


@pytest.fixture(scope="module")
def panel() -> trends.Panel:
    return trends.panel(trends.read())


def weights(panel: trends.Panel, pair: Pair, grade: str) -> tuple[float, float, float]:
    """Melitz and Polanec (2015), eq. 3, as they write it: with weights of firms and of groups."""
    e, phi = panel.evaluated, (panel.states == grade).astype(float)
    first, second = (e[p] / max(e[p].sum(), 1) for p in pair)
    groups = {"S": e[pair.earlier] & e[pair.later], "E": ~e[pair.earlier] & e[pair.later], "X": e[pair.earlier] & ~e[pair.later]}

    def of(group: str, s: pd.Series, period: str) -> float:
        inside = s[groups[group]]
        return float((inside / inside.sum() * phi[period][groups[group]]).sum()) if inside.sum() else 0.0

    s1, s2 = of("S", first, pair.earlier), of("S", second, pair.later)
    return (s2 - s1, float(second[groups["E"]].sum()) * (of("E", second, pair.later) - s2),
            float(first[groups["X"]].sum()) * (s1 - of("X", first, pair.earlier)))


def test_decomposition_as_the_paper_writes_it(panel):
    for p in trends.decomposition(panel, panel.last):
        assert np.array(p[4:], float) == pytest.approx(100 * np.array(weights(panel, panel.last, p.grade)))


@pytest.mark.parametrize("part, whole", [(0, 1), (0, 20), (8, 20), (24, 24), (72, 101), (5000, 10000)])
def test_wilson_by_its_formula(part, whole):
    z, share = 1.959963984540054, part / whole
    middle, width = share + z * z / 2 / whole, z * np.sqrt(share * (1 - share) / whole + z * z / 4 / whole ** 2)
    found = trends.wilson(part, whole)
    assert (found.low, found.high) == pytest.approx(np.array([middle - width, middle + width]) / (1 + z * z / whole))
    assert found.share == Fraction(part, whole)


def test_wilson_of_nothing_knows_nothing():
    assert trends.wilson(0, 0) == (0, 0, 0.0, 1.0)


def test_correlations_another_way(panel):
    matched = trends.matched_scores(panel, panel.last)
    x, y = matched["before"].to_numpy(), matched["after"].to_numpy()
    ranks = [[(v > u).sum() + ((v == u).sum() - 1) / 2 for u in v] for v in (x, y)]
    signs = np.array([(np.sign(x[i] - x[j]), np.sign(y[i] - y[j])) for i, j in combinations(range(len(x)), 2)])
    tau = signs.prod(axis=1).sum() / np.sqrt((signs[:, 0] != 0).sum() * (signs[:, 1] != 0).sum())
    assert tuple(trends.agreement(matched)) == pytest.approx((66, np.corrcoef(*ranks)[0, 1], tau, np.corrcoef(x, y)[0, 1]))


@pytest.mark.parametrize("table, exact", [
    ([[8, 2], [2, 8]], lambda t: stats.fisher_exact(t).pvalue), ([[9, 3], [3, 9]], lambda t: stats.fisher_exact(t).pvalue),
    ([[60, 40, 35], [45, 50, 70]], lambda t: stats.chi2_contingency(t, correction=False).pvalue),
    ([[150, 140, 160], [150, 160, 140]], lambda t: stats.chi2_contingency(t, correction=False).pvalue)])
def test_association_another_way(table, exact):
    pairs = [(f"r{i}", f"c{j}") for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    found = trends.association(*(pd.Series(side) for side in zip(*pairs)))
    n, t = sum(map(sum, table)), np.array(table)
    expected = np.outer(t.sum(axis=1), t.sum(axis=0)) / n
    v = np.sqrt(((t - expected) ** 2 / expected).sum() / n / (min(t.shape) - 1))
    assert (found.v, found.n) == (pytest.approx(v), n) and found.p == pytest.approx(exact(table), abs=0.01)
    assert found == trends.association(*(pd.Series(side) for side in zip(*pairs))), "the seed is fixed"
    assert trends.association(pd.Series(["a", "a"]), pd.Series(["b", "c"])) is None


# For any panel

CELLS = st.one_of(st.integers(0, 100), st.integers(0, 20).map(lambda n: 100 - n / 2), st.sampled_from((*GRADES, INCOMPLETE, NOT_ENTERED)),
                  st.none(), st.none())


@st.composite
def panels(draw) -> trends.Panel:
    periods = tuple(str(2013 + n) for n in range(draw(st.integers(2, 6))))
    late = {"4": draw(st.integers(0, len(periods) - 1))}
    ids = [f"{draw(st.sampled_from('1234'))}{n:02}" for n in range(draw(st.integers(1, 14)))]
    line = {id: [draw(CELLS) if n >= late.get(id[0], 0) else None for n in range(len(periods))] for id in ids}
    return small(line, periods, late)


def called(lines: dict[str, list], periods: tuple[str, ...], name, code) -> list[sheets.Period]:
    """The periods of a score, a grade, 信息不完整 or None by alliance, each called and coded as the functions say."""
    registry = registry.Registry(
        names={id: f"{id}产业联盟" for id in lines}, aliases={f"{id}旧称联盟": id for id in lines},
        codes={(id, p): (code(id, p), "certain") for id in lines for p in periods},
        batches={"1": registry.Batch("1", "第一批试点联盟", 60, "2013")},
        schemes={"2013": SCHEME}, periods=periods, decisions={})
    made = [sheets.Period(p, Path("data/score_sheets/x.xlsx"), "", registry, SCHEME) for p in periods]
    for id, cells in lines.items():
        for period, cell in zip(made, cells, strict=True):
            words = name(id, period.name), code(id, period.name)
            match = cell is not None and registry.identify(*words, period.name)
            if cell == INCOMPLETE:
                period.absent.append(sheets.Absent(match.id, *words, match.how, 1, cell))
            elif cell is not None:
                score, grade = (None, cell) if isinstance(cell, str) else (cell, SCHEME.grade(cell))
                period.evaluated.append(sheets.Evaluated(match.id, *words, match.how, 1, score, grade))
    return made


any_panel = settings(max_examples=60, deadline=None)


@any_panel
@given(panels())
def test_the_matrix_adds_up(panel):
    for pair in panel.pairs:
        table, f = trends.transitions(panel, pair), trends.flow(panel, pair)
        for period, sums in zip(pair, (table.sum(axis=1), table.sum())):
            assert sums.to_dict() == {s: (panel.states[period] == s).sum() for s in STATES}
        assert table.to_numpy().sum() == len(panel.about) == len(panel.frame) / len(panel.periods)
        assert trends.transitions(panel, pair, matched=True).equals(table.loc[list(GRADES), list(GRADES)])
        before, after = (set(panel.of(p)["id"]) for p in pair)
        assert {*f.stayers, *f.leavers} == before and {*f.stayers, *f.entrants} == after
        assert len(f.stayers) + len(f.leavers) == len(before) and len(f.stayers) + len(f.entrants) == len(after)
        earlier = {i for p in panel.periods[:panel.periods.index(pair.earlier)] for i in panel.of(p)["id"]}
        assert set(f.returned) == set(f.entrants) & earlier
    assert sum(r["alliances"] for r in trends.transition_records(panel)) == len(panel.about) * len(panel.pairs)


@any_panel
@given(panels())
def test_the_parts_add_up_exactly(panel):
    for pair in panel.pairs:
        parts = trends.decomposition(panel, pair)
        evaluated = [len(panel.of(p)) for p in pair]
        for p in parts:
            assert p.stayers + p.entrants + p.leavers == p.total == p.after - p.before
            shares = [Fraction(int((panel.of(q)["grade"] == p.grade).sum()), n or 1) * 100 for q, n in zip(pair, evaluated)]
            assert [p.before, p.after] == shares
            assert np.array(p[4:], float) == pytest.approx(100 * np.array(weights(panel, pair, p.grade)))
        if all(evaluated):
            assert sum(p.total for p in parts) == 0
            assert not trends.flow(panel, pair).stayers or [sum(column) for column in zip(*(p[4:] for p in parts))] == [0, 0, 0]


@any_panel
@given(panels(), st.floats(0, 1))
def test_bounds_hold_whatever_was_withheld(panel, where):
    for period in panel.periods:
        here, bounds = panel.of(period), trends.mean_bounds(panel, SCHEME, period)
        assert bounds.n + bounds.withheld == len(here) and bounds.withheld == here["score"].isna().sum()
        if len(here):
            filled = [s if s == s else SCHEME.floors[g] + where * (SCHEME.ceiling(g) - SCHEME.floors[g])
                      for g, s in zip(here["grade"], here["score"])]
            assert float(bounds.low) - 1e-9 <= np.mean(filled) <= float(bounds.high) + 1e-9
            assert bounds.published is None or float(bounds.published) == pytest.approx(here["score"].mean())


@any_panel
@given(st.data())
def test_another_name_or_code_changes_nothing_but_how_it_was_matched(data):
    periods = tuple(str(2013 + n) for n in range(data.draw(st.integers(2, 6))))
    cell = st.one_of(st.integers(0, 100), st.sampled_from((*GRADES, INCOMPLETE)), st.none())
    lines = {f"L{n:03}": data.draw(st.lists(cell, min_size=len(periods), max_size=len(periods))) for n in range(data.draw(st.integers(1, 9)))}
    renamed, recoded = ({key for key in product(lines, periods) if data.draw(st.booleans())} for _ in range(2))

    def name(id: str, period: str) -> str:
        return f"{id}旧称联盟" if (id, period) in renamed else f"{id}产业联盟"

    def code(id: str, period: str) -> str:
        return f"1{50 * ((id, period) in recoded) + int(id[1:]):02}"

    made = called(lines, periods, name, code)
    plain = called(lines, periods, lambda id, _: f"{id}产业联盟", lambda id, _: f"1{id[2:]}")
    found, known = trends.panel(made), trends.panel(plain)
    assert found.frame.drop(columns="code").equals(known.frame.drop(columns="code"))
    for pair in found.pairs:
        assert trends.transitions(found, pair).equals(trends.transitions(known, pair))
        assert trends.decomposition(found, pair) == trends.decomposition(known, pair)
    words = {(True, True): trends.BOTH, (True, False): trends.NAME, (False, True): trends.CODE, (False, False): trends.ALIAS}
    assert {(r.id, r.from_period): r.how for r in trends.matching(made).itertuples()} == {
        (id, p): words[((id, p) in renamed) == ((id, q) in renamed), ((id, p) in recoded) == ((id, q) in recoded)]
        for id, cells in lines.items() for n, (p, q) in enumerate(pairwise(periods)) if cells[n] is not None and cells[n + 1] is not None}


@any_panel
@given(panels())
def test_nothing_is_left_out_in_silence(panel):
    for pair in panel.pairs:
        f, matched = trends.flow(panel, pair), trends.matched_scores(panel, pair)
        hidden = [i for i in f.stayers if panel.scores.loc[i, list(pair)].isna().any()]
        assert sorted([*matched.index, *hidden]) == f.stayers == list(trends.moves(panel, pair).index)
        agreement = trends.agreement(matched)
        assert agreement is None or agreement.n == len(matched)
        for side in ("before", "after"):
            assert list(matched[f"place_{side}"]) == [1 + (matched[side] > s).sum() for s in matched[side]]
        for by in ("grade", "batch"):
            again = trends.retention(panel, pair, by)
            assert (again[""].part, again[""].whole) == (len(f.stayers), len(f.stayers) + len(f.leavers))
            assert sum(e.whole for key, e in again.items() if key) == again[""].whole
    for period in panel.periods:
        here = panel.of(period)
        assert {s.unknown for s in trends.sensitivity(panel, SCHEME, period)} == {here["score"].isna().sum()}
        withheld = [g for g, s in zip(here["grade"], here["score"]) if s != s]
        for grade, score, rank in zip(here["grade"], here["score"], here["rank"]):
            above = (here["score"] > score).sum() + sum(GRADES.index(g) < GRADES.index(grade) for g in withheld)
            assert rank != rank if score != score or grade in withheld else rank == 1 + above
