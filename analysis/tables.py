"""A workbook as tables: rows that know their cells by their headings, so that a check is one line.

`Book(path)` has the sheets and the problems found so far; `book.table(sheet)` is a `Table`; `table.filled()` gives each `Row`;
`row[heading]` is a Cell, `row.text`, `row.number`, `row.word`, `row.alliance` read one, `row.must(holds, heading, rule, …)` checks it.
Rules are those of messages.toml with their values. `shown`, `plain` and `kind_of` put a cell into words.
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from analysis import registry, workbook
from analysis.messages import Said
from analysis.problems import DataError, Problem, quoted, unfit
from analysis.registry import normalise
from analysis.workbook import COVERED, ERROR, PERCENT, UNCALCULATED, Cell, Unreadable

NAME, CODE = "联盟名称", "批次"
HEADING_ROWS, MOST_PLACES = 100, 20
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
NOTE, TOTAL = re.compile(r"\*|备注|注[:：]"), re.compile(r"((合|总|小|共)计|总数|总和|平均(数|值|分)?|TOTAL)([:(].*)?")
SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")  # those that are no common space
NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # full-width forms of ASCII


class Book:
    """The sheets of a workbook that `headings` knows, by their needed headings, and the problems found in them so far.

    `said` is what `check` should say of a sound one; `changed` counts what was changed in reading. Raises DataError.
    """

    headings: dict[str, tuple[str, ...]]
    optional: dict[str, tuple[str, ...]]
    required: tuple[str, ...]
    times = 1
    open = staticmethod(lru_cache(maxsize=32)(workbook.read))  # by content: a process reads each workbook once

    def __init__(self, path: Path, locked: bool = False):
        self.path, self.problems, self.said, self.changed = path, [], [], Counter()
        self.sheets: dict[str, workbook.Cells] = {}
        self.tables: dict[str, Table | None] = {}
        try:
            content = workbook.content_of(path, locked)
            read = self.open if self.times == 1 else workbook.read
            self.names, found = read(content, frozenset(map(normalise, self.headings)), self.times)
        except Unreadable as error:
            raise DataError([Problem.of(error.said, path.name, error.said.values.get("sheet"))]) from None
        self.sha256, self.order = hashlib.sha256(content).hexdigest(), {normalise(name): place for place, name in enumerate(self.names)}
        for name in self.names:
            if name in found and normalise(name) not in self.sheets:
                self.sheets[normalise(name)] = found[name]
            elif near := closest(normalise(name), self.headings):
                self.said.append(Said("note.sheet", name=quoted(name), near=near))

    def wrong(self, rule: str | Said, sheet: str = "", cell: Cell | None = None, /, **values: object) -> None:
        """Note a problem of the file, of a sheet, or of a cell."""
        said = rule if isinstance(rule, Said) else Said(rule, **values)
        order = (cell is not None, self.order.get(normalise(sheet), -1), *((cell.row, cell.column) if cell else ()))
        self.problems.append(Problem.of(said, self.path.name, sheet, cell and cell.place, order=order))

    def wrong_in(self, sheet: str) -> bool:
        """Whether something is wrong in a sheet, or it is missing though it must be there, so that what it lists cannot be counted on."""
        return (sheet in self.required and self.table(sheet) is None) or any(problem.sheet == sheet for problem in self.problems)

    def table(self, sheet: str) -> Table | None:
        """The table of a sheet, or None where there is none; what is wrong with its headings is noted."""
        if sheet not in self.tables:
            self.tables[sheet] = self._table(sheet)
        return self.tables[sheet]

    def _table(self, sheet: str) -> Table | None:
        needed, rows = {*self.headings[sheet]}, self.sheets.get(normalise(sheet))
        if rows is None:
            if sheet in self.required:
                self.wrong("sheet.missing", sheet=sheet, found=[quoted(name)[1:-1] for name in self.names])
            return None
        first = itertools.islice(rows, HEADING_ROWS)
        head = max(first, key=lambda number: len(needed.intersection(map(_heading, rows[number].values()))), default=0)
        table = Table(self, sheet, head)
        for cell in filter(_heading, rows.get(head, {}).values()):
            table.columns.setdefault(_heading(cell), cell)
        if missing := [heading for heading in self.headings[sheet] if heading not in table.columns]:
            there = [f"{quoted(heading)[1:-1]} ({cell.place})" for heading, cell in table.columns.items()] or Said("word.none")
            self.wrong("column.missing", sheet, needed=self.headings[sheet], missing=missing, found=there)
            return None
        for cell in rows[head].values():
            first = table.columns.get(_heading(cell))
            if first not in (None, cell):
                self.wrong("column.twice", sheet, cell, heading=_heading(cell), place=first.place)
            elif not first and str(cell.value).strip():
                self.wrong("column.text", sheet, cell, cell=shown(cell))
        table.rows = [table.row(number, cells) for number, cells in rows.items() if number > head or (number < head and len(cells) > 1)]
        for heading in table.own:
            if near := closest(heading, {*self.optional.get(sheet, ())} - table.columns.keys(), 0.5):
                name, place = quoted(table.title(heading)), table.columns[heading].place
                self.said.append(Said("note.column", sheet=sheet, place=place, name=name, near=near))
        return table

    def rows(self, sheet: str, known: registry.Registry | None = None) -> Iterator[Row]:
        """The filled rows of a sheet; none where it has no table."""
        table = self.table(sheet)
        return table.filled(known) if table else iter(())


def _heading(cell: Cell) -> str:
    """What a cell says as a heading; "" for one that is no text."""
    return normalise(plain(cell.value)).rstrip("*") if isinstance(cell.value, (str, float)) and not cell.kind else ""


@dataclass
class Table:
    """The part of a sheet under its headings; `columns` are their cells, by the heading, normalised."""

    book: Book
    sheet: str
    head: int
    columns: dict[str, Cell] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    def title(self, heading: str) -> str:
        """A heading as it is written, on one line."""
        return " ".join(plain(self.columns[heading].value).split()).rstrip("*＊")

    @property
    def own(self) -> list[str]:
        """The headings that are the analyst's own."""
        return [h for h in self.columns if h not in (*self.book.headings[self.sheet], *self.book.optional.get(self.sheet, ()))]

    def row(self, number: int, cells: dict[int, Cell]) -> Row:
        """A row with its texts trimmed; a value that lies hidden under a merged range is noted, if it has a heading."""
        headings, row = {cell.column: heading for heading, cell in self.columns.items() if number > self.head}, Row(self, number)
        for column, cell in cells.items():
            heading = headings.get(column)
            if heading and cell.kind == COVERED:
                self.book.wrong("cell.covered", self.sheet, cell, cell=shown(cell))
            value = SPACES.sub(" ", cell.value).strip() if isinstance(cell.value, str) else cell.value
            if heading and value != "":
                self.book.changed["changed.spaces"] += value != cell.value
                as_it_is = value == cell.value and COVERED not in cell.kind
                row.cells[heading] = cell if as_it_is else cell._replace(value=value, kind=cell.kind.replace(COVERED, ""))
            elif value != "" and cell.kind != COVERED:
                row.beside.append(cell)
        return row

    def filled(self, known: registry.Registry | None = None) -> Iterator[Row]:
        """The rows with something under a heading, without notes. A row of totals, or one with a `known` alliance outside the table, is
        noted as wrong; what else has no heading above it is said, but for titles: rows of one cell above the headings."""
        beside: list[str] = []
        for row in self.rows:
            cells = [*row.cells.values(), *row.beside]
            inside = not row.cells.keys().isdisjoint(self.book.headings[self.sheet])
            total = next((cell for cell in cells[:2] if TOTAL.fullmatch(normalise(str(cell.value)))), None)
            lost = next((cell for cell in cells if known and not inside and known.id_of(str(cell.value))), None)
            if total or lost:
                self.book.wrong("row.total" if total else "row.beside", self.sheet, total or lost, cell=shown(total or lost))
            elif len(cells) != 1 or not NOTE.match(str(cells[0].value)):
                beside += [cell.place for cell in row.beside]
                if row.cells:
                    yield row
        if beside:
            self.book.said.append(Said("note.beside", sheet=self.sheet, places=beside[:MOST_PLACES]))


