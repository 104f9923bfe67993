"""Many articles through a Ray cluster: what is written, whatever dies meanwhile; and what is reported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from index.local import LocalIndex
from rag.articles import find, read
from rag.bulk import Reads, bulk, prepare
from rag.chunking import chunk_article
from rag.corpus import Corpus
from rag.embedding import Embedder
from rag.errors import BulkError
from rag.settings import load_settings
from rag.vietnamese.terms import FIELDS
from tests.conftest import HashEmbedder


@pytest.fixture
def corpus(tmp_path: Path, embedder: Embedder) -> Iterator[Corpus]:
    index = LocalIndex(tmp_path / "index", FIELDS)
    yield Corpus(index, lambda: embedder)
    index.close()


def write_articles(folder: Path, count: int) -> list[Path]:
    """Small articles of one chunk, and every fifth of several."""
    folder.mkdir()
    for number in range(count):
        sentences = [
            f"Cây cầu số {number} dài {number + 3} mét và rộng {n + 2} mét." for n in range(2 + number % 5 // 4 * 40)
        ]
        (folder / f"bai-{number:03}.md").write_text(f"# Cầu {number}\n\n" + " ".join(sentences), encoding="utf-8")
    return find([folder])


def reading(paths: list[Path]) -> Reads:
    return {str(path): partial(read, path) for path in paths}


def silent(_done: int, _all: int) -> None:
    """No progress wanted."""


def test_a_worker_reads_and_embeds_what_changed_and_says_what_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashing = HashEmbedder()
    monkeypatch.setattr("rag.bulk._embedder", lambda _settings: hashing)
    paths = write_articles(tmp_path / "articles", 5)
    (tmp_path / "articles" / "empty.md").write_text("")
    paths.append(tmp_path / "articles" / "empty.md")
    settings = load_settings()
    first = prepare(reading(paths), settings, {})
    assert list(first.entries) == [str(path) for path in paths[:5]]
    assert list(first.failures) == [str(paths[5])]
    assert "empty.md" in first.failures[str(paths[5])]
    direct = Corpus(LocalIndex(tmp_path / "direct", FIELDS), lambda: hashing)
    direct.add([read(path) for path in paths[:5]])
    assert [entry.document for entry in first.entries.values()] == direct.index.documents()
    paths[1].write_text("# Cầu khác\n\nCầu khác dài 9 mét.", encoding="utf-8")
    known = {document.id: document.digest for document in direct.index.known()}
    hashing.embedded.clear()
    second = prepare(reading(paths), settings, known)
    assert list(second.entries) == [str(paths[1])]
    assert list(second.unchanged) == [str(path) for path in [paths[0], *paths[2:5]]]
    assert all("Cầu khác" in text for text in hashing.embedded)
    direct.index.close()


@pytest.mark.slow
def test_one_machine_of_two_is_killed_half_way(tmp_path: Path, corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1]))
    from ray.cluster_utils import Cluster

    paths = write_articles(tmp_path / "articles", 64)
    twice = paths[7].with_name("twice.md")
    twice.write_text("---\nid: bai-007\n---\n" + paths[7].read_text("utf-8"), encoding="utf-8")
    (tmp_path / "articles" / "broken.md").write_bytes(b"%PDF-1.7 no document")
    more = find([tmp_path / "articles"])
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        second = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        seen: list[int] = []

        def progress(done: int, total: int) -> None:
            seen.append(done)
            assert total == 66
            if done >= 24 and len(cluster.worker_nodes):
                cluster.remove_node(second, allow_graceful=False)

        report = bulk(corpus, reading(more), load_settings(), cluster.address, progress)
        assert not cluster.worker_nodes
        assert seen == sorted(seen)
        assert seen[-1] == 66
        assert (report.written, report.unchanged) == (64, 0)
        assert [Path(n).name for n in report.failures if n not in {str(twice), str(paths[7])}] == ["broken.md"]
        assert len(report.failures) == 2
        chunks = {chunk.id for path in paths for chunk in chunk_article(read(path))}
        found = corpus.index.records(range(1, 10_000))
        assert len(found) == len(chunks) == corpus.index.status().records
        assert corpus.articles() == sorted((read(path) for path in paths), key=lambda article: article.id)

        again = bulk(corpus, reading(more), load_settings(), cluster.address, silent)
        assert (again.written, again.unchanged) == (0, 64)
        assert corpus.index.status().records == len(chunks)
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]


def test_a_cluster_that_is_not_there(corpus: Corpus) -> None:
    for address in ("127.0.0.1:9", "nowhere", "127.0.0.1:x"):
        with pytest.raises(BulkError, match=f"The Ray cluster {address} cannot be reached .* --cluster HOST:PORT"):
            bulk(corpus, {}, load_settings(), address, silent)


def test_without_ray(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BulkError, match=r"run `pip install 'hoidap\[ray\]'`"):
        bulk(corpus, {}, load_settings(), None, silent)
