"""Whether the answer is in what a question gets, by the same rule for everybody."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

from eval.bench.contender import Contender, K
from eval.bench.timing import OURS, Figure, Unit
from eval.gold import Gold
from eval.text import count_words, meets
from rag.pipeline import Pipeline
from rag.vietnamese.normalize import strip_accents

CITED = f"{OURS}, cited words"
_TYPED: Mapping[str, Callable[[str], str]] = {"as asked": str, "without accents": strip_accents}


def quality(pipeline: Pipeline, others: Sequence[Contender], gold: Sequence[Gold]) -> list[Figure]:
    """The share of questions whose gold answer stands among the first passages, or in the words that an answer cites.

    Of `gold` those are asked that have an answer and no history, which the others have no place for. All that is found
    is as long as it is: the words that a reader has to read are told beside.
    """
    wanted = [one for one in gold if one.answerable and not one.history]
    ways: dict[str, Callable[[str], list[str]]] = {
        OURS: lambda question: [passage.chunk.text for passage in pipeline.retrieve(question)[:K]],
        CITED: lambda question: _cited(pipeline, question),
    }
    ways |= {other.name: other.retrieve for other in others}
    figures = []
    for label, typed in _TYPED.items():
        found = {name: [way(typed(one.question)) for one in wanted] for name, way in ways.items()}
        held = {
            name: statistics.fmean(
                meets(texts, one.answers, one.all_of) for texts, one in zip(each, wanted, strict=True)
            )
            for name, each in found.items()
        }
        figures.append(Figure(f"answer in the first {K} passages, {label}", Unit.SHARE, held))
        words = {
            name: statistics.median(sum(map(count_words, texts)) for texts in each) for name, each in found.items()
        }
        figures.append(Figure(f"words in them, {label}", Unit.WORDS, words))
    return figures


def _cited(pipeline: Pipeline, question: str) -> list[str]:
    """The words that the answer cites; none if it is a refusal."""
    answer = pipeline.ask(question)
    return [] if answer.refused else [citation.quote for citation in answer.citations]
