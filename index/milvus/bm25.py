"""BM25 as an inner product of sparse vectors, to the same scores as the index of one machine gives.

A record's vector holds what its terms weigh in it; a question's, how rare they are. The first needs the average length
of a record, which changes with every write. It is frozen when a collection is made, at the average of the first
documents that are put into it, or all vectors would have to be written again; `hoidap index rebuild` freezes it anew.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence

from index.schema import Terms

_K1, _B = 1.2, 0.75  # tantivy's
_IDS = 2**32 - 2  # Milvus takes dimensions below 2**32 - 1
EVERY = 0
"""A dimension that every record has and no question: Milvus takes no empty vector."""


def term_id(field: str, term: str) -> int:
    """The dimension of `term` in `field`. Of a million terms some hundred share theirs with another."""
    return zlib.crc32(f"{field}\0{term}".encode()) % _IDS + 1


def average_lengths(records: Sequence[Terms], fields: Sequence[str]) -> dict[str, float]:
    """How many terms a record has on average, by field."""
    return {f: sum(len(terms.get(f, ())) for terms in records) / max(len(records), 1) for f in fields}


def record_vector(terms: Terms, averages: Mapping[str, float]) -> dict[int, float]:
    """What each term of a record weighs in it: its frequency, saturated, less in a long record."""
    vector = {EVERY: 1.0}
    for field, average in averages.items():
        found = terms.get(field, ())
        length = 1 - _B + _B * _counted(len(found)) / (average or 1.0)
        for term, count in Counter(found).items():
            dimension = term_id(field, term)
            vector[dimension] = vector.get(dimension, 0.0) + count * (_K1 + 1) / (count + _K1 * length)
    return vector


def rarity(total: int, holding: int) -> float:
    """The inverse document frequency of a term that `holding` of `total` records hold."""
    return math.log1p((total - holding + 0.5) / (holding + 0.5))


def _counted(length: int) -> int:
    """`length` as tantivy keeps it, in one byte: exact to 40, then rounded down to four significant bits above 24."""
    if length < 40:
        return length
    rest = length - 24
    lost = rest.bit_length() - 4
    return 24 + (rest >> lost << lost)
