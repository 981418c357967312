"""What changed between periods, alliance by alliance, and what that can and cannot say.

Everything starts from a panel: one row for each alliance of the registry and each period, in order of the end dates.
A withheld score is never filled in; where it could matter, a function gives bounds, or says how many it left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis import DATA, sheets
from analysis.registry import Registry, first_year, normalise
from analysis.grades import GRADES, HIGH, INCOMPLETE, NOT_EVALUATED, NOT_YET_REGISTERED, TOP_SCORE, Scheme
from analysis.sheets import Period

STATES = (*GRADES, INCOMPLETE, NOT_EVALUATED, NOT_YET_REGISTERED)
STREAK = 3  # periods running for the A-level
BOTH, NAME, CODE, ALIAS, DECIDED = "代码和名称", "名称", "代码", "别名", "人工裁定"
CONFIRMED, REFUTED, UNVERIFIABLE = "属实", "不属实", "无法核实"
UNDECIDED = "无法确定"
SEED, RESAMPLES, CONFIDENCE, SELDOM = 20171231, 9999, 0.95, 0.05
FEW, IN_LINE = 10, 0.95  # fewer alliances, or scores more in line, than what is said of a regression to the mean needs
DIGITS = 6  # to which differences of scores are taken: 2.3 and 2.3000000000000007 are one


def read(periods: Iterable[str] | str = "", data: Path | str = "") -> list[Period]:
    """The periods with a filled sheet, or those named, each once, in order of their end dates. Raises DataError."""
    data = Path(data or DATA)
    names = periods.split() if isinstance(periods, str) else list(periods)
    read_ = [sheets.read(name, data) for name in dict.fromkeys(names) or sheets.filled_periods(data)[0]]
    return sorted(read_, key=lambda period: (period.end, period.name))


class Pair(NamedTuple):
    """Two consecutive periods of a panel."""

    earlier: str
    later: str


@dataclass(frozen=True)
class Panel:
    """`frame` has id, name, period, batch, code, score, grade, rank, state: one row per alliance per period.

    score is NaN where withheld or not evaluated; rank is the competition rank among all evaluated in the period, NaN where
    a withheld score could change it; grade and state are ordered categories. `schemes` are those of the periods,
    `unchosen` the periods that have a sheet and were left out.
    """

    frame: pd.DataFrame
    periods: tuple[str, ...]
    schemes: dict[str, Scheme] = field(default_factory=dict)
    unchosen: tuple[str, ...] = ()

    @property
    def pairs(self) -> list[Pair]:
        """Each period with the next."""
        return [Pair(*pair) for pair in pairwise(self.periods)]

    @property
    def last(self) -> Pair:
        """The latest two periods. Raises ValueError where there is only one."""
        if len(self.periods) < 2:
            raise ValueError(f"a trend needs two periods or more; there is {' '.join(self.periods) or 'none'}")
        return self.pairs[-1]

    def same_floors(self, pair: Pair) -> bool:
        """Whether the grades of two periods have the same floors."""
        return not self.schemes or self.schemes[pair.earlier].floors == self.schemes[pair.later].floors

    @cached_property
    def states(self) -> pd.DataFrame:
        """State by alliance (rows, the id) and period (columns)."""
        return self.frame.pivot(index="id", columns="period", values="state")[list(self.periods)]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Score by alliance and period."""
        return self.frame.pivot(index="id", columns="period", values="score")[list(self.periods)]

    @cached_property
    def evaluated(self) -> pd.DataFrame:
        """Whether an alliance was evaluated, by alliance and period."""
        return self.states.isin(GRADES)

    @cached_property
    def about(self) -> pd.DataFrame:
        """name and batch by id."""
        return self.frame.drop_duplicates("id").set_index("id")[["name", "batch"]]

    def of(self, period: str) -> pd.DataFrame:
        """The evaluated alliances of one period."""
        frame = self.frame
        return frame[(frame["period"] == period) & frame["grade"].notna()]

    def names(self, ids: Iterable[str]) -> list[str]:
        """The names of alliances, in the order given."""
        return list(self.about.loc[list(ids), "name"])


