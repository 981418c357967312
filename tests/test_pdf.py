"""The PDF read back: standard, fonts, bookmarks, captions, and the annex against the sheet as a spreadsheet shows it."""

import io
import re
import subprocess
from functools import cache
from itertools import pairwise

import openpyxl
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from notebook import bare, frame, said, tagged
from pypdf import PdfReader

from analysis import DATA, fonts
from analysis.export import document, tables
from analysis.export.document import Document, DocumentError, Part
from analysis.export.pdf import render

HEAD = "名次联盟名称代码评分"


@pytest.fixture(scope="module")
def pdf(made, period) -> PdfReader:
    return PdfReader(made / "reports" / f"{period}.pdf")


@pytest.fixture(scope="module")
def pages(pdf) -> list[str]:
    return [page.extract_text() for page in pdf.pages]


@pytest.fixture(scope="module")
def html(made, period) -> BeautifulSoup:
    return BeautifulSoup((made / "reports" / f"{period}.html").read_text("utf8"), "html.parser")


@cache
def sheet(period: str) -> openpyxl.Workbook:
    return openpyxl.load_workbook(DATA / "score_sheets" / f"{period}.xlsx")


def fact(period: str, item: str):
    return next(row[1] for row in sheet(period)["评价期"].iter_rows(values_only=True) if row[0] == item)


def annex(period: str) -> list[str]:
    """Name, code and score of each alliance of the sheet 评分表 in its order, as a line of the annex has them."""
    rows = sheet(period)["评分表"].iter_rows(values_only=True)
    return [bare(f"{name}{code}{'—' if score is None else score}") for _, name, code, score, *_ in rows
            if re.fullmatch(r"[123D]\d+", str(code))]


def outline(entries: list, level: int = 1) -> list[tuple]:
    """Bookmarks with their levels, in order."""
    found = []
    for entry in entries:
        found += outline(entry, level + 1) if isinstance(entry, list) else [(level, entry)]
    return found


def test_standards_size_language_title_and_date(pdf, html, period):
    assert {(round(float(page.mediabox.width)), round(float(page.mediabox.height)), page.rotation) for page in pdf.pages} == {(595, 842, 0)}
    root = pdf.trailer["/Root"]
    xmp = root["/Metadata"].get_data().decode()
    said = {name: re.search(rf"<{name}>(.*?)</{name}>", xmp)[1] for name in ("pdfaid:part", "pdfaid:conformance", "pdfuaid:part")}
    assert said == {"pdfaid:part": "3", "pdfaid:conformance": "A", "pdfuaid:part": "1"}
    assert root["/Lang"] == "zh-CN"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert pdf.metadata.title == html.h1.text == f"{period}年度产业技术创新战略联盟 活跃度评价报告"
    assert html.h1.text in xmp
    last = fact(period, "结束日期").date()
    assert pdf.metadata.creation_date.date() == pdf.metadata.modification_date.date() == last
    assert html.find("meta", {"name": "date"})["content"] == last.isoformat()


def test_every_font_is_ours_and_embedded(pdf):
    names, seen = set(), set()

    def look(resources) -> None:
        for font in (f.get_object() for f in resources.get("/Font", {}).values()):
            descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile2", "/FontFile3"} & set(descriptor), font["/BaseFont"]
            assert "/ToUnicode" in font, "its text cannot be copied"
            names.add(font["/BaseFont"].split("+")[1])
        for reference in resources.get("/XObject", {}).values():
            inner = reference.get_object()
            if id(inner) not in seen and "/Resources" in inner:
                seen.add(id(inner))
                look(inner["/Resources"].get_object())

    for page in pdf.pages:
        look(page["/Resources"].get_object())
    assert names == {"NotoSansSC-Regular", "NotoSansSC-Bold"}


