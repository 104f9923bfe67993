"""What passes between the readers of single formats and the steps that all formats share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from rag.schema import Span
from rag.vietnamese.normalize import clean, match_form

Kind = Literal["heading", "paragraph", "item", "credit"]

_ENDING = re.compile(r"[.!?…:;,][\"”’»)\]*]*$|\./\.$")
_SENTENCE_ENDING = re.compile(r"[.!?…][\"”’»)\]*]*$|\./\.$")
_NOT_WORD = re.compile(r"[\W_]+")
_BULLET = re.compile(r"^(?:[-–—+*•●○▪◦·‣]|-)\s+|^[•●○▪◦‣]\s*")
_NUMBERED = re.compile(r"^(\d{1,2})[.)]\s+(?=\S)")
_LABEL = re.compile(r"^(?:-|\d+\.) ")
_CREDIT = re.compile(
    r"(?<=\S)\s\W*(?:ảnh|hình|nguồn)(?: minh h[ọo]a| tư liệu| chụp màn hình| \d+)?\s*:|\bảnh tư liệu\W*$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One line of the canonical text: a heading, a paragraph, a list item with its bullet, or one that tells only who
    wrote the article and when.

    `level` is 1 to 6 for a heading that the format marks as such, and 0 for every other block. `pages` are the pages
    that it stands on, where the format has them: the character of `text` that each begins at, and its number from 1.
    """

    text: str
    kind: Kind = "paragraph"
    level: int = 0
    pages: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What an article says of itself before its text. "" or None where it says nothing."""

    id: str = ""
    title: str = ""
    publisher: str = ""
    author: str = ""
    published: date | None = None
    source: str = ""
    url: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader gives: the front matter and the blocks in order, noise included.

    `guess_headings` is True where the format has no headings of its own (plain text). `page_count` is 0 where it has no
    pages. `doubts` are what a person should know of how it was read, each with its remedy.
    """

    front: FrontMatter
    blocks: list[Block] = field(default_factory=list)
    guess_headings: bool = False
    page_count: int = 0
    doubts: tuple[str, ...] = ()


def one_line(text: str) -> str:
    """`text` cleaned, on one line, with single spaces and none at the ends."""
    return " ".join(clean(text).split())


def key(text: str) -> str:
    """Return the form in which lines are compared: no case, punctuation, bullets or tone placement."""
    return _NOT_WORD.sub(" ", match_form(text)).strip()


def words(text: str) -> int:
    """How many space-separated words `text` has."""
    return len(text.split())


def is_ended(text: str) -> bool:
    """Whether `text` ends in punctuation that closes or continues a sentence (`.`, `:`, `,` ...)."""
    return bool(_ENDING.search(text))


def is_sentence(text: str) -> bool:
    """Whether `text` ends as a sentence does."""
    return bool(_SENTENCE_ENDING.search(text))


def is_body(block: Block) -> bool:
    """Whether a block is certainly article: prose of 15 words, or a sentence of six that ends."""
    if block.kind == "heading":
        return False
    count = words(block.text)
    return count >= 15 or (count >= 6 and is_sentence(block.text))


def is_title_like(block: Block) -> bool:
    """Whether a block could be a title or a teaser: at most 30 words that do not end like prose."""
    if words(block.text) > 30 or block.kind == "item" or _CREDIT.search(block.text):
        return False
    return block.text.endswith(("...", "…", "?", "!", "”", '"')) or not is_ended(block.text)


def item(line: str) -> str | None:
    """`line` as a list item, "- ..." or "1. ...", or None if it is not one."""
    numbered = _NUMBERED.match(line)
    if numbered:
        return f"{numbered[1]}. {line[numbered.end() :].strip()}"
    bullet = _BULLET.match(line)
    rest = line[bullet.end() :].strip() if bullet else ""
    return f"- {rest}" if rest and any(c.isalnum() for c in rest) else None


def unlisted(block: Block) -> str:
    """The text of a block without the bullet or the number of a list item."""
    return _LABEL.sub("", block.text) if block.kind == "item" else block.text


@dataclass(frozen=True, slots=True)
class Assembled:
    """The canonical text, the spans of its headings and of its credits, and where each of its pages begins."""

    text: str
    headings: tuple[Span, ...]
    credits: tuple[Span, ...]
    pages: tuple[int, ...]


def assemble(blocks: Iterable[Block], page_count: int = 0) -> Assembled:
    """The text that `blocks` make.

    Blocks are separated by a blank line, list items that follow one another by a line break. A page that has no text
    begins where the next one does.
    """
    parts: list[str] = []
    spans: dict[Kind, list[Span]] = {"heading": [], "credit": []}
    begins: dict[int, int] = {}
    at = 0
    before: Block | None = None
    for block in blocks:
        if before is not None:
            gap = "\n" if before.kind == block.kind == "item" else "\n\n"
            parts.append(gap)
            at += len(gap)
        if block.kind in spans:
            spans[block.kind].append((at, at + len(block.text)))
        for offset, page in block.pages:
            begins.setdefault(page, at + offset)
        parts.append(block.text)
        at += len(block.text)
        before = block
    pages = [at] * page_count
    for page in range(page_count, 0, -1):
        pages[page - 1] = begins.get(page, at)
        at = pages[page - 1]
    of_pages = (0, *pages[1:]) if pages else ()
    return Assembled("".join(parts), tuple(spans["heading"]), tuple(spans["credit"]), of_pages)
