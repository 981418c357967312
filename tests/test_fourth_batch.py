"""A batch that came later: one line in batches.csv is all that it takes."""

import csv
import io
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from conftest import once, run
from test_sentences import add
from workbooks import scores

from analysis import DATA

NAME = "量子通信产业技术创新战略联盟"


@pytest.fixture(scope="module")
def made(shared) -> Path:
    """The report of 2022, in which a fourth batch has one alliance evaluated of ten, and the trends up to it."""
    def build(folder: Path) -> None:
        import shutil

        data = Path(shutil.copytree(DATA, folder / "data"))
        for file, line in (("batches.csv", "4,第四批试点联盟,10,2022"), ("alliances.csv", f"L121,{NAME},")):
            path = data / "registry" / file
            path.write_text(f"{path.read_text('utf8').rstrip()}\n{line}\n", "utf8")
        add(data, "2022", [(NAME, "401", 91, None), *((r.name, r.code, r.score or 40, None) for r in scores("2020-2021"))])
        for words in (("report", "2022"), ("trends",)):
            result = run(*words, data=data, out=folder)
            assert result.returncode == 0, result.stderr

    return once(shared, "fourth-batch", build)


def test_the_report_counts_the_fourth_batch(made):
    rows = list(csv.DictReader(io.StringIO((made / "figures/2022/coverage.csv").read_text("utf-8-sig"))))
    assert [row["登记联盟"] for row in rows if row["批次"] == "4"] == ["10"]
    page = BeautifulSoup((made / "reports/2022.html").read_text("utf8"), "html.parser").text
    assert "登记联盟167家" in page and "第四批" in page


def test_the_trends_have_it_too(made):
    assert NAME in (made / "reports/trends.html").read_text("utf8")
