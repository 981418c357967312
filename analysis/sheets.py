# ruff: noqa: F403, F405
"""The score sheets of a data folder: which there are, and each as one checked period, or every error in it."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from analysis import DATA, record, registry
from analysis.grades import HIGH, NOT_EVALUATED
from analysis.messages import Said, reason
from analysis.period import *  # what the other modules know a score sheet by
from analysis.problems import DataError, Problem
from analysis.registry import Registry, normalise
from analysis.tables import Book

FOLDER = "score_sheets"
SHEET_LIKE = re.compile(r"(?!~\$|\.).+\.(xls[xmb]?|et|ods|csv|numbers)", re.IGNORECASE)


def path_of(period: str, data: Path, folder: str = FOLDER) -> Path:
    """Where the score sheet of a period lies, or its workbook in another folder."""
    return data / folder / f"{period}.xlsx"


def _names(folder: Path) -> list[str]:
    """The names of what lies in a folder; none where there is no folder. Raises DataError where it may not be read."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError([Problem.of(Said("file.refused", reason=reason(error)), folder.name)]) from None


def periods(data: Path, folder: str = FOLDER) -> list[str]:
    """The periods with a sheet, or with a workbook in another folder, earliest first."""
    names = (name.removesuffix(".xlsx") for name in _names(data / folder) if name.endswith(".xlsx"))
    return [name for name in names if registry.PERIOD.fullmatch(name)]


def misnamed(data: Path) -> list[str]:
    """The spreadsheets among the score sheets that no period is read from, by their names; a lock file is none."""
    return [name for name in _names(data / FOLDER) if SHEET_LIKE.fullmatch(name) and not registry.PERIOD.fullmatch(
        name.removesuffix(".xlsx"))]


class Unfilled(DataError):
    """The workbook is a template that nobody has filled in yet."""


def filled_periods(data: Path) -> tuple[list[str], list[str]]:
    """The periods whose workbook holds something (be it wrong), and those with a template not filled in; earliest first."""
    there = periods(data)
    empty = [period for period in there if (book := _book(path_of(period, data))) and book.unfilled]
    return [period for period in there if period not in empty], empty


def _book(path: Path) -> ScoreSheet | None:
    """A workbook beside the one that is read, be it open elsewhere; None where it cannot be read: its own check says why."""
    try:
        return ScoreSheet(path, locked=True)
    except DataError:
        return None


def read(period: str | int, data: Path | str = "", known: registry.Registry | None = None) -> Period:
    """The checked period from a data folder, the project's own unless another is named; `known` is its registry, where it is read already.

    Raises DataError with every problem of the workbook, or of the registry; Unfilled for an unfilled template.
    """
    period, data = str(period), Path(data or DATA)
    known, path = known or registry.read(data), path_of(period, data)
    book = ScoreSheet(path)
    if book.unfilled:
        raise Unfilled([Problem.of(Said("file.unfilled"), path.name)])
    reading = Period(period, path, book.sha256, known, known.scheme(period), changed_in_reading=book.changed, said=book.said)
    for reader in (read_scores, read_facts, read_absent, read_activities, read_totals, read_a_level, read_experts, check_totals):
        reader(book, reading)
    check_dates(book, reading, data)
    check_panel(book, reading, data)
    if book.problems:
        raise DataError(book.problems)
    return reading


def returned(period: str, data: Path) -> list[Path]:
    """The files of a period's panel that came back: mark sheets, an export of marks, groups, minutes; also those of other programs."""
    return sorted(path for path in path_of(period, data, "panel").with_suffix("").glob("*") if SHEET_LIKE.fullmatch(path.name))


def panel_digest(period: str, data: Path) -> str:
    """The SHA-256 of a period's panel, its workbook and the files that came back; "" where it has none."""
    path, digest = path_of(period, data, "panel"), hashlib.sha256()
    if not path.exists():
        return ""
    for part in (path, *returned(period, data)):
        digest.update(f"{part.name}\n".encode() + hashlib.sha256(part.read_bytes()).digest())
    return digest.hexdigest()


def check_panel(book: ScoreSheet, reading: Period, data: Path) -> None:
    """A score sheet beside a panel came from that panel as it is now."""
    now = panel_digest(reading.name, data)
    if now and now != reading.facts.get(PANEL):
        book.wrong("origin.stale" if PANEL in reading.facts else "origin.untold", FACTS, book.fact_cells.get(PANEL), level=1,
                   file=reading.path.name, period=reading.name)


