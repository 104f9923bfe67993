"""Telling that something changed, once it is whole."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread

import pytest

from rag.articles.watching import changes
from rag.errors import ArticleError

QUIET_MS = 400


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Queue[float]]:
    """When something was told of `tmp_path`."""
    stop, told = Event(), Queue[float]()

    def look() -> None:
        for _ in changes([tmp_path], stop, QUIET_MS):
            told.put(time.monotonic())

    thread = Thread(target=look)
    thread.start()
    told.get(timeout=20)  # it looks
    yield told
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_file_is_told_when_nothing_is_written_to_it_any_longer(tmp_path: Path, told: Queue[float]) -> None:
    with (tmp_path / "gao.md").open("w", encoding="utf-8") as file:
        for _ in range(12):
            file.write("Gạo đạt 5 tỷ USD. ")
            file.flush()
            last = time.monotonic()
            time.sleep(0.1)
    assert told.get(timeout=20) > last
    with pytest.raises(Empty):
        told.get(timeout=1)


def test_what_is_no_article_is_not_told(tmp_path: Path, told: Queue[float]) -> None:
    (tmp_path / ".gao.md.swp").write_text("x", encoding="utf-8")
    (tmp_path / "gao.tmp").write_text("x", encoding="utf-8")
    with pytest.raises(Empty):
        told.get(timeout=1.5)
    (tmp_path / "gao.tmp").rename(tmp_path / "gao.md")
    told.get(timeout=20)
    (tmp_path / "gao.md").unlink()
    told.get(timeout=20)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ArticleError, match="does not exist"):
        list(changes([tmp_path / "nowhere"]))
