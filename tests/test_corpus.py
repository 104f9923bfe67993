"""The articles and their index: what adding does, what comes back, and what a kill leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

import rag.corpus
from index.local import LocalIndex
from index.schema import Filter, Origin
from rag.chunking import chunk_article
from rag.corpus import Corpus, decode_chunk
from rag.errors import ArticleError, IndexMismatchError
from rag.schema import Article, Edition
from rag.vietnamese.terms import FIELDS
from tests.conftest import HashEmbedder, make_article, no_embedder

ROOT = Path(__file__).resolve().parents[1]
EVERYTHING = Filter()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def index(folder: Path) -> Iterator[LocalIndex]:
    index = LocalIndex(folder, FIELDS)
    yield index
    index.close()


@pytest.fixture
def corpus(index: LocalIndex) -> Corpus:
    embedder = HashEmbedder()
    return Corpus(index, lambda: embedder)


def articles(count: int, prefix: str = "a") -> list[Article]:
    return [make_article(f"{prefix}{number}") for number in range(count)]


def answers(corpus: Corpus, question: str) -> list[tuple[str, float]]:
    """Ids of the articles that the index finds for a question, with their cosines, best first."""
    (vector,) = corpus.embedder.embed([question], "query")
    hits = corpus.index.search(vector, {"syllables": dict.fromkeys(question.lower().split(), 1.0)}, 50, EVERYTHING)
    records = corpus.index.records([hit.key for hit in hits])
    pairs = [(record.document_id, round(hit.dense, 4)) for record, hit in zip(records, hits, strict=True)]
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


def test_adding_again_replaces_and_unchanged_costs_nothing(corpus: Corpus, index: LocalIndex) -> None:
    first = articles(3)
    report = corpus.add(first)
    assert (report.added, report.replaced, report.unchanged) == (("a0", "a1", "a2"), (), ())
    changed = replace(first[1], text="Bài viết này nay nói về đò ngang.")
    embedder = HashEmbedder()
    report = Corpus(index, lambda: embedder).add([first[0], changed, make_article("b")])
    assert (report.added, report.replaced, report.unchanged) == (("b",), ("a1",), ("a0",))
    assert {text.split("\n")[0] for text in embedder.embedded if "\n" in text} == {"Tiêu đề a1", "Tiêu đề b"}
    assert [article.id for article in corpus.articles()] == ["a0", "a1", "a2", "b"]
    assert corpus.article("a1") == changed
    before = index.status(), answers(corpus, "đò ngang")
    report = Corpus(index, no_embedder).add([*first[2:], changed, first[0]])
    assert (report.added, report.replaced, report.unchanged) == ((), (), ("a2", "a1", "a0"))
    assert (index.status(), answers(corpus, "đò ngang")) == before


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Khác"},
        {"published": date(2024, 1, 1)},
        {"publisher": "Báo"},
        {"tags": ("cầu",)},
        {"headings": ((0, 3),)},
        {"url": "https://example.vn"},
        {"source": "Nguồn"},
        {"author": "Ai"},
    ],
)
def test_every_field_counts_as_a_change(corpus: Corpus, change: dict[str, object]) -> None:
    corpus.add(articles(1))
    changed = replace(make_article("a0"), **change)  # type: ignore[arg-type]
    assert corpus.add([changed]).replaced == ("a0",)
    assert corpus.article("a0") == changed


def test_where_articles_come_from_is_remembered(corpus: Corpus, index: LocalIndex) -> None:
    def come_from() -> dict[str, Origin]:
        return {known.id: known.origin for known in index.known()}

    first = {f"a{n}": Origin("feed", f"item {n}", f"mark {n}") for n in range(2)}
    corpus.add(articles(3), origins=first)
    assert come_from() == {**first, "a2": Origin()}
    touched = {"a0": Origin("feed", "item 0", "another mark"), "a1": first["a1"]}
    version = index.version
    assert corpus.add(articles(3), origins=touched).unchanged == ("a0", "a1", "a2")
    assert come_from() == {**touched, "a2": Origin()}
    assert index.version == version, "what an article says is as it was"
    corpus.rebuild()
    assert come_from() == {**touched, "a2": Origin()}
    corpus.add([make_article("a0", "Sửa bằng tay.")])
    assert come_from() == {"a0": Origin(), "a1": first["a1"], "a2": Origin()}


def test_of_two_with_one_id_the_last_one_stands(corpus: Corpus) -> None:
    last = make_article("a", "Bài sau cùng.")
    report = corpus.add([make_article("a"), make_article("b"), last])
    assert sorted(report.added) == ["a", "b"]
    assert corpus.article("a") == last
    assert len(answers(corpus, "cầu")) == 2


def test_rebuild_with_two_of_one_id(corpus: Corpus) -> None:
    last = make_article("a", "Bài sau cùng.")
    corpus.rebuild([make_article("a"), last])
    assert corpus.articles() == [last]


def test_an_article_comes_back_as_it_was(corpus: Corpus) -> None:
    text = "Mở đầu “bài”.\n\nPhần một\n\nCầu dài 86 m. Đường rộng 7 m 🙂."
    at = text.index("Phần một")
    full = Article(
        id="đầy đủ/1",
        title='Tiêu "đề"',
        text=text,
        headings=((at, at + 8),),
        publisher="Báo",
        author="Ai",
        published=date(2024, 2, 29),
        url="https://example.vn/?a=1&b=2",
        source="Nguồn",
        tags=("cầu", "đường"),
    )
    bare = Article("trống", "", "Một câu.")
    corpus.add([full, bare])
    assert corpus.articles() == sorted([full, bare], key=lambda article: article.id)
    assert corpus.article("đầy đủ/1") == full
    assert corpus.article("nowhere") is None
    hits = corpus.index.search(
        corpus.embedder.embed(["cầu"], "query")[0], {}, 9, Filter(documents=frozenset({full.id}))
    )
    chunks = [decode_chunk(record.payload, full) for record in corpus.index.records([hit.key for hit in hits])]
    assert chunks == chunk_article(full)


def test_vectors_are_of_the_chunk_in_its_context_and_of_each_sentence(corpus: Corpus) -> None:
    article = make_article("a0")
    corpus.add([article])
    (chunk,) = chunk_article(article)
    (vector,) = corpus.embedder.embed([f"{article.title}\n{article.text}"], "passage")
    (hit,) = corpus.index.search(vector, {}, 9, EVERYTHING)
    assert hit.dense == pytest.approx(1, abs=2e-3)
    (found,) = corpus.index.records([hit.key])
    sentences = corpus.embedder.embed([article.text[start:end] for start, end in chunk.sentences], "passage")
    assert found.part_vectors == pytest.approx(sentences, abs=1e-3)
    assert len(sentences) == 2


def test_an_article_without_sentences_is_kept(corpus: Corpus) -> None:
    corpus.add([Article("empty", "Trống", ""), make_article("a")])
    assert [article.id for article in corpus.articles()] == ["a", "empty"]
    assert corpus.add([Article("empty", "Trống", "")]).unchanged == ("empty",)
    assert corpus.rebuild() == 2


def test_removing(corpus: Corpus) -> None:
    corpus.add(articles(3))
    with pytest.raises(ArticleError, match=r"Not in the index: x, y\. `hoidap index list`"):
        corpus.remove(["a0", "x", "a1", "y"])
    assert [article.id for article in corpus.articles()] == ["a0", "a1", "a2"]
    assert len(answers(corpus, "cầu")) == 3
    corpus.remove(["a0", "a2"])
    assert [article.id for article in corpus.articles()] == ["a1"]
    assert [name for name, _ in answers(corpus, "cầu")] == ["a1"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("Hà Tĩnh", ["a"]),
        ("ha tinh", ["a", "b"]),
        ("HÀ  tinh,", ["a"]),
        ("sông hà", ["a"]),
        ("cầu 86", ["a", "b"]),
        ("cầu sắt", []),
        ("?!", []),
        ("", []),
    ],
)
def test_articles_are_found_by_their_words(corpus: Corpus, words: str, found: list[str]) -> None:
    corpus.add(
        [
            Article("a", "Chuyện Hà Tĩnh", "Cầu qua sông dài 86 mét.", publisher="Báo B"),
            Article("b", "Chuyện khác", "Hạ tính cầu này 86 mét."),
        ]
    )
    assert [article.id for article in corpus.holding(words)] == found
    assert corpus.publishers() == ["Báo B"]


def test_an_article_at_an_older_moment_is_none(corpus: Corpus, index: LocalIndex) -> None:
    corpus.add(articles(1))
    document = index.document("a0")
    assert document
    assert corpus.article_at("a0", document.digest) == make_article("a0")
    corpus.add([make_article("a0", "Bài đã sửa.")])
    assert corpus.article_at("a0", document.digest) is None
    assert corpus.article_at("nowhere", document.digest) is None
    corpus.add(articles(1))
    assert corpus.article_at("a0", document.digest) == make_article("a0")


def test_a_citation_of_yesterday_opens_what_it_quoted(corpus: Corpus, index: LocalIndex) -> None:
    first, second = make_article("a0"), make_article("a0", "Bài đã sửa.")
    versions = []
    for article in (first, second):
        corpus.add([article])
        document = index.document("a0")
        assert document
        versions.append(document.digest[:12])
    assert corpus.edition("a0", "") == corpus.edition("a0", versions[1]) == Edition(second)
    was = corpus.edition("a0", versions[0])
    assert was
    assert (was.article, was.is_asked_for) == (first, True)
    assert was.replaced
    for version in ("0" * 12, versions[0][:3], versions[1][:3], versions[0] + "0", "%"):
        assert corpus.edition("a0", version) == Edition(second, is_asked_for=False), version
    assert corpus.edition("nowhere", versions[0]) is None
    corpus.rebuild()
    assert corpus.edition("a0", versions[0]) == was
    corpus.remove(["a0"])
    assert corpus.edition("a0", versions[0]) is None


def test_an_index_of_another_model_is_refused_until_rebuilt(corpus: Corpus, index: LocalIndex) -> None:
    corpus.add(articles(3))
    other = Corpus(index, lambda: HashEmbedder("other", 24))
    for attempt in (other.check, lambda: other.add([make_article("new")])):
        with pytest.raises(
            IndexMismatchError, match=r"'hash' in the index, 'other' now.* 16 in .* 24 now.*`hoidap index rebuild`"
        ):
            attempt()
    assert [article.id for article in corpus.articles()] == ["a0", "a1", "a2"]
    corpus.check()
    assert other.rebuild() == 3
    other.check()
    assert other.articles() == articles(3)
    assert len(answers(other, "cầu")) == 3
    with pytest.raises(IndexMismatchError):
        corpus.check()


@pytest.mark.parametrize(("module", "what"), [("rag.corpus", "chunking"), ("rag.vietnamese.terms", "terms")])
def test_another_chunking_or_terms_are_refused(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, module: str, what: str
) -> None:
    corpus.add(articles(1))
    monkeypatch.setattr(f"{module}.RULE", "another-2")
    with pytest.raises(IndexMismatchError, match=f"{what}: .* 'another-2' now"):
        corpus.check()


def test_an_empty_corpus_is_of_any_model(corpus: Corpus, index: LocalIndex) -> None:
    Corpus(index, no_embedder).check()
    assert corpus.articles() == []
    assert corpus.add([]).added == ()
    assert corpus.rebuild([]) == 0
    assert index.manifest == corpus.manifest


def test_rebuild_gives_what_a_new_index_gives(corpus: Corpus, tmp_path: Path) -> None:
    corpus.add(articles(4, "old"))
    corpus.add(articles(5))
    corpus.add([replace(article, title="Khác") for article in articles(5)])
    assert corpus.rebuild(articles(5)) == 5
    new = Corpus(LocalIndex(tmp_path / "new", FIELDS), HashEmbedder)
    new.add(articles(5))
    assert corpus.articles() == new.articles() == articles(5)
    question = {"syllables": {"cầu": 1.0, "a3": 1.0}}
    (vector,) = corpus.embedder.embed(["cầu a3"], "query")
    ours, theirs = (c.index.search(vector, question, 9, EVERYTHING) for c in (corpus, new))
    assert [hit.dense for hit in ours] == pytest.approx([hit.dense for hit in theirs])
    assert [hit.lexical for hit in ours] == pytest.approx([hit.lexical for hit in theirs])
    assert corpus.index.frequencies("syllables", ["cầu"]) == new.index.frequencies("syllables", ["cầu"]) == (5, [5])
    new.index.close()


def test_progress_counts_articles_to_the_end(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rag.corpus, "_BATCH_CHUNKS", 3)
    seen: list[tuple[int, int]] = []
    corpus.add(articles(8), lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 8)
    assert seen[-1] == (8, 8)
    assert len(seen) == 4
    assert all(a < b for a, b in pairwise(done for done, _ in seen))
    seen.clear()
    corpus.add(articles(8), lambda done, total: seen.append((done, total)))
    assert seen == [(0, 0)]
    seen.clear()
    corpus.rebuild(progress=lambda done, total: seen.append((done, total)))
    assert (seen[0], seen[-1]) == ((0, 8), (8, 8))


def test_what_was_added_before_an_interruption_stays(
    index: LocalIndex, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rag.corpus, "_BATCH_CHUNKS", 2)

    def stop(done: int, _total: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        corpus.add(articles(10), stop)
    assert [article.id for article in corpus.articles()] == ["a0", "a1", "a2", "a3"]
    report = corpus.add(articles(10))
    assert (len(report.added), len(report.unchanged)) == (6, 4)


def test_a_rebuild_that_fails_leaves_the_index_as_it_was(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rag.corpus, "_BATCH_CHUNKS", 2)
    corpus.add(articles(6))
    before = answers(corpus, "cầu a4")

    def stop(done: int, _total: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        corpus.rebuild(articles(6, "new"), stop)
    assert answers(corpus, "cầu a4") == before
    assert corpus.articles() == articles(6)


# A process that does `what` and kills itself at a moment: the `n`-th call of a function, before it is made.
_VICTIM = """
import os, signal, sys
from pathlib import Path
import faiss, tantivy
import index.dense, index.lexical, index.local, index.store, rag.corpus
from index.local import LocalIndex
from rag.corpus import Corpus
from rag.vietnamese.terms import FIELDS
from tests.conftest import HashEmbedder
from tests.test_corpus import articles

