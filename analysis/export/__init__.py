"""Notebook -> HTML, PDF, Word and a workbook: one reading of the executed notebook, and a writer for each."""

from pathlib import Path

import jinja2

TEMPLATES = Path(__file__).parent / "templates"
environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True,
                                 undefined=jinja2.StrictUndefined)  # it compiles each template once
