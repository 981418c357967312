"""Help before and during the scoring: groups without conflicts, mark sheets out and in, the chase list, an empty workbook."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest
from conftest import DATA
from test_panel import COAL, HAND, STEEL, hand, plus, put

from analysis import publish, sheets
from analysis.__main__ import main
from analysis.panel import example, organise, scores, sheet, workbook
from analysis.panel.rules import EXPERTS, INTAKE, RULES
from analysis.panel.workbook import STAGES
from analysis.problems import DataError


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A panel of the real roster of 2020-2021: its 86 evaluated alliances, its 34 experts with their posts; the rest is made up."""
    folder, period = tmp_path_factory.mktemp("real"), "2020-2021"
    published = sheets.read(period)
    example.make(period, DATA, folder)
    content, known = example.content(period, published.registry), published.registry
    content[RULES] = content[RULES][content[RULES]["项目"] != "分组数"]
    content[INTAKE] = pd.DataFrame([(a.name, a.code, None, *["3次"] * 20) for a in published.evaluated], columns=content[INTAKE].columns)
    content[EXPERTS] = pd.DataFrame([
        (f"E{n:02d}", name, role, post, "、".join(known.names[id] for id in sorted(workbook.named_in(post, known))) or None)
        for n, (role, name, post) in enumerate(published.experts, start=1)], columns=content[EXPERTS].columns)
    publish.put(sheets.path_of(period, folder, workbook.FOLDER), sheet.workbook(content, published.end))
    return folder


def test_groups_of_the_real_roster(real, capsys):
    """32 experts mark, 86 alliances, 6 groups: no own and no colleague's alliance, nobody meets one twice, batches spread, all linked."""
    assert main(["assign", "2020-2021", "--data", str(real), "--out", str(real)]) == 0
    assert "can be held against each other" in (said := capsys.readouterr().out) and "64 mark sheets" in said
    assert "both stages" not in said and "初评 only" not in said
    panel = workbook.read("2020-2021", real)
    assert len(panel.alliances) == 86 and panel.experts.own.map(bool).sum() == 28 and panel.interim and panel.totals.units.isna().all()
    assert panel.barred == 0
    for stage in STAGES:
        groups, members = (frame[frame.stage == stage] for frame in (panel.groups, panel.members))
        assert sorted(members.group.value_counts()) == [5, 5, 5, 5, 6, 6] and {*groups.group.value_counts()} == {14, 15}
        met = groups.merge(members, on="group")
        assert not [one for one in met.itertuples() if one.alliance in panel.experts.own[one.expert]]
        spread = pd.crosstab(groups.alliance.map(panel.alliances.批次), groups.group)
        assert (spread.max(axis=1) - spread.min(axis=1)).max() <= 1
    assert not panel.totals.duplicated(["alliance", "expert"]).any()
    assert not panel.groups.duplicated(["group", "alliance"]).any()
    before = (real / "panel/2020-2021/分组.xlsx").read_bytes()
    assert main(["assign", "2020-2021", "--data", str(real), "--out", str(real)]) == 0 and "stay" in capsys.readouterr().out
    assert (real / "panel/2020-2021/分组.xlsx").read_bytes() == before


def test_what_cannot_be_assigned_is_said_with_the_reason(data):
    content = {name: rows for name, rows in hand().items() if name not in ("分组", "专家分组", "评分")}
    put(data, content)
    with pytest.raises(DataError, match=r"3 experts who mark .* do not make 2 groups"):
        organise.assign(workbook.read("2017", data, EXPERTS))
    put(data, content | {"专家": [HAND["专家"][0], *([f"E{n}", None, None, STEEL if n < 2 else None] for n in range(4))]})
    with pytest.raises(DataError, match=rf"{STEEL} can be in no group: each has an expert of it \(E0, E1\)"):
        organise.assign(workbook.read("2017", data, EXPERTS))


def test_groups_for_the_second_stage_need_its_date(data, tmp_path, capsys):
    put(data, {name: rows for name, rows in hand(专家=plus("D", "丁", None, None)).items() if name not in ("分组", "专家分组", "评分")})
    assert main(["assign", "2017", "--data", str(data), "--out", str(tmp_path)]) == 0
    assert "groups for 初评 only: 评价期 has no 会评日期" in (said := capsys.readouterr().out) and "4 mark" in said


