"""What changed between periods -> figures, in the looks of `charts`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.patheffects import Normal, Stroke

from analysis import trends
from analysis.alliances import short
from analysis.blocks import Figure, Table, ems
from analysis.breakdown import EVALUATED, OWN_BATCH, PILOTS, Numbers, gained, half_up, percent, signed
from analysis.charts import WIDE, colour, colour_key, drawn, hatch, ink
from analysis.grades import GRADES, HIGH, TOP_SCORE
from analysis.trends import STATES, Estimate, Pair, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOVERS = 10  # alliances named in each direction
LABELLED = 5
LONGEST_NAME = 18
FEW_PERIODS = 4


def coverage(numbers: Sequence[Numbers], key: str, caption: str) -> Figure:
    """The share of each batch's registered alliances that was evaluated, period by period."""
    periods = [n.period.name for n in numbers]
    batches = list(numbers[-1].batches.values())
    shares = {b.short: [n.share(f"{b.short} {EVALUATED}", OWN_BATCH) if b.key in n.batches else None for n in numbers]
              for b in batches}
    total = [n.share(EVALUATED, n.everyone) for n in numbers]
    joined = list(numbers[0].batches) != list(numbers[-1].batches)
    ends = [n.share(f"{PILOTS} {EVALUATED}", PILOTS) if joined else n.share(EVALUATED, n.everyone) for n in (numbers[0], numbers[-1])]
    way = f"从{ends[0].percent}{'降' if ends[1].fraction < ends[0].fraction else '升'}到{ends[1].percent}"
    message = (f"{'试点联盟' if joined else ''}参评占登记的比例" +
               (f"前后都是{ends[1].percent}" if ends[0].percent == ends[1].percent else way))
    alt = f"折线图，{caption}。" + "；".join(
        f"{name}：" + "，".join(f"{p} {s.percent if s else '未登记'}" for p, s in zip(periods, line))
        for name, line in [*shares.items(), ("全部", total)]) + "。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.08, 0.11, 0.7, 0.76))
        ends = []
        for batch, line in [*zip(batches, shares.values()), (None, total)]:
            places = [i for i, s in enumerate(line) if s]
            values = [float(line[i].fraction) * 100 for i in places]
            fill = "#222222" if batch is None else colour(batch.key)
            outlined = [Stroke(linewidth=3, foreground="#6B6B6B"), Normal()]
            axes.plot(places, values, color=fill, linewidth=2, linestyle=(0, (4, 2)) if batch is None else "-",
                      path_effects=None if batch is None else outlined)
            axes.plot(places, values, "o", color=fill, markersize=5, markeredgecolor="#6B6B6B", markeredgewidth=0.5)
            ends.append((values[-1], "全部" if batch is None else batch.short, line[-1], fill))
        edge, reach = len(periods) - 0.95, len(periods) - 0.75
        ends.sort()
        heights = [value for value, *_ in ends]
        for place in range(1, len(heights)):
            heights[place] = max(heights[place], heights[place - 1] + 8.5)
        above = max(heights[-1] - 103, 0)
        for lowest, (value, name, share, fill) in zip([h - above for h in heights], ends):
            axes.plot([edge - 0.03, edge + 0.035 * reach], [value, lowest], color="#9A9A9A", linewidth=0.6, clip_on=False)
            axes.plot(edge + 0.05 * reach, lowest, "o", color=fill, markersize=5, markeredgecolor="#6B6B6B", markeredgewidth=0.5,
                      clip_on=False)
            axes.text(edge + 0.068 * reach, lowest, f"{name} {share.percent}", va="center", size=8.5)
        axes.set_xticks(range(len(periods)), periods, size=8.5 if len(periods) <= FEW_PERIODS else 7.5)
        axes.set(xlim=(-0.2, edge), ylim=(0, 100), ylabel="参评占登记（%）")
        axes.grid(axis="y")

    rows = [[name, *(s.percent if s else "未登记" for s in line)] for name, line in [*shares.items(), ("全部", total)]]
    records = [{"period": p, "batch": b.key, "registered": s.whole, "evaluated": s.part}
               for b, line in zip(batches, shares.values()) for p, s in zip(periods, line) if s]
    table = Table("", "", ["批次", *periods], rows, "l" + "r" * len(periods))
    return Figure(key, caption, alt, drawn(WIDE, 2.7, draw, message, alt), table, records, below=True)


