"""The tables of a document, and the numbers of its figures, as a workbook that anybody can read.

By the rules of the UK Analysis Function ("Releasing statistics in spreadsheets"): a cover, a list of contents with links, notes,
then one table a sheet, marked as one; nothing is merged, no cell is blank, and every symbol is explained.
"""

from __future__ import annotations

import io

from analysis.cells import PERCENT
from analysis.export.document import Document, Part
from analysis.packing import packed

WITHHELD, NONE = "[c]", "[x]"
MEANINGS = {WITHHELD: "评分未公布，只公布等级", NONE: "无数据，或不适用"}
WIDEST = 60  # characters
SCORE = "评分"
COVER = "本工作簿有报告中的各表和各图的数据，共{}张工作表，每张一个表；先看“目录”，符号和注释见“注释”。"
ROUNDED = "百分比按原值保存，只在显示时保留两位小数。"


def render(report: Document) -> bytes:
    """The workbook as an .xlsx file; the same document gives the same bytes."""
    import openpyxl

    shown = [part for part in report.parts if part.number and part.saved]
    notes = {part.anchor: f"[注{place}]" for place, part in enumerate((part for part in shown if part.note), start=1)}
    book = openpyxl.Workbook()
    book.active.title = "封面"
    words = [report.title, report.subtitle, *report.facts, *report.publishers, COVER.format(len(shown)), ROUNDED]
    _filled(book.active, [(text,) for text in words if text])
    book.active.column_dimensions["A"].width = 100
    contents, remarks = book.create_sheet("目录"), book.create_sheet("注释")
    symbols: set[str] = set()
    for part in shown:
        _exhibit(book.create_sheet(part.number), part, notes.get(part.anchor, ""), symbols)
    _listed(contents, "目录", ["工作表", "内容"], [(part.number, part.text or part.number) for part in shown] + [("注释", "符号和注释")])
    for (cell, *_) in contents.iter_rows(min_row=4):
        cell.hyperlink, cell.style = f"#'{cell.value}'!A1", "Hyperlink"
    rows = [(sign, meaning, "各表") for sign, meaning in MEANINGS.items() if sign in symbols]
    rows += [(notes[part.anchor], part.note, part.number) for part in shown if part.note]
    _listed(remarks, "符号和注释", ["记号", "含义", "所在工作表"], rows or [("无", "本工作簿没有特别的符号和注释", "各表")])
    about = book.properties
    about.title, about.creator, about.language, about.created = report.title, "、".join(report.publishers) or None, "zh-CN", report.day
    file = io.BytesIO()
    book.save(file)
    return packed(file.getvalue(), report.day)


def _filled(sheet, rows: list[tuple]) -> None:
    """Rows under one another, the first of them a title; a text is never a formula."""
    from openpyxl.styles import Font

    for row in rows:
        sheet.append(row)
    for cell in (cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)):
        cell.data_type = "s"
    sheet["A1"].font = Font(bold=True, size=14)


def _listed(sheet, title: str, heads: list[str], rows: list[tuple], about: str = "") -> None:
    """A title, a line about it, and one table, marked as one, in columns that fit."""
    from openpyxl.styles import Alignment
    from openpyxl.worksheet.table import Table, TableStyleInfo

    _filled(sheet, [(title,), (f"本工作表有一个表。{about}",), heads, *rows])
    end = sheet.cell(len(rows) + 3, len(heads))
    table = Table(displayName=f"sheet_{sheet.parent.index(sheet) + 1}", ref=f"A3:{end.coordinate}")
    table.tableStyleInfo = TableStyleInfo(name="TableStyleLight1", showRowStripes=False)
    sheet.add_table(table)
    sheet.freeze_panes = "A4"
    for column in sheet.iter_cols(min_row=3):
        most = max(sum(1 + (ord(c) > 0x2000) for c in str(cell.value)) for cell in column)
        sheet.column_dimensions[column[0].column_letter].width = min(max(most + 3, 8), WIDEST)
        if most > WIDEST:
            for cell in (cell for row in sheet.iter_rows(min_row=4) for cell in row):
                cell.alignment = Alignment(wrap_text=True, vertical="top")


def _exhibit(sheet, part: Part, note: str, symbols: set[str]) -> None:
    """The numbers of a figure or a table, each as what it is: shares of percent are fractions that are shown as percent."""
    saved = part.saved.columns
    heads = [column.head or f"列{place}" for place, column in enumerate(saved, start=1)]
    heads = [head if head not in heads[:place] else f"{head}（{place + 1}）" for place, head in enumerate(heads)]
    rows = list(zip(*([_cell(value, column.head, symbols) for value in column.values] for column in saved)))
    _listed(sheet, "　".join(filter(None, (part.number, part.text, note))), heads, rows, f"注释见工作表“注释”的{note}。" if note else "")
    for place, column in enumerate(saved, start=1):
        for (cell,) in sheet.iter_rows(min_row=4, min_col=place, max_col=place) if PERCENT.match(column.head) else ():
            cell.number_format = "0.00%" if isinstance(cell.value, float) else cell.number_format


def _cell(value: object, head: str, symbols: set[str]) -> object:
    """A value as a spreadsheet has it; one that is missing is a symbol."""
    if value is None or value == "":
        sign = WITHHELD if head == SCORE else NONE
        symbols.add(sign)
        return sign
    if isinstance(value, dict):
        return value["alt"]
    if isinstance(value, bool):
        return "是" if value else "否"
    return round(value / 100, 14) if isinstance(value, float) and PERCENT.match(head) else value
