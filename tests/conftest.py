"""What the tests share: the real data, the made reports (once for all workers), and a copy of the data to break."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import earlier
import pytest
from filelock import FileLock

from analysis import DATA, ROOT

PERIODS = ("2017", "2020-2021")
os.environ["LC_ALL"] = "C.UTF-8"  # what is said is English, but where a test asks for Chinese
PROGRAMS = {"chromium": "chromium", "poppler": "pdftotext", "npm": "npm", "libreoffice": "soffice"}  # a test's mark, and what it needs


def run(*words: str, out: Path, data: Path = DATA, **more) -> subprocess.CompletedProcess:
    """`python -m analysis …` as a person would run it."""
    return subprocess.run([sys.executable, "-m", "analysis", *words, "--data", str(data), "--out", str(out)],
                          capture_output=True, text=True, encoding="utf8", cwd=ROOT, timeout=300, check=False, **more)


@pytest.fixture(scope="session", params=PERIODS)
def period(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def alliances(period):
    """The roster of the period, read once; a test that changes it takes a copy."""
    from analysis import roster

    return roster.read(period)


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder that all workers of one session share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def once(shared: Path, name: str, *words: str, data: Path = DATA) -> Path:
    """A folder of the session with what one command makes, by whichever worker comes first; `said.json` has what it said."""
    folder, said = shared / name, shared / name / "said.json"
    with FileLock(shared / f"{name}.lock"):
        if not said.exists():
            result = run(*words, out=folder, data=data)
            assert result.returncode == 0, result.stderr
            said.write_text(json.dumps({"stdout": result.stdout, "stderr": result.stderr}), "utf8")
    return folder


@pytest.fixture(scope="session")
def made(shared, period) -> Path:
    """A folder with the made report of the period: reports/ and figures/."""
    return once(shared, f"made-{period}", "report", period)


@pytest.fixture(scope="session")
def made_trends(shared) -> Path:
    """A folder with the made trends of both periods."""
    return once(shared, "made-trends", "trends")


@pytest.fixture(scope="session")
def made_audit(shared, period) -> Path:
    """A folder with the made audit of the period."""
    return once(shared, f"made-audit-{period}", "audit", period)


@pytest.fixture
def out(tmp_path) -> Path:
    """A folder in which an earlier report lies, which is no report."""
    return earlier.put(tmp_path / "out")


@pytest.fixture
def data(tmp_path) -> Path:
    """A copy of the data folder that a test may break."""
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def pytest_collection_modifyitems(items):
    """Leave out the periods that a test does not ask for (`only`), and skip what needs a program that this machine does not have; it is
    told in one line at the end, and fails with NO_SKIPS."""
    items[:] = [item for item in items if not (only := item.get_closest_marker("only")) or not hasattr(item, "callspec")
                or item.callspec.params.get("period", *only.args) in only.args]
    for mark, program in PROGRAMS.items():
        needing = [item for item in items if item.get_closest_marker(mark)]
        if needing and not shutil.which(program):
            for item in needing:
                item.add_marker(pytest.mark.skip(reason=f"{mark} is not installed"))


def pytest_terminal_summary(terminalreporter):
    gone = sorted({str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", ())})
    if gone:
        terminalreporter.write_line(f"skipped: {len(terminalreporter.stats['skipped'])} tests, since {'; '.join(gone)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where NO_SKIPS is set, a test that would be skipped fails."""
    result = yield
    if result.skipped and os.environ.get("NO_SKIPS") and not hasattr(result, "wasxfail"):
        result.outcome = "failed"
    return result
