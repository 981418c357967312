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

from analysis import shares, sheets
from analysis.grades import BEST_FIRST, GRADES, HIGH, INCOMPLETE, LOW, NOT_EVALUATED, TOP_SCORE, Scheme
from analysis.registry import Registry, first_year, normalise, short
from analysis.sheets import Period

SIDES = ["score", "low", "high", "grade", "level", "state", "rank"]
STREAK = 3  # periods running for the A-level
BY_GRADE, BY_BATCH, GRADES_BY_BATCH = "tests.again-by-grade", "tests.again-by-batch", "tests.grades-by-batch"
CONFIRMED, REFUTED, UNVERIFIABLE = "属实", "不属实", "无法核实"
UNDECIDED = "无法确定"
SEED, RESAMPLES, Z = 20171231, 9999, 1.959963984540054  # the normal quantile of 95 %
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
    named = alliances.dropna(subset="id").set_index("id")
    before, after = (named.loc[named["period"] == period, SIDES] for period in (earlier, later))
    frame = named[named["period"] == later].drop(columns=[*SIDES, "period", "outcome"])
    frame = frame.join(before.add_suffix("_before"), validate="1:1").join(after.add_suffix("_after"), validate="1:1")
    was, now = frame["grade_before"].notna(), frame["grade_after"].notna()
    seen = named.index[(named["period"] < earlier) & named["grade"].notna()]
    return frame.assign(
        change=(frame["score_after"] - frame["score_before"]).round(DIGITS), least=frame["low_after"] - frame["high_before"],
        most=frame["high_after"] - frame["low_before"], steps=frame["level_after"] - frame["level_before"],
        stayed=was & now, entered=~was & now, left=was & ~now, returned=~was & now & frame.index.isin(seen),
        from_period=earlier, to_period=later).reset_index()


def pairs(alliances: pd.DataFrame) -> pd.DataFrame:
    """Each period with the next, as `pair` has them, one below the other; `from_period` and `to_period` say which."""
    return pd.concat([pair(alliances, *two) for two in pairwise(alliances["period"].cat.categories)], ignore_index=True)


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
    def share(hits: pd.Series, group: pd.Series) -> Fraction:
        return Fraction(100 * int((hits & group).sum()), max(int(group.sum()), 1))

    stayed, was, now = pair["stayed"], pair["stayed"] | pair["left"], pair["stayed"] | pair["entered"]
    rows = {}
    for grade in BEST_FIRST:
        first, then = pair["grade_before"] == grade, pair["grade_after"] == grade
        before, after, own = share(first, was), share(then, now), (share(first, stayed), share(then, stayed))
        rows[grade] = {"before": before, "after": after, "total": after - before, "stayers": own[1] - own[0],
                       "entrants": after - own[1], "leavers": own[0] - before}
    return pd.DataFrame.from_dict(rows, orient="index", dtype=object).rename_axis("grade")


def everyone(alliances: pd.DataFrame, registry: Registry) -> pd.DataFrame:
    """A row for each alliance: short name, code, batch, score or state by period, the last changes, and other names to find it by."""
    named = alliances.dropna(subset="id").sort_values("period", kind="stable")
    periods = [*named["period"].cat.categories]
    hidden = named["state"].astype(object).where(named["grade"].isna(), "未公布")
    cells = named.assign(cell=named["score"].map("{:.10g}".format).where(named["score"].notna(), hidden))
    cells = cells.pivot(index="id", columns="period", values="cell").rename(columns=str)
    last = named[named["period"] == periods[-1]].sort_values(["rank", "state", "id"], ascending=[True, False, True], na_position="last")
    table = last.set_index("id")[["name", "code", "batch"]].join(cells)
    changes = pair(alliances, *periods[-2:]).set_index("id")[["change", "steps"]]
    table[["评分变化", "等级变化"]] = changes.apply(lambda column: column.astype(float).map(shares.gained, na_action="ignore"))
    aliases = pd.Series(registry.aliases, dtype=object).reset_index().groupby(0)["index"].agg(" ".join)
    table["also"] = table["name"] + " " + table.index.map(registry.names).astype(str) + " " + table.index.map(aliases).fillna("")
    table["name"] = table["name"].map(short)
    return table.rename(columns={"name": "联盟名称", "code": "代码", "batch": "批次"}).reset_index(drop=True)


# How sure

def mean(scores: pd.Series) -> Fraction | None:
    """The exact mean of the scores that there are; None of none."""
    known = [Decimal(str(score)) for score in scores.dropna()]
    return Fraction(sum(known)) / len(known) if known else None


