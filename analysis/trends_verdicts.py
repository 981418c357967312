"""What may be said of a comparison of periods, by name and number; the sentences are in notebooks/text/trends.toml."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import pandas as pd

from analysis import shares, trends
from analysis.grades import HIGH, LOW
from analysis.registry import short
from analysis.shares import Share, half_up, share, signed
from analysis.sheets import Period
from analysis.words import Text, Verdict, told

FEW, SELDOM, IN_LINE = 10, 0.05, 0.95  # alliances, p, and a correlation beyond which a line is no matter of chance
PARAGRAPH = Text("\n\n")


def by_sign(number: Fraction, up: str, level: str, down: str) -> str:
    """One of three names, for a number above, at or below nought."""
    return up if number > 0 else down if number < 0 else level


def rounded(number: Fraction | None) -> Fraction | None:
    """To a tenth, half up; nothing stays nothing."""
    return None if number is None or number != number else half_up(number, 1)


def way(least: Fraction, most: Fraction) -> str:
    """up, down or level where the bounds of a change leave no doubt, else unknown."""
    return by_sign(least, "up", "level", "down") if least > 0 or most < 0 or least == most else "unknown"


def same_floors(sheets: Sequence[Period]) -> bool:
    """Whether the grades of these periods have the same floors."""
    return all(sheet.scheme.floors == sheets[-1].scheme.floors for sheet in sheets)


def _last(outcomes: pd.DataFrame, part: str, batch: str = "全部") -> list[Share]:
    """A part of a batch in each of the last two periods, of its 总数."""
    return [share(int(row[part]), of=int(row["总数"])) for _, row in outcomes.loc[batch].iloc[-2:].iterrows()]


def _of(pair: pd.DataFrame) -> dict[str, object]:
    return pair[["stayed", "left", "entered"]].sum().to_dict() | {"earlier": pair["from_period"].iloc[0], "later": pair["to_period"].iloc[0]}


# The cover and the findings

def simulated(sheets: Sequence[Period]) -> list[Verdict]:
    """Whether some or all of the sheets are simulated."""
    marks = {sheet.simulated for sheet in sheets}
    return told("cover.simulated" if marks == {True} else "cover.partly" if True in marks else None)


def coverage(outcomes: pd.DataFrame, pair: pd.DataFrame) -> list[Verdict]:
    """Whether more took part, more of the programme, and the same ones; `outcomes`: 总数 and 参评 by batch and period."""
    (before, after), of = _last(outcomes, "参评"), _of(pair)
    stayed, left, came = of["stayed"], of["left"], of["entered"]
    more, wider = after.part - before.part, half_up(after.fraction * 100) - half_up(before.fraction * 100)
    who = ("coverage.nobody-in-both" if not stayed else "coverage.others" if left and came and 4 * stayed < 3 * (stayed + left + came)
           else "coverage.some-of-each" if left and came else "coverage.nobody-new" if left
           else "coverage.nobody-left" if came else "coverage.the-same")
    return told(by_sign(more, "coverage.more", "coverage.as-many", "coverage.fewer"),
                "coverage.share-fell" if more >= 0 > wider else "coverage.share-rose" if more <= 0 < wider else None, who, "coverage.numbers",
                "coverage.beware-others" if left or came else "coverage.beware-nothing", **of, before=before.part, after=after.part,
                share_before=before, share_after=after)


def headline_of_scores(naive: Fraction, least: Fraction, most: Fraction, n: int) -> list[str]:
    """What the change of the published means is worth beside the bounds of the change of those evaluated in both, n of them published."""
    really = {"up": "scores.really-up", "down": "scores.really-down", "level": "scores.really-level", "unknown": "scores.really-unknown"}
    said = [by_sign(naive, "scores.up", "scores.level", "scores.down"), really[way(least, most)]]
    if naive < 0:
        naive, least, most = -naive, -most, -least
    if naive > 0 and least > 0:
        said.append("scores.less" if most < naive else "scores.farther" if least > naive else "scores.as-much" if least == most
                    else "scores.perhaps")
    return said if n >= FEW else ["scores.few"]


def _means(means: pd.DataFrame) -> list[dict[str, object]]:
    """What is known of each period's mean, from its 公布, 平均, 未公布, 至少 and 至多."""
    return [{"period": period, "n": row["公布"], "withheld": row["未公布"], "mean": rounded(row["平均"]), "low": rounded(row["至少"]),
             "high": rounded(row["至多"])} for period, row in means.iterrows()]


