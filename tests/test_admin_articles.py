"""The operator's articles over HTTP: who may change them, what is read in a file, and what is in the corpus after."""

from __future__ import annotations

import errno
import hashlib
import json
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from index.local import LocalIndex
from index.schema import Vectors
from rag.corpus import Corpus
from rag.embedding import Kind
from rag.settings import Settings
from rag.vietnamese.terms import FIELDS
from tests.browser import serving
from tests.conftest import HashEmbedder, make_article
from tests.stand_in import HOSTILE, StandIn
from tests.test_admin import PASSWORD, basic
from tests.test_app import ORIGIN, Page
from ui.app import create_app
from ui.guard import HEADER
from ui.intake import BATCH, MAX_ARTICLES
from ui.uploads import MAX_JSONL_BYTES

OURS = {**basic(PASSWORD), HEADER: "1"}
BRIDGE = (
    "---\ntitle: Khánh thành cầu Mới\npublished: 2024-05-01\n---\nCầu Mới dài 860 mét. Cầu được khánh thành ở Hà Tĩnh."
)
Reply = dict[str, Any]
Response = Any  # of the client's own HTTP library, whichever Starlette has


class SlowEmbedder(HashEmbedder):
    """Embeds once it is told to `go`, and tells that it has `begun`."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = threading.Event(), threading.Event()
        self.go.set()

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        self.begun.set()
        assert self.go.wait(20)
        return super().embed(texts, kind)


@pytest.fixture(scope="module")
def embedder() -> SlowEmbedder:
    return SlowEmbedder()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(index_dir=tmp_path_factory.mktemp("operator") / "index", admin_password=PASSWORD)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def shared_corpus(settings: Settings, embedder: SlowEmbedder) -> Iterator[Corpus]:
    index = LocalIndex(settings.index_dir, FIELDS)
    yield Corpus(index, lambda: embedder)
    index.close()


@pytest.fixture(scope="module")
def client(shared_corpus: Corpus, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(StandIn(), settings, shared_corpus), base_url=ORIGIN) as client:
        yield client


@pytest.fixture
def corpus(shared_corpus: Corpus) -> Corpus:
    """The corpus that `client` changes, with one article in it."""
    shared_corpus.index.delete([article.id for article in shared_corpus.articles()])
    shared_corpus.add([make_article("cu")])
    return shared_corpus


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where files lie that were sent; in the end there is none."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert wait_until(lambda: not list(tmp_path.iterdir()))


def wait_until(is_so: Callable[[], object]) -> bool:
    """Whether it was so within ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def send(client: TestClient, path: str, name: str, body: bytes | str, **query: str) -> Response:
    data = body.encode() if isinstance(body, str) else body
    return client.post(f"/admin/articles/{path}", params={"name": name, **query}, content=data, headers=OURS)


def events(answer: Response) -> list[Reply]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]


def look(client: TestClient, name: str, body: bytes | str) -> Reply:
    """The preview of a file, or the problem with it."""
    return next(iter(events(send(client, "read", name, body))[-1].values()))


def add(client: TestClient, name: str, body: bytes | str) -> Reply:
    """What became of adding a file, seen or not."""
    data = body.encode() if isinstance(body, str) else body
    last = events(send(client, "add", name, data, mark=hashlib.sha256(data).hexdigest()))[-1]
    return next(iter(last.values()))


def remove(client: TestClient, *ids: str) -> Response:
    return client.post("/admin/articles/remove", json={"ids": ids}, headers=OURS)


def lines(*articles: dict[str, str]) -> str:
    return "\n".join(json.dumps(article, ensure_ascii=False) for article in articles)


def ids(corpus: Corpus) -> list[str]:
    return [article.id for article in corpus.articles()]


# Who may


