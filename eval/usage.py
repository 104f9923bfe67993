"""What use tells about answers: how many of each outcome, how fast, what is asked most and what the corpus lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from eval.feedback import RATINGS, Exchange, FeedbackStore, Rating
from eval.text import key
from rag.schema import Outcome
from rag.vietnamese.normalize import strip_accents


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in its most frequent spelling: how often it was asked in any, and when it was last."""

    question: str
    count: int
    last: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """The exchanges of some days; `days` has each of them. Questions are most frequent first, `blamed` newest first."""

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
    since = datetime.combine(dates[0], time()).timestamp()
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
    asked = store.select(by_question, since)
    by_rating = "select rating, count(*) from exchange where time >= ? and rating is not null group by 1"
    return Usage(
        days=counts,
        outcomes={outcome: sum(count[outcome] for count in counts.values()) for outcome in Outcome},
        ratings=dict.fromkeys(RATINGS, 0) | dict(store.select(by_rating, since)),
        milliseconds=[ms for (ms,) in store.select("select milliseconds from exchange where time >= ?", since)],
        asked=_grouped(asked),
        not_found=_grouped(row for row in asked if row[1] == Outcome.NOT_FOUND),
        unsure=_grouped(row for row in asked if row[1] == Outcome.UNSURE),
        blamed=list(store.exchanges("time >= ? and rating = 'down'", since))[::-1],
    )


def _grouped(rows: Iterable[Sequence[object]]) -> list[Asked]:
    """Rows of (question, outcome, count, time): one for all spellings that differ by accents, case and signs only."""
    groups: dict[str, list[tuple[int, float, str]]] = {}
    for question, _, count, at in rows:
        text = str(question)
        groups.setdefault(strip_accents(key(text)) or text, []).append((int(str(count)), float(str(at)), text))
    found = [
        Asked(max(group)[2], sum(count for count, _, _ in group), _local(max(at for _, at, _ in group)))
        for group in groups.values()
    ]
    return sorted(found, key=lambda asked: (asked.count, asked.last), reverse=True)


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(at).astimezone()
