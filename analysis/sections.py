"""Sections that a report has as often as the data wants them."""

from __future__ import annotations

from analysis import charts
from analysis.blocks import Several, Text
from analysis.breakdown import OWN_BATCH, OWN_BATCH_EVALUATED, Numbers
from analysis.sentences import Templates

IN_NOTEBOOK = ("1", "2", "3")  # the batches that have their cells in the notebook


def later_batches(numbers: Numbers, say: Templates) -> Several:
    """The section of each pilot batch that came after the third, as those of the first three; empty where there is none."""
    blocks = []
    for batch in numbers.batches.values():
        if batch.is_pilot and batch.key not in IN_NOTEBOOK:
            blocks += [Text(f"## {batch.name}\n\n{say('batch', batch=batch.short, key=batch.key).markdown}"),
                       charts.pie(numbers.by_grade(batch.short, OWN_BATCH), f"batch-{batch.key}-registered",
                                  f"{batch.name}四档及未参评的构成"),
                       charts.pie(numbers.by_grade(batch.short, OWN_BATCH_EVALUATED), f"batch-{batch.key}-evaluated",
                                  f"{batch.short}参评联盟四档的构成")]
    return Several(blocks)