def grade_shares(panel: Panel, key: str, caption: str) -> Figure:
    """The grades of all evaluated in each period, and of those evaluated in both of the last two, as bars of 100 %."""
    pair = panel.last
    stayers = trends.flow(panel, pair).stayers
    bars = [(f"{period}\n全部参评", panel.of(period)["grade"]) for period in panel.periods]
    bars += [(f"{period}\n两期都参评", panel.of(period).set_index("id").loc[stayers, "grade"]) for period in pair if stayers]
    counts = [(name, {g: int((grades == g).sum()) for g in GRADES}, len(grades)) for name, grades in bars]
    rows = [[name.replace("\n", " "), str(n), *(f"{c[g]}（{percent(Fraction(c[g], n))}）" for g in GRADES)]
            for name, c, n in counts]
    alt = f"百分条图，{caption}。" + "；".join(
        f"{name}{n}家：".replace("\n", "") + "，".join(f"{g}{c[g]}家" for g in GRADES) for name, c, n in counts) + "。"

    roomy = len(panel.periods) <= FEW_PERIODS
    height = (0.55 if roomy else 0.34) * len(counts) + 0.75
    before, after = (c[HIGH] and Fraction(100 * c[HIGH], n) for _, c, n in (counts[len(panel.periods) - 2:len(panel.periods)]))
    message = f"{HIGH}的占比：全部参评联盟变化{signed(after - before, 1)}个百分点"
    if stayers:
        own = Fraction(100 * (counts[-1][1][HIGH] - counts[-2][1][HIGH]), len(stayers))
        message += f"，两期都参评的{'也' if signed(own, 1) == signed(after - before, 1) else ''}变化{signed(own, 1)}个百分点"

    def draw(axes: Axes) -> None:
        axes.set_position((0.19 if roomy else 0.22, 0.02, 0.79 if roomy else 0.76, 1 - 0.02 - 0.55 / height))
        for place, (_, count, n) in enumerate(counts):
            left = 0.0
            where = place + (0.35 if place >= len(panel.periods) else 0)
            for grade in GRADES:
                width = 100 * count[grade] / n
                axes.barh(where, width, left=left, height=0.7, color=colour(grade), edgecolor="white", linewidth=1.2)
                if width >= 7:
                    apart = "\n" if roomy else " "
                    axes.text(left + width / 2, where, f"{count[grade]}家{apart}{percent(Fraction(count[grade], n), 2 if roomy else 0)}",
                              ha="center", va="center", size=7.5, color=ink(colour(grade)), linespacing=1.1)
                left += width
        axes.set_yticks([i + (0.35 if i >= len(panel.periods) else 0) for i in range(len(counts))],
                        [f"{name}（{n}家）" if roomy else f"{name}（{n}家）".replace("\n", "") for name, _, n in counts],
                        size=8 if roomy else 6.5)
        axes.set(xlim=(0, 100), ylim=(len(counts) - 0.1, -0.5), xticks=[])
        for side in axes.spines.values():
            side.set_visible(False)
        colour_key(axes, [(g, g) for g in GRADES], y=1.0)

    records = [{"group": name.replace("\n", " "), "grade": g, "alliances": c[g], "of": n} for name, c, n in counts for g in GRADES]
    table = Table("", "", ["期别", "联盟数", *GRADES], rows, "lrrrrr")
    return Figure(key, caption, alt, drawn(WIDE, height, draw, message, alt), table, records, below=True)


