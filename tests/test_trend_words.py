"""What the trend report says and draws of other data than today's: each sentence and headline must be true of it."""

import csv
import re
from pathlib import Path

import periods as invented
import pytest
from conftest import run
from test_html import WIDE, browser  # noqa: F401 (a fixture)
from test_trends import write

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
    pair, batches, schemes = panel.last, numbers[-1].batch_names, panel.schemes
    charts = trend_charts
    return {"mean-scores": lambda: charts.mean_scores(panel, "", ""), "coverage": lambda: charts.coverage(numbers, "", ""),
            "retention": lambda: charts.retention(panel, pair, batches, "", ""), "transitions": lambda: charts.alluvial(panel, "", ""),
            "scores": lambda: charts.before_and_after(panel, pair, batches, "", ""),
            "movers": lambda: charts.large_movers(panel, pair, "", ""), "grade-shares": lambda: charts.grade_shares(panel, "", ""),
            "decomposition": lambda: charts.waterfall(panel, pair, "", ""),
            "cutoffs": lambda: charts.cutoff_shifts(panel, schemes[pair.later], pair.later, "", "")}


def odd(other: float, one: float) -> dict[str, float]:
    """The marks with `one` more for every second alliance and `other` more for the rest."""
    return {id: mark + (one if n % 2 else other) for n, (id, mark) in enumerate(MARKS.items())}


def at(mark: float, marks=TOP) -> dict[str, float]:
    return dict.fromkeys(marks, mark)


def few(*marks: float) -> dict[str, float]:
    return dict(zip(IDS, marks))


TENTHS = {i: round(m + n % 10 / 10, 1) for n, (i, m) in enumerate(MARKS.items())}
HIGH_BUT_ONCE = {"2022": TOP, "2023": dict.fromkeys(TOP, 40), "2024": TOP, "2025": TOP}
THREE = {"2017": MARKS, "2018": MARKS, "2019": MARKS}
SAME = {"2018": MARKS, "2019": by(2)}
ALL_HIDDEN = {"2018": MARKS, "2019": hidden(MARKS)}
FELL_MORE_FROM_ABOVE = {"2018": MARKS, "2019": {i: m - (2 if m < 60 else 9) for i, m in MARKS.items()}}
ROSE_MORE_FROM_BELOW = {"2018": MARKS, "2019": {i: m + (9 if m < 60 else 2) for i, m in MARKS.items()}}


