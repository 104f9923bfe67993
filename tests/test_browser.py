"""The pages in a real Chromium: over the real engine and corpus, and over one that misbehaves."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.settings import Settings
from tests.browser import MISSING, chromium, hoidap_serve, serving
from tests.stand_in import DOUBT, HOSTILE, HOSTILE_SHORT, NO_YEAR, REFUSAL, TRADE, StandIn
from ui.app import create_app

if not MISSING:
    from playwright.sync_api import expect
if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

PATIENCE = 20_000  # milliseconds to wait for what should come at once
IN_SIGHT = "e => { const r = e.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight }"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Pages, none of which may ask another host for anything, or try what its policy forbids."""
    context = browser.new_context(viewport={"width": 1100, "height": 750}, locale="vi-VN")
    requests: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda request: requests.append(request.url))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda message: complaints.extend([message.text] * (message.type == "error")))
    yield context
    context.close()
    assert requests
    assert [url for url in requests if not re.match(r"http://127\.0\.0\.1:\d+/|data:", url)] == []
    assert complaints == []


@pytest.fixture(scope="module")
def shared_engine() -> StandIn:
    return StandIn()


@pytest.fixture(scope="module")
def site(shared_engine: StandIn) -> Iterator[str]:
    with serving(create_app(shared_engine, Settings())) as address:
        yield address


@pytest.fixture
def engine(shared_engine: StandIn) -> Iterator[StandIn]:
    """The stand-in that `site` asks, with nothing asked yet."""
    shared_engine.histories.clear()
    shared_engine.go.clear()
    shared_engine.closed.clear()
    shared_engine.read_to_its_end = False
    yield shared_engine
    shared_engine.go.set()


@pytest.fixture
def page(context: BrowserContext, site: str) -> Page:
    """The chat page over the stand-in."""
    page = context.new_page()
    page.goto(site)
    box(page).wait_for(timeout=PATIENCE)
    return page


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Câu hỏi của bạn")


def ask(page: Page, question: str) -> None:
    box(page).fill(question)
    box(page).press("Enter")


def see(page: Page, words: str) -> None:
    page.locator("#hd-chat").get_by_text(words).last.wait_for(timeout=PATIENCE)


def test_the_real_engine_answers_and_its_citation_opens(context: BrowserContext, tmp_path: Path) -> None:
    with hoidap_serve(tmp_path) as address:
        page = context.new_page()
        page.goto(address)
        box(page).wait_for(timeout=PATIENCE)
        ask(page, "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?")
        answer = page.locator(".hd-answer").last
        answer.get_by_text("683 tỷ USD").first.wait_for(timeout=PATIENCE)
        with context.expect_page() as opened:
            answer.locator("a.hd-ref").first.click()
        mark = opened.value.locator("mark#quote")
        mark.wait_for(timeout=PATIENCE)
        assert "683" in mark.inner_text()
        assert mark.evaluate(IN_SIGHT)
        ask(page, "Ai vô địch giải bóng đá ngoại hạng Anh?")
        page.locator(".hd-refused").wait_for(timeout=PATIENCE)
        see(page, REFUSAL)
        page.close()  # before its server goes


def test_the_answer_appears_while_it_is_written(page: Page, engine: StandIn) -> None:
    ask(page, "Câu hỏi chậm")
    see(page, "Tổng kim ngạch đạt 683 tỷ USD.")
    assert page.get_by_text("36,6").count() == 0
    assert page.get_by_role("button", name="Dừng").is_visible()
    box(page).fill("đang gõ câu sau")
    engine.go.set()
    see(page, "36,6")
    page.get_by_role("button", name="Gửi").wait_for(timeout=PATIENCE)
    assert box(page).input_value() == "đang gõ câu sau"
    assert box(page).evaluate("e => e === document.activeElement")


