"""What may be said of a comparison of periods, by name and number; the sentences are in notebooks/text/trends.toml."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import pandas as pd

from analysis import shares, trends
from analysis.grades import GRADES, HIGH, NOT_IN_PROGRAMME
from analysis.registry import short
from analysis.shares import half_up, share, signed
from analysis.sheets import Period
from analysis.words import Text, Verdict

FEW, SELDOM, IN_LINE = 10, 0.05, 0.95  # alliances, p, and a correlation beyond which a line is no matter of chance


def told(*names: str | None, **numbers: object) -> list[Verdict]:
    """Verdicts of one set of numbers; None says nothing."""
    return [Verdict(name, numbers) for name in names if name]


def by_sign(number: Fraction, up: str, level: str, down: str) -> str:
    """One of three names, for a number above, at or below nought."""
    return up if number > 0 else down if number < 0 else level


def way(least: Fraction, most: Fraction) -> str:
    """up, down or level where the bounds of a change leave no doubt, else unknown."""
    return by_sign(least, "up", "level", "down") if least > 0 or most < 0 or least == most else "unknown"


def same_floors(sheets: Sequence[Period]) -> bool:
    """Whether the grades of these periods have the same floors."""
    return all(sheet.scheme.floors == sheets[-1].scheme.floors for sheet in sheets)


def floors(sheets: Sequence[Period]) -> list[Verdict]:
    """A mark for the headline of a drawing of grades, where the floors of the latest two periods differ."""
    return [] if same_floors(sheets[-2:]) else told("titles.floors")


def simulated(sheets: Sequence[Period]) -> list[Verdict]:
    """Whether some or all of the sheets are simulated."""
    marks = {sheet.simulated for sheet in sheets}
    return told("cover.simulated" if marks == {True} else "cover.partly" if True in marks else None)


def _two(alliances: pd.DataFrame) -> list[pd.DataFrame]:
    members = alliances[alliances["state"] != NOT_IN_PROGRAMME]
    return [members[members["period"] == period] for period in trends.last_two(alliances)]


def _people(pair: pd.DataFrame) -> dict[str, object]:
    return {who: int(pair[who].sum()) for who in ("stayed", "left", "entered")} | {
        "earlier": pair["from_period"].iloc[0], "later": pair["to_period"].iloc[0]}


# The findings

def coverage(alliances: pd.DataFrame, pair: pd.DataFrame) -> list[Verdict]:
    """Whether more took part, more of the programme, and the same ones."""
    before, after = (share(here["grade"].notna(), of=here) for here in _two(alliances))
    pilots = [share(here["grade"].notna(), of=here) for here in (here[here["pilot"]] for here in _two(alliances))]
    of = _people(pair)
    stayed, left, came = of["stayed"], of["left"], of["entered"]
    more, wider = after.part - before.part, half_up(after.fraction * 100) - half_up(before.fraction * 100)
    against = "coverage.share-fell" if more >= 0 > wider else "coverage.share-rose" if more <= 0 < wider else None
    who = ("coverage.nobody-in-both" if not stayed else "coverage.others" if left and came and 4 * stayed < 3 * (stayed + left + came)
           else "coverage.some-of-each" if left and came else "coverage.nobody-new" if left
           else "coverage.nobody-left" if came else "coverage.the-same")
    return told(by_sign(more, "coverage.more", "coverage.as-many", "coverage.fewer"), against, who, "coverage.numbers",
                "coverage.beware-others" if left or came else "coverage.beware-nothing", **of, before=before.part, after=after.part,
                share_before=before, share_after=after, pilots_before=pilots[0], pilots_after=pilots[1])


def coverage_title(alliances: pd.DataFrame) -> list[Verdict]:
    """How many of the pilots took part."""
    before, after = (share(here["grade"].notna(), of=here) for here in (here[here["pilot"]] for here in _two(alliances)))
    return told("titles.coverage", before=before, after=after, **dict(zip(("earlier", "later"), trends.last_two(alliances))))


def scores_headline(naive: Fraction, least: Fraction, most: Fraction, n: int) -> str:
    """What the change of the published means is worth beside the bounds of the change of those evaluated in both, n of them published."""
    if n < FEW:
        return "scores.few"
    if least > 0 >= naive:
        return "scores.down-but-up" if naive else "scores.level-but-up"
    if most < 0 <= naive:
        return "scores.up-but-down" if naive else "scores.level-but-down"
    if least > 0:
        return ("scores.less-up" if most < naive else "scores.more-up" if least > naive else "scores.same-up" if least == most
                else "scores.perhaps-up")
    if most < 0:
        return ("scores.less-down" if least > naive else "scores.more-down" if most < naive else "scores.same-down" if least == most
                else "scores.perhaps-down")
    if least == most:
        return by_sign(naive, "scores.up-but-level", "scores.level", "scores.down-but-level")
    return by_sign(naive, "scores.unknown-up", "scores.unknown-level", "scores.unknown-down")


def scores(alliances: pd.DataFrame, pair: pd.DataFrame) -> list[Verdict]:
    """Whether scores rose, for all and like for like, with what is withheld."""
    every, stay, like = ([trends.means(here[here["id"].isin(ids)]) for here in _two(alliances)]
                         for ids in (alliances["id"], pair.loc[pair["stayed"], "id"], pair.dropna(subset="change")["id"]))
    means = [half_up(m["平均"], 1) if m["公布"] else None for m in every]
    periods = trends.last_two(alliances)
    facts = [one for period, m, mean in zip(periods, every, means)
             for one in told("scores.some" if m["公布"] else "scores.none", period=period, n=m["公布"], mean=mean)]
    hidden = [one for period, m in zip(periods, every) if m["未公布"]
              for one in told("scores.withheld", period=period, n=m["未公布"], low=half_up(m["至少"], 1), high=half_up(m["至多"], 1))]
    if None in means:
        return [*told("scores.silent"), *facts, *hidden]
    naive = half_up(every[1]["平均"] - every[0]["平均"], 1)
    if not like[0]["公布"]:
        return [*told("scores.nobody"), *facts, *told("scores.apart", naive=signed(naive, 1)), *hidden]
    fair, least, most = (half_up(difference, 1) for difference in (
        like[1]["平均"] - like[0]["平均"], stay[1]["至少"] - stay[0]["至多"], stay[1]["至多"] - stay[0]["至少"]))
    numbers = _people(pair) | {"before": means[0], "after": means[1], "n_before": every[0]["公布"], "n_after": every[1]["公布"],
                               "n": like[0]["公布"], "naive": signed(naive, 1), "fair": signed(fair, 1), "least": signed(least, 1),
                               "most": signed(most, 1)}
    if stay[0]["未公布"] + stay[1]["未公布"]:
        caution = ["scores.bounds", "scores.too-high" if fair > most else "scores.too-low" if fair < least else None]
    else:
        others, moved = (pair["entered"] | pair["left"]).any(), (pair["change"].fillna(0) != 0).any()
        caution = [] if hidden else ["scores.beware-others" if others else "scores.hides" if moved else "scores.nobody-changed"]
    return [*told(scores_headline(naive, least, most, numbers["n"]), "scores.numbers", **numbers), *hidden, *told(*caution, **numbers)]


def means(table: pd.DataFrame) -> list[Verdict]:
    """The change of the published means of the latest two periods, and of those published in both."""
    ends = table[-2:]
    silent = [period for period, mean in ends["平均"].items() if mean is None]
    changes = {key: signed(half_up(ends[of].iloc[1] - ends[of].iloc[0], 1), 1) for key, of in (("naive", "平均"), ("fair", "两期都公布者平均"))
               if ends[of].notna().all()}
    return told("titles.silent" if silent else "titles.means" if len(changes) > 1 else "titles.apart", periods=silent, **changes)


def high_headline(total: Fraction, stayers: Fraction, entrants: Fraction, leavers: Fraction) -> str:
    """Whence the change of a share came, by its parts in rounded points."""
    turn = 1 if total > 0 else -1
    if not total:
        return "high.offset" if stayers else "high.level"
    if stayers * turn <= 0:
        return by_sign(total, "high.up-not-own", "", "high.down-not-own")
    if not (entrants or leavers):
        return by_sign(total, "high.up-all-own", "", "high.down-all-own")
    if stayers * turn >= max(entrants * turn, leavers * turn):
        return by_sign(total, "high.up-largest", "", "high.down-largest")
    return by_sign(total, "high.up-smaller", "", "high.down-smaller")


def high(alliances: pd.DataFrame, pair: pd.DataFrame, sheets: Sequence[Period]) -> list[Verdict]:
    """Whether the share of 活跃度高 changed, and whose doing it was."""
    part = trends.decomposition(pair).loc[HIGH]
    points = {key: half_up(part[key], 1) for key in ("total", "stayers", "entrants", "leavers")}
    whole = [share(here["grade"] == HIGH, of=here) for here in _two(alliances)]
    numbers = _people(pair) | {key: signed(number, 1) for key, number in points.items()} | {"whole_before": whole[0], "whole_after": whole[1]}
    numbers |= {side: shares.percent(part[side] / 100) for side in ("before", "after")}
    if same_floors(sheets[-2:]):
        apart = by_sign(points["total"], "high.up-apart", "high.level-apart", "high.down-apart")
        return told(high_headline(*points.values()) if numbers["stayed"] else apart, "high.numbers", "high.whole", **numbers)
    here = _two(alliances)[0].dropna(subset="grade")
    new = trends.regraded(here, sheets[-1].scheme)
    sure, may_be = new["worst"] == HIGH, (new["best"] == HIGH) & (new["worst"] != HIGH)
    return told("high.floors", "high.numbers", "high.one-scheme", "high.one-scheme-open" if may_be.any() else None, **numbers,
                n=int(sure.sum()), undecided=int(may_be.sum()), evaluated=len(here), share=share(sure, of=here))


def leaving(pair: pd.DataFrame, tests: pd.DataFrame) -> list[Verdict]:
    """Whether those with lower grades left more often."""
    here, of = pair[pair["grade_before"].notna()], _people(pair)
    again = trends.rates(here["stayed"], here["grade_before"])[::-1]
    said = [f"{share:.2f}%（{part:.0f}/{n:.0f}，95%区间{low:.1f}%—{high:.1f}%）" for n, part, share, low, high in again.to_numpy()]
    numbers = of | {"whole": len(here), "best": said[0], "worst": said[-1], "grade_best": again.index[0], "grade_worst": again.index[-1]}
    if not of["left"]:
        return told("leaving.nobody", "leaving.all-again", "leaving.beware-new" if of["entered"] else "leaving.beware-nobody", **numbers)
    if not of["stayed"]:
        return told("leaving.everybody", "leaving.none-again", "leaving.beware-different", **numbers)
    asked = tests[(tests["question"] == trends.BY_GRADE) & (tests["to_period"] == of["later"])].iloc[0]
    exact = [Fraction(int(part), int(n)) for part, n in zip(again["其中"], again["联盟数"])]
    headline = ("leaving.one-grade" if pd.isna(asked["p"]) else "leaving.unrelated" if asked["holm"] >= SELDOM
                else "leaving.lower-more" if all(a > b for a, b in pairwise(exact))
                else "leaving.higher-more" if all(a < b for a, b in pairwise(exact)) else "leaving.mixed")
    return told(headline, "leaving.best", "leaving.worst" if len(said) > 1 else None, "leaving.beware-chosen", **numbers)


def moving(pair: pd.DataFrame, sheets: Sequence[Period]) -> list[Verdict]:
    """Whether more rose than fell a grade, and whether the order was kept."""
    of, same, months = _people(pair), same_floors(sheets[-2:]), [sheet.months for sheet in sheets[-2:]]
    if not of["stayed"]:
        return told("moving.nobody", "moving.beware-nobody", **of)
    up, down = (int((pair["steps"] * turn > 0).sum()) for turn in (1, -1))
    known = pair.dropna(subset="change")
    fit = trends.regression(known["score_before"], known["score_after"])
    enough = fit is not None and len(known) >= FEW
    then = [trends.graded(known[f"score_{side}"], sheets[-1].scheme.floors.values()) for side in ("before", "after")]
    headline = by_sign(up - down, "moving.up", "moving.as-many" if up else "moving.none", "moving.down")
    caution = ("moving.beware-floors" if not same else "moving.beware-chance" if enough and fit["narrows"] and fit["pearson"] < IN_LINE
               else "moving.beware-months" if months[0] != months[1] else "moving.beware-lines")
    return told(headline if same else "moving.floors", "moving.kept" if enough and fit["spearman"] > 0.5 else None, "moving.numbers",
                "moving.spearman" if enough else None, caution, **of, **fitted(fit), up=up, down=down, known=len(known),
                same=int((pair["steps"] == 0).sum()), far=int((pair["steps"].abs() >= 2).sum()), months_before=months[0],
                months_after=months[1], scheme_up=int((then[1] > then[0]).sum()), scheme_down=int((then[1] < then[0]).sum()))


def fitted(fit: dict[str, float] | None) -> dict[str, object]:
    """The numbers of a regression as sentences have them."""
    places = {"spearman": 2, "kendall": 2, "pearson": 2, "slope": 2, "fixed": 1, "by_chance": 1, "gap": 1}
    return {key: number if key.startswith("n") else half_up(number, places[key]) if key in places else signed(number, 1)
            for key, number in (fit or {}).items() if number is not None}


def batches(pair: pd.DataFrame) -> list[Verdict]:
    """Which batches' stayers rose or fell for certain, with withheld scores in; nothing where fewer than two had stayers."""
    means = pair[pair["stayed"]].groupby("batch")[["change", "least", "most"]].agg(trends.mean)
    ways = {batch: way(half_up(row["least"], 1), half_up(row["most"], 1)) for batch, row in means.iterrows()}
    names = {"up": ("batches.all-up", "batches.up"), "down": ("batches.all-down", "batches.down"),
             "level": ("batches.all-level", "batches.level"), "unknown": ("batches.all-unknown", "batches.unknown")}
    of = {kind: [batch for batch in ways if ways[batch] == kind] for kind in names if kind in ways.values()}
    if len(ways) < 2:
        return []
    said = told(names[next(iter(of))][0] if len(of) == 1 else "batches.differ" if {"up", "down"} <= {*of} else "batches.partly")
    said += [one for kind in of if len(of) > 1 for one in told(names[kind][1], batches=of[kind])]
    for batch, row in means.iterrows():
        if row["change"] is not None and not row["least"] <= row["change"] <= row["most"]:
            said += told("batches.outside", batch=batch, **{key: signed(row[key], 1) for key in means})
    return [*said, *told("batches.table")]


