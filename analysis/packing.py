"""Office files without the clock: whatever wrote one, the same content gives the same bytes."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile

EPOCH = (1980, 1, 1, 0, 0, 0)
SAVED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")


def packed(content: bytes, day: dt.date) -> bytes:
    """A zip file with every date in it that of the epoch, and an office file's day of saving as given."""
    fixed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            part = source.read(info)
            if info.filename == "docProps/core.xml":
                part = SAVED.sub(rb"\g<1>" + f"{day:%Y-%m-%d}T00:00:00Z".encode(), part)
            entry = zipfile.ZipInfo(info.filename, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, part)
    return fixed.getvalue()