def test_a_new_question_moves_to_the_top_and_whoever_scrolls_is_let_be(page: Page, engine: StandIn) -> None:
    page.set_viewport_size({"width": 600, "height": 450})
    for number in (1, 2):
        ask(page, f"Kim ngạch {number}?")
        expect(page.locator(".hd-answer")).to_have_count(number, timeout=PATIENCE)
        page.get_by_role("button", name="Gửi").wait_for(timeout=PATIENCE)
    question = page.locator(".hd-question").last
    top = page.locator("#hd-chat").evaluate("e => e.getBoundingClientRect().top")
    assert 0 <= question.evaluate("e => e.getBoundingClientRect().top") - top < 60
    ask(page, "Câu hỏi chậm")
    expect(page.locator(".hd-answer")).to_have_count(3, timeout=PATIENCE)
    page.locator("#hd-chat").hover()
    page.mouse.wheel(0, -5000)
    engine.go.set()
    page.get_by_role("button", name="Gửi").wait_for(timeout=PATIENCE)
    assert page.locator(".hd-question").first.evaluate(IN_SIGHT)


def test_an_answer_can_be_stopped(page: Page, engine: StandIn) -> None:
    ask(page, "Câu hỏi chậm")
    see(page, "683")
    page.get_by_role("button", name="Dừng").click()
    see(page, "Bạn đã dừng câu trả lời này.")
    engine.go.set()
    assert engine.closed.wait(10)
    assert not engine.read_to_its_end
    page.get_by_role("button", name="Gửi").wait_for(timeout=PATIENCE)
    ask(page, "Kim ngạch?")
    see(page, "36,6")
    assert page.locator(".hd-error").count() == 0


def test_a_closed_tab_stops_its_answer(page: Page, engine: StandIn) -> None:
    ask(page, "Câu hỏi chậm")
    see(page, "683")
    page.close()
    time.sleep(2)  # the server notices within half a second
    engine.go.set()
    assert engine.closed.wait(10)
    assert not engine.read_to_its_end


def test_after_an_error_one_can_ask_again(page: Page, engine: StandIn) -> None:
    ask(page, "hỏng")
    see(page, "Đã có lỗi ngoài dự kiến")
    assert "secret" not in page.content()
    ask(page, "Kim ngạch?")
    see(page, "36,6")
    assert [len(history) for history in engine.histories] == [0, 0]


def test_a_question_that_is_too_long_is_handed_back(page: Page) -> None:
    ask(page, "a" * 3000)
    see(page, "Câu hỏi quá dài")
    expect(box(page)).to_have_value("a" * 3000)


def test_an_example_is_asked_and_a_new_conversation_forgets(page: Page, engine: StandIn) -> None:
    page.locator(".example").first.click()
    see(page, "36,6")
    ask(page, "Còn nữa?")
    expect(page.locator(".hd-answer")).to_have_count(2, timeout=PATIENCE)
    page.get_by_role("button", name="Gửi").wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Cuộc trò chuyện mới").click()
    page.locator(".example").first.wait_for(timeout=PATIENCE)
    ask(page, "Kim ngạch?")
    see(page, "36,6")
    assert [len(history) for history in engine.histories] == [0, 2, 0]


def test_a_hostile_answer_is_inert(page: Page, site: str) -> None:
    ask(page, "độc hại")
    see(page, "<script>window.hacked = 1</script>")
    see(page, "![ảnh](http://evil.example/a.png)")
    chat = page.locator("#hd-chat")
    assert chat.locator("img, iframe, form, script, code, strong:not(.hd-short)").count() == 0
    assert chat.locator("strong.hd-short").all_inner_texts() == [HOSTILE_SHORT] * 2
    targets = [link.get_attribute("href") or "" for link in chat.locator("a").all()]
    assert {target.split("?")[0] for target in targets} == {"articles/hostile"}
    page.mouse.move(400, 300)
    page.goto(f"{site}articles/{HOSTILE.id}?start=0&end={len(HOSTILE.text)}#quote")
    assert "<script>" in page.locator("mark").first.inner_text()
    assert page.evaluate("window.hacked") is None


