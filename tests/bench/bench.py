"""This project beside the plain papermill and nbconvert command lines: runs alternate, medians and their ratio.

    make bench            five runs each
    RUNS=3 make bench     fewer
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BIN = Path(sys.executable).parent
RUNS = int(os.environ.get("RUNS", "5"))
OURS = [sys.executable, "-m", "analysis"]
COMPARISONS = (  # what, our command, the plain notebook, the most that ours may take of theirs
    ("report 2017, HTML and PDF", ["report", "2017"], "plain_report.ipynb", 0.6),
    ("trends, HTML and PDF", ["trends"], "plain_trends.ipynb", 0.7),
    ("audit 2017, HTML and PDF", ["audit", "2017"], "plain_audit.ipynb", 0.6),
)


def seconds(*commands: list[str]) -> float:
    """How long the commands take, one after the other."""
    started = time.perf_counter()
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, cwd=HERE)
    return time.perf_counter() - started


def told(what: str, values: list[float]) -> float:
    """Print and return the median."""
    print(f"{what:40s} median {statistics.median(values):6.2f} s   ({min(values):.2f} to {max(values):.2f})", flush=True)
    return statistics.median(values)


def compare(what: str, words: list[str], plain: str, limit: float, folder: Path) -> bool:
    """Print the medians of both and their ratio; whether ours keeps within the limit."""
    executed, out = folder / plain, folder / "ours"
    theirs = [[str(BIN / "papermill"), plain, str(executed)], [str(BIN / "jupyter"), "nbconvert", "--to", "html", str(executed)]]
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(RUNS):
        for record in out.glob("reports/.*.json"):
            record.unlink()  # else there is nothing to do
        times[0].append(seconds([*OURS, *words, "--out", str(out)]))
        times[1].append(seconds(*theirs))
    ratio = told(f"{what}, ours", times[0]) / told(f"{what}, plain", times[1])
    print(f"{what:40s} ratio  {ratio:6.2f}     (at most {limit})")
    told(f"{words[0]}, nothing to do", [seconds([*OURS, *words, "--out", str(out)]) for _ in range(RUNS)])
    return ratio <= limit


def parts(folder: Path) -> None:
    """How long parts of the work take: a check, the imports of a notebook, a panel with 4,800 marks, ten periods."""
    panel, periods = folder / "panel", folder / "periods"
    seconds([*OURS, "example-panel", "2017", "--out", str(panel)])
    ten = ("2013", "2014", "2015", "2016", "2017", "2018", "2019", "2020-2021", "2022", "2023")
    sys.path.insert(0, str(HERE.parent))
    import periods as invented

    invented.make(periods, ten)
    work = {
        "check 2017": [*OURS, "check", "2017"],
        "import analysis.charts": [sys.executable, "-c", "import analysis.charts"],
        "panel, read and worked": [sys.executable, "-c", "from pathlib import Path; from analysis.panel import workbook, scores\n"
                                   f"scores.Scores(workbook.read('2017', Path({str(panel)!r}))).alliances"],
        "ten periods as one frame": [sys.executable, "-c", f"from analysis import roster; roster.read_all('', {str(periods)!r})"],
    }
    for what, command in work.items():
        told(what, [seconds(command) for _ in range(RUNS)])


def letters(folder: Path) -> None:
    """How long 120 letters take, 10,000 simulated ones, and one by the loop that a user would write."""
    import periods as invented

    told("120 letters", [seconds([*OURS, "pages", "2020-2021", "--out", str(folder / f"letters-{n}")]) for n in range(RUNS)])
    many = invented.many(folder / "many", 10_000)
    bulk = told("10,112 letters, simulated", [seconds([*OURS, "pages", "2017", "--data", str(many), "--out", str(folder / "bulk")])])
    loop = told("one by papermill and nbconvert", [seconds(
        [str(BIN / "papermill"), str(ROOT / "notebooks/alliance.ipynb"), str(folder / "one.ipynb")],
        [str(BIN / "jupyter"), "nbconvert", "--to", "alliance_pdf", str(folder / "one.ipynb")]) for _ in range(RUNS)])
    print(f"{'letters, times the rate of the loop':40s} {10_112 / bulk * loop:6.0f}")


def growth(folder: Path) -> None:
    """What trends costs in processor time and memory as alliances and periods grow."""
    import periods as invented

    for number, held in ((1000, invented.NAMES[:2]), (500, invented.NAMES), (1000, invented.NAMES)):
        place = folder / f"{number}-{len(held)}"
        child = subprocess.Popen([*OURS, "trends", "--data", str(invented.many(place, number, held)), "--out", str(folder / "grown")],
                                 stdout=subprocess.DEVNULL)
        used = os.wait4(child.pid, 0)[2]
        print(f"trends, {number} alliances, {len(held):2d} periods {used.ru_utime + used.ru_stime:8.1f} s of CPU {used.ru_maxrss // 1024:5d} MB")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        parts(Path(temporary))
        letters(Path(temporary))
        growth(Path(temporary))
        kept = [compare(*comparison, Path(temporary)) for comparison in COMPARISONS]
    sys.exit(not all(kept))
