"""Notebooks are thin: no outputs, no def, for, while, try, class or styling; at most eight lines a cell; ids in order."""

import json
import re
import sys
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
FORBIDDEN = re.compile(r"^\s*(def|for|while|try|class)\b|rcParams|plt\.|\.style\b|figsize", re.M)
MOST_LINES = 8


def faults(path: Path) -> list[str]:
    """What is wrong with one notebook, a line each."""
    found = []
    for index, cell in enumerate(json.loads(path.read_text("utf8"))["cells"]):
        source = "".join(cell["source"])
        lines = [line for line in source.splitlines() if line.strip()]
        if cell["cell_type"] == "code":
            if cell["outputs"] or cell["execution_count"]:
                found.append(f"{path.name} cell {index}: holds outputs; clear them")
            if len(lines) > MOST_LINES:
                found.append(f"{path.name} cell {index}: {len(lines)} lines, more than {MOST_LINES}; move some to analysis/")
            if match := FORBIDDEN.search(source):
                found.append(f"{path.name} cell {index}: has {match[0].strip()!r}; that belongs in analysis/")
    return found


if __name__ == "__main__":
    everything = [fault for path in sorted(NOTEBOOKS.glob("*.ipynb")) for fault in faults(path)]
    print("\n".join(everything) or "notebooks are thin")
    sys.exit(bool(everything))
