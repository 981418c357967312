"""The methods of the trend on panels that are worked out on paper, and on the two real periods."""

import csv
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import openpyxl
import pandas as pd
import pytest
from workbooks import lines

from analysis import registry, trends
from analysis.grades import GRADES, INCOMPLETE, NOT_EVALUATED, NOT_YET_REGISTERED, Scheme
from analysis.trends import STATES, Pair

HIGH, FAIRLY, FAIR, LOW = GRADES
NOT_ENTERED = "未录入"
SCHEME = Scheme("2017", dict(zip(GRADES, GRADES)), dict(zip(GRADES, (85.0, 70.0, 50.0, 0.0))))
LOWER = Scheme("2013", SCHEME.labels, dict(zip(GRADES, (80.0, 60.0, 40.0, 0.0))))
PAIR = Pair("2017", "2018")


def small(table: dict[str, tuple], periods: tuple[str, ...] = PAIR, late: dict[str, int] | None = None) -> trends.Panel:
    """A panel from a line an alliance: a score, a grade (its score is withheld), 信息不完整, 未录入, or None (not named).

    The first letter of the id is the batch, `late` says in which of the periods a batch joins; the code is the id.
    """
    cells = [(id, p, cell) for id, line in table.items() for p, cell in zip(periods, line, strict=True) if cell is not None]
    scored = [(i, p, i, c if isinstance(c, (int, float)) else None, SCHEME.grade(c) if isinstance(c, (int, float)) else c)
              for i, p, c in cells if c not in (INCOMPLETE, NOT_ENTERED)]
    absent = [(i, p, i, c) for i, p, c in cells if c in (INCOMPLETE, NOT_ENTERED)]
    joined = [(b, p, n >= (late or {}).get(b, 0)) for b in sorted({i[0] for i in table}) for n, p in enumerate(periods)]
    return trends.from_frames(
        pd.DataFrame([(i, f"{i}联盟", i[0]) for i in table], columns=["id", "name", "batch"]),
        pd.DataFrame(scored, columns=["id", "period", "code", "score", "grade"]).astype({"score": float}),
        pd.DataFrame(absent, columns=["id", "period", "code", "named"]),
        pd.DataFrame(joined, columns=["batch", "period", "registered"]), periods)


# Five stay (1a, 1b, 1c, 2d, 2e), two leave (2f, 3g), two come (3h, 4j), one is absent twice (3i); batch 4 joins in 2018.
PAPER = small({"1a": (90, 80), "1b": (75, 90), "1c": (75, 60), "2d": (60, LOW), "2e": (40, 95), "2f": (55, INCOMPLETE),
               "3g": (30, None), "3h": (None, 72), "3i": (INCOMPLETE, NOT_ENTERED), "4j": (None, 88)}, late={"4": 1})


@pytest.fixture(scope="module")
def real() -> list:
    return trends.read()


@pytest.fixture(scope="module")
def registry(real) -> registry.Registry:
    return real[-1].registry


def write(data, period: str, marks: list[tuple]) -> None:
    """A score sheet of names, codes, scores, and grades where a score is withheld."""
    book = openpyxl.Workbook()
    scores, facts = book.active, book.create_sheet("评价期")
    scores.title = "评分表"
    for line in [("序号", "联盟名称", "批次", "评分", "等级"), *((n, *mark) for n, mark in enumerate(marks, start=1))]:
        scores.append(line)
    for line in [("项目", "数值"), ("开始日期", f"{period}-01-01"), ("结束日期", f"{period}-12-31")]:
        facts.append(line)
    book.save(data / "score_sheets" / f"{period}.xlsx")


