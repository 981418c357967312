"""The tables of a document, and the numbers of its figures, as a workbook that anybody can read.

By the rules of the UK Analysis Function ("Releasing statistics in spreadsheets"): a cover, a list of contents with links, notes,
then one table a sheet, marked as one; nothing is merged, no cell is blank, and every symbol is explained.
"""

from __future__ import annotations

import io
from copy import copy

from analysis.cells import PERCENT
from analysis.export.document import Document, Part
from analysis.packing import packed

WITHHELD, NONE = "[c]", "[x]"
MEANINGS = {WITHHELD: "评分未公布，只公布等级", NONE: "无数据，或不适用"}
WIDEST = 60  # characters
SCORE = "评分"


def render(report: Document) -> bytes:
    """The workbook as an .xlsx file; the same document gives the same bytes."""
    import openpyxl

    shown = [part for part in report.parts if part.number and part.saved and part.saved.values]
    notes = {part.anchor: f"[注{place}]" for place, part in enumerate((part for part in shown if part.note), start=1)}
    book = openpyxl.Workbook()
    _cover(book.active, report, len(shown))
    contents, remarks = book.create_sheet("目录"), book.create_sheet("注释")
    symbols: set[str] = set()
    for part in shown:
        _exhibit(book.create_sheet(part.number), part, notes.get(part.anchor, ""), symbols)
    _listed(contents, "目录", ("工作表", "内容"), [(part.number, part.text or part.number) for part in shown] + [("注释", "符号和注释")])
    for (cell, *_) in contents.iter_rows(min_row=4):
        cell.hyperlink, cell.style = f"#'{cell.value}'!A1", "Hyperlink"
    rows = [(sign, meaning, "各表") for sign, meaning in MEANINGS.items() if sign in symbols]
    rows += [(notes[part.anchor], part.note, part.number) for part in shown if part.note]
    _listed(remarks, "符号和注释", ("记号", "含义", "所在工作表"), rows or [("无", "本工作簿没有特别的符号和注释", "各表")])
    about = book.properties
    about.title, about.creator, about.language, about.created = report.title, "、".join(report.publishers) or None, "zh-CN", report.day
    file = io.BytesIO()
    book.save(file)
    return packed(file.getvalue(), report.day)


def _cover(sheet, report: Document, number: int) -> None:
    sheet.title = "封面"
    words = [report.title, report.subtitle, *report.facts, *report.publishers,
             f"本工作簿有报告中的各表和各图的数据，共{number}张工作表，每张一个表；先看“目录”，符号和注释见“注释”。",
             "百分比按原值保存，只在显示时保留两位小数。"]
    for text in filter(None, words):
        sheet.append([text])
    _headed(sheet, 100)


def _headed(sheet, width: int = 0) -> None:
    """The looks of what every sheet has: a title on top, and columns that fit."""
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    sheet["A1"].font = Font(bold=True, size=14)
    for place, column in enumerate(sheet.iter_cols(min_row=1 if width else 3), start=1):
        most = max(sum(1 + (ord(c) > 0x2000) for c in str(cell.value)) for cell in column)
        sheet.column_dimensions[get_column_letter(place)].width = width or min(max(most + 3, 8), WIDEST)
        alignment, plain = Alignment(wrap_text=most > WIDEST, vertical="top"), None
        for cell in column:  # a style is made once and copied, since to make one takes longer than to write the cell
            if cell.has_style or not plain:
                cell.alignment = alignment
                plain = plain or (copy(cell._style) if cell.row > 1 else None)
            else:
                cell._style = copy(plain)


def _listed(sheet, title: str, heads: tuple[str, ...], rows: list[tuple], about: str = "") -> None:
    """A title, a line about it, and one table, marked as one."""
    from openpyxl.worksheet.table import Table, TableStyleInfo

    for row in ((title,), (about or "本工作表有一个表。",), heads, *rows):
        sheet.append(row)
    for row in sheet.iter_rows(min_row=3):
        for cell in row:
            cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type  # never a formula
    end = sheet.cell(len(rows) + 3, len(heads)).coordinate
    table = Table(displayName=f"sheet_{sheet.parent.index(sheet) + 1}", ref=f"A3:{end}")
    table.tableStyleInfo = TableStyleInfo(name="TableStyleLight1", showRowStripes=False)
    sheet.add_table(table)
    sheet.freeze_panes = "A4"
    _headed(sheet)


def _exhibit(sheet, part: Part, note: str, symbols: set[str]) -> None:
    """The numbers of a figure or a table, each as what it is: shares of percent are fractions that are shown as percent."""
    saved = part.saved
    percent = {place for place, head in enumerate(saved.heads) if PERCENT.match(head)}
    heads = [head or f"列{place}" for place, head in enumerate(saved.heads, start=1)]
    heads = [head if head not in heads[:place] else f"{head}（{place + 1}）" for place, head in enumerate(heads)]
    rows = [tuple(_cell(value, saved.heads[place], place in percent, symbols) for place, value in enumerate(row)) for row in saved.values]
    title = "　".join(filter(None, (part.number, part.text, note)))
    _listed(sheet, title, tuple(heads), rows, "本工作表有一个表。" + (f"注释见工作表“注释”的{note}。" if note else ""))
    for place in percent:
        for (cell,) in sheet.iter_rows(min_row=4, min_col=place + 1, max_col=place + 1):
            cell.number_format = "0.00%" if isinstance(cell.value, float) else cell.number_format


def _cell(value: object, head: str, percent: bool, symbols: set[str]) -> object:
    if value is None or value == "":
        sign = WITHHELD if head == SCORE else NONE
        symbols.add(sign)
        return sign
    if isinstance(value, dict):
        return value["alt"]
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and percent:
        return round(value / 100, 14)
    return value
