"""Groups, marks and the re-review, from the workbook and from the files that came back; each is held against the groups."""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pandas as pd

from analysis import sheets
from analysis.grades import TOP_SCORE
from analysis.messages import Said
from analysis.panel.rules import EXPERT_GROUPS, EXPERTS, GROUPS, INDICATORS, INTAKE, MARKS, REVIEWS
from analysis.panel.workbook import GROUP_OF, STAGES, UNITS, Entry, Indicator, Panel, PanelBook, Review, columns_of, fits
from analysis.problems import DataError, Problem, quoted
from analysis.registry import normalise
from analysis.tables import CODE, NAME, Row, shown

KEY = ["alliance", "stage", "expert"]
KEEP = "维持"
RETURNED = (MARKS, REVIEWS, GROUPS, EXPERT_GROUPS)
Key = tuple[str, str, str]


def read(main: PanelBook, panel: Panel) -> None:
    """Read what the workbook and the returned files hold of groups, marks and decisions. Raises DataError with all that is wrong."""
    books, problems, found, seen = [main], [], {}, {}
    for path in sheets.returned(panel.name, panel.data):
        try:
            books.append(_opened(path))
        except DataError as error:
            problems += error.problems
    _read_groups(books, panel)
    rows = [(id, stage, key, group) for stage in STAGES for id in panel.evaluated if (group := panel.groups[GROUPS, stage].get(id))
            for key, expert in panel.experts.items() if panel.groups[EXPERT_GROUPS, stage].get(key) == group and id not in expert.own]
    panel.totals = pd.DataFrame(rows, columns=[*KEY, "group"])
    pairs = {row[:3] for row in rows}
    if not any(book.problems for book in books):
        _check_groups(main, panel, pairs)
    sound = not any(book.problems for book in books)
    for book in books:
        _read_marks(book, panel, pairs if sound else None, found)
        _read_reviews(book, panel, seen)
    problems += [replace(problem, order=(place, *problem.order)) for place, book in enumerate(books) for problem in book.problems]
    if problems:
        raise DataError(problems)
    marks = pd.DataFrame([(*key, *mark) for key, mark in found.items()], columns=[*KEY, "indicator", "units", "place"])
    sums = marks.groupby(KEY)["units"].agg(["sum", "size"]).query("size == @all", local_dict={"all": len(panel.indicators)})["sum"]
    panel.totals["units"] = sums.reindex(pd.MultiIndex.from_frame(panel.totals[KEY])).astype("Int64").array
    panel.marks = marks[pd.MultiIndex.from_frame(marks[KEY]).isin(sums.index)].reset_index(drop=True)


def _opened(path: Path) -> PanelBook:
    """A returned file; a CSV is read as the workbook that it would be, its one sheet known by its headings."""
    import openpyxl

    if path.suffix.lower() != ".csv":
        return PanelBook(path)
    try:
        rows = [*csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))]
    except UnicodeDecodeError:
        raise DataError([Problem.of(Said("file.encoding"), path.name)]) from None
    heads = {normalise(cell).rstrip("*") for row in rows[:10] for cell in row}
    title = next((sheet for sheet in RETURNED if heads.issuperset(PanelBook.headings[sheet])), "CSV")
    with tempfile.TemporaryDirectory() as folder:
        book = openpyxl.Workbook()
        book.active.title = title
        for row in rows:
            book.active.append(row)
        book.save(Path(folder) / path.name)
        return PanelBook(Path(folder) / path.name)


def _read_groups(books: list[PanelBook], panel: Panel) -> None:
    keys, seen, seen_experts = {normalise(key): key for key in panel.experts}, {}, {}
    for book in books:
        if book is not books[0] and not book.sheets.keys() & {*RETURNED}:
            book.wrong("panel.no_sheet", level=0, sheets=RETURNED)
        for row in book.rows(GROUPS):
            if found := row.alliance(panel, seen):
                _keep(row, panel, GROUPS, found[0])
        for row in book.rows(EXPERT_GROUPS):
            key = keys.get(row.word("专家"))
            if row.must(key, "专家", "panel.unknown", what="专家", cell=shown(row["专家"]), sheet=EXPERTS, near="") \
                    and row.once("专家", "twice.item", quoted(key), key, seen_experts):
                _keep(row, panel, EXPERT_GROUPS, key)


def _keep(row: Row, panel: Panel, sheet: str, key: str) -> None:
    for stage, heading in GROUP_OF.items():
        if heading in row:
            panel.groups[sheet, stage][key] = row.word(heading)