@pytest.mark.parametrize("path", ["", "/read", "/add", "/remove", "/x", "?q=cu", "/../articles"])
@pytest.mark.parametrize("headers", [{}, basic("sai mật khẩu rồi"), {HEADER: "1"}])
def test_nobody_without_the_password(client: TestClient, corpus: Corpus, path: str, headers: dict[str, str]) -> None:
    other = TestClient(client.app, base_url=ORIGIN, client=(f"10.0.0.{len(path)}", 1))  # wrong ones count
    for answer in (
        other.get(f"/admin/articles{path}", headers=headers),
        other.post(f"/admin/articles{path}", headers=headers),
    ):
        assert answer.status_code == 401
        assert "Tiêu đề cu" not in answer.text
    assert ids(corpus) == ["cu"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({HEADER: "1", "Sec-Fetch-Site": "cross-site"}, 403),
        ({HEADER: "1", "Sec-Fetch-Site": "same-site"}, 403),
        ({HEADER: "1", "Origin": "http://evil.example"}, 403),
        ({HEADER: "1", "Origin": "null"}, 403),
        ({HEADER: "1", "Origin": "http://127.0.0.1:9999"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 403),
        ({HEADER: "1"}, 204),
        ({HEADER: "1", "Sec-Fetch-Site": "same-origin"}, 204),
        ({HEADER: "1", "Origin": ORIGIN}, 204),
        ({HEADER: "1", "Origin": "http://portal.example.vn", "X-Forwarded-Host": "portal.example.vn"}, 204),
    ],
)
def test_another_sites_page_cannot_use_the_password_that_the_browser_sends(
    client: TestClient, corpus: Corpus, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/admin/articles/remove", json={"ids": ["cu"]}, headers={**basic(PASSWORD), **headers})
    assert answer.status_code == status
    assert ids(corpus) == (["cu"] if status == 403 else [])


def test_no_origin_is_given_leave_to_send_the_header(shared_corpus: Corpus, settings: Settings) -> None:
    portal = "https://portal.example"
    allowing = settings.model_copy(update={"allowed_origins": (portal,)})
    with TestClient(create_app(StandIn(), allowing, shared_corpus), base_url=ORIGIN) as client:
        asked = {"Origin": portal, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": HEADER}
        answer = client.options("/admin/articles/add", headers=asked)
    assert answer.status_code == 400
    assert HEADER.lower() not in answer.headers.get("access-control-allow-headers", "").lower()


def test_without_a_corpus_or_a_password_there_is_no_such_page(shared_corpus: Corpus, settings: Settings) -> None:
    client = TestClient(create_app(StandIn(), settings), base_url=ORIGIN)
    assert client.get("/admin/articles", headers=OURS).status_code == 404
    assert "admin/articles" not in client.get("/admin", headers=OURS).text
    open_to_all = settings.model_copy(update={"admin_password": None})
    client = TestClient(create_app(StandIn(), open_to_all, shared_corpus), base_url=ORIGIN)
    assert client.get("/admin/articles").status_code == 404
    assert client.post("/admin/articles/add", headers=OURS).status_code in {404, 405}


def test_the_page_runs_only_our_script_and_is_kept_by_no_cache(client: TestClient, corpus: Corpus) -> None:
    answer = client.get("/admin/articles", headers=basic(PASSWORD))
    policy = answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    page = Page(answer.text)
    assert [script["src"] for script in page.named("script")] == ["../site/admin_articles.js"]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]
    assert "../admin" in [link["href"] for link in page.named("a")]
    assert 'href="admin/articles"' in client.get("/admin", headers=basic(PASSWORD)).text


# The list


def test_the_list_is_searched_and_leads_to_the_articles(client: TestClient, corpus: Corpus) -> None:
    corpus.add([HOSTILE])
    whole = client.get("/admin/articles", headers=OURS).text
    page = Page(whole)
    assert "2 bài viết trong kho" in page.text
    assert "../articles/cu" in [link["href"] for link in page.named("a")]
    assert [box["value"] for box in page.named("input") if box.get("name") == "chosen"] == [HOSTILE.id, "cu"]
    assert not {tag for tag, _ in page.tags} & {"b", "i", "img", "iframe"}
    assert "<script>window.hacked" not in whole
    found = Page(client.get("/admin/articles", params={"q": "cay cau"}, headers=OURS).text)
    assert [box["value"] for box in found.named("input") if box.get("name") == "chosen"] == ["cu"]


# What is read


def test_a_file_is_shown_before_it_goes_in(client: TestClient, corpus: Corpus) -> None:
    preview = look(client, "cau-moi.md", BRIDGE)
    assert preview["title"] == "Khánh thành cầu Mới"
    assert preview["ids"] == ["cau-moi"]
    assert dict(preview["facts"]) == {"Ngày đăng": "01/05/2024", "Mã bài": "cau-moi", "Số từ": "12"}
    assert "Cầu Mới dài 860 mét." in preview["lines"][0][1]
    assert any("rất ngắn" in note for note in preview["notes"])
    assert ids(corpus) == ["cu"]


def test_what_is_odd_is_told(client: TestClient, corpus: Corpus) -> None:
    undated = look(client, "x.txt", "Một bài không có ngày. " * 20)
    assert undated["notes"] == ["Không có ngày đăng: ai hỏi giới hạn theo ngày sẽ không tìm thấy bài này."]
    future = look(client, "x.md", BRIDGE.replace("2024", "2999"))
    assert any("tương lai" in note for note in future["notes"])
    assert look(client, "cu.md", BRIDGE)["notes"][0] == "Sẽ thay bài đang có cùng mã trong kho: “Tiêu đề cu”."
    add(client, "cau-moi.md", BRIDGE)
    again = look(client, "cau-moi.md", BRIDGE)
    assert again["ids"] == []
    assert "không có gì thay đổi" in again["notes"][0]


def test_of_many_articles_the_first_titles_and_what_failed_are_shown(client: TestClient, corpus: Corpus) -> None:
    articles = [{"id": f"a{n}", "title": f"Bài {n}", "text": f"Bài số {n} có nội dung."} for n in range(30)]
    preview = look(client, "nhieu.jsonl", lines(*articles, articles[3], {"id": "trong"}) + "\n{hỏng\n")
    assert preview["title"] == "30 bài viết"
    assert dict(preview["facts"]) == {"Bài mới": "30", "Không đọc được": "3"}
    assert len(preview["ids"]) == 30
    assert preview["lines"][:2] == [["item", "Bài 0"], ["item", "Bài 1"]]
    assert preview["lines"][-1] == ["paragraph", "… và 10 bài nữa."]
    assert [text.partition(" ")[0] for text in preview["failures"]] == ["nhieu.jsonl,"] * 3
    assert "30 bài không có ngày đăng" in preview["notes"][0]


def test_what_a_file_says_is_made_plain(client: TestClient, corpus: Corpus) -> None:
    preview = look(client, "x.md", "---\ntitle: 'A\u202eb <b>đậm</b>'\n---\nNội dung\u200b <script>1</script> dài.")
    assert preview["title"] == "Ab <b>đậm</b>"
    assert not set(json.dumps(preview, ensure_ascii=False)) & set("\u202e\u200b")


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("rong.md", b"", (422, "rỗng")),
        ("ung-dung.exe", b"MZ", (415, ".md")),
        ("khong-duoi", b"x", (415, ".md")),
        (".md", b"x", (415, ".md")),
        ("../../etc/cron.d/x.md", b"x", (422, "Tên tệp")),
        ("..\\x.md", b"x", (422, "Tên tệp")),
        ("a\x00.md", b"x", (422, "Tên tệp")),
        ("a\u202edm.md", b"x", (422, "Tên tệp")),
        ("", b"x", (422, "Tên tệp")),
        ("to.md", b"a" * 20_000_001, (413, "20 MB")),
    ],
)
def test_what_cannot_be_taken_is_told(
    client: TestClient, corpus: Corpus, name: str, body: bytes, expected: tuple[int, str]
) -> None:
    for path in ("read", "add"):
        answer = send(client, path, name, body)
        assert answer.status_code == expected[0]
        assert expected[1] in answer.json()["problem"]
    assert ids(corpus) == ["cu"]


