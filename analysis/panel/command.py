"""What `panel` and `example-panel` do, in order; nothing is put in its place before all of it is made."""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path

from analysis import sheets
from analysis.alliances import PERIOD
from analysis.panel import sheet as writer
from analysis.panel import workbook
from analysis.panel.scores import Scores
from analysis.problems import DataError

TRACE = "panel-{}-trace.csv"


class Refused(Exception):
    """The command cannot be carried out as it was given, or a person said no."""


def panel(period: str, data: Path, out: Path, force: bool) -> list[str]:
    """Make the internal report and the score sheet of a period; what was made, a line each.

    While an alliance on the list waits for its decision the report is made and the score sheet is not; then DataError.
    """
    from analysis import run

    there = sheets.periods(data, workbook.FOLDER)
    if not PERIOD.fullmatch(period) or period not in there:
        near = [p for p in there if period in p.split("-")] or difflib.get_close_matches(period, there, n=1, cutoff=0.7)
        hint = f" Did you mean {near[0]}?" if near else ""
        known = f"Periods with a panel: {', '.join(there)}." if there else f"There is no panel in {data / 'panel'}."
        raise Refused(f"there is no panel for {period!r}.{hint} {known}")
    scores = Scores(workbook.read(period, data))
    place, content, waiting = sheets.path_of(period, data), None, None
    try:
        content = writer.build(scores)
    except DataError as error:
        waiting = error
    same = content is not None and place.exists() and place.read_bytes() == content
    if content is not None and place.exists() and not same and not force:
        _ask(place)
    made = run.report("panel", f"panel-{period}", {"period": period, "data": str(data)}, out, f"panel-{period}",
                      {"trace": TRACE.format(period)})
    lines = [f"{os.path.relpath(path)}  {path.stat().st_size / 1e3:,.0f} kB" for path in made if path.parent.name == "reports"]
    if waiting is not None:
        print("\n".join(lines))
        print("the list for the re-review is in the report; the score sheet waits for these decisions:", file=sys.stderr)
        raise waiting
    if not same:
        writer.put(content, place)
    listed, reviewed = len(scores.listed), sum(one.review is not None for one in scores.settled)
    return [*lines, f"{os.path.relpath(place)}  {len(scores.settled)} evaluated, {listed} on the list, {reviewed} decided in the "
            f"re-review{', unchanged' if same else ''}"]


def _ask(place: Path) -> None:
    """Let a person say whether a score sheet may be replaced. Raises Refused where nobody says yes."""
    name = os.path.relpath(place)
    if not sys.stdin.isatty():
        raise Refused(f"{name} is there and would change; FORCE=1 (--force) replaces it")
    if input(f"{name} is there and would change; replace it? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Refused(f"{name} stays as it was; nothing was made")


def example(period: str, data: Path, out: Path) -> str:
    """Make a simulated data folder; how to go on with it."""
    from analysis.panel import example as simulation

    if out == data or data in out.parents:
        raise Refused(f"{out} lies in the data folder {data}; simulated data never goes there, name another with OUT=")
    try:
        path = simulation.make(period, data, out)
    except FileExistsError as error:
        raise Refused(str(error)) from None
    here = os.path.relpath(out)
    return (f"{os.path.relpath(path)}  simulated; it settles on the published scores of {period}\n"
            f"next: make panel YEAR={period} DATA={here} OUT={here}   then: make report YEAR={period} DATA={here} OUT={here}")
