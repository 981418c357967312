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
    book = openpyxl.Workbook(write_only=True)
    cover, contents, remarks = map(book.create_sheet, ("封面", "目录", "注释"))
    cover.column_dimensions["A"].width = 100
    words = [report.title, report.subtitle, *report.facts, *report.publishers, COVER.format(len(shown)), ROUNDED]
    _titled(cover, [(text,) for text in words if text])
    symbols: set[str] = set()
    for part in shown:
        _exhibit(book.create_sheet(part.number), part, notes.get(part.anchor, ""), symbols)
    rows = [(part.number, part.text or part.number) for part in shown] + [("注释", "符号和注释")]
    rows = [(_made(contents, name, hyperlink=f"#'{name}'!A1", style="Hyperlink"), text) for name, text in rows]
    _listed(contents, "目录", ["工作表", "内容"], rows)
    rows = [(sign, meaning, "各表") for sign, meaning in MEANINGS.items() if sign in symbols]
    rows += [(notes[part.anchor], part.note, part.number) for part in shown if part.note]
    _listed(remarks, "符号和注释", ["记号", "含义", "所在工作表"], rows or [("无", "本工作簿没有特别的符号和注释", "各表")])
    about = book.properties
    about.title, about.creator, about.language, about.created = report.title, "、".join(report.publishers) or None, "zh-CN", report.day
    file = io.BytesIO()
    book.save(file)
    return packed(file.getvalue(), report.day)


def _made(sheet, value: object, **look: object):
    """A value, or the cell that it is already, as a cell that looks so; a text is never a formula."""
    from openpyxl.cell import WriteOnlyCell

    cell = value if hasattr(value, "data_type") else WriteOnlyCell(sheet, value)
    for name, how in {"data_type": "s" if isinstance(cell.value, str) else cell.data_type, **look}.items():
        setattr(cell, name, how)
    return cell


def _filled(sheet, rows: list[tuple], **look: object) -> None:
    """Rows under one another; what is plain is no cell before it is written."""
    for row in rows:
        sheet.append([_made(sheet, value, **look) if look or str(value)[0] in "=#" else value for value in row])


def _titled(sheet, rows: list[tuple]) -> None:
    """Rows under one another, the first of them a title."""
    from openpyxl.styles import Font

    _filled(sheet, rows[:1], font=Font(bold=True, size=14))
    _filled(sheet, rows[1:])


def _listed(sheet, title: str, heads: list[str], rows: list[tuple], about: str = "") -> None:
    """A title, a line about it, and one table, marked as one, in columns that fit."""
    from openpyxl.styles import Alignment
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.filters import AutoFilter
    from openpyxl.worksheet.table import Table, TableColumn, TableStyleInfo

    texts = ([str(getattr(cell, "value", cell)) for cell in column] for column in zip(heads, *rows))
    widths = [max(len(text) + sum(map("\u2000".__lt__, text)) for text in column) for column in texts]
    for place, most in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = min(max(most + 3, 8), WIDEST)
    sheet.freeze_panes = "A4"
    _titled(sheet, [(title,), (f"本工作表有一个表。{about}",), heads])
    _filled(sheet, rows, **{"alignment": Alignment(wrap_text=True, vertical="top")} if max(widths) > WIDEST else {})
    ref = f"A3:{get_column_letter(len(heads))}{len(rows) + 3}"
    sheet.tables.add(Table(displayName=f"sheet_{sheet.parent.index(sheet) + 1}", ref=ref, autoFilter=AutoFilter(ref=ref),
                           tableColumns=[TableColumn(id=place, name=head) for place, head in enumerate(heads, start=1)],
                           tableStyleInfo=TableStyleInfo(name="TableStyleLight1", showRowStripes=False)))


def _exhibit(sheet, part: Part, note: str, symbols: set[str]) -> None:
    """The numbers of a figure or a table, each as what it is: shares of percent are fractions that are shown as percent."""
    saved = part.saved.columns
    heads = [column.head or f"列{place}" for place, column in enumerate(saved, start=1)]
    heads = [head if head not in heads[:place] else f"{head}（{place + 1}）" for place, head in enumerate(heads)]
    columns = [[_cell(value, column.head, symbols) for value in column.values] for column in saved]
    columns = [[_made(sheet, value, number_format="0.00%") if isinstance(value, float) else value for value in values]
               if PERCENT.match(column.head) else values for column, values in zip(saved, columns)]
    title, about = "　".join(filter(None, (part.number, part.text, note))), f"注释见工作表“注释”的{note}。" if note else ""
    _listed(sheet, title, heads, list(zip(*columns)), about)


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
