"""A checked panel -> stage scores, the list for the re-review, settled scores, and how firm they are.

Exact until the one rounding at the end: marks are whole hundredths of a point, a centre and a combined score are fractions.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cached_property

import numpy as np
import pandas as pd

from analysis import registry
from analysis.grades import GRADES, TOP_SCORE
from analysis.messages import Said
from analysis.panel.experts import TwoWay
from analysis.panel.marks import KEEP
from analysis.panel.rules import MEDIAN, POOL, REPLACE, REVIEWS, TRIMMED
from analysis.panel.workbook import FIRST, SECOND, STAGES, UNITS, Panel
from analysis.problems import DataError, Problem
from analysis.shares import half_up

SURE = 0.9


def centre(totals: list, rules: dict):
    """The mean, median or trimmed mean of some totals; a trimmed mean leaves out fewer where none would be left.

    >>> centre([Fraction(10), Fraction(20), Fraction(60)], {"汇总方法": "中位数"})
    Fraction(20, 1)
    """
    cut = _cut(len(totals), rules)
    kept = sorted(totals)[cut:len(totals) - cut]
    return sum(kept) / len(kept)


def _cut(number: int, rules: dict) -> int:
    """How many totals go at each end."""
    most = (number - 1) // 2
    return most if rules["汇总方法"] == MEDIAN else min(rules["截尾个数"], most) if rules["汇总方法"] == TRIMMED else 0


def _parts(first: list, second: list, rules: dict) -> list[tuple[object, list]]:
    """What the rule centres together, with its weight; either stage may be empty."""
    if rules["两阶段合成"] == POOL or not first or not second:
        return [(1, [*first, *second])]
    return [(1, second)] if rules["两阶段合成"] == REPLACE else [(rules["会评权重"], second), (1 - rules["会评权重"], first)]


def combined(first: list, second: list, rules: dict):
    """The score that the rule makes of the totals of the two stages."""
    return sum(weight * centre(totals, rules) for weight, totals in _parts(first, second, rules))


def error(first: list, second: list, rules: dict) -> float:
    """The standard error of that score in units of an expert's spread.

    A median of n normal totals has the variance of a mean times about π/2, exactly so for large n (for n from 1 to 9 within
    3 %); a trimmed mean lies between the two by the square of what is trimmed.
    """
    variance = 0.0
    for weight, totals in _parts(first, second, rules):
        number, most = len(totals), (len(totals) - 1) // 2
        middle = math.pi / 2 / (number + (math.pi / 2 - 1 if number % 2 else 1.2))
        trimmed = (_cut(number, rules) / most) ** 2 if most else 0
        variance += float(weight) ** 2 * ((1 - trimmed) / number + trimmed * middle)
    return math.sqrt(variance)


class Scores:
    """The scores of one panel. `totals` has a row for each expert's whole marks of an alliance at a stage, `points` with them."""

    def __init__(self, panel: Panel):
        self.panel, self.rules = panel, panel.rules
        totals = panel.totals.dropna(subset="units")
        self.totals = totals.assign(points=totals["units"].astype(float) / UNITS, cell=totals["alliance"] + " " + totals["stage"])
        self.given = {id: ([], []) for id in panel.evaluated if id in {*totals["alliance"]}}
        for one in totals.itertuples():
            self.given[one.alliance][STAGES.index(one.stage)].append(Fraction(int(one.units), UNITS))

    @cached_property
    def model(self) -> TwoWay:
        """The model of the totals that stand: those that the re-review threw out are left out, where any others are there."""
        stand = self.totals[~self.totals["alliance"].isin([id for id, review in self.panel.reviews.items() if review.score is not None])]
        return TwoWay(stand if len(stand) else self.totals)

    @cached_property
    def alliances(self) -> pd.DataFrame:
        """A row for each alliance that has marks, from its stage scores to its score; scores before rounding have four places.

        重点差异 is why it is on the list for the re-review, 待定 that it is and nothing was decided; 出界 that a decision lies
        outside the totals of its own experts; 标准误 and 把握 are missing where a decision replaced the marks, or nothing is known.
        """
        panel, rows, short = self.panel, [], {batch.key: batch.short for batch in self.panel.batches}
        for id, given in self.given.items():
            entry, review, exact, totals = panel.evaluated[id], panel.reviews.get(id), combined(*given, self.rules), [*given[0], *given[1]]
            centres = [centre(one, self.rules) if one else None for one in given]
            decided, why, rounded = review is not None and review.score is not None, self._why(totals, *centres), half_up(exact, panel.places)
            score = review.score if decided else rounded
            rows.append({
                "id": id, "联盟名称": entry.name, "联盟": registry.short(entry.name), "代码": entry.code, "批次": short[entry.batch],
                **{stage: math.nan if one is None else float(half_up(one, 4)) for stage, one in zip(STAGES, centres)},
                **{f"{stage}等级": self._grade(one) for stage, one in zip(STAGES, centres)},
                "合成": float(half_up(exact, 4)), "合成评分": float(rounded), "重点差异": why, "待定": bool(why) and review is None,
                "复核": "" if review is None else str(review.score) if decided else KEEP, "理由": review.reason if review else "",
                "出界": decided and not min(totals) <= score <= max(totals),
                "评分": float(score), "等级": (grade := panel.scheme.grade(float(score))), "公布": grade != self.rules["不公布评分的等级"],
                **self._firmness(given, float(exact), grade, decided)})
        frame, orders = pd.DataFrame(rows), {"批次": [*short.values()], **dict.fromkeys(("初评等级", "会评等级", "等级"), GRADES)}
        return frame.assign(**{name: pd.Categorical(frame[name], order, ordered=True) for name, order in orders.items()})

    def _grade(self, exact: Fraction | None) -> str | None:
        return None if exact is None else self.panel.scheme.grade(float(half_up(exact, self.panel.places)))

    def _why(self, totals: list, first: Fraction | None, second: Fraction | None) -> str:
        """Why an alliance is on the list for the re-review, by its totals and what each stage made of them; nothing where it is not."""
        rules, labels, widest, spread = self.rules, self.panel.scheme.labels, self.rules["重点差异：极差超过"], max(totals) - min(totals)
        grades, found = [labels.get(self._grade(one)) for one in (first, second)], []
        apart = abs(first - second) if None not in grades else -1
        if widest is not None and spread > widest:
            found.append(f"专家总分极差{float(spread):g}分")
        if rules["重点差异：组间等级不同"] and grades[0] != grades[1] and apart >= rules["重点差异：组间相差至少"]:
            found.append(f"{FIRST}为{grades[0]}，{SECOND}为{grades[1]}，相差{half_up(apart, 2)}分")
        return "；".join(found)

    def _firmness(self, given: tuple[list, list], exact: float, grade: str, decided: bool) -> dict[str, float]:
        """The standard error of a score, and the chance that another panel of such experts gives it the same grade.

        Both panels err, so that their scores differ by √2 standard errors.
        """
        scheme, half = self.panel.scheme, 0.5 / 10 ** self.panel.places
        near = min(abs(exact - floor) for floor in scheme.floors.values() if floor)
        spread = math.nan if decided else math.sqrt(self.model.between + self.model.variance)
        if not spread > 0:
            return {"标准误": math.nan, "把握": math.nan, "离分档线": near}
        sd = spread * error(*given, self.rules)
        low = -math.inf if grade == GRADES[0] else scheme.floors[grade] - half
        high = math.inf if grade == GRADES[-1] else scheme.ceiling(grade) - half
        under = [0.5 * math.erfc((exact - edge) / sd / 2) for edge in (low, high)]  # 2 is √2 of erfc times √2 of the two panels
        return {"标准误": sd, "把握": under[1] - under[0], "离分档线": near}

    def complete(self) -> None:
        """Raises DataError where marks are to come, or an alliance on the list has no decision: then there is no score sheet."""
        units, file = self.panel.totals["units"], self.panel.path.name
        if self.panel.interim:
            raise DataError([Problem.of(Said("panel.missing", missing=int(units.isna().sum()), out=len(units)), file)])
        if waiting := [*self.alliances[self.alliances["待定"]].itertuples()]:
            raise DataError([Problem.of(Said("panel.waiting", name=one.联盟名称, code=one.代码, why=one.重点差异, keep=KEEP), file, REVIEWS,
                                        order=(place,)) for place, one in enumerate(waiting)])

    @cached_property
    def adjusted(self) -> pd.DataFrame:
        """Each alliance whose marks stand, with the score that the same rule makes once the severities are taken off.

        Nothing is replaced by it. Severity is told only within connected parts.
        """
        totals = self.totals[self.totals["cell"].isin(self.model.level.index)]
        fair, rows = totals["points"] - totals["expert"].map(self.model.severity), []
        for id, here in totals.assign(fair=fair).groupby("alliance", sort=False):
            exact = combined(*(here.loc[here["stage"] == stage, "fair"].to_list() for stage in STAGES), self.rules)
            score = half_up(Fraction(min(max(exact, 0), TOP_SCORE)).limit_denominator(10 ** 9), self.panel.places)
            rows.append((id, float(score), self.panel.scheme.grade(float(score))))
        found = pd.DataFrame(rows, columns=["id", "扣除宽严后", "扣除宽严后的等级"]).merge(self.alliances, on="id")
        found["扣除宽严后的等级"] = pd.Categorical(found["扣除宽严后的等级"], GRADES, ordered=True)
        return found.assign(相差=found["扣除宽严后"] - found["评分"])[
            ["联盟", "代码", "评分", "扣除宽严后", "相差", "等级", "扣除宽严后的等级"]]

    @cached_property
    def experts(self) -> pd.DataFrame:
        """How each expert whose marks stand used the scale, the most lenient first in each part; missing what cannot be told.

        宽严 is the severity of the model with its 95 % interval; 提示 what may be worth a talk: beyond the rule, and surely not 0.
        """
        model, most = self.model, self.rules["提示：宽严超过"]
        told, several = model.severity.mask(model.alone), model.part.nunique() > 1
        surely = (told.abs() > model.reach) & (told.abs() > float(math.inf if most is None else most))
        frame = pd.DataFrame({"专家": [self.panel.called(key) + f"（第{model.part[key] + 1}片）" * several for key in told.index],
                              "总分个数": model.number.sum(), "宽严": told, "下限": told - model.reach, "上限": told + model.reach,
                              "提示": np.where(surely, np.where(told > 0, "偏宽", "偏严"), "")})
        return frame.assign(part=model.part).sort_values(["part", "宽严"], ascending=[True, False], ignore_index=True).drop(columns="part")

    def stage_effect(self) -> tuple[float, float]:
        """By how much 会评 lies over 初评 for the same alliances, severities taken off, with half its 95 % interval; NaN: not told."""
        level = self.model.level
        both = [id for id in self.given if {f"{id} {FIRST}", f"{id} {SECOND}"} <= {*level.index}]
        return self.model.effect([f"{id} {FIRST}" for id in both], [f"{id} {SECOND}" for id in both])
