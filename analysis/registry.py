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
from analysis.messages import Said
from analysis.problems import DataError, Problem, normalise, quoted, text_of, unfit

MEMBERS = "D"
CODE, PERIOD = re.compile(r"[1-9]\d{2}|[A-Z]\d{3}", re.ASCII), re.compile(r"\d{4}(-\d{4})?", re.ASCII)
SHARED_ENDING = re.compile(r"(产业链?)?(技术)?(创新)?(战略)?联盟$")
FILES = {  # the columns that must be filled in, those of them that are the key, and those that a report shows
    "alliances": ("id name", "id", "name"), "aliases": ("alias id kind", "alias", "alias"), "codes": ("id period code status", "id period", ""),
    "batches": ("batch name from_period", "batch from_period", "name"), "schemes": ("period grade label floor", "period grade", "label"),
    "periods": ("period", "period", ""), "claims": ("period id times", "period id", ""),
    "indicators": ("pillar indicator looked_at", "indicator", "pillar indicator looked_at"),
}
OPTIONAL = ("claims", "indicators")
FORMS = {  # what a cell must look like that is not blank, and how that is said
    **dict.fromkeys(("period", "from_period", "joined", "left"), (PERIOD.pattern, Said("form.period"))),
    **{column: ("|".join(words), Said("form.word", words=", ".join(words))) for column, words in (
        ("kind", ("renamed", "misspelt", "short")), ("status", ("certain", "doubtful")), ("grade", GRADES))},
    "floor": (r"\d{1,2}(\.\d+)?", Said("form.floor")), "approved": (r"\d+", Said("form.whole")), "times": (r"0*[1-9]\d*", Said("form.times")),
}
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


Match = namedtuple("Match", "id how")  # the alliance that a name means, known by its `name` or an `alias`
Claim = namedtuple("Claim", "period id times")  # what a report says of an alliance: full marks in `times` periods running, up to `period`


class Conflict(Exception):
    """A name and a code that the registry cannot bring together; `said` says how to mend it."""

    def __init__(self, said: Said):
        super().__init__(said)
        self.said = said


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
        self.holders: dict[str, dict[str, str]] = {}
        self.own_codes: dict[str, dict[str, str]] = {}
        for (id, period), (code, _) in self.codes.items():
            self.holders.setdefault(code, {})[period] = id
            self.own_codes.setdefault(id, {})[period] = code

    def batches_in(self, period: str) -> list[Batch]:
        """The batches that were in the programme in a period, in order, with the sizes that they had then."""
        return [*{b.key: b for b in self.sizes if first_year(b.first_period) <= first_year(period)}.values()]

    def there(self, id: str, period: str) -> bool:
        """Whether an alliance was in the programme in a period, so far as `joined` and `left` in alliances.csv tell."""
        joined, left = self.between.get(id, ("", ""))
        return first_year(joined or "0000") <= first_year(period) < first_year(left or "9999")

    def scheme(self, period: str) -> Scheme:
        """The period's own scheme, or the latest earlier one."""
        known = [p for p in self.schemes if first_year(p) <= first_year(period)]
        return self.schemes[max(known, key=first_year) if known else min(self.schemes, key=first_year)]

    def known_codes(self, id: str) -> dict[str, str]:
        """The codes of an alliance by period."""
        return self.own_codes.get(id, {})

    def id_of(self, name: str) -> str | None:
        """Whose name or alias this is."""
        return self.by_name.get(normalise(name)) or self.by_alias.get(normalise(name))

    def _holder(self, code: str | None, period: str) -> str | None:
        """Whose a code is in a period, or was in the latest that is known."""
        held = self.holders.get(code or "", {})
        return held.get(period) or (held[max(held, key=first_year)] if held else None)

    def identify(self, name: str, code: str | None, period: str) -> Match:
        """The alliance that a row of a sheet means.

        Raises Conflict for a name that is not known, and for a code that is another's or not its own.
        """
        if (id := self.id_of(name)) is None:
            raise Conflict(self._unknown(name, code, period))
        own, now, other = self.known_codes(id), self.holders.get(code or "", {}).get(period), self._holder(code, period)
        if code is None or not (own or other) or now == id or (now is None and other == id and period not in own):
            return Match(id, "name" if normalise(name) in self.by_name else "alias")
        free = period not in own and now is None and (not own or code[0] in {c[0] for c in own.values()})
        values = {"id": id, "period": period, "code": code}
        if other and other != id:
            line = Said("name.decide", **values) if free else ""
            raise Conflict(Said("name.other", name=quoted(name), other=other, owner=self.names[other], line=line, **values))
        line = Said("name.add", **values) if free else Said("name.line", **values) if period in own else ""
        codes = [Said("name.in", code=c, period=p) for p, c in own.items()]
        raise Conflict(Said("name.code", name=quoted(self.names[id]), codes=codes, line=line, **values))

    @cached_property
    def _stems(self) -> dict[str, str]:
        return {SHARED_ENDING.sub("", normalise(known)): known for known in [*self.names.values(), *self.aliases]}

    def nearest(self, name: str, most: int = 3) -> list[str]:
        """The known names most like a name, compared without the ending that they all share."""
        return [self._stems[stem] for stem in difflib.get_close_matches(SHARED_ENDING.sub("", normalise(name)), self._stems, most, 0.5)]

    def _unknown(self, name: str, code: str | None, period: str) -> Said:
        def near() -> Said | str:  # takes long, and is asked only where it is shown
            return Said("name.near", names=found) if (found := self.nearest(name)) else ""

        def free() -> str:
            return f"L{max((int(id[1:]) for id in self.names if id[1:].isdigit()), default=0) + 1:03d}"

        id = self._holder(code, period)
        renamed = Said("name.renamed", code=code, name=self.names[id], found=name, id=id) if id else ""
        return Said("name.unknown", name=quoted(name), near=near, renamed=renamed, free=free, found=name)


