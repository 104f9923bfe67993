"""A blocking iterator, read from an event loop without holding it up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor
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


async def paced(items: AsyncGenerator[T, None], pause: float) -> AsyncGenerator[T, None]:
    """The newest of `items` every `pause` seconds, and the last one as soon as they end.

    For items each of which says all that those before it said, and costs to be shown.
    """
    loop = asyncio.get_running_loop()
    following: asyncio.Future[T | _Done] | None = None
    try:
        item = await anext(items, _DONE)
        while not isinstance(item, _Done):
            due = loop.time() + pause
            following = asyncio.ensure_future(anext(items, _DONE))
            while (left := due - loop.time()) > 0:
                await asyncio.wait({following}, timeout=left)
                if not following.done() or isinstance(newer := following.result(), _Done):
                    break
                item = newer
                following = asyncio.ensure_future(anext(items, _DONE))
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
    """The items of the iterator that `make` returns; it is made, run and closed in `pool`, ahead of its reader.

    When the reader stops early (the person pressed stop, the tab was closed), the step that runs is let
    to its end in its thread, then the iterator is closed and nothing more of it runs.
    """
    loop = asyncio.get_running_loop()
    items: asyncio.Queue[T | _Done] = asyncio.Queue()
    stopped = False

    def run() -> None:
        iterator = make()
        try:
            for item in iterator:
                if stopped:
                    return
                loop.call_soon_threadsafe(items.put_nowait, item)
        finally:
            if hasattr(iterator, "close"):
                iterator.close()

    def end(running: asyncio.Future[None]) -> None:
        items.put_nowait(_DONE)
        if not running.cancelled():
            running.exception()  # seen: after the reader stopped, what failed concerns nobody

    running = loop.run_in_executor(pool, run)
    running.add_done_callback(end)
    try:
        while not isinstance(item := await items.get(), _Done):
            yield item
        await running  # raises what failed
    finally:
        stopped = True
        running.cancel()
