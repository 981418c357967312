"""The trend report as it is made, of the two real periods and of ten invented ones."""

import csv
import re
import shutil
import subprocess
from collections import Counter
from itertools import pairwise, product
from pathlib import Path

import papermill
import periods as invented
import pytest
from bs4 import BeautifulSoup
from conftest import once, run
from papermill.exceptions import PapermillExecutionError
from pypdf import PdfReader
from test_html import AXE, PHONE, WIDE, browser, texts  # noqa: F401 (a fixture)
from test_pdf import A4, bare

from analysis import DATA, NOTEBOOKS
from analysis.grades import GRADES
from analysis.trends import STATES

COLUMNS = {"transitions": "from_period,to_period,from,to,alliances", "panel": "id,name,period,batch,code,score,grade,rank,state",
           "decomposition": "from_period,to_period,grade,stayers,entrants,leavers,total",
           "a_level": "id,name,code,from_period,to_period"}
HELD = {"two": ("2017", "2020-2021"), "ten": invented.NAMES}
CENTIMETRE = 72 / 2.54


@pytest.fixture(scope="session", params=HELD)
def held(request) -> tuple[str, ...]:
    return HELD[request.param]


@pytest.fixture(scope="session")
def made_trends(shared, held) -> Path:
    """A folder with the made trend report of these periods; `data` in it is what it was made from."""
    def build(out: Path) -> None:
        data = shutil.copytree(DATA, out / "data") if len(held) == 2 else invented.make(out / "data", held)
        result = run("trends", out=out, data=data)
        assert result.returncode == 0, result.stderr

    return once(shared, f"made-trends-{len(held)}", build)


@pytest.fixture
def html(made_trends) -> BeautifulSoup:
    return BeautifulSoup((made_trends / "reports" / "trends.html").read_text("utf8"), "html.parser")


@pytest.fixture
def page(browser, made_trends):  # noqa: F811
    context = browser.new_context(viewport=WIDE, locale="zh-CN")
    page = context.new_page()
    page.heard = []
    page.on("request", lambda request: page.heard.append(request.url))
    page.on("console", lambda message: page.heard.append(message.text))
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.goto((made_trends / "reports" / "trends.html").as_uri())
    yield page
    context.close()


def records(folder: Path, key: str) -> list[dict[str, str]]:
    content = (folder / "figures" / "trends" / f"{key}.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf"), "without the mark Excel takes it for GBK"
    return list(csv.DictReader(content.decode("utf-8-sig").splitlines()))


def files(folder: Path) -> dict[str, bytes]:
    """What was made, without the executed notebook, which holds the times of its run."""
    return {str(path.relative_to(folder)): path.read_bytes() for kind in ("reports", "figures") for path in (folder / kind).rglob("*.*")
            if path.suffix in (".html", ".pdf", ".svg", ".csv")}


def test_the_saved_numbers_agree_with_one_another(made_trends, held):
    for key, columns in COLUMNS.items():
        assert (made_trends / "figures" / "trends" / f"{key}.csv").read_text("utf-8-sig").splitlines()[0] == columns
    panel, moved, parts = (records(made_trends, key) for key in ("panel", "transitions", "decomposition"))
    state = {(r["id"], r["period"]): r["state"] for r in panel}
    ids, pairs = sorted({r["id"] for r in panel}), list(pairwise(held))
    assert len(panel) == len(state) == len(ids) * len(held)
    counted = {pair: Counter((state[i, pair[0]], state[i, pair[1]]) for i in ids) for pair in pairs}
    assert {(*(r[c] for c in ("from_period", "to_period", "from", "to")), int(r["alliances"])) for r in moved} == {
        (*pair, a, b, counted[pair][a, b]) for pair in pairs for a, b in product(STATES, STATES)}
    assert [(r["from_period"], r["to_period"], r["grade"]) for r in parts] == [(*pair, g) for pair in pairs for g in GRADES]
    for r in parts:
        before, after = ([s for (_, p), s in state.items() if p == r[side] and s in GRADES] for side in ("from_period", "to_period"))
        total = 100 * (after.count(r["grade"]) / len(after) - before.count(r["grade"]) / len(before))
        assert float(r["total"]) == pytest.approx(total, abs=1e-12)
        assert sum(float(r[part]) for part in ("stayers", "entrants", "leavers")) == pytest.approx(total, abs=1e-12), "not rounded"
    for r in panel:
        assert r["state"] in STATES and r["grade"] == (r["state"] if r["state"] in GRADES else "")
        assert (r["rank"] == "") == (r["score"] == "") and (r["score"] == "" or r["grade"])
    hidden = Counter(r["period"] for r in panel if r["grade"] and not r["score"])
    assert hidden == {"2020-2021": 11} if len(held) == 2 else set(hidden) == {"2015", "2018", "2022"}
    assert (len(records(made_trends, "a_level")) > 20) == (len(held) == 10)
    for key in COLUMNS:
        assert "不活跃" not in (made_trends / "figures" / "trends" / f"{key}.csv").read_text("utf-8-sig")


def test_each_figure_has_its_csv(made_trends, html):
    drawn = {figure["id"].removeprefix("figure-") for figure in html.find_all("figure")}
    there = {path.name for path in (made_trends / "figures" / "trends").iterdir()}
    assert len(drawn) == 9 and {f"{key}.{kind}" for key in drawn for kind in ("svg", "csv")} <= there
    assert {name for name in there if name.endswith(".svg")} == {f"{key}.svg" for key in drawn}


