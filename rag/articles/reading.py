"""One file to one article."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rag.articles import encoding, frontmatter, metadata, noise
from rag.articles.blocks import Block, Draft, assemble, one_line
from rag.articles.markdown import read_markdown
from rag.articles.text import read_text
from rag.errors import ArticleError
from rag.schema import Article
from rag.vietnamese.normalize import clean


def _from_text(reader: Callable[[str, str], Draft]) -> Callable[[bytes, Path], Draft]:
    """Return a reader of bytes from a reader of clean text and the file's name."""
    return lambda data, path: reader(clean(encoding.decode(data, path)), str(path))


READERS: dict[str, Callable[[bytes, Path], Draft]] = {
    ".md": _from_text(read_markdown),
    ".markdown": _from_text(read_markdown),
    ".txt": _from_text(read_text),
}
"""The reader of each suffix, in lower case: from a file's bytes and path to a draft."""


def read(path: Path) -> Article:
    """Return the article in one file, without what is not the article.

    `ArticleError` says in one sentence why a file cannot be read, and what to do about it.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None and not path.is_dir():
        raise ArticleError(
            f"{path} has the suffix {path.suffix or '(none)'}, which is not read; "
            f"use one of {', '.join(sorted(READERS))}."
        )
    data = encoding.load(path)
    assert reader is not None  # noqa: S101 - a folder did not pass `load`
    return _finish(reader(data, path), path)


def _finish(draft: Draft, path: Path) -> Article:
    """Run the steps that all formats share: noise, data in the text, repeats, headings."""
    lines = [Block(text, b.kind, b.level) for b in draft.blocks if (text := one_line(b.text))]
    front, blocks = metadata.from_text(noise.strip(lines), draft.front)
    blocks = noise.without_repeats(blocks)
    if draft.guess_headings:
        blocks = noise.with_headings(blocks)
    text, headings = assemble(blocks)
    if not text:
        raise ArticleError(f"{path} holds no article text; put the text in it, or leave it out.")
    article_id = front.id or frontmatter.id_from_name(path.stem)
    frontmatter.check_id(article_id, f"{path}: the id from the file's name")
    return Article(
        id=article_id,
        title=front.title,
        text=text,
        headings=headings,
        publisher=front.publisher,
        author=front.author,
        published=front.published,
        url=front.url,
        source=front.source,
        tags=front.tags,
    )
