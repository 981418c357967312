"""The letters of a period by a pool of processes: what is missing or out of date, each whole in its place, those that fail by name.

The place is a folder of this machine, or an address that fsspec knows, such as s3://bucket/folder.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path
from typing import Any

from analysis import ROOT, fonts, links, publish, record
from analysis.commands import CommandError, from_here, known_period, say
from analysis.messages import Said, reason

STANDARDS = ["a-2a", "ua-1"]
CHUNK, NAMED = 8, 20  # pages a job; failures told
EVERY, PATIENCE = 10, 10  # seconds between two notes of what is made; for a scheduler
TEMPLATE = ROOT / "analysis/export/templates/page.typ"
LOOKS = (TEMPLATE, ROOT / "analysis/style/palette.toml", fonts.REGULAR, fonts.BOLD, ROOT / "requirements.lock")


class Folder:
    """A folder of this machine, with as much of a file system of fsspec as letters need. A file appears whole or not at all."""

    def __init__(self, root: Path):
        self.root = root

    def cat_file(self, place: str) -> bytes:
        return (self.root / place).read_bytes()

    def pipe(self, files: dict[str, bytes]) -> None:
        for place, content in files.items():
            publish.put(self.root / place, content)

    def rm_file(self, place: str) -> None:
        (self.root / place).unlink()

    def ls(self, place: str, detail: bool) -> list[str]:
        return [f"{place}/{path.name}" for path in (self.root / place).iterdir()]


@cache
def store(out: Path | str) -> Any:
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


@cache
def _compiler(thread: int):
    import typst

    return typst.Compiler(root=str(ROOT / "analysis"), font_paths=[str(fonts.FOLDER)], ignore_system_fonts=True)


def draw(common: str, page: str) -> bytes:
    """A letter as PDF from what all share and what one says, both as JSON. Raises ValueError for a character that no font has."""
    if lacking := fonts.missing(page):
        raise ValueError(Said("letters.glyphs", characters=lacking))
    day = dt.datetime(*json.loads(common)["day"], tzinfo=dt.UTC)
    given = ", ".join(f"json(bytes({json.dumps(text, ensure_ascii=False)}))" for text in (common, page))
    letter = f'#import "/export/templates/{TEMPLATE.name}": letter\n#letter({given})'
    return _compiler(threading.get_ident()).compile(letter.encode(), format="pdf", pdf_standards=STANDARDS, timestamp=day)


def put(out: Path | str, common: str, letters: dict[str, str]) -> dict[str, str]:
    """Draw some letters and put them in their places; what went wrong with each."""
    made, told = {}, dict.fromkeys(letters, "")
    for place, page in letters.items():
        try:
            made[place] = draw(common, page)
        except Exception as error:
            told[place] = _why(error)
    try:
        store(out).pipe(made)
    except Exception as error:
        told |= dict.fromkeys(made, _why(error))
    return told


def _why(error: Exception) -> str:
    return str(reason(error)) or f"{type(error).__name__}: {error}".split("\n")[0]


def _start() -> None:
    """Load what drawing needs while the first process reads; end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=lambda: (multiprocessing.parent_process().join(), os._exit(1)), daemon=True).start()
    _compiler(threading.get_ident())


def _pool(workers: int) -> ProcessPoolExecutor:
    """A pool whose processes start now."""
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start)
    pool.submit(fonts.characters)
    return pool


@contextlib.contextmanager
def _pools(scheduler: str) -> Iterator[Callable[[int], Executor]]:
    """What starts a pool of so many processes of this machine, or of those of a cluster that exists."""
    if not scheduler:
        yield _pool
        return
    try:
        from distributed import Client

        client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
        client.wait_for_workers(1, timeout=PATIENCE)
    except ImportError as error:
        raise CommandError(Said("letters.packages", what=scheduler, why=str(error))) from None
    except (OSError, ValueError, TimeoutError) as error:
        raise CommandError(Said("letters.scheduler", address=scheduler, why=str(error))) from None
    with client:
        yield lambda _: client.get_executor()


def drawn(letters: dict[str, str], common: str, out: Path | str, start: Callable[[int], Executor], pool: Executor,
          workers: int) -> Iterator[tuple[str, str]]:
    """What `put` says of each letter, as they are made. Where a process dies there is a new pool, and what it may have been at comes last,
    each alone."""
    waiting, why = dict(letters), ""

    def tried(places: list[str], pool: Executor) -> Iterator[tuple[str, str]]:
        nonlocal why
        jobs = []
        with contextlib.suppress(BrokenProcessPool):
            for n in range(0, len(places), CHUNK):
                jobs.append(pool.submit(put, out, common, {place: waiting[place] for place in places[n:n + CHUNK]}))
        for job in as_completed(jobs):
            try:
                told = job.result()
            except Exception as error:
                told, why = {}, _why(error)
            for place in told:
                del waiting[place]
            yield from told.items()

    yield from tried([*waiting], pool)
    rest = [*waiting][CHUNK * workers:]
    if rest:
        with start(workers) as fresh:
            yield from tried(rest, fresh)
    for place in [*waiting]:
        with start(1) as alone:
            yield from tried([place], alone)
        if place in waiting:
            yield place, Said("letters.died", why=why)


