"""What RSS and Atom feeds and sitemaps say: bytes in, entries and addresses out. Nothing is fetched here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any, Literal
from xml.etree.ElementTree import ParseError

import feedparser
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rag.articles import frontmatter
from rag.articles.blocks import one_line
from rag.errors import ArticleError

Kind = Literal["feed", "sitemap", "sitemap index", ""]

_KINDS: dict[bytes, Kind] = {
    b"rss": "feed",
    b"feed": "feed",
    b"rdf": "feed",
    b"urlset": "sitemap",
    b"sitemapindex": "sitemap index",
}
_FIRST_TAG = re.compile(rb"<(?:[A-Za-z][\w.-]*:)?([A-Za-z][\w.-]*)(?=[\s>/])")
_HEAD = 4096  # bytes that are looked at to see what it is


@dataclass(frozen=True, slots=True)
class Entry:
    """One article of a feed. `html` is its text if the feed holds that, else ""; it then stands at `url`."""

    url: str
    title: str = ""
    published: date | None = None
    author: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """An address in a sitemap, and when it changed, as it is written there; "" if that is not told."""

    url: str
    changed: str = ""


def kind_of(data: bytes) -> Kind:
    """What `data` is by its first element, "" if it is neither feed nor sitemap."""
    found = _FIRST_TAG.search(data[:_HEAD])
    return _KINDS.get(found.group(1).lower(), "") if found else ""


def entries(data: bytes, name: str) -> list[Entry]:
    """The articles of an RSS or Atom feed, each address once. Feeds with small mistakes are read too.

    Raises:
        ArticleError: there is no article in it, and it is broken.
    """
    # A file, since a text might be taken for an address to fetch; entities are bounded by expat, and none is external.
    found = feedparser.parse(BytesIO(data))
    listed: dict[str, Entry] = {}
    for one in found.entries:
        if url := str(one.get("link", "")):
            listed.setdefault(url, _entry(url, one))
    if not listed and found.bozo:
        raise ArticleError(
            f"{name} cannot be read as a feed ({found.bozo_exception}); get it again, or tell its editor."
        )
    return list(listed.values())


def _entry(url: str, one: Any) -> Entry:
    content = one.get("content") or [{}]
    return Entry(
        url,
        one_line(re.sub(r"<[^>]*>", "", str(one.get("title", "")))),
        _day(str(one.get("published", "") or one.get("updated", ""))),
        one_line(str(one.get("author", ""))),
        str(content[0].get("value", "")),
    )


def _day(text: str) -> date | None:
    """The day as it is written, whatever the time zone: that is the one on the page. None if it is not one."""
    for read in (parsedate_to_datetime, lambda day: frontmatter.parse_date(day, "")):
        try:
            found = read(text.strip())
        except (ArticleError, ValueError):
            continue
        return date(found.year, found.month, found.day) if found else None
    return None


def places(data: bytes, name: str) -> list[Place]:
    """The addresses in a sitemap, or of the sitemaps in a sitemap index, each once.

    Raises:
        ArticleError: it is no sound XML, or it declares entities.
    """
    try:
        root = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise ArticleError(f"{name} declares entities, which no sitemap needs; it is not read.") from error
    except (ParseError, ValueError) as error:
        raise ArticleError(f"{name} is broken XML ({error}); get it again, or tell its editor.") from error
    listed: dict[str, Place] = {}
    for element in root:
        said = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in element}
        if url := said.get("loc"):
            listed.setdefault(url, Place(url, said.get("lastmod", "")))
    return list(listed.values())
