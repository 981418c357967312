"""A panel as frames, one kind of row each. Headings are those that readers see; grades are ordered, worst to best."""

from __future__ import annotations

import math
from fractions import Fraction
from importlib.metadata import version

import numpy as np
import pandas as pd

from analysis.grades import BEST_FIRST, INCOMPLETE
from analysis.panel.rules import ITEMS
from analysis.panel.scores import SURE, Scores
from analysis.panel.workbook import STAGES, UNFIT, UNITS, Panel, shows
from analysis.roster import latest_codes
from analysis.shares import half_up, signed
from analysis.sheets import NOT_ENTERED

EVALUATED, NEAR = "参评", SURE
STATES = (NOT_ENTERED, INCOMPLETE, UNFIT, EVALUATED)
MADE_WITH = ("numpy", "pandas", "scipy", "papermill", "nbconvert", "typst")


def intake(panel: Panel) -> pd.DataFrame:
    """A row for each alliance of the programme, also those that 录入 does not name: 情况 (ordered), 原因, and what is blank."""
    short, names = {batch.key: batch.short for batch in panel.batches}, [i.name for i in panel.indicators]
    needed, there = panel.rules["信息完整的必填指标"], {entry.id for entry in panel.intake}
    rows = [(e.name, e.code, short[e.batch], e.state or EVALUATED, e.why, e.officer, len(e.answers),
             "、".join(name for name in needed if name not in e.answers), "、".join(name for name in names if name not in e.answers))
            for e in panel.intake]
    for id, code in latest_codes(panel.registry, panel.name).items():
        if id not in there and code[0] in short and panel.registry.there(id, panel.name):
            rows.append((panel.registry.names[id], code, short[code[0]], NOT_ENTERED, "录入表里没有", "", 0, "、".join(needed), "全部"))
    for batch in panel.batches:
        rows += [(None, None, batch.short, NOT_ENTERED, "名册没有列名", "", 0, "", "")] * (
            panel.size(batch) - sum(row[2] == batch.short for row in rows))
    frame = pd.DataFrame(rows, columns=["联盟名称", "代码", "批次", "情况", "原因", "联络员", "已填项数", "必填而空着", "空着的指标"])
    return frame.assign(批次=pd.Categorical(frame["批次"], [*short.values()], ordered=True),
                        情况=pd.Categorical(frame["情况"], STATES, ordered=True))


def chase(panel: Panel) -> pd.DataFrame:
    """The same to telephone by: by liaison officer, then by state, the worst first."""
    return intake(panel).sort_values(["联络员", "情况", "代码"], ignore_index=True)[
        ["联络员", "联盟名称", "代码", "批次", "情况", "原因", "已填项数", "必填而空着", "空着的指标"]]


def undecided(panel: Panel) -> pd.DataFrame:
    """The distinct short entries that no rule decides, the most frequent first."""
    return pd.DataFrame([(word, number, "请写进规则表") for word, number in panel.undecided.most_common()], columns=["填写", "次数", "怎样算"])


def short_entries(panel: Panel) -> pd.DataFrame:
    """The distinct entries that the words of the rules decide, with their number and what they count as."""
    from analysis.problems import normalise

    words = pd.Series([normalise(answer) for entry in panel.intake for answer in entry.answers.values()], dtype=object)
    known = words[words.isin([*panel.rules["视为未开展的填写"], *panel.rules["视为开展的填写"]])].value_counts()
    return pd.DataFrame([(word, number, "开展" if shows(word, panel.rules) else "未开展") for word, number in known.items()],
                        columns=["填写", "次数", "算作"])


def progress(panel: Panel) -> pd.DataFrame:
    """How far the marks have come: for each expert and stage the alliances that went out, came back, and are missing."""
    rows = []
    for e, expert in enumerate(panel.experts):
        row: dict[str, object] = {"专家": panel.called(expert)}
        for s, stage in enumerate(panel.stages):
            out, missing = (sum((who, when) == (e, s) for _, who, when in part) for part in (panel.assigned, panel.missing))
            row |= {f"{stage}应评": out, f"{stage}已交": out - missing, f"{stage}还缺": missing}
        rows += [row] * any(who == e for _, who, _ in panel.assigned)
    return pd.DataFrame(rows)


def listed(alliances: pd.DataFrame) -> pd.DataFrame:
    """Those on the list for the re-review, or re-reviewed without standing there, with the reasons and what was decided."""
    here = alliances[(alliances["重点差异"] != "") | (alliances["复核"] != "")].copy()
    outside = here["出界"].map({True: "（不在各专家总分的范围之内）", False: ""})
    decided = [f"复核{what}{far}：{reason}" if what else "尚无决定" for what, far, reason in zip(here["复核"], outside, here["理由"])]
    here["列入原因与决定"] = [f"{why or '未列入清单而提请复核'}。{what}" for why, what in zip(here["重点差异"], decided)]
    return here


