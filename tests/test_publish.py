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


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl-c"])
@pytest.mark.parametrize(("call", "at"), [("write_bytes", 1), ("write_bytes", 6), ("replace", 6), ("replace", 8), ("replace", 12)])
def test_publish_is_all_or_none(tmp_path, monkeypatch, error, call, at):
    """Six files, the record with them, are written and renamed in a folder of their own, and then renamed into their places."""
    publish(dict.fromkeys([*NEW, Path("figures/2017/stale.svg")], b"old"), tmp_path, "2017")
    before, calls = earlier.files(tmp_path), []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == at:
            raise error
        return real(*arguments)

    owner = Path if call == "write_bytes" else os
    real = getattr(owner, call)
    monkeypatch.setattr(owner, call, failing)
    with pytest.raises(type(error)):
        publish(NEW, tmp_path, "2017")
    monkeypatch.undo()
    assert len(calls) >= at and len(before) == 7 and earlier.files(tmp_path) == before


def test_publish_keeps_the_earlier_set_where_one_place_is_taken(out):
    (out / "reports/2017.pdf").unlink()
    (out / "reports/2017.pdf").mkdir()
    with pytest.raises(OSError):
        publish(NEW, out, "2017")
    assert set(earlier.files(out).values()) == {earlier.EARLIER}


def test_publish_removes_what_is_stale_and_what_a_killed_run_left_and_nothing_else(tmp_path):
    publish(NEW | {Path("figures/2017/old.svg"): b"old", Path("figures/2017/gone.svg"): b"old"}, tmp_path, "2017")
    (tmp_path / "figures/2017/gone.svg").unlink()
    (tmp_path / "figures/2017/mine.svg").write_text("mine")
    (tmp_path / "reports/.making-2017.killed/reports").mkdir(parents=True)
    (tmp_path / "reports/.making-2020-2021.at-work").mkdir()
    publish(NEW, tmp_path, "2017")
    assert earlier.files(tmp_path).keys() == {*earlier.NAMES, "reports/.2017.json", "figures/2017/mine.svg"}
    assert [path.name for path in (tmp_path / "reports").glob(".making-*")] == [".making-2020-2021.at-work"]


def test_a_lock_is_not_waited_for_for_ever_and_empties_nothing(out, monkeypatch):
    monkeypatch.setattr(publishing, "PATIENCE", 0.1)
    (out / "precious.txt").write_text("mine")
    (out / "reports/.2017.lock").symlink_to(out / "precious.txt")
    with filelock.FileLock(out / "reports/.2020-2021.lock"), pytest.raises(OSError, match=r"\.2020-2021\.lock"):
        publish(NEW, out, "2020-2021")
    with pytest.raises(OSError):
        publish(NEW, out, "2017")
    assert (out / "precious.txt").read_text() == "mine" and earlier.changed(out) == ["precious.txt"]


def test_a_stop_comes_too_late_while_files_are_put_in_their_places(out, monkeypatch):
    monkeypatch.setattr(publishing, "_swap", lambda *_: [signal.raise_signal(number) for number in publishing.STOPS])
    usual = [*map(signal.getsignal, publishing.STOPS)]
    publish(NEW, out, "2017")
    assert [*map(signal.getsignal, publishing.STOPS)] == usual


@pytest.mark.parametrize(("how", "moment"), [
    (signal.SIGTERM, (0, 0.6)), (signal.SIGINT, (0.6, 1.3)), (signal.SIGKILL, (0, 2.6)), (signal.SIGTERM, (1.3, 2.6))], ids=str)
def test_a_stopped_run_leaves_one_whole_set_and_no_process(out, how, moment):
    """Stopped at a moment drawn anew each time, counted from the start of the process that runs the cells."""
    moment = random.uniform(*moment)
    process = subprocess.Popen([sys.executable, "-m", "analysis", "report", "2017", "--out", str(out)], cwd=ROOT,
                               start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not (started := psutil.Process(process.pid).children(recursive=True)):
        time.sleep(0.01)
    time.sleep(moment)
    with contextlib.suppress(psutil.NoSuchProcess):  # it was done by then
        started = {*started, *psutil.Process(process.pid).children(recursive=True)}
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
