"""Back-tests: every count and share of the official text, asked for in the vocabulary; then the rules of counting."""

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from functools import cache

import pytest
import workbooks
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import breakdown, charts, sheets, tables
from analysis.breakdown import UnknownWord, half_up
from analysis.grades import GRADES

BATCHES = {"1": "第一批", "2": "第二批", "3": "第三批", "D": "网员联盟"}
# What is counted, the printed count, and the printed share in each denominator, section by section.
PUBLISHED = {
    "2017": [
        # 二、4 and 三、1
        ("试点联盟", 146, {}), ("第一批", 52, {}), ("第二批", 39, {}), ("第三批", 55, {}),
        ("录入信息", 110, {}), ("未录入", 36, {}), ("信息不完整", 9, {}), ("参评联盟", 101, {}),
        ("活跃度高+活跃度较高", 46, {"参评联盟": "45.54"}),
        ("活跃度高", 24, {"参评联盟": "23.76", "试点联盟": "16.44"}),
        ("活跃度较高", 22, {"参评联盟": "21.78", "试点联盟": "15.07"}),
        ("活跃度一般", 35, {"参评联盟": "34.65", "试点联盟": "23.97"}),
        ("活跃度较差", 20, {"参评联盟": "19.80", "试点联盟": "13.70"}),
        # 三、5 to 8
        ("活跃度高", 24, {"参评联盟": "23.76"}), ("活跃度较高", 22, {"参评联盟": "21.78"}),
        ("活跃度一般", 35, {"参评联盟": "34.65"}),
        ("95分及以上", 10, {}), ("95分及以上 第一批", 7, {}), ("95分及以上 第二批", 2, {}),
        *((f"活跃度高+活跃度较高 {batch}", count, {}) for batch, count in zip(BATCHES.values(), (23, 9, 14))),
        *((f"活跃度一般+活跃度较差 {batch}", count, {}) for batch, count in zip(BATCHES.values(), (17, 13, 25))),
    ],
    "2020-2021": [
        # 二、4, 三、1, 三、5, 五 and 七
        ("联盟总数", 157, {}), ("试点联盟", 146, {}), ("第一批", 52, {}), ("第二批", 39, {}), ("第三批", 55, {}),
        ("网员联盟", 11, {}), ("录入信息", 107, {}), ("信息不完整", 20, {}), ("未录入", 50, {}), ("参评联盟", 86, {}),
        ("参评联盟 网员联盟", 7, {}),
        ("活跃度高+活跃度较高", 57, {"参评联盟": "66.28", "联盟总数": "36.31"}),
        ("活跃度高", 35, {"参评联盟": "40.69", "联盟总数": "22.29"}),
        ("活跃度较高", 22, {"参评联盟": "25.58", "联盟总数": "14.01"}),
        ("活跃度一般", 18, {"参评联盟": "20.93", "联盟总数": "11.47"}),
        ("不活跃", 11, {"参评联盟": "12.79", "联盟总数": "7.01"}),
        *((f"活跃度高+活跃度较高 {batch}", count, {}) for batch, count in zip(BATCHES.values(), (27, 7, 18, 5))),
        *((f"活跃度一般+不活跃 {batch}", count, {}) for batch, count in zip(BATCHES.values(), (7, 6, 14, 2))),
        ("A级", 24, {}), ("A级 第一批", 14, {}), ("A级 第二批", 4, {}), ("A级 第三批", 5, {}), ("A级 网员联盟", 1, {}),
        # 三、6
        ("活跃度高", 35, {"参评联盟": "40.70"}), ("100分", 4, {}), ("95分及以上 第二批", 1, {}),
        ("100分 第一批", 2, {}), ("100分 第二批", 1, {}), ("100分 第三批", 1, {}), ("活跃度高 试点联盟", 32, {}),
        ("活跃度高 网员联盟", 3, {"本档联盟": "8.57", "参评联盟": "3.49", "联盟总数": "1.91"}),
        # 三、7
        ("活跃度较高", 22, {"参评联盟": "25.58", "联盟总数": "14.01"}), ("活跃度较高 试点联盟", 20, {}),
        ("活跃度较高 网员联盟", 2, {"本档联盟": "9.09", "参评联盟": "2.33", "联盟总数": "1.27"}),
        # 三、8
        ("活跃度一般", 18, {"参评联盟": "20.93"}), ("活跃度一般 试点联盟", 18, {}), ("活跃度一般 网员联盟", 0, {}),
        # 三、9
        ("不活跃", 11, {"参评联盟": "12.79"}), ("不活跃 试点联盟", 9, {}),
        ("不活跃 网员联盟", 2, {"本档联盟": "18.18", "参评联盟": "2.33", "联盟总数": "1.27"}),
    ],
}
# 三、5 to 8 and 6 to 9: of each grade, the three batches of pilots: count, printed share of the grade, of the batch.
BY_BATCH = {
    "2017": {
        "活跃度高": [(13, "54.17", "25"), (5, "20.83", "12.82"), (6, "25", "10.90")],
        "活跃度较高": [(10, "45.45", "19.23"), (4, "18.18", "10.26"), (8, "36.36", "14.55")],
        "活跃度一般": [(10, "28.57", "19.23"), (9, "25.71", "23.08"), (16, "45.72", "29.09")],
        "活跃度较差": [(7, "35", "13.46"), (4, "20", "10.26"), (9, "45", "16.36")],
    },
    "2020-2021": {
        "活跃度高": [(18, "56.25", "34.62"), (5, "15.63", "12.82"), (9, "28.13", "16.36")],
        "活跃度较高": [(9, "40.91", "17.31"), (2, "9.09", "5.13"), (9, "17.31", "16.36")],
        "活跃度一般": [(4, "22.22", "7.69"), (4, "22.22", "10.26"), (10, "55.56", "18.18")],
        "不活跃": [(3, "33.33", "5.77"), (2, "22.22", "5.13"), (4, "44.45", "7.27")],
    },
}
for period, whole in (("2017", "本档联盟"), ("2020-2021", "本档试点联盟")):
    PUBLISHED[period] += [(f"{grade} {batch}", count, {whole: of_grade, "本批次": of_batch})
                          for grade, cells in BY_BATCH[period].items()
                          for batch, (count, of_grade, of_batch) in zip(BATCHES.values(), cells)]
