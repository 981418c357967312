"""What an analyst wrote about one period, in `data/remarks/<period>.md`: read, and checked line by line."""

from __future__ import annotations

import re
from pathlib import Path

from analysis import fonts
from analysis.problems import DataError, Problem, hidden, quoted

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


def read(period: str, data: Path) -> str:
    """The remarks as Markdown; empty where nobody wrote any. Raises DataError with every line that a report cannot show."""
    path = path_of(period, data)
    where = f"remarks/{path.name}"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise DataError([Problem("encoding", (where,), "is not UTF-8 (perhaps GBK); save it as UTF-8")]) from None
    lines = text.splitlines()
    problems = [Problem(kind, (where, f"line {number}"), message, (number,))
                for number, line in enumerate(lines, start=1) for kind, message in _faults(line, lines[number - 2] if number > 1 else "")]
    if problems:
        raise DataError(problems)
    return text.strip()


def _faults(line: str, above: str) -> list[tuple[str, str]]:
    """What is wrong with a line: the kind, and what was found and what to do."""
    found = []
    heading = HEADING.fullmatch(line)
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
