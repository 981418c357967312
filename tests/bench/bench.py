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


if __name__ == "__main__":
    start_up()
    panel()
    with tempfile.TemporaryDirectory() as folder:
        kept = [compare(*comparison, Path(folder)) for comparison in COMPARISONS]
    sys.exit(not all(kept))
