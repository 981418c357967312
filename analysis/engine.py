"""Papermill's engine that runs a notebook in a process of `worker`: one question through a pipe, instead of a kernel's messages."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import IO

from nbformat import NotebookNode
from papermill.engines import Engine, papermill_engines

from analysis.messages import Said

NAME = "alliance"
LANGUAGE = {"codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py", "mimetype": "text/x-python", "name": "python",
            "nbconvert_exporter": "python", "pygments_lexer": "ipython3", "version": ".".join(map(str, sys.version_info[:3]))}


class WorkerEngine(Engine):
    """Runs the cells in a process that `worker.start` has started. One that dies makes an error in the cell that it was at."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, *, process: subprocess.Popen, said: IO[bytes], given: dict,
                                 meanwhile: Callable[[], object] = list, **_):
        cells, place, answer = nb_man.nb.cells, -1, None
        sources = [cell.source if cell.cell_type == "code" else "" for cell in cells]
        try:
            process.stdin.write(json.dumps(sources).encode() + b"\n" + pickle.dumps(given))
            process.stdin.flush()
        except OSError:
            pass  # it died; there is no answer either
        meanwhile()
        for line in process.stdout:
            answer = json.loads(line)
            if place >= 0:
                nb_man.cell_complete(cells[place], cell_index=place)
            if isinstance(answer, list):
                break
            place = answer
            nb_man.cell_start(cells[place], place)
        if not isinstance(answer, list):
            process.wait()
            said.seek(0)
            words = said.read().decode(errors="replace").strip()
            answer = [(max(place, 0), None, [_died(words)])]
        for place, count, outputs in answer:
            cells[place].update(execution_count=count, outputs=[*map(NotebookNode, outputs)])
            if any(output["output_type"] == "error" for output in outputs):
                nb_man.cell_exception(cells[place], cell_index=place)
        nb_man.nb.metadata["language_info"] = LANGUAGE


def _died(words: str) -> dict[str, object]:
    """The error of a cell whose process died, with the last that it said."""
    last = [words.rpartition("\n")[2]] if words else []
    return {"output_type": "error", "ename": "WorkerDied", "evalue": "; ".join([*last, str(Said("run.memory"))]), "traceback": [words]}


papermill_engines.register(NAME, WorkerEngine)