def scores(means: pd.DataFrame, pair: pd.DataFrame) -> list[Verdict]:
    """Whether scores rose, for all and like for like, with what is withheld."""
    facts, hidden = [], []
    for numbers in _means(means)[-2:]:
        facts += told("scores.some" if numbers["n"] else "scores.none", **numbers)
        hidden += told("scores.withheld" if numbers["withheld"] else None, **numbers)
    (before, after), known = means["平均"].iloc[-2:], pair.dropna(subset="change")
    if before is None or after is None:
        return [*told("scores.silent"), *facts, *hidden]
    naive = rounded(after - before)
    if known.empty:
        return [*told("scores.nobody"), *facts, *told("scores.apart", naive=signed(naive, 1)), *hidden]
    fair, least, most = (rounded(trends.mean(part)) for part in (known["change"], pair["least"], pair["most"]))
    if len(known) < pair["stayed"].sum():
        caution = ["scores.bounds", "scores.too-high" if fair > most else "scores.too-low" if fair < least else None]
    else:
        caution = [None if hidden else "scores.beware-others" if (pair["entered"] | pair["left"]).any()
                   else "scores.hides" if known["change"].any() else "scores.nobody-changed"]
    numbers = _of(pair) | {"before": rounded(before), "after": rounded(after), "n": len(known), "naive": signed(naive, 1),
                           "fair": signed(fair, 1), "least": signed(least, 1), "most": signed(most, 1)}
    numbers |= {"n_before": means["公布"].iloc[-2], "n_after": means["公布"].iloc[-1]}
    return [*told(*headline_of_scores(naive, least, most, len(known)), "scores.numbers", **numbers), *hidden, *told(*caution, **numbers)]


def headline_of_shares(total: Fraction, stayers: Fraction, entrants: Fraction, leavers: Fraction) -> list[str]:
    """Whence the change of a share came, by its parts in rounded points."""
    said = [by_sign(total, "high.up", "high.level", "high.down")]
    if not total:
        return [*said, "high.offset"] if stayers else said
    if total < 0:
        stayers, entrants, leavers = -stayers, -entrants, -leavers
    return [*said, "high.not-own" if stayers <= 0 else "high.all-own" if not (entrants or leavers)
            else "high.largest" if stayers >= max(entrants, leavers) else "high.smaller"]


def high(outcomes: pd.DataFrame, parts: pd.DataFrame, pair: pd.DataFrame, sheets: Sequence[Period]) -> list[Verdict]:
    """Whether the share of 活跃度高 changed, and whose doing it was, by the parts of its change (`decomposition`)."""
    part, (whole_before, whole_after) = parts.loc[HIGH], _last(outcomes, HIGH)
    points = {key: rounded(part[key]) for key in ("total", "stayers", "entrants", "leavers")}
    numbers = _of(pair) | {key: signed(number, 1) for key, number in points.items()} | {
        "whole_before": whole_before, "whole_after": whole_after, "before": shares.percent(part["before"] / 100),
        "after": shares.percent(part["after"] / 100)}
    if same_floors(sheets[-2:]):
        said = headline_of_shares(*points.values())
        return told(*(said if numbers["stayed"] else [said[0], "high.apart"]), "high.numbers", "high.whole", **numbers)
    here = pair.filter(like="_before").rename(columns=lambda name: name.removesuffix("_before")).dropna(subset="grade")
    new = trends.regraded(here, sheets[-1].scheme)
    sure, may_be = new["worst"] == HIGH, (new["best"] == HIGH) & (new["worst"] != HIGH)
    return told("high.floors", "high.numbers", "high.one-scheme", "high.one-scheme-open" if may_be.any() else None, **numbers,
                n=sure.sum(), undecided=may_be.sum(), evaluated=len(here), share=share(sure, of=here))


