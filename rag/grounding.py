"""What may be shown: whether the evidence carries an answer at all, and exact citations for each statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rag.evidence import Evidence
from rag.generation import Draft
from rag.question import Question
from rag.schema import Citation

REFUSAL = "Tôi không tìm thấy thông tin này trong kho tài liệu."

NO_PASSAGE = "Kho tài liệu chưa có bài viết nào phù hợp với bộ lọc đang chọn."
NOT_COVERED = "Các đoạn gần nhất không nói đến điều được hỏi."

# Below this the best sentence does not carry an answer; see `support`.
THRESHOLD = 0.5


def support(question: Question, evidence: Sequence[Evidence]) -> float:
    """How sure it is that the evidence answers, from 0 to 1."""
    best = evidence[0]
    return best.context


def refusal_reason(question: Question, evidence: Sequence[Evidence]) -> str:
    """Why the question cannot be answered from `evidence`, in Vietnamese; "" if it can."""
    if not evidence:
        return NO_PASSAGE
    if not any(e.years for e in evidence[:3]):
        years = ", ".join(sorted(question.years))
        return f"Các đoạn gần nhất không có thông tin của năm {years}."
    if support(question, evidence) < THRESHOLD:
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
        yield f"{draft.text} [{marker}]", citation
