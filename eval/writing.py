"""What became of the words of a language model: of one question, and of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eval.support import lacking, source, statements
from rag.schema import Answer

Written = dict[str, Any]


def written(answer: Answer, *, answerable: bool) -> Written | None:
    """How the sentences of the model fared; None if none was asked.

    Of those that are `shown`, the `unsupported` should not be: the corpus does not hold an answer, or the sentence has
    a date, number or name that its source lacks (`lacks`).
    """
    told = answer.writing
    if not told.model:
        return None
    shown = [] if answer.refused else statements(answer)[: told.kept]
    lacks = [(text, lacking(text, source(answer, citation))) for text, citation in shown]
    return {
        "model": told.model,
        "shown": [text for text, _ in shown],
        "moved": told.moved,
        "dropped": [{"text": text, "why": why} for text, why in told.dropped],
        "unsupported": [{"text": text, "lacks": found} for text, found in lacks if found or not answerable],
        "note": told.note,
        "tokens_in": told.tokens_in,
        "tokens_out": told.tokens_out,
    }


def written_scores(found: Written) -> dict[str, float]:
    """The scores of a question that a model was asked: see `eval.names.WRITING`.

    What the server does not tell is absent, and so is whether sentences are supported where none is shown.
    """
    scores = {
        "model_sentences": float(len(found["shown"])),
        "model_moved": float(found["moved"]),
        "model_dropped": float(len(found["dropped"])),
        "model_replaced": float(not found["shown"]),
    }
    if found["shown"]:
        scores["model_supported"] = float(not found["unsupported"])
    return scores | {f"model_{name}": float(found[name]) for name in ("tokens_in", "tokens_out") if found[name]}


def totals(questions: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The sums over those of `questions` that a model was asked; {} if it was asked none."""
    asked = [question["writing"] for question in questions if question.get("writing")]
    if not asked:
        return {}
    sums = {name: sum(len(found[name]) for found in asked) for name in ("shown", "dropped", "unsupported")}
    sums |= {name: sum(found[name] for found in asked) for name in ("moved", "tokens_in", "tokens_out")}
    return {"asked": len(asked), "replaced": sum(not found["shown"] for found in asked), **sums}
