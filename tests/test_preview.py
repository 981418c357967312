"""The preview: what is saved is on the page, and what is wrong too."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import pytest
from workbooks import change

from analysis import ROOT


class Browser:
    """A copy of the project with a preview, and a page open in it."""

    def __init__(self, folder: Path):
        self.folder = folder
        for name in ("analysis", "notebooks", "data"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "requirements.lock", folder)
        self.process = subprocess.Popen([sys.executable, "-m", "analysis", "preview", "2017"], cwd=folder,
                                        stdout=subprocess.PIPE, encoding="utf8")
        self.address = self.process.stdout.readline().split()[0]
        self.first = self.until(lambda page: "参评联盟" in page)

    def ask(self, path: str = "") -> str:
        return unescape(urllib.request.urlopen(self.address + path).read().decode())

    def until(self, holds: Callable[[str], bool]) -> str:
        """The page once something holds of it, asked for when its number is another, as a browser does."""
        number = ""
        for _ in range(1200):
            if number != (number := self.ask("number")) and holds(page := self.ask()):
                return page
            time.sleep(0.05)
        raise AssertionError("the page does not come")

    @contextlib.contextmanager
    def saved(self, *changes: tuple[str, str, str]) -> Iterator[None]:
        """Files of the project say something else."""
        whole = {self.folder / name: (self.folder / name).read_bytes() for name, _, _ in changes}
        for name, old, new in changes:
            path = self.folder / name
            assert old.encode() in path.read_bytes()
            path.write_bytes(path.read_bytes().replace(old.encode(), new.encode(), 1))
        yield
        for path, content in whole.items():
            path.write_bytes(content)


def fault(page: str) -> str:
    return "".join(re.findall(r'<pre role="alert".*?>(.*?)</pre>', page, re.S))


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("preview"))
    yield opened
    opened.process.kill()
    opened.process.wait()


def test_what_is_saved_is_on_the_page(browser):
    """A sentence, a remark, a colour and a cell."""
    changes = [
        ("notebooks/text/report.toml", "联盟总数{total}家，", "总数{total}家，", "<p>总数146家，"),
        ("data/remarks/2017.md", "## 前言\n", "## 前言\n\n刚刚写下的一句。\n", "刚刚写下的一句。"),
        ("analysis/style/palette.toml", "#12436D", "#104E8B", "#104e8b"),
        ("notebooks/report.ipynb", "各批次参评联盟的档次构成", "各批次的档次构成", "图1　各批次的档次构成")]
    seen = [new for *_, new in changes]
    assert not any(new in browser.first for new in seen)
    with browser.saved(*(change[:3] for change in changes)):
        assert not fault(browser.until(lambda page: all(new in page for new in seen)))


@pytest.mark.parametrize(("name", "old", "new", "said"), [
    ("notebooks/report.ipynb", "len(evaluated)", "len(evaluate)", "NameError: name 'evaluate' is not defined"),
    ("analysis/charts.py", "GOLDEN = ", "GOLDEN := ", "SyntaxError")])
def test_a_fault_is_told_above_the_last_good_page_until_it_is_mended(browser, name, old, new, said):
    with browser.saved((name, old, new)):
        page = browser.until(lambda page: said in page)
    assert said in fault(page) and "联盟活跃度情况分析" in page


def test_a_wrong_sheet_is_told_by_its_cell_and_a_mended_one_by_the_page(browser):
    with browser.saved(("data/score_sheets/2017.xlsx", "", "")):
        change(browser.folder / "data", {"评分表!D4": "九十"})
        assert "D4" in fault(browser.until(lambda page: "九十" in page))
    browser.until(lambda page: not fault(page))


@pytest.mark.only("2017")
def test_the_page_is_the_published_one_with_a_word_that_asks_for_news(browser, made, period):
    published = (made / f"reports/{period}.html").read_text("utf8").replace("<meta http-equiv", "<meta name")  # which allows our script alone
    assert "location.reload" not in published
    assert re.sub("<script>setInterval.*?</script>", "", browser.first) == unescape(re.sub('<p class="files">.*?</p>', "", published))


def test_a_page_of_another_site_gets_nothing(browser):
    asked = urllib.request.Request(browser.address, headers={"Host": "example.org"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(asked)
