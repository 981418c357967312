"""The audit of published reports: verdicts follow from the data, known slips are found, nothing agrees by copying; and its errata."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from decimal import Decimal
from functools import cache

import pandas as pd
import pytest

from analysis import audit, audit_names, commands, sheets, words
from analysis.audit_phrases import DENOMINATORS, UNITS, Printed, UnknownWord
from analysis.audit_verdicts import AGREES, DIFFERS, OPEN, READING, UNVERIFIED, VERDICTS, Finding, Report, finding
from analysis.shares import half_up

COUNTS = {"2017": (145, 15, 0, 4, 61), "2020-2021": (181, 18, 4, 2, 52)}


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
    assert tuple(frame(period)["verdict"].value_counts(sort=False)) == COUNTS[period]
    assert all(bool(found.causes) == (found.verdict == UNVERIFIED) for _, found in pairs if found.verdict in (AGREES, UNVERIFIED))
    for row, found in pairs:
        terms = report.numbers[row.id].terms if row.id in report.numbers else ()
        assert not (len(terms) == 1 and terms[0][3] and found.verdict == AGREES), row


SLIPS = [
    ("2017", "三、5", "10.90%", "10.91%", "truncated", "6 ÷ 55"),
    ("2017", "三、7", "45.72%", "45.71%", "adjusted", "45.72 + 28.57 + 25.71 = 100.00"),
    ("2020-2021", "二、4", "86", "87", "loose-term", "107 − 20 = 87"),
    ("2020-2021", "三、1", "40.69%", "40.70%", "truncated", "35 ÷ 86"),
    ("2020-2021", "三、1", "11.47%", "11.46%", "rounded-twice", "11.46497…% → 11.465% → 11.47%"),
    ("2020-2021", "三、7", "40.91%", "45.00%", "denominator", "9 ÷ 22"),
    ("2020-2021", "三、7", "9.09%", "10.00%", "denominator", "2 ÷ 22"),
    ("2020-2021", "三、7", "17.31%", "45.00%", "copied", "9 ÷ 52"),
    ("2020-2021", "三、9", "44.45%", "44.44%", "adjusted", "44.45 + 33.33 + 22.22 = 100.00"),
    ("2020-2021", "七", "157", "156", "loose-term", "86 + 20 + 50 = 156"),
    ("2020-2021", "七", "50", "51", "off-by-one", "157 − 86 − 20 = 51"),
    ("2020-2021", "七", "50", "51", "off-by-one", "52 − 34 − 6 + 39 − 13 − 8 + 55 − 32 − 5 + 11 − 7 − 1 = 51"),
]


def test_each_known_slip_of_a_number_is_found_with_its_cause_and_no_other(period):
    found = frame(period).query("verdict in ('differs', 'does not close') and unit in ('%', '家')")
    known = [slip[1:] for slip in SLIPS if slip[0] == period]
    assert len(found) == len(known)
    for row, (section, printed, right, cause, sums) in zip(found.itertuples(), known):
        assert row.section.startswith(section) and (row.printed, row.recomputed) == (printed, right)
        assert row.cause.startswith(f"{cause}: ") and sums in row.cause
    assert found["cause"].str.contains("elsewhere: 40.70%（三、6", regex=False).sum() == (period == "2020-2021")


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


def test_what_the_sheet_only_repeats_and_what_it_gives():
    stated = {"2017": "录入信息、信息不完整、有网站联盟数、专家人数、活跃度高 政府项目、第一批", "2020-2021": "录入信息、自设项目数、网员联盟"}
    for which, counts in ((which, each) for which, told in stated.items() for each in told.split("、")):
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
    ("2020-2021", ("15.63%", "活跃度高 第二批", "本档试点联盟"), None, AGREES, ""),  # 5/32: 15.625 percent
    ("2020-2021", ("15.62%", "活跃度高 第二批", "本档试点联盟"), None, DIFFERS, "truncated"),
    ("2017", ("25%", "活跃度高 第一批", "本批次"), OTHER, AGREES, ""),  # dropped zeros are no slip
    ("2017", ("13%", "活跃度高 第二批", "本批次"), OTHER, DIFFERS, ""),  # dropped places are, where others have them
    ("2017", ("13%", "活跃度高 第二批", "本批次"), None, AGREES, ""),
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
        assert set(alliances.index[report.rows(phrase)]) == set(rows.index)
    assert report.sum("第一批 + 第二批 + 第三批").working == "52 + 39 + 55 = 146"


KNOWN = [  # withheld scores, by their bounds: each of the eleven of 活跃度较差 in 2020-2021 is from 0 to below 50; and the ladder
    ("2020-2021", "50分以下", 11), ("2020-2021", "50分及以上", 75), ("2020-2021", "49分以下", None), ("2020-2021", "40分", None),
    ("2020-2021", "活跃度高+活跃度较高 49分以下", 0), ("2020-2021", "50分", 1), ("2020-2021", "100分", 4), ("2020-2021", "85分及以上", 35),
    ("2020-2021", "信息不完整 第一批", 6), ("2020-2021", "录入信息 第一批", None), ("2017", "信息不完整 第一批", None),
    ("2017", "未参评 第一批", 12), ("2017", "录入信息", 110), ("2017", "信息不完整", 9), ("2017", "未录入", 36), ("2017", "A级", None)]


@pytest.mark.parametrize("which, phrase, known", KNOWN)
def test_what_is_known_of_withheld_scores_and_of_the_ladder(which, phrase, known):
    assert audited(which)[0].number(phrase)[0] == known
    claim = verdict(which, row("多", "说法", f"{phrase} >= 0"))
    assert (claim.verdict, claim.working[-4:]) == (UNVERIFIED, "不能判定") if known is None else claim.verdict == AGREES


BAD = [
    ("unit", ["b-01", "节", "…", "10", "only", "活跃度高", "", ""], "家"),
    ("printed", ["b-02", "节", "…", "一成", "%", "活跃度高", "参评联盟", ""], "45.54%"),
    ("of", ["b-03", "节", "…", "10%", "%", "活跃度高", "", ""], "参评联盟"),
    ("counts", ["b-04", "节", "…", "10", "家", "活跃度极高", "", ""], "活跃度较高"),
    ("counts", ["b-05", "节", "…", "10", "家", "[z-99] + 活跃度高", "", ""], "z-99"),
    ("counts", ["b-06", "节", "…", "甲联盟", "名称", "999", "", ""], "codes.csv"),
    ("counts", ["b-07", "节", "…", "领先", "说法", "第一批 领先", "", ""], "A > B"),
    ("of", ["b-08", "节", "…", "10%", "%", "活跃度高", "本批次", ""], "batch"),
    ("printed", ["b-11", "节", "…", "七成", "分段", "活跃度高", "", ""], "70分至84分"),
    ("counts", ["b-12", "节", "…", "2017年1月1日", "日期", "开会", "", ""], "开始日期"),
    ("of", ["b-14", "节", "…", "10%", "%", "活跃度高 第三批", "活跃度一般", ""], "no part"),
    ("of", ["b-17", "节", "…", "10%", "%", "活跃度高", "某批", ""], "第三批"),
    ("counts", ["b-15", "节", "…", "10", "家", "[b-15] + 活跃度高", "", ""], "b-15"),
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
    path.write_text(good[0] + "\n", "utf-8-sig")
    with pytest.raises(audit.DataError, match="没有内容"):
        audit.published("2017", data)


def test_what_an_audit_makes(made_audit, period, monkeypatch):
    reports, records = made_audit / "reports", frame(period)[audit.SAVED].astype(str)
    assert {path.name for path in reports.iterdir() if path.name[0] != "." and path.suffix != ".log"} == {
        *(f"audit-{period}.{kind}" for kind in ("html", "pdf", "csv", "ipynb")), f"audit-{period}-tables.xlsx",
        *(f"errata-{period}.{kind}" for kind in ("html", "pdf", "csv"))}
    saved = pd.read_csv(reports / f"audit-{period}.csv", dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(saved.map(lambda text: text.removeprefix("'")), records, check_dtype=False)
    html, errata = ((reports / f"{name}-{period}.html").read_text("utf8") for name in ("audit", "errata"))
    said = json.loads((made_audit / "said.json").read_text("utf8"))["stdout"]
    counts = zip(COUNTS[period], ("agree", "differ", "do not close", "are readings", "cannot be verified"))
    assert f"{period}: {len(records)} figures and claims checked: {', '.join(f'{n} {word}' for n, word in counts)}" in said
    for row in frame(period).itertuples():
        assert row.verdict not in VERDICTS[1:4] or f"{row.statement} [{row.id}] {row.verdict}" in said
        assert f">{row.id}<" in html and (row.verdict != DIFFERS or (row.corrected in html and row.corrected in errata))
    assert html.index("勘误表") < html.index("需由作者判断") < html.index("核对结论") and "需由作者判断" not in errata
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    lines = commands.summary(period, reports / f"audit-{period}.csv")
    assert lines[0].startswith(f"{period}：核对了 {len(records)} 条") and "不符\n    印作 " in lines[1]


def test_names_stand_beside_the_registrys_decision_and_a_sheet_that_cannot_be_read_is_named(data, period, report):
    names = audit_names.names(report.sheet, sheets.others(report.sheet)[0], frame(period)).set_index("情形")
    recoded = "".join(names.loc["一家两码", "见于"])
    assert [*names.loc[["一码两家"], "见于"].str[:4]] == ["109："] and "存疑" in names.loc["一码两家", "名录的判定"]
    assert len(names.loc["一家两码"]) == 2 and all(code in recoded for code in ("110", "201", "210"))
    assert (names["依据"] != "—").all() and {*names.index} >= {"更名", "同分次序"} and "误写" not in names.index, "an error, no rename"
    (data / "score_sheets" / "2020-2021.xlsx").write_bytes(b"not a workbook")
    assert sheets.others(sheets.read("2017", data)) == ([], ["2020-2021"])


WRONG = {"2017": ["1.联盟组织机构建设与运行方面", "七、有关建议", "粉末冶金产业技术创新联盟", "新一代纺织设备产业技术创新联盟", "109"],
         "2020-2021": ["详见下表", "三、试点联盟活跃度情况分析", "生物医用产业技术创新战略联盟", "电动汽车电驱动系统全产业技术创新战略联盟"]}


def test_the_errata_have_a_row_for_each_slip_words_and_headings_too(period):
    """A code of which the registry is not certain is the author's; the places are quoted by fewer than twenty characters."""
    found = frame(period)
    table, corrected = audit.table(found, words.read("audit")), dict(zip(found["id"], found["corrected"]))
    assert len(table) == (found["verdict"] == DIFFERS).sum() and (table != "").all(axis=None)
    assert set(WRONG[period]) <= set(found.query("verdict == 'differs'")["printed"])
    assert set(found.query("verdict == 'a reading' and unit == '代码'")["printed"]) == {"210" if period == "2017" else "201"}
    assert found["sentence"].str.count(r"[\u4e00-\u9fff\d]").max() < 20
    if period == "2017":
        assert corrected["3.5-22"].endswith("的10.91%") and corrected["3.1-17"] == "活跃度较差的联盟"
        changes = table.set_index("印作")["随之变动"]
        assert table.loc[0, "位置"] == "三、5 活跃度高，第8—9页"
        assert changes["10.90%"] == "否" and changes["活跃度差"].iloc[0] == "否；一并改：目录；三、8"
    else:
        assert corrected["1-07"] == "投入1474亿元，另有收入71亿元" and corrected["3.9-23"].startswith("不活跃联盟中")
        assert table.loc[0, "随之变动"] == "是，即此句"


