"""The sheet 规则 of a panel: which rules there are, what each may be, and what it does; and the names of all its sheets."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from analysis.messages import Said
from analysis.period import NATURE, SIMULATED
from analysis.registry import normalise
from analysis.tables import plain, shown
from analysis.workbook import ERROR, UNCALCULATED

if TYPE_CHECKING:
    from analysis.panel.workbook import Panel

INDICATORS, RULES, EXPERTS, INTAKE, GROUPS, EXPERT_GROUPS, MARKS, REVIEWS = (
    "指标", "规则", "专家", "录入", "分组", "专家分组", "评分", "复核")
MEDIAN, TRIMMED = "中位数", "截尾平均"
REPLACE, POOL, WEIGH = "替代", "合并", "加权"
YES, YES_NO, REAL = "是", "是|否", "正式数据"
NEEDED = "（必填）"
ITEMS: dict[str, tuple[str, str, str]] = {  # what a rule holds, what it is where the workbook does not say, what it does
    NATURE: (f"{REAL}|{SIMULATED}", REAL, "模拟数据的每一页都注明"),
    "录入信息的最少填写数": ("panel.count", "1", "填了几项才算录入"),
    "信息完整的最少填写数": ("panel.count", NEEDED, "填了几项才算完整"),
    "信息完整的必填指标": ("panel.indicators", "", "缺了就不完整；写指标的名称，以分号隔开"),
    "可评价的最少开展数": ("panel.count", "0", "开展了几项才能评价"),
    "视为未开展的填写": ("words", "无、否、没有、未开展、暂无", "填了这些字，算填写，不算开展；以顿号隔开"),
    "视为开展的填写": ("words", "有、是", "简短而看不出有没有开展的填写，须列在这一条或上一条"),
    "汇总方法": (f"平均|{MEDIAN}|{TRIMMED}", NEEDED, "一个阶段的各专家总分怎样成为阶段评分"),
    "截尾个数": ("panel.count", "1", "截尾平均时两头各去掉几个"),
    "两阶段合成": (f"{REPLACE}|{POOL}|{WEIGH}", NEEDED, "有会评用会评、两阶段总分放在一起、按会评权重加权"),
    "会评权重": ("panel.share", "", "加权时会评所占，如60%"),
    "评分小数位": ("0|1|2", "0", "最后四舍五入一次"),
    "重点差异：极差超过": ("panel.number", "", "同一联盟各专家总分的最大差距（分）；空着就不用这一条，下同"),
    "重点差异：组间等级不同": (YES_NO, "否", "初评与会评的等级不同"),
    "重点差异：组间相差至少": ("panel.number", "0", "等级不同而相差不到这些分的不列"),
    "提示：宽严超过": ("panel.number", "", "平均偏离多少分提请讨论"),
    "不公布评分的等级": ("grade", "", "空着就都公布"),
    "公布专家名单": (YES_NO, "否", "是否写进评分表的专家组"),
    "内部报告写明专家姓名": (YES_NO, "否", "否则只写编号"),
    "分组数": ("panel.count", "", "空着就按每组五六位专家"),
}
NUMBER, LIST = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(%?)", re.ASCII), re.compile(r"[、；;，,\n]")


def read_rules(panel: Panel) -> None:
    """Keep the rules of a workbook as values and as they are written, those that it does not have at their defaults."""
    book, items, seen = panel.books[0], {normalise(item): item for item in ITEMS}, {}
    table = book.table(RULES)
    panel.written = {item: default for item, (_, default, _) in ITEMS.items()}
    for row in (row for row in table.rows if "数值" in row) if table else ():  # not `filled`: 平均 is no row of totals here
        item, cell, name = items.get(row.word("项目")), row["数值"], shown(row["项目"])
        if row.must(item, "项目", "panel.rule_unknown", cell=name, items=[*ITEMS]) and row.once("项目", "twice.item", name, item, seen):
            text = panel.written[item] = plain(cell.value)
            good = _value(item, text, panel) is not None and cell.kind not in (ERROR, UNCALCULATED)
            row.must(good, "数值", "panel.rule", item=item, cell=shown(cell), expected=_expected(item, panel))
    panel.rules = {item: _value(item, text, panel) for item, text in panel.written.items()}
    panel.places = int(panel.rules["评分小数位"] or 0)
    needed = [item for item, text in panel.written.items() if text == NEEDED]
    weighed = panel.rules["两阶段合成"] == WEIGH and panel.rules["会评权重"] is None and "会评权重" not in seen
    for item in [*needed, *["会评权重"] * weighed]:
        book.wrong("panel.rule_missing", RULES, item=item, expected=_expected(item, panel))


def _value(item: str, text: str, panel: Panel) -> object:
    """The value of a rule, or None for what it may not be."""
    kind, word = ITEMS[item][0], normalise(text)
    if kind in ("panel.count", "panel.number", "panel.share"):
        number = (parts := NUMBER.fullmatch(word)) and Fraction(parts[1]) / (100 if parts[2] else 1)
        if number is None or (kind == "panel.share" and number > 1) or (kind == "panel.count" and number.denominator > 1):
            return None
        return int(number) if kind == "panel.count" else number
    if kind == "words":
        return [normalise(word) for word in LIST.split(text)]
    if kind == "panel.indicators":
        names = {normalise(name): name for name in panel.indicators.index}
        found = [names.get(normalise(word)) for word in re.split("[；;\n]", text) if word.strip()]
        return None if None in found else found
    if kind == "grade":
        return panel.scheme.named(text)
    return None if word not in kind.split("|") else word == YES if kind == YES_NO else word


def _expected(item: str, panel: Panel) -> Said | list[str]:
    """What a rule may be, in words."""
    kind = ITEMS[item][0]
    return Said(kind) if kind.startswith("panel.") else [*panel.scheme.labels.values()] if kind == "grade" else kind.split("|")
