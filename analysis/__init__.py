"""From the score sheet of an evaluation period to its report; see the modules in the order in which data flows.

problems, grades, registry, sheets -> roster -> shares, charts, words -> the notebook -> cells -> export, run.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("OPENPYXL_LXML", "False")  # a workbook is read and written alike, whether lxml is installed or not

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
NOTEBOOKS = ROOT / "notebooks"


def __getattr__(name: str) -> object:
    if name != "show":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from analysis.cells import show

    return show


if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()):
    from analysis import cells

    cells.register(shell)
