"""Numbers and the analyst's templates -> text. A template asks for every number; none is typed.

Templates lie in `notebooks/text`, in Markdown with Jinja. What a template may ask for is in `notebooks/text/README.md`.
"""

from __future__ import annotations

import datetime as dt

import jinja2

from analysis import NOTEBOOKS, markup
from analysis.blocks import Cover, Text
from analysis.breakdown import Numbers
from analysis.grades import GRADES
from analysis.sheets import Period

TEXTS = NOTEBOOKS / "text"


def _shown(value: object) -> object:
    """What stands where a template has `{{ … }}`; text from a sheet is text, whatever is in it."""
    if value is None:
        raise jinja2.UndefinedError("a template printed a number that is not known; ask whether it is there first")
    if isinstance(value, (jinja2.Undefined, Reference)):
        return value
    if isinstance(value, dt.date):
        return date(value)
    return markup.plain(value)


class Reference(str):
    """`[@key]`, the number of a figure or a table; never made from a sheet's text."""


def date(day: dt.date) -> str:
    """A date as the reports write it: 2017年1月1日."""
    return f"{day.year}年{day.month}月{day.day}日"


class Templates:
    """The templates in one folder of `notebooks/text`, with the numbers that they may ask for."""

    def __init__(self, folder: str, **names: object):
        self.environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([TEXTS / folder, TEXTS]), finalize=_shown, undefined=jinja2.StrictUndefined,
            trim_blocks=True, lstrip_blocks=True)
        self.environment.globals.update(names, see=lambda key: Reference(f"[@{key}]"))

    def __call__(self, name: str, **more: object) -> Text:
        """The text that the template `name.md` makes; empty where it has nothing to say."""
        return Text(self.environment.get_template(f"{name}.md").render(**more).strip())

    def cover(self, day: dt.date) -> Cover:
        """The cover from `cover.md`: a line for the title, one for the subtitle, facts with `- `, then the publishers."""
        lines = [line.strip() for line in self("cover").markdown.splitlines() if line.strip()]
        bare = [markup.words(markup.parse(line.lstrip("# ").removeprefix("- "))) for line in lines]
        facts = [text for line, text in zip(lines, bare) if line.startswith("- ")]
        title, subtitle, *publishers = [text for line, text in zip(lines, bare) if not line.startswith("- ")]
        return Cover(title, subtitle, facts, publishers, day.isoformat())


def report(numbers: Numbers) -> Templates:
    """The templates of a period's report; notebooks/text/README.md says what they may ask for."""
    batches = [batch.short for batch in numbers.batches.values()]
    pilots = [batch.short for batch in numbers.batches.values() if batch.is_pilot]
    return Templates(
        "report", period=numbers.period, facts=numbers.period.facts, count=numbers.count, share=numbers.share,
        names=numbers.names, leader=numbers.leader, trailer=numbers.trailer, label=numbers.label,
        span=numbers.scheme.span, grades=GRADES, batches=batches, pilots=pilots, members=numbers.has_members,
        everyone=numbers.everyone, own_grade_pilots=numbers.own_grade_pilots, withheld=numbers.withheld(),
        scheme=numbers.scheme, portion=numbers.portion, amount=numbers.amount)


def remarks(period: Period) -> Text:
    """What an analyst wrote for the period in `data/remarks`; empty where nobody has."""
    path = period.data / "remarks" / f"{period.name}.md"
    return Text(path.read_text("utf-8-sig").strip() if path.exists() else "")
