"""Exact shares, rounded half up once, when shown; and how changes and small numbers are written."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from analysis.grades import HIGH

if TYPE_CHECKING:
    import pandas as pd


def half_up(number: Fraction | int, places: int = 2) -> Decimal:
    """An exact number rounded half up, as the reports do and `round` does not.

    >>> half_up(Fraction(500, 32))
    Decimal('15.63')
    """
    rounded = int(abs(Fraction(number)) * 10 ** places + Fraction(1, 2))
    return Decimal(rounded if number >= 0 else -rounded).scaleb(-places)


class Share(NamedTuple):
    """`part` of `whole`, exact; as text it is its percentage with two places."""

    part: int
    whole: int

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.part, self.whole) if self.whole else Fraction(0)

    def __str__(self) -> str:
        """`45.54%`; `—` where the whole is nothing."""
        return percent(self.fraction) if self.whole else "—"


def share(part: pd.DataFrame | pd.Series | int, of: pd.DataFrame | pd.Series | int) -> Share:
    """The share of some rows in others. Frames and Series are rows, a boolean Series is those rows where it holds.

    Raises ValueError where the part is no part of the whole.
    """
    inside, whole = _rows(part), _rows(of)
    if isinstance(inside, int) or isinstance(whole, int):
        n, m = (rows if isinstance(rows, int) else len(rows) for rows in (inside, whole))
        strangers = n > m or n < 0
    else:
        n, m, strangers = len(inside), len(whole), not inside.isin(whole).all()
    if strangers:
        raise ValueError(f"{n} is no part of {m}: the share names the wrong whole")
    return Share(n, m)


def _rows(of: pd.DataFrame | pd.Series | int) -> pd.Index | int:
    if not hasattr(of, "index"):
        return int(of)
    return of.index[of] if of.ndim == 1 and of.dtype.kind == "b" else of.index


def column(part: pd.Series | pd.DataFrame, whole: pd.Series | int) -> pd.Series | pd.DataFrame:
    """Counts as percentages of whole numbers, half up to two places; a table column by column. Raises ValueError for a part
    larger than its whole."""
    if part.ndim == 2:
        return part.apply(column, args=(whole,))
    whole = whole.reindex(part.index) if hasattr(whole, "reindex") else whole
    if ((part > whole) | (part < 0)).any():
        raise ValueError("a part is larger than its whole: the share names the wrong whole")
    whole = whole + 0 * part
    return ((2 * 10_000 * part + whole) // (2 * whole.where(whole > 0)) / 100).astype(float)


def of(values: pd.Series) -> pd.DataFrame:
    """The counts and shares of a category in its order, grades best first: 联盟数 and 占比 (percent of all values)."""
    counts = values.value_counts(sort=False).sort_index(ascending=HIGH not in values.cat.categories)
    return counts.to_frame("联盟数").assign(占比=column(counts, int(counts.sum())))


def percent(fraction: Fraction, places: int = 2) -> str:
    """An exact share in percent: `23.76%`."""
    return f"{half_up(fraction * 100, places)}%"


def signed(number: Fraction | int, places: int = 2) -> str:
    """A change with its sign: `+16.93`, `−4.10`."""
    rounded = half_up(number, places)
    return f"+{rounded}" if rounded > 0 else f"−{-rounded}" if rounded < 0 else str(half_up(0, places))


def gained(points: float) -> str:
    """A change of scores with its sign and the decimals that it has, six at most: `+8`, `−2.5`."""
    text = f"{round(points, 6):+.10g}"
    return text.replace("-", "−") if float(text) else "0"


def p_value(p: float) -> str:
    """A p-value to three places: `0.043`, `<0.001`."""
    return f"{p:.3f}" if p >= 0.001 else "<0.001"
