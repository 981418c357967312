"""This project beside the plain tools, and each goal of its speed: runs alternate, medians and their ratio; 1 where a goal is missed.

    make bench            five runs each
    RUNS=1 make bench     one
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))
import periods  # noqa: E402
from distributed import LocalCluster  # noqa: E402

BIN = Path(sys.executable).parent
RUNS = int(os.environ.get("RUNS", "5"))
OURS = [sys.executable, "-m", "analysis"]
MARIMO = shutil.which("marimo", path=os.pathsep.join([str(BIN), os.environ.get("PATH", "")]))
COMPARISONS = (  # our command, the plain notebook, the most that ours may take of theirs
    (["report", "2017"], "plain_report.ipynb", 0.22), (["trends"], "plain_trends.ipynb", 0.35), (["audit", "2017"], "plain_audit.ipynb", 0.20))
missed: list[str] = []


class Took(NamedTuple):
    """Seconds by the clock and of all cores, and the most MB that one process had."""

    wall: float
    cpu: float
    size: float


def took(*commands: list[str]) -> Took:
    """What the commands take, one after the other."""
    started, cpu, size = time.perf_counter(), 0.0, 0.0
    for command in commands:
        with subprocess.Popen(command, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            said = process.stderr.read()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}\n{said.decode()}")
        cpu, size = cpu + used.ru_utime + used.ru_stime, max(size, used.ru_maxrss / 1024)
    return Took(time.perf_counter() - started, cpu, size)


def told(what: str, value: float, unit: str = "s", most: float | None = None, least: float | None = None) -> None:
    """Print what was measured, and beside it what was wanted."""
    well = (most is None or value <= most) and (least is None or value >= least)
    goal = f"at most {most:g}" if most is not None else f"at least {least:g}" if least is not None else ""
    print(f"{what:52s} {value:9.2f} {unit:4s} {goal:16s} {'' if well else 'MISSED'}".rstrip(), flush=True)
    if not well:
        missed.append(what)


def median(runs: list[Took], part: str = "wall") -> float:
    return statistics.median(getattr(run, part) for run in runs)


def compare(words: list[str], plain: str, most: float, folder: Path) -> None:
    """Our command beside papermill and nbconvert's HTML alone, and beside marimo's where it is installed."""
    what, out, executed = " ".join(words), folder / "ours", folder / plain
    theirs = [[str(BIN / "papermill"), plain, str(executed)], [str(BIN / "jupyter"), "nbconvert", "--to", "html", str(executed)]]
    ours, others, marimo = [], [], []
    beside = MARIMO if words[0] == "report" else None
    if beside:
        source = folder / f"{plain}.py"
        took([MARIMO, "-q", "convert", plain, "-o", str(source)])
        source.write_text(source.read_text("utf8").replace('"../../', f'"{ROOT.as_posix()}/'), "utf8")
    for _ in range(RUNS):
        for record in out.glob("reports/.*.json"):
            record.unlink()  # else there is nothing to do
        ours.append(took([*OURS, *words, "--out", str(out)]))
        others.append(took(*theirs))
        marimo += [took([MARIMO, "-q", "export", "html", str(source), "-o", f"{source}.html", "-f"])] if beside else []
    told(f"{what}: HTML, PDF, figures", median(ours))
    told(f"{what}: the plain notebook's HTML", median(others))
    told(f"{what}: ratio", median(ours) / median(others), "", most)
    told(f"{what}: ratio of CPU", median(ours, "cpu") / median(others, "cpu"), "")
    if beside:
        told(f"{what}: CPU, of what marimo export takes", median(ours, "cpu") / median(marimo, "cpu"), "", 1)
    told(f"{what}: nothing to do", median([took([*OURS, *words, "--out", str(out)]) for _ in range(RUNS)]), "s", 0.3)


def large(folder: Path) -> None:
    """10,000 alliances in one report, and trends of ten periods of 1,000, beside ten of 500 and two of 1,000."""
    many, thousands = periods.many(folder / "many", 10_000), periods.many(folder / "thousands", 1_000, *periods.NAMES)
    for number, held in ((500, periods.NAMES), (1_000, periods.NAMES[:2])):
        some = periods.many(folder / f"{number}", number, *held)
        used = took([*OURS, "trends", "--data", str(some), "--out", str(folder / "some")])
        told(f"trends of {len(held)} periods of {number:,}: CPU", used.cpu)
    for what, words, cpu, size in (("report of 10,000 alliances", ["report", "2017", "--data", str(many)], 10, 600),
                                   ("trends of ten periods of 1,000", ["trends", "--data", str(thousands)], 8, 500)):
        used = took([*OURS, *words, "--out", str(folder / "large")])
        told(f"{what}: CPU", used.cpu, "s", cpu)
        told(f"{what}: the largest process", used.size, "MB", size)


def letters(folder: Path) -> None:
    """120 letters, 10,000 simulated ones, and one by the loop that a user would write."""
    told("120 letters", median([took([*OURS, "pages", "2020-2021", "--out", str(folder / f"letters-{n}")]) for n in range(RUNS)]), "s", 5)
    rates = {}
    for number in (1_000, 10_000):
        data = periods.many(folder / f"letters-of-{number}", number)
        used = took([*OURS, "pages", "2017", "--data", str(data), "--out", str(folder / f"bulk-{number}")])
        rates[number] = (number + 112) / used.wall
    told("10,112 letters", used.wall, "s", 90)
    told("10,112 letters: the largest process", used.size, "MB", 300)
    told("letters a second, 10,112 beside 1,112", rates[10_000] / rates[1_000], "", least=0.8)
    loop = median([took([str(BIN / "papermill"), str(ROOT / "notebooks/alliance.ipynb"), str(folder / "one.ipynb")],
                        [str(BIN / "jupyter"), "nbconvert", "--to", "alliance_pdf", str(folder / "one.ipynb")]) for _ in range(RUNS)])
    told("letters, times the rate of papermill and nbconvert", rates[10_000] * loop, "", least=500)
    for workers in (1, 2):
        with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster:
            told(f"1,112 letters, Dask workers: {workers}", took([*OURS, "pages", "2017", "--data", str(folder / "letters-of-1000"),
                 "--scheduler", cluster.scheduler_address, "--out", str(folder / f"dask-{workers}")]).wall)


def parts(folder: Path) -> None:
    """Parts of the work: a check, the imports of a notebook, a panel with 4,800 marks, ten periods."""
    panel, ten = folder / "panel", periods.make(folder / "ten", periods.NAMES)
    took([*OURS, "example-panel", "2017", "--out", str(panel)])
    for what, command in {
        "check 2017": [*OURS, "check", "2017"],
        "import analysis.charts": [sys.executable, "-c", "import analysis.charts"],
        "a panel to its sheet": [*OURS, "panel", "2017", "--force", "--data", str(panel), "--out", str(panel)],
        "ten periods as one frame": [sys.executable, "-c", f"from analysis import roster; roster.read_all('', {str(ten)!r})"],
    }.items():
        told(what, median([took(command) for _ in range(RUNS)]))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        for comparison in COMPARISONS:
            compare(*comparison, Path(temporary))
        for work in (large, letters, parts):
            work(Path(temporary))
    print("marimo is not installed: not compared" if not MARIMO else "", f"{len(missed)} goals missed" if missed else "all goals met")
    sys.exit(bool(missed))
