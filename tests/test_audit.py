"""The audit of published reports: verdicts follow from the data, known slips are found, nothing agrees by copying."""

from __future__ import annotations

import ast
import csv
import datetime as dt
import json
import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import openpyxl
import pytest
from conftest import PERIODS, once, run

from analysis import DATA, NOTEBOOKS, audit, blocks, breakdown, sentences, sheets

PERCENTAGES = {"2017": 36, "2020-2021": 48}


@cache
def report_of(period: str) -> audit.Audit:
    return audit.report(period)


@pytest.fixture(scope="module")
def checked(period) -> audit.Audit:
    return report_of(period)


def row(printed: str, unit: str, counts: str, of: str = "", id: str = "x-01", section: str = "x") -> audit.Printed:
    return audit.Printed(id, section, "…", printed, unit, counts, of, "")


def verdict(numbers, *rows: audit.Printed) -> audit.Finding:
    """The finding on the first of some rows."""
    return audit.check([*rows], numbers)[0]


def kinds(finding: audit.Finding) -> list[str]:
    return [cause.kind for cause in finding.causes]


# What is written down

def test_every_printed_percentage_has_its_row(period, checked):
    assert sum(f.row.unit == "%" for f in checked.findings) == PERCENTAGES[period]


def test_every_percentage_of_a_denominator_is_of_what_it_says(checked):
    for finding in checked.findings:
        if finding.row.unit == "%":
            assert checked.numbers.contains(finding.row.of, finding.row.counts), finding.row


def test_the_verdicts_are_three_and_each_row_has_one(checked):
    assert {f.verdict for f in checked.findings} == set(audit.VERDICTS)
    assert all(f.causes for f in checked.of(audit.UNVERIFIED)), "what would be needed is said"
    assert not any(f.causes for f in checked.of(audit.AGREES))


# Slips that the two reports are known to have

SLIPS = [
    ("2017", "三、5", "10.90%", "10.91%", audit.TRUNCATED, "6 ÷ 55"),
    ("2017", "三、7", "45.72%", "45.71%", audit.ADJUSTED, "45.72 + 28.57 + 25.71 = 100.00"),
    ("2020-2021", "三、1", "40.69%", "40.70%", audit.TRUNCATED, "35 ÷ 86"),
    ("2020-2021", "三、1", "11.47%", "11.46%", audit.ADJUSTED, "71 ÷ 157 = 45.22%"),
    ("2020-2021", "三、7", "40.91%", "45.00%", audit.DENOMINATOR, "9 ÷ 22"),
    ("2020-2021", "三、7", "9.09%", "10.00%", audit.DENOMINATOR, "2 ÷ 22"),
    ("2020-2021", "三、7", "17.31%", "45.00%", audit.NEIGHBOUR, "9 ÷ 52"),
    ("2020-2021", "三、9", "44.45%", "44.44%", audit.ADJUSTED, "44.45 + 33.33 + 22.22 = 100.00"),
    ("2020-2021", "二、4", "86", "87", audit.OFF_BY_ONE, "107 − 20 = 87"),
    ("2020-2021", "七", "157", "156", audit.OFF_BY_ONE, "86 + 20 + 50 = 156"),
    ("2020-2021", "七", "50", "51", audit.OFF_BY_ONE, "52 − 34 − 6 + 39 − 13 − 8 + 55 − 32 − 5 + 11 − 7 − 1 = 51"),
]


@pytest.mark.parametrize("which, section, printed, right, cause, words", SLIPS)
def test_each_known_slip_is_found_with_its_cause(which, section, printed, right, cause, words):
    found = [f for f in report_of(which).of(audit.DIFFERS) if f.row.section.startswith(section) and f.row.printed == printed
             and f.recomputed == right and f.causes[0].kind == cause and words in f.causes[0].english]
    assert len(found) == 1


def test_no_other_percentage_differs():
    differing = {period: sorted(f.row.printed for f in report_of(period).of(audit.DIFFERS) if f.row.unit == "%")
                 for period in PERIODS}
    known = {period: sorted(slip[2] for slip in SLIPS if slip[0] == period and slip[2].endswith("%")) for period in PERIODS}
    assert differing == known


