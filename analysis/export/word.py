"""A document as Word has it: `templates/report.word.j2` writes the parts, `templates/reference.docx` has the looks.

An office may put a template of its own in that place: what counts are the names of its styles, its page, header and footer.
"""

from __future__ import annotations

import io
import itertools
import json
import re
from functools import cache
from pathlib import Path

import jinja2

from analysis import cells, fonts
from analysis.export import markup
from analysis.export.document import Document
from analysis.export.pictures import Picture
from analysis.export.tables import Table, ems
from analysis.packing import packed

TEMPLATES = Path(__file__).parent / "templates"
PIXELS = 220  # an inch
EMU = 914_400  # an inch
NAMES = " ".join(f'xmlns:{short}="http://schemas.{place}"' for short, place in {
    "w": "openxmlformats.org/wordprocessingml/2006/main", "r": "openxmlformats.org/officeDocument/2006/relationships",
    "wp": "openxmlformats.org/drawingml/2006/wordprocessingDrawing", "a": "openxmlformats.org/drawingml/2006/main",
    "pic": "openxmlformats.org/drawingml/2006/picture", "asvg": "microsoft.com/office/drawing/2016/SVG/main"}.items())
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
KINDS = "application/vnd.openxmlformats-officedocument.wordprocessingml.{}+xml"
CHAPTERS, ANNEXES, BULLETS = 1, 2, 3  # the numbers of the lists that every document has
LEVELS = {  # how each list counts, level by level
    CHAPTERS: (("chineseCountingThousand", "%1、"), ("decimal", "%2. "), ("decimal", "(%3) ")),
    ANNEXES: (("decimal", "附件%1　"), ("decimal", "%2. "), ("decimal", "(%3) ")), BULLETS: (("bullet", "•"),) * 3}
ORDERED = (("decimal", "%1."), ("decimal", "%2."), ("decimal", "%3."))
LEVEL = ('<w:lvl w:ilvl="{}"><w:start w:val="{}"/><w:numFmt w:val="{}"/>{}<w:suff w:val="{}"/><w:lvlText w:val="{}"/><w:lvlJc w:val="left"/>'
         '<w:pPr><w:ind w:left="{}" w:hanging="{}"/></w:pPr></w:lvl>')
DRAWN = b"""#let all = json(bytes(sys.inputs.pictures))
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#for one in all { page(image(bytes(one.content), format: one.format)) }"""


def render(report: Document) -> bytes:
    """The document as a .docx file."""
    import docx

    file = io.BytesIO()
    word = docx.Document(str(TEMPLATES / "reference.docx"))
    writer = _Writer(report, word)
    body = docx.oxml.parse_xml(f"<w:body {NAMES}>{writer.module.body(report, writer.title())}</w:body>")
    notes = writer.module.notes(report)
    for paragraph in word.element.body.xpath("./*[not(self::w:sectPr)]"):
        paragraph.getparent().remove(paragraph)
    word.element.body[:0] = list(body)
    writer.part("footnotes", f"<w:footnotes {NAMES}>{notes}</w:footnotes>")
    writer.part("numbering", writer.numbering())
    _head(word, report.title)
    about = word.core_properties
    about.title, about.author, about.language, about.created = report.title, "、".join(report.publishers), "zh-CN", report.day
    word.save(file)
    return packed(file.getvalue(), report.day)


def _head(word, title: str) -> None:
    """Put the title where the template's headers and footers have the field TITLE, and let headings count by themselves."""
    for section in word.sections:
        for area in (section.header, section.first_page_header, section.footer, section.first_page_footer):
            for text in area._element.xpath(".//w:fldSimple[contains(@w:instr, 'TITLE')]//w:t"):
                text.text = title
    for level in range(3):
        properties = word.styles[f"Heading {level + 1}"].element.get_or_add_pPr().get_or_add_numPr()
        properties.get_or_add_ilvl().val, properties.get_or_add_numId().val = level, CHAPTERS


