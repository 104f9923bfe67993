"""The pictures of the README, of the real pages over the seed articles: `python -m tests.screenshots` takes them."""

from __future__ import annotations

import json
import os
import random
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from eval.feedback import FeedbackStore
from rag.pipeline import open_pipeline
from rag.settings import load_settings
from tests.browser import chromium, hoidap_serve
from tests.test_browser_operator import file, put, visit
from ui.recorder import exchange_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DOCS = Path(__file__).resolve().parents[1] / "docs"
DESKTOP, PHONE = (1000, 720), (390, 720)
QUESTION = "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?"
GOLD = DOCS.parent / "eval" / "gold" / "dev.jsonl"
PASSWORD = "chỉ để chụp ảnh"  # noqa: S105
PATIENCE = 120_000  # milliseconds: the first page waits for the model


def ask(page: Page, question: str) -> None:
    """Ask, and wait for the whole answer."""
    before = page.locator(".hd-answer").count()
    box = page.get_by_role("textbox", name="Câu hỏi của bạn")
    box.fill(question)
    box.press("Enter")
    page.locator(".hd-answer").nth(before).wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="Gửi").wait_for(timeout=PATIENCE)
    page.wait_for_timeout(500)  # the buttons change places softly


def take(browser: Browser, address: str, name: str, size: tuple[int, int], *questions: str) -> None:
    """The page at `address` as `docs/{name}.png`, after `questions` were asked on it."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, locale="vi-VN")
    page.goto(address)
    page.locator(".hd-told" if questions else "main").wait_for(state="attached", timeout=PATIENCE)
    for question in questions:
        ask(page, question)
    page.screenshot(path=DOCS / f"{name}.png")
    page.close()


def take_widget(browser: Browser, address: str) -> None:
    """The demonstration with its panel open, as `docs/widget.png`."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="vi-VN")
    page.goto(f"{address}widget/demo")
    page.evaluate("question => hoidap.open(question)", QUESTION)
    page.frame_locator("iframe").locator(".hd-complete").wait_for(timeout=PATIENCE)
    page.wait_for_timeout(500)
    page.screenshot(path=DOCS / "widget.png")
    page.close()


def keep_a_month(index: Path) -> None:
    """Fill the store beside `index` with gold questions, truly answered; how often, when and how liked is by chance."""
    settings = load_settings(index_dir=index)
    pipeline, store = open_pipeline(settings), FeedbackStore(settings.feedback_file)
    chance = random.Random(1)  # noqa: S311 # not for secrets
    gold = [json.loads(line) for line in GOLD.read_text(encoding="utf-8").splitlines()]
    questions = [one["question"] for one in gold if not one.get("history")]
    chance.shuffle(questions)
    pipeline.ask(QUESTION)  # loads the models, whose time is nobody's
    pipeline.forget()
    for number, question in enumerate(questions):
        kept = exchange_of(pipeline.ask(question), "")
        for again in range(1 + 40 // (1 + number)):
            name, ago = f"{number}-{again}", timedelta(days=chance.uniform(0, 29))
            store.add(replace(kept, id=name, session=name, time=kept.time - ago))
            store.rate(name, chance.choices(("up", "down", None), (15, 5, 80))[0])
    store.close()


def take_admin(browser: Browser, address: str) -> None:
    """The operator's page, as `docs/admin.png`."""
    page = browser.new_page(
        viewport={"width": 1120, "height": 1500},
        locale="vi-VN",
        http_credentials={"username": "quản trị", "password": PASSWORD},
    )
    page.goto(f"{address}admin")
    page.locator("main").wait_for(timeout=PATIENCE)
    page.screenshot(path=DOCS / "admin.png")
    page.close()


def take_operator(browser: Browser, address: str) -> None:
    """The operator's articles with files that were dropped, as `docs/operator.png`."""
    text = (DOCS.parent / "seeds" / "hoi-nghi-co-quan-dai-dien-2024.md").read_text("utf-8").replace("id: ", "tags: ", 1)
    page = visit(browser, address, PASSWORD, viewport={"width": 1120, "height": 1150})
    lines = '{"title": "Kế hoạch năm 2025", "text": "Nội dung kế hoạch năm 2025."}\n{"title": "Kế hoạch'
    put(page, ("hoi-nghi.md", text), ("ke-hoach.jsonl", lines), ("hoi-nghi.txt", text))
    file(page, "hoi-nghi.txt", "clash")
    page.screenshot(path=DOCS / "operator.png")
    page.context.close()


def main() -> None:
    """Take all of them."""
    os.environ["HOIDAP_ADMIN_PASSWORD"] = PASSWORD
    with tempfile.TemporaryDirectory() as folder, hoidap_serve(Path(folder)) as address, chromium() as browser:
        take(browser, address, "chat", DESKTOP, QUESTION)
        take(browser, address, "phone", PHONE, "tong kim ngach xuat nhap khau nam 2023")
        article = "articles/hoi-nghi-co-quan-dai-dien-2024?start=498&end=585"
        take(browser, address + article, "article", DESKTOP)
        take_widget(browser, address)
        keep_a_month(Path(folder) / "index")
        take_admin(browser, address)
        take_operator(browser, address)


if __name__ == "__main__":
    main()
