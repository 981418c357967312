"""Data and words -> figure. Nothing here knows about a notebook, and no caller knows about looks."""

from __future__ import annotations

import io
import math
import tomllib
import warnings
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from matplotlib import font_manager
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import hsv_to_rgb, to_hex, to_rgb
from matplotlib.figure import Figure as Canvas

from analysis import fonts
from analysis.blocks import Figure, Table
from analysis.breakdown import EVALUATED, OWN_BATCH, OWN_BATCH_EVALUATED, Breakdown, Group, Numbers, Share
from analysis.grades import GRADES, NOT_EVALUATED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE = Path(__file__).parent / "style"
PALETTE = tomllib.loads((STYLE / "palette.toml").read_text("utf8"))
WIDE = 6.3
LABEL_INSIDE = 0.12
BATCH_KEYS = list("123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")  # what a code may begin with
GOLDEN = 0.618034  # of a turn: hues that far apart never come close
LONGEST_TITLE = 40  # characters


@cache
def _style() -> dict:
    for face in (fonts.REGULAR, fonts.BOLD):
        font_manager.fontManager.addfont(face)
    return dict(matplotlib.rc_params_from_file(STYLE / "report.mplstyle", use_default_template=False))


def drawn(width: float, height: float, draw, title: str, alt: str, panels: int = 1) -> str:
    """The SVG of what `draw(axes)` draws, `width` × `height` inches, `title` above it. A missing glyph is an error.

    With more than one of `panels`, `draw` gets them all, side by side.
    """
    with matplotlib.rc_context(_style()), warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph .* missing")
        canvas = Canvas(figsize=(width, height), layout="none")
        FigureCanvasSVG(canvas)
        axes = [canvas.add_subplot(1, panels, place) for place in range(1, panels + 1)]
        draw(axes if panels > 1 else axes[0])
        if title:
            canvas.text(0.012, 0.985, title, weight="bold", size=10.5, va="top")
        file = io.StringIO()
        canvas.savefig(file, format="svg", metadata={"Date": None, "Title": title, "Description": alt, "Creator": None})
    return file.getvalue()


def colour(key: str) -> str:
    """The one colour of a grade, a batch or a state. A batch that the palette does not have gets a hue of its own by its key."""
    known = {name: fill for colours in PALETTE.values() for name, fill in colours.items()}
    if key not in known and key not in BATCH_KEYS:
        raise KeyError(f"analysis/style/palette.toml has no colour {key!r}; add it there, or ask for one of {'、'.join(known)}")
    return known.get(key) or to_hex(hsv_to_rgb((BATCH_KEYS.index(key) * GOLDEN % 1, 0.5, 0.7))).upper()


def ink(fill: str) -> str:
    """Black or white, whichever is read more easily on a fill."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(fill))
    return "white" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.3 else "#222222"


def hatch(key: str) -> str | None:
    return "////" if key in PALETTE["absent"] else None


def _ground(key: str) -> dict | None:
    """A plain ground for words on a hatched fill."""
    return {"boxstyle": "round,pad=0.15", "fc": colour(key), "ec": "none"} if hatch(key) else None


def listing(groups: list[Group] | tuple[Group, ...]) -> str:
    """The numbers of a breakdown in one line, for an alternative text."""
    return "，".join(f"{g.label}{g.count}家（{g.share.percent}）" for g in groups)


def numbers_table(breakdown: Breakdown) -> Table:
    """The table of a breakdown, with its whole."""
    rows = [[g.label, str(g.count), g.share.percent] for g in breakdown.groups]
    total = breakdown.rounded_sum()
    note = "" if total == 100 else f"各项占比分别四舍五入，相加为{total}%。"
    return Table("", "", [breakdown.by, "联盟数", "占比"], [*rows, ["合计", str(breakdown.whole), "100.00%"]], "lrr", note=note)


def pie(breakdown: Breakdown, key: str, caption: str) -> Figure:
    """A pie from 12 o'clock, clockwise, with name, count and share at each slice."""
    if not breakdown.whole:
        alt = f"{caption}：没有联盟。"
        return Figure(key, caption, alt, drawn(4.3, 0.6, _nothing, "没有联盟", alt), numbers_table(breakdown), breakdown.records())
    leading = breakdown.largest()
    message = (f"{leading[0].label}最多，{leading[0].count}家" if len(leading) == 1
               else f"{'、'.join(g.label for g in leading)}同为{leading[0].count}家，并列最多")
    whole = f"{breakdown.whole}家为100%"
    alt = f"饼图，{caption}，以{whole}：{listing(breakdown.groups)}。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.01, 0.01, 0.98, 0.88))
        shown = [g for g in breakdown.groups if g.count]
        wedges, *_ = axes.pie([g.count for g in shown], colors=[colour(g.key) for g in shown], startangle=90,
                              counterclock=False, radius=1,
                              wedgeprops={"linewidth": 1.6 if len(shown) > 1 else 0, "edgecolor": "white"})
        outside = []
        for wedge, group in zip(wedges, shown):
            wedge.set_hatch(hatch(group.key))
            middle = math.radians((wedge.theta1 + wedge.theta2) / 2)
            if group.share.fraction >= LABEL_INSIDE:
                reach = 0.62 if len(shown) > 1 else 0
                axes.text(reach * math.cos(middle), reach * math.sin(middle),
                          f"{group.label}\n{group.count}家\n{group.share.percent}", ha="center", va="center",
                          color=ink(colour(group.key)), size=8.5, linespacing=1.15, bbox=_ground(group.key))
            else:
                outside.append((middle, group))
        _labels_outside(axes, outside)
        axes.set(xlim=(-1.66, 1.66), ylim=(-1.04, 1.04))

    return Figure(key, f"{caption}（{whole}）", alt, drawn(4.3, 3.0, draw, message, alt), numbers_table(breakdown),
                  breakdown.records())


