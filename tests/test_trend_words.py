"""What the trend report says and draws of other data than today's: each sentence and headline must be true of it."""

import re
from pathlib import Path

import periods as invented
import pytest
from conftest import run
from test_html import WIDE, browser  # noqa: F401 (a fixture)
from test_trends import write
from workbooks import bug

from analysis import breakdown, sentences, trend_charts, trends
from analysis.grades import GRADES

# Where a figure's words leave its frame, and which of them lie on one another, in CSS pixels.
WORDS = """() => { const frame = document.querySelector('svg').getBoundingClientRect();
    const boxes = [...document.querySelectorAll('g[id*="text_"]')].map(g => [g.id, g.getBoundingClientRect()]).filter(([, b]) => b.width);
    const out = boxes.filter(([, b]) => b.left < frame.left - 1.5 || b.right > frame.right + 1.5 || b.top < frame.top - 1.5
                                        || b.bottom > frame.bottom + 1.5).map(([id]) => `${id} leaves the frame`);
    const over = boxes.flatMap(([one, a], n) => boxes.slice(n + 1).filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 3
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3).map(([other]) => `${one} lies on ${other}`));
    return [...out, ...over]; }"""
IDS = [f"L{n:03}" for n in range(1, 61) if n not in (9, 10, 50)]
MARKS = {id: 40 + n * 7 % 56 for n, id in enumerate(IDS)}
TOP, MIDDLE, LAST = (dict.fromkeys(IDS[n:n + 19], mark) for n, mark in ((0, 95), (19, 75), (38, 40)))


def by(points: float, marks=MARKS) -> dict[str, float]:
    return {id: mark + points for id, mark in marks.items()}


def hidden(marks: dict[str, float], below: float = 101, least: float = 0) -> dict[str, object]:
    grade = {id: next(g for g, floor in zip(GRADES, (85, 70, 50, 0)) if mark >= floor) for id, mark in marks.items()}
    return {id: grade[id] if least <= mark < below else mark for id, mark in marks.items()}


def told(data: Path, sheets: dict[str, dict], chosen: str = "") -> tuple[trends.Panel, list[breakdown.Numbers]]:
    """The panel and the numbers of score sheets by period: a mark by id, or a grade where it is withheld."""
    registry = trends.read()[-1].registry
    codes = {id: code for (id, _), (code, _) in registry.codes.items()}
    for sheet in (data / "score_sheets").glob("*.xlsx"):
        sheet.unlink()
    for period, marks in sheets.items():
        write(data, period, [(registry.names[id], codes[id], *((None, m) if isinstance(m, str) else (m, None))) for id, m in marks.items()])
    periods = trends.read(chosen, data)
    return trends.panel(periods), list(map(breakdown.Numbers, periods))


def drawings(panel: trends.Panel, numbers: list[breakdown.Numbers]) -> dict:
    """The charts of the report by their key, each drawn when it is asked for."""
    pair, batches, schemes = panel.last, numbers[-1].batch_names, {n.period.name: n.scheme for n in numbers}
    charts = trend_charts
    return {"mean-scores": lambda: charts.mean_scores(panel, schemes, "", ""), "coverage": lambda: charts.coverage(numbers, "", ""),
            "retention": lambda: charts.retention(panel, pair, batches, "", ""), "transitions": lambda: charts.alluvial(panel, "", ""),
            "scores": lambda: charts.before_and_after(panel, pair, batches, "", ""),
            "movers": lambda: charts.large_movers(panel, pair, "", ""), "grade-shares": lambda: charts.grade_shares(panel, "", ""),
            "decomposition": lambda: charts.waterfall(panel, pair, "", ""),
            "cutoffs": lambda: charts.cutoff_shifts(panel, schemes[pair.later], pair.later, "", "")}


