"""What an index on Milvus does that no other has to: its BM25, its counts, and what a writer that dies leaves behind.

What all indexes do is tested in `test_index_contract.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

import index.milvus.turn
import index.milvus.writing
from index.errors import IndexBusyError, IndexServerError, IndexStoreError
from index.local import LocalIndex
from index.milvus.bm25 import average_lengths, rarity, record_vector, term_id
from index.milvus.index import MilvusIndex
from index.milvus.server import PAGES, Server, pieces
from index.milvus.state import Kind, State, read_state
from index.milvus.statistics import Counts
from index.schema import Document, Entry, Query
from rag.errors import SettingsError
from rag.settings import load_settings
from tests.conftest import FIELD_NAMES, MANIFEST, make_entries, make_record
from tests.milvus_server import database, milvus_lite
from tests.test_dense import a_query
from tests.test_index_contract import EVERYTHING, QUERY, found

TOKEN = "root:a-word-of-his-own"  # noqa: S105 # of nobody
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with milvus_lite(tmp_path_factory.mktemp("milvus")) as address:
        yield address


@pytest.fixture
def url(server: str) -> Iterator[str]:
    with database(server) as url:
        yield url


@pytest.fixture
def milvus(url: str) -> Iterator[MilvusIndex]:
    milvus = MilvusIndex(url, "", FIELD_NAMES)
    yield milvus
    milvus.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.milvus.turn, "_SECONDS", 0.5)
    monkeypatch.setattr(index.milvus.writing, "_GRACE_SECONDS", 0.0)
    monkeypatch.setattr(index.milvus.turn, "_ANNOUNCE_EVERY", 1000.0)  # not among the requests that are counted


def test_records_weigh_what_they_weigh_on_one_machine(tmp_path: Path) -> None:
    """Records of up to 600 terms, whose lengths tantivy keeps in one byte, against what tantivy says of them."""
    random = np.random.default_rng(7)
    lengths = [1, 5, 39, 40, 41, 55, 57, 87, 100, 151, 250, 281, 400, 600]
    terms = [{"words": [str(n) for n in random.integers(0, 40, length)]} for length in lengths]
    records = [make_record(f"r{n}", a_query(n), held) for n, held in enumerate(terms)]
    local = LocalIndex(tmp_path, FIELD_NAMES)
    local.put(MANIFEST, [Entry(Document("d", "", ""), records)])
    query: Query = {"words": {str(n): 1.0 + n % 3 for n in range(12)}}
    hits = found(local, local.search(a_query(), query, 99, EVERYTHING))
    tantivy = {name: lexical for name, (_, lexical) in hits.items()}
    local.close()

    counted = [*terms, {}]  # tantivy counts its checkpoint as a record
    averages = average_lengths(counted, ["words"])
    held = Counter(term for record in terms for term in set(record["words"]))
    for record, sent in zip(records, terms, strict=True):
        vector = record_vector(sent, averages)
        ours = sum(
            weight * rarity(len(counted), held[term]) * vector.get(term_id("words", term), 0.0)
            for term, weight in query["words"].items()
        )
        assert ours == pytest.approx(tantivy[record.payload], abs=5e-4), record.id


def test_counts_are_those_of_a_counter() -> None:
    random = np.random.default_rng(3)
    counts, by_hand = Counts(), Counter[int]()
    for step in range(30):
        ids = [int(i) for i in random.integers(0, 500, 300)]
        worth = -1 if step % 3 == 2 else 1
        counts.add_each(ids, worth)
        for number in ids:
            by_hand[number] += worth
    again = Counts()
    for body in counts.pages():
        again.add_page(body)
    wanted = [*range(500), 2**32 - 2]
    assert counts.of(wanted) == again.of(wanted) == [by_hand[i] for i in wanted]
    assert len(counts) == sum(map(bool, by_hand.values()))
    assert Counts().of([1, 2]) == [0, 0]


def test_a_text_is_cut_to_what_milvus_holds() -> None:
    text = "🏯" * 40_001
    cut = pieces(text)
    assert "".join(cut) == text
    assert max(len(piece.encode()) for piece in cut) <= 65_535
    assert pieces("") == []
    with pytest.raises(IndexStoreError, match="too long for Milvus: split the article"):
        pieces("a" * 70_000_000)


class Died(BaseException):
    """As a process does that is killed: nothing is tidied up."""


def killed_at(monkeypatch: pytest.MonkeyPatch, request: int) -> Any:
    """The `request`-th change that is sent to the server is not, and nothing after it."""
    sent = SimpleNamespace(count=0)
    for name in ("_upsert", "delete", "drop", "make_records"):
        done = getattr(Server, name)

        def do(self: Server, *args: Any, done: Any = done) -> None:
            sent.count += 1
            if sent.count > request:
                raise Died
            done(self, *args)

        monkeypatch.setattr(Server, name, do)
    return sent


def contents(of: MilvusIndex) -> tuple[object, ...]:
    """All that an index says of itself."""
    hits = found(of, of.search(a_query(), QUERY, 99, EVERYTHING))
    scores = {name: (round(dense, 4), round(lexical, 3)) for name, (dense, lexical) in hits.items()}
    return of.documents(), scores, sorted(of.vocabulary("words")), of.frequencies("pairs", ["ab", "ba"]), of.status()


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["put", "replace", "delete"])
def test_a_writer_that_dies_at_any_request_leaves_the_old_or_the_new(
    url: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(to: MilvusIndex) -> None:
        if kind == "put":
            to.put(MANIFEST, make_entries(2, seed=5))
        elif kind == "replace":
            to.replace(MANIFEST, make_entries(2, seed=5), to.version)
        else:
            to.delete(["d001", "d002"])

    def opened() -> MilvusIndex:
        return MilvusIndex(url, "", FIELD_NAMES)

    start = opened()
    start.put(MANIFEST, make_entries(3))
    before = contents(start)
    after: tuple[object, ...] | None = None
    for request in range(40):
        writer = opened()
        with monkeypatch.context() as patch:
            sent = killed_at(patch, request)
            try:
                write(writer)
            except Died:
                pass
            else:
                break
        reader = opened()
        seen = contents(reader)
        if seen != before:
            after = after or seen
            assert seen == after
            start.replace(MANIFEST, make_entries(3), start.version)
            assert contents(start) == before
        else:
            assert after is None, "what was acknowledged is gone again"
    assert 4 < sent.count <= request
    assert after is not None
    assert contents(writer)[:4] == after[:4]
    write_again = opened()
    write_again.put(MANIFEST, make_entries(1, prefix="next"))
    state = read_state(write_again._server)
    assert write_again._server.records() == [state.collection]
    rows = list(write_again._server.all_rows(PAGES, f"kind == {int(Kind.DOCUMENT)}", ["owner"]))
    assert len(rows) == state.documents == len({row["owner"] for row in rows})
    assert len(list(write_again._server.all_rows(state.collection, "key >= 0", []))) == state.records


_WRITER = """
import sys
import time
import index.milvus.turn
from index.milvus.index import MilvusIndex
from tests.conftest import FIELD_NAMES, MANIFEST, make_entries
index.milvus.turn._ANNOUNCE_EVERY = 0.5
def for_ever():
    yield from make_entries(150, per_document=1, prefix="w")
    print("writing", flush=True)
    time.sleep(600)  # embedding