def _nothing(axes: Axes) -> None:
    axes.axis("off")


def _labels_outside(axes: Axes, labels: list[tuple[float, Group]]) -> None:
    """Labels of thin slices beside the pie, moved apart where they would touch."""
    for side in (1, -1):
        here = sorted((pair for pair in labels if math.copysign(1, math.cos(pair[0])) == side),
                      key=lambda pair: -math.sin(pair[0]))
        lowest = 0.86
        for middle, group in here:
            height = min(max(1.12 * math.sin(middle), -0.88 + 0.27 * (len(here) - 1 - here.index((middle, group)))), lowest)
            lowest = height - 0.27
            axes.annotate(f"{group.label}\n{group.count}家 {group.share.percent}",
                          (math.cos(middle), math.sin(middle)), (side * 1.08, height), size=8, linespacing=1.1,
                          ha="left" if side > 0 else "right", va="center",
                          arrowprops={"arrowstyle": "-", "color": colour("quiet"), "lw": 0.6, "shrinkA": 0, "shrinkB": 0})


def _first(leaders: list[tuple[str, Share]]) -> str:
    """Which batch comes first, or which tie: `第一批最大`, `第一批、第二批并列最大`."""
    return "、".join(name for name, _ in leaders) + ("并列" if len(leaders) > 1 else "") + "最大"


def stacked(numbers: Numbers, key: str, caption: str) -> Figure:
    """One bar of 100 % for each batch and for all: the grades of those evaluated, best first."""
    batches = [b.short for b in numbers.batches.values() if numbers.count(f"{b.short} {EVALUATED}")]
    bars = [(name, numbers.by_grade(name, OWN_BATCH_EVALUATED)) for name in batches]
    bars.append(("全部参评联盟", numbers.by_grade()))
    lead = numbers.leaders(GRADES[0], OWN_BATCH_EVALUATED)
    message = (f"活跃度高在本批次参评联盟中的占比，试点各批里{_first(lead)}，{lead[0][1].percent}" if lead
               else "各批次参评联盟的档次构成")
    alt = f"百分条图，{caption}。" + "；".join(f"{name}{b.whole}家：{listing(b.groups)}" for name, b in bars) + "。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.17, 0.03, 0.81, 0.74))
        for place, (_, bar) in enumerate(bars):
            left = 0.0
            for group in bar.groups:
                width = float(group.share.fraction) * 100
                axes.barh(place, width, left=left, height=0.68, color=colour(group.key), edgecolor="white", linewidth=1.2)
                if width >= 7:
                    axes.text(left + width / 2, place, f"{group.count}家\n{group.share.percent}", ha="center", va="center",
                              size=8, color=ink(colour(group.key)), linespacing=1.1)
                elif group.count:
                    axes.text(left + width / 2, place, f"{group.count}{'家' if width >= 4 else ''}", ha="center", va="center", size=8,
                              color=ink(colour(group.key)))
                left += width
        axes.set_yticks(range(len(bars)), [f"{name}\n（{bar.whole}家）" for name, bar in bars])
        axes.set(xlim=(0, 100), ylim=(len(bars) - 0.5, -0.5), xticks=[])
        for side in axes.spines.values():
            side.set_visible(False)
        colour_key(axes, [(grade, numbers.scheme.labels[grade]) for grade in GRADES], y=1.02)

    rows = [[name, str(bar.whole), *(f"{g.count}（{g.share.percent}）" for g in bar.groups)] for name, bar in bars]
    table = Table("", "", ["批次", "参评联盟", *numbers.scheme.labels.values()], rows, "lrrrrr")
    keys = [*(key for key, name in numbers.batch_names.items() if name in batches), "全部"]
    records = [{"批次": key} | record for key, (_, bar) in zip(keys, bars) for record in bar.records()]
    return Figure(key, caption, alt, drawn(WIDE, 0.62 * len(bars) + 0.75, draw, message, alt), table, records, below=True)


