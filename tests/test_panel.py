"""From entries and marks to the score sheet: panels by hand, the workbook's errors, the chain on the simulated panel."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import openpyxl
import pandas as pd
import pytest
from conftest import DATA, once
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import shares, sheets
from analysis.__main__ import main
from analysis.grades import FAIR, FAIRLY_HIGH, HIGH, LOW
from analysis.panel import example, rules, scores, shown, workbook
from analysis.panel import sheet as writer
from analysis.problems import DataError

STEEL, COAL, OPEN = "钢铁可循环流程技术创新战略联盟", "新一代煤（能源）化工产业技术创新战略联盟", "煤炭开发利用技术创新战略联盟"
HAND = {
    "指标": [["一级指标", "二级指标", "分值", "评分标准"], ["组织", "理事会", 40, "按时开会"], ["协同", "政府项目", 60, "有项目"]],
    "规则": [["项目", "数值"], ["信息完整的最少填写数", 2], ["汇总方法", "平均"], ["两阶段合成", "加权"], ["会评权重", "60%"],
             ["重点差异：极差超过", 30], ["重点差异：组间等级不同", "是"]],
    "评价期": [["项目", "数值"], ["开始日期", "2017-01-01"], ["结束日期", "2017-12-31"]],
    "专家": [["专家", "姓名", "所属联盟", "初评组", "会评组"], ["A", "甲", OPEN, "一", None], ["B", "乙", None, "一", None],
             ["C", "丙", None, None, "二"]],
    "录入": [["联盟名称", "批次", "初评组", "会评组", "理事会", "政府项目"], [STEEL, 101, "一", "二", "3次", "无"],
             [COAL, 102, "一", "二", "2次", 5], [OPEN, 103, None, None, "1次", None]],
    "评分": [["专家", "阶段", "联盟名称", "理事会", "政府项目"], ["A", "初评", STEEL, 30, 40.5], ["B", "初评", STEEL, 32, 45],
             ["C", "会评", STEEL, 35, 45], ["A", "初评", COAL, 20, 30], ["B", "初评", COAL, 20, 28], ["C", "会评", COAL, 20, 29]],
}
REVIEWS = ["联盟名称", "批次", "复核评分", "理由"]


def put(data, content):
    """The panel of 2017 in a data folder, with the given sheets."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in content.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    path = sheets.path_of("2017", data, workbook.FOLDER)
    path.parent.mkdir(exist_ok=True)
    book.save(path)
    return path


def hand(**changes):
    """The panel by hand with some sheets changed: a list of rows, or a function of the rows."""
    content = {name: [list(row) for row in rows] for name, rows in HAND.items()}
    for name, change in changes.items():
        content[name] = change(content[name]) if callable(change) else change
    return content


def rule(item, value):
    return lambda rows: [row for row in rows if row[0] != item] + [[item, value]]


def plus(*row):
    """One more row."""
    return lambda rows: [*rows, [*row]]


def first(*row):
    """Another first row under the headings."""
    return lambda rows: [rows[0], [*row], *rows[2:]]


def apart(rows):
    """Of the marks: A thinks little of steel."""
    return first("A", "初评", STEEL, 10, 20)(rows)


def without_second(rows):
    """Of the entries: no group in the second stage."""
    return [rows[0], *([*row[:3], None, *row[4:]] for row in rows[1:])]


def read(data, **changes):
    put(data, hand(**changes))
    return workbook.read("2017", data)


def problems(data, **changes):
    put(data, hand(**changes))
    with pytest.raises(DataError) as error:
        workbook.read("2017", data)
    return str(error.value)


# By hand: steel 70.5 and 77 in the first stage, 80 in the second; coal 50 and 48, then 49.

