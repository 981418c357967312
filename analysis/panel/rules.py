"""The sheet 规则 of a panel: which rules there are, what each may be, and what it does."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from analysis import period
from analysis.registry import normalise
from analysis.tables import Row, plain, shown
from analysis.workbook import ERROR, UNCALCULATED

if TYPE_CHECKING:
    from analysis.panel.workbook import Panel, PanelBook

INDICATORS, RULES = "指标", "规则"
MEAN, MEDIAN, TRIMMED = "平均", "中位数", "截尾平均"
REPLACE, POOL, WEIGH = "替代", "合并", "加权"
YES, NO, REAL = "是", "否", "正式数据"
NEEDED = object()
ITEMS: dict[str, tuple[str, object, str]] = {  # what a rule holds, what it is where the workbook does not say, what it does
    period.NATURE: (f"{REAL}|{period.SIMULATED}", REAL, "模拟数据的每一页都注明"),
    "录入信息的最少填写数": ("count", 1, "填了几项才算录入"),
    "信息完整的最少填写数": ("count", NEEDED, "填了几项才算完整"),
    "信息完整的必填指标": ("indicators", (), "缺了就不完整；写指标的名称，以顿号隔开"),
    "可评价的最少开展数": ("count", 0, "开展了几项才能评价"),
    "视为未开展的填写": ("words", ("无", "否", "没有", "未开展", "暂无"), "填了这些字，算填写，不算开展；以顿号隔开"),
    "视为开展的填写": ("words", ("有", "是"), "简短而看不出有没有开展的填写，须列在这一条或上一条"),
    "汇总方法": (f"{MEAN}|{MEDIAN}|{TRIMMED}", NEEDED, "一个阶段的各专家总分怎样成为阶段评分"),
    "截尾个数": ("count", 1, "截尾平均时两头各去掉几个"),
    "两阶段合成": (f"{REPLACE}|{POOL}|{WEIGH}", NEEDED, "有会评用会评、两阶段总分放在一起、按会评权重加权"),
    "会评权重": ("share", None, "加权时会评所占，如60%"),
    "评分小数位": ("count", 0, "最后四舍五入一次"),
    "重点差异：极差超过": ("number", None, "同一联盟各专家总分的最大差距（分）；空着就不用这一条，下同"),
    "重点差异：组间等级不同": (f"{YES}|{NO}", NO, "初评与会评的等级不同"),
    "重点差异：组间相差至少": ("number", 0, "等级不同而相差不到这些分的不列"),
    "重点差异：残差超过标准差": ("number", None, "扣除联盟和专家之后"),
    "提示：宽严超过": ("number", None, "平均偏离多少分提请讨论"),
    "不公布评分的等级": ("grade", None, "空着就都公布"),
    "公布专家名单": (f"{YES}|{NO}", NO, "是否写进评分表的专家组"),
    "内部报告写明专家姓名": (f"{YES}|{NO}", NO, "否则只写编号"),
    "分组数": ("count", None, "空着就按每组五六位专家"),
}
MOST = {"评分小数位": 2, "分组数": 50}
COMPLETENESS = ("录入信息的最少填写数", "信息完整的最少填写数", "信息完整的必填指标", "可评价的最少开展数", "视为未开展的填写", "视为开展的填写")
SHARE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(%?)", re.ASCII)
LIST = re.compile(r"[、；;，,\n]")


def read_rules(book: PanelBook, panel: Panel) -> None:
    panel.rules = {item: default for item, (_, default, _) in ITEMS.items() if default is not NEEDED}
    if (table := book.table(RULES)) is None:
        book.wrong_rules.update(ITEMS)
        return
    items, seen, rows = {normalise(item): item for item in ITEMS}, {}, {}
    for row in table.rows:
        item, cell = items.get(row.word("项目")), row["项目"]
        if "项目" not in row:
            row.must("数值" not in row, "项目", "项目 blank", f"项目 is blank beside {shown(row['数值'])}; fill it in")
        elif row.must(item, "项目", "rule unknown", f"rule {shown(cell)} is not one of {'、'.join(ITEMS)}") \
                and row.once("项目", "rule twice", f"rule {shown(cell)}", item, seen):
            rows[item] = row
            _read_rule(book, panel, item, row)
    for item in (item for item in ITEMS if item not in panel.rules and item not in rows):
        book.wrong("rule missing", f"has no rule {item}; add a row with it ({_expected(item)})", RULES, level=1)
        book.wrong_rules.add(item)
    if panel.rules.get("两阶段合成") == WEIGH and panel.rules["会评权重"] is None and "会评权重" not in book.wrong_rules:
        rows["两阶段合成"].wrong("数值", "rule missing", f"两阶段合成 is {WEIGH} and there is no 会评权重; add a row with a share like 60%, or "
                            f"join the stages by {REPLACE} or {POOL}")


def _expected(item: str) -> str:
    return ITEMS[item][0].replace("|", ", ")


def _read_rule(book: PanelBook, panel: Panel, item: str, row: Row) -> None:
    """Keep the value of a rule that is filled in, or note what is wrong with it."""
    value, cell = None, row["数值"]
    if cell.value is None:
        if item in panel.rules:
            return
        row.wrong("数值", "rule missing", f"the rule {item} is blank; write {_expected(item)}")
    elif cell.kind in (ERROR, UNCALCULATED):
        row.text("数值", item)
    else:
        try:
            value = _value(book, panel, item, row)
        except ValueError as expected:
            row.wrong("数值", "rule value", f"{item} {shown(cell)} is not {expected}")
    if value is None:
        book.wrong_rules.add(item)
    else:
        panel.rules[item] = value


def _value(book: PanelBook, panel: Panel, item: str, row: Row) -> object:
    """The value of a rule, or None with the problem noted. Raises ValueError with what it must be."""
    kind, word = ITEMS[item][0], row.word("数值")
    if kind in ("count", "number"):
        value, most = row.number("数值", item, "write a number from 0", whole=kind == "count"), MOST.get(item)
        return _fit(value, value is None or 0 <= value <= (value if most is None else most),
                    "a number from 0" + (f" to {most}" if most else ""))
    if kind == "share":
        parts = SHARE.fullmatch(word)
        share = Fraction(parts[1]) / (100 if parts[2] else 1) if parts else Fraction(2)
        return _fit(share, share <= 1, "a share like 60% or 0.6")
    if kind == "words":
        return tuple(normalise(word) for word in LIST.split(plain(row["数值"].value)) if word.strip())
    if kind == "indicators":
        return _indicators(book, panel, word)
    if kind == "grade":
        grade = panel.scheme.named(word)
        return _fit(grade, grade, f"one of {'、'.join(panel.scheme.labels.values())}")
    return _fit(word, word in kind.split("|"), f"one of {kind.replace('|', '、')}")


def _fit(value: object, holds: object, expected: str) -> object:
    if not holds:
        raise ValueError(expected)
    return value


def _indicators(book: PanelBook, panel: Panel, left: str) -> tuple[str, ...]:
    """Names of indicators; a name may itself hold the sign that parts two names."""
    found = []
    for indicator in sorted(panel.indicators, key=lambda i: -len(i.name)):
        if normalise(indicator.name) in left:
            left = left.replace(normalise(indicator.name), "")
            found.append(indicator.name)
    unknown = [word for word in LIST.split(left) if word.strip()]
    return _fit(tuple(found), not unknown or book.wrong_in(INDICATORS),
                f"made of names of the sheet {INDICATORS} ({'、'.join(unknown)} is none)")
