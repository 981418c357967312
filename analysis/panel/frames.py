"""What the notebook and the chase list show of a panel, and how numbers are printed. Headings are those that readers see."""

from __future__ import annotations

import math
from fractions import Fraction

import pandas as pd

from analysis.grades import INCOMPLETE
from analysis.panel.rules import ITEMS
from analysis.panel.workbook import UNFIT, Panel
from analysis.period import NOT_ENTERED
from analysis.registry import Registry
from analysis.roster import latest_codes
from analysis.shares import half_up, signed
from analysis.tables import NAME

EVALUATED = "参评"
STATES = (NOT_ENTERED, INCOMPLETE, UNFIT, EVALUATED)


def programme(known: Registry, period: str) -> list[tuple[str, str]]:
    """The alliances of the programme that the registry names, by id, with their codes, in order of these."""
    batches = {batch.key for batch in known.batches_in(period)}
    codes = sorted(latest_codes(known, period).items(), key=lambda item: item[1])
    return [(id, code) for id, code in codes if code[0] in batches and known.there(id, period)]


def intake(panel: Panel) -> pd.DataFrame:
    """A row for each alliance of the programme, also those that 录入 does not name: 情况 (ordered), 原因, and what is blank."""
    short, names = {batch.key: batch.short for batch in panel.batches}, [i.name for i in panel.indicators]
    needed, there = panel.rules["信息完整的必填指标"], {entry.id for entry in panel.intake}
    rows = [(e.officer, e.name, e.code, short[e.batch], e.state or EVALUATED, e.why, len(e.answers),
             "、".join(name for name in needed if name not in e.answers), "、".join(name for name in names if name not in e.answers))
            for e in panel.intake]
    rows += [("", panel.registry.names[id], code, short[code[0]], NOT_ENTERED, "录入表里没有", 0, "、".join(needed), "全部")
             for id, code in programme(panel.registry, panel.name) if id not in there]
    for batch in panel.batches:
        unnamed = panel.size(batch) - sum(row[3] == batch.short for row in rows)
        rows += [("", None, None, batch.short, NOT_ENTERED, "名册没有列名", 0, "", "")] * unnamed
    frame = pd.DataFrame(rows, columns=["联络员", NAME, "代码", "批次", "情况", "原因", "已填项数", "必填而空着", "空着的指标"])
    return frame.assign(批次=pd.Categorical(frame["批次"], [*short.values()], ordered=True),
                        情况=pd.Categorical(frame["情况"], STATES, ordered=True))


def rules(panel: Panel) -> pd.DataFrame:
    """The rules in force, as the workbook has them."""
    def shown(value: object, kind: str) -> str:
        if isinstance(value, (str, tuple)):
            return value if isinstance(value, str) else "、".join(value) or "没有"
        return "不用" if value is None else f"{float(100 * value):g}%" if kind == "share" else f"{float(value):g}"

    return pd.DataFrame([(item, shown(panel.rules[item], kind)) for item, (kind, *_) in ITEMS.items()], columns=["项目", "数值"])


def number(value: float, places: int | str) -> str:
    """A number with its places and a true minus, `+2` with its sign, `%1` in percent; — where there is none."""
    if value is None or not math.isfinite(value):
        return "—"
    exact, digits = Fraction(str(float(value))), int(str(places)[-1])
    if str(places)[0] == "%":
        return f"{half_up(100 * exact, digits)}%"
    return signed(exact, digits) if str(places)[0] == "+" else str(half_up(exact, digits)).replace("-", "−")


def printed(frame: pd.DataFrame, **places: int | str) -> pd.DataFrame:
    """The frame as a page has it: the numbers of some columns as text, see `number`."""
    return frame.assign(**{column: [number(value, how) for value in frame[column]] for column, how in places.items()})
