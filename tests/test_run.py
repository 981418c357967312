"""The command line: what it refuses, what it leaves alone when something fails, and that it does the same twice."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import papermill
import psutil
import pytest
from conftest import PERIODS, run
from workbooks import change

from analysis import NOTEBOOKS, ROOT
from analysis import run as running
from analysis.__main__ import main
from analysis.blocks import MIME

EARLIER = b"an earlier report"
NAMES = ("reports/2017.ipynb", "reports/2017.pdf", "reports/2017.html", "figures/2017/coverage.svg", "figures/2017/coverage.csv")


def with_earlier(out: Path, names=NAMES) -> Path:
    """A folder in which an earlier report lies."""
    for name in names:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(EARLIER)
    return out


def files(out: Path) -> dict[str, bytes]:
    """Every file under a folder but logs and locks, by its path."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*"))
            if path.is_file() and path.suffix != ".log" and not path.name.startswith(".lock")}


@pytest.fixture
def out(tmp_path) -> Path:
    return with_earlier(tmp_path / "out")


def is_as_before(out: Path) -> bool:
    return files(out) == dict.fromkeys(sorted(NAMES), EARLIER)


@pytest.mark.parametrize("year, said", [
    ("2021", "Did you mean 2020-2021? Periods with a sheet: 2017, 2020-2021."), ("2016", "Did you mean 2017?"),
    ("2020_2021", "write one like 2017 or 2020-2021"), ("../../etc", "is not a period"), ("/etc/passwd", "is not a period"),
    ("2017/../2017", "is not a period"), ("", "is not a period"), ("2017.xlsx", "is not a period")])
def test_a_period_without_a_sheet_is_refused(out, capsys, year, said):
    assert main(["report", year, "--out", str(out)]) == 2
    answer = capsys.readouterr()
    assert said in answer.err and "2017, 2020-2021" in answer.err
    assert answer.err.count("\n") == 1 and answer.out == ""
    assert is_as_before(out)


@pytest.mark.parametrize("words", [[], ["reprot", "2017"], ["report"], ["report", "2017", "--ouut", "x"]])
def test_a_wrong_command_ends_with_2(capsys, words):
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert "usage: python -m analysis" in capsys.readouterr().err


def test_a_broken_sheet_ends_with_1_and_touches_nothing(out, data, capsys):
    change(data, {"评分表!D60": "九十"})
    assert main(["report", "2017", "--data", str(data), "--out", str(out)]) == 1
    assert '2017.xlsx › 评分表 › D60: score "九十" is not a number' in capsys.readouterr().err
    assert is_as_before(out)


def with_cell(folder: Path, source: str) -> Path:
    """A copy of the notebooks in which the report has one more cell, under the heading 活跃度总体情况."""
    notebook = nbformat.read(NOTEBOOKS / "report.ipynb", 4)
    place = next(i for i, cell in enumerate(notebook.cells) if cell.source == 'say("overall")')
    notebook.cells[place:] = [nbformat.v4.new_code_cell(source)]
    folder.mkdir()
    nbformat.write(notebook, folder / "report.ipynb")
    return folder


LONG = pytest.mark.xfail(strict=True, reason="a cause of many lines is printed whole")
NAMELESS = pytest.mark.xfail(strict=True, reason="a kernel that died has neither notebook nor heading")


@pytest.mark.parametrize("source, cause", [
    ("1 / 0", "ZeroDivisionError: division by zero"),
    pytest.param("raise ValueError('of many lines\\n' * 300)", "ValueError: of many lines", marks=LONG),
    pytest.param("import os; os._exit(3)", "ernel died", marks=NAMELESS)])
def test_a_failing_notebook_is_told_in_a_few_lines(out, tmp_path, capsys, monkeypatch, source, cause):
    monkeypatch.setattr(running, "NOTEBOOKS", with_cell(tmp_path / "notebooks", source))
    assert main(["report", "2017", "--out", str(out)]) == 3
    said = [line for line in capsys.readouterr().err.replace("\r", "\n").splitlines() if line.strip() and "%|" not in line]
    assert said[0] == "notebooks/report.ipynb failed"
    assert said[1].endswith("活跃度总体情况") and cause in said[2]
    assert len(said) <= 8
    assert source in (out / "reports" / "2017.log").read_text("utf8")
    assert is_as_before(out)
    assert [child for child in psutil.Process().children(recursive=True) if "ipykernel" in " ".join(child.cmdline())] == []


@pytest.mark.xfail(strict=True, reason="the log has the colours of a terminal, and stays after a run that succeeds")
def test_a_log_is_plain_text_and_goes_when_the_report_is_made(out, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "NOTEBOOKS", with_cell(tmp_path / "notebooks", "1 / 0"))
    main(["report", "2017", "--out", str(out)])
    log = out / "reports" / "2017.log"
    assert "\x1b" not in log.read_text("utf8")
    monkeypatch.undo()
    assert main(["report", "2017", "--out", str(out)]) == 0
    assert not log.exists()