def test_mark_sheets_go_out_and_come_back(data, tmp_path, capsys):
    """Filled in they settle as the stacked sheet does; one of another stage, or come back twice, is refused by file and cell."""
    put(data, hand(评分=[HAND["评分"][0]]))
    expected = {(e, s, n): marks for e, s, n, *marks in HAND["评分"][1:]}
    assert main(["assign", "2017", "--data", str(data), "--out", str(tmp_path)]) == 0
    assert main(["panel", "2017", "--data", str(data), "--out", str(tmp_path)]) == 2 and "nobody has marked" in capsys.readouterr().err
    out, back = tmp_path / "internal/2017/评分表格", data / "panel/2017"
    assert {path.name for path in out.iterdir()} == {"初评-A.xlsx", "初评-B.xlsx", "会评-C.xlsx"} and out.parent.stat().st_mode & 0o777 == 0o700
    back.mkdir()
    for path in out.iterdir():
        book = openpyxl.load_workbook(path)
        page = book["评分"]
        rules = {str(rule.sqref): (rule.formula1, rule.formula2) for rule in page.data_validations.dataValidation}
        assert rules == {"E3:E4": ("0", "40"), "F3:F4": ("0", "60")} and page["G3"].value == "=SUM(E3:F3)" and page["E1"].value == 40
        for row in page.iter_rows(min_row=3):
            row[4].value, row[5].value = expected[tuple(cell.value for cell in row[:3])]
        book.save(back / path.name)
    assert scores.Scores(workbook.read("2017", data)).alliances.评分.tolist() == [78, 49]
    (back / "again.xlsx").write_bytes((back / "初评-B.xlsx").read_bytes())
    book = openpyxl.load_workbook(back / "初评-A.xlsx")
    book["评分"]["B3"].value = "会评"
    book.save(back / "初评-A.xlsx")
    with pytest.raises(DataError) as error:
        workbook.read("2017", data)
    assert str(error.value).splitlines() == [
        f'初评-A.xlsx › 评分 › A3: A is in 会评组 —, "{STEEL}" in 二; remove the marks, or mend the groups',
        *(f'初评-B.xlsx › 评分 › A{row}: the marks of B for "{name}" in 初评 stand in again.xlsx 评分 {row} already; keep one'
          for row, name in ((3, STEEL), (4, COAL)))]


def test_the_chase_list(data, tmp_path, capsys):
    """From the export alone: every alliance of the programme, what is blank, by liaison officer; what is wrong in an entry stops nothing."""
    content = {name: rows for name, rows in hand().items() if name in ("指标", "规则", "评价期", "录入")}
    content["规则"] = [*content["规则"], ["信息完整的必填指标", "政府项目"]]
    content["录入"] = [*content["录入"][:2], [COAL, 102, "李", "—", "未组织"], content["录入"][3]]
    put(data, content)
    assert main(["intake", "2017", "--data", str(data), "--out", str(tmp_path)]) == 0
    assert "146 alliances" in (said := capsys.readouterr().out) and "1 short entries" in said
    frame = pd.read_csv(tmp_path / "internal/2017/催报名单.csv", dtype=str, keep_default_na=False)
    assert len(frame) == 146 and (frame.批次.value_counts()[["第一批", "第二批", "第三批"]] == [52, 39, 55]).all()
    told = frame.set_index("联盟名称").loc[[HAND["录入"][3][0], COAL, STEEL]]
    assert told[["联络员", "情况", "必填而空着", "空着的指标"]].values.tolist() == [
        ["张", "信息不完整", "政府项目", "政府项目"], ["李", "信息不完整", "", "理事会"], ["张", "参评", "", ""]]
    assert frame.联络员.is_monotonic_increasing and (frame[frame.联盟名称 == ""].原因 == "名册没有列名").all()
    book = openpyxl.load_workbook(tmp_path / "internal/2017/催报名单.xlsx")
    assert [[cell.value for cell in row] for row in book["简短的填写"]][1:] == [["未组织", 1, "请写进规则表"], ["无", 1, "未开展"]]


def test_an_empty_workbook(data, capsys):
    """It says of each rule what it does, names the alliances of the programme, and is read as soon as the needed cells are filled."""
    assert main(["new-panel", "2022", "--data", str(data)]) == 0 and main(["new-panel", "2022", "--data", str(data)]) == 2
    assert "never overwritten" in capsys.readouterr().err and main(["new-panel", "22", "--data", str(data)]) == 2
    path = sheets.path_of("2022", data, workbook.FOLDER)
    book = openpyxl.load_workbook(path)
    assert all(row[2].value for row in book["规则"].iter_rows(min_row=2)) and book["录入"].max_row == 121
    for row, points in zip(book["指标"].iter_rows(min_row=2), example.POINTS):
        row[2].value = points
    for row in book["规则"].iter_rows(min_row=2):
        row[1].value = {"信息完整的最少填写数": 16, "汇总方法": "平均", "两阶段合成": "替代"}.get(row[0].value, row[1].value)
    book["评价期"]["B2"], book["评价期"]["B3"] = "2022-01-01", "2022-12-31"
    book.save(path)
    panel = workbook.read("2022", data, INTAKE)
    assert {*panel.intake.情况} == {"未录入"} and len(panel.intake) == 120
