"""What may be said of one period: comparisons of its roster as named verdicts. The sentences are in notebooks/text/report.toml."""

from __future__ import annotations

import base64
from fractions import Fraction
from pathlib import Path

import pandas as pd

from analysis import roster, shares, trends
from analysis.grades import FAIR, FAIRLY_HIGH, GRADES, HIGH, LOW, Scheme
from analysis.registry import first_year
from analysis.sheets import Period
from analysis.words import Verdict, Words, verdict

NEAR = 2  # points from a cut-off
MOST = {HIGH: ("grade.high", "grade.high-tie"), FAIRLY_HIGH: ("grade.fairly-high", "grade.fairly-high-tie"),
        FAIR: ("grade.fair", "grade.fair-tie"), LOW: ("grade.low", "grade.low-tie")}  # most of a grade are in one batch, or in several
KEYS = {HIGH: "high", FAIRLY_HIGH: "fairly_high", FAIR: "fair", LOW: "low"}


def ends(alliances: pd.DataFrame, rows: pd.Series, whole: pd.Series | None = None) -> tuple[list[str], Fraction, list[str], Fraction]:
    """The batches with the largest share of `rows` among `whole` (all of the batch), that share, and the same for the smallest."""
    wholes = alliances[whole if whole is not None else slice(None)].groupby("batch").size()
    parts = alliances[rows].groupby("batch").size().reindex(wholes.index, fill_value=0)
    exact = {batch: Fraction(int(parts[batch]), int(n)) for batch, n in wholes.items() if n}
    most, least = max(exact.values(), default=Fraction(0)), min(exact.values(), default=Fraction(0))
    return [b for b in exact if exact[b] == most], most, [b for b in exact if exact[b] == least], least


def leading(pilots: pd.DataFrame) -> Verdict:
    """Which batch has the largest share of 活跃度高: of all its alliances and of those evaluated, which may not agree."""
    high = pilots["grade"] == HIGH
    batches, of_whole, *_ = ends(pilots, high)
    evaluated_batches, of_evaluated, *_ = ends(pilots, high, pilots["grade"].notna())
    if not of_whole:
        return verdict("leading.nobody")
    numbers = {"batches": batches, "of_whole": shares.percent(of_whole), "of_evaluated": shares.percent(of_evaluated)}
    if batches != evaluated_batches:
        return verdict("leading.two-views", evaluated_batches=evaluated_batches, **numbers)
    return verdict("leading.one" if len(batches) == 1 else "leading.tie", **numbers)


def cover(sheet: Period, alliances: pd.DataFrame) -> Verdict:
    """The cover, with the date of issue where it is known."""
    name = "cover.dated" if sheet.facts.get("发布时间") else "cover.page"
    return verdict(name, period=sheet.name, start=sheet.start, end=sheet.end, total=len(alliances),
                   evaluated=int(alliances["grade"].notna().sum()), issued=sheet.facts.get("发布时间"))


def logo(sheet: Period) -> str:
    """The picture `logo.svg` or `logo.png` of the data folder as an address that has it whole; nothing where there is none."""
    found = next(filter(Path.exists, (sheet.path.parents[1] / f"logo.{kind}" for kind in ("svg", "png"))), None)
    kind = "image/svg+xml" if found and found.suffix == ".svg" else "image/png"
    return f"data:{kind};base64,{base64.b64encode(found.read_bytes()).decode()}" if found else ""


