"""A headless Chromium for the tests of the pages, and the servers that they visit."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI

from rag.settings import Settings
from ui.app import listen, url_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

CHROMIUM = os.environ.get("HOIDAP_TEST_CHROMIUM") or shutil.which("chromium")
MISSING = (
    "needs playwright: pip install playwright"
    if not find_spec("playwright")
    else "needs a Chromium: apt-get install chromium (or name one in HOIDAP_TEST_CHROMIUM)"
    if not CHROMIUM
    else ""
)
"""Why the tests cannot run here, with the remedy; "" when they can."""

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_REPOSITORY = Path(__file__).resolve().parents[1]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, closed in the end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def plain_chromium(folder: Path, preferences: Mapping[str, object]) -> Iterator[BrowserContext]:
    """A browser as a person has it, with its profile and these preferences in `folder`.

    One that Playwright starts has the partitions of third-party storage switched off, and fails where none would.
    """
    from playwright.sync_api import sync_playwright

    (folder / "Default").mkdir(parents=True)
    (folder / "Default" / "Preferences").write_text(json.dumps(preferences), encoding="utf-8")
    command = [str(CHROMIUM), *_ARGUMENTS, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    with subprocess.Popen([*command, "about:blank"], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            address = next((found for line in process.stderr if (found := re.search(r"ws://\S+", line))), None)
            assert address, "Chromium did not start"
            with sync_playwright() as playwright:
                browser = playwright.chromium.connect_over_cdp(address.group())
                yield browser.contexts[0]
                browser.close()
        finally:
            process.terminate()


AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
"""What axe-core is to look for: what breaks WCAG 2.2 at the levels A and AA."""


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The address of `app`, served by a thread of this process."""
    with listen(Settings(port=0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield url_of(listener)
        finally:
            server.should_exit = True
            thread.join(10)


@contextmanager
def hoidap_serve(folder: Path) -> Iterator[str]:
    """The address of `hoidap serve`, run as a person runs it, with a new index in `folder`; it has just begun."""
    command = [sys.executable, "-c", "from ui.cli import main; main()", "serve", "--port", "0"]
    environment = {**os.environ, "HOIDAP_INDEX_DIR": str(folder / "index")}
    with subprocess.Popen(
        command, cwd=_REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as server:
        try:
            assert server.stdout
            line = server.stdout.readline()
            address = re.search(r"http://\S+", line)
            assert address, f"hoidap serve said {line!r} and its exit code is {server.poll()}"
            yield address.group()
        finally:
            server.terminate()
