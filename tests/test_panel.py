"""From entries and marks to the score sheet: panels by hand, what is wrong with them, stale and interim results, the drawn example."""

from __future__ import annotations

import ast
import datetime as dt
import re
import subprocess

import nbformat
import openpyxl
import pandas as pd
import pytest
from conftest import DATA, once
from test_messages import ENGLISH

from analysis import NOTEBOOKS, publish, sheets, words
from analysis.__main__ import main
from analysis.grades import FAIRLY_HIGH, HIGH, LOW
from analysis.panel import commands, example, organise, scores, shown, verdicts, workbook
from analysis.panel import sheet as score_sheet
from analysis.problems import DataError

STEEL, COAL, OPEN = "钢铁可循环流程技术创新战略联盟", "新一代煤（能源）化工产业技术创新战略联盟", "煤炭开发利用技术创新战略联盟"
HAND = {
    "指标": [["一级指标", "二级指标", "分值", "评分标准"], ["组织", "理事会", 40, "按时开会"], ["协同", "政府项目", 60, "有项目"]],
    "规则": [["项目", "数值"], ["信息完整的最少填写数", 2], ["汇总方法", "平均"], ["两阶段合成", "加权"], ["会评权重", "60%"],
             ["重点差异：极差超过", 30], ["重点差异：组间等级不同", "是"]],
    "评价期": [["项目", "数值"], ["开始日期", "2017-01-01"], ["结束日期", "2017-12-31"]],
    "专家": [["专家", "姓名", "单位及职务", "所属联盟"], ["A", "甲", "某公司", OPEN], ["B", "乙", None, None], ["C", "丙", "某大学", None]],
    "录入": [["联盟名称", "批次", "联络员", "理事会", "政府项目"], [STEEL, 101, "张", "3次", "无"], [COAL, 102, "李", "2次", 5],
             [OPEN, 103, "张", "1次", None]],
    "分组": [["联盟名称", "批次", "初评组", "会评组"], [STEEL, 101, "一", "二"], [COAL, 102, "一", "二"]],
    "专家分组": [["专家", "初评组", "会评组"], ["A", "一", None], ["B", "一", None], ["C", None, "二"]],
    "评分": [["专家", "阶段", "联盟名称", "理事会", "政府项目"], ["A", "初评", STEEL, 30, 40.5], ["B", "初评", STEEL, 32, 45],
             ["C", "会评", STEEL, 35, 45], ["A", "初评", COAL, 20, 30], ["B", "初评", COAL, 20, 28], ["C", "会评", COAL, 20, 29]],
}
REVIEWS = ["联盟名称", "批次", "复核评分", "理由"]
ONE_STAGE = {"分组": [row[:3] for row in HAND["分组"]], "专家分组": [row[:2] for row in HAND["专家分组"][:3]]}
ONE_EXPERT = {"评分": lambda r: [row for row in r if row[0] in ("专家", "A")], "专家": lambda r: r[:2], "分组": ONE_STAGE["分组"],
              "专家分组": ONE_STAGE["专家分组"][:2]}


def put(data, content, name=""):
    """The panel of 2017 in a data folder, or a file that came back, with the given sheets."""
    path = sheets.path_of("2017", data, workbook.FOLDER)
    frames = {sheet: pd.DataFrame([row + [None] * (len(rows[0]) - len(row)) for row in rows[1:]], columns=rows[0], dtype=object)
              for sheet, rows in content.items()}
    publish.put(path.with_suffix("") / name if name else path, score_sheet.workbook(frames, dt.date(2018, 1, 1)))


def hand(**changes):
    """The panel by hand with some sheets changed: a list of rows, or a function of the rows."""
    content = {name: [list(row) for row in rows] for name, rows in HAND.items()}
    return content | {name: change(content[name]) if callable(change) else change for name, change in changes.items()}


def rule(item, value):
    return lambda rows: [row for row in rows if row[0] != item] + [[item, value]]


