"""Giving a question its accents back, as the corpus would write it: "tong kim ngach" is "tổng kim ngạch".

For each syllable the candidates are those syllables of the corpus that fold to it. The best way through them is found
by Viterbi over the probabilities of pairs, P(b | a) = n(a b) / n(a), smoothed with P(b | its folded form), where
n counts the chunks that hold a syllable or a pair. Words that questions have and articles do not (gì, bao nhiêu)
come from the lists in `rag.vietnamese.data`.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from index.protocol import Index
from rag.question import Kind
from rag.vietnamese.data import lines, read
from rag.vietnamese.normalize import fold, has_accents, match_form, strip_accents
from rag.vietnamese.terms import syllables

_CANDIDATES = 8
_LONG = 60  # syllables; a longer text gets fewer candidates each, so that no question holds up the others
_SMOOTHING = 0.003  # of 0.001 to 0.3, the best on 500 viquad dev questions: 97 % of the syllables are right
_ASKING = 100.0  # chunks that a syllable or pair of the word lists counts for
_WORD = re.compile(r"[^\W\d_]+")


class Accents:
    """Restores accents from the vocabulary of an index; follows the index as it changes."""

    def __init__(self, index: Index) -> None:
        """Learn from `index`, when first asked."""
        self._index = index
        self._version: int | None = None
        self._candidates: dict[str, list[tuple[str, float]]] = {}

    def restore(self, text: str) -> str:
        """`text`, typed without accents, with them; what the corpus does not know stays as it is."""
        self._learn()
        words = list(_WORD.finditer(text))
        restored = self._best(
            [self._step(word.group(), width=_CANDIDATES if len(words) <= _LONG else 2) for word in words]
        )
        pieces, at = [], 0
        for word, syllable in zip(words, restored, strict=True):
            pieces += [text[at : word.start()], _like(word.group(), syllable)]
            at = word.end()
        return "".join([*pieces, text[at:]])

    def _learn(self) -> None:
        version = self._index.version
        if version == self._version:
            return
        counts: dict[str, float] = defaultdict(float)
        for term, records in self._index.vocabulary("syllables"):
            counts[term] += records
        for phrase in _asking():
            for syllable in phrase:
                counts[syllable] += _ASKING
        candidates: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for term, count in counts.items():
            candidates[strip_accents(term)].append((term, count))
        self._candidates = {k: sorted(v, key=lambda c: -c[1])[:_CANDIDATES] for k, v in candidates.items()}
        self._version = version

    def _step(self, typed: str, width: int) -> list[tuple[str, float]]:
        """What a typed syllable may be, with its counts: itself, if it has accents already."""
        if has_accents(typed):
            return [(match_form(typed), 1.0)]
        return self._candidates.get(fold(typed), [(match_form(typed), 1.0)])[:width]

    def _best(self, steps: Sequence[list[tuple[str, float]]]) -> list[str]:
        """The most probable way through `steps`."""
        if not steps:
            return []
        pairs = self._pair_counts(steps)
        scores = [math.log(_share(steps[0], count)) for _, count in steps[0]]
        back: list[list[int]] = []
        for before, now in pairwise(steps):
            arrivals = []
            for term, count in now:
                alone = _SMOOTHING * _share(now, count)
                ways = [
                    score + math.log(pairs.get(f"{left}_{term}", 0.0) / (left_count + 1) + alone)
                    for score, (left, left_count) in zip(scores, before, strict=True)
                ]
                best = max(range(len(ways)), key=ways.__getitem__)
                arrivals.append((ways[best], best))
            scores = [score for score, _ in arrivals]
            back.append([origin for _, origin in arrivals])
        at = max(range(len(scores)), key=scores.__getitem__)
        path = [at]
        for origins in reversed(back):
            path.append(at := origins[at])
        return [step[choice][0] for step, choice in zip(steps, reversed(path), strict=True)]

    def _pair_counts(self, steps: Sequence[Sequence[tuple[str, float]]]) -> dict[str, float]:
        """How many chunks hold each pair that a way could go through."""
        wanted = sorted({f"{a}_{b}" for left, right in pairwise(steps) for a, _ in left for b, _ in right})
        _, found = self._index.frequencies("pairs", wanted)
        counts = {pair: float(count) for pair, count in zip(wanted, found, strict=True) if count}
        for phrase in _asking():
            for a, b in pairwise(phrase):
                counts[f"{a}_{b}"] = counts.get(f"{a}_{b}", 0.0) + _ASKING
        return counts


def _share(step: Sequence[tuple[str, float]], count: float) -> float:
    return (count + 0.1) / (sum(other for _, other in step) + 1)


def _like(typed: str, restored: str) -> str:
    """`restored` in the capitals of `typed`."""
    if typed.isupper() and len(typed) > 1:
        return restored.upper()
    return restored.capitalize() if typed[0].isupper() else restored


@cache
def _asking() -> tuple[tuple[str, ...], ...]:
    """The phrases of questions, as syllables."""
    table = tomllib.loads(read("question_words.toml"))
    phrases = [phrase for kind in Kind if kind != Kind.OPEN for phrase in table[kind]["phrases"]]
    return tuple(tuple(syllables(phrase)) for phrase in (*phrases, *lines("stopwords.txt")))
