"""The letters of a period by a pool of processes: what is missing or out of date, each whole in its place, those that fail by name.

The place is a folder of this machine, or an address that fsspec knows, such as s3://bucket/folder.
"""

from __future__ import annotations

import asyncio
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
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path
from typing import Any

from analysis import ROOT, fonts, links, publish, record
from analysis.commands import CommandError, from_here, known_period, say
from analysis.messages import Said, reason
from analysis.registry import Registry, normalise

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

    def ls(self, place: str, detail: bool) -> list[dict[str, object]]:
        return [{"name": f"{place}/{path.name}", "size": path.stat().st_size} for path in (self.root / place).iterdir()]


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
    return Folder(Path(root)) if "file" in files.protocol else DirFileSystem(root, files)


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


def put(out: Path | str, common: str, letters: dict[str, str]) -> dict[str, int | str]:
    """Draw some letters and put them in their places; the size of each, or what went wrong."""
    made, told = {}, {}
    for place, page in letters.items():
        try:
            made[place] = draw(common, page)
        except Exception as error:
            told[place] = _why(error)
    try:
        store(out).pipe(made)
    except Exception as error:
        if len(made) > 1:  # one may be in the way
            return told | {place: why for one in made for place, why in put(out, common, {one: letters[one]}).items()}
        return told | dict.fromkeys(made, _why(error))
    return told | {place: len(content) for place, content in made.items()}


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
        from distributed.core import connect

        async def answer() -> None:
            await (await connect(scheduler, timeout=PATIENCE)).close()

        asyncio.run(answer())  # a client that has reached nobody cannot be closed
        client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
        client.wait_for_workers(1, timeout=PATIENCE)
    except ImportError as error:
        raise CommandError(Said("letters.packages", what=scheduler, why=str(error))) from None
    except (OSError, ValueError, TimeoutError) as error:
        raise CommandError(Said("letters.scheduler", address=scheduler, why=str(error))) from None
    with client:
        yield lambda _: client.get_executor()


def drawn(letters: dict[str, str], common: str, out: Path | str, start: Callable[[int], Executor], pool: Executor,
          workers: int) -> Iterator[tuple[str, int | str]]:
    """What `put` says of each letter, as they are made. Where a process dies there is a new pool, and what it may have been at comes last,
    each alone."""
    waiting, why = dict(letters), ""

    def tried(places: list[str], pool: Executor) -> Iterator[tuple[str, int | str]]:
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
    if options.workers < 0:
        raise CommandError(Said("letters.workers", number=options.workers))
    state, kept, index = record.state("pages", [options.period], options.data), record.path_of(title).as_posix(), f"{folder}/index.html"
    with _turn(options, title):
        found, there = _earlier(files, kept, folder)
        if index in found["made"] and _whole(found["made"], there) == found["made"] and {name: found.get(name) for name in state} == state:
            say(Said("letters.nothing", title=title, folder=_shown(options, folder)))
            return 0
        workers = options.workers or os.cpu_count() or 1
        with _pools(options.scheduler) as start, start(workers) as pool:
            frames, common, letters = _letters(options)
            keys = dict(zip(letters, _keys(common, letters.values())))
            made = {place: made for place, made in _whole(found["made"], there).items() if keys.get(place) == made[0]}
            stale = {place: page for place, page in letters.items() if place not in made}
            for left in {*there} & {*found["made"]} - {*letters, index}:
                files.rm_file(left)

            def note(**more: object) -> None:
                files.pipe({kept: json.dumps({**more, "made": made}, ensure_ascii=False).encode()})

            note()
            failed = _follow(drawn(stale, common, options.out, start, pool, workers), keys, made, note, len(stale))
            failed |= {place: Said("letters.unseen") for place in {*made} - {*_there(files, folder)}}
            from analysis.export.index import html

            listed = html(frames, map(json.loads, letters.values()))
            files.pipe({index: listed})
            made[index] = ["", len(listed)]
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


def _keys(common: str, pages: Iterable[str]) -> list[str]:
    """What tells whether a letter is that of what all share and what one says, and of our code and fonts."""
    shared = "\n".join([*map(record.hash_of, LOOKS), common, ""])
    return [hashlib.sha256((shared + page).encode()).hexdigest() for page in pages]


def _there(files: Any, folder: str) -> dict[str, int]:
    """What is in a folder, and of what size."""
    return {one["name"]: one["size"] for one in files.ls(folder, detail=True)}


def _whole(made: dict[str, list], there: dict[str, int]) -> dict[str, list]:
    """Of what was made, what is there as it was made, by its size."""
    return {place: one for place, one in made.items() if there.get(place) == one[1]}


def _earlier(files: Any, kept: str, folder: str) -> tuple[dict, dict[str, int]]:
    """The record of an earlier run, in which `made` has the key and the size of each letter, and what is in the folder; nothing where none
    can be read."""
    try:
        found = json.loads(files.cat_file(kept))
        if all(isinstance(one, list) for one in found["made"].values()):
            return found, _there(files, folder)
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        pass
    return {"made": {}}, {}


def _follow(results: Iterator[tuple[str, int | str]], keys: dict[str, str], made: dict[str, list], note: Callable,
            total: int) -> dict[str, str]:
    """Add each letter to what is made, which is noted now and then, and collect what is wrong with the others; a bar says how far it is."""
    from tqdm import tqdm

    failed, noted = {}, time.perf_counter()
    for place, told in tqdm(results, total=total, disable=None, leave=False):
        if isinstance(told, int):
            made[place] = [keys[place], told]
        else:
            failed[place] = told
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
        raise CommandError(_of_another(options, frames.sheet.registry) or str(error)) from None
    if found.empty:
        raise CommandError(Said("letters.absent", who=repr(options.who), period=options.period))
    place, title, files = f"{_folder(options)}/{found['file'].item()}.pdf", f"alliances-{options.period}", store(options.out)
    content, [key] = draw(common, letters[place]), _keys(common, [letters[place]])
    with _turn(options, title):
        kept = record.path_of(title).as_posix()
        earlier = _earlier(files, kept, _folder(options))[0]
        if earlier["made"].get(place) != (made := [key, len(content)]):  # the next run of all looks at each
            files.pipe({kept: json.dumps({"made": earlier["made"] | {place: made}}, ensure_ascii=False).encode()})
        files.pipe({place: content})
    say(f"{_shown(options, place)}  {len(content) / 1e3:,.0f} kB")


def _of_another(options: Namespace, registry: Registry) -> Said | None:
    """Whose code it is, and in which period, where it is none of this one."""
    whose = {code: (period, registry.names[id]) for (id, period), (code, _) in registry.codes.items()}
    if found := whose.get(normalise(options.who)):
        return Said("letters.code", who=repr(options.who), period=found[0], name=found[1], own=options.period)
    return None


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
