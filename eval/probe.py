"""What the two searches and the weighing make of a question, side by side, without an answer being written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from index.schema import Filter
from rag.corpus import Corpus, decode_chunk
from rag.embedding import Vectors
from rag.evidence import weigh
from rag.pipeline import Pipeline
from rag.question import Question
from rag.retrieval import DEPTH, dense_weight, fuse, lexical_query
from rag.schema import EVERYTHING, Filters, Turn

WAYS = ("dense", "lexical", "fused")
EVIDENCE = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A chunk in a ranking, with the score that ranked it."""

    key: int
    article_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Probe:
    """The ranking of each of `WAYS`, best first, and the best `EVIDENCE` sentences, best first."""

    rankings: Mapping[str, Sequence[Found]]
    sentences: tuple[str, ...]


class Prober:
    """Searches a corpus in each way, as the pipeline does, and weighs what it would answer from."""

    def __init__(self, pipeline: Pipeline) -> None:
        """Search the corpus of `pipeline`."""
        self._pipeline = pipeline
        self._corpus = pipeline.corpus

    def probe(self, question: str, history: Sequence[Turn] = ()) -> Probe:
        """All rankings of `question`, and its best sentences.

        Raises:
            QuestionError: it cannot be asked.
        """
        understood, vector = self._read(question, history)
        hits = self._corpus.index.search(vector, lexical_query(understood), DEPTH, Filter())
        articles = {found.key: found.document_id for found in self._corpus.index.records([hit.key for hit in hits])}
        weights = {"dense": 1.0, "lexical": 0.0, "fused": dense_weight(understood)}
        rankings = {
            way: [Found(hit.key, articles[hit.key], s) for hit, s in fuse(hits, weights[way]) if hit.key in articles]
            for way in WAYS
        }
        return Probe(rankings, self._sentences(understood, vector, EVERYTHING))

    def sentences(self, question: str, only: Filters) -> tuple[str, ...]:
        """The best `EVIDENCE` sentences among the articles that `only` lets through, best first."""
        return self._sentences(*self._read(question, ()), only)

    def _read(self, question: str, history: Sequence[Turn]) -> tuple[Question, Vectors]:
        understood = self._pipeline.understand(question, history)
        (vector,) = self._corpus.embedder.embed([understood.search_text], "query")
        return understood, vector

    def _sentences(self, question: Question, vector: Vectors, only: Filters) -> tuple[str, ...]:
        retrieved = self._pipeline.retriever.retrieve(question, vector, only)
        evidence = weigh(question, retrieved.passages, retrieved.weights, retrieved.absent)
        return tuple(e.text for e in evidence[:EVIDENCE])


def chunk_texts(corpus: Corpus, ranking: Iterable[Found], articles: Iterable[str]) -> dict[int, tuple[str, str]]:
    """Chunk id and text of those chunks of a ranking that belong to `articles`, by key."""
    wanted = set(articles)
    texts = {}
    for found in corpus.index.records([f.key for f in ranking if f.article_id in wanted]):
        if article := corpus.article_at(found.document_id, found.digest):
            chunk = decode_chunk(found.payload, article)
            texts[found.key] = (chunk.id, chunk.text)
    return texts
