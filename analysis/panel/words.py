"""The tables and the templates of the internal report."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.metadata import version

import numpy as np

from analysis import breakdown
from analysis.registry import short
from analysis.blocks import Table
from analysis.breakdown import Share, half_up
from analysis.grades import GRADES, INCOMPLETE, Scheme
from analysis.panel import experts as statistics
from analysis.panel.scores import Scores, Settled, Without
from analysis.panel.workbook import FIRST, ITEMS, MARKS, STAGES, UNFIT, UNITS, Expert, counted
from analysis.sentences import Templates
from analysis.sheets import NOT_ENTERED

MADE_WITH = ("numpy", "pandas", "scipy", "krippendorff", "papermill", "nbconvert", "typst")
SURE = Fraction(9, 10)
DISCUSS = "提示只供讨论，不说明谁对谁错：分给得不同，也可能是所评的联盟不同。"


@dataclass
class Use:
    """How one expert used the scale; NaN for what cannot be told.

    `deviation` is the mean distance from the others of the group, `relative` the spread over that of the others on the same
    alliances.
    """

    expert: Expert
    marks: int
    alliances: int
    mean: float
    spread: float
    relative: float
    deviation: float
    deviations: dict[str, np.ndarray]
    severity: float
    low: float
    high: float
    part: int

    def hints(self, rules: dict) -> list[str]:
        """What may be worth a talk: a severity beyond the rule that is surely not 0, a spread unlike the others'."""
        most, times, found = rules["提示：宽严超过"], rules["提示：离散倍数"], []
        if most is not None and abs(self.severity) > most and (self.low > 0 or self.high < 0):
            found.append("偏宽" if self.severity > 0 else "偏严")
        if times and math.isfinite(self.relative) and not 1 / times <= self.relative <= times:
            found.append(f"分差偏{'大' if self.relative > 1 else '小'}（{number(self.relative, 1)}倍）")
        return found


def number(value: float, places: int = 2) -> str:
    """A number with its places and a true minus; — where there is none."""
    return f"{float(value):.{places}f}".replace("-", "−") if math.isfinite(value) else "—"


def signed(value: float, places: int = 2) -> str:
    """The same, with its sign."""
    return breakdown.signed(Fraction(float(value)), places) if math.isfinite(value) else "—"


def interval(value: float, ends: tuple[float, float]) -> str:
    """A number with its interval: `0.953（0.932—0.971）`."""
    return f"{number(value, 3)}（{number(ends[0], 3)}—{number(ends[1], 3)}）" if math.isfinite(value) else "—"


@lru_cache(1)
def use_of_scale(work: Scores) -> list[Use]:
    """Every expert who marked, in the order of the sheet."""
    totals, model = work.totals, work.model
    alliance, expert, stage = (totals[name].to_numpy() for name in ("alliance", "expert", "stage"))
    points = totals["units"].to_numpy() / UNITS
    apart = statistics.deviations(alliance, expert, stage, points)
    relative = statistics.relative_spread(alliance, expert, stage, points)
    marks = np.bincount(work.panel.marks["expert"], minlength=len(work.panel.experts))
    severity, (low, high) = np.where(model.alone, np.nan, model.severity), model.interval()
    uses = []
    for place in np.unique(expert):
        mine = expert == place
        told = {name: apart[mine & (stage == s) & ~np.isnan(apart)] for s, name in enumerate(STAGES)}
        told = {name: values for name, values in told.items() if values.size}
        spread = float(np.std(points[mine], ddof=1)) if mine.sum() > 1 else math.nan
        deviation = float(np.concatenate([*told.values()]).mean()) if told else math.nan
        uses.append(Use(work.panel.experts[place], int(marks[place]), len(np.unique(alliance[mine])), float(points[mine].mean()),
                        spread, relative[place], deviation, told, *(float(one[place]) for one in (severity, low, high)),
                        int(model.part_of_expert[place])))
    return uses