def test_the_same_share_printed_twice_in_two_ways_is_said():
    found = next(f for f in report_of("2020-2021").of(audit.DIFFERS) if f.row.printed == "40.69%")
    assert "40.70% (三、6" in found.record()["cause"]


def test_the_batch_that_is_said_to_trail_trails_only_in_heads():
    found = next(f for f in report_of("2017").findings if f.row.printed == "稍落后")
    assert found.verdict == audit.DIFFERS
    assert found.causes[0].english == "holds only under: 家数"
    assert "12.82%（5/39） > 10.91%（6/55）" in found.working and "22.73%（5/22） > 15.38%（6/39）" in found.working


def test_polarisation_holds_under_no_measure():
    found = [f for f in report_of("2017").findings if f.row.printed == "两极分化"]
    assert len(found) == 2 and all(kinds(f) == [audit.NO_MEASURE] for f in found)


def test_a_claim_that_fails_reads_as_a_true_relation(numbers):
    """The relation that is printed is what is so; it is the claim that fails."""
    high, low = ("活跃度高", "活跃度较差") if numbers.count("活跃度高") > numbers.count("活跃度较差") else ("活跃度较差", "活跃度高")
    found, = audit.check([row("前者少", "说法", f"{high} < {low}")], numbers)
    assert found.working == f"实为{numbers.count(high)} > {numbers.count(low)}，说法不成立"


def test_a_streak_is_not_verified_where_sheets_are_missing(checked):
    streaks = [f for f in checked.findings if f.row.counts.startswith("连续")]
    assert streaks and all(f.verdict == audit.UNVERIFIED and "评分表" in f.causes[0].detail for f in streaks)


def test_a_streak_that_a_sheet_contradicts_differs(checked, numbers):
    """抗生素 is not graded 活跃度高 in either period."""
    code = "108"
    others = [sheets.read(other) for other in PERIODS if other != numbers.period.name]
    assert audit.check([row("连年", "说法", f"连续 2 期 活跃度高 {code}")], numbers, others)[0].verdict == audit.DIFFERS


# Nothing agrees by copying

def test_a_figure_that_is_only_stated_never_agrees(checked):
    for finding in checked.findings:
        if finding.row.is_number and finding.row.counts and "[" not in finding.row.counts:
            total = checked.numbers.total(finding.row.counts)
            assert not (total.stated and finding.verdict == audit.AGREES), finding.row


@pytest.mark.parametrize("which, counts", [
    *(("2017", counts) for counts in ("录入信息", "信息不完整", "有网站联盟数", "专家人数", "活跃度高 政府项目", "第一批")),
    *(("2020-2021", counts) for counts in ("录入信息", "自设项目数", "网员联盟"))])
def test_what_the_sheet_only_repeats(which, counts):
    numbers = breakdown.Numbers(sheets.read(which))
    value = breakdown.shown(numbers.total(counts).number)
    assert verdict(numbers, row(value, "家", counts)).verdict == audit.UNVERIFIED
    assert verdict(numbers, row(str(int(value) + 1), "家", counts)).verdict == audit.DIFFERS


@pytest.mark.parametrize("counts, printed", [
    ("自设项目数 + 政府委托项目数 + 企业委托项目数", "1804"), ("自设项目投入 + 政府委托项目投入 + 企业委托项目收入", "1545"),
    ("联盟总数 - 录入信息", "50"), ("信息不完整", "20"), ("专家人数", "34")])
def test_sums_and_lists_are_verified(counts, printed):
    numbers = breakdown.Numbers(sheets.read("2020-2021"))
    assert verdict(numbers, row(printed, "项", counts)).verdict == audit.AGREES


# Mutations

def mutants(printed: audit.Printed) -> list[str]:
    """The printed value one unit of its last place up and down, a list without a name, a name without a character."""
    if printed.unit == "名单":
        return ["；".join(printed.names[1:]) or "某联盟"]
    if printed.unit in ("名称", "称呼"):
        return [printed.printed[:1] + printed.printed[2:]]
    if printed.unit == "分段":
        return [re.sub(r"\d+", lambda m: str(int(m[0]) + 1), printed.printed, count=1)]
    if printed.unit == "日期":
        return [re.sub(r"\d+", lambda m: str(int(m[0]) + 1), printed.printed, count=1)]
    digits = printed.printed.rstrip("%")
    if not digits[0].isdigit():
        digits = str(int(printed.value))
    number = Decimal(digits)
    step = Decimal(1).scaleb(number.as_tuple().exponent)
    return [f"{n}{'%' if printed.unit == '%' else ''}" for n in (number + step, number - step) if n >= 0]


