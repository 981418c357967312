"""The report of a period at a local address, made again when something is saved.

One thread serves; the other watches, and runs the notebook's cells in a shell that stays. The project's own modules are imported anew
each time, so that code and colours count too; a figure that is as before is not drawn again.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import sys
import threading
import time
from argparse import Namespace
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from analysis import NOTEBOOKS, commands, record
from analysis.messages import Said

PAUSE = 0.1  # seconds between two looks
FIRST = "<!DOCTYPE html><html lang='zh-CN'><meta charset='utf-8'><title>预览</title><body><h1>正在生成报告</h1></body></html>"
FAULT = """<pre role="alert" style="position: fixed; inset: 0 0 auto 0; max-height: 45vh; overflow: auto; margin: 0; padding: 1em; z-index: 9;
white-space: pre-wrap; background: #fdecea; border-bottom: 3px solid #b4322a">{}</pre>"""
ASKS = """<script>setInterval(async () => {{ if (await (await fetch("/number")).text() !== "{}") location.reload(); }}, 200);</script>"""
IDENTITY = re.compile(rb"\x8a\x06.{6}", re.S)  # an address in memory, in a pickle
PLAIN = ("DataError", "DocumentError")  # what they say needs no more


class Handler(BaseHTTPRequestHandler):
    """Serves the last good page with what has been wrong since, and under `/number` that of the last change, which the page asks for."""

    html, fault, number = FIRST, "", 0

    def do_GET(self) -> None:
        if self.headers.get("Host", "").partition(":")[0] not in ("127.0.0.1", "localhost"):  # a site whose name leads here
            return self.send_error(403)
        told = FAULT.format(escape(self.fault)) if self.fault else ""
        shown = self.html.replace("<meta http-equiv", "<meta name")  # a page on its own runs no script but one
        page = str(self.number) if self.path == "/number" else shown.replace("</body>", f"{told}{ASKS.format(self.number)}</body>")
        with contextlib.suppress(OSError):  # the browser has gone
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(page.encode())

    def log_message(self, *_: object) -> None:
        pass


def preview(options: Namespace) -> None:
    """Serve the report of one period, and make it again at each change, until the terminal says stop."""
    period, seen, drawn = commands.known_period(options.period, options.data), {}, {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    commands.say(Said("command.preview", address=f"http://127.0.0.1:{server.server_port}/"))
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    from analysis import worker

    sys.modules.setdefault("rfc3987_syntax", None)  # see run
    os.chdir(NOTEBOOKS)
    sys.path.append("")
    shell = worker.Shell.instance(config=Config(HistoryManager={"enabled": False, "hist_file": ":memory:"}))
    InteractiveShell.init_display_formatter(shell)  # which draws here and not in forks, so that drawings are kept
    while True:
        now = stamps(period, options.data)
        time.sleep(PAUSE)
        if now != seen and now == stamps(period, options.data):  # and nothing is being written
            seen, (html, Handler.fault) = now, made(shell, drawn, period, options.data)
            Handler.html = html or Handler.html
            Handler.number += 1


def stamps(period: str, data: Path) -> dict[Path, int]:
    """When each input of a report was saved."""
    found = {}
    for path in record.inputs("report", [period], data).values():
        with contextlib.suppress(OSError):
            found[path] = path.stat().st_mtime_ns
    return found


def made(shell, drawn: dict[int, str], period: str, data: Path) -> tuple[str, str]:
    """The page of a period, and what is wrong; one of them is empty. `drawn` has the drawings so far."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "analysis"]:
        del sys.modules[name]
    shell.reset(new_session=False)
    try:
        import nbformat
        from matplotlib import rcParams
        from matplotlib.figure import Figure

        from analysis import cells, check
        from analysis.export import exporters

        def draw(figure: Figure) -> str:
            key = hash(IDENTITY.sub(b"", pickle.dumps((figure, dict(rcParams), Path(cells.__file__).read_bytes()))))
            return drawn.get(key) or drawn.setdefault(key, cells.svg(figure))

        shell.display_formatter.formatters[cells.SVG].for_type(Figure, draw)
        check.read(period, data)
        notebook, told = nbformat.read(NOTEBOOKS / "report.ipynb", 4), []
        given = {"parameters": f"\nperiod, data = {period!r}, {str(data)!r}"}
        shell.answer([cell.source + given.get("".join(cell.metadata.get("tags", ())), "") if cell.cell_type == "code" else ""
                      for cell in notebook.cells], told.append)
        for place, count, outputs in told[-1]:
            for error in (output for output in outputs if "ename" in output):
                return "", f"{error['ename']}: {error['evalue']}\n\nnotebooks/report.ipynb, cell {place + 1}:\n{notebook.cells[place].source}"
            notebook.cells[place] |= nbformat.from_dict({"execution_count": count, "outputs": outputs})
        return exporters.HTMLExporter().render(exporters.document.read(notebook)), ""
    except Exception as error:
        return "", str(error) if type(error).__name__ in PLAIN else f"{type(error).__name__}: {error}"
