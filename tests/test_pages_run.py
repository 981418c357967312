"""The letters as files: each a page of A4 that a screen reader reads, in bulk, again, elsewhere, with failures, and the index of all."""

import errno
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import nbformat
import pytest
from conftest import once
from pypdf import PdfReader
from workbooks import change

from analysis import NOTEBOOKS, pages, pages_run, publish, roster
from analysis.__main__ import main

A4 = (595.28, 841.89)
PLACE = "reports/alliances/2017"


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.fixture(scope="module")
def frames():
    return pages.frames(roster.read_sheets(), "2017")


@pytest.fixture(scope="module")
def letters(frames) -> dict[str, dict]:
    told = [pages.page(frames, row) for row in frames.named.itertuples()]
    return {letter["file"]: letter for letter in told}


@pytest.fixture(scope="module")
def common(frames) -> str:
    return json.dumps(pages.common(frames), ensure_ascii=False)


@pytest.fixture(scope="module")
def made_pages(shared) -> Path:
    return once(shared, "made-pages", "pages", "2017")


@pytest.fixture
def copied(made_pages, tmp_path) -> Path:
    return Path(shutil.copytree(made_pages, tmp_path / "out"))


@pytest.fixture
def said(capsys):
    """What `make pages` says on both streams, its exit status being as expected."""
    def run(*words: object, status: int = 0) -> str:
        assert main(["pages", "2017", *map(str, words)]) == status
        return "".join(capsys.readouterr())
    return run


def test_each_alliance_has_its_letter_of_one_accessible_page(made_pages, letters, common):
    assert {path.name for path in (made_pages / PLACE).iterdir()} == {*letters, "index.html"} and len(letters) == 112
    for file in [*letters][::25]:
        reader, letter = PdfReader(made_pages / PLACE / file), letters[file]
        [page] = reader.pages
        assert [*map(float, page.mediabox[2:])] == pytest.approx(A4, abs=0.1)
        root, about = reader.trailer["/Root"], reader.xmp_metadata.stream.get_data().decode()
        assert root["/Lang"].startswith("zh") and root["/MarkInfo"]["/Marked"] and letter["name"] in reader.metadata.title
        assert re.search(r"(?s)(?=.*pdfaid:part>2)(?=.*pdfaid:conformance>A)(?=.*pdfuaid:part>1)", about)
        said = [*(letter[key] for key in ("greeting", "result", "course", "next")), *(place for _, place in letter["places"])]
        assert all(bare(text) in bare(page.extract_text()) for text in said)
    assert pages_run.draw(common, json.dumps(letter, ensure_ascii=False)) == (made_pages / PLACE / file).read_bytes()


def test_a_long_name_fits_the_page(frames, common):
    letter = pages.page(frames, next(frames.named.itertuples())._replace(name="极" * 80 + "“\\#\n" + "X" * 120))
    assert len(PdfReader(io.BytesIO(pages_run.draw(common, json.dumps(letter, ensure_ascii=False)))).pages) == 1


def test_a_second_run_makes_what_is_missing(copied, letters, said):
    gone, stray = copied / PLACE / next(iter(letters)), copied / PLACE / ".making-left.pdf.1"
    assert "nothing to do" in said("--out", copied)
    gone.unlink()
    stray.touch()
    assert "1 pages made, 111 were up to date" in said("--out", copied) and gone.read_bytes().startswith(b"%PDF") and not stray.exists()
    assert "nothing to do" in said("--out", copied)


def test_a_letter_made_alone_or_cut_short_is_made_again(copied, data, said, capsys):
    whole = {path.name: path.read_bytes() for path in (copied / PLACE).iterdir()}
    change(data, {"评分表!D62": 65})
    assert main(["page", "2017", "113", "--data", str(data), "--out", str(copied)]) == 0
    [changed] = [name for name, content in whole.items() if (copied / PLACE / name).read_bytes() != content]
    assert changed.startswith("113-")
    next((copied / PLACE).glob("101-*")).write_bytes(b"")
    assert "2 pages made, 110 were up to date" in said("--out", copied)
    assert whole == {path.name: path.read_bytes() for path in (copied / PLACE).iterdir()}
    (copied / "reports/.alliances-2017.json").write_text("{}")
    assert "112 pages made" in said("--out", copied)
    assert main(["page", "2017", "113", "--out", str(copied)]) == 0
    capsys.readouterr()
    assert "nothing to do" in said("--out", copied)


