"""A document as one HTML file that asks for nothing else: style, script, fonts and figures are in it."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from analysis import fonts
from analysis.export import TEMPLATES, environment
from analysis.export.document import Document
from analysis.export.tables import Table

WHOLE = re.compile(r"(?<![\w.-])(\w?\d[\d.]*(?:-\d+)+)(?![\w-])", re.ASCII)  # a number or years that a line must not break
QUOTED = {code: quote(chr(code), safe=" ,;:/()+'") for code in range(128)}
MOST_IN_A_PAGE = 200_000  # bytes of a CSV


def render(report: Document, links: dict[str, str] | None = None) -> str:
    """The page. `links` are the addresses of files beside it, each with its words. For it a browser fetches nothing,
    and runs nothing but our script, whatever an output has in it."""
    own = {name: re.sub(r"\n +", "\n", (TEMPLATES / f"report.{name}").read_text("utf8")) for name in ("css", "js")}
    key = base64.b64encode(hashlib.sha256(own["js"].encode()).digest()).decode()
    page = template().render(report=report, own=own, key=key, links=links or {})
    return page.replace("/* faces */", fonts.faces(page), 1)


def template() -> jinja2.Template:
    """The template of a page; to compile it takes longer than to fill it."""
    return environment.get_template("report.html.j2")


def _address(table: Table) -> str:
    """A table's CSV as an address; none where it would make the page heavy. What is not ASCII stands as it is, which is shorter."""
    words = table.csv().decode().translate(QUOTED)
    return f"data:text/csv;charset=utf-8,{words}" if len(words.encode()) < MOST_IN_A_PAGE else ""


environment.filters |= {"csv": _address, "picture": lambda picture, *words: Markup(picture.html(*words)),
                        "whole": lambda text: Markup(WHOLE.sub(r'<span class="whole">\1</span>', escape(text)))}
