"""Example questions, drawn from the articles themselves: each has been asked, and was answered from its sentence."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice, zip_longest

from rag.schema import EVERYTHING, Article, Filters, Outcome, Span
from rag.vietnamese.sentences import split_sentences
from ui.engine import Engine
from ui.listing import newest_first

COUNT = 6
_ARTICLES = 12  # of the newest
_TRIALS = 15  # questions that are asked at most: a tenth of a second each
_SAFE = re.compile(r"[\w\s.,“”/%()–-]+\?")  # what a question may be made of


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way to make a question of a sentence, or of a heading."""

    sentence: re.Pattern[str]
    question: str
    heading: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that some words of `article.text[slice(*span)]` should answer; `rank` is that of its pattern."""

    question: str
    article_id: str
    span: Span
    rank: int


def examples(engine: Engine, articles: Sequence[Article], only: Filters = EVERYTHING) -> list[str]:
    """At most `COUNT` questions on `articles`, newest first, that `engine` answers from what `only` lets through."""
    newest = newest_first(articles)[:_ARTICLES]
    found = islice(_mixed([candidates(article) for article in newest]), _TRIALS)
    return list(islice((c.question for c in found if _is_answered(engine, c, only)), COUNT))


def candidates(article: Article) -> list[Candidate]:
    """What could be asked of `article`, the more telling patterns first, in each the order of the text."""
    found: dict[str, Candidate] = {}
    for start, end in split_sentences(article.text):
        sentence = article.text[start:end].rstrip(".")
        is_heading = any(start < last and first < end for first, last in article.headings)
        for rank, pattern in enumerate(_patterns()):
            if pattern.heading == is_heading and (match := pattern.sentence.fullmatch(sentence)):
                question = pattern.question.format(**match.groupdict())
                question = question[0].upper() + question[1:]
                until = _section_end(article, end) if is_heading else end
                if _SAFE.fullmatch(question) and _names_something(question):
                    found.setdefault(question, Candidate(question, article.id, (start, until), rank))
                break
    return sorted(found.values(), key=lambda candidate: candidate.rank)


def _names_something(question: str) -> bool:
    """Whether it holds a name or a number: without, it is understood only beside its article."""
    return any(character.isupper() or character.isdigit() for character in question[1:])


def _section_end(article: Article, heading_end: int) -> int:
    """Where the section ends whose heading ends at `heading_end`."""
    return min((start for start, _ in article.headings if start >= heading_end), default=len(article.text))


def _mixed(lists: Sequence[Sequence[Candidate]]) -> Iterator[Candidate]:
    """Of each article one, then of each another, and so on; of an article's, those of a pattern not yet had first."""
    spread = []
    for found in lists:
        seen: dict[int, int] = {}
        turns = []
        for candidate in found:
            seen[candidate.rank] = seen.get(candidate.rank, 0) + 1
            turns.append((seen[candidate.rank], candidate.rank, candidate))
        spread.append([candidate for *_, candidate in sorted(turns, key=lambda turn: turn[:2])])
    for row in zip_longest(*spread):
        yield from (candidate for candidate in row if candidate)


def _is_answered(engine: Engine, candidate: Candidate, only: Filters) -> bool:
    answer = engine.quoted(candidate.question, only)  # a language model would be asked for each of a hundred
    start, end = candidate.span
    return answer.outcome == Outcome.ANSWERED and any(
        citation.article_id == candidate.article_id and citation.start < end and start < citation.end
        for citation in answer.citations
    )


@cache
def _patterns() -> tuple[Pattern, ...]:
    content = tomllib.loads(files("ui").joinpath("data", "examples.toml").read_text(encoding="utf-8"))
    return tuple(
        Pattern(re.compile(entry["sentence"]), entry["question"], entry.get("heading", False))
        for entry in content["pattern"]
    )
