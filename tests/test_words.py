"""Words without logic: each verdict has one sentence, each sentence a verdict, and none holds a condition."""

import ast
import datetime as dt
import json
import re
import string

import pytest

from analysis import NOTEBOOKS, ROOT, messages, shares, words

REPORTS = sorted(path.stem for path in (NOTEBOOKS / "text").glob("*.toml"))
NAMED = re.compile(r"[a-z][\w-]*\.[a-z][\w-]*")
EACH = pytest.mark.parametrize("report", REPORTS)


def texts_in_code() -> set[str]:
    """Every text of the form `section.name` in the package and in the notebooks' cells."""
    sources = [path.read_text("utf8") for path in (ROOT / "analysis").rglob("*.py")]
    for path in NOTEBOOKS.glob("*.ipynb"):
        sources += ["".join(cell["source"]) for cell in json.loads(path.read_text("utf8"))["cells"] if cell["cell_type"] == "code"]
    return {node.value for source in sources for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAMED.fullmatch(node.value)}


CODE = texts_in_code()


@EACH
def test_every_sentence_has_a_verdict(report):
    assert not set(words.read(report).sentences) - CODE


def test_every_verdict_has_a_sentence():
    """What is passed to `verdict(…)` and `say(…)` by name stands in some report's file."""
    known = {name for report in REPORTS for name in words.read(report).sentences}
    sections = {name.split(".")[0] for name in known}
    named = {name for name in CODE if name.split(".")[0] in sections and not name.endswith((".csv", ".md", ".toml"))}
    assert not named - known - set(messages.table())


@EACH
def test_sentences_are_plain(report):
    """Only `{name}`: no condition, no arithmetic, no format; and no two sentences of one report are the same."""
    sentences = words.read(report).sentences
    for name, sentence in sentences.items():
        for _, field, form, conversion in string.Formatter().parse(sentence):
            assert field is None or (field.isidentifier() and not form and not conversion), name
        assert "{%" not in sentence
    long = [sentence for sentence in sentences.values() if len(sentence) > 12]
    assert len(set(long)) == len(long)


def test_a_slip_in_the_sentences_names_their_file(monkeypatch, tmp_path):
    monkeypatch.setattr(words, "NOTEBOOKS", tmp_path)
    (tmp_path / "text").mkdir()
    (tmp_path / "text/x.toml").write_text('[a\nname = "b"\n', "utf8")
    with pytest.raises(ValueError, match=r"^notebooks/text/x\.toml: .*line 1"):
        words.read("x")


def test_values_are_shown_as_they_are(monkeypatch, tmp_path):
    monkeypatch.setattr(words, "NOTEBOOKS", tmp_path)
    (tmp_path / "text").mkdir()
    (tmp_path / "text/x.toml").write_text('[a]\nname = "{who}：{share}，{day}，{number}"\nitem = "- {who}"\nmore = "{who}。"\n', "utf8")
    say = words.read("x")
    said = say("a.name", who="a*b_[c]", share=shares.Share(46, 101), day=dt.date(2017, 3, 6), number=98.5)
    assert str(said) == r"a\*b\_\[c\]：45.54%，2017年3月6日，98.5"
    assert say.plain("a.name", who="a*b", share=1, day=2, number=3) == "a*b：1，2，3"
    one, two = words.verdict("a.more", who="甲"), words.verdict("a.more", who=["乙", "丙"])
    assert say(one, [two], None, []) == "甲。乙、丙。"
    assert say([words.verdict("a.item", who="甲"), words.verdict("a.item", who="乙")]) == "- 甲\n- 乙"
    assert say.items(one, None, [], two, numbered=True) == "1. 甲。\n2. 乙、丙。"
    for wrong in ("a.none", "a.more"):
        with pytest.raises(KeyError, match=wrong):
            say(wrong, who=None)