def plus(*row):
    return lambda rows: [*rows, [*row]]


def first(*row):
    return lambda rows: [rows[0], [*row], *rows[2:]]


APART = first("A", "初评", STEEL, 10, 20)  # A thinks little of steel


def only_first(rows):
    return [row for row in rows if row[1] != "会评"]


def read(data, **changes):
    put(data, hand(**changes))
    return workbook.read("2017", data)


GIVEN = ((30, 40.5), (32, 45), (35, 45))  # by hand: steel 70.5 and 77 in the first stage, 80 in the second


@pytest.mark.parametrize(("rules", "marks", "exact", "score", "why"), [
    *(({"两阶段合成": joining, "汇总方法": how}, GIVEN, *steel, "") for joining, how, *steel in (
        ("加权", "平均", 77.5, 78), ("替代", "平均", 80, 80), ("合并", "平均", 75.8333, 76), ("合并", "中位数", 77, 77),
        ("合并", "截尾平均", 77, 77), ("加权", "中位数", 77.5, 78))),
    ({}, ((34.5, 50), (34.5, 50), (34.5, 50)), 84.5, 85, ""),  # half up, once, at the end
    ({"重点差异：极差超过": 19.9}, ((30, 40), (30, 59.9), (30, 50)), 79.98, 80, ""),  # 19.9 × 100 is a little under 1990 in binary
    ({"重点差异：极差超过": 19.9}, ((30, 40), (30, 59.91), (30, 50)), 79.982, 80, "专家总分极差19.91分"),
    ({"重点差异：组间相差至少": 8.5}, ((30, 37), (30, 37), (35, 40.5)), 72.1, 72, "初评为活跃度一般，会评为活跃度较高，相差8.50分"),
    ({"重点差异：组间相差至少": 8.6}, ((30, 37), (30, 37), (35, 40.5)), 72.1, 72, "")])
def test_a_score_and_the_list_by_hand(data, rules, marks, exact, score, why):
    content = HAND["规则"]
    for item, value in rules.items():
        content = rule(item, value)(content)
    given = [[*who, STEEL, *two] for who, two in zip((("A", "初评"), ("B", "初评"), ("C", "会评")), marks)]
    work = scores.Scores(read(data, 规则=content, 评分=lambda rows: [rows[0], *given, *rows[4:]]))
    one, coal = work.alliances.itertuples()
    assert (one.合成, one.评分, one.等级, one.重点差异) == (exact, score, HIGH if score == 85 else FAIRLY_HIGH, why)
    assert coal.等级 == LOW and not work.panel.interim and [*work.panel.intake.情况] == ["参评", "参评", "信息不完整"]


@pytest.mark.parametrize(("decided", "score", "told"), [
    (71, 71, "都有决定和理由"), ("维持", 69, "都有决定和理由"), (25, 25, "不在本联盟任何专家总分的范围之内")])
def test_the_re_review_decides(data, decided, score, told):
    """Steel 30 and 77, then 80: 0.6 × 80 + 0.4 × 53.5 = 69.4."""
    work = scores.Scores(read(data, 评分=APART, 复核=[REVIEWS, [STEEL, 101, decided, "集体核对"]]))
    assert told in words.read("panel")(verdicts.listed(work)) and work.alliances.出界.any() == (score == 25)
    publish.put(sheets.path_of("2017", data), score_sheet.build(work))
    assert {a.name: a.score for a in sheets.read("2017", data).evaluated} == {STEEL: score, COAL: 49}


