"""The figures: which there are, what their numbers are, and how the pies are drawn, read from the SVG itself."""

import csv
import io
import math
import re
import tomllib
from itertools import pairwise, permutations
from pathlib import Path

import openpyxl
import pytest
from bs4 import BeautifulSoup
from matplotlib.colors import to_rgb

from analysis import DATA, breakdown, charts, fonts, sheets
from analysis.grades import GRADES

# What the published reports print for each batch: how many are in 活跃度高, 较高, 一般 and the lowest grade.
PUBLISHED = {"2017": {"1": (13, 10, 10, 7), "2": (5, 4, 9, 4), "3": (6, 8, 16, 9)},
             "2020-2021": {"1": (18, 9, 4, 3), "2": (5, 2, 4, 2), "3": (9, 9, 10, 4), "D": (3, 2, 0, 2)}}
APPROVED = {"1": 52, "2": 39, "3": 55, "D": 11}
BATCHES = {"1": "第一批", "2": "第二批", "3": "第三批", "D": "网员联盟"}
OF_GRADES = dict(zip(("grade-high", "grade-fairly-high", "grade-fair", "grade-low"), GRADES))
PIES = ["overall-evaluated", "overall-registered", *(f"batch-{b}-{of}" for b in "123" for of in ("registered", "evaluated")),
        *OF_GRADES]
OTHERS = {"grades-by-batch", "coverage", "scores-distribution"}
# How a deuteranope sees linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
DEUTERANOPIA = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
POINT = r"(-?[\d.]+) (-?[\d.]+)"


def expected(key: str, period: str) -> list[tuple[str, int]]:
    """The slices of a pie and their counts, from the published tables alone."""
    by_batch = PUBLISHED[period]
    if key in OF_GRADES:
        return [(batch, by_batch[batch][GRADES.index(OF_GRADES[key])]) for batch in "123"]
    chosen = list(by_batch) if key.startswith("overall") else [key.split("-")[1]]
    counts = [sum(column) for column in zip(*(by_batch[batch] for batch in chosen))]
    absent = [("未参评", sum(APPROVED[batch] for batch in chosen) - sum(counts))] if key.endswith("registered") else []
    return list(zip(GRADES, counts)) + absent


def percent(part: int, whole: int) -> str:
    """Half up to two places, in whole numbers only."""
    hundredths = (20_000 * part + whole) // (2 * whole)
    return f"{hundredths // 100}.{hundredths % 100:02}"


def records(folder: Path, key: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / f"{key}.csv").read_text("utf-8-sig"))))


def slices(svg: str) -> list[tuple[float, float, str]]:
    """Each slice of a pie as it is drawn: where it starts and ends, in degrees clockwise from 12 o'clock, and its fill."""
    found = []
    for path, fill in re.findall(r'<path d="(M [^"]*?)" style="fill: ([^;"]+); stroke: #ffffff', svg):
        points = [tuple(map(float, pair)) for pair in re.findall(POINT, path)]
        *arc, centre = points
        ends = [math.degrees(math.atan2(x - centre[0], centre[1] - y)) % 360 for x, y in (arc[0], arc[-1])]
        found.append((ends[1], ends[0] or 360.0, fill))
    return found


def fill_of(svg: str, fill: str) -> tuple[str, bool]:
    """The colour behind a fill, and whether it is hatched."""
    pattern = re.search(rf'<pattern id="{fill[5:-1]}".*?fill="(#\w+)"', svg, re.S) if fill.startswith("url") else None
    return (pattern[1] if pattern else fill).upper(), bool(pattern)


@pytest.fixture
def folder(made, period) -> Path:
    return made / "figures" / period


def test_every_chart_is_there_as_svg_and_csv(folder, period):
    wanted = {*PIES, *OTHERS, *(["activities"] if period == "2017" else [])}
    assert len(PIES) == 12
    assert {path.name for path in folder.iterdir()} == {f"{key}.{kind}" for key in wanted for kind in ("svg", "csv")}


@pytest.mark.parametrize("key", PIES)
def test_the_numbers_of_a_pie_are_the_published_ones(folder, period, key):
    rows, wanted = records(folder, key), expected(key, period)
    whole = sum(count for _, count in wanted)
    heading = "批次" if key in OF_GRADES else "等级"
    names = [BATCHES.get(name, name) for name, _ in wanted]
    assert [BATCHES.get(row[heading], row[heading]) for row in rows] == names
    assert [int(row["联盟数"]) for row in rows] == [count for _, count in wanted]
    assert {int(row["分母"]) for row in rows} == {whole}
    assert [row["占比"] for row in rows] == [percent(count, whole) for _, count in wanted]


