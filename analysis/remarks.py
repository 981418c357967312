"""What an analyst wrote about one period, in `data/remarks/<period>.md`: read, and checked line by line."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from analysis import DATA, fonts
from analysis.grades import BEST_FIRST
from analysis.problems import DataError, Problem, hidden, quoted
from analysis.words import Text

PLACES = ("前言", "评价专家组", "评价范围", *(f"第{digit}批" for digit in "一二三四五六七八九"), "网员联盟", *BEST_FIRST, "组织机构建设与运行",
          "协同创新活动", "带动产业发展成效", "A级活跃度联盟", "总结", "未参加评价的联盟", "有关建议")
HEADING = re.compile(r" {0,3}(#{1,6})(?=\s|[^#\s])(\s*)(.*)")
UNDERLINE = re.compile(r" {0,3}(=+|-+)\s*")
REFUSED = {  # what a line may not be, how it is called, what to do instead
    re.compile(r"\s*\|.*\||\s*\|?\s*:?-+:?\s*\|[\s:|-]*"): ("a table", "write it as a list or as sentences"),
    re.compile(r".*!\[[^\]]*\]\([^)]*\).*"): ("an image", "take it out; a report shows only its own figures"),
    re.compile(r"\s*(```|~~~).*"): ("a block of code", "write it as a paragraph"),
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
    path = path_of(period, data)
    where = f"remarks/{path.name}"
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise DataError([Problem("encoding", (where,), "is not UTF-8 (perhaps GBK); save it as UTF-8")]) from None
    lines, problems = content.splitlines(), []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        heading = HEADING.fullmatch(line)
        faults = _faults(line, heading, lines[number - 2] if number > 1 else "")
        if heading and seen.setdefault(heading[3].strip(), number) != number:
            faults.append(("heading", f"the heading {quoted(heading[3].strip())} stands in line {seen[heading[3].strip()]} already; "
                           "join the two"))
        if line.strip() and not seen:
            faults.append(("no heading", f"stands above the first heading; write ## and its place before it: {'、'.join(PLACES)}"))
            seen[""] = number
        problems += [Problem(kind, (where, f"line {number}"), message, (number,)) for kind, message in faults]
    if problems:
        raise DataError(problems)
    return content.strip()


def _faults(line: str, heading: re.Match | None, above: str) -> list[tuple[str, str]]:
    """What is wrong with a line: the kind, and what was found and what to do."""
    found = []
    if heading and len(heading[1]) == 2 and heading[2] and heading[3].strip() not in PLACES:
        found.append(("heading", f"{quoted(heading[3].strip())} is no place of the report; write one of {'、'.join(PLACES)}"))
    if heading and (len(heading[1]) != 2 or not heading[2]):
        found.append(("heading", f"the heading {quoted(line.strip())} is not of level 2; write it as {quoted('## ' + heading[3].strip())}"))
    if UNDERLINE.fullmatch(line) and above.strip():
        found.append(("heading", f"{quoted(line.strip())} makes a heading of the line above; put a blank line between, or write the "
                      "heading with ##"))
    found += [("not shown", f"{what} cannot stand in a report; {instead}") for form, (what, instead) in REFUSED.items()
              if form.fullmatch(line)]
    if invisible := hidden(line.replace("\t", " ")):
        found.append(("invisible character", f"contains {invisible}; remove it"))
    elif missing := fonts.missing(line.replace("\t", " ")):
        shown = "、".join(f"{c} (U+{ord(c):04X})" for c in missing)
        found.append(("character not in the fonts", f"has {shown}, which the report's fonts cannot show; write it another way"))
    return found
