"""How far a mean may be trusted, and whether two runs differ.

Bootstrap after Efron and Tibshirani, *An Introduction to the Bootstrap* (1993), percentile intervals; the paired test
is Fisher's randomisation of signs, which is McNemar's exact test where the differences are all of one size (Smucker,
Allan and Carterette, CIKM 2007). Everything is seeded: the same results give the same figures.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from eval.metrics import win_matrix

RESAMPLES = 1000
PERMUTATIONS = 10_000
Interval = tuple[float, float]

_EXACT_UP_TO = 14  # with so many differences all signs are tried (16,384); beyond, a sample of them


class Bootstrap:
    """`RESAMPLES` draws of the questions, with replacement. Questions of one group are drawn together."""

    def __init__(self, groups: Sequence[Hashable], seed: int = 0) -> None:
        """Draw from the questions whose groups these are; give each its own if they are independent."""
        numbers = {group: i for i, group in enumerate(dict.fromkeys(groups))}
        member = np.array([numbers[group] for group in groups], np.int64)
        n = max(len(numbers), 1)
        draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
        self._weights: NDArray[np.float32] = draws[:, member].astype(np.float32)

    def mean(self, values: NDArray[np.float64]) -> list[Interval | None]:
        """A 95 % interval for the mean of each column; NaN stands for a question without that score."""
        held = ~np.isnan(values)
        counts = self._weights @ held.astype(np.float32)
        sums = self._weights @ np.where(held, values, 0).astype(np.float32)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums / counts
        return [_interval(column) for column in means.T]

    def auroc(self, scores: Sequence[float], positive: Sequence[bool]) -> Interval | None:
        """A 95 % interval for the area under the curve."""
        return _interval(self.auroc_draws(scores, positive))

    def auroc_draws(self, scores: Sequence[float], positive: Sequence[bool]) -> NDArray[np.float64]:
        """The area under the curve in each draw; NaN where a draw holds only one kind."""
        labels = np.asarray(positive, bool)
        wins = win_matrix(scores, positive)
        above, below = self._weights[:, labels], self._weights[:, ~labels]
        with np.errstate(invalid="ignore", divide="ignore"):
            draws = ((above @ wins) * below).sum(1) / (above.sum(1) * below.sum(1))
        areas: NDArray[np.float64] = draws.astype(np.float64)
        return areas


def _interval(draws: NDArray[np.floating]) -> Interval | None:
    held = draws[~np.isnan(draws)]
    if not held.size:
        return None
    low, high = np.percentile(held, [2.5, 97.5])
    return float(low), float(high)


def paired_p(differences: Sequence[float], seed: int = 0) -> float:
    """The two-sided p of a sum of paired differences as large as this one, were each as likely to be reversed."""
    values = np.array([d for d in differences if d], np.float64)
    n = len(values)
    if n == 0:
        return 1.0
    sizes = np.abs(values)
    if np.allclose(sizes, sizes[0]):  # McNemar, exact
        few = min(int((values > 0).sum()), int((values < 0).sum()))
        tail: int = sum(math.comb(n, i) for i in range(few + 1))
        return float(min(1.0, 2 * tail / 2**n))
    observed = abs(float(values.sum())) - 1e-9
    if n <= _EXACT_UP_TO:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float((np.abs(signs @ values) >= observed).mean())
    signs = np.random.default_rng(seed).choice(np.array([-1.0, 1.0]), size=(PERMUTATIONS, n))
    return float(((np.abs(signs @ values) >= observed).sum() + 1) / (PERMUTATIONS + 1))