def test_a_file_that_never_ends_is_cut_off_at_its_limit(client: TestClient, corpus: Corpus) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 40_000_000:
            sent += 1_000_000
            yield b"a" * 1_000_000

    answer = client.post("/admin/articles/read", params={"name": "dai.md"}, content=endless(), headers=OURS)
    assert answer.status_code == 413
    assert "20 MB" in answer.json()["problem"]


def test_only_an_operator_may_send_much(client: TestClient, corpus: Corpus) -> None:
    big = b"a" * 1_500_000
    params = {"name": "to.md"}
    assert client.post("/admin/articles/read", params=params, content=big).status_code == 413
    assert client.post("/admin/articles/remove", content=big, headers=OURS).status_code == 413
    too_big = {**OURS, "Content-Length": str(MAX_JSONL_BYTES + 1)}
    assert (
        client.post("/admin/articles/read", params={"name": "to.jsonl"}, content=b"", headers=too_big).status_code
        == 413
    )
    assert client.post("/admin/articles/read", params=params, content=big, headers=OURS).status_code == 200


@pytest.mark.parametrize("body", [b"%PDF-1.7 not text", b"PK\x03\x04 no archive", b"\xff\xfe\xfa", b"   \n"])
def test_what_cannot_be_read_is_told_with_the_name_and_nothing_of_the_server(
    client: TestClient, corpus: Corpus, folder: Path, body: bytes
) -> None:
    for problem in (look(client, "tin tức.txt", body), add(client, "tin tức.txt", body)):
        assert problem["problem"] == "Không đọc được bài viết từ tệp này."
        assert problem["detail"].startswith("tin tức.txt ")
        assert str(folder) not in problem["detail"]
    assert ids(corpus) == ["cu"]