def test_the_numbers_of_the_other_charts_are_the_published_ones(folder, period):
    by_batch = PUBLISHED[period]
    evaluated = {batch: sum(counts) for batch, counts in by_batch.items()}
    assert [[int(row[column]) for column in ("登记联盟", "参评联盟", "未参评")] for row in records(folder, "coverage")] == [
        [APPROVED[batch], number, APPROVED[batch] - number] for batch, number in evaluated.items()]
    stacked = records(folder, "grades-by-batch")
    totals = [sum(column) for column in zip(*by_batch.values())]
    assert [int(row["联盟数"]) for row in stacked] == [n for counts in (*by_batch.values(), totals) for n in counts]
    assert [row["等级"] for row in stacked] == list(GRADES) * (len(by_batch) + 1)
    withheld = totals[-1] if period == "2020-2021" else 0
    scores = records(folder, "scores-distribution")
    for floor, ceiling, count in zip((85, 70, 50, 0), (100, 85, 70, 50), [*totals[:3], totals[3] - withheld]):
        inside = [row for row in scores if floor <= float(row["分数下限"]) and float(row["分数上限"]) <= ceiling]
        assert sum(int(row["联盟数"]) for row in inside) == count


def test_csv_opens_in_excel_and_has_one_word_for_a_thing(folder):
    called = set()
    for path in folder.glob("*.csv"):
        content = path.read_bytes()
        assert content.startswith(b"\xef\xbb\xbf") and content.count(b"\xef\xbb\xbf") == 1
        assert "不活跃" not in content.decode() and b"\r" not in content
        for row in records(folder, path.stem):
            assert None not in row and None not in row.values()
            called.add(row.get("批次", "全部"))
    called = {name for name in called if not name.startswith("全部")}
    assert called <= set(BATCHES) or called <= set(BATCHES.values()), "a batch has its key in one file, its name in another"


def test_the_report_shows_these_very_drawings(made, folder, period):
    page = (made / "reports" / f"{period}.html").read_text("utf8")
    shown = dict(re.findall(r'<figure id="figure-([^"]+)".*?(<svg.*?</svg>)', page, re.S))
    assert set(shown) == {path.stem for path in folder.glob("*.svg")}

    def strokes_and_letters(svg: str) -> tuple[list, list]:
        paths = re.findall(r'<path ([^>]*?)d="(M [^"]+)"', svg)
        return ([d.split() for before, d in paths if "NotoSans" not in before],
                re.findall(r'href="#(NotoSans[^"]+)"', svg))

    for key, drawing in shown.items():
        saved = strokes_and_letters((folder / f"{key}.svg").read_text("utf8"))
        assert min(map(len, saved)) >= 3
        assert strokes_and_letters(drawing) == saved, key


@pytest.mark.parametrize("key", PIES)
def test_a_pie_runs_clockwise_from_twelve_in_order_and_colour(folder, period, key):
    svg = (folder / f"{key}.svg").read_text("utf8")
    palette = tomllib.loads((Path(charts.__file__).parent / "style" / "palette.toml").read_text("utf8"))
    colours = palette["grades"] | palette["absent"] | palette["batches"]
    wanted = [(name, count) for name, count in expected(key, period) if count]
    whole, drawn = sum(count for _, count in wanted), slices(svg)
    assert len(drawn) == len(wanted)
    assert min(drawn[0][0], 360 - drawn[0][0]) < 0.05, "does not start at 12 o'clock"
    assert drawn[-1][1] == pytest.approx(360, abs=0.05)
    for (_, end, _), (start, _, _) in pairwise(drawn):
        assert start == pytest.approx(end, abs=0.05)
    for (name, count), (start, end, fill) in zip(wanted, drawn):
        assert (end - start) % 360 == pytest.approx(360 * count / whole, abs=0.2), name
        assert fill_of(svg, fill) == (colours[name].upper(), name == "未参评"), name


@pytest.mark.parametrize("key", PIES)
def test_name_count_and_share_stand_at_each_slice(folder, period, key):
    svg = (folder / f"{key}.svg").read_text("utf8")
    *written, headline = ["".join(text.split()) for text in re.findall(r"<!-- (.*?) -->", svg, re.S)]
    assert f"<title>{headline}</title>" in svg
    wanted = expected(key, period)
    whole = sum(count for _, count in wanted)
    labels = [("不活跃" if name == GRADES[3] and period != "2017" else BATCHES.get(name, name))
              + f"{count}家{percent(count, whole)}%" for name, count in wanted if count]
    assert "".join(written) in map("".join, permutations(labels))


