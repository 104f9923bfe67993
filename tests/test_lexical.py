"""The terms of an index: BM25 as written down by hand, whatever has happened to tantivy's files."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tantivy

import index.lexical
from index.lexical import Lexical
from index.schema import Document, Entry, Terms
from index.store import Store
from tests.conftest import DAMAGES, FIELD_NAMES, bm25, damage, make_entries, make_record
from tests.test_dense import remove, replayed, write

QUERY = {"words": {"a": 1.0, "d": 0.5, "j": 2.0, "nowhere": 3.0}, "pairs": {"ab": 0.25, "ba": 1.5}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "store.sqlite")
    yield store
    store.close()


def fresh(store: Store, folder: Path) -> Lexical:
    lexical = Lexical(folder, store, FIELD_NAMES)
    lexical.refresh()
    return lexical


def expected(entries: list[Entry], rids: list[int] | None = None) -> dict[int, float]:
    """Every record that holds a term of `QUERY`, with its score; rows are numbered from 1."""
    scores = bm25([record.terms for entry in entries for record in entry.records], QUERY)
    return {rid: score for rid, score in enumerate(scores, 1) if score and (rids is None or rid in rids)}


def one(terms: Terms, name: str = "one") -> Entry:
    return Entry(Document(name, "", ""), [make_record(f"{name}:0", np.zeros(8, np.float32), terms)])


def test_scores_are_bm25(store: Store, tmp_path: Path) -> None:
    entries = make_entries(20)
    write(store, entries)
    assert fresh(store, tmp_path).search(QUERY, 100, None) == pytest.approx(expected(entries), abs=1e-4)


def test_a_long_record_is_scored_by_its_rounded_length(store: Store, tmp_path: Path) -> None:
    entries = [one({"words": ["a", "d"] + ["x"] * size}, f"n{size}") for size in (10, 300, 700)]
    write(store, entries)
    found = fresh(store, tmp_path).search(QUERY, 100, None)
    assert found == pytest.approx(expected(entries), rel=0.05)
    assert found[1] > found[2] > found[3]


@pytest.mark.parametrize("depth", [0, 1, 5, 17])
def test_the_best_come_and_no_more_than_asked_for(store: Store, tmp_path: Path, depth: int) -> None:
    entries = make_entries(20)
    write(store, entries)
    found = fresh(store, tmp_path).search(QUERY, depth, None)
    best = sorted(expected(entries).values(), reverse=True)[:depth]
    assert sorted(found.values(), reverse=True) == pytest.approx(best, abs=1e-4)


def test_search_among_some_rows_keeps_the_scores(store: Store, tmp_path: Path) -> None:
    entries, among = make_entries(20), [2, 11, 30, 31, 59, 900]
    write(store, entries)
    lexical = fresh(store, tmp_path)
    assert lexical.search(QUERY, 100, among) == pytest.approx(expected(entries, among), abs=1e-4)
    assert len(lexical.search(QUERY, 2, among)) == 2
    assert lexical.search(QUERY, 100, []) == {}
    assert lexical.search({}, 100, None) == lexical.search({"words": {}}, 100, None) == {}


def test_a_replaced_record_is_found_no_more(store: Store, tmp_path: Path) -> None:
    lexical = fresh(store, tmp_path)
    for number in range(12):  # more often than tantivy lets segments stand
        write(store, make_entries(2, seed=number))
        lexical.refresh()
        alive = {o.rid: o.terms for o in store.operations_since(0) if o.terms is not None}
        holding = {rid for rid, terms in alive.items() if "a" in terms["words"]}
        assert lexical.search({"words": {"a": 1.0}}, 100, None).keys() == holding
        assert lexical.frequencies("words", ["a"]) == [len(holding)]
    remove(store, "d000", "d001")
    lexical.refresh()
    assert lexical.search(QUERY, 100, None) == {}


def test_holding_finds_every_record_that_holds_all_terms(store: Store, tmp_path: Path) -> None:
    entries = make_entries(40)
    write(store, entries)
    lexical = Lexical(tmp_path, store, FIELD_NAMES)
    lexical.refresh()
    records = dict(enumerate((r.terms for entry in entries for r in entry.records), start=1))
    for wanted in ({"words": ["a", "d"]}, {"words": ["j"], "pairs": ["ab", "ba"]}, {"words": ["nowhere", "a"]}):
        by_hand = {n for n, held in records.items() if all(set(terms) <= set(held[f]) for f, terms in wanted.items())}
        assert set(lexical.holding(wanted)) == by_hand
    assert lexical.holding({"words": []}) == lexical.holding({}) == []


def test_of_too_many_postings_the_commonest_terms_are_left_out(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = make_entries(40)
    write(store, entries)
    lexical = fresh(store, tmp_path)
    terms = [record.terms for entry in entries for record in entry.records]
    asked = [("words", "a"), ("words", "d"), ("words", "j"), ("pairs", "ab"), ("pairs", "ba")]
    held = {pair: sum(pair[1] in one[pair[0]] for one in terms) for pair in asked}
    by_rarity = sorted(held, key=lambda pair: held[pair])
    assert by_rarity[-1] == ("words", "a")
    for kept in (5, 3, 1):
        telling = by_rarity[:kept]
        monkeypatch.setattr(index.lexical, "_POSTINGS", max(sum(held[pair] for pair in telling), 2))
        query = {field: {t: w for t, w in QUERY[field].items() if (field, t) in telling} for field in QUERY}
        scores = {rid: score for rid, score in enumerate(bm25(terms, query), 1) if score}
        assert lexical.search(QUERY, 1_000, None) == pytest.approx(scores, abs=1e-4)
    monkeypatch.setattr(index.lexical, "_POSTINGS", 0)
    assert len(lexical.search(QUERY, 1_000, None)) == held[by_rarity[0]], "the rarest is read in any case"


def test_frequencies_of_common_terms_are_not_counted_one_by_one(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.lexical, "_COUNTED", 5)
    entries = make_entries(10)
    write(store, entries)
    lexical = fresh(store, tmp_path)
    asked = [*"abcdefghij", "nowhere"]
    held = [sum(term in record.terms["words"] for entry in entries for record in entry.records) for term in asked]
    assert lexical.frequencies("words", asked) == held
    assert lexical.records == 30


def test_frequencies_count_records_that_stand(store: Store, tmp_path: Path) -> None:
    entries = make_entries(10)
    write(store, [*entries, one({"words": ["zz", "zz", "zz"]}, "gone")])
    lexical = fresh(store, tmp_path)
    assert lexical.frequencies("words", ["zz"]) == [1]
    remove(store, "gone")
    lexical.refresh()
    asked = [*"abcdefghij", "zz", "nowhere", "a b", ""]
    held = [sum(term in record.terms["words"] for entry in entries for record in entry.records) for term in asked]
    assert lexical.frequencies("words", asked) == held
    assert lexical.frequencies("words", []) == []


ODD = [
    "'; drop table record; --",
    '"',
    "AND",
    "a*",
    "NEAR(a b)",
    "words:a",
    "(",
    "🙂",
    "\x00",
    "e\u0301",
    "+-&|!^~",
    "x" * 70_000,
]


@pytest.mark.parametrize("term", [*ODD, "", " ", "a b"], ids=lambda term: ascii(term[:12]))
def test_odd_terms_are_only_terms(store: Store, tmp_path: Path, term: str) -> None:
    write(store, [one({"words": [term, "k"]}), one({"words": ["k", "a"]}, "two")])
    lexical = fresh(store, tmp_path)
    findable = bool(term) and not set(term) & set(" ") and len(term) < 65_000  # tantivy's limit of a term
    assert set(lexical.search({"words": {term: 1.0}}, 9, None)) == ({1} if findable else set())
    assert lexical.frequencies("words", [term, "k"]) == [int(findable), 2]


def test_a_field_without_terms_may_be_left_out(store: Store, tmp_path: Path) -> None:
    write(store, [one({"pairs": ["ab"]}), one({}, "bare")])
    lexical = fresh(store, tmp_path)
    assert set(lexical.search(QUERY, 9, None)) == {1}


def test_only_what_is_new_is_replayed(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, make_entries(5))
    lexical = fresh(store, tmp_path)
    rids = replayed(store, monkeypatch)
    lexical.refresh()
    assert rids == []
    write(store, make_entries(1, prefix="new"))
    remove(store, "d004")
    lexical.refresh()
    assert rids == [13, 14, 15, 16, 17, 18]
    rids.clear()
    assert fresh(store, tmp_path).search(QUERY, 99, None) == lexical.search(QUERY, 99, None)
    assert rids == []


def test_the_terms_of_a_record_are_unpacked_once(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is most of the work of reading them."""
    write(store, make_entries(5))
    remove(store, "d004")
    unpacked: list[bytes] = []
    original = zlib.decompress

    def spy(packed: bytes) -> bytes:
        unpacked.append(packed)
        return original(packed)

    monkeypatch.setattr(zlib, "decompress", spy)
    fresh(store, tmp_path)
    assert len(unpacked) == 12


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("lexical-*/*") if path.stat().st_size)


