"""The letters of a period by a pool of processes: what is missing or out of date, each whole in its place, those that fail by name."""

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
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path
from typing import Any

from analysis import ROOT, fonts, pages_store, record
from analysis.commands import CommandError, from_here, known_period, say
from analysis.messages import Said, reason

STANDARDS = ["a-2a", "ua-1"]
CHUNK, ROUNDS, NAMED = 8, 2, 20  # pages a job; rounds; failures told
EVERY, PATIENCE = 10, 10  # seconds between lines where no terminal reads; for a scheduler
TEMPLATE = ROOT / "analysis/export/templates/page.typ"
LOOKS = (TEMPLATE, ROOT / "analysis/style/palette.toml", fonts.REGULAR, fonts.BOLD, ROOT / "requirements.lock")


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


def put(out: Path | str, looks: str, common: str, letters: list[tuple[str, str]]) -> list[tuple[str, Said | str]]:
    """Draw some letters and put each in its place, the next one drawn while the last is written: the place, and what went wrong."""
    if looks != _looks():
        raise RuntimeError("another version of the project")
    jobs: dict[str, Future | Exception] = {}
    with ThreadPoolExecutor(CHUNK) as threads:
        for place, page in letters:
            try:
                jobs[place] = threads.submit(pages_store.at(out).pipe_file, place, draw(common, page))
            except Exception as error:
                jobs[place] = error
    faults = {place: job if isinstance(job, Exception) else job.exception() for place, job in jobs.items()}
    return [(place, _why(fault) if fault else "") for place, fault in faults.items()]


def _why(error: BaseException) -> Said | str:
    return next((said for said in error.args if isinstance(said, Said)), None) or reason(error) or f"{type(error).__name__}: {error}"


