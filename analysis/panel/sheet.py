"""Settled scores -> the score sheet that the period report reads; and how every workbook is written, the same bytes each time."""

from __future__ import annotations

import datetime as dt
import io
import shutil
import tempfile
from pathlib import Path

from analysis import sheets
from analysis.grades import BEST_FIRST, INCOMPLETE
from analysis.packing import packed
from analysis.panel.scores import Scores
from analysis.panel.workbook import Panel, counted
from analysis.publish import put

PUBLIC = (*sheets.DATES, *sheets.COUNTS, "通知时间")  # what the period report asks of 评价期; nothing else leaves the panel
NAMED = (INCOMPLETE, sheets.NOT_ENTERED)
BANNER = "模拟数据：由程序生成，不是任何一期评价的真实录入或评分"
WIDE = {"联盟名称": 46, "理由": 40, "列入原因": 40, "说明": 60, "评分标准": 40}
Rows = list[list]
COOPERATION = 1  # the place of the pillar whose indicators are the columns of the sheet 协同创新活动


def build(scores: Scores) -> bytes:
    """The workbook, read back as the period report will read it, with the hash of the panel that it came from.

    Raises DataError while marks or decisions are to come, and where the report would refuse it.
    """
    scores.complete()
    panel, alliances = scores.panel, scores.alliances
    public = alliances.assign(评分=alliances["评分"].where(alliances["公布"]))
    public = public.sort_values(["等级", "评分", "代码"], ascending=[False, False, True])  # those withheld by code, so that it tells nothing
    absent = sorted((e for e in panel.intake if e.state in NAMED), key=lambda e: (e.state != INCOMPLETE, e.code))
    made = {
        sheets.SCORES: [["联盟名称", "批次", "评分", "等级"], *([one.联盟名称, one.代码, None if one.评分 != one.评分 else one.评分,
                                                     panel.scheme.labels[one.等级]] for one in public.itertuples())],
        sheets.FACTS: [["项目", "数值"], *map(list, _facts(panel).items())],
        sheets.ACTIVITIES: _activities(panel, dict(zip(alliances["id"], alliances["等级"]))),
        **({sheets.ABSENT: [["联盟名称", "批次", "情况"], *([e.name, e.code, e.state] for e in absent)]} if absent else {}),
        **({sheets.EXPERTS: [[*sheets.HEADINGS[sheets.EXPERTS]], *([e.role or "成员", e.name, e.post or None] for e in panel.experts.values())]}
           if panel.rules["公布专家名单"] else {}),
    }
    content = workbook(made, panel.end, BANNER if panel.simulated else "")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(panel.data / "registry", Path(folder) / "registry")
        put(sheets.path_of(panel.name, Path(folder)), content)
        sheets.read(panel.name, folder)
    return content


def _facts(panel: Panel) -> dict[str, object]:
    """What goes on of 评价期; a re-review that nobody needed did not take place."""
    facts = {item: value for item, value in panel.facts.items() if item in PUBLIC and (item != "复核日期" or panel.reviews)} | counted(panel)
    nature = {sheets.NATURE: sheets.SIMULATED} if panel.simulated else {}
    return facts | nature | {sheets.PANEL: sheets.panel_digest(panel.name, panel.data)}


def _activities(panel: Panel, grades: dict[str, str]) -> Rows:
    """How many of each grade show each activity of the second pillar."""
    pillars = [*dict.fromkeys(i.pillar for i in panel.indicators)]
    names = [i.name for i in panel.indicators if i.pillar == pillars[min(COOPERATION, len(pillars) - 1)]]
    shown = {grade: [e.shown for id, e in panel.evaluated.items() if grades[id] == grade] for grade in BEST_FIRST}
    return [["等级", "联盟数", *names], *([panel.scheme.labels[grade], len(here), *(sum(name in one for one in here) for name in names)]
                                     for grade, here in shown.items() if here)]


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