def alluvial(panel: Panel, key: str, caption: str) -> Figure:
    """How alliances flow from state to state; whoever was not evaluated stays in the picture."""
    columns = len(panel.periods)
    totals = [panel.states[p].value_counts().reindex(STATES, fill_value=0) for p in panel.periods]
    whole, gap = len(panel.states), len(panel.states) * 0.03
    tables = [trends.transitions(panel, pair) for pair in panel.pairs]
    last = tables[-1]
    climbed = int(sum(last.loc[a, b] for i, a in enumerate(GRADES) for b in GRADES[:i]))
    sank = int(sum(last.loc[a, b] for i, a in enumerate(GRADES) for b in GRADES[i + 1:]))
    message = f"{panel.last.earlier}到{panel.last.later}：两期都参评的联盟中，升档{climbed}家，降档{sank}家{_floors(panel, panel.last)}"
    alt = f"冲积图，{caption}。" + "；".join(
        f"{p}：" + "，".join(f"{s}{total[s]}家" for s in STATES if total[s]) for p, total in zip(panel.periods, totals)) + "。"

    named = columns <= FEW_PERIODS  # at both sides; else a key tells the colours

    def draw(axes: Axes) -> None:
        axes.set_position((0.02, 0.02, 0.96, 0.88) if named else (0.02, 0.08, 0.96, 0.82))
        bar = 0.16 if named else 0.22
        starts = []
        for place, (period, total) in enumerate(zip(panel.periods, totals)):
            bottom, start = whole + gap * (len(STATES) - 1), {}
            axes.text(place, bottom + gap, period, ha="center", va="bottom", weight="bold", size=9 if named else 7)
            for state in STATES:
                height = int(total[state])
                start[state] = bottom
                if height:
                    axes.add_patch(Rectangle((place - bar / 2, bottom - height), bar, height, facecolor=colour(state),
                                             edgecolor="#8A8A8A", linewidth=0.4, hatch=hatch(state)))
                    if height >= whole * 0.012:
                        side = -1 if place == 0 else 1 if place == columns - 1 else 0
                        if named and side:
                            axes.text(place + side * (bar / 2 + 0.02 * (columns - 1)), bottom - height / 2, f"{state} {height}",
                                      va="center", size=8, ha="right" if side < 0 else "left")
                        elif height >= whole * 0.03:
                            axes.text(place, bottom - height / 2, str(height), ha="center", va="center", size=8 if named else 6,
                                      color=ink(colour(state)))
                bottom -= height + gap
            starts.append(start)
        for place, table in enumerate(tables):
            left, right = dict(starts[place]), dict(starts[place + 1])
            for before in STATES:
                for after in STATES:
                    n = int(table.loc[before, after])
                    if n:
                        _ribbon(axes, place + bar / 2, place + 1 - bar / 2, left[before], right[after], n, colour(before))
                        left[before] -= n
                        right[after] -= n
        room = 0.36 * (columns - 1) + bar / 2 if named else 0.2  # 0.36: of the width, what the words at a side take
        axes.set(xlim=(-room, columns - 1 + room), ylim=(-gap, whole + gap * (len(STATES) + 1.5)))
        axes.axis("off")
        if not named:
            colour_key(axes, [(s, s) for s in STATES], y=-0.08)

    return Figure(key, caption, alt, drawn(WIDE, 4.0, draw, message, alt), None, trends.transition_records(panel), below=True)


def _floors(panel: Panel, pair: Pair) -> str:
    return "" if panel.same_floors(pair) else "（分档线不同）"


def _ribbon(axes: Axes, x0: float, x1: float, top0: float, top1: float, thick: float, fill: str) -> None:
    middle = (x0 + x1) / 2
    points = [(x0, top0), (middle, top0), (middle, top1), (x1, top1), (x1, top1 - thick), (middle, top1 - thick),
              (middle, top0 - thick), (x0, top0 - thick), (x0, top0)]
    codes = [Outline.MOVETO, *[Outline.CURVE4] * 3, Outline.LINETO, *[Outline.CURVE4] * 3, Outline.CLOSEPOLY]
    axes.add_patch(PathPatch(Outline(points, codes), facecolor=fill, edgecolor="#9A9A9A", linewidth=0.2, alpha=0.55))


