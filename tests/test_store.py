"""The truth of an index: what is acknowledged stays, what is not never was."""

from __future__ import annotations

import itertools
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import index.sqlite
from index.errors import IndexBusyError, IndexDamagedError, IndexPathError
from index.format import VERSION
from index.lexical import Lexical
from index.schema import Document, Entry, Filter, Known, Manifest, Origin
from index.store import Store
from tests.conftest import MANIFEST, make_entries, make_record, rounded


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index" / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(path)
    yield store
    store.close()


def write(store: Store, *entries: Entry, manifest: Manifest = MANIFEST) -> None:
    with store.transaction():
        store.write(manifest, entries)


def remove(store: Store, *names: str) -> None:
    with store.transaction():
        store.remove(names)


def everything(store: Store) -> tuple[object, ...]:
    """All that can be asked of a store, in comparable form."""
    documents = store.documents()
    found = store.records(store.rids([document.id for document in documents]))
    records = [(r.key, r.document_id, r.digest, r.payload, r.part_vectors.tolist()) for r in found]
    log = [(o.rid, None if o.vector is None else o.vector.tolist(), o.terms) for o in store.operations_since(0)]
    return store.manifest, store.sequence, store.count(), documents, records, log


def test_what_was_written_is_read_back(store: Store, path: Path) -> None:
    vector = np.array([0.1, 1 / 3, -0.7, 1e-5], np.float32)
    terms = {"words": ["cầu", "cầu", "'; drop", "🙂"], "pairs": []}
    document = Document("bài 1", '{"văn": "bản\u0000"}', "d1", 'Báo "A"', date(2024, 2, 29))
    write(store, Entry(document, [make_record("r1", vector, terms, parts=2), make_record("r2", -vector, {}, parts=0)]))
    store.close()
    again = Store(path)
    assert again.manifest == MANIFEST
    assert again.documents() == [document]
    assert again.document("bài 1") == document
    assert again.document("bài 2") is None
    second, first = again.records([2, 7, 1])
    assert (first.key, first.document_id, first.digest, first.payload) == (1, "bài 1", "d1", "payload r1")
    assert np.array_equal(first.part_vectors, np.stack([rounded(vector)] * 2))
    assert second.part_vectors.shape == (0, 4)
    operations = list(again.operations_since(0))
    assert [operation.terms for operation in operations] == [terms, {}]
    assert [o.vector.tolist() for o in operations if o.vector is not None] == [
        rounded(vector).tolist(),
        rounded(-vector).tolist(),
    ]
    again.close()


def test_an_empty_store(store: Store) -> None:
    assert everything(store) == (None, 0, (0, 0), [], [], [])
    assert (store.matching(Filter()), store.rids([]), store.records([])) == ([], [], [])


def test_documents_come_in_the_order_of_their_ids(store: Store) -> None:
    for name in ("b", "a-10", "A", "a-9"):
        write(store, Entry(Document(name, "", ""), []))
    assert [document.id for document in store.documents()] == ["A", "a-10", "a-9", "b"]


def test_a_row_number_is_never_used_twice(store: Store, path: Path) -> None:
    used: set[int] = set()
    for number in range(4):
        write(store, *make_entries(2, seed=number))
        rids = set(store.rids(["d000", "d001"]))
        assert len(rids) == 6
        assert not rids & used
        used |= rids
        remove(store, "d001", "d000")  # the newest rows: without autoincrement their numbers would come again
        store.close()
        store = Store(path)
    store.close()


def test_replacing_takes_the_old_records_away(store: Store) -> None:
    write(store, *make_entries(3))
    old = store.rids(["d001"])
    write(store, replace(make_entries(3, seed=1)[1], document=Document("d001", "new", "new digest")))
    assert store.count() == (3, 9)
    assert store.records(old) == []
    assert {found.digest for found in store.records(store.rids(["d001"]))} == {"new digest"}


def a_version(payload: str, name: str = "d000") -> Entry:
    """A document of that payload, whose digest begins with it."""
    return Entry(Document(name, payload, f"{payload}-digest"), [])


