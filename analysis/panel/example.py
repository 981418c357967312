"""A simulated panel whose settled scores are a period's published ones, in a data folder of its own, to try the chain on.

What is real: who was evaluated and with which score, the counts of the sheet 协同创新活动, the number with a website, the
number of experts. All else is drawn by a seeded generator: entries, experts, groups, marks, re-reviews, withheld scores.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analysis import sheets
from analysis.grades import BEST_FIRST, INCOMPLETE, LOW
from analysis.panel import sheet as writer
from analysis.panel import workbook
from analysis.panel.rules import WEIGH, YES
from analysis.panel.scores import Scores
from analysis.panel.workbook import STAGES
from analysis.registry import Conflict, first_year, read_csv

POINTS = {"联盟组织机构建设与运行": (6, 5, 4, 5, 5, 5), "联盟协同创新活动": (5,) * 9, "联盟带动产业发展成效": (5,) * 5}
STEPS = 2  # marks are given in half points
PER_GROUP = 5.5
SEVERITY, RESIDUAL = 2.2, 2.6  # points
CONTESTED = 0.06
SHARE_OF_SECOND = 0.6
RULES = (
    (sheets.NATURE, sheets.SIMULATED, ""),
    ("录入信息的最少填写数", 1, "填了几项才算录入"),
    ("信息完整的最少填写数", 16, "填了几项才算完整"),
    ("信息完整的必填指标", "理事会、秘书处联络与专职人员", "缺了就不完整"),
    ("可评价的最少开展数", 1, "开展了几项才能评价"),
    ("视为未开展的填写", "无、否、没有、0", "填了这些字，算填写，不算开展"),
    ("汇总方法", "平均", "平均、中位数或截尾平均；对专家总分"),
    ("截尾个数", 1, "截尾平均时两头各去掉几个"),
    ("两阶段合成", WEIGH, "替代（有会评用会评）、合并（两阶段的总分放在一起）或加权"),
    ("会评权重", f"{SHARE_OF_SECOND:.0%}", "加权时会评所占"),
    ("评分小数位", 0, "最后取整一次，四舍五入"),
    ("重点差异：极差超过", 24, "同一联盟各专家总分的最大差距（分）"),
    ("重点差异：组间等级不同", YES, "初评与会评的等级不同"),
    ("重点差异：组间相差至少", 6, "等级不同而相差不到这些分的不列"),
    ("重点差异：残差超过标准差", 4.5, "扣除联盟和专家之后"),
    ("提示：宽严超过", 4, "平均偏离多少分提请讨论"),
    ("提示：离散倍数", 1.8, "评分的离散程度与众人相差几倍提请讨论"),
    ("不公布评分的等级", None, "空着就都公布"),
    ("公布专家名单", YES, "是否写进评分表的专家组"),
    ("模拟次数", 1000, "等级把握的模拟"),
    ("随机种子", 1, ""),
)
REASONS = (
    "两组对材料的理解不同，集体核对佐证后议定",
    "个别专家漏看补充材料，补看后议定",
    "初评与会评掌握的尺度不同，集体讨论后议定",
)
SEED = 20220110


@dataclass
class Simulated:
    """One simulated alliance: what it shows, its groups, and the totals that experts gave it, in half points."""

    id: str
    name: str
    code: str
    score: float
    grade: str
    shown: list[bool] = field(default_factory=list)
    group: int = 0
    contested: bool = False
    totals: dict[tuple[int, int], int] = field(default_factory=dict)  # (stage, expert)

    def most(self, points: list[int]) -> int:
        """The highest total that what it shows can bring, in half points."""
        return STEPS * sum(p for p, shown in zip(points, self.shown) if shown)


def make(period: str, data: Path, out: Path) -> Path:
    """The data folder `out` with a simulated panel of a period that has a score sheet in `data`; the panel's path.

    Raises FileExistsError where `out` holds something that no example made.
    """
    mark = out / "模拟数据.txt"
    if out.exists() and any(out.iterdir()) and not mark.exists():
        raise FileExistsError(f"{out} is not empty and no example made it; name another folder with OUT=")
    published = sheets.read(period, data)
    out.mkdir(parents=True, exist_ok=True)
    mark.write_text(f"{writer.BANNER}\n", "utf8")
    shutil.copytree(data / "registry", out / "registry", dirs_exist_ok=True)
    path = sheets.path_of(period, out, workbook.FOLDER)
    path.parent.mkdir(exist_ok=True)
    ours = _simulate(published)
    reviews: dict[str, tuple[float, str]] = {}
    for _ in range(30):  # those that were not meant to be on the list are brought nearer to each other until they are not
        writer.put(_book(published, ours, reviews), path)
        scores = Scores(workbook.read(period, out))
        by_id = {one.entry.id: one for one in scores.settled}
        stray = [a for a in ours.alliances if by_id[a.id].reasons and not a.contested]
        reviews = {a.id: (a.score, REASONS[n % len(REASONS)]) for n, a in enumerate(ours.alliances)
                   if by_id[a.id].reasons and a.contested}
        meek = [a for a in ours.alliances if a.contested and not by_id[a.id].reasons]
        if not stray and not meek and all(one.score == ours.wanted[one.entry.id] for one in scores.settled):
            return path
        for alliance in stray:
            ours.narrow(alliance)
        for alliance in meek:
            alliance.contested = False
            ours.settle(alliance)
    raise RuntimeError("the simulated marks do not settle on the published scores")


class _Simulation:
    def __init__(self, published: sheets.Period):
        self.rng = np.random.default_rng(SEED + first_year(published.name))
        problems: list = []
        lines = read_csv(
            published.data / "registry" / "indicators.csv", ("pillar", "indicator", "looked_at"), ("indicator",), problems
        )
        self.indicators = [(line["pillar"], line["indicator"], line["looked_at"]) for line in lines]
        self.points = [points for group in POINTS.values() for points in group]
        self.number = published.facts.get("专家人数", 30)
        self.groups = max(round(self.number / PER_GROUP), 2)
        self.severity = self.rng.normal(0, SEVERITY, self.number)
        self.alliances: list[Simulated] = []
        self.own: dict[int, str] = {}
        self.wanted: dict[str, float] = {}

    def members(self, group: int) -> list[int]:
        return [expert for expert in range(self.number) if expert % self.groups == group]

    def markers(self, alliance: Simulated, stage: int) -> list[int]:
        group = (alliance.group + stage) % self.groups
        return [expert for expert in self.members(group) if self.own.get(expert) != alliance.id]

    def narrow(self, alliance: Simulated) -> None:
        """Halve the distances between the experts' totals, then settle again."""
        middle = np.mean([*alliance.totals.values()])
        for key, total in alliance.totals.items():
            alliance.totals[key] = round(middle + (total - middle) / 2)
        self.settle(alliance)

    def settle(self, alliance: Simulated) -> None:
        """Move totals by half points until the rule gives the published score."""
        most, target = alliance.most(self.points), alliance.score
        keys = [*alliance.totals]
        while True:
            means = [np.mean([t for (s, _), t in alliance.totals.items() if s == stage]) / STEPS for stage in (0, 1)]
            now = SHARE_OF_SECOND * means[1] + (1 - SHARE_OF_SECOND) * means[0]
            if abs(now - target) <= 0.3 and 0 <= now <= 100:
                return
            step = 1 if now < target else -1
            free = [key for key in keys if 0 <= alliance.totals[key] + step <= most]
            alliance.totals[free[self.rng.integers(len(free))]] += step


