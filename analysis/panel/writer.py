"""How every workbook of the scoring process is written: the same bytes each time."""

from __future__ import annotations

import datetime as dt
import io

from analysis.packing import packed

EPOCH = dt.date(1980, 1, 1)
BANNER = "模拟数据：由程序生成，不是任何一期评价的真实录入或评分"
WIDE = {"联盟名称": 46, "理由": 40, "列入原因": 40, "说明": 60, "评分标准": 40}
Rows = list[list]


def workbook(content: dict[str, Rows], day: dt.date, banner: str = "", above: list | None = None,
             most: dict[int, float] | None = None) -> bytes:
    """Sheets of rows, their headings first, as an .xlsx with fixed dates; a banner, or a row `above`, stands over the headings.

    `most` is the highest number that may be typed into a column (from 1) of the first sheet.
    """
    import openpyxl
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book, over = openpyxl.Workbook(), [*([[banner]] if banner else []), *([above] if above else [])]
    book.remove(book.active)
    for name, rows in content.items():
        sheet = book.create_sheet(name)
        for row in (*over, *rows):
            sheet.append(row)
        for cell in (cell for row in sheet.iter_rows(max_row=len(over) + 1) for cell in row):
            cell.font, cell.alignment = Font(bold=True, color="B4322A" if cell.value == banner else None), Alignment(vertical="top")
        sheet.freeze_panes = f"A{len(over) + 2}"
        for index, heading in enumerate(rows[0], start=1):
            sheet.column_dimensions[get_column_letter(index)].width = WIDE.get(heading, 14)
    for column, points in (most or {}).items():
        cells = "{0}{1}:{0}{2}".format(get_column_letter(column), len(over) + 2, book.worksheets[0].max_row)
        book.worksheets[0].add_data_validation(DataValidation(
            type="decimal", formula1="0", formula2=f"{points:g}", sqref=cells, showErrorMessage=True, error=f"请填0到{points:g}之间的数"))
    book.properties.creator, book.properties.created = "alliance-evaluation", dt.datetime.combine(day, dt.time())
    file = io.BytesIO()
    book.save(file)
    return packed(file.getvalue(), day)


def code(code: str) -> int | str:
    """A code as a cell holds it."""
    return int(code) if code.isdigit() else code
