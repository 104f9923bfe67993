"""What may be shown: whether the evidence carries an answer at all, and exact citations for each statement."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence

from rag.evidence import Evidence
from rag.generation import Draft
from rag.question import Question
from rag.schema import Citation

REFUSAL = "Tôi không tìm thấy thông tin này trong kho tài liệu."

NO_PASSAGE = "Không có bài viết nào để tìm trong phạm vi đã chọn."
NOT_COVERED = "Những đoạn liên quan nhất không nhắc đến điều bạn hỏi."

# An article's own footnote, which a reader would take for a marker of ours.
_FOOTNOTE = re.compile(r"[ \t]*\[\d{1,3}\]")

# Weights of `support`: a logistic regression on the gold dev questions over the seed articles. Answerable ones
# against those that the corpus does not hold, answerable ones with their articles filtered out, and 250 questions
# on other topics. At the threshold 11 % of the answerable ones are refused, and 97 % of the questions on other topics,
# 87 % of the unanswerable and 58 % of the near misses among the others: a first version.
_WEIGHTS = {"held": 1.71, "similarity": 7.54, "dense": 8.81, "pairs": 3.13, "years": 2.86, "names": 1.57}
_BIAS = -5.98
_TYPICAL_COSINE = 0.85  # cosines of the bundled model to a question crowd around this
THRESHOLD = 0.4


def support(question: Question, evidence: Sequence[Evidence]) -> float:
    """How likely it is that the evidence answers, from 0 to 1."""
    if not evidence:
        return 0.0
    best = evidence[0]
    features = {
        "held": max(e.features["held"] for e in evidence),
        "pairs": best.features["pairs"],
        "years": best.features["years"],
        "names": best.features["names"],
    }
    if question.readable:  # otherwise the vectors tell nothing
        features["similarity"] = max(e.features["similarity"] for e in evidence) - _TYPICAL_COSINE
        features["dense"] = max(e.passage.scores.dense for e in evidence) - _TYPICAL_COSINE
    return 1 / (1 + math.exp(-_BIAS - sum(_WEIGHTS[name] * value for name, value in features.items())))


def refusal_reason(question: Question, evidence: Sequence[Evidence], supported: float) -> str:
    """Why the question cannot be answered from `evidence`, in Vietnamese; "" if it can. `supported` is `support`."""
    if not evidence:
        return NO_PASSAGE
    if not any(e.features["years"] for e in evidence[:3]):
        years = ", ".join(sorted(question.constraints.years))
        return f"Những đoạn liên quan nhất không có thông tin về năm {years}."
    if supported < THRESHOLD:
        return NOT_COVERED
    return ""


def cite(drafts: Iterable[Draft]) -> Iterator[tuple[str, Citation]]:
    """Each statement with its marker, and the citation that the marker stands for, as the drafts come.

    A draft whose span does not quote its article exactly is dropped: nothing unfounded is shown.
    """
    marker = 0
    for draft in drafts:
        article, (start, end) = draft.passage.article, draft.span
        quote = article.text[start:end]
        if not quote.strip() or not 0 <= start < end <= len(article.text):
            continue
        marker += 1
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
        )
        yield f"{_FOOTNOTE.sub('', draft.text)} [{marker}]", citation
