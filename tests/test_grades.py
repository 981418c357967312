"""The four grades at every edge, and what each period calls them. Expected: sections 二、5 of the two reports."""

import pytest
import workbooks

from analysis import DATA, registry, sheets
from analysis.grades import BEST_FIRST, FAIR, FAIRLY_HIGH, GRADES, HIGH, LOW

REGISTRY = registry.read(DATA)
EDGES = {0: LOW, 49: LOW, 49.5: LOW, 49.99: LOW, 50: FAIR, 69: FAIR, 69.5: FAIR, 69.99: FAIR, 70: FAIRLY_HIGH,
         84: FAIRLY_HIGH, 84.5: FAIRLY_HIGH, 84.99: FAIRLY_HIGH, 85: HIGH, 100: HIGH}
LABELS = {"2017": ["活跃度高", "活跃度较高", "活跃度一般", "活跃度较差"], "2020-2021": ["活跃度高", "活跃度较高", "活跃度一般", "不活跃"]}
BOTH = pytest.mark.parametrize("period", LABELS)


@BOTH
def test_grade_by_floor(period):
    assert {score: REGISTRY.scheme(period).grade(score) for score in EDGES} == EDGES
    for score in (-0.01, 100.01, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="is not between 0 and 100"):
            REGISTRY.scheme(period).grade(score)


@BOTH
def test_labels_floors_and_the_printed_bands_which_leave_no_score_without_a_grade(period):
    """The reports print 70分至84分; where a score has a fraction that would say nothing of 84.5."""
    scheme = REGISTRY.scheme(period)
    assert GRADES == ("活跃度较差", "活跃度一般", "活跃度较高", "活跃度高") and GRADES[::-1] == BEST_FIRST
    assert [(scheme.labels[grade], scheme.floors[grade], scheme.ceiling(grade)) for grade in BEST_FIRST] == [
        *zip(LABELS[period], (85, 70, 50, 0), (100, 85, 70, 50))]
    assert [scheme.band(grade) for grade in BEST_FIRST] == ["85—100分", "70—84分", "50—69分", "49分以下"]
    assert [scheme.band(grade, whole=False) for grade in BEST_FIRST] == ["85—100分", "70分及以上、不足85分", "50分及以上、不足70分", "不足50分"]


@pytest.mark.parametrize("period, declared", [
    ("2017", "2017"), ("2019", "2017"), ("2020-2021", "2020-2021"), ("2022", "2020-2021"), ("2023-2024", "2020-2021")])
def test_scheme_of_a_period_without_its_own(period, declared):
    assert REGISTRY.scheme(period).declared == declared
    assert list(REGISTRY.scheme(period).labels.values()) == LABELS[declared]


@BOTH
def test_a_label_is_known_with_its_endings_and_no_other(period):
    scheme = REGISTRY.scheme(period)
    for suffix in ("", "联盟", "的联盟", "的"):
        assert [scheme.named(label + suffix) for label in LABELS[period]] == [*BEST_FIRST]
        assert [scheme.named(grade + suffix) for grade in BEST_FIRST] == [*BEST_FIRST]
    others = ["活跃度", "", "活跃度高的联盟们", "活跃", "联盟", "活跃度高联盟（共 24 家）", *["不活跃", "不活跃的联盟"] * (period == "2017")]
    assert {*map(scheme.named, others)} == {None}


def test_every_edge_through_a_sheet(data):
    """A workbook of 2018 without grade rows: the grade follows from the score, and from 等级 where it is withheld."""
    wanted = [*EDGES.items(), (None, LOW), (None, FAIRLY_HIGH)]
    known = workbooks.scores("2017")[1:]  # the code of the first is doubtful
    workbooks.write(data, "2018", [(row.name, row.code, score, grade if score is None else None)
                                   for row, (score, grade) in zip(known, wanted, strict=False)])
    read = sheets.read("2018", data)
    assert [(a.score, a.grade) for a in read.evaluated] == wanted and read.scheme.declared == "2017"
