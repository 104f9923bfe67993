"""The phrases and patterns of `data/*.toml`, which an administrator can read and extend."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from rag.articles.blocks import key
from rag.errors import ArticleError


@dataclass(frozen=True, slots=True)
class Phrases:
    """Whole lines, by `key`, and patterns for whole lines. No line over `longest` characters is looked up."""

    lines: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    longest: int = 0

    def match(self, line: str) -> bool:
        """Whether the whole line is one of the phrases."""
        # No phrase is as long as a paragraph: only lines of a phrase's length are worth normalising.
        return (len(line) <= self.longest and key(line) in self.lines) or self.search(line) is not None

    def search(self, line: str) -> re.Match[str] | None:
        """Return the match of the first pattern that fits the whole line, or None."""
        return next((m for p in self.patterns if (m := p.fullmatch(line))), None)


def _load(name: str) -> dict[str, Any]:
    """One data file as a dict; `ArticleError` names the file when it is not TOML."""
    text = (files("rag.articles") / "data" / name).read_text(encoding="utf-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ArticleError(f"rag/articles/data/{name} is not valid TOML ({error}); correct that line.") from error


def _patterns(table: Mapping[str, Any], field: str, name: str) -> tuple[re.Pattern[str], ...]:
    compiled: list[re.Pattern[str]] = []
    for pattern in table.get(field, ()):
        try:
            compiled.append(re.compile(pattern, re.IGNORECASE))
        except re.error as error:
            raise ArticleError(
                f"rag/articles/data/{name} holds {pattern!r}, no regular expression ({error}); correct it."
            ) from error
    return tuple(compiled)


def _phrases(table: Mapping[str, Any], name: str, lines: str = "lines", patterns: str = "patterns") -> Phrases:
    whole = frozenset(key(line) for line in table.get(lines, ()))
    # Twice the length leaves room for the punctuation that `key` drops.
    return Phrases(whole, _patterns(table, patterns, name), 2 * max(map(len, whole), default=0) + 10)


@dataclass(frozen=True, slots=True)
class Noise:
    """`data/noise.toml`; the fields are its tables."""

    anywhere: Phrases
    edges: Phrases
    head: Phrases
    cut: Phrases
    comments: Phrases
    inline: Phrases
    last: Phrases
    captions: Phrases
    boxes: re.Pattern[str]


@cache
def noise() -> Noise:
    """Return the noise rules, read once."""
    name = "noise.toml"
    data = _load(name)
    return Noise(
        anywhere=_phrases(data["anywhere"], name),
        edges=_phrases(data["edges"], name),
        head=_phrases(data["head"], name),
        cut=_phrases(data["cut"], name),
        comments=_phrases(data["cut"], name, "", "hard_patterns"),
        inline=_phrases(data["cut"], name, "", "inline_patterns"),
        last=_phrases(data["last"], name),
        captions=_phrases(data["captions"], name),
        boxes=re.compile("|".join(p.pattern for p in _patterns(data["boxes"], "patterns", name)), re.IGNORECASE),
    )


@dataclass(frozen=True, slots=True)
class Byline:
    """`data/byline.toml`. Labels and names are in `key` form; `labels` longest first."""

    labels: re.Pattern[str]
    author_labels: frozenset[str]
    not_names: frozenset[str]
    not_name_words: frozenset[str]
    titles: re.Pattern[str]
    document_kinds: frozenset[str]
    mastheads: Phrases
    offices: Phrases


@cache
def byline() -> Byline:
    """Return the words around names and dates, read once."""
    name = "byline.toml"
    data = _load(name)
    labels = sorted(data["labels"], key=len, reverse=True)
    return Byline(
        labels=re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, labels)) + r")(?!\w)", re.IGNORECASE),
        author_labels=frozenset(map(key, data["author_labels"])),
        not_names=frozenset(map(key, data["not_names"])),
        not_name_words=frozenset(map(key, data["not_name_words"])),
        titles=re.compile(r"^(?:(?:" + "|".join(map(re.escape, data["titles"])) + r")\.?\s)+", re.IGNORECASE),
        document_kinds=frozenset(kind.lower() for kind in data["document_kinds"]),
        mastheads=_phrases(data, name, "", "mastheads"),
        offices=_phrases(data, name, "", "offices"),
    )


@cache
def publishers() -> Mapping[str, str]:
    """Return publisher names by what pages call themselves, lower case: {"baohatinh.vn": "Báo Hà Tĩnh"}."""
    names: dict[str, str] = {}
    for name, aliases in _load("publishers.toml")["publishers"].items():
        for alias in (name, *aliases):
            names[alias.lower()] = name
    return names