def pages(options: Namespace) -> int:
    """Make the letters of a period that are missing or out of date, and the index of all; the exit status."""
    started, files, folder, title = time.perf_counter(), store(options.out), _folder(options), f"alliances-{options.period}"
    known_period(options.period, options.data)
    state, kept, index = record.state("pages", [options.period], options.data), record.path_of(title).as_posix(), f"{folder}/index.html"
    with _turn(options, title):
        found, there = _earlier(files, kept, folder)
        if {*found["made"], index} <= there and {name: found.get(name) for name in state} == state:
            say(Said("letters.nothing", title=title, folder=_shown(options, folder)))
            return 0
        workers = options.workers or os.cpu_count() or 1
        with _pools(options.scheduler) as start, start(workers) as pool:
            frames, common, letters = _letters(options)
            shared = "\n".join([*map(record.hash_of, LOOKS), common, ""])
            keys = {place: hashlib.sha256((shared + page).encode()).hexdigest() for place, page in letters.items()}
            made = {place: key for place, key in found["made"].items() if place in there and keys.get(place) == key}
            stale = {place: page for place, page in letters.items() if place not in made}
            for left in there & {*found["made"]} - {*letters, index}:
                files.rm_file(left)

            def note(**more: object) -> None:
                files.pipe({kept: json.dumps({**more, "made": made}, ensure_ascii=False).encode()})

            note()
            failed = _follow(drawn(stale, common, options.out, start, pool, workers), keys, made, note, len(stale))
            failed |= {place: Said("letters.unseen") for place in {*made} - {*files.ls(folder, detail=False)}}
            from analysis.export.index import html

            files.pipe({index: html(frames, map(json.loads, letters.values()))})
            made[index] = ""
            note(**({} if failed else state))
    say(Said("letters.index", path=_shown(options, index), number=f"{len(letters):,}"), Said(
        "letters.done", title=title, made=f"{len(stale) - len(failed):,}", kept=f"{len(letters) - len(stale):,}",
        seconds=f"{time.perf_counter() - started:.1f}"))
    if failed:
        named = [f"{place}: {error}" for place, error in failed.items()][:NAMED]
        say(*named, Said("letters.failed", number=f"{len(failed):,}"), to=sys.stderr)
    return 3 if failed else 0


@contextlib.contextmanager
def _turn(options: Namespace, title: str) -> Iterator[None]:
    """Runs in a folder take turns; what a killed one left is removed, and in the end the pages there name each other.

    At an address there are neither turns nor reports beside the letters: an object is replaced at once.
    """
    if isinstance(options.out, str):
        yield
        return
    from filelock import FileLock

    folder = options.out / _folder(options)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(options.out / record.path_of(title).with_suffix(".lock")):
        for left in folder.glob(".making-*"):
            left.unlink(missing_ok=True)
        yield
    links.refresh(options.out)


def _earlier(files: Any, kept: str, folder: str) -> tuple[dict, set[str]]:
    """The record of an earlier run, in which `made` has the key of each letter, and what is in the folder; nothing where none can be read."""
    try:
        return json.loads(files.cat_file(kept)), {*files.ls(folder, detail=False)}
    except (OSError, ValueError):
        return {"made": {}}, set()


def _follow(results: Iterator[tuple[str, str]], keys: dict[str, str], made: dict[str, str], note: Callable, total: int) -> dict[str, str]:
    """Add each letter to what is made, which is noted now and then, and collect what is wrong with the others; a bar says how far it is."""
    from tqdm import tqdm

    failed, noted = {}, time.perf_counter()
    for place, error in tqdm(results, total=total, disable=None, leave=False):
        if error:
            failed[place] = error
        else:
            made[place] = keys[place]
        if time.perf_counter() - noted > EVERY:
            note()
            noted = time.perf_counter()
    return failed


def page(options: Namespace) -> None:
    """Make the letter of one alliance, by a name, an alias or a code of that period."""
    from analysis import roster

    known_period(options.period, options.data)
    if not options.who.strip():
        raise CommandError(Said("letters.who", period=options.period))
    frames, common, letters = _letters(options)
    try:
        found = roster.find(frames.named, frames.sheet.registry, options.who)
    except LookupError as error:
        raise CommandError(str(error)) from None
    if found.empty:
        raise CommandError(Said("letters.absent", who=repr(options.who), period=options.period))
    place = f"{_folder(options)}/{found['file'].item()}.pdf"
    content = draw(common, letters[place])
    store(options.out).pipe({place: content})
    say(f"{_shown(options, place)}  {len(content) / 1e3:,.0f} kB")


def _letters(options: Namespace) -> tuple:
    """The frames, what all letters share, and what each says by its place, both as JSON."""
    import pyarrow

    from analysis import pages as content
    from analysis import roster, sheets

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # its own keeps 30 MB of 10,000 letters
    names = [name for name in sheets.filled_periods(options.data)[0] if name != options.period]
    frames = content.frames(roster.read_sheets([*names, options.period], options.data), options.period)
    letters = {f"{_folder(options)}/{row.file}.pdf": json.dumps(content.page(frames, row), ensure_ascii=False)
               for row in frames.named.itertuples()}
    return frames, json.dumps(content.common(frames), ensure_ascii=False), letters


def _folder(options: Namespace) -> str:
    return f"reports/alliances/{options.period}"


def _shown(options: Namespace, place: str) -> str:
    return from_here(options.out / place) if isinstance(options.out, Path) else f"{options.out}/{place}"
