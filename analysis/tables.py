"""A workbook as tables: rows that know their number, under headings that know their column, so that a check is one line.

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
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # full-width forms of ASCII


class Book:
    """The sheets of a workbook that `headings` knows, by their needed headings, and the problems found in them so far.

    `said` is what `check` should say of a sound one; `changed` counts what was changed in reading; `fact_cells` has the cells of
    评价期 by item. Raises DataError.
    """

    headings: dict[str, tuple[str, ...]]
    optional: dict[str, tuple[str, ...]]
    required: tuple[str, ...]
    times = 1
    open = staticmethod(lru_cache(maxsize=32)(workbook.read))  # by content: a process reads each workbook once

    def __init__(self, path: Path, locked: bool = False):
        self.path, self.problems, self.said, self.sheets, self.fact_cells = path, [], [], {}, {}
        self.kinds, self.changed, self.listed = Counter(), Counter(), Counter()
        try:
            content = workbook.content_of(path, locked)
            read = self.open if self.times == 1 else workbook.read
            self.names, found = read(content, frozenset(map(normalise, self.headings)), self.times)
        except Unreadable as error:
            said, sheet = error.args
            raise DataError([Problem.of(said, path.name, sheet)]) from None
        self.sha256, self.order = hashlib.sha256(content).hexdigest(), {}
        for index, name in enumerate(self.names):
            key, near = normalise(name), closest(normalise(name), self.headings)
            if key in self.sheets:
                self.wrong("sheet.twice", key, level=1, name=quoted(key))
            elif name in found:
                self.sheets[key] = found[name]
            elif near:
                self.said.append(Said("note.sheet", name=quoted(name), near=near))
            self.order.setdefault(key, index)

    def wrong(self, rule: str | Said, sheet: str = "", cell: Cell | None = None, /, level: int = 3, **values: object) -> None:
        """Note a problem; `level` is 0 for the file, 1 a sheet, 2 its columns, 3 its rows."""
        said = rule if isinstance(rule, Said) else Said(rule, **values)
        order = (level, self.order.get(normalise(sheet), -1), cell.row if cell else 0, cell.column if cell else 0)
        self.problems.append(Problem.of(said, self.path.name, sheet, cell and cell.place, order=order))
        self.kinds[said.rule] += 1

    def wrong_in(self, sheet: str) -> bool:
        """Whether something is wrong in a sheet, so that what it lists cannot be counted on."""
        return any(problem.where[1:2] == (sheet,) for problem in self.problems)

    def table(self, sheet: str) -> Table | None:
        """The table of a sheet, or None where there is none; what is wrong with its headings is noted."""
        needed, rows = self.headings[sheet], self.sheets.get(normalise(sheet))
        if rows is None:
            if sheet in self.required:
                self.wrong("sheet.missing", level=1, sheet=sheet, found=[quoted(name)[1:-1] for name in self.names])
            return None
        heads = {number: _headings(row) for number, row in itertools.islice(rows.items(), HEADING_ROWS)}
        head = max(heads, key=lambda number: len(heads[number].keys() & {*needed}), default=0)
        found = heads.get(head, {})
        if missing := [heading for heading in needed if heading not in found]:
            there = "、".join(f"{quoted(h)[1:-1]} ({cells[0].place})" for h, cells in found.items()) or Said("word.none")
            self.wrong("column.missing", sheet, level=2, needed="、".join(needed), missing="、".join(missing), found=there)
            return None
        table = Table(self, sheet, {heading: cells[0] for heading, cells in found.items()})
        below = {number: cells for number, cells in rows.items() if number > head or (number < head and len(cells) > 1)}  # or above, no title
        table.rows += (row for row in itertools.starmap(table.row, below.items()) if row.cells)
        read, filled = {cell.column for cells in found.values() for cell in cells}, {column for row in table.rows for column in row.cells}
        for cell in (cell for column, cell in rows[head].items() if column in filled - read):
            self.wrong("column.text", sheet, cell, level=2, cell=shown(cell))
        for heading, (first, *others) in found.items():
            for cell in others:
                self.wrong("column.twice", sheet, cell, level=2, heading=heading, place=first.place)
        for heading in table.own:
            if near := closest(heading, {*self.optional.get(sheet, ())} - found.keys(), 0.5):
                name, place = quoted(table.title(heading)), table.heads[heading].place
                self.said.append(Said("note.column", sheet=sheet, place=place, name=name, near=near))
        return table

    def rows(self, sheet: str, known: registry.Registry | None = None) -> Iterator[Row]:
        """The filled rows of a sheet; none where it has no table."""
        table = self.table(sheet)
        return table.filled(known) if table else iter(())


def _headings(row: dict[int, Cell]) -> dict[str, list[Cell]]:
    """The cells of a row that may be headings, by what they say."""
    found: dict[str, list[Cell]] = {}
    for cell in row.values():
        if isinstance(cell.value, (str, float)) and not cell.kind:
            found.setdefault(normalise(plain(cell.value)).rstrip("*"), []).append(cell)
    return found


class Table:
    """The part of a sheet under its headings: `heads` are their cells, `columns` their columns, both by the heading, normalised."""

    def __init__(self, book: Book, sheet: str, heads: dict[str, Cell]):
        self.book, self.sheet, self.heads = book, sheet, heads
        self.columns = {heading: cell.column for heading, cell in heads.items()}
        self.rows: list[Row] = []

    def title(self, heading: str) -> str:
        """A heading as it is written, on one line."""
        return " ".join(plain(self.heads[heading].value).split()).rstrip("*＊")

    @property
    def own(self) -> list[str]:
        """The headings that are the analyst's own."""
        return [h for h in self.columns if h not in (*self.book.headings[self.sheet], *self.book.optional.get(self.sheet, ()))]

    def row(self, number: int, cells: dict[int, Cell]) -> Row:
        """A row with its texts trimmed; a value that lies hidden under a merged range, in a column with a heading, is noted."""
        kept, read = {}, self.columns.values()
        for column, cell in cells.items():
            if cell.kind == COVERED and column in read:
                self.book.wrong("cell.covered", self.sheet, cell, cell=shown(cell))
            value = cell.value.strip() if isinstance(cell.value, str) else cell.value
            if value != "":
                self.book.changed["changed.spaces"] += value != cell.value and column in read
                kept[column] = cell._replace(value=value, kind=cell.kind.replace(COVERED, ""))
        return Row(self, number, kept)

    def filled(self, known: registry.Registry | None = None) -> Iterator[Row]:
        """The rows with something under a heading, without notes. A row of totals, or one with a `known` alliance outside the table, is
        noted as wrong; what else has no heading above it is said, but for titles: rows of one cell above the headings."""
        head, beside = next(iter(self.heads.values())).row, []
        needed, read = {self.columns[heading] for heading in self.book.headings[self.sheet]}, {*self.columns.values()}
        for row in self.rows:
            first, *more = row.cells.values()
            if NOTE.match(str(first.value)) and not needed.intersection(cell.column for cell in more):
                continue
            total = next((c for c in (first, *more[:1]) if isinstance(c.value, str) and TOTAL.fullmatch(normalise(c.value))), None)
            inside = needed & row.cells.keys() and row.at > head
            lost = next((c for c in row.cells.values() if known and not inside and known.id_of(str(c.value))), None)
            if total:
                self.book.wrong("row.total", self.sheet, total, cell=shown(total))
            elif lost:
                self.book.wrong("row.beside", self.sheet, lost, cell=shown(lost))
            else:
                beside += [cell.place for column, cell in row.cells.items() if column not in read or row.at < head]
                if read & row.cells.keys() and row.at > head:
                    yield row
        if beside:
            self.book.said.append(Said("note.beside", sheet=self.sheet, places=beside[:MOST_PLACES]))


