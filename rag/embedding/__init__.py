"""Text to vectors, behind one Protocol. The default model comes with the install and runs without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rag.settings import Settings

Vectors = NDArray[np.float32]
Kind = Literal["query", "passage"]

BUNDLED = "bundled"


class Embedder(Protocol):
    """Turns texts into vectors.

    `name` tells models apart whose vectors must not be mixed; `dimension` is the length of a vector.
    """

    @property
    def name(self) -> str:
        """Identity of the model and of the prefixes that it is used with."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """One L2-normalised row a text, `[len(texts), dimension]`, so that a dot product is a cosine.

        `kind` says what the texts are: models such as e5 want questions and passages marked apart.
        """


def load_embedder(settings: Settings) -> Embedder:
    """The embedder that the settings name.

    Raises:
        EmbedderError: the model cannot be loaded, or its folder cannot be written to the cache.
    """
    if settings.embedder == BUNDLED:
        from rag.embedding.bundled import bundled_folder
        from rag.embedding.onnx_embedder import OnnxEmbedder

        return OnnxEmbedder(bundled_folder(settings.cache_dir), threads=settings.threads)
    from rag.embedding.sentence_transformer import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(
        settings.embedder,
        query_prefix=settings.query_prefix,
        passage_prefix=settings.passage_prefix,
        threads=settings.threads,
    )
