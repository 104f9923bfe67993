"""Other ways to say what a question says: abbreviations, English words, synonyms.

Three lists in `rag.vietnamese.data`, what an operator adds to them, and what the corpus itself defines
("ngoại giao kinh tế (NGKT)"). Abbreviations and English words are written out in the question; whatever it holds
after that, in either form, is also searched and recognised in the other forms.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from index.protocol import Index
from rag.understanding.kinds import asking_phrases
from rag.vietnamese.data import lines
from rag.vietnamese.lexicon import lexicon
from rag.vietnamese.normalize import has_accents, strip_accents
from rag.vietnamese.terms import DEFINITIONS, syllables

Phrase = tuple[str, ...]
"""Syllables in match form."""


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A phrase of the question, and another way to say it. `certain` if they are one thing: an abbreviation."""

    phrase: Phrase
    other: Phrase
    certain: bool


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What an abbreviation stands for, if one of `context` (folded; none: always) stands in the question too."""

    words: str
    context: tuple[str, ...] = ()


_WORD = re.compile(r"[^\W_]+(?:[./&-][^\W_]+)*")
_CODE_BESIDE = re.compile(r"[/\d-]")
_WITH_NUMBER = re.compile(r"(?<![\w/-])([^\W\d_]{2,5})(\d{1,4})(?=/\d{4}\b|(?![\w/-]))")  # "CT15", "NĐ15/2020"


Counts = Callable[[Sequence[str]], Sequence[int]]
"""In how many chunks each syllable, or pair of neighbouring syllables ("a_b"), stands."""


def write_out(text: str, defined: Mapping[str, str], counts: Counts) -> str:
    """`text` with its abbreviations and English words written out in Vietnamese, as far as their meaning is clear.

    `defined` are the abbreviations that the corpus itself explains; they come first. A part of a document number
    ("15-CT/TW") stays. Of several meanings the one is taken that most of the question speaks for, or that the corpus
    has beside the same words ("CT 15": "Chỉ thị 15").
    """
    if _is_all_capitals(text):
        return text
    text = _WITH_NUMBER.sub(lambda m: f"{m[1]} {m[2]}" if m[1] in _documents() else m[0], text)
    for _ in range(2):  # what the first turn writes out may decide what else is meant
        text = _english_pattern().sub(lambda m: _unless_said(m.group(), _english()[m.group().lower()], counts), text)
        text = _write_out_once(text, defined, counts)
    return text


def _is_all_capitals(text: str) -> bool:
    """Whether no word can be told from an abbreviation."""
    return text.isupper() and has_accents(text)


def _write_out_once(text: str, defined: Mapping[str, str], counts: Counts) -> str:
    context = f" {' '.join(map(strip_accents, syllables(text)))} "

    def meant(found: re.Match[str]) -> str:
        typed = found.group()
        before, after = text[: found.start()], text[found.end() :]
        if _CODE_BESIDE.search(before[-1:] + after[:1]):
            return typed
        if typed in defined:
            return defined[typed]
        beside = syllables(before)[-1:], syllables(after)[:1]
        numbered = f"{context}{_BEFORE_NUMBER} " if re.match(r"\s*\d", after) else context
        words = _choose(_abbreviations().get(typed, ()), numbered, beside, counts)
        return _unless_said(typed, words, counts) if words else typed

    return _WORD.sub(meant, text)


def _unless_said(typed: str, words: str, counts: Counts) -> str:
    """`words` for what was typed; that itself if the corpus says so and never says those words (ASEAN, USD)."""
    is_said, says_words = counts(syllables(typed)), counts(_pairs(words))
    return typed if is_said and all(is_said) and not (says_words and all(says_words)) else words


def unsaid(text: str, defined: Mapping[str, str], counts: Counts) -> tuple[str, ...]:
    """The abbreviations in `text` of what the corpus never names, neither so nor written out nor otherwise."""
    if _is_all_capitals(text):
        return ()
    typed = [
        m.group() for m in _WORD.finditer(text) if not _CODE_BESIDE.search(text[: m.start()][-1:] + text[m.end() :][:1])
    ]
    return tuple(
        one
        for one in dict.fromkeys(typed)
        if len(one) >= _INITIALS
        and one.isupper()
        and one not in defined
        and one in _abbreviations()
        and not any(_is_said(words, counts) for words in (one, *(m.words for m in _abbreviations()[one])))
    )


def _is_said(words: str, counts: Counts) -> bool:
    """Whether the corpus may say `words`, or what means the same: it has each two of them side by side."""
    phrase = tuple(syllables(words))
    ways = (phrase, *(other for other, _ in _known(synonyms=True).get(phrase, ())))
    return any(all(counts([f"{a}_{b}" for a, b in pairwise(way)] if len(way) > 1 else list(way))) for way in ways)


def _pairs(words: str) -> list[str]:
    return [f"{a}_{b}" for a, b in pairwise(syllables(words))]


def equivalents(text: str, defined: Mapping[str, str], *, synonyms: bool = True) -> tuple[Equivalent, ...]:
    """The other ways to say the phrases of `text`, the longest phrases first."""
    words = tuple(syllables(text))
    known = _known(synonyms=synonyms)
    short: dict[Phrase, list[tuple[Phrase, bool]]] = defaultdict(list)
    for abbreviation, full in defined.items():
        short[tuple(syllables(full))].append((tuple(syllables(abbreviation)), True))
    found: dict[tuple[Phrase, Phrase], Equivalent] = {}
    taken = [False] * len(words)
    for length in range(min(_LONGEST, len(words)), 0, -1):
        for at in range(len(words) - length + 1):
            phrase = words[at : at + length]
            others = [*known.get(phrase, ()), *short.get(phrase, ())] if not _asks(phrase) else []
            if others and not any(taken[at : at + length]):
                taken[at : at + length] = [True] * length
                for other, certain in others:
                    found.setdefault((phrase, other), Equivalent(phrase, other, certain))
    return (*found.values(), *_numbers(words))


def _numbers(words: Sequence[str]) -> Iterator[Equivalent]:
    """Small numbers of what stands behind them, in digits for words and in words for digits: "ba nhóm", "3 nhóm"."""
    for pair in pairwise(words):
        number, counted = pair
        if counted.isalpha() and (other := _IN_DIGITS.get(number) or IN_WORDS.get(number)):
            yield Equivalent(pair, (other, counted), certain=True)


class Definitions:
    """The abbreviations that the articles of an index explain; follows the index as it changes."""

    def __init__(self, index: Index) -> None:
        """Learn from `index`, when first asked."""
        self._index = index
        self._version: int | None = None
        self._known: Mapping[str, str] = {}

    def known(self) -> Mapping[str, str]:
        """The full words by abbreviation; of several meanings the one that most chunks explain."""
        version = self._index.version
        if version != self._version:
            explained = sorted(self._index.vocabulary(DEFINITIONS), key=lambda term: term[1])
            parted = [term.partition("=") for term, _ in explained]
            self._known = {short: full.replace("_", " ") for short, _, full in parted}
            self._version = version
        return self._known


_LONGEST = 9
_NUMBERS = "hai ba bốn năm sáu bảy tám chín mười".split()  # noqa: SIM905
IN_WORDS = {str(number): word for number, word in enumerate(_NUMBERS, 2)}
# "năm" is a year nearly always.
_IN_DIGITS = {word: digits for digits, word in IN_WORDS.items() if word != "năm"}


def _choose(
    meanings: Sequence[_Meaning], context: str, beside: tuple[Sequence[str], Sequence[str]], counts: Counts
) -> str:
    """The meaning that most speaks for, its words in the question first; "" if nothing decides."""
    if len(meanings) < 2:
        return meanings[0].words if meanings else ""
    scores = []
    for meaning in meanings:
        hits = sum(f" {word} " in context for word in meaning.context)
        words = syllables(meaning.words)
        ends = [f"{word}_{words[0]}" for word in beside[0]] + [f"{words[-1]}_{word}" for word in beside[1]]
        is_said = sum(count > 0 for count in counts(ends)) + 0.5 * all(counts(_pairs(meaning.words)))
        scores.append((2 * hits + 3 * is_said + (not meaning.context), meaning.words))
    (best, meant), (second, _) = sorted(scores, key=lambda s: -s[0])[:2]
    return meant if best > second else ""


@cache
def _abbreviations() -> Mapping[str, Sequence[_Meaning]]:
    """Meanings by the abbreviation as it is typed; small letters stand here only where people type them."""
    found: dict[str, list[_Meaning]] = defaultdict(list)
    for line in lines("abbreviations.txt"):
        short, _, rest = line.partition("=")
        full, _, context = rest.partition("|")
        words = tuple(_context_word(word) for word in context.split(",") if word.strip())
        meaning = _Meaning(full.strip(), words)
        plain = short.strip().lstrip("~")
        forms = [plain, strip_accents(plain)] + ([plain.lower()] if short.strip().startswith("~") else [])
        for form in dict.fromkeys(forms):
            if not _is_word(form):  # "tư" is a word before it is Trung ương
                found[form].append(meaning)
    return found


@cache
def _documents() -> frozenset[str]:
    """The abbreviations of documents, which are called by their number."""
    kinds = set(lines("documents.txt"))
    return frozenset(
        short for short, meanings in _abbreviations().items() if any(one.words.lower() in kinds for one in meanings)
    )


def _context_word(word: str) -> str:
    return _BEFORE_NUMBER if word.strip() == _BEFORE_NUMBER else " ".join(map(strip_accents, syllables(word)))


def _is_word(form: str) -> bool:
    """Whether small letters are rather a Vietnamese syllable; the dictionary holds some abbreviations too."""
    return form.islower() and lexicon()[form] > _RARE


_BEFORE_NUMBER = "+"  # as a context: a number follows
_RARE = 2  # dictionary words
_INITIALS = 3  # letters of an abbreviation that hardly stands for anything else


@cache
def _english() -> Mapping[str, str]:
    pairs = (line.partition("=") for line in lines("english.txt"))
    return {english.strip().lower(): vietnamese.strip() for english, _, vietnamese in pairs}


@cache
def _english_pattern() -> re.Pattern[str]:
    longest_first = sorted(_english(), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE)


@cache
def foreign_words() -> frozenset[str]:
    """Every word, in small letters, that is no Vietnamese syllable and right all the same: abbreviations, English."""
    english = (word.lower() for phrase in _english() for word in re.findall(r"[^\W\d_]+", phrase))
    shorts = (short.lower() for short in _abbreviations() if " " not in short)
    return frozenset(word for word in (*english, *shorts) if not _is_word(word))


@cache
def _asks(phrase: Phrase) -> bool:
    """Whether `phrase` holds one that only asks: what means the same asks as well."""
    words = f" {' '.join(phrase)} "
    return any(asking in words for asking in _asking())


@cache
def _asking() -> tuple[str, ...]:
    return tuple(f" {' '.join(syllables(asking))} " for asking in asking_phrases())


@cache
def _known(*, synonyms: bool) -> Mapping[Phrase, Sequence[tuple[Phrase, bool]]]:
    """The other ways to say each phrase of the lists, and whether they are one thing."""
    found: dict[Phrase, dict[Phrase, bool]] = defaultdict(dict)

    def add(group: Iterable[str], *, certain: bool) -> None:
        phrases = [tuple(syllables(word)) for word in group]
        for phrase in phrases:
            for other in phrases:
                if other != phrase:
                    found[phrase].setdefault(other, certain)

    for short, meanings in _abbreviations().items():
        if len(meanings) == 1 and not short.islower() and not _is_word(short.lower()):
            add((short, meanings[0].words), certain=True)
    for english, vietnamese in _english().items():
        add((english, vietnamese), certain=True)
    if synonyms:
        for line in lines("synonyms.txt"):
            add(line.split("="), certain=False)
    return {phrase: tuple(others.items()) for phrase, others in found.items()}