def panel(periods: Sequence[Period]) -> Panel:
    """The panel of some periods: every alliance of the registry that has a batch, in every period."""
    registry = periods[-1].registry
    codes = {id: code for (id, _), (code, _) in sorted(registry.codes.items(), key=lambda item: first_year(item[0][1]))}
    codes |= {a.id: a.code for period in periods for a in (*period.absent, *period.evaluated)}
    who = pd.DataFrame([(id, name, codes[id][0]) for id, name in registry.names.items() if id in codes],
                       columns=["id", "name", "batch"])
    scored = pd.concat([period.scores[["id", "code", "score", "grade"]].assign(period=period.name) for period in periods])
    absent = pd.DataFrame([(a.id, period.name, a.code, a.state) for period in periods for a in period.absent],
                          columns=["id", "period", "code", "named"])
    joined = pd.DataFrame([(b.key, period.name, first_year(b.first_period) <= first_year(period.name))
                           for period in periods for b in registry.batches.values()], columns=["batch", "period", "registered"])
    found = from_frames(who, scored, absent, joined, [period.name for period in periods])
    data = periods[-1].data
    others = {*sheets.periods(data)} - {*found.periods}  # mostly none, and then no workbook is opened
    unchosen = [name for name in sheets.filled_periods(data)[0] if name in others] if others else []
    return replace(found, schemes={period.name: period.scheme for period in periods}, unchosen=tuple(unchosen))


def from_frames(who: pd.DataFrame, scored: pd.DataFrame, absent: pd.DataFrame, joined: pd.DataFrame,
                periods: Sequence[str]) -> Panel:
    """The panel from plain frames.

    `who`: id, name, batch. `scored`: id, period, code, score, grade. `absent`: id, period, code, named (信息不完整 or
    未录入). `joined`: batch, period, registered. Raises ValueError where an alliance has two rows in one period, or is
    not in `who`.
    """
    for frame, what in ((scored, "evaluated"), (absent, "named as absent")):
        if frame.duplicated(["id", "period"]).any():
            raise ValueError(f"an alliance is {what} twice in one period")
        if strangers := sorted({*frame["id"]} - {*who["id"]}):
            raise ValueError(f"{', '.join(strangers)} {'are' if len(strangers) > 1 else 'is'} {what} but not among the alliances")
    frame = who.merge(pd.DataFrame({"period": list(periods)}), how="cross")
    frame = frame.merge(scored, on=["id", "period"], how="left").merge(absent, on=["id", "period"], how="left",
                                                                      suffixes=("", "_absent"))
    frame = frame.merge(joined, on=["batch", "period"], how="left")
    state = frame["grade"].astype(object)
    state = state.mask(state.isna() & (frame["named"] == INCOMPLETE), INCOMPLETE)
    state = state.mask(state.isna() & (frame["registered"] != False), NOT_EVALUATED)  # noqa: E712 (NaN counts as registered)
    frame["state"] = pd.Categorical(state.fillna(NOT_YET_REGISTERED), categories=STATES, ordered=True)
    frame["grade"] = pd.Categorical(frame["grade"], categories=GRADES, ordered=True)
    frame["code"] = frame["code"].fillna(frame["code_absent"])
    frame["rank"] = places(frame, ["period"])
    frame["period"] = pd.Categorical(frame["period"], categories=list(periods), ordered=True)
    frame = frame.sort_values(["period", "id"], kind="stable", ignore_index=True)
    frame["period"] = frame["period"].astype(object)
    return Panel(frame[["id", "name", "period", "batch", "code", "score", "grade", "rank", "state"]], tuple(periods))


def places(frame: pd.DataFrame, by: list[str]) -> pd.Series:
    """The competition rank of each published score among all evaluated of its group.

    A withheld score of a better grade counts as higher, one of a lower grade as lower; where one of the same grade is
    withheld the rank cannot be told (NaN).
    """
    rank = frame.groupby(by)["score"].rank(method="min", ascending=False)
    hidden = frame[frame["grade"].notna() & frame["score"].isna()]
    for keys, here in hidden.groupby([*by, "grade"], observed=True):
        *group, grade = keys
        inside = (frame[by] == group).all(axis=1) & frame["score"].notna()
        lower = frame["grade"].isin(GRADES[GRADES.index(grade) + 1:])
        rank = rank.mask(inside & (frame["grade"] == grade)).where(~(inside & lower), rank + len(here))
    return rank


