"""Markdown: CommonMark with tables, to blocks of plain text that read well when quoted."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

from rag.articles import frontmatter
from rag.articles.blocks import Block, Draft, is_ended, one_line, words

if TYPE_CHECKING:
    from markdown_it.token import Token

_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_BREAKING_TAG = re.compile(
    r"</?(?:p|div|br|li|ul|ol|h[1-6]|tr|table|section|article|blockquote|hr)\b[^>]{0,2000}>", re.I
)
_TAG = re.compile(r"</?[a-zA-Z][^>]{0,2000}>")
_FOOTNOTE = re.compile(r"^\[\^[^\]\s]{1,40}\]:\s*|\[\^[^\]\s]{1,40}\]")


def read_markdown(text: str, name: str) -> Draft:
    """Markdown without its markup: headings marked, wrapped paragraphs joined, images dropped."""
    from markdown_it import MarkdownIt

    front, body = frontmatter.split(text, name)
    # Indented lines in articles are paragraphs with an indent, not program code.
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("code")
    return Draft(front, _Walker().walk(parser.parse(body)))


class _Walker:
    """Collects blocks from the parser's flat list of tokens."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._bullet = ""  # of the item that has not had its first line yet
        self._heading: Token | None = None
        self._cells: list[str] | None = None

    def walk(self, tokens: list[Token]) -> list[Block]:
        for token in tokens:
            kind = token.type
            if kind == "list_item_open":
                self._bullet = f"{token.info}. " if token.info else "- "
            elif kind == "list_item_close":
                self._bullet = ""
            elif kind == "heading_open":
                self._heading = token
            elif kind == "heading_close":
                self._heading = None
            elif kind == "tr_open":
                self._cells = []
            elif kind == "tr_close":
                self._add(" | ".join(cell for cell in self._cells or [] if cell))
                self._cells = None
            elif kind == "inline":
                self._inline(_plain(token.children or []))
            elif kind in ("fence", "code_block"):
                self._lines(token.content)
            elif kind == "html_block":
                self._lines(unescape(_TAG.sub("", _BREAKING_TAG.sub("\n", _HIDDEN.sub("", token.content)))))
        return self._blocks

    def _lines(self, text: str) -> None:
        for line in text.split("\n"):
            self._add(line)

    def _inline(self, text: str) -> None:
        if self._cells is not None:
            self._cells.append(one_line(text))
        elif self._heading is not None:
            self._add_heading(one_line(text), self._heading)
        else:
            self._lines(text)

    def _add_heading(self, text: str, token: Token) -> None:
        if not text:
            return
        # A paragraph with a rule right below is a heading to CommonMark; prose is taken for a paragraph.
        underlined = not token.markup.startswith("#")
        if underlined and (words(text) > 20 or is_ended(text)):
            self._add(text)
        else:
            self._blocks.append(Block(text, "heading", int(token.tag[1:])))

    def _add(self, text: str) -> None:
        text = one_line(text)
        if not any(c.isalnum() for c in text):
            return
        if self._bullet:
            self._blocks.append(Block(self._bullet + text, "item"))
            self._bullet = ""
        else:
            self._blocks.append(Block(text))


def _plain(tokens: list[Token]) -> str:
    """Inline tokens as text: marks and images dropped, links as their text, hard breaks as line feeds."""
    parts: list[str] = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            parts.append(token.content)
        elif token.type == "softbreak":
            parts.append(" ")
        elif token.type == "hardbreak" or (token.type == "html_inline" and token.content.lower().startswith("<br")):
            parts.append("\n")
    return _FOOTNOTE.sub("", "".join(parts))
