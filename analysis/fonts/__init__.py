"""The two faces that ship with the project: where they are, what they can show, and a web font cut to a text."""

from __future__ import annotations

import base64
import io
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
REGULAR = FOLDER / "NotoSansSC-Regular.ttf"
BOLD = FOLDER / "NotoSansSC-Bold.ttf"
FAMILY = "Noto Sans SC"
ASCII = "".join(map(chr, range(32, 127)))
IN_BOLD = re.compile(r'<(h[1-6]|th|strong|summary)\b.*?</\1>|font-weight: 700"[^>]*>[^<]*|class="table as-it-is".*?</table>', re.S)
FACE = '@font-face {{ font-family: "{}"; font-weight: {}; src: url(data:font/woff;base64,{}) format("woff"); }}\n'


@cache
def _face(path: Path):
    import uharfbuzz

    return uharfbuzz.Face(uharfbuzz.Blob.from_file_path(path))


@cache
def characters() -> frozenset[str]:
    """Every character that both faces can show; they are listed in a file, so that reading needs no library of fonts."""
    return frozenset((FOLDER / "characters.txt").read_text("utf8"))


def missing(text: str) -> list[str]:
    """The characters of a text that no report could show, each once, in order; white space is not looked at."""
    return sorted((c for c in {*text} - characters() if not c.isspace()), key=text.index)


def web_font(path: Path, text: str) -> bytes:
    """A face cut to the characters of a text, as WOFF; the same text gives the same bytes.

    WOFF2 would be a quarter smaller and takes half a second more.
    """
    import uharfbuzz
    from fontTools.ttLib import sfnt, sortedTagList

    wanted = uharfbuzz.SubsetInput()
    wanted.sets(uharfbuzz.SubsetInputSets.UNICODE).update(ord(c) for c in set(text) & characters())
    font, packed = sfnt.SFNTReader(io.BytesIO(uharfbuzz.subset(_face(path), wanted).blob.data)), io.BytesIO()
    writer = sfnt.SFNTWriter(packed, len(font.keys()), font.sfntVersion, flavor="woff")  # each table as it is: none is looked into
    for tag in sortedTagList(font.keys()):
        writer[tag] = font[tag]
    writer.close()
    return packed.getvalue()


def faces(page: str) -> str:
    """Both faces cut to what a page shows, in bold and not, as CSS that fetches nothing. What a script says has ASCII beside it."""
    texts = ((400, REGULAR, page + ASCII), (700, BOLD, "".join(shown[0] for shown in IN_BOLD.finditer(page))))
    return "".join(FACE.format(FAMILY, weight, base64.b64encode(web_font(path, text)).decode()) for weight, path, text in texts)