def rates(holds: pd.Series, *by: pd.Series) -> pd.DataFrame:
    """How often something holds in each group: 联盟数, 其中, 占比 and its 95 % interval (Wilson 1927), in percent; one row 全部 without `by`."""
    table = holds.groupby([*by] if by else np.full(len(holds), "全部")).agg(["size", "sum"]).set_axis(["联盟数", "其中"], axis=1)
    n, share = table["联盟数"], table["其中"] / table["联盟数"]
    middle, width = share + Z * Z / 2 / n, Z * np.sqrt(share * (1 - share) / n + Z * Z / 4 / n ** 2)
    ends = [(100 * (middle + side * width) / (1 + Z * Z / n)).clip(0, 100) for side in (-1, 1)]
    return table.assign(**{"占比": shares.column(table["其中"], n), "下限%": ends[0], "上限%": ends[1]})


def association(rows: pd.Series, columns: pd.Series) -> tuple[float, float, int]:
    """Whether two classes go together: p of chi-square by Monte Carlo (these margins, a fixed seed), Cramér's V (0 none, 1 full), n.

    p and V are missing where one side has a single class.
    """
    table = pd.crosstab(rows.astype(object), columns.astype(object)).to_numpy()
    n = int(table.sum())
    if min(table.shape, default=0) < 2:
        return np.nan, np.nan, n
    chance, left = np.random.default_rng(SEED), np.tile(table.sum(axis=1), (RESAMPLES, 1))
    drawn = np.zeros((RESAMPLES + 1, *table.shape), int)
    drawn[0] = table
    for column, whole in enumerate(table.sum(axis=0)):  # cell by cell, each from what its row and its column have left
        for row in range(len(table)):
            missing = whole - drawn[1:, :row, column].sum(axis=1)
            drawn[1:, row, column] = chance.hypergeometric(left[:, row], left[:, row + 1:].sum(axis=1), missing)
        left = left - drawn[1:, :, column]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    chi = ((drawn - expected) ** 2 / expected).sum(axis=(1, 2))
    return float((chi >= chi[0] - 1e-9).mean()), float(np.sqrt(chi[0] / n / (min(table.shape) - 1))), n


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
    slope = pearson * after.std() / before.std()
    intercept = after.mean() - slope * before.mean()
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


def sensitivity(evaluated: pd.DataFrame, scheme: Scheme, by: Sequence[int] = (-2, -1, 1, 2)) -> pd.DataFrame:
    """How many get another grade when all cut-offs move together: shift, up, down; and withheld, of whom nobody knows."""
    known = evaluated.dropna(subset="score")
    then = {points: graded(known["score"], [floor and floor + points for floor in scheme.floors.values()]) for points in by}
    rows = [(points, (new > known["grade"]).sum(), (new < known["grade"]).sum(), len(evaluated) - len(known)) for points, new in then.items()]
    return pd.DataFrame(rows, columns=["shift", "up", "down", "withheld"])


def near_cutoffs(evaluated: pd.DataFrame, scheme: Scheme, within: float = 2) -> pd.DataFrame:
    """Who stands within some points of a cut-off, once for each: id, name, score, cutoff, distance (positive: above or on it)."""
    cutoffs = pd.DataFrame({"cutoff": [floor for floor in scheme.floors.values() if floor]})
    frame = evaluated.dropna(subset="score")[["id", "name", "score"]].merge(cutoffs, how="cross")
    frame["distance"] = (frame["score"] - frame["cutoff"]).round(DIGITS)
    return frame[frame["distance"].abs() <= within].sort_values(["cutoff", "distance", "id"], ascending=[False, False, True])


def regraded(evaluated: pd.DataFrame, scheme: Scheme) -> pd.DataFrame:
    """The grades of a period under another scheme: worst and best that a withheld score may be, and grade (UNDECIDED where they differ)."""
    below = evaluated["high"].where(evaluated["score"].notna(), evaluated["high"] - 1e-9)  # the next floor is not reached
    ends = {end: graded(scores, scheme.floors.values()) for end, scores in (("worst", evaluated["low"]), ("best", below))}
    same = ends["worst"] == ends["best"]
    grade = pd.Categorical(ends["worst"].astype(object).where(same, UNDECIDED), [UNDECIDED, *GRADES], ordered=True)
    return pd.DataFrame(ends | {"grade": grade}, index=evaluated.index)


# Streaks and the A-level