# The sections

def compare(sheets: Sequence[Period], line: list[str], unchosen: Sequence[str]) -> list[Verdict]:
    """What stands between the periods: others, months, floors, names of grades."""
    said = []
    for a, b in pairwise(sheets):
        gap = trends.between(line, a.name, b.name)
        lost, passed = [p for p in gap if p not in unchosen], [p for p in gap if p in unchosen]
        floors = {f"{side}_{level}": f"{sheet.scheme.floors[grade]:g}" for side, sheet in (("from", a), ("to", b))
                  for level, grade in enumerate(GRADES, start=1)}
        said += told("compare.gap" if gap else None, "compare.lost" if lost else None, "compare.passed" if passed else None,
                     "compare.several" if gap else None, "compare.months" if a.months != b.months else None,
                     None if same_floors((a, b)) else "compare.floors", **floors, earlier=a.name, later=b.name, gap=gap, lost=lost,
                     passed=passed, months_before=a.months, months_after=b.months)
    return said + [one for sheet in sheets for grade, label in sheet.scheme.labels.items() if label != grade
                   for one in told("compare.renamed", period=sheet.name, label=label, grade=grade)]


def flows(moves: pd.DataFrame) -> list[Verdict]:
    """Who stayed, left and came in each pair."""
    return [one for _, here in moves.groupby(["from_period", "to_period"], sort=False) for one in told(
        "flows.returned" if here["returned"].any() else "flows.plain", **_people(here), returned=int(here["returned"].sum()))]


