"""A document as Word has it: `templates/report.word.j2` writes the parts, `templates/reference.docx` has the looks.

An office may put a template of its own in that place: what counts are the names of its styles, its page, header and footer.
"""

from __future__ import annotations

import io
import itertools
import json
import re
from functools import cache

import docx
import typst
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml.ns import nsdecls

from analysis import cells, fonts
from analysis.export import TEMPLATES, environment
from analysis.export.document import Document
from analysis.export.pictures import Picture
from analysis.export.tables import Table
from analysis.packing import packed

REFERENCE = TEMPLATES / "reference.docx"
PIXELS = 220  # an inch
EMU = 914_400  # an inch
NAMES = nsdecls("w", "r", "wp", "a", "pic")
BULLETS = 3  # the number of the list of all bullets; those of chapters and annexes come before it, numbered ones after it
DRAWN = b"""#let one = json(bytes(sys.inputs.picture))
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#image(bytes(one.content), format: one.format)"""


def render(report: Document) -> bytes:
    """The document as a .docx file."""
    file, word = io.BytesIO(), docx.Document(str(REFERENCE))
    writer = _Writer(word)
    written = environment.get_template("report.word.j2").make_module(writer.asked())
    body = docx.oxml.parse_xml(f"<w:body {NAMES}>{written.body(report, _lines(report.title))}</w:body>")
    for paragraph in word.element.body.xpath("./*[not(self::w:sectPr)]"):
        paragraph.getparent().remove(paragraph)
    word.element.body[:0] = list(body)
    writer.replace("footnotes", CONTENT_TYPE.WML_FOOTNOTES, written.notes(report))
    writer.replace("numbering", CONTENT_TYPE.WML_NUMBERING, written.numbering(writer.starts))
    _head(word, report.title)
    about = word.core_properties
    about.title, about.author, about.language, about.created = report.title, "、".join(report.publishers), "zh-CN", report.day
    word.save(file)
    return packed(file.getvalue(), report.day)


def _lines(title: str) -> list[str]:
    """The title, broken where the PDF breaks it: before a bracket, and at a blank between Chinese characters."""
    return re.split(r"(?=（)|(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])", title)


def _head(word, title: str) -> None:
    """Put the title where the template's headers and footers have the field TITLE, and let headings count by themselves."""
    for section in word.sections:
        for area in (section.header, section.first_page_header, section.footer, section.first_page_footer):
            for text in area._element.xpath(".//w:fldSimple[contains(@w:instr, 'TITLE')]//w:t"):
                text.text = title
    for level in range(3):
        properties = word.styles[f"Heading {level + 1}"].element.get_or_add_pPr().get_or_add_numPr()
        properties.get_or_add_ilvl().val, properties.get_or_add_numId().val = level, 1


class _Writer:
    """What the template asks for while it writes: names of styles, bookmarks and relations, pictures, and the widths of columns."""

    def __init__(self, word):
        self.word = word
        self.starts: list[int] = []  # what each numbered list begins with
        section = word.sections[0]
        self.room = (section.page_width - section.left_margin - section.right_margin) // 635  # twentieths of a point
        self.em = word.styles["Normal"].font.size or 12 * 12_700  # EMU
        self.typst = typst.Compiler(font_paths=[str(fonts.FOLDER)], ignore_system_fonts=True)

    def asked(self) -> dict[str, object]:
        """The functions that the template calls."""
        styles, bookmarks, numbers = {style.name: style.style_id for style in self.word.styles}, {}, itertools.count(1)
        return {"style": lambda name: styles.get(name, styles["Normal"]), "next": lambda: next(numbers), "drawn": cache(self.drawn),
                "bookmark": lambda anchor: bookmarks.setdefault(anchor, f"_Ref{len(bookmarks) + 1}"), "listed": self.listed,
                "linked": lambda url: self.word.part.relate_to(url, RELATIONSHIP_TYPE.HYPERLINK, is_external=True), "widths_of": self.widths,
                "small_drawing": lambda value: Picture(cells.SVG, value["svg"].encode(), 1.1, 0.2),  # as high as its line
                "small": lambda columns: "12" if columns >= 14 else "15" if columns >= 9 else "",
                "even": lambda columns: [self.room // columns] * columns}

    def listed(self, ordered: bool, start: int) -> int:
        """The number of a list of its own, or of the one of all bullets."""
        self.starts += [start] if ordered else []
        return BULLETS + len(self.starts) if ordered else BULLETS

    def drawn(self, picture: Picture) -> dict[str, object]:
        """The relations and the size of a picture, no wider than the page; a formula as high as its line asks for."""
        png = self.typst.compile(DRAWN, format="png", ppi=PIXELS, sys_inputs={"picture": json.dumps(picture.data())})
        related, image = self.word.part.get_or_add_image(io.BytesIO(png))
        width, height = image.px_width * EMU / PIXELS, image.px_height * EMU / PIXELS
        scale = picture.height * self.em / height if picture.height else min(1, self.room * 635 / width)
        svg = ""
        if picture.kind == cells.SVG:  # which python-docx refuses to add
            svg = self.part(f"media/drawing{related}.svg", cells.SVG, picture.content, RELATIONSHIP_TYPE.IMAGE)
        return {"png": related, "svg": svg, "width": round(width * scale), "height": round(height * scale),
                "lower": round(picture.depth * self.em / 6_350)}

    def widths(self, table: Table) -> list[int]:
        """The columns' widths in twentieths of a point: as wide as their texts, those with room sharing what is left."""
        wide = [round(180 * column.wide) + 200 for column in table.shown]
        left = self.room - sum(own for own, column in zip(wide, table.shown) if not column.room)
        rooms = sum(column.room for column in table.shown)
        if rooms and left > 0:
            wide = [round(left * column.room / rooms) if column.room else own for own, column in zip(wide, table.shown)]
        return [own * self.room // max(sum(wide), self.room) for own in wide]

    def part(self, name: str, kind: str, content: bytes, relation: str) -> str:
        """The relation of a new part of the file."""
        return self.word.part.relate_to(Part(PackURI(f"/word/{name}"), kind, content, self.word.part.package), relation)

    def replace(self, name: str, kind: str, xml: str) -> None:
        """Put a part into the place of the template's."""
        relation = getattr(RELATIONSHIP_TYPE, name.upper())
        for key in [key for key, found in self.word.part.rels.items() if found.reltype == relation]:
            del self.word.part.rels[key]
        self.part(f"{name}.xml", kind, f"<w:{name} {NAMES}>{xml}</w:{name}>".encode(), relation)