@lru_cache(1)
def agreements(work: Scores) -> list[statistics.Agreement]:
    """The agreement of each group at each stage, of each stage, and of everything; the seed is a rule of the workbook."""
    totals, panel = work.totals, work.panel
    alliance, expert, stage = (totals[name].to_numpy() for name in ("alliance", "expert", "stage"))
    points = totals["units"].to_numpy() / UNITS
    coder = expert * len(STAGES) + stage
    evaluated = panel.evaluated
    group = np.array([evaluated[a].groups.get(STAGES[s], "") for a, s in zip(alliance, stage)])
    parts = []
    for s, name in enumerate(STAGES):
        if name in panel.stages:
            labels = list(dict.fromkeys(e.groups[name] for e in panel.experts if name in e.groups))
            parts += [(f"{name}{label}", (stage == s) & (group == label)) for label in labels]
            parts.append((f"{name}全体", stage == s))
    if len(panel.stages) > 1:
        parts.append(("两阶段合计", np.ones(len(points), dtype=bool)))
    return [statistics.agreement(label, alliance[here], expert[here], coder[here], points[here], work.rules["随机种子"])
            for label, here in parts if len(np.unique(coder[here])) > 1]


def moved(work: Scores) -> list[Settled]:
    """The alliances whose grade differs between the two stages."""
    scheme, places = work.panel.scheme, work.rules["评分小数位"]
    return [one for one in work.settled if None not in one.stages
            and len({scheme.grade(float(half_up(stage, places))) for stage in one.stages}) > 1]


def rates(work: Scores) -> dict[str, list[float]]:
    """For each grade, and each batch, the mean share of its points that every indicator got."""
    marks, points = work.panel.marks, np.array([float(i.points) for i in work.panel.indicators])
    size = len(points)
    cell = marks["alliance"].to_numpy().astype(np.int64) * size + marks["indicator"].to_numpy()
    number_ = np.bincount(cell, minlength=work.size * size).reshape(work.size, size)
    mean = np.bincount(cell, weights=marks["units"], minlength=work.size * size).reshape(work.size, size) / number_ / UNITS / points
    groups = {grade: [one.grade == grade for one in work.settled] for grade in GRADES}
    groups |= {batch.key: [one.entry.batch == batch.key for one in work.settled] for batch in work.panel.batches}
    return {group: mean[np.array(rows)].mean(0).tolist() for group, rows in groups.items() if any(rows)} | {"": mean.mean(0).tolist()}


def say(work: Scores) -> Templates:
    """The templates in `notebooks/text/panel`."""
    panel, model, rules = work.panel, work.model, work.rules
    uses, unsure = use_of_scale(work), unsure_grades(work)
    return Templates(
        "panel", panel=panel, rules=rules, facts=counted(panel), settled=work.settled, listed=work.listed, moved=moved(work),
        unfit=sum(entry.state == UNFIT for entry in panel.intake), open=[one for one in work.settled if one.open],
        reviewed=[one for one in work.settled if one.review], unasked=[one for one in work.settled if one.review and not one.reasons],
        short=short, grades=GRADES, labels=panel.scheme.labels, number=number, marks=len(panel.marks), parts=model.parts, uses=uses,
        compared=[use for use in uses if math.isfinite(use.deviation)], hinted=[use for use in uses if use.hints(rules)],
        alone=[use for use in uses if not math.isfinite(use.severity)],
        error=number(math.sqrt(model.variance)) if math.isfinite(model.variance) else "", agreements=agreements(work),
        changed=[one for one, _, _, grade in work.adjusted if grade != one.grade and one.review is None],
        unsure=len(unsure), told=math.isfinite(work.confidence.sum()), sure=f"{float(SURE):.0%}",
        near=number(max((_distance(one, panel.scheme) for one, _ in unsure), default=0)),
        withheld=sum(one.withheld for one in work.settled), share=lambda part, whole: Share(part, whole, "", "", "").percent,
        icc=model.icc(), components={what: value for what, value in model.components().items() if math.isfinite(value)})


def unsure_grades(work: Scores) -> list[tuple[Settled, list[Fraction]]]:
    """Those whose panel grade less than nine in ten simulated panels give, with the share of each grade, as it is printed."""
    found = []
    for one, chance in zip(work.settled, work.confidence):
        shares = [Fraction(half_up(Fraction(float(c)), 3)) for c in chance if math.isfinite(c)]
        if one.review is None and shares and shares[GRADES.index(work.panel.scheme.grade(float(one.panel_score)))] < SURE:
            found.append((one, shares))
    return found


def _distance(one: Settled, scheme: Scheme) -> float:
    """How far the combined score is from the nearest cut-off."""
    return min(abs(float(one.combined) - floor) for floor in scheme.floors.values() if floor)


