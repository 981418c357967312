"""The draft of the published figures from a report's text: each row found again, and no error of reading passed for right.

Texts: sentences in words of our own made from the rows of data/published; a report that we wrote, as text and as PDF; a report that
this project made; and the two published ones, where they lie beside the checkout.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import typst
from conftest import once
from test_audit import audited, frame

from analysis import DATA, ROOT, audit, fonts, transcribe
from analysis.__main__ import main
from analysis.audit_phrases import OWN_BATCH, OWN_GRADE, OWN_GRADE_PILOTS, Printed
from analysis.problems import DataError
from analysis.transcribe import TRUSTED

BATCHES = ("第一批", "第二批", "第三批", "网员联盟")
FIRST = {"活跃度高": "活跃度高", "活跃度较高": "活跃度较高", "活跃度一般": "活跃度一般", "活跃度较差": "不活跃", "信息不完整": "填报不完整",
         "录入信息": "录入资料", "参评联盟": "资料较全", "95分及以上": "95分以上", "100分": "100分"}
SOURCES = Path(os.environ.get("SOURCES", ROOT.parent / "shared" / "sources"))
LEAST = {"2017": 206, "2020-2021": 230}
SAME = {"第一批+第二批+第三批": "试点联盟", "试点联盟+网员联盟": "联盟总数", "联盟总数-录入信息": "未录入", "试点联盟-[2.4-01]": "未录入"}


def told(period: str) -> list[Printed]:
    """The counts and shares of alliances by grade, score, step and batch."""
    return [row for row in audited(period)[0].printed if row.unit in ("家", "个", "%") and row.printed[0].isdigit()
            and {*row.counts.partition(" ")[0].split("+")} <= {*FIRST} and row.counts.partition(" ")[2] in ("", *BATCHES)]


def sentence(row: Printed) -> str:
    first, _, batch = row.counts.partition(" ")
    grade = FIRST[first.split("+")[0]]
    said = "、".join(FIRST[word] for word in first.split("+")) + "的联盟" + (f"里{batch}" if batch else "")
    whole = {OWN_BATCH: f"{batch}试点联盟总数", OWN_GRADE: f"{grade}联盟", OWN_GRADE_PILOTS: f"{grade}试点联盟",
             "试点联盟": "试点联盟总数"}.get(row.of, row.of)
    if row.unit == "%":
        return f"{said}共1家，占{whole}的{row.printed}。"
    alone, grades = grade.endswith("活跃") or "活跃度" not in grade or not batch, said.partition("里")[0]
    forms = [f"{said}共{row.printed}{row.unit}。", f"{batch}中，{grades}有{row.printed}{row.unit}，另计。",
             f"从{batch}看，{row.printed}{row.unit}被评为{grades}。"]
    return forms[int(row.id[-1]) % (1 if alone else 2 if "、" in said else 3)]


def text(rows: list[Printed]) -> str:
    return "目录\n一、统计 ..... 1\n\n一、统计\n" + "\n".join(map(sentence, rows))


def drafted(content: str, period: str, data=DATA) -> list[dict]:
    """The rows of a draft but for the sums that it proposes, odd wordings and headings."""
    return [row for row in transcribe.draft([content], period, data) if "[" not in row["counts"] and row["unit"] not in ("称呼", "对照")]


def test_each_row_is_found_again(period):
    rows, verdicts = [row for row in told(period) if row.printed != "1"], frame(period).set_index("id")["verdict"]
    made = [row for row in drafted(text(told(period)), period) if row["printed"] != "1"]
    assert len(rows) > 60
    assert [(row["printed"], row["unit"], row["counts"], row["of"]) for row in made] == [(r.printed, r.unit, r.counts, r.of) for r in rows]
    for row, was in zip(made, rows):
        assert (float(row["confidence"]) >= TRUSTED) == (verdicts[was.id] == "agrees"), (row, was)


def test_an_error_of_reading_never_agrees_by_chance(period):
    """Whatever the sentence says it counts, a number that is not that is doubted."""
    planted = [row._replace(printed=str(int(row.printed) + 1)) for row in told(period) if row.unit != "%"]
    assert all(float(row["confidence"]) < 0.6 for row in drafted(text(planted), period))


def test_without_a_sheet_nothing_is_sure(data):
    (data / "score_sheets" / "2017.xlsx").unlink()
    assert {row["confidence"] for row in drafted(text(told("2017")), "2017", data)} == {"0.80", "0.70"}


ALLIANCES = "半导体照明产业技术创新战略联盟、化纤产业技术创新战略联盟"
ACTIVITIES = ["自设协同创新项目", "政府项目", "外部委托项目", "知识产权共享活动", "组织和参与制定技术标准", "共建研发平台",
              "组织展览、论坛、学术会议", "产业技术发展规划、产业发展报告", "联盟间合作与交流"]
REPORT = f"""年度报告
2022年2月
目录
一、概 况.....1
1. 范围.....1
二、建议.....2
附件 1：名单\t3

