"""How experts used the scale: published examples, recovery of what was put in, coverage, a second way of computing each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.panel import experts

NONE = np.nan
SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)
KRIPPENDORFF = np.array([[1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
                         [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE]])
GRID = [index.ravel() for index in np.indices(SHROUT_FLEISS.shape)]


def design(alliances, group, groups, crossed=True):
    """Who marks whom: groups of experts, each for its share of the alliances, and for the next share where crossed."""
    pairs = [(a, (a + step) % groups * group + e) for a in range(alliances) for step in range(1 + crossed) for e in range(group)]
    return (*map(np.array, zip(*pairs)), groups * group)


def drawn(rng, alliance, expert, number, severity, spread=4.0):
    size = alliance.max() + 1
    y = rng.uniform(30, 90, size)[alliance] + severity[expert] + rng.normal(0, spread, len(alliance))
    return experts.TwoWay(alliance, expert, y, size, number)


def test_shrout_and_fleiss_1979():
    """Their table 4: ICC(2,1) .29, ICC(3,1) .71, ICC(2,4) .62; and the components are those of the analysis of variance."""
    y, (n, k) = SHROUT_FLEISS, SHROUT_FLEISS.shape
    model = experts.TwoWay(*GRID, y.ravel(), n, k)
    assert [round(model.icc()[which], 2) for which in ("one", "order", "many")] == [0.29, 0.71, 0.62]
    between, judges = k * y.mean(1).var(ddof=1), n * y.mean(0).var(ddof=1)
    left = ((y - y.mean(1, keepdims=True) - y.mean(0) + y.mean()) ** 2).sum() / (n - 1) / (k - 1)
    assert model.components() == pytest.approx({"alliance": (between - left) / k, "expert": (judges - left) / n, "residual": left})


def test_krippendorff_2011():
    """His example with four observers, twelve units and missing data: interval α 0.849."""
    assert round(experts.alpha(KRIPPENDORFF), 3) == 0.849


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_alpha_from_sums_is_the_packages(seed):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((5, 12)) < 0.4, np.nan, rng.integers(0, 30, (5, 12)) / 2)
    coder, unit = np.nonzero(~np.isnan(values))
    if (np.bincount(unit) > 1).sum() > 1:
        found = experts._alphas(experts.TwoWay(unit, coder, values[coder, unit], 12, 5), np.ones((1, 12)))[0]
        assert found == pytest.approx(experts.alpha(values), nan_ok=True)


@pytest.mark.parametrize(("size", "crossed"), [(0.0, True), (5.0, True), (5.0, False)])
def test_severity_is_recovered(size, crossed):
    """Where groups do not cross, a difference between whole groups is invisible, one inside a group is recovered."""
    alliance, expert, number = design(2000, 4, 5, crossed)
    rng = np.random.default_rng(3)
    severity = size * rng.normal(0, 1, number)
    model = drawn(rng, alliance, expert, number, severity)
    assert model.parts == (1 if crossed else 5) and np.sqrt(model.variance) == pytest.approx(4, rel=0.03)
    for part in range(model.parts):
        here = model.part_of_expert == part
        assert np.abs(model.severity[here] - (severity[here] - severity[here].mean())).max() < 0.8
    if crossed:
        assert model.components()["expert"] == pytest.approx(severity.var(ddof=1), rel=0.15, abs=0.2)


@pytest.mark.parametrize(("crossed", "size"), [(True, 0.0), (True, 5.0), (False, 5.0)])
def test_intervals_cover_at_their_rate(crossed, size):
    rng, held = np.random.default_rng(5), []
    alliance, expert, number = design(40, 4, 4, crossed)
    for _ in range(150):
        severity = size * rng.normal(0, 1, number)
        model = drawn(rng, alliance, expert, number, severity)
        for part in range(model.parts):
            severity[model.part_of_expert == part] -= severity[model.part_of_expert == part].mean()
        low, high = model.interval()
        held.append((low <= severity) & (severity <= high))
    assert 0.93 < np.mean(held) < 0.97


def test_standardised_residuals():
    """Against the hat matrix of the same model, written out."""
    rng = np.random.default_rng(8)
    alliance, expert, number = design(12, 3, 3)
    model = drawn(rng, alliance, expert, number, rng.normal(0, 3, number))
    full = np.hstack([np.eye(12)[alliance], np.eye(number)[expert]])
    hat = full @ np.linalg.pinv(full)
    assert model.standardised == pytest.approx(model.residual / np.sqrt(model.variance * (1 - np.diag(hat))))
    assert model.freedom == len(alliance) - np.linalg.matrix_rank(full) and np.isclose(model.residual, model.y - hat @ model.y).all()


@pytest.mark.parametrize("crossed", [True, False])
def test_components_of_some_alliances_are_those_of_a_model_without_the_others(crossed):
    """Leaving out the alliances that join two groups parts the graph; the degrees of freedom follow."""
    alliance, expert, number = design(20, 3, 4, crossed)
    y = np.random.default_rng(11).normal(60, 9, len(alliance))
    for left in (np.arange(20) % 4 != 1, np.arange(20) % 2 == 0):
        here = left[alliance]
        weighed = experts.TwoWay(alliance, expert, y, 20, number).components_of(left[None].astype(float))
        alone = experts.TwoWay(alliance[here], expert[here], y[here], 20, number).components()
        assert {what: value[0] for what, value in weighed.items()} == pytest.approx(alone, rel=1e-6)


def test_parts_and_deviations_by_hand():
    """Experts 0 and 3 share the first alliance, 3 and 1 the second; 4 is alone with the third; 2 and the fourth have no marks."""
    number = np.zeros((4, 5))
    number[0, [0, 3]] = number[1, [3, 1]] = number[2, 4] = 1
    assert [part.tolist() for part in experts.parts_of(number)] == [[0, 0, -1, 0, 1], [0, 0, 1, -1]]
    alone = experts.TwoWay(np.array([0, 0, 1]), np.array([0, 1, 2]), np.array([50.0, 60, 70]), 2, 4)
    assert np.isnan(alone.error[2:]).all()
    found = experts.deviations(np.array([0, 0, 0, 1]), np.array([0, 1, 2, 0]), np.zeros(4, int), np.array([60.0, 70, 80, 50]))
    assert found[:3].tolist() == [-15, 0, 15] and np.isnan(found[3])


def test_spread_is_held_against_others_on_the_same_alliances():
    """A is half as wide as B; C and D are as wide as each other, though their alliances lie far apart."""
    totals = {0: (50, 60, 70), 1: (40, 60, 80), 2: (10, 50, 90), 3: (10, 50, 90)}
    expert, place, y = map(np.array, zip(*((e, n + 3 * (e > 1), float(t)) for e, three in totals.items() for n, t in enumerate(three))))
    assert experts.relative_spread(place, expert, np.zeros(12, int), y) == pytest.approx({0: 0.5, 1: 2, 2: 1, 3: 1})
    few = experts.relative_spread(place[:4], expert[:4], np.zeros(4, int), y[:4])
    assert np.isnan([*few.values()]).all()  # they share one alliance


def test_agreement_intervals_cover_for_the_experts_there_are():
    """What the report says of them: other alliances, the same experts. Their spread is then what it is, not a sample's."""
    rng, held = np.random.default_rng(12), []
    alliance, expert = (index.ravel() for index in np.indices((40, 5)))
    severity = np.array([-4.0, -1, 0, 2, 3])
    true = 100 / (100 + severity.var(ddof=1) + 16)  # the variances that the totals are drawn with
    for seed in range(150):
        y = rng.normal(0, 10, 40)[alliance] + severity[expert] + rng.normal(0, 4, len(alliance))
        one = experts.agreement("x", alliance, expert, expert, y, seed)
        held.append([low <= true <= high for low, high in (one.icc_interval, one.alpha_interval)])
        assert one.icc_interval[0] < one.icc["one"] < one.icc_interval[1] and one.alpha_interval[0] < one.alpha < one.alpha_interval[1]
    assert (np.abs(np.mean(held, axis=0) - 0.95) < 0.04).all(), np.mean(held, axis=0)
