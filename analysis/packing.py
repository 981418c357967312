"""Office files and other zip files without the clock: whatever wrote one, the same content gives the same bytes."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile

EPOCH = (1980, 1, 1, 0, 0, 0)
CORE, SAVED = "docProps/core.xml", re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")


def zipped(parts: dict[str, bytes]) -> bytes:
    """A zip file of some parts by name, with no date in it but that of the epoch."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), part, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def packed(content: bytes, day: dt.date) -> bytes:
    """A zip file with every date in it that of the epoch, and an office file's day of saving as given."""
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    if CORE in parts:
        parts[CORE] = SAVED.sub(rb"\g<1>" + f"{day:%Y-%m-%d}T00:00:00Z".encode(), parts[CORE])
    return zipped(parts)
