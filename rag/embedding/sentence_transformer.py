"""Any other sentence-transformers model, by name or path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag.embedding import Kind, Vectors
from rag.errors import EmbedderError


class SentenceTransformerEmbedder:
    """A `SentenceTransformer` behind `Embedder`, with its own prefixes for questions and passages."""

    def __init__(self, model: str, *, query_prefix: str, passage_prefix: str, threads: int) -> None:
        """Load `model`, a folder or a name that the operator asked for.

        Raises:
            EmbedderError: there is no such model.
        """
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        try:
            self._model = SentenceTransformer(model)
        except Exception as error:  # the loaders below it raise whatever they like
            raise EmbedderError(
                f"The embedding model {model!r} cannot be loaded ({error}): give the path of a "
                "sentence-transformers folder, or `bundled`, as HOIDAP_EMBEDDER."
            ) from error
        self._prefixes: dict[Kind, str] = {"query": query_prefix, "passage": passage_prefix}
        label = Path(model).name if Path(model).exists() else model
        self.name = f"{label}|{query_prefix}|{passage_prefix}"
        self.dimension = int(self._model.get_embedding_dimension())

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """See `Embedder.embed`."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        prefixed = [self._prefixes[kind] + text for text in texts]
        vectors = self._model.encode(prefixed, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, np.float32)