def test_states():
    assert list(PAPER.states["2017"]) == [HIGH, FAIRLY, FAIRLY, FAIR, LOW, FAIR, LOW, NOT_EVALUATED, INCOMPLETE, NOT_YET_REGISTERED]
    assert list(PAPER.states["2018"]) == [FAIRLY, HIGH, FAIR, LOW, HIGH, INCOMPLETE, NOT_EVALUATED, FAIRLY, NOT_EVALUATED, HIGH]
    assert list(PAPER.frame.columns) == ["id", "name", "period", "batch", "code", "score", "grade", "rank", "state"]
    withheld = PAPER.frame[(PAPER.frame["id"] == "2d") & (PAPER.frame["period"] == "2018")].iloc[0]
    assert withheld["grade"] == LOW and np.isnan(withheld["score"]) and np.isnan(withheld["rank"])
    assert PAPER.frame.set_index(["id", "period"])["code"]["3i", "2017"] == "3i", "who is named as absent has a code too"
    with pytest.raises(ValueError, match="evaluated twice in one period"):
        small({"1a": (90, 80)}, ("2017", "2017"))
    scored = pd.DataFrame([("1a", "2017", "1a", 90.0, HIGH)], columns=["id", "period", "code", "score", "grade"])
    nobody = {"who": ["id", "name", "batch"], "absent": ["id", "period", "code", "named"], "joined": ["batch", "period", "registered"]}
    with pytest.raises(ValueError, match="1a is evaluated but not among the alliances"):
        trends.from_frames(scored=scored, periods=PAIR, **{key: pd.DataFrame(columns=columns) for key, columns in nobody.items()})


def test_transitions_and_flow():
    moved = {(HIGH, FAIRLY): 1, (FAIRLY, HIGH): 1, (FAIRLY, FAIR): 1, (FAIR, LOW): 1, (LOW, HIGH): 1}  # 1a 1b 1c 2d 2e
    others = {(FAIR, INCOMPLETE): 1, (LOW, NOT_EVALUATED): 1, (NOT_EVALUATED, FAIRLY): 1,  # 2f, 3g, 3h
              (INCOMPLETE, NOT_EVALUATED): 1, (NOT_YET_REGISTERED, HIGH): 1}  # 3i, 4j
    table, matched = trends.transitions(PAPER, PAIR), trends.transitions(PAPER, PAIR, matched=True)
    assert list(table.index) == list(table.columns) == list(STATES) and list(matched.index) == list(matched.columns) == list(GRADES)
    assert {key: int(n) for key, n in table.stack().items() if n} == moved | others
    assert {key: int(n) for key, n in matched.stack().items() if n} == moved
    assert trends.moves(PAPER, PAIR).to_dict() == {"1a": -1, "1b": 1, "1c": -1, "2d": -1, "2e": 3}
    f = trends.flow(PAPER, PAIR)
    assert (f.stayers, f.leavers, f.entrants, f.returned) == (["1a", "1b", "1c", "2d", "2e"], ["2f", "3g"], ["3h", "4j"], [])
    # Evaluated first, then not, then again: 1a comes back, 1b is new, 1c was there all the time.
    three = small({"1a": (60, None, 60), "1b": (INCOMPLETE, None, 60), "1c": (60, 60, LOW)}, ("2017", "2018", "2019"))
    back = trends.flow(three, Pair("2018", "2019"))
    assert (back.stayers, back.entrants, back.returned) == (["1c"], ["1a", "1b"], ["1a"])
    assert [tuple(e) for e in three.pairs] == [("2017", "2018"), ("2018", "2019")]


def test_decomposition_by_hand():
    parts = {p.grade: p for p in trends.decomposition(PAPER, PAIR)}
    # 高: before 1/7, after 3/7. Stayers 1/5 → 2/5. Entrants 2/7 × (1/2 − 2/5) = 1/35. Leavers 2/7 × (1/5 − 0) = 2/35.
    high = parts[HIGH]
    assert (high.before, high.after, high.total) == (Fraction(100, 7), Fraction(300, 7), Fraction(200, 7))
    assert (high.stayers, high.entrants, high.leavers) == (20, Fraction(100, 35), Fraction(200, 35))
    # 较差: stayers 1/5 → 1/5. Entrants 2/7 × (0 − 1/5) = −2/35. Leavers 2/7 × (1/5 − 1/2) = −3/35. Sum −1/7.
    assert parts[LOW][4:] == (0, Fraction(-200, 35), Fraction(-300, 35)) and parts[LOW].total == Fraction(-100, 7)
    # Nobody stays: all that was is lost, all that is has come.
    apart = {p.grade: p for p in trends.decomposition(small({"1a": (90, None), "1b": (60, None), "1c": (None, 95)}), PAIR)}
    assert apart[HIGH][4:] == (0, 100, -50) and apart[HIGH].total == 50
    assert apart[FAIR][4:] == (0, 0, -50) and apart[LOW][4:] == (0, 0, 0)


