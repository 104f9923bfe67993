"""The operator's page: who is let in, what it shows, and that what people type stays a text."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from eval.feedback import Cited, FeedbackStore
from rag.errors import SettingsError
from rag.schema import Outcome
from rag.settings import PASSWORD_CHARACTERS, Settings, load_settings
from tests.stand_in import HOSTILE_TEXT, StandIn
from tests.test_app import ORIGIN, Page
from tests.test_feedback import make_exchange
from ui import admin
from ui.app import create_app
from ui.guard import Guard

PASSWORD = "mật khẩu quản trị"  # noqa: S105
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(index_dir=tmp_path_factory.mktemp("admin") / "index", admin_password=PASSWORD)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def client(settings: Settings) -> TestClient:
    store = FeedbackStore(settings.feedback_file)
    said = [
        make_exchange("1", question="Cá tra?", outcome=Outcome.NOT_FOUND, time=NOW, comment="thiếu", rating="down"),
        make_exchange("2", question="ca tra", outcome=Outcome.NOT_FOUND, time=NOW - timedelta(days=3)),
        make_exchange("3", question="Gạo?", time=NOW - timedelta(days=20), rating="up"),
        make_exchange("4", question="Sắn?", outcome=Outcome.UNSURE, time=NOW - timedelta(days=60)),
        make_exchange(
            "5",
            question=HOSTILE_TEXT,
            understood=f"{HOSTILE_TEXT}!",
            answer=HOSTILE_TEXT,
            comment=HOSTILE_TEXT,
            outcome=Outcome.NOT_FOUND,
            citations=(Cited('"><script>', 0, 5, "x"), Cited("javascript:alert(1)", 0, 5, "x")),
            rating="down",
            time=NOW,
        ),
    ]
    for exchange in said:
        store.add(exchange)
    store.close()
    return TestClient(create_app(StandIn(), settings), base_url=ORIGIN)


def basic(password: str, name: str = "") -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def visit(client: TestClient, days: int = 30) -> Page:
    answer = client.get(f"/admin?days={days}", headers=basic(PASSWORD))
    assert answer.status_code == 200
    return Page(answer.text)


def test_without_a_password_there_is_no_such_page(tmp_path: Path) -> None:
    client = TestClient(create_app(StandIn(), Settings(index_dir=tmp_path / "index")), base_url=ORIGIN)
    for headers in ({}, basic(""), basic("None")):
        assert client.get("/admin", headers=headers).status_code == 404


def test_a_password_that_is_soon_guessed_is_refused_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    short = "x7" * (PASSWORD_CHARACTERS // 2 - 1)
    monkeypatch.setenv("HOIDAP_ADMIN_PASSWORD", short)
    with pytest.raises(SettingsError, match="at least 12 characters") as told:
        load_settings()
    assert short not in str(told.value)
    monkeypatch.setenv("HOIDAP_ADMIN_PASSWORD", PASSWORD)
    assert PASSWORD not in repr(load_settings())
    monkeypatch.setenv("HOIDAP_ADMIN_PASSWORD", "")
    assert load_settings().admin_password is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic(""),
        basic(PASSWORD[:-1]),
        basic(PASSWORD.upper()),
        basic("", name=PASSWORD),
        {"Authorization": f"Bearer {base64.b64encode(f':{PASSWORD}'.encode()).decode()}"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic \xff"},
    ],
)
def test_only_the_password_opens_it(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.get("/admin", headers={name.encode(): value.encode("latin-1") for name, value in headers.items()})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert answer.headers["cache-control"] == "no-store"
    assert "Cá tra" not in answer.text
    assert client.get("/admin", headers=basic(PASSWORD, name="bất kỳ:")).status_code == 401
    assert client.get("/admin", headers=basic(PASSWORD, name="ai cũng được")).status_code == 200


def test_guessing_is_stopped_by_address_and_forgotten_in_time() -> None:
    now = 0.0
    guard = Guard("đúng", lambda: now)
    right, wrong = basic("đúng")["Authorization"], basic("sai")["Authorization"]
    for _ in range(9):
        assert guard.status("a", wrong) == HTTPStatus.UNAUTHORIZED
        assert guard.status("a", "") == HTTPStatus.UNAUTHORIZED, "to be asked is no attempt"
    assert guard.status("a", right) == HTTPStatus.OK
    for _ in range(10):
        assert guard.status("a", wrong) == HTTPStatus.UNAUTHORIZED
    assert guard.status("a", right) == HTTPStatus.TOO_MANY_REQUESTS
    assert guard.status("b", right) == HTTPStatus.OK
    now = 299.0
    assert guard.status("a", right) == HTTPStatus.TOO_MANY_REQUESTS
    now = 301.0
    assert guard.status("a", wrong) == HTTPStatus.UNAUTHORIZED
    assert guard.status("a", right) == HTTPStatus.OK
    for number in range(3000):
        guard.status(f"{number}", wrong)
    assert len(guard._wrong) == 1000


def test_too_many_wrong_passwords_are_told_on_a_page(client: TestClient, settings: Settings) -> None:
    other = TestClient(create_app(StandIn(), settings), base_url=ORIGIN)
    for _ in range(10):
        other.get("/admin", headers=basic("wrong"))
    answer = other.get("/admin", headers=basic(PASSWORD))
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "300"
    assert "quá nhiều lần" in Page(answer.text).text


def test_the_page_shows_what_was_asked_and_what_is_lacking(client: TestClient) -> None:
    text = re.sub(r"\s+", " ", visit(client).text)
    assert "Câu hỏi 4 " in text
    assert "Không có trong kho 3 75%" in text
    assert "1 hữu ích 2 chưa hữu ích" in text
    assert "Cá tra? 2 lần" in text
    assert "Góp ý: thiếu" in text
    assert "Sắn?" not in text
    assert "Sắn?" in visit(client, 90).text
    assert "Gạo?" not in visit(client, 7).text
    assert "lưu 90 ngày" in text
    for days in ("", "1e9", "-7", "7' or 1", "9" * 9000):
        answer = client.get("/admin", params={"days": days}, headers=basic(PASSWORD))
        assert '<a href="admin?days=30" aria-current="page">' in answer.text


def test_charts_are_drawn_on_the_server_and_named(client: TestClient) -> None:
    page = visit(client)
    assert [chart["aria-label"] for chart in page.named("svg")] == [
        "Số câu hỏi mỗi ngày, theo kết quả",
        "Phân bố thời gian trả lời, mili giây",
    ]
    assert len(page.named("rect")) > 3


def test_what_people_type_stays_a_text(client: TestClient) -> None:
    answer = client.get("/admin", headers=basic(PASSWORD))
    page = Page(answer.text)
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "form", "button", "b2", "style", "input"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]
    assert page.text.count("<script>window.hacked = 1</script>") >= 4
    for hidden in "\u202e\u202c\u200b\u200d":
        assert hidden not in answer.text
    links = [str(link["href"]) for link in page.named("a")]
    assert "articles/%22%3E%3Cscript%3E?start=0&end=5#quote" in links
    assert all(re.match(r"\./|articles|admin", link) for link in links)


def test_nothing_keeps_or_frames_the_page_and_it_runs_nothing(client: TestClient) -> None:
    headers = client.get("/admin", headers=basic(PASSWORD)).headers
    assert headers["cache-control"] == "no-store"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert not re.search("script-src|unsafe|https?:", policy)


def test_where_no_questions_are_kept_the_page_says_so(settings: Settings, client: TestClient) -> None:
    quiet = settings.model_copy(update={"keep_questions": False})
    page = Page(bytes(admin.shown(quiet, 30).body).decode())
    assert "không lưu câu hỏi" in page.text
    assert "Cá tra" not in page.text
    assert "Không có trong kho" in page.text


def test_an_empty_store_and_a_broken_one_are_pages_too(tmp_path: Path) -> None:
    settings = Settings(index_dir=tmp_path / "index", admin_password=PASSWORD)  # type: ignore[arg-type]
    empty = admin.shown(settings, 7)
    assert empty.status_code == 200
    assert "Chưa có gì" in Page(bytes(empty.body).decode()).text
    settings.feedback_file.write_bytes(b"no database" * 999)
    broken = admin.shown(settings, 7)
    assert broken.status_code == 503
    assert broken.headers["cache-control"] == "no-store"
    assert "move it away" in Page(bytes(broken.body).decode()).text
