"""An executed notebook as one document: headings, figures and tables numbered, references resolved.

Every exporter starts here, so that the numbers of HTML and PDF agree.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import NOTEBOOKS, cells, fonts
from analysis.export import markup, pictures, tables
from analysis.export.pictures import Picture
from analysis.export.tables import Table

if TYPE_CHECKING:
    from nbformat import NotebookNode

FIGURE, TABLE = "图", "表"
SHOWN = ("picture", "frame", "html")
ANNEX = re.compile(r"附件\s*")
DIGITS = "零一二三四五六七八九十"
LOGO = 5  # ems high
LEFT_OUT = "notebook-only"
SILENT = re.compile(r"[\[(]*(array\()?[\[(]*<|Text\(|None$|\(array\(|$")  # what a drawing call returns


class DocumentError(ValueError):
    """The notebook cannot be a report; the message is one sentence that names the cell."""


@dataclass
class Part:
    """A heading, prose, a figure (图) or a table (表), as `kind` says; `where` is what an error calls its cell.

    `text` is a heading or a caption; `number` is 一、 at the first level, 1. at the second, (1) at the third, 附件1 for an annex, and
    图1 or 表1 where there is a `label`. `table` is what a figure or table shows, `place` where a figure does (none, beside,
    below), and `saved` what its CSV has.
    """

    kind: str
    where: str
    text: str = ""
    level: int = 0
    tokens: list[markup.Token] = field(default_factory=list)
    label: str = ""
    note: str = ""
    alt: str = ""
    picture: Picture | None = None
    table: Table | None = None
    saved: Table | None = None
    place: str = "none"
    number: str = ""
    anchor: str = ""

    @property
    def empty(self) -> bool:
        """Whether it is a table without rows: saved, and not shown."""
        return self.kind == TABLE and not self.table

    def characters(self) -> str:
        """Every character that it shows."""
        table = [words for column in self.table.columns for words in (column.head, *column.texts)] if self.table else []
        drawn = self.picture.words() if self.picture else ""
        return "".join([self.number, self.text, self.note, drawn, markup.characters(self.tokens), *table])


@dataclass
class Document:
    """What stands in a report, in order. `cover` tells whether it has one; `notes` say what of the notebook it does not have."""

    title: str = ""
    cover: bool = False
    subtitle: str = ""
    facts: list[str] = field(default_factory=list)
    publishers: list[str] = field(default_factory=list)
    date: str = ""
    logo: Picture | None = None
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    footnotes: list[markup.Token] = field(default_factory=list)

    @property
    def day(self) -> dt.datetime:
        """Its date; of one without a date the first that a zip file can have, since the clock would change the bytes."""
        return dt.datetime.fromisoformat(self.date or "1980-01-01")

    def of(self, *kinds: str) -> list[Part]:
        return [part for part in self.parts if part.kind in kinds]

    def saved(self) -> dict[str, bytes]:
        """The drawing of each labelled figure and the CSV of each labelled frame, by their file names."""
        labelled = [part for part in self.parts if part.label]
        drawn = {f"{part.label}.{part.picture.suffix}": part.picture.content for part in labelled if part.picture}
        return drawn | {f"{part.label}.csv": part.saved.csv() for part in labelled if part.saved is not None}


def read(notebook: NotebookNode, name: str = "", folder: Path | str = NOTEBOOKS) -> Document:
    """The document that an executed notebook is. `folder` is where its pictures are, `name` its title if it has none.

    Raises DocumentError for a notebook that was not run or has failed, a label that leads nowhere or stands twice, a figure
    without alternative text, and a character that our fonts do not have.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if code and not any(cell.get("execution_count") or cell.get("outputs") for cell in code):
        raise DocumentError("the notebook has not been run; run it, save it, and export it then")
    reader = _Reader(Document(), Path(folder))
    document = reader.document
    for place, cell in enumerate(notebook.cells, start=1):
        reader.where = f"cell {place}" + "".join(f" (under “{heading.text}”)" for heading in document.of("heading")[-1:])
        if LEFT_OUT in cell.metadata.get("tags", ()):
            continue
        if cell.cell_type == "markdown":
            reader.prose(cell.source, cell.get("attachments", {}))
        elif cell.cell_type == "code":
            reader.outputs(cell.get("outputs", ()), cells.options(cell.source))
    _entitle(document, name)
    document.parts = _without_empty(document.parts)
    _check(document, _number(document))
    return document


