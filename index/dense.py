"""Nearest vectors by FAISS, by inner product, with the store's row numbers as ids.

Derived from the store. A snapshot file, named by the last operation it has seen, saves the replay of the
whole log when the index is opened; anything newer is replayed on top of it. It ends with a digest of what was written.

As many vectors as are searched in a moment are kept as they are. More of them are kept in eight bits a dimension, a
quarter of the memory and half of the time; the best are then ranked by what they are in the store.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path

import faiss
import numpy as np

from index.errors import IndexDamagedError
from index.schema import Vectors
from index.store import Moment, Operation, Store

_SNAPSHOT = re.compile(r"dense-(\d+)-([0-9a-f]+)\.faiss")
_DIGEST_BYTES = 16
# A snapshot is written anew when this many operations were replayed on the one before (0.1 s of replay), or as many as
# this share of all vectors, so that writing many does not write the file for each few of them.
_SNAPSHOT_EVERY, _SNAPSHOT_SHARE = 2_000, 0.1
# Operations that are replayed at once: few enough for the memory.
_BATCH = 10_000

# Up to so many vectors are kept as they are: 146 MB and 15 ms a search on one core, at 384 dimensions.
_FLAT_UP_TO = 100_000
# An index that has fallen to this share of it becomes flat again, so that it does not change to and fro.
_FLAT_AGAIN = 0.8
# How many vectors tell the range of each dimension.
_TRAINED_ON = 20_000
# Candidates in eight bits for each one that is wanted: the test of recall@10 asks for .99, of clustered vectors.
_CANDIDATES = 2


class Dense:
    """The FAISS index of a store's vectors, in memory. Not safe to share between threads without a lock."""

    def __init__(self, folder: Path, store: Store) -> None:
        """Open the newest snapshot in `folder` that is whole, or begin from nothing."""
        self._folder = folder
        self._store = store
        self._moment = Moment()
        self._saved_sequence = 0
        self._index: faiss.IndexIDMap2 | None = None
        self.damaged: list[str] = []
        for path, moment in self._snapshots():
            if not store.has_seen(moment):  # it belongs to another store, or to one that was put back
                continue
            try:
                self._index = _read(path)
            except (OSError, ValueError, RuntimeError):  # an older snapshot, or the log, makes up for it
                self.damaged.append(path.name)
                continue
            self._moment, self._saved_sequence = moment, moment.sequence
            return

    def _snapshots(self) -> list[tuple[Path, Moment]]:
        """All snapshots there are, the newest first."""
        found = [(path, _SNAPSHOT.fullmatch(path.name)) for path in self._folder.glob("dense-*.faiss")]
        moments = [(path, Moment(int(m[1]), int(m[2], 16))) for path, m in found if m]
        return sorted(moments, key=lambda item: -item[1].sequence)

    def refresh(self) -> None:
        """Replay what the store has acknowledged since."""
        if self._store.sequence == self._moment.sequence:
            return
        with self._store.moment() as now:
            if self._index is not None and self._is_coarse != self._should_be_coarse(now.records):
                self._index, self._moment = None, Moment()
            operations = self._store.operations_since(self._moment.sequence)
            while batch := list(islice(operations, _BATCH)):
                self._replay(batch, now.records)
            self._moment = now

    def _replay(self, operations: Sequence[Operation], records: int) -> None:
        written = [(op.rid, op.vector) for op in operations if op.vector is not None]
        if self._index is not None:
            self._index.remove_ids(np.array([op.rid for op in operations], np.int64))
        if not written:
            return
        vectors = np.stack([vector for _, vector in written])
        if self._index is None or (self._index.d != vectors.shape[1] and self._index.ntotal == 0):
            self._index = self._new(vectors.shape[1], records)
        elif self._index.d != vectors.shape[1]:
            raise IndexDamagedError(
                f"The index in {self._folder} mixes vectors of {self._index.d} and {vectors.shape[1]} "
                "dimensions: run `hoidap index rebuild`."
            )
        self._index.add_with_ids(vectors, np.array([rid for rid, _ in written], np.int64))

    def _new(self, dimension: int, records: int) -> faiss.IndexIDMap2:
        """An empty index for about so many records."""
        if not self._should_be_coarse(records):
            return faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        coarse = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
        rids = self._store.all_rids()
        sample = rids[:: max(len(rids) // _TRAINED_ON, 1)]
        coarse.train(np.stack(list(self._store.vectors(sample).values())))
        return faiss.IndexIDMap2(coarse)

    @property
    def _is_coarse(self) -> bool:
        return self._index is not None and isinstance(
            faiss.downcast_index(self._index.index), faiss.IndexScalarQuantizer
        )

    def _should_be_coarse(self, records: int) -> bool:
        return records > (_FLAT_UP_TO * _FLAT_AGAIN if self._is_coarse else _FLAT_UP_TO)

    def save(self, *, at_once: bool = False) -> None:
        """Write a snapshot, if enough has happened since the last one or `at_once` is asked for."""
        sequence = self._moment.sequence
        if self._index is None or self._saved_sequence == sequence:
            return
        enough = max(_SNAPSHOT_EVERY, self._index.ntotal * _SNAPSHOT_SHARE)
        if self._saved_sequence > 0 and sequence - self._saved_sequence < enough and not at_once:
            return
        path = self._folder / f"dense-{sequence}-{self._moment.token:x}.faiss"
        temporary = path.with_suffix(".tmp")
        _write(self._index, temporary)
        with contextlib.suppress(FileNotFoundError):  # another process has written the same at the same time
            temporary.replace(path)
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
        return set() if self._index is None else set(faiss.vector_to_array(self._index.id_map).tolist())

    def make_anew(self) -> None:
        """Forget everything, and read it from the store again."""
        self._index, self._moment, self._saved_sequence = None, Moment(), 0
        self.refresh()
        self.save(at_once=True)

    def search(self, vector: Vectors, depth: int, rids: Sequence[int] | None) -> dict[int, float]:
        """Row numbers and inner products of the `depth` nearest; among `rids` alone unless that is None."""
        if self._index is None or self._index.ntotal == 0 or depth < 1:
            return {}
        parameters = None
        if rids is not None:
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(np.array(rids, np.int64)))
        wanted = depth * _CANDIDATES if self._is_coarse else depth
        scores, found = self._index.search(vector[None, :], wanted, params=parameters)
        nearest = {int(rid): float(score) for rid, score in zip(found[0], scores[0], strict=True) if rid >= 0}
        return self._exactly(vector, list(nearest), depth) if self._is_coarse else nearest

    def _exactly(self, vector: Vectors, rids: Sequence[int], depth: int) -> dict[int, float]:
        """The `depth` nearest of `rids`, by their vectors in the store; one that was removed meanwhile is left out."""
        scores = {rid: float(stored @ vector) for rid, stored in self._store.vectors(rids).items()}
        return dict(sorted(scores.items(), key=lambda item: -item[1])[:depth])


def _write(index: faiss.Index, path: Path) -> None:
    digest = blake2b(digest_size=_DIGEST_BYTES)
    with path.open("wb") as file:

        def write(data: bytes) -> int:
            digest.update(data)
            return file.write(data)

        faiss.write_index(index, faiss.PyCallbackIOWriter(write))
        file.write(digest.digest())


def _read(path: Path) -> faiss.Index:
    """Raises ValueError if the file is not what was written: FAISS must not be given that."""
    data = memoryview(path.read_bytes())
    content, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if blake2b(content, digest_size=_DIGEST_BYTES).digest() != digest:
        raise ValueError(f"{path} is damaged")
    return faiss.read_index(faiss.PyCallbackIOReader(io.BytesIO(content).read))