def test_every_mutated_value_is_noticed(checked):
    rows = [finding.row for finding in checked.findings]
    places = 2
    tried = 0
    for index, finding in enumerate(checked.findings):
        if not finding.row.counts or finding.row.unit == "说法":
            continue
        for value in mutants(finding.row):
            mutant = replace(finding.row, printed=value)
            judge = audit._Judge(checked.numbers, [*rows[:index], mutant, *rows[index + 1:]], places, [])
            found = judge.finding(mutant)
            assert (found.verdict, found.difference) != (finding.verdict, finding.difference), (finding.row, value)
            tried += 1
    assert tried > 200


def test_every_reversed_claim_is_noticed(checked):
    reverse = {">": "<=", "<": ">=", ">=": "<", "<=": ">"}
    for finding in checked.findings:
        claim = finding.row.counts
        if finding.row.unit == "说法" and (" > " in claim or " < " in claim):
            turned = re.sub(r" (>=|<=|>|<) ", lambda m: f" {reverse[m[1]]} ", claim)
            found = verdict(checked.numbers, replace(finding.row, counts=turned))
            assert (found.verdict, found.recomputed) != (finding.verdict, finding.recomputed), claim


def test_a_closure_notices_each_of_its_terms(checked):
    rows = [finding.row for finding in checked.findings]
    for finding in checked.findings:
        for key in re.findall(r"\[(.+?)\]", finding.row.counts):
            changed = [replace(r, printed=str(int(r.value) + 1)) if r.id == key else r for r in rows]
            found = audit._Judge(checked.numbers, changed, 2, []).finding(finding.row)
            assert found.difference != finding.difference, (finding.row, key)


# Rounding

@pytest.mark.parametrize("counts, right, wrong", [
    ("活跃度高 第二批", "15.63%", "15.62%"), ("活跃度高 第三批", "28.13%", "28.12%")])
def test_ties_are_rounded_half_up(counts, right, wrong):
    """5/32 and 9/32 are 15.625 and 28.125 percent."""
    numbers = breakdown.Numbers(sheets.read("2020-2021"))
    assert verdict(numbers, row(right, "%", counts, "本档试点联盟")).verdict == audit.AGREES
    found = verdict(numbers, row(wrong, "%", counts, "本档试点联盟"))
    assert found.verdict == audit.DIFFERS and kinds(found)[0] == audit.TRUNCATED


def test_dropped_zeros_are_no_slip_and_fewer_places_are_held_to_the_most_printed():
    numbers = breakdown.Numbers(sheets.read("2017"))
    other = row("23.76%", "%", "活跃度高", "参评联盟", id="x-02")
    assert verdict(numbers, row("25%", "%", "活跃度高 第一批", "本批次"), other).verdict == audit.AGREES
    assert verdict(numbers, row("13%", "%", "活跃度高 第二批", "本批次"), other).verdict == audit.DIFFERS
    assert verdict(numbers, row("13%", "%", "活跃度高 第二批", "本批次")).verdict == audit.AGREES


# Causes, in a report that nobody has seen

def test_causes_come_from_computing():
    numbers = breakdown.Numbers(sheets.read("2017"))

    def share(printed, counts, of, id="x-01"):
        return row(printed, "%", counts, of, id=id)

    assert kinds(verdict(numbers, share("16.43%", "活跃度高", "试点联盟"))) == [audit.TRUNCATED]
    assert kinds(verdict(numbers, share("24.75%", "活跃度较高 第一批", "参评联盟"))) == []
    found = verdict(numbers, share("10.00%", "活跃度一般 第三批", "本批次"),
                    share("10.00%", "活跃度高 第一批", "本档联盟", "x-02"))
    assert kinds(found) == [], "the neighbour is itself wrong"
    found = verdict(numbers, share("19.23%", "活跃度一般 第三批", "本批次"),
                    share("19.23%", "活跃度一般 第一批", "本批次", "x-02"))
    assert kinds(found) == [audit.NEIGHBOUR]
    found = verdict(numbers, share("41.03%", "活跃度一般 第三批", "本批次"))
    assert kinds(found) == [audit.DENOMINATOR] and "16 ÷ 39" in found.causes[0].detail
    found = verdict(numbers, row("102", "家", "录入信息 - 信息不完整"))
    assert kinds(found) == [audit.OFF_BY_ONE] and found.difference == "+1"


