"""The way of a question: the one place where the parts are wired together.

    question ─understand─▶ Question ─embed, retrieve─▶ passages ─weigh, read─▶ evidence
        ─judge─▶ verdict ─generate─▶ drafts ─cite─▶ Answer

The way of an article is in `rag.corpus`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator as Generating
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from threading import Semaphore

from index.local import LocalIndex
from index.protocol import Index
from rag.calibration import Calibration, load_calibration
from rag.corpus import Corpus
from rag.embedding import Embedder, load_embedder
from rag.evidence import ranked, read, weigh
from rag.finding import Finding, apart
from rag.generation import Draft, Generator, open_generator
from rag.generation.extractive import ExtractiveGenerator
from rag.generation.llm import ModelGenerator
from rag.grounding import NOT_COVERED, REFUSAL, cite, judge, meeting, nearest, weakest
from rag.question import Helps, Question, understand
from rag.reader import Reader, open_reader
from rag.retrieval import Retrieved, Retriever
from rag.schema import EVERYTHING, Answer, Article, Edition, Filters, Outcome, Passage, Turn, Writing
from rag.settings import Settings
from rag.steps import NOTHING, Step
from rag.understanding.equivalents import Definitions
from rag.understanding.followups import MAX_CHARS, leans
from rag.understanding.spelling import Speller
from rag.vietnamese.data import add_from
from rag.vietnamese.terms import FIELDS

_QUOTES = ExtractiveGenerator()
_REMEMBERED = 256
"""Questions that are kept, understood and with what was found: people of one house ask the same things. One finding may
take 0.1 MB."""


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
        model = generator if isinstance(generator, ModelGenerator) and Step.FOLLOW_UPS not in without else None
        self._condense = model and model.condense
        self._calibration = calibration
        self._reader = None if Step.READER in without else reader
        self._without = without
        # More at once than there are cores would only wait for each other, and so would all the rest.
        self._room = Semaphore(os.cpu_count() or 1)
        self._understood = lru_cache(maxsize=_REMEMBERED)(self._understand)
        self._found = lru_cache(maxsize=_REMEMBERED)(self._find_apart)

    def load(self) -> None:
        """Begin to load the models in threads of their own; the first question waits for what it needs of them.

        What fails there fails again, and is raised, where it is needed.
        """
        loading = ThreadPoolExecutor(thread_name_prefix="hoidap-load")
        loading.submit(lambda: self.corpus.embedder)
        if self._reader:
            loading.submit(self._reader.load)
        loading.shutdown(wait=False)

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

    def quoted(self, question: str, only: Filters = EVERYTHING) -> Answer:
        """The answer in exact quotes alone: no language model is asked. Raises what `ask` raises."""
        *_, answer = self._answer(question, (), only, _QUOTES)
        return answer

    def stream(self, question: str, history: Sequence[Turn] = (), only: Filters = EVERYTHING) -> Iterator[Answer]:
        """The answer as it grows, statement by statement; the last one is complete. Raises what `ask` raises.

        While a language model is waited for, the same answer comes again and again: whoever does not want to wait any
        longer closes the iterator, which ends the model's work too.
        """
        return self._answer(question, history, only, self._generator)

    def _answer(self, question: str, history: Sequence[Turn], only: Filters, generator: Generator) -> Iterator[Answer]:
        timings: dict[str, float] = {}
        alone = ""
        if self._condense and history and len(question) <= MAX_CHARS and leans(question):
            with closing(self._condense(question, history)) as condensing, _timed(timings, "condense"):
                for alone in condensing:  # noqa: B007 # the last of them counts
                    yield Answer(question, "")
        with self._room:
            with _timed(timings, "understand"):
                understood = self.understand(question, history, alone)
            self._calibration.check(self.corpus.embedder.name)
            findings, taken = self._found(understood, only, self.corpus.index.version)
        timings.update(taken)
        taken.clear()  # whoever asks the same again does not wait for it
        verdict = weakest([finding.verdict for finding in findings])
        # What is in doubt is shown as it stands, and nothing is written about what the corpus does not hold.
        generator = generator if verdict.outcome == Outcome.ANSWERED else _QUOTES
        statements = [REFUSAL] if verdict.outcome == Outcome.NOT_FOUND else []
        answer = Answer(
            question=understood.text,
            understood=understood.search_text,
            trace=understood.trace,
            text="\n".join(statements),
            passages=tuple(passage for finding in findings for passage in finding.passages),
            outcome=verdict.outcome,
            reason=verdict.reason,
            support=verdict.support,
            generator=generator.name,
            timings=timings,
        )
        with closing(_written(findings, generator)) as written:
            while True:
                with _timed(timings, "generate"):  # the time between two statements is the reader's
                    following = next(written, None)
                if following is None:
                    break
                if isinstance(following, Writing):
                    by = generator.name if following.kept else _QUOTES.name
                    answer = answer if following == answer.writing else replace(answer, writing=following, generator=by)
                elif cited := cite(following, len(answer.citations) + 1):
                    statements.append(cited[0])
                    citation = replace(cited[1], alike=len(self.alike(cited[1].article_id)))
                    answer = replace(answer, text="\n".join(statements), citations=(*answer.citations, citation))
                yield answer
        if not statements:  # the generator had nothing to say that could be cited
            answer = replace(answer, text=REFUSAL, outcome=Outcome.NOT_FOUND, reason=NOT_COVERED)
        yield answer

    def forget(self) -> None:
        """Understand and find anew what was asked before, as benchmarks have to."""
        self._understood.cache_clear()
        self._found.cache_clear()

    def _find_apart(
        self, question: Question, only: Filters, _version: int
    ) -> tuple[Sequence[Finding], dict[str, float]]:
        """What was found for `question`, or for the questions in it where they are answered better one by one; and the
        milliseconds by stage. It holds for that version of the index.
        """
        timings: dict[str, float] = {}
        return apart(question, lambda one: self.find(one, only, timings)), timings

    def find(self, question: Question, only: Filters = EVERYTHING, timings: dict[str, float] | None = None) -> Finding:
        """What the corpus holds for one question. Milliseconds by stage are added to `timings`."""
        timings = {} if timings is None else timings
        retrieved = self._retrieve(question, only, timings)
        with _timed(timings, "weigh"):
            weighed = weigh(question, retrieved.passages, retrieved.weights, retrieved.absent)
        with _timed(timings, "read"):
            evidence = meeting(question, read(question, weighed, self._reader))
        passages = ranked(retrieved.passages, evidence)
        return Finding(question, passages, evidence, judge(question, evidence, self._calibration))

    def understand(self, question: str, history: Sequence[Turn] = (), alone: str = "") -> Question:
        """`question` with its accents, and with the questions that it leans on. Raises QuestionError.

        `alone` is what a language model made of both, if one did.
        """
        return self._understood(question, tuple(history), alone, self.corpus.index.version)

    def _understand(self, question: str, history: Sequence[Turn], alone: str, _version: int) -> Question:
        """See `understand`; accents, abbreviations and counts are those of that version of the index."""
        helps = Helps(self._speller.restore, self._definitions.known(), self._counts)
        return understand(question, history, helps, self._without, alone)

    def _counts(self, terms: Sequence[str]) -> Sequence[int]:
        """In how many chunks each syllable or pair of syllables stands."""
        return self.corpus.index.frequencies("pairs" if any("_" in term for term in terms) else "syllables", terms)[1]

    def retrieve(self, question: str, only: Filters = EVERYTHING) -> tuple[Passage, ...]:
        """The passages for `question`, best first. Raises what `ask` raises, but for the calibration."""
        return self.find(self.understand(question), only).passages

    def _retrieve(self, question: Question, only: Filters, timings: dict[str, float]) -> Retrieved:
        self.corpus.check()
        with _timed(timings, "embed"):
            (vector,) = self.corpus.embedder.embed([question.asked], "query")
        with _timed(timings, "retrieve"):
            return self.retriever.retrieve(question, vector, only)

    def article(self, article_id: str) -> Article | None:
        """The article of that id."""
        return self.corpus.article(article_id)

    def alike(self, article_id: str) -> Sequence[Article]:
        """The articles that say nearly the same as the one of that id, in the order of their ids."""
        return self.corpus.alike(article_id)

    def edition(self, article_id: str, version: str) -> Edition | None:
        """The article as it was when it was cited: see `Corpus.edition`."""
        return self.corpus.edition(article_id, version)

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
        IndexStoreError: the folder or the server cannot be used, or holds something else.
    """
    return Corpus(_open_index(settings), lambda: embedder or load_embedder(settings))


