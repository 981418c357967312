"""The drawings that only the trend report has, in the looks of `charts`: frame -> Axes. They hold for two periods and for ten.

`breaks` are the periods from which on the grades have other floors: a dashed line stands before them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from analysis.charts import COLOURS, called, canvas, colour, hatch, ink, legend, stands_for
from analysis.grades import BEST_FIRST, FAIR, FAIRLY_HIGH, GRADES, HIGH, INCOMPLETE, LOW, NOT_EVALUATED, STATES, TOP_SCORE
from analysis.shares import half_up, signed
from analysis.trends import FEW_PERIODS, regression

EDGE = {"markeredgecolor": "#5B5B5B", "markeredgewidth": 0.5}
SMALL, GREY, MATRICES = 6.5, "#5B5B5B", 5  # a size of letters, and how many matrices stand in a row
WORDS = {"textcoords": "offset points", "size": SMALL, "annotation_clip": False}


def _names(periods: Iterable[str]) -> list[str]:
    """The names of periods, in two lines where there are many."""
    names = [*periods]
    return names if len(names) <= FEW_PERIODS else [name.replace("-", "-\n") for name in names]


def _years(axes: Axes, periods: Iterable[str], breaks: Iterable[str] = ()) -> None:
    """Periods along an axis of places; of many every second is named, the last always."""
    names = _names(periods)
    step = 1 if len(names) <= FEW_PERIODS else 3
    places = range(len(names) - 1, -1, -step)
    axes.set_xticks(places, [names[place] for place in places], size=7)
    axes.set_xlim(-0.35, len(names) - 0.65)
    for period in breaks:
        axes.axvline([*periods].index(period) - 0.5, color=colour("accent"), linewidth=0.9, linestyle=(0, (4, 2)))


# The findings of the first page

def findings(took_part: pd.DataFrame, means: pd.DataFrame, parts: pd.Series, changes: pd.DataFrame, failing: pd.Series,
             titles: Mapping[str, str]) -> list[Axes]:
    """The five findings in small: percentages by batch and period; mean, low and high by period; the parts of a share; mean, low and
    high of a change by batch; counts. `titles` has a title for each, in this order; the names of the parts are those of their Series.
    """
    panels = [*canvas(4.1, rows=2, columns=3).flat]
    for axes, title in zip(panels, titles):
        axes.set_title(title, size=8.5)
        axes.tick_params(labelsize=7)
    _lines(panels[0], took_part)
    _bracketed(panels[1], means)
    _steps(panels[2], parts.astype(float))
    _spans(panels[3], changes)
    bars = panels[4].barh(range(len(failing)), failing, color=colour(LOW), edgecolor=GREY, linewidth=0.4, height=0.6)
    panels[4].bar_label(bars, [f"{n}家" for n in failing], padding=3, size=7)
    panels[4].set_yticks(range(len(failing)), failing.index, size=7)
    panels[4].set(xticks=[], ylim=(len(failing) - 0.4, -0.6), xlim=(0, max(failing.max(), 1) * 1.3))
    panels[5].axis("off")
    legend(panels[5], took_part.index, loc="center left", bbox_to_anchor=(0, 0.5), ncols=1, title="批次的颜色")
    return panels[:5]


def _lines(axes: Axes, shares: pd.DataFrame) -> None:
    for name, row in shares.iterrows():
        axes.plot(range(len(row)), row, "-", color="#6B6B6B", linewidth=2.4)
        axes.plot(range(len(row)), row, "o--" if name == "全部" else "o-", color=colour(name), linewidth=1.7, markersize=4, **EDGE)
    axes.set(ylim=(0, 103))
    _years(axes, shares.columns)


def _bracketed(axes: Axes, means: pd.DataFrame) -> None:
    """A mean by period with the bounds that withheld scores leave."""
    value, low, high = (means.iloc[:, column].astype(float) for column in range(3))
    axes.vlines(range(len(means)), low, high, color=colour("accent"), linewidth=4, alpha=0.45)
    axes.plot(range(len(means)), value, "o--", color=colour(FAIRLY_HIGH), markersize=4)
    for place in range(len(means)) if len(means) <= FEW_PERIODS else (0, len(means) - 1):
        if value.iloc[place] == value.iloc[place]:
            axes.annotate(half_up(value.iloc[place], 1), (place, value.iloc[place]), (0, 5), ha="center", **WORDS)
    axes.set(ylim=(low.min() - 5, min(high.max() + 8, 107)))
    _years(axes, means.index)


def _steps(axes: Axes, parts: pd.Series) -> None:
    """From the first value to the last, both from nought, by the steps between them."""
    levels = np.cumsum([0, *parts.iloc[:-1]])
    for place, (value, start) in enumerate(zip(parts, [*levels[:-1], 0])):
        total = place in (0, len(parts) - 1)
        axes.bar(place, value, bottom=start, width=0.72, edgecolor="#6B6B6B", linewidth=0.4, hatch="" if total or value >= 0 else "////",
                 color=colour(HIGH) if total else "#C9C9C9" if value >= 0 else "white")
        axes.annotate(half_up(value, 1) if total else signed(value, 1), (place, max(start, start + value)), (0, 2), ha="center", **WORDS)
    axes.set_xticks(range(len(parts)), [name.replace("-", "-\n") for name in parts.index], size=SMALL)
    axes.set(yticks=[])
    axes.set_ylim(min(0, *levels), 1.2 * max(*levels, parts.iloc[-1], 1))


def _spans(axes: Axes, changes: pd.DataFrame) -> None:
    """A line from low to high for each row, with a dot at the value."""
    value, low, high = (changes.iloc[:, column].astype(float) for column in range(3))
    axes.hlines(range(len(changes)), low, high, color=colour("accent"), linewidth=4, alpha=0.45)
    axes.scatter(value, range(len(changes)), color=[colour(name) for name in changes.index], edgecolors=GREY, linewidths=0.5, s=26, zorder=3)
    axes.axvline(0, color="#8A8A8A", linewidth=0.7)
    axes.set_yticks(range(len(changes)), changes.index, size=7)
    axes.set(ylim=(max(len(changes), 1) - 0.4, -0.6))
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x")


# Batches and grades

def ladder(counts: pd.DataFrame, breaks: Iterable[str] = (), title: str = "") -> Axes:
    """A bar for each batch and period (the index), its grades on both sides of the line between 较高 and 一般; beside it how many of
    all were evaluated. The columns are grades and 未参评."""
    places = np.arange(len(counts)) + 0.7 * counts.index.get_level_values(0).codes
    few = len(counts) < 13
    axes = canvas((0.23 if few else 0.15) * (places.max(initial=0) + 1) + 0.6, title=title)
    wholes = counts[[*GRADES]].sum(axis=1)
    for side, grades in ((1, (FAIRLY_HIGH, HIGH)), (-1, (FAIR, LOW))):
        left = pd.Series(0.0, counts.index)
        for grade in grades:
            wide = (100 * counts[grade] / wholes.where(wholes > 0)).fillna(0)
            bars = axes.barh(places, side * wide, left=left, height=0.8, color=colour(grade), edgecolor="white", linewidth=0.6)
            for bar, (batch, period) in zip(bars, counts.index):
                stands_for(bar, batch, period, grade)
            for place, n, width, start in zip(places, counts[grade], wide, left):
                if n and width > 5:
                    axes.text(start + side * width / 2, place, n, ha="center", va="center", size=7 if few else 6, color=ink(colour(grade)))
            left += side * wide
    for place, whole, absent in zip(places, wholes, counts[NOT_EVALUATED]):
        axes.text(1.01, place, f"参评{whole}/{whole + absent}", transform=axes.get_yaxis_transform(), va="center", size=7, color=GREY)
    for place, (_, period) in zip(places, counts.index):
        if period in breaks:
            axes.axhline(place - 0.5, color=colour("accent"), linewidth=0.7, linestyle=(0, (4, 2)))
    axes.axvline(0, color="#222222", linewidth=1)
    axes.set_yticks(places, [f"{batch}　{period}" for batch, period in counts.index], size=7 if few else 6)
    axes.set(xlim=(-100, 100), ylim=(places.max(initial=0) + 0.6, -0.6))
    axes.set_xticks(range(-100, 101, 50), ["100%", "50%", "0", "50%", "100%"])
    axes.grid(visible=False)
    legend(axes, GRADES)
    return axes


def cumulative(reached: pd.DataFrame, breaks: Iterable[str] = (), title: str = "") -> list[Axes]:
    """For each batch (first index level) by period the share that reached each grade (columns grade, 占比, 至少, 至多 in percent)."""
    batches = [*reached.index.unique(0)]
    panels = canvas(2.1, title=title, columns=len(batches), sharey=True, squeeze=False)[0]
    for axes, batch in zip(panels, batches):
        for grade in (grade for grade in BEST_FIRST if grade != LOW):
            here = reached.loc[batch][reached.loc[batch, "等级"].to_numpy() == grade]
            axes.fill_between(range(len(here)), here["至少"], here["至多"], color=colour(grade), alpha=0.3, linewidth=0)
            axes.plot(range(len(here)), here["占比"], "o-", color=colour(grade), markersize=3.5, linewidth=1.6, **EDGE)
        axes.set_title(batch, size=9)
        axes.set(ylim=(0, 103))
        _years(axes, here.index, breaks)
    panels[0].set_ylabel("占参评的比例（%）", size=8)
    names = {grade: f"{called(grade)}{'及以上' * (grade != HIGH)}" for grade in BEST_FIRST[:3]}
    legend(panels[0].figure, names, loc="outside upper left", bbox_to_anchor=None)
    return [*panels]


def quilt(moves: pd.DataFrame, title: str = "") -> list[Axes]:
    """A matrix of each two periods: from the row's state to the column's (from_period, to_period, state_before, state_after, alliances),
    and beneath how many of those evaluated twice went up, stayed and went down."""
    pairs = [*moves.groupby(["from_period", "to_period"], sort=False)]
    states = [state for state in STATES[::-1] if {state} & {*moves["state_before"], *moves["state_after"]}]
    rows, columns = -(-len(pairs) // MATRICES), min(len(pairs), MATRICES)
    panels = [*canvas(1.75 * rows if columns > 2 else 2.4, 6.3 if columns > 2 else 3.2 * columns, title, rows, columns, squeeze=False).flat]
    short = {state: called(state).removeprefix("活跃度").removeprefix("信息") for state in states}
    for axes, ((earlier, later), here) in zip(panels, pairs):
        table = here.pivot_table("alliances", "state_before", "state_after", "sum").reindex(index=states, columns=states).fillna(0)
        axes.pcolormesh(table.to_numpy(), cmap="Greys", vmin=0, vmax=1.4 * moves["alliances"].max(), edgecolor="white", linewidth=0.5)
        for (row, column), n in np.ndenumerate(table.to_numpy(int)):
            if n:
                axes.text(column + 0.5, row + 0.5, n, ha="center", va="center", size=8 if columns < 3 else 5.5,
                          color="white" if n > 0.8 * moves["alliances"].max() else "#222222")
            if row == column:
                axes.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=colour("accent"), linewidth=0.8))
        size = 6.5 if columns < 3 else 5
        _up_and_down(axes, table.reindex(index=BEST_FIRST, columns=BEST_FIRST).fillna(0).to_numpy(), len(states), size)
        axes.set_xticks(np.arange(len(states)) + 0.5, short.values(), size=size, rotation=90 if columns > 2 else 0)
        axes.set_yticks(np.arange(len(states)) + 0.5, short.values() if axes in panels[::columns] else [""] * len(states), size=size)
        axes.xaxis.tick_top()
        axes.set_title(f"{earlier}→{later}", size=6.5 if columns > 2 else 8.5)
        axes.set(ylim=(len(states) + 1.4, 0))
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, pad=1)
    for axes in panels[len(pairs):]:
        axes.axis("off")
    return panels[:len(pairs)]


def _up_and_down(axes: Axes, matched: np.ndarray, wide: int, size: float) -> None:
    """The row beneath a matrix of grades, best first."""
    counts, start = [np.tril(matched, -1).sum(), np.trace(matched), np.triu(matched, 1).sum()], 0.0
    for word, n, fill in zip("升平降", counts, ("上升", "未参评", "下降")):
        width = wide * n / max(sum(counts), 1)
        axes.add_patch(Rectangle((start, wide + 0.45), width, 0.75, facecolor=colour(fill), edgecolor="white", linewidth=0.5))
        if width > 1.1:
            axes.text(start + width / 2, wide + 0.83, f"{word}{n:.0f}", ha="center", va="center", size=size)
        start += width


def ribbon(moves: pd.DataFrame, title: str = "") -> Axes:
    """How alliances flow from state to state between two periods: state_before, state_after, alliances."""
    axes, order = canvas(2.7, title=title), STATES[::-1]
    totals = [moves.groupby(f"state_{side}", observed=True)["alliances"].sum() for side in ("before", "after")]
    whole, tops = int(totals[0].sum()), []
    for place, (total, side) in enumerate(zip(totals, (-1, 1))):
        top, start = whole * (1 + 0.03 * len(order)), {}
        for state in (state for state in order if total.get(state, 0)):
            start[state], n = top, int(total[state])
            axes.add_patch(Rectangle((place - 0.04, top - n), 0.08, n, facecolor=colour(state), edgecolor="#8A8A8A", linewidth=0.4,
                                     hatch=hatch(state)))
            axes.text(place + side * 0.055, top - n / 2, f"{called(state)} {n}", va="center", size=8, ha="right" if side < 0 else "left")
            top -= n + whole * 0.03
        axes.text(place, whole * 1.24, moves[("from_period", "to_period")[place]].iloc[0], ha="center", va="bottom", weight="bold", size=8)
        tops.append(start)
    for row in moves.sort_values(["state_before", "state_after"], ascending=False).itertuples():
        left, right, thick, fill = tops[0][row.state_before], tops[1][row.state_after], row.alliances, colour(row.state_before)
        points = [(0.04, left), (0.5, left), (0.5, right), (0.96, right), (0.96, right - thick), (0.5, right - thick), (0.5, left - thick),
                  (0.04, left - thick), (0.04, left)]
        codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
        axes.add_patch(PathPatch(Path(points, codes), facecolor=fill, edgecolor="#9A9A9A", linewidth=0.2, alpha=0.55))
        tops[0][row.state_before] -= thick
        tops[1][row.state_after] -= thick
    axes.set(xlim=(-0.3, 1.3), ylim=(-1, whole * 1.32))
    axes.axis("off")
    return axes


# Each alliance

def carpet(history: pd.DataFrame, breaks: Iterable[str] = (), title: str = "") -> list[Axes]:
    """A row for each alliance (id, batch, period, state, score), sorted from the last period back; a panel for each batch.

    ○ a withheld score, × 信息不完整; not evaluated is pale, not in the programme blank.
    """
    wide = {batch: here.pivot(index="id", columns="period", values="state").astype(object).apply(lambda states: states.map(STATES.index))
            for batch, here in history.groupby("batch", observed=True)}
    wide = {batch: here.sort_values([*here.columns[::-1]], ascending=False, kind="stable") for batch, here in wide.items()}
    tall = [max(len(here), 6) for here in wide.values()]
    panels = canvas(min(0.043 * sum(tall) + 0.7, 8.6), title=title, rows=len(wide), gridspec_kw={"height_ratios": tall}, squeeze=False)[:, 0]
    names = history.drop_duplicates("id").set_index("id")["name"]
    hidden = {*history[history["state"].isin(GRADES) & history["score"].isna()][["id", "period"]].itertuples(index=False, name=None)}
    for axes, (batch, here) in zip(panels, wide.items()):
        mesh = axes.pcolormesh(here.to_numpy(), cmap=ListedColormap([colour(state) for state in STATES]), vmin=-0.5, vmax=len(STATES) - 0.5,
                               edgecolor="white", linewidth=0.4 if len(history) < 3000 else 0)
        stands_for(mesh, *names[here.index], each=True)
        for marker, cells in (("o", [(c, r) for r, id in enumerate(here.index) for c, p in enumerate(here) if (id, p) in hidden]),
                              ("x", [(c, r) for r, c in np.argwhere(here.to_numpy() == STATES.index(INCOMPLETE))])):
            if cells:
                axes.plot(*(np.array(cells).T + 0.5), marker, color=GREY, markersize=2.2, markeredgewidth=0.5, fillstyle="none")
        axes.set(ylim=(len(here), 0), xticks=[], yticks=[len(here) / 2], yticklabels=[f"{batch}\n{len(here)}家"])
        for period in breaks:
            axes.axvline([*here.columns].index(period), color=colour("accent"), linewidth=0.9, linestyle=(0, (4, 2)))
        axes.spines[:].set_visible(False)
        axes.grid(visible=False)
    panels[-1].set_xticks(np.arange(here.shape[1]) + 0.5, _names(here.columns), size=8)
    legend(panels[0], STATES[:0:-1], fontsize=7.5, columnspacing=0.8)
    return [*panels]


def ranges(alliances: pd.DataFrame, floors: Iterable[float], title: str = "") -> Axes | None:
    """A line from each alliance's lowest to its highest score (low, high), and a dot at the last, or a bracket where it is withheld
    (score, last_low, last_high); the grades' bands behind."""
    if alliances.empty:
        return None
    axes, places = canvas(0.125 * len(alliances) + 0.6, title=title), range(len(alliances))
    for start, end, grade in zip(sorted(floors), [*sorted(floors)[1:], TOP_SCORE], GRADES):
        axes.axvspan(start, end, color=COLOURS[grade], alpha=0.16, linewidth=0)
    known = alliances["score"].notna().to_numpy()
    open_, dotted = alliances[~known], alliances[known]
    stands_for(axes.hlines(places, alliances["low"], alliances["high"], color="#8A8A8A", linewidth=1.3), *alliances.index, each=True)
    stands_for(axes.hlines(np.flatnonzero(~known), open_["last_low"], open_["last_high"], color=colour("accent"), linewidth=3, alpha=0.45),
               *open_.index, each=True)
    stands_for(axes.scatter(dotted["score"], np.flatnonzero(known), color=colour(HIGH), s=18, zorder=3), *dotted.index, each=True)
    axes.set_yticks(places, alliances.index, size=6)
    axes.set(ylim=(len(alliances) - 0.4, -0.6), xlim=(min(alliances["low"].min(), 45) - 1, TOP_SCORE + 1.5), xlabel="评分")
    axes.grid(visible=False)
    return axes


