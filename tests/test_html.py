"""The HTML report as its reader has it: opened from the disk in headless Chromium, without a network."""

import base64
import io
import re
import shutil
from pathlib import Path

import nbformat
import notebook
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from notebook import bare
from pypdf import PdfReader

from analysis import cells, charts
from analysis.export import document
from analysis.export.exporters import HTMLExporter

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]
WIDE, TWO_COLUMNS, TABLET, PHONE = ({"width": width, "height": 850} for width in (1440, 1120, 768, 390))
NUMBER = re.compile(r"\d+(?:\.\d+)?%?")
SCORES = "#table-scores"
pytestmark = pytest.mark.only("2020-2021")  # it has all that the other has, and withheld scores
ALLIANCES = pd.DataFrame({"联盟名称": ["甲产业技术创新战略联盟", "乙产业技术创新战略联盟"], "批次": ["第一批", "第二批"], "评分": [90.0, None]})


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, made, period):
    """A function that opens the report in a window of its own."""
    contexts = []

    def open_report(viewport=WIDE, path=None, bypass_csp=True, **more):  # which lets tests add scripts of their own
        contexts.append(browser.new_context(viewport=viewport, locale="zh-CN", bypass_csp=bypass_csp, **more))
        page = contexts[-1].new_page()
        page.heard = []
        page.on("request", lambda request: page.heard.append(request.url))
        page.on("console", lambda message: page.heard.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: page.heard.append(f"error: {error}"))
        page.goto((path or made / "reports" / f"{period}.html").as_uri())
        return page

    yield open_report
    for context in contexts:
        context.close()


def texts(page, selector: str) -> list[str]:
    return [re.sub(r"\s+", " ", text).strip() for text in page.locator(selector).all_text_contents()]


def names_shown(page) -> list[str]:
    """The alliances that the score table shows, in the order on the screen."""
    return page.eval_on_selector_all(f"{SCORES} tbody tr:not(.group)", "rows => rows.filter(r => r.checkVisibility())"
                                     ".sort((a, b) => a.offsetTop - b.offsetTop).map(r => r.cells[1].textContent)")


@pytest.mark.chromium
def test_nothing_is_fetched_and_nothing_complains(opened, made, period):
    page = opened(bypass_csp=False)
    page.mouse.wheel(0, 20_000)
    page.emulate_media(media="print")
    page.wait_for_load_state("networkidle")
    report = made / "reports" / f"{period}.html"
    assert [heard for heard in page.heard if not heard.startswith("data:")] == [report.as_uri()]
    assert report.stat().st_size < 600_000
    assert page.evaluate("document.fonts.ready.then(fonts => fonts.status)") == "loaded"
    assert page.evaluate("[...document.fonts].every(f => f.family.includes('Noto Sans SC') && f.status !== 'error')")


@pytest.mark.chromium
def test_what_an_output_brings_is_neither_fetched_nor_run(opened, tmp_path):
    source = ("<table onclick='x'><tr><td style='background: url(http://x.y/a)'><img src=http://x.y/b onerror=\"document.title = 'run'\">"
              "<a href='javascript:document.title = 1'>甲</a></td></tr></table><link rel=stylesheet href=http://x.y/c><iframe src=http://x.y/d>"
              "</iframe><script>document.title = 'run'</script><style>@import 'http://x.y/e';</style>")
    path = tmp_path / "page.html"
    path.write_text(HTMLExporter().render(document.read(notebook.said(("x", {"text/html": source})), name="题")), "utf8")
    page = opened(path=path, bypass_csp=False)
    page.click("text=甲")
    assert page.title() == "题" and page.locator("main script").count() == 0
    assert sum("Content Security Policy" in heard for heard in page.heard) >= 6


@pytest.fixture(scope="module")
def source(made, period) -> str:
    return (made / "reports" / f"{period}.html").read_text("utf8")


@pytest.fixture
def soup(source) -> BeautifulSoup:
    return BeautifulSoup(source, "html.parser")


def test_every_link_leads_somewhere_and_no_address_leaves_the_page(source, soup, period):
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids)) and soup.title.text == soup.h1.text
    used = re.findall(r'href="(?!#|data:text/csv)([^"]*)"', source) + re.findall(r'\ssrc="(?!data:)([^"]*)"', source)
    assert used == [f"{period}.pdf", f"{period}-tables.xlsx"]
    assert {*re.findall(r'href="#([^"]+)"', source), *re.findall(r"url\(#([^)]+)\)", source)} <= set(ids)
    assert [bare(link.text) for link in soup.select(".contents a")] == [bare(head.text) for head in soup.main.find_all(["h2", "h3"])]


