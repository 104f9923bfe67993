"""The metrics: one pure function each, with its formula.

A metric is the mean of a score over the questions that have it (see `eval.score`); a question without a gold answer
has no answer score. Only the area under the curve and the percentiles are not means.

Sources: Manning, Raghavan and Schütze, *Introduction to Information Retrieval* (2008), chapter 8, for recall, MRR and
nDCG; Rajpurkar et al., *SQuAD* (2016), for exact match and token F1; Fawcett, *An introduction to ROC analysis*
(2006), for AUROC.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.text import count_words, key, meets, tokens

MAX_WORDS = 80
"""An answer, or a quote, longer than this answers nothing: the reader still has to search."""


def answer_accuracy(answer: str, refused: bool, answers: Sequence[str], all_of: Sequence[str]) -> float:
    """1 if one of `answers` and all of `all_of` stand in an answer of at most `MAX_WORDS` words, else 0.

    A refusal is wrong: only questions that have an answer are scored.
    """
    return float(not refused and count_words(answer) <= MAX_WORDS and meets([answer], answers, all_of))


def token_f1(answer: str, answers: Iterable[str]) -> float:
    """The best over `answers` of 2PR / (P + R); P and R are the shared tokens over the tokens of each, as bags."""
    return max((_f1(tokens(answer), tokens(gold)) for gold in answers), default=0.0)


def _f1(given: Sequence[str], gold: Sequence[str]) -> float:
    shared = sum((Counter(given) & Counter(gold)).values())
    return 2 * shared / (len(given) + len(gold)) if shared else 0.0


def exact_match(answer: str, answers: Iterable[str]) -> float:
    """1 if `answer` has the same tokens as one of `answers`, in the same order, else 0."""
    return float(any(key(answer) == key(gold) for gold in answers))


def citation_accuracy(quotes: Iterable[str], answers: Sequence[str], all_of: Sequence[str]) -> float:
    """1 if the quotes from gold articles hold the answer, else 0: a refusal, or no such quote, is 0.

    A quote of more than `MAX_WORDS` words does not count: it points to nothing.
    """
    return float(meets([q for q in quotes if count_words(q) <= MAX_WORDS], answers, all_of))


def citation_validity(spans: Iterable[tuple[str | None, int, int, str]], pointed: set[int], markers: set[int]) -> float:
    """1 if each citation (article text, start, end, quote) quotes its article exactly and each marker has a citation.

    `pointed` are the markers `[n]` in the answer, `markers` those of its citations. No citation at all is 0: only
    questions that were answered are scored.
    """
    checked = [text is not None and quote != "" and text[start:end] == quote for text, start, end, quote in spans]
    return float(bool(checked) and all(checked) and pointed <= markers)


def recall(ranks: Sequence[int | None], k: int) -> float:
    """Of the things needed, the share that is met among the first `k`; `ranks` say where each is met first, from 1.

    A question whose answer may come from any of several passages needs one thing; one that asks for several, each.
    """
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks)


def reciprocal_rank(relevant: Sequence[bool]) -> float:
    """1 / rank of the first relevant result, 0 if there is none."""
    return next((1 / rank for rank, hit in enumerate(relevant, start=1) if hit), 0.0)


def ndcg(relevant: Sequence[bool], total: int, k: int = 10) -> float:
    """DCG / ideal DCG with DCG = sum of 1 / log2(rank + 1) over relevant results in the first `k`.

    The ideal ranking has all `total` relevant ones first.
    """
    gain = sum(1 / math.log2(rank + 1) for rank, hit in enumerate(relevant[:k], start=1) if hit)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(total, k) + 1))
    return gain / ideal if ideal else 0.0


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """How likely a positive is scored above a negative, ties counting half; None if one of the two is missing.

    For refusal, positive means that the corpus does not hold the answer and the score is 1 - support.
    """
    wins = win_matrix(scores, positive)
    return float(wins.mean()) if wins.size else None


def win_matrix(scores: Sequence[float], positive: Sequence[bool]) -> NDArray[np.float32]:
    """For each positive (row) and negative (column): 1 if the positive is scored higher, 1/2 if equal, else 0."""
    values, labels = np.asarray(scores, np.float64), np.asarray(positive, bool)
    above, below = values[labels][:, None], values[~labels][None, :]
    wins: NDArray[np.float32] = (above > below).astype(np.float32) + np.float32(0.5) * (above == below)
    return wins


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What would be, were questions refused whose score is at least `threshold`. `precision` is None if none were."""

    threshold: float
    precision: float | None
    recall: float
    false_refusal_rate: float


def refusal_curve(scores: Sequence[float], unanswerable: Sequence[bool]) -> list[CurvePoint]:
    """The curve over the threshold, from refusing everything to refusing nothing; [] if one of the two is missing."""
    values, labels = np.asarray(scores, np.float64), np.asarray(unanswerable, bool)
    if not labels.any() or labels.all():
        return []
    points = []
    for threshold in [0.0, *sorted(set(values.tolist())), math.nextafter(float(values.max()), math.inf)]:
        refused = values >= threshold
        right, wrong = int((refused & labels).sum()), int((refused & ~labels).sum())
        precision = right / (right + wrong) if right + wrong else None
        points.append(CurvePoint(threshold, precision, right / int(labels.sum()), wrong / int((~labels).sum())))
    return points


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions whose support lies between `low` and `high`: their number, mean support, and share of answerable."""

    low: float
    high: float
    count: int
    support: float
    answerable: float


def calibration(support: Sequence[float], answerable: Sequence[bool], bins: int = 10) -> list[Bin]:
    """The questions in equal steps of support, empty steps left out. Calibrated support equals the share."""
    values, labels = np.asarray(support, np.float64), np.asarray(answerable, bool)
    step = np.minimum((values * bins).astype(int), bins - 1)
    return [
        Bin(i / bins, (i + 1) / bins, int(here.sum()), float(values[here].mean()), float(labels[here].mean()))
        for i in range(bins)
        if (here := step == i).any()
    ]


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of `values` do not exceed, interpolated between neighbours."""
    return float(np.percentile(np.asarray(values, np.float64), percent))
