"""Fetching what an operator named, and nothing else: slowly, within limits, and not from private addresses.

A host is looked up once and connected to at the address that was checked, so that a name which means another address a
moment later (DNS rebinding) gains nothing. A redirect is a new request, with all checks.
"""

from __future__ import annotations

import codecs
import socket
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urljoin, urlsplit

import httpx
from protego import Protego

from rag.articles.encoding import MAX_BYTES
from rag.errors import ArticleError

Network = IPv4Network | IPv6Network

AGENT = "hoidap"
"""What we call ourselves, in requests and in robots.txt."""
_PACE = 1.0  # seconds between two requests to one host, unless its robots.txt asks for more
_SLOWEST_PACE = 30.0
_CONNECT, _READ, _TOTAL = 10.0, 20.0, 120.0  # seconds
_REDIRECTS = 5
_ROBOTS_BYTES = 500_000  # as much of a robots.txt as RFC 9309 asks a crawler to read


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave. `url` is where it stands after redirects; `kind` its media type ("text/html")."""

    url: str
    kind: str
    data: bytes


class Web:
    """A polite client. Hosts at private addresses are refused unless those are in the networks `allowed`."""

    def __init__(self, allowed: Sequence[Network] = (), pace: float = _PACE) -> None:
        """Wait `pace` seconds between two requests to one host."""
        # No connection is kept: it is known by its address, and two hosts may share one.
        inner = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))
        self._client = httpx.Client(
            transport=_Checked(inner, allowed),
            headers={"User-Agent": AGENT, "Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(_READ, connect=_CONNECT),
            trust_env=False,
        )
        self._pace = pace
        self._robots: dict[str, Protego] = {}
        self._asked: dict[str, float] = {}

    def get(self, url: str) -> Fetched:
        """What stands at `url`, at most `MAX_BYTES` of it, unpacked.

        Raises:
            ArticleError: it cannot be had, must not be, or is too large.
        """
        asked = url
        for _ in range(_REDIRECTS + 1):
            url = address(url)
            robots = self._robots_of(url)
            if not robots.can_fetch(url, AGENT):
                raise ArticleError(f"{url} is not for programs, as its robots.txt says; ask the site, or leave it out.")
            self._wait(url, robots)
            status, headers, data = self._fetch(url, MAX_BYTES)
            if not httpx.codes.is_redirect(status):
                break
            url = urljoin(url, headers.get("location", ""))
        else:
            raise ArticleError(f"{asked} leads on from address to address; give the one where it ends.")
        if status != httpx.codes.OK:
            raise ArticleError(
                f"{url} answers {status} {httpx.codes.get_reason_phrase(status)}; open it in a browser, or try later."
            )
        kind, charset = _media_type(headers.get("content-type", ""))
        return Fetched(url, kind, _as_utf8(data, charset) if kind.startswith("text/html") else data)

    def close(self) -> None:
        """Let go of what is open."""
        self._client.close()

    def _fetch(self, url: str, limit: int) -> tuple[int, httpx.Headers, bytes]:
        until = time.monotonic() + _TOTAL
        try:
            with self._client.stream("GET", url) as response:
                packed = bytearray()
                for piece in response.iter_raw():
                    packed += piece
                    if len(packed) > limit:
                        raise _too_large(url, limit)
                    if time.monotonic() > until:
                        raise ArticleError(f"{url} takes more than {_TOTAL:.0f} seconds; try later.")
                coding = response.headers.get("content-encoding", "identity").lower()
                if coding not in {"gzip", "identity", ""}:
                    raise ArticleError(f"{url} is packed as {coding[:20]}, which was not asked for; leave it out.")
                data = unpack(bytes(packed), url, limit) if coding == "gzip" else bytes(packed)
                return response.status_code, response.headers, data
        except httpx.TimeoutException as error:
            raise ArticleError(f"{url} does not answer in time; check the network, or try later.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise ArticleError(
                f"{url} cannot be reached ({reason:.200}); check the address and the network."
            ) from error

    def _robots_of(self, url: str) -> Protego:
        """The rules of the host of `url`. Where there are none, everything is allowed; where it fails, nothing."""
        root = urljoin(url, "/")
        if root not in self._robots:
            where = urljoin(root, "robots.txt")
            for _ in range(_REDIRECTS + 1):
                status, headers, data = self._fetch(where, _ROBOTS_BYTES)
                if not httpx.codes.is_redirect(status):
                    break
                where = address(urljoin(where, headers.get("location", "")))
            if httpx.codes.is_server_error(status):
                raise ArticleError(f"{where} answers {status}, so that nobody can tell what is allowed; try later.")
            text = data.decode("utf-8", "replace") if status == httpx.codes.OK else ""
            self._robots[root] = Protego.parse(text)
            self._asked[root] = time.monotonic()
        return self._robots[root]

    def _wait(self, url: str, robots: Protego) -> None:
        """Let some time pass since the last request to the host of `url`."""
        root = urljoin(url, "/")
        pace = max(self._pace, min(robots.crawl_delay(AGENT) or 0.0, _SLOWEST_PACE))
        time.sleep(max(self._asked.get(root, 0.0) + pace - time.monotonic(), 0.0))
        self._asked[root] = time.monotonic()


class _Checked(httpx.BaseTransport):
    """Sends a request to the address that its host has now, if that may be asked."""

    def __init__(self, inner: httpx.BaseTransport, allowed: Sequence[Network]) -> None:
        self._inner = inner
        self._allowed = allowed

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See `httpx.BaseTransport`."""
        host, url = request.url.host, request.url
        request.extensions = {**request.extensions, "sni_hostname": host}  # the certificate is of the name
        addresses = self._addresses(host, url.port or {"http": 80, "https": 443}[url.scheme])
        for number, found in enumerate(addresses, start=1):
            request.url = url.copy_with(host=str(found))
            try:
                return self._inner.handle_request(request)
            except httpx.ConnectError:
                if number == len(addresses):
                    raise
        raise httpx.ConnectError(f"{host} has no address")

    def close(self) -> None:
        """See `httpx.BaseTransport`."""
        self._inner.close()

    def _addresses(self, host: str, port: int) -> list[IPv4Address | IPv6Address]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"the host {host} is not known") from error
        addresses = [ip_address(str(place[0]).partition("%")[0]) for *_, place in found]
        refused = next((one for one in addresses if not self._may_ask(one)), None)
        if refused:
            raise ArticleError(
                f"{host} is at {refused}, an address of a private network; if it is yours, "
                "name that network in HOIDAP_ALLOWED_NETWORKS."
            )
        return addresses

    def _may_ask(self, found: IPv4Address | IPv6Address) -> bool:
        if isinstance(found, IPv6Address):
            found = found.ipv4_mapped or found.sixtofour or found
        return (found.is_global and not found.is_multicast) or any(found in network for network in self._allowed)


