"""An executed notebook as one document: headings, figures and tables numbered, references resolved.

Every exporter starts here, so that the numbers of HTML and PDF agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from analysis import NOTEBOOKS, cells, fonts
from analysis.export import markup, pictures, tables
from analysis.export.pictures import Picture
from analysis.export.tables import Table

if TYPE_CHECKING:
    from nbformat import NotebookNode

FIGURE, TABLE = "图", "表"
ANNEX = re.compile(r"附件\s*")
LABEL = re.compile(r"[\w-]+")
DIGITS = "零一二三四五六七八九十"
LEFT_OUT = "notebook-only"
SILENT = re.compile(r"[\[(]*(array\()?[\[(]*<|Text\(|None$|\(array\(")  # what a drawing call returns
IMAGES = tuple(pictures.SUFFIX)


class DocumentError(ValueError):
    """The notebook cannot be a report; the message is one sentence that names the cell."""


@dataclass
class Heading:
    """A heading with its label: 一、 at the first level, 1. at the second, (1) at the third; 附件1 for an annex."""

    level: int
    text: str
    where: str = ""
    label: str = ""
    anchor: str = ""


@dataclass
class Prose:
    """Parsed Markdown between two headings."""

    tokens: list[markup.Token]
    where: str


@dataclass
class Exhibit:
    """A figure or a table. `table` is what a figure shows, `place` where it stands: none, beside or below; `saved` the CSV's."""

    kind: str
    where: str
    label: str = ""
    caption: str = ""
    note: str = ""
    alt: str = ""
    picture: Picture | None = None
    table: Table | None = None
    place: str = "none"
    saved: Table | None = None
    number: str = ""
    anchor: str = ""

    @property
    def headline(self) -> str:
        return "　".join(filter(None, (self.number, self.caption)))

    @property
    def empty(self) -> bool:
        return not self.picture and not self.table.values


@dataclass
class Cover:
    """The first page: title, subtitle, lines of facts, who publishes it."""

    title: str
    subtitle: str
    facts: list[str]
    publishers: list[str]


@dataclass
class Document:
    """What stands in a report, in order. `notes` say what of the notebook does not, and `date` is that of the document (ISO)."""

    title: str
    cover: Cover | None
    parts: list[Heading | Prose | Exhibit]
    date: str = ""
    notes: list[str] = field(default_factory=list)
    references: markup.References = field(default_factory=dict)

    @property
    def headings(self) -> list[Heading]:
        return [part for part in self.parts if isinstance(part, Heading)]

    @property
    def exhibits(self) -> list[Exhibit]:
        return [part for part in self.parts if isinstance(part, Exhibit)]

    @property
    def footnotes(self) -> list[markup.Token]:
        """The footnotes, by their numbers."""
        tokens = (token for part in self.parts if isinstance(part, Prose) for token in markup.walk(part.tokens))
        return [token["note"] for token in tokens if token.get("first")]

    def saved(self) -> dict[str, bytes]:
        """The drawing of each labelled figure and the CSV of each labelled frame, by their file names."""
        files = {}
        for exhibit in self.exhibits:
            if exhibit.label and exhibit.picture:
                files[f"{exhibit.label}.{exhibit.picture.suffix}"] = exhibit.picture.content
            if exhibit.label and exhibit.saved:
                files[f"{exhibit.label}.csv"] = exhibit.saved.csv()
        return files


