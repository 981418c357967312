"""The tables and the templates of the internal report."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version

import numpy as np

from analysis import breakdown
from analysis.alliances import SHARED_ENDING
from analysis.blocks import Table
from analysis.breakdown import Share, half_up
from analysis.grades import GRADES, INCOMPLETE, Scheme
from analysis.panel import experts as statistics
from analysis.panel.scores import Scores, Settled
from analysis.panel.workbook import FIRST, ITEMS, MARKS, STAGES, UNITS, Expert, counted
from analysis.sentences import Templates
from analysis.sheets import NOT_ENTERED

MADE_WITH = ("numpy", "pandas", "scipy", "krippendorff", "papermill", "nbconvert", "typst")
SURE = 0.9
DISCUSS = "提示只供讨论，不说明谁对谁错：分给得不同，也可能是所评的联盟不同。"


@dataclass
class Use:
    """How one expert used the scale. `deviation` is the mean distance from the others of the group, NaN where there are none."""

    expert: Expert
    marks: int
    alliances: int
    mean: float
    spread: float
    deviation: float
    deviations: dict[str, np.ndarray]
    severity: float
    low: float
    high: float
    part: int
    hints: list[str]


def short(name: str) -> str:
    """An alliance's name without the ending that they all share."""
    return SHARED_ENDING.sub("", name) or name


def number(value: float, places: int = 2) -> str:
    """A number with its places and a true minus; — where there is none."""
    return f"{float(value):.{places}f}".replace("-", "−") if math.isfinite(value) else "—"


def signed(value: float, places: int = 2) -> str:
    """The same, with its sign."""
    return breakdown.signed(Fraction(float(value)), places) if math.isfinite(value) else "—"


def interval(value: float, ends: tuple[float, float]) -> str:
    """A number with its interval: `0.953（0.932—0.971）`."""
    return f"{number(value, 3)}（{number(ends[0], 3)}—{number(ends[1], 3)}）" if math.isfinite(value) else "—"


def use_of_scale(work: Scores) -> list[Use]:
    """Every expert who marked, in the order of the sheet."""
    totals, model, rules = work.totals, work.model, work.rules
    expert, stage = totals["expert"].to_numpy(), totals["stage"].to_numpy()
    points = totals["units"].to_numpy() / UNITS
    apart = statistics.deviations(totals["alliance"].to_numpy(), expert, stage, points)
    marks = np.bincount(work.panel.marks["expert"], minlength=len(work.panel.experts))
    low, high = model.interval()
    uses = []
    for place in np.unique(expert):
        mine = expert == place
        by_stage = {name: apart[mine & (stage == s) & ~np.isnan(apart)] for s, name in enumerate(STAGES)}
        told = np.concatenate([*by_stage.values()])
        spread = float(np.std(points[mine], ddof=1)) if mine.sum() > 1 else float("nan")
        uses.append(Use(work.panel.experts[place], int(marks[place]), len(np.unique(totals["alliance"].to_numpy()[mine])),
                        float(points[mine].mean()), spread, float(told.mean()) if told.size else float("nan"),
                        {name: values for name, values in by_stage.items() if values.size}, float(model.severity[place]),
                        float(low[place]), float(high[place]), int(model.part_of_expert[place]), []))
    usual = float(np.nanmedian([use.spread for use in uses]))
    for use in uses:
        most, times = rules["提示：宽严超过"], rules["提示：离散倍数"]
        if most is not None and abs(use.severity) > most and not use.low <= 0 <= use.high:
            use.hints.append("偏宽" if use.severity > 0 else "偏严")
        if times and use.spread == use.spread and usual > 0 and not usual / times <= use.spread <= usual * times:
            use.hints.append("分差偏大" if use.spread > usual else "分差偏小")
    return uses


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
    mean = (
        np.bincount(cell, weights=marks["units"], minlength=work.size * size).reshape(work.size, size)
        / number_
        / UNITS
        / points
    )
    groups = {grade: [one.grade == grade for one in work.settled] for grade in GRADES}
    groups |= {batch.key: [one.entry.batch == batch.key for one in work.settled] for batch in work.panel.batches}
    return {group: mean[np.array(rows)].mean(0).tolist() for group, rows in groups.items() if any(rows)} | {
        "": mean.mean(0).tolist()
    }


