"""A document on A4 by Typst, PDF/A-3a and PDF/UA-1, with the fonts that ship and each CSV attached; it comes to the template as data."""

from __future__ import annotations

import datetime as dt
import json

import typst

from analysis import fonts
from analysis.export import TEMPLATES
from analysis.export.document import Document
from analysis.export.pictures import Picture
from analysis.export.tables import Table

STANDARDS = ["a-3a", "ua-1"]


def render(report: Document) -> bytes:
    """The file."""
    day = report.day.replace(tzinfo=dt.UTC)
    csvs = {part.anchor: part.saved.csv().decode() for part in report.parts if part.label and part.saved and not part.empty}
    data = vars(report) | {"day": [day.year, day.month, day.day], "csvs": csvs}
    compiler = typst.Compiler(input=str(TEMPLATES / "report.typ"), root=str(TEMPLATES), font_paths=[str(fonts.FOLDER)],
                              ignore_system_fonts=True, sys_inputs={"report": json.dumps(data, default=_plain, ensure_ascii=False)})
    return compiler.compile(format="pdf", pdf_standards=STANDARDS, timestamp=day)


def _plain(item: object) -> dict[str, object]:
    """What the template reads of a part of the document."""
    return item.data() if isinstance(item, (Picture, Table)) else {key: value for key, value in vars(item).items() if key != "saved"}
