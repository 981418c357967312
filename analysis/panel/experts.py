"""How experts used the scale: total = alliance at a stage + severity of the expert + residual, by least squares.

An alliance counts anew at each stage, so that nothing is assumed of what became of it in between; experts are linked where they
change groups between the stages. Source: Henderson (1953, Biometrics 9), method III, for variances of incomplete designs.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
import pandas as pd


def parts(number: pd.DataFrame) -> pd.Series:
    """The connected part of each expert, from 0, by who marked what: a row for each alliance at a stage, a column for each expert."""
    from scipy.sparse.csgraph import connected_components

    return pd.Series(connected_components((number.T @ number).to_numpy())[1], number.columns)


class TwoWay:
    """The model of `totals`: expert, points, and `cell`, the alliance at a stage.

    `severity` adds up to 0 in each connected `part` of who marked what (a high one is lenient), and says nothing across parts.
    What cannot be told is NaN.
    """

    def __init__(self, totals: pd.DataFrame):
        self.number = pd.crosstab(totals["cell"], totals["expert"])
        mean = totals.groupby("cell")["points"].mean()
        self.share = self.number.div(self.number.sum(axis=1), axis=0)
        self.covariance = np.linalg.pinv(np.diag(self.number.sum()) - self.number.T.to_numpy() @ self.share, 1e-10, hermitian=True)
        sums = totals.groupby("expert")["points"].sum() - self.number.T @ mean
        self.severity = pd.Series(self.covariance @ sums, self.number.columns)
        self.level = mean - self.share @ self.severity  # of a cell, the severities taken off
        residual = totals["points"] - totals["cell"].map(self.level) - totals["expert"].map(self.severity)
        self.part = parts(self.number)
        self.freedom = len(totals) - sum(self.number.shape) + self.part.nunique()
        self.variance = float(residual @ residual) / self.freedom if self.freedom > 0 else math.nan
        within = float(((totals["points"] - totals["cell"].map(mean)) ** 2).sum())  # what cells alone leave
        room = float(self.number.to_numpy().sum() - (self.number * self.share).to_numpy().sum())
        rank = len(self.part) - self.part.nunique()
        self.between = max((within - float(residual @ residual) - rank * self.variance) / room, 0.0) if room else math.nan

    @property
    def alone(self) -> pd.Series:
        """Which experts have nobody in their part to be held against."""
        return ~self.part.duplicated(keep=False)

    @cached_property
    def student(self) -> float:
        """By how many standard errors a 95 % interval reaches."""
        from scipy import special

        return float(special.stdtrit(max(self.freedom, 1), 0.975))

    @property
    def reach(self) -> pd.Series:
        """Half the length of the 95 % interval of each severity."""
        error = np.sqrt(np.maximum(self.variance * np.diag(self.covariance), 0))
        return (self.student * pd.Series(error, self.severity.index)).mask(self.alone)

    def effect(self, first: list, second: list) -> tuple[float, float]:
        """By how much the `second` cells lie over the `first`, severities taken off, with half the 95 % interval; NaN across parts."""
        if self.part.nunique() != 1 or len(first) < 2 or not self.freedom:
            return math.nan, math.nan
        apart = self.level[second].to_numpy() - self.level[first].to_numpy()
        weights = (self.share.loc[second].to_numpy() - self.share.loc[first].to_numpy()).mean(0)
        error = math.sqrt(apart.var(ddof=1) / len(apart) + self.variance * weights @ self.covariance @ weights)
        return float(apart.mean()), self.student * error
