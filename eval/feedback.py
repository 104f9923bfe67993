"""The store of use: each answered question with what was thought of the answer, in one SQLite file.

Who asked is not known here: `session` is a random name of one conversation. What is erased is gone from the file,
and from the log beside it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from eval.errors import FeedbackError
from index.sqlite import connect, transaction
from rag.schema import Outcome

Rating = Literal["up", "down"]
RATINGS: tuple[Rating, ...] = get_args(Rating)

SCHEMA_VERSION = 1
COMMENT_CHARACTERS = 1_000
HISTORY_EXCHANGES = 5  # as many as the chat remembers for the next question
_BATCH = 500

_SCHEMA = """
create table exchange (
    number integer primary key, id text not null unique, time real not null, session text not null,
    question text not null, understood text not null, leans integer not null, answer text not null,
    citations text not null,
    outcome text not null, generator text not null, milliseconds real not null, timings text not null,
    rating text, comment text not null
);
create index exchange_time on exchange (time, outcome, rating, milliseconds)
"""
_COLUMNS = (
    *("id", "time", "session", "question", "understood", "leans", "answer", "citations"),
    *("outcome", "generator", "timings", "rating", "comment"),
)
"""They are named as the fields of an `Exchange`."""
_SELECT = f"select number, {', '.join(_COLUMNS)} from exchange"  # noqa: S608 # constants
_INSERT = (
    f"insert into exchange ({', '.join(_COLUMNS)}, milliseconds) "  # noqa: S608 # constants
    f"values ({', '.join(f':{name}' for name in _COLUMNS)}, :milliseconds)"
)


@dataclass(frozen=True, slots=True)
class Cited:
    """What an answer rested on: `article.text[start:end] == quote`, when it was written; `version` as in `Citation`."""

    article_id: str
    start: int
    end: int
    quote: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer. Where no questions are kept, every text is "" and there are no citations.

    `id` cannot be guessed. `leans` says that the question was understood from those before it in its `session`.
    `timings` are milliseconds by stage.
    """

    id: str
    time: datetime
    outcome: Outcome
    generator: str = ""
    timings: Mapping[str, float] = field(default_factory=dict)
    session: str = ""
    question: str = ""
    understood: str = ""
    leans: bool = False
    answer: str = ""
    citations: tuple[Cited, ...] = ()
    rating: Rating | None = None
    comment: str = ""


class FeedbackStore:
    """The SQLite file. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        """Open the store at `path`, or make an empty one that only this user may read.

        Raises:
            FeedbackError: the file cannot be used, or is not a store of ours.
        """
        self._lock = threading.Lock()
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
        except OSError as error:
            raise _unusable(path, str(error.strerror)) from error
        with self._errors():
            self._db, version = connect(path, [_SCHEMA])
            self._db.execute("pragma secure_delete = on")
        if version != SCHEMA_VERSION:
            self._db.close()
            raise FeedbackError(
                f"{path} has format {version} and this version of hoidap knows {SCHEMA_VERSION}: update hoidap, "
                "or move that file away."
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn SQLite's errors into ours, one thread at a time."""
        try:
            with self._lock:
                yield
        except sqlite3.OperationalError as error:
            raise _unusable(self._path, str(error)) from error
        except sqlite3.DatabaseError as error:
            raise FeedbackError(
                f"{self._path} is damaged or is no store of feedback ({error}): move it away, and a new one is made."
            ) from error

    def add(self, exchange: Exchange) -> None:
        """Keep one more exchange."""
        row = {
            **{name: getattr(exchange, name) for name in _COLUMNS},
            "time": exchange.time.timestamp(),
            "citations": json.dumps([asdict(cited) for cited in exchange.citations], ensure_ascii=False),
            "timings": json.dumps(dict(exchange.timings)),
            "milliseconds": sum(exchange.timings.values()),
        }
        self._write(_INSERT, row)

    def rate(self, exchange_id: str, rating: Rating | None) -> None:
        """Give the thumb of an exchange, change it, or take it back; nothing happens to an exchange that is gone."""
        self._write("update exchange set rating = ? where id = ?", (rating, exchange_id))

    def comment(self, exchange_id: str, text: str) -> None:
        """Put what a person says about an answer beside it, cut at `COMMENT_CHARACTERS`."""
        self._write("update exchange set comment = ? where id = ?", (text[:COMMENT_CHARACTERS], exchange_id))

    def exchanges(self) -> Iterator[Exchange]:
        """Every exchange, oldest first."""
        last = 0
        while rows := self.select(f"{_SELECT} where number > ? order by number limit {_BATCH}", last):
            for last, *row in rows:  # noqa: B007 # read by the next batch
                yield _exchange(row)

    def blamed(self, since: datetime, most: int) -> list[Exchange]:
        """The `most` newest exchanges with a thumb down since then, newest first."""
        sql = f"{_SELECT} where rating = 'down' and time >= ? order by number desc limit ?"
        return [_exchange(row) for _, *row in self.select(sql, since.timestamp(), most)]

    def conversations(self) -> Iterator[tuple[Exchange, Sequence[Exchange]]]:
        """Every exchange, oldest first, with those before it in its conversation if its question leans on them."""
        earlier: dict[str, tuple[Exchange, ...]] = {}
        for exchange in self.exchanges():
            before = earlier.get(exchange.session, ())
            yield exchange, before if exchange.leans else ()
            earlier[exchange.session] = (*before, exchange)[-HISTORY_EXCHANGES:]

    def select(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query over the table `exchange`."""
        with self._errors():
            return self._db.execute(sql, values).fetchall()

    def erase_before(self, time: datetime) -> int:
        """Erase the exchanges that are older than `time`; how many there were."""
        return self._erase("delete from exchange where time < ?", (time.timestamp(),))

    def erase_texts(self) -> int:
        """Erase every question and all that was said about it; outcomes, times and thumbs stay."""
        return self._erase(
            "update exchange set session = '', question = '', understood = '', leans = 0, answer = '', "
            "citations = '[]', comment = '' where session != '' or question != '' or comment != ''"
        )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _write(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> int:
        with self._errors(), transaction(self._db):
            return self._db.execute(sql, values).rowcount

    def _erase(self, sql: str, values: Sequence[object] = ()) -> int:
        """Run `sql`, then write the file anew and empty its log: pages may hold copies that no row points to."""
        count = self._write(sql, values)
        with self._errors():
            self._db.execute("vacuum")
            is_read, *_ = self._db.execute("pragma wal_checkpoint(truncate)").fetchone()
        if is_read:
            raise _unusable(self._path, "another process reads what was to be erased")
        return count


def _unusable(path: Path, why: str) -> FeedbackError:
    return FeedbackError(
        f"{path}, which keeps questions and thumbs, cannot be used ({why}): make it and its folder readable and "
        "writable, and see that the disk is not full."
    )


def _exchange(row: Sequence[Any]) -> Exchange:
    """The exchange in a row of `_COLUMNS`."""
    fields = dict(zip(_COLUMNS, row, strict=True))
    fields |= {
        "time": datetime.fromtimestamp(fields["time"]).astimezone(),
        "leans": bool(fields["leans"]),
        "citations": tuple(Cited(**cited) for cited in json.loads(fields["citations"])),
        "outcome": Outcome(fields["outcome"]),
        "timings": json.loads(fields["timings"]),
    }
    return Exchange(**fields)
