"""What use tells about answers: how many of each outcome, how fast, what is asked most and what the corpus lacks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from eval.feedback import RATINGS, Exchange, FeedbackStore, Rating
from rag.schema import Outcome
from rag.vietnamese.normalize import strip_accents

MOST = 100  # of each list on a page; the whole of it comes from `hoidap feedback export`

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in its most frequent spelling: how often it was asked in any, and when it was last."""

    question: str
    count: int
    last: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """The exchanges of some days; `days` has each of them.

    Questions are most frequent first. `blamed` are the newest `MOST` of the answers with a thumb down.
    """

    days: dict[date, dict[Outcome, int]]
    outcomes: dict[Outcome, int]
    ratings: dict[Rating, int]
    milliseconds: list[float]
    asked: list[Asked]
    not_found: list[Asked]
    unsure: list[Asked]
    blamed: list[Exchange]


def usage(store: FeedbackStore, last: date, days: int) -> Usage:
    """What was asked in the `days` days up to and with `last`, in local time."""
    dates = [last - timedelta(days=back) for back in reversed(range(days))]
    begin = datetime.combine(dates[0], time())
    since = begin.timestamp()
    counts = {day: dict.fromkeys(Outcome, 0) for day in dates}
    by_day = (
        "select date(time, 'unixepoch', 'localtime'), outcome, count(*) from exchange where time >= ? group by 1, 2"
    )
    for day, outcome, count in store.select(by_day, since):
        if (known := date.fromisoformat(day)) in counts:
            counts[known][Outcome(outcome)] = count
    by_question = (
        "select question, outcome, count(*), max(time) from exchange where time >= ? and question != '' group by 1, 2"
    )
    asked = [(_folded(question), question, *row) for question, *row in store.select(by_question, since)]
    by_rating = "select rating, count(*) from exchange where time >= ? and rating is not null group by 1"
    return Usage(
        days=counts,
        outcomes={outcome: sum(count[outcome] for count in counts.values()) for outcome in Outcome},
        ratings=dict.fromkeys(RATINGS, 0) | dict(store.select(by_rating, since)),
        milliseconds=[ms for (ms,) in store.select("select milliseconds from exchange where time >= ?", since)],
        asked=_grouped(asked),
        not_found=_grouped(row for row in asked if row[2] == Outcome.NOT_FOUND),
        unsure=_grouped(row for row in asked if row[2] == Outcome.UNSURE),
        blamed=store.blamed(begin, MOST),
    )


def _folded(question: str) -> str:
    """`question` without accents, case and signs; as it is if it has nothing else."""
    return " ".join(_WORD.findall(strip_accents(question).lower())) or question


def _grouped(rows: Iterable[tuple[Any, ...]]) -> list[Asked]:
    """One for all spellings of a question, from rows of (folded, question, outcome, count, time)."""
    groups: dict[str, list[tuple[int, float, str]]] = {}
    for folded, question, _, count, at in rows:
        groups.setdefault(folded, []).append((count, at, question))
    counted = [
        (sum(count for count, _, _ in group), max(at for _, at, _ in group), max(group)[2]) for group in groups.values()
    ]
    return [
        Asked(question, count, datetime.fromtimestamp(at).astimezone())
        for count, at, question in sorted(counted, reverse=True)
    ]
