"""Where the time of a question goes: each function on its way, without what it calls of the others."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from threading import local
from typing import Any
from unittest.mock import patch

from eval.metrics import percentile
from rag.pipeline import Pipeline

_EMBED = "embed"
_STAGES = {
    "understand": ("rag.pipeline", "understand"),
    "· accents, typing slips": ("rag.understanding.spelling", "Speller.restore"),
    "· words": ("rag.vietnamese.terms", "segment"),
    _EMBED: ("", "embed"),
    "dense": ("index.dense", "Dense.search"),
    "lexical": ("index.lexical", "Lexical.search"),
    "word counts": ("index.lexical", "Lexical.frequencies"),
    "rows of SQLite": ("index.store", "Store.records"),
    "fuse": ("rag.retrieval", "fuse"),
    "nearest sentences": ("rag.retrieval", "Retriever._ranked"),
    "passages": ("rag.retrieval", "Retriever.retrieve"),
    "weigh the sentences": ("rag.pipeline", "weigh"),
    "read the best": ("rag.pipeline", "read"),
    "judge": ("rag.pipeline", "judge"),
    "cite": ("rag.pipeline", "cite"),
    "articles alike": ("rag.corpus", "Corpus.alike"),
    "write, and the rest": ("rag.pipeline", "Pipeline.ask"),
}
"""By stage, the module in which a function is looked up when it is called, and its name there; the embedder is whatever
the pipeline has. What is no stage of its own counts to the stage that calls it.
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Milliseconds of a stage in one question, with all times that it was run for it; its share of all questions."""

    name: str
    p50_ms: float
    p95_ms: float
    share: float


def stages(pipeline: Pipeline, questions: Sequence[str], rounds: int) -> list[Stage]:
    """The stages of `questions`, none of which is remembered. The clock costs some hundredths of a millisecond."""
    taken: dict[str, list[float]] = {name: [] for name in _STAGES}
    for question in questions:
        pipeline.ask(question)
    with _watched(pipeline) as spent:
        for _ in range(rounds):
            for question in questions:
                pipeline.forget()
                spent.clear()
                pipeline.ask(question)
                for name, times in taken.items():
                    times.append(spent[name] * 1000)
    whole = sum(map(sum, taken.values()))
    return [
        Stage(name, statistics.median(times), percentile(times, 95), sum(times) / whole)
        for name, times in taken.items()
    ]


@contextmanager
def _watched(pipeline: Pipeline) -> Iterator[dict[str, float]]:
    """Seconds spent in each stage since the caller cleared them."""
    spent: dict[str, float] = defaultdict(float)
    inside = local()  # seconds in the stages that the running ones have called, the innermost last
    with ExitStack() as patches:
        for stage, (module, name) in _STAGES.items():
            owner: Any = import_module(module) if module else type(pipeline.corpus.embedder)
            *classes, function = name.split(".")
            for each in classes:
                owner = getattr(owner, each)
            watched = _watch(getattr(owner, function), stage, spent, inside)
            patches.enter_context(patch.object(owner, function, watched))
        yield spent


def _watch(function: Callable[..., Any], stage: str, spent: dict[str, float], inside: local) -> Callable[..., Any]:
    @wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        running = inside.__dict__.setdefault("running", [])
        running.append(0.0)
        begun = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            whole = time.perf_counter() - begun
            spent[stage] += whole - running.pop()
            if running:
                running[-1] += whole

    return watched