def test_five_findings_open_the_report(made_trends, html, held):
    assert bare(html.find("h2").text).endswith("五点发现")
    findings = [item.text for item in html.find("h2").find_next("ol").find_all("li")]
    assert len(findings) == 5 and all("提醒：" in finding for finding in findings)
    pages = [bare(page.extract_text()) for page in PdfReader(made_trends / "reports" / "trends.pdf").pages]
    opening = next(page for page in pages[1:] if "一、五点发现" in page and "提醒" in page)
    assert [f for f in findings if bare(f)[:20] not in opening] == []
    if len(held) == 2:
        assert "+13.6分（101家对75家）" in bare(findings[1]) and "66家，平均变化+5.8分" in bare(findings[1])
        assert "72家两期都参评，29家离开，14家新来" in bare(findings[0]) and "24/24" in findings[3]


def test_pdf_is_standard_and_no_word_leaves_a_page(made_trends):
    report = made_trends / "reports" / "trends.pdf"
    pdf = PdfReader(report)
    xmp = pdf.trailer["/Root"]["/Metadata"].get_data().decode()
    assert [re.search(rf"<pdf{name}>(.*?)<", xmp)[1] for name in ("aid:part", "aid:conformance", "uaid:part")] == ["2", "A", "1"]
    assert all((float(p.mediabox.width), float(p.mediabox.height)) == pytest.approx(A4, abs=0.01) for p in pdf.pages)
    if not shutil.which("pdftotext"):
        pytest.skip("poppler-utils is not installed")
    boxes = subprocess.run(["pdftotext", "-bbox", report, "-"], capture_output=True, text=True, check=True).stdout
    words = re.findall(r'<word xMin="(.+?)" yMin="(.+?)" xMax="(.+?)" yMax="(.+?)">(.*?)</word>', boxes)
    assert len(words) > 2000
    least = [CENTIMETRE, CENTIMETRE, A4[0] - CENTIMETRE, A4[1] - CENTIMETRE]
    assert [w for *edges, w in words if any((float(e) - m) * side < 0 for e, m, side in zip(edges, least, (1, 1, -1, -1)))] == []


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing(page, viewport):
    page.set_viewport_size(viewport)
    page.add_script_tag(path=AXE)
    assert page.evaluate("axe.run().then(r => r.violations.map(v => `${v.id}: ${v.nodes[0].html}`))") == []


def test_nothing_is_fetched_and_nothing_scrolls_sideways(page, made_trends):
    page.mouse.wheel(0, 30_000)
    page.wait_for_load_state("networkidle")
    assert [heard for heard in page.heard if not heard.startswith("data:")] == [page.url]
    for viewport in (WIDE, PHONE):
        page.set_viewport_size(viewport)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_the_table_of_all_is_searched_and_sorted(page, made_trends, held):
    shown = "#table-panel tbody tr:not([hidden])"
    everyone = len({r["id"] for r in records(made_trends, "panel")})
    assert page.locator(shown).count() == everyone == page.locator("#table-panel tbody td svg").count()
    for typed, code in (("半导体照明", "110"), ("D101", "D101")):
        page.get_by_label("查找").fill(typed)
        assert texts(page, f"{shown} td:nth-child(2)") == [code]
    page.get_by_label("查找").fill("")
    for period in held[0], held[-1]:
        head = page.locator("#table-panel th").filter(has_text=re.compile(f"^{period}$"))
        column = texts(page, "#table-panel th").index(period) + 1
        for direction in ("ascending", "descending"):
            head.get_by_role("button").click()
            assert head.get_attribute("aria-sort") == direction
            found = [float(s) for s in texts(page, f"{shown} td:nth-child({column})") if s.isdigit()]
            assert len(found) > 50 and found == sorted(found, reverse=direction == "descending")


@pytest.mark.parametrize("typed, code", [("半导体照明产业技术创新战略联盟", "110"), ("TD产业联盟", "105")])  # the second is an alias
def test_a_whole_name_and_an_alias_are_found(page, typed, code):
    page.get_by_label("查找").fill(typed)
    assert texts(page, "#table-panel tbody tr:not([hidden]) td:nth-child(2)") == [code]


@pytest.mark.parametrize("held", ["two"], indirect=True)
@pytest.mark.parametrize("words", [(), HELD["two"][::-1]], ids=["again", "reversed"])
def test_the_same_bytes_again_and_in_any_order(made_trends, tmp_path, words):
    assert run("trends", *words, out=tmp_path, data=made_trends / "data").returncode == 0
    assert files(tmp_path) == files(made_trends)


@pytest.mark.parametrize("words, status, said", [
    (("2017",), 2, "two periods or more"), (("2017", "2017"), 2, "two periods or more"), (("2017", "2019"), 2, "no score sheet for 2019"),
    (("2017", "2017", "2020-2021"), 0, "")])
def test_one_period_is_no_trend(tmp_path, words, status, said):
    result = run("trends", *words, out=tmp_path)
    assert (result.returncode, said in result.stderr) == (status, True), result.stderr
    assert status == 0 or not list(tmp_path.iterdir())


def test_explore_runs_as_it_is_and_names_what_it_cannot_tell(tmp_path):
    def explore(**parameters) -> str:
        made = papermill.execute_notebook(NOTEBOOKS / "explore.ipynb", None, parameters, kernel_name="python3", progress_bar=False,
                                          cwd=NOTEBOOKS)
        return "".join(output.data.get("text/html", "") for cell in made.cells for output in cell.get("outputs", ()) if "data" in output)

    shown = explore()
    assert "半导体照明产业技术创新战略联盟历次评价" in shown and "<td>活跃度高</td>" in re.sub(" class=\"[a-z ]+\"", "", shown)
    with pytest.raises(PapermillExecutionError, match=r"LookupError: the code 109 has belonged to .*; write the name"):
        explore(who="109")
