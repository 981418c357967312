"""Settled scores -> the score sheet that the period report reads."""

from __future__ import annotations

import shutil
import tempfile
from itertools import count
from pathlib import Path

from analysis import sheets
from analysis.grades import BEST_FIRST, INCOMPLETE
from analysis.panel.rules import YES
from analysis.panel.scores import Scores
from analysis.panel.workbook import Panel, counted
from analysis.panel.writer import BANNER, Rows, code, workbook
from analysis.publish import put

PUBLIC = (*sheets.DATES, *sheets.COUNTS, "通知时间")  # what the period report asks of 评价期; nothing else leaves the panel
NAMED = (INCOMPLETE, sheets.NOT_ENTERED)
COOPERATION = 1  # the place of the pillar whose indicators are the columns of the sheet 协同创新活动


def build(scores: Scores) -> bytes:
    """The workbook, read back as the period report will read it, with the hash of the panel that it came from.

    Raises DataError while marks or decisions are to come, and where the report would refuse it.
    """
    scores.complete()
    panel, alliances = scores.panel, scores.alliances
    rows, counter = [["序号", "联盟名称", "批次", "评分"]], count(1)
    for grade in BEST_FIRST:
        here = alliances[alliances["等级"] == grade]
        here = here.assign(评分=here["评分"].where(here["公布"]))  # those withheld follow by code alone, so that their order tells nothing
        rows.append([f"{panel.scheme.labels[grade]}的联盟（共 {len(here)} 家）"])
        rows += [[next(counter), one.联盟名称, code(one.代码), None if one.评分 != one.评分 else one.评分]
                 for one in here.sort_values(["评分", "代码"], ascending=[False, True]).itertuples()]
    absent = sorted((e for e in panel.intake if e.state in NAMED), key=lambda e: (e.state != INCOMPLETE, e.code))
    made = {sheets.SCORES: rows, sheets.FACTS: [["项目", "数值"], *map(list, _facts(panel).items())],
            sheets.ACTIVITIES: _activities(panel, dict(zip(alliances["id"], alliances["等级"])))}
    if absent:
        made[sheets.ABSENT] = [["序号", "联盟名称", "批次", "情况"],
                               *([place, e.name, code(e.code), e.state] for place, e in enumerate(absent, start=1))]
    if panel.rules["公布专家名单"] == YES:
        made[sheets.EXPERTS] = [[*sheets.HEADINGS[sheets.EXPERTS]],
                                *([e.role or "成员", e.name, e.post or None] for e in panel.experts.values())]
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
