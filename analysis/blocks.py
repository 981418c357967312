"""What a notebook shows: cover, text, figure, table. Each knows its HTML and its Typst.

A cell's output carries the block itself as JSON (`MIME`), from which the exporters make the report, and HTML for
JupyterLab. The numbers of figures and tables are given when the whole notebook is known; see `export.document`.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from html import escape
from typing import ClassVar

from analysis import markup
from analysis.markup import References, string

MIME = "application/vnd.alliance.block+json"
FIGURE, TABLE = "图", "表"
UNBROKEN = 11  # ems: a narrower column is not broken on a small screen
LONG = 28  # ems: a wider one keeps a line that can be read
HYPHENATED = re.compile(r"(?<![\w.-])(\w?\d[\d.]*(?:-\d+)+)(?![\w-])", re.ASCII)  # a number or years that a line must not break


class Block:
    """Something that stands between two headings. Empty blocks leave no trace in a report."""

    kind: ClassVar[str]

    def __bool__(self) -> bool:
        return True

    def html(self, references: References) -> str:
        """The block as HTML."""
        raise NotImplementedError

    def typst(self, references: References) -> str:
        """The block as Typst markup."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **_) -> dict[str, str | dict]:
        if not self:
            return {"text/plain": ""}
        return {MIME: {"kind": self.kind} | asdict(self), "text/html": self.html(_numbers_so_far(self)),
                "text/plain": f"<{self.kind}>"}


@dataclass
class Cover(Block):
    """The first page: title, subtitle, lines of facts, who publishes it. `date` is that of the document (ISO)."""

    kind = "cover"
    title: str
    subtitle: str
    facts: list[str]
    publishers: list[str]
    date: str

    def html(self, references: References) -> str:
        facts = "".join(f"<p>{escape(line)}</p>" for line in self.facts)
        publishers = "".join(f"<p>{escape(line)}</p>" for line in self.publishers)
        return (f'<header class="cover"><h1>{escape(self.title)}</h1><p class="subtitle">{escape(self.subtitle)}</p>'
                f'<div class="facts">{facts}</div><div class="publishers">{publishers}</div></header>\n')

    def typst(self, references: References) -> str:
        facts, publishers = _array(self.facts), _array(self.publishers)
        return f"#cover({string(self.title)}, {string(self.subtitle)}, {facts}, {publishers})\n"


@dataclass
class Text(Block):
    """Sentences, as Markdown."""

    kind = "text"
    markdown: str

    def __bool__(self) -> bool:
        return bool(self.markdown.strip())

    def html(self, references: References) -> str:
        return markup.html(markup.parse(self.markdown), references)

    def typst(self, references: References) -> str:
        return markup.typst(markup.parse(self.markdown), references)


