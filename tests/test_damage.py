"""An index whose files are damaged: what is derived is made good, what is not is told and never answered from."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from index.errors import IndexDamagedError, IndexStoreError
from index.format import COLUMNS, row_digest
from index.local import LocalIndex
from index.schema import Entry, Filter, Hit
from rag.corpus import Corpus
from rag.vietnamese.terms import FIELDS
from tests.conftest import DAMAGES, FIELD_NAMES, MANIFEST, HashEmbedder, damage, make_article, make_entries
from tests.test_dense import a_query
from tests.test_index_contract import QUERY, dated

EVERYTHING = Filter()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index that was written in several commits, with a document that was replaced and one that was removed."""
    folder = tmp_path / "index"
    local = LocalIndex(folder, FIELD_NAMES)
    local.put(MANIFEST, dated(12))
    local.put(MANIFEST, make_entries(3, seed=1, prefix="n"))
    local.put(MANIFEST, [replaced(dated(1)[0])])
    local.delete(["d003"])
    local.close()
    return folder


def replaced(entry: Entry) -> Entry:
    return replace(entry, document=replace(entry.document, payload="mới", digest="digest mới"))


def hits(folder: Path) -> list[Hit]:
    local = LocalIndex(folder, FIELD_NAMES)
    found = local.search(a_query(), QUERY, 99, EVERYTHING)
    local.close()
    return found


def faults(folder: Path) -> list[tuple[str, bool]]:
    local = LocalIndex(folder, FIELD_NAMES)
    told = [(fault.what, fault.mended) for fault in local.verify()]
    local.close()
    return told


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


def derived(folder: Path) -> list[Path]:
    return sorted(path for path in (*folder.glob("dense-*"), *folder.glob("lexical-*/*")) if path.stat().st_size)


def same(found: list[Hit], sound: list[Hit]) -> bool:
    """Whether the same is found. BM25 counts what was removed until tantivy merges it away, so its sums may differ."""
    return {(hit.key, round(hit.dense, 5), hit.lexical > 0) for hit in found} == {
        (hit.key, round(hit.dense, 5), hit.lexical > 0) for hit in sound
    }


def test_an_index_that_is_well_has_no_faults(folder: Path) -> None:
    assert faults(folder) == []


