"""The charts of the internal report, in the manner of `analysis.charts`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from analysis.registry import short
from analysis.blocks import Figure, Table
from analysis.breakdown import half_up
from analysis.charts import WIDE, colour, colour_key, drawn, ink
from analysis.grades import FAIR, GRADES, HIGH
from analysis.panel import words
from analysis.panel.scores import Scores
from analysis.panel.workbook import FIRST, SECOND, STAGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STAGE_COLOURS = {FIRST: FAIR, SECOND: HIGH}
MOST_ROWS = 40


def deviations(work: Scores) -> Figure | None:
    """A point for each alliance an expert marked: the total less the mean of the others in the group; a line at the mean.

    None where no two experts marked the same alliance at one stage.
    """
    told = sorted((use for use in words.use_of_scale(work) if np.isfinite(use.deviation)), key=lambda use: -use.deviation)
    if not told:
        return None
    message = f"平均偏离从{words.signed(told[-1].deviation, 1)}分到{words.signed(told[0].deviation, 1)}分"
    alt = "带状散点图，每位专家的总分与同组其他专家的平均之差。平均偏离：" + "，".join(
        f"{use.expert.key} {words.signed(use.deviation)}分" for use in told) + "。"
    rng = np.random.default_rng(0)  # where the points stand in their row means nothing
    height = 0.185 * len(told) + 1.05

    def draw(axes: Axes) -> None:
        axes.set_position((0.09, 0.5 / height, 0.89, 1 - 1.05 / height))
        for place, use in enumerate(told):
            for stage, values in use.deviations.items():
                axes.plot(values, place + rng.uniform(-0.28, 0.28, len(values)), ".", markersize=3.2,
                          color=colour(STAGE_COLOURS[stage]), markeredgewidth=0)
            axes.plot([use.deviation] * 2, [place - 0.4, place + 0.4], color=colour("accent"), linewidth=1.6)
        axes.axvline(0, color=colour("quiet"), linewidth=0.8, zorder=0)
        axes.set_yticks(range(len(told)), [use.expert.key for use in told], size=7.5)
        axes.set(ylim=(len(told) - 0.4, -0.6), xlabel="与同组其他专家平均之差（分；右边为偏宽，左边为偏严）")
        axes.grid(axis="x")
        axes.grid(axis="y", visible=False)
        colour_key(axes, [(STAGE_COLOURS[stage], stage) for stage in work.panel.stages], y=1.005)

    records = [{"专家": use.expert.key, "阶段": stage, "总分与同组其他专家平均之差": round(float(value), 4)}
               for use in told for stage, values in use.deviations.items() for value in values]
    return Figure("deviations", "各专家的总分与同组其他专家平均之差", alt, drawn(WIDE, height, draw, message, alt), records=records)


def stages(work: Scores) -> Figure | None:
    """The two stage scores of those whose grade differs between them; None where nobody's does."""
    moved = words.moved(work)
    if not moved:
        return None
    shown = sorted(sorted(moved, key=lambda one: -abs(one.stages[1] - one.stages[0]))[:MOST_ROWS], key=lambda one: -one.stages[0])
    up = sum(one.stages[1] > one.stages[0] for one in moved)
    message = f"{len(moved)}家初评与会评的等级不同：会评较高的{up}家，较低的{len(moved) - up}家"
    alt = "哑铃图，初评与会评等级不同的联盟。" + "；".join(
        f"{short(one.entry.name)}初评{float(one.stages[0]):.2f}分，会评{float(one.stages[1]):.2f}分" for one in shown) + "。"
    height = 0.215 * len(shown) + 1.05

    def draw(axes: Axes) -> None:
        axes.set_position((0.34, 0.42 / height, 0.64, 1 - 1.0 / height))
        for place, one in enumerate(shown):
            first, second = map(float, one.stages)
            axes.plot([first, second], [place, place], color="#C9C9C9", linewidth=2, zorder=1)
            for stage, value in zip(STAGES, (first, second)):
                axes.plot(value, place, "o", markersize=6.5, color=colour(STAGE_COLOURS[stage]), zorder=2, markeredgecolor="white",
                          markeredgewidth=0.8)
        for floor in list(work.panel.scheme.floors.values())[:-1]:
            axes.axvline(floor, color=colour("accent"), linewidth=0.9, linestyle=(0, (4, 2)), zorder=0)
        axes.set_yticks(range(len(shown)), [short(one.entry.name) for one in shown], size=8)
        axes.set(ylim=(len(shown) - 0.4, -0.6), xlabel="阶段评分（虚线为分档线）")
        axes.grid(axis="y", visible=False)
        colour_key(axes, [(STAGE_COLOURS[stage], stage) for stage in STAGES], y=1.01)

    records = [{"联盟": one.entry.name, "代码": one.entry.code, FIRST: str(half_up(one.stages[0], 4)),
                SECOND: str(half_up(one.stages[1], 4))} for one in moved]
    caption = "初评与会评等级不同的联盟" + (f"（差距最大的{MOST_ROWS}家）" if len(moved) > MOST_ROWS else "")
    return Figure("stages", caption, alt, drawn(WIDE, height, draw, message, alt), records=records)


