"""Who wrote an article, and when it came out: lines of its text that are evidence for nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.schema import Article, Chunk, Passage

_NAME_PART = re.compile(r"[^\W\d_]{2,}")
_WRITING = re.compile(r"\b(?:tác giả|viết|đăng)\b", re.IGNORECASE)


def credited(passages: Sequence[Passage]) -> Iterator[Passage]:
    """The credits of the articles that `passages`, best first, are of: each with the scores of the best of them."""
    best_of: dict[str, Passage] = {}
    for passage in passages:
        best_of.setdefault(passage.article.id, passage)
    for best in best_of.values():
        article, spans = best.article, best.article.credits
        if spans:
            start, end = spans[0][0], spans[-1][1]
            chunk = Chunk(f"{article.id}:{start}-{end}", article.id, start, end, article.text[start:end], "", spans)
            yield replace(best, chunk=chunk, similarities=(best.scores.dense,) * len(spans))


def is_credit(article: Article, offset: int) -> bool:
    """Whether what stands at `offset` of the text of `article` are its credits, which are its last lines."""
    return bool(article.credits) and offset >= article.credits[0][0]


def implied(article: Article) -> str:
    """What the credits of `article` need not say: that somebody wrote it, and that it came out."""
    return f"Tác giả, người viết bài viết, bài báo, đăng: {article.title} {article.publisher}"


def speaks_of_writing(sentence: str) -> bool:
    """Whether a sentence of any text may tell who wrote something, or that it came out."""
    return bool(_WRITING.search(sentence))


def names_somebody(line: str) -> bool:
    """Whether a line of the credits holds a name, which needs nothing there to be told by."""
    return any(part.istitle() for part in _NAME_PART.findall(line))