def test_bounds_with_withheld():
    # 2018: 80 + 90 + 60 + 95 + 72 + 88 = 485 and one 较差, from 0 to 50.
    assert trends.mean_bounds(PAPER, SCHEME, "2018") == (Fraction(485, 6), 6, 1, Fraction(485, 7), Fraction(535, 7))
    assert trends.mean_bounds(PAPER, SCHEME, "2018", ["1a", "1b", "1c", "2d", "2e"]) == (Fraction(325, 4), 4, 1, 65, 75)
    only = small({"1a": (HIGH, 60), "1b": (FAIRLY, 60)})
    assert trends.mean_bounds(only, SCHEME, "2017") == (None, 0, 2, Fraction(155, 2), Fraction(185, 2))
    assert trends.mean_bounds(only, SCHEME, "2017", []) == (None, 0, 0, None, None)
    tenths = small({f"1{n}": (mark, None) for n, mark in enumerate((70.1, 70.2, 70.4))})
    assert trends.mean_bounds(tenths, SCHEME, "2017").published == Fraction(2107, 30)


def test_ranks_regression_and_always_high():
    # Published in both: 90 75 75 40 → 80 90 60 95. Of all: 90 75 75 60 55 40 30 and 95 90 88 80 72 60, so 2d has none.
    matched = trends.matched_scores(PAPER, PAIR)
    assert list(matched.index) == ["1a", "1b", "1c", "2e"] and list(matched["change"]) == [-10, 15, -15, 55]
    assert list(matched["rank_before"]) == [1, 2, 2, 6] and list(matched["rank_after"]) == [4, 2, 6, 1]
    assert list(matched["place_before"]) == [1, 2, 2, 4] and list(matched["place_after"]) == [3, 2, 4, 1]
    assert list(matched["rank_change"]) == [-2, 0, -2, 3]
    # About the means 70 and 81.25: Sxy = −25 + 43.75 − 106.25 − 412.5 = −500, Sxx = 1350. Half at the median 75 or below.
    fit = trends.regression(matched)
    assert fit.slope == pytest.approx(-10 / 27) and fit.intercept == pytest.approx(81.25 + 700 / 27)
    assert fit.fixed_point == pytest.approx((81.25 + 700 / 27) / (37 / 27))
    assert (fit.change_of_lower_half, fit.change_of_upper_half) == (pytest.approx(55 / 3), -10)
    assert trends.agreement(matched[:2]) is None and trends.agreement(matched.assign(before=70.0)) is None
    assert trends.always_high(small({"1a": (90, HIGH), "1b": (90, 84.9), "1c": (90, None)})) == ["1a"]


def test_ranks_beside_withheld_scores():
    # Two withheld 高 stand above 80; 60 and 55 share their grade with a withheld one; six stand above 30.
    one = small({"1a": (HIGH, None), "1b": (HIGH, None), "1c": (80, None), "1d": (60, None), "1e": (55, None), "1f": (FAIR, None),
                 "1g": (30, None)})
    ranks = one.frame[one.frame["period"] == "2017"].set_index("id")["rank"]
    assert ranks.dropna().to_dict() == {"1c": 3, "1g": 7} and len(ranks) == 7
    with pytest.raises(ValueError, match=r"two periods or more; there is 2017"):
        _ = small({"1a": (80,)}, ("2017",)).last


