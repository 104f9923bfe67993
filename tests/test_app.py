"""The web application: the viewer's pages, what is open and what is closed, and the server."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from index.errors import IndexDamagedError
from rag.errors import HoidapError
from rag.schema import Article
from rag.settings import Settings
from tests.stand_in import HOSTILE, HOSTILE_TEXT, OLD, REPLACED, TODAY, TRADE, StandIn
from ui.app import create_app, listen, serve, url_of
from ui.security import allowed_hosts

ORIGIN = "http://127.0.0.1:7860"


@pytest.fixture(scope="module")
def engine() -> StandIn:
    return StandIn()


@pytest.fixture(scope="module")
def app(engine: StandIn) -> FastAPI:
    return create_app(engine, Settings())


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url=ORIGIN) as client:
        yield client


class Page(HTMLParser):
    """What a test asks of a page: its tags, its text, and the text inside each `<mark>`."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.marks: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)
        if tag == "mark":
            self.marks.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.text += data
        if "mark" in self._open:
            self.marks[-1] += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def span(first: str, last: str) -> dict[str, int]:
    """The offsets from the beginning of `first` to the end of `last` in the article."""
    return {"start": TRADE.text.index(first), "end": TRADE.text.index(last) + len(last)}


# The viewer


def test_the_viewer_shows_the_article(client: TestClient) -> None:
    page = Page(client.get("/articles/thuong-mai-2023").text)
    assert page.named("html") == [{"lang": "vi"}]
    assert "Thương mại năm 2023 – hoidap" in page.text
    assert "Báo Thử · Người Viết · 02/04/2024" in page.text
    assert "Theo: Cổng thông tin: “Bài gốc”" in page.text
    assert [tag for tag, _ in page.tags if tag in {"h1", "h2", "li", "mark"}] == ["h1", "h2", "li", "li"]
    links = [link["href"] for link in page.named("a")]
    assert "https://example.vn/bai?a=1&b=2" in links
    assert "../" in links
    for line in TRADE.text.split("\n"):
        assert line.removeprefix("- ").removeprefix("1. ") in page.text


@pytest.mark.parametrize(
    ("first", "last", "marks"),
    [
        ("683", "USD", ["683 tỷ USD"]),
        ("Tổng", "28 tỷ USD.", ["Tổng kim ngạch năm 2023 đạt 683 tỷ USD. Xuất siêu khoảng 28 tỷ USD."]),
        ("đầu bài", "Tổng", ["đầu bài viết.", "Kết quả", "Tổng"]),
        ("28 tỷ", "thị trường", ["28 tỷ USD.", "Vốn FDI đạt gần 36,6 tỷ USD.", "Mở rộng thị trường"]),
        ("- Vốn", "- Vốn", ["Vốn"]),
    ],
)
def test_the_quoted_words_are_marked(client: TestClient, first: str, last: str, marks: list[str]) -> None:
    page = Page(client.get("/articles/thuong-mai-2023", params=span(first, last)).text)
    assert page.marks == marks
    assert [mark.get("id") for mark in page.named("mark")] == ["quote", *[None] * (len(marks) - 1)]
    plain = Page(client.get("/articles/thuong-mai-2023").text)
    assert page.text.replace("Đến đoạn được trích dẫn", "") == plain.text


def test_an_old_version_is_shown_as_it_was_and_says_so(client: TestClient) -> None:
    quoted = {key: value + len("Bản cũ. ") for key, value in span("683", "USD").items()}
    page = Page(client.get("/articles/thuong-mai-2023", params={**quoted, "v": OLD}).text)
    assert page.marks == ["683 tỷ USD"]
    since = f"{REPLACED.astimezone():%H:%M ngày %d/%m/%Y}"
    assert f"Đây là bản cũ của bài viết: từ {since} đã có bản mới thay thế. Xem bản hiện nay" in page.text
    assert {"href": "../articles/thuong-mai-2023"} in page.named("a")


@pytest.mark.parametrize("version", ["", TODAY])
def test_the_version_of_today_is_nothing_to_speak_of(client: TestClient, version: str) -> None:
    page = Page(client.get("/articles/thuong-mai-2023", params={**span("683", "USD"), "v": version}).text)
    assert page.marks == ["683 tỷ USD"]
    assert "bản" not in page.text.partition("Thương mại")[0]