@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_files_are_made_anew(store: Store, tmp_path: Path, how: str) -> None:
    write(store, make_entries(10))
    sound = fresh(store, tmp_path).search(QUERY, 99, None)
    endings = {path.suffix for path in files(tmp_path)}
    assert {".json", ".idx", ".term", ".store", ".fast", ".fieldnorm"} <= endings
    for ending in sorted(endings):
        for path in files(tmp_path):
            if path.suffix == ending:
                damage(path, how)
        assert fresh(store, tmp_path).search(QUERY, 99, None) == pytest.approx(sound, abs=1e-5), ending


def test_a_deleted_folder_is_made_anew(store: Store, tmp_path: Path) -> None:
    write(store, make_entries(10))
    sound = fresh(store, tmp_path).search(QUERY, 99, None)
    (folder,) = tmp_path.glob("lexical-*")
    shutil.rmtree(folder)
    assert fresh(store, tmp_path).search(QUERY, 99, None) == pytest.approx(sound, abs=1e-5)


def test_a_commit_that_was_cut_short_does_not_stand_in_the_way(store: Store, tmp_path: Path) -> None:
    write(store, make_entries(10))
    fresh(store, tmp_path)
    (folder,) = tmp_path.glob("lexical-*")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    remove(store, "d003")
    expected = fresh(store, tmp_path).search(QUERY, 99, None)
    (deletes,) = folder.glob("*.del")
    written = deletes.read_bytes()
    for path in folder.iterdir():  # as it was, but for the list of deletes that was not committed any more
        path.unlink()
    for path, data in {**before, deletes: written}.items():
        path.write_bytes(data)
    lexical = fresh(store, tmp_path)
    assert lexical.damaged == []
    assert lexical.search(QUERY, 99, None) == pytest.approx(expected, abs=1e-5)


