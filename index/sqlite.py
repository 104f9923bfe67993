"""A SQLite file that several threads and processes use at the same time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

_BUSY_SECONDS = 10


def connect(
    path: Path, steps: Sequence[str], functions: Mapping[str, Callable[..., bytes]] = MappingProxyType({})
) -> tuple[sqlite3.Connection, int]:
    """A connection in autocommit, and the version of the file's format.

    `steps` are the SQL statements that lead from each version to the next, the first one from an empty file. A file of
    an older version is taken through those it lacks, each in a transaction of its own; one of a newer is left alone.
    Foreign keys are not enforced meanwhile, so that a step can make a table anew. `functions` of the values of a row
    can be called in SQL by their names.

    Raises:
        sqlite3.Error: the file cannot be used, or is no database.
    """
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        for name, function in functions.items():
            db.create_function(name, -1, function, deterministic=True)
        _use_wal(db)
        for version, step in enumerate(steps, start=1):
            if _version(db) < version:
                with transaction(db):  # another process may be at it at this moment: look again inside
                    if _version(db) < version:
                        for statement in step.split(";"):
                            db.execute(statement)
                        db.execute(f"pragma user_version = {version}")
        return db, _version(db)
    except BaseException:
        db.close()
        raise


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All that is written inside is acknowledged together at its end, or not at all."""
    db.execute("begin immediate")
    try:
        yield
        db.execute("commit")
    except BaseException:
        if db.in_transaction:  # a full disk has rolled it back already
            db.execute("rollback")
        raise


@contextmanager
def moment(db: sqlite3.Connection) -> Iterator[None]:
    """All that is read inside is of one moment, whatever others write meanwhile."""
    db.execute("begin")
    try:
        yield
    finally:
        if db.in_transaction:  # a file that cannot be read has ended it already
            db.execute("rollback")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("pragma user_version").fetchone()[0])


def _use_wal(db: sqlite3.Connection) -> None:
    """Let readers read beside the writer. SQLite does not wait here for a process that does the same: we do."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            db.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
