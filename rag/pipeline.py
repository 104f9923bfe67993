"""The way of a question: the one place where the parts are wired together.

    question ─understand─▶ Question ─embed, retrieve─▶ passages ─weigh, read─▶ evidence
        ─judge─▶ verdict ─generate─▶ drafts ─cite─▶ Answer

The way of an article is in `rag.corpus`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from threading import Semaphore

from index.local import LocalIndex
from rag.calibration import Calibration, load_calibration
from rag.corpus import Corpus
from rag.embedding import Embedder, load_embedder
from rag.evidence import read, weigh
from rag.finding import Finding, apart
from rag.generation import Draft, Generator
from rag.generation.extractive import ExtractiveGenerator
from rag.grounding import NOT_COVERED, REFUSAL, cite, judge, nearest, rests_on, weakest
from rag.question import Helps, Question, understand
from rag.reader import Reader, open_reader
from rag.retrieval import Retrieved, Retriever
from rag.schema import EVERYTHING, Answer, Article, Filters, Outcome, Passage, Turn
from rag.settings import Settings
from rag.steps import NOTHING, Step
from rag.understanding.equivalents import Definitions
from rag.understanding.spelling import Speller
from rag.vietnamese.data import add_from
from rag.vietnamese.terms import FIELDS

_REMEMBERED = 256
"""Questions whose findings are kept. People of one house ask the same things, and a finding may take 0.1 MB."""


class Pipeline:
    """Answers questions from a corpus."""

    def __init__(
        self,
        corpus: Corpus,
        generator: Generator,
        calibration: Calibration,
        reader: Reader | None = None,
        without: frozenset[Step] = NOTHING,
    ) -> None:
        """Answer from `corpus`, in the words of `generator`, as surely as `calibration` asks for.

        `reader` reads the best sentences once more; the steps `without` are left out.
        """
        self.corpus = corpus
        self.retriever = Retriever(corpus, without)
        self._speller = Speller(corpus.index)
        self._definitions = Definitions(corpus.index)
        self._generator = generator
        self._calibration = calibration
        self._reader = None if Step.READER in without else reader
        self._without = without
        # More at once than there are cores would only wait for each other, and so would all the rest.
        self._room = Semaphore(os.cpu_count() or 1)
        self._found = lru_cache(maxsize=_REMEMBERED)(self._find_apart)

    def ask(self, question: str, history: Sequence[Turn] = (), only: Filters = EVERYTHING) -> Answer:
        """The answer to `question`.

        Raises:
            QuestionError: the question is empty or too long.
            IndexMismatchError: the index was built in another way than this program would.
            CalibrationError: the calibration belongs to another embedder.
            IndexStoreError: the index cannot be read.
        """
        *_, answer = self.stream(question, history, only)
        return answer

    def stream(self, question: str, history: Sequence[Turn] = (), only: Filters = EVERYTHING) -> Iterator[Answer]:
        """The answer as it grows, statement by statement; the last one is complete. Raises what `ask` raises."""
        timings: dict[str, float] = {}
        with self._room:
            with _timed(timings, "understand"):
                understood = self.understand(question, history)
            self._calibration.check(self.corpus.embedder.name)
            findings, taken = self._found(understood, only, self.corpus.index.version)
        timings.update(taken)
        taken.clear()  # whoever asks the same again does not wait for it
        verdict = weakest([finding.verdict for finding in findings])
        answer = Answer(
            question=understood.text,
            understood=understood.search_text,
            trace=understood.trace,
            text=REFUSAL,
            passages=tuple(passage for finding in findings for passage in finding.passages),
            outcome=verdict.outcome,
            reason=verdict.reason,
            support=verdict.support,
            generator=self._generator.name,
            timings=timings,
        )
        statements = [REFUSAL] if answer.refused else []
        cited = cite(self._drafts(findings))
        while True:
            with _timed(timings, "generate"):  # the time between two statements is the reader's
                following = next(cited, None)
            if following is None:
                break
            statement, citation = following
            statements.append(statement)
            citations = (*answer.citations, citation)
            answer = replace(answer, text="\n".join(statements), citations=citations)
            yield answer
        if not statements:  # the generator had nothing to say that could be cited
            answer = replace(answer, outcome=Outcome.NOT_FOUND, reason=NOT_COVERED)
        yield answer

    def _drafts(self, findings: Sequence[Finding]) -> Iterator[Draft]:
        """What is to be said: the answer; of several questions in one the best of each; in a refusal what is near."""
        for finding in findings:
            if finding.verdict.outcome == Outcome.NOT_FOUND:
                yield from nearest(finding.verdict, finding.evidence)
            elif len(findings) == 1:
                yield from self._generator.generate(finding.question, finding.evidence)
            else:
                drafts = list(self._generator.generate(finding.question, finding.evidence))
                yield from [draft for draft in drafts if rests_on(draft, finding.evidence[0])] or drafts[:1]

    def forget(self) -> None:
        """Find anew what was asked before, as benchmarks have to."""
        self._found.cache_clear()

    def _find_apart(
        self, question: Question, only: Filters, _version: int
    ) -> tuple[Sequence[Finding], dict[str, float]]:
        """What was found for `question`, or for the questions in it where they are answered better one by one; and the
        milliseconds by stage. It holds for that version of the index.
        """
        timings: dict[str, float] = {}
        whole = self.find(question, only, timings)
        return apart(whole, lambda part: self.find(part, only, timings)), timings

    def find(self, question: Question, only: Filters = EVERYTHING, timings: dict[str, float] | None = None) -> Finding:
        """What the corpus holds for one question. Milliseconds by stage are added to `timings`."""
        timings = {} if timings is None else timings
        retrieved = self._retrieve(question, only, timings)
        with _timed(timings, "weigh"):
            evidence = weigh(question, retrieved.passages, retrieved.weights, retrieved.absent)
        with _timed(timings, "read"):
            evidence = read(question, evidence, self._reader)
        return Finding(question, retrieved.passages, evidence, judge(question, evidence, self._calibration))

    def understand(self, question: str, history: Sequence[Turn] = ()) -> Question:
        """`question` with its accents, and with the questions that it leans on. Raises QuestionError."""
        helps = Helps(self._speller.restore, self._definitions.known(), self._counts)
        return understand(question, history, helps, self._without)

    def _counts(self, terms: Sequence[str]) -> Sequence[int]:
        """In how many chunks each syllable or pair of syllables stands."""
        return self.corpus.index.frequencies("pairs" if any("_" in term for term in terms) else "syllables", terms)[1]

    def retrieve(self, question: str, only: Filters = EVERYTHING) -> tuple[Passage, ...]:
        """The passages for `question`, best first. Raises what `ask` raises."""
        return self._retrieve(self.understand(question), only, {}).passages

    def _retrieve(self, question: Question, only: Filters, timings: dict[str, float]) -> Retrieved:
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

    def holding(self, words: str) -> list[Article]:
        """The articles that hold all of `words`: see `Corpus.holding`."""
        return self.corpus.holding(words)

    def publishers(self) -> list[str]:
        """The publishers of all articles, each once, in order."""
        return self.corpus.publishers()


def open_corpus(settings: Settings, embedder: Embedder | None = None) -> Corpus:
    """The corpus in the index that the settings name, with their embedder unless another is given; empty if new.

    Raises:
        IndexStoreError: the folder cannot be used, or holds something else.
    """
    return Corpus(LocalIndex(settings.index_dir, FIELDS), lambda: embedder or load_embedder(settings))


def open_pipeline(settings: Settings, calibrated: Path | None = None, embedder: Embedder | None = None) -> Pipeline:
    """The pipeline over the corpus that `open_corpus` opens, with the calibration in `calibrated`, or its own folder.

    Raises:
        IndexStoreError: the index cannot be used.
        CalibrationError: the calibration cannot be used.
        SettingsError: the word lists cannot be added.
    """
    if settings.words_dir:
        add_from(settings.words_dir)
    corpus, calibration = open_corpus(settings, embedder), load_calibration(calibrated or settings.index_dir)
    return Pipeline(corpus, ExtractiveGenerator(), calibration, open_reader(settings), settings.without)


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    """Add the milliseconds spent inside to `timings[stage]`."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        timings[stage] = round(timings.get(stage, 0.0) + (time.perf_counter() - begun) * 1000, 2)