def test_by_hand(data):
    work = scores.Scores(read(data))
    steel, coal = work.settled
    assert steel.stages == (Fraction("73.75"), Fraction(80)) and steel.combined == Fraction("77.5")
    assert steel.score == Decimal(78) and steel.grade == FAIRLY_HIGH and not steel.reasons
    assert coal.combined == 49 and coal.score == Decimal(49) and coal.grade == LOW
    assert [entry.state for entry in work.panel.intake] == ["", "", "信息不完整"]
    assert workbook.counted(work.panel) == {"登记联盟数": 146, "录入信息联盟数": 3, "信息不完整联盟数": 1, "参评联盟数": 2, "专家人数": 3}


@pytest.mark.parametrize(("joining", "how", "steel"), [
    ("替代", "平均", Fraction(80)), ("合并", "平均", Fraction("227.5") / 3), ("合并", "中位数", Fraction(77)),
    ("合并", "截尾平均", Fraction(77)), ("加权", "中位数", Fraction("77.5"))])
def test_rules(data, joining, how, steel):
    panel = read(data, 规则=lambda rows: rule("汇总方法", how)(rule("两阶段合成", joining)(rows)))
    assert scores.Scores(panel).settled[0].combined == steel


def test_rounding_is_half_up_once_at_the_end(data):
    marks = [["A", "初评", STEEL, 34.5, 50], ["B", "初评", STEEL, 34.5, 50], ["C", "会评", STEEL, 34.5, 50]]
    one = scores.Scores(read(data, 评分=lambda rows: [rows[0], *rows[4:], *marks])).settled[0]
    assert one.combined == Fraction("84.5") and one.score == Decimal(85) and one.grade == HIGH


def test_the_list_and_the_re_review(data):
    work = scores.Scores(read(data, 评分=apart))
    assert [r.entry.name for r in work.listed] == [STEEL]
    assert work.listed[0].reasons[0] == "专家总分极差50分" and "初评为活跃度一般，会评为活跃度较高" in work.listed[0].reasons[1]
    with pytest.raises(DataError, match=f"复核: {STEEL} .*no decided score"):
        writer.build(work)
    decided = scores.Scores(read(data, 评分=apart, 复核=[REVIEWS, [STEEL, 101, 71, "集体核对"]]))
    assert decided.settled[0].score == 71 and decided.settled[0].review.place == "复核 C2"
    writer.put(writer.build(decided), sheets.path_of("2017", data))
    assert [(a.name, a.score) for a in sheets.read("2017", data).evaluated] == [(STEEL, 71), (COAL, 49)]
    assert writer.build(decided) == sheets.path_of("2017", data).read_bytes()  # no clock in it


def test_withholding_is_a_rule(data):
    writer.put(writer.build(scores.Scores(read(data, 规则=rule("不公布评分的等级", "活跃度较差")))), sheets.path_of("2017", data))
    assert [(a.score, a.grade) for a in sheets.read("2017", data).evaluated] == [(78, FAIRLY_HIGH), (None, LOW)]


def in_long_form(rows):
    """The marks by hand, one a row."""
    return [["专家", "阶段", "联盟名称", "批次", "指标", "分数"], *([e, s, n, 101 + (n == COAL), name, mark] for e, s, n, *two in rows[1:]
            for name, mark in zip(("理事会", "政府项目"), two))]


def test_long_is_as_wide(data):
    wide, long = scores.Scores(read(data)), scores.Scores(read(data, 评分=in_long_form))
    assert long.panel.long and not wide.panel.long
    assert [one.combined for one in long.settled] == [one.combined for one in wide.settled]


