"""Settled scores -> the score sheet that the period report reads. The same panel gives the same bytes."""

from __future__ import annotations

import datetime as dt
import io
import os
import shutil
import tempfile
from pathlib import Path

from analysis import sheets
from analysis.grades import BEST_FIRST, INCOMPLETE
from analysis.packing import packed
from analysis.panel.rules import YES
from analysis.panel.scores import Scores, Settled
from analysis.panel.workbook import counted

BANNER = "模拟数据：由程序生成，不是任何一期评价的真实录入或评分"
PUBLIC = (*sheets.DATES, *sheets.COUNTS, "通知时间")  # what the period report asks of 评价期; nothing else leaves the panel
NAMED = (INCOMPLETE, sheets.NOT_ENTERED)
WIDTHS = (8, 52, 12, 14)


def build(scores: Scores) -> bytes:
    """The workbook, read back as the period report will read it.

    Raises DataError while an alliance on the list for the re-review has no decision, and where the report would refuse it.
    """
    scores.complete()
    panel = scores.panel
    rows: list[list] = [["序号", "联盟名称", "批次", "评分"]]
    place = 0
    for grade in BEST_FIRST:
        here = sorted((one for one in scores.settled if one.grade == grade), key=_order)
        rows.append([f"{panel.scheme.labels[grade]}的联盟（共 {len(here)} 家）"])
        for one in here:
            place += 1
            rows.append([place, one.entry.name, _code(one.entry.code), None if one.withheld else _number(one.score)])
    facts = {item: value for item, value in panel.facts.items() if item in PUBLIC} | counted(panel)
    if panel.simulated:
        facts[sheets.NATURE] = sheets.SIMULATED
    absent = [[n, e.name, _code(e.code), e.state] for n, e in enumerate(
        sorted((e for e in panel.intake if e.state in NAMED), key=lambda e: (e.state != INCOMPLETE, e.code)), start=1)]
    made = {sheets.SCORES: rows, sheets.FACTS: [["项目", "数值"], *([item, value] for item, value in facts.items())]}
    if absent:
        made[sheets.ABSENT] = [["序号", "联盟名称", "批次", "情况"], *absent]
    if panel.rules["公布专家名单"] == YES:
        roster = [[e.role or "成员", e.name, e.post or None] for e in panel.experts]
        made[sheets.EXPERTS] = [[*sheets.HEADINGS[sheets.EXPERTS]], *roster]
    content = workbook(made, panel.end, BANNER if panel.simulated else "")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(panel.path.parents[1] / "registry", Path(folder) / "registry")
        put(content, sheets.path_of(panel.name, Path(folder)))
        sheets.read(panel.name, folder)
    return content


def _order(one: Settled) -> tuple:
    """Best first; the withheld by code alone, so that their order tells nothing."""
    return (0 if one.withheld else -one.score, one.entry.code)


def _code(code: str) -> int | str:
    return int(code) if code.isdigit() else code


def _number(score) -> int | float:
    return int(score) if score == int(score) else float(score)


def workbook(content: dict[str, list[list]], day: dt.date, banner: str = "") -> bytes:
    """Sheets of rows as an .xlsx with fixed dates; a banner stands above each sheet. The first row is the headings."""
    import openpyxl
    from openpyxl.styles import Font

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in content.items():
        sheet = book.create_sheet(name)
        if banner:
            sheet.append([banner])
            sheet["A1"].font = Font(bold=True, color="B4322A")
        for row in rows:
            sheet.append(row)
        heading = 2 if banner else 1
        for cell in sheet[heading]:
            cell.font = Font(bold=True)
        sheet.freeze_panes = f"A{heading + 1}"
        for index, letter in enumerate("ABCD"):
            sheet.column_dimensions[letter].width = WIDTHS[index] if rows[0][0] == "序号" else 24
    book.properties.creator = "alliance-evaluation"
    book.properties.created = dt.datetime.combine(day, dt.time())
    file = io.BytesIO()
    book.save(file)
    return packed(file.getvalue(), day)


def put(content: bytes, path: Path) -> None:
    """The file in its place by rename; stopped half-way, what was there stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".making-{os.getpid()}-{path.name}")
    try:
        made.write_bytes(content)
        os.replace(made, path)
    finally:
        made.unlink(missing_ok=True)
