"""Plain text: lines to blocks."""

from __future__ import annotations

import re
from itertools import pairwise

from rag.articles import frontmatter
from rag.articles.blocks import Block, Draft, is_ended, item

_MAX_WIDTH = 140
_MIN_WIDTH = 40


def read_text(text: str, name: str) -> Draft:
    """Each line a paragraph or list item; lines that were wrapped at a width are joined first."""
    front, body = frontmatter.split(text, name)
    return Draft(front, plain_blocks(body), guess_headings=True)


def plain_blocks(body: str) -> list[Block]:
    """The lines of a text without front matter as blocks."""
    lines = unwrap(body.split("\n"))
    return [_block(line) for line in lines if any(c.isalnum() for c in line)]


def _block(line: str) -> Block:
    listed = item(line)
    return Block(listed, "item") if listed else Block(line)


def unwrap(lines: list[str]) -> list[str]:
    """Return stripped lines, "" between paragraphs, with the lines of hard-wrapped paragraphs joined.

    Text is taken for wrapped when most line breaks come where the next word would not have fitted,
    in the middle of a sentence. Text with one paragraph a line is returned as it is.
    """
    stripped = [" ".join(line.split()) for line in lines]
    width = _wrap_width(stripped)
    if not width:
        return stripped
    joined: list[str] = []
    before = ""
    for raw, line in zip(lines, stripped, strict=True):
        indented = len(raw) - len(raw.lstrip()) >= 2 and is_ended(before)
        if joined and joined[-1] and line and not item(line) and not indented and _continues(before, line, width):
            joined[-1] += " " + line
        else:
            joined.append(line)
        before = line
    return joined


def _is_full(line: str, following: str, width: int) -> bool:
    """Whether `line` was broken because the next word did not fit; wrapping programs differ a little."""
    return len(line) + 1 + len(following.split(maxsplit=1)[0]) >= width * 0.9


def _continues(line: str, following: str, width: int) -> bool:
    if not line:
        return False
    return _is_full(line, following, width) or (following[0].islower() and not is_ended(line))


def _wrap_width(lines: list[str]) -> int:
    """Return the width in characters at which the text was wrapped, or 0 if it was not."""
    width = max(map(len, lines), default=0)
    if not _MIN_WIDTH <= width <= _MAX_WIDTH:
        return 0
    breaks = [(a, b) for a, b in pairwise(lines) if a and b and not item(b)]
    full = [(a, b) for a, b in breaks if _is_full(a, b, width)]
    # A list of lines of like length starts each with a capital; wrapped prose mostly does not.
    running = sum(b[0].islower() or not re.search(r"[.!?…:]\W*$", a) for a, b in full)
    lower = sum(b[0].islower() for _, b in full)
    if len(full) >= 2 and len(full) >= len(breaks) * 0.5 and running >= len(full) * 0.6 and lower >= len(full) * 0.4:
        return width
    return 0
