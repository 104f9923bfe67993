"""The headers of every page, and the door of the chat page. Deny by default.

`SecurityHeaders` stands around the whole application: a content security policy that lets a page
load from this host alone and lets no script run. `ChatDoor` stands around the Gradio part: of its
many routes (uploads, a proxy, files, monitoring) only those that our page uses are open, and the page
itself gets a policy under which only the scripts that the server wrote into it may run. It also gives the
page a second address, `/widget`, where the allowed origins may put it into a frame.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from ipaddress import ip_address

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOBODY = "'none'"
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
)
# Gradio sets style attributes, hence 'unsafe-inline' for styles; it needs no eval and no inline script
# beside those of the page, which carry the nonce.
_CHAT_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors {ancestors}"
)
WIDGET = "/widget"
_CHAT_ROUTES = re.compile(
    rf"/?|{WIDGET}|/config|/theme\.css|/favicon\.ico|/(?:assets|static)/.+"
    r"|/gradio_api/(?:run/predict|queue/(?:join|data)|heartbeat/[^/]+|cancel|reset)/?"
)
# Gradio's manifest (at a path of the host's root), its cards for link previews, in English, and a script with which
# whoever frames the page could command it.
_FOREIGN = re.compile(
    rb'<link rel="manifest"[^>]*>|<meta\s+(?:property|name)="(?:og|twitter):[^>]*>'
    rb"|<script>(?:(?!</script>).)*iframeResizer\.contentWindow(?:(?!</script>).)*</script>",
    re.DOTALL,
)
# Gradio's page names the server as the request did, which behind a proxy is not how the browser knows it.
_ROOT = re.compile(rb'"root":"[^"]*"')
_CHAT_HEAD = (
    '<link rel="icon" href="site/icon.svg" type="image/svg+xml">'
    '<link rel="stylesheet" href="site/chat.css">'
    '<script src="site/chat.js" defer></script>'
)
_WIDGET_HEAD = (
    '<base target="_blank">'  # what a link leads to may not be framed
    '<meta name="hoidap-origins" content="{origins}">'
    '<link rel="stylesheet" href="site/frame.css">'
    '<script src="site/frame.js" defer></script>'
)


def page_policy(ancestors: str = _NOBODY) -> str:
    """The content security policy of a page of ours without scripts, which `ancestors` may put into a frame."""
    return _PAGE_POLICY.format(ancestors=ancestors)


def framed_by(origins: str) -> str:
    """Who may put the widget's page into a frame: the pages of `origins`, and our own."""
    return f"'self' {origins}".strip()


class SecurityHeaders:
    """Adds the security headers to every answer; a policy that is already there stays."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and complete the headers of what comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", page_policy())
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
                if headers.get("content-type", "").startswith("text/event-stream"):
                    # A proxy with default settings would hold a streamed answer back for seconds.
                    headers["Cache-Control"] = "no-cache, no-transform"
                    headers["X-Accel-Buffering"] = "no"
                elif not headers.get("etag"):
                    headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self.app(scope, receive, complete)


class ChatDoor:
    """Closes the routes of Gradio that the chat does not use, and writes our part into its page."""

    def __init__(self, app: ASGIApp, origins: Sequence[str] = ()) -> None:
        """Guard `app`; the pages of `origins` may put the widget's page into a frame, and so may our own."""
        self.app = app
        self._origins = " ".join(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 404 to a closed route; complete the page; pass on the rest."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if not _CHAT_ROUTES.fullmatch(path):
            await PlainTextResponse("Không có trang này.", status_code=404)(scope, receive, send)
        elif path == WIDGET and scope["method"] == "GET":
            home = {**scope, "path": scope.get("root_path", "") + "/"}
            head = _CHAT_HEAD + _WIDGET_HEAD.format(origins=self._origins)
            await self._page(home, receive, send, head, framed_by(self._origins))
        elif path in {"", "/"} and scope["method"] == "GET":
            await self._page(scope, receive, send, _CHAT_HEAD, _NOBODY)
        else:
            await self.app(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send, head: str, ancestors: str) -> None:
        start: Message = {}
        body = bytearray()

        async def collect(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            nonce = secrets.token_urlsafe(16)
            page = complete_page(bytes(body), nonce, head)
            headers = MutableHeaders(scope=start)
            headers["Content-Length"] = str(len(page))
            headers["Content-Security-Policy"] = _CHAT_POLICY.format(nonce=nonce, ancestors=ancestors)
            headers["Cache-Control"] = "no-store"  # a nonce serves once
            await send(start)
            await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, collect)


def complete_page(page: bytes, nonce: str, head: str) -> bytes:
    """Gradio's page with our `head`, as a Vietnamese one that finds its server, each script tag carrying the nonce.

    Every `<script` in the page is one that the server wrote: Gradio writes the signs `<` and `>` of its
    embedded data as JSON escapes.
    """
    page = _FOREIGN.sub(b"", page).replace(b'lang="en"', b'lang="vi"', 1)
    page = _ROOT.sub(b'"root":"."', page)  # relative to the page's own address
    page = page.replace(b"<script", b'<script nonce="' + nonce.encode() + b'"')
    return page.replace(b"</head>", head.encode() + b"</head>", 1)


def allowed_hosts(host: str) -> list[str]:
    """The names in a Host header that a server listening on `host` answers to.

    On a loopback address only the loopback names: otherwise a page on the web could have its own name
    point here and read the answers (DNS rebinding). On any other address every name.
    """
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    return ["localhost", "127.0.0.1", "[::1]", "::1", host] if is_loopback else ["*"]
