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

from analysis.grades import GRADES, TOP_SCORE
from analysis.panel.rules import MEDIAN, POOL, REPLACE, TRIMMED, YES
from analysis.panel.workbook import FIRST, REVIEWS, SECOND, STAGES, UNITS, Entry, Panel, Review
from analysis.problems import DataError, Problem
from analysis.shares import half_up


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


@dataclass(frozen=True)
class Without:
    """What is different without one expert or indicator: grades that change, the largest change, who is left without a score."""

    what: str
    grades: int
    most: float
    lost: list[str]


def totals_of(marks: pd.DataFrame) -> pd.DataFrame:
    """What each expert gave each alliance at each stage in all: alliance, expert, stage, units.

    Sorted by stage, alliance and units, as `centres` wants them.
    """
    columns = [marks[name].to_numpy() for name in ("stage", "alliance", "expert")]
    widths = [int(column.max()) + 1 if len(column) else 1 for column in columns]
    key = (columns[0].astype(np.int64) * widths[1] + columns[1]) * widths[2] + columns[2]
    size = int(np.prod(widths))
    units = np.bincount(key, weights=marks["units"], minlength=size)  # whole numbers far under 2**53: exact
    there = np.flatnonzero(np.bincount(key, minlength=size))
    frame = pd.DataFrame({"alliance": there // widths[2] % widths[1], "expert": there % widths[2],
                          "stage": there // widths[2] // widths[1], "units": units[there].astype(np.int64)})
    return frame.sort_values(["stage", "alliance", "units"], kind="stable", ignore_index=True)


def centres(units: np.ndarray, of: np.ndarray, size: int, how: str, trim: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """For each of `size` groups the mean, median or trimmed mean of its units, as numerator and denominator (0: no units).

    `of` is the group of each; both sorted by group and then by units. A trimmed mean leaves out the `trim` highest and
    lowest, fewer where none would be left.

    >>> centres(np.array([10, 20, 60]), np.array([0, 0, 0]), 1, "中位数")
    (array([40]), array([2]))
    """
    number = np.bincount(of, minlength=size)
    if not len(units):
        return number, number
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

    `totals` is sorted as `totals_of` leaves it. Fractions where `exact`; NaN for an alliance without marks.
    """
    def middles(part: pd.DataFrame) -> np.ndarray:
        found = centres(part["units"].to_numpy(), part["alliance"].to_numpy(), size, rules["汇总方法"], rules["截尾个数"])
        if exact:
            return np.array([Fraction(int(n), int(d) * UNITS) if d else np.nan for n, d in zip(*found)], dtype=object)
        return found[0] / np.where(found[1] == 0, np.nan, found[1]) / UNITS

    stages = [middles(totals[totals["stage"].to_numpy() == stage]) for stage in range(len(STAGES))]
    if rules["两阶段合成"] == POOL:
        return stages, middles(totals.sort_values(["alliance", "units"], kind="stable"))
    first, second = stages
    weight = Fraction(1) if rules["两阶段合成"] == REPLACE else rules["会评权重"] or Fraction(0)
    weight = weight if exact else float(weight)
    both = weight * second + (1 - weight) * first
    return stages, np.where(second != second, first, np.where(first != first, second, both))  # NaN is not itself


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
        """The two-way model of all totals; see `experts.TwoWay`."""
        from analysis.panel import experts

        return experts.TwoWay(self.totals["alliance"].to_numpy(), self.totals["expert"].to_numpy(),
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
            marked = tuple(None if stage[place] != stage[place] else stage[place] for stage in stages)
            settled.append(Settled(entry, marked, joined[place], of_panel, tuple(reasons[place]), review, score, grade,
                                   grade == self.rules["不公布评分的等级"]))
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
            for place in np.flatnonzero(high - low > round(most * UNITS)):
                reasons[place].append(f"专家总分极差{(high[place] - low[place]) / UNITS:g}分")
        if rules["重点差异：组间等级不同"] == YES:
            for place, (first, second) in enumerate(zip(*stages)):
                if first != first or second != second or abs(first - second) < Fraction(str(rules["重点差异：组间相差至少"])):
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
        problems = [Problem("re-review missing", (self.panel.path.name, REVIEWS),
                            f"{one.entry.name} ({one.entry.code}) is on the list ({'；'.join(one.reasons)}) and has no decided "
                            "score; add a row with 复核评分 and 理由", (3, number))
                    for number, one in enumerate(self.settled) if one.open]
        if problems:
            raise DataError(problems)

    @cached_property
    def adjusted(self) -> list[tuple[Settled, Fraction | float, Decimal, str]]:
        """Each alliance with the score that the same rule makes once each expert's severity is taken off; decisions stay.

        Nothing is replaced by it. Severity is told only within connected parts, see `experts.TwoWay`.
        """
        totals = self.totals.assign(units=self.totals["units"] - UNITS * self.model.severity[self.totals["expert"].to_numpy()])
        totals = totals.sort_values(["stage", "alliance", "units"], kind="stable", ignore_index=True)
        _, joined = combined(totals, self.size, self.rules)
        shown = rounded(np.clip(joined, 0, TOP_SCORE), self.rules["评分小数位"])
        return [(one, value, Decimal(f"{score:.{self.rules['评分小数位']}f}"), self.panel.scheme.grade(float(score)))
                for one, value, score in zip(self.settled, joined, shown)]

    def without_expert(self) -> list[Without]:
        """What leaving out each expert would change."""
        expert = self.totals["expert"].to_numpy()
        return [self._without(self.panel.experts[place].key, combined(self.totals[expert != place], self.size, self.rules)[1])
                for place in np.unique(expert)]

    def without_indicator(self) -> list[Without]:
        """The same for each indicator, the rest brought back to 100 points."""
        marks, found = self.panel.marks, []
        for place, indicator in enumerate(self.panel.indicators):
            if indicator.points < TOP_SCORE:
                left = combined(totals_of(marks[marks["indicator"].to_numpy() != place]), self.size, self.rules)[1]
                found.append(self._without(indicator.name, left * TOP_SCORE / float(TOP_SCORE - indicator.points)))
        return found

    @cached_property
    def _base(self) -> np.ndarray:
        return combined(self.totals, self.size, self.rules)[1]

    def _without(self, what: str, values: np.ndarray) -> Without:
        """`values` held against the scores as they are; a decided score does not change."""
        free, lost = np.array([one.review is None for one in self.settled]), np.isnan(values)
        kept = free & ~lost
        before, after = (self._grades(rounded(v[kept], self.rules["评分小数位"])) for v in (self._base, values))
        change = np.abs(values[kept] - self._base[kept])
        return Without(what, int((before != after).sum()), float(change.max(initial=0)),
                       [self.panel.evaluated[place].name for place in np.flatnonzero(free & lost)])

    def _grades(self, points: np.ndarray) -> np.ndarray:
        """The place in GRADES of each score. Raises ValueError for a score that is not known."""
        if np.isnan(points).any():
            raise ValueError("a score that is not known has no grade")
        floors = [self.panel.scheme.floors[grade] for grade in GRADES]
        return np.searchsorted(floors, np.clip(points, 0, TOP_SCORE), side="right") - 1

    @cached_property
    def confidence(self) -> np.ndarray:
        """For each alliance the share of simulated panels that give it its panel grade; the rows are alliances, the columns GRADES.

        Each simulated expert's total is drawn around the stage score with the pooled spread of an expert (severity and
        residual together), the same rule makes a score of it. The seed is a rule of the workbook. NaN where that spread
        cannot be told.
        """
        rng, draws = np.random.default_rng(self.rules["随机种子"]), self.rules["模拟次数"]
        parts = self.model.components()
        spread = float(np.sqrt(parts["expert"] + parts["residual"]))
        stages, _ = combined(self.totals, self.size, self.rules)
        stage, of = self.totals["stage"].to_numpy(), self.totals["alliance"].to_numpy()
        number = [np.bincount(of[stage == s], minlength=self.size) for s in range(len(STAGES))]
        chances = np.full((self.size, len(GRADES)), np.nan)
        for place in range(self.size if np.isfinite(spread) else 0):
            drawn = [np.sort(rng.normal(stages[s][place], spread, (draws, number[s][place])), axis=1) for s in range(len(STAGES))]
            panels = pd.DataFrame({  # each simulated panel stands for an alliance
                "stage": np.repeat(range(len(STAGES)), [part.size for part in drawn]),
                "alliance": np.concatenate([np.repeat(np.arange(draws), part.shape[1]) for part in drawn]),
                "units": np.clip(np.concatenate([part.ravel() for part in drawn]), 0, TOP_SCORE) * UNITS})
            values = rounded(combined(panels, draws, self.rules)[1], self.rules["评分小数位"])
            chances[place] = np.bincount(self._grades(values), minlength=len(GRADES)) / draws
        return chances
