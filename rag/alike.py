"""Near-duplicates: one text in several papers, with another headline, a changed lead, a cut paragraph.

Two articles are compared by their shingles, runs of syllables. A few of the hashes of an article, its sketch, are kept
in the index as terms that no question asks for, so that those which share some of them are found without reading all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from rag.schema import Article
from rag.vietnamese.terms import syllables

_SHINGLE = 4  # syllables
_SKETCH = 32  # hashes: two articles that are just alike by the rule below share 7 of them, most share 20

# On 1,500 copies of news with another title and lead, up to two paragraphs cut and one put in: see RESULTS.md.
_SHARED = 0.6  # of the shingles of the shorter one
_SHORTER = 0.4  # of the length of the longer one
_DAYS = 3  # between the two
# What a series repeats every day, the price of gold, the weather, is told apart by its numbers.
_OTHER_NUMBERS = 0.3
_HELD = 0.8  # of the shingles of a passage
_PROBES, _PROBE = 4, 4  # runs of so many words of a passage, one of which a text that holds it has just so
# A day stays one number, however it is written: 2/4, 02-04-2024.
_NUMBER = re.compile(r"(?P<day>\d{1,2})[./-](?P<month>\d{1,2})(?!\d)(?:[./-]\d{4})?|(?P<number>\d+)")


@lru_cache(maxsize=512)
def shingles(text: str) -> frozenset[int]:
    """Hashes of all runs of `_SHINGLE` syllables in `text`, as this process makes them: in a tenth of the time."""
    return frozenset(map(hash, _runs(text)))


def sketch(text: str) -> list[str]:
    """The terms under which near-duplicates of an article of that text are found: the least hashes of its runs, the
    same in every process.
    """
    return [f"{number:x}" for number in sorted({_hash(" ".join(run)) for run in _runs(text)})[:_SKETCH]]


def _runs(text: str) -> list[tuple[str, ...]]:
    """All runs of `_SHINGLE` syllables in `text`; the whole of it if it is shorter."""
    found = syllables(text)
    return list(zip(*(islice(found, at, None) for at in range(_SHINGLE)), strict=False)) or [tuple(found)]


def alike(one: Article, other: Article) -> bool:
    """Whether the two are one text: most of the shorter stands in the longer, and they are of the same days.

    Articles on one event share quotes, and a series shares its frame: neither is enough.
    """
    if one.published and other.published and abs((one.published - other.published).days) > _DAYS:
        return False
    shorter, longer = sorted((one, other), key=lambda article: len(article.text))
    if len(shorter.text) < _SHORTER * len(longer.text):
        return False
    numbers = _numbers_of(shorter.text)  # fewer than the shingles, and found sooner
    if len(numbers - _numbers_of(longer.text)) > max(1, _OTHER_NUMBERS * len(numbers)) or _are_of_a_series(one, other):
        return False
    few, many = shingles(shorter.text), shingles(longer.text)
    return len(few & many) >= _SHARED * min(len(few), len(many))


def _are_of_a_series(one: Article, other: Article) -> bool:
    """Whether their titles tell them apart: by the day, or by numbers that the other one does not say."""
    titles = _numbers_of(one.title), _numbers_of(other.title)
    days = [{number for number in numbers if "/" in number} for numbers in titles]
    return bool((all(days) and not days[0] & days[1]) or (titles[0] - _numbers(other) and titles[1] - _numbers(one)))


def holds(article: Article, passage: str) -> bool:
    """Whether `article` says all that `passage` says: nearly all of its words in their order, and every number."""
    if not any(probe in article.text for probe in _probes(passage)):  # of nearly all, and in no time
        return False
    if not _numbers_of(passage) <= _numbers(article):
        return False
    wanted = shingles(passage)
    return len(wanted & shingles(article.text)) >= _HELD * len(wanted)


def _probes(passage: str) -> Iterator[str]:
    """Some words of `passage` from all over it."""
    lines = [words for line in passage.splitlines() if (words := line.split())]
    words = max(lines, key=len, default=[])
    step = max((len(words) - _PROBE) // _PROBES, 1)
    return (" ".join(words[at : at + _PROBE]) for at in range(0, max(len(words) - _PROBE, 1), step))


def _numbers(article: Article) -> frozenset[str]:
    return _numbers_of(article.title) | _numbers_of(article.text)


@lru_cache(maxsize=512)
def _numbers_of(text: str) -> frozenset[str]:
    found = (match.group("day", "month", "number") for match in _NUMBER.finditer(text))
    return frozenset(
        number.lstrip("0") if number else f"{day.lstrip('0')}/{month.lstrip('0')}" for day, month, number in found
    )


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
