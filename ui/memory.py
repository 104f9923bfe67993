"""A widget's conversation, kept from one page of its host to the next.

The frame is loaded anew with every page, and may have no storage of its own. So the widget makes a token by chance
and keeps it for the tab; whoever has the token has the conversation, for some hours.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable

from ui.chat import Conversation

LIFETIME = 4 * 3600.0
"""Seconds that a conversation is kept after its last question."""
CONVERSATIONS = 500
"""Conversations that are kept; the longest unused is forgotten first."""

_TOKEN = re.compile(r"[0-9a-f]{32}")


class Memory:
    """Conversations by token. What is no token of the widget's holds nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep nothing yet; `clock` tells seconds."""
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Conversation]] = OrderedDict()  # last used last

    def recall(self, token: str | None) -> Conversation | None:
        """The conversation of `token`, if it is still kept."""
        self._forget_old()
        _, conversation = self._kept.get(token or "", (0.0, None))
        return conversation

    def keep(self, token: str | None, conversation: Conversation) -> None:
        """Keep `conversation` in the place of what `token` held."""
        if not token or not _TOKEN.fullmatch(token):
            return
        self._kept.pop(token, None)
        self._kept[token] = (self._clock(), conversation)
        self._forget_old()

    def forget(self, token: str | None) -> None:
        """Keep nothing of `token`."""
        self._kept.pop(token or "", None)

    def _forget_old(self) -> None:
        end = self._clock() - LIFETIME
        while self._kept and (len(self._kept) > CONVERSATIONS or next(iter(self._kept.values()))[0] < end):
            self._kept.popitem(last=False)
