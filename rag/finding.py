"""What was found for a question, and whether several questions in one were found better apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from rag.evidence import Evidence
from rag.grounding import Verdict
from rag.question import Question
from rag.schema import Outcome, Passage

# A part's own sentence must hold this much of the part, and so much more of one part than the sentence for the whole.
_ENOUGH, _MORE = 0.4, 0.3


@dataclass(frozen=True, slots=True)
class Finding:
    """A question with its passages and evidence, best first, and what is to become of it."""

    question: Question
    passages: tuple[Passage, ...]
    evidence: Sequence[Evidence]
    verdict: Verdict


def apart(question: Question, find: Callable[[Question], Finding]) -> Sequence[Finding]:
    """What is found for the questions in `question`, in the way in which they are answered best; for it alone if none
    is better.

    `find` is called only for what may turn out better. What surely asks for several things is answered apart as soon as
    each of them has an answer, and looked for whole only if one sentence answers two of them.
    """
    whole = cache(lambda: find(question))
    better = []
    for way in question.ways:
        if not way.is_sure and not _may_be_better(whole(), way.parts):
            continue
        parts = _answered(way.parts, find)
        if not parts:
            continue
        if way.is_sure:
            is_whole = _is_one_sentence(parts) and whole().verdict.outcome != Outcome.NOT_FOUND
            return [whole()] if is_whole else parts
        if _is_better(whole(), parts):
            better.append(parts)
    return max(better, key=lambda parts: min(part.verdict.support for part in parts)) if better else [whole()]


def _answered(parts: Sequence[Question], find: Callable[[Question], Finding]) -> list[Finding]:
    """What is found for each of `parts`; none as soon as one of them has no answer."""
    found = []
    for part in parts:
        found.append(find(part))
        if found[-1].verdict.outcome == Outcome.NOT_FOUND:
            return []
    return found


def _is_one_sentence(parts: Sequence[Finding]) -> bool:
    """Whether the same sentence answers two of `parts`."""
    return len({(part.evidence[0].passage.article.id, part.evidence[0].span) for part in parts}) < len(parts)


def _may_be_better(whole: Finding, way: Sequence[Question]) -> bool:
    """Whether `_is_better` could be true of the parts, whatever is found for them."""
    if whole.verdict.outcome == Outcome.NOT_FOUND or any(whole.evidence[0].features[name] < 1 for name in _NAMED):
        return True
    return any(1 - _held(part, whole.evidence[0]) >= _MORE for part in way)


def _is_better(whole: Finding, parts: Sequence[Finding]) -> bool:
    """Whether the parts are answered each by a sentence of its own, which that of the whole does not make up for."""
    if _is_one_sentence(parts):
        return False
    best = [part.evidence[0] for part in parts]
    if min(e.features["context"] for e in best) < _ENOUGH:
        return False
    if whole.verdict.outcome == Outcome.NOT_FOUND or any(_meets_more(whole.evidence[0], best, n) for n in _NAMED):
        return True
    return max(_gain(whole.evidence[0], part) for part in parts) >= _MORE


_NAMED = ("years", "firm")


def _meets_more(of_whole: Evidence, best: Sequence[Evidence], name: str) -> bool:
    """Whether the parts meet constraints of the question that one sentence cannot: two years, two places."""
    return of_whole.features[name] < 1 and all(e.features[name] == 1 for e in best)


def _gain(of_whole: Evidence, part: Finding) -> float:
    """How much more of its question the evidence of `part` holds than `of_whole` does."""
    return _held(part.question, part.evidence[0]) - _held(part.question, of_whole)


def _held(question: Question, evidence: Evidence) -> float:
    """How much of what `question` is about the evidence holds."""
    content = set(question.content)
    return len(content & set(question.read(evidence.text))) / max(len(content), 1)
