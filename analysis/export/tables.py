"""Frames and HTML tables, for a page, for Typst and as CSV."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from html import escape

from analysis.cells import HEADINGS, text
from analysis.export.markup import string

UNBROKEN = 11  # ems: a narrower column is not broken on a small screen
LONG = 28  # ems: a wider one keeps a line that can be read
CAPTION = "<caption></caption>"  # where the caption of a table comes
HYPHENATED = re.compile(r"(?<![\w.-])(\w?\d[\d.]*(?:-\d+)+)(?![\w-])", re.ASCII)  # a number or years that a line must not break
NUMBER = re.compile(r"[-+−±<>≤≥]?[\d.,]+%?|—|")
RUN = re.compile(r"[=@\t\r]|[-+](?![\d.,]*%?$)")  # a spreadsheet runs a text that starts so; `-3.5%` is a number
FETCHED = re.compile(r"@import[^;]*;|url\((?!['\"]?(?:data:|#))[^)]*\)", re.I)


@dataclass
class Table:
    """A table: its headings, its values as they are saved, its texts as they are shown; then itself in HTML and in Typst."""

    heads: list[str]
    values: list[list[object]]
    texts: list[list[str]]
    html: str = ""
    typst: str = ""
    names: list[str] | None = None  # the headings as they are saved, where they are others

    def csv(self) -> bytes:
        """The values as CSV that Excel opens: UTF-8 with BOM, LF, floats in full, nothing for what is missing.

        A text that a spreadsheet would run (it starts with =, @, a tab, or with + or - and is no number) is quoted by an
        apostrophe before it, headings too.
        """
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows([[_saved(value) for value in row] for row in (self.names or self.heads, *self.values)])
        return b"\xef\xbb\xbf" + file.getvalue().encode()

    def said(self, most: int = 40) -> str:
        """The numbers in words, row by row, for an alternative text; what first stands in a row names it."""
        heads = self.heads[1:] if len(self.heads) > 2 else [""] * len(self.heads)
        rows = ["、".join(f"{head}{cell}" for head, cell in zip(heads, row[1:]) if cell != "—") for row in self.texts[:most]]
        return "；".join(f"{row[0]}{'：' if heads[:1] != [''] else ''}{said}" for row, said in zip(self.texts, rows)) + (
            f"（共{len(self.texts)}行，其余从略）" if len(self.texts) > most else "")


def _saved(value: object) -> object:
    value = value["alt"] if isinstance(value, dict) else ("是" if value else "否") if isinstance(value, bool) else value
    return f"'{value}" if isinstance(value, str) and RUN.match(value) else value


def of_resource(resource: dict, look: dict | None = None) -> Table:
    """A frame's resource as a table; `look` has the options group, search, choose, stretch, also and align."""
    look = look or {}
    fields = resource["schema"]["fields"]
    values = [[row.get(field["name"]) for field in fields] for row in resource["data"]]
    texts = [[text(value, field) for value, field in zip(row, fields)] for row in values]
    heads, names = [field.get("title", field["name"]) for field in fields], [field["name"] for field in fields]
    places = {key: _places(heads, names, look.get(key, ())) for key in ("group", "also", "stretch")}
    shown = [place for place in range(len(heads)) if place not in places["group"] + places["also"]]
    sides = look.get("align") or "".join(
        "r" if values and all(NUMBER.fullmatch(row[place]) for row in texts) and fields[place]["type"] != "boolean" else "l" for place in shown)
    grid = _Grid([heads[place] for place in shown], [[(values[n][place], row[place]) for place in shown] for n, row in enumerate(texts)],
                 sides.ljust(len(shown), "l"), [shown.index(place) for place in places["stretch"] if place in shown])
    groups = ["，".join(row[place] for place in places["group"]) for row in texts]
    also = [" ".join(row[place] for place in places["also"]) for row in texts]
    return Table(heads, values, texts, grid.html(groups, also, look), grid.typst(groups), [HEADINGS.get(name, name) for name in names])


