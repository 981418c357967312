"""The Word document read back by python-docx: its text is the PDF's, and what Word counts and looks up are fields."""

import io
import re
import subprocess
import zipfile
from collections import Counter

import docx
import nbformat
import notebook
import pytest
from docx.oxml.ns import qn
from notebook import bare
from pypdf import PdfReader

from analysis.export import document
from analysis.export import word as writer
from analysis.export.document import chinese_number
from analysis.export.exporters import PDFExporter, WordExporter


@pytest.fixture(scope="module")
def read(made, period) -> document.Document:
    return document.read(nbformat.read(made / "reports" / f"{period}.ipynb", 4))


@pytest.fixture(scope="module")
def content(read) -> bytes:
    return WordExporter().render(read)


@pytest.fixture(scope="module")
def word(content):
    return docx.Document(io.BytesIO(content))


@pytest.fixture(scope="module")
def every():
    """The document of one of each thing that a cell can show."""
    return docx.Document(io.BytesIO(WordExporter().render(document.read(notebook.everything()))))


def lines(word) -> list[str]:
    """Paragraphs and rows in order, without the lists of contents; the number of a heading or an item is as its list counts."""
    found, counts, formats = [], {}, numbers(word)
    for block in word.element.body:
        paragraphs = block.iter(qn("w:p")) if block.tag == qn("w:tbl") else [block] if block.tag == qn("w:p") else []
        for paragraph in paragraphs:
            style = docx.text.paragraph.Paragraph(paragraph, word._body).style
            if style.name.startswith(("toc", "TOC", "table of")) or style.name.startswith("Table of"):
                continue
            own = paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
            listed = own if own is not None else style.element.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
            number = ""
            if listed is not None and listed.numId is not None:
                level, key = listed.ilvl.val, listed.numId.val
                count = counts.setdefault(key, [0, 0, 0])
                count[level:] = [count[level] + 1] + [0] * (2 - level)
                if level == 0 and key == 2:
                    counts[1][1:] = [0, 0]
                kind, shown = formats[key][level]
                value = chinese_number(count[level]) if kind.startswith("chinese") else str(count[level])
                number = re.sub(r"%\d", value, shown)
            text = "".join(node.text or "" for node in paragraph.iter(qn("w:t")))
            found.append(bare(number + text))
    return list(filter(None, found))


def numbers(word) -> dict[int, list[tuple[str, str]]]:
    root = next(rel.target_part for rel in word.part.rels.values() if rel.reltype.endswith("/numbering"))
    tree = docx.oxml.parse_xml(root.blob) if hasattr(root, "blob") else root.element
    return {int(one.get(qn("w:abstractNumId"))): [(level.find(qn("w:numFmt")).get(qn("w:val")), level.find(qn("w:lvlText")).get(qn("w:val")))
                                                  for level in one.iter(qn("w:lvl"))] for one in tree.iter(qn("w:abstractNum"))}


def footnotes(word) -> str:
    return next(rel.target_part.blob.decode() for rel in word.part.rels.values() if rel.reltype.endswith("/footnotes"))


