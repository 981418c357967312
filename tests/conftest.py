"""What the tests share: the real data, the made reports (once for all workers), and a copy of the data to break."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analysis import DATA, ROOT, breakdown, sheets

PERIODS = ("2017", "2020-2021")


def run(*words: str, out: Path, data: Path = DATA, **more) -> subprocess.CompletedProcess:
    """`python -m analysis …` as a person would run it."""
    return subprocess.run([sys.executable, "-m", "analysis", *words, "--data", str(data), "--out", str(out)],
                          capture_output=True, text=True, cwd=ROOT, timeout=300, check=False, **more)


@pytest.fixture(scope="session", params=PERIODS)
def period(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def numbers(period) -> breakdown.Numbers:
    return breakdown.Numbers(sheets.read(period))


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder that all workers of one session share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def once(shared: Path, name: str, build) -> Path:
    """A folder of the session that `build` fills, by whichever worker comes first."""
    folder, built = shared / name, shared / f"{name}.built"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            folder.mkdir(exist_ok=True)
            build(folder)
            built.touch()
    return folder


@pytest.fixture(scope="session")
def made(shared, period) -> Path:
    """A folder with the made report of the period: reports/ and figures/; `said.json` has what the command said."""
    def build(out: Path) -> None:
        result = run("report", period, out=out)
        assert result.returncode == 0, result.stderr
        (out / "said.json").write_text(json.dumps({"stdout": result.stdout, "stderr": result.stderr}))

    return once(shared, f"made-{period}", build)


@pytest.fixture
def data(tmp_path) -> Path:
    """A copy of the data folder that a test may break."""
    return Path(shutil.copytree(DATA, tmp_path / "data"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where NO_SKIPS is set, a test that would be skipped fails."""
    result = yield
    if result.skipped and os.environ.get("NO_SKIPS") and not hasattr(result, "wasxfail"):
        result.outcome = "failed"
    return result
