"""What may be shown: whether the evidence carries an answer at all, and exact citations for each statement."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.calibration import Calibration
from rag.credits import is_credit
from rag.evidence import Evidence, lacking, tells_credits
from rag.generation import Draft
from rag.question import Question
from rag.schema import Article, Citation, Outcome
from rag.understanding.dates import years
from rag.understanding.kinds import STRICT_KINDS, Kind, answer_patterns

REFUSAL = "Tôi không tìm thấy thông tin này trong kho tài liệu."

NO_PASSAGE = "Không có bài viết nào để tìm trong phạm vi đã chọn."
NOT_COVERED = "Những đoạn liên quan nhất không nhắc đến điều bạn hỏi."
UNSURE = "Tôi không chắc đây là điều bạn hỏi. Đoạn gần nhất trong kho tài liệu:"

# An article's own footnote, which a reader would take for a marker of ours.
_FOOTNOTE = re.compile(r"[ \t]*\[\d{1,3}\]")
_TYPICAL_COSINE = 0.85  # cosines of the bundled model to a question crowd around this
_OF_THE_BEST = ("coverage", "context", "pairs", "unit", "years", "names", "firm", "firm_here", "posts", "posts_here",
                "opposites", "known")  # fmt: skip
_TOLD_BY_CREDITS = frozenset({Kind.PERSON, Kind.TIME, Kind.DAY})
# Who is asked for is another than who holds the post: "Bộ trưởng gặp những ai?"
_BESIDE_POST = re.compile(
    r"\b(?:với|và|giữa|cùng|gặp|tiếp|mời|cho(?!\s+(?:biết|hỏi|hay)))\s+(?:\w+\s+)?(?:ai|người nào)\b"
    r"(?!\s+(?:là|làm|giữ|đang)\b)",
    re.IGNORECASE,
)
# Where the best sentence misses the question, so many of the next are considered, and how much worse one may be.
_CONSIDERED, _MEETING = 8, 4.0
# How much of the question the nearest sentence must hold to be worth showing in a refusal.
_NEAR = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to become of a question. `support` is how likely its evidence answers; `reason` is in Vietnamese.

    `near` introduces the best evidence in a refusal, where that misses the question by one thing: "" if there is none.
    """

    outcome: Outcome
    support: float
    reason: str = ""
    near: str = ""


def features(question: Question, evidence: Sequence[Evidence]) -> dict[str, float]:
    """What tells whether `evidence`, best first and not empty, answers `question`.

    - `reader`: what the reader makes of the best sentence, a logit over "no answer", in tens.
    - `held`: the share of the question's content, by IDF, that the best passage holds; `coverage` and `context` that
      the best sentence holds, alone and with what stands around it; `pairs` that of neighbouring words.
    - `similarity` and `dense`: the best cosine of a sentence and of a passage, over a typical one, in tens of percent;
      0 without accents, where the vectors tell nothing.
    - `years`, `names`, `firm`, `posts`, `opposites`: the constraints that the best sentence meets, see `Evidence`;
      `..._here` without its context.
    - `type`: 1 if the best sentence holds the sort of thing that is asked for (a name, a date, a number), or if the
      question asks for none that can be told; `short`: the same for the words that the reader takes for the answer;
      `unit`: the same for a number of what is counted.
    - `known`: the share of the question's words that the corpus knows.
    """
    best = evidence[0].features
    # What is held word for word is a name mostly, of which vectors tell little.
    least = 0.0 if best["coverage"] == best["pairs"] == 1 else -math.inf
    return {
        "reader": best.get("reader", 0.0) / 10,
        "held": max(e.features["held"] for e in evidence),
        **{name: best[name] for name in _OF_THE_BEST},
        "similarity": max(least, _over_typical(question, max(e.features["similarity"] for e in evidence))),
        "dense": max(least, _over_typical(question, max(e.passage.scores.dense for e in evidence))),
        "type": float(question.kind not in STRICT_KINDS or best["fits"] > 0),
        "short": _short_fits(question, evidence[0]),
    }


def _over_typical(question: Question, cosine: float) -> float:
    """In tens of percent, so that a unit of every feature means about as much; 0 where vectors tell nothing."""
    return 10 * (cosine - _TYPICAL_COSINE) if question.readable else 0.0


def _short_fits(question: Question, best: Evidence) -> float:
    if question.kind not in STRICT_KINDS or best.short is None:
        return 1.0
    pattern, _ = answer_patterns()[question.kind]
    return float(bool(pattern.search(best.passage.article.text[slice(*best.short)])))