def address(url: str) -> str:
    """`url` as it is asked for, without a fragment.

    Raises:
        ArticleError: it is no http or https address, or it holds a user name.
    """
    try:
        parts = urlsplit(url.strip())
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port  # a ValueError if it is none
    except ValueError:
        good = False
    if not good or any(character.isspace() for character in url.strip()):
        raise ArticleError(f"{url[:200]!r} is no address; give one such as https://example.vn/tin-tuc.rss.")
    return parts._replace(fragment="", path=parts.path or "/").geturl()


def unpack(data: bytes, name: str, limit: int = MAX_BYTES) -> bytes:
    """`data` without its gzip packing; never more than `limit` bytes are made of it.

    Raises:
        ArticleError: it is broken, or larger.
    """
    unpacked, pending = bytearray(), data
    try:
        while pending:  # one member after the other
            engine = zlib.decompressobj(wbits=31)
            unpacked += engine.decompress(pending, limit + 1 - len(unpacked))
            if len(unpacked) > limit:
                raise _too_large(name, limit)
            if not engine.eof:
                raise ArticleError(f"{name} is cut short; get it again.")
            pending = engine.unused_data
    except zlib.error as error:
        raise ArticleError(f"{name} is no sound gzip file ({error}); get it again.") from error
    return bytes(unpacked)


def _too_large(name: str, limit: int) -> ArticleError:
    return ArticleError(
        f"{name} has more than {limit / 1e6:.1f} MB; name what it holds piece by piece, or leave it out."
    )


def _media_type(header: str) -> tuple[str, str]:
    message = Message()
    message["content-type"] = header
    return message.get_content_type() if header else "", message.get_content_charset() or ""


def _as_utf8(data: bytes, charset: str) -> bytes:
    """A page as UTF-8 with a byte order mark if its server names another encoding: that counts before what it says."""
    try:
        if not charset or codecs.lookup(charset).name == "utf-8":
            return data
        return codecs.BOM_UTF8 + data.decode(charset).encode()
    except (LookupError, UnicodeError):  # the page itself may know better
        return data
