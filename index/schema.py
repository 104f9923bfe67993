"""What an index holds and gives back. It knows documents, records, vectors and terms; no language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Terms = Mapping[str, Sequence[str]]
"""The terms of a record by lexical field, in the order in which they stand."""
Query = Mapping[str, Mapping[str, float]]
"""What to look for: by lexical field, the terms and their weights."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a document was taken from: the name of the source, "" if it was added by hand, and the item in it.

    `mark` is a hash of the item's raw bytes, to tell changed from unchanged without reading it.
    """

    source: str = ""
    item: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """What records belong to. `payload` is the caller's own; publisher and date can be filtered on.

    `digest` is a hash of whatever the document was made from, to tell changed from unchanged.
    """

    id: str
    payload: str
    digest: str
    publisher: str = ""
    published: date | None = None
    origin: Origin = Origin()


@dataclass(frozen=True, slots=True)
class Known:
    """A document without its payload."""

    id: str
    digest: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Superseded:
    """What a document was before: its payload then, and when other content took its place (UTC)."""

    payload: str
    replaced: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """One retrievable unit of a document, with its vector `[d]` and the vectors `[n, d]` of its n parts."""

    id: str
    payload: str
    vector: Vectors
    part_vectors: Vectors
    terms: Terms


@dataclass(frozen=True, slots=True)
class Entry:
    """A document and all its records, in order: what is written, whole or not at all."""

    document: Document
    records: Sequence[Record]


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that a search found, by its key, and both its scores, whichever search found it.

    `dense` is the cosine to the question's vector; `lexical` the weighted sum of the BM25 scores of the
    question's terms over the fields, 0 if it holds none of them.
    """

    key: int
    dense: float
    lexical: float


@dataclass(frozen=True, slots=True)
class Found:
    """A record as it was stored. `digest` is that of its document at the same moment."""

    key: int
    document_id: str
    digest: str
    payload: str
    part_vectors: Vectors


@dataclass(frozen=True, slots=True)
class Filter:
    """What a search may return. Empty means everything; dates are inclusive."""

    documents: frozenset[str] = frozenset()
    publishers: frozenset[str] = frozenset()
    since: date | None = None
    until: date | None = None

    def __bool__(self) -> bool:
        """Whether anything is filtered out."""
        return bool(self.documents or self.publishers or self.since or self.until)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What built the index. Two indexes with unequal manifests must not be mixed."""

    embedder: str
    dimension: int
    chunking: str
    terms: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in an index that was not as it should be, in a sentence; one that is not `mended` tells the remedy."""

    what: str
    mended: bool


@dataclass(frozen=True, slots=True)
class Status:
    """The size of an index. `size_bytes` counts every file of it; 0 where nobody tells."""

    documents: int
    records: int
    size_bytes: int
