"""What the widget needs of the server: its script, its frame's page, who may carry it; the limits of questions."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from eval.load import event
from rag.settings import Settings
from tests.stand_in import StandIn
from ui.app import create_app

PORTAL = "https://portal.example.vn"
OTHER = "http://10.0.0.5:8080"
STRANGER = "https://evil.example"


def client_of(settings: Settings) -> TestClient:
    return TestClient(create_app(StandIn(), settings), base_url="http://127.0.0.1:7860")


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_of(Settings(allowed_origins=f"{PORTAL} {OTHER}", questions_per_minute=3)) as client:  # type: ignore[arg-type]
        yield client


@pytest.fixture(scope="module")
def closed() -> Iterator[TestClient]:
    """As it is when nothing is set."""
    with client_of(Settings()) as client:
        yield client


def ancestors(client: TestClient, path: str) -> str:
    policy = client.get(path).headers["content-security-policy"]
    return next(part for part in policy.split("; ") if part.startswith("frame-ancestors"))


def ask(client: TestClient, question: str, session: str) -> str:
    """All that the server streams back."""
    join = event(client.get("/config").json(), session, question)
    assert client.post("/gradio_api/queue/join", json=join).status_code == 200
    body = ""
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as answer:
        for line in answer.iter_lines():
            body += line
            if "process_completed" in line:
                break
    return body


def test_the_script_is_small_cached_and_checked_for_change(client: TestClient) -> None:
    script = client.get("/widget.js")
    assert "javascript" in script.headers["content-type"]
    assert len(script.content) < 10_000
    assert script.headers["cache-control"] == "public, max-age=3600"
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    again = client.get("/widget.js", headers={"If-None-Match": script.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_only_the_widgets_page_may_be_framed_and_only_by_allowed_origins(
    client: TestClient, closed: TestClient
) -> None:
    assert ancestors(client, "/widget") == f"frame-ancestors 'self' {PORTAL} {OTHER}"
    assert ancestors(closed, "/widget") == "frame-ancestors 'self'"
    for path in ("/", "/articles", "/widget/demo", "/widget.js", "/health"):
        assert ancestors(client, path) == "frame-ancestors 'none'"


def test_the_page_in_the_frame_is_told_the_same_origins(client: TestClient) -> None:
    page = client.get("/widget").text
    assert f'<meta name="hoidap-origins" content="{PORTAL} {OTHER}">' in page
    assert "site/frame.js" in page
    assert "hoidap-origins" not in client.get("/").text
    assert "frame.js" not in client.get("/").text


def test_the_page_takes_no_commands_of_whoever_frames_it(client: TestClient) -> None:
    for path in ("/", "/widget"):
        assert "iframeResizer.contentWindow" not in client.get(path).text


def test_the_page_finds_its_server_under_any_name(client: TestClient) -> None:
    for path in ("/", "/widget"):
        page = client.get(path, headers={"X-Forwarded-Host": "evil.example"}).text
        assert '"root":"."' in page
        assert "evil.example" not in page


@pytest.mark.parametrize("origin", [PORTAL, OTHER])
def test_an_allowed_origin_may_read(client: TestClient, origin: str) -> None:
    assert client.get("/health", headers={"Origin": origin}).headers["access-control-allow-origin"] == origin
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = client.options("/gradio_api/queue/join", headers=preflight)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", [STRANGER, f"{PORTAL}.evil.example", "http://portal.example.vn", "null"])
def test_no_other_may(client: TestClient, closed: TestClient, origin: str) -> None:
    for one in (client, closed):
        headers = one.get("/widget", headers={"Origin": origin}).headers
        assert not [name for name in headers if name.startswith("access-control-")]


def test_the_demonstration_is_strict_and_shows_articles_inert(closed: TestClient) -> None:
    demo = closed.get("/widget/demo")
    policy = demo.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-src 'self'" in policy
    assert "&#60;script&#62;window&#46;hacked" in demo.text
    assert "<script>window" not in demo.text
    assert 'href="&#46;&#46;&#47;articles&#47;thuong&#45;mai&#45;2023"' in demo.text


def test_questions_are_limited_in_number_and_the_one_too_many_is_handed_back(client: TestClient) -> None:
    session = uuid4().hex
    assert [("683 tỷ" in ask(client, "Kim ngạch?", session)) for _ in range(3)] == [True] * 3
    refused = ask(client, "Kim ngạch 2023?", uuid4().hex)
    assert "nhanh quá mức" in refused
    assert "683 tỷ" not in refused
    assert '"Kim ngạch 2023?"' in refused


def test_a_body_far_longer_than_a_question_is_refused(closed: TestClient) -> None:
    answer = closed.post("/gradio_api/queue/join", json={"data": ["a" * (1 << 21)], "fn_index": 0, "session_hash": "a"})
    assert answer.status_code == 413
