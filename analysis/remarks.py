"""What an analyst wrote about one period, in `data/remarks/<period>.md`: read, and checked line by line."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from analysis import DATA
from analysis.grades import BEST_FIRST
from analysis.messages import Said
from analysis.problems import DataError, Problem, quoted, text_of, unshown
from analysis.words import Text

OF_BATCHES = (*(f"第{digit}批" for digit in "一二三四五六七八九"), "网员联盟")
PLACES = ("前言", "评价专家组", "评价范围", *OF_BATCHES, *BEST_FIRST, "组织机构建设与运行", "协同创新活动",
          "带动产业发展成效", "A级活跃度联盟", "总结", "未参加评价的联盟", "有关建议")
HEADING = re.compile(r" {0,3}(#{1,6})(?=\s|[^#\s])(\s*)(.*)")
UNDERLINE = re.compile(r" {0,3}(=+|-+)\s*")
ITEM, MARK = re.compile(r"( *)((?:(?:[-*+]|\d+[.)]) +|> *)+)"), re.compile(r"> *|[^ >]+ +")
REFERENCE = re.compile(r"\[@([\w-]+)\]")
DEEPEST, LONGEST_LINE = 6, 4000  # what a PDF can hold is a little more
REFUSED = {  # what a line may not be
    "remark.table": re.compile(r"\s*\|.*\||\s*\|?\s*:?-+:?\s*\|[\s:|-]*"), "remark.image": re.compile(r".*!\[[^\]]*\]\([^)]*\).*"),
    "remark.code": re.compile(r"\s*(```|~~~).*"),
}


def path_of(period: str, data: Path) -> Path:
    """Where the remarks on a period lie, if there are any."""
    return data / "remarks" / f"{period}.md"


def read(period: str | int, data: Path | str = "") -> dict[str, Text]:
    """What is written for each place of the report, by its heading; empty where nobody wrote any. Raises DataError."""
    parts = re.split(r"^## +(.+?) *$", text(str(period), Path(data or DATA)), flags=re.M)[1:]
    return defaultdict(Text) | {heading: Text(body.strip()) for heading, body in zip(parts[::2], parts[1::2])}


def text(period: str, data: Path) -> str:
    """The remarks as Markdown; empty where nobody wrote any. Raises DataError with every line that a report cannot show."""
    try:
        content = text_of(path_of(period, data))
    except FileNotFoundError:
        return ""
    lines, problems, indents = content.splitlines(), [], []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        heading = HEADING.fullmatch(line)
        faults = _faults(line, heading, lines[number - 2] if number > 1 else "")
        if heading and seen.setdefault(heading[3].strip(), number) != number:
            faults.append(Said("remark.twice", heading=quoted(heading[3].strip()), line=seen[heading[3].strip()]))
        if (depth := _depth(line, indents)) > DEEPEST:
            faults.append(Said("remark.deep", depth=depth, most=DEEPEST))
        if line.strip() and not seen:
            faults.append(Said("remark.above", places="、".join(PLACES)))
            seen[""] = number
        problems += [_problem(said, period, number) for said in faults]
    if problems:
        raise DataError(problems)
    return content.strip()


def _depth(line: str, indents: list[int]) -> int:
    """How deep a line that begins an item of a list, or is quoted, stands under those above it, whose indents are kept; else 0."""
    item = ITEM.match(line.replace("\t", "    "))
    if not item:
        return 0
    indents[:] = [indent for indent in indents if indent < len(item[1])]
    for mark in MARK.findall(item[2]):
        indents.append(len(item[1]) + len(indents) * (len(item[2]) > len(mark)))
    return len(indents)


def unknown(period: str, data: Path, known: Callable[[], list[str]]) -> list[Problem]:
    """The references in the remarks on a period that are none of some labels; what those are is asked only where there is one."""
    said = [(number, label) for number, line in enumerate(text(period, data).splitlines(), start=1) for label in REFERENCE.findall(line)]
    labels = known() if said else []
    return [_problem(Said("remark.label", reference=f'"[@{label}]"', labels=labels), period, number)
            for number, label in said if label not in labels]


def misplaced(period: str, data: Path, batches: list[str]) -> list[Problem]:
    """The headings in the remarks on a period that are of a batch which it does not have; `batches` are those it has."""
    places = "、".join(place for place in PLACES if place in batches or place not in OF_BATCHES)
    headings = enumerate(map(HEADING.fullmatch, text(period, data).splitlines()), start=1)
    return [_problem(Said("remark.place", heading=quoted(heading[3].strip()), places=places), period, number)
            for number, heading in headings if heading and heading[3].strip() in {*OF_BATCHES} - {*batches}]


def _problem(said: Said, period: str, number: int) -> Problem:
    return Problem.of(said, f"remarks/{period}.md", Said("word.line", number=number), order=(number,))


def _faults(line: str, heading: re.Match | None, above: str) -> list[Said]:
    """What is wrong with a line."""
    title, found = heading and heading[3].strip(), []
    if heading and (len(heading[1]) != 2 or not heading[2]):
        found.append(Said("remark.level", heading=quoted(line.strip()), right=quoted(f"## {title}")))
    elif heading and title not in PLACES:
        found.append(Said("remark.place", heading=quoted(title), places="、".join(PLACES)))
    if UNDERLINE.fullmatch(line) and above.strip():
        found.append(Said("remark.underline", line=quoted(line.strip())))
    if len(line) > LONGEST_LINE:
        found.append(Said("remark.long", number=f"{len(line):,}", most=f"{LONGEST_LINE:,}"))
    found += [Said(rule) for rule, form in REFUSED.items() if form.fullmatch(line)]
    return found + [fault for fault in [unshown(line.replace("\t", " "), Said("remark.line"))] if fault]
