"""What may be said of a panel: each function decides which sentences of `notebooks/text/panel.toml` hold, with their numbers."""

from __future__ import annotations

import math

import pandas as pd

from analysis.grades import BEST_FIRST, INCOMPLETE
from analysis.panel.frames import number
from analysis.panel.rules import MEAN, MEDIAN, POOL, REPLACE, YES
from analysis.panel.scores import KEEP, SURE, Scores
from analysis.panel.workbook import SECOND, STAGES, UNFIT, Panel
from analysis.shares import Share
from analysis.sheets import NOT_ENTERED
from analysis.words import Verdict, verdict


def cover(panel: Panel) -> Verdict:
    """The cover, which says where the data is simulated, or the result interim."""
    kind = "cover.simulated" if panel.simulated else "cover.interim" if panel.interim else "cover.real"
    return verdict(kind, period=panel.name, start=panel.start, end=panel.end, evaluated=len(panel.evaluated), experts=len(panel.experts))


def summary(work: Scores, intake: pd.DataFrame, alliances: pd.DataFrame, experts: pd.DataFrame) -> list[list[Verdict]]:
    """What was found, an item each: who took part, the marks and what was checked of them, the list, the experts, how firm it is."""
    states, panel, unfit = intake["情况"], work.panel, int((intake["情况"] == UNFIT).sum())
    changed, waiting = _changed(work), int(alliances["待定"].sum())
    listed_, hinted = int((alliances["重点差异"] != "").sum()), int((experts["提示"] != "").sum())
    outcome = ("summary.waiting" if waiting else "summary.interim" if panel.interim else "summary.decided" if listed_ else
               "summary.nobody")
    return [
        [verdict("summary.unfit" if unfit else "summary.entered", entered=int((states > NOT_ENTERED).sum()), unfit=unfit,
                 incomplete=int((states == INCOMPLETE).sum()), evaluated=len(panel.evaluated))],
        marks(work),
        [verdict(outcome, listed=listed_, open=waiting, share=Share(listed_, len(alliances)))],
        [*firmness(alliances)],
        [verdict("summary.hinted" if hinted else "summary.no-hint", hinted=hinted),
         verdict({None: "summary.adjusted-unknown", 0: "summary.adjusted-none"}.get(changed, "summary.adjusted"), changed=changed)],
    ]


def marks(work: Scores) -> list[Verdict]:
    """What marks there are, what they were held against, and what the own alliances of experts bar."""
    panel, evaluated = work.panel, {entry.id: entry for entry in work.panel.evaluated}
    own = [(e, id) for e in panel.experts for id in e.own & evaluated.keys()]
    barred = sum(panel.groups[stage].get(e.key) == panel.groups[stage].get(id) is not None for e, id in own for stage in STAGES)
    untold = sum(not e.told for e in panel.experts)
    return [verdict("marks.interim" if panel.interim else "marks.all", experts=work.totals["expert"].nunique(), marks=len(panel.marks),
                    out=len(panel.assigned), missing=len(panel.missing)), verdict("marks.checked"),
            verdict("marks.own", own=len({e.key for e, _ in own}), pairs=len(own), barred=barred) if own else verdict("marks.no-own"),
            *([verdict("marks.untold", untold=untold)] if untold else [])]


def _changed(work: Scores) -> int | None:
    """How many grades taking off the severities changes; None where nobody can be held against anybody."""
    alone = work.model.alone[work.model.part >= 0]
    return None if alone.all() else int((work.adjusted["等级"] != work.adjusted["扣除宽严后的等级"]).sum())


def ladder(panel: Panel) -> list[Verdict]:
    """The completeness rule, as the workbook sets it."""
    rules = panel.rules
    needed, least = list(rules["信息完整的必填指标"]), rules["可评价的最少开展数"]
    return [verdict("ladder.entered", entered=rules["录入信息的最少填写数"]),
            verdict("ladder.complete-named" if needed else "ladder.complete", complete=rules["信息完整的最少填写数"], needed=needed),
            verdict("ladder.least" if least else "ladder.all", least=least)]


def stages(work: Scores, moved: pd.DataFrame, second: int) -> list[Verdict]:
    """How many of the `second` that have marks of both stages change grade, and whether one stage lies over the other for all."""
    if not second:
        return [verdict("stages.one")]
    effect, reach = work.stage_effect()
    told = ("stages.no-effect" if abs(effect) <= reach else "stages.higher" if effect > 0 else "stages.lower") if math.isfinite(reach) \
        else "stages.effect-unknown"
    return [verdict("stages.moved", moved=len(moved), both=second) if len(moved) else verdict("stages.none", both=second),
            verdict(told, effect=number(abs(effect), 2), low=number(effect - reach, "+2"), high=number(effect + reach, "+2"))]


def stages_title(moved: pd.DataFrame) -> Verdict:
    """How many of those went up, how many down."""
    up = int((moved["会评"] > moved["初评"]).sum())
    return verdict("title.stages", up=up, down=len(moved) - up)