@pytest.mark.xfail(strict=True, reason="the kernel is started before the parameters are looked at")
def test_a_misspelt_parameter_is_refused_before_a_kernel_starts(out, monkeypatch):
    monkeypatch.setattr(running, "_kernel", lambda: pytest.fail("a kernel was started"))
    with pytest.raises(ValueError, match=r"report\.ipynb has no parameter perod; it has data, period"):
        running.report("report", "2017", {"perod": "2017"}, out, "2017")
    assert is_as_before(out)


NEW = {Path(name): b"new" for name in NAMES}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl-c"])
@pytest.mark.parametrize("call", [
    "write_bytes", "replace"])
@pytest.mark.parametrize("at", [2, len(NAMES)])
def test_publish_is_all_or_none(out, monkeypatch, error, call, at):
    calls = []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == at:
            raise error
        return real(*arguments)

    owner = Path if call == "write_bytes" else os
    real = getattr(owner, call)
    monkeypatch.setattr(owner, call, failing)
    with pytest.raises(type(error)):
        running.publish(NEW, out, "2017")
    monkeypatch.undo()
    assert len(calls) >= at
    assert is_as_before(out), sorted(name for name, content in files(out).items() if content != EARLIER)


def test_publish_keeps_the_earlier_set_where_one_place_is_taken(out):
    (out / "reports/2017.pdf").unlink()
    (out / "reports/2017.pdf").mkdir()
    with pytest.raises(OSError):
        running.publish(NEW, out, "2017")
    assert set(files(out).values()) == {EARLIER}


def test_publish_removes_what_is_stale_and_what_a_killed_run_left(out):
    (out / "figures/2017/old.svg").write_text("stale")
    (out / "figures/2017/notes.txt").write_text("an analyst's own")
    (out / ".making-2017.killed/reports").mkdir(parents=True)
    running.publish(NEW, out, "2017", {Path("figures/2017")})
    assert files(out) == {**{str(path): b"new" for path in NEW}, "figures/2017/notes.txt": b"an analyst's own"}
    assert [path.name for path in out.glob(".making-*")] == []


def test_publish_leaves_alone_what_another_period_is_making(out):
    (out / ".making-2020-2021.at-work").mkdir()
    running.publish(NEW, out, "2020")
    assert (out / ".making-2020-2021.at-work").exists()


def test_two_runs_give_the_same_bytes(made, period, data, tmp_path):
    elsewhere = {**os.environ, "TZ": "Asia/Shanghai", "LC_ALL": "C", "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1"}
    result = run("report", period, out=tmp_path / "again", data=data, env=elsewhere)
    assert result.returncode == 0, result.stderr
    one, other = files(made), files(tmp_path / "again")
    assert set(one) - {"said.json"} == set(other)
    differing = [name for name in other if one[name] != other[name] and not name.endswith(".ipynb")]
    assert differing == [] and len(other) > 30


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_nbconvert_finds_the_exporters_by_their_names(made, period, tmp_path, kind):
    notebook = shutil.copy(made / "reports" / f"{period}.ipynb", tmp_path)
    jupyter = Path(sys.executable).with_name("jupyter")
    subprocess.run([jupyter, "nbconvert", "--to", f"alliance-{kind}", notebook], check=True, capture_output=True, cwd=tmp_path)
    assert (tmp_path / f"{period}.{kind}").read_bytes() == (made / "reports" / f"{period}.{kind}").read_bytes()


def runs() -> list:
    """Every notebook for every period; once where it is about all of them."""
    return [pytest.param(path, {"period": period} if 'period = \\"' in source else {}, id=f"{path.stem}-{period}")
            for path in sorted(NOTEBOOKS.glob("*.ipynb")) for source in [path.read_text("utf8")]
            for period in (PERIODS if 'period = \\"' in source else PERIODS[:1])]


@pytest.mark.parametrize("path, parameters", runs())
def test_every_notebook_runs_as_it_lies(path, parameters, capsys):
    done = papermill.execute_notebook(path, None, parameters, cwd=NOTEBOOKS, kernel_name="python3", progress_bar=False)
    outputs = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output.text for output in outputs if output.output_type == "stream"] == []
    blocks = [output.data for output in outputs if MIME in output.get("data", {})]
    assert all("text/html" in block for block in blocks)
    assert len(blocks) > 25 or path.stem == "explore"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
@pytest.mark.parametrize("turn", range(3))
def test_a_stopped_run_leaves_the_earlier_set_and_no_kernel(out, how, turn):
    moment = random.uniform(0.2 + turn, 1.2 + turn)
    process = subprocess.Popen([sys.executable, "-m", "analysis", "report", "2017", "--out", str(out)], cwd=ROOT,
                               start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(moment)
    try:
        started = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        started = []
    (os.killpg if how == signal.SIGINT else os.kill)(process.pid, how)
    _, said = process.communicate(timeout=30)
    _, alive = psutil.wait_procs(started, timeout=15)
    assert alive == [], f"after {moment:.2f} s"
    assert b"Traceback" not in said, f"after {moment:.2f} s: {said.decode()}"
    after = {name: content for name, content in files(out).items() if not name.startswith(".making")}
    changed = [name for name in NAMES if after[name] != EARLIER]
    assert changed in ([], list(NAMES)), f"half of the files after {moment:.2f} s"
    if not changed:
        assert set(after) == set(NAMES)
    if how != signal.SIGKILL:
        assert list(out.glob(".making-*")) == []
