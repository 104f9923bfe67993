"""Where sentences begin and end, as spans of the text."""

from __future__ import annotations

import re
from functools import cache

from rag.schema import Span
from rag.vietnamese.data import lines

_LINE = re.compile(r"[^\n]+")
# An end: . ! ? or … with the quotes and brackets that close behind it, then white space.
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)")
_LAST_WORD = re.compile(r"[\w./]+$")
_NEXT_WORD = re.compile(r"\s+[\"'“‘«(\[]*(\w?)")
# A bullet, a number, a small letter, or a Roman number. One capital before a full stop is an initial ("C. Mác"), two
# or three letters are an abbreviation ("TP. Hồ Chí Minh"), and a short word may be a sentence ("Có.").
_LIST_MARK = re.compile(r"\s*(?:[-–•*+]|\(?(?:\d{1,3}|[a-zđ]|[ivx]{2,4}|[IVX]{2,4})[.)]|\(?[A-ZĐ]\))\s+")
_COUNTED = re.compile(r"(?:Thứ (?:nhất|hai|ba|tư|năm|sáu|bảy|tám)|(?:Một|Hai|Ba|Bốn|Năm|Sáu|Bảy|Tám) là)\b")


@cache
def _abbreviations() -> frozenset[str]:
    return frozenset(lines("no_sentence_end.txt"))


def split_sentences(text: str) -> list[Span]:
    """Spans of the sentences of `text`, in order, without white space or list mark ("- ", "1. ") before them.

    A line break always ends a sentence. A full stop does not when it belongs to an abbreviation ("TP."),
    or an initial ("J. Biden"), or when a small letter follows ("v.v. và").
    """
    spans: list[Span] = []
    for line in _LINE.finditer(text):
        spans.extend(_split_line(text, line.start(), line.end()))
    return spans


def _split_line(text: str, start: int, end: int) -> list[Span]:
    mark = _LIST_MARK.match(text, start, end)
    start = mark.end() if mark else start
    cuts = [m.end() for m in _END.finditer(text, start, end) if _ends_sentence(text, m)]
    spans = []
    for left, right in zip([start, *cuts], [*cuts, end], strict=True):
        piece = text[left:right]
        stripped = piece.strip()
        if stripped:
            begin = left + piece.index(stripped)
            spans.append((begin, begin + len(stripped)))
    return spans


def _ends_sentence(text: str, end: re.Match[str]) -> bool:
    following = _NEXT_WORD.match(text, end.end())
    if following and following.group(1).islower():
        return False
    if end.group() != ".":
        return True
    # The window is longer than any abbreviation; searching the whole prefix would be quadratic.
    before = _LAST_WORD.search(text, max(0, end.start() - 30), end.start())
    if before is None:
        return True
    word = before.group()
    if len(word) == 1 and word.isupper():  # an initial: "Joseph R. Biden"
        return False
    return word.lower() not in _abbreviations()


def is_list_item(text: str, sentence: Span) -> bool:
    """Whether `sentence` stands in a line with a list mark, or counts itself ("Thứ hai, ...", "Hai là ...")."""
    line_start = text.rfind("\n", 0, sentence[0]) + 1
    return bool(_LIST_MARK.match(text, line_start, sentence[0]) or _COUNTED.match(text, *sentence))
