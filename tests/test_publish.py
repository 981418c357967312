"""Publishing is all or none: what is left when a write fails, a run is stopped, or one before was killed."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import earlier
import filelock
import psutil
import pytest

from analysis import ROOT
from analysis import publish as publishing
from analysis.publish import publish

NEW = {Path(name): b"new" for name in earlier.NAMES}


@pytest.fixture
def out(tmp_path) -> Path:
    return earlier.put(tmp_path / "out")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl-c"])
@pytest.mark.parametrize("call", ["write_bytes", "replace"])
@pytest.mark.parametrize("at", [2, len(earlier.NAMES)])
def test_publish_is_all_or_none(out, monkeypatch, error, call, at):
    calls = []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == at:
            raise error
        return real(*arguments)

    owner = Path if call == "write_bytes" else os
    real = getattr(owner, call)
    monkeypatch.setattr(owner, call, failing)
    with pytest.raises(type(error)):
        publish(NEW, out, "2017", [Path("figures/2017/stale.svg")])
    monkeypatch.undo()
    assert len(calls) >= at
    assert earlier.changed(out) == []


def test_publish_keeps_the_earlier_set_where_one_place_is_taken(out):
    (out / "reports/2017.pdf").unlink()
    (out / "reports/2017.pdf").mkdir()
    with pytest.raises(OSError):
        publish(NEW, out, "2017")
    assert set(earlier.files(out).values()) == {earlier.EARLIER}


def test_publish_removes_what_is_stale_and_what_a_killed_run_left_and_nothing_else(out):
    for name in ("old.svg", "mine.svg", "notes.txt"):
        (out / "figures/2017" / name).write_text("there")
    (out / "reports/.making-2017.killed/reports").mkdir(parents=True)
    (out / "reports/.making-2020-2021.at-work").mkdir()
    publish(NEW, out, "2017", [Path("figures/2017/old.svg"), Path("figures/2017/coverage.svg"), Path("figures/2017/gone.svg")])
    own = {f"figures/2017/{name}": b"there" for name in ("mine.svg", "notes.txt")}
    assert earlier.files(out) == {**{str(path): b"new" for path in NEW}, **own}
    assert [path.name for path in (out / "reports").glob(".making-*")] == [".making-2020-2021.at-work"]


def test_a_lock_never_empties_what_a_link_points_to(out):
    precious = out.parent / "precious.txt"
    precious.write_text("mine")
    (out / "reports/.2017.lock").symlink_to(precious)
    with contextlib.suppress(OSError):
        publish(NEW, out, "2017")
    assert precious.read_text() == "mine"


def test_a_lock_is_not_waited_for_for_ever(out, monkeypatch):
    """As where there is no fcntl: a lock without a holder's number is named after a time; one of a process that died is taken."""
    monkeypatch.setattr(filelock, "FileLock", filelock.SoftFileLock)
    monkeypatch.setattr(publishing, "PATIENCE", 0.1)
    lock = out / "reports/.2017.lock"
    lock.touch()
    with pytest.raises(BlockingIOError, match="another run has had this file; if none is at work, remove it") as said:
        publish(NEW, out, "2017")
    assert said.value.filename == str(lock) and earlier.changed(out) == []
    lock.unlink()
    holder = "import filelock, os, sys; lock = filelock.SoftFileLock(sys.argv[1]); lock.acquire(); os._exit(0)"
    subprocess.run([sys.executable, "-c", holder, str(lock)], check=True)
    assert lock.exists() and publish(NEW, out, "2017") and not lock.exists()


def test_a_stop_waits_until_the_files_are_in_their_places():
    came = []
    usual = signal.signal(signal.SIGTERM, lambda *_: came.append("after"))
    try:
        with publishing.undisturbed():
            signal.raise_signal(signal.SIGTERM)
            assert came == []
        assert came == ["after"]
    finally:
        signal.signal(signal.SIGTERM, usual)


@pytest.mark.parametrize("how, moment", [
    (signal.SIGKILL, (0, 0.6)), (signal.SIGTERM, (0, 0.6)), (signal.SIGINT, (0.6, 1.3)), (signal.SIGKILL, (0.6, 1.3)),
    (signal.SIGKILL, (1.3, 2.6)), (signal.SIGTERM, (1.3, 2.6))], ids=str)
def test_a_stopped_run_leaves_one_whole_set_and_no_process(out, how, moment):
    """Stopped at a moment drawn anew each time, counted from the start of the process that runs the cells."""
    moment = random.uniform(*moment)
    process = subprocess.Popen([sys.executable, "-m", "analysis", "report", "2017", "--out", str(out)], cwd=ROOT,
                               start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not (started := psutil.Process(process.pid).children(recursive=True)):
        time.sleep(0.01)
    time.sleep(moment)
    (os.killpg if how == signal.SIGINT else os.kill)(process.pid, how)
    try:
        _, said = process.communicate(timeout=15)
    finally:
        process.kill()
        _, alive = psutil.wait_procs(started, timeout=15)
    assert alive == [], f"after {moment:.2f} s"
    assert b"Traceback" not in said, f"after {moment:.2f} s: {said.decode()}"
    assert how == signal.SIGKILL or list(out.rglob(".making-*")) == []
    differing = [name for name in earlier.changed(out) if ".making-" not in name and name != "reports/.2017.json"]
    assert differing == [] or set(differing) >= set(earlier.NAMES), f"half of the files after {moment:.2f} s"
