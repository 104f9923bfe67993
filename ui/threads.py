"""A blocking iterator, read from an event loop without holding it up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor
from threading import Lock
from typing import Final, TypeVar

T = TypeVar("T")


async def until(stop: asyncio.Event, items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The items of `items` until `stop` is set; then `items` is cancelled, closed and nothing more comes."""
    halted = asyncio.ensure_future(stop.wait())
    following: asyncio.Future[T] | None = None
    try:
        while True:
            following = asyncio.ensure_future(anext(items))
            await asyncio.wait({following, halted}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                return
            try:
                item = following.result()
            except StopAsyncIteration:
                return
            yield item
    finally:
        halted.cancel()
        if following is not None and not following.done():
            following.cancel()
            await asyncio.wait({following})
        if following is not None and not following.cancelled():
            following.exception()  # seen: what failed after the stop concerns nobody
        await items.aclose()


async def settled(items: AsyncGenerator[T, None], pause: float) -> AsyncGenerator[T, None]:
    """The items of `items` but those that another follows within `pause` seconds. The last one always comes.

    For items each of which says all that those before it said, and costs to be shown.
    """
    following: asyncio.Future[T | _Done] | None = None
    try:
        item = await anext(items, _DONE)
        while not isinstance(item, _Done):
            following = asyncio.ensure_future(anext(items, _DONE))
            ready, _ = await asyncio.wait({following}, timeout=pause)
            if not ready or following.exception() or following.result() is _DONE:
                yield item
            item = await following
    finally:
        if following is not None and not following.done():
            following.cancel()
            await asyncio.wait({following})
        await items.aclose()


class _Done:
    """What stands for the end of an iterator."""


_DONE: Final = _Done()


async def read(make: Callable[[], Iterator[T]], pool: Executor) -> AsyncGenerator[T, None]:
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
