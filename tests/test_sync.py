"""The index made equal to its sources: what is embedded, what is touched, and what a failure leaves as it was."""

from __future__ import annotations

import gzip
import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest

import rag.articles.sources
import rag.sync
from index.local import LocalIndex
from rag.articles import Item
from rag.articles.sources import Listing
from rag.articles.web import Web
from rag.corpus import Corpus
from rag.embedding import Embedder
from rag.errors import SyncError
from rag.sync import SyncReport, alone, sync
from rag.vietnamese.terms import FIELDS
from tests.conftest import HashEmbedder, make_article, no_embedder
from tests.web_server import Page, WebServer, web_server


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    index = LocalIndex(tmp_path / "index", FIELDS)
    yield index
    index.close()


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder()


@pytest.fixture
def corpus(index: LocalIndex, embedder: HashEmbedder) -> Corpus:
    return Corpus(index, lambda: embedder)


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    web = Web([ip_network("127.0.0.0/8")], pace=0)
    yield web
    web.close()


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    for name in ("gao", "ca", "dien"):
        write(folder / f"{name}.md", f"Bài về {name} năm 2023.")
    return folder


def write(path: Path, text: str, **front: str) -> None:
    lines = "".join(f"{key}: {value}\n" for key, value in front.items())
    path.write_text((f"---\n{lines}---\n" if lines else "") + f"{text}\n", encoding="utf-8")


def write_lines(path: Path, texts: dict[str, str]) -> None:
    path.write_text("".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in texts.items()), encoding="utf-8")


def run(corpus: Corpus, web: Web, *sources: Path | str, dry_run: bool = False, allow_empty: bool = False) -> SyncReport:
    seen: list[tuple[int, int]] = []
    report = sync(
        corpus,
        [str(source) for source in sources],
        web,
        lambda done, total: seen.append((done, total)),
        dry_run=dry_run,
        allow_empty=allow_empty,
    )
    assert sorted(seen) == seen
    if seen and not report.stopped:
        assert seen[-1][0] == seen[-1][1]
    return report


def held(corpus: Corpus) -> dict[str, str]:
    return {article.id: article.text for article in corpus.articles()}


def told(report: SyncReport) -> tuple[list[str], list[str], list[str], int]:
    """Added, changed, removed, unchanged, of a sync in which nothing failed."""
    assert report.failures == []
    assert not report.stopped
    return sorted(report.added), sorted(report.changed), sorted(report.removed), report.unchanged


def texts_of(embedder: HashEmbedder) -> set[str]:
    """The texts of the articles that were embedded, each of one chunk."""
    return {text.partition("\n")[2] for text in embedder.embedded if "\n" in text}


