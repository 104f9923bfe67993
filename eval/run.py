"""Asking a pipeline every question of a set, and measuring."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from eval.metrics import percentile
from eval.probe import Prober
from eval.result import Question, Result, summarise
from eval.score import Case, Scores, answer_scores, evidence_scores, failure, retrieval_scores
from eval.writing import written, written_scores
from rag.errors import QuestionError
from rag.pipeline import Pipeline
from rag.schema import EVERYTHING, Answer, Filters

Progress = Callable[[int, int], None]
Name = Callable[[str], str]
"""The name by which an article is shown, from its id."""

_PASSAGES_SHOWN = 5


def run_cases(
    pipeline: Pipeline,
    cases: Sequence[Case],
    run: Mapping[str, Any],
    *,
    passages: bool = True,
    name: Name = str,
    progress: Progress = lambda _done, _total: None,
) -> Result:
    """Ask every question of `cases` and score what comes. `run` says what is measured.

    `passages`: whether retrieval is scored by passages as well as by articles (articles that are passages need only
    the one). The first question is asked once before the clock starts, so that loading is not its latency.
    """
    started, begun = datetime.now(UTC), time.perf_counter()
    _ask(pipeline, cases[0], EVERYTHING)
    pipeline.forget()
    questions, stages = [], list[dict[str, float]]()
    generator = ""
    prober = Prober(pipeline)
    for done, case in enumerate(cases):
        progress(done, len(cases))
        answer, total = _ask(pipeline, case, EVERYTHING)
        generator = answer.writing.model or generator or answer.generator
        stages.append({**answer.timings, "total": total})
        questions.append(_question(pipeline, prober, case, answer, total=total, passages=passages, name=name))
    progress(len(cases), len(cases))
    seconds = round(time.perf_counter() - begun, 2)
    head = {
        "version": program_version(),
        "generator": generator,
        "embedder": pipeline.corpus.embedder.name,
        **run,
        "started": started.isoformat(timespec="seconds"),
        "seconds": seconds,
    }
    return summarise(head, questions, _costs(stages))


def _ask(pipeline: Pipeline, case: Case, only: Filters) -> tuple[Answer, float]:
    """The answer, and the milliseconds it took. A question that cannot be asked has an empty answer."""
    begun = time.perf_counter()
    try:
        answer = pipeline.ask(case.question, case.history, only)
    except QuestionError as error:
        answer = Answer(case.question, "", reason=str(error))
    return answer, round((time.perf_counter() - begun) * 1000, 2)


def _question(
    pipeline: Pipeline, prober: Prober, case: Case, answer: Answer, *, total: float, passages: bool, name: Name
) -> Question:
    """The record of one question."""

    def text_of(article_id: str) -> str | None:
        article = pipeline.article(article_id)
        return article.text if article else None

    scores = answer_scores(case, answer, text_of)
    if writing := written(answer, answerable=case.answerable):
        scores |= written_scores(writing)
    with suppress(QuestionError):  # counted as a wrong answer already
        scores |= evidence_scores(case, prober.sentences(case.question, case.history))
        scores |= retrieval_scores(case, prober.probe(case.question, case.history), pipeline.corpus, passages=passages)
    wrong = failure(case, answer, scores)
    scores["correct"] = float(not wrong)
    record: Question = {
        "id": case.id,
        "type": case.type,
        "question": case.question,
        "answer": answer.text,
        "refused": answer.refused,
        "citations": [{"article_id": name(c.article_id), "quote": c.quote, "title": c.title} for c in answer.citations],
        "correct": not wrong,
        "latency_ms": total,
        "failure": wrong,
        "reason": answer.reason,
        "understood": answer.understood,
        "answerable": case.answerable,
        "support": answer.support,
        "expected": {
            "answers": list(case.answers),
            "all_of": list(case.all_of),
            "articles": [name(article) for article in case.articles],
        },
        "history": [{"role": turn.role, "content": turn.text} for turn in case.history],
        "timings": dict(answer.timings),
        "scores": scores,
    }
    if writing:
        record["writing"] = writing
    if case.group:
        record["group"] = case.group
    if wrong:
        record["passages"] = _passages(answer, name)
    if case.given:
        record["given_context"], found = _given(pipeline, prober, case)
        scores |= {f"given_context.{score}": value for score, value in found.items()}
    return record


def _passages(answer: Answer, name: Name) -> list[dict[str, Any]]:
    return [
        {
            "rank": passage.rank,
            "article_id": name(passage.article.id),
            "title": passage.article.title,
            "text": passage.chunk.text,
            "dense": round(passage.scores.dense, 4),
            "lexical": round(passage.scores.lexical, 3),
            "fused": round(passage.scores.fused, 3),
        }
        for passage in answer.passages[:_PASSAGES_SHOWN]
    ]


def _given(pipeline: Pipeline, prober: Prober, case: Case) -> tuple[dict[str, Any], Scores]:
    """The question asked of its own context alone."""
    alone = Case(case.id, case.type, case.question, answers=case.given_answers, articles=(case.given,))
    only = Filters(articles=frozenset([case.given]))
    answer, _ = _ask(pipeline, alone, only)
    article = pipeline.article(case.given)
    scores = answer_scores(alone, answer, lambda name: article.text if article and article.id == name else None)
    with suppress(QuestionError):
        scores |= evidence_scores(alone, prober.sentences(case.question, only=only))
    record = {
        "answer": answer.text,
        "refused": answer.refused,
        "support": answer.support,
        "answerable": alone.answerable,
    }
    return record, scores


def _costs(stages: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Latency in milliseconds, of the whole and by stage, and the peak of memory in MB (10^6 bytes)."""
    costs: dict[str, float] = {}
    for stage in dict.fromkeys(["total", *(stage for timings in stages for stage in timings)]):
        values = [timings[stage] for timings in stages if stage in timings]
        prefix = "latency" if stage == "total" else f"latency.{stage}"
        costs[f"{prefix}_p50_ms"] = percentile(values, 50)
        costs[f"{prefix}_p95_ms"] = percentile(values, 95)
    return costs | peak_memory()


def peak_memory() -> dict[str, float]:
    """`peak_memory_mb`: the most that this process has held, indexing included; absent where it cannot be told."""
    if sys.platform == "win32":
        return {}
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"peak_memory_mb": peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6}


def program_version() -> str:
    """The version that is installed."""
    try:
        return version("hoidap")
    except PackageNotFoundError:
        return "not installed"