def leaving(pair: pd.DataFrame, tests: pd.DataFrame) -> list[Verdict]:
    """Whether those with lower grades left more often."""
    here, of = pair[pair["grade_before"].notna()], _of(pair) | {"whole": pair["grade_before"].count()}
    if not of["left"]:
        return told("leaving.nobody", "leaving.all-again", "leaving.beware-new" if of["entered"] else "leaving.beware-nobody", **of)
    if not of["stayed"]:
        return told("leaving.everybody", "leaving.none-again", "leaving.beware-different", **of)
    again = trends.rates(here["stayed"], here["grade_before"])[::-1]
    exact, asked = again["其中"] / again["联盟数"], tests[tests["question"] == trends.BY_GRADE].iloc[-1]
    headline = ("leaving.one-grade" if pd.isna(asked["p"]) else "leaving.unrelated" if asked["holm"] >= SELDOM
                else "leaving.mixed" if not exact.is_unique else "leaving.lower-more" if exact.is_monotonic_decreasing
                else "leaving.higher-more" if exact.is_monotonic_increasing else "leaving.mixed")
    ends = [of | {"grade": grade, "part": int(part), "n": int(n), "share": share(int(part), of=int(n)), "low": half_up(low, 1),
                  "high": half_up(high, 1)} for grade, n, part, low, high in again.itertuples()]
    return [*told(headline, "leaving.best", **ends[0]), *told("leaving.worst" if len(ends) > 1 else None, "leaving.beware-chosen", **ends[-1])]


def moving(pair: pd.DataFrame, fit: dict | None, sheets: Sequence[Period]) -> list[Verdict]:
    """Whether more rose than fell a grade, and whether the order was kept; `fit`: the regression of the scores published twice."""
    of, same, (before, after) = _of(pair), same_floors(sheets[-2:]), sheets[-2:]
    if not of["stayed"]:
        return told("moving.nobody", "moving.beware-nobody", **of)
    up, down, known = (pair["steps"] > 0).sum(), (pair["steps"] < 0).sum(), pair.dropna(subset="change")
    enough = fit is not None and len(known) >= FEW
    was, now = (trends.graded(known[f"score_{side}"], after.scheme.floors.values()) for side in ("before", "after"))
    headline = by_sign(up - down, "moving.up", "moving.as-many" if up else "moving.none", "moving.down")
    caution = ("moving.beware-floors" if not same else "moving.beware-chance" if enough and fit["narrows"] and fit["pearson"] < IN_LINE
               else "moving.beware-months" if before.months != after.months else "moving.beware-lines")
    return told(headline if same else "moving.floors", "moving.kept" if enough and fit["spearman"] > 0.5 else None, "moving.numbers",
                "moving.spearman" if enough else None, caution, **of, **fitted(fit), up=up, down=down, known=len(known),
                same=(pair["steps"] == 0).sum(), far=(pair["steps"].abs() >= 2).sum(), months_before=before.months,
                months_after=after.months, scheme_up=(now > was).sum(), scheme_down=(now < was).sum())


def fitted(fit: dict[str, float] | None) -> dict[str, object]:
    """The numbers of a regression as sentences have them."""
    places = {"spearman": 2, "kendall": 2, "pearson": 2, "slope": 2, "fixed": 1, "by_chance": 1, "gap": 1}
    return {key: number if key.startswith("n") else half_up(number, places[key]) if key in places else signed(number, 1)
            for key, number in (fit or {}).items() if number is not None}


def batches(outcomes: pd.DataFrame, changes: pd.DataFrame, sheets: Sequence[Period]) -> list[Verdict]:
    """Which batches' stayers rose or fell for certain, with withheld scores in (公布者变化, 至少 and 至多 by batch), and which did not gain
    at the top; nothing where fewer than two had stayers."""
    means = changes[["公布者变化", "至少", "至多"]].set_axis(["change", "least", "most"], axis=1)
    ways = pd.Series({batch: way(rounded(row["least"]), rounded(row["most"])) for batch, row in means.iterrows()}, dtype=object)
    if len(ways) < 2:
        return []
    names = {"up": "batches.up", "down": "batches.down", "level": "batches.level", "unknown": "batches.unknown"}
    of = {kind: [*ways.index[ways == kind]] for kind in names if kind in {*ways}}
    said = told("batches.partly" if "unknown" in of and not {"up", "down"} <= {*of} else "batches.alike" if len(of) == 1 else "batches.differ")
    said += [one for kind, those in of.items() for one in told(names[kind], batches=those)]
    for batch, row in means.dropna(subset="change").iterrows():
        outside = not row["least"] <= row["change"] <= row["most"]
        said += told("batches.outside" if outside else None, batch=batch, **{key: signed(row[key], 1) for key in means})
    flat = [f"{batch}（{before}→{now}）" for batch in ways.index for before, now in [_last(outcomes, HIGH, batch)]
            if now.fraction <= before.fraction]
    return [*said, *told("batches.flat" if flat and same_floors(sheets[-2:]) else None, "batches.table", batches=flat)]


# The sections

