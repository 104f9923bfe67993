"""The door of the operator's pages, `/admin` and all below it. Deny by default.

Nobody gets through without the password (HTTP Basic; the name does not matter). A browser sends that with every
request, also with one that another site's page had it make: so what changes something has to carry a header that a
page of another origin could only send with a leave that it is never given.
"""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ui import viewer

HEADER = "X-Hoidap-Operator"
"""What every request that changes something carries, with any value."""

_BEHIND = re.compile(r"/admin(?:/.*)?", re.DOTALL)
_ATTEMPTS = 10  # wrong passwords from one address, until it has to wait
_PAUSE = 300.0  # seconds that it has to
_ADDRESSES = 1_000  # whose wrong passwords are remembered


class AdminDoor:
    """Stands around the application: lets nobody but operators, and only from our own pages, to `/admin`."""

    def __init__(self, app: ASGIApp, password: str) -> None:
        """Guard `app` with `password`."""
        self.app = app
        self._guard = Guard(password)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or tell why not, before anything of its body is read."""
        if scope["type"] != "http" or not _BEHIND.fullmatch(scope["path"].removeprefix(scope.get("root_path", ""))):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        address = request.client.host if request.client else ""
        status = self._guard.status(address, request.headers.get("authorization", ""))
        if status != HTTPStatus.OK:
            await refused(status, viewer.base_of(request))(scope, receive, send)
        elif request.method not in {"GET", "HEAD"} and not is_ours(request.headers):
            problem = {
                "problem": "Yêu cầu này không đến từ trang quản trị nên bị từ chối. Hãy tải lại trang rồi thử lại.",
                "detail": "Behind a proxy without HTTPS, have it send X-Forwarded-Host: see docs/deploy.md.",
            }
            await JSONResponse(problem, HTTPStatus.FORBIDDEN)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def is_ours(headers: Headers) -> bool:
    """Whether a page of ours made a request. The header says so; what the browser says of its origin must not deny it.

    Browsers leave `Sec-Fetch-Site` out where there is neither TLS nor loopback. A proxy may have changed `Host`;
    another site's page can send `X-Forwarded-Host` no more than our header.
    """
    if HEADER not in headers:
        return False
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    if origin := headers.get("origin"):
        return urlsplit(origin).netloc in {headers.get("host"), headers.get("x-forwarded-host")}
    return True


class Guard:
    """Lets in who gives the password; an address that gave too many wrong ones has to wait. For one thread."""

    def __init__(self, password: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._digest = sha256(password.encode()).digest()
        self._clock = clock
        self._wrong: dict[str, tuple[int, float]] = {}  # by address: how many, and when the last one

    def status(self, address: str, authorization: str) -> HTTPStatus:
        """200 for the right password, 401 for none or a wrong one, 429 for one too many."""
        wrong, at = self._wrong.get(address, (0, 0.0))
        if wrong >= _ATTEMPTS and self._clock() - at < _PAUSE:
            return HTTPStatus.TOO_MANY_REQUESTS
        password = _password(authorization)
        if password is None:
            return HTTPStatus.UNAUTHORIZED
        self._wrong.pop(address, None)  # what is put back stands last: the longest silent address goes first
        if secrets.compare_digest(sha256(password).digest(), self._digest):
            return HTTPStatus.OK
        self._wrong[address] = (wrong % _ATTEMPTS + 1, self._clock())
        if len(self._wrong) > _ADDRESSES:
            del self._wrong[next(iter(self._wrong))]
        return HTTPStatus.UNAUTHORIZED


def _password(authorization: str) -> bytes | None:
    """The password in the header of HTTP Basic, None if there is none."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2]
    except ValueError:
        return b""


def refused(status: HTTPStatus, base: str) -> HTMLResponse:
    """The page for who is not let in; `base` leads from it to the chat page."""
    headers = {"Cache-Control": "no-store"}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="hoidap", charset="UTF-8"'
        message = "Trang này cần mật khẩu quản trị. Hãy tải lại trang và nhập mật khẩu."
    else:
        headers["Retry-After"] = str(int(_PAUSE))
        message = "Mật khẩu đã bị nhập sai quá nhiều lần. Bạn hãy chờ vài phút rồi thử lại."
    return HTMLResponse(viewer.message_page("Trang quản trị", message, base), status, headers)
