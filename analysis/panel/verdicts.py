"""What may be said of a panel: each function decides which sentences of `notebooks/text/panel.toml` hold, with their numbers.

Then how numbers are printed in them and in the tables.
"""

from __future__ import annotations

import math
from fractions import Fraction

import pandas as pd

from analysis.grades import BEST_FIRST, INCOMPLETE
from analysis.panel.scores import SURE, Scores
from analysis.panel.workbook import UNFIT, Panel
from analysis.period import NOT_ENTERED
from analysis.shares import half_up, signed
from analysis.sheets import panel_digest
from analysis.words import Verdict, verdict


def cover(panel: Panel) -> Verdict:
    """The cover, which says where the data is simulated, or the result interim."""
    kind = "cover.simulated" if panel.simulated else "cover.interim" if panel.interim else "cover.real"
    return verdict(kind, period=panel.name, start=panel.start, end=panel.end, evaluated=len(panel.alliances), experts=len(panel.experts))


def marks(work: Scores) -> list[Verdict]:
    """Who took part, what marks there are, and what the own alliances of experts bar."""
    panel, states, experts = work.panel, work.panel.intake["情况"].value_counts(), work.panel.experts
    own = experts["own"].map(lambda own: len(own & {*panel.alliances.index}))
    untold = int(((experts["单位及职务"] == "") & (experts["own"].map(len) == 0)).sum())
    return [verdict("marks.taken-part", entered=len(panel.intake) - states.get(NOT_ENTERED, 0), incomplete=states.get(INCOMPLETE, 0),
                    unfit=states.get(UNFIT, 0), evaluated=len(panel.alliances)),
            verdict("marks.interim" if panel.interim else "marks.all", experts=work.totals["expert"].nunique(), marks=len(panel.marks),
                    out=len(panel.totals), missing=len(panel.totals) - len(work.totals)),
            verdict("marks.no-own" if not own.any() else "marks.own" if panel.barred else "marks.own-apart", own=int((own > 0).sum()),
                    pairs=int(own.sum()), barred=panel.barred),
            *[verdict("marks.untold", untold=untold)] * bool(untold)]


def stages(work: Scores, moved: pd.DataFrame, both: int) -> list[Verdict]:
    """How many of those that have marks of both stages change grade, and whether one stage lies over the other for all."""
    if not both:
        return [verdict("stages.one")]
    effect, reach = work.stage_effect()
    told = "stages.unknown" if not math.isfinite(reach) else "stages.no-effect" if abs(effect) <= reach else "stages.effect"
    up = int((moved["会评"] > moved["初评"]).sum())
    return [verdict("stages.moved", moved=len(moved), up=up, down=len(moved) - up, both=both),
            verdict(told, effect=number(effect, "+2"), low=number(effect - reach, "+2"), high=number(effect + reach, "+2"))]


def listed(work: Scores) -> list[Verdict]:
    """What became of those on the list, and of the score sheet; which decision lies outside the marks."""
    alliances = work.alliances
    on_list, waiting, outside = alliances["重点差异"] != "", alliances.loc[alliances["待定"], "联盟"], alliances.loc[alliances["出界"], "联盟"]
    told = "listed.open" if len(waiting) else "listed.decided" if on_list.any() else "listed.nobody"
    return [verdict(told, listed=int(on_list.sum()), open=len(waiting), names=[*waiting]),
            *[verdict("listed.outside", outside=[*outside])] * bool(len(outside))]


def severity(work: Scores) -> list[Verdict]:
    """Whether every severity can be held against every other, what was left out, who has a hint, and what all of it would change."""
    model, adjusted, hinted = work.model, work.adjusted, work.experts[work.experts["提示"] != ""]
    if model.alone.all():
        return [verdict("severity.unknown")]
    thrown = len(work.alliances) - len(adjusted)
    return [verdict("severity.linked" if model.part.nunique() == 1 else "severity.parts", parts=model.part.nunique()),
            verdict("severity.how" if model.variance >= 0 else "severity.no-intervals", residual=number(math.sqrt(model.variance), 2)),
            *[verdict("severity.thrown", thrown=thrown)] * bool(thrown),
            *[verdict("severity.hinted", hinted=len(hinted), names=[*hinted["专家"] + "（" + hinted["提示"] + "）"])] * bool(len(hinted)),
            verdict("severity.changed", changed=int((adjusted["等级"] != adjusted["扣除宽严后的等级"]).sum()))]


def firmness(alliances: pd.DataFrame) -> Verdict:
    """The standard error of a settled score in points, and how many grades another panel of such experts might well not give."""
    known, error = alliances.dropna(subset=["把握"]), alliances["标准误"].median()
    return verdict("firmness.unknown" if known.empty else "firmness.error", error=number(error, 1),
                   apart=number(1.96 * math.sqrt(2) * error, 1), unsure=int((known["把握"] < SURE).sum()))


def scores(panel: Panel, alliances: pd.DataFrame) -> list[Verdict]:
    """How many have each grade, what is withheld, and what all of it was made from."""
    counts, withheld = alliances["等级"].value_counts(), int((~alliances["公布"]).sum())
    grades = [f"{panel.scheme.labels[name]}{counts[name]}家" for name in BEST_FIRST]
    return [verdict("scores.grades", grades=grades), *[verdict("scores.withheld", withheld=withheld)] * bool(withheld),
            verdict("scores.source", file=panel.path.name, digest=panel_digest(panel.name, panel.data)[:16])]


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
