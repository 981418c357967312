"""What a report was made of, and what was made, as SHA-256 hashes beside it: by this a command knows that nothing is to do."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import sys
import sysconfig
from pathlib import Path

from analysis import NOTEBOOKS, ROOT

BESIDE = re.compile(rb"(?<=<!-- beside -->).*?(?=<!-- /beside -->)", re.DOTALL)  # of a page, its links to other reports
READ = ("registry/*.csv", "score_sheets/*.xlsx", "panel/**/*.xlsx", "panel/**/*.csv")  # other periods' too, for dates, grades and names
READ_TOO = {"report": ("logo.*", "remarks/{period}.md"), "audit": ("published/*.csv",)}


def path_of(title: str) -> Path:
    """Where the record of a report lies, under the folder of reports and figures."""
    return Path("reports") / f".{title}.json"


def state(notebook: str, periods: list[str], data: Path) -> dict[str, object]:
    """All that decides what a notebook shows: the periods, the data folder, the versions, and each file's hash by its name."""
    packages = sorted(name for name in os.listdir(sysconfig.get_path("purelib")) if name.endswith(".dist-info"))
    return {"periods": sorted(periods), "data": str(data), "versions": [sys.version, *packages],
            "inputs": {name: hash_of(path) for name, path in sorted(inputs(notebook, periods, data).items())}}


def inputs(notebook: str, periods: list[str], data: Path) -> dict[str, Path]:
    """The files that decide what a notebook shows, by their names."""
    patterns = {pattern.format(period=glob.escape(period)) for pattern in (*READ, *READ_TOO.get(notebook, ())) for period in periods}
    read = {f"data/{path.relative_to(data)}": path for pattern in patterns for path in data.glob(pattern) if path.name[0] not in "~."}
    package = (Path(folder) / name for folder, _, names in os.walk(ROOT / "analysis") if not folder.endswith("__pycache__")
               for name in names)
    told = (*package, NOTEBOOKS / f"{notebook}.ipynb", NOTEBOOKS / "text" / f"{notebook}.toml", ROOT / "requirements.lock")
    return read | {str(path.relative_to(ROOT)): path for path in told}


def earlier(out: Path, title: str) -> dict:
    """The record that an earlier run left; empty where there is none that can be read."""
    try:
        return json.loads((out / path_of(title)).read_bytes())
    except (OSError, ValueError):
        return {}


def older(out: Path, title: str, notebook: str, periods: list[str], data: Path) -> bool:
    """Whether a file that decides what a notebook shows was saved after the record, or there is none: what is seen without reading them."""
    try:
        made = (out / path_of(title)).stat().st_mtime
        return any(path.stat().st_mtime > made for path in inputs(notebook, periods, data).values())
    except OSError:
        return True


def holds(out: Path, title: str, now: dict[str, object]) -> bool:
    """Whether what was made is made of what is there now, and is as it was made."""
    found = earlier(out, title)
    made = found.get("made", {})
    return bool(made) and found == found | now and all(hash_of(out / place) == digest for place, digest in made.items())


def written(now: dict[str, object], files: dict[Path, bytes]) -> bytes:
    """The record to be published with some files."""
    made = {place.as_posix(): _digest(place, content) for place, content in sorted(files.items())}
    return json.dumps({**now, "made": made}, ensure_ascii=False, indent=1).encode()


def hash_of(path: Path) -> str:
    """The SHA-256 of a file, of a page without its links to others; nothing where it cannot be read, which its reader will say."""
    try:
        return _digest(path, path.read_bytes())
    except OSError:
        return ""


def _digest(path: Path, content: bytes) -> str:
    return hashlib.sha256(BESIDE.sub(b"", content) if path.suffix == ".html" else content).hexdigest()
