"""The command line: what it refuses, what it leaves alone when something fails, and that it does the same twice, anywhere."""

import copy
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import earlier
import nbformat
import notebook
import papermill
import periods
import psutil
import pytest
from conftest import PERIODS, once, run
from workbooks import change

from analysis import DATA, NOTEBOOKS, ROOT, engine, record
from analysis import run as running
from analysis.__main__ import main
from analysis.export import document, html, pdf

WITHOUT = """
import os, signal, sys
sys.modules["fcntl"] = None
del signal.SIGHUP, os.fork
"""


@pytest.mark.parametrize("year, said", [
    ("2021", "Did you mean 2020-2021? Periods with a score sheet: 2017, 2020-2021."), ("2016", "Did you mean 2017?"),
    ("2020_2021", "write one like 2017 or 2020-2021"), ("../../etc", "is not a period"), ("/etc/passwd", "is not a period"),
    ("2017**", "is not a period"), ("", "report: YEAR is missing; write one like YEAR=2017"), ("2017.xlsx", "is not a period")])
def test_a_period_without_a_sheet_is_refused(out, capsys, year, said):
    assert main(["report", year, "--out", str(out)]) == 2
    answer = capsys.readouterr()
    assert said in answer.err and "2017, 2020-2021" in answer.err
    assert answer.err.count("\n") == 1 and answer.out == ""
    assert earlier.changed(out) == []


@pytest.mark.parametrize("words", [[], ["reprot", "2017"], ["report", "2017", "--ouut", "x"]])
def test_a_wrong_command_ends_with_2(capsys, words):
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert "usage: alliance" in capsys.readouterr().err


def test_a_period_that_is_not_given_is_said_in_our_words(capsys):
    assert [main([command]) for command in ("report", "check", "new")] == [2, 2, 2]
    assert capsys.readouterr().err.count("YEAR is missing") == 3


def test_the_console_command_has_the_same_words_and_a_check_needs_neither_pandas_nor_what_one_system_has():
    code = WITHOUT + "sys.modules['pandas'] = None\nfrom analysis.__main__ import main\nsys.exit(main(['check', '2017']))"
    commands = [Path(sys.executable).with_name("alliance"), "check", "2017"], [sys.executable, "-c", code]
    said = [subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout for command in commands]
    assert said[0] == said[1] and "2017.xlsx is sound" in said[0]


def test_a_broken_sheet_ends_with_1_and_trends_tell_the_way_around_it(out, tmp_path, capsys):
    data = periods.make(tmp_path / "data", ("2016", "2017", "2018"))
    change(data, {"评分表!D5": "九十"}, "2017")
    places = ["--data", str(data), "--out", str(out)]
    for command in (["report", "2017"], ["trends"]):
        assert main([*command, *places]) == 1
        said = capsys.readouterr().err
        assert '2017.xlsx › 评分表 › D5: score "九十" is not a number' in said
    assert said.splitlines()[-1] == 'or leave it out: make trends PERIODS="2016 2018" (alliance trends 2016 2018)'
    assert main(["trends", *places, "2018"]) == 2
    assert "a trend needs two periods or more" in capsys.readouterr().err
    assert main(["trends", *places, "2016 2019"]) == 2
    assert "Did you mean 2018?" in capsys.readouterr().err
    assert earlier.changed(out) == []


@pytest.mark.parametrize("source, cause", [
    ("raise ValueError('of many lines\\n' * 300)", "ValueError: of many lines"), ("%nosuch", "UsageError: Line magic"),
    ("import sys\nsys.exit()", "SystemExit: exit"), ("import os\nos._exit(3)", "WorkerDied: the process that runs the cells died"),
    ("from matplotlib import pyplot\npyplot.figure().text(0, 0, r'$\\frac$')", "ValueError: \\frac")])
