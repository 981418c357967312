"""What an analyst writes of one period: every line that a report cannot place or show is named."""

import pytest

from analysis import DATA, check, remarks
from analysis.problems import DataError


@pytest.mark.parametrize("period", ["2017", "2020-2021"])
def test_the_remarks_are_read_by_their_places(period):
    found = remarks.read(period)
    assert set(found) <= set(remarks.PLACES) and found["前言"] and found["总结"] and found["没有这一处"] == ""
    text = remarks.path_of(period, DATA).read_text("utf8")
    assert "".join(f"## {place}\n\n{said}\n\n" for place, said in found.items() if said).strip() == text.strip()


LINES = [  # each with what is said of it
    ("甲。", "stands above the first heading; write ## and its place"), ("## 结论", '"结论" is no place of the report'), ("## 总结", ""),
    ("甲", ""), ("| a | b |", ""), ("## 总结", 'the heading "总结" stands in line 3 already'), ("# 总结", '"# 总结" is no place'),
    ("##总结", '"##总结" is no place'), ("![a](b.png)", "an image"), ("甲\u202e", "the line contains the invisible"),
    *(("  " * depth + "- 甲", "lists and quotes 7 deep cannot stand" if depth > 5 else "") for depth in range(7)),
    ("- 1. * + - - - 甲", "lists and quotes 7 deep"), (">>> > - > > 甲", "lists and quotes 7"),
    ("[甲](http://a.b/" + "c" * 100_000 + ")", "has 100,0"), ("𠮷", "the line has 𠮷 (U+20BB7)")]


def test_every_line_that_cannot_be_shown_is_named(data):
    remarks.path_of("2017", data).write_text("\n".join(line for line, _ in LINES), "utf8")
    with pytest.raises(DataError) as error:
        remarks.read(2017, data)
    told, wrong = [*map(str, error.value.problems)], [(number, said) for number, (_, said) in enumerate(LINES, start=1) if said]
    assert all(line.startswith(f"remarks/2017.md › line {number}: {said}") for line, (number, said) in zip(told, wrong, strict=True)), told


def test_no_remarks_and_another_encoding(data):
    path = remarks.path_of("2017", data)
    path.write_bytes("## 总结\n甲".encode("gbk"))
    with pytest.raises(DataError, match="is not UTF-8"):
        remarks.read(2017, data)
    path.unlink()
    assert not any(remarks.read(2017, data).values())


NOWHERE = r'line 3: "\[@{0}\]" leads nowhere; the figures and tables are grades'
NO_PLACE = 'line 5: "{0}" is no place of the report; write ## and one of 前言(?!.*{0})'


@pytest.mark.parametrize("text, name, period, wrong", [
    *(("见[@{}]。\n\n- 甲\n  - 乙\n\n- 丙", label, period, wrong) for label, period, wrong in [
        ("nosuch", "2017", NOWHERE), ("scores", "2017", ""), ("batch-3", "2017", ""), ("experts", "2017", NOWHERE),
        ("experts", "2020-2021", "")]),
    *(("甲\n\n## {}\n\n乙", batch, period, wrong) for batch, period, wrong in [
        ("第三批", "2017", ""), ("第四批", "2017", NO_PLACE), ("网员联盟", "2017", NO_PLACE), ("网员联盟", "2020-2021", "")])])
def test_a_reference_and_a_batch_are_there_in_the_report_of_that_period(data, text, name, period, wrong):
    remarks.path_of(period, data).write_text(f"## 总结\n\n{text.format(name)}", "utf8")
    if not wrong:
        assert check.read(period, data)
        return
    with pytest.raises(DataError, match=rf"remarks/{period}.md › {wrong.format(name)}"):
        check.read(period, data)
