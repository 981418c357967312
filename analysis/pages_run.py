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
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path

from analysis import ROOT, fonts, links, record
from analysis.commands import CommandError, from_here, known_period, say
from analysis.publish import check_writable

STANDARDS = ["a-2a", "ua-1"]
CHUNK, ROUNDS, NAMED, EVERY = 8, 2, 20, 10  # pages a job; rounds; failures told; seconds between lines where no terminal reads
TEMPLATE = ROOT / "analysis/export/templates/page.typ"
LOOKS = (TEMPLATE, ROOT / "analysis/style/palette.toml", fonts.REGULAR, fonts.BOLD, ROOT / "requirements.lock")


@cache
def _compiler():
    import typst

    return typst.Compiler(input=str(TEMPLATE), root=str(ROOT / "analysis"), font_paths=[str(fonts.FOLDER)], ignore_system_fonts=True)


def draw(common: str, page: str) -> bytes:
    """A letter as PDF from what all share and what one says, both as JSON. Raises ValueError for a character that no font has."""
    if lacking := fonts.missing(page):
        raise ValueError(f"the fonts lack {'、'.join(lacking)}")
    day = dt.datetime(*json.loads(common)["day"], tzinfo=dt.UTC)
    return _compiler().compile(format="pdf", pdf_standards=STANDARDS, timestamp=day, sys_inputs={"common": common, "page": page})


def put(out: Path, common: str, letters: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Draw some letters and put each in its place under `out`, whole: its place, its hash, and what went wrong."""
    made = []
    for place, page in letters:
        try:
            made.append((place, _put(out / place, draw(common, page)), ""))
        except Exception as error:
            made.append((place, "", f"{type(error).__name__}: {error}"))
    return made


def _put(path: Path, content: bytes) -> str:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)
    return hashlib.sha256(content).hexdigest()


def _start() -> None:
    """Load what drawing needs while the first process reads; end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=lambda: (multiprocessing.parent_process().join(), os._exit(1)), daemon=True).start()
    _compiler()


def _pool(workers: int) -> ProcessPoolExecutor:
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start)
    for _ in range(workers):
        pool.submit(fonts.characters)
    return pool


def drawn(letters: dict[str, str], common: str, out: Path, pool: ProcessPoolExecutor, workers: int) -> Iterator[tuple[str, str, str]]:
    """What `put` says of each letter, as they are made. Where a process dies there is a new pool and what it was at comes last,
    then alone."""
    waiting = dict(letters)
    for _ in range(ROUNDS):
        items, jobs = [*waiting.items()], []
        with contextlib.suppress(BrokenProcessPool):
            for n in range(0, len(items), CHUNK):
                jobs.append(pool.submit(put, out, common, items[n:n + CHUNK]))
        for job in as_completed(jobs):
            for made in () if job.exception() else job.result():
                del waiting[made[0]]
                yield made
        if not waiting:
            break
        pool.shutdown()
        pool, first = _pool(workers), [*waiting][:CHUNK * workers]
        waiting = {place: waiting[place] for place in [*[*waiting][len(first):], *first]}
    pool.shutdown()
    for place, page in waiting.items():
        with _pool(1) as alone:
            job = alone.submit(put, out, common, [(place, page)])
            yield from [(place, "", "the process that made it died")] if job.exception() else job.result()


