"""From entries and marks to the score sheet: panels by hand, the workbook's errors, stale and interim results, the drawn example."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import openpyxl
import pandas as pd
import pytest
from conftest import DATA, once

from analysis import publish, registry, sheets, words
from analysis.__main__ import main
from analysis.grades import FAIR, FAIRLY_HIGH, HIGH, LOW
from analysis.panel import example, frames, scores, shown, verdicts, workbook
from analysis.panel import sheet as writer
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


def put(data, content, name=""):
    """The panel of 2017 in a data folder, or a file that came back, with the given sheets."""
    path = sheets.path_of("2017", data, workbook.FOLDER)
    path = path.with_suffix("") / name if name else path
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in content.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
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


def only_first(rows):
    return [row for row in rows if row[1] != "会评"]


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
    steel, coal = work.alliances.itertuples()
    assert (steel.初评, steel.会评, steel.合成, steel.评分, steel.等级, steel.重点差异) == (73.75, 80, 77.5, 78, FAIRLY_HIGH, "")
    assert (coal.合成, coal.评分, coal.等级) == (49, 49, LOW) and not work.panel.interim
    assert [entry.state for entry in work.panel.intake] == ["", "", "信息不完整"]
    assert workbook.counted(work.panel) == {"登记联盟数": 146, "录入信息联盟数": 3, "信息不完整联盟数": 1, "参评联盟数": 2, "专家人数": 3}


@pytest.mark.parametrize(("joining", "how", "steel"), [
    ("替代", "平均", 80), ("合并", "平均", 75.8333), ("合并", "中位数", 77), ("合并", "截尾平均", 77), ("加权", "中位数", 77.5)])
def test_rules(data, joining, how, steel):
    panel = read(data, 规则=lambda rows: rule("汇总方法", how)(rule("两阶段合成", joining)(rows)))
    assert scores.Scores(panel).alliances.合成[0] == steel
    said = words.read("panel")(verdicts.rules(panel))
    assert {"替代": "以会评代替", "合并": "放在一起", "加权": "会评按60%、初评按40%"}[joining] in said
    assert {"平均": "取平均，", "中位数": "取中位数", "截尾平均": "去掉两头各1个"}[how] in said


def test_rounding_is_half_up_once_at_the_end(data):
    marks = [["A", "初评", STEEL, 34.5, 50], ["B", "初评", STEEL, 34.5, 50], ["C", "会评", STEEL, 34.5, 50]]
    one = scores.Scores(read(data, 评分=lambda rows: [rows[0], *rows[4:], *marks])).alliances.iloc[0]
    assert (one.合成, one.评分, one.等级) == (84.5, 85, HIGH)


@pytest.mark.parametrize(("decided", "score", "outside", "told"), [(71, 71, False, "都有决定和理由"), ("维持", 60, False, "决定维持原评分的1家"),
                                                                   (25, 25, True, "不在本联盟任何专家总分的范围之内")])
def test_the_list_and_the_re_review(data, decided, score, outside, told):
    """Steel 30 and 77, then 80: 0.6 × 80 + 0.4 × 53.5 = 69.4."""
    work, say = scores.Scores(read(data, 评分=apart)), words.read("panel")
    assert work.alliances.重点差异[0].startswith("专家总分极差50分；初评为活跃度一般，会评为活跃度较高") and work.alliances.重点差异[1] == ""
    assert f"其中1家还没有决定：{registry.short(STEEL)}" in say(verdicts.listed(work.alliances))
    with pytest.raises(DataError, match=f"复核: {STEEL} .*has no decision"):
        writer.build(work)
    work = scores.Scores(read(data, 评分=apart, 复核=[REVIEWS, [STEEL, 101, decided, "集体核对"]]))
    one = work.alliances.iloc[0]
    assert (one.评分, one.出界) == (69 if decided == "维持" else score, outside) and told in say(verdicts.listed(work.alliances))
    assert work.panel.reviews[one.id].place == "2017.xlsx 复核 C2" and "集体核对" in frames.listed(work.alliances).列入原因与决定[0]
    path = sheets.path_of("2017", data)
    publish.put(path, writer.build(work))
    assert {a.name: a.score for a in sheets.read("2017", data).evaluated} == {STEEL: one.评分, COAL: 49}
    assert writer.build(work) == path.read_bytes()  # no clock in it


def test_a_range_of_just_the_threshold_is_not_listed(data):
    """19.9 × 100 is a little under 1990 in binary."""
    rules = rule("重点差异：极差超过", 19.9)(rule("重点差异：组间等级不同", "否")(HAND["规则"]))
    for second, listed in ((19.9, ""), (19.91, "专家总分极差19.91分")):
        marks = [HAND["评分"][0], ["A", "初评", STEEL, 30, 40], ["B", "初评", STEEL, 30, 40 + second], *HAND["评分"][3:]]
        work = scores.Scores(read(data, 规则=rules, 评分=marks))
        assert work.alliances.重点差异[0] == listed


def test_what_goes_into_the_score_sheet(data):
    """The withheld scores are blank, the activities counted, other items of 评价期 stay in the panel, no re-review took place."""
    work = scores.Scores(read(data, 规则=rule("不公布评分的等级", "活跃度较差"), 评价期=lambda r: [
        *r, ["会评日期", "2018-03-01"], ["复核日期", "2018-03-09"], ["专家联系电话", "13800000000"], ["通知时间", "2018年1月"]]))
    publish.put(sheets.path_of("2017", data), writer.build(work))
    back = sheets.read("2017", data)
    assert [(a.score, a.grade) for a in back.evaluated] == [(78, FAIRLY_HIGH), (None, LOW)]
    assert back.activities == {FAIRLY_HIGH: {"联盟数": 1, "政府项目": 0}, LOW: {"联盟数": 1, "政府项目": 1}}
    assert {"会评日期", "通知时间"} <= back.facts.keys() and not {"复核日期", "专家联系电话"} & back.facts.keys()
    entries = shown.entries(back)
    assert len(entries) == 4 and entries.shown.sum() == 3 and shown.counts(entries, 1).at["政府项目", LOW] == 1
    assert shown.entries(sheets.read("2020-2021", data)).empty


def test_long_is_as_wide_and_a_mark_is_followed_back(data):
    def long(rows):
        return [["专家", "阶段", "联盟名称", "批次", "指标", "分数"], *([e, s, n, 101 + (n == COAL), name, two[i]]
                for i, name in enumerate(("理事会", "政府项目")) for e, s, n, *two in rows[1:])]

    wide, work = scores.Scores(read(data)), scores.Scores(read(data, 评分=long))
    assert work.alliances.合成.tolist() == wide.alliances.合成.tolist()
    trace = frames.trace(work, work.alliances)
    assert trace.打分所在[0] == "2017.xlsx 评分 2、2017.xlsx 评分 8" and trace.专家总分[0] == 70.5 and len(trace) == 6


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
    ({"专家": plus("A", "丁", None, None)}, '专家 › A5: "A" stands in A2 already'),
    ({"专家": plus("D", "丁", None, "某某联盟")}, '专家 › D5: the registry does not know "某某联盟"'),
    ({"专家": first("A", "甲", f"{COAL}秘书长；某公司", OPEN)}, f'专家 › C2: A holds a post in "{COAL}", which 所属联盟 (D2) does not have'),
    ({"专家": first("A", "甲", None, STEEL)}, f'评分 › A2: A belongs to "{STEEL}" (专家 A2) and may not mark it'),
    ({"专家": first("A", None, None, None), "规则": rule("公布专家名单", "是")}, "专家 › B2: 姓名 is blank and 公布专家名单 is 是; fill it in"),
    ({"分组": [HAND["分组"][0]]}, "2017.xlsx: has nobody in a group (分组), and no returned file has; run make assign YEAR=2017"),
    ({"分组": lambda r: r[:2]}, f'分组: "{COAL}" is evaluated and has no 初评组'),
    ({"分组": first(STEEL, 101, "一", "三")}, f'分组 › D2: "{STEEL}" is in 会评组 "三", of which no expert may mark it: none is in it'),
    ({"专家": lambda r: [*r[:3], ["C", "丙", None, COAL]]}, f'"{COAL}" is in 会评组 "二", of which no expert may mark it: it is the own'),
    ({"专家分组": plus("X", "一", None)}, '专家分组 › A5: expert "X" is not in the sheet 专家'),
    ({"录入": lambda r: [*r, r[1]]}, "录入 › A5"),
    ({"录入": first(STEEL, 101, "张", "—", "无")}, '录入 › D2: 理事会 "—" says nothing; leave the cell blank'),
    ({"录入": first(STEEL, 101, "张", "未组织", "无")}, '录入 › D2: the entry "未组织" (here and in 0 other cells) may or may not mean'),
    ({"录入": lambda r: [row[:4] for row in r]}, "录入: has no column for 1 of 2 indicators: 政府项目"),
    ({"评分": first("A", "初评", STEEL, 41, 40)}, "评分 › D2: mark 41 is not between 0 and the 40 points of 理事会"),
    ({"评分": first("A", "初评", STEEL, 1.005, 40)}, "评分 › D2: mark 1.005 has more than two decimals"),
    ({"评分": first("A", "初评", STEEL, "三", 40)}, '评分 › D2: mark "三" is not a number'),
    ({"评分": first("A", "初评", STEEL, "=1+1", 40)}, "评分 › D2: mark (a formula) is not calculated yet"),
    ({"评分": plus("X", "初评", STEEL, 1, 1)}, '评分 › A8: expert "X" is not in the sheet 专家'),
    ({"评分": plus("A", "终评", STEEL, 1, 1)}, '评分 › B8: stage "终评"'),
    ({"评分": plus("A", "初评", "钢铁", 1, 1)}, '评分 › C8: alliance "钢铁" is not in the sheet 录入'),
    ({"评分": plus("B", "初评", OPEN, 1, 1)}, f'评分 › C8: "{OPEN}" is not evaluated'),
    ({"评分": plus("A", "会评", STEEL, 1, 1)}, "评分 › A8: A is in 会评组 none"),
    ({"评分": lambda r: [*r, r[1]]}, "评分 › D8: the mark of A for"),
    ({"复核": [REVIEWS, [STEEL, 101, 101, "x"]]}, "复核 › C2: score 101 is not between 0 and 100"),
    ({"复核": [REVIEWS, [STEEL, 101, 70.5, "x"]]}, "复核 › C2: score 70.5 has more decimals"),
    ({"复核": [REVIEWS, [STEEL, 101, 70, None]]}, "复核 › D2: reason is blank"),
]


@pytest.mark.parametrize(("changes", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_errors_name_their_cell(data, changes, said):
    assert said in problems(data, **changes)


def test_all_errors_of_all_files_at_once(data):
    """What is wrong in one sheet hides nothing in another, and no error follows from another."""
    put(data, {"评分": [HAND["评分"][0], ["X", "初评", STEEL, 300, 1], ["B", "初评", STEEL, 1, 1]]}, "初评-X.xlsx")
    put(data, {"打分": [["x"]]}, "其他.xlsx")
    said = problems(data, 规则=lambda r: rule("汇总方法", "众数")(rule("两阶段合成", None)(r)), 评价期=plus("专家人数", 9),
                    复核=[REVIEWS, [STEEL, 101, 300, "x"]])
    assert said.splitlines() == [
        '2017.xlsx › 规则 › B6: the rule 两阶段合成 is blank; write 替代, 合并, 加权',
        '2017.xlsx › 规则 › B7: 汇总方法 "众数" is not one of 平均、中位数、截尾平均',
        "2017.xlsx › 评价期 › B4: 专家人数 9 is not the 3 that the other sheets count; correct it or leave it out",
        "2017.xlsx › 复核 › C2: score 300 is not between 0 and 100; correct it",
        "其他.xlsx: has none of the sheets 评分, 复核, 分组; name its sheet so, or take it out of the folder",
        '初评-X.xlsx › 评分 › A2: expert "X" is not in the sheet 专家; correct it, or add a row there',
        "初评-X.xlsx › 评分 › D2: mark 300 is not between 0 and the 40 points of 理事会; correct it",
        f"初评-X.xlsx › 评分 › D3: the mark of B for {STEEL} in 初评 stands in 2017.xlsx 评分 3 already; keep one",
        f"初评-X.xlsx › 评分 › E3: the mark of B for {STEEL} in 初评 stands in 2017.xlsx 评分 3 already; keep one",
    ]


@pytest.mark.parametrize(("changes", "place"), [
    ({"录入": first("钢铁循环", 101, "张", "3次", "无")}, "录入 › A2"), ({"规则": rule("信息完整的最少填写数", "很多")}, "规则 › B7"),
    ({"指标": lambda r: [*r[:2], ["协同", "政府项目", "六十", ""]]}, "指标 › C3")])
def test_what_is_wrong_draws_no_errors_after_it(data, changes, place):
    """A sheet that is not sound is not held against the marks: an unknown alliance's marks are not errors too."""
    said = problems(data, **changes)
    assert len(said.splitlines()) == 1 and said.startswith(f"2017.xlsx › {place}")


