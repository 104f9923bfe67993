"""Nearest vectors by FAISS, by inner product, with the store's row numbers as ids.

Derived from the store. A snapshot file, named by the last operation it has seen, saves the replay of the
whole log when the index is opened; anything newer is replayed on top of it. It ends with a digest of what was written.

As many vectors as are searched in a moment are kept as they are. Of more of them two bits for each dimension are kept
in memory, or a graph if that was chosen, and the best are ranked by the vectors themselves: see `index.kinds`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from index.errors import IndexDamagedError
from index.kinds import Flat, Graph, Kind, Small
from index.schema import Vectors
from index.store import Moment, Operation, Store

_KINDS: Mapping[str, type[Flat] | type[Small]] = {kind.name: kind for kind in (Flat, Small, Graph)}
_SNAPSHOT = re.compile(rf"dense-({'|'.join(_KINDS)})-(\d+)-([0-9a-f]+)\.faiss")
# A snapshot is written anew when this many operations were replayed on the one before (0.1 s of replay), or as many as
# this share of all vectors, so that writing many does not write the file for each few of them.
_SNAPSHOT_EVERY, _SNAPSHOT_SHARE = 2_000, 0.05
# Operations that are replayed at once: few enough for the memory.
_BATCH = 10_000

# Up to so many vectors are kept as they are: 29 MB and 3 ms a search on one core, at 384 dimensions.
_FLAT_UP_TO = 20_000
# An index that has fallen to this share of it becomes flat again, so that it does not change to and fro.
_FLAT_AGAIN = 0.8
# How many vectors tell where they lie.
_TRAINED_ON = 20_000


class Dense:
    """The FAISS index of a store's vectors, in memory. Not safe to share between threads without a lock."""

    def __init__(self, folder: Path, store: Store, *, graph: bool = False) -> None:
        """Open the newest snapshot in `folder` that is whole, or begin from nothing; of many make a `graph`, or not."""
        self._folder = folder
        self._many = Graph if graph else Small
        self._store = store
        self._moment = Moment()
        self._saved_sequence = 0
        self._kind: Kind | None = None
        self.damaged: list[str] = []
        for path, kind, moment in self._snapshots():
            if kind not in (Flat.name, self._many.name):
                continue
            if not store.has_seen(moment):  # it belongs to another store, or to one that was put back
                continue
            try:
                self._kind = _KINDS[kind].read(path)
            except (OSError, ValueError, RuntimeError):  # an older snapshot, or the log, makes up for it
                self.damaged.append(path.name)
                continue
            self._moment, self._saved_sequence = moment, moment.sequence
            return

    def _snapshots(self) -> list[tuple[Path, str, Moment]]:
        """All snapshots there are, the newest first."""
        found = [(path, _SNAPSHOT.fullmatch(path.name)) for path in self._folder.glob("dense-*.faiss")]
        moments = [(path, m[1], Moment(int(m[2]), int(m[3], 16))) for path, m in found if m]
        return sorted(moments, key=lambda item: -item[2].sequence)

    def refresh(self) -> None:
        """Replay what the store has acknowledged since."""
        if self._store.sequence == self._moment.sequence:
            return
        with self._store.moment() as now:
            if self._kind is not None and (self._kind.name != self._wanted(now.records) or self._kind.is_worn):
                self._kind, self._moment = None, Moment()
            operations = self._store.operations_since(self._moment.sequence)
            while batch := list(islice(operations, _BATCH)):
                self._replay(batch, now.records)
            self._moment = now

    def _replay(self, operations: Sequence[Operation], records: int) -> None:
        written = [(op.rid, vector) for op in operations if (vector := op.vector) is not None]
        if self._kind is not None:
            self._kind.remove(np.array([op.rid for op in operations], np.int64))
        if not written:
            return
        vectors = np.stack([vector for _, vector in written])
        dimension = vectors.shape[1]
        if self._kind is None or (self._kind.dimension != dimension and not len(self._kind.rids())):
            self._kind = self._new(dimension, records)
        elif self._kind.dimension != dimension:
            raise IndexDamagedError(
                f"The index in {self._folder} mixes vectors of {self._kind.dimension} and {dimension} "
                "dimensions: run `hoidap index rebuild`."
            )
        self._kind.add(np.array([rid for rid, _ in written], np.int64), vectors)

    def _new(self, dimension: int, records: int) -> Kind:
        """An empty one for about so many records."""
        if self._wanted(records) == Flat.name:
            return Flat.new(dimension)
        rids = self._store.all_rids()
        sample = rids[:: max(len(rids) // _TRAINED_ON, 1)]
        return self._many.new(np.stack(list(self._store.vectors(sample).values())))

    def _wanted(self, records: int) -> str:
        """The kind that is right for so many records."""
        were_many = self._kind is not None and self._kind.name != Flat.name
        return self._many.name if records > _FLAT_UP_TO * (_FLAT_AGAIN if were_many else 1) else Flat.name

    def save(self, *, at_once: bool = False) -> None:
        """Write a snapshot, if enough has happened since the last one or `at_once` is asked for."""
        sequence = self._moment.sequence
        if self._kind is None or self._saved_sequence == sequence:
            return
        enough = max(_SNAPSHOT_EVERY, self._moment.records * _SNAPSHOT_SHARE)
        if self._saved_sequence > 0 and sequence - self._saved_sequence < enough and not at_once:
            return
        path = self._folder / f"dense-{self._kind.name}-{sequence}-{self._moment.token:x}.faiss"
        temporary = path.with_suffix(".tmp")
        self._kind.write(temporary)
        with contextlib.suppress(FileNotFoundError):  # another process has written the same at the same time
            temporary.replace(path)
        with contextlib.suppress(FileNotFoundError):  # another process has written a newer one
            self._kind.settle(path)
        for old in self._folder.glob("dense*"):
            if old != path:
                with contextlib.suppress(OSError):  # a reader may hold it open; it is deleted next time
                    old.unlink()
        self._saved_sequence = sequence

    @property
    def sequence(self) -> int:
        """The last operation that has been seen."""
        return self._moment.sequence

    @property
    def is_saved(self) -> bool:
        """Whether there is a snapshot at all; without one the whole log is replayed when the index is opened."""
        return self._saved_sequence > 0

    def rids(self) -> set[int]:
        """The row numbers of all vectors."""
        return set() if self._kind is None else set(self._kind.rids().tolist())

    def make_anew(self) -> None:
        """Forget everything, and read it from the store again."""
        self._kind, self._moment, self._saved_sequence = None, Moment(), 0
        self.refresh()
        self.save(at_once=True)

    def search(self, vector: Vectors, depth: int, rids: Sequence[int] | None) -> dict[int, float]:
        """Row numbers and inner products of the `depth` nearest; among `rids` alone unless that is None."""
        if self._kind is None or depth < 1:
            return {}
        return self._kind.search(vector, depth, rids)
