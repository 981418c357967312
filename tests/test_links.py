"""Pages name the other pages that are there, whichever was made first."""

from __future__ import annotations

import hashlib
import json

from analysis import links, record

PAGE = '<p class="files"><a href="own.pdf">PDF</a><!-- beside --><!-- /beside --></p>'


def made(out, place, page=PAGE, title=""):
    path = out / "reports" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, "utf8")
    kept = out / record.path_of(title or path.stem)
    kept.write_text(json.dumps({"keys": 1, "made": {f"reports/{place}": hashlib.sha256(page.encode()).hexdigest()}}))
    return path


def hrefs(path):
    return [part.split('"')[0] for part in path.read_text("utf8").split('href="')[1:]]


def test_pages_link_to_those_that_are_there_and_to_no_others(tmp_path):
    first = made(tmp_path, "2017.html")
    links.refresh(tmp_path)
    assert hrefs(first) == ["own.pdf"]
    second, letters = made(tmp_path, "2020-2021.html"), made(tmp_path, "alliances/2017/index.html", title="alliances-2017")
    trends, audit = made(tmp_path, "trends.html"), made(tmp_path, "audit-2017.html")
    links.refresh(tmp_path)
    assert hrefs(first) == ["own.pdf", "2020-2021.html", "trends.html", "alliances/2017/index.html"]
    assert hrefs(letters) == ["own.pdf", "../../2017.html", "../../2020-2021.html", "../../trends.html"]
    assert hrefs(trends)[1:3] == hrefs(audit)[1:3] == ["2017.html", "2020-2021.html"]
    for path, title in ((first, "2017"), (letters, "alliances-2017")):
        kept = record.earlier(tmp_path, title)
        assert kept["keys"] == 1 and [*kept["made"].values()] == [hashlib.sha256(path.read_bytes()).hexdigest()]
    second.unlink()
    letters.unlink()
    links.refresh(tmp_path)
    assert hrefs(first) == ["own.pdf", "trends.html"]


def test_a_page_that_was_edited_or_has_no_record_is_left_alone(tmp_path):
    made(tmp_path, "trends.html")
    edited, strange = made(tmp_path, "2017.html"), tmp_path / "reports" / "2018.html"
    edited.write_text(PAGE + "mine", "utf8")
    strange.write_text(PAGE, "utf8")
    links.refresh(tmp_path)
    assert edited.read_text("utf8") == PAGE + "mine" and strange.read_text("utf8") == PAGE
    assert not record.holds(tmp_path, "2017", {})
