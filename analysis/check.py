"""What `check` says of one period: on the terminal, in a file for programs, and as a marked copy of the workbook.

The page that needs nothing installed (`page`) runs the same code in a browser.
"""

from __future__ import annotations

import json
from pathlib import Path

from analysis import marked, remarks, sheets
from analysis.messages import Said
from analysis.problems import DataError, Problem

ERROR, NOTE = "error", "note"


def read(period: str, data: Path) -> sheets.Period:
    """The score sheet of a period, where the remarks on it are sound too. Raises DataError with every problem of both."""
    found, problems = [], []
    for reader in (sheets.read, remarks.read):
        try:
            found.append(reader(period, data))
        except sheets.Unfilled:
            raise
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return found[0]


def files(period: str, data: Path, problems: list[Problem], notes: list[Said]) -> dict[str, bytes]:
    """What a check leaves, by its file's name: the problems and notes as JSON, and of a wrong workbook that can be read a marked copy."""
    path = sheets.path_of(period, data)
    made = {f"{period}-check.json": as_json(path.name, problems, notes)}
    if problems and not any(problem.rule.startswith("file.") for problem in problems):
        made[f"{period}-check.xlsx"] = marked.copy(path.read_bytes(), path.name, problems)
    return made


def as_json(file: str, problems: list[Problem], notes: list[Said]) -> bytes:
    """Rule, severity, file, sheet, cell and message of each problem and note."""
    rows = [(p.rule, ERROR, str(p.where[0]), p.sheet, p.cell, p.message) for p in problems]
    rows += [(n.rule, NOTE, file, n.values.get("sheet", ""), n.values.get("place", ""), str(n)) for n in notes]
    found = [dict(zip(("rule", "severity", "file", "sheet", "cell", "message"), row)) for row in rows]
    return json.dumps({"file": file, "sound": not problems, "found": found}, ensure_ascii=False, indent=1).encode()
