"""The widget in a real Chromium, on a page of another site under a policy as strict as such a page may have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from rag.schema import EVERYTHING, Filters
from rag.settings import Settings
from tests.browser import AXE, MISSING, chromium, plain_chromium, serving
from tests.stand_in import StandIn
from ui.app import create_app

if not MISSING:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import expect
if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, FrameLocator, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

PATIENCE = 20_000  # milliseconds to wait for what should come at once
NO_SITE_DATA = {"profile": {"default_content_setting_values": {"cookies": 2}}}
NO_THIRD_PARTY_DATA = {"profile": {"cookie_controls_mode": 1, "block_third_party_cookies": True}}
STORAGE = "() => { try { localStorage; return 'open' } catch { return 'blocked' } }"
FOCUS = "() => document.querySelector('hoidap-widget').shadowRoot.activeElement?.tagName"


class Portal:
    """A page of another site, that carries the widget of the chat at `chat`."""

    def __init__(self) -> None:
        self.chat = ""
        self.app = FastAPI()
        self.app.get("/")(self.page)

    def page(self) -> HTMLResponse:
        origin = self.chat.rstrip("/")
        policy = f"default-src 'none'; script-src {origin}; frame-src {origin}; require-trusted-types-for 'script'"
        script = (
            f'<script src="{self.chat}widget.js" data-title="Hỏi <b>Cổng</b>" data-color="#ffd54a" '
            'data-position="left" data-filter-publisher="Báo Thử" data-theme="dark" defer></script>'
        )
        body = f'<!doctype html><html lang="vi"><title>Cổng</title>{script}<h1>Cổng thông tin</h1><a href="/">Tin</a>'
        return HTMLResponse(body, headers={"Content-Security-Policy": policy})


@pytest.fixture(scope="module")
def engine() -> StandIn:
    return StandIn()


@pytest.fixture(scope="module")
def portal(engine: StandIn) -> Iterator[str]:
    """The address of a page that may carry the widget. By another name, 127.0.0.1, it may not."""
    site = Portal()
    with serving(site.app) as stranger:
        allowed = stranger.replace("127.0.0.1", "localhost")
        with serving(create_app(engine, Settings(allowed_origins=(allowed.rstrip("/"),)))) as site.chat:
            yield allowed


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(locale="vi-VN")
    yield page
    page.close()


def launcher(page: Page) -> Locator:
    return page.get_by_role("button", name="Mở hỏi đáp")


def frame(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def box(page: Page) -> Locator:
    return frame(page).get_by_role("textbox", name="Câu hỏi của bạn")


def ask(page: Page, question: str) -> None:
    box(page).fill(question, timeout=PATIENCE)
    box(page).press("Enter")


def _is_complaint(message: ConsoleMessage) -> bool:
    """An error, but for the one that Gradio wants the focus when it has loaded; the widget gives it when it is due."""
    return message.type == "error" and "Blocked autofocusing" not in message.text


def watch(context: BrowserContext) -> tuple[list[str], list[str]]:
    """What is requested and what the browser complains of from now on."""
    requests: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda request: requests.append(request.url))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda message: complaints.extend([message.text] * _is_complaint(message)))
    return requests, complaints


def test_it_works_on_another_site_with_a_strict_policy_and_site_data_blocked(
    portal: str, engine: StandIn, tmp_path: Path
) -> None:
    with plain_chromium(tmp_path / "profile", NO_SITE_DATA) as context:
        requests, complaints = watch(context)
        page = context.pages[0]
        page.goto(portal)
        launcher(page).wait_for(timeout=PATIENCE)
        assert page.evaluate(STORAGE) == "blocked"
        assert [url.split("/")[-1] for url in requests] == ["", "widget.js"], "nothing more before the first click"
        launcher(page).click()
        ask(page, "Kim ngạch?")
        answer = frame(page).locator(".hd-answer")
        expect(answer).to_contain_text("36,6", timeout=PATIENCE)
        expect(answer.locator(".hd-card")).to_have_count(2)
        expect(answer.locator("blockquote").first).to_contain_text("683 tỷ USD")
        within = page.frames[1]
        assert within.evaluate(STORAGE) == "blocked"
        expect(frame(page).locator("#hd-within")).to_contain_text("Chỉ tìm trong: Báo Thử")
        assert engine.scopes[-1] == Filters(publishers=frozenset(["Báo Thử"]))
        assert within.evaluate("() => document.body.classList.contains('dark')")
        with context.expect_page() as opened:
            answer.locator("a.hd-ref").first.click()
        opened.value.locator("mark#quote").wait_for(timeout=PATIENCE)
        box(page).press("Escape")
        expect(launcher(page)).to_be_visible()
        assert page.evaluate(FOCUS) == "BUTTON"
        assert [url for url in requests if not re.match(r"http://(127\.0\.0\.1|localhost):\d+/|data:", url)] == []
        assert complaints == []


def test_the_conversation_goes_on_and_the_panel_stays_open_on_the_next_page(
    portal: str, engine: StandIn, tmp_path: Path
) -> None:
    with plain_chromium(tmp_path / "profile", NO_THIRD_PARTY_DATA) as context:
        page = context.pages[0]
        page.goto(portal)
        page.evaluate("hoidap.open('Kim ngạch?')")
        expect(frame(page).locator(".hd-answer")).to_contain_text("36,6", timeout=PATIENCE)
        page.get_by_role("link", name="Tin", exact=True).evaluate("link => link.click()")
        expect(frame(page).locator(".hd-answer")).to_contain_text("36,6", timeout=PATIENCE)
        expect(frame(page).locator(".hd-question")).to_contain_text("Kim ngạch?")
        page.get_by_role("button", name="Đóng").click()
        requests, _ = watch(context)
        page.reload()
        launcher(page).wait_for(timeout=PATIENCE)
        assert requests[requests.index(portal) :] == [portal, requests[-1]]
        assert requests[-1].endswith("/widget.js")
        launcher(page).click()
        frame(page).get_by_role("button", name="Hỏi cả kho").click(timeout=PATIENCE)
        expect(frame(page).locator("#hd-within")).to_be_hidden(timeout=PATIENCE)
        ask(page, "Còn nữa?")
        expect(frame(page).locator(".hd-answer")).to_have_count(2, timeout=PATIENCE)
        assert engine.scopes[-2:] == [Filters(publishers=frozenset(["Báo Thử"])), EVERYTHING]
        frame(page).get_by_role("button", name="Cuộc trò chuyện mới").click()
        expect(frame(page).locator(".hd-answer")).to_have_count(0, timeout=PATIENCE)
        page.reload()
        box(page).wait_for(timeout=PATIENCE)
        expect(frame(page).locator(".hd-answer")).to_have_count(0)


def test_a_page_that_is_not_listed_is_refused_and_says_so(page: Page, portal: str) -> None:
    page.clock.install()
    page.goto(portal.replace("localhost", "127.0.0.1"))
    with page.expect_event("console", lambda message: "frame-ancestors" in message.text, timeout=PATIENCE):
        launcher(page).click()
    page.clock.fast_forward(30_000)
    expect(page.get_by_role("status")).to_contain_text("Chưa mở được hỏi đáp ở đây")
    assert page.get_by_role("link", name="Mở trang hỏi đáp trong thẻ mới").get_attribute("target") == "_blank"


def test_closing_the_panel_stops_the_answer(page: Page, portal: str, engine: StandIn) -> None:
    engine.go.clear()
    engine.closed.clear()
    engine.read_to_its_end = False
    page.goto(portal)
    launcher(page).click()
    ask(page, "Câu hỏi chậm")
    frame(page).get_by_text("683").first.wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Đóng").click()
    frame(page).locator(".hd-stopped").wait_for(state="attached", timeout=PATIENCE)
    engine.go.set()
    assert engine.closed.wait(10)
    assert not engine.read_to_its_end


def test_messages_of_others_are_not_heard(page: Page, portal: str) -> None:
    page.goto(portal)
    launcher(page).click()
    box(page).wait_for(timeout=PATIENCE)
    page.evaluate("window.postMessage({ hoidap: 'close' }, '*')")
    page.frames[1].evaluate("window.postMessage({ hoidap: 'open', question: 'Kim ngạch?' }, '*')")
    page.wait_for_timeout(300)
    expect(launcher(page)).to_be_hidden()
    expect(box(page)).to_have_value("")
    expect(frame(page).locator(".hd-question")).to_have_count(0)


def test_the_keyboard_stays_in_the_panel_and_finds_everything(page: Page, portal: str) -> None:
    page.goto(portal)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS) == "BUTTON"
    page.keyboard.press("Enter")
    expect(box(page)).to_be_focused(timeout=PATIENCE)
    frame(page).get_by_role("button", name="Hỏi cả kho").wait_for(timeout=PATIENCE)
    for key in ("Tab", "Shift+Tab"):
        within, around = set(), set()
        for _ in range(20):
            page.keyboard.press(key)
            within.add(page.evaluate(FOCUS))
            around.add(page.evaluate("document.activeElement.tagName"))
        assert within >= {"A", "BUTTON", "IFRAME"}, key
        assert around <= {"HOIDAP-WIDGET", "BODY"}, key  # it is nowhere for a moment, on its way into the frame
    panel = page.get_by_role("dialog", name="Hỏi <b>Cổng</b>")
    expect(panel.get_by_role("heading")).to_have_text("Hỏi <b>Cổng</b>")


def test_it_fills_a_phone_and_chooses_readable_ink(page: Page, portal: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(portal)
    spot = launcher(page).bounding_box()
    assert spot
    assert spot["x"] < 100, "on the left"
    assert launcher(page).evaluate("e => getComputedStyle(e).color") == "rgb(0, 0, 0)"  # on yellow
    launcher(page).click()
    box(page).wait_for(timeout=PATIENCE)
    assert page.get_by_role("dialog").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 800}
    assert page.frames[1].evaluate("document.documentElement.scrollWidth") <= 390


def test_the_demonstration_asks_from_its_search_box(page: Page, portal: str, engine: StandIn) -> None:
    engine.go.set()
    page.goto(portal)
    home = page.locator("script").get_attribute("src") or ""
    _, complaints = watch(page.context)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(home.replace("widget.js", "widget/demo"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("Hỏi trợ lý").fill("Kim ngạch?")
    page.keyboard.press("Enter")
    expect(frame(page).locator(".hd-answer")).to_contain_text("36,6", timeout=PATIENCE)
    assert page.evaluate("window.hacked") is None
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_violation_of_level_a_or_aa(browser: Browser, portal: str, scheme: str) -> None:
    axe = Axe()
    context = browser.new_context(
        locale="vi-VN",
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # to put axe in
    )
    page = context.new_page()
    page.goto(portal)
    launcher(page).click()
    ask(page, "khong dau")
    frame(page).locator(".hd-tools").first.wait_for(timeout=PATIENCE)
    (inside,) = page.frames[1:]
    seen = {"around": axe.run(page, options=AXE)}
    # Of another origin, so axe has to be put into the frame's page by itself.
    page.goto(inside.url)
    box_inside = page.get_by_role("textbox", name="Câu hỏi của bạn")
    box_inside.fill("khong dau", timeout=PATIENCE)
    box_inside.press("Enter")
    page.locator(".hd-tools").first.wait_for(timeout=PATIENCE)
    seen["inside"] = axe.run(page, options=AXE)
    context.close()
    assert {name: result.generate_report() for name, result in seen.items() if result.violations_count} == {}