def test_cutoffs_and_regrading():
    one = small({"1a": (87, None), "1b": (84, None), "1c": (70, None), "2d": (68, None), "2e": (67.9, None), "2f": (52, None),
                 "3g": (50, None), "3h": (30, None), "3i": (LOW, None)})
    # −2: 84 and 68 rise. −1: 84. +1: 70 and 50 fall. +2: the same, since 87 and 52 still reach theirs.
    assert [tuple(s) for s in trends.sensitivity(one, SCHEME, "2017")] == [(-2, 2, 0, 1), (-1, 1, 0, 1), (1, 0, 2, 1), (2, 0, 2, 1)]
    near = trends.near_cutoffs(one, SCHEME, "2017")
    assert list(zip(near["id"], near["cutoff"], near["distance"])) == [
        ("1a", 85, 2), ("1b", 85, -1), ("1c", 70, 0), ("2d", 70, -2), ("2f", 50, 2), ("3g", 50, 0)]
    # Floors 80 60 40: 84 becomes 高, 68 and 67.9 become 较高; nobody can say what 3i would be.
    table = trends.regraded(one, "2017", SCHEME, LOWER)
    assert {key: int(n) for key, n in table.stack().items() if n} == {
        (HIGH, HIGH): 1, (FAIRLY, HIGH): 1, (FAIRLY, FAIRLY): 1, (FAIR, FAIRLY): 2, (FAIR, FAIR): 2, (LOW, LOW): 1,
        (LOW, trends.UNDECIDED): 1}
    # The other way only 80 to 100 and 40 to 60 reach into two grades: 0 to 40 is inside 0 to 50, 60 to 80 is not inside 50 to 70.
    back = trends.regraded(small({"1a": (HIGH, None), "1b": (FAIRLY, None), "1c": (FAIR, None), "1d": (LOW, None)}), "2017", LOWER, SCHEME)
    assert {key: int(n) for key, n in back.stack().items() if n} == {
        (HIGH, trends.UNDECIDED): 1, (FAIRLY, trends.UNDECIDED): 1, (FAIR, trends.UNDECIDED): 1, (LOW, LOW): 1}
    down = trends.regraded(small({"1a": (HIGH, None)}), "2017", SCHEME, LOWER)
    assert down.at[HIGH, HIGH] == 1, "from 85 on is from 80 on"
    assert trends.regraded(one, "2017", SCHEME, replace(SCHEME, declared="2018")) is None


def test_a_level_and_neighbours(registry):
    held = ("2017", "2018", "2019", "2020-2021")
    table = {"1a": (90, HIGH, 90, 90), "1b": (90, 90, 90, 60), "1c": (90, 60, 90, 90), "2d": (None, 95, 95, 95)}
    found = [(r["id"], r["from_period"], r["to_period"]) for r in trends.a_level(small(table, held), registry)]
    assert found == [("1a", "2017", "2019"), ("1b", "2017", "2019"), ("1a", "2018", "2020-2021"), ("2d", "2018", "2020-2021")]
    gap = small({id: (*line[:2], line[3]) for id, line in table.items()}, ("2017", "2018", "2020-2021"))
    assert trends.a_level(gap, registry) == [], "2019 lies between"
    assert [trends.neighbours(registry, pair) for pair in gap.pairs] == [[], ["2019"]]
    assert trends.neighbours(registry, Pair("2014", "2020-2021")) == ["2015", "2016", "2017", "2018", "2019"]
    assert trends.neighbours(registry, Pair("2020-2021", "2023")) == [], "2022 is not known to have been held"
    assert trends.neighbours(registry, Pair("2020-2021", "2024"), ("2022",)) == ["2022"], "it has a sheet"
    assert trends.timeline(registry, ("2017", "2018-2019"))[4:] == ["2017", "2018-2019", "2020-2021"], "2018 and 2019 are parts of it"
    longer = replace(registry, periods=("2017", "2018-2020", "2019", "2021"))
    assert trends.timeline(longer, ("2022",)) == ["2017", "2019", "2018-2020", "2021", "2022"], "by their ends"


