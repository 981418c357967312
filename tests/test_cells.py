"""What a cell ends with, and what the report then has, in HTML and in PDF: DESIGN's table, row by row."""

import base64
import csv
import datetime as dt
import io
import os
import re
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import nbformat
import notebook
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_notebook, new_output
from notebook import PIXEL, SVG, bare, frame, said, tagged
from pypdf import PdfReader

from analysis import ROOT, cells
from analysis.export import document
from analysis.export.document import DocumentError
from analysis.export.exporters import HTMLExporter, PDFExporter, WordExporter
from analysis.shares import Share

DRAWN = {cells.SVG: SVG}


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> document.Document:
    folder = tmp_path_factory.mktemp("beside")
    (folder / "dot.png").write_bytes(base64.b64decode(PIXEL))
    return document.read(notebook.everything(), folder=folder)


@pytest.fixture(scope="module")
def page(report) -> BeautifulSoup:
    return BeautifulSoup(HTMLExporter().render(report), "html.parser")


@pytest.fixture(scope="module")
def pdf(report) -> PdfReader:
    return PdfReader(io.BytesIO(PDFExporter().render(report)))


@pytest.fixture(scope="module")
def text(pdf) -> str:
    return bare("".join(page.extract_text() for page in pdf.pages))


def section(page: BeautifulSoup, words: str):
    return next(heading for heading in page.find_all("h2") if words in heading.text)


def test_figure_and_frame_with_a_label(page, pdf, report):
    figure = page.find(id="figure-pair")
    assert bare(figure.figcaption.text) == "图1图在前"
    assert figure.svg["aria-label"] == "图在前。题目。高：联盟数13、占比25.00%；较高：联盟数10、占比19.23%；其他：联盟数29、占比55.77%"
    assert figure.table is None, "the frame is one click away"
    rows = [[cell.text for cell in row.find_all("td")] for row in figure.find_next_sibling("details").tbody.find_all("tr")]
    assert rows == [["高", "13", "25.00%"], ["较高", "10", "19.23%"], ["其他", "29", "55.77%"]]
    assert report.saved()["pair.csv"].decode("utf-8-sig") == "等级,联盟数,占比\n高,13,25.0\n较高,10,19.23\n其他,29,55.765\n"
    alts = [found["/Alt"] for found in tagged(pdf.trailer["/Root"]["/StructTreeRoot"]["/K"], "/Figure")]
    assert figure.svg["aria-label"] in alts


def test_figure_without_a_frame_or_a_label(page, report):
    figure = page.find(id="figure-violin")
    assert bare(figure.figcaption.text) == "图2小提琴" and figure.svg["aria-label"] == "三批评分的分布"
    assert "violin.svg" in report.saved() and "violin.csv" not in report.saved()
    shown = [figure.svg["aria-label"] for figure in page.find_all("figure") if figure["id"].startswith("output-")]
    assert shown[:2] == ["没有标签", "换了主题的图"]
    assert any("figure without a label" in note and "图和框" in note for note in report.notes)
    for drawing in (part.picture.drawing for part in report.of("图")):  # after seaborn.set_theme() too
        assert set(re.findall(r'<path id="(\w+-\w+)-[0-9a-f]+"', drawing)) <= {"NotoSansSC-Regular", "NotoSansSC-Bold"}
    assert "#2073bc" in report.of("图")[0].picture.drawing.lower(), "the first colour of the palette"


def test_frames_beside_a_figure_with_a_label_and_without(page, text, report):
    figure = page.find(id="figure-beside")
    assert figure["class"] == ["beside"] and len(figure.tbody.find_all("tr")) == 3 and figure.find(class_="note").text == "一条注。"
    table = page.find(id="table-alone").table
    assert bare(table.caption.text) == "表1一百五十行" and table["class"] == ["search", "n1", "r2"]
    shown = [[cell.text for cell in row.find_all("td")] for row in table.tbody.find_all("tr")]
    assert shown == [[f"A-{n}", f"{round(n / 7, 10 - len(str(n // 7)) + (n < 7)):.10g}"] for n in range(150)]
    saved = list(csv.reader(io.StringIO(report.saved()["alone.csv"].decode("utf-8-sig"))))
    assert [float(value) for _, value in saved[1:]] == [n / 7 for n in range(150)]
    assert "A-149" in text and "一条注。" in text
    assert bare(page.find(id="table-series").caption.text) == "表2一列" and "series.csv" in report.saved()
    assert any("table without a label" in note for note in report.notes)