def again(tests: pd.DataFrame) -> list[Verdict]:
    """Whether batches differ in who took part again in the last pair."""
    asked = tests[tests["question"] == trends.BY_BATCH].iloc[-1]
    if pd.isna(asked["p"]):
        return []
    return told("again.differ" if asked["holm"] < SELDOM else "again.alike", p=shares.p_value(asked["p"]), v=half_up(asked["v"]),
                holm=shares.p_value(asked["holm"]), n=int(asked["n"]))


def test(row: pd.Series) -> list[Verdict]:
    """What one line of the tests can and cannot show."""
    strength = "test.weakest" if row["v"] < 0.1 else "test.weak" if row["v"] < 0.3 else "test.middling" if row["v"] < 0.5 else "test.strong"
    return told("test.none" if pd.isna(row["p"]) else strength if row["holm"] < SELDOM else "test.alike")


def matrices(pair: pd.DataFrame) -> list[Verdict]:
    """Which tables of transitions there are."""
    return told(*(["matrices.both", "matrices.far" if (pair["steps"].abs() >= 2).any() else "matrices.not-far"] if pair["stayed"].any()
                  else ["matrices.nobody"]))


def order(pair: pd.DataFrame) -> list[Verdict]:
    """How stable the order of scores was."""
    known = pair.dropna(subset="change")
    fit = trends.regression(known["score_before"], known["score_after"])
    if fit:
        return told("order.coefficients", "order.few" if len(known) < FEW else None, **fitted(fit))
    return told("order.nothing" if known.empty else "order.too-few" if len(known) < 3 else "order.constant", n=len(known))


