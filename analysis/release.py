"""What goes out: the report in Word, and one folder of everything, ready to be put on a site."""

from __future__ import annotations

import re
from argparse import Namespace
from html import unescape
from pathlib import Path

from analysis import commands, links, publish, record
from analysis.commands import from_here, say, with_size
from analysis.messages import Said

KINDS = {".html": "网页", ".pdf": "PDF", ".docx": "Word", ".xlsx": "Excel工作簿", ".csv": "CSV", ".parquet": "Parquet", ".json": "数据说明"}
DATE, TITLE = re.compile(rb'<meta name="date" content="([\d-]+)"'), re.compile(rb"<title>(.*?)</title>")


def word(options: Namespace) -> None:
    """Make the report of one period as a Word document, from the notebook that ran."""
    commands.report(options)
    title = f"{options.period}-word"
    path, state = publish.REPORTS / f"{options.period}.docx", record.state("report", [options.period], options.data)
    if record.holds(options.out, title, state):
        return
    import nbformat

    from analysis.export import document
    from analysis.export import word as writer

    notebook = nbformat.read(options.out / publish.REPORTS / f"{options.period}.ipynb", 4)
    files = {path: writer.render(document.read(notebook))}
    say(*map(with_size, publish.publish(files, options.out, title, state)))


def release(options: Namespace) -> int:
    """Make all that goes out, gather it in one folder, and name each file in an index."""
    from analysis import pages_run, sheets

    period, reports = options.period, options.out / publish.REPORTS
    word(options)
    groups = {"报告": [f"{period}{kind}" for kind in (".html", ".pdf", ".docx", "-tables.xlsx")]}
    if len(filled := sheets.filled_periods(options.data)[0]) > 1:
        commands.trends(Namespace(**vars(options) | {"periods": filled, "running": 2}))
        groups["趋势"] = [f"trends{kind}" for kind in (".html", ".pdf", "-tables.xlsx")]
    if (options.data / "published" / f"{period}.csv").exists():
        commands.audit(options)
        groups["勘误"] = [f"errata-{period}{kind}" for kind in (".html", ".pdf", ".csv")]
    status = pages_run.pages(options)
    groups["各联盟的一页"] = [f"alliances/{period}/index.html"]
    commands.data(options)
    groups["数据包"] = [f"data/{path.name}" for path in sorted((reports / "data").iterdir()) if path.suffix in KINDS]
    _gather(options, groups)
    return status


def _gather(options: Namespace, groups: dict[str, list[str]]) -> None:
    """Publish the folder: what the index names, the letters, and the index. A group without a day of its own has the latest."""
    import jinja2

    reports, title, folder = options.out / publish.REPORTS, f"release-{options.period}", publish.REPORTS / f"release-{options.period}"
    letters = sorted(path.relative_to(reports).as_posix() for path in (reports / "alliances" / options.period).glob("*.pdf"))
    content = {name: (reports / name).read_bytes() for names in (*groups.values(), letters) for name in names}
    content |= links.linked({name: page for name, page in content.items() if name.endswith(".html")}, content)
    days = {group: found[1].decode() for group, names in groups.items() if (found := DATE.search(content[names[0]]))}
    listed = {group: [(name, KINDS[Path(name).suffix], f"{max(1, round(len(content[name]) / 1e3)):,} kB", days.get(group, max(days.values())))
                      for name in names] for group, names in groups.items()}
    template = (Path(__file__).parent / "export" / "templates" / "release.html.j2").read_text("utf8")
    heading = unescape(TITLE.search(content[f"{options.period}.html"])[1].decode())
    content["index.html"] = jinja2.Environment(autoescape=True).from_string(template).render(title=heading, groups=listed).encode()
    files = {folder / name: data for name, data in content.items()}
    publish.publish(files, options.out, title)
    say(Said("command.release", path=from_here(options.out / folder), number=len(files), size=f"{sum(map(len, files.values())) / 1e6:.1f}"))
