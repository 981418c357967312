"""Back-tests: the tables and lists that the two reports print, each number a mask on the roster; and the slips among them."""

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pandas as pd
import pytest
import workbooks

from analysis import roster, shares
from analysis.grades import BEST_FIRST, FAIRLY_HIGH, GRADES, HIGH, LOW

ROSTERS = {period: roster.read(period) for period in ("2017", "2020-2021")}
BATCHES = ("第一批", "第二批", "第三批", "网员联盟")
APPROVED = {"第一批": 52, "第二批": 39, "第三批": 55, "网员联盟": 11}
# Of each grade, best first: how many of each batch, as the sections on batches and grades print them.
COUNTS = {"2017": {"第一批": (13, 10, 10, 7), "第二批": (5, 4, 9, 4), "第三批": (6, 8, 16, 9)},
          "2020-2021": {"第一批": (18, 9, 4, 3), "第二批": (5, 2, 4, 2), "第三批": (9, 9, 10, 4), "网员联盟": (3, 2, 0, 2)}}
# Section 三, 1: of each grade and of the two upper ones, the printed share of those evaluated and of all.
OVERALL = {"2017": {HIGH: ("23.76", "16.44"), FAIRLY_HIGH: ("21.78", "15.07"), "活跃度一般": ("34.65", "23.97"), LOW: ("19.80", "13.70"),
                    "upper": ("45.54", None)},
           "2020-2021": {HIGH: ("40.69", "22.29"), FAIRLY_HIGH: ("25.58", "14.01"), "活跃度一般": ("20.93", "11.47"),
                         LOW: ("12.79", "7.01"), "upper": ("66.28", "36.31")}}
# Sections 三, 5 to 9: of each grade, by batch of pilots, the printed share of the grade's pilots and of the batch.
BY_BATCH = {"2017": {HIGH: [("54.17", "25"), ("20.83", "12.82"), ("25", "10.90")],
                     FAIRLY_HIGH: [("45.45", "19.23"), ("18.18", "10.26"), ("36.36", "14.55")],
                     "活跃度一般": [("28.57", "19.23"), ("25.71", "23.08"), ("45.72", "29.09")],
                     LOW: [("35", "13.46"), ("20", "10.26"), ("45", "16.36")]},
            "2020-2021": {HIGH: [("56.25", "34.62"), ("15.63", "12.82"), ("28.13", "16.36")],
                          FAIRLY_HIGH: [("40.91", "17.31"), ("9.09", "5.13"), ("17.31", "16.36")],
                          "活跃度一般": [("22.22", "7.69"), ("22.22", "10.26"), ("55.56", "18.18")],
                          LOW: [("33.33", "5.77"), ("22.22", "5.13"), ("44.45", "7.27")]}}
# The same sections: members of a grade as shares of the grade, of those evaluated, of all.
OF_MEMBERS = {HIGH: ("8.57", "3.49", "1.91"), FAIRLY_HIGH: ("9.09", "2.33", "1.27"), LOW: ("18.18", "2.33", "1.27")}
# What is printed and does not recompute: the part, the whole that the text names, and what is right.
SLIPS = {("2017", "第三批", HIGH, "10.90"): (6, 55, "10.91"), ("2017", "第三批", "活跃度一般", "45.72"): (16, 35, "45.71"),
         ("2020-2021", "evaluated", HIGH, "40.69"): (35, 86, "40.70"), ("2020-2021", "all", "活跃度一般", "11.47"): (18, 157, "11.46"),
         ("2020-2021", "第一批", FAIRLY_HIGH, "40.91"): (9, 20, "45.00"), ("2020-2021", "第二批", FAIRLY_HIGH, "9.09"): (2, 20, "10.00"),
         ("2020-2021", "第三批", FAIRLY_HIGH, "17.31"): (9, 20, "45.00"), ("2020-2021", "第三批", LOW, "44.45"): (4, 9, "44.44")}
# Entered less incomplete and so on is of the sheet; these are of the roster: all, evaluated, named as incomplete.
LADDER = {"2017": {"第一批": (52, 40, 0), "第二批": (39, 22, 0), "第三批": (55, 39, 0)},
          "2020-2021": {"第一批": (52, 34, 6), "第二批": (39, 13, 8), "第三批": (55, 32, 5), "网员联盟": (11, 7, 1)}}
A_LEVEL = {"第一批": 14, "第二批": 4, "第三批": 5, "网员联盟": 1}
AT_95 = {"2017": "半导体照明产业、粉末冶金产业、农业装备产业、TD 产业、住宅科技产业、木竹产业、集成电路封测产业链、烟气污染治理产业、"
                 "化纤产业、太阳能光热产业",
         "2020-2021": "半导体照明产业、化纤产业、住宅科技产业、粉末冶金产业、建筑信息模型（BIM）产业、太阳能光热产业、再生资源产业、"
                      "第三代半导体产业、农业装备产业、冶金矿产资源高效开发利用产业、TD 产业、存储产业、钒钛资源综合利用产业"}
FULL_MARKS = {"2017": 2, "2020-2021": 4}
BOTH = pytest.mark.parametrize("period", COUNTS)


def rounded(part: int, whole: int) -> str:
    """A percentage, half up, by decimal and not by the code under test."""
    with localcontext(prec=60):
        return f"{(Decimal(100 * part) / whole).quantize(Decimal('0.01'), ROUND_HALF_UP)}"


