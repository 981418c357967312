"""The draft of the published figures from a report's text: each row found again, and no error of reading passed for right.

The text is made here, in words of our own, from the rows of data/published.
"""

from __future__ import annotations

import re

import pytest
import typst
from conftest import run
from test_audit import audited

from analysis import DATA, audit, fonts, transcribe
from analysis.audit_phrases import OWN_BATCH, OWN_GRADE, OWN_GRADE_PILOTS, Printed
from analysis.problems import DataError

BATCHES = ("第一批", "第二批", "第三批", "网员联盟")
GRADES = {"活跃度高": "活跃度高", "活跃度较高": "活跃度较高", "活跃度一般": "活跃度一般", "活跃度较差": "不活跃"}
FIRST = {**GRADES, "信息不完整": "填报不完整", "录入信息": "录入资料", "参评联盟": "资料较全", "95分及以上": "95分以上", "100分": "100分"}


def parts(row: Printed) -> tuple[list[str], str]:
    first, _, batch = row.counts.partition(" ")
    return first.split("+"), batch


def told_in_sentences(row: Printed) -> bool:
    """Whether it is a count or a share of alliances by grade, score, step and batch."""
    first, batch = parts(row)
    return row.unit in ("家", "个", "%") and {*first} <= {*FIRST} and batch in ("", *BATCHES) and row.printed[0].isdigit()


def sentence(row: Printed) -> str:
    first, batch = parts(row)
    said = "、".join(FIRST[word] for word in first) + "的联盟" + (f"里{batch}" if batch else "")
    whole = {OWN_BATCH: f"{batch}试点联盟总数", OWN_GRADE: f"{FIRST[first[0]]}联盟", OWN_GRADE_PILOTS: f"{FIRST[first[0]]}试点联盟",
             "试点联盟": "试点联盟总数"}.get(row.of, row.of)
    return f"{said}共1家，占{whole}的{row.printed}。" if row.unit == "%" else f"{said}共{row.printed}{row.unit}。"


def text(rows: list[Printed]) -> str:
    """A report: a contents page, and under one heading a line for each row."""
    return "目录\n一、统计 ..... 1\n\n一、统计\n" + "\n".join(map(sentence, rows))


def told(period: str) -> list[Printed]:
    return [row for row in audited(period)[0].printed if told_in_sentences(row)]


def drafted(content: str, period: str, data=DATA) -> list[dict]:
    """The rows of a draft but for the sums that it proposes."""
    return [row for row in transcribe.draft([content], period, data) if "[" not in row["counts"]]


def test_each_row_is_found_again(period):
    rows = told(period)
    verdicts = {row.id: found.verdict for row, found in zip(audited(period)[0].printed, audited(period)[1])}
    numbers = [row for row in rows if row.printed != "1"]
    made = [row for row in drafted(text(rows), period) if row["printed"] != "1" and row["unit"] != "称呼"]
    assert len(rows) > 60
    assert [(row["printed"], row["unit"], row["counts"], row["of"]) for row in made] == [(r.printed, r.unit, r.counts, r.of) for r in numbers]
    for row, was in zip(made, numbers):
        assert (float(row["confidence"]) >= transcribe.TRUSTED) == (verdicts[was.id] == "agrees"), (row, was)


def test_an_error_of_reading_never_agrees_by_chance(period):
    """Whatever the sentence says it counts, a number that is not that is doubted."""
    right = [row for row in told(period) if row.unit != "%"]
    planted = [row._replace(printed=str(int(row.printed) + 1)) for row in right]
    for row in drafted(text(planted), period):
        assert row["unit"] == "称呼" or float(row["confidence"]) < 0.6, row


def test_without_a_sheet_nothing_is_sure(data):
    (data / "score_sheets" / "2017.xlsx").unlink()
    made = drafted(text(told("2017")), "2017", data)
    assert {row["confidence"] for row in made} == {"0.80", "0.70"} and not any(float(r["confidence"]) >= transcribe.TRUSTED for r in made)


ALLIANCES = "半导体照明产业技术创新战略联盟、化纤产业技术创新战略联盟"
REPORT = f"""目录
一、概况\t1
附件 1：名单\t3

一、概况
1. 范围
评价期为2019年3月1日至2019年9月30日。专家共34位。共有50家联盟没有按要求填报。
2. 结果
三项原则、四个方面。最好的，即活跃度高（85分~100分）。100分的联盟共4家，其中第一批试点联盟有2家（{ALLIANCES}）。
活跃度高和较高的联盟共57家；活跃高的联盟共35家，占第一批52个试点联盟总数的1%。活跃度一般联盟中，无网员联盟。
附件 1：
未纳入的名单
1\t生物医用产业技术创新战略联盟\t216
20\t食醋产业技术创新战略联盟\tD101
"""


