"""The stock tools on the same files: papermill, nbconvert, JupyterLab's menu, git."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import once
from lint_notebooks import FORBIDDEN, faults
from nbconvert import HTMLExporter

from analysis import NOTEBOOKS, ROOT, commands
from analysis.export.exporters import WordExporter

BIN = Path(sys.executable).parent
ALL = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def stock(*words: object, **more) -> subprocess.CompletedProcess:
    """A command of the environment, run somewhere else than in the project."""
    return subprocess.run([BIN / words[0], *map(str, words[1:])], check=True, capture_output=True, text=True, **more)


@pytest.fixture(scope="session")
def simulated(shared) -> Path:
    """A data folder with a simulated panel of 2017."""
    return once(shared, "simulated", "example-panel", "2017")


@pytest.mark.parametrize("name", ALL)
def test_stock_papermill_and_nbconvert_show_every_notebook(name, tmp_path, request):
    """papermill makes a number of 2017; nobody says where the project lies; nothing is printed, and pictures and tables show."""
    words = ["-p", "period", "2017"] if "\nperiod = " in f"\n{parameters(name)}" else []
    if name == "panel":
        words += ["-p", "data", str(request.getfixturevalue("simulated"))]
    stock("papermill", NOTEBOOKS / f"{name}.ipynb", "out.ipynb", *words, "--no-progress-bar", cwd=tmp_path)
    cells = [cell for cell in nbformat.read(tmp_path / "out.ipynb", 4).cells if cell.cell_type == "code"]
    assert [output.get("text", output.output_type) for cell in cells for output in cell.outputs
            if output.output_type in ("stream", "error")] == []
    page, _ = HTMLExporter().from_filename(tmp_path / "out.ipynb")
    assert "<table" in page and ("<svg" in page or "image/svg+xml" in page)


def parameters(name: str) -> str:
    """The cell of parameters of a notebook."""
    return next(cell.source for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4).cells
                if "parameters" in cell.metadata.get("tags", ()))


@pytest.mark.parametrize("name", ALL)
def test_every_notebook_reads_as_analysis(name):
    assert faults(NOTEBOOKS / f"{name}.ipynb") == []
    assert all(line.partition(" = ")[2].startswith('"') for line in parameters(name).splitlines()), "plain defaults"


def test_what_does_not_belong_in_a_notebook_is_found():
    for source in ("def f(): pass", "x = lambda: 1", "    for a in b:", "plt.rcParams['x']", "try:", "ax.set_position(x)"):
        assert FORBIDDEN.search(f"x = 1\n{source}"), source
    assert not FORBIDDEN.search("for batch in batches:\n    show(batch)")


@pytest.fixture(scope="module")
def made_2017(shared) -> Path:
    return once(shared, "made-2017", "report", "2017")


@pytest.fixture(scope="module")
def server(made_2017, tmp_path_factory):
    """What a running Jupyter server answers to a GET of a path; the made report is in its folder."""
    settings = tmp_path_factory.mktemp("server")
    environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(settings), "JUPYTER_CONFIG_DIR": str(settings)}
    process = subprocess.Popen([BIN / "jupyter", "server", "--no-browser", "--allow-root", "--port=0", f"--ServerApp.root_dir={made_2017}",
                                "--IdentityProvider.token=abc"], env=environment, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while not (found := list(settings.glob("jpserver-*.json"))) and time.monotonic() < until:
            time.sleep(0.1)
        address = json.loads(found[0].read_text())["url"]

        def get(path: str) -> bytes:
            with urllib.request.urlopen(f"{address}{path}?token=abc", timeout=60) as answer:
                return answer.read()

        yield get
    finally:
        process.kill()
        process.wait()


def body(page: bytes) -> str:
    """What a page shows, without the links to the files beside it, which only the program knows."""
    main = BeautifulSoup(page, "html.parser").main
    for links in main.find_all("p", class_="files"):
        links.decompose()
    return str(main)


def test_the_exporters_are_in_the_menu_of_jupyterlab_and_work_there(server, made_2017):
    listed = json.loads(server("api/nbconvert"))
    assert listed["alliance_html"] == {"output_mimetype": "text/html"}
    assert listed["alliance_pdf"] == {"output_mimetype": "application/pdf"} and "alliance_docx" in listed
    word, _ = WordExporter().from_filename(made_2017 / "reports/2017.ipynb")
    assert server("nbconvert/alliance_docx/reports/2017.ipynb") == word
    assert server("nbconvert/alliance_pdf/reports/2017.ipynb") == (made_2017 / "reports/2017.pdf").read_bytes()
    assert body(server("nbconvert/alliance_html/reports/2017.ipynb")) == body((made_2017 / "reports/2017.html").read_bytes())


def test_nbconvert_finds_the_exporters_by_their_names(made_2017, tmp_path):
    shutil.copy(made_2017 / "reports/2017.ipynb", tmp_path)
    stock("jupyter", "nbconvert", "--to", "alliance_pdf", "2017.ipynb", cwd=tmp_path)
    assert (tmp_path / "2017.pdf").read_bytes() == (made_2017 / "reports/2017.pdf").read_bytes()


def test_a_notebook_that_ran_and_was_saved_is_no_change_for_git(tmp_path):
    def git(*words: str) -> str:
        return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=b", *words], cwd=tmp_path, check=True, capture_output=True,
                              text=True).stdout

    for name in ("notebooks", ".gitattributes"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    git("init", "-q")
    git("add", ".")  # before the filter is there: as they lie in the project
    git("commit", "-qm", "all")
    commands.keep_outputs_out_of_git(tmp_path)
    stock("jupyter", "nbconvert", "--execute", "--inplace", "notebooks/explore.ipynb", cwd=tmp_path)
    path = tmp_path / "notebooks" / "explore.ipynb"
    notebook = nbformat.read(path, 4)
    assert sum(len(cell.get("outputs", ())) for cell in notebook.cells) > 5 and "version" in notebook.metadata.language_info
    for cell in notebook.cells:
        cell.metadata |= {"editable": True, "slideshow": {"slide_type": ""}}  # as JupyterLab does where a tag is added
    nbformat.write(notebook, path)
    commands.settle(str(path))
    assert git("status", "--porcelain") == ""
    notebook.cells[0].source += "\nmine"
    nbformat.write(notebook, path)
    commands.settle(str(path))
    assert git("status", "--porcelain") == " M notebooks/explore.ipynb\n"


def test_jupyterlab_starts_where_there_is_no_git(monkeypatch):
    def no_git(*_, **__):
        raise FileNotFoundError(2, "No such file or directory", "git")

    started = []
    monkeypatch.setattr(subprocess, "run", no_git)
    monkeypatch.setattr(subprocess, "call", lambda words: started.append(words[1:]) or 0)
    assert commands.lab(None) == 0
    assert started == [["-m", "jupyterlab", str(NOTEBOOKS / "explore.ipynb"), "--FileContentsManager.post_save_hook=analysis.commands.settle"]]
    commands.settle(str(NOTEBOOKS / "explore.ipynb"))
