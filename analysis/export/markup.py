"""Markdown to HTML and to Typst, by one parser, so that a sentence says the same on the page and on the screen.

HTML in a text is text, and in Typst every text is a string, so that nothing in a text is ever run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from html import escape

import mistune

CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
WEB = re.compile(r"https?://|mailto:")
References = dict[str, tuple[str, str]]
Token = dict[str, object]
SIDES = {"left": "l", "center": "c", "right": "r", None: "l"}


@cache
def _parser() -> mistune.Markdown:
    markdown = mistune.create_markdown(renderer=None, escape=False, plugins=["table", "footnotes", "math"])
    markdown.inline.register("reference", r"\[@(?P<reference_key>[\w-]+)\]", _reference, before="link")
    # Markdown's own rule asks for a blank or a mark of another kind around `**`, and Chinese has none: **甲。**乙
    markdown.inline.register("bold", r"\*\*(?=[^\s*])(?P<bold_text>(?:\\.|[^\\*])+?)(?<=[^\s])\*\*(?!\*)", _bold, before="emphasis")
    markdown.inline.rules.remove("inline_html")
    markdown.block.rules.remove("raw_html")
    return markdown


def _reference(inline, match, state) -> int:
    state.append_token({"type": "reference", "raw": match.group("reference_key")})
    return match.end()


def _bold(inline, match, state) -> int:
    inner = state.copy()
    inner.src = match.group("bold_text")
    state.append_token({"type": "strong", "children": inline.render(inner)})
    return match.end()


def parse(text: str) -> list[Token]:
    """The top-level tokens of a Markdown text, blank lines left out; a footnote is at the place that refers to it."""
    tokens = [token for token in _parser()(text) if token["type"] != "blank_line"]
    if tokens and tokens[-1]["type"] == "footnotes":
        notes = {item["attrs"]["key"]: item for item in tokens.pop()["children"]}
        for token in walk(tokens):
            if token["type"] == "footnote_ref":
                token["note"] = notes[token["raw"]]
    return tokens


def walk(tokens: list[Token]) -> Iterator[Token]:
    """All tokens, each before its children; a footnote's after the reference to it."""
    for token in tokens:
        yield token
        yield from walk(token.get("children", []))
        yield from walk(token["note"]["children"] if "note" in token else [])


def words(tokens: list[Token]) -> str:
    """The bare text of tokens, for a heading, a bookmark or an alternative text."""
    return "".join(words(t["children"]) if "children" in t else _broken_line(tokens, i) if t["type"] == "softbreak"
                   else " " if t["type"] == "linebreak" else t.get("raw", "") for i, t in enumerate(tokens) if t["type"] != "footnote_ref")


def characters(tokens: list[Token]) -> str:
    """Every character that tokens show; a formula is drawn, and a picture too."""
    return "".join(str(token.get("raw", "")) for token in walk(tokens) if "picture" not in token and token["type"] != "footnote_ref")


def _broken_line(tokens: list[Token], index: int) -> str:
    """A line break in the source is a space between words and nothing between Chinese characters."""
    before = words(tokens[index - 1:index])[-1:]
    after = words(tokens[index + 1:index + 2])[:1]
    return "" if CHINESE.match(before) or CHINESE.match(after) else " "


def html(tokens: list[Token], references: References | None = None) -> str:
    """Tokens as HTML. `references` maps a key to its words (图1) and its anchor."""
    return _written(tokens, HTML, references or {})


def typst(tokens: list[Token], references: References | None = None) -> str:
    """Tokens as Typst markup, in which every text is a string."""
    return _written(tokens, TYPST, references or {})


Form = Callable[[Token, str, References], str]


def _written(tokens: list[Token], forms: dict[str, Form], references: References) -> str:
    pieces = []
    for index, token in enumerate(tokens):
        inner = _written(token["children"], forms, references) if "children" in token else ""
        form = forms.get(token["type"])
        pieces.append(_broken_line(tokens, index) if token["type"] == "softbreak" else form(token, inner, references) if form
                      else inner or forms["text"](token, "", references) if "raw" in token else inner)
    return "".join(pieces)