@pytest.mark.parametrize("gone", ["a grade", "a batch", "scores"])
def test_what_nobody_has_does_not_stop_a_report(gone):
    period = sheets.read("2017")
    scores = period.scores
    keep = {"a grade": scores["grade"] != GRADES[3], "a batch": scores["batch"] != "2", "scores": scores["score"] >= 0}[gone]
    period.scores = scores[keep].assign(**({"score": math.nan} if gone == "scores" else {}))
    numbers = breakdown.Numbers(period)
    for breakdown_of in (numbers.by_batch(GRADES[3]), numbers.by_grade("第二批", "本批次参评联盟"), numbers.by_grade()):
        charts.pie(breakdown_of, "key", "caption")
    for chart in (charts.stacked, charts.ladder, charts.scores):
        chart(numbers, "key", "caption")


def test_the_title_of_the_stacked_bar_is_about_pilots_as_the_summary_is(numbers, period):
    """1 of 7 members is no pilot's share, however large; PUBLISHED has batch 1 first: 13 of 40, and 18 of 34."""
    svg = charts.stacked(numbers, "key", "caption").svg
    title = {"2017": "试点各批里第一批最大，32.50%", "2020-2021": "试点各批里第一批最大，52.94%"}[period]
    assert f"<dc:title>活跃度高在本批次参评联盟中的占比，{title}</dc:title>" in svg


def test_the_title_of_the_histogram_speaks_of_published_scores_where_some_are_not(numbers, period):
    title = re.search("<dc:title>(.*?)</dc:title>", charts.scores(numbers, "key", "caption").svg)[1]
    assert title.startswith({"2017": "评分从", "2020-2021": "公布的评分从"}[period])


@pytest.mark.parametrize("counts, title", [
    ({"甲": (20, 10), "乙": (10, 0)}, "两档相差最大的2项并列：甲；乙"), ({"甲": (20, 9), "乙": (10, 0)}, "两档相差最大的一项：甲"),
    ({"甲": (20, 20), "乙": (3, 3)}, "每一项两档都没有相差"),
    ({"很长的一项活动名称、很长的一项活动名称": (9, 1), "另一项很长的活动名称、另一项很长的活动名称": (9, 1)}, "两档相差最大的有2项，并列")])
def test_activities_that_tie_are_named(counts, title):
    period = sheets.read("2017")
    period.activities = {grade: {name: both[place] for name, both in counts.items()} for place, grade in enumerate(GRADES[:2])}
    period.scores = period.scores.assign(grade=[GRADES[place % 2] for place in range(101)]).head(40)  # 20 of each
    assert f"<dc:title>{title}</dc:title>" in charts.activities(breakdown.Numbers(period), "key", "caption").svg


def test_a_batch_that_the_palette_does_not_have_gets_a_colour_of_its_own():
    keys = "123456789ABCDEFGH"
    assert len({charts.colour(key) for key in keys}) == len(keys)
    with pytest.raises(KeyError, match=r"palette\.toml has no colour '第九档'"):
        charts.colour("第九档")


def lab(colour: str) -> tuple[float, float, float]:
    """CIE L*a*b* of a colour as a deuteranope sees it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    red, green, blue = (min(max(sum(a * b for a, b in zip(row, linear)), 0), 1) for row in DEUTERANOPIA)
    xyz = ((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505, 0.2126 * red + 0.7152 * green + 0.0722 * blue,
           (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089)
    x, y, z = (c ** (1 / 3) if c > 0.008856 else 7.787 * c + 16 / 116 for c in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("names", [GRADES, ("1", "2", "3", "D"), ("上升", "下降")], ids=["grades", "batches", "changes"])
def test_neighbouring_colours_differ_for_a_deuteranope(names):
    for one, other in pairwise([*names, names[0]]):
        assert math.dist(lab(charts.colour(one)), lab(charts.colour(other))) > 15, (one, other)


@pytest.mark.parametrize("title, inside", [("𠮷", "吉"), ("吉", "𠮷")])
def test_a_missing_glyph_is_an_error_that_names_it(title, inside):
    with pytest.raises(UserWarning, match="Glyph 134071"):
        charts.drawn(2, 2, lambda axes: axes.text(0, 0, inside), title, "")


def test_our_faces_have_every_character_that_is_shown(made, period):
    page = BeautifulSoup((made / "reports" / f"{period}.html").read_text("utf8"), "html.parser")
    said = "".join(svg["aria-label"] for svg in page.select("figure svg"))
    drawings = "".join(re.findall(r"<!-- (.*?) -->", "".join(p.read_text("utf8") for p in made.rglob("*.svg")), re.S))
    workbook = openpyxl.load_workbook(DATA / "score_sheets" / f"{period}.xlsx")
    cells = "".join(str(cell) for sheet in workbook for row in sheet.iter_rows(values_only=True) for cell in row)
    registry = "".join(path.read_text("utf-8-sig") for path in (DATA / "registry").glob("*.csv"))
    assert len(drawings) > 1000
    assert fonts.missing(page.main.get_text() + said + drawings + cells + "".join(workbook.sheetnames) + registry) == []
