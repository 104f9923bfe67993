"""The bytes of one file to one article."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath

from rag.articles import encoding, frontmatter, metadata, noise
from rag.articles.blocks import Draft, assemble, one_line
from rag.articles.markdown import read_markdown
from rag.articles.pdf import read_pdf
from rag.articles.text import read_text
from rag.articles.webpage import read_html
from rag.articles.word import read_word
from rag.errors import ArticleError
from rag.schema import Article
from rag.vietnamese.normalize import clean


def _from_text(reader: Callable[[str, str], Draft]) -> Callable[[bytes, str], Draft]:
    """Return a reader of bytes from a reader of clean text and the file's name."""
    return lambda data, name: reader(clean(encoding.decode(data, name)), name)


READERS: dict[str, Callable[[bytes, str], Draft]] = {
    ".md": _from_text(read_markdown),
    ".markdown": _from_text(read_markdown),
    ".txt": _from_text(read_text),
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
    ".docx": read_word,
}
"""The reader of each suffix, in lower case: from a file's bytes and name to a draft."""

OLD_WORD = ".doc"
"""Not read, but told from what is passed over, with what to do about it."""


def read(path: Path) -> Article:
    """Return the article in one file, without what is not the article.

    `ArticleError` says in one sentence why a file cannot be read, and what to do about it.
    """
    if not path.is_dir():
        _reader(path.suffix, str(path))  # before a large file is loaded in vain
    return read_bytes(encoding.load(path), str(path), path.suffix)


def read_bytes(data: bytes, name: str, suffix: str, url: str = "") -> Article:
    """Return the article in `data`, of the format that `suffix` says (".md").

    `name` is what errors call it, and gives an article its id that has none of its own; `url` is where it was got, and
    stands for the address that the article does not tell.

    Raises:
        ArticleError: it cannot be read, or is no article.
    """
    draft = _reader(_true_suffix(data) or suffix, name)(data, name)
    if url and not draft.front.url:
        draft = replace(draft, front=replace(draft.front, url=url))
    return finish(draft, name)


def _true_suffix(data: bytes) -> str:
    """The suffix that a file should have by what it begins with, whatever it is called; "" for text."""
    head = data[:1024].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if data.startswith(b"%PDF-"):
        return ".pdf"
    if data.startswith(b"PK\x03\x04") and b"word/document.xml" in data:
        return ".docx"
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return OLD_WORD
    return ".html" if head.startswith((b"<!doctype html", b"<html")) else ""


def _reader(suffix: str, name: str) -> Callable[[bytes, str], Draft]:
    if suffix.lower() == OLD_WORD:
        raise ArticleError(
            f"{name} is an old Word file (.doc), or one with a password; open it in Word or LibreOffice, "
            "and save it as .docx without a password."
        )
    reader = READERS.get(suffix.lower())
    if reader is None:
        raise ArticleError(
            f"{name} has the suffix {suffix or '(none)'}, which is not read; use one of {', '.join(sorted(READERS))}."
        )
    return reader


def finish(draft: Draft, name: str) -> Article:
    """Run the steps that all formats share: noise, data in the text, repeats, headings.

    Raises:
        ArticleError: nothing is left, or nothing gives it an id.
    """
    lines = [replace(block, text=text) for block in draft.blocks if (text := one_line(block.text))]
    front, blocks = metadata.from_text(noise.strip(lines), draft.front)
    blocks = noise.without_repeats(blocks)
    if draft.guess_headings:
        blocks = noise.with_headings(blocks)
    assembled = assemble(blocks, draft.page_count)
    if not assembled.text:
        raise ArticleError(f"{name} holds no article text; put the text in it, or leave it out.")
    article_id = front.id or frontmatter.id_from_name(PurePath(name).stem)
    frontmatter.check_id(article_id, f"{name}: the id from the file's name")
    return Article(
        id=article_id,
        title=front.title,
        text=assembled.text,
        headings=assembled.headings,
        credits=assembled.credits,
        publisher=front.publisher,
        author=front.author,
        published=front.published,
        url=front.url,
        source=front.source,
        tags=front.tags,
        pages=assembled.pages,
        doubts=draft.doubts,
    )
