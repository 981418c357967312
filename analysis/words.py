"""Numbers -> sentences. What may be said is decided in Python, as a named verdict; how it is said stands in notebooks/text/*.toml."""

from __future__ import annotations

import datetime as dt
import re
import string
import tomllib
from typing import NamedTuple

from analysis import NOTEBOOKS

SPECIAL = re.compile(r"([\\`*_\[\]<>~$&|^#!])")  # what Markdown would take for a mark inside a line
ITEM = re.compile(r"(- |\d+\. )")


class Verdict(NamedTuple):
    """What is so: the name of its sentence, and the numbers that stand in it."""

    name: str
    numbers: dict[str, object]


def verdict(name: str, /, **numbers: object) -> Verdict:
    """A verdict: `verdict("batch.leads", batch="第一批", share=…)`."""
    return Verdict(name, numbers)


def told(*names: str | None, **numbers: object) -> list[Verdict]:
    """Verdicts of one set of numbers; None says nothing."""
    return [Verdict(name, numbers) for name in names if name]


class Text(str):
    """Markdown: JupyterLab shows it, the exporters carry it, and a sentence keeps its marks where it stands in another."""

    def _repr_markdown_(self) -> str:
        return str(self)


class Words:
    """The sentences of one report by `section.name`."""

    def __init__(self, report: str):
        path = NOTEBOOKS / "text" / f"{report}.toml"
        self.place = f"notebooks/text/{path.name}"
        try:
            tables = tomllib.loads(path.read_text("utf8"))
        except tomllib.TOMLDecodeError as error:
            raise tomllib.TOMLDecodeError(f"{self.place}: {error}") from None
        self.sentences = {f"{section}.{name}": sentence for section, table in tables.items() for name, sentence in table.items()}

    def __call__(self, *said: str | Verdict | list[Verdict] | None, **numbers: object) -> Text:
        """The sentences of some verdicts, one after the other; None and an empty list say nothing.

        A sentence that is an item (`- `, `1. `) has a line of its own. Raises KeyError for a verdict without a sentence,
        and for a sentence whose number is missing or not known.
        """
        verdicts = [one for group in said if group for one in (group if isinstance(group, list) else [group])]
        text = ""
        for one in verdicts:
            name, own = (one, {}) if isinstance(one, str) else one
            sentence = one if isinstance(one, Text) else self._sentence(name, numbers | own)
            text += ("\n" if text and ITEM.match(sentence) else "") + sentence
        return Text(text)

    def plain(self, *said: str | Verdict | list[Verdict] | None, **numbers: object) -> str:
        """The same without Markdown's marks, for a headline or a caption."""
        return re.sub(r"\\(.)", r"\1", self(*said, **numbers))

    def items(self, *said: str | Verdict | list[Verdict] | None, numbered: bool = False) -> Text:
        """A list of Markdown, an item for each thing said; what says nothing has no item."""
        texts = [text for text in map(self, said) if text]
        return Text("\n".join(f"{f'{place}.' if numbered else '-'} {text}" for place, text in enumerate(texts, start=1)))

    def _sentence(self, name: str, numbers: dict[str, object]) -> str:
        if name not in self.sentences:
            raise KeyError(f"{self.place} has no sentence {name!r}")
        wanted = {field for _, field, _, _ in string.Formatter().parse(self.sentences[name]) if field}
        if missing := sorted(field for field in wanted if numbers.get(field) is None):
            raise KeyError(f"{self.place}, {name}: {', '.join(missing)} is not given or not known")
        return self.sentences[name].format(**{field: shown(numbers[field]) for field in wanted})


def read(report: str) -> Words:
    """The sentences of `notebooks/text/<report>.toml`."""
    return Words(report)


def shown(value: object) -> str:
    """A value as a sentence has it; text is shown as it is, whatever Markdown would make of it.

    >>> print(shown(["a*b", "c"]))
    a\\*b、c
    """
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, (list, tuple)) and not hasattr(value, "fraction"):
        return "、".join(map(shown, value))
    if isinstance(value, dt.date):
        return f"{value.year}年{value.month}月{value.day}日"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, str):
        return SPECIAL.sub(r"\\\1", " ".join(value.split("\n")))
    return str(value)