def unchosen(chosen: Sequence[Period]) -> list[str]:
    """The periods that have a filled sheet and were left out."""
    data = chosen[-1].data
    others = {*sheets.periods(data)} - {sheet.name for sheet in chosen}  # mostly none, and then no workbook is opened
    return [name for name in sheets.filled_periods(data)[0] if name in others] if others else []


def timeline(registry: Registry, names: Iterable[str]) -> list[str]:
    """Every period known to have been held, with those that only have a sheet, in order of their last years.

    A listed one whose years lie in those of a sheet is a part of it: 2018 of 2018-2019.
    """
    there = set(names)
    parts = {p for p in registry.periods for n in there - {p} if first_year(n) <= first_year(p) and int(p[-4:]) <= int(n[-4:])}
    return sorted({*registry.periods} - parts | there, key=lambda name: (int(name[-4:]), name))


def runs(alliances: pd.DataFrame, *states: str) -> pd.Series:
    """By id, in how many periods running, up to the last, an alliance was in one of some states."""
    state = alliances.dropna(subset="id").pivot(index="id", columns="period", values="state").astype(object)
    return state.isin(states).iloc[:, ::-1].cummin(axis=1).sum(axis=1).rename("run")


def failing(alliances: pd.DataFrame, least: int) -> pd.DataFrame:
    """Who was 较差, 信息不完整 or 未参评 in each of the last periods, `least` or more running: name, code, batch, run, what was found in
    each period (a column each), and kind: `failing.low` or `failing.absent` in all of them, else `failing.mixed`."""
    named = alliances.dropna(subset="id")
    score = named["score"].map("（{:.10g}分）".format, na_action="ignore").astype(object).fillna("（评分未公布）")
    score = score.where(named["grade"].notna(), "")
    found = named.assign(found=named["state"].astype(str) + score).pivot(index="id", columns="period", values="found").rename(columns=str)
    run, low, absent = (runs(alliances, *states) for states in ((LOW, *ABSENT), (LOW,), ABSENT))
    kind = np.select([low == run, absent == run], ["failing.low", "failing.absent"], "failing.mixed")
    kind = pd.Series(pd.Categorical(kind, ["failing.low", "failing.mixed", "failing.absent"]), run.index, name="kind")
    table = named.drop_duplicates("id", keep="last").set_index("id")[["name", "code", "batch"]].join(run).join(kind)
    return table[table["run"] >= least].join(found).sort_values(["kind", "run", "code"], ascending=[True, False, True]).reset_index()


def listed(alliances: pd.DataFrame) -> pd.DataFrame:
    """The latest published A-level list against the earlier sheets: name, code, a column for each sheet, and kind: `listed.agrees` (high
    in all), `listed.low` (not in one), `listed.outside` (not yet a member), or, of those not on it, `listed.missing` (high in all)."""
    named = alliances.dropna(subset="id")
    if not named["a_level"].any():
        return pd.DataFrame(columns=["id", "name", "code", "kind"])
    last = named.loc[named["a_level"], "period"].max()
    state = named[named["period"] <= last].pivot(index="id", columns="period", values="state").astype(object).rename(columns=str)
    on, before = state.index.isin(named[named["a_level"] & (named["period"] == last)]["id"]), state.iloc[:, :-1]
    kind = np.select([on & (before == HIGH).all(axis=1), on & before.isin([*GRADES, *ABSENT]).mask(before == HIGH, False).any(axis=1), on,
                      (state == HIGH).all(axis=1)], ["listed.agrees", "listed.low", "listed.outside", "listed.missing"], "")
    names = named.drop_duplicates("id", keep="last").set_index("id")[["name", "code"]]
    return names.join(state.assign(kind=kind), how="right").query("kind != ''").sort_values(["kind", "code"]).reset_index()


