"""Giving a question its spelling back, as the corpus would write it: "tong kim ngahc" is "tổng kim ngạch".

A noisy channel. For each syllable that may be meant otherwise than it was typed there are candidates: syllables of the
corpus and the dictionary that differ by their accents, by the keys of Telex ("ngayf"), or by one letter. The best way
through them is found by Viterbi over the probabilities of pairs, times what each mistake is worth. How likely b is
after a is told by the corpus, drawn towards the language at large with the weight of `_LANGUAGE` chunks (a Dirichlet
prior): (n(a b) + _LANGUAGE P(b | a)) / (n(a) + _LANGUAGE), where n counts the chunks that hold a syllable or a pair;
and smoothed with b's share of its candidates. Phrases that questions have and articles do not (bao nhiêu, là gì) come
from the lists in `rag.vietnamese.data`.
"""

from __future__ import annotations

import math
import re
import string
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from index.protocol import Index
from rag.understanding.equivalents import foreign_words
from rag.understanding.kinds import asking_phrases
from rag.vietnamese.bigrams import START, bigrams
from rag.vietnamese.data import lines
from rag.vietnamese.lexicon import lexicon, telex
from rag.vietnamese.normalize import as_most_write, has_accents, match_form, strip_accents, typed_with_accents
from rag.vietnamese.terms import syllables

_CANDIDATES = 8
_LONG = 60  # syllables; a longer text gets fewer candidates each, so that no question holds up the others
# Chosen on 1,292 questions on five articles and on 600 on 740 of news, stripped of their accents: of the syllables 98.5
# and 92.3 % come back right, 96.1 and 89.3 % where the language at large has no questions.
_SMOOTHING = 0.0005
_LANGUAGE = 400.0  # chunks that the language at large counts for beside the corpus, after each syllable
_PER_MILLION = 0.003  # chunks that a syllable counts for, for each time that it is one of a million of the language
_ASKING = 3.0  # chunks that a phrase that asks counts for
_ASKING_TYPED = 1.0  # the same in a question that was typed with accents: "ở đầu cầu" is not "ở đâu cầu"
_DICTIONARY = 0.005  # chunks that a word of the dictionary counts for: it decides where all else is silent
# What a mistake is worth, as a probability. The accents of one syllable left out in a question that has others; another
# accent than is meant, in a syllable that is one; in one that is none; and one letter.
_BARE, _OTHER_WORD, _NO_WORD, _LETTER = 0.005, 0.00001, 0.02, 0.005
# What many people say alike, and so mistake for each other where both are syllables.
_ALIKE = {"gi": "d", "d": "gi", "tr": "ch", "ch": "tr", "s": "x", "x": "s", "l": "n", "n": "l"}
_SAID_ALIKE, _IN_NAME = 0.002, 0.1  # as probabilities
_WHOLE_NAME = 3  # syllables
_SHORTEST = 3  # letters of a word in which one may be wrong
_WORD = re.compile(r"\d+|[^\W\d_]+")
_TONE_KEYS = "sfrxj"


@dataclass(frozen=True, slots=True)
class _Candidate:
    """What a typed syllable may be; `count` is in how many chunks it stands, `prior` what its mistake is worth."""

    syllable: str
    count: float
    prior: float = 1.0


