"""Retrieval on a BEIR set, by the measures of trec_eval (through pytrec_eval)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytrec_eval

from eval.datasets import Beir
from eval.probe import WAYS, Prober
from eval.result import Question, Result, summarise
from eval.run import Progress, peak_memory, program_version
from eval.score import CUTS, best_by_article
from rag.errors import QuestionError
from rag.pipeline import Pipeline

_MEASURES = {"ndcg_cut_10": "ndcg@10", "recip_rank": "mrr", **{f"recall_{k}": f"recall@{k}" for k in CUTS}}
_FOUND_WITHIN = 10


def run_beir(
    pipeline: Pipeline,
    beir: Beir,
    run: Mapping[str, Any],
    *,
    form: Callable[[str], str] = str,
    progress: Progress = lambda _done, _total: None,
) -> Result:
    """Rank the passages for every question of `beir`, each way, and score the rankings.

    `form` is applied to a question before it is asked.
    """
    started, begun = datetime.now(UTC), time.perf_counter()
    runs: dict[str, dict[str, dict[str, float]]] = {way: {} for way in WAYS}
    latency: dict[str, float] = {}
    prober = Prober(pipeline)
    for done, (query, text) in enumerate(beir.queries.items()):
        progress(done, len(beir.queries))
        clock = time.perf_counter()
        with suppress(QuestionError):  # finds nothing then
            found = prober.probe(form(text))
            for way in WAYS:
                best = best_by_article(found[way])
                runs[way][query] = {own: score for article, score in best.items() for own in beir.names[article]}
        latency[query] = round((time.perf_counter() - clock) * 1000, 2)
    progress(len(beir.queries), len(beir.queries))
    judge = pytrec_eval.RelevanceEvaluator(
        {query: dict(judged) for query, judged in beir.qrels.items()},
        {"ndcg_cut.10", "recip_rank", f"recall.{','.join(map(str, CUTS))}"},
    )
    scored = {way: judge.evaluate(runs[way]) for way in WAYS}
    titles = {own: text.title for text in beir.texts for own in beir.names[text.id]}
    questions = []
    for query, text in beir.queries.items():
        scores = {
            f"{way}.{name}": float(scored[way].get(query, {}).get(measure, 0.0))
            for way in WAYS
            for measure, name in _MEASURES.items()
        }
        gold = [own for own, score in beir.qrels[query].items() if score > 0]
        ranked = {way: runs[way].get(query, {}) for way in WAYS}
        questions.append(
            _record(query, form(text), gold, scores=scores, latency=latency[query], ranked=ranked, titles=titles)
        )
    head = {
        "version": program_version(),
        "generator": None,
        "embedder": pipeline.corpus.embedder.name,
        **run,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - begun, 2),
    }
    return summarise(head, questions, peak_memory())


def _record(
    query: str,
    text: str,
    gold: list[str],
    *,
    scores: dict[str, float],
    latency: float,
    ranked: Mapping[str, Mapping[str, float]],
    titles: Mapping[str, str],
) -> Question:
    """The record of one question. It counts as wrong if no judged passage is among the first ten."""
    first = sorted(ranked["fused"], key=lambda own: -ranked["fused"][own])[:_FOUND_WITHIN]
    found = any(own in gold for own in first)
    record: Question = {
        "id": query,
        "type": "beir",
        "question": text,
        "answer": None,
        "refused": None,
        "citations": [],
        "correct": found,
        "latency_ms": latency,
        "failure": "" if found else "not_retrieved",
        "expected": {"answers": [], "all_of": [], "articles": gold},
        "scores": scores,
    }
    if not found:
        record["passages"] = [
            {
                "rank": rank,
                "article_id": own,
                "title": titles.get(own, ""),
                "text": "",
                **{way: round(ranked[way].get(own, 0.0), 3) for way in WAYS},
            }
            for rank, own in enumerate(first[:5], start=1)
        ]
    return record