@pytest.mark.parametrize("held, line, times, verdict, needed, against", [
    (("2018", "2019", "2020-2021"), (100, 100, 100), 3, "属实", (), ()),
    (("2018", "2019", "2020-2021"), (100, 99, 100), 3, "不属实", (), ("2019",)),
    (("2018", "2020-2021"), (100, 100), 3, "无法核实", ("2019",), ()),
    (("2018", "2020-2021"), (None, 100), 3, "不属实", ("2019",), ("2018",)),
    (("2018", "2019", "2020-2021"), (60, 100, 100), 2, "属实", (), ()),
    (("2020-2021", "2022"), (100, 60), 8, "无法核实", ("2013", "2014", "2015", "2016", "2017", "2018", "2019"), ()),
    (("2019", "2020-2021"), (100, 100), 9, "不属实", ("2013", "2014", "2015", "2016", "2017", "2018"), ()),  # only 8 were held
    (("2019", "2020-2021"), (HIGH, 100), 2, "无法核实", (), ()),  # a withheld score may be 100
    (("2019", "2020-2021"), (FAIRLY, 100), 2, "不属实", (), ("2019",)),  # and this one may not
])
def test_claims(registry, held, line, times, verdict, needed, against):
    panel = small({"L010": line, "L001": (60,) * len(line)}, held)
    said = replace(registry, claims=(registry.Claim("2020-2021", "L010", times),))
    sheets = [SimpleNamespace(name=p, a_level=(), registry=said) for p in held]
    claim, = trends.claims(sheets, panel)
    assert (claim.verdict, claim.needed, claim.against) == (verdict, needed, against)
    assert claim.withheld == tuple(p for p, cell in zip(held, line) if cell == HIGH) and claim.held == (8 if times == 9 else None)


def test_find_history_and_peers(real, registry):
    panel = trends.panel(real)
    for who in ("半导体照明产业技术创新战略联盟", "半导体照明", "110", "１１０", " 半导体照明产业 技术创新战略联盟"):
        assert trends.find(panel, registry, who) == "L010"
    assert trends.find(panel, registry, "td产业联盟") == "L005" and trends.find(panel, registry, "D101") == "L113"
    assert trends.find(panel, registry, "210") == trends.find(panel, registry, "201") == "L050"
    for who, words in (("109", "code 109 has belonged to 半导体照明.* and 维生素.*; write the name"), ("半导体", "第三代半导体"),
                       ("半导体照名产业技术创新战略联盟", "nearest: 半导体照明"), ("量子", "nearest: none"), ("", "none"), ("999", "none")):
        with pytest.raises(LookupError, match=words):
            trends.find(panel, registry, who)
    unheard = replace(registry, names=registry.names | {"L999": "未见于任何评分表的联盟"})
    for who in ("未见于任何评分表的联盟", "未见于任何评分表"):
        with pytest.raises(LookupError, match=r"L999.* is on none of these sheets"):
            trends.find(panel, unheard, who)
    assert list(trends.history(panel, real, "110")["code"]) == ["109", "110"]
    periods = [SimpleNamespace(name=p, scheme=SCHEME, registry=replace(registry, names={i: i for i in PAPER.about.index}, aliases={}))
               for p in PAIR]
    # 1c: 75 is second of seven and of its batch, ten short of 85; 60 is sixth of seven and last of three, ten short of 70.
    assert trends.history(PAPER, periods, "1c").iloc[:, 3:].values.tolist() == [[75, 2, 7, 2, 3, 10], [60, 6, 7, 3, 3, 10]]
    # 2e: sixth of seven and last of its three; first of seven, and of the two of its batch, the other in a lower grade.
    assert trends.history(PAPER, periods, "2e").iloc[:, 3:8].values.tolist() == [[40, 6, 7, 3, 3], [95, 1, 7, 1, 2]]
    assert trends.peers(PAPER, periods, "1c").values.tolist() == [["2018", "1a联盟", 80, FAIRLY, 20], ["2018", "1b联盟", 90, HIGH, 30]]
    assert trends.peers(PAPER, periods, "2d").values.tolist() == [["2017", "2f联盟", 55, FAIR, -5], ["2017", "2e联盟", 40, LOW, -20]]
    assert trends.peers(PAPER, periods, "3i").empty


