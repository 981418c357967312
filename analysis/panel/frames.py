"""A settled panel as frames, one kind of row each. Headings are those that readers see; grades are ordered, worst to best."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from importlib.metadata import version

import numpy as np
import pandas as pd

from analysis import registry
from analysis.grades import BEST_FIRST, GRADES, INCOMPLETE
from analysis.panel import experts as statistics
from analysis.panel.rules import ITEMS
from analysis.panel.scores import Scores, Without
from analysis.panel.workbook import FIRST, MARKS, STAGES, UNFIT, UNITS, Panel
from analysis.shares import half_up, signed
from analysis.sheets import NOT_ENTERED

EVALUATED = "参评"
STATES = (NOT_ENTERED, INCOMPLETE, UNFIT, EVALUATED)
MADE_WITH = ("numpy", "pandas", "scipy", "krippendorff", "papermill", "nbconvert", "typst")
SURE = 0.9


def intake(panel: Panel) -> pd.DataFrame:
    """A row for each alliance of the programme, those that the workbook does not name too: 情况 (ordered) and its 原因."""
    short = {batch.key: batch.short for batch in panel.batches}
    rows = [(e.name, e.code, short[e.batch], e.state or EVALUATED, e.why, f"第{e.row}行") for e in panel.intake]
    for batch in panel.batches:
        unnamed = panel.size(batch) - sum(entry.batch == batch.key for entry in panel.intake)
        rows += [(None, None, batch.short, NOT_ENTERED, None, None)] * unnamed
    frame = pd.DataFrame(rows, columns=["联盟名称", "代码", "批次", "情况", "原因", "录入表"])
    frame["批次"] = pd.Categorical(frame["批次"], [*short.values()], ordered=True)
    frame["情况"] = pd.Categorical(frame["情况"], STATES, ordered=True)
    return frame


def alliances(work: Scores) -> pd.DataFrame:
    """A row for each evaluated alliance, from its stage scores to its score; scores before rounding have four places."""
    places, short = work.rules["评分小数位"], {batch.key: batch.short for batch in work.panel.batches}
    frame = pd.DataFrame([{
        "联盟名称": one.entry.name, "联盟": registry.short(one.entry.name), "代码": one.entry.code, "批次": short[one.entry.batch],
        **{stage: _four(score) for stage, score in zip(STAGES, one.stages)},
        **{f"{stage}等级": work.panel.scheme.grade(float(half_up(score, places))) if score is not None else None
           for stage, score in zip(STAGES, one.stages)},
        "合成": _four(one.combined), "合成评分": float(one.panel_score), "重点差异": "；".join(one.reasons),
        "复核评分": float(one.review.score) if one.review else None, "复核理由": one.review.reason if one.review else None,
        "待定": one.open, "评分": float(one.score), "等级": one.grade, "公布": not one.withheld} for one in work.settled])
    frame["批次"] = pd.Categorical(frame["批次"], [*short.values()], ordered=True)
    return _graded(frame, "初评等级", "会评等级", "等级")


def listed(alliances: pd.DataFrame) -> pd.DataFrame:
    """Those on the list for the re-review, or re-reviewed without standing there, with the reasons and what was decided."""
    here = alliances[(alliances["重点差异"] != "") | alliances["复核评分"].notna()].copy()
    decided = [f"复核{score:g}分：{reason}" if reason else "尚无决定" for score, reason in zip(here["复核评分"], here["复核理由"])]
    here["列入原因与决定"] = [f"{why or '未列入清单而提请复核'}。{what}" for why, what in zip(here["重点差异"], decided)]
    return here


def _four(score: Fraction | None) -> float:
    return float("nan") if score is None else float(half_up(score, 4))


def _graded(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    return frame.assign(**{column: pd.Categorical(frame[column], GRADES, ordered=True) for column in columns})


def _columns(work: Scores) -> tuple[np.ndarray, ...]:
    """Alliance, expert and stage of every total, and its points."""
    return *(work.totals[name].to_numpy() for name in ("alliance", "expert", "stage")), work.totals["units"].to_numpy() / UNITS


def ranges(rows: Iterable[int]) -> str:
    """Rows as a person would write them, each once.

    >>> ranges([9, 3, 2, 4, 3])
    '2-4、9'
    """
    found: list[list[int]] = []
    for row in sorted({*rows}):
        if found and row == found[-1][-1] + 1:
            found[-1][1:] = [row]
        else:
            found.append([row])
    return "、".join("-".join(map(str, ends)) for ends in found)


def trace(work: Scores) -> pd.DataFrame:
    """What every score was made from: a row for each total, with the rows of its marks. Numbers are text, as they were rounded."""
    rows = work.panel.marks.groupby(["alliance", "stage", "expert"])["row"].agg(ranges)
    records = []
    for total in work.totals.sort_values(["alliance", "stage", "expert"]).itertuples():
        one, stage = work.settled[total.alliance], STAGES[total.stage]
        records.append({
            "联盟": one.entry.name, "代码": one.entry.code, "阶段": stage, "组": one.entry.groups.get(stage, ""),
            "专家": work.panel.experts[total.expert].key, "专家总分": f"{total.units / UNITS:g}",
            "评分表的行": f"{MARKS}!{rows[total.alliance, total.stage, total.expert]}",
            "阶段评分": str(half_up(one.stages[total.stage], 4)), "合成": str(half_up(one.combined, 4)),
            "取整后": str(one.panel_score), "重点差异": "；".join(one.reasons),
            "复核评分": str(one.review.score) if one.review else "", "复核理由": one.review.reason if one.review else "",
            "复核所在": one.review.place if one.review else "", "评分": str(one.score)})
    return pd.DataFrame(records)


def deviations(work: Scores) -> pd.DataFrame:
    """A row for each total that others of the group can be held against: 专家, 阶段 and 偏离, the total less their mean."""
    alliance, expert, stage, points = _columns(work)
    frame = pd.DataFrame({"专家": [work.panel.experts[place].key for place in expert], "阶段": [STAGES[place] for place in stage],
                          "偏离": statistics.deviations(alliance, expert, stage, points)})
    return frame.dropna(ignore_index=True)


def experts(work: Scores) -> pd.DataFrame:
    """How each expert who marked used the scale, in the order of the sheet; missing what cannot be told.

    偏离 is the mean distance from the others of the group, 与他人之比 the spread over that of the others on the same alliances,
    宽严 the severity of the two-way model with its 95 % interval, 片 the connected part in which it can be compared.
    """
    alliance, expert, stage, points = _columns(work)
    model, totals = work.model, pd.DataFrame({"alliance": alliance, "points": points}).groupby(expert)
    frame = pd.DataFrame({"联盟数": totals["alliance"].nunique(), "平均": totals["points"].mean(), "标准差": totals["points"].std()})
    places = frame.index
    frame.insert(0, "专家", [work.panel.experts[place].key for place in places])
    frame.insert(1, "姓名", [work.panel.experts[place].name for place in places])
    frame.insert(3, "单项分", work.panel.marks.groupby("expert").size())
    frame["与他人之比"] = pd.Series(statistics.relative_spread(alliance, expert, stage, points))
    frame["偏离"] = frame["专家"].map(deviations(work).groupby("专家")["偏离"].mean())
    low, high = model.interval()
    for column, values in (("宽严", np.where(model.alone, np.nan, model.severity)), ("下限", low), ("上限", high)):
        frame[column] = values[places]
    frame["片"] = [f"第{part + 1}片" for part in model.part_of_expert[places]]
    frame["提示"] = ["、".join(hints(work.rules, *row)) for row in frame[["宽严", "下限", "上限", "与他人之比"]].itertuples(index=False)]
    return frame.reset_index(drop=True)


def hints(rules: dict, severity: float, low: float, high: float, relative: float) -> list[str]:
    """What may be worth a talk: a severity beyond the rule that is surely not 0, a spread unlike the others'."""
    most, times, found = rules["提示：宽严超过"], rules["提示：离散倍数"], []
    if most is not None and abs(severity) > most and (low > 0 or high < 0):
        found.append("偏宽" if severity > 0 else "偏严")
    if times and math.isfinite(relative) and not 1 / times <= relative <= times:
        found.append(f"分差偏{'大' if relative > 1 else '小'}（{number(relative, 1)}倍）")
    return found