def trace(work: Scores, alliances: pd.DataFrame) -> pd.DataFrame:
    """What every score was made from: a row for each expert's total, with the file and rows of its marks."""
    panel, settled = work.panel, alliances.set_index("id")
    places = panel.marks.groupby(["alliance", "stage", "expert"])["place"].agg(lambda rows: "、".join(dict.fromkeys(rows)))
    rows = []
    for one in work.totals.itertuples():
        entry = panel.evaluated[one.alliance]
        found, stage = settled.loc[entry.id], STAGES[one.stage]
        rows.append((entry.name, entry.code, stage, panel.groups[stage].get(entry.id, ""), panel.called(panel.experts[one.expert]),
                     one.units / UNITS, places[one.alliance, one.stage, one.expert], found[stage],
                     *found[["合成", "合成评分", "重点差异", "复核", "理由", "评分"]]))
    columns = ["联盟", "代码", "阶段", "组", "专家", "专家总分", "打分所在", "阶段评分", "合成", "取整后", "重点差异", "复核", "理由", "评分"]
    return pd.DataFrame(rows, columns=columns)


def experts(work: Scores) -> pd.DataFrame:
    """How each expert who marked used the scale, the most lenient first; missing what cannot be told.

    宽严 is the severity of the two-way model with its 95 % interval, 片 the connected part in which it can be compared.
    """
    model, totals = work.model, work.totals.groupby("expert")["units"]
    places = [*totals.groups]
    severity, reach = np.where(model.alone, np.nan, model.severity)[places], model.reach[places]
    frame = pd.DataFrame({"专家": [work.panel.called(work.panel.experts[e]) for e in places], "总分个数": totals.size().to_numpy(),
                          "平均": totals.mean().to_numpy() / UNITS, "宽严": severity, "下限": severity - reach, "上限": severity + reach,
                          "片": [f"第{part + 1}片" if part >= 0 else "—" for part in model.part[places]]})
    frame["提示"] = [hint(work.rules["提示：宽严超过"], *row) for row in frame[["宽严", "下限", "上限"]].itertuples(index=False)]
    return frame.sort_values(["片", "宽严"], ascending=[True, False], ignore_index=True)


def hint(most: float | None, severity: float, low: float, high: float) -> str:
    """What may be worth a talk: a severity beyond the rule that is surely not 0."""
    return ("偏宽" if severity > 0 else "偏严") if most is not None and abs(severity) > most and (low > 0 or high < 0) else ""


def rules(panel: Panel) -> pd.DataFrame:
    """The rules in force, as the workbook has them."""
    def shown(value: object, kind: str) -> str:
        if isinstance(value, (str, tuple)):
            return value if isinstance(value, str) else "、".join(value) or "没有"
        return "不用" if value is None else f"{float(100 * value):g}%" if kind == "share" else f"{float(value):g}"

    return pd.DataFrame([(item, shown(panel.rules[item], kind)) for item, (kind, *_) in ITEMS.items()], columns=["项目", "数值"])


def provenance(panel: Panel, digest: str) -> pd.DataFrame:
    """What the report was made from, and by which methods."""
    floors = "，".join(f"{panel.scheme.labels[g]}≥{panel.scheme.floors[g]:g}" for g in BEST_FIRST)
    return pd.DataFrame({
        "评分过程": f"panel/{panel.path.name}和交回的各个文件，SHA-256 {digest}", "等级方案": f"{panel.scheme.declared}：{floors}",
        "宽严模型": "专家总分＝联盟在该阶段＋专家＋残差，最小二乘；每一片内宽严之和为0；复核另定了评分的联盟不用",
        "标准误与把握": "专家的离散（宽严与残差的方差之和，Henderson第三法）按汇总规则折算；把握是另一组同样的专家给出同一等级的概率，"
                  "两组都有误差，相差的标准差是标准误的√2倍",
        "制作工具": "，".join(f"{name} {version(name)}" for name in MADE_WITH)}.items(), columns=["项目", "内容"])


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


def interval(frame: pd.DataFrame) -> list[str]:
    """The two ends of an interval of changes: `−0.65 至 +2.03`."""
    return [f"{number(a, '+2')} 至 {number(b, '+2')}" if math.isfinite(a) else "—" for a, b in zip(frame["下限"], frame["上限"])]
