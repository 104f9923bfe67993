"""A Milvus server: its collections, and rows in and out of them. Each error of its client becomes one of ours."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from index.errors import IndexServerError, IndexStoreError

if TYPE_CHECKING:
    from pymilvus import CollectionSchema

Row = dict[str, Any]

URL = re.compile(
    r"milvus(?P<tls>\+https)?://(?P<host>[\w.-]+|\[[\da-f:]+\])(?::(?P<port>\d{1,5}))?(?:/(?P<database>\w*))?"
)
PAGES = "hoidap_pages"
RECORDS = "hoidap_records_"
"""What the collections of records begin with; the number of the write that made one follows."""

_PORT = 19530
_SECONDS = 10.0  # for one call
_LONG = 60.0  # for one that makes or loads a collection
_PIECE = 16_000  # characters, of 4 bytes at most: a string of Milvus holds 65,535 bytes
PIECES = 4096
"""What an array of Milvus holds."""
_AT_ONCE = 100  # pieces that are sent in one request: under 7 MB, and a server takes 64
_ROWS = 200  # that are received in one
# No pings while nothing is asked, as gRPC has it: a server may hang up on one who pings more often than it likes.
_QUIET = {"grpc.keepalive_permit_without_calls": False, "grpc.keepalive_time_ms": 300_000}
DEEPEST = 16_384  # rows that one search may give


class Server:
    """A database of a Milvus server. Safe to use from several threads."""

    def __init__(self, url: str, token: str) -> None:
        """Connect to `url`, which `URL` matches, and make the database and the collection of pages if they are missing.

        Raises:
            IndexStoreError: the client of Milvus is not installed.
            IndexServerError: the server cannot be reached, or refuses.
        """
        try:
            from pymilvus import MilvusClient
        except ImportError as error:
            raise IndexStoreError(
                "An index on a Milvus server needs its client: run `pip install 'hoidap[milvus]'`."
            ) from error
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it prints a traceback of what it raises besides
        parts = URL.fullmatch(url)
        if not parts:
            raise IndexStoreError(f"{url!r} is not milvus://host[:port][/database].")
        self._url = url
        address = f"{'https' if parts['tls'] else 'http'}://{parts['host']}:{parts['port'] or _PORT}"
        options = {"token": token, "timeout": _SECONDS, "grpc_options": _QUIET}
        database = parts["database"] or ""
        with self._errors():
            if database:
                with closing(MilvusClient(address, **options)) as client:
                    if database not in client.list_databases():
                        client.create_database(database)
            self._client = MilvusClient(address, db_name=database, **options)
            if not self._client.has_collection(PAGES):
                self._create(PAGES, self._page_schema(), {"none": "FLAT"})
        self.load(PAGES)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        from grpc import RpcError
        from pymilvus.exceptions import MilvusException

        try:
            yield
        except (MilvusException, RpcError) as error:
            why = error.message if isinstance(error, MilvusException) else error.details()
            raise IndexServerError(
                f"The index at {self._url} cannot be used ({why}): see that the Milvus server runs, that "
                "HOIDAP_INDEX_URL names it, and that HOIDAP_INDEX_TOKEN opens it."
            ) from error

    def _page_schema(self) -> CollectionSchema:
        """Everything but records: a short `head`, and a `body` in pieces. Milvus wants a vector in each collection."""
        from pymilvus import DataType

        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", DataType.INT64, is_primary=True)
        schema.add_field("kind", DataType.INT64)
        schema.add_field("owner", DataType.INT64)
        schema.add_field("head", DataType.VARCHAR, max_length=65_535)
        _add_body(schema)
        schema.add_field("none", DataType.FLOAT_VECTOR, dim=2)
        return schema

    def make_records(self, name: str, dimension: int) -> None:
        """Make an empty collection of records with vectors of that dimension, and load it."""
        from pymilvus import DataType

        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        for field in ("key", "owner", "publisher", "published"):
            schema.add_field(field, DataType.INT64, is_primary=field == "key")
        schema.add_field("terms", DataType.ARRAY, element_type=DataType.INT64, max_capacity=PIECES)
        _add_body(schema)
        schema.add_field("dense", DataType.FLOAT_VECTOR, dim=dimension)
        schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
        with self._errors():
            # Flat is exact: the same passages as on one machine. Nothing is dropped from sparse vectors either.
            self._create(name, schema, {"dense": "FLAT", "sparse": "SPARSE_INVERTED_INDEX"})
        self.load(name)

    def _create(self, name: str, schema: CollectionSchema, indexes: Mapping[str, str]) -> None:
        params = self._client.prepare_index_params()
        for field, kind in indexes.items():
            params.add_index(field, index_type=kind, metric_type="IP")
        self._client.create_collection(
            name, schema=schema, index_params=params, consistency_level="Strong", timeout=_LONG
        )

    def load(self, collection: str, seconds: float = _LONG) -> None:
        """Have the server hold `collection` ready; nothing if it does so already."""
        with self._errors():
            self._client.load_collection(collection, timeout=seconds)

    def records(self) -> list[str]:
        """The collections of records that there are."""
        with self._errors():
            return [name for name in self._client.list_collections() if name.startswith(RECORDS)]

    def drop(self, collection: str) -> None:
        """Remove a collection."""
        with self._errors():
            self._client.drop_collection(collection, timeout=_SECONDS)

    def page(self, key: int) -> str | None:
        """The body of the page of that key, as it is at this moment."""
        rows = self.rows(PAGES, f"key == {key}", ["body"], limit=1)
        return "".join(rows[0]["body"]) if rows else None

    def write(self, collection: str, rows: Iterable[Row], before_each: Callable[[], None]) -> None:
        """Insert rows, or put them in the place of those of the same keys; `before_each` is called before each request.

        A request is written whole or not at all; several are not.
        """
        batch, size = list[Row](), 0
        for row in rows:
            weight = 1 + len(row["body"])
            if batch and size + weight > _AT_ONCE:
                self._upsert(collection, batch, before_each)
                batch, size = [], 0
            batch.append(row)
            size += weight
        if batch:
            self._upsert(collection, batch, before_each)

    def _upsert(self, collection: str, rows: list[Row], before: Callable[[], None]) -> None:
        before()
        with self._errors():
            self._client.upsert(collection, rows, timeout=_SECONDS)

    def delete(self, collection: str, where: str) -> None:
        """Delete the rows that `where` names."""
        with self._errors():
            self._client.delete(collection, filter=where, timeout=_SECONDS)

    def rows(self, collection: str, where: str, fields: Sequence[str], limit: int, level: str = "Strong") -> list[Row]:
        """`fields` of at most `limit` rows that `where` lets through, in no order."""
        with self._errors():
            return [
                dict(row)
                for row in self._client.query(
                    collection, where, list(fields), limit=limit, timeout=_SECONDS, consistency_level=level
                )
            ]

    def all_rows(self, collection: str, where: str, fields: Sequence[str]) -> Iterator[Row]:
        """`fields` of all rows that `where` lets through, however many, in the order of their keys."""
        with self._errors():
            pages = self._client.query_iterator(collection, _ROWS, filter=where, output_fields=["key", *fields])
            try:
                while rows := pages.next():
                    yield from map(dict, rows)
            finally:
                pages.close()

    def nearest(
        self, collection: str, field: str, vector: object, *, depth: int, where: str, level: str
    ) -> dict[int, float]:
        """Keys and inner products of the `depth` best by `field` among those that `where` lets through."""
        with self._errors():
            (hits,) = self._client.search(
                collection,
                [vector],
                filter=where,
                limit=min(depth, DEEPEST),
                output_fields=["key"],
                search_params={"metric_type": "IP"},
                anns_field=field,
                timeout=_SECONDS,
                consistency_level=level,
            )
        return {int(hit["key"]): float(hit["distance"]) for hit in hits}

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def page(key: int, kind: int, owner: int, head: object = None, body: str = "") -> Row:
    """A row of the collection of pages."""
    return {
        "key": key,
        "kind": kind,
        "owner": owner,
        "head": json.dumps(head, ensure_ascii=False),
        "body": pieces(body),
        "none": [0.0, 0.0],
    }


def pieces(text: str) -> list[str]:
    """`text` cut so that each piece fits into a string of Milvus, and all of them into an array.

    Raises:
        IndexStoreError: it is too long.
    """
    if len(text) > _PIECE * PIECES:
        raise IndexStoreError(f"A text of {len(text):,} characters is too long for Milvus: split the article.")
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]


def _add_body(schema: CollectionSchema) -> None:
    from pymilvus import DataType

    schema.add_field("body", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=PIECES, max_length=65_535)
