"""make, and what is out of date: what it makes, when it makes it again, and what it says to a wrong YEAR."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from workbooks import change

from analysis import DATA, ROOT, record

pytestmark = pytest.mark.xdist_group("make")  # one worker makes the report once, for all of these
# What `make test` hands down must not reach the make under test.
GIVEN = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DATA", "OUT", "YEAR", "PERIODS", "FORCE")
CLEAN = {name: value for name, value in os.environ.items() if name not in GIVEN}
HOSTILE = "$(shell touch PWNED)$(touch PWNED)`touch PWNED`\";touch PWNED;'"


def make(*words: str, **environment: str) -> subprocess.CompletedProcess:
    """`make …` in the project; what is installed is taken as it is."""
    return subprocess.run(["make", "--no-print-directory", "-o", ".venv/.installed", *words], cwd=ROOT, env={**CLEAN, **environment},
                          capture_output=True, text=True, check=False)


class Place:
    """A copy of the data, and a folder with the report of 2017 that make made from it."""

    def __init__(self, folder: Path):
        self.data, self.out = Path(shutil.copytree(DATA, folder / "data")), folder / "out"
        self.words = ("report", "YEAR=2017", f"DATA={self.data}", f"OUT={self.out}")
        self.made = make(*self.words)

    def is_up_to_date(self, data: Path | None = None) -> bool:
        """Whether the report is made of what is there, and is as it was made."""
        return record.holds(self.out, "2017", record.state("report", ["2017"], data or self.data))


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return Place(tmp_path_factory.mktemp("make"))


@pytest.fixture
def altered(place):
    """Change one file for the length of a test; nothing in place of the content removes it."""
    kept = {}

    def alter(name: str, content: bytes | None) -> None:
        path = place.data.parent / name
        kept[path] = path.read_bytes() if path.exists() else None
        path.unlink() if content is None else path.write_bytes(content)

    yield alter
    for path, content in kept.items():
        path.unlink(missing_ok=True) if content is None else path.write_bytes(content)


def test_make_report_makes_all_of_it_and_says_so(place):
    assert place.made.returncode == 0, place.made.stderr
    for kind in ("html", "pdf", "ipynb"):
        assert (place.out / "reports" / f"2017.{kind}").stat().st_size > 100_000
        assert f"reports/2017.{kind}" in place.made.stdout
    assert re.search(r"figures: \d", place.made.stdout) and "2017: done in " in place.made.stdout


def test_a_second_make_has_nothing_to_do_at_once(place):
    before = {path: path.stat().st_mtime_ns for path in place.out.rglob("*.*")}
    spent = sum(os.times()[2:4])  # of the processor, by children
    for _ in range(3):
        again = make(*place.words)
        assert again.returncode == 0 and "2017: nothing to do; " in again.stdout
    assert sum(os.times()[2:4]) - spent < 3 * 0.3
    assert {path: path.stat().st_mtime_ns for path in place.out.rglob("*.*")} == before


@pytest.mark.parametrize("name", ["data/score_sheets/2017.xlsx", "data/score_sheets/2020-2021.xlsx", "data/registry/codes.csv",
                                  "data/remarks/2017.md", "data/panel/2017.xlsx"])
def test_what_a_report_is_made_of_is_seen(place, altered, name):
    assert place.is_up_to_date()
    (place.data / "panel").mkdir(exist_ok=True)
    altered(name, b"other")
    os.utime(place.data.parent / name, (0, 0))  # an old date hides nothing
    assert not place.is_up_to_date()


def test_what_a_report_is_not_made_of_is_not(place, altered):
    altered("data/remarks/2020-2021.md", None)
    altered("data/score_sheets/~$2017.xlsx", b"Excel has it open")
    altered("out/figures/2017/mine.svg", b"an analyst's own")
    os.utime(place.data / "score_sheets/2017.xlsx")
    assert place.is_up_to_date()


def test_the_project_itself_is_among_the_inputs():
    assert record.state("report", ["2017"], DATA)["inputs"].keys() >= {
        "notebooks/report.ipynb", "notebooks/text/report.toml", "analysis/shares.py", "requirements.lock", "analysis/style/palette.toml",
        "analysis/fonts/NotoSansSC-Bold.ttf", "analysis/export/templates/report.css"}


def test_another_version_and_another_data_folder_are_seen(place, monkeypatch):
    assert not place.is_up_to_date(DATA)
    monkeypatch.setattr(os, "listdir", lambda _: ["pandas-0.1.dist-info"])
    assert not place.is_up_to_date()


@pytest.mark.parametrize("name", ["reports/2017.pdf", "reports/2017.ipynb", "figures/2017/*.csv", "reports/.2017.json"])
@pytest.mark.parametrize("content", [None, b"other"])
def test_what_is_gone_or_touched_is_seen(place, altered, name, content):
    altered(str(next(place.out.glob(name)).relative_to(place.data.parent)), content)
    assert not place.is_up_to_date()


def test_the_trends_are_made_once_whatever_order_the_periods_are_named_in(made_trends):
    for chosen in ("", "2017 2020-2021", "2020-2021  2017 2017"):
        assert "trends: nothing to do" in make("trends", f"OUT={made_trends}", f"PERIODS={chosen}").stdout, chosen


@pytest.mark.parametrize("year", ["", "-x", "2017 2020-2021", "$(id)", HOSTILE])
@pytest.mark.parametrize("way", ["word", "environment"])
def test_a_wrong_year_reaches_the_program_as_it_is(tmp_path, year, way):
    given = ("report", f"OUT={tmp_path}/out")
    refused = make(*given, f"YEAR={year}") if way == "word" else make(*given, YEAR=year)
    assert refused.returncode == 2 and "2017, 2020-2021" in refused.stderr
    assert (f"{year!r} is not a period" if year else "YEAR is missing") in refused.stderr
    assert list(tmp_path.rglob("*")) == [] and not (ROOT / "PWNED").exists()


def test_no_name_and_no_variable_is_run(tmp_path):
    data = Path(shutil.copytree(DATA, tmp_path / "my $(touch PWNED) data"))
    (data / "remarks" / "$(touch PWNED).md").touch()
    (data / "score_sheets" / "2017$(shell touch PWNED).xlsx").touch()
    for words in (("-n", "report", "YEAR=2017"), ("trends", f"PERIODS={HOSTILE}"), ("panel", "YEAR=2017", f"FORCE={HOSTILE}")):
        said = make(*words, f"DATA={data}", f"OUT={tmp_path}/out")
    assert "is sound: 101 evaluated" in make("check", "YEAR=2017", f"DATA={data}").stdout
    assert said.returncode == 2 and "There is no panel in" in said.stderr
    assert [path for folder in (ROOT, tmp_path, data) for path in folder.glob("PWNED*")] == []


def test_make_lists_what_it_can_do_and_is_short():
    listed = make().stdout
    for command in ("report", "reports", "trends", "audit", "check", "new", "panel", "lab", "test", "lint", "clean"):
        assert f"make {command} " in listed
    assert "DATA=dir" in listed and "OUT=dir" in listed
    assert len((ROOT / "Makefile").read_text("utf8").splitlines()) <= 60


def test_a_changed_sheet_makes_it_again_and_a_broken_one_leaves_it(place):
    earlier = (place.out / "reports/2017.html").read_bytes()
    change(place.data, {"评分表!D4": "九十"})
    failed = make(*place.words)
    assert failed.returncode != 0 and '2017.xlsx › 评分表 › D4: score "九十" is not a number' in failed.stderr
    assert (place.out / "reports/2017.html").read_bytes() == earlier
    change(place.data, {"评分表!D4": 99.5})
    (place.out / "figures/2017/mine.svg").write_text("an analyst's own")
    again = make(*place.words)
    assert "2017: done in" in again.stdout, again.stderr
    assert (place.out / "reports/2017.html").read_bytes() != earlier and place.is_up_to_date()
    assert (place.out / "figures/2017/mine.svg").exists()