# Who is who

def matching(periods: Sequence[Period]) -> pd.DataFrame:
    """How each alliance that two neighbouring sheets name was matched: id, from, to, names, codes, how."""
    registry = periods[-1].registry
    rows = []
    for earlier, later in pairwise(periods):
        before = {a.id: a for a in (*earlier.absent, *earlier.evaluated)}
        for a in (*later.evaluated, *later.absent):
            if (b := before.get(a.id)) is None:
                continue
            same_name, same_code = normalise(a.name) == normalise(b.name), a.code == b.code
            doubtful = any(registry.codes.get((a.id, p.name), ("", ""))[1] == "doubtful" for p in (earlier, later))
            how = (BOTH if same_name and same_code else CODE if same_code else DECIDED if doubtful
                   else NAME if same_name else ALIAS)
            rows.append((a.id, earlier.name, later.name, b.name, a.name, b.code, a.code, how))
    return pd.DataFrame(rows, columns=["id", "from_period", "to_period", "name_before", "name_after", "code_before",
                                       "code_after", "how"])


def shared_codes(periods: Sequence[Period]) -> list[tuple[str, list[str]]]:
    """Codes that stand for different alliances in these sheets, with the ids in the order of the periods."""
    holders: dict[str, dict[str, None]] = {}
    for period in periods:
        for a in (*period.evaluated, *period.absent):
            holders.setdefault(a.code, {})[a.id] = None
    return [(code, list(ids)) for code, ids in sorted(holders.items()) if len(ids) > 1]


# Coverage

@dataclass(frozen=True)
class Flow:
    """Who was evaluated in both of two periods, only in the later, only in the earlier; ids."""

    pair: Pair
    stayers: list[str]
    entrants: list[str]
    leavers: list[str]
    returned: list[str]


def flow(panel: Panel, pair: Pair) -> Flow:
    """Stayers, entrants and leavers of a pair; `returned` are the entrants evaluated in some still earlier period."""
    evaluated = panel.evaluated
    before, after = evaluated[pair.earlier], evaluated[pair.later]
    past = evaluated[list(panel.periods[:panel.periods.index(pair.earlier)])].any(axis=1)
    index = evaluated.index
    return Flow(pair, list(index[before & after]), list(index[~before & after]), list(index[before & ~after]),
                list(index[~before & after & past]))


class Estimate(NamedTuple):
    """A share with its Wilson interval."""

    part: int
    whole: int
    low: float
    high: float

    @property
    def share(self) -> Fraction:
        return Fraction(self.part, self.whole) if self.whole else Fraction(0)


def wilson(part: int, whole: int) -> Estimate:
    """A share with its 95 % interval (Wilson 1927), which stays inside 0 and 1 also for small numbers."""
    from scipy.stats import binomtest

    if not whole:
        return Estimate(0, 0, 0.0, 1.0)
    interval = binomtest(part, whole).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(int(part), int(whole), float(interval.low), float(interval.high))


def retention(panel: Panel, pair: Pair, by: str) -> dict[str, Estimate]:
    """The share evaluated again, by the earlier `grade` or by `batch`; all of them under `""`."""
    before = panel.of(pair.earlier)
    again = panel.evaluated.loc[before["id"], pair.later].to_numpy()
    groups = before[by].astype(object).to_numpy()
    keys = [g for g in (GRADES if by == "grade" else sorted(set(groups))) if (groups == g).any()]
    return {"": wilson(again.sum(), len(again))} | {k: wilson(again[groups == k].sum(), (groups == k).sum()) for k in keys}


class Association(NamedTuple):
    """Whether two classifications go together: chi-square by Monte Carlo, Cramér's V (0 none, 1 full), number."""

    p: float
    v: float
    n: int

    @property
    def differs(self) -> bool:
        """Whether chance alone would seldom (less than one time in twenty) show as much."""
        return self.p < SELDOM

    @property
    def verdict(self) -> str:
        """A plain word: what this number of alliances can and cannot show."""
        strength = "很弱" if self.v < 0.1 else "较弱" if self.v < 0.3 else "中等" if self.v < 0.5 else "较强"
        return f"有差异，不像偶然（关联{strength}）" if self.differs else "看不出差异（可能只是偶然）"


