"""Word lists that an administrator can read and extend: one entry a line, `#` starts a comment.

A folder of lists of the same names may be added to them (`Settings.words_dir`), so that nothing inside an installation
has to be changed.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from rag.errors import SettingsError

_added: list[Path] = []


def add_from(folder: Path) -> None:
    """Add the lists in `folder` to those of the same names, for the whole process, before any of them is read.

    Raises:
        SettingsError: there is no such folder, or no list of a name that it holds, or it comes too late.
    """
    if folder in _added:
        return
    if not folder.is_dir():
        raise SettingsError(
            f"The folder of word lists {folder} does not exist: make it, or leave HOIDAP_WORDS_DIR out."
        )
    known = {entry.name for entry in files(__name__).iterdir() if entry.name.endswith(".txt")}
    if unknown := sorted(path.name for path in folder.glob("*.txt") if path.name not in known):
        raise SettingsError(f"{folder / unknown[0]} extends no list: known are {', '.join(sorted(known))}.")
    if lines.cache_info().currsize:
        raise SettingsError("HOIDAP_WORDS_DIR must be set before the first question of a process.")
    _added.append(folder)


def read(name: str) -> str:
    """The text of the file `name`."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


@cache
def lines(name: str) -> tuple[str, ...]:
    """The entries of the list `name`, in order, without comments and empty lines; those that were added come last."""
    added = [folder / name for folder in _added if (folder / name).is_file()]
    try:
        text = "\n".join([read(name), *(path.read_text(encoding="utf-8") for path in added)])
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"A word list in {_added[0]} cannot be read as UTF-8 ({error}): mend or remove it."
        ) from error
    entries = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return tuple(entry for entry in entries if entry)
