"""The operator's page `/admin`: what is asked, what is answered, and what people thought of it. It needs no script.

It stands behind `ui.guard` and only reads.
"""

from __future__ import annotations

import logging
from datetime import date

import jinja2
from fastapi import APIRouter
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

_LOG = logging.getLogger(__name__)

_OUTCOMES = {
    Outcome.ANSWERED: "Trả lời được",
    Outcome.UNSURE: "Không chắc",
    Outcome.NOT_FOUND: "Không có trong kho",
}
_TONES = ("good", "fair", "poor")  # of the outcomes, in this order


def router(settings: Settings, *, manages: bool) -> APIRouter:
    """The page; where an operator `manages` the articles too, it leads there."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/admin")
    def admin(days: str = "") -> HTMLResponse:
        return shown(settings, int(days) if days in map(str, RANGES) else RANGES[1], manages=manages)

    return routes


def shown(settings: Settings, days: int, *, manages: bool = False) -> HTMLResponse:
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
    return HTMLResponse(to_html(found, settings, days, manages=manages), headers=headers)


def to_html(found: Usage, settings: Settings, days: int, *, manages: bool) -> str:
    """The page."""
    body = filled(
        "admin.html",
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
        manages=manages,
    )
    return viewer.page_of("Quản trị", body, "./", "admin.css")


def filled(template: str, **values: object) -> str:
    """A template of ours with `values`. Whatever is no HTML of ours is made plain and escaped as it is put in."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ui"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["ms"] = _milliseconds
    return environment.get_template(template).render(**values)


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
