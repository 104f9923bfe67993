"""The types that flow through the house: frozen, without behaviour.

All offsets are indices of Python characters into `Article.text`; `end` is exclusive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

Span = tuple[int, int]
"""`(start, end)` in characters of `Article.text`, `end` exclusive."""


@dataclass(frozen=True, slots=True)
class Article:
    """One article. `text` is the canonical text (NFC, clean) that every offset refers to.

    `headings` are the spans of `text` that are headings, in order. `credits` are those of its last lines that tell only
    who wrote it and when, wherever they stood. `source` says in words what the
    article reports or was taken from; `url` is a link to the original where one is known.

    `pages` is where each page begins in `text`, in order, for what has pages: () for all else. `doubts` are what the
    operator should know of how it was read (a page that is only a picture), each with its remedy; they are not kept.
    """

    id: str
    title: str
    text: str
    headings: tuple[Span, ...] = ()
    credits: tuple[Span, ...] = ()
    publisher: str = ""
    author: str = ""
    published: date | None = None
    url: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edition:
    """An article as it was at one time. `replaced` says when (UTC) other content took its place, None if it is today's.

    `is_asked_for` is False where another one was asked for that is not kept any more.
    """

    article: Article
    replaced: datetime | None = None
    is_asked_for: bool = True


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of whole sentences. `article.text[start:end] == text`, always.

    `heading` is the section that the chunk opens in ("" before the first heading). `sentences` are
    spans of the article's text, in order, each inside `[start, end)`; a long sentence is several of them.
    """

    id: str
    article_id: str
    start: int
    end: int
    text: str
    heading: str = ""
    sentences: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search may return. Empty means everything; dates are inclusive.

    A document without a date is left out as soon as a date is asked for.
    """

    articles: frozenset[str] = frozenset()
    publishers: frozenset[str] = frozenset()
    since: date | None = None
    until: date | None = None


EVERYTHING = Filters()


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the conversation so far."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Scores:
    """How a passage was found. `dense` is a cosine; `lexical` a BM25 sum; `fused` is the order.

    The search fuses the two; once its sentences are weighed, the score of the best of them is added.
    """

    dense: float
    lexical: float
    fused: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk with its article and scores. `rank` counts from 1, best first.

    `similarities` are the cosines of the question to each of `chunk.sentences`. `version` tells what the article was at
    that moment, see `Citation`.
    """

    chunk: Chunk
    article: Article
    scores: Scores
    rank: int
    similarities: tuple[float, ...] = ()
    version: str = ""


VERSION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Citation:
    """What a marker `[n]` stands for. `article.text[start:end] == quote`, always.

    `short` is the span of the article's text inside `[start, end)` that is the short answer ("683 tỷ USD"), if one
    can be told. `page` is the page that the quote begins on, from 1; None for what has no pages. `alike` is how many
    other articles of the corpus say nearly the same as this one: see `rag.alike`. `version` is how the article's digest
    begins, `VERSION_DIGITS` hexadecimal digits: it tells what was quoted from what the article has become since; "" if
    it is not known.
    """

    marker: int
    article_id: str
    title: str
    publisher: str
    published: date | None
    url: str
    source: str
    quote: str
    start: int
    end: int
    short: Span | None = None
    page: int | None = None
    alike: int = 0
    version: str = ""


class Outcome(StrEnum):
    """What became of a question."""

    ANSWERED = "answered"
    UNSURE = "unsure"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Writing:
    """How the words of a language model fared, where one was asked.

    `model` is its name in the settings. `kept` of its sentences are shown, before anything that is quoted; `moved` of
    these cite another passage than it said. `dropped` are those that are not shown, each with the reason. `note` says,
    in Vietnamese, why the answer or the rest of it is quoted instead; "" if it is not. `tokens_in` and `tokens_out` are
    what the model read and wrote, as its server counts; 0 where that does not tell.
    """

    model: str = ""
    kept: int = 0
    moved: int = 0
    dropped: tuple[tuple[str, str], ...] = ()
    note: str = ""
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the user gets. `text` holds the sentences with their markers, or the refusal.

    `understood` is what was searched for: the question as it was read, with accents, typing mistakes mended,
    abbreviations written out, and with what a follow-up leans on. `trace` holds each step that changed the question, by
    name, and the question after it.

    `outcome` is UNSURE when the sentences are only the nearest that there is: `reason` then warns, in Vietnamese. It is
    NOT_FOUND, and `refused` True, when the corpus does not hold the answer; `reason` then says why, and `text` may go
    on, in a second line, with what comes nearest, quoted and cited ("Tài liệu chỉ có thông tin về năm 2023: ...").
    `reason` is "" for an answer. `support` is how likely it is, from 0 to 1, that the corpus holds the answer.
    `generator` is whose words it has, and `writing` tells of the language model that was asked, if one was. `timings`
    are milliseconds by stage.

    While it grows, `text` may be "" still: a model has been asked, and no sentence of it is whole.
    """

    question: str
    text: str
    citations: tuple[Citation, ...] = ()
    passages: tuple[Passage, ...] = ()
    outcome: Outcome = Outcome.ANSWERED
    reason: str = ""
    support: float = 0.0
    generator: str = ""
    writing: Writing = Writing()
    timings: Mapping[str, float] = field(default_factory=dict)
    understood: str = ""
    trace: tuple[tuple[str, str], ...] = ()

    @property
    def refused(self) -> bool:
        """Whether the corpus does not hold the answer."""
        return self.outcome == Outcome.NOT_FOUND
