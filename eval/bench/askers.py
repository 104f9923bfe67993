"""Many questions at once, without time to think: how many are answered, and how long each of them waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from eval.metrics import percentile


@dataclass(frozen=True, slots=True)
class Rush:
    """What so many askers saw: answers a second, milliseconds of an answer, questions that failed."""

    askers: int
    answers_per_s: float
    p50_ms: float
    p95_ms: float
    errors: int


def rush(ask: Callable[[str], object], questions: Sequence[str], askers: int) -> Rush:
    """Have `askers` threads ask all `questions`, each question once, each asker the next one as soon as it can."""
    waiting: SimpleQueue[str] = SimpleQueue()
    for question in questions:
        waiting.put(question)
    with ThreadPoolExecutor(askers) as threads:
        begun = time.perf_counter()
        done = [future.result() for future in [threads.submit(_ask_on, ask, waiting) for _ in range(askers)]]
        seconds = time.perf_counter() - begun
    times = [taken for times, _ in done for taken in times]
    errors = sum(errors for _, errors in done)
    if not times:
        return Rush(askers, 0.0, 0.0, 0.0, errors)
    return Rush(askers, len(times) / seconds, percentile(times, 50), percentile(times, 95), errors)


def _ask_on(ask: Callable[[str], object], waiting: SimpleQueue[str]) -> tuple[list[float], int]:
    """The milliseconds of each answer that one asker got, and how often there was none."""
    times: list[float] = []
    errors = 0
    while True:
        try:
            question = waiting.get_nowait()
        except Empty:
            return times, errors
        begun = time.perf_counter()
        try:
            ask(question)
        except Exception:  # whatever it is, it is what the asker would have seen
            errors += 1
        else:
            times.append((time.perf_counter() - begun) * 1000)