def test_a_slip_is_followed_to_what_was_computed_from_it_and_to_where_it_is_printed_again(monkeypatch):
    sheet = audited("2017")[0].sheet
    printed = [row("25", "家", "活跃度高", id="x-01"), row("24.75%", "%", "活跃度高", "参评联盟", id="x-02"),
               row("25", "家", "活跃度高", id="x-03", section="y"), row("22", "家", "活跃度较高", id="x-04"),
               row("47", "家", "[x-01] + [x-04]", id="x-05")]
    monkeypatch.setattr(audit, "_rows", lambda path, problems: printed if path.stem == "2017" else [])
    found = audit.findings(sheet)
    assert found["cause"][1] == "carried: 25 ÷ 101 = 24.75%" and [*found["verdict"][3:]] == [AGREES, AGREES]
    assert [*found["touches"]] == [["x-02", "x-03", "x-05"], [], ["x-01", "x-02"], [], []]
    assert audit.table(found, words.read("audit"))["随之变动"][0] == "是：…、…、…"


def test_sums_that_share_terms_are_one_finding_with_one_remedy():
    found = frame("2020-2021")
    assert set(found.loc[found["verdict"] == OPEN, "one"]) == {"2.4-14"}
    questions = audit.questions(found)
    assert [said.name for said in questions] == ["author.closure", "author.remedy", "author.reading", "author.reading"]
    assert questions[1].numbers["remedies"] == "录入信息的联盟数107改为106，没有填报的联盟数50改为51"
    assert [106 - 20, 86 + 20 + 51, 157 - 86 - 20, 157 - 106] == [86, 157, 51, 51], "with both, all of them close"
    asked = {kinds: audit.asked(found[found["verdict"].isin(kinds)]).name for kinds in ((AGREES,), (OPEN,), (READING,), (OPEN, READING))}
    assert [*asked.values()] == ["author.none", "author.intro-open", "author.intro-readings", "author.intro"]


def test_reports_are_held_against_each_other_and_streaks_need_every_sheet(period):
    found, sheet = frame("2020-2021").set_index("id"), sheets.read(period)
    assert found.loc["1-04", "working"] == "4 + 3 = 7" and found.loc["3.6-32", "verdict"] == AGREES
    assert found.loc["3.6-33", "verdict"] == READING and "8 ≠ 7" in found.loc["3.6-33", "working"]
    assert (found.loc["1-02", "recomputed"], found.loc["1-02", "verdict"]) == ("14", AGREES)
    streaks = found[found["counts"].str.startswith("连续")]
    assert len(streaks) and (streaks["verdict"] == UNVERIFIED).all() and streaks["cause"].str.contains("评分表").all()
    never = row("连年", "说法", "连续 2 期 活跃度高 108")  # 抗生素 is not graded 活跃度高 in either period
    assert finding(never, Report([never], sheet, sheets.others(sheet)[0])).verdict == DIFFERS
