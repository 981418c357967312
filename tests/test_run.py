"""The command line: what it refuses, what it leaves alone when something fails, and that it does the same twice, anywhere."""

import copy
import os
import shutil
import subprocess
import sys
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

from analysis import NOTEBOOKS, ROOT, engine, record
from analysis import run as running
from analysis.__main__ import main
from analysis.export import document, html, pdf

WITHOUT = """
import os, signal, sys
sys.modules["fcntl"] = None
del signal.SIGHUP, os.fork
"""


@pytest.fixture
def out(tmp_path) -> Path:
    return earlier.put(tmp_path / "out")


@pytest.mark.parametrize("year, said", [
    ("2021", "Did you mean 2020-2021? Periods with a sheet: 2017, 2020-2021."), ("2016", "Did you mean 2017?"),
    ("2020_2021", "write one like 2017 or 2020-2021"), ("../../etc", "is not a period"), ("/etc/passwd", "is not a period"),
    ("", "report: YEAR is missing: make report YEAR=2017. Periods"), ("2017.xlsx", "is not a period")])
def test_a_period_without_a_sheet_is_refused(out, capsys, year, said):
    assert main(["report", year, "--out", str(out)]) == 2
    answer = capsys.readouterr()
    assert said in answer.err and "2017, 2020-2021" in answer.err
    assert answer.err.count("\n") == 1 and answer.out == ""
    assert earlier.changed(out) == []


@pytest.mark.parametrize("words", [[], ["reprot", "2017"], ["report"], ["report", "2017", "--ouut", "x"]])
def test_a_wrong_command_ends_with_2(capsys, words):
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert "usage: alliance" in capsys.readouterr().err


def test_the_console_command_has_the_same_words():
    alliance = Path(sys.executable).with_name("alliance")
    said = [subprocess.run([*start, "check", "2017"], capture_output=True, text=True, check=True).stdout
            for start in ([alliance], [sys.executable, "-m", "analysis"])]
    assert said[0] == said[1] and "2017.xlsx is sound" in said[0]


def test_a_check_needs_neither_pandas_nor_what_one_system_has():
    code = WITHOUT + "sys.modules['pandas'] = None\nfrom analysis.__main__ import main\nsys.exit(main(['check', '2017']))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_broken_sheet_ends_with_1_and_touches_nothing(out, data, capsys):
    change(data, {"评分表!D60": "九十"})
    assert main(["report", "2017", "--data", str(data), "--out", str(out)]) == 1
    assert '2017.xlsx › 评分表 › D60: score "九十" is not a number' in capsys.readouterr().err
    assert earlier.changed(out) == []


def test_a_period_that_is_not_sound_is_named_in_trends_with_the_way_around_it(out, tmp_path, capsys):
    data = periods.make(tmp_path / "data", ("2016", "2017", "2018"))
    change(data, {"评分表!D5": "九十"}, "2017")
    words = ["trends", "--data", str(data), "--out", str(out)]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert '2017.xlsx › 评分表 › D5: score "九十"' in said
    assert said.splitlines()[-1] == 'or leave it out: make trends PERIODS="2016 2018" (alliance trends 2016 2018)'
    assert main([*words, "2018"]) == 2
    assert "a trend needs two periods or more" in capsys.readouterr().err
    assert main([*words, "2016 2019"]) == 2
    assert "Did you mean 2018?" in capsys.readouterr().err
    assert earlier.changed(out) == []


def with_cell(folder: Path, source: str, name: str = "report") -> Path:
    """A copy of a notebook with one more cell at its end, under a heading of its own."""
    changed = nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4)
    changed.cells = [*changed.cells[:3], nbformat.v4.new_markdown_cell("## 某节"), nbformat.v4.new_code_cell(source)]
    folder.mkdir()
    nbformat.write(changed, folder / f"{name}.ipynb")
    return folder


@pytest.mark.parametrize("name, source, cause", [
    ("report", "raise ValueError('of many lines\\n' * 300)", "ValueError: of many lines"), ("report", "%nosuch", "UsageError: Line magic"),
    ("report", "import sys\nsys.exit()", "SystemExit: exit"),
    ("report", "import os\nos._exit(3)", "WorkerDied: the process that runs the cells died"),
    ("trends", "from matplotlib import pyplot\npyplot.figure().text(0, 0, r'$\\frac$')", "ValueError: \\frac")])
