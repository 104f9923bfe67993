"""Finding the passages for a question: nearest vectors and BM25, fused by score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from index.schema import Filter, Found, Hit, Query, Vectors
from rag.alike import alike, holds
from rag.corpus import Corpus, decode_chunk
from rag.credits import credited
from rag.question import INHERITED, Question
from rag.schema import EVERYTHING, VERSION_DIGITS, Article, Chunk, Filters, Passage, Scores
from rag.steps import NOTHING, Step
from rag.understanding.dates import came_out
from rag.vietnamese.normalize import strip_accents

# Candidates that each of the two searches gives, and passages that are kept.
DEPTH = 100
PASSAGES = 16
_SPARE = 3  # times as many are looked at, so that those which only repeat others do not take their places

# Weights of the lexical fields, chosen on 600 of the viquad dev questions (nDCG@10): syllables alone .787,
# with pairs at .5 .812, with words at .5 and pairs at .25 .817; with the folded fields besides .843 for .836 on 500
# others (fused .871 for .868), and for the same questions without accents, restored, .860 for .855.
_FIELD_WEIGHTS = {"syllables": 1.0, "words": 0.5, "pairs": 0.25}
_DENSE_WEIGHT = 0.5
# How much the nearest sentence of a passage adds to its fused score, for so many of the best. On 500 viquad train
# questions nDCG@10 .869 without, .888 at 15 and 20; on 500 of dev .864 and .880.
_SENTENCE_WEIGHT, _REFINED = 15.0, 30
_TYPICAL_COSINE = 0.85  # of the bundled model: so that the scores stay around where they were
# What another way to say a phrase of the question counts: an abbreviation, a synonym.
_CERTAIN, _SYNONYM = 0.6, 0.2


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The best passages, best first; how much each content word of the question tells (its IDF, in `weights`); and
    those of them that no chunk holds (`absent`).
    """

    passages: tuple[Passage, ...]
    weights: Mapping[str, float]
    absent: frozenset[str]


class Retriever:
    """Dense and lexical search over a corpus, fused."""

    def __init__(self, corpus: Corpus, without: frozenset[Step] = NOTHING) -> None:
        """Search `corpus`; DENSE or LEXICAL in `without` leaves that search out of the ranking."""
        self._corpus = corpus
        self._without = without

    def retrieve(self, question: Question, vector: Vectors, only: Filters, limit: int = PASSAGES) -> Retrieved:
        """The `limit` best passages; what several papers print alike counts once, where it stands best.

        `vector` is the question's, from the corpus's embedder. Before them stand the credits of their articles, if it
        asks for these.
        """
        allowed = Filter(only.articles, only.publishers, only.since, only.until)
        query = lexical_query(question)
        hits = self._corpus.index.search(vector, query, DEPTH, allowed)
        # "Ai viết bài đăng ngày 1/6/2022" names the article by its day.
        if question.asks_credits and only == EVERYTHING and (time := came_out(question.search_text)):
            hits = self._corpus.index.search(vector, query, DEPTH, Filter(since=time[0], until=time[1])) or hits
        ranked, read = self._ranked(question, vector, hits)
        scores = {hit.key: Scores(hit.dense, hit.lexical, fused) for hit, fused in ranked[: _SPARE * limit]}
        unread = self._corpus.index.records([key for key in scores if key not in read])
        read |= {found.key: found for found in unread}
        passages: list[Passage] = []
        for found in (read[key] for key in scores if key in read):
            article = self._corpus.article_at(found.document_id, found.digest)
            if article is None:  # replaced between two reads; the next question sees the new one
                continue
            chunk = decode_chunk(found.payload, article)
            if any(_repeats(chunk, article, passage.article) for passage in passages):
                continue
            similarities = tuple(float(s) for s in found.part_vectors @ vector)
            version = found.digest[:VERSION_DIGITS]
            passages.append(Passage(chunk, article, scores[found.key], len(passages) + 1, similarities, version))
            if len(passages) == limit:
                break
        if question.asks_credits:
            passages = [*credited(passages), *passages]
        numbered = tuple(replace(passage, rank=rank) for rank, passage in enumerate(passages, 1))
        return Retrieved(numbered, *self._weights(question))

    def rank(self, question: Question, vector: Vectors, hits: Sequence[Hit]) -> list[tuple[Hit, float]]:
        """`hits` with their scores, best first: fused, and the best of them by their sentence nearest to the question.

        A passage of several topics has a vector between them; one sentence of it may be just what is asked for.
        """
        return self._ranked(question, vector, hits)[0]

    def _ranked(
        self, question: Question, vector: Vectors, hits: Sequence[Hit]
    ) -> tuple[list[tuple[Hit, float]], dict[int, Found]]:
        """See `rank`; and what was read for it, by key."""
        ranked = fuse(hits, weight := dense_weight(question, self._without))
        head = {hit.key: (hit, fused) for hit, fused in ranked[:_REFINED]}
        if not weight:
            return ranked, {}
        refined = []
        read = {found.key: found for found in self._corpus.index.records(list(head))}
        for key, found in read.items():
            hit, fused = head[key]
            nearest = float((found.part_vectors @ vector).max(initial=0.0))
            refined.append((hit, fused + _SENTENCE_WEIGHT * (nearest - _TYPICAL_COSINE)))
        return [*sorted(refined, key=lambda r: (-r[1], r[0].key)), *ranked[_REFINED:]], read

    def _weights(self, question: Question) -> tuple[dict[str, float], frozenset[str]]:
        """BM25's inverse document frequency of each content word, near 0 for one that every chunk holds; and the words
        that none holds.
        """
        total, counts = self._corpus.index.frequencies(
            "syllables" if question.accented else "folded_syllables", question.content
        )
        weights = {
            term: question.weight(term) * math.log1p((total - count + 0.5) / (count + 0.5))
            for term, count in zip(question.content, counts, strict=True)
        }
        return weights, frozenset(term for term, count in zip(question.content, counts, strict=True) if not count)


