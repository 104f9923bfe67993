"""Nearest vectors by FAISS: exact, by inner product, with the store's row numbers as ids.

Derived from the store. A snapshot file, named by the last operation it has seen, saves the replay of the
whole log when the index is opened; anything newer is replayed on top of it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np

from index.errors import IndexDamagedError
from index.schema import Vectors
from index.store import Store

_SNAPSHOT = re.compile(r"dense-(\d+)\.faiss")
# A snapshot is written anew when this many operations were replayed on the one before (0.1 s of replay).
_SNAPSHOT_EVERY = 10_000


class Dense:
    """The FAISS index of a store's vectors, in memory. Not safe to share between threads without a lock."""

    def __init__(self, folder: Path, store: Store) -> None:
        """Open the newest snapshot in `folder` that can be read, or begin from nothing."""
        self._folder = folder
        self._store = store
        self._sequence = 0
        self._saved_sequence = 0
        self._index: faiss.IndexIDMap2 | None = None
        self._load()

    def _load(self) -> None:
        for path, sequence in self._snapshots():
            try:
                index = faiss.read_index(str(path))
            except RuntimeError:  # damaged: an older snapshot, or the log, makes up for it
                continue
            if sequence <= self._store.sequence:
                self._index, self._sequence, self._saved_sequence = index, sequence, sequence
                return

    def _snapshots(self) -> list[tuple[Path, int]]:
        found = [(path, _SNAPSHOT.fullmatch(path.name)) for path in self._folder.glob("dense-*.faiss")]
        return sorted(((p, int(m.group(1))) for p, m in found if m), key=lambda item: -item[1])

    def refresh(self) -> None:
        """Replay what the store has acknowledged since."""
        latest = self._store.sequence
        if latest == self._sequence:
            return
        operations = list(self._store.operations_since(self._sequence))
        touched = np.array([op.rid for op in operations], np.int64)
        written = [(op.rid, op.vector) for op in operations if op.vector is not None]
        if self._index is not None and len(touched):
            self._index.remove_ids(touched)
        if written:
            vectors = np.stack([vector for _, vector in written])
            if self._index is None or (self._index.d != vectors.shape[1] and self._index.ntotal == 0):
                self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
            elif self._index.d != vectors.shape[1]:
                raise IndexDamagedError(
                    f"The index in {self._folder} mixes vectors of {self._index.d} and {vectors.shape[1]} "
                    "dimensions: run `hoidap index rebuild`."
                )
            self._index.add_with_ids(vectors, np.array([rid for rid, _ in written], np.int64))
        self._sequence = latest

    def save(self) -> None:
        """Write a snapshot if enough has happened since the last one."""
        if self._index is None or self._saved_sequence == self._sequence:
            return
        if self._saved_sequence > 0 and self._sequence - self._saved_sequence < _SNAPSHOT_EVERY:
            return
        temporary = self._folder / "dense.tmp"
        faiss.write_index(self._index, str(temporary))
        temporary.replace(self._folder / f"dense-{self._sequence}.faiss")
        for path, sequence in self._snapshots():
            if sequence != self._sequence:
                with contextlib.suppress(OSError):  # a reader may hold it open; it is deleted next time
                    path.unlink()
        self._saved_sequence = self._sequence

    def search(self, vector: Vectors, depth: int, rids: Sequence[int] | None) -> dict[int, float]:
        """Row numbers and inner products of the `depth` nearest; among `rids` alone unless that is None."""
        if self._index is None or self._index.ntotal == 0 or depth < 1:
            return {}
        parameters = None
        if rids is not None:
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(np.array(rids, np.int64)))
        scores, found = self._index.search(vector[None, :], depth, params=parameters)
        return {int(rid): float(score) for rid, score in zip(found[0], scores[0], strict=True) if rid >= 0}
