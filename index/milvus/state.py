"""The state of an index on Milvus: one row, whose upsert acknowledges a write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any

from index.milvus.server import PAGES, Server, page
from index.schema import Filter, Manifest

_PER_WRITE = 24  # bits of a key that number the rows of one write
ROWS_PER_WRITE = 1 << _PER_WRITE
_STATE_KEY = 0


class Kind(IntEnum):
    """What a page is."""

    STATE = 0
    TURN = 1
    DOCUMENT = 2
    COUNTS = 3
    TERMS = 4
    EARLIER = 5


@dataclass(frozen=True, slots=True)
class State:
    """Which rows count.

    Those of writes up to `version`, in `collection` and among the pages since `floor`; of the documents in `gone` only
    those of the last write: they have been replaced, or, if `for_good`, removed. `averages` are the frozen lengths of
    `index.milvus.bm25`. The counts of terms were last written whole by write `counted`, and `loose` more since.
    """

    version: int = 0
    manifest: Manifest | None = None
    collection: str = ""
    averages: Mapping[str, float] = field(default_factory=dict)
    documents: int = 0
    records: int = 0
    floor: int = 0
    counted: int = 0
    loose: int = 0
    gone: tuple[int, ...] = ()
    for_good: bool = False

    def visible(self) -> str:
        """The expression of Milvus that lets through the rows that count."""
        since = f"key >= {first_key(self.floor)} and key < {first_key(self.version + 1)}"
        if not self.gone:
            return since
        return f"{since} and not (owner in {list(self.gone)} and key < {first_key(self.version)})"


def first_key(write: int) -> int:
    """The least key that a row of that write has."""
    return write << _PER_WRITE


def number_of(name: str) -> int:
    """A number for the id of a document or the name of a publisher: no text of anybody's stands in an expression."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 1


def allowing(only: Filter) -> str:
    """The expression of Milvus for the records that `only` lets through; one without a date has 0 as its day."""
    clauses = [
        f"{column} in {sorted(map(number_of, names))}"
        for column, names in (("owner", only.documents), ("publisher", only.publishers))
        if names
    ]
    if only.since or only.until:
        clauses.append(f"published >= {only.since.toordinal() if only.since else 1}")
    if only.until:
        clauses.append(f"published <= {only.until.toordinal()}")
    return " and ".join(clauses)


def read_state(server: Server) -> State:
    """The state at this moment."""
    found = server.page(_STATE_KEY)
    if found is None:
        return State()
    content: dict[str, Any] = json.loads(found)
    content["manifest"] = Manifest(**content["manifest"]) if content["manifest"] else None
    content["gone"] = tuple(content["gone"])
    return State(**content)


def write_state(server: Server, state: State) -> None:
    """Acknowledge what `state` lets through."""
    row = page(_STATE_KEY, Kind.STATE, 0, body=json.dumps(asdict(state)))
    server.write(PAGES, [row], before_each=lambda: None)