def test_a_failing_notebook_is_told_in_a_few_lines(out, tmp_path, capsys, monkeypatch, name, source, cause):
    title = {"report": "2017"}.get(name, name)
    monkeypatch.setattr(running, "NOTEBOOKS", with_cell(tmp_path / "notebooks", source, name))
    assert main([name, *["2017"] * (name == "report"), "--out", str(out)]) == 3
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"notebooks/{name}.ipynb failed"
    assert said[1].endswith("某节") and cause in said[2] and len(said) <= 4
    log = (out / "reports" / f"{title}.log").read_text("utf8")
    assert source in log and "\x1b" not in log
    assert earlier.changed(out) == []
    assert [child for child in psutil.Process().children(recursive=True) if "analysis.worker" in " ".join(child.cmdline())] == []


@pytest.mark.parametrize("load", [0, 99], ids=["in forks", "in place"])
def test_cells_show_what_they_show_in_a_kernel(tmp_path, monkeypatch, load):
    (tmp_path / "sitecustomize.py").write_text(f"import os\nos.getloadavg = lambda: ({load}, 0, 0)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    cells = notebook.everything().cells
    with running._worker(ROOT) as worker:
        ours = papermill.execute_notebook(copy.deepcopy(notebook.everything()), None, engine_name=engine.NAME, kernel_name="python3",
                                          progress_bar=False, request_save_on_cell_execute=False, **worker)
    for theirs, cell in zip(cells, ours.cells):
        assert theirs.get("execution_count") == cell.get("execution_count")
        assert [(output.output_type, [*output.get("data", ())]) for output in theirs.get("outputs", ())] == [
            (output.output_type, [*output.get("data", ())]) for output in cell.get("outputs", ())], cell.source
    whole = [document.read(ran, folder=notebook.FOLDER) for ran in (notebook.everything(), ours)]
    assert html.render(whole[0]) == html.render(whole[1]) and pdf.render(whole[0]) == pdf.render(whole[1])
    assert len(ours.cells) > 20 and len(whole[0].notes) == len(whole[1].notes)


def test_a_misspelt_parameter_is_refused_before_a_process_starts(out, monkeypatch):
    monkeypatch.setattr(running, "_worker", lambda _: pytest.fail("a process was started"))
    with pytest.raises(ValueError, match=r"report\.ipynb has no parameter perod; it has data, period"):
        running.report("report", "2017", {"perod": "2017"}, out, {})
    assert earlier.changed(out) == []


@pytest.mark.parametrize("command", ["ulimit -n 10", "ulimit -v 350000", "ulimit -v 450000"], ids=["files", "memory", "more memory"])
def test_too_little_of_the_machine_is_told_in_a_sentence(out, command):
    words = f"{command}; exec {sys.executable} -m analysis report 2017 --out {out}"
    result = subprocess.run(["bash", "-c", words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 3 and "Traceback" not in result.stderr
    assert "Too many open files" in result.stderr or "too many files" in result.stderr or "emory" in result.stderr
    assert earlier.changed(out) == []


def test_a_terminal_that_cannot_be_written_to_undoes_nothing(made, period):
    """`made` is up to date: the command has a line to say, and nothing else to do."""
    words = f"{sys.executable} -m analysis report {period} --out {made}"
    full = subprocess.run(f"{words} > /dev/full", shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert full.returncode == 3
    assert full.stderr == "report: what there was to say could not be written: No space left on device\n"
    closed = subprocess.run(f"({words}; echo $? >&2) | true", shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert closed.stderr == "0\n"


def test_a_disk_that_is_full_leaves_the_earlier_report(out, monkeypatch, capsys):
    monkeypatch.setattr(running, "report", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device", "x.pdf")))
    assert main(["report", "2017", "--out", str(out)]) == 3
    assert capsys.readouterr().err == "report: the disk is full: x.pdf; what was made before is as it was\n"


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


def test_all_reports_are_made_side_by_side_where_there_is_something_to_do(shared, tmp_path):
    for period in PERIODS:
        shutil.copytree(once(shared, f"made-{period}", "report", period), tmp_path, dirs_exist_ok=True)
    assert run("reports", out=tmp_path).stdout.count("nothing to do") == 2
    (tmp_path / "reports/2017.pdf").unlink()
    again = run("reports", out=tmp_path)
    assert again.returncode == 0 and "2020-2021: nothing to do" in again.stdout and "2017: done in" in again.stdout
    empty = tmp_path / "data"
    empty.mkdir()
    none = run("reports", out=tmp_path, data=empty)
    assert none.returncode == 2 and "start with make new YEAR=2022 (alliance new 2022)" in none.stderr
