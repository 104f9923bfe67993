"""The index as its users see it: both searches against brute force, and every process seeing the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

import index.dense
from index.errors import IndexBusyError, IndexStoreError
from index.local import LocalIndex
from index.protocol import Index
from index.schema import Document, Entry, Filter, Hit, Manifest, Query, Vectors
from tests.conftest import DAMAGES, FIELD_NAMES, MANIFEST, bm25, damage, make_entries, make_record, rounded
from tests.test_dense import a_query

ROOT = Path(__file__).resolve().parents[1]
QUERY: Query = {"words": {"a": 1.0, "d": 0.5, "j": 2.0, "nowhere": 3.0}, "pairs": {"ab": 0.25, "ba": 1.5}}
EVERYTHING = Filter()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def local(folder: Path) -> Iterator[LocalIndex]:
    local = LocalIndex(folder, FIELD_NAMES)
    yield local
    local.close()


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


def scores_of(entries: list[Entry], vector: Vectors, query: Query) -> dict[str, tuple[float, float]]:
    """Both scores of every record, by its payload."""
    records = [record for entry in entries for record in entry.records]
    lexical = bm25([record.terms for record in records], query)
    return {r.payload: (float(rounded(r.vector) @ vector), b) for r, b in zip(records, lexical, strict=True)}


def found(local: Index, hits: list[Hit]) -> dict[str, tuple[float, float]]:
    """Hits by the payloads of their records."""
    records = local.records([hit.key for hit in hits])
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
def test_the_best_of_both_searches_with_both_scores(local: LocalIndex, depth: int) -> None:
    entries = make_entries(30)
    local.put(MANIFEST, entries)
    for seed in range(4):
        hits = found(local, local.search(a_query(seed), QUERY, depth, EVERYTHING))
        check_union(hits, scores_of(entries, a_query(seed), QUERY), depth)


def test_what_one_search_alone_finds_has_its_other_score(local: LocalIndex) -> None:
    """The nearest vector ranks last by terms, and the best by terms is farthest away."""
    axis = np.eye(MANIFEST.dimension, dtype=np.float32)
    near = make_record("near", axis[0], {"words": ["a", *"xyzuvwxyzuvw"]})
    far = make_record("far", (0.1 * axis[0] + axis[1]) / np.float32(1.005), {"words": ["a", "a"]})
    between = [
        make_record(f"b{n}", (axis[0] + axis[2 + n]) / np.float32(2**0.5), {"words": ["a", "q"]}) for n in range(3)
    ]
    entries = [Entry(Document("d", "", ""), [near, *between, far])]
    local.put(MANIFEST, entries)
    query = {"words": {"a": 1.0}}
    scores = scores_of(entries, axis[0], query)
    hits = found(local, local.search(axis[0], query, 1, EVERYTHING))
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
def test_a_filter_searches_among_what_it_lets_through(local: LocalIndex, only: Filter, depth: int) -> None:
    entries = dated(24)
    local.put(MANIFEST, entries)

    def passes(document: Document) -> bool:
        day = document.published
        return (
            (not only.documents or document.id in only.documents)
            and (not only.publishers or document.publisher in only.publishers)
            and (only.since is None or (day is not None and day >= only.since))
            and (only.until is None or (day is not None and day <= only.until))
        )

    allowed = {record.payload for entry in entries if passes(entry.document) for record in entry.records}
    everything = scores_of(entries, a_query(), QUERY)  # BM25 counts all records, whatever the filter
    scores = {name: both for name, both in everything.items() if name in allowed}
    check_union(found(local, local.search(a_query(), QUERY, depth, only)), scores, depth)


def test_documents_that_hold_terms_and_their_publishers(local: LocalIndex) -> None:
    entries = dated(12)
    local.put(MANIFEST, entries)
    wanted = {"words": ["a", "b"], "pairs": ["ba"]}
    by_hand = [
        entry.document.id
        for entry in entries
        if any(all(set(terms) <= set(r.terms[f]) for f, terms in wanted.items()) for r in entry.records)
    ]
    assert 0 < len(by_hand) < 12
    assert local.holding(wanted) == by_hand
    local.delete([by_hand[0]])
    assert local.holding(wanted) == by_hand[1:]
    assert local.publishers() == ["P0", "P1", "P2"]


def test_an_empty_index(local: LocalIndex) -> None:
    index: Index = local
    assert index.search(a_query(), QUERY, 10, EVERYTHING) == []
    assert index.search(a_query(), QUERY, 10, Filter(publishers=frozenset({"P"}))) == []
    assert index.frequencies("words", ["a", "b"]) == (0, [0, 0])
    assert (index.records([1, 2]), index.documents()) == ([], [])
    assert (index.manifest, index.document("d")) == (None, None)
    assert (index.status().documents, index.status().records) == (0, 0)
    index.delete(["nowhere"])


def test_vector_alone_terms_alone_depth_nought(local: LocalIndex) -> None:
    entries = make_entries(10)
    local.put(MANIFEST, entries)
    scores = scores_of(entries, a_query(), {})
    check_union(found(local, local.search(a_query(), {}, 5, EVERYTHING)), scores, 5)
    assert local.search(a_query(), QUERY, 0, EVERYTHING) == []


def test_put_replaces_and_delete_removes(local: LocalIndex) -> None:
    old, new = make_entries(4), make_entries(4, seed=1)
    local.put(MANIFEST, old)
    keys = {hit.key for hit in local.search(a_query(), QUERY, 99, EVERYTHING)}
    local.put(MANIFEST, new[:2])
    now = new[:2] + old[2:]
    hits = local.search(a_query(), QUERY, 99, EVERYTHING)
    assert {name: dense for name, (dense, _) in found(local, hits).items()} == pytest.approx(
        {name: dense for name, (dense, _) in scores_of(now, a_query(), QUERY).items()}, abs=1e-6
    )
    assert len({hit.key for hit in hits} - keys) == 6
    holding = [sum(term in r.terms["words"] for e in now for r in e.records) for term in ("a", "j", "nowhere")]
    assert local.frequencies("words", ["a", "j", "nowhere"]) == (12, holding)
    local.delete(["d000", "d003"])
    records = local.records([hit.key for hit in local.search(a_query(), QUERY, 99, EVERYTHING)])
    assert {record.document_id for record in records} == {"d001", "d002"}
    assert len(records) == 6
    assert (local.status().documents, local.status().records) == (2, 6)


def test_depth_is_not_eaten_up_by_what_was_replaced(local: LocalIndex) -> None:
    for number in range(6):
        local.put(MANIFEST, make_entries(5, seed=number))
    hits = local.search(a_query(), {"words": {"a": 1.0}}, 4, EVERYTHING)
    assert sum(hit.lexical > 0 for hit in hits) >= 4


def test_replace_puts_all_in_the_place_of_all(local: LocalIndex, folder: Path) -> None:
    local.put(MANIFEST, make_entries(6))
    other = Manifest("wider", 12, "chunks-2", "terms-1")
    wide = np.eye(12, dtype=np.float32)
    entries = [Entry(Document(f"w{n}", "", ""), [make_record(f"w{n}:0", wide[n], {"words": ["a"]})]) for n in range(3)]
    local.replace(other, entries, local.version)
    assert local.manifest == other
    check_union(found(local, local.search(wide[1], QUERY, 9, EVERYTHING)), scores_of(entries, wide[1], QUERY), 9)
    again = LocalIndex(folder, FIELD_NAMES)
    assert again.search(wide[1], QUERY, 9, EVERYTHING) == local.search(wide[1], QUERY, 9, EVERYTHING)
    again.close()


def test_replace_is_refused_when_something_came_in_between(local: LocalIndex, folder: Path) -> None:
    local.put(MANIFEST, make_entries(2))
    version = local.version
    other = LocalIndex(folder, FIELD_NAMES)
    other.put(MANIFEST, make_entries(1, prefix="late"))
    other.close()
    with pytest.raises(IndexBusyError, match="run the command again"):
        local.replace(MANIFEST, make_entries(1, prefix="n"), version)
    assert [document.id for document in local.documents()] == ["d000", "d001", "late000"]


def test_another_manifest_is_refused_unless_empty(local: LocalIndex) -> None:
    local.put(MANIFEST, make_entries(2))
    other = replace(MANIFEST, embedder="another")
    with pytest.raises(IndexStoreError, match="another embedder or chunking: run `hoidap index rebuild` first"):
        local.put(other, make_entries(1, prefix="n"))
    assert local.manifest == MANIFEST
    assert [document.id for document in local.documents()] == ["d000", "d001"]
    local.delete(["d000", "d001"])
    local.put(other, make_entries(1))
    assert local.manifest == other


def test_a_write_that_fails_in_the_middle_changes_nothing(local: LocalIndex, folder: Path) -> None:
    local.put(MANIFEST, make_entries(4))
    before = local.search(a_query(), QUERY, 99, EVERYTHING)

    def failing() -> Iterator[Entry]:
        yield from make_entries(3, seed=8)
        raise RuntimeError("the embedder broke")

    version = local.version
    for write in (local.put, lambda manifest, entries: local.replace(manifest, entries, version)):
        with pytest.raises(RuntimeError, match="the embedder broke"):
            write(MANIFEST, failing())
        assert local.search(a_query(), QUERY, 99, EVERYTHING) == before
    local.put(MANIFEST, make_entries(1, prefix="n"))
    assert len(local.documents()) == 5


@pytest.mark.parametrize("how", [*DAMAGES, "folder gone"])
def test_derived_files_are_healed_on_opening(local: LocalIndex, folder: Path, how: str) -> None:
    local.put(MANIFEST, dated(12))
    only = Filter(publishers=frozenset({"P1", "P2"}))
    sound = [local.search(a_query(), QUERY, 9, f) for f in (EVERYTHING, only)]
    local.close()
    derived = [*folder.glob("dense-*.faiss"), *(p for p in folder.glob("lexical-*/*") if p.stat().st_size)]
    assert len(derived) > 5
    if how == "folder gone":
        for path in folder.glob("lexical-*"):
            shutil.rmtree(path)
        for path in folder.glob("dense-*.faiss"):
            path.unlink()
    else:
        for path in derived:
            damage(path, how)
    healed = LocalIndex(folder, FIELD_NAMES)
    for expected, f in zip(sound, (EVERYTHING, only), strict=True):
        hits = healed.search(a_query(), QUERY, 9, f)
        assert [hit.key for hit in hits] == [hit.key for hit in expected]
        assert [hit.dense for hit in hits] == [hit.dense for hit in expected]
        assert [hit.lexical for hit in hits] == pytest.approx([hit.lexical for hit in expected], abs=1e-5)
    healed.close()


def test_another_reader_sees_writes_without_opening_again(
    local: LocalIndex, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.dense, "_SNAPSHOT_EVERY", 4)  # snapshots come and go while the reader lives
    reader = LocalIndex(folder, FIELD_NAMES)
    for number in range(4):
        local.put(MANIFEST, make_entries(3, seed=number))
        local.put(MANIFEST, make_entries(2, prefix=f"n{number}"))
        local.delete([f"n{number}000"])
        seen = reader.search(a_query(), QUERY, 99, EVERYTHING)
        assert len(seen) == 9 + 3 * (number + 1)
        assert seen == local.search(a_query(), QUERY, 99, EVERYTHING)
        assert reader.frequencies("words", ["a"]) == local.frequencies("words", ["a"])
        assert reader.documents() == local.documents()
    reader.close()


def test_a_reader_makes_up_for_a_writer_that_died_after_its_commit(
    local: LocalIndex, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.put(MANIFEST, make_entries(3))
    with monkeypatch.context() as patch:
        patch.setattr(LocalIndex, "_refresh", lambda *_, **__: None)  # it dies before the derived engines are written
        local.put(MANIFEST, make_entries(2, prefix="n"))
        local.delete(["d000"])
    reader = LocalIndex(folder, FIELD_NAMES)
    entries = make_entries(3)[1:] + make_entries(2, prefix="n")
    assert (
        found(reader, reader.search(a_query(), QUERY, 99, EVERYTHING)).keys()
        == scores_of(entries, a_query(), QUERY).keys()
    )
    assert reader.frequencies("words", ["a"])[0] == 12
    reader.close()


_OTHER_PROCESS = """
import sys
from pathlib import Path
from index.local import LocalIndex
from index.schema import Filter
from tests.conftest import FIELD_NAMES, MANIFEST, make_entries
from tests.test_dense import a_query
from tests.test_local_index import QUERY
local = LocalIndex(Path(sys.argv[1]), FIELD_NAMES)
for line in sys.stdin:
    if line.startswith("put"):
        local.put(MANIFEST, make_entries(2, seed=5, prefix="other"))
    elif line.startswith("delete"):
        local.delete(["d001"])
    hits = local.search(a_query(), QUERY, 99, Filter())
    print([(h.key, h.dense, h.lexical) for h in hits], flush=True)
"""


def test_two_processes_see_each_other(local: LocalIndex, folder: Path) -> None:
    local.put(MANIFEST, make_entries(3))
    with subprocess.Popen(
        [sys.executable, "-c", _OTHER_PROCESS, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as other:
        assert other.stdin
        assert other.stdout

        def tell(word: str) -> str:
            assert other.stdin
            assert other.stdout
            other.stdin.write(word + "\n")
            other.stdin.flush()
            return other.stdout.readline().strip()

        def mine() -> str:
            return str([(h.key, h.dense, h.lexical) for h in local.search(a_query(), QUERY, 99, EVERYTHING)])

        assert tell("search") == mine()
        local.put(MANIFEST, make_entries(2, seed=4))
        local.delete(["d002"])
        assert tell("search") == mine()
        assert mine().count("(") == 6
        assert tell("put") == mine()
        assert mine().count("(") == 12
        assert tell("delete") == mine()
        assert mine().count("(") == 9
        other.stdin.close()
        assert other.wait(30) == 0


def test_status_counts_every_file(local: LocalIndex, folder: Path) -> None:
    local.put(MANIFEST, make_entries(4))
    status = local.status()
    assert (status.documents, status.records) == (4, 12)
    assert status.size_bytes == sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