def before_and_after(panel: Panel, pair: Pair, batches: dict[str, str], key: str, caption: str) -> Figure | None:
    """Each alliance scored in both periods as a point, with the line of equality and the fitted line."""
    matched = trends.matched_scores(panel, pair)
    fit = trends.regression(matched)
    if fit is None:
        return None
    mean = Fraction(str(round(matched["change"].sum(), 6))) / len(matched)
    message = f"两期都有评分的{len(matched)}家平均变化{signed(mean, 1)}分"
    hidden = len(trends.flow(panel, pair).stayers) - len(matched)
    fits = [fit, *(trends.regression(trends.filled(panel, pair, top)) for top in (False, True) if hidden)]
    lower, upper = zip(*((f.change_of_lower_half, f.change_of_upper_half) for f in fits if f))
    if all(low > max(high, 0) for low, high in zip(lower, upper)):
        message += "；起点低的升得多"
    elif all(high < min(low, 0) for low, high in zip(lower, upper)):
        message += "；起点高的降得多"
    movers = matched.reindex(matched["change"].abs().sort_values(ascending=False, kind="stable").index)[:LABELLED]
    alt = (f"散点图，{caption}，{len(matched)}家，平均变化{signed(mean, 1)}分，回归线斜率{fit.slope:.2f}。变化最大的："
           + "，".join(f"{short(r.name)}{r.before:g}到{r.after:g}" for _, r in movers.iterrows()) + "。")

    def draw(axes: Axes) -> None:
        axes.set_position((0.09, 0.12, 0.89, 0.77))
        low = min(matched["before"].min(), matched["after"].min()) - 4
        axes.plot([low, 101], [low, 101], color="#8A8A8A", linewidth=0.9, linestyle=(0, (4, 2)))
        ends = np.array([matched["before"].min(), matched["before"].max()])
        axes.plot(ends, fit.intercept + fit.slope * ends, color=colour("accent"), linewidth=1.2)
        for batch, rows in matched.groupby("batch"):
            axes.plot(rows["before"], rows["after"], "o", color=colour(batch), markersize=5, markeredgecolor="#5B5B5B",
                      markeredgewidth=0.4)
        axes.set(xlim=(low, 102), ylim=(low, 104), xlabel=f"{pair.earlier}评分", ylabel=f"{pair.later}评分")
        along = np.linspace(low, 101, 80)
        lines = np.vstack([np.column_stack([along, along]), np.column_stack([along, fit.intercept + fit.slope * along])])
        near = low + min(7, (101 - low) / 3)
        _name(axes, [("两期相同", near, near, "#5B5B5B"), ("回归线", ends[0], fit.intercept + fit.slope * ends[0], colour("accent")),
                     *((short(r["name"]), r["before"], r["after"], "#222222") for _, r in movers.iterrows())],
              np.vstack([matched[["before", "after"]], lines]))
        colour_key(axes, [(b, name) for b, name in batches.items() if b in set(matched["batch"])], y=1.0)

    records = [{"id": i, "name": r["name"], "batch": r["batch"], "before": r["before"], "after": r["after"], "change": r["change"]}
               for i, r in matched.iterrows()]
    return Figure(key, caption, alt, drawn(WIDE, 3.9, draw, message, alt), None, records, below=True)


def _name(axes: Axes, names: list[tuple[str, float, float, str]], points: np.ndarray, size: float = 7) -> None:
    """Write names beside their points, each where it covers the fewest points; a name that would lie on another is left out."""
    width, height = axes.figure.get_size_inches() * 72 * (axes.get_position().width, axes.get_position().height)
    to_print = axes.transLimits.transform
    dots = to_print(points) * (width, height)
    taken: list[tuple[float, float, float, float]] = []
    for name, x, y, ink_ in names:
        at = to_print((x, y)) * (width, height)
        long, high = size * ems(name), size * 1.25
        choices = []
        for across, up in ((5, 0), (-5, 0), *((a, u) for u in (9, -9, 18, -18, 27, -27) for a in (5, -5, 0))):
            left = at[0] + across - (0 if across > 0 else long if across < 0 else long / 2)
            box = (left, at[1] + up - high / 2, left + long, at[1] + up + high / 2)
            outside = box[0] < 2 or box[2] > width - 2 or box[1] < 2 or box[3] > height - 2
            over = any(min(box[2], b[2]) > max(box[0], b[0]) and min(box[3], b[3]) > max(box[1], b[1]) for b in taken)
            covered = ((dots > (box[0] - 2, box[1] - 2)) & (dots < (box[2] + 2, box[3] + 2))).all(axis=1).sum()
            choices.append((outside or over, covered, len(choices), across, up, box))
        crowded, *_, across, up, box = min(choices)
        if crowded:
            continue
        taken.append(box)
        axes.annotate(name, (x, y), (across, up), textcoords="offset points", size=size, color=ink_, va="center",
                      ha="left" if across > 0 else "right" if across < 0 else "center")


