"""`make data`: tidy tables that a program can read by their Data Package, and pandas with the grades in order."""

import json
import shutil
from pathlib import Path

import frictionless
import pandas as pd
import periods
import pytest
from conftest import run

from analysis import roster, tidy
from analysis.grades import GRADES, HIGH


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("tidy")
    assert run("data", out=out).returncode == 0
    return out / "reports" / "data"


def test_the_package_is_valid_and_a_grade_that_is_none_is_not(made, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(made, tmp_path / "data"))
    monkeypatch.chdir(folder)
    assert frictionless.validate("datapackage.json").flatten(["type", "message"]) == []
    table = folder / "alliances.csv"
    table.write_text(table.read_text("utf-8-sig").replace(",活跃度高,4,", ",优秀,4,", 1), "utf-8-sig")
    assert frictionless.validate("datapackage.json").flatten(["type", "fieldName"]) == [["constraint-error", "grade"]]


def test_each_column_is_in_the_codebook_and_each_line_of_it_is_a_column(made):
    package, meant = json.loads((made / "datapackage.json").read_text("utf8")), tidy.meanings()
    assert {one["name"]: [field["name"] for field in one["schema"]["fields"]] for one in package["resources"]} == {
        name: [*columns] for name, columns in ((one["name"], pd.read_csv(made / one["path"]).columns) for one in package["resources"])}
    for one in package["resources"]:
        assert {field["name"]: field.get("description") for field in one["schema"]["fields"]} == meant[one["name"]]
    grade = next(field for field in package["resources"][0]["schema"]["fields"] if field["name"] == "grade")
    assert grade["constraints"]["enum"] == grade["categories"] == [*GRADES] and grade["categoriesOrdered"]


def test_the_tables_say_what_the_roster_says(made):
    alliances = pd.read_parquet(made / "alliances.parquet")
    assert alliances.grade.cat.ordered and alliances.grade.max() == HIGH and [*alliances.grade.cat.categories] == [*GRADES]
    pd.testing.assert_frame_equal(alliances[roster.read_all().columns], roster.read_all())
    assert alliances.groupby("period")[["withheld", "incomplete"]].sum().to_numpy().tolist() == [[0, 0], [11, 20]]
    assert alliances[alliances.withheld].score.isna().all() and not alliances.scheme_break.any()
    counts, moves, parts = (pd.read_csv(made / f"{name}.csv") for name in ("counts", "transitions", "decomposition"))
    members = counts[counts.state != "未加入"].groupby("period").alliances.sum()
    assert members.to_dict() == {"2017": 146, "2020-2021": 157} and moves.alliances.sum() == 120
    assert (parts.stayers + parts.entrants + parts.leavers - parts.total).abs().max() < 1e-9


def test_one_period_has_no_transitions_and_new_floors_are_a_break():
    assert {*tidy.frames(roster.read_sheets("2017"))} == {"alliances", "counts"}
    lower = periods.Scheme("2018", periods.SCHEME.labels, dict(zip(GRADES, (0, 40, 60, 80))))
    sheets = periods.sheets_of({"1a": (90, 82, 82)}, ("2017", "2018", "2019"), schemes={"2017": periods.SCHEME, "2018": lower})
    alliances = tidy.frames(sheets)["alliances"]
    assert {*alliances[alliances.scheme_break].period} == {"2018"} and [*alliances.grade.dropna()] == [HIGH] * 3
    assert alliances.groupby("period").scheme.first().to_list() == ["2013", "2018", "2018"]
