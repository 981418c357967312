"""A document as one HTML file that asks for nothing else: style, script, fonts and figures are in it."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from analysis import fonts
from analysis.export.document import Document
from analysis.export.tables import Table

TEMPLATES = Path(__file__).parent / "templates"
WHOLE = re.compile(r"(?<![\w.-])(\w?\d[\d.]*(?:-\d+)+)(?![\w-])", re.ASCII)  # a number or years that a line must not break
QUOTED = {code: quote(chr(code), safe=" ,;:/()+'") for code in range(128)}
MOST_IN_A_PAGE = 200_000  # bytes of a CSV


def render(report: Document, links: dict[str, str] | None = None) -> str:
    """The page. `links` are the addresses of files beside it, each with its words."""
    own = {name: re.sub(r"\n +", "\n", (TEMPLATES / f"report.{name}").read_text("utf8")) for name in ("css", "js")}
    page = template().render(report=report, own=own, links=links or {})
    return page.replace("/* faces */", fonts.faces(page), 1)


@cache
def template() -> jinja2.Template:
    """The template of a page; to compile it takes longer than to fill it."""
    loader = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    loader.filters |= {"csv": _address, "picture": lambda picture, *words: Markup(picture.html(*words)),
                       "whole": lambda text: Markup(WHOLE.sub(r'<span class="whole">\1</span>', escape(text)))}
    return loader.from_string((TEMPLATES / "report.html.j2").read_text("utf8"))


def _address(table: Table) -> str:
    """A table's CSV as an address; none where it would make the page heavy. What is not ASCII stands as it is, which is shorter."""
    words = table.csv().decode().translate(QUOTED)
    return f"data:text/csv;charset=utf-8,{words}" if len(words.encode()) < MOST_IN_A_PAGE else ""
