"""The drawings that only the trend report has, in the looks of `charts`: frame -> Axes. They hold for two periods and for ten.

`breaks` are the periods from which on the grades have other floors: a dashed line stands before them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from analysis.charts import COLOURS, called, canvas, colour, hatch, ink, legend, stands_for
from analysis.grades import BEST_FIRST, FAIR, FAIRLY_HIGH, GRADES, HIGH, INCOMPLETE, LOW, NOT_EVALUATED, STATES, TOP_SCORE
from analysis.shares import half_up, signed
from analysis.trends import FEW_PERIODS, by_period, latest

EDGE = {"markeredgecolor": "#5B5B5B", "markeredgewidth": 0.5}
SMALL, GREY = 6.5, "#5B5B5B"
MATRICES, RIBBON, MOST_NAMED = 5, "ribbon", 80  # matrices in a row; rows of a column that may have names
BREAK = {"color": colour("accent"), "linewidth": 0.9, "linestyle": (0, (4, 2))}
BOUNDS = {"color": colour("accent"), "linewidth": 4, "alpha": 0.45}
ABOVE = {"loc": "outside upper left", "bbox_to_anchor": None}  # a key over all panels
WORDS = {"textcoords": "offset points", "size": SMALL, "annotation_clip": False}


def _years(axes: Axes, periods: Iterable[str], breaks: Iterable[str] = ()) -> None:
    """Periods along an axis of places; of many every third is named, in two lines, the last always."""
    names = [*periods]
    step, cut = (-1, "-") if len(names) <= FEW_PERIODS else (-3, "-\n")
    places = range(len(names) - 1, -1, step)
    axes.set_xticks(places, [names[place].replace("-", cut) for place in places], size=7)
    axes.set_xlim(-0.35, len(names) - 0.65)
    for period in breaks:
        axes.axvline(names.index(period) - 0.5, **BREAK)


def _bare(axes: Axes) -> None:
    """Without lines, ticks and grid; the words of the x axis above."""
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=1)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)


# The findings of the first page

def findings(took_part: pd.DataFrame, means: pd.DataFrame, parts: pd.Series, changes: pd.DataFrame, failing: pd.Series,
             titles: Mapping[str, str]) -> list[Axes]:
    """The five findings in small: percentages by batch and period; mean, low and high by period; the parts of a share; mean, low and
    high of a change by batch; counts. `titles` has a title for each, in this order; the names of the parts are those of their Series.
    """
    panels = [*canvas(2.5, rows=2, columns=3).flat]
    for axes, title in zip(panels, titles):
        axes.set_title(title, size=8.5)
        axes.tick_params(labelsize=7)
    _lines(panels[0], took_part)
    _spans(panels[1], means, half_up)
    _steps(panels[2], parts.astype(float))
    _spans(panels[3], changes, signed)
    panels[3].axvline(0, color="#8A8A8A", linewidth=0.7)
    bars = panels[4].barh(range(len(failing)), failing, color=colour(LOW), edgecolor=GREY, linewidth=0.4, height=0.6)
    panels[4].bar_label(bars, [f"{n}家" for n in failing], padding=3, size=7)
    _list(panels[4], failing.index)
    panels[4].set(xticks=[], xlim=(0, max(failing.max(), 1) * 1.3))
    panels[5].axis("off")
    legend(panels[5], took_part.index, loc="center left", bbox_to_anchor=(0, 0.5), ncols=1, title="批次的颜色")
    return panels[:5]


def _list(axes: Axes, names: Sequence[str], size: float = 7) -> None:
    """Rows with these names, from the top."""
    axes.set_yticks(range(len(names)), names, size=size)
    axes.set_ylim(max(len(names), 1) - 0.4, -0.6)


def _lines(axes: Axes, shares: pd.DataFrame) -> None:
    for name, row in shares.iterrows():
        axes.plot(range(len(row)), row, "-", color="#6B6B6B", linewidth=2.4)
        axes.plot(range(len(row)), row, "o--" if name == "全部" else "o-", color=colour(name), linewidth=1.7, markersize=4, **EDGE)
    axes.set(ylim=(0, 103))
    _years(axes, shares.columns)


def _steps(axes: Axes, parts: pd.Series) -> None:
    """From the first value to the last, both from nought, by the steps between them."""
    starts = [0, *parts.cumsum()[:-2], 0]
    ends = parts.index.isin(parts.index[[0, -1]])
    colours = np.where(ends, colour(HIGH), np.where(parts < 0, "white", "#C9C9C9"))
    bars = axes.bar(range(len(parts)), parts, bottom=starts, width=0.72, edgecolor="#6B6B6B", linewidth=0.4, color=colours,
                    hatch=["" if value >= 0 else "////" for value in parts])
    axes.bar_label(bars, [half_up(value, 1) if end else signed(value, 1) for value, end in zip(parts, ends)], padding=2, size=SMALL)
    axes.set_xticks(range(len(parts)), [name.replace("-", "-\n") for name in parts.index], size=SMALL)
    axes.set(yticks=[], ylim=(1.2 * min(0, *starts), 1.2 * max(*starts, parts.iloc[-1], 1)))


def _spans(axes: Axes, means: pd.DataFrame, words: Callable[[float, int], object]) -> None:
    """For each row a line from low to high, what withheld scores leave open, with a dot at the value and the value in words."""
    value, low, high = (means.iloc[:, column].astype(float) for column in range(3))
    axes.hlines(range(len(means)), low, high, **BOUNDS)
    size = 7 if len(means) < 2 * FEW_PERIODS else 5
    for name, number in value.dropna().items():
        place = means.index.get_loc(name)
        axes.plot(number, place, "o", color=COLOURS.get(name, colour(FAIRLY_HIGH)), markersize=0.7 * size, **EDGE)
        axes.annotate(words(number, 1), (number, place), (4, 0), va="center", **WORDS | {"size": size - 0.5})
    axes.margins(x=0.25)
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x")
    _list(axes, means.index, size)


# Batches and grades

def ladder(counts: pd.DataFrame, breaks: Iterable[str] = (), title: str = "") -> list[Axes]:
    """A panel for each batch (first index level) with a bar for each period: grades on both sides of the line between 较高 and 一般,
    and apart those not evaluated, in percent of the batch. The columns are grades and 未参评."""
    batches, periods = counts.index.unique(0), [*counts.index.levels[1]]
    tall = (0.26 if len(periods) <= FEW_PERIODS else 0.17) * len(periods) + 0.75
    panels = canvas(tall, title=title, columns=len(batches), sharex=True, squeeze=False)[0]
    part = 100 * counts.div(counts.sum(axis=1), axis=0)
    apart = (part[HIGH] + part[FAIRLY_HIGH]).max() + 6
    for axes, batch in zip(panels, batches):
        numbers, here = counts.loc[batch], part.loc[batch]
        starts = {FAIRLY_HIGH: 0, HIGH: here[FAIRLY_HIGH], FAIR: -here[FAIR], LOW: -here[FAIR] - here[LOW], NOT_EVALUATED: apart}
        for state, start in starts.items():
            bars = axes.barh([*map(periods.index, here.index)], here[state], left=start, height=0.8, color=colour(state), edgecolor="white",
                             linewidth=0.5, hatch=hatch(state))
            for bar, period in zip(bars, here.index):
                stands_for(bar, batch, period, state)
            words = [n if wide > 6 * len(str(n)) + 1 else "" for n, wide in zip(numbers[state], here[state])]
            axes.bar_label(bars, words, label_type="center", size=SMALL, color=ink(colour(state)))
        for period in {*breaks} & {*here.index}:
            axes.axhline(periods.index(period) - 0.5, **BREAK)
        axes.axvline(0, color="#222222", linewidth=1)
        axes.set_title(f"{batch}（{numbers.iloc[-1].sum()}家）", size=8.5)
        _list(axes, periods if axes is panels[0] else [""] * len(periods))
        axes.set(xticks=[], xlim=(-(part[FAIR] + part[LOW]).max() - 1, apart + part[NOT_EVALUATED].max() + 1))
        _bare(axes)
    legend(panels[0].figure, [*GRADES, NOT_EVALUATED], **ABOVE)
    return [*panels]


def cumulative(reached: pd.DataFrame, breaks: Iterable[str] = (), title: str = "") -> list[Axes]:
    """For each batch (first index level) by period the share that reached each grade (columns grade, 占比, 至少, 至多 in percent)."""
    batches = [*reached.index.unique(0)]
    panels = canvas(1.8, title=title, columns=len(batches), sharey=True, squeeze=False)[0]
    for axes, batch in zip(panels, batches):
        for grade, here in reached.loc[batch].groupby("等级"):
            axes.fill_between(range(len(here)), here["至少"], here["至多"], color=colour(grade), alpha=0.3, linewidth=0)
            axes.plot(range(len(here)), here["占比"], "o-", color=colour(grade), markersize=3.5, linewidth=1.6, **EDGE)
        axes.set_title(batch, size=9)
        axes.set(ylim=(0, 103))
        axes.tick_params(labelsize=7)
        _years(axes, here.index, breaks)
    panels[0].set_ylabel("占参评的比例（%）", size=8)
    names = {grade: f"{called(grade)}{'及以上' * (grade != HIGH)}" for grade in BEST_FIRST[:3]}
    legend(panels[0].figure, names, **ABOVE)
    return [*panels]


def flows(moves: pd.DataFrame, breaks: Iterable[str] = (), title: str = "") -> list[Axes]:
    """A matrix of each two periods: from the row's state to the column's (from_period, to_period, state_before, state_after, alliances),
    and beneath how many of those evaluated twice went up, stayed and went down; of the last two also as a ribbon."""
    pairs = [*moves.groupby(["from_period", "to_period"], sort=False)]
    columns, rows = min(len(pairs), MATRICES), -(-len(pairs) // MATRICES)
    names = [*map(str, range(len(pairs))), *["."] * (rows * columns - len(pairs))]
    layout = [*np.reshape(names, (rows, columns)).tolist(), [RIBBON] * columns]
    height, ratios = 1.6 * rows + 2.2, {"height_ratios": [*[1.6] * rows, 2.2]}
    if len(pairs) == 1:
        layout, height, ratios = [["0", RIBBON]], 2.75, {"width_ratios": [1, 1.25]}
    figure = canvas(height, title=title).figure
    figure.clear()
    panels = figure.subplot_mosaic(layout, **ratios)
    states = [state for state in STATES[::-1] if {state} & {*moves["state_before"], *moves["state_after"]}]
    for place, ((earlier, later), here) in enumerate(pairs):
        axes, size = panels[str(place)], 7 if len(pairs) == 1 else 5
        table = here.pivot_table("alliances", "state_before", "state_after", "sum").reindex(index=states, columns=states).fillna(0)
        _matrix(axes, table, 1.4 * moves["alliances"].max(), size, first=place % columns == 0)
        broken = later in {*breaks}
        axes.set_title(f"{earlier}→{later}{'＊' * broken}", size=size + 1.5, color=colour("accent") if broken else "#222222")
    _ribbon(panels[RIBBON], pairs[-1][1])
    return [*panels.values()]


def _matrix(axes: Axes, table: pd.DataFrame, most: float, size: float, first: bool) -> None:
    """A table of states by states, its diagonal framed, with what it says of grades (best first) beneath."""
    wide, words = len(table), [called(state).removeprefix("活跃度").removeprefix("信息") for state in table.index]
    axes.pcolormesh(table.to_numpy(), cmap="Greys", vmin=0, vmax=most, edgecolor="white", linewidth=0.5)
    for (row, column), n in np.ndenumerate(table.to_numpy(int)):
        if n:
            axes.text(column + 0.5, row + 0.5, n, ha="center", va="center", size=size, color="white" if n > 0.57 * most else "#222222")
        if row == column and table.index[row] in GRADES:
            axes.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor=colour("accent"), linewidth=0.8))
    matched, start = table.reindex(index=BEST_FIRST, columns=BEST_FIRST).fillna(0).to_numpy(), 0.0
    counts = {"上升": np.tril(matched, -1).sum(), NOT_EVALUATED: np.trace(matched), "下降": np.triu(matched, 1).sum()}
    for word, (fill, n) in zip("升平降", counts.items()):
        long = wide * n / max(matched.sum(), 1)
        bar = axes.barh(wide + 0.75, long, left=start, height=0.9, color=colour(fill), edgecolor="white", linewidth=0.5)
        axes.bar_label(bar, [f"{word}{n:.0f}" if long > 0.9 else ""], label_type="center", size=size, color=ink(colour(fill)))
        start += long
    axes.set_xticks(np.arange(wide) + 0.5, words, size=size, rotation=90)
    axes.set_yticks(np.arange(wide) + 0.5, words if first else [""] * wide, size=size)
    axes.set(xlim=(0, wide), ylim=(wide + 1.25, 0), aspect="equal")
    _bare(axes)


def _ribbon(axes: Axes, moves: pd.DataFrame) -> None:
    """How alliances flow from state to state between two periods: state_before, state_after, alliances."""
    whole, tops = moves["alliances"].sum(), []
    for place, (side, ends) in enumerate((("before", {"x": -0.06, "ha": "right"}), ("after", {"x": 1.06, "ha": "left"}))):
        totals = moves.groupby(f"state_{side}", observed=True)["alliances"].sum()[::-1]
        top = whole * (1 + 0.03 * len(STATES)) - (totals + whole * 0.03).cumsum().shift(fill_value=0)
        for state, n in totals[totals > 0].items():
            axes.bar(place, -n, bottom=top[state], width=0.08, color=colour(state), edgecolor="#8A8A8A", linewidth=0.4, hatch=hatch(state))
            axes.text(y=top[state] - n / 2, s=f"{called(state)} {n}", va="center", size=7, **ends)
        axes.text(place, whole * 1.24, moves[("from_period", "to_period")[place]].iloc[0], ha="center", va="bottom", weight="bold", size=8)
        tops.append(top)
    along = np.linspace(0, 1, 16)
    bend = along ** 2 * (3 - 2 * along)
    for row in moves.sort_values(["state_before", "state_after"], ascending=False).itertuples():
        left, right = tops[0][row.state_before], tops[1][row.state_after]
        upper = left + (right - left) * bend
        axes.fill_between(0.04 + 0.92 * along, upper - row.alliances, upper, facecolor=colour(row.state_before), edgecolor="#9A9A9A",
                          linewidth=0.2, alpha=0.55)
        tops[0][row.state_before] -= row.alliances
        tops[1][row.state_after] -= row.alliances
    axes.set(xlim=(-0.5, 1.5), ylim=(-1, whole * 1.32))
    axes.axis("off")


# Each alliance

def carpet(history: pd.DataFrame, floors: Iterable[float], breaks: Iterable[str] = (), title: str = "") -> list[Axes]:
    """A row for each alliance (id, name, code, batch, period, state, score, low, high), batch by batch in two columns, sorted from the
    last period back: the states, and the range of scores with a dot at the last one. It takes one page of A4, names and all, for 120.

    ○ a withheld score, × 信息不完整; not evaluated is pale, not in the programme blank. The dot is hollow where the last score is of
    an earlier period; a red line is what a withheld last score may be.
    """
    rows, withheld = _rows(history), by_period(history.assign(withheld=history["low"].notna() & history["score"].isna()), "withheld")
    gap = max(2, len(rows) // 90)  # rows over a batch, for its name
    sizes = rows.groupby("batch", observed=True).size() + gap
    left = rows["batch"].isin(sizes.index[sizes.cumsum() - sizes / 2 < sizes.sum() / 2])
    halves = [half.assign(place=np.arange(len(half)) + gap * half["batch"].rank(method="dense"))
              for half in (rows[left], rows[~left]) if len(half)]
    longest, wide = max(half["place"].max() for half in halves) + 1, 0.1 * len(withheld.columns) + 0.12
    named = longest <= MOST_NAMED
    panels = canvas(min(0.108 * longest + 0.8, 8.6) if named else 8.6, title=title, columns=2 * len(halves), squeeze=False,
                    width_ratios=[wide, 1.45] * len(halves))[0]
    for half, cells, scores in zip(halves, panels[::2], panels[1::2]):
        _states(cells, half, withheld.loc[half.index], breaks, named)
        _ranges(scores, half, sorted(floors), named)
        for batch, here in half.groupby("batch", observed=True):
            cells.text(0, here["place"].min() - 0.35 * gap, f"{batch}（{len(here)}家）", ha="right" if named else "left", va="center",
                       size=8.5, weight="bold")
        for axes in (cells, scores):
            axes.set(ylim=(longest, 0))
            _bare(axes)
    legend(panels[0].figure, STATES[:0:-1], **ABOVE, fontsize=7.5, columnspacing=0.8)
    return [*panels]


def _rows(history: pd.DataFrame) -> pd.DataFrame:
    """A row for each alliance: name, batch, its state in each period (as a place in STATES), low and high of all its scores, and score,
    last_low and last_high of the last one, with the period of it."""
    states, graded = by_period(history.assign(state=history["state"].cat.codes)), history.dropna(subset="low").groupby("id")
    spread = graded.agg(low=("low", "min"), high=("high", "max"), last_low=("low", "last"), last_high=("high", "last"), when=("period", "last"))
    spread["score"] = spread["last_low"].where(spread["last_low"] == spread["last_high"])
    last, *earlier = [*states][::-1]
    order = [last, "last_high", *earlier]
    rows = latest(history).join(states).join(spread)
    return rows.sort_values(order, ascending=False, kind="stable").sort_values("batch", kind="stable")


def _states(axes: Axes, rows: pd.DataFrame, withheld: pd.DataFrame, breaks: Iterable[str], named: bool) -> None:
    periods, places, square = [*withheld], rows["place"].to_numpy(), np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    for code, state in enumerate(STATES[1:], start=1):  # a path for each state and not for each cell
        row, column = np.nonzero(rows[periods].to_numpy() == code)
        corners = np.stack([column, places[row]], axis=1)[:, None, :] + square
        axes.add_artist(PathPatch(Path.make_compound_path_from_polys(corners), facecolor=colour(state), edgecolor="white",
                                  linewidth=0.4 if named else 0))
    for marker, cells in (("o", withheld), ("x", rows[periods] == STATES.index(INCOMPLETE))):
        row, column = np.nonzero(cells.to_numpy(bool))
        axes.plot(column + 0.5, places[row] + 0.5, marker, color=GREY, linestyle="", fillstyle="none", markersize=2.4 if named else 1,
                  markeredgewidth=0.5)
    for period in breaks:
        axes.axvline(periods.index(period), **BREAK)
    step = 1 if len(periods) <= FEW_PERIODS else 3
    axes.set_xticks(np.arange(len(periods))[::-step] + 0.5, [period[-2:] for period in periods[::-step]], size=5)
    axes.set_yticks(places + 0.5 if named else [], rows["name"] if named else [], size=5.8)
    axes.set(xlim=(0, len(periods)))


def _ranges(axes: Axes, rows: pd.DataFrame, floors: list[float], named: bool) -> None:
    ends = [*floors[1:], TOP_SCORE]
    for start, end, grade in zip(floors, ends, GRADES):
        axes.axvspan(start, end, color=COLOURS[grade], alpha=0.16, linewidth=0)
    graded, known = rows.dropna(subset="low"), rows.dropna(subset="score")
    hidden, now = graded[graded["score"].isna()], known["when"] == known["when"].cat.categories[-1]
    for those, low, high, looks in ((graded, "low", "high", {"color": "#8A8A8A", "linewidth": 0.9 if named else 0.3}),
                                    (hidden, "last_low", "last_high", BOUNDS | {"linewidth": 2.2 if named else 0.6})):
        stands_for(axes.hlines(those["place"] + 0.5, those[low], those[high], **looks), *those["name"], each=True)
    for fill, those in (("full", known[now]), ("none", known[~now])):
        (dots,) = axes.plot(those["score"], those["place"] + 0.5, "o", color=colour(HIGH), markersize=2.7 if named else 1, linestyle="",
                            fillstyle=fill, markeredgewidth=0.5)
        stands_for(dots, *those["name"], each=True)
    for row in known.itertuples() if named else ():
        axes.text(TOP_SCORE + 6, row.place + 0.5, f"{row.score:g}", va="center", size=5.5, color=GREY)
    axes.set_xticks(ends, [f"{floor:g}" for floor in ends], size=5.5)
    axes.set(xlim=(-1, TOP_SCORE + (25 if named else 2)), yticks=[])


def scatter(known: pd.DataFrame, fit: dict | None, earlier: str, later: str, title: str = "") -> Axes | None:
    """score_before and score_after of each alliance by batch, the line of equality and the fitted line (`regression`)."""
    if known.empty:
        return None
    axes, low = canvas(2.2, 4.4, title), known[["score_before", "score_after"]].min().min() - 4
    axes.axline((low, low), slope=1, color=colour("quiet"), linewidth=0.9, linestyle=(0, (4, 2)))
    axes.annotate("两期相同", (low + 8, low + 8), (6, -6), color=GREY, **WORDS)
    for batch, here in known.groupby("batch", observed=True):
        (dots,) = axes.plot(here["score_before"], here["score_after"], "o", color=colour(batch), markersize=5, **EDGE)
        stands_for(dots, *here["name"], each=True)
    if fit:
        start = (low, fit["intercept"] + fit["slope"] * low)
        axes.axline(start, slope=fit["slope"], color=colour("accent"), linewidth=1.2)
        axes.annotate("回归线", start, (4, -10), color=colour("accent"), **WORDS)
    axes.set(xlim=(low, 102), ylim=(low, 104), xlabel=f"{earlier}评分", ylabel=f"{later}评分")
    legend(axes, known["batch"].cat.remove_unused_categories().cat.categories)
    return axes