def ladder(work: Scores) -> Table:
    """From registered to evaluated, by batch, as the completeness rule decides."""
    panel, rows = work.panel, []
    for batch in [*panel.batches, None]:
        states = Counter(entry.state for entry in panel.intake if batch is None or entry.batch == batch.key)
        approved = sum(b.approved for b in panel.batches if batch in (None, b))
        complete = states[""] + states[UNFIT]
        numbers = (approved, complete + states[INCOMPLETE], complete, states[""], approved - states[""])
        rows.append([batch.short if batch else "合计", *map(str, numbers), Share(states[""], approved, "", "", "").percent])
    return Table("ladder", "按完整性规则清点的参评情况", ["批次", "登记", "录入信息", "信息完整", "参评", "未参评", "参评占登记"], rows,
                 "lrrrrrr")


def incomplete(work: Scores) -> Table:
    """Who entered too little or shows too little, and who is named and entered nothing; with what was missing."""
    rows: list[list[str] | str] = []
    for state in (UNFIT, INCOMPLETE, NOT_ENTERED):
        here = [entry for entry in work.panel.intake if entry.state == state]
        if here:
            rows.append(f"{state}（{len(here)}家）")
            rows += [[entry.name, entry.code, entry.why, f"第{entry.row}行"] for entry in here]
    return Table("incomplete", "没有参评的联盟及原因", ["联盟名称", "代码", "原因", "录入表"], rows, "lcll", stretch=0)


def indicators(work: Scores) -> Table:
    """The indicators with their points and standards."""
    rows: list[list[str] | str] = []
    for pillar in work.panel.pillars:
        here = [i for i in work.panel.indicators if i.pillar == pillar]
        rows.append(f"{pillar}（{len(here)}项，{float(sum(i.points for i in here)):g}分）")
        rows += [[i.name, f"{float(i.points):g}", i.standard] for i in here]
    return Table("indicator-points", "评价指标、分值与标准", ["二级指标", "分值", "评分标准"], rows, "lrl", stretch=2)


def rules(work: Scores) -> Table:
    """The rules in force, as the workbook has them."""
    def shown(value: object, kind: str) -> str:
        if value is None:
            return "不用"
        if isinstance(value, tuple):
            return "、".join(value) or "没有"
        return value if isinstance(value, str) else f"{float(100 * value):g}%" if kind == "share" else f"{float(value):g}"

    rows = [[item, shown(work.rules[item], kind)] for item, (kind, _) in ITEMS.items()]
    return Table("rules", "本次采用的规则", ["项目", "数值"], rows, "ll", stretch=1)


def scores(work: Scores) -> Table:
    """Every alliance with its stage scores, what the rule made of them, the decision and the settled score."""
    rows: list[list[str] | str] = []
    for grade in GRADES:
        here = sorted((one for one in work.settled if one.grade == grade), key=lambda one: (-one.score, one.entry.code))
        if here:
            rows.append(f"{work.panel.scheme.labels[grade]}（{len(here)}家{'，评分不公布' if here[0].withheld else ''}）")
        for one in here:
            decided = str(one.review.score) if one.review else "待定" if one.open else "—"
            stages = ("—" if stage is None else str(half_up(stage, 2)) for stage in one.stages)
            rows.append([one.entry.name, one.entry.code, *stages, str(half_up(one.combined, 4)), decided, str(one.score)])
    note = "合成分是取整之前的数，显示到四位小数；有复核的以复核评分为准。每位专家的总分及其所在的行见随附的CSV。"
    return Table("scores", "从阶段评分到评分", ["联盟名称", "代码", *STAGES, "合成", "复核", "评分"], rows, "lcrrrrr", search=True,
                 note=note)


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


def trace(work: Scores) -> Table:
    """What every score was made from: a row per total, with the rows of its marks; for the saved CSV, with a summary to show."""
    panel, records = work.panel, []
    places = panel.marks.groupby(["alliance", "stage", "expert"])["row"].agg(ranges)
    for row in work.totals.sort_values(["alliance", "stage", "expert"]).itertuples():
        one, stage, review = work.settled[row.alliance], STAGES[row.stage], work.settled[row.alliance].review
        records.append({
            "联盟": one.entry.name, "代码": one.entry.code, "阶段": stage, "组": one.entry.groups.get(stage, ""),
            "专家": panel.experts[row.expert].key, "专家总分": f"{row.units / UNITS:g}",
            "评分表的行": f"{MARKS}!{places[row.alliance, row.stage, row.expert]}",
            "阶段评分": str(half_up(one.stages[row.stage], 4)), "合成": str(half_up(one.combined, 4)),
            "取整后": str(one.panel_score), "重点差异": "；".join(one.reasons), "复核评分": str(review.score) if review else "",
            "复核理由": review.reason if review else "", "复核所在": review.place if review else "", "评分": str(one.score)})
    count = Counter(STAGES[s] for s in work.totals["stage"])
    rows = [[stage, str(count[stage]), str(count[stage] * len(panel.indicators))] for stage in panel.stages]
    return Table("trace", "可以回溯的分数", ["阶段", "专家总分", "其中的单项分"], rows, "lrr", records=records)