def test_a_failing_notebook_is_told_in_a_few_lines(out, tmp_path, capsys, monkeypatch, source, cause):
    """One more cell after the first three, under a heading of its own."""
    changed = nbformat.read(NOTEBOOKS / "report.ipynb", 4)
    changed.cells = [*changed.cells[:3], nbformat.v4.new_markdown_cell("## 某节"), nbformat.v4.new_code_cell(source)]
    nbformat.write(changed, tmp_path / "report.ipynb")
    monkeypatch.setattr(running, "NOTEBOOKS", tmp_path)
    assert main(["report", "2017", "--out", str(out)]) == 3
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "notebooks/report.ipynb failed"
    assert said[1].endswith("某节") and cause in said[2] and len(said) <= 4
    log = (out / "reports/2017.log").read_text("utf8")
    assert source in log and "\x1b" not in log
    assert earlier.changed(out) == []
    assert [child for child in psutil.Process().children(recursive=True) if running.START in child.cmdline()] == []


@cache
def by_a_kernel() -> tuple[str, bytes, int]:
    whole = document.read(notebook.everything(), folder=notebook.FOLDER)
    return html.render(whole), pdf.render(whole), len(whole.notes)


@pytest.mark.parametrize("load", [0, 99], ids=["in forks", "in place"])
def test_cells_show_what_they_show_in_a_kernel(tmp_path, monkeypatch, load):
    (tmp_path / "sitecustomize.py").write_text(f"import os\nos.getloadavg = lambda: ({load}, 0, 0)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    cells = notebook.everything().cells
    with running._worker(ROOT / "README.md") as worker:
        ours = papermill.execute_notebook(copy.deepcopy(notebook.everything()), None, engine_name=engine.NAME, kernel_name="python3",
                                          progress_bar=False, request_save_on_cell_execute=False, given={}, **worker)
    for theirs, cell in zip(cells, ours.cells):
        assert theirs.get("execution_count") == cell.get("execution_count")
        assert [(output.output_type, [*output.get("data", ())]) for output in theirs.get("outputs", ())] == [
            (output.output_type, [*output.get("data", ())]) for output in cell.get("outputs", ())], cell.source
    whole = document.read(ours, folder=notebook.FOLDER)
    assert (html.render(whole), pdf.render(whole), len(whole.notes)) == by_a_kernel() and len(ours.cells) > 20


@pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")
def test_a_drawing_ends_with_the_process_that_wants_it(monkeypatch, tmp_path):
    """Also one of more than a pipe holds, which nobody has read."""
    (tmp_path / "sitecustomize.py").write_text("import os\nos.getloadavg, os.cpu_count = lambda: (0, 0, 0), lambda: 9\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    drawing = "import matplotlib.pyplot as plt\nplt.plot(range(40_000), [n * n % 997 for n in range(40_000)])[0].figure"
    with running._worker(ROOT / "README.md") as worker:
        process = worker["process"]
        process.stdin.write(json.dumps([drawing, "import time; time.sleep(60)"]).encode() + b"\n" + pickle.dumps({}))
        process.stdin.flush()
        assert [process.stdout.readline() for _ in range(2)] == [b"0\n", b"1\n"]
        forks = psutil.Process(process.pid).children()
        time.sleep(3)
        assert forks and all(fork.is_running() for fork in forks)
        process.kill()
        assert psutil.wait_procs(forks, timeout=5)[1] == []


def test_a_notebook_that_names_pyarrow_has_its_types(tmp_path):
    """pandas would load it for every other one too."""
    source = "import pandas as pd\npd.Series([1], dtype='int64[pyarrow]').dtype"
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(made, tmp_path / "a.ipynb")
    with running._worker(tmp_path / "a.ipynb") as worker:
        ran = papermill.execute_notebook(made, None, engine_name=engine.NAME, kernel_name="python3", progress_bar=False,
                                         request_save_on_cell_execute=False, given={}, **worker)
    assert ran.cells[0].outputs[0].data["text/plain"] == "int64[pyarrow]"


def test_a_misspelt_parameter_is_refused(out):
    with pytest.raises(ValueError, match=r"report\.ipynb has no parameter perod"):
        running.report("report", "2017", {"perod": "2017"}, DATA, out, {})
    assert earlier.changed(out) == []


@pytest.mark.parametrize("limit", ["-n 10", "-v 200000"], ids=["files", "memory"])
def test_too_little_of_the_machine_is_told_in_a_sentence(out, limit):
    words = f"ulimit {limit}; exec {sys.executable} -m analysis report 2017 --out {out}"
    result = subprocess.run(["bash", "-c", words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 3 and "Traceback" not in result.stderr
    assert "Too many open files" in result.stderr or "too many files" in result.stderr or "emory" in result.stderr
    assert earlier.changed(out) == []


@pytest.mark.only("2017")
def test_a_terminal_that_cannot_be_written_to_undoes_nothing(made, period):
    """`made` is up to date: the command has a line to say, and nothing else to do."""
    words = f"{sys.executable} -m analysis report {period} --out {made}"
    for end, said in (("> /dev/full", "report: the disk is full\n3\n"), ("| true", "report: Broken pipe\n3\n")):
        result = subprocess.run(f"({words}; echo $? >&2) {end}", shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
        assert result.stderr == said


def test_a_disk_that_is_full_is_told(out, monkeypatch, capsys):
    monkeypatch.setattr(running, "report", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device", "x.pdf")))
    assert main(["report", "2017", "--out", str(out)]) == 3
    assert capsys.readouterr().err == "report: the disk is full: x.pdf\n"


@pytest.mark.only("2017")
def test_a_report_elsewhere_has_the_same_bytes_and_needs_nothing_that_one_system_has(made, period, data, tmp_path):
    """As on Windows: no fcntl, no SIGHUP, no fork; and with another's kernel, settings, clock and language in the way."""
    kernels, settings, start = tmp_path / "kernels" / "python3", tmp_path / "matplotlib", tmp_path / "ipython/profile_default/startup"
    for folder in (kernels, settings, start):
        folder.mkdir(parents=True)
    (kernels / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "python3", "language": "python"}')
    (settings / "matplotlibrc").write_text("font.size: 30\nsvg.fonttype: none\n")
    (start / "mine.py").write_text("import pandas as pd\npd.options.display.precision = 1\nprint('hello')\n")
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)
    elsewhere = {**os.environ, "TZ": "Asia/Shanghai", "LC_ALL": "C", "PYTHONHASHSEED": "7", "JUPYTER_PATH": str(tmp_path),
                 "MPLCONFIGDIR": str(settings), "IPYTHONDIR": str(tmp_path / "ipython"), "PYTHONPATH": str(tmp_path)}
    result = run("report", period, out=tmp_path / "again", data=data, env=elsewhere)
    assert result.returncode == 0, result.stderr
    one, other = earlier.files(made), earlier.files(tmp_path / "again")
    assert set(one) - {"said.json"} == set(other)
    record_of_it = str(record.path_of(period))
    differing = [name for name in other if one[name] != other[name] and not name.endswith(".ipynb") and name != record_of_it]
    assert differing == [] and len(other) > 20


def test_all_reports_are_made_side_by_side_where_there_is_something_to_do(shared, data, tmp_path):
    """A sheet that nobody has filled in is passed over."""
    for period in PERIODS:
        shutil.copytree(once(shared, f"made-{period}", "report", period), tmp_path, dirs_exist_ok=True)
    (tmp_path / "reports/2017.pdf").unlink()
    again = run("reports", out=tmp_path)
    assert again.returncode == 0 and "2020-2021: nothing to do" in again.stdout and "2017: done in" in again.stdout
    for path in (data / "score_sheets").iterdir():
        path.unlink()
    none = run("reports", out=tmp_path, data=data)
    assert none.returncode == 2 and "start with make new YEAR=2022 (alliance new 2022)" in none.stderr
    assert [run(command, *words, out=tmp_path, data=data).returncode for command, *words in (("new", "2022"), ("report", "2022"))] == [0, 1]
    unfilled = run("reports", out=tmp_path, data=data)
    assert unfilled.returncode == 0 and "without an alliance or a value; passed over" in unfilled.stdout
