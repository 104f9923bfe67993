"""Behind a real nginx, by the very file that docs/ recommends: at a path of another site, streaming at once."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from fastapi import FastAPI

from index.local import LocalIndex
from rag.corpus import Corpus
from rag.settings import Settings
from rag.vietnamese.terms import FIELDS
from tests.browser import MISSING, chromium, serving
from tests.conftest import HashEmbedder
from tests.stand_in import StandIn
from tests.test_admin import PASSWORD
from tests.test_admin_articles import OURS
from ui.app import create_app

if not MISSING:
    from playwright.sync_api import expect
if TYPE_CHECKING:
    from playwright.sync_api import Page

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
    pytest.mark.skipif(not NGINX, reason="needs nginx: apt-get install nginx"),
]

SITE = (Path(__file__).resolve().parents[1] / "docs" / "nginx.conf").read_text("utf-8")
PATIENCE = 20_000  # milliseconds


@pytest.fixture(scope="module")
def engine() -> StandIn:
    return StandIn()


@pytest.fixture(scope="module")
def app(engine: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    folder = tmp_path_factory.mktemp("operator") / "index"
    index = LocalIndex(folder, FIELDS)
    settings = Settings(index_dir=folder, admin_password=PASSWORD)  # type: ignore[arg-type]
    yield create_app(engine, settings, Corpus(index, HashEmbedder))
    index.close()


@pytest.fixture(scope="module")
def address(app: FastAPI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where nginx shows the chat: nothing but the two addresses of docs/nginx.conf is changed."""
    folder = tmp_path_factory.mktemp("nginx")
    with serving(app) as upstream:
        port = free_port()
        assert "listen 80;" in SITE
        assert "http://127.0.0.1:7860/" in SITE
        site = SITE.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("http://127.0.0.1:7860/", upstream)
        (folder / "site.conf").write_text(site, "utf-8")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}} "
            f"http {{ access_log off; {folders} include {folder}/site.conf; }}",
            "utf-8",
        )
        command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        with subprocess.Popen(command) as nginx:
            try:
                wait_for(port)
                yield f"http://127.0.0.1:{port}/tro-ly/"
            finally:
                nginx.terminate()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("nginx did not start")


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page(locale="vi-VN")
        yield page


def test_the_first_words_come_while_the_rest_is_still_being_written(page: Page, address: str, engine: StandIn) -> None:
    engine.go.clear()
    engine.read_to_its_end = False
    outside: list[str] = []
    page.on("request", lambda request: outside.extend([request.url] * (not request.url.startswith((address, "data:")))))
    page.goto(address)
    box = page.get_by_role("textbox", name="Câu hỏi của bạn")
    box.fill("Câu hỏi chậm", timeout=PATIENCE)
    box.press("Enter")
    answer = page.locator(".hd-answer")
    expect(answer).to_contain_text("683 tỷ USD", timeout=PATIENCE)
    assert not engine.read_to_its_end, "the engine still waits: nginx has not held the words back"
    expect(answer).not_to_contain_text("36,6")
    engine.go.set()
    expect(answer).to_contain_text("36,6", timeout=PATIENCE)
    assert outside == []
    with page.expect_popup() as opened:
        answer.locator("a.hd-ref").first.click()
    assert opened.value.url.startswith(f"{address}articles/")
    expect(opened.value.locator("mark#quote")).to_contain_text("683", timeout=PATIENCE)


def test_the_widget_works_there_too(page: Page, address: str, engine: StandIn) -> None:
    engine.go.set()
    page.goto(f"{address}widget/demo")
    page.get_by_role("button", name="Mở hỏi đáp").click()
    frame = page.frame_locator("iframe")
    box = frame.get_by_role("textbox", name="Câu hỏi của bạn")
    box.fill("Kim ngạch?", timeout=PATIENCE)
    box.press("Enter")
    expect(frame.locator(".hd-answer")).to_contain_text("36,6", timeout=PATIENCE)


def test_an_operator_may_send_much_and_nobody_else(address: str) -> None:
    large, params = b"a" * 1_500_000, {"name": "to.md"}
    ours = {**OURS, "Origin": address.removesuffix("/tro-ly/")}
    answer = httpx.post(f"{address}admin/articles/read", content=large, params=params, headers=ours)
    assert answer.status_code == 200
    assert '"preview"' in answer.text
    theirs = {**ours, "Origin": "http://evil.example"}
    assert httpx.post(f"{address}admin/articles/remove", json={"ids": ["x"]}, headers=theirs).status_code == 403
    assert httpx.post(f"{address}articles", content=large).status_code == 413


def test_without_the_slash_one_is_led_there(address: str) -> None:
    answer = httpx.get(address.removesuffix("/"))
    assert answer.status_code == 301
    assert answer.headers["location"] == address
