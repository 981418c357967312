"""The table of messages: two languages, the same placeholders, each used; and what a check leaves for those who fill in a sheet."""

import json
import re
import zipfile

import openpyxl
import pytest
from workbooks import change

from analysis import DATA, ROOT, guide, messages, sheets
from analysis.__main__ import main

CODE = "".join(text for path in (ROOT / "analysis").rglob("*.py") if re.search("Said|Refused", text := path.read_text("utf8")))
TABLE, RULE = messages.table(), re.compile(r'"([a-z]+\.[a-z_]+)"')
ENGLISH = re.compile(r"(?<![`/\w.-])(?!make |alliance )[a-z]{2,} [a-z]{2,}")
WRONG = {"评分表!D60": "九十", "评分表!C61": 401, "评分表!B62": "=1+", "评分表!D63": None, "评价期!B2": "2017-13-01", "评价期!A6": "不完整"}


def test_each_message_is_there_in_both_languages_with_the_same_placeholders():
    assert TABLE.keys() >= {"score.outside", "note.sound", "command.unknown"}
    for rule, entry in TABLE.items():
        assert entry.keys() - {"kind"} == {"en", "zh"} and len(entry.get("kind", "12")) == 2, rule
        assert len({frozenset(re.findall(r"{(\w+)}", text)) for text in (entry["en"], entry["zh"])}) == 1, rule
        assert not re.search("[\u4e00-\u9fff]", entry.get("kind", [""])[0]), rule
        assert not ENGLISH.search(re.sub("“.*?”", "", entry["zh"])), rule


def test_each_message_is_used_and_none_is_missing():
    sections = {rule.partition(".")[0] for rule in TABLE}
    used = {rule for rule in RULE.findall(CODE) if rule.partition(".")[0] in sections}
    assert used == TABLE.keys()


def test_the_lists_of_rules_are_those_of_the_table():
    for name in guide.FILES:
        assert (DATA / name).read_text("utf8") == guide.text(DATA / name), f"{name} is stale; run .venv/bin/python -m analysis.guide"


@pytest.mark.parametrize("words, language", [
    ({"LANG": "zh_CN.UTF-8"}, "zh"), ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"), ({"LC_MESSAGES": "zh_TW", "LANG": "C"}, "zh"), ({}, "en")])
def test_the_language_follows_the_locale(monkeypatch, words, language):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, words.get(name, ""))
    assert messages.language() == language


def checked(data, out, period="2017"):
    status = main(["check", period, "--data", str(data), "--out", str(out)])
    return status, json.loads((out / "reports" / f"{period}-check.json").read_text("utf8")), out / "reports" / f"{period}-check.xlsx"


@pytest.mark.parametrize("cells, period", [
    (WRONG, "2017"), ({}, "2017"), ({}, "2020-2021"), ({"评分表!E2": "级别", "评价期!A6": "天气"}, "2017")])
def test_a_check_is_all_chinese_where_the_locale_is(data, tmp_path, monkeypatch, capsys, cells, period):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    change(data, cells, period)
    (data / "score_sheets" / "2022年度.xlsx").touch()
    checked(data, tmp_path, period)
    main(["check", "2018", "--data", str(data)])
    main(["check", "", "--data", str(data)])
    said = capsys.readouterr()
    assert not ENGLISH.search(re.sub("make .*|“.*?”", "", said.out + said.err)), said


def test_a_wrong_workbook_gets_a_marked_copy(data, tmp_path):
    path = change(data, WRONG)
    before = path.read_bytes()
    status, report, copy = checked(data, tmp_path)
    assert status == 1 and path.read_bytes() == before and not report["sound"]
    first, *others = openpyxl.load_workbook(copy).worksheets
    real, marked = openpyxl.load_workbook(path), {sheet.title: sheet for sheet in others}
    assert [*marked] == real.sheetnames
    found, lines = {(row["sheet"], row["cell"]): row for row in report["found"]}, [*first.iter_rows(min_row=5)]
    assert {(sheet.value, cell.value): said.value for sheet, cell, said in lines} == {at: row["message"] for at, row in found.items()}
    assert {cell.hyperlink.location for _, cell, _ in lines} == {f"'{sheet}'!{cell}" for sheet, cell in found}
    for (sheet, place), row in found.items():
        cell = marked[sheet][place]
        assert row["message"] in cell.comment.text and cell.fill.start_color.rgb == "FFFFC7CE" and row["severity"] == "error"
    assert {(row["rule"], row["cell"]) for row in report["found"]} >= {("score.blank", "D63"), ("cell.number", "D60"), ("code.form", "C61")}
    assert [*others[0].values] == [*real["评分表"].values]
    path.write_bytes(sheets.path_of("2017", DATA).read_bytes())
    status, report, copy = checked(data, tmp_path)
    assert (status, report["sound"], copy.exists()) == (0, True, False)


def test_what_a_marked_copy_lacks_is_named(data, tmp_path):
    path = change(data, lambda book: (book.create_sheet("Check"), book["评分表"].__setitem__("D60", "九十")))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/media/image1.emf", b"x")
    book = openpyxl.load_workbook(checked(data, tmp_path)[2])
    assert book.sheetnames[0] == "Check1"
    assert book["Check1"]["A3"].value == "Not in this copy, and unharmed in the workbook itself: 1 pictures"
    assert [cell.coordinate for row in book["评分表"].iter_rows() for cell in row if cell.comment] == ["D60"]


@pytest.mark.parametrize("file, content", [
    ("score_sheets/2017.xlsx", b""), ("score_sheets/2017.xlsx", b"PK\x03\x04 cut"), ("registry/codes.csv", b"\xff"),
    ("remarks/2017.md", b"\xff")])
def test_what_is_no_workbook_and_a_fault_elsewhere_get_no_copy(data, tmp_path, file, content):
    (data / file).write_bytes(content)
    status, report, copy = checked(data, tmp_path)
    assert status == 1 and report["found"][0]["rule"].startswith("file.") and not copy.exists()