WRONG = [
    ({"指标": lambda r: [*r[:2], ["协同", "政府项目", 50, ""]]}, "指标: the points add up to 90, not 100"),
    ({"规则": rule("汇总方法", "众数")}, '规则 › B7: 汇总方法 "众数" is not one of 平均、中位数、截尾平均'),
    ({"规则": rule("没有的规则", 1)}, '规则 › A8: rule "没有的规则" is not one of'),
    ({"规则": lambda r: [x for x in r if x[0] != "两阶段合成"]}, "规则: has no rule 两阶段合成"),
    ({"规则": rule("汇总方法", None)}, "规则 › B7: the rule 汇总方法 is blank; write 平均, 中位数, 截尾平均"),
    ({"规则": lambda r: [x for x in r if x[0] != "会评权重"]}, "规则 › B4: 两阶段合成 is 加权 and there is no 会评权重"),
    ({"规则": rule("会评权重", "nan")}, '规则 › B7: 会评权重 "nan" is not a share like 60% or 0.6'),
    ({"规则": rule("评分小数位", 3)}, "规则 › B8: 评分小数位 3 is not a number from 0 to 2"),
    ({"规则": rule("不公布评分的等级", "很低")}, '规则 › B8: 不公布评分的等级 "很低" is not one of 活跃度'),
    ({"规则": rule("信息完整的必填指标", "理事会、年会")}, "is not made of names of the sheet 指标 (年会 is none)"),
    ({"规则": plus(None, 3)}, "规则 › A8: 项目 is blank beside 3"),
    ({"评价期": plus("录入信息联盟数", 9)}, "评价期 › B4: 录入信息联盟数 9 is not the 3 that the other sheets count"),
    ({"专家": plus("A", "丁", None, "一", None)}, '专家 › A5: "A" stands in A2 already'),
    ({"专家": plus("D", "丁", "某某联盟", "一", None)}, '专家 › C5: the registry does not know "某某联盟"'),
    ({"专家": first("A", "甲", STEEL, "一", None)}, f'评分 › A2: A belongs to "{STEEL}" (专家 A2) and may not mark it'),
    ({"专家": first("A", None, None, "一", None), "规则": rule("公布专家名单", "是")},
     "专家 › B2: 姓名 is blank and 公布专家名单 is 是; fill it in"),
    ({"专家": lambda r: [*first("A", "甲", STEEL, "一", None)(r)[:2], r[3]], "评分": lambda r: [r[0], *r[3:]]},
     f'录入 › C2: "{STEEL}" is in 初评组 "一", of which no expert may mark it: it is the own alliance of A (专家 A2); put another expert'),
    ({"录入": lambda r: [*r, r[1]]}, "录入 › A5"),
    ({"录入": lambda r: [row[:5] for row in r]}, "录入: has no column for 1 of 2 indicators: 政府项目"),
    ({"评分": first("A", "初评", STEEL, 41, 40)}, "评分 › D2: mark 41 is not between 0 and the 40 points of 理事会"),
    ({"评分": first("A", "初评", STEEL, 1.005, 40)}, "评分 › D2: mark 1.005 has more than two decimals"),
    ({"评分": first("A", "初评", STEEL, "三", 40)}, '评分 › D2: mark "三" is not a number'),
    ({"评分": first("A", "初评", STEEL, None, 40)}, "评分 › D2: the mark of A for"),
    ({"评分": first("A", "初评", STEEL, "=1+1", 40)}, "评分 › D2: mark (a formula) is not calculated yet"),
    ({"评分": plus("X", "初评", STEEL, 1, 1)}, '评分 › A8: expert "X" is not in the sheet 专家'),
    ({"评分": plus("A", "终评", STEEL, 1, 1)}, '评分 › B8: stage "终评"'),
    ({"评分": plus("A", "初评", "钢铁", 1, 1)}, '评分 › C8: alliance "钢铁" is not in the sheet 录入'),
    ({"评分": plus("B", "初评", OPEN, 1, 1)}, f'评分 › C8: "{OPEN}" is not evaluated'),
    ({"评分": plus("A", "会评", STEEL, 1, 1)}, "评分 › A8: A is in 会评组 none"),
    ({"评分": lambda r: [*r, r[1]]}, "评分 › D8: the mark of A for"),
    ({"评分": lambda r: r[:-1]}, f"评分: C for {COAL} in 会评 has no marks"),
    ({"复核": [REVIEWS, [STEEL, 101, 101, "x"]]}, "复核 › C2: score 101 is not between 0 and 100"),
    ({"复核": [REVIEWS, [STEEL, 101, 70.5, "x"]]}, "复核 › C2: score 70.5 has more decimals"),
    ({"复核": [REVIEWS, [STEEL, 101, 70, None]]}, "复核 › D2: reason is blank"),
]


