"""How experts used the scale: total = alliance at a stage + severity of the expert + residual, by least squares.

An alliance counts anew at each stage, so that nothing is assumed of what became of it in between; experts are linked where they
change groups between the stages. Source: Henderson (1953, Biometrics 9), method III, for variances of incomplete designs.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd


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
