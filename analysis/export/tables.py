"""Frames and HTML tables as what a template shows, and as CSV."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from itertools import count, product
from math import inf

from analysis.cells import text

UNBROKEN = 11  # ems: a narrower column is not broken on a small screen
LONG = 28  # ems: a wider one keeps a line that can be read
MANY, NARROW = 200, 9  # rows; columns
LINE, SPARE, INSET = 50, 2, 1.2  # ems: a line of A4; what stands empty in a column that is given its width, and in each other
NUMBER = re.compile(r"[-+−±]?[\d.]+%?|—")
SLIM = re.compile(r"[-0-9acefgijlrstvxyz .,:;/()]")  # none is wider than 0.6 em in the report's font
RUN = re.compile(r"[=@\t\r]|[-+](?![\d.,]*%?$)")  # a spreadsheet runs a text that starts so; `-3.5%` is a number


@dataclass(eq=False)
class Column:
    """A column as it is saved (`name`, `values`) and as it is shown: its `head`, its `texts` (a value that is a drawing is shown itself),
    in ems how `wide` they are, the `side` they stand at (l, c, r), a `kind` for the page (right, centred, text, wide, narrow), and a
    `room` (0: as wide as its texts; else its part of what is left)."""

    name: str
    head: str
    values: list[object]
    texts: list[str]
    wide: float = 0
    side: str = "l"
    kind: str = ""
    room: float = 0


@dataclass
class Table:
    """A table of `columns`, of which `shown` are on the page.

    A row is under the name in `groups` where it begins a group, and is found by the words in `also`; `grouped` and `found` head them.
    `html` is a table that a page shows as it is.
    """

    columns: list[Column]
    shown: list[Column]
    groups: list[str]
    also: list[str]
    search: bool = False
    choose: str = ""
    grouped: str = ""
    found: str = ""
    html: str = ""

    def __len__(self) -> int:
        return len(self.groups)

    def rows(self, of: str) -> list[tuple]:
        """The values, or the texts, row by row."""
        return list(zip(*(getattr(column, of) for column in self.columns)))

    def csv(self) -> bytes:
        """The values as CSV that Excel opens: UTF-8 with BOM, LF, floats in full, nothing for what is missing.

        A text that a spreadsheet would run (it starts with =, @, a tab, or with + or - and is no number) has an apostrophe
        before it, and so has such a heading.
        """
        file = io.StringIO()
        names = [column.name for column in self.columns]
        csv.writer(file, lineterminator="\n").writerows([map(_saved, row) for row in (names, *self.rows("values"))])
        return b"\xef\xbb\xbf" + file.getvalue().encode()

    def data(self) -> dict[str, object]:
        """What is on a page, as JSON. Of a long table also how wide the columns without a room are, in ems, and which rows are `low`,
        of one line surely: so none of them is measured."""
        roomy = [column for column in self.shown if column.room]
        low, wide = [], {}
        if roomy and len(self) > MANY and len(self.shown) < NARROW:
            wide = {column.name: max(column.wide, *map(most, column.texts)) + SPARE for column in self.shown if not column.room}
            left = LINE - sum(wide.values())
            rooms = [left * column.room / sum(column.room for column in roomy) - INSET for column in roomy]
            if min(rooms) > 0:
                low = [all(most(own) < room for own, room in zip(row, rooms)) for row in zip(*(column.texts for column in roomy))]
        columns = [{"head": column.head, "side": column.side, "room": column.room,
                    "wide": wide.get(column.name, 0) if low else 0,
                    "texts": [value if isinstance(value, dict) else words for words, value in zip(column.texts, column.values)]}
                   for column in self.shown]
        return {"columns": columns, "groups": self.groups, "low": low}

    def said(self, most: int = 40) -> str:
        """The numbers in words, row by row, for an alternative text; what first stands in a row names it."""
        heads = [column.head for column in self.columns[1:]] if len(self.columns) > 2 else [""]
        rows = [[row[0], "、".join(head + cell for head, cell in zip(heads, row[1:]) if cell != "—")] for row in self.rows("texts")[:most]]
        return "；".join(map("：".join, rows)) + (f"（共{len(self)}行，其余从略）" if len(self) > most else "")


def _saved(value: object) -> object:
    value = value["alt"] if isinstance(value, dict) else ("是" if value else "否") if isinstance(value, bool) else value
    return f"'{value}" if isinstance(value, str) and RUN.match(value) else value


def of_resource(resource: dict, look: dict) -> Table:
    """A frame's resource as a table; `look` has the options group, search, choose, stretch, also and align.

    Raises ValueError where they name a column that is not there.
    """
    columns = []
    for field in resource["schema"]["fields"]:
        values = [row.get(field["name"]) for row in resource["data"]]
        columns.append(Column(field["name"], field.get("title", field["name"]), values, [text(value, field) for value in values]))
        columns[-1].side = "r" if field["type"] in ("integer", "number") or _of_numbers(columns[-1].texts) else "l"
        columns[-1].wide = max(map(ems, columns[-1].texts), default=0)
    group, also, stretch, choose = (_named(columns, look.get(key, "")) for key in ("group", "also", "stretch", "choose"))
    shown = [column for column in columns if column not in group + also]
    roomy = stretch or [column for column in shown if column.wide > UNBROKEN] or shown
    whole = sum(max(column.wide, ems(column.head)) + 1 for column in shown)
    lines = 2 if roomy == shown and whole > LINE * (1 if len(shown) < NARROW else 1.2) else 1  # of a heading; many columns are set smaller
    for column, aligned in zip(shown, str(look.get("align", "")).ljust(len(shown))):
        column.side = aligned.strip() or column.side
        narrow = column not in stretch and column.wide <= UNBROKEN
        column.kind = {"r": "r", "c": "cn" if narrow else "c"}.get(column.side, "n" if narrow else "w" if column.wide > LONG else "t")
        column.wide = max(column.wide, ems(column.head) / lines)
        column.room = 0 if column not in roomy else 1 if stretch else min(column.wide, 40) + 1
    groups = ["，".join(row) for row in zip(*(column.texts for column in group))] or [""] * len(resource["data"])
    begun = [name if name != before else "" for name, before in zip(groups, ["", *groups])]
    words = ["，".join(" ".join(dict.fromkeys(column.texts[row].split())) for column in also) for row in range(len(groups))]
    heads = ("，".join(column.head for column in some) for some in (choose, group, also))
    return Table(columns, shown, begun, words, str(look.get("search")).lower() == "true", *heads)


def _of_numbers(texts: list[str]) -> bool:
    return any(re.search("[-.%+−±]", cell) for cell in texts) and all(map(NUMBER.fullmatch, texts))


def _named(columns: list[Column], wanted: str) -> list[Column]:
    """The columns of some headings or names, parted by commas."""
    known = {column.name: column for column in columns} | {column.head: column for column in reversed(columns)}
    found = [name.strip() for name in re.split("[,，]", wanted) if name.strip()]
    if strangers := [name for name in found if name not in known]:
        raise ValueError(f"the frame has no column {', '.join(strangers)}; it has {', '.join(column.head for column in columns)}")
    return [known[name] for name in found]


def ems(words: str) -> float:
    """About how wide a text is, in ems: a Chinese character is one, a Latin one a good half."""
    return sum(1 if ord(c) > 0x2000 else 0.55 for c in words)


def most(words: str) -> float:
    """So wide is a text on one line at most, in ems of the report's font; what may not stay on one line is without end."""
    return 1.02 * len(words) - 0.42 * len(SLIM.findall(words)) if words.isprintable() else inf


