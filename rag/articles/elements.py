"""A tree of HTML elements to blocks of text: what web pages and Word files have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.articles.blocks import Block, is_sentence, item, one_line, words

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_BREAKS = frozenset(
    ("address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details", "div", "dl", "dt",
     "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li",
     "main", "nav", "ol", "option", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead",
     "tr", "ul",
     # as trafilatura calls them
     "cell", "head", "item", "lb", "list", "quote", "row")
)  # fmt: skip
_HEADING = re.compile(r"h([1-6])")
_LONG_CELL = 400
"""A cell of more characters is a part of the page's layout."""

_LEAD = 10
"""A whole sentence of so many words is no heading, whatever it is set as."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A block, the element that it opened in, and the share of its characters that are links."""

    block: Block
    element: Element
    linked: float


def blocks_of(root: Element) -> list[Placed]:
    """The text below `root`, which holds no comments: a line for each paragraph, heading, list item and table's row."""
    from lxml import etree

    walker = _Walker()
    for event, element in etree.iterwalk(root, events=("start", "end")):  # not by recursion: pages may be deep
        if event == "start":
            walker.start(element)
        else:
            walker.end(element)
            if element is not root:
                walker.add(element.tail)
    return walker.found


class _Walker:
    """Collects the text of elements as they open and close."""

    def __init__(self) -> None:
        self.found: list[Placed] = []
        self._text: list[str] = []
        self._element: Element | None = None  # the one that the text at hand stands in
        self._linked = self._links = 0  # characters of it that are links; links that are open
        self._level = 0  # of the heading that is open
        self._bullets: list[str] = []  # of the list items that are open; "" once it was written
        self._counts: list[int] = []  # items so far of the ordered lists that are open, -1 of the others
        self._row: list[str] | None = None  # the cells of a row of data

    def start(self, element: Element) -> None:
        tag = element.tag
        if tag in _BREAKS and not (self._row is not None and tag not in ("td", "th")):
            self._flush()
            self._element = element
        if heading := _HEADING.fullmatch(tag):
            self._level = int(heading[1])
        elif tag in ("ul", "ol"):
            self._counts.append(_first(element) - 1 if tag == "ol" else -1)
        elif tag == "li":
            self._bullets.append(self._bullet())
        elif tag == "tr" and _is_data(element):
            self._row = []
        elif tag == "a":
            self._links += 1
        elif self._row is not None and tag in _BREAKS:
            self._text.append(" ")
        self.add(element.text)

    def end(self, element: Element) -> None:
        tag = element.tag
        if tag in ("td", "th") and self._row is not None:
            self._row.append(self._taken())
        elif tag == "tr" and self._row is not None:
            self._put(Block(" | ".join(cell for cell in self._row if cell)), element)
            self._row = None
        elif tag in _BREAKS and self._row is None:
            self._flush()
        elif tag in _BREAKS:
            self._text.append(" ")
        if _HEADING.fullmatch(tag):
            self._level = 0
        elif tag in ("ul", "ol") and self._counts:
            self._counts.pop()
        elif tag == "li" and self._bullets:
            self._bullets.pop()
        elif tag == "a":
            self._links -= 1
        if tag in _BREAKS:
            self._element = element.getparent()

    def add(self, text: str | None) -> None:
        if text:
            self._text.append(text)
            if self._links > 0:
                self._linked += len(one_line(text))

    def _bullet(self) -> str:
        if not self._counts or self._counts[-1] < 0:
            return "- "
        self._counts[-1] += 1
        return f"{self._counts[-1]}. "

    def _taken(self) -> str:
        text = one_line("".join(self._text).replace("\n", " "))
        self._text.clear()
        return text

    def _flush(self) -> None:
        text = self._taken()
        if any(c.isalnum() for c in text) and self._element is not None:
            self._put(self._block(text), self._element)
        elif not text:
            return
        self._linked = 0

    def _block(self, text: str) -> Block:
        # Newspapers set the lead as a heading of the second level: a heading is not searched for answers, a lead is.
        if self._level and not (self._level > 1 and words(text) >= _LEAD and is_sentence(text)):
            return Block(text, "heading", self._level)
        if self._bullets and self._bullets[-1]:
            bullet, self._bullets[-1] = self._bullets[-1], ""
            return Block(bullet + text, "item")
        listed = item(text)
        return Block(listed, "item") if listed and listed.startswith("- ") else Block(text)

    def _put(self, block: Block, element: Element) -> None:
        if any(c.isalnum() for c in block.text):
            self.found.append(Placed(block, element, min(1.0, self._linked / max(len(block.text), 1))))
        self._linked = 0


def _first(ordered: Element) -> int:
    start = ordered.get("start", "1")
    return int(start) if start.isdecimal() and len(start) < 5 else 1


def _is_data(row: Element) -> bool:
    """Whether a row is one of data, and not a part of the page's layout."""
    if row.xpath("count(td|th)") < 2:
        return False
    table = next(row.iterancestors("table"), row)
    if table.xpath("boolean(.//table|.//h1|.//h2|.//h3|.//ul|.//ol)"):
        return False
    cells = table.xpath(".//td|.//th")
    if any(len("".join(cell.itertext())) > _LONG_CELL for cell in cells):
        return False
    # Two rows of several paragraphs side by side are the head of a letter, or its signatures.
    return bool(table.xpath("count(.//tr) > 2 or not(.//td[count(p) > 1 or .//br])"))
