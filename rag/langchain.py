"""Into other people's chains: our retriever as LangChain's, and any LangChain `Embeddings` as our embedder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from rag.embedding import Kind, Vectors
from rag.errors import EmbedderError
from rag.pipeline import Pipeline
from rag.schema import Filters, Passage


class HoidapRetriever(BaseRetriever):
    """Gives the passages for a question as LangChain documents.

    `page_content` is the passage; `metadata` tells its article, its offsets in the article's text, and its scores.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    pipeline: Pipeline
    k: int = 5
    only: Filters = Filters()

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [_document(passage) for passage in self.pipeline.retrieve(query, self.only)[: self.k]]


def _document(passage: Passage) -> Document:
    article, chunk, scores = passage.article, passage.chunk, passage.scores
    metadata: dict[str, Any] = {
        "article_id": article.id,
        "title": article.title,
        "publisher": article.publisher,
        "published": article.published.isoformat() if article.published else None,
        "url": article.url,
        "start": chunk.start,
        "end": chunk.end,
        "scores": {"dense": scores.dense, "lexical": scores.lexical, "fused": scores.fused},
    }
    return Document(id=chunk.id, page_content=chunk.text, metadata=metadata)


class LangChainEmbedder:
    """A LangChain `Embeddings` behind `Embedder`."""

    def __init__(self, embeddings: Embeddings, *, name: str) -> None:
        """Wrap `embeddings`; `name` tells its model apart from others in the index.

        Raises:
            EmbedderError: it gives no vectors.
        """
        self._embeddings = embeddings
        self.name = name
        try:
            self.dimension = len(embeddings.embed_query("xin chào"))
        except Exception as error:  # a provider raises what it likes
            raise EmbedderError(f"The LangChain embeddings {name!r} give no vectors ({error}): check them.") from error

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """See `Embedder.embed`."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        if kind == "query":
            rows = [self._embeddings.embed_query(text) for text in texts]
        else:
            rows = self._embeddings.embed_documents(list(texts))
        vectors = np.array(rows, np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        norms[norms == 0] = 1  # a provider may give zeros for an empty text
        normalised: Vectors = vectors / norms
        return normalised
