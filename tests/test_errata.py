"""The errata, and what is left to the author: a row a slip, an item a finding, nothing untrue about somebody's report."""

from __future__ import annotations

import pandas as pd
import pytest
from test_audit import audited, frame, row, verdict

from analysis import audit, audit_errata, words
from analysis.audit_verdicts import AGREES, DIFFERS, OPEN, READING

WRONG = {"2017": ["1.联盟组织机构建设与运行方面", "七、有关建议", "粉末冶金产业技术创新联盟", "新一代纺织设备产业技术创新联盟", "109"],
         "2020-2021": ["详见下表", "三、试点联盟活跃度情况分析", "生物医用产业技术创新战略联盟", "电动汽车电驱动系统全产业技术创新战略联盟"]}


def test_what_is_no_number_differs_too(period):
    """Headings, places pointed to, misspelt names, a wrong code; a code of which the registry is not certain is the author's."""
    found = frame(period)
    assert set(WRONG[period]) <= set(found.query("verdict == 'differs'")["printed"])
    assert set(found.query("verdict == 'a reading' and unit == '代码'")["printed"]) == {"210" if period == "2017" else "201"}
    assert verdict(period, row("二、组织", "对照", "二、 组织")).verdict == AGREES
    assert verdict(period, row("三", "个", "列举 甲；乙")).recomputed == "2"


def test_the_errata_have_a_row_for_each_slip_and_the_corrected_words(period):
    found, say = frame(period), words.read("audit")
    table = audit_errata.table(found, say)
    assert len(table) == (found["verdict"] == DIFFERS).sum() and (table != "").all(axis=None)
    corrected = dict(zip(found["id"], found["corrected"]))
    if period == "2017":
        assert corrected["3.5-22"].endswith("的10.91%") and corrected["3.1-17"] == "活跃度较差的联盟"
        assert table.loc[0, "位置"] == "三、5 活跃度高，第8—9页"
    else:
        assert corrected["1-07"] == "投入1474亿元，另有收入71亿元" and corrected["3.9-23"].startswith("不活跃联盟中")
        assert table.loc[0, "随之变动"] == "是，即此句"


def test_a_slip_says_which_statements_change_with_it():
    found = frame("2020-2021").copy()
    found.loc[found["id"] == "2.4-11", "verdict"] = DIFFERS
    found["touches"] = audit_errata.touches(found)
    assert found.set_index("id").loc["2.4-11", "touches"] == ["2.4-14"]
    changes = audit_errata.table(found, words.read("audit")).set_index("印作").loc["107", "随之变动"]
    assert changes == "是：录入减去不完整应等于参评"
    changes = audit_errata.table(frame("2017"), words.read("audit")).set_index("印作")["随之变动"]
    assert changes["10.90%"] == "否" and changes["活跃度差"].iloc[0] == "否；一并改：目录；三、8"


def test_a_slip_is_followed_to_what_was_computed_from_it_and_to_where_it_is_printed_again(monkeypatch):
    sheet = audited("2017")[0].sheet
    printed = [row("25", "家", "活跃度高", id="x-01"), row("24.75%", "%", "活跃度高", "参评联盟", id="x-02"),
               row("25", "家", "活跃度高", id="x-03", section="y"), row("22", "家", "活跃度较高", id="x-04")]
    monkeypatch.setattr(audit, "_rows", lambda path, problems: printed if path.stem == "2017" else [])
    found = audit.findings(sheet).set_index("id")
    assert found.loc["x-02", "cause"] == "carried: 25 ÷ 101 = 24.75%" and found.loc["x-04", "verdict"] == AGREES
    assert [found.loc[f"x-0{n}", "touches"] for n in (1, 2, 3)] == [["x-02", "x-03"], [], ["x-01"]]


def test_sums_that_share_terms_are_one_finding_with_one_remedy():
    found = frame("2020-2021")
    assert set(found.loc[found["verdict"] == OPEN, "one"]) == {"2.4-14"}
    questions = audit_errata.questions(found)
    assert [said.name for said in questions] == ["author.closure", "author.remedy", "author.reading", "author.reading"]
    assert questions[1].numbers["remedies"] == "录入信息的联盟数107改为106，没有填报的联盟数50改为51"
    assert [106 - 20, 86 + 20 + 51, 157 - 86 - 20, 157 - 106] == [86, 157, 51, 51], "with both, all of them close"
    assert not audit_errata.questions(found[found["verdict"] == AGREES])


def test_reports_are_held_against_each_other():
    found = frame("2020-2021").set_index("id")
    assert found.loc["1-04", "working"] == "4 + 3 = 7" and found.loc["3.6-32", "verdict"] == AGREES
    assert found.loc["3.6-33", "verdict"] == READING and "8 ≠ 7" in found.loc["3.6-33", "working"]
    assert (found.loc["1-02", "recomputed"], found.loc["1-02", "verdict"]) == ("14", AGREES)


def test_no_quotation_is_long(period):
    """The places are quoted to be found, by fewer than twenty characters."""
    assert frame(period)["sentence"].str.count(r"[\u4e00-\u9fff\d]").max() < 20


@pytest.mark.parametrize("kinds, name", [([], "author.none"), ([OPEN], "author.intro-open"), ([READING, AGREES], "author.intro-readings"),
                                         ([READING, OPEN], "author.intro")])
def test_what_is_asked_names_the_kinds_that_there_are(kinds, name):
    assert audit_errata.asked(pd.DataFrame({"verdict": kinds})).name == name