def string(text: str) -> str:
    """Text as a Typst string, in which nothing has a meaning but the backslash and the quote."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "\\n") + '"'


def alternative(token: Token, inner: str = "") -> str:
    """What is said of a picture to those who do not see it: its own words, a formula's TeX, or its file's name."""
    return words(token["children"]) if token.get("children") else token["raw"] if "raw" in token else token["attrs"]["url"].split("/")[-1][:80]


def _table_html(token: Token, inner: str, references: References) -> str:
    head, *bodies = token["children"]
    def row(cells: list[Token], tag: str) -> str:
        return "".join(f'<{tag} class="{SIDES[cell["attrs"]["align"]]}">{html(cell["children"], references)}</{tag}>' for cell in cells)
    rows = "".join(f"<tr>{row(line['children'], 'td')}</tr>" for body in bodies for line in body["children"])
    heads = row(head["children"], 'th scope="col"').replace('</th scope="col">', "</th>")
    return f'<div class="table"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>\n'


def _table_typst(token: Token, inner: str, references: References) -> str:
    head, *bodies = token["children"]
    sides = [cell["attrs"]["align"] or "left" for cell in head["children"]]
    rows = [head, *(line for body in bodies for line in body["children"])]
    heads, *cells = [[f"[{typst(cell['children'], references)}]" for cell in line["children"]] for line in rows]
    return (f"#plain-table(grid-table(({'auto, ' * len(sides)}), ({', '.join(sides)},), ({', '.join(f'head({h})' for h in heads)},), "
            f"{', '.join(cell for line in cells for cell in line)}))\n\n")


def _list_html(token: Token, inner: str, _: References) -> str:
    start = token["attrs"].get("start", 1)
    tag = "ol" if token["attrs"]["ordered"] else "ul"
    return f"<{tag}{f' start={chr(34)}{start}{chr(34)}' if start != 1 else ''}>\n{inner}</{tag}>\n"


def _link(token: Token, inner: str, form: str) -> str:
    url = token["attrs"]["url"]
    return form.format(url=escape(url), string=string(url), inner=inner) if WEB.match(url) else inner


def _footnote_html(token: Token, inner: str, _: References) -> str:
    number = token["note"]["number"]
    return f'<sup{f""" id="noted-{number}" """ if token["first"] else ""}><a href="#note-{number}" aria-label="注{number}">{number}</a></sup>'


def _footnote_typst(token: Token, inner: str, references: References) -> str:
    note = token["note"]
    return (f"#[#footnote[{typst(note['children'], references).strip()}]<note-{note['number']}>];" if token["first"]
            else f"#footnote(<note-{note['number']}>);")


def _picture_typst(token: Token, inner: str, _: References) -> str:
    if "picture" not in token:
        return f"#{string(alternative(token))};"
    drawing, kind = token["picture"], token["type"]
    name = {"image": "picture", "block_math": "display-formula"}.get(kind, "formula")
    return f"#{name}({string(drawing.svg())}, {string(alternative(token))}{'' if kind == 'image' else f', {drawing.depth:.2f}pt'});"


def _picture_html(token: Token, inner: str, _: References) -> str:
    drawn = token["picture"].html(alternative(token)) if "picture" in token else escape(alternative(token))
    return f'<span class="display">{drawn}</span>' if token["type"] == "block_math" else drawn


HTML: dict[str, Form] = {
    "text": lambda token, inner, _: escape(token["raw"]),
    "linebreak": lambda token, inner, _: "<br>",
    "reference": lambda token, inner, known: f'<a href="#{escape(known[token["raw"]][1])}">{escape(known[token["raw"]][0])}</a>',
    "strong": lambda token, inner, _: f"<strong>{inner}</strong>",
    "emphasis": lambda token, inner, _: f"<em>{inner}</em>",
    "codespan": lambda token, inner, _: f"<code>{escape(token['raw'])}</code>",
    "link": lambda token, inner, _: _link(token, inner, '<a href="{url}">{inner}</a>'),
    "image": _picture_html, "inline_math": _picture_html, "block_math": _picture_html,
    "footnote_ref": _footnote_html,
    "heading": lambda token, inner, _: f"<p><strong>{inner}</strong></p>\n",
    "paragraph": lambda token, inner, _: f"<p>{inner}</p>\n",
    "list": _list_html,
    "list_item": lambda token, inner, _: f"<li>{inner}</li>\n",
    "block_quote": lambda token, inner, _: f"<blockquote>{inner}</blockquote>\n",
    "block_code": lambda token, inner, _: f"<pre><code>{escape(token['raw'])}</code></pre>\n",
    "thematic_break": lambda token, inner, _: "<hr>\n",
    "table": _table_html,
}
TYPST: dict[str, Form] = {
    "text": lambda token, inner, _: f"#{string(token['raw'])};",
    "linebreak": lambda token, inner, _: "#linebreak();",
    "reference": lambda token, inner, known: f"#link(label({string(known[token['raw']][1])}), {string(known[token['raw']][0])});",
    "strong": lambda token, inner, _: f"#strong[{inner}];",
    "emphasis": lambda token, inner, _: f"#emph[{inner}];",
    "codespan": lambda token, inner, _: f"#raw({string(token['raw'])});",
    "link": lambda token, inner, _: _link(token, inner, "#link({string})[{inner}];"),
    "image": _picture_typst, "inline_math": _picture_typst, "block_math": _picture_typst,
    "footnote_ref": _footnote_typst,
    "heading": lambda token, inner, _: f"#strong[{inner}]\n\n",
    "paragraph": lambda token, inner, _: f"{inner}\n\n",
    "list": lambda token, inner, _: (f"#enum(start: {token['attrs'].get('start', 1)}, {inner})\n\n" if token["attrs"]["ordered"]
                                     else f"#list({inner})\n\n"),
    "list_item": lambda token, inner, _: f"[{inner}],",
    "block_quote": lambda token, inner, _: f"#quote(block: true)[{inner}]\n\n",
    "block_code": lambda token, inner, _: f"#raw(block: true, {string(token['raw'].rstrip())})\n\n",
    "thematic_break": lambda token, inner, _: "#line(length: 100%, stroke: 0.5pt + quiet)\n\n",
    "table": _table_typst,
}
