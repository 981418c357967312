"""A document on A4 by Typst, PDF/A-3a and PDF/UA-1, with the fonts that ship and each CSV attached; it comes to the template as data."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from analysis import fonts
from analysis.export import TEMPLATES
from analysis.export.document import Document, DocumentError
from analysis.export.pictures import Picture
from analysis.export.tables import Table

APART = [sys.executable, "-P", str(Path(__file__).with_name("typeset.py"))]
STANDARDS = ["a-3a", "ua-1"]


def render(report: Document) -> bytes:
    """The file. Raises DocumentError with what Typst says where it cannot be set."""
    day = [report.day.year, report.day.month, report.day.day]
    csvs = {part.anchor: part.saved.csv().decode() for part in report.parts if part.label and part.saved and not part.empty}
    inputs = {"report": json.dumps(vars(report) | {"day": day, "csvs": csvs}, default=_plain, ensure_ascii=False)}
    asked = {"input": str(TEMPLATES / "report.typ"), "root": str(TEMPLATES), "font_paths": [str(fonts.FOLDER)],
             "ignore_system_fonts": True, "sys_inputs": inputs, "day": day, "standards": STANDARDS}
    done = subprocess.run(APART, input=json.dumps(asked, ensure_ascii=False).encode(), capture_output=True, check=False)
    if done.returncode:
        raise DocumentError(f"Typst: {done.stderr.decode(errors='replace').strip() or done.returncode}")
    return done.stdout


def _plain(item: object) -> dict[str, object]:
    """What the template reads of a part of the document."""
    return item.data() if isinstance(item, (Picture, Table)) else {key: value for key, value in vars(item).items() if key != "saved"}
