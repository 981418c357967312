"""Markdown to HTML and to Typst: a sheet's text comes out as those very characters, an analyst's as it was meant."""

import io
from html.parser import HTMLParser

import pypdf
import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import fonts, markup, sentences
from analysis.blocks import Table

HOSTILE = [
    "<script>alert(1)</script>", "<!-- x -->", "</p><b onclick='x'>", "&amp; &#65; &copy;", "a < b && c > d",
    '#eval("1")', "#link", "$x^2$", "$", "@ref", "<label>", "// no comment", "/* nor this */", "#{1 + 1}", "[content]", "~", "--- ...",
    "a\\b\\\\c", "\\", "\\n", "\\u{41}", '"quoted"', "'single'", '"; #panic("out"); "', "`code`", "```raw```",
    "{{ period }}", "{% if x %}", "{# gone #}", "[@overall]", "[@no such]", "[a](http://x.y)", "![a](b.png)", "<http://x.y>",
    "http://x.y", "*a* _b_ **c**", "**", "# heading", "= heading", "1. one", "1) one", "- item", "+ item", "> quote", "| a | b |",
    "---", "===", "~~~", "a*", "100%", "TD 产业（BIM）", "：、“”‘’", "a  b",
]
REFERENCES = {"overall": ("图 1", "figure-overall"), "table": ("表 2", "table-scores")}


class Reader(HTMLParser):
    """The text of a page and its tags."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.text, self.tags = "", []
        self.feed(page)
        self.close()

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def pages(*bodies):
    """The text of each body, compiled by Typst on a page of its own and read back from the PDF."""
    style = '#set text(font: "Noto Sans SC", cjk-latin-spacing: none)\n#set page(width: 40cm, height: auto)\n'
    source = style + "\n#pagebreak()\n".join(bodies)
    pdf = typst.compile(source.encode(), font_paths=[str(fonts.FOLDER)], ignore_system_fonts=True)
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def templated(text):
    """A text as a template prints it, parsed."""
    template = sentences.Templates("report", name=text).environment.from_string("{{ name }}")
    return markup.parse(template.render())


@pytest.fixture(scope="module")
def printed():
    """Each hostile text as the PDF has it: through Markdown, and as a bare Typst string."""
    through = pages(*(markup.typst(templated(text), REFERENCES) for text in HOSTILE))
    bare = pages(*(f"#{markup.string(text)}" for text in HOSTILE))
    return dict(zip(HOSTILE, zip(through, bare, strict=True), strict=True))


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_sheet_is_text(printed, text):
    page = Reader(markup.html(templated(text), REFERENCES))
    assert (page.text, page.tags) == (f"{text}\n", [("p", {})])
    assert printed[text] == (text, text)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_sheet_in_a_table_is_text(text):
    page = Reader(Table("key", text, [text], [[text], text], "l", note=text).html({}))
    assert page.text.replace("\n", "") == f"表　{text}{text}{text}{text}{text}"
    assert {tag for tag, _ in page.tags} <= {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "p"}


# No control characters: a sheet with one is refused.
@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\\`*_{}[]()#+-.!|<>~$&@^=:\"'/ 012ab\u3000")))
def test_any_text_is_text_in_html(text):
    page = Reader(markup.html(templated(text)))
    assert page.text.strip() == text.strip()
    assert {tag for tag, _ in page.tags} <= {"p"}


@pytest.mark.parametrize("text, shown", [("第一行\n第二行", "第一行 第二行"), ("a \r\n\r\n b", "a b"), ("a  \nb", "a b")])
def test_line_breaks_of_a_sheet_start_nothing(text, shown):
    assert Reader(markup.html(templated(text))).text == f"{shown}\n"
    assert pages(markup.typst(templated(text))) == [shown]


@pytest.mark.parametrize("source, shown", [
    ("活跃度高的联盟\n共24家", "活跃度高的联盟共24家"), ("中文，\n中文", "中文，中文"), ("见**图**\n与表", "见图与表"),
    ("one\ntwo", "one two"), ("one\n两", "one两"), ("见[@overall]\n和[@table]", "见图 1和表 2"), ("a  \nb", "ab")])
def test_lines_join_as_chinese_does(source, shown):
    tokens = markup.parse(source)
    assert Reader(markup.html(tokens, REFERENCES)).text == f"{shown}\n"
    anchors = "#[] <figure-overall> #[] <table-scores>"
    assert pages(markup.typst(tokens, REFERENCES) + anchors)[0].replace("\n", "") == shown


@pytest.mark.parametrize("source, text", [
    ("**甲**、[乙](http://x.y)", "甲、乙"), ("one\ntwo", "one two"), ("第一批\n第二批", "第一批第二批"),
    ("one  \ntwo", "one two")])
def test_words(source, text):
    assert markup.words(markup.parse(source)) == text


def test_references():
    tokens = markup.parse("见[@overall]、**[@table]**；[@gone]。")
    assert markup.keys(tokens) == ["overall", "table", "gone"]
    page = Reader(markup.html(tokens, REFERENCES))
    assert page.text == "见图 1、表 2；后文。\n"
    assert [attrs["href"] for tag, attrs in page.tags if tag == "a"] == ["#figure-overall", "#table-scores"]
    source = markup.typst(tokens, REFERENCES)
    assert '#link(label("figure-overall"), "图 1")' in source and '#"后文";' in source


@pytest.mark.parametrize("source, html", [
    ("甲**乙**丙*丁*`戊`", "<p>甲<strong>乙</strong>丙<em>丁</em><code>戊</code></p>"), ("## 节", "<h3>节</h3>"),
    ("- 甲\n- 乙", "<ul><li>甲</li><li>乙</li></ul>"), ("1. 甲\n2. 乙", "<ol><li>甲</li><li>乙</li></ol>"),
    ("> 甲", "<blockquote><p>甲</p></blockquote>"), ("甲<br>乙", "<p>甲&lt;br&gt;乙</p>"), ("甲\n\n乙", "<p>甲</p><p>乙</p>"),
    ("<div>甲</div>", "<p>&lt;div&gt;甲&lt;/div&gt;</p>"), ("<http://x.y>", "<p>&lt;http://x.y&gt;</p>"), ("    甲", "<p>甲</p>"),
    ("**甲。**乙", "<p><strong>甲。</strong>乙</p>"),
    ("3. 甲\n4. 乙", '<ol start="3"><li>甲</li><li>乙</li></ol>'),
])
def test_what_an_analyst_may_write(source, html):
    found = markup.html(markup.parse(source)).replace("\n", "")
    assert found == html or (html.endswith("…") and found.startswith(html[:-1]))


@pytest.mark.parametrize("source, text", [
    ("甲**乙**丙*丁*`戊`", "甲乙丙丁戊"), ("- 甲\n- 乙", "• 甲\n• 乙"), ("1. 甲\n2. 乙", "1. 甲\n2. 乙"), ("> 甲", "甲"), ("甲\n\n乙", "甲\n乙"),
    ("3. 甲\n4. 乙", "3. 甲\n4. 乙")])
def test_what_an_analyst_may_write_in_the_pdf(source, text):
    assert pages(markup.typst(markup.parse(source))) == [text]
