"""Pages name the other pages that are there, whichever was made first."""

from __future__ import annotations

from pathlib import Path

from analysis import links, record

PAGE = '<p class="files"><a href="own.pdf">PDF</a><!-- beside --><!-- /beside --></p>'


def made(out, place, title=""):
    (path := out / "reports" / place).parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PAGE, "utf8")
    (out / record.path_of(title or path.stem)).write_bytes(record.written({"keys": 1}, {Path("reports", place): PAGE.encode()}))
    return path


def hrefs(path):
    return [part.split('"')[0] for part in path.read_text("utf8").split('href="')[1:]]


def test_pages_link_to_those_that_are_there_and_to_no_others(tmp_path):
    first = made(tmp_path, "2017.html")
    (strange := tmp_path / "reports" / "mine.html").write_text(PAGE, "utf8")  # has no record
    links.refresh(tmp_path)
    assert hrefs(first) == ["own.pdf"]
    second, letters = made(tmp_path, "2020-2021.html"), made(tmp_path, "alliances/2017/index.html", title="alliances-2017")
    trends, audit = made(tmp_path, "trends.html"), made(tmp_path, "audit-2017.html")
    links.refresh(tmp_path)
    assert hrefs(first) == ["own.pdf", "2020-2021.html", "trends.html", "alliances/2017/index.html"]
    assert hrefs(letters) == ["own.pdf", "../../2017.html", "../../2020-2021.html", "../../trends.html"]
    assert hrefs(trends)[1:3] == hrefs(audit)[1:3] == ["2017.html", "2020-2021.html"]
    assert hrefs(strange) == ["own.pdf"]
    second.unlink()
    letters.unlink()
    links.refresh(tmp_path)
    assert hrefs(first) == ["own.pdf", "trends.html"]


def test_links_make_no_page_out_of_date_but_edits_do(tmp_path):
    page, _ = made(tmp_path, "2017.html"), made(tmp_path, "trends.html")
    links.refresh(tmp_path)
    assert len(hrefs(page)) == 2 and record.holds(tmp_path, "2017", {"keys": 1})
    page.write_text(page.read_text("utf8") + "mine", "utf8")
    links.refresh(tmp_path)
    assert page.read_text("utf8").endswith("mine") and not record.holds(tmp_path, "2017", {"keys": 1})
