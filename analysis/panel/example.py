"""A small panel drawn at random, in a data folder of its own, to see the chain at work: the names are real, nothing else is."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import publish, registry, sheets
from analysis.panel import organise, workbook
from analysis.panel.rules import EXPERTS, INDICATORS, INTAKE, MARKS, REVIEWS, RULES, WEIGH
from analysis.panel.scores import Scores
from analysis.panel.sheet import BANNER
from analysis.panel.sheet import workbook as written
from analysis.panel.workbook import FIRST, STAGES
from analysis.tables import CODE, NAME

ALLIANCES, LATE, EXPERTS_MARKING = 30, 4, 12  # LATE is how many more filled in too little
POINTS = (6, 5, 4, *(5,) * 17)
SEVERITY, SHIFT, STRAY = 2.2, 1.0, 24.0  # points; SHIFT is the stage's, STRAY what sets a few marks apart
NOISE = 1.1  # of a mark in half points; with the rounding, 2.5 points of a total
CONTESTED = (3, 11)
FILLED = 16
DRAWN = {sheets.NATURE: sheets.SIMULATED, "信息完整的最少填写数": FILLED, "汇总方法": "平均", "两阶段合成": WEIGH, "会评权重": "60%",
         "重点差异：极差超过": 20, "提示：宽严超过": 2.5, "不公布评分的等级": "活跃度较差", "公布专家名单": "是", "分组数": 3}
SEED = 20220110
MARK = "模拟数据.txt"  # lies in a folder that an example made


def truth(period: str) -> tuple[np.ndarray, np.ndarray]:
    """The qualities of the alliances and the severities of the experts that the marks are drawn around, in points."""
    rng = np.random.default_rng(SEED + registry.first_year(period))
    return np.clip(rng.normal(76, 14, ALLIANCES), 30, 96).round(1), rng.normal(0, SEVERITY, EXPERTS_MARKING)


def make(period: str, data: Path, out: Path) -> Path:
    """The data folder `out` with a simulated panel of a period; the panel's path."""
    shutil.copytree(data / "registry", out / "registry", dirs_exist_ok=True)
    (out / MARK).write_text(f"{BANNER}\n", "utf8")
    path, made = sheets.path_of(period, out, workbook.FOLDER), content(period, registry.read(out))

    def put(more: dict[str, pd.DataFrame]) -> None:
        made.update(more)
        publish.put(path, written(made, dt.date(registry.first_year(period), 12, 31), BANNER))

    put({})
    put(organise.assign(workbook.read(period, out, EXPERTS)))
    put({MARKS: _marks(period, workbook.read(period, out))})
    work = Scores(workbook.read(period, out))
    listed = work.alliances[work.alliances["待定"]]
    middle = work.totals.groupby("alliance")["points"].median() // 1
    put({REVIEWS: listed[[NAME]].assign(**{CODE: listed["代码"], "复核评分": listed["id"].map(middle), "理由": "集体核对佐证后议定"})})
    return path


def content(period: str, known: registry.Registry) -> dict[str, pd.DataFrame]:
    """All but groups, marks and decisions: some alliances of each batch, what they entered, the experts."""
    rng, made, end = np.random.default_rng(SEED), organise.new(known, period), dt.date(int(period[-4:]), 12, 31)
    start, end = known.dates.get(period, (dt.date(registry.first_year(period), 1, 1), end))
    made[INDICATORS]["分值"] = POINTS
    made[RULES]["数值"] = [DRAWN.get(item, value) for item, value in made[RULES][["项目", "数值"]].to_numpy()]
    made[sheets.FACTS]["数值"] = [start, end, *(end + dt.timedelta(days) for days in (65, 74, 79)), f"{end.year + 1}年1月"]
    entries = made[INTAKE].drop_duplicates(CODE, keep=False)
    entries = made[INTAKE] = entries.iloc[np.linspace(0, len(entries) - 1, ALLIANCES + LATE).astype(int)].reset_index(drop=True)
    late, names = entries.index % 9 == 0, entries.columns[3:]
    entries["联络员"] = [f"联络员{place % 5 + 1}" for place in entries.index]
    entries[names] = np.array(["无", *(f"{number}次" for number in range(1, 6))])[rng.integers(0, 6, (len(entries), len(names)))]
    entries.loc[late, names[FILLED - 3:]] = None
    own = [entries.loc[~late, NAME].iloc[7 * e % ALLIANCES] if e % 2 else None for e in range(EXPERTS_MARKING)]
    made[EXPERTS] = pd.DataFrame([(f"E{e:02d}", f"模拟专家{e:02d}", "成员" if e > 1 else "组长", f"{name}秘书长" if name else "（模拟）", name)
                                  for e, name in enumerate(own, start=1)], columns=made[EXPERTS].columns)
    return made


def _marks(period: str, panel: workbook.Panel) -> pd.DataFrame:
    """The marks that the groups ask for, in half points, around what is true of the alliance and the expert."""
    rng, (quality, severity), totals, most = np.random.default_rng(SEED + 1), truth(period), panel.totals, 2 * np.array(POINTS)
    a, e = panel.alliances.index.get_indexer(totals["alliance"]), panel.experts.index.get_indexer(totals["expert"])
    astray = np.isin(a, CONTESTED) & (totals["stage"] == FIRST) & (e % 2 == 1)
    total = quality[a] + severity[e] + SHIFT * (totals["stage"].map(STAGES.index) - 0.5) + STRAY * astray * rng.choice([-1, 1], len(a))
    marks = np.round(np.outer(total, most) / 100 + rng.normal(0, NOISE, (len(a), len(most)))).clip(0, most) / 2
    who = pd.DataFrame({"专家": totals["expert"], "阶段": totals["stage"], NAME: totals["alliance"].map(panel.alliances[NAME])})
    return who.join(pd.DataFrame(marks, columns=panel.indicators.index))