def test_new_data_makes_only_what_it_changes(copied, data, said):
    aliases = data / "registry" / "aliases.csv"
    aliases.write_text(aliases.read_text("utf-8-sig") + "甲乙丙联盟,L012,short,2017 text,test\n", "utf-8-sig")
    assert "0 pages made, 112 were up to date" in said("--out", copied, "--data", data)
    assert "甲乙丙联盟" in (copied / PLACE / "index.html").read_text("utf8")
    (data / "score_sheets" / "2020-2021.xlsx").unlink()  # every letter has one cell fewer
    assert "112 pages made" in said("--out", copied, "--data", data)
    change(data, {"评分表!D60": "九十"})
    before = {path: path.read_bytes() for path in (copied / PLACE).iterdir()}
    assert 'D60: score "九十" is not a number' in said("--out", copied, "--data", data, status=1)
    assert {path: path.read_bytes() for path in (copied / PLACE).iterdir()} == before


def test_a_letter_that_fails_is_named_and_the_others_are_made(monkeypatch, tmp_path, letters, common):
    good, strange = (json.dumps(letter, ensure_ascii=False) for letter in [*letters.values()][:2])
    given = {"a.pdf": good, "b.pdf": "{}", "c.pdf": strange.replace("联盟", "𓀀"), "d.pdf": good}
    made = pages_run.put(tmp_path, common, given)
    assert {place: told for place, told in made.items() if isinstance(told, int)} == {
        path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert {path.name for path in tmp_path.iterdir()} == {"a.pdf", "d.pdf"}
    assert "𓀀" in made["c.pdf"]

    (tmp_path / "b.pdf").mkdir()
    made = pages_run.put(tmp_path, common, {"a.pdf": good, "b.pdf": good, "e.pdf": good})
    assert [isinstance(told, int) for told in made.values()].count(False) == 1 and isinstance(made["b.pdf"], str)

    def full(*_):
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(publish, "put", full)
    assert pages_run.put(tmp_path, common, {"a.pdf": good}) == {"a.pdf": "the disk is full"}


def test_failures_are_told_and_noted(monkeypatch, tmp_path, said, letters):
    monkeypatch.setattr(pages_run, "drawn", lambda letters, *_: ((place, "ValueError: no" if n > 2 else 1) for n, place in enumerate(letters)))
    monkeypatch.setattr(pages_run, "EVERY", -1)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    heard = said("--out", tmp_path, "--workers", 1, status=3)
    assert "0 pages made" in heard and "112 pages failed" in heard and heard.count("ValueError: no") == pages_run.NAMED
    assert re.search(r"0/112 \[.*\]", heard)
    monkeypatch.setattr(pages_run, "drawn", lambda *_: iter({f"{PLACE}/{file}": 1 for file in letters}.items()))
    assert said("--out", tmp_path, "--workers", 1, status=3).count("is not where it should be") == pages_run.NAMED


def test_a_process_that_is_killed_loses_nothing(tmp_path, letters, common):
    waiting = {file: json.dumps(letter, ensure_ascii=False) for file, letter in letters.items()}
    made = pages_run.drawn(waiting, common, tmp_path, pages_run._pool, pool := pages_run._pool(2), 2)
    first = next(made)
    os.kill(next(iter(pool._processes)), signal.SIGKILL)
    assert dict([first, *made]) == {path.name: path.stat().st_size for path in tmp_path.glob("[!.]*")} and len(letters) == len({*waiting}) == 112


def test_a_letter_that_kills_its_process_is_named(tmp_path):
    class Pool(Executor):
        broken = False

        def submit(self, _, out, common, part):
            job, self.broken = Future(), self.broken or "bad" in part
            job.set_exception(BrokenProcessPool("no")) if self.broken else job.set_result(dict.fromkeys(part, 1))
            return job

    told = dict(pages_run.drawn({"bad": "", **{str(n): "" for n in range(50)}}, "", tmp_path, lambda _: Pool(), Pool(), 2))
    assert {place: str(error) for place, error in told.items() if error != 1} == {"bad": "no process made it (BrokenProcessPool: no)"}
    assert len(told) == 51


@pytest.fixture(scope="module")
def bucket():
    """The address of a folder on an S3 server, for this process and those that it starts."""
    import fsspec
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("ENDPOINT_URL", f"http://{host}:{port}"), ("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "x")):
            patch.setenv(f"AWS_{name}", value)
        fsspec.filesystem("s3").mkdir("letters")
        yield "s3://letters/a folder"
    server.stop()


def test_beyond_one_machine(bucket, frames, letters, common, monkeypatch, said):
    """Two Dask workers, one of them killed, put letters on an S3 server; a second run makes what is missing."""
    import fsspec
    from distributed import LocalCluster

    drawn, files, few = pages_run.drawn, fsspec.filesystem("s3"), [*letters.values()][:32]
    given = frames, common, {f"{PLACE}/{letter['file']}": json.dumps(letter, ensure_ascii=False) for letter in few}
    monkeypatch.setattr(pages_run, "_letters", lambda _: given)

    def deadly(*all_of_it):
        results = drawn(*all_of_it)
        yield next(results)
        os.kill(cluster.workers[0].pid, signal.SIGKILL)
        yield from results

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        there = "--out", bucket, "--scheduler", cluster.scheduler_address
        monkeypatch.setattr(pages_run, "drawn", deadly)
        assert "32 pages made" in said(*there) and "nothing to do" in said(*there)
        monkeypatch.setattr(pages_run, "drawn", drawn)
        before = {path: files.cat_file(path) for path in files.ls(f"{bucket}/{PLACE}", refresh=True) if path.endswith(".pdf")}
        assert {path.rpartition("/")[2] for path in before} == {letter["file"] for letter in few}
        files.rm_file(next(iter(before)))
        assert "1 pages made, 31 were up to date" in said(*there)
        assert {path: files.cat_file(path) for path in before} == before


@pytest.mark.parametrize(("words", "lacks", "status", "said"), [
    (["pages", "2017", "--scheduler", "tcp://127.0.0.1:9"], "distributed", 2, "distributed.* pip install"),
    (["pages", "2017", "--scheduler", "tcp://127.0.0.1:9"], "", 2, "no worker answers at tcp://127.0.0.1:9: "),
    (["page", "2017", "113", "--out", "s3://letters"], "fsspec.core", 2, "fsspec.* pip install"),
    (["pages", "2017", "--out", "s3://none/here"], "", 3, "bucket does not exist"),
    (["pages", "2017", "--out", "nowhere://none/here"], "", 2, "Protocol not known"),
    (["pages", "2017", "--workers", "-3"], "", 2, "-3 is no number of processes"),
    (["pages", "2017", "--scheduler", "nonsense"], "", 2, "no worker answers at nonsense: "),
    (["report", "2017", "--out", "s3://letters/here"], "", 2, "only letters go to one")])
def test_what_is_wrong_beyond_one_machine_is_said(bucket, monkeypatch, tmp_path, capsys, words, lacks, status, said):
    monkeypatch.setattr(pages_run, "PATIENCE", 0.2)
    monkeypatch.setattr("analysis.__main__.ROOT", tmp_path)
    monkeypatch.setitem(sys.modules, lacks, None)
    pages_run.store.cache_clear()
    assert main([*words, *([] if "--out" in words else ["--out", str(tmp_path)])]) == status
    assert re.search(said, capsys.readouterr().err)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="another system")
def test_its_processes_end_with_the_first():
    code = "from analysis import pages_run; p = pages_run._pool(1); p.submit(len, '').result(); print(*p._processes, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        worker = int(first.stdout.readline())
        first.kill()
    deadline = time.monotonic() + 20
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(worker, 0)
            time.sleep(0.02)


@pytest.mark.parametrize(("who", "status", "said"), [
    ("113", 0, "113-大豆加工"), ("汽车轻量化技术创新战略联盟", 0, "107-"), ("钢铁可循环", 0, "101-"), ("999", 2, "neither a name nor a code"),
    ("109", 0, "109-半导体照明"), ("D106", 2, "is a code of 2020-2021"), ("联盟", 2, "109 more"), ("", 2, "WHO is missing"),
    ("生物", 2, "may be")])
def test_one_letter(tmp_path, capsys, who, status, said):
    assert main(["page", "2017", who, "--out", str(tmp_path)]) == status
    heard = capsys.readouterr()
    assert said in heard.out + heard.err
    assert len([*tmp_path.rglob("*.pdf")]) == (status == 0)


def test_an_address_of_this_machine_is_a_folder(tmp_path):
    assert main(["page", "2017", "113", "--out", f"file://{tmp_path}/new"]) == 0
    assert [path.name[:4] for path in (tmp_path / "new" / PLACE).iterdir()] == ["113-"]


def test_the_notebook_says_what_the_letter_says(monkeypatch, letters):
    told, scope = [], {}
    monkeypatch.setattr("analysis.show", lambda *what: told.extend(what), raising=False)
    for cell in nbformat.read(NOTEBOOKS / "alliance.ipynb", 4).cells:
        if cell.cell_type == "code":
            exec(cell.source.replace('who = "113"', 'who = "107"'), scope)
    letter = next(letter for letter in letters.values() if letter["code"] == "107")
    assert {letter[key] for key in ("result", "course", "next")} <= {*told}


@pytest.mark.chromium
def test_the_index(made_pages, letters):
    import axe_playwright_python
    from playwright.sync_api import sync_playwright

    path = (made_pages / PLACE / "index.html").resolve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page, heard = browser.new_page(viewport={"width": 390, "height": 850}), []
        page.on("request", lambda request: heard.append(request.url))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.goto(path.as_uri())

        def shown(cell: str = "td:first-child") -> list[str]:
            return page.eval_on_selector_all(f"tbody tr:not([hidden]) {cell}", "all => all.map(cell => cell.textContent)")

        assert len(shown()) == len(letters) and shown().count("109") == 1 and shown().count("—") == 1
        for words, code in (("大豆加工", "113"), ("长风开放标准平台软件联盟", "111"), ("半导体 照明", "109"), ("113", "113")):
            page.fill("#words", words)
            assert code in shown() and len(shown()) < 5
        page.fill("#words", "")
        page.select_option("[data-key=sector]", "—")
        assert len(shown()) == [letter["sector"] for letter in letters.values()].count("") > 0
        chosen = {"batch": "第二批", "sector": "轻工农业", "state": "活跃度较高"}
        for key, value in chosen.items():
            page.select_option(f"[data-key={key}]", value)
        assert sorted(shown()) == sorted(letter["code"] for letter in letters.values() if chosen.items() <= letter.items()) != []
        for key in chosen:
            page.select_option(f"[data-key={key}]", "")
        for first in (1, -1):
            page.click("th button:text-is('评分')")
            scores = [float(text) for text in shown("td.r") if re.fullmatch(r"[\d.]+", text.strip())]
            assert scores == sorted(scores)[::first] and len(scores) == 101
        links = page.eval_on_selector_all("tbody a", "all => all.map(a => decodeURIComponent(a.getAttribute('href')))")
        assert {*links} == {*letters}
        page.evaluate(Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf8"))
        assert page.evaluate("axe.run().then(r => r.violations.map(v => v.id + ' ' + v.nodes[0].html))") == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert [address for address in heard if not address.startswith("data:")] == [path.as_uri()]
        browser.close()
