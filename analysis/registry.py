"""The registry: who is who across periods. Neither a code nor a name is a key; the registry's opaque id is."""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import io
import re
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from analysis.grades import GRADES, HIGH, LOW, Scheme
from analysis.messages import Refused, Said
from analysis.problems import DataError, Problem, normalise, quoted, text_of, unfit

MEMBERS = "D"
CODE, PERIOD = re.compile(r"[1-9]\d{2}|[A-Z]\d{3}", re.ASCII), re.compile(r"\d{4}(-\d{4})?", re.ASCII)
SHARED_ENDING = re.compile(r"(产业链?)?(技术)?(创新)?(战略)?联盟$")
FILES = {  # the columns that must be filled in, and those of them that are the key
    "alliances": ("id name", "id"), "aliases": ("alias id kind", "alias"), "codes": ("id period code status", "id period"),
    "batches": ("batch name from_period", "batch from_period"), "schemes": ("period grade label floor", "period grade"),
    "periods": ("period", "period"), "claims": ("period id times", "period id"), "indicators": ("pillar indicator looked_at", "indicator"),
}
OPTIONAL, PRINTED = ("claims", "indicators"), ("name", "alias", "label", "pillar", "indicator", "looked_at")
ROSTER = ("id", "name", "code", "batch", "pilot", "score", "low", "high", "grade", "level", "outcome", "state", "rank", "a_level", "period")
NO_COLUMNS = ("id", "name", "note", "sector_from", "joined", "left", "line", "")  # of alliances.csv, in the roster
Lines = list[dict[str, str]]


def short(name: str) -> str:
    """A name without the ending that all of them share.

    >>> short("半导体照明产业技术创新战略联盟")
    '半导体照明'
    """
    return SHARED_ENDING.sub("", name) or name


def first_year(period: str) -> int:
    """The year in which a period starts, from its name: 2020 for `2020-2021`."""
    return int(period[:4])