def large_movers(panel: Panel, pair: Pair, key: str, caption: str) -> Figure | None:
    """The alliances whose score rose or fell most, as dumbbells, named."""
    matched = trends.matched_scores(panel, pair)
    if matched.empty:
        return None
    order = matched.sort_values(["change", "after"], ascending=[False, False], kind="stable")
    shown = order if len(order) <= 2 * MOVERS else order.iloc[[*range(MOVERS), *range(len(order) - MOVERS, len(order))]]
    most, least = order["change"].iloc[0], order["change"].iloc[-1]

    def end(change: float) -> str:
        names = [short(name) for name in order.loc[order["change"] == change, "name"]]
        first = names[0] if len(names[0]) <= LONGEST_NAME else names[0][:LONGEST_NAME] + "…"
        return f"{first}{f'等{len(names)}家' if len(names) > 1 else ''}{gained(change)}分"

    up, down = f"升得最多的{end(most)}", f"降得最多的{end(least)}"
    message = f"{up}，{down}" if most > 0 > least else f"没有一家下降：{up}" if most > 0 else f"没有一家上升：{down}"
    if most == least:
        message = f"{len(order)}家的评分都变化{gained(most)}分" if most else f"{len(order)}家的评分都没有变化"
    alt = f"哑铃图，{caption}。" + "；".join(f"{short(r['name'])}{r['before']:g}到{r['after']:g}" for _, r in shown.iterrows()) + "。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.36, 0.42 / high, 0.6, 1 - 0.72 / high))
        for place, (_, row) in enumerate(shown.iterrows()):
            where = place + (0.8 if place >= MOVERS and len(order) > 2 * MOVERS else 0)
            axes.plot([row["before"], row["after"]], [where, where], color="#BDBDBD", linewidth=2, zorder=1)
            axes.plot(row["before"], where, "o", color="white", markeredgecolor="#5B5B5B", markersize=5.5, zorder=2)
            axes.plot(row["after"], where, "o", color=colour(GRADES[0]), markersize=6, zorder=2)
            axes.text(max(row["before"], row["after"]) + 1.5, where, gained(row["change"]), va="center", size=7.5)
            name = short(row["name"])
            axes.text(-0.01, where, name, va="center", ha="right", size=7.5 * min(1, 20 / ems(name)), transform=axes.get_yaxis_transform())
        axes.set(ylim=(len(shown) + (0.4 if len(order) > 2 * MOVERS else -0.4), -0.7), yticks=[],
                 xlim=(min(shown[["before", "after"]].min()) - 3, 106), xlabel=f"评分（空心为{pair.earlier}，实心为{pair.later}）")
        axes.set_xticks([tick for tick in axes.get_xticks() if axes.get_xlim()[0] <= tick <= TOP_SCORE])
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)

    high = 0.17 * len(shown) + 0.95
    return Figure(key, caption, alt, drawn(WIDE, high, draw, message, alt), None,
                  [{"id": i, "name": r["name"], "before": r["before"], "after": r["after"], "change": r["change"]}
                   for i, r in shown.iterrows()], below=True)


def retention(panel: Panel, pair: Pair, batches: dict[str, str], key: str, caption: str) -> Figure:
    """The share evaluated again, by earlier grade and by batch, with 95 % intervals."""
    by_grade, by_batch = (trends.retention(panel, pair, by) for by in ("grade", "batch"))
    entries: list[tuple[str, Estimate, str]] = [("全部", by_grade[""], "#222222")]
    entries += [(g, e, colour(g)) for g, e in by_grade.items() if g]
    entries += [(batches[b], e, colour(b)) for b, e in by_batch.items() if b]
    message = f"再次参评的比例：全部{percent(by_grade[''].share)}"
    for by, groups in (("grade", by_grade), ("batch", by_batch)):
        test = trends.participation(panel, pair, by)
        if test and test.differs:
            shown = {key: e.share for key, e in groups.items() if key}
            ends = [min((k for k in shown if shown[k] == end), key=list(shown).index) for end in (max(shown.values()), min(shown.values()))]
            message += "；" + "，".join(f"{batches.get(key, key)}{percent(shown[key])}" for key in ends)
            break
    alt = f"点图，{caption}。" + "；".join(f"{name}{e.part}/{e.whole}，{percent(e.share)}" for name, e, _ in entries) + "。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.2, 0.42 / high, 0.62, 1 - 0.78 / high))
        for place, (_, e, fill) in enumerate(entries):
            axes.plot([100 * e.low, 100 * e.high], [place, place], color="#9A9A9A", linewidth=1.6, zorder=1)
            axes.plot(100 * float(e.share), place, "o", color=fill, markersize=7, markeredgecolor="#5B5B5B", markeredgewidth=0.5)
            axes.text(1.02, place, f"{percent(e.share)}（{e.part}/{e.whole}）", va="center", size=8,
                      transform=axes.get_yaxis_transform())
        axes.set_yticks(range(len(entries)), [name for name, *_ in entries])
        axes.set(xlim=(0, 102), ylim=(len(entries) - 0.5, -0.5), xlabel=f"{pair.later}再次参评的比例（%），横线为95%区间")
        axes.grid(axis="x")

    rows = [[name, str(e.whole), str(e.part), percent(e.share), f"{100 * e.low:.1f}%—{100 * e.high:.1f}%"] for name, e, _ in entries]
    table = Table("", "", [f"{pair.earlier}的等级或批次", "参评", "再次参评", "占比", "95%区间"], rows, "lrrrr")
    records = [{"group": name, "evaluated": e.whole, "again": e.part, "low": e.low, "high": e.high} for name, e, _ in entries]
    high = 0.3 * len(entries) + 0.8
    return Figure(key, caption, alt, drawn(WIDE, high, draw, message, alt), table, records, below=True)