def association(rows: pd.Series, columns: pd.Series) -> Association | None:
    """A Monte-Carlo test of independence (tables with these margins, a fixed seed), and Cramér's V; None where one side has a single class."""
    from scipy.stats import MonteCarloMethod, chi2_contingency
    from scipy.stats.contingency import association as cramer

    table = pd.crosstab(rows.astype(object), columns.astype(object)).to_numpy()
    if min(table.shape) < 2:
        return None
    method = MonteCarloMethod(n_resamples=RESAMPLES, rng=SEED)
    result = chi2_contingency(table, correction=False, method=method)
    return Association(float(result.pvalue), float(cramer(table, method="cramer")), int(table.sum()))


def participation(panel: Panel, pair: Pair, by: str) -> Association | None:
    """Whether earlier grades (`grade`) or batches (`batch`) differ in who was evaluated again."""
    before = panel.of(pair.earlier)
    again = panel.evaluated.loc[before["id"], pair.later]
    return association(before[by].reset_index(drop=True), again.reset_index(drop=True))


def grade_by_batch(panel: Panel, period: str) -> Association | None:
    """Whether batches differ in their grades."""
    here = panel.of(period)
    return association(here["batch"], here["grade"])


# Movement

def transitions(panel: Panel, pair: Pair, matched: bool = False) -> pd.DataFrame:
    """From the earlier state (rows) to the later (columns), counts; `matched` keeps those evaluated in both."""
    states = GRADES if matched else STATES
    before, after = panel.states[pair.earlier], panel.states[pair.later]
    table = pd.crosstab(before, after, dropna=False)
    return table.reindex(index=list(states), columns=list(states), fill_value=0).astype(int)


def transition_records(panel: Panel) -> list[dict]:
    """Every transition of every pair, also those that nobody made."""
    return [{"from_period": pair.earlier, "to_period": pair.later, "from": before, "to": after, "alliances": int(count)}
            for pair in panel.pairs for before, row in transitions(panel, pair).iterrows() for after, count in row.items()]


def moves(panel: Panel, pair: Pair) -> pd.Series:
    """Grades risen (positive) or fallen, by id, of those evaluated in both."""
    steps = {grade: place for place, grade in enumerate(GRADES)}
    both = panel.states.loc[panel.evaluated[[pair.earlier, pair.later]].all(axis=1), [pair.earlier, pair.later]].astype(object)
    return both[pair.earlier].map(steps).astype(int) - both[pair.later].map(steps).astype(int)


def matched_scores(panel: Panel, pair: Pair) -> pd.DataFrame:
    """before, after, change, ranks and batch of those whose score is published in both periods; the index is the id.

    `rank_before` and `rank_after` are competition ranks among all evaluated in the period (NaN where a withheld score
    could change them), `place_before` and `place_after` among these alliances alone.
    """
    both = panel.scores[[pair.earlier, pair.later]].dropna()
    ranks = panel.frame.pivot(index="id", columns="period", values="rank").loc[both.index]
    frame = pd.DataFrame({"before": both[pair.earlier], "after": both[pair.later]})
    frame["change"] = (frame["after"] - frame["before"]).round(DIGITS)
    frame["rank_before"], frame["rank_after"] = ranks[pair.earlier], ranks[pair.later]
    for side in ("before", "after"):
        frame[f"place_{side}"] = frame[side].rank(method="min", ascending=False)
    frame["rank_change"] = frame["place_before"] - frame["place_after"]
    return frame.join(panel.about)


class Agreement(NamedTuple):
    """How alike two orders are, with the number of alliances behind them."""

    n: int
    spearman: float
    kendall: float
    pearson: float


def agreement(matched: pd.DataFrame) -> Agreement | None:
    """Spearman's rho, Kendall's tau-b and Pearson's r of the matched scores; None below three alliances or for a constant."""
    from scipy.stats import kendalltau, pearsonr, spearmanr

    if len(matched) < 3 or matched["before"].nunique() < 2 or matched["after"].nunique() < 2:
        return None
    before, after = matched["before"], matched["after"]
    return Agreement(len(matched), float(spearmanr(before, after).statistic), float(kendalltau(before, after).statistic),
                     float(pearsonr(before, after).statistic))