# The published shares that do not recompute: what is printed, the part and the whole that the text names, what is right.
SLIPS = {
    ("2017", "活跃度高 第三批", "本批次", "10.90"): (6, 55, "10.91"),  # cut, not rounded
    ("2017", "活跃度一般 第三批", "本档联盟", "45.72"): (16, 35, "45.71"),  # made to add to 100
    ("2020-2021", "活跃度高", "参评联盟", "40.69"): (35, 86, "40.70"),  # its own section 6 has 40.70
    ("2020-2021", "活跃度一般", "联盟总数", "11.47"): (18, 157, "11.46"),
    ("2020-2021", "活跃度较高 第一批", "本档试点联盟", "40.91"): (9, 20, "45.00"),  # 22, not the 20 pilots of the text
    ("2020-2021", "活跃度较高 第二批", "本档试点联盟", "9.09"): (2, 20, "10.00"),  # likewise
    ("2020-2021", "活跃度较高 第三批", "本档试点联盟", "17.31"): (9, 20, "45.00"),  # the share of batch 1 in its batch
    ("2020-2021", "不活跃 第三批", "本档试点联盟", "44.45"): (4, 9, "44.44"),  # made to add to 100
}
COUNTS = [(period, what, count) for period, lines in PUBLISHED.items() for what, count, _ in lines]
SHARES = [(period, what, of, printed) for period, lines in PUBLISHED.items()
          for what, _, shares in lines for of, printed in shares.items()]


@cache
def known(period: str) -> breakdown.Numbers:
    return breakdown.Numbers(sheets.read(period))


def rounded(part: int, whole: int) -> Decimal:
    """A percentage, half up, by decimal and not by the code under test."""
    with localcontext(prec=60):
        return (Decimal(100 * part) / whole).quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize("period, what, count", COUNTS)
def test_published_count(period, what, count):
    assert known(period).count(what) == count


@pytest.mark.parametrize("period, what, of, printed", SHARES)
def test_published_share(period, what, of, printed):
    *_, right = SLIPS.get((period, what, of, printed), (0, 0, printed))
    assert known(period).share(what, of).percent == f"{Decimal(right):.2f}%"


@pytest.mark.parametrize("slip, sum", SLIPS.items())
def test_slip_of_the_published_text(slip, sum):
    (period, what, of, printed), (part, whole, right) = slip, sum
    assert slip in SHARES
    assert rounded(part, whole) == Decimal(right) != Decimal(printed)
    assert known(period).share(what, of).fraction == Fraction(part, whole)


