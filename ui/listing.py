"""The list of the articles, `?q=&publisher=&page=`: at `/articles`, and for operators at `/admin/articles`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from rag.schema import Article, Span
from rag.vietnamese.normalize import mapped, strip_accents
from rag.vietnamese.terms import TERM, syllables
from ui.engine import Articles
from ui.render import article_path, byline, day, escape

PER_PAGE = 20
WORDS = 200  # characters of a search that are read
_EXCERPT, _LEAD = 220, 70  # characters


def _no_tools(_article: Article) -> str:
    """Nothing but to read it."""
    return ""


def listing(
    known: Articles,
    words: str,
    publisher: str,
    page: str,
    *,
    base: str = "",
    tools: Callable[[Article], str] = _no_tools,
) -> str:
    """A form to search with, and what was found, newest first, one page of it. It needs no script.

    `base` leads from the list to the chat page; `tools` is HTML for what can be done with an article.
    """
    words = words.strip()[:WORDS]
    articles = known.holding(words) if words else known.articles()
    if publisher:
        articles = [article for article in articles if article.publisher == publisher]
    pages = max(-(-len(articles) // PER_PAGE), 1)
    number = min(max(int(page), 1), pages) if re.fullmatch(r"[0-9]{1,6}", page) else 1
    shown = newest_first(articles)[(number - 1) * PER_PAGE : number * PER_PAGE]
    rows = "".join(_row(article, frozenset(syllables(words)), base, tools(article)) for article in shown)
    return (
        _form(known.publishers(), words, publisher)
        + f'<p class="meta" role="status">{_count(len(articles), words)}</p>'
        + (f'<ul class="listing">{rows}</ul>' if rows else "")
        + _pages(number, pages, {"q": words, "publisher": publisher})
    )


def newest_first(articles: Sequence[Article]) -> list[Article]:
    """Those without a date last; of one day by title."""
    by_title = sorted(articles, key=lambda article: article.title)
    return sorted(by_title, key=lambda article: -article.published.toordinal() if article.published else 1)


def found(text: str, wanted: frozenset[str]) -> list[Span]:
    """Where the words of `wanted`, syllables in match form, stand in `text`; one without accents stands for any."""
    read = mapped(text)
    spans = []
    for term in TERM.finditer(read.text):
        (word,) = syllables(term.group())
        if word in wanted or strip_accents(word) in wanted:
            spans.append(read.original(*term.span()))
    return spans


def excerpt(text: str, wanted: frozenset[str]) -> tuple[Span, list[Span]]:
    """A line's worth of `text`, at the paragraph that holds most of the words, and where they stand in it."""
    best: tuple[int, Span, list[Span]] = (0, (0, len(text.partition("\n")[0])), [])
    start = 0
    for line in text.split("\n"):
        places = [(start + a, start + b) for a, b in found(line, wanted)] if wanted else []
        held = len({tuple(syllables(text[a:b])) for a, b in places})
        if held > best[0]:
            best = (held, (start, start + len(line)), places)
        start += len(line) + 1
    _, (start, end), places = best
    if end - start > _EXCERPT and places:
        # A little before the first word, and between words.
        start = max(start, text.rfind(" ", start, max(places[0][0] - _LEAD, start)) + 1)
    if end - start > _EXCERPT:
        kept = text[start : start + _EXCERPT]
        end = start + len(kept.rpartition(" ")[0].rstrip(" .,;:") or kept)
    return (start, end), [(a, b) for a, b in places if start <= a and b <= end]


def _row(article: Article, wanted: frozenset[str], base: str, tools: str) -> str:
    (start, end), places = excerpt(article.text, wanted)
    pieces, position = [], start
    for a, b in places:
        pieces += [escape(article.text[position:a]), f"<mark>{escape(article.text[a:b])}</mark>"]
        position = b
    pieces.append(escape(article.text[position:end]))
    href = article_path(article.id, places[0][0], places[-1][1]) if places else article_path(article.id)
    ahead = "…" if start and article.text[start - 1] != "\n" else ""
    behind = "…" if end < len(article.text) and article.text[end] != "\n" else ""
    return (
        f'<li><a href="{base}{escape(href)}">{escape(article.title)}</a>'
        f'<span class="meta">{byline([article.publisher, day(article.published)])}</span>'
        f'<p class="excerpt">{ahead}{"".join(pieces)}{behind}</p>{tools}</li>'
    )


def _form(publishers: Sequence[str], words: str, publisher: str) -> str:
    choice = ""
    if len(publishers) > 1:
        options = "".join(
            f'<option value="{escape(name)}"{" selected" if name == publisher else ""}>{escape(name)}</option>'
            for name in publishers
        )
        choice = (
            '<label for="publisher">Nơi đăng</label><select id="publisher" name="publisher">'
            f'<option value="">Tất cả</option>{options}</select>'
        )
    return (
        '<form class="search" role="search" action="articles" method="get">'
        '<label for="q">Tìm trong các bài viết</label>'
        f'<input id="q" name="q" type="search" maxlength="{WORDS}" value="{escape(words)}"'
        ' placeholder="Gõ vài từ, có dấu hoặc không dấu">'
        f'{choice}<button type="submit">Tìm</button></form>'
    )


def _count(number: int, words: str) -> str:
    if not words:
        return f"{number} bài viết trong kho tài liệu."
    if not number:
        return f"Không có bài viết nào có đủ các từ “{escape(words)}”. Hãy thử ít từ hơn."
    return f"{number} bài viết có “{escape(words)}”."


def _pages(number: int, pages: int, asked: dict[str, str]) -> str:
    """The ways to the page before and the page after."""
    if pages == 1:
        return ""
    kept = {name: value for name, value in asked.items() if value}
    links = [
        f'<a href="{escape("articles?" + urlencode({**kept, "page": other}))}">{name}</a>'
        for other, name in ((number - 1, "Trang trước"), (number + 1, "Trang sau"))
        if 1 <= other <= pages
    ]
    return f'<nav class="pages" aria-label="Các trang">{" · ".join(links)} <span>Trang {number}/{pages}</span></nav>'
