"""The scoring itself: from what alliances entered and experts marked to the score sheet; see data/README.md for the workbook.

rules, workbook (the checked panel) -> scores (settled scores and how firm they are) -> verdicts -> notebooks/panel.ipynb.
`organise` helps before and during, `sheet` writes the score sheet, `example` draws a panel; `shown` is all that a public report may
learn of one.
"""
