"""The registry: who is who across periods. Neither a code nor a name is a key; the registry's opaque id is."""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from analysis.grades import GRADES, HIGH, LOW, Scheme
from analysis.problems import FORMULA_STARTS, DataError, Problem, hidden, quoted

MEMBERS = "D"
CODE = re.compile(r"[1-9]\d{2}|[A-Z]\d{3}", re.ASCII)
PERIOD = re.compile(r"\d{4}(-\d{4})?", re.ASCII)
SHARED_ENDING = re.compile(r"(产业链?)?(技术)?(创新)?(战略)?联盟$")
COLUMNS = {
    "alliances.csv": ("id", "name"),
    "aliases.csv": ("alias", "id", "kind"),
    "codes.csv": ("id", "period", "code", "status"),
    "batches.csv": ("batch", "name", "approved", "first_period"),
    "schemes.csv": ("period", "grade", "label", "floor"),
    "periods.csv": ("period",),
    "claims.csv": ("period", "id", "times"),
}
KEYS = {
    "alliances.csv": ("id",),
    "aliases.csv": ("alias",),
    "codes.csv": ("id", "period"),
    "batches.csv": ("batch",),
    "schemes.csv": ("period", "grade"),
    "periods.csv": ("period",),
    "claims.csv": ("period", "id"),
}
OPTIONAL = ("claims.csv",)
ALIAS_KINDS = ("renamed", "misspelt", "short")
CODE_STATUSES = ("certain", "doubtful")


def normalise(text: str) -> str:
    """Names and codes as they are compared: NFKC, no spaces, no invisible marks, upper case.

    >>> normalise("ＴＤ 产业（链）")
    'TD产业(链)'
    """
    folded = "".join(unicodedata.normalize("NFKC", text).split())
    if not folded.isprintable():  # few texts hold a mark, and looking at every character takes long
        folded = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    return folded.upper()


def short(name: str) -> str:
    """A name without the ending that all of them share.

    >>> short("半导体照明产业技术创新战略联盟")
    '半导体照明'
    """
    return SHARED_ENDING.sub("", name) or name


def first_year(period: str) -> int:
    """The year in which a period starts, from its name: 2020 for `2020-2021`."""
    return int(period[:4])


@dataclass(frozen=True)
class Batch:
    """A founding batch; `approved` counts every alliance in it, also those that no annex names."""

    key: str
    name: str
    approved: int
    first_period: str

    @property
    def short(self) -> str:
        """`第一批` for 第一批试点联盟, `网员联盟` for the network members."""
        return self.name.removesuffix("试点联盟") if self.is_pilot else self.name.removeprefix("协发网")

    @property
    def is_pilot(self) -> bool:
        return self.key != MEMBERS


@dataclass(frozen=True)
class Match:
    """How the registry knows an alliance: by `code and name`, `name`, `alias`, or `decided` (a doubtful code)."""

    id: str
    how: str


@dataclass(frozen=True)
class Claim:
    """What a report says of an alliance: full marks in `times` periods running, up to `period`."""

    period: str
    id: str
    times: int


class Conflict(Exception):
    """A name and a code that the registry cannot bring together; the message, found when asked, says how to mend it."""

    def __init__(self, kind: str, message: Callable[[], str], about_code: bool = False):
        self.kind, self.message, self.about_code = kind, message, about_code
        super().__init__(kind)

    def __str__(self) -> str:
        return self.message()


