"""Word lists that an administrator can read and extend: one entry a line, `#` starts a comment."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def read(name: str) -> str:
    """The text of the file `name`."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


@cache
def lines(name: str) -> tuple[str, ...]:
    """The entries of the list `name`, in order, without comments and empty lines."""
    entries = (line.split("#", 1)[0].strip() for line in read(name).splitlines())
    return tuple(entry for entry in entries if entry)
