"""Text is text: names that mean harm stand in the reports, the charts and the files as they are written, and nothing runs."""

import csv
import io
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from conftest import once, run
from workbooks import change, scores

from analysis import DATA
from analysis.registry import normalise, short

HOSTILE = (
    "<script>document.title='run'</script>甲联盟", "<img src=x onerror=\"document.title='run'\">乙联盟", "A&B &amp; \"丙\" 'c'联盟",
    "#eval(\"1+1\") #include \"x\"丁联盟", "$x^2$ @ref <label> \\ \\u{41}戊联盟", "{{ 7*7 }}{% raw %}{# #}己联盟",
    "*粗* _斜_ `码` ~删~ [@grades] 庚联盟", "[链](javascript:alert(1)) ![图](x.png)辛联盟", "</table></svg></style>]]>壬联盟",
    "a|b // /* */ --- = ~ 1. # 癸联盟",
)
pytestmark = pytest.mark.xdist_group("hostile")


@pytest.fixture(scope="module")
def hostile(shared) -> Path:
    """The reports of 2020-2021 and of the trend, from data in which the first alliances have hostile names."""
    data = shared / "hostile-data"
    if not data.exists():
        put_hostile_names(Path(shutil.copytree(DATA, data)))
    for name, words in (("hostile", ("report", "2020-2021")), ("hostile-trends", ("trends",))):
        once(shared, name, *words, data=data)
    return shared


def put_hostile_names(data: Path) -> None:
    earlier = {row.code: row.name for row in scores("2017")}
    both = [row for row in scores("2020-2021") if earlier.get(row.code) == row.name][:len(HOSTILE)]
    names = {normalise(row.name): name for row, name in zip(both, HOSTILE)}
    with (data / "registry" / "alliances.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [[id, names.get(normalise(name), name), *rest] for id, name, *rest in csv.reader(file)]
    with (data / "registry" / "alliances.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)

    def edit(book):
        for cell in (cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)):
            cell.value = names.get(normalise(cell.value), cell.value)
        for place, name in enumerate(HOSTILE if "专家组" in book.sheetnames else (), start=2):
            book["专家组"][f"B{place}"], book["专家组"][f"C{place}"] = name, name

    for period in ("2017", "2020-2021"):
        change(data, edit, period)


def nobody_in_the_best_grade(book):
    for row in range(4, 28):
        book["评分表"].cell(row, 4).value = 84
    book["评分表"]["A3"] = "活跃度较高"
    book.remove(book["协同创新活动"])


def no_score(book):
    for cell in (cell for cell in book["评分表"]["D"] if isinstance(cell.value, (int, float))):
        cell.value = None


@pytest.mark.parametrize("edit", [nobody_in_the_best_grade, no_score])
def test_what_is_called_sound_makes_a_report(data, tmp_path, edit):
    """Nobody in a grade, or no score; a batch and a grade under other names, and remarks as deep and as long as they may be."""
    change(data, edit)
    for file, old, new in (("batches", "第一批试点联盟", "2012年启动的 A*B_c 联盟"), ("schemes", "2017,活跃度高,活跃度高", "2017,活跃度高,优*")):
        path = data / "registry" / f"{file}.csv"
        path.write_text(path.read_text("utf-8-sig").replace(old, new), "utf-8-sig")
    remarks = "".join("  " * depth + "- 甲\n" for depth in range(6)) + f"\n见[@scores]。[链](http://a.b/{'c' * 3900})\n\n" \
        "| 甲 | 乙 |\n|---|---|\n| 1 | 2 |\n\n```\n码\n```\n\n丙\n---\n\n丁\n"
    (data / "remarks" / "2017.md").write_text(f"## 总结\n\n{remarks}", "utf8")
    done = [run(command, "2017", out=tmp_path, data=data) for command in ("check", "report")]
    assert [result.returncode for result in done] == [0, 0], [result.stderr for result in done]


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def files(hostile: Path, pattern: str) -> list[Path]:
    return [path for folder in ("hostile", "hostile-trends") for path in sorted((hostile / folder).rglob(pattern))]


@pytest.mark.chromium
def test_in_html(hostile):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for file in files(hostile, "*.html"):
            page = browser.new_page()
            heard = []
            for event in ("request", "dialog", "pageerror", "console"):
                page.on(event, lambda what, heard=heard: heard.append(what))
            page.goto(file.as_uri())
            text = squeezed(page.evaluate("document.body.textContent"))
            assert [name for name in HOSTILE if squeezed(name) not in text] == []
            assert page.title() != "run" and heard[1:] == []
            assert page.locator("img, script:not([type])").count() <= 1 and page.locator("img[src='x']").count() == 0
            page.close()
        browser.close()


def test_in_pdf(hostile):
    from pypdf import PdfReader

    for file in files(hostile, "*.pdf"):
        text = squeezed("".join(page.extract_text() for page in PdfReader(file).pages))
        assert [name for name in HOSTILE if squeezed(short(name)) not in text] == []


def test_in_svg_csv_and_file_names(hostile):
    for path in files(hostile, "*.svg"):
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(path.read_text("utf8")).iter()}
        assert not tags & {"script", "image", "foreignObject", "a"}
    cells = {cell for path in files(hostile, "*.csv") for row in csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""))
             for cell in row}
    assert set(HOSTILE) <= cells and not [cell for cell in cells if cell.startswith(("=", "@", "\t"))]
    assert [path.name for path in files(hostile, "*") if not re.fullmatch(r"[\w.-]+", path.name)] == []
