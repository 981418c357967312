"""Markdown to HTML and to PDF: a sheet's text comes out as those very characters, an analyst's as it was meant."""

import io

import pandas as pd
import pypdf
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from notebook import bare, frame, said, told

from analysis import words
from analysis.export import document, markup
from analysis.export.exporters import HTMLExporter, PDFExporter

HOSTILE = [
    "<script>alert(1)</script>", "<!-- x -->", "</p><b onclick='x'>", "&amp; &#65; &copy;", "a < b && c > d",
    '#eval("1")', "#link", "$x^2$", "$", "@ref", "<label>", "// no comment", "/* nor this */", "#{1 + 1}",
    "[content]", "~", "--- ...",
    "a\\b\\\\c", "\\", "\\n", "\\u{41}", '"quoted"', "'single'", '"; #panic("out"); "', "`code`", "```raw```",
    "{{ period }}", "{% if x %}", "{# gone #}", "[@overall]", "[@no such]", "[a](http://x.y)", "![a](b.png)", "<http://x.y>",
    "http://x.y", "*a* _b_ **c**", "**", "# heading", "= heading", "1. one", "1) one", "- item", "+ item", "> quote", "| a | b |",
    "---", "===", "~~~", "a*", "100%", "TD 产业（BIM）", "：、“”‘’", "[^1]", "[^1]: note", "$$x$$", "a_b_c",
    "<!-- outlines -->", "/* faces */", "<caption></caption>",
]


def pages(report) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(PDFExporter().render(report))).pages]


def main(made) -> str:
    """What stands in the page between the title and the end."""
    page = HTMLExporter().render(document.read(made, name="题"))
    return page[page.index("</header>") + 9:page.index("</main>")].replace("\n", "")


def read(made) -> BeautifulSoup:
    return BeautifulSoup(main(made), "html.parser")


@pytest.fixture(scope="module")
def printed() -> str:
    """Each hostile text through Markdown, in a table, as a caption and as a heading, in one PDF; without white space."""
    made = said(*(f"甲{words.shown(text)}\n\n# 乙{words.shown(text)}" for text in HOSTILE), "丙",
                *(told(frame(pd.DataFrame({"": [text]})), label=f"t{n}", caption=text, note=text) for n, text in enumerate(HOSTILE)))
    return bare("".join(pages(document.read(made, name="题"))))


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_sheet_is_text(printed, text):
    page = read(said(f"甲{words.shown(text)}"))
    assert (page.text, [(tag.name, tag.attrs) for tag in page.find_all()]) == (f"甲{text}", [("p", {})])
    assert printed.count(bare(text)) >= 6, "a sentence, a heading in the contents and in its place, a caption, a note and a cell"


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_sheet_in_a_table_is_text(text):
    page = read(said(told(frame(pd.DataFrame({text: [text]})), label="key", caption=text, note=text)))
    assert page.text == f"表1　{text}" + text * 3 + "下载数据"
    assert {tag.name for tag in page.find_all()} <= {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "p", "span", "a"}


# No control characters: a sheet with one is refused.
@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\\`*_{}[]()#+-.!|<>~$&@^=:\"'/ 012ab\u3000")))
def test_any_text_is_text(text):
    tokens = markup.parse("x" + words.shown(text))
    assert [token["type"] for token in tokens] == ["paragraph"] and {token["type"] for token in tokens[0]["children"]} <= {"text"}
    assert markup.words(tokens) == "x" + text.rstrip(" ")


@pytest.mark.parametrize("source, shown", [
    ("活跃度高的联盟\n共24家", "活跃度高的联盟共24家"), ("中文，\n中文", "中文，中文"), ("见**图**\n与表", "见图与表"),
    ("one\ntwo", "one two"), ("one\n两", "one两"), ("a  \nb", "ab")])
def test_lines_join_as_chinese_does(source, shown):
    assert read(said(source)).text == shown and markup.words(markup.parse(source)).replace("a b", "ab") == shown
    assert bare(shown) in bare("".join(pages(document.read(said(source), name="题"))))


def test_words():
    assert markup.words(markup.parse("**甲**、[乙](http://x.y)[^1]\n\n[^1]: 丙")) == "甲、乙"


@pytest.mark.parametrize("source, html", [
    ("甲**乙**丙*丁*`戊`", "<p>甲<strong>乙</strong>丙<em>丁</em><code>戊</code></p>"), ("**甲。**乙", "<p><strong>甲。</strong>乙</p>"),
    ("- 甲\n- 乙", "<ul><li>甲</li><li>乙</li></ul>"), ("1. 甲\n2. 乙", "<ol><li>甲</li><li>乙</li></ol>"),
    ("3. 甲\n   - 乙\n4. 丙", '<ol start="3"><li>甲<ul><li>乙</li></ul></li><li>丙</li></ol>'), ("> 甲", "<blockquote><p>甲</p></blockquote>"),
    ("甲<br>乙", "<p>甲&lt;br&gt;乙</p>"), ("甲\n\n乙", "<p>甲</p><p>乙</p>"), ("<div>甲</div>", "<p>&lt;div&gt;甲&lt;/div&gt;</p>"),
    ("甲\n\n---", "<p>甲</p><hr>"),
    ("[甲](https://x.y/?a=1&b)", '<p><a href="https://x.y/?a=1&amp;b">甲</a></p>'), ("[甲](javascript:x) [乙](b.csv)", "<p>甲 乙</p>"),
    ("```python\na < b\n```", "<pre><code>a &lt; b</code></pre>"), ("$5 和 $6", "<p>$5 和 $6</p>"),
    ("| a |\n|:-:|\n| *甲* |", '<div class="table"><table><thead><tr><th scope="col" class="c">a</th></tr></thead>'
     '<tbody><tr><td class="c"><em>甲</em></td></tr></tbody></table></div>'),
    ("![图](http://x.y/a.png)", "<p>图</p>"), ("![](gone.png)", "<p>gone.png</p>"), ("$\\nosuch{x}$", "<p>\\nosuch{x}</p>")])
def test_what_an_analyst_may_write(source, html):
    assert main(said(source)) == html


def test_what_cannot_be_drawn_is_noted():
    notes = document.read(said("![图](http://x.y/a.png)\n![](gone.png) $\\nosuch{x}$"), name="题").notes
    assert len(notes) == 3 and all(note.startswith("cell 1: ") for note in notes) and "fetches nothing" in notes[0]


def test_footnotes_count_through_the_document():
    report = document.read(said("甲[^1]和[^1]。\n\n[^1]: 子", "乙[^1]。\n\n[^1]: 丑"), name="题")
    page = BeautifulSoup(HTMLExporter().render(report), "html.parser")
    assert [link.text for link in page.select("main p > sup > a")] == ["1", "1", "2"] and [sup.get("id") for sup in page.select("sup")] == [
        "noted-1", None, "noted-2"]
    assert [item.p.text for item in page.select(".footnotes li")] == ["子", "丑"]
    assert all(words in "".join(pages(report)) for words in ("子", "丑"))


def test_pages_without_a_heading():
    assert len(pages(document.read(said("甲\n\n" * 100), name="题"))) > 2
