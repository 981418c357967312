"""A checked panel -> stage scores, the list for the re-review, settled scores, and how firm they are.

Exact until the one rounding at the end: marks are whole hundredths of a point, a centre and a combined score are fractions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from functools import cached_property

import numpy as np
import pandas as pd

from analysis import registry
from analysis.grades import GRADES, TOP_SCORE
from analysis.panel.experts import TwoWay
from analysis.panel.marks import KEEP
from analysis.panel.rules import MEDIAN, POOL, REPLACE, TRIMMED, YES
from analysis.panel.workbook import FIRST, REVIEWS, SECOND, STAGES, UNITS, Panel
from analysis.problems import DataError, Problem
from analysis.shares import half_up

SURE = 0.9


def centre(totals: Iterable, rules: dict):
    """The mean, median or trimmed mean of some totals; a trimmed mean leaves out fewer where none would be left.

    >>> centre(map(Fraction, (10, 20, 60)), {"汇总方法": "中位数"})
    Fraction(20, 1)
    """
    totals = sorted(totals)
    cut = _cut(len(totals), rules)
    kept = totals[cut:len(totals) - cut]
    return sum(kept) / len(kept)


def _cut(number: int, rules: dict) -> int:
    """How many totals go at each end."""
    most = (number - 1) // 2
    return most if rules["汇总方法"] == MEDIAN else min(rules["截尾个数"], most) if rules["汇总方法"] == TRIMMED else 0


def combined(first: list, second: list, rules: dict):
    """The score that the rule makes of the totals of the two stages, either of which may be empty."""
    if rules["两阶段合成"] == POOL or not first or not second:
        return centre([*first, *second], rules)
    weight = 1 if rules["两阶段合成"] == REPLACE else rules["会评权重"]
    return weight * centre(second, rules) + (1 - weight) * centre(first, rules)


def error(first: int, second: int, rules: dict) -> float:
    """The standard error of that score in units of an expert's spread, by the number of totals of each stage.

    A median of n normal totals has the variance of a mean times about π/2, exactly so for large n (for n from 1 to 9 within
    3 %); a trimmed mean lies between the two by the square of what is trimmed.
    """
    def variance(number: int) -> float:
        most = (number - 1) // 2
        middle = math.pi / 2 / (number + (math.pi / 2 - 1 if number % 2 else 1.2)) if most else 1 / number
        return 1 / number + (middle - 1 / number) * (_cut(number, rules) / most if most else 0) ** 2

    if rules["两阶段合成"] == POOL or not first or not second:
        return math.sqrt(variance(first + second))
    weight = 1 if rules["两阶段合成"] == REPLACE else float(rules["会评权重"])
    return math.sqrt(weight ** 2 * variance(second) + (1 - weight) ** 2 * variance(first))


class Scores:
    """The scores of one panel. `totals` has a row for each expert's whole marks of an alliance at a stage, with its `units`."""

    def __init__(self, panel: Panel):
        self.panel, self.rules = panel, panel.rules
        self.totals = panel.marks.groupby(["alliance", "stage", "expert"], as_index=False)["units"].sum()
        self.given = {a: {} for a in range(len(panel.evaluated))}
        for (a, stage), units in self.totals.groupby(["alliance", "stage"])["units"]:
            self.given[a][stage] = [Fraction(int(one), UNITS) for one in units]

    def _model(self, totals: pd.DataFrame) -> TwoWay:
        cell = (totals["alliance"] * len(STAGES) + totals["stage"]).to_numpy(int)
        return TwoWay(cell, totals["expert"].to_numpy(int), totals["units"].to_numpy() / UNITS, len(self.given) * len(STAGES),
                      len(self.panel.experts))

    @cached_property
    def model(self) -> TwoWay:
        """The model of the totals that stand: those that the re-review threw out are left out."""
        thrown = [a for a, entry in enumerate(self.panel.evaluated) if (r := self.panel.reviews.get(entry.id)) and r.score is not None]
        return self._model(self.totals[~self.totals["alliance"].isin(thrown)])

    @cached_property
    def alliances(self) -> pd.DataFrame:
        """A row for each alliance that has marks, from its stage scores to its score; scores before rounding have four places.

        重点差异 is why it is on the list for the re-review, 待定 that it is and nothing was decided; 出界 that a decision lies
        outside the totals of its own experts; 标准误 and 把握 are missing where a decision replaced the marks, or nothing is known.
        """
        places, scheme = self.rules["评分小数位"], self.panel.scheme
        reasons, rows, short = self._reasons(), [], {batch.key: batch.short for batch in self.panel.batches}
        for a, entry in enumerate(self.panel.evaluated):
            if not self.given[a]:
                continue
            stages = [centre(self.given[a][s], self.rules) if s in self.given[a] else None for s in range(len(STAGES))]
            exact, totals = combined(*self._both(a), self.rules), [t for given in self.given[a].values() for t in given]
            review, panel_score = self.panel.reviews.get(entry.id), half_up(exact, places)
            score = review.score if review and review.score is not None else panel_score
            grades = [scheme.grade(float(half_up(stage, places))) if stage is not None else None for stage in stages]
            rows.append({
                "id": entry.id, "联盟名称": entry.name, "联盟": registry.short(entry.name), "代码": entry.code, "批次": short[entry.batch],
                **{stage: float(half_up(value, 4)) if value is not None else math.nan for stage, value in zip(STAGES, stages)},
                **{f"{stage}等级": grade for stage, grade in zip(STAGES, grades)}, "合成": float(half_up(exact, 4)),
                "合成评分": float(panel_score), "重点差异": "；".join(reasons[a]),
                "复核": "" if review is None else KEEP if review.score is None else str(review.score),
                "理由": review.reason if review else "", "待定": bool(reasons[a]) and review is None,
                "出界": bool(review) and not min(totals) <= Fraction(score) <= max(totals),
                "评分": float(score), "等级": (grade := scheme.grade(float(score))), "公布": grade != self.rules["不公布评分的等级"],
                **self._firmness(a, float(exact), grade, bool(review and review.score is not None))})
        frame = pd.DataFrame(rows)
        ordered = {"批次": [*short.values()], **dict.fromkeys(("初评等级", "会评等级", "等级"), GRADES)}
        return frame.assign(**{name: pd.Categorical(frame[name], order, ordered=True) for name, order in ordered.items()})

    def _both(self, a: int) -> list[list]:
        return [self.given[a].get(stage, []) for stage in range(len(STAGES))]

    def _firmness(self, a: int, exact: float, grade: str, decided: bool) -> dict[str, float]:
        """The standard error of a score, and the chance that another panel of such experts gives it the same grade.

        Both panels err, so that their scores differ by √2 standard errors.
        """
        scheme, half = self.panel.scheme, 0.5 / 10 ** self.rules["评分小数位"]
        near = min(abs(exact - floor) for floor in scheme.floors.values() if floor)
        spread = math.sqrt(self.model.between + self.model.variance)
        if decided or not spread > 0:
            return {"标准误": math.nan, "把握": math.nan, "离分档线": near}
        sd = spread * error(*map(len, self._both(a)), self.rules)
        low = -math.inf if grade == GRADES[0] else scheme.floors[grade] - half
        high = math.inf if grade == GRADES[-1] else scheme.ceiling(grade) - half
        under = [0.5 * math.erfc((exact - edge) / sd / 2) for edge in (low, high)]  # 2 is √2 of erfc times √2 of the two panels
        return {"标准误": sd, "把握": under[1] - under[0], "离分档线": near}

    def _reasons(self) -> dict[int, list[str]]:
        """Why each alliance is on the list for the re-review; empty where it is not."""
        rules, scheme, found = self.rules, self.panel.scheme, {a: [] for a in self.given}
        widest, worst = rules["重点差异：极差超过"], rules["重点差异：残差超过标准差"]
        for a, given in self.given.items():
            totals = [total for stage in given.values() for total in stage]
            if widest is not None and totals and max(totals) - min(totals) > Fraction(str(widest)):
                found[a].append(f"专家总分极差{float(max(totals) - min(totals)):g}分")
            if rules["重点差异：组间等级不同"] != YES or len(given) < len(STAGES):
                continue
            first, second = (centre(given[stage], rules) for stage in range(len(STAGES)))
            grades = [scheme.labels[scheme.grade(float(half_up(score, rules["评分小数位"])))] for score in (first, second)]
            if grades[0] != grades[1] and abs(first - second) >= Fraction(str(rules["重点差异：组间相差至少"])):
                found[a].append(f"{FIRST}为{grades[0]}，{SECOND}为{grades[1]}，相差{half_up(abs(first - second), 2)}分")
        if worst is not None and len(self.totals):
            beyond = np.abs(np.nan_to_num(self._model(self.totals).standardised))
            for a, most in pd.Series(beyond).groupby(self.totals["alliance"].to_numpy()).max().items():
                found[a] += [f"最大残差为{most:.1f}倍标准差"] * (most > worst)
        return found

    def complete(self) -> None:
        """Raises DataError where marks are to come, or an alliance on the list has no decision: then there is no score sheet."""
        if self.panel.interim:
            raise DataError([Problem("marks missing", (self.panel.path.name,), f"{len(self.panel.missing)} of {len(self.panel.assigned)} "
                                     f"marks of an alliance by an expert, or all of {SECOND}, are still to come; no score sheet before")])
        waiting = self.alliances[self.alliances["待定"]]
        if len(waiting):
            raise DataError([Problem("re-review missing", (self.panel.path.name, REVIEWS), f"{one.联盟名称} ({one.代码}) is on the list "
                                     f"({one.重点差异}) and has no decision; add a row with 复核评分 (or {KEEP}) and 理由", (3, place))
                             for place, one in enumerate(waiting.itertuples())])

    @cached_property
    def adjusted(self) -> pd.DataFrame:
        """Each alliance whose marks stand, with the score that the same rule makes once the severities are taken off.

        Nothing is replaced by it. Severity is told only within connected parts.
        """
        severity, rows, places = self.model.severity, [], self.rules["评分小数位"]
        points = self.totals.assign(points=self.totals["units"] / UNITS - severity[self.totals["expert"].to_numpy(int)])
        given = {key: list(part) for key, part in points.groupby(["alliance", "stage"])["points"]}
        stands = self.alliances[~self.alliances["复核"].str.fullmatch(r"[\d.]+")].set_index("id")
        for a, entry in enumerate(self.panel.evaluated):
            if entry.id in stands.index:
                exact = combined(*(given.get((a, stage), []) for stage in range(len(STAGES))), self.rules)
                score = float(half_up(Fraction(min(max(exact, 0), TOP_SCORE)).limit_denominator(10 ** 9), places))
                one = stands.loc[entry.id]
                rows.append((one["联盟"], entry.code, one["评分"], score, score - one["评分"], one["等级"], self.panel.scheme.grade(score)))
        frame = pd.DataFrame(rows, columns=["联盟", "代码", "评分", "扣除宽严后", "相差", "等级", "扣除宽严后的等级"])
        return frame.assign(**{name: pd.Categorical(frame[name], GRADES, ordered=True) for name in ("等级", "扣除宽严后的等级")})

    def stage_effect(self) -> tuple[float, float]:
        """By how much 会评 lies over 初评 for the same alliances, severities taken off, with half its 95 % interval; NaN: not told."""
        seen = self.model.number.sum(1) > 0
        both = np.flatnonzero(seen[::2] & seen[1::2]) * 2
        return self.model.effect(both, both + 1)