# Files that a person writes

BAD = [
    ("unit", ["b-01", "节", "…", "10", "only", "活跃度高", "", ""], "家"),
    ("printed", ["b-02", "节", "…", "一成", "%", "活跃度高", "参评联盟", ""], "45.54%"),
    ("of", ["b-03", "节", "…", "10%", "%", "活跃度高", "", ""], "参评联盟"),
    ("counts", ["b-04", "节", "…", "10", "家", "活跃度极高", "", ""], "活跃度较高"),
    ("counts", ["b-05", "节", "…", "10", "家", "[z-99] + 活跃度高", "", ""], "z-99"),
    ("counts", ["b-06", "节", "…", "甲联盟", "名称", "999", "", ""], "codes.csv"),
    ("counts", ["b-07", "节", "…", "领先", "说法", "第一批 领先", "", ""], "A > B"),
    ("of", ["b-08", "节", "…", "10%", "%", "活跃度高", "本批次", ""], "本批次"),
    ("of", ["b-09", "节", "…", "10", "家", "活跃度高", "参评联盟", ""], "empty"),
    ("counts", ["b-10", "节", "…", "某某联盟", "名单", "", "", ""], "counted"),
    ("printed", ["b-11", "节", "…", "七成", "分段", "活跃度高", "", ""], "70分至84分"),
    ("counts", ["b-12", "节", "…", "2017年1月1日", "日期", "开会", "", ""], "开始日期"),
    ("counts", ["b-13", "节", "…", "130多", "项", "活跃度高", "", ""], "130多"),
]


def test_malformed_rows_are_named_all_at_once(data, tmp_path):
    path = data / "published" / "2017.csv"
    good = path.read_text("utf-8-sig").rstrip("\n").splitlines()
    path.write_text("\n".join([*good, *(",".join(cells) for _, cells, _ in BAD)]) + "\n", "utf-8-sig")
    result = run("audit", "2017", out=tmp_path / "out", data=data)
    assert result.returncode == 1 and not result.stdout
    lines = result.stderr.splitlines()
    assert len(lines) == len(BAD), result.stderr
    for line, (column, _, allowed), number in zip(lines, BAD, range(len(good) + 1, 10_000)):
        assert line.startswith(f"published/2017.csv › line {number} › {column}: "), line
        assert allowed in line, line
    assert not [path for path in (tmp_path / "out").glob("reports/*") if not path.name.startswith(".")]


@pytest.mark.parametrize("content, words", [
    (None, "there is no such file"), (b"", "has no column"), ("编号".encode("gbk"), "not UTF-8"),
    (b"id,section,statement,printed,unit,counts,of,needs\n", "no rows"),
    (b"id,section,statement,printed,unit,counts,of,needs\na,s,t,1,\xe5\xae\xb6,,,\na,s,t,1,\xe5\xae\xb6,,,\n", "line 3"),
    (b"id,section,statement,printed,unit,counts,of,needs\na,s,t,,\xe5\xae\xb6,,,\n", "printed is empty")])
def test_a_published_file_that_cannot_be_read(data, tmp_path, content, words):
    path = data / "published" / "2017.csv"
    path.unlink() if content is None else path.write_bytes(content)
    result = run("audit", "2017", out=tmp_path / "out", data=data)
    assert result.returncode == 1 and words in result.stderr and "Traceback" not in result.stderr, result.stderr


