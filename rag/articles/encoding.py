"""From bytes to text: Unicode, and what is surely an older Vietnamese encoding. The error names what else it is."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from rag.articles.blocks import Block
from rag.articles.legacy import Conversion, convert_bytes, convert_text
from rag.errors import ArticleError

MAX_BYTES = 20_000_000
"""Larger files are refused: an article of 20 MB is a mistake."""

MAX_BYTES_WITH_PICTURES = 100_000_000
"""Of files that hold pictures too."""

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
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WESTERN = ("windows-1252", "iso-8859-1", "latin1", "us-ascii")
_CONTROLS = bytes(b for b in range(32) if b not in b"\t\n\r\f\v\x1b") + b"\x7f"
_SAMPLE = 200_000
_MAX_CONTROLS = 0.02


def load(path: Path) -> bytes:
    """Return the bytes of a regular file of 1 byte to 20 MB (PDF and Word: 100); all else is an `ArticleError`."""
    most = MAX_BYTES_WITH_PICTURES if path.suffix.lower() in (".pdf", ".docx") else MAX_BYTES
    with opened(path) as file:
        size = path.stat().st_size
        if size > most:
            raise ArticleError(f"{path} has {size / 1e6:.0f} MB, and an article may have {most / 1e6:.0f}; split it.")
        data = file.read(most + 1)
    if len(data) > most:
        raise ArticleError(f"{path} grew past {most / 1e6:.0f} MB while it was read; split it.")
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


def decode(data: bytes, name: str, declared: str = "") -> str:
    """Return the text of `data`, without byte order mark.

    `declared` is the encoding that it says it is in. `ArticleError` names what can neither be read nor surely
    converted.
    """
    wide = _wide(data)
    if wide:
        try:
            return _mended(data.decode(wide).removeprefix("\ufeff"), name)
        except UnicodeDecodeError as error:
            raise ArticleError(f"{name} is broken {wide.upper()} ({error.reason}); save it as UTF-8.") from error
    kind = next((name for magic, name in _MAGIC.items() if data.startswith(magic)), "")
    if kind:
        raise ArticleError(f"{name} is {kind}, not text; save its text as a UTF-8 file.")
    sample = data[:_SAMPLE]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if b"\0" in data or controls > _MAX_CONTROLS * len(sample):
        raise ArticleError(f"{name} is a binary file, not text; save its text as a UTF-8 file.")
    try:
        return _mended(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        if legacy := convert_bytes(data):
            return _converted(legacy, f"{name} is written in {legacy.encoding}")
        if declared.lower() in _WESTERN:
            return data.decode("cp1252", "replace")
        raise ArticleError(
            f"{name} is not UTF-8 text (byte 0x{data[error.start]:02x} at {error.start}); save it as UTF-8."
        ) from error


def mend(text: str, name: str) -> str:
    """Return Unicode text as it was meant: what was made from another encoding's bytes by mistake is made anew.

    Raises:
        ArticleError: it surely is no Vietnamese as it stands, and cannot be mended without a loss.
    """
    legacy = convert_text(text)
    return _converted(legacy, f"{name} holds text in {legacy.encoding}") if legacy else text


def mend_blocks(blocks: list[Block], name: str) -> list[Block]:
    """`mend` for a format that is no text itself: fonts of old encodings show Vietnamese, and their codes are no such.

    Raises:
        ArticleError: see `mend`.
    """
    text = "\n".join(block.text for block in blocks)
    meant = mend(text, name)
    if meant == text:
        return blocks
    return [replace(block, text=line) for block, line in zip(blocks, meant.split("\n"), strict=True)]


def _converted(legacy: Conversion, problem: str) -> str:
    if not legacy.text:
        raise ArticleError(f"{problem}, with a part lost; save it anew from its original as UTF-8.")
    return legacy.text


def _mended(text: str, name: str) -> str:
    if not text.strip():
        raise ArticleError(f"{name} holds only white space; put the article's text in it, or leave it out.")
    return mend(text, name)


def _wide(data: bytes) -> str:
    """Return the codec where a byte order mark or the pattern of NUL bytes says UTF-16 or UTF-32, else ""."""
    for bom, name in _BOMS.items():
        if data.startswith(bom):
            return name
    sample = data[:4096]
    first, second = sample[::2].count(0), sample[1::2].count(0)
    # Half of ordinary Vietnamese letters are ASCII: NUL in every other byte of UTF-16, never in both places.
    if max(first, second) >= len(sample) * 0.15 and min(first, second) <= max(first, second) * 0.1:
        return "utf-16-le" if second > first else "utf-16-be"
    return ""
