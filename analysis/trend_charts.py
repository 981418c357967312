"""What changed between periods -> figures, in the looks of `charts`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline

from analysis import trends
from analysis.blocks import Figure, Table
from analysis.breakdown import EVALUATED, OWN_BATCH, Numbers, half_up, percent, signed
from analysis.charts import WIDE, colour, colour_key, drawn, hatch, ink
from analysis.grades import GRADES, HIGH
from analysis.trends import STATES, Estimate, Pair, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOVERS = 10  # alliances named in each direction
LABELLED = 5
FEW_PERIODS = 4


def short(name: str) -> str:
    """A name without the ending that all of them share."""
    for ending in ("产业技术创新战略联盟", "技术创新战略联盟", "产业技术创新联盟", "联盟"):
        if name.endswith(ending) and len(name) > len(ending):
            return name.removesuffix(ending)
    return name


def coverage(numbers: Sequence[Numbers], key: str, caption: str) -> Figure:
    """The share of each batch's registered alliances that was evaluated, period by period."""
    periods = [n.period.name for n in numbers]
    batches = list(numbers[-1].batches.values())
    shares = {b.short: [n.share(f"{b.short} {EVALUATED}", OWN_BATCH) if b.key in n.batches else None for n in numbers]
              for b in batches}
    total = [n.share(EVALUATED, n.everyone) for n in numbers]
    fell = total[-1].fraction < total[0].fraction
    message = f"参评占登记的比例从{total[0].percent}{'降' if fell else '升'}到{total[-1].percent}"
    alt = f"折线图，{caption}。" + "；".join(
        f"{name}：" + "，".join(f"{p} {s.percent if s else '未登记'}" for p, s in zip(periods, line))
        for name, line in [*shares.items(), ("全部", total)]) + "。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.08, 0.11, 0.72, 0.76))
        ends = []
        for batch, line in [*zip(batches, shares.values()), (None, total)]:
            places = [i for i, s in enumerate(line) if s]
            values = [float(line[i].fraction) * 100 for i in places]
            style = {"color": "#222222", "linewidth": 2, "linestyle": (0, (4, 2))} if batch is None else \
                {"color": colour(batch.key), "linewidth": 2}
            axes.plot(places, values, marker="o", markersize=5, markeredgecolor="#6B6B6B", markeredgewidth=0.5, **style)
            ends.append((values[-1], "全部" if batch is None else batch.short, line[-1]))
        lowest = -np.inf
        for value, name, share in sorted(ends):
            height = max(value, lowest + 8)
            lowest = height
            axes.annotate(f"{name} {share.percent}", (len(periods) - 1, value), (len(periods) - 1 + 0.04 * len(periods), height),
                          va="center", size=8.5, annotation_clip=False)
        axes.set_xticks(range(len(periods)), periods, size=8.5 if len(periods) <= FEW_PERIODS else 7.5)
        axes.set(xlim=(-0.2, len(periods) - 0.95), ylim=(0, 100), ylabel="参评占登记（%）")
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

    def draw(axes: Axes) -> None:
        axes.set_position((0.17, 0.02, 0.81, 1 - 0.02 - 0.55 / height))
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
    return Figure(key, caption, alt, drawn(WIDE, height, draw, "同一批联盟与全部参评联盟，变化并不相同", alt), table,
                  records, below=True)


