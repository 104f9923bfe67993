"""Fitting the calibration of refusals on gold questions: a logistic regression, and two thresholds.

Three sorts of questions go in: those that the corpus answers; those that it does not; and the first sort again with
their articles left out, which makes them questions that it does not answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.errors import EvalError
from eval.gold import Gold, load_gold
from eval.metrics import auroc
from rag.calibration import Calibration, load_calibration, save_calibration
from rag.errors import QuestionError
from rag.grounding import features, missed
from rag.pipeline import Pipeline
from rag.schema import Filters, Turn

Progress = Callable[[int, int], None]
Matrix = NDArray[np.float64]

# The largest share of answerable questions that may be refused, and that may be answered with a warning.
FALSE_REFUSALS, WARNINGS = 0.04, 0.06
# How strongly the weights are held near those before: so few questions can move them only so far.
RIDGE = 2.0
# What a question with its articles left out counts, beside 1: it is easier than a near miss.
LEFT_OUT = 0.3
_LEAST = 10  # questions of each sort
_FOLDS = 10


@dataclass(frozen=True, slots=True)
class Row:
    """The features of a question's evidence, whether the corpus answers it, and how much that counts."""

    features: Mapping[str, float]
    answerable: bool
    weight: float = 1.0


def calibrate(
    pipeline: Pipeline, gold: Path, index_dir: Path, progress: Progress = lambda _done, _total: None
) -> Calibration:
    """Fit the calibration of the index in `index_dir`, which `pipeline` asks, on a file of questions; write it there.

    Raises:
        EvalError: the file cannot be used, or holds too few questions of one sort.
        CalibrationError: the calibration before cannot be read, or this one not be written.
    """
    golds = load_gold([gold])
    rows = collect(pipeline, golds, progress)
    embedder = pipeline.corpus.embedder.name
    before = start_from(load_calibration(index_dir), embedder)
    fitted = fit(rows, before, embedder, f"{len(golds)} questions of {gold.name}")
    save_calibration(fitted, index_dir)
    return fitted


def collect(pipeline: Pipeline, golds: Sequence[Gold], progress: Progress = lambda _done, _total: None) -> list[Row]:
    """A row for each of `golds`, and one more for each answerable one, with its articles left out."""
    rows = []
    everything = {article.id for article in pipeline.articles()}
    for done, gold in enumerate(golds):
        progress(done, len(golds))
        try:
            question = pipeline.understand(gold.question, [Turn(turn.role, turn.content) for turn in gold.history])
        except QuestionError:
            continue
        others = everything - set(gold.articles)
        wanted = [(Filters(), gold.answerable, 1.0)]
        if gold.answerable and others and others != everything:
            wanted.append((Filters(articles=frozenset(others)), False, LEFT_OUT))
        for only, answerable, weight in wanted:
            evidence = pipeline.find(question, only).evidence
            # What a constraint refuses needs no weights, and would teach them to look at nothing else.
            if evidence and not missed(question, evidence[0]):
                rows.append(Row(features(question, evidence), answerable, weight))
    progress(len(golds), len(golds))
    return rows


def fit(rows: Sequence[Row], before: Calibration, embedder: str, fitted_on: str) -> Calibration:
    """The calibration that tells the answerable of `rows` from the others, held near the one `before`.

    The thresholds are chosen on probabilities that each tenth of the rows gets from the other nine.

    Raises:
        EvalError: there are too few questions of one sort.
    """
    answerable = sum(row.answerable for row in rows)
    if min(answerable, len(rows) - answerable) < _LEAST:
        raise EvalError(
            f"{answerable} answerable and {len(rows) - answerable} unanswerable questions are too few to fit: "
            f"write at least {_LEAST} of each."
        )
    names = sorted({name for row in rows for name in row.features})
    x = np.array([[row.features.get(name, 0.0) for name in names] + [1.0] for row in rows])
    y = np.array([float(row.answerable) for row in rows])
    weights = np.array([row.weight for row in rows])
    start = np.array([before.weights.get(name, 0.0) for name in names] + [before.bias])
    out_of_fold = np.empty(len(rows))
    for fold in range(_FOLDS):
        held = np.arange(len(rows)) % _FOLDS == fold
        out_of_fold[held] = _probability(x[held], _fit(x[~held], y[~held], weights[~held], start))
    asked = out_of_fold[(y == 1) & (weights == 1)]  # the thresholds are for questions like ours
    found = _fit(x, y, weights, start)
    return Calibration(
        embedder=embedder,
        weights={name: round(float(weight), 3) for name, weight in zip(names, found, strict=False)},
        bias=round(float(found[-1]), 3),
        refuse_below=round(float(np.quantile(asked, FALSE_REFUSALS)), 3),
        answer_from=round(float(np.quantile(asked, FALSE_REFUSALS + WARNINGS)), 3),
        fitted_on=f"{fitted_on}; out of fold AUROC {auroc(list(out_of_fold), [bool(v) for v in y]):.3f}",
    )


def start_from(before: Calibration, embedder: str) -> Calibration:
    """What to fit from: the calibration `before`, or nothing if it belongs to another embedder than `embedder`."""
    return before if before.embedder == embedder else replace(before, weights={}, bias=0.0)


def _fit(x: Matrix, y: Matrix, weights: Matrix, start: Matrix) -> Matrix:
    """The regression without the features whose weight would be negative: more of any of them never speaks against."""
    kept = np.ones(len(start), bool)
    while True:
        found = np.zeros(len(start))
        found[kept] = _regress(x[:, kept], y, weights, start[kept])
        if (found[:-1] >= 0).all():
            return found
        kept[int(np.argmin(found[:-1]))] = False


def _regress(x: Matrix, y: Matrix, weights: Matrix, start: Matrix) -> Matrix:
    """Weighted ridge logistic regression towards `start`, by Newton's method."""
    found = start.copy()
    held = np.full(len(start), RIDGE)
    held[-1] = 1e-3  # the bias is free
    for _ in range(50):
        p = _probability(x, found)
        gradient = x.T @ (weights * (p - y)) + held * (found - start)
        hessian = (x.T * (weights * p * (1 - p))) @ x + np.diag(held)
        step = np.linalg.solve(hessian, gradient)
        found -= step
        if np.abs(step).max() < 1e-6:
            break
    return found


def _probability(x: Matrix, weights: Matrix) -> Matrix:
    probability: Matrix = 1 / (1 + np.exp(-np.clip(x @ weights, -50, 50)))
    return probability