def test_a_page_that_is_only_a_picture_is_told_and_the_rest_goes_in_once(
    client: TestClient, corpus: Corpus, folder: Path
) -> None:
    body = (Path(__file__).parent / "documents" / "kiem-ke.pdf").read_bytes()
    (told,) = look(client, "kiem-ke.pdf", body)["failures"]
    assert told.startswith("kiem-ke.pdf: page 2 is a picture")
    assert "Đã thêm" in add(client, "kiem-ke.pdf", body)["message"]
    article = corpus.article("kiem-ke")
    assert article
    assert article.pages
    assert article.doubts == ()
    again = look(client, "kiem-ke.pdf", body)
    assert again["ids"] == []
    assert again["failures"] == [told]


def test_a_file_of_countless_lines_is_refused(client: TestClient, corpus: Corpus) -> None:
    assert "split it" in look(client, "vo-tan.jsonl", "x\n" * (MAX_ARTICLES + 2))["detail"]


def test_a_very_long_name_is_cut(client: TestClient, corpus: Corpus) -> None:
    (article_id,) = look(client, "bài " * 150 + ".md", BRIDGE)["ids"]
    assert len(article_id) <= 200


def test_a_full_disk_is_told_and_nothing_is_kept(
    client: TestClient, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", **options: Any) -> IO[Any]:
        if path.name == "day.md":
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, mode, **options)

    monkeypatch.setattr(Path, "open", full)
    answer = send(client, "read", "day.md", BRIDGE)
    assert answer.status_code == 507
    assert "không có chỗ" in answer.json()["problem"]


# What is changed


def test_articles_are_added_replaced_and_removed(client: TestClient, corpus: Corpus) -> None:
    answer = send(client, "add", "cau-moi.md", BRIDGE, mark=look(client, "cau-moi.md", BRIDGE)["mark"])
    steps = events(answer)
    assert [step["progress"]["done"] for step in steps[:-1]] == sorted(step["progress"]["done"] for step in steps[:-1])
    assert steps[-1]["added"]["message"] == "Đã thêm “Khánh thành cầu Mới”."
    assert steps[-1]["added"]["href"] == "articles/cau-moi"
    assert [article.id for article in corpus.holding("860 mét")] == ["cau-moi"]
    add(client, "cau-moi.md", BRIDGE.replace("860", "870"))
    assert corpus.holding("860 mét") == []
    assert ids(corpus) == ["cau-moi", "cu"]
    assert remove(client, "cau-moi", "cu").status_code == 204
    assert ids(corpus) == []


def test_many_articles_go_in_batch_by_batch_and_what_failed_is_told(client: TestClient, corpus: Corpus) -> None:
    count = BATCH + 3
    articles = [{"id": f"a{n:03}", "title": f"Bài {n}", "text": f"Bài số {n} có nội dung."} for n in range(count)]
    added = add(client, "nhieu.jsonl", lines(*articles, {"id": "trong"}))
    assert added["message"] == f"Xong: thêm {count} bài, không đọc được 1 bài."
    assert added["failures"][0].startswith(f"nhieu.jsonl, line {count + 1} ")
    assert len(ids(corpus)) == count + 1
    articles[0]["text"] = "Bài này nay khác rồi."
    assert add(client, "nhieu.jsonl", lines(*articles))["message"] == f"Xong: thay 1 bài, giữ nguyên {count - 1} bài."


def test_nothing_goes_in_that_was_not_seen(client: TestClient, corpus: Corpus) -> None:
    mark = look(client, "x.md", BRIDGE)["mark"]
    for wrong in ({"mark": mark}, {}):
        last = events(send(client, "add", "x.md", BRIDGE + " Thêm một câu.", **wrong))[-1]
        assert "đã thay đổi" in last["problem"]["problem"]
    assert ids(corpus) == ["cu"]