def test_what_goes_into_the_score_sheet(data):
    """The withheld scores are blank, the activities counted, other items of 评价期 stay in the panel, no re-review took place."""
    work = scores.Scores(read(data, 规则=rule("不公布评分的等级", "活跃度较差"), 评价期=lambda r: [
        *r, ["会评日期", "2018-03-01"], ["复核日期", "2018-03-09"], ["专家联系电话", "13800000000"], ["通知时间", "2018年1月"]]))
    publish.put(sheets.path_of("2017", data), score_sheet.build(work))
    back = sheets.read("2017", data)
    assert [(a.score, a.grade) for a in back.evaluated] == [(78, FAIRLY_HIGH), (None, LOW)]
    assert back.activities == {FAIRLY_HIGH: {"联盟数": 1, "政府项目": 0}, LOW: {"联盟数": 1, "政府项目": 1}}
    assert {item: back.facts[item] for item in sheets.COUNTS if item in back.facts} == {
        "登记联盟数": 146, "录入信息联盟数": 3, "信息不完整联盟数": 1, "参评联盟数": 2, "专家人数": 3}
    assert {"会评日期", "通知时间"} <= back.facts.keys() and not {"复核日期", "专家联系电话"} & back.facts.keys()
    entries = shown.entries(back)
    assert len(entries) == 4 and entries.shown.sum() == 3 and shown.counts(entries, 1).at["政府项目", LOW] == 1
    assert shown.entries(sheets.read("2020-2021", data)).empty
    work.panel.intake.iloc[2, 1] = "102"  # the registry gives it to another: refused before it is put
    with pytest.raises(DataError, match="未参评"):
        score_sheet.build(work)


LONG = [["专家", "阶段", "联盟名称", "批次", "指标", "分数"], *([e, s, n, 101 + (n == COAL), name, two[i]]
        for i, name in enumerate(("理事会", "政府项目")) for e, s, n, *two in HAND["评分"][1:])]