@pytest.mark.parametrize("what, right, wrong, sheets, chosen", [
    ("findings", "参评的联盟一样多，而且正是原来那些。.*提醒：两期参评的联盟完全相同", "换了一批", SAME, ""),
    ("findings", "参评的联盟多了，占登记的比例却低了，没有离开的",
     "参评的联盟少了", {"2017": dict([*MARKS.items()][:40]), "2018": dict([*MARKS.items()][:41])}, ""),
    ("findings", "参评的联盟一样多，而且前后没有一家相同。.*没有一家两期都公布了评分.*谈不上谁进谁退.*没有一家留下.*没有联盟两期都参评",
     "换了一批",
     {"2018": TOP, "2019": MIDDLE}, ""),
    ("findings", "评分提高，同样的联盟也是如此.*占比上升，全部来自同样的联盟的升降", "表面", {"2018": MARKS, "2019": by(5)}, ""),
    ("findings", "评分下降，同样的联盟也是如此", "提高|12个月对12个月", {"2018": MARKS, "2019": by(-3)}, ""),
    ("findings", "评分确有提高，但没有表面上那么多.*变化\\+29.5分.*平均变化\\+2.0分", "下降", {"2018": TOP | LAST, "2019": by(2, TOP)}, ""),
    ("findings", "表面上评分下降，同样的联盟却提高了.*变化−26.0分.*平均变化\\+3.0分", "确有", {"2018": TOP, "2019": by(3, TOP) | LAST}, ""),
    ("findings", "表面上评分没有变化，同样的联盟却提高了", "确有", {"2018": at(60) | at(60, MIDDLE), "2019": at(70) | at(50, LAST)}, ""),
    ("findings", "评分下降，而且同样的联盟下降得比表面上还多", "确有", {"2018": at(75), "2019": at(60) | at(80, LAST)}, ""),
    ("findings", "2018有15个评分没有公布.*两期都参评的57家若连未公布的一起算", "对象不同", {"2018": hidden(MARKS, 50), "2019": MARKS}, ""),
    ("findings", "两期都参评的联盟究竟升还是降却无法断定", "确有", {"2018": MARKS, "2019": hidden(by(1), 70)}, ""),
    ("findings", "评分提高，而且同样的联盟提高得比表面上还多。.*\\+7.0至\\+23.7分之间，可见−2.0也偏低", "下降了",
     {"2018": at(60, TOP | MIDDLE) | dict.fromkeys(LAST, GRADES[3]), "2019": at(58, TOP | MIDDLE) | at(75, LAST)}, ""),
    ("findings", "参评的联盟一样多，有进有出。", "换了一批",
     {"2018": MARKS, "2019": dict([*MARKS.items()][1:]) | {"L061": 60}}, ""),
    ("findings", "两期都公布评分的只有3家，说不上普遍的升降.*升档的多于降档的。",
     "次序", {"2018": few(60, 62, 64), "2019": few(71, 72, 74)}, ""),
    ("findings", "评分不足以比较。 2019没有公布任何评分。2018公布的57家平均", "升还是降", ALL_HIDDEN, ""),
    ("findings", "没有一家离开.*提醒：没有人离开", "看不出关系", SAME, ""),
    ("findings", "原来的等级越低，离开的比例越高", "看不出", {"2018": TOP | LAST, "2019": TOP}, ""),
    ("findings", "原来的等级越高，离开的比例越高", "看不出", {"2018": TOP | LAST, "2019": LAST}, ""),
    ("findings", "离开与原来的等级有关，但不是越低越多", "越低，离开的越多",
     {"2018": TOP | MIDDLE | LAST, "2019": TOP | dict([*LAST.items()][4:])}, ""),
    ("findings", "离开与原来的等级看不出关系", "有关",
     {"2018": TOP | LAST, "2019": dict([*TOP.items()][2:]) | dict([*LAST.items()][2:])}, ""),
    ("findings", "参评的本来同属一个等级，看不出", "来自", {"2018": TOP, "2019": dict([*TOP.items()][4:])}, ""),
    ("findings", "降档的多于升档的", "升档的多于", {"2018": MARKS, "2019": by(-9)}, ""),
    ("findings", "没有一家换档", "多于", {"2018": MARKS, "2019": MARKS}, ""),
    ("withheld", "可能的最低平均还低", "之内", {"2018": MARKS, "2019": hidden(MARKS, least=85)}, ""),
    ("withheld", "57个评分全部没有公布，只知道等级", "nan|none", ALL_HIDDEN, ""),
    ("streaks", "连续的三个评价期有1组，没有联盟", "没有三个", dict.fromkeys(("2017", "2018", "2019"), LAST), ""),
    ("streaks", "A级记录19条", "没有", dict.fromkeys(("2017", "2018", "2019"), TOP), ""),
    ("streaks", "没有三个相邻的评价期", "1组", SAME, ""),
    ("streaks", "没有三个相邻的评价期", "A级记录", HIGH_BUT_ONCE, "2022 2024 2025"),
    ("compare", "2022与2024不是相邻的评价期，其间还有2023，2023有评分表但没有选入本报告；", "没有评分表", HIGH_BUT_ONCE, "2022 2024 2025"),
    ("compare", "其间还有2018，2018有评分表但没有选入本报告；", "没有评分表", THREE, "2017 2019"),
    ("compare", "其间还有2018，没有评分表；", "选入", {"2017": MARKS, "2019": MARKS}, ""),
    ("matching", "都点名的联盟有57家，代码和名称全都始终相同（见", "114|其余", THREE, ""),
    ("matching", "没有共同点名的联盟", "0家", {"2018": TOP, "2019": MIDDLE}, ""),
    ("scores-text", "平均来看，前期不到100.0分的升，超过的降。两期评分几乎在一条直线上", "这像是",
     {"2018": MARKS, "2019": {i: 50 + m / 2 for i, m in MARKS.items()}}, ""),
    ("scores-text", "家数太少，差距的缩小是不是", "这像是", {"2018": few(60, 70, 80), "2019": few(66, 74, 82)}, ""),
    ("scores-text", "两期都公布评分的联盟19家，其中一期的评分全都相同", "太少", {"2018": at(100), "2019": at(100)}, ""),
    ("scores-text", "还有15家至少一期没有公布评分", "nan", {"2018": MARKS, "2019": hidden(MARKS, 50)}, ""),
    ("scores-text", "较低的1家平均变化\\+2.0分，较高的18家平均变化−5.0分", "nan",
     {"2018": by(5, TOP) | {"L001": 50}, "2019": TOP | {"L001": 52}}, ""),
    ("cutoffs-text", "公布评分的57家中，\\d+家离某条分档线", "无从", SAME, ""),
    ("cutoffs-text", "2019没有公布任何评分", "0家", ALL_HIDDEN, ""),
    ("mean-scores", "平均数变化\\+2.0分；两期都有评分的57家变化\\+2.0分", "只变化", SAME, ""),
    ("mean-scores", "2019没有公布任何评分", "nan", ALL_HIDDEN, ""),
    ("mean-scores", "没有一家两期都公布评分", "nan", {"2018": TOP, "2019": MIDDLE}, ""),
    ("movers", "57家的评分都变化−9分", "升得", {"2018": MARKS, "2019": by(-9)}, ""),
    ("movers", "57家的评分都变化\\+2.5分", "降得", {"2018": MARKS, "2019": by(2.5)}, ""),
    ("movers", "57家的评分都变化\\+2.3分", "升得", {"2018": TENTHS, "2019": {i: round(m + 2.3, 1) for i, m in TENTHS.items()}}, ""),
    ("scores", "平均变化\\+2.3分$", "得多", {"2018": TENTHS, "2019": {i: round(m + 2.3, 1) for i, m in TENTHS.items()}}, ""),
    ("movers", "57家的评分都没有变化", "得最", {"2018": MARKS, "2019": MARKS}, ""),
    ("movers", "^没有一家上升：降得最多的.*等35家−9分$", "升得", FELL_MORE_FROM_ABOVE, ""),
    ("movers", "^没有一家下降：升得最多的.*等22家\\+9分$", "降得", ROSE_MORE_FROM_BELOW, ""),
    ("movers", "^升得最多的.*\\+3.5分，降得最多的.*−4分$", "没有", {"2018": MARKS, "2019": odd(3.5, -4)}, ""),
    ("scores", "起点高的降得多", "升得多", FELL_MORE_FROM_ABOVE, ""),
    ("scores", "起点低的升得多", "降得多", ROSE_MORE_FROM_BELOW, ""),
    ("scores", "平均变化−9.0分$", "得多", {"2018": MARKS, "2019": by(-9)}, ""),
    ("grade-shares", "全部参评联盟变化(.*)个百分点，两期都参评的也变化\\1个百分点", "不相同", SAME, ""),
    ("grade-shares", "全部参评联盟变化\\+50.0个百分点，两期都参评的变化0.0个百分点", "也", {"2018": TOP | LAST, "2019": TOP}, ""),
    ("coverage", "前后都是[\\d.]+%", "[升降]到", SAME, ""),
    ("retention", "再次参评的比例：全部100.00%$", "；", SAME, ""),
    ("cutoffs", "无从得知", "0家", ALL_HIDDEN, "")])
