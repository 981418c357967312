"""The drawings that only the trend report has, in the looks of `charts`: frame -> Axes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from analysis.charts import COLOURS, called, canvas, colour, hatch, ink, legend
from analysis.grades import HIGH, STATES
from analysis.shares import half_up, signed
from analysis.trends import FEW_PERIODS, regression

EDGE = {"markeredgecolor": "#5B5B5B", "markeredgewidth": 0.5}


def _names(periods: Iterable[str]) -> list[str]:
    """The names of periods, in two lines where there are many."""
    names = [*periods]
    return names if len(names) <= FEW_PERIODS else [name.replace("-", "-\n") for name in names]


def coverage(shares: pd.DataFrame, title: str = "") -> Axes:
    """A line for each row of a table of percentages by period; the row 全部 is dashed."""
    axes = canvas(2.7, title=title)
    for name, row in shares.iterrows():
        fill = colour(name) if name != "全部" else "#222222"
        axes.plot(range(len(row)), row, "--" if name == "全部" else "-", color="#6B6B6B", linewidth=2.8)
        axes.plot(range(len(row)), row, "o--" if name == "全部" else "o-", color=fill, linewidth=2, label=f"{name} {row.iloc[-1]:.2f}%", **EDGE)
    axes.set_xticks(range(shares.shape[1]), _names(shares.columns))
    axes.set(ylim=(0, 103), ylabel="参评的占比（%）")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), title=shares.columns[-1])
    return axes


def means(means: pd.DataFrame, title: str = "") -> Axes:
    """By period the mean of published scores, the bounds that withheld ones leave, and the mean of those published in both of two."""
    axes, places = canvas(3.0, title=title), {period: place for place, period in enumerate(means.index)}
    low, high = means["至少"].astype(float), means["至多"].astype(float)
    lines = [("公布评分的平均", "平均", "o--", "quiet", -13), ("两期都公布评分的联盟的平均", "两期都公布者平均", "o-", HIGH, 8)]
    for label, column, kind, fill, above in lines:
        line = means[column].astype(float).dropna()
        axes.plot([places[period] for period in line.index], line, kind, color=colour(fill), label=label)
        for period, value in line.items():
            aside = 12 if fill == "quiet" and high[period] > low[period] else 0
            axes.annotate(str(half_up(value, 1)), (places[period], value), (aside, above), textcoords="offset points", size=8, ha="center",
                          color=colour(fill))
    open_ = high > low
    axes.bar(np.flatnonzero(open_), (high - low)[open_], bottom=low[open_], width=0.1, color=colour("信息不完整"), edgecolor="#8A8A8A",
             linewidth=0.5, hatch="////", zorder=0, label="计入未公布评分后的范围" if open_.any() else "")
    axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(-0.01, 1.0))
    axes.set_xticks(range(len(means)), _names(means.index))
    axes.set(xlim=(-0.3, len(means) - 0.7), ylim=(low.min() - 8, min(high.max() + 12, 107)), ylabel="平均分")
    return axes


def spans(frame: pd.DataFrame, words: pd.Series, title: str = "", xlabel: str = "", hollow: pd.Series | None = None) -> Axes | None:
    """A line for each row of value, low and high (its columns, in this order), with a dot at the value, another, hollow, where it
    is given, and words at the right.
    """
    if frame.empty:
        return None
    axes, places = canvas((0.3 if hollow is None else 0.17) * len(frame) + 0.9, title=title), range(len(frame))
    value, low, high = (frame.iloc[:, column] for column in range(3))
    axes.hlines(places, low, high, color="#9A9A9A" if hollow is None else "#BDBDBD", linewidth=1.8, zorder=1)
    if hollow is not None:
        axes.scatter(hollow, places, color="white", edgecolors="#5B5B5B", linewidths=0.5, s=30)
    axes.scatter(value, places, color=[COLOURS.get(name, "#222222") for name in frame.index], edgecolors="#5B5B5B", linewidths=0.5, s=45)
    for place, said in enumerate(words):
        axes.annotate(said, (1.01, place), xycoords=axes.get_yaxis_transform(), va="center", size=8, annotation_clip=False)
    axes.set_yticks(places, map(called, frame.index), size=9 if hollow is None else 7.5)
    axes.set(ylim=(len(frame) - 0.5, -0.5), xlabel=xlabel)
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x")
    return axes


def alluvial(transitions: pd.DataFrame, title: str = "") -> Axes:
    """How alliances flow from state to state over the periods: from_period, to_period, state_before, state_after, alliances."""
    flows = [here for _, here in transitions.groupby(["from_period", "to_period"], sort=False)]
    periods = [flows[0]["from_period"].iloc[0], *(here["to_period"].iloc[0] for here in flows)]
    totals = [flows[0].groupby("state_before")["alliances"].sum(), *(here.groupby("state_after")["alliances"].sum() for here in flows)]
    order, whole, few = STATES[::-1], int(totals[0].sum()), len(periods) <= FEW_PERIODS
    axes, bar, starts = canvas(4.0, title=title), 0.16 if few else 0.22, []
    for place, total in enumerate(totals):
        top, start = whole * (1 + 0.03 * len(order)), {}
        axes.text(place, top + whole * 0.02, _names(periods)[place], ha="center", va="bottom", weight="bold", size=8)
        for state in order:
            start[state], n = top, int(total.get(state, 0))
            if n:
                axes.add_patch(Rectangle((place - bar / 2, top - n), bar, n, facecolor=colour(state), edgecolor="#8A8A8A", linewidth=0.4,
                                         hatch=hatch(state)))
            side = (-1 if place == 0 else 1 if place == len(periods) - 1 else 0) if few else 0
            if n and side:
                axes.text(place + side * bar * 0.6, top - n / 2, f"{called(state)} {n}", va="center", size=8, ha="right" if side < 0 else "left")
            elif n >= whole * 0.03:
                axes.text(place, top - n / 2, n, ha="center", va="center", size=7, color=ink(colour(state)))
            top -= n + whole * 0.03
        starts.append(start)
    for place, here in enumerate(flows):
        left, right = dict(starts[place]), dict(starts[place + 1])
        for row in here.sort_values(["state_before", "state_after"], ascending=False).itertuples():
            _ribbon(axes, (place + bar / 2, place + 1 - bar / 2), (left[row.state_before], right[row.state_after]), row.alliances,
                    colour(row.state_before))
            left[row.state_before] -= row.alliances
            right[row.state_after] -= row.alliances
    aside = 0.4 * (len(periods) - 1) if few else 0.2
    axes.set(xlim=(-aside, len(periods) - 1 + aside), ylim=(-1, whole * 1.32))
    axes.axis("off")
    if not few:
        legend(axes, [state for state in order if any(total.get(state, 0) for total in totals)], loc="upper left", bbox_to_anchor=(0, 0))
    return axes


def _ribbon(axes: Axes, ends: tuple[float, float], tops: tuple[float, float], thick: int, fill: str) -> None:
    (x0, x1), (top0, top1), middle = ends, tops, sum(ends) / 2
    points = [(x0, top0), (middle, top0), (middle, top1), (x1, top1), (x1, top1 - thick), (middle, top1 - thick),
              (middle, top0 - thick), (x0, top0 - thick), (x0, top0)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path(points, codes), facecolor=fill, edgecolor="#9A9A9A", linewidth=0.2, alpha=0.55))


def scatter(known: pd.DataFrame, earlier: str, later: str, title: str = "") -> Axes | None:
    """score_before and score_after of each alliance by batch, the line of equality and the fitted line."""
    if known.empty:
        return None
    axes, fit = canvas(3.9, title=title), regression(known["score_before"], known["score_after"])
    low = known[["score_before", "score_after"]].min().min() - 4
    axes.plot([low, 101], [low, 101], color=colour("quiet"), linewidth=0.9, linestyle=(0, (4, 2)))
    axes.annotate("两期相同", (low + 8, low + 8), (6, -6), textcoords="offset points", size=7, color="#5B5B5B")
    for batch, here in known.groupby("batch"):
        axes.plot(here["score_before"], here["score_after"], "o", color=colour(batch), markersize=5, **EDGE)
    if fit:
        ends = np.array([known["score_before"].min(), known["score_before"].max()])
        axes.plot(ends, fit["intercept"] + fit["slope"] * ends, color=colour("accent"), linewidth=1.2)
        axes.annotate("回归线", (ends[0], fit["intercept"] + fit["slope"] * ends[0]), (0, -10), textcoords="offset points", size=7,
                      color=colour("accent"))
    axes.set(xlim=(low, 102), ylim=(low, 104), xlabel=f"{earlier}评分", ylabel=f"{later}评分")
    legend(axes, [batch for batch in known["batch"].cat.categories if (known["batch"] == batch).any()])
    return axes


def waterfall(parts: pd.DataFrame, earlier: str, later: str, title: str = "") -> list[Axes]:
    """From each grade's earlier share to its later one by stayers, entrants and leavers, in points."""
    parts = parts.astype(float)
    panels = canvas(2.7, title=title, columns=len(parts), sharey=True)
    for axes, (grade, row) in zip(panels, parts.iterrows()):
        levels = np.cumsum([0, row["before"], row["stayers"], row["entrants"], row["leavers"]])
        steps = [(earlier, 0, row["before"]), *zip(("留下", "新来", "离开"), levels[1:], (row["stayers"], row["entrants"], row["leavers"])),
                 (later, 0, row["after"])]
        for place, (_, start, value) in enumerate(steps):
            total = place in (0, 4)
            axes.bar(place, value, bottom=start, width=0.72, edgecolor="#6B6B6B", linewidth=0.4, hatch="" if total or value >= 0 else "////",
                     color=colour(grade) if total else "#C9C9C9" if value >= 0 else "white")
            words = half_up(value, 1) if total else signed(value, 1)
            axes.annotate(words, (place, max(start, start + value)), (0, 2), textcoords="offset points", ha="center", size=7)
        axes.set_xticks(range(5), [name.replace("-", "-\n") for name, *_ in steps], size=7)
        axes.set_title(called(grade), size=9.5)
        axes.axhline(0, color="#8A8A8A", linewidth=0.6)
        axes.set(yticks=[])
        axes.margins(y=0.12)
        axes.spines["left"].set_visible(False)
    return [*panels]


def shifts(table: pd.DataFrame, title: str = "") -> Axes:
    """How many rise (to the right) and fall (to the left) a grade, row by row: columns 上升 and 下降."""
    axes = canvas(1.7, title=title)
    for name, turn in (("上升", 1), ("下降", -1)):
        bars = axes.barh(range(len(table)), turn * table[name], color=colour(name), edgecolor="#6B6B6B", linewidth=0.4, height=0.62)
        axes.bar_label(bars, [f"{name}{n}家" if n else "" for n in table[name]], padding=3, size=8)
    axes.axvline(0, color="#5B5B5B", linewidth=0.8)
    axes.set_yticks(range(len(table)), table.index)
    axes.set(ylim=(len(table) - 0.5, -0.5), xticks=[])
    axes.margins(x=0.2)
    return axes