def day(text: str) -> dt.date | None:
    """A date like 2017-01-31, or None."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


FORMS = {  # by column: whether a cell that is filled in may be so, and how that is said
    **dict.fromkeys(("period", "from_period", "joined", "left"), (PERIOD.fullmatch, Said("form.period"))),
    **dict.fromkeys(("start_date", "end_date"), (day, Said("form.date"))),
    **{column: (words.__contains__, Said("form.word", words=words)) for column, words in {
        "kind": ("renamed", "misspelt", "short"), "status": ("certain", "doubtful"), "grade": GRADES}.items()},
    "floor": (re.compile(r"\d{1,2}(\.\d+)?", re.ASCII).fullmatch, Said("form.floor")),
    **dict.fromkeys(("approved", "times"), (re.compile(r"\d+", re.ASCII).fullmatch, Said("form.whole"))),
}
AGREEING = {  # by rule: of which file, what identifies rows, and what those that are alike in it must have alike
    "table.name": ("alliances", lambda row: (normalise(row["name"]), row["id"])),
    "table.held": ("codes", lambda row: ((row["period"], row["code"]), row["id"])),
    "table.certain": ("codes", lambda row: (row["code"] if row["status"] == "certain" else (row["line"],), row["id"])),
    "table.batch": ("codes", lambda row: (row["id"], row["code"][0])),
    "table.label": ("schemes", lambda row: ((row["period"], normalise(row["label"])), row["grade"])),
}


class Batch(NamedTuple):
    """A founding batch as it is from a period on; `approved` counts all its alliances, also the unnamed (None: not known)."""

    key: str
    name: str
    approved: int | None
    first_period: str

    @property
    def short(self) -> str:
        """`第一批` for 第一批试点联盟, `网员联盟` for the network members."""
        return self.name.removesuffix("试点联盟") if self.is_pilot else self.name.removeprefix("协发网")

    @property
    def is_pilot(self) -> bool:
        return self.key != MEMBERS


Claim = namedtuple("Claim", "period id times")  # what a report says of an alliance: full marks in `times` periods running, up to `period`


class Conflict(Refused):
    """A name and a code that the registry cannot bring together."""


@dataclass
class Registry:
    """Alliances, aliases, codes (by id and period: code and status), batches, schemes and periods, read and checked.

    `sizes` has each batch from each period on; `columns` are the other columns of alliances.csv, by id; `between` the periods from
    which an alliance joined and from which it left, "" for not told.
    """

    names: dict[str, str]
    aliases: dict[str, str]
    codes: dict[tuple[str, str], tuple[str, str]]
    sizes: list[Batch]
    schemes: dict[str, Scheme]
    periods: tuple[str, ...]
    decisions: dict[str, Lines]
    dates: dict[str, tuple[dt.date, dt.date]] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    indicators: tuple[tuple[str, str, str], ...] = ()
    columns: dict[str, dict[str, str | None]] = field(default_factory=dict)
    between: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_name = {normalise(name): id for id, name in self.names.items()}
        self.by_alias = {normalise(alias): id for alias, id in self.aliases.items()}
        self.holders: dict[str, dict[str, str]] = {}  # of a code, by period
        self.own_codes: dict[str, dict[str, str]] = {}  # of an alliance, by period
        for (id, period), (code, _) in self.codes.items():
            self.holders.setdefault(code, {})[period] = id
            self.own_codes.setdefault(id, {})[period] = code

    def batches_in(self, period: str) -> list[Batch]:
        """The batches that were in the programme in a period, in order, with the sizes that they had then."""
        return [*{b.key: b for b in self.sizes if first_year(b.first_period) <= first_year(period)}.values()]

    def there(self, id: str, period: str) -> bool:
        """Whether an alliance was in the programme in a period, so far as `joined` and `left` in alliances.csv tell."""
        joined, left = self.between.get(id, ("", ""))
        return joined[:4] <= period[:4] < (left or "9999")[:4]

    def scheme(self, period: str) -> Scheme:
        """The period's own scheme, or the latest earlier one."""
        known = [p for p in self.schemes if first_year(p) <= first_year(period)] or [min(self.schemes, key=first_year)]
        return self.schemes[max(known, key=first_year)]

    def id_of(self, name: str) -> str | None:
        """Whose name or alias this is."""
        return self.by_name.get(normalise(name)) or self.by_alias.get(normalise(name))

    def identify(self, name: str, code: str | None, period: str) -> str:
        """The id of the alliance that a row of a sheet means.

        Raises Conflict for a name that is not known, and for a code that is another's or not its own.
        """
        id, held = self.id_of(name), self.holders.get(code or "", {})
        own = self.own_codes.get(id or "", {})
        holder = held.get(period) or (held[max(held, key=first_year)] if held else "")
        if id is None:
            renamed = Said("name.renamed", code=code, name=self.names[holder], found=name, id=holder) if holder else ""
            raise Conflict("name.unknown", name=quoted(name), near=lambda: self.near(name), renamed=renamed, free=self._free, found=name)
        if code is None or not (own or holder) or (holder == id and own.get(period, code) == code):
            return id
        if holder not in ("", id):
            raise Conflict("name.other", name=quoted(name), id=id, code=code, other=holder, owner=self.names[holder], period=period)
        codes = [Said("name.in", code=c, period=p) for p, c in own.items()]
        raise Conflict("name.code", name=quoted(self.names[id]), id=id, code=code, codes=codes, period=period)

    @cached_property
    def _stems(self) -> dict[str, str]:
        return {SHARED_ENDING.sub("", normalise(known)): known for known in [*self.names.values(), *self.aliases]}

    def nearest(self, name: str, most: int = 3) -> list[str]:
        """The known names most like a name, compared without the ending that they all share."""
        return [self._stems[stem] for stem in difflib.get_close_matches(SHARED_ENDING.sub("", normalise(name)), self._stems, most, 0.5)]

    def near(self, name: str) -> Said | str:
        """The same for a message; it takes long, and is asked only where it is shown."""
        return Said("name.near", names=found) if (found := self.nearest(name)) else ""

    @cached_property
    def _free(self) -> str:
        return f"L{max((int(id[1:]) for id in self.names if id[1:].isdigit()), default=0) + 1:03d}"


def read(data: Path) -> Registry:
    """The registry under a data folder. Raises DataError with every problem in its files."""
    problems: list[Problem] = []
    tables = {name: read_csv(data / "registry" / f"{name}.csv", columns.split(), key.split(), problems)
              if name not in OPTIONAL or (data / "registry" / f"{name}.csv").exists() else [] for name, (columns, key) in FILES.items()}
    if not problems:
        problems = [Problem.of(said, f"registry/{file}.csv", Said("word.line", number=row["line"]),
                               order=([*FILES].index(file), int(row["line"])))
                    for rules in (_forms, _contradictions) for file, row, said in rules(tables)]
    if problems:
        raise DataError(problems)
    alliances, aliases, codes, batches, schemes, periods, claims, indicators = tables.values()
    found: dict[str, Scheme] = {}
    for row in schemes:
        scheme = found.setdefault(row["period"], Scheme(row["period"], {}, {}))
        scheme.labels[row["grade"]], scheme.floors[row["grade"]] = row["label"], float(row["floor"])
    decisions: dict[str, Lines] = {}
    for row in (row for row in (*aliases, *codes) if row.get("evidence")):
        decisions.setdefault(row["id"], []).append(row)
    return Registry(
        {row["id"]: row["name"] for row in alliances}, {row["alias"]: row["id"] for row in aliases},
        {(row["id"], row["period"]): (row["code"], row["status"]) for row in codes}, _sizes(batches), found,
        tuple(row["period"] for row in periods), decisions,
        {row["period"]: (day(row["start_date"]), day(row["end_date"])) for row in periods if row.get("start_date")},
        tuple(Claim(row["period"], row["id"], int(row["times"])) for row in claims),
        tuple((row["pillar"], row["indicator"], row["looked_at"]) for row in indicators),
        {row["id"]: {h: row[h] or None for h in row if h not in NO_COLUMNS} for row in alliances},
        {row["id"]: (row.get("joined", ""), row.get("left", "")) for row in alliances})


