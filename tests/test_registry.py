"""The registry: who is who across periods, and every fault of its files at once."""

import csv
from collections import Counter

import pytest
import workbooks

from analysis import DATA, registry, roster
from analysis.problems import DataError
from analysis.registry import Conflict, normalise

REGISTRY = registry.read(DATA)
LIGHTING, VITAMINS, LASER, POWDER = (
    f"{field}产业技术创新战略联盟" for field in ("半导体照明", "维生素", "激光加工", "粉末冶金"))
IDS = {name: id for id, name in REGISTRY.names.items()}


def add(data, file, *lines):
    """Append lines to a file of the registry; returns how many lines it had."""
    path = data / "registry" / file
    text = path.read_text("utf-8-sig")
    path.write_text(text + "".join(f"{line}\n" for line in lines), "utf-8-sig")
    return text.count("\n")


def swap(data, file, old, new):
    """Replace a piece of a file of the registry that stands there once."""
    path = data / "registry" / file
    text = path.read_text("utf-8-sig")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8-sig")


def faults(data):
    """Every problem of the registry, a line each."""
    with pytest.raises(DataError) as raised:
        registry.read(data)
    return [str(problem) for problem in raised.value.problems]


def test_120_named_and_37_not_make_157():
    """Approved: 52, 39, 55 and 11, by both reports; named: counted by hand in data/README.md."""
    named = Counter({code[0]: 0 for code in "123D"}) + Counter(
        {id: code[0] for (id, _), (code, _) in REGISTRY.codes.items()}.values())
    assert {b.key: b.approved for b in REGISTRY.batches_in("2020-2021")} == {"1": 52, "2": 39, "3": 55, "D": 11}
    assert named == {"1": 44, "2": 24, "3": 44, "D": 8}
    assert len(REGISTRY.names) == named.total() == 120
    assert sum(b.approved for b in REGISTRY.batches_in("2020-2021")) - named.total() == 37


@pytest.mark.parametrize("period, sheet", [
    ("2017", "评分表"), ("2020-2021", "评分表"), ("2020-2021", "未参评"), ("2020-2021", "A级名单")])
def test_every_row_of_the_annexes_is_somebody(period, sheet):
    rows = [line[1:3] for line in workbooks.lines(period, sheet) if isinstance(line[0], int)]
    ids = [REGISTRY.identify(name, str(code), period).id for name, code in rows]
    assert len(rows) == {"2017": 101, "评分表": 86, "未参评": 20, "A级名单": 24}[period if period == "2017" else sheet]
    assert len(set(ids)) == len(ids)


def test_every_name_and_alias_is_printed_in_a_sheet():
    """But for three aliases that the text of 2017 uses, and one of the expert list of 2020-2021."""
    annexes = [("2017", "评分表"), ("2020-2021", "评分表"), ("2020-2021", "未参评")]
    printed = {normalise(line[1]) for annex in annexes for line in workbooks.lines(*annex) if isinstance(line[0], int)}
    assert [name for name in REGISTRY.names.values() if normalise(name) not in printed] == []
    assert {alias for alias in REGISTRY.aliases if normalise(alias) not in printed} == {
        "TD产业联盟", "住宅联盟", "粉末冶金产业技术创新联盟", "高值特生物资源产业技术创新战略联盟"}


def test_two_codes_of_one_alliance():
    several = {id: codes for id in REGISTRY.names if len({*(codes := REGISTRY.known_codes(id)).values()}) > 1}
    assert several == {IDS[LIGHTING]: {"2017": "109", "2020-2021": "110"}, IDS[LASER]: {"2017": "210", "2020-2021": "201"}}
    assert REGISTRY.known_codes(IDS[VITAMINS]) == {"2020-2021": "109"}


@pytest.mark.parametrize("name, code, period, id, how", [
    (POWDER, "320", "2017", POWDER, "name"), ("粉末冶金产业技术创新联盟", None, "2017", POWDER, "alias"),
    (LIGHTING, "109", "2017", LIGHTING, "name"), (LIGHTING, "110", "2020-2021", LIGHTING, "name"),
    (LASER, "201", "2020-2021", LASER, "name"), (VITAMINS, "109", "2020-2021", VITAMINS, "name"),
    ("ＴＤ产业 技术创新战略联盟", "105", "2017", "TD 产业技术创新战略联盟", "name"),
    (LIGHTING, "110", "2030", LIGHTING, "name"), (POWDER, "320", "2018", POWDER, "name")])
def test_identify(name, code, period, id, how):
    match = REGISTRY.identify(name, code, period)
    assert (match.id, match.how) == (IDS[id], how)