def test_what_is_read_of_sentences_headings_and_tables():
    made = {(row["section"].split()[0], row["printed"]): (row["unit"], row["counts"], row["of"]) for row in drafted(REPORT, "2020-2021")}
    for place, read in {
            ("一、1", "2019年3月1日"): ("日期", "开始日期", ""), ("一、1", "2019年9月30日"): ("日期", "结束日期", ""),
            ("一、1", "34"): ("位", "专家人数", ""), ("一、1", "50"): ("家", "未录入", ""), ("一、2", "三"): ("项", "", ""),
            ("一、2", "四"): ("个", "", ""), ("一、2", "85分~100分"): ("分段", "活跃度高", ""), ("一、2", "2"): ("家", "100分 第一批", ""),
            ("一、2", ALLIANCES.replace("、", "；")): ("名单", "100分 第一批", ""),
            ("一、2", "57"): ("家", "活跃度高+活跃度较高", ""), ("一、2", "活跃高"): ("称呼", "活跃度高", ""),
            ("一、2", "52"): ("个", "第一批", ""),
            ("一、2", "无"): ("家", "活跃度一般 网员联盟", ""), ("附件1", "生物医用产业技术创新战略联盟"): ("名称", "216", ""),
            ("附件1", "20"): ("号", "信息不完整", "")}.items():
        assert made[place] == read, place


def test_sums_are_proposed():
    report = "一、统计\n活跃度高的联盟共24家。" + "".join(f"活跃度高的联盟中{batch}共{n}家。" for batch, n in zip(BATCHES, (13, 5, 6)))
    (row,) = (row for row in transcribe.draft([report], "2017", DATA) if "[" in row["counts"])
    assert (row["printed"], row["counts"]) == ("24", "[1-02] + [1-03] + [1-04]") and float(row["confidence"]) >= transcribe.TRUSTED


@pytest.fixture
def pdf(tmp_path):
    path = tmp_path / "report.pdf"
    content = "\n\n".join(REPORT.replace("\t", " ").replace("#", "").splitlines())
    (tmp_path / "report.typ").write_text(f'#set text(font: "Noto Sans SC")\n{content}'.replace("2. 结果", "#pagebreak()\n2. 结果"), "utf8")
    path.write_bytes(typst.compile(str(tmp_path / "report.typ"), font_paths=[str(fonts.FOLDER)], ignore_system_fonts=True))
    return path


def test_a_pdf_is_read_with_its_pages(pdf):
    made = {row["printed"]: row for row in transcribe.draft(transcribe.text_of(pdf), "2020-2021", DATA)}
    assert (made["34"]["page"], made["57"]["page"]) == ("1", "2") and made["57"]["confidence"] == "0.95"
    assert made["20"]["counts"] == "信息不完整" and made["57"]["sentence"] == "活跃度高和较高的联盟共57家"


def test_the_command_writes_a_draft_that_can_be_audited_and_never_overwrites(data, tmp_path):
    path, source = data / "published" / "2017.csv", tmp_path / "report.txt"
    source.write_text(text(told("2017")), "utf8")
    over = run("transcribe", "2017", str(source), out=tmp_path, data=data)
    assert over.returncode == 2 and "never overwritten" in over.stderr
    path.unlink()
    made = run("transcribe", "2017", str(source), out=tmp_path, data=data)
    assert made.returncode == 0 and re.search(r"2017.csv: \d+ rows, \d+ of them sure", made.stdout), made.stderr
    assert path.read_bytes().startswith(b"\xef\xbb\xbfid,section,statement,printed,unit,counts,of,needs,sentence,page,instead,confidence\n")
    audit.published("2017", data)


@pytest.mark.parametrize("words, said", [(["2022"], "YEAR and FROM are needed"), (["2022", "none.pdf"], "there is no file none.pdf")])
def test_a_command_that_is_wrong(words, said, tmp_path, data):
    result = run("transcribe", *words, out=tmp_path, data=data)
    assert result.returncode == 2 and said in result.stderr


@pytest.mark.parametrize("name, content", [("r.pdf", b"no pdf"), ("r.txt", "一、".encode("gbk"))])
def test_a_report_that_cannot_be_read(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="no PDF and no text"):
        transcribe.text_of(tmp_path / name)