def test_what_a_document_was_is_kept_until_it_is_removed(store: Store) -> None:
    begun = datetime.now(UTC) - timedelta(seconds=1)
    write(store, a_version("v1"), a_version("v1", "d001"))
    assert store.superseded("d000", "v1-digest") is None, "it is what it is now"
    write(store, a_version("v1"))
    write(store, a_version("v2"))
    write(store, a_version("v3"))
    for was in ("v1", "v2"):
        for digest in (f"{was}-digest", f"{was}-di"):
            found = store.superseded("d000", digest)
            assert found
            assert found.payload == was
            assert begun <= found.replaced <= datetime.now(UTC)
    for name, digest in (("d000", "v3-digest"), ("d000", "v4"), ("d000", "_1-digest"), ("d001", "v1"), ("x", "v1")):
        assert store.superseded(name, digest) is None, (name, digest)
    write(store, a_version("v1"))
    assert store.superseded("d000", "v1-digest") is None, "it is that again"
    assert store.superseded("d000", "v3-digest")
    remove(store, "d000")
    write(store, a_version("v1"))
    assert store.superseded("d000", "v2-digest") is None


def test_what_is_put_in_the_place_of_everything(store: Store) -> None:
    write(store, *make_entries(3), a_version("v1", "e"))
    before = store.sequence
    new = [replace(make_entries(1, seed=1)[0], document=Document("d000", "new", "new digest")), a_version("v1", "e")]
    with store.transaction():
        store.write_all(MANIFEST, new)
    assert [document.id for document in store.documents()] == ["d000", "e"]
    assert store.count() == (2, 3)
    assert len([o for o in store.operations_since(before) if o.terms is None]) == 9
    was = store.superseded("d000", "digest d000")
    assert was
    assert was.payload == "text d000"
    assert store.superseded("e", "v1") is None
    assert store.superseded("d001", "digest d001") is None


def test_documents_are_known_by_where_they_come_from(store: Store) -> None:
    feed, moved = Origin("tin", "https://example.vn/1", "m1"), Origin("thư mục", "a/b.md", "m2")
    by_hand, fed = make_entries(2)
    fed = replace(fed, document=replace(fed.document, origin=feed))
    write(store, fed, by_hand)
    known = [Known("d000", "digest d000", Origin()), Known("d001", "digest d001", feed)]
    assert store.known() == known
    before = everything(store)
    with store.transaction():
        store.trace({"d001": moved, "nowhere": feed})
    assert store.known() == [known[0], replace(known[1], origin=moved)]
    assert store.documents() == [by_hand.document, replace(fed.document, origin=moved)]
    assert everything(store)[4:] == before[4:], "nothing was written anew"
    write(store, by_hand, replace(fed, document=replace(fed.document, origin=Origin())))
    assert [document.origin for document in store.known()] == [Origin(), Origin()]


def test_removing_what_is_not_there_changes_nothing(store: Store) -> None:
    write(store, *make_entries(2))
    before = everything(store)
    remove(store, "nowhere", "'; drop table record; --")
    assert everything(store) == before


def test_the_log_gives_each_touched_row_once_as_it_stands_now(store: Store) -> None:
    write(store, *make_entries(2))
    middle = store.sequence
    write(store, *make_entries(1, seed=1))
    remove(store, "d001")
    assert store.sequence > middle == 6
    assert [(o.rid, o.vector is None, o.terms is None) for o in store.operations_since(middle)] == [
        (rid, gone, gone) for rid, gone in [*((n, True) for n in (1, 2, 3, 4, 5, 6)), *((n, False) for n in (7, 8, 9))]
    ]
    assert list(store.operations_since(store.sequence)) == []


class Stop(BaseException):
    """What no handler of ours may expect, such as KeyboardInterrupt."""


@pytest.mark.parametrize("error", [ValueError, Stop])
def test_a_transaction_that_raises_leaves_all_as_it_was(store: Store, path: Path, error: type[BaseException]) -> None:
    write(store, *make_entries(3))
    before = everything(store)

    def interrupted() -> Iterator[Entry]:
        yield from make_entries(2, seed=3)
        raise error

    with pytest.raises(error), store.transaction():
        store.remove(["d002"])
        store.write(replace(MANIFEST, embedder="other"), interrupted())
    assert everything(store) == before
    write(store, *make_entries(1, prefix="next"))  # and the store can be written to
    assert store.count() == (4, 12)
    other = Store(path)
    assert everything(other) == everything(store)
    other.close()