def change(sheet: Period, before: Period | None) -> list[Verdict]:
    """What became of those evaluated in the period before too: their mean score, with bounds for withheld ones, and their grades."""
    if before is None:
        return []
    both = trends.pair(roster.of_all([before, sheet]), before.name, sheet.name)
    stayed = both[both["stayed"]]
    about = {"before": f"{before.name}评价期", "stayed": len(stayed), "left": int(both["left"].sum()), "entered": int(both["entered"].sum())}
    if stayed.empty:
        return [verdict("change.nobody-stayed", **about)]
    who = {(True, True): "change.who", (True, False): "change.who-left", (False, True): "change.who-entered"}
    said = [verdict(who.get((about["left"] > 0, about["entered"] > 0), "change.who-same"), **about)]
    if between := [p for p in sheet.registry.periods if first_year(before.name) < first_year(p) < first_year(sheet.name)]:
        said.append(verdict("change.between", between=between))
    if before.scheme.floors != sheet.scheme.floors:
        return [*said, verdict("change.other-floors")]
    least, most = (shares.half_up(trends.mean(stayed[end].round(6)), 1) for end in ("least", "most"))
    ends = {"least": shares.signed(Fraction(least), 1), "most": shares.signed(Fraction(most), 1)}
    way = "rose" if least > 0 else "fell" if most < 0 else "open"
    names = {"rose": "change.rose", "fell": "change.fell", "open": "change.open"} if least != most else {
        "rose": "change.rose-known", "fell": "change.fell-known", "open": "change.same"}
    steps = {"up": int((stayed["steps"] > 0).sum()), "down": int((stayed["steps"] < 0).sum())}
    moved = {(True, True): "change.steps", (True, False): "change.steps-up", (False, True): "change.steps-down"}
    return [*said, verdict(names[way], **ends), verdict(moved.get((steps["up"] > 0, steps["down"] > 0), "change.steps-none"),
                                                        same=len(stayed) - sum(steps.values()), **steps)]


def bar_title(pilots: pd.DataFrame) -> Verdict:
    """Which batch's evaluated alliances are 活跃度高 most often."""
    batches, share, *_ = ends(pilots, pilots["grade"] == HIGH, pilots["grade"].notna())
    name = "title.nobody" if not share else "title.one" if len(batches) == 1 else "title.tie"
    return verdict(name, batches=batches, share=shares.percent(share))


def coverage(say: Words, sheet: Period, alliances: pd.DataFrame) -> list[Verdict]:
    """How many entered, were incomplete and were evaluated, as far as the sheet says."""
    evaluated = alliances.dropna(subset="grade")
    total, entered = len(alliances), sheet.facts.get("录入信息联盟数")
    said = [_whole("coverage.pilots", "coverage.members", alliances, evaluated)]
    said[0].numbers["sizes"] = batches(say, alliances[alliances["pilot"]])
    if entered is not None:
        said.append(verdict("coverage.entered", entered=entered, not_entered=total - entered))
    if sheet.incomplete:
        said.append(verdict("coverage.incomplete-named" if sheet.absent else "coverage.incomplete", incomplete=sheet.incomplete))
    if entered is not None and (gap := entered - sheet.incomplete - len(evaluated)) > 0:
        said.append(verdict("coverage.gap", gap=gap))
    return said


def scope(sheet: Period, alliances: pd.DataFrame) -> Verdict:
    """The period, and how many of whom were evaluated."""
    said = _whole("summary.scope-pilots", "summary.scope-members", alliances, alliances.dropna(subset="grade"))
    return verdict(said.name, start=sheet.start, end=sheet.end, months=sheet.months, **said.numbers)


def _whole(without: str, with_members: str, alliances: pd.DataFrame, evaluated: pd.DataFrame) -> Verdict:
    pilots = int(alliances["pilot"].sum())
    return verdict(without if pilots == len(alliances) else with_members, total=len(alliances), evaluated=len(evaluated), pilots=pilots,
                   members=len(alliances) - pilots, share=shares.share(evaluated, of=alliances))


def coverage_by_batch(pilots: pd.DataFrame) -> Verdict:
    """Which batch was evaluated least, and which most."""
    most_batches, most, batches, least = ends(pilots, pilots["grade"].notna())
    if len(most_batches) + len(batches) < 2 or most == least:
        return verdict("coverage.all-same" if pilots["batch"].nunique() > 1 else "coverage.alone", least=shares.percent(least))
    return verdict("coverage.lowest-one" if len(batches) == 1 else "coverage.lowest-tie", batches=batches,
                   least=shares.percent(least), most_batches=most_batches, most=shares.percent(most))


