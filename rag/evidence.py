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

# Weights of the features; see `Evidence`. A logistic regression on the sentences of five passages for each of 600
# viquad dev questions (five folds): the gold answer is in the best one, two, three sentences for 66, 79, 81 %.
_PASSAGE, _SIMILARITY, _COVERAGE, _CONTEXT, _PAIRS = 0.6, 3.7, 2.0, 2.5, 3.7
_NAMES = 0.8
# viquad, whose questions seldom name a year, says 1.2; in news, a sentence about another year must lose.
_YEARS = 2.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence as evidence for an answer. `span` is in the text of the passage's article.

    `coverage` is the share, by IDF, of the question's content words that the sentence holds; `context` the same when
    the sentence before it, heading, title and date are read with it; `held` that of the whole passage. `pairs` is the
    share of the question's pairs of neighbouring words that stand side by side here too; `fits` what it is worth that
    it holds what the kind of question wants (a number, a name, ...). `years` is the share of the question's years that
    stand in it or in its context, where one elsewhere in the article counts half; `names` the share of its names that
    do. Both are 1 if the question has none.
    """

    passage: Passage
    span: Span
    similarity: float
    coverage: float
    context: float
    pairs: float
    fits: float
    years: float
    names: float
    held: float

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
            + self.fits
            + _YEARS * self.years
            + _NAMES * self.names
        )


def weigh(question: Question, passages: Sequence[Passage], weights: Mapping[str, float]) -> list[Evidence]:
    """Every sentence of `passages` as evidence, best first. `weights` are the IDFs of `question.content`."""
    pairs = frozenset(question.terms["pairs" if question.accented else "folded_pairs"])
    evidence = []
    for passage in passages:
        around = question.form(_around(passage))
        held = _coverage(weights, {*around, *question.form(passage.chunk.text)})
        before: list[str] = []
        for span, similarity in zip(passage.chunk.sentences, passage.similarities, strict=True):
            sentence = passage.article.text[span[0] : span[1]]
            words = question.form(sentence)
            context = {*around, *before, *words}
            evidence.append(
                Evidence(
                    passage=passage,
                    span=span,
                    similarity=similarity if question.readable else 0.0,
                    coverage=_coverage(weights, set(words)),
                    context=_coverage(weights, context),
                    pairs=_share(pairs, words),
                    fits=fits(question, sentence, words),
                    years=_years(question, context, passage.article.text),
                    names=_names(question, context),
                    held=held,
                )
            )
            before = words
    return sorted(evidence, key=lambda e: -e.score)


def _years(question: Question, context: set[str], article: str) -> float:
    if not question.years:
        return 1.0
    found = sum(1.0 if year in context else 0.5 * (year in article) for year in question.years)
    return found / len(question.years)


def _names(question: Question, context: set[str]) -> float:
    if not question.names:
        return 1.0
    return sum(set(name) <= context for name in question.names) / len(question.names)


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


def fits(question: Question, sentence: str, words: Sequence[str]) -> float:
    """How far `sentence`, of these words, holds the sort of thing that is asked for: 0 if not, else log odds."""
    found = _kind_patterns().get(question.kind)
    if found is None or not found[0].search(sentence):
        return 0.0
    # "mấy nhóm", "bao nhiêu văn kiện": a number before just that word is as good as twice a number.
    counted = question.unit and any(b == question.unit and _is_number(a) for a, b in pairwise(words))
    return found[1] * 2 if counted else found[1]


def _is_number(word: str) -> bool:
    return word[0].isdigit() or word in _number_words()


@cache
def _number_words() -> frozenset[str]:
    return frozenset(lines("number_words.txt"))


@cache
def _kind_patterns() -> Mapping[Kind, tuple[re.Pattern[str], float]]:
    """For each kind what its answers hold, and what that is worth."""
    letters = [chr(code) for code in range(ord("A"), 0x1EFA)]
    upper = "".join(c for c in letters if unicodedata.category(c) == "Lu")
    lower = "".join(c for c in letters if unicodedata.category(c) == "Ll")
    return {
        Kind(kind): (
            re.compile(entry["pattern"].replace("{U}", f"[{upper}]").replace("{L}", f"[{lower}]")),
            entry["weight"],
        )
        for kind, entry in tomllib.loads(read("answer_patterns.toml")).items()
    }
