"""The format of the store, from its first version to today's, and what tells a sound row from a damaged one."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

# From each version of the format to the next. A step that has been released is never changed again.
STEPS = (
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
    # What was written, so that damage is noticed, and a token for every operation, so that a derived engine knows the
    # store that it was derived from.
    """
alter table document add column checksum blob not null default x'';
update document set checksum = row_digest(
    cast(id as blob), cast(digest as blob), cast(publisher as blob), cast(published as blob),
    cast(source as blob), cast(item as blob), cast(mark as blob), cast(payload as blob)
);
alter table superseded add column checksum blob not null default x'';
update superseded set checksum = row_digest(
    cast(document as blob), cast(digest as blob), cast(replaced as blob), cast(payload as blob)
);
alter table record add column checksum blob not null default x'';
update record set checksum = row_digest(
    cast(rid as blob), cast(id as blob), cast(document as blob), cast(payload as blob),
    cast(vector as blob), cast(part_vectors as blob), cast(terms as blob)
);
alter table operation add column token integer not null default 0;
update operation set token = random() & 9223372036854775807
    """,
    # Documents by row number, and an index of their ids. In a table without row numbers SQLite reads each document that
    # it passes on its way to one, text and all: of 300,000 one took 45 pages of 4 kB.
    """
create table document_4 (
    id text not null primary key, digest text not null, publisher text not null, published text,
    source text not null, item text not null, mark text not null, payload text not null,
    checksum blob not null default x''
);
insert into document_4 select id, digest, publisher, published, source, item, mark, payload, checksum from document;
drop table document;
alter table document_4 rename to document
    """,
)
VERSION = len(STEPS)

# What is digested of each table, in this order; its column `checksum` holds the outcome.
COLUMNS = {
    "document": ("id", "digest", "publisher", "published", "source", "item", "mark", "payload"),
    "superseded": ("document", "digest", "replaced", "payload"),
    "record": ("rid", "id", "document", "payload", "vector", "part_vectors", "terms"),
}


def is_sound(table: str) -> str:
    """The SQL that tells whether a row of `table` is what was written; the connection has to know `row_digest`."""
    return f"{table}.checksum is {_digest(f'{table}.{column}' for column in COLUMNS[table])}"


def insert_into(table: str) -> str:
    """The SQL that writes a row of `table` with its digest, its values numbered as in `COLUMNS`.

    A row of the same key is changed in place: `insert or replace` would remove it first, and all that refers to it.
    """
    columns = COLUMNS[table]
    values = [f"?{number}" for number in range(1, len(columns) + 1)]
    changes = ", ".join(f"{column} = excluded.{column}" for column in (*columns, "checksum"))
    return (
        f"insert into {table} ({', '.join(columns)}, checksum) values ({', '.join(values)}, {_digest(values)}) "  # noqa: S608 # constants
        f"on conflict do update set {changes}"
    )


def row_digest(*values: bytes | None) -> bytes:
    """16 bytes that tell whether any of `values` is another than it was; a function of SQL too."""
    digest = blake2b(digest_size=16)
    for value in values:
        digest.update(b"-" if value is None else b"%d " % len(value))
        digest.update(value or b"")
    return digest.digest()


def _digest(values: Iterable[str]) -> str:
    """The SQL of the digest of `values`: of their bytes, for what is damaged may be no text any more."""
    return f"row_digest({', '.join(f'cast({value} as blob)' for value in values)})"
