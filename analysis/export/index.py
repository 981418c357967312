"""The page that lists a period's letters: one file to search, filter and sort, opened without a server."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from analysis import fonts
from analysis.export import environment
from analysis.pages import Frames, common

SHOWN = ("name", "code", "batch", "sector", "state", "score", "graded")


def html(frames: Frames, told: Iterable[dict[str, Any]]) -> bytes:
    """The index of what `pages.page` said of each."""
    registry = frames.sheet.registry
    also: dict[str, list[str]] = {id: [registry.names[id]] for id in frames.named.index}
    for alias, id in registry.aliases.items():
        also.get(id, []).append(alias)
    rows = [{key: page[key] or "—" if key in ("code", "sector") else page[key] for key in SHOWN} | {
        "href": quote(page["file"]), "also": " ".join(also[id]), "place": page["places"][0][1] if page["places"] else "—"}
        for id, page in zip(frames.named.index, told)]
    orders = {"batch": lambda row: row["code"], "sector": lambda row: (row["sector"] == "—", row["sector"]),
              "state": lambda row: (not row["graded"], -float(row["score"] or 0))}
    choices = {key: [*dict.fromkeys(row[key] for row in sorted(rows, key=order))] for key, order in orders.items()}
    if choices["sector"] == ["—"]:
        del choices["sector"]
    stream, characters = environment.get_template("index.html.j2").stream(common(frames), rows=rows, choices=choices), set()
    stream.enable_buffering(1000)
    page = b"".join((characters.update(piece), piece.encode())[1] for piece in stream)
    above = page[:page.index(b"<tbody>")].decode()  # all that is in bold
    script = page[page.index(b"<script>") + len(b"<script>"):page.index(b"</script>")]
    page = page.replace(b"<!-- key -->", base64.b64encode(hashlib.sha256(script).digest()), 1)
    return page.replace(b"<!-- faces -->", fonts.faces(above + "".join(characters)).encode(), 1)