@pytest.mark.parametrize(("changes", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_errors_name_their_cell(data, changes, said):
    assert said in problems(data, **changes)


def test_a_recused_mark_is_not_missing(data):
    panel = read(data, 专家=first("A", "甲", STEEL, "一", None), 评分=lambda rows: [rows[0], *rows[2:]])
    assert scores.Scores(panel).settled[0].stages[0] == 77


def test_all_errors_of_all_sheets_at_once(data):
    """What is wrong in one sheet hides nothing in another, and no error follows from another."""
    said = problems(data, 规则=lambda r: rule("汇总方法", "众数")(rule("两阶段合成", None)(r)), 评价期=plus("专家人数", 9),
                    评分=plus("X", "初评", STEEL, 300, 1), 复核=[REVIEWS, [STEEL, 101, 300, "x"]])
    assert said.splitlines() == [
        '2017.xlsx › 规则 › B6: the rule 两阶段合成 is blank; write 替代, 合并, 加权',
        '2017.xlsx › 规则 › B7: 汇总方法 "众数" is not one of 平均、中位数、截尾平均',
        "2017.xlsx › 评价期 › B4: 专家人数 9 is not the 3 that the other sheets count; correct it or leave it out",
        '2017.xlsx › 评分 › A8: expert "X" is not in the sheet 专家; correct it, or add a row there',
        "2017.xlsx › 评分 › D8: mark 300 is not between 0 and the 40 points of 理事会; correct it",
        "2017.xlsx › 复核 › C2: score 300 is not between 0 and 100; correct it",
    ]


@pytest.mark.parametrize(("changes", "place"), [
    ({"录入": first("钢铁循环", 101, "一", "二", "3次", "无")}, "录入 › A2"), ({"规则": rule("信息完整的最少填写数", "很多")}, "规则 › B7"),
    ({"指标": lambda r: [*r[:2], ["协同", "政府项目", "六十", ""]]}, "指标 › C3")])
def test_what_is_wrong_draws_no_errors_after_it(data, changes, place):
    """A sheet that is not sound is not held against the marks: an unknown alliance's marks are not errors too."""
    said = problems(data, **changes)
    assert len(said.splitlines()) == 1 and said.startswith(f"2017.xlsx › {place}")


def test_a_stage_that_nobody_marked_is_refused(data):
    """录入 and 专家 put alliances and experts into 会评组 二; without a mark of it steel would settle at 74 instead of 78."""
    marks = {"评分": lambda r: [row for row in r if row[1] != "会评"]}
    assert [line.split("; ")[0] for line in problems(data, **marks).splitlines()] == [
        f"2017.xlsx › 评分: C for {name} in 会评 has no marks" for name in (STEEL, COAL)]
    assert problems(data, **marks, 录入=without_second) == (
        '2017.xlsx › 专家 › E4: C is in 会评组 "二", which no alliance of the sheet 录入 is in; correct it, or fill in 会评组 there')
    panel = read(data, **marks, 专家=lambda r: r[:3], 录入=without_second)
    assert panel.stages == ("初评",) and scores.Scores(panel).settled[0].score == 74  # 73.75: one stage, and everybody says so


def test_an_error_of_the_spreadsheet_is_not_blank(data):
    path = put(data, hand())
    book = openpyxl.load_workbook(path)
    book["评分"]["D2"].value, book["评分"]["D2"].data_type = "#N/A", "e"
    book.save(path)
    with pytest.raises(DataError, match="评分 › D2: mark \"#N/A\" is an error of the spreadsheet"):
        workbook.read("2017", data)


units = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 10_000)), min_size=1, max_size=40)


