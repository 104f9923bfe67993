"""The truth of an index: one SQLite database of documents, records, vectors, terms and an operation log.

What is in it is acknowledged; everything else in the folder is derived from it and can be made again.
A derived engine remembers the last operation it has seen and asks for `operations_since` it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np

from index.errors import IndexBusyError, IndexDamagedError, IndexPathError
from index.schema import Document, Entry, Filter, Found, Manifest, Record, Terms, Vectors
from index.sqlite import connect, transaction

SCHEMA_VERSION = 1

_SCHEMA = """
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
create table operation (seq integer primary key autoincrement, rid integer not null);
"""


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
            self._db, version = connect(path, _SCHEMA, SCHEMA_VERSION)
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
            self.remove([entry.document.id])
            document = entry.document
            published = document.published.isoformat() if document.published else None
            self._db.execute(
                "insert into document values (?, ?, ?, ?, ?)",
                (document.id, document.payload, document.digest, document.publisher, published),
            )
            for record in entry.records:
                row = self._db.execute(
                    "insert into record (id, document, payload, vector, part_vectors, terms) values (?, ?, ?, ?, ?, ?)",
                    _to_row(document.id, record),
                )
                self._db.execute("insert into operation (rid) values (?)", (row.lastrowid,))

    def remove(self, document_ids: Iterable[str]) -> None:
        """Inside a transaction: remove documents and their records."""
        for name in document_ids:
            self._db.execute("insert into operation (rid) select rid from record where document = ?", (name,))
            self._db.execute("delete from document where id = ?", (name,))

    def document(self, document_id: str) -> Document | None:
        """The document of that id."""
        found = self._documents("where id = ?", document_id)
        return found[0] if found else None

    def documents(self) -> list[Document]:
        """All documents, in the order of their ids."""
        return self._documents("order by id")

    def _documents(self, clause: str, *values: object) -> list[Document]:
        rows = self._query(f"select id, payload, digest, publisher, published from document {clause}", *values)  # noqa: S608 # constants
        return [
            Document(str(i), str(p), str(d), str(pub), date.fromisoformat(str(day)) if day else None)
            for i, p, d, pub, day in rows
        ]

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
