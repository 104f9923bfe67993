"""YAML front matter: what an article says of itself between two `---` lines at its head."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from urllib.parse import urlsplit

import yaml

from rag.articles.blocks import FrontMatter, one_line
from rag.errors import ArticleError

_OPEN = re.compile(r"\s*---[ \t]*\n")
_CLOSE = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE)
_TEXT_KEYS = ("id", "title", "publisher", "author", "source", "url")
_KNOWN_LINE = re.compile(rf"^(?:{'|'.join(_TEXT_KEYS)}|published|tags)\s*:(?:\s|$)", re.MULTILINE)
_KEY_NAME = re.compile(r"[A-Za-z_][\w .-]*", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_ID = re.compile(r"[\w][\w.-]{0,199}")


def split(text: str, name: str) -> tuple[FrontMatter, str]:
    """Return the front matter of `text` and the text after it; without one, an empty one and all of `text`.

    Line breaks are line feeds. A `---` at the head that is only a rule, and any later one, is text.
    `ArticleError` names the file, and the line or the key, of front matter that cannot be understood.
    """
    opening = _OPEN.match(text)
    if not opening:
        return FrontMatter(), text
    first = text[: opening.end()].count("\n") + 1
    closing = _CLOSE.search(text, opening.end())
    inside = text[opening.end() : closing.start() if closing else len(text)]
    if not closing:
        if _KNOWN_LINE.match(inside):
            raise ArticleError(f"{name}: the front matter is not closed; put a line '---' after its last key.")
        return FrontMatter(), text
    body = text[closing.end() :]
    if not inside.strip():
        return FrontMatter(), body
    try:
        node = yaml.compose(inside, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        if not _KNOWN_LINE.search(inside):
            return FrontMatter(), text
        mark = getattr(error, "problem_mark", None)
        line = first + mark.line if mark else first
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise ArticleError(
            f"{name}, line {line}: broken front matter ({problem}); put values with ':' or '#' in quotes."
        ) from error
    if not isinstance(node, yaml.MappingNode) or not all(
        isinstance(k, yaml.ScalarNode) and _KEY_NAME.fullmatch(k.value) for k, _ in node.value
    ):
        if _KNOWN_LINE.search(inside):
            raise ArticleError(f"{name}, line {first}: the front matter must be lines of 'key: value'; correct it.")
        return FrontMatter(), text
    return _read(node, name, first), body


def _read(node: yaml.MappingNode, name: str, first: int) -> FrontMatter:
    """Return the known keys of a mapping; unknown ones are ignored. `first` is the line it opens on."""
    values: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    published: date | None = None
    for key_node, value in node.value:
        key = key_node.value.strip().lower()
        where = f"{name}, line {first + key_node.start_mark.line}: {key}"
        if key in _TEXT_KEYS:
            values[key] = _text(value, where)
        elif key == "published":
            published = parse_date(_text(value, where), where)
        elif key == "tags":
            tags = _tags(value, where)
    if values.get("id"):
        check_id(values["id"], f"{name}: id")
    if values.get("url"):
        check_url(values["url"], f"{name}: url")
    return FrontMatter(published=published, tags=tags, **values)


def _text(node: yaml.Node, where: str) -> str:
    """Return a scalar exactly as it is written (an id 001 stays 001), on one clean line; null is ""."""
    if not isinstance(node, yaml.ScalarNode):
        raise ArticleError(f"{where} must be one line of text, not a list or a table; put its value in quotes.")
    return "" if node.tag == "tag:yaml.org,2002:null" else one_line(node.value)


def _tags(node: yaml.Node, where: str) -> tuple[str, ...]:
    """Return a list of tags, or one text with commas."""
    if isinstance(node, yaml.SequenceNode):
        tags = [_text(child, where) for child in node.value]
    elif isinstance(node, yaml.ScalarNode):
        tags = [tag.strip() for tag in _text(node, where).split(",")]
    else:
        raise ArticleError(f"{where} must be a list such as [kinh tế, ngoại giao]; correct it.")
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def parse_date(text: str, where: str) -> date | None:
    """2023-03-09, with or without a time, or 9/3/2023 (the day first). "" is None."""
    if not text:
        return None
    try:
        day_first = _DAY_FIRST.match(text)
        if day_first:
            day, month, year = map(int, day_first.groups())
            return date(year, month, day)
        # The date as written is the one on the page: no time zone is applied.
        return datetime.fromisoformat(text.replace(" +", "+")).date()
    except ValueError as error:
        raise ArticleError(f"{where} is {text[:40]!r}, which is not a date; write it as 2023-03-09.") from error


def check_id(text: str, where: str) -> None:
    """`ArticleError` unless `text` can stand in an address: letters, digits, `-`, `_`, `.`."""
    if not _ID.fullmatch(text) or text.endswith("."):
        raise ArticleError(
            f"{where} is {text[:60]!r}, which cannot be in an address; use letters, digits, '-', '_' and '.'."
        )


def id_from_name(stem: str) -> str:
    """Return an id from a file name without its suffix: other characters become '-'."""
    name = unicodedata.normalize("NFC", stem)
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:200].rstrip("-.")


def check_url(text: str, where: str) -> None:
    """`ArticleError` unless `text` is an absolute http or https address: `javascript:` must not get in."""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s<>\"'`\\]", text)
    except ValueError:
        good = False
    if not good:
        raise ArticleError(f"{where} is {text[:60]!r}; give an address that begins with https:// or http://.")
