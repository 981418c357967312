"""The Makefile: what it makes, when it makes it again, and what it says to a wrong YEAR."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from workbooks import change

from analysis import DATA, ROOT

pytestmark = pytest.mark.xdist_group("make")  # one worker makes the report once, for all of these
# What `make test` hands down must not reach the make under test.
CLEAN = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DATA", "OUT", "YEAR")}


def make(*words: str) -> subprocess.CompletedProcess:
    """`make …` in the project; what is installed is taken as it is."""
    return subprocess.run(["make", "--no-print-directory", "-o", ".venv/.installed", *words], cwd=ROOT, env=CLEAN,
                          capture_output=True, text=True, check=False)


class Place:
    """A copy of the data, and a folder with the report of 2017 that make made from it."""

    def __init__(self, folder: Path):
        self.data, self.out = shutil.copytree(DATA, folder / "data"), folder / "out"
        self.sheet = self.data / "score_sheets" / "2017.xlsx"
        self.words = ("report", "YEAR=2017", f"DATA={self.data}", f"OUT={self.out}")
        self.made = make(*self.words)

    def is_up_to_date(self, *instead: str) -> bool:
        """Whether make has nothing to do."""
        return make("-q", *self.words, *instead).returncode == 0


@pytest.fixture(scope="module")
def once(tmp_path_factory) -> Place:
    return Place(tmp_path_factory.mktemp("make"))


@pytest.fixture
def place(once) -> Place:
    """The made report, up to date whatever an earlier test did."""
    once.sheet.write_bytes((DATA / "score_sheets" / "2017.xlsx").read_bytes())
    make("-t", *once.words)
    assert once.is_up_to_date()
    return once


def test_make_report_makes_all_of_it_and_says_so(once):
    assert once.made.returncode == 0, once.made.stderr
    for kind in ("html", "pdf", "ipynb"):
        assert (once.out / "reports" / f"2017.{kind}").stat().st_size > 100_000
        assert f"reports/2017.{kind}" in once.made.stdout
    assert "16 figures" in once.made.stdout and "2017: done in " in once.made.stdout


def test_a_second_make_has_nothing_to_do_at_once(place):
    before = {path: path.stat().st_mtime_ns for path in place.out.rglob("*.*")}
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        again = make(*place.words)
        seconds.append(time.perf_counter() - started)
        assert again.returncode == 0 and "Nothing to be done for 'report'" in again.stdout
    assert min(seconds) < 0.3
    assert {path: path.stat().st_mtime_ns for path in place.out.rglob("*.*")} == before


def test_a_changed_sheet_makes_it_again(place):
    earlier = (place.out / "reports/2017.html").read_bytes()
    change(place.data, {"评价期!B8": 57, "评分表!D4": 99.5})
    assert not place.is_up_to_date()
    again = make(*place.words)
    assert "2017: done in" in again.stdout, again.stderr
    assert (place.out / "reports/2017.html").read_bytes() != earlier
    assert place.is_up_to_date()


@pytest.mark.parametrize("name", ["data/score_sheets/2017.xlsx", "data/registry/codes.csv", "data/remarks/2017.md"])
def test_what_a_report_is_made_of_is_seen(place, name):
    path = place.data.parent / name
    os.utime(path)
    assert not place.is_up_to_date()


def test_another_data_folder_is_seen_and_so_is_the_way_back(place):
    assert place.is_up_to_date(f"DATA={place.data}/")
    assert not place.is_up_to_date(f"DATA={DATA}")
    assert not place.is_up_to_date()


@pytest.mark.parametrize("name", ["out/reports/2017.pdf", "out/figures/2017/coverage.svg", "out/figures/2017/batch-1-evaluated.csv",
                                  "data/remarks/2017.md"])
def test_what_is_gone_is_seen(place, name):
    gone = place.data.parent / name
    away = gone.rename(gone.with_name("away"))
    try:
        assert not place.is_up_to_date()
    finally:
        away.rename(gone)


def test_the_trends_are_made_once(tmp_path):
    words = ("trends", f"OUT={tmp_path}")
    made = make(*words)
    assert made.returncode == 0 and "trends: done in" in made.stdout and "9 figures" in made.stdout and ".trends-figures" not in made.stdout
    for chosen in ("", "2017 2020-2021", "2020-2021 2017 2017"):
        assert make("-q", *words, f"PERIODS={chosen}").returncode == 0, chosen
    (tmp_path / "figures/trends/panel.csv").unlink()
    assert make("-q", *words).returncode == 1


def test_another_sheet_with_an_older_date_is_seen(place):
    change(place.data, {"评分表!D4": 99.5})
    os.utime(place.sheet, (0, 0))
    assert not place.is_up_to_date()


def test_a_broken_sheet_stops_make_and_the_report_stays(place):
    before = {path: path.read_bytes() for path in place.out.rglob("2017.*")}
    change(place.data, {"评分表!D4": "九十"})
    failed = make(*place.words)
    assert failed.returncode != 0
    assert '2017.xlsx › 评分表 › D4: score "九十" is not a number' in failed.stderr
    assert {path: path.read_bytes() for path in place.out.rglob("2017.*")} == before
    assert not place.is_up_to_date()


WILD = pytest.param("%", "is not a period")


@pytest.mark.parametrize("year, said", [
    ("2021", "Did you mean 2020-2021?"),
    ("../x", "'../x' is not a period"), ("..\\x", "is not a period"), ("", "YEAR is missing: make report YEAR=2017"),
    ("2017 2020-2021", "is not a period"), ("2017;ls", "is not a period"), ("$$(id)", "'$(id)' is not a period"), WILD])
def test_a_wrong_year_is_refused_with_the_years_there_are(tmp_path, year, said):
    refused = make("report", f"YEAR={year}", f"OUT={tmp_path}/out")
    assert refused.returncode != 0
    assert said in refused.stderr and "2017, 2020-2021" in refused.stderr
    assert list(tmp_path.rglob("*")) == []


def test_without_a_year_it_says_what_a_year_is():
    assert "Periods with a sheet: 2017, 2020-2021" in make("report").stderr


def test_folders_may_have_a_blank_in_their_names(tmp_path):
    data = shutil.copytree(DATA, tmp_path / "my data")
    made = make("report", "YEAR=2017", f"DATA={data}", f"OUT={tmp_path / 'my out'}")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "my out/reports/2017.html").exists()
    assert "warning" not in made.stderr


def test_make_lists_what_it_can_do():
    listed = make().stdout
    for command in ("report", "reports", "check", "lab", "test", "lint", "clean"):
        assert f"make {command} " in listed
    assert "DATA=dir" in listed and "OUT=dir" in listed


def test_check_says_that_a_sheet_is_sound():
    assert "2017.xlsx is sound: 101 evaluated" in make("check", "YEAR=2017").stdout