def _places(heads: list[str], names: list[str], wanted: str | list[str]) -> list[int]:
    """Where the columns of some headings or names, parted by commas, stand. Raises ValueError for one that is not there."""
    wanted = [name.strip() for name in re.split("[,，]", wanted) if name.strip()] if isinstance(wanted, str) else list(wanted)
    if strangers := [name for name in wanted if name not in (*heads, *names)]:
        raise ValueError(f"the frame has no column {', '.join(strangers)}; it has {', '.join(heads)}")
    return [heads.index(name) if name in heads else names.index(name) for name in wanted]


@dataclass
class _Grid:
    """The columns that are shown: headings, rows of values with their texts, sides, and which columns take the room."""

    heads: list[str]
    rows: list[list[tuple[object, str]]]
    sides: str
    stretched: list[int]

    def longest(self) -> list[float]:
        return [max((ems(row[place][1]) for row in self.rows), default=0) for place in range(len(self.heads))]

    def html(self, groups: list[str], also: list[str], look: dict) -> str:
        wide = self.longest()
        kinds = [f"{side} n" if place not in self.stretched and wide[place] <= UNBROKEN else f"{side} w" if wide[place] > LONG else side
                 for place, side in enumerate(self.sides)]
        bodies: list[list[str]] = []
        for place, row in enumerate(self.rows):
            if not bodies or groups[place] != groups[place - 1]:
                head = f'<tr class="group"><th scope="rowgroup" colspan="{len(self.heads)}">{escape(groups[place])}</th></tr>'
                bodies.append([head] if groups[place] else [])
            found = f' data-also="{escape(also[place])}"' if also[place] else ""
            bodies[-1].append(f"<tr{found}>{''.join(f'<td class={chr(34)}{kind}{chr(34)}>{_cell_html(cell)}</td>' for kind, cell in zip(kinds, row))}</tr>")
        heads = "".join(f'<th scope="col" class="{kind}">{escape(head)}</th>' if head else "<td></td>" for kind, head in zip(kinds, self.heads))
        search = ' class="search"' if str(look.get("search", "")).lower() == "true" else ""
        search += f' data-choose="{escape(look["choose"])}"' if look.get("choose") else ""
        body = "".join("<tbody>" + "\n".join(rows) + "</tbody>" for rows in bodies)
        return f"<table{search}>{CAPTION}<thead><tr>{heads}</tr></thead>{body}</table>"

    def typst(self, groups: list[str]) -> str:
        wide = self.longest()
        first = self.stretched or [place for place, ems_wide in enumerate(wide) if ems_wide > UNBROKEN] or [0]
        widths = ", ".join(f"{max(1, min(wide[place], 40) / 10):.1f}fr" if place in first and not self.stretched
                           else "1fr" if place in first else "auto" for place in range(len(self.heads)))
        sides = ", ".join({"l": "left", "c": "center", "r": "right"}[side] + " + horizon" for side in self.sides)
        lines = []
        for place, row in enumerate(self.rows):
            if groups[place] and (not place or groups[place] != groups[place - 1]):
                lines.append(f"group({len(self.heads)}, {string(groups[place])})")
            lines.append(", ".join(_cell_typst(cell) for cell in row))
        heads = ", ".join(f"head({string(head)})" for head in self.heads)
        return f"grid-table(({widths},), ({sides},), ({heads},),\n  {(','+chr(10)+'  ').join(lines)})"


def ems(words: str) -> float:
    """About how wide a text is, in ems: a Chinese character is one, a Latin one a good half."""
    return sum(1 if ord(c) > 0x2000 else 0.55 for c in words)


def _cell_html(cell: tuple[object, str]) -> str:
    value, words = cell
    if isinstance(value, dict):
        return value["svg"].replace("<svg ", f'<svg role="img" aria-label="{escape(words)}" ', 1)
    return HYPHENATED.sub(r'<span class="whole">\g<0></span>', escape(words))