@dataclass
class Table(Block):
    """Rows of text under headings. A row is a list of cells, or one string that spans them all; a cell is text, or a
    small drawing, `{"svg": …, "alt": …}`.

    `align` has `l`, `c` or `r` for each column; `stretch` is the column that takes the room that is left, or those that
    share it; `search` gives the table a search box and sortable columns on the screen, `also` what else a row is found by,
    `choose` the heading of a column whose values a reader may pick from; `records` are saved as CSV, under `fields` also
    where there are none. A table without rows is not shown.
    """

    kind = "table"
    key: str
    caption: str
    columns: list[str]
    rows: list[list[str | dict[str, str]] | str]
    align: str
    stretch: int | list[int] = 0
    search: bool = False
    note: str = ""
    records: list[dict] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    choose: str = ""
    also: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.rows or self.fields)

    @property
    def anchor(self) -> str:
        return f"table-{self.key}"

    @property
    def stretched(self) -> list[int]:
        """The columns that share the room that is left."""
        return self.stretch if isinstance(self.stretch, list) else [self.stretch]

    def html(self, references: References) -> str:
        if not self.rows:
            return ""
        label = references.get(self.key, (TABLE, ""))[0]
        return (f'<div class="table" id="{escape(self.anchor)}" role="region" tabindex="0" '
                f'aria-label="{escape(f"{label} {self.caption}")}">{self.grid_html(f"{label}　{self.caption}")}</div>\n'
                f'{_note(self.note)}')

    def grid_html(self, caption: str = "") -> str:
        """The bare table."""
        longest = [max((ems(row[i]) for row in self.rows if not isinstance(row, str) and isinstance(row[i], str)), default=0)
                   for i in range(len(self.columns))]
        kinds = [f"{a} n" if i not in self.stretched and longest[i] <= UNBROKEN else f"{a} w" if longest[i] > LONG else a
                 for i, a in enumerate(self.align)]
        heads = "".join(f'<th scope="col" class="{k}">{escape(h)}</th>' for k, h in zip(kinds, self.columns))
        bodies, rows = [], []
        also = iter(self.also)
        for row in self.rows:
            if isinstance(row, str):
                bodies.append(rows)
                rows = [f'<tr class="group"><th scope="rowgroup" colspan="{len(self.columns)}">{escape(row)}</th></tr>']
            else:
                cells = "".join(f'<td class="{k}">{_cell_html(cell)}</td>' for k, cell in zip(kinds, row))
                found_by = next(also, "")
                rows.append(f'<tr data-also="{escape(found_by)}">{cells}</tr>' if found_by else f"<tr>{cells}</tr>")
        body = "".join("<tbody>" + "\n".join(rows) + "</tbody>" for rows in [*bodies, rows] if rows)
        above = f"<caption>{escape(caption)}</caption>" if caption else ""
        search = ' class="search"' if self.search else ""
        search += f' data-choose="{escape(self.choose)}"' if self.choose else ""
        return f"<table{search}>{above}<thead><tr>{heads}</tr></thead>{body}</table>"

    def typst(self, references: References) -> str:
        if not self.rows:
            return ""
        label = references.get(self.key, (TABLE, ""))[0]
        return (f"#numbered-table({string(self.anchor)}, {string(label)}, {string(self.caption)}, "
                f"{self.grid_typst()}, note: {string(self.note)})\n\n")

    def grid_typst(self) -> str:
        """The bare table, as a Typst expression."""
        widths = ", ".join("1fr" if i in self.stretched else "auto" for i in range(len(self.columns)))
        align = ", ".join({"l": "left", "c": "center", "r": "right"}[a] + " + horizon" for a in self.align)
        head = ", ".join(f"head({string(h)})" for h in self.columns)
        rows = [f"group({len(self.columns)}, {string(row)})" if isinstance(row, str)
                else ", ".join(_cell_typst(cell) for cell in row) for row in self.rows]
        body = ",\n  ".join(rows)
        return f"grid-table(({widths},), ({align},), ({head},),\n  {body})"


@dataclass
class Figure(Block):
    """A chart with its words: `caption` says what it is, `alt` says its numbers, `numbers` is the table beside it.

    `records` are the numbers as they are saved in the CSV. `below` puts the table under the chart.
    """

    kind = "figure"
    key: str
    caption: str
    alt: str
    svg: str
    numbers: Table | None = None
    records: list[dict] = field(default_factory=list)
    below: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.numbers, dict):
            self.numbers = Table(**self.numbers)

    @property
    def anchor(self) -> str:
        return f"figure-{self.key}"

    def html(self, references: References) -> str:
        label = references.get(self.key, (FIGURE, ""))[0]
        numbers = ""
        if self.numbers:
            numbers = (f'<div class="numbers" role="region" tabindex="0" aria-label="{escape(f"{label} {self.caption}的数据")}">'
                       f"{self.numbers.grid_html()}{_note(self.numbers.note)}</div>")
        # Wide charts scroll in a window of their own on a phone, which a keyboard must reach.
        window = f' role="region" tabindex="0" aria-label="{escape(f"{label} {self.caption}")}"' if self.below or not numbers else ""
        return (f'<figure id="{escape(self.anchor)}" class="{"below" if self.below or not numbers else "beside"}">'
                f'<div class="chart"{window}>{inline(self.svg, self.key, self.alt)}</div>{numbers}'
                f"<figcaption>{escape(label)}　{escape(self.caption)}</figcaption></figure>\n")

    def typst(self, references: References) -> str:
        label = references.get(self.key, (FIGURE, ""))[0]
        numbers = self.numbers.grid_typst() if self.numbers else "none"
        note = self.numbers.note if self.numbers else ""
        return (f"#chart({string(self.anchor)}, {string(label)}, {string(self.caption)}, {string(self.alt)}, "
                f"{numbers}, below: {'true' if self.below else 'false'}, note: {string(note)})\n\n")


