"""Stripping what is not the article: advertisements, teasers, menus, captions that repeat.

Every rule looks at whole lines. The words are in `data/noise.toml`.
"""

from __future__ import annotations

import re
from itertools import takewhile

from rag.articles.blocks import Block, is_body, is_ended, is_title_like, key, words
from rag.articles.phrases import noise

_PICTURE_NUMBER = re.compile(r"\s*[-–—]\s*[ẢảHh](?:nh|ình) \d+\.?$")
_BULLET = re.compile(r"^(?:-|\d+\.) ")


def strip(blocks: list[Block]) -> list[Block]:
    """`blocks` without advertisements, teasers and what follows them, comments and page furniture."""
    rules = noise()
    kept = [b for b in _cut(blocks) if not (rules.anywhere.match(_bare(b)) or rules.inline.match(_bare(b)))]
    first, last = body_range(kept)
    return [b for i, b in enumerate(kept) if first <= i < last or not _is_furniture(b)]


def body_range(blocks: list[Block]) -> tuple[int, int]:
    """Return the first and one past the last block that is certainly article; all blocks if none is."""
    at = [i for i, block in enumerate(blocks) if is_body(block)]
    return (at[0], at[-1] + 1) if at else (0, len(blocks))


def _bare(block: Block) -> str:
    return _BULLET.sub("", block.text) if block.kind == "item" else block.text


def _is_furniture(block: Block) -> bool:
    # A heading that the author marked as one is the author's, unless nothing but a link was meant.
    return not (block.kind == "heading" and block.level) and noise().edges.match(_bare(block))


def _cut(blocks: list[Block]) -> list[Block]:
    """`blocks` up to the first line that opens other articles' teasers, or readers' comments.

    Where the article goes on after such a line (a box in its midst), only the box is removed.
    """
    rules = noise()
    kept: list[Block] = []
    at = 0
    while at < len(blocks):
        line = _bare(blocks[at])
        before, after = kept, blocks[at + 1 :]
        if rules.comments.match(line) and _has_body(before) and _size(before) >= _size(after):
            break
        if rules.cut.match(line):
            if _has_body(before) and _are_teasers(before, after):
                break
            at += 1 + _box_length(after)
            continue
        kept.append(blocks[at])
        at += 1
    return kept


def _has_body(blocks: list[Block]) -> bool:
    return any(is_body(block) for block in blocks)


def _size(blocks: list[Block]) -> int:
    return sum(len(block.text) for block in blocks)


def _is_teaser(block: Block) -> bool:
    """Return a title, a link in a list, or a summary that was cut off."""
    return block.kind == "item" or is_title_like(block) or block.text.endswith(("...", "…"))


def _are_teasers(before: list[Block], after: list[Block]) -> bool:
    """Whether `after` is teasers to its end: titles, each with one sentence or so, and not prose.

    Three paragraphs in a row, or more paragraphs than titles, are the article going on.
    """
    teasers = [_is_teaser(block) for block in after]
    run = longest = 0
    for teaser in teasers:
        run = 0 if teaser else run + 1
        longest = max(longest, run)
    opens = not after or teasers[0]
    few = longest < 3 and sum(teasers) * 2 >= len(teasers)
    return opens and few and (_size(before) >= 0.3 * _size(after) or sum(teasers) >= 3)


def _box_length(after: list[Block]) -> int:
    """How many blocks right after a teaser line belong to it: its links, or one title before a paragraph."""
    links = len(list(takewhile(lambda b: b.kind == "item" and not is_ended(b.text), after)))
    if links:
        return links
    return int(len(after) > 1 and not after[0].level and is_title_like(after[0]) and is_body(after[1]))


def without_repeats(blocks: list[Block], title: str) -> list[Block]:
    """`blocks` without lines that repeat the title, and with one of each repeated sentence or caption.

    List items and short lines (a table's cells, a refrain, "Ghi bàn:" under each match) may repeat.
    """
    title_key = key(title)
    title_lengths = range(len(title_key), 2 * len(title) + 10)
    kept: list[Block] = []
    seen: set[str] = set()
    for block in blocks:
        text = _PICTURE_NUMBER.sub("", block.text)
        if len(text) in title_lengths and key(text) == title_key:
            continue
        same = text.lower().rstrip(" .…")
        if kept and same == kept[-1].text.lower().rstrip(" .…") and words(text) >= 4:
            continue
        if block.kind == "paragraph" and words(text) >= 7 and same in seen:
            continue
        seen.add(same)
        kept.append(Block(text, block.kind, block.level))
    return _without_stubs(kept)


def _without_stubs(blocks: list[Block]) -> list[Block]:
    """Drop "The first words of a paragraph ..." where that paragraph stands in full right after."""
    kept: list[Block] = []
    for at, block in enumerate(blocks):
        stub = block.text.rstrip(" .…,")
        cut_off = block.text.endswith(("...", "…")) and words(stub) >= 8
        if not (
            cut_off and any(b.text.startswith(stub) and b.text != block.text for b in blocks[at + 1 : at + 4])
        ):
            kept.append(block)
    return kept


def with_headings(blocks: list[Block]) -> list[Block]:
    """Plain text's headings marked: a short line without closing punctuation, before a paragraph."""
    marked: list[Block] = []
    for at, block in enumerate(blocks):
        following = blocks[at + 1] if at + 1 < len(blocks) else None
        marked.append(Block(block.text, "heading") if following and _is_heading(block, following) else block)
    return marked


def _is_heading(block: Block, following: Block) -> bool:
    text = block.text
    if (
        block.kind != "paragraph"
        or words(text) > 20
        or is_ended(text)
        or text.count(",") > 3
        or not (is_body(following) or following.kind == "item")
    ):
        return False
    if text.isupper():
        return any(c.isalpha() for c in text)
    begins = text.lstrip("“\"'([")[:1]
    return (
        (begins.isupper() or begins.isdigit())
        and any(c.isalpha() for c in text)
        and not noise().captions.match(text)
    )
