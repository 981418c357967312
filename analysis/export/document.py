"""An executed notebook as one document: headings numbered, figures and tables numbered, references resolved.

Both exporters start here, so that the numbers of HTML and PDF agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from analysis import fonts, markup
from analysis.blocks import FIGURE, MIME, TABLE, Block, Cover, Figure, Several, Table, Text, from_json

ANNEX = re.compile(r"附件\s*")
DIGITS = "零一二三四五六七八九十"
LEFT_OUT = "notebook-only"


@dataclass
class Heading:
    """A heading with its label: 一、 at the first level, 1. at the second, (1) at the third; 附件1 for an annex."""

    level: int
    text: str
    label: str = ""
    anchor: str = ""


@dataclass
class Document:
    """What stands in a report, in order: a cover, then headings and blocks."""

    cover: Cover
    parts: list[Heading | Block]
    references: markup.References = field(default_factory=dict)

    @property
    def headings(self) -> list[Heading]:
        return [part for part in self.parts if isinstance(part, Heading)]

    @property
    def numbered(self) -> list[Figure | Table]:
        return [part for part in self.parts if isinstance(part, (Figure, Table))]

    @property
    def figures(self) -> list[Figure]:
        return [part for part in self.parts if isinstance(part, Figure)]


class DanglingReference(ValueError):
    """A text refers to a figure or table that the report does not have, or two have one key."""


class MissingCharacter(ValueError):
    """The report has a character that its fonts do not have."""


def chinese_number(number: int) -> str:
    """1 to 99 in Chinese digits.

    >>> chinese_number(12)
    '十二'
    """
    tens, units = divmod(number, 10)
    return ("" if tens < 2 else DIGITS[tens]) + ("十" if tens else "") + (DIGITS[units] if units or not tens else "")


def of_notebook(notebook) -> Document:
    """The document in the outputs of an executed notebook. Code, streams and cells tagged `notebook-only` are left out."""
    cover, parts = None, []
    for cell in notebook.cells:
        if LEFT_OUT in cell.metadata.get("tags", ()):
            continue
        if cell.cell_type == "markdown":
            parts += _parts(cell.source)
            continue
        for output in cell.get("outputs", ()) if cell.cell_type == "code" else ():
            content = output.get("data", {}).get(MIME)
            if content is None:
                continue
            block = from_json(content)
            for piece in block.blocks if isinstance(block, Several) else [block]:
                if isinstance(piece, Cover):
                    cover = piece
                else:
                    parts += _parts(piece.markdown) if isinstance(piece, Text) else [piece]
    if cover is None:
        raise ValueError("the notebook shows no cover; run it before it is exported")
    document = Document(cover, _number(_without_empty(parts)))
    _resolve(document)
    _check_characters(document)
    return document


@dataclass
class Prose(Block):
    """Parsed Markdown between two headings."""

    kind = "prose"
    tokens: list[dict]

    def html(self, references: markup.References) -> str:
        return markup.html(self.tokens, references)

    def typst(self, references: markup.References) -> str:
        return markup.typst(self.tokens, references)


def _parts(markdown: str) -> list[Heading | Block]:
    parts: list[Heading | Block] = []
    for token in markup.parse(markdown):
        if token["type"] == "heading":
            parts.append(Heading(token["attrs"]["level"], markup.words(token["children"]).strip()))
        elif parts and isinstance(parts[-1], Prose):
            parts[-1].tokens.append(token)
        else:
            parts.append(Prose([token]))
    return parts


def _without_empty(parts: list[Heading | Block]) -> list[Heading | Block]:
    """The parts without headings that have nothing under them."""
    kept: list[Heading | Block] = []
    level_with_content = 0
    for part in reversed(parts):
        if isinstance(part, Heading):
            if level_with_content >= part.level:
                kept.append(part)
                level_with_content = part.level - 1
        else:
            kept.append(part)
            if not isinstance(part, Table) or part.rows:
                level_with_content = 9
    return kept[::-1]


def _number(parts: list[Heading | Block]) -> list[Heading | Block]:
    counts, annexes = [0, 0, 0], 0
    for part in parts:
        if not isinstance(part, Heading):
            continue
        if part.level == 1 and ANNEX.match(part.text):
            annexes += 1
            counts = [counts[0], 0, 0]
            part.text = ANNEX.sub("", part.text, count=1)
            part.label, part.anchor = f"附件{annexes}　", f"annex-{annexes}"
            continue
        level = min(part.level, 3)
        counts[level - 1] += 1
        counts[level:] = [0] * (3 - level)
        place = "annex-" + str(annexes) + "-" if annexes else "section-"
        part.anchor = place + "-".join(str(n) for n in counts[:level])
        part.label = (f"{chinese_number(counts[0])}、", f"{counts[1]}. ", f"({counts[2]}) ")[level - 1]
    return parts


def _resolve(document: Document) -> None:
    counts = {FIGURE: 0, TABLE: 0}
    for part in document.parts:
        if isinstance(part, (Figure, Table)) and (part.kind == "figure" or part.rows):
            word = FIGURE if isinstance(part, Figure) else TABLE
            counts[word] += 1
            if part.key in document.references:
                raise DanglingReference(f"two figures or tables have the key {part.key!r}; give one another key")
            document.references[part.key] = (f"{word}{counts[word]}", part.anchor)
    wanted = [key for part in document.parts if isinstance(part, Prose) for key in markup.keys(part.tokens)]
    dangling = [key for key in wanted if key not in document.references]
    if dangling:
        raise DanglingReference(f"a text refers to {', '.join(dangling)}, which the report does not have; it has "
                                f"{', '.join(document.references)}")


def _check_characters(document: Document) -> None:
    missing = fonts.missing(text_of(document))
    if missing:
        shown = ", ".join(f"{c} (U+{ord(c):04X})" for c in missing)
        raise MissingCharacter(f"the fonts in analysis/fonts have no {shown}; write it another way, or cut the fonts anew")


def text_of(document: Document) -> str:
    """Every character of a document's texts, tables and headings."""
    cover = document.cover
    pieces = [cover.title, cover.subtitle, *cover.facts, *cover.publishers]
    for part in document.parts:
        if isinstance(part, Heading):
            pieces += [part.label, part.text]
        elif isinstance(part, Prose):
            pieces.append(markup.words(part.tokens))
        elif isinstance(part, (Figure, Table)):
            table = part.numbers if isinstance(part, Figure) else part
            pieces.append(part.caption)
            if table:
                pieces += [*table.columns, table.note, *("".join(c if isinstance(c, str) else c["alt"] for c in row) for row in table.rows)]
    return "".join(pieces) + "目录图表0123456789"
