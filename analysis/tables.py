"""Data -> the tables of a report."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version

from analysis.alliances import read_csv
from analysis.blocks import Table
from analysis.breakdown import EVALUATED, OWN_BATCH, OWN_BATCH_EVALUATED, UNPUBLISHED, Numbers
from analysis.grades import GRADES, INCOMPLETE
from analysis.problems import DataError, Problem
from analysis.sheets import Alliance, Period

WITHHELD = "未公布"
MADE_WITH = ("papermill", "nbconvert", "pandas", "matplotlib", "typst")


def indicators(period: Period) -> Table:
    """The second-level indicators under their first-level ones, from `registry/indicators.csv`."""
    problems: list[Problem] = []
    lines = read_csv(period.data / "registry" / "indicators.csv", ("pillar", "indicator", "looked_at"), ("indicator",), problems)
    if problems:
        raise DataError(problems)
    numbers = Counter(line["pillar"] for line in lines)
    rows: list[list[str] | str] = []
    for place, line in enumerate(lines, start=1):
        heading = f"{line['pillar']}（{numbers[line['pillar']]}项）"
        if heading not in rows:
            rows.append(heading)
        rows.append([str(place), line["indicator"], line["looked_at"]])
    caption = f"评价指标：一级指标{len(numbers)}项，二级指标{len(lines)}项"
    return Table("indicators", caption, ["序号", "二级指标", "考察什么"], rows, "cll", stretch=2)


def grades(numbers: Numbers) -> Table:
    """The four grades with their scores."""
    rows = [[numbers.scheme.labels[grade], numbers.scheme.span(grade)] for grade in GRADES]
    return Table("grades", "等级与评分范围", ["等级", "评分"], rows, "ll", stretch=1)


def ladder(numbers: Numbers) -> Table:
    """From registered to evaluated, by batch; what nobody published reads 未公布."""
    ladder = numbers.ladder()
    rows = [[name, *(UNPUBLISHED if count is None else str(count) for count in steps.values()),
             numbers.share(f"{name} {EVALUATED}", name).percent] for name, steps in ladder]
    columns = ["批次", "登记", "录入信息", INCOMPLETE, "参评", "未参评", "参评占登记"]
    return Table("ladder", "各批次从登记到参评", columns, rows, "lrrrrrr")


def members(numbers: Numbers) -> Table:
    """The grades of the network members, who are too few for a pie; empty where there are none."""
    groups = numbers.by_grade("网员联盟", OWN_BATCH).groups if numbers.has_members else ()
    rows = [[g.label, str(g.count), g.share.percent,
             numbers.share(g.share.what, OWN_BATCH_EVALUATED).percent if g.key in GRADES else "—"] for g in groups]
    return Table("members", "协发网网员联盟的等级", ["等级", "联盟数", "占登记的网员联盟", "占参评的网员联盟"], rows, "lrrr")


def scores(numbers: Numbers) -> Table:
    """Every evaluated alliance under its grade, as the annex has them, with its rank."""
    frame = numbers.ranks()
    rows: list[list[str] | str] = []
    for grade in GRADES:
        here = frame[frame["grade"] == grade].sort_values("score", ascending=False, kind="stable")
        label = numbers.scheme.labels[grade]
        rows.append(f"{label}的联盟（共{len(here)}家）")
        rows += [["—" if row.score != row.score else f"{row.rank:.0f}", row.name_, row.code,
                  WITHHELD if row.score != row.score else f"{row.score:g}", label]
                 for row in here.rename(columns={"name": "name_"}).itertuples()]
    note = "名次按评分从高到低排列；评分相同的名次相同，其后的名次顺延。代码首位为批次（D为协发网网员联盟）。"
    if numbers.withheld():
        note += f"{numbers.scheme.labels[GRADES[-1]]}联盟的评分没有公布，不排名次。"
    return Table("scores", "联盟活跃度评分", ["名次", "联盟名称", "代码", "评分", "等级"], rows, "rlcrl", stretch=1, search=True,
                 note=note)


def absent(period: Period) -> Table:
    """The alliances named as not evaluated; empty where the sheet names none."""
    rows = [[str(i), a.name, a.code, a.state] for i, a in enumerate(period.absent, start=1)]
    return Table("absent", "具名的未参评联盟", ["序号", "联盟名称", "代码", "情况"], rows, "rlcl", stretch=1)


def a_level(period: Period) -> Table:
    """The A-level list; empty where there is none."""
    rows = [[str(i), a.name, a.code] for i, a in enumerate(period.a_level, start=1)]
    return Table("a-level", "A级活跃度联盟", ["序号", "联盟名称", "代码"], rows, "rlc", stretch=1)


def experts(period: Period) -> Table:
    """The panel by role, in the order of the sheet; empty where it is not published."""
    rows: list[list[str] | str] = []
    for role, name, post in period.experts:
        heading = f"{role}（{sum(r == role for r, *_ in period.experts)}位）"
        if heading not in rows:
            rows.append(heading)
        rows.append([name, post])
    return Table("experts", "评价专家组", ["姓名", "单位及职务"], rows, "ll", stretch=1)


def totals(period: Period) -> Table:
    """What the alliances did in the period, as the sheet 活动汇总 adds it up; empty where there is none."""
    rows = [[item, f"{number:g}", unit] for item, (number, unit) in period.totals.items()]
    return Table("totals", "协同创新活动汇总", ["项目", "数值", "单位"], rows, "lrl")


def doubtful(period: Period) -> Table:
    """The alliances of the sheet that the registry knows under another name or a doubtful code."""
    named: list[Alliance] = [*period.evaluated, *period.absent]
    rows = [[a.name, a.code, period.registry.names[a.id], "代码存疑" if a.how == "decided" else "名称不同"]
            for a in named if a.how in ("alias", "decided")]
    return Table("doubtful", "名称或代码与联盟名录不一致的联盟", ["本期名称", "本期代码", "名录中的名称", "情况"], rows, "lcll",
                 stretch=[0, 2])


def provenance(numbers: Numbers) -> Table:
    """What the report was made from and by which rules."""
    period = numbers.period
    own = "" if numbers.scheme.declared == period.name else "（本期没有自己的方案，沿用最近一期）"
    floors = "，".join(f"{numbers.scheme.labels[g]}≥{numbers.scheme.floors[g]:g}" for g in GRADES)
    rows = [
        ["评分表", period.path.name],
        ["SHA-256", period.sha256],
        ["等级方案", f"{numbers.scheme.declared}{own}：{floors}"],
        ["取整规则", "占比按精确分数计算，显示时四舍五入，保留两位小数；各项不强行凑成100%"],
        ["分母", "每个占比都写明分母；登记数取自批次名册（registry/batches.csv）"],
        ["制作工具", "，".join(f"{name} {version(name)}" for name in MADE_WITH)],
    ]
    return Table("provenance", "数据来源与规则", ["项目", "内容"], rows, "ll", stretch=1)