def test_a_flipped_byte_in_a_derived_file_is_made_good(folder: Path, tmp_path: Path) -> None:
    sound = hits(folder)
    endings = {path.suffix for path in derived(folder)}
    assert {".faiss", ".json", ".idx", ".term", ".store", ".fast", ".fieldnorm"} <= endings
    for number, path in enumerate(derived(folder)):
        copy = shutil.copytree(folder, tmp_path / str(number))
        flip(copy / path.relative_to(folder), (path.stat().st_size - 1) * (number % 4) // 3)
        told = faults(copy)
        if path.suffix != ".json":  # a flip in a JSON file may be in a space, or name a file that nobody looks for
            assert any("damaged" in what and mended for what, mended in told), path.name
        assert all(mended for _, mended in told)
        assert faults(copy) == [], "it was made good once and for all"
        assert same(hits(copy), sound), path.name


def test_a_commit_that_counts_wrong_is_made_good(folder: Path) -> None:
    sound = hits(folder)
    for old, new in (("deletes", "defetes"), ("max_doc", "max_dog"), ("opstamp", "opstomp"), ('": 1', '": 2')):
        (meta,) = folder.glob("lexical-*/meta.json")
        assert old in meta.read_text()
        meta.write_text(meta.read_text().replace(old, new))
        assert same(hits(folder), sound), old


def test_files_of_another_index_are_not_believed(folder: Path, tmp_path: Path) -> None:
    sound = hits(folder)
    other = tmp_path / "other"
    local = LocalIndex(other, FIELD_NAMES)
    local.put(MANIFEST, make_entries(20, seed=3, prefix="other"))
    local.close()
    for pattern in ("dense-*", "lexical-*"):
        for theirs, mine in zip(other.glob(pattern), folder.glob(pattern), strict=True):
            if mine.is_file():
                mine.unlink()
                (folder / theirs.name).write_bytes(theirs.read_bytes())
            else:
                for path in mine.iterdir():
                    path.unlink()
                for path in theirs.iterdir():
                    (mine / path.name).write_bytes(path.read_bytes())
    assert same(hits(folder), sound)


def test_a_store_that_was_put_back_is_not_mixed_with_what_came_after(folder: Path) -> None:
    store = folder / "store.sqlite"
    backup, sound = store.read_bytes(), hits(folder)
    local = LocalIndex(folder, FIELD_NAMES)
    local.put(MANIFEST, make_entries(12, seed=9))
    local.close()
    store.write_bytes(backup)
    assert same(hits(folder), sound)
    local = LocalIndex(folder, FIELD_NAMES)
    local.put(MANIFEST, make_entries(12, seed=8))  # as many operations as were there before
    expected = local.search(a_query(), QUERY, 99, EVERYTHING)
    local.close()
    assert same(hits(folder), expected)
    assert faults(folder) == []


def contents(folder: Path) -> set[object]:
    """Everything that the store tells, from every way to read it."""
    local = LocalIndex(folder, FIELD_NAMES)
    try:
        documents = local.documents()
        found = local.records([hit.key for hit in local.search(a_query(), QUERY, 99, EVERYTHING)])
        was = local.superseded("d000", "digest d000")
        return {
            *((d.id, d.payload, d.digest, d.publisher, d.published) for d in documents),
            *((r.key, r.document_id, r.digest, r.payload, r.part_vectors.tobytes()) for r in found),
            was.payload if was else None,
        }
    finally:
        local.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_store_is_told_and_never_answered_from(folder: Path, seed: int) -> None:
    path = folder / "store.sqlite"
    sound, data = contents(folder), path.read_bytes()
    untold = []
    for at in np.random.default_rng(seed).integers(0, len(data), 30):
        path.write_bytes(data)
        flip(path, int(at))
        try:
            told = contents(folder)
            assert told <= sound | {None}, f"byte {at}: something else was told"
            noticed = bool(faults(folder))
        except IndexStoreError:
            noticed, told = True, set()
        if not noticed and told != sound:
            untold.append(at)
    assert not untold, "what is missing was noticed by nobody"


def test_a_damaged_document_does_not_keep_the_rest_from_being_indexed(folder: Path) -> None:
    database = sqlite3.connect(folder / "store.sqlite")
    database.execute(
        "update document set published = '2024-13-99', publisher = cast(x'c328ff' as text) where id = 'd001'"
    )
    database.commit()
    database.close()
    for path in (*folder.glob("dense-*"), *folder.glob("lexical-*/*")):
        path.unlink()
    assert len(hits(folder)) == 12 * 3 - 3 + 9
    assert ("The article d001 is damaged: remove it with `hoidap index remove` and add it again.", False) in faults(
        folder
    )


def test_a_damaged_row_names_itself_and_the_rest_is_told(folder: Path) -> None:
    database = sqlite3.connect(folder / "store.sqlite")
    database.execute("update document set payload = 'text d0O1' where id = 'd001'")
    database.execute("update record set payload = cast(x'c328ff' as text) where document = 'd002'")
    database.execute("update superseded set payload = 'khác'")
    database.commit()
    database.close()
    local = LocalIndex(folder, FIELD_NAMES)
    with pytest.raises(IndexDamagedError, match=r"Document d001 cannot be read any more.*`hoidap index check`"):
        local.document("d001")
    with pytest.raises(IndexDamagedError, match="A passage of d002 cannot be read"):
        local.records(local.keys(["d002"]))
    with pytest.raises(IndexDamagedError):
        local.superseded("d000", "digest d000")
    assert local.document("d002")
    assert len(local.records(local.keys(["d001"]))) == 3
    told = [(fault.what, fault.mended) for fault in local.verify()]
    assert told == [
        ("The article d001 is damaged: remove it with `hoidap index remove` and add it again.", False),
        ("An earlier version of the article d000 is damaged: citations of it open today's text.", False),
        ("A chunk of the article d002 is damaged: run `hoidap index rebuild`.", False),
    ]
    local.delete(["d000", "d001"])
    local.put(MANIFEST, [entry for entry in dated(3) if entry.document.id in {"d001", "d002"}])
    assert list(local.verify()) == []
    local.close()


def test_what_the_log_forgot_is_logged_again(folder: Path) -> None:
    sound = hits(folder)
    database = sqlite3.connect(folder / "store.sqlite")
    database.execute("delete from operation where rid between 7 and 12")
    database.commit()
    database.close()
    for path in derived(folder):
        path.unlink()
    assert not same(hits(folder), sound)
    assert [mended for _, mended in faults(folder)] == [True]
    assert faults(folder) == []
    assert {hit.key for hit in hits(folder)} == {hit.key for hit in sound}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_store_that_is_no_store_any_more(folder: Path, how: str) -> None:
    damage(folder / "store.sqlite", how)
    if how in {"deleted", "empty"}:  # nothing tells that there was one: an empty index, and no trace of the old
        local = LocalIndex(folder, FIELD_NAMES)
        assert local.search(a_query(), QUERY, 99, EVERYTHING) == []
        local.close()
    else:
        with pytest.raises(IndexDamagedError, match=r"store\.sqlite is damaged"):
            faults(folder)


def test_a_corpus_looks_through_its_articles(tmp_path: Path) -> None:
    index = LocalIndex(tmp_path / "index", FIELDS)
    corpus = Corpus(index, HashEmbedder)
    corpus.add([make_article("a", published=date(2024, 1, 2)), make_article("b"), make_article("c")])
    assert list(corpus.verify()) == []
    for name, text in (("b", "Ngắn."), ("c", make_article("c").text + " Dài hơn.")):
        document, other = index.document(name), make_article(name, text)
        assert document
        records = index.keys([name])
        _payload(tmp_path / "index" / "store.sqlite", name, other.text)
        assert index.keys([name]) == records
    told = [(fault.what, fault.mended) for fault in corpus.verify()]
    assert told == [
        ("The article b is another than was added: add it again.", False),
        ("Chunk b:0-59 does not stand in its article: run `hoidap index rebuild`.", False),
        ("The article c is another than was added: add it again.", False),
    ]
    index.close()


def _payload(path: Path, name: str, text: str) -> None:
    """Put another text into an article, with the checksum of the row and nothing else put right."""
    database = sqlite3.connect(path)
    database.create_function("row_digest", -1, row_digest)
    columns = ", ".join(f"cast({column} as blob)" for column in COLUMNS["document"])
    database.execute("update document set payload = json_set(payload, '$.text', ?) where id = ?", (text, name))
    database.execute(f"update document set checksum = row_digest({columns}) where id = ?", (name,))  # noqa: S608
    database.commit()
    database.close()
