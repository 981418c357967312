"""The check as a page: in Chromium, from a local server, with the network closed; it says what `make check` says."""

import functools
import http.server
import io
import json
import shutil
import threading

import openpyxl
import pytest
from conftest import PERIODS, once
from workbooks import change

from analysis import DATA, check, sheets
from analysis.problems import DataError

pytestmark = [pytest.mark.chromium, pytest.mark.npm, pytest.mark.xdist_group("check-page")]
CELLS = {"评分表!D60": "九十", "评分表!C61": 401, "评分表!B62": "深地产业技术创新战略联盟", "评价期!B3": "2018-13-01"}


@pytest.fixture(scope="module")
def site(shared):
    """The address of the made page."""
    folder = once(shared, "check-page", "check-page") / "reports" / "check-page"

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def page(site):
    """The page in a phone's width, ready; what it asks of elsewhere is refused and kept in `page.asked`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.asked, page.wrong = [], []
        page.on("request", lambda request: request.url.startswith((site, "blob:", "data:")) or page.asked.append(request.url))
        page.on("request", lambda request: request.method == "GET" or page.asked.append(request.method))
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.route(lambda url: not url.startswith(site), lambda route: route.abort())
        page.goto(f"{site}/index.html")
        page.wait_for_selector("#file:enabled", timeout=120_000)
        yield page
        assert page.asked == page.wrong == []
        browser.close()


def dropped(page, name: str, content: bytes) -> tuple[str, list[list[str]], list[str]]:
    """What the page says of a workbook: its line, its problems, its notes."""
    page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
    page.wait_for_selector("#status.sound, #status.wrong", timeout=60_000)
    rows = page.eval_on_selector_all("#problems tbody tr", "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))")
    return page.text_content("#status"), rows, page.eval_on_selector_all("#notes li", "all => all.map(li => li.textContent)")


@pytest.mark.parametrize("period", PERIODS)
def test_a_sound_sheet_is_called_sound_in_the_words_of_the_check(page, period, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    read = sheets.read(period)
    said, rows, notes = dropped(page, f"{period}.xlsx", sheets.path_of(period, DATA).read_bytes())
    assert (said, rows, notes) == (read.summary(), [], [*map(str, sheets.notes(read))]) and not page.is_visible("#copy")


@pytest.mark.parametrize("spoil", [
    lambda data: change(data, CELLS), lambda data: change(data, lambda book: book.remove(book["评价期"])),
    lambda data: (path := sheets.path_of("2017", data)).write_bytes(path.read_bytes()[:5000]) and path])
def test_a_wrong_sheet_has_every_problem_and_a_marked_copy(page, data, spoil, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    content = spoil(data).read_bytes()
    with pytest.raises(DataError) as raised:
        check.read("2017", data)
    problems = raised.value.problems
    said, rows, _ = dropped(page, "2017.xlsx", content)
    assert said == f"2017.xlsx：{len(problems)} 处问题" and [row[1] for row in rows] == [str(problem.said) for problem in problems]
    assert [row[0] for row in rows] == [" ".join(filter(None, (p.sheet or p.where[0], p.cell))) for p in problems]
    assert page.is_visible("#copy") is not problems[0].said.rule.startswith("file.")
    if page.is_visible("#copy"):
        with page.expect_download() as download:
            page.click("#copy")
        book = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes()))
        assert download.value.suggested_filename == "2017-check.xlsx" and book.sheetnames[0] == "检查结果"


def test_a_name_that_is_no_period_is_told(page):
    assert "文件名应是评价期" in dropped(page, "评分表（终稿）.xlsx", b"x")[0]


def test_axe_finds_nothing_and_nothing_runs_over_the_edge(page, data):
    import axe_playwright_python

    dropped(page, "2017.xlsx", change(data, CELLS).read_bytes())
    source = (axe_playwright_python.__path__[0] + "/axe.min.js")
    with open(source, encoding="utf8") as file:
        page.evaluate(file.read())
    assert json.loads(page.evaluate("axe.run().then(r => JSON.stringify(r.violations.map(v => [v.id, v.nodes[0].html])))")) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
