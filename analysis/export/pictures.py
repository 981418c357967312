"""Drawings, photographs and formulas, for a page and for Typst."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from functools import cache
from html import escape, unescape

from analysis import cells, fonts

SUFFIX = {cells.SVG: "svg", "image/png": "png", "image/jpeg": "jpg"}
OURS = 'id="figure_1"'  # what matplotlib draws can stand in a page as it is
FORMULA_SIZE = 10.5  # pt
WORDS = re.compile(r"<!-- (.*?) -->", re.S)
MATHS = {"mathtext.fontset": "custom", "mathtext.rm": fonts.FAMILY, "mathtext.bf": f"{fonts.FAMILY}:bold",
         "mathtext.it": "STIXGeneral:italic", "mathtext.fallback": "stix"}  # \mathrm{占比} is Chinese too


@dataclass(frozen=True)
class Picture:
    """A picture's MIME type and bytes; `depth` is how far a formula reaches below its line, in pt."""

    kind: str
    content: bytes
    depth: float = 0

    @property
    def suffix(self) -> str:
        return SUFFIX[self.kind]

    @property
    def drawing(self) -> str:
        """The text of what matplotlib drew; nothing for any other picture."""
        return self.content.decode() if self.kind == cells.SVG and OURS.encode() in self.content else ""

    def said(self) -> str:
        """The titles of a drawing, or else the names of its axes."""
        found = re.search(r"<dc:title>(.*?)</dc:title>", self.drawing) or re.search(r"<dc:description>(.*?)</dc:description>", self.drawing)
        return unescape(found[1]) if found else ""

    def words(self) -> str:
        """The texts in a drawing; matplotlib notes each beside its outlines."""
        return "".join(unescape(text) for text in WORDS.findall(self.drawing))

    def html(self, alt: str, key: str = "") -> str:
        """The picture in a page: a drawing stands in it, with ids that no other has; all else is an `img`."""
        if key and self.drawing:
            return inline(self.drawing, key, alt)
        look = f' class="formula" style="vertical-align: {-self.depth:.2f}pt"' if self.depth else ""
        return f'<img{look} src="data:{self.kind};base64,{base64.b64encode(self.content).decode()}" alt="{escape(alt)}">'

    def svg(self) -> str:
        """The picture as SVG, in which a photograph is embedded."""
        if self.kind == cells.SVG:
            return self.content.decode()
        from PIL import Image

        with Image.open(io.BytesIO(self.content)) as image:
            (width, height), (dpi, _) = image.size, image.info.get("dpi", (96, 96))
        size, data = f'width="{width}" height="{height}"', base64.b64encode(self.content).decode()
        scale = 72 / float(dpi or 96)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{width * scale:.2f}pt" '
                f'height="{height * scale:.2f}pt" viewBox="0 0 {width} {height}"><image {size} xlink:href="data:{self.kind};base64,{data}"/></svg>')


def of_data(kind: str, data: str | bytes) -> Picture:
    """The picture in an output or a data URI: SVG as text, others in base 64."""
    text = "".join(data) if isinstance(data, (str, list)) else data
    return Picture(kind, text.encode() if kind == cells.SVG else base64.b64decode(text))


def inline(svg: str, key: str, alt: str) -> str:
    """An SVG file as it stands in a page: no prologue, no style or title of its own, ids that no other figure has."""
    svg = re.sub(r"<!--.*?-->|<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<style.*?</style>|<title>.*?</title>", "", svg, flags=re.S)
    svg = re.sub(r'<svg ([^>]*?)width="([\d.]+)pt" height="[\d.]+pt"', r'<svg \1style="max-width:\2pt;--wide:\2pt"', svg, count=1)
    svg = re.sub(r' id="(?!NotoSansSC)([^"]*)"', rf' id="{key}-\1"', svg)
    svg = re.sub(r'(url\(#|href="#)(?!NotoSansSC)', rf"\1{key}-", svg)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    return re.sub(r"\n\s*", "\n", svg).strip()


@cache
def formula(tex: str) -> Picture:
    """A formula drawn by mathtext, which knows a good part of TeX. Raises ValueError for one that it cannot draw."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.mathtext import MathTextParser

    source = f"${' '.join(tex.split())}$"
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(cells.style() | MATHS | {"font.size": FORMULA_SIZE})
        width, height, depth, *_ = MathTextParser("path").parse(source, dpi=72)
        figure = Figure(figsize=(width / 72, height / 72), layout="none")
        figure.patch.set_visible(False)
        figure.text(0, depth / height, source)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return Picture(cells.SVG, file.getvalue().encode(), max(depth, 0.01))
