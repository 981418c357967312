"""Files into their places, all of them or none."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from analysis.messages import Said

REPORTS, FIGURES = Path("reports"), Path("figures")
PATIENCE = 60  # seconds; to publish takes less than one
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]


def publish(files: dict[Path, bytes], out: Path, title: str, stale: Iterable[Path] = ()) -> list[Path]:
    """Put files in their places under `out` by rename, the last one last, and remove those that are stale; what was put.

    Two runs of one title take turns, so that no set is mixed, and what a killed run left is removed. An error leaves the
    earlier set; a kill between two renames leaves whole files, and the last one, the record, as it was.
    """
    check_writable(out, files)
    (out / REPORTS).mkdir(parents=True, exist_ok=True)
    with alone(out / REPORTS / f".{title}.lock"), undisturbed():
        for left in (out / REPORTS).glob(f".making-{title}.*"):
            shutil.rmtree(left, ignore_errors=True)
        stage = Path(tempfile.mkdtemp(prefix=f".making-{title}.", dir=out / REPORTS))
        try:
            for place, content in files.items():
                for folder in (stage, out):
                    (folder / place).parent.mkdir(parents=True, exist_ok=True)
                (stage / place).write_bytes(content)
            _swap(stage, out, [*files], [place for place in stale if place not in files])
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return [out / place for place in files]


def _swap(stage: Path, out: Path, places: list[Path], stale: list[Path]) -> None:
    """Remove what is stale and rename each file into its place, the last one last; all or none."""
    earlier = stage / "earlier"
    for place in (*places, *stale):
        if (out / place).is_file():
            (earlier / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(out / place, earlier / place)
    moved: list[Path] = []
    try:
        for place in stale:
            moved.append(place)
            (out / place).unlink(missing_ok=True)
        for place in places:
            moved.append(place)
            os.replace(stage / place, out / place)
    except BaseException:
        for place in moved:
            if (earlier / place).exists():
                os.replace(earlier / place, out / place)
            elif not (stage / place).exists():
                (out / place).unlink(missing_ok=True)
        raise


def put(path: Path, content: bytes) -> None:
    """A file in its place by rename; stopped half-way, what was there stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".making-{path.name}.{os.getpid()}")
    try:
        made.write_bytes(content)
        os.replace(made, path)
    finally:
        made.unlink(missing_ok=True)


def check_writable(out: Path, places: Iterable[Path] = (REPORTS / "a", FIGURES / "a")) -> None:
    """Raise OSError for the first folder of some places under `out` that nothing can be written to."""
    for place in places:
        folder = next(parent for parent in (out / place).parents if parent.exists())
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """One after the other. Raises OSError where a lock is not free in time: without fcntl, one that another system left is there for
    ever, though not one of a killed run, whose number it has."""
    import filelock

    try:
        held = filelock.FileLock(lock, timeout=PATIENCE).acquire()
    except filelock.Timeout:
        raise BlockingIOError(errno.EAGAIN, str(Said("run.locked", seconds=PATIENCE)), str(lock)) from None
    with held:
        yield


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C and a polite kill wait until this is over, a few hundredths of a second."""
    came: list[int] = []
    usual = {number: signal.signal(number, lambda number, _: came.append(number))
             for number in STOPS if threading.current_thread() is threading.main_thread()}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)