def waterfall(panel: Panel, pair: Pair, key: str, caption: str) -> Figure:
    """From a grade's earlier share to its later one by stayers, entrants and leavers; a panel for each grade."""
    parts = trends.decomposition(panel, pair)
    high = parts[0]
    message = f"{HIGH}的占比变化{signed(high.total)}个百分点，其中两期都参评者带来{signed(high.stayers)}{_floors(panel, pair)}"
    alt = f"瀑布图，{caption}。" + "；".join(
        f"{p.grade}：从{percent(p.before / 100)}到{percent(p.after / 100)}，留下者{signed(p.stayers)}，新来者{signed(p.entrants)}，"
        f"离开者{signed(p.leavers)}个百分点" for p in parts) + "。"
    top = max(float(max(p.before, p.after, p.before + p.stayers, p.before + p.stayers + p.entrants)) for p in parts) * 1.2

    lowest = 1.1 * float(min(0, *(level for p in parts for level in (p.before + p.stayers, p.before + p.stayers + p.entrants))))

    def draw(panels: list[Axes]) -> None:
        for place, (axes, p) in enumerate(zip(panels, parts)):
            axes.set_position((0.05 + 0.24 * place, 0.12, 0.22, 0.68))
            axes.set_title(p.grade, size=9.5)
            level = 0.0
            steps = [(pair.earlier, p.before), ("留下", p.stayers), ("新来", p.entrants), ("离开", p.leavers), (pair.later, p.after)]
            for spot, (_, change) in enumerate(steps):
                total = spot in (0, 4)
                start = 0.0 if total else level
                value = float(change)
                fill = colour(p.grade if total else "上升" if value >= 0 else "下降")
                axes.bar(spot, value, bottom=start, color=fill, width=0.72, edgecolor="#6B6B6B", linewidth=0.4)
                level = value if total else level + value
                text = f"{half_up(change, 1)}" if total else signed(change, 1)
                axes.text(spot, max(start, start + value) + top * 0.015, text, ha="center", va="bottom", size=7)
            axes.set_xticks(range(5), [n.replace("-", "-\n") for n, _ in steps], size=7)
            axes.set(ylim=(lowest, top), yticks=[])
            if lowest < 0:
                axes.axhline(0, color="#8A8A8A", linewidth=0.6)
            axes.spines["left"].set_visible(False)

    columns = ["等级", pair.earlier, "留下者", "新来者", "离开者", "变化", pair.later]
    rows = [[p.grade, percent(p.before / 100), signed(p.stayers), signed(p.entrants), signed(p.leavers), signed(p.total),
             percent(p.after / 100)] for p in parts]
    table = Table("", "", columns, rows, "lrrrrrr", note="留下者、新来者、离开者三列相加等于变化，单位为百分点；各列分别取整，末位可能相差1。")
    return Figure(key, caption, alt, drawn(WIDE, 2.7, draw, message, alt, panels=len(parts)), table,
                  trends.decomposition_records(panel), below=True)