def compare(sheets: Sequence[Period], line: list[str]) -> list[Verdict]:
    """What stands between the periods: others, months, floors, names of grades."""
    said = []
    for a, b in pairwise(sheets):
        gap = line[line.index(a.name) + 1:line.index(b.name)]
        floors = [sorted(filter(None, sheet.scheme.floors.values()), reverse=True) for sheet in (a, b)]
        said += told("compare.gap" if gap else None, "compare.months" if a.months != b.months else None,
                     "compare.floors" if floors[0] != floors[1] else None, earlier=a.name, later=b.name, gap=gap,
                     floors_before=floors[0], floors_after=floors[1], months_before=a.months, months_after=b.months)
    return said + renamed(sheets, "compare.renamed")


def renamed(sheets: Sequence[Period], name: str) -> list[Verdict]:
    """A sentence for each grade that some periods call by another name."""
    periods: dict[tuple[str, str], list[str]] = {}
    for sheet in sheets:
        for grade, label in sheet.scheme.labels.items():
            if label != grade:
                periods.setdefault((grade, label), []).append(sheet.name)
    return [one for (grade, label), names in periods.items() for one in told(name, periods=names, label=label, grade=grade)]


def changed(sheets: Sequence[Period]) -> list[Verdict]:
    """What a figure of grades says of its periods: that floors are others, and what a grade was called."""
    return told(None if same_floors(sheets) else "changed.floors") + renamed(sheets, "changed.renamed")


def again(tests: pd.DataFrame) -> list[Verdict]:
    """Whether batches differ in who took part again in the last pair."""
    asked = tests[tests["question"] == trends.BY_BATCH].iloc[-1]
    if pd.isna(asked["p"]):
        return []
    return told("again.differ" if asked["holm"] < SELDOM else "again.alike", p=shares.p_value(asked["p"]), v=half_up(asked["v"]),
                holm=shares.p_value(asked["holm"]), n=asked["n"])


def test(row: pd.Series) -> list[Verdict]:
    """What one line of the tests can and cannot show."""
    return told("test.none" if pd.isna(row["p"]) else "test.differ" if row["holm"] < SELDOM else "test.alike")


def order(pair: pd.DataFrame, fit: dict | None) -> list[Verdict]:
    """How stable the order of scores was, whether those who stood low gained by more than chance, and what withheld scores leave open."""
    n, stayed = pair["change"].count(), pair[pair["stayed"]]
    if not fit:
        return told("order.nothing" if not n else "order.too-few" if n < 3 else "order.constant", n=n)
    why = ("halves.wider" if not fit["narrows"] else "halves.few" if n < FEW else "halves.in-line" if fit["pearson"] >= IN_LINE
           else "halves.chance")
    low, high = (trends.regression(stayed[f"{side}_before"], stayed[f"{side}_after"]) for side in ("low", "high"))
    numbers = fitted(fit) | {"hidden": len(stayed) - n} | ({"low": fitted(low)["slope"], "high": fitted(high)["slope"]} if low and high else {})
    return [*told("order.coefficients", "order.few" if n < FEW else None, **numbers), PARAGRAPH, *told(
        "halves.numbers", "halves.crosses" if fit["narrows"] and fit["fixed"] is not None else None, why,
        "halves.withheld" if len(stayed) > n and low and high else None, **numbers)]


def withheld(means: pd.DataFrame) -> list[Verdict]:
    """What the published mean of each period is worth: its 公布, 平均, 未公布, 至少 and 至多."""
    said = []
    for numbers in _means(means):
        mean, some, hidden = numbers["mean"], numbers["n"], numbers["withheld"]
        said += told("withheld.none" if not hidden else "withheld.some" if some else "withheld.all", **numbers)
        if some and hidden:
            where = ("withheld.above" if mean > numbers["high"] else "withheld.below" if mean < numbers["low"] else "withheld.inside")
            said += told(where)
    return said


def cutoffs(near: pd.DataFrame, shifts: pd.DataFrame, evaluated: pd.DataFrame, sheets: Sequence[Period]) -> list[Verdict]:
    """How many stand near a cut-off, how many would change grade were all moved, and what another scheme would change."""
    known, (earlier, later) = evaluated["score"].count(), sheets[-2:]
    numbers = {"period": later.name, "known": known, "near": near["id"].nunique(), "n": len(evaluated) - known,
               "tables": Text(f"[@regraded-{earlier.name}]和[@regraded-{later.name}]")}
    other = None if same_floors((earlier, later)) else "cutoffs.regraded"
    if not known:
        return told("cutoffs.unknown", other, **numbers)
    said = told("cutoffs.near" if len(near) else "cutoffs.nobody-near", **numbers)
    for row in shifts.itertuples():
        said += told("cutoffs.lower" if row.shift < 0 else "cutoffs.higher", points=abs(row.shift), up=row.up, down=row.down)
    return said + told("cutoffs.withheld" if known < len(evaluated) else None, other, **numbers)


