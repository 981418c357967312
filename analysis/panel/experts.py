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
SHARED = 3  # alliances that two experts must share before their spreads are compared
NEAR = 1e-3  # how near 0 or 1 a coefficient may come for its logarithm to be taken
AT_ONCE = 20_000_000  # numbers held at once while alliances are resampled


class TwoWay:
    """total = alliance + severity of the expert + residual, by least squares, for `size` alliances and `number` experts.

    `severity` adds up to 0 in each connected part of the expert–alliance graph (a high one is lenient); it says nothing
    across parts. `part_of_expert` and `part_of_alliance` number the parts from 0, -1 for one without marks. Kept are the sums
    by alliance, so that weighing the alliances anew is quick.
    """

    def __init__(self, alliance: np.ndarray, expert: np.ndarray, y: np.ndarray, size: int, number: int):
        self.alliance, self.expert, self.y = alliance, expert, y
        cell = alliance.astype(np.int64) * number + expert
        self.number = np.bincount(cell, minlength=size * number).reshape(size, number).astype(float)
        self.sums = np.bincount(cell, weights=y, minlength=size * number).reshape(size, number)
        self.squares = np.bincount(alliance, weights=y * y, minlength=size)
        self.per_alliance = self.number.sum(1)
        self.each = np.maximum(self.per_alliance, 1)
        self.total = self.sums.sum(1)
        self.part_of_expert, self.part_of_alliance = parts_of(self.number)

    @cached_property
    def covariance(self) -> np.ndarray:
        """That of the severities, over the residual variance: the inverse of the normal equations, alliances taken out."""
        return np.linalg.pinv(np.diag(self.number.sum(0)) - (self.number.T / self.each) @ self.number, 1e-10, hermitian=True)

    @cached_property
    def severity(self) -> np.ndarray:
        return self.covariance @ (self.sums.sum(0) - (self.total / self.each) @ self.number)

    @cached_property
    def residual(self) -> np.ndarray:
        quality = (self.total - self.number @ self.severity) / self.each
        return self.y - quality[self.alliance] - self.severity[self.expert]

    @property
    def parts(self) -> int:
        """How many connected parts there are; 1 when every severity can be held against every other."""
        return int(self.part_of_expert.max(initial=-1)) + 1

    @property
    def alone(self) -> np.ndarray:
        """Which experts have nobody in their part to be held against, or no marks."""
        experts = np.bincount(self.part_of_expert + 1, minlength=1)
        return (self.part_of_expert < 0) | (experts[self.part_of_expert + 1] == 1)

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
        return np.where(self.alone, np.nan, np.sqrt(np.maximum(self.variance * np.diag(self.covariance), 0)))

    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """The 95 % interval of each severity, by Student's t."""
        from scipy import special

        reach = special.stdtrit(max(self.freedom, 1), (1 + CONFIDENT) / 2) * self.error
        return self.severity - reach, self.severity + reach

    @cached_property
    def standardised(self) -> np.ndarray:
        """Each residual over its own standard deviation; NaN where it has none."""
        share = self.number / self.each[:, None]
        spread = share @ self.covariance
        level = (share * spread).sum(1)
        leverage = (1 / self.each[self.alliance] + np.diag(self.covariance)[self.expert]
                    - 2 * spread[self.alliance, self.expert] + level[self.alliance])
        with np.errstate(invalid="ignore", divide="ignore"):
            room = np.where(leverage < 1 - 1e-9, self.variance * (1 - leverage), np.nan)
            return self.residual / np.sqrt(room)

    def components(self) -> dict[str, float]:
        """Variance between alliances, between experts and of the residual, none under zero; NaN for what cannot be told."""
        return _first(self.components_of(np.ones((1, len(self.number)))))

    def icc(self) -> dict[str, float]:
        """`one` of a single expert (absolute agreement), `order` of one (consistency), `many` of the mean of those who marked."""
        return _first(self.icc_of(np.ones((1, len(self.number)))))

    def components_of(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """The same for many weighings of the alliances, a row each: Henderson's method III.

        For a complete design it is the analysis of variance.
        """
        per_expert, n = w @ self.number, w @ self.per_alliance
        within = w @ (self.squares - self.total ** 2 / self.each)  # what alliances alone leave
        right = w @ self.sums - (w * self.total / self.each) @ self.number
        matrices = -(self.number.T * (w / self.each)[:, None, :]) @ self.number
        parts = (_leaders(matrices < 0) == np.arange(self.number.shape[1])).sum(1)  # a row without marks leads itself
        diagonal = np.arange(self.number.shape[1])
        matrices[:, diagonal, diagonal] += per_expert + 1e-10 * per_expert.max(1, keepdims=True) + (per_expert == 0)
        solved = np.linalg.solve(matrices, right[:, :, None])[:, :, 0]  # the right side lies where the matrix is regular
        residual = np.maximum(within - (right * solved).sum(1), 0)
        seen, used = w @ (self.per_alliance > 0), per_expert > 0
        rank = self.number.shape[1] - parts
        inverse = np.where(used, 1 / np.where(used, per_expert, 1), 0)
        by_expert = w @ self.squares - ((w @ self.sums) ** 2 * inverse).sum(1)  # what experts alone leave
        # the room that alliances have beside experts, and experts beside alliances: the expectations of method III
        room_alliance = n - ((w @ self.number ** 2) * inverse).sum(1)
        room_expert = n - w @ ((self.number ** 2).sum(1) / self.each)
        of_residual = _ratio(residual, n - seen - rank)
        of_alliance = _ratio(by_expert - residual - (seen + rank - used.sum(1)) * of_residual, room_alliance)
        of_expert = _ratio(within - residual - rank * of_residual, room_expert)
        return {"alliance": np.maximum(of_alliance, 0), "expert": np.maximum(of_expert, 0), "residual": of_residual}

    def icc_of(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """The same as `icc` for many weighings of the alliances."""
        a, e, r = self.components_of(w).values()
        marked = self.per_alliance > 0
        k = _ratio(w[:, marked].sum(1), w[:, marked] @ (1 / self.per_alliance[marked]))
        return {"one": _ratio(a, a + e + r), "order": _ratio(a, a + r), "many": _ratio(a, a + (e + r) / k), "k": k}


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """NaN where the whole is nothing."""
    return part / np.where(whole > 1e-9, whole, np.nan)


def _first(found: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: float(values[0]) for name, values in found.items()}


def _leaders(linked: np.ndarray) -> np.ndarray:
    """For each of many graphs (experts × experts, symmetric) the first expert of every expert's connected part."""
    leaders = np.broadcast_to(np.arange(linked.shape[-1]), linked.shape[:-1])
    while True:
        first = np.where(linked, leaders[..., None, :], linked.shape[-1]).min(-1, initial=linked.shape[-1])
        first = np.minimum(first, leaders)
        if (first == leaders).all():
            return leaders
        leaders = first


def parts_of(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The connected parts of the graph of who marked whom: a number for each expert and each alliance, -1 for none."""
    there = number > 0
    leaders = np.where(there.any(0), _leaders(number.T @ number > 0), -1)
    experts = np.searchsorted(np.unique(leaders[leaders >= 0]), leaders) - (leaders < 0)
    return experts, np.where(there.any(1), experts[there.argmax(1)], -1)


def alpha(values: np.ndarray) -> float:
    """Krippendorff's α for interval data by the package; a row for each expert, a column for each alliance, NaN for no mark."""
    import krippendorff

    paired = values[:, (~np.isnan(values)).sum(0) > 1]
    if not paired.size or len(np.unique(paired[~np.isnan(paired)])) < 2:
        return float("nan")
    return float(krippendorff.alpha(reliability_data=paired, level_of_measurement="interval"))


def _alphas(design: TwoWay, weights: np.ndarray) -> np.ndarray:
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
    """How far a group of experts agree: ICC and α, each with the 95 % interval of resampled alliances, the experts as they are.

    `parts` is the number of connected parts of who marked whom within the group.
    """

    name: str
    experts: int
    alliances: int
    parts: int
    icc: dict[str, float]
    icc_interval: tuple[float, float]
    alpha: float
    alpha_interval: tuple[float, float]


def agreement(name: str, alliance: np.ndarray, expert: np.ndarray, coder: np.ndarray, y: np.ndarray, seed: int) -> Agreement:
    """The agreement within some totals. `coder` is the expert, or expert and stage where one marks an alliance twice."""
    (_, a), (_, e), (_, c) = (np.unique(column, return_inverse=True) for column in (alliance, expert, coder))
    size, number = a.max() + 1, e.max() + 1
    design = TwoWay(a, e, y, size, number)
    values = np.full((c.max() + 1, size), np.nan)
    values[c, a] = y
    draws = DRAWS[int(size * number > MANY)]
    weights = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), draws).astype(float)
    at_once = max(AT_ONCE // (size * number), 1)
    iccs = np.concatenate([design.icc_of(weights[start:start + at_once])["one"] for start in range(0, draws, at_once)])
    icc, of_all = design.icc(), alpha(values)
    return Agreement(name, number, size, design.parts, icc, _interval(icc["one"], iccs, size), of_all,
                     _interval(of_all, _alphas(design, weights), size))


def _interval(value: float, draws: np.ndarray, size: int) -> tuple[float, float]:
    """The 95 % interval of a coefficient from its resampled values: Student's t on the scale log(x / (1 - x)).

    Percentiles, which are too narrow for a few dozen alliances, only where the value is next to 0 or 1 and has no logarithm.
    """
    from scipy import special

    good = draws[np.isfinite(draws)]
    if not np.isfinite(value) or good.size < 2:
        return float("nan"), float("nan")
    if not NEAR < value < 1 - NEAR:
        low, high = np.percentile([*good, value], [50 * (1 - CONFIDENT), 50 * (1 + CONFIDENT)])
        return min(float(low), value), max(float(high), value)
    spread = special.logit(np.clip(good, NEAR, 1 - NEAR)).std(ddof=1) * np.sqrt(size / max(size - 1, 1))
    reach = special.stdtrit(max(size - 1, 1), (1 + CONFIDENT) / 2) * spread
    low, high = special.expit(special.logit(value) + np.array([-reach, reach]))
    return float(low), float(high)


def deviations(alliance: np.ndarray, expert: np.ndarray, stage: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Each total less the mean of the other experts' for the same alliance at the same stage; NaN where there is no other."""
    _, of = np.unique(stage.astype(np.int64) * (alliance.max(initial=0) + 1) + alliance, return_inverse=True)
    number, total = np.bincount(of), np.bincount(of, weights=y)
    with np.errstate(invalid="ignore", divide="ignore"):
        return y - (total[of] - y) / (number[of] - 1)


def relative_spread(alliance: np.ndarray, expert: np.ndarray, stage: np.ndarray, y: np.ndarray) -> dict[int, float]:
    """For each expert the spread of the totals over that of another on the same alliances, the median of all the others.

    NaN for an expert who shares fewer than three alliances with everybody; pairs of which one gave the same total to all of
    them are left out.
    """
    _, of = np.unique(stage.astype(np.int64) * (alliance.max(initial=0) + 1) + alliance, return_inverse=True)
    there, values = np.zeros((2, of.max(initial=-1) + 1, expert.max(initial=-1) + 1))
    there[of, expert], values[of, expert] = 1, y - y.mean()
    shared = there.T @ there
    np.fill_diagonal(shared, 0)
    with np.errstate(invalid="ignore", divide="ignore"):  # row and column: the first one's totals on what both marked
        variance = values.T ** 2 @ there / shared - (values.T @ there / shared) ** 2
        ratios = np.sqrt(np.where((shared >= SHARED) & (variance > 1e-9) & (variance.T > 1e-9), variance / variance.T, np.nan))
    return {place: float(np.median(mine)) if (mine := ratios[place][~np.isnan(ratios[place])]).size else float("nan")
            for place in np.unique(expert).tolist()}