class Speller:
    """Restores accents and mends typing mistakes from the vocabulary of an index; follows the index as it changes."""

    def __init__(self, index: Index) -> None:
        """Learn from `index`, when first asked."""
        self._index = index
        self._version: int | None = None
        self._counts: Mapping[str, float] = {}
        self._corpus: frozenset[str] = frozenset()
        self._by_fold: Mapping[str, Sequence[str]] = {}
        self._by_keys: Mapping[str, Sequence[str]] = {}

    def restore(self, text: str, *, accents: bool = True, typos: bool = True) -> str:
        """`text` with the accents that are missing and without typing mistakes; what is not known stays as it is.

        A text without accents gets them only if `accents`; everything else is done only if `typos`.
        """
        bare = not typed_with_accents(text)
        if not (accents if bare else typos):
            return text
        self._learn()
        words = list(_WORD.finditer(text))
        width = _CANDIDATES if len(words) <= _LONG else 2
        steps = [self._step(text, words, at, bare=bare, typos=typos)[:width] for at in range(len(words))]
        pieces, at = [], 0
        for word, syllable in zip(words, self._best(steps, bare=bare), strict=True):
            pieces += [text[at : word.start()], _like(word.group(), syllable)]
            at = word.end()
        return "".join([*pieces, text[at:]])

    def _learn(self) -> None:
        version = self._index.version
        if version == self._version:
            return
        counts: dict[str, float] = defaultdict(float)
        for term, records in self._index.vocabulary("syllables"):
            if term.isalpha():
                counts[term] += records
        self._corpus = frozenset(counts)
        for term, words in lexicon().items():
            counts[term] += words * _DICTIONARY + bigrams().share(term) * _PER_MILLION
        for place in (*lines("places.txt"), *lines("regions.txt")):
            for syllable in syllables(place):
                counts[syllable] += _DICTIONARY
        for syllable in {syllable for phrase in _asking() for syllable in phrase}:
            counts[syllable] += _ASKING
        by_fold, by_keys = defaultdict(list), defaultdict(list)
        for term in sorted(counts, key=lambda t: -counts[t]):
            by_fold[strip_accents(term)].append(term)
            by_keys[telex(term)].append(term)
        self._counts, self._by_fold, self._by_keys = counts, by_fold, by_keys
        self._version = version

    def _step(self, text: str, words: Sequence[re.Match[str]], at: int, *, bare: bool, typos: bool) -> list[_Candidate]:
        """What the syllable typed at that place of `words` may be, what is likeliest by itself first."""
        word = words[at]
        typed = match_form(word.group())
        if typed.isdigit():
            return [_Candidate(typed, 1.0)]
        alike = self._by_fold.get(strip_accents(typed), ())
        itself = _Candidate(typed, self._counts.get(typed, 0.0))
        if bare and not has_accents(typed) and alike:
            return [_Candidate(term, self._counts[term]) for term in alike]
        if not typos or self._is_right(text, word):
            return [itself]
        if typed in self._counts:
            prior = _OTHER_WORD if has_accents(typed) else _BARE
            others = [_Candidate(term, self._counts[term], prior) for term in alike if term != typed]
            others += self._sounding(text, words, at)
        else:
            others = self._mended(typed, alike)
            if self._is_name(word):
                others = self._beside(others, words[at - 1 : at], words[at + 1 : at + 2])
        return [itself, *sorted(others, key=lambda c: -c.prior * c.count)]

    def _sounding(self, text: str, words: Sequence[re.Match[str]], at: int) -> list[_Candidate]:
        """What a syllable that is one may be meant for, as its neighbours tell: one that many people say alike ("ngoại
        dao"); in a name that the corpus does not have, one that is one letter or its accents away ("Trần Lưu Quan").
        """
        typed = match_form(words[at].group())
        alike = _said_alike(typed)
        found = [_Candidate(alike, self._counts[alike], _SAID_ALIKE)] if alike in self._counts else []
        found = self._beside(found, words[at - 1 : at], words[at + 1 : at + 2])
        before, after = self._in_name(text, words, at)
        if not before and not after:
            return found
        near = {term for edit in _edits(strip_accents(typed)) for term in self._by_fold.get(edit, ())} & self._corpus
        named = [_Candidate(term, self._counts[term], _IN_NAME) for term in near - {typed}]
        itself = _Candidate(typed, 0.0)
        if self._beside([itself], before, ()) or self._beside([itself], (), after):
            return found
        if not (before and after):  # the rest of the name is one that the corpus has
            other = at - 2 if before else at + 1
            rest = words[other : other + 2]
            if not self._beside([_Candidate(match_form(rest[0].group()), 0.0)], (), rest[1:]):
                return found
        for side in ((before, ()), ((), after)):
            named = self._beside(named, *side) if any(side) else named
        return [*found, *named]

    def _in_name(
        self, text: str, words: Sequence[re.Match[str]], at: int
    ) -> tuple[Sequence[re.Match[str]], Sequence[re.Match[str]]]:
        """The word before and the word behind in a name of three syllables or more; nothing if there is no name."""

        def goes_on(a: re.Match[str], b: re.Match[str]) -> bool:
            return a.group().istitle() and b.group().istitle() and not text[a.end() : b.start()].strip()

        first = last = at
        while first > 0 and goes_on(words[first - 1], words[first]):
            first -= 1
        while last + 1 < len(words) and goes_on(words[last], words[last + 1]):
            last += 1
        if last - first + 1 < _WHOLE_NAME:
            return (), ()
        return words[max(first, at - 1) : at], words[at + 1 : min(last, at + 1) + 1]

    def _is_right(self, text: str, word: re.Match[str]) -> bool:
        """Whether a syllable is not to be touched: initials, names and words of other languages, parts of codes."""
        typed = word.group()
        if len(typed) == 1 or (typed.isupper() and not has_accents(typed)) or typed.lower() in foreign_words():
            return True
        beside = text[word.start() - 1 : word.start()] + text[word.end() : word.end() + 1]
        return any(c.isdigit() or c in "/_@" for c in beside)

    def _is_name(self, word: re.Match[str]) -> bool:
        """Whether this may be a name that nobody else has: "Trump", but not "Tinhr"."""
        typed = word.group()
        unknown = not typed.islower() and not has_accents(typed) and match_form(typed) not in self._counts
        return unknown and telex_meant(typed, self._by_keys) is None

    def _beside(
        self, candidates: Sequence[_Candidate], before: Sequence[re.Match[str]], after: Sequence[re.Match[str]]
    ) -> list[_Candidate]:
        """Those of `candidates` that the corpus, or a phrase that asks, has beside the same word: "Quangg" may be
        "Quang" after "Vũ".
        """
        left, right = ([match_form(word.group()) for word in words] for words in (before, after))
        pairs = [[*(f"{a}_{c.syllable}" for a in left), *(f"{c.syllable}_{b}" for b in right)] for c in candidates]
        asked = sorted({pair for group in pairs for pair in group})
        held = {pair for pair, count in zip(asked, self._index.frequencies("pairs", asked)[1], strict=True) if count}
        asking = _asking_pairs_joined()
        return [c for c, group in zip(candidates, pairs, strict=True) if not (held | asking).isdisjoint(group)]

    def _mended(self, typed: str, alike: Sequence[str]) -> list[_Candidate]:
        """Candidates for what is no syllable."""
        same_keys = (*self._by_keys.get(telex(typed), ()), *(telex_meant(typed, self._by_keys) or ()))
        if same_keys:  # the marks of a syllable, on another letter of it
            return [_Candidate(term, self._counts[term]) for term in same_keys]
        found: dict[str, float] = dict.fromkeys(alike, _NO_WORD if has_accents(typed) else 1.0)
        if len(typed) >= _SHORTEST:
            plain = strip_accents(typed)
            for near in _edits(plain):
                for term in self._by_fold.get(near, ()):
                    if term in self._corpus or term in _asking_syllables():
                        # One letter, and it must be the accents too, unless there were none.
                        kept = not has_accents(typed) or _accents(typed) == _accents(term)
                        found.setdefault(term, _LETTER if kept else _LETTER * 0.1)
        together = [_Candidate(pair, 1.0, 1.0) for pair in self._parted(typed)]
        return [*(_Candidate(term, self._counts[term], prior) for term, prior in found.items()), *together]

    def _parted(self, typed: str) -> list[str]:
        """The pairs of syllables that were typed without the space between them."""
        ways = [(typed[:at], typed[at:]) for at in range(1, len(typed))]
        known = [(a, b) for a, b in ways if a in self._counts and b in self._counts]
        _, found = self._index.frequencies("pairs", [f"{a}_{b}" for a, b in known])
        return [f"{a} {b}" for (a, b), count in zip(known, found, strict=True) if count]

    def _best(self, steps: Sequence[Sequence[_Candidate]], *, bare: bool) -> list[str]:
        """The most probable way through `steps`."""
        if not steps:
            return []
        follows = self._follows(steps, _ASKING if bare else _ASKING_TYPED)
        starts = bigrams().follow([(START, c.syllable) for c in steps[0]])
        scores = [
            math.log(c.prior * (start + _SMOOTHING * _share(steps[0], c)))
            for c, start in zip(steps[0], starts, strict=True)
        ]
        back: list[list[int]] = []
        for before, now in pairwise(steps):
            arrivals = []
            for c in now:
                alone = _SMOOTHING * _share(now, c)
                ways = [
                    score + math.log(c.prior * (follows.get((a.syllable, c.syllable), 0.0) + alone))
                    for score, a in zip(scores, before, strict=True)
                ]
                best = max(range(len(ways)), key=ways.__getitem__)
                arrivals.append((ways[best], best))
            scores = [score for score, _ in arrivals]
            back.append([origin for _, origin in arrivals])
        at = max(range(len(scores)), key=scores.__getitem__)
        path = [at]
        for origins in reversed(back):
            path.append(at := origins[at])
        return [step[choice].syllable for step, choice in zip(steps, reversed(path), strict=True)]

    def _follows(self, steps: Sequence[Sequence[_Candidate]], asking: float) -> Mapping[tuple[str, str], float]:
        """How likely the second syllable is after the first one, for each pair that a way could go through."""
        wanted = sorted({(a.syllable, b.syllable) for left, right in pairwise(steps) for a in left for b in right})
        if not wanted:
            return {}
        firsts = sorted({a for a, _ in wanted})
        _, held = self._index.frequencies("pairs", [f"{a}_{b}" for a, b in wanted])
        _, alone = self._index.frequencies("syllables", firsts)
        chunks = dict(zip(firsts, alone, strict=True))
        return {
            (a, b): (count + asking * ((a, b) in _asking_pairs()) + _LANGUAGE * language) / (chunks[a] + _LANGUAGE)
            for (a, b), count, language in zip(wanted, held, bigrams().follow(wanted), strict=True)
        }


