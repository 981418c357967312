"""Drawings, photographs and formulas: as they are kept, in a page, and as SVG."""

from __future__ import annotations

import base64
import io
import mimetypes
import re
from dataclasses import dataclass
from functools import cache
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote

from analysis import cells, fonts
from analysis.export.markup import CHINESE

KINDS = (cells.SVG, "image/png", "image/jpeg", "image/gif", "image/webp")
OURS = b'id="figure_1"'  # what matplotlib draws can stand in a page as it is
FORMULA_SIZE = 10.5  # pt
OUTLINED = re.compile(  # a text as matplotlib draws it: noted beside the outlines of its characters
    r'<!-- (?P<words>.*?) -->\s*<g (?:style="(?P<look>[^"]*)" )?transform="(?P<place>[^"]*?) scale\((?P<size>[\d.]+) -[\d.]+\)">'
    r'\s*(?:<defs>.*?</defs>)?(?P<drawn>(?:\s*<use xlink:href="#NotoSansSC-\w+-[0-9a-f]+"(?: transform="[^"]*")?/>)+)\s*</g>', re.S)
CHINESE_MATHS = {"mathtext.fontset": "custom", "mathtext.rm": fonts.FAMILY, "mathtext.it": "STIXGeneral:italic", "mathtext.cal": fonts.FAMILY,
                 "mathtext.fallback": "stix"}


@dataclass(frozen=True)
class Picture:
    """A picture's MIME type and bytes; of a formula also its height and how far it reaches below its line, in ems."""

    kind: str
    content: bytes
    height: float = 0
    depth: float = 0

    @property
    def suffix(self) -> str:
        return re.sub(r"image/|\+xml", "", self.kind)

    @property
    def drawing(self) -> str:
        """The text of what matplotlib drew; nothing for any other picture."""
        return self.content.decode() if self.kind == cells.SVG and OURS in self.content else ""

    def said(self) -> str:
        """The titles of a drawing, or else the names of its axes."""
        return unescape("".join(re.findall(r"<dc:title>(.*?)</dc:title>", self.drawing, re.S)))

    def words(self) -> str:
        """The texts in a drawing; matplotlib notes each beside its outlines."""
        return "".join(unescape(text) for text in re.findall(r"<!-- (.*?) -->", self.drawing, re.S))

    @property
    def lettered(self) -> str:
        """The drawing with its words as text, for a place that has our fonts: small, and it can be searched. A drawing that has a
        formula keeps its outlines."""
        drawn = OUTLINED.sub(_letters, self.drawing)
        return self.drawing if 'href="#NotoSansSC' in drawn else drawn

    def html(self, alt: str, key: str = "") -> str:
        """The picture in a page: a drawing with a key stands in it as it is; all else is an `img`."""
        if key and self.drawing:
            return _inline(self.lettered, key, alt)
        look = f' class="formula" style="height: {self.height:.3f}em; vertical-align: {-self.depth:.3f}em"' if self.height else ""
        return f'<img{look} src="data:{self.kind};base64,{base64.b64encode(self.content).decode()}" alt="{escape(alt)}">'

    def data(self) -> dict[str, object]:
        """The picture as JSON: SVG as text, others as a list of bytes."""
        content = self.lettered or self.content.decode() if self.suffix == "svg" else list(self.content)
        return {"content": content, "format": self.suffix, "height": self.height, "depth": self.depth}


def of_data(kind: str, data: str | list[str]) -> Picture:
    """The picture of an output: SVG as text, others in base 64."""
    text = "".join(data)
    return Picture(kind, text.encode() if kind == cells.SVG else base64.b64decode(text))


def found(url: str, folder: Path, attached: dict[str, dict[str, str]]) -> Picture:
    """A picture that a text names: attached to the cell, in the address itself, or a file. Raises OSError, KeyError, ValueError."""
    if url.startswith("attachment:"):
        return of_data(*next(iter(attached[unquote(url.removeprefix("attachment:"))].items())))
    if match := re.match(r"data:(image/[\w+.-]+);base64,", url):
        return Picture(match[1], base64.b64decode(url[match.end():]))
    if re.match(r"\w\w+:", url):
        raise ValueError("a report fetches nothing; save the picture beside the notebook")
    return Picture(mimetypes.types_map[Path(url).suffix.lower()], (folder / unquote(url)).read_bytes())


def _letters(text: re.Match) -> str:
    """A text in a drawing that was outlines."""
    bold = "bold " if "NotoSansSC-Bold" in text["drawn"] else ""
    look = f"{text['look'] or ''}; font: {bold}{float(text['size']) * 100:g}px '{fonts.FAMILY}'; white-space: pre".lstrip("; ")
    return f'<text style="{look}" transform="{text["place"]}">{text["words"]}</text>'


def _inline(svg: str, key: str, alt: str) -> str:
    """An SVG file as it stands in a page: no prologue, no style or title of its own, ids that no other figure has, and light."""
    svg = re.sub(r"<!--.*?-->|<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<style.*?</style>|<title>.*?</title>", "", svg, flags=re.S)
    svg = re.sub(r' id="(in|who)\.[\d-]+\.([^"]*)"', lambda mark: f' data-{mark[1]}="{escape(_read(mark[2]))}"', svg)
    svg = re.sub(r'( id="|url\(#|href="#)', rf"\1{key}-", re.sub(r' id="[a-z\d.]+_\d+"', "", svg.replace("xlink:href", "href")))
    svg = re.sub(rf"font: (bold )?([\d.]+px) '{fonts.FAMILY}'; white-space: pre",
                 lambda own: f"font-size: {own[2]}" + "; font-weight: 700" * bool(own[1]), svg)
    svg = re.sub(r"scale\([^)]*\)|(\.\d\d)\d+", lambda number: number[1] or number[0], re.sub(r"\s*\n\s*", "\n", svg))
    return re.sub(r'<svg ([^>]*?)width="([\d.]+)pt" height="[\d.]+pt"', lambda own: f'<svg role="img" aria-label="{escape(alt)}" {own[1]}'
                  f'style="max-width:{own[2]}pt;--wide:{own[2]}pt"', svg.strip(), count=1)


def _read(noted: str) -> str:
    """What `charts.stands_for` noted of a mark."""
    return re.sub(r"-([0-9a-f]+)-", lambda character: chr(int(character[1], 16)), noted.replace(".", "|"))


@cache
def formula(tex: str) -> Picture:
    """A formula drawn by mathtext, which knows a good part of TeX. Raises ValueError for one that it cannot draw."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.mathtext import MathTextParser

    source, file = f"${' '.join(tex.split())}$", io.StringIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        maths = CHINESE_MATHS if CHINESE.search(tex) else {"mathtext.fontset": "stix"}
        matplotlib.rcParams.update(cells.style() | maths | {"font.size": FORMULA_SIZE})
        width, height, depth, *_ = MathTextParser("path").parse(source, dpi=72)
        figure = Figure(figsize=(width / 72, height / 72), layout="none")
        figure.patch.set_visible(False)
        figure.text(0, depth / height, source)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return Picture(cells.SVG, file.getvalue().encode(), height / FORMULA_SIZE, depth / FORMULA_SIZE)
