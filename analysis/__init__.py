"""From the score sheet of one evaluation period to its report; see the modules in the order in which data flows.

problems, grades, alliances, sheets -> breakdown -> charts, sentences, blocks -> the notebook -> export, run.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
NOTEBOOKS = ROOT / "notebooks"
