"""What may be said of a panel: each function decides which sentences of `notebooks/text/panel.toml` hold, with their numbers.

Then how numbers are printed in them and in the tables.
"""

from __future__ import annotations

import math
from fractions import Fraction

import pandas as pd

from analysis.grades import BEST_FIRST, INCOMPLETE
from analysis.panel.marks import KEEP
from analysis.panel.rules import EXPERT_GROUPS, GROUPS, MEAN, MEDIAN, POOL, REPLACE
from analysis.panel.scores import SURE, Scores
from analysis.panel.workbook import SECOND, STAGES, UNFIT, Panel
from analysis.shares import Share, half_up, signed
from analysis.sheets import NOT_ENTERED, panel_digest
from analysis.words import Verdict


def told(*names: str | None, **numbers: object) -> list[Verdict]:
    """Verdicts of one set of numbers; None says nothing."""
    return [Verdict(name, numbers) for name in names if name]


def cover(panel: Panel) -> list[Verdict]:
    """The cover, which says where the data is simulated, or the result interim."""
    kind = "cover.simulated" if panel.simulated else "cover.interim" if panel.interim else "cover.real"
    return told(kind, period=panel.name, start=panel.start, end=panel.end, evaluated=len(panel.evaluated), experts=len(panel.experts))


def summary(work: Scores, intake: pd.DataFrame) -> list[list[Verdict]]:
    """What was found, an item each: who took part, the marks and what was checked of them, the list, how firm it is, the experts."""
    states, panel, alliances, changed = intake["情况"], work.panel, work.alliances, _changed(work)
    unfit, waiting, listed = int((states == UNFIT).sum()), int(alliances["待定"].sum()), int((alliances["重点差异"] != "").sum())
    hinted = int((work.experts["提示"] != "").sum())
    outcome = ("summary.waiting" if waiting else "summary.interim" if panel.interim else "summary.decided" if listed
               else "summary.nobody")
    return [
        told("summary.unfit" if unfit else "summary.entered", entered=int((states > NOT_ENTERED).sum()), unfit=unfit,
             incomplete=int((states == INCOMPLETE).sum()), evaluated=len(panel.evaluated)),
        marks(work),
        told(outcome, listed=listed, open=waiting, share=Share(listed, len(alliances))),
        firmness(alliances),
        told("summary.hinted" if hinted else "summary.no-hint", {None: "summary.adjusted-unknown", 0: "summary.adjusted-none"}.get(
            changed, "summary.adjusted"), hinted=hinted, changed=changed),
    ]


def marks(work: Scores) -> list[Verdict]:
    """What marks there are, what they were held against, and what the own alliances of experts bar."""
    panel, evaluated = work.panel, work.panel.evaluated
    own = [(e.key, id) for e in panel.experts.values() for id in e.own & evaluated.keys()]
    barred = sum(panel.groups[EXPERT_GROUPS, stage].get(key) == panel.groups[GROUPS, stage].get(id) is not None
                 for key, id in own for stage in STAGES)
    untold = sum(not e.post and not e.own for e in panel.experts.values())
    theirs = ("marks.own", "marks.barred" if barred else "marks.apart") if own else ("marks.no-own",)
    return told("marks.interim" if panel.interim else "marks.all", "marks.checked", *theirs, "marks.untold" if untold else None,
                experts=work.totals["expert"].nunique(), marks=len(panel.marks), out=len(panel.totals), barred=barred, untold=untold,
                missing=len(panel.totals) - len(work.totals), own=len({key for key, _ in own}), pairs=len(own))


def _changed(work: Scores) -> int | None:
    """How many grades taking off the severities changes; None where nobody can be held against anybody."""
    return None if work.model.alone.all() else int((work.adjusted["等级"] != work.adjusted["扣除宽严后的等级"]).sum())


def ladder(rules: dict) -> list[Verdict]:
    """The completeness rule, as the workbook sets it."""
    needed, least = rules["信息完整的必填指标"], rules["可评价的最少开展数"]
    return told("ladder.rule", "ladder.least" if least else "ladder.all", "ladder.needed" if needed else None,
                entered=rules["录入信息的最少填写数"], complete=rules["信息完整的最少填写数"], least=least, needed=needed)


def stages(work: Scores, moved: pd.DataFrame, both: int) -> list[Verdict]:
    """How many of those that have marks of both stages change grade, and whether one stage lies over the other for all."""
    if not both:
        return told("stages.one")
    effect, reach = work.stage_effect()
    way = ("stages.effect-unknown" if not math.isfinite(reach) else "stages.no-effect" if abs(effect) <= reach
           else "stages.higher" if effect > 0 else "stages.lower")
    up = int((moved["会评"] > moved["初评"]).sum())
    return told("stages.moved" if len(moved) else "stages.none", way, moved=len(moved), up=up, down=len(moved) - up, both=both,
                effect=number(abs(effect), 2), low=number(effect - reach, "+2"), high=number(effect + reach, "+2"))


