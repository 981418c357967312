"""What `check` says of one period: on the terminal, in a file for programs, and as a marked copy of the workbook.

The page that needs nothing installed (`page`) runs the same code in a browser.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from analysis import DATA, NOTEBOOKS, marked, registry, remarks, sheets
from analysis.messages import Said
from analysis.problems import DataError, Problem

ERROR, NOTE = "error", "note"
LABEL = re.compile(r"^#\| *label: *([\w-]+)", re.MULTILINE)


def read(period: str, data: Path) -> sheets.Period:
    """The score sheet of a period, where the remarks on it are sound too. Raises DataError with every problem of both."""
    problems, known = [], ()
    try:
        sheet = sheets.read(period, data)
        known = [batch.short for batch in sheet.batches], lambda: labels(sheet)
    except sheets.Unfilled:
        raise
    except DataError as error:
        problems += error.problems
    try:
        remarks.read(period, data, *known)
    except DataError as error:
        problems += error.problems
    if problems:
        raise DataError(problems)
    return sheet


def labels(period: sheets.Period) -> list[str]:
    """The labels of the figures and tables that the report of a period has; what has no sheet has no table."""
    needs = {"experts": period.experts, "totals": period.totals, "absent": period.absent, "a-level": period.a_level,
             "activities": period.activities, "activity-counts": period.activities,
             "members": any(not batch.is_pilot for batch in period.batches)}
    cells = json.loads((NOTEBOOKS / "report.ipynb").read_text("utf8"))["cells"]
    found = LABEL.findall("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))
    batches = [f"batch-{batch.key}" for batch in period.batches if batch.is_pilot]
    return [label for label in found if needs.get(label, True)] + batches


def files(period: str, data: Path, problems: list[Problem], notes: list[Said]) -> dict[str, bytes]:
    """What a check leaves, by its file's name: the problems and notes as JSON, and a marked copy of a workbook that
    can be read and is wrong."""
    path = sheets.path_of(period, data)
    made = {f"{period}-check.json": as_json(path.name, problems, notes)}
    if any(problem.where[0] == path.name and not problem.said.rule.startswith("file.") for problem in problems):
        made[f"{period}-check.xlsx"] = marked.copy(path.read_bytes(), path.name, problems)
    return made


def as_json(file: str, problems: list[Problem], notes: list[Said]) -> bytes:
    """Rule, severity, file, sheet, cell and message of each problem and note."""
    rows = [(p.said.rule, ERROR, str(p.where[0]), p.sheet, p.cell, str(p.said)) for p in problems]
    rows += [(n.rule, NOTE, file, n.values.get("sheet", ""), n.values.get("place", ""), str(n)) for n in notes]
    found = [dict(zip(("rule", "severity", "file", "sheet", "cell", "message"), row)) for row in rows]
    return json.dumps({"file": file, "sound": not problems, "found": found}, ensure_ascii=False, indent=1).encode()


def answer(name: str, content: bytes) -> tuple[str, str, bytes | None, str]:
    """What the page shows of a workbook, which it keeps: one line, what was found as JSON, the marked copy, if there is one, and its name."""
    period, problems, notes = name.removesuffix(".xlsx"), [], []
    if not registry.PERIOD.fullmatch(period):
        return str(Said("page.name", name=name)), '{"found": []}', None, ""
    path = sheets.path_of(period, DATA)
    path.write_bytes(bytes(content))
    try:
        read_period = read(period, DATA)
        summary, notes = read_period.summary(), sheets.notes(read_period)
    except DataError as error:
        problems, summary = error.problems, str(Said("marked.title", file=path.name, number=len(error.problems)))
    made = files(period, DATA, problems, notes)
    return summary, made[f"{period}-check.json"].decode(), made.get(f"{period}-check.xlsx"), f"{period}-check.xlsx"