def alluvial(panel: Panel, key: str, caption: str) -> Figure:
    """How alliances flow from state to state; whoever was not evaluated stays in the picture."""
    columns = len(panel.periods)
    totals = [panel.states[p].value_counts().reindex(STATES, fill_value=0) for p in panel.periods]
    whole, gap = len(panel.states), len(panel.states) * 0.03
    tables = [trends.transitions(panel, pair) for pair in panel.pairs]
    last = tables[-1]
    climbed = int(sum(last.loc[a, b] for i, a in enumerate(GRADES) for b in GRADES[:i]))
    sank = int(sum(last.loc[a, b] for i, a in enumerate(GRADES) for b in GRADES[i + 1:]))
    message = f"{panel.last.earlier}到{panel.last.later}：两期都参评的联盟中，升档{climbed}家，降档{sank}家"
    alt = f"冲积图，{caption}。" + "；".join(
        f"{p}：" + "，".join(f"{s}{total[s]}家" for s in STATES if total[s]) for p, total in zip(panel.periods, totals)) + "。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.02, 0.02, 0.96, 0.83))
        bar = 0.16 if columns <= FEW_PERIODS else 0.22
        starts = []
        for place, (period, total) in enumerate(zip(panel.periods, totals)):
            bottom, start = whole + gap * (len(STATES) - 1), {}
            axes.text(place, bottom + gap, period, ha="center", va="bottom", weight="bold", size=9 if columns <= FEW_PERIODS else 7)
            for state in STATES:
                height = int(total[state])
                start[state] = bottom
                if height:
                    axes.add_patch(Rectangle((place - bar / 2, bottom - height), bar, height, facecolor=colour(state),
                                             edgecolor="#8A8A8A", linewidth=0.4, hatch=hatch(state)))
                    if height >= whole * 0.012:
                        size = 8 if columns <= FEW_PERIODS else 6
                        text = f"{state} {height}" if columns <= FEW_PERIODS else str(height)
                        side = -1 if place == 0 else 1 if place == columns - 1 else 0
                        if columns <= FEW_PERIODS and side:
                            axes.text(place + side * (bar / 2 + 0.02), bottom - height / 2, text, va="center", size=size,
                                      ha="right" if side < 0 else "left")
                        elif height >= whole * 0.03:
                            axes.text(place, bottom - height / 2, str(height), ha="center", va="center", size=size,
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
        room = 0.45 if columns <= FEW_PERIODS else 0.2
        axes.set(xlim=(-room, columns - 1 + room), ylim=(-gap, whole + gap * (len(STATES) + 2.5)))
        axes.axis("off")
        if columns > FEW_PERIODS:
            colour_key(axes, [(s, s) for s in STATES], y=-0.03)

    return Figure(key, caption, alt, drawn(WIDE, 4.0, draw, message, alt), None, trends.transition_records(panel), below=True)


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
    message = f"两期都有评分的{len(matched)}家平均变化{signed(mean, 1)}分；起点低的升得多"
    if fit.change_of_lower_half <= fit.change_of_upper_half:
        message = f"两期都有评分的{len(matched)}家平均变化{signed(mean, 1)}分"
    movers = matched.reindex(matched["change"].abs().sort_values(ascending=False, kind="stable").index)[:LABELLED]
    alt = (f"散点图，{caption}，{len(matched)}家，平均变化{signed(mean, 1)}分，回归线斜率{fit.slope:.2f}。变化最大的："
           + "，".join(f"{short(r.name)}{r.before:g}到{r.after:g}" for _, r in movers.iterrows()) + "。")

    def draw(axes: Axes) -> None:
        axes.set_position((0.09, 0.12, 0.89, 0.77))
        low = min(matched["before"].min(), matched["after"].min()) - 4
        axes.plot([low, 101], [low, 101], color="#8A8A8A", linewidth=0.9, linestyle=(0, (4, 2)))
        axes.text(low + 1, low + 2.2, "两期相同", size=7.5, color="#5B5B5B", rotation=0)
        ends = np.array([matched["before"].min(), matched["before"].max()])
        axes.plot(ends, fit.intercept + fit.slope * ends, color=colour("accent"), linewidth=1.2)
        axes.text(ends[1] + 0.5, fit.intercept + fit.slope * ends[1] - 1.2, "回归线", size=7.5, color=colour("accent"), ha="right",
                  va="top")
        for batch, rows in matched.groupby("batch"):
            axes.plot(rows["before"], rows["after"], "o", color=colour(batch), markersize=5, markeredgecolor="#5B5B5B",
                      markeredgewidth=0.4)
        for _, row in movers.iterrows():
            side = 1 if row["before"] < low + 20 else -1
            axes.annotate(short(row["name"]), (row["before"], row["after"]), (5 * side, 0), textcoords="offset points", size=7,
                          ha="left" if side > 0 else "right", va="center")
        axes.set(xlim=(low, 102), ylim=(low, 104), xlabel=f"{pair.earlier}评分", ylabel=f"{pair.later}评分")
        colour_key(axes, [(b, name) for b, name in batches.items() if b in set(matched["batch"])], y=1.0)

    records = [{"id": i, "name": r["name"], "batch": r["batch"], "before": r["before"], "after": r["after"], "change": r["change"]}
               for i, r in matched.iterrows()]
    return Figure(key, caption, alt, drawn(WIDE, 3.9, draw, message, alt), None, records, below=True)


def large_movers(panel: Panel, pair: Pair, key: str, caption: str) -> Figure | None:
    """The alliances whose score rose or fell most, as dumbbells, named."""
    matched = trends.matched_scores(panel, pair)
    if matched.empty:
        return None
    order = matched.sort_values(["change", "after"], ascending=[False, False], kind="stable")
    shown = order if len(order) <= 2 * MOVERS else order.iloc[[*range(MOVERS), *range(len(order) - MOVERS, len(order))]]
    top, bottom = shown.iloc[0], shown.iloc[-1]
    message = f"升得最多的{short(top['name'])}{signed(top['change'], 0)}分，降得最多的{short(bottom['name'])}{signed(bottom['change'], 0)}分"
    alt = f"哑铃图，{caption}。" + "；".join(f"{short(r['name'])}{r['before']:g}到{r['after']:g}" for _, r in shown.iterrows()) + "。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.36, 0.09, 0.6, 0.84))
        for place, (_, row) in enumerate(shown.iterrows()):
            where = place + (0.8 if place >= MOVERS and len(order) > 2 * MOVERS else 0)
            axes.plot([row["before"], row["after"]], [where, where], color="#BDBDBD", linewidth=2, zorder=1)
            axes.plot(row["before"], where, "o", color="white", markeredgecolor="#5B5B5B", markersize=5.5, zorder=2)
            axes.plot(row["after"], where, "o", color=colour(GRADES[0]), markersize=6, zorder=2)
            axes.text(max(row["before"], row["after"]) + 1.5, where, signed(row["change"], 0), va="center", size=7.5)
            axes.text(-0.01, where, f"{short(row['name'])}", va="center", ha="right", size=7.5, transform=axes.get_yaxis_transform())
        axes.set(ylim=(len(shown) + (0.4 if len(order) > 2 * MOVERS else -0.4), -0.7), yticks=[],
                 xlim=(min(shown[["before", "after"]].min()) - 3, 106), xlabel=f"评分（空心为{pair.earlier}，实心为{pair.later}）")
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)

    return Figure(key, caption, alt, drawn(WIDE, 0.17 * len(shown) + 0.85, draw, message, alt), None,
                  [{"id": i, "name": r["name"], "before": r["before"], "after": r["after"], "change": r["change"]}
                   for i, r in shown.iterrows()], below=True)


