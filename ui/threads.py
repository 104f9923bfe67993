"""A blocking iterator, read from an event loop without holding it up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from threading import Lock
from typing import Final, TypeVar

T = TypeVar("T")


class _Done:
    """What stands for the end of an iterator."""


_DONE: Final = _Done()


async def read(make: Callable[[], Iterator[T]], pool: Executor) -> AsyncIterator[T]:
    """The items of the iterator that `make` returns; it is made, run and closed in `pool`.

    When the reader stops early (the person pressed stop, the tab was closed), the step that runs is let
    to its end in its thread, then the iterator is closed and nothing more of it runs.
    """
    loop = asyncio.get_running_loop()
    one_at_a_time = Lock()
    iterator: Iterator[T] | None = None
    stopped = False

    def step() -> T | _Done:
        nonlocal iterator
        with one_at_a_time:
            if stopped:
                return _DONE
            if iterator is None:
                iterator = make()
            return next(iterator, _DONE)

    def close() -> None:
        with one_at_a_time:
            if iterator is not None and hasattr(iterator, "close"):
                iterator.close()

    try:
        while not isinstance(item := await loop.run_in_executor(pool, step), _Done):
            yield item
    finally:
        stopped = True
        pool.submit(close)
