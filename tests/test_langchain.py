"""Into other people's chains, and their embeddings into ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.runnables import RunnableLambda

from index.local import LocalIndex
from index.schema import Filter
from rag.corpus import Corpus
from rag.embedding import Embedder
from rag.errors import EmbedderError, IndexMismatchError
from rag.generation.extractive import ExtractiveGenerator
from rag.langchain import HoidapRetriever, LangChainEmbedder
from rag.pipeline import Pipeline
from rag.schema import Filters
from rag.vietnamese.terms import FIELDS
from tests.conftest import HashEmbedder, calibration_of, make_article

QUESTION = "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?"


def check_offsets(documents: list[Document], pipeline: Pipeline) -> None:
    for document in documents:
        article = pipeline.article(document.metadata["article_id"])
        assert article
        assert article.text[document.metadata["start"] : document.metadata["end"]] == document.page_content
        assert document.metadata["title"] == article.title
        assert document.metadata["published"] == (article.published.isoformat() if article.published else None)


def test_documents_point_into_their_articles(pipeline: Pipeline) -> None:
    documents = HoidapRetriever(pipeline=pipeline).invoke(QUESTION)
    assert len(documents) == 5
    check_offsets(documents, pipeline)
    assert "683 tỷ USD" in documents[0].page_content
    fused = [document.metadata["scores"]["fused"] for document in documents]
    assert fused == sorted(fused, reverse=True)
    assert len({document.id for document in documents}) == 5
    passages = pipeline.retrieve(QUESTION)
    assert [document.id for document in documents] == [passage.chunk.id for passage in passages[:5]]


def test_k_and_filters(pipeline: Pipeline) -> None:
    wanted = pipeline.articles()[0].id
    retriever = HoidapRetriever(pipeline=pipeline, k=2, only=Filters(articles=frozenset({wanted})))
    documents = retriever.invoke(QUESTION)
    assert [document.metadata["article_id"] for document in documents] == [wanted] * 2
    nothing = HoidapRetriever(pipeline=pipeline, only=Filters(publishers=frozenset({"nowhere"})))
    assert nothing.invoke(QUESTION) == []


def test_the_retriever_stands_in_a_chain(pipeline: Pipeline) -> None:
    def join(documents: list[Document]) -> str:
        return "\n".join(document.page_content for document in documents)

    assert "683 tỷ USD" in (HoidapRetriever(pipeline=pipeline, k=3) | RunnableLambda(join)).invoke(QUESTION)


@pytest.fixture
def index(tmp_path: Path) -> LocalIndex:
    return LocalIndex(tmp_path / "index", FIELDS)


def test_langchain_embeddings_carry_a_corpus(index: LocalIndex) -> None:
    embeddings = DeterministicFakeEmbedding(size=24)
    wrapped: Embedder = LangChainEmbedder(embeddings, name="fake")
    assert (wrapped.name, wrapped.dimension) == ("fake", 24)
    corpus = Corpus(index, lambda: wrapped)
    corpus.add([make_article(f"a{n}") for n in range(6)])
    assert corpus.manifest == index.manifest
    assert corpus.manifest.dimension == 24
    article = make_article("a3")
    raw = np.array(embeddings.embed_query(f"{article.title}\n{article.text}"), np.float32)
    hits = index.search(raw / np.linalg.norm(raw), {}, 1, Filter())
    assert hits[0].dense == pytest.approx(1, abs=2e-3)
    assert index.records([hits[0].key])[0].document_id == "a3"
    pipeline = Pipeline(corpus, ExtractiveGenerator(), calibration_of("fake"))
    documents = HoidapRetriever(pipeline=pipeline).invoke("Cầu mới dài bao nhiêu mét?")
    assert len(documents) == 5
    check_offsets(documents, pipeline)
    with pytest.raises(IndexMismatchError, match="'fake' in the index, 'hash' now"):
        Corpus(index, HashEmbedder).check()


class Odd(Embeddings):
    """Tells questions from passages, gives vectors of any length, and zeros for an empty text."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[3.0, 4.0] if text else [0.0, 0.0] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [0.0, 5.0] if text else [0.0, 0.0]


def test_rows_are_normalised_and_kinds_kept_apart() -> None:
    wrapped = LangChainEmbedder(Odd(), name="odd")
    assert wrapped.embed(["a", "b"], "passage") == pytest.approx(np.array([[0.6, 0.8]] * 2))
    assert wrapped.embed(["a"], "query") == pytest.approx(np.array([[0.0, 1.0]]))
    assert wrapped.embed([], "query").shape == wrapped.embed([], "passage").shape == (0, 2)
    assert wrapped.embed(["", "a"], "passage").tolist()[0] == [0, 0], "not NaN, which would spoil a whole search"


class Broken(Odd):
    def embed_query(self, text: str) -> list[float]:
        raise ConnectionError("no route to provider")


def test_a_provider_that_fails_is_named() -> None:
    with pytest.raises(EmbedderError, match=r"'far away' give no vectors \(no route to provider\)"):
        LangChainEmbedder(Broken(), name="far away")
