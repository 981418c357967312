"""A checked panel -> stage scores, the list for the re-review, settled scores. Exact until the one rounding at the end.

Marks are whole hundredths of a point, so their sums are whole numbers; a centre (mean, median, trimmed mean) is a pair of
whole numbers, above and below the line; the combined score of an alliance is a fraction, rounded half up once.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.breakdown import half_up
from analysis.grades import TOP_SCORE
from analysis.panel.workbook import (
    FIRST,
    MEDIAN,
    POOL,
    REPLACE,
    REVIEWS,
    SECOND,
    STAGES,
    TRIMMED,
    UNITS,
    YES,
    Entry,
    Panel,
    Review,
)
from analysis.problems import DataError, Problem


@dataclass(frozen=True)
class Settled:
    """One alliance's way to its score: stage scores and `combined` are exact; `reasons` put it on the list for the re-review."""

    entry: Entry
    stages: tuple[Fraction | None, ...]
    combined: Fraction
    panel_score: Decimal
    reasons: tuple[str, ...]
    review: Review | None
    score: Decimal
    grade: str
    withheld: bool

    @property
    def open(self) -> bool:
        """On the list, and nothing was decided yet."""
        return bool(self.reasons) and self.review is None


def totals_of(marks: pd.DataFrame) -> pd.DataFrame:
    """What each expert gave each alliance at each stage in all: alliance, expert, stage, units, and the first row of it.

    Sorted by stage, alliance and units, as `centres` wants them.
    """
    columns = [marks[name].to_numpy() for name in ("stage", "alliance", "expert")]
    widths = [int(column.max()) + 1 if len(column) else 1 for column in columns]
    key = (columns[0].astype(np.int64) * widths[1] + columns[1]) * widths[2] + columns[2]
    size = int(np.prod(widths))
    units = np.bincount(key, weights=marks["units"], minlength=size)  # whole numbers far under 2**53: exact
    there = np.flatnonzero(np.bincount(key, minlength=size))
    first = np.full(size, np.iinfo(np.int32).max, dtype=np.int32)
    if "row" in marks:
        np.minimum.at(first, key, marks["row"].to_numpy())
    frame = pd.DataFrame({"alliance": there // widths[2] % widths[1], "expert": there % widths[2],
                          "stage": there // widths[2] // widths[1], "units": units[there].astype(np.int64), "row": first[there]})
    return frame.sort_values(["stage", "alliance", "units"], kind="stable", ignore_index=True)


def centres(units: np.ndarray, of: np.ndarray, size: int, how: str, trim: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """For each of `size` groups the mean, median or trimmed mean of its units, as numerator and denominator (0: no units).

    `of` is the group of each; both sorted by group and then by units. A trimmed mean leaves out the `trim` highest and
    lowest, fewer where none would be left.

    >>> centres(np.array([10, 20, 60]), np.array([0, 0, 0]), 1, "中位数")
    (array([40]), array([2]))
    """
    number = np.bincount(of, minlength=size)
    ends = np.cumsum(number)
    starts = ends - number
    if how == MEDIAN:
        inside = np.clip([starts + (number - 1) // 2, starts + number // 2], 0, max(len(units) - 1, 0))
        return (units[inside[0]] + units[inside[1]]) * (number > 0), 2 * (number > 0)
    cut = np.minimum(trim, np.maximum(number - 1, 0) // 2) if how == TRIMMED else 0
    running = np.concatenate([[0], np.cumsum(units)])
    return running[ends - cut] - running[starts + cut], number - 2 * cut


def combined(totals: pd.DataFrame, size: int, rules: dict, exact: bool = False) -> tuple[list[np.ndarray], np.ndarray]:
    """The score of each stage and the score that the rule makes of them, in points, for `size` alliances.

    `totals` is sorted as `totals_of` leaves it. NaN (None where `exact`, which gives fractions) for an alliance without marks.
    """
    how, trim, rule = rules["汇总方法"], rules["截尾个数"], rules["两阶段合成"]
    if rule == POOL:
        pool = totals.sort_values(["alliance", "units"], kind="stable")
        pooled = _points(*centres(pool["units"].to_numpy(), pool["alliance"].to_numpy(), size, how, trim), exact)
    stages = []
    for stage in range(len(STAGES)):
        here = totals[totals["stage"].to_numpy() == stage]
        stages.append(_points(*centres(here["units"].to_numpy(), here["alliance"].to_numpy(), size, how, trim), exact))
    if rule == POOL:
        return stages, pooled
    first, second = stages
    weight = Fraction(1) if rule == REPLACE else rules["会评权重"]
    if not exact:
        joined = float(weight) * second + (1 - float(weight)) * first
        return stages, np.where(np.isnan(second), first, np.where(np.isnan(first), second, joined))
    joined = [a if b is None else b if a is None else weight * b + (1 - weight) * a for a, b in zip(first, second)]
    return stages, np.array(joined, dtype=object)


def _points(numerator: np.ndarray, denominator: np.ndarray, exact: bool) -> np.ndarray:
    if exact:
        return np.array([Fraction(int(n), int(d) * UNITS) if d else None for n, d in zip(numerator, denominator)], dtype=object)
    with np.errstate(invalid="ignore", divide="ignore"):
        return numerator / np.where(denominator == 0, np.nan, denominator) / UNITS


def rounded(points: np.ndarray, places: int) -> np.ndarray:
    """Points rounded half up, for the what-if questions; a settled score is rounded from its fraction."""
    return np.floor(np.asarray(points, dtype=float) * 10 ** places + 0.5 + 1e-9) / 10 ** places


class Scores:
    """The scores of one panel, stage by stage. `settled` follows the order of `panel.evaluated`."""

    def __init__(self, panel: Panel):
        self.panel, self.rules = panel, panel.rules
        self.size = len(panel.evaluated)
        self.totals = totals_of(panel.marks)

    @cached_property
    def model(self):
        """The two-way model of all totals; see `experts.two_way`."""
        from analysis.panel import experts

        return experts.two_way(self.totals["alliance"].to_numpy(), self.totals["expert"].to_numpy(),
                               self.totals["units"].to_numpy() / UNITS, self.size, len(self.panel.experts))

    @cached_property
    def settled(self) -> list[Settled]:
        """Every evaluated alliance with its score."""
        stages, joined = combined(self.totals, self.size, self.rules, exact=True)
        places, scheme = self.rules["评分小数位"], self.panel.scheme
        reasons = self._reasons(stages)
        settled = []
        for place, entry in enumerate(self.panel.evaluated):
            of_panel = half_up(joined[place], places)
            review = self.panel.reviews.get(entry.id)
            score = review.score if review else of_panel
            grade = scheme.grade(float(score))
            settled.append(Settled(entry, tuple(stage[place] for stage in stages), joined[place], of_panel, tuple(reasons[place]),
                                   review, score, grade, grade == self.rules["不公布评分的等级"]))
        return settled

    def _reasons(self, stages: list[np.ndarray]) -> list[list[str]]:
        """Why each alliance is on the list for the re-review; empty where it is not."""
        rules, scheme = self.rules, self.panel.scheme
        reasons: list[list[str]] = [[] for _ in range(self.size)]
        most, places = rules["重点差异：极差超过"], rules["评分小数位"]
        units, of = self.totals["units"].to_numpy(), self.totals["alliance"].to_numpy()
        if most is not None:
            low, high = np.full(self.size, np.inf), np.full(self.size, -np.inf)
            np.minimum.at(low, of, units)
            np.maximum.at(high, of, units)
            for place in np.flatnonzero(high - low > most * UNITS):
                reasons[place].append(f"专家总分极差{(high[place] - low[place]) / UNITS:g}分")
        if rules["重点差异：组间等级不同"] == YES:
            for place, (first, second) in enumerate(zip(*stages)):
                if first is None or second is None or abs(first - second) < Fraction(str(rules["重点差异：组间相差至少"])):
                    continue
                grades = [scheme.grade(float(half_up(score, places))) for score in (first, second)]
                if grades[0] != grades[1]:
                    reasons[place].append(f"{FIRST}为{scheme.labels[grades[0]]}，{SECOND}为{scheme.labels[grades[1]]}，"
                                          f"相差{half_up(abs(first - second), 2)}分")
        most = rules["重点差异：残差超过标准差"]
        if most is not None:
            beyond = np.abs(np.nan_to_num(self.model.standardised))
            for place in np.unique(of[beyond > most]):
                reasons[place].append(f"最大残差为{beyond[of == place].max():.1f}倍标准差")
        return reasons

    @property
    def listed(self) -> list[Settled]:
        """The list for the re-review."""
        return [one for one in self.settled if one.reasons]

    def complete(self) -> None:
        """Raises DataError where an alliance on the list has no decision: then there is no score sheet."""
        problems = [
            Problem(
                "re-review missing",
                (self.panel.path.name, REVIEWS),
                f"{one.entry.name} ({one.entry.code}) is on the list ({'；'.join(one.reasons)}) and has no decided score; "
                f"add a row with 复核评分 and 理由",
                (3, number),
            )
            for number, one in enumerate(self.settled)
            if one.open
        ]
        if problems:
            raise DataError(problems)

    @cached_property
    def adjusted(self) -> list[tuple[Settled, Fraction | float, Decimal, str]]:
        """Each alliance with the score that the same rule makes once each expert's severity is taken off; decisions stay.

        Nothing is replaced by it. Severity is told only within connected parts, see `experts.two_way`.
        """
        totals = self.totals.assign(units=self.totals["units"] - UNITS * self.model.severity[self.totals["expert"].to_numpy()])
        totals = totals.sort_values(["stage", "alliance", "units"], kind="stable", ignore_index=True)
        _, joined = combined(totals, self.size, self.rules)
        shown = rounded(np.clip(joined, 0, TOP_SCORE), self.rules["评分小数位"])
        return [(one, value, Decimal(f"{score:.{self.rules['评分小数位']}f}"), self.panel.scheme.grade(float(score)))
                for one, value, score in zip(self.settled, joined, shown)]

    def without_expert(self) -> list[tuple[int, int, float]]:
        """For each expert left out: the place in the list, how many change grade, the largest change of a score."""
        base = combined(self.totals, self.size, self.rules)[1]
        expert = self.totals["expert"].to_numpy()
        return [(place, *self._changes(base, combined(self.totals[expert != place], self.size, self.rules)[1]))
                for place in np.unique(expert)]

    def without_indicator(self) -> list[tuple[int, int, float]]:
        """The same for each indicator left out, the rest brought back to 100 points."""
        base, marks = combined(self.totals, self.size, self.rules)[1], self.panel.marks
        found = []
        for place, indicator in enumerate(self.panel.indicators):
            if indicator.points == TOP_SCORE:
                continue
            left = totals_of(marks[marks["indicator"].to_numpy() != place])
            values = combined(left, self.size, self.rules)[1] * TOP_SCORE / float(TOP_SCORE - indicator.points)
            found.append((place, *self._changes(base, values)))
        return found

    def _changes(self, base: np.ndarray, values: np.ndarray) -> tuple[int, float]:
        """How many alliances change grade, and the largest change; a decided score does not change."""
        free = np.array([one.review is None for one in self.settled]) & ~np.isnan(values)
        places = self.rules["评分小数位"]
        before, after = (self._grades(rounded(v[free], places)) for v in (base, values))
        change = np.abs(values[free] - base[free])
        return int((before != after).sum()), float(change.max()) if change.size else 0.0

    def _grades(self, points: np.ndarray) -> np.ndarray:
        """0 for the best grade, 3 for the lowest."""
        floors = np.array(sorted(self.panel.scheme.floors.values()))
        return len(floors) - np.searchsorted(floors, np.clip(points, 0, TOP_SCORE), side="right")

    @cached_property
    def confidence(self) -> np.ndarray:
        """For each alliance the share of simulated panels that give it its panel grade; the rows are alliances, columns grades.

        Each simulated expert's total is drawn around the stage score with the pooled spread of an expert (severity and
        residual together), the same rule makes a score of it. The seed is a rule of the workbook.
        """
        rng = np.random.default_rng(self.rules["随机种子"])
        draws, parts = self.rules["模拟次数"], self.model.components()
        spread = float(np.sqrt(parts["expert"] + parts["residual"]))
        stages, _ = combined(self.totals, self.size, self.rules)
        how, rule, trim = self.rules["汇总方法"], self.rules["两阶段合成"], self.rules["截尾个数"]
        stage, of = self.totals["stage"].to_numpy(), self.totals["alliance"].to_numpy()
        number = [np.bincount(of[stage == s], minlength=self.size) for s in range(len(STAGES))]
        chances = np.zeros((self.size, 4))
        weight = float(1 if rule == REPLACE else self.rules["会评权重"] or 0)
        for place in range(self.size):
            drawn = [np.clip(rng.normal(stages[s][place], spread, (draws, number[s][place])), 0, TOP_SCORE)
                     for s in range(len(STAGES)) if number[s][place]]
            if rule == POOL or len(drawn) == 1:
                values = _middle(np.concatenate(drawn, axis=1), how, trim)
            else:
                values = weight * _middle(drawn[1], how, trim) + (1 - weight) * _middle(drawn[0], how, trim)
            chances[place] = np.bincount(self._grades(rounded(values, self.rules["评分小数位"])), minlength=4) / draws
        return chances


def _middle(values: np.ndarray, how: str, trim: int) -> np.ndarray:
    """The centre of each row of simulated totals."""
    if how == MEDIAN:
        return np.median(values, axis=1)
    if how == TRIMMED:
        cut = min(trim, (values.shape[1] - 1) // 2)
        values = np.sort(values, axis=1)[:, cut:values.shape[1] - cut]
    return values.mean(axis=1)
