"""The pages of a folder of reports name each other: those that are there, whichever was made first."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from analysis import record
from analysis.publish import REPORTS, put

PUBLIC = {re.compile(r"(\d{4}(?:-\d{4})?)\.html"): "{}年度报告", re.compile(r"trends\.html"): "趋势报告",
          re.compile(r"alliances/(\d{4}(?:-\d{4})?)/index\.html"): "{}年度反馈函"}


def linked(pages: dict[str, bytes], places: Iterable[str]) -> dict[str, bytes]:
    """Each page, by its place in a folder of reports, with links to the public ones of some places, in their order."""
    named = {place: words.format(*found.groups()) for form, words in PUBLIC.items() for place in sorted(places)
             if (found := form.fullmatch(place))}
    made = {}
    for here, page in pages.items():
        ways = {quote(os.path.relpath(place, Path(here).parent).replace(os.sep, "/")): words for place, words in named.items() if place != here}
        found = "".join(f'<a href="{way}">{words}</a>' for way, words in ways.items())  # names of periods have nothing to escape
        made[here] = record.BESIDE.sub(found.encode(), page)
    return made


def refresh(out: Path) -> None:
    """Write the links of each page that a record names anew where they changed; records do not count them.

    A page that another run is making now is left alone: that run ends with this too.
    """
    from filelock import FileLock, Timeout

    reports = out / REPORTS
    there = [path.relative_to(reports).as_posix() for path in (*reports.glob("*.html"), *reports.glob("alliances/*/index.html"))]
    for path in sorted(reports.glob(".*.json")):
        with contextlib.suppress(Timeout), FileLock(path.with_suffix(".lock"), timeout=0):
            made = record.earlier(out, path.stem.removeprefix(".")).get("made", ())
            pages = {here: (reports / here).read_bytes() for here in there if f"reports/{here}" in made}
            for here, page in linked(pages, there).items():
                if page != pages[here]:
                    put(reports / here, page)
