"""Where articles come from, day after day: a folder, a file, a feed, a sitemap or a page; and what each holds now."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from html import escape
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from rag.articles import encoding, feeds, files, frontmatter
from rag.articles.items import Item, items
from rag.articles.reading import read_bytes
from rag.articles.web import Fetched, Web, address, unpack
from rag.errors import ArticleError
from rag.schema import Article

_LISTS = frozenset({".xml", ".rss", ".atom", ".gz"})
"""Suffixes of files that are a feed or a sitemap, packed or not."""
_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "text/plain": ".txt",
    "text/markdown": ".md",
}
# A sitemap may list as many by its own rules; an index of more sitemaps than this never ends.
_MAX_PLACES, _MAX_SITEMAPS = 50_000, 500
_ID_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source holds now. `name` is the source's own, the same each time it is given.

    `is_whole` tells whether that is all: what a feed does not list any longer is not gone. `problem` says why there is
    nothing, where there is nothing.
    """

    name: str
    items: Sequence[Item]
    is_whole: bool = True
    problem: str = ""


def is_address(source: str) -> bool:
    """Whether `source` stands in the web."""
    return source.lower().startswith(("http://", "https://"))


def list_source(source: str, web: Web) -> Listing:
    """What `source`, a path or an address, holds now.

    Raises:
        ArticleError: that cannot be told, or not to the end.
    """
    if not is_address(source):
        return _local(source, web)
    name = address(source)
    found = web.get(name)
    data = unpack(found.data, name) if _is_packed(found.data) else found.data
    return _of_list(name, data, web) or Listing(name, [Item(name, _hash(data), partial(_read, found, name))])


def _local(source: str, web: Web) -> Listing:
    if not source.strip():
        raise ArticleError("An empty path was given; name a folder, a file or an address.")
    try:
        # Links are not followed: one that is moved on to the newest export is still the same source.
        path = Path(os.path.abspath(Path(source).expanduser()))  # noqa: PTH100
        is_there = path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise ArticleError(f"{source:.200} cannot be looked up ({error}); check the name and your rights.") from error
    name = str(path)
    if path.suffix.lower() in _LISTS and path.is_file():
        data = encoding.load(path)
        listing = _of_list(name, unpack(data, name) if _is_packed(data) else data, web)
        if listing is None:
            raise ArticleError(f"{path} is neither a feed nor a sitemap; name the articles themselves.")
        return listing
    if not is_there:
        return Listing(name, (), problem=f"{path} does not exist; check the name")
    found = files.articles_in(path) if path.is_dir() else [path]
    listed = [item for file in found for item in items(file)]
    return Listing(name, listed, problem="" if listed else f"{path} holds no article ({files.supported()} are read)")


def _of_list(name: str, data: bytes, web: Web) -> Listing | None:
    """What a feed or a sitemap lists; None if `data` is neither."""
    match feeds.kind_of(data):
        case "feed":
            entries = feeds.entries(data, name)
            listed = [Item(e.url, _hash(repr(astuple(e)).encode()), partial(_read_entry, e, web)) for e in entries]
            return Listing(name, listed, is_whole=False)
        case "sitemap" | "sitemap index":
            listed = [
                # A page without a date has to be fetched to see whether it changed.
                Item(p.url, p.changed and _hash(repr(astuple(p)).encode()), partial(_read_page, p.url, web))
                for p in _places(name, data, web)
            ]
            return Listing(name, listed, problem="" if listed else f"{name} lists nothing")
    return None


def _places(name: str, data: bytes, web: Web) -> list[feeds.Place]:
    """The pages in a sitemap and in all that it leads to, each once."""
    found: dict[str, feeds.Place] = {}
    waiting: list[str] = []
    seen = {name}
    while True:
        listed = feeds.places(data, name)
        if feeds.kind_of(data) == "sitemap index":
            new = [place.url for place in listed if place.url not in seen]
            seen.update(new)
            waiting += new
        else:
            found |= {place.url: place for place in listed}
        if len(found) > _MAX_PLACES or len(seen) > _MAX_SITEMAPS:
            raise ArticleError(
                f"{name} leads to more than {_MAX_PLACES} pages or {_MAX_SITEMAPS} sitemaps; name fewer of them."
            )
        if not waiting:
            return list(found.values())
        name = waiting.pop(0)
        fetched = web.get(name).data
        data = unpack(fetched, name) if _is_packed(fetched) else fetched
        if not feeds.kind_of(data).startswith("sitemap"):
            raise ArticleError(f"{name} is listed as a sitemap and is none; tell its editor, or name the others.")


def _read_page(url: str, web: Web) -> Article:
    return _read(web.get(url), url)


def _read(found: Fetched, url: str) -> Article:
    """The article in what `url` gave; its id is made of that address."""
    suffix = _SUFFIXES.get(found.kind)
    if suffix is None:
        raise ArticleError(f"{url} is {found.kind or 'of no type'}, which is not read; leave it out.")
    return replace(read_bytes(found.data, url, suffix, url=found.url), id=_id(url))


def _read_entry(entry: feeds.Entry, web: Web) -> Article:
    """The article of a feed's entry: its own text, or the page; the feed knows best what it is called and when."""
    if entry.html:
        head = f"<head><title>{escape(entry.title)}</title></head>"
        page = f"<html>{head}<body><article>{entry.html}</article></body></html>"
        article = replace(read_bytes(page.encode(), entry.url, ".html", url=entry.url), id=_id(entry.url))
    else:
        article = _read_page(entry.url, web)
    return replace(
        article,
        title=entry.title or article.title,
        published=entry.published or article.published,
        author=article.author or entry.author,
    )


def _id(url: str) -> str:
    """An id that tells the page of `url` from all others, and lets a person see which it is."""
    parts = urlsplit(url)
    stem = PurePosixPath(unquote(parts.path)).stem or parts.hostname or ""
    words = frontmatter.id_from_name(stem)[:_ID_CHARACTERS].strip("-.")
    return f"{words}-{_hash(url.encode())[:8]}".lstrip("-")


def _is_packed(data: bytes) -> bool:
    return data.startswith(b"\x1f\x8b")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