def telex_meant(typed: str, by_keys: Mapping[str, Sequence[str]]) -> Sequence[str] | None:
    """The syllables that were meant by keys that stayed as they were typed ("sasng": sáng), None if there are none."""
    keys = telex(typed)
    for at, key in enumerate(keys):
        if at and key in _TONE_KEYS and (meant := by_keys.get(keys[:at] + keys[at + 1 :] + key)):
            return meant
    return None


def _said_alike(syllable: str) -> str:
    """What may be meant by `syllable`, whose beginning many say like another one: "giao" by "dao"; "" if nothing."""
    onset = next((onset for onset in _ALIKE if syllable.startswith(onset)), "")
    other, rime = _ALIKE.get(onset, ""), syllable[len(onset) :]
    if other == "gi" and strip_accents(rime[:1]) == "i":  # "gì" is written with one i
        other = "g"
    return other + rime if onset else ""


def _edits(word: str) -> Iterator[str]:
    """Everything that is one insertion, deletion, substitution or transposition away."""
    for at in range(len(word) + 1):
        left, right = word[:at], word[at:]
        if right:
            yield left + right[1:]
        if len(right) > 1:
            yield left + right[1] + right[0] + right[2:]
        for letter in string.ascii_lowercase:
            yield left + letter + right
            if right:
                yield left + letter + right[1:]


