"""The store of use: what is kept, by several at once, how it goes, and what goes wrong with its file."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import index.sqlite
from eval.errors import FeedbackError
from eval.feedback import COMMENT_CHARACTERS, HISTORY_EXCHANGES, Cited, Exchange, FeedbackStore
from rag.schema import Outcome
from tests.conftest import DAMAGES, damage

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def make_exchange(name: str, **fields: object) -> Exchange:
    plain: dict[str, object] = {
        "time": NOW,
        "outcome": Outcome.ANSWERED,
        "generator": "extractive",
        "timings": {"embed": 5.0, "read": 7.5},
        "session": "phiên",
        "question": f"Câu hỏi {name}?",
        "understood": f"Câu hỏi {name} là gì?",
        "answer": f"Trả lời {name}. [1]",
        "citations": (Cited("bai", 3, 9, f"Trích {name}"),),
    }
    return Exchange(id=name, **(plain | fields))  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "index.feedback.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[FeedbackStore]:
    store = FeedbackStore(path)
    yield store
    store.close()


def bytes_on_disk(path: Path) -> bytes:
    """All that stands in the file and in those that SQLite puts beside it."""
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def test_an_exchange_comes_back_as_it_was(store: FeedbackStore, path: Path) -> None:
    kept = make_exchange("a", outcome=Outcome.UNSURE, leans=True, rating="up", comment="Đúng rồi")
    store.add(kept)
    assert list(store.exchanges()) == [kept]
    assert path.stat().st_mode & 0o777 == 0o600, "only its owner reads what people ask"


def test_a_thumb_can_be_given_changed_and_taken_back(store: FeedbackStore) -> None:
    store.add(make_exchange("a"))
    store.add(make_exchange("b"))
    for rating in ("up", "down", None, "down"):
        store.rate("a", rating)
        assert [one.rating for one in store.exchanges()] == [rating, None]
    store.comment("a", "x" * 5000)
    store.rate("no such id' or 1", "up")
    first, second = store.exchanges()
    assert (len(first.comment), second.comment, second.rating) == (COMMENT_CHARACTERS, "", None)


def test_only_a_question_that_leans_on_others_brings_them_along(store: FeedbackStore) -> None:
    for number in range(HISTORY_EXCHANGES + 2):
        store.add(make_exchange(str(number)))
        store.add(make_exchange(f"other {number}", session="khác"))
    store.add(make_exchange("follow-up", leans=True))
    *rest, (last, before) = store.conversations()
    assert last.id == "follow-up"
    assert [one.id for one in before] == [str(number) for number in range(2, HISTORY_EXCHANGES + 2)]
    assert not any(earlier for _, earlier in rest)


def test_many_exchanges_are_read_in_order(store: FeedbackStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.feedback._BATCH", 3)
    names = [f"{number}" for number in range(10)]
    for name in names:
        store.add(make_exchange(name, rating="down" if int(name) % 2 else None))
    assert [one.id for one in store.exchanges()] == names
    assert [one.id for one in store.blamed(NOW, 3)] == ["9", "7", "5"]
    assert store.blamed(NOW + timedelta(seconds=1), 3) == []


def _write_many(path: Path, name: str, count: int) -> None:
    store = FeedbackStore(path)
    for number in range(count):
        store.add(make_exchange(f"{name}-{number}"))
        store.rate(f"{name}-{number}", "up")
    store.close()


def test_two_processes_and_their_threads_write_at_once(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_write_many, args=(path, f"process{n}", 60)) for n in range(2)]
    for worker in workers:
        worker.start()
    mine = FeedbackStore(path)

    def write(name: str) -> None:
        for number in range(30):
            mine.add(make_exchange(f"{name}-{number}", rating="up"))

    threads = [threading.Thread(target=write, args=(f"thread{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    found = list(mine.exchanges())
    assert len({one.id for one in found}) == 2 * 60 + 3 * 30
    assert {one.rating for one in found} == {"up"}
    mine.close()


def test_what_is_too_old_is_gone_from_the_file(store: FeedbackStore, path: Path) -> None:
    told = "bí mật cũ"
    for number in range(200):
        old = number % 2 == 0
        text = f"{told if old else 'mới'} {number} " + "x" * 700
        store.add(make_exchange(str(number), time=NOW - timedelta(days=100 if old else 5), question=text))
        store.comment(str(number), text)
    assert told.encode() in bytes_on_disk(path)
    assert store.erase_before(NOW - timedelta(days=30)) == 100
    assert len(list(store.exchanges())) == 100
    assert told.encode() not in bytes_on_disk(path)
    assert "mới 1 ".encode() in bytes_on_disk(path)
    assert store.erase_before(NOW - timedelta(days=30)) == 0


def test_what_another_process_still_reads_is_not_called_erased(
    store: FeedbackStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add(make_exchange("a", time=NOW - timedelta(days=100)))
    monkeypatch.setattr(index.sqlite, "_BUSY_SECONDS", 0.1)
    impatient, reader = FeedbackStore(path), sqlite3.connect(path, isolation_level=None)
    reader.execute("begin")
    reader.execute("select * from exchange").fetchall()
    with pytest.raises(FeedbackError, match="another process reads"):
        impatient.erase_before(NOW)
    assert b"Tr\xc3\xadch a" in bytes_on_disk(path)
    reader.execute("commit")
    impatient.erase_before(NOW)
    assert b"Tr\xc3\xadch a" not in bytes_on_disk(path)
    impatient.close()
    reader.close()


def test_texts_can_be_erased_and_the_figures_stay(store: FeedbackStore, path: Path) -> None:
    for number in range(50):
        store.add(make_exchange(f"{number}", rating="down", comment="lời bình " * 50))
    assert store.erase_texts() == 50
    assert store.erase_texts() == 0
    (one, *_) = store.exchanges()
    assert one == Exchange("0", NOW, Outcome.ANSWERED, "extractive", {"embed": 5.0, "read": 7.5}, rating="down")
    for words in ("Câu hỏi", "Trả lời", "Trích", "lời bình", "phiên"):
        assert words.encode() not in bytes_on_disk(path)


@pytest.mark.parametrize("how", set(DAMAGES) - {"deleted", "empty"})
def test_a_damaged_file_is_told_with_the_remedy(path: Path, how: str) -> None:
    store = FeedbackStore(path)
    store.add(make_exchange("a"))
    store.close()
    damage(path, how)
    with pytest.raises(FeedbackError, match="move it away"):
        list(FeedbackStore(path).exchanges())


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    FeedbackStore(path).close()
    with sqlite3.connect(path) as database:
        database.execute("pragma user_version = 99")
    with pytest.raises(FeedbackError, match=r"format 99 .* update hoidap"):
        FeedbackStore(path)


def test_a_place_that_cannot_be_written_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FeedbackError, match="readable and writable"):
        FeedbackStore(tmp_path / "file" / "x.sqlite")
    (tmp_path / "folder.sqlite").mkdir()
    with pytest.raises(FeedbackError, match="readable and writable"):
        FeedbackStore(tmp_path / "folder.sqlite")


def test_a_store_that_only_reads_says_so(path: Path, store: FeedbackStore) -> None:
    store.add(make_exchange("a"))
    store._db.execute("pragma query_only = on")  # as on a disk mounted for reading; root may write any file
    with pytest.raises(FeedbackError, match="readable and writable"):
        store.add(make_exchange("b"))


def test_whoever_waits_too_long_for_another_process_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.sqlite, "_BUSY_SECONDS", 0.1)
    first, second = FeedbackStore(path), FeedbackStore(path)
    with index.sqlite.transaction(first._db), pytest.raises(FeedbackError, match="locked"):
        second.add(make_exchange("a"))
    second.add(make_exchange("a"))
    assert len(list(first.exchanges())) == 1
    first.close()
    second.close()