def _cell_typst(cell: tuple[object, str]) -> str:
    value, words = cell
    if isinstance(value, dict):
        return f"cell(drawing({string(value['svg'])}, {string(words)}))"
    if HYPHENATED.search(words):
        pieces = HYPHENATED.split(words)
        return "cell([" + "".join(f"#box({string(p)});" if place % 2 else f"#{string(p)};" for place, p in enumerate(pieces) if p) + "])"
    return f"cell({string(words)})"


def of_html(source: str, key: str) -> Table:
    """The first table in some HTML, as it is: what runs or fetches is taken out, and its ids are made of `key`."""
    from bs4 import BeautifulSoup

    page = BeautifulSoup(source, "html.parser")
    for tag in page.find_all(["script", "link", "iframe", "object", "embed", "meta", "form"]):
        tag.decompose()
    _rename(page, key)
    for tag in page.find_all(True):
        for name in [name for name in tag.attrs if name.startswith("on") or (name in ("src", "srcset", "background") and not str(tag[name]).startswith("data:"))]:
            del tag[name]
        if tag.name == "th" and not tag.get_text(strip=True):
            tag.name = "td"
    table = page.table
    if table.caption:
        table.caption.decompose()
    rows, heads = _spread(table)
    names = [" ".join(dict.fromkeys(row[place] for row in rows[:heads] if row[place])) for place in range(len(rows[0]) if rows else 0)]
    table.insert(0, BeautifulSoup(CAPTION, "html.parser"))
    return Table(names, rows[heads:], rows[heads:], FETCHED.sub("none", str(page)), _typst_of(table, len(names), heads))


def _rename(page, key: str) -> None:
    """Give every id a name that is the same in each run: a Styler's and great_tables' are new each time."""
    ids = [tag["id"] for tag in page.find_all(id=True)]
    first = re.escape(ids[0]) if ids else ""
    stable = {name: f"{key}-{place}" for place, name in enumerate(dict.fromkeys(ids))}
    for tag in page.find_all(True):
        for name in ("id", "for", "headers", "aria-labelledby", "aria-describedby", "href"):
            if name in tag.attrs:
                words = tag[name] if isinstance(tag[name], list) else str(tag[name]).split(" ")
                tag[name] = " ".join("#" * word.startswith("#") + stable.get(word.lstrip("#"), word.lstrip("#")) for word in words)
        if tag.name == "style" and first:
            tag.string = re.sub(r"#([\w-]+)", lambda match: "#" + stable.get(match[1], match[1]), tag.get_text())


def _spread(table) -> tuple[list[list[str]], int]:
    """The texts of a table's cells by row and column, a wide or high one in each of its places; and how many rows are heads."""
    lines = table.find_all("tr")
    grid: dict[tuple[int, int], str] = {}
    for row, line in enumerate(lines):
        column = 0
        for cell in line.find_all(["td", "th"], recursive=False):
            while (row, column) in grid:
                column += 1
            for down in range(int(cell.get("rowspan", 1))):
                for right in range(int(cell.get("colspan", 1))):
                    grid[row + down, column + right] = " ".join(cell.get_text(" ").split())
    width = max((column for _, column in grid), default=-1) + 1
    heads = len(table.thead.find_all("tr")) if table.thead else int(bool(lines) and not lines[0].find("td"))
    return [[grid.get((row, column), "") for column in range(width)] for row in range(len(lines))], heads


def _typst_of(table, width: int, heads: int) -> str:
    lines = [", ".join(f"{'head' if row < heads else 'cell'}({string(' '.join(cell.get_text(' ').split()))}, colspan: {int(cell.get('colspan', 1))}, "
                       f"rowspan: {int(cell.get('rowspan', 1))})" for cell in line.find_all(["td", "th"], recursive=False))
             for row, line in enumerate(table.find_all("tr"))]
    return f"grid-table(({'auto, ' * width}), (left + horizon,) * {width}, ({', '.join(lines[:heads])},), {', '.join(lines[heads:])})"
