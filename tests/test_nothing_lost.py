"""Whatever stops a report, and whenever: each file is whole, and the next run completes the set."""

import errno
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
from conftest import once, run
from workbooks import change

from analysis import ROOT
from analysis import run as running
from analysis.__main__ import main

OLD, NEW = b"old " * 5000, b"new " * 5000
NAMES = [*(f"figures/2017/{name}" for name in ("a.svg", "a.csv", "b.svg")), "reports/2017.ipynb", "reports/2017.pdf",
         "reports/2017.html"]
FILES = {Path(name): NEW for name in NAMES}
OWNED = {Path("figures/2017")}


def found(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for folder in ("figures", "reports")
            for path in (out / folder).rglob("*") if path.is_file() and not path.name.startswith(".")}


def timeless(files: dict[str, bytes]) -> dict[str, bytes]:
    """Files without the executed notebook, in which papermill writes the hour."""
    return {name: content for name, content in files.items() if not name.endswith(".ipynb")}


@pytest.fixture
def out(tmp_path) -> Path:
    """An earlier set, with a figure that the next one will not have."""
    running.publish({Path(name): OLD for name in ("figures/2017/gone.svg", *NAMES)}, tmp_path / "out", "2017", OWNED)
    return tmp_path / "out"


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
    running.publish(FILES, out, "2017", OWNED)
    os._exit(0)


def test_a_kill_before_any_step_leaves_whole_files_and_the_next_run_completes_them(out, tmp_path):
    step, status = 0, -signal.SIGKILL
    while status == -signal.SIGKILL:
        here = tmp_path / f"out-{step}"
        shutil.copytree(out, here)
        before = time.time()
        status = in_a_child(lambda step=step, here=here: killed_at(step, here))
        after = found(here)
        assert set(after.values()) <= {OLD, NEW} and set(NAMES) <= set(after), step
        mixed = len(set(after.values())) > 1 or (set(after) != set(NAMES) and NEW in after.values())
        if mixed:  # then make must not take it for done
            assert after["reports/2017.html"] == OLD and (here / "reports/2017.html").stat().st_mtime < before - 10_000, step
        running.publish(FILES, here, "2017", OWNED)
        assert found(here) == dict.fromkeys(NAMES, NEW)
        assert [path.name for path in here.iterdir() if path.name.startswith(".making")] == []
        step += 1
    assert status == 0 and step > 25


def test_a_signal_during_the_renames_waits_until_they_are_done(out):
    def act():
        real = os.replace
        def replace(source, target):
            os.kill(os.getpid(), signal.SIGTERM)
            real(source, target)
        os.replace = replace
        signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
        running.publish(FILES, out, "2017", OWNED)
    assert in_a_child(act) == 7
    assert found(out) == dict.fromkeys(NAMES, NEW)


@pytest.mark.parametrize("call", ["link", "replace", "utime"])
def test_a_full_disk_at_any_rename_leaves_the_earlier_set(out, monkeypatch, call):
    before, real = found(out), getattr(os, call)
    for at in range(1, 9):
        calls = []

        def failing(*arguments, calls=calls, at=at, **more):
            calls.append(arguments)
            if len(calls) == at:
                raise OSError(errno.ENOSPC, "No space left on device", "x")
            return real(*arguments, **more)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, failing)
            if call == "link":  # a disk without links is served by copies
                running.publish({Path(name): OLD for name in before}, out, "2017", OWNED)
            else:
                try:
                    running.publish(FILES, out, "2017", OWNED)
                except OSError:
                    pass
                else:
                    break
        assert found(out) == before, at


def test_another_period_with_the_same_beginning_is_left_alone(out):
    (out / ".making-2017-2018.x").mkdir()
    running.publish(FILES, out, "2017", OWNED)
    assert (out / ".making-2017-2018.x").is_dir()


@pytest.mark.parametrize("number, words", [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "the folder is read-only")])
def test_a_full_disk_and_a_read_only_folder_are_said_in_a_sentence(out, monkeypatch, capsys, number, words):
    def write_bytes(path, content):
        raise OSError(number, os.strerror(number), str(path))

    before = found(out)
    monkeypatch.setattr(running, "report", lambda *_: running.publish(FILES, out, "2017", OWNED))
    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    assert main(["report", "2017", "--out", str(out)]) == 3
    said = capsys.readouterr().err
    assert said.startswith(f"report: {words}: ") and said.count("\n") == 1
    assert found(out) == before