def test_what_is_said_of_other_data(data, what, right, wrong, sheets, chosen):
    panel, numbers = told(data, sheets, chosen)
    charts = drawings(panel, numbers)
    if what in charts:
        said = re.search("<dc:title>(.*?)</dc:title>", charts[what]().svg)[1]
    else:
        said = sentences.trends(panel, numbers)(what.removesuffix("-text")).markdown.replace("\\", "").replace("*", "").replace("\n", " ")
    assert re.search(right, said) and not re.search(wrong, said), said


def test_a_change_of_floors_is_no_progress(data):
    scheme = [("2019", *line) for line in zip(GRADES, ("优秀", "良好", "合格", "不合格"), (75, 60, 40, 0))]
    with (data / "registry" / "schemes.csv").open("a", encoding="utf8", newline="") as file:
        csv.writer(file).writerows(scheme)
    panel, numbers = told(data, {"2018": MARKS, "2019": MARKS | {"L001": 90}})
    say = sentences.trends(panel, numbers)
    said = {name: say(name).markdown.replace("\\", "") for name in ("findings", "compare", "streaks", "cutoffs")}
    high = sum(mark >= 75 for mark in MARKS.values())
    assert "分档线改了，活跃度高的占比不能直接相比" in said["findings"] and f"都按2019的分档线，2018应有{high}家，" in said["findings"]
    assert "升档和降档不能直接相比" in said["findings"] and "57家中升档1家，降档0家" in said["findings"]  # L001, from 40 to 90
    assert "分档线不同：活跃度高从85分到75分，活跃度较高从70分到60分，活跃度一般从50分到40分" in said["compare"]
    assert "“活跃度高”称为“优秀”" in said["compare"] and "按各期自己的等级计" in said["streaks"] and "互换方案重分的结果见" in said["cutoffs"]
    for key in ("transitions", "decomposition"):
        assert "（分档线不同）" in re.search("<dc:title>(.*?)</dc:title>", drawings(panel, numbers)[key]().svg)[1]


@pytest.mark.parametrize("earlier, later", [
    (TOP | MIDDLE | LAST, TOP | MIDDLE | LAST), (TOP, MIDDLE), (TOP, by(-3, TOP)), (MARKS, hidden(MARKS)), (hidden(MARKS), hidden(MARKS)),
    (TOP, TOP | LAST)], ids=["no change", "nobody in both", "one batch", "all withheld", "all withheld twice", "one grade"])
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


@pytest.mark.parametrize("key, drawn", [
    (key, number) for number in (2, 3, 4, 6, 8, 10)
    for key in ("mean-scores", "coverage", "retention", "transitions", "scores", "movers", "grade-shares", "decomposition", "cutoffs")],
    indirect=["drawn"])
def test_words_in_figures_keep_to_their_places(browser, drawn, key):  # noqa: F811
    page = browser.new_page(viewport=WIDE)
    page.set_content(drawn[key]().svg)
    found = page.evaluate(WORDS)
    page.close()
    assert found == []
