"""The four grades at every edge, and what each period calls them. Expected: sections 二、5 of the two reports."""

import openpyxl
import pytest
import workbooks

from analysis import DATA, registry, sheets
from analysis.grades import BEST_FIRST, FAIR, FAIRLY_HIGH, GRADES, HIGH, LOW

REGISTRY = registry.read(DATA)
EDGES = {0: LOW, 49: LOW, 49.5: LOW, 49.99: LOW, 50: FAIR, 69: FAIR, 69.5: FAIR, 69.99: FAIR, 70: FAIRLY_HIGH,
         84: FAIRLY_HIGH, 84.5: FAIRLY_HIGH, 84.99: FAIRLY_HIGH, 85: HIGH, 100: HIGH}
LABELS = {
    "2017": ["活跃度高", "活跃度较高", "活跃度一般", "活跃度较差"],
    "2020-2021": ["活跃度高", "活跃度较高", "活跃度一般", "不活跃"],
}
BOTH = pytest.mark.parametrize("period", LABELS)


def test_four_grades_worst_to_best():
    assert GRADES == ("活跃度较差", "活跃度一般", "活跃度较高", "活跃度高") and GRADES[::-1] == BEST_FIRST


@BOTH
@pytest.mark.parametrize("score, grade", EDGES.items())
def test_grade_by_floor(period, score, grade):
    assert REGISTRY.scheme(period).grade(score) == grade


@pytest.mark.parametrize("score", [-1, -0.01, 100.01, 101, float("nan"), float("inf")])
def test_no_grade_outside_0_to_100(score):
    with pytest.raises(ValueError, match="is not between 0 and 100"):
        REGISTRY.scheme("2017").grade(score)


@BOTH
def test_labels_and_floors(period):
    scheme = REGISTRY.scheme(period)
    assert [scheme.labels[grade] for grade in BEST_FIRST] == LABELS[period]
    assert [scheme.floors[grade] for grade in BEST_FIRST] == [85, 70, 50, 0]
    assert [scheme.ceiling(grade) for grade in BEST_FIRST] == [100, 85, 70, 50]


@BOTH
def test_bands_are_the_printed_ones_and_leave_no_score_without_a_grade(period):
    """The reports print 70分至84分; where a score has a fraction that would say nothing of 84.5."""
    scheme = REGISTRY.scheme(period)
    assert [scheme.band(grade) for grade in BEST_FIRST] == ["85—100分", "70—84分", "50—69分", "49分以下"]
    assert [scheme.band(grade, whole=False) for grade in BEST_FIRST] == ["85—100分", "70分及以上、不足85分", "50分及以上、不足70分", "不足50分"]


@pytest.mark.parametrize("period, declared", [
    ("2017", "2017"), ("2018", "2017"), ("2019", "2017"), ("2020-2021", "2020-2021"), ("2022", "2020-2021"),
    ("2023-2024", "2020-2021")])
def test_scheme_of_a_period_without_its_own(period, declared):
    scheme = REGISTRY.scheme(period)
    assert scheme.declared == declared
    assert list(scheme.labels.values()) == LABELS[declared]


@BOTH
@pytest.mark.parametrize("suffix", ["", "联盟", "的联盟", "的"])
@pytest.mark.parametrize("place", range(4))
def test_named_with_suffixes(period, suffix, place):
    assert REGISTRY.scheme(period).named(LABELS[period][place] + suffix) == BEST_FIRST[place]
    assert REGISTRY.scheme(period).named(BEST_FIRST[place] + suffix) == BEST_FIRST[place]


@pytest.mark.parametrize("period, label", [
    ("2017", "不活跃"), ("2017", "不活跃的联盟"), ("2017", "活跃度"), ("2017", ""), ("2017", "活跃度高的联盟们"),
    ("2020-2021", "活跃"), ("2020-2021", "联盟"), ("2020-2021", "活跃度高联盟（共 24 家）")])
def test_named_knows_no_other_label(period, label):
    assert REGISTRY.scheme(period).named(label) is None


def test_every_edge_through_a_sheet(data):
    """A workbook of 2018 without grade rows: the grade follows from the score, and from 等级 where it is withheld."""
    known = workbooks.scores("2017")[1:]  # the code of the first is doubtful
    wanted = [*EDGES.items(), (None, LOW), (None, FAIRLY_HIGH)]
    book = openpyxl.Workbook()
    book.active.title = "评分表"
    book.active.append(["联盟名称", "批次", "评分", "等级"])
    for row, (score, grade) in zip(known, wanted, strict=False):
        book.active.append([row.name, row.code, score, grade if score is None else None])
    facts = book.create_sheet("评价期")
    for line in (["项目", "数值"], ["开始日期", "2018-01-01"], ["结束日期", "2018-12-31"]):
        facts.append(line)
    book.save(data / "score_sheets" / "2018.xlsx")
    read = sheets.read("2018", data)
    assert [(a.score, a.grade) for a in read.evaluated] == wanted
    assert read.scheme.declared == "2017"


def test_withheld_scores_of_2020_2021():
    """The annex prints no score for its 11 不活跃联盟, and one for everyone else."""
    period = sheets.read("2020-2021")
    assert [a.grade for a in period.evaluated if a.score is None] == [LOW] * 11
    assert not any(a.grade == LOW for a in period.evaluated if a.score is not None)
