"""From use to gold: what people said about answers, as gold lines to be reviewed.

The chat's store of thumbs and comments gives `Feedback`, and so does a JSONL file as `hoidap feedback export` writes
it. Nothing becomes gold by itself: a person corrects each line and removes its `review`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.errors import EvalError
from eval.feedback import RATINGS, Exchange, Rating
from eval.gold import json_lines
from eval.text import key
from rag.schema import Outcome
from rag.vietnamese.normalize import has_accents


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one person thought of one answer, which cited `articles` with `quotes`; `history` are the turns before."""

    question: str
    answer: str
    rating: Rating
    comment: str = ""
    refused: bool = False
    articles: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    history: tuple[tuple[str, str], ...] = ()


def candidates(feedback: Iterable[Feedback]) -> Iterator[dict[str, Any]]:
    """A gold line for each distinct question, with what was said about it under `review`.

    A praised answer gives its quotes as answers, to be shortened; a blamed one gives none, to be written. A praised
    refusal is an unanswerable question.
    """
    seen: set[str] = set()
    for one in feedback:
        name = key(" ".join([*(text for _, text in one.history), one.question]))
        if not name or name in seen:
            continue
        seen.add(name)
        good = one.rating == "up"
        line: dict[str, Any] = {
            "id": f"use-{hashlib.sha256(name.encode()).hexdigest()[:10]}",
            "type": _type(one, good=good),
            "question": one.question,
            "answers": list(one.quotes) if good and not one.refused else [],
            "articles": list(one.articles) if good and not one.refused else [],
        }
        if one.history:
            line["history"] = [{"role": role, "content": text} for role, text in one.history]
        line["review"] = {"rating": one.rating, "comment": one.comment, "answer": one.answer}
        yield line


def _type(one: Feedback, *, good: bool) -> str:
    if one.refused and good:
        return "unanswerable"
    if one.history:
        return "followup"
    return "fact" if has_accents(one.question) else "unaccented"


def rated(exchanges: Iterable[tuple[Exchange, Sequence[Exchange]]]) -> Iterator[Feedback]:
    """Feedback from exchanges, each with those that it leans on; where a thumb was given and the question is kept."""
    for one, before in exchanges:
        if one.rating and one.question:
            yield Feedback(
                question=one.question,
                answer=one.answer,
                rating=one.rating,
                comment=one.comment,
                refused=one.outcome == Outcome.NOT_FOUND,
                articles=tuple(dict.fromkeys(cited.article_id for cited in one.citations)),
                quotes=tuple(cited.quote for cited in one.citations),
                history=tuple(
                    turn for earlier in before for turn in (("user", earlier.question), ("assistant", earlier.answer))
                ),
            )


def read_feedback(path: Path) -> Iterator[Feedback]:
    """Feedback from a JSONL file of these fields; a line without a question or a rating is passed over.

    Raises:
        EvalError: the file cannot be read, or a line is not feedback.
    """
    for number, row in json_lines(path):
        place = f"{path.name}, line {number}"
        question, answer, rating = row.get("question"), row.get("answer"), row.get("rating")
        if question == "" or ("rating" in row and rating is None):
            continue
        if not isinstance(question, str) or not isinstance(answer, str) or rating not in RATINGS:
            raise EvalError(f"{place}: 'question' and 'answer' must be texts, and 'rating' up or down.")
        try:
            history = tuple((str(turn["role"]), str(turn["content"])) for turn in _list(row, "history"))
        except (KeyError, TypeError) as error:
            raise EvalError(f"{place}: 'history' must be a list of objects with 'role' and 'content'.") from error
        yield Feedback(
            question=question,
            answer=answer,
            rating="up" if rating == "up" else "down",
            comment=str(row.get("comment") or ""),
            refused=bool(row.get("refused")),
            articles=tuple(map(str, _list(row, "articles"))),
            quotes=tuple(map(str, _list(row, "quotes"))),
            history=history,
        )


def to_lines(lines: Iterable[dict[str, Any]]) -> str:
    """Gold lines as text, one JSON object a line."""
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _list(row: dict[str, object], name: str) -> list[Any]:
    value = row.get(name) or []
    return value if isinstance(value, list) else [value]
