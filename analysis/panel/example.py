"""A small panel drawn at random, in a data folder of its own, to see the chain at work: the names are real, nothing else is."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import numpy as np

from analysis import publish, registry, sheets
from analysis.panel import organise, sheet, workbook
from analysis.panel.rules import WEIGH, YES
from analysis.panel.scores import Scores
from analysis.panel.workbook import STAGES, UNITS
from analysis.roster import latest_codes

ALLIANCES, INCOMPLETE, EXPERTS = 30, 4, 12
POINTS = (6, 5, 4, 5, 5, 5, *(5,) * 14)
SEVERITY, RESIDUAL, SHIFT, STRAY = 2.2, 2.6, 1.0, 24.0  # points; SHIFT is the stage's, STRAY what sets a few marks apart
CONTESTED = (3, 11)
FILLED = 16
RULES = {sheets.NATURE: sheets.SIMULATED, "信息完整的最少填写数": FILLED, "汇总方法": "平均", "两阶段合成": WEIGH, "会评权重": "60%",
         "重点差异：极差超过": 20, "提示：宽严超过": 3, "不公布评分的等级": "活跃度较差", "公布专家名单": YES, "分组数": 3}
SEED = 20220110


def truth(period: str) -> tuple[np.ndarray, np.ndarray]:
    """The qualities of the alliances and the severities of the experts that the marks are drawn around, in points."""
    rng = np.random.default_rng(SEED + registry.first_year(period))
    return np.clip(rng.normal(76, 14, ALLIANCES), 30, 96).round(1), rng.normal(0, SEVERITY, EXPERTS)


def make(period: str, data: Path, out: Path) -> Path:
    """The data folder `out` with a simulated panel of a period; the panel's path.

    Raises FileExistsError where `out` holds something that no example made.
    """
    mark = out / "模拟数据.txt"
    if out.exists() and any(out.iterdir()) and not mark.exists():
        raise FileExistsError(f"{out} is not empty and no example made it; name another folder with OUT=")
    out.mkdir(parents=True, exist_ok=True)
    mark.write_text(f"{sheet.BANNER}\n", "utf8")
    shutil.copytree(data / "registry", out / "registry", dirs_exist_ok=True)
    path, content = sheets.path_of(period, out, workbook.FOLDER), _content(period, registry.read(out))

    def put(more: dict[str, list[list]]) -> None:
        content.update(more)
        publish.put(path, sheet.workbook(content, dt.date(registry.first_year(period), 12, 31), sheet.BANNER))

    put({})
    put(organise.assign(workbook.read(period, out, workbook.EXPERTS)))
    put({workbook.MARKS: _marks(period, workbook.read(period, out))})
    work = Scores(workbook.read(period, out))
    middle = work.totals.groupby("alliance")["units"].median() // UNITS
    decided = [[one.联盟名称, sheet.code(one.代码), middle[place], "集体核对佐证后议定"]
               for place, one in enumerate(work.alliances.itertuples()) if one.重点差异]
    put({workbook.REVIEWS: [["联盟名称", "批次", "复核评分", "理由"], *decided]})
    return path


def _content(period: str, known: registry.Registry) -> dict[str, list[list]]:
    """All but groups, marks and decisions: some alliances of each batch, what they entered, the experts."""
    rng, year = np.random.default_rng(SEED), int(period[-4:])
    batches = {batch.key for batch in known.batches_in(period)}
    codes = {id: code for id, code in sorted(latest_codes(known, period).items(), key=lambda item: item[1]) if code[0] in batches}
    fit = [id for id in codes if _agrees(known, id, codes[id], period)]
    chosen = [fit[place] for place in np.linspace(0, len(fit) - 1, ALLIANCES + INCOMPLETE).astype(int)]
    start, end = known.dates.get(period, (dt.date(registry.first_year(period), 1, 1), dt.date(year, 12, 31)))
    entries, late = [], {*range(0, len(chosen), 9)}
    for place, id in enumerate(chosen):
        words = ["无" if rng.random() < 0.2 else f"{rng.integers(1, 9)}次" for _ in known.indicators]
        filled = words[:FILLED - 3] + [None] * (len(words) - FILLED + 3) if place in late else words
        entries.append([known.names[id], sheet.code(codes[id]), f"联络员{place % 5 + 1}", *filled])
    evaluated = [known.names[id] for place, id in enumerate(chosen) if place not in late]
    names = [evaluated[7 * e % ALLIANCES] if e % 2 else None for e in range(EXPERTS)]
    return {
        workbook.INDICATORS: [["一级指标", "二级指标", "分值", "评分标准"],
                              *([p, n, points, f"{looked}（示例）"] for (p, n, looked), points in zip(known.indicators, POINTS))],
        "规则": [["项目", "数值"], *map(list, RULES.items())],
        sheets.FACTS: [["项目", "数值"], ["开始日期", str(start)], ["结束日期", str(end)], ["启动会日期", f"{end.year + 1}-03-06"],
                       ["会评日期", f"{end.year + 1}-03-15"], ["复核日期", f"{end.year + 1}-03-20"], ["通知时间", f"{end.year + 1}年1月"]],
        workbook.EXPERTS: [["专家", "姓名", "职务", "单位及职务", "所属联盟"],
                           *([f"E{e + 1:02d}", f"模拟专家{e + 1:02d}", "成员" if e else "组长", f"{name}秘书长" if name else "（模拟）", name]
                             for e, name in enumerate(names))],
        workbook.INTAKE: [["联盟名称", "批次", "联络员", *(n for _, n, _ in known.indicators)], *entries],
    }


def _agrees(known: registry.Registry, id: str, code: str, period: str) -> bool:
    try:
        return known.there(id, period) and bool(known.identify(known.names[id], code, period))
    except registry.Conflict:
        return False


def _marks(period: str, panel: workbook.Panel) -> list[list]:
    """The marks that the groups ask for, in half points, around what is true of the alliance and the expert."""
    rng, (quality, severity) = np.random.default_rng(SEED + 1), truth(period)
    rows: list[list] = [["专家", "阶段", "联盟名称", *(i.name for i in panel.indicators)]]
    for a, e, s in sorted(panel.assigned):
        astray = STRAY * (rng.integers(2) * 2 - 1) if a in CONTESTED and s == 0 and e % 2 else 0
        total = quality[a] + severity[e] + SHIFT * (s - 0.5) + rng.normal(0, RESIDUAL) + astray
        rows.append([panel.experts[e].key, STAGES[s], panel.evaluated[a].name, *_halves(min(max(total, 4), 99), rng)])
    return rows


def _halves(total: float, rng: np.random.Generator) -> list[float]:
    """Marks in half points that add up to a total as nearly as half points can."""
    most = 2 * np.array(POINTS)
    marks = np.clip(np.floor(most * total / 100 + rng.uniform(0, 1, len(most))).astype(int), 0, most)
    while gap := round(2 * total) - marks.sum():
        step = 1 if gap > 0 else -1
        marks[rng.choice(np.flatnonzero((marks + step >= 0) & (marks + step <= most)))] += step
    return [float(mark) / 2 for mark in marks]
