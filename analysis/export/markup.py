"""Markdown to HTML and to Typst, by one parser, so that a sentence says the same on the page and on the screen.

What an analyst may write: headings, paragraphs, **bold**, *emphasis*, lists, links, and `[@key]` for the number of a
figure or a table. HTML in a text is text; a table comes from `tables.py`.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape

import mistune

CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$&@^=:\"'/])")
WEB = re.compile(r"https?://|mailto:")
References = dict[str, tuple[str, str]]
LATER = "后文"  # in JupyterLab, what is not shown yet has no number; in a report every reference has one


def plain(text: object) -> str:
    """Text for a Markdown template: whatever it holds is shown as it is.

    >>> print(plain("a*b"))
    a\\*b
    """
    return SPECIAL.sub(r"\\\1", re.sub(r"\s*[\r\n]+\s*", " ", str(text)))


@cache
def _parser() -> mistune.Markdown:
    markdown = mistune.create_markdown(renderer=None, escape=False)
    markdown.inline.register("reference", r"\[@(?P<reference_key>[\w-]+)\]", _reference, before="link")
    # Markdown's own rule asks for a blank or a mark of another kind around `**`, and Chinese has none: **甲。**乙
    markdown.inline.register("bold", r"\*\*(?=[^\s*])(?P<bold_text>(?:\\.|[^\\*])+?)(?<=[^\s])\*\*(?!\*)", _bold, before="emphasis")
    for rule in ("inline_html", "auto_link"):
        if rule in markdown.inline.rules:
            markdown.inline.rules.remove(rule)
    for rule in ("raw_html", "ref_link", "block_code", "indent_code"):
        if rule in markdown.block.rules:
            markdown.block.rules.remove(rule)
    return markdown


def _reference(inline, match, state) -> int:
    state.append_token({"type": "reference", "raw": match.group("reference_key")})
    return match.end()


def _bold(inline, match, state) -> int:
    inner = state.copy()
    inner.src = match.group("bold_text")
    state.append_token({"type": "strong", "children": inline.render(inner)})
    return match.end()


def parse(text: str) -> list[dict]:
    """The top-level tokens of a Markdown text, blank lines left out."""
    return [token for token in _parser()(text) if token["type"] != "blank_line"]


def words(tokens: list[dict]) -> str:
    """The bare text of tokens, for a bookmark or an alternative text."""
    return "".join(words(t["children"]) if "children" in t else _broken_line(tokens, i) if t["type"] == "softbreak"
                   else " " if t["type"] == "linebreak" else t.get("raw", "") for i, t in enumerate(tokens))


def keys(tokens: list[dict]) -> list[str]:
    """The keys that tokens refer to."""
    found = []
    for token in tokens:
        if token["type"] == "reference":
            found.append(token["raw"])
        found += keys(token.get("children", []))
    return found


def _broken_line(tokens: list[dict], index: int) -> str:
    """A line break in the source is a space between words and nothing between Chinese characters."""
    before = words(tokens[index - 1:index])[-1:]
    after = words(tokens[index + 1:index + 2])[:1]
    return "" if CHINESE.match(before) or CHINESE.match(after) else " "


def html(tokens: list[dict], references: References | None = None) -> str:
    """Tokens as HTML. `references` maps a key to its words (图 1) and its anchor."""
    return "".join(_html(tokens, i, references or {}) for i in range(len(tokens)))


def _html(tokens: list[dict], index: int, references: References) -> str:
    token = tokens[index]
    inner = html(token["children"], references) if "children" in token else ""
    match token["type"]:
        case "text" | "block_html" | "inline_html":
            return escape(token["raw"])
        case "softbreak":
            return _broken_line(tokens, index)
        case "linebreak":
            return "<br>"
        case "reference":
            shown, anchor = references.get(token["raw"], (LATER, ""))
            return f'<a href="#{escape(anchor)}">{escape(shown)}</a>' if anchor else escape(shown)
        case "strong":
            return f"<strong>{inner}</strong>"
        case "emphasis":
            return f"<em>{inner}</em>"
        case "codespan":
            return f"<code>{escape(token['raw'])}</code>"
        case "link":
            url = token["attrs"]["url"]
            return f'<a href="{escape(url)}">{inner}</a>' if WEB.match(url) else inner
        case "heading":
            level = token["attrs"]["level"] + 1
            return f"<h{level}>{inner}</h{level}>\n"
        case "paragraph":
            return f"<p>{inner}</p>\n"
        case "list":
            tag = "ol" if token["attrs"]["ordered"] else "ul"
            start = f' start="{token["attrs"]["start"]}"' if token["attrs"].get("start", 1) != 1 else ""
            return f"<{tag}{start}>\n{inner}</{tag}>\n"
        case "list_item":
            return f"<li>{inner}</li>\n"
        case "block_quote":
            return f"<blockquote>{inner}</blockquote>\n"
        case _:
            return inner or escape(token.get("raw", ""))


def string(text: str) -> str:
    """Text as a Typst string, in which nothing has a meaning but the backslash and the quote."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "\\n") + '"'


def typst(tokens: list[dict], references: References | None = None) -> str:
    """Tokens as Typst markup; every text in it is a string, so nothing in a text is ever run."""
    return "".join(_typst(tokens, i, references or {}) for i in range(len(tokens)))


def _typst(tokens: list[dict], index: int, references: References) -> str:
    token = tokens[index]
    inner = typst(token["children"], references) if "children" in token else ""
    match token["type"]:
        case "text" | "block_html" | "inline_html" | "codespan":
            return f"#{string(token['raw'])};"
        case "softbreak":
            return _broken_line(tokens, index)
        case "linebreak":
            return "#linebreak();"
        case "reference":
            shown, anchor = references.get(token["raw"], (LATER, ""))
            return f"#link(label({string(anchor)}), {string(shown)});" if anchor else f"#{string(shown)};"
        case "strong":
            return f"#strong[{inner}];"
        case "emphasis":
            return f"#emph[{inner}];"
        case "link":
            url = token["attrs"]["url"]
            return f"#link({string(url)})[{inner}];" if WEB.match(url) else inner
        case "paragraph":
            return f"{inner}\n\n"
        case "list":
            items = "".join(f"[{typst(item['children'], references)}]," for item in token["children"])
            kind = f"enum(start: {token['attrs'].get('start', 1)}, " if token["attrs"]["ordered"] else "list("
            return f"#{kind}{items})\n\n"
        case "block_quote":
            return f"#quote(block: true)[{inner}]\n\n"
        case _:
            return inner or f"#{string(token.get('raw', ''))};"