def retention(panel: Panel, pair: Pair, batches: dict[str, str], key: str, caption: str) -> Figure:
    """The share evaluated again, by earlier grade and by batch, with 95 % intervals."""
    by_grade, by_batch = (trends.retention(panel, pair, by) for by in ("grade", "batch"))
    entries: list[tuple[str, Estimate, str]] = [("全部", by_grade[""], "#222222")]
    entries += [(g, e, colour(g)) for g, e in by_grade.items() if g]
    entries += [(batches[b], e, colour(b)) for b, e in by_batch.items() if b]
    best = max(entries[1:], key=lambda entry: entry[1].share)
    least = min(entries[1:], key=lambda entry: entry[1].share)
    message = f"再次参评的比例：{best[0]}{percent(best[1].share)}，{least[0]}{percent(least[1].share)}"
    alt = f"点图，{caption}。" + "；".join(f"{name}{e.part}/{e.whole}，{percent(e.share)}" for name, e, _ in entries) + "。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.2, 0.13, 0.62, 0.74))
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
    return Figure(key, caption, alt, drawn(WIDE, 0.3 * len(entries) + 0.75, draw, message, alt), table, records, below=True)


def waterfall(panel: Panel, pair: Pair, key: str, caption: str) -> Figure:
    """From a grade's earlier share to its later one by stayers, entrants and leavers; a panel for each grade."""
    parts = trends.decomposition(panel, pair)
    high = parts[0]
    message = f"{HIGH}的占比变化{signed(high.total)}个百分点，其中两期都参评者带来{signed(high.stayers)}"
    alt = f"瀑布图，{caption}。" + "；".join(
        f"{p.grade}：从{percent(p.before / 100)}到{percent(p.after / 100)}，留下者{signed(p.stayers)}，新来者{signed(p.entrants)}，"
        f"离开者{signed(p.leavers)}个百分点" for p in parts) + "。"
    top = max(float(max(p.before, p.after, p.before + p.stayers, p.before + p.stayers + p.entrants)) for p in parts) * 1.2

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
                fill = colour(p.grade) if total else "#8FB98B" if value >= 0 else "#D99A8F"
                axes.bar(spot, value, bottom=start, color=fill, width=0.72, edgecolor="#6B6B6B", linewidth=0.4)
                level = value if total else level + value
                text = f"{half_up(change, 1)}" if total else signed(change, 1)
                axes.text(spot, max(start, start + value) + top * 0.015, text, ha="center", va="bottom", size=7)
            axes.set_xticks(range(5), [n.replace("-", "-\n") for n, _ in steps], size=7)
            axes.set(ylim=(min(0, *(float(p.before + p.stayers + p.entrants) for p in parts)), top), yticks=[])
            axes.spines["left"].set_visible(False)

    columns = ["等级", pair.earlier, "留下者", "新来者", "离开者", "变化", pair.later]
    rows = [[p.grade, percent(p.before / 100), signed(p.stayers), signed(p.entrants), signed(p.leavers), signed(p.total),
             percent(p.after / 100)] for p in parts]
    table = Table("", "", columns, rows, "lrrrrrr", note="留下者、新来者、离开者三列相加等于变化，单位为百分点；各列分别取整，末位可能相差1。")
    return Figure(key, caption, alt, drawn(WIDE, 2.7, draw, message, alt, panels=len(parts)), table,
                  trends.decomposition_records(panel), below=True)