def filled(panel: Panel, pair: Pair, top: bool) -> pd.DataFrame:
    """before, after and change of all evaluated in both, a withheld score at the floor of its grade or at its `top`."""
    both = panel.evaluated[[pair.earlier, pair.later]].all(axis=1)
    states = panel.states[both].astype(object)
    frame = pd.DataFrame(index=states.index)
    for side, period in zip(("before", "after"), pair):
        scheme = panel.schemes[period]
        end = states[period].map(lambda grade, scheme=scheme: float(scheme.ceiling(grade) if top else scheme.floors[grade]))
        frame[side] = panel.scores.loc[states.index, period].fillna(end.astype(float))
    frame["change"] = (frame["after"] - frame["before"]).round(DIGITS)
    return frame


class Regression(NamedTuple):
    """Regression to the mean: the later score on the earlier, where the line crosses equality, and the mean change of
    the `lower` alliances with the smaller earlier scores and of the `upper` ones with the larger. `by_chance` is by how
    much these two would differ from the correlation alone, were both periods equally spread.
    """

    slope: float
    intercept: float
    fixed_point: float | None
    change_of_lower_half: float
    change_of_upper_half: float
    lower: int
    upper: int
    by_chance: float

    @property
    def narrows(self) -> bool:
        """Whether those who stood low gained on those who stood high, to a tenth of a point."""
        return self.slope < 1 and round(self.change_of_lower_half, 1) > round(self.change_of_upper_half, 1)


def regression(matched: pd.DataFrame) -> Regression | None:
    """Whether those who stood low rose more than those who stood high, as they would by chance alone.

    The halves are cut at the median; those who stand on it are low, unless that leaves nobody high.
    """
    from scipy.stats import linregress

    if agreement(matched) is None:
        return None
    line = linregress(matched["before"], matched["after"])
    middle = matched["before"].median()
    low = matched["before"] <= middle if middle < matched["before"].max() else matched["before"] < middle
    lower, upper = matched[low], matched[~low]
    fixed = line.intercept / (1 - line.slope) if abs(1 - line.slope) > 1e-9 else None
    return Regression(float(line.slope), float(line.intercept), fixed if fixed and 0 <= fixed <= TOP_SCORE else None,
                      round(float(lower["change"].mean()), DIGITS), round(float(upper["change"].mean()), DIGITS), len(lower), len(upper),
                      float((1 - line.rvalue) * (upper["before"].mean() - lower["before"].mean())))


def always_high(panel: Panel) -> list[str]:
    """Who was 活跃度高 in every period of the panel, ids."""
    return list(panel.states.index[(panel.states == HIGH).all(axis=1)])


# Why a share changed

class Parts(NamedTuple):
    """The change of a grade's share in percentage points, exact, and its three parts, which add up to it."""

    pair: Pair
    grade: str
    before: Fraction
    after: Fraction
    stayers: Fraction
    entrants: Fraction
    leavers: Fraction

    @property
    def total(self) -> Fraction:
        return self.after - self.before


def decomposition(panel: Panel, pair: Pair) -> list[Parts]:
    """The change in each grade's share of those evaluated, split as Melitz and Polanec (2015, RAND J. Econ. 46) do.

    stayers: the share among those evaluated twice, later less earlier. entrants: their part of the later total times
    how far their share is from the stayers'. leavers: their part of the earlier total times how far the stayers'
    share is from theirs. Without any stayer there is nothing to compare with: their share counts as nought.
    """
    here = flow(panel, pair)
    states = panel.states
    before_all, after_all = len(here.stayers) + len(here.leavers), len(here.stayers) + len(here.entrants)

    def share(ids: list[str], period: str, grade: str) -> Fraction:
        return Fraction(int((states.loc[ids, period] == grade).sum()), len(ids)) if ids else Fraction(0)

    parts = []
    for grade in GRADES:
        stayed_before, stayed_after = share(here.stayers, pair.earlier, grade), share(here.stayers, pair.later, grade)
        came, left = share(here.entrants, pair.later, grade), share(here.leavers, pair.earlier, grade)
        weight_came = Fraction(len(here.entrants), after_all) if after_all else Fraction(0)
        weight_left = Fraction(len(here.leavers), before_all) if before_all else Fraction(0)
        parts.append(Parts(
            pair, grade, 100 * share(here.stayers + here.leavers, pair.earlier, grade),
            100 * share(here.stayers + here.entrants, pair.later, grade), 100 * (stayed_after - stayed_before),
            100 * weight_came * (came - stayed_after), 100 * weight_left * (stayed_before - left)))
    return parts


