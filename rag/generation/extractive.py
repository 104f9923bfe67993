"""Answers without a language model: the one to three sentences that answer, word for word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from rag.credits import is_credit
from rag.evidence import Evidence
from rag.generation import Draft
from rag.generation.clauses import OVER, around_short, as_far_as, clauses_that_answer, count_words, unbroken
from rag.generation.lists import condensed, goes_on, is_of_list, the_item, with_list
from rag.question import Question
from rag.schema import Span
from rag.understanding.kinds import STRICT_KINDS, Kind, any_of
from rag.vietnamese.data import lines
from rag.vietnamese.normalize import match_form
from rag.vietnamese.sentences import same_sentence

MAX_SENTENCES = 3
# A further sentence must be nearly as good as the best one, and the whole stays short enough to be read. It may be the
# better one: whoever asks sees both.
_MARGIN = 4.0
_CLOSE = 2.5  # what is so near to the best is quoted as far as there is room
_CONSIDERED = 12
_SURE = 2.0  # the reader's logit
_AHEAD = 3  # sentences in which what was announced is told of
# Questions whose answer goes on in the sentences that follow.
_EXPLAINED = (Kind.REASON, Kind.MANNER)
_MAX_WORDS = 75
_UNBROKEN = 80  # rather so many than an enumeration that is broken off
# How a sentence says that it adds to the one before.
_ADDS = re.compile(r"\bcòn\b|\bcũng\b|^(?:ngoài ra|bên cạnh đó|đồng thời|cùng với đó|thêm vào đó)\b")
# Kinds whose answer is a few words of the sentence.
SHORT_KINDS = frozenset({*STRICT_KINDS, Kind.THING})
# More words of a sentence are not quoted where a part of it answers, and of each where two questions are asked in one.
_LONG_SENTENCE, _PART_OF_TWO, _LIST_OF_TWO = 60, 35, 48


@dataclass(frozen=True, slots=True)
class _Choice:
    evidence: Evidence
    span: Span

    @property
    def text(self) -> str:
        return self.evidence.passage.article.text[self.span[0] : self.span[1]]

    @property
    def words(self) -> int:
        return len(self.text.split())


class ExtractiveGenerator:
    """Quotes the best sentences."""

    name = "extractive"

    def generate(self, question: Question, evidence: Sequence[Evidence], said: int = 0) -> Iterator[Draft]:
        """See `Generator.generate`."""
        chosen = _choose(question, evidence, _room(question, said))
        if len(chosen) == 1 and not (question.item or question.is_part or question.kind in SHORT_KINDS):
            chosen = [_told_further(chosen[0])]
        choices = (
            chosen
            if question.item
            else _unbroken(chosen, int(OVER * _PART_OF_TWO) if question.is_part and not said else _UNBROKEN - said)
        )
        # The best sentence's article comes first, and within an article the text's own order.
        articles = list(dict.fromkeys(c.evidence.passage.article.id for c in choices))
        for choice in sorted(choices, key=lambda c: (articles.index(c.evidence.passage.article.id), c.span)):
            short = choice.evidence.short if question.kind in SHORT_KINDS and choice is choices[0] else None
            if short and not choice.span[0] <= short[0] < short[1] <= choice.span[1]:
                short = None
            yield Draft(choice.text, choice.evidence.passage, choice.span, short)


def _told_further(choice: _Choice) -> _Choice:
    """`choice`, which stands alone, with as many clauses of what its sentence goes on with as there is room for."""
    text, spans = choice.evidence.passage.article.text, choice.evidence.passage.chunk.sentences
    start, end = choice.span
    last = end
    for before, span in pairwise(spans):
        if before[0] < last <= before[1] and same_sentence(text, before, span):
            last = span[1]
    if count_words(text, (start, last)) > _MAX_WORDS:
        last = as_far_as(text, (start, last), _MAX_WORDS)[1]
    return _Choice(choice.evidence, (start, max(end, last)))


def _unbroken(choices: Sequence[_Choice], room: int) -> list[_Choice]:
    """`choices`, none of which breaks off an enumeration where there is room for the rest of it; a list that is told by
    the beginnings of its items stays as it is.
    """
    mended = list(choices)
    for at, choice in enumerate(choices):
        if sum(other.evidence is choice.evidence for other in choices) > 1:
            continue
        left = room - sum(other.words for other in mended) + choice.words
        longer = _Choice(choice.evidence, unbroken(choice.evidence, choice.span, left))
        if not any(_overlap(longer, other) for other in (*mended[:at], *mended[at + 1 :])):
            mended[at] = longer
    return mended


def _choose(question: Question, evidence: Sequence[Evidence], room: int) -> list[_Choice]:
    """The best sentence, those beside it that carry its answer on, and those that add what it leaves out."""
    best = evidence[0]
    chosen = [_Choice(best, _whole(question, best, room))]
    if question.item and (item := the_item(question, best, chosen[0].span)):
        return [_Choice(best, span) for span in item]
    if question.kind == Kind.LIST and chosen[0].words > room:
        if items := condensed(best, chosen[0].span, room):
            return [_Choice(best, span) for span in items]
        chosen = [_Choice(best, _enumerated(best, room))]
    # Beside the answers to the others there is room for the best alone; and another article's credits are none of this.
    if question.is_part or is_credit(best.passage.article, best.span[0]):
        return chosen
    for beside in _beside(question, best, evidence, room):
        choice = _Choice(beside, _whole(question, beside, room))
        if _overlap(choice, chosen[0]):
            if not (choice.span[0] <= best.span[0] and best.span[1] <= choice.span[1]):
                continue  # a part of what is quoted already
            # A list that holds the best sentence.
            if choice.words > room:
                return [_Choice(beside, span) for span in condensed(beside, choice.span, room)] or chosen
            chosen = [choice]
        elif _has_room(chosen, choice):
            chosen.append(choice)
    return _with_others(question, evidence, chosen)


def _with_others(question: Question, evidence: Sequence[Evidence], chosen: list[_Choice]) -> list[_Choice]:
    """`chosen`, of the best evidence, and what is nearly as good and adds to it."""
    best = evidence[0]
    left_out: list[_Choice] = []
    may_be_another = question.kind != Kind.LIST or not is_of_list(question, best, _MAX_WORDS)
    missing = set(question.content) - set(question.form(" ".join(c.text for c in chosen)))
    for at, other in enumerate(evidence[1:_CONSIDERED], 1):
        if best.score - other.score > _MARGIN:
            break
        choice = _Choice(other, _whole(question, other, _MAX_WORDS))
        if choice.text.endswith(":"):  # what it introduces is too long, and without that it says nothing
            continue
        if longer := _with_rest(chosen, other, evidence[1:at]):
            chosen = longer
            continue
        gained = missing & set(question.form(choice.text))
        answers = may_be_another and other.features["fits"] > max(c.evidence.features["fits"] for c in chosen)
        rivals = may_be_another and len(chosen) == 1
        # Two items of one list may both be asked for: "thuộc hai nhóm nào?"
        are_sure = (
            other.passage is best.passage
            and not may_be_another
            and min(e.features.get("reader", 0.0) for e in (best, other)) >= _SURE
        )
        if not (gained or answers or rivals or are_sure):
            continue
        if any(_overlap(c, choice) or _says_the_same(question, c, choice) for c in chosen):
            continue
        if answers and len(chosen) == 1 and not _has_room(chosen, choice):  # the best has not what is asked for
            shorter, choice = [_shortened(question, best)], _shortened(question, other)
            chosen = shorter if _has_room(shorter, choice) else chosen
        if _has_room(chosen, choice):
            chosen.append(choice)
            missing -= gained
        elif len(chosen) == 1 and _announces(chosen[0], choice):  # what is announced says more than the announcement
            chosen = [choice]
            missing = set(question.content) - set(question.form(choice.text))
        elif best.score - other.score <= _CLOSE:
            left_out.append(choice)
    for choice in left_out:
        room = _MAX_WORDS - sum(c.words for c in chosen)
        part = _answering(choice, room) if len(chosen) < MAX_SENTENCES else None
        if part and not any(_overlap(c, part) for c in chosen):
            chosen.append(part)
    return chosen


def _announces(announcing: _Choice, choice: _Choice) -> bool:
    """Whether `choice` is what `announcing` leads to, which says nothing alone."""
    same = announcing.evidence.passage is choice.evidence.passage
    return same and announcing.text.endswith(":") and announcing.span[1] <= choice.span[0]


def _answering(choice: _Choice, room: int) -> _Choice | None:
    """As many clauses of `choice` around its short answer as `room` words allow; None if that is too few."""
    text = choice.evidence.passage.article.text
    fitting = [run for run in around_short(choice.evidence, choice.span) if count_words(text, run) <= room]
    return _Choice(choice.evidence, max(fitting, key=lambda run: count_words(text, run))) if fitting else None


def _shortened(question: Question, evidence: Evidence) -> _Choice:
    """The clauses of a sentence that are quoted where another is to stand beside it."""
    return _Choice(evidence, clauses_that_answer(question, evidence, _sentence(evidence, _LONG_SENTENCE), _PART_OF_TWO))


def _with_rest(chosen: Sequence[_Choice], other: Evidence, better: Sequence[Evidence]) -> list[_Choice]:
    """`chosen` where the sentence that the first of them is from is quoted as far as `other`, another part of it; empty
    if `other` is none, stands there already, or there is no room but for what is `better` and quoted.
    """
    first, rest = chosen[0], list(chosen[1:])
    passage, spans = first.evidence.passage, first.evidence.passage.chunk.sentences
    if other.passage is not passage or _overlap(first, _Choice(other, other.span)):
        return []
    ends = sorted((spans.index(first.evidence.span), spans.index(other.span)))
    inside = spans[ends[0] : ends[1] + 1]
    if not all(same_sentence(passage.article.text, a, b) for a, b in pairwise(inside)):
        return []
    joined = _Choice(first.evidence, (min(first.span[0], other.span[0]), max(first.span[1], other.span[1])))
    own, further = _Choice(first.evidence, first.evidence.span), _Choice(other, other.span)
    ways = [[joined, *rest], [first, further, *rest]]
    if not any(_overlap(first, _Choice(e, e.span)) for e in better):
        ways.append([own, further, *rest])
    for longer in ways:
        if sum(choice.words for choice in longer) <= _MAX_WORDS:
            return longer
    return []


def _room(question: Question, said: int) -> int:
    """How many words may be quoted, where `said` answer the question before."""
    if not question.is_part:
        return _MAX_WORDS
    left = _MAX_WORDS - said if said else 0
    if question.kind == Kind.LIST:
        return max(_LIST_OF_TWO, left)
    return max(_PART_OF_TWO, int(left / OVER))


def _has_room(chosen: Sequence[_Choice], choice: _Choice) -> bool:
    return len(chosen) < MAX_SENTENCES and sum(c.words for c in chosen) + choice.words <= _MAX_WORDS


def _beside(question: Question, best: Evidence, evidence: Sequence[Evidence], room: int) -> list[Evidence]:
    """Neighbours of `best` that it only leads to: what explains it, the list that it announces, the one that it leans
    on, or the one that holds what is asked for.
    """
    spans = best.passage.chunk.sentences
    at = spans.index(best.span)
    near = {e.span: e for e in evidence if e.passage is best.passage}
    if question.kind in _EXPLAINED:
        return [near[span] for span in spans[at + 1 : at + MAX_SENTENCES]]
    if question.kind == Kind.LIST and not is_of_list(question, best, room):
        is_item = at > 0 and goes_on(best.passage.article.text, spans[at - 1], best.span)
        if is_item or best.text.endswith(":"):  # it is what is asked for; what it announces is quoted with it
            return []
        ahead = [near[span] for span in spans[at + 1 : at + 1 + _AHEAD]]
        # "Cán bộ còn phải ..." adds to what the sentence before enumerates.
        adding = [other for other in ahead[:1] if other is evidence[1] and _ADDS.search(match_form(other.text))]
        return [other for other in ahead if is_of_list(question, other, room)][:1] or adding
    if at > 0 and _leading().match(match_form(best.text)):
        return [near[spans[at - 1]]]
    if best.features["fits"] or (question.kind == Kind.LIST and with_list(question, best, room) != best.span):
        return []
    fitting = [near[spans[i]] for i in (at + 1, at - 1) if 0 <= i < len(spans) and near[spans[i]].features["fits"]]
    return fitting[:1]


@cache
def _leading() -> re.Pattern[str]:
    """How a sentence begins that leans on the one before it."""
    return any_of([match_form(line) for line in lines("leaning_sentences.txt")])


def _whole(question: Question, evidence: Evidence, room: int) -> Span:
    """The span to quote: a list with its introduction, the sentence, or as much of a long one as can be read."""
    text = evidence.passage.article.text
    listed = with_list(question, evidence, room)
    if listed != evidence.span and (question.kind == Kind.LIST or count_words(text, listed) <= room):
        return listed
    if question.is_part:
        return clauses_that_answer(question, evidence, _sentence(evidence, room), room)
    return _sentence(evidence, _LONG_SENTENCE)


def _sentence(evidence: Evidence, limit: int) -> Span:
    """The sentence that `evidence` is part of, as much of it as `limit` words allow."""
    text, parts = evidence.passage.article.text, evidence.passage.chunk.sentences
    first = last = parts.index(evidence.span)
    if text[evidence.span[1] - 1] == ":" and last + 1 < len(parts):  # it says nothing without what it announces
        last += count_words(text, (parts[first][0], parts[last + 1][1])) <= limit
    # What stands before says whose the answer is; so it comes first.
    while first > 0 and same_sentence(text, parts[first - 1], parts[first]):
        if count_words(text, (parts[first - 1][0], parts[last][1])) > limit:
            break
        first -= 1
    while last + 1 < len(parts) and same_sentence(text, parts[last], parts[last + 1]):
        if count_words(text, (parts[first][0], parts[last + 1][1])) > limit:
            break
        last += 1
    start, end = parts[first][0], parts[last][1]
    return start, start + len(text[start:end].rstrip(" ,;"))


def _enumerated(evidence: Evidence, limit: int) -> Span:
    """`_sentence`, and as many clauses of the part behind it as `limit` words allow: each may be an item."""
    text, parts = evidence.passage.article.text, evidence.passage.chunk.sentences
    start, end = _sentence(evidence, limit)
    goes_on = next((b for a, b in pairwise(parts) if a[0] < end <= a[1] and same_sentence(text, a, b)), None)
    return (start, max(end, as_far_as(text, (start, goes_on[1]), limit)[1])) if goes_on else (start, end)


def _overlap(a: _Choice, b: _Choice) -> bool:
    same = a.evidence.passage.article.id == b.evidence.passage.article.id
    return same and a.span[0] < b.span[1] and b.span[0] < a.span[1]


def _says_the_same(question: Question, a: _Choice, b: _Choice) -> bool:
    """Whether two sentences share most of their words, and a number if both have any: the same fact, told twice."""
    left, right = set(question.form(a.text)), set(question.form(b.text))
    numbers, others = ({word for word in words if word[0].isdigit()} for words in (left, right))
    if numbers and others and not numbers & others:
        return False
    return len(left & right) > 0.6 * min(len(left), len(right))
