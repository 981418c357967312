"""The check as a page that needs nothing installed: a folder for any static host, with Python itself (Pyodide) in it."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
from importlib.util import find_spec
from pathlib import Path

from analysis import ROOT
from analysis.messages import Said
from analysis.packing import zipped
from analysis.sheets import FOLDER

PYODIDE = "pyodide@314.0.7"  # the npm package
SHA512 = "d18bd7c4485f11da4b7dbfd790cd8114078c44eab488c517d9bcf31fda4eb6dc8c716930abe1db139bb2b860fcd8b37bcb6abe48dbe2ffa579244b0e943d91d4"
RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
PACKAGES = ("openpyxl", "et_xmlfile")
CODE = Path(__file__).parent


class MissingError(Exception):
    """What the page is built with cannot be had."""


def files(data: Path) -> dict[str, bytes]:
    """What lies in the folder, by name. Raises MissingError."""
    return {path.name: path.read_bytes() for path in (CODE / "page").iterdir()} | _runtime() | {"check.zip": zipped(_code(data))}


def _runtime() -> dict[str, bytes]:
    """Pyodide, from its npm package, kept in build/."""
    kept, said = ROOT / "build" / f"{PYODIDE.replace('@', '-')}.tgz", ""
    if not kept.exists():
        if not (npm := shutil.which("npm")):
            raise MissingError(Said("page.npm"))
        kept.parent.mkdir(exist_ok=True)
        command = [npm, "pack", PYODIDE, "--silent", "--pack-destination", kept.parent]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    content = kept.read_bytes() if kept.exists() else b""
    if hashlib.sha512(content).hexdigest() != SHA512:
        kept.unlink(missing_ok=True)
        raise MissingError(Said("page.pack", package=PYODIDE, said=said.strip()[-300:]))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {name: archive.extractfile(f"package/{name}").read() for name in RUNTIME}


def _code(data: Path) -> dict[str, bytes]:
    """What the page runs: the reader, what it imports, the registry, and the sheets of those periods whose report is published."""
    found = {path: path.relative_to(ROOT) for path in [*CODE.glob("*.py"), CODE / "messages.toml", *(CODE / "fonts").glob("*.[pt][yx]*")]}
    for folder in (Path(find_spec(package).origin).parent for package in PACKAGES):
        found |= {path: path.relative_to(folder.parent) for path in folder.rglob("*.py")}
    published = [*(data / "published").glob("*.csv")]
    read = [*(data / "registry").glob("*.csv"), *published, *(data / FOLDER / f"{path.stem}.xlsx" for path in published)]
    found |= {path: Path("data") / path.relative_to(data) for path in read if path.exists()}
    return {place.as_posix(): path.read_bytes() for path, place in sorted(found.items(), key=lambda pair: pair[1])}
