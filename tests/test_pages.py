"""What a letter says: each position has its own words, places are true, and nothing of others comes through."""

import dataclasses
import io
import json
import random
import re

import pandas as pd
import periods
import pytest
from conftest import PERIODS, once
from pypdf import PdfReader

from analysis import pages, pages_run, pages_verdicts, roster, sheets
from analysis.grades import FAIRLY_HIGH, GRADES, HIGH, INCOMPLETE, LOW
from analysis.panel import shown

THREE = ("2015", "2016", "2017")
# Where an alliance of batch 1 stands and what comes next, by its cells beside these others
OTHERS = {"201": 80, "202": 78, "203": 60, "204": 20}
NARROW = {"schemes": {"2017": dataclasses.replace(periods.SCHEME, floors=dict(zip(GRADES, (0, 50, 70, 73))))}}
LATE = {"late": {"1": "2017"}}
POSITIONS = [
    ("position.top-alone", "next.keep", {"101": 95}), ("position.top-tied", "next.keep", {"101": 95, "102": 95}),
    ("position.near-next", "next.close", {"101": 69}), ("position.near-next", "next.close", {"101": 48, "102": 90}),
    ("position.near-fall", "next.climb", {"101": 72}), ("position.near-fall", "next.hold", {"101": 86, "102": 99}),
    ("position.on-floor", "next.climb", {"101": 70}), ("position.on-floor", "next.climb", {"101": 50}),
    ("position.near-both", "next.close", {"101": 71.5, "102": 99}, NARROW), ("position.safe-best", "next.keep", {"101": 90, "102": 99}),
    ("position.safe", "next.climb", {"101": 77}), ("position.safe", "next.climb", {"101": 53}),
    ("position.lowest", "next.rise", {"101": 30}), ("position.lowest", "next.rise", {"101": 0}),
    ("position.withheld", "next.withheld", {"101": FAIRLY_HIGH}), ("position.withheld-best", "next.withheld-best", {"101": HIGH}),
    ("position.withheld-lowest", "next.withheld", {"101": LOW}), ("why.incomplete", "next.complete", {"101": INCOMPLETE}),
    ("why.not-entered", "next.enter", {"101": "未录入"}), ("why.not-evaluated", "next.take-part", {"101": None})]
COURSES = [
    ("course.first", (None, None, 60)), ("course.back", (60, None, 60)), ("course.back", (60, INCOMPLETE, 60)),
    ("course.risen-twice", (40, 60, 75)), ("course.fallen-twice", (90, 75, 60)), ("course.fallen-twice", (75, 60, LOW)),
    ("course.lowest-again", (60, 40, 45)), ("course.lowest-again", (None, LOW, 45)), ("course.best-again", (60, 90, 99)),
    ("course.risen", (60, 60, 75)), ("course.risen", (None, 40, 60)), ("course.fallen", (60, 75, 60)), ("course.same", (60, 60, 65)),
    ("course.never", (None, None, None)), ("course.never", (INCOMPLETE, None, "未录入")), ("course.left", (None, 60, None)),
    ("course.left", (60, 60, INCOMPLETE)), ("course.away", (60, None, None)),
    ("course.alone", (60,)), ("course.new", (None, 60), LATE), ("course.newcomer", (None, INCOMPLETE), LATE),
    ("change.up", (60, 61)), ("change.up", (60.1, 60.2)), ("change.down", (61, 60)), ("change.none", (60, 60)), ("change.open", (LOW, 40))]


def told(line: dict, names: tuple[str, ...], **more) -> tuple[list[str], dict]:
    """The names of what is said of alliance 101 in the last of some periods, and its letter; a line has one cell a period."""
    frames = pages.frames(periods.sheets_of(line, names, **more), names[-1])
    row = next(frames.named.loc[["101"]].itertuples())
    facts = pages_verdicts.about(row, frames.sheet.scheme)
    said = [*pages_verdicts.result(row, facts), pages_verdicts.following(row, facts), *pages_verdicts.course(frames.steps["101"])]
    return [one if isinstance(one, str) else one.name for one in said], pages.page(frames, row)


@pytest.fixture(scope="module", params=PERIODS)
def frames(request):
    return pages.frames(roster.read_sheets(), request.param)