def test_its_text_is_the_pdfs(word, read):
    """Each paragraph and row stands in the PDF in its order; what the PDF has besides are running heads, contents and drawings."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(PDFExporter().render(read))).pages]
    title, chapters = bare(read.title), [bare(part.number + part.text) for part in read.of("heading") if part.level == 1]
    text = bare(pages[0])
    for number, page in enumerate(pages[2:], start=3):
        inner = bare(page).removeprefix(title)
        text += inner.removeprefix(next(filter(inner.startswith, chapters))).removesuffix(f"{number}/{len(pages)}")
    text, shown, place = re.sub(r"（数据见附件[\w-]+\.csv）", "", text), lines(word), 0
    notes = bare("".join(node.text or "" for node in docx.oxml.parse_xml(footnotes(word)).iter(qn("w:t"))))
    for line in shown:
        found = text.find(line, place) if len(line) > 3 else place
        assert found >= 0, f"{line} is not in the PDF, or not in its place"
        place = found
    said = Counter("".join(shown) + notes)
    for part in read.of("图"):
        said += Counter(bare(part.picture.words()))
    beyond = Counter(text)
    beyond.subtract(said)
    assert {c: n for c, n in beyond.items() if n < 0 and c not in "0123456789"} == {}
    assert sum(n for n in beyond.values() if n > 0) < 0.01 * len(text)


def test_headings_captions_and_references_are_fields_and_styles_that_count(word, read):
    shown = [(p.style.name, p.text) for p in word.paragraphs if p.style.name.startswith("Heading")]
    assert shown == [(f"Heading {part.level}", part.text) for part in read.of("heading")]
    assert [word.styles[f"Heading {level}"].element.pPr.numPr.ilvl.val for level in (1, 2, 3)] == [0, 1, 2]
    said = [node.text.strip() for node in word.element.body.iter(qn("w:instrText"))]
    for kind in ("图", "表"):
        numbered = [part for part in read.of(kind) if part.number]
        assert sum(code == f"SEQ {kind} \\* ARABIC" for code in said) == len(numbered) > 1
    assert {'TOC \\o "1-2" \\h \\z \\u', 'TOC \\h \\z \\c "图"', 'TOC \\h \\z \\c "表"'} <= {*said}
    bookmarks = [mark.get(qn("w:name")) for mark in word.element.body.iter(qn("w:bookmarkStart"))]
    assert len(bookmarks) == len(set(bookmarks))
    looked_up = [code.split()[1] for code in said if code.startswith("REF")]
    assert looked_up and {*looked_up, *(link.get(qn("w:anchor")) for link in word.element.body.iter(qn("w:hyperlink")))} <= {*bookmarks, None}


def test_rows_do_not_break_and_heads_repeat(word):
    assert len(word.tables) > 1
    for rows in (table._tbl.tr_lst for table in word.tables):
        assert all(row.trPr.find(qn("w:cantSplit")) is not None for row in rows)
        assert [row.trPr.find(qn("w:tblHeader")) is not None for row in rows] == [True] + [False] * (len(rows) - 1)


def test_drawings_are_svg_with_a_png_and_alternative_text(word, read):
    drawn = [*word.element.body.iter(qn("wp:inline"))]
    said = [inline.docPr.get("descr") for inline in drawn]
    assert said[:1] and {part.alt for part in read.of("图")} <= set(said)
    for inline in drawn:
        png, svg = (word.part.related_parts[inline.xpath(path)[0]] for path in (".//a:blip/@r:embed", ".//*[local-name()='svgBlip']/@r:embed"))
        assert png.blob.startswith(b"\x89PNG") and b"<svg" in svg.blob
        assert inline.extent.cx <= word.sections[0].page_width - 2 * word.sections[0].left_margin
    assert {part.picture.content for part in read.of("图")} <= {part.blob for part in word.part.related_parts.values() if hasattr(part, "blob")}


def test_language_title_header_and_page_numbers(word, read):
    assert word.core_properties.language == "zh-CN" and word.core_properties.title == read.title
    assert word.core_properties.created.date().isoformat() == word.core_properties.modified.date().isoformat() == read.date
    assert word.styles.element.xpath("w:docDefaults//w:lang/@w:eastAsia") == ["zh-CN"]
    section = word.sections[0]
    assert section.different_first_page_header_footer and read.title in "".join(t.text or "" for t in section.header._element.iter(qn("w:t")))
    assert [field.get(qn("w:instr")).strip() for field in section.footer._element.iter(qn("w:fldSimple"))] == ["PAGE", "NUMPAGES"]


@pytest.mark.libreoffice
@pytest.mark.only("2017")
def test_libreoffice_makes_pages_of_it(content, word, read, tmp_path):
    """Every paragraph and row is on a page, in order; each page has its number, and each page of the annex the head of its table."""
    (tmp_path / "a.docx").write_bytes(content)
    subprocess.run(["soffice", f"-env:UserInstallation={(tmp_path / 'home').as_uri()}", "--headless", "--convert-to", "pdf", "a.docx"],
                   cwd=tmp_path, capture_output=True, check=True, timeout=120)
    pages = [bare(page.extract_text()) for page in PdfReader(tmp_path / "a.pdf").pages]
    assert 12 < len(pages) < 20
    assert all(page.startswith(bare(read.title)) and f"{number}/{len(pages)}" in page for number, page in enumerate(pages[1:], start=2))
    text = "".join(pages)
    place = 0
    for line in (line for line in lines(word) if len(line) > 3):
        words = line[:12]  # a line may go on after the head of the next page
        assert (place := text.find(words, place)) >= 0, line
    annex = next(number for number, page in enumerate(pages) if "名次联盟名称代码评分" in page)
    assert all("名次联盟名称代码评分" in page for page in pages[annex:]) and len(pages) - annex > 2


def test_the_same_bytes_each_time(content, read):
    assert WordExporter().render(read) == content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names)) and {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_one_of_each_thing_that_a_cell_shows(every):
    shown = lines(every)
    assert "粗体。后面，淡、code、链接和脚注，公式。" in shown and "单元格里的话，见图1。" in shown and "for代码" in shown
    assert shown.index("•一") + 1 == shown.index("•二") == shown.index("•三") - 1
    assert "脚注的话。" in footnotes(every)
    alts = [inline.docPr.get("descr") for inline in every.element.body.iter(qn("wp:inline"))]
    assert {"附件", r"\sum_{i=1}^{n} x_i", "三批评分的分布"} <= set(alts)
    assert "A-149" in "".join(shown) and "没有的" not in shown
    assert any(rel.reltype.endswith("/hyperlink") and rel.target_ref == "https://example.org/" for rel in every.part.rels.values())


@pytest.mark.only("2017")
def test_a_template_without_our_styles_does(monkeypatch, tmp_path, word, read):
    docx.Document().save(tmp_path / "reference.docx")
    monkeypatch.setattr(writer, "REFERENCE", tmp_path / "reference.docx")
    assert {*lines(word)} <= {*lines(docx.Document(io.BytesIO(writer.render(read))))}
