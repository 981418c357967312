"""What may be said of a panel: each function decides which sentences of `notebooks/text/panel.toml` hold, with their numbers."""

from __future__ import annotations

import math

import pandas as pd

from analysis.grades import BEST_FIRST, INCOMPLETE
from analysis.panel.frames import SURE, number
from analysis.panel.rules import MEAN, MEDIAN, POOL, REPLACE, YES
from analysis.panel.scores import Scores
from analysis.panel.workbook import UNFIT, Panel
from analysis.shares import Share
from analysis.sheets import NOT_ENTERED
from analysis.words import Verdict, verdict


def cover(panel: Panel) -> Verdict:
    """The cover, which says where the data is simulated."""
    return verdict("cover.simulated" if panel.simulated else "cover.real", period=panel.name, start=panel.start, end=panel.end,
                   evaluated=len(panel.evaluated), experts=len(panel.experts))


def summary(work: Scores, intake: pd.DataFrame, alliances: pd.DataFrame, experts: pd.DataFrame, adjusted: pd.DataFrame,
            chances: pd.DataFrame) -> list[list[Verdict]]:
    """What was found, an item each: who took part, the marks, the list, the experts, how firm the grades are."""
    states, variance, hinted = intake["情况"], work.model.variance, int((experts["提示"] != "").sum())
    unfit, unsure = int((states == UNFIT).sum()), int((chances["把握"] < SURE).sum())
    linked = "summary.one-expert" if len(experts) == 1 else "summary.linked" if work.model.parts == 1 else "summary.parts"
    comparison = {None: "summary.adjusted-unknown", 0: "summary.adjusted-none"}
    changed = _changed(work, adjusted)
    confidence = "summary.unknown" if not _known(chances) else "summary.unsure" if unsure else "summary.sure"
    return [
        [verdict("summary.unfit" if unfit else "summary.entered", entered=int((states > NOT_ENTERED).sum()), unfit=unfit,
                 incomplete=int((states == INCOMPLETE).sum()), evaluated=len(alliances))],
        [verdict("summary.marks", experts=len(experts), marks=len(work.panel.marks))],
        [_list(alliances)],
        [verdict(linked, parts=work.model.parts),
         verdict("summary.residual", error=number(math.sqrt(variance), 2)) if math.isfinite(variance) else verdict("summary.no-residual"),
         verdict("summary.hinted", hinted=hinted) if hinted else verdict("summary.no-hint")],
        [verdict(comparison.get(changed, "summary.adjusted-some"), changed=changed), verdict(confidence, unsure=unsure),
         verdict("summary.raw")],
    ]


def _list(alliances: pd.DataFrame) -> Verdict:
    """How many are on the list for the re-review, and whether the score sheet waits for them."""
    listed, waiting = int((alliances["重点差异"] != "").sum()), int(alliances["待定"].sum())
    asked = "summary.asked" if alliances["复核评分"].notna().any() else "summary.nobody"
    return verdict("summary.open" if waiting else "summary.decided" if listed else asked, listed=listed, open=waiting,
                   share=Share(listed, len(alliances)))


def _known(chances: pd.DataFrame) -> bool:
    """Whether the chances of the grades could be told."""
    return len(chances) > 0 and not chances["把握"].isna().any()


def _changed(work: Scores, adjusted: pd.DataFrame) -> int | None:
    """How many grades taking off the severities changes; None where nobody can be held against anybody."""
    alone = work.model.alone[work.model.part_of_expert >= 0]
    return None if alone.all() else int((adjusted["等级"] != adjusted["扣除宽严后的等级"]).sum())


def ladder(panel: Panel) -> list[Verdict]:
    """The completeness rule, as the workbook sets it."""
    rules = panel.rules
    needed, least = list(rules["信息完整的必填指标"]), rules["可评价的最少开展数"]
    return [verdict("ladder.entered", entered=rules["录入信息的最少填写数"]),
            verdict("ladder.complete-named" if needed else "ladder.complete", complete=rules["信息完整的最少填写数"], needed=needed),
            verdict("ladder.least" if least else "ladder.all", least=least),
            *([verdict("ladder.not-shown", words=[f"“{word}”" for word in rules["视为未开展的填写"]])] if rules["视为未开展的填写"] else [])]


def rules(panel: Panel) -> list[Verdict]:
    """How marks become a score."""
    rules, weight = panel.rules, panel.rules["会评权重"]
    centre = {MEAN: "rules.mean", MEDIAN: "rules.median"}.get(rules["汇总方法"], "rules.trimmed")
    joined = {REPLACE: "rules.replace", POOL: "rules.pool"}.get(rules["两阶段合成"], "rules.weigh")
    shares = {"second": f"{float(100 * weight):g}%", "first": f"{float(100 - 100 * weight):g}%"} if joined == "rules.weigh" else {}
    return [verdict("rules.sum"), verdict(centre, trim=rules["截尾个数"]),
            verdict("rules.one-stage") if len(panel.stages) == 1 else verdict(joined, **shares), verdict("rules.rounding")]


def scores(panel: Panel, alliances: pd.DataFrame) -> list[Verdict]:
    """How many have each grade, and what is withheld."""
    counts = alliances["等级"].value_counts()
    withheld, grade = int((~alliances["公布"]).sum()), panel.rules["不公布评分的等级"]
    return [verdict("scores.grades", grades=[f"{panel.scheme.labels[name]}{counts[name]}家" for name in BEST_FIRST]),
            verdict("scores.way"),
            *([verdict("scores.withheld", grade=panel.scheme.labels[grade], withheld=withheld)] if withheld else [])]


