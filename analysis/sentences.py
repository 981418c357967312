"""Numbers and the analyst's templates -> text. A template asks for every number; none is typed.

Templates lie in `notebooks/text`, in Markdown with Jinja. What a template may ask for is in `notebooks/text/README.md`.
"""

from __future__ import annotations

import datetime as dt
import re
import traceback
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import jinja2

from analysis import NOTEBOOKS, markup
from analysis import remarks as written
from analysis import trends as t
from analysis.blocks import Cover, Text
from analysis.breakdown import Numbers, half_up, p_value, percent, signed
from analysis.grades import GRADES
from analysis.sheets import Period, earlier_grades
from analysis.trends import Estimate, Panel

TEXTS = NOTEBOOKS / "text"
UNDEFINED = re.compile(r"'(\w+)' is undefined")


def _shown(value: object) -> object:
    """What stands where a template has `{{ … }}`; text from a sheet is text, whatever is in it."""
    if isinstance(value, (jinja2.Undefined, Reference)):
        return value
    if isinstance(value, (list, tuple, dict, set)) or callable(value):
        raise jinja2.UndefinedError(f"a {type(value).__name__} cannot be printed as it is; take one of it, as in leader(…)[0] for the "
                                    "name and leader(…)[1].percent for the share, or names(…) | join(\"、\")")
    if value is None:
        raise jinja2.UndefinedError("a template printed a number that is not known; ask whether it is there first")
    if isinstance(value, dt.date):
        return date(value)
    return markup.plain(value)


class TemplateError(ValueError):
    """A template that cannot be filled in: its file, the line, and what is wrong there."""


class Reference(str):
    """`[@key]`, the number of a figure or a table; never made from a sheet's text."""


def _from_project(path: str | None) -> str:
    """A template's path as a message has it."""
    place = Path(path or TEXTS)
    return place.relative_to(NOTEBOOKS.parent).as_posix() if place.is_relative_to(NOTEBOOKS.parent) else str(place)


def date(day: dt.date) -> str:
    """A date as the reports write it: 2017年1月1日."""
    return f"{day.year}年{day.month}月{day.day}日"


def _points(change: Fraction | float) -> str:
    """A change with its sign and one place: `+5.8`."""
    return signed(_exact(change), 1)


def _number(number: Fraction | float, places: int = 1) -> str:
    return str(half_up(_exact(number), places))


def _exact(number: Fraction | float) -> Fraction:
    return number if isinstance(number, Fraction) else Fraction(str(number))


def _interval(estimate: Estimate) -> str:
    """A share, how many it is of how many, and its 95 % interval."""
    low, high = (half_up(_exact(100 * end), 1) for end in (estimate.low, estimate.high))
    return f"{percent(estimate.share)}（{estimate.part}/{estimate.whole}，95%区间{low}%—{high}%）"


class Templates:
    """The templates in one folder of `notebooks/text`, with the numbers that they may ask for."""

    def __init__(self, folder: str, **names: object):
        self.names = [*names, "see"]
        self.environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([TEXTS / folder, TEXTS]), finalize=_shown, undefined=jinja2.StrictUndefined,
            trim_blocks=True, lstrip_blocks=True)
        self.environment.filters.update(percent=percent, points=_points, number=_number, interval=_interval, p=p_value,
                                        rounded=lambda number, places=1: half_up(_exact(number), places))
        self.environment.globals.update(names, see=lambda key: Reference(f"[@{key}]"))

    def __call__(self, name: str, **more: object) -> Text:
        """The text that the template `name.md` makes; empty where it has nothing to say."""
        return Text(self._rendered(name, more).strip())

    def _rendered(self, name: str, more: dict[str, object]) -> str:
        """What a template says. Raises TemplateError with its file and line."""
        try:
            return self.environment.get_template(f"{name}.md").render(**more)
        except jinja2.TemplateSyntaxError as error:
            where = f"{_from_project(error.filename)}, line {error.lineno}"
            raise TemplateError(f"{where}: {error.message}; see notebooks/text/README.md") from None
        except Exception as error:
            places = [(f.filename, f.lineno) for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(".md")]
            if not places:
                raise
            missing = UNDEFINED.match(str(error))
            said = f"there is no {missing[1]}; a template here may ask for {', '.join(sorted({*self.names, *more}))}" if missing else error
            raise TemplateError(f"{_from_project(places[-1][0])}, line {places[-1][1]}: {said}") from error

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
        names=numbers.names, leader=numbers.leader, trailer=numbers.trailer, leaders=numbers.leaders, trailers=numbers.trailers,
        label=numbers.label,
        span=numbers.scheme.span, grades=GRADES, batches=batches, pilots=pilots, members=numbers.has_members,
        everyone=numbers.everyone, own_grade_pilots=numbers.own_grade_pilots, withheld=numbers.withheld(),
        scheme=numbers.scheme, portion=numbers.portion, amount=numbers.amount,
        earlier_grades=lambda: earlier_grades(numbers.period))


def trends(panel: Panel, numbers: Sequence[Numbers]) -> Templates:
    """The templates of the trend report, about the latest two periods of a panel."""
    sheets, pair, registry = [n.period for n in numbers], panel.last, numbers[-1].period.registry
    matched = t.matched_scores(panel, pair)
    bounds = {p: t.mean_bounds(panel, panel.schemes[p], p) for p in panel.periods}
    flows = [t.flow(panel, p) for p in panel.pairs]
    like, stayers = ({p: t.mean_bounds(panel, panel.schemes[p], p, ids) for p in pair} for ids in (matched.index, flows[-1].stayers))
    return Templates(
        "trends", panel=panel, pair=pair, registry=registry, before=numbers[-2], after=numbers[-1], grades=GRADES,
        sheets={sheet.name: sheet for sheet in sheets}, matching=t.matching(sheets), shared_codes=t.shared_codes(sheets),
        between={p: t.neighbours(registry, p, panel.unchosen) for p in panel.pairs}, flow=flows[-1], flows=flows,
        one_scheme=t.one_scheme(panel, pair), few=t.FEW, in_line=t.IN_LINE, one_floors=all(map(panel.same_floors, panel.pairs)),
        changed=int((matched["change"] != 0).sum()),
        at_ends=[t.regression(t.filled(panel, pair, top)) for top in (False, True)],
        retention={by: t.retention(panel, pair, by) for by in ("grade", "batch")},
        participation={by: t.participation(panel, pair, by) for by in ("grade", "batch")},
        moves=t.moves(panel, pair), always=panel.names(t.always_high(panel)),
        bounds=bounds, like=like, stayers=stayers, agreement=t.agreement(matched), regression=t.regression(matched),
        parts={p.grade: p for p in t.decomposition(panel, pair)}, near=t.near_cutoffs(panel, panel.schemes[pair.later], pair.later),
        claims=t.claims(sheets, panel), a_level=t.a_level(panel, registry), windows=t.windows(panel, registry),
        verdicts=(t.CONFIRMED, t.REFUTED, t.UNVERIFIABLE), plain=t.BOTH)


def remarks(period: Period) -> Text:
    """What an analyst wrote for the period in `data/remarks`; empty where nobody has. Raises DataError."""
    return Text(written.read(period.name, period.data))
