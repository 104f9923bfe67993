"""Times taken in turn, so that whatever else the machine does hits everybody alike; and figures side by side."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from eval.metrics import percentile

OURS = "hoidap"
T = TypeVar("T")


class Unit(StrEnum):
    """What a figure counts."""

    MILLISECONDS = "ms"
    PER_SECOND = "a second"
    SHARE = "share"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of everybody who was measured, by their names; `OURS` is always among them."""

    name: str
    unit: Unit
    values: Mapping[str, float]

    def times(self, other: str) -> float | None:
        """How many times as fast as `other` ours is: above 1 is better. None for what is no speed, or not measured."""
        if other == OURS or other not in self.values or self.unit not in {Unit.MILLISECONDS, Unit.PER_SECOND}:
            return None
        ours, theirs = self.values[OURS], self.values[other]
        return theirs / ours if self.unit is Unit.MILLISECONDS else ours / theirs


def alternate(
    tasks: Mapping[str, Callable[[T], object]], items: Sequence[T], rounds: int, block: int = 1
) -> dict[str, list[float]]:
    """The milliseconds that each of `tasks` takes for each of `items`, in so many rounds.

    A block of items goes through one task, then through the next, and the order is turned round from block to block. In
    a block of several the first item is done once more, untimed: the threads of torch go on spinning for a while on the
    cores that the next one needs.
    """
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    blocks = [items[at : at + block] for at in range(0, len(items), block)] * rounds
    for number, some in enumerate(blocks):
        for name in list(tasks)[:: 1 if number % 2 else -1]:
            if block > 1:
                tasks[name](some[0])
            taken[name].extend(timed(tasks[name], item) for item in some)
    return taken


def timed(task: Callable[[T], object], item: T) -> float:
    """The milliseconds that `task` takes for `item`."""
    begun = time.perf_counter()
    task(item)
    return (time.perf_counter() - begun) * 1000


def medians(name: str, taken: Mapping[str, Sequence[float]]) -> Figure:
    """The median milliseconds of each."""
    return Figure(name, Unit.MILLISECONDS, {who: statistics.median(times) for who, times in taken.items()})


def late(name: str, taken: Mapping[str, Sequence[float]]) -> Figure:
    """The milliseconds that 95 % of each do not exceed."""
    return Figure(name, Unit.MILLISECONDS, {who: percentile(times, 95) for who, times in taken.items()})
