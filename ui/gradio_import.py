"""Importing Gradio in half the time: without the type stubs that it writes beside its own code."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_stubs() -> Iterator[None]:
    """While it is imported inside, let Gradio write no stubs.

    It parses its source and makes a stub of each component at every import, for editors; a server may not even have the
    right to write there. A class whose file it cannot find is left alone, so it is told that of all of them.
    """
    getfile = inspect.getfile

    def found(of: Any) -> str:
        if sys._getframe(1).f_globals.get("__name__") == "gradio.component_meta":
            raise OSError("no stubs")
        return getfile(of)

    inspect.getfile = found  # type: ignore[assignment] # what it takes is what the other takes
    try:
        yield
    finally:
        inspect.getfile = getfile