@lru_cache(1)
def agreement(work: Scores) -> pd.DataFrame:
    """ICC and α of each group at each stage, of each stage and of everything, with their intervals; empty without two to compare.

    片 is the number of connected parts. The seed is a rule of the workbook.
    """
    panel, (alliance, expert, stage, points) = work.panel, _columns(work)
    group = np.array([panel.evaluated[a].groups.get(STAGES[s], "") for a, s in zip(alliance, stage)])
    coder = expert * len(STAGES) + stage
    parts = []
    for s, name in enumerate(STAGES):
        if name in panel.stages:
            labels = dict.fromkeys(e.groups[name] for e in panel.experts if name in e.groups)
            parts += [(f"{name}{label}", (stage == s) & (group == label)) for label in labels]
            parts.append((f"{name}全体", stage == s))
    if len(panel.stages) > 1:
        parts.append(("两阶段合计", np.ones(len(points), dtype=bool)))
    found = [statistics.agreement(label, alliance[here], expert[here], coder[here], points[here], work.rules["随机种子"])
             for label, here in parts if len(np.unique(coder[here])) > 1]
    return pd.DataFrame([(a.name, a.experts, a.alliances, a.parts, a.icc["one"], *a.icc_interval, a.icc["many"], a.alpha,
                          *a.alpha_interval) for a in found],
                        columns=["范围", "专家", "联盟", "片", "ICC", "ICC下限", "ICC上限", "平均分ICC", "α", "α下限", "α上限"])


