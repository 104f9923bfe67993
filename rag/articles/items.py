"""What a file holds, one item an article, each told by a hash before it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rag.articles import encoding, jsonl
from rag.articles.reading import read
from rag.errors import ArticleError
from rag.schema import Article


@dataclass(frozen=True, slots=True)
class Item:
    """One article to be.

    `name` tells it from all others: its file, and within a .jsonl file its id after a `#`. `mark` is a hash of its raw
    bytes, "" if they cannot be had. `read` gives the article, or raises an ArticleError that names it.
    """

    name: str
    mark: str
    read: Callable[[], Article]


def items(path: Path) -> Iterator[Item]:
    """The articles to be in one file: one a line of a .jsonl file, one of any other.

    Nothing is raised: what is wrong with an item is told by its `read`, and of a file that cannot be read to its end by
    the last one's.
    """
    if path.suffix.lower() != jsonl.SUFFIX:
        yield Item(str(path), _mark(path), partial(read, path))
        return
    first: dict[str, int] = {}
    try:
        for line in jsonl.lines(path):
            name = f"{path}#{line.id or f'line {line.number}'}"
            if (before := first.setdefault(name, line.number)) != line.number:
                # Two items must not have one name: the second would replace the first, and be replaced, at every sync.
                problem = f"{line} has the id {line.id} that line {before} has; give each an id of its own."
                yield Item(f"{name}, line {line.number}", line.mark, partial(_fail, problem))
            else:
                yield Item(name, line.mark, partial(jsonl.read_line, line))
        if not first:
            yield Item(
                str(path), "", partial(_fail, f"{path} is empty; put one article a line in it, or leave it out.")
            )
    except ArticleError as error:
        yield Item(str(path), "", partial(_fail, str(error)))


def _mark(path: Path) -> str:
    try:
        return hashlib.sha256(encoding.load(path)).hexdigest()
    except ArticleError:
        return ""


def _fail(message: str) -> Article:
    raise ArticleError(message)
