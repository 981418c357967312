"""What may be said of one period: comparisons of its roster as named verdicts. The sentences are in notebooks/text/report.toml."""

from __future__ import annotations

import base64
from fractions import Fraction

import pandas as pd

from analysis import roster, shares, trends
from analysis.grades import BEST_FIRST, FAIR, FAIRLY_HIGH, HIGH, LOW, Scheme
from analysis.registry import first_year
from analysis.sheets import Period
from analysis.words import Verdict, Words, told

MOST = {HIGH: ("grade.high", "grade.high-tie"), FAIRLY_HIGH: ("grade.fairly-high", "grade.fairly-high-tie"),
        FAIR: ("grade.fair", "grade.fair-tie"), LOW: ("grade.low", "grade.low-tie")}  # of some batches one has the most, or several


def sizes(alliances: pd.DataFrame) -> dict[str, object]:
    """How many there are of a roster or a part of it: all, pilots, members, evaluated, and of those the two upper and lower grades."""
    evaluated, pilots = alliances["grade"].dropna(), int(alliances["pilot"].sum())
    upper = int((evaluated >= FAIRLY_HIGH).sum())
    return {"total": len(alliances), "pilots": pilots, "members": len(alliances) - pilots, "evaluated": len(evaluated), "upper": upper,
            "lower": len(evaluated) - upper, "share": shares.share(len(evaluated), of=len(alliances)),
            "upper_share": shares.share(upper, of=len(evaluated))}


def rates(alliances: pd.DataFrame, holds: pd.Series) -> pd.Series:
    """Of how many of each batch something holds, as exact fractions; batches without an alliance are left out."""
    groups = holds.groupby(alliances["batch"], observed=True)
    return groups.agg(lambda rows: Fraction(int(rows.sum()), len(rows))).astype(object)


def most(numbers: pd.Series) -> list[str]:
    """The names of the largest of some numbers."""
    return [*numbers.index[numbers == numbers.max()]]


def _which(numbers: pd.Series, alone: str, one: str, several: str) -> str:
    """Of three names that of the largest number: no other batch has any, one batch has it, or several have."""
    return several if len(most(numbers)) > 1 else one if (numbers > 0).sum() > 1 else alone


def leading(pilots: pd.DataFrame) -> list[Verdict]:
    """Which batch has the largest share of 活跃度高: of all its alliances and of those evaluated, which may not agree."""
    of_whole, of_evaluated = (rates(here, here["grade"] == HIGH) for here in (pilots, pilots.dropna(subset="grade")))
    if not of_whole.any():
        return told("leading.nobody")
    batches, others = most(of_whole), most(of_evaluated)
    name = "leading.two-views" if batches != others else _which(of_whole, "leading.all", "leading.one", "leading.tie")
    return told(name, batches=batches, evaluated_batches=others, of_whole=shares.percent(of_whole.max()),
                of_evaluated=shares.percent(of_evaluated.max()))


def cover(sheet: Period, alliances: pd.DataFrame) -> list[Verdict]:
    """The cover, with the date of issue where it is known."""
    issued = sheet.facts.get("发布时间")
    return told("cover.page", "cover.issued" if issued else None, period=sheet.name, start=sheet.start, end=sheet.end, issued=issued,
                **sizes(alliances))


def logo(sheet: Period) -> str:
    """The picture `logo.svg` or `logo.png` of the data folder as an address that has it whole; nothing where there is none."""
    kinds = {"svg": "image/svg+xml", "png": "image/png"}
    found = [path for kind in kinds if (path := sheet.path.parents[1] / f"logo.{kind}").exists()]
    return f"data:{kinds[found[0].suffix[1:]]};base64,{base64.b64encode(found[0].read_bytes()).decode()}" if found else ""