def test_what_an_older_format_left_is_cleared_away(store: Store, tmp_path: Path) -> None:
    (tmp_path / "lexical-1").mkdir()
    (tmp_path / "lexical-1" / "meta.json").write_text("{}")
    write(store, make_entries(1))
    fresh(store, tmp_path)
    assert [path.name for path in tmp_path.glob("lexical-*")] == ["lexical-3"]


def test_other_fields_make_it_anew(store: Store, tmp_path: Path) -> None:
    write(store, make_entries(10))
    fresh(store, tmp_path)
    lexical = Lexical(tmp_path, store, ["words"])
    lexical.refresh()
    assert lexical.search({"words": {"a": 1.0}}, 99, None)


def test_an_index_of_another_store_is_emptied(store: Store, tmp_path: Path) -> None:
    write(store, make_entries(10))
    fresh(store, tmp_path)
    other = Store(tmp_path / "older.sqlite")
    entries = make_entries(1, seed=5)
    write(other, entries)
    assert fresh(other, tmp_path).search(QUERY, 99, None) == pytest.approx(expected(entries), abs=1e-4)
    other.close()


def test_while_another_writes_the_old_is_searched(store: Store, tmp_path: Path) -> None:
    write(store, make_entries(3))
    lexical = fresh(store, tmp_path)
    before = lexical.search(QUERY, 99, None)
    other = tantivy.Index.open(str(next(tmp_path.glob("lexical-*")))).writer(heap_size=15_000_000, num_threads=1)
    write(store, make_entries(3, prefix="new"))
    lexical.refresh()
    assert lexical.search(QUERY, 99, None) == before
    other.wait_merging_threads()  # lets go of the lock
    lexical.refresh()
    assert len(lexical.search(QUERY, 99, None)) > len(before)