def decomposition_records(panel: Panel) -> list[dict]:
    """The decomposition of every pair, in percentage points, not rounded."""
    return [{"from_period": p.pair.earlier, "to_period": p.pair.later, "grade": p.grade, "stayers": float(p.stayers),
             "entrants": float(p.entrants), "leavers": float(p.leavers), "total": float(p.total)}
            for pair in panel.pairs for p in decomposition(panel, pair)]


# Withheld scores

class Bounds(NamedTuple):
    """A mean as printed (published scores only), and what it is at least and at most with every score in."""

    published: Fraction | None
    n: int
    withheld: int
    low: Fraction | None
    high: Fraction | None


def mean_bounds(panel: Panel, scheme: Scheme, period: str, ids: Iterable[str] | None = None) -> Bounds:
    """The mean score of a period, of some alliances or all: withheld scores all at the floor, or all at the top.

    The top of a grade is the next floor, which no score of the grade reaches, and 100 for the best: the mean is not higher.
    """
    here = panel.of(period)
    if ids is not None:
        here = here[here["id"].isin(set(ids))]
    known = [Fraction(str(score)) for score in here["score"].dropna()]
    hidden = [grade for grade, score in zip(here["grade"].astype(object), here["score"]) if score != score]
    if not known and not hidden:
        return Bounds(None, 0, 0, None, None)
    low = sum(known, Fraction(0)) + sum((Fraction(scheme.floors[g]) for g in hidden), Fraction(0))
    high = sum(known, Fraction(0)) + sum((Fraction(scheme.ceiling(g)) for g in hidden), Fraction(0))
    n = len(known) + len(hidden)
    published = sum(known, Fraction(0)) / len(known) if known else None
    return Bounds(published, len(known), len(hidden), low / n, high / n)


# How sure

class Shift(NamedTuple):
    """What happens when every cut-off moves by `by` points: who changes grade; `unknown` have a withheld score."""

    by: int
    up: int
    down: int
    unknown: int


def sensitivity(panel: Panel, scheme: Scheme, period: str, by: Sequence[int] = (-2, -1, 1, 2)) -> list[Shift]:
    """How many alliances get another grade when all cut-offs move up or down together."""
    here = panel.of(period)
    known = here.dropna(subset="score")
    steps = {grade: place for place, grade in enumerate(GRADES)}
    now = known["grade"].astype(object).map(steps)
    shifts = []
    for points in by:
        floors = {g: f + points if f else f for g, f in scheme.floors.items()}
        moved = Scheme(scheme.declared, scheme.labels, floors)
        then = known["score"].map(lambda score, moved=moved: steps[moved.grade(score)])
        shifts.append(Shift(points, int((then < now).sum()), int((then > now).sum()), len(here) - len(known)))
    return shifts


def near_cutoffs(panel: Panel, scheme: Scheme, period: str, within: float = 2) -> pd.DataFrame:
    """Who stands within some points of a cut-off: name, batch, score, cutoff, distance (positive: above or on it)."""
    known = panel.of(period).dropna(subset="score")
    floors = [floor for floor in scheme.floors.values() if floor]
    rows = [(row.id, row.name_, row.batch, row.score, floor, row.score - floor)
            for row in known.rename(columns={"name": "name_"}).itertuples() for floor in floors
            if -within <= row.score - floor <= within]
    frame = pd.DataFrame(rows, columns=["id", "name", "batch", "score", "cutoff", "distance"])
    return frame.sort_values(["cutoff", "distance", "id"], ascending=[False, False, True], ignore_index=True)


def regraded(panel: Panel, period: str, own: Scheme, other: Scheme) -> pd.DataFrame | None:
    """From the grades of a period to those of another scheme, counts; None where the floors are the same.

    A withheld score lies somewhere in its own grade; where that reaches into two grades of the other scheme it is counted
    under `UNDECIDED`, the last column.
    """
    if own.floors == other.floors:
        return None
    here = panel.of(period)
    worst = {grade: other.grade(own.floors[grade]) for grade in GRADES}
    whole = {g: w == HIGH or (g != HIGH and own.ceiling(g) <= other.ceiling(w)) for g, w in worst.items()}
    table = pd.DataFrame(0, index=list(GRADES), columns=[*GRADES, UNDECIDED])
    for grade, score in zip(here["grade"], here["score"]):
        table.at[grade, other.grade(score) if score == score else worst[grade] if whole[grade] else UNDECIDED] += 1
    return table


