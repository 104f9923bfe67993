"""The operator's articles in a real Chromium: dropped, seen, added, asked about, removed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from index.local import LocalIndex
from rag.corpus import Corpus
from rag.generation.extractive import ExtractiveGenerator
from rag.pipeline import Pipeline
from rag.settings import Settings
from rag.vietnamese.terms import FIELDS
from tests.browser import AXE, MISSING, chromium, serving
from tests.conftest import HashEmbedder, calibration_of, make_article
from tests.stand_in import HOSTILE, HOSTILE_TEXT
from tests.test_browser import PATIENCE, ask
from ui.app import create_app

if not MISSING:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import expect
if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

PASSWORD = "mật khẩu quản trị"  # noqa: S105
BRIDGE = """---
title: Khánh thành cầu Mới
publisher: Báo Hà Tĩnh
published: 2024-05-01
---
## Cây cầu

Cầu Mới dài 860 mét, rộng 12 mét. Cầu được khánh thành ở Hà Tĩnh.
"""
DROP = """([zone, files]) => {
  const data = new DataTransfer();
  for (const [name, text] of files) { data.items.add(new File([text], name)); }
  const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  document.querySelector(zone).dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def shared_corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    index = LocalIndex(tmp_path_factory.mktemp("operator") / "index", FIELDS)
    yield Corpus(index, HashEmbedder)
    index.close()


@pytest.fixture(scope="module")
def site(shared_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(index_dir=tmp_path_factory.mktemp("kept") / "index", admin_password=PASSWORD)  # type: ignore[arg-type]
    pipeline = Pipeline(shared_corpus, ExtractiveGenerator(), calibration_of("hash"))
    with serving(create_app(pipeline, settings, shared_corpus)) as address:
        yield address


@pytest.fixture
def corpus(shared_corpus: Corpus) -> Corpus:
    """The corpus that `site` shows, with two articles in it, one of them hostile."""
    shared_corpus.index.delete([article.id for article in shared_corpus.articles()])
    shared_corpus.add([make_article("cu"), HOSTILE])
    return shared_corpus


def visit(browser: Browser, site: str, password: str = PASSWORD, **options: object) -> Page:
    credentials = {"username": "quản trị", "password": password, "send": "unauthorized"}
    context = browser.new_context(locale="vi-VN", http_credentials=credentials, **options)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{site}admin/articles")
    return page


@pytest.fixture
def page(browser: Browser, site: str, corpus: Corpus) -> Iterator[Page]:
    """The page, which may not try what its policy forbids."""
    page = visit(browser, site, viewport={"width": 1000, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.extend([message.text] * (message.type == "error")))
    yield page
    page.context.close()
    assert [text for text in complaints if not re.search("status of 4|ERR_FAILED", text)] == []


def put(page: Page, *files: tuple[str, str]) -> None:
    """Drop files of these names and texts."""
    page.evaluate(DROP, ["#drop", files])


def file(page: Page, name: str, state: str = "") -> Locator:
    """What the queue shows of a file, once it is in that state."""
    row = page.locator(".file", has=page.get_by_role("heading", name=name, exact=True))
    if state:
        expect(row).to_have_attribute("data-state", state, timeout=PATIENCE)
    return row


def test_files_are_dropped_seen_added_asked_about_and_removed(page: Page, site: str, corpus: Corpus) -> None:
    put(
        page,
        ("cau-moi.md", BRIDGE),
        ("hai.jsonl", '{"title": "h1", "text": "Một bài."}\n{"title": "h2", "text": "Hai bài."}'),
    )
    bridge, two = file(page, "cau-moi.md", "ready"), file(page, "hai.jsonl", "ready")
    expect(bridge.locator(".title")).to_have_text("Khánh thành cầu Mới")
    expect(bridge.locator(".facts")).to_contain_text("Báo Hà Tĩnh")
    bridge.locator(".content summary").click()
    expect(bridge.locator(".lines")).to_contain_text("Cầu Mới dài 860 mét")
    expect(two.locator(".title")).to_have_text("2 bài viết")
    assert [article.id for article in corpus.articles()] == ["cu", HOSTILE.id]
    page.get_by_role("button", name="Thêm tất cả 2 tệp đã đọc").click()
    expect(file(page, "cau-moi.md", "added")).to_contain_text("Đã thêm “Khánh thành cầu Mới”.")
    expect(file(page, "hai.jsonl", "added")).to_contain_text("thêm 2 bài")
    expect(page.locator("#held")).to_contain_text("5 bài viết trong kho")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Xem bài viết").click(modifiers=["Control"])
    expect(opened.value.get_by_role("heading", name="Khánh thành cầu Mới")).to_be_visible(timeout=PATIENCE)

    chat = page.context.new_page()
    chat.goto(site)
    chat.locator("#hd-token").wait_for(state="attached", timeout=PATIENCE)
    ask(chat, "Cầu Mới dài bao nhiêu mét?")
    expect(chat.locator(".hd-answer").last).to_contain_text("860 mét", timeout=PATIENCE)

    for name in ("h1", "Khánh thành cầu Mới"):
        page.get_by_role("checkbox", name=f"Chọn bài {name}", exact=True).check()
    page.get_by_role("button", name="Gỡ 2 bài đã chọn").click()
    dialog = page.get_by_role("dialog", name="Gỡ 2 bài khỏi kho?")
    expect(dialog.get_by_role("listitem")).to_have_text(["Khánh thành cầu Mới", "h1"])
    dialog.get_by_role("button", name="Gỡ khỏi kho").click()
    expect(page.locator("#done")).to_have_text("Đã gỡ 2 bài.", timeout=PATIENCE)
    expect(page.locator("#holding")).to_be_focused()
    assert [article.id for article in corpus.articles()] == ["cu", "h2", HOSTILE.id]


def test_keys_alone_choose_leave_and_remove(page: Page, corpus: Corpus) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("#files").press("Enter")
    chooser.value.set_files({"name": "a.md", "mimeType": "text/markdown", "buffer": BRIDGE.encode()})
    file(page, "a.md", "ready").get_by_role("button", name="Bỏ a.md").press("Enter")
    expect(page.locator(".file")).to_have_count(0)
    expect(page.locator("#files")).to_be_focused()
    page.get_by_role("button", name="Gỡ bài Tiêu đề cu").press("Enter")
    expect(page.get_by_role("button", name="Không gỡ")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Gỡ bài Tiêu đề cu")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#done")).to_have_text("Đã gỡ “Tiêu đề cu”.", timeout=PATIENCE)
    assert [article.id for article in corpus.articles()] == [HOSTILE.id]


def test_what_cannot_go_in_is_told_at_its_file_and_the_rest_goes_on(page: Page, corpus: Corpus) -> None:
    other = BRIDGE.replace("860", "870")
    put(
        page,
        ("anh.exe", "MZ"),
        ("rong.md", ""),
        ("hong.md", "%PDF-1.7"),
        ("cau.md", BRIDGE),
        ("cau.txt", other),
        ("doc.md", f"---\ntitle: <b>đậm</b>\n---\n{HOSTILE_TEXT}"),
    )
    expect(file(page, "anh.exe", "failed")).to_contain_text("Loại tệp này không đọc được")
    expect(file(page, "rong.md", "failed")).to_contain_text("Tệp này rỗng")
    expect(file(page, "hong.md", "failed").locator(".detail")).to_contain_text("hong.md ")
    expect(file(page, "doc.md", "ready").locator(".title")).to_have_text("<b>đậm</b>")
    assert page.locator("main :is(img, iframe, script:not([src]), b, i, form:not(.search))").count() == 0
    clash = file(page, "cau.txt", "clash")
    expect(clash).to_contain_text("Trùng mã bài với tệp “cau.md”")
    file(page, "cau.md", "ready").get_by_role("button", name="Thêm vào kho").click()
    file(page, "cau.md", "added")
    expect(file(page, "cau.txt", "ready").locator(".notes")).to_contain_text("Sẽ thay bài đang có cùng mã trong kho")
    assert {article.id for article in corpus.articles()} == {"cu", "cau", HOSTILE.id}
    assert page.evaluate("window.hacked") is None


def test_a_connection_that_is_lost_is_told_and_can_be_tried_again(page: Page, corpus: Corpus) -> None:
    page.route("**/articles/add*", lambda route: route.abort(), times=1)
    put(page, ("cau.md", BRIDGE))
    file(page, "cau.md", "ready").get_by_role("button", name="Thêm vào kho").click()
    lost = file(page, "cau.md", "failed")
    expect(lost).to_contain_text("Mất kết nối giữa chừng")
    lost.get_by_role("button", name="Thử lại").click()
    file(page, "cau.md", "ready").get_by_role("button", name="Thêm vào kho").click()
    file(page, "cau.md", "added")
    assert "cau" in [article.id for article in corpus.articles()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_and_fits_a_phone(
    browser: Browser, site: str, corpus: Corpus, scheme: str, tmp_path: Path
) -> None:
    page = visit(browser, site, viewport={"width": 390, "height": 800}, color_scheme=scheme, bypass_csp=True)
    long = "Mộttừrấtdài" * 20
    put(
        page,
        ("cau.md", BRIDGE),
        ("cau.txt", BRIDGE),
        ("hong.md", "\x00"),
        (f"{long}.md", f"---\ntitle: {long}\n---\n{long}"),
    )
    for name, state in (("cau.md", "ready"), ("cau.txt", "clash"), ("hong.md", "failed"), (f"{long}.md", "ready")):
        file(page, name, state)
    file(page, "cau.md").locator(".content summary").click()
    axe = Axe()
    seen = {"queue": axe.run(page, options=AXE)}
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Gỡ bài Tiêu đề cu").click()
    seen["dialog"] = axe.run(page, options=AXE)
    page.context.close()
    assert {name: result.generate_report() for name, result in seen.items() if result.violations_count} == {}
