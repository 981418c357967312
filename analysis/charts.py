"""Frame -> drawing. A chart takes a frame or a Series and words, knows nothing about a notebook, and returns its Axes.

Colours and order come from the names in the frame, never from their position; looks are in style/.
"""

from __future__ import annotations

import math
import re
import tomllib
import zlib
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.grades import BEST_FIRST, CALLED, GRADES, LOW, Scheme
from analysis.shares import Share

STYLE = Path(__file__).parent / "style"
PALETTE = tomllib.loads((STYLE / "palette.toml").read_text("utf8"))
COLOURS = {name: fill for colours in PALETTE.values() for name, fill in colours.items()}
WIDE = 6.3  # inches, as wide as a page
GOLDEN = 0.618034  # of a turn: hues that far apart never come close
DIGITS = "一二三四五六七八九十"
GRADED = {*PALETTE["grades"], *PALETTE["absent"], "网员联盟"}
NOTED = re.compile(r"第.+批|[\d-]+|\d+~\d+")


def canvas(height: float, width: float = WIDE, title: str = "", rows: int = 1, columns: int = 1, **more: object):
    """New Axes, or an array of them, `width` × `height` inches under a headline, placed by the layout."""
    figure, axes = plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **more)
    if title:
        figure.suptitle(title, x=0.012, ha="left", weight="bold", size=10.5)
    return axes


def colour(name: str) -> str:
    """The one colour of a grade, a batch or a state; another name gets a hue of its own, always the same."""
    if name in COLOURS:
        return COLOURS[name]
    place = DIGITS.find(name[1:2]) if name[:1] == "第" else zlib.crc32(name.encode()) % 97
    return to_hex(hsv_to_rgb((place * GOLDEN % 1, 0.5, 0.7))).upper()


