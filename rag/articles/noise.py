"""Stripping what is not the article: advertisements, teasers, menus, captions that repeat.

Every rule looks at whole lines. The words are in `data/noise.toml`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import takewhile

from rag.articles.blocks import Block, is_body, is_ended, is_title_like, key, unlisted, words
from rag.articles.phrases import noise

_PICTURE_NUMBER = re.compile(r"\s*[-–—]\s*[ẢảHh](?:nh|ình) \d+\.?$")


def strip(blocks: list[Block]) -> list[Block]:
    """`blocks` without advertisements, teasers and what follows them, comments and page furniture."""
    rules = noise()
    kept = [b for b in _cut(blocks) if not (rules.anywhere.match(unlisted(b)) or rules.inline.match(unlisted(b)))]
    first, last = body_range(kept)
    return [
        block
        for at, block in enumerate(kept)
        if first <= at < last
        # A heading that the author marked as one is the author's.
        or block.level
        or not (rules.edges.match(unlisted(block)) or (at < first and rules.head.match(unlisted(block))))
    ]


def body_range(blocks: list[Block]) -> tuple[int, int]:
    """Return the first and one past the last block that is certainly article; all blocks if none is."""
    at = [i for i, block in enumerate(blocks) if is_body(block)]
    return (at[0], at[-1] + 1) if at else (0, len(blocks))


def _cut(blocks: list[Block]) -> list[Block]:
    """`blocks` up to the first line that opens other articles' teasers, or readers' comments.

    Where the article goes on after such a line (a box in its midst), only the box is removed.
    """
    rules = noise()
    kept: list[Block] = []
    before, left = 0, sum(len(block.text) for block in blocks)  # characters, in `kept` and from `at` on
    has_body = False
    at = 0
    while at < len(blocks):
        block = blocks[at]
        line = unlisted(block)
        if has_body and before >= left and rules.comments.match(line):
            break
        taken = 1
        if rules.cut.match(line):
            after = blocks[at + 1 :]
            if has_body and _are_teasers(after, large=left > 4 * before):
                break
            taken += _box_length(after) if has_body else 0
        else:
            kept.append(block)
            before += len(block.text)
            has_body = has_body or is_body(block)
        left -= sum(len(gone.text) for gone in blocks[at : at + taken])
        at += taken
    return kept


def _is_teaser(block: Block) -> bool:
    """Whether a block may be a teaser: a title, a link in a list, or a summary that was cut off."""
    return block.kind == "item" or is_title_like(block) or block.text.endswith(("...", "…"))


def _are_teasers(after: list[Block], *, large: bool) -> bool:
    """Whether `after` is teasers to its end: titles, each with one sentence or so, and not prose.

    Three paragraphs in a row, or more paragraphs than titles, are the article going on. `large` says
    that `after` is most of the file: then one or two titles are not enough.
    """
    teasers = [_is_teaser(block) for block in after]
    run = longest = 0
    for teaser in teasers:
        run = 0 if teaser else run + 1
        longest = max(longest, run)
    opens = not after or teasers[0]
    few = longest < 3 and sum(teasers) * 2 >= len(teasers)
    return opens and few and (not large or sum(teasers) >= 3)


def _box_length(after: list[Block]) -> int:
    """How many blocks right after a teaser line belong to it: its links, or one title before a paragraph."""
    links = len(list(takewhile(lambda b: b.kind == "item" and not is_ended(b.text), after)))
    if links:
        return links
    return int(len(after) > 1 and not after[0].level and is_title_like(after[0]) and is_body(after[1]))


def without_title(blocks: list[Block], title: str) -> list[Block]:
    """Return `blocks` without lines that are the title, as captions often are; all if nothing is left."""
    title_key = key(title)
    lengths = range(len(title_key), 2 * len(title) + 20)
    kept = [
        block
        for block in blocks
        if len(block.text) not in lengths or key(_PICTURE_NUMBER.sub("", block.text)) != title_key
    ]
    return kept or blocks


def without_repeats(blocks: list[Block]) -> list[Block]:
    """Return `blocks` with one of each repeated sentence or caption.

    List items and short lines (a table's cells, a refrain, "Ghi bàn:" under each match) may repeat.
    """
    kept: list[Block] = []
    seen: set[str] = set()
    for block in _without_stubs(blocks):
        text = _PICTURE_NUMBER.sub("", block.text)
        same = text.lower().rstrip(" .…")
        if kept and same == kept[-1].text.lower().rstrip(" .…") and words(text) >= 4:
            continue
        if block.kind == "paragraph" and words(text) >= 7 and same in seen:
            continue
        seen.add(same)
        kept.append(replace(block, text=text))
    return kept


def _without_stubs(blocks: list[Block]) -> list[Block]:
    """Drop "The first words of a paragraph ..." where that paragraph stands in full right after."""
    kept: list[Block] = []
    for at, block in enumerate(blocks):
        stub = block.text.rstrip(" .…,")
        cut_off = block.text.endswith(("...", "…")) and words(stub) >= 8
        in_full = (b.text.startswith(stub) and b.text != block.text for b in blocks[at + 1 : at + 7])
        if not (cut_off and any(in_full)):
            kept.append(block)
    return kept


def with_headings(blocks: list[Block]) -> list[Block]:
    """Plain text's headings marked: a short line without closing punctuation, before a paragraph."""
    marked: list[Block] = []
    for at, block in enumerate(blocks):
        following = blocks[at + 1] if at + 1 < len(blocks) else None
        marked.append(replace(block, kind="heading") if following and _is_heading(block, following) else block)
    return marked


def _is_heading(block: Block, following: Block) -> bool:
    text = block.text
    if (
        block.kind != "paragraph"
        or words(text) > 20
        or is_ended(text)
        or text.count(",") > 3
        or " | " in text  # a row of a table
        or not (is_body(following) or following.kind == "item")
    ):
        return False
    if text.isupper():
        return any(c.isalpha() for c in text)
    begins = text.lstrip("“\"'([")[:1]
    return (
        (begins.isupper() or begins.isdigit()) and any(c.isalpha() for c in text) and not noise().captions.match(text)
    )
