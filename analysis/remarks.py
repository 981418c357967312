"""What an analyst wrote about one period, in `data/remarks/<period>.md`: read, and checked line by line."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from analysis import DATA
from analysis.grades import BEST_FIRST
from analysis.messages import Said
from analysis.problems import DataError, Problem, quoted, text_of, unshown
from analysis.words import Text

OF_BATCHES = (*(f"第{digit}批" for digit in "一二三四五六七八九"), "网员联盟")
PLACES = ("前言", "评价专家组", "评价范围", *OF_BATCHES, *BEST_FIRST, "组织机构建设与运行", "协同创新活动",
          "带动产业发展成效", "A级活跃度联盟", "总结", "未参加评价的联盟", "有关建议")
HEADING, IMAGE, REFERENCE = re.compile(r" {0,3}#{1,6}(?!#)"), re.compile(r"!\[[^\]]*\]\([^)]*\)"), re.compile(r"\[@([\w-]+)\]")
INDENT, MARK = re.compile(r"( *)((?:(?:[-*+]|\d+[.)]) +|> *)*)"), re.compile(r"> *|[^ >]+ +")
DEEPEST, LONGEST_LINE = 6, 4000  # what a PDF can hold is a little more


def path_of(period: str, data: Path) -> Path:
    """Where the remarks on a period lie, if there are any."""
    return data / "remarks" / f"{period}.md"


def read(period: str | int, data: Path | str = "", batches: Iterable[str] = OF_BATCHES,
         labels: Callable[[], list[str]] | None = None) -> dict[str, Text]:
    """What is written for each place of the report, by its heading; empty where nobody wrote any.

    Raises DataError with every line that a report cannot show; where they are told, one of its `batches` and its `labels` (asked only
    where there is a reference).
    """
    try:
        content = text_of(path_of(str(period), Path(data or DATA)))
    except FileNotFoundError:
        content = ""
    places = [place for place in PLACES if place in batches or place not in OF_BATCHES]
    problems, seen = [], {}
    for number, line in enumerate(content.splitlines(), start=1):
        problems += [Problem.of(said, f"remarks/{period}.md", Said("word.line", number=number), order=(number,))
                     for said in _faults(number, line, seen, places, labels)]
    if problems:
        raise DataError(problems)
    parts = re.split(r"^## +(.+?) *$", content.strip(), flags=re.M)[1:]
    return defaultdict(Text) | {heading: Text(body.strip()) for heading, body in zip(parts[::2], parts[1::2])}


def _faults(number: int, line: str, seen: dict[str, int], places: list[str], labels: Callable[[], list[str]] | None) -> Iterator[Said]:
    """What is wrong with a line; `seen` keeps the lines of the headings."""
    indent, title = INDENT.match(line.replace("\t", "    ")), line.removeprefix("## ").strip()
    if HEADING.match(line):
        if not line.startswith("## ") or title not in places:
            yield Said("remark.place", heading=quoted(title), places=places)
        if seen.setdefault(title, number) != number:
            yield Said("remark.twice", heading=quoted(title), line=seen[title])
    elif line.strip() and not seen:
        seen[""] = number
        yield Said("remark.above", places=places)
    if (depth := len(indent[1]) // 2 + len(MARK.findall(indent[2]))) > DEEPEST and indent[2]:
        yield Said("remark.deep", depth=depth, most=DEEPEST)
    if len(line) > LONGEST_LINE:
        yield Said("remark.long", number=f"{len(line):,}", most=f"{LONGEST_LINE:,}")
    if IMAGE.search(line):
        yield Said("remark.image")
    if fault := unshown(line.replace("\t", " "), Said("remark.line")):
        yield fault
    for label in REFERENCE.findall(line) if labels else ():
        if label not in labels():
            yield Said("remark.label", reference=f'"[@{label}]"', labels=labels)
