"""Answers without a language model: the one to three sentences that answer, word for word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.evidence import Evidence
from rag.generation import Draft
from rag.question import Kind, Question
from rag.schema import Span
from rag.vietnamese.sentences import is_list_item

MAX_SENTENCES = 3
# A further sentence must be nearly as good as the best one, and the whole stays short enough to be read.
_MARGIN = 0.35
_MAX_WORDS = 75
# A sentence longer than this is cut down to its clauses, if only part of it answers.
_LONG_SENTENCE = 60

_CLAUSE_END = re.compile(r"[;:]\s+")


@dataclass(frozen=True, slots=True)
class _Choice:
    evidence: Evidence
    span: Span

    @property
    def text(self) -> str:
        return self.evidence.passage.article.text[self.span[0] : self.span[1]]

    @property
    def words(self) -> int:
        return len(self.text.split())


class ExtractiveGenerator:
    """Quotes the best sentences."""

    name = "extractive"

    def generate(self, question: Question, evidence: Sequence[Evidence]) -> Iterator[Draft]:
        """See `Generator.generate`."""
        choices = _choose(question, evidence)
        # The best sentence's article comes first, and within an article the text's own order.
        articles = list(dict.fromkeys(c.evidence.passage.article.id for c in choices))
        for choice in sorted(choices, key=lambda c: (articles.index(c.evidence.passage.article.id), c.span)):
            yield Draft(choice.text, choice.evidence.passage, choice.span)


def _choose(question: Question, evidence: Sequence[Evidence]) -> list[_Choice]:
    best = evidence[0]
    chosen = [_Choice(best, _whole(question, best))]
    missing = set(question.content) - set(question.form(chosen[0].text))
    for other in evidence[1:12]:
        if len(chosen) == MAX_SENTENCES or best.score - other.score > _MARGIN:
            break
        choice = _Choice(other, _whole(question, other))
        gained = missing & set(question.form(choice.text))
        if not gained or sum(c.words for c in chosen) + choice.words > _MAX_WORDS:
            continue
        if any(_overlap(c, choice) or _says_the_same(question, c, choice) for c in chosen):
            continue
        chosen.append(choice)
        missing -= gained
    return chosen


def _whole(question: Question, evidence: Evidence) -> Span:
    """The span to quote for a sentence: with its list if a list is wanted, without the clauses that say other things."""
    if question.kind == Kind.LIST:
        return _with_list(evidence)
    if len(evidence.text.split()) > _LONG_SENTENCE:
        return _clauses(question, evidence)
    return evidence.span


def _with_list(evidence: Evidence) -> Span:
    """The sentence that introduces a list and all its items, if `evidence` is one of them."""
    text, sentences = evidence.passage.article.text, list(evidence.passage.chunk.sentences)
    at = sentences.index(evidence.span)
    first = at
    while first > 0 and is_list_item(text, sentences[first]):
        first -= 1
    introduces = text[sentences[first][1] - 1] == ":"
    if not introduces:
        return evidence.span
    last = first
    while last + 1 < len(sentences) and is_list_item(text, sentences[last + 1]):
        last += 1
    return sentences[first][0], sentences[last][1]


def _clauses(question: Question, evidence: Evidence) -> Span:
    """The clauses of a long sentence from the first to the last that hold words of the question."""
    start, end = evidence.span
    text = evidence.passage.article.text
    cuts = [m.end() for m in _CLAUSE_END.finditer(text, start, end)]
    clauses = list(zip([start, *cuts], [*cuts, end], strict=True))
    held = [len(set(question.content) & set(question.form(text[a:b]))) for a, b in clauses]
    telling = [i for i, count in enumerate(held) if count >= max(held) / 2]
    a, b = clauses[telling[0]][0], clauses[telling[-1]][1]
    return a, b - (len(text[a:b]) - len(text[a:b].rstrip(" ;:")))


def _overlap(a: _Choice, b: _Choice) -> bool:
    same = a.evidence.passage.article.id == b.evidence.passage.article.id
    return same and a.span[0] < b.span[1] and b.span[0] < a.span[1]


def _says_the_same(question: Question, a: _Choice, b: _Choice) -> bool:
    """Whether two sentences share most of their words: the same fact, told twice."""
    left, right = set(question.form(a.text)), set(question.form(b.text))
    return len(left & right) > 0.6 * min(len(left), len(right))