@pytest.mark.parametrize(("names", "line", "more"), [
    *(({place, following}, {id: (cell,) for id, cell in (line | OTHERS).items()}, dict(*more)) for place, following, line, *more in POSITIONS),
    *(({name}, {"101": cells, **dict.fromkeys(OTHERS, (60,) * len(cells))}, dict(*more)) for name, cells, *more in COURSES)])
def test_one_of_some_verdicts_holds(names, line, more):
    seen = THREE[-len(line["101"]):]
    said, letter = told(line, seen, **more)
    kinds = {name.partition(".")[0] for name in names}
    assert {name for name in said if name.partition(".")[0] in kinds} == names and len(said) == len({*said})
    assert len(letter["cells"]) == len(seen) and letter["graded"] == (not {"absence.without", "absence.nothing"} & {*said})


def test_a_course_is_not_compared_over_other_floors_in_silence():
    schemes = {"2016": periods.SCHEME, "2017": dataclasses.replace(periods.SCHEME, floors=dict(zip(GRADES, (0, 55, 70, 85))))}
    assert "分档线不同" in told({"101": (52, 52)}, ("2016", "2017"), schemes=schemes)[1]["course"]


def test_who_is_on_the_a_level_list_is_not_told_of_a_first_time():
    """Some of the list have no sheet of the earlier periods that it rests on."""
    frames = pages.frames(roster.read_sheets(), "2020-2021")
    listed = frames.named[frames.named.a_level]
    letters = {row.code: pages.page(frames, row)["course"] for row in listed.itertuples()}
    assert len(letters) == 24 and [code for code, course in letters.items() if "A级名单所依据" in course] == ["D106"]
    assert not any("首次" in course for course in letters.values())


def test_each_sentence_has_a_case():
    tried = {name for case in (*POSITIONS, *COURSES) for name in case[:2]} | {"why.unfit", "course.listed"}
    assert {name for name in pages.SENTENCES.sentences if name.partition(".")[0] in ("position", "why", "next", "course", "change")} <= tried


@pytest.mark.parametrize("seed", [*PERIODS, 1])
def test_letters_of_different_positions_differ(seed):
    """Two letters read the same only where all that is known of the two is the same; also of 300 simulated ones in three periods."""
    chance, cells = random.Random(seed), [*range(101), 69.5, 84.9, 50.1, *2 * GRADES[:1], INCOMPLETE, "未录入", None]
    table = {f"{1 + n // 100}{n % 100:02d}": tuple(chance.choices(cells, k=3)) for n in range(300)}
    frames = pages.frames(*(roster.read_sheets(), seed) if seed in PERIODS else (periods.sheets_of(table, THREE), "2017"))
    told, files = {}, set()
    for letter in (pages.page(frames, row) for row in frames.named.itertuples()):
        past = [label for period, _, label, _ in letter["cells"] if period <= frames.sheet.name]
        words, facts = (letter["result"], letter["course"], letter["next"]), (letter["state"], letter["score"], letter["places"], past[-2:])
        assert told.setdefault(words, facts) == facts
        files.add(letter["file"])
    assert len(files) == len(frames.named) and len(told) > 60


@pytest.mark.parametrize(("names", "files"), [
    (("A/B:C*联盟", "甲联盟"), ["101-A_B_C_联盟", "101-甲联盟"]), (("极" * 80, "极" * 81), [f"101-{'极' * 56}-1", f"101-{'极' * 56}-2"]),
    (("aB联盟", "Ab联盟"), ["101-aB联盟-1", "101-Ab联盟-2"]), (("甲. ", "乙\n丙"), ["101-甲", "101-乙_丙"])])
def test_each_letter_has_a_file_that_every_system_can_hold(names, files):
    assert [*pages._files(pd.DataFrame({"id": ["1", "2"], "code": "101", "name": names}, index=["1", "2"]))] == files


def test_places_are_those_of_the_roster(frames):
    evaluated = frames.named.dropna(subset="grade")
    for by, group in [("all", evaluated), *((kind, rows) for kind in ("batch", "sector") for _, rows in evaluated.groupby(kind))]:
        ranks = roster.ranks(group)
        assert (group[f"best_{by}"] == ranks)[ranks.notna()].all() and (group[f"number_{by}"] == len(group)).all()
        assert by != "all" or ((group.best_all < group.worst_all) == ranks.isna()).all()
    letters = [pages.page(frames, row) for row in frames.named.itertuples()]
    assert {"", "轻工农业", "汽车"} < {letter["sector"] for letter in letters}
    for letter in letters:
        groups = ["全部", letter["batch"], *filter(None, [letter["sector"]])]
        assert [head for head, _ in letter["places"]] == (groups if letter["graded"] else [])


