"""A batch that came later: one line in batches.csv is all that it takes."""

import csv
import io
import re
import shutil
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


def test_the_fourth_batch_has_its_section_and_its_pies(made):
    """One of ten was evaluated, with 91: a tenth of those registered, and all of those evaluated."""
    page = BeautifulSoup((made / "reports/2022.html").read_text("utf8"), "html.parser")
    assert [h.text for h in page.find_all("h3") if "批试点联盟" in h.text][-1] == "4. 第四批试点联盟"
    text = re.sub(r"\s", "", page.text)
    assert "第四批登记10家，参评1家，占第四批10家试点联盟的10.00%；未参评9家，占第四批10家试点联盟的90.00%" in text
    rows = list(csv.DictReader(io.StringIO((made / "figures/2022/batch-4-registered.csv").read_text("utf-8-sig"))))
    assert [(row["等级"], row["联盟数"]) for row in rows if row["联盟数"] != "0"] == [("活跃度高", "1"), ("未参评", "9")]
    assert (made / "figures/2022/batch-4-evaluated.svg").exists()


def test_the_trends_have_it_too(made):
    assert NAME in (made / "reports/trends.html").read_text("utf8")
