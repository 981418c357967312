"""Where letters are put: a folder of this machine, or an address that fsspec knows, such as s3://bucket/folder.

A file appears whole or not at all. A mark is what a file is known by when it is met again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

from analysis import links, record
from analysis.commands import CommandError, from_here
from analysis.messages import Said
from analysis.publish import put


class Folder:
    """A folder of this machine; a mark is the hash of what a file holds."""

    def __init__(self, root: Path):
        self.root = root

    def shown(self, place: str) -> str:
        return from_here(self.root / place)

    @contextlib.contextmanager
    def lock(self, title: str, folder: str) -> Iterator[None]:
        """Runs take turns; what a killed one left in a folder is removed."""
        from filelock import FileLock

        (self.root / folder).mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / record.path_of(title).with_suffix(".lock")):
            for left in (self.root / folder).glob(".making-*"):
                left.unlink(missing_ok=True)
            yield

    def link(self) -> None:
        """The pages of reports that are there name each other."""
        links.refresh(self.root)

    def read(self, place: str) -> bytes:
        return (self.root / place).read_bytes()

    def put(self, place: str, content: bytes) -> None:
        put(self.root / place, content)

    def remove(self, places: Collection[str]) -> None:
        for place in places:
            (self.root / place).unlink(missing_ok=True)

    def marks(self, places: Collection[str]) -> dict[str, str]:
        """The mark of each that is there."""
        return {place: mark for place in places if (mark := record.hash_of(self.root / place))}


class Address:
    """A folder at an address; a mark is what its listing says. There are no turns: an object is replaced at once."""

    def __init__(self, address: str):
        try:
            from fsspec.core import url_to_fs

            self.files, root = url_to_fs(address, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            rule = "letters.packages" if isinstance(error, ImportError) else "letters.address"
            raise CommandError(Said(rule, what=address, why=str(error))) from None
        self.root = root.rstrip("/")

    def shown(self, place: str) -> str:
        return self.files.unstrip_protocol(f"{self.root}/{place}")

    def lock(self, title: str, folder: str) -> contextlib.AbstractContextManager:
        return contextlib.nullcontext((title, folder))

    def link(self) -> None:
        """There are no reports beside the letters."""

    def read(self, place: str) -> bytes:
        return self.files.cat_file(f"{self.root}/{place}")

    def put(self, place: str, content: bytes) -> None:
        self.files.pipe_file(f"{self.root}/{place}", content)

    def remove(self, places: Collection[str]) -> None:
        for place in self.marks(places):
            self.files.rm_file(f"{self.root}/{place}")

    def marks(self, places: Collection[str]) -> dict[str, str]:
        """The mark of each that is there, by one listing of each folder."""
        there: dict[str, str] = {}
        for folder in {place.rpartition("/")[0] for place in places}:
            with contextlib.suppress(FileNotFoundError):
                there |= {one["name"].removeprefix(f"{self.root}/"): str(one.get("ETag") or sorted(one.items()))
                          for one in self.files.ls(f"{self.root}/{folder}", detail=True, refresh=True)}
        return {place: there[place] for place in places if place in there}


@cache
def at(out: Path | str) -> Folder | Address:
    """The store at a folder, or, where it is a text, at an address."""
    return Folder(out) if isinstance(out, Path) else Address(out)