def test_a_full_disk_leaves_all_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Small(sqlite3.Connection):
        """A database that may not grow over 40 pages."""

        def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
            if sql.startswith("begin"):
                super().execute("pragma max_page_count = 40")
            return super().execute(sql, parameters)  # type: ignore[arg-type]

    connect: Callable[..., sqlite3.Connection] = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **k, factory=Small))
    store = Store(path)
    write(store, *make_entries(3))
    before = everything(store)
    with pytest.raises(IndexPathError, match="database or disk is full"):
        write(store, *make_entries(400))
    assert everything(store) == before
    write(store, *make_entries(1, prefix="next"))
    assert store.count() == (4, 12)
    store.close()


def test_filters_are_those_of_plain_python(store: Store, tmp_path: Path) -> None:
    """Those of the store, which the dense search uses, and those of the lexical one."""
    days = [None, date(2022, 8, 10), date(2023, 12, 31), date(2024, 1, 1), date(2024, 4, 2)]
    publishers = ["", "Báo A", 'Báo "B"']
    documents = [
        Document(f"d{n}", "", "", publisher, day)
        for n, (publisher, day) in enumerate(itertools.product(publishers, days))
    ]
    write(store, *(Entry(d, [make_record(d.id, np.zeros(8, np.float32), {"words": ["a"]})]) for d in documents))
    lexical = Lexical(tmp_path, store, ("words",))
    lexical.refresh()

    def passes(document: Document, only: Filter) -> bool:
        day = document.published
        return (
            (not only.documents or document.id in only.documents)
            and (not only.publishers or document.publisher in only.publishers)
            and (only.since is None or (day is not None and day >= only.since))
            and (only.until is None or (day is not None and day <= only.until))
        )

    ids = [frozenset[str](), frozenset({"d1", "d7", "d13", "nowhere"}), frozenset({"nowhere"})]
    names = [frozenset[str](), frozenset({"Báo A"}), frozenset({'Báo "B"', ""}), frozenset({"báo a"})]
    bounds = [None, date(2023, 12, 31), date(2024, 1, 1)]
    for allowed, of, since, until in itertools.product(ids, names, bounds, bounds):
        only = Filter(allowed, of, since, until)
        expected = {rid for rid, d in enumerate(documents, start=1) if passes(d, only)}
        assert set(store.matching(only)) == expected, only
        assert lexical.search({"words": {"a": 1.0}}, 99, only).keys() == expected, only
        assert bool(only) == (not all(passes(d, only) for d in documents))


# The first format that was released, as it was.
VERSION_1 = """
create table meta (key text primary key, value text not null) without rowid;
create table document (
    id text primary key, payload text not null, digest text not null, publisher text not null, published text
) without rowid;
create table record (
    rid integer primary key autoincrement, id text not null unique,
    document text not null references document (id) on delete cascade,
    payload text not null, vector blob not null, part_vectors blob not null, terms blob not null
);
create index record_document on record (document);
create table operation (seq integer primary key autoincrement, rid integer not null);
pragma user_version = 1;
"""


