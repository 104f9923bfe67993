"""An answer as plain data, for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rag.schema import Answer, Citation, Passage, Writing


def to_json(answer: Answer) -> dict[str, Any]:
    """What `hoidap ask --json` prints. Offsets are characters of the article's text; dates are ISO."""
    return {
        "question": answer.question,
        "understood": answer.understood,
        "trace": [{"step": step, "question": question} for step, question in answer.trace],
        "answer": answer.text,
        "outcome": answer.outcome.value,
        "refused": answer.refused,
        "reason": answer.reason,
        "support": answer.support,
        "citations": [_citation(citation) for citation in answer.citations],
        "passages": [_passage(passage) for passage in answer.passages],
        "generator": answer.generator,
        "writing": _writing(answer.writing),
        "timings_ms": dict(answer.timings),
    }


def _writing(writing: Writing) -> dict[str, Any] | None:
    """None if no language model was asked."""
    if not writing.model:
        return None
    dropped = [{"sentence": sentence, "reason": reason} for sentence, reason in writing.dropped]
    return asdict(writing) | {"dropped": dropped}


def _citation(citation: Citation) -> dict[str, Any]:
    start, end = citation.short or (None, None)
    return {
        "marker": citation.marker,
        "article_id": citation.article_id,
        "title": citation.title,
        "publisher": citation.publisher,
        "published": citation.published.isoformat() if citation.published else None,
        "url": citation.url,
        "source": citation.source,
        "page": citation.page,
        "quote": citation.quote,
        "start": citation.start,
        "end": citation.end,
        "alike": citation.alike,
        "short_answer": _short_answer(citation),
        "short_start": start,
        "short_end": end,
        "version": citation.version,
    }


def _short_answer(citation: Citation) -> str | None:
    if citation.short is None:
        return None
    start, end = citation.short
    return citation.quote[start - citation.start : end - citation.start]


def _passage(passage: Passage) -> dict[str, Any]:
    chunk, scores = passage.chunk, passage.scores
    return {
        "rank": passage.rank,
        "article_id": chunk.article_id,
        "title": passage.article.title,
        "heading": chunk.heading,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "scores": {"dense": scores.dense, "lexical": scores.lexical, "fused": scores.fused},
    }
