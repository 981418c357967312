"""All that a public report may learn from a panel: which alliance shows which activity.

Marks, experts and scores are not read here, so nothing of them can be printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import pandas as pd

from analysis import sheets
from analysis.grades import BEST_FIRST, GRADES
from analysis.panel import workbook
from analysis.panel.rules import INTAKE
from analysis.shares import signed
from analysis.sheets import Period
from analysis.tables import NAME

COLUMNS = ("id", "name", "batch", "grade", "pillar", "indicator", "shown")
NAMED = 3


def entries(sheet: Period) -> pd.DataFrame:
    """A row for each evaluated alliance and indicator, with its grade from the score sheet; none where the period has no panel."""
    if panel := _panel(sheet):
        return entries_of(panel, {a.id: a.grade for a in sheet.evaluated})
    return pd.DataFrame(columns=COLUMNS).astype(dict.fromkeys(COLUMNS[2:-1], "category") | {"shown": bool})


def entries_of(panel: workbook.Panel, grades: Mapping[str, str]) -> pd.DataFrame:
    """The same of a panel whose alliances have some grades."""
    intake, pillars = panel.intake, panel.indicators["pillar"]
    frame = panel.answers[panel.answers["id"].isin(panel.alliances.index)].reset_index(drop=True)
    orders = {"batch": intake["批次"].cat.categories, "grade": GRADES, "pillar": pillars.unique(), "indicator": pillars.index}
    return frame.assign(name=frame["id"].map(intake[NAME]), batch=frame["id"].map(intake["批次"]), pillar=frame["indicator"].map(pillars),
                        grade=frame["id"].map(grades))[[*COLUMNS]].astype(
        {column: pd.CategoricalDtype(order, ordered=True) for column, order in orders.items()})


def left_out(sheet: Period) -> dict[str, tuple[str, str]]:
    """Who is listed and not evaluated, by id: the state (信息不完整, 未录入 or 未达评价条件) and what was missing."""
    panel = _panel(sheet)
    return {one.Index: (one.情况, one.原因) for one in panel.intake.drop(panel.alliances.index).itertuples()} if panel else {}


def counts(entries: pd.DataFrame, pillar: int) -> pd.DataFrame:
    """How many of each grade (best first), of all 联盟数, show each activity of the first, second or third pillar."""
    here = entries[entries.pillar.cat.codes == pillar]
    grades = {grade: here[here.grade == grade] for grade in BEST_FIRST if (here.grade == grade).any()}
    return pd.DataFrame({grade: {"联盟数": rows.id.nunique(), **rows.groupby("indicator", observed=True).shown.sum()}
                         for grade, rows in grades.items()}).rename_axis("活动")


def activities(sheet: Period) -> pd.DataFrame:
    """The same of cooperation, as the sheet 协同创新活动 says, which a panel writes too; without a grade that nobody has."""
    return pd.DataFrame({grade: row for grade, row in sheet.activities.items() if row["联盟数"]}).rename_axis("活动")


def strengths(gaps: pd.DataFrame, least: float = 10) -> pd.DataFrame:
    """Where each group is furthest over and under all, three of each that are `least` percentage points apart.

    `gaps` has a row for each group, named by two index levels (按等级, 活跃度高), and a column for each indicator.
    """
    rows = []
    for (kind, group), row in gaps.round(9).iterrows():
        for word, side in (("强项", 1), ("弱项", -1)):
            far = (side * row).sort_values(ascending=False, kind="stable").head(NAMED)
            told = [f"{name} {signed(Fraction(str(side * gap)), 1)}" for name, gap in far.items() if gap >= least and gap > 0]
            rows += [(kind, group, word, "；".join(told))] if told else []
    return pd.DataFrame(rows, columns=["分组", "范围", "方面", "指标"])


def _panel(sheet: Period) -> workbook.Panel | None:
    """The panel of a period without its marks, or None."""
    there = sheets.path_of(sheet.name, sheet.data, workbook.FOLDER).exists()
    return workbook.read(sheet.name, sheet.data, INTAKE) if there else None
