"""One write: rows that nobody sees yet, the state that lets them be seen, and the end of those it replaces."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, replace
from datetime import UTC, datetime
from itertools import chain

import numpy as np

from index.errors import IndexServerError, IndexStoreError
from index.milvus.bm25 import EVERY, average_lengths, record_vector, term_id
from index.milvus.server import PAGES, PIECES, RECORDS, Row, Server, page, pieces
from index.milvus.state import ROWS_PER_WRITE, Kind, State, first_key, number_of, read_state, write_state
from index.milvus.statistics import Counts
from index.milvus.turn import Turn, TurnLostError
from index.schema import Document, Entry, Manifest, Origin, Record

_OWNERS = 200  # documents that one expression names
# How long what has been replaced stays, for readers who do not know so yet: twice what they take to learn it.
_GRACE_SECONDS = 1.0


@contextmanager
def writing(server: Server, counts_at: Callable[[State], Counts], fields: Sequence[str]) -> Iterator[Write]:
    """A write that nobody else does at the same time. If it fails before it is acknowledged, it is undone.

    Raises:
        IndexBusyError: another process is writing.
    """
    turn = Turn(server)
    try:
        state = read_state(server)
        if turn.inherited:
            _undo(server, state)
            state = _sweep(server, state)
        try:
            yield Write(server, state, counts_at(state), fields, turn.check)
        except (TurnLostError, IndexServerError):
            raise  # not ours to undo, or not possible now: the next writer finds that the turn was not ended
        except Exception:
            _undo(server, read_state(server))
            turn.end()
            raise
        turn.end()
    finally:
        turn.stop()


class Write:
    """What is to be written in the place of what. `before` is the state that it began with."""

    def __init__(
        self, server: Server, before: State, counts: Counts, fields: Sequence[str], check: Callable[[], None]
    ) -> None:
        """Begin a write after `before`; `counts` are its counts, `check` is called before each request."""
        self.before = before
        self._server = server
        self._fields = fields
        self._check = check
        self._counts = counts
        self._change = Counts()
        self._next_key = first_key(before.version + 1)
        self._state = replace(before, version=before.version + 1, gone=(), for_good=False)
        self._is_new = False
        self._put = set[int]()

    def start_anew(self, manifest: Manifest) -> None:
        """Leave out all that there is: what is put from now on is all there will be."""
        number = self._state.version
        collection = f"{RECORDS}{number}"
        self._server.make_records(collection, manifest.dimension)
        self._state = State(version=number, manifest=manifest, collection=collection, floor=number)
        self._counts, self._is_new = Counts(), True

    def put(self, entries: Iterable[Entry]) -> None:
        """Put documents in the place of those of the same ids. Of two with one id the last one stands.

        Raises:
            IndexStoreError: one was put already.
        """
        wanted = {number_of(entry.document.id): entry for entry in entries}
        for owner in self._put & wanted.keys():
            raise IndexStoreError(f"Two documents have the id {wanted[owner].document.id}: give one of them another.")
        self._put |= wanted.keys()
        held = self._held(wanted)
        self._supersede([wanted[owner].document for owner in held], held)
        if not self._is_new:
            self._forget(held)
        if not self._state.averages:
            terms = [record.terms for entry in wanted.values() for record in entry.records]
            self._state = replace(self._state, averages=average_lengths(terms, self._fields) if terms else {})
        records = [(entry.document, record) for entry in wanted.values() for record in entry.records]
        pages = self._count([record for _, record in records]) + [self._document_row(e) for e in wanted.values()]
        self._write(PAGES, pages)
        self._write(self._state.collection, (self._record_row(*pair) for pair in records))
        self._state = replace(
            self._state,
            documents=self._state.documents + len(wanted),
            records=self._state.records + len(records),
        )

    def remove(self, document_ids: Iterable[str]) -> None:
        """Remove documents, their records and what they were before. Unknown ids are passed over."""
        self._forget(self._held({number_of(name) for name in document_ids}))
        self._state = replace(self._state, for_good=True)

    def remove_others(self) -> None:
        """After `start_anew` and the last `put`: remove what is known of documents that were not put again."""
        where = f"kind == {int(Kind.DOCUMENT)} and {self.before.visible()}"
        held = {int(row["owner"]) for row in self._server.all_rows(PAGES, where, ["owner"])}
        self._state = replace(self._state, gone=tuple(sorted(held - self._put)), for_good=True)

    def trace(self, origins: Mapping[str, Origin]) -> None:
        """Set where documents come from. Seen at once, a request after the other: nothing else of them changes."""
        by_owner = {number_of(name): origin for name, origin in origins.items()}
        for part in sliced(by_owner):
            where = f"kind == {int(Kind.DOCUMENT)} and owner in {part} and {self.before.visible()}"
            rows = self._server.all_rows(PAGES, where, ["owner", "head", "body"])
            self._write(PAGES, (_traced(row, by_owner[int(row["owner"])]) for row in rows))

    def acknowledge(self) -> State:
        """Let everybody see the write, and return the state that it leads to."""
        if not self._is_new and not self._state.gone and self._next_key == first_key(self._state.version):
            return self.before
        self._count_pages()
        self._check()
        write_state(self._server, self._state)
        if self._state.gone or (self._is_new and self.before.documents):
            time.sleep(_GRACE_SECONDS)
        return _sweep(self._server, self._state)

    def _held(self, owners: Iterable[int]) -> dict[int, str]:
        """Those of `owners` that the index holds, with the digests of their documents."""
        where = f"kind == {int(Kind.DOCUMENT)} and {self.before.visible()}"
        return {
            int(row["owner"]): json.loads(row["head"])["digest"]
            for part in sliced(owners)
            for row in self._server.all_rows(PAGES, f"{where} and owner in {part}", ["owner", "head"])
        }

    def _supersede(self, documents: Sequence[Document], held: dict[int, str]) -> None:
        """Keep what `documents` were. Seen only once the document is another: see `MilvusIndex.superseded`."""
        owners = [number for d in documents if held[number := number_of(d.id)] != d.digest]
        now = datetime.now(UTC).isoformat(timespec="seconds")
        where = f"kind == {int(Kind.DOCUMENT)} and {self.before.visible()}"
        for part in sliced(owners):
            rows = self._server.all_rows(PAGES, f"{where} and owner in {part}", ["owner", "body"])
            self._server.write(
                PAGES,
                (
                    page(
                        _earlier_key(owner := int(row["owner"]), held[owner]),
                        Kind.EARLIER,
                        owner,
                        [held[owner], now],
                        "".join(row["body"]),
                    )
                    for row in rows
                ),
                self._check,
            )

    def _forget(self, owners: Iterable[int]) -> None:
        gone = sorted(owners)
        count = 0
        for part in sliced(gone):
            where = f"owner in {part} and {self.before.visible()}"
            terms = [list(row["terms"]) for row in self._server.all_rows(self.before.collection, where, ["terms"])]
            self._change.add_each(list(chain.from_iterable(terms)), -1)
            count += len(terms)
        self._state = replace(
            self._state,
            gone=(*self._state.gone, *gone),
            documents=self._state.documents - len(gone),
            records=self._state.records - count,
        )

    def _count(self, records: Sequence[Record]) -> list[Row]:
        """Count the terms of `records`; pages with those that are new."""
        pages = list[Row]()
        by_field: dict[str, set[str]] = {}
        ids = list[int]()
        for record in records:
            held = {(field, term) for field, terms in record.terms.items() for term in terms}
            ids += {term_id(field, term) for field, term in held}
            for field, term in held:
                by_field.setdefault(field, set()).add(term)
        for field, terms in by_field.items():
            known = self._counts.of(dimensions := [term_id(field, term) for term in terms])
            changed = self._change.of(dimensions)
            fresh = sorted(t for t, a, b in zip(terms, known, changed, strict=True) if not a and b <= 0)
            if fresh:
                body = json.dumps(fresh, ensure_ascii=False)
                pages.append(page(self._key(), Kind.TERMS, number_of(field), body=body))
        self._change.add_each(ids, 1)
        return pages

    def _count_pages(self) -> None:
        """Write down what has changed in the counts, or, if that has become much, all of them."""
        loose = self._state.loose + len(self._change)
        is_whole = self._is_new or loose > len(self._counts)
        bodies = (self._counts.plus(self._change) if is_whole else self._change).pages()
        self._write(PAGES, (page(self._key(), Kind.COUNTS, 0, body=body) for body in bodies))
        if is_whole:
            self._state = replace(self._state, counted=self._state.version, loose=0)
        else:
            self._state = replace(self._state, loose=loose)

    def _document_row(self, entry: Entry) -> Row:
        document = entry.document
        return page(self._key(), Kind.DOCUMENT, number_of(document.id), head(document), document.payload)

    def _record_row(self, document: Document, record: Record) -> Row:
        sparse = record_vector(record.terms, self._state.averages)
        terms = sorted(sparse.keys() - {EVERY})
        if len(terms) > PIECES:
            raise IndexStoreError(
                f"A record of {document.id} has {len(terms):,} different terms and Milvus takes {PIECES:,}: "
                "shorten the title of the article."
            )
        body = {
            "document": document.id,
            "digest": document.digest,
            "payload": record.payload,
            "parts": base64.b64encode(record.part_vectors.astype("<f2").tobytes()).decode(),
        }
        return {
            "key": self._key(),
            "owner": number_of(document.id),
            "publisher": number_of(document.publisher),
            "published": document.published.toordinal() if document.published else 0,
            "terms": terms,
            "body": pieces(json.dumps(body, ensure_ascii=False)),
            "dense": record.vector.astype(np.float16).astype(np.float32),  # as the index of one machine keeps them
            "sparse": sparse,
        }

    def _key(self) -> int:
        key = self._next_key
        if key >= first_key(self._state.version + 1):
            raise IndexStoreError(f"One write can have {ROWS_PER_WRITE:,} rows at most: add the articles in parts.")
        self._next_key += 1
        return key

    def _write(self, collection: str, rows: Iterable[Row]) -> None:
        self._server.write(collection, rows, self._check)


def head(document: Document) -> dict[str, object]:
    """All of a document but its payload, for the head of its page."""
    return {
        "id": document.id,
        "digest": document.digest,
        "publisher": document.publisher,
        "published": document.published.isoformat() if document.published else None,
        "origin": astuple(document.origin),
    }


def _traced(row: Row, origin: Origin) -> Row:
    known = json.loads(row["head"]) | {"origin": astuple(origin)}
    return page(int(row["key"]), Kind.DOCUMENT, int(row["owner"]), known, "".join(row["body"]))


def _earlier_key(owner: int, digest: str) -> int:
    """The same for the same version of a document: what was it twice is kept once."""
    return number_of(f"{owner} {digest}")


def _undo(server: Server, state: State) -> None:
    """Delete what a write that was not acknowledged has left."""
    since = f"key >= {first_key(state.version + 1)}"
    server.delete(PAGES, f"kind in {[int(k) for k in (Kind.DOCUMENT, Kind.COUNTS, Kind.TERMS)]} and {since}")
    _drop_others(server, state)
    if state.collection:
        server.delete(state.collection, since)


def _sweep(server: Server, state: State) -> State:
    """Delete what the last write has put something else in the place of; its state then."""
    before = f"key < {first_key(state.version)}"
    if state.floor == state.version:
        server.delete(PAGES, f"kind in {[int(Kind.DOCUMENT), int(Kind.TERMS)]} and {before}")
        _drop_others(server, state)
    if state.counted == state.version:
        server.delete(PAGES, f"kind == {int(Kind.COUNTS)} and {before}")
    for part in sliced(state.gone):
        server.delete(PAGES, f"kind == {int(Kind.DOCUMENT)} and owner in {part} and {before}")
        if state.collection:
            server.delete(state.collection, f"owner in {part} and {before}")
        if state.for_good:
            server.delete(PAGES, f"kind == {int(Kind.EARLIER)} and owner in {part}")
    if not state.gone:
        return state
    swept = replace(state, gone=(), for_good=False)
    write_state(server, swept)
    return swept


def _drop_others(server: Server, state: State) -> None:
    for name in server.records():
        if name != state.collection:
            server.drop(name)


def sliced(owners: Iterable[int]) -> Iterator[list[int]]:
    """`owners` in order, as many at a time as one expression names."""
    ordered = sorted(owners)
    return (ordered[at : at + _OWNERS] for at in range(0, len(ordered), _OWNERS))