def test_html_tables_as_they_are_with_stable_ids(page, report):
    styled = page.find(id="table-styled")
    assert bare(styled.caption.text) == "表3着色" and "T_" not in str(styled) and styled.style
    assert [cell.text.strip() for cell in styled.tbody.find_all("td")][:2] == ["13", "25.0"]
    other = page.find("td", string="丁").find_parent(class_="as-it-is")
    assert other.script is None and "xyzzy" not in str(other)
    assert f"#{other.div['id']} td" in other.style.text
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    part = next(part for part in report.of("表") if part.table.html and not part.label)
    assert not any("HTML output" in note for note in report.notes)
    first, second = (f"<table><tr><td>{text}</td></tr></table>" for text in "甲乙")
    assert "not: 表外 乙" in document.read(said(("#| label: x", {"text/html": f"<p>表外</p>{first}{second}"}))).notes[0]
    assert [(column.head, column.texts) for column in part.table.columns] == [("甲", ["丙", "丙"]), ("乙", ["丁", "戊"])]


def test_groups_hidden_words_and_booleans(page):
    table = page.find(id="table-grouped").table
    assert [th.text for th in table.select("tr.group th")] == ["一", "二"] and [th.text for th in table.thead.find_all("th")] == ["名", "好"]
    rows = [(row["data-also"], row.find_all("td")[1].text) for row in table.select("tr[data-also]")]
    assert rows == [("jia", "是"), ("yi", "否"), ("bing", "—")]


def test_markdown_is_the_same(page, pdf, text):
    prose = section(page, "文字").find_next("p")
    assert prose.strong.text == "粗体。" and prose.em.text == "淡" and prose.code.text == "code" and prose.a["href"] == "https://example.org/"
    assert prose.img["alt"] == r"\frac{n}{\mathrm{总数}}" and prose.img["src"].startswith("data:image/svg+xml;base64,")
    following = prose.find_next_siblings()
    assert following[0].li.ul.li.text == "二" and following[1].strong.text == "甲" and following[2].text == "for 代码\n"
    assert following[3].img["alt"] == r"\sum_{i=1}^{n} x_i"
    assert [image["alt"] for image in following[4].find_all("img")] == ["一个点", "附件"]
    assert "脚注的话。" in page.find(class_="footnotes").text and prose.sup.a["href"] == "#" + page.find(class_="footnotes").li["id"]
    assert all(words in text for words in ("粗体。后面", "for代码", "脚注的话。", "单元格里的话，见图1。"))
    root = pdf.trailer["/Root"]["/StructTreeRoot"]["/K"]
    assert {"一个点", "附件", r"\frac{n}{\mathrm{总数}}"} <= {figure["/Alt"] for figure in tagged(root, "/Figure")}
    assert tagged(root, "/Note") or tagged(root, "/FENote")


def test_latex_of_an_output_is_a_formula():
    page = BeautifulSoup(HTMLExporter().render(document.read(said(("x", {"text/latex": r"$\displaystyle \frac{a}{b}$"})))), "html.parser")
    assert page.select_one("main p img")["alt"] == r"\frac{a}{b}"


def test_a_loop_shows_in_order_and_data_is_what_is_saved(page, report):
    part = [bare((tag.figcaption or tag).text) for tag in section(page, "循环").find_next_siblings(["h3", "figure"])][:4]
    assert part == ["1.第1个", "图4循环1", "2.第2个", "图5循环2"]
    assert report.saved()["loop-1.csv"].decode("utf-8-sig").splitlines()[1:] == ["其他,29,55.765"]
    assert "其他：联盟数29" in page.find(id="figure-loop-1").svg["aria-label"]


def test_nothing_for_nothing(page, text, report):
    assert "没有的" not in page.text and "空表" not in page.text, "a heading over nothing is gone"
    assert report.saved()["empty.csv"].decode("utf-8-sig") == "等级,联盟数,占比\n"
    assert not re.search(r"Axes|说漏了|小心|Slider|一个结果|只在笔记本里|None|nan\b", page.main.text + text)
    assert all(any(words in note for note in report.notes) for words in ("printed text", "a warning", "widget-view", "一个结果"))
    assert not any("Axes" in note for note in report.notes)