def colour_key(axes: Axes, entries: list[tuple[str, str]], y: float, x: float = -0.005) -> None:
    """A line of coloured squares with their names above the axes."""
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=colour(key), edgecolor="#9A9A9A", linewidth=0.4, hatch=hatch(key), label=label)
               for key, label in entries]
    axes.legend(handles=handles, ncols=len(handles), loc="lower left", bbox_to_anchor=(x, y), borderaxespad=0,
                handlelength=1, handleheight=1, columnspacing=1.4, handletextpad=0.5, fontsize=8.5)


def ladder(numbers: Numbers, key: str, caption: str) -> Figure:
    """How many of each batch were evaluated, and how many not, as bars of alliances."""
    rows = [b.short for b in numbers.batches.values()]
    evaluated = [int(numbers.count(f"{row} {EVALUATED}")) for row in rows]
    absent = [int(numbers.count(f"{row} {NOT_EVALUATED}")) for row in rows]
    shares = [numbers.share(f"{row} {EVALUATED}", OWN_BATCH) for row in rows]
    lead = numbers.leaders(EVALUATED, OWN_BATCH, pilots_only=False)
    message = f"参评的占比：{_first(lead)}，{lead[0][1].percent}" if lead else "各批次参评与未参评"
    alt = f"条形图，{caption}。" + "；".join(
        f"{row}：参评{e}家（{s.percent}），未参评{a}家" for row, e, a, s in zip(rows, evaluated, absent, shares)) + "。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.17, 0.03, 0.81, 0.7))
        places = range(len(rows))
        axes.barh(places, evaluated, height=0.62, color=colour(GRADES[1]), edgecolor="white", linewidth=1.2)
        axes.barh(places, absent, left=evaluated, height=0.62, color=colour(NOT_EVALUATED), hatch="////",
                  edgecolor="white", linewidth=1.2)
        most = max(e + a for e, a in zip(evaluated, absent))
        for place, (e, a, s) in enumerate(zip(evaluated, absent, shares)):
            if e > most / 6:
                axes.text(e / 2, place, f"{e}家 {s.percent}", ha="center", va="center", color="white", size=8.5)
                text, start = f"{a}家", e + a
            else:
                text, start = f"参评{e}家 {s.percent}，未参评{a}家", e + a
            axes.text(start + most * 0.012, place, text, ha="left", va="center", size=8.5)
        axes.set_yticks(places, rows)
        axes.set(xlim=(0, most * 1.08), ylim=(len(rows) - 0.5, -0.5), xticks=[])
        axes.spines["bottom"].set_visible(False)
        colour_key(axes, [(GRADES[1], "参评"), (NOT_EVALUATED, NOT_EVALUATED)], y=1.03)

    records = [{"批次": b.key, "登记联盟": b.approved, "参评联盟": e, "未参评": a, "参评占比": s.percent.rstrip("%")}
               for b, e, a, s in zip(numbers.batches.values(), evaluated, absent, shares)]
    table_rows = [[row, str(e + a), str(e), str(a), s.percent] for row, e, a, s in zip(rows, evaluated, absent, shares)]
    table = Table("", "", ["批次", "登记联盟", "参评", "未参评", "参评占比"], table_rows, "lrrrr")
    return Figure(key, caption, alt, drawn(WIDE, 0.42 * len(rows) + 0.75, draw, message, alt), table, records, below=True)


