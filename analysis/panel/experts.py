"""How experts used the scale: total = alliance at a stage + severity of the expert + residual.

An alliance counts anew at each stage, so that nothing is assumed of what became of it in between; experts are linked where they
change groups between the stages. Source: Henderson (1953, Biometrics 9), method III, for variances of incomplete designs.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

CONFIDENT = 0.95


class TwoWay:
    """The model by least squares, for totals `y` in points; `cell` and `expert` number the alliances at a stage and the experts.

    `severity` adds up to 0 in each connected part of who marked what (a high one is lenient), and says nothing across parts;
    `part` numbers the parts of the experts from 0, -1 for one without marks. What cannot be told is NaN.
    """

    def __init__(self, cell: np.ndarray, expert: np.ndarray, y: np.ndarray, cells: int, experts: int):
        self.cell, self.expert, self.y = cell, expert, y
        self.number = np.bincount(cell * experts + expert, minlength=cells * experts).reshape(cells, experts).astype(float)
        self.sums = np.bincount(cell * experts + expert, weights=y, minlength=cells * experts).reshape(cells, experts)
        self.each = np.maximum(self.number.sum(1), 1)
        self.covariance = np.linalg.pinv(np.diag(self.number.sum(0)) - (self.number.T / self.each) @ self.number, 1e-10, hermitian=True)
        self.severity = self.covariance @ (self.sums.sum(0) - (self.sums.sum(1) / self.each) @ self.number)
        self.level = (self.sums.sum(1) - self.number @ self.severity) / self.each  # of a cell, the severities taken off
        self.residual = y - self.level[cell] - self.severity[expert]
        self.part = _parts(self.number)
        seen = int((self.number.sum(1) > 0).sum() + (self.part >= 0).sum())
        self.freedom = len(y) - seen + self.parts
        self.variance = float(self.residual @ self.residual) / self.freedom if self.freedom > 0 else float("nan")

    @property
    def parts(self) -> int:
        """How many connected parts there are; 1 when every severity can be held against every other."""
        return int(self.part.max(initial=-1)) + 1

    @property
    def alone(self) -> np.ndarray:
        """Which experts have nobody in their part to be held against, or no marks."""
        return (self.part < 0) | (np.bincount(self.part + 1)[self.part + 1] == 1)

    @cached_property
    def reach(self) -> np.ndarray:
        """Half the length of the 95 % interval of each severity."""
        error = np.sqrt(np.maximum(self.variance * np.diag(self.covariance), 0))
        return np.where(self.alone, np.nan, self.student() * error)

    def student(self) -> float:
        """By how many standard errors a 95 % interval reaches."""
        from scipy import special

        return float(special.stdtrit(max(self.freedom, 1), (1 + CONFIDENT) / 2))

    @cached_property
    def standardised(self) -> np.ndarray:
        """Each residual over its own standard deviation; NaN where it has none."""
        share = self.number / self.each[:, None]
        spread = share @ self.covariance
        leverage = (1 / self.each[self.cell] + np.diag(self.covariance)[self.expert] - 2 * spread[self.cell, self.expert]
                    + (share * spread).sum(1)[self.cell])
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.residual / np.sqrt(np.where(leverage < 1 - 1e-9, self.variance * (1 - leverage), np.nan))

    @cached_property
    def between(self) -> float:
        """The variance between experts: what cells alone leave, less the residual's share of it, over the room that experts have."""
        within = float(self.y @ self.y - (self.sums.sum(1) ** 2 / self.each).sum())
        room = float(self.number.sum() - ((self.number ** 2).sum(1) / self.each).sum())
        rank = int((self.part >= 0).sum()) - self.parts
        return max((within - float(self.residual @ self.residual) - rank * self.variance) / room, 0.0) if room else float("nan")

    def effect(self, first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
        """By how much the `second` cells lie over the `first`, severities taken off, with half the 95 % interval; NaN across parts."""
        if self.parts != 1 or len(first) < 2 or not self.freedom:
            return float("nan"), float("nan")
        apart = self.level[second] - self.level[first]
        weights = (self.number[second] / self.each[second, None] - self.number[first] / self.each[first, None]).mean(0)
        error = np.sqrt(apart.var(ddof=1) / len(apart) + self.variance * weights @ self.covariance @ weights)
        return float(apart.mean()), float(self.student() * error)


def _parts(number: np.ndarray) -> np.ndarray:
    """The connected part of each expert, from 0; -1 for one without marks."""
    linked, leader = number.T @ number > 0, np.arange(number.shape[1])
    while not ((nearer := np.where(linked, leader, number.shape[1]).min(1, initial=number.shape[1])) >= leader).all():
        leader = np.minimum(nearer, leader)
    leader = np.where(number.any(0), leader, -1)
    return np.searchsorted(np.unique(leader[leader >= 0]), leader) - (leader < 0)
