"""The ways in which FAISS keeps vectors and finds the nearest, by inner product. Ids are the store's row numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol, Self

import faiss
import numpy as np

from index import snapshot
from index.exact import Exact, Rids
from index.schema import Vectors

# Lists that `Small` parts its vectors into, each with a centre that its codes are relative to. Every list is searched:
# with 256 lists and half of them searched it was 7 ms for 12, but recall@10 fell from .999 to .993.
_LISTS = 64
# Bits of a code for each dimension. One does for texts that differ; where a thousand hardly do, as bulletins of every
# day, 400 candidates by it hold .91 of the ten nearest among a million, and .999 by two, in 23 ms for 12.
_BITS = 2
# Candidates by their codes for each one that is wanted, and at least: of real questions among a million vectors, 200
# candidates hold all of the ten nearest, and .993 in that worst case.
_CANDIDATES, _LEAST = 4, 200
# Vectors that FAISS compares at once: what it takes when it is not told.
_BLOCK = 32
# Among so few rows each is looked at.
_FEW = 20_000
# Of `Graph`: links of a vector, and vectors that are looked at for them when it is added; at least so many for a
# question, and for each candidate that is wanted. More of each finds more and takes longer.
_LINKS, _LOOKED_AT, _LEAST_WALKED, _WALKED = 32, 200, 512, 2
# What was removed stays in the graph as a way to others. When it is more than this share, the graph is made anew.
_WORN = 0.25
_ANY = 2**62


class Kind(Protocol):
    """Vectors by row number, kept in one way; `name` tells the snapshots of each way apart."""

    name: ClassVar[str]

    @property
    def dimension(self) -> int:
        """Of the vectors."""

    def add(self, rids: Rids, vectors: Vectors) -> None:
        """Keep `vectors` under `rids`, none of which is held."""

    def remove(self, rids: Rids) -> None:
        """Let go of these; unknown ones are passed over."""

    def search(self, vector: Vectors, depth: int, rids: Sequence[int] | None) -> dict[int, float]:
        """Row numbers and inner products of the `depth` nearest; among `rids` alone unless that is None."""

    def rids(self) -> Rids:
        """All row numbers, rising."""

    @property
    def is_worn(self) -> bool:
        """Whether it would be better made anew."""

    def write(self, path: Path) -> None:
        """Write a snapshot."""

    def settle(self, path: Path) -> None:
        """Let go of what can be read from the snapshot that was just written and is at `path` now."""


class Flat:
    """The vectors as they are, each compared: exact, 1.5 kB and .15 µs a vector of 384 dimensions."""

    name: ClassVar[str] = "flat"

    def __init__(self, index: faiss.IndexIDMap2) -> None:
        """Search `index`."""
        self._index = index

    @classmethod
    def new(cls, dimension: int) -> Flat:
        """An empty one."""
        return cls(faiss.IndexIDMap2(faiss.IndexFlatIP(dimension)))

    @classmethod
    def read(cls, path: Path) -> Flat:
        """The one that was written to `path`. Raises ValueError if it is damaged."""
        return cls(snapshot.read(path))

    @property
    def dimension(self) -> int:
        """See `Kind.dimension`."""
        return int(self._index.d)

    def add(self, rids: Rids, vectors: Vectors) -> None:
        """See `Kind.add`."""
        self._index.add_with_ids(vectors, rids)

    def remove(self, rids: Rids) -> None:
        """See `Kind.remove`."""
        self._index.remove_ids(rids)

    def search(self, vector: Vectors, depth: int, rids: Sequence[int] | None) -> dict[int, float]:
        """See `Kind.search`."""
        parameters = None if rids is None else faiss.SearchParameters(sel=_among(rids))
        scores, found = self._index.search(vector[None, :], depth, params=parameters)
        return {int(rid): float(score) for rid, score in zip(found[0], scores[0], strict=True) if rid >= 0}

    def rids(self) -> Rids:
        """See `Kind.rids`."""
        return np.sort(faiss.vector_to_array(self._index.id_map))

    @property
    def is_worn(self) -> bool:
        """See `Kind.is_worn`."""
        return False

    def write(self, path: Path) -> None:
        """See `Kind.write`."""
        snapshot.write(path, self._index)

    def settle(self, path: Path) -> None:
        """See `Kind.settle`: everything is searched."""


class Small:
    """Two bits for each dimension (RaBitQ), compared many at once in the processor's registers; the best exactly.

    116 bytes of memory a vector of 384 dimensions, and as much again as it is stored with in a file that is mapped.
    """

    name: ClassVar[str] = "twobit"

    def __init__(self, index: faiss.Index, exact: Exact) -> None:
        """Search `index`, and rank by `exact`."""
        self._index = index
        self._exact = exact

    @classmethod
    def new(cls, sample: Vectors) -> Small:
        """An empty one, for vectors like those of `sample`."""
        dimension = sample.shape[1]
        index = faiss.IndexIVFRaBitQFastScan(
            faiss.IndexFlatIP(dimension), dimension, _LISTS, faiss.METRIC_INNER_PRODUCT, _BLOCK, True, _BITS
        )
        index.cp.min_points_per_centroid = 1  # it would write to the terminal
        index.train(sample)
        return cls(index, Exact.none(dimension))

    @classmethod
    def read(cls, path: Path) -> Self:
        """The one that was written to `path`. Raises ValueError if it is damaged."""
        index = snapshot.read(path)
        return cls(index, Exact(cls._held(index), snapshot.rows(path, index.d)))

    @property
    def dimension(self) -> int:
        """See `Kind.dimension`."""
        return int(self._index.d)

    def add(self, rids: Rids, vectors: Vectors) -> None:
        """See `Kind.add`."""
        self._index.add_with_ids(vectors, rids)
        self._exact.add(rids, vectors)

    def remove(self, rids: Rids) -> None:
        """See `Kind.remove`."""
        self._index.remove_ids(rids)
        self._exact.remove(rids)

    def search(self, vector: Vectors, depth: int, rids: Sequence[int] | None) -> dict[int, float]:
        """See `Kind.search`."""
        if rids is not None and len(rids) <= _FEW:
            return self._exact.best(vector, rids, depth)
        candidates = max(depth * _CANDIDATES, _LEAST)
        _, found = self._index.search(vector[None, :], candidates, params=self._parameters(candidates, rids))
        return self._exact.best(vector, found[0][found[0] >= 0], depth)

    def _parameters(self, _candidates: int, rids: Sequence[int] | None) -> faiss.SearchParameters:
        return faiss.SearchParametersIVF(nprobe=_LISTS, sel=None if rids is None else _among(rids))

    def rids(self) -> Rids:
        """See `Kind.rids`."""
        return self._held(self._index)

    @staticmethod
    def _held(index: faiss.Index) -> Rids:
        lists = index.invlists
        found = [
            faiss.rev_swig_ptr(lists.get_ids(number), lists.list_size(number)).copy()
            for number in range(lists.nlist)
            if lists.list_size(number)
        ]
        return np.sort(np.concatenate([np.empty(0, np.int64), *found]))

    @property
    def is_worn(self) -> bool:
        """See `Kind.is_worn`."""
        return False

    def write(self, path: Path) -> None:
        """See `Kind.write`."""
        snapshot.write(path, self._index, self._exact.rows(self.rids()))

    def settle(self, path: Path) -> None:
        """See `Kind.settle`."""
        self._exact = Exact(self.rids(), snapshot.rows(path, self.dimension))


class Graph(Small):
    """A graph of near vectors (HNSW), walked from one to the next; the best by exact vectors.

    A search hardly takes longer with more of them, but building takes the longer: for many millions. 650 bytes of
    memory a vector of 384 dimensions, of which each number has eight bits here.
    """

    name: ClassVar[str] = "hnsw"

    @classmethod
    def new(cls, sample: Vectors) -> Graph:
        """See `Small.new`."""
        dimension = sample.shape[1]
        graph = faiss.IndexHNSWSQ(dimension, faiss.ScalarQuantizer.QT_8bit, _LINKS, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = _LOOKED_AT
        graph.train(sample)
        return cls(faiss.IndexIDMap(graph), Exact.none(dimension))

    def remove(self, rids: Rids) -> None:
        """See `Kind.remove`: FAISS cannot take a vector out of a graph, but give it a number that is none."""
        numbers = faiss.vector_to_array(self._index.id_map)
        numbers[np.isin(numbers, rids)] = -1
        faiss.copy_array_to_vector(numbers, self._index.id_map)
        self._exact.remove(rids)

    def _parameters(self, candidates: int, rids: Sequence[int] | None) -> faiss.SearchParameters:
        allowed = faiss.IDSelectorRange(0, _ANY) if rids is None else _among(rids)
        return faiss.SearchParametersHNSW(efSearch=max(candidates * _WALKED, _LEAST_WALKED), sel=allowed)

    @staticmethod
    def _held(index: faiss.Index) -> Rids:
        numbers = faiss.vector_to_array(index.id_map)
        return np.sort(numbers[numbers >= 0])

    @property
    def is_worn(self) -> bool:
        """See `Kind.is_worn`."""
        numbers = faiss.vector_to_array(self._index.id_map)
        return bool(len(numbers) and np.mean(numbers < 0) > _WORN)


def _among(rids: Sequence[int]) -> faiss.IDSelector:
    """What lets only `rids` through: a bit for every row number there is."""
    allowed = np.zeros(max(rids, default=0) + 1, bool)
    allowed[np.asarray(rids, np.int64)] = True
    return faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
