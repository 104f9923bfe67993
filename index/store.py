"""The truth of an index: one SQLite database of documents, records, vectors, terms and an operation log.

What is in it is acknowledged; everything else in the folder is derived from it and can be made again.
A derived engine remembers the last operation it has seen and asks for `operations_since` it.
"""

from __future__ import annotations

import json
import secrets
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
from index.format import COLUMNS, STEPS, VERSION, insert_into, is_sound, row_digest
from index.schema import Document, Entry, Filter, Found, Known, Manifest, Origin, Record, Superseded, Terms, Vectors
from index.sqlite import connect, moment, transaction

# SQLite's reasons that lie in the folder or the disk. Whatever else it complains of, the file is not what it should be.
_PLACE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}

# Records that SQLite sorts at once, with all they hold, in memory: 60,000 took 465 MB of temporary files.
_SORTED = 200

_AMONG = "where rid in (select value from json_each(?))"


@dataclass(frozen=True, slots=True)
class Moment:
    """A state of the store: its last operation, a number that only this one has, and how many records there were."""

    sequence: int = 0
    token: int = 0
    records: int = 0


@dataclass(frozen=True, slots=True)
class Operation:
    """A record that was written, or, if `vector` and `terms` are None, removed. Each engine reads but one of them.

    The rest tells of the document that the record belongs to what a `Filter` asks for.
    """

    rid: int
    vector_blob: bytes | None
    terms_blob: bytes | None
    document: str = ""
    publisher: str = ""
    published: date | None = None

    @property
    def vector(self) -> Vectors | None:
        """The vector of the record."""
        return None if self.vector_blob is None else _from_blob(self.vector_blob)

    @property
    def terms(self) -> Terms | None:
        """The terms of the record."""
        return None if self.terms_blob is None else json.loads(zlib.decompress(self.terms_blob))


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
            self._db, version = connect(path, STEPS, {"row_digest": row_digest})
            self._db.text_factory = _read_text
            self._db.execute("pragma synchronous = full")
            self._db.execute("pragma foreign_keys = on")
        if version != VERSION:
            self._db.close()
            raise IndexDamagedError(
                f"The index in {path.parent} has format {version} and this version of hoidap knows "
                f"{VERSION}: update hoidap, or name another folder with --index."
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            reason = getattr(error, "sqlite_errorcode", 0) & 0xFF  # a text that is no UTF-8 has none
            if reason in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise IndexBusyError(
                    f"Another process is writing to the index in {self._path.parent}: try again when it is done."
                ) from error
            if reason in _PLACE:
                raise _path_error(self._path.parent, str(error)) from error
            raise IndexDamagedError(
                f"{self._path} is damaged or is not an index ({error}): move that folder away and add the "
                "articles again with `hoidap index add`."
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is acknowledged together at its end, or not at all."""
        with self._lock, self._errors(), transaction(self._db):
            yield

    @contextmanager
    def moment(self) -> Iterator[Moment]:
        """All that is read inside is of one moment, which is told."""
        with self._lock, self._errors(), moment(self._db):
            rows = self.query(
                "select seq, token, (select count(*) from record) from operation order by seq desc limit 1"
            )
            yield Moment(*(int(str(number)) for number in rows[0])) if rows else Moment()

    def has_seen(self, moment: Moment) -> bool:
        """Whether `moment` was one of this store's."""
        last = (moment.sequence, moment.token)
        return moment == Moment() or bool(self.query("select 1 from operation where seq = ? and token = ?", *last))

    def query(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """The rows that `sql` gives."""
        with self._lock, self._errors():
            return self._db.execute(sql, values).fetchall()

    @property
    def sequence(self) -> int:
        """The number of the last operation; 0 if there was none."""
        ((last,),) = self.query("select coalesce(max(seq), 0) from operation")
        return int(str(last))

    @property
    def manifest(self) -> Manifest | None:
        """What built the index."""
        rows = self.query("select value from meta where key = 'manifest'")
        try:
            return Manifest(**json.loads(str(rows[0][0]))) if rows else None
        except (ValueError, TypeError) as error:
            raise self.damaged("What built the index") from error

    def damaged(self, what: str) -> IndexDamagedError:
        """The error for a row that is not what was written."""
        return IndexDamagedError(
            f"{what} cannot be read any more, {self._path} is damaged: `hoidap index check` tells what is lost."
        )

    def write(self, manifest: Manifest, entries: Iterable[Entry]) -> None:
        """Inside a transaction: put `entries` in the place of documents of the same ids."""
        self._db.execute("insert or replace into meta values ('manifest', ?)", (json.dumps(asdict(manifest)),))
        for entry in entries:
            document = entry.document
            self._supersede(document)
            self._write_document(document)
            self._remove_records("where document = ?", document.id)
            for rid, record in enumerate(entry.records, self._next_rid()):
                self._db.execute(insert_into("record"), (rid, *_to_row(document.id, record)))
            self._log("select rid from record where document = ? order by rid", document.id)

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
        self._db.execute(
            insert_into("document"),
            (document.id, document.digest, document.publisher, published, *astuple(document.origin), document.payload),
        )

    def _next_rid(self) -> int:
        """The row number of the next record: one that was never used."""
        rows = self.query("select seq from sqlite_sequence where name = 'record'")
        return int(str(rows[0][0])) + 1 if rows else 1

    def _log(self, rids: str, *values: object) -> None:
        """Note that something has become of the records whose row numbers the SQL `rids` gives."""
        token = secrets.randbits(63)
        self._db.execute(f"insert into operation (rid, token) select *, {token} from ({rids})", values)  # noqa: S608 # constants

    def log_again(self) -> int:
        """Log every record that the log does not know, and return their number: the derived engines would miss it."""
        with self.transaction():
            before = self.sequence
            self._log("select rid from record where rid not in (select rid from operation)")
            return self.sequence - before

    def _remove_records(self, clause: str, *values: object) -> None:
        self._log(f"select rid from record {clause}", *values)  # noqa: S608 # constants
        self._db.execute(f"delete from record {clause}", values)  # noqa: S608 # constants

    def _supersede(self, document: Document) -> None:
        """Keep what the document of that id was. What it is again is no longer a thing of the past."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for digest, payload in self.query(
            f"select digest, payload from document where id = ? and digest <> ? and {is_sound('document')}",  # noqa: S608 # constants
            *(document.id, document.digest),
        ):
            self._db.execute(insert_into("superseded"), (document.id, digest, now, payload))
        self._db.execute("delete from superseded where document = ? and digest = ?", (document.id, document.digest))

    def document(self, document_id: str) -> Document | None:
        """The document of that id."""
        found = self._documents("where id = ?", document_id)
        return found[0] if found else None

    def documents(self) -> list[Document]:
        """All documents, in the order of their ids."""
        return self._documents("order by id")

    def _documents(self, clause: str, *values: object) -> list[Document]:
        return [
            Document(
                str(name),
                str(payload),
                str(digest),
                str(publisher),
                date.fromisoformat(str(day)) if day else None,
                Origin(*map(str, origin)),
            )
            for name, digest, publisher, day, *origin, payload in self._rows("document", clause, *values)
        ]

    def _rows(self, table: str, clause: str, *values: object) -> Iterator[tuple[object, ...]]:
        """Rows of `table` as in `COLUMNS`, each of them sound."""
        columns = ", ".join(COLUMNS[table])
        for *row, sound in self.query(f"select {columns}, {is_sound(table)} from {table} {clause}", *values):  # noqa: S608 # constants
            if not sound:
                raise self.damaged(f"{table.capitalize()} {row[0]}")
            yield tuple(row)

    def known(self) -> list[Known]:
        """All documents without their payloads, in the order of their ids."""
        rows = self.query("select id, digest, source, item, mark from document order by id")
        return [Known(str(name), str(digest), Origin(*map(str, origin))) for name, digest, *origin in rows]

    def superseded(self, document_id: str, digest: str) -> Superseded | None:
        """What the document was when its digest began with `digest`."""
        clause = "where document = ?1 and substr(digest, 1, length(?2)) = ?2 order by replaced desc limit 1"
        for _, _, replaced, payload in self._rows("superseded", clause, document_id, digest):
            return Superseded(str(payload), datetime.fromisoformat(str(replaced)))
        return None

    def matching(self, only: Filter) -> list[int]:
        """Row numbers of the records of the documents that `only` lets through."""
        clauses, values = ["1"], list[object]()
        for column, allowed in (("document.id", only.documents), ("publisher", only.publishers)):
            if allowed:
                clauses.append(f"{column} in (select value from json_each(?))")  # noqa: S608 # constants
                values.append(json.dumps(sorted(allowed)))
        for comparison, day in ((">=", only.since), ("<=", only.until)):
            if day:  # a null compares as neither, so a document without a date is left out
                clauses.append(f"published {comparison} ?")
                values.append(day.isoformat())
        sql = f"select rid from document join record on record.document = document.id where {' and '.join(clauses)}"  # noqa: S608 # constants
        return [int(str(rid)) for (rid,) in self.query(sql, *values)]

    def publishers(self) -> list[str]:
        """The publishers of all documents, each once, in order."""
        rows = self.query("select distinct publisher from document where publisher <> '' order by publisher")
        return [str(publisher) for (publisher,) in rows]

    def owners(self, rids: Sequence[int]) -> list[str]:
        """Ids of the documents that these records belong to, each once, in order."""
        sql = f"select distinct document from record {_AMONG} order by document"  # noqa: S608 # constants
        return [str(i) for (i,) in self.query(sql, json.dumps(list(rids)))]

    def rids(self, document_ids: Sequence[str]) -> list[int]:
        """Row numbers of the records of these documents."""
        sql = "select rid from record where document in (select value from json_each(?))"
        return [int(str(rid)) for (rid,) in self.query(sql, json.dumps(document_ids))]

    def all_rids(self) -> list[int]:
        """Row numbers of all records, in order."""
        return [int(str(rid)) for (rid,) in self.query("select rid from record order by rid")]

    def records(self, rids: Sequence[int]) -> list[Found]:
        """Records by row number, in the same order; one that was removed meanwhile is left out."""
        sql = (
            f"select rid, record.document, document.digest, record.payload, part_vectors, length(vector) / 2, "  # noqa: S608 # constants
            f"{is_sound('record')} from record join document on document.id = record.document {_AMONG}"
        )
        found = {}
        for rid, document, digest, payload, parts, size, sound in self.query(sql, json.dumps(list(rids))):
            if not sound:
                raise self.damaged(f"A passage of {document}")
            vectors = _from_blob(parts).reshape(-1, int(str(size)))
            found[int(str(rid))] = Found(int(str(rid)), str(document), str(digest), str(payload), vectors)
        return [found[rid] for rid in rids if rid in found]

    def vectors(self, rids: Sequence[int]) -> dict[int, Vectors]:
        """The vectors of these records, by row number."""
        rows = self._rows("record", _AMONG, json.dumps(list(rids)))
        return {int(str(rid)): _from_blob(vector) for rid, _, _, _, vector, *_ in rows}

    def operations_since(self, sequence: int) -> Iterator[Operation]:
        """What has become of every record that was touched after operation `sequence`, each once, in order."""
        sql = (
            f"select value, vector, terms, document, publisher, published, record.rid is null or {is_sound('record')} "  # noqa: S608 # constants
            "from json_each(?) left join record on record.rid = value "
            "left join document on document.id = document order by value"
        )
        touched = self.query("select distinct rid from operation where seq > ? order by rid", sequence)
        with self._errors():
            for begin in range(0, len(touched), _SORTED):
                some = json.dumps([rid for (rid,) in touched[begin : begin + _SORTED]])
                for rid, vector, terms, document, publisher, day, sound in self._db.execute(sql, (some,)):
                    if not sound:
                        raise self.damaged(f"Record {rid}")
                    yield Operation(rid, vector, terms, _told(document), _told(publisher), _day(day))

    def count(self) -> tuple[int, int]:
        """Documents, records."""
        ((documents, records),) = self.query("select (select count(*) from document), (select count(*) from record)")
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


def _told(text: str | None) -> str:
    """A text of a document, which may be damaged: whoever reads the document is told, not who searches beside it."""
    return (text or "").encode(errors="replace").decode()


def _day(text: str | None) -> date | None:
    """The same for its date."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _read_text(data: bytes) -> str:
    """A text, though it may be damaged: its digest tells."""
    return data.decode(errors="surrogateescape")


def _to_row(document_id: str, record: Record) -> tuple[object, ...]:
    # Half precision halves the file and moves no cosine by more than 0.0005 (measured: storage of e5 vectors).
    vector = record.vector.astype(np.float16).tobytes()
    parts = record.part_vectors.astype(np.float16).tobytes()
    terms = zlib.compress(json.dumps(record.terms, ensure_ascii=False).encode(), 1)
    return record.id, document_id, record.payload, vector, parts, terms


def _from_blob(blob: object) -> Vectors:
    assert isinstance(blob, bytes)  # noqa: S101 # the schema says blob
    return np.frombuffer(blob, np.float16).astype(np.float32)
