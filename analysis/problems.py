"""What is wrong with the data: every problem has a place, what was found, and how to mend it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field

from analysis import fonts

SHOWN_OF_ONE_KIND, SHOWN_CHARACTERS, LONGEST_TEXT = 20, 60, 1000
FORMULA_STARTS = ("=", "+", "-", "@", "\t")  # a spreadsheet runs a text that starts so
UNSEEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")


@dataclass(frozen=True)
class Problem:
    """One thing wrong: `kind` groups like with like, `where` goes from file to cell, `message` says the rest."""

    kind: str
    where: tuple[str, ...]
    message: str
    order: tuple[int, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{' › '.join(self.where)}: {self.message}"


class DataError(Exception):
    """The data cannot be used. `problems` holds every one that was found, in reading order."""

    def __init__(self, problems: list[Problem]):
        self.problems = sorted(problems, key=lambda problem: problem.order)
        super().__init__("\n".join(lines(self.problems)))


def lines(problems: list[Problem]) -> list[str]:
    """One line for each problem; past twenty of one kind the rest are counted."""
    seen: Counter[str] = Counter()
    shown = []
    for problem in problems:
        seen[problem.kind] += 1
        if seen[problem.kind] <= SHOWN_OF_ONE_KIND:
            shown.append(str(problem))
    return shown + [f"… and {number - SHOWN_OF_ONE_KIND} more of this kind: {kind}"
                    for kind, number in seen.items() if number > SHOWN_OF_ONE_KIND]


def quoted(value: object) -> str:
    """A found value as a message shows it: in quotes, shortened, nothing invisible in it.

    >>> quoted("九十")
    '"九十"'
    """
    text = str(value)
    text = text[:SHOWN_CHARACTERS] + "…" * (len(text) > SHOWN_CHARACTERS)
    return '"' + "".join(c if unicodedata.category(c)[0] not in "CZ" or c == " " else f"\\u{ord(c):04x}" for c in text) + '"'


def hidden(text: str) -> str:
    """What a text holds that no reader would see, in words; nothing where all can be seen.

    >>> hidden("a\u200bb")
    'the invisible character U+200B'
    """
    unseen = next((c for c in text if unicodedata.category(c) in UNSEEN), "") if not text.isprintable() else ""
    return "a line break" if unseen and unseen in "\n\r" else f"the invisible character U+{ord(unseen):04X}" if unseen else ""


def unfit(text: str) -> tuple[str, str] | None:
    """Why a text may not stand in a report: a kind, and the end of a sentence that says what to do; None where it may."""
    if text and unicodedata.normalize("NFKC", text[0]).startswith(FORMULA_STARTS):
        return "formula in text", f"starts with {quoted(text[0])}, which a spreadsheet would run; write it without"
    if len(text) > LONGEST_TEXT:
        return "text too long", f"has {len(text):,} characters; shorten it to {LONGEST_TEXT:,}"
    if found := hidden(text):
        return "invisible character", f"contains {found}; remove it"
    if missing := fonts.missing(text):
        shown = "、".join(f"{c} (U+{ord(c):04X})" for c in missing)
        return "character not in the fonts", f"has {shown}, which the report's fonts cannot show; write it another way"
    return None


def normalise(text: str) -> str:
    """Names and codes as they are compared: NFKC, no spaces, no invisible marks, upper case.

    >>> normalise("ＴＤ 产业（链）")
    'TD产业(链)'
    """
    folded = "".join(unicodedata.normalize("NFKC", text).split())
    if not folded.isprintable():  # few texts hold a mark, and looking at every character takes long
        folded = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    return folded.upper()
