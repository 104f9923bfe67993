"""Where sentences begin and end, as spans of the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from rag.schema import Span
from rag.vietnamese.data import lines

_LINE = re.compile(r"[^\n]+")
# An end: . ! ? or … with the quotes and brackets that close behind it, then white space.
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)")
_LAST_WORD = re.compile(r"[\w./]+$")
_WORDS = ("Á", "Ý")  # of one capital: "châu Á.", "nước Ý."
_NEXT_WORD = re.compile(r"\s+[\"'“‘«(\[]*(\w?)")
# A bullet, a number, a small letter, or a Roman number. One capital before a full stop is an initial ("C. Mác"), two
# or three letters are an abbreviation ("TP. Hồ Chí Minh"), and a short word may be a sentence ("Có.").
_LIST_MARK = re.compile(r"\s*(?:[-–•*+]|\(?(?:\d{1,3}|[a-zđ]|[ivx]{2,4}|[IVX]{2,4})[.)]|\(?[A-ZĐ]\))\s+")
# A sentence of more words than `_LONG` is parted at semicolons, a clause of more than `_TOO_LONG` at commas, which part
# enumerations too; a part of fewer words than `_SHORT` is joined to its neighbour.
_LONG, _TOO_LONG, _SHORT = 45, 60, 12
_CLAUSE_END = re.compile(r"[;:]\s+")
_COMMA = re.compile(r",\s+")
_COUNTED = re.compile(r"(?:Thứ (?:nhất|hai|ba|tư|năm|sáu|bảy|tám)|(?:Một|Hai|Ba|Bốn|Năm|Sáu|Bảy|Tám) là)\b")


@cache
def _abbreviations() -> frozenset[str]:
    return frozenset(lines("no_sentence_end.txt"))


def split_statements(text: str) -> list[Span]:
    """Spans of the statements of `text`, in order: its sentences, the long ones in parts.

    Officials write sentences of 150 words, each part of which is a statement of its own. They are parted at semicolons
    and colons, and what is still long at commas.
    """
    return [part for span in split_sentences(text) for part in _parts(text, span)]


def same_sentence(text: str, before: Span, after: Span) -> bool:
    """Whether two statements, one after the other, are parts of one sentence."""
    return text[before[1] - 1] in ";:," and not text[before[1] : after[0]].strip(" ")


def _parts(text: str, span: Span) -> list[Span]:
    clauses = _joined(text, _pieces(text, span, _CLAUSE_END), _SHORT) if _words(text, span) > _LONG else [span]
    parts = []
    for clause in clauses:
        words = _words(text, clause)
        pieces = _merged(text, _pieces(text, clause, _COMMA)) if words > _TOO_LONG else [clause]
        parts += _joined(text, pieces, words / -(-words // _TOO_LONG))  # of about equal length
    return parts


def _pieces(text: str, span: Span, joint: re.Pattern[str]) -> list[Span]:
    ends = [m.end() for m in joint.finditer(text, *span) if not _is_inside(text[span[0] : m.end()])]
    bounds = [span[0], *ends, span[1]]
    return [(left, left + len(text[left:right].rstrip())) for left, right in pairwise(bounds) if left < right]


def _merged(text: str, pieces: Sequence[Span]) -> list[Span]:
    """`pieces` without the cuts beside a short one, which enumerates."""
    merged = list(pieces[:1])
    for before, piece in pairwise(pieces):
        if min(_words(text, before), _words(text, piece)) < _SHORT / 2:
            merged[-1] = (merged[-1][0], piece[1])
        else:
            merged.append(piece)
    return merged


def _is_inside(before: str) -> bool:
    """Whether quotes or brackets are open at the end of `before`."""
    return before.count('"') % 2 > 0 or any(before.count(a) > before.count(b) for a, b in ("“”", "()", "«»"))


def _joined(text: str, pieces: Sequence[Span], least: float) -> list[Span]:
    """`pieces` joined to neighbours until each has `least` words, as nearly as may be."""
    parts: list[Span] = []
    for start, end in pieces:
        if parts and (_words(text, parts[-1]) < least - _SHORT / 2 or _words(text, (start, pieces[-1][1])) < least / 2):
            parts[-1] = (parts[-1][0], end)
        else:
            parts.append((start, end))
    return parts


def _words(text: str, span: Span) -> int:
    return len(text[slice(*span)].split())


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
    if len(word) == 1 and word.isupper() and word not in _WORDS:  # an initial: "Joseph R. Biden"
        return False
    return word.lower() not in _abbreviations()


def is_list_item(text: str, sentence: Span) -> bool:
    """Whether `sentence` stands in a line with a list mark, or counts itself ("Thứ hai, ...", "Hai là ...")."""
    line_start = text.rfind("\n", 0, sentence[0]) + 1
    return bool(_LIST_MARK.match(text, line_start, sentence[0]) or _COUNTED.match(text, *sentence))
