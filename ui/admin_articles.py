"""The operator's page `/admin/articles`: drop files, see what they hold before it goes in, take articles out.

It stands behind `ui.guard`. The server keeps nothing between two requests: to be added, a file is sent once more,
with the mark of its preview. Reading and adding answer with a stream of events, each one JSON object; the last one is
the result.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from markupsafe import Markup
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from rag.articles.encoding import MAX_BYTES
from rag.articles.files import supported
from rag.corpus import Corpus
from rag.schema import Article
from ui import viewer
from ui.admin import filled
from ui.guard import HEADER
from ui.intake import Added, Intake, Problem, Progress
from ui.listing import listing
from ui.preview import Preview
from ui.render import escape, plain
from ui.threads import paced, read
from ui.uploads import MAX_JSONL_BYTES, Upload, UploadError, receive

_AT_ONCE = 2  # files that are read or added
_PACE = 0.2  # seconds between two signs of progress
_BEAT = 15.0  # seconds; proxies hang up on who is silent for a minute, as one long article may take
_MOST_REMOVED = 1_000
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "require-trusted-types-for 'script'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_LOG = logging.getLogger(__name__)

Step = Progress | Preview | Added | Problem


class _Chosen(BaseModel):
    """The articles to be removed."""

    ids: Annotated[list[str], Field(min_length=1, max_length=_MOST_REMOVED)]


def router(corpus: Corpus) -> APIRouter:
    """The page over `corpus`, and what its script asks for."""
    intake = Intake(corpus)
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="intake")
    routes = APIRouter(prefix="/admin/articles", include_in_schema=False)

    @routes.get("")
    def page(q: str = "", publisher: str = "", page: str = "") -> HTMLResponse:
        body = filled(
            "admin_articles.html",
            listing=Markup(listing(corpus, q, publisher, page, base="../", tools=_tools)),  # noqa: S704 # it escapes
            suffixes=supported(),
            most=MAX_BYTES,
            most_jsonl=MAX_JSONL_BYTES,
            header=HEADER,
        )
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": _POLICY}
        return HTMLResponse(viewer.page_of("Bài viết trong kho", body, "../", "admin.css"), headers=headers)

    @routes.post("/read", max_body_size=MAX_JSONL_BYTES)
    async def look(request: Request, name: str = "") -> Response:
        return await answered(request, name, intake.read)

    @routes.post("/add", max_body_size=MAX_JSONL_BYTES)
    async def add(request: Request, name: str = "", mark: str = "") -> Response:
        return await answered(request, name, lambda upload: intake.add(upload, mark))

    async def answered(request: Request, name: str, work: Callable[[Upload], Iterator[Step]]) -> Response:
        try:
            upload = await receive(request, name)
        except UploadError as error:
            return JSONResponse(asdict(Problem(str(error))), error.status)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is there to read it
        steps = paced(read(lambda: work(upload), pool), _PACE)
        return StreamingResponse(_events(steps), media_type="text/event-stream")

    @routes.post("/remove")
    def remove(chosen: _Chosen) -> Response:
        problem = intake.remove(chosen.ids)
        return JSONResponse(asdict(problem), HTTPStatus.CONFLICT) if problem else Response(status_code=204)

    return routes


async def _events(steps: AsyncGenerator[Step, None]) -> AsyncGenerator[str, None]:
    """Each step as an event, and a sign of life where the next one takes long."""
    following = asyncio.ensure_future(anext(steps))
    try:
        while True:
            await asyncio.wait({following}, timeout=_BEAT)
            if not following.done():
                yield ": \n\n"
                continue
            step = following.result()
            yield _event(step)
            following = asyncio.ensure_future(anext(steps))
    except StopAsyncIteration:
        return
    except Exception:
        _LOG.exception("A file could not be read or added")
        yield _event(Problem("Đã có lỗi ngoài dự kiến. Hãy thử lại, hoặc báo người quản trị máy chủ."))
    finally:
        following.cancel()
        await asyncio.wait({following})
        await steps.aclose()


def _event(step: Step) -> str:
    return f"data: {json.dumps({type(step).__name__.lower(): _plain(asdict(step))}, ensure_ascii=False)}\n\n"


def _plain(value: object) -> object:
    """`value` with all texts in it made plain."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _tools(article: Article) -> str:
    """What can be done with an article in the list."""
    article_id, title = escape(article.id), escape(article.title)
    return (
        f'<p class="tools"><label><input type="checkbox" name="chosen" value="{article_id}" data-title="{title}"> Chọn'
        f'<span class="unseen"> bài {title}</span></label>'
        f'<button type="button" class="remove" data-id="{article_id}" data-title="{title}">Gỡ'
        f'<span class="unseen"> bài {title}</span></button></p>'
    )
