"""Charts: their marks are held against the frame that they were given, and their labels against one another."""

import math
import re
from itertools import combinations, pairwise
from xml.etree import ElementTree

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Wedge
from matplotlib.text import Text

from analysis import cells, charts, fonts, grades, roster, shares, sheets
from analysis.export import pictures
from analysis.grades import BEST_FIRST, FAIR, GRADES, HIGH, LOW, OUTCOMES

# How a deuteranope sees linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
DEUTERANOPIA = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
PERIODS = ("2017", "2020-2021")


@pytest.fixture(autouse=True)
def looks():
    """The house style, and no figure left open."""
    for face in (fonts.REGULAR, fonts.BOLD):
        font_manager.fontManager.addfont(face)
    with matplotlib.rc_context(matplotlib.rc_params_from_file(charts.STYLE / "report.mplstyle", use_default_template=False)):
        yield
    plt.close("all")
    grades.CALLED.clear()


def of(counts: list[int], names=(*BEST_FIRST, "未参评")) -> pd.DataFrame:
    """Counts and shares of grades as `shares.of` has them."""
    return shares.of(pd.Series(pd.Categorical([name for name, n in zip(names, counts) for _ in range(n)], OUTCOMES, ordered=True)))


def overlapping(axes) -> list[tuple[str, str]]:
    """Pairs of labels whose boxes meet, in all axes of a figure."""
    figure = axes.figure
    figure.canvas.draw()
    boxes = [(text.get_text(), Text.get_window_extent(text)) for here in figure.axes for text in [*here.texts, here.title] if text.get_text()]
    return [(one, other) for (one, a), (other, b) in combinations(boxes, 2) if a.shrunk(0.96, 0.9).overlaps(b)]


@pytest.mark.parametrize("counts", [[24, 22, 35, 20, 45], [1, 0, 0, 0, 0], [6, 8, 16, 9, 16], [1, 1, 1, 1, 96], [0, 0, 0, 11, 3]])
def test_a_pie_runs_clockwise_from_twelve_in_order_and_colour(counts):
    axes = charts.pies(pd.concat({"甲": of(counts)}))
    wanted = [(name, n) for name, n in zip((*BEST_FIRST, "未参评"), counts) if n]
    wedges = [patch for patch in axes.patches if isinstance(patch, Wedge)]
    assert len(wedges) == len(wanted) and wedges[0].theta2 == pytest.approx(90)
    for before, after in pairwise(wedges):
        assert after.theta2 == pytest.approx(before.theta1, abs=1e-3)
    for wedge, (name, n) in zip(wedges, wanted):
        assert wedge.theta2 - wedge.theta1 == pytest.approx(360 * n / sum(counts), abs=1e-3)
        assert to_hex(wedge.get_facecolor()).upper() == charts.PALETTE["grades"].get(name, charts.PALETTE["absent"].get(name))
        assert bool(wedge.get_hatch()) == (name == "未参评")
    title, *written = filter(None, ("".join(text.get_text().split()) for text in axes.texts))
    assert title == f"甲（{sum(counts)}家）"
    assert set(written) == {f"{name}{n}家{(20_000 * n + sum(counts)) // (2 * sum(counts)) / 100:.2f}%" for name, n in wanted}
    assert not overlapping(axes)


@pytest.mark.parametrize("period", PERIODS)
def test_no_label_of_the_reports_pies_meets_another(period):
    alliances = roster.read(period)
    pilots = alliances[alliances.pilot]
    frames = [pd.concat({"总数": shares.of(here.outcome), "参评": shares.of(here.grade.dropna())})
              for here in (alliances, *(group for _, group in pilots.groupby("batch")))]
    frames.append(pd.concat({name: shares.of(pilots.batch.cat.remove_unused_categories()[pilots.grade == name]) for name in BEST_FIRST}))
    for frame in frames:
        axes = charts.pies(frame, title="前两档占本批参评联盟的79.41%")
        assert not overlapping(axes), frame
        assert sum(text.get_text().endswith("家）") for text in axes.texts) == len(frame.index.unique(0))


def test_nobody_is_said_and_a_grade_is_called_as_the_period_calls_it():
    grades.call({LOW: "不活跃", HIGH: HIGH})
    axes = charts.pies(pd.concat({"总数": of([3, 0, 0, 3, 0]), "参评": of([0] * 5)}))
    words = [text.get_text() for text in axes.texts]
    assert words[-2:] == ["参评（0家）", "没有联盟"] and len(axes.patches) == 2 and charts.dots(pd.DataFrame()) is None
    words = "".join(words)
    assert "不活跃" in words and LOW not in words and HIGH in words


