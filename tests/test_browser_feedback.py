"""Thumbs in a real Chromium, and what the operator sees of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from eval.feedback import Exchange, FeedbackStore
from rag.settings import Settings
from tests.browser import MISSING, chromium, serving
from tests.stand_in import StandIn
from tests.test_browser import PATIENCE, ask, box, see
from ui.app import create_app

if not MISSING:
    from playwright.sync_api import expect
if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

PASSWORD = "mật khẩu quản trị"  # noqa: S105
GIVEN = "Chưa hữu ích (đã chọn)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def engine() -> StandIn:
    return StandIn()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(index_dir=tmp_path_factory.mktemp("thumbs") / "index", admin_password=PASSWORD)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def site(engine: StandIn, settings: Settings) -> Iterator[str]:
    with serving(create_app(engine, settings)) as address:
        yield address


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """The chat page, which may not try what its policy forbids."""
    context = browser.new_context(
        viewport={"width": 1000, "height": 800},
        locale="vi-VN",
        http_credentials={"username": "quản trị", "password": PASSWORD, "send": "unauthorized"},
    )
    complaints: list[str] = []
    context.on("console", lambda message: complaints.extend([message.text] * (message.type == "error")))
    page = context.new_page()
    page.goto(site)
    box(page).wait_for(timeout=PATIENCE)
    yield page
    context.close()
    assert [text for text in complaints if "401" not in text] == []


def kept(path: Path) -> list[Exchange]:
    store = FeedbackStore(path)
    found = list(store.exchanges())
    store.close()
    return found


def press_until_at(page: Page, key: str, selector: str) -> None:
    """Press `key` until what `selector` names has the focus."""
    for _ in range(20):
        page.keyboard.press(key)
        if page.evaluate(f"document.activeElement.matches({selector!r})"):
            return
    pytest.fail(f"{selector} was not reached by {key}")


def test_a_thumb_and_a_comment_by_keyboard_reach_the_operator(page: Page, site: str) -> None:
    ask(page, "không có <b>đậm</b>")
    see(page, "Tôi không tìm thấy")
    page.get_by_role("button", name="Gửi", exact=True).wait_for(timeout=PATIENCE)
    press_until_at(page, "Shift+Tab", '[aria-label="Chưa hữu ích"]')
    page.keyboard.press("Enter")
    remark = page.get_by_role("textbox", name="Bạn muốn nói thêm về câu trả lời này? (không bắt buộc)")
    remark.wait_for(timeout=PATIENCE)
    expect(page.get_by_role("button", name=GIVEN)).to_have_count(1, timeout=PATIENCE)
    press_until_at(page, "Tab", "#hd-remark textarea")
    page.keyboard.type("Tôi cần số liệu <i>cá tra</i>")
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text("Cảm ơn bạn").wait_for(timeout=PATIENCE)
    remark.wait_for(state="hidden", timeout=PATIENCE)
    expect(box(page)).to_be_focused(timeout=PATIENCE)
    page.goto(f"{site}admin")
    card = page.locator("section.blamed")
    expect(card.get_by_role("heading", name="không có <b>đậm</b>")).to_be_visible(timeout=PATIENCE)
    expect(card.locator(".comment")).to_have_text("Góp ý: Tôi cần số liệu <i>cá tra</i>")


def test_every_complete_answer_has_thumbs_that_stay_as_they_were_given(
    page: Page, engine: StandIn, settings: Settings
) -> None:
    before = len(kept(settings.feedback_file))
    up, down = (page.get_by_role("button", name=name, exact=True) for name in ("Hữu ích", "Chưa hữu ích"))
    ask(page, "Kim ngạch?")
    expect(up).to_have_count(1, timeout=PATIENCE)
    page.get_by_role("button", name="Gửi", exact=True).wait_for(timeout=PATIENCE)
    ask(page, "hỏng")
    see(page, "Đã có lỗi")
    page.get_by_role("button", name="Gửi", exact=True).wait_for(timeout=PATIENCE)
    ask(page, "chậm")
    expect(page.locator(".hd-answer")).to_have_count(2, timeout=PATIENCE)
    expect(up).to_have_count(1)  # neither a failure nor half an answer can be rated
    down.first.click()
    chosen = page.get_by_role("button", name=GIVEN)
    expect(chosen).to_have_count(1, timeout=PATIENCE)
    engine.go.set()
    expect(up).to_have_count(2, timeout=PATIENCE)
    expect(chosen).to_have_count(1)  # although it was given while the next answer was written
    up.last.click()
    expect(page.get_by_role("button", name="Hữu ích (đã chọn)", exact=True)).to_have_count(1, timeout=PATIENCE)
    page.get_by_role("button", name="Bỏ qua").click()
    chosen.click()  # takes it back
    expect(chosen).to_have_count(0, timeout=PATIENCE)
    expect(page.locator("#hd-comment")).to_be_hidden()
    page.get_by_role("button", name="Cuộc trò chuyện mới").click()
    expect(up).to_have_count(0, timeout=PATIENCE)
    ask(page, "Kim ngạch?")
    expect(up).to_have_count(1, timeout=PATIENCE)
    assert page.get_by_role("button", name="(đã chọn)").count() == 0
    first, second, third = kept(settings.feedback_file)[before:]
    assert [one.rating for one in (first, second, third)] == [None, "up", None]
    assert first.session == second.session != third.session