@dataclass
class Registry:
    """Alliances, aliases, codes, batches, schemes and periods, read from `data/registry` and checked."""

    names: dict[str, str]
    aliases: dict[str, str]
    codes: dict[tuple[str, str], tuple[str, str]]
    batches: dict[str, Batch]
    schemes: dict[str, Scheme]
    periods: tuple[str, ...]
    decisions: dict[str, list[dict[str, str]]]
    dates: dict[str, tuple[dt.date, dt.date]] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    by_name: dict[str, str] = field(init=False)
    by_alias: dict[str, str] = field(init=False)
    holders: dict[str, dict[str, str]] = field(init=False)
    own_codes: dict[str, dict[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.by_name = {normalise(name): id for id, name in self.names.items()}
        self.by_alias = {normalise(alias): id for alias, id in self.aliases.items()}
        self.holders, self.own_codes = {}, {}
        for (id, period), (code, _) in self.codes.items():
            self.holders.setdefault(code, {})[period] = id
            self.own_codes.setdefault(id, {})[period] = code

    def batches_in(self, period: str) -> list[Batch]:
        """The batches that were in the programme in a period, in order."""
        return [b for b in self.batches.values() if first_year(b.first_period) <= first_year(period)]

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

    def identify(self, name: str, code: str | None, period: str) -> Match:
        """The alliance that a row of a sheet means.

        Raises Conflict for a name that is not known, and for a code that is another's or not its own.
        """
        key, id = normalise(name), self.id_of(name)
        how = "name" if key in self.by_name else "alias"
        holders = self.holders.get(code or "", {})
        if id is None:
            raise Conflict("name not in the registry", lambda: self._unknown(name, code, period))
        if code is None:
            return Match(id, how)
        own = self.known_codes(id)
        holder = holders.get(period)
        latest = holders[max(holders, key=first_year)] if holders else None
        if holder == id or (holder is None and latest == id and period not in own):
            doubtful = self.codes.get((id, period), ("", ""))[1] == "doubtful"
            return Match(id, "decided" if doubtful else "code and name" if how == "name" else how)
        if not own and not holders:
            return Match(id, how)
        other = holder or latest
        listed = ", ".join(f"{c} in {p}" for p, c in own.items())
        free = period not in own and holder is None and (not own or code[0] in {c[0] for c in own.values()})
        if other and other != id:
            raise Conflict(
                "code and name of two alliances", lambda:
                f"the name {quoted(name)} is {id} but the code {code} belongs to {other} "
                f"({self.names[other]}); correct one of them"
                + (f', or decide it with the line "{id},{period},{code},doubtful,<why>" in registry/codes.csv' if free else ""))
        raise Conflict(
            "code not known for this alliance", lambda:
            f"the code {code} is not one of {quoted(self.names[id])} ({listed}); correct it"
            + (f', or add the line "{id},{period},{code},certain,<why>" to registry/codes.csv' if free else
               f", or its line of {period} in registry/codes.csv" if period in own else ""), about_code=True)

    def nearest(self, name: str, most: int = 3) -> list[str]:
        """The known names most like a name, compared without the ending that they all share."""
        def stem(text: str) -> str:
            return SHARED_ENDING.sub("", normalise(text))

        stems = {stem(known): known for known in [*self.names.values(), *self.aliases]}
        return [stems[s] for s in difflib.get_close_matches(stem(name), stems, n=most, cutoff=0.5)]

    def _unknown(self, name: str, code: str | None, period: str) -> str:
        near = self.nearest(name)
        hint = f"; the nearest known: {', '.join(near)}" if near else ""
        holders = self.holders.get(code or "", {})
        id = holders.get(period) or (holders[max(holders, key=first_year)] if holders else None)
        renamed = (f'; if {code} ({self.names[id]}) was renamed, add the line "{_csv(name, id, "renamed")}" to registry/aliases.csv'
                   if id in self.names else "")
        free = max((int(i[1:]) for i in self.names if i[1:].isdigit()), default=0) + 1
        return (
            f"the registry does not know {quoted(name)}{hint}{renamed}; if it is new, add the line "
            f'"{_csv(f"L{free:03d}", name)}" to registry/alliances.csv'
        )


def _csv(*cells: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def read(data: Path) -> Registry:
    """The registry under a data folder. Raises DataError with every problem in its files."""
    problems: list[Problem] = []
    tables = {name: read_csv(data / "registry" / name, columns, KEYS[name], problems)
              for name, columns in COLUMNS.items() if name not in OPTIONAL or (data / "registry" / name).exists()}
    if problems:
        raise DataError(problems)
    _check(tables, problems)
    if problems:
        raise DataError(problems)
    schemes = {}
    for row in tables["schemes.csv"]:
        scheme = schemes.setdefault(row["period"], Scheme(row["period"], {}, {}))
        scheme.labels[row["grade"]] = row["label"]
        scheme.floors[row["grade"]] = float(row["floor"])
    decisions: dict[str, list[dict[str, str]]] = {}
    for table in ("aliases.csv", "codes.csv"):
        for row in tables[table]:
            if row.get("evidence"):
                decisions.setdefault(row["id"], []).append(row)
    return Registry(
        names={row["id"]: row["name"] for row in tables["alliances.csv"]},
        aliases={row["alias"]: row["id"] for row in tables["aliases.csv"]},
        codes={(row["id"], row["period"]): (row["code"], row["status"]) for row in tables["codes.csv"]},
        batches={row["batch"]: Batch(row["batch"], row["name"], int(row["approved"]), row["first_period"])
                 for row in tables["batches.csv"]},
        schemes=schemes,
        periods=tuple(row["period"] for row in tables["periods.csv"]),
        decisions=decisions,
        dates={row["period"]: dates for row in tables["periods.csv"] if (dates := _dates(row))},
        claims=tuple(Claim(row["period"], row["id"], int(row["times"])) for row in tables.get("claims.csv", ())),
    )


def _dates(row: dict[str, str]) -> tuple[dt.date, dt.date] | None:
    try:
        return dt.date.fromisoformat(row.get("start_date", "")), dt.date.fromisoformat(row.get("end_date", ""))
    except ValueError:
        return None


def read_csv(path: Path, columns: tuple[str, ...], key: tuple[str, ...], problems: list[Problem]) -> list[dict[str, str]]:
    """The rows of a UTF-8 CSV file, with a `line` each; what is wrong with it is added to `problems`."""
    where = (f"{path.parent.name}/{path.name}",)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        problems.append(Problem("file missing", where, f"there is no such file in {path.parent}; see data/README.md"))
        return []
    except UnicodeDecodeError:
        problems.append(Problem("encoding", where, "is not UTF-8 (perhaps GBK); save it as “CSV UTF-8”"))
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    body, end = [], 0
    try:
        for cells in reader:
            body.append((end + 1, cells))
            end = reader.line_num
    except csv.Error as error:
        problems.append(Problem("not csv", (*where, f"line {reader.line_num}"), f"is not readable as CSV: {error}"))
        return []
    heading = [h.strip() for h in body.pop(0)[1]] if body else []
    missing = [c for c in columns if c not in heading]
    if missing:
        problems.append(Problem("column missing", where, f"has no column {', '.join(missing)}; found {', '.join(heading)}"))
        return []
    rows, seen = [], {}
    for line, cells in body:
        if not any(cell.strip() for cell in cells):
            continue
        row = dict(zip(heading, (cell.strip() for cell in cells))) | {"line": str(line)}
        place = (*where, f"line {line}")
        empty = [c for c in columns if not row.get(c)]
        if len(cells) > len(heading):
            problems.append(Problem("too many cells", place, f"{len(cells)} cells under {len(heading)} headings; "
                                    "put a cell that holds a comma in quotes"))
        elif empty:
            problems.append(Problem("cell empty", place, f"{', '.join(empty)} is empty; fill it in"))
        elif (known := tuple(normalise(row[c]) for c in key)) in seen:
            problems.append(Problem("key twice", place, f"{', '.join(row[c] for c in key)} stands in line "
                                    f"{seen[known]} already; keep one"))
        else:
            seen[known] = line
            rows.append(row)
    return rows


def _check(tables: dict[str, list[dict[str, str]]], problems: list[Problem]) -> None:
    def wrong(table: str, row: dict[str, str], kind: str, message: str) -> None:
        problems.append(Problem(kind, (f"registry/{table}", f"line {row['line']}"), message))

    for table, column in (("alliances.csv", "name"), ("aliases.csv", "alias"), ("batches.csv", "name"), ("schemes.csv", "label")):
        for row in tables[table]:
            if row[column].startswith(FORMULA_STARTS):
                wrong(table, row, "formula in text", f"{column} {quoted(row[column])} starts with {quoted(row[column][0])}, "
                      "which a spreadsheet would run; write it without")
            elif found := hidden(row[column]):
                wrong(table, row, "invisible character", f"{column} {quoted(row[column])} contains {found}; remove it")
    ids = {row["id"] for row in tables["alliances.csv"]}
    batches = {row["batch"] for row in tables["batches.csv"]}
    names: dict[str, str] = {}
    for row in tables["alliances.csv"]:
        other = names.setdefault(normalise(row["name"]), row["id"])
        if other != row["id"]:
            wrong("alliances.csv", row, "name twice", f"{row['name']} is {other} already; one name, one alliance")
    for row in tables["aliases.csv"]:
        if row["id"] not in ids:
            wrong("aliases.csv", row, "id unknown", f"id {row['id']} is not in registry/alliances.csv")
        elif normalise(row["alias"]) in names:
            wrong("aliases.csv", row, "alias is a name",
                  f"{row['alias']} is the name of {names[normalise(row['alias'])]}; an alias must be another wording")
        if row["kind"] not in ALIAS_KINDS:
            wrong("aliases.csv", row, "kind unknown", f"kind {quoted(row['kind'])} is not one of {', '.join(ALIAS_KINDS)}")
    holders: dict[tuple[str, str], str] = {}
    certain: dict[str, dict[str, str]] = {}
    first: dict[str, dict[str, str]] = {}
    for row in tables["codes.csv"]:
        if row["id"] not in ids:
            wrong("codes.csv", row, "id unknown", f"id {row['id']} is not in registry/alliances.csv")
        if not CODE.fullmatch(row["code"]) or row["code"][0] not in batches:
            wrong("codes.csv", row, "code form", f"code {quoted(row['code'])} is not three digits or D and three digits "
                  f"of a batch in registry/batches.csv ({', '.join(sorted(batches))})")
        if row["status"] not in CODE_STATUSES:
            wrong("codes.csv", row, "status unknown",
                  f"status {quoted(row['status'])} is not one of {', '.join(CODE_STATUSES)}")
        if not PERIOD.fullmatch(row["period"]):
            wrong("codes.csv", row, "period form", f"period {quoted(row['period'])} is not like 2017 or 2020-2021")
        other = holders.setdefault((row["period"], row["code"]), row["id"])
        if other != row["id"]:
            wrong("codes.csv", row, "code of two", f"code {row['code']} is {other}'s in {row['period']} already")
        if row["status"] == "certain":
            known = certain.setdefault(row["code"], row)
            if known["id"] != row["id"] and known["period"] != row["period"]:
                wrong("codes.csv", row, "code of two", f"code {row['code']} is {known['id']}'s for certain in line "
                      f"{known['line']}; mark one of the two doubtful, and say why")
        earlier = first.setdefault(row["id"], row)
        if earlier["code"][0] != row["code"][0]:
            wrong("codes.csv", row, "two batches", f"{row['id']} has {row['code']} here and {earlier['code']} in line "
                  f"{earlier['line']}: an alliance has one batch")
    for row in tables.get("claims.csv", ()):
        if row["id"] not in ids:
            wrong("claims.csv", row, "id unknown", f"id {row['id']} is not in registry/alliances.csv")
        if not row["times"].isdigit() or int(row["times"]) < 1:
            wrong("claims.csv", row, "times", f"times {quoted(row['times'])} is not a whole number from 1")
    named = Counter(row["code"][0] for row in first.values())
    for row in tables["batches.csv"]:
        if row["approved"].isdigit() and int(row["approved"]) < named[row["batch"]]:
            wrong("batches.csv", row, "fewer approved than named", f"approved {row['approved']} is less than the "
                  f"{named[row['batch']]} alliances of batch {row['batch']} in registry/codes.csv; correct one of them")
        if not row["approved"].isdigit():
            wrong("batches.csv", row, "approved number", f"approved {quoted(row['approved'])} is not a whole number")
        if not PERIOD.fullmatch(row["first_period"]):
            wrong("batches.csv", row, "period form", f"first_period {quoted(row['first_period'])} is not like 2018")
    latest: tuple[dt.date, str] | None = None
    for row in tables["periods.csv"]:
        if not PERIOD.fullmatch(row["period"]):
            wrong("periods.csv", row, "period form", f"period {quoted(row['period'])} is not like 2017 or 2020-2021")
        elif row.get("start_date") or row.get("end_date"):
            dates = _dates(row)
            if dates is None or dates[1] < dates[0]:
                wrong("periods.csv", row, "dates", f"start_date {quoted(row.get('start_date', ''))} and end_date "
                      f"{quoted(row.get('end_date', ''))} are not two dates like 2017-01-31, in order; correct them, or leave "
                      "both blank")
            elif latest and dates[0] <= latest[0]:
                wrong("periods.csv", row, "periods overlap", f"{row['period']} starts on {dates[0]}, but {latest[1]} above it "
                      f"ends on {latest[0]}; correct the dates or the order of the lines")
            else:
                latest = (dates[1], row["period"])
    labels: dict[tuple[str, str], str] = {}
    for row in tables["schemes.csv"]:
        if not PERIOD.fullmatch(row["period"]):
            wrong("schemes.csv", row, "period form", f"period {quoted(row['period'])} is not like 2017 or 2020-2021")
        other = labels.setdefault((row["period"], normalise(row["label"])), row["grade"])
        if other != row["grade"]:
            wrong("schemes.csv", row, "label twice", f"label {quoted(row['label'])} is {other}'s in {row['period']} already")
    floors: dict[str, dict[str, float]] = {}
    for row in tables["schemes.csv"]:
        if row["grade"] not in GRADES:
            wrong("schemes.csv", row, "grade unknown", f"grade {quoted(row['grade'])} is not one of {', '.join(GRADES)}")
        elif not re.fullmatch(r"\d{1,2}(\.\d+)?", row["floor"]):
            wrong("schemes.csv", row, "floor", f"floor {quoted(row['floor'])} is not a number from 0 to 99")
        else:
            floors.setdefault(row["period"], {})[row["grade"]] = float(row["floor"])
    for row in tables["schemes.csv"]:
        found = floors.pop(row["period"], None)
        if found is None:
            continue
        ordered = [found.get(grade) for grade in GRADES]
        if None in ordered or ordered != sorted(set(ordered)) or ordered[0] != 0:
            wrong("schemes.csv", row, "floors", f"the floors of {row['period']} must fall from {HIGH} to 0 for "
                  f"{LOW}, one line for each of the four grades")
