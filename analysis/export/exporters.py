"""The two nbconvert exporters, and what `render` makes of a document."""

from __future__ import annotations

import base64
import datetime as dt
import re
import sys
from html import escape
from pathlib import Path

from nbconvert.exporters.exporter import Exporter
from traitlets import default

from analysis import fonts
from analysis.export import document, markup
from analysis.export.document import Document, DocumentError, Exhibit, Heading, Prose
from analysis.export.markup import string
from analysis.export.tables import CAPTION

TEMPLATES = Path(__file__).parent / "templates"
GLYPH = re.compile(r'<path id="(NotoSansSC-[^"]+)"[^>]*/>\s*')
PDF_STANDARDS = ["a-2a", "ua-1"]
NO_DATE = "1980-01-01"  # the earliest that a zip can have, for a document without one


class ReportExporter(Exporter):
    """What both share: no preprocessor touches the notebook, no code comes through."""

    default_preprocessors = ()

    def from_notebook_node(self, nb, resources=None, **kw):
        """The exported report and its resources. Raises DocumentError; on nbconvert's command line that is one sentence."""
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        about = resources.get("metadata", {})
        try:
            return self.render(document.read(nb, about.get("name", ""), about.get("path") or ".")), resources
        except DocumentError as error:
            command = sys.modules.get("nbconvert.nbconvertapp")
            if command and command.NbConvertApp.initialized():
                raise SystemExit(f"{about.get('name', 'notebook')}.ipynb: {error}") from None
            raise

    def render(self, report: Document):
        """The report in the format of the exporter."""
        raise NotImplementedError


class HTMLExporter(ReportExporter):
    """One file that asks for nothing else: style, script, fonts and figures are in it."""

    output_mimetype = "text/html"
    export_from_notebook = "联盟报告 (HTML)"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    def render(self, report: Document) -> str:
        import jinja2

        body, glyphs = _glyphs_once("".join(_html(part, report.references) for part in report.parts))
        notes = [(note["number"], markup.html(note["children"], report.references)) for note in report.footnotes]
        files = {name: (TEMPLATES / name).read_text("utf8") for name in ("report.css", "report.js", "report.html.j2")}
        text = document.text_of(report) + "".join(files.values()) + "".join(map(chr, range(32, 127)))
        faces = [(weight, base64.b64encode(fonts.web_font(path, text)).decode())
                 for weight, path in ((400, fonts.REGULAR), (700, fonts.BOLD))]
        page = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined).from_string(files["report.html.j2"])
        page.environment.filters["e"] = escape
        return page.render(report=report, body=body, glyphs=glyphs, notes=notes, faces=faces, family=fonts.FAMILY,
                           style=files["report.css"], script=files["report.js"])


def _html(part: Heading | Prose | Exhibit, references: markup.References) -> str:
    if isinstance(part, Prose):
        return markup.html(part.tokens, references)
    if isinstance(part, Heading):
        level = min(part.level, 3) + 1
        return f'<h{level} id="{part.anchor}"><span class="label">{part.label}</span>{escape(part.text)}</h{level}>\n'
    if part.empty:
        return ""
    headline, note = escape(part.headline), f'<p class="note">{escape(part.note)}</p>' if part.note else ""
    region = f'role="region" tabindex="0" aria-label="{headline or "表格"}'
    if not part.picture:
        table = part.table.html.replace(CAPTION, f"<caption>{headline}</caption>" if headline else "", 1)
        return f'<div class="table" id="{part.anchor}" {region}">{table}</div>{note}\n'
    below, numbers, data = part.place != "beside" or not part.table, "", ""
    if part.table:
        table = f'{region}的数据">{part.table.html.replace(CAPTION, "", 1)}'
        numbers = f'<div class="numbers" {table}{note}</div>' if part.place != "none" else ""
        data = "" if numbers else f'<details class="data"><summary>{part.number}数据</summary><div class="numbers" {table}</div></details>'
    window = f' {region}"' if below else ""  # wide charts scroll in a window of their own on a phone, which a keyboard must reach
    caption = f"<figcaption>{headline}</figcaption>" if headline else ""
    return (f'<figure id="{part.anchor}" class="{"below" if below else "beside"}"><div class="chart"{window}>'
            f'{part.picture.html(part.alt, part.anchor)}</div>{numbers}{caption}</figure>{"" if numbers else note}{data}\n')


def _glyphs_once(body: str) -> tuple[str, str]:
    """The page without the outlines of characters that each figure brings along, and those outlines, each once."""
    outlines = {match[1]: match[0].strip() for match in GLYPH.finditer(body)}
    return GLYPH.sub("", body), "\n".join(outlines[key] for key in sorted(outlines))


class PDFExporter(ReportExporter):
    """A4 by Typst, PDF/A-2a and PDF/UA-1, with the fonts that ship."""

    output_mimetype = "application/pdf"
    export_from_notebook = "联盟报告 (PDF)"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".pdf"

    def render(self, report: Document) -> bytes:
        import typst

        day = dt.datetime.fromisoformat(report.date or NO_DATE).replace(tzinfo=dt.UTC)
        drawings = {part.anchor: part.picture.svg() for part in report.exhibits if part.picture}
        compiler = typst.Compiler(input=typst_source(report).encode(), root=str(TEMPLATES), font_paths=[str(fonts.FOLDER)],
                                  ignore_system_fonts=True, sys_inputs=drawings)
        return compiler.compile(format="pdf", pdf_standards=PDF_STANDARDS, timestamp=day)


def typst_source(report: Document) -> str:
    """The whole report in Typst."""
    cover = report.cover
    year, month, day = (report.date or NO_DATE).split("-")
    date = f"datetime(year: {int(year)}, month: {int(month)}, day: {int(day)})"
    first = (f"#cover({string(cover.title)}, {string(cover.subtitle)}, {_array(cover.facts)}, {_array(cover.publishers)})" if cover
             else f"#title-line({string(report.title)})")
    return (f'{(TEMPLATES / "report.typ").read_text("utf8")}\n'
            f"#show: report.with(title: {string(report.title)}, authors: {_array(cover.publishers if cover else [])}, date: {date})\n"
            f"{first}\n{'#contents()' if report.headings else ''}\n\n" + "".join(_typst(part, report.references) for part in report.parts))


def _typst(part: Heading | Prose | Exhibit, references: markup.References) -> str:
    if isinstance(part, Prose):
        return markup.typst(part.tokens, references)
    if isinstance(part, Heading):
        return f"#section({min(part.level, 3)}, {string(part.label)}, {string(part.text)}, {string(part.anchor)})\n\n"
    if part.empty:
        return ""
    words = f"{string(part.anchor)}, {string(part.number)}, {string(part.caption)}"
    if not part.picture:
        return f"#numbered-table({words}, {part.table.typst}, note: {string(part.note)})\n\n"
    numbers = part.table.typst if part.table and part.place != "none" else "none"
    return f'#chart({words}, {string(part.alt)}, {numbers}, below: {str(part.place != "beside").lower()}, note: {string(part.note)})\n\n'


def _array(lines: list[str]) -> str:
    return "(" + "".join(f"{string(line)}, " for line in lines) + ")"