def indicators(work: Scores) -> Figure:
    """For each indicator and grade the mean mark in percent of its points."""
    rates, names = words.rates(work), [indicator.name for indicator in work.panel.indicators]
    grades = [grade for grade in GRADES if grade in rates]
    labels = [f"{work.panel.scheme.labels[grade]}\n（{sum(one.grade == grade for one in work.settled)}家）" for grade in grades]
    gaps = [max(rates[g][n] for g in grades) - min(rates[g][n] for g in grades) for n in range(len(names))]
    message = f"各档得分率相差最大的一项：{names[int(np.argmax(gaps))]}，{max(gaps) * 100:.0f}个百分点" if len(grades) > 1 else ""
    alt = "热力图，各档在各项指标上的平均得分率。" + "；".join(
        f"{name}：" + "、".join(f"{work.panel.scheme.labels[g]}{rates[g][n] * 100:.0f}%" for g in grades)
        for n, name in enumerate(names)) + "。"
    shades = LinearSegmentedColormap.from_list("grades", [colour(grade) for grade in reversed(GRADES)])
    height = 0.225 * len(names) + 0.95

    def draw(axes: Axes) -> None:
        axes.set_position((0.4, 0.04, 0.58, 1 - 0.85 / height))
        values = np.array([[rates[g][n] for g in grades] for n in range(len(names))])
        axes.pcolormesh(values, cmap=shades, vmin=0, vmax=1, edgecolors="white", linewidth=1.4)
        for row in range(len(names)):
            for column in range(len(grades)):
                fill = shades(values[row, column])
                axes.text(column + 0.5, row + 0.5, f"{values[row, column] * 100:.0f}%", ha="center", va="center", size=8,
                          color=ink(fill[:3]))
        axes.set_yticks(np.arange(len(names)) + 0.5, names, size=8)
        axes.set_xticks(np.arange(len(grades)) + 0.5, labels, size=8)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.set_ylim(len(names), 0)
        axes.grid(visible=False)
        for side in axes.spines.values():
            side.set_visible(False)

    records = [{"等级": g, "指标": name, "得分率": f"{rates[g][n] * 100:.2f}"} for g in grades for n, name in enumerate(names)]
    return Figure("indicators", "各档在各项指标上的平均得分率（得分占该项分值）", alt, drawn(WIDE, height, draw, message, alt), records=records)


def agreement(work: Scores) -> Figure | None:
    """ICC and α of each group and overall with their intervals, and a table of them; None where nobody can be compared."""
    found = words.agreements(work)
    if not found:
        return None
    alt = "区间图，各组专家的一致程度。" + "；".join(
        f"{a.name}：ICC {words.interval(a.icc['one'], a.icc_interval)}，α {words.interval(a.alpha, a.alpha_interval)}"
        for a in found) + "。"
    least = min((a for a in found if np.isfinite(a.icc["one"])), key=lambda a: a.icc["one"], default=None)
    message = f"单个专家的ICC最低的是{least.name}，{least.icc['one']:.3f}" if least else ""
    height = 0.27 * len(found) + 1.0
    series = ((HIGH, -0.14, "ICC（单个专家，绝对一致）", [(a.icc["one"], a.icc_interval) for a in found]),
              ("2", 0.14, "Krippendorff α（等距）", [(a.alpha, a.alpha_interval) for a in found]))

    def draw(axes: Axes) -> None:
        axes.set_position((0.15, 0.42 / height, 0.83, 1 - 0.97 / height))
        for key, apart, _, points in series:
            for place, (value, ends) in enumerate(points):
                axes.plot(ends, [place + apart] * 2, color=colour(key), linewidth=1.6)
                axes.plot(value, place + apart, "o", markersize=5.5, color=colour(key), markeredgecolor="white", markeredgewidth=0.7)
        least = np.nanmin([0.9, *(end for _, _, _, points in series for value, ends in points for end in (value, *ends))])
        axes.set_yticks(range(len(found)), [one.name for one in found], size=8)
        axes.set(ylim=(len(found) - 0.4, -0.6), xlim=(least - 0.02, 1.005),
                 xlabel="一致程度（1为完全一致）；横线为只重抽联盟的95%区间")
        axes.grid(axis="x")
        axes.grid(axis="y", visible=False)
        colour_key(axes, [(key, label) for key, _, label, _ in series], y=1.01)

    records = [{"范围": a.name, "专家数": a.experts, "联盟数": a.alliances, "片数": a.parts} | {
        what: words.number(value, 4) for what, value in (
            ("ICC", a.icc["one"]), ("ICC下限", a.icc_interval[0]), ("ICC上限", a.icc_interval[1]), ("平均分ICC", a.icc["many"]),
            ("alpha", a.alpha), ("alpha下限", a.alpha_interval[0]), ("alpha上限", a.alpha_interval[1]))} for a in found]
    rows = [[a.name, str(a.experts), str(a.alliances), str(a.parts), words.interval(a.icc["one"], a.icc_interval),
             words.number(a.icc["many"], 3), words.interval(a.alpha, a.alpha_interval)] for a in found]
    columns = ["范围", "专家", "联盟", "片", "ICC（单个专家）", "ICC（平均分）", "α"]
    table = Table("", "", columns, rows, "lrrrrrr", stretch=-1)
    return Figure("agreement", "各组专家的一致程度", alt, drawn(WIDE, height, draw, message, alt), table, records, below=True)