def _accents(syllable: str) -> str:
    """The accents of a syllable, as the keys that type them, in order."""
    plain = list(strip_accents(syllable))
    rest = []
    for key in telex(syllable):
        if plain and key == plain[0]:
            plain.pop(0)
        else:
            rest.append(key)
    return "".join(sorted(rest))


def _share(step: Sequence[_Candidate], candidate: _Candidate) -> float:
    return (candidate.count + 0.1) / (sum(other.count for other in step) + 1)


def _like(typed: str, restored: str) -> str:
    """`restored` in the capitals of `typed`; what was right stays as it was typed."""
    if restored == match_form(typed):
        return typed
    restored = " ".join(map(as_most_write, restored.split()))
    if typed.isupper() and len(typed) > 1:
        return restored.upper()
    return restored.capitalize() if typed[0].isupper() else restored


@cache
def _asking() -> tuple[tuple[str, ...], ...]:
    """The phrases of questions, as syllables."""
    return tuple(tuple(syllables(phrase)) for phrase in (*asking_phrases(), *lines("stopwords.txt")))


@cache
def _asking_syllables() -> frozenset[str]:
    return frozenset(syllable for phrase in asking_phrases() for syllable in syllables(phrase))


@cache
def _asking_pairs_joined() -> frozenset[str]:
    return frozenset(f"{a}_{b}" for a, b in _asking_pairs())


@cache
def _asking_pairs() -> frozenset[tuple[str, str]]:
    return frozenset(pair for phrase in _asking() for pair in pairwise(phrase))
