"""The parts of an answer that are shown alike on a page and in a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.schema import Answer, Citation, Passage, Span

MARKER = re.compile(r"\[(\d{1,3})\]")

# What the grounding takes out of a quote before it is shown as a statement.
_FOOTNOTE = re.compile(rf"[ \t]*{MARKER.pattern}")

_STEPS = {
    "accents": "Thêm dấu",
    "typos": "Sửa lỗi gõ",
    "abbreviations": "Viết đầy đủ chữ viết tắt",
    "follow_ups": "Bổ sung từ các câu hỏi trước",
    "synonyms": "Tìm cả từ đồng nghĩa",
    "rewording": "Diễn đạt lại bằng từ thông dụng",
    "parts": "Tách thành các câu hỏi",
}


def understood(answer: Answer) -> str:
    """The question as it was understood, or "" if that is how it was asked."""
    return "" if answer.understood == answer.question else answer.understood


def steps(answer: Answer) -> list[tuple[str, str]]:
    """What was done to understand the question: each step in Vietnamese, and the question after it."""
    return [(_STEPS.get(name, name), question) for name, question in answer.trace]


def written(answer: Answer) -> str:
    """How the words of a language model fared, "" if none was asked."""
    told = answer.writing
    if not told.model:
        return ""
    moved = f", {told.moved} câu đổi nguồn" if told.moved else ""
    dropped = f", {len(told.dropped)} câu bị bỏ vì không khớp" if told.dropped else ""
    return f"Mô hình {told.model}: {told.kept} câu được dùng{moved}{dropped}"


def holds(passage: Passage, citation: Citation) -> bool:
    """Whether the words of `citation` stand in `passage`."""
    chunk = passage.chunk
    return chunk.article_id == citation.article_id and chunk.start <= citation.start and citation.end <= chunk.end


def short_spans(text: str, citations: Sequence[Citation]) -> list[Span]:
    """Where the short answers stand in `text`, an answer's: in order, apart from each other and from all markers."""
    cited = {citation.marker: citation for citation in citations}
    found: set[Span] = set()
    statement = (0, 0)
    position = 0
    for marker in MARKER.finditer(text):
        if text[position : marker.start()].strip():  # otherwise "[1][2]", two sources of one statement
            statement = (position, marker.start())
        position = marker.end()
        citation = cited.get(int(marker.group(1)))
        if citation and citation.short and (span := _find_short(text, statement, citation, citation.short)):
            found.add(span)
    apart: list[Span] = []
    for span in sorted(found):
        if not apart or apart[-1][1] <= span[0]:
            apart.append(span)
    return apart


def _find_short(text: str, statement: Span, citation: Citation, short: Span) -> Span | None:
    """The short answer of `citation` in `text[slice(*statement)]`, None if it cannot be told for certain."""
    start, end = short[0] - citation.start, short[1] - citation.start
    parts = (citation.quote[:start], citation.quote[start:end], citation.quote[end:])
    before, words, after = (_FOOTNOTE.sub("", part) for part in parts)
    if not words:  # nothing but a footnote
        return None
    at = text.rfind(before + words + after, *statement)
    if at >= 0:
        return at + len(before), at + len(before) + len(words)
    # In a statement that does not quote word for word, the words have to stand once, and no number may go on.
    whole = re.compile(rf"(?<!\w)(?<!\d[.,]){re.escape(words)}(?!\w|[.,]\d)")
    places = [match.span() for match in whole.finditer(text, *statement)]
    return places[0] if len(places) == 1 else None