class TestFolder:
    def test_added_changed_removed_unchanged(
        self, corpus: Corpus, web: Web, folder: Path, embedder: HashEmbedder
    ) -> None:
        assert told(run(corpus, web, folder)) == (["ca", "dien", "gao"], [], [], 0)
        embedder.embedded.clear()
        write(folder / "ca.md", "Bài về cá đã sửa.")
        (folder / "dien.md").unlink()
        (folder / "new").mkdir()
        write(folder / "new" / "moi.txt", "Bài mới toanh.")
        assert told(run(corpus, web, folder)) == (["moi"], ["ca"], ["dien"], 1)
        assert texts_of(embedder) == {"Bài về cá đã sửa.", "Bài mới toanh."}
        assert held(corpus) == {
            "gao": "Bài về gao năm 2023.",
            "ca": "Bài về cá đã sửa.",
            "moi": "Bài mới toanh.",
        }

    def test_what_did_not_change_is_not_even_read(
        self, corpus: Corpus, index: LocalIndex, web: Web, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(corpus, web, folder)
        monkeypatch.setattr(sys.modules["rag.articles.items"], "read", no_embedder)
        assert told(run(Corpus(index, no_embedder), web, folder)) == ([], [], [], 3)

    def test_other_bytes_of_the_same_article_are_not_embedded(
        self, corpus: Corpus, index: LocalIndex, web: Web, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(corpus, web, folder)
        write(folder / "ca.md", "Bài về ca năm 2023.\n\n")
        assert told(run(Corpus(index, no_embedder), web, folder)) == ([], [], [], 3)
        monkeypatch.setattr(sys.modules["rag.articles.items"], "read", no_embedder)  # and the next time not even read
        assert told(run(corpus, web, folder)) == ([], [], [], 3)

    def test_another_name_for_the_same_article(self, corpus: Corpus, index: LocalIndex, web: Web, folder: Path) -> None:
        write(folder / "a.md", "Bài có tên riêng.", id="rieng")
        run(corpus, web, folder)
        (folder / "a.md").rename(folder / "z.md")
        assert told(run(Corpus(index, no_embedder), web, folder)) == ([], [], [], 4)
        assert "rieng" in held(corpus)

    def test_another_id_for_the_same_file(self, corpus: Corpus, web: Web, folder: Path) -> None:
        run(corpus, web, folder)
        write(folder / "ca.md", "Bài về ca năm 2023.", id="tom")
        assert told(run(corpus, web, folder)) == (["tom"], [], ["ca"], 2)

    def test_two_with_one_id(self, corpus: Corpus, web: Web, folder: Path) -> None:
        run(corpus, web, folder)
        write(folder / "a.md", "Kẻ giả mạo.", id="gao")
        (problem,) = run(corpus, web, folder).failures
        assert f"{folder / 'a.md'} and {folder / 'gao.md'} have one id, gao: rename one" in problem
        assert held(corpus)["gao"] == "Bài về gao năm 2023."

    def test_a_broken_file_keeps_its_last_good_article(self, corpus: Corpus, web: Web, folder: Path) -> None:
        run(corpus, web, folder)
        (folder / "ca.md").write_bytes(b"")
        (folder / "gao.md").unlink()
        report = run(corpus, web, folder)
        assert (report.removed, report.unchanged) == (["gao"], 1)
        assert len(report.failures) == 1
        assert f"{folder / 'ca.md'} is empty" in report.failures[0]
        assert held(corpus)["ca"] == "Bài về ca năm 2023."

    def test_what_is_in_doubt_of_an_article_is_told_when_it_is_read(
        self, corpus: Corpus, web: Web, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        article = make_article("a", doubts=("quet.pdf: page 2 is a picture without text; run OCR over it first.",))
        listing = Listing("nguon", [Item("quet.pdf", "1", lambda: article)])
        monkeypatch.setattr(rag.sync, "list_source", lambda *_: listing)
        report = run(corpus, web, "nguon")
        assert (report.added, report.failures, tuple(report.doubts)) == (["a"], [], article.doubts)
        assert run(corpus, web, "nguon").doubts == []

    def test_a_dry_run_tells_and_does_nothing(self, corpus: Corpus, index: LocalIndex, web: Web, folder: Path) -> None:
        dry = Corpus(index, no_embedder)
        assert told(run(dry, web, folder, dry_run=True)) == (["ca", "dien", "gao"], [], [], 0)
        assert held(corpus) == {}
        run(corpus, web, folder)
        before = held(corpus)
        write(folder / "ca.md", "Bài về cá đã sửa.")
        write(folder / "gao.md", "Bài về gao năm 2023.\n")
        (folder / "dien.md").unlink()
        assert told(run(dry, web, folder, dry_run=True)) == ([], ["ca"], ["dien"], 1)
        assert held(corpus) == before


class TestWhatIsNotTouched:
    def test_what_was_added_by_hand_or_comes_from_elsewhere(
        self, corpus: Corpus, web: Web, folder: Path, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        other.mkdir()
        write(other / "xa.md", "Bài từ nơi khác.")
        corpus.add([make_article("tay")])
        run(corpus, web, other)
        run(corpus, web, folder)
        for path in folder.iterdir():
            path.unlink()
        write(folder / "moi.md", "Bài còn lại.")
        assert told(run(corpus, web, folder))[2] == ["ca", "dien", "gao"]
        assert set(held(corpus)) == {"tay", "xa", "moi"}

    def test_an_id_that_another_holds_is_reported_and_not_stolen(
        self, corpus: Corpus, web: Web, folder: Path, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        other.mkdir()
        write(other / "ca.md", "Cá của nơi khác.")
        run(corpus, web, other)
        corpus.add([make_article("gao", "Gạo thêm bằng tay.")])
        report = run(corpus, web, folder)
        assert report.added == ["dien"]
        by_source, by_hand = report.failures
        assert f"the id ca of an article that was added by {other}: give it an id of its own" in by_source
        assert "added by hand (`hoidap index add`)" in by_hand
        assert held(corpus)["ca"] == "Cá của nơi khác."
        assert held(corpus)["gao"] == "Gạo thêm bằng tay."
        assert run(corpus, web, folder).removed == []


class TestLines:
    def test_changing_ten_of_forty_embeds_those(
        self, corpus: Corpus, web: Web, tmp_path: Path, embedder: HashEmbedder
    ) -> None:
        texts = {f"a{n}": f"Bài số {n} của tháng." for n in range(40)}
        path = tmp_path / "all.jsonl"
        write_lines(path, texts)
        assert len(run(corpus, web, path).added) == 40
        embedder.embedded.clear()
        changed = {f"a{n}": f"Bài số {n} đã sửa." for n in range(5, 15)}
        # In another order: a line is known by its id.
        write_lines(path, dict(reversed((texts | changed).items())))
        assert told(run(corpus, web, path)) == ([], sorted(changed), [], 30)
        assert texts_of(embedder) == set(changed.values())
        embedder.embedded.clear()
        assert told(run(corpus, web, path)) == ([], [], [], 40)
        assert embedder.embedded == []

    def test_what_a_broken_line_was_stays(self, corpus: Corpus, web: Web, tmp_path: Path) -> None:
        path = tmp_path / "all.jsonl"
        write_lines(path, {"a": "Bài một.", "b": "Bài hai.", "c": "Bài ba."})
        run(corpus, web, path)
        path.write_text(path.read_text(encoding="utf-8").replace('"id": "b"', '"id: "b"'), encoding="utf-8")
        report = run(corpus, web, path)
        assert "all.jsonl, line 2 is not JSON" in report.failures[0]
        assert set(held(corpus)) == {"a", "b", "c"}
        write_lines(path, {"a": "Bài một."})
        assert told(run(corpus, web, path))[2] == ["b", "c"]

    def test_a_line_that_tells_which_it_is_keeps_only_that(self, corpus: Corpus, web: Web, tmp_path: Path) -> None:
        path = tmp_path / "all.jsonl"
        corpus.add([make_article("tay")])
        write_lines(path, {"a": "Bài một.", "b": "Bài hai.", "c": "Bài ba."})
        run(corpus, web, path)
        write_lines(path, {"tay": "Bài giả.", "a": "Bài một.", "b": ""})
        report = run(corpus, web, path)
        assert (report.removed, report.unchanged, len(report.failures)) == (["c"], 1, 2)
        assert set(held(corpus)) == {"tay", "a", "b"}


class TestEmptiness:
    @pytest.mark.parametrize("how", ["empty", "missing"])
    def test_a_share_that_is_not_mounted_removes_nothing(
        self, corpus: Corpus, web: Web, folder: Path, how: str
    ) -> None:
        run(corpus, web, folder)
        for path in folder.iterdir():
            path.unlink()
        if how == "missing":
            folder.rmdir()
        report = run(corpus, web, folder)
        assert (report.removed, len(held(corpus))) == ([], 3)
        (problem,) = report.failures
        assert "3 articles came from it: nothing is removed" in problem
        assert "--allow-empty" in problem
        assert told(run(corpus, web, folder, allow_empty=True)) == ([], [], ["ca", "dien", "gao"], 0)

    def test_a_source_that_never_held_anything(self, corpus: Corpus, web: Web, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        holds_none, is_missing, has_no_name = run(corpus, web, tmp_path / "empty", tmp_path / "nowhere", " ").failures
        assert f"{tmp_path / 'empty'} holds no article (" in holds_none
        assert is_missing == f"{tmp_path / 'nowhere'} does not exist; check the name."
        assert has_no_name == "An empty path was given; name a folder, a file or an address."

    def test_a_source_that_is_named_twice(self, corpus: Corpus, web: Web, folder: Path) -> None:
        assert told(run(corpus, web, folder, folder / ".." / folder.name))[0] == ["ca", "dien", "gao"]

    def test_a_file_that_became_empty(self, corpus: Corpus, web: Web, tmp_path: Path) -> None:
        path = tmp_path / "all.jsonl"
        write_lines(path, {"a": "Bài một."})
        run(corpus, web, path)
        path.write_text("", encoding="utf-8")
        assert "all.jsonl is empty" in run(corpus, web, path).failures[0]
        assert set(held(corpus)) == {"a"}


class Interrupting(HashEmbedder):
    """Gives up at the call number `at`."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._left = at

    def embed(self, texts: Sequence[str], kind: str) -> object:  # type: ignore[override]
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
        return super().embed(texts, kind)  # type: ignore[arg-type]


class TestInterruption:
    def test_what_is_done_is_not_done_again(
        self, index: LocalIndex, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rag.sync, "_BATCH", 4)
        path = tmp_path / "all.jsonl"
        write_lines(path, {f"a{n}": f"Bài số {n} của tháng." for n in range(20)})
        first: Embedder = Interrupting(2)  # type: ignore[assignment] # two batches
        report = run(Corpus(index, lambda: first), web, path)
        assert "interrupted; run the command again" in report.stopped
        assert len(report.added) == 8
        second = HashEmbedder()
        assert told(run(Corpus(index, lambda: second), web, path))[3] == 8
        assert len(texts_of(second)) == 12
        assert len(index.known()) == 20

    def test_a_full_disk_is_reported_and_the_index_whole(
        self, corpus: Corpus, index: LocalIndex, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rag.sync, "_BATCH", 4)
        path = tmp_path / "all.jsonl"
        texts = {f"a{n}": " ".join(f"Câu thứ {k} của bài {n}." for k in range(20)) for n in range(12)}
        write_lines(path, dict(list(texts.items())[:4]))
        run(corpus, web, path)
        write_lines(path, texts)
        store: sqlite3.Connection = index._store._db
        (pages,) = store.execute("pragma page_count").fetchone()
        store.execute(f"pragma max_page_count = {pages + 6}")
        report = run(corpus, web, path)
        assert "database or disk is full" in report.stopped
        assert sorted(held(corpus)) == sorted([*list(texts)[:4], *report.added])
        assert len(held(corpus)) < 12
        store.execute("pragma max_page_count = 1000000")
        added, *_, unchanged = told(run(corpus, web, path))
        assert (len(added), unchanged) == (8 - len(report.added), 4 + len(report.added))

    def test_two_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / "index.sync"
        with alone(path, "articles/"):
            for _ in range(2):  # it still says who after the first was refused
                told = pytest.raises(SyncError, match=r"already with articles/ \(process \d+, since .*: wait until")
                with told, alone(path, "other/"):
                    raise AssertionError("both are at work")
        with alone(path, "other/"):
            pass


def rss(*items: str) -> bytes:
    return f"<rss version='2.0'><channel><title>Tin</title>{''.join(items)}</channel></rss>".encode()


def item(url: str, title: str) -> str:
    return f"<item><title>{title}</title><link>{url}</link><pubDate>Tue, 02 Apr 2024 08:00:00 +0700</pubDate></item>"


def page(text: str) -> Page:
    return Page(f"{text}\n".encode())


class TestWeb:
    def test_a_feed_adds_what_is_new_and_keeps_what_left_it(
        self, corpus: Corpus, web: Web, server: WebServer, embedder: HashEmbedder
    ) -> None:
        url = server.url
        server.pages |= {"/gao.htm": page("Gạo đạt 5 tỷ USD."), "/ca": page("Cá đạt 9 tỷ USD.")}
        server.pages["/tin"] = Page(rss(item(f"{url}/gao.htm", "Giá gạo")), "application/rss+xml")
        (first,) = told(run(corpus, web, f"{url}/tin"))[0]
        assert first.startswith("gao-")
        article = corpus.article(first)
        assert article
        assert (article.title, article.text, article.url) == ("Giá gạo", "Gạo đạt 5 tỷ USD.", f"{url}/gao.htm")
        assert str(article.published) == "2024-04-02"
        server.pages["/tin"] = Page(rss(item(f"{url}/ca", "Giá cá")), "application/rss+xml")
        server.asked.clear()
        (second,) = told(run(corpus, web, f"{url}/tin"))[0]
        assert sorted(held(corpus)) == sorted([first, second])
        embedder.embedded.clear()
        server.asked.clear()
        assert told(run(corpus, web, f"{url}/tin")) == ([], [], [], 1)
        assert server.paths == ["/tin"]  # what is known is not fetched again
        assert embedder.embedded == []

    def test_a_feed_with_its_texts_in_it(self, corpus: Corpus, web: Web, tmp_path: Path) -> None:
        text = "<p>Cầu dài 86 mét, rộng 7 mét.</p><p>Cầu khánh thành ngày 2/4 tại Hà Tĩnh.</p><script>x()</script>"
        entry = "<link>https://bao.example/cau</link><title>Cầu &amp; đường</title>"
        entry += f"<c:encoded><![CDATA[{text}]]></c:encoded>"
        feed = f"<rss xmlns:c='http://purl.org/rss/1.0/modules/content/'><channel><item>{entry}</item></channel></rss>"
        (tmp_path / "tin.rss").write_text(feed, encoding="utf-8")
        (name,) = told(run(corpus, web, tmp_path / "tin.rss"))[0]  # and nothing is fetched
        article = corpus.article(name)
        assert article
        assert (article.title, article.url) == ("Cầu & đường", "https://bao.example/cau")
        assert article.text == "Cầu dài 86 mét, rộng 7 mét.\n\nCầu khánh thành ngày 2/4 tại Hà Tĩnh."

    def test_a_sitemap_removes_what_left_it(self, corpus: Corpus, web: Web, server: WebServer) -> None:
        url = server.url

        def place(path: str, changed: str = "") -> str:
            return f"<url><loc>{url}{path}</loc>{changed and f'<lastmod>{changed}</lastmod>'}</url>"

        server.pages |= {f"/{name}": page(f"Bài về {name} năm 2023.") for name in "abc"}
        server.pages["/map.xml"] = Page(
            f"<urlset>{place('/a', '2024-04-02')}{place('/b')}{place('/c', '2024-04-02')}</urlset>".encode()
        )
        added = told(run(corpus, web, f"{url}/map.xml"))[0]
        assert [name[0] for name in added] == ["a", "b", "c"]
        server.pages["/a"] = page("Bài về a đã sửa.")
        server.pages["/map.xml"] = Page(f"<urlset>{place('/a', '2024-04-03')}{place('/b')}</urlset>".encode())
        server.asked.clear()
        assert told(run(corpus, web, f"{url}/map.xml")) == ([], added[:1], added[2:], 1)
        assert server.paths == ["/map.xml", "/a", "/b"]  # one without a date has to be looked at

    def test_what_is_down_removes_nothing(self, corpus: Corpus, web: Web, server: WebServer) -> None:
        url = server.url
        server.pages |= {"/a": page("Bài về a."), "/b": page("Bài về b.")}
        listed = "".join(f"<url><loc>{url}/{name}</loc></url>" for name in "ab")
        server.pages["/map.xml"] = Page(f"<urlset>{listed}</urlset>".encode())
        run(corpus, web, f"{url}/map.xml")
        server.pages["/b"] = Page(b"", status=500)
        assert "/b answers 500" in run(corpus, web, f"{url}/map.xml").failures[0]
        server.pages["/map.xml"] = Page(b"", status=503)
        assert "/map.xml answers 503" in run(corpus, web, f"{url}/map.xml", allow_empty=True).failures[0]
        server.pages["/map.xml"] = Page(b"<urlset></urlset>")
        assert "lists nothing, and 2 articles" in run(corpus, web, f"{url}/map.xml").failures[0]
        assert len(held(corpus)) == 2

    def test_a_sitemap_of_sitemaps_packed_and_from_a_file(
        self, corpus: Corpus, web: Web, server: WebServer, tmp_path: Path
    ) -> None:
        url = server.url
        server.pages |= {"/a": page("Bài về a."), "/b": page("Bài về b.")}
        for name in "ab":
            server.pages[f"/{name}.xml.gz"] = Page(
                gzip.compress(f"<urlset><url><loc>{url}/{name}</loc></url></urlset>".encode()), "application/gzip"
            )
        listed = "".join(f"<sitemap><loc>{url}/{name}.xml.gz</loc></sitemap>" for name in "abab")
        path = tmp_path / "map.xml"
        path.write_text(f"<sitemapindex>{listed}</sitemapindex>", encoding="utf-8")
        assert len(told(run(corpus, web, path))[0]) == 2

    def test_a_sitemap_that_never_ends(
        self, corpus: Corpus, web: Web, server: WebServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rag.articles.sources, "_MAX_SITEMAPS", 5)
        url = server.url
        server.pages |= {
            f"/{n}.xml": Page(f"<sitemapindex><sitemap><loc>{url}/{n + 1}.xml</loc></sitemap></sitemapindex>".encode())
            for n in range(9)
        }
        assert "leads to more than" in run(corpus, web, f"{url}/0.xml").failures[0]
        server.pages["/1.xml"] = server.pages["/8.xml"]
        server.pages["/9.xml"] = Page(
            f"<sitemapindex><sitemap><loc>{url}/0.xml</loc></sitemap></sitemapindex>".encode()
        )
        assert "lists nothing" in run(corpus, web, f"{url}/0.xml").failures[0]

    def test_one_page(self, corpus: Corpus, web: Web, server: WebServer) -> None:
        server.pages["/tin/cau-moi"] = page("Cầu dài 86 mét.")
        (name,) = told(run(corpus, web, f"{server.url}/tin/cau-moi"))[0]
        assert name.startswith("cau-moi-")
        assert told(run(corpus, web, f"{server.url}/tin/cau-moi#top")) == ([], [], [], 1)
        server.pages["/tin/cau-moi"] = Page(b"MZ", "application/x-msdownload")
        assert (
            "is application/x-msdownload, which is not read"
            in run(corpus, web, f"{server.url}/tin/cau-moi").failures[0]
        )
        assert len(held(corpus)) == 1