def halves(pair: pd.DataFrame) -> list[Verdict]:
    """Whether those who stood low gained on those who stood high, and whether that is more than chance."""
    known = pair.dropna(subset="change")
    fit = trends.regression(known["score_before"], known["score_after"])
    if not fit:
        return []
    why = ("halves.wider" if not fit["narrows"] else "halves.few" if len(known) < FEW else "halves.in-line" if fit["pearson"] >= IN_LINE
           else "halves.chance")
    return told("halves.numbers", "halves.crosses" if fit["narrows"] and fit["fixed"] is not None else None, why, **fitted(fit))


def halves_withheld(pair: pd.DataFrame) -> list[Verdict]:
    """The same with every withheld score at the floor of its grade, and at its top."""
    stayed = pair[pair["stayed"]]
    low, high = (trends.regression(stayed[f"{end}_before"], stayed[f"{end}_after"]) for end in ("low", "high"))
    hidden = int(stayed["change"].isna().sum())
    if not (hidden and hidden < len(stayed) and low and high):
        return []
    return [*told("halves.withheld", hidden=hidden), *told("halves.low", **fitted(low)), *told("halves.high", **fitted(high))]


def parts(decomposition: pd.DataFrame) -> list[Verdict]:
    """Each grade's change and its three parts."""
    return [one for grade, row in decomposition.iterrows() for one in told(
        "parts.grade", grade=grade, before=shares.percent(row["before"] / 100), after=shares.percent(row["after"] / 100),
        **{key: signed(row[key], 1) for key in ("total", "stayers", "entrants", "leavers")})]