def adjusted(work: Scores) -> pd.DataFrame:
    """Each alliance without a decision, with the score that the same rule makes once the severities are taken off."""
    rows = [(one.entry.name, one.entry.code, _four(one.combined), float(value), float(one.score), float(score),
             float(score - one.score), one.grade, grade) for one, value, score, grade in work.adjusted if one.review is None]
    columns = ["联盟名称", "代码", "合成", "扣除宽严后的合成", "评分", "扣除宽严后", "相差", "等级", "扣除宽严后的等级"]
    frame = pd.DataFrame(rows, columns=columns)
    return _graded(frame, "等级", "扣除宽严后的等级")


def without(found: list[Without], what: str) -> pd.DataFrame:
    """What leaving out each expert or indicator would change."""
    return pd.DataFrame([(one.what, one.grades, one.most, "、".join(one.lost)) for one in found],
                        columns=[what, "改变等级的联盟", "评分的最大变动", "没有评分的联盟"])


def chances(work: Scores) -> pd.DataFrame:
    """Each alliance without a decision, with the share of simulated panels that give it each grade, and 把握, its own one's.

    Missing where the spread of the experts cannot be told. 离分档线 is the distance of the combined score from a cut-off.
    """
    scheme, rows = work.panel.scheme, []
    for one, drawn in zip(work.settled, work.confidence):
        shares = [float(half_up(Fraction(float(c)), 3)) if math.isfinite(c) else math.nan for c in drawn]
        grade, name = scheme.grade(float(one.panel_score)), one.entry.name
        near = min(abs(float(one.combined) - floor) for floor in scheme.floors.values() if floor)
        if one.review is None:
            rows.append((name, registry.short(name), one.entry.code, float(one.panel_score), grade, shares[GRADES.index(grade)], near,
                         *shares[::-1]))
    columns = ["联盟名称", "联盟", "代码", "评分", "等级", "把握", "离分档线", *BEST_FIRST]
    return _graded(pd.DataFrame(rows, columns=columns), "等级")


def rates(work: Scores) -> pd.DataFrame:
    """A row for each evaluated alliance (as in `alliances`), a column for each indicator: the mean share of its points."""
    marks, indicators = work.panel.marks, work.panel.indicators
    size = len(indicators)
    cell = marks["alliance"].to_numpy().astype(np.int64) * size + marks["indicator"].to_numpy()
    count = np.bincount(cell, minlength=work.size * size)
    mean = np.bincount(cell, weights=marks["units"], minlength=work.size * size) / count / UNITS
    return pd.DataFrame(mean.reshape(work.size, size), columns=[i.name for i in indicators]) / [float(i.points) for i in indicators]