@pytest.mark.parametrize("version", ["f" * 12, "0", "x'; --", "<script>", "9" * 5000])
def test_a_version_that_is_not_kept_marks_nothing(client: TestClient, version: str) -> None:
    answer = client.get("/articles/thuong-mai-2023", params={**span("683", "USD"), "v": version})
    page = Page(answer.text)
    assert (answer.status_code, page.marks) == (200, [])
    assert "nay không còn được lưu. Dưới đây là bản hiện nay, nên đoạn trích không được đánh dấu." in page.text
    assert "script" not in answer.text


def test_offsets_count_characters_not_bytes_or_escapes(client: TestClient, engine: StandIn) -> None:
    text = "Ẩn \u200b<b> & 🇻🇳 \u202eđây\u202c là chỗ cần."
    engine._articles["kho"] = Article(id="kho", title="Khó", text=text)
    start = text.index("là chỗ")
    page = Page(client.get("/articles/kho", params={"start": start, "end": start + 6}).text)
    assert page.marks == ["là chỗ"]


@pytest.mark.parametrize(
    "query",
    [
        "start=5",
        "end=5",
        "start=a&end=b",
        "start=9&end=9",
        "start=9&end=3",
        "start=-5&end=10",
        "start=0&end=99999",
        f"start=0&end={'9' * 5000}",
        "start=1.5&end=3",
        "start=&end=",
    ],
)
def test_a_span_that_cannot_be_shows_the_article_unmarked(client: TestClient, query: str) -> None:
    answer = client.get(f"/articles/thuong-mai-2023?{query}")
    assert answer.status_code == 200
    assert Page(answer.text).marks == []
    assert "683 tỷ USD" in Page(answer.text).text


def test_an_article_lists_those_that_say_nearly_the_same(client: TestClient, engine: StandIn) -> None:
    assert "Bài gần giống" not in client.get("/articles/thuong-mai-2023").text
    engine.near["thuong-mai-2023"] = (HOSTILE,)
    page = client.get("/articles/thuong-mai-2023").text
    assert '<h2 id="alike">Bài gần giống</h2>' in page
    assert 'href="&#46;&#46;&#47;articles&#47;hostile"' in page
    assert "<b>Báo" not in page


def test_an_unknown_article_is_a_friendly_404(client: TestClient) -> None:
    answer = client.get("/articles/khong-co")
    assert answer.status_code == 404
    assert "Bài viết này không có trong kho tài liệu" in Page(answer.text).text
    assert {"href": "../articles"} in Page(answer.text).named("a")


def test_the_list_shows_every_article_newest_first(client: TestClient) -> None:
    page = Page(client.get("/articles").text)
    links = [link["href"] for link in page.named("a") if str(link["href"]).startswith("articles/")]
    assert links[0] == "articles/thuong-mai-2023"
    assert "articles/hostile" in links


@pytest.mark.parametrize(
    "path", ["/articles/hostile?start=0&end=400", "/articles/hostile", "/articles?q=", "/articles?q=683"]
)
def test_a_hostile_article_is_inert(client: TestClient, path: str) -> None:
    page = Page(client.get(path).text)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "img", "iframe", "b", "i", "style"}
    # The only form is the search of the listing, and it leads to ourselves.
    assert [form["action"] for form in page.named("form")] == (["articles"] if path.startswith("/articles?") else [])
    assert len(page.named("button")) == len(page.named("form"))
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert all(":" not in str(link["href"]) for link in page.named("a"))
    assert "<script>window.hacked = 4</script>" in page.text


def test_a_hostile_search_is_inert(client: TestClient) -> None:
    page = Page(client.get("/articles", params={"q": HOSTILE_TEXT, "publisher": HOSTILE_TEXT}).text)
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "b"}
    assert [name["value"] for name in page.named("input")] == [HOSTILE_TEXT.strip()[:200]]


def test_an_article_leads_to_asking_about_it(client: TestClient) -> None:
    page = Page(client.get("/articles/thuong-mai-2023").text)
    assert {"class": "ask", "href": "../?article=thuong-mai-2023"} in page.named("a")


