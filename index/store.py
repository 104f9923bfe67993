"""The truth of an index: one SQLite database of documents, records, vectors, terms and an operation log.

What is in it is acknowledged; everything else in the folder is derived from it and can be made again.
A derived engine remembers the last operation it has seen and asks for `operations_since` it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from index.errors import IndexBusyError, IndexDamagedError, IndexPathError
from index.schema import Document, Entry, Filter, Found, Known, Manifest, Origin, Record, Superseded, Terms, Vectors
from index.sqlite import connect, transaction

# From each version of the format to the next. A step that has been released is never changed again.
_STEPS = (
    """
create table meta (key text primary key, value text not null) without rowid;
create table document (
    id text primary key, payload text not null, digest text not null, publisher text not null, published text
) without rowid;
-- autoincrement: a row number is never used twice, so a derived engine cannot mistake a new record for an old.
create table record (
    rid integer primary key autoincrement, id text not null unique,
    document text not null references document (id) on delete cascade,
    payload text not null, vector blob not null, part_vectors blob not null, terms blob not null
);
create index record_document on record (document);
create table operation (seq integer primary key autoincrement, rid integer not null)
    """,
    # Where a document comes from, and what it was before. The payload stands last: what is read beside it is read fast.
    """
create table document_2 (
    id text primary key, digest text not null, publisher text not null, published text,
    source text not null, item text not null, mark text not null, payload text not null
) without rowid;
insert into document_2 select id, digest, publisher, published, '', '', '', payload from document;
drop table document;
alter table document_2 rename to document;
create table superseded (
    document text not null references document (id) on delete cascade,
    digest text not null, replaced text not null, payload text not null,
    primary key (document, digest)
) without rowid
    """,
)
SCHEMA_VERSION = len(_STEPS)


@dataclass(frozen=True, slots=True)
class Operation:
    """A record that was written, or, if `vector` and `terms` are None, removed."""

    rid: int
    vector: Vectors | None
    terms: Terms | None


class Store:
    """The SQLite database. Safe to use from several threads; one process writes, any number read."""

    def __init__(self, path: Path) -> None:
        """Open the database at `path`, or make an empty one.

        Raises:
            IndexPathError: the folder cannot be made or written.
            IndexDamagedError: the file is not a database of ours.
        """
        self._lock = threading.RLock()
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _path_error(path.parent, str(error.strerror)) from error
        with self._errors():
            self._db, version = connect(path, _STEPS)
            self._db.execute("pragma synchronous = full")
            self._db.execute("pragma foreign_keys = on")
        if version != SCHEMA_VERSION:
            self._db.close()
            raise IndexDamagedError(
                f"The index in {path.parent} has format {version} and this version of hoidap knows "
                f"{SCHEMA_VERSION}: update hoidap, or name another folder with --index."
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise IndexBusyError(
                    f"Another process is writing to the index in {self._path.parent}: try again when it is done."
                ) from error
            raise _path_error(self._path.parent, str(error)) from error
        except sqlite3.DatabaseError as error:
            raise IndexDamagedError(
                f"{self._path} is damaged or is not an index ({error}): move that folder away and add the "
                "articles again with `hoidap index add`."
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is acknowledged together at its end, or not at all."""
        with self._lock, self._errors(), transaction(self._db):
            yield

    def _query(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with self._lock, self._errors():
            return self._db.execute(sql, values).fetchall()

    @property
    def sequence(self) -> int:
        """The number of the last operation; 0 if there was none."""
        ((last,),) = self._query("select coalesce(max(seq), 0) from operation")
        return int(str(last))

    @property
    def manifest(self) -> Manifest | None:
        """What built the index."""
        rows = self._query("select value from meta where key = 'manifest'")
        return Manifest(**json.loads(str(rows[0][0]))) if rows else None

    def write(self, manifest: Manifest, entries: Iterable[Entry]) -> None:
        """Inside a transaction: put `entries` in the place of documents of the same ids."""
        self._db.execute("insert or replace into meta values ('manifest', ?)", (json.dumps(asdict(manifest)),))
        for entry in entries:
            document = entry.document
            self._supersede(document)
            self._write_document(document)
            self._remove_records("where document = ?", document.id)
            for record in entry.records:
                row = self._db.execute(
                    "insert into record (id, document, payload, vector, part_vectors, terms) values (?, ?, ?, ?, ?, ?)",
                    _to_row(document.id, record),
                )
                self._db.execute("insert into operation (rid) values (?)", (row.lastrowid,))

    def write_all(self, manifest: Manifest, entries: Iterable[Entry]) -> None:
        """Inside a transaction: put `entries` in the place of all there is."""
        left = {known.id for known in self.known()}
        self._remove_records("")

        def passing() -> Iterator[Entry]:
            for entry in entries:
                left.discard(entry.document.id)
                yield entry

        self.write(manifest, passing())
        self.remove(left)

    def remove(self, document_ids: Iterable[str]) -> None:
        """Inside a transaction: remove documents, their records and what they were before."""
        for name in document_ids:
            self._remove_records("where document = ?", name)
            self._db.execute("delete from document where id = ?", (name,))

    def trace(self, origins: Mapping[str, Origin]) -> None:
        """Inside a transaction: set where documents come from."""
        for name, origin in origins.items():
            if document := self.document(name):
                self._write_document(replace(document, origin=origin))

    def _write_document(self, document: Document) -> None:
        published = document.published.isoformat() if document.published else None
        # No `insert or replace`: that would remove the row first, and all that refers to it.
        self._db.execute(
            "insert into document (id, digest, publisher, published, source, item, mark, payload) "
            "values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set digest = excluded.digest, "
            "publisher = excluded.publisher, published = excluded.published, source = excluded.source, "
            "item = excluded.item, mark = excluded.mark, payload = excluded.payload",
            (document.id, document.digest, document.publisher, published, *astuple(document.origin), document.payload),
        )

    def _remove_records(self, clause: str, *values: object) -> None:
        self._db.execute(f"insert into operation (rid) select rid from record {clause}", values)  # noqa: S608 # constants
        self._db.execute(f"delete from record {clause}", values)  # noqa: S608 # constants

    def _supersede(self, document: Document) -> None:
        """Keep what the document of that id was. What it is again is no longer a thing of the past."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._db.execute(
            "insert into superseded select id, digest, ?, payload from document where id = ? and digest <> ?",
            (now, document.id, document.digest),
        )
        self._db.execute("delete from superseded where document = ? and digest = ?", (document.id, document.digest))

    def document(self, document_id: str) -> Document | None:
        """The document of that id."""
        found = self._documents("where id = ?", document_id)
        return found[0] if found else None

    def documents(self) -> list[Document]:
        """All documents, in the order of their ids."""
        return self._documents("order by id")

    def _documents(self, clause: str, *values: object) -> list[Document]:
        columns = "id, digest, publisher, published, source, item, mark, payload"
        rows = self._query(f"select {columns} from document {clause}", *values)  # noqa: S608 # constants
        return [
            Document(
                str(name),
                str(payload),
                str(digest),
                str(publisher),
                date.fromisoformat(str(day)) if day else None,
                Origin(*map(str, origin)),
            )
            for name, digest, publisher, day, *origin, payload in rows
        ]

    def known(self) -> list[Known]:
        """All documents without their payloads, in the order of their ids."""
        rows = self._query("select id, digest, source, item, mark from document order by id")
        return [Known(str(name), str(digest), Origin(*map(str, origin))) for name, digest, *origin in rows]

    def superseded(self, document_id: str, digest: str) -> Superseded | None:
        """What the document was when its digest began with `digest`."""
        rows = self._query(
            "select payload, replaced from superseded where document = ?1 and substr(digest, 1, length(?2)) = ?2 "
            "order by replaced desc limit 1",
            *(document_id, digest),
        )
        return Superseded(str(rows[0][0]), datetime.fromisoformat(str(rows[0][1]))) if rows else None

    def matching(self, only: Filter) -> list[str]:
        """Ids of the documents that `only` lets through."""
        clauses, values = ["1"], list[object]()
        for column, allowed in (("id", only.documents), ("publisher", only.publishers)):
            if allowed:
                clauses.append(f"{column} in (select value from json_each(?))")  # noqa: S608 # constants
                values.append(json.dumps(sorted(allowed)))
        for comparison, day in ((">=", only.since), ("<=", only.until)):
            if day:  # a null compares as neither, so a document without a date is left out
                clauses.append(f"published {comparison} ?")
                values.append(day.isoformat())
        return [str(i) for (i,) in self._query(f"select id from document where {' and '.join(clauses)}", *values)]  # noqa: S608

    def publishers(self) -> list[str]:
        """The publishers of all documents, each once, in order."""
        rows = self._query("select distinct publisher from document where publisher <> '' order by publisher")
        return [str(publisher) for (publisher,) in rows]

    def owners(self, rids: Sequence[int]) -> list[str]:
        """Ids of the documents that these records belong to, each once, in order."""
        sql = "select distinct document from record where rid in (select value from json_each(?)) order by document"
        return [str(i) for (i,) in self._query(sql, json.dumps(list(rids)))]

    def rids(self, document_ids: Sequence[str]) -> list[int]:
        """Row numbers of the records of these documents."""
        sql = "select rid from record where document in (select value from json_each(?))"
        return [int(str(rid)) for (rid,) in self._query(sql, json.dumps(document_ids))]

    def records(self, rids: Sequence[int]) -> list[Found]:
        """Records by row number, in the same order; one that was removed meanwhile is left out."""
        sql = (
            "select r.rid, r.document, d.digest, r.payload, r.part_vectors, length(r.vector) / 2 "
            "from record r join document d on d.id = r.document where r.rid in (select value from json_each(?))"
        )
        found = {}
        for rid, document, digest, payload, parts, size in self._query(sql, json.dumps(list(rids))):
            key = int(str(rid))
            vectors = _from_blob(parts).reshape(-1, int(str(size)))
            found[key] = Found(key, str(document), str(digest), str(payload), vectors)
        return [found[rid] for rid in rids if rid in found]

    def operations_since(self, sequence: int) -> Iterator[Operation]:
        """What has become of every record that was touched after operation `sequence`, each once."""
        sql = (
            "select o.rid, r.vector, r.terms from (select distinct rid from operation where seq > ?) o "
            "left join record r on r.rid = o.rid order by o.rid"
        )
        for rid, vector, terms in self._query(sql, sequence):
            if terms is None:
                yield Operation(int(str(rid)), None, None)
            else:
                assert isinstance(terms, bytes)  # noqa: S101 # the schema says blob
                yield Operation(int(str(rid)), _from_blob(vector), json.loads(zlib.decompress(terms)))

    def count(self) -> tuple[int, int]:
        """Documents, records."""
        ((documents, records),) = self._query("select (select count(*) from document), (select count(*) from record)")
        return int(str(documents)), int(str(records))

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()


def _path_error(folder: Path, why: str) -> IndexPathError:
    return IndexPathError(
        f"The index folder {folder} cannot be used ({why}): make it readable and writable, "
        "or name another one with --index or HOIDAP_INDEX_DIR."
    )


def _to_row(document_id: str, record: Record) -> tuple[object, ...]:
    # Half precision halves the file and moves no cosine by more than 0.0005 (measured: storage of e5 vectors).
    vector = record.vector.astype(np.float16).tobytes()
    parts = record.part_vectors.astype(np.float16).tobytes()
    terms = zlib.compress(json.dumps(record.terms, ensure_ascii=False).encode(), 1)
    return record.id, document_id, record.payload, vector, parts, terms


def _from_blob(blob: object) -> Vectors:
    assert isinstance(blob, bytes)  # noqa: S101 # the schema says blob
    return np.frombuffer(blob, np.float16).astype(np.float32)
