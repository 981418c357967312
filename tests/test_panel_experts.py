"""How experts used the scale, and how firm a score is: against published examples, what was put in, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from test_panel import read

from analysis.panel import scores, verdicts

SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)
GRID = [index.ravel() for index in np.indices(SHROUT_FLEISS.shape)]


def fit(cell, expert, y):
    return scores.TwoWay(pd.DataFrame({"cell": cell, "expert": expert, "points": y}))


def design(cells, group, groups, crossed=True):
    """Who marks what: groups of experts, each for its share of the cells, and for the next share where crossed."""
    pairs = [(a, (a + step) % groups * group + e) for a in range(cells) for step in range(1 + crossed) for e in range(group)]
    return (*map(np.array, zip(*pairs)), groups * group)


def test_shrout_and_fleiss_1979():
    """The components of their table are those of the analysis of variance."""
    y, (n, k) = SHROUT_FLEISS, SHROUT_FLEISS.shape
    model = fit(*GRID, y.ravel())
    left = ((y - y.mean(1, keepdims=True) - y.mean(0) + y.mean()) ** 2).sum() / (n - 1) / (k - 1)
    assert (model.variance, model.between) == (pytest.approx(left), pytest.approx((n * y.mean(0).var(ddof=1) - left) / n))
    assert model.severity.to_numpy() == pytest.approx(y.mean(0) - y.mean())


@pytest.mark.parametrize(("size", "crossed"), [(0.0, True), (5.0, True), (5.0, False)])
def test_the_intervals_of_severity_cover_at_their_rate(size, crossed):
    """Where groups do not cross, a difference between whole groups is invisible, one inside a group is recovered."""
    rng, (cell, expert, number), held = np.random.default_rng(3), design(40, 4, 4, crossed), []
    for _ in range(60):
        severity = size * rng.normal(0, 1, number)
        model = fit(cell, expert, rng.uniform(30, 90, 40)[cell] + severity[expert] + rng.normal(0, 4, len(cell)))
        held.append((model.severity - severity + pd.Series(severity).groupby(model.part).transform("mean")).abs() <= model.reach)
    assert 0.925 < np.mean(held) < 0.975 and model.part.nunique() == (1 if crossed else 4) and model.variance ** 0.5 == pytest.approx(4, rel=0.2)


def test_parts_by_hand():
    """Experts 0 and 3 share the first cell, 3 and 1 the second; 4 is alone with the third."""
    model = fit([0, 0, 1, 1, 2], [0, 3, 3, 1, 4], [50.0, 60, 70, 80, 90])
    assert model.part.to_dict() == {0: 0, 1: 0, 3: 0, 4: 1} and model.alone.tolist() == [False, False, False, True]
    assert model.reach.isna().all() and not model.freedom


def test_a_stage_effect_is_covered_at_its_rate():
    """Forty alliances at two stages; every other expert of a group is in the next one for the second; alliances change by chance."""
    rng, held = np.random.default_rng(6), []
    group = np.arange(16) % 4
    later = (group + np.arange(16) // 4 % 2) % 4
    first = [(2 * a, e) for a in range(40) for e in np.flatnonzero(group == a % 4)]
    cell, expert = map(np.array, zip(*first, *((2 * a + 1, e) for a in range(40) for e in np.flatnonzero(later == (a + 2) % 4))))
    for _ in range(80):
        quality = rng.uniform(30, 90, 40)[cell // 2] + rng.normal(0, 1.5, 80)[cell] + 2 * (cell % 2)
        model = fit(cell, expert, quality + 3 * rng.normal(0, 1, 16)[expert] + rng.normal(0, 2.5, len(cell)))
        effect, reach = model.effect([*range(0, 80, 2)], [*range(1, 80, 2)])
        held.append(abs(effect - 2) <= reach)
    assert 0.9 < np.mean(held) <= 0.99


@pytest.mark.parametrize("how", ["平均", "中位数", "截尾平均"])
@pytest.mark.parametrize("joining", ["替代", "合并", "加权"])
def test_the_error_of_a_score_is_that_of_simulated_panels(how, joining):
    rules, rng = {"汇总方法": how, "两阶段合成": joining, "会评权重": 0.6, "截尾个数": 1}, np.random.default_rng(2)
    for first, second in ((5, 6), (3, 4), (2, 0)):
        drawn = [scores.combined([*rng.normal(0, 1, first)], [*rng.normal(0, 1, second)], rules) for _ in range(2000)]
        assert np.std(drawn) == pytest.approx(scores.error([0] * first, [0] * second, rules), rel=0.07)


def test_firmness_by_hand(data):
    """One expert each of two stages, 0.6 and 0.4; A and B mark both alliances at 初评: residual variance 9.03125, experts' 0.734."""
    work = scores.Scores(read(data))
    y = np.array([[70.5, 77], [50, 48]])
    left = ((y - y.mean(1, keepdims=True) - y.mean(0) + y.mean()) ** 2).sum()
    between = max((2 * y.mean(0).var(ddof=1) - left) / 2, 0)
    assert (work.model.variance, work.model.between) == (pytest.approx(left), pytest.approx(between))
    sd = math.sqrt((left + between) * (0.36 + 0.16 / 2))
    coal = work.alliances.iloc[1]
    assert coal.标准误 == pytest.approx(sd) and coal.离分档线 == 1 and coal.把握 == pytest.approx(1 - 0.5 * math.erfc((49.5 - 49) / sd / 2))
    assert work.model.part.nunique() == 2 and np.isnan(work.stage_effect()[0])  # C marks 会评 alone


def test_numbers_are_rounded_half_up_and_signed():
    given = ((2.345, 2), (-0.125, 2), (1.005, "+2"), (-7.5, "+0"), (0.0, "+1"), (0.8955, "%1"), (math.nan, 2))
    assert [verdicts.number(*one) for one in given] == ["2.35", "−0.13", "+1.01", "−8", "0.0", "89.6%", "—"]