def test_another_report_is_audited_from_another_folder(data, tmp_path):
    book = openpyxl.load_workbook(data / "score_sheets" / "2017.xlsx")
    for line in book["评价期"].iter_rows(min_row=2):
        if isinstance(line[1].value, dt.datetime):
            line[1].value = line[1].value.replace(year=line[1].value.year - 1)
    for path in (data / "score_sheets").glob("*.xlsx"):
        path.unlink()
    book.save(data / "score_sheets" / "2016.xlsx")
    known = data / "registry" / "periods.csv"
    known.write_text("".join(line for line in known.read_text("utf-8-sig").splitlines(keepends=True)
                             if not line.startswith("2017,")), "utf-8-sig")
    codes = data / "registry" / "codes.csv"
    codes.write_text(codes.read_text("utf-8-sig").replace(",2017,", ",2016,"), "utf-8-sig")
    heading, *_ = (data / "published" / "2017.csv").read_text("utf-8-sig").splitlines()
    (data / "published" / "2016.csv").write_text(f"{heading}\n1,结果,活跃度高占参评,23.77%,%,活跃度高,参评联盟,\n", "utf-8-sig")
    result = run("audit", "2016", out=tmp_path, data=data)
    assert result.returncode == 0, result.stderr
    assert "1 figures and claims checked: 0 agree, 1 differ, 0 cannot be verified" in result.stdout


def test_a_sheet_of_another_period_that_cannot_be_read_is_left_out_and_named(data):
    (data / "score_sheets" / "2020-2021.xlsx").write_bytes(b"not a workbook")
    found = audit.report("2017", data)
    assert found.unread == ["2020-2021"]
    assert "2020\\-2021的评分表读不出来" in audit.sentences(found)("names").markdown


# What is made

@pytest.fixture(scope="session")
def made_audit(shared, period):
    def build(out: Path) -> None:
        result = run("audit", period, out=out)
        assert result.returncode == 0, result.stderr
        (out / "said.json").write_text(json.dumps(result.stdout))

    return once(shared, f"audit-{period}", build)


