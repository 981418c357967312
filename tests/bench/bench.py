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
COMPARISONS = (  # what, our command, the plain notebook, the most that ours may take of theirs
    ("report 2017, HTML and PDF", ["report", "2017"], "plain_report.ipynb", 0.5),
    ("trends, HTML and PDF", ["trends"], "plain_trends.ipynb", 0.6),
    ("audit 2017, HTML and PDF", ["audit", "2017"], "plain_audit.ipynb", 0.5),
)


def seconds(*commands: list[str]) -> float:
    """How long the commands take, one after the other."""
    started = time.perf_counter()
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, cwd=HERE)
    return time.perf_counter() - started


def compare(what: str, words: list[str], plain: str, limit: float, folder: Path) -> bool:
    """Print the medians of both and their ratio; whether ours keeps within the limit."""
    executed = folder / plain
    theirs = [[str(BIN / "papermill"), plain, str(executed)],
              [str(BIN / "jupyter"), "nbconvert", "--to", "html", str(executed)]]
    ours = [sys.executable, "-m", "analysis", *words, "--out", str(folder / "ours")]
    times: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(RUNS):
        times["ours"].append(seconds(ours))
        times["plain"].append(seconds(*theirs))
    ratio = statistics.median(times["ours"]) / statistics.median(times["plain"])
    for name, values in times.items():
        print(f"{what:32s} {name:6s} median {statistics.median(values):6.2f} s   "
              f"({min(values):.2f} to {max(values):.2f}, {RUNS} runs)")
    print(f"{what:32s} ratio  {ratio:13.2f}     (at most {limit})", flush=True)
    return ratio <= limit


def start_up() -> None:
    """How long a check and the imports of a notebook take."""
    for what, command in (("check 2017", ["-m", "analysis", "check", "2017"]),
                          ("import analysis.charts", ["-c", "import analysis.charts"])):
        values = [seconds([sys.executable, *command]) for _ in range(RUNS)]
        print(f"{what:32s}        median {statistics.median(values):6.2f} s")


def panel() -> None:
    """A panel of 160 alliances, 34 experts and 20 indicators, read and worked; and 100 times that, from frames."""
    for what in ("160", "1600"):
        result = subprocess.run([sys.executable, str(HERE / "panel.py"), what], check=True, capture_output=True, text=True)
        print(result.stdout, end="", flush=True)


def scale() -> None:
    """Panel, transitions and decompositions of ten periods, from frames, for a growing number of alliances."""
    import pandas as pd

    from analysis import trends
    from analysis.grades import GRADES

    periods = [str(2010 + i) for i in range(10)]
    for alliances in (1_000, 10_000):
        ids = [f"L{i:05d}" for i in range(alliances)]
        who = pd.DataFrame({"id": ids, "name": ids, "batch": [str(1 + i % 3) for i in range(alliances)]})
        scored = pd.DataFrame([(id, period, id, float((7 * i + 13 * p + i * p) % 101)) for p, period in enumerate(periods)
                               for i, id in enumerate(ids) if (i + p) % 4], columns=["id", "period", "code", "score"])
        scored["grade"] = pd.cut(scored["score"], [0, 50, 70, 85, 101], right=False, labels=GRADES[::-1]).astype(str)
        absent = pd.DataFrame(columns=["id", "period", "code", "named"], dtype=object)
        joined = pd.DataFrame([(b, period, True) for b in "123" for period in periods], columns=["batch", "period", "registered"])
        started = time.perf_counter()
        panel = trends.from_frames(who, scored, absent, joined, periods)
        moved = len(trends.transition_records(panel)) + len(trends.decomposition_records(panel))
        print(f"{f'ten periods of {alliances:,} alliances':32s}        {time.perf_counter() - started:13.2f} s   ({moved} results)")


if __name__ == "__main__":
    start_up()
    panel()
    scale()
    with tempfile.TemporaryDirectory() as folder:
        kept = [compare(*comparison, Path(folder)) for comparison in COMPARISONS]
    sys.exit(not all(kept))
