"""The operator's page `/admin`: what is asked, what is answered, and what people thought of it. It needs no script.

It is behind a password of its own (HTTP Basic; the name does not matter) and only reads.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
import time
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from http import HTTPStatus

import jinja2
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from eval import charts
from eval.errors import FeedbackError
from eval.feedback import FeedbackStore
from eval.metrics import percentile
from eval.usage import MOST, Usage, usage
from rag.schema import Outcome
from rag.settings import Settings
from ui import viewer
from ui.render import article_path, plain

RANGES = (7, 30, 90)

_ATTEMPTS = 10  # wrong passwords from one address, until it has to wait
_PAUSE = 300.0  # seconds that it has to
_ADDRESSES = 1_000  # whose wrong passwords are remembered

_LOG = logging.getLogger(__name__)

_OUTCOMES = {
    Outcome.ANSWERED: "Trả lời được",
    Outcome.UNSURE: "Không chắc",
    Outcome.NOT_FOUND: "Không có trong kho",
}
_TONES = ("good", "fair", "poor")  # of the outcomes, in this order


def router(settings: Settings) -> APIRouter:
    """The page, for whoever knows the password in `settings`, which must hold one."""
    assert settings.admin_password  # noqa: S101
    guard = Guard(settings.admin_password.get_secret_value())
    routes = APIRouter(include_in_schema=False)

    @routes.get("/admin")
    async def admin(request: Request, days: str = "") -> HTMLResponse:
        address = request.client.host if request.client else ""
        status = guard.status(address, request.headers.get("authorization", ""))
        if status != HTTPStatus.OK:
            return refused(status)
        length = int(days) if days in map(str, RANGES) else RANGES[1]
        return await asyncio.to_thread(shown, settings, length)

    return routes


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


def refused(status: HTTPStatus) -> HTMLResponse:
    """The page for who is not let in."""
    headers = {"Cache-Control": "no-store"}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="hoidap", charset="UTF-8"'
        message = "Trang này cần mật khẩu quản trị. Hãy tải lại trang và nhập mật khẩu."
    else:
        headers["Retry-After"] = str(int(_PAUSE))
        message = "Mật khẩu đã bị nhập sai quá nhiều lần. Bạn hãy chờ vài phút rồi thử lại."
    return HTMLResponse(viewer.message_page("Trang quản trị", message, "./"), status, headers)


def shown(settings: Settings, days: int) -> HTMLResponse:
    """The page over the last `days` days, or what is wrong with the store."""
    headers = {"Cache-Control": "no-store"}
    try:
        store = FeedbackStore(settings.feedback_file)
        try:
            found = usage(store, date.today(), days)
        finally:
            store.close()
    except FeedbackError as error:
        _LOG.error("The operator's page could not be shown: %s", error)
        return HTMLResponse(viewer.message_page("Chưa đọc được kho góp ý", str(error), "./"), 503, headers)
    return HTMLResponse(to_html(found, settings, days), headers=headers)


def to_html(found: Usage, settings: Settings, days: int) -> str:
    """The page. Whatever is no HTML of ours is made plain and escaped as it is put in."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ui"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["ms"] = _milliseconds
    body = environment.get_template("admin.html").render(
        found=found,
        days=days,
        ranges=RANGES,
        most=MOST,
        total=sum(found.outcomes.values()),
        labels=_OUTCOMES,
        tones=_TONES,
        charts=_charts(found),
        times=[percentile(found.milliseconds, percent) for percent in (50, 95)] if found.milliseconds else [],
        keeps_questions=settings.keep_questions,
        keep_days=settings.keep_days,
        article_path=article_path,
    )
    return viewer.page_of("Quản trị", body, "./", "admin.css")


def _charts(found: Usage) -> list[tuple[str, Markup]]:
    """The charts with their titles; none of nothing."""
    if not found.milliseconds:
        return []
    by_day = {
        f"{day:%d/%m}": {_OUTCOMES[outcome]: count for outcome, count in counts.items()}
        for day, counts in found.days.items()
    }
    return [
        ("Câu hỏi mỗi ngày", charts.columns(by_day, _TONES, "Số câu hỏi mỗi ngày, theo kết quả")),
        ("Thời gian trả lời (ms)", charts.latency(found.milliseconds, "Phân bố thời gian trả lời, mili giây")),
    ]


def _milliseconds(value: float) -> str:
    """A time the way it is written in Vietnam: "85 ms", "1,2 giây"."""
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} giây".replace(".", ",")
