"""The article viewer: `/articles`, see `ui.listing`, and `/articles/{id}?start=&end=&v=`, pages that need no script.

The words `article.text[start:end]` stand in `<mark>`; the first mark has the id `quote`, so that a
link with `#quote` scrolls to it. `v` is the version of the article that they were quoted from.
Every address on the pages is relative: they work behind any prefix.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape as escape_html
from importlib.resources import files
from string import Template
from typing import Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from rag.credits import is_credit
from rag.grounding import page_at
from rag.schema import Article, Edition, Span
from ui.engine import Engine
from ui.listing import listing
from ui.render import ALIKE, article_path, byline, day, escape, page, plain, web_address

_LINE = re.compile(r"[^\n]+")
_ITEM = re.compile(r"(?:[-*+•]|\d{1,3}[.)])[ \t]+")

Kind = Literal["heading", "item", "paragraph", "credit"]


@dataclass(frozen=True, slots=True)
class Block:
    """One line of an article as it is set; `text[start:end]` is what is shown, without the bullet."""

    kind: Kind
    label: str
    start: int
    end: int


def router(engine: Engine) -> APIRouter:
    """The viewer's two routes over `engine`."""
    routes = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

    @routes.get("/articles")
    def list_articles(q: str = "", publisher: str = "", page: str = "") -> str:
        return page_of("Các bài viết", f"<h1>Các bài viết</h1>{listing(engine, q, publisher, page)}", "./")

    @routes.get("/articles/{article_id}")
    def read_article(article_id: str, start: str = "", end: str = "", v: str = "") -> HTMLResponse:
        edition = engine.edition(article_id, v)
        if edition is None:
            return HTMLResponse(missing_page("../"), status_code=404)
        # The offsets are those of the version that was quoted: in another one other words stand there.
        quoted = quoted_span(edition.article, start, end) if edition.is_asked_for else None
        return HTMLResponse(article_page(edition, quoted, "../", engine.alike(article_id)))

    return routes


def quoted_span(article: Article, start: str, end: str) -> Span | None:
    """The span that the address asks for, or None when it is missing, not a number or out of range."""
    try:
        first, last = int(start), int(end)
    except ValueError:
        return None
    return (first, last) if 0 <= first < last <= len(article.text) else None


def blocks(article: Article) -> list[Block]:
    """The lines of the article's text, each with its place and what it is."""
    found: list[Block] = []
    for line in _LINE.finditer(article.text):
        start, end = line.span()
        start += len(line.group()) - len(line.group().lstrip())
        if start == end:
            continue
        if any(start < last and first < end for first, last in article.headings):
            found.append(Block("heading", "", start, end))
        elif item := _ITEM.match(article.text, start, end):
            found.append(Block("item", item.group().strip(), item.end(), end))
        else:
            found.append(Block("credit" if is_credit(article, start) else "paragraph", "", start, end))
    return found


def article_page(edition: Edition, quoted: Span | None, base: str, near: Sequence[Article] = ()) -> str:
    """The page of one article, with `quoted` marked; `base` leads from it to the chat page.

    `near` are the articles that say nearly the same.
    """
    article = edition.article
    body = [_notice(edition, base), f"<h1>{escape(article.title)}</h1>"]
    if known := byline([article.publisher, article.author, day(article.published)]):
        body.append(f'<p class="meta">{known}</p>')
    if article.source:
        body.append(f'<p class="meta">Theo: {escape(article.source)}</p>')
    if address := web_address(article.url):
        body.append(f'<p class="meta"><a href="{escape(address)}" rel="noopener">Xem bài gốc</a></p>')
    asking = f"{base}?{urlencode({'article': article.id})}"
    ways = [f'<a class="ask" href="{escape(asking)}">Hỏi về bài này</a>']
    if quoted:
        where = page(page_at(article, quoted[0]))
        ways.append(f'<a href="#quote">Đến đoạn được trích dẫn{f" ({where})" if where else ""}</a>')
    body.append(f'<p class="jump">{"".join(ways)}</p>')
    body.append(f'<div class="text">{_text(article, quoted)}</div>')
    if near:
        rows = "".join(_near(other, base) for other in near)
        body.append(f'<h2 id="{ALIKE}">Bài gần giống</h2><ul>{rows}</ul>')
    return page_of(article.title, f"<article>{''.join(body)}</article>", base)


