"""The nbconvert exporters: one reading of a notebook, and a writer for each format."""

from __future__ import annotations

from nbconvert.exporters.exporter import Exporter
from traitlets.config import Application

from analysis.export import document, html, pdf
from analysis.export.document import Document, DocumentError


class ReportExporter(Exporter):
    """What all share: nothing touches the notebook before it is read; `render` makes the file of a document."""

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
    """One file that asks for nothing else."""

    output_mimetype = "text/html"
    file_extension = ".html"
    export_from_notebook = "联盟报告 (HTML)"
    render = staticmethod(html.render)


class PDFExporter(ReportExporter):
    """A4, PDF/A-3a and PDF/UA-1."""

    output_mimetype = "application/pdf"
    file_extension = ".pdf"
    export_from_notebook = "联盟报告 (PDF)"
    render = staticmethod(pdf.render)


class WordExporter(ReportExporter):
    """A Word document with the styles of `templates/reference.docx`."""

    output_mimetype = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    file_extension = ".docx"
    export_from_notebook = "联盟报告 (Word)"

    def render(self, report: Document) -> bytes:
        from analysis.export import word

        return word.render(report)
