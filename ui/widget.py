"""What the widget needs beside its frame: the script that other pages load, and a page to try it on.

The frame, `/widget`, is the chat page at a second address: see `ui.security.ChatDoor`. The demonstration plays a page
of an intranet, under a policy as strict as such a page may have.
"""

from __future__ import annotations

from importlib.resources import files
from string import Template

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from rag.schema import Article
from ui.engine import Engine
from ui.listing import newest_first
from ui.render import article_path, byline, day, escape

_NEWS = 5  # articles on the demonstration's page
_AN_HOUR = "public, max-age=3600"
_DEMO_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; frame-src 'self'; "
    "require-trusted-types-for 'script'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def router(engine: Engine) -> APIRouter:
    """The script, and the demonstration over the articles of `engine`."""
    routes = APIRouter(include_in_schema=False)
    static = StaticFiles(directory=str(files("ui").joinpath("static")))

    @routes.get("/widget.js")
    async def script(request: Request) -> Response:
        answer = await static.get_response("widget.js", request.scope)
        answer.headers["Cache-Control"] = _AN_HOUR
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # for hosts that ask for it
        return answer

    @routes.get("/widget/demo")
    def demo() -> HTMLResponse:
        return HTMLResponse(demo_page(engine.articles()), headers={"Content-Security-Policy": _DEMO_POLICY})

    return routes


def demo_page(articles: list[Article]) -> str:
    """A page of an imagined intranet, with the newest of `articles` as its news."""
    template = Template(files("ui").joinpath("templates", "demo.html").read_text(encoding="utf-8"))
    return template.substitute(news="\n".join(map(_news, newest_first(articles)[:_NEWS])))


def _news(article: Article) -> str:
    href = escape("../" + article_path(article.id))
    about = byline([article.publisher, day(article.published)])
    return f'<li><a href="{href}">{escape(article.title)}</a><span class="meta">{about}</span></li>'