def test_what_an_audit_makes(made_audit, period, checked):
    reports = made_audit / "reports"
    assert {path.name for path in reports.iterdir() if not path.name.startswith(".")} == {
        f"audit-{period}.{kind}" for kind in ("html", "pdf", "csv", "ipynb")}
    text = (reports / f"audit-{period}.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    records = list(csv.DictReader(text.decode("utf-8-sig").splitlines()))
    assert list(records[0]) == ["id", "section", "statement", "printed", "recomputed", "difference", "verdict", "cause"]
    assert records == [finding.record() for finding in checked.findings]
    assert (made_audit / "figures" / f"audit-{period}" / "agreement.svg").exists()


def test_what_the_terminal_says(made_audit, period, checked):
    said = json.loads((made_audit / "said.json").read_text())
    counts = Counter(f.verdict for f in checked.findings)
    assert (f"{period}: {len(checked.findings)} figures and claims checked: {counts['agrees']} agree, "
            f"{counts['differs']} differ, {counts['cannot be verified']} cannot be verified") in said
    for finding in checked.of(audit.DIFFERS):
        assert f"{finding.row.statement} [{finding.row.id}]" in said


def test_the_same_bytes_twice(made_audit, period, tmp_path):
    assert run("audit", period, out=tmp_path).returncode == 0
    for path in sorted([*made_audit.glob("reports/audit*"), *made_audit.glob("figures/*/*")]):
        if path.suffix != ".ipynb":
            assert (tmp_path / path.relative_to(made_audit)).read_bytes() == path.read_bytes(), path


def test_the_report_says_each_difference_and_each_name(made_audit, period, checked):
    html = (made_audit / "reports" / f"audit-{period}.html").read_text("utf8")
    for finding in checked.findings:
        assert f">{finding.row.id}<" in html
    for finding in checked.of(audit.DIFFERS):
        assert f"（{finding.row.id}）" in html
    words = ["一码两家", "一家两码", "更名", "误写", "同分次序", "等级叫法"]
    assert set(words) <= {name.kind for name in checked.names}
    for word in words:
        assert f">{word}<" in html


def test_names_stand_beside_the_registrys_decision(checked):
    by_code = [name for name in checked.names if name.kind == "一码两家"]
    assert len(by_code) == 1 and by_code[0].seen.startswith("109：") and "存疑" in by_code[0].decision
    recoded = [name.seen for name in checked.names if name.kind == "一家两码"]
    assert len(recoded) == 2
    assert any("110" in seen for seen in recoded) and any("201" in seen and "210" in seen for seen in recoded)
    assert all(name.evidence != "—" for name in checked.names)


def test_worst_comes_first():
    groups = audit.worst_first(report_of("2020-2021"))
    assert groups[0][1][0].row.printed == "17.31%"
    assert sum(len(found) for _, found in groups) == len(report_of("2020-2021").of(audit.DIFFERS))


# The period report's own numbers

def run_cells(period: str, shown: list) -> None:
    """Run the period report's notebook here, and note for each cell what it shows."""
    names: dict[str, object] = {}
    for cell in json.loads((NOTEBOOKS / "report.ipynb").read_text("utf8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), names)
        if "parameters" in cell["metadata"].get("tags", ()):
            names["period"] = period
        if last is not None:
            shown.append(eval(compile(ast.Expression(last.value), "cell", "eval"), names))


def test_whatever_the_period_report_says_goes_through_the_vocabulary(period, monkeypatch):
    """Every count and share that the report is made with is a row that an audit can check, and every percentage that it
    shows is one of them."""
    counts: dict[str, breakdown.Count] = {}
    shares: set[breakdown.Share] = set()
    count_of, make_share = breakdown.Numbers.count, breakdown.Share.__init__

    def count(self, what):
        number = count_of(self, what)
        counts.update({} if number is None else {what: number})
        return number

    def share(self, *values, **named):
        make_share(self, *values, **named)
        shares.add(self)

    monkeypatch.setattr(breakdown.Numbers, "count", count)
    monkeypatch.setattr(breakdown.Share, "__init__", share)
    shown: list[blocks.Block] = []
    run_cells(period, shown)
    counts, shares = dict(counts), set(shares)
    monkeypatch.undo()

    numbers = breakdown.Numbers(sheets.read(period))
    rows = [row(str(int(number)), "家", what, id=f"c-{i}") for i, (what, number) in enumerate(counts.items()) if what]
    rows += [row(s.percent, "%", s.what, s.of, id=f"s-{i}") for i, s in enumerate(sorted(shares, key=str)) if s.whole]
    assert len(rows) > 100
    for finding in audit.check(rows, numbers):
        assert finding.verdict != audit.DIFFERS, finding
        assert finding.verdict == audit.AGREES or finding.row.is_number, finding

    known = {s.percent for s in shares}
    remarks = sentences.remarks(numbers.period)
    for block in shown:
        if isinstance(block, blocks.Text) and block.markdown != remarks.markdown:
            assert set(re.findall(r"\d+\.\d+%", block.markdown.replace("\\", ""))) <= known, block
        table = block if isinstance(block, blocks.Table) else getattr(block, "numbers", None)
        for cells in table.rows if table else ():
            assert set(re.findall(r"\d+\.\d+%", " ".join(cells))) <= known | {"100.00%"}, cells
        for record in getattr(block, "records", ()):
            if {"联盟数", "分母", "占比"} <= set(record):
                exact = Fraction(100 * record["联盟数"], record["分母"])
                assert Decimal(record["占比"]) == breakdown.half_up(exact)


def test_the_vocabulary_has_no_second_one(numbers):
    """A sum is what its terms add up to, and a sheet's own words are in the same phrases."""
    assert numbers.total("活跃度高 + 活跃度较高").number == numbers.count("活跃度高+活跃度较高")
    assert numbers.total("联盟总数 - 参评联盟").number == numbers.count("未参评")
    assert str(numbers.total("第一批 + 第二批 + 第三批")) == "52 + 39 + 55 = 146"
    with pytest.raises(breakdown.UnknownWord):
        numbers.understand("第九批")


def test_a_row_that_nothing_can_be_computed_from_says_what_it_needs(numbers):
    found = verdict(numbers, replace(row("25000", "平方米", ""), needs="工程资料"))
    assert (found.verdict, found.causes[0].chinese) == (audit.UNVERIFIED, "要有：工程资料")


@pytest.mark.parametrize("printed, value", [("两", 2), ("四", 4), ("六十", 60), ("十一", 11), ("无", 0), ("130多", 130)])
def test_numbers_as_reports_print_them(printed, value):
    assert row(printed, "家", "").value == value


def test_published_files_are_utf8_with_a_mark():
    for period in PERIODS:
        assert audit.path_of(period, DATA).read_bytes().startswith(b"\xef\xbb\xbf")