def proposed(alliances: pd.DataFrame, line: list[str]) -> pd.DataFrame:
    """The A-level list that the last period would have, if none is published: id, name, code, what is known of three periods, kind.

    A period without a sheet counts as high for who is on a published list of three periods that has it. kind: `proposed.in`; `.open`
    (high wherever there is a sheet); `.near` (one period short, all known); `.lost` (had it in the period before), whatever it is short.
    """
    named, last = alliances.dropna(subset="id"), alliances["period"].cat.categories[-1]
    window, before = line[:line.index(last) + 1][-STREAK:], line[:line.index(last)][-STREAK:]
    state = named.pivot(index="id", columns="period", values="state").astype(object)
    earlier = named[named["a_level"] & (named["period"] < last)][["id", "period"]]
    attested = {(row.id, p) for row in earlier.itertuples() for p in line[:line.index(row.period) + 1][-STREAK:]}
    known = pd.DataFrame({p: state[p] if p in state else [HIGH if (id, p) in attested else NO_SHEET for id in state.index]
                          for p in dict.fromkeys([*before, *window])}, index=state.index)
    cells = known[window]
    short_of, unknown = (~cells.isin([HIGH, NO_SHEET])).sum(axis=1), (cells == NO_SHEET).sum(axis=1)
    had = cells.index.isin(earlier[earlier["period"].astype(str).isin(before[-1:])]["id"]) | (
        (known[before] == HIGH).sum(axis=1) == STREAK)
    kind = np.select([short_of + unknown == 0, short_of == 0, had, short_of + unknown == 1],
                     ["proposed.in", "proposed.open", "proposed.lost", "proposed.near"], "")
    names = named.drop_duplicates("id", keep="last").set_index("id")[["name", "code"]]
    table = names.join(cells.assign(kind=kind), how="right").query("kind != ''").sort_values(["kind", "code"]).reset_index()
    return table[:0] if (named["a_level"] & (named["period"] == last)).any() else table


def claims(alliances: pd.DataFrame, registry: Registry, line: list[str]) -> pd.DataFrame:
    """Each published A-level alliance and each claim of registry/claims.csv, held against the sheets there are.

    period, id, name, kind (its sentence), times, verdict; the periods against it, needed (no sheet here) and withheld (the
    score would decide), as lists; held: how many periods there had been, where they are fewer than claimed, else 0.
    """
    named = alliances.dropna(subset="id")
    state, score = (named.pivot(index="id", columns="period", values=values) for values in ("state", "score"))
    high, full = state == HIGH, score == TOP_SCORE
    listed = [(row.period, row.id, "claimed.a-level", STREAK, high, high) for row in named[named["a_level"]].itertuples()]
    listed += [(claim.period, claim.id, "claimed.full", claim.times, full, full | high & score.isna())
               for claim in registry.claims if claim.period in line and claim.id in score.index]
    rows = []
    for period, id, kind, times, holds, may_hold in listed:
        window = line[:line.index(period) + 1][-times:]
        there = [p for p in window if p in holds]
        against, needed = [p for p in there if not may_hold.at[id, p]], [p for p in window if p not in there]
        withheld, held = [p for p in there if may_hold.at[id, p] and not holds.at[id, p]], len(window) if len(window) < times else 0
        verdict = REFUTED if against or held else UNVERIFIABLE if needed or withheld else CONFIRMED
        name = named.loc[named["id"] == id, "name"].iloc[-1]
        rows.append((period, id, name, kind, times, verdict, against, needed, withheld, held))
    return pd.DataFrame(rows, columns=["period", "id", "name", "kind", "times", "verdict", "against", "needed", "withheld", "held"])


# Who is who

def matching(chosen: Sequence[Period]) -> pd.DataFrame:
    """How each alliance that two neighbouring sheets name was matched: names and codes before and after, and how.

    how names a sentence: what stayed the same, or `how.decided` where the registry marks a code as doubtful.
    """
    codes, rows = chosen[-1].registry.codes, []
    for earlier, later in pairwise(chosen):
        before = {a.id: a for a in (*earlier.absent, *earlier.evaluated)}
        rows += [(a.id, earlier.name, later.name, before[a.id].name, before[a.id].code, a.name, a.code,
                  "doubtful" in codes.get((a.id, earlier.name), ()) + codes.get((a.id, later.name), ()))
                 for a in (*later.evaluated, *later.absent) if a.id in before]
    columns = ["id", "from_period", "to_period", "name_before", "code_before", "name_after", "code_after", "doubtful"]
    frame = pd.DataFrame(rows, columns=columns).astype({"doubtful": bool})
    same_name = frame["name_before"].map(normalise) == frame["name_after"].map(normalise)
    same_code = frame["code_before"] == frame["code_after"]
    how = np.select([same_code & same_name, same_code, frame.pop("doubtful"), same_name],
                    ["how.both", "how.code", "how.decided", "how.name"], "how.alias")
    return frame.assign(how=how)


def shared_codes(chosen: Sequence[Period]) -> dict[str, list[str]]:
    """Codes that stand for different alliances in these sheets, with the registry's names in the order of the periods."""
    holders: dict[str, dict[str, None]] = {}
    for a in (a for sheet in chosen for a in (*sheet.evaluated, *sheet.absent)):
        holders.setdefault(a.code, {})[chosen[-1].registry.names[a.id]] = None
    return {code: [*names] for code, names in sorted(holders.items()) if len(names) > 1}
