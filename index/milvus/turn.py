"""Whose turn it is to write. Milvus has no locks: a page says who is writing, and that he still lives."""

from __future__ import annotations

import json
import time
import uuid
from contextlib import suppress
from threading import Event, Thread

from index.errors import IndexBusyError, IndexStoreError
from index.milvus.server import PAGES, Server, page
from index.milvus.state import Kind

_KEY = 1
# As long as SQLite waits for another writer; one that has not moved for so long has died.
_SECONDS = 10.0
_ANNOUNCE_EVERY, _LOOK_EVERY = 2.0, 0.2


class TurnLostError(IndexBusyError):
    """The writer stood still for so long that another has taken over, and has undone what it had begun."""


class Turn:
    """The right to write, of one write."""

    def __init__(self, server: Server) -> None:
        """Wait for the turn, and take it.

        `inherited` tells whether the writer before was cut off, and may have left half a write behind.

        Raises:
            IndexBusyError: another process is writing, and goes on.
        """
        self._server = server
        self._token = uuid.uuid4().hex
        self._beat = 0
        self.inherited = self._wait()
        self._announce(self._token)
        self._stopped = Event()
        self._living = Thread(target=self._live, name="hoidap-turn", daemon=True)  # dies with the process
        self._living.start()

    def _wait(self) -> bool:
        begun, deadline = self._said(), time.monotonic() + _SECONDS
        while (now := self._said())[0]:
            if time.monotonic() > deadline:
                if now != begun:
                    raise IndexBusyError("Another process is writing to the index: try again when it is done.")
                return True
            time.sleep(_LOOK_EVERY)
        return False

    def _said(self) -> tuple[str, int]:
        token, beat = json.loads(self._server.page(_KEY) or '["", 0]')
        return token, beat

    def _announce(self, token: str) -> None:
        row = page(_KEY, Kind.TURN, 0, body=json.dumps([token, self._beat]))
        self._server.write(PAGES, [row], before_each=lambda: None)

    def _live(self) -> None:
        """Tell the others so, while articles are being embedded too."""
        while not self._stopped.wait(_ANNOUNCE_EVERY):
            with suppress(IndexStoreError):  # who writes will see it
                self.check()
                self._beat += 1
                self._announce(self._token)

    def check(self) -> None:
        """See that it is still this writer's turn.

        Raises:
            TurnLostError: another writes.
        """
        if self._said()[0] != self._token:
            raise TurnLostError("The index was changed by another process meanwhile: run the command again.")

    def stop(self) -> None:
        """Say no more: unless the turn is ended, others will take it that this writer is dead."""
        self._stopped.set()
        self._living.join()

    def end(self) -> None:
        """Let others write."""
        self.stop()
        self._announce("")
