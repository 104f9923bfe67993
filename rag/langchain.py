"""Into other people's chains: our retriever as LangChain's, and any LangChain `Embeddings` as our embedder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from rag.embedding import Kind, Vectors
from rag.errors import EmbedderError
from rag.grounding import page_at
from rag.pipeline import Pipeline
from rag.retrieval import PASSAGES
from rag.schema import Filters, Passage


class HoidapRetriever(BaseRetriever):
    """Gives the passages for a question as LangChain documents, best first.

    `page_content` is the passage; `metadata` tells its article, its offsets in the article's text, and its scores.
    `ainvoke` does the same in a thread: a pipeline may be asked by many at once.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    pipeline: Pipeline
    k: int = Field(default=5, ge=1, le=PASSAGES)
    only: Filters = Filters()

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [_document(passage) for passage in self.pipeline.retrieve(query, self.only)[: self.k]]


def _document(passage: Passage) -> Document:
    article, chunk, scores = passage.article, passage.chunk, passage.scores
    metadata: dict[str, Any] = {
        "article_id": article.id,
        "title": article.title,
        "heading": chunk.heading,
        "publisher": article.publisher,
        "author": article.author,
        "published": article.published.isoformat() if article.published else None,
        "url": article.url,
        "source": article.source,
        "page": page_at(article, chunk.start),
        "start": chunk.start,
        "end": chunk.end,
        "scores": {"dense": scores.dense, "lexical": scores.lexical, "fused": scores.fused},
    }
    return Document(id=chunk.id, page_content=chunk.text, metadata=metadata)


class LangChainEmbedder:
    """A LangChain `Embeddings` behind `Embedder`."""

    def __init__(self, embeddings: Embeddings, *, name: str) -> None:
        """Wrap `embeddings`; `name` tells its model apart from others. It is that of the index and of its calibration.

        Raises:
            EmbedderError: it gives no vectors.
        """
        self._embeddings = embeddings
        # A model of that name elsewhere may want other prefixes, and its vectors would not be the same.
        self.name = f"langchain:{name}"
        self.dimension = self._asked(lambda: [embeddings.embed_query("xin chào")]).shape[1]

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """See `Embedder.embed`.

        Raises:
            EmbedderError: it fails, or gives other vectors than before: not one a text, or of another length.
        """
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        if kind == "query":
            vectors = self._asked(lambda: [self._embeddings.embed_query(text) for text in texts])
        else:
            vectors = self._asked(lambda: self._embeddings.embed_documents(list(texts)))
        if vectors.shape != (wanted := (len(texts), self.dimension)):
            raise EmbedderError(
                f"The embeddings {self.name!r} gave vectors of the shape {vectors.shape}, not {wanted}: check them."
            )
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        norms[norms == 0] = 1  # a provider may give zeros for an empty text
        normalised: Vectors = vectors / norms
        return normalised

    def _asked(self, rows: Callable[[], list[list[float]]]) -> Vectors:
        """The rows as they come."""
        try:
            vectors = np.array(rows(), np.float32)
            if vectors.ndim != 2 or not vectors.size or not np.isfinite(vectors).all():
                raise ValueError("what came are no numbers in rows of one length")
        except Exception as error:  # a provider raises what it likes
            raise EmbedderError(f"The embeddings {self.name!r} give no vectors ({error}): check them.") from error
        return vectors
