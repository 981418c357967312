"""Help before and during: who marks whom, mark sheets, the chase list, the dossier and the minutes of the re-review."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import registry
from analysis.grades import INCOMPLETE
from analysis.messages import Said
from analysis.panel.rules import EXPERT_GROUPS, EXPERTS, GROUPS, INDICATORS, INTAKE, ITEMS, MARKS, NEEDED, REVIEWS, RULES
from analysis.panel.scores import SURE, Scores
from analysis.panel.sheet import Rows, workbook
from analysis.panel.workbook import FIRST, GROUP_OF, SECOND, STAGES, UNFIT, UNITS, Panel
from analysis.period import FACTS, NOT_ENTERED
from analysis.problems import DataError, Problem
from analysis.registry import Registry
from analysis.roster import latest_codes
from analysis.tables import CODE, NAME

ADVISER = "顾问"  # marks nothing
PER_GROUP = 5.5
BARRED, AGAIN, SPREAD = 10 ** 6, 10 ** 4, 100  # what it costs: an own or a colleague's alliance, an expert who marks it twice, an uneven batch
EVALUATED = "参评"
STATES = (NOT_ENTERED, INCOMPLETE, UNFIT, EVALUATED)
APART = 5  # indicators furthest apart that the dossier shows


def assign(panel: Panel) -> dict[str, Rows]:
    """The sheets 分组 and 专家分组: each alliance in two groups, in neither of which a member is of the alliance; 会评 where it has a date.

    Every other expert of a group moves to the next one for the second stage: so all groups are linked, and an alliance meets
    other experts there where there are three groups or more. Batches are spread evenly. Raises DataError with the reason for
    each alliance that no group may mark.
    """
    marking = [expert for expert in panel.experts.values() if expert.role != ADVISER]
    number = panel.rules["分组数"] or max(round(len(marking) / PER_GROUP), 2)
    if len(marking) < max(2 * number, 4):
        raise DataError([Problem.of(Said("panel.few", number=len(marking), adviser=ADVISER, groups=number), panel.path.name, EXPERTS)])
    of = {FIRST: {e.key: place % number for place, e in enumerate(marking)},
          SECOND: {e.key: (place + place // number % 2) % number for place, e in enumerate(marking)}}
    placed, met = {}, {}
    for stage in panel.stages:
        groups = [{key for key, group in of[stage].items() if group == g} for g in range(number)]
        placed[stage] = _placed(panel, groups, met)
        met = {id: groups[g] for id, g in placed[stage].items() if g is not None}
    if stuck := [entry for id, entry in panel.evaluated.items() if None in (there[id] for there in placed.values())]:
        raise DataError([Problem.of(Said("panel.stuck", name=one.name, own=[e.key for e in marking if one.id in e.own], adviser=ADVISER),
                                    panel.path.name, order=(place,)) for place, one in enumerate(stuck)])
    heads = [GROUP_OF[stage] for stage in panel.stages]
    alliances = [[e.name, e.code, *(f"第{there[id] + 1}组" for there in placed.values())] for id, e in panel.evaluated.items()]
    experts = [[e.key, *(f"第{of[stage][e.key] + 1}组" for stage in panel.stages)] for e in marking]
    return {GROUPS: [[NAME, CODE, *heads], *alliances], EXPERT_GROUPS: [["专家", *heads], *experts]}


def _placed(panel: Panel, groups: list[set[str]], met: dict[str, set[str]]) -> dict[str, int | None]:
    """The group of each alliance at one stage, batch by batch; None where every group has an expert of it."""
    from scipy.optimize import linear_sum_assignment

    own = {id: {key for key, expert in panel.experts.items() if id in expert.own} for id in panel.evaluated}
    found, load = {}, np.zeros(len(groups))
    for batch in panel.batches:
        ids = [id for id, entry in panel.evaluated.items() if entry.batch == batch.key]
        bars = [[BARRED * bool(own[id] & group) + AGAIN * len(met.get(id, set()) & group) for group in groups] for id in ids]
        bars, slots = np.array(bars).reshape(len(ids), len(groups)), SPREAD * np.arange(len(ids))
        rows, columns = linear_sum_assignment(np.tile(bars, len(ids)) + np.repeat(slots, len(groups)) + np.tile(load, len(ids)))
        for row, group in zip(rows, columns % len(groups)):
            found[ids[row]] = int(group) if bars[row, group] < BARRED else None
            load[group] += 1
    return found


def mark_sheets(panel: Panel) -> dict[str, bytes]:
    """A workbook for each expert and stage by its name: a row an alliance, a column an indicator with its points, a total."""
    from openpyxl.utils import get_column_letter

    points, made = [float(i.points) for i in panel.indicators], {}
    last = get_column_letter(4 + len(points))
    for (stage, key), mine in panel.totals.groupby(["stage", "expert"]):
        entries = [panel.evaluated[id] for id in mine["alliance"]]
        rows = [[key, stage, e.name, e.code, *[None] * len(points), f"=SUM(E{at}:{last}{at})"] for at, e in enumerate(entries, start=3)]
        made[f"{stage}-{key}.xlsx"] = workbook(
            {MARKS: [["专家", "阶段", NAME, CODE, *(i.name for i in panel.indicators), "合计"], *rows]}, panel.end,
            above=[None, None, "各列满分", None, *points, f"=SUM(E1:{last}1)"], most=dict(enumerate(points, start=5)))
    return made


def programme(known: Registry, period: str) -> list[tuple[str, str]]:
    """The alliances of the programme that the registry names, by id, with their codes, in order of these."""
    batches = {batch.key for batch in known.batches_in(period)}
    codes = sorted(latest_codes(known, period).items(), key=lambda item: item[1])
    return [(id, code) for id, code in codes if code[0] in batches and known.there(id, period)]


def intake(panel: Panel) -> pd.DataFrame:
    """A row for each alliance of the programme, also those that 录入 does not name: 情况 (ordered), 原因, and what is blank."""
    short, names = {batch.key: batch.short for batch in panel.batches}, [i.name for i in panel.indicators]
    needed, there = panel.rules["信息完整的必填指标"], {entry.id for entry in panel.intake}
    rows = [(e.officer, e.name, e.code, short[e.batch], e.state or EVALUATED, e.why, len(e.answers),
             "、".join(name for name in needed if name not in e.answers), "、".join(name for name in names if name not in e.answers))
            for e in panel.intake]
    rows += [("", panel.registry.names[id], code, short[code[0]], NOT_ENTERED, "录入表里没有", 0, "、".join(needed), "全部")
             for id, code in programme(panel.registry, panel.name) if id not in there]
    for batch in panel.batches:
        unnamed = (batch.approved or 0) - sum(row[3] == batch.short for row in rows)
        rows += [("", None, None, batch.short, NOT_ENTERED, "名册没有列名", 0, "", "")] * unnamed
    frame = pd.DataFrame(rows, columns=["联络员", NAME, "代码", "批次", "情况", "原因", "已填项数", "必填而空着", "空着的指标"])
    return frame.assign(批次=pd.Categorical(frame["批次"], [*short.values()], ordered=True),
                        情况=pd.Categorical(frame["情况"], STATES, ordered=True))


def chase_list(panel: Panel) -> tuple[pd.DataFrame, bytes]:
    """Every alliance by liaison officer and state, the worst first; and as a workbook with the short entries that the rules leave open."""
    frame = intake(panel).sort_values(["联络员", "情况", "代码"], ignore_index=True)
    undecided = [["填写", "次数", "怎样算"], *([word, number, "请写进规则表"] for word, number in panel.undecided.most_common())]
    return frame, workbook({"催报名单": _rows(frame)} | ({"待定的简短填写": undecided} if panel.undecided else {}), panel.end)


def _rows(frame: pd.DataFrame) -> Rows:
    return [[*frame.columns], *frame.astype(object).where(frame.notna(), None).values.tolist()]


def dossier(work: Scores) -> bytes:
    """For the meeting: minutes to fill in (the sheet 复核, read again when it comes back), whose mark on what, what lies near a cut-off."""
    alliances, panel = work.alliances, work.panel
    listed = alliances[alliances["待定"]]
    heads = [NAME, CODE, "合成评分", "等级", "列入原因", "复核评分", "理由", "日期", "出席", "回避"]
    minutes = [[one.联盟名称, one.代码, one.合成评分, panel.scheme.labels[one.等级], one.重点差异, *[None] * 4,
                "、".join(panel.called(key) for key, expert in panel.experts.items() if one.id in expert.own) or None]
               for one in listed.itertuples()]
    signed = [["注：复核评分填0到100的数或“维持”；填好后放进 data/panel 下本期的文件夹"],
              ["注：主持人签字：　　　　　　　记录人签字：　　　　　　　日期："]]
    near = alliances[(alliances["重点差异"] == "") & (alliances["把握"] < SURE)].sort_values("离分档线")
    columns = ["联盟名称", "代码", "初评", "会评", "合成", "评分", "等级", "标准误", "把握", "离分档线"]
    return workbook({REVIEWS: [heads, *minutes, *signed], "打分明细": _rows(details(work, [*listed["id"]])),
                     "临近分档线而未列入": _rows(near[columns].round(2))}, panel.end)


def details(work: Scores, ids: list[str]) -> pd.DataFrame:
    """For some alliances the totals, and the marks on the indicators furthest apart: who gave what, stage by stage."""
    panel, points, by = work.panel, {"总分": 100.0, **{i.name: float(i.points) for i in work.panel.indicators}}, ["alliance", "indicator"]
    marks = pd.concat([work.totals.assign(indicator="总分"), panel.marks], ignore_index=True).sort_values(["units", "expert"])
    marks = marks[marks["alliance"].isin(ids)].assign(units=marks["units"].astype(float) / UNITS)
    marks["given"] = [f"{panel.called(key)} {mark:g}" for key, mark in zip(marks["expert"], marks["units"])]
    far = marks.groupby(by)["units"].agg(np.ptp).rename("最高与最低相差").reset_index()
    far["分值"], far["place"] = far["indicator"].map(points), far["alliance"].map(ids.index)
    far["share"] = (far["最高与最低相差"] / far["分值"]).where(far["indicator"] != "总分", 2)  # the totals first
    far = far.sort_values(["place", "share"], ascending=[True, False], kind="stable").groupby("alliance", sort=False).head(1 + APART)
    given = marks.groupby([*by, "stage"])["given"].agg("；".join).unstack().reindex(columns=[*STAGES])
    far[NAME] = [panel.evaluated[id].name for id in far["alliance"]]
    return far.join(given, on=by).rename(columns={"indicator": "指标"})[[NAME, "指标", "分值", "最高与最低相差", *STAGES]]


def new(period: str, data: Path) -> bytes:
    """An empty panel workbook: the rules explained, and what the registry knows of indicators and alliances."""
    known = registry.read(data)
    facts = [["开始日期", None, "评价期的第一天"], ["结束日期", None, "评价期的最后一天"], ["启动会日期", None, "初评开始的日子"],
             ["会评日期", None, "填了就要有会评的打分；没有会评就空着"], ["复核日期", None, "没有复核就空着"], ["通知时间", None, "如2022年1月"]]
    rules = [[item, default.replace(NEEDED, "") or None, what + NEEDED * (default == NEEDED)] for item, (_, default, what) in ITEMS.items()]
    return workbook({
        INDICATORS: [["一级指标", "二级指标", "分值", "评分标准"], *([p, n, None, looked] for p, n, looked in known.indicators)],
        RULES: [["项目", "数值", "说明"], *rules], FACTS: [["项目", "数值", "说明"], *facts],
        EXPERTS: [["专家", "姓名", "职务", "单位及职务", "所属联盟"]],
        INTAKE: [[NAME, CODE, "联络员", *(n for _, n, _ in known.indicators)],
                 *([known.names[id], c, None] for id, c in programme(known, period))],
        REVIEWS: [[NAME, CODE, "复核评分", "理由"]]}, dt.date(registry.first_year(period), 1, 1))