def test_an_index_of_the_first_format_is_taken_along_whole(path: Path) -> None:
    path.parent.mkdir()
    database = sqlite3.connect(path)
    database.executescript(VERSION_1)
    manifest = '{"embedder": "model", "dimension": 8, "chunking": "chunks-1", "terms": "terms-1"}'
    database.execute("insert into meta values ('manifest', ?)", (manifest,))
    vectors = np.eye(8, dtype=np.float16)
    rows = [("a", "bài a", "digest a", "Báo", "2024-02-29"), ("b", "bài b", "digest b", "", None)]
    database.executemany("insert into document values (?, ?, ?, ?, ?)", rows)
    for rid, document in ((4, "a"), (5, "b"), (7, "b")):
        terms = zlib.compress(f'{{"words": ["w{rid}"]}}'.encode())
        blobs = (vectors[rid].tobytes(), vectors[:2].tobytes(), terms)
        row = (rid, f"{document}:{rid}", document, f"payload {rid}", *blobs)
        database.execute("insert into record values (?, ?, ?, ?, ?, ?, ?)", row)
    database.executemany("insert into operation (rid) values (?)", [(rid,) for rid in range(1, 8)])
    database.commit()
    database.close()

    store = Store(path)
    assert store.manifest == MANIFEST
    assert store.documents() == [
        Document("a", "bài a", "digest a", "Báo", date(2024, 2, 29)),
        Document("b", "bài b", "digest b"),
    ]
    assert (store.count(), store.sequence, store.rids(["b"])) == ((2, 3), 7, [5, 7])
    assert [(r.key, r.document_id, r.digest, r.payload) for r in store.records([4, 5, 7])] == [
        (4, "a", "digest a", "payload 4"),
        (5, "b", "digest b", "payload 5"),
        (7, "b", "digest b", "payload 7"),
    ]
    seen = {o.rid: (o.vector.tolist(), o.terms) for o in store.operations_since(0) if o.vector is not None}
    assert seen == {rid: (vectors[rid].tolist(), {"words": [f"w{rid}"]}) for rid in (4, 5, 7)}
    write(store, replace(make_entries(1)[0], document=Document("a", "mới", "new")))
    assert store.superseded("a", "digest a")
    assert min(store.rids(["a"])) > 7, "a row number is never used twice"
    remove(store, "b")
    assert store.count() == (1, 3)
    store.close()
    Store(path).close()  # and it is of today's format


def test_a_newer_format_is_refused(store: Store, path: Path) -> None:
    store.close()
    database = sqlite3.connect(path)
    database.execute(f"pragma user_version = {VERSION + 1}")
    database.close()
    with pytest.raises(IndexDamagedError, match=rf"has format {VERSION + 1} .* knows {VERSION}: update"):
        Store(path)


@pytest.mark.parametrize("content", [b"this is no database, but it is long enough " * 40, b"\x89PNG\r\n" + bytes(4096)])
def test_a_file_of_another_kind_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(IndexDamagedError, match=r"not an index .* `hoidap index add`"):
        Store(path)
    assert path.read_bytes() == content


def test_a_damaged_database_says_so(path: Path) -> None:
    store = Store(path)
    write(store, *make_entries(200))
    store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:  # all but the first page
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(IndexDamagedError, match="move that folder away"):
        Store(path).documents()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(IndexPathError, match="HOIDAP_INDEX_DIR"):
        Store(tmp_path / "file" / "store.sqlite")
    (tmp_path / "folder" / "store.sqlite").mkdir(parents=True)
    with pytest.raises(IndexPathError, match="HOIDAP_INDEX_DIR"):
        Store(tmp_path / "folder" / "store.sqlite")


def test_a_second_writer_is_told_to_wait(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.sqlite, "_BUSY_SECONDS", 0.1)
    first, second = Store(path), Store(path)
    write(first, *make_entries(1))
    with first.transaction():
        first.write(MANIFEST, make_entries(2, prefix="open"))
        with pytest.raises(IndexBusyError, match="try again when it is done"):
            write(second, *make_entries(1))
        assert second.count() == (1, 3), "reading does not wait, and sees what is acknowledged"
    assert second.count() == (3, 9)
    write(second, *make_entries(1, prefix="later"))
    first.close()
    second.close()


def test_many_open_a_new_store_at_once(tmp_path: Path) -> None:
    rounds, openers = 25, 4
    together = threading.Barrier(openers)

    def open_all(_: int) -> None:
        for number in range(rounds):
            together.wait(30)
            store = Store(tmp_path / str(number) / "store.sqlite")
            assert store.count() == (0, 0)
            store.close()

    with ThreadPoolExecutor(openers) as pool:
        list(pool.map(open_all, range(openers)))


def test_threads_read_whole_transactions_beside_a_writer(store: Store) -> None:
    write(store, *make_entries(4))
    done = threading.Event()

    def read() -> int:
        rounds = 0
        while not done.is_set() or not rounds:
            assert store.count() == (4, 12)
            assert len(store.documents()) == 4
            rounds += 1
        return rounds

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for number in range(15):
            write(store, *make_entries(4, seed=number))
        done.set()
        assert all(reader.result(30) for reader in readers)
