"""The one frame: a row for each alliance that the programme had in a period.

Every denominator is a `len`, every pie a `value_counts`, every table a `crosstab` or a `groupby` of it. data/README.md has
the columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from analysis import sheets
from analysis.grades import GRADES, INCOMPLETE, NOT_EVALUATED, NOT_IN_PROGRAMME, OUTCOMES, STATES
from analysis.messages import Said
from analysis.registry import Registry, first_year, normalise
from analysis.sheets import Period

NAMED = 3  # alliances that a word may mean
OWN = ("id", "name", "code", "batch", "pilot", "score", "low", "high", "grade", "level", "outcome", "state", "rank", "a_level")


def read(period: str | int, data: Path | str = "") -> pd.DataFrame:
    """The roster of one period. Raises DataError with every problem of its sheet."""
    return of(sheets.read(period, data))


def read_all(periods: Iterable[str | int] | str | int = "", data: Path | str = "") -> pd.DataFrame:
    """The rosters of the periods with a filled sheet, or of those named, in one frame with a column `period`."""
    return of_all(read_sheets(periods, data))


def read_sheets(periods: Iterable[str | int] | str | int = "", data: Path | str = "") -> list[Period]:
    """The checked sheets of those periods, in order of their end dates. Raises DataError."""
    names = str(periods).split() if isinstance(periods, (str, int)) else list(map(str, periods))
    found: list[Period] = []
    for name in dict.fromkeys(names or sheets.filled_periods(Path(data or sheets.DATA))[0]):
        found.append(sheets.read(name, data, found[0].registry if found else None))
    return sorted(found, key=lambda sheet: (sheet.end, sheet.name))


def of(sheet: Period) -> pd.DataFrame:
    """The roster of a checked sheet: one row for each alliance in the programme, in the sheet's order, then the rest.

    What a batch has beyond its named alliances are rows with a batch, the state 未参评 and no id; where its size is not known
    there are only the named ones, and where only the stated total gives it, nobody knows who else of the registry was there.
    score is missing where it is withheld: then low is the floor of the grade and high the next floor (not reached; 100 for
    the best).
    """
    known = sheet.registry
    rows = [_row(a.id, a.name, a.code, a.grade, score=a.score, grade=a.grade, **a.columns) for a in sheet.evaluated]
    rows += [_row(a.id, a.name, a.code, INCOMPLETE if a.state == INCOMPLETE else NOT_EVALUATED) for a in sheet.absent]
    named, listed = {row["id"] for row in rows}, {batch.key for batch in known.batches_in(sheet.name) if batch.approved is not None}
    rows += [_row(id, known.names[id], code) for id, code in latest_codes(known, sheet.name).items()
             if code[0] in listed and id not in named and known.there(id, sheet.name)]
    rows = [known.columns.get(row["id"], {}) | row for row in rows]
    sizes = Counter(row["batch"] for row in rows)
    for batch in sheet.batches:
        rows += [_row(None, None, batch.key)] * ((batch.approved or 0) - sizes[batch.key])
    return _typed(pd.DataFrame(rows), sheet)


def of_all(periods: Sequence[Period]) -> pd.DataFrame:
    """The rosters of some periods in one frame, with `period` first (ordered), and each alliance under the registry's name.

    An alliance has a row in each period: 未加入 where it was not in the programme. Rows without an id are of their period
    alone: they are counted, not joined.
    """
    frames = {sheet.name: of(sheet) for sheet in periods}
    own = ["id", "name", "code", "batch", "pilot", *next(iter(periods[-1].registry.columns.values()), ())]
    known = pd.concat(frames.values()).reindex(columns=own).dropna(subset="id").drop_duplicates("id", keep="last")
    for name, frame in frames.items():
        outside = known[~known["id"].isin(frame["id"])].assign(state=NOT_IN_PROGRAMME, a_level=False)
        frames[name] = pd.concat([frame, outside])
    together = pd.concat(frames, names=["period"]).reset_index("period").reset_index(drop=True)
    together["name"] = together["id"].map(periods[-1].registry.names).where(together["id"].notna())
    together["period"] = pd.Categorical(together["period"], list(frames), ordered=True)
    return _ordered(together, dict.fromkeys(batch.short for sheet in periods for batch in sheet.batches))


def latest_codes(registry: Registry, period: str) -> dict[str, str]:
    """The code of each alliance in a period, or its latest earlier one, or else its first later one."""
    found: dict[str, str] = {}
    for (id, when), (code, _) in sorted(registry.codes.items(), key=lambda item: first_year(item[0][1])):
        if first_year(when) <= first_year(period) or id not in found:
            found[id] = code
    return found


def _row(id: str | None, name: str | None, code: str, state: str = NOT_EVALUATED, **columns: object) -> dict[str, object]:
    """An alliance; one that nobody names has the letter of its batch for a code."""
    return {"id": id, "name": name, "code": code if id else None, "batch": code[0], "score": None, "grade": None, "state": state} | columns


def _typed(frame: pd.DataFrame, sheet: Period) -> pd.DataFrame:
    """The frame with its types, and with the columns that follow from those of the sheet."""
    scheme, batches = sheet.scheme, sheet.batch_names
    frame["pilot"] = frame["batch"].isin([batch.key for batch in sheet.batches if batch.is_pilot])
    frame["batch"] = frame["batch"].map(batches)
    frame["score"] = frame["score"].astype(float)
    frame["low"] = frame["score"].fillna(frame["grade"].map(scheme.floors))
    frame["high"] = frame["score"].fillna(frame["grade"].map({grade: scheme.ceiling(grade) for grade in GRADES}))
    frame["outcome"] = frame["grade"].fillna(NOT_EVALUATED)
    _ordered(frame, batches.values())
    frame["level"] = frame["grade"].cat.codes.add(1).where(frame["grade"].notna()).astype("Int64")
    frame["rank"] = ranks(frame)
    frame["a_level"] = frame["id"].isin([a.id for a in sheet.a_level])
    return frame[[*OWN, *(column for column in frame if column not in OWN)]]


def _ordered(frame: pd.DataFrame, batches: Iterable[str]) -> pd.DataFrame:
    """The frame, its classes in their order, worst to best."""
    for column, order in {"grade": GRADES, "outcome": OUTCOMES, "state": STATES, "batch": batches}.items():
        frame[column] = pd.Categorical(frame[column], [*order], ordered=True)
    return frame


def ranks(frame: pd.DataFrame) -> pd.Series:
    """The competition rank of each score in a roster or a part of it; ties share the best place.

    A withheld score of a better grade counts as higher, one of a lower grade as lower; where one of the same grade is
    withheld the rank cannot be told (missing).
    """
    rank = frame["score"].rank(method="min", ascending=False)
    for grade, here in frame[frame["grade"].notna() & frame["score"].isna()].groupby("grade"):
        rank = rank.mask(frame["grade"] == grade).where(~(frame["grade"] < grade), rank + len(here))
    return rank.astype("Int64")


def find(alliances: pd.DataFrame, registry: Registry, who: str) -> pd.DataFrame:
    """The rows of one alliance, by its name, an alias, a code or a part of its name. Raises LookupError with the nearest names."""
    key = normalise(who)
    ids = {registry.id_of(who)} - {None} or {*alliances.loc[alliances["code"] == key, "id"].dropna()} or {
        *alliances.loc[alliances["name"].map(normalise, na_action="ignore").str.contains(key, regex=False, na=False), "id"]}
    if len(ids) == 1:
        return alliances[alliances["id"].isin(ids)]
    names = [registry.names[id] for id in sorted(ids)[:NAMED]] or registry.nearest(who)
    rule = ("who.several" if len(ids) > NAMED else "who.few") if ids else "who.near" if names else "who.none"
    raise LookupError(Said(rule, who=repr(who), names="、".join(names), more=len(ids) - NAMED))