def _repeats(chunk: Chunk, article: Article, better: Article) -> bool:
    """Whether `better`, another article that is alike, says all that `chunk` of `article` does."""
    return article.id != better.id and holds(better, chunk.text) and alike(article, better)


def dense_weight(question: Question, without: frozenset[Step] = NOTHING) -> float:
    """How much the vectors count: nothing for a question without accents, whose vector is noise."""
    if Step.LEXICAL in without:
        return 1.0
    if Step.DENSE in without:
        return 0.0
    return _DENSE_WEIGHT if question.readable else 0.0


def lexical_query(question: Question) -> Query:
    """The question's terms in every field, accented and folded alike, with their weights.

    The terms of the questions that it leans on, and of other ways to say it, weigh less.
    """
    query: dict[str, dict[str, float]] = {}
    for name, weight in _FIELD_WEIGHTS.items():
        for field in (name, f"folded_{name}"):
            query[field] = dict.fromkeys(question.terms_before.get(field, ()), weight * INHERITED)
            query[field] |= dict.fromkeys(question.terms[field], weight)
    for equivalent in question.equivalents:
        worth = _CERTAIN if equivalent.certain else _SYNONYM
        for name, words in (
            ("syllables", equivalent.other),
            ("pairs", ["_".join(p) for p in pairwise(equivalent.other)]),
        ):
            for form, field in ((str, name), (strip_accents, f"folded_{name}")):
                for word in words:
                    query[field].setdefault(form(word), worth * _FIELD_WEIGHTS[name])
    return query


def fuse(hits: Sequence[Hit], dense_weight: float) -> list[tuple[Hit, float]]:
    """Hits with their fused scores, best first.

    Each score is brought to mean 0 and deviation 1 over the candidates, then they are added by weight:
    measured better than fusing ranks, which forgets how far ahead the first one is.
    """
    if not hits:
        return []
    dense = _standardised([hit.dense for hit in hits])
    lexical = _standardised([hit.lexical for hit in hits])
    fused = dense_weight * dense + (1 - dense_weight) * lexical
    order = sorted(range(len(hits)), key=lambda i: (-fused[i], hits[i].key))
    return [(hits[i], float(fused[i])) for i in order]


def _standardised(scores: Sequence[float]) -> NDArray[np.float64]:
    values = np.array(scores, np.float64)
    standardised: NDArray[np.float64] = (values - values.mean()) / (values.std() or 1.0)
    return standardised