def test_alternative_texts_carry_the_numbers(soup):
    figures = soup.find_all("figure")
    assert len(figures) >= 8
    for figure in figures:
        said, rows = figure.svg["aria-label"], (figure.tbody or figure.find_next_sibling("details").tbody).find_all("tr")
        shown = {number for row in rows for cell in row.find_all("td")[1:] for number in NUMBER.findall(cell.text)}
        assert said not in figure.figcaption.text and shown and shown <= set(NUMBER.findall(said)), figure["id"]


def test_captions_are_numbered_and_references_agree(soup):
    for word, selector in (("图", "figcaption"), ("表", "caption")):
        assert [caption.text.split()[0] for caption in soup.select(selector)] == [f"{word}{n}" for n in range(1, len(soup.select(selector)) + 1)]
    references = soup.select("main a.whole")
    assert len(references) >= 5
    assert all(soup.select_one(f"{link['href']} :is(figcaption, caption)").text.split()[0] == link.text for link in references)
    for tag in soup.main.select("a, svg, table, figcaption, summary"):
        tag.decompose()
    assert not re.search(r"[图表]\s*\d", soup.main.text.replace("数据", "")), "a figure or table is named without a link"


def test_no_code_and_no_stderr_come_through(made, period, source, soup):
    ran = nbformat.read(made / "reports" / f"{period}.ipynb", 4)
    nbformat.validate(ran)
    code = [line.strip() for cell in ran.cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    assert len(code) > 20 and [line for line in code if len(line) > 3 and not line.isidentifier() and line in source] == []
    assert not re.search(r"Traceback|Warning|No description|In \[|Out\[|nan\b|None|undefined|\{\{|\{%", soup.main.text)
    for cell in ran.cells:
        if cell.cell_type == "code":
            cell.outputs.insert(0, nbformat.v4.new_output("stream", name="stderr", text="说漏了"))
    assert HTMLExporter().from_notebook_node(ran)[0] == re.sub(r'<p class="files">.*?</p>', "", source)


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> Path:
    """The page of a notebook with one of each thing that a cell can show."""
    path = tmp_path_factory.mktemp("page") / "everything.html"
    path.write_text(HTMLExporter().render(document.read(notebook.everything())), "utf8")
    return path


@pytest.mark.chromium
@pytest.mark.parametrize("which", ["report", "everything"])
def test_axe_finds_nothing(opened, which, everything):
    import axe_playwright_python

    page = opened(path=everything if which == "everything" else None)
    page.eval_on_selector_all("details", "all => all.forEach(details => { details.open = true; })")
    page.eval_on_selector_all("button.who", "all => all.slice(0, 1).forEach(button => button.click())")
    page.add_script_tag(path=Path(axe_playwright_python.__file__).with_name("axe.min.js"))
    for viewport in (WIDE, PHONE):
        page.set_viewport_size(viewport)
        found = page.evaluate("axe.run().then(r => r.violations.map(v => `${v.id}: ${v.nodes.length} × ${v.nodes[0].html}`))")
        assert found == []
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


@pytest.mark.chromium
def test_the_page_never_scrolls_sideways(opened):
    """But a wide chart and a wide table do, in a window of their own that shows it by a shadow."""
    page = opened()
    for viewport in (WIDE, TWO_COLUMNS, TABLET, PHONE):
        page.set_viewport_size(viewport)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        assert page.eval_on_selector_all("main p, main .chart, main svg, main figcaption, h1, h2, h3", """all => all.filter(e =>
            !e.closest('.chart[tabindex] svg') && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))""") == []
        assert min(page.eval_on_selector_all("figure.below .chart svg", "all => all.map(e => e.getBoundingClientRect().width)")) > 400
    cut = page.eval_on_selector_all("main *", """all => all.filter(e => e.scrollWidth > e.clientWidth && e.clientWidth
        && getComputedStyle(e).overflowX == 'auto').map(e => getComputedStyle(e).backgroundAttachment)""")
    assert len(cut) > 3 and set(cut) == {"local, local, scroll, scroll"}


@pytest.mark.chromium
def test_contents_stay_at_the_side_of_a_wide_screen_and_are_folded_on_a_phone(opened):
    page = opened(TWO_COLUMNS)
    page.locator(".contents a").last.click()
    page.wait_for_function("scrollY > 2000 && document.querySelectorAll('.contents a[aria-current]').length === 1")
    box, main = page.locator(".contents").bounding_box(), page.locator("main").bounding_box()
    assert box["y"] == pytest.approx(0, abs=1) and box["x"] + box["width"] <= main["x"] + 1
    page = opened(PHONE)
    assert not page.locator(".contents a").first.is_visible()
    page.click(".contents summary")
    assert page.locator(".contents a").first.is_visible()


@pytest.mark.chromium
@pytest.mark.parametrize("which", ["report", "everything"])
def test_the_fonts_have_all_that_is_shown_in_bold_and_not(opened, which, everything):
    """Each text as the browser shows it, with what the script adds and says of a chosen alliance."""
    page = opened(path=everything if which == "everything" else None)
    page.eval_on_selector_all("button.who", "all => all.slice(0, 1).forEach(button => button.click())")
    known = [{chr(code) for code in TTFont(io.BytesIO(base64.b64decode(font))).getBestCmap()} | set(" \n\t\u3000")
             for font in re.findall(r"font/woff;base64,([^)]+)\)", page.content())]
    shown = page.evaluate("""() => { const found = ["", ""], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) { const at = walker.currentNode.parentElement;
            if (at.closest("script, style, title") === null) found[Number(getComputedStyle(at).fontWeight >= 600)] += walker.currentNode.data; }
        return found; }""")
    assert [sorted(set(text) - font) for text, font in zip(shown, known, strict=True)] == [[], []]
    assert len(known[1]) < len(known[0]) / 2 or which == "everything"


@pytest.mark.parametrize("text, whole", [
    ("2020-2021：甲", ["2020-2021"]), ("4.2-03、A1-02", ["4.2-03", "A1-02"]), ("2017-12-31", ["2017-12-31"]), ("甲-乙", []), ("a-1b", [])])
def test_numbers_and_years_in_cells_do_not_break(text, whole):
    wide = pd.DataFrame({"甲": [text + "，" * 12]})  # a narrow column breaks nowhere
    page = HTMLExporter().render(document.read(notebook.said(("x", notebook.frame(wide)))))
    assert re.findall(r'<span class="whole">(.*?)</span>', page) == whole


def test_the_report_shows_the_saved_drawings(made, period, source):
    shown = dict(re.findall(r'<figure id="figure-([^"]+)".*?(<svg.*?</svg>)', source, re.S))
    folder = made / "figures" / period
    assert set(shown) == {path.stem for path in folder.glob("*.svg")}

    def strokes_and_words(svg: str) -> tuple[list, list]:
        paths = re.findall(r'<path ([^>]*?)d="(M[^"]+)"', svg)
        points = [re.findall(r"-?\d+(?:\.\d+)?", d) for before, d in paths if "NotoSans" not in before]
        return [[round(float(n), 1) for n in point[:2]] for point in points], re.findall("<!-- (.*?) -->|<text [^>]*>(.*?)</text>", svg)

    for key, drawing in shown.items():
        saved, on_page = strokes_and_words((folder / f"{key}.svg").read_text("utf8")), strokes_and_words(drawing)
        assert min(map(len, saved)) >= 3 and on_page[0] == [pytest.approx(point, abs=0.11) for point in saved[0]], key
        assert [words for _, words in on_page[1]] == [words for words, _ in saved[1]], "words are text on the page, and can be searched"


@pytest.mark.chromium
def test_the_score_table_is_searched_and_sorted_and_goes_back(opened):
    page = opened()
    printed, codes = names_shown(page), texts(page, f"{SCORES} tbody td:nth-child(3)")
    box = page.get_by_label("查找")
    for typed, meant in (("半导体照明", "半导体照明"), ("  td ", "TD"), ("１０９", "109"), (codes[4], codes[4]), ("没有它", "没有它")):
        box.fill(typed)
        assert names_shown(page) == [name for name, code in zip(printed, codes) if meant in name or meant in code], typed
    assert "0" in page.locator(".search-box [role=status]").inner_text()
    box.fill("")
    head = page.locator(f"{SCORES} th").filter(has_text="评分")
    for direction in ("ascending", "descending"):
        head.get_by_role("button").click()
        shown = [float(s) for s in texts(page, f"{SCORES} tbody tr:not(.group) td:nth-child(4)") if s != "—"]
        assert head.get_attribute("aria-sort") == direction and shown == sorted(shown, reverse=direction == "descending")
        assert sorted(names_shown(page)) == sorted(printed)
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") is None and names_shown(page) == printed
    assert page.locator(f"{SCORES} tr.group").first.is_visible()


@pytest.mark.chromium
def test_without_scripts_everything_is_there(opened):
    page = opened(PHONE, java_script_enabled=False)
    seen = page.eval_on_selector_all(f"{SCORES} tr, .contents a", "all => all.map(e => e.checkVisibility())")
    assert len(seen) > 100 and all(seen) and page.locator("input, button").count() == 0


@pytest.mark.chromium
def test_print_has_the_report_and_repeats_the_heads(opened):
    page = opened()
    everyone = names_shown(page)
    page.emulate_media(media="print")
    assert not any(item.is_visible() for item in page.locator(".contents, .search-box, .skip").all())
    assert page.locator("main").bounding_box()["x"] == 0
    pages = [re.sub(r"\s", "", p.extract_text()) for p in PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages]
    of_table = [text for text in pages if sum(re.sub(r"\s", "", name) in text for name in everyone) > 15]
    assert len(of_table) >= 3
    heads = ("名次联盟名称代码评分", "序号联盟名称代码", "姓名单位及职务")  # the score table, and the lists that follow it
    assert [text[:40] for text in of_table if not any(head in text for head in heads)] == []


def _of_alliances() -> str:
    """A page with two tables of alliances, one of pairs, and a drawing whose marks stand for some."""
    axes = charts.canvas(2)
    charts.stands_for(axes.scatter([0, 1], [0, 1]), "乙", "甲", each=True)
    for bar, names in zip(axes.bar([0, 1, 2, 3], [1, 1, 1, 1]), (["第一批"], ["第二批"], ["90~95"], ["第一批", "80~90"])):
        charts.stands_for(bar, *names)
    axes.text(0, 0.5, "甲")
    ran = notebook.said(
        ("#| label: a\n#| caption: 甲\n#| search: true\n#| also: 领域", notebook.frame(ALLIANCES.assign(领域=["农业", "能源"]))),
        ("#| label: b\n#| alt: 图", {"image/svg+xml": cells.svg(axes.figure)}),
        ("#| label: c\n#| caption: 丙", notebook.frame(ALLIANCES[["联盟名称", "评分"]])),
        ("#| label: d\n#| caption: 丁", notebook.frame(pd.DataFrame({"升降": ["+1"], "联盟": ["丙、甲"]}))))
    return HTMLExporter().render(document.read(ran))


@pytest.mark.chromium
def test_an_alliance_that_is_chosen_is_lit_up_everywhere(opened, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(_of_alliances(), "utf8")
    page = opened(path=path)

    def lit(selector: str) -> int:
        return page.locator(f"{selector}.lit").count()

    page.get_by_role("button", name="甲产业").first.press("Enter")
    assert (lit("tr"), lit("text"), lit("use")) == (3, 1, 1)
    assert page.eval_on_selector_all("[data-in]", "all => all.map(e => [e.dataset.in, e.classList.contains('lit')])") == [
        ["第一批", True], ["第二批", False], ["90~95", True], ["第一批|80~90", False]]
    assert texts(page, ".chosen li") == ["表1：批次 第一批，评分 90", "表2：评分 90", "表3：升降 +1", "图1"]
    assert "who=" in page.url and texts(page, "#table-d td:last-child button") == ["丙", "甲"]
    page.get_by_label("批次").select_option("第二批")
    page.reload()
    assert page.locator(".chosen .name").inner_text() == "甲产业技术创新战略联盟"
    assert page.locator("#table-a tbody tr:visible").count() == 1
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#table-a tbody tr:visible").count() == 2
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.keyboard.press("Escape")
    assert lit("") == 0 and "who=" not in page.url
    page.locator("use.who").first.dispatch_event("click")
    assert page.locator(".chosen .name").inner_text() == "乙产业技术创新战略联盟" and lit("tr") == 2
    page.locator(".chart").press("ArrowRight")
    assert page.locator(".chosen .name").inner_text() == "甲产业技术创新战略联盟"
    page.get_by_label("批次").select_option("")
    assert page.get_by_label("领域").locator("option").all_text_contents() == ["领域：全部", "农业", "能源"]
    page.get_by_label("查找").fill("能源")
    page.get_by_label("查找").press("Enter")
    assert page.locator(".chosen .name").inner_text() == "乙产业技术创新战略联盟"
    assert not [heard for heard in page.heard if heard.startswith("error")]


@pytest.mark.chromium
def test_batches_are_chosen_in_their_order_and_others_as_they_come(opened, tmp_path):
    table = pd.DataFrame({"联盟名称": list("甲乙丙丁"), "批次": ["网员联盟", "第三批", "第一批", "第二批"],
                          "领域": ["能源", "农业", "能源", "材料"]})
    path = tmp_path / "page.html"
    ran = notebook.said(("#| label: a\n#| caption: 甲\n#| search: true", notebook.frame(table)))
    path.write_text(HTMLExporter().render(document.read(ran)), "utf8")
    page = opened(path=path)
    assert texts(page, "select[aria-label=批次] option") == ["批次：全部", "第一批", "第二批", "第三批", "网员联盟"]
    assert texts(page, "select[aria-label=领域] option") == ["领域：全部", "能源", "农业", "材料"]