@pytest.mark.parametrize("what, wrong, sheets, chosen", [
    ("findings", "评分确有提高|评分提高", {"2018": MARKS, "2019": by(-3)}, ""),
    ("findings", "升档的多于", {"2018": MARKS, "2019": by(-9)}, ""),
    bug("said also of periods of one length", "findings", "12个月对12个月", {"2018": MARKS, "2019": by(-3)}, ""),
    bug("said also when nobody came or left", "findings", "而且换了一批", {"2018": MARKS, "2019": by(2)}, ""),
    bug("the share is tested and the number is told", "findings", "参评的联盟少了",
        {"2017": dict([*MARKS.items()][:40]), "2018": dict([*MARKS.items()][:41])}, ""),
    bug("those in both rose by 3", "findings", "评分下降", {"2018": TOP, "2019": by(3, TOP) | LAST}, ""),
    bug("the earlier withheld scores are not spoken of", "findings", "提醒：两个平均数的对象不同",
        {"2018": hidden(MARKS, 50), "2019": MARKS}, ""),
    bug("those who left were fairly high", "findings", "离开的多是原来等级低的",
        {"2018": TOP | MIDDLE | LAST, "2019": TOP | dict([*LAST.items()][4:])}, ""),
    bug("only the best left", "findings", "离开与原来的等级看不出关系", {"2018": TOP | LAST, "2019": LAST}, ""),
    bug("nobody left", "findings", "离开与原来的等级看不出关系", {"2018": MARKS, "2019": by(2)}, ""),
    bug("the mean that is printed is too low", "withheld", "仍在这个范围之内", {"2018": MARKS, "2019": hidden(MARKS, least=85)}, ""),
    bug("there are three, and nobody was high", "streaks", "没有三个相邻的评价期", {"2017": LAST, "2018": LAST, "2019": LAST}, ""),
    bug("it has one, which was not chosen", "compare", "2018，没有评分表", {"2017": MARKS, "2018": MARKS, "2019": MARKS}, "2017 2019"),
    bug("pairs of sheets are counted", "matching", "点名的114家", {"2017": MARKS, "2018": MARKS, "2019": MARKS}, ""),
    bug("it ends in an error", "withheld", "nan", {"2018": MARKS, "2019": hidden(MARKS)}, ""),
    bug("it ends in an error", "mean-scores", "nan", {"2018": MARKS, "2019": hidden(MARKS)}, ""),
    bug("it ends in an error", "scores-text", "nan", {"2018": by(5, TOP) | {"L001": 50}, "2019": TOP | {"L001": 52}}, ""),
    bug("everybody fell", "movers", "升得最多", {"2018": MARKS, "2019": by(-9)}, ""),
    bug("everybody fell", "scores", "升得多", {"2018": MARKS, "2019": {i: m - (2 if m < 60 else 9) for i, m in MARKS.items()}}, ""),
    bug("they are the same alliances", "grade-shares", "并不相同", {"2018": MARKS, "2019": by(2)}, ""),
    bug("it is the same share", "coverage", "升到", {"2018": MARKS, "2019": by(2)}, "")])
def test_what_is_said_of_other_data(data, what, wrong, sheets, chosen):
    panel, numbers = told(data, sheets, chosen)
    charts = drawings(panel, numbers)
    if what in charts:
        said = re.search("<dc:title>(.*?)</dc:title>", charts[what]().svg)[1]
    else:
        said = sentences.trends(panel, numbers)(what.removesuffix("-text")).markdown
    assert said and not re.search(wrong, said.replace("\\", "")), said


@pytest.mark.parametrize("earlier, later", [
    (TOP | MIDDLE | LAST, TOP | MIDDLE | LAST), bug("texts refer to tables that are left out where nobody is in both", TOP, MIDDLE),
    bug("a text refers to tests that a single batch does not have", TOP, by(-3, TOP))], ids=["no change", "nobody in both", "one batch"])
def test_a_report_is_made_where_there_is_little_to_say(data, tmp_path, earlier, later):
    told(data, {"2018": earlier, "2019": later})
    result = run("trends", out=tmp_path, data=data)
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def drawn(request, tmp_path_factory) -> dict:
    """The charts of so many invented periods."""
    chosen = invented.NAMES[-request.param:] if request.param < 8 else invented.NAMES[:request.param]
    periods = trends.read("", invented.make(tmp_path_factory.mktemp("drawn") / "data", chosen, seed=request.param))
    return drawings(trends.panel(periods), list(map(breakdown.Numbers, periods)))


CUT = {("transitions", 4): "the names of the grades at both sides", ("scores", 10): "names that lie on one another",
       **{("grade-shares", number): "2020-2021 at the left" for number in (6, 8, 10)}}


@pytest.mark.parametrize("key, drawn", [
    bug(CUT[key, number], key, number) if (key, number) in CUT else (key, number) for number in (2, 3, 4, 6, 8, 10)
    for key in ("mean-scores", "coverage", "retention", "transitions", "scores", "movers", "grade-shares", "decomposition", "cutoffs")],
    indirect=["drawn"])
def test_words_in_figures_keep_to_their_places(browser, drawn, key):  # noqa: F811
    page = browser.new_page(viewport=WIDE)
    page.set_content(drawn[key]().svg)
    found = page.evaluate(WORDS)
    page.close()
    assert found == []
