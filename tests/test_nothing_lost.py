"""Whatever stops a report, and whenever: each file is whole, and the next run completes the set."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import once
from workbooks import change

from analysis import ROOT, record
from analysis.publish import publish

OLD, NEW = b"old " * 5000, b"new " * 5000
NAMES = [*(f"figures/2017/{name}" for name in ("a.svg", "a.csv", "b.svg")), "reports/2017.ipynb", "reports/2017.pdf",
         "reports/2017.html"]
FILES = {Path(name): NEW for name in NAMES}


def found(out: Path) -> dict[str, bytes]:
    """Every file that was published; the executed notebook has the hour in it, and is left out where `timeless`."""
    return {str(path.relative_to(out)): path.read_bytes() for folder in ("figures", "reports")
            for path in (out / folder).rglob("*") if path.is_file() and not path.name.startswith(".")}


def timeless(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if not name.endswith((".ipynb", ".log"))}


def in_a_child(act: Callable[[], None]) -> int:
    """The exit status, or minus the signal, of a child process that does something and ends."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(9)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(step: int, out: Path) -> None:
    """Publish, and be killed before that call to the file system."""
    calls = iter(range(1000))

    def or_die(real):
        def call(*arguments, **more):
            if next(calls) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **more)
        return call

    for owner, name in ((os, "replace"), (os, "utime"), (os, "link"), (Path, "unlink"), (Path, "write_bytes"), (Path, "mkdir")):
        setattr(owner, name, or_die(getattr(owner, name)))
    publish(FILES, out, "2017")
    os._exit(0)


def test_a_kill_before_any_step_leaves_whole_files_and_the_next_run_completes_them(tmp_path):
    """The record, which says what the set is made of, comes last: a mixed set is never taken for done."""
    publish({Path(name): OLD for name in (*NAMES, "figures/2017/gone.svg")}, tmp_path / "out", "2017")
    step, status, old = 0, -signal.SIGKILL, record.earlier(tmp_path / "out", "2017")
    while status == -signal.SIGKILL:
        here = Path(shutil.copytree(tmp_path / "out", tmp_path / f"out-{step}"))
        status = in_a_child(lambda step=step, here=here: killed_at(step, here))
        after = found(here)
        assert set(after.values()) <= {OLD, NEW} and set(NAMES) <= set(after), step
        assert record.earlier(here, "2017") == old or set(after.values()) == {NEW}, step
        publish(FILES, here, "2017")
        assert found(here) == dict.fromkeys(NAMES, NEW) and not [*(here / "reports").glob(".making*")]
        step += 1
    assert status == 0 and step > 15


def test_two_that_publish_at_once_do_not_mix(tmp_path):
    out = tmp_path / "out"
    children = []
    for content in (OLD, NEW):
        child = os.fork()
        if child == 0:
            try:
                for _ in range(40):
                    publish(dict.fromkeys(FILES, content), out, "2017")
                os._exit(0)
            finally:
                os._exit(9)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    assert len(set(found(out).values())) == 1 and set(found(out)) == set(NAMES)


@pytest.fixture(scope="module")
def sets(shared, tmp_path_factory) -> tuple[Path, Path, dict[str, bytes], dict[str, bytes]]:
    """Data with one score changed, the folder of a report from the data as it was, and the files of both reports."""
    data = Path(shutil.copytree(ROOT / "data", tmp_path_factory.mktemp("changed") / "data"))
    change(data, {"评分表!D60": 66})
    before, after = once(shared, "made-2017", "report", "2017"), once(shared, "sets-after", "report", "2017", data=data)
    return data, before, timeless(found(before)), timeless(found(after))


@pytest.mark.parametrize("moment", [random.uniform(0, 2), random.uniform(2, 4)], ids=["early", "late"])
def test_a_report_killed_at_a_random_moment(sets, tmp_path, moment):
    """What is there is whole, old or new; the next run makes the new set."""
    data, earlier, old, new = sets
    out = Path(shutil.copytree(earlier, tmp_path / "out"))
    words = [sys.executable, "-m", "analysis", "report", "2017", "--data", data, "--out", out]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        time.sleep(moment)
        process.kill()
    after = timeless(found(out))
    assert [name for name, content in after.items() if content not in (old.get(name), new.get(name))] == [], moment
    json.loads((out / "reports/2017.ipynb").read_text("utf8"))
    if moment > 2:
        subprocess.run(words, cwd=ROOT, check=True)
        assert timeless(found(out)) == new and not [*(out / "reports").glob(".making*")]
