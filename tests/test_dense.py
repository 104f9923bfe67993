"""The vectors of an index: the same neighbours as NumPy finds, whatever has happened to the snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import index.dense
import index.kinds
from index.dense import Dense
from index.errors import IndexDamagedError
from index.schema import Document, Entry, Manifest, Vectors
from index.store import Operation, Store
from tests.conftest import DAMAGES, MANIFEST, damage, make_entries, make_record, rounded


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "store.sqlite")
    yield store
    store.close()


def write(store: Store, entries: list[Entry]) -> None:
    with store.transaction():
        store.write(MANIFEST, entries)


def remove(store: Store, *names: str) -> None:
    with store.transaction():
        store.remove(names)


def kept(store: Store) -> dict[int, Vectors]:
    """The vectors in the store by row number: what the search has to agree with."""
    return {o.rid: o.vector for o in store.operations_since(0) if o.vector is not None}


def nearest(vectors: dict[int, Vectors], query: Vectors, depth: int) -> dict[int, float]:
    """The same by brute force."""
    scores = {rid: float(vector @ query) for rid, vector in vectors.items()}
    return dict(sorted(scores.items(), key=lambda item: -item[1])[:depth])


def a_query(seed: int = 99) -> Vectors:
    vector = np.random.default_rng(seed).standard_normal(MANIFEST.dimension).astype(np.float32)
    unit: Vectors = vector / np.linalg.norm(vector)
    return unit


def fresh(store: Store, folder: Path, kind: str = "twobit") -> Dense:
    dense = Dense(folder, store, graph=kind == "hnsw")
    dense.refresh()
    return dense


Since = Callable[[int], Iterator[Operation]]


def replayed(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Row numbers of the operations that are read from now on, as they are read."""
    rids: list[int] = []
    original: Since = store.operations_since

    def spy(sequence: int) -> Iterator[Operation]:
        for operation in original(sequence):
            rids.append(operation.rid)
            yield operation

    monkeypatch.setattr(store, "operations_since", spy)
    return rids


@pytest.mark.parametrize("depth", [1, 7, 60, 500])
def test_neighbours_are_those_of_numpy(store: Store, tmp_path: Path, depth: int) -> None:
    entries = make_entries(20)
    write(store, entries)
    dense = fresh(store, tmp_path)
    for seed in range(5):
        found = dense.search(a_query(seed), depth, None)
        assert found == pytest.approx(nearest(kept(store), a_query(seed), depth), abs=1e-6)
        assert len(found) == min(depth, 60)
    originals = [record.vector for entry in entries for record in entry.records]
    assert np.array_equal(np.stack(list(kept(store).values())), np.stack([rounded(v) for v in originals]))


def test_search_among_some_rows_alone(store: Store, tmp_path: Path) -> None:
    write(store, make_entries(20))
    dense, among = fresh(store, tmp_path), [3, 9, 27, 50, 1_000]
    vectors = {rid: vector for rid, vector in kept(store).items() if rid in among}
    assert dense.search(a_query(), 3, among) == pytest.approx(nearest(vectors, a_query(), 3), abs=1e-6)
    assert dense.search(a_query(), 60, among) == pytest.approx(nearest(vectors, a_query(), 60), abs=1e-6)
    assert dense.search(a_query(), 5, []) == {}
    assert dense.search(a_query(), 0, None) == {}


def test_nothing_is_found_in_nothing(store: Store, tmp_path: Path) -> None:
    dense = fresh(store, tmp_path)
    assert dense.search(a_query(), 5, None) == {}
    write(store, make_entries(2))
    remove(store, "d000", "d001")
    dense.refresh()
    assert dense.search(a_query(), 5, None) == {}
    assert fresh(store, tmp_path).search(a_query(), 5, None) == {}


def test_writes_replacements_and_removals_are_followed(store: Store, tmp_path: Path) -> None:
    dense = fresh(store, tmp_path)
    for number in range(6):
        write(store, make_entries(4, seed=number))  # replaces the one before
        write(store, make_entries(2, seed=number, prefix=f"n{number}"))
        if number % 2:
            remove(store, f"n{number}000")
        dense.refresh()
        assert dense.search(a_query(), 500, None) == pytest.approx(nearest(kept(store), a_query(), 500), abs=1e-6)
        assert len(kept(store)) == len(dense.search(a_query(), 500, None))