@settings(max_examples=100, deadline=None)
@given(units, st.integers(0, 3))
def test_centres_are_exact(pairs, trim):
    frame = pd.DataFrame(pairs, columns=["of", "units"]).sort_values(["of", "units"])
    for how in (rules.MEAN, rules.MEDIAN, rules.TRIMMED):
        above, below = scores.centres(frame["units"].to_numpy(), frame["of"].to_numpy(), 5, how, trim)
        for group in range(5):
            mine = [Fraction(number) for of, number in pairs if of == group]
            cut = min(trim, (len(mine) - 1) // 2) if how == rules.TRIMMED else 0
            expected = mine and (statistics.median(mine) if how == rules.MEDIAN else statistics.mean(sorted(mine)[cut:len(mine) - cut]))
            assert Fraction(int(above[group]), int(below[group])) == expected if mine else below[group] == 0


def test_commas_in_an_indicators_name(data):
    def renamed(rows):
        return [["展览、论坛、会议" if cell == "理事会" else cell for cell in row] for row in rows]

    panel = read(data, 指标=renamed, 规则=rule("信息完整的必填指标", "展览、论坛、会议、政府项目"), 录入=renamed, 评分=renamed)
    assert set(panel.rules["信息完整的必填指标"]) == {"展览、论坛、会议", "政府项目"}


# The simulated panel: the whole chain, internal and public files apart.

@pytest.fixture(scope="module")
def simulated(shared, period):
    """The data folder of a simulated panel, with the score sheet that came of it."""
    folder = once(shared, f"example-{period}", "example-panel", period)
    once(shared, f"panel-{period}", "panel", period, data=folder)
    return folder


@pytest.fixture(scope="module")
def internal(shared, period, simulated):
    return shared / f"panel-{period}"


@pytest.fixture(scope="module")
def public(shared, period, simulated):
    return once(shared, f"panel-report-{period}", "report", period, data=simulated)


def test_round_trip_to_the_published_scores(simulated, period):
    published, back = sheets.read(period), sheets.read(period, simulated)
    assert {a.id: (a.score, a.grade) for a in back.evaluated} == {a.id: (a.score, a.grade) for a in published.evaluated}
    work = scores.Scores(workbook.read(period, simulated))
    assert 0 < sum(one.review is not None for one in work.settled) <= len(work.settled) / 10 and work.model.parts == 1
    counted = shown.activities(back).to_dict()
    assert {grade: counted[grade] for grade in published.activities} == published.activities
    assert back.facts.get("有网站联盟数") == published.facts.get("有网站联盟数", back.facts.get("有网站联盟数"))


def test_what_a_public_report_may_learn(simulated, period):
    """One row an alliance and indicator, by the sheet's grades; nothing without a panel."""
    sheet, bare = sheets.read(period, simulated), sheets.read(period)
    entries, answers = shown.entries(sheet), {e.id: e.shown for e in workbook.read(period, simulated, marks=False).evaluated}
    assert list(entries.columns) == [*shown.COLUMNS] == list(shown.entries(bare).columns) and shown.entries(bare).empty
    assert len(entries) == 20 * len(sheet.evaluated) == len(entries.drop_duplicates(["id", "indicator"]))
    assert entries.groupby("id").grade.first().astype(str).to_dict() == {a.id: a.grade for a in sheet.evaluated}
    assert all(row.shown == (row.indicator in answers[row.id]) for row in entries.itertuples())
    counts = shown.counts(entries, 0)
    assert list(counts) == [HIGH, FAIRLY_HIGH, FAIR, LOW] and len(counts) == 7
    assert counts.at["理事会", HIGH] == sum(row.shown for row in entries.itertuples() if (row.grade, row.indicator) == (HIGH, "理事会"))
    assert shown.activities(bare).to_dict() == bare.activities


def test_strengths_by_hand():
    """Ten points or more over or under all; exactly ten counts, whatever binary fractions make of it."""
    gaps = pd.DataFrame([[100 * (0.6 - 0.5), -9.9, -12.25], [0.0, 3.0, 1.0]], columns=["甲", "乙", "丙"],
                        index=pd.MultiIndex.from_tuples([("按等级", HIGH), ("按批次", "第一批")]))
    assert shown.strengths(gaps).values.tolist() == [["按等级", HIGH, "强项", "甲 +10.0"], ["按等级", HIGH, "弱项", "丙 −12.3"]]
    assert shown.strengths(gaps, least=0, over="多").values.tolist()[-1] == ["按批次", "第一批", "多", "乙 +3.0；丙 +1.0"]


def pages(path):
    """The text of each page of a PDF, without line breaks."""
    text = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
    return [page.replace("\n", "") for page in text.removesuffix("\f").split("\f")]


@pytest.mark.poppler
def test_simulated_says_so_on_every_sheet_and_page(simulated, internal, public, period):
    for path in (sheets.path_of(period, simulated, workbook.FOLDER), sheets.path_of(period, simulated)):
        assert all("模拟数据" in str(sheet["A1"].value) for sheet in openpyxl.load_workbook(path))
    for path, mark in ((public / "reports" / f"{period}", "模拟数据"), (internal / "reports" / f"panel-{period}", "内部资料")):
        assert all(mark in page and "模拟数据" in page for page in pages(path.with_name(f"{path.name}.pdf")))
        assert mark in re.search(r"<h1[^>]*>(.*?)</h1>", path.with_name(f"{path.name}.html").read_text("utf8"))[1]


@pytest.mark.poppler
def test_nothing_of_an_expert_or_a_withheld_score_in_the_public_files(simulated, public, period):
    """The roster may stand there; marks, deviations, hints and withheld scores may not."""
    work = scores.Scores(workbook.read(period, simulated))
    texts = {path.name: path.read_text("utf-8-sig") for path in public.rglob("*.*") if path.suffix in (".html", ".csv", ".svg", ".ipynb")}
    texts["pdf"] = "\n".join(pages(public / "reports" / f"{period}.pdf"))
    texts["sheet"] = json.dumps([list(row) for sheet in openpyxl.load_workbook(sheets.path_of(period, simulated))
                                 for row in sheet.iter_rows(values_only=True)], default=str, ensure_ascii=False)
    keys = re.compile(r"(?<![A-Za-z0-9#])(" + "|".join(expert.key for expert in work.panel.experts) + r")(?![0-9A-Za-z])")
    for name, text in texts.items():
        plain = re.sub(r"base64,[A-Za-z0-9+/=]+|<path[^>]*>|<use[^>]*>|id=\"[^\"]*\"|#[0-9a-zA-Z]+|\"[0-9a-f]{8,}\"", "", text)
        assert not [word for word in ("偏离", "偏宽", "偏严", "宽严", "分差偏", "复核评分", "总分极差", "残差") if word in plain], name
        assert not keys.search(plain), (name, keys.search(plain))
    withheld = [one for one in work.settled if one.withheld]
    assert bool(withheld) == (period == "2020-2021")
    rows = {a.name: a.score for a in sheets.read(period, simulated).evaluated}
    for one in withheld:
        assert rows[one.entry.name] is None
        score = re.compile(rf"(?<![\d.]){one.score}(?![\d.%家])")
        for name, text in texts.items():
            for begin in (match.end() for match in re.finditer(re.escape(one.entry.name), text)):
                row = re.split(r"\n|</tr>|\]|\}", text[begin:begin + 200])[0]  # what follows a name in its row
                assert not score.search(row), (name, row)


def test_every_score_can_be_followed_back(simulated, internal, period):
    trace = pd.read_csv(internal / "reports" / f"panel-{period}-trace.csv", dtype=str)
    book = openpyxl.load_workbook(sheets.path_of(period, simulated, workbook.FOLDER), read_only=True)
    rows, work = [*book["评分"].iter_rows(values_only=True)], scores.Scores(workbook.read(period, simulated))
    assert len(trace) == len(work.totals)
    for _, told in trace.iloc[::50].iterrows():
        ends = [int(end) for end in told["评分表的行"].removeprefix("评分!").split("-")]
        mine = rows[ends[0] - 1:ends[-1]]
        marks = [row[4] for row in mine] if work.panel.long else mine[0][3:]
        assert {(row[0], row[1], row[2]) for row in mine} == {(told["专家"], told["阶段"], told["联盟"])}
        assert len(marks) == len(work.panel.indicators) and sum(marks) == float(told["专家总分"])


def test_the_internal_report_has_what_its_frames_have(internal, period):
    """A CSV for each table, the grades by their canonical names; four figures."""
    folder = internal / "figures" / f"panel-{period}"
    assert {path.stem for path in folder.glob("*.svg")} == {"stages", "deviations", "agreement", "indicators"}
    ladder = pd.read_csv(folder / "ladder.csv")
    assert (ladder.联盟总数 == ladder.参评 + ladder.未参评).all() and (ladder.iloc[:-1, 1:6].sum() == ladder.iloc[-1, 1:6]).all()
    assert ladder.参评占比.tolist() == shares.column(ladder.参评, ladder.联盟总数).tolist()
    assert set(pd.read_csv(folder / "scores.csv").等级) == {HIGH, FAIRLY_HIGH, FAIR, LOW}


@pytest.mark.parametrize("period", ["2017"], indirect=True)
def test_example_is_the_same_again(simulated, period, tmp_path):
    assert example.make(period, DATA, tmp_path / "again").read_bytes() == sheets.path_of(period, simulated, workbook.FOLDER).read_bytes()


def test_panel_and_sheet_must_agree(data):
    put(data, hand())
    with pytest.raises(DataError, match="are evaluated here or in score_sheets"):
        shown.entries(sheets.read("2017", data))


def test_a_sheet_is_replaced_only_when_told(data, tmp_path, capsys):
    put(data, hand())
    before = sheets.path_of("2017", data).read_bytes()
    assert main(["panel", "2017", "--data", str(data), "--out", str(tmp_path / "out")]) == 2 and "FORCE=1" in capsys.readouterr().err
    assert sheets.path_of("2017", data).read_bytes() == before


def test_commands_that_are_wrong(tmp_path, capsys):
    assert main(["panel", "2021", "--out", str(tmp_path)]) == 2
    assert f"there is no panel for 2021. There is no panel in {DATA / 'panel'}." in capsys.readouterr().err
    (tmp_path / "mine").write_text("x")
    assert main(["example-panel", "2017", "--out", str(tmp_path)]) == 2


@pytest.mark.parametrize("way", ["data/sim", "link/sim", "link", str(DATA / "sim")])
def test_simulated_data_never_goes_into_a_data_folder(data, tmp_path, way, capsys):
    (tmp_path / "link").symlink_to(data)
    assert main(["example-panel", "2017", "--data", str(data), "--out", str(tmp_path / way)]) == 2
    assert "simulated data never goes there" in capsys.readouterr().err and not (tmp_path / way / "panel").exists()


def test_a_score_sheet_is_read_back_before_it_is_put(data):
    """Whatever else the report would refuse is refused here: a code that the registry gives to another."""
    panel = read(data)
    panel.intake[0] = replace(panel.intake[0], code="102")
    with pytest.raises(DataError, match="评分表"):
        writer.build(scores.Scores(panel))


def test_a_panel_that_waits_makes_its_report_and_no_sheet(data, tmp_path, capsys):
    put(data, hand(评分=apart))
    before = sheets.path_of("2017", data).read_bytes()
    assert main(["panel", "2017", "--data", str(data), "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr()
    assert "no decided score" in told.err and "panel-2017.pdf" in told.out and (tmp_path / "out/reports/panel-2017.pdf").exists()
    assert sheets.path_of("2017", data).read_bytes() == before


def test_the_period_report_does_not_load_statistics():
    code = "import sys; import analysis.panel.shown; print([m for m in ('scipy', 'krippendorff') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
