"""What a model says, as it says it, in time: whatever it does, whoever listens is never held.

The model is read in an event loop of its own, where a read that waits can be given up at once: that closes the
connection, and the server stops writing.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from rag.errors import ModelError, ModelSlowError
from rag.generation.chat_model import told
from rag.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessageChunk

_BEAT = 0.2  # seconds; how often whoever listens may stop while there is nothing to hear
_FAILURES, _REST, _LONGEST_REST = 3, 60.0, 600.0
_LOG = logging.getLogger(__name__)

Message = tuple[str, str]
"""A role, `system` or `human`, and what it says."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds, from the question to the first word, from word to word, and to the end."""

    first: float
    between: float
    total: float

    @classmethod
    def of(cls, settings: Settings) -> Deadlines:
        """Those of an answer. Connecting, which the provider's package does, counts towards the first word."""
        return cls(
            settings.model_connect_seconds + settings.model_first_seconds,
            settings.model_between_seconds,
            settings.model_total_seconds,
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """Some more of what is said, "" if there is nothing new; and tokens, where the server tells of them."""

    text: str = ""
    tokens_in: int = 0
    tokens_out: int = 0


def speech(model: BaseChatModel, messages: Sequence[Message], deadlines: Deadlines) -> Generator[Piece]:
    """What `model` says to `messages`. A piece comes several times a second, if only to say that there is none.

    Closing the iterator closes the connection.

    Raises:
        ModelSlowError: a deadline has passed.
        ModelError: whatever else goes wrong.
    """
    pieces: Queue[Piece | ModelError | None] = Queue()
    reading = asyncio.run_coroutine_threadsafe(_read(model, messages, deadlines, pieces.put), _loop())
    try:
        while True:
            try:
                piece = pieces.get(timeout=_BEAT)
            except Empty:
                piece = Piece()
            if piece is None:
                return
            if isinstance(piece, ModelError):
                raise piece
            yield piece
    finally:
        reading.cancel()


async def _read(
    model: BaseChatModel,
    messages: Sequence[Message],
    deadlines: Deadlines,
    tell: Callable[[Piece | ModelError | None], None],
) -> None:
    clock = asyncio.get_running_loop().time
    due = clock() + deadlines.first
    try:
        async with asyncio.timeout(deadlines.total), aclosing(_chunks(model, messages)) as chunks:
            while True:
                async with asyncio.timeout_at(due):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                piece = _piece(chunk)
                if piece.text:  # an empty one is no word: servers send them to say that they live
                    due = clock() + deadlines.between
                tell(piece)
        tell(None)
    except Exception as error:  # the one boundary: providers raise what they like
        # Each has its own class for it; all of them say so in its name.
        is_slow = any("Timeout" in kind.__name__ for kind in type(error).__mro__)
        failure = (ModelSlowError if is_slow else ModelError)(f"The language model gave no answer ({told(error)}).")
        failure.retry_after = _retry_after(error)
        tell(failure)


def _retry_after(error: Exception) -> float:
    """The seconds for which a server that is asked too much wants to be left alone; 0 if it says none."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    try:
        return max(float(headers.get("retry-after", 0)), 0.0)
    except ValueError:  # a date
        return 0.0


def _chunks(model: BaseChatModel, messages: Sequence[Message]) -> Any:
    return model.astream(list(messages))


def _piece(chunk: BaseMessageChunk) -> Piece:
    usage = getattr(chunk, "usage_metadata", None) or {}
    return Piece(str(chunk.text), usage.get("input_tokens", 0), usage.get("output_tokens", 0))


_starting = threading.Lock()


def _loop() -> asyncio.AbstractEventLoop:
    """The loop in which all models are read: providers' packages share connections, which belong to one loop."""
    with _starting:
        return _running_loop()


@cache
def _running_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="hoidap-model", daemon=True).start()
    return loop


class Breaker:
    """Skips a model that is down: after some failures in a row it rests, and the next failure lets it rest again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0

    @property
    def is_resting(self) -> bool:
        """Whether the model is not to be asked now."""
        with self._lock:
            return self._clock() < self._until

    def succeeded(self) -> None:
        """The model has answered."""
        with self._lock:
            self._failures = 0

    def failed(self, error: ModelError) -> None:
        """The model has failed. One that says for how long it wants to be left alone is left alone."""
        _LOG.warning("%s", error)
        with self._lock:
            self._failures += 1
            rest = error.retry_after or (_REST if self._failures >= _FAILURES else 0)
            self._until = max(self._until, self._clock() + min(rest, _LONGEST_REST))
