"""What changed between periods, alliance by alliance, and what that can and cannot say.

Everything starts from the roster of all periods. A withheld score is never filled in: where it could matter there are bounds
(low, high), or the number of those left out. Rows without an id are of their period alone and stand in no pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis import shares
from analysis.grades import BEST_FIRST, GRADES, HIGH, INCOMPLETE, LOW, NOT_EVALUATED, TOP_SCORE, Scheme
from analysis.registry import Registry, first_year, normalise, short
from analysis.sheets import Period

SIDES = ["score", "low", "high", "grade", "level", "state", "rank"]
STREAK = 3  # periods running for the A-level
BY_GRADE, BY_BATCH, GRADES_BY_BATCH = "tests.again-by-grade", "tests.again-by-batch", "tests.grades-by-batch"
CONFIRMED, REFUTED, UNVERIFIABLE = "属实", "不属实", "无法核实"
UNDECIDED = "无法确定"
SEED, RESAMPLES, Z = 20171231, 9999, 1.959963984540054  # the normal quantile of 95 %
NEAR = 2  # points from a cut-off
DIGITS = 6  # to which differences of scores are taken: 2.3 and 2.3000000000000007 are one
FEW_PERIODS = 4
ABSENT, NO_SHEET = (INCOMPLETE, NOT_EVALUATED), "没有评分表"


# Periods side by side

def last_two(alliances: pd.DataFrame) -> tuple[str, str]:
    """The names of the latest two periods. Raises ValueError where there is only one."""
    periods = [*alliances["period"].cat.categories]
    if len(periods) < 2:
        raise ValueError(f"a trend needs two periods or more; there is {' '.join(periods) or 'none'}")
    return periods[-2], periods[-1]


def pair(alliances: pd.DataFrame, earlier: str, later: str) -> pd.DataFrame:
    """Each alliance in two periods: SIDES with `_before` and `_after`, and what changed.

    change: of the published scores (missing where one is withheld); least and most: its bounds; steps: grades risen.
    stayed, entered, left: evaluated in both, only later, only earlier; returned: entered, and evaluated before `earlier`.
    """
    named = alliances.dropna(subset="id")
    before, after = (named[named["period"] == period].drop(columns=["period", "outcome"]) for period in (earlier, later))
    frame = after.merge(before[["id", *SIDES]], on="id", suffixes=("_after", "_before"), validate="1:1")
    was, now = frame["grade_before"].notna(), frame["grade_after"].notna()
    seen = frame["id"].isin(named.loc[(named["period"] < earlier) & named["grade"].notna(), "id"].unique())
    return frame.assign(
        change=(frame["score_after"] - frame["score_before"]).round(DIGITS), least=(frame["low_after"] - frame["high_before"]).round(DIGITS),
        most=(frame["high_after"] - frame["low_before"]).round(DIGITS), steps=frame["level_after"] - frame["level_before"],
        stayed=was & now, entered=~was & now, left=was & ~now, returned=~was & now & seen, from_period=earlier, to_period=later)


def pairs(alliances: pd.DataFrame) -> pd.DataFrame:
    """Each period with the next, as `pair` has them, one below the other; `from_period` and `to_period` say which."""
    named = alliances.dropna(subset="id")
    return pd.concat([pair(named, *two) for two in pairwise(alliances["period"].cat.categories)], ignore_index=True)


def by_period(alliances: pd.DataFrame, column: str = "state") -> pd.DataFrame:
    """One column of a roster of all periods: a row for each alliance, a column for each period."""
    return alliances.dropna(subset="id").pivot(index="id", columns="period", values=column).astype(object).rename(columns=str)


def latest(alliances: pd.DataFrame) -> pd.DataFrame:
    """The name, the code and the batch that each alliance had last, by its id."""
    return alliances.dropna(subset="id").drop_duplicates("id", keep="last").set_index("id")[["name", "code", "batch"]]


def side_by_side(alliances: pd.DataFrame, earlier: str, later: str) -> pd.DataFrame:
    """What `pair` says, in the columns that are compared at a glance."""
    columns = ["name", "batch", "state_before", "state_after", "score_before", "score_after", "change", "least", "most", "steps"]
    return pair(alliances, earlier, later)[columns]


def with_all(frame: pd.DataFrame) -> pd.DataFrame:
    """A roster's rows, and all of them once more in a batch 全部, for tables by batch with a last line."""
    batches = pd.CategoricalDtype([*frame["batch"].cat.categories, "全部"], ordered=True)
    return pd.concat([frame, frame.assign(batch="全部")]).astype({"batch": batches})


