"""How experts used the scale, and how firm a score is: against published examples, what was put in, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_panel import ONE_STAGE, only_first, read, rule

from analysis import words
from analysis.__main__ import main
from analysis.panel import experts, figures, frames, scores, verdicts

SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)
GRID = [index.ravel() for index in np.indices(SHROUT_FLEISS.shape)]


def design(cells, group, groups, crossed=True):
    """Who marks what: groups of experts, each for its share of the cells, and for the next share where crossed."""
    pairs = [(a, (a + step) % groups * group + e) for a in range(cells) for step in range(1 + crossed) for e in range(group)]
    return (*map(np.array, zip(*pairs)), groups * group)


def drawn(rng, cell, expert, number, severity, spread=4.0):
    size = cell.max() + 1
    return experts.TwoWay(cell, expert, rng.uniform(30, 90, size)[cell] + severity[expert] + rng.normal(0, spread, len(cell)), size, number)


def test_shrout_and_fleiss_1979():
    """The components of their table are those of the analysis of variance."""
    y, (n, k) = SHROUT_FLEISS, SHROUT_FLEISS.shape
    model = experts.TwoWay(*GRID, y.ravel(), n, k)
    left = ((y - y.mean(1, keepdims=True) - y.mean(0) + y.mean()) ** 2).sum() / (n - 1) / (k - 1)
    assert (model.variance, model.between) == (pytest.approx(left), pytest.approx((n * y.mean(0).var(ddof=1) - left) / n))
    assert model.severity == pytest.approx(y.mean(0) - y.mean())


@pytest.mark.parametrize(("size", "crossed"), [(0.0, True), (5.0, True), (5.0, False)])
def test_severity_is_recovered(size, crossed):
    """Where groups do not cross, a difference between whole groups is invisible, one inside a group is recovered."""
    cell, expert, number = design(2000, 4, 5, crossed)
    rng = np.random.default_rng(3)
    severity = size * rng.normal(0, 1, number)
    model = drawn(rng, cell, expert, number, severity)
    assert model.parts == (1 if crossed else 5) and np.sqrt(model.variance) == pytest.approx(4, rel=0.03)
    for part in range(model.parts):
        here = model.part == part
        assert np.abs(model.severity[here] - (severity[here] - severity[here].mean())).max() < 0.8
    if crossed:
        assert model.between == pytest.approx(severity.var(ddof=1), rel=0.15, abs=0.2)


@pytest.mark.parametrize(("crossed", "size"), [(True, 0.0), (True, 5.0), (False, 5.0)])
def test_intervals_cover_at_their_rate(crossed, size):
    rng, held = np.random.default_rng(5), []
    cell, expert, number = design(40, 4, 4, crossed)
    for _ in range(150):
        severity = size * rng.normal(0, 1, number)
        model = drawn(rng, cell, expert, number, severity)
        for part in range(model.parts):
            severity[model.part == part] -= severity[model.part == part].mean()
        held.append(np.abs(model.severity - severity) <= model.reach)
    assert 0.93 < np.mean(held) < 0.97


def test_standardised_residuals():
    """Against the hat matrix of the same model, written out."""
    rng = np.random.default_rng(8)
    cell, expert, number = design(12, 3, 3)
    model = drawn(rng, cell, expert, number, rng.normal(0, 3, number))
    full = np.hstack([np.eye(12)[cell], np.eye(number)[expert]])
    hat = full @ np.linalg.pinv(full)
    assert model.standardised == pytest.approx(model.residual / np.sqrt(model.variance * (1 - np.diag(hat))))
    assert model.freedom == len(cell) - np.linalg.matrix_rank(full) and np.isclose(model.residual, model.y - hat @ model.y).all()


def test_parts_by_hand():
    """Experts 0 and 3 share the first cell, 3 and 1 the second; 4 is alone with the third; 2 has no marks."""
    number = np.zeros((4, 5))
    number[0, [0, 3]] = number[1, [3, 1]] = number[2, 4] = 1
    assert experts._parts(number).tolist() == [0, 0, -1, 0, 1]
    alone = experts.TwoWay(np.array([0, 0, 1]), np.array([0, 1, 2]), np.array([50.0, 60, 70]), 2, 4)
    assert np.isnan(alone.reach).tolist() == [True] * 4 and alone.alone.tolist() == [False, False, True, True]


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_a_stage_effect_is_covered_at_its_rate(shift):
    """Sixty alliances at two stages; every other expert of a group is in the next one for the second; alliances change by chance."""
    rng, held = np.random.default_rng(6), []
    group = np.arange(24) % 4
    later = (group + np.arange(24) // 4 % 2) % 4
    first = [(2 * a, e) for a in range(60) for e in np.flatnonzero(group == a % 4)]
    pairs = first + [(2 * a + 1, e) for a in range(60) for e in np.flatnonzero(later == (a + 2) % 4)]
    cell, expert = map(np.array, zip(*pairs))
    for _ in range(150):
        quality = rng.uniform(30, 90, 60)[cell // 2] + rng.normal(0, 1.5, 120)[cell] + shift * (cell % 2)
        y = quality + 3 * rng.normal(0, 1, 24)[expert] + rng.normal(0, 2.5, len(cell))
        effect, reach = experts.TwoWay(cell, expert, y, 120, 24).effect(2 * np.arange(60), 2 * np.arange(60) + 1)
        held.append(abs(effect - shift) <= reach)
    assert 0.9 < np.mean(held) < 0.99


@pytest.mark.parametrize("how", ["平均", "中位数", "截尾平均"])
@pytest.mark.parametrize("joining", ["替代", "合并", "加权"])
def test_the_error_of_a_score_is_that_of_simulated_panels(how, joining):
    rules, rng = {"汇总方法": how, "两阶段合成": joining, "会评权重": 0.6, "截尾个数": 1}, np.random.default_rng(2)
    for first, second in ((5, 6), (3, 4), (2, 0)):
        drawn = [scores.combined(list(rng.normal(0, 1, first)), list(rng.normal(0, 1, second)), rules) for _ in range(4000)]
        assert np.std(drawn) == pytest.approx(scores.error(first, second, rules), rel=0.06)


def test_the_chance_of_a_grade_counts_both_errors():
    """Two panels of four experts each, the same alliance: how often they agree, where the first says 49 of a cut-off at 50."""
    rng, spread, n = np.random.default_rng(4), 4.0, 4
    sd = spread / math.sqrt(n)
    truths = rng.uniform(30, 70, 2_000_000)
    first, second = (truths + rng.normal(0, sd, len(truths)) for _ in range(2))
    here = np.abs(first - 49) < 0.05
    expected = 1 - 0.5 * math.erfc((49.5 - 49) / sd / 2)
    assert np.mean(second[here] < 49.5) == pytest.approx(expected, abs=0.01)


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
    assert work.model.parts == 2 and np.isnan(work.stage_effect()[0])  # C marks 会评 alone


def test_nothing_is_certain_where_the_spread_is_not_known(data, tmp_path):
    """One expert and one stage: the report says what cannot be told, and holds together."""
    changes = {"评分": lambda r: [row for row in r if row[0] in ("专家", "A")], "专家": lambda r: r[:2], "分组": ONE_STAGE["分组"],
               "专家分组": ONE_STAGE["专家分组"][:2]}
    work, say = scores.Scores(read(data, **changes)), words.read("panel")
    alliances, table = work.alliances, frames.experts(work)
    assert work.model.freedom == 0 and alliances.把握.isna().all() and table.宽严.isna().all() and figures.severities(table) is None
    said = say(verdicts.severity(work, table), verdicts.firmness(alliances), verdicts.stages(work, alliances.iloc[:0], 0))
    assert all(word in said for word in ("只有一位专家给了分", "算不出区间", "无从扣除", "无从计算", "只有一个阶段"))
    assert main(["panel", "2017", "--data", str(data), "--out", str(tmp_path), "--force"]) == 0


def test_numbers_are_rounded_half_up_and_signed():
    assert [frames.number(*one) for one in ((2.345, 2), (-0.125, 2), (1.005, "+2"), (-7.5, "+0"), (0.0, "+1"), (0.8955, "%1"), (math.nan, 2))] \
        == ["2.35", "−0.13", "+1.01", "−8", "0.0", "89.6%", "—"]


def test_a_name_is_shown_only_where_it_is_asked_for(data):
    assert frames.progress(read(data, 评分=only_first)).专家.tolist() == ["A", "B", "C"]
    assert frames.progress(read(data, 规则=rule("内部报告写明专家姓名", "是"))).专家.tolist() == ["A 甲", "B 乙", "C 丙"]
