"""The drawings of the internal report, in the manner of `analysis.charts`: frame -> Axes, or None where it has no rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from analysis.charts import called, canvas, colour, ink, legend
from analysis.grades import GRADES, HIGH, Scheme
from analysis.panel.frames import number
from analysis.panel.workbook import STAGES


def _rows(axes: Axes, names: pd.Series | pd.Index, size: float = 8) -> None:
    """A row for each name, from the top; lines along the scale only."""
    axes.set_yticks(range(len(names)), names, size=size)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)


def deviations(deviations: pd.DataFrame, title: str = "") -> Axes | None:
    """A row for each expert (`frames.deviations`): a point for each total, a line at their mean; the most lenient first."""
    if deviations.empty:
        return None
    means = deviations.groupby("专家", sort=False)["偏离"].mean().sort_values(ascending=False)
    axes = canvas(0.185 * len(means) + 0.9, title=title)
    jitter = np.random.default_rng(0)  # where the points stand in their row means nothing
    for place, (expert, mean) in enumerate(means.items()):
        mine = deviations[deviations["专家"] == expert]
        for stage in STAGES:
            points = mine.loc[mine["阶段"] == stage, "偏离"]
            axes.plot(points, place + jitter.uniform(-0.28, 0.28, len(points)), ".", markersize=3.2, color=colour(stage), markeredgewidth=0)
        axes.plot([mean, mean], [place - 0.4, place + 0.4], color=colour("accent"), linewidth=1.6)
    axes.axvline(0, color=colour("quiet"), linewidth=0.8, zorder=0)
    axes.set_xlabel("与同组其他专家平均之差（分；右边为偏宽，左边为偏严）")
    _rows(axes, means.index, 7.5)
    legend(axes, [stage for stage in STAGES if (deviations["阶段"] == stage).any()])
    return axes


def stages(scores: pd.DataFrame, scheme: Scheme, title: str = "") -> Axes | None:
    """The two stage scores of each row, joined by a line; the cut-offs are broken lines."""
    if scores.empty:
        return None
    axes = canvas(0.215 * len(scores) + 0.85, title=title)
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


def rates(rates: pd.DataFrame, title: str = "") -> Axes:
    """Shares of points as a table of shades: a row for each indicator, a column for each grade."""
    shades = LinearSegmentedColormap.from_list("grades", [colour(grade) for grade in GRADES])
    axes = canvas(0.225 * len(rates) + 0.8, title=title)
    axes.pcolormesh(rates, cmap=shades, vmin=0, vmax=1, edgecolors="white", linewidth=1.4)
    for (row, column), value in np.ndenumerate(rates):
        axes.text(column + 0.5, row + 0.5, number(value, "%0"), ha="center", va="center", size=8, color=ink(shades(value)[:3]))
    axes.set_yticks(np.arange(len(rates)) + 0.5, rates.index, size=8)
    axes.set_xticks(np.arange(rates.shape[1]) + 0.5, map(called, rates.columns), size=8)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set_ylim(len(rates), 0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return axes


def agreement(groups: pd.DataFrame, title: str = "") -> Axes | None:
    """ICC and α of each group (`frames.agreement`) with their intervals."""
    if groups.empty:
        return None
    axes = canvas(0.27 * len(groups) + 0.9, title=title)
    keys = {HIGH: "ICC（单个专家，绝对一致）", "第二批": "Krippendorff α（等距）"}
    for (key, apart), value in zip(((HIGH, -0.14), ("第二批", 0.14)), ("ICC", "α")):
        places = np.arange(len(groups)) + apart
        axes.hlines(places, groups[f"{value}下限"], groups[f"{value}上限"], color=colour(key), linewidth=1.6)
        axes.plot(groups[value], places, "o", markersize=5.5, color=colour(key), markeredgecolor="white", markeredgewidth=0.7)
    least = groups[["ICC", "α", "ICC下限", "α下限"]].min(axis=None)
    axes.set(xlim=(min(0.9, least) - 0.02, 1.005), xlabel="一致程度（1为完全一致）；横线为只重抽联盟的95%区间")
    _rows(axes, groups["范围"])
    legend(axes, keys)
    return axes
