"""The audit of published reports: verdicts follow from the data, known slips are found, nothing agrees by copying."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from decimal import Decimal
from functools import cache

import pandas as pd
import pytest
from conftest import PERIODS

from analysis import DATA, audit, audit_names, sheets
from analysis.audit_phrases import DENOMINATORS, UNITS, Printed, UnknownWord
from analysis.audit_verdicts import AGREES, DIFFERS, OPEN, READING, UNVERIFIED, VERDICTS, Finding, Report, finding
from analysis.shares import half_up

PERCENTAGES, COUNTS = {"2017": 36, "2020-2021": 48}, {"2017": (145, 15, 0, 4, 61), "2020-2021": (181, 18, 4, 2, 52)}


@cache
def audited(period: str) -> tuple[Report, list[Finding]]:
    sheet = sheets.read(period)
    return audit._found(sheet, sheets.others(sheet)[0])


@cache
def frame(period: str) -> pd.DataFrame:
    sheet = sheets.read(period)
    return audit.findings(sheet, sheets.others(sheet)[0])


@pytest.fixture
def report(period) -> Report:
    return audited(period)[0]


@pytest.fixture
def pairs(period) -> list[tuple[Printed, Finding]]:
    return list(zip(audited(period)[0].printed, audited(period)[1]))


def row(printed: str, unit: str, counts: str, of: str = "", id: str = "x-01", section: str = "x", needs: str = "") -> Printed:
    return Printed(id, section, "…", printed, unit, counts, of, needs)


def verdict(period: str, *rows: Printed) -> Finding:
    """The finding on the first of some rows, in a report that has no others."""
    alone = Report([*rows], audited(period)[0].sheet)
    for each in rows:
        alone.compute(each)
    return finding(rows[0], alone)


def planted(report: Report, was: Printed, row: Printed, judged: Printed | None = None) -> Finding:
    """What is found of a row, or of another, where one row of a report is exchanged."""
    changed = copy.copy(report)
    changed.printed = [row if each is was else each for each in report.printed]
    changed.items = report.items | ({f"[{row.id}]": (row.value, False)} if row.unit in UNITS else {})
    changed.numbers = dict(report.numbers)
    for each in {row, judged or row}:
        changed.compute(each)
    return finding(judged or row, changed)


def detail(found: Finding) -> str:
    return found.causes[0].numbers["detail"]


def kinds(found: Finding) -> list[str]:
    return [cause.name.removeprefix("cause.") for cause in found.causes]


def test_each_row_has_a_verdict_and_none_agrees_that_the_sheet_only_repeats(period, pairs, report):
    assert sum(row.unit == "%" for row, _ in pairs) == PERCENTAGES[period]
    assert tuple(frame(period)["verdict"].value_counts(sort=False)) == COUNTS[period]
    assert all(bool(found.causes) == (found.verdict == UNVERIFIED) for _, found in pairs if found.verdict in (AGREES, UNVERIFIED))
    assert (DATA / "published" / f"{period}.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    for row, found in pairs:
        terms = report.numbers[row.id].terms if row.id in report.numbers else ()
        assert not (len(terms) == 1 and terms[0][3] and found.verdict == AGREES), row


SLIPS = [
    ("2017", "三、5", "10.90%", "10.91%", "truncated", "6 ÷ 55"),
    ("2017", "三、7", "45.72%", "45.71%", "adjusted", "45.72 + 28.57 + 25.71 = 100.00"),
    ("2020-2021", "三、1", "40.69%", "40.70%", "truncated", "35 ÷ 86"),
    ("2020-2021", "三、1", "11.47%", "11.46%", "rounded-twice", "11.46497…% → 11.465% → 11.47%"),
    ("2020-2021", "三、7", "40.91%", "45.00%", "denominator", "9 ÷ 22"),
    ("2020-2021", "三、7", "9.09%", "10.00%", "denominator", "2 ÷ 22"),
    ("2020-2021", "三、7", "17.31%", "45.00%", "copied", "9 ÷ 52"),
    ("2020-2021", "三、9", "44.45%", "44.44%", "adjusted", "44.45 + 33.33 + 22.22 = 100.00"),
    ("2020-2021", "二、4", "86", "87", "loose-term", "107 − 20 = 87"),
    ("2020-2021", "七", "157", "156", "loose-term", "86 + 20 + 50 = 156"),
    ("2020-2021", "七", "50", "51", "off-by-one", "157 − 86 − 20 = 51"),
    ("2020-2021", "七", "50", "51", "off-by-one", "52 − 34 − 6 + 39 − 13 − 8 + 55 − 32 − 5 + 11 − 7 − 1 = 51"),
]


@pytest.mark.parametrize("which, section, printed, right, cause, sums", SLIPS)
def test_each_known_slip_is_found_with_its_cause(which, section, printed, right, cause, sums):
    found = [found for row, found in zip(audited(which)[0].printed, audited(which)[1]) if found.verdict in (DIFFERS, OPEN)
             and row.section.startswith(section) and row.printed == printed and found.recomputed == right and sums in detail(found)]
    assert len(found) == 1 and kinds(found[0])[0] == cause


def test_no_other_percentage_differs(period):
    differing = frame(period).query("verdict == 'differs' and unit == '%'")
    assert sorted(differing["printed"]) == sorted(slip[2] for slip in SLIPS if slip[0] == period and "%" in slip[2])
    assert differing["cause"].str.contains("elsewhere: 40.70%（三、6", regex=False).sum() == (period == "2020-2021")


def test_a_claim_is_held_to_the_measure_that_its_words_name():
    """In 2017 the second batch trails in its share of the grade, which the sentence before prints, not in that of its batch."""
    found = frame("2017").set_index("id").loc["3.5-18"]
    assert found["verdict"] == AGREES and found["working"].startswith("按本档联盟：20.83%（5/24） < 54.17%（13/24），20.83%（5/24） < 25.00%")
    assert "按本批次：实为12.82%（5/39） < 25.00%（13/52），12.82%（5/39） > 10.91%（6/55），说法不成立" in found["working"]
    elsewhere = verdict("2017", row("落后", "说法", "活跃度高 第二批 < 活跃度高 第三批", "本批次"))
    assert kinds(elsewhere) == ["some-measures"] and detail(elsewhere) == "家数"
    polarised = frame("2017").query("printed == '两极分化'")
    assert len(polarised) == 2 and polarised["cause"].str.startswith("holds under no measure").all()
    assert (polarised["verdict"] == READING).all() and polarised["one"].nunique() == 1, "a judgement, told once"
    undecided = verdict("2017", row("较少", "说法", "活跃度高 第二批 < 活跃度高 第三批"))
    assert undecided.verdict == READING and undecided.difference == "fails: 本批次、本批次参评联盟", "no measure is named"
    assert verdict("2017", row("前者少", "说法", "活跃度高 < 活跃度较差")).working == "实为24 > 20，说法不成立", "what is so, and that it fails"
    most = frame("2017").set_index("id").loc["4.2-13"]
    assert most["verdict"] == AGREES and most["working"].startswith("按本档联盟：84.85%（168/198） > 50%")


def test_streaks_need_every_sheet_and_one_can_contradict(period, pairs):
    streaks = [found for row, found in pairs if row.counts.startswith("连续")]
    assert streaks and all(f.verdict == UNVERIFIED and "评分表" in detail(f) for f in streaks)
    sheet = sheets.read(period)
    never = row("连年", "说法", "连续 2 期 活跃度高 108")  # 抗生素 is not graded 活跃度高 in either period
    assert finding(never, Report([never], sheet, sheets.others(sheet)[0])).verdict == DIFFERS


def test_what_the_sheet_only_repeats_and_what_it_gives():
    stated = {"2017": "录入信息、信息不完整、有网站联盟数、专家人数、活跃度高 政府项目、第一批", "2020-2021": "录入信息、自设项目数、网员联盟"}
    for which, counts in ((which, counts) for which, words in stated.items() for counts in words.split("、")):
        value = int(audited(which)[0].sum(counts).right)
        assert verdict(which, row(str(value), "家", counts)).verdict == UNVERIFIED
        assert verdict(which, row(str(value + 1), "家", counts)).verdict == DIFFERS
    for counts, printed in (("自设项目投入 + 政府委托项目投入 + 企业委托项目收入", "1545"), ("联盟总数 - 录入信息", "50"),
                            ("信息不完整", "20"), ("专家人数", "34")):
        assert verdict("2020-2021", row(printed, "项", counts)).verdict == AGREES
    assert verdict("2017", row("半导体照明产业技术创新战略联盟", "名单", "联盟总数")).verdict == UNVERIFIED, "not all have a name"
    assert verdict("2017", row("45.54%", "%", "")).verdict == UNVERIFIED, "a share that nobody has read"
    found = verdict("2017", row("102", "家", "录入信息 - 信息不完整"))
    assert kinds(found) == ["off-by-one"] and found.difference == "+1"


def mutants(row: Printed) -> list[str]:
    """The printed value one unit of its last place up and down, a list without a name, a name without a character."""
    if row.unit in ("名单", "名称", "称呼", "代码", "对照"):
        return [row.printed.partition("；")[2] or row.printed[:1] + row.printed[2:]]
    if row.unit in ("分段", "日期"):
        return [re.sub(r"\d+", lambda match: str(int(match[0]) + 1), row.printed, count=1)]
    number = Decimal(row.printed.rstrip("%")) if row.printed[0].isdigit() else Decimal(int(row.value))
    step = Decimal(1).scaleb(number.as_tuple().exponent)
    return [f"{n}{'%' if row.unit == '%' else ''}" for n in (number + step, number - step) if n >= 0]


def test_every_planted_value_is_noticed(pairs, report):
    """One unit up and down; another whole that holds the part, with some cause; a claim turned round; a term of a sum that must close."""
    values, wholes, by_id = 0, 0, {was.id: was for was, _ in pairs}
    reverse = {">": "<=", "<": ">=", ">=": "<", "<=": ">"}
    for was, right in pairs:
        for value in mutants(was) if was.counts and was.unit not in ("说法", "评语") else ():
            found = planted(report, was, was._replace(printed=value))
            assert (found.verdict, found.difference) != (right.verdict, right.difference), (was, value)
            values += 1
        for of in DENOMINATORS if was.unit == "%" else ():
            with contextlib.suppress(UnknownWord):
                share = report.share(was.counts, of)
                if share.share and report.rounded(share) != report.rounded(report.numbers[was.id]):
                    found = planted(report, was, was._replace(printed=f"{half_up(share.right, report.places)}%"))
                    assert found.verdict == DIFFERS and found.causes, (was, of)
                    wholes += 1
        if was.unit == "说法" and re.search(" [<>]=? ", was.counts):
            turned = re.sub(r" (>=|<=|>|<) ", lambda match: f" {reverse[match[1]]} ", was.counts)
            found = planted(report, was, was._replace(counts=turned))
            assert (found.verdict, found.recomputed) != (right.verdict, right.recomputed), was
        for key in re.findall(r"\[(\S+?)\]", was.counts) if was.unit in UNITS and "足年" not in was.counts else ():
            found = planted(report, by_id[key], by_id[key]._replace(printed=str(int(by_id[key].value) + 1)), judged=was)
            assert found.difference != right.difference, (was, key)
    assert values > 200 and wholes > 150


OTHER = "23.76%", "活跃度高", "参评联盟"
FEW = "活跃度一般 第三批", "本批次"
SHARES = [
    ("2020-2021", ("15.63%", "活跃度高 第二批", "本档试点联盟"), None, AGREES, ""),  # 5/32 and 9/32: 15.625 and 28.125 percent
    ("2020-2021", ("15.62%", "活跃度高 第二批", "本档试点联盟"), None, DIFFERS, "truncated"),
    ("2020-2021", ("28.13%", "活跃度高 第三批", "本档试点联盟"), None, AGREES, ""),
    ("2020-2021", ("28.12%", "活跃度高 第三批", "本档试点联盟"), None, DIFFERS, "truncated"),
    ("2017", ("25%", "活跃度高 第一批", "本批次"), OTHER, AGREES, ""),  # dropped zeros are no slip
    ("2017", ("13%", "活跃度高 第二批", "本批次"), OTHER, DIFFERS, ""),  # dropped places are, where others have them
    ("2017", ("13%", "活跃度高 第二批", "本批次"), None, AGREES, ""),
    ("2017", ("0.00%", "活跃度高 50分以下", "参评联盟"), None, AGREES, ""),
    ("2017", ("16.43%", "活跃度高", "试点联盟"), None, DIFFERS, "truncated"),
    ("2017", ("24.75%", "活跃度较高 第一批", "参评联盟"), None, DIFFERS, ""),
    ("2017", ("10.00%", *FEW), ("10.00%", "活跃度高 第一批", "本档联盟"), DIFFERS, ""),  # the neighbour is itself wrong
    ("2017", ("25.00%", *FEW), ("25%", "活跃度高 第一批", "本批次"), DIFFERS, "copied"),  # told by value, not by spelling
    ("2017", ("41.03%", *FEW), None, DIFFERS, "denominator")]


@pytest.mark.parametrize("which, printed, other, expected, cause", SHARES)
def test_shares_are_rounded_half_up_to_the_most_places_printed_and_causes_come_from_computing(which, printed, other, expected, cause):
    rows = [row(text, "%", counts, of, id=f"x-{n}") for n, (text, counts, of) in enumerate(filter(None, (printed, other)))]
    found = verdict(which, *rows)
    assert (found.verdict, kinds(found)) == (expected, [cause] if cause else [])
    assert cause != "denominator" or "16 ÷ 39" in detail(found)


def test_a_phrase_is_a_mask_on_the_roster(period, alliances, report):
    for phrase, rows in {"活跃度高+活跃度较高 第三批": alliances.query("grade >= '活跃度较高' and batch == '第三批'"),
                         "未参评 试点联盟": alliances.query("outcome == '未参评' and pilot"), "联盟总数": alliances,
                         "95分及以上": alliances.query("low >= 95"), "活跃度较差": alliances.query("level == 1")}.items():
        assert report.rows(phrase).sum() == len(rows) and set(report.alliances[report.rows(phrase)].id.dropna()) == set(rows.id.dropna())
    assert report.sum("活跃度高 + 活跃度较高").right == report.rows("活跃度高+活跃度较高").sum()
    assert report.sum("第一批 + 第二批 + 第三批").working == "52 + 39 + 55 = 146"
    for what, of, said in (("第九批", "试点联盟", "第九批"), ("活跃度高", "活跃度一般", "no part"), ("活跃度高+第一批", "第一批", "kinds")):
        with pytest.raises(UnknownWord) as error:
            report.share(what, of)
        assert said in str(error.value.said)


@pytest.mark.parametrize("phrase, known", [("50分以下", 11), ("50分及以上", 75), ("49分以下", None), ("活跃度高+活跃度较高 49分以下", 0),
                                           ("40分", None), ("50分", 1), ("100分", 4), ("85分及以上", 35)])
def test_withheld_scores_are_known_by_their_bounds(phrase, known):
    """The eleven of 活跃度较差 in 2020-2021 have no published score: each is from 0 to below 50."""
    rows, claim = audited("2020-2021")[0].rows(phrase), verdict("2020-2021", row("多", "说法", f"{phrase} >= 0"))
    assert rows is None if known is None else rows.sum() == known
    assert (claim.verdict, claim.working[-4:]) == (UNVERIFIED, "不能判定") if known is None else claim.verdict == AGREES


def test_the_ladder_is_known_where_the_lists_say_as_much():
    of_2017, of_2020 = (audited(which)[0] for which in PERIODS)
    assert [of_2017.number(step)[0] for step in ("录入信息", "信息不完整", "未录入")] == [110, 9, 36]
    assert of_2017.rows("信息不完整 第一批") is None and of_2017.rows("未参评 第一批").sum() == 12
    assert of_2020.rows("信息不完整 第一批").sum() == 6 and of_2020.rows("录入信息 第一批") is None
    assert of_2017.number("A级") == (None, False), "there is no list"


BAD = [
    ("unit", ["b-01", "节", "…", "10", "only", "活跃度高", "", ""], "家"),
    ("printed", ["b-02", "节", "…", "一成", "%", "活跃度高", "参评联盟", ""], "45.54%"),
    ("of", ["b-03", "节", "…", "10%", "%", "活跃度高", "", ""], "参评联盟"),
    ("counts", ["b-04", "节", "…", "10", "家", "活跃度极高", "", ""], "活跃度较高"),
    ("counts", ["b-05", "节", "…", "10", "家", "[z-99] + 活跃度高", "", ""], "z-99"),
    ("counts", ["b-06", "节", "…", "甲联盟", "名称", "999", "", ""], "codes.csv"),
    ("counts", ["b-07", "节", "…", "领先", "说法", "第一批 领先", "", ""], "A > B"),
    ("of", ["b-08", "节", "…", "10%", "%", "活跃度高", "本批次", ""], "batch"),
    ("of", ["b-09", "节", "…", "10", "家", "活跃度高", "参评联盟", ""], "empty"),
    ("counts", ["b-10", "节", "…", "某某联盟", "名单", "", "", ""], "counted"),
    ("printed", ["b-11", "节", "…", "七成", "分段", "活跃度高", "", ""], "70分至84分"),
    ("counts", ["b-12", "节", "…", "2017年1月1日", "日期", "开会", "", ""], "开始日期"),
    ("counts", ["b-13", "节", "…", "130多", "项", "活跃度高", "", ""], "130多"),
    ("of", ["b-14", "节", "…", "10%", "%", "活跃度高 第三批", "活跃度一般", ""], "no part"),
    ("of", ["b-17", "节", "…", "10%", "%", "活跃度高", "某批", ""], "第三批"),
    ("counts", ["b-15", "节", "…", "1", "家", "[b-15] + 1", "", ""], "b-15"),
    ("counts", ["b-16", "节", "…", "依次", "说法", "顺序 名单", "", ""], "评分表"),
]


def test_malformed_rows_are_named_all_at_once_in_two_languages(data, monkeypatch):
    path = data / "published" / "2017.csv"
    good = path.read_text("utf-8-sig").rstrip("\n").splitlines()
    path.write_text("\n".join([*good, *(",".join(cells) for _, cells, _ in BAD)]) + "\n", "utf-8-sig")
    with pytest.raises(audit.DataError) as error:
        audit.published("2017", data)
    lines = str(error.value).splitlines()
    assert len(lines) == len(BAD), lines
    for number, (line, (column, _, allowed)) in enumerate(zip(lines, BAD), start=len(good) + 1):
        assert line.startswith(f"published/2017.csv › line {number} › {column}: ") and allowed in line, line
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert not re.search("[a-z]{2,} [a-z]{2,}", str(error.value)) and "不在用语表中" in str(error.value)


@pytest.mark.parametrize("content, said", [
    (None, "there is no such file"), ("编号".encode("gbk"), "not UTF-8"), (b"id,section,statement,printed,unit,counts,of\n", "no rows"),
    (b"id,section,statement,printed,unit,counts,of\na,s,t,,\xe5\xae\xb6,,\n", "printed is empty")])
def test_a_published_file_that_cannot_be_read(data, content, said):
    path = data / "published" / "2017.csv"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(audit.DataError, match=said):
        audit.published("2017", data)


def test_a_sheet_of_another_period_that_cannot_be_read_is_left_out_and_named(data):
    (data / "score_sheets" / "2020-2021.xlsx").write_bytes(b"not a workbook")
    assert sheets.others(sheets.read("2017", data)) == ([], ["2020-2021"])


def test_what_an_audit_makes(made_audit, period, monkeypatch):
    reports, records = made_audit / "reports", frame(period)[audit.SAVED].astype(str)
    assert {path.name for path in reports.iterdir() if path.name[0] != "." and path.suffix != ".log"} == {
        *(f"audit-{period}.{kind}" for kind in ("html", "pdf", "csv", "ipynb")), f"audit-{period}-tables.xlsx",
        *(f"errata-{period}.{kind}" for kind in ("html", "pdf", "csv"))}
    assert (reports / f"audit-{period}.csv").read_bytes().startswith(b"\xef\xbb\xbfid,section,statement,printed,recomputed,")
    saved = pd.read_csv(reports / f"audit-{period}.csv", dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(saved.map(lambda text: text.removeprefix("'")), records, check_dtype=False)
    assert {path.name for path in (made_audit / "figures" / f"audit-{period}").iterdir()} >= {"agreement.svg", "agreement.csv"}
    html, errata = ((reports / f"{name}-{period}.html").read_text("utf8") for name in ("audit", "errata"))
    said = json.loads((made_audit / "said.json").read_text("utf8"))["stdout"]
    counts = zip(COUNTS[period], ("agree", "differ", "do not close", "are readings", "cannot be verified"))
    assert f"{period}: {len(records)} figures and claims checked: {', '.join(f'{n} {word}' for n, word in counts)}" in said
    for row in frame(period).itertuples():
        assert f">{row.id}<" in html
        assert row.verdict not in VERDICTS[1:4] or f"{row.statement} [{row.id}] {row.verdict}" in said
        assert row.verdict != DIFFERS or (row.corrected in html and row.corrected in errata)
    assert html.index("勘误表") < html.index("需由作者判断") < html.index("核对结论") and "需由作者判断" not in errata
    assert all(f">{word}<" in html for word in ("一码两家", "一家两码", "更名", "同分次序"))
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    lines = audit.summary(period, reports / f"audit-{period}.csv")
    assert lines[0].startswith(f"{period}：核对了 {len(records)} 条") and "不符\n    印作 " in lines[1]


def test_names_stand_beside_the_registrys_decision(period, report):
    names = audit_names.names(report.sheet, sheets.others(report.sheet)[0], frame(period)).set_index("情形")
    assert list(names.loc[["一码两家"], "见于"].str[:4]) == ["109："] and "存疑" in names.loc["一码两家", "名录的判定"]
    recoded = "".join(names.loc["一家两码", "见于"])
    assert len(names.loc["一家两码"]) == 2 and "110" in recoded and "201" in recoded and "210" in recoded
    assert (names["依据"] != "—").all() and "误写" not in names.index, "misspelt names are errors, not renames"
