"""JSON lines: one article a line, `{"id", "title", "text", "url", "published", "publisher", "author", "tags"}`.

`content` may stand for `text`, and `source` for `publisher`, as its name or its domain. Other keys are passed over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.articles import encoding, frontmatter
from rag.articles.blocks import Draft, FrontMatter, one_line
from rag.articles.phrases import publishers
from rag.articles.reading import finish
from rag.articles.text import plain_blocks
from rag.errors import ArticleError
from rag.schema import Article
from rag.vietnamese.normalize import clean

SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    """Where an article stands in a file: `size` bytes from byte `start`, on line `number` (from 1).

    `id` is what it calls itself, "" if that cannot be told; `mark` is a hash of its bytes.
    """

    path: Path
    number: int
    start: int
    size: int
    id: str
    mark: str

    def __str__(self) -> str:
        """As errors call it."""
        return f"{self.path}, line {self.number}"


def lines(path: Path) -> Iterator[Line]:
    """The lines of a file that are not blank, of any number: a file is never held in memory.

    Raises:
        ArticleError: the file cannot be read.
    """
    with encoding.opened(path) as file:
        number = start = 0
        while data := file.readline(encoding.MAX_BYTES + 1):
            number += 1
            size, mark = len(data), hashlib.sha256(data)
            name = _id(data) if size <= encoding.MAX_BYTES else ""
            is_blank = not data.strip()
            while not data.endswith(b"\n") and (data := file.readline(encoding.MAX_BYTES)):  # of one that is too long
                size += len(data)
                mark.update(data)
            if not is_blank:
                yield Line(path, number, start, size, name, mark.hexdigest())
            start += size


def _id(data: bytes) -> str:
    """The id that a line gives its article, "" if it is broken: that is told when it is read."""
    try:
        return _id_of(_parse(data, ""))
    except ArticleError:
        return ""


def read_line(line: Line) -> Article:
    """The article on a line.

    Raises:
        ArticleError: the line is no JSON object with an article; it is named.
    """
    if line.size > encoding.MAX_BYTES:
        raise ArticleError(
            f"{line} has more than {encoding.MAX_BYTES / 1e6:.0f} MB; put each article on a line of its own."
        )
    with encoding.opened(line.path) as file:
        file.seek(line.start)
        data = file.read(line.size)
    if hashlib.sha256(data).hexdigest() != line.mark:
        raise ArticleError(f"{line.path} changed while it was read; run the command again.")
    where = str(line)
    found = _parse(data, where)
    text = clean(encoding.mend(_text(found, "text", where) or _text(found, "content", where), where))
    article_id = _id_of(found)
    if not article_id:
        raise ArticleError(f"{where} has neither id nor title; give it an id.")
    front = FrontMatter(
        id=article_id,
        title=one_line(encoding.mend(_text(found, "title", where), where)),
        author=one_line(_text(found, "author", where)),
        published=frontmatter.parse_date(_text(found, "published", where).strip(), f"{where}: published"),
        url=_text(found, "url", where).strip(),
        tags=_tags(found, where),
        **_publisher(found, where),
    )
    frontmatter.check_id(article_id, f"{where}: id")
    if front.url:
        frontmatter.check_url(front.url, f"{where}: url")
    return finish(Draft(front, plain_blocks(text), guess_headings=True), where)


def _parse(data: bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is not UTF-8"
        raise ArticleError(f"{where} is not JSON ({reason}); write one JSON object a line.") from error
    if not isinstance(found, dict):
        raise ArticleError(f'{where} is not a JSON object; write {{"id": ..., "title": ..., "text": ...}}.')
    return found


def _id_of(found: dict[str, Any]) -> str:
    """The id of an article, else its title, as it can stand in an address; "" if it has neither.

    Where characters have to go, a checksum tells it from others that are left the same without them.
    """
    given = next((text for key in ("id", "title") if (text := _plain(found.get(key)).strip())), "")
    name = frontmatter.id_from_name(given)
    return name if name == given else f"{name[:180]}-{hashlib.sha256(given.encode()).hexdigest()[:8]}".lstrip("-.")


def _plain(value: object) -> str:
    """A text or a number as text; "" for anything else."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _text(found: dict[str, Any], key: str, where: str) -> str:
    value = found.get(key)
    if value is not None and not _plain(value) and value != "":
        raise ArticleError(f"{where}: {key} must be text, not {type(value).__name__}; put its value in quotes.")
    return _plain(value)


def _tags(found: dict[str, Any], where: str) -> tuple[str, ...]:
    """A list of tags, or one text with commas."""
    value = found.get("tags")
    tags = list(map(_plain, value)) if isinstance(value, list) else _text(found, "tags", where).split(",")
    return tuple(dict.fromkeys(tag for tag in map(one_line, tags) if tag))


def _publisher(found: dict[str, Any], where: str) -> dict[str, str]:
    """Who published an article; `source` says that where `publisher` does not."""
    publisher, source = (one_line(_text(found, key, where)) for key in ("publisher", "source"))
    if publisher:
        return {"publisher": publisher, "source": source}
    return {"publisher": publishers().get(source.lower().removeprefix("www."), source)}
