"""Telling when something changed in folders of this machine, and is whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

from watchfiles import Change, DefaultFilter, watch

from rag.articles.files import is_named_as_article
from rag.errors import ArticleError

_QUIET_MS = 2000  # what was not written to for so long is taken to be whole


class _Articles(DefaultFilter):
    """Lets through what may be an article, or a folder that was moved with those in it."""

    def __call__(self, change: Change, path: str) -> bool:
        """See `watchfiles.BaseFilter`."""
        return super().__call__(change, path) and (is_named_as_article(Path(path)) or not Path(path).suffix)


def changes(paths: Sequence[Path], stop: Event | None = None, quiet_ms: int = _QUIET_MS) -> Iterator[None]:
    """Yields once it looks at `paths`, files or folders, and each time that something changed there.

    Both only when nothing was written for `quiet_ms`. It ends when `stop` is set.

    Raises:
        ArticleError: one of `paths` does not exist.
    """
    if missing := [path for path in paths if not path.exists()]:
        raise ArticleError(f"{missing[0]} cannot be watched, since it does not exist; check the name.")
    is_waiting = True
    looking = watch(
        *paths,
        watch_filter=_Articles(),
        debounce=quiet_ms,
        step=max(quiet_ms // 20, 1),
        rust_timeout=quiet_ms,
        yield_on_timeout=True,
        stop_event=stop,
    )
    for seen in looking:
        if not seen and is_waiting:
            yield
        is_waiting = bool(seen)
