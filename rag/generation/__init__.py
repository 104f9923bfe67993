"""Writing the answer from evidence, behind one Protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rag.evidence import Evidence
from rag.question import Question
from rag.schema import Passage, Span, Writing
from rag.settings import EXTRACTIVE, Settings


@dataclass(frozen=True, slots=True)
class Draft:
    """One statement of an answer and what it rests on: spans of the text of the passage's article.

    `text` is what the reader sees, without a marker. It may be several lines when it is a list. `short` is the span
    of the short answer, if one can be told.
    """

    text: str
    passage: Passage
    span: Span
    short: Span | None = None

    def rests_on(self, passage: Passage, span: Span) -> bool:
        """Whether it rests on words of `span` in the text of the article of `passage`."""
        same = self.passage.article.id == passage.article.id
        return same and self.span[0] < span[1] and span[0] < self.span[1]


class Generator(Protocol):
    """Writes answers."""

    @property
    def name(self) -> str:
        """How the generator is called in settings and answers."""

    def generate(self, question: Question, evidence: Sequence[Evidence], said: int = 0) -> Iterator[Draft | Writing]:
        """The statements that answer, in reading order, as they come. `evidence` is best first, not empty.

        `said` is how many words answer another question that was asked with it, before it: what they leave is its own.
        A model also tells how far it is, again and again while it is waited for; the last that is told is of the whole.
        Whoever does not want to wait any longer closes the iterator.
        """


def open_generator(settings: Settings) -> Generator:
    """The generator that the settings name. LangChain is imported only for a model.

    Raises:
        SettingsError: there is no such provider, or the model cannot be set up.
        ModelError: the provider's package is missing.
    """
    if settings.generator == EXTRACTIVE:
        from rag.generation.extractive import ExtractiveGenerator

        return ExtractiveGenerator()
    from rag.generation.chat_model import open_model
    from rag.generation.llm import ModelGenerator

    return ModelGenerator(open_model(settings), settings)
