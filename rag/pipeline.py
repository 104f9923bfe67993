"""The way of a question: the one place where the parts are wired together.

    question ─understand─▶ Question ─embed, retrieve─▶ passages ─weigh─▶ evidence
        ─refuse? generate─▶ drafts ─cite─▶ Answer

The way of an article is in `rag.corpus`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from index.local import LocalIndex
from rag.corpus import Corpus
from rag.embedding import load_embedder
from rag.evidence import weigh
from rag.generation import Generator
from rag.generation.extractive import ExtractiveGenerator
from rag.grounding import NOT_COVERED, REFUSAL, cite, refusal_reason, support
from rag.question import Helps, Question, understand
from rag.retrieval import Retrieved, Retriever
from rag.schema import EVERYTHING, Answer, Article, Filters, Outcome, Passage, Turn
from rag.settings import Settings
from rag.steps import NOTHING, Step
from rag.understanding.equivalents import Definitions
from rag.understanding.spelling import Speller
from rag.vietnamese.terms import FIELDS


class Pipeline:
    """Answers questions from a corpus."""

    def __init__(self, corpus: Corpus, generator: Generator, without: frozenset[Step] = NOTHING) -> None:
        """Answer from `corpus`, in the words of `generator`, leaving out the steps `without`."""
        self.corpus = corpus
        self._speller = Speller(corpus.index)
        self._definitions = Definitions(corpus.index)
        self._without = without
        self.retriever = Retriever(corpus)
        self._generator = generator

    def ask(self, question: str, history: Sequence[Turn] = (), only: Filters = EVERYTHING) -> Answer:
        """The answer to `question`.

        Raises:
            QuestionError: the question is empty or too long.
            IndexMismatchError: the index was built in another way than this program would.
            IndexStoreError: the index cannot be read.
        """
        *_, answer = self.stream(question, history, only)
        return answer

    def stream(self, question: str, history: Sequence[Turn] = (), only: Filters = EVERYTHING) -> Iterator[Answer]:
        """The answer as it grows, statement by statement; the last one is complete. Raises what `ask` raises."""
        timings: dict[str, float] = {}
        with _timed(timings, "understand"):
            understood = self.understand(question, history)
        retrieved = self._find(understood, only, timings)
        with _timed(timings, "weigh"):
            evidence = weigh(understood, retrieved.passages, retrieved.weights)
            supported = support(understood, evidence)
            reason = refusal_reason(understood, evidence, supported)
        answer = Answer(
            question=understood.text,
            understood=understood.search_text,
            trace=understood.trace,
            text=REFUSAL,
            passages=retrieved.passages,
            outcome=Outcome.NOT_FOUND,
            reason=reason or NOT_COVERED,
            support=supported,
            generator=self._generator.name,
            timings=timings,
        )
        if reason:
            yield answer
            return
        statements: list[str] = []
        cited = cite(self._generator.generate(understood, evidence))
        while True:
            with _timed(timings, "generate"):  # the time between two statements is the reader's
                following = next(cited, None)
            if following is None:
                break
            statement, citation = following
            statements.append(statement)
            citations = (*answer.citations, citation)
            answer = replace(
                answer, text="\n".join(statements), citations=citations, outcome=Outcome.ANSWERED, reason=""
            )
            yield answer
        yield answer

    def understand(self, question: str, history: Sequence[Turn] = ()) -> Question:
        """`question` with its accents, and with the questions that it leans on. Raises QuestionError."""
        helps = Helps(self._speller.restore, self._definitions.known(), self._counts)
        return understand(question, history, helps, self._without)

    def _counts(self, terms: Sequence[str]) -> Sequence[int]:
        """In how many chunks each syllable or pair of syllables stands."""
        return self.corpus.index.frequencies("pairs" if any("_" in term for term in terms) else "syllables", terms)[1]

    def retrieve(self, question: str, only: Filters = EVERYTHING) -> tuple[Passage, ...]:
        """The passages for `question`, best first. Raises what `ask` raises."""
        return self._find(self.understand(question), only, {}).passages

    def _find(self, question: Question, only: Filters, timings: dict[str, float]) -> Retrieved:
        self.corpus.check()
        with _timed(timings, "embed"):
            (vector,) = self.corpus.embedder.embed([question.search_text], "query")
        with _timed(timings, "retrieve"):
            return self.retriever.retrieve(question, vector, only)

    def article(self, article_id: str) -> Article | None:
        """The article of that id."""
        return self.corpus.article(article_id)

    def articles(self) -> list[Article]:
        """All articles, in the order of their ids."""
        return self.corpus.articles()


def open_corpus(settings: Settings) -> Corpus:
    """The corpus in the index that the settings name; empty if there is none yet.

    Raises:
        IndexStoreError: the folder cannot be used, or holds something else.
    """
    return Corpus(LocalIndex(settings.index_dir, FIELDS), lambda: load_embedder(settings))


def open_pipeline(settings: Settings) -> Pipeline:
    """The pipeline over the corpus that the settings name."""
    return Pipeline(open_corpus(settings), ExtractiveGenerator(), settings.without)


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    """Add the milliseconds spent inside to `timings[stage]`."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        timings[stage] = round(timings.get(stage, 0.0) + (time.perf_counter() - begun) * 1000, 2)