def _sizes(batches: Lines) -> list[Batch]:
    sizes = [Batch(r["batch"], r["name"], int(r["approved"]) if r.get("approved") else None, r["from_period"]) for r in batches]
    return sorted(sizes, key=lambda batch: first_year(batch.first_period))


def read_csv(path: Path, columns: list[str], key: list[str], problems: list[Problem]) -> Lines:
    """The rows of a UTF-8 CSV file, with a `line` each; what is wrong with it is added to `problems`."""
    def wrong(rule: str, at: int | str = "", **values: object) -> Lines:
        problems.append(Problem.of(Said(rule, **values), f"{path.parent.name}/{path.name}", at and Said("word.line", number=at)))
        return []

    rows, seen = [], {}
    try:
        reader = csv.DictReader(io.StringIO(text_of(path), newline=""), strict=True)
        reader.fieldnames = heading = [cell.strip() for cell in reader.fieldnames or ()]
        if missing := [column for column in columns if column not in heading]:
            return wrong("table.columns", missing=missing, found=heading or Said("table.nothing"))
        for cells in reader:
            line, more = reader.line_num, cells.pop(None, ())
            row = {column: (cell or "").strip() for column, cell in cells.items()}
            if more:
                wrong("table.many", line, number=len(heading) + len(more), headings=len(heading))
            elif not any(row.values()):
                continue
            elif empty := [column for column in columns if not row[column]]:
                wrong("table.empty", line, columns=empty)
            elif (other := seen.setdefault(tuple(normalise(row[column]) for column in key), line)) != line:
                wrong("table.twice", line, key=[row[column] for column in key], line=other)
            else:
                rows.append(row | {"line": str(line)})
    except FileNotFoundError:
        return wrong("table.missing", folder=str(path.parent))
    except DataError as error:
        problems += error.problems
    except csv.Error:
        return wrong("table.csv", reader.reader.line_num)
    return rows


Rules = Iterator[tuple[str, dict[str, str], Said]]  # where something does not hold, and what is said of it


def _forms(tables: dict[str, Lines]) -> Rules:
    """Each cell may stand so in its column."""
    ids, keys = {"", *(row["id"] for row in tables["alliances"])}, sorted({row["batch"] for row in tables["batches"]})
    for file, row in ((file, row) for file, rows in tables.items() for row in rows):
        for column, text in row.items():
            if column in PRINTED and (fault := unfit(text, column)):
                yield file, row, fault
            if text and column in FORMS and not FORMS[column][0](text):
                yield file, row, Said("table.form", column=column, value=quoted(text), form=FORMS[column][1])
        if row.get("id", "") not in ids:
            yield file, row, Said("table.id", id=row.get("id"))
    for row in tables["codes"]:
        if not CODE.fullmatch(row["code"]) or row["code"][0] not in keys:
            yield "codes", row, Said("table.code", code=quoted(row["code"]), batches=keys)


def _contradictions(tables: dict[str, Lines]) -> Rules:
    """No two rows contradict each other."""
    for rule, (file, parts) in AGREEING.items():
        first: dict[object, tuple[str, str]] = {}
        for row in tables[file]:
            key, value = parts(row)
            other, line = first.setdefault(key, (value, row["line"]))
            if value != other:
                yield file, row, Said(rule, **row | {"other": other, "line": line})
    if taken := [column for row in tables["alliances"][:1] for column in row if column in ROSTER[2:]]:
        yield "alliances", {"line": "1"}, Said("table.own", columns=taken)
    names = {normalise(row["name"]): row["id"] for row in tables["alliances"]}
    for row in tables["aliases"]:
        if owner := names.get(normalise(row["alias"])):
            yield "aliases", row, Said("table.alias", alias=row["alias"], id=owner)
    for row in tables["periods"]:
        start, end = row.get("start_date", ""), row.get("end_date", "")
        if start > end or bool(start) != bool(end):
            yield "periods", row, Said("table.dates", start=quoted(start), end=quoted(end))
    for period in {row["period"]: "" for row in tables["schemes"]}:
        lines = {row["grade"]: row for row in tables["schemes"] if row["period"] == period}
        floors = [float(lines[g]["floor"]) for g in GRADES if g in lines and FORMS["floor"][0](lines[g]["floor"])]
        if len(floors) != len(GRADES) or floors != sorted({*floors}) or floors[0] != 0:
            yield "schemes", next(iter(lines.values())), Said("table.floors", period=period, best=HIGH, worst=LOW)
