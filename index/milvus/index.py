"""An `Index` on a Milvus server: dense vectors, and BM25 as sparse vectors, in one collection."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from itertools import islice
from typing import TypeVar

import numpy as np

from index.errors import IndexBusyError, IndexServerError, IndexStoreError
from index.milvus.bm25 import rarity, term_id
from index.milvus.server import PAGES, Row, Server
from index.milvus.state import Kind, State, allowing, number_of, read_state
from index.milvus.statistics import Counts, Statistics
from index.milvus.writing import Write, sliced, writing
from index.schema import (
    Document,
    Entry,
    Fault,
    Filter,
    Found,
    Hit,
    Known,
    Manifest,
    Origin,
    Query,
    Status,
    Superseded,
    Terms,
    Vectors,
)

_T = TypeVar("_T")
# How long a reader goes on with the state that it has read: others see a write within it.
_FRESH_SECONDS = 0.5
# How long a state has to be old before reads may lag behind: twice the bounded staleness that Milvus grants.
_SETTLED_SECONDS = 10.0
# How long a reader whose question has failed waits for the server to be ready.
_RETRY_SECONDS = 5.0
_DOCUMENTS_AT_ONCE = 100


class MilvusIndex:
    """An `Index` on a server. One process writes at a time; any number read, and see what is new within a second."""

    def __init__(self, url: str, token: str, fields: Sequence[str]) -> None:
        """Open the index at `url` (`milvus://host[:port][/database]`, `milvus+https://...`), or make an empty one.

        `token` is what the server asks for ("" for nothing), `fields` are the lexical fields.

        Raises:
            IndexStoreError: the client of Milvus is missing, or the server cannot be used.
        """
        self._fields = tuple(fields)
        self._server = Server(url, token)
        self._lock = threading.RLock()
        self._write_lock = threading.Lock()
        self._statistics = Statistics(self._server)
        self._publishers: tuple[int, list[str]] = (-1, [])
        self._state = State()
        self._read_at = self._seen_at = float("-inf")

    # Reading

    def _now(self) -> State:
        """The state, as it was less than `_FRESH_SECONDS` ago."""
        with self._lock:
            if time.monotonic() - self._read_at > _FRESH_SECONDS:
                self._take(read_state(self._server))
            return self._state

    def _take(self, state: State) -> None:
        with self._lock:
            if state.collection and state.collection != self._state.collection:
                self._server.load(state.collection)
            if state.version != self._state.version:
                self._seen_at = time.monotonic()
            self._state, self._read_at = state, time.monotonic()

    def _counted(self, state: State) -> State:
        """`state`, or a later one, with its counts in memory."""
        with self._lock:
            later = self._statistics.refresh(state)
            if later is not state:
                self._take(later)
            return later

    def _reading(self, ask: Callable[[State], _T]) -> _T:
        """The answer to `ask`, who is asked again with what there is now if that was swept away, or not loaded."""
        try:
            return ask(self._now())
        except IndexServerError:
            self._server.load(PAGES, _RETRY_SECONDS)
            with self._lock:
                self._state, self._read_at = State(), float("-inf")
            return ask(self._now())

    @property
    def _level(self) -> str:
        """How sure a read has to be to see all that was written. To be quite sure, it waits for the server's clock."""
        return "Strong" if time.monotonic() - self._seen_at < _SETTLED_SECONDS else "Bounded"

    def _rows(self, collection: str, where: str, fields: Sequence[str], limit: int) -> list[Row]:
        return self._server.rows(collection, where, fields, limit, self._level)

    @property
    def manifest(self) -> Manifest | None:
        """See `Index.manifest`."""
        return self._now().manifest

    @property
    def version(self) -> int:
        """See `Index.version`."""
        return self._now().version

    def document(self, document_id: str) -> Document | None:
        """See `Index.document`."""

        def ask(state: State) -> Document | None:
            where = f"{_documents(state)} and owner == {number_of(document_id)}"
            rows = self._rows(PAGES, where, ["head", "body"], limit=1)
            return _to_document(rows[0]) if rows else None

        return self._reading(ask)

    def documents(self) -> list[Document]:
        """See `Index.documents`."""
        rows = self._reading(lambda state: list(self._server.all_rows(PAGES, _documents(state), ["head", "body"])))
        return sorted(map(_to_document, rows), key=lambda document: document.id)

    def _heads(self) -> list[dict[str, object]]:
        rows = self._reading(lambda state: list(self._server.all_rows(PAGES, _documents(state), ["head"])))
        return [json.loads(row["head"]) for row in rows]

    def known(self) -> list[Known]:
        """See `Index.known`."""
        heads = self._heads()
        return sorted(
            (Known(str(h["id"]), str(h["digest"]), Origin(*h["origin"])) for h in heads),  # type: ignore[misc]
            key=lambda known: known.id,
        )

    def publishers(self) -> list[str]:
        """See `Index.publishers`."""
        version = self.version
        if self._publishers[0] != version:
            self._publishers = version, sorted({str(h["publisher"]) for h in self._heads()} - {""})
        return self._publishers[1]

    def superseded(self, document_id: str, digest: str) -> Superseded | None:
        """See `Index.superseded`."""
        now = self.document(document_id)
        if now is None or now.digest.startswith(digest):
            return None
        where = f"kind == {int(Kind.EARLIER)} and owner == {number_of(document_id)}"
        heads = {int(row["key"]): json.loads(row["head"]) for row in self._server.all_rows(PAGES, where, ["head"])}
        found = [(replaced, key) for key, (was, replaced) in heads.items() if was.startswith(digest)]
        if not found:
            return None
        replaced, key = max(found)
        payload = self._server.page(key)
        return None if payload is None else Superseded(payload, datetime.fromisoformat(replaced))

    def search(self, vector: Vectors, query: Query, depth: int, only: Filter) -> list[Hit]:
        """See `Index.search`."""

        def ask(state: State) -> list[Hit]:
            state = self._counted(state)
            if not state.collection or depth < 1:
                return []
            allowed = f"{state.visible()} and {allowing(only)}" if only else state.visible()
            terms = self._weights(query, state)
            dense = self._nearest(state, "dense", vector, depth, allowed)
            lexical = self._nearest(state, "sparse", terms, depth, allowed) if terms else {}
            # A record that only one of the two found still has a score in the other.
            only_lexical, only_dense = sorted(lexical.keys() - dense.keys()), sorted(dense.keys() - lexical.keys())
            if only_lexical:
                dense |= self._nearest(state, "dense", vector, len(only_lexical), f"key in {only_lexical}")
            if only_dense and terms:
                lexical |= self._nearest(state, "sparse", terms, len(only_dense), f"key in {only_dense}")
            return [Hit(key, dense[key], lexical.get(key, 0.0)) for key in sorted(dense)]

        return self._reading(ask)

    def sharing(self, field: str, terms: Sequence[str], depth: int) -> list[tuple[int, float]]:
        """See `Index.sharing`."""

        def ask(state: State) -> list[tuple[int, float]]:
            state = self._counted(state)
            weights = self._weights({field: dict.fromkeys(terms, 1.0)}, state) if state.collection else {}
            found = self._nearest(state, "sparse", weights, depth, state.visible()) if weights else {}
            return sorted(found.items(), key=lambda item: (-item[1], item[0]))

        return self._reading(ask)

    def _nearest(self, state: State, field: str, vector: object, depth: int, where: str) -> dict[int, float]:
        return self._server.nearest(state.collection, field, vector, depth=depth, where=where, level=self._level)

    def _weights(self, query: Query, state: State) -> dict[int, float]:
        """The terms of `query` that there are, with their weights and how rare they are, as a sparse vector."""
        asked = [(term_id(field, term), weight) for field, terms in query.items() for term, weight in terms.items()]
        counts = self._statistics.counts.of([dimension for dimension, _ in asked])
        weights: dict[int, float] = {}
        for (dimension, weight), holding in zip(asked, counts, strict=True):
            if holding:
                weights[dimension] = weights.get(dimension, 0.0) + weight * rarity(state.records, holding)
        return weights

    def records(self, keys: Sequence[int]) -> list[Found]:
        """See `Index.records`."""

        def ask(state: State) -> list[Found]:
            if not keys or not state.collection or state.manifest is None:
                return []
            where = f"key in {sorted(map(int, keys))} and {state.visible()}"
            rows = self._rows(state.collection, where, ["key", "body"], limit=len(keys))
            found = {int(row["key"]): _to_found(row, state.manifest.dimension) for row in rows}
            return [found[key] for key in keys if key in found]

        return self._reading(ask)

    def holding(self, wanted: Terms) -> list[str]:
        """See `Index.holding`."""
        ids = [term_id(field, term) for field, terms in wanted.items() for term in terms]
        where = f"array_contains_all(terms, {ids})"
        return self._reading(lambda state: self._owners(state, where)) if ids else []

    def owners(self, keys: Sequence[int]) -> list[str]:
        """See `Index.owners`."""
        where = f"key in {sorted(map(int, keys))}"
        return self._reading(lambda state: self._owners(state, where)) if keys else []

    def _owners(self, state: State, where: str) -> list[str]:
        """Ids of the documents of the records that `where` lets through, each once, in order."""
        if not state.collection:
            return []
        visible = f"{where} and {state.visible()}"
        owners = sorted({int(row["owner"]) for row in self._server.all_rows(state.collection, visible, ["owner"])})
        names = list[str]()
        for at in range(0, len(owners), 1000):
            those = f"{_documents(state)} and owner in {owners[at : at + 1000]}"
            names += [json.loads(row["head"])["id"] for row in self._server.all_rows(PAGES, those, ["head"])]
        return sorted(names)

    def vocabulary(self, field: str) -> list[tuple[str, int]]:
        """See `Index.vocabulary`."""

        def ask(state: State) -> list[tuple[str, int]]:
            with self._lock:
                return self._statistics.vocabulary(field, self._counted(state))

        return self._reading(ask)

    def frequencies(self, field: str, terms: Sequence[str]) -> tuple[int, list[int]]:
        """See `Index.frequencies`."""

        def ask(state: State) -> tuple[int, list[int]]:
            state = self._counted(state)
            return state.records, self._statistics.counts.of([term_id(field, term) for term in terms])

        return self._reading(ask)

    def keys(self, document_ids: Sequence[str]) -> list[int]:
        """See `Index.keys`."""

        def ask(state: State) -> list[int]:
            found: list[int] = []
            for part in sliced(map(number_of, document_ids)) if state.collection else ():
                where = f"owner in {part} and {state.visible()}"
                found += [int(row["key"]) for row in self._server.all_rows(state.collection, where, ["key"])]
            return sorted(found)

        return self._reading(ask)

    def verify(self) -> Iterator[Fault]:
        """See `Index.verify`. What the server keeps whole by itself is not looked at; nothing here is derived."""

        def ask(state: State) -> tuple[State, int, int]:
            pages = self._server.all_rows(PAGES, _documents(state), ["key"])
            records = self._server.all_rows(state.collection, state.visible(), ["key"]) if state.collection else ()
            return state, sum(1 for _ in pages), sum(1 for _ in records)

        state, documents, records = self._reading(ask)
        for what, held, known in (("articles", documents, state.documents), ("chunks", records, state.records)):
            if held != known:
                told = f"The server holds {held} {what}, and {known} were acknowledged: add the articles again."
                yield Fault(told, mended=False)

    def status(self) -> Status:
        """See `Index.status`. How much room it takes is not told by the server."""
        state = self._now()
        return Status(state.documents, state.records, 0)

    # Writing

    @contextmanager
    def _writing(self) -> Iterator[Write]:
        def counts_at(state: State) -> Counts:
            with self._lock:
                self._statistics.refresh(state)
                return self._statistics.counts

        with self._write_lock:
            try:
                with writing(self._server, counts_at, self._fields) as write:
                    yield write
                    self._take(write.acknowledge())
            except BaseException:
                self._read_at = float("-inf")
                raise

    def put(self, manifest: Manifest, entries: Iterable[Entry]) -> None:
        """See `Index.put`."""
        with self._writing() as write:
            if not write.before.documents:
                write.start_anew(manifest)
            elif write.before.manifest != manifest:
                raise IndexStoreError(
                    "The index was built by another embedder or chunking: run `hoidap index rebuild` first."
                )
            write.put(entries)

    def replace(self, manifest: Manifest, entries: Iterable[Entry], since: int) -> None:
        """See `Index.replace`."""
        with self._writing() as write:
            if write.before.version != since:
                raise IndexBusyError("The index was changed by another process meanwhile: run the command again.")
            write.start_anew(manifest)
            left = iter(entries)
            while some := list(islice(left, _DOCUMENTS_AT_ONCE)):
                write.put(some)
            write.remove_others()

    def delete(self, document_ids: Iterable[str]) -> None:
        """See `Index.delete`."""
        with self._writing() as write:
            write.remove(document_ids)

    def trace(self, origins: Mapping[str, Origin]) -> None:
        """See `Index.trace`."""
        if origins:
            with self._writing() as write:
                write.trace(origins)

    def close(self) -> None:
        """See `Index.close`."""
        self._server.close()


def _documents(state: State) -> str:
    return f"kind == {int(Kind.DOCUMENT)} and {state.visible()}"


def _to_document(row: Row) -> Document:
    known = json.loads(row["head"])
    return Document(
        known["id"],
        "".join(row["body"]),
        known["digest"],
        known["publisher"],
        date.fromisoformat(known["published"]) if known["published"] else None,
        Origin(*known["origin"]),
    )


def _to_found(row: Row, dimension: int) -> Found:
    record = json.loads("".join(row["body"]))
    parts = np.frombuffer(base64.b64decode(record["parts"]), "<f2").astype(np.float32).reshape(-1, dimension)
    return Found(int(row["key"]), record["document"], record["digest"], record["payload"], parts)
