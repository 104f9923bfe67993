"""A language model behind the real page: what is shown while it is waited for, and that a closed page lets it go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from rag.pipeline import Pipeline
from rag.settings import Settings
from tests.browser import MISSING, chromium, serving
from tests.conftest import calibration_of
from tests.llm_server import Server
from tests.llm_server import serving as serving_model
from tests.test_llm import FREED, GOOD, QUESTION, corpus, generator  # noqa: F401 # a fixture
from ui.app import create_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from rag.corpus import Corpus

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(MISSING), reason=MISSING)]
PATIENCE = 60_000  # milliseconds


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving_model() as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def engine(corpus: Corpus, server: Server, name: str) -> Pipeline:  # noqa: F811
    writer = generator(server, name, model_first_seconds=30, model_between_seconds=30)
    return Pipeline(corpus, writer, calibration_of("hash", refuse_below=0.001, answer_from=0.002))


def ask(page: Page) -> None:
    box = page.get_by_role("textbox", name="Câu hỏi của bạn")
    box.wait_for(timeout=PATIENCE)
    box.fill(QUESTION)
    box.press("Enter")


def test_a_page_tells_that_it_is_waited_for_and_lets_go_when_it_is_closed(
    browser: Browser,
    corpus: Corpus,  # noqa: F811
    server: Server,
) -> None:
    with serving(create_app(engine(corpus, server, "silent"), Settings())) as url:
        page = browser.new_page(locale="vi-VN")
        page.goto(url)
        ask(page)
        page.get_by_text("mô hình ngôn ngữ đang viết câu trả lời").wait_for(timeout=PATIENCE)
        assert server.waits_for(1, FREED)
        page.close()
        assert server.waits_for(0, FREED)


def test_a_page_says_what_became_of_the_models_words(
    browser: Browser,
    corpus: Corpus,  # noqa: F811
    server: Server,
) -> None:
    server.says = f"{GOOD} Vốn FDI năm 2023 đạt 36,6 tỷ USD [1]."
    with serving(create_app(engine(corpus, server, "good"), Settings())) as url:
        page = browser.new_page(locale="vi-VN")
        page.goto(url)
        ask(page)
        page.locator(".hd-complete").wait_for(timeout=PATIENCE)
        assert "683 tỉ USD." in page.locator(".hd-complete").inner_text()
        assert "36,6" not in page.locator(".hd-complete").inner_text()
        page.get_by_text("Câu hỏi được hiểu thế nào").click()
        page.get_by_text("Mô hình openai:good: 2 câu được dùng, 1 câu bị bỏ vì không khớp").wait_for(timeout=PATIENCE)
        page.close()