def decomposition(pair: pd.DataFrame) -> pd.DataFrame:
    """The change of each grade's share of those evaluated, in points, as exact fractions that add up (Melitz and Polanec 2015).

    before, after; stayers: those evaluated twice, later less earlier; entrants and leavers: how far all evaluated are from the
    stayers, later and earlier, which is the paper's weight times difference. Where nobody stayed their share counts as nought.
    """
    def points(side: str, who: pd.Series) -> pd.Series:
        counts = pair.loc[who, f"grade_{side}"].value_counts().reindex(BEST_FIRST)
        return counts.astype(object).map(lambda n: Fraction(100 * n, max(int(who.sum()), 1)))

    stayed, was, now = pair["stayed"], pair["stayed"] | pair["left"], pair["stayed"] | pair["entered"]
    before, first, then, after = points("before", was), points("before", stayed), points("after", stayed), points("after", now)
    parts = {"before": before, "after": after, "total": after - before, "stayers": then - first, "entrants": after - then,
             "leavers": first - before}
    return pd.DataFrame(parts).rename_axis("grade")


def everyone(alliances: pd.DataFrame, registry: Registry) -> pd.DataFrame:
    """A row for each alliance: short name, code, batch, score or state by period, the last changes, and other names to find it by."""
    hidden = alliances["state"].astype(object).where(alliances["grade"].isna(), "未公布")
    cells = by_period(alliances.assign(cell=alliances["score"].map("{:.10g}".format).where(alliances["score"].notna(), hidden)), "cell")
    last = pair(alliances, *last_two(alliances)).set_index("id").rename(columns={"change": "评分变化", "steps": "等级变化"})
    last = last.sort_values(["rank_after", "state_after", "id"], ascending=[True, False, True])
    changes = last[["评分变化", "等级变化"]].astype(float).map(shares.gained, na_action="ignore")
    table = last[["name", "code", "batch"]].join(cells).join(changes)
    aliases = pd.Series(registry.aliases, dtype=object).reset_index().groupby(0)["index"].agg(" ".join)
    table["also"] = table["name"] + " " + table.index.map(aliases).fillna("")
    table["name"] = table["name"].map(short)
    return table.rename(columns={"name": "联盟名称", "code": "代码", "batch": "批次"}).reset_index(drop=True)


# How sure


# How sure

def mean(scores: pd.Series) -> Fraction | None:
    """The exact mean of the scores that there are; None of none."""
    known = [Decimal(str(score)) for score in scores.dropna()]
    return Fraction(sum(known)) / len(known) if known else None


def rates(holds: pd.Series, by: pd.Series) -> pd.DataFrame:
    """How often something holds in each group: 联盟数, 其中, and the 95 % interval of its share in percent (Wilson 1927), 下限 and 上限."""
    table = holds.groupby(by).agg(["size", "sum"]).set_axis(["联盟数", "其中"], axis=1)
    n, share = table["联盟数"], table["其中"] / table["联盟数"]
    middle, width = share + Z * Z / 2 / n, Z * np.sqrt(share * (1 - share) / n + Z * Z / 4 / n ** 2)
    low, high = (100 * (middle + side * width) / (1 + Z * Z / n) for side in (-1, 1))
    return table.assign(下限=low.clip(0, 100), 上限=high.clip(0, 100))


def association(rows: pd.Series, columns: pd.Series) -> tuple[float, float, int]:
    """Whether two classes go together: p of chi-square by Monte Carlo (these margins, a fixed seed), Cramér's V (0 none, 1 full), n.

    p and V are missing where one side has a single class.
    """
    (row, rows), (column, columns) = (pd.factorize(side.astype(object), sort=True) for side in (rows, columns))
    table, n = np.bincount(row * len(columns) + column, minlength=len(rows) * len(columns)).reshape(len(rows), len(columns)), len(row)
    if min(table.shape, default=0) < 2:
        return np.nan, np.nan, n
    chance, left = np.random.default_rng(SEED), np.repeat(table.sum(axis=1), RESAMPLES).reshape(-1, RESAMPLES)
    drawn = np.zeros((*table.T.shape, RESAMPLES), int)
    for cells, whole in zip(drawn, table.sum(axis=0)[:-1]):  # cell by cell, each from what its row and its column have left
        missing, others = whole, left.sum(axis=0)
        for row, there in enumerate(left):
            others = others - there
            cells[row] = chance.hypergeometric(there, others, missing)
            missing = missing - cells[row]
        left = left - cells
    drawn[-1] = left
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    chi, chis = (((counts.T - expected) ** 2 / expected).sum(axis=(-1, -2)) for counts in (table.T, drawn))
    p = (1 + (chis >= chi - 1e-9).sum()) / (RESAMPLES + 1)
    return float(p), float(np.sqrt(chi / n / (min(table.shape) - 1))), n


