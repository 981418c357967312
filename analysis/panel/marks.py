"""Who marks whom, the sheet 评分, which is held against it, and the sheet 复核."""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal

from analysis.grades import TOP_SCORE
from analysis.panel.rules import INDICATORS
from analysis.panel.workbook import (
    EXPERT,
    EXPERTS,
    FIRST,
    GROUPS,
    INDICATOR,
    INTAKE,
    MARK,
    MARKS,
    REVIEWS,
    STAGE,
    STAGES,
    UNITS,
    Panel,
    PanelBook,
    Review,
    decimals,
    indicator_columns,
)
from analysis.problems import quoted
from analysis.registry import normalise
from analysis.tables import CODE, NAME, Row, shown

Triple = tuple[int, int, int]  # alliance, expert and stage, as places in the lists


def members(panel: Panel) -> dict[tuple[str, str], list[int]]:
    """The places of the experts in each group of each stage."""
    found: dict[tuple[str, str], list[int]] = {}
    for place, expert in enumerate(panel.experts):
        for group in expert.groups.items():
            found.setdefault(group, []).append(place)
    return found


def check_groups(book: PanelBook, panel: Panel) -> None:
    """Every group that an alliance is in has an expert who may mark it; every group that an expert is in has an alliance."""
    if book.doubtful.intersection((EXPERTS, INTAKE)):
        return
    experts, marked = members(panel), {group for entry in panel.intake for group in entry.groups.items()}

    def wrong(kind: str, message: str, sheet: str, key: str, stage: str) -> None:
        book.wrong(kind, message, sheet, book.group_cells[sheet, key, stage])

    for entry in panel.evaluated:
        if FIRST not in entry.groups:
            wrong("no group", f"{quoted(entry.name)} is evaluated and has no {GROUPS[FIRST]}", INTAKE, entry.id, FIRST)
        for stage, group in entry.groups.items():
            there = [panel.experts[place] for place in experts.get((stage, group), ())]
            found = f"{quoted(entry.name)} is in {GROUPS[stage]} {quoted(group)}"
            if not there:
                wrong("group without experts", f"{found}, which no expert of the sheet {EXPERTS} is in", INTAKE, entry.id, stage)
            elif all(entry.id in expert.own for expert in there):
                whom = "、".join(f"{expert.key} ({EXPERTS} {expert.place})" for expert in there)
                wrong("nobody may mark", f"{found}, of which no expert may mark it: it is the own alliance of {whom}; put another "
                      "expert into the group, or the alliance into another group", INTAKE, entry.id, stage)
    for (stage, group), places in experts.items():
        for expert in (panel.experts[place] for place in places if (stage, group) not in marked):
            wrong("group without alliances", f"{expert.key} is in {GROUPS[stage]} {quoted(group)}, which no alliance of the sheet "
                  f"{INTAKE} is in; correct it, or fill in {GROUPS[stage]} there", EXPERTS, expert.key, stage)


def read_marks(book: PanelBook, panel: Panel) -> None:
    """Read the marks, one a row (long) or one an indicator's column (wide)."""
    if (table := book.table(MARKS)) is None:
        return
    panel.long = INDICATOR in table.columns and MARK in table.columns
    columns = [] if panel.long else indicator_columns(book, panel, table)
    reader = _Marks(book, panel)
    empty = True
    for row in table.filled():
        empty, triple = False, reader.triple(row)
        if panel.long:
            indicator = reader.place(row, INDICATOR, reader.indicators, "indicator", INDICATORS)
            if indicator is not None:
                reader.mark(triple, indicator, row, MARK)
        else:
            for indicator, heading in columns:
                reader.mark(triple, indicator, row, heading)
    if empty:
        book.wrong("no marks", "has headings but no mark under them; fill it in", MARKS, level=1)
        return
    if not book.doubtful and (panel.long or len(columns) == len(panel.indicators)):
        reader.missing()
    panel.stages = tuple(stage for stage in STAGES if any(stage in entry.groups for entry in panel.evaluated))

    import pandas as pd

    names = ("alliance", "expert", "stage", "indicator", "units", "row")
    panel.marks = pd.DataFrame(dict(zip(names, reader.columns)), dtype="int32")