def _simulate(published: sheets.Period) -> _Simulation:
    ours = _Simulation(published)
    scheme, rng = published.scheme, ours.rng
    withheld = [a for a in published.evaluated if a.score is None]
    hidden = dict(zip((a.id for a in withheld), rng.integers(22, 49, len(withheld)).tolist()))
    for one in published.evaluated:
        score = one.score if one.score is not None else hidden[one.id]
        ours.alliances.append(Simulated(one.id, one.name, one.code, score, scheme.grade(score)))
    ours.wanted = {a.id: a.score for a in ours.alliances}
    _show(ours, published)
    order = rng.permutation(len(ours.alliances))
    for place, index in enumerate(order):
        ours.alliances[index].group = place % ours.groups
    for expert, index in enumerate(rng.choice(len(ours.alliances), ours.number // 2, replace=False)):
        ours.own[expert] = ours.alliances[index].id
    middling = [a for a in ours.alliances if 55 < a.score < 92 and a.most(ours.points) < 196]
    for index in rng.choice(len(middling), round(CONTESTED * len(ours.alliances)), replace=False):
        middling[index].contested = True
    for alliance in ours.alliances:
        apart = rng.choice([-1, 1]) * 15 if alliance.contested else 0
        for stage in range(len(STAGES)):
            for expert in ours.markers(alliance, stage):
                total = alliance.score + ours.severity[expert] + rng.normal(0, RESIDUAL) + apart * (0.5 - stage)
                alliance.totals[stage, expert] = int(np.clip(round(STEPS * total), 0, alliance.most(ours.points)))
        if alliance.contested:  # one expert far under the rest makes the range certain
            key = min(alliance.totals)
            alliance.totals[key] = round(STEPS * (alliance.score - 32))
        else:
            ours.settle(alliance)
    return ours


def _show(ours: _Simulation, published: sheets.Period) -> None:
    """Who shows which activity: so many of a grade as the published sheet counts, the rest as the score lets."""
    names, points = [name for _, name, _ in ours.indicators], ours.points
    rare = ("外部委托", "自设", "标准", "创新链", "媒体", "专家")
    easy = np.array([0.5 if any(word in name for word in rare) else 1.0 for name in names])
    website = next(n for n, name in enumerate(names) if "网站" in name)
    for alliance in ours.alliances:
        alliance.shown = [True] * len(names)
    for grade in BEST_FIRST:
        here = [a for a in ours.alliances if a.grade == grade]
        counts = published.activities.get(grade)
        if counts:
            for name, number in counts.items():
                for _ in range(len(here) - number if name in names else 0):
                    place = names.index(name)
                    room = {a.id: a.most(points) / STEPS - points[place] - a.score for a in here if a.shown[place]}
                    roomy = max((a for a in here if a.shown[place]), key=lambda a: room[a.id])
                    roomy.shown[place] = False
            continue
        for alliance in here:
            for place in sorted(range(len(names)), key=lambda p: ours.rng.random() * easy[p]):
                left = alliance.most(points) / STEPS - points[place]
                if left >= min(alliance.score * 1.12 + 4, 99):
                    alliance.shown[place] = False
    wanted = published.facts.get("有网站联盟数")
    for alliance in sorted(ours.alliances, key=lambda a: a.score) if wanted is not None else ():
        number = sum(a.shown[website] for a in ours.alliances)
        left = alliance.most(points) / STEPS - points[website]
        if number > wanted and alliance.shown[website] and left >= alliance.score + 3:
            alliance.shown[website] = False
        elif number < wanted:
            alliance.shown[website] = True


def _marks(alliance: Simulated, total: int, points: list[int], rng: np.random.Generator) -> list[float]:
    """Marks in half points that add up to a total, by what the alliance shows."""
    most = np.array([STEPS * p if shown else 0 for p, shown in zip(points, alliance.shown)])
    marks = np.clip(np.floor(most * total / max(most.sum(), 1) + rng.uniform(0, 1, len(most))).astype(int), 0, most)
    while (gap := total - marks.sum()) != 0:
        step = 1 if gap > 0 else -1
        free = np.flatnonzero((marks + step >= 0) & (marks + step <= most))
        marks[rng.choice(free)] += step
    return [int(m) / STEPS if m % STEPS else int(m) // STEPS for m in marks]


def _book(published: sheets.Period, ours: _Simulation, reviews: dict[str, tuple[float, str]]) -> bytes:
    withheld = {"不公布评分的等级": published.scheme.labels[LOW]} if any(a.score is None for a in published.evaluated) else {}
    names = [name for _, name, _ in ours.indicators]
    experts = [[_key(e), f"模拟专家{e + 1:02d}", "组长" if e == 0 else "成员", "（模拟）",
                next((a.name for a in ours.alliances if a.id == ours.own.get(e)), None),
                _group(e % ours.groups), _group(e % ours.groups)] for e in range(ours.number)]
    return writer.workbook({
        workbook.INDICATORS: [["一级指标", "二级指标", "分值", "评分标准"],
                              *([p, n, points, f"{looked}（示例）"] for (p, n, looked), points in zip(ours.indicators, ours.points))],
        workbook.RULES: [["项目", "数值", "说明"], *([item, withheld.get(item, value), why] for item, value, why in RULES)],
        sheets.FACTS: [["项目", "数值"], *([item, value] for item, value in published.facts.items()
                                         if item in (*sheets.DATES, "通知时间"))],
        workbook.EXPERTS: [["专家", "姓名", "职务", "单位及职务", "所属联盟", "初评组", "会评组"], *experts],
        workbook.INTAKE: [["联盟名称", "批次", "初评组", "会评组", *names], *_intake(published, ours, names)],
        workbook.MARKS: _all_marks(ours, names, long=len(published.batches) > 3),  # the two periods show the two forms
        workbook.REVIEWS: [["联盟名称", "批次", "复核评分", "理由"],
                           *([a.name, writer._code(a.code), *reviews[a.id]] for a in ours.alliances if a.id in reviews)],
    }, published.end, writer.BANNER)


def _all_marks(ours: _Simulation, names: list[str], long: bool) -> list[list]:
    """The sheet of marks, one a row or all of an expert for an alliance in one."""
    rng = np.random.default_rng(SEED)  # the same marks for the same totals
    rows: list[list] = [["专家", "阶段", "联盟名称", *(["指标", "分数"] if long else names)]]
    for alliance in ours.alliances:
        for (stage, expert), total in sorted(alliance.totals.items()):
            key, given = [_key(expert), STAGES[stage], alliance.name], _marks(alliance, total, ours.points, rng)
            rows += [[*key, name, mark] for name, mark in zip(names, given)] if long else [[*key, *given]]
    return rows


def _intake(published: sheets.Period, ours: _Simulation, names: list[str]) -> list[list]:
    """Those evaluated; those named or, where nobody is named, drawn as incomplete; the rest of the registry with nothing."""
    rows = [[a.name, writer._code(a.code), _group(a.group), _group((a.group + 1) % ours.groups),
             *("有" if shown else "无" for shown in a.shown)] for a in ours.alliances]
    there, codes = {a.id for a in published.evaluated}, {a.code for a in published.evaluated}
    incomplete = [(a.id, a.name, a.code) for a in published.absent if a.state == INCOMPLETE]
    there |= {id for id, _, _ in incomplete}
    others = [found for found in _others(published) if found[0] not in there and found[2] not in codes]
    if not incomplete:
        number = published.facts.get(sheets.INCOMPLETE_TOTAL, 0)
        incomplete, others = others[:number], others[number:]
    for n, (_, name, code) in enumerate(incomplete):
        filled = 15 - n % 7  # one fewer than the rule wants, or fewer
        rows.append([name, writer._code(code), None, None, *("有" if i < filled else None for i in range(len(names)))])
    rows += [[name, writer._code(code), None, None] for _, name, code in others]
    return rows


def _others(published: sheets.Period) -> list[tuple[str, str, str]]:
    registry, found = published.registry, []
    batches = {batch.key for batch in published.batches}
    for id, name in registry.names.items():
        known = registry.known_codes(id)
        code = known.get(published.name) or next(iter(known.values()), None)
        if code is None or code[0] not in batches:
            continue
        try:
            registry.identify(name, code, published.name)
        except Conflict:
            continue
        found.append((id, name, code))
    return found


def _key(expert: int) -> str:
    return f"E{expert + 1:02d}"


def _group(group: int) -> str:
    return "甲乙丙丁戊己庚辛壬癸"[group] + "组"