def _start() -> None:
    """Load what drawing needs while the first process reads; end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=lambda: (multiprocessing.parent_process().join(), os._exit(1)), daemon=True).start()
    _compiler(threading.get_ident())


def _pool(workers: int) -> ProcessPoolExecutor:
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start)
    for _ in range(workers):
        pool.submit(fonts.characters)
    return pool


@contextlib.contextmanager
def _pools(options: Namespace) -> Iterator[tuple[Callable[[int], Executor], int]]:
    """What starts a pool, and how many processes there are: of this machine, or of a cluster that exists."""
    if not options.scheduler:
        yield _pool, options.workers or os.cpu_count() or 1
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise CommandError(Said("letters.packages", what=options.scheduler, why=str(error))) from None
    try:
        client = Client(options.scheduler, timeout=PATIENCE, set_as_default=False)
        client.wait_for_workers(1, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise CommandError(Said("letters.scheduler", address=options.scheduler, why=str(error))) from None
    with client:
        yield lambda _: client.get_executor(), sum(client.nthreads().values())


def drawn(letters: dict[str, str], common: str, out: Path | str, pool: Executor, start: Callable[[int], Executor],
          workers: int) -> Iterator[tuple[str, Said | str]]:
    """What `put` says of each letter, as they are made. Where a process dies there is a new pool and what it was at comes last,
    then alone."""
    waiting = dict(letters)
    for _ in range(ROUNDS):
        items, jobs = [*waiting.items()], []
        with contextlib.suppress(BrokenProcessPool):
            for n in range(0, len(items), CHUNK):
                jobs.append(pool.submit(put, out, _looks(), common, items[n:n + CHUNK]))
        for job in as_completed(jobs):
            for made in _outcome(job)[0]:
                del waiting[made[0]]
                yield made
        if not waiting:
            break
        pool.shutdown()
        pool, first = start(workers), [*waiting][:CHUNK * workers]
        waiting = {place: waiting[place] for place in [*[*waiting][len(first):], *first]}
    pool.shutdown()
    for place, page in waiting.items():
        with start(1) as alone:
            made, fault = _outcome(alone.submit(put, out, _looks(), common, [(place, page)]))
            yield from made or [(place, Said("letters.died", why=fault))]


def _outcome(job: Future) -> tuple[list, str]:
    """What a job says of its letters; nothing, and why, where its process died."""
    try:
        return job.result(), ""
    except Exception as error:
        return [], f"{type(error).__name__} {error}".split("\n")[0]


def pages(options: Namespace) -> int:
    """Make the letters of a period that are missing or out of date, and the index of all; the exit status."""
    started, title, files = time.perf_counter(), f"alliances-{options.period}", pages_store.at(options.out)
    folder, state = _place(options), record.state("pages", [options.period], options.data)
    found, there = _earlier(files, title)
    if there and there == found["made"] and {name: found.get(name) for name in state} == state:
        with pages_store.turn(files, title, folder):
            say(Said("letters.nothing", title=title, folder=_shown(options, folder)))
        return 0
    known_period(options.period, options.data)
    with _pools(options) as (start, workers), start(workers) as pool:
        frames, common, letters = _letters(options)
        with pages_store.turn(files, title, folder):
            (found, there), keys = _earlier(files, title), {place: _key(common, page) for place, page in letters.items()}
            made = {place: mark for place, mark in there.items()
                    if place in keys and (keys[place], mark) == (found["keys"][place], found["made"][place])}
            for left in {*there} - {*letters, f"{folder}/index.html"}:
                files.rm_file(left)

            def note(fresh: list[str], state: dict | None = None) -> None:
                made.update(pages_store.marks(files, fresh))
                content = json.dumps({**(state or {}), "keys": keys, "made": made}, ensure_ascii=False)
                files.pipe_file(record.path_of(title).as_posix(), content.encode())

            note([])
            stale = {place: page for place, page in letters.items() if place not in made}
            failed = _follow(drawn(stale, common, options.out, pool, start, workers), len(stale), note)
            failed = {place: failed.get(place) or Said("letters.unseen") for place in stale if place not in made}
            from analysis.export import index

            files.pipe_file(f"{folder}/index.html", index.html(frames, map(json.loads, letters.values())))
            note([f"{folder}/index.html"], None if failed else state)
    say(Said("letters.index", path=_shown(options, f"{folder}/index.html"), number=f"{len(letters):,}"), Said(
        "letters.done", title=title, made=f"{len(stale) - len(failed):,}", kept=f"{len(letters) - len(stale):,}",
        seconds=f"{time.perf_counter() - started:.1f}"))
    if failed:
        named = [f"{place}: {error}" for place, error in failed.items()][:NAMED]
        say(*named, Said("letters.failed", number=f"{len(failed):,}"), to=sys.stderr)
    return 3 if failed else 0


def _shown(options: Namespace, place: str) -> str:
    return from_here(options.out / place) if isinstance(options.out, Path) else f"{options.out}/{place}"


def _earlier(files: Any, title: str) -> tuple[dict, dict[str, str]]:
    """The record of an earlier run, and the marks that what it made has now; nothing where none can be read."""
    try:
        found = json.loads(files.cat_file(record.path_of(title).as_posix()))
        return found, pages_store.marks(files, found["made"])
    except (OSError, ValueError, TypeError, LookupError):
        return {}, {}


def _follow(results: Iterator[tuple[str, Said | str]], total: int, note: Callable[[list[str]], None]) -> dict[str, Said | str]:
    """Say how many letters are made, how fast and how long yet, have them noted, and collect what is wrong with the others."""
    failed, fresh, screen = {}, [], sys.stderr.isatty()
    started = last = noted = time.perf_counter()
    for done, (place, error) in enumerate(results, start=1):
        failed |= {place: error} if error else {}
        fresh += [] if error else [place]
        now = time.perf_counter()
        if now - last > (0.5 if screen else EVERY):
            rate, last = done / (now - started), now
            print(Said("letters.rate", done=f"{done:,}", total=f"{total:,}", rate=f"{rate:,.0f}", left=f"{(total - done) / rate:,.0f}"),
                  end="   \r" if screen else "\n", file=sys.stderr, flush=True)
        if now - noted > EVERY:
            noted, fresh = now, note(fresh) or []
    note(fresh)
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
    place, page = [*letters.items()][frames.named.index.get_loc(found.index[0])]
    content = draw(common, page)
    pages_store.at(options.out).pipe_file(place, content)
    say(f"{_shown(options, place)}  {len(content) / 1e3:,.0f} kB")


def _letters(options: Namespace) -> tuple:
    """The frames, what all letters share, and what each says by its place, both as JSON."""
    import pyarrow

    from analysis import pages as content
    from analysis import roster, sheets

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # its own keeps 30 MB of 10,000 letters
    names = [name for name in sheets.filled_periods(options.data)[0] if name != options.period]
    frames = content.frames(roster.read_sheets([*names, options.period], options.data), options.period)
    letters = {f"{_place(options)}/{row.file}.pdf": json.dumps(content.page(frames, row), ensure_ascii=False)
               for row in frames.named.itertuples()}
    return frames, json.dumps(content.common(frames), ensure_ascii=False), letters


def _place(options: Namespace) -> str:
    return f"reports/alliances/{options.period}"


@cache
def _looks() -> str:
    return "".join(map(record.hash_of, LOOKS))


def _key(common: str, page: str) -> str:
    return hashlib.sha256("\n".join([_looks(), common, page]).encode()).hexdigest()