def test_no_share_of_the_texts_is_left_out():
    """They print so many percent signs."""
    assert Counter(period for period, *_ in SHARES) == {"2017": 36, "2020-2021": 48}


@pytest.mark.parametrize("period", PUBLISHED)
def test_every_grade_and_batch_against_the_sheet(period):
    numbers, rows = known(period), workbooks.scores(period)
    cells = Counter((row.grade, row.code[0]) for row in rows)
    for batch, name in BATCHES.items():
        if batch in numbers.batches:
            evaluated = sum(row.code[0] == batch for row in rows)
            assert numbers.count(f"参评联盟 {name}") == evaluated
            for grade in GRADES:
                share = numbers.share(f"{grade} {name}", "本批次参评联盟")
                assert (share.part, share.whole) == (cells[grade, batch], evaluated)


# The lists of the texts and the annexes, in printed order; each name goes on with 技术创新战略联盟.
AT_95 = {
    "2017": "半导体照明产业、粉末冶金产业、农业装备产业、TD 产业、住宅科技产业、木竹产业、集成电路封测产业链、"
            "烟气污染治理产业、化纤产业、太阳能光热产业",
    "2020-2021": "半导体照明产业、化纤产业、住宅科技产业、粉末冶金产业、建筑信息模型（BIM）产业、太阳能光热产业、"
                 "再生资源产业、第三代半导体产业、农业装备产业、冶金矿产资源高效开发利用产业、TD 产业、存储产业、"
                 "钒钛资源综合利用产业",
}
FULL_MARKS = {"2017": 2, "2020-2021": 4}


@pytest.mark.parametrize("period", AT_95)
def test_lists_by_name(period):
    names = [f"{name}技术创新战略联盟" for name in AT_95[period].split("、")]
    assert known(period).names("95分及以上") == names
    assert known(period).names("100分") == names[:FULL_MARKS[period]]
    assert known(period).names("参评联盟") == [row.name for row in workbooks.scores(period)]


def test_names_are_best_score_first(data):
    first, last = workbooks.scores("2017")[0], workbooks.scores("2017")[23]
    workbooks.change(data, {f"评分表!{column}{number}": value for number, row in ((4, last), (27, first))
                            for column, value in zip("BCD", row)})
    assert breakdown.Numbers(sheets.read("2017", data)).names("活跃度高")[-1] == last.name


def test_the_annex_is_in_the_order_of_its_ranks(data):
    """In the sheet 95 stands above 100; the annex has it below, and equal scores as the sheet has them."""
    cells = {f"评分表!{column}{row}": value for row, r in ((4, workbooks.scores("2017")[23]), (27, workbooks.scores("2017")[0]))
             for column, value in zip("BCD", r)}
    workbooks.change(data, cells)
    rows = [row for row in tables.scores(breakdown.Numbers(sheets.read("2017", data))).rows if not isinstance(row, str)]
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), key=float)
    assert rows[23][1] == workbooks.scores("2017")[23].name


# Registered, entered, incomplete, evaluated, not evaluated; None where nobody published it.
LADDER = {
    "2017": {"第一批": (52, None, None, 40, 12), "第二批": (39, None, None, 22, 17), "第三批": (55, None, None, 39, 16),
             "试点联盟": (146, 110, 9, 101, 45)},
    "2020-2021": {"第一批": (52, None, 6, 34, 18), "第二批": (39, None, 8, 13, 26), "第三批": (55, None, 5, 32, 23),
                  "网员联盟": (11, None, 1, 7, 4), "试点联盟": (146, None, 19, 79, 67), "联盟总数": (157, 107, 20, 86, 71)},
}


@pytest.mark.parametrize("period", LADDER)
def test_ladder(period):
    assert {row: tuple(steps.values()) for row, steps in known(period).ladder()} == LADDER[period]
    shown = {row[0]: row[1:6] for row in tables.ladder(known(period)).rows}
    assert shown == {row: ["未公布" if n is None else str(n) for n in steps] for row, steps in LADDER[period].items()}


