"""Publishing is all or none: what is left when a write fails, a run is stopped, or one before was killed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import earlier
import psutil
import pytest

from analysis import ROOT
from analysis import run as running

NEW = {Path(name): b"new" for name in earlier.NAMES}


@pytest.fixture
def out(tmp_path) -> Path:
    return earlier.put(tmp_path / "out")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl-c"])
@pytest.mark.parametrize("call", [
    "write_bytes", "replace"])
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
        running.publish(NEW, out, "2017")
    monkeypatch.undo()
    assert len(calls) >= at
    assert earlier.changed(out) == []


def test_publish_keeps_the_earlier_set_where_one_place_is_taken(out):
    (out / "reports/2017.pdf").unlink()
    (out / "reports/2017.pdf").mkdir()
    with pytest.raises(OSError):
        running.publish(NEW, out, "2017")
    assert set(earlier.files(out).values()) == {earlier.EARLIER}


def test_publish_removes_what_is_stale_and_what_a_killed_run_left(out):
    (out / "figures/2017/old.svg").write_text("stale")
    (out / "figures/2017/notes.txt").write_text("an analyst's own")
    (out / ".making-2017.killed/reports").mkdir(parents=True)
    running.publish(NEW, out, "2017", {Path("figures/2017")})
    assert earlier.files(out) == {**{str(path): b"new" for path in NEW}, "figures/2017/notes.txt": b"an analyst's own"}
    assert [path.name for path in out.glob(".making-*")] == []


def test_publish_leaves_alone_what_another_period_is_making(out):
    (out / ".making-2020-2021.at-work").mkdir()
    running.publish(NEW, out, "2020")
    assert (out / ".making-2020-2021.at-work").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
@pytest.mark.parametrize("moment", [(0, 0.6), (0.6, 1.3), (1.3, 2.6)], ids=["early", "midway", "late"])
def test_a_stopped_run_leaves_one_whole_set_and_no_kernel(out, how, moment):
    """Stopped at a moment drawn anew each time, counted from the start of the kernel."""
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
    assert how == signal.SIGKILL or list(out.glob(".making-*")) == []
    differing = [name for name in earlier.changed(out) if not name.startswith(".making-")]
    assert differing == [] or set(differing) >= set(earlier.NAMES), f"half of the files after {moment:.2f} s"