def change(sheet: Period, before: Period | None) -> list[Verdict]:
    """What became of those evaluated in the period before too: their mean score, with bounds for withheld ones, and their grades."""
    if before is None:
        return []
    both = trends.pair(roster.of_all([before, sheet]), before.name, sheet.name)
    stayed = both[both["stayed"]]
    left, entered, up, down = (int(rows.sum()) for rows in (both["left"], both["entered"], stayed["steps"] > 0, stayed["steps"] < 0))
    between = [p for p in sheet.registry.periods if first_year(before.name) < first_year(p) < first_year(sheet.name)]
    numbers = {"before": f"{before.name}评价期", "between": between, "stayed": len(stayed), "left": left, "entered": entered, "up": up,
               "down": down, "same": len(stayed) - up - down}
    if stayed.empty:
        return told("change.nobody-stayed", **numbers)
    said = told("change.who" if left and entered else "change.who-left" if left else "change.who-entered" if entered else "change.who-same",
                "change.between" if between else None, **numbers)
    if before.scheme.floors != sheet.scheme.floors:
        return said + told("change.other-floors")
    ends = [trends.mean(stayed[end]) for end in ("least", "most")]
    least, most = (shares.half_up(end, 1) for end in ends)
    if least == most:
        way = "change.rose-known" if least > 0 else "change.fell-known" if least < 0 else "change.same"
    else:
        way = "change.rose" if least > 0 else "change.fell" if most < 0 else "change.open"
    steps = "change.steps" if up and down else "change.steps-up" if up else "change.steps-down" if down else "change.steps-none"
    return said + told(way, steps, **numbers, least=shares.signed(ends[0], 1), most=shares.signed(ends[1], 1))


def rest(low: int, absent: int) -> list[Verdict]:
    """Whether there are any in the lowest grade, and any that were not evaluated; the cell has the numbers."""
    return told("summary.low" if low else "summary.low-none", "summary.absent" if absent else "summary.absent-none")


def by_batch(say: Words, upper: pd.DataFrame, lower: pd.DataFrame) -> list[Verdict]:
    """In which batches those of the two upper and of the two lower grades are."""
    return told("overall.by-batch" if len(upper) and len(lower) else "overall.all-upper" if len(upper) else "overall.all-lower",
                upper_batches=batches(say, upper), lower_batches=batches(say, lower))


def bar_title(pilots: pd.DataFrame) -> list[Verdict]:
    """Which batch's evaluated alliances are 活跃度高 most often."""
    evaluated = pilots.dropna(subset="grade")
    high = rates(evaluated, evaluated["grade"] == HIGH)
    return told(_which(high, "title.all", "title.one", "title.tie") if high.any() else "title.nobody", batches=most(high),
                share=shares.percent(max(high, default=Fraction())))


def coverage(say: Words, sheet: Period, alliances: pd.DataFrame) -> list[Verdict]:
    """How many entered, were incomplete and were evaluated, as far as the sheet says."""
    numbers, entered = sizes(alliances), sheet.facts.get("录入信息联盟数")
    gap = (entered or 0) - sheet.incomplete - numbers["evaluated"]
    incomplete = "coverage.incomplete-named" if sheet.absent else "coverage.incomplete"
    return told("coverage.members" if numbers["members"] else "coverage.pilots", "coverage.entered" if entered is not None else None,
                incomplete if sheet.incomplete else None, "coverage.gap" if gap > 0 else None, entered=entered, gap=gap,
                not_entered=len(alliances) - (entered or 0), incomplete=sheet.incomplete,
                sizes=batches(say, alliances[alliances["pilot"]]), **numbers)


def scope(sheet: Period, alliances: pd.DataFrame) -> list[Verdict]:
    """The period, and how many of whom were evaluated."""
    return told("summary.scope-pilots" if alliances["pilot"].all() else "summary.scope-members", start=sheet.start, end=sheet.end,
                months=sheet.months, **sizes(alliances))


