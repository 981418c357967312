"""The trend report as it is made, of the two real periods and of ten invented ones, and where there is little to say."""

import csv
import json
import re
import shutil
import subprocess
from collections import Counter
from itertools import pairwise
from pathlib import Path

import axe_playwright_python
import periods as invented
import pytest
from bs4 import BeautifulSoup
from conftest import once, run
from playwright.sync_api import sync_playwright
from pypdf import PdfReader
from test_trend_words import MARKS, MIDDLE, TOP, hidden

from analysis import commands
from analysis.__main__ import main
from analysis.grades import GRADES, STATES

HELD = {"two": ("2017", "2020-2021"), "ten": invented.NAMES}
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
A4, CENTIMETRE = (595.28, 841.89), 72 / 2.54
FIGURES = ["findings", "grades-by-batch", "cumulative", "transitions", "history", "scores"]
# Where a figure's words leave its frame, and which of them lie on one another, in CSS pixels.
WORDS = """() => { const frame = document.querySelector('svg').getBoundingClientRect();
    const boxes = [...document.querySelectorAll('g[id*="text_"]')].map(g => [g.id, g.getBoundingClientRect()]).filter(([, b]) => b.width);
    const out = boxes.filter(([, b]) => b.left < frame.left - 1.5 || b.right > frame.right + 1.5 || b.top < frame.top - 1.5
                                        || b.bottom > frame.bottom + 1.5).map(([id]) => `${id} leaves the frame`);
    const over = boxes.flatMap(([one, a], n) => boxes.slice(n + 1).filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 3
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3).map(([other]) => `${one} lies on ${other}`));
    return [...out, ...over]; }"""


@pytest.fixture(scope="session", params=HELD)
def held(request) -> tuple[str, ...]:
    return HELD[request.param]


@pytest.fixture(scope="session")
def made(shared, held, tmp_path_factory) -> Path:
    """A folder with the made trends of these periods."""
    if len(held) == 2:
        return once(shared, "made-trends", "trends")
    return once(shared, "made-trends-of-ten", "trends", data=invented.make(tmp_path_factory.mktemp("ten") / "data", held))


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser, made):
    page = browser.new_page(viewport={"width": 1440, "height": 850}, locale="zh-CN", bypass_csp=True)
    page.heard = []
    page.on("request", lambda request: page.heard.append(request.url))
    page.on("console", lambda message: page.heard.append(message.text))
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.goto((made / "reports/trends.html").as_uri())
    return page


@pytest.fixture
def html(made) -> BeautifulSoup:
    return BeautifulSoup((made / "reports/trends.html").read_text("utf8"), "html.parser")


def bare(text: str) -> str:
    return re.sub(r"[\s\u2060]", "", text)


def records(folder: Path, label: str) -> list[dict[str, str]]:
    content = (folder / "figures/trends" / f"{label}.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf"), "without the mark Excel takes it for GBK"
    return list(csv.DictReader(content.decode("utf-8-sig").splitlines()))


def test_the_saved_numbers_agree_with_one_another(made, held):
    everyone, moved, parts = (records(made, label) for label in ("history", "transitions", "decomposition"))
    state = {(row["id"], period): row[f"state {period}"] for row in everyone for period in held}
    ids, pairs = sorted({row["id"] for row in everyone}), [*pairwise(held)]
    assert len(everyone) == len(ids) and {*state.values()} <= {*STATES}
    counted = Counter((*pair, state[id, pair[0]], state[id, pair[1]]) for pair in pairs for id in ids)
    assert {(row["前期"], row["后期"], row["前期状态"], row["后期状态"]): int(row["联盟数"]) for row in moved} == counted
    before, after = ([s for (_, period), s in state.items() if period == name and s in GRADES] for name in pairs[-1])
    for row in parts:
        total = 100 * (after.count(row["grade"]) / len(after) - before.count(row["grade"]) / len(before))
        assert float(row["total"]) == pytest.approx(total, abs=1e-12)
        assert sum(float(row[part]) for part in ("stayers", "entrants", "leavers")) == pytest.approx(total, abs=1e-12), "not rounded"
    withheld = Counter(p for row in everyone for p in held if row[f"state {p}"] in GRADES and not row[f"score {p}"])
    assert withheld == {"2020-2021": 11} if len(held) == 2 else {*withheld} == {"2015", "2018", "2022"}
    assert (len(records(made, "a_level")) > 10) == (len(held) == 10) and (len(records(made, "a-level-check")) > 20) == (len(held) == 2)
    signs = {row["run"] for row in records(made, "failing")}
    assert signs == {"2"} if len(held) == 2 else int(max(signs, key=int)) > 2
    shares = {(row["批次"], row["评价期"]): row["高占总数的比例"] for row in records(made, "grades-by-batch")}
    if len(held) == 2:
        assert [float(shares[f"第{n}批", p]) for n in "一二三" for p in held] == [25, 34.62, 12.82, 12.82, 10.91, 16.36]