def listed(work: Scores) -> Table:
    """The list for the re-review, with what was decided; empty where nobody is on it."""
    rows: list[list[str] | str] = []
    for one in (one for one in work.settled if one.reasons or one.review):
        decided = f"复核{one.review.score}分：{one.review.reason}" if one.review else "尚无决定"
        rows.append([short(one.entry.name), one.entry.code, str(one.panel_score), str(one.review.score) if one.review else "待定",
                     f"{'；'.join(one.reasons) or '未列入清单而提请复核'}。{decided}"])
    return Table("listed", "重点差异清单与复核决定", ["联盟", "代码", "合成评分", "复核评分", "列入原因与决定"], rows, "lcrrl", stretch=4)


def experts(work: Scores) -> Table:
    """How each expert used the scale, by connected part."""
    uses, rows = use_of_scale(work), []
    for part in range(work.model.parts):
        if work.model.parts > 1:
            rows.append(f"第{part + 1}片（片与片之间的宽严不能比较）")
        rows += [[use.expert.key, use.expert.name, str(use.alliances), str(use.marks), number(use.mean), number(use.spread),
                  signed(use.deviation), signed(use.severity),
                  f"{signed(use.low)} 至 {signed(use.high)}" if math.isfinite(use.low) else "—",
                  "、".join(use.hints(work.rules)) or "—"] for use in uses if use.part == part]
    records = [{"专家": u.expert.key, "联盟数": u.alliances, "单项分数": u.marks, "平均总分": number(u.mean, 4),
                "标准差": number(u.spread, 4), "标准差与他人之比": number(u.relative, 4), "平均偏离": signed(u.deviation, 4),
                "宽严": signed(u.severity, 4), "宽严下限": signed(u.low, 4), "宽严上限": signed(u.high, 4), "片": u.part + 1,
                "提示": "、".join(u.hints(work.rules))} for u in uses]
    columns = ["专家", "姓名", "联盟", "单项分", "平均", "标准差", "偏离", "宽严", "宽严的95%区间", "提示"]
    note = f"{DISCUSS}分差是和别的专家在同样的联盟上的标准差相比；共同评过的联盟不到{statistics.SHARED}家的不比。"
    return Table("experts", "各专家怎样使用分数", columns, rows, "llrrrrrrrl", stretch=1, note=note, records=records)


def adjusted(work: Scores) -> Table:
    """Those whose grade would differ once severity is taken off, the raw score beside it; all of them in the records."""
    labels, found = work.panel.scheme.labels, [row for row in work.adjusted if row[0].review is None]
    rows = [[one.entry.name, one.entry.code, str(one.score), str(score), signed(float(score) - float(one.score), 0),
             labels[one.grade], labels[grade]] for one, _, score, grade in found if grade != one.grade]
    records = [{"联盟": one.entry.name, "代码": one.entry.code, "合成": str(half_up(one.combined, 4)), "评分": str(one.score),
                "调整后合成": number(float(value), 4), "调整后评分": str(score), "等级": one.grade, "调整后等级": grade}
               for one, value, score, grade in found]
    columns = ["联盟名称", "代码", "评分", "扣除宽严后", "相差", "等级", "扣除宽严后的等级"]
    return Table("adjusted", "扣除宽严后等级会不同的联盟", columns, rows, "lcrrrll",
                 note="调整后的评分只作对照，不进评分表；复核议定的评分不调整。", records=records)


def without_expert(work: Scores) -> Table:
    """What leaving out one expert would change; empty where there is one only."""
    return _without("without-expert", "去掉一位专家", "专家", work.without_expert() if len(use_of_scale(work)) > 1 else [], 2)


def without_indicator(work: Scores) -> Table:
    """What leaving out one indicator would change."""
    return _without("without-indicator", "去掉一项指标", "指标", work.without_indicator(), 1, "其余指标按比例放大到100分再算。")


