"""The check as a page that needs nothing installed: a folder for any static host, with Python itself (Pyodide) in it."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

from analysis import ROOT
from analysis.sheets import FOLDER

PYODIDE = "pyodide@314.0.7"  # the npm package
SHA512 = "d18bd7c4485f11da4b7dbfd790cd8114078c44eab488c517d9bcf31fda4eb6dc8c716930abe1db139bb2b860fcd8b37bcb6abe48dbe2ffa579244b0e943d91d4"
RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
PACKAGES = ("openpyxl", "et_xmlfile")
PAGE, CODE = Path(__file__).with_name("page"), Path(__file__).parent
EPOCH = (2020, 1, 1, 0, 0, 0)


class MissingError(Exception):
    """What the page is built with cannot be had."""


def files(data: Path) -> dict[str, bytes]:
    """What lies in the folder, by name."""
    return {path.name: path.read_bytes() for path in sorted(PAGE.iterdir())} | _runtime() | {"check.zip": _code(data)}


def _runtime() -> dict[str, bytes]:
    """Pyodide, from its npm package, kept in build/. Raises MissingError."""
    kept = ROOT / "build" / f"{PYODIDE}.tgz"
    if not kept.exists() or hashlib.sha512(kept.read_bytes()).hexdigest() != SHA512:
        if not (npm := shutil.which("npm")):
            raise MissingError("npm is not installed")
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([npm, "pack", PYODIDE, "--silent"], cwd=folder, capture_output=True, text=True, check=False)
            packed = next(Path(folder).glob("*.tgz"), None)
            if packed is None or hashlib.sha512(packed.read_bytes()).hexdigest() != SHA512:
                raise MissingError(f"npm pack {PYODIDE} failed: {done.stderr.strip()[-300:] or 'another package came'}")
            kept.parent.mkdir(exist_ok=True)
            shutil.copy(packed, kept)
    with tarfile.open(kept) as archive:
        return {name: archive.extractfile(f"package/{name}").read() for name in RUNTIME}


def _code(data: Path) -> bytes:
    """What the page runs: the reader, what it imports, the registry, and the sheets of those periods whose report is published."""
    found = {path: path.relative_to(ROOT) for path in [*CODE.glob("*.py"), CODE / "messages.toml", *(CODE / "fonts").glob("*.[pt][yx]*")]}
    for package in PACKAGES:
        folder = Path(find_spec(package).origin).parent
        found |= {path: path.relative_to(folder.parent) for path in folder.rglob("*.py")}
    published = {path.stem for path in (data / "published").glob("*.csv")}
    kept = [*(data / "registry").glob("*.csv"), *(data / "published").glob("*.csv"),
            *(path for path in (data / FOLDER).glob("*.xlsx") if path.stem in published)]
    found |= {path: Path("data") / path.relative_to(data) for path in kept}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, place in sorted(found.items(), key=lambda pair: pair[1]):
            archive.writestr(zipfile.ZipInfo(place.as_posix(), EPOCH), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()
