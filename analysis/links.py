"""The pages of a folder of reports name each other: those that are there, whichever was made first."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from analysis import record
from analysis.publish import REPORTS, put

BESIDE = re.compile(r"(?<=<!-- beside -->).*?(?=<!-- /beside -->)", re.DOTALL)
PUBLIC = {re.compile(r"(\d{4}(?:-\d{4})?)\.html"): "{}年度报告", re.compile(r"trends\.html"): "趋势报告",
          re.compile(r"alliances/(\d{4}(?:-\d{4})?)/index\.html"): "{}年度反馈函"}


def linked(pages: dict[str, str], places: Iterable[str]) -> dict[str, str]:
    """Each page, by its place in a folder of reports, with links to the public ones of some places, in their order."""
    named = {place: words.format(*found.groups()) for form, words in PUBLIC.items() for place in sorted(places)
             if (found := form.fullmatch(place))}

    def links(here: str, page: str) -> str:
        found = "".join(f'<a href="{quote(os.path.relpath(place, PurePosixPath(here).parent).replace(os.sep, "/"))}">{words}</a>'
                        for place, words in named.items() if place != here)
        return BESIDE.sub(found, page)  # names of periods have nothing to escape
    return {here: links(here, page) for here, page in pages.items()}


def refresh(out: Path) -> None:
    """Write the links of each page that is as it was made anew where they changed, and its record with it.

    A page that another run is making now is left alone: that run ends with this too.
    """
    from filelock import FileLock, Timeout

    reports = out / REPORTS
    there = [path.relative_to(reports).as_posix() for path in (*reports.glob("*.html"), *reports.glob("alliances/*/index.html"))]
    for path in sorted(reports.glob(".*.json")):
        title = path.stem.removeprefix(".")
        with contextlib.suppress(Timeout), FileLock(reports / f".{title}.lock", timeout=0):
            found = record.earlier(out, title)
            made = found.get("made", {})
            pages = {here: (reports / here).read_text("utf8") for here in there
                     if made.get(f"reports/{here}", "") == record.hash_of(reports / here)}
            changed = {here: page.encode() for here, page in linked(pages, there).items() if page != pages[here]}
            for here, page in changed.items():
                put(reports / here, page)
                made[f"reports/{here}"] = hashlib.sha256(page).hexdigest()
            if changed:
                put(path, json.dumps(found, ensure_ascii=False, indent=1).encode())
