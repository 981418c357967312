"""The drawings of the internal report, in the manner of `analysis.charts`: frame -> Axes, or None where it has no rows."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from analysis.charts import canvas, colour, legend
from analysis.grades import Scheme
from analysis.panel.workbook import STAGES


def _rows(names: pd.Series | pd.Index, scale: str) -> Axes:
    """Axes with a row for each name, from the top."""
    axes = canvas(0.155 * len(names) + 0.8)
    axes.set_yticks(range(len(names)), names, size=8)
    axes.set(ylim=(len(names) - 0.4, -0.6), xlabel=scale)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    return axes


def severities(experts: pd.DataFrame) -> Axes | None:
    """A row for each expert (`Scores.experts`) whose severity can be told, with its 95 % interval."""
    told = experts.dropna(subset=["宽严"])
    if told.empty:
        return None
    axes = _rows(told["专家"], "宽严（分；右边为偏宽，左边为偏严；横线为95%区间）")
    for place, one in enumerate(told.itertuples()):
        shade = colour("accent") if one.提示 else colour("第二批")
        axes.errorbar(one.宽严, place, xerr=one.上限 - one.宽严, fmt="o", color=shade, markersize=5, markeredgecolor="white")
    axes.axvline(0, color=colour("quiet"), linewidth=0.8, zorder=0)
    return axes


def stages(scores: pd.DataFrame, scheme: Scheme) -> Axes | None:
    """The two stage scores of each row, joined by a line; the cut-offs are broken lines."""
    if scores.empty:
        return None
    axes = _rows(scores.index, "阶段评分（虚线为分档线）")
    axes.hlines(range(len(scores)), scores[STAGES[0]], scores[STAGES[1]], color="#C9C9C9", linewidth=2, zorder=1)
    for stage in STAGES:
        axes.plot(scores[stage], range(len(scores)), "o", markersize=6.5, color=colour(stage), markeredgecolor="white")
    for floor in filter(None, scheme.floors.values()):
        axes.axvline(floor, color=colour("accent"), linewidth=0.9, linestyle=(0, (4, 2)), zorder=0.9)
    legend(axes, STAGES)
    return axes
