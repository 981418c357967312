"""The command line: what it refuses, what it leaves alone when something fails, and that it does the same twice."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import earlier
import nbformat
import papermill
import psutil
import pytest
from conftest import PERIODS, run
from workbooks import change

from analysis import NOTEBOOKS
from analysis import run as running
from analysis.__main__ import main
from analysis.blocks import MIME


@pytest.fixture
def out(tmp_path) -> Path:
    return earlier.put(tmp_path / "out")


@pytest.mark.parametrize("year, said", [
    ("2021", "Did you mean 2020-2021? Periods with a sheet: 2017, 2020-2021."), ("2016", "Did you mean 2017?"),
    ("2020_2021", "write one like 2017 or 2020-2021"), ("../../etc", "is not a period"), ("/etc/passwd", "is not a period"),
    ("2017/../2017", "is not a period"), ("", "report: YEAR is missing: make report YEAR=2017. Periods"), ("2017.xlsx", "is not a period")])
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
    assert "usage: python -m analysis" in capsys.readouterr().err


def test_a_broken_sheet_ends_with_1_and_touches_nothing(out, data, capsys):
    change(data, {"评分表!D60": "九十"})
    assert main(["report", "2017", "--data", str(data), "--out", str(out)]) == 1
    assert '2017.xlsx › 评分表 › D60: score "九十" is not a number' in capsys.readouterr().err
    assert earlier.changed(out) == []


def with_cell(folder: Path, source: str) -> Path:
    """A copy of the notebooks in which the report has one more cell, under the heading 活跃度总体情况."""
    notebook = nbformat.read(NOTEBOOKS / "report.ipynb", 4)
    place = next(i for i, cell in enumerate(notebook.cells) if cell.source == 'say("overall")')
    notebook.cells[place:] = [nbformat.v4.new_code_cell(source)]
    folder.mkdir()
    nbformat.write(notebook, folder / "report.ipynb")
    return folder


@pytest.mark.parametrize("source, cause", [
    ("1 / 0", "ZeroDivisionError: division by zero"),
    pytest.param("raise ValueError('of many lines\\n' * 300)", "ValueError: of many lines"),
    pytest.param("import os; os._exit(3)", "ernel died")])
def test_a_failing_notebook_is_told_in_a_few_lines(out, tmp_path, capsys, monkeypatch, source, cause):
    monkeypatch.setattr(running, "NOTEBOOKS", with_cell(tmp_path / "notebooks", source))
    assert main(["report", "2017", "--out", str(out)]) == 3
    said = [line for line in capsys.readouterr().err.replace("\r", "\n").splitlines() if line.strip() and "%|" not in line]
    assert said[0] == "notebooks/report.ipynb failed"
    assert said[1].endswith("活跃度总体情况") and cause in said[2]
    assert len(said) <= 8
    assert source in (out / "reports" / "2017.log").read_text("utf8")
    assert earlier.changed(out) == []
    assert [child for child in psutil.Process().children(recursive=True) if "ipykernel" in " ".join(child.cmdline())] == []


def test_a_log_is_plain_text_and_goes_when_the_report_is_made(out, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "NOTEBOOKS", with_cell(tmp_path / "notebooks", "1 / 0"))
    main(["report", "2017", "--out", str(out)])
    log = out / "reports" / "2017.log"
    assert "\x1b" not in log.read_text("utf8")
    monkeypatch.undo()
    assert main(["report", "2017", "--out", str(out)]) == 0
    assert not log.exists()


def test_a_misspelt_parameter_is_refused_before_a_kernel_starts(out, monkeypatch):
    monkeypatch.setattr(running, "_kernel", lambda: pytest.fail("a kernel was started"))
    with pytest.raises(ValueError, match=r"report\.ipynb has no parameter perod; it has data, period"):
        running.report("report", "2017", {"perod": "2017"}, out, "2017")
    assert earlier.changed(out) == []


def test_two_runs_give_the_same_bytes(made, period, data, tmp_path):
    long = tmp_path / ("long" * 20)  # too long for a socket: the kernel is reached another way
    long.mkdir()
    others = tmp_path / "kernels" / "python3"  # another project's kernel of the same name
    others.mkdir(parents=True)
    (others / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "python3", "language": "python"}')
    elsewhere = {**os.environ, "TZ": "Asia/Shanghai", "LC_ALL": "C", "PYTHONHASHSEED": "7", "TMPDIR": str(long), "JUPYTER_PATH": str(tmp_path)}
    result = run("report", period, out=tmp_path / "again", data=data, env=elsewhere)
    assert result.returncode == 0, result.stderr
    one, other = earlier.files(made), earlier.files(tmp_path / "again")
    assert set(one) - {"said.json"} == set(other)
    differing = [name for name in other if one[name] != other[name] and not name.endswith(".ipynb")]
    assert differing == [] and len(other) > 30


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_nbconvert_finds_the_exporters_by_their_names(made, period, tmp_path, kind):
    notebook = shutil.copy(made / "reports" / f"{period}.ipynb", tmp_path)
    jupyter = Path(sys.executable).with_name("jupyter")
    subprocess.run([jupyter, "nbconvert", "--to", f"alliance-{kind}", notebook], check=True, capture_output=True, cwd=tmp_path)
    assert (tmp_path / f"{period}.{kind}").read_bytes() == (made / "reports" / f"{period}.{kind}").read_bytes()


def test_jupyterlab_shows_what_the_report_shows(made, period):
    cells = nbformat.read(made / "reports" / f"{period}.ipynb", 4).cells
    shown = "".join(output.data["text/html"] for cell in cells if cell.cell_type == "code" for output in cell.outputs
                    if MIME in output.get("data", {}))
    report = (made / "reports" / f"{period}.html").read_text("utf8")
    for tag in ("caption", "figcaption"):
        assert re.findall(f"<{tag}>(.*?)</{tag}>", shown) == re.findall(f"<{tag}>(.*?)</{tag}>", report)
    assert re.findall(r"[（\[@]+[a-z-]+[）\]]", re.sub("<.*?>", "", shown)) == [] and "见后文" in shown, "no bare key"


def runs() -> list:
    """Every notebook for every period; once where it is about all of them."""
    return [pytest.param(path, {"period": period} if 'period = \\"' in source else {}, id=f"{path.stem}-{period}")
            for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path.stem != "panel"  # it needs a panel: test_panel.py makes one
            for source in [path.read_text("utf8")]
            for period in (PERIODS if 'period = \\"' in source else PERIODS[:1])]


@pytest.mark.parametrize("path, parameters", runs())
def test_every_notebook_runs_as_it_lies(path, parameters, capsys):
    done = papermill.execute_notebook(path, None, parameters, cwd=NOTEBOOKS, kernel_name="python3", progress_bar=False)
    outputs = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output.text for output in outputs if output.output_type == "stream"] == []
    blocks = [output.data for output in outputs if MIME in output.get("data", {})]
    assert all("text/html" in block for block in blocks)
    assert len(blocks) > 10 or path.stem == "explore"