@dataclass
class Row:
    """A row of a table: its filled cells by column."""

    table: Table
    at: int
    cells: dict[int, Cell]

    def __getitem__(self, heading: str) -> Cell:
        """The cell under a heading; an empty one where there is none."""
        column = self.table.columns.get(heading, 0)
        return self.cells.get(column) or Cell(None, self.at, column or 1)

    def __contains__(self, heading: str) -> bool:
        return self.table.columns.get(heading, 0) in self.cells

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
        value = self[heading].value
        return "" if value is None else normalise(plain(value))

    def text(self, heading: str, what: object = "") -> str | None:
        """A cell as text that may stand in a report, or None with the problem noted."""
        cell, what = self[heading], what or heading
        if cell.value is None:
            return self.wrong(heading, "cell.blank", what=what, advice=Said("word.fill"))
        if isinstance(cell.value, (bool, dt.date, dt.time)) or cell.kind in (ERROR, UNCALCULATED):
            return self.wrong(heading, "cell.text", what=what, cell=shown(cell), kind=kind_of(cell))
        text = plain(cell.value)
        if not text.isprintable():
            spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)
            self.table.book.changed["changed.space"] += text != spaced
            text = spaced
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

    def once(self, heading: str, rule: str, what: str, key: object, seen: dict) -> bool:
        """Whether a key is new in this sheet; `seen` keeps the place of the first."""
        if key in seen:
            return bool(self.wrong(heading, rule, what=what, place=seen[key]))
        seen[key] = self[heading].place
        return True

    def alliance(self, reading, seen: dict) -> tuple[str, str, str, str] | None:
        """Id, name, code and way of matching of the alliance in a row of `reading`, or None with the problems noted.

        `seen` keeps the places of the ids and codes of the rows above; one that stands there already is noted.
        """
        name, code, known = self.text(NAME, Said("word.name")), self._code(reading), reading.registry
        if name is None:
            return None
        try:
            id, how = known.identify(name, code, reading.name)
        except registry.Conflict as conflict:
            if (above := seen.get(known.id_of(name))) and code:
                return self.wrong(NAME, "twice.pasted", name=quoted(name), place=above, code=code)
            return self.wrong(CODE if conflict.said.rule == "name.code" else NAME, conflict.said)
        if code is None or not self.must(known.there(id, reading.name), NAME, "name.absent", name=quoted(name), period=reading.name,
                                         between=", ".join(map(quoted, known.between.get(id, ())))):
            return None
        if self.once(NAME, "twice.alliance", shown(self[NAME]), id, seen):
            self.once(CODE, "twice.code", shown(self[CODE]), f"code {code}", seen)
        seen.setdefault(f"code {code}", self[CODE].place)
        return id, name, code, how

    def _code(self, reading) -> str | None:
        code, batches = self.text(CODE, Said("word.code")), {b.key: b.short for b in reading.batches}
        if code is None:
            return None
        folded = normalise(code)
        self.table.book.changed["changed.code"] += folded != code
        good = self.must(registry.CODE.fullmatch(folded), CODE, "code.form", code=quoted(code)) and self.must(
            folded[0] in batches, CODE, "code.batch", code=quoted(code), period=reading.name,
            batches="、".join(f"{key} {name}" for key, name in batches.items()))
        return folded if good else None


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
    if isinstance(cell.value, dt.datetime):
        return quoted(cell.value.date() if cell.value.time() == dt.time() else cell.value)
    if cell.kind == PERCENT:
        return f"{cell.value * 100:.10g}%"
    return quoted(cell.value) if isinstance(cell.value, (str, dt.time)) else plain(cell.value)


def kind_of(cell: Cell) -> Said:
    """What a cell is instead of the number that was expected."""
    kinds = {UNCALCULATED: "kind.uncalculated", ERROR: "kind.error", PERCENT: "kind.percent"}
    if not cell.kind and isinstance(cell.value, bool):
        return Said("kind.truth")
    return Said(kinds.get(cell.kind, "kind.date" if isinstance(cell.value, (dt.date, dt.time, dt.timedelta)) else "kind.other"))