def mean_scores(panel: Panel, key: str, caption: str) -> Figure:
    """The mean as printed, its bounds with the withheld scores in, and the mean of those scored in both of the last two."""
    pair = panel.last
    bounds = {p: trends.mean_bounds(panel, panel.schemes[p], p) for p in panel.periods}
    matched = trends.matched_scores(panel, pair)
    ids = list(matched.index)
    like = {p: trends.mean_bounds(panel, panel.schemes[p], p, ids) for p in pair} if ids else {}
    silent = [p for p in pair if bounds[p].published is None]
    if silent:
        message = f"{'、'.join(silent)}没有公布任何评分，只知道平均数的范围"
    else:
        naive = bounds[pair.later].published - bounds[pair.earlier].published
        message = f"公布评分的平均数变化{signed(naive, 1)}分；"
        fair = like[pair.later].published - like[pair.earlier].published if ids else None
        stayers = trends.flow(panel, pair).stayers
        ends = [trends.mean_bounds(panel, panel.schemes[p], p, stayers) for p in pair]
        only = "只" if ids and half_up(naive, 1) > half_up(fair, 1) > 0 and naive > ends[1].high - ends[0].low else ""
        message += f"两期都有评分的{len(ids)}家{only}变化{signed(fair, 1)}分" if ids else "没有一家两期都公布评分"
    alt = f"点图，{caption}。" + "；".join(
        f"{p}：" + (f"公布的{b.n}家平均{half_up(b.published, 1)}分" if b.n else "没有公布任何评分")
        + (f"，计入未公布的{b.withheld}家后在{half_up(b.low, 1)}到{half_up(b.high, 1)}分之间" if b.withheld else "")
        for p, b in bounds.items()) + "。" + "".join(f"两期都有评分的{b.n}家{p}平均{half_up(b.published, 1)}分。" for p, b in like.items())

    def draw(axes: Axes) -> None:
        axes.set_position((0.085, 0.11, 0.895, 0.7))
        places = range(len(panel.periods))
        axes.plot(places, [float("nan" if b.published is None else b.published) for b in bounds.values()], "o--", color="#8A8A8A",
                  linewidth=1, markersize=6, label="公布评分的平均")
        for place, b in zip(places, bounds.values()):
            if b.withheld:
                axes.bar(place, float(b.high - b.low), bottom=float(b.low), width=0.1, color=colour("信息不完整"), edgecolor="#8A8A8A",
                         linewidth=0.5, hatch="////", zorder=0, label="" if axes.patches else "计入未公布评分后的范围")
            if b.n:
                above = panel.periods[place] in like and b.published > like[panel.periods[place]].published
                axes.annotate(str(half_up(b.published, 1)), (place, float(b.published)), (9 if b.withheld else 0, 8 if above else -13),
                              textcoords="offset points", size=8, color="#5B5B5B", ha="left" if b.withheld else "center")
        if like:
            spots = [panel.periods.index(p) for p in pair]
            axes.plot(spots, [float(b.published) for b in like.values()], "o-", color=colour(HIGH), linewidth=2, markersize=7,
                      label=f"两期都公布评分的{len(ids)}家的平均")
            for spot, (p, b) in zip(spots, like.items()):
                above = b.published >= bounds[p].published
                axes.annotate(str(half_up(b.published, 1)), (spot, float(b.published)), (0, 8 if above else -13), textcoords="offset points",
                              size=8, color=colour(HIGH), ha="center")
        axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(-0.01, 1.0), fontsize=8.5, borderaxespad=0.2)
        low = min(float(b.low) for b in (*bounds.values(), *like.values()))
        axes.set_xticks(places, panel.periods)
        axes.set(xlim=(-0.3, len(panel.periods) - 0.7), ylim=(low - 8, 107), ylabel="平均分")
        axes.set_yticks([tick for tick in axes.get_yticks() if max(0, low - 8) <= tick <= TOP_SCORE])
        axes.grid(axis="y")

    rows = [[p, str(b.n), f"{half_up(b.published)}" if b.n else "—", str(b.withheld),
             f"{half_up(b.low)}—{half_up(b.high)}" if b.withheld else f"{half_up(b.low)}",
             f"{half_up(like[p].published)}（{like[p].n}家）" if p in like else "—"] for p, b in bounds.items()]
    columns = ["评价期", "公布评分", "其平均", "未公布", "全部参评者平均的范围", "两期都有评分者平均"]
    records = [{"period": p, "published": b.n, "mean": float(b.published) if b.n else None, "withheld": b.withheld, "low": float(b.low),
                "high": float(b.high), "matched_mean": float(like[p].published) if p in like else None} for p, b in bounds.items()]
    return Figure(key, caption, alt, drawn(WIDE, 3.0, draw, message, alt), Table("", "", columns, rows, "lrrrrr"), records, below=True)


