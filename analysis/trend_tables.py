"""What changed between periods -> the tables of the trend report."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from analysis import trends
from analysis.alliances import Registry, short
from analysis.blocks import Several, Table, Text
from analysis.breakdown import EVALUATED, HAS_ENTERED, UNPUBLISHED, Numbers, gained, p_value, percent, signed
from analysis.grades import GRADES, HIGH, INCOMPLETE, NOT_EVALUATED, NOT_YET_REGISTERED
from analysis.sheets import Period
from analysis.trend_charts import FEW_PERIODS, spark
from analysis.trends import STATES, Pair, Panel

NEAREST = 2
NOBODY = "没有这样的联盟"
ALL_PLAIN = "没有需要说明的：代码和名称都相同"


def periods(numbers: Sequence[Numbers]) -> Table:
    """What each period is: dates, months, who could and who did take part, what is withheld."""
    rows = [[n.period.name, f"{n.period.start}—{n.period.end}", str(n.period.months), str(n.count(n.everyone)),
             str(n.count(EVALUATED)), str(n.withheld()), n.scheme.declared] for n in numbers]
    return Table("periods", "各评价期", ["评价期", "起止", "月数", "登记", "参评", "评分未公布", "等级方案"], rows, "llrrrrl")


def ladder(numbers: Sequence[Numbers]) -> Table:
    """The ladder of every batch in every period."""
    rows: list[list[str] | str] = []
    for n in numbers:
        rows.append(n.period.name)
        rows += [[name, *(UNPUBLISHED if c is None else str(c) for c in steps.values())] for name, steps in n.ladder()]
    columns = ["批次", "登记", HAS_ENTERED, INCOMPLETE, "参评", "未参评"]
    return Table("ladder", "各期各批次从登记到参评", columns, rows, "lrrrrr")


def flows(panel: Panel) -> Table:
    """Who stayed, came, left and returned, for each pair."""
    rows = []
    for pair in panel.pairs:
        f = trends.flow(panel, pair)
        rows.append([f"{pair.earlier} → {pair.later}", str(len(f.stayers) + len(f.leavers)), str(len(f.stayers)),
                     str(len(f.leavers)), str(len(f.entrants)), str(len(f.returned)), str(len(f.stayers) + len(f.entrants))])
    columns = ["评价期", "前期参评", "留下", "离开", "新来", "其中重返", "后期参评"]
    return Table("flows", "参评联盟的去留", columns, rows, "lrrrrrr")


def comings_and_goings(panel: Panel, pair: Pair) -> Table:
    """Everyone who came, returned or left, by name."""
    f = trends.flow(panel, pair)
    before, after = f"参加{pair.earlier}", f"参加{pair.later}"
    groups = {f"离开：{before}，没有{after}": f.leavers, f"新来：{after}，没有{before}": [i for i in f.entrants if i not in f.returned],
              f"重返：{after}，没有{before}，更早参评过": f.returned}
    rows: list[list[str] | str] = []
    for what, ids in groups.items():
        if ids:
            rows.append(f"{what}（{len(ids)}家）")
        rows += [[name, str(panel.states.at[i, pair.earlier]), str(panel.states.at[i, pair.later])]
                 for i, name in zip(ids, panel.names(ids))]
    caption = f"{pair.earlier}与{pair.later}中只参加一期的联盟"
    return Table("comings-and-goings", caption, ["联盟名称", pair.earlier, pair.later], rows, "lll", stretch=0)


def matching(sheets: Sequence[Period]) -> Table:
    """How the alliances of neighbouring sheets were matched: all that were not plain, and how many were."""
    frame = trends.matching(sheets)
    several = len(sheets) > 2
    matched_by = {trends.CODE: "代码相同，名称不同", trends.NAME: "名称相同，代码不同", trends.ALIAS: "名称和代码都不同，由别名对应",
                  trends.DECIDED: "代码存疑，由名册裁定"}
    rows: list[list[str] | str] = []
    for how, words in matched_by.items():
        here = frame[frame["how"] == how]
        if len(here):
            rows.append(f"{words}（{len(here)}{'次' if several else '家'}）")
        rows += [[*([f"{r.from_period} → {r.to_period}"] if several else []), r.name_before, r.code_before, r.name_after, r.code_after]
                 for r in here.itertuples()]
    plain = int((frame["how"] == trends.BOTH).sum())
    note = f"其余{plain}{'次对应' if several else '家'}的代码和名称都相同。" if rows else ""
    columns = [*(["评价期"] if several else []), "前期名称", "前期代码", "后期名称", "后期代码"]
    return Table("matching", "前后两期是怎样对应起来的", columns, rows or ([ALL_PLAIN] if len(frame) else []), "l" * several + "lclc",
                 stretch=[1, 3] if several else [0, 2], note=note)


def transitions(panel: Panel, pair: Pair, key: str, matched: bool = False) -> Table:
    """The transition matrix: count and share of the row."""
    table = trends.transitions(panel, pair, matched)
    states = list(GRADES if matched else STATES)
    rows = []
    for before in states:
        total = int(table.loc[before].sum())
        if total:
            rows.append([before, str(total), *(f"{n}（{percent(Fraction(int(n), total), 1)}）" if n else "0"
                                               for n in table.loc[before, states])])
    whom = "两期都参评的联盟" if matched else "全部具名的联盟"
    return Table(key, f"{pair.earlier}（行）到{pair.later}（列）的转移：{whom}", [pair.earlier, "合计", *states], rows,
                 "l" + "r" * (len(states) + 1), stretch=list(range(2, len(states) + 2)), note="括号内为占该行合计的比例。")


def earlier_transitions(panel: Panel) -> Several:
    """The matrices of the pairs before the last; none with two periods."""
    return Several([transitions(panel, pair, f"transitions-{pair.later}") for pair in panel.pairs[:-1]])


def big_moves(panel: Panel, pair: Pair) -> Table:
    """Who moved two grades or more."""
    moves = trends.moves(panel, pair)
    ids = sorted(moves.index[moves.abs() >= 2], key=lambda i: (-moves[i], i))
    rows = [[panel.about.at[i, "name"], str(panel.states.at[i, pair.earlier]), str(panel.states.at[i, pair.later]),
             signed(int(moves[i]), 0)] for i in ids]
    return Table("big-moves", "变动两档及以上的联盟", ["联盟名称", pair.earlier, pair.later, "变动档数"], rows or [NOBODY], "lllr", stretch=0)


def _rank(rank: float, unknown: str = "—") -> str:
    return f"{rank:.0f}" if rank == rank else unknown


def ranks(panel: Panel, pair: Pair, most: int = 10) -> Table:
    """The largest changes of rank among those scored in both."""
    frame = trends.matched_scores(panel, pair)
    order = frame.sort_values(["rank_change", "after"], ascending=[False, False], kind="stable")
    shown = {"上升最多": order[order["rank_change"] > 0][:most], "下降最多": order[order["rank_change"] < 0][::-1][:most]}
    rows: list[list[str] | str] = []
    for what, here in shown.items():
        if len(here):
            rows.append(what)
        rows += [[r.name_, _rank(r.rank_before), _rank(r.rank_after), f"{r.place_before:.0f}", f"{r.place_after:.0f}",
                  signed(int(r.rank_change), 0)] for r in here.rename(columns={"name": "name_"}).itertuples()]
    records = [{"id": i, "name": r["name"], "rank_before": _rank(r["rank_before"], ""), "rank_after": _rank(r["rank_after"], ""),
                "place_before": int(r["place_before"]), "place_after": int(r["place_after"])} for i, r in order.iterrows()]
    columns = ["联盟名称", pair.earlier, pair.later, f"组内{pair.earlier}", f"组内{pair.later}", "组内变化"]
    note = (f"前两列是在当期全部参评者中的名次（评分未公布的按等级排在前后，同档有未公布的不排），“组内”只在两期都有评分的"
            f"{len(frame)}家中排；评分相同的名次相同，其后顺延。全部{len(frame)}家的名次见ranks.csv。")
    return Table("ranks", "名次变化最大的联盟", columns, rows or [NOBODY], "lrrrrr", stretch=0, note=note, records=records)


def high_shares(panel: Panel, batches: dict[str, str]) -> Table:
    """The share of 活跃度高 with its Wilson interval, by batch and period."""
    rows: list[list[str] | str] = []
    for period in panel.periods:
        here = panel.of(period)
        rows.append(period)
        for key, name in [*batches.items(), ("", "全部")]:
            group = here if not key else here[here["batch"] == key]
            if len(group):
                e = trends.wilson(int((group["grade"] == HIGH).sum()), len(group))
                rows.append([name, str(e.whole), str(e.part), percent(e.share), f"{100 * e.low:.1f}%—{100 * e.high:.1f}%"])
    return Table("high-shares", "活跃度高占参评联盟的比例及95%区间", ["批次", "参评", "活跃度高", "占比", "95%区间"], rows, "lrrrr")


def tests(panel: Panel) -> Table:
    """Whether batches differ: in who took part again, and in their grades."""
    entries = [(f"{p.earlier}参评者在{p.later}是否再次参评，各批次有无差别", len(panel.of(p.earlier)), trends.participation(panel, p, "batch"))
               for p in panel.pairs]
    entries += [(f"{p}各批次的等级构成有无差别", len(panel.of(p)), trends.grade_by_batch(panel, p)) for p in panel.periods]
    rows = [[what, str(n), p_value(a.p), f"{a.v:.2f}", a.verdict] if a else [what, str(n), "—", "—", "无法检验（有一边只有一类）"]
            for what, n, a in entries]
    note = f"检验为卡方统计量的蒙特卡罗模拟（固定两边合计，{trends.RESAMPLES}次，固定种子）；V为克拉默系数，0为毫无关联，1为完全对应。"
    note += f"这里共有{len(rows)}项检验，即使毫无差别，每二十项中也会有一项碰巧显得有差异。"
    return Table("tests", "批次之间的差别", ["问题", "联盟数", "p", "V", "结论"], rows, "lrrrl", stretch=0, note=note)


def near_cutoffs(panel: Panel, scheme, period: str) -> Table:
    """Who stands within two points of a cut-off."""
    frame = trends.near_cutoffs(panel, scheme, period, NEAREST)
    rows: list[list[str] | str] = []
    for cutoff, here in frame.groupby("cutoff", sort=False):
        rows.append(f"{cutoff:g}分线上下（{len(here)}家）")
        rows += [[r.name_, f"{r.score:.10g}", gained(r.distance)]
                 for r in here.rename(columns={"name": "name_"}).itertuples()]
    caption = f"{period}离分档线不超过{NEAREST}分的联盟"
    return Table("near-cutoffs", caption, ["联盟名称", "评分", "离分档线"], rows or [NOBODY], "lrr", stretch=0)


def regraded(panel: Panel, pair: Pair) -> Several:
    """The earlier period under the later scheme and the reverse; nothing where the floors are the same."""
    tables = []
    for own, other in ((pair.earlier, pair.later), (pair.later, pair.earlier)):
        table = trends.regraded(panel, own, panel.schemes[own], panel.schemes[other])
        if table is not None:
            columns = [c for c in table.columns if c != trends.UNDECIDED or table[c].any()]
            rows = [[g, *(str(n) for n in table.loc[g, columns])] for g in GRADES]
            note = f"“{trends.UNDECIDED}”的评分没有公布，只知道原来的等级。" if trends.UNDECIDED in columns else ""
            tables.append(Table(f"regraded-{own}", f"{own}的等级（行）按{other}的方案重分（列）", ["原来的等级", *columns], rows,
                                "l" + "r" * len(columns), note=note))
    return Several(tables)


def claims(sheets: Sequence[Period], panel: Panel) -> Table:
    """The published claims about streaks, each confirmed, refuted or not to be verified."""
    rows: list[list[str] | str] = []
    for c in trends.claims(sheets, panel):
        heading = f"{c.period}报告：{c.what}"
        if heading not in rows:
            rows.append(heading)
        why = {"不符": c.against, "没有评分表": [p for p in c.needed if p not in panel.unchosen],
               "没有选入": [p for p in c.needed if p in panel.unchosen], "评分未公布": c.withheld}
        if c.verdict == trends.REFUTED:
            why = {"不符": c.against}
        reasons = [f"{'、'.join(periods)}{what}" for what, periods in why.items() if periods]
        reasons += [f"到{c.period}只举行过{c.held}期"] if c.held is not None else []
        rows.append([panel.about.at[c.id, "name"], c.verdict, "；".join(reasons) or "各期都符合"])
    return Table("claims", "公布的连续记录", ["联盟名称", "核对", "依据"], rows, "lll", stretch=[0, 2])


def a_level(sheets: Sequence[Period], panel: Panel) -> Table:
    """The A-level list as far as the sheets let it be computed."""
    records = trends.a_level(panel, sheets[-1].registry)
    rows = [[r["name"], r["code"], f"{r['from_period']}—{r['to_period']}"] for r in records]
    return Table("a_level", "由评分表算出的A级联盟", ["联盟名称", "代码", "三个评价期"], rows, "lcl", stretch=0, records=records,
                 fields=["id", "name", "code", "from_period", "to_period"])


def everyone(panel: Panel, batches: dict[str, str], registry: Registry) -> Table:
    """Every alliance with its whole history, to search (also by its aliases) and to sort; the panel is saved with it."""
    frame = panel.frame
    by_id = dict(list(frame.groupby("id", sort=False)))
    last = panel.periods[-1]
    order = frame[frame["period"] == last].sort_values(["rank", "state", "id"], na_position="last")["id"]
    wide = len(panel.periods) > FEW_PERIODS
    signs = {INCOMPLETE: "缺", NOT_EVALUATED: "—", NOT_YET_REGISTERED: "·"} if wide else {}
    aliases: dict[str, list[str]] = {}
    for alias, i in registry.aliases.items():
        aliases.setdefault(i, []).append(alias)
    rows, also = [], []
    for i in order:
        here = by_id[i]
        cells = [f"{r.score:.10g}" if r.score == r.score else ("密" if wide else "未公布") if r.state in GRADES
                 else signs.get(r.state, r.state) for r in here.itertuples()]
        code = next((c for c in reversed(list(here["code"])) if isinstance(c, str)), "—")
        name, batch = panel.about.loc[i, ["name", "batch"]]
        about = [short(name), code] if wide else [name, code, batches.get(batch, "")]
        rows.append([*about, *cells, spark(panel, i)])
        also.append(" ".join([*([name] if wide else []), *aliases.get(i, [])]))
    records = [{"id": r.id, "name": r.name_, "period": r.period, "batch": r.batch, "code": r.code if isinstance(r.code, str) else "",
                "score": f"{r.score:.10g}" if r.score == r.score else "", "grade": r.grade if isinstance(r.grade, str) else "",
                "rank": f"{r.rank:.0f}" if r.rank == r.rank else "", "state": r.state}
               for r in frame.rename(columns={"name": "name_"}).itertuples()]
    note = "走势图中实心点为公布的评分，颜色为等级；空心点为评分未公布；短横为没有参评。"
    if wide:
        note += "“密”为评分未公布，“缺”为信息不完整，“—”为未参评，“·”为未登记；名称略去了共同的后缀。"
    columns = ["联盟名称", "代码", *([] if wide else ["批次"]), *panel.periods, "走势"]
    align = ("lc" if wide else "lcl") + "r" * len(panel.periods) + "c"
    return Table("panel", "各联盟历次评价", columns, rows, align, stretch=0, search=True, note=note, records=records, also=also)


def history(panel: Panel, sheets: Sequence[Period], who: str) -> Several:
    """One alliance: its name, its history, and its peers."""
    id = trends.find(panel, sheets[-1].registry, who)
    rows = []
    for r in trends.history(panel, sheets, who).itertuples():
        known = r.score == r.score
        rows.append([r.period, str(r.state), r.code if isinstance(r.code, str) else "—", f"{r.score:.10g}" if known else "—",
                     f"{_rank(r.rank)}/{r.of}" if known else "—", f"{_rank(r.place_in_batch)}/{r.batch_size}" if known else "—",
                     f"{r.to_next_grade:.10g}" if r.to_next_grade == r.to_next_grade and r.to_next_grade is not None else "—"])
    columns = ["评价期", "状态", "代码", "评分", "名次", "本批次名次", "距上一档"]
    nearest = trends.peers(panel, sheets, who)
    near = [[r.name_, f"{r.score:.10g}", str(r.grade), gained(r.distance)] for r in nearest.rename(columns={"name": "name_"}).itertuples()]
    name = panel.about.at[id, "name"]
    caption = f"{nearest['period'].iloc[0]}同批次中评分最接近的联盟" if near else "同批次中评分最接近的联盟"
    return Several([Text(f"**{name}**（{id}）"), Table("history", f"{name}历次评价", columns, rows, "lllrrrr"),
                    Table("peers", caption, ["联盟名称", "评分", "等级", "相差"], near, "lrlr", stretch=0)])


def sources(sheets: Sequence[Period]) -> Table:
    """The workbooks that the report was made from."""
    rows = [[s.path.name, s.sha256] for s in sheets]
    return Table("sources", "所用的评分表", ["评分表", "SHA-256"], rows, "ll", stretch=1)