def read(data: Path) -> Registry:
    """The registry under a data folder. Raises DataError with every problem in its files."""
    problems: list[Problem] = []
    tables = {name: read_csv(data / "registry" / f"{name}.csv", tuple(columns.split()), tuple(key.split()), problems)
              if name not in OPTIONAL or (data / "registry" / f"{name}.csv").exists() else [] for name, (columns, key, _) in FILES.items()}
    if not problems:
        problems = [Problem.of(said, f"registry/{file}.csv", Said("word.line", number=row["line"]),
                               order=([*FILES].index(file), int(row["line"])))
                    for rules in (_forms, _people, _periods) for holds, file, row, said in rules(tables) if not holds]
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
    sizes = [Batch(r["batch"], r["name"], int(r["approved"]) if r.get("approved") else None, r["from_period"]) for r in batches]
    return Registry(
        {row["id"]: row["name"] for row in alliances}, {row["alias"]: row["id"] for row in aliases},
        {(row["id"], row["period"]): (row["code"], row["status"]) for row in codes}, sorted(sizes, key=lambda b: first_year(b.first_period)),
        found, tuple(row["period"] for row in periods), decisions, {row["period"]: dates for row in periods if (dates := _dates(row))},
        tuple(Claim(row["period"], row["id"], int(row["times"])) for row in claims),
        tuple((row["pillar"], row["indicator"], row["looked_at"]) for row in indicators),
        {row["id"]: {h: row[h] or None for h in row if h not in NO_COLUMNS} for row in alliances},
        {row["id"]: (row.get("joined", ""), row.get("left", "")) for row in alliances})


def _dates(row: dict[str, str]) -> tuple[dt.date, dt.date] | None:
    try:
        return dt.date.fromisoformat(row.get("start_date", "")), dt.date.fromisoformat(row.get("end_date", ""))
    except ValueError:
        return None


def read_csv(path: Path, columns: tuple[str, ...], key: tuple[str, ...], problems: list[Problem]) -> Lines:
    """The rows of a UTF-8 CSV file, with a `line` each; what is wrong with it is added to `problems`."""
    def wrong(rule: str, at: int | str = "", **values: object) -> Lines:
        problems.append(Problem.of(Said(rule, **values), f"{path.parent.name}/{path.name}", at and Said("word.line", number=at)))
        return []

    rows, seen = [], {}
    try:
        reader = csv.DictReader(io.StringIO(text_of(path), newline=""), strict=True)
        reader.fieldnames = heading = [cell.strip() for cell in reader.fieldnames or ()]
        if missing := [column for column in columns if column not in heading]:
            return wrong("table.columns", missing=missing, found=heading)
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