def test_a_recused_mark_is_not_missing_and_is_told(data):
    panel = read(data, 专家=first("A", "甲", None, STEEL), 评分=lambda rows: [rows[0], *rows[2:]])
    work, say = scores.Scores(panel), words.read("panel")
    assert work.alliances.初评[0] == 77 and not panel.interim
    said = say(verdicts.marks(work))
    assert "1位专家在参评联盟任职，专家与联盟共1对不得评分，其中同在一组而予以回避的1次" in said and "有1位专家这两栏都空着" in said
    assert "没有专家在参评联盟任职" in say(verdicts.marks(scores.Scores(read(data))))


def test_entries_that_show_nothing(data):
    """A number tells by itself; a word is decided by the rules; what is long is an activity."""
    def entries(rows):
        return [rows[0], [STEEL, 101, "张", "0次", "暂无"], [COAL, 102, "李", "未组织", "承担国家课题"], *rows[3:]]

    panel = read(data, 录入=entries, 规则=rule("视为未开展的填写", "无、暂无、未组织"))
    assert [entry.shown for entry in panel.evaluated] == [{*()}, {"政府项目"}]
    assert frames.short_entries(panel).values.tolist() == [["暂无", 1, "未开展"], ["未组织", 1, "未开展"]]


def test_interim_is_no_score_sheet(data):
    """A stage with a date needs marks, whether it has groups or not; and a stage with groups does."""
    for changes in ({}, ONE_STAGE | {"评价期": plus("会评日期", "2018-03-01")}):
        work = scores.Scores(read(data, 评分=only_first, **changes))
        assert work.panel.interim and "内部资料·阶段性结果" in words.read("panel")(verdicts.cover(work.panel))
        with pytest.raises(DataError, match="still to come"):
            writer.build(work)
    half = scores.Scores(read(data, 评分=lambda r: [*r[:4], ["A", "初评", COAL, 20, None], r[6]]))
    assert frames.progress(half.panel).values.tolist()[0] == ["A", 2, 1, 1, 0, 0, 0] and len(half.totals) == 4
    one = read(data, 评分=only_first, **ONE_STAGE)
    assert not one.interim and scores.Scores(one).alliances.评分[0] == 74  # 73.75: one stage, and everybody says so