def failing(alliances: pd.DataFrame, found: pd.DataFrame, least: int, line: list[str]) -> list[Verdict]:
    """Who fails again and again, what became of the earlier period's lowest, and what cannot be told."""
    (earlier, later), gap, counts = trends.last_two(alliances), _between(alliances, line, least), found["kind"].value_counts()
    before, now = (alliances[alliances["period"] == period] for period in (earlier, later))
    lowest, unnamed = before.loc[before["grade"] == LOW, "id"], now["id"].isna().sum()
    gone = (~lowest.isin(now.loc[now["grade"].notna(), "id"])).sum()
    return told("failing.some" if len(found) else "failing.nobody",
                "failing.gone" if gone else "failing.gone-nobody" if len(lowest) else None,
                "failing.gap" if gap else None, "failing.unnamed" if unnamed else None, n=len(found), least=least,
                low=counts["failing.low"], absent=counts["failing.absent"], mixed=counts["failing.mixed"], gap=gap, unnamed=unnamed,
                earlier=earlier, later=later, lowest=len(lowest), gone=gone)


def holding(alliances: pd.DataFrame, least: int, line: list[str]) -> list[Verdict]:
    """Who has been 活跃度高 for some periods running, said with what lies between them."""
    run, gap = trends.runs(trends.by_period(alliances), HIGH), _between(alliances, line, least)
    names = [*trends.latest(alliances).loc[run.index[run >= least]].sort_values("code")["name"].map(short)]
    return told("holding.some" if names else "holding.nobody", "holding.gap" if gap and names else None, n=len(names), names=names,
                least=least, later=alliances["period"].cat.categories[-1], gap=gap)


def _between(alliances: pd.DataFrame, line: list[str], least: int) -> list[str]:
    """The periods without a sheet here that lie between the last `least` ones."""
    periods = [*alliances["period"].cat.categories]
    return [p for p in line[line.index(periods[-least:][0]):line.index(periods[-1])] if p not in periods]


def a_level(listed: pd.DataFrame, proposed: pd.DataFrame, alliances: pd.DataFrame) -> list[Verdict]:
    """How the latest published list stands to the earlier sheets, and what list the last period would have where it has none."""
    names = {kind: [*here["name"].map(short)] for found in (listed, proposed) for kind, here in found.groupby("kind")}
    counts = dict.fromkeys(("agrees", "in", "open", "near", "lost"), 0) | {kind.split(".")[1]: len(those) for kind, those in names.items()}
    period, last = alliances.loc[alliances["a_level"], "period"].max(), alliances["period"].cat.categories[-1]
    said = told("listed.agrees" if len(listed) else None, n=(listed["kind"] != "listed.missing").sum(), period=period, **counts)
    said += [one for kind in ("listed.low", "listed.outside", "listed.missing") if kind in names for one in told(kind, names=names[kind])]
    return said if period == last else said + told("proposed.said" if len(proposed) else "proposed.nobody", period=last, **counts)


def evidence(row: object) -> list[Verdict]:
    """Why a claim holds, does not hold, or cannot be verified."""
    reasons = ({"evidence.needed": row.needed, "evidence.withheld": row.withheld} if row.verdict == trends.UNVERIFIABLE
               else {"evidence.against": row.against, "evidence.held": row.held})
    return told(*[name for name, so in reasons.items() if so] or ["evidence.fits"], period=row.period, against=row.against,
                needed=row.needed, withheld=row.withheld, held=row.held)


def matching(found: pd.DataFrame, codes: pd.Series) -> list[Verdict]:
    """How many were matched plainly, and which codes (names by code) two alliances have had."""
    n, odd = found["id"].nunique(), found.loc[found["how"] != "how.both", "id"].nunique()
    return [*told("matching.some" if odd else "matching.plain" if n else "matching.nobody", n=n, odd=odd, plain=n - odd),
            *[one for code, names in codes.items() for one in told("matching.shared", code=code, names=[*names])]]