def indicators(panel: Panel) -> pd.DataFrame:
    """The indicators with their points and standards under their pillars."""
    pillars = {}
    for pillar in panel.pillars:
        points = [i.points for i in panel.indicators if i.pillar == pillar]
        pillars[pillar] = f"{pillar}（{len(points)}项，{float(sum(points)):g}分）"
    return pd.DataFrame([(pillars[i.pillar], i.name, float(i.points), i.standard) for i in panel.indicators],
                        columns=["一级指标", "二级指标", "分值", "评分标准"])


def rules(panel: Panel) -> pd.DataFrame:
    """The rules in force, as the workbook has them."""
    def shown(value: object, kind: str) -> str:
        if isinstance(value, (str, tuple)):
            return value if isinstance(value, str) else "、".join(value) or "没有"
        return "不用" if value is None else f"{float(100 * value):g}%" if kind == "share" else f"{float(value):g}"

    return pd.DataFrame([(item, shown(panel.rules[item], kind)) for item, (kind, _) in ITEMS.items()], columns=["项目", "数值"])


def provenance(panel: Panel) -> pd.DataFrame:
    """What the report was made from, and by which methods."""
    floors = "，".join(f"{panel.scheme.labels[g]}≥{panel.scheme.floors[g]:g}" for g in BEST_FIRST)
    return pd.DataFrame({
        "评分过程工作簿": f"panel/{panel.path.name}", "SHA-256": panel.sha256, "数据性质": panel.rules["数据性质"],
        "等级方案": f"{panel.scheme.declared}：{floors}",
        "取整": f"单项分按百分之一分的整数相加，合成分是精确分数，最后四舍五入一次到{panel.rules['评分小数位']}位小数",
        "宽严模型": f"专家总分＝联盟＋专家＋残差，最小二乘；{FIRST}、会评的总分都在内；每一片内宽严之和为0",
        "一致程度": "ICC由方差分量（Henderson第三法）算出，分工不完整也可用；α用krippendorff包；区间由重抽联盟"
                f"{statistics.DRAWS[0]}次得到（专家与联盟的组合超过{statistics.MANY}个时{statistics.DRAWS[1]}次），取对数比上的t区间，专家不重抽",
        "制作工具": "，".join(f"{name} {version(name)}" for name in MADE_WITH)}.items(), columns=["项目", "内容"])


def number(value: float, places: int | str) -> str:
    """A number with its places and a true minus, `+2` with its sign, `%1` in percent; — where there is none."""
    if value is None or not math.isfinite(value):
        return "—"
    exact, digits = Fraction(str(float(value))), int(str(places)[-1])
    if str(places)[0] == "%":
        return f"{half_up(100 * exact, digits)}%"
    return signed(exact, digits) if str(places)[0] == "+" else str(half_up(exact, digits)).replace("-", "−")


def printed(frame: pd.DataFrame, **places: int | str) -> pd.DataFrame:
    """The frame as a page has it: the numbers of some columns as text, see `number`."""
    return frame.assign(**{column: [number(value, how) for value in frame[column]] for column, how in places.items()})


def interval(frame: pd.DataFrame, value: str) -> list[str]:
    """A coefficient with the interval that stands beside it in a frame: `0.953（0.932—0.971）`."""
    rows = frame[[value, f"{value}下限", f"{value}上限"]].itertuples(index=False)
    return [f"{number(x, 3)}（{number(low, 3)}—{number(high, 3)}）" if math.isfinite(x) else "—" for x, low, high in rows]


def ends(frame: pd.DataFrame, low: str, high: str) -> list[str]:
    """The two ends of an interval of changes: `−0.65 至 +2.03`."""
    return [f"{number(a, '+2')} 至 {number(b, '+2')}" if math.isfinite(a) else "—" for a, b in zip(frame[low], frame[high])]
