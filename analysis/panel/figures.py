"""The drawings of the internal report, in the manner of `analysis.charts`: frame -> Axes, or None where it has no rows."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from analysis.charts import canvas, colour, legend
from analysis.grades import Scheme
from analysis.panel.workbook import STAGES


def _rows(axes: Axes, names: pd.Series | pd.Index) -> None:
    """A row for each name, from the top; lines along the scale only."""
    axes.set_yticks(range(len(names)), names, size=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)


def severities(experts: pd.DataFrame, title: str = "") -> Axes | None:
    """A row for each expert (`frames.experts`) whose severity can be told, with its 95 % interval."""
    told = experts.dropna(subset=["宽严"])
    if told.empty:
        return None
    axes = canvas(0.165 * len(told) + 0.75, title=title)
    for place, one in enumerate(told.itertuples()):
        shade = colour("accent") if one.提示 else colour("第二批")
        axes.plot([one.下限, one.上限], [place, place], color=shade, linewidth=1.6)
        axes.plot(one.宽严, place, "o", markersize=5, color=shade, markeredgecolor="white", markeredgewidth=0.7)
    axes.axvline(0, color=colour("quiet"), linewidth=0.8, zorder=0)
    axes.set_xlabel("宽严（分；右边为偏宽，左边为偏严；横线为95%区间）")
    _rows(axes, told["专家"] if told["片"].nunique() == 1 else told["专家"] + "（" + told["片"] + "）")
    return axes


def stages(scores: pd.DataFrame, scheme: Scheme, title: str = "") -> Axes | None:
    """The two stage scores of each row, joined by a line; the cut-offs are broken lines."""
    if scores.empty:
        return None
    axes = canvas(0.19 * len(scores) + 0.85, title=title)
    for place, (first, second) in enumerate(scores[[*STAGES]].itertuples(index=False)):
        axes.plot([first, second], [place, place], color="#C9C9C9", linewidth=2, zorder=1)
        for stage, score in zip(STAGES, (first, second)):
            axes.plot(score, place, "o", markersize=6.5, color=colour(stage), zorder=2, markeredgecolor="white", markeredgewidth=0.8)
    for floor in filter(None, scheme.floors.values()):
        axes.axvline(floor, color=colour("accent"), linewidth=0.9, linestyle=(0, (4, 2)), zorder=0.9)
    axes.set_xlabel("阶段评分（虚线为分档线）")
    _rows(axes, scores.index)
    legend(axes, STAGES)
    return axes
