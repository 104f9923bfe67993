"""What the two searches and the weighing make of a question, side by side, without an answer being written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from index.schema import Filter
from rag.corpus import Corpus, decode_chunk
from rag.evidence import weigh
from rag.question import understand
from rag.retrieval import DENSE_WEIGHT, DEPTH, Retriever, fuse, lexical_query
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


def probe(corpus: Corpus, question: str, history: Sequence[Turn] = ()) -> Probe:
    """Search for `question` in each way, as the pipeline does, and weigh what it would answer from."""
    understood = understand(question, history)
    (vector,) = corpus.embedder.embed([understood.search_text], "query")
    hits = corpus.index.search(vector, lexical_query(understood), DEPTH, Filter())
    articles = {found.key: found.document_id for found in corpus.index.records([hit.key for hit in hits])}
    weights = {"dense": 1.0, "lexical": 0.0, "fused": DENSE_WEIGHT if understood.accented else 0.0}
    rankings = {
        way: [Found(hit.key, articles[hit.key], s) for hit, s in fuse(hits, weights[way]) if hit.key in articles]
        for way in WAYS
    }
    retrieved = Retriever(corpus).retrieve(understood, vector, EVERYTHING)
    evidence = weigh(understood, retrieved.passages, retrieved.weights)
    return Probe(rankings, tuple(e.text for e in evidence[:EVIDENCE]))


def best_sentences(corpus: Corpus, question: str, only: Filters) -> tuple[str, ...]:
    """The best `EVIDENCE` sentences among the articles that `only` lets through, best first."""
    understood = understand(question)
    (vector,) = corpus.embedder.embed([understood.search_text], "query")
    retrieved = Retriever(corpus).retrieve(understood, vector, only)
    return tuple(e.text for e in weigh(understood, retrieved.passages, retrieved.weights)[:EVIDENCE])


def chunk_texts(corpus: Corpus, ranking: Iterable[Found], articles: Iterable[str]) -> dict[int, tuple[str, str]]:
    """Chunk id and text of those chunks of a ranking that belong to `articles`, by key."""
    wanted = set(articles)
    texts = {}
    for found in corpus.index.records([f.key for f in ranking if f.article_id in wanted]):
        if article := corpus.article_at(found.document_id, found.digest):
            chunk = decode_chunk(found.payload, article)
            texts[found.key] = (chunk.id, chunk.text)
    return texts