def test_references_and_title_without_a_cover(page, report):
    links = {link.text: link["href"] for link in page.main.p.find_all("a")}
    assert links == {"图1": "#figure-pair", "表1": "#table-alone", "表2": "#table-series", "图5": "#figure-loop-2"}
    assert page.h1.text == report.title == "各种输出"
    assert [heading.number for heading in report.of("heading") if heading.level == 1][:3] == ["一、", "二、", "三、"]


def test_the_same_bytes_each_time_whatever_the_settings_of_a_user(tmp_path, report):
    (tmp_path / "profile_default" / "startup").mkdir(parents=True)
    (tmp_path / "profile_default" / "startup" / "mine.py").write_text(
        "import matplotlib, pandas as pd\nmatplotlib.rcParams['font.size'] = 30\npd.options.display.max_rows = 3\n"
        "pd.options.display.html.table_schema = True\n"
        "get_ipython().display_formatter.formatters['text/html'].for_type(pd.DataFrame, lambda f: 'mine')\n")
    (tmp_path / "profile_default" / "ipython_kernel_config.py").write_text(
        "c.InlineBackend.figure_formats = {'png'}\nc.InlineBackend.rc = {'figure.dpi': 40}\nc.InlineBackend.close_figures = False\n")
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 9\nfont.family: monospace\n")
    env = os.environ | {"IPYTHONDIR": str(tmp_path), "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "MPLBACKEND": "agg"}
    assert document.read(notebook.executed(env=env)).saved() == report.saved()
    for writer in (HTMLExporter(), PDFExporter(), WordExporter()):
        assert writer.render(report) == writer.render(report)


def test_nothing_happens_outside_ipython():
    code = "import sys, analysis; from analysis import show; print([m for m in ('pandas', 'matplotlib', 'IPython') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout == "[]\n"


@pytest.mark.parametrize("made, message", [
    (said(("#| label: a\nx", DRAWN)), "cell “a”: the figure has no alternative text"),
    (said("见[@gone]。"), r"cell 1: \[@gone\] leads nowhere"),
    (said(("#| label: a\n#| alt: b", DRAWN), ("#| label: a\n#| alt: b", DRAWN)), "two figures or tables have the label 'a'"),
    (said(("#| label: a\n#| alt: b", [DRAWN, {"image/png": PIXEL}])), "cell “a” shows 2 figures under one label"),
    (said(("#| label: ../a", frame(pd.DataFrame({"a": [1]})))), "a label has letters"),
    (said(("#| group: b", frame(pd.DataFrame({"a": [1]})))), "the frame has no column b; it has a"),
    (said("# 题\n\n𠮷"), r"cell 1: the fonts in analysis/fonts have no 𠮷 \(U\+20BB7\)"),
    (said(("x", frame(pd.DataFrame({"a": ["𠮷"]})))), "cell 1: the fonts in analysis/fonts have no 𠮷"),
    (new_notebook(cells=[new_code_cell("1 / 0", outputs=[new_output("error", ename="ZeroDivisionError", evalue="division by zero")])]),
     "cell 1 failed with ZeroDivisionError: division by zero"),
    (new_notebook(cells=[new_code_cell("1")]), "has not been run")])
def test_an_error_names_the_cell(made, message):
    with pytest.raises(DocumentError, match=message):
        document.read(made)


def test_a_missing_glyph_in_a_drawing_is_an_error():
    figure = Figure()
    figure.text(0, 0, "好𠮷")
    with pytest.warns(UserWarning, match="Glyph 134071"):
        drawn = cells.svg(figure)
    with pytest.raises(DocumentError, match="no 𠮷"):
        document.read(said(("x", {cells.SVG: drawn})))


def test_show_knows_its_options():
    with pytest.raises(TypeError, match="show has no option lable; it has label, caption"):
        cells.show("甲", lable="a")


def test_the_command_line_says_one_sentence(tmp_path):
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), tmp_path / "fresh.ipynb")
    result = subprocess.run([sys.executable, "-m", "nbconvert", "--to", "alliance_html", "fresh.ipynb"], cwd=tmp_path, capture_output=True,
                            text=True, check=False)
    assert result.returncode and "Traceback" not in result.stderr
    assert result.stderr.splitlines()[-1] == "fresh.ipynb: the notebook has not been run; run it, save it, and export it then"


