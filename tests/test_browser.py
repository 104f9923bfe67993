"""The pages in a real Chromium: over the real engine and corpus, and over one that misbehaves."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from rag.schema import EVERYTHING, Filters
from rag.settings import Settings
from tests.browser import AXE, MISSING, chromium, hoidap_serve, serving
from tests.stand_in import DOUBT, HOSTILE, HOSTILE_SHORT, NO_YEAR, REFUSAL, TRADE, StandIn
from ui.app import create_app

if not MISSING:
    from axe_playwright_python.sync_playwright import Axe
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
    shared_engine.scopes.clear()
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
    page.locator("#hd-token").wait_for(state="attached", timeout=PATIENCE)  # it knows where to look
    return page


def box(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Câu hỏi của bạn")


def ask(page: Page, question: str) -> None:
    box(page).fill(question)
    box(page).press("Enter")


def see(page: Page, words: str) -> None:
    page.locator("#hd-chat").get_by_text(words).filter(visible=True).last.wait_for(timeout=PATIENCE)


def wait_for_questions(page: Page, engine: StandIn, count: int) -> None:
    """Until the engine was asked `count` questions."""
    for _ in range(PATIENCE // 100):
        if len(engine.histories) >= count:
            break
        page.wait_for_timeout(100)
    assert len(engine.histories) == count


def test_the_real_engine_starts_answers_and_its_citation_opens(
    browser: Browser, context: BrowserContext, tmp_path: Path
) -> None:
    with hoidap_serve(tmp_path) as address:
        early = browser.new_page()
        early.goto(address)
        early.get_by_text("Hệ thống đang khởi động").wait_for(timeout=PATIENCE)
        box(early).wait_for(timeout=120_000)  # by itself, once the model is loaded and the seeds are indexed
        early.close()
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
    see(page, "Tổng kim ngạch năm 2023 đạt 683 tỷ USD.")
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


def test_keys_alone_ask_break_a_line_and_stop(page: Page, engine: StandIn) -> None:
    expect(box(page)).to_be_focused()
    page.keyboard.type("Câu hỏi")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("chậm")
    expect(box(page)).to_have_value("Câu hỏi\nchậm")
    page.keyboard.press("Enter")
    see(page, "683")
    page.keyboard.press("Escape")
    see(page, "Bạn đã dừng câu trả lời này.")
    expect(box(page)).to_be_focused()
    page.keyboard.press("Shift+Tab")  # from the box back to where to look, which opens
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Phạm vi tìm kiếm", expanded=True)).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    expect(page.get_by_label("Đăng từ ngày")).to_be_visible()


def test_the_focus_is_in_the_box_after_the_button_that_sent_has_gone(page: Page, engine: StandIn) -> None:
    box(page).fill("Câu hỏi chậm")
    page.get_by_role("button", name="Gửi").click()
    see(page, "683")
    engine.go.set()
    see(page, "36,6")
    expect(box(page)).to_be_focused()
    told = page.locator(".hd-told[role=status]")
    expect(told).to_have_text("Tổng kim ngạch năm 2023 đạt 683 tỷ USD. [1] Vốn FDI đạt gần 36,6 tỷ USD. [2]")


def test_the_last_question_is_asked_again_in_its_place(page: Page, engine: StandIn) -> None:
    for question in ("Kim ngạch?", "hỏng"):
        ask(page, question)
        page.get_by_role("button", name="Hỏi lại").wait_for(timeout=PATIENCE)
        page.get_by_role("button", name="Gửi").wait_for(timeout=PATIENCE)
    see(page, "Đã có lỗi ngoài dự kiến")
    asked = len(engine.histories)
    page.get_by_role("button", name="Hỏi lại").click()  # one, below the last question
    wait_for_questions(page, engine, asked + 1)
    page.get_by_role("button", name="Gửi").wait_for(timeout=PATIENCE)
    assert page.locator(".hd-question").count() == 2
    assert page.locator(".hd-error").count() == 1


def test_asking_again_while_it_is_written_ends_the_answer_before(page: Page, engine: StandIn) -> None:
    ask(page, "Câu hỏi chậm")
    see(page, "683")
    page.get_by_role("button", name="Hỏi lại").click()
    wait_for_questions(page, engine, 2)
    expect(page.locator(".hd-question")).to_have_count(1)
    engine.go.set()
    see(page, "36,6")
    page.get_by_role("button", name="Gửi").wait_for(timeout=PATIENCE)
    assert page.locator(".hd-answer").count() == 1
    assert page.locator(".hd-stopped, .hd-pending").count() == 0


def test_an_answer_is_sought_where_the_person_chose(page: Page, site: str, engine: StandIn) -> None:
    page.get_by_role("button", name="Phạm vi tìm kiếm").click()
    page.get_by_label("Báo Thử").check()
    page.get_by_label("Đăng từ ngày").fill("3/2024")
    ask(page, "Kim ngạch?")
    see(page, "36,6")
    expect(page.locator(".hd-question .hd-scope")).to_have_text("Chỉ tìm trong: Báo Thử · từ 3/2024")
    assert engine.scopes[-1] == Filters(publishers=frozenset(["Báo Thử"]), since=date(2024, 3, 1))
    page.get_by_label("Đăng từ ngày").fill("hôm qua")
    ask(page, "Kim ngạch?")
    see(page, "không phải là một ngày")
    expect(box(page)).to_have_value("Kim ngạch?")
    expect(page.locator("#hd-within")).to_contain_text("Chỉ tìm trong: Báo Thử · từ hôm qua", timeout=PATIENCE)
    page.get_by_role("button", name="Hỏi cả kho").click()
    expect(page.get_by_label("Báo Thử")).not_to_be_checked(timeout=PATIENCE)
    expect(page.get_by_label("Đăng từ ngày")).to_have_value("")
    expect(page.locator("#hd-within")).to_be_hidden()


def test_an_article_leads_to_questions_about_it_alone(context: BrowserContext, site: str, engine: StandIn) -> None:
    page = context.new_page()
    page.goto(f"{site}articles")
    page.get_by_role("searchbox", name="Tìm trong các bài viết").fill("kim ngạch")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=TRADE.title).click()
    expect(page.locator("mark").first).to_be_visible()
    page.get_by_role("link", name="Hỏi về bài này").click()
    within = page.locator("#hd-within")
    expect(within).to_contain_text(f"Chỉ tìm trong: bài “{TRADE.title}”", timeout=PATIENCE)
    page.locator(".example").first.click()
    see(page, "36,6")
    assert engine.scopes[-1] == Filters(articles=frozenset([TRADE.id]))
    page.get_by_role("button", name="Hỏi cả kho").click()
    expect(within).to_be_hidden()
    assert page.url == site
    ask(page, "Kim ngạch nữa?")
    expect(page.locator(".hd-answer")).to_have_count(2, timeout=PATIENCE)
    assert engine.scopes[-1] == EVERYTHING


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


def test_a_hostile_article_is_inert_on_every_page(context: BrowserContext, site: str) -> None:
    page = context.new_page()
    page.goto(f"{site}?article={HOSTILE.id}")
    page.get_by_text("Chỉ tìm trong: bài “<script>window.hacked = 4</script> ![t]").wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Phạm vi tìm kiếm").click()
    expect(page.get_by_label("<b>Báo</b>")).to_be_visible()
    ask(page, "độc hại ![ảnh](http://evil.example/q.png) <img src=http://evil.example/q2.png>")
    see(page, "<script>window.hacked = 1</script>")
    see(page, "![ảnh](http://evil.example/a.png)")
    page.get_by_text("Câu hỏi được hiểu thế nào").click()
    chat = page.locator("#hd-chat")
    assert page.locator(":is(#hd-chat, #hd-within, #hd-scope) :is(img, iframe, form, script, code, b)").count() == 0
    assert chat.locator("strong.hd-short").all_inner_texts() == [HOSTILE_SHORT] * 2
    targets = [link.get_attribute("href") or "" for link in chat.locator("a").all()]
    assert {target.split("?")[0] for target in targets} == {"articles/hostile"}
    page.mouse.move(400, 300)
    for path in (f"articles/{HOSTILE.id}?start=0&end={len(HOSTILE.text)}#quote", "articles", "articles?q=683"):
        page.goto(site + path)
        assert "<script>" in page.locator("main").inner_text()
        assert page.locator("main :is(img, iframe, script, b, i, code)").count() == 0
    assert page.locator("mark").first.inner_text() == "683"
    assert page.evaluate("window.hacked") is None


def test_a_conversation_is_saved_as_markdown_in_which_nothing_acts(page: Page) -> None:
    ask(page, "Kim ngạch *năm* 2023?")
    see(page, "36,6")
    page.get_by_role("button", name="Gửi").wait_for(timeout=PATIENCE)
    ask(page, "độc hại")
    see(page, "![ảnh](http://evil.example/a.png)")
    page.get_by_role("button", name="Gửi").wait_for(timeout=PATIENCE)
    ask(page, "hỏng")
    see(page, "Đã có lỗi ngoài dự kiến")
    with page.expect_download() as download:
        page.get_by_role("button", name="Tải về").click()
    assert re.fullmatch(r"hoi-dap-\d{4}-\d\d-\d\d\.md", download.value.suggested_filename)
    text = download.value.path().read_text("utf-8")
    assert "## Kim ngạch \\*năm\\* 2023?" in text
    assert "Tổng kim ngạch năm 2023 đạt 683 tỷ USD. \\[1\\]\n" in text
    assert f". <{TRADE.url}>\n> Tổng kim ngạch năm 2023 đạt 683 tỷ USD.\n" in text
    assert "Đã có lỗi ngoài dự kiến" in text
    tokens = MarkdownIt("commonmark").parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in inline} <= {"text", "softbreak", "em_open", "em_close", "link_open", "link_close"}
    assert not [token for token in tokens if token.type.startswith("html")]
    links = {str(token.attrs["href"]) for token in inline if token.type == "link_open"}
    assert links <= {TRADE.url, page.url + f"articles/{HOSTILE.id}?start=0&end={len(HOSTILE.text)}#quote"}


def test_the_short_answer_is_bold_and_how_it_was_found_opens(page: Page) -> None:
    ask(page, "khong dau")
    see(page, "Tổng kim ngạch năm 2023 đạt 683 tỷ USD.")
    short = page.locator(".hd-answer strong.hd-short")
    expect(short).to_have_text(["683 tỷ USD"] * 2)
    for one in short.all():
        expect(one).to_have_css("font-weight", "700")
    step, considered = page.get_by_text("Thêm dấu: không dấu"), page.get_by_text("trùng từ 12,50")
    expect(step).to_be_hidden()
    page.get_by_text("Câu hỏi được hiểu thế nào").click()
    expect(step).to_be_visible()
    expect(considered).to_be_visible()


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
    assert copied[2].endswith("Tổng kim ngạch năm 2023 đạt 683 tỷ USD. [1]")


def test_an_answer_can_be_copied_as_text(context: BrowserContext, page: Page, site: str) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "Kim ngạch?")
    see(page, "36,6")
    page.get_by_role("button", name="Sao chép câu trả lời").click()
    page.get_by_role("button", name="Đã sao chép").wait_for(timeout=PATIENCE)
    first, second, _, heading, source, *_ = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert first == "Tổng kim ngạch năm 2023 đạt 683 tỷ USD. [1]"
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


QUESTIONS = {
    "answered": "khong dau",
    "refused": "không có",
    "near": "gần nhất",
    "unsure": "không chắc",
    "failed": "hỏng",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_violation_of_level_a_or_aa(browser: Browser, site: str, scheme: str) -> None:
    axe = Axe()
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True)  # to put axe in
    page.goto(f"{site}?article={TRADE.id}")
    page.locator(".example").first.wait_for(timeout=PATIENCE)
    seen = {"empty": axe.run(page, options=AXE)}
    page.get_by_role("button", name="Phạm vi tìm kiếm").click()
    for name, question in QUESTIONS.items():
        ask(page, question)
        page.get_by_role("button", name="Gửi").wait_for(timeout=PATIENCE)
        page.locator(".hd-tools").nth(len(seen) - 1).wait_for(timeout=PATIENCE)
        seen[name] = axe.run(page, options=AXE)
    page.get_by_text("Câu hỏi được hiểu thế nào").first.click()
    seen["how"] = axe.run(page, options=AXE)
    for path in ("articles", "articles?q=kim", "articles/x", f"articles/{TRADE.id}?start=0&end=60#quote"):
        page.goto(site + path)
        seen[path] = axe.run(page, options=AXE)
    page.close()
    assert {name: result.generate_report() for name, result in seen.items() if result.violations_count} == {}


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