def _without(key: str, caption: str, what: str, found: list[Without], side_by_side: int, note: str = "") -> Table:
    records = [{what: one.what, "改变等级的联盟": str(one.grades), "评分的最大变动": number(one.most),
                "没有评分的联盟": "、".join(one.lost)} for one in found]
    cells = [[*record.values()][:3] for record in records]
    half = -(-len(cells) // side_by_side)
    rows = [[*left, *right] for left, right in zip(cells[:half], [*cells[half:], ["", "", ""]])] if side_by_side > 1 else cells
    note += "".join(f"去掉{one.what}，{'、'.join(map(short, one.lost))}就没有评分，不在前面的数里。" for one in found if one.lost)
    return Table(key, caption, [what, "改变等级的联盟", "评分的最大变动"] * side_by_side, rows, "lrr" * side_by_side, stretch=1 - side_by_side,
                 note=note, records=records)


def confidence(work: Scores) -> Table:
    """The alliances whose grade another panel of such experts might well not give; empty where every grade is firm."""
    labels = work.panel.scheme.labels
    rows = [[one.entry.name, one.entry.code, str(one.panel_score), labels[work.panel.scheme.grade(float(one.panel_score))],
             "，".join(f"{labels[grade]}{float(100 * share):.1f}%" for grade, share in zip(GRADES, shares) if share)]
            for one, shares in unsure_grades(work)]
    records = [{"联盟": one.entry.name, "代码": one.entry.code, "合成评分": str(one.panel_score),
                "等级": work.panel.scheme.grade(float(one.panel_score)),
                **{f"{grade}的把握": number(float(c), 3) for grade, c in zip(GRADES, chance)}}
               for one, chance in zip(work.settled, work.confidence)]
    return Table("confidence", f"等级把握不到{float(SURE):.0%}的联盟", ["联盟名称", "代码", "评分", "等级", "模拟中的等级"], rows, "lcrll",
                 records=records)


def strengths(work: Scores) -> Table:
    """Where each grade and batch got most and least of the points, beside all."""
    found, names = rates(work), [i.name for i in work.panel.indicators]
    labels = work.panel.scheme.labels | {batch.key: batch.short for batch in work.panel.batches}
    rows: list[list[str] | str] = []
    for heading, groups in (("按等级", GRADES), ("按批次", [b.key for b in work.panel.batches])):
        rows.append(heading)
        for group in (g for g in groups if g in found):
            apart = sorted(((a - b, name) for a, b, name in zip(found[group], found[""], names)), reverse=True)
            for word, part in (("最突出", [a for a in apart[:3] if a[0] > 0]), ("最不足", [a for a in apart[:-4:-1] if a[0] < 0])):
                rows.append([labels[group], word, "；".join(f"{name} {signed(100 * gap, 1)}" for gap, name in part) or "—"])
    return Table("strengths", "各档、各批得分率最突出和最不足的指标", ["范围", "方面", "指标"], rows, "lll", stretch=2,
                 note="数字是得分率与全部参评联盟相差的百分点。")


def provenance(work: Scores) -> Table:
    """What the report was made from."""
    panel = work.panel
    floors = "，".join(f"{panel.scheme.labels[g]}≥{panel.scheme.floors[g]:g}" for g in GRADES)
    rows = [["评分过程工作簿", f"panel/{panel.path.name}"], ["SHA-256", panel.sha256], ["数据性质", panel.rules["数据性质"]],
            ["等级方案", f"{panel.scheme.declared}：{floors}"],
            ["取整", f"单项分按百分之一分的整数相加，合成分是精确分数，最后四舍五入一次到{work.rules['评分小数位']}位小数"],
            ["宽严模型", f"专家总分＝联盟＋专家＋残差，最小二乘；{FIRST}、会评的总分都在内；每一片内宽严之和为0"],
            ["一致程度", "ICC由方差分量（Henderson第三法）算出，分工不完整也可用；α用krippendorff包；区间由重抽联盟"
             f"{statistics.DRAWS[0]}次得到（专家与联盟的组合超过{statistics.MANY}个时{statistics.DRAWS[1]}次），取对数比上的t区间，专家不重抽"],
            ["制作工具", "，".join(f"{name} {version(name)}" for name in MADE_WITH)]]
    return Table("provenance", "数据来源与算法", ["项目", "内容"], rows, "ll", stretch=1)