@pytest.mark.poppler
def test_poppler_reads_the_same_fonts_and_text(made, period, pages):
    report = made / "reports" / f"{period}.pdf"
    fonts_seen = subprocess.run(["pdffonts", report], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert len(fonts_seen) == 2
    assert all(re.search(r"\+NotoSansSC-\w+ +CID TrueType +Identity-H +yes yes yes", line) for line in fonts_seen)
    text = subprocess.run(["pdftotext", report, "-"], capture_output=True, text=True, check=True).stdout
    assert sorted(bare(text)) == sorted(bare("".join(pages)))


def test_bookmarks_and_contents_are_the_headings_of_the_html(pdf, pages, html):
    headings = [(int(h.name[1]) - 1, bare(h.text)) for h in html.find_all(["h2", "h3", "h4"])]
    assert [(level, bare(entry.title)) for level, entry in outline(pdf.outline)] == headings and len(headings) > 20
    page_of = [(bare(entry.title), pdf.get_destination_page_number(entry) + 1) for level, entry in outline(pdf.outline) if level < 3]
    contents = [re.sub(r"\.{3,}", "…", bare(line)) for line in pages[1].splitlines()]
    assert [line for line in contents if "…" in line] == [f"{title}…{number}" for title, number in page_of]
    assert all(title in bare(pages[number - 1]) for title, number in page_of)


def test_every_alliance_of_the_annex_in_order_under_its_head(pages, period):
    text = bare("".join(pages))
    place = text.index(HEAD)
    everyone = annex(period)
    assert len(everyone) == fact(period, "参评联盟数")
    for line in everyone:
        found = text.find(line, place)
        assert found > 0, f"{line} is not in the annex, or not in its place"
        place = found
    of_table = [bare(page) for page in pages if any(line in bare(page) for line in everyone)]
    assert len(of_table) >= 3 and all(page.count(HEAD) == 1 for page in of_table)


def test_captions_are_those_of_the_html(pages, html):
    text = bare("".join(pages))
    for captions in (html.find_all("figcaption"), html.find_all("caption")):
        place = text.index("一、摘要", text.index("一、摘要") + 1)
        for caption in captions:
            place = text.find(bare(caption.text), place)
            assert place > 0, caption.text


def test_figures_and_tables_are_tagged_for_a_screen_reader(pdf, html):
    tree = pdf.trailer["/Root"]["/StructTreeRoot"]
    said = {figure["/Alt"] for figure in tagged(tree["/K"], "/Figure") if "/Alt" in figure}
    assert said == {svg["aria-label"] for svg in html.select("figure svg")}
    shown = [table for table in html.find_all("table") if not table.find_parent("details")]
    assert len(tagged(tree["/K"], "/Table")) == len(shown)
    assert len(tagged(tree["/K"], "/TH")) >= sum(len(table.select("thead th")) for table in shown)


def test_each_csv_is_attached_as_data_and_the_caption_says_so(pdf, pages, made, period):
    saved = {path.name: path.read_bytes() for path in (made / "figures" / period).glob("*.csv")}
    attached = {name: content for name, (content,) in pdf.attachments.items()}
    assert len(attached) > 8 and attached.items() <= saved.items()
    assert {name for name, content in saved.items() if content.count(b"\n") > 1} == set(attached), "all but the empty ones"
    related = [file.get_object() for file in pdf.trailer["/Root"]["/AF"]]
    assert {file["/AFRelationship"] for file in related} == {"/Data"} and len(related) == len(attached)
    text = bare("".join(pages))
    assert all(f"（数据见附件{name}）" in text for name in attached)


def test_every_page_but_the_cover_has_its_number_and_no_strange_character(pages, made, period):
    """And no page is nearly empty; words in drawings can be searched."""
    text = "".join(pages)
    assert fonts.missing(text) == [] and not re.search("[\ufffd\u25a1\x00\ue000-\uf8ff]|\\{\\{|\\{%|\\[@|\\*\\*|\\bnan\\b|\\bNone\\b", text)
    drawn = re.findall("<!-- (.*?) -->", (made / "figures" / period / "overall.svg").read_text("utf8"))
    assert len(drawn) > 10 and all(bare(words) in bare(text) for words in drawn)
    assert not re.search(r"/ ?\d+\s*$", pages[0]) and min(len(bare(page)) for page in pages[1:]) >= 150
    for number, page in enumerate(pages[1:], start=2):
        assert page.strip().splitlines()[-1].strip() == f"{number} / {len(pages)}"


def test_no_heading_or_caption_is_left_alone_at_a_foot(pages, html):
    headings = {bare(h.text) for h in html.find_all(["h2", "h3", "h4"])}
    captions = {bare(c.text) for c in html.find_all("caption")}
    groups = {bare(row.text) for row in html.select("tr.group")}
    for number, (page, after) in enumerate(pairwise(pages[2:]), start=3):
        last = bare(page.strip().splitlines()[-2])
        assert last not in headings | captions | groups, f"page {number} ends with {last}"
        assert after.strip()


def test_a_few_lines_between_a_heading_and_a_figure_are_on_its_page(pages, html):
    kept = 0
    for figure in html.select("figure:has(svg)"):
        texts = []
        for before in figure.find_previous_siblings():
            if before.name != "p":
                break
            texts.append(bare(before.text))
        if texts and before.name in ("h2", "h3") and len("".join(texts)) < 150:
            page = next(page for page in map(bare, pages[2:]) if bare(figure.figcaption.text)[:20] in page)
            assert all(text[:12] in page for text in [bare(before.text), *texts])
            kept += 1
    assert kept >= 4


def test_an_annex_begins_a_page_only_where_little_is_left_of_one(pages, html):
    """All but the first: of the last annexes at least one stands under something else."""
    annexes = [bare(h.text) for h in html.find_all("h2") if h.text.startswith("附件")]
    under = [annex for annex in annexes for page in map(bare, pages[2:]) if page.find(annex) > 60]
    first = next(page for page in map(bare, pages[2:]) if annexes[0] in page)
    assert annexes[0] not in under and first.index(annexes[0]) < 60
    assert set(under) & set(annexes[1:]) or len(annexes) == 1


def test_the_running_head_is_the_chapter_in_force_where_the_page_begins(pages, html):
    """The title, then the chapter; where one begins at the top of the page, it is that one."""
    title, chapters = bare(html.h1.text), [bare(h.text) for h in html.find_all("h2")]
    current = None
    for page in map(bare, pages[2:]):
        head, rest = page[:len(title)], page[len(title):]
        here = [chapter for chapter in chapters if chapter in rest.removeprefix(current or "")]
        at_top = [c for c in here if rest.removeprefix(c).startswith(c)]
        current = at_top[0] if at_top else current or here[0]
        assert head == title and rest.startswith(current), rest[:40]
        current = here[-1] if here and here[-1] in rest[len(current):] else current


def test_links_lead_somewhere(pdf, html):
    targets = set(pdf.named_destinations)
    links = [note.get_object() for page in pdf.pages for note in page.get("/Annots", []) or []]
    assert len(links) >= len(html.select("main a[href^='#']")) + len(html.select(".contents a"))
    for link in links:
        assert link["/Subtype"] == "/Link" and "/URI" not in link.get("/A", {})
        where = link.get("/Dest", link.get("/A", {}).get("/D")).get_object()
        assert isinstance(where, list) or str(where) in targets


HARD = ("2017年12月31日", "WWMM年mm月", "@@%%&&", "甲a乙b丙c丁d", "ЮЮЩЩ", "100.00%")


@pytest.mark.parametrize("most", HARD)
def test_no_text_of_a_long_table_needs_a_line_more_than_its_row_has(most):
    """Beside a column that takes the room; one text in it has two lines, and its row is no lower than they are."""
    table = pd.DataFrame({"项": [most] * 240, "内容": ["一行"] * 100 + ["上行\n下行"] + ["一行"] * 139})
    read = PdfReader(io.BytesIO(render(document.read(said(("#| label: x\n#| caption: y", frame(table)))))))
    lines = [bare(line) for page in read.pages for line in page.extract_text().splitlines()]
    assert sum(most in line for line in lines) == 240
    ups = [y for page in read.pages for text, y in _placed(page) if "行" in text]
    assert len(ups) == 241 and all(a - b > 10 or b > a for a, b in pairwise(ups))


def _placed(page) -> list[tuple[str, float]]:
    """The texts of a page, each with how high it stands."""
    found = []
    page.extract_text(visitor_text=lambda text, cm, tm, *_: found.append((text, tm[5] * cm[3] + cm[5])))
    return found


def test_long_headings_take_two_lines_before_a_label_does():
    """A pivot of two levels has eight headings of a dozen characters over short numbers."""
    table = pd.DataFrame({"批次": ["第一批", "第二批"]} | {f"mean 活跃度较高{place} True": [93.92307692, 7] for place in range(8)})
    read = PdfReader(io.BytesIO(render(document.read(said(("#| label: x\n#| caption: y", frame(table)))))))
    assert {"第一批", "第二批"} <= {bare(text) for text, _ in _placed(read.pages[0])}


def test_no_character_is_wider_than_the_tables_reckon():
    with TTFont(fonts.REGULAR) as font:
        widths, em = font["hmtx"], font["head"].unitsPerEm
        assert not [chr(code) for code, glyph in font.getBestCmap().items() if widths[glyph][0] / em > tables.most(chr(code))]


def test_what_typst_refuses_is_told_in_its_words():
    with pytest.raises(DocumentError, match="Typst: TypstError: expected integer or auto"):
        render(Document(parts=[Part("heading", "", "甲", level="2")]))