@pytest.mark.parametrize("period, what, count", [
    ("2020-2021", "50分以下", 11), ("2020-2021", "50分及以上", 75), ("2020-2021", "40分以下", None),
    ("2020-2021", "1分及以上", None), ("2020-2021", "0分", None), ("2020-2021", "40分以下 活跃度一般", 0),
    ("2017", "40分以下", 12), ("2017", "30分", 1), ("2017", "40分", 1), ("2017", "84.5分及以上", 24),
    ("2017", "未录入 第一批", None), ("2017", "信息不完整 第三批", None),
    ("2020-2021", "30分", None),
    ("2017", "95分及以上+50分以下", 30),
    ("2017", "活跃度高 活跃度较高", 0),
    ("2017", "第一批 第二批 第三批", 0),
    ("2017", "A级", None),
])
def test_count_in_the_vocabulary(period, what, count):
    """None where a withheld score, or a list that nobody published, could change it; then there is no share either."""
    assert known(period).count(what) == count
    assert (known(period).share(what, "参评联盟") is None) == (count is None)


def test_withheld_score_may_be_100(data):
    workbooks.change(data, {"评分表!D4": None})
    assert breakdown.Numbers(sheets.read("2017", data)).count("100分") is None


@pytest.mark.parametrize("what", [
    "第四批", "活跃度", "95分以上", "优秀", "分", "+", "第一批+活跃度高", "参评联盟 未参评", "录入信息 活跃度高", "网员联盟",
    "不活跃", "A级 未参评", "活跃度高 的"])
def test_word_not_in_the_vocabulary(what):
    with pytest.raises(UnknownWord):
        known("2017").count(what)


def test_names_that_cannot_be_told():
    with pytest.raises(UnknownWord, match="withheld"):
        known("2020-2021").names("40分以下")


@pytest.mark.parametrize("period", PUBLISHED)
@pytest.mark.parametrize("where, of", [("", "试点联盟"), ("", "参评联盟"), ("第一批", "本批次"), ("第二批", "本批次参评联盟")])
def test_grades_add_to_the_whole(period, where, of):
    numbers = known(period)
    of = numbers.everyone if of == "试点联盟" else of
    parts = numbers.by_grade(where, of)
    labels = [numbers.scheme.labels[grade] for grade in GRADES]
    assert [group.label for group in parts.groups] == labels + ["未参评"] * ("参评" not in of)
    assert sum(group.count for group in parts.groups) == parts.whole == numbers.count(parts.of)


@pytest.mark.parametrize("period, of, total", [
    ("2017", "参评联盟", "99.99"), ("2017", "试点联盟", "100.00"),
    ("2020-2021", "参评联盟", "100.00"), ("2020-2021", "联盟总数", "99.99")])
def test_printed_shares_are_not_forced_to_100(period, of, total):
    """A note says so where they do not add up."""
    parts = known(period).by_grade("", of)
    assert parts.rounded_sum() == Decimal(total)
    assert charts.numbers_table(parts).note == ("" if total == "100.00" else f"各项占比分别四舍五入，相加为{total}%。")


@pytest.mark.parametrize("period, what, of, leader, trailer", [
    ("2017", "活跃度高", "本批次", "第一批", "第三批"),  # the text has batch 2 last; by this measure it is batch 3
    ("2020-2021", "活跃度高", "本批次", "第一批", "第二批"), ("2020-2021", "活跃度较高", "本档试点联盟", None, "第二批"),
    ("2020-2021", "活跃度一般", "本档试点联盟", "第三批", None), ("2017", "100分 活跃度一般", "本批次", None, None)])
def test_leader_and_trailer(period, what, of, leader, trailer):
    """None where two share the place, or nobody has any."""
    found = known(period).leader(what, of), known(period).trailer(what, of)
    assert [named and named[0] for named in found] == [leader, trailer]


@pytest.mark.parametrize("part, whole, shown", [
    (5, 32, "15.63"), (-5, 32, "-15.63"), (9, 32, "28.13"), (1, 800, "0.13"), (3, 800, "0.38"), (-1, 800, "-0.13"),
    (1, 20000, "0.01"), (1, 20001, "0.00"), (1, 3, "33.33"), (2, 3, "66.67"), (0, 7, "0.00"), (7, 7, "100.00")])
def test_half_up_at_exact_ties(part, whole, shown):
    assert str(half_up(Fraction(100 * part, whole))) == shown


@settings(deadline=None)
@given(st.integers(-10**9, 10**9), st.integers(1, 10**6), st.integers(0, 6))
def test_half_up_is_that_of_decimal(part, whole, places):
    with localcontext(prec=200):
        expected = (Decimal(part) / whole).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    assert half_up(Fraction(part, whole), places) == expected
