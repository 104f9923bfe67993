"""What is measured beside ours: anything that takes texts in and gives texts back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

K = 4
"""Passages that a question gets: what LangChain's `similarity_search` gives unless told otherwise."""


class Contender(Protocol):
    """Another way to find passages."""

    name: str

    def index(self, texts: Sequence[str]) -> None:
        """Make articles searchable, in the place of what was."""
        ...

    def retrieve(self, question: str) -> list[str]:
        """The texts of the best `K` passages, best first."""
        ...
