"""Frames and HTML tables as what a template shows, and as CSV."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from itertools import count, product

from analysis.cells import text

UNBROKEN = 11  # ems: a narrower column is not broken on a small screen
LONG = 28  # ems: a wider one keeps a line that can be read
MANY, NARROW = 200, 9  # rows; columns
LINE, SPARE = 48, 2  # ems: a line of A4, and what stands empty in a column
NUMBER = re.compile(r"[-+−±]?[\d.]+%?|—")
RUN = re.compile(r"[=@\t\r]|[-+](?![\d.,]*%?$)")  # a spreadsheet runs a text that starts so; `-3.5%` is a number


@dataclass
class Table:
    """A table: `heads` and `texts` as they are shown, `names` and `values` as they are saved, and what a template needs.

    `shown` are the columns that are on the page, with a `side` and a `kind` each (for the page: right, centred, text, wide, narrow) and
    a `room` (0: as wide as its texts; else its part of what is left); a row begins a group where `groups` has another value than
    before, and is found by the words in `also`; `grouped` and `found` head them. `html` is a table that a page shows as it is.
    """

    heads: list[str]
    texts: list[list[str]]
    names: list[str]
    values: list[list[object]]
    shown: list[dict]
    groups: list[str]
    also: list[str]
    search: bool = False
    choose: str = ""
    grouped: str = ""
    found: str = ""
    html: str = ""

    def csv(self) -> bytes:
        """The values as CSV that Excel opens: UTF-8 with BOM, LF, floats in full, nothing for what is missing.

        A text that a spreadsheet would run (it starts with =, @, a tab, or with + or - and is no number) has an apostrophe
        before it, and so has such a heading.
        """
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows([map(_saved, row) for row in (self.names, *self.values)])
        return b"\xef\xbb\xbf" + file.getvalue().encode()

    def data(self) -> dict[str, object]:
        """What is on a page, as JSON. Of a long table also how wide the columns without a room are, in ems, and which rows are `low`,
        of one line surely: so none of them is measured."""
        texts = [[value if isinstance(value, dict) else words for words, value in zip(*row)] for row in zip(self.texts, self.values)]
        fixed, roomy = ([column for column in self.shown if bool(column["room"]) == has_room] for has_room in (False, True))
        left, low = LINE - sum(column["wide"] + SPARE for column in fixed) - len(roomy) * SPARE, []
        if roomy and left > 0 and len(self.texts) > MANY and len(self.shown) < NARROW:
            rooms = sum(column["room"] for column in roomy)
            most = {column["place"]: left * column["room"] / rooms for column in roomy}
            low = [all(ems(row[place]) < most[place] for place in most) for row in self.texts]
        shown = [column | {"wide": column["wide"] + SPARE if low and not column["room"] else 0} for column in self.shown]
        return {"heads": self.heads, "texts": texts, "shown": shown, "groups": self.groups, "low": low}

    def said(self, most: int = 40) -> str:
        """The numbers in words, row by row, for an alternative text; what first stands in a row names it."""
        heads = self.heads[1:] if len(self.heads) > 2 else [""]
        rows = [[row[0], "、".join(head + cell for head, cell in zip(heads, row[1:]) if cell != "—")] for row in self.texts[:most]]
        return "；".join(map("：".join, rows)) + (f"（共{len(self.texts)}行，其余从略）" if len(self.texts) > most else "")


def _saved(value: object) -> object:
    value = value["alt"] if isinstance(value, dict) else ("是" if value else "否") if isinstance(value, bool) else value
    return f"'{value}" if isinstance(value, str) and RUN.match(value) else value


def of_resource(resource: dict, look: dict) -> Table:
    """A frame's resource as a table; `look` has the options group, search, choose, stretch, also and align.

    Raises ValueError where they name a column that is not there.
    """
    fields = resource["schema"]["fields"]
    values = [[row.get(field["name"]) for field in fields] for row in resource["data"]]
    texts = [[text(value, field) for value, field in zip(row, fields)] for row in values]
    heads, names = [field.get("title", field["name"]) for field in fields], [field["name"] for field in fields]
    group, also, stretch, choose = (_places(heads, names, look.get(key, "")) for key in ("group", "also", "stretch", "choose"))
    places = [place for place in range(len(heads)) if place not in group + also]
    wide = [max((ems(row[place]) for row in texts), default=0) for place in range(len(heads))]
    roomy = stretch or [place for place in places if wide[place] > UNBROKEN] or places
    shown = []
    for place, aligned in zip(places, str(look.get("align", "")).ljust(len(places))):
        column = [row[place] for row in texts]
        numeric = fields[place]["type"] in ("integer", "number") or (any(re.search("[-.%+−±]", cell) for cell in column)
                                                                     and all(map(NUMBER.fullmatch, column)))
        side = aligned if aligned.strip() else "r" if numeric else "l"
        narrow = place not in stretch and wide[place] <= UNBROKEN
        kind = {"r": "r", "c": "cn" if narrow else "c"}.get(side, "n" if narrow else "w" if wide[place] > LONG else "t")
        most = max(wide[place], ems(heads[place]))
        room = 1 if stretch else min(most, 40) + 1
        shown.append({"place": place, "side": side, "kind": kind, "wide": most, "room": room if place in roomy else 0})
    groups = ["，".join(row[place] for place in group) for row in texts]
    words = ["，".join(" ".join(dict.fromkeys(row[place].split())) for place in also) for row in texts]
    chosen, grouped, found = ("，".join(heads[place] for place in some) for some in (choose, group, also))
    return Table(heads, texts, names, values, shown, groups, words, str(look.get("search")).lower() == "true", chosen, grouped, found)


def _places(heads: list[str], names: list[str], wanted: str) -> list[int]:
    """Where the columns of some headings or names, parted by commas, stand."""
    found = [name.strip() for name in re.split("[,，]", wanted) if name.strip()]
    if strangers := [name for name in found if name not in (*heads, *names)]:
        raise ValueError(f"the frame has no column {', '.join(strangers)}; it has {', '.join(heads)}")
    return [heads.index(name) if name in heads else names.index(name) for name in found]


def ems(words: str) -> float:
    """About how wide a text is, in ems: a Chinese character is one, a Latin one a good half."""
    return sum(1 if ord(c) > 0x2000 else 0.55 for c in words)


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
    fields = [{"name": str(place), "title": head, "type": "string"} for place, head in enumerate(heads)]
    data = [{str(place): cell for place, cell in enumerate(row)} for row in rows[high:]]
    page.table.insert(0, page.new_tag("caption"))
    return replace(of_resource({"schema": {"fields": fields}, "data": data}, {}), names=heads, html=str(page))


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