@dataclass
class Several(Block):
    """Blocks that one cell shows, one after the other."""

    kind = "several"
    blocks: list[Block]

    def __bool__(self) -> bool:
        return any(self.blocks)

    def html(self, references: References) -> str:
        return "".join(block.html(references) for block in self.blocks)

    def typst(self, references: References) -> str:
        return "".join(block.typst(references) for block in self.blocks)

    def _repr_mimebundle_(self, **_) -> dict[str, str | dict]:
        bundles = [block._repr_mimebundle_() for block in self.blocks if block]
        return {MIME: {"kind": self.kind, "blocks": [bundle[MIME] for bundle in bundles]},
                "text/html": "".join(bundle["text/html"] for bundle in bundles)} if bundles else {"text/plain": ""}


KINDS = {block.kind: block for block in (Cover, Text, Table, Figure)}


def from_json(content: dict | str) -> Block:
    """The block that a cell's output carries."""
    content = dict(json.loads(content) if isinstance(content, str) else content)
    if content["kind"] == Several.kind:
        return Several([from_json(block) for block in content["blocks"]])
    return KINDS[content.pop("kind")](**content)


def ems(text: str) -> float:
    """About how wide a text is, in ems: a Chinese character is one, a Latin one a good half."""
    return sum(1 if ord(c) > 0x2000 else 0.55 for c in text)


def inline(svg: str, key: str, alt: str) -> str:
    """An SVG file as it stands in a page: no prologue, no style of its own, ids that no other figure has."""
    svg = re.sub(r"<!--.*?-->|<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.S)
    svg = re.sub(r'<svg ([^>]*?)width="([\d.]+)pt" height="[\d.]+pt"', r'<svg \1style="max-width:\2pt"', svg, count=1)
    svg = re.sub(r' id="(?!NotoSansSC)([^"]*)"', rf' id="{key}-\1"', svg)
    svg = re.sub(r'(url\(#|href="#)(?!NotoSansSC)', rf"\1{key}-", svg)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    return re.sub(r"\n\s*", "\n", svg).strip()


def _cell_html(cell: str | dict[str, str]) -> str:
    if isinstance(cell, str):
        return HYPHENATED.sub(r'<span class="whole">\g<0></span>', escape(cell))
    return cell["svg"].replace("<svg ", f'<svg role="img" aria-label="{escape(cell["alt"])}" ', 1)


def _cell_typst(cell: str | dict[str, str]) -> str:
    if isinstance(cell, str) and HYPHENATED.search(cell):
        pieces = HYPHENATED.split(cell)
        return "cell([" + "".join(f"#box({string(p)});" if place % 2 else f"#{string(p)};" for place, p in enumerate(pieces) if p) + "])"
    if isinstance(cell, str):
        return f"cell({string(cell)})"
    return f"cell(drawing({string(cell['svg'])}, {string(cell['alt'])}))"


def _note(note: str) -> str:
    return f'<p class="note">{escape(note)}</p>\n' if note else ""


def _array(lines: list[str]) -> str:
    return "(" + "".join(f"{string(line)}, " for line in lines) + ")"


_seen: dict[str, list[str]] = {FIGURE: [], TABLE: []}


def _numbers_so_far(block: Block) -> References:
    """In JupyterLab a figure has the number of its place among those shown; run from the top, that is the report's."""
    if isinstance(block, (Figure, Table)):
        seen = _seen[FIGURE if isinstance(block, Figure) else TABLE]
        if block.key not in seen:
            seen.append(block.key)
    return {key: (f"{word}{number}", "") for word, seen in _seen.items() for number, key in enumerate(seen, start=1)}