def conditions(panel: Panel) -> list[Verdict]:
    """What puts an alliance on the list; an item each, none where the rules name nothing."""
    rules = panel.rules
    spread, residual = rules["重点差异：极差超过"], rules["重点差异：残差超过标准差"]
    return [*([verdict("listed.range", points=f"{spread:g}")] if spread is not None else []),
            *([verdict("listed.grades", points=f"{rules['重点差异：组间相差至少']:g}")] if rules["重点差异：组间等级不同"] == YES else []),
            *([verdict("listed.residual", times=f"{residual:g}")] if residual is not None else [])]


def listed(alliances: pd.DataFrame) -> list[Verdict]:
    """What became of those on the list; who was re-reviewed without standing there; which decision lies outside the marks."""
    on_list, waiting, outside = alliances["重点差异"] != "", alliances.loc[alliances["待定"], "联盟"], alliances.loc[alliances["出界"], "联盟"]
    unasked, kept = int((~on_list & (alliances["复核"] != "")).sum()), int((alliances["复核"] == KEEP).sum())
    outcome = "listed.open" if len(waiting) else "listed.decided" if on_list.any() else "listed.nobody"
    return [verdict(outcome, listed=int(on_list.sum()), open=len(waiting), names=list(waiting)),
            *([verdict("listed.kept", kept=kept)] if kept else []), *([verdict("listed.unasked", unasked=unasked)] if unasked else []),
            *([verdict("listed.outside", names=list(outside))] if len(outside) else [])]


def severity(work: Scores, experts: pd.DataFrame) -> list[Verdict]:
    """Whether every severity can be held against every other, what was left out, who has a hint, and what all of it would change."""
    parts, hinted, changed = work.model.parts, experts[experts["提示"] != ""], _changed(work)
    thrown = work.totals["alliance"].nunique() - len({*(work.model.cell // len(STAGES)).tolist()})
    names = [f"{one.专家}（{one.提示}）" for one in hinted.itertuples()]
    return [verdict("severity.one-expert" if len(experts) == 1 else "severity.linked" if parts == 1 else "severity.parts", parts=parts),
            verdict("severity.how", residual=number(math.sqrt(work.model.variance), 2)) if work.model.variance >= 0
            else verdict("severity.no-intervals"),
            *([verdict("severity.thrown", thrown=thrown)] if thrown else []),
            *([verdict("severity.hinted", hinted=len(names), names=names)] if names else []),
            verdict({None: "severity.unknown", 0: "severity.none"}.get(changed, "severity.changed"), changed=changed)]


def severity_title(experts: pd.DataFrame) -> Verdict | None:
    """The severities that are furthest apart."""
    told = experts["宽严"].dropna()
    return verdict("title.severity", least=number(told.min(), "+1"), most=number(told.max(), "+1")) if len(told) else None


def firmness(alliances: pd.DataFrame) -> list[Verdict]:
    """The standard error of a settled score in points, and how many grades another panel of such experts might well not give."""
    known = alliances.dropna(subset=["把握"])
    if known.empty:
        return [verdict("firmness.unknown")]
    unsure, error = int((known["把握"] < SURE).sum()), known["标准误"].median()
    return [verdict("firmness.error", error=number(error, 1), apart=number(1.96 * math.sqrt(2) * error, 1)),
            verdict("firmness.unsure", unsure=unsure, near=number(known.loc[known["把握"] < SURE, "离分档线"].max(), 1)) if unsure
            else verdict("firmness.sure")]


def rules(panel: Panel) -> list[Verdict]:
    """How marks become a score."""
    rules, weight = panel.rules, panel.rules["会评权重"]
    middle = {MEAN: "rules.mean", MEDIAN: "rules.median"}.get(rules["汇总方法"], "rules.trimmed")
    joined = {REPLACE: "rules.replace", POOL: "rules.pool"}.get(rules["两阶段合成"], "rules.weigh")
    shares = {"second": f"{float(100 * weight):g}%", "first": f"{float(100 - 100 * weight):g}%"} if joined == "rules.weigh" else {}
    return [verdict("rules.sum"), verdict(middle, trim=rules["截尾个数"]),
            verdict(joined, **shares) if SECOND in panel.stages else verdict("rules.one-stage"), verdict("rules.rounding")]


def scores(panel: Panel, alliances: pd.DataFrame) -> list[Verdict]:
    """How many have each grade, and what is withheld."""
    counts = alliances["等级"].value_counts()
    withheld, grade = int((~alliances["公布"]).sum()), panel.rules["不公布评分的等级"]
    return [verdict("scores.grades", grades=[f"{panel.scheme.labels[name]}{counts[name]}家" for name in BEST_FIRST]),
            *([verdict("scores.withheld", grade=panel.scheme.labels[grade], withheld=withheld)] if withheld else [])]