def say(work: Scores) -> Templates:
    """The templates in `notebooks/text/panel`."""
    panel, model = work.panel, work.model
    adjusted = work.adjusted
    uses = use_of_scale(work)
    unsure = [
        one
        for one, chance in zip(work.settled, work.confidence)
        if one.review is None and _own(one, chance, panel.scheme) < SURE
    ]
    return Templates(
        "panel", panel=panel, rules=work.rules, facts=counted(panel), settled=work.settled, listed=work.listed, moved=moved(work),
        open=[one for one in work.settled if one.open], reviewed=[one for one in work.settled if one.review],
        unasked=[one for one in work.settled if one.review and not one.reasons], short=short, grades=GRADES,
        labels=panel.scheme.labels, number=number, marks=len(panel.marks), parts=model.parts, model=model, uses=uses,
        hinted=[use for use in uses if use.hints], error=number(float(np.sqrt(model.variance))),
        changed=[one for one, _, _, grade in adjusted if grade != one.grade and one.review is None],
        unsure=len(unsure), sure=f"{SURE:.0%}", near=number(max((_distance(one, panel.scheme) for one in unsure), default=0)),
        withheld=sum(one.withheld for one in work.settled), share=lambda part, whole: Share(part, whole, "", "", "").percent,
        icc=model.icc(), components=model.components())


def _own(one: Settled, chance: np.ndarray, scheme: Scheme) -> float:
    """The share of simulated panels that give an alliance the grade that its panel gave."""
    return float(chance[GRADES.index(scheme.grade(float(one.panel_score)))])


def _distance(one: Settled, scheme: Scheme) -> float:
    """How far the combined score is from the nearest cut-off."""
    return min(abs(float(one.combined) - floor) for floor in scheme.floors.values() if floor)


def ladder(work: Scores) -> Table:
    """From registered to evaluated, by batch, as the completeness rule decides."""
    panel, rows = work.panel, []
    for batch in [*panel.batches, None]:
        here = [entry for entry in panel.intake if batch is None or entry.batch == batch.key]
        evaluated = sum(not entry.state for entry in here)
        incomplete = sum(entry.state == INCOMPLETE for entry in here)
        approved = sum(b.approved for b in panel.batches if batch in (None, b))
        rows.append(
            [
                batch.short if batch else "合计",
                str(approved),
                str(evaluated + incomplete),
                str(incomplete),
                str(evaluated),
                str(approved - evaluated),
                Share(evaluated, approved, "", "", "").percent,
            ]
        )
    return Table(
        "ladder",
        "按完整性规则清点的参评情况",
        ["批次", "登记", "录入信息", INCOMPLETE, "参评", "未参评", "参评占登记"],
        rows,
        "lrrrrrr",
    )


def incomplete(work: Scores) -> Table:
    """Who entered too little, and who is named and entered nothing."""
    rows: list[list[str] | str] = []
    for state in (INCOMPLETE, NOT_ENTERED):
        here = [entry for entry in work.panel.intake if entry.state == state]
        if here:
            rows.append(f"{state}（{len(here)}家）")
            rows += [[entry.name, entry.code, entry.why or "没有填写任何一项", f"第{entry.row}行"] for entry in here]
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
    def shown(value: object) -> str:
        if value is None:
            return "不用"
        if isinstance(value, tuple):
            return "、".join(value) or "没有"
        return str(value) if isinstance(value, str) else f"{float(value):g}"

    rows = [
        [
            item,
            f"{float(work.rules[item]):.0%}" if kind == "share" and work.rules[item] is not None else shown(work.rules[item]),
        ]
        for item, (kind, _) in ITEMS.items()
    ]
    return Table("rules", "本次采用的规则", ["项目", "数值"], rows, "ll", stretch=1)