@pytest.mark.parametrize("source, options", [
    ("#| label: a\n#| caption: b: c # d\nx", {"label": "a", "caption": "b: c # d"}), ("\n#|label:a\n#| alt : 'b'\n", {"label": "a", "alt": "b"}),
    ('#| fig-cap: "甲"\n#| fig-alt: 乙', {"caption": "甲", "alt": "乙"}), ("x\n#| label: a", {}), ("# label: a", {}),
    ("#| caption: 'a", {"caption": "'a"})])
def test_option_lines(source, options):
    assert cells.options(source) == options


@pytest.mark.parametrize("value, saved", [
    (Fraction(1, 3), "1/3"), (Decimal("45.50"), "45.50"), (Share(5, 32), "15.63%"), (pd.Period("2017"), "2017"),
    (pd.Timestamp("2017-12-31"), "2017-12-31"), (dt.date(2017, 1, 2), "2017-01-02"), (pd.Interval(0, 5), "(0, 5]"), (np.int64(3), 3),
    (np.float64(0.1), 0.1), (np.bool_(True), True), (pd.NA, None),
    (float("nan"), None), (float("inf"), "inf"), (None, None), (pd.NaT, None), (["a", 1], "['a', 1]"), (2**70, 2**70), ("甲", "甲")])
def test_any_value_is_json(value, saved):
    assert cells.resource(pd.Series([value, "x"], name="a").astype(object))["data"][0]["a"] == saved


def test_the_resource_has_all_and_says_what_it_is():
    grades = pd.Categorical(["b", "a"], ["a", "b", "c"], ordered=True)
    index = pd.MultiIndex.from_arrays([grades, [3, 4]], names=["等", "k"])
    resource = cells.resource(pd.DataFrame({("x", "n"): [1, 2], ("x", "p"): [0.1 + 0.2, None]}, index=index))
    fields, key = resource["schema"]["fields"], resource["schema"]["primaryKey"]
    assert [field["title"] for field in fields] == ["等", "k", "x n", "x p"] and key == ["等", "k"]
    assert fields[0] == {"name": "等", "title": "等", "type": "string", "constraints": {"enum": ["a", "b", "c"]}, "ordered": True}
    assert [list(row.values()) for row in resource["data"]] == [["b", 3, 1, 0.1 + 0.2], ["a", 4, 2, None]]
    twice = pd.concat([pd.Series([1], name="a"), pd.Series([2], name="a"), pd.Series([3])], axis=1)
    assert list(cells.resource(twice)["data"][0].values()) == [1, 2, 3]
    assert len(cells.resource(pd.DataFrame({"a": range(3000)}))["data"]) == 3000


@pytest.mark.parametrize("heading, value, shown", [
    ("占比", 15.625, "15.63%"), ("本批占比", 100.0, "100.00%"), ("a%", 1, "1.00%"), ("占比差", 2.5, "2.50%"),
    ("评分", 84.5, "84.5"), ("评分", 100.0, "100"), ("x", 0.1 + 0.2, "0.3"), ("x", 1e20, "1e+20"), ("x", -2.0, "-2")])
def test_floats_as_they_are_shown(heading, value, shown):
    assert cells.text(value, {"type": "number", "title": heading}) == shown


@pytest.mark.parametrize("text, saved", [
    ("=1+1", "'=1+1"), ("+cmd|'x'!A1", "'+cmd|'x'!A1"), ("-cmd", "'-cmd"), ("-2+3+cmd|x", "'-2+3+cmd|x"), ("@a", "'@a"),
    ("\t=1", "'\t=1"), ("-3.5%", "-3.5%"), ("+2", "+2"), ("-", "-"), ("—", "—"), ("甲=1", "甲=1")])
def test_no_cell_of_a_csv_is_run(text, saved):
    made = said(("#| label: a", frame(pd.DataFrame({text: [text]}))))
    assert list(csv.reader(io.StringIO(document.read(made).saved()["a.csv"].decode("utf-8-sig")))) == [[saved], [saved]]
