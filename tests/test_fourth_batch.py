"""A batch that came later: one line in batches.csv is all that it takes."""

import csv
import io
import re
import shutil
from pathlib import Path

import periods
import pytest
from bs4 import BeautifulSoup
from conftest import once
from workbooks import scores

from analysis import DATA, roster, trends

NAME = "量子通信产业技术创新战略联盟"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A data folder with a sheet of 2022, in which a fourth batch has one alliance evaluated of ten."""
    data = Path(shutil.copytree(DATA, tmp_path_factory.mktemp("fourth") / "data"))
    for file, line in (("batches.csv", "4,第四批试点联盟,10,2022"), ("alliances.csv", f"L121,{NAME},")):
        path = data / "registry" / file
        path.write_text(f"{path.read_text('utf8').rstrip()}\n{line}\n", "utf8")
    periods.write(data, "2022", [(NAME, "401", 91, None), *((row.name, row.code, row.score or 40, None) for row in scores("2020-2021"))])
    return data


def test_the_fourth_batch_has_its_section_its_pies_and_its_place_in_the_trends(data, shared):
    """One of ten was evaluated, with 91: a tenth of all, and all of those evaluated."""
    made = once(shared, "fourth-batch", "report", "2022", data=data)
    page = BeautifulSoup((made / "reports/2022.html").read_text("utf8"), "html.parser")
    text = re.sub(r"\s", "", page.text)
    assert [h.text for h in page.find_all("h3") if "批试点联盟" in h.text][-1].endswith("第四批试点联盟")
    assert "第四批试点联盟共10家，参评1家，占10.00%" in text and "合计167家" in text
    assert (made / "figures/2022/batch-4.svg").exists()
    rows = list(csv.reader(io.StringIO((made / "figures/2022/batch-4.csv").read_text("utf-8-sig"))))
    assert [row for row in rows[1:] if row[2] != "0"] == [
        ["本批总数", "活跃度高", "1", "10.0"], ["本批总数", "未参评", "9", "90.0"], ["本批参评", "活跃度高", "1", "100.0"]]
    sheets = roster.read_sheets("", data)
    assert "第四批" in [*trends.everyone(roster.of_all(sheets), sheets[-1].registry).query("代码 == '401'").批次]