def cutoff_shifts(panel: Panel, scheme, period: str, key: str, caption: str) -> Figure:
    """How many alliances would change grade were every cut-off a point or two higher or lower."""
    shifts = trends.sensitivity(panel, scheme, period)
    total = len(panel.of(period))
    most = max(shifts, key=lambda s: s.up + s.down)
    changed = Fraction(most.up + most.down, total)
    message = f"分档线{'升' if most.by > 0 else '降'}{abs(most.by)}分，{most.up + most.down}家换档（占{percent(changed)}）"
    if shifts[0].unknown == total:
        message = "评分都没有公布，分档线移动时谁换档无从得知"
    alt = f"条形图，{caption}。" + "；".join(f"{signed(s.by, 0)}分：升档{s.up}家，降档{s.down}家" for s in shifts) + "。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.2, 0.16, 0.77, 0.68))
        for place, s in enumerate(shifts):
            axes.barh(place, s.up, color=colour("上升"), edgecolor="#6B6B6B", linewidth=0.4, height=0.62)
            axes.barh(place, -s.down, color=colour("下降"), edgecolor="#6B6B6B", linewidth=0.4, height=0.62)
            axes.text(s.up + 0.15 if s.up else -s.down - 0.15, place, f"升档{s.up}家" if s.up else f"降档{s.down}家", va="center",
                      ha="left" if s.up else "right", size=8)
        reach = max(max(s.up, s.down) for s in shifts) * 1.4 + 1
        axes.axvline(0, color="#5B5B5B", linewidth=0.8)
        axes.set_yticks(range(len(shifts)), [f"分档线{signed(s.by, 0)}分" for s in shifts])
        axes.set(xlim=(-reach, reach), ylim=(len(shifts) - 0.5, -0.5), xticks=[])
        axes.spines["bottom"].set_visible(False)

    hidden = shifts[0].unknown
    rows = [[f"{signed(s.by, 0)}分", str(s.up), str(s.down)] for s in shifts]
    note = f"另有{hidden}家评分未公布；分档线移动时它们是否换档，无法得知。" if hidden else ""
    records = [{"period": period, "shift": s.by, "up": s.up, "down": s.down, "withheld": s.unknown} for s in shifts]
    table = Table("", "", ["分档线移动", "升档", "降档"], rows, "lrr", note=note)
    return Figure(key, caption, alt, drawn(WIDE, 1.9, draw, message, alt), table, records, below=True)


def spark(panel: Panel, id: str) -> dict[str, str]:
    """One alliance's scores in a row, as a small drawing: dots joined where neighbours are scored, hollow where withheld."""
    step = 16 if len(panel.periods) <= FEW_PERIODS else 10
    width, high = 14 + step * (len(panel.periods) - 1), 18
    marks, line, words = [], [], []
    for place, period in enumerate(panel.periods):
        state, score = panel.states.at[id, period], panel.scores.at[id, period]
        x = 7 + step * place
        if score == score:
            y = high - 2 - (high - 4) * score / 100
            if line:
                marks.append(f'<path d="M{line[0]} {line[1]:.1f}L{x} {y:.1f}" stroke="#8A8A8A"/>')
            marks.append(f'<circle cx="{x}" cy="{y:.1f}" r="2.6" fill="{colour(state)}" stroke="#5B5B5B" stroke-width=".5"/>')
            line = [x, y]
            words.append(f"{period}：{score:g}分")
        else:
            line = []
            if state in GRADES:
                y = high - 2 - (high - 4) * (panel.schemes[period].floors[state] + panel.schemes[period].ceiling(state)) / 200
                marks.append(f'<circle cx="{x}" cy="{y:.1f}" r="2.3" fill="none" stroke="#5B5B5B"/>')
            else:
                marks.append(f'<path d="M{x - 2} {high - 3}h4" stroke="#B4B4B4"/>')
            words.append(f"{period}：{state if state not in GRADES else '评分未公布'}")
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{high}" viewBox="0 0 {width} {high}">'
           f'{"".join(marks)}</svg>')
    return {"svg": svg, "alt": "，".join(words)}