def check_dates(book: Book, reading: Period, data: Path) -> None:
    """A period lies where its name says, and on no day of another's."""
    start, end = reading.facts.get(START), reading.facts.get(END)
    if not start or not end or end < start:
        return
    years, own = [int(year) for year in reading.name.split("-")], reading.registry.dates.get(reading.name, (start, end))
    must(book, reading, start.year <= max(years) and min(years) <= end.year, START, "fact.years", other=END, end=end, period=reading.name)
    must(book, reading, own == (start, end), START, "fact.registered", end=end, period=reading.name, start=own[0], last=own[1])
    others = {period: (*dates, "registry/periods.csv") for period, dates in reading.registry.dates.items()}
    for period in periods(data):
        path = path_of(period, data)
        facts = _facts(path, record.hash_of(path)) if period != reading.name else {}
        if START in facts and END in facts:
            others[period] = facts[START], facts[END], f"{period}.xlsx"
    for period, (first, last, where) in sorted(others.items()):
        must(book, reading, period == reading.name or end < first or last < start, START, "fact.overlap", end=end, period=period,
             start=first, last=last, file=where)


@lru_cache(256)
def _facts(path: Path, digest: str) -> dict[str, object]:
    """What another period's workbook with a hash says in 评价期, so far as it can be read."""
    reading = Period("", path, "", None, None)
    if book := _book(path):
        read_facts(book, reading)
    return reading.facts


def notes(reading: Period) -> list[Said]:
    """What an analyst should know of a sound sheet: what was changed in reading, and how it sits with the registry."""
    known, said, name = reading.registry, [*reading.said], reading.name
    named = (*reading.evaluated, *reading.absent)
    if changed := [Said("note.times", number=n, what=Said(what)) for what, n in reading.changed_in_reading.items() if n]:
        said.insert(0, Said("note.changed", changes=changed))
    if by_alias := [a.name for a in named if a.how == "alias"]:
        said.append(Said("note.alias", names=by_alias))
    if new := {a.id: a for a in (*named, *reading.a_level) if not known.known_codes(a.id)}:
        said.append(Said("note.new", lines=[Said("note.line", name=a.name, id=a.id, period=name, code=a.code) for a in new.values()]))
    for period, failing in _earlier_grades(reading).items():
        said.append(Said("note.earlier", sheet=A_LEVEL, best=reading.scheme.labels[HIGH], period=period, names=failing))
    if unused := _unused_aliases(known, reading.data):
        said.append(Said("note.unused", aliases=unused))
    if doubtful := [f"{a.name} {a.code}" for a in reading.doubtful]:
        said.append(Said("note.doubtful", names=doubtful))
    if ENTERED in reading.facts and (gap := reading.facts[ENTERED] - reading.incomplete - len(reading.evaluated)):
        said.append(Said("note.gap", entered=reading.facts[ENTERED], incomplete=reading.incomplete, evaluated=len(reading.evaluated), gap=gap))
    if unsized := [batch.short for batch in reading.batches if batch.approved is None]:
        said.append(Said("note.unsized", batches=unsized))
    if name not in known.periods:
        said.append(Said("note.period", line=f"{name},{reading.start},{reading.end},"))
    if reading.scheme.declared != name:
        said.append(Said("note.scheme", period=reading.scheme.declared))
    return said


def _unused_aliases(known: Registry, data: Path) -> list[str]:
    """The aliases that no sheet of any period has and no published report prints."""
    texts = [path.read_text("utf-8-sig", errors="replace") for path in (data / "published").glob("*.csv")]
    for book in filter(None, (_book(path_of(period, data)) for period in periods(data))):
        texts += (cell.value for rows in book.sheets.values() for row in rows.values() for cell in row.values() if isinstance(cell.value, str))
    printed = normalise("\n".join(texts))
    return [alias for alias in known.aliases if normalise(alias) not in printed]


def _earlier_grades(reading: Period) -> dict[str, list[Said]]:
    """For each of the two periods before that has a sound sheet: who of the A-level list was not 活跃度高 there, and what instead."""
    found, before = {}, [p for p in reading.registry.periods if registry.first_year(p) < registry.first_year(reading.name)][-2:]
    for period in (p for p in periods(reading.data) if p in before and reading.a_level):
        try:
            sheet = read(period, reading.data)
        except DataError:
            continue  # its own check says why
        was = {a.id: a.state for a in sheet.absent} | {a.id: sheet.scheme.labels[a.grade] for a in sheet.evaluated if a.grade != HIGH}
        high = {a.id for a in sheet.evaluated if a.grade == HIGH}
        if failing := [Said("note.was", name=a.name, was=was.get(a.id, NOT_EVALUATED), sheet=A_LEVEL, row=a.row)
                       for a in reading.a_level if a.id not in high]:
            found[period] = failing
    return found