Rules = Iterator[tuple[object, str, dict[str, str], Said]]  # what must hold, where, and what is said if it does not


def _forms(tables: dict[str, Lines]) -> Rules:
    ids = {"", *(row["id"] for row in tables["alliances"])}
    for file, row in ((file, row) for file, rows in tables.items() for row in rows):
        for column in FILES[file][2].split():
            fault = unfit(row[column], column)
            yield not fault, file, row, fault
        for column in FORMS.keys() & row.keys():
            form, said = FORMS[column]
            yield (not row[column] or re.fullmatch(form, row[column], re.ASCII), file, row,
                   Said("table.form", column=column, value=quoted(row[column]), form=said))
        yield row.get("id", "") in ids, file, row, Said("table.id", id=row.get("id"))


def _people(tables: dict[str, Lines]) -> Rules:
    names, first, certain, held, keys = {}, {}, {}, {}, sorted({row["batch"] for row in tables["batches"]})
    taken = sorted({column for row in tables["alliances"][:1] for column in row} & set(ROSTER[2:]))
    yield not taken, "alliances", {"line": "1"}, Said("table.own", columns=taken)
    for row in tables["alliances"]:
        other = names.setdefault(normalise(row["name"]), row["id"])
        yield other == row["id"], "alliances", row, Said("table.name", name=row["name"], id=other)
    for row in tables["aliases"]:
        owner = names.get(normalise(row["alias"]))
        yield not owner, "aliases", row, Said("table.alias", alias=row["alias"], id=owner)
    for row in tables["codes"]:
        id, code, period = row["id"], row["code"], row["period"]
        yield CODE.fullmatch(code) and code[0] in keys, "codes", row, Said("table.code", code=quoted(code), batches=", ".join(keys))
        other = held.setdefault((period, code), id)
        yield other == id, "codes", row, Said("table.held", code=code, id=other, period=period)
        known = certain.setdefault(code, row) if row["status"] == "certain" else row
        yield id == known["id"] or period == known["period"], "codes", row, Said("table.certain", code=code, id=known["id"], line=known["line"])
        earlier = first.setdefault(id, row)
        yield (earlier["code"][0] == code[0], "codes", row,
               Said("table.batch", id=id, code=code, other=earlier["code"], line=earlier["line"]))


def _periods(tables: dict[str, Lines]) -> Rules:
    latest, labels = ("", dt.date.min), {}
    for row in (row for row in tables["batches"] if row.get("approved", "").isdigit()):
        since, later = row["from_period"], [r["from_period"] for r in tables["batches"] if r["batch"] == row["batch"]]
        until = min((period for period in later if period > since), default="9")
        named = len({r["id"] for r in tables["codes"] if r["code"][0] == row["batch"] and since <= r["period"] < until})
        yield (int(row["approved"]) >= named, "batches", row,
               Said("table.approved", approved=row["approved"], number=named, batch=row["batch"]))
    for row in (row for row in tables["periods"] if row.get("start_date") or row.get("end_date")):
        start, end = _dates(row) or (dt.date.max, dt.date.min)
        yield start <= end, "periods", row, Said("table.dates", start=quoted(row.get("start_date", "")), end=quoted(row.get("end_date", "")))
        yield start > latest[1], "periods", row, Said("table.overlap", period=row["period"], start=start, earlier=latest[0], end=latest[1])
        latest = (row["period"], end) if latest[1] < start <= end else latest
    for row in tables["schemes"]:
        other = labels.setdefault((row["period"], normalise(row["label"])), row["grade"])
        yield other == row["grade"], "schemes", row, Said("table.label", label=quoted(row["label"]), grade=other, period=row["period"])
    for period in {row["period"]: "" for row in tables["schemes"]}:
        lines = {row["grade"]: row for row in tables["schemes"] if row["period"] == period}
        floors = [float(lines[g]["floor"]) if g in lines and re.fullmatch(r"\d+(\.\d+)?", lines[g]["floor"]) else -1.0 for g in GRADES]
        yield (floors == sorted(set(floors)) and floors[0] == 0, "schemes", next(iter(lines.values())),
               Said("table.floors", period=period, best=HIGH, worst=LOW))
