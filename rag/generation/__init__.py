"""Writing the answer from evidence, behind one Protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rag.evidence import Evidence
from rag.question import Question
from rag.schema import Passage, Span


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


class Generator(Protocol):
    """Writes answers."""

    @property
    def name(self) -> str:
        """How the generator is called in settings and answers."""

    def generate(self, question: Question, evidence: Sequence[Evidence]) -> Iterator[Draft]:
        """The statements that answer, in reading order, as they come. `evidence` is best first, not empty."""
