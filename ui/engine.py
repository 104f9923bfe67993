"""What the pages need of the engine; `rag.pipeline.Pipeline` has it, and so has a test's stand-in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from rag.schema import EVERYTHING, Answer, Article, Edition, Filters, Turn


class Articles(Protocol):
    """The articles, as lists of them need them; `rag.corpus.Corpus` has them too."""

    def article(self, article_id: str, /) -> Article | None:
        """The article with this id, or None."""
        ...

    def alike(self, article_id: str, /) -> Sequence[Article]:
        """The articles that say nearly the same as the one with this id."""
        ...

    def edition(self, article_id: str, version: str, /) -> Edition | None:
        """The article with this id as it was when it was cited as `version`, today's for "", or None."""
        ...

    def articles(self) -> list[Article]:
        """Every article that can be cited."""
        ...

    def holding(self, words: str, /) -> list[Article]:
        """The articles that hold all of `words`; a word without accents stands for any."""
        ...

    def publishers(self) -> list[str]:
        """The publishers of all articles, each once, in order."""
        ...


class Engine(Articles, Protocol):
    """The part of the pipeline that the pages call. Every method blocks: keep it off the event loop."""

    def stream(self, question: str, history: Sequence[Turn] = (), only: Filters = EVERYTHING, /) -> Iterator[Answer]:
        """Growing answers, sentence by sentence, from what `only` lets through; the last one is complete."""
        ...

    def quoted(self, question: str, only: Filters = EVERYTHING, /) -> Answer:
        """The answer in exact quotes alone, without asking a language model."""
        ...
