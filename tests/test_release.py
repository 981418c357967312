"""The workbook of tables, the page that answers, and the folder that goes out."""

import io
import os
import re
import shutil
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import docx
import nbformat
import notebook
import openpyxl
import pandas as pd
import pytest
from conftest import once

from analysis import report
from analysis.__main__ import main
from analysis.export import book, document
from analysis.export.exporters import HTMLExporter, PDFExporter, WordExporter

pytestmark = pytest.mark.only("2017")
ALLIANCES = pd.DataFrame({"联盟名称": ["甲产业技术创新战略联盟", "乙产业技术创新战略联盟"], "批次": ["第一批", "第二批"], "评分": [90.0, None]})


@pytest.fixture(scope="module")
def read(made, period) -> document.Document:
    return document.read(nbformat.read(made / "reports" / f"{period}.ipynb", 4))


@pytest.fixture(scope="module")
def workbook(made, period) -> openpyxl.Workbook:
    return openpyxl.load_workbook(made / "reports" / f"{period}-tables.xlsx")


def test_one_table_a_sheet_marked_and_nothing_merged(workbook, read):
    shown = [part.number for part in read.parts if part.number and part.saved]
    assert workbook.sheetnames == ["封面", "目录", "注释", *shown] and len(shown) > 9
    names = [name for sheet in workbook for name in sheet.tables]
    assert len(names) == len(set(names)) == len(workbook.sheetnames) - 1
    for sheet in workbook:
        assert not sheet.merged_cells.ranges and sheet.sheet_state == "visible" and sheet["A1"].value
        for table in sheet.tables.values():
            assert table.ref == f"A3:{sheet.cell(sheet.max_row, sheet.max_column).coordinate}"
            assert all(cell.value not in (None, "") for row in sheet.iter_rows(min_row=3) for cell in row), sheet.title
    links = {row[0].hyperlink.location or row[0].hyperlink.target for row in workbook["目录"].iter_rows(min_row=4)}
    assert links == {f"#'{name}'!A1" for name in [*shown, "注释"]} or links == {f"'{name}'!A1" for name in [*shown, "注释"]}


def test_its_numbers_are_those_of_the_csvs_each_as_what_it_is(workbook, read):
    for part in (part for part in read.parts if part.number and part.saved):
        heads = [column.head for column in part.saved.columns]
        for row, values in zip(workbook[part.number].iter_rows(min_row=4), part.saved.rows("values"), strict=True):
            for cell, value, head in zip(row, values, heads, strict=True):
                share = isinstance(value, float) and cell.number_format == "0.00%"
                assert value is None or cell.value == (pytest.approx(value / 100, abs=1e-12) if share else value)
                assert "占" in head if share else value is None or cell.data_type in "ns"


def test_symbols_are_explained_and_no_text_is_a_formula():
    cells = notebook.said(("#| label: a\n#| caption: 甲\n#| note: 一条注。", notebook.frame(ALLIANCES.assign(名=["=1+1", None]))))
    made = book.render(document.read(cells))
    assert made == book.render(document.read(cells))
    workbook = openpyxl.load_workbook(io.BytesIO(made))
    assert [cell.value for cell in workbook["表1"][5]][2:] == ["[c]", "[x]"]
    assert (workbook["表1"]["D4"].value, workbook["表1"]["D4"].data_type) == ("=1+1", "s")
    assert [row[0].value for row in workbook["注释"].iter_rows(min_row=4)] == ["[c]", "[x]", "[注1]"]
    assert workbook["表1"]["A1"].value == "表1　甲　[注1]"


def test_each_csv_can_be_taken_from_the_page(made, period):
    page = (made / "reports" / f"{period}.html").read_text("utf8")
    found = re.findall(r'href="data:text/csv;charset=utf-8,([^"]*)" download="([^"]*)"', page)
    assert len(found) > 9
    for content, name in found:
        assert unquote(unescape(content)).encode() == (made / "figures" / period / name).read_bytes()


def test_a_logo_of_the_data_folder_stands_above_the_title(tmp_path):
    (tmp_path / "score_sheets").mkdir()
    sheet = SimpleNamespace(path=tmp_path / "score_sheets" / "2017.xlsx")
    assert report.logo(sheet) == ""
    (tmp_path / "logo.svg").write_text(notebook.SVG)
    made = notebook.said(notebook.told({"text/markdown": "# 题\n\n副题\n\n单位"}, cover=True, logo=report.logo(sheet)), "# 一\n\n甲")
    read = document.read(made)
    page = HTMLExporter().render(read)
    assert page.index('alt="标志"') < page.index("<h1>题</h1>")
    assert b"%PDF" in PDFExporter().render(read)
    first = docx.Document(io.BytesIO(WordExporter().render(read))).paragraphs[:2]
    assert first[0]._p.xpath(".//wp:docPr/@descr") == ["标志"] and first[1].text == "题"


def test_the_script_and_the_pages_are_small(made, period, made_trends):
    assert (Path(book.__file__).parent / "templates" / "report.js").stat().st_size < 20_000
    assert (made / "reports" / f"{period}.html").stat().st_size < 500_000
    assert (made_trends / "reports/trends.html").stat().st_size < 600_000


def test_a_release_has_all_and_is_the_same_each_time(made, made_trends, made_audit, shared, period, tmp_path):
    for folder in (made, made_trends, made_audit, once(shared, "made-pages", "pages", period)):
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    folder = tmp_path / "reports" / f"release-{period}"

    def released() -> dict[str, bytes]:
        assert main(["release", period, "--workers", "1", "--out", str(tmp_path)]) == 0
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    files = released()
    named = {*re.findall(r'href="([^"]+)"', files["index.html"].decode())}
    assert named <= {*files} and {f"{period}{kind}" for kind in (".html", ".pdf", ".docx", "-tables.xlsx")} <= named
    assert {"trends.html", f"errata-{period}.pdf", "data/datapackage.json", f"alliances/{period}/index.html"} <= named
    assert not any(name.endswith(".ipynb") or "score_sheets" in name for name in files)
    for page in (f"{period}.html", "trends.html", f"alliances/{period}/index.html"):
        beside = files[page].decode().partition("<!-- beside -->")[2].partition("<!-- /beside -->")[0]
        leads = {os.path.normpath(Path(page).parent / href) for href in re.findall(r'href="([^"]+)"', beside)}
        assert len(leads) == 2 and leads <= {*files} - {page}, page  # a period that is not in the folder has no link
    (folder / "index.html").unlink()
    assert released() == files
