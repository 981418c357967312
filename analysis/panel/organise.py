"""Help before and during: who marks whom, mark sheets, the chase list, the dossier and the minutes of the re-review."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis import registry
from analysis.messages import Said
from analysis.panel.rules import EXPERT_GROUPS, EXPERTS, GROUPS, INDICATORS, INTAKE, ITEMS, MARKS, NEEDED, REVIEWS, RULES
from analysis.panel.scores import SURE, Scores
from analysis.panel.sheet import workbook
from analysis.panel.workbook import FIRST, GROUP_OF, SECOND, STAGES, STATES, UNITS, Panel
from analysis.period import FACTS, NOT_ENTERED
from analysis.problems import DataError, Problem
from analysis.registry import Registry
from analysis.roster import latest_codes
from analysis.tables import CODE, NAME

ADVISER = "顾问"  # marks nothing
PER_GROUP = 5.5
BARRED, AGAIN, SPREAD = 10 ** 6, 10 ** 4, 100  # what it costs: an own or a colleague's alliance, an expert who marks it twice, an uneven batch
CHASE = "催报名单"
APART = 5  # indicators furthest apart that the dossier shows


def assign(panel: Panel) -> dict[str, pd.DataFrame]:
    """The sheets 分组 and 专家分组: each alliance in two groups, in neither of which a member is of the alliance; 会评 where it has a date.

    Every other expert of a group moves to the next one for the second stage: so all groups are linked, and an alliance meets
    other experts there where there are three groups or more. Batches are spread evenly. Raises DataError with the reason for
    each alliance that no group may mark.
    """
    marking = panel.experts.index[panel.experts["职务"] != ADVISER]
    number = panel.rules["分组数"] or max(round(len(marking) / PER_GROUP), 2)
    if len(marking) < max(2 * number, 4):
        raise DataError([Problem.of(Said("panel.few", number=len(marking), adviser=ADVISER, groups=number), panel.path.name, EXPERTS)])
    place = np.arange(len(marking))
    of = {FIRST: place % number, SECOND: (place + place // number % 2) % number}
    own = np.array([[id in theirs for theirs in panel.experts["own"][marking]] for id in panel.alliances.index])
    placed, met = {}, np.zeros(own.shape)
    for stage in panel.stages:
        member = of[stage][:, None] == np.arange(number)  # a row for each expert, a column for each group
        placed[stage] = _placed(panel, BARRED * (own @ member) + AGAIN * (met @ member))
        met = member.T[placed[stage]].astype(float)
    if stuck := [at for at, groups in enumerate(zip(*placed.values())) if -1 in groups]:
        raise DataError([Problem.of(Said("panel.stuck", name=panel.alliances[NAME].iloc[at], own=[*marking[own[at]]], adviser=ADVISER),
                                    panel.path.name, order=(at,)) for at in stuck])
    return {GROUPS: panel.alliances[[NAME, "代码"]].rename(columns={"代码": CODE}).assign(
                **{GROUP_OF[stage]: [f"第{group + 1}组" for group in groups] for stage, groups in placed.items()}),
            EXPERT_GROUPS: pd.DataFrame({"专家": marking} | {
                GROUP_OF[stage]: [f"第{group + 1}组" for group in of[stage]] for stage in panel.stages})}


def _placed(panel: Panel, bars: np.ndarray) -> np.ndarray:
    """The group of each alliance at one stage, batch by batch, by what each group would cost; -1 where every group has an expert of it."""
    from scipy.optimize import linear_sum_assignment

    found, load = np.full(len(bars), -1), np.zeros(bars.shape[1])
    for _, ids in panel.alliances.reset_index().groupby("批次", observed=True):
        cost, slots = bars[ids.index], SPREAD * np.arange(len(ids))
        rows, columns = linear_sum_assignment(np.tile(cost, len(ids)) + np.repeat(slots, len(load)) + np.tile(load, len(ids)))
        groups = columns % len(load)
        found[ids.index] = np.where(cost[rows, groups] < BARRED, groups, -1)
        load += np.bincount(groups, minlength=len(load))
    return found


def mark_sheets(panel: Panel) -> dict[str, bytes]:
    """A workbook for each expert and stage by its name: a row an alliance, a column an indicator with its points, a total."""
    from openpyxl.utils import get_column_letter

    points, made = panel.indicators["points"].to_dict(), {}
    last = get_column_letter(4 + len(points))
    for (stage, key), mine in panel.totals.groupby(["stage", "expert"]):
        frame = panel.intake.loc[mine["alliance"], [NAME, "代码"]].rename(columns={"代码": CODE})
        frame.insert(0, "专家", key)
        frame.insert(1, "阶段", stage)
        frame = frame.assign(**dict.fromkeys(points), 合计=[f"=SUM(E{at}:{last}{at})" for at in range(3, len(frame) + 3)])
        made[f"{stage}-{key}.xlsx"] = workbook({MARKS: frame}, panel.end, most=points)
    return made


def programme(known: Registry, period: str) -> pd.DataFrame:
    """The alliances of the programme that the registry names, by id: 联盟名称, 代码 (in order of these), 批次 (its short name)."""
    short = {batch.key: batch.short for batch in known.batches_in(period)}
    rows = {id: (known.names[id], code, short[code[0]]) for id, code in latest_codes(known, period).items()
            if code[0] in short and known.there(id, period)}
    return pd.DataFrame.from_dict(rows, orient="index", columns=[NAME, "代码", "批次"]).sort_values("代码", kind="stable")


def chase_list(panel: Panel) -> tuple[pd.DataFrame, bytes]:
    """Every alliance of the programme, also those that 录入 does not name, by liaison officer and state, the worst first, with what is blank.

    And as a workbook with the short entries, and how each is counted.
    """
    others = programme(panel.registry, panel.name).drop(panel.intake.index, errors="ignore")
    named = pd.concat([panel.intake.astype({"批次": object}), others.assign(情况=NOT_ENTERED, 原因="录入表里没有", 空着的指标="全部")])
    unnamed = [batch.short for batch in panel.batches for _ in range((batch.approved or 0) - (named["批次"] == batch.short).sum())]
    frame = pd.concat([named, pd.DataFrame({"批次": unnamed, "情况": NOT_ENTERED, "原因": "名册没有列名"})]).fillna("")[[
        "联络员", NAME, "代码", "批次", "情况", "原因", "必填而空着", "空着的指标"]]
    frame["情况"] = pd.Categorical(frame["情况"], STATES, ordered=True)
    frame = frame.sort_values(["联络员", "情况", "代码"], ignore_index=True)
    counted = dict.fromkeys(panel.rules["视为开展的填写"], "开展") | dict.fromkeys(panel.rules["视为未开展的填写"], "未开展") | dict.fromkeys(
        panel.undecided, "请写进规则表")
    short = panel.answers["answer"].dropna().map(registry.normalise).value_counts().rename_axis("填写").rename("次数").reset_index()
    short["怎样算"] = short["填写"].map(counted)
    return frame, workbook({CHASE: frame, "简短的填写": short.dropna().sort_values("怎样算", ascending=False, kind="stable")}, panel.end)


def dossier(work: Scores) -> bytes:
    """For the meeting: minutes to fill in (the sheet 复核, read again when it comes back), whose mark on what, what lies near a cut-off."""
    alliances, panel = work.alliances, work.panel
    listed = alliances[alliances["待定"]].drop(columns=["复核", "理由", "批次"]).rename(columns={"代码": CODE, "重点差异": "列入原因"})
    minutes = listed.assign(等级=listed["等级"].astype(str).map(panel.scheme.labels), 回避=[
        "、".join(panel.called(key) for key, own in panel.experts["own"].items() if id in own) for id in listed["id"]])
    minutes = minutes.reindex(columns=[NAME, CODE, "合成评分", "等级", "列入原因", "复核评分", "理由", "日期", "出席", "回避"])
    signed = pd.DataFrame({NAME: ["注：复核评分填0到100的数或“维持”；填好后放进 data/panel 下本期的文件夹",
                                  "注：主持人签字：　　　　　　　记录人签字：　　　　　　　日期："]})
    near = alliances[(alliances["重点差异"] == "") & (alliances["把握"] < SURE)].sort_values("离分档线")
    columns = [NAME, "代码", "初评", "会评", "合成", "评分", "等级", "标准误", "把握", "离分档线"]
    return workbook({REVIEWS: pd.concat([minutes, signed]), "打分明细": details(work, [*listed["id"]]),
                     "临近分档线而未列入": near[columns].round(2)}, panel.end)


def details(work: Scores, ids: list[str]) -> pd.DataFrame:
    """For some alliances the totals, and the marks on the indicators furthest apart: who gave what, stage by stage."""
    panel, by = work.panel, ["alliance", "indicator"]
    marks = pd.concat([work.totals.assign(indicator="总分"), panel.marks], ignore_index=True).sort_values(["units", "expert"])
    marks = marks[marks["alliance"].isin(ids)].assign(units=marks["units"].astype(float) / UNITS)
    marks["given"] = [f"{panel.called(key)} {mark:g}" for key, mark in zip(marks["expert"], marks["units"])]
    far = marks.groupby(by)["units"].agg(np.ptp).rename("最高与最低相差").reset_index()
    far["分值"] = far["indicator"].map({**panel.indicators["points"], "总分": 100})
    far["share"] = (far["最高与最低相差"] / far["分值"]).where(far["indicator"] != "总分", 2)  # the totals first
    far = far.sort_values("share", ascending=False, kind="stable").groupby("alliance", sort=False).head(1 + APART)
    far = far.sort_values("alliance", key=lambda column: column.map(ids.index), kind="stable")
    given = marks.groupby([*by, "stage"])["given"].agg("；".join).unstack().reindex(columns=[*STAGES])
    far[NAME] = far["alliance"].map(panel.intake[NAME])
    return far.join(given, on=by).rename(columns={"indicator": "指标"})[[NAME, "指标", "分值", "最高与最低相差", *STAGES]]


def new(known: Registry, period: str) -> dict[str, pd.DataFrame]:
    """The sheets of an empty panel workbook: the rules explained, and what the registry knows of indicators and alliances."""
    facts = {"开始日期": "评价期的第一天", "结束日期": "评价期的最后一天", "启动会日期": "初评开始的日子",
             "会评日期": "填了就要有会评的打分；没有会评就空着", "复核日期": "没有复核就空着", "通知时间": "如2022年1月"}
    rules = [(item, default.replace(NEEDED, ""), what + NEEDED * (default == NEEDED)) for item, (_, default, what) in ITEMS.items()]
    indicators = pd.DataFrame([(pillar, name, None, looked) for pillar, name, looked in known.indicators],
                              columns=["一级指标", "二级指标", "分值", "评分标准"])
    entries = programme(known, period)[[NAME, "代码"]].set_axis([NAME, CODE], axis=1)
    return {
        INDICATORS: indicators, RULES: pd.DataFrame(rules, columns=["项目", "数值", "说明"]),
        FACTS: pd.DataFrame({"项目": facts.keys(), "数值": None, "说明": facts.values()}),
        EXPERTS: pd.DataFrame(columns=["专家", "姓名", "职务", "单位及职务", "所属联盟"]),
        INTAKE: entries.assign(联络员=None, **dict.fromkeys(indicators["二级指标"])).reset_index(drop=True),
        REVIEWS: pd.DataFrame(columns=[NAME, CODE, "复核评分", "理由"])}