def pages(options: Namespace) -> int:
    """Make the letters of a period that are missing or out of date, and the index of all; the exit status."""
    from filelock import FileLock

    started, workers, title = time.perf_counter(), options.workers or os.cpu_count() or 1, f"alliances-{options.period}"
    folder, place = options.out / _place(options), f"{_place(options)}/index.html"
    state = record.state("pages", [options.period], options.data)
    if record.holds(options.out, title, state):
        links.refresh(options.out)
        say(f"{title}: nothing to do; {from_here(folder)} is up to date")
        return 0
    known_period(options.period, options.data, "pages")
    check_writable(options.out, [Path(place)])
    with _pool(workers) as pool:
        frames, common, told, letters = _letters(options)
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(options.out / record.path_of(title).with_suffix(".lock")):
            earlier, keys = record.earlier(options.out, title), {file: _key(common, page) for file, page in letters.items()}
            for left in [*folder.glob(".*.part"), *(options.out / file for file in {*earlier.get("keys", ())} - {*letters})]:
                left.unlink(missing_ok=True)
            made = {file: digest for file, digest in earlier.get("made", {}).items() if file in keys
                    and earlier["keys"].get(file) == keys[file] and record.hash_of(options.out / file) == digest}
            stale = {file: page for file, page in letters.items() if file not in made}
            failed = _follow(drawn(stale, common, options.out, pool, workers), options.out, title, keys, made, len(stale))
            from analysis.export import index

            made[place] = _put(options.out / place, index.html(frames, told).encode())
            _note(options.out, title, keys, made, {} if failed else state)
    links.refresh(options.out)
    say(f"{from_here(folder / 'index.html')}  {len(letters):,} alliances", f"{title}: {len(stale) - len(failed):,} pages made, "
        f"{len(letters) - len(stale):,} were up to date; done in {time.perf_counter() - started:.1f} s")
    if failed:
        say(*(f"{file}: {error}" for file, error in failed[:NAMED]), f"{len(failed):,} pages failed; the others are made", to=sys.stderr)
    return 3 if failed else 0


def _follow(results: Iterator, out: Path, title: str, keys: dict, made: dict, total: int) -> list[tuple[str, str]]:
    """Keep record of each letter as it is made, say how many, how fast and how long yet, and collect those that failed."""
    failed, started, last, screen = [], time.perf_counter(), time.perf_counter(), sys.stderr.isatty()
    for done, (place, digest, error) in enumerate(results, start=1):
        if error:
            failed.append((place, error))
        else:
            made[place] = digest
        now = time.perf_counter()
        if now - last > (0.5 if screen else EVERY):
            rate, last = done / (now - started), now
            print(f"  {done:,} of {total:,} pages, {rate:,.0f} a second, {(total - done) / rate:,.0f} s yet   ",
                  end="\r" if screen else "\n", file=sys.stderr, flush=True)
            _note(out, title, keys, made)
    return failed


def _note(out: Path, title: str, keys: dict[str, str], made: dict[str, str], state: dict | None = None) -> None:
    """The record of what is made so far: of which content and looks, and with which hash; `state` once all is."""
    _put(out / record.path_of(title), json.dumps({**(state or {}), "keys": keys, "made": made}, ensure_ascii=False).encode())


def page(options: Namespace) -> None:
    """Make the letter of one alliance, by a name, an alias or a code of that period."""
    from analysis import roster

    known_period(options.period, options.data, "page")
    if not options.who.strip():
        raise CommandError(f"WHO is missing: make page YEAR={options.period} WHO=113 (a name, an alias or a code)")
    frames, common, _, letters = _letters(options)
    try:
        found = roster.find(frames.named, frames.sheet.registry, options.who)
    except LookupError as error:
        raise CommandError(str(error)) from None
    if found.empty:
        raise CommandError(f"{options.who!r} was not in the programme in {options.period}")
    place, page = [*letters.items()][frames.named.index.get_loc(found.index[0])]
    (options.out / place).parent.mkdir(parents=True, exist_ok=True)
    _put(options.out / place, draw(common, page))
    say(f"{from_here(options.out / place)}  {(options.out / place).stat().st_size / 1e3:,.0f} kB")


def _letters(options: Namespace) -> tuple:
    """The frames, what all letters share as JSON, and what each says, as it is and as JSON by its place."""
    from analysis import pages as content
    from analysis import roster, sheets

    names = [name for name in sheets.filled_periods(options.data)[0] if name != options.period]
    frames = content.frames(roster.read_sheets([*names, options.period], options.data), options.period)
    told = [content.page(frames, row) for row in frames.named.itertuples()]
    letters = {f"{_place(options)}/{page['file']}": json.dumps(page, ensure_ascii=False) for page in told}
    if len(letters) < len(told):
        raise ValueError("two alliances have the same code and name")
    return frames, json.dumps(content.common(frames), ensure_ascii=False), told, letters


def _place(options: Namespace) -> str:
    return f"reports/alliances/{options.period}"


@cache
def _looks() -> str:
    return "".join(map(record.hash_of, LOOKS))


def _key(common: str, page: str) -> str:
    return hashlib.sha256("\n".join([_looks(), common, page]).encode()).hexdigest()