milvus = MilvusIndex(sys.argv[1], "", FIELD_NAMES)
milvus.replace(MANIFEST, for_ever(), milvus.version)
"""


@pytest.mark.slow
def test_a_second_writer_is_refused_and_takes_over_when_the_first_is_killed(
    url: str, milvus: MilvusIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.milvus.turn, "_SECONDS", 3.0)
    milvus.put(MANIFEST, make_entries(2))
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, url],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == b"writing\n"
        with pytest.raises(IndexBusyError, match="Another process is writing to the index: try again"):
            milvus.put(MANIFEST, make_entries(1, prefix="n"))
        writer.kill()
    assert [known.id for known in milvus.known()] == ["d000", "d001"]
    milvus.put(MANIFEST, make_entries(1, prefix="n"))
    assert [known.id for known in milvus.known()] == ["d000", "d001", "n000"]
    assert milvus.status().records == 9 == len(milvus.search(a_query(), QUERY, 99, EVERYTHING))
    assert len(milvus._server.records()) == 1


@pytest.mark.slow
def test_a_writer_that_was_thought_dead_is_told_so(
    url: str, milvus: MilvusIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    milvus.put(MANIFEST, make_entries(2))
    other = MilvusIndex(url, "", FIELD_NAMES)

    def standing_still() -> Iterator[Entry]:
        yield from make_entries(100, per_document=1, prefix="late")
        with monkeypatch.context() as patch:
            patch.setattr(index.milvus.turn, "_SECONDS", 0.0)
            other.put(MANIFEST, make_entries(1, prefix="n"))
        yield from make_entries(1, prefix="later")

    with pytest.raises(IndexBusyError, match="changed by another process meanwhile: run the command again"):
        milvus.replace(MANIFEST, standing_still(), milvus.version)
    for seen in (milvus, other):
        assert [known.id for known in seen.known()] == ["d000", "d001", "n000"]
        assert len(seen.search(a_query(), QUERY, 99, EVERYTHING)) == 9
    other.put(MANIFEST, make_entries(1, prefix="more"))
    other.close()


@pytest.mark.slow
def test_a_reader_outlives_its_server(tmp_path: Path) -> None:
    with milvus_lite(tmp_path) as address:
        reader = MilvusIndex(address, "", FIELD_NAMES)
        reader.put(MANIFEST, make_entries(3))
        before = contents(reader)
    with milvus_lite(tmp_path, port=int(address.rpartition(":")[2])):
        assert contents(reader) == before
        assert contents(MilvusIndex(address, "", FIELD_NAMES)) == before
    reader.close()


def test_an_index_on_a_server_from_its_first_document_to_its_last(url: str, milvus: MilvusIndex) -> None:
    """What is tested at length in the tests that are slow, once."""
    milvus.put(MANIFEST, make_entries(3))
    milvus.put(MANIFEST, make_entries(2, seed=1))
    entries = [*make_entries(2, seed=1), *make_entries(3)[2:]]
    seen = MilvusIndex(url, "", FIELD_NAMES)
    assert seen.documents() == [entry.document for entry in entries]
    assert found(seen, seen.search(a_query(), QUERY, 99, EVERYTHING)).keys() == {
        record.payload for entry in entries for record in entry.records
    }
    assert contents(seen) == contents(milvus)
    milvus.delete([entry.document.id for entry in entries])
    assert (milvus.known(), milvus.search(a_query(), QUERY, 9, EVERYTHING)) == ([], [])
    seen.close()


def test_a_record_of_too_many_terms_is_named_and_leaves_all_as_it_was(milvus: MilvusIndex) -> None:
    record = make_record("r", a_query(), {"words": [str(number) for number in range(5000)]})
    with pytest.raises(IndexStoreError, match="A record of dài has 5,000 different terms and Milvus takes 4,096"):
        milvus.put(MANIFEST, [Entry(Document("dài", "", ""), [record])])
    assert (milvus.known(), read_state(milvus._server)) == ([], State())
    milvus.put(MANIFEST, make_entries(1))


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.milvus.server._SECONDS", 1)
    with pytest.raises(
        IndexServerError, match=r"milvus://127.0.0.1:9 cannot be used .* HOIDAP_INDEX_URL names it"
    ) as error:
        MilvusIndex("milvus://127.0.0.1:9", TOKEN, FIELD_NAMES)
    assert TOKEN not in str(error.value)


def test_without_the_client_of_milvus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(IndexStoreError, match=r"run `pip install 'hoidap\[milvus\]'`"):
        MilvusIndex("milvus://127.0.0.1", "", FIELD_NAMES)


@pytest.mark.parametrize(
    "url", ["milvus://h", "milvus://10.0.0.1:19530/corpus", "milvus+https://milvus.example.vn/a_1"]
)
def test_addresses(url: str) -> None:
    assert load_settings(index_url=url).index_place == url
    assert load_settings(index_url=url, index_dir=Path("here")).index_place == "here"


@pytest.mark.parametrize(
    "url", ["http://h:19530", "milvus://", "milvus://root:pass@h", "milvus://h/a b", "milvus://h/a/b", "milvus://h:x"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(SettingsError, match=r"'index_url' is not valid .* HOIDAP_INDEX_TOKEN"):
        load_settings(index_url=url)


def test_the_token_is_not_shown() -> None:
    settings = load_settings(index_url="milvus://h", index_token=TOKEN)
    assert settings.index_token == SecretStr(TOKEN)
    assert TOKEN not in repr(settings)
