"""The scoring itself: from what alliances entered and experts marked to the score sheet; see data/README.md for the workbook.

workbook, rules, marks (the checked panel) -> scores (stages, list for the re-review, settled scores) -> experts (how they used
the scale) -> frames, figures, verdicts -> notebooks/panel.ipynb. `sheet` writes the score sheet, `shown` is all that a public
report may learn, `example` makes a simulated panel. The period report loads `shown` only.
"""
