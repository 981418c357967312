"""How experts used the scale: the two-way model, its variance components, agreement.

Sources: Henderson (1953, Biometrics 9), method III, for variance components of incomplete designs; Shrout and Fleiss (1979,
Psychological Bulletin 86) and McGraw and Wong (1996, Psychological Methods 1) for the ICC; Krippendorff (2011, Computing
Krippendorff's Alpha-Reliability). Everything is an expert's total for an alliance, in points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

CONFIDENT = 0.95
DRAWS, MANY = (500, 100), 50_000  # how often alliances are resampled; less often for more than so many pairs
AT_ONCE = 20_000_000  # numbers held at once while alliances are resampled


@dataclass
class TwoWay:
    """total = alliance + severity of the expert + residual, by least squares.

    `severity` adds up to 0 in each connected part of the expert–alliance graph (a high one is lenient); it says nothing
    across parts. `part_of_expert` and `part_of_alliance` number the parts from 0, -1 for one without marks.
    """

    alliance: np.ndarray
    expert: np.ndarray
    y: np.ndarray
    size: int
    number: int
    severity: np.ndarray
    quality: np.ndarray
    covariance: np.ndarray
    part_of_expert: np.ndarray
    part_of_alliance: np.ndarray
    design: Design

    @cached_property
    def residual(self) -> np.ndarray:
        return self.y - self.quality[self.alliance] - self.severity[self.expert]

    @property
    def parts(self) -> int:
        """How many connected parts there are; 1 when every severity can be held against every other."""
        return int(self.part_of_expert.max(initial=-1)) + 1

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the residual."""
        seen = (self.part_of_alliance >= 0).sum() + (self.part_of_expert >= 0).sum()
        return int(len(self.y) - seen + self.parts)

    @property
    def variance(self) -> float:
        """The residual variance; NaN where nothing is left to tell it from."""
        return float(self.residual @ self.residual) / self.freedom if self.freedom > 0 else float("nan")

    @cached_property
    def error(self) -> np.ndarray:
        """The standard error of each severity, NaN for an expert who is alone in a part or has no marks."""
        alone = np.bincount(self.part_of_expert[self.part_of_expert >= 0], minlength=self.parts)
        told = (
            (self.part_of_expert >= 0) & (alone[np.clip(self.part_of_expert, 0, None)] > 1) if self.parts else self.severity > 0
        )
        return np.where(told, np.sqrt(np.maximum(self.variance * np.diag(self.covariance), 0)), np.nan)

    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """The 95 % interval of each severity, by Student's t."""
        from scipy import special

        reach = special.stdtrit(max(self.freedom, 1), (1 + CONFIDENT) / 2) * self.error
        return self.severity - reach, self.severity + reach

    @cached_property
    def standardised(self) -> np.ndarray:
        """Each residual over its own standard deviation; NaN where it has none."""
        share = self.design.number / np.maximum(self.design.number.sum(1, keepdims=True), 1)
        spread = share @ self.covariance
        level = (share * spread).sum(1)
        leverage = (1 / self.design.number.sum(1)[self.alliance] + np.diag(self.covariance)[self.expert]
                    - 2 * spread[self.alliance, self.expert] + level[self.alliance])
        with np.errstate(invalid="ignore", divide="ignore"):
            room = np.where(leverage < 1 - 1e-9, self.variance * (1 - leverage), np.nan)
            return self.residual / np.sqrt(room)

    def components(self) -> dict[str, float]:
        """Variance between alliances, between experts and of the residual, none under zero."""
        return _first(self.design.components())

    def icc(self) -> dict[str, float]:
        """See `Design.icc`."""
        return _first(self.design.icc())