def mean_scores(panel: Panel, schemes: dict[str, object], key: str, caption: str) -> Figure:
    """The mean as printed, its bounds with the withheld scores in, and the mean of those scored in both of the last two."""
    pair = panel.last
    bounds = {p: trends.mean_bounds(panel, schemes[p], p) for p in panel.periods}
    matched = trends.matched_scores(panel, pair)
    ids = list(matched.index)
    like = {p: trends.mean_bounds(panel, schemes[p], p, ids) for p in pair} if ids else {}
    naive = bounds[pair.later].published - bounds[pair.earlier].published
    fair = like[pair.later].published - like[pair.earlier].published if ids else None
    only = "只" if ids and naive > fair > 0 else ""
    message = f"公布评分的平均数变化{signed(naive, 1)}分；同一批{len(ids)}家{only}变化{signed(fair, 1)}分" if ids else ""
    alt = f"点图，{caption}。" + "；".join(
        f"{p}：公布的{b.n}家平均{half_up(b.published, 1)}分，计入未公布的{b.withheld}家后在{half_up(b.low, 1)}到{half_up(b.high, 1)}分之间"
        for p, b in bounds.items()) + "。" + "；".join(f"同一批联盟{p}平均{half_up(b.published, 1)}分" for p, b in like.items()) + "。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.07, 0.11, 0.91, 0.7))
        places = range(len(panel.periods))
        axes.plot(places, [float(b.published) for b in bounds.values()], "o--", color="#8A8A8A", linewidth=1, markersize=6,
                  label="公布评分的平均")
        for place, b in zip(places, bounds.values()):
            if b.withheld:
                axes.bar(place, float(b.high - b.low), bottom=float(b.low), width=0.1, color="#E4E0D8", edgecolor="#8A8A8A",
                         linewidth=0.5, hatch="////", zorder=0, label="" if axes.patches else "计入未公布评分后的范围")
            axes.annotate(str(half_up(b.published, 1)), (place, float(b.published)), (0, -13), textcoords="offset points", size=8,
                          color="#5B5B5B", ha="center")
        if like:
            spots = [panel.periods.index(p) for p in pair]
            axes.plot(spots, [float(b.published) for b in like.values()], "o-", color=colour(HIGH), linewidth=2, markersize=7,
                      label=f"两期都公布评分的{len(ids)}家的平均")
            for spot, b in zip(spots, like.values()):
                axes.annotate(str(half_up(b.published, 1)), (spot, float(b.published)), (0, 8), textcoords="offset points", size=8,
                              color=colour(HIGH), ha="center")
        axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(-0.01, 1.0), fontsize=8.5, borderaxespad=0.2)
        low = min([*(float(b.low) for b in bounds.values()), *(float(b.published) for b in like.values())])
        axes.set_xticks(places, panel.periods)
        axes.set(xlim=(-0.3, len(panel.periods) - 0.7), ylim=(max(0, low - 6), 100), ylabel="平均分")
        axes.grid(axis="y")

    rows = [[p, str(b.n), f"{half_up(b.published)}", str(b.withheld), f"{half_up(b.low)}—{half_up(b.high)}",
             f"{half_up(like[p].published)}（{like[p].n}家）" if p in like else "—"] for p, b in bounds.items()]
    columns = ["评价期", "公布评分", "其平均", "未公布", "全部参评者平均的范围", "两期都有评分者平均"]
    records = [{"period": p, "published": b.n, "mean": float(b.published), "withheld": b.withheld, "low": float(b.low),
                "high": float(b.high), "matched_mean": float(like[p].published) if p in like else None} for p, b in bounds.items()]
    return Figure(key, caption, alt, drawn(WIDE, 3.0, draw, message, alt), Table("", "", columns, rows, "lrrrrr"), records, below=True)


