"""Files into their places, all of them or none."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

from analysis import record

REPORTS, FIGURES = Path("reports"), Path("figures")
PATIENCE = 60  # seconds; to publish takes less than one
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]


def publish(files: dict[Path, bytes], out: Path, title: str, state: dict[str, object] | None = None) -> list[Path]:
    """Put files in their places under `out` by rename, and last the record of them with `state`; what was put.

    What the earlier record names and is not among them is removed. Two runs of one title take turns, so that no set is mixed. An error
    leaves the earlier set; a kill between two renames leaves whole files, and the record as it was; the next run clears up after it.
    """
    from filelock import FileLock

    (out / REPORTS).mkdir(parents=True, exist_ok=True)
    with FileLock(out / REPORTS / f".{title}.lock", timeout=PATIENCE), _undisturbed():
        for left in (out / REPORTS).glob(f".making-{title}.*"):
            shutil.rmtree(left, ignore_errors=True)
        stale = {Path(place) for place in record.earlier(out, title).get("made", ())}.difference(files)
        with tempfile.TemporaryDirectory(prefix=f".making-{title}.", dir=out / REPORTS) as folder:
            new, kept = Path(folder, "new"), Path(folder, "kept")
            whole = {**files, record.path_of(title): record.written(state or {}, files)}
            for place, content in whole.items():
                put(new / place, content)
            _swap(new, kept, out, [*stale, *whole])
    return [out / place for place in files]


def _swap(new: Path, kept: Path, out: Path, places: list[Path]) -> None:
    """Have each place as it is among the new files, the last one last; all or none."""
    for folder in {(root / place).parent for place in places for root in (kept, out)}:
        folder.mkdir(parents=True, exist_ok=True)
    for place in places:
        if (out / place).is_file():
            shutil.copy2(out / place, kept / place)
    done: list[Path] = []
    try:
        for place in places:
            done.append(place)
            _take(new, out, place)
    except BaseException:
        for place in done:
            _take(kept, out, place)
        raise


def _take(source: Path, out: Path, place: Path) -> None:
    if (source / place).exists():
        os.replace(source / place, out / place)
    elif (out / place).is_file():
        (out / place).unlink()


def put(path: Path, content: bytes) -> None:
    """A file in its place by rename; stopped half-way, what was there stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".making-{path.name}.{os.getpid()}")
    try:
        made.write_bytes(content)
        os.replace(made, path)
    finally:
        made.unlink(missing_ok=True)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C or a polite kill in these few hundredths of a second comes too late."""
    usual = {number: signal.signal(number, signal.SIG_IGN) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
