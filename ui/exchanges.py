"""Exchanges as text for other programs: JSON lines, which `hoidap eval candidates` reads, and CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from eval.feedback import Exchange
from rag.schema import Outcome
from ui.render import plain

Told = tuple[Exchange, Sequence[Exchange]]
"""An exchange with those that its question leans on."""

_COLUMNS = (
    "id",
    "time",
    "session",
    "question",
    "understood",
    "outcome",
    "rating",
    "comment",
    "answer",
    "articles",
    "quotes",
    "generator",
    "milliseconds",
)
# What a spreadsheet takes for the beginning of a formula, also after spaces and in the wide forms of East Asia.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def to_json_lines(told: Iterable[Told]) -> str:
    """One JSON object a line. `spans` are characters of the articles' texts; `history` are the turns before."""
    return "".join(json.dumps(_row(*one), ensure_ascii=False) + "\n" for one in told)


def to_csv(told: Iterable[Told]) -> str:
    """A table with a line of names on top; no cell is a formula, and none holds a control character."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(_COLUMNS)
    for one in told:
        row = _row(*one)
        row["milliseconds"] = round(sum(row["timings_ms"].values()), 1)
        table.writerow([_cell(row[name]) for name in _COLUMNS])
    return out.getvalue()


def _row(exchange: Exchange, before: Sequence[Exchange]) -> dict[str, Any]:
    return {
        "id": exchange.id,
        "time": exchange.time.isoformat(timespec="seconds"),
        "session": exchange.session,
        "question": exchange.question,
        "understood": exchange.understood,
        "history": [
            {"role": role, "content": text}
            for one in before
            for role, text in (("user", one.question), ("assistant", one.answer))
        ],
        "answer": exchange.answer,
        "outcome": exchange.outcome.value,
        "refused": exchange.outcome == Outcome.NOT_FOUND,
        "rating": exchange.rating,
        "comment": exchange.comment,
        "articles": [cited.article_id for cited in exchange.citations],
        "quotes": [cited.quote for cited in exchange.citations],
        "spans": [[cited.start, cited.end] for cited in exchange.citations],
        "generator": exchange.generator,
        "timings_ms": dict(exchange.timings),
    }


def _cell(value: object) -> object:
    if not isinstance(value, str | list):
        return value
    text = plain("\n".join(value) if isinstance(value, list) else value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