def procedure(sheet: Period) -> list[Verdict]:
    """The notice and the steps of scoring, as far as their dates are known."""
    facts, dates = sheet.facts, {"kick-off": "启动会日期", "review": "会评日期", "recheck": "复核日期"}
    said = [verdict("procedure.notice" if "通知时间" in facts else "procedure.no-notice", start=sheet.start, end=sheet.end,
                    notice=facts.get("通知时间"))]
    known = {name: facts[item] for name, item in dates.items() if item in facts}
    if len(known) == len(dates):
        return [*said, verdict("procedure.steps", kick_off=known["kick-off"], review=known["review"], recheck=known["recheck"])]
    sentences = {"kick-off": "procedure.kick-off", "review": "procedure.review", "recheck": "procedure.recheck"}
    return said + [verdict(sentences[name], date=date) for name, date in known.items()]


def experts(sheet: Period) -> list[Verdict]:
    """How many experts there were, where they came from, and whether they are named."""
    number, origin = sheet.facts.get("专家人数") or len(sheet.experts), sheet.facts.get("专家来源")
    said = [verdict("experts.number-from" if origin else "experts.number", number=number, origin=origin)] if number else []
    return said + ([verdict("experts.list")] if sheet.experts else [])


def bands(scheme: Scheme, evaluated: pd.DataFrame, panel: bool = False) -> list[Verdict]:
    """The four grades with their scores; those that have withheld scores."""
    known, hidden = evaluated["score"].dropna(), evaluated[evaluated["score"].isna()]
    whole = bool((known == known.round()).all())
    words = {f"{KEYS[grade]}_label": scheme.labels[grade] for grade in GRADES} | {
        f"{KEYS[grade]}_band": scheme.band(grade, whole) for grade in GRADES}
    said = [verdict("results.bands", **words)]
    if len(hidden):
        labels = [scheme.labels[grade] for grade in reversed(GRADES) if (hidden["grade"] == grade).any()]
        said.append(verdict("results.withheld", grades=labels, number=len(hidden)))
    return said + ([verdict("results.settled")] if panel else [])


def near_cutoffs(evaluated: pd.DataFrame, scheme: Scheme) -> int:
    """How many published scores lie within two points of a cut-off."""
    gaps = [(evaluated["score"] - floor).abs() for floor in scheme.floors.values() if floor]
    return int((pd.concat(gaps, axis=1).min(axis=1) <= NEAR).sum())


def distribution(evaluated: pd.DataFrame, scheme: Scheme) -> Verdict:
    """The lowest and the highest published score, and how many are near a cut-off."""
    known = evaluated["score"].dropna()
    if known.empty:
        return verdict("overall.scores-none")
    return verdict("overall.scores" if len(known) == len(evaluated) else "overall.scores-published", least=float(known.min()),
                   most=float(known.max()), near=near_cutoffs(evaluated, scheme))


def batch(name: str, label: str, alliances: pd.DataFrame) -> Verdict:
    """One batch: how many, how many evaluated, how many in the two upper and the two lower grades."""
    evaluated = alliances.dropna(subset="grade")
    upper = int((evaluated["grade"] >= FAIRLY_HIGH).sum())
    return verdict("batch.overview" if len(evaluated) else "batch.nobody", name=name, label=label, total=len(alliances),
                   evaluated=len(evaluated), share=shares.share(evaluated, of=alliances), upper=upper, lower=len(evaluated) - upper)


def batch_title(alliances: pd.DataFrame) -> Verdict:
    """What part of a batch's evaluated alliances is in the two upper grades."""
    evaluated = alliances.dropna(subset="grade")
    return verdict("batch.title" if len(evaluated) else "batch.title-nobody",
                   share=shares.share(evaluated[evaluated["grade"] >= FAIRLY_HIGH], of=evaluated))


def members(alliances: pd.DataFrame) -> Verdict | None:
    """The network members, who are no pilots."""
    evaluated = alliances.dropna(subset="grade")
    return verdict("members.overview" if len(evaluated) else "members.none", total=len(alliances), evaluated=len(evaluated),
                   share=shares.share(evaluated, of=alliances)) if len(alliances) else None


def annex(sheet: Period, alliances: pd.DataFrame, evaluated: pd.DataFrame) -> list[Verdict]:
    """How the table of scores is ranked, what its codes mean, and which of them the registry doubts."""
    said = [verdict("annex.ranks" if alliances["pilot"].all() else "annex.ranks-members")]
    doubtful = [f"{a.name}（{a.code}）" for a in sheet.doubtful if a in sheet.evaluated]
    return said + ([verdict("annex.withheld")] if evaluated["score"].isna().any() else []) + (
        [verdict("annex.doubtful", names=doubtful)] if doubtful else [])


