"""The drawings that only the trend report has, in the looks of `charts`: frame -> Axes. They hold for two periods and for ten.

`breaks` are the periods from which on the grades have other floors: a dashed line stands before them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from analysis.charts import COLOURS, called, canvas, colour, hatch, ink, legend, stands_for
from analysis.grades import BEST_FIRST, FAIR, FAIRLY_HIGH, GRADES, HIGH, INCOMPLETE, LOW, NOT_EVALUATED, STATES, TOP_SCORE
from analysis.shares import half_up, signed
from analysis.trends import FEW_PERIODS, by_period, latest

EDGE = {"markeredgecolor": "#5B5B5B", "markeredgewidth": 0.5}
SMALL, GREY = 6.5, "#5B5B5B"
ACROSS, MATRICES, MOST_NAMED = 5, 5, 80  # batches in a row, matrices in a row; rows of a column that may have names
OVER, UNDER = 2.9, 1.25  # a matrix's own lines above it and beneath
BREAK = {"color": colour("accent"), "linewidth": 0.9, "linestyle": (0, (4, 2))}
BOUNDS = {"color": colour("accent"), "linewidth": 4, "alpha": 0.45}
ABOVE = {"loc": "outside upper left", "bbox_to_anchor": None}  # a key over all panels
WORDS = {"textcoords": "offset points", "size": SMALL, "annotation_clip": False}


def _years(axes: Axes, periods: Iterable[str], breaks: Iterable[str] = (), starts: Sequence[float] = (0,)) -> None:
    """Periods along an axis of places, from each of the starts; of many every third is named, in two lines, the last always."""
    names = [*periods]
    step, cut = (-1, "-") if len(names) <= FEW_PERIODS else (-3, "-\n")
    places = range(len(names) - 1, -1, step)
    axes.set_xticks([start + place for start in starts for place in places],
                    [names[place].replace("-", cut) for place in places] * len(starts), size=7)
    axes.set_xlim(starts[0] - 0.35, starts[-1] + len(names) - 0.65)
    for line in (start + names.index(period) - 0.5 for start in starts for period in breaks):
        axes.axvline(line, **BREAK)


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
    legend(panels[5], took_part.index, loc="center left", bbox_to_anchor=(0, 0.5), ncols=1 + len(took_part) // 7, title="批次的颜色",
           columnspacing=0.8)
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
    """For each batch (first index level) a bar for each period: grades on both sides of the line between 较高 and 一般, and apart
    those not evaluated, in percent of the batch. The columns are grades and 未参评."""
    batches, periods = [*counts.index.unique(0)], [*counts.index.levels[1]]
    rows = _rows_of(batches)
    tall = (0.26 if len(periods) <= FEW_PERIODS else 0.17) * len(periods) + 0.35
    panels = canvas(tall * len(rows) + 0.4, title=title, rows=len(rows), squeeze=False)[:, 0]
    part = 100 * counts.div(counts.sum(axis=1), axis=0)
    apart = (part[HIGH] + part[FAIRLY_HIGH]).max() + 6
    first, end = -(part[FAIR] + part[LOW]).max() - 1, apart + part[NOT_EVALUATED].max() + 1
    for axes, row in zip(panels, rows):
        starts = (end - first) * np.arange(len(row))
        for batch, start in zip(row, starts):
            _bars(axes, batch, counts.loc[batch], part.loc[batch], start, start + apart, periods)
            here = [periods.index(period) - 0.5 for period in {*breaks} & {*counts.loc[batch].index}]
            axes.hlines(here, start + first, start + end, **BREAK)
        axes.vlines(starts, -0.6, len(periods) - 0.4, color="#222222", linewidth=1)
        _list(axes, periods)
        names = [f"{batch}（{counts.loc[batch].iloc[-1].sum()}家）" for batch in row]
        axes.set_xticks(starts + (first + end) / 2, names, size=8.5, weight="bold", color="#222222")
        axes.set_title("；".join(names), visible=False)  # a drawing's name is made of these
        axes.set_xlim(first, first + (end - first) * len(rows[0]))
        _bare(axes)
    legend(panels[0].figure, [*GRADES, NOT_EVALUATED], **ABOVE)
    return [*panels]


def _rows_of(batches: list[str]) -> list[list[str]]:
    """Batches as they stand beside one another, in rows of the same length."""
    across = -(-len(batches) // -(-len(batches) // ACROSS))
    return [batches[place:place + across] for place in range(0, len(batches), across)]


def _bars(axes: Axes, batch: str, counts: pd.DataFrame, part: pd.DataFrame, start: float, apart: float, periods: list[str]) -> None:
    """The bars of a batch, from a line at `start` to both sides, and those `apart`."""
    lefts = {HIGH: start + part[FAIRLY_HIGH], FAIRLY_HIGH: start, FAIR: start - part[FAIR], LOW: start - part[FAIR] - part[LOW],
             NOT_EVALUATED: apart}
    for state, left in pd.DataFrame(lefts).items():
        there, fill = counts[state] > 0, colour(state)
        bars = axes.barh([*map(periods.index, part.index[there])], part[state][there], left=left[there], height=0.8, color=fill,
                         edgecolor="white", linewidth=0.5, hatch=hatch(state))
        for bar, (period, n) in zip(bars, counts[state][there].items()):
            stands_for(bar, batch, period, state)
            said = str(n) if bar.get_width() > 6 * len(str(n)) + 1 else ""
            axes.text(*bar.get_center(), said, ha="center", va="center_baseline", size=SMALL, color=ink(fill))


def cumulative(reached: pd.DataFrame, breaks: Iterable[str] = (), title: str = "") -> list[Axes]:
    """For each batch (first index level) by period the share that reached each grade (columns grade, 占比, 至少, 至多 in percent)."""
    batches, periods = [*reached.index.unique(0)], [*reached.index.unique(1)]
    rows = _rows_of(batches)
    panels = canvas(1.35 * len(rows) + 0.45, title=title, rows=len(rows), squeeze=False)[:, 0]
    for axes, row in zip(panels, rows):
        starts = (len(periods) - 1 + max(0.7, 0.2 * len(periods))) * np.arange(len(row))
        for batch, start in zip(row, starts):
            for grade, here in reached.loc[batch].groupby("等级"):
                along = start + np.arange(len(here))
                axes.fill_between(along, here["至少"], here["至多"], color=colour(grade), alpha=0.3, linewidth=0)
                axes.plot(along, here["占比"], "o-", color=colour(grade), markersize=3.5, linewidth=1.6, **EDGE)
            axes.text(start - 0.35, 108, batch, size=9, weight="bold")
        axes.vlines(starts - 0.35, 0, 103, color="#8A8A8A", linewidth=0.7, clip_on=False)
        axes.set_title("；".join(row), visible=False)
        axes.set(ylim=(0, 122), yticks=range(0, 101, 25))
        axes.tick_params(labelsize=7)
        axes.spines["left"].set_visible(False)
        _years(axes, periods, breaks, starts)
    panels[0].set_ylabel("占参评的比例（%）", size=8)
    names = {grade: f"{called(grade)}{'及以上' * (grade != HIGH)}" for grade in BEST_FIRST[:3]}
    legend(panels[0].figure, names, **ABOVE)
    return [*panels]


def flows(moves: pd.DataFrame, breaks: Iterable[str] = (), title: str = "") -> list[Axes]:
    """A matrix of each two periods: from the row's state to the column's (from_period, to_period, state_before, state_after, alliances),
    and beneath how many of those evaluated twice went up, stayed and went down; of the last two also as a ribbon."""
    pairs = [*moves.groupby(["from_period", "to_period"], sort=False)]
    states = [state for state in STATES[::-1] if {state} & {*moves["state_before"], *moves["state_after"]}]
    wide, rows, most, size = len(states), -(-len(pairs) // MATRICES), 1.4 * moves["alliances"].max(), 7 if len(pairs) == 1 else 5
    placed = {"columns": 2, "width_ratios": [1, 1.25]} if len(pairs) == 1 else {"rows": 2, "height_ratios": [1.7 * rows, 2.2]}
    panels = canvas(3.05 if len(pairs) == 1 else 1.7 * rows + 2.5, title=title, **placed)
    for place, ((earlier, later), here) in enumerate(pairs):
        table = here.pivot(index="state_before", columns="state_after", values="alliances").reindex(index=states, columns=states).fillna(0)
        down, along = divmod(place, MATRICES)
        along, down, broken = along * (wide + 1), down * (wide + UNDER + OVER), later in {*breaks}
        _matrix(panels[0], table, most, size, along, down)
        panels[0].text(along, down - OVER + 0.8, f"{earlier}→{later}{'＊' * broken}", size=size + 1.5, weight="bold",
                       color=colour("accent") if broken else "#222222")
    panels[0].set_yticks([row * (wide + UNDER + OVER) + place + 0.5 for row in range(rows) for place in range(wide)],
                         [*map(_brief, states)] * rows, size=size)
    panels[0].set(xlim=(0, min(len(pairs), MATRICES) * (wide + 1) - 1), ylim=(rows * (wide + UNDER + OVER) - OVER, -OVER), xticks=[],
                  aspect="equal")
    _bare(panels[0])
    _ribbon(panels[1], pairs[-1][1])
    return [*panels]


def _brief(state: str) -> str:
    return called(state).removeprefix("活跃度").removeprefix("信息")


def _matrix(axes: Axes, table: pd.DataFrame, most: float, size: float, along: float, down: float) -> None:
    """A table of states by states from a place on, its diagonal framed, with what it says of grades (best first) beneath."""
    wide, numbers = len(table), table.to_numpy(int)
    axes.pcolormesh(along + np.arange(wide + 1), down + np.arange(wide + 1), numbers, cmap="Greys", vmin=0, vmax=most, edgecolor="white",
                    linewidth=0.5)
    for (row, column), n in np.ndenumerate(numbers):
        if n:
            axes.text(along + column + 0.5, down + row + 0.5, n, ha="center", va="center", size=size,
                      color="white" if n > 0.57 * most else "#222222")
    for place, state in enumerate(table.index):
        axes.text(along + place + 0.5, down - 0.15, _brief(state), ha="center", va="bottom", rotation=90, size=size)
    framed = np.flatnonzero(table.index.isin(GRADES))
    _squares(axes, along + framed, down + framed, facecolor="none", edgecolor=colour("accent"), linewidth=0.8)
    matched, start = table.reindex(index=BEST_FIRST, columns=BEST_FIRST).fillna(0).to_numpy(), 0.0
    counts = {"上升": np.tril(matched, -1).sum(), NOT_EVALUATED: np.trace(matched), "下降": np.triu(matched, 1).sum()}
    for word, (fill, n) in zip("升平降", counts.items()):
        long = wide * n / max(matched.sum(), 1)
        axes.barh(down + wide + 0.75, long, left=along + start, height=0.9, color=colour(fill), edgecolor="white", linewidth=0.5)
        axes.text(along + start + long / 2, down + wide + 0.75, f"{word}{n:.0f}" if long > 0.9 else "", ha="center", va="center", size=size,
                  color=ink(colour(fill)))
        start += long


def _squares(axes: Axes, left: np.ndarray, top: np.ndarray, **looks: object) -> None:
    """Squares of one unit, as one path."""
    corners = np.stack([left, top], axis=1)[:, None, :] + [[0, 0], [1, 0], [1, 1], [0, 1]]
    axes.add_artist(PathPatch(Path.make_compound_path_from_polys(corners), **looks))


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
    periods, places = [*withheld], rows["place"].to_numpy()
    for code, state in enumerate(STATES[1:], start=1):  # a path for each state and not for each cell
        row, column = np.nonzero(rows[periods].to_numpy() == code)
        _squares(axes, column, places[row], facecolor=colour(state), edgecolor="white", linewidth=0.4 if named else 0)
    for marker, cells in (("o", withheld), ("x", rows[periods] == STATES.index(INCOMPLETE))):
        row, column = np.nonzero(cells.to_numpy(bool))
        axes.plot(column + 0.5, places[row] + 0.5, marker, color=GREY, linestyle="", fillstyle="none", markersize=2.4 if named else 1,
                  markeredgewidth=0.5)
    for period in breaks:
        axes.axvline(periods.index(period), **BREAK)
    step = 1 if len(periods) <= FEW_PERIODS else 3
    axes.set_xticks(np.arange(len(periods))[::-step] + 0.5, [period[-2:] for period in periods[::-step]], size=5)
    for place, name in zip(places, rows["name"]) if named else ():
        axes.text(-0.12 / len(periods), place + 0.5, name, ha="right", va="center", size=5.8, transform=axes.get_yaxis_transform())
    axes.set(xlim=(0, len(periods)), yticks=[])


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
