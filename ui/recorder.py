"""Keeps what was asked, answered and thought of it, in a thread of its own: no answer waits for it or fails by it."""

from __future__ import annotations

import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from eval.errors import FeedbackError
from eval.feedback import Cited, Exchange, FeedbackStore, Rating
from rag.schema import Answer
from rag.settings import Settings
from rag.steps import Step

_WAITING = 1_000  # things to write that may wait for a slow disk; what comes after them is not kept
_DAY = timedelta(days=1).total_seconds()
_HOUR = timedelta(hours=1).total_seconds()

_LOG = logging.getLogger(__name__)

_Job = Callable[[FeedbackStore], object]


class Recorder:
    """Writes to the store of feedback in the background, and erases daily what has been kept long enough."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.feedback_file
        self.keeps_questions = settings.keep_questions
        self._keep = timedelta(days=settings.keep_days)
        self._jobs: queue.Queue[_Job] = queue.Queue(_WAITING)
        threading.Thread(target=self._run, name="hoidap-feedback", daemon=True).start()

    def record(self, answer: Answer, session: str) -> str:
        """Keep a complete answer, and return the id under which it can be rated."""
        exchange = exchange_of(answer, session, keeps_questions=self.keeps_questions)
        self._later(lambda store: store.add(exchange))
        return exchange.id

    def rate(self, exchange_id: str, rating: Rating | None) -> None:
        """Give a thumb, change it, or take it back."""
        self._later(lambda store: store.rate(exchange_id, rating))

    def comment(self, exchange_id: str, text: str) -> None:
        """Keep what a person says about an answer; a comment says what was asked, so it is kept as questions are."""
        if self.keeps_questions:
            self._later(lambda store: store.comment(exchange_id, text))

    def flush(self, seconds: float = 5) -> None:
        """Wait until all is written, or for so long."""
        with self._jobs.all_tasks_done:
            self._jobs.all_tasks_done.wait_for(lambda: not self._jobs.unfinished_tasks, seconds)

    def _later(self, job: _Job) -> None:
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            _LOG.error("%s is written too slowly: a question or thumb was not kept", self._path)

    def _run(self) -> None:
        store: FeedbackStore | None = None
        tidy_at = time.monotonic()
        while True:
            wait = tidy_at - time.monotonic()
            if wait <= 0:
                tidy_at += _DAY
                if self._path.exists():
                    self._later(self._tidy)
                continue
            try:
                job = self._jobs.get(timeout=wait)
            except queue.Empty:
                continue
            try:
                store = store or FeedbackStore(self._path)
                job(store)
            except FeedbackError as error:
                _LOG.error("A question or thumb was not kept, or not erased: %s", error)
                tidy_at = min(tidy_at, time.monotonic() + _HOUR)
                if store:
                    store.close()  # opened anew for the next one, when it may have been mended
                store = None
            except Exception:  # the edge: the thread lives on
                _LOG.exception("A question or thumb was not kept")
            finally:
                self._jobs.task_done()

    def _tidy(self, store: FeedbackStore) -> None:
        store.erase_before(datetime.now(UTC) - self._keep)
        if not self.keeps_questions:
            store.erase_texts()


def exchange_of(answer: Answer, session: str, *, keeps_questions: bool = True) -> Exchange:
    """What is kept of an answer that was given now; without the questions, nothing that says what it was about."""
    exchange = Exchange(
        id=secrets.token_urlsafe(16),
        time=datetime.now(UTC),
        outcome=answer.outcome,
        generator=answer.generator,
        timings=answer.timings,
    )
    if not keeps_questions:
        return exchange
    return replace(
        exchange,
        session=session,
        question=answer.question,
        understood=answer.understood,
        leans=Step.FOLLOW_UPS in dict(answer.trace),
        answer=answer.text,
        citations=tuple(Cited(c.article_id, c.start, c.end, c.quote, c.version) for c in answer.citations),
    )
