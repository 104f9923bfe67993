"""Looking through a whole index: what was written against what is there, and the derived engines against the store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

from index.dense import Dense
from index.errors import IndexDamagedError
from index.format import is_sound
from index.lexical import Lexical
from index.schema import Fault
from index.store import Store

# What a damaged row of each table is, by its columns, and what to do.
_LOST = {
    "document": ("id", "The article {} is damaged: remove it with `hoidap index remove` and add it again."),
    "superseded": ("document", "An earlier version of the article {} is damaged: citations of it open today's text."),
    "record": ("document", "A chunk of the article {} is damaged: run `hoidap index rebuild`."),
}


def verify(store: Store, dense: Dense, lexical: Lexical) -> Iterator[Fault]:
    """What is not as it should be, and was made good where it can be derived from what is.

    Raises:
        IndexDamagedError: so much is damaged that the rest cannot be looked at.
    """
    yield from _structure(store)
    for table, (column, told) in _LOST.items():
        sql = f"select distinct {column} from {table} where not ({is_sound(table)})"  # noqa: S608 # constants
        for (name,) in store.query(sql):
            yield Fault(told.format(name), mended=False)
    if forgotten := store.log_again():
        yield Fault(f"{forgotten} chunks were missing from the log of operations.", mended=True)
    for engine, name in ((dense, "vectors (FAISS)"), (lexical, "terms (tantivy)")):
        for what in engine.damaged:
            yield Fault(f"The index of {name} was damaged when it was opened: {what}", mended=True)
        if not _agree(store, engine):
            engine.make_anew()
            yield Fault(f"The index of {name} held other chunks than the store.", mended=_agree(store, engine))


def _structure(store: Store) -> Iterator[Fault]:
    """The database file as SQLite sees it. Its own indexes are derived from its tables."""
    problems = _problems(store)
    if problems:
        with suppress(IndexDamagedError):
            store.query("reindex")
        left = _problems(store)
        yield from (Fault(f"SQLite: {problem}", mended=problem not in left) for problem in problems)
    for table, rid, _, _ in store.query("pragma foreign_key_check"):
        yield Fault(f"The article of row {rid} of {table} is lost: add it again.", mended=False)


def _problems(store: Store) -> list[str]:
    return [str(problem) for (problem,) in store.query("pragma integrity_check") if problem != "ok"]


def _agree(store: Store, engine: Dense | Lexical) -> bool:
    """Whether `engine` holds just the records of the store."""
    while True:
        engine.refresh()
        sequence = store.sequence
        if engine.rids() == set(store.all_rids()):
            return True
        if engine.sequence == sequence == store.sequence:  # otherwise another process was writing meanwhile
            return False
        time.sleep(0.05)