def printed_shares(period: str) -> list[tuple[str, str, str, pd.DataFrame, pd.DataFrame]]:
    """What each printed percentage is of: where, which grade, the number, and the rows of part and whole."""
    alliances = ROSTERS[period]
    evaluated, pilots = alliances.dropna(subset="grade"), alliances[alliances.pilot]
    found = []
    for grade, (of_evaluated, of_all) in OVERALL[period].items():
        part = evaluated[evaluated.grade >= FAIRLY_HIGH] if grade == "upper" else evaluated[evaluated.grade == grade]
        found.append(("evaluated", grade, of_evaluated, part, evaluated))
        found += [("all", grade, of_all, part, alliances)] if of_all else []
    for grade, cells in BY_BATCH[period].items():
        of_grade = pilots[pilots.grade == grade]
        for batch, (in_grade, in_batch) in zip(BATCHES, cells):
            part = of_grade[of_grade.batch == batch]
            found += [(batch, grade, in_grade, part, of_grade), (batch, grade, in_batch, part, pilots[pilots.batch == batch])]
    for grade, printed in OF_MEMBERS.items() if period == "2020-2021" else ():
        part = evaluated[(evaluated.grade == grade) & ~evaluated.pilot]
        found += [("members", grade, number, part, whole) for number, whole in
                  zip(printed, (evaluated[evaluated.grade == grade], evaluated, alliances))]
    return found


@BOTH
def test_each_printed_share(period):
    """All but the slips are what the roster gives; each slip is shown to be one by the numbers that the text itself names."""
    slips = {key[1:]: sum for key, sum in SLIPS.items() if key[0] == period}
    for where, grade, printed, part, whole in printed_shares(period):
        slip = slips.pop((where, grade, printed), None)
        right = slip[2] if slip else f"{Decimal(printed):.2f}"
        share = shares.share(part, of=whole)
        assert str(share) == f"{right}%", (where, grade)
        if slip:
            assert (share.part, share.whole) == slip[:2] and rounded(*slip[:2]) == right != printed
    assert not slips


@BOTH
def test_each_printed_count(period):
    evaluated = ROSTERS[period].dropna(subset="grade")
    table = pd.crosstab(evaluated.batch, evaluated.grade, dropna=False)
    assert {batch: tuple(table.loc[batch, list(BEST_FIRST)]) for batch in table.index} == COUNTS[period]


@BOTH
def test_every_row_against_the_sheet(period):
    """Read once more by plain openpyxl: names, codes, scores and grades in printed order, then those the sheet does not grade."""
    alliances, rows = ROSTERS[period], workbooks.scores(period)
    evaluated = alliances.dropna(subset="grade")
    assert list(zip(evaluated.name, evaluated.code, evaluated.score.astype(object).where(evaluated.score.notna(), None),
                    evaluated.grade)) == rows
    assert Counter(zip(evaluated.batch, evaluated.grade)) == Counter(
        ({"1": "第一批", "2": "第二批", "3": "第三批", "D": "网员联盟"}[row.code[0]], row.grade) for row in rows)
    assert list(evaluated.index) == list(range(len(rows))) and list(alliances.index) == list(range(len(alliances)))


@BOTH
def test_ladder(period):
    alliances = ROSTERS[period]
    for batch, (all_of_it, evaluated, incomplete) in LADDER[period].items():
        here = alliances[alliances.batch == batch]
        assert (len(here), here.grade.notna().sum(), (here.state == "信息不完整").sum()) == (all_of_it, evaluated, incomplete)
        assert (here.outcome == "未参评").sum() == all_of_it - evaluated and all_of_it == APPROVED[batch]
    assert len(alliances) == sum(APPROVED[batch] for batch in LADDER[period])


@BOTH
def test_lists_by_name(period):
    evaluated = ROSTERS[period].dropna(subset="grade")
    names = [f"{name}技术创新战略联盟" for name in AT_95[period].split("、")]
    assert list(evaluated[evaluated.score >= 95].name) == names
    assert list(evaluated[evaluated.score == 100].name) == names[:FULL_MARKS[period]]


def test_a_level_list():
    later = ROSTERS["2020-2021"]
    assert later[later.a_level].batch.value_counts().to_dict() == A_LEVEL and not ROSTERS["2017"].a_level.any()
    assert (later[later.a_level].grade == HIGH).all()


@BOTH
def test_shares_by_grade_are_exact_and_not_forced_to_100(period):
    alliances = ROSTERS[period]
    for values, whole in ((alliances.outcome, len(alliances)), (alliances.grade.dropna(), alliances.grade.notna().sum())):
        frame = shares.of(values)
        assert list(frame.index[:4]) == list(BEST_FIRST) and frame["联盟数"].sum() == whole
        assert [f"{value:.2f}" for value in frame["占比"]] == [rounded(n, whole) for n in frame["联盟数"]]
    total = sum(Fraction(str(value)) for value in shares.of(alliances.grade.dropna())["占比"])
    assert total == Fraction({"2017": "99.99", "2020-2021": "100"}[period])


def test_withheld_scores_have_bounds_and_no_rank():
    later = ROSTERS["2020-2021"]
    hidden = later[later.grade.notna() & later.score.isna()]
    assert len(hidden) == 11 and set(hidden.grade) == {LOW}
    assert (hidden.low == 0).all() and (hidden.high == 50).all() and hidden["rank"].isna().all()
    known = later.dropna(subset="score")
    assert (known.low == known.score).all() and (known.high == known.score).all()
    assert list(known["rank"]) == [1 + (known.score > score).sum() for score in known.score]
    assert tuple(GRADES) == tuple(later.grade.cat.categories) and later.grade.max() == HIGH and later.level.max() == 4