@pytest.mark.parametrize("name, code, kind, words, file, line", [
    ("量子产业技术创新战略联盟", "356", "name not in the registry",
     ["if it is new, add the line"], "alliances.csv", "L121,量子产业技术创新战略联盟"),
    ("半导体明照产业技术创新战略联盟", "110", "name not in the registry",
     [f"the nearest known: {LIGHTING}", f"if 110 ({LIGHTING}) was renamed"], "aliases.csv", "半导体明照产业技术创新战略联盟,L010,renamed"),
    (POWDER, "304", "code and name of two alliances", ["the code 304 belongs to"], "codes.csv", "L082,2030,304,doubtful,misprint"),
    (POWDER, "104", "code and name of two alliances", ["is L082 but the code 104 belongs to L004", "农业装备"], "", ""),
    (LIGHTING, "109", "code and name of two alliances", [f"belongs to L009 ({VITAMINS})"], "", ""),
    (POWDER, "356", "code not known for this alliance", ["320 in 2017"], "codes.csv", "L082,2030,356,certain,printed")])
def test_a_conflict_says_how_to_mend_it_and_its_line_does(data, name, code, kind, words, file, line):
    with pytest.raises(Conflict) as raised:
        REGISTRY.identify(name, code, "2030")
    assert raised.value.said.kind == kind
    assert all(word in str(raised.value) for word in (*words, line.rpartition(",")[0]))
    if line:
        add(data, file, line)
        assert registry.read(data).identify(name, code, "2030").id == line.split(",")[file == "aliases.csv"]


@pytest.mark.parametrize("code, period", [("356", "2017"), ("304", "2017"), ("104", "2030")])
def test_no_line_is_offered_that_the_registry_would_refuse(code, period):
    """A second code in one period, a code that another has in that period, another batch's."""
    with pytest.raises(Conflict) as raised:
        REGISTRY.identify(POWDER, code, period)
    assert "correct" in str(raised.value) and '"L082' not in str(raised.value)


@pytest.mark.parametrize("file, lines, nth, words", [
    ("alliances.csv", ["L005,某某联盟"], 1, "L005 stands in line 6 already"),
    ("alliances.csv", ["L121, 半导体照明产业技术创新战略联盟"], 1, "is L010 already"),
    ("alliances.csv", ["L121,某某联盟,a,b,c,d"], 1, "6 cells under 5 headings"),
    ("alliances.csv", ['L121,"某某联盟'], 1, "has a quotation mark without its partner"),
    ("codes.csv", ['L001,2029,101,certain,"two\nlines"', "L001,2030,101,sure"], 3, 'status "sure" is not one of'),
    ("aliases.csv", ["TD 产业联盟,L005,short"], 1, "stands in line 2 already"),
    ("aliases.csv", [f"{VITAMINS},L010,short"], 1, f"{VITAMINS} is the name of L009"),
    ("aliases.csv", ["某某联盟,L999,short"], 1, "id L999 is not in registry/alliances.csv"),
    ("codes.csv", ["L001,2017,101,certain"], 1, "L001, 2017 stands in line 2 already"),
    ("codes.csv", ["L001,2030,201,certain"], 1, "an alliance has one batch"),
    ("codes.csv", ["L001,2030,401,certain"], 1, 'code "401" is not three digits'),
    ("codes.csv", ["L001,22,101,certain"], 1, 'period "22" is not like 2017 or 2020-2021'),
    ("codes.csv", ["L001,2030,101,certain", "L002,2030,101,certain"], 2, "code 101 is L001's in 2030 already"),
    ("batches.csv", ["4,第四批试点联盟,ten,2030"], 1, 'approved "ten" is not a whole number'),
    ("batches.csv", ["D,协发网网员联盟,12,2018"], 1, "D, 2018 stands in line 5 already"),
    ("claims.csv", ["2017,L001,none"], 1, 'times "none" is not a whole number from 1'),
    ("indicators.csv", ["甲,理事会,乙"], 1, "理事会 stands in line 2 already"), ("indicators.csv", ["甲,乙𠮷,丙"], 1, "𠮷 (U+20BB7)"),
    ("indicators.csv", ["甲,乙,丙\u202e"], 1, "the invisible character U+202E"), ("indicators.csv", ["甲,=1+1,丙"], 1, 'starts with "="'),
    ("schemes.csv", ["2030,活跃度高,高,85", "2030,活跃度较高,较高,90", "2030,活跃度一般,一般,50", "2030,活跃度较差,差,0"],
     1, "the floors of 2030 must fall"),
    ("schemes.csv", ["2030,活跃度高,高,85", "2030,活跃度较高,较高,70", "2030,活跃度一般,一般,50", "2030,活跃度较差,差,9"],
     1, "the floors of 2030 must fall"),
    ("schemes.csv", ["2030,活跃,活跃,85"], 1, 'grade "活跃" is not one of'),
    ("schemes.csv", ["2030,活跃度高,高,eighty"], 1, 'floor "eighty" is not a number from 0 to 99'),
    ("codes.csv", ["L001,2030,102,certain,"], 1, "code 102 is L002's for certain"),
    ("periods.csv", ["2030,2030-12-31,2030-01-01,"], 1, "are not two dates like 2017-01-31, in order"),
    ("periods.csv", ["2030,2021-09-30,2022-01-01,"], 1, "2030 starts on 2021-09-30, but 2020-2021 above it ends on 2021-09-30"),
])
def test_fault_in_a_file(data, file, lines, nth, words):
    """The fault is in the nth line that was added."""
    before = add(data, file, *lines)
    assert [line for line in faults(data) if line.startswith(f"registry/{file} › line {before + nth}: ") and words in line]