@dataclass
class Row:
    """A row of a table: its filled cells by heading, and those under none."""

    table: Table
    at: int
    cells: dict[str, Cell] = field(default_factory=dict)
    beside: list[Cell] = field(default_factory=list)

    def __getitem__(self, heading: str) -> Cell:
        """The cell under a heading; an empty one where there is none."""
        head = self.table.columns.get(heading)
        return self.cells.get(heading) or Cell(None, self.at, head.column if head else 1)

    def __contains__(self, heading: str) -> bool:
        return heading in self.cells

    def wrong(self, heading: str, rule: str | Said, /, **values: object) -> None:
        """Note a problem of the cell under a heading."""
        self.table.book.wrong(rule, self.table.sheet, self[heading], **values)

    def must(self, holds: object, heading: str, rule: str | Said, /, **values: object) -> bool:
        """Whether something holds; a problem of the cell under a heading is noted where it does not."""
        if not holds:
            self.wrong(heading, rule, **values)
        return bool(holds)

    def word(self, heading: str) -> str:
        """A cell as a word to be compared with known ones."""
        return normalise(plain(self[heading].value)) if heading in self else ""

    def text(self, heading: str, what: object = "") -> str | None:
        """A cell as text that may stand in a report, or None with the problem noted."""
        cell, what = self[heading], what or heading
        if cell.value is None:
            return self.wrong(heading, "cell.blank", what=what, advice=Said("word.fill"))
        if isinstance(cell.value, (bool, dt.date, dt.time)) or cell.kind in (ERROR, UNCALCULATED):
            return self.wrong(heading, "cell.text", what=what, cell=shown(cell), kind=kind_of(cell))
        text = plain(cell.value)
        fault = unfit(text, what)
        return self.wrong(heading, fault) if fault else text

    def number(self, heading: str, what: object, advice: object, whole: bool = False) -> float | None:
        """A cell as a finite number, or None with the problem noted."""
        cell, value = self[heading], self[heading].value
        if value is None:
            return self.wrong(heading, "cell.blank", what=what, advice=advice)
        if isinstance(value, str) and not cell.kind and NUMBER.fullmatch(value.translate(NARROW)):
            self.table.book.changed["changed.number"] += 1
            value = float(value.translate(NARROW))
        if not isinstance(value, float) or cell.kind or not math.isfinite(value):
            return self.wrong(heading, "cell.number", what=what, cell=shown(cell), kind=kind_of(cell), advice=advice)
        if whole and (value < 0 or value % 1):
            return self.wrong(heading, "cell.count", what=what, number=value, advice=advice)
        return int(value) if whole else value

    def once(self, heading: str, rule: str, what: object, key: object, seen: dict) -> bool:
        """Whether a key is new in this sheet; `seen` keeps the place of the first."""
        new = self.must(key not in seen, heading, rule, what=what, place=seen.get(key))
        seen.setdefault(key, self[heading].place)
        return new

    def alliance(self, reading, seen: dict) -> tuple[str, str, str] | None:
        """Id, name and code of the alliance in a row of `reading`, or None with the problems noted.

        `seen` keeps the places of the ids and codes of the rows above; one that stands there already is noted.
        """
        name, code, known = self.text(NAME, Said("word.name")), self.text(CODE, Said("word.code")), reading.registry
        if code is not None:
            batches, written, code = reading.batch_names, code, normalise(code)
            self.table.book.changed["changed.code"] += written != code
            if not self.must(registry.CODE.fullmatch(code) and code[0] in batches, CODE, "code.form", code=lambda: quoted(written),
                             period=reading.name, batches=lambda: [f"{key} {name}" for key, name in batches.items()]):
                code = None
        try:
            id = name and known.identify(name, code, reading.name)
        except registry.Conflict as conflict:
            return self.wrong(CODE if conflict.said.rule == "name.code" else NAME, conflict.said)
        if None in (id, code) or not self.must(known.there(id, reading.name), NAME, "name.absent", name=lambda: quoted(name),
                                               period=reading.name, between=lambda: [*map(quoted, known.between.get(id, ()))]):
            return None
        if self.once(NAME, "twice.alliance", lambda: shown(self[NAME]), id, seen):
            self.once(CODE, "twice.code", lambda: shown(self[CODE]), (code,), seen)
        return id, name, code


def closest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known word most like a word, if one is."""
    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=cutoff)), "")


def plain(value: object) -> str:
    """A value as a person would type it, a number with all the digits that it needs.

    >>> plain(84.50), plain(101.0), plain(100.0000001)
    ('84.5', '101', '100.0000001')
    """
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def shown(cell: Cell) -> str | Said:
    """A cell as a message shows it."""
    if cell.kind == UNCALCULATED:
        return Said("word.uncalculated")
    if cell.kind == PERCENT:
        return f"{cell.value * 100:.10g}%"
    if isinstance(cell.value, (str, dt.date, dt.time)):
        return quoted(str(cell.value).removesuffix(" 00:00:00"))
    return plain(cell.value)


def kind_of(cell: Cell) -> Said:
    """What a cell is instead of the number that was expected."""
    if cell.kind:
        return Said(cell.kind)
    if isinstance(cell.value, bool):
        return Said("kind.truth")
    return Said("kind.date" if isinstance(cell.value, (dt.date, dt.time, dt.timedelta)) else "kind.other")