class Design:
    """The sums by alliance from which model and components are made, so that weighing the alliances anew is quick."""

    def __init__(self, alliance: np.ndarray, expert: np.ndarray, y: np.ndarray, size: int, number: int):
        cell = alliance.astype(np.int64) * number + expert
        self.number = np.bincount(cell, minlength=size * number).reshape(size, number).astype(float)
        self.sums = np.bincount(cell, weights=y, minlength=size * number).reshape(size, number)
        self.squares = np.bincount(alliance, weights=y * y, minlength=size)
        self.per_alliance = self.number.sum(1)
        self.total = self.sums.sum(1)
        self.part_of_expert, self.part_of_alliance = parts_of(self.number)
        self.in_part = self.part_of_expert[:, None] == np.arange(self.part_of_expert.max(initial=-1) + 1)

    def normal(self) -> tuple[np.ndarray, np.ndarray]:
        """The normal equations of the severities, once the alliances are taken out."""
        each = np.maximum(self.per_alliance, 1)
        return (np.diag(self.number.sum(0)) - (self.number.T / each) @ self.number,
                self.sums.sum(0) - (self.total / each) @ self.number)

    def components(self, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Henderson's method III; for a complete design the same as the analysis of variance.

        `weights` has a row for each weighing of the alliances; a number comes back for each row, none of them under zero.
        """
        w = np.ones((1, len(self.number))) if weights is None else weights
        per_expert, n = w @ self.number, w @ self.per_alliance
        each = np.maximum(self.per_alliance, 1)
        within = w @ (self.squares - self.total ** 2 / each)  # what alliances alone leave
        right = w @ self.sums - (w * self.total / each) @ self.number
        matrices = -(self.number.T * (w / each)[:, None, :]) @ self.number
        diagonal = np.arange(self.number.shape[1])
        matrices[:, diagonal, diagonal] += per_expert + 1e-10 * per_expert.max(1, keepdims=True) + (per_expert == 0)
        solved = np.linalg.solve(matrices, right[:, :, None])[:, :, 0]  # the right side lies where the matrix is regular
        residual = np.maximum(within - (right * solved).sum(1), 0)
        seen, used = w @ (self.per_alliance > 0), per_expert > 0
        rank = used.sum(1) - (used @ self.in_part > 0).sum(1)
        inverse = np.where(used, 1 / np.where(used, per_expert, 1), 0)
        by_expert = w @ self.squares - ((w @ self.sums) ** 2 * inverse).sum(1)  # what experts alone leave
        # the room that alliances have beside experts, and experts beside alliances: the expectations of method III
        room_alliance = n - ((w @ self.number ** 2) * inverse).sum(1)
        room_expert = n - w @ ((self.number ** 2).sum(1) / each)
        of_residual = _ratio(residual, n - seen - rank)
        of_alliance = _ratio(by_expert - residual - (seen + rank - used.sum(1)) * of_residual, room_alliance)
        of_expert = _ratio(within - residual - rank * of_residual, room_expert)
        return {"alliance": np.maximum(of_alliance, 0), "expert": np.maximum(of_expert, 0), "residual": of_residual}

    def icc(self, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """`one` of a single expert (absolute agreement), `order` of one (consistency), `many` of the mean of those who marked."""
        w = np.ones((1, len(self.number))) if weights is None else weights
        a, e, r = self.components(w).values()
        marked = self.per_alliance > 0
        k = _ratio(w[:, marked].sum(1), w[:, marked] @ (1 / self.per_alliance[marked]))
        return {"one": _ratio(a, a + e + r), "order": _ratio(a, a + r), "many": _ratio(a, a + (e + r) / k), "k": k}


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """NaN where the whole is nothing."""
    return part / np.where(whole > 1e-9, whole, np.nan)


def _first(found: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: float(values[0]) for name, values in found.items()}


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """The Moore–Penrose inverse of a symmetric matrix."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > max(values.max(initial=0), 1) * 1e-10
    return (vectors[:, kept] / values[kept]) @ vectors[:, kept].T


def parts_of(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The connected parts of the graph of who marked whom: a number for each expert and each alliance, -1 for none."""
    there = number > 0
    experts, alliances = np.full(there.shape[1], -1), np.full(there.shape[0], -1)
    part = 0
    for start in range(there.shape[1]):
        if experts[start] >= 0 or not there[:, start].any():
            continue
        mine = np.zeros(there.shape[1], dtype=bool)
        mine[start] = True
        while True:
            reached = there[:, mine].any(1)
            more = there[reached].any(0)
            if (more == mine).all():
                break
            mine = more | mine
        experts[mine], alliances[reached] = part, part
        part += 1
    return experts, alliances


def two_way(alliance: np.ndarray, expert: np.ndarray, y: np.ndarray, size: int, number: int) -> TwoWay:
    """The model of `len(y)` totals by `number` experts for `size` alliances; places count from 0."""
    design = Design(alliance, expert, y, size, number)
    matrix, right = design.normal()
    part_of_expert, part_of_alliance = design.part_of_expert, design.part_of_alliance
    inverse = np.zeros_like(matrix)
    for part in range(part_of_expert.max(initial=-1) + 1):
        here = np.flatnonzero(part_of_expert == part)
        inverse[np.ix_(here, here)] = _inverse(matrix[np.ix_(here, here)])
    severity = inverse @ right
    with np.errstate(invalid="ignore", divide="ignore"):
        quality = (design.total - design.number @ severity) / design.per_alliance
    return TwoWay(alliance, expert, y, size, number, severity, quality, inverse, part_of_expert, part_of_alliance, design)


def alpha(values: np.ndarray) -> float:
    """Krippendorff's α for interval data by the package; a row for each expert, a column for each alliance, NaN for no mark."""
    import krippendorff

    paired = values[:, (~np.isnan(values)).sum(0) > 1]
    if not paired.size or len(np.unique(paired[~np.isnan(paired)])) < 2:
        return float("nan")
    return float(krippendorff.alpha(reliability_data=paired, level_of_measurement="interval"))


def _alphas(design: Design, weights: np.ndarray) -> np.ndarray:
    """The same α from sums, for many weighings of the alliances at once (a row each)."""
    paired = design.per_alliance > 1
    n, total, squares = design.per_alliance[paired], design.total[paired], design.squares[paired]
    w = weights[:, paired]
    inside = w @ ((n * squares - total ** 2) / (n - 1))
    whole, values = w @ n, w @ squares
    expected = (whole * values - (w @ total) ** 2) / (whole - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - inside / expected


@dataclass(frozen=True)
class Agreement:
    """How far a group of experts agree: ICC and α with their 95 % intervals from resampled alliances."""

    name: str
    experts: int
    alliances: int
    icc: dict[str, float]
    icc_interval: tuple[float, float]
    alpha: float
    alpha_interval: tuple[float, float]
    components: dict[str, float]


def agreement(name: str, alliance: np.ndarray, expert: np.ndarray, coder: np.ndarray, y: np.ndarray, seed: int) -> Agreement:
    """The agreement within some totals. `coder` is the expert, or expert and stage where one marks an alliance twice."""
    (_, a), (_, e), (_, c) = (np.unique(column, return_inverse=True) for column in (alliance, expert, coder))
    size, number = a.max() + 1, e.max() + 1
    design = Design(a, e, y, size, number)
    values = np.full((c.max() + 1, size), np.nan)
    values[c, a] = y
    draws = DRAWS[int(size * number > MANY)]
    weights = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), draws).astype(float)
    at_once = max(AT_ONCE // (size * number), 1)
    iccs = np.concatenate([design.icc(weights[start:start + at_once])["one"] for start in range(0, draws, at_once)])
    return Agreement(
        name,
        number,
        size,
        _first(design.icc()),
        _percentiles(iccs),
        alpha(values),
        _percentiles(_alphas(design, weights)),
        _first(design.components()),
    )


def _percentiles(values: np.ndarray) -> tuple[float, float]:
    good = values[np.isfinite(values)]
    if not good.size:
        return float("nan"), float("nan")
    low, high = np.percentile(good, [50 * (1 - CONFIDENT), 50 * (1 + CONFIDENT)])
    return float(low), float(high)


def deviations(alliance: np.ndarray, expert: np.ndarray, stage: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Each total less the mean of the other experts' for the same alliance at the same stage; NaN where there is no other."""
    _, of = np.unique(stage.astype(np.int64) * (alliance.max(initial=0) + 1) + alliance, return_inverse=True)
    number, total = np.bincount(of), np.bincount(of, weights=y)
    with np.errstate(invalid="ignore", divide="ignore"):
        return y - (total[of] - y) / (number[of] - 1)