def test_each_figure_has_its_csv_and_words(made, html):
    there = {path.name for path in (made / "figures/trends").iterdir()}
    figures = html.find_all("figure")
    assert [figure["id"].removeprefix("figure-") for figure in figures] == FIGURES
    assert html.text.count("怎样看：") == len(FIGURES), "each is told at its first use"
    assert {name for name in there if name.endswith(".svg")} == {f"{label}.svg" for label in FIGURES}
    assert {f"{label}.csv" for label in (*FIGURES, "batches", "sectors", "moved", "failing", "decomposition", "tests", "claims", "matching",
                                  "near-cutoffs")} <= there


def test_the_findings_open_the_report(made, html, held):
    findings = [item.text for item in html.find("h2").find_next("ol").find_all("li")]
    chapters = [bare(head.text).partition("、")[2] for head in html.find_all("h2")]
    assert chapters[:5] == ["结论", "各批次", "各等级", "每家联盟", "方法与核对"]
    assert len(findings) == 5 and all("提醒：" in finding for finding in findings)
    pages = [bare(page.extract_text()) for page in PdfReader(made / "reports/trends.pdf").pages]
    assert all(bare(finding)[:20] in pages[0] for finding in findings) and "图1五项发现" in pages[0], "with its figure on page one"
    assert len(pages) <= (10 if len(held) == 2 else 12), "ten periods take little more room than two"
    if len(held) == 2:
        told = [*map(bare, findings)]
        assert "都参评的72家，只在2017参评的29家，只在2020-2021参评的14家" in told[0]
        assert "+13.6分（101家对75家）" in told[1] and "66家，平均变化+5.8分" in told[1] and "+1.0至+5.2分之间" in told[1]
        assert "带来+11.1，只在2020-2021参评的带来−3.7，只在2017参评的带来+9.6" in told[2] and "两期都参评的联盟作用最大" in told[2]
        assert "第二批的平均评分下降" in told[3] and "没有提高的是第二批（12.82%→12.82%）" in told[3]
        assert "−7.5至−3.0分" in told[3] and "较差的20家中，12家" in told[4] and "有22家" in told[4]
        text = bare(html.text)
        assert "24/24" in text and "上升24家、不变37家、下降11家" in text and "始终活跃度高" not in text and text.count("无法核实") < 6


@pytest.mark.poppler
def test_no_word_leaves_a_page(made):
    boxes = subprocess.run(["pdftotext", "-bbox", made / "reports/trends.pdf", "-"], capture_output=True, text=True, check=True).stdout
    words = re.findall(r'<word xMin="(.+?)" yMin="(.+?)" xMax="(.+?)" yMax="(.+?)">(.*?)</word>', boxes)
    least = [CENTIMETRE, CENTIMETRE, A4[0] - CENTIMETRE, A4[1] - CENTIMETRE]
    assert [w for *edges, w in words if any((float(e) - m) * side < 0 for e, m, side in zip(edges, least, (1, 1, -1, -1)))] == []


@pytest.mark.chromium
def test_the_page_is_accessible_and_fetches_nothing(page, held):
    page.add_script_tag(path=AXE)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 850})
        if len(held) == 2:
            assert page.evaluate("axe.run().then(r => r.violations.map(v => `${v.id}: ${v.nodes[0].html}`))") == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [heard for heard in page.heard if not heard.startswith("data:")] == [page.url]


