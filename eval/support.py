"""What a statement says that its source does not: told by other means than those by which it was let through."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eval.text import holds
from rag.schema import Answer, Citation
from rag.understanding.constraints import UPPER

_STATEMENT = re.compile(r"(.*?) ?\[(\d+)\](?:\n|\Z)", re.DOTALL)
_DATE = re.compile(
    r"(?<!\d)(\d{1,2}(?:/|\s+tháng\s+|-(?=\d{1,2}-\d{4}))\d{1,2})(?:(?:[/-]|\s+năm\s+)(\d{4}))?(?!\d|[.,]\d)"
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:\s*(?:%|(?:tỷ|tỉ|triệu|nghìn|ngàn)\b))?")
_NAME = re.compile(rf"\b[{UPPER}]\w*(?:\s+[{UPPER}]\w*)*")
_BEGINNING = re.compile(r"(?:\A|[.!?:\n])\W*")


def statements(answer: Answer) -> list[tuple[str, Citation]]:
    """The statements of an answer, without their markers, each with what it cites."""
    cited = {citation.marker: citation for citation in answer.citations}
    found = [(match[1].strip(), int(match[2])) for match in _STATEMENT.finditer(answer.text)]
    return [(text, cited[marker]) for text, marker in found if marker in cited]


def source(answer: Answer, citation: Citation) -> str:
    """What a reader of the cited passage reads: its words, and the article's title, publisher and date."""
    chunks = [
        f"{passage.chunk.heading}\n{passage.chunk.text}"
        for passage in answer.passages
        if passage.article.id == citation.article_id
        and passage.chunk.start < citation.end
        and citation.start < passage.chunk.end
    ]
    day = citation.published
    date = f"ngày {day.day}/{day.month}/{day.year} năm {day.year}" if day else ""
    return "\n".join([citation.title, citation.publisher, date, citation.quote, *chunks])


def lacking(statement: str, text: str) -> list[str]:
    """The dates, numbers and names of `statement` that do not stand in `text`.

    A day stands with its month, a number with its "tỷ" or "%". A capital at the beginning of a sentence is no name by
    itself, and words for numbers are not looked at.
    """
    dates = list(_DATE.finditer(statement))
    lacks = [date.group() for date in dates if not all(holds(text, part) for part in date.groups() if part)]
    in_dates = [range(*date.span()) for date in dates]
    numbers = (m for m in _NUMBER.finditer(statement) if not any(m.start() in date for date in in_dates))
    lacks += [number.group() for number in numbers if not holds(text, number.group())]
    return lacks + [name for name in _names(statement) if not holds(text, name)]


def _names(statement: str) -> Iterator[str]:
    begins = {match.end() for match in _BEGINNING.finditer(statement)}
    for found in _NAME.finditer(statement):
        name = found.group()
        if found.start() in begins:
            name = name.partition(" ")[2].strip()
        if name:
            yield name