def test_the_whole_way(data, tmp_path, capsys):
    """Half the marks, an open decision, a decision that comes back, a mark that changes: what is made, and what is refused."""
    def run(*given):
        return main([*given, "2017", "--data", str(data), "--out", str(tmp_path / "out")])

    place, inside = sheets.path_of("2017", data), tmp_path / "out/internal/2017"
    before = place.read_bytes()
    put(data, hand(评分=lambda r: only_first(apart(r))))
    assert run("panel") == 0 and "interim: 2 of 6 marks" in capsys.readouterr().out and place.read_bytes() == before
    assert run("check") == 1 and "评价期: does not say that it was made from panel/2017.xlsx" in capsys.readouterr().err
    put(data, hand(评分=apart))
    assert run("panel") == 1 and "has no decision" in capsys.readouterr().err and place.read_bytes() == before
    assert {path.stat().st_mode & 0o777 for path in (inside, inside.parent)} == {0o700} and not [*tmp_path.glob("out/reports/*panel*")]
    book = openpyxl.load_workbook(inside / "复核材料.xlsx")
    assert book.sheetnames == ["复核", "打分明细", "临近分档线而未列入"] and book["复核"]["A2"].value == STEEL
    assert [cell.value for cell in book["打分明细"][2]][1:] == ["总分", 100, 50, "A 30；B 77", "C 80"]
    book["复核"]["F2"].value, book["复核"]["G2"].value = 25, "集体核对"
    (data / "panel/2017").mkdir()
    book.save(data / "panel/2017/复核.xlsx")
    assert run("panel") == 2 and "FORCE=1" in capsys.readouterr().err and place.read_bytes() == before
    assert run("panel", "--force") == 0 and f"the decision 25 for {STEEL} (101) lies outside" in capsys.readouterr().out
    assert run("check") == 0 and run("panel") == 0 and "unchanged" in capsys.readouterr().out
    put(data, hand())
    assert run("check") == 1 and "was made from an earlier state of panel/2017.xlsx" in capsys.readouterr().err