def test_the_short_answer_is_bold_and_the_steps_open(page: Page) -> None:
    ask(page, "khong dau")
    see(page, "Tổng kim ngạch đạt 683 tỷ USD.")
    short = page.locator(".hd-answer strong.hd-short")
    expect(short).to_have_text(["683 tỷ USD"] * 2)
    for one in short.all():
        expect(one).to_have_css("font-weight", "700")
    step = page.get_by_text("Thêm dấu: không dấu")
    expect(step).to_be_hidden()
    page.get_by_text("Các bước hiểu câu hỏi").click()
    expect(step).to_be_visible()


def test_a_doubt_and_a_refusal_with_what_comes_nearest_are_told_apart(
    context: BrowserContext, page: Page, engine: StandIn
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "không chắc")
    expect(page.locator(".hd-unsure")).to_have_text(DOUBT, timeout=PATIENCE)
    page.get_by_role("button", name="Gửi").wait_for(timeout=PATIENCE)
    ask(page, "gần nhất")
    refused = page.locator(".hd-refused")
    expect(refused).to_contain_text(REFUSAL, timeout=PATIENCE)
    expect(refused.locator("strong.hd-short")).to_have_text("683 tỷ USD")
    assert (refused.locator("a.hd-ref").get_attribute("href") or "").endswith("#quote")
    grounds = [
        box.evaluate("e => getComputedStyle(e).backgroundColor") for box in (page.locator(".hd-unsure"), refused)
    ]
    assert grounds[0] != grounds[1]
    assert page.locator(".hd-card").count() == 2
    page.get_by_role("button", name="Sao chép câu trả lời").last.click()
    page.get_by_role("button", name="Đã sao chép").wait_for(timeout=PATIENCE)
    copied = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert copied[:2] == [REFUSAL, NO_YEAR]
    assert copied[2].endswith("Tổng kim ngạch đạt 683 tỷ USD. [1]")


def test_an_answer_can_be_copied_as_text(context: BrowserContext, page: Page, site: str) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "Kim ngạch?")
    see(page, "36,6")
    page.get_by_role("button", name="Sao chép câu trả lời").click()
    page.get_by_role("button", name="Đã sao chép").wait_for(timeout=PATIENCE)
    first, second, _, heading, source, *_ = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert first == "Tổng kim ngạch đạt 683 tỷ USD. [1]"
    assert second == "Vốn FDI đạt gần 36,6 tỷ USD. [2]"
    assert heading == "Nguồn trích dẫn:"
    assert source.startswith("[1] Thương mại năm 2023. Báo Thử · 02/04/2024. Theo:")
    assert source.endswith(TRADE.url)


def test_the_page_speaks_vietnamese_to_a_screen_reader(page: Page) -> None:
    ask(page, "Kim ngạch?")
    see(page, "36,6")
    assert page.locator("html").get_attribute("lang") == "vi"
    assert page.get_by_role("log", name="Cuộc trò chuyện").count() == 1
    expect(page.locator("[data-testid=bot][aria-label]")).to_have_count(0)
    names = page.locator("[aria-label]:visible").evaluate_all("all => all.map(e => e.ariaLabel)")
    assert set(names) <= {"Cuộc trò chuyện", "Cuộn xuống cuối", "Hữu ích", "Chưa hữu ích"}


@pytest.mark.parametrize("path", ["", "articles", f"articles/{TRADE.id}?start=0&end=20#quote"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_phone_in_light_and_dark(browser: Browser, site: str, path: str, scheme: str) -> None:
    page = browser.new_page(
        viewport={"width": 390, "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page.goto(site + path)
    if path:
        page.locator("h1").wait_for(timeout=PATIENCE)
    else:
        ask(page, "Kim ngạch?")
        see(page, "36,6")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) is (scheme == "dark")
    page.close()