def _near(article: Article, base: str) -> str:
    known = byline([article.publisher, day(article.published)])
    about = f'<br><span class="meta">{known}</span>' if known else ""
    return f'<li><a href="{escape(base + article_path(article.id))}">{escape(article.title)}</a>{about}</li>'


def _notice(edition: Edition, base: str) -> str:
    """What the reader has to know of an article that is not what was quoted, or is not what it is today."""
    if edition.replaced:
        since = f"{edition.replaced.astimezone():%H:%M ngày %d/%m/%Y}"
        said = f"Đây là bản cũ của bài viết: từ {since} đã có bản mới thay thế."
        href = escape(base + article_path(edition.article.id))
        return f'<div class="notice" role="note"><p>{said} <a href="{href}">Xem bản hiện nay</a></p></div>'
    if not edition.is_asked_for:
        said = (
            "Đoạn trích lấy từ một bản khác của bài viết, nay không còn được lưu. "
            "Dưới đây là bản hiện nay, nên đoạn trích không được đánh dấu."
        )
        return f'<div class="notice" role="note"><p>{said}</p></div>'
    return ""


def missing_page(base: str) -> str:
    """The page for an id that is not in the index."""
    return message_page(
        "Không tìm thấy bài viết",
        "Bài viết này không có trong kho tài liệu. Có thể bài đã được gỡ bỏ hoặc đường dẫn bị sai.",
        base,
    )


def base_of(request: Request) -> str:
    """The way from the page that was asked for to the chat page, whatever prefix it stands behind."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return "../" * path.count("/", 1) or "./"


def message_page(title: str, message: str, base: str) -> str:
    """A page with one message and the ways on."""
    ways = f'<p><a href="{base}articles">Xem các bài viết</a> · <a href="{base}">Về trang hỏi đáp</a></p>'
    return page_of(title, f"<h1>{escape(title)}</h1><p>{escape(message)}</p>{ways}", base)


def _text(article: Article, quoted: Span | None) -> str:
    pieces: list[str] = []
    in_list = marked = False
    pages = ""
    for block in blocks(article):
        if (new := _pages(article, block) or pages) != pages and not new.endswith(f" {pages.rpartition('–')[2]}"):
            pieces.append("</ul>" if in_list else "")
            pieces.append(f'<p class="page">{new}</p>')
            in_list = False
        pages = new
        if (block.kind == "item") != in_list:
            in_list = not in_list
            pieces.append('<ul class="items">' if in_list else "</ul>")
        content, has_mark = _marked(article.text, block, quoted, first=not marked)
        marked = marked or has_mark
        if block.kind == "item":
            label = "•" if block.label in {"-", "*", "+"} else block.label
            pieces.append(f'<li><span class="label">{escape(label)}</span> <span>{content}</span></li>')
        else:
            opening, closing = _TAGS[block.kind]
            pieces.append(f"{opening}{content}{closing}")
    if in_list:
        pieces.append("</ul>")
    return "".join(pieces)


_TAGS = {"heading": ("<h2>", "</h2>"), "paragraph": ("<p>", "</p>"), "credit": ('<p class="credit">', "</p>")}


def _pages(article: Article, block: Block) -> str:
    """The page or pages that a block stands on, "" for what has none."""
    first, last = page_at(article, block.start), page_at(article, block.end - 1)
    if first is None:
        return ""
    return f"Trang {first}" if first == last else f"Trang {first}–{last}"


def _marked(text: str, block: Block, quoted: Span | None, *, first: bool) -> tuple[str, bool]:
    """The block's words with the part inside `quoted` marked, and whether there is such a part."""
    start, end = (max(block.start, quoted[0]), min(block.end, quoted[1])) if quoted else (0, 0)
    if start >= end or not text[start:end].strip():
        return escape(text[block.start : block.end]), False
    opening = '<mark id="quote">' if first else "<mark>"
    before, words, after = text[block.start : start], text[start:end], text[end : block.end]
    return f"{escape(before)}{opening}{escape(words)}</mark>{escape(after)}", True


def page_of(title: str, body: str, base: str, style: str = "") -> str:
    """A whole page around `body`, which is HTML; `base` leads from it to the chat page.

    `style` is the name of a style sheet of its own.
    """
    template = Template(files("ui").joinpath("templates", "page.html").read_text(encoding="utf-8"))
    sheet = f'\n<link rel="stylesheet" href="{base}site/{style}">' if style else ""
    return template.substitute(title=escape_html(plain(title)), body=body, base=base, style=sheet)
