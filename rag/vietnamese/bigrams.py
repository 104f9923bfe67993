"""How often syllables of Vietnamese follow each other: counts of news texts of 28 million syllables, and of 27,000
questions, which count 20 and 100 times.

The file is made by `eval.count_bigrams`. A small corpus tells little of the language, and articles little of how people
ask; these counts tell the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

FILE = "bigrams.npz"
START, NUMBER = "^", "#"
"""Stands before the first syllable of a sentence; stands for every number."""
PER_DOUBLING = 8.0
"""A count is kept as its binary logarithm, in so many steps a doubling."""


@dataclass(frozen=True, slots=True)
class Bigrams:
    """`keys` are the pairs that were seen often enough, in order: place of the first syllable times `len(places)` and
    place of the second; `logs` their counts, as `PER_DOUBLING` says; `counts` are those of the single syllables.
    """

    places: dict[str, int]
    counts: NDArray[np.uint32]
    keys: NDArray[np.uint32]
    logs: NDArray[np.uint8]

    def share(self, syllable: str) -> float:
        """How many of a million syllables are this one."""
        place, others = self.places.get(syllable), [self.places[one] for one in (START, NUMBER) if one in self.places]
        total = self.counts.sum(dtype=np.int64) - self.counts[others].sum(dtype=np.int64)
        return 0.0 if place is None else float(self.counts[place]) * 1e6 / float(total)

    def follow(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """How likely the second syllable of each pair is after the first one."""
        known = [[self.places.get(NUMBER if one.isdigit() else one, -1) for one in pair] for pair in pairs]
        first, second = np.array(known, np.int64).reshape(-1, 2).T
        wanted = (first * len(self.places) + second).clip(0).astype(np.uint32)
        at = np.searchsorted(self.keys, wanted).clip(max=len(self.keys) - 1)
        seen = (self.keys[at] == wanted) & (first >= 0) & (second >= 0)
        likely: NDArray[np.float64] = np.where(seen, 2 ** (self.logs[at] / PER_DOUBLING) / self.counts[first], 0.0)
        return likely


@cache
def bigrams() -> Bigrams:
    """The counts that ship with hoidap."""
    with files("rag.vietnamese").joinpath("data", FILE).open("rb") as file, np.load(file) as arrays:
        syllables = bytes(arrays["syllables"]).decode().split()
        keys = np.cumsum(arrays["gaps"], dtype=np.uint32)
        places = {syllable: place for place, syllable in enumerate(syllables)}
        return Bigrams(places, arrays["counts"], keys, arrays["logs"])
