"""Every message, once, in English and Chinese: a `Said` is a text in the language of whoever reads it."""

from __future__ import annotations

import errno
import locale
import os
import re
import tomllib
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("messages.toml")
ENGLISH, CHINESE = ("en", "zh")
QUOTED, QUOTES = re.compile(r'"([^"]*)"'), re.compile(r'"[^"]*"(, "[^"]*")*')  # not a line of CSV in which there are some
ERRORS = {errno.ENOSPC: "error.full", errno.EROFS: "error.readonly", errno.EACCES: "error.denied", errno.EPERM: "error.denied",
          errno.EMFILE: "error.open", errno.ENFILE: "error.open", errno.ENOMEM: "error.memory"}


@cache
def table() -> dict[str, dict[str, str | list[str]]]:
    """The messages by rule, such as `score.outside`."""
    sections = tomllib.loads(FILE.read_text("utf8"))
    return {f"{section}.{name}": entry for section, entries in sections.items() for name, entry in entries.items()}


def language() -> str:
    """`zh` or `en`: what LC_ALL, LC_MESSAGES or LANG says, the first that is set; where none is, as on Windows, the system."""
    told = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), locale.getlocale()[0] or "")
    return CHINESE if told.lower().startswith((CHINESE, "chinese")) else ENGLISH


class Said:
    """A message by its rule, with its values: each a text, a number, another Said, a list, or a function that finds one when asked.

    >>> print(Said("remark.twice", heading="X", line=3))
    the heading X stands in line 3 already; join the two
    """

    def __init__(self, rule: str, /, **values: object):
        self.rule, self.values = rule, values

    def __str__(self) -> str:
        return self._filled(table()[self.rule][language()])

    @property
    def kind(self) -> str:
        """What the rule is about."""
        return self._filled(table()[self.rule]["kind"][language() == CHINESE])

    def _filled(self, text: str) -> str:
        return text.format_map({name: _word(value) for name, value in self.values.items() if f"{{{name}}}" in text})


class Refused(Exception):
    """Something that cannot be done; `said` says why, and how to mend it."""

    def __init__(self, rule: str, **values: object):
        self.said = Said(rule, **values)
        super().__init__(self.said)


def _word(value: object) -> str:
    if callable(value):
        return _word(value())
    if isinstance(value, (list, tuple)):
        return (", " if language() == ENGLISH else "、").join(map(_word, value))
    if isinstance(value, float):
        return f"{value:.15g}"
    found = isinstance(value, str) and language() == CHINESE and QUOTES.fullmatch(value)
    return QUOTED.sub(r"“\1”", value) if found else str(value)


def reason(error: BaseException) -> Said | str:
    """Why the system refused, in words where they are ours."""
    number = errno.ENOMEM if isinstance(error, MemoryError) else getattr(error, "errno", None)
    return Said(ERRORS[number]) if number in ERRORS else getattr(error, "strerror", None) or ""