def cutoff_shifts(panel: Panel, scheme, period: str, key: str, caption: str) -> Figure:
    """How many alliances would change grade were every cut-off a point or two higher or lower."""
    shifts = trends.sensitivity(panel, scheme, period)
    total = len(panel.of(period))
    most = max(shifts, key=lambda s: s.up + s.down)
    changed = Fraction(most.up + most.down, total)
    message = f"分档线{'升' if most.by > 0 else '降'}{abs(most.by)}分，{most.up + most.down}家换档"
    message += f"（占{percent(changed)}）"
    alt = f"条形图，{caption}。" + "；".join(f"{signed(s.by, 0)}分：升档{s.up}家，降档{s.down}家" for s in shifts) + "。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.2, 0.16, 0.77, 0.68))
        for place, s in enumerate(shifts):
            axes.barh(place, s.up, color="#8FB98B", edgecolor="#6B6B6B", linewidth=0.4, height=0.62)
            axes.barh(place, -s.down, color="#D99A8F", edgecolor="#6B6B6B", linewidth=0.4, height=0.62)
            axes.text(s.up + 0.15 if s.up else -s.down - 0.15, place, f"升档{s.up}家" if s.up else f"降档{s.down}家", va="center",
                      ha="left" if s.up else "right", size=8)
        reach = max(max(s.up, s.down) for s in shifts) * 1.4 + 1
        axes.axvline(0, color="#5B5B5B", linewidth=0.8)
        axes.set_yticks(range(len(shifts)), [f"分档线{signed(s.by, 0)}分" for s in shifts])
        axes.set(xlim=(-reach, reach), ylim=(len(shifts) - 0.5, -0.5), xticks=[])
        axes.spines["bottom"].set_visible(False)

    hidden = shifts[0].unknown
    rows = [[f"{signed(s.by, 0)}分", str(s.up), str(s.down)] for s in shifts]
    note = f"另有{hidden}家评分未公布；分档线下移时他们是否升档，无法得知。" if hidden else ""
    records = [{"period": period, "shift": s.by, "up": s.up, "down": s.down, "withheld": s.unknown} for s in shifts]
    table = Table("", "", ["分档线移动", "升档", "降档"], rows, "lrr", note=note)
    return Figure(key, caption, alt, drawn(WIDE, 1.9, draw, message, alt), table, records, below=True)


def spark(panel: Panel, id: str) -> dict[str, str]:
    """One alliance's scores in a row, as a small drawing: dots joined where neighbours are scored, hollow where withheld."""
    width, high = 14 + 16 * (len(panel.periods) - 1), 18
    marks, line, words = [], [], []
    for place, period in enumerate(panel.periods):
        state, score = panel.states.at[id, period], panel.scores.at[id, period]
        x = 7 + 16 * place
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
                marks.append(f'<circle cx="{x}" cy="{high - 5}" r="2.3" fill="none" stroke="#5B5B5B"/>')
            else:
                marks.append(f'<path d="M{x - 2} {high - 3}h4" stroke="#B4B4B4"/>')
            words.append(f"{period}：{state if state not in GRADES else '评分未公布'}")
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{high}" viewBox="0 0 {width} {high}">'
           f'{"".join(marks)}</svg>')
    return {"svg": svg, "alt": "，".join(words)}