def read(notebook: NotebookNode, name: str = "", folder: Path | str = NOTEBOOKS) -> Document:
    """The document that an executed notebook is. `folder` is where its pictures are, `name` its title if it has none.

    Raises DocumentError for a notebook that was not run or has failed, for a label that leads nowhere or stands twice, for
    a figure without alternative text, and for a character that our fonts do not have.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and "".join(cell.source).strip()]
    if code and not any(cell.get("execution_count") or cell.get("outputs") for cell in code):
        raise DocumentError("the notebook has not been run; run it, save it, and export it then")
    document = Document(name, None, [])
    heading = ""
    for place, cell in enumerate(notebook.cells, start=1):
        if LEFT_OUT in cell.metadata.get("tags", ()):
            continue
        said = cells.options(cell.source) if cell.cell_type == "code" else {}
        where = f"cell “{said['label']}”" if said.get("label") else f"cell {place}" + (f" (under “{heading}”)" if heading else "")
        before = len(document.parts)
        if cell.cell_type == "markdown":
            _add_prose(document, cell.source, where, folder, cell.get("attachments", {}))
        elif cell.cell_type == "code":
            _add_outputs(document, cell, said, where, folder)
        heading = next((part.text for part in document.parts[:before - 1 if before else None:-1] if isinstance(part, Heading)), heading)
    _entitle(document, name)
    document.parts = _without_empty(document.parts)
    _number(document)
    _check(document)
    return document


def _add_prose(document: Document, source: str, where: str, folder: Path | str, attached: dict | None = None) -> None:
    parts = document.parts
    tokens = markup.parse("".join(source))
    for token in markup.walk(tokens):
        try:
            if token["type"] == "image":
                token["picture"] = _found(token["attrs"]["url"], Path(folder), attached or {})
            elif token["type"] in ("inline_math", "block_math"):
                token["picture"] = pictures.formula(token["raw"])
        except (OSError, KeyError, ValueError) as error:
            document.notes.append(f"{where}: {markup.alternative(token)} is not drawn, {' '.join(str(error).split())[:120]}")
    for token in tokens:
        if token["type"] == "heading":
            parts.append(Heading(token["attrs"]["level"], markup.words(token["children"]).strip(), where))
        elif parts and isinstance(parts[-1], Prose) and parts[-1].where == where:
            parts[-1].tokens.append(token)
        else:
            parts.append(Prose([token], where))


def _found(url: str, folder: Path, attached: dict) -> Picture:
    """A picture that a Markdown text names: attached, in the address itself, or a file beside the notebook."""
    if url.startswith("attachment:"):
        kind, data = next(iter(attached[unquote(url.removeprefix("attachment:"))].items()))
        return pictures.of_data(kind, data)
    if match := re.match(r"data:(image/[\w+.-]+);base64,", url):
        return pictures.of_data(match[1], url[match.end():])
    if re.match(r"\w+:", url):
        raise ValueError("a report fetches nothing; save the picture beside the notebook")
    kind = {".svg": cells.SVG, ".jpg": IMAGES[2], ".jpeg": IMAGES[2]}.get(Path(url).suffix.lower(), IMAGES[1])
    return Picture(kind, (folder / unquote(url)).read_bytes())


def _add_outputs(document: Document, cell: NotebookNode, said: dict, where: str, folder: Path | str) -> None:
    """What a cell shows: first as its options say, then each `show` as it was called, in order."""
    if strangers := sorted(set(said) - set(cells.KNOWN)):
        document.notes.append(f"{where}: the option {', '.join(strangers)} is not known; known are {', '.join(cells.KNOWN)}")
    groups: list[tuple[dict, list]] = []
    bare: list = []
    for output in cell.get("outputs", ()):
        if output.output_type == "error":
            raise DocumentError(f"{where} failed with {output.ename}: {output.evalue}".splitlines()[0])
        piece = _piece(output, where, document.notes)
        call = output.get("metadata", {}).get(cells.SAID)
        if call is None and not any(piece[0] == "picture" and piece == other for other in bare):
            if not bare:
                groups.append(({}, bare))
            bare.append(piece)
        elif call and call["part"] == 0:
            groups.append((call, [piece]))
        elif call:
            groups[-1][1].append(piece)
    shown = [group for group in groups if any(kind in ("picture", "frame", "html") for kind, _ in group[1])]
    owner = next((group for group in shown if group[1] is bare), next((group for group in shown if not group[0].get("label")), None))
    for group in groups:
        _add_group(document, said | group[0] if group is owner else group[0], group[1], where, folder)


def _piece(output: NotebookNode, where: str, notes: list[str]) -> tuple[str, object]:
    """What an output is: frame, html (a table), picture, markdown, or nothing, and its content; what is left out is noted."""
    data = output.get("data", {})
    if cells.RESOURCE in data:
        return "frame", data[cells.RESOURCE]
    if "<table" in (page := "".join(data.get("text/html", ""))):
        return "html", page
    for kind in IMAGES:
        if kind in data:
            return "picture", pictures.of_data(kind, data[kind])
    if "text/markdown" in data:
        return "markdown", "".join(data["text/markdown"])
    if "text/latex" in data:
        return "markdown", "".join(data["text/latex"]).replace("\\displaystyle", "")
    words = "".join(data.get("text/plain", ""))
    if output.output_type == "stream":
        notes.append(f"{where}: {'printed text' if output.name == 'stdout' else 'a warning'} is not in the report: "
                     f"{''.join(output.text).strip().splitlines()[0][:80] if ''.join(output.text).strip() else ''}")
    elif len(data) > 1 or not SILENT.match(words):
        kinds = [kind for kind in data if kind != "text/plain"] or ["a text result"]
        notes.append(f"{where}: {', '.join(kinds)} is not in the report: {words.splitlines()[0][:80] if words else ''}")
    return "nothing", None


def _add_group(document: Document, said: dict, pieces: list, where: str, folder: Path | str) -> None:
    """Pieces that belong together. A label or a caption is the drawing's, or the last table's if nothing is drawn."""
    label = said.get("label", "")
    if label and not LABEL.fullmatch(label):
        raise DocumentError(f"{where}: the label {label!r} may have letters, digits, - and _ only")
    where = f"cell “{label}”" if label else where
    drawings = [content for kind, content in pieces if kind == "picture"]
    frames = [place for place, (kind, _) in enumerate(pieces) if kind in ("frame", "html")]
    if label and len(drawings) > 1:
        raise DocumentError(f"{where} shows {len(drawings)} figures under one label; call show(figure, frame, label=…, caption=…) for each")
    together = len(drawings) == 1 and bool(frames)
    main = None if not (drawings or frames) else next(n for n, (kind, _) in enumerate(pieces) if kind == "picture") if drawings else frames[-1]
    for place, (kind, content) in enumerate(pieces):
        if kind == "markdown" and str(said.get("cover", "")).lower() == "true":
            _add_cover(document, content, said)
        elif kind == "markdown":
            _add_prose(document, content, where, folder)
        elif kind == "picture":
            _add_figure(document, content, pieces[frames[-1]] if together else None, said if place == main else {}, where)
        elif kind in ("frame", "html") and not (together and place == frames[-1]):
            _add_table(document, (kind, content), said if place == main else {}, where)


def _add_cover(document: Document, source: str, said: dict) -> None:
    tokens = markup.parse(source)
    paragraphs = [markup.words(token["children"]) for token in tokens if token["type"] == "paragraph"]
    facts = [markup.words(item["children"]) for token in tokens if token["type"] == "list" for item in token["children"]]
    title = next((markup.words(token["children"]) for token in tokens if token["type"] == "heading"), document.title)
    document.cover = Cover(title, paragraphs[0] if paragraphs else "", facts, paragraphs[1:])
    document.date = str(said.get("date", ""))


def _table(piece: tuple[str, object], said: dict, where: str, key: str) -> Table:
    try:
        return tables.of_resource(piece[1], said) if piece[0] == "frame" else tables.of_html(piece[1], key)
    except ValueError as error:
        raise DocumentError(f"{where}: {error}") from None


def _anchor(document: Document, kind: str, label: str) -> str:
    return f"{'figure' if kind == FIGURE else 'table'}-{label}" if label else f"output-{len(document.exhibits) + 1}"


def _add_figure(document: Document, picture: Picture, piece: tuple | None, said: dict, where: str) -> None:
    """A figure with the frame that it is drawn from; without a label it shows that frame too, unless it is told not to."""
    label, caption, anchor = said.get("label", ""), said.get("caption", ""), _anchor(document, FIGURE, said.get("label", ""))
    table = _table(piece, said, where, f"{anchor}-table") if piece else None
    saved = _table(("frame", said["data"]), {}, where, "") if "data" in said else table
    numbers = saved if saved and saved.values else None
    alt = said.get("alt") or "。".join(filter(None, (caption, picture.said(), numbers.said() if numbers else ""))) or "图"
    if label and not numbers and not said.get("alt"):
        raise DocumentError(f"{where}: the figure has no alternative text; end the cell with the frame that it shows, or say it in #| alt:")
    if not label:
        document.notes.append(f"{where}: a figure without a label has no number")
    place = said.get("table") or ("none" if label else "below")
    document.parts.append(Exhibit(FIGURE, where, label, caption, said.get("note", ""), alt, picture,
                                  table if table and table.values else None, place, saved, anchor=anchor))


def _add_table(document: Document, piece: tuple[str, object], said: dict, where: str) -> None:
    """A table; one without rows is not shown, and is saved where it has a label."""
    label, anchor = said.get("label", ""), _anchor(document, TABLE, said.get("label", ""))
    table = _table(piece, said, where, anchor)
    saved = _table(("frame", said["data"]), {}, where, "") if "data" in said else table
    if table.values and not label:
        document.notes.append(f"{where}: a table without a label has no number")
    if table.values or label:
        document.parts.append(Exhibit(TABLE, where, label, said.get("caption", ""), said.get("note", ""), table=table, saved=saved,
                                      anchor=anchor))


def _entitle(document: Document, name: str) -> None:
    """The title: the cover's, or the first heading, which no longer is one if it stands above all others, or the file's name."""
    headings = document.headings
    document.title = document.cover.title if document.cover else headings[0].text if headings else name or "报告"
    if not document.cover and headings and document.parts[0] is headings[0] and all(h.level > headings[0].level for h in headings[1:]):
        document.parts.pop(0)
        for heading in headings[1:]:
            heading.level -= min(other.level for other in headings[1:]) - 1 if heading is headings[-1] else 0


def _without_empty(parts: list) -> list:
    """The parts without headings that have nothing under them."""
    kept = []
    level_with_content = 0
    for part in reversed(parts):
        if not isinstance(part, Heading):
            kept.append(part)
            if not isinstance(part, Exhibit) or not part.empty:
                level_with_content = 9
        elif level_with_content >= part.level:
            kept.append(part)
            level_with_content = part.level - 1
    return kept[::-1]


def _number(document: Document) -> None:
    """Number headings, figures, tables and footnotes."""
    counts, annexes, exhibits, notes = [0, 0, 0], 0, {FIGURE: 0, TABLE: 0}, 0
    for part in document.parts:
        if isinstance(part, Heading) and part.level == 1 and ANNEX.match(part.text):
            annexes += 1
            counts = [counts[0], 0, 0]
            part.text, part.label, part.anchor = ANNEX.sub("", part.text, count=1), f"附件{annexes}　", f"annex-{annexes}"
        elif isinstance(part, Heading):
            level = min(part.level, 3)
            counts[level - 1] += 1
            counts[level:] = [0] * (3 - level)
            part.anchor = (f"annex-{annexes}-" if annexes else "section-") + "-".join(str(n) for n in counts[:level])
            part.label = (f"{chinese_number(counts[0])}、", f"{counts[1]}. ", f"({counts[2]}) ")[level - 1]
        elif isinstance(part, Exhibit) and part.label and not part.empty:
            exhibits[part.kind] += 1
            part.number = f"{part.kind}{exhibits[part.kind]}"
        elif isinstance(part, Prose):
            for token in markup.walk(part.tokens):
                if "note" in token:
                    token["first"] = "number" not in token["note"]
                    notes += token["first"]
                    token["note"].setdefault("number", notes)


def chinese_number(number: int) -> str:
    """1 to 99 in Chinese digits.

    >>> chinese_number(12)
    '十二'
    """
    tens, units = divmod(number, 10)
    return ("" if tens < 2 else DIGITS[tens]) + ("十" if tens else "") + (DIGITS[units] if units or not tens else "")


def _check(document: Document) -> None:
    """Resolve the references, and look for characters that cannot be shown. Raises DocumentError."""
    for exhibit in document.exhibits:
        if exhibit.label and exhibit.label in {other.label for other in document.exhibits if other is not exhibit}:
            raise DocumentError(f"two figures or tables have the label {exhibit.label!r}; give one of them another")
        if exhibit.number:
            document.references[exhibit.label] = (exhibit.number, exhibit.anchor)
    for part in document.parts:
        for token in markup.walk(part.tokens) if isinstance(part, Prose) else ():
            if token["type"] == "reference" and token["raw"] not in document.references:
                raise DocumentError(f"{part.where}: [@{token['raw']}] leads nowhere; the report has {', '.join(document.references) or 'no label'}")
        if missing := fonts.missing(_characters(part)):
            raise DocumentError(f"{part.where}: the fonts in analysis/fonts have no {', '.join(f'{c} (U+{ord(c):04X})' for c in missing)}; "
                                "write it another way, or cut the fonts anew")


def _characters(part: Heading | Prose | Exhibit) -> str:
    """Every character that a part shows."""
    if isinstance(part, Heading):
        return part.label + part.text
    if isinstance(part, Prose):
        return markup.characters(part.tokens)
    shown = [part.table] if part.table else []
    return part.headline + part.note + (part.picture.words() if part.picture else "") + "".join(
        "".join([*table.heads, *(cell for row in table.texts for cell in row)]) for table in shown)


def text_of(document: Document) -> str:
    """Every character of a document's texts, tables and headings."""
    cover = document.cover
    pieces = [document.title, *([cover.subtitle, *cover.facts, *cover.publishers] if cover else [])]
    return "".join([*pieces, *map(_characters, document.parts)])
