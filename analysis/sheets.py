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
GIVEN: dict[tuple[str, str], Period] = {}  # in a process of `worker`: what the one that asks has read just now
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
    books = {period: _book(period, data) for period in periods(data)}
    empty = [period for period, book in books.items() if book and book.unfilled]
    return [period for period in books if period not in empty], empty


def _book(period: str, data: Path) -> ScoreSheet | None:
    """A workbook beside the one that is read, be it open elsewhere; None where it cannot be read: its own check says why."""
    try:
        return ScoreSheet(path_of(period, data), locked=True)
    except DataError:
        return None


def read(period: str | int, data: Path | str = "", known: registry.Registry | None = None) -> Period:
    """The checked period from a data folder, the project's own unless another is named; `known` is its registry, where it is read already.

    Raises DataError with every problem of the workbook, or of the registry; Unfilled for an unfilled template.
    """
    period, data = str(period), Path(data or DATA)
    if (period, str(data)) in GIVEN:
        return GIVEN[period, str(data)]
    known, path = known or registry.read(data), path_of(period, data)
    book = ScoreSheet(path)
    if book.unfilled:
        raise Unfilled([Problem.of(Said("file.unfilled"), path.name)])
    reading = Period(period, path, book.sha256, known, known.scheme(period), said=book.said)
    for reader in (read_scores, read_facts, read_absent, read_activities, read_totals, read_a_level, read_experts, check_totals,
                   check_dates, check_panel):
        reader(book, reading)
    if book.problems:
        raise DataError(book.problems)
    if changes := [Said("note.times", number=number, what=Said(rule)) for rule, number in book.changed.items() if number]:
        book.said.insert(0, Said("note.changed", what=changes))
    return reading


def before(sheet: Period) -> Period | None:
    """The latest earlier period with a sheet; None where there is none, or where its sheet is not sound."""
    names = [name for name in periods(sheet.data) if registry.first_year(name) < registry.first_year(sheet.name)]
    try:
        return read(max(names, key=registry.first_year), sheet.data) if names else None
    except DataError:  # its own check says why
        return None


def others(sheet: Period) -> tuple[list[Period], list[str]]:
    """The sheets of the other periods, and the names of those that are wrong or half filled in."""
    sound, unread = [], []
    for period in periods(sheet.data):
        if period != sheet.name:
            try:
                sound.append(read(period, sheet.data, sheet.registry))
            except DataError:  # its own check says why
                unread.append(period)
    return sound, unread


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


def check_panel(book: ScoreSheet, reading: Period) -> None:
    """A score sheet beside a panel came from that panel as it is now."""
    now, then = panel_digest(reading.name, reading.data), reading.facts.get(PANEL)
    if now and now != then:
        book.wrong("origin.stale" if then else "origin.untold", FACTS, then and book.items[PANEL]["数值"], file=reading.path.name,
                   period=reading.name)


def check_dates(book: Book, reading: Period) -> None:
    """A period lies where its name says, and on no day of another's."""
    start, end = reading.facts.get(START), reading.facts.get(END)
    if not start or not end or end < start:
        return
    years, listed = [int(year) for year in reading.name.split("-")], reading.registry.dates
    must(book, reading, start.year <= max(years) and min(years) <= end.year, START, "fact.years", other=END, end=end, period=reading.name)
    spans = {period: (*dates, "registry/periods.csv") for period, dates in listed.items()}
    for other in (other for other in periods(reading.data) if other != reading.name):
        facts = _facts(path_of(other, reading.data), record.hash_of(path_of(other, reading.data)))
        if START in facts and END in facts:
            spans[other] = facts[START], facts[END], f"{other}.xlsx"
    for period, (first, last, file) in sorted(spans.items()):
        own = period == reading.name
        holds = (first, last) == (start, end) if own else end < first or last < start
        must(book, reading, holds, START, "fact.registered" if own else "fact.overlap", end=end, period=period, start=first, last=last,
             file=file)


@lru_cache(256)
def _facts(path: Path, digest: str) -> dict[str, object]:
    """What another period's workbook with a hash says in 评价期, so far as it can be read."""
    reading = Period("", path, "", None, None)
    if book := _book(path.stem, path.parents[1]):
        read_facts(book, reading)
    return reading.facts


def notes(reading: Period) -> list[Said]:
    """What an analyst should know of a sound sheet: what was changed in reading, and how it sits with the registry."""
    known, name, facts, scheme = reading.registry, reading.name, reading.facts, reading.scheme
    named = (*reading.evaluated, *reading.absent)
    new = {a.id: a for a in (*named, *reading.a_level) if a.id not in known.own_codes}.values()
    said = [*reading.said]
    for rule, what in (
            ("note.alias", [a.name for a in named if normalise(a.name) not in known.by_name]),
            ("note.new", [Said("note.line", name=a.name, id=a.id, period=name, code=a.code) for a in new]),
            ("note.unused", _unused_aliases(known, reading.data)),
            ("note.doubtful", [f"{a.name} {a.code}" for a in reading.doubtful]),
            ("note.unsized", [batch.short for batch in reading.batches if batch.approved is None]),
            ("note.period", "" if name in known.periods else f"{name},{reading.start},{reading.end},"),
            ("note.scheme", "" if scheme.declared == name else scheme.declared)):
        if what:
            said.append(Said(rule, what=what))
    said += [Said("note.earlier", sheet=A_LEVEL, best=scheme.labels[HIGH], period=earlier, names=failing)
             for earlier, failing in _not_high_before(reading).items()]
    if ENTERED in facts and (gap := facts[ENTERED] - reading.incomplete - len(reading.evaluated)):
        said.append(Said("note.gap", entered=facts[ENTERED], incomplete=reading.incomplete, evaluated=len(reading.evaluated), gap=gap))
    return said


def _unused_aliases(known: Registry, data: Path) -> list[str]:
    """The aliases that no sheet of any period has and no published report prints."""
    texts = [path.read_text("utf-8-sig", errors="replace") for path in (data / "published").glob("*.csv")]
    for book in filter(None, (_book(period, data) for period in periods(data))):
        texts += (cell.value for rows in book.sheets.values() for row in rows.values() for cell in row.values() if isinstance(cell.value, str))
    printed = normalise("\n".join(texts))
    return [alias for alias in known.aliases if normalise(alias) not in printed]


def _not_high_before(reading: Period) -> dict[str, list[Said]]:
    """For each of the two periods before that has a sound sheet: who of the A-level list was not 活跃度高 there, and what instead."""
    found, years = {}, [p for p in reading.registry.periods if registry.first_year(p) < registry.first_year(reading.name)][-2:]
    for sheet in others(reading)[0] if reading.a_level else ():
        was = {a.id: a.state or a.grade for a in (*sheet.absent, *sheet.evaluated)}
        failing = [Said("note.was", name=a.name, was=sheet.scheme.labels.get(was.get(a.id), was.get(a.id, NOT_EVALUATED)), sheet=A_LEVEL,
                        row=a.row) for a in reading.a_level if was.get(a.id) != HIGH]
        found |= {sheet.name: failing} if failing and sheet.name in years else {}
    return found
