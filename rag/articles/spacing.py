"""Syllables that a bad PDF file has torn apart at their accents, "ĐIỀ U KHO ẢN", joined again.

Of all ways to join what stands side by side, the one whose syllables are the most common in Vietnamese is taken; text
in which nothing is torn is left as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from rag.articles.blocks import Block
from rag.vietnamese.bigrams import bigrams
from rag.vietnamese.normalize import has_accents, match_form

_RUN = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)*")
_LONGEST = 4  # parts of one syllable: "ng ư ờ i"
_UNKNOWN = -16.0  # of a logarithm: less than the rarest syllable


def rejoined(block: Block) -> Block:
    """`block` with its syllables whole, if a part with an accent, which is no syllable, becomes one that way."""
    text = _whole(block.text)
    if text == block.text or not _broken(block.text) - _broken(text):
        return block
    return replace(block, text=text, pages=tuple((len(_whole(block.text[:at])), page) for at, page in block.pages))


def odd_words(blocks: Sequence[Block]) -> list[str]:
    """Words with accents that Vietnamese does not have, if they are many: more than one of twenty with accents."""
    words = [word for block in blocks for run in _RUN.findall(block.text) for word in run.split() if has_accents(word)]
    odd = [word for word in words if not _share(word)]
    return odd if len(odd) >= max(5, len(words) / 20) else []


def _broken(text: str) -> set[str]:
    """The words with accents that Vietnamese does not have."""
    return {word for run in _RUN.findall(text) for word in run.split() if has_accents(word) and not _share(word)}


def _whole(text: str) -> str:
    return _RUN.sub(lambda run: " ".join(_joined(run.group().split())), text)


def _joined(parts: list[str]) -> list[str]:
    """The likeliest syllables that `parts` are, by the counts of single ones."""
    best: list[tuple[float, list[str]]] = [(0.0, [])]
    for end in range(1, len(parts) + 1):
        ways = []
        for start in range(max(0, end - _LONGEST), end):
            whole = "".join(parts[start:end])
            score, before = best[start]
            ways.append((score + _likelihood(whole, end - start), [*before, whole]))
        best.append(max(ways, key=lambda way: way[0]))
    return best[-1][1]


def _likelihood(word: str, parts: int) -> float:
    share = _share(word)
    if share:
        return math.log(share / 1e6)
    return _UNKNOWN if parts == 1 else -math.inf  # a foreign word stays as it is


def _share(word: str) -> float:
    """How many of a million syllables of Vietnamese are `word`."""
    return bigrams().share(match_form(word))