def grade(say: Words, scheme: Scheme, evaluated: pd.DataFrame, name: str) -> list[Verdict]:
    """One grade: how many, in which batch most of them are, and for the best who is at the top."""
    here = evaluated[evaluated["grade"] == name]
    known = evaluated["score"].dropna()
    about = {"label": scheme.labels[name], "band": scheme.band(name, bool((known == known.round()).all())), "number": len(here)}
    if here.empty:
        return [verdict("grade.nobody", **about)]
    counts = here["batch"].value_counts(sort=False)
    most = [batch for batch, number in counts.items() if number == counts.max()]
    said = [verdict(MOST[name][len(most) > 1], batches=most, most=int(counts.max()), **about)]
    return said + (_top(say, here) if name == HIGH else [])


def _top(say: Words, high: pd.DataFrame) -> list[Verdict]:
    best, full, hidden = high[high["score"] >= 95], high[high["score"] == 100], high["score"].isna().any()
    said = [verdict("grade.from-95-published" if hidden else "grade.from-95", number=len(best), names=_by_batch(say, best))] if len(best) else []
    if full.empty:
        return said if hidden else [*said, verdict("grade.full-none")]
    return [*said, verdict("grade.full-published" if hidden else "grade.full", number=len(full), names=_by_batch(say, full))]


def _by_batch(say: Words, rows: pd.DataFrame) -> list[str]:
    return [say("grade.names", batch=batch, number=len(here), names=list(here.sort_values("score", ascending=False, kind="stable")["name"]))
            for batch, here in rows.groupby("batch")]


def batches(say: Words, rows: pd.DataFrame) -> list[str]:
    """`第一批23家`, … for each batch that has any, as a list for a sentence."""
    return [say("overall.batch", batch=batch, number=int(number)) for batch, number in rows["batch"].value_counts(sort=False).items()
            if number]


def activities(say: Words, scheme: Scheme, counts: pd.DataFrame) -> list[Verdict]:
    """What all alliances of a grade do, and what fewer than three quarters do. `counts`: a column a grade, a row an activity and 联盟数."""
    said = []
    for name, row in counts.items():
        total, each = int(row["联盟数"]), row.drop("联盟数").astype(int).rename(lambda what: f"“{what}”" if "、" in what else what)
        everyone, few = list(each.index[each == total]), each[4 * each < 3 * total]
        about = {"label": scheme.labels[name], "number": total}
        said.append(verdict("cooperation.all-of-them", **about) if len(everyone) == len(each) else
                    verdict("cooperation.all", activities=everyone, **about) if everyone else verdict("cooperation.none-by-all", **about))
        if len(everyone) < len(each):
            listed = [say("cooperation.share", activity=what, number=int(n), share=shares.share(int(n), of=total)) for what, n in few.items()]
            said.append(verdict("cooperation.few", activities=listed) if listed else verdict("cooperation.few-none"))
    return said


def grade_title(evaluated: pd.DataFrame) -> Verdict:
    """Which batch has the most pilots of the best grade, and its part of them."""
    high = evaluated[evaluated["pilot"] & (evaluated["grade"] == HIGH)]
    counts = high["batch"].value_counts(sort=False)
    most = [batch for batch, number in counts.items() if number and number == counts.max()]
    name = "title.nobody" if not most else "grade.title" if len(most) == 1 else "grade.title-tie"
    return verdict(name, batches=most, share=shares.share(int(counts.max()), of=len(high)))


def widest_gap(scheme: Scheme, percentages: pd.DataFrame) -> Verdict | None:
    """The activities on which the grades are furthest apart. `percentages`: a row an activity, a column a grade."""
    if percentages.empty:
        return None
    gaps = percentages.max(axis=1) - percentages.min(axis=1)
    labels = [scheme.labels[name] for name in percentages.columns]
    if len(labels) == 1:
        return verdict("cooperation.title-one", label=labels[0])
    if not gaps.max():
        return verdict("cooperation.title-same")
    return verdict("cooperation.title", grades=labels, activities=list(gaps.index[gaps == gaps.max()])[:2])
