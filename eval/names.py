"""Every metric that a run may have, by name, for options that name one."""

from __future__ import annotations

import re

from eval.errors import EvalError
from eval.result import Result

ANSWER = ("answer_accuracy", "token_f1", "mean_words", "citation_accuracy", "citation_validity", "em", "f1")
REFUSAL = ("refusal_precision", "refusal_recall", "false_refusal_rate", "refusal_auroc")
EVIDENCE = ("answer_in_citations@1", "answer_in_citations@2", "answer_in_citations@3")
WRITING = (
    "model_supported",
    "model_replaced",
    "model_sentences",
    "model_moved",
    "model_dropped",
    "model_tokens_in",
    "model_tokens_out",
)
RETRIEVAL = ("recall@1", "recall@5", "recall@10", "recall@20", "mrr", "ndcg@10")

_PLAIN = {*ANSWER, *REFUSAL, *EVIDENCE, *WRITING, "correct", "peak_memory_mb"}
_RETRIEVAL = re.compile(rf"(?:dense|lexical|fused)\.(?:article\.)?(?:{'|'.join(RETRIEVAL)})")
_LATENCY = re.compile(r"latency(?:\.\w+)?_p(?:50|95)_ms")


def known(name: str) -> bool:
    """Whether some run may have a metric of that name."""
    plain = name.removeprefix("given_context.") in _PLAIN
    return plain or bool(_RETRIEVAL.fullmatch(name) or _LATENCY.fullmatch(name))


def parse_minimum(text: str) -> tuple[str, float]:
    """`metric=value` as the two.

    Raises:
        EvalError: it is of another form, or there is no such metric.
    """
    name, _, value = text.partition("=")
    name = name.strip()
    try:
        number = float(value)
    except ValueError as error:
        raise EvalError(f"--min {text!r}: write metric=value, for example answer_accuracy=0.8.") from error
    if not known(name):
        raise EvalError(
            f"--min: there is no metric {name!r}; known are {', '.join(sorted(_PLAIN))}, and fused.ndcg@10."
        )
    return name, number


def below(result: Result, minimums: list[tuple[str, float]]) -> list[str]:
    """What fell short, one sentence each.

    Raises:
        EvalError: the run does not have one of the metrics.
    """
    for name, _ in minimums:
        if name not in result.metrics:
            raise EvalError(f"--min: this run has no {name}; it has {', '.join(result.metrics)}.")
    return [
        f"{name} is {result.metrics[name]:.4f}, below {least:g}."
        for name, least in minimums
        if not result.metrics[name] >= least
    ]