def conditions(panel: Panel) -> list[list[Verdict]]:
    """What puts an alliance on the list; an item each, none where the rules name nothing."""
    spread, apart = panel.rules["重点差异：极差超过"], panel.rules["重点差异：组间相差至少"]
    return [told("listed.range" if spread is not None else None, points=f"{float(spread or 0):g}"),
            told("listed.grades" if panel.rules["重点差异：组间等级不同"] else None, points=f"{float(apart):g}")]


def listed(alliances: pd.DataFrame) -> list[Verdict]:
    """What became of those on the list; who was re-reviewed without standing there; which decision lies outside the marks."""
    on_list, waiting, outside = alliances["重点差异"] != "", alliances.loc[alliances["待定"], "联盟"], alliances.loc[alliances["出界"], "联盟"]
    unasked, kept = int((~on_list & (alliances["复核"] != "")).sum()), int((alliances["复核"] == KEEP).sum())
    return told("listed.open" if len(waiting) else "listed.decided" if on_list.any() else "listed.nobody", "listed.kept" if kept else None,
                "listed.unasked" if unasked else None, "listed.outside" if len(outside) else None, listed=int(on_list.sum()),
                open=len(waiting), names=[*waiting], kept=kept, unasked=unasked, outside=[*outside])


def severity(work: Scores) -> list[Verdict]:
    """Whether every severity can be held against every other, what was left out, who has a hint, and what all of it would change."""
    model, experts, changed = work.model, work.experts, _changed(work)
    hinted, parts = experts[experts["提示"] != ""], model.part.nunique()
    thrown = work.totals["alliance"].nunique() - len(work.adjusted)
    return told("severity.one-expert" if len(experts) == 1 else "severity.linked" if parts == 1 else "severity.parts",
                "severity.how" if model.variance >= 0 else "severity.no-intervals", "severity.thrown" if thrown else None,
                "severity.hinted" if len(hinted) else None, {None: "severity.unknown", 0: "severity.none"}.get(changed, "severity.changed"),
                parts=parts, residual=number(math.sqrt(model.variance), 2), thrown=thrown, hinted=len(hinted), changed=changed,
                names=[f"{one.专家}（{one.提示}）" for one in hinted.itertuples()])


def firmness(alliances: pd.DataFrame) -> list[Verdict]:
    """The standard error of a settled score in points, and how many grades another panel of such experts might well not give."""
    known = alliances.dropna(subset=["把握"])
    unsure, error = known[known["把握"] < SURE], known["标准误"].median()
    if known.empty:
        return told("firmness.unknown")
    return told("firmness.error", "firmness.unsure" if len(unsure) else "firmness.sure", error=number(error, 1),
                apart=number(1.96 * math.sqrt(2) * error, 1), unsure=len(unsure), near=number(unsure["离分档线"].max(), 1))


def rules(panel: Panel) -> list[list[Verdict]]:
    """How marks become a score, by which methods the rest was found, and in what; an item each."""
    rules, weight = panel.rules, float(100 * (panel.rules["会评权重"] or 0))
    middle = {MEAN: "rules.mean", MEDIAN: "rules.median"}.get(rules["汇总方法"], "rules.trimmed")
    joined = {REPLACE: "rules.replace", POOL: "rules.pool"}.get(rules["两阶段合成"], "rules.weigh")
    return [told("rules.sum", middle, joined if SECOND in panel.stages else "rules.one-stage", "rules.rounding",
                 trim=rules["截尾个数"],
                 second=f"{weight:g}%", first=f"{100 - weight:g}%",
                 floors=[f"{floor:g}" for floor in panel.scheme.floors.values() if floor][::-1]),
            told("rules.severity"), told("rules.error"),
            told("rules.source", file=panel.path.name, digest=panel_digest(panel.name, panel.data)[:16])]


def scores(panel: Panel, alliances: pd.DataFrame) -> list[Verdict]:
    """How many have each grade, and what is withheld."""
    counts, withheld, grade = alliances["等级"].value_counts(), int((~alliances["公布"]).sum()), panel.rules["不公布评分的等级"]
    return told("scores.grades", "scores.withheld" if withheld else None, withheld=withheld, grade=panel.scheme.labels.get(grade),
                grades=[f"{panel.scheme.labels[name]}{counts[name]}家" for name in BEST_FIRST])


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
