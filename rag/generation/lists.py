"""Lists in an article: an introduction with its items, one of them, or as much of each as there is room for."""

from __future__ import annotations

import re

from rag.evidence import Evidence
from rag.generation.clauses import beginnings, count_words
from rag.question import Question
from rag.schema import Span
from rag.understanding.kinds import Kind
from rag.vietnamese.normalize import match_form
from rag.vietnamese.sentences import is_list_item, same_sentence

_MARK_LENGTH = 4  # "(iv)"
# How an item says which it is.
_FIRST_ITEM = re.compile(r"(?<=:)\s+(?=(?:thứ nhất|một là)\b)", re.IGNORECASE)  # in the sentence that introduces it
_FEW = 5  # words
_COUNTED = ("thứ nhất|một là", "thứ hai|hai là", "thứ ba|ba là", "thứ tư|bốn là", "thứ năm|năm là")


def is_of_list(question: Question, evidence: Evidence, room: int) -> bool:
    """Whether `evidence` is a list's introduction or an item."""
    is_item = is_list_item(evidence.passage.article.text, evidence.span)
    return is_item or with_list(question, evidence, room) != evidence.span


def with_list(question: Question, evidence: Evidence, room: int) -> Span:
    """The list that `evidence` introduces, with it; for one of its items too, if the introduction says more of what
    is asked than the item does. Otherwise the sentence alone. Unless a list is asked for, it has at most `room` words.
    """
    text, sentences = evidence.passage.article.text, list(evidence.passage.chunk.sentences)
    at = first = sentences.index(evidence.span)
    while first > 0 and goes_on(text, sentences[first - 1], sentences[first]):
        first -= 1
    last = first
    while last + 1 < len(sentences) and goes_on(text, sentences[last], sentences[last + 1]):
        last += 1

    # Who says so is said once for all of it.
    wanted = set(question.content) - {word for post in question.constraints.posts for word in post}

    def asked(span: Span) -> int:
        return len(wanted & set(question.form(text[slice(*span)])))

    # Of lists within lists it is the one that says most of what is asked.
    nested = [i for i in range(first, at + 1) if i == first or text[slice(*sentences[i])].endswith(":")]
    first = max(nested, key=lambda i: (asked(sentences[i]), -i), default=first)
    if question.kind != Kind.LIST:  # as many items as can be read
        while last > at and count_words(text, (sentences[first][0], sentences[last][1])) > room:
            last -= 1
    # An item that says most of what is asked answers alone; but one of a few words is no list.
    is_one = question.kind == Kind.LIST and not question.item and len(evidence.text.split()) <= _FEW
    if last == first or (at > first and not is_one and asked(sentences[first]) <= asked(evidence.span)):
        return evidence.span
    return sentences[first][0], sentences[last][1]


def goes_on(text: str, before: Span, item: Span) -> bool:
    """Whether `item` is the next item of a list: nothing but its mark, and no heading, stands between."""
    is_next = is_list_item(text, item) and len(text[before[1] : item[0]].strip()) <= _MARK_LENGTH
    return is_next or same_sentence(text, before, item)


def the_item(question: Question, best: Evidence, listed: Span) -> list[Span]:
    """The one item that is asked for, with the introduction unless it counts itself; empty if there is no such item."""
    return _that_counts_itself(question, best) or _of_introduction(question, best, listed)


def condensed(evidence: Evidence, listed: Span, room: int) -> list[Span]:
    """A list that is too long to be read, as its introduction and the beginning of each item, or where there is no room
    for both as those of its items alone, as many as can be read; empty if it is none.
    """
    text = evidence.passage.article.text
    first, *items = _parts(evidence, listed) or [listed]
    if len(items) < 2:
        return []
    ways = [beginnings(text, span) for span in items]
    told = [0] * len(items)  # by which of its beginnings each item is told

    def words(at: int) -> int:
        return count_words(text, ways[at][told[at]])

    introduction = [first]
    left = room - count_words(text, first) - sum(map(words, range(len(items))))
    if left < 0 and is_list_item(text, items[0]):
        introduction, left = [], left + count_words(text, first)
        while left < 0 and len(ways) > 1:
            left += words(len(ways) - 1)
            ways.pop()
    if left < 0:
        return []
    while longer := [
        (words(at), at)
        for at in range(len(ways))
        if told[at] + 1 < len(ways[at]) and count_words(text, ways[at][told[at] + 1]) - words(at) <= left
    ]:
        before, at = min(longer)  # more of the one of which least is told
        told[at] += 1
        left -= words(at) - before
    return [*introduction, *(options[at] for options, at in zip(ways, told, strict=False))]


def _parts(evidence: Evidence, listed: Span) -> list[Span]:
    """The introduction of a list, and its items."""
    begin, end = listed
    spans = [span for span in evidence.passage.chunk.sentences if begin <= span[0] and span[1] <= end]
    first = _FIRST_ITEM.search(evidence.passage.article.text, *spans[0]) if spans else None
    return [(spans[0][0], first.start()), (first.end(), spans[0][1]), *spans[1:]] if first else spans


def _that_counts_itself(question: Question, best: Evidence) -> list[Span]:
    """The sentence, `best` or one behind it, that says itself which item it is: "Thứ hai, ..."; empty if none does."""
    text, spans = best.passage.article.text, best.passage.chunk.sentences
    if not 0 < question.item <= len(_COUNTED):
        return []
    counts = re.compile(_COUNTED[question.item - 1])
    behind = (span for span in spans if span[0] >= best.span[0])
    return [span for span in behind if counts.match(match_form(text[slice(*span)]))][:1]


def _of_introduction(question: Question, best: Evidence, listed: Span) -> list[Span]:
    """The item that is asked for, with the introduction; empty if there is no such item."""
    text = best.passage.article.text
    first, *parts = _parts(best, listed) or [listed]
    items: list[Span] = []
    for before, part in zip([first, *parts], parts, strict=False):
        if items and text[before[1] - 1] not in ".;:" and not is_list_item(text, part):  # a part of a long item
            items[-1] = (items[-1][0], part[1])
        else:
            items.append(part)
    at = question.item - 1 if question.item > 0 else len(items) - 1
    return [first, items[at]] if 0 <= at < len(items) > 1 else []
