"""What every `Index` does, of each kind alike: searches against brute force, and writes that are whole or not at all.

Of each kind means: in a folder, on a `milvus-lite` server that is started here, and on the server that
HOIDAP_TEST_MILVUS_URL names, if it does (with HOIDAP_TEST_MILVUS_TOKEN), in databases that are removed afterwards.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Event, Thread

import numpy as np
import pytest

from index.errors import IndexBusyError, IndexStoreError
from index.local import LocalIndex
from index.milvus.index import MilvusIndex
from index.protocol import Index
from index.schema import Document, Entry, Filter, Hit, Known, Manifest, Origin, Query, Vectors
from tests.conftest import FIELD_NAMES, MANIFEST, bm25, make_entries, make_record, rounded
from tests.milvus_server import TOKEN, URL, database, milvus_lite
from tests.test_dense import a_query

QUERY: Query = {"words": {"a": 1.0, "d": 0.5, "j": 2.0, "nowhere": 3.0}, "pairs": {"ab": 0.25, "ba": 1.5}}
EVERYTHING = Filter()
Open = Callable[[], Index]
"""Opens one index once more, as another process would."""


SERVERS = [pytest.param("milvus-lite", marks=pytest.mark.slow), *(["milvus"] if URL else [])]


class Kind:
    """A kind of index, and where new ones are made."""

    def __init__(self, name: str, place: Callable[[], Open], also_counted: int) -> None:
        self.name, self._place, self._also_counted = name, place, also_counted
        self.opened: list[Index] = []

    def new(self) -> Open:
        """A new, empty index."""
        once = self._place()

        def open_it() -> Index:
            self.opened.append(index := once())
            return index

        return open_it

    def scores_of(self, entries: list[Entry], vector: Vectors, query: Query) -> dict[str, tuple[float, float]]:
        """Both scores of every record, by its payload."""
        records = [record for entry in entries for record in entry.records]
        lexical = bm25([record.terms for record in records], query, also_counted=self._also_counted)
        return {r.payload: (float(rounded(r.vector) @ vector), b) for r, b in zip(records, lexical, strict=True)}


@pytest.fixture(scope="module", params=["local", *SERVERS])
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kind]:
    """Every test here runs once for each."""
    with ExitStack() as stack:
        if request.param == "local":

            def folder() -> Open:
                path = tmp_path_factory.mktemp("local")
                return lambda: LocalIndex(path, FIELD_NAMES)

            kind = Kind("local", folder, also_counted=1)
        else:
            is_lite = request.param == "milvus-lite"
            server = stack.enter_context(milvus_lite(tmp_path_factory.mktemp("milvus"))) if is_lite else URL

            def on_server() -> Open:
                url = stack.enter_context(database(server))
                return lambda: MilvusIndex(url, "" if is_lite else TOKEN, FIELD_NAMES)

            kind = Kind(request.param, on_server, also_counted=0)
        yield kind
        for index in kind.opened:
            index.close()


@pytest.fixture
def opened(kind: Kind) -> Open:
    return kind.new()


@pytest.fixture
def index(opened: Open) -> Index:
    return opened()


@pytest.fixture(scope="module")
def stocked(kind: Kind) -> Index:
    """An index of `dated(30)`. Not to be written to."""
    stocked = kind.new()()
    stocked.put(MANIFEST, dated(30))
    return stocked


def soon(ask: Callable[[], object], expected: object) -> None:
    """`ask` gives what is expected: at once in the process that wrote, a little later in others."""
    deadline = time.monotonic() + 10
    while ask() != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ask() == expected


def dated(count: int) -> list[Entry]:
    """Entries of three publishers, most of them with a date."""
    return [
        replace(
            entry,
            document=replace(
                entry.document,
                publisher=f"P{number % 3}",
                published=date(2024, 1, 1 + number) if number % 4 else None,
            ),
        )
        for number, entry in enumerate(make_entries(count))
    ]


def found(index: Index, hits: list[Hit]) -> dict[str, tuple[float, float]]:
    """Hits by the payloads of their records."""
    records = index.records([hit.key for hit in hits])
    assert [record.key for record in records] == [hit.key for hit in hits]
    return {record.payload: (hit.dense, hit.lexical) for record, hit in zip(records, hits, strict=True)}


def check_union(hits: dict[str, tuple[float, float]], scores: dict[str, tuple[float, float]], depth: int) -> None:
    """`hits` are the `depth` best of either score, each with both of its own."""
    dense = sorted(scores, key=lambda name: -scores[name][0])[:depth]
    holding = sorted((lexical for _, lexical in scores.values() if lexical), reverse=True)
    last = holding[:depth][-1] if holding[:depth] else float("inf")  # records of equal score may stand for each other
    surely = {name for name, (_, lexical) in scores.items() if lexical > last + 1e-4}
    perhaps = {name for name, (_, lexical) in scores.items() if lexical > last - 1e-4}
    assert set(dense) | surely <= hits.keys() <= set(dense) | perhaps
    assert len(hits.keys() & perhaps) >= min(depth, len(holding))
    for name, (cosine, lexical) in hits.items():
        assert cosine == pytest.approx(scores[name][0], abs=1e-6), name
        assert lexical == pytest.approx(scores[name][1], abs=1e-4), name


@pytest.mark.parametrize("depth", [1, 4, 15, 200])
def test_the_best_of_both_searches_with_both_scores(kind: Kind, stocked: Index, depth: int) -> None:
    for seed in range(4):
        hits = found(stocked, stocked.search(a_query(seed), QUERY, depth, EVERYTHING))
        check_union(hits, kind.scores_of(dated(30), a_query(seed), QUERY), depth)


def test_what_one_search_alone_finds_has_its_other_score(kind: Kind, index: Index) -> None:
    """The nearest vector ranks last by terms, and the best by terms is farthest away."""
    axis = np.eye(MANIFEST.dimension, dtype=np.float32)
    near = make_record("near", axis[0], {"words": ["a", *"xyzuvwxyzuvw"]})
    far = make_record("far", (0.1 * axis[0] + axis[1]) / np.float32(1.005), {"words": ["a", "a"]})
    between = [
        make_record(f"b{n}", (axis[0] + axis[2 + n]) / np.float32(2**0.5), {"words": ["a", "q"]}) for n in range(3)
    ]
    entries = [Entry(Document("d", "", ""), [near, *between, far])]
    index.put(MANIFEST, entries)
    query = {"words": {"a": 1.0}}
    scores = kind.scores_of(entries, axis[0], query)
    hits = found(index, index.search(axis[0], query, 1, EVERYTHING))
    assert hits.keys() == {"payload near", "payload far"}
    for name in hits:
        assert hits[name] == pytest.approx(scores[name], abs=1e-4)
    assert hits["payload near"][1] > 0.01
    assert hits["payload far"][0] == pytest.approx(0.0995, abs=1e-3)


@pytest.mark.parametrize(
    "only",
    [
        Filter(documents=frozenset({"d003", "d007", "nowhere"})),
        Filter(publishers=frozenset({"P1"})),
        Filter(since=date(2024, 1, 8)),
        Filter(until=date(2024, 1, 8)),
        Filter(since=date(2024, 1, 6), until=date(2024, 1, 6)),
        Filter(publishers=frozenset({"P0", "P2"}), since=date(2024, 1, 4), until=date(2024, 1, 20)),
        Filter(documents=frozenset({"d004"}), since=date(1900, 1, 1)),
        Filter(documents=frozenset({"nowhere"})),
    ],
)
@pytest.mark.parametrize("depth", [3, 200])
def test_a_filter_searches_among_what_it_lets_through(kind: Kind, stocked: Index, only: Filter, depth: int) -> None:
    entries = dated(30)

    def passes(document: Document) -> bool:
        day = document.published
        return (
            (not only.documents or document.id in only.documents)
            and (not only.publishers or document.publisher in only.publishers)
            and (only.since is None or (day is not None and day >= only.since))
            and (only.until is None or (day is not None and day <= only.until))
        )

    allowed = {record.payload for entry in entries if passes(entry.document) for record in entry.records}
    everything = kind.scores_of(entries, a_query(), QUERY)  # BM25 counts all records, whatever the filter
    scores = {name: both for name, both in everything.items() if name in allowed}
    check_union(found(stocked, stocked.search(a_query(), QUERY, depth, only)), scores, depth)


def test_documents_that_hold_terms_and_their_publishers(index: Index) -> None:
    entries = dated(12)
    index.put(MANIFEST, entries)
    wanted = {"words": ["a", "b"], "pairs": ["ba"]}
    by_hand = [
        entry.document.id
        for entry in entries
        if any(all(set(terms) <= set(r.terms[f]) for f, terms in wanted.items()) for r in entry.records)
    ]
    assert 0 < len(by_hand) < 12
    assert index.holding(wanted) == by_hand
    index.delete([by_hand[0]])
    assert index.holding(wanted) == by_hand[1:]
    assert index.publishers() == ["P0", "P1", "P2"]
    assert index.holding({"words": ["a", "nowhere"]}) == index.holding({"words": []}) == []


def test_an_empty_index(index: Index) -> None:
    assert index.search(a_query(), QUERY, 10, EVERYTHING) == []
    assert index.search(a_query(), QUERY, 10, Filter(publishers=frozenset({"P"}))) == []
    assert index.frequencies("words", ["a", "b"]) == (0, [0, 0])
    assert (index.records([1, 2]), index.documents()) == ([], [])
    assert (index.manifest, index.document("d")) == (None, None)
    assert (index.status().documents, index.status().records) == (0, 0)
    index.delete(["nowhere"])


def test_vector_alone_and_depth_nought(kind: Kind, stocked: Index) -> None:
    scores = kind.scores_of(dated(30), a_query(), {})
    check_union(found(stocked, stocked.search(a_query(), {}, 5, EVERYTHING)), scores, 5)
    assert stocked.search(a_query(), QUERY, 0, EVERYTHING) == []


def test_put_replaces_and_delete_removes(kind: Kind, index: Index) -> None:
    old, new = make_entries(4), make_entries(4, seed=1)
    index.put(MANIFEST, old)
    keys = {hit.key for hit in index.search(a_query(), QUERY, 99, EVERYTHING)}
    index.put(MANIFEST, new[:2])
    now = new[:2] + old[2:]
    hits = index.search(a_query(), QUERY, 99, EVERYTHING)
    assert {name: dense for name, (dense, _) in found(index, hits).items()} == pytest.approx(
        {name: dense for name, (dense, _) in kind.scores_of(now, a_query(), QUERY).items()}, abs=1e-6
    )
    assert len({hit.key for hit in hits} - keys) == 6
    holding = [sum(term in r.terms["words"] for e in now for r in e.records) for term in ("a", "j", "nowhere")]
    assert index.frequencies("words", ["a", "j", "nowhere"]) == (12, holding)
    index.delete(["d000", "d003"])
    records = index.records([hit.key for hit in index.search(a_query(), QUERY, 99, EVERYTHING)])
    assert {record.document_id for record in records} == {"d001", "d002"}
    assert len(records) == 6
    assert (index.status().documents, index.status().records) == (2, 6)


def test_depth_is_not_eaten_up_by_what_was_replaced(index: Index) -> None:
    for number in range(6):
        index.put(MANIFEST, make_entries(5, seed=number))
    hits = index.search(a_query(), {"words": {"a": 1.0}}, 4, EVERYTHING)
    assert sum(hit.lexical > 0 for hit in hits) >= 4


def test_replace_puts_all_in_the_place_of_all(kind: Kind, index: Index, opened: Open) -> None:
    index.put(MANIFEST, make_entries(6))
    other = Manifest("wider", 12, "chunks-2", "terms-1")
    wide = np.eye(12, dtype=np.float32)
    entries = [Entry(Document(f"w{n}", "", ""), [make_record(f"w{n}:0", wide[n], {"words": ["a"]})]) for n in range(3)]
    index.replace(other, entries, index.version)
    assert index.manifest == other
    check_union(found(index, index.search(wide[1], QUERY, 9, EVERYTHING)), kind.scores_of(entries, wide[1], QUERY), 9)
    again = opened()
    assert again.search(wide[1], QUERY, 9, EVERYTHING) == index.search(wide[1], QUERY, 9, EVERYTHING)


def test_replace_is_refused_when_something_came_in_between(index: Index, opened: Open) -> None:
    index.put(MANIFEST, make_entries(2))
    version = index.version
    opened().put(MANIFEST, make_entries(1, prefix="late"))
    with pytest.raises(IndexBusyError, match="run the command again"):
        index.replace(MANIFEST, make_entries(1, prefix="n"), version)
    assert [document.id for document in index.documents()] == ["d000", "d001", "late000"]


def test_another_manifest_is_refused_unless_empty(index: Index) -> None:
    index.put(MANIFEST, make_entries(2))
    other = replace(MANIFEST, embedder="another")
    with pytest.raises(IndexStoreError, match="another embedder or chunking: run `hoidap index rebuild` first"):
        index.put(other, make_entries(1, prefix="n"))
    assert index.manifest == MANIFEST
    assert [document.id for document in index.documents()] == ["d000", "d001"]
    index.delete(["d000", "d001"])
    index.put(other, make_entries(1))
    assert index.manifest == other


def test_a_write_that_fails_in_the_middle_changes_nothing(index: Index) -> None:
    index.put(MANIFEST, make_entries(4))
    before = index.search(a_query(), QUERY, 99, EVERYTHING)

    def failing() -> Iterator[Entry]:
        yield from make_entries(3, seed=8)
        raise RuntimeError("the embedder broke")

    version = index.version
    for write in (index.put, lambda manifest, entries: index.replace(manifest, entries, version)):
        with pytest.raises(RuntimeError, match="the embedder broke"):
            write(MANIFEST, failing())
        assert index.search(a_query(), QUERY, 99, EVERYTHING) == before
    index.put(MANIFEST, make_entries(1, prefix="n"))
    assert len(index.documents()) == 5


def test_terms_are_counted_as_records_come_and_go(index: Index) -> None:
    held = {entry.document.id: entry for entry in make_entries(3)}
    index.put(MANIFEST, list(held.values()))
    for number in range(6):
        new = make_entries(2, seed=number, prefix=f"n{number % 2}")
        odd = make_record(f"odd {number}", a_query(), {"words": ["k", "k"]})
        new[1] = replace(new[1], records=[*new[1].records, odd])
        index.put(MANIFEST, new)
        held |= {entry.document.id: entry for entry in new}
        index.delete([f"d00{number}"])
        held.pop(f"d00{number}", None)
        records = [record for entry in held.values() for record in entry.records]
        for field in FIELD_NAMES:
            each = Counter(term for record in records for term in set(record.terms.get(field, ())))
            vocabulary = dict(index.vocabulary(field))
            assert vocabulary.keys() >= each.keys()
            assert all(vocabulary[term] >= count for term, count in each.items())  # tantivy still counts removed ones
            assert index.frequencies(field, [*each, "nowhere"]) == (len(records), [*each.values(), 0])


def test_documents_are_given_back_as_they_were(index: Index) -> None:
    odd = '" or 1 == 1 or owner in [\\'
    documents = [
        Document(
            "dài", "Đường phố Huế 🏯 " * 20_000, "1", 'Báo "Huế"', date(2024, 2, 29), Origin("nguồn", "bài\n1", "m")
        ),
        Document(odd, "", "2", odd),
        Document("rỗng", "{}", "3"),
    ]
    parts = np.tile(a_query(), (90, 1))
    record = replace(make_record("r", a_query(), {}), payload="ờ" * 30_000, part_vectors=parts)
    entries = [Entry(document, [record] if number == 0 else []) for number, document in enumerate(documents)]
    index.put(MANIFEST, entries)
    in_order = sorted(documents, key=lambda document: document.id)
    assert index.documents() == in_order
    assert [index.document(document.id) for document in documents] == documents
    assert index.known() == [Known(document.id, document.digest, document.origin) for document in in_order]
    assert index.publishers() == sorted([odd, 'Báo "Huế"'])
    assert index.document("nowhere") is None
    (hit,) = index.search(a_query(), QUERY, 9, Filter(publishers=frozenset({odd, 'Báo "Huế"'})))
    (record_found,) = index.records([hit.key, hit.key + 1])
    assert (record_found.document_id, record_found.digest, record_found.payload) == ("dài", "1", record.payload)
    np.testing.assert_array_equal(record_found.part_vectors, rounded(parts))
    assert index.search(a_query(), QUERY, 9, Filter(documents=frozenset({odd}))) == []
    index.delete([odd])
    assert [known.id for known in index.known()] == ["dài", "rỗng"]


def test_what_a_document_was_and_where_it_came_from(index: Index) -> None:
    def at(version: int, document_id: str = "d") -> Entry:
        (entry,) = make_entries(1, seed=version, prefix=document_id)
        return replace(entry, document=Document(document_id, f"text {version}", f"{version}-digest"))

    def was(digest: str, document_id: str = "d") -> str | None:
        found = index.superseded(document_id, digest)
        assert found is None or timedelta(0) <= datetime.now(UTC) - found.replaced < timedelta(minutes=1)
        return found.payload if found else None

    index.put(MANIFEST, [at(1), at(1, "other")])
    index.put(MANIFEST, [at(1)])
    assert [was("1"), was("2")] == [None, None]
    index.put(MANIFEST, [at(2)])
    index.replace(MANIFEST, [at(3), at(1, "more")], index.version)
    assert [was("1-digest"), was("2-"), was("3"), was("4")] == ["text 1", "text 2", None, None]
    assert was("1", "other") is None
    index.put(MANIFEST, [at(1)])
    assert [was("1"), was("3")] == [None, "text 3"]

    version, origin = index.version, Origin("feed", "item", "mark")
    index.trace({"d": origin, "nowhere": origin})
    assert [known.origin for known in index.known()] == [origin, Origin()]
    assert index.document("d") == replace(at(1).document, origin=origin)
    assert len(index.search(a_query(), QUERY, 99, EVERYTHING)) == 6
    index.put(MANIFEST, [at(4)])
    assert index.version != version
    assert [was("1"), was("2")] == ["text 1", "text 2"]
    index.delete(["d"])
    assert was("2") is None
    index.put(MANIFEST, [at(5)])
    assert was("2") is None


def test_another_reader_sees_writes_without_opening_again(index: Index, opened: Open) -> None:
    reader = opened()
    for number in range(3):
        index.put(MANIFEST, make_entries(3, seed=number))
        index.put(MANIFEST, make_entries(2, prefix=f"n{number}"))
        index.delete([f"n{number}000"])
        soon(lambda: reader.version, index.version)
        seen = reader.search(a_query(), QUERY, 99, EVERYTHING)
        assert len(seen) == 9 + 3 * (number + 1)
        assert seen == index.search(a_query(), QUERY, 99, EVERYTHING)
        assert reader.frequencies("words", ["a"]) == index.frequencies("words", ["a"])
        assert reader.vocabulary("words") == index.vocabulary("words")
        assert reader.documents() == index.documents()
    index.replace(MANIFEST, make_entries(2), index.version)  # what the reader has read from is swept away
    soon(lambda: len(reader.search(a_query(), QUERY, 99, EVERYTHING)), 6)


def test_readers_beside_a_writer_see_whole_writes(index: Index, opened: Open) -> None:
    """The two documents are always replaced together, and have as many records as each other."""
    index.put(MANIFEST, make_entries(2))
    reader, stop, seen = opened(), Event(), set[tuple[str, ...]]()

    def read() -> None:
        while not stop.is_set():
            known = reader.known()
            seen.add(tuple(document.digest for document in known))

    thread = Thread(target=read)
    thread.start()
    for number in range(8):
        entries = make_entries(2, seed=number, per_document=1 + number % 3)
        index.put(MANIFEST, [replace(e, document=replace(e.document, digest=str(number))) for e in entries])
    stop.set()
    thread.join()
    assert seen <= {("digest d000", "digest d001"), *((str(n), str(n)) for n in range(8))}
    assert len(seen) > 1


def test_what_shares_most_terms_comes_first(kind: Kind) -> None:
    index = kind.new()()
    assert index.sharing("words", ["a"], 5) == []
    entries = [
        one_of({"words": words.split()}, f"n{number}") for number, words in enumerate(("a b c", "a b", "a", "d"))
    ]
    index.put(MANIFEST, entries)
    shared = index.sharing("words", ["a", "b", "c", "nowhere"], 5)
    assert [record.document_id for record in index.records([key for key, _ in shared])] == ["n0", "n1", "n2"]
    assert [score for _, score in shared] == sorted((score for _, score in shared), reverse=True)
    assert [key for key, _ in index.sharing("words", ["a", "b", "c"], 1)] == [shared[0][0]]
    assert index.sharing("words", [], 5) == []


def test_owners_are_told_once_each_and_in_order(index: Index) -> None:
    assert index.owners([1, 2]) == []
    index.put(MANIFEST, make_entries(4))
    keys = [key for name in ("d003", "d001", "d000") for key in index.keys([name])]
    assert len(keys) == 9
    assert index.owners([*keys, max(keys) + 99]) == ["d000", "d001", "d003"]
    index.delete(["d001"])
    assert index.owners(keys) == ["d000", "d003"]
    assert index.owners([]) == []


def one_of(terms: Mapping[str, Sequence[str]], name: str) -> Entry:
    return Entry(Document(name, "", ""), [make_record(f"{name}:0", a_query(), {"words": [], "pairs": [], **terms})])
