"""Notebooks read as analysis: no outputs, no def, while, try, class, lambda or styling, one to ten lines a cell, written as git keeps them.

    python tests/lint_notebooks.py            # what is wrong, a line each
    python tests/lint_notebooks.py --write    # outputs and counts removed, keys in order
"""

import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
FORBIDDEN = re.compile(r"^\s*(def|while|try|class)\b|\blambda\b|rcParams|\.style\.use|figsize|set_position|set_theme|tight_layout"
                       r"|subplots_adjust|^\s+for\b|^\s*from .* import \*", re.M)
MOST_LINES = 10


def stripped(notebook: nbformat.NotebookNode) -> str:
    """The notebook as git keeps it."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nbformat.writes(notebook) + "\n"


def faults(path: Path) -> list[str]:
    """What is wrong with one notebook, a line each."""
    found, text = [], path.read_text("utf8")
    notebook = nbformat.reads(text, 4)
    for index, cell in enumerate(notebook.cells):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        if cell.cell_type != "code":
            continue
        if not 1 <= len(lines) <= MOST_LINES:
            found.append(f"{path.name} cell {index}: {len(lines)} lines, not one to {MOST_LINES}; move some to analysis/")
        found += [f"{path.name} cell {index}: has {match[0].strip()!r}; that belongs in analysis/"
                  for match in FORBIDDEN.finditer(cell.source)]
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len({*ids}) < len(ids):
        found.append(f"{path.name}: cells without an id, or two with one")
    if not found and stripped(notebook) != text:
        found.append(f"{path.name}: has outputs, or is not written as git keeps it; python tests/lint_notebooks.py --write mends that")
    return found


def main() -> int:
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    if "--write" in sys.argv:
        for path in (*notebooks, *(ROOT / "tests" / "bench").glob("*.ipynb")):
            path.write_text(stripped(nbformat.read(path, 4)), "utf8")
    everything = [fault for path in notebooks for fault in faults(path)]
    print("\n".join(everything) or "notebooks read as analysis")
    return bool(everything)


if __name__ == "__main__":
    sys.exit(main())
