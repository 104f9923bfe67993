"""What one would run otherwise: the usual LangChain recipe, on the same weights.

Text cut by `RecursiveCharacterTextSplitter` into 1000 characters with 200 in common, embedded by sentence-transformers
on torch in fp32 (batches of 32), in a flat FAISS index; of a question the vector, and its nearest four.

langchain-huggingface asks for a huggingface-hub older than that of transformers 5, so that `HuggingFaceEmbeddings` is
made up for here by what it does: newlines to spaces, `SentenceTransformer.encode`, lists of numbers.
langchain-community, which held the FAISS store, is no longer maintained; `FlatStore` does as it did by default.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter

from eval.bench.contender import K

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_CHARACTERS, _IN_COMMON = 1000, 200  # what LangChain's tutorials take


class TorchEmbeddings(Embeddings):
    """A `SentenceTransformer` as LangChain's `HuggingFaceEmbeddings` runs it."""

    def __init__(self, model: SentenceTransformer, *, is_prefixed: bool) -> None:
        """Run `model`; `is_prefixed` puts its prompts before the texts, as few users do."""
        self._model = model
        self._is_prefixed = is_prefixed

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """The vectors of passages."""
        return self._encode(texts, "passage")

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        return self._encode([text], "query")[0]

    def _encode(self, texts: Sequence[str], prompt: str) -> list[list[float]]:
        lines = [text.replace("\n", " ") for text in texts]
        found = self._model.encode(lines, prompt_name=prompt if self._is_prefixed else None, show_progress_bar=False)
        vectors: list[list[float]] = found.tolist()
        return vectors


class FlatStore(VectorStore):
    """A flat FAISS index of L2 distances, with the texts beside it."""

    def __init__(self, embeddings: Embeddings) -> None:
        """An empty store for what `embeddings` embed."""
        self._embeddings = embeddings
        self._documents: list[Document] = []
        self._index: faiss.IndexFlatL2 | None = None

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> FlatStore:
        """A store of `texts`; nothing else is kept of them."""
        store = cls(embedding)
        store._documents = [Document(text) for text in texts]
        vectors = np.array(embedding.embed_documents(texts), np.float32)
        store._index = faiss.IndexFlatL2(vectors.shape[1])
        store._index.add(vectors)
        return store

    def similarity_search(self, query: str, k: int = K, **kwargs: Any) -> list[Document]:
        """The `k` nearest texts, nearest first."""
        if self._index is None:
            return []
        _, (found,) = self._index.search(np.array([self._embeddings.embed_query(query)], np.float32), k)
        return [self._documents[i] for i in found if i >= 0]


class Recipe:
    """The recipe, as a `Contender`."""

    def __init__(self, name: str, embeddings: Embeddings) -> None:
        """Call it `name`, and embed with `embeddings`."""
        self.name = name
        self.embeddings = embeddings
        self._store = FlatStore(embeddings)

    def index(self, texts: Sequence[str]) -> None:
        """See `Contender.index`."""
        self._store = FlatStore.from_texts(split(texts), self.embeddings)

    def retrieve(self, question: str) -> list[str]:
        """See `Contender.retrieve`."""
        return [document.page_content for document in self._store.similarity_search(question)]


def split(texts: Sequence[str]) -> list[str]:
    """`texts` in the recipe's chunks."""
    splitter = RecursiveCharacterTextSplitter(chunk_size=_CHARACTERS, chunk_overlap=_IN_COMMON)
    return [document.page_content for document in splitter.create_documents(list(texts))]


def open_model(folder: Path, threads: int) -> SentenceTransformer:
    """The sentence-transformers model in `folder`, on torch, on so many threads."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    return SentenceTransformer(str(folder), device="cpu")