def test_only_what_is_new_is_replayed(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, make_entries(5))
    dense = fresh(store, tmp_path)
    dense.save()
    rids = replayed(store, monkeypatch)
    dense.refresh()
    assert rids == []
    write(store, make_entries(1, prefix="new"))
    remove(store, "d004")
    dense.refresh()
    assert rids == [13, 14, 15, 16, 17, 18]
    rids.clear()
    assert fresh(store, tmp_path).search(a_query(), 99, None) == dense.search(a_query(), 99, None)
    assert rids == [13, 14, 15, 16, 17, 18], "the snapshot did not spare the rest of the log"


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_snapshot_is_made_up_for(store: Store, tmp_path: Path, how: str) -> None:
    write(store, make_entries(10))
    dense = fresh(store, tmp_path)
    dense.save()
    (snapshot,) = tmp_path.glob("dense-*.faiss")
    damage(snapshot, how)
    mended = fresh(store, tmp_path)
    assert mended.search(a_query(), 30, None) == dense.search(a_query(), 30, None)
    mended.save()
    assert len(list(tmp_path.glob("dense*"))) == 1
    assert fresh(store, tmp_path).search(a_query(), 30, None) == dense.search(a_query(), 30, None)


def test_a_snapshot_from_the_future_is_not_believed(store: Store, tmp_path: Path) -> None:
    """Such as one that stayed when an older store was put back."""
    write(store, make_entries(10))
    dense = fresh(store, tmp_path)
    dense.save()
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    (snapshot,) = tmp_path.glob("dense-*.faiss")
    snapshot.rename(other_folder / snapshot.name)
    other = Store(other_folder / "store.sqlite")
    write(other, make_entries(2, seed=7))
    assert fresh(other, other_folder).search(a_query(), 99, None).keys() == kept(other).keys()
    other.close()


def test_snapshots_are_rare_and_alone(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.dense, "_SNAPSHOT_EVERY", 9)
    dense = Dense(tmp_path, store)
    dense.save()
    names = []
    for number in range(6):
        write(store, make_entries(1, prefix=f"n{number}"))
        dense.refresh()
        dense.save()
        names.append([path.name.rsplit("-", 1)[0].replace("flat-", "") for path in tmp_path.glob("dense*")])
    assert names == [["dense-3"]] * 3 + [["dense-12"]] * 3


def test_the_dimension_changes_only_with_everything(store: Store, tmp_path: Path) -> None:
    write(store, make_entries(3))
    dense = fresh(store, tmp_path)
    wide = Entry(Document("wide", "", ""), [make_record("wide:0", np.eye(12, dtype=np.float32)[0], {})])
    with store.transaction():
        store.remove([f"d{number:03}" for number in range(3)])
        store.write(Manifest("other", 12, "", ""), [wide])
    dense.refresh()
    assert dense.search(np.eye(12, dtype=np.float32)[0], 5, None) == {10: 1.0}
    write(store, make_entries(1))
    with pytest.raises(IndexDamagedError, match="mixes vectors of 12 and 8 dimensions: run `hoidap index rebuild`"):
        dense.refresh()


def clustered(count: int, dimension: int = 64, seed: int = 0, centres: int = 40, noise: float = 0.4) -> Vectors:
    """Unit vectors around a few dozen centres, as those of a corpus are; a different set for each seed."""
    random = np.random.default_rng(seed)
    middles = np.random.default_rng(0).standard_normal((centres, dimension))
    rows = middles[random.integers(0, centres, count)] + noise * random.standard_normal((count, dimension))
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def put_vectors(store: Store, vectors: Vectors, prefix: str) -> None:
    """One document of them all."""
    records = [make_record(f"{prefix}:{n}", vector, {}) for n, vector in enumerate(vectors)]
    with store.transaction():
        store.write(Manifest("model", vectors.shape[1], "", ""), [Entry(Document(prefix, "", ""), records)])


MANY = pytest.mark.parametrize("kind", ["twobit", "hnsw"])