def scores(numbers: Numbers, key: str, caption: str) -> Figure:
    """How many alliances have which score, in steps of five that the cut-offs divide; withheld scores stand apart."""
    step, known = 5, numbers.scores["score"].dropna()
    if known.empty:
        alt = f"{caption}：评分都没有公布。"
        return Figure(key, caption, alt, drawn(WIDE, 0.6, _nothing, "评分都没有公布", alt))
    edges = sorted({*range(0, 101, step), *(int(f) for f in numbers.scheme.floors.values())})
    bins = [(low, high, int(((known >= low) & ((known < high) | (high == 100) & (known == 100))).sum()))
            for low, high in pairwise(edges)]
    withheld = numbers.withheld()
    lowest = min(known)
    near = int(sum(((known - floor).abs() <= 2).sum() for floor in list(numbers.scheme.floors.values())[:-1]))
    message = f"{'公布的' if withheld else ''}评分从{lowest:g}分到{max(known):g}分，{near}家距离某条分档线不超过2分"
    held = f"另有{withheld}家{numbers.scheme.labels[GRADES[-1]]}联盟未公布评分，不在图中。" if withheld else ""
    alt = (f"直方图，{caption}。" + "；".join(f"{low}至{high}分{n}家" for low, high, n in bins if n)
           + f"。分档线：{'、'.join(f'{f:g}分' for f in list(numbers.scheme.floors.values())[:-1])}。{held}")

    def draw(axes: Axes) -> None:
        axes.set_position((0.07, 0.15, 0.91, 0.68))
        first = min(low for low, _, n in bins if n) - (3 * step if withheld else 0)
        for low, high, n in bins:
            if n:
                axes.bar(low, n, width=high - low, align="edge", color=colour(numbers.scheme.grade(low)), edgecolor="white")
                axes.text((low + high) / 2, n, str(n), ha="center", va="bottom", size=8)
        top = max(n for *_, n in bins) * 1.28
        for grade in GRADES:
            floor = numbers.scheme.floors[grade]
            if floor > 0:
                axes.axvline(floor, color=colour("accent"), linewidth=0.9, linestyle=(0, (4, 2)))
            start = max(floor, first)
            label = numbers.label(grade) + (f"\n（{withheld}家未公布评分）" if withheld and grade == GRADES[-1] else "")
            if numbers.scheme.ceiling(grade) > start:
                axes.text((start + numbers.scheme.ceiling(grade)) / 2, top * 0.985, label, ha="center", va="top", size=8.5)
        axes.set(xlim=(first, 100.5), ylim=(0, top), xlabel="评分")
        axes.set_xticks([e for e in edges if e >= first])
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)

    whole = all(known == known.round())
    rows = [[f"{low}—{high if high == 100 else high - 1}" if whole or high == 100 else f"{low}至不足{high}", str(n)]
            for low, high, n in reversed(bins) if n]
    half = math.ceil(len(rows) / 2)
    pairs = [[*left, *right] for left, right in zip(rows[:half], [*rows[half:], *[["", ""]] * (2 * half - len(rows))])]
    table = Table("", "", ["分数段", "联盟数"] * 2, pairs, "lrlr", stretch=-1, note=held)
    records = [{"分数下限": low, "分数上限": high, "联盟数": n} for low, high, n in bins]
    return Figure(key, caption, alt, drawn(WIDE, 2.7, draw, message, alt), table, records, below=True)