def test_what_is_gone_already_is_told_and_nothing_is_removed(client: TestClient, corpus: Corpus) -> None:
    answer = remove(client, "cu", "khong-co")
    assert answer.status_code == 409
    assert "không còn trong kho" in answer.json()["problem"]
    assert "khong-co" in answer.json()["detail"]
    assert ids(corpus) == ["cu"]
    assert remove(client).status_code == 422


def test_one_operator_at_a_time_and_the_others_read_on(
    client: TestClient, corpus: Corpus, embedder: SlowEmbedder
) -> None:
    embedder.begun.clear()
    embedder.go.clear()
    first: list[Reply] = []
    thread = threading.Thread(target=lambda: first.append(add(client, "cau-moi.md", BRIDGE)))
    thread.start()
    try:
        assert embedder.begun.wait(20)
        assert "Kho đang được người khác" in add(client, "khac.md", BRIDGE)["problem"]
        assert remove(client, "cu").status_code == 409
        assert look(client, "khac.md", BRIDGE)["ids"] == ["khac"]
        assert "1 bài viết" in client.get("/admin/articles", headers=OURS).text
    finally:
        embedder.go.set()
        thread.join(20)
    assert first[0]["message"].startswith("Đã thêm")
    assert ids(corpus) == ["cau-moi", "cu"]
    assert remove(client, "cu").status_code == 204


def test_a_connection_that_is_lost_leaves_nothing_half_done(
    corpus: Corpus, settings: Settings, embedder: SlowEmbedder, folder: Path
) -> None:
    body = BRIDGE.encode()
    query = urlencode({"name": "cau-moi.md", "mark": hashlib.sha256(body).hexdigest()})
    headers = {**OURS, "Host": "127.0.0.1", "Content-Length": str(len(body))}
    head = "\r\n".join([f"POST /admin/articles/add?{query} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())])
    with serving(create_app(StandIn(), settings, corpus)) as address:
        server = ("127.0.0.1", urlsplit(address).port)
        with socket.create_connection(server) as half:
            half.sendall(f"{head}\r\n\r\n".encode() + body[:20])
            assert wait_until(lambda: list(folder.iterdir()))
        assert wait_until(lambda: not list(folder.iterdir()))
        assert ids(corpus) == ["cu"]
        embedder.begun.clear()
        embedder.go.clear()
        with socket.create_connection(server) as whole:
            whole.sendall(f"{head}\r\n\r\n".encode() + body)
            assert embedder.begun.wait(20)
        embedder.go.set()
        assert wait_until(lambda: "cau-moi" in ids(corpus))
        assert wait_until(
            lambda: httpx.post(f"{address}admin/articles/remove", json={"ids": ["cau-moi"]}, headers=OURS).is_success
        )


def test_a_command_that_writes_and_a_disk_that_cannot_be_written_are_told(
    client: TestClient, corpus: Corpus, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = corpus.index._store  # type: ignore[attr-defined]
    store._db.execute("pragma busy_timeout = 100")  # waits for ten seconds otherwise
    other = sqlite3.connect(settings.index_dir / "store.sqlite", isolation_level=None)
    other.execute("begin immediate")
    try:
        assert "một lệnh hoidap" in add(client, "cau-moi.md", BRIDGE)["problem"]
        assert remove(client, "cu").status_code == 409
    finally:
        other.close()
    store._db.execute("pragma query_only = on")
    try:
        problem = add(client, "cau-moi.md", BRIDGE)
    finally:
        store._db.execute("pragma query_only = off")
    assert "không ghi được vào kho" in problem["problem"]
    assert str(settings.index_dir) in problem["detail"]
    assert ids(corpus) == ["cu"]
    assert add(client, "cau-moi.md", BRIDGE)["message"].startswith("Đã thêm")


def test_an_index_of_another_model_is_told(client: TestClient, corpus: Corpus, embedder: SlowEmbedder) -> None:
    embedder.name = "another"
    try:
        assert "mô hình khác" in add(client, "cau-moi.md", BRIDGE)["problem"]
    finally:
        embedder.name = "hash"


def test_what_nobody_expected_is_told_without_its_words(
    client: TestClient, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_name: str) -> None:
        raise RuntimeError("secret of the machine room")

    monkeypatch.setattr(corpus, "article", fail)
    problem = look(client, "cau-moi.md", BRIDGE)
    assert "ngoài dự kiến" in problem["problem"]
    assert "secret" not in json.dumps(problem)