def coverage_by_batch(pilots: pd.DataFrame) -> list[Verdict]:
    """Which batch was evaluated least, and which most."""
    evaluated = rates(pilots, pilots["grade"].notna())
    batches = most(-evaluated)
    name = ("coverage.alone" if len(evaluated) < 2 else "coverage.all-same" if len(batches) == len(evaluated)
            else "coverage.lowest-one" if len(batches) == 1 else "coverage.lowest-tie")
    return told(name, batches=batches, most_batches=most(evaluated), least=shares.percent(min(evaluated, default=Fraction())),
                most=shares.percent(max(evaluated, default=Fraction())))


def procedure(sheet: Period) -> list[Verdict]:
    """The notice and the steps of scoring, as far as their dates are known."""
    facts, dates = sheet.facts, {"procedure.kick-off": "启动会日期", "procedure.review": "会评日期", "procedure.recheck": "复核日期"}
    known = [name for name, item in dates.items() if item in facts]
    return told("procedure.notice" if "通知时间" in facts else "procedure.no-notice",
                *(["procedure.steps"] if len(known) == len(dates) else known), start=sheet.start, end=sheet.end,
                notice=facts.get("通知时间"), kick_off=facts.get("启动会日期"), review=facts.get("会评日期"), recheck=facts.get("复核日期"))


def experts(sheet: Period) -> list[Verdict]:
    """How many experts there were, where they came from, and whether they are named."""
    number, origin = sheet.facts.get("专家人数") or len(sheet.experts), sheet.facts.get("专家来源")
    return told(("experts.number-from" if origin else "experts.number") if number else None, "experts.list" if sheet.experts else None,
                number=number, origin=origin)


def band(scheme: Scheme, evaluated: pd.DataFrame, grade: str) -> str:
    """The scores of a grade in words, whole where all published ones are."""
    known = evaluated["score"].dropna()
    return scheme.band(grade, bool((known == known.round()).all()))


def bands(scheme: Scheme, evaluated: pd.DataFrame) -> list[Verdict]:
    """The four grades with their scores; those that have withheld scores."""
    hidden = evaluated.loc[evaluated["score"].isna(), "grade"]
    return told("results.bands", "results.withheld" if len(hidden) else None, number=len(hidden),
                bands=[f"{scheme.labels[grade]}（{band(scheme, evaluated, grade)}）" for grade in BEST_FIRST],
                grades=[scheme.labels[grade] for grade in BEST_FIRST if grade in {*hidden}])


def distribution(evaluated: pd.DataFrame, near: int) -> list[Verdict]:
    """The lowest and the highest published score, and how many are near a cut-off."""
    known = evaluated["score"].dropna()
    return told("overall.scores-none" if known.empty else "overall.scores" if len(known) == len(evaluated) else "overall.scores-published",
                least=known.min(), most=known.max(), near=near)


def batch(name: str, label: str, alliances: pd.DataFrame) -> list[Verdict]:
    """One batch: how many, how many evaluated, how many in the two upper and the two lower grades."""
    return told("batch.overview" if alliances["grade"].notna().any() else "batch.nobody", name=name, label=label, **sizes(alliances))


def batch_title(alliances: pd.DataFrame) -> list[Verdict]:
    """What part of a batch's evaluated alliances is in the two upper grades."""
    return told("batch.title" if alliances["grade"].notna().any() else "batch.title-nobody", **sizes(alliances))


def members(alliances: pd.DataFrame) -> list[Verdict]:
    """The network members, who are no pilots."""
    return told("members.overview" if alliances["grade"].notna().any() else "members.none" if len(alliances) else None, **sizes(alliances))


def annex(sheet: Period, alliances: pd.DataFrame, evaluated: pd.DataFrame) -> list[Verdict]:
    """How the table of scores is ranked, what its codes mean, and which of them the registry doubts."""
    doubtful = [f"{a.name}（{a.code}）" for a in sheet.doubtful if a in sheet.evaluated]
    return told("annex.ranks" if alliances["pilot"].all() else "annex.ranks-members",
                "annex.withheld" if evaluated["score"].isna().any() else None, "annex.doubtful" if doubtful else None, names=doubtful)