def scatter(known: pd.DataFrame, earlier: str, later: str, title: str = "") -> Axes | None:
    """score_before and score_after of each alliance by batch, the line of equality and the fitted line."""
    if known.empty:
        return None
    axes, fit = canvas(2.7, 4.4, title), regression(known["score_before"], known["score_after"])
    low = known[["score_before", "score_after"]].min().min() - 4
    axes.plot([low, 101], [low, 101], color=colour("quiet"), linewidth=0.9, linestyle=(0, (4, 2)))
    axes.annotate("两期相同", (low + 8, low + 8), (6, -6), color=GREY, **WORDS)
    for batch, here in known.groupby("batch"):
        (dots,) = axes.plot(here["score_before"], here["score_after"], "o", color=colour(batch), markersize=5, **EDGE)
        stands_for(dots, *here["name"], each=True)
    if fit:
        ends = np.array([known["score_before"].min(), known["score_before"].max()])
        axes.plot(ends, fit["intercept"] + fit["slope"] * ends, color=colour("accent"), linewidth=1.2)
        axes.annotate("回归线", (ends[0], fit["intercept"] + fit["slope"] * ends[0]), (0, -10), color=colour("accent"), **WORDS)
    axes.set(xlim=(low, 102), ylim=(low, 104), xlabel=f"{earlier}评分", ylabel=f"{later}评分")
    legend(axes, [batch for batch in known["batch"].cat.categories if (known["batch"] == batch).any()])
    return axes
