"""A copy of a workbook in which each faulty cell is coloured and says what is wrong, behind a sheet that lists all that is."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections import Counter

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from analysis.messages import Said
from analysis.problems import Problem, normalise

FAULTY, LINK, TITLE = PatternFill("solid", start_color="FFFFC7CE"), Font(color="FF0563C1", underline="single"), Font(bold=True, size=14)
WIDTHS = {"A": 16, "B": 10, "C": 100}
COMMENT_WIDTH, CHARACTERS_A_LINE, LINE_HEIGHT = 360, 24, 20
PARTS = {"marked.media": "xl/media/", "marked.charts": "xl/charts/chart"}


def copy(content: bytes, name: str, problems: list[Problem]) -> bytes:
    """The bytes of the marked copy of a workbook of that name; where openpyxl cannot copy it, of the list alone."""
    with warnings.catch_warnings(action="ignore"):
        try:
            book = load_workbook(io.BytesIO(content))
        except Exception:  # whatever openpyxl meets in a file of another program
            book = Workbook()
            book.active.sheet_state = "hidden"
        sheets = {normalise(sheet.title): sheet for sheet in book.worksheets}
        for problem in problems:
            if problem.cell and (sheet := sheets.get(normalise(problem.sheet))):
                _mark(_shown(sheet, problem.cell), str(problem.said))
        first = book.create_sheet(str(Said("marked.sheet")), 0)
        book.active = 0
        for sheet in book.worksheets[1:]:
            sheet.sheet_view.tabSelected = False
        lost = _parts(content) - _parts(_saved(book))
        _list(first, sheets, name, problems, [Said(part, number=number) for part, number in lost.items()])
        return _saved(book)


def _saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _parts(content: bytes) -> Counter[str]:
    """How many pictures and charts a workbook holds."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return Counter(part for name in archive.namelist() for part, start in PARTS.items() if name.startswith(start))


def _shown(sheet: Worksheet, place: str) -> Cell:
    """A cell, or the one that a merged range shows in its stead."""
    merged = next((merged for merged in sheet.merged_cells.ranges if place in merged), None)
    return sheet.cell(merged.min_row, merged.min_col) if merged else sheet[place]


def _mark(cell: Cell, message: str) -> None:
    text = f"{cell.comment.text}\n{message}" if cell.comment else message
    height = LINE_HEIGHT * (2 + sum(1 + len(line) // CHARACTERS_A_LINE for line in text.splitlines()))
    cell.fill, cell.comment = FAULTY, Comment(text, "check", height=height, width=COMMENT_WIDTH)


def _list(first: Worksheet, sheets: dict[str, Worksheet], name: str, problems: list[Problem], lost: list[Said]) -> None:
    """Fill in the first sheet: what there is to do, what the copy lacks, and each problem with a link to its cell."""
    rows = [[Said("marked.title", file=name, number=len(problems))], [Said("marked.advice", file=name)]]
    rows += [[Said("marked.lost", what=lost)]] * bool(lost) + [[], [Said("marked.where"), Said("marked.cell"), Said("marked.message")]]
    head = len(rows)
    rows += [(p.sheet or p.where[0], p.cell, p.said) for p in problems]
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            cell = first.cell(number, column, str(value))
            cell.data_type, cell.alignment = "s", Alignment(wrap_text=column == len(WIDTHS), vertical="top")
    for number, problem in enumerate(problems, start=head + 1):
        if sheet := sheets.get(normalise(problem.sheet)):
            cell, title = first.cell(number, 2), sheet.title.replace("'", "''")
            cell.value = cell.value or "A1"
            cell.hyperlink, cell.font = Hyperlink(ref=cell.coordinate, location=f"'{title}'!{problem.cell or 'A1'}"), LINK
    first["A1"].font = TITLE
    for cell in first[head]:
        cell.font = Font(bold=True)
    for letter, width in WIDTHS.items():
        first.column_dimensions[letter].width = width
    first.freeze_panes = f"A{head + 1}"
