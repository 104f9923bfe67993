"""How many records hold each term: what BM25 needs of the whole index, in the memory of each process.

Every write adds a page of what it has changed. Once these hold more than the last whole count, the write after that
counts anew: so what is written stays in proportion, and what a process that starts has to read does too.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from index.milvus.bm25 import term_id
from index.milvus.server import PAGES, Server
from index.milvus.state import Kind, State, first_key, number_of, read_state

_TERMS_PER_PAGE = 100_000
_DIMENSION, _COUNT = np.dtype("<u4"), np.dtype("<i8")


class Counts:
    """A number for each dimension of the sparse vectors; 0 for those that it does not have."""

    def __init__(self) -> None:
        self._table = np.zeros(0, _DIMENSION), np.zeros(0, _COUNT)  # in order; changed as a whole, for other threads

    def __len__(self) -> int:
        return len(self._table[0])

    def add(self, ids: NDArray[np.uint32], counts: NDArray[np.int64]) -> None:
        """Add to each of `ids`, which may repeat, its count."""
        new, place = np.unique(ids, return_inverse=True)
        sums = np.zeros(len(new), _COUNT)
        np.add.at(sums, place, counts)
        held, before = self._table
        at = np.searchsorted(held, new)
        is_held = np.zeros(len(new), bool)
        is_held[at < len(held)] = held[at[at < len(held)]] == new[at < len(held)]
        after = before.copy()
        after[at[is_held]] += sums[is_held]
        all_ids, after = np.insert(held, at[~is_held], new[~is_held]), np.insert(after, at[~is_held], sums[~is_held])
        self._table = all_ids[after != 0], after[after != 0]

    def add_each(self, ids: Sequence[int], worth: int) -> None:
        """Add `worth` to each of `ids`, as often as it stands there."""
        self.add(np.array(ids, _DIMENSION), np.full(len(ids), worth, _COUNT))

    def plus(self, other: Counts) -> Counts:
        """The sums of both."""
        total = Counts()
        total._table = self._table
        total.add(*other._table)
        return total

    def of(self, ids: Sequence[int]) -> list[int]:
        """The count of each of `ids`."""
        held, counts = self._table
        wanted = np.array(ids, _DIMENSION)
        if not len(held):
            return [0] * len(wanted)
        at = np.searchsorted(held, wanted).clip(max=len(held) - 1)
        return [int(count) for count in np.where(held[at] == wanted, counts[at], 0)]

    def pages(self) -> Iterator[str]:
        """All of it, as the bodies of pages."""
        ids, counts = self._table
        for at in range(0, len(ids), _TERMS_PER_PAGE):
            part = slice(at, at + _TERMS_PER_PAGE)
            raw = ids[part].astype(_DIMENSION).tobytes() + counts[part].astype(_COUNT).tobytes()
            yield base64.b64encode(zlib.compress(raw, 1)).decode()

    def add_page(self, body: str) -> None:
        """Add what `pages` made."""
        raw = zlib.decompress(base64.b64decode(body))
        count = len(raw) // (_DIMENSION.itemsize + _COUNT.itemsize)
        ids = np.frombuffer(raw, _DIMENSION, count)
        self.add(ids, np.frombuffer(raw, _COUNT, count, offset=ids.nbytes))


class Statistics:
    """The counts and terms of an index as one process knows them. Not safe to share between threads without a lock."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._version = -1
        self.counts = Counts()
        self._terms: dict[str, tuple[int, list[str]]] = {}

    def refresh(self, state: State) -> State:
        """Read what was written since, and return the state that was read: `state`, or a later one."""
        while self._version < state.version:
            if self._version < state.counted:
                self.counts, self._version = Counts(), state.counted - 1
            for row in self._pages(Kind.COUNTS, 0, self._version, state):
                self.counts.add_page("".join(row["body"]))
            self._version = state.version
            now = read_state(self._server)
            if now.counted != state.counted:  # what was read may have been half swept up: once more
                self._version = -1
                state = now
        return state

    def vocabulary(self, field: str, state: State) -> list[tuple[str, int]]:
        """The terms of `field`, each with the number of records that hold it; at or after the state refreshed to."""
        seen, terms = self._terms.get(field, (-1, list[str]()))
        if seen < state.floor:
            seen, terms = state.floor - 1, []
        fresh = {
            t
            for row in self._pages(Kind.TERMS, number_of(field), seen, state)
            for t in json.loads("".join(row["body"]))
        }
        terms = [*terms, *sorted(fresh.difference(terms))] if fresh else terms
        self._terms[field] = (state.version, terms)
        held = self.counts.of([term_id(field, term) for term in terms])
        return [(term, count) for term, count in zip(terms, held, strict=True) if count]

    def _pages(self, kind: Kind, owner: int, seen: int, state: State) -> Iterable[dict[str, list[str]]]:
        keys = f"key >= {first_key(seen + 1)} and key < {first_key(state.version + 1)}"
        return self._server.all_rows(PAGES, f"kind == {int(kind)} and owner == {owner} and {keys}", ["body"])
