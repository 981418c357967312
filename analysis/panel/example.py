"""A small panel drawn at random, in a data folder of its own, to see the chain at work: the names are real, nothing else is."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import numpy as np

from analysis import publish, registry, sheets
from analysis.panel import organise, workbook
from analysis.panel.rules import EXPERTS, INDICATORS, INTAKE, MARKS, REVIEWS, RULES, WEIGH
from analysis.panel.scores import Scores
from analysis.panel.sheet import BANNER, Rows
from analysis.panel.sheet import workbook as written
from analysis.panel.workbook import FIRST, STAGES, UNITS

ALLIANCES, LATE, EXPERTS_MARKING = 30, 4, 12
POINTS = (6, 5, 4, 5, 5, 5, *(5,) * 14)
SEVERITY, SHIFT, STRAY = 2.2, 1.0, 24.0  # points; SHIFT is the stage's, STRAY what sets a few marks apart
NOISE = 1.1  # of a mark in half points; with the rounding, 2.5 points of a total
CONTESTED = (3, 11)
FILLED = 16
DRAWN = {sheets.NATURE: sheets.SIMULATED, "信息完整的最少填写数": FILLED, "汇总方法": "平均", "两阶段合成": WEIGH, "会评权重": "60%",
         "重点差异：极差超过": 20, "提示：宽严超过": 2.5, "不公布评分的等级": "活跃度较差", "公布专家名单": "是", "分组数": 3}
SEED = 20220110


def truth(period: str) -> tuple[np.ndarray, np.ndarray]:
    """The qualities of the alliances and the severities of the experts that the marks are drawn around, in points."""
    rng = np.random.default_rng(SEED + registry.first_year(period))
    return np.clip(rng.normal(76, 14, ALLIANCES), 30, 96).round(1), rng.normal(0, SEVERITY, EXPERTS_MARKING)


def make(period: str, data: Path, out: Path) -> Path:
    """The data folder `out` with a simulated panel of a period; the panel's path.

    Raises FileExistsError where `out` holds something that no example made.
    """
    mark = out / "模拟数据.txt"
    if out.exists() and any(out.iterdir()) and not mark.exists():
        raise FileExistsError(out)
    out.mkdir(parents=True, exist_ok=True)
    mark.write_text(f"{BANNER}\n", "utf8")
    shutil.copytree(data / "registry", out / "registry", dirs_exist_ok=True)
    path, made = sheets.path_of(period, out, workbook.FOLDER), content(period, registry.read(out))

    def put(more: dict[str, Rows]) -> None:
        made.update(more)
        publish.put(path, written(made, dt.date(registry.first_year(period), 12, 31), BANNER))

    put({})
    put(organise.assign(workbook.read(period, out, EXPERTS)))
    put({MARKS: _marks(period, workbook.read(period, out))})
    work = Scores(workbook.read(period, out))
    middle = work.totals.groupby("alliance")["units"].median() // UNITS
    decided = [[one.联盟名称, one.代码, int(middle[one.id]), "集体核对佐证后议定"] for one in work.alliances.itertuples() if one.重点差异]
    put({REVIEWS: [["联盟名称", "批次", "复核评分", "理由"], *decided]})
    return path


def content(period: str, known: registry.Registry) -> dict[str, Rows]:
    """All but groups, marks and decisions: some alliances of each batch, what they entered, the experts."""
    rng, year = np.random.default_rng(SEED), int(period[-4:])
    fit = [(known.names[id], code) for id, code in organise.programme(known, period) if _agrees(known, id, code, period)]
    chosen = [fit[place] for place in np.linspace(0, len(fit) - 1, ALLIANCES + LATE).astype(int)]
    start, end = known.dates.get(period, (dt.date(registry.first_year(period), 1, 1), dt.date(year, 12, 31)))
    entries, names = [], [name for _, name, _ in known.indicators]
    for place, (name, number) in enumerate(chosen):
        words = ["无" if rng.random() < 0.2 else f"{rng.integers(1, 9)}次" for _ in names]
        filled = len(names) if place % 9 else FILLED - 3
        entries.append([name, number, f"联络员{place % 5 + 1}", *words[:filled], *[None] * (len(names) - filled)])
    evaluated = [name for place, (name, _) in enumerate(chosen) if place % 9]
    own = [evaluated[7 * e % ALLIANCES] if e % 2 else None for e in range(EXPERTS_MARKING)]
    return {
        INDICATORS: [["一级指标", "二级指标", "分值", "评分标准"],
                     *([p, n, points, f"{looked}（示例）"] for (p, n, looked), points in zip(known.indicators, POINTS))],
        RULES: [["项目", "数值"], *map(list, DRAWN.items())],
        sheets.FACTS: [["项目", "数值"], ["开始日期", str(start)], ["结束日期", str(end)], ["启动会日期", f"{end.year + 1}-03-06"],
                       ["会评日期", f"{end.year + 1}-03-15"], ["复核日期", f"{end.year + 1}-03-20"], ["通知时间", f"{end.year + 1}年1月"]],
        EXPERTS: [["专家", "姓名", "职务", "单位及职务", "所属联盟"],
                  *([f"E{e:02d}", f"模拟专家{e:02d}", "成员" if e > 1 else "组长", f"{name}秘书长" if name else "（模拟）", name]
                    for e, name in enumerate(own, start=1))],
        INTAKE: [["联盟名称", "批次", "联络员", *names], *entries],
    }


def _agrees(known: registry.Registry, id: str, code: str, period: str) -> bool:
    try:
        return bool(known.identify(known.names[id], code, period))
    except registry.Conflict:
        return False


def _marks(period: str, panel: workbook.Panel) -> Rows:
    """The marks that the groups ask for, in half points, around what is true of the alliance and the expert."""
    rng, (quality, severity) = np.random.default_rng(SEED + 1), truth(period)
    rows: Rows = [["专家", "阶段", "联盟名称", *(i.name for i in panel.indicators)]]
    alliances, experts, most = [*panel.evaluated], [*panel.experts], 2 * np.array(POINTS)
    for id, stage, key in panel.totals[["alliance", "stage", "expert"]].itertuples(index=False):
        a, e = alliances.index(id), experts.index(key)
        astray = STRAY * (rng.integers(2) * 2 - 1) if a in CONTESTED and stage == FIRST and e % 2 else 0
        total = quality[a] + severity[e] + SHIFT * (STAGES.index(stage) - 0.5) + astray
        marks = np.round(most * total / 100 + rng.normal(0, NOISE, len(most)))
        rows.append([key, stage, panel.evaluated[id].name, *(float(mark) for mark in np.clip(marks, 0, most) / 2)])
    return rows