folder, what, moment, at = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
rag.corpus._BATCH_CHUNKS = 5
corpus = Corpus(LocalIndex(folder, FIELDS), HashEmbedder)
corpus.embedder
left = at

def deadly(original):
    def call(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)
    return call

index.dense._SNAPSHOT_EVERY = 1
places = {
    "embed": (HashEmbedder, "embed"),
    "record": (index.store, "_to_row"),
    "commit": (index.local.LocalIndex, "_refresh"),
    "tantivy": (tantivy, "Document"),
    "checkpoint": (index.lexical.Lexical, "_checkpoint"),
    "snapshot": (faiss, "write_index"),
    "rename": (Path, "replace"),
}
if moment in places:
    setattr(*places[moment], deadly(getattr(*places[moment])))
print("ready", flush=True)
if what == "rebuild":
    corpus.rebuild(articles(30, "new"))
else:
    corpus.add(articles(30, "new"))
print("done", flush=True)
"""


def victim(folder: Path, what: str, moment: str, at: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _VICTIM, str(folder), what, moment, str(at)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def old_index(folder: Path) -> list[tuple[str, float]]:
    corpus = Corpus(LocalIndex(folder, FIELDS), HashEmbedder)
    corpus.add(articles(12, "old"))
    before = answers(corpus, "cầu old7")
    corpus.index.close()
    return before


def check_whole(folder: Path, what: str, before: list[tuple[str, float]]) -> int:
    """The old index, or after a commit the new one, without a trace of a mixture. Returns how many articles are new."""
    for _ in range(2):  # as the next process finds it, and as that one leaves it
        corpus = Corpus(LocalIndex(folder, FIELDS), HashEmbedder)
        corpus.check()
        ids = {article.id for article in corpus.articles()}
        new = {article.id for article in articles(30, "new")} & ids
        old = ids - new
        assert old == {article.id for article in articles(12, "old")} or (what == "rebuild" and not old)
        if what == "rebuild":
            assert not new if old else len(new) == 30
        found = answers(corpus, "cầu old7")
        assert {name for name, _ in found} == ids
        assert [pair for pair in found if pair[0] in old] == (before if old else [])
        assert corpus.index.frequencies("syllables", ["cầu"]) == (len(ids), [len(ids)])
        corpus.index.close()
    return len(new)


# The third batch is embedded while the second is written.
MOMENTS = [
    ("rebuild", "embed", 3, {0}),
    ("rebuild", "record", 17, {0}),
    ("rebuild", "commit", 0, {30}),
    ("rebuild", "tantivy", 9, {30}),
    ("rebuild", "rename", 0, {30}),
    ("add", "embed", 2, {5, 10}),
    ("add", "record", 12, {10}),
    ("add", "tantivy", 9, {10}),
]


@pytest.mark.parametrize(("what", "moment", "at", "acknowledged"), MOMENTS)
def test_a_kill_at_a_moment_leaves_a_whole_index(
    folder: Path, what: str, moment: str, at: int, acknowledged: set[int]
) -> None:
    before = old_index(folder)
    with victim(folder, what, moment, at) as process:
        output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (-signal.SIGKILL, "ready\n")
    assert check_whole(folder, what, before) in acknowledged


@pytest.mark.parametrize("what", ["rebuild", "add"])
def test_a_kill_at_any_time_leaves_a_whole_index(folder: Path, what: str) -> None:
    before = old_index(folder)
    for number in range(2):
        with victim(folder, what, "outside", 0) as process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.03 * number)
            process.kill()
        if check_whole(folder, what, before) == 30:
            break