def test_the_two_real_periods(real, registry):
    panel = trends.panel(real)
    pair, (before, after) = panel.last, (trends.mean_bounds(panel, p.scheme, p.name) for p in real)
    assert (before[1:3], after[1:3]) == ((101, 0), (75, 11))
    assert round(float(after.published - before.published), 1) == 13.6
    assert (len(trends.matched_scores(panel, pair)), round(trends.matched_scores(panel, pair)["change"].mean(), 1)) == (66, 5.8)
    f = trends.flow(panel, pair)
    assert (len(f.stayers), len(f.leavers), len(f.entrants), f.returned) == (72, 29, 14, [])
    table = trends.transitions(panel, pair)
    assert list(table.sum(axis=1))[:4] == [24, 22, 35, 20] and list(table.sum())[:4] == [35, 22, 18, 11]
    assert list(table.sum())[4] == 20, "all whom 2020-2021 names as incomplete"
    claims = trends.claims(real, panel)
    full = [c for c in claims if c.what.endswith("满分")]
    assert {(c.verdict, c.needed) for c in claims if c not in full} == {("无法核实", ("2018", "2019"))} and len(claims) - len(full) == 24
    assert [(c.period, c.verdict, len(c.needed)) for c in full] == [("2017", "无法核实", 3), ("2020-2021", "无法核实", 5)]
    assert trends.a_level(panel, registry) == [] and trends.neighbours(registry, pair) == ["2018", "2019"]
    how = trends.matching(real).set_index("id")["how"]
    assert (len(how), how["L010"], how["L050"], how["L006"], how["L002"]) == (87, "人工裁定", "人工裁定", "代码", "代码和名称")
    assert trends.shared_codes(real) == [("109", ["L010", "L009"])]
    assert not panel.frame.duplicated(["id", "period"]).any() and len(panel.frame) == 2 * len(registry.names)


def test_with_two_more_sheets_it_computes_the_a_level_list(data, registry):
    published = {str(code) for _, name, code, *_ in lines("2020-2021", "A级名单") if str(code)[1:].isdigit()}
    assert len(published) == 24
    latest = {id: code for (id, _), (code, _) in registry.codes.items()}
    for period in ("2018", "2019"):
        write(data, period, [(registry.names[id], code, 100 if code in published else 60) for id, code in latest.items()])
    periods = trends.read("", data)
    panel = trends.panel(periods)
    found = [r for r in trends.a_level(panel, periods[-1].registry) if r["from_period"] == "2018"]
    assert {r["code"] for r in found} == published and len(found) == 24 and {r["to_period"] for r in found} == {"2020-2021"}
    verdicts = {c.verdict for c in trends.claims(periods, panel) if c.what.startswith("A级")}
    assert verdicts == {"属实"}


def test_renamed_and_recoded_alliances_are_one_row(data, registry):
    names = registry.names
    write(data, "2018", [(names["L001"], "101", 90), (names["L007"], "107", 80), (names["L011"], "111", 70)])
    with (data / "registry" / "codes.csv").open("a", encoding="utf8") as file:
        csv.writer(file).writerows([("L001", "2019", "198", "certain", ""), ("L011", "2019", "197", "certain", "")])
    write(data, "2019", [(names["L001"], "198", 91), ("汽车轻量化技术创新战略联盟", "107", 82), ("长风开放标准平台软件联盟", "197", 73)])
    periods = trends.read("2019 2018", data)
    panel = trends.panel(periods)
    assert panel.periods == ("2018", "2019") and panel.frame.groupby("id").size().eq(2).all()
    assert trends.matched_scores(panel, panel.last)["change"].to_dict() == {"L001": 1, "L007": 2, "L011": 3}
    assert trends.matching(periods).set_index("id")["how"].to_dict() == {"L001": "名称", "L007": "代码", "L011": "别名"}
