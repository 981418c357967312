"""For the tests of the data: the real workbooks read by plain openpyxl, and copies of them with changed cells."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import openpyxl

from analysis import DATA, sheets
from analysis.problems import DataError

# The rows that name a grade, as the annexes print them.
GRADE_ROWS = {
    "活跃度高的联盟（共 24 家）": "活跃度高", "活跃度较高的联盟（共 22 家）": "活跃度较高",
    "活跃度一般的联盟（共 35 家）": "活跃度一般", "活跃度较差的联盟（共 20 家）": "活跃度较差",
    "活跃度高的联盟（共 35 家）": "活跃度高", "活跃度较高联盟（共 22 家）": "活跃度较高",
    "活跃度一般的联盟（共 18 家）": "活跃度一般", "不活跃联盟（11家）": "活跃度较差",
}


class Row(NamedTuple):
    """A row of 评分表 as it is printed, under the grade that the row above it names."""

    name: str
    code: str
    score: float | None
    grade: str


def lines(period: str, sheet: str) -> list[tuple]:
    """The values of a real sheet, row by row, without its first row."""
    workbook = openpyxl.load_workbook(DATA / "score_sheets" / f"{period}.xlsx")
    return list(workbook[sheet].iter_rows(min_row=2, values_only=True))


def scores(period: str) -> list[Row]:
    """The alliances of a real 评分表 in printed order, read without the code under test."""
    rows, grade = [], ""
    for number, name, code, score in lines(period, "评分表"):
        grade = GRADE_ROWS.get(number, grade)
        if isinstance(number, int):
            rows.append(Row(name, str(code), score, grade))
    return rows


def change(data: Path, cells: dict[str, object] | Callable, period: str = "2017") -> Path:
    """Change cells (`{"评分表!D4": 99}`), or whatever a function does to it, in a copy's workbook; returns its path."""
    path = data / "score_sheets" / f"{period}.xlsx"
    workbook = openpyxl.load_workbook(path)
    if callable(cells):
        cells(workbook)
    else:
        for place, value in cells.items():
            sheet, cell = place.split("!")
            workbook[sheet][cell] = value
    workbook.save(path)
    return path


def problems(data: Path, period: str = "2017") -> list[str]:
    """Every problem that reading finds, a line each; empty where the workbook is sound."""
    try:
        sheets.read(period, data)
    except DataError as error:
        return [str(problem) for problem in error.problems]
    return []


def told(data: Path, cells: dict[str, object] | Callable | None, expected: list[tuple[str, str]], period: str = "2017") -> None:
    """Change the cells: then each place that is expected has one problem, in its words, and there is no other."""
    if cells:
        change(data, cells, period)
    found = problems(data, period)
    missing = [(at, words) for at, words in expected if not any(line.startswith(f"{period}.xlsx › {at}: ") and words in line for line in found)]
    assert not missing and len(found) == len(expected), (missing, found)


def rewrite(path: Path, edit: Callable[[str, bytes], bytes]) -> None:
    """Change the parts of a workbook: `edit` takes a name and bytes, and returns bytes."""
    with zipfile.ZipFile(path) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for name, content in parts.items():
            target.writestr(name, edit(name, content))


def write(data: Path, period: str, rows: list[tuple], **facts: object) -> Path:
    """A plain score sheet of a period: rows of name, code, score and, where there is one, grade."""
    path, book = sheets.path_of(period, data), openpyxl.Workbook()
    book.active.title = "评分表"
    for row in (("联盟名称", "批次", "评分", "等级"), *rows):
        book.active.append(row)
    told = book.create_sheet("评价期")
    for row in (("项目", "数值"), ("开始日期", f"{period}-01-01"), ("结束日期", f"{period}-12-31"), *facts.items()):
        told.append(row)
    book.save(path)
    return path
