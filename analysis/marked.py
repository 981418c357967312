"""A copy of a workbook in which each faulty cell is coloured and says what is wrong, behind a sheet that lists all that is."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections import Counter

from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from analysis.messages import Said
from analysis.problems import Problem, normalise

FAULTY = PatternFill("solid", start_color="FFFFC7CE")
LINK, TITLE, BOLD = Font(color="FF0563C1", underline="single"), Font(bold=True, size=14), Font(bold=True)
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
                _mark(sheet, problem)
        lost = _parts(content) - _parts(_saved(book))
        first = book.create_sheet(str(Said("marked.sheet")), 0)
        _list(first, sheets, name, problems, [Said(part, number=number) for part, number in lost.items()])
        for sheet in book.worksheets:
            sheet.sheet_view.tabSelected = sheet is first
        book.active = 0
        return _saved(book)


def _saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _parts(content: bytes) -> Counter[str]:
    """How many pictures and charts a workbook holds."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return Counter(part for name in archive.namelist() for part, start in PARTS.items() if name.startswith(start))


def _mark(sheet: Worksheet, problem: Problem) -> None:
    """Colour a cell, or the one that a merged range shows in its stead, and say in a comment what is wrong."""
    merged = next((merged for merged in sheet.merged_cells.ranges if problem.cell in merged), None)
    cell = sheet.cell(merged.min_row, merged.min_col) if merged else sheet[problem.cell]
    text = f"{cell.comment.text}\n{problem.said}" if cell.comment else str(problem.said)
    height = LINE_HEIGHT * (2 + sum(1 + len(line) // CHARACTERS_A_LINE for line in text.splitlines()))
    cell.fill, cell.comment = FAULTY, Comment(text, "check", height=height, width=COMMENT_WIDTH)


def _list(first: Worksheet, sheets: dict[str, Worksheet], name: str, problems: list[Problem], lost: list[Said]) -> None:
    """Fill in the first sheet: what there is to do, what the copy lacks, and each problem with a link to its cell."""
    lines = [[Said("marked.title", file=name, number=len(problems))], [Said("marked.advice", file=name)]]
    lines += [[Said("marked.lost", what=lost)]] * bool(lost) + [[], [Said("marked.where"), Said("marked.cell"), Said("marked.message")]]
    head = len(lines)
    for line in lines + [(problem.sheet or problem.where[0], problem.cell, problem.said) for problem in problems]:
        first.append([*map(str, line)])
    for cell in first[head]:
        cell.font = BOLD
    for number, problem in enumerate(problems, start=head + 1):
        first.cell(number, 3).alignment = Alignment(wrap_text=True, vertical="top")
        if sheet := sheets.get(normalise(problem.sheet)):
            cell, title = first.cell(number, 2, problem.cell or "A1"), sheet.title.replace("'", "''")
            cell.hyperlink, cell.font = Hyperlink(ref=cell.coordinate, location=f"'{title}'!{cell.value}"), LINK
    first["A1"].font = TITLE
    for letter, width in WIDTHS.items():
        first.column_dimensions[letter].width = width
    first.freeze_panes = f"A{head + 1}"
