"""Fitting a calibration: on rows made by hand."""

from __future__ import annotations

import random

import pytest

from eval.calibrate import FALSE_REFUSALS, Row, fit, start_from
from eval.errors import EvalError
from rag.calibration import Calibration

NOTHING_BEFORE = Calibration("model", {}, 0.0, 0.3, 0.5, "nothing")


def rows(count: int = 200) -> list[Row]:
    """`good` tells the answerable, `bad` the others, `idle` neither."""
    chance = random.Random(1)  # noqa: S311 # no secret
    made = []
    for number in range(count):
        answerable = number % 2 == 0
        noise = chance.random()
        features = {"good": answerable + noise, "bad": (not answerable) + noise, "idle": chance.random()}
        made.append(Row(features, answerable))
    return made


def test_what_tells_the_answerable_gets_weight_and_nothing_speaks_against() -> None:
    fitted = fit(rows(), NOTHING_BEFORE, "model", "rows")
    assert fitted.weights["good"] > 1
    assert fitted.weights["bad"] == 0
    assert all(weight >= 0 for weight in fitted.weights.values())
    assert fitted.probability({"good": 1.8}) > 0.5 > fitted.probability({"good": 0.2})


def test_the_thresholds_keep_the_share_of_false_refusals() -> None:
    made = rows()
    fitted = fit(made, NOTHING_BEFORE, "model", "rows")
    assert 0 < fitted.refuse_below <= fitted.answer_from < 1
    refused = [fitted.probability(row.features) < fitted.refuse_below for row in made if row.answerable]
    assert sum(refused) / len(refused) <= 2 * FALSE_REFUSALS


def test_what_counts_little_moves_little() -> None:
    light = [Row(row.features, row.answerable, 0.001) for row in rows()] + rows(20)
    heavy = fit(rows(), NOTHING_BEFORE, "model", "rows").weights["good"]
    assert fit(light, NOTHING_BEFORE, "model", "rows").weights["good"] < heavy


@pytest.mark.parametrize("made", [[], rows(18), [row for row in rows() if row.answerable]])
def test_too_few_of_one_sort_are_refused_with_the_remedy(made: list[Row]) -> None:
    with pytest.raises(EvalError, match="at least 10 of each"):
        fit(made, NOTHING_BEFORE, "model", "rows")


def test_another_embedder_begins_from_nothing() -> None:
    before = Calibration("model", {"good": 1.0}, -1.0, 0.3, 0.5, "x")
    assert start_from(before, "model") == before
    assert start_from(before, "other").weights == {}
