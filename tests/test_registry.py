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
    """Approved: 52, 39, 55 and 11, by both reports; named: counted by hand in data/README.md. A line holds until the next."""
    named = Counter({id: code[0] for (id, _), (code, _) in REGISTRY.codes.items()}.values())
    approved = {period: {b.key: b.approved for b in REGISTRY.batches_in(period)} for period in ("2017", "2019", "2020-2021", "2022")}
    assert approved["2020-2021"] == approved["2022"] == {"1": 52, "2": 39, "3": 55, "D": 11}
    assert approved["2019"] == approved["2017"] | {"D": None} == {"1": 52, "2": 39, "3": 55, "D": None}
    assert named == {"1": 44, "2": 24, "3": 44, "D": 8} and len(REGISTRY.names) == named.total() == 120 == 157 - 37


ANNEXES = {("2017", "评分表"): 101, ("2020-2021", "评分表"): 86, ("2020-2021", "未参评"): 20, ("2020-2021", "A级名单"): 24}


def test_every_row_of_the_annexes_is_somebody_and_every_name_is_printed_there():
    """But for three aliases that the text of 2017 uses, and one of the expert list of 2020-2021."""
    printed = set()
    for (period, sheet), number in ANNEXES.items():
        rows = [line[1:3] for line in workbooks.lines(period, sheet) if isinstance(line[0], int)]
        assert len(rows) == number == len({REGISTRY.identify(name, str(code), period) for name, code in rows})
        printed |= {normalise(name) for name, _ in rows}
    assert [name for name in REGISTRY.names.values() if normalise(name) not in printed] == []
    assert {alias for alias in REGISTRY.aliases if normalise(alias) not in printed} == {
        "TD产业联盟", "住宅联盟", "粉末冶金产业技术创新联盟", "高值特生物资源产业技术创新战略联盟"}


def test_two_codes_of_one_alliance():
    several = {id: codes for id, codes in REGISTRY.own_codes.items() if len({*codes.values()}) > 1}
    assert several == {IDS[LIGHTING]: {"2017": "109", "2020-2021": "110"}, IDS[LASER]: {"2017": "210", "2020-2021": "201"}}
    assert REGISTRY.own_codes[IDS[VITAMINS]] == {"2020-2021": "109"}


@pytest.mark.parametrize("name, code, period, id", [
    (POWDER, "320", "2017", POWDER), ("粉末冶金产业技术创新联盟", None, "2017", POWDER), (LIGHTING, "109", "2017", LIGHTING),
    (LIGHTING, "110", "2020-2021", LIGHTING), (LASER, "201", "2020-2021", LASER), (VITAMINS, "109", "2020-2021", VITAMINS),
    (LIGHTING, "110", "2030", LIGHTING), (POWDER, "320", "2018", POWDER),
    ("ＴＤ产业 技术创新战略联盟", "105", "2017", "TD 产业技术创新战略联盟")])
def test_identify(name, code, period, id):
    assert REGISTRY.identify(name, code, period) == IDS[id]


@pytest.mark.parametrize("name, code, period, kind, words, file, line", [
    ("量子产业技术创新战略联盟", "356", "2030", "name not in the registry",
     ["if it is new, add the line"], "alliances.csv", "L121,量子产业技术创新战略联盟"),
    ("半导体明照产业技术创新战略联盟", "110", "2030", "name not in the registry",
     [f"the nearest known: {LIGHTING}", f"if 110 ({LIGHTING}) was renamed"], "aliases.csv", "半导体明照产业技术创新战略联盟,L010,renamed"),
    (POWDER, "304", "2030", "code and name of two alliances", ["the code 304 belongs to"], "codes.csv", "L082,2030,304,doubtful,misprint"),
    (LIGHTING, "109", "2030", "code and name of two alliances", [f"belongs to L009 ({VITAMINS})"], "", ""),
    (POWDER, "356", "2017", "code not known for this alliance", ["320 in 2017"], "", ""),
    (POWDER, "356", "2030", "code not known for this alliance", ["320 in 2017"], "codes.csv", "L082,2030,356,certain,printed")])
def test_a_conflict_says_how_to_mend_it_and_its_line_does(data, name, code, period, kind, words, file, line):
    with pytest.raises(Conflict) as raised:
        REGISTRY.identify(name, code, period)
    assert raised.value.said.kind == kind
    assert all(word in str(raised.value) for word in (*words, line.rpartition(",")[0]))
    if line:
        add(data, file, line)
        assert registry.read(data).identify(name, code, period) == line.split(",")[file == "aliases.csv"]