def test_a_score_sheet_is_read_back_before_it_is_put(data):
    """Whatever else the report would refuse is refused here: a code that the registry gives to another."""
    panel = read(data)
    panel.intake[0] = replace(panel.intake[0], code="102")
    with pytest.raises(DataError, match="评分表"):
        writer.build(scores.Scores(panel))


# The drawn example: the whole chain, internal and public files apart.

@pytest.fixture(scope="module")
def simulated(shared):
    """The data folder of a simulated panel, with the score sheet that came of it."""
    folder = once(shared, "example-2017", "example-panel", "2017")
    once(shared, "panel-2017", "panel", "2017", data=folder)
    return folder


@pytest.fixture(scope="module")
def public(shared, simulated):
    return once(shared, "panel-report-2017", "report", "2017", data=simulated)


def test_the_example_is_the_same_again_and_finds_its_truth(period, tmp_path):
    """Leaving out the marks that the re-review threw out brings the residual and the severities near what was drawn."""
    content = example.make(period, DATA, tmp_path / "a").read_bytes()
    assert example.make(period, DATA, tmp_path / "b").read_bytes() == content
    work = scores.Scores(workbook.read(period, tmp_path / "a"))
    quality, severity = example.truth(period)
    everything, severity = work._model(work.totals), severity - severity.mean()
    errors = [abs(model.severity - severity).mean() for model in (everything, work.model)]
    assert errors[1] < 0.75 * errors[0] and everything.variance > 1.5 * work.model.variance and work.model.parts == 1
    assert work.model.variance ** 0.5 == pytest.approx(example.RESIDUAL, rel=0.2)
    effect, reach = work.stage_effect()
    assert abs(effect - example.SHIFT) < reach and abs((work.alliances.合成 - quality).mean()) < 1