def scores(work: Scores) -> Table:
    """Every alliance with its stage scores, what the rule made of them, the decision and the settled score."""
    rows: list[list[str] | str] = []
    for grade in GRADES:
        here = sorted((one for one in work.settled if one.grade == grade), key=lambda one: (-one.score, one.entry.code))
        if here:
            rows.append(f"{work.panel.scheme.labels[grade]}（{len(here)}家{'，评分不公布' if here[0].withheld else ''}）")
        rows += [
            [
                one.entry.name,
                one.entry.code,
                *(str(half_up(s, 2)) if s is not None else "—" for s in one.stages),
                str(half_up(one.combined, 4)),
                str(one.review.score) if one.review else ("待定" if one.open else "—"),
                str(one.score),
            ]
            for one in here
        ]
    note = "合成分是取整之前的数，显示到四位小数；有复核的以复核评分为准。每位专家的总分及其所在的行见随附的CSV。"
    return Table(
        "scores",
        "从阶段评分到评分",
        ["联盟名称", "代码", *STAGES, "合成", "复核", "评分"],
        rows,
        "lcrrrrr",
        search=True,
        note=note,
    )


def trace(work: Scores) -> Table:
    """What every score was made from: a row per total, with the place of its marks; for the saved CSV, with a summary to show."""
    panel, experts = work.panel, work.panel.experts
    records = []
    for row in work.totals.sort_values(["alliance", "stage", "expert"]).itertuples():
        one, stage = work.settled[row.alliance], STAGES[row.stage]
        records.append(
            {
                "联盟": one.entry.name,
                "代码": one.entry.code,
                "阶段": stage,
                "组": one.entry.groups.get(stage, ""),
                "专家": experts[row.expert].key,
                "专家总分": f"{row.units / UNITS:g}",
                "评分表的行": f"{MARKS}!{row.row}",
                "阶段评分": str(half_up(one.stages[row.stage], 4)),
                "合成": str(half_up(one.combined, 4)),
                "取整后": str(one.panel_score),
                "重点差异": "；".join(one.reasons),
                "复核评分": str(one.review.score) if one.review else "",
                "复核理由": one.review.reason if one.review else "",
                "复核所在": one.review.place if one.review else "",
                "评分": str(one.score),
            }
        )
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
    return Table(
        "listed", "重点差异清单与复核决定", ["联盟", "代码", "合成评分", "复核评分", "列入原因与决定"], rows, "lcrrl", stretch=4
    )


def experts(work: Scores) -> Table:
    """How each expert used the scale, by connected part."""
    uses, parts = use_of_scale(work), work.model.parts
    rows: list[list[str] | str] = []
    for part in range(parts):
        if parts > 1:
            rows.append(f"第{part + 1}片（片与片之间的宽严不能比较）")
        rows += [
            [
                use.expert.key,
                use.expert.name,
                str(use.alliances),
                str(use.marks),
                number(use.mean),
                number(use.spread),
                signed(use.deviation),
                signed(use.severity),
                f"{signed(use.low)} 至 {signed(use.high)}" if use.low == use.low else "—",
                "、".join(use.hints) or "—",
            ]
            for use in uses
            if use.part == part
        ]
    records = [
        {
            "专家": u.expert.key,
            "联盟数": u.alliances,
            "单项分数": u.marks,
            "平均总分": number(u.mean, 4),
            "标准差": number(u.spread, 4),
            "平均偏离": signed(u.deviation, 4),
            "宽严": signed(u.severity, 4),
            "宽严下限": signed(u.low, 4),
            "宽严上限": signed(u.high, 4),
            "片": u.part + 1,
            "提示": "、".join(u.hints),
        }
        for u in uses
    ]
    columns = ["专家", "姓名", "联盟", "单项分", "平均", "标准差", "偏离", "宽严", "宽严的95%区间", "提示"]
    return Table("experts", "各专家怎样使用分数", columns, rows, "llrrrrrrrl", stretch=1, note=DISCUSS, records=records)