FORM = [  # lines that are added, each with what is said of it: first of the form of the files, then of what is in them
    ("alliances.csv", "L005,某某联盟", "L005 stands in line 6 already"),
    ("alliances.csv", "L121,某某联盟,a,b,c,d", "6 cells under 5 headings"),
    ("aliases.csv", "TD 产业联盟,L005,short", "stands in line 2 already"),
    ("codes.csv", "L001,2017,101,certain", "L001, 2017 stands in line 2"),
    ("batches.csv", "D,协发网网员联盟,12,2018", "D, 2018 stands in line 5 already"),
    ("codes.csv", "L001,2030,,certain", "code is empty; fill it in"), ("indicators.csv", "甲,理事会,乙", "理事会 stands in line 2"),
    ("periods.csv", '2030,"2030-01-01', "has a quotation mark without its partner")]
RULES = [
    ("alliances.csv", "L121, 半导体照明产业技术创新战略联盟", "is L010 already"),
    ("aliases.csv", f"{VITAMINS},L010,short", "is the name of L009"),
    ("aliases.csv", "某某联盟,L999,short", "id L999 is not in registry/alliances.csv"),
    ("aliases.csv", "某联盟,L001,nickname", "kind"), ("codes.csv", 'L001,2028,101,certain,"two\nlines"', ""),
    ("codes.csv", "L001,2029,101,sure", 'status "sure" is not one of'),
    ("codes.csv", "L001,2031,201,doubtful", "an alliance has one batch"),
    ("codes.csv", "L001,2032,501,doubtful", 'code "501" is not three digits'),
    ("codes.csv", "L001,22,101,certain", 'period "22" is not like 2017 or 2020-2021'),
    ("codes.csv", "L001,2030,101,certain", ""), ("codes.csv", "L002,2030,101,doubtful", "code 101 is L001's in 2030 already"),
    ("codes.csv", "L001,2033,102,certain", "is L002's for certain"),
    ("batches.csv", "4,第四批试点联盟,ten,2030", 'approved "ten" is not a whole number'),
    ("claims.csv", "2017,L001,none", 'times "none" is not'), ("indicators.csv", "甲,=1+1,丙", 'starts with "="'),
    ("schemes.csv", "2030,活跃度高,高,85", "the floors of 2030 must fall"), ("schemes.csv", "2030,活跃度较高,较高,90", ""),
    ("schemes.csv", "2030,活跃度一般,高,50", "label “高” is 活跃度高's in 2030 already"),
    ("schemes.csv", "2031,活跃,活跃,eighty", 'floor "eighty" is not a number from 0 to 99'),
    ("periods.csv", "2030,2030-12-31,2030-01-01", "in order"),
    ("periods.csv", "2031,2030-13-31,2030-12-31", 'start_date "2030-13-31" is not a date like 2017-01-31')]


@pytest.mark.parametrize("added", [FORM, RULES])
def test_every_fault_is_named_with_its_line(data, added):
    expected = [(f"registry/{file} › line {add(data, file, line) + 1 + line.count(chr(10))}: ", words) for file, line, words in added]
    told = faults(data)
    assert [one for one in expected if one[1] and not any(line.startswith(one[0]) and one[1] in line for line in told)] == []
    assert [line for line in told if not line.startswith(tuple(place for place, words in expected if words))] == []


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


def test_an_empty_file_is_told(data):
    (data / "registry" / "codes.csv").write_text("")
    assert faults(data) == ["registry/codes.csv: has no column id, period, code, status; found nothing"]


@pytest.mark.parametrize("text, same", [
    ("ＴＤ 产业（链）", "TD产业(链)"), ("d106", "D106"), (" １０９\u00a0", "109"), ("TD\u3000\u200b产业\ufeff", "td产业"), ("", "")])
def test_normalise(text, same):
    assert normalise(text) == normalise(same) == normalise(normalise(text))


FIELDS = {
    "船舶", "电子信息", "纺织", "钢铁", "节能环保", "能源", "汽车", "轻工农业", "生物产业", "石化", "物流", "新材料", "有色金属", "装备制造"}


def test_a_sector_is_one_of_the_report_and_stands_in_the_name():
    with (DATA / "registry" / "alliances.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["sector"] or row["sector_from"]]
    assert {row["sector"] for row in rows} <= FIELDS and len(rows) == 112
    assert [row["id"] for row in rows if not row["sector_from"] or row["sector_from"] not in row["name"]] == []
    alliances = roster.read_all()
    assert alliances.loc[alliances.code == "101", "sector"].tolist() == ["钢铁"] * 2 and "sector_from" not in alliances
    members = alliances[alliances.state == "未加入"]
    assert len(members) == 8 and set(members.sector.dropna()) <= FIELDS and alliances[alliances.id.isna()].sector.isna().all()
