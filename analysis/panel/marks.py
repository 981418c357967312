"""Groups, marks and the re-review, from the workbook and from the files that came back; each is held against the groups."""

from __future__ import annotations

from decimal import Decimal

from analysis.grades import TOP_SCORE
from analysis.panel.rules import INDICATORS
from analysis.panel.workbook import (
    EXPERT,
    EXPERT_GROUPS,
    EXPERTS,
    FIRST,
    GROUP_OF,
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
KEEP = "维持"


def read(books: list[PanelBook], panel: Panel) -> None:
    """Read what the workbook and the returned files hold of groups, marks and decisions, in this order."""
    main, *others = books
    for book in others:
        book.doubtful, book.wrong_rules = main.doubtful, main.wrong_rules
        if not {GROUPS, EXPERT_GROUPS, MARKS, REVIEWS} & book.sheets.keys():
            book.wrong("nothing to read", f"has none of the sheets {MARKS}, {REVIEWS}, {GROUPS}; name its sheet so, or take it out of the "
                       "folder", level=0)
    _read_groups(books, panel)
    reader = _Marks(panel, main.doubtful)
    for book in books:
        reader.read(book)
    reader.finish()
    seen: dict[str, str] = {}
    for book in books:
        _read_reviews(book, panel, seen)


def members(panel: Panel, stage: str) -> dict[str, list[int]]:
    """The places of the experts in each group of a stage."""
    found: dict[str, list[int]] = {}
    for place, expert in enumerate(panel.experts):
        if group := panel.groups[stage].get(expert.key):
            found.setdefault(group, []).append(place)
    return found


def _read_groups(books: list[PanelBook], panel: Panel) -> None:
    """Who is in which group; an evaluated alliance has one in 初评, with an expert who may mark it, and so in 会评 if any has."""
    keys, cells, seen, seen_experts = {normalise(expert.key): expert.key for expert in panel.experts}, {}, {}, {}
    for book in books:
        for row in book.rows(GROUPS):
            if found := row.alliance(panel, seen):
                _keep_groups(row, panel, found[0], cells)
        for row in book.rows(EXPERT_GROUPS):
            key = keys.get(row.word(EXPERT))
            if row.must(key or EXPERTS in book.doubtful, EXPERT, "expert unknown", f"expert {shown(row[EXPERT])} is not in the sheet {EXPERTS}; "
                        "correct it, or add a row there") and row.once(EXPERT, "expert twice", quoted(key), key, seen_experts):
                _keep_groups(row, panel, key, cells)
    main = books[0]
    if main.doubtful.intersection((EXPERTS, INTAKE)):
        return
    if not any(entry.id in panel.groups[FIRST] for entry in panel.evaluated):
        main.wrong("no groups", f"has nobody in a group ({GROUPS}), and no returned file has; run make assign YEAR={panel.name}", level=1)
        return
    for stage in STAGES if any(entry.id in panel.groups[STAGES[1]] for entry in panel.evaluated) else STAGES[:1]:
        experts = members(panel, stage)
        for entry in panel.evaluated:
            group = panel.groups[stage].get(entry.id)
            there = [panel.experts[place] for place in experts.get(group, ())]
            if not any(entry.id not in expert.own for expert in there):
                why = ("it is the own alliance of " + "、".join(expert.key for expert in there) if there else f"none is in it ({EXPERT_GROUPS})")
                row, heading = cells.get((stage, entry.id), (None, ""))
                say = row.wrong if row else lambda _, kind, said: main.wrong(kind, said, GROUPS, level=2)
                say(heading, "nobody may mark", f"{quoted(entry.name)} is in {GROUP_OF[stage]} {quoted(group)}, of which no expert may mark it: "
                    f"{why}; put it into another group" if group else f"{quoted(entry.name)} is evaluated and has no {GROUP_OF[stage]}; add it")


def _keep_groups(row: Row, panel: Panel, key: str, cells: dict) -> None:
    for stage, heading in GROUP_OF.items():
        if heading in row:
            panel.groups[stage][key] = row.word(heading)
            cells[stage, key] = row, heading


class _Marks:
    """What is gathered from the sheets 评分."""

    def __init__(self, panel: Panel, doubtful: set[str]):
        self.panel, self.doubtful, evaluated = panel, doubtful, panel.evaluated
        self.entries = {key: e for e in panel.intake for key in (e.id, normalise(e.name))}
        self.places = {entry.id: place for place, entry in enumerate(evaluated)}
        self.experts = {normalise(e.key): place for place, e in enumerate(panel.experts)}
        self.indicators = {normalise(i.name): place for place, i in enumerate(panel.indicators)}
        self.most = [int((TOP_SCORE if INDICATORS in doubtful else i.points) * UNITS) for i in panel.indicators]
        for s, stage in enumerate(STAGES):
            groups = members(panel, stage)
            panel.assigned |= {(a, e, s) for a, entry in enumerate(evaluated) for e in groups.get(panel.groups[stage].get(entry.id), ())
                               if entry.id not in panel.experts[e].own}
        self.known: dict[tuple, Triple | None] = {}
        self.seen: dict[tuple[int, int, int, int], tuple[int, str]] = {}

    def read(self, book: PanelBook) -> None:
        """The marks of one file, one a row (long) or one an indicator's column (wide)."""
        if (table := book.table(MARKS)) is None:
            return
        long = INDICATOR in table.columns and MARK in table.columns
        columns = [] if long else indicator_columns(book, self.panel, table)
        for row in table.filled():
            if not long and not any(heading in row for _, heading in columns):
                continue  # a mark sheet that is not filled in so far
            triple = self.triple(row, book)
            if not long:
                for indicator, heading in columns:
                    self.mark(triple, indicator, row, heading)
            elif (indicator := self.place(row, INDICATOR, self.indicators, "indicator", INDICATORS)) is not None:
                self.mark(triple, indicator, row, MARK)

    def finish(self) -> None:
        """Keep the whole marks of an expert for an alliance; what the groups ask for and is not there is missing."""
        import pandas as pd

        panel, names = self.panel, ("alliance", "expert", "stage", "indicator")
        marks = pd.DataFrame([(*key, *found) for key, found in self.seen.items()], columns=[*names, "units", "place"])
        number = marks.groupby([*names[:3]])["indicator"].transform("size")
        panel.marks = marks[number == len(panel.indicators)].reset_index(drop=True).astype(dict.fromkeys((*names, "units"), int))
        panel.missing = panel.assigned - {*panel.marks[[*names[:3]]].itertuples(index=False, name=None)}

    def triple(self, row: Row, book: PanelBook) -> Triple | None:
        """Alliance, expert and stage of a row, or None with the problem noted once for all rows alike."""
        key = (book.path, *(row[heading].value for heading in (NAME, CODE, EXPERT, STAGE)))
        if key not in self.known:
            stage = row.word(STAGE)
            row.must(stage in STAGES, STAGE, "stage unknown", f"stage {shown(row[STAGE])} is not one of {'、'.join(STAGES)}")
            found = (self._alliance(row), self.place(row, EXPERT, self.experts, "expert", EXPERTS),
                     STAGES.index(stage) if stage in STAGES else None)
            self.known[key] = None if None in found else found
            if None not in found and found not in self.panel.assigned and not self.doubtful.intersection((EXPERTS, INTAKE)):
                self._not_assigned(found, row)
        return self.known[key]

    def mark(self, triple: Triple | None, indicator: int, row: Row, heading: str) -> None:
        """One mark, held against the points of its indicator; a blank one is still to come."""
        if heading not in row or (units := self._units(indicator, row, heading)) is None or triple is None:
            return
        key, (a, e, s) = (*triple, indicator), triple
        if key in self.seen:
            row.wrong(heading, "mark twice", f"the mark of {self.panel.experts[e].key} for {self.panel.evaluated[a].name} in {STAGES[s]} stands "
                      f"in {self.seen[key][1]} already; keep one")
        else:
            self.seen[key] = units, f"{row.table.book.path.name} {MARKS} {row.at}"

    def place(self, row: Row, heading: str, places: dict[str, int], what: str, sheet: str) -> int | None:
        """The place of an expert or an indicator in its list, or None with the problem noted."""
        place = places.get(row.word(heading))
        if place is None and sheet not in self.doubtful:
            row.wrong(heading, f"{what} unknown", f"{what} {shown(row[heading])} is not in the sheet {sheet}; correct it, or add a row "
                      "there")
        return place

    def _units(self, indicator: int, row: Row, heading: str) -> int | None:
        """A mark in hundredths of a point, or None with the problem noted."""
        most = self.most[indicator]
        value = row.number(heading, "mark", f"write 0–{most / UNITS:g}")
        if value is None:
            return None
        what = (f"is not between 0 and the {most / UNITS:g} points of {self.panel.indicators[indicator].name}"
                if not 0 <= value <= most / UNITS else "has more than two decimals")
        good = 0 <= value <= most / UNITS and decimals(value, 2)
        return round(value * UNITS) if row.must(good, heading, "mark outside its points", f"mark {value:g} {what}; correct it") else None

    def _alliance(self, row: Row) -> int | None:
        name, registry, certain = row.word(NAME), self.panel.registry, INTAKE not in self.doubtful
        entry = self.entries.get(name) or self.entries.get(registry.id_of(name))
        if entry is None:
            near = registry.nearest(str(row[NAME].value)) if name and certain else []
            hint = f"; the nearest known: {', '.join(near)}" if near else ""
            row.must(not certain, NAME, "alliance unknown", f"alliance {shown(row[NAME])} is not in the sheet {INTAKE}{hint}")
        elif CODE in row and row.word(CODE) != normalise(entry.code):
            row.wrong(CODE, "code of another", f"code {shown(row[CODE])} is not {entry.code}, which {INTAKE} has for {quoted(entry.name)}")
        elif not entry.state:
            return self.places[entry.id]
        else:
            row.must(not certain, NAME, "not evaluated", f"{quoted(entry.name)} is not evaluated ({entry.state}：{entry.why}, {INTAKE} row "
                     f"{entry.row}); remove its marks or mend its entry")
        return None

    def _not_assigned(self, triple: Triple, row: Row) -> None:
        panel = self.panel
        entry, expert, stage = panel.evaluated[triple[0]], panel.experts[triple[1]], STAGES[triple[2]]
        if entry.id in expert.own:
            row.wrong(EXPERT, "own alliance", f"{expert.key} belongs to {quoted(entry.name)} ({EXPERTS} {expert.place}) and may not mark "
                      "it; remove the marks")
        else:
            row.wrong(EXPERT, "outside the assignment", f"{expert.key} is in {GROUP_OF[stage]} {panel.groups[stage].get(expert.key, 'none')}, "
                      f"{quoted(entry.name)} in {panel.groups[stage].get(entry.id, 'none')}; remove the marks or mend the groups")


def _read_reviews(book: PanelBook, panel: Panel, seen: dict[str, str]) -> None:
    """Read what the re-review decided; a row of minutes that is not filled in so far is no decision."""
    evaluated, places = {entry.id for entry in panel.evaluated}, panel.rules["评分小数位"]
    for row in (row for row in book.rows(REVIEWS) if "复核评分" in row or "理由" in row):
        found, kept = row.alliance(panel, seen), row.word("复核评分") == KEEP
        score = None if kept else row.number("复核评分", "score", f"write 0–100, or {KEEP}")
        reason = row.text("理由", "reason")
        if score is not None and row.must(0 <= score <= TOP_SCORE, "复核评分", "score outside 0–100",
                                          f"score {score:g} is not between 0 and 100; correct it"):
            row.must("评分小数位" in book.wrong_rules or decimals(score, places), "复核评分", "score too fine",
                     f"score {score:g} has more decimals than the rule 评分小数位 ({places}) allows")
        if found and row.must(found[0] in evaluated or INTAKE in book.doubtful, NAME, "not evaluated", f"{quoted(found[1])} is not evaluated") \
                and reason is not None and (kept or score is not None):
            panel.reviews[found[0]] = Review(None if kept else Decimal(f"{score:.{places}f}"), reason,
                                             f"{book.path.name} {REVIEWS} {row['复核评分'].place}")
