"""What a web page's markup says of its article: JSON-LD first, then its meta tags as trafilatura reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from rag.articles import frontmatter
from rag.articles.blocks import FrontMatter, one_line
from rag.articles.metadata import name_in, publisher_of
from rag.articles.phrases import publishers
from rag.errors import ArticleError

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_ARTICLE_TYPE = re.compile(r"(?:News|Blog|Report|Scholarly|Tech)?(?:Article|Posting)|Report|WebPage", re.IGNORECASE)
_DATES = (
    "//meta[@property='article:published_time' or @itemprop='datePublished']/@content",
    "//meta[@name='pubdate' or @name='DC.date.issued']/@content",
    "//time[@itemprop='datePublished' or contains(@class, 'publish')]/@datetime",
)

_VIETNAM = timezone(timedelta(hours=7))


def page_data(tree: HtmlElement, linked: dict[str, Any]) -> FrontMatter:
    """Title, author, date of publication, publisher and address, "" or None where the markup does not say.

    `linked` is the page's `linked_data`.
    """
    from trafilatura.metadata import extract_metadata

    found = extract_metadata(tree, extensive=False)
    url = _address(found.url or "")
    publisher = _publisher(_name(linked.get("publisher")), url, one_line(found.sitename or ""))
    authors = [_name(one) for one in _listed(linked.get("author"))] or (found.author or "").split(";")
    dates = [str(linked.get("datePublished", "")), *(str(text) for path in _DATES for text in tree.xpath(path))]
    return FrontMatter(
        title=one_line(_text(linked.get("headline")) or found.title or ""),
        publisher=publisher,
        author=" - ".join(dict.fromkeys(name for author in authors if (name := name_in(one_line(author))))),
        published=next((day for text in dates if (day := _date(text))), None),
        url=url,
    )


def linked_data(tree: HtmlElement) -> dict[str, Any]:
    """The first JSON-LD object that is an article, {} if there is none."""
    found: dict[str, Any] = {}
    for script in tree.xpath("//script[@type='application/ld+json']/text()"):
        try:
            objects = list(_objects(json.loads(script)))
        except (ValueError, RecursionError):  # the page's mistake, and none of the article's
            continue
        for one in objects:
            kinds = [kind for kind in _listed(one.get("@type")) if isinstance(kind, str)]
            if any(_ARTICLE_TYPE.fullmatch(kind) for kind in kinds) and ("datePublished" in one or not found):
                found = found if "datePublished" in found else one
    return found


def _objects(value: object) -> Iterator[dict[str, Any]]:
    for one in _listed(value):
        if isinstance(one, dict):
            yield one
            yield from _objects(one.get("@graph", []))


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(value: object) -> str:
    return one_line(value) if isinstance(value, str) else ""


def _name(value: object) -> str:
    """The name of a person or an organisation."""
    return _text(value.get("name")) if isinstance(value, dict) else _text(value)


def _publisher(said: str, url: str, site: str) -> str:
    """By the page's domain where that is known, for pages spell their own names in many ways."""
    known = publisher_of(url) or publishers().get(said.lower(), "") or publishers().get(site.lower(), "")
    return known or said or site


def _address(url: str) -> str:
    try:
        frontmatter.check_url(url, "")
    except ArticleError:
        return ""
    return url


def _date(text: str) -> date | None:
    """The day as it was in Vietnam: 2022-09-19T20:00:00Z is the 20th there."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            return frontmatter.parse_date(text.strip(), "")
        except ArticleError:
            return None
    return (moment.astimezone(_VIETNAM) if moment.tzinfo else moment).date()
