"""The form in which answers are compared, so that spelling habits do not decide what is right.

Two texts are equal if their tokens are: runs of letters or digits in `match_form` (NFC, lower case, one tone
placement, one i/y), and "%". Other punctuation and spaces do not count, with three exceptions that carry meaning:
the decimal sign stays in its number (36,6 = 36.6), marks between thousands go (1.000 = 1000), and a date is its
numbers (ngày 2 tháng 4 năm 2024 = 02/04/2024).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rag.vietnamese.normalize import match_form

_DATE = re.compile(r"\b(\d{1,2}) tháng (\d{1,2})\b(?: năm (?=\d{4}\b))?")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|%")
_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3})+|\d{1,3}(?:,\d{3}){2,}")
_DECIMAL = re.compile(r"(\d+)[.,](\d+)")
_MARKER = re.compile(r"\s*\[\d+\]")


def without_markers(answer: str) -> str:
    """An answer's text without the `[n]` that point to its citations."""
    return _MARKER.sub("", answer)


def count_words(text: str) -> int:
    """The number of runs of characters between spaces."""
    return len(text.split())


@lru_cache(maxsize=100_000)
def tokens(text: str) -> tuple[str, ...]:
    """The tokens of `text` in the form in which they are compared."""
    form = _DATE.sub(r"\1/\2/", " ".join(match_form(text).split()))
    return tuple(token for found in _TOKEN.findall(form) for token in _number(found))


def key(text: str) -> str:
    """`text` in one string: two texts that count as equal have the same."""
    return " ".join(tokens(text))


def holds(text: str, wanted: str) -> bool:
    """Whether the tokens of `wanted` stand in `text`, whole and side by side ("15" does not stand in "150")."""
    return bool(tokens(wanted)) and f" {key(wanted)} " in f" {key(text)} "


def meets(texts: Sequence[str], answers: Iterable[str], all_of: Iterable[str]) -> bool:
    """Whether one of `answers` stands in one of `texts` (if there are any), and each of `all_of` in some of them."""
    wanted = list(answers)
    any_met = not wanted or any(holds(text, answer) for answer in wanted for text in texts)
    return any_met and all(any(holds(text, part) for text in texts) for part in all_of)


def _number(token: str) -> list[str]:
    if not token[0].isdigit():
        return [token]
    if _THOUSANDS.fullmatch(token):
        return [token.replace(".", "").replace(",", "")]
    if decimal := _DECIMAL.fullmatch(token):
        return [f"{_bare(decimal[1])},{decimal[2]}"]
    return [_bare(part) for part in re.split(r"[.,]", token)]  # 2.4.2024


def _bare(digits: str) -> str:
    """Digits without leading zeros: 02/4 = 2/4."""
    return digits.lstrip("0") or "0"
