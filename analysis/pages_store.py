"""Where letters are put: a folder of this machine, or an address that fsspec knows, such as s3://bucket/folder.

A mark is what a file is known by when it is met again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from analysis import links, record
from analysis.commands import CommandError
from analysis.messages import Said
from analysis.publish import put


class Folder:
    """A folder of this machine, with as much of a file system of fsspec as letters need. A file appears whole or not at all."""

    def __init__(self, root: Path):
        self.root = root

    def cat_file(self, place: str) -> bytes:
        return (self.root / place).read_bytes()

    def pipe_file(self, place: str, content: bytes) -> None:
        put(self.root / place, content)

    def rm_file(self, place: str) -> None:
        (self.root / place).unlink()


@cache
def at(out: Path | str) -> Any:
    """The file system of a folder, or, where it is a text, at an address."""
    if isinstance(out, Path):
        return Folder(out)
    try:
        from fsspec.core import url_to_fs
        from fsspec.implementations.dirfs import DirFileSystem

        files, root = url_to_fs(out, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        rule = "letters.packages" if isinstance(error, ImportError) else "letters.address"
        raise CommandError(Said(rule, what=out, why=str(error))) from None
    return DirFileSystem(root, files)


def marks(files: Any, places: Collection[str]) -> dict[str, str]:
    """The mark of each file that is there: its hash, or, at an address, what one listing of each folder says."""
    if isinstance(files, Folder):
        return {place: mark for place in places if (mark := record.hash_of(files.root / place))}
    there: dict[str, str] = {}
    for folder in {place.rpartition("/")[0] for place in places}:
        with contextlib.suppress(FileNotFoundError):
            there |= {one["name"]: str(one.get("ETag") or sorted(one.items())) for one in files.ls(folder, detail=True, refresh=True)}
    return {place: there[place] for place in places if place in there}


@contextlib.contextmanager
def turn(files: Any, title: str, folder: str) -> Iterator[None]:
    """Runs in a folder take turns; what a killed one left is removed, and in the end the pages there name each other.

    At an address there are neither turns nor reports beside the letters: an object is replaced at once.
    """
    if not isinstance(files, Folder):
        yield
        return
    from filelock import FileLock

    (files.root / folder).mkdir(parents=True, exist_ok=True)
    with FileLock(files.root / record.path_of(title).with_suffix(".lock")):
        for left in (files.root / folder).glob(".making-*"):
            left.unlink(missing_ok=True)
        yield
    links.refresh(files.root)