def grade(say: Words, scheme: Scheme, evaluated: pd.DataFrame, name: str) -> list[Verdict]:
    """One grade: how many, in which batch most of them are, and for the best who is at the top."""
    here = evaluated[evaluated["grade"] == name]
    counts = here["batch"].value_counts(sort=False)
    said = told(_which(counts, "grade.all", *MOST[name]) if len(here) else "grade.nobody", label=scheme.labels[name], number=len(here),
                band=band(scheme, evaluated, name), batches=most(counts), most=counts.max())
    return said + (_top(say, here) if name == HIGH and len(here) else [])


def _top(say: Words, high: pd.DataFrame) -> list[Verdict]:
    """Who is at 95 and above, and who has full marks; nothing is denied where a score is not published."""
    hidden, said = high["score"].isna().any(), []
    for name, least in (("grade.from-95", 95), ("grade.full", 100)):
        here = high[high["score"] >= least]
        said += told("grade.published" if hidden else None, name, number=len(here), names=_by_batch(say, here)) if len(here) else []
    return said if hidden or len(here) else said + told("grade.full-none")


def _by_batch(say: Words, rows: pd.DataFrame) -> list[str]:
    return [say("grade.names", batch=batch, number=len(here), names=list(here.sort_values("score", ascending=False, kind="stable")["name"]))
            for batch, here in rows.groupby("batch")]


def batches(say: Words, rows: pd.DataFrame) -> list[str]:
    """`第一批23家`, … for each batch that has any, as a list for a sentence."""
    return [say("overall.batch", batch=batch, number=number) for batch, number in rows["batch"].value_counts(sort=False).items() if number]


def activities(say: Words, scheme: Scheme, counts: pd.DataFrame) -> list[Verdict]:
    """What all alliances of a grade do, and what fewer than three quarters do. `counts`: a column a grade, a row an activity and 联盟数."""
    said = []
    for name, row in counts.items():
        total, each = int(row["联盟数"]), row.drop("联盟数").astype(int).rename(lambda what: f"“{what}”" if "、" in what else what)
        everyone, few = [*each.index[each == total]], each[4 * each < 3 * total]
        listed = [say("cooperation.share", activity=what, number=n, share=shares.share(n, of=total)) for what, n in few.items()]
        all_of_them = len(everyone) == len(each)
        said += told("cooperation.all-of-them" if all_of_them else "cooperation.all" if everyone else "cooperation.none-by-all",
                     None if all_of_them else "cooperation.few" if listed else "cooperation.few-none", label=scheme.labels[name],
                     number=total, all=everyone, few=listed)
    return said


def grade_title(evaluated: pd.DataFrame) -> list[Verdict]:
    """Which batch has the most pilots of the best grade, and its part of them."""
    counts = evaluated.loc[evaluated["pilot"] & (evaluated["grade"] == HIGH), "batch"].value_counts(sort=False)
    name = _which(counts, "grade.title-all", "grade.title", "grade.title-tie") if counts.any() else "title.nobody"
    return told(name, batches=most(counts), share=shares.share(int(counts.max()), of=int(counts.sum())))


def widest_gap(scheme: Scheme, percentages: pd.DataFrame) -> list[Verdict]:
    """The activities on which the grades are furthest apart. `percentages`: a row an activity, a column a grade."""
    if percentages.empty:
        return []
    gaps, labels = percentages.max(axis=1) - percentages.min(axis=1), [scheme.labels[name] for name in percentages]
    return told("cooperation.title-one" if len(labels) == 1 else "cooperation.title" if gaps.any() else "cooperation.title-same",
                label=labels[0], grades=labels, activities=most(gaps)[:2])