@pytest.mark.chromium
def test_the_table_of_all_is_searched_and_sorted(page, made, held):
    shown, table = "table.search tbody tr:not([hidden])", "table.search"
    assert page.locator(shown).count() == len(records(made, "history"))
    for typed, code in (("半导体照明产业技术创新战略联盟", "110"), ("D101", "D101"), ("TD产业联盟", "105")):  # the last is an alias
        page.get_by_label("查找").fill(typed)
        assert page.locator(f"{shown} td:nth-child(2)").all_text_contents() == [code]
    page.get_by_label("查找").fill("")
    heads = page.locator(f"{table} th").all_inner_texts()
    for period in held[0], held[-1], "评分变化", "等级变化":
        column = [bare(head) for head in heads].index(period) + 1
        button = page.locator(f"{table} th:nth-child({column})").get_by_role("button")
        for direction in (1, -1):
            button.click()
            cells = [cell.replace("−", "-") for cell in page.locator(f"{shown} td:nth-child({column})").all_text_contents()]
            found = [int(cell) for cell in cells if cell.strip("+-").isdigit()]
            assert len(found) > 50 and found == sorted(found, reverse=direction < 0)


@pytest.mark.chromium
@pytest.mark.parametrize("label", FIGURES)
def test_words_in_figures_keep_to_their_places(browser, made, label):
    page = browser.new_page()
    page.set_content((made / "figures/trends" / f"{label}.svg").read_text("utf8"))
    found = page.evaluate(WORDS)
    page.close()
    assert found == []


@pytest.mark.parametrize("words, said", [
    (("2017",), "two periods or more"), (("2017", "2017"), "two periods or more"), (("2017", "2019"), "no score sheet for 2019"),
    (("foo",), "'foo' is not a period"), (("--running", "1"), "two or more"), (("--running", "-1"), "--running -1")])
def test_one_period_is_no_trend(tmp_path, capsys, words, said):
    assert main(["trends", *words, "--out", str(tmp_path)]) == 2 and said in capsys.readouterr().err and not [*tmp_path.iterdir()]


def test_another_run_length_makes_it_anew(shared, monkeypatch):
    out, asked = str(once(shared, "made-trends", "trends")), []
    monkeypatch.setattr(commands, "make", lambda *words, **_: asked.append(words[3]["running"]))
    assert [main(["trends", *words, "--out", out]) for words in ((), ("--running", "3"), ("--running", "2"))] == [0, 0, 0]
    assert asked == ["3"]


def test_jupyterlab_is_chinese_where_the_system_is(monkeypatch):
    started = []
    monkeypatch.setattr(commands, "keep_outputs_out_of_git", lambda: None)
    monkeypatch.setattr(commands.subprocess, "call", started.append)
    for language in ("zh_CN.UTF-8", "en_US.UTF-8"):
        monkeypatch.setenv("LC_ALL", language)
        commands.lab(None)
    folder = Path(started[0][-1].removeprefix("--LabApp.app_settings_dir="))
    assert '"locale": "zh_CN"' in (folder / "overrides.json").read_text() and "app_settings_dir" not in started[1][-1]


@pytest.mark.parametrize("earlier, later", [
    (TOP, MIDDLE), (hidden(MARKS), hidden(MARKS)), (hidden(MARKS, 60), MARKS)], ids=["nobody in both", "all withheld", "other floors"])
def test_a_report_is_made_where_there_is_little_to_say(request, tmp_path, earlier, later):
    data, floors = invented.copied(tmp_path / "data"), "floors" in request.node.callspec.id
    codes = dict(invented.rows(data / "registry/codes.csv", "id", "code"))
    names = dict(invented.rows(data / "registry/alliances.csv", "id", "name"))
    ids = dict(zip(MARKS, (id for id in codes if codes[id][0] in "123" and id not in ("L009", "L010", "L050"))))
    if floors:
        with (data / "registry/schemes.csv").open("a", encoding="utf8", newline="") as file:
            csv.writer(file).writerows(("2019", *line) for line in zip(GRADES, ("不合格", "合格", "良好", "优秀"), (0, 40, 60, 75)))
    for period, marks in (("2018", earlier), ("2019", later)):
        invented.write(data, period, [(names[ids[id]], codes[ids[id]], *((None, mark) if isinstance(mark, str) else (mark, None)))
                                      for id, mark in marks.items()])
    result = run("trends", out=tmp_path, data=data)
    assert result.returncode == 0, result.stderr
    cells = json.loads((tmp_path / "reports/trends.ipynb").read_text("utf8"))["cells"]
    assert not [output for cell in cells for output in cell.get("outputs", []) if output["output_type"] == "stream"]
    assert (tmp_path / "figures/trends/regraded-2018.csv").exists() == floors