def withheld(alliances: pd.DataFrame) -> list[Verdict]:
    """What the published mean of each period is worth."""
    said = []
    for period, m in alliances[alliances["grade"].notna()].groupby("period").apply(trends.means).iterrows():
        n, mean, hidden, low, high = m
        where = "withheld.above" if n and mean > high else "withheld.below" if n and mean < low else "withheld.inside"
        said += told("withheld.none" if not hidden else "withheld.some" if n else "withheld.all", where if n and hidden else None, n=n,
                     withheld=hidden, period=period, mean=half_up(mean, 1) if n else None, low=half_up(low, 1), high=half_up(high, 1))
    return said


def cutoffs(near: pd.DataFrame, evaluated: pd.DataFrame, sheets: Sequence[Period]) -> list[Verdict]:
    """How many stand near a cut-off, and what another scheme would change."""
    known, (earlier, later) = int(evaluated["score"].notna().sum()), sheets[-2:]
    tables = Text(f"[@regraded-{earlier.name}]和[@regraded-{later.name}]")
    return told("cutoffs.unknown" if not known else "cutoffs.near" if len(near) else "cutoffs.nobody-near",
                "cutoffs.same" if same_floors((earlier, later)) else "cutoffs.regraded", period=later.name, known=known,
                near=near["id"].nunique(), tables=tables)