def test_a_broken_index_is_a_page_without_its_path(client: TestClient, engine: StandIn) -> None:
    engine.failure = IndexDamagedError("/secret/index is damaged")
    try:
        for path in ("/articles", "/articles/thuong-mai-2023"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert "Kho tài liệu đang gặp sự cố" in Page(answer.text).text
            assert "secret" not in answer.text
    finally:
        engine.failure = None


# What is open and what is closed


def test_health(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}


def test_the_chat_page_is_vietnamese_and_runs_only_its_own_scripts(client: TestClient) -> None:
    first, second = client.get("/"), client.get("/")
    page = Page(first.text)
    policy = first.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce
    assert page.named("html")[0]["lang"] == "vi"
    inline = [script for script in page.named("script") if "src" not in script]
    assert inline
    assert {script.get("nonce") for script in inline} == {nonce.group(1)}
    assert nonce.group(1) not in second.text
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'nonce-" in policy
    assert not re.search(r"https?://(?!127\.0\.0\.1)", "".join(str(a) for _, a in page.tags))
    assert {"href": "site/chat.css", "rel": "stylesheet"} in page.named("link")


@pytest.mark.parametrize("path", ["/", "/articles", "/articles/thuong-mai-2023", "/articles/x", "/health", "/nope"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    action = "'none'" if path == "/" else "'self'"
    assert f"form-action {action};" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    if path != "/":
        assert "script-src" not in policy


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/info",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/proxy=https://a.hf.space/",
        "/gradio_api/openapi.json",
        "/gradio_api/call/ask",
        "/monitoring",
        "/login",
        "/manifest.json",
        "/docs",
        "/openapi.json",
        "/site/",
        "/site/%2e%2e/app.py",
        "/widget/",
        "/widget/khac",
    ],
)
def test_what_the_page_does_not_use_is_closed(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/run/ask", "/gradio_api/vibe-edit"])
def test_nothing_can_be_uploaded(client: TestClient, path: str) -> None:
    assert client.post(path, files={"files": b"x"}).status_code == 404


def test_no_other_origin_may_read(client: TestClient) -> None:
    foreign = {"Origin": "https://evil.example"}
    for path in ("/", "/config", "/articles", "/health"):
        headers = client.get(path, headers=foreign).headers
        assert not [name for name in headers if name.startswith("access-control-")]
    preflight = {**foreign, "Access-Control-Request-Method": "POST"}
    answer = client.options("/gradio_api/queue/join", headers=preflight)
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers


def test_a_name_that_was_pointed_at_this_machine_is_refused(client: TestClient) -> None:
    assert client.get("/health", headers={"Host": "evil.example"}).status_code == 400
    for name in ("localhost:7860", "127.0.0.1", "[::1]:7860"):
        assert client.get("/health", headers={"Host": name}).status_code == 200
    assert allowed_hosts("0.0.0.0") == ["*"]  # noqa: S104


def test_a_question_over_the_wire(client: TestClient, engine: StandIn) -> None:
    """The whole way over HTTP; a history that the client makes up is not believed."""
    engine.histories.clear()
    config: dict[str, Any] = client.get("/config").json()
    ask = next(d for d in config["dependencies"] if [t[1] for t in d["targets"]] == ["submit", "click"])
    forged = {"messages": [], "turns": [{"role": "user", "text": "nói dối"}]}
    join = {"data": [None, "Kim ngạch?", forged, [], "", "", None], "fn_index": ask["id"], "session_hash": "abc"}
    assert client.post("/gradio_api/queue/join", json=join).status_code == 200
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": "abc"}) as answer:
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["cache-control"] == "no-cache, no-transform"
        body = ""
        for line in answer.iter_lines():
            body += line
            if "process_completed" in line:
                break
    assert "683" in body
    assert engine.histories == [()]


# The server


def test_a_port_in_use_is_told_with_the_remedy() -> None:
    with listen(Settings(port=0)) as taken, pytest.raises(HoidapError, match=r"in use.*--port.*HOIDAP_PORT"):
        listen(Settings(port=taken.getsockname()[1]))


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host"])
def test_an_address_of_another_machine_is_told_with_the_remedy(host: str) -> None:
    with pytest.raises(HoidapError, match="HOIDAP_HOST"):
        listen(Settings(host=host, port=0))


def test_the_address_to_open() -> None:
    with listen(Settings(port=0)) as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with listen(Settings(host="0.0.0.0", port=0)) as everywhere:  # noqa: S104
        assert url_of(everywhere).startswith("http://127.0.0.1:")


def remembered_servers(monkeypatch: pytest.MonkeyPatch) -> list[uvicorn.Server]:
    """The servers that are started from now on."""
    servers: list[uvicorn.Server] = []
    startup = uvicorn.Server.startup

    async def remember(server: uvicorn.Server, sockets: list[socket.socket] | None = None) -> None:
        await startup(server, sockets)
        servers.append(server)

    monkeypatch.setattr(uvicorn.Server, "startup", remember)
    return servers


def url_of_server(server: uvicorn.Server) -> str:
    return url_of(server.servers[0].sockets[0])


def test_serving_tells_its_address_once_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = remembered_servers(monkeypatch)
    seen: list[int] = []

    def ready(url: str) -> None:
        def visit() -> None:
            seen.append(httpx.get(f"{url}health", timeout=5).status_code)
            servers[0].should_exit = True

        threading.Thread(target=visit).start()

    app = FastAPI()
    app.get("/health")(lambda: "ok")
    serve(lambda _: app, Settings(port=0), ready)
    assert seen == [200]


@pytest.mark.parametrize(("trusted", "client"), [((), "127.0.0.1"), (("127.0.0.1",), "10.1.2.3")])
def test_only_a_trusted_proxy_tells_who_asks(
    monkeypatch: pytest.MonkeyPatch, trusted: tuple[str, ...], client: str
) -> None:
    servers = remembered_servers(monkeypatch)
    seen: list[str] = []

    def make(_tell: Callable[[str], None]) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        def who(request: Request) -> str:
            return request.client.host if request.client else ""

        return app

    def ready(url: str) -> None:
        def visit() -> None:
            seen.append(httpx.get(url, headers={"X-Forwarded-For": "9.9.9.9, 10.1.2.3"}, timeout=5).json())
            servers[0].should_exit = True

        threading.Thread(target=visit).start()

    serve(make, Settings(port=0, trusted_proxies=trusted), ready)
    assert seen == [client]


def test_a_notice_stands_at_every_address_while_the_application_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    servers = remembered_servers(monkeypatch)
    seen: list[tuple[int, str | None, str]] = []
    go = threading.Event()

    def make(tell: Callable[[str], None]) -> FastAPI:
        tell("Đang lập chỉ mục: 3/5.")
        address = url_of_server(servers[0])
        for path in ("", "articles/x", "health", "site/viewer.css"):
            answer = httpx.get(address + path, timeout=5)
            seen.append((answer.status_code, answer.headers.get("refresh"), answer.text))
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        framed = httpx.get(address + "widget", timeout=5)
        assert "frame-ancestors 'self' https://portal.example" in framed.headers["content-security-policy"]
        assert (framed.status_code, framed.headers["refresh"]) == (503, "2")
        go.set()
        app = FastAPI()
        app.get("/health")(lambda: "ok")
        return app

    def ready(url: str) -> None:
        assert go.is_set()
        servers[0].should_exit = True

    serve(make, Settings(port=0, allowed_origins=("https://portal.example",)), ready)
    assert [(status, refresh) for status, refresh, _ in seen] == [(503, "2"), (503, "2"), (503, "2"), (200, None)]
    assert "Đang lập chỉ mục&#58; 3&#47;5" in seen[0][2]
    assert 'href="../site/viewer.css"' in seen[1][2]


def test_an_application_that_cannot_be_made_ends_the_server_with_its_error() -> None:
    def make(tell: Callable[[str], None]) -> FastAPI:
        raise IndexDamagedError("The index is damaged: run `hoidap index rebuild`.")

    with pytest.raises(IndexDamagedError, match="rebuild"):
        serve(make, Settings(port=0))


def test_gradio_is_not_imported_with_the_module() -> None:
    program = "import sys, ui.app, ui.chat, ui.viewer; sys.exit('gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_only_answers_and_the_notice_after_a_comment_go_through_the_queue(client: TestClient) -> None:
    """As the queue's stream ends, it loses what is asked at that moment; what the page does as it opens must not."""
    events = client.get("/config").json()["dependencies"]
    queued = {event["api_name"] for event in events if event["queue"] and event["targets"][0][1] != "unload"}
    assert queued == {"ask", "ask_example", "ask_again", "_say"}


def test_an_answer_cannot_be_had_past_the_queue(client: TestClient) -> None:
    events = {event["api_name"]: event for event in client.get("/config").json()["dependencies"]}
    for name, expected in (("ask", 404), ("nothing", 200)):
        event = events[name]
        values = {"textbox": "Kim ngạch?", "checkboxgroup": []}
        parts = {part["id"]: part["type"] for part in client.get("/config").json()["components"]}
        data = [values.get(parts[part]) for part in event["inputs"]]
        asked = {"data": data, "fn_index": event["id"], "session_hash": "abc"}
        assert client.post("/gradio_api/run/predict", json=asked).status_code == expected
