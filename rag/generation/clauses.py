"""Clauses: as much of a sentence, or of an item of a list, as there is room for."""

from __future__ import annotations

import re

from rag.evidence import Evidence
from rag.question import Question
from rag.schema import Span
from rag.understanding.constraints import UPPER
from rag.vietnamese.sentences import same_sentence

OVER = 1.3  # so much more where fewer words would leave out the answer
_SHORTEST_BEGINNING = 4  # words of an item of a list, or of a sentence
_SHORT_ITEM = re.compile(r",\s+[^\s,;:()“”\"]+(?:\s+[^\s,;:()“”\"]+){0,3}(?=[,;.]|$)")
# One that stands before: a person has a post too.
_ITEM_BEFORE = re.compile(r"(?:^|(?<=[,;:]\s))([^\s,;:()“”\"]+(?: [^\s,;:()“”\"]+){0,7}),\s+$")
_PART_END = re.compile(r"[,;:](?=\s)")
_BEGINNING_END = re.compile(
    rf"{_PART_END.pattern}|(?=\s(?:trong|với|để|nhằm|gồm|bao gồm|phục vụ|theo|trên|thông qua|nhất là|từ)\s)"
)
# Two names in one ("Đảng và Nhà nước") stay whole, and so does "trở về".
_ITEM_PART_END = re.compile(rf"{_BEGINNING_END.pattern}|(?=\s(?:và\s[^{UPPER}]|(?<!trở\s)về\s))")


def clauses_that_answer(question: Question, evidence: Evidence, span: Span, limit: int) -> Span:
    """As many clauses of `span` as `limit` words allow: those with the short answer and the most of what is asked."""
    text = evidence.passage.article.text
    if count_words(text, span) <= limit or not evidence.short:
        return span
    asked = set(question.content)

    def worth(clauses: Span) -> tuple[int, int]:
        return len(asked & set(question.form(text[slice(*clauses)]))), -count_words(text, clauses)

    # A quotation is broken off only where there is no room for all of it.
    whole, broken = around_short(evidence, span), around_short(evidence, span, in_quotations=True)
    for around, room in ((whole, limit), (whole, int(OVER * limit)), (broken, limit)):
        if short_enough := [run for run in around if count_words(text, run) <= room]:
            return max(short_enough, key=worth)
    least = min(broken, key=lambda run: count_words(text, run), default=span)
    return least if count_words(text, least) <= OVER * limit else beginning(text, evidence.span, limit)


def unbroken(evidence: Evidence, span: Span, room: int) -> Span:
    """`span`, with the items beside it of an enumeration that it would break off, as far as `room` words allow: "Bộ
    trưởng A, Thứ trưởng B | và Vụ trưởng C chủ trì", "quyết liệt, | linh hoạt, sáng tạo".
    """
    text, parts = evidence.passage.article.text, evidence.passage.chunk.sentences
    first = last = parts.index(evidence.span)
    while first > 0 and same_sentence(text, parts[first - 1], parts[first]):
        first -= 1
    while last + 1 < len(parts) and same_sentence(text, parts[last], parts[last + 1]):
        last += 1
    begin = parts[first][0]
    start, end = _with_items(text, span, (begin, parts[last][1]), room)
    while item := _ITEM_BEFORE.search(text[begin:start]):
        if count_words(text, (begin + item.start(1), end)) > room:
            break
        start = begin + item.start(1)
    return start, end


def _with_items(text: str, run: Span, span: Span, limit: int) -> Span:
    """`run`, with the short items of an enumeration in `span` that it would break off: "nhanh, đúng, đủ"."""
    start, end = run
    while item := _SHORT_ITEM.match(text, end, span[1]):
        if count_words(text, (start, item.end())) > limit:
            break
        end = item.end()
    return start, end


def around_short(evidence: Evidence, span: Span, *, in_quotations: bool = False) -> list[Span]:
    """All runs of clauses in `span` that hold the short answer, those that break off a quotation only if asked for.

    None without a short answer.
    """
    text, (start, end), short = evidence.passage.article.text, span, evidence.short
    if not short:
        return []
    is_outside = _is_outside_brackets if in_quotations else _is_outside
    ends = [m.end() for m in _PART_END.finditer(text, start, end) if is_outside(text[start : m.start()])]
    begins = [start, *(at + len(text[at:end]) - len(text[at:end].lstrip()) for at in ends)]
    runs = [(begin, stop) for begin in begins for stop in (*(at - 1 for at in ends), end) if begin < stop]
    return [run for run in runs if run[0] <= short[0] < short[1] <= run[1]]


def as_far_as(text: str, span: Span, words: int) -> Span:
    """As many clauses from the beginning of `span` as `words` words allow, one at least; none that only announces."""
    start, end = span
    joints = (m for m in _PART_END.finditer(text, start, end) if m.group() != ":")
    ends = [m.start() for m in joints if _is_outside(text[start : m.start()])]
    runs = [(start, at) for at in (*ends, end)]
    return max((run for run in runs if count_words(text, run) <= words), default=runs[0])


def beginnings(text: str, span: Span, part_end: re.Pattern[str] = _ITEM_PART_END) -> list[Span]:
    """The ways to tell only the first parts of an item of a list, the shortest first; all of it is the last."""
    start, end = span
    ends = [m.start() for m in part_end.finditer(text, start, end) if _is_outside(text[start : m.start()])]
    ends = [at - (text[at - 1] in ",;") for at in ends]
    return [(start, at) for at in ends if count_words(text, (start, at)) >= _SHORTEST_BEGINNING] + [span]


def beginning(text: str, span: Span, words: int) -> Span:
    """As much of the beginning of `span` as `words` words allow, where it can be parted so."""
    ways = beginnings(text, span, _BEGINNING_END)
    return max((way for way in ways if count_words(text, way) <= words), default=ways[0])


def _is_outside(before: str) -> bool:
    """Whether what follows `before` stands in no brackets and no quotation marks."""
    is_quoted = before.count("“") != before.count("”") or before.count('"') % 2
    return _is_outside_brackets(before) and not is_quoted


def _is_outside_brackets(before: str) -> bool:
    return before.count("(") == before.count(")")


def count_words(text: str, span: Span) -> int:
    """How many words of `text` stand in `span`."""
    return len(text[slice(*span)].split())
