"""What `make new YEAR=2022` writes: `template.xlsx`, which has the sheets, explanations and rules, with what the registry knows."""

from __future__ import annotations

import datetime as dt
import io
from copy import copy
from pathlib import Path

from openpyxl import Workbook, load_workbook

from analysis import publish, registry, sheets
from analysis.grades import BEST_FIRST
from analysis.problems import DataError
from analysis.registry import Registry
from analysis.sheets import ACTIVITIES, SCORES, TOTALS, Period
from analysis.workbook import letters

EMPTY = Path(__file__).with_name("template.xlsx")
DIRECTORY, HEADING_ROW = "联盟名录", 3


def write(period: str, data: Path) -> Path:
    """Write the workbook of a period where it belongs. Raises FileExistsError if something is there already."""
    path, content = sheets.path_of(period, data), io.BytesIO()
    if path.exists():
        raise FileExistsError(path)
    _workbook(period, registry.read(data), _earlier(data)).save(content)
    publish.put(path, content.getvalue())
    return path


def _earlier(data: Path) -> list[Period]:
    """The sound periods there are, latest first: their activities and totals are offered again."""
    found = []
    for name in reversed(sheets.periods(data)):
        try:
            found.append(sheets.read(name, data))
        except DataError:
            continue
    return found


def _workbook(period: str, known: Registry, earlier: list[Period]) -> Workbook:
    book, labels = load_workbook(EMPTY), [known.scheme(period).labels[grade] for grade in BEST_FIRST]
    activities, head = next((list(counts) for p in earlier for counts in p.activities.values()), ["联盟数"]), book[ACTIVITIES]["A3"]
    for column, heading in enumerate(activities, start=2):
        cell = book[ACTIVITIES].cell(HEADING_ROW, column, heading)
        cell._style = copy(head._style)
        book[ACTIVITIES].column_dimensions[letters(column)].width = max(10, 2 * len(heading))
    totals = next((p.totals for p in earlier if p.totals), {})
    for name, rows in ((ACTIVITIES, [(label,) for label in labels]), (TOTALS, [(item, None, unit) for item, (_, unit) in totals.items()]),
                       (DIRECTORY, _directory(known))):
        for number, row in enumerate(rows, start=HEADING_ROW + 1):
            for column, value in enumerate(row, start=1):
                book[name].cell(number, column, value)
    grade = next(rule for rule in book[SCORES].data_validations.dataValidation if rule.type == "list")
    grade.formula1, grade.error = f'"{",".join(labels)}"', f"等级是{'、'.join(labels)}之一"
    for sheet in book:
        sheet["A1"] = f"{sheet.title}（{period} 评价期）"
    book.properties.created = dt.datetime(registry.first_year(period), 1, 1)
    return book


def _directory(known: Registry) -> list[tuple]:
    """Every alliance with its latest certain code, or its latest doubtful one, by code; a code of digits as a number."""
    rows = []
    for id, name in known.names.items():
        codes = [(known.codes[id, period][1] == "certain", registry.first_year(period), code, period)
                 for period, code in known.known_codes(id).items()]
        certain, _, code, period = max(codes, default=(True, 0, "", ""))
        note = "" if certain else f"代码存疑（{period} 评价期），见 data/registry/codes.csv"
        rows.append((id, name, int(code) if code.isdigit() else code, note if code else "还没有代码"))
    return sorted(rows, key=lambda row: (isinstance(row[2], str), str(row[2])))
