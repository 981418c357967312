"""Settled scores -> the score sheet that the period report reads; and how every workbook is written, the same bytes each time."""

from __future__ import annotations

import datetime as dt
import io
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pandas as pd

from analysis import sheets
from analysis.grades import INCOMPLETE
from analysis.packing import packed
from analysis.panel import shown
from analysis.panel.rules import REVIEWS
from analysis.panel.scores import Scores
from analysis.panel.workbook import EVALUATED, Panel
from analysis.problems import DataError, Problem
from analysis.publish import put
from analysis.tables import CODE, NAME

PUBLIC = (*sheets.DATES, *sheets.COUNTS, "通知时间")  # what the period report asks of 评价期; nothing else leaves the panel
BANNER = "模拟数据：由程序生成，不是任何一期评价的真实录入或评分"
WIDE = {NAME: 46, "理由": 40, "列入原因": 40, "说明": 60, "评分标准": 40}
COOPERATION = 1  # the place of the pillar whose indicators are the columns of the sheet 协同创新活动


def build(scores: Scores) -> bytes:
    """The workbook, read back as the period report will read it, with the hash of the panel that it came from.

    Raises DataError while marks or decisions are to come, and where the report would refuse it.
    """
    panel, alliances = scores.panel, scores.alliances
    if open := scores.open():
        raise DataError([Problem.of(said, panel.path.name, REVIEWS, order=(place,)) for place, said in enumerate(open)])
    public = alliances.assign(评分=alliances["评分"].where(alliances["公布"])).rename(columns={"代码": CODE, "批次": "short"})
    public = public.sort_values(["等级", "评分", CODE], ascending=[False, False, True])  # those withheld by code, so that it tells nothing
    absent = panel.intake[panel.intake["情况"].isin([INCOMPLETE, sheets.NOT_ENTERED])]
    absent = absent.drop(columns="批次").rename(columns={"代码": CODE}).sort_values(["情况", CODE])[[NAME, CODE, "情况"]]
    activities = shown.counts(shown.entries_of(panel, dict(zip(alliances["id"], alliances["等级"]))), COOPERATION)
    activities = activities.rename(columns=panel.scheme.labels).T.rename_axis("等级").reset_index()
    made = {sheets.SCORES: public.assign(等级=public["等级"].astype(str).map(panel.scheme.labels))[[NAME, CODE, "评分", "等级"]],
            sheets.FACTS: pd.DataFrame(_facts(panel).items(), columns=["项目", "数值"]), sheets.ACTIVITIES: activities}
    if len(absent):
        made[sheets.ABSENT] = absent
    if panel.rules["公布专家名单"]:
        made[sheets.EXPERTS] = panel.experts.replace({"职务": {"": "成员"}})[[*sheets.HEADINGS[sheets.EXPERTS]]]
    content = workbook(made, panel.end, BANNER if panel.simulated else "")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(panel.data / "registry", Path(folder) / "registry")
        put(sheets.path_of(panel.name, Path(folder)), content)
        sheets.read(panel.name, folder)
    return content


def _facts(panel: Panel) -> dict[str, object]:
    """What goes on of 评价期, and what is counted; a re-review that nobody needed did not take place."""
    states, named, answers = Counter(panel.intake["情况"]), Counter(panel.intake["代码"].str[0]), panel.answers
    facts = {item: value for item, value in panel.facts.items() if item in PUBLIC and (item != "复核日期" or panel.reviews)}
    facts |= {sheets.REGISTERED: sum(max(batch.approved or 0, named[batch.key]) for batch in panel.batches),
              sheets.ENTERED: len(panel.intake) - states[sheets.NOT_ENTERED], sheets.INCOMPLETE_TOTAL: states[INCOMPLETE],
              sheets.EVALUATED_TOTAL: states[EVALUATED], sheets.EXPERTS_TOTAL: len(panel.experts)}
    websites = answers[answers["shown"] & answers["indicator"].str.contains("网站") & answers["id"].isin(panel.alliances.index)]
    if panel.indicators.index.str.contains("网站").any():
        facts[sheets.WEBSITES] = websites["id"].nunique()
    nature = {sheets.NATURE: sheets.SIMULATED} if panel.simulated else {}
    return facts | nature | {sheets.PANEL: sheets.panel_digest(panel.name, panel.data)}


def workbook(content: dict[str, pd.DataFrame], day: dt.date, banner: str = "", most: dict[str, float] | None = None) -> bytes:
    """Frames as the sheets of an .xlsx with fixed dates, a banner over their headings.

    Of the columns that `most` names, the highest number that may be typed there stands over the heading, and no higher one is taken.
    """
    import openpyxl
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, frame in content.items():
        sheet, over = book.create_sheet(name), [[banner]] if banner else [["各列满分", *map(most.get, frame.columns[1:])]] if most else []
        for row in (*over, frame.columns, *frame.astype(object).where(frame.notna(), None).to_numpy()):
            sheet.append([*row])
        for cell in (cell for row in sheet.iter_rows(max_row=len(over) + 1) for cell in row):
            cell.font, cell.alignment = Font(bold=True, color="B4322A" if cell.value == banner else None), Alignment(vertical="top")
        sheet.freeze_panes = f"A{len(over) + 2}"
        for column, heading in enumerate(frame.columns, start=1):
            letter, points = get_column_letter(column), (most or {}).get(heading)
            sheet.column_dimensions[letter].width = WIDE.get(heading, 14)
            if points:
                sheet.add_data_validation(DataValidation(
                    type="decimal", formula1="0", formula2=f"{points:g}", sqref=f"{letter}{len(over) + 2}:{letter}{sheet.max_row}",
                    showErrorMessage=True, error=f"请填0到{points:g}之间的数"))
    book.properties.creator, book.properties.created = "alliance-evaluation", dt.datetime.combine(day, dt.time())
    file = io.BytesIO()
    book.save(file)
    return packed(file.getvalue(), day)
