"""Invented periods for the tests: a data folder with as many score sheets as wanted, or checked periods from a few lines."""

from __future__ import annotations

import csv
import datetime as dt
import random
import shutil
from collections.abc import Iterable
from pathlib import Path

import openpyxl

from analysis import DATA
from analysis.grades import GRADES, INCOMPLETE, Scheme
from analysis.registry import Batch, Registry
from analysis.sheets import Absent, Evaluated, Period

NAMES = ("2013", "2014", "2015", "2016", "2017", "2018", "2019", "2020-2021", "2022", "2023")


def copied(folder: Path) -> Path:
    """A copy of the data folder without its score sheets."""
    data = Path(shutil.copytree(DATA, folder))
    for sheet in (data / "score_sheets").glob("*.xlsx"):
        sheet.unlink()
    return data


def write(data: Path, period: str, marks: Iterable[tuple]) -> None:
    """A score sheet of names, codes, scores, and grades where a score is withheld; it ends when the registry says, or with its year."""
    book = openpyxl.Workbook(write_only=True)
    scores, facts = book.create_sheet("评分表"), book.create_sheet("评价期")
    for line in (("序号", "联盟名称", "批次", "评分", "等级"), *((place, *mark) for place, mark in enumerate(marks, start=1))):
        scores.append(line)
    end = dict(rows(data / "registry" / "periods.csv", "period", "end_date")).get(period) or f"{period[-4:]}-12-31"
    for line in (("项目", "数值"), ("开始日期", f"{period[:4]}-01-01"), ("结束日期", end)):
        facts.append(line)
    book.save(data / "score_sheets" / f"{period}.xlsx")


def make(folder: Path, periods: tuple[str, ...], seed: int = 1) -> Path:
    """A copy of the data folder whose sheets are these periods, with random scores that drift; real registry."""
    chance, data = random.Random(seed), copied(folder)
    listed = data / "registry" / "codes.csv"  # a doubtful code is of its own period alone; here nobody has one
    listed.write_text("".join(line for line in listed.read_text("utf8").splitlines(True) if ",doubtful," not in line), "utf8")
    names, codes = dict(rows(data / "registry" / "alliances.csv", "id", "name")), dict(rows(listed, "id", "code"))
    strength = {id: chance.gauss(68, 16) for id in names}
    for number, period in enumerate(periods):
        chosen = [id for id in codes if chance.random() < 0.75 and (codes[id][0] != "D" or int(period[:4]) >= 2018)]
        marks = {id: min(100, max(0, round(strength[id] + chance.gauss(number, 8)))) for id in chosen}
        write(data, period, [(names[id], codes[id], None if number % 3 == 2 and marks[id] < 50 else marks[id], SCHEME.grade(marks[id]))
                             for id in sorted(chosen, key=lambda id: (-marks[id], id))])
    return data


def many(folder: Path, number: int, *periods: str) -> Path:
    """A copy of the data folder with sheets of so many simulated alliances, four batches or more, at most 10,000; in some periods some."""
    periods = periods or ("2017",)
    data, chance, letters, size = copied(folder), random.Random(1), "ABCEFGHIJK", min(1000, number // 4)
    who = [(f"X{n:05d}", f"模拟{n:05d}产业技术创新战略联盟", f"{letters[n // size]}{n % size:03d}") for n in range(number)]
    lines = {"alliances": [f"{id},{name}," for id, name, _ in who],
             "codes": [f"{id},{periods[0]},{code},certain,simulated" for id, _, code in who],
             "batches": [f"{letter},模拟{letter}组试点联盟,{size},2013" for letter in letters[:-(-number // size)]]}
    for name, added in lines.items():
        with (data / "registry" / f"{name}.csv").open("a", encoding="utf8") as file:
            file.writelines(f"{line}\n" for line in added)
    for period in periods:
        there = [one for one in who if len(periods) == 1 or chance.random() < 0.8]
        write(data, period, [(name, code, round(min(100, max(0, chance.gauss(70, 15))), 1), None) for _, name, code in there])
    return data


def rows(path: Path, *columns: str) -> list[tuple[str, ...]]:
    """Some columns of a csv file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [tuple(row[c] for c in columns) for row in csv.DictReader(file)]


SCHEME = Scheme("2013", dict(zip(GRADES, GRADES)), dict(zip(GRADES, (0, 50, 70, 85))))


def sheets_of(table: dict[str, tuple], periods: tuple[str, ...] = ("2017", "2018"), late: dict[str, str] | None = None,
              schemes: dict[str, Scheme] | None = None, named=None, months: dict[str, int] | None = None) -> list[Period]:
    """Checked periods from a line an alliance: a score, a grade (its score is withheld), 信息不完整, 未录入, or None (not named).

    The first letter of an id is its batch, and the id is its code; `late` has the first period of a batch that joined later.
    `named(id, period)` gives a name and a code where they are others; a period has twelve months unless `months` says so.
    """
    named = named or (lambda id, period: (f"{id}产业联盟", id))
    registry = Registry(
        names={id: f"{id}产业联盟" for id in table}, aliases={f"{id}旧称联盟": id for id in table}, schemes=schemes or {periods[0]: SCHEME},
        codes={(id, period): (named(id, period)[1], "certain") for id in table for period in periods}, periods=periods, decisions={},
        sizes=[Batch(b, f"第{'一二三四'[int(b) - 1]}批试点联盟", sum(i[0] == b for i in table) + 2, (late or {}).get(b, periods[0]))
               for b in sorted({id[0] for id in table})])
    sheets = []
    for place, period in enumerate(periods):
        year, last = 2000 + 3 * place, (months or {}).get(period, 12) - 1
        sheet = Period(period, DATA / "score_sheets" / f"{period}.xlsx", "", registry, registry.scheme(period),
                       facts={"开始日期": dt.date(year, 1, 1), "结束日期": dt.date(year + last // 12, last % 12 + 1, 28)})
        for row, (id, cells) in enumerate(table.items()):
            who, cell = (id, *named(id, period), "code and name", row), cells[place]
            if cell in (INCOMPLETE, "未录入"):
                sheet.absent.append(Absent(*who, cell))
            elif cell is not None:
                sheet.evaluated.append(Evaluated(*who, None, cell) if isinstance(cell, str) else
                                       Evaluated(*who, cell, sheet.scheme.grade(cell)))
        sheets.append(sheet)
    return sheets
