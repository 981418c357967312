"""The two nbconvert exporters, and what `render` makes of a document; how a report looks is in templates/."""

from __future__ import annotations

import datetime as dt
import json
import re
from html import escape
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup
from nbconvert.exporters.exporter import Exporter
from traitlets.config import Application

from analysis import fonts
from analysis.export import document
from analysis.export.document import Document, DocumentError
from analysis.export.pictures import Picture
from analysis.export.tables import Table

TEMPLATES = Path(__file__).parent / "templates"
WHOLE = re.compile(r"(?<![\w.-])(\w?\d[\d.]*(?:-\d+)+)(?![\w-])", re.ASCII)  # a number or years that a line must not break
STANDARDS = ["a-3a", "ua-1"]
MOST_IN_A_PAGE = 200_000  # bytes of a CSV
NO_DATE = "1980-01-01"  # for a document without a date; PDF/A wants one, and the clock would change the bytes


class ReportExporter(Exporter):
    """What both share: nothing touches the notebook before it is read; `render` makes the file of a document."""

    default_preprocessors = ()

    def from_notebook_node(self, nb, resources=None, **kw):
        """The exported report and its resources. Raises DocumentError, which on nbconvert's command line is one sentence."""
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        about = resources.get("metadata", {})
        try:
            return self.render(document.read(nb, about.get("name", ""), about.get("path") or ".")), resources
        except DocumentError as error:
            if Application.initialized() and Application.instance().name == "jupyter-nbconvert":
                raise SystemExit(f"{about.get('name', 'notebook')}.ipynb: {error}") from None
            raise


class HTMLExporter(ReportExporter):
    """One file that asks for nothing else: style, script, fonts and figures are in it."""

    output_mimetype = "text/html"
    file_extension = ".html"
    export_from_notebook = "联盟报告 (HTML)"

    def render(self, report: Document, links: dict[str, str] | None = None) -> str:
        """The page. `links` are the addresses of files beside it, each with its words."""
        import jinja2

        loader = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
        loader.filters |= {"csv": _address, "picture": lambda picture, *words: Markup(picture.html(*words)),
                           "whole": lambda text: Markup(WHOLE.sub(r'<span class="whole">\1</span>', escape(text)))}
        own = {name: (TEMPLATES / f"report.{name}").read_text("utf8") for name in ("css", "js", "html.j2")}
        page = loader.from_string(own["html.j2"]).render(report=report, own=own, links=links or {})
        return page.replace("/* faces */", fonts.faces(page), 1)


class PDFExporter(ReportExporter):
    """A4 by Typst, PDF/A-3a and PDF/UA-1, with the fonts that ship, and each CSV attached. The report comes to the template as data."""

    output_mimetype = "application/pdf"
    file_extension = ".pdf"
    export_from_notebook = "联盟报告 (PDF)"

    def render(self, report: Document) -> bytes:
        import typst

        day = dt.datetime.fromisoformat(report.date or NO_DATE).replace(tzinfo=dt.UTC)
        csvs = {part.anchor: part.saved.csv().decode() for part in report.parts if part.label and part.saved and not part.empty}
        data = vars(report) | {"day": [day.year, day.month, day.day], "csvs": csvs}
        compiler = typst.Compiler(input=str(TEMPLATES / "report.typ"), root=str(TEMPLATES), font_paths=[str(fonts.FOLDER)],
                                  ignore_system_fonts=True, sys_inputs={"report": json.dumps(data, default=_plain, ensure_ascii=False)})
        return compiler.compile(format="pdf", pdf_standards=STANDARDS, timestamp=day)


def _address(table: Table) -> str:
    """A table's CSV as an address; none where it would make the page heavy. What is not ASCII stands as it is, which is shorter."""
    content = table.csv().decode()
    words = "".join(quote(c, safe=" ,;:/()+'") if c.isascii() else c for c in content)
    return f"data:text/csv;charset=utf-8,{words}" if len(words.encode()) < MOST_IN_A_PAGE else ""


def _plain(item: object) -> dict[str, object]:
    return item.data() if isinstance(item, Picture) else vars(item)


class WordExporter(ReportExporter):
    """A Word document with the styles of `templates/reference.docx`."""

    output_mimetype = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    file_extension = ".docx"
    export_from_notebook = "联盟报告 (Word)"

    def render(self, report: Document) -> bytes:
        from analysis.export import word

        return word.render(report)