class OneScheme(NamedTuple):
    """Two periods whose floors differ, both graded by the later floors.

    `high` of `evaluated` in the earlier period would be 活跃度高, and `undecided` more could be; of the `n` scored in both,
    `up` and `down` changed grade.
    """

    high: int
    undecided: int
    evaluated: int
    n: int
    up: int
    down: int


def one_scheme(panel: Panel, pair: Pair) -> OneScheme | None:
    """What the change of the floors leaves of the changes of grade; None where the floors are the same."""
    if panel.same_floors(pair):
        return None
    later = panel.schemes[pair.later]
    table = regraded(panel, pair.earlier, panel.schemes[pair.earlier], later)
    both = panel.scores[[pair.earlier, pair.later]].dropna()
    before, after = (both[period].map(lambda score: GRADES.index(later.grade(score))) for period in pair)
    undecided = sum(int(table.at[g, UNDECIDED]) for g in GRADES if panel.schemes[pair.earlier].ceiling(g) > later.floors[HIGH])
    return OneScheme(int(table[HIGH].sum()), undecided, int(table.to_numpy().sum()), len(both), int((after < before).sum()),
                     int((after > before).sum()))


# Streaks and the A-level

def timeline(registry: Registry, names: Iterable[str]) -> list[str]:
    """Every period known to have been held, with those that only have a sheet, in order of their last years.

    A listed one whose years lie in those of a sheet is a part of it: 2018 of 2018-2019.
    """
    there = set(names)
    parts = {p for p in registry.periods for n in there - {p} if first_year(n) <= first_year(p) and int(p[-4:]) <= int(n[-4:])}
    return sorted({*registry.periods} - parts | there, key=lambda name: (int(name[-4:]), name))


def neighbours(registry: Registry, pair: Pair, others: Iterable[str] = ()) -> list[str]:
    """The periods that were held between two periods, `others` with a sheet among them; none where they are neighbours."""
    line = timeline(registry, (*pair, *others))
    return line[line.index(pair.earlier) + 1:line.index(pair.later)]


def windows(panel: Panel, registry: Registry) -> list[list[str]]:
    """The runs of three consecutive periods that are all in the panel."""
    line = timeline(registry, (*panel.periods, *panel.unchosen))
    runs = [line[start:start + STREAK] for start in range(len(line) - STREAK + 1)]
    return [run for run in runs if all(period in panel.periods for period in run)]


def a_level(panel: Panel, registry: Registry) -> list[dict]:
    """Who was 活跃度高 in three consecutive periods, as far as there are sheets: id, name, code, from_period, to_period."""
    codes = panel.frame.set_index(["id", "period"])["code"]
    rows = []
    for window in windows(panel, registry):
        ids = panel.states.index[(panel.states[window] == HIGH).all(axis=1)]
        rows += [{"id": id, "name": panel.about.loc[id, "name"], "code": codes[id, window[-1]], "from_period": window[0],
                  "to_period": window[-1]} for id in sorted(ids, key=lambda id: codes[id, window[-1]])]
    return rows


class Claim(NamedTuple):
    """What a report says of an alliance, and what the sheets say to it.

    `against` are the periods that say otherwise, `needed` those that are not among the sheets, `withheld` those whose
    score would decide it; `held` is how many periods there had been, where they are fewer than claimed.
    """

    period: str
    id: str
    what: str
    verdict: str
    needed: tuple[str, ...]
    against: tuple[str, ...]
    withheld: tuple[str, ...] = ()
    held: int | None = None


