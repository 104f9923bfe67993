"""How well each sentence of the passages answers the question: features, then one score."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from rag.question import Kind, Question
from rag.schema import Passage, Span
from rag.vietnamese.data import lines, read

# Weights of the features; see `Evidence`. Chosen on viquad dev and the gold dev split, see RESULTS.md.
_PASSAGE, _SIMILARITY, _COVERAGE, _PAIRS, _CONTEXT, _KIND = 0.12, 3.0, 1.0, 0.5, 0.5, 0.3


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence as evidence for an answer. `span` is in the text of the passage's article.

    `coverage` is the share, by IDF, of the question's content words that the sentence holds; `context` the
    same when its neighbour, heading, title and date are read with it; `pairs` the share of the question's pairs of
    neighbouring words that stand side by side here too; `fits` how far it holds what the kind of question
    wants (a number, a name, ...); `years` whether every year of the question stands in it or in its context.
    """

    passage: Passage
    span: Span
    similarity: float
    coverage: float
    context: float
    pairs: float
    fits: float
    years: bool

    @property
    def text(self) -> str:
        """The sentence."""
        return self.passage.article.text[self.span[0] : self.span[1]]

    @property
    def score(self) -> float:
        """A weighted sum: higher is better. Only differences within one question mean anything."""
        return (
            _PASSAGE * self.passage.scores.fused
            + _SIMILARITY * self.similarity
            + _COVERAGE * self.coverage
            + _CONTEXT * self.context
            + _PAIRS * self.pairs
            + _KIND * self.fits
        )


def weigh(question: Question, passages: Sequence[Passage], weights: Mapping[str, float]) -> list[Evidence]:
    """Every sentence of `passages` as evidence, best first. `weights` are the IDFs of `question.content`."""
    pairs = frozenset(question.terms["pairs" if question.accented else "folded_pairs"])
    evidence = []
    for passage in passages:
        around = question.form(_around(passage))
        before: list[str] = []
        for span, similarity in zip(passage.chunk.sentences, passage.similarities, strict=True):
            sentence = passage.article.text[span[0] : span[1]]
            words = question.form(sentence)
            context = {*around, *before, *words}
            evidence.append(
                Evidence(
                    passage=passage,
                    span=span,
                    similarity=similarity if question.accented else 0.0,
                    coverage=_coverage(weights, set(words)),
                    context=_coverage(weights, context),
                    pairs=_share(pairs, words),
                    fits=_fits(question, sentence, words),
                    years=question.years <= context,
                )
            )
            before = words
    return sorted(evidence, key=lambda e: -e.score)


def _around(passage: Passage) -> str:
    """What a reader of a sentence knows besides: title, heading and date of its article."""
    day = passage.article.published
    date = f"ngày {day.day}/{day.month}/{day.year} năm {day.year}" if day else ""
    return f"{passage.article.title}\n{passage.chunk.heading}\n{date}"


def _coverage(weights: Mapping[str, float], held: set[str]) -> float:
    total = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in held) / total if total else 0.0


def _share(pairs: frozenset[str], words: Sequence[str]) -> float:
    held = {f"{a}_{b}" for a, b in pairwise(words)}
    return len(pairs & held) / len(pairs) if pairs else 0.0


def _fits(question: Question, sentence: str, words: Sequence[str]) -> float:
    """How far `sentence` holds the sort of thing that is asked for: 1 yes, 0 no, between the two perhaps."""
    pattern = _kind_patterns().get(question.kind)
    if pattern is None or not pattern.search(sentence):
        return 0.0
    if question.unit:
        # "mấy nhóm", "bao nhiêu văn kiện": the number should stand before just that word.
        return 1.0 if any(b == question.unit and _is_number(a) for a, b in pairwise(words)) else 0.5
    return 1.0


def _is_number(word: str) -> bool:
    return word[0].isdigit() or word in _number_words()


@cache
def _number_words() -> frozenset[str]:
    return frozenset(lines("number_words.txt"))


@cache
def _kind_patterns() -> Mapping[Kind, re.Pattern[str]]:
    letters = [chr(code) for code in range(ord("A"), 0x1EFA)]
    upper = "".join(c for c in letters if unicodedata.category(c) == "Lu")
    lower = "".join(c for c in letters if unicodedata.category(c) == "Ll")
    table = tomllib.loads(read("answer_patterns.toml"))
    return {
        Kind(kind): re.compile(pattern.replace("{U}", f"[{upper}]").replace("{L}", f"[{lower}]"))
        for kind, pattern in table.items()
    }