def judge(question: Question, evidence: Sequence[Evidence], calibration: Calibration) -> Verdict:
    """Whether `evidence`, best first, carries an answer."""
    if not evidence:
        return Verdict(Outcome.NOT_FOUND, 0.0, NO_PASSAGE)
    support = calibration.probability(features(question, evidence))
    if reason := missed(question, evidence[0]):
        # Below whatever is refused for want of evidence: what speaks of another year or place does not answer.
        support = min(support, calibration.refuse_below / 2)
        return Verdict(Outcome.NOT_FOUND, support, reason, _near(question, evidence[0]))
    # No word of the question stands anywhere near: whatever the vectors say, it is about something else.
    if support < calibration.refuse_below or not any(e.features["held"] for e in evidence):
        return Verdict(Outcome.NOT_FOUND, support, NOT_COVERED)
    if support < calibration.answer_from:
        return Verdict(Outcome.UNSURE, support, UNSURE)
    return Verdict(Outcome.ANSWERED, support)


def weakest(verdicts: Sequence[Verdict]) -> Verdict:
    """Of several verdicts the one that says least: an answer is as sure as its weakest part."""
    return min(verdicts, key=lambda verdict: verdict.support)


def nearest(verdict: Verdict, evidence: Sequence[Evidence]) -> Iterator[Draft]:
    """What a refusal goes on with: the sentence that misses the question by one thing, if there is one."""
    if verdict.near:
        best = evidence[0]
        yield Draft(f"{verdict.near} {best.text}", best.passage, best.span)


def meeting(question: Question, evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    """`evidence`, best first; where the best misses the question, the first near it that does not comes first, and what
    was better comes last.
    """
    if not evidence or question.asks_credits or not missed(question, evidence[0]):
        return evidence

    def meets(e: Evidence) -> bool:
        holds_it = question.kind not in STRICT_KINDS or e.features["fits"] > 0
        # The reader sees nothing of the sentences beside: it doubts who "Tham dự có đồng chí A, Phó Chủ tịch" is of.
        is_just_it = question.constraints.posts and e.features["posts_here"] == e.features["firm"] == 1
        margin = 2 * _MEETING if is_just_it else _MEETING
        return holds_it and evidence[0].score - e.score <= margin and not missed(question, e)

    at = next((at for at, e in enumerate(evidence[:_CONSIDERED]) if at and meets(e)), 0)
    return [*evidence[at:], *evidence[:at]]


def missed(question: Question, evidence: Evidence) -> str:
    """Which of the question's constraints its best `evidence` does not meet at all, in Vietnamese; "" if none."""
    if question.unsaid:
        return f"Kho tài liệu không nhắc đến {', '.join(question.unsaid)}."
    if question.asks_credits and question.kind in _TOLD_BY_CREDITS and not tells_credits(evidence):
        return "Bài viết không ghi tác giả hoặc ngày đăng."
    return _missed_constraint(question, evidence)


def _missed_constraint(question: Question, evidence: Evidence) -> str:
    wanted, best = question.constraints, evidence.features
    if not best["years"]:
        return f"Những đoạn liên quan nhất không có thông tin về năm {', '.join(sorted(wanted.years))}."
    firm = [named.words for named in wanted.named if named.is_firm]
    if absent := lacking(question, evidence) if best["firm"] else firm:
        return f"Những đoạn liên quan nhất không nói về {', '.join(absent)}."
    if not best["posts"] and question.kind == Kind.PERSON and not _BESIDE_POST.search(question.text):
        return "Những đoạn liên quan nhất nói về người giữ chức vụ khác."
    if not best["number"]:
        return f"Những đoạn liên quan nhất không nêu số của {' '.join(wanted.number_of)}."
    if best["opposites"] < 1:
        asked = ", ".join(dict.fromkeys(" ".join(one.asked) for one in wanted.opposites))
        return f"Những đoạn liên quan nhất không nói riêng về {asked}."
    return ""


def _near(question: Question, best: Evidence) -> str:
    if best.features["coverage"] < _NEAR:
        return ""
    said = sorted(years(best.text))
    if not best.features["years"] and said:
        return f"Tài liệu chỉ có thông tin về năm {', '.join(said)}:"
    return "Đoạn gần nhất:"


def cite(draft: Draft, marker: int) -> tuple[str, Citation] | None:
    """The statement with its `marker`, and the citation that it stands for.

    None if the draft's span does not quote its article exactly: nothing unfounded is shown.
    """
    article, (start, end) = draft.passage.article, draft.span
    quote = article.text[start:end]
    if not quote.strip() or not 0 <= start < end <= len(article.text):
        return None
    citation = Citation(
        marker=marker,
        article_id=article.id,
        title=article.title,
        publisher=article.publisher,
        published=article.published,
        url=article.url,
        source=article.source,
        quote=quote,
        start=start,
        end=end,
        short=draft.short,
        page=page_at(article, start),
        version=draft.passage.version,
    )
    return f"{_FOOTNOTE.sub('', draft.text)} [{marker}]", citation


def page_at(article: Article, offset: int) -> int | None:
    """The page that a character of the article's text stands on, from 1; None for credits, and without pages."""
    return None if is_credit(article, offset) else bisect_right(article.pages, offset) or None
