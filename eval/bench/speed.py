"""Three speeds, each of ours and of the others in turn: embedding, indexing, and answering a question."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
from langchain_core.embeddings import Embeddings
from tokenizers import Tokenizer

from eval.bench.contender import Contender
from eval.bench.timing import OURS, Figure, Unit, alternate, late, medians
from index.local import LocalIndex
from rag.corpus import Corpus
from rag.embedding import Embedder
from rag.pipeline import Pipeline
from rag.schema import Article
from rag.vietnamese.terms import FIELDS

TOKENS = 200
"""Of a passage, when embedding is measured."""
_PASSAGES = 32  # at once: a batch of sentence-transformers
_BLOCK = 12  # questions to one before it is the next one's turn


def passages(texts: Sequence[str], tokenizer: Tokenizer) -> list[str]:
    """`_PASSAGES` passages of about `TOKENS` tokens out of `texts`, which are used again if they are too few."""
    found = []
    for text in texts:
        offsets = tokenizer.encode(text, add_special_tokens=False).offsets
        for at in range(0, len(offsets) - TOKENS, TOKENS):
            found.append(text[offsets[at][0] : offsets[at + TOKENS - 1][1]])
    return [found[i % len(found)] for i in range(_PASSAGES)]


def embedding(
    embedder: Embedder, others: Mapping[str, Embeddings], texts: Sequence[str], questions: Sequence[str], rounds: int
) -> list[Figure]:
    """All `texts` at once, each of `questions` alone, and whether the vectors are the same."""
    many: dict[str, Callable[[Sequence[str]], object]] = {OURS: lambda some: embedder.embed(some, "passage")}
    one: dict[str, Callable[[str], object]] = {OURS: lambda question: embedder.embed([question], "query")}
    for name, other in others.items():
        many[name], one[name] = partial(_embed, other), other.embed_query
    for task in many.values():
        task(texts[:2])
    taken = alternate(many, [texts], rounds)
    figures = [
        _rate(f"passages of {TOKENS} tokens embedded", len(texts), taken),
        medians("a single question embedded", alternate(one, questions, rounds, _BLOCK)),
    ]
    if others:
        ours = embedder.embed(texts, "passage")
        theirs = {name: np.array(other.embed_documents(list(texts))) for name, other in others.items()}
        cosines = {name: float((ours * vectors).sum(1).mean()) for name, vectors in theirs.items()}
        figures.append(Figure("cosine of the vectors with ours", Unit.SHARE, {OURS: 1.0, **cosines}))
    return figures


def indexing(embedder: Embedder, articles: Sequence[Article], others: Sequence[Contender], rounds: int) -> list[Figure]:
    """Articles in, searchable index out: ours with sentence vectors, terms and all, on disk."""
    tasks: dict[str, Callable[[Sequence[Article]], object]] = {OURS: lambda some: _build(some, embedder)}
    for other in others:
        tasks[other.name] = partial(_index, other)
    taken = alternate(tasks, [articles], rounds)
    return [_rate(f"articles indexed, of {len(articles)}", len(articles), taken)]


def _rate(name: str, count: int, taken: Mapping[str, Sequence[float]]) -> Figure:
    """How many of a thing are done in a second, if `count` of them took so many milliseconds."""
    rates = {who: 1000 * count / statistics.median(times) for who, times in taken.items()}
    return Figure(name, Unit.PER_SECOND, rates)


def _embed(embeddings: Embeddings, texts: Sequence[str]) -> None:
    embeddings.embed_documents(list(texts))


def _index(other: Contender, articles: Sequence[Article]) -> None:
    other.index([as_text(article) for article in articles])


def as_text(article: Article) -> str:
    """An article as the others get it: as it would stand in a file."""
    return f"{article.title}\n\n{article.text}"


def _build(articles: Sequence[Article], embedder: Embedder) -> None:
    with tempfile.TemporaryDirectory() as folder, closing(LocalIndex(Path(folder) / "index", FIELDS)) as index:
        Corpus(index, lambda: embedder).add(articles)


def asking(
    pipelines: Mapping[str, Pipeline], others: Sequence[Contender], questions: Sequence[str], rounds: int
) -> list[Figure]:
    """A warm question that was not asked before: ours to its whole answer, the others to their passages alone.

    `pipelines` are ours by what they are called beside `OURS`, such as "without the reader".
    """
    tasks: dict[str, Callable[[str], object]] = {name: _anew(pipeline) for name, pipeline in pipelines.items()}
    tasks |= {other.name: other.retrieve for other in others}
    for task in tasks.values():
        for question in questions[:_BLOCK]:
            task(question)
    taken = alternate(tasks, questions, rounds, _BLOCK)
    theirs = {other.name: taken[other.name] for other in others}
    figures = []
    for name in pipelines:
        beside = {OURS: taken[name], **theirs}
        figures += [medians(f"{name}, p50", beside), late(f"{name}, p95", beside)]
    return figures


def _anew(pipeline: Pipeline) -> Callable[[str], object]:
    def ask(question: str) -> None:
        pipeline.forget()
        pipeline.ask(question)

    return ask


def again(pipeline: Pipeline, questions: Sequence[str]) -> list[Figure]:
    """A question that somebody has asked before."""
    for question in questions:
        pipeline.ask(question)
    return [medians("a question asked before", alternate({OURS: pipeline.ask}, questions, 1))]