def always(alliances: pd.DataFrame, line: list[str]) -> list[Verdict]:
    """Who was 活跃度高 in every period of the report, said with what lies between them."""
    high, periods = alliances[alliances["grade"] == HIGH].dropna(subset="id"), [*alliances["period"].cat.categories]
    names = [short(name) for name in high[high.groupby("id")["period"].transform("size") == len(periods)].drop_duplicates("id")["name"]]
    gap = [p for p in line[line.index(periods[0]):line.index(periods[-1])] if p not in periods]
    return told("always.some" if names else "always.nobody", "always.gap" if gap and names else None, n=len(names), names=names,
                periods=periods, gap=gap)


def streaks(listed: pd.DataFrame, runs: Sequence[list[str]], sheets: Sequence[Period]) -> list[Verdict]:
    """Whether an A-level list can be computed."""
    return told(None if same_floors(sheets) else "streaks.floors",
                "streaks.listed" if len(listed) else "streaks.nobody" if runs else "streaks.no-run", n=len(listed), runs=len(runs))


def claims(found: pd.DataFrame) -> list[Verdict]:
    """How many published claims hold."""
    names = {trends.CONFIRMED: "claims.confirmed", trends.REFUTED: "claims.refuted", trends.UNVERIFIABLE: "claims.unverifiable"}
    said = [one for verdict, name in names.items() for one in told(name, n=int((found["verdict"] == verdict).sum())) if one.numbers["n"]]
    return [*told("claims.published", n=len(found)), *said] if said else []


def claimed(row: object) -> list[Verdict]:
    """What a claim says."""
    return told("claimed.a-level" if row.kind == "a_level" else "claimed.full", period=row.period, times=row.times)


def evidence(row: object, unchosen: Sequence[str]) -> list[Verdict]:
    """Why a claim holds, does not hold, or cannot be verified."""
    lost, passed = [p for p in row.needed if p not in unchosen], [p for p in row.needed if p in unchosen]
    reasons = {"evidence.against": row.against, "evidence.held": row.held}
    if row.verdict == trends.UNVERIFIABLE:
        reasons = {"evidence.lost": lost, "evidence.passed": passed, "evidence.withheld": row.withheld}
    return told(*([name for name, so in reasons.items() if so] or ["evidence.fits"]), period=row.period, against=row.against, lost=lost,
                passed=passed, withheld=row.withheld, held=row.held)


def signs(sheets: Sequence[Period]) -> list[Verdict]:
    """What the marks in the table of everyone mean."""
    return told("panel.course", "panel.signs" if len(sheets) > trends.FEW_PERIODS else "panel.words")


def matching(found: pd.DataFrame, codes: dict[str, list[str]]) -> list[Verdict]:
    """How many were matched plainly, and which codes two alliances have had."""
    n, odd = found["id"].nunique(), found.loc[found["how"] != "how.both", "id"].nunique()
    return [*told("matching.some" if odd else "matching.plain" if n else "matching.nobody", n=n, odd=odd, plain=n - odd),
            *[one for code, names in codes.items() for one in told("matching.shared", code=code, names=names)]]