@pytest.mark.parametrize("hidden", GRADES)
def test_the_bounds_of_a_place_hold_the_true_one(hidden):
    evaluated = roster.read("2017").dropna(subset="grade")
    withheld = evaluated.assign(score=evaluated.score.where(evaluated.grade != hidden))
    true, bounds = roster.ranks(evaluated), pages.places(withheld)
    assert ((bounds.best <= true) & (true <= bounds.worst)).all()
    assert ((bounds.best == bounds.worst) == (evaluated.grade != hidden)).all()


def test_nothing_of_another_comes_through(frames):
    withheld = frames.named[frames.named.grade.notna() & frames.named.score.isna()]
    everything = json.dumps(pages.common(frames), ensure_ascii=False)
    letters = {row.name: json.dumps(pages.page(frames, row), ensure_ascii=False) for row in frames.named.itertuples()}
    assert not any(name in everything for name in letters)
    for name, letter in letters.items():
        assert not [other for other in letters if other in letter and other not in name]
    for row in withheld.itertuples():
        letter = pages.page(frames, row)
        assert letter["score"] == "" and letter["strip"] == [row.low, row.high] and not re.search(r"评分\d", letter["result"])


@pytest.mark.parametrize("score", [3, 3.5])
def test_a_strip_has_every_published_score(score):
    table = {f"1{n:02d}": (score + n * 0.37,) for n in range(99)} | {f"2{n:02d}": (score + n * 0.41,) for n in range(99)}
    common = pages.common(pages.frames(periods.sheets_of(table, ("2017",)), "2017"))
    assert sum(number for _, number in common["bars"]) == 198 and len(common["bars"]) <= pages.MOST_LINES and common["start"] == 0


def test_what_a_panel_says_of_activities(shared):
    data = once(shared, "example-2017", "example-panel", "2017")
    once(shared, "panel-2017", "panel", "2017", data=data)
    sheet = sheets.read("2017", data)
    frames, entries, common, told = pages.frames([sheet], "2017"), shown.entries(sheet), None, 0
    for row in frames.named.itertuples():
        letter = pages.page(frames, row)
        own = entries[(entries.id == row.id)].set_index("indicator").shown
        others = entries[(entries.grade == row.grade) & (entries.id != row.id)]
        if others.id.nunique() < 5:
            assert not letter["profile"] and ["不足5家" in text for text in letter["usual"]] == [True] * letter["graded"]
            continue
        peers = others.groupby("indicator").shown.mean()
        lacks = [name for name in own.index if not own[name] and peers[name] >= 0.75]
        assert [item.split("（同档")[0] for item in letter["usual"][1:]] == lacks
        assert [(name, had, usual and not had) for _, name, had, _, usual in letter["profile"][1:]] == [
            (name, had, name in lacks) for name, had in own.items()]
        assert [float(part[:-1]) for *_, part, _ in letter["profile"][1:]] == pytest.approx([100 * peers[name] for name in own.index], abs=0.006)
        assert bool(letter["usual"]) == letter["graded"] == bool(len(own))
        assert ("以粗体标出" in letter["profile"][0]) == bool(lacks)
        told += 1
        if letter["graded"] != common:
            common = letter["graded"]
            drawn = pages_run.draw(*(json.dumps(what, ensure_ascii=False) for what in (pages.common(frames), letter)))
            assert len(PdfReader(io.BytesIO(drawn)).pages) == 1 + letter["graded"]
    left_out = shown.left_out(sheet)
    assert told > 10 and left_out and not {*left_out} & {*entries.id}
    for id, (_, why) in left_out.items():
        assert why in pages.page(frames, next(frames.named.loc[[id]].itertuples()))["result"]


@pytest.mark.parametrize("cell", [60, LOW, INCOMPLETE])
def test_one_alone_and_nobody(cell):
    letter = told({"101": (cell,)}, ("2017",))[1]
    assert ("只有贵联盟一家" in letter["result"]) == letter["graded"] == (cell != INCOMPLETE)
