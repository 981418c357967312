"""What is wrong with the data: every problem has a place, what was found, and how to mend it."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from analysis import fonts
from analysis.messages import Said, reason

SHOWN_OF_ONE_KIND, SHOWN_CHARACTERS, LONGEST_TEXT = 20, 60, 1000
FORMULA_STARTS = ("=", "+", "-", "@", "\t")  # a spreadsheet runs a text that starts so
UNSEEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")


@dataclass(frozen=True)
class Problem:
    """One thing wrong: `where` goes from file to cell, `said` says the rest."""

    said: Said
    where: tuple[str | Said, ...]
    order: tuple[int, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, said: Said, *where: str | Said | None, order: tuple[int, ...] = ()) -> Problem:
        """A problem by its message, at a place whose blank parts are left out."""
        return cls(said, tuple(filter(None, where)), order)

    @property
    def sheet(self) -> str:
        """The sheet, where the problem lies in one."""
        return self.where[1] if len(self.where) > 1 and isinstance(self.where[1], str) else ""

    @property
    def cell(self) -> str:
        """The cell, or the line of a text, where the problem lies in one."""
        return str(self.where[-1]) if len(self.where) > 1 + bool(self.sheet) else ""

    def __str__(self) -> str:
        return f"{' › '.join(map(str, self.where))}: {self.said}"


class DataError(Exception):
    """The data cannot be used. `problems` holds every one that was found, in reading order."""

    def __init__(self, problems: list[Problem]):
        self.problems = sorted(problems, key=lambda problem: problem.order)

    def __str__(self) -> str:
        """One line for each problem; past twenty of one kind the rest are counted."""
        seen, lines = Counter(), []
        for problem in self.problems:
            seen[problem.said.kind] += 1
            if seen[problem.said.kind] <= SHOWN_OF_ONE_KIND:
                lines.append(str(problem))
        return "\n".join(lines + [str(Said("word.more", number=number - SHOWN_OF_ONE_KIND, kind=kind))
                                  for kind, number in seen.items() if number > SHOWN_OF_ONE_KIND])


def text_of(path: Path) -> str:
    """A text in UTF-8. Raises DataError for one that cannot be read, FileNotFoundError where there is none."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise
    except (UnicodeDecodeError, OSError) as error:
        said = Said("file.encoding") if isinstance(error, UnicodeDecodeError) else Said("file.refused", reason=reason(error))
        raise DataError([Problem.of(said, f"{path.parent.name}/{path.name}")]) from None


def quoted(value: object) -> str:
    """A found value as a message shows it: in quotes, shortened, nothing invisible in it.

    >>> quoted("九十")
    '"九十"'
    """
    text = str(value)
    text = text[:SHOWN_CHARACTERS] + "…" * (len(text) > SHOWN_CHARACTERS)
    return f'"{text}"' if text.isprintable() else '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text) + '"'


def unshown(text: str, what: object) -> Said | None:
    """Why a text that nobody would see, or the fonts lack, may not stand in a report; `what` begins the sentence.

    >>> print(unshown("a\u200bb", "it"))
    it contains the invisible character U+200B; remove it
    """
    unseen = next((c for c in text if unicodedata.category(c) in UNSEEN), "") if not text.isprintable() else ""
    if unseen:
        return Said("text.unseen", what=what,
                    found=Said("word.break") if unseen in "\n\r" else Said("word.invisible", number=f"{ord(unseen):04X}"))
    missing = "、".join(f"{c} (U+{ord(c):04X})" for c in fonts.missing(text))
    return Said("text.glyph", what=what, found=missing) if missing else None


def unfit(text: str, what: object) -> Said | None:
    """Why a text may not stand in a report, a sentence that `what` and the text begin; None where it may."""
    what = Said("word.of", what=what, text=lambda: quoted(text))
    if text and unicodedata.normalize("NFKC", text[0]).startswith(FORMULA_STARTS):
        return Said("text.formula", what=what, found=quoted(text[0]))
    if len(text) > LONGEST_TEXT:
        return Said("text.long", what=what, number=f"{len(text):,}", most=f"{LONGEST_TEXT:,}")
    return unshown(text, what)


def normalise(text: str) -> str:
    """Names and codes as they are compared: NFKC, no spaces, no invisible marks, upper case.

    >>> normalise("ＴＤ 产业（链）")
    'TD产业(链)'
    """
    folded = "".join(unicodedata.normalize("NFKC", text).split())
    if not folded.isprintable():  # few texts hold a mark, and looking at every character takes long
        folded = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    return folded.upper()
