"""What `make new YEAR=2022` writes: `template.xlsx`, which has the sheets, explanations and rules, with what the registry knows."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

from openpyxl import load_workbook

from analysis import publish, registry, sheets
from analysis.grades import BEST_FIRST
from analysis.registry import Registry
from analysis.sheets import ACTIVITIES, SCORES

EMPTY = Path(__file__).with_name("template.xlsx")
DIRECTORY, HEADING_ROW = "联盟名录", 3


def write(period: str, data: Path) -> Path:
    """Write the workbook of a period where it belongs. Raises FileExistsError if something is there already."""
    path, content, known = sheets.path_of(period, data), io.BytesIO(), registry.read(data)
    if path.exists():
        raise FileExistsError(path)
    book, labels = load_workbook(EMPTY), [known.scheme(period).labels[grade] for grade in BEST_FIRST]
    for name, rows in ((ACTIVITIES, [(label,) for label in labels]), (DIRECTORY, _directory(known))):
        for number, row in enumerate(rows, start=HEADING_ROW + 1):
            for column, value in enumerate(row, start=1):
                book[name].cell(number, column, value)
    grade = next(rule for rule in book[SCORES].data_validations.dataValidation if rule.type == "list")
    grade.formula1, grade.error = f'"{",".join(labels)}"', f"等级是{'、'.join(labels)}之一"
    for sheet in book:
        sheet["A1"] = f"{sheet.title}（{period} 评价期）"
    book.properties.created = dt.datetime(registry.first_year(period), 1, 1)
    book.save(content)
    publish.put(path, content.getvalue())
    return path


def _directory(known: Registry) -> list[tuple]:
    """Every alliance with its latest certain code, or its latest doubtful one, by code; a code of digits as a number."""
    rows = []
    for id, name in known.names.items():
        certain, _, code, period = max(((known.codes[id, period][1] == "certain", registry.first_year(period), code, period)
                                        for period, code in known.own_codes.get(id, {}).items()), default=(True, 0, "", ""))
        note = "" if certain else f"代码存疑（{period} 评价期），见 data/registry/codes.csv"
        rows.append((id, name, int(code) if code.isdigit() else code, note if code else "还没有代码"))
    return sorted(rows, key=lambda row: (isinstance(row[2], str), str(row[2])))
