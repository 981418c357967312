"""The report of a period at a local address, made again when something is saved.

This process serves and watches; a worker that stays runs the notebook's cells in itself and makes the page alone. The project's own
modules are imported anew each time, so that code and colours count too; a figure that is as before is not drawn again.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import os
import pickle
import re
import subprocess
import sys
import threading
import time
from argparse import Namespace
from collections import deque
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from analysis import NOTEBOOKS, ROOT, commands, record
from analysis.messages import Said

PAUSE, BEAT, LONGEST = 0.1, 15, 60  # seconds: between two looks, between two signs of life, for one run
ANSWER = "\x1e"  # begins the line that says what was made; in other lines stands what cells print
FIRST = "<!DOCTYPE html><html lang='zh-CN'><meta charset='utf-8'><title>预览</title><body><h1>正在生成报告</h1></body></html>"
FAULT = """<pre role="alert" style="position: fixed; inset: 0 0 auto 0; max-height: 45vh; overflow: auto; margin: 0; padding: 1em; z-index: 9;
white-space: pre-wrap; background: #fdecea; border-bottom: 3px solid #b4322a">{}</pre>"""
ASKS = '<script>new EventSource("/changes").onmessage = (event) => {{ if (event.data !== "{}") location.reload(); }};</script>'
PLAIN = ("DataError", "DocumentError")  # what they say needs no more
IDENTITY = re.compile(rb"\x8a\x06.{6}", re.S)  # an address in memory, in a pickle


class Handler(BaseHTTPRequestHandler):
    """Serves the last good page with what has been wrong since, and under `/changes` the number of each change as it comes."""

    html, fault, number, news = FIRST, "", 0, threading.Condition()

    def do_GET(self) -> None:
        if self.headers.get("Host", "").partition(":")[0] not in ("127.0.0.1", "localhost"):  # a site whose name leads here
            return self.send_error(403)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if self.path == "/changes" else "text/html; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        number = self.number  # first: a page that changes after this is asked for again
        with contextlib.suppress(OSError):  # the browser has gone
            while self.path == "/changes":
                self.wfile.write(f"data: {number}\n\n".encode())
                with self.news:
                    self.news.wait_for(lambda told=number: self.number != told, BEAT)
                number = self.number
            told = FAULT.format(escape(self.fault)) if self.fault else ""
            open_to_ours = self.html.replace("<meta http-equiv", "<meta name")  # a page on its own runs no script but one
            self.wfile.write(open_to_ours.replace("</body>", f"{told}{ASKS.format(number)}</body>").encode())

    def log_message(self, *_: object) -> None:
        pass


def preview(options: Namespace) -> None:
    """Serve the report of one period, and make it again at each change, until the terminal says stop."""
    period, seen, worker = commands.known_period(options.period, options.data, "preview"), {}, None
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    commands.say(Said("command.preview", address=f"http://127.0.0.1:{server.server_port}/"))
    while True:
        now = stamps(period, options.data)
        time.sleep(PAUSE)
        if now != seen and now == stamps(period, options.data):  # and nothing is being written
            if not worker or worker.poll() is not None:
                words = [sys.executable, "-m", "analysis.preview", period, str(options.data)]
                settings = {"PYTHONIOENCODING": "utf8", "PYTHONDONTWRITEBYTECODE": ""}  # what is compiled is kept for the next run
                worker = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf8",
                                          errors="replace", env=os.environ | settings, cwd=ROOT)
            seen, (html, fault) = now, answer(worker)
            with Handler.news:
                Handler.html, Handler.fault, Handler.number = html or Handler.html, fault, Handler.number + 1
                Handler.news.notify_all()


def stamps(period: str, data: Path) -> dict[Path, tuple[int, int]]:
    """When each input of a report was saved, and its size."""
    found = {}
    for path in record.inputs("report", [period], data).values():
        with contextlib.suppress(OSError):
            found[path] = (about := path.stat()).st_mtime_ns, about.st_size
    return found


def answer(worker: subprocess.Popen) -> list[str]:
    """The page that a worker makes, and what is wrong; one of them is empty."""
    last, clock = deque(maxlen=20), threading.Timer(LONGEST, worker.kill)
    clock.start()
    with contextlib.suppress(OSError):  # it has ended
        print(file=worker.stdin, flush=True)
        for line in worker.stdout:
            if line.startswith(ANSWER):
                clock.cancel()
                return json.loads(line[1:])
            last.append(line)
    clock.cancel()
    ended = Said("command.ended", status=worker.wait(), longest=LONGEST)
    return ["", "".join([str(ended), "\n\n", *last])]


def work(period: str, data: str) -> None:
    """The worker: for each line that comes in, what it made, as a line of JSON."""
    from traitlets.config import Config

    from analysis import worker

    sys.modules.setdefault("rfc3987_syntax", None)  # see run
    os.chdir(NOTEBOOKS)
    sys.path.append("")
    shell, drawn = worker.Shell.instance(config=Config(HistoryManager={"enabled": False, "hist_file": ":memory:"})), {}
    gc.disable()
    for _ in sys.stdin:
        print(f"\n{ANSWER}{json.dumps(made(shell, drawn, period, data))}", flush=True)
        gc.collect()  # while nobody waits


def made(shell, drawn: dict[bytes, str], period: str, data: str) -> tuple[str, str]:
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
            about = pickle.dumps((figure, dict(rcParams), Path(cells.__file__).read_bytes()))
            key = hashlib.sha256(IDENTITY.sub(b"", about)).digest()
            return drawn.get(key) or drawn.setdefault(key, cells.svg(figure))

        shell.display_formatter.formatters[cells.SVG].for_type(Figure, draw)
        check.read(period, Path(data))
        notebook, told = nbformat.read(NOTEBOOKS / "report.ipynb", 4), []
        given = {"parameters": f"\nperiod, data = {period!r}, {data!r}"}
        shell.answer([cell.source + given.get("".join(cell.metadata.get("tags", ())), "") if cell.cell_type == "code" else ""
                      for cell in notebook.cells], told.append)
        for place, count, outputs in told[-1]:
            for error in (output for output in outputs if "ename" in output):
                return "", f"{error['ename']}: {error['evalue']}\n\nnotebooks/report.ipynb, cell {place + 1}:\n{notebook.cells[place].source}"
            notebook.cells[place] |= nbformat.from_dict({"execution_count": count, "outputs": outputs})
        return exporters.HTMLExporter().render(exporters.document.read(notebook)), ""
    except Exception as error:
        return "", str(error) if type(error).__name__ in PLAIN else f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    work(*sys.argv[1:])