def _open_index(settings: Settings) -> Index:
    if not settings.index_url:
        return LocalIndex(settings.index_dir, FIELDS, graph=settings.vectors == "graph")
    from index.milvus.index import MilvusIndex

    token = settings.index_token.get_secret_value() if settings.index_token else ""
    return MilvusIndex(settings.index_url, token, FIELDS)


def open_pipeline(settings: Settings, calibrated: Path | None = None, embedder: Embedder | None = None) -> Pipeline:
    """The pipeline over the corpus that `open_corpus` opens, with the calibration in `calibrated`, or its own folder.

    Raises:
        IndexStoreError: the index cannot be used.
        CalibrationError: the calibration cannot be used.
        SettingsError: the word lists cannot be added, or the generator is not one.
        ModelError: the package of the language model's provider is missing.
    """
    if settings.words_dir:
        add_from(settings.words_dir)
    corpus, calibration = open_corpus(settings, embedder), load_calibration(calibrated or settings.index_dir)
    return Pipeline(corpus, open_generator(settings), calibration, open_reader(settings), settings.without)


def _written(findings: Sequence[Finding], generator: Generator) -> Generating[Draft | Writing]:
    """What is to be said: the answer, to several questions in one one after the other; in a refusal what is near."""
    told, said = Writing(), list[Draft]()
    for finding in findings:
        if finding.verdict.outcome == Outcome.NOT_FOUND:
            yield from nearest(finding.verdict, finding.evidence)
            continue
        best = finding.evidence[0]
        # One sentence may answer both, unless it only announces the answer to this one.
        if not best.text.endswith(":") and any(draft.rests_on(best.passage, best.span) for draft in said):
            continue
        before, quoted = told, {(draft.passage.article.id, draft.span) for draft in said}
        words = sum(len(draft.text.split()) for draft in said)
        for written in (_QUOTES if told.note else generator).generate(finding.question, finding.evidence, words):
            if isinstance(written, Writing):
                yield (told := _together(before, written))
            elif (written.passage.article.id, written.span) not in quoted:
                said.append(written)
                yield written


def _together(before: Writing, now: Writing) -> Writing:
    """How the answers to two questions in one were written."""
    return replace(
        now,
        kept=before.kept + now.kept,
        moved=before.moved + now.moved,
        dropped=(*before.dropped, *now.dropped),
        tokens_in=before.tokens_in + now.tokens_in,
        tokens_out=before.tokens_out + now.tokens_out,
    )


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    """Add the milliseconds spent inside to `timings[stage]`."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        timings[stage] = round(timings.get(stage, 0.0) + (time.perf_counter() - begun) * 1000, 2)
