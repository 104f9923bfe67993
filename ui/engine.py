"""What the pages need of the engine; `rag.pipeline.Pipeline` has it, and so has a test's stand-in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from rag.schema import Answer, Article, Turn


class Engine(Protocol):
    """The part of the pipeline that the pages call. Every method blocks: keep it off the event loop."""

    def stream(self, question: str, history: Sequence[Turn] = (), /) -> Iterator[Answer]:
        """Growing answers, sentence by sentence; the last one is complete."""
        ...

    def article(self, article_id: str) -> Article | None:
        """The article with this id, or None."""
        ...

    def articles(self) -> list[Article]:
        """Every article that can be cited."""
        ...
