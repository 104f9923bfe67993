"""Takes the lines out of a PDF file, in a process of its own: `python -I pdf_worker.py < file`, JSON on stdout.

PDFium is quick and knows how Vietnamese letters are put together, and it is C++ over a stranger's bytes: what hangs,
crashes or swells does so here. Nothing of ours is imported.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

MAX_PAGES = 5000
MAX_CHARACTERS = 10_000_000
MEMORY = 2_000_000_000
"""Bytes of address space; a file of 100 MB is held once."""

SECONDS = 120
"""Of processor time. A page takes some ten milliseconds."""

_BOLD = 600
_IMAGE = 3  # FPDF_PAGEOBJ_IMAGE
_GAP = 1.5  # a wider gap than this, in sizes of its letters, parts a line in two; justified text stays below it
_HYPHEN = "\u00ad"  # where a line ends in one, PDFium says that the word goes on


def main() -> None:
    """Write `{"pages": [{"height", "pictures", "lines"}]}`, a line as `[text, start, end, base, size, bold]`.

    Or `{"error"}`: "password", "broken", "pages" or "characters".
    """
    _limit()
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(sys.stdin.buffer.read())
        found: dict[str, Any] = _read(document)
    except pdfium.PdfiumError as error:
        found = {"error": "password" if "password" in str(error).lower() else "broken"}
    json.dump(found, sys.stdout)


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows: the time that the parent gives remains
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def _read(document: Any) -> dict[str, Any]:
    if len(document) > MAX_PAGES:
        return {"error": "pages"}
    pages, total = [], 0
    for page in document:
        text = page.get_textpage()
        total += text.count_chars()
        if total > MAX_CHARACTERS:
            return {"error": "characters"}
        lines = _lines(text)
        pictures = not lines and any(True for _ in page.get_objects(filter=(_IMAGE,), max_depth=4))
        pages.append({"height": page.get_height(), "pictures": pictures, "lines": lines})
        text.close()
        page.close()
    return {"pages": pages}


def _lines(text: Any) -> list[list[Any]]:
    """The lines of a page in its own order; one with wide gaps in it is several."""
    import pypdfium2.raw as c

    lines: list[list[Any]] = []
    letters: list[str] = []
    start = end = base = size = 0.0
    heavy = seen = 0  # letters in bold, and all that are no space
    left, right, bottom, top, x, y = (ctypes.c_double() for _ in range(6))

    def close() -> None:
        nonlocal heavy, seen
        if seen:
            lines.append(["".join(letters), *(round(n, 1) for n in (start, end, base, size)), heavy > 0.5 * seen])
        letters.clear()
        heavy = seen = 0

    for at in range(text.count_chars()):
        code = c.FPDFText_GetUnicode(text, at)
        letter = _HYPHEN if code == 2 else chr(code) if 0 < code < 0xFFFE or code > 0xFFFF else ""
        if code in (10, 13):
            close()
            continue
        if letter.isspace() or not letter:
            letters.append(" " if letter else "")
            continue
        c.FPDFText_GetCharBox(text, at, left, right, bottom, top)
        if seen and (left.value - end > _GAP * size or left.value < start - size):
            close()
        if not seen:
            c.FPDFText_GetCharOrigin(text, at, x, y)
            start, end, base = left.value, right.value, y.value
            size = max(_size(c, text, at), top.value - bottom.value)
        end = max(end, right.value)
        seen += 1
        heavy += _is_bold(c, text, at)
        letters.append(letter)
    close()
    return lines


def _size(c: Any, text: Any, at: int) -> float:
    """The size of a letter on the page: a font's own size is before the page is scaled."""
    matrix = c.FS_MATRIX()
    scale = abs(matrix.d) if c.FPDFText_GetMatrix(text, at, matrix) and matrix.d else 1.0
    return float(c.FPDFText_GetFontSize(text, at)) * scale


def _is_bold(c: Any, text: Any, at: int) -> bool:
    if c.FPDFText_GetFontWeight(text, at) >= _BOLD:
        return True
    name = ctypes.create_string_buffer(80)
    c.FPDFText_GetFontInfo(text, at, name, 80, None)
    return b"bold" in name.value.lower()


if __name__ == "__main__":
    main()