def _check_groups(main: PanelBook, panel: Panel, pairs: set[Key]) -> None:
    """Every evaluated alliance has somebody who may mark it in 初评, and so in 会评 if any alliance has a group there."""
    if not pairs:
        return main.wrong("panel.no_groups", level=1, sheet=GROUPS, period=panel.name)
    marked, stages = {pair[:2] for pair in pairs}, [stage for stage in STAGES if panel.groups[GROUPS, stage]]
    for id, entry in panel.evaluated.items():
        if stage := next((stage for stage in stages if (id, stage) not in marked), ""):
            own = [key for key, expert in panel.experts.items() if id in expert.own]
            main.wrong("panel.unmarked", GROUPS, level=2, name=quoted(entry.name), stage=stage, own=own or "—",
                       group=panel.groups[GROUPS, stage].get(id) or "—")
    return None


def _read_marks(book: PanelBook, panel: Panel, pairs: set[Key] | None, found: dict) -> None:
    """The marks of one file, one a row (long) or one an indicator's column (wide); a blank one is still to come."""
    if (table := book.table(MARKS)) is None:
        return
    long = {"指标", "分数"} <= table.columns.keys()
    names, columns = {normalise(i.name): i for i in panel.indicators}, [] if long else columns_of(table, panel)
    entries, keys = {entry.id: entry for entry in panel.intake}, {normalise(key): key for key in panel.experts}
    for row in table.filled():
        if long:
            indicator = names.get(row.word("指标"))
            row.must(indicator, "指标", "panel.unknown", what="指标", cell=shown(row["指标"]), sheet=INDICATORS, near="")
            columns = [(indicator, "分数")] if indicator else []
        units = {indicator.name: _units(row, heading, indicator) for indicator, heading in columns if heading in row}
        key = _key(row, panel, entries, keys, pairs) if units else None
        if key and (there := [found[*key, name][-1] for name in units if (*key, name) in found]):
            row.wrong("专家", "panel.twice", key=key[2], name=quoted(entries[key[0]].name), stage=key[1], place=there[0])
        elif key:
            place = f"{book.path.name} {MARKS} {row.at}"
            found.update({(*key, name): (one, place) for name, one in units.items() if one is not None})


def _key(row: Row, panel: Panel, entries: dict[str, Entry], keys: dict[str, str], pairs: set[Key] | None) -> Key | None:
    """Alliance, stage and expert of a row of marks, or None with the problems noted; `pairs` are those that there may be."""
    known, stage, key = panel.registry, row.word("阶段"), keys.get(row.word("专家"))
    entry = entries.get(known.id_of(str(row[NAME].value)))
    there = [
        row.must(stage in STAGES, "阶段", "panel.stage", cell=shown(row["阶段"]), stages=STAGES),
        row.must(key, "专家", "panel.unknown", what="专家", cell=shown(row["专家"]), sheet=EXPERTS, near=""),
        row.must(entry, NAME, "panel.unknown", what=NAME, cell=shown(row[NAME]), sheet=INTAKE,
                 near=lambda: (names := known.nearest(str(row[NAME].value))) and Said("name.near", names=names)),
    ]
    if not all(there):
        return None
    id, code, name = entry.id, normalise(entry.code), quoted(entry.name)
    if not (row.must(CODE not in row or row.word(CODE) == code, CODE, "panel.code", cell=shown(row[CODE]), code=code, name=name)
            and row.must(not entry.state, NAME, "panel.not_evaluated", name=name, state=entry.state, why=entry.why, row=entry.row)
            and row.must(id not in panel.experts[key].own, "专家", "panel.own", key=key, name=name)):
        return None
    own, other = (panel.groups[sheet, stage].get(who) or "—" for sheet, who in ((EXPERT_GROUPS, key), (GROUPS, id)))
    row.must(pairs is None or (id, stage, key) in pairs, "专家", "panel.outside", key=key, heading=GROUP_OF[stage], group=own, name=name,
             other=other)
    return id, stage, key


def _units(row: Row, heading: str, indicator: Indicator) -> int | None:
    """A mark in hundredths of a point, or None with the problem noted."""
    most = float(indicator.points)
    mark = row.number(heading, indicator.name, Said("panel.upto", points=most))
    if mark is None or not row.must(fits(mark, most), heading, "panel.mark", mark=mark, name=indicator.name, points=most):
        return None
    return round(mark * UNITS)


def _read_reviews(book: PanelBook, panel: Panel, seen: dict[str, str]) -> None:
    """Read what the re-review decided; a row of minutes that is not filled in so far is no decision."""
    for row in (row for row in book.rows(REVIEWS) if "复核评分" in row or "理由" in row):
        found, kept, score = row.alliance(panel, seen), row.word("复核评分") == KEEP, None
        if not kept and (score := row.number("复核评分", "复核评分", Said("panel.decide", keep=KEEP))) is not None:
            row.must(fits(score, TOP_SCORE, panel.places), "复核评分", "panel.decision", score=score, places=panel.places, keep=KEEP)
        reason = row.text("理由")
        if found and row.must(found[0] in panel.evaluated, NAME, "panel.unevaluated", name=quoted(found[1])) and (kept or score is not None):
            panel.reviews[found[0]] = Review(None if kept else Decimal(f"{score:.{panel.places}f}"), reason or "")