def pages(path):
    """The text of each page of a PDF, without line breaks."""
    text = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
    return [page.replace("\n", "") for page in text.removesuffix("\f").split("\f")]


@pytest.mark.poppler
def test_simulated_says_so_on_every_sheet_and_page(simulated, public, shared):
    for path in (sheets.path_of("2017", simulated, workbook.FOLDER), sheets.path_of("2017", simulated)):
        assert all("模拟数据" in str(sheet["A1"].value) for sheet in openpyxl.load_workbook(path))
    inside = shared / "panel-2017/internal/2017/reports/panel-2017.pdf"
    for path, mark in ((public / "reports/2017.pdf", "模拟数据"), (inside, "内部资料")):
        assert all(mark in page and "模拟数据" in page for page in pages(path))
    assert not any("模拟专家" in page for page in pages(inside)) and "E05" in "".join(pages(inside))


@pytest.mark.poppler
def test_nothing_of_an_expert_or_a_withheld_score_in_the_public_files(simulated, public):
    """The roster may stand there; marks, severities, hints and withheld scores may not."""
    work = scores.Scores(workbook.read("2017", simulated))
    texts = {path.name: path.read_text("utf-8-sig") for path in public.rglob("*.*") if path.suffix in (".html", ".csv", ".svg", ".ipynb")}
    texts["pdf"] = "\n".join(pages(public / "reports/2017.pdf"))
    texts["sheet"] = json.dumps([list(row) for sheet in openpyxl.load_workbook(sheets.path_of("2017", simulated))
                                 for row in sheet.iter_rows(values_only=True)], default=str, ensure_ascii=False)
    keys = re.compile(r"(?<![A-Za-z0-9#])(" + "|".join(expert.key for expert in work.panel.experts) + r")(?![0-9A-Za-z])")
    for name, text in texts.items():
        plain = re.sub(r"base64,[A-Za-z0-9+/=]+|<path[^>]*>|<use[^>]*>|id=\"[^\"]*\"|#[0-9a-zA-Z]+|\"[0-9a-f]{8,}\"|[0-9a-f]{64}", "", text)
        assert not [word for word in ("偏宽", "偏严", "宽严", "复核评分", "总分极差", "残差", "标准误") if word in plain], name
        assert not keys.search(plain), (name, keys.search(plain))
    rows, withheld = {a.name: a.score for a in sheets.read("2017", simulated).evaluated}, work.alliances[~work.alliances.公布]
    assert len(withheld) and all(rows[name] is None for name in withheld.联盟名称)
    for one in withheld.itertuples():
        score = re.compile(rf"(?<![\d.]){one.评分:g}(?![\d.%家])")
        for name, text in texts.items():
            for begin in (match.end() for match in re.finditer(re.escape(one.联盟名称), text)):
                row = re.split(r"\n|</tr>|\]|\}", text[begin:begin + 200])[0]  # what follows a name in its row
                assert not score.search(row), (name, row)