一、概况
1. 范围
评价期为2019年3月1日至2019年9月30日。专家共34位。共有50家联盟没有按要求填报。分三个步骤：（1）初评；（2）会评；（3）复核。
开展项目1804项，总额1545亿元。其中，自设的项目585项，投入1268亿元；政府委托的项目833项，投入206亿元；企业委托项目386项，收入71亿元。
详见下表。生物医用产业技术创新战略联盟也在其中。
2. 结果
三大载体之一。在理事会、秘书处和网站三方面做得好。最好的，即活跃度高（85—100分）。得满分的联盟共4家，其中第一批试点联盟有2家（{ALLIANCES}）。
活跃度高和较高的联盟共57家；活跃高的联盟共35家，占第一批52个试点联盟总数的1%。活跃度一般联盟中，无网员联盟。前两档联盟里第三批18家。
参评联盟中，活跃度一般的有18家，占20.93%。联盟共157家（第三批55家），参评86家。
活跃度高的联盟中，第一批、第二批和第三批分别有18家、5家和9家。22家被评为活跃度较高，11家被评为不活跃。第二批和网员联盟共50家。
附件 1：
未纳入的名单
1\t生物医用产业技术创新战略联盟\t216
7\t激光加工产业技术创新战略联盟\t201
20\t食醋产业技术创新战略联盟\tD101
"""
READ = [
    ("封面", "2022年2月", "日期", "", ""), ("目录", "1.范围", "对照", "1.范围", ""), ("目录", "二、建议", "对照", "", ""),
    ("目录", "附件1：名单", "对照", "附件1：未纳入的名单", ""), ("一、1", "2019年3月1日", "日期", "开始日期", ""),
    ("一、1", "2019年9月30日", "日期", "结束日期", ""), ("一、1", "34", "位", "专家人数", ""), ("一、1", "50", "家", "未录入", ""),
    ("一、1", "三", "个", "列举 初评；会评；复核", ""), ("一、1", "1268", "亿元", "自设项目投入", ""),
    ("一、1", "833", "项", "政府委托项目数", ""), ("一、1", "1804", "项", "自设项目数 + 政府委托项目数 + 企业委托项目数", ""),
    ("一、1", "1545", "亿元", "自设项目投入 + 政府委托项目投入 + 企业委托项目收入", ""), ("一、1", "详见下表", "对照", "", ""),
    ("一、1", "生物医用产业技术创新战略联盟", "名称", "216", ""), ("一、2", "三", "个", "列举 理事会；秘书处；网站", ""),
    ("一、2", "85—100分", "分段", "活跃度高", ""), ("一、2", "2", "家", "100分 第一批", ""), ("一、2", "52", "个", "第一批", ""),
    ("一、2", ALLIANCES.replace("、", "；"), "名单", "100分 第一批", ""), ("一、2", "57", "家", "活跃度高+活跃度较高", ""),
    ("一、2", "活跃高", "称呼", "活跃度高", ""), ("一、2", "无", "家", "活跃度一般 网员联盟", ""),
    ("一、2", "18", "家", "活跃度高+活跃度较高 第三批", ""), ("一、2", "20.93%", "%", "活跃度一般", "参评联盟"),
    ("一、2", "86", "家", "参评联盟", ""), ("一、2", "5", "家", "活跃度高 第二批", ""), ("一、2", "9", "家", "活跃度高 第三批", ""),
    ("一、2", "22", "家", "活跃度较高", ""), ("一、2", "11", "家", "活跃度较差", ""), ("一、2", "50", "家", "第二批+网员联盟", ""),
    ("附件1", "生物医用产业技术创新战略联盟", "名称", "216", ""),
    ("附件1", "201", "代码", "激光加工产业技术创新战略联盟", ""), ("附件1", "20", "号", "信息不完整", "")]


def test_what_is_read_of_sentences_headings_and_tables():
    made = [(row["section"].split()[0], row["printed"], row["unit"], row["counts"], row["of"])
            for row in transcribe.draft([REPORT], "2020-2021", DATA)]
    assert [row for row in READ if row not in made] == []


def test_sums_are_proposed_and_every_row_has_its_own_id():
    report = "一、统计\n活跃度高的联盟共24家。" + "".join(f"活跃度高的联盟中{batch}共{n}家。" for batch, n in zip(BATCHES, (13, 5, 6)))
    made = transcribe.draft([report], "2017", DATA)
    (row,) = (row for row in made if "[" in row["counts"])
    assert (row["printed"], row["counts"]) == ("24", "[1-02] + [1-03] + [1-04]") and float(row["confidence"]) >= TRUSTED
    assert len({row["id"] for row in made}) == len(made) == 5


def test_a_text_in_disorder_is_read_too():
    """Lines in any order, and cut short: no text stops the reading, and no id comes twice."""
    lines = REPORT.splitlines()
    for start in range(1, len(lines), 3):
        made = transcribe.draft(["\n".join([*lines[start:], *lines[:start // 2]])], "2020-2021", DATA)
        assert len({row["id"] for row in made}) == len(made)


@pytest.fixture
def pdf(tmp_path):
    """Three pages with a running head, a chart with its text, and a table of activities with narrow heads."""
    body = "\n\n".join(REPORT.replace("\t", " ").replace("目录", "目录\n").replace("1. 范围", "1\\. 范围").splitlines())
    cells = ", ".join(f"[{name}]" for name in [*ACTIVITIES, *(f"{n} 家" for n in (24, 23, 23, 24, 22, 24, 24, 23, 24))])
    table = f"24家活跃度高的联盟开展活动的统计\n\n#text(7pt, table(columns: (1fr,) * 9, {cells}))"
    chart = "未参评\n\n99家\n\n图 1 构成"
    source = body.replace("2. 结果", f"#pagebreak()\n2\\. 结果\n\n{chart}\n\n{table}\n\n").replace("附件 1：\n", "#pagebreak()\n附件 1：\n")
    style, path = '#set page(header: [年度活跃度评价报告], numbering: "1")\n#set text(font: "Noto Sans SC")\n', tmp_path / "report.pdf"
    path.with_suffix(".typ").write_text(style + source, "utf8")
    path.write_bytes(typst.compile(str(path.with_suffix(".typ")), font_paths=[str(fonts.FOLDER)], ignore_system_fonts=True))
    return path


def test_a_pdf_is_read_as_its_text_is_with_pages_and_tables_and_without_charts(pdf):
    made = transcribe.draft(transcribe.text_of(pdf), "2017", DATA)
    places = {(row["section"].split()[0], row["printed"], row["unit"], row["page"]) for row in made}
    pages, plain = {"一、1": "1", "一、2": "2", "附件1": "3"}, ("日期", "位", "家", "个", "分段", "名单", "称呼", "号")
    wanted = {(section, printed, unit, pages[section]) for section, printed, unit, *_ in READ if section in pages and unit in plain}
    assert len(wanted) > 12 and wanted <= places
    assert not any(row["printed"] == "99" or "年度活跃度评价报告" in row["sentence"] for row in made), "what a chart prints, a running head"
    table = [row["counts"] for row in made if row["counts"].split(" ")[-1] in ACTIVITIES]
    assert table == [f"活跃度高 {name}" for name in ACTIVITIES]


def test_a_report_of_our_own_is_read_too(shared):
    """Nothing was tuned on its text: more than half is sure, contents and headings agree, and its table of activities stands on end."""
    path = once(shared, "made-2017", "report", "2017") / "reports" / "2017.pdf"
    rows = transcribe.draft(transcribe.text_of(path), "2017", DATA)
    sure = [row for row in rows if float(row["confidence"]) >= TRUSTED]
    assert len(sure) > len(rows) / 2 and {"%", "家", "分段", "对照", "个"} <= {row["unit"] for row in sure}
    assert not [row for row in rows if row["unit"] == "对照" and row["printed"] != row["counts"]]
    assert sum(row["counts"].split(" ")[-1] in ACTIVITIES for row in rows) == 18


def bare(said: str) -> str:
    return re.sub(r"\s", "", said).translate(transcribe.WIDTHS).replace("，", ",").replace("家/次", "家次")


def key(row: Printed) -> tuple[str, ...]:
    """What a row reads, and where: of what is listed the number, of a sum that it is one, of a heading the beginning and the end."""
    counts = SAME.get(bare(row.counts), bare(row.counts))
    kind = "[" if "[" in counts else f"列举{counts.count('；')}" if counts.startswith("列举") else counts
    printed = bare(row.printed)[:6] + bare(row.printed)[-4:] if row.unit == "对照" else bare(row.printed)
    return row.id.rpartition("-")[0], printed, "" if kind == "[" else row.unit, "" if row.unit == "对照" else kind, row.of


def test_the_published_reports_are_read_where_their_texts_are():
    """Against each row of data/published but claims: the quotations are there, every percentage is right, no error of reading is at 0.6."""
    for path in SOURCES.glob("*-report.txt"):
        period, content = path.name.removesuffix("-report.txt"), bare(path.read_text("utf-8-sig"))
        made = transcribe.draft(transcribe.text_of(path), period, DATA)
        read = [(key(Printed(**{name: row[name] for name in Printed._fields if name in row})), float(row["confidence"])) for row in made]
        wanted = [key(row) for row in audited(period)[0].printed if row.unit not in ("说法", "评语")]
        left = [each for each, _ in read]
        assert sum(left.remove(each) is None for each in wanted if each in left) >= LEAST[period]
        assert not [each for each in left if each[2] == "%"]
        wrong = [each for each, sure in read if sure >= 0.6 and each[3] not in ("", "[") and each not in wanted]
        assert not {each[:3] for each in wrong} & {each[:3] for each in wanted}, wrong
        for row in audited(period)[0].printed:
            assert all(bare(part) in content for part in row.sentence.split("…")), row.id


def test_the_command_writes_a_draft_that_can_be_audited_and_never_overwrites(data, tmp_path, capsys):
    path, source = data / "published" / "2017.csv", tmp_path / "report.txt"
    source.write_text(text(told("2017")), "utf8")
    words = ["transcribe", "2017", str(source), "--data", str(data)]
    assert main(words) == 2 and "never overwritten" in capsys.readouterr().err
    path.unlink()
    assert main(words) == 0 and re.search(r"2017.csv: \d+ rows, \d+ of them sure", capsys.readouterr().out)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfid,section,statement,printed,unit,counts,of,needs,sentence,page,instead,confidence\n")
    audit.published("2017", data)


@pytest.mark.parametrize("words, said", [(["2022"], "YEAR and FROM are needed"), (["2022", "none.pdf"], "there is no file none.pdf")])
def test_a_command_that_is_wrong(words, said, capsys, data):
    assert main(["transcribe", *words, "--data", str(data)]) == 2 and said in capsys.readouterr().err


@pytest.mark.parametrize("name, content", [("r.pdf", b"no pdf"), ("r.txt", "一、".encode("gbk"))])
def test_a_report_that_cannot_be_read(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="no PDF and no text"):
        transcribe.text_of(tmp_path / name)