def tests(alliances: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    """Who took part again, by earlier grade and by batch, and grades by batch: question, from_period, to_period, n, p, holm (Holm 1979), v."""
    evaluated, rows = alliances[alliances["grade"].notna()], []
    for (earlier, later), here in moves[moves["grade_before"].notna()].groupby(["from_period", "to_period"], sort=False):
        rows += [(question, earlier, later, *association(here[by], here["stayed"]))
                 for question, by in ((BY_GRADE, "grade_before"), (BY_BATCH, "batch"))]
    rows += [(GRADES_BY_BATCH, period, period, *association(here["batch"], here["grade"])) for period, here in evaluated.groupby("period")]
    table = pd.DataFrame(rows, columns=["question", "from_period", "to_period", "p", "v", "n"])
    known = table["p"].dropna().sort_values(kind="stable")
    return table.assign(holm=(known * np.arange(len(known), 0, -1)).cummax().clip(upper=1))


def regression(before: pd.Series, after: pd.Series) -> dict[str, float] | None:
    """How two scores go together, and whether those who stood low rose more; None below three alliances, or where a side is constant.

    n, spearman, kendall (τ-b), pearson; slope, intercept and where the line crosses equality (fixed, or None); mean changes of the
    lower and upper half (at the median; who stands on it is low, unless nobody is then high), n_lower, n_upper, their gap, whether
    it narrows (to a tenth of a point), and the gap that the correlation alone makes, were both periods equally spread (by_chance).
    """
    if len(before) < 3 or before.nunique() < 2 or after.nunique() < 2:
        return None
    signs = [np.sign(np.subtract.outer(side.to_numpy(), side.to_numpy())) for side in (before, after)]
    tau = (signs[0] * signs[1]).sum() / np.sqrt(np.abs(signs[0]).sum() * np.abs(signs[1]).sum())
    pearson, middle, change = before.corr(after), before.median(), (after - before).round(DIGITS)
    slope, intercept = np.polyfit(before, after, 1)
    fixed = intercept / (1 - slope) if abs(1 - slope) > 1e-9 else -1
    low = before <= middle if middle < before.max() else before < middle
    lower, upper = (round(float(change[half].mean()), DIGITS) for half in (low, ~low))
    return {"n": len(before), "spearman": before.rank().corr(after.rank()), "kendall": tau, "pearson": pearson, "slope": slope,
            "intercept": intercept, "fixed": fixed if 0 <= fixed <= TOP_SCORE else None, "n_lower": int(low.sum()), "lower": lower,
            "n_upper": int((~low).sum()), "upper": upper, "gap": lower - upper, "narrows": slope < 1 and round(lower, 1) > round(upper, 1),
            "by_chance": (1 - pearson) * (before[~low].mean() - before[low].mean())}


def graded(scores: pd.Series, floors: Iterable[float]) -> pd.Series:
    """Scores as grades by other floors, worst to best; missing stays missing."""
    return pd.cut(scores, [*sorted(floors), np.inf], right=False, labels=GRADES)


def sensitivity(evaluated: pd.DataFrame, scheme: Scheme) -> pd.DataFrame:
    """How many with a published score get another grade when all cut-offs move together: shift, up, down."""
    known, rows = evaluated.dropna(subset="score"), []
    for points in (-2, -1, 1, 2):
        new = graded(known["score"], [floor and floor + points for floor in scheme.floors.values()])
        rows.append((points, (new > known["grade"]).sum(), (new < known["grade"]).sum()))
    return pd.DataFrame(rows, columns=["shift", "up", "down"])


def near_cutoffs(evaluated: pd.DataFrame, scheme: Scheme) -> pd.DataFrame:
    """Who stands within two points of a cut-off, once for each: id, name, score, cutoff, distance (positive: above or on it)."""
    cutoffs = pd.DataFrame({"cutoff": [floor for floor in scheme.floors.values() if floor]})
    frame = evaluated.dropna(subset="score")[["id", "name", "score"]].merge(cutoffs, how="cross")
    frame["distance"] = (frame["score"] - frame["cutoff"]).round(DIGITS)
    return frame[frame["distance"].abs() <= NEAR].sort_values(["cutoff", "distance", "id"], ascending=[False, False, True])


def regraded(evaluated: pd.DataFrame, scheme: Scheme) -> pd.DataFrame:
    """The grades of a period under another scheme: worst and best that a withheld score may be, and grade (UNDECIDED where they differ)."""
    below = evaluated["high"].where(evaluated["score"].notna(), evaluated["high"] - 1e-9)  # the next floor is not reached
    ends = {end: graded(scores, scheme.floors.values()) for end, scores in (("worst", evaluated["low"]), ("best", below))}
    same = ends["worst"] == ends["best"]
    grade = pd.Categorical(ends["worst"].astype(object).where(same, UNDECIDED), [UNDECIDED, *GRADES], ordered=True)
    return pd.DataFrame(ends | {"grade": grade}, index=evaluated.index)


# Streaks and the A-level

def timeline(registry: Registry, names: Iterable[str]) -> list[str]:
    """Every period known to have been held, with those that only have a sheet, in order of their last years.

    A listed one whose years lie in those of a sheet is a part of it: 2018 of 2018-2019.
    """
    there = set(names)
    parts = {p for p in registry.periods for n in there - {p} if first_year(n) <= first_year(p) and int(p[-4:]) <= int(n[-4:])}
    return sorted({*registry.periods} - parts | there, key=lambda name: (int(name[-4:]), name))


def runs(states: pd.DataFrame, *those: str) -> pd.Series:
    """By id, in how many periods running, up to the last, an alliance was in one of some states (`by_period`)."""
    return states.isin(those).iloc[:, ::-1].cummin(axis=1).sum(axis=1).rename("run")


def failing(alliances: pd.DataFrame, least: int) -> pd.DataFrame:
    """Who was 较差, 信息不完整 or 未参评 in each of the last periods, `least` or more running: name, code, batch, run, kind, and what was
    found in each period (a column each). kind: `failing.low` or `failing.absent` in all of them, else `failing.mixed`."""
    score = alliances["score"].map("（{:.10g}分）".format, na_action="ignore").astype(object).fillna("（评分未公布）")
    found = alliances["state"].astype(str) + score.where(alliances["grade"].notna(), "")
    states = by_period(alliances)
    run, low, absent = (runs(states, *those) for those in ((LOW, *ABSENT), (LOW,), ABSENT))
    kind = np.select([low == run, absent == run], ["failing.low", "failing.absent"], "failing.mixed")
    kind = pd.Categorical(kind, ["failing.low", "failing.mixed", "failing.absent"])
    table = latest(alliances).join(pd.DataFrame({"run": run, "kind": kind})).join(by_period(alliances.assign(found=found), "found"))
    return table[table["run"] >= least].sort_values(["kind", "run", "code"], ascending=[True, False, True]).reset_index()


def listed(alliances: pd.DataFrame) -> pd.DataFrame:
    """The latest published A-level list against the earlier sheets: name, code, a column for each sheet, and kind: `listed.agrees` (high
    in all), `listed.low` (not in one), `listed.outside` (not yet a member), or, of those not on it, `listed.missing` (high in all)."""
    on = alliances[alliances["a_level"]]
    if on.empty:
        return pd.DataFrame(columns=["id", "name", "code", "kind"])
    last = on["period"].max()
    states = by_period(alliances[alliances["period"] <= last])
    on, before, high = states.index.isin(on.loc[on["period"] == last, "id"]), states.iloc[:, :-1], (states == HIGH).all(axis=1)
    return _kinds(alliances, states, {
        "listed.missing": ~on & high, "": ~on, "listed.agrees": (before == HIGH).all(axis=1),
        "listed.low": (before.isin([*GRADES, *ABSENT]) & (before != HIGH)).any(axis=1), "listed.outside": on})


def _kinds(alliances: pd.DataFrame, cells: pd.DataFrame, kinds: dict[str, pd.Series]) -> pd.DataFrame:
    """id, name, code, the cells and the first kind that holds; who is of none is left out."""
    kind = np.select([*kinds.values()], [*kinds], "")
    table = latest(alliances)[["name", "code"]].join(cells.assign(kind=kind), how="right")
    return table[table["kind"] != ""].sort_values(["kind", "code"]).reset_index()


def proposed(alliances: pd.DataFrame, line: list[str]) -> pd.DataFrame:
    """The A-level list that the last period would have, if none is published: id, name, code, what is known of three periods, kind.

    A period without a sheet counts as high for who is on a published list of three periods that has it. kind: `proposed.in`; `.open`
    (high wherever there is a sheet); `.near` (one period short, all known); `.lost` (had it in the period before), whatever it is short.
    """
    last, lists = alliances["period"].cat.categories[-1], alliances[alliances["a_level"]]
    window, before = line[:line.index(last) + 1][-STREAK:], line[:line.index(last)][-STREAK:]
    there = by_period(alliances)
    states = there.reindex(columns=dict.fromkeys([*before, *window]), fill_value=NO_SHEET)
    for row in lists[lists["period"] < last].itertuples():
        states.loc[row.id, [p for p in line[:line.index(row.period) + 1][-STREAK:] if p in states and p not in there]] = HIGH
    cells = states[window]
    short_of, unknown = (~cells.isin([HIGH, NO_SHEET])).sum(axis=1), (cells == NO_SHEET).sum(axis=1)
    had = cells.index.isin(lists.loc[lists["period"].astype(str).isin(before[-1:]), "id"]) | ((states[before] == HIGH).sum(axis=1) == STREAK)
    table = _kinds(alliances, cells, {"proposed.in": short_of + unknown == 0, "proposed.open": short_of == 0, "proposed.lost": had,
                                      "proposed.near": short_of + unknown == 1})
    return table[:0] if (lists["period"] == last).any() else table


def claims(alliances: pd.DataFrame, registry: Registry, line: list[str]) -> pd.DataFrame:
    """Each published A-level alliance and each claim of registry/claims.csv, held against the sheets there are.

    period, id, name, kind (its sentence), times, verdict; the periods against it, needed (no sheet here) and withheld (the
    score would decide), as lists; held: how many periods there had been, where they are fewer than claimed, else 0.
    """
    names, high, full = latest(alliances)["name"], by_period(alliances) == HIGH, by_period(alliances, "score") == TOP_SCORE
    may_be_full = full | high & by_period(alliances, "score").isna()
    said = [(row.period, row.id, "claimed.a-level", STREAK, high, high) for row in alliances[alliances["a_level"]].itertuples()]
    said += [(claim.period, claim.id, "claimed.full", claim.times, full, may_be_full)
             for claim in registry.claims if claim.period in line and claim.id in names]
    rows = []
    for period, id, kind, times, holds, may_hold in said:
        window = line[:line.index(period) + 1][-times:]
        against, needed = [p for p in window if p in holds and not may_hold.at[id, p]], [p for p in window if p not in holds]
        withheld = [p for p in window if p in holds and may_hold.at[id, p] and not holds.at[id, p]]
        held = len(window) if len(window) < times else 0
        verdict = REFUTED if against or held else UNVERIFIABLE if needed or withheld else CONFIRMED
        rows.append((period, id, names[id], kind, times, verdict, against, needed, withheld, held))
    return pd.DataFrame(rows, columns=["period", "id", "name", "kind", "times", "verdict", "against", "needed", "withheld", "held"])


# Who is who


# Who is who

def matching(chosen: Sequence[Period]) -> pd.DataFrame:
    """How each alliance that two neighbouring sheets name was matched: names and codes before and after, and how (its sentence)."""
    codes, rows = chosen[-1].registry.codes, []
    for earlier, later in pairwise(chosen):
        before = {a.id: a for a in (*earlier.absent, *earlier.evaluated)}
        for a in (a for a in (*later.evaluated, *later.absent) if a.id in before):
            was, same_name = before[a.id], normalise(a.name) == normalise(before[a.id].name)
            doubtful = "doubtful" in codes.get((a.id, earlier.name), ()) + codes.get((a.id, later.name), ())
            how = (("how.both" if same_name else "how.code") if a.code == was.code
                   else "how.decided" if doubtful else "how.name" if same_name else "how.alias")
            rows.append((a.id, earlier.name, later.name, was.name, was.code, a.name, a.code, how))
    columns = ["id", "from_period", "to_period", "name_before", "code_before", "name_after", "code_after", "how"]
    return pd.DataFrame(rows, columns=columns)
