"""How experts used the scale: published examples, recovery of what was put in, coverage, invariances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.panel import experts

SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)
NONE = np.nan
KRIPPENDORFF = np.array([[1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
                         [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE]])


def design(alliances, group, groups, crossed=True):
    """Who marks whom: groups of experts, each for its share of the alliances, and for the next share where crossed."""
    alliance, expert = [], []
    for a in range(alliances):
        for step in (0, 1) if crossed else (0,):
            for e in range(group):
                alliance.append(a)
                expert.append((a + step) % groups * group + e)
    return np.array(alliance), np.array(expert), groups * group


def drawn(rng, alliance, expert, number, severity, spread=4.0):
    quality = rng.uniform(30, 90, alliance.max() + 1)
    return experts.TwoWay(alliance, expert, quality[alliance] + severity[expert] + rng.normal(0, spread, len(alliance)),
                           alliance.max() + 1, number)


def test_shrout_and_fleiss_1979():
    """Their table 4: ICC(2,1) .29, ICC(3,1) .71, ICC(2,4) .62."""
    alliance, expert = (index.ravel() for index in np.indices(SHROUT_FLEISS.shape))
    icc = experts.TwoWay(alliance, expert, SHROUT_FLEISS.ravel(), 6, 4).icc()
    assert round(icc["one"], 2) == 0.29 and round(icc["order"], 2) == 0.71 and round(icc["many"], 2) == 0.62


def test_components_of_a_complete_design_are_those_of_the_analysis_of_variance():
    y = SHROUT_FLEISS
    n, k = y.shape
    between = k * y.mean(1).var(ddof=1)
    judges = n * y.mean(0).var(ddof=1)
    left = ((y - y.mean(1, keepdims=True) - y.mean(0) + y.mean()) ** 2).sum() / (n - 1) / (k - 1)
    alliance, expert = (index.ravel() for index in np.indices(y.shape))
    found = experts.TwoWay(alliance, expert, y.ravel(), n, k).components()
    assert found == pytest.approx({"alliance": (between - left) / k, "expert": (judges - left) / n, "residual": left})


def test_krippendorff_2011():
    """His example with four observers, twelve units and missing data: interval α 0.849."""
    assert round(experts.alpha(KRIPPENDORFF), 3) == 0.849


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_alpha_from_sums_is_the_packages(seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 30, (5, 12)) / 2
    values[rng.random(values.shape) < 0.4] = np.nan
    coder, unit = np.nonzero(~np.isnan(values))
    if (np.bincount(unit) > 1).sum() < 2:
        return
    found = experts._alphas(experts.TwoWay(unit, coder, values[coder, unit], 12, 5), np.ones((1, 12)))[0]
    assert found == pytest.approx(experts.alpha(values), nan_ok=True)


@pytest.mark.parametrize("size", [0.0, 5.0])
def test_severity_is_recovered(size):
    rng = np.random.default_rng(3)
    alliance, expert, number = design(2000, 4, 5)
    severity = size * rng.normal(0, 1, number)
    severity -= severity.mean()
    model = drawn(rng, alliance, expert, number, severity)
    assert model.parts == 1
    assert np.abs(model.severity - severity).max() < 0.6
    assert np.sqrt(model.variance) == pytest.approx(4, rel=0.03)
    assert model.components()["expert"] == pytest.approx(severity.var(ddof=1), rel=0.15, abs=0.2)


def test_within_parts_only():
    """Groups that do not cross: a difference between whole groups is invisible, one inside a group is recovered."""
    rng = np.random.default_rng(4)
    alliance, expert, number = design(2000, 4, 5, crossed=False)
    severity = rng.normal(0, 5, number)
    model = drawn(rng, alliance, expert, number, severity)
    assert model.parts == 5
    for part in range(5):
        here = model.part_of_expert == part
        assert model.severity[here].sum() == pytest.approx(0, abs=1e-8)
        assert np.abs(model.severity[here] - (severity[here] - severity[here].mean())).max() < 0.8


def test_an_expert_alone_has_no_error():
    model = experts.TwoWay(np.array([0, 0, 1]), np.array([0, 1, 2]), np.array([50.0, 60, 70]), 2, 4)
    assert model.parts == 2 and np.isnan(model.error[2:]).all() and model.part_of_expert[3] == -1


@pytest.mark.parametrize(("crossed", "size"), [(True, 0.0), (True, 5.0), (False, 5.0)])
def test_intervals_cover_at_their_rate(crossed, size):
    rng = np.random.default_rng(5)
    alliance, expert, number = design(40, 4, 4, crossed)
    held = []
    for _ in range(150):
        severity = size * rng.normal(0, 1, number)
        model = drawn(rng, alliance, expert, number, severity)
        for part in range(model.parts):
            severity[model.part_of_expert == part] -= severity[model.part_of_expert == part].mean()
        low, high = model.interval()
        held.append((low <= severity) & (severity <= high))
    rate = np.mean(held)
    assert 0.93 < rate < 0.97


def test_a_constant_moves_one_severity_only():
    rng = np.random.default_rng(6)
    alliance, expert, number = design(60, 3, 4)
    model = drawn(rng, alliance, expert, number, rng.normal(0, 3, number))
    moved = experts.TwoWay(alliance, expert, model.y + 7.0 * (expert == 5), 60, number)
    change = moved.severity - model.severity
    assert change - change[0] == pytest.approx(7.0 * (np.arange(number) == 5), abs=1e-8)
    assert moved.residual == pytest.approx(model.residual, abs=1e-8)
    assert moved.icc()["order"] == pytest.approx(model.icc()["order"])


def test_relabelling_experts_relabels_severities():
    rng = np.random.default_rng(7)
    alliance, expert, number = design(50, 3, 4)
    model = drawn(rng, alliance, expert, number, rng.normal(0, 3, number))
    order = rng.permutation(number)
    other = experts.TwoWay(alliance, order[expert], model.y, 50, number)
    assert other.severity[order] == pytest.approx(model.severity)
    assert other.error[order] == pytest.approx(model.error)
    assert other.components() == pytest.approx(model.components())


def test_standardised_residuals():
    """Against the hat matrix of the same model, written out."""
    rng = np.random.default_rng(8)
    alliance, expert, number = design(12, 3, 3)
    model = drawn(rng, alliance, expert, number, rng.normal(0, 3, number))
    full = np.zeros((len(alliance), 12 + number))
    full[np.arange(len(alliance)), alliance] = 1
    full[np.arange(len(alliance)), 12 + expert] = 1
    hat = full @ np.linalg.pinv(full)
    expected = model.residual / np.sqrt(model.variance * (1 - np.diag(hat)))
    assert model.standardised == pytest.approx(expected)
    assert model.freedom == len(alliance) - np.linalg.matrix_rank(full)
    assert np.isclose(model.residual, model.y - hat @ model.y).all()


def test_variance_components_of_an_incomplete_design():
    rng = np.random.default_rng(9)
    found = []
    for _ in range(40):
        alliance, expert, number = design(60, 3, 5)
        y = rng.normal(0, 10, 60)[alliance] + rng.normal(0, 3, number)[expert] + rng.normal(0, 4, len(alliance))
        found.append([*experts.TwoWay(alliance, expert, y, 60, number).components().values()])
    assert np.mean(found, axis=0) == pytest.approx([100, 9, 16], rel=0.12)


@pytest.mark.parametrize("crossed", [True, False])
def test_components_of_some_alliances_are_those_of_a_model_without_the_others(crossed):
    """Leaving out the alliances that join two groups parts the graph; the degrees of freedom follow."""
    rng = np.random.default_rng(11)
    alliance, expert, number = design(20, 3, 4, crossed)
    y = rng.normal(60, 9, len(alliance))
    for left in (np.arange(20) % 4 != 1, np.arange(20) % 2 == 0):
        here = left[alliance]
        weighed = experts.TwoWay(alliance, expert, y, 20, number).components_of(left[None].astype(float))
        alone = experts.TwoWay(alliance[here], expert[here], y[here], 20, number).components()
        assert {what: value[0] for what, value in weighed.items()} == pytest.approx(alone, rel=1e-6)


def test_parts_by_hand():
    """Experts 0 and 3 share the first alliance, 3 and 1 the second; 4 is alone with the third; 2 and the fourth have no marks."""
    number = np.zeros((4, 5))
    number[0, [0, 3]] = number[1, [3, 1]] = number[2, 4] = 1
    found = experts.parts_of(number)
    assert [part.tolist() for part in found] == [[0, 0, -1, 0, 1], [0, 0, 1, -1]]


def test_agreement_intervals_cover_for_the_experts_there_are():
    """What the report says of them: other alliances, the same experts. Their spread is then what it is, not a sample's."""
    rng = np.random.default_rng(12)
    alliance, expert = (index.ravel() for index in np.indices((40, 5)))
    severity = np.array([-4.0, -1, 0, 2, 3])
    true = 100 / (100 + severity.var(ddof=1) + 16)  # the variances that the totals are drawn with
    held = []
    for seed in range(150):
        y = rng.normal(0, 10, 40)[alliance] + severity[expert] + rng.normal(0, 4, len(alliance))
        one = experts.agreement("x", alliance, expert, expert, y, seed)
        held.append([low <= true <= high for low, high in (one.icc_interval, one.alpha_interval)])
    assert (np.abs(np.mean(held, axis=0) - 0.95) < 0.04).all(), np.mean(held, axis=0)


def test_deviations_by_hand():
    found = experts.deviations(
        np.array([0, 0, 0, 1]), np.array([0, 1, 2, 0]), np.array([0, 0, 0, 0]), np.array([60.0, 70, 80, 50])
    )
    assert found[:3].tolist() == [-15, 0, 15] and np.isnan(found[3])


def test_agreement_intervals_hold_the_value():
    rng = np.random.default_rng(10)
    alliance, expert, number = design(60, 4, 4)
    model = drawn(rng, alliance, expert, number, rng.normal(0, 3, number))
    one = experts.agreement("x", alliance, expert, expert, model.y, seed=1)
    assert one.icc_interval[0] < one.icc["one"] < one.icc_interval[1]
    assert one.alpha_interval[0] < one.alpha < one.alpha_interval[1]
    assert one == experts.agreement("x", alliance, expert, expert, model.y, seed=1)
