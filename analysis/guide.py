"""The lists of rules in data/README.md and data/填表说明.md, made from the table of messages: `python -m analysis.guide`."""

from __future__ import annotations

import re
from pathlib import Path

from analysis import DATA
from analysis.messages import CHINESE, ENGLISH, table

FILES = {"README.md": ENGLISH, "填表说明.md": CHINESE}
HEADINGS = {ENGLISH: ("rule", "about", "what is said"), CHINESE: ("编号", "问题", "提示和改法")}
BETWEEN = re.compile(r"(<!-- rules -->\n).*?(<!-- /rules -->)", re.DOTALL)
OF_THE_SHEET = ("file", "sheet", "column", "row", "cell", "text", "twice", "code", "name", "score", "grade", "size", "fact", "total", "origin",
                "absent", "activity", "alist")


def rules(language: str) -> str:
    """A table of the rules that stop a report, in one language; in Chinese those of the workbook alone."""
    rows = [HEADINGS[language], ("---",) * 3]
    rows += [(f"`{rule}`", said["kind"][language == CHINESE], said[language]) for rule, said in table().items()
             if "kind" in said and (language == ENGLISH or rule.partition(".")[0] in OF_THE_SHEET)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows).replace("{", "‹").replace("}", "›").replace("<", "&lt;")


def text(path: Path) -> str:
    """A file with its list of rules as the table has them now."""
    return BETWEEN.sub(lambda found: found[1] + rules(FILES[path.name]) + found[2], path.read_text("utf8"))


if __name__ == "__main__":
    for name in FILES:
        (DATA / name).write_text(text(DATA / name), "utf8")
