"""Help before and during: who marks whom, mark sheets, the chase list, the dossier and the minutes of the re-review."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import registry
from analysis.panel import experts
from analysis.panel.frames import NEAR, chase, undecided
from analysis.panel.rules import INDICATORS, ITEMS, NEEDED, RULES
from analysis.panel.scores import Scores
from analysis.panel.sheet import code, workbook
from analysis.panel.workbook import (
    AFFILIATION,
    EXPERT,
    EXPERT_GROUPS,
    EXPERTS,
    FIRST,
    GROUP_OF,
    GROUPS,
    INTAKE,
    MARKS,
    OFFICER,
    POST,
    REVIEWS,
    SECOND,
    STAGE,
    STAGES,
    UNITS,
    Entry,
    Expert,
    Panel,
)
from analysis.period import FACTS
from analysis.problems import DataError, Problem
from analysis.roster import latest_codes
from analysis.tables import CODE, NAME

ADVISER = "顾问"  # marks nothing
PER_GROUP = 5.5
BARRED, AGAIN, SPREAD = 10 ** 6, 10 ** 4, 100  # what it costs: an own or a colleague's alliance, an expert who marks it twice, an uneven batch
APART = 5  # indicators furthest apart that the dossier shows
Rows = list[list]


def assign(panel: Panel) -> dict[str, Rows]:
    """The sheets 分组 and 专家分组: each alliance in two groups, in neither of which a member is of the alliance; 会评 where it has a date.

    Every other expert of a group moves to the next one for the second stage: so all groups are linked, and an alliance meets
    other experts there where there are three groups or more. Batches are spread evenly. Raises DataError with the reason for
    each alliance that no group may mark.
    """
    marking = [expert for expert in panel.experts if expert.role != ADVISER]
    number = panel.rules["分组数"] or max(round(len(marking) / PER_GROUP), 2)
    if len(marking) < max(2 * number, 4):
        raise DataError([Problem("too few experts", (panel.path.name, RULES), f"{len(marking)} experts who mark ({ADVISER} do not) do not make "
                                 f"{number} groups of two or more; add experts, or lower 分组数")])
    groups: list[list[list[Expert]]] = [[[] for _ in range(number)] for _ in STAGES]
    for place, expert in enumerate(marking):
        groups[0][place % number].append(expert)
        groups[1][(place + place // number % 2) % number].append(expert)
    placed, stages = {}, STAGES if SECOND in panel.stages else (FIRST,)
    for stage, there in zip(stages, groups):
        before = {id: {e.key for e in groups[0][g]} for id, g in placed.get(FIRST, {}).items()}
        placed[stage] = _placed(panel, there, before)
    stuck = [entry for entry in panel.evaluated if None in (placed[stage][entry.id] for stage in stages)]
    if stuck:
        raise DataError([Problem("no group", (panel.path.name,), f"{one.name} can be in no group: each has an expert of it "
                                 f"({'、'.join(e.key for e in marking if one.id in e.own)}); add a group, or make an expert {ADVISER}", (place,))
                         for place, one in enumerate(stuck)])
    heads, named = [GROUP_OF[stage] for stage in stages], {e.key: {} for e in marking}
    for stage, there in zip(stages, groups):
        for g, group in enumerate(there):
            for expert in group:
                named[expert.key][stage] = _called(g)
    return {GROUPS: [[NAME, CODE, *heads], *([e.name, code(e.code), *(_called(placed[s][e.id]) for s in stages)] for e in panel.evaluated)],
            EXPERT_GROUPS: [[EXPERT, *heads], *([key, *of.values()] for key, of in named.items())]}


def _placed(panel: Panel, groups: list[list[Expert]], before: dict[str, set[str]]) -> dict[str, int | None]:
    """The group of each alliance at one stage, batch by batch; None where every group has an expert of it."""
    from scipy.optimize import linear_sum_assignment

    found, load = {}, np.zeros(len(groups))
    for batch in panel.batches:
        here = [entry for entry in panel.evaluated if entry.batch == batch.key]
        bars = np.array([[_bar(entry, group, before) for group in groups] for entry in here]).reshape(len(here), len(groups))
        slots = np.repeat(SPREAD * np.arange(len(here)), len(groups)) + np.tile(load, len(here))
        rows, columns = linear_sum_assignment(np.tile(bars, len(here)) + slots)
        for row, g in zip(rows, columns % len(groups)):
            found[here[row].id] = int(g) if bars[row, g] < BARRED else None
            load[g] += 1
    return found


def _bar(entry: Entry, group: list[Expert], before: dict[str, set[str]]) -> int:
    return BARRED * any(entry.id in e.own for e in group) + AGAIN * len(before.get(entry.id, set()) & {e.key for e in group})


def _called(group: int) -> str:
    return "甲乙丙丁戊己庚辛壬癸"[group] + "组" if group < 10 else f"第{group + 1}组"


def linked(panel: Panel) -> bool:
    """Whether the marks that the groups ask for would link all experts who mark."""
    number = np.zeros((len(panel.evaluated) * len(STAGES), len(panel.experts)))
    for a, e, s in panel.assigned:
        number[a * len(STAGES) + s, e] = 1
    return len({*experts._parts(number)} - {-1}) == 1


def twice(panel: Panel) -> int:
    """How many pairs of an expert and an alliance meet at both stages."""
    return sum((a, e, 1) in panel.assigned for a, e, s in panel.assigned if s == 0)


def mark_sheets(panel: Panel) -> dict[str, bytes]:
    """A workbook for each expert and stage by its name: a row an alliance, a column an indicator with its points, a total."""
    heads = [EXPERT, STAGE, NAME, CODE, *(i.name for i in panel.indicators), "合计"]
    points, width, made = [float(i.points) for i in panel.indicators], len(heads), {}
    from openpyxl.utils import get_column_letter as letter

    for s, stage in enumerate(STAGES):
        for e, expert in enumerate(panel.experts):
            mine = sorted(a for a, who, when in panel.assigned if (who, when) == (e, s))
            rows = [[expert.key, stage, panel.evaluated[a].name, code(panel.evaluated[a].code), *[None] * len(points),
                     f"=SUM(E{row}:{letter(width - 1)}{row})"] for row, a in enumerate(mine, start=3)]
            above = [None, None, "各列满分", None, *points, f"=SUM(E1:{letter(width - 1)}1)"]
            if mine:
                made[f"{stage}-{expert.key}.xlsx"] = workbook({MARKS: [heads, *rows]}, panel.end, above=above,
                                                              most=dict(enumerate(points, start=5)))
    return made


def chase_list(panel: Panel) -> tuple[pd.DataFrame, bytes]:
    """Every alliance of the programme by state and liaison officer, and as a workbook with the entries that the rules leave open."""
    frame, open_ = chase(panel), undecided(panel)
    content = {"催报名单": _rows(frame)} | ({"待定的简短填写": _rows(open_)} if len(open_) else {})
    return frame, workbook(content, panel.end)


def _rows(frame: pd.DataFrame) -> Rows:
    return [[*frame.columns], *frame.astype(object).where(frame.notna(), None).values.tolist()]


def dossier(work: Scores, alliances: pd.DataFrame) -> bytes:
    """For the meeting: minutes to fill in (the sheet 复核, read again when it comes back), whose mark on what, what lies near a cut-off."""
    listed, panel = alliances[alliances["待定"]], work.panel
    heads = [NAME, CODE, "合成评分", "等级", "列入原因", "复核评分", "理由", "日期", "出席", "回避"]
    minutes = [[one.联盟名称, code(one.代码), one.合成评分, panel.scheme.labels[one.等级], one.重点差异, *[None] * 4,
                "、".join(panel.called(e) for e in panel.experts if one.id in e.own) or None] for one in listed.itertuples()]
    signed = [["注：复核评分填0到100的数或“维持”；填好后放进 data/panel 下本期的文件夹"],
              ["注：主持人签字：　　　　　　　记录人签字：　　　　　　　日期："]]
    near = alliances[(alliances["重点差异"] == "") & (alliances["把握"] < NEAR)].sort_values("离分档线")
    columns = ["联盟名称", "代码", "初评", "会评", "合成", "评分", "等级", "标准误", "把握", "离分档线"]
    return workbook({REVIEWS: [heads, *minutes, *signed], "打分明细": _rows(details(work, listed["id"])),
                     "临近分档线而未列入": _rows(near[columns].round(2))}, panel.end)


def details(work: Scores, ids: pd.Series) -> pd.DataFrame:
    """For some alliances the totals, and the marks on the indicators furthest apart: who gave what, stage by stage."""
    panel, rows, names = work.panel, [], [STAGES[0], STAGES[1]]
    for a, entry in ((a, entry) for a, entry in enumerate(panel.evaluated) if entry.id in set(ids)):
        mine = panel.marks[panel.marks["alliance"] == a]
        shares = mine["units"] / mine["indicator"].map([float(i.points) * UNITS for i in panel.indicators].__getitem__)
        ranges = shares.groupby(mine["indicator"]).agg(np.ptp).sort_values(ascending=False, kind="stable").head(APART)
        for what, part in (("总分", work.totals[work.totals["alliance"] == a]), *((i, mine[mine["indicator"] == i]) for i in ranges.index)):
            given = {s: "；".join(f"{panel.called(panel.experts[e])} {u / UNITS:g}" for e, u in part.loc[part["stage"] == s, ["expert", "units"]]
                                 .sort_values("units").itertuples(index=False)) for s in range(len(STAGES))}
            name, whole = (what, 100.0) if what == "总分" else (panel.indicators[what].name, float(panel.indicators[what].points))
            rows.append((entry.name, name, whole, np.ptp(part["units"]) / UNITS, *given.values()))
    return pd.DataFrame(rows, columns=[NAME, "指标", "分值", "最高与最低相差", *names])


def new(period: str, data: Path) -> bytes:
    """An empty panel workbook: the rules explained, and what the registry knows of indicators and alliances."""
    known = registry.read(data)
    facts = [["开始日期", None, "评价期的第一天"], ["结束日期", None, "评价期的最后一天"], ["启动会日期", None, "初评开始的日子"],
             ["会评日期", None, "填了就要有会评的打分；没有会评就空着"], ["复核日期", None, "没有复核就空着"], ["通知时间", None, "如2022年1月"]]
    rules = [[item, None if default is NEEDED else "、".join(default) or None if isinstance(default, tuple) else default,
              what + "（必填）" * (default is NEEDED)] for item, (_, default, what) in ITEMS.items()]
    batches = {batch.key for batch in known.batches_in(period)}
    names = sorted([known.names[id], code(c)] for id, c in latest_codes(known, period).items() if c[0] in batches and known.there(id, period))
    return workbook({
        INDICATORS: [["一级指标", "二级指标", "分值", "评分标准"], *([p, n, None, looked] for p, n, looked in known.indicators)],
        RULES: [["项目", "数值", "说明"], *rules], FACTS: [["项目", "数值", "说明"], *facts],
        EXPERTS: [[EXPERT, "姓名", "职务", POST, AFFILIATION]],
        INTAKE: [[NAME, CODE, OFFICER, *(n for _, n, _ in known.indicators)], *sorted(names, key=lambda row: str(row[1]))],
        REVIEWS: [[NAME, CODE, "复核评分", "理由"]]}, dt.date(registry.first_year(period), 1, 1))