def test_the_internal_report_has_what_its_frames_have(simulated, shared):
    folder = shared / "panel-2017/internal/2017"
    ladder, table = (pd.read_csv(folder / f"figures/panel-2017/{name}.csv") for name in ("ladder", "scores"))
    assert (ladder.联盟总数 == ladder.参评 + ladder.未参评).all() and (ladder.iloc[:-1, 1:6].sum() == ladder.iloc[-1, 1:6]).all()
    assert set(table.等级) == {HIGH, FAIRLY_HIGH, FAIR, LOW} and len(table) == example.ALLIANCES
    trace = pd.read_csv(folder / "reports/panel-2017-trace.csv")
    book = openpyxl.load_workbook(sheets.path_of("2017", simulated, workbook.FOLDER), read_only=True)
    rows, told = [*book["评分"].iter_rows(values_only=True)], trace.iloc[5]
    row = rows[int(told.打分所在.split()[-1]) - 1]
    assert row[:3] == (told.专家, told.阶段, told.联盟) and sum(row[3:]) == told.专家总分


@pytest.mark.parametrize("way", ["data/sim", "link/sim", "link", str(DATA / "sim")])
def test_simulated_data_never_goes_into_a_data_folder(data, tmp_path, way, capsys):
    (tmp_path / "link").symlink_to(data)
    assert main(["example-panel", "2017", "--data", str(data), "--out", str(tmp_path / way)]) == 2
    assert "simulated data never goes there" in capsys.readouterr().err and not (tmp_path / way / "panel").exists()


def test_commands_that_are_wrong(tmp_path, capsys):
    for command in ("panel", "intake", "assign"):
        assert main([command, "2021", "--out", str(tmp_path)]) == 2
        assert f"there is no panel for 2021. There is no panel in {DATA / 'panel'}." in capsys.readouterr().err
    (tmp_path / "mine").write_text("x")
    assert main(["example-panel", "2017", "--out", str(tmp_path)]) == 2 and list(tmp_path.iterdir()) == [tmp_path / "mine"]


def test_the_period_report_does_not_load_statistics():
    code = "import sys; import analysis.panel.shown; print([m for m in ('scipy', 'openpyxl') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
