"""Into other people's chains, and their embeddings into ours."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.messages import AIMessage
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import RunnableLambda
from pydantic import ValidationError

from eval.gold import shipped
from index.local import LocalIndex
from index.schema import Filter
from rag.calibration import load_calibration
from rag.corpus import Corpus
from rag.embedding import Embedder
from rag.errors import EmbedderError, IndexMismatchError
from rag.generation.extractive import ExtractiveGenerator
from rag.langchain import HoidapRetriever, LangChainEmbedder
from rag.pipeline import Pipeline, open_pipeline
from rag.retrieval import PASSAGES
from rag.schema import Filters
from rag.vietnamese.terms import FIELDS
from tests.conftest import SEEDS, HashEmbedder, calibration_of, make_article

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


def test_metadata_is_that_of_the_article(pipeline: Pipeline) -> None:
    document = HoidapRetriever(pipeline=pipeline).invoke(QUESTION)[0]
    article = pipeline.article(document.metadata["article_id"])
    assert article and article.author and article.source
    for name in ("title", "publisher", "author", "url", "source"):
        assert document.metadata[name] == getattr(article, name)
    passage = pipeline.retrieve(QUESTION)[0]
    assert document.metadata["heading"] == passage.chunk.heading
    assert document.metadata["scores"]["dense"] == passage.scores.dense
    json.dumps(document.metadata)  # stores and tracers keep it so


def test_many_ask_at_once_from_an_event_loop(pipeline: Pipeline) -> None:
    retriever = HoidapRetriever(pipeline=pipeline, k=3)
    questions = [QUESTION, "Ai chủ trì hội nghị ngày 2/4/2024?"]

    async def ask() -> list[list[Document]]:
        return list(await asyncio.gather(*map(retriever.ainvoke, questions * 3)))

    assert asyncio.run(ask()) == [retriever.invoke(question) for question in questions] * 3


@pytest.mark.parametrize("k", [0, PASSAGES + 1])
def test_an_impossible_number_of_documents_is_told_at_once(pipeline: Pipeline, k: int) -> None:
    with pytest.raises(ValidationError, match=r"k\n.*(greater|less) than or equal to"):
        HoidapRetriever(pipeline=pipeline, k=k)


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
    assert (wrapped.name, wrapped.dimension) == ("langchain:fake", 24)
    corpus = Corpus(index, lambda: wrapped)
    corpus.add([make_article(f"a{n}") for n in range(6)])
    assert corpus.manifest == index.manifest
    assert corpus.manifest.dimension == 24
    article = make_article("a3")
    raw = np.array(embeddings.embed_query(f"{article.title}\n{article.text}"), np.float32)
    hits = index.search(raw / np.linalg.norm(raw), {}, 1, Filter())
    assert hits[0].dense == pytest.approx(1, abs=2e-3)
    assert index.records([hits[0].key])[0].document_id == "a3"
    pipeline = Pipeline(corpus, ExtractiveGenerator(), calibration_of(wrapped.name))
    documents = HoidapRetriever(pipeline=pipeline).invoke("Cầu mới dài bao nhiêu mét?")
    assert len(documents) == 5
    check_offsets(documents, pipeline)
    with pytest.raises(IndexMismatchError, match="'langchain:fake' in the index, 'hash' now"):
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
    with pytest.raises(EmbedderError, match=r"'langchain:far away' give no vectors \(no route to provider\)"):
        LangChainEmbedder(Broken(), name="far away")


class Failing(Odd):
    """Gives what a provider may give that is out of order, once it has been wrapped."""

    rows: object = None

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        if isinstance(self.rows, Exception):
            raise self.rows
        return self.rows  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (TimeoutError("no answer in 60 s"), r"give no vectors \(no answer in 60 s\)"),
        ([[1.0, 2.0]], r"of the shape \(1, 2\), not \(2, 2\)"),
        ([[1.0], [2.0]], r"of the shape \(2, 1\), not \(2, 2\)"),
        ([[1.0, 2.0], [3.0]], "give no vectors"),
        ([[1.0, 2.0], [float("nan"), 3.0]], "give no vectors"),
        ([], "give no vectors"),
        (None, "give no vectors"),
    ],
)
def test_vectors_that_are_none_are_not_indexed(index: LocalIndex, rows: object, words: str) -> None:
    embeddings = Failing()
    corpus = Corpus(index, lambda: LangChainEmbedder(embeddings, name="odd"))
    assert corpus.manifest.embedder == "langchain:odd"
    embeddings.rows = rows
    with pytest.raises(EmbedderError, match=f"'langchain:odd' {words}|'langchain:odd' gave vectors {words}"):
        corpus.embedder.embed(["a", "b"], "passage")
    with pytest.raises(EmbedderError):
        corpus.add([make_article("a")])
    assert corpus.articles() == []


class Hashed(Embeddings):
    """The words of a text by their checksums, in place of a model that some server would have."""

    def __init__(self) -> None:
        self._embedder = HashEmbedder(dimension=64)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._embedder.embed(texts, "passage").tolist()  # type: ignore[no-any-return]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def example(number: int) -> CodeType:
    readme = (SEEDS.parent / "README.md").read_text("utf-8")
    section = readme.partition("### In a LangChain chain")[2].partition("\n## ")[0]
    return compile(re.findall(r"```python\n(.*?)```", section, re.DOTALL)[number], "README.md", "exec")


def test_the_chain_of_the_readme_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pipeline: Pipeline, seeds_index: Path
) -> None:
    prompts: list[str] = []

    def reply(prompt: PromptValue) -> AIMessage:
        prompts.append(prompt.to_string())
        return AIMessage("Bộ trưởng Bùi Thanh Sơn [1].")

    # No model is to be had here; all the rest is real.
    monkeypatch.setattr("langchain.chat_models.init_chat_model", {"ollama:qwen3": RunnableLambda(reply)}.__getitem__)
    monkeypatch.setenv("HOIDAP_INDEX_DIR", str(seeds_index))
    exec(example(0), {})  # noqa: S102 # our own README
    assert capsys.readouterr().out == "Bộ trưởng Bùi Thanh Sơn [1].\n"
    best = pipeline.retrieve("Ai chủ trì hội nghị ngày 2/4/2024?")[:4]
    assert "\n\n".join(f"[{n}] {p.article.title}\n{p.chunk.text}" for n, p in enumerate(best, start=1)) in prompts[0]
    assert prompts[0].endswith("Câu hỏi: Ai chủ trì hội nghị ngày 2/4/2024?")


def test_the_embeddings_of_the_readme_carry_an_index(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("langchain.embeddings.init_embeddings", {"ollama:bge-m3": Hashed()}.__getitem__)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seeds").symlink_to(SEEDS)
    golds = shipped("dev")[0].read_text("utf-8").splitlines()
    sorts = [[line for line in golds if f'"type": "{kind}"' in line] for kind in ("fact", "unanswerable")]
    (tmp_path / "questions.jsonl").write_text("\n".join(line for sort in sorts for line in sort[:12]), "utf-8")
    names: dict[str, Any] = {}
    exec(example(1), names)  # noqa: S102 # our own README
    pipeline, question = names["pipeline"], "Ai chủ trì hội nghị ngày 2/4/2024?"
    passage, answer = pipeline.retrieve(question)[0].chunk.text, pipeline.ask(question).text
    assert capsys.readouterr().out == f"{passage}\n{answer}\n"
    assert load_calibration(tmp_path / "index-bge-m3").embedder == "langchain:bge-m3"
    with pytest.raises(IndexMismatchError, match="'langchain:bge-m3' in the index"):
        open_pipeline(names["settings"], embedder=HashEmbedder()).retrieve("Ai chủ trì hội nghị?")
