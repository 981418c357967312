"""A checked panel -> stage scores, the list for the re-review, settled scores, and how firm they are.

Exact until the one rounding at the end: marks are whole hundredths of a point, a centre and a combined score are fractions.
How experts used the scale: total = alliance at a stage + severity of the expert + residual, by least squares. An alliance counts anew
at each stage, so that nothing is assumed of what became of it in between; experts are linked where they change groups between the
stages. Source: Henderson (1953, Biometrics 9), method III, for variances of incomplete designs.
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
from analysis.panel.rules import MEDIAN, POOL, REPLACE, TRIMMED
from analysis.panel.workbook import FIRST, KEEP, SECOND, STAGES, UNITS, Panel
from analysis.shares import half_up
from analysis.tables import NAME

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


def parts(number: pd.DataFrame) -> pd.Series:
    """The connected part of each expert, from 0, by who marked what: a row for each alliance at a stage, a column for each expert."""
    from scipy.sparse.csgraph import connected_components

    return pd.Series(connected_components((number.T @ number).to_numpy())[1], number.columns)


class TwoWay:
    """The model of `totals`: expert, points, and `cell`, the alliance at a stage. What cannot be told is NaN.

    `severity` adds up to 0 in each connected `part` of who marked what (a high one is lenient), and says nothing across parts;
    `reach` is half the length of its 95 % interval; `alone` has nobody in its part to be held against.
    """

    def __init__(self, totals: pd.DataFrame):
        from scipy import special

        self.number, mean = pd.crosstab(totals["cell"], totals["expert"]), totals.groupby("cell")["points"].mean()
        self.share = self.number.div(self.number.sum(axis=1), axis=0)
        self.covariance = np.linalg.pinv(np.diag(self.number.sum()) - self.number.T.to_numpy() @ self.share, 1e-10, hermitian=True)
        sums = totals.groupby("expert")["points"].sum() - self.number.T @ mean
        self.severity = pd.Series(self.covariance @ sums, self.number.columns)
        self.level = mean - self.share @ self.severity  # of a cell, the severities taken off
        residual = totals["points"] - totals["cell"].map(self.level) - totals["expert"].map(self.severity)
        self.part = parts(self.number)
        self.alone = ~self.part.duplicated(keep=False)
        self.freedom = len(totals) - sum(self.number.shape) + self.part.nunique()
        self.variance = float(residual @ residual) / self.freedom if self.freedom > 0 else math.nan
        self.student = float(special.stdtrit(max(self.freedom, 1), 0.975))
        self.reach = self.student * np.sqrt(np.maximum(self.variance * np.diag(self.covariance), 0)) + 0 * self.severity.mask(self.alone)
        within = float(((totals["points"] - totals["cell"].map(mean)) ** 2).sum())  # what cells alone leave
        room = float((self.number * (1 - self.share)).to_numpy().sum())
        explained = within - float(residual @ residual) - (len(self.part) - self.part.nunique()) * self.variance
        self.between = max(explained / room, 0.0) if room else math.nan

    def effect(self, first: list, second: list) -> tuple[float, float]:
        """By how much the `second` cells lie over the `first`, severities taken off, with half the 95 % interval; NaN across parts."""
        if self.part.nunique() != 1 or len(first) < 2 or not self.freedom:
            return math.nan, math.nan
        apart = self.level[second].to_numpy() - self.level[first].to_numpy()
        weights = (self.share.loc[second].to_numpy() - self.share.loc[first].to_numpy()).mean(0)
        error = math.sqrt(apart.var(ddof=1) / len(apart) + self.variance * weights @ self.covariance @ weights)
        return float(apart.mean()), self.student * error


class Scores:
    """The scores of one panel. `totals` has a row for each expert's whole marks of an alliance at a stage, `points` with them."""

    def __init__(self, panel: Panel):
        self.panel, self.rules, totals = panel, panel.rules, panel.totals.dropna(subset="units")
        self.totals = totals.assign(points=totals["units"].astype(float) / UNITS, cell=totals["alliance"] + " " + totals["stage"],
                                    exact=[Fraction(int(units), UNITS) for units in totals["units"]])

    @cached_property
    def model(self) -> TwoWay:
        """The model of the totals that stand: those that the re-review threw out are left out, where any others are there."""
        thrown = [id for id, (decision, _) in self.panel.reviews.items() if decision != KEEP]
        stand = self.totals[~self.totals["alliance"].isin(thrown)]
        return TwoWay(stand if len(stand) else self.totals)

    def _given(self, totals: pd.DataFrame, column: str) -> dict[str, list[list]]:
        """What each alliance was given at the two stages."""
        return {id: [here.loc[here["stage"] == stage, column].to_list() for stage in STAGES]
                for id, here in totals.groupby("alliance", sort=False)}

    def _rounded(self, exact: Fraction) -> float:
        return float(half_up(exact, self.panel.places))

    @cached_property
    def alliances(self) -> pd.DataFrame:
        """A row for each alliance that has marks, from its stage scores to its score; scores before rounding have four places.

        重点差异 is why it is on the list for the re-review, 待定 that it is and nothing was decided; 出界 that a decision lies
        outside the totals of its own experts; 标准误 and 把握 are missing where a decision replaced the marks, or nothing is known.
        """
        panel, grade, rows = self.panel, self.panel.scheme.grade, {}
        for id, (first, second) in self._given(self.totals, "exact").items():
            exact, centres = combined(first, second, self.rules), [centre(one, self.rules) if one else None for one in (first, second)]
            grades = [None if one is None else grade(self._rounded(one)) for one in centres]
            rows[id] = (*(None if one is None else float(half_up(one, 4)) for one in centres), *grades, float(half_up(exact, 4)),
                        self._rounded(exact), self._why([*first, *second], *centres, *grades), float(min(first + second)),
                        float(max(first + second)), float(exact), error(first, second, self.rules))
        columns = [*STAGES, "初评等级", "会评等级", "合成", "合成评分", "重点差异", "low", "high", "exact", "error"]
        reviews = pd.DataFrame.from_dict(panel.reviews, orient="index", columns=["复核", "理由"])
        found = panel.alliances[[NAME, "代码", "批次"]].join(pd.DataFrame.from_dict(rows, orient="index", columns=columns), how="inner")
        found = found.join(reviews).fillna({"复核": "", "理由": ""}).rename_axis("id").reset_index()
        decided = pd.to_numeric(found["复核"], errors="coerce")
        score = decided.fillna(found["合成评分"])
        found = found.assign(联盟=found[NAME].map(registry.short), 待定=(found["重点差异"] != "") & (found["复核"] == ""), 评分=score,
                             出界=decided.notna() & ~decided.between(found["low"], found["high"]), 等级=score.map(grade))
        found["公布"] = found["等级"] != self.rules["不公布评分的等级"]
        found["标准误"] = found.pop("error").mask(decided.notna()) * (math.sqrt(self.model.between + self.model.variance) or math.nan)
        found["把握"] = self._chance(found)
        floors = [floor for floor in panel.scheme.floors.values() if floor]
        found["离分档线"] = np.abs(np.subtract.outer(found.pop("exact").to_numpy(), floors)).min(axis=1)
        orders = dict.fromkeys(("初评等级", "会评等级", "等级"), pd.CategoricalDtype(GRADES, ordered=True))
        return found.drop(columns=["low", "high"]).astype(orders | dict.fromkeys(STAGES, float))

    def _why(self, totals: list, first: Fraction | None, second: Fraction | None, *grades: str | None) -> str:
        """Why an alliance is on the list for the re-review, by its totals and what each stage made of them; nothing where it is not."""
        rules, widest, spread, found = self.rules, self.rules["重点差异：极差超过"], max(totals) - min(totals), []
        if widest is not None and spread > widest:
            found.append(f"专家总分极差{float(spread):g}分")
        if rules["重点差异：组间等级不同"] and None not in grades and grades[0] != grades[1] \
                and abs(first - second) >= rules["重点差异：组间相差至少"]:
            was, now = map(self.panel.scheme.labels.get, grades)
            found.append(f"{FIRST}为{was}，{SECOND}为{now}，相差{half_up(abs(first - second), 2)}分")
        return "；".join(found)

    def _chance(self, alliances: pd.DataFrame) -> np.ndarray:
        """The chance that another panel of such experts gives a score's grade: both panels err, so that they differ by √2 standard errors."""
        from scipy.special import ndtr

        floors = np.array([-math.inf, *[self.panel.scheme.floors[grade] for grade in GRADES[1:]], math.inf]) - 0.5 / 10 ** self.panel.places
        level = alliances["等级"].map(GRADES.index).to_numpy()
        apart = np.array([floors[level], floors[level + 1]]) - alliances["exact"].to_numpy()
        return np.diff(ndtr(apart / alliances["标准误"].to_numpy() / math.sqrt(2)), axis=0)[0]

    def open(self) -> list[Said]:
        """What is still to come before there may be a score sheet: marks, or decisions on alliances of the list."""
        if self.panel.interim:
            units = self.panel.totals["units"]
            return [Said("panel.missing", missing=int(units.isna().sum()), out=len(units))]
        return [Said("panel.waiting", name=one.联盟名称, code=one.代码, why=one.重点差异, keep=KEEP)
                for one in self.alliances[self.alliances["待定"]].itertuples()]

    @cached_property
    def adjusted(self) -> pd.DataFrame:
        """Each alliance whose marks stand, with the score that the same rule makes once the severities are taken off.

        Nothing is replaced by it. Severity is told only within connected parts.
        """
        totals = self.totals[self.totals["cell"].isin(self.model.level.index)]
        given = self._given(totals.assign(fair=totals["points"] - totals["expert"].map(self.model.severity)), "fair")
        fair = {id: self._rounded(Fraction(min(max(combined(*both, self.rules), 0), TOP_SCORE)).limit_denominator(10 ** 9))
                for id, both in given.items()}
        found = self.alliances[self.alliances["id"].isin(fair)].set_index("id").assign(扣除宽严后=pd.Series(fair))
        found["相差"], grades = found["扣除宽严后"] - found["评分"], found["扣除宽严后"].map(self.panel.scheme.grade)
        found["扣除宽严后的等级"] = grades.astype(found["等级"].dtype)
        return found[["联盟", "代码", "评分", "扣除宽严后", "相差", "等级", "扣除宽严后的等级"]].reset_index(drop=True)

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
        there = {*self.model.level.index}
        both = [id for id in self.alliances["id"] if {f"{id} {FIRST}", f"{id} {SECOND}"} <= there]
        return self.model.effect([f"{id} {FIRST}" for id in both], [f"{id} {SECOND}" for id in both])
