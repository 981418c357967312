"""The commands of the panel: from marks to the score sheet, and a simulated panel to try it on."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from analysis import DATA, ROOT, record, sheets
from analysis.commands import CommandError, from_here, known_period, make, say
from analysis.panel import example, sheet, workbook
from analysis.panel.scores import Scores


def panel(options: Namespace) -> None:
    """From a period's panel to its score sheet and the internal report; a decision that is missing stops the score sheet."""
    period = known_period(options.period, options.data, "panel", workbook.FOLDER)
    options.state = record.state("panel", [period], options.data)
    scores = Scores(workbook.read(period, options.data))
    waiting = any(one.open for one in scores.settled)
    place, title, content = sheets.path_of(period, options.data), f"panel-{period}", b"" if waiting else sheet.build(scores)
    same = place.exists() and place.read_bytes() == content
    if content and place.exists() and not same and not options.force:
        _ask(place)
    make(options, "panel", title, {"period": period}, saved={"trace": f"{title}-trace.csv"})
    if content and not same:
        sheet.put(content, place)
    if waiting:
        say("the list for the re-review is in the report; the score sheet waits for these decisions:", to=sys.stderr)
        scores.complete()
    listed, reviewed = len(scores.listed), sum(one.review is not None for one in scores.settled)
    say(f"{from_here(place)}  {len(scores.settled)} evaluated, {listed} on the list, {reviewed} decided in the re-review"
        f"{', unchanged' if same else ''}")


def _ask(place: Path) -> None:
    """Let a person say whether a score sheet may be replaced. Raises CommandError where nobody says yes."""
    if not sys.stdin.isatty():
        raise CommandError(f"{from_here(place)} is there and would change; FORCE=1 (--force) replaces it")
    if input(f"{from_here(place)} is there and would change; replace it? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError(f"{from_here(place)} stays as it was; nothing was made")


def example_panel(options: Namespace) -> None:
    """Make a simulated data folder whose panel settles on a period's published scores; never inside a data folder."""
    period = known_period(options.period, options.data, "example-panel")
    out = ROOT / "build" / f"example-panel-{period}" if options.out == ROOT else options.out
    for data in (options.data, DATA):
        if out.resolve().is_relative_to(data.resolve()):
            raise CommandError(f"{out} lies in the data folder {data}; simulated data never goes there, name another with OUT=")
    try:
        path = example.make(period, options.data, out)
    except FileExistsError as error:
        raise CommandError(str(error)) from None
    here = from_here(out)
    say(f"{from_here(path)}  simulated; it settles on the published scores of {period}",
        f"next: make panel YEAR={period} DATA={here} OUT={here}   then: make report YEAR={period} DATA={here} OUT={here}")
