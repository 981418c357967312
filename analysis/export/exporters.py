"""The two nbconvert exporters."""

from __future__ import annotations

import base64
import datetime as dt
import re
from functools import cached_property
from pathlib import Path

import jinja2
from markupsafe import Markup
from nbconvert.exporters.exporter import Exporter
from traitlets import Unicode, default

from analysis import fonts
from analysis.blocks import Cover
from analysis.export import document
from analysis.export.document import Document, Heading
from analysis.markup import string

TEMPLATES = Path(__file__).parent / "templates"
GLYPH = re.compile(r'<path id="(NotoSansSC-[^"]+)"[^>]*/>\s*')
PDF_STANDARDS = ["a-2a", "ua-1"]


class ReportExporter(Exporter):
    """What both share: no preprocessor touches the notebook, no code comes through."""

    default_preprocessors = ()

    def from_notebook_node(self, nb, resources=None, **kw):
        """The exported report and its resources; the notebook must have been run."""
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        return self.render(document.of_notebook(nb)), resources

    def render(self, report: Document):
        """The report in the format of the exporter."""
        raise NotImplementedError


class HTMLExporter(ReportExporter):
    """One file that asks for nothing else: style, script, fonts and figures are in it."""

    output_mimetype = Unicode("text/html").tag(config=True)
    export_from_notebook = "联盟报告 (HTML)"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".html"

    @cached_property
    def environment(self) -> jinja2.Environment:
        return jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True,
                                  lstrip_blocks=True, undefined=jinja2.StrictUndefined)

    def render(self, report: Document) -> str:
        parts = [self._heading(part) if isinstance(part, Heading) else part.html(report.references) for part in report.parts]
        body, glyphs = _glyphs_once("".join(parts))
        own = "".join((TEMPLATES / name).read_text("utf8") for name in ("report.js", "report.css", "report.html.j2"))
        text = document.text_of(report) + own + "".join(chr(c) for c in range(32, 127))
        faces = [(weight, base64.b64encode(fonts.web_font(path, text)).decode())
                 for weight, path in ((400, fonts.REGULAR), (700, fonts.BOLD))]
        files = {name: Markup((TEMPLATES / name).read_text("utf8")) for name in ("report.css", "report.js")}
        return self.environment.get_template("report.html.j2").render(
            report=report, cover=Markup(report.cover.html({})), body=Markup(body), glyphs=Markup(glyphs), faces=faces,
            family=fonts.FAMILY, style=files["report.css"], script=files["report.js"])

    def _heading(self, heading: Heading) -> str:
        level = min(heading.level, 3) + 1
        label = f'<span class="label">{heading.label}</span>' if heading.label else ""
        return f'<h{level} id="{heading.anchor}">{label}{Markup.escape(heading.text)}</h{level}>\n'


class PDFExporter(ReportExporter):
    """A4 by Typst, PDF/A-2a and PDF/UA-1, with the fonts that ship."""

    output_mimetype = Unicode("application/pdf").tag(config=True)
    export_from_notebook = "联盟报告 (PDF)"

    @default("file_extension")
    def _file_extension_default(self) -> str:
        return ".pdf"

    def render(self, report: Document) -> bytes:
        import typst

        source = typst_source(report)
        day = dt.datetime.fromisoformat(report.cover.date).replace(tzinfo=dt.UTC)
        inputs = {figure.anchor: figure.svg for figure in report.figures}
        compiler = typst.Compiler(input=source.encode(), root=str(TEMPLATES), font_paths=[str(fonts.FOLDER)],
                                  ignore_system_fonts=True, sys_inputs=inputs)
        return compiler.compile(format="pdf", pdf_standards=PDF_STANDARDS, timestamp=day)


def typst_source(report: Document) -> str:
    """The whole report in Typst."""
    parts = [_typst_heading(part) if isinstance(part, Heading) else part.typst(report.references) for part in report.parts]
    cover: Cover = report.cover
    year, month, day = cover.date.split("-")
    date = f"datetime(year: {int(year)}, month: {int(month)}, day: {int(day)})"
    authors = "(" + "".join(f"{string(p)}, " for p in cover.publishers) + ")"
    return (f'{(TEMPLATES / "report.typ").read_text("utf8")}\n'
            f"#show: report.with(title: {string(cover.title)}, authors: {authors}, date: {date})\n"
            f"{cover.typst({})}\n#contents()\n\n" + "".join(parts))


def _typst_heading(heading: Heading) -> str:
    return f"#section({min(heading.level, 3)}, {string(heading.label)}, {string(heading.text)}, {string(heading.anchor)})\n\n"


def _glyphs_once(body: str) -> tuple[str, str]:
    """The page without the outlines of characters that each figure brings along, and those outlines, each once."""
    outlines = {}

    def take(match: re.Match) -> str:
        outlines.setdefault(match[1], match[0].strip())
        return ""

    return GLYPH.sub(take, body), "\n".join(outlines[key] for key in sorted(outlines))
