"""From bytes to text. Only UTF-8 is read; what else the bytes may be is named in the error."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rag.articles.legacy import guess_bytes, guess_text
from rag.errors import ArticleError

MAX_BYTES = 20_000_000
"""Larger files are refused: an article of 20 MB is a mistake."""

_MAGIC = {
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or an Office document",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"{\\rtf": "an RTF document",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\x1f\x8b": "a gzip archive",
}
_BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_CONTROLS = bytes(b for b in range(32) if b not in b"\t\n\r\f\v\x1b") + b"\x7f"
_SAMPLE = 200_000
_MAX_CONTROLS = 0.02


def load(path: Path) -> bytes:
    """Return the bytes of a regular file of 1 byte to 20 MB; anything else is an `ArticleError`."""
    with opened(path) as file:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ArticleError(
                f"{path} has {size / 1e6:.0f} MB, and an article may have {MAX_BYTES / 1e6:.0f}; split it."
            )
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ArticleError(f"{path} grew past {MAX_BYTES / 1e6:.0f} MB while it was read; split it.")
    if not data:
        raise ArticleError(f"{path} is empty; put the article's text in it, or leave it out.")
    return data


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file, open for reading; what is none, and what goes wrong meanwhile, is an `ArticleError`."""
    try:
        if path.is_dir():
            raise ArticleError(f"{path} is a folder; name the articles in it, or add the folder itself.")
        if not path.exists():
            raise ArticleError(f"{path} does not exist; check the name.")
        if not path.is_file():  # a pipe or device could block for ever
            raise ArticleError(f"{path} is not a regular file; save the article as a file first.")
        with path.open("rb") as file:
            yield file
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ArticleError(f"{path!s:.200} cannot be read ({reason}); check the name and its permissions.") from error


def decode(data: bytes, name: str) -> str:
    """Return `data` as UTF-8 text without byte order mark. `ArticleError` names any other encoding seen."""
    wide = _wide(data)
    if wide:
        raise ArticleError(f"{name} is written in {wide}; save it as UTF-8.")
    kind = next((name for magic, name in _MAGIC.items() if data.startswith(magic)), "")
    if kind:
        raise ArticleError(f"{name} is {kind}, not text; save its text as a UTF-8 file.")
    sample = data[:_SAMPLE]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if b"\0" in data or controls > _MAX_CONTROLS * len(sample):
        raise ArticleError(f"{name} is a binary file, not text; save its text as a UTF-8 file.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        legacy = guess_bytes(data)
        if legacy:
            raise ArticleError(f"{name} is written in {legacy}; convert it to Unicode and save it as UTF-8.") from error
        raise ArticleError(
            f"{name} is not UTF-8 text (byte 0x{data[error.start]:02x} at {error.start}); save it as UTF-8."
        ) from error
    if not text.strip():
        raise ArticleError(f"{name} holds only white space; put the article's text in it, or leave it out.")
    check_text(text, name)
    return text


def check_text(text: str, name: str) -> None:
    """`ArticleError` where Unicode text was made from a legacy encoding's bytes by mistake."""
    legacy = guess_text(text)
    if legacy:
        raise ArticleError(f"{name} is UTF-8, but its text is in {legacy}; convert it to Unicode and save it as UTF-8.")


def _wide(data: bytes) -> str:
    """Return "UTF-16" or "UTF-32" where a byte order mark or the pattern of NUL bytes says so, else ""."""
    for bom, name in _BOMS.items():
        if data.startswith(bom):
            return name
    sample = data[:4096]
    nulls = (sample[::2].count(0), sample[1::2].count(0))
    # Half of ordinary Vietnamese letters are ASCII: NUL in every other byte of UTF-16, never in both places.
    if max(nulls) >= len(sample) * 0.15 and min(nulls) <= max(nulls) * 0.1:
        return "UTF-16"
    return ""
