"""How many questions one client may ask."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

_MINUTE = 60.0


class RateLimit:
    """So many questions a minute for each client, and as many at once for one who has been quiet: a token bucket."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow `per_minute` questions, or any number if it is 0; `clock` tells seconds."""
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, and when; last used last

    def wait(self, client: str) -> int:
        """Seconds until `client` may ask. 0 means now, and counts as a question."""
        if not self._per_minute:
            return 0
        now = self._clock()
        left, since = self._buckets.pop(client, (float(self._per_minute), now))
        left = min(self._per_minute, left + (now - since) * self._per_minute / _MINUTE)
        allowed = left >= 1
        self._buckets[client] = (left - 1 if allowed else left, now)
        self._forget(now)
        return 0 if allowed else math.ceil((1 - left) * _MINUTE / self._per_minute)

    def _forget(self, now: float) -> None:
        """Drop the clients whose bucket is full again."""
        while (client := next(iter(self._buckets))) and now - self._buckets[client][1] > _MINUTE:
            del self._buckets[client]