def test_a_folder_that_cannot_be_written_to_is_said_before_a_kernel_starts(out, monkeypatch, capsys):
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != out / "reports" and access(path, mode))
    monkeypatch.setattr(running, "_kernel", lambda: pytest.fail("a kernel was started"))
    assert main(["report", "2017", "--out", str(out)]) == 3
    assert capsys.readouterr().err == f"report: the folder is read-only: {out / 'reports'}; nothing was changed\n"


def test_a_file_where_a_folder_must_be(tmp_path, capsys):
    (tmp_path / "out").write_text("a file")
    assert main(["report", "2017", "--out", str(tmp_path / "out")]) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_two_that_publish_at_once_do_not_mix(tmp_path):
    out = tmp_path / "out"
    children = []
    for content in (OLD, NEW):
        child = os.fork()
        if child == 0:
            try:
                for _ in range(40):
                    running.publish(dict.fromkeys(FILES, content), out, "2017", OWNED)
                os._exit(0)
            finally:
                os._exit(9)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    assert len(set(found(out).values())) == 1 and set(found(out)) == set(NAMES)


# The whole command


def make(option: str, data: Path, out: Path) -> int:
    return subprocess.run(["make", option, "report", "YEAR=2017", f"DATA={data}", f"OUT={out}"], capture_output=True,
                          cwd=ROOT, timeout=60, check=False).returncode


@pytest.fixture(scope="module")
def sets(shared) -> tuple[Path, Path, dict[str, bytes], dict[str, bytes]]:
    """Data with one score changed, the folder of a report from the data as it was, and the files of both reports."""

    def build(folder):
        data = Path(shutil.copytree(ROOT / "data", folder / "data"))
        assert run("report", "2017", data=data, out=folder / "before").returncode == 0
        change(data, {"评分表!D60": 66})
        assert run("report", "2017", data=data, out=folder / "after").returncode == 0

    folder = once(shared, "sets", build)
    return folder / "data", folder / "before", timeless(found(folder / "before")), timeless(found(folder / "after"))


@pytest.mark.parametrize("turn", range(6))
def test_a_report_killed_at_a_random_moment(sets, tmp_path, turn):
    """What is there is whole, old or new; the next run makes the new set."""
    data, earlier, old, new = sets
    out = Path(shutil.copytree(earlier, tmp_path / "out"))
    moment = random.uniform(turn * 0.7, turn * 0.7 + 1.2)
    process = subprocess.Popen([sys.executable, "-m", "analysis", "report", "2017", "--data", data, "--out", out], cwd=ROOT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(moment)
    process.kill()
    process.wait()
    after = timeless(found(out))
    assert [name for name, content in after.items() if content not in (old.get(name), new.get(name))] == [], moment
    json.loads((out / "reports/2017.ipynb").read_text("utf8"))
    if turn == 5:
        assert run("report", "2017", data=data, out=out).returncode == 0
        assert timeless(found(out)) == new
        assert [path.name for path in out.iterdir() if path.name.startswith(".making")] == []


def test_two_reports_of_one_period_at_once(sets, tmp_path):
    data, _, _, new = sets
    both = [subprocess.Popen([sys.executable, "-m", "analysis", "report", "2017", "--data", data, "--out", tmp_path / "out"],
                             cwd=ROOT, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(timeout=240) for process in both] == [0, 0]
    assert timeless(found(tmp_path / "out")) == new


def test_make_sees_a_mixed_set_and_what_was_edited_while_a_report_was_made(data, out):
    """A report is as old as the moment in which its making began."""
    assert make("-q", data, out) == 1  # writes down which data it is
    began = time.time()
    running.publish(FILES, out, "2017", OWNED, began)
    assert make("-q", data, out) == 0
    os.utime(data / "score_sheets/2017.xlsx", (began + 0.01, began + 0.01))
    assert make("-q", data, out) == 1
    os.utime(data / "score_sheets/2017.xlsx", (began - 9, began - 9))
    assert make("-q", data, out) == 0
    html = out / "reports/2017.html"
    assert any(in_a_child(lambda step=step: killed_at(step, out)) < 0 and html.stat().st_mtime < 1 for step in range(99))
    assert make("-q", data, out) == 1


def test_make_takes_no_report_from_other_data_for_its_own(data, out):
    make("-q", data, out)
    running.publish(FILES, out, "2017", OWNED, time.time())
    for other, status in ((data, 0), (ROOT / "data", 1)):
        running._forget_other_inputs(out / "reports/.2017-inputs", {"period": "2017", "data": str(other)})
        assert make("-q", data, out) == status
