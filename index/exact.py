"""The vectors themselves, in half precision, to rank by what an index that keeps them small takes for the nearest.

What was in the snapshot stays in its file, mapped into memory: only what is looked at is read. A row number is never
used twice, so a vector that was removed may stay where it is until the next snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from index.schema import Vectors

Rids = NDArray[np.int64]
Halves = NDArray[np.float16]

_BLOCK = 10_000  # vectors that are kept, and written, together


class Exact:
    """Vectors by row number."""

    def __init__(self, rids: Rids, rows: Halves) -> None:
        """Begin with `rows`, those of `rids`, which rise."""
        self._blocks = [(rids, rows)]
        self._gone: set[int] = set()

    @classmethod
    def none(cls, dimension: int) -> Exact:
        """No vectors yet."""
        return cls(np.empty(0, np.int64), np.empty((0, dimension), np.float16))

    def add(self, rids: Rids, vectors: Vectors) -> None:
        """Keep `vectors` under `rids`."""
        self._gone.difference_update(rids.tolist())
        new = ~self._holds(rids)
        order = np.argsort(rids[new])
        block = rids[new][order], vectors[new][order].astype(np.float16)
        last = self._blocks[-1]
        if len(self._blocks) > 1 and len(last[0]) + len(block[0]) <= _BLOCK and not _overlap(last[0], block[0]):
            self._blocks[-1] = np.concatenate([last[0], block[0]]), np.concatenate([last[1], block[1]])
        else:
            self._blocks.append(block)

    def remove(self, rids: Rids) -> None:
        """Forget these row numbers; unknown ones are passed over."""
        self._gone.update(rids[self._holds(rids)].tolist())

    def best(self, vector: Vectors, rids: Sequence[int] | Rids, depth: int) -> dict[int, float]:
        """Row numbers and inner products of the `depth` nearest to `vector` of `rids`, as far as they are held."""
        wanted = np.array([rid for rid in rids if rid not in self._gone], np.int64)
        found, scores = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        for held, rows in self._blocks:
            at, hit = _find(held, wanted)
            found.append(wanted[hit])
            scores.append(rows[at[hit]].astype(np.float32) @ vector)
        names, values = np.concatenate(found), np.concatenate(scores)
        order = np.lexsort((names, -values))[:depth]
        return dict(zip(names[order].tolist(), values[order].tolist(), strict=True))

    def rows(self, rids: Rids) -> Iterator[Halves]:
        """The vectors of `rids`, all of which are held, in that order, some at a time."""
        for begin in range(0, len(rids), _BLOCK):
            wanted = rids[begin : begin + _BLOCK]
            some: Halves = np.empty((len(wanted), self._blocks[0][1].shape[1]), np.float16)
            for held, rows in self._blocks:
                at, hit = _find(held, wanted)
                some[hit] = rows[at[hit]]
            yield some

    def _holds(self, rids: Rids) -> NDArray[np.bool_]:
        held = np.zeros(len(rids), bool)
        for block, _ in self._blocks:
            held |= _find(block, rids)[1]
        return held


def _find(held: Rids, wanted: Rids) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where each of `wanted` stands in `held`, which rise, and whether it does."""
    if not len(held):
        return np.zeros(len(wanted), np.intp), np.zeros(len(wanted), bool)
    at = np.searchsorted(held, wanted).clip(max=len(held) - 1)
    return at, held[at] == wanted


def _overlap(before: Rids, after: Rids) -> bool:
    return bool(len(before) and len(after) and before[-1] > after[0])
