"""The web application: chat, article viewer and health check; and the server that runs it.

Gradio is imported when the application is made, not with this module.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles

from index.errors import IndexStoreError
from rag.corpus import Corpus
from rag.errors import HoidapError
from rag.settings import Settings
from ui import admin, admin_articles, viewer, widget
from ui.engine import Engine
from ui.gradio_import import without_stubs
from ui.guard import AdminDoor
from ui.recorder import Recorder
from ui.security import SecurityHeaders, allowed_hosts
from ui.starting import Make, Starting

# Read when Gradio is imported. It would tell its makers of our start, and sum up all past events (of 10,000 that it
# keeps) after each one, for a monitor that is closed.
_GRADIO = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
}
_BODY = 1 << 20  # bytes; a question is 2,000 characters at most

_LOG = logging.getLogger(__name__)


def create_app(engine: Engine, settings: Settings, corpus: Corpus | None = None) -> FastAPI:
    """The application over `engine`, ready to be served by any ASGI server.

    Operators, if `settings` have a password for them, may change the articles of `corpus`.
    """
    recorder = Recorder(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        yield
        await asyncio.to_thread(recorder.flush)

    app = FastAPI(
        title="hoidap", docs_url=None, redoc_url=None, openapi_url=None, max_body_size=_BODY, lifespan=lifespan
    )
    if settings.admin_password:
        app.add_middleware(AdminDoor, password=settings.admin_password.get_secret_value())
    # Added last is outermost. This CORS, even without any origin, makes Gradio's own, which admits all, stand down.
    app.add_middleware(CORSMiddleware, allow_origins=settings.allowed_origins, allow_methods=["GET", "POST"])
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(settings.host))
    app.add_middleware(SecurityHeaders)
    app.add_exception_handler(HoidapError, _unavailable)
    app.add_exception_handler(IndexStoreError, _unavailable)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    app.include_router(viewer.router(engine))
    app.include_router(widget.router(engine))
    if settings.admin_password:
        app.include_router(admin.router(settings, manages=corpus is not None))
        if corpus:
            app.include_router(admin_articles.router(corpus))
    app.mount("/site", StaticFiles(directory=str(files("ui").joinpath("static"))))
    os.environ.update(_GRADIO)
    with without_stubs():
        from ui import page

    page.mount(app, engine, recorder, settings)
    return app


def listen(settings: Settings) -> socket.socket:
    """A socket that listens on the configured address; port 0 takes a free port.

    Raises:
        HoidapError: the port is in use or may not be taken, or the address is not one of this machine.
    """
    host, port = settings.host, settings.port
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HoidapError(f"The address {host!r} is not known: give another with HOIDAP_HOST.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            problem = f"Port {port} on {host} is in use: choose another with --port or HOIDAP_PORT."
        elif error.errno == errno.EACCES:
            problem = f"Port {port} needs privileges: choose one above 1023 with --port or HOIDAP_PORT."
        else:
            problem = f"Cannot listen on {host}: give an address of this machine with HOIDAP_HOST."
        raise HoidapError(problem) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address to open in a browser on this machine."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{host}:{port}/"


def serve(make: Make, settings: Settings, ready: Callable[[str], None] | None = None) -> None:
    """Serve what `make` returns until interrupted, and a notice at the same address while it is being made.

    Once it is made, `ready` gets the address; by default that is printed.

    Raises:
        HoidapError: as `listen`; or what `make` raises.
    """
    listener = listen(settings)
    starting = Starting(make, settings.allowed_origins)
    config = uvicorn.Config(
        starting,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=3,
        forwarded_allow_ips=list(settings.trusted_proxies),
    )
    url = url_of(listener)
    server = _Server(config, starting, partial(ready or _announce_ready, url))
    _announce(f"hoidap is starting on {url}")
    server.run(sockets=[listener])
    if server.failure:
        raise server.failure


class _Server(uvicorn.Server):
    """A server that starts its application once it listens, and hangs up when it is told to stop."""

    def __init__(self, config: uvicorn.Config, starting: Starting, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.failure: BaseException | None = None
        self._starting = starting
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then begin to make the application."""
        await super().startup(sockets)
        self._stop = asyncio.Event()
        self._running = asyncio.create_task(self._starting.run(self._ready, self._stop))
        self._running.add_done_callback(self._ended)

    def _ended(self, running: asyncio.Task[None]) -> None:
        if not running.cancelled() and (failure := running.exception()):
            self.failure = failure
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, without waiting for the stream that every open chat page holds for ever."""
        for connection in list(self.server_state.connections):
            connection.transport.close()
        await super().shutdown(sockets)
        self._stop.set()
        if not self._starting.is_made:
            self._running.cancel()
        await asyncio.wait({self._running})


def _announce_ready(url: str) -> None:
    _announce(f"hoidap is ready: open {url} (Ctrl-C stops it)")


def _announce(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _unavailable(request: Request, error: Exception) -> HTMLResponse:
    """The page for an index that cannot be read; what went wrong is for the log."""
    _LOG.error("%s could not be shown", request.url.path, exc_info=error)
    message = "Kho tài liệu đang gặp sự cố nên trang này chưa mở được. Bạn hãy thử lại sau."
    return HTMLResponse(viewer.message_page("Chưa mở được trang", message, viewer.base_of(request)), status_code=503)
