"""A published report against its score sheet: a finding on each row of `data/published/<period>.csv`.

data/README.md says what a row is and what it may count.
"""

from __future__ import annotations

import contextlib
import csv
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pandas as pd

from analysis import audit_errata as errata
from analysis import registry, sheets
from analysis.audit_phrases import UNITS, Printed, UnknownWord
from analysis.audit_verdicts import UNVERIFIED, VERDICTS, Finding, Report, finding, formed
from analysis.messages import Said
from analysis.problems import DataError, Problem, quoted

SAVED = ["id", "section", "statement", "printed", "recomputed", "difference", "verdict", "cause"]
TOLD = dict(zip(VERDICTS[1:4], ("published.differs", "published.open", "published.reading")))  # wrong, or for the author to decide
IN_CHINESE = dict(zip(VERDICTS, ("相符", "不符", "合不上", "待判断", "无法核实")))


def published(period: str, data: Path | str = "") -> None:
    """Whether the period's published file can be audited. Raises DataError with everything in it that cannot be understood."""
    _found(sheets.read(period, data), [])


def findings(sheet: sheets.Period, others: list[sheets.Period] = ()) -> pd.DataFrame:
    """A row for each figure and claim of the period's published report, in printed order. Raises DataError.

    The columns of SAVED, of `Printed` and of `Finding`; 结论, the verdict in Chinese; told, verdicts for the sentences of the causes;
    one, the first row of the finding that a row belongs to; corrected, the words that should stand there; touches, the statements
    that change with it; lacks, what would verify it.
    """
    report, found = _found(sheet, list(others))
    frame = pd.DataFrame(report.printed).join(pd.DataFrame(found))
    frame["cause"] = ["; ".join(f"{c.name.removeprefix('cause.')}: {c.numbers['detail']}" for c in causes) for causes in frame["causes"]]
    frame["told"] = [[cause for cause in causes if cause.name.startswith("cause.")] for causes in frame["causes"]]
    frame["lacks"] = frame["cause"].str.removeprefix("needs: ").where(frame["verdict"] == UNVERIFIED, "")
    frame["结论"] = frame["verdict"].map(IN_CHINESE)
    frame["one"], frame["corrected"] = errata.one_finding(frame, report), errata.corrected(frame, report)
    frame["touches"] = errata.touches(frame)
    orders = {"verdict": VERDICTS, "结论": IN_CHINESE.values(), "section": frame["section"].unique()}
    return frame.assign(**{column: pd.Categorical(frame[column], list(order), ordered=True) for column, order in orders.items()})


def _found(sheet: sheets.Period, others: list[sheets.Period]) -> tuple[Report, list[Finding]]:
    """The report and a finding on each of its rows, or DataError with each row that cannot be understood."""
    name, problems = f"published/{sheet.name}.csv", []
    rows = _rows(sheet.data / name, problems)
    if not rows and not problems:
        problems.append(Problem.of(Said("published.empty"), name))

    def each(step: Callable[[Printed], object], rows: Iterable[Printed]) -> dict[Printed, object]:
        done = {}
        for row in rows:
            try:
                done[row] = step(row)
            except UnknownWord as error:
                said = Said("published.unknown", found=quoted(getattr(row, error.column)), why=error.said)
                problems.append(Problem.of(said, name, Said("word.line", number=row.line), error.column, order=(row.line,)))
        return done

    report = Report([*each(formed, rows)], sheet, others)
    for path in (sheet.data / "published").glob("*.csv"):  # what other reports print, whether that is right or not
        for row in _rows(path, []) if path.stem != sheet.name else ():
            with contextlib.suppress(UnknownWord):
                formed(row)
                report.items |= {f"[{path.stem} {row.id}]": (row.value, False)} if row.unit in UNITS else {}
    found = each(partial(finding, report=report), each(report.compute, report.printed))  # every number before any finding
    if problems:
        raise DataError(problems)
    return report, [*found.values()]


def _rows(path: Path, problems: list[Problem]) -> list[Printed]:
    """The rows of a published file; what is wrong with the file goes to `problems`."""
    lines = registry.read_csv(path, Printed._fields[:5], ("id",), problems)
    return [Printed(*(line.get(column, "") for column in Printed._fields[:-1]), int(line["line"])) for line in lines]


def others(sheet: sheets.Period) -> tuple[list[sheets.Period], list[str]]:
    """The sheets of the other periods, and the names of those that are wrong or half filled in."""
    read, unread = [], []
    for period in sheets.periods(sheet.data):
        if period != sheet.name:
            try:
                read.append(sheets.read(period, sheet.data))
            except DataError:  # its own check says why
                unread.append(period)
    return read, unread


def summary(period: str, path: Path) -> list[str]:
    """What the terminal says of a made `audit-<period>.csv`: the counts, then each row that is wrong or for the author to decide."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        records = list(csv.DictReader(file))
    counts = Counter(record["verdict"] for record in records)
    numbers = dict(zip(("agree", "differ", "open", "readings", "unverified"), (counts[kind] for kind in VERDICTS)))
    told = [Said("published.told", **record | {"verdict": Said(said), "recomputed": record["recomputed"] or "?"})
            for kind, said in TOLD.items() for record in records if record["verdict"] == kind]
    return [str(Said("published.checked", period=period, total=len(records), **numbers)), *(f"  {said}".rstrip() for said in told)]
