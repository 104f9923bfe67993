"""From what a person typed to the files that are meant."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from rag.articles import jsonl
from rag.articles.reading import READERS
from rag.errors import ArticleError

_SUFFIXES = frozenset((*READERS, jsonl.SUFFIX))


def supported() -> str:
    """Return the suffixes that can be read, for messages: ".jsonl, .markdown, .md, .txt"."""
    return ", ".join(sorted(_SUFFIXES))


def find(paths: Iterable[str | Path]) -> list[Path]:
    """Return the files meant by `paths`, each once, in the order given and sorted within a folder or pattern.

    An item is a file (taken as it is, whatever its name), a folder (searched to the bottom) or a glob
    pattern. In folders and patterns only files with a known suffix count; hidden files and README
    files do not. `ArticleError` names an item that is missing or stands for no file.
    """
    found: dict[Path, Path] = {}
    for item in paths:
        for path in _expand(item):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _expand(item: str | Path) -> list[Path]:
    """Return the files that one item stands for."""
    if not str(item).strip():
        raise ArticleError("An empty path was given; name a file, a folder or a pattern such as 'articles/*.md'.")
    path = Path(item)
    try:
        path = path.expanduser()
        if path.is_dir():
            return _or_raise(sorted(_walk(path)), f"{path} holds no article; put files in it ({supported()}).")
        if path.exists():
            return [path]
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ArticleError(f"{path!s:.200} cannot be looked up ({reason}); check the name and your rights.") from error
    if glob.has_magic(str(path)):
        return _or_raise(_glob(path), f"{path} matches no article; check the pattern ({supported()} are read).")
    raise ArticleError(f"{path} does not exist; check the name, or give a folder or a pattern in quotes.")


def _or_raise(paths: list[Path], message: str) -> list[Path]:
    if not paths:
        raise ArticleError(message)
    return paths


def _glob(pattern: Path) -> list[Path]:
    """Articles that match a pattern; a folder that matches is searched like one given by name."""
    matches: list[Path] = []
    for name in sorted(glob.glob(str(pattern), recursive=True)):  # noqa: PTH207 - Path.glob refuses absolute patterns
        path = Path(name)
        matches.extend(sorted(_walk(path)) if path.is_dir() else [path] if _is_article(path) else [])
    return matches


def _is_article(path: Path) -> bool:
    """Whether a file in a folder is meant to be an article, by its name."""
    stem = path.stem.lower()
    return (
        path.suffix.lower() in _SUFFIXES
        and not path.name.startswith(".")
        and stem.split(".")[0] != "readme"
        and path.is_file()
    )


def _walk(folder: Path) -> Iterator[Path]:
    """Articles below `folder`, following links but entering each real folder once."""
    entered = {folder.resolve()}
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_raise):
        here = Path(place)
        descend: list[str] = []
        for name in sorted(folders):
            real = (here / name).resolve()
            if not name.startswith(".") and real not in entered:
                entered.add(real)
                descend.append(name)
        folders[:] = descend
        yield from (here / name for name in sorted(names) if _is_article(here / name))


def _raise(error: OSError) -> None:
    raise ArticleError(
        f"The folder {error.filename} cannot be read ({error.strerror}); check its permissions."
    ) from error
