"""How long a panel takes, and how much memory; a part of `make bench`.

python tests/bench/panel.py 160     160 alliances × 34 experts × 20 indicators, every mark there, from a workbook in both forms
python tests/bench/panel.py 1600    1,600 × 340 × 20, from frames
"""

from __future__ import annotations

import datetime as dt
import resource
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import python_calamine

from analysis import DATA, registry, sheets
from analysis import workbook as cells
from analysis.panel import frames, scores, workbook
from analysis.panel import sheet as writer
from analysis.panel.workbook import Entry, Expert, Indicator, Panel

RULES = {
    "汇总方法": "平均",
    "两阶段合成": "加权",
    "会评权重": Fraction(3, 5),
    "信息完整的最少填写数": 1,
    "重点差异：极差超过": 30.0,
    "重点差异：组间等级不同": "是",
    "重点差异：残差超过标准差": 4.0,
    "提示：宽严超过": 4.0,
    "提示：离散倍数": 2.0,
}


def panel_of(number: int, experts: int) -> Panel:
    """Marks drawn for every expert and alliance: half of the experts in the first stage, half in the second."""
    rng = np.random.default_rng(1)
    known = registry.read(DATA)
    indicators = [Indicator("一二三"[i // 7], f"指标{i + 1}", Fraction(5), "") for i in range(20)]
    groups = ({"初评": "甲"}, {"会评": "乙"})
    panel = Panel(
        "2017",
        Path("bench.xlsx"),
        "",
        known,
        known.scheme("2017"),
        {item: default for item, (_, default) in workbook.ITEMS.items() if default is not workbook.NEEDED} | RULES,
        indicators,
        [
            Entry(f"B{a}", f"第{a}号产业技术创新战略联盟", str(100 + a), "name", a + 2, groups={"初评": "甲", "会评": "乙"})
            for a in range(number)
        ],
        [Expert(f"E{e:03d}", "", "", "", frozenset(), groups[e % 2], f"A{e + 2}") for e in range(experts)],
        facts={"开始日期": dt.date(2017, 1, 1), "结束日期": dt.date(2017, 12, 31)},
    )
    alliance = np.repeat(np.arange(number, dtype=np.int32), experts * 20)
    expert = np.tile(np.repeat(np.arange(experts, dtype=np.int32), 20), number)
    quality = rng.uniform(1, 4.5, number)[alliance] + rng.normal(0, 0.1, experts)[expert]
    units = (50 * np.clip(np.round(2 * (quality + rng.normal(0, 0.5, len(alliance)))), 0, 10)).astype(np.int32)
    panel.marks = pd.DataFrame({"alliance": alliance, "expert": expert, "stage": expert % 2, "units": units, "row": alliance,
                                "indicator": np.tile(np.arange(20, dtype=np.int32), number * experts)})
    return panel


def as_workbook(panel: Panel, data: Path, long: bool) -> None:
    """The panel as a workbook in a data folder with a registry of its own."""
    (data / "registry").mkdir(parents=True, exist_ok=True)
    for path in (DATA / "registry").glob("*.csv"):
        head = path.read_text("utf-8-sig").splitlines()
        own = {"alliances.csv": [f"{e.id},{e.name}," for e in panel.intake], "aliases.csv": [], "codes.csv": [], "claims.csv": [],
               "batches.csv": ["1,第一批试点联盟,999,2013", "2,第二批试点联盟,999,2013"]}.get(path.name, head[1:])
        (data / "registry" / path.name).write_text("\n".join([head[0], *own]), "utf8")
    names = [i.name for i in panel.indicators]
    units = panel.marks["units"].to_numpy().reshape(len(panel.intake), len(panel.experts), 20) / 100
    marks: list[list] = [["专家", "阶段", "联盟名称", *(["指标", "分数"] if long else names)]]
    for a, entry in enumerate(panel.intake):
        for e, expert in enumerate(panel.experts):
            key, given = [expert.key, *expert.groups, entry.name], units[a, e].tolist()
            marks += [[*key, name, mark] for name, mark in zip(names, given)] if long else [[*key, *given]]
    rules = {item: value for item, value in RULES.items() if item != "会评权重"} | {"会评权重": "60%"}
    writer.put(
        writer.workbook(
            {
                "指标": [["一级指标", "二级指标", "分值"], *([i.pillar, i.name, 5] for i in panel.indicators)],
                "规则": [["项目", "数值"], *([item, value] for item, value in rules.items())],
                "评价期": [["项目", "数值"], *([item, value] for item, value in panel.facts.items())],
                "专家": [
                    ["专家", "初评组", "会评组"],
                    *([e.key, e.groups.get("初评"), e.groups.get("会评")] for e in panel.experts),
                ],
                "录入": [
                    ["联盟名称", "批次", "初评组", "会评组", *names],
                    *([e.name, int(e.code), "甲", "乙", *["有"] * 20] for e in panel.intake),
                ],
                "评分": marks,
            },
            panel.end,
        ),
        sheets.path_of("2017", data, workbook.FOLDER),
    )


class Clock:
    """Prints each step with its time, on the clock and on the processor, and the most memory so far."""

    def __init__(self, what: str):
        self.what, self.started, self.busy = what, time.perf_counter(), time.process_time()

    def __call__(self, step: str) -> None:
        now, busy, most = time.perf_counter(), time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{self.what:32s} {step:28s} {now - self.started:7.2f} s   (processor {busy - self.busy:6.2f} s)   "
              f"{most:6,.0f} MB at most")
        self.started, self.busy = time.perf_counter(), time.process_time()


def side_by_side(path: Path, clock: Clock) -> None:
    """The cells alone, by our reader and by two libraries.

    calamine is the fastest, but shows a formula that was never calculated and an error as blanks, and 85 % as 0.85, all of
    which must be refused by their cells; openpyxl shows the first so too.
    """
    cells.read(path.read_bytes(), frozenset(["评分","录入","专家","规则","指标","评价期"]), 10)
    clock("  cells, analysis.workbook")
    for sheet in openpyxl.load_workbook(path, read_only=True):
        list(sheet.iter_rows(values_only=True))
    clock("  cells, openpyxl read-only")
    book = python_calamine.CalamineWorkbook.from_path(path)
    for name in book.sheet_names:
        book.get_sheet_by_name(name).to_python()
    clock("  cells, calamine")


def work(panel: Panel, clock: Clock) -> None:
    """All that the internal report asks for."""
    made = scores.Scores(panel)
    clock("totals")
    _ = made.settled
    clock("scores and list")
    _ = made.adjusted
    frames.experts(made)
    clock("severities")
    frames.agreement(made)
    clock("agreement with intervals")
    made.without_expert()
    clock("without one expert")
    made.without_indicator()
    clock("without one indicator")
    _ = made.confidence
    clock("confidence")


if __name__ == "__main__":
    if sys.argv[1] == "160":
        with tempfile.TemporaryDirectory() as folder:
            for long in (False, True):
                as_workbook(panel_of(160, 34), Path(folder), long)
                clock = Clock(f"panel 160×34×20, {'long' if long else 'wide'}")
                found = workbook.read("2017", Path(folder))
                clock(f"read {len(found.marks):,} marks")
                side_by_side(sheets.path_of("2017", Path(folder), workbook.FOLDER), clock)
            work(found, clock)
    else:
        built = panel_of(1600, 340)
        work(built, Clock(f"panel 1600×340×20, {len(built.marks):,}"))