@pytest.mark.parametrize("order", [list(BEST_FIRST), list(GRADES), [FAIR, HIGH, LOW, GRADES[2]]])
def test_a_stacked_bar_is_best_first_whatever_the_order_of_its_columns(order):
    """Widths are the shares of each row; lengths are the counts where it is no percentage."""
    counts = pd.DataFrame({HIGH: [13, 0], GRADES[2]: [10, 0], FAIR: [10, 1], LOW: [7, 0]}, index=["第一批", "第二批"])
    axes = charts.stacked(counts[order])
    bars = [bar for bar in axes.patches if bar.get_width() or bar.get_height()]
    for row, name in enumerate(counts.index):
        here = sorted((bar for bar in bars if round(bar.get_y() + bar.get_height() / 2) == row), key=lambda bar: bar.get_x())
        drawn = [(to_hex(bar.get_facecolor()).upper(), bar.get_width()) for bar in here if bar.get_width()]
        assert drawn == [(charts.colour(grade), pytest.approx(100 * counts.at[name, grade] / counts.loc[name].sum()))
                         for grade in BEST_FIRST if counts.at[name, grade]]
    lengths = [bar.get_width() for bar in charts.stacked(counts, percent=False).patches]
    assert sorted(lengths) == sorted(counts.to_numpy().ravel()) and not overlapping(axes)


@pytest.mark.parametrize("period", PERIODS)
def test_the_histogram_counts_every_score_once_and_names_the_withheld(period):
    sheet = sheets.read(period)
    alliances = roster.of(sheet)
    axes = charts.histogram(alliances, sheet.scheme)
    known = alliances.score.dropna()
    for bar in axes.patches:
        low, high = bar.get_x(), bar.get_x() + bar.get_width()
        assert bar.get_height() == ((known >= low) & (known < high + (high == 100))).sum()
        assert to_hex(bar.get_facecolor()).upper() == charts.colour(sheet.scheme.grade(low))
    assert sum(bar.get_height() for bar in axes.patches) == len(known)
    assert sorted(line.get_xdata()[0] for line in axes.lines) == [50, 70, 85]
    said = [text.get_text() for text in axes.texts if "未公布" in text.get_text()]
    assert said == ([] if period == "2017" else [f"{LOW}\n（11家未公布评分）"]) and not overlapping(axes)


def test_dots_stand_at_their_percentages():
    frame = pd.DataFrame({HIGH: [100.0, 50], LOW: [40.0, 50]}, index=["甲", "乙"])
    dots = [(to_hex(line.get_color()).upper(), list(line.get_xdata())) for line in charts.dots(frame).lines]
    assert dots == [(charts.colour(name), list(frame[name])) for name in frame]


def test_what_a_mark_stands_for_is_noted_in_letters_that_xml_takes_and_read_again():
    """Names of alliances may have any sign in them; alike marks in one figure have notes of their own; a whole stands for nothing."""
    names = ["甲.乙-丙_丁（BIM）<&>\"' |", "戊 己"]
    axes = charts.canvas(2)
    for x in (0, 1):
        charts.stands_for(axes.scatter([x, x], [0, 1]), *names, each=True)
    grades.call({LOW: "不活跃"})
    bars = axes.bar([0, 1], [2, 1])
    charts.stands_for(bars[0], "全部参评联盟", LOW, "第一批")
    charts.stands_for(bars[1], "全部参评联盟", "参评")
    drawing = cells.svg(axes.figure)
    ids = [node.get("id") for node in ElementTree.fromstring(drawing).iter() if node.get("id")]
    assert len(ids) == len(set(ids)) and sum(id.startswith(("in.", "who.")) for id in ids) == 3
    assert all(re.fullmatch(r"[\w.-]+", id) for id in ids)
    page = ElementTree.fromstring(pictures.Picture(cells.SVG, drawing.encode()).html("", "figure-a"))
    noted = [(key, value) for node in page.iter() for key, value in node.attrib.items() if key.startswith("data-")]
    assert noted == [("data-who", "|".join(names))] * 2 + [("data-in", "不活跃|第一批")]


def test_every_name_has_one_colour_of_its_own():
    names = [f"第{digit}批" for digit in charts.DIGITS] + ["网员联盟", *OUTCOMES]
    assert len({charts.colour(name) for name in names}) == len(names) and charts.colour("新材料") == charts.colour("新材料")


def test_the_list_of_characters_is_that_of_both_faces():
    """Reading looks into the list, so that it needs no library of fonts; fontTools reads the faces themselves."""
    both = [set(TTFont(face, lazy=True).getBestCmap()) for face in (fonts.REGULAR, fonts.BOLD)]
    assert fonts.characters() >= {chr(code) for code in both[0] & both[1] if chr(code).isprintable() and not chr(code).isspace()}
    assert {ord(character) for character in fonts.characters()} <= both[0] & both[1]


def lab(colour: str) -> tuple[float, float, float]:
    """CIE L*a*b* of a colour as a deuteranope sees it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    red, green, blue = (min(max(sum(a * b for a, b in zip(row, linear)), 0), 1) for row in DEUTERANOPIA)
    xyz = ((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505, 0.2126 * red + 0.7152 * green + 0.0722 * blue,
           (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089)
    x, y, z = (c ** (1 / 3) if c > 0.008856 else 7.787 * c + 16 / 116 for c in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("names", [GRADES, ("第一批", "第二批", "第三批", "网员联盟"), ("上升", "下降")], ids=["grades", "batches", "changes"])
def test_neighbouring_colours_differ_for_a_deuteranope(names):
    for one, other in pairwise([*names, names[0]]):
        assert math.dist(lab(charts.colour(one)), lab(charts.colour(other))) > 15, (one, other)
