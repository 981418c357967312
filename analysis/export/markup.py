"""Markdown as tokens that say all a writer needs: a template for HTML and one for Typst show them, and nothing in them is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import mistune

CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
WEB = re.compile(r"https?://|mailto:")
Token = dict[str, object]


@cache
def _parser() -> mistune.Markdown:
    markdown = mistune.create_markdown(renderer=None, escape=False, plugins=["table", "footnotes", "math"])
    markdown.inline.register("reference", r"\[@(?P<reference_key>[\w-]+)\]", _reference, before="link")
    # Markdown's own rule asks for a blank or a mark of another kind around `**`, and Chinese has none: **甲。**乙
    markdown.inline.register("bold", r"\*\*(?=[^\s*])(?P<bold_text>(?:\\.|[^\\*])+?)(?<=[^\s])\*\*(?!\*)", _bold, before="emphasis")
    markdown.inline.rules.remove("inline_html")  # HTML in a text is text
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
    """The top-level tokens of a Markdown text.

    A line break is a space between words and nothing between Chinese characters; a footnote stands at what refers to it
    (`note`); a picture and a formula have an alternative text (`alt`); a link has an address (`url`) if it is one of the web.
    """
    tokens = [token for token in _parser()(text) if token["type"] != "blank_line"]
    notes = {item["attrs"]["key"]: item for item in tokens.pop()["children"]} if tokens and tokens[-1]["type"] == "footnotes" else {}
    for token in walk(tokens):
        attrs = token.get("attrs", {})
        if token["type"] == "footnote_ref":
            token["note"] = notes[token["raw"]]
        elif token["type"] == "image":
            token["alt"] = words(token["children"]) or attrs["url"].split("/")[-1][:80]
        elif token["type"].endswith("_math"):
            token["alt"] = token["raw"].strip()
        elif token["type"] == "link":
            token["url"] = attrs["url"] if WEB.match(attrs["url"]) else ""
        children = token.get("children", ())
        for place, child in enumerate(children):
            if child["type"] == "softbreak":
                sides = words(children[:place])[-1:], words(children[place + 1:place + 2])[:1]
                child.update(type="text", raw="" if any(map(CHINESE.match, sides)) else " ")
    return tokens


def walk(tokens: list[Token]) -> Iterator[Token]:
    """All tokens, each before its children; a footnote's after what refers to it."""
    for token in tokens:
        yield token
        yield from walk(token.get("children", []))
        yield from walk(token["note"]["children"] if "note" in token else [])


def words(tokens: list[Token]) -> str:
    """The bare text of tokens, for a heading, a bookmark or an alternative text."""
    return "".join(words(t["children"]) if "children" in t else " " if t["type"] in ("linebreak", "softbreak") else t.get("raw", "")
                   for t in tokens if t["type"] != "footnote_ref")


def characters(tokens: list[Token]) -> str:
    """Every character that tokens show as text; a formula is drawn, and a picture too."""
    return "".join(str(token.get("raw", "")) for token in walk(tokens) if "picture" not in token and token["type"] != "footnote_ref")