@dataclass
class _Reader:
    """Adds the cells of a notebook to a document, one after the other; `where` is what an error calls the cell."""

    document: Document
    folder: Path
    where: str = ""

    def note(self, text: str) -> None:
        self.document.notes.append(f"{self.where}: {' '.join(text.split())[:160]}")

    def prose(self, source: str, attached: dict) -> None:
        tokens = markup.parse(source)
        for token in markup.walk(tokens):
            try:
                if token["type"] == "image":
                    token["picture"] = pictures.found(token["attrs"]["url"], self.folder, attached)
                elif token["type"].endswith("_math"):
                    token["picture"] = pictures.formula(token["raw"])
            except (OSError, KeyError, ValueError) as error:
                self.note(f"{token['alt']} is not drawn: {error}")
        parts = self.document.parts
        for token in tokens:
            if token["type"] == "heading":
                parts.append(Part("heading", self.where, markup.words(token["children"]).strip(), token["attrs"]["level"]))
            elif parts and (parts[-1].kind, parts[-1].where) == ("prose", self.where):
                parts[-1].tokens.append(token)
            else:
                parts.append(Part("prose", self.where, tokens=[token]))

    def outputs(self, outputs: list[NotebookNode], said: dict[str, str]) -> None:
        """What each call of `show` showed, as it was called, and together what was shown without one. The options of the cell are for
        the first that has a figure or a table and no label of its own."""
        if strangers := sorted(set(said) - set(cells.KNOWN)):
            self.note(f"the option {', '.join(strangers)} is not known; known are {', '.join(cells.KNOWN)}")
        groups: dict[int, tuple[dict, list]] = {}
        calls = 0
        for output in outputs:
            if output.output_type == "error":
                raise DocumentError(f"{self.where} failed with {output.ename}: {output.evalue}".splitlines()[0])
            call = output.get("metadata", {}).get(cells.SAID)
            calls += bool(call) and call["part"] == 0
            _, pieces = groups.setdefault(calls if call else 0, (call or {}, []))
            piece = self.piece(output)
            if call or piece[0] != "picture" or piece not in pieces:  # `fig` as a last line shows twice
                pieces.append(piece)
        owner = next((group for group in groups.values() if "label" not in group[0] and any(kind in SHOWN for kind, _ in group[1])),
                     next(iter(groups.values()), None))
        for group in groups.values():
            self.group(said | group[0] if group is owner else group[0], group[1])

    def piece(self, output: NotebookNode) -> tuple[str, object]:
        """What an output is (frame, html, picture, markdown or nothing) and its content; what is left out is noted."""
        data, text = output.get("data", {}), "".join(output.get("text", ""))
        if cells.RESOURCE in data:
            return "frame", data[cells.RESOURCE]
        if "<table" in (page := "".join(data.get("text/html", ""))):
            if rest := tables.beside(page):
                self.note(f"of an HTML output only its first table is in every format, not: {rest}")
            return "html", page
        for kind in pictures.KINDS:
            if kind in data:
                return "picture", pictures.of_data(kind, data[kind])
        if formatted := data.get("text/markdown", data.get("text/latex")):
            return "markdown", re.sub(r"\\displaystyle\s*", "", "".join(formatted))
        words = "".join(data.get("text/plain", ""))
        if text.strip():
            self.note(f"{'printed text' if output.name == 'stdout' else 'a warning'} is not in the report: {text}")
        elif "text/markdown" not in data and output.output_type != "stream" and (len(data) > 1 or not SILENT.match(words)):
            self.note(f"{', '.join(kind for kind in data if kind != 'text/plain') or 'a text result'} is not in the report: {words}")
        return "nothing", None

    def group(self, said: dict, pieces: list[tuple[str, object]]) -> None:
        """Pieces that belong together. What is said is of the drawing, or of the last table if nothing is drawn."""
        cell, label = self.where, said.get("label", "")
        self.where = f"cell “{label}”" if label else cell
        if not re.fullmatch(r"[\w-]*", label):
            raise DocumentError(f"{self.where}: a label has letters, digits, - and _ only")
        drawings, frames = ([piece for piece in pieces if piece[0] in kinds] for kinds in (("picture",), ("frame", "html")))
        if label and len(drawings) > 1:
            raise DocumentError(f"{self.where} shows {len(drawings)} figures under one label; call show(figure, frame, label=…) for each")
        paired = frames[-1] if frames and len(drawings) == 1 else None
        named = (drawings[:1] or frames[-1:] or [None])[0]
        self.document.date = str(said.get("date", self.document.date))
        for piece in pieces:
            kind, content = piece
            if kind == "markdown" and str(said.get("cover")).lower() == "true":
                self.cover(content, said)
            elif kind == "markdown":
                self.prose(content, {})
            elif kind != "nothing" and piece is not paired:
                picture, table = (content, paired) if kind == "picture" else (None, piece)
                self.exhibit(said if piece is named else {}, picture, table)
        self.where = cell

    def cover(self, source: str, said: dict) -> None:
        tokens = markup.parse(source)
        texts = {kind: [markup.words(t["children"]) for t in tokens if t["type"] == kind] for kind in ("heading", "paragraph")}
        self.document.title, self.document.cover, self.document.date = "".join(texts["heading"][:1]), True, str(said.get("date", ""))
        self.document.subtitle, self.document.publishers = "".join(texts["paragraph"][:1]), texts["paragraph"][1:]
        self.document.logo = replace(pictures.found(said["logo"], self.folder, {}), height=LOGO) if said.get("logo") else None
        self.document.facts = [markup.words(item["children"]) for t in tokens if t["type"] == "list" for item in t["children"]]

    def exhibit(self, said: dict, picture: Picture | None, piece: tuple[str, object] | None) -> None:
        """A figure with its frame, or a table alone. Without a label a figure shows its frame too, unless it is told not to; a
        table without rows is not shown, and is saved where it has a label."""
        kind, name, label = FIGURE if picture else TABLE, "figure" if picture else "table", said.get("label", "")
        anchor = f"{name}-{label}" if label else f"output-{len(self.document.parts)}"
        try:
            table = (tables.of_resource(piece[1], said) if piece[0] == "frame" else tables.of_html(piece[1], anchor)) if piece else None
        except ValueError as error:
            raise DocumentError(f"{self.where}: {error}") from None
        saved = tables.of_resource(said["data"], {}) if "data" in said else table
        rows, numbers = bool(table), saved.said() if saved else ""
        if picture and label and not numbers and not said.get("alt"):
            raise DocumentError(f"{self.where}: the figure has no alternative text; end the cell with its frame, or say it in #| alt:")
        if not label and (picture or rows):
            self.note(f"a {name} without a label has no number")
        alt = said.get("alt") or "。".join(filter(None, (said.get("caption"), picture.said(), numbers))) or kind if picture else ""
        place = said.get("table") or ("none" if label else "below") if picture and rows else "none"
        if picture or rows or label:
            self.document.parts.append(Part(kind, self.where, said.get("caption", ""), label=label, note=said.get("note", ""), alt=alt,
                                            picture=picture, table=table if rows or not picture else None, saved=saved, place=place,
                                            anchor=anchor))