class _Writer:
    """What the template asks for while it writes: names of styles, bookmarks and relations, pictures, and the widths of columns."""

    def __init__(self, report: Document, word):
        self.report, self.word = report, word
        self.styles = {style.name: style.style_id for style in word.styles}
        self.bookmarks: dict[str, str] = {}
        self.ordered: list[int] = []
        section = word.sections[0]
        self.room = (section.page_width - section.left_margin - section.right_margin) // 635  # twentieths of a point
        self.em = word.styles["Normal"].font.size or 12 * 12_700  # EMU
        self.pngs = _pngs(report)
        count = itertools.count(1)
        loader = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
        self.module = loader.from_string((TEMPLATES / "report.word.j2").read_text("utf8")).make_module({
            "style": lambda name: self.styles.get(name, self.styles["Normal"]), "next": lambda: next(count), "drawn": cache(self.drawn),
            "bookmark": lambda anchor: self.bookmarks.setdefault(anchor, f"_Ref{len(self.bookmarks) + 1}"), "listed": self.listed,
            "linked": lambda url: word.part.relate_to(url, RELATION + "hyperlink", is_external=True), "widths_of": self.widths,
            "small_drawing": _small, "small": lambda columns: "12" if columns >= 14 else "15" if columns >= 9 else "",
            "even": lambda columns: [self.room // columns] * columns})

    def title(self) -> list[markup.Token]:
        """The title, broken where the PDF breaks it: before a bracket, and at a blank between Chinese characters."""
        pieces = re.sub(r"（", "\n（", re.sub(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])", "\n", self.report.title)).split("\n")
        return [token for piece in pieces for token in ({"type": "linebreak"}, {"type": "text", "raw": piece})][1:]

    def listed(self, ordered: bool, start: int) -> int:
        """The number of a list of its own, or of the one of all bullets."""
        self.ordered += [start] if ordered else []
        return BULLETS + len(self.ordered) if ordered else BULLETS

    def drawn(self, picture: Picture) -> dict[str, object]:
        """The relations and the size of a picture, no wider than the page; a formula as high as its line asks for."""
        png = self.pngs[picture]
        related, image = self.word.part.get_or_add_image(io.BytesIO(png))
        width, height = image.px_width * EMU / PIXELS, image.px_height * EMU / PIXELS
        scale = picture.height * self.em / height if picture.height else min(1, self.room * 635 / width)
        svg = self.svg(picture) if picture.kind == cells.SVG else ""
        return {"png": related, "svg": svg, "width": round(width * scale), "height": round(height * scale),
                "lower": round(picture.depth * self.em / 6_350)}

    def svg(self, picture: Picture) -> str:
        """The relation of a drawing as SVG, which python-docx refuses to add."""
        from docx.opc.packuri import PackURI
        from docx.opc.part import Part

        number = list(self.pngs).index(picture) + 1
        part = Part(PackURI(f"/word/media/drawing{number}.svg"), cells.SVG, picture.content, self.word.part.package)
        return self.word.part.relate_to(part, RELATION + "image")

    def widths(self, table: Table) -> list[int]:
        """The columns' widths in twentieths of a point: as wide as their texts, those with room sharing what is left."""
        texts = [table.heads, *table.texts]
        least = [max(ems(row[column["place"]]) for row in texts) for column in table.shown]
        wide = [round(180 * most) + 200 for most in least]
        left = self.room - sum(own for own, column in zip(wide, table.shown) if not column["room"])
        rooms = sum(column["room"] for column in table.shown)
        if rooms and left > 0:
            wide = [round(left * column["room"] / rooms) if column["room"] else own for own, column in zip(wide, table.shown)]
        return [own * self.room // max(sum(wide), self.room) for own in wide]

    def part(self, kind: str, xml: str) -> None:
        """A part of the file with its relation, in the place of the template's."""
        from docx.opc.packuri import PackURI
        from docx.opc.part import Part

        related = self.word.part
        for key in [key for key, found in related.rels.items() if found.reltype == RELATION + kind]:
            del related.rels[key]
        related.relate_to(Part(PackURI(f"/word/{kind}.xml"), KINDS.format(kind), xml.encode(), related.package), RELATION + kind)

    def numbering(self) -> str:
        """How headings, annexes, bullets and each numbered list of the text count."""
        lists = LEVELS | {BULLETS + place: ORDERED for place in range(1, len(self.ordered) + 1)}
        drawn = []
        for number, levels in lists.items():
            inner = ""
            for level, (kind, shown) in enumerate(levels):
                heading = f'<w:pStyle w:val="{self.styles[f"Heading {level + 1}"]}"/>' if number == CHAPTERS else ""
                first = self.ordered[number - BULLETS - 1] if number > BULLETS and not level else 1
                after = ("tab", shown, 480 * (level + 1), 480) if number >= BULLETS else ("nothing", shown, 0, 0)
                inner += LEVEL.format(level, first, kind, heading, *after)
            drawn.append(f'<w:abstractNum w:abstractNumId="{number}"><w:multiLevelType w:val="multilevel"/>{inner}</w:abstractNum>')
        drawn += [f'<w:num w:numId="{number}"><w:abstractNumId w:val="{number}"/></w:num>' for number in lists]
        return f"<w:numbering {NAMES}>{''.join(drawn)}</w:numbering>"


def _small(value: dict) -> Picture:
    """The drawing in a cell of a table, as high as its line."""
    return Picture(cells.SVG, value["svg"].encode(), 1.1, 0.2)


def _pngs(report: Document) -> dict[Picture, bytes]:
    """Each picture of the report as PNG, drawn by Typst all at once."""
    import typst

    tokens = markup.walk([token for part in report.parts for token in part.tokens])
    shown = [part.table for part in report.parts if part.table and (not part.picture or part.place != "none")]
    found = dict.fromkeys(filter(None, [
        report.logo, *(part.picture for part in report.parts), *(token.get("picture") for token in tokens),
        *(_small(value) for table in shown for row in table.values for value in row if isinstance(value, dict))]))
    if not found:
        return {}
    compiler = typst.Compiler(input=DRAWN, font_paths=[str(fonts.FOLDER)], ignore_system_fonts=True,
                              sys_inputs={"pictures": json.dumps([picture.data() for picture in found])})
    made = compiler.compile(format="png", ppi=PIXELS)
    return dict(zip(found, made if isinstance(made, list) else [made]))