def test_the_sizes_of_the_batches_by_period(data):
    """A line holds until the next; a blank size is not known."""
    assert [batch.approved for batch in REGISTRY.batches_in("2019")] == [52, 39, 55, None]
    assert [batch.approved for batch in REGISTRY.batches_in("2022")] == [52, 39, 55, 11]
    assert [batch.key for batch in REGISTRY.batches_in("2017")] == ["1", "2", "3"]
    swap(data, "batches.csv", "协发网网员联盟,11,", "协发网网员联盟,5,")
    assert "registry/batches.csv › line 6: approved 5 is less than the 8 alliances of batch D" in faults(data)[0]


def test_other_columns_of_the_alliances(data):
    path = data / "registry" / "alliances.csv"
    lines = path.read_text("utf-8-sig").splitlines()
    path.write_text("\n".join([lines[0] + ",region,行 业", lines[1] + ",north,钢铁", *lines[2:]]) + "\n", "utf-8-sig")
    columns = registry.read(data).columns
    assert (columns["L001"], columns["L002"]) == (
        {"sector": "钢铁", "region": "north", "行 业": "钢铁"}, {"sector": "能源", "region": None, "行 业": None})
    path.write_text("\n".join([lines[0] + ",score", *lines[1:]]) + "\n", "utf-8-sig")
    assert faults(data) == ["registry/alliances.csv › line 1: a column score is the roster's own; name it otherwise"]


def test_files_that_cannot_be_read(data):
    folder = data / "registry"
    (folder / "alliances.csv").write_bytes((folder / "alliances.csv").read_text("utf-8-sig").encode("gbk"))
    swap(data, "codes.csv", "id,period,code,status", "id,period,number,status")
    (folder / "periods.csv").unlink()
    assert [line.split(";")[0] for line in faults(data)] == [
        "registry/alliances.csv: is not UTF-8 (perhaps GBK)",
        "registry/codes.csv: has no column code",
        f"registry/periods.csv: there is no such file in {folder}"]


def test_all_faults_at_once(data):
    aliases = add(data, "aliases.csv", "某某联盟,L999,nickname") + 1
    codes = add(data, "codes.csv", "L001,2030,201,sure") + 1
    swap(data, "schemes.csv", "2020-2021,活跃度一般,活跃度一般,50", "2020-2021,活跃度一般,活跃度一般,75")
    assert [line.partition(": ")[0] for line in faults(data)] == [
        *[f"registry/aliases.csv › line {aliases}"] * 2, *[f"registry/codes.csv › line {codes}"] * 2,
        "registry/schemes.csv › line 6"]


@pytest.mark.parametrize("text, same", [
    ("ＴＤ 产业（链）", "TD产业(链)"), ("d106", "D106"), (" １０９\u00a0", "109"), ("TD\u3000\u200b产业\ufeff", "td产业"), ("", "")])
def test_normalise(text, same):
    assert normalise(text) == normalise(same) == normalise(normalise(text))


FIELDS = {
    "船舶", "电子信息", "纺织", "钢铁", "节能环保", "能源", "汽车", "轻工农业", "生物产业", "石化", "物流", "新材料", "有色金属", "装备制造"}


def test_a_sector_is_one_of_the_report_and_stands_in_the_name():
    with (DATA / "registry" / "alliances.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [*csv.DictReader(file)]
    given = [row for row in rows if row["sector"]]
    assert [row["id"] for row in given if row["sector"] not in FIELDS or row["sector_from"] not in row["name"] or not row["sector_from"]] == []
    assert not any(row["sector_from"] for row in rows if not row["sector"]) and len(given) == 112
    alliances = roster.read_all()
    assert alliances.loc[alliances.code == "101", "sector"].tolist() == ["钢铁"] * 2 and "sector_from" not in alliances
    members = alliances[alliances.state == "未加入"]
    assert len(members) == 8 and set(members.sector.dropna()) <= FIELDS and alliances[alliances.id.isna()].sector.isna().all()
