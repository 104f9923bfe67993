"""Reading the best sentences against the question: which of them answers it, with which words, or none.

A small extractive reader: the lower layers of the bundled embedding model as they are, and upper layers and a head of
our own (`weights.npz`, trained by `eval/train_reader.py`). The question goes through it together with as many
sentences as there is room for, and again with the next ones. Those of one article stand together behind what is to be
known of it: a sentence seldom says itself of which meeting or year it tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rag.settings import Settings


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader makes of a sentence.

    `score` is the logit of its best span over that of "no answer": above 0 it rather answers. `start` and `end` are
    that span, in characters of the sentence.
    """

    score: float
    start: int
    end: int


class Reader(Protocol):
    """Reads sentences for an answer."""

    def load(self) -> None:
        """Load now what is otherwise loaded by the first reading."""

    def read(self, question: str, sentences: Sequence[str], introductions: Sequence[str] = ()) -> list[Reading]:
        """A reading of each of `sentences`, in order. Those that are read together are compared with each other.

        `introductions` say of each what is to be known of its article: "" is nothing, and so is an empty sequence.
        """


def open_reader(settings: Settings) -> Reader:
    """The reader of the bundled model. It is loaded when it is first used, or told to."""
    from rag.reader.onnx_reader import OnnxReader

    return OnnxReader(settings.cache_dir)
