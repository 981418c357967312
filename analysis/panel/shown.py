"""All that a public report may learn from a panel: how many alliances of a grade or batch show each activity.

Marks, experts and scores are not read here, so nothing of them can be printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

from analysis import sheets
from analysis.blocks import Table
from analysis.breakdown import EVALUATED, Share, half_up
from analysis.grades import BEST_FIRST, GRADES
from analysis.panel import workbook
from analysis.panel.workbook import Entry, Indicator
from analysis.problems import DataError, Problem
from analysis.sheets import Period

COOPERATION = 1  # the place of the pillar whose indicators are the columns of the sheet 协同创新活动
UPPER, LOWER = BEST_FIRST[:2], BEST_FIRST[2:]
MOST_SHOW, FEW_SHOW = Fraction(3, 4), Fraction(1, 2)
APART = Fraction(10, 100)
NAMED = 3


@dataclass
class Shown:
    """What the alliances of one period show; empty where the period has no panel."""

    period: Period
    indicators: list[Indicator] = field(default_factory=list)
    groups: dict[str, list[Entry]] = field(default_factory=dict)
    sha256: str = ""

    def __bool__(self) -> bool:
        return bool(self.groups)

    def share(self, indicator: str, group: str = EVALUATED) -> Share:
        """How many of a grade, of a batch or of all show an activity."""
        here = self.groups[group]
        label = group if group == EVALUATED else f"{self._label(group)}{'联盟' if group in GRADES else '参评联盟'}"
        return Share(sum(indicator in entry.shown for entry in here), len(here), indicator, group, label)

    def grades(self) -> list[str]:
        """The grades that somebody has, best first."""
        return [grade for grade in GRADES if self.groups.get(grade)]

    def pillar(self, place: int) -> list[str]:
        """The names of the indicators of the first, second or third pillar."""
        pillars = list(dict.fromkeys(i.pillar for i in self.indicators))
        return [i.name for i in self.indicators if place < len(pillars) and i.pillar == pillars[place]]

    def most(self, place: int, grade: str) -> list[str]:
        """The indicators of a pillar that three quarters of a grade show, or more."""
        return [name for name in self.pillar(place) if self.share(name, grade).fraction >= MOST_SHOW]

    def few(self, place: int, grade: str) -> list[Share]:
        """The indicators of a pillar that less than half of a grade show."""
        return [share for name in self.pillar(place) if (share := self.share(name, grade)).fraction < FEW_SHOW]

    def lacking(self) -> list[str]:
        """What the weaker grades lack: shown by three quarters of each upper grade, and by less than half of each lower one."""
        upper, lower = ([g for g in grades if self.groups.get(g)] for grades in (UPPER, LOWER))
        if not upper or not lower:
            return []
        return [i.name for i in self.indicators if all(self.share(i.name, g).fraction >= MOST_SHOW for g in upper)
                and all(self.share(i.name, g).fraction < FEW_SHOW for g in lower)]

    def table(self, place: int, key: str) -> Table:
        """The table of 2017's form for one pillar: how many of each grade show each activity; empty without a panel."""
        names = self.pillar(place)
        rows = [
            [
                name,
                *(f"{s}家（{share.percent}）" for g in self.grades() for share in [self.share(name, g)] for s in [share.part]),
            ]
            for name in names
        ]
        columns = ["指标", *(f"{self._label(g)}（{len(self.groups[g])}家）" for g in self.grades())]
        records = [{"等级": g, "指标": name, "联盟数": self.share(name, g).part, "分母": len(self.groups[g])}
                   for g in self.grades() for name in names]
        pillar = next((i.pillar for i in self.indicators if i.name in names), "")
        return Table(key, f"{pillar}：各档开展的联盟", columns, rows, "l" + "r" * len(self.grades()), records=records)

    def strengths(self) -> Table:
        """Where each grade and each batch is ten points of a percentage or more over or under all; empty without a panel."""
        rows: list[list[str] | str] = []
        for heading, groups in (
            ("按等级", self.grades()),
            ("按批次", [b.key for b in self.period.batches if self.groups.get(b.key)]),
        ):
            if self:
                rows.append(heading)
            for group in groups:
                apart = sorted(((self.share(i.name, group).fraction - self.share(i.name).fraction, -n, i.name)
                                for n, i in enumerate(self.indicators)), reverse=True)
                over = [(name, gap) for gap, _, name in apart if gap >= APART][:NAMED]
                under = [(name, gap) for gap, _, name in reversed(apart) if gap <= -APART][:NAMED]
                name = f"{self._label(group)}（{len(self.groups[group])}家）"
                rows += [[name, word, "；".join(f"{i} {'+' if gap > 0 else '−'}{half_up(abs(gap) * 100, 1)}" for i, gap in found)]
                         for word, found in (("强项", over), ("弱项", under)) if found]
        note = "数字是开展的占比与全部参评联盟相差的百分点；相差不到10个百分点的不列，每格至多3项。"
        return Table("strengths", "各档、各批的强项和弱项", ["范围", "方面", "指标"], rows, "lll", stretch=2, note=note)

    def joined(self, sheet: Period) -> Period:
        """The period with the activities that its panel counts; the period itself without a panel."""
        if not self:
            return sheet
        activities = {
            grade: {"联盟数": len(self.groups[grade])}
            | {name: self.share(name, grade).part for name in self.pillar(COOPERATION)}
            for grade in self.grades()
        }
        return replace(sheet, activities=activities)

    def _label(self, group: str) -> str:
        if group in GRADES:
            return self.period.scheme.labels[group]
        return next(batch.short for batch in self.period.batches if batch.key == group)


def read(sheet: Period) -> Shown:
    """What the panel of a period shows, by the grades of its score sheet; empty where there is no panel.

    Raises DataError where panel and score sheet do not evaluate the same alliances.
    """
    path = sheets.path_of(sheet.name, sheet.data, workbook.FOLDER)
    if not path.exists():
        return Shown(sheet)
    panel = workbook.read(sheet.name, sheet.data, marks=False)
    grades, entries = {a.id: a.grade for a in sheet.evaluated}, {entry.id: entry for entry in panel.evaluated}
    if grades.keys() != entries.keys():
        odd = sorted(grades.keys() ^ entries.keys())
        names = "、".join(sheet.registry.names[id] for id in odd[:NAMED])
        raise DataError([Problem("panel and score sheet", (f"panel/{path.name}",),
                                 f"{len(odd)} alliances are evaluated here or in score_sheets/{path.name}, not in both ({names}"
                                 f"{' …' if len(odd) > NAMED else ''}); make the score sheet from the panel again")])
    groups: dict[str, list[Entry]] = {EVALUATED: list(entries.values())}
    for id, entry in entries.items():
        groups.setdefault(grades[id], []).append(entry)
        groups.setdefault(entry.batch, []).append(entry)
    return Shown(sheet, panel.indicators, groups, panel.sha256)