def beside(source: str) -> str:
    """The text of some HTML outside the rows of its first table."""
    from bs4 import BeautifulSoup

    page = BeautifulSoup(source, "html.parser")
    for tag in page.find_all(["script", "style"]) + page.table.find_all("tr"):
        tag.decompose()
    return " ".join(page.get_text(" ").split())


def of_html(source: str, key: str) -> Table:
    """The first table in some HTML, as it is but for scripts, its ids made of `key`. Elsewhere than on a page a wide or high cell is in
    each of its places."""
    from bs4 import BeautifulSoup

    page = BeautifulSoup(source, "html.parser")
    for tag in page.find_all("script") + page.table.find_all("caption"):
        tag.decompose()
    stable = {tag["id"]: f"{key}-{place}" for place, tag in enumerate(page.find_all(id=True))}  # a Styler's are new in each run
    own = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, stable))})(?![\w-])")
    page = BeautifulSoup(own.sub(lambda found: stable[found[1]], str(page)) if stable else str(page), "html.parser")
    for head in page.find_all("th"):
        head.name = head.name if head.get_text(strip=True) else "td"
    lines = page.table.find_all("tr")
    high = len(page.table.thead.find_all("tr")) if page.table.thead else int(bool(lines) and not lines[0].find("td"))
    rows = _spread(lines)
    heads = [" ".join(dict.fromkeys(filter(None, column))) for column in zip(*rows[:high])] or [""] * max(map(len, rows), default=0)
    fields = [{"name": place, "title": head, "type": "string"} for place, head in enumerate(heads)]
    table = of_resource({"schema": {"fields": fields}, "data": [dict(enumerate(row)) for row in rows[high:]]}, {})
    page.table.insert(0, page.new_tag("caption"))
    for column in table.columns:
        column.name = column.head
    return replace(table, html=str(page))


def _spread(lines: list) -> list[list[str]]:
    """The texts of the cells of rows, by row and column."""
    grid: dict[tuple[int, int], str] = {}
    for row, line in enumerate(lines):
        for cell in line.find_all(["td", "th"]):
            column = next(column for column in count() if (row, column) not in grid)
            places = product(range(int(cell.get("rowspan", 1))), range(int(cell.get("colspan", 1))))
            grid |= {(row + down, column + right): " ".join(cell.get_text(" ").split()) for down, right in places}
    width = max((column for _, column in grid), default=-1) + 1
    return [[grid.get((row, column), "") for column in range(width)] for row in range(len(lines))]