def _assignment(panel: Panel) -> set[Triple]:
    """Who marks whom and when; those of an own affiliation are left out."""
    groups = members(panel)
    return {(a, e, s) for a, entry in enumerate(panel.evaluated) for s, stage in enumerate(STAGES)
            for e in groups.get((stage, entry.groups.get(stage, "")), ()) if entry.id not in panel.experts[e].own}


class _Marks:
    """What one pass over the sheet 评分 gathers."""

    def __init__(self, book: PanelBook, panel: Panel):
        self.book, self.panel = book, panel
        self.entries = {key: e for e in panel.intake for key in (e.id, normalise(e.name))}
        self.places = {entry.id: place for place, entry in enumerate(panel.evaluated)}
        self.experts = {key: place for place, e in enumerate(panel.experts) for key in (e.key, normalise(e.key))}
        self.indicators = {name: place for place, i in enumerate(panel.indicators) for name in (i.name, normalise(i.name))}
        self.most = [int((TOP_SCORE if INDICATORS in book.doubtful else i.points) * UNITS) for i in panel.indicators]
        self.assigned = _assignment(panel)
        self.known: dict[tuple, Triple] = {}
        self.seen: dict[tuple[int, int, int, int], int] = {}
        self.first: dict[Triple, Row] = {}
        self.noted: set[Triple] = set()
        self.columns: tuple[list[int], ...] = ([], [], [], [], [], [])

    def triple(self, row: Row) -> Triple | None:
        """Alliance, expert and stage of a row, or None with the problem noted."""
        key = tuple(row[heading].value for heading in (NAME, CODE, EXPERT, STAGE))
        if key not in self.known:
            found = (self._alliance(row), self.place(row, EXPERT, self.experts, "expert", EXPERTS), self._stage(row))
            if None in found:
                return None
            self.known[key] = found
            self.first.setdefault(found, row)
            if found not in self.assigned:
                self._not_assigned(found, row)
        return self.known[key]

    def mark(self, triple: Triple | None, indicator: int, row: Row, heading: str) -> None:
        """One mark, held against the points of its indicator; of a row that has no place, nothing else can be said."""
        cell, name = row[heading], self.panel.indicators[indicator].name
        if cell.value is None:
            if triple is not None:
                row.wrong(heading, "mark missing", f"the mark of {self._who(triple)} for {name} is blank; write "
                          f"0–{self.most[indicator] / UNITS:g}")
                self.noted.add(triple)
            return
        units = self._units(indicator, row, heading)
        if triple is None:
            return
        key = (*triple, indicator)
        if units is None:
            self.noted.add(triple)
        elif key in self.seen:
            row.wrong(heading, "mark twice", f"the mark of {self._who(triple)} for {name} stands in row {self.seen[key]} already; keep one")
        else:
            self.seen[key] = row.at
            for column, number in zip(self.columns, (*key, units, row.at)):
                column.append(number)

    def missing(self) -> None:
        """Note the marks that the assignment asks for and that are not there."""
        there, panel = Counter(key[:3] for key in self.seen), self.panel
        for triple in sorted(self.assigned - self.noted):
            entry, expert, stage = panel.evaluated[triple[0]], panel.experts[triple[1]], STAGES[triple[2]]
            if not there[triple]:
                self.book.wrong("marks missing", f"{self._who(triple)} has no marks; {EXPERTS} {expert.place} and {INTAKE} row "
                                f"{entry.row} put both in {GROUPS[stage]} {entry.groups[stage]}", MARKS)
            elif there[triple] < len(panel.indicators):
                lacking = [i.name for n, i in enumerate(panel.indicators) if (*triple, n) not in self.seen]
                self.first[triple].wrong(EXPERT, "marks missing", f"{self._who(triple)} lacks {len(lacking)} of "
                                         f"{len(panel.indicators)} marks: {'、'.join(lacking)}")

    def place(self, row: Row, heading: str, places: dict[str, int], what: str, sheet: str) -> int | None:
        """The place of an expert or an indicator in its list, or None with the problem noted."""
        value = row[heading].value
        place = places.get(value if isinstance(value, str) else "")
        if place is None:
            place = places.get(row.word(heading))
        if place is None and sheet not in self.book.doubtful:
            row.wrong(heading, f"{what} unknown", f"{what} {shown(row[heading])} is not in the sheet {sheet}; correct it, or add a row "
                      "there")
        return place

    def _who(self, triple: Triple) -> str:
        a, e, s = triple
        return f"{self.panel.experts[e].key} for {self.panel.evaluated[a].name} in {STAGES[s]}"

    def _units(self, indicator: int, row: Row, heading: str) -> int | None:
        """A mark in hundredths of a point, or None with the problem noted."""
        cell, most = row[heading], self.most[indicator]
        value = cell.value
        if type(value) is not float or cell.kind or not math.isfinite(value):
            value = row.number(heading, "mark", f"write 0–{most / UNITS:g}")
            if value is None:
                return None
        units = round(value * UNITS)
        if 0 <= units <= most and abs(units - value * UNITS) <= 1e-6:
            return units
        what = (f"is not between 0 and the {most / UNITS:g} points of {self.panel.indicators[indicator].name}"
                if not 0 <= value <= most / UNITS else "has more than two decimals")
        return row.wrong(heading, "mark outside its points", f"mark {value:g} {what}; correct it")

    def _stage(self, row: Row) -> int | None:
        stage = row.word(STAGE)
        known = row.must(stage in STAGES, STAGE, "stage unknown", f"stage {shown(row[STAGE])} is not one of {'、'.join(STAGES)}")
        return STAGES.index(stage) if known else None

    def _alliance(self, row: Row) -> int | None:
        name, registry, certain = row.word(NAME), self.panel.registry, INTAKE not in self.book.doubtful
        entry = self.entries.get(name) or self.entries.get(registry.id_of(name))
        if entry is None:
            if certain:
                near = registry.nearest(str(row[NAME].value)) if name else []
                hint = f"; the nearest known: {', '.join(near)}" if near else ""
                row.wrong(NAME, "alliance unknown", f"alliance {shown(row[NAME])} is not in the sheet {INTAKE}{hint}")
        elif CODE in row and row.word(CODE) != normalise(entry.code):
            row.wrong(CODE, "code of another", f"code {shown(row[CODE])} is not {entry.code}, which {INTAKE} has for {quoted(entry.name)}")
        elif not entry.state:
            return self.places[entry.id]
        elif certain:
            row.wrong(NAME, "not evaluated", f"{quoted(entry.name)} is not evaluated ({entry.state}：{entry.why}, {INTAKE} row "
                      f"{entry.row}); remove its marks or mend its entry")
        return None

    def _not_assigned(self, triple: Triple, row: Row) -> None:
        entry, expert, stage = self.panel.evaluated[triple[0]], self.panel.experts[triple[1]], STAGES[triple[2]]
        if entry.id in expert.own:
            row.wrong(EXPERT, "own alliance", f"{expert.key} belongs to {quoted(entry.name)} ({EXPERTS} {expert.place}) and may not mark "
                      "it; remove the marks")
        else:
            row.wrong(EXPERT, "outside the assignment", f"{expert.key} is in {GROUPS[stage]} {expert.groups.get(stage, 'none')}, "
                      f"{quoted(entry.name)} in {entry.groups.get(stage, 'none')}; remove the marks or mend the groups")


def read_reviews(book: PanelBook, panel: Panel) -> None:
    """Read what the re-review decided."""
    evaluated, seen, places = {entry.id for entry in panel.evaluated}, {}, panel.rules["评分小数位"]
    for row in book.rows(REVIEWS):
        found, score, reason = row.alliance(panel, seen), row.number("复核评分", "score", "write 0–100"), row.text("理由", "reason")
        if score is not None and row.must(0 <= score <= TOP_SCORE, "复核评分", "score outside 0–100",
                                          f"score {score:g} is not between 0 and 100; correct it"):
            row.must("评分小数位" in book.wrong_rules or decimals(score, places), "复核评分", "score too fine",
                     f"score {score:g} has more decimals than the rule 评分小数位 ({places}) allows")
        if found is None:
            continue
        known = row.must(found[0] in evaluated or INTAKE in book.doubtful, NAME, "not evaluated", f"{quoted(found[1])} is not evaluated")
        if known and score is not None and reason is not None:
            panel.reviews[found[0]] = Review(Decimal(f"{score:.{places}f}"), reason, f"{REVIEWS} {row['复核评分'].place}")