@pytest.mark.parametrize("way", ["wide", "long", "csv", "of another system"])
def test_marks_come_back_in_any_form(data, way):
    """A stacked sheet, a system's export; every mark is followed back; what cannot be read is named with what to do."""
    read(data, 评分=LONG if way == "long" else HAND["评分"] if way == "wide" else [HAND["评分"][0]])
    folder, text = data / "panel/2017", "\r\n".join(",".join(map(str, row)) for row in [["导出时间：2018-03-20"], *LONG])
    folder.mkdir()
    if way == "csv":
        (folder / "export.CSV").write_bytes(text.encode("utf-8-sig"))
    elif way == "of another system":
        put(data, {"评分": [[*LONG[0], "工号"], *([*row, 7] for row in LONG[1:])]}, "export.xlsx")
    panel = workbook.read("2017", data)
    assert scores.Scores(panel).alliances.合成.tolist() == [77.5, 49] and len(panel.marks) == 12
    assert panel.marks.place[0] == {"csv": "export.CSV 评分 3", "of another system": "export.xlsx 评分 2"}.get(way, "2017.xlsx 评分 2")
    (folder / "marks.csv").write_bytes(text.encode("gbk"))
    (folder / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(DataError, match=r"(?s)marks\.csv: is not UTF-8.*old\.xls: .*save it as \.xlsx$"):
        workbook.read("2017", data)


WRONG = {  # what is wrong, and the one line for each
    "points": ({"指标": lambda r: [*r[:2], ["协同", "政府项目", 50, ""]]}, ["指标: the points add up to 90, not 100"]),
    "no rule": ({"规则": lambda r: [x for x in r if x[0] not in ("会评权重", "汇总方法")]}, [
        "规则: the rule 汇总方法 is not filled in; write 平均, 中位数", "规则: the rule 会评权重 is not filled in; write a share like 60%"]),
    "setup": ({
        "规则": lambda r: [*r[:2], ["汇总方法", "众数"], ["两阶段合成", "加权"], ["会评权重", "nan"], ["没有的规则", 1], ["评分小数位", 3],
                         ["信息完整的必填指标", "理事会；年会"], ["截尾个数", "=1+1"], ["不公布评分的等级", "很低"]],
        "评价期": plus("会评日期", "三月"),
        "专家": lambda r: [r[0], ["A", "甲", f"{COAL}秘书长", OPEN], ["A", "丁", None, None], ["D", "丁", None, "某某联盟"], ["E"]]}, [
        '规则 › B3: the rule 汇总方法 is "众数"; write 平均, 中位数, 截尾平均', '规则 › B5: the rule 会评权重 is "nan"; write a share like 60%',
        '规则 › A6: there is no rule "没有的规则"; write one of', "规则 › B7: the rule 评分小数位 is 3; write 0, 1, 2",
        "规则 › B8: the rule 信息完整的必填指标 is", "规则 › B9: the rule 截尾个数 is (a formula); write a whole number from 0",
        '规则 › B10: the rule 不公布评分的等级 is "很低"; write 活跃度', '评价期 › B4: 会评日期 "三月"',
        f'专家 › C2: A holds a post in "{COAL}", which 所属联盟 (D2) does not have', '专家 › A3: "A" stands in A2 already',
        '专家 › D4: the registry does not know "某某联盟"']),
    "all at once": ({
        "指标": lambda r: [*r[:2], ["协同", "政府项目", "六十", ""]], "录入": lambda r: [r[0], ["钢铁", *r[1][1:]], *r[2:]],
        "专家": lambda r: [*r[:2], ["B", "乙", None, "某某联盟"], r[3]], "分组": lambda r: [r[0], [STEEL, 103, "一", "二"], r[2]],
        "评分": lambda r: [*r[:4], ["A", "终评", COAL, 20, 30], *r[5:]], "复核": [REVIEWS, [COAL, 102, 70, None]]}, [
        '指标 › C3: 分值 "六十" is not a number', '专家 › D3: the registry does not know "某某联盟"', "录入 › A2: the registry", "分组 › A2: ",
        '评分 › B5: stage "终评"', "复核 › D2: 理由 is blank"]),
    "entries": ({"录入": [HAND["录入"][0], ["钢铁循环", 101, "张", "3次", "无"], [COAL, 102, "李", "—", "未组织"], [OPEN, 103, 1, "=1+1", 5]]}, [
        "录入 › A2: the registry does not", '录入 › D3: "—" says nothing; leave the cell blank',
        '录入 › E3: the entry "未组织" (here and in 0 other cells) may or may not mean', "录入 › D4: 理事会 (a formula) is not calculated yet"]),
    "nobody": ({"规则": rule("信息完整的最少填写数", 9)}, ["录入: has no alliance that the completeness rule lets be evaluated"]),
    "no groups": ({"分组": [HAND["分组"][0]], "评分": HAND["评分"][:1]}, ["has nobody in a group (分组), and no returned file has; run"]),
    "groups": ({"分组": lambda r: r[:2]}, [f'分组: nobody may mark "{COAL}" in 初评 (its group: —; experts who belong to it: —)']),
    "own group": ({"专家": lambda r: [*r[:3], ["C", "丙", None, COAL]], "评分": lambda r: r[:-1]}, [
        f'分组: nobody may mark "{COAL}" in 会评 (its group: 二; experts who belong to it: C)']),
    "marks": ({"专家": first("A", "甲", None, OPEN), "评分": lambda r: [
        r[0], ["A", "初评", STEEL, 41, 40], ["B", "初评", STEEL, 1.005, "三"], ["C", "会评", STEEL, "=1+1", 1], ["X", "初评", STEEL, 1, 1],
        ["A", "终评", STEEL, 1, 1], ["A", "初评", "钢铁循环", 1, 1], ["B", "初评", OPEN, 1, 1], ["A", "会评", STEEL, 1, 1], r[4], r[4]]}, [
        "评分 › D2: mark 41 is not between 0 and the 40 points of 理事会", "评分 › D3: mark 1.005 is not between",
        '评分 › E3: 政府项目 "三" is not a number; write 0–60', "评分 › D4: 理事会 (a formula) is not calculated yet",
        '评分 › A5: 专家 "X" is not in the sheet 专家', '评分 › B6: stage "终评"', '评分 › C7: "钢铁循环" is not evaluated (not in 录入',
        f'评分 › C8: "{OPEN}" is not evaluated (信息不完整', f'评分 › A9: A is in 会评组 —, "{STEEL}" in 二; remove the marks',
        f'评分 › A11: the marks of A for "{COAL}" in 初评 stand in 2017.xlsx 评分 10 already']),
    "own": ({"专家": first("A", "甲", None, STEEL)}, [f'评分 › A2: A belongs to "{STEEL}" and may not mark it']),
    "long": ({"评分": [LONG[0], ["A", "初评", STEEL, 101, "年会", 3]]}, ['评分 › E2: 指标 "年会" is not in the sheet 指标']),
    "decisions": ({"复核": [REVIEWS, [STEEL, 101, 101, "x"], [COAL, 102, 70.5, None], [OPEN, 103, 70, "x"]]}, [
        "复核 › C2: 复核评分 101 is not between 0 and 100", "复核 › C3: 复核评分 70.5 is not between 0 and 100 with at most 0 decimals",
        "复核 › D3: 理由 is blank", f'复核 › A4: "{OPEN}" is not evaluated']),
}


@pytest.mark.parametrize(("changes", "said"), WRONG.values(), ids=WRONG)
def test_one_wrong_cell_gives_one_line_in_the_readers_language(data, monkeypatch, changes, said):
    put(data, hand(**changes))
    with pytest.raises(DataError) as error:
        workbook.read("2017", data)
    lines = str(error.value).splitlines()
    assert [line for line, start in zip(lines, said) if start not in line] == [] and len(lines) == len(said), lines
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    for line in str(error.value).splitlines():
        assert re.search("请", line) and not ENGLISH.search(re.sub("make .*|“.*?”", "", line)), line


def test_own_alliances_bar_marks(data):
    work, say = scores.Scores(read(data, 专家=first("A", "甲", None, STEEL), 评分=lambda rows: [rows[0], *rows[2:]])), words.read("panel")
    assert work.alliances.初评[0] == 77 and not work.panel.interim
    said = say(verdicts.marks(work))
    assert "1位专家在参评联盟任职，不得评这些联盟（专家与联盟共1对，分组时同在一组的1次" in said and "有1位专家这两栏都空着" in said
    assert "没有专家在参评联盟任职" in say(verdicts.marks(scores.Scores(read(data))))


def shown_by(notebook, data, monkeypatch):
    """Run a notebook cell by cell without a kernel: its names, and as text all that its cells show or end with, frames whole."""
    kept, space = [], {}
    monkeypatch.setattr("analysis.show", lambda *what, data=None, note="", **_: kept.extend([*what, data, note]))
    monkeypatch.setattr("sys.displayhook", kept.append)
    for cell in (c for c in nbformat.read(NOTEBOOKS / f"{notebook}.ipynb", 4).cells if c.cell_type == "code"):
        source = cell.source if "parameters" not in cell.metadata.get("tags", ()) else f"period, data = '2017', {str(data)!r}"
        exec(compile(ast.Interactive(ast.parse(source).body), cell.id, "single"), space)
    return space, "\n".join(one.to_csv() if hasattr(one, "to_csv") else str(one) for one in kept)


# A report from whatever there is: half the marks, one stage, an open decision, one expert alone.

@pytest.mark.parametrize(("changes", "interim", "told"), [
    ({"评分": only_first}, True, ("阶段性结果", "还缺2份", "会评还缺")),
    (ONE_STAGE | {"评分": only_first, "评价期": plus("会评日期", "2018-03-01")}, True, ("阶段性结果", "还缺0份", "只有一个阶段")),
    (ONE_STAGE | {"评分": only_first}, False, ("到目前只有一个阶段", "74")),
    ({"评分": APART, "规则": rule("内部报告写明专家姓名", "是")}, False, ("其中1家还没有决定", "A 甲", "没有生成评分表")),
    (ONE_EXPERT, False, ("没有别人可比", "无从扣除", "无从计算"))])
def test_the_notebook_tells_what_there_is(data, changes, interim, told, monkeypatch):
    panel = read(data, **changes)
    space, text = shown_by("panel", data, monkeypatch)
    assert panel.interim == interim and [one for one in told if one not in text] == []
    if interim:
        with pytest.raises(DataError, match="still to come"):
            score_sheet.build(space["work"])


def test_the_whole_way(data, tmp_path, capsys, monkeypatch):
    """Half the marks, an open decision, a decision that comes back, a mark that changes: what is made, and what is refused."""
    made = []
    monkeypatch.setattr(commands, "make", lambda *_, **more: made.append(more))

    def run(*given):
        return main([*given, "2017", "--data", str(data), "--out", str(tmp_path / "out")])

    place, inside = sheets.path_of("2017", data), tmp_path / "out/internal/2017"
    before = place.read_bytes()
    assert run("panel") == 2 and "there is no panel for 2017" in capsys.readouterr().err
    put(data, hand(评分=lambda r: only_first(APART(r))))
    assert run("panel") == 0 and "2 of 6 marks" in capsys.readouterr().out and place.read_bytes() == before
    assert run("check") == 1 and "评价期: does not say that it was made from panel/2017.xlsx" in capsys.readouterr().err
    put(data, hand(评分=APART))
    assert run("panel") == 1 and "has no decision" in capsys.readouterr().err and place.read_bytes() == before
    assert {path.stat().st_mode & 0o777 for path in (inside, inside.parent)} == {0o700}
    book = openpyxl.load_workbook(inside / "复核材料.xlsx")
    assert book.sheetnames == ["复核", "打分明细", "临近分档线而未列入"] and book["复核"]["A2"].value == STEEL
    assert [[cell.value for cell in row][1:] for row in book["打分明细"].iter_rows(min_row=2)] == [
        ["总分", 100, 50, "A 30；B 77", "C 80"], ["理事会", 40, 25, "A 10；B 32", "C 35"], ["政府项目", 60, 25, "A 20；B 45", "C 45"]]
    assert {"日期", "出席", "回避"} <= {cell.value for cell in book["复核"][1]} and "签字" in book["复核"]["A4"].value
    book["复核"]["F2"].value, book["复核"]["G2"].value = 25, "集体核对"
    (data / "panel/2017").mkdir()
    book.save(data / "panel/2017/复核.xlsx")
    assert run("panel") == 2 and "FORCE=1" in capsys.readouterr().err and place.read_bytes() == before
    assert run("panel", "--force") == 0 and run("check") == 0 and run("panel") == 0 and len(made) == 5
    put(data, hand())
    assert run("check") == 1 and "was made from an earlier state of panel/2017.xlsx" in capsys.readouterr().err


# The drawn example: the whole chain, internal and public files apart.

@pytest.fixture(scope="module")
def simulated(shared):
    """The data folder of a simulated panel, with the score sheet that came of it."""
    folder = once(shared, "example-2017", "example-panel", "2017")
    once(shared, "panel-2017", "panel", "2017", data=folder)
    return folder


def test_the_example_is_the_same_again_and_finds_its_truth(simulated, tmp_path):
    """Leaving out the marks that the re-review threw out brings the residual and the severities near what was drawn."""
    assert example.make("2017", DATA, tmp_path).read_bytes() == sheets.path_of("2017", simulated, workbook.FOLDER).read_bytes()
    work = scores.Scores(workbook.read("2017", simulated))
    quality, drawn = example.truth("2017")
    everything, severity = scores.TwoWay(work.totals), pd.Series(drawn - drawn.mean(), work.panel.experts.index)
    errors = [(model.severity - severity).abs().mean() for model in (everything, work.model)]
    assert errors[1] < 0.75 * errors[0] and everything.variance > 1.5 * work.model.variance and work.model.part.nunique() == 1
    assert work.model.variance ** 0.5 == pytest.approx(2.5, rel=0.2)
    effect, reach = work.stage_effect()
    assert {*organise.details(work, [*work.panel.reviews]).groupby("联盟名称").size()} == {6}  # the total, and the five furthest apart
    assert abs(effect - example.SHIFT) < reach and abs((work.alliances.合成 - quality).mean() - drawn.mean()) < 1


def pages(path):
    """The text of each page of a PDF, without line breaks."""
    text = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
    return [page.replace("\n", "") for page in text.removesuffix("\f").split("\f")]


@pytest.mark.poppler
def test_what_is_internal_says_so_on_every_page(simulated, shared):
    for path in (sheets.path_of("2017", simulated, workbook.FOLDER), sheets.path_of("2017", simulated)):
        assert all("模拟数据" in str(sheet["A1"].value) for sheet in openpyxl.load_workbook(path))
    folder = shared / "panel-2017"
    inside = pages(folder / "internal/2017/reports/panel-2017.pdf")
    assert all("内部资料·模拟数据" in page for page in inside[1:]) and len(inside) == 6  # cover, contents, two pages, scores, rules
    assert not any("模拟专家" in page for page in inside) and "E05" in "".join(inside) and not [*folder.glob("reports/*panel*")]


@pytest.mark.poppler
def test_the_public_report_of_a_simulated_panel_says_so_on_every_page(simulated, shared):
    public = pages(once(shared, "simulated-report-2017", "report", "2017", data=simulated) / "reports/2017.pdf")
    assert len(public) > 9 and [number for number, page in enumerate(public, start=1) if "模拟数据" not in page] == []


def test_nothing_of_an_expert_or_a_withheld_score_in_the_public_report(simulated, monkeypatch):
    """The roster may stand there; marks, severities, hints and withheld scores may not: in no frame, and not in the score sheet."""
    work, (_, text) = scores.Scores(workbook.read("2017", simulated)), shown_by("report", simulated, monkeypatch)
    rows = [row for sheet in openpyxl.load_workbook(sheets.path_of("2017", simulated)) for row in sheet.iter_rows(values_only=True)]
    text = re.sub("[0-9a-f]{64}", "", text + "\n" + "\n".join(",".join(map(str, row)) for row in rows))
    assert "模拟数据" in text and not [word for word in ("偏宽", "偏严", "宽严", "复核评分", "总分极差", "残差", "标准误") if word in text]
    assert not re.search(r"(?<![A-Za-z0-9#])(" + "|".join(work.panel.experts.index) + r")(?![0-9A-Za-z])", text)
    withheld = work.alliances[~work.alliances.公布]
    assert len(withheld) and {a.score for a in sheets.read("2017", simulated).evaluated if a.name in {*withheld.联盟名称}} == {None}
    for one in withheld.itertuples():  # what follows a name in its row
        lines = [line.split(one.联盟名称, 1)[1] for line in text.split("\n") if one.联盟名称 in line]
        assert lines and not [line for line in lines if re.search(rf"(?<![\d.]){one.评分:g}(?![\d.%家])", line)]


@pytest.mark.parametrize("out", ["data/sim", "link", "mine"])
def test_simulated_data_never_goes_into_a_data_folder_or_among_other_files(data, tmp_path, out, capsys):
    (tmp_path / "link").symlink_to(data)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/x").touch()
    assert main(["example-panel", "2017", "--data", str(data), "--out", str(tmp_path / out)]) == 2
    assert "simulated data never goes there" in capsys.readouterr().err and not (data / "sim").exists()
    assert [*(tmp_path / "mine").iterdir()] == [tmp_path / "mine/x"]