def claims(periods: Sequence[Period], panel: Panel) -> list[Claim]:
    """Each published A-level alliance and each claim of `registry/claims.csv`, held against the sheets there are."""
    registry = periods[-1].registry
    line = timeline(registry, (*panel.periods, *panel.unchosen))
    high, full = panel.states == HIGH, panel.scores == TOP_SCORE
    found = [_claim(line, period.name, a.id, "A级：连续三个评价期活跃度高", STREAK, high, high)
             for period in periods for a in period.a_level]
    found += [_claim(line, claim.period, claim.id, f"连续{claim.times}个评价期满分", claim.times, full, full | high & panel.scores.isna())
              for claim in registry.claims if claim.period in line and claim.id in panel.states.index]
    return found


def _claim(line: list[str], period: str, id: str, what: str, times: int, holds: pd.DataFrame, may_hold: pd.DataFrame) -> Claim:
    last = line.index(period)
    window = line[max(0, last - times + 1):last + 1]
    there = [p for p in window if p in holds]
    needed = tuple(p for p in window if p not in there)
    against = tuple(p for p in there if not may_hold.at[id, p])
    withheld = tuple(p for p in there if may_hold.at[id, p] and not holds.at[id, p])
    held = len(window) if len(window) < times else None
    verdict = REFUTED if against or held is not None else UNVERIFIABLE if needed or withheld else CONFIRMED
    return Claim(period, id, what, verdict, needed, against, withheld, held)


# One alliance

def find(panel: Panel, registry: Registry, who: str) -> str:
    """The id of an alliance by a name, an alias or a code. Raises LookupError with the nearest names."""
    key = normalise(who)
    if id := registry.by_name.get(key) or registry.by_alias.get(key):
        return _known(panel, registry, id)
    holders = list(dict.fromkeys(panel.frame.loc[panel.frame["code"] == key, "id"])) or \
        list(dict.fromkeys(registry.holders.get(key, {}).values()))
    if len(holders) == 1:
        return holders[0]
    if holders:
        raise LookupError(f"the code {who} has belonged to {' and '.join(registry.names[h] for h in holders)}; write the name")
    inside = [name for name in registry.names.values() if key and key in normalise(name)]
    if len(inside) == 1:
        return _known(panel, registry, registry.by_name[normalise(inside[0])])
    near = inside[:3] or registry.nearest(who)
    raise LookupError(f"no alliance is called {who!r}; the nearest: {', '.join(near) or 'none'}")


def _known(panel: Panel, registry: Registry, id: str) -> str:
    if id not in panel.about.index:
        raise LookupError(f"{registry.names[id]} ({id}) is on none of these sheets and has no code in registry/codes.csv")
    return id


def history(panel: Panel, periods: Sequence[Period], who: str) -> pd.DataFrame:
    """One alliance in every period: state, code, score, rank of so many evaluated, place among those of its batch, points to
    the next grade.
    """
    id = find(panel, periods[-1].registry, who)
    rows = []
    for period in periods:
        here = panel.of(period.name)
        row = panel.frame[(panel.frame["id"] == id) & (panel.frame["period"] == period.name)].iloc[0]
        batch = here[here["batch"] == row["batch"]]
        place = places(batch, ["period"])[batch["id"] == id]
        up = period.scheme.ceiling(row["grade"]) - row["score"] if isinstance(row["grade"], str) and row["grade"] != HIGH else None
        rows.append((period.name, row["state"], row["code"], row["score"], row["rank"], len(here),
                     place.iloc[0] if len(place) else None, len(batch), up))
    return pd.DataFrame(rows, columns=["period", "state", "code", "score", "rank", "of", "place_in_batch", "batch_size",
                                       "to_next_grade"])


def peers(panel: Panel, periods: Sequence[Period], who: str, most: int = 6) -> pd.DataFrame:
    """Those of the same batch whose score was nearest when this one's was last published: period, name, score, grade, distance."""
    id = find(panel, periods[-1].registry, who)
    known = panel.frame[(panel.frame["id"] == id)].dropna(subset="score")
    if known.empty:
        return pd.DataFrame(columns=["period", "name", "score", "grade", "distance"])
    own = known.iloc[-1]
    here = panel.of(own["period"])
    here = here[(here["batch"] == own["batch"]) & (here["id"] != id)].dropna(subset="score")
    here = here.assign(distance=here["score"] - own["score"])
    nearest = here.iloc[here["distance"].abs().argsort(kind="stable")][:most]
    return nearest[["period", "name", "score", "grade", "distance"]].reset_index(drop=True)
