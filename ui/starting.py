"""A server that answers at once: a notice at every address, until the application behind it has been made."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from importlib.resources import files

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.render import escape
from ui.security import WIDGET, SecurityHeaders, framed_by, page_policy
from ui.viewer import base_of, page_of

Tell = Callable[[str], None]
"""Called with what is being done, in Vietnamese."""
Make = Callable[[Tell], Starlette]

_AGAIN = {"Refresh": "2", "Retry-After": "2"}  # seconds


class Starting:
    """An ASGI application that shows how far another one is, and is that one once it is made."""

    def __init__(self, make: Make, origins: Sequence[str] = ()) -> None:
        """`make` takes its time, in a thread of its own. Pages of `origins` may have the widget's notice in a frame."""
        self.is_made = False
        self._make = make
        self._framed = {"Content-Security-Policy": page_policy(framed_by(" ".join(origins)))}
        self._stage = "Đang nạp mô hình ngôn ngữ…"
        routes = [
            Mount("/site", StaticFiles(directory=str(files("ui").joinpath("static")))),
            Route("/health", self._health),
            Route(WIDGET, self._notice_in_frame),
            Route("/{path:path}", self._notice, methods=["GET", "POST"]),
        ]
        self._app: ASGIApp = SecurityHeaders(Starlette(routes=routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the notice, or with the application."""
        await self._app(scope, receive, send)

    async def run(self, ready: Callable[[], None], stop: asyncio.Event) -> None:
        """Make the application, put it in place, say `ready`, and hold it open until `stop`.

        Raises:
            BaseException: what `make` raises.
        """
        app = await self._made()
        async with app.router.lifespan_context(app):
            self._app, self.is_made = app, True
            ready()
            await stop.wait()

    async def _made(self) -> Starlette:
        making: Future[Starlette] = Future()
        making.set_running_or_notify_cancel()

        def make() -> None:
            try:
                making.set_result(self._make(self._tell))
            except BaseException as error:  # raised again where it is waited for
                making.set_exception(error)

        # A daemon, so that Ctrl-C need not wait for it.
        threading.Thread(target=make, name="hoidap-start", daemon=True).start()
        return await asyncio.wrap_future(making)

    def _tell(self, stage: str) -> None:
        self._stage = stage

    def _notice(self, request: Request) -> Response:
        title = "Hệ thống đang khởi động"
        body = f"<h1>{title}</h1><p>{escape(self._stage)} Trang này sẽ tự mở khi xong.</p>"
        return HTMLResponse(page_of(title, body, base_of(request)), 503, _AGAIN)

    def _notice_in_frame(self, request: Request) -> Response:
        notice = self._notice(request)
        notice.headers.update(self._framed)
        return notice

    def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "starting"}, 503, _AGAIN)
