"""Notebooks to export: everything.txt, with one cell for each thing that a cell can show, run once; and small ones without a kernel."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analysis import cells

FOLDER = Path(__file__).parent
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="10pt" viewBox="0 0 10 10"><path d="M 0 0 L 9 9" id="p"/></svg>'
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def executed(start: int = 0, end: int | None = None, **kernel) -> NotebookNode:
    """Some cells of everything.txt as a kernel with some environment ran them."""
    made = new_notebook()
    for part in (FOLDER / "everything.txt").read_text("utf8").split("%% ")[1:][start:end]:
        kind, _, source = part.partition("\n")
        new_cell = new_markdown_cell if kind == "markdown" else new_code_cell
        made.cells.append(new_cell(source.strip(), metadata={"tags": kind.split()[1:]}))
        if "attachment:" in source:
            made.cells[-1].attachments = {"a.png": {"image/png": PIXEL}}
    NotebookClient(made, kernel_name="python3", resources={"metadata": {"path": str(FOLDER.parent)}}).execute(**kernel)
    return made


@cache
def everything() -> NotebookNode:
    return executed()


def said(*pieces: str | tuple[str, dict | list[dict]] | NotebookNode) -> NotebookNode:
    """A notebook that was run, without a kernel: Markdown cells, and code cells with their outputs."""
    made = new_notebook()
    for piece in pieces:
        if isinstance(piece, tuple):
            shown = [new_output("display_data", data) for data in (piece[1] if isinstance(piece[1], list) else [piece[1]])]
            made.cells.append(new_code_cell(piece[0], outputs=shown, execution_count=1))
        else:
            made.cells.append(new_markdown_cell(piece) if isinstance(piece, str) else piece)
    return made


def told(data: dict, **options) -> NotebookNode:
    """A cell that called `show` with some options."""
    output = new_output("display_data", data, metadata={cells.SAID: {"part": 0} | options})
    return new_code_cell("show(…)", outputs=[output], execution_count=1)


def frame(table) -> dict:
    return {cells.RESOURCE: cells.resource(table)}


def bare(text: str) -> str:
    """Text without white space: where a line breaks, and the gap between 图 and 1, are no part of it."""
    return re.sub(r"[\s\u2060]", "", text)


def tagged(node, kind: str) -> list:
    """The elements of one kind in the structure tree of a PDF."""
    node = node.get_object()
    if isinstance(node, list):
        return [found for child in node for found in tagged(child, kind)]
    if not isinstance(node, dict):
        return []
    return ([node] if node.get("/S") == kind else []) + (tagged(node["/K"], kind) if "/K" in node else [])
