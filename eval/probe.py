"""What the two searches and the weighing make of a question, side by side, without an answer being written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from index.schema import Filter
from rag.corpus import Corpus, chunk_id, decode_chunk
from rag.pipeline import Pipeline
from rag.retrieval import DEPTH, fuse, lexical_query
from rag.schema import EVERYTHING, Filters, Turn

WAYS = ("dense", "lexical", "fused")
EVIDENCE = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A chunk in a ranking, with the score that ranked it."""

    key: int
    article_id: str
    score: float


Rankings = Mapping[str, Sequence[Found]]
"""The ranking of each of `WAYS`, best first."""


class Prober:
    """Searches a corpus in each way, as the pipeline does, and weighs what it would answer from."""

    def __init__(self, pipeline: Pipeline) -> None:
        """Search the corpus of `pipeline`."""
        self._pipeline = pipeline
        self._corpus = pipeline.corpus

    def probe(self, question: str, history: Sequence[Turn] = ()) -> Rankings:
        """All rankings of `question`.

        Raises:
            QuestionError: it cannot be asked.
        """
        understood = self._pipeline.understand(question, history)
        (vector,) = self._corpus.embedder.embed([understood.search_text], "query")
        hits = self._corpus.index.search(vector, lexical_query(understood), DEPTH, Filter())
        found = {one.key: one for one in self._corpus.index.records([hit.key for hit in hits])}
        ranked = {
            "dense": fuse(hits, 1.0),
            "lexical": fuse(hits, 0.0),
            "fused": self._pipeline.retriever.rank(understood, vector, hits),
        }
        rankings = {
            way: [Found(hit.key, found[hit.key].document_id, score) for hit, score in ranked[way] if hit.key in found]
            for way in WAYS
        }
        keys = {chunk_id(one.payload): key for key, one in found.items()}
        passages = self._pipeline.find(understood).passages
        weighed = {keys[p.chunk.id]: p.scores.fused for p in passages if p.chunk.id in keys}  # credits are in no index
        return rankings | {"fused": _weighed(rankings["fused"], weighed)}

    def sentences(self, question: str, history: Sequence[Turn] = (), only: Filters = EVERYTHING) -> tuple[str, ...]:
        """The best `EVIDENCE` sentences among the articles that `only` lets through, best first."""
        finding = self._pipeline.find(self._pipeline.understand(question, history), only)
        return tuple(e.text for e in finding.evidence[:EVIDENCE])


def _weighed(ranking: Sequence[Found], weighed: Mapping[int, float]) -> list[Found]:
    """`ranking` with the scores of the passages whose sentences were weighed, by key, best first.

    The others are taken to have a sentence as bad as the worst best one of these.
    """
    least = min((weighed[found.key] - found.score for found in ranking if found.key in weighed), default=0.0)
    scored = [replace(found, score=weighed.get(found.key, found.score + least)) for found in ranking]
    return sorted(scored, key=lambda found: -found.score)


def chunk_texts(corpus: Corpus, ranking: Iterable[Found], articles: Iterable[str]) -> dict[int, tuple[str, str]]:
    """Chunk id and text of those chunks of a ranking that belong to `articles`, by key."""
    wanted = set(articles)
    texts = {}
    for found in corpus.index.records([f.key for f in ranking if f.article_id in wanted]):
        if article := corpus.article_at(found.document_id, found.digest):
            chunk = decode_chunk(found.payload, article)
            texts[found.key] = (chunk.id, chunk.text)
    return texts