def activities(numbers: Numbers, key: str, caption: str) -> Figure | None:
    """For each activity, the share of each grade's alliances that took part; None where the period has no such sheet."""
    if not numbers.period.activities:
        return None
    given = {grade: counts | {"联盟数": int(numbers.count(grade))} for grade, counts in numbers.period.activities.items()}
    names = [name for name in next(iter(given.values())) if name != "联盟数" and all(name in counts for counts in given.values())]
    labels = {grade: f"{numbers.scheme.labels[grade]}（{counts['联盟数']}家）" for grade, counts in given.items()}

    def share(grade: str, counts: dict[str, int], name: str) -> Share:
        return Share(counts[name], counts["联盟数"], f"{grade} {name}", grade, labels[grade])

    gaps = {name: [Fraction(counts[name], counts["联盟数"]) for counts in given.values()] for name in names}
    apart = {name: max(gaps[name]) - min(gaps[name]) for name in names}
    widest = [name for name in names if apart[name] == max(apart.values()) > 0]
    alt = f"点图，{caption}。" + "；".join(
        f"{name}：" + "、".join(f"{numbers.label(g)}{c[name]}家（{share(g, c, name).percent}）" for g, c in given.items())
        for name in names) + "。"

    def draw(axes: Axes) -> None:
        axes.set_position((0.33, 0.12, 0.65, 0.74))
        for place, name in enumerate(names):
            axes.plot([float(100 * min(gaps[name])), float(100 * max(gaps[name]))], [place, place], color="#C9C9C9", linewidth=2, zorder=1)
            for order, (grade, counts) in enumerate(given.items()):
                aside = 0.16 * (order - (len(given) - 1) / 2) if len(set(gaps[name])) < len(given) else 0
                axes.plot(100 * counts[name] / counts["联盟数"], place + aside, "o", markersize=7.5, color=colour(grade),
                          zorder=2, markeredgecolor="white", markeredgewidth=0.8)
        axes.set_yticks(range(len(names)), names)
        axes.set(xlim=(min(35, float(100 * min(min(g) for g in gaps.values()) - 5)), 103), ylim=(len(names) - 0.5, -0.5),
                 xlabel="开展该项活动的联盟在本档联盟中的占比（%）")
        axes.grid(axis="x")
        colour_key(axes, list(labels.items()), 1.01, *([-0.48] if len(labels) > 2 else []))

    records = [{"等级": grade, "活动": name, "联盟数": counts[name], "分母": counts["联盟数"]}
               for grade, counts in given.items() for name in names]
    rows = [[name, *(f"{c[name]}（{share(g, c, name).percent}）"
                     for g, c in given.items())] for name in names]
    table = Table("", "", ["活动", *labels.values()], rows, "l" + "r" * len(given))
    grades = "两档" if len(given) == 2 else "各档"
    message = f"{grades}相差最大的{f'{len(widest)}项并列' if len(widest) > 1 else '一项'}：{'；'.join(widest)}"
    if len(message) > LONGEST_TITLE:
        message = f"{grades}相差最大的有{len(widest)}项，并列"
    if not widest:
        message = f"每一项{grades}都没有相差" if len(given) > 1 else ""
    svg = drawn(WIDE, 3.4, draw, message, alt)
    return Figure(key, caption, alt, svg, table, records, below=True)


def agreement(sections: list[tuple[str, dict[str, int]]], words: dict[str, str], key: str, caption: str) -> Figure:
    """For each section of a published report, how many of its statements have which verdict; `words` names the verdicts."""
    totals = {verdict: sum(counts[verdict] for _, counts in sections) for verdict in words}
    message = "，".join(f"{word}{totals[verdict]}条" for verdict, word in words.items())
    alt = f"条形图，{caption}。共{sum(totals.values())}条：{message}。" + "；".join(
        f"{name}：" + "、".join(f"{words[v]}{n}" for v, n in counts.items() if n) for name, counts in sections) + "。"
    most = max(sum(counts.values()) for _, counts in sections)

    def draw(axes: Axes) -> None:
        axes.set_position((0.21, 0.02, 0.77, 1 - 0.62 / height))
        for place, (_, counts) in enumerate(sections):
            left = 0
            for verdict, number in counts.items():
                axes.barh(place, number, left=left, height=0.7, color=colour(verdict), edgecolor="white", linewidth=0.8)
                if number:
                    axes.text(left + number / 2, place, str(number), ha="center", va="center", size=8,
                              color=ink(colour(verdict)))
                left += number
        axes.set_yticks(range(len(sections)), [name for name, _ in sections])
        axes.set(xlim=(0, most * 1.01), ylim=(len(sections) - 0.5, -0.5), xticks=[])
        for side in axes.spines.values():
            side.set_visible(False)
        colour_key(axes, list(words.items()), y=1.0)

    height = 0.24 * len(sections) + 0.7
    records = [{"section": name} | counts for name, counts in sections]
    return Figure(key, caption, alt, drawn(WIDE, height, draw, message, alt), records=records)