@MANY
def test_many_vectors_are_ranked_exactly(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(index.dense, "_FLAT_UP_TO", 1_200)
    monkeypatch.setattr(index.dense, "_BATCH", 700)
    put_vectors(store, clustered(900), "a")
    dense = fresh(store, tmp_path, kind)
    dense.save()
    assert [path.name.split("-")[1] for path in tmp_path.glob("dense-*")] == ["flat"]
    put_vectors(store, clustered(900, seed=1), "b")
    dense.refresh()
    dense.save(at_once=True)
    assert [path.name.split("-")[1] for path in tmp_path.glob("dense-*")] == [kind]
    vectors = kept(store)
    for other in (dense, fresh(store, tmp_path, kind)):
        recalled = 0
        for query in clustered(20, seed=2):
            expected = nearest(vectors, query, 10)
            found = other.search(query, 10, None)
            recalled += len(found.keys() & expected.keys())
            assert found == pytest.approx({rid: float(vectors[rid] @ query) for rid in found}, abs=1e-6), "exact scores"
        assert recalled >= 198, "recall@10 of .99"
        assert other.search(query, 5, [3, 1_700]) == pytest.approx(
            {rid: float(vectors[rid] @ query) for rid in (3, 1_700)}, abs=1e-6
        )
    remove(store, "b")
    dense.refresh()
    query = clustered(1, seed=3)[0]
    assert dense.search(query, 10, None) == pytest.approx(nearest(kept(store), query, 10), abs=1e-6)
    dense.save(at_once=True)
    assert [path.name.split("-")[1] for path in tmp_path.glob("dense-*")] == ["flat"], (
        "few vectors are kept as they are"
    )


def test_the_nearest_are_found_among_many_that_hardly_differ(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as bulletins of every day: by one bit for each dimension recall@10 is .96 here."""
    monkeypatch.setattr(index.dense, "_FLAT_UP_TO", 100)
    put_vectors(store, clustered(3_000, 128, seed=1, centres=2, noise=0.2), "a")
    dense, vectors = fresh(store, tmp_path), kept(store)
    recalled = 0
    for query in clustered(40, 128, seed=2, centres=2, noise=0.5):
        recalled += len(dense.search(query, 10, None).keys() & nearest(vectors, query, 10).keys())
    assert recalled >= 396, "recall@10 of .99"


@MANY
@pytest.mark.parametrize("is_saved", [True, False])
def test_many_vectors_follow_writes_and_removals(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_saved: bool, kind: str
) -> None:
    """What is in the snapshot, what came after it, and what was removed from both, also when it is opened again."""
    monkeypatch.setattr(index.dense, "_FLAT_UP_TO", 100)
    monkeypatch.setattr(index.kinds, "_FEW", 50)
    put_vectors(store, clustered(400), "a")
    dense = fresh(store, tmp_path, kind)
    if is_saved:
        dense.save()
    for number in range(5):
        put_vectors(store, clustered(60, seed=number), f"n{number}")
        if number % 2:
            remove(store, f"n{number - 1}")
        dense.refresh()
    vectors = kept(store)
    many = list(vectors)[::3]
    for other in (dense, fresh(store, tmp_path, kind)):
        assert other.rids() == vectors.keys()
        for query in clustered(5, seed=9):
            assert other.search(query, 10, None) == pytest.approx(nearest(vectors, query, 10), abs=1e-6)
            for among in (many, many[:20], [*many[:20], 99_999, 401]):
                expected = nearest({rid: vectors[rid] for rid in among if rid in vectors}, query, 10)
                assert other.search(query, 10, among) == pytest.approx(expected, abs=1e-6)
        other.save(at_once=True)
        assert other.search(query, 10, None) == pytest.approx(nearest(vectors, query, 10), abs=1e-6)
    put_vectors(store, clustered(1), "a")
    remove(store, *(f"n{number}" for number in range(5)))
    dense.refresh()
    assert dense.search(clustered(1)[0], 10, None).keys() == kept(store).keys()


@MANY
@pytest.mark.parametrize("at", [0, 0.3, 0.6, 0.999])
def test_a_flipped_byte_of_many_vectors_is_noticed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: float, kind: str
) -> None:
    monkeypatch.setattr(index.dense, "_FLAT_UP_TO", 100)
    put_vectors(store, clustered(300), "a")
    dense = fresh(store, tmp_path, kind)
    dense.save()
    (snapshot,) = tmp_path.glob(f"dense-{kind}-*.faiss")
    data = bytearray(snapshot.read_bytes())
    data[int(at * len(data))] ^= 0x10
    snapshot.write_bytes(data)
    query = clustered(1, seed=3)[0]
    mended = fresh(store, tmp_path, kind)
    assert mended.damaged == [snapshot.name]
    assert mended.search(query, 10, None) == pytest.approx(nearest(kept(store), query, 10), abs=1e-6)


def test_a_worn_graph_is_made_anew(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.dense, "_FLAT_UP_TO", 100)
    for name in "abc":
        put_vectors(store, clustered(200), name)
    dense = fresh(store, tmp_path, "hnsw")
    dense.save()
    remove(store, "a")
    dense.refresh()
    rids = replayed(store, monkeypatch)
    put_vectors(store, clustered(1), "d")
    dense.refresh()
    assert len(rids) == 601, "all that is left, and what is gone, once"
    assert dense.rids() == kept(store).keys()
    query = clustered(1, seed=3)[0]
    assert dense.search(query, 10, None) == pytest.approx(nearest(kept(store), query, 10), abs=1e-6)


def test_another_kind_is_made_when_another_is_wanted(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.dense, "_FLAT_UP_TO", 100)
    put_vectors(store, clustered(300), "a")
    fresh(store, tmp_path).save()
    graph = fresh(store, tmp_path, "hnsw")
    graph.save(at_once=True)
    assert [path.name.split("-")[1] for path in tmp_path.glob("dense-*")] == ["hnsw"]
    assert graph.rids() == kept(store).keys()