def _entitle(document: Document, name: str) -> None:
    """The title: the cover's, or the first heading, which is one no longer if it stands above all others, or the file's name."""
    if not document.cover:
        first, *others = document.of("heading") or [Part("heading", "", name or "报告")]
        document.title = first.text
        if document.parts[:1] == [first] and all(other.level > first.level for other in others):
            document.parts.pop(0)
            above = min((other.level for other in others), default=1) - 1
            for other in others:
                other.level -= above


def _without_empty(parts: list) -> list:
    """The parts without headings that have nothing under them."""
    kept = []
    level_with_content = 0
    for part in reversed(parts):
        if part.kind != "heading" or level_with_content >= part.level:
            kept.append(part)
            level_with_content = part.level - 1 if part.kind == "heading" else level_with_content if part.empty else 9
    return kept[::-1]


def _number(document: Document) -> dict[str, Part]:
    """Number headings, figures and tables; the latter two by their labels."""
    labelled: dict[str, Part] = {}
    counts, annexes, exhibits, above = [0, 0, 0], 0, {FIGURE: 0, TABLE: 0}, 0
    for part in document.parts:
        if part.kind == "heading" and part.level == 1 and ANNEX.match(part.text):
            annexes, above, counts = annexes + 1, 1, [counts[0], 0, 0]
            part.text, part.number, part.anchor = ANNEX.sub("", part.text, count=1), f"附件{annexes}　", f"annex-{annexes}"
        elif part.kind == "heading":
            level = above = part.level = min(part.level, above + 1, 3)  # none is left out on the way down
            counts[level - 1:] = [counts[level - 1] + 1] + [0] * (3 - level)
            part.anchor = (f"annex-{annexes}-" if annexes else "section-") + "-".join(str(n) for n in counts[:level])
            part.number = (f"{chinese_number(counts[0])}、", f"{counts[1]}. ", f"({counts[2]}) ")[level - 1]
        elif part.label and not part.empty:
            exhibits[part.kind] += 1
            part.number = f"{part.kind}{exhibits[part.kind]}"
            if part.label in labelled:
                raise DocumentError(f"{part.where}: two figures or tables have the label {part.label!r}; give one of them another")
            labelled[part.label] = part
    return labelled


def chinese_number(number: int) -> str:
    """1 to 99 in Chinese digits: 12 is 十二."""
    tens, units = divmod(number, 10)
    return ("" if tens < 2 else DIGITS[tens]) + ("十" if tens else "") + (DIGITS[units] if units or not tens else "")


def _check(document: Document, labelled: dict[str, Part]) -> None:
    """Resolve references, number footnotes, and look for characters that cannot be shown. Raises DocumentError."""
    front = "".join((document.title, document.subtitle, *document.facts, *document.publishers))
    for part in [Part("heading", "the cover", front), *document.parts]:
        for token in markup.walk(part.tokens):
            if token["type"] == "reference":
                if token["raw"] not in labelled:
                    known = ", ".join(labelled) or "no label"
                    raise DocumentError(f"{part.where}: [@{token['raw']}] leads nowhere; the report has {known}")
                token["shown"], token["anchor"] = labelled[token["raw"]].number, labelled[token["raw"]].anchor
            elif "note" in token:
                token["first"] = "number" not in token["note"]
                document.footnotes += [token["note"]] if token["first"] else []
                token["note"].setdefault("number", len(document.footnotes))
        if missing := ", ".join(f"{c} (U+{ord(c):04X})" for c in fonts.missing(part.characters())):
            raise DocumentError(f"{part.where}: the fonts in analysis/fonts have no {missing}; write it another way, or cut the fonts anew")