def adjusted(work: Scores) -> Table:
    """Those whose grade or score would differ most once severity is taken off; the raw score beside it."""
    labels = work.panel.scheme.labels
    found = [(one, value, score, grade) for one, value, score, grade in work.adjusted if one.review is None]
    changed = [row for row in found if row[3] != row[0].grade]
    rows: list[list[str] | str] = [
        [
            one.entry.name,
            one.entry.code,
            str(one.score),
            str(score),
            signed(float(score) - float(one.score), 0),
            labels[one.grade],
            labels[grade],
        ]
        for one, _, score, grade in changed
    ]
    records = [{"联盟": one.entry.name, "代码": one.entry.code, "合成": str(half_up(one.combined, 4)), "评分": str(one.score),
                "调整后合成": number(float(value), 4), "调整后评分": str(score), "等级": one.grade, "调整后等级": grade}
               for one, value, score, grade in found]
    return Table(
        "adjusted",
        "扣除宽严后等级会不同的联盟",
        ["联盟名称", "代码", "评分", "扣除宽严后", "相差", "等级", "扣除宽严后的等级"],
        rows,
        "lcrrrll",
        note="调整后的评分只作对照，不进评分表；复核议定的评分不调整。",
        records=records,
    )


def without_expert(work: Scores) -> Table:
    """What leaving out one expert would change."""
    rows = [[work.panel.experts[place].key, str(grades), number(most)] for place, grades, most in work.without_expert()]
    return _paired("without-expert", "去掉一位专家", "专家", rows)


def without_indicator(work: Scores) -> Table:
    """What leaving out one indicator would change."""
    rows = [[work.panel.indicators[place].name, str(grades), number(most)] for place, grades, most in work.without_indicator()]
    columns = ["去掉的指标", "改变等级的联盟", "评分的最大变动"]
    return Table("without-indicator", "去掉一项指标", columns, rows, "lrr", stretch=0, note="其余指标按比例放大到100分再算。")


def _paired(key: str, caption: str, what: str, rows: list[list[str]]) -> Table:
    half = -(-len(rows) // 2)
    pairs = [[*left, *right] for left, right in zip(rows[:half], [*rows[half:], ["", "", ""]])]
    records = [{what: row[0], "改变等级的联盟": row[1], "评分的最大变动": row[2]} for row in rows]
    return Table(key, caption, [what, "改变等级的联盟", "评分的最大变动"] * 2, pairs, "lrrlrr", stretch=-1, records=records)


def confidence(work: Scores) -> Table:
    """The alliances whose grade another panel of such experts might well not give; empty where every grade is firm."""
    chances, labels, scheme = work.confidence, work.panel.scheme.labels, work.panel.scheme
    rows, records = [], []
    for one, chance in zip(work.settled, chances):
        grade, own = scheme.grade(float(one.panel_score)), _own(one, chance, scheme)
        records.append({"联盟": one.entry.name, "代码": one.entry.code, "合成评分": str(one.panel_score), "等级": grade,
                        **{f"{g}的把握": f"{float(c):.3f}" for g, c in zip(GRADES, chance)}})
        if own < SURE and one.review is None:
            rows.append([one.entry.name, one.entry.code, str(one.panel_score), labels[grade],
                         "，".join(f"{labels[g]}{float(c) * 100:.0f}%" for g, c in zip(GRADES, chance) if c >= 0.005)])
    return Table(
        "confidence",
        f"等级把握不到{SURE:.0%}的联盟",
        ["联盟名称", "代码", "评分", "等级", "模拟中的等级"],
        rows,
        "lcrll",
        records=records,
    )


def strengths(work: Scores) -> Table:
    """Where each grade and batch got most and least of the points, beside all."""
    found, names = rates(work), [i.name for i in work.panel.indicators]
    labels = work.panel.scheme.labels | {batch.key: batch.short for batch in work.panel.batches}
    rows: list[list[str] | str] = []
    for heading, groups in (("按等级", GRADES), ("按批次", [b.key for b in work.panel.batches])):
        rows.append(heading)
        for group in (g for g in groups if g in found):
            apart = sorted(((a - b, name) for a, b, name in zip(found[group], found[""], names)), reverse=True)
            for word, part in (
                ("最突出", [a for a in apart[:3] if a[0] > 0]),
                ("最不足", [a for a in apart[:-4:-1] if a[0] < 0]),
            ):
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
            ["一致程度", "ICC由方差分量（Henderson第三法）算出，分工不完整也可用；α用krippendorff包；区间由重抽联盟500次得到"],
            ["制作工具", "，".join(f"{name} {version(name)}" for name in MADE_WITH)]]
    return Table("provenance", "数据来源与算法", ["项目", "内容"], rows, "ll", stretch=1)
