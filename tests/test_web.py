"""Fetching what an operator named: within limits, politely, and from no private address. Against a real server."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network

import pytest

import rag.articles.web
from rag.articles.web import Web, address, unpack
from rag.errors import ArticleError
from tests.web_server import Page, WebServer, web_server

LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as running:
        yield running


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """One for all: each server has a port, and so a robots.txt, of its own."""
    web = Web(LOOPBACK, pace=0)
    yield web
    web.close()


@pytest.fixture(scope="module")
def public() -> Iterator[Web]:
    """One that may ask no private address."""
    web = Web(pace=0)
    yield web
    web.close()


def test_a_page_and_where_it_stands(server: WebServer, web: Web) -> None:
    server.pages["/a"] = Page(b"", status=301, headers={"Location": "/b?x=1"})
    server.pages["/b?x=1"] = Page("Cầu dài 86 mét.".encode(), "text/html; charset=utf-8")
    found = web.get(f"{server.url}/a#top")
    assert (found.url, found.kind, found.data.decode()) == (f"{server.url}/b?x=1", "text/html", "Cầu dài 86 mét.")
    assert server.paths == ["/a", "/b?x=1"]


def test_what_is_packed_is_unpacked(server: WebServer, web: Web) -> None:
    packed = gzip.compress(b"one") + gzip.compress(b" two")
    server.pages["/"] = Page(packed, headers={"Content-Encoding": "gzip"})
    assert web.get(server.url).data == b"one two"


def test_a_page_in_another_encoding_is_read_by_what_its_server_says(server: WebServer, web: Web) -> None:
    server.pages["/"] = Page("Cầu <b>mới</b>".encode("utf-16"), "text/html; charset=utf-16")
    assert web.get(server.url).data.decode("utf-8-sig") == "Cầu <b>mới</b>"


def endless(write: Callable[[bytes], object]) -> None:
    while True:
        write(b"x" * 500)


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (Page(b"", status=404), "answers 404 Not Found"),
        (Page(b"", status=500), "answers 500"),
        (Page(b"", status=302, headers={"Location": "/"}), "leads on from address to address"),
        (Page(b"", status=302, headers={"Location": "file:///etc/passwd"}), "is no address"),
        (Page(b"", status=302, headers={"Location": "http://10.1.2.3/"}), "private network"),
        (Page(b"", status=302, headers={"Location": "http://[::ffff:10.1.2.3]/"}), "private network"),
        (Page(b"x" * 2000), "more than 0.0 MB"),
        (Page(write=endless), "more than 0.0 MB"),
        (Page(gzip.compress(bytes(10_000_000)), headers={"Content-Encoding": "gzip"}), "more than 0.0 MB"),
        (Page(gzip.compress(b"one")[:-4], headers={"Content-Encoding": "gzip"}), "cut short"),
        (Page(b"plain", headers={"Content-Encoding": "gzip"}), "no sound gzip"),
        (Page(b"x", headers={"Content-Encoding": "br"}), "packed as br"),
    ],
)
def test_what_is_no_good_is_told(
    server: WebServer, web: Web, page: Page, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rag.articles.web, "MAX_BYTES", 1000)
    server.pages["/"] = page
    with pytest.raises(ArticleError, match=told):
        web.get(server.url)


def test_a_bomb_is_never_unpacked_whole() -> None:
    with pytest.raises(ArticleError, match="more than"):
        unpack(gzip.compress(bytes(1_000)) * 200, "bomb", 100_000)


def test_a_host_that_does_not_go_on_is_given_up(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rag.articles.web, "_READ", 0.1)
    impatient = Web(LOOPBACK, pace=0)
    server.pages["/silent"] = Page(write=lambda write: time.sleep(1))
    with pytest.raises(ArticleError, match="does not answer in time"):
        impatient.get(f"{server.url}/silent")
    monkeypatch.setattr(rag.articles.web, "_TOTAL", 0.3)

    def drip(write: Callable[[bytes], object]) -> None:
        for _ in range(100):
            write(b".")
            time.sleep(0.02)

    server.pages["/drip"] = Page(write=drip)
    with pytest.raises(ArticleError, match="takes more than"):
        impatient.get(f"{server.url}/drip")
    impatient.close()


def test_nobody_there(web: Web) -> None:
    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ArticleError, match=r"cannot be reached .*check the address and the network"):
            web.get(f"http://127.0.0.1:{taken.getsockname()[1]}/")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://0.0.0.0/",
        "http://[fd00::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "http://2130706433/",
        "http://0x7f.1/",
    ],
)
def test_private_addresses_are_refused(public: Web, url: str) -> None:
    with pytest.raises(ArticleError, match=r"private network.*HOIDAP_ALLOWED_NETWORKS"):
        public.get(url)


def looked_up(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Let every name mean the first of `answers`, then the second, ...; returns the names that were looked up."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *rest: int, **options: int) -> list[tuple[object, ...]]:
        if host.replace(".", "").isdigit():  # an address: nothing is looked up
            return [*real(host, port, *rest, **options)]
        found = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found.split()]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_is_connected_to_at_the_address_that_was_checked(
    server: WebServer, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server.url.rpartition(":")[2]
    server.pages["/x"] = Page(b"here")
    asked = looked_up(monkeypatch, "127.0.0.1")
    assert web.get(f"http://bao.example:{port}/x").data == b"here"
    # Once for robots.txt and once for the page: nothing looks a name up again after it was checked.
    assert asked == ["bao.example", "bao.example"]
    assert server.asked == [("/robots.txt", f"bao.example:{port}"), ("/x", f"bao.example:{port}")]


def test_a_name_that_comes_to_mean_a_private_address_is_refused(
    server: WebServer, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pages["/x"] = Page(b"here")
    looked_up(monkeypatch, "127.0.0.1", "10.0.0.1")
    with pytest.raises(ArticleError, match=r"bao\.example is at 10\.0\.0\.1"):
        web.get(f"http://bao.example:{server.url.rpartition(':')[2]}/x")
    assert server.paths == []


def test_one_private_address_of_several_is_enough_to_refuse(public: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up(monkeypatch, "93.184.215.14 10.0.0.1")
    with pytest.raises(ArticleError, match=r"10\.0\.0\.1"):
        public.get("http://bao.example/")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://a.vn/",
        "//a.vn",
        "http://",
        "https://bank.vn@a.vn/",
        "http://a.vn:x/",
        "http://a b/",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ArticleError, match="is no address"):
        address(url)


class TestRobots:
    def test_they_are_asked_once_and_obeyed(self, server: WebServer, web: Web) -> None:
        server.pages["/robots.txt"] = Page(b"User-agent: *\nDisallow: /*/print\nAllow: /\n")
        server.pages["/a"] = Page(b"a")
        assert web.get(f"{server.url}/a").data == b"a"
        with pytest.raises(ArticleError, match=r"/a/print is not for programs"):
            web.get(f"{server.url}/a/print")
        assert [path for path, _ in server.asked] == ["/robots.txt", "/a"]

    def test_where_a_redirect_leads_they_count_too(self, server: WebServer, web: Web) -> None:
        server.pages["/robots.txt"] = Page(b"User-agent: hoidap\nDisallow: /secret\n")
        server.pages["/a"] = Page(b"", status=302, headers={"Location": "/secret"})
        with pytest.raises(ArticleError, match="not for programs"):
            web.get(f"{server.url}/a")
        assert server.paths == ["/a"]

    def test_where_they_cannot_be_had_nothing_is_fetched(self, server: WebServer, web: Web) -> None:
        server.pages["/robots.txt"] = Page(b"", status=503)
        server.pages["/a"] = Page(b"a")
        with pytest.raises(ArticleError, match=r"robots\.txt answers 503"):
            web.get(f"{server.url}/a")
        assert server.paths == []

    def test_there_is_time_between_two_requests(self, server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
        waits: list[float] = []
        monkeypatch.setattr("rag.articles.web.time.sleep", waits.append)
        server.pages["/robots.txt"] = Page(b"User-agent: *\nCrawl-delay: 7\n")
        server.pages["/a"] = Page(b"a")
        patient = Web(LOOPBACK)
        patient.get(f"{server.url}/a")
        patient.get(f"{server.url}/a")
        patient.close()
        assert len(waits) == 2
        assert all(6 < wait <= 7 for wait in waits)