def ink(fill: str) -> str:
    """Black or white, whichever is read more easily on a fill."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(fill))
    return "white" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.3 else "#222222"


def hatch(name: str) -> str | None:
    return "////" if name in PALETTE["absent"] else None


def called(name: object) -> str:
    """What the report calls a grade; any other name as it is."""
    return CALLED.get(str(name), str(name))


def stands_for(artist: Artist, *names: object, each: bool = False) -> None:
    """Note in a drawing that a mark stands for a grade, a batch, a period or a range of scores (`85~90`), or `each` of its marks, or the
    same number of them, for an alliance; a page lights it up. The note is the gid, in letters that XML takes: `pictures` reads it."""
    noted = [called(name) for name in names if each or str(name) in GRADED or NOTED.fullmatch(str(name))]
    told = [re.sub(r"[\W_]", lambda letter: f"-{ord(letter[0]):x}-", name.removesuffix("产业技术创新战略联盟")) for name in noted]
    place = f"{artist.figure.axes.index(artist.axes)}-{len(artist.axes.get_children())}"  # alike marks are told apart
    artist.set_gid(".".join(["who" if each else "in", place, *told]) if told else None)


def legend(axes: Axes | Figure, names: Iterable[str] | Mapping[str, str], **more: object) -> None:
    """A line of coloured squares with their names above the axes."""
    words = names if isinstance(names, Mapping) else {name: called(name) for name in names}
    handles = [Patch(facecolor=colour(name), edgecolor="#9A9A9A", linewidth=0.4, hatch=hatch(name), label=label)
               for name, label in words.items()]
    axes.legend(handles=handles, **{"ncols": len(handles), "loc": "lower left", "bbox_to_anchor": (-0.005, 1.0)} | more)


def pies(shares: pd.DataFrame, title: str = "", of: str = "") -> Axes:
    """A row of pies of counts and shares (`shares.of`), one for each value of the first index level, from 12 o'clock, clockwise; names
    stand on the slices, or in a key where there are many.

    `of` is the batch that all are of."""
    groups = list(shares.index.unique(0))
    named = len(groups) < 3
    axes = canvas(2.6 if named else 2.45, title=title)
    part_of = shares.iloc[:, 0] / shares.iloc[:, 0].groupby(level=0).transform("sum")
    inside = 0.155 if named else 0.095  # counts and shares without a name take less room
    thin = bool(((part_of > 0) & (part_of < inside)).any())
    reach = (1.76 if named else 1.42) if thin else 1.06
    apart = max(2 * reach, (6.7 if named else 9) / len(groups))  # as wide as the figure, where that leaves room
    axes.figure.get_layout_engine().set(h_pad=0.06)
    axes.set(aspect="equal", xlim=(-apart / 2, (len(groups) - 0.5) * apart), ylim=(-1.04, 1.36))
    axes.axis("off")
    for place, group in enumerate(groups):
        part = shares.loc[group]
        axes.text(place * apart, 1.13, f"{called(group)}（{part.iloc[:, 0].sum()}家）", ha="center", va="bottom", size=9, weight="bold")
        _pie(axes, place * apart, part, named, inside, (of, group))
    if not named:
        legend(axes.figure, shares.index.unique(1), loc="outside lower center", bbox_to_anchor=None)
    return axes


def _pie(axes: Axes, place: float, shares: pd.DataFrame, names: bool, inside: float, of: Iterable[str]) -> None:
    """One pie `of` a batch or a grade, `place` to the right; a slice thinner than `inside` has its label outside."""
    shares = shares[shares.iloc[:, 0] > 0]
    whole = shares.iloc[:, 0].sum()
    if shares.empty:
        axes.text(place, 0, "没有联盟", ha="center", va="center", size=9)
        return
    wedges, *_ = axes.pie(shares.iloc[:, 0], colors=[colour(name) for name in shares.index], startangle=90, counterclock=False,
                          center=(place, 0), frame=True, wedgeprops={"linewidth": 1.6 if len(shares) > 1 else 0, "edgecolor": "white"})
    outside = []
    for wedge, (name, row) in zip(wedges, shares.iterrows()):
        wedge.set_hatch(hatch(name))
        stands_for(wedge, *of, name)
        middle = math.radians((wedge.theta1 + wedge.theta2) / 2)
        words = [*([called(name)] if names else []), f"{row.iloc[0]:.0f}家", f"{row.iloc[1]:.2f}%"]
        if row.iloc[0] < inside * whole:
            outside.append((middle, f"{words[0]}\n{' '.join(words[1:])}" if names else "\n".join(words)))
            continue
        far = (0.62 if names else 0.7) if len(shares) > 1 else 0
        ground = {"boxstyle": "round,pad=0.15", "fc": colour(name), "ec": "none"} if hatch(name) else None
        axes.text(place + far * math.cos(middle), far * math.sin(middle), "\n".join(words), ha="center", va="center",
                  color=ink(colour(name)), size=8 if names else 7, linespacing=1.15, bbox=ground)
    _labels_outside(axes, place, outside, 7.5 if names else 7)


def _labels_outside(axes: Axes, place: float, labels: list[tuple[float, str]], size: float) -> None:
    """Labels of thin slices beside the pie, moved apart where they would touch."""
    for side in (1, -1):
        here = sorted((pair for pair in labels if math.copysign(1, math.cos(pair[0])) == side), key=lambda pair: -math.sin(pair[0]))
        lowest = 0.86
        for order, (middle, words) in enumerate(here):
            height = min(max(1.12 * math.sin(middle), -0.88 + 0.3 * (len(here) - 1 - order)), lowest)
            lowest = height - 0.3
            axes.plot([place + math.cos(middle), place + side * 1.05], [math.sin(middle), height], color=colour("quiet"), linewidth=0.6)
            axes.text(place + side * 1.08, height, words, size=size, linespacing=1.1, ha="left" if side > 0 else "right", va="center")


def stacked(counts: pd.DataFrame, title: str = "", percent: bool = True, unit: str = "家") -> Axes:
    """A bar for each row of a table of counts, its columns one after the other (grades best first): of 100 %, or of counts.

    Without a `unit` the bars are thin, and bear the counts alone.
    """
    counts = counts[list(dict.fromkeys(name for name in [*BEST_FIRST, *counts.columns] if name in counts.columns))]
    wholes = counts.sum(axis=1)
    widths = counts.mul(100 / wholes.where(wholes > 0), axis=0).fillna(0) if percent else counts
    most = 100 if percent else wholes.max()
    axes = canvas((0.6 if percent else 0.42 if unit else 0.25) * len(counts) + 0.75, title=title)
    for name, left in (widths.cumsum(axis=1) - widths).items():
        bars = axes.barh(range(len(counts)), widths[name], left=left, height=0.68, color=colour(name), hatch=hatch(name), edgecolor="white",
                         linewidth=1.2)
        for bar, row in zip(bars, counts.index):
            stands_for(bar, row, name)
        words = [_on_bar(Share(*numbers), wide / most, percent, unit) for *numbers, wide in zip(counts[name], wholes, widths[name])]
        for place, (said, start, wide) in enumerate(zip(words, left, widths[name])):  # not `bar_label`, which cannot be pickled
            axes.text(start + wide / 2, place, said, ha="center", va="center", size=8, color=ink(colour(name)), linespacing=1.1)
    axes.set_yticks(range(len(counts)), [f"{called(row)}\n（{whole}家）" if percent else called(row) for row, whole in wholes.items()],
                    linespacing=1.4)
    axes.set(xlim=(0, most), ylim=(len(counts) - 0.5, -0.5), xticks=[])
    axes.spines[:].set_visible(False)
    legend(axes, counts)
    return axes


def _on_bar(share: Share, wide: float, percent: bool, unit: str) -> str:
    """The count and share on a piece of a bar, as much of it as there is room for; `wide` is its part of the axes."""
    if share.part and unit and wide >= (0.07 if percent else 0.2):
        return f"{share.part}{unit}{chr(10) if percent else ' '}{share}"
    return f"{share.part}{unit if wide >= 0.04 else ''}" if share.part else ""


def histogram(alliances: pd.DataFrame, scheme: Scheme, title: str = "") -> Axes | None:
    """How many of a roster have which score, in steps of 5 that the cut-offs divide; withheld scores are counted at their grade.

    Where no score is published nothing is drawn.
    """
    known = alliances["score"].dropna()
    if known.empty:
        return None
    withheld = alliances.loc[alliances["score"].isna() & alliances["grade"].notna(), "grade"].value_counts()
    edges = sorted({*range(0, 101, 5), *(int(floor) for floor in scheme.floors.values())})
    bins = pd.cut(known, [*edges[:-1], 100.5], right=False, labels=edges[:-1]).value_counts(sort=False)
    bins, ends = bins[bins > 0], dict(pairwise(edges))
    axes = canvas(2.7, title=title)
    bars = axes.bar([*bins.index], bins, width=[ends[low] - low for low in bins.index], align="edge",
                    color=[colour(scheme.grade(low)) for low in bins.index], edgecolor="white")
    for bar, (low, number) in zip(bars, bins.items()):
        stands_for(bar, f"{low}~{ends[low]}")
        axes.text((low + ends[low]) / 2, number, number, ha="center", va="bottom", size=8)
    first = min(bins.index) - (15 if withheld.sum() else 0)
    top = bins.max() * 1.3
    for grade in GRADES:
        start, end = max(scheme.floors[grade], first), scheme.ceiling(grade)
        if grade != LOW:
            axes.axvline(scheme.floors[grade], color=colour("accent"), linewidth=0.9, linestyle=(0, (4, 2)))
        words = called(grade) + (f"\n（{withheld[grade]}家未公布评分）" if withheld[grade] else "")
        if end > start:
            axes.text((start + end) / 2, top * 0.985, words, ha="center", va="top", size=8.5)
    axes.set(xlim=(first, 100.5), ylim=(0, top), xlabel="评分", yticks=[], xticks=[edge for edge in edges if edge >= first])
    axes.spines["left"].set_visible(False)
    return axes


def dots(shares: pd.DataFrame, title: str = "") -> Axes | None:
    """A line for each row of a table of percentages, with a dot for each grade; an empty table is not drawn."""
    if shares.empty:
        return None
    axes = canvas(0.29 * len(shares) + 0.9, title=title)
    places, alike = np.arange(len(shares)), shares.nunique(axis=1) < shares.shape[1]
    axes.hlines(places, shares.min(axis=1), shares.max(axis=1), color="#C9C9C9", linewidth=2, zorder=1)
    for order, (name, values) in enumerate(shares.items()):
        aside = 0.16 * (order - (shares.shape[1] - 1) / 2)
        axes.plot(values, places + aside * alike, "o", markersize=7.5, color=colour(name), zorder=2, markeredgecolor="white",
                  markeredgewidth=0.8)
    axes.set_yticks(range(len(shares)), shares.index)
    axes.set(xlim=(min(35, shares.min().min() - 5), 103), ylim=(len(shares) - 0.5, -0.5), xlabel="占比（%）")
    axes.grid(axis="x")
    legend(axes, shares.columns)
    return axes