def stages(panel: Panel, moved: pd.DataFrame) -> Verdict | None:
    """How many have another grade in the second stage; nothing where there was one stage only."""
    if len(panel.stages) == 1:
        return None
    return verdict("stages.moved", moved=len(moved)) if len(moved) else verdict("stages.none")


def stages_title(moved: pd.DataFrame) -> Verdict:
    """How many of those went up, how many down."""
    up = int((moved["会评"] > moved["初评"]).sum())
    return verdict("title.stages", up=up, down=len(moved) - up)


def conditions(panel: Panel) -> list[Verdict]:
    """What puts an alliance on the list; an item each, none where the rules name nothing."""
    rules = panel.rules
    spread, residual = rules["重点差异：极差超过"], rules["重点差异：残差超过标准差"]
    return [*([verdict("listed.range", points=number(spread, 1))] if spread is not None else []),
            *([verdict("listed.grades", points=number(rules["重点差异：组间相差至少"], 1))] if rules["重点差异：组间等级不同"] == YES else []),
            *([verdict("listed.residual", times=number(residual, 1))] if residual is not None else [])]


def listed(alliances: pd.DataFrame) -> list[Verdict]:
    """What became of those on the list, and how many were re-reviewed without standing there."""
    on_list, waiting = alliances["重点差异"] != "", alliances.loc[alliances["待定"], "联盟名称"]
    unasked = int((~on_list & alliances["复核评分"].notna()).sum())
    outcome = "listed.open" if len(waiting) else "listed.decided" if on_list.any() else "listed.nobody"
    return [verdict(outcome, listed=int(on_list.sum()), open=len(waiting), names=list(waiting)),
            *([verdict("listed.unasked", unasked=unasked)] if unasked else [])]


def linked(work: Scores, experts: pd.DataFrame) -> list[Verdict]:
    """Whether every severity can be held against every other."""
    parts, alone = work.model.parts, int(experts["宽严"].isna().sum())
    if len(experts) == 1 or parts == 1:
        return [verdict("linked.one-expert" if len(experts) == 1 else "linked.all", experts=len(experts))]
    return [verdict("linked.parts", parts=parts), verdict("linked.alone" if alone else "linked.within", alone=alone),
            verdict("linked.remedy")]


def severity(work: Scores, experts: pd.DataFrame) -> list[Verdict]:
    """How to read the deviations and severities, and who has a hint."""
    hinted = experts[experts["提示"] != ""]
    intervals = "severity.intervals" if math.isfinite(work.model.variance) else "severity.no-intervals"
    names = [f"{one.专家}（{one.提示}）" for one in hinted.itertuples()]
    return [verdict("severity.nobody" if experts["偏离"].isna().all() else intervals),
            *([verdict("severity.hinted", hinted=len(names), names=names)] if names else [])]


def agreement(work: Scores, groups: pd.DataFrame) -> list[Verdict]:
    """The components of variance, and what the coefficients of the groups can be held to say."""
    parts, icc, apart = work.model.components(), work.model.icc(), list(groups.loc[groups["片"] > 1, "范围"])
    known = all(map(math.isfinite, parts.values()))
    return [verdict("agreement.components", **{name: number(value, 2) for name, value in parts.items()}, one=number(icc["one"], 3),
                    many=number(icc["many"], 3), each=number(icc["k"], 1)) if known else verdict("agreement.no-components"),
            verdict("agreement.groups" if len(groups) else "agreement.nobody"),
            *([verdict("agreement.apart", apart=apart)] if apart else [])]


def adjusted(work: Scores, adjusted: pd.DataFrame) -> list[Verdict]:
    """What taking off the severities would change."""
    changed = _changed(work, adjusted)
    return [verdict({None: "adjusted.unknown", 0: "adjusted.none"}.get(changed, "adjusted.some"), changed=changed), verdict("adjusted.only"),
            *([verdict("adjusted.within")] if work.model.parts > 1 else [])]


def without(experts: pd.DataFrame) -> list[Verdict]:
    """What leaving out one expert (`frames.without`) or indicator changes, and who is left without a score."""
    lost = [verdict("without.lost", who=one[1], names=one.没有评分的联盟) for one in experts.itertuples() if one.没有评分的联盟]
    return [verdict("without.both" if len(experts) > 1 else "without.indicators"), *lost]


def confidence(panel: Panel, chances: pd.DataFrame) -> list[Verdict]:
    """How many grades another panel of such experts might well not give."""
    if not _known(chances):
        return [verdict("confidence.unknown")]
    unsure = chances[chances["把握"] < SURE]
    return [verdict("confidence.how", draws=panel.rules["模拟次数"], seed=panel.rules["随机种子"]),
            verdict("confidence.unsure", unsure=len(unsure), near=number(unsure["离分档线"].max(), 2)) if len(unsure)
            else verdict("confidence.sure")]


def deviations_title(deviations: pd.DataFrame) -> Verdict | None:
    """The mean deviations that are furthest apart."""
    means = deviations.groupby("专家")["偏离"].mean()
    return verdict("title.deviations", least=number(means.min(), "+1"), most=number(means.max(), "+1")) if len(means) else None


def agreement_title(groups: pd.DataFrame) -> Verdict | None:
    """The group in which one expert stands least for the others."""
    if groups["ICC"].isna().all():
        return None
    least = groups.loc[groups["ICC"].idxmin()]
    return verdict("title.agreement", name=least["范围"], icc=number(least["ICC"], 3))


def rates_title(rates: pd.DataFrame) -> Verdict | None:
    """The indicator on which the grades are furthest apart. `rates`: a row an indicator, a column a grade."""
    gaps = rates.max(axis=1) - rates.min(axis=1)
    if rates.shape[1] == 1:
        return None
    return verdict("title.rates", indicator=gaps.idxmax(), gap=number(100 * gaps.max(), 0))
