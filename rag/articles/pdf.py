"""PDF files with a text layer, by PDFium in a process of its own.

What the file says of itself is passed over: titles are those of a draft ("Microsoft Word - bc sua lan 3.doc"), dates
those of the last print.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from rag.articles import encoding, pdf_worker
from rag.articles.blocks import Draft, FrontMatter
from rag.articles.layout import Line, Page, paragraphs
from rag.articles.spacing import odd_words, rejoined
from rag.errors import ArticleError

_WAIT = 2 * pdf_worker.SECONDS
"""Seconds on the clock, for a busy machine."""

_SYMBOL = re.compile(r"^\s*[\ue000-\uf8ff]\s*")
_PRIVATE = re.compile(r"[\ue000-\uf8ff]")
_PROBLEMS = {
    "password": "is locked with a password; save it without one",
    "broken": "is broken; open it in a viewer and print it to a new PDF file",
    "pages": f"has more than {pdf_worker.MAX_PAGES} pages; split it",
    "characters": f"has more than {pdf_worker.MAX_CHARACTERS / 1e6:.0f} million characters; split it",
}
_OCR = "run OCR over it first, for example `ocrmypdf -l vie`"


def read_pdf(data: bytes, name: str) -> Draft:
    """The text of a PDF file, with the page of each paragraph.

    Raises:
        ArticleError: it is broken, locked, scanned, or larger or slower than any article.
    """
    found = _run(data, name)
    if problem := _PROBLEMS.get(found.get("error", "")):
        raise ArticleError(f"{name} {problem}.")
    pages = [Page(_lines(page["lines"], n), page["height"]) for n, page in enumerate(found["pages"], 1)]
    scanned = [str(number) for number, page in enumerate(found["pages"], 1) if page["pictures"]]
    if not any(page.lines for page in pages):
        raise ArticleError(f"{name} is scanned: none of its {len(pages)} pages holds text; {_OCR}.")
    blocks = [rejoined(block) for block in encoding.mend_blocks(paragraphs(pages), name)]
    doubts = [f"{name}: page {', '.join(scanned)} is a picture without text; {_OCR}."] if scanned else []
    if odd := odd_words(blocks):
        doubts.append(f"{name}: many words are not Vietnamese ({', '.join(odd[:3])}); look at its text, or {_OCR}.")
    return Draft(FrontMatter(), blocks, guess_headings=True, page_count=len(pages), doubts=tuple(doubts))


def _run(data: bytes, name: str) -> dict[str, Any]:
    """What the worker finds."""
    command = [sys.executable, "-I", str(Path(pdf_worker.__file__))]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=_WAIT, check=True)  # noqa: S603 - ours
        found: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise ArticleError(
            f"{name} takes more time or memory than any article, or is broken; print it to a new PDF file."
        ) from error
    return found


def _lines(found: list[list[Any]], page: int) -> list[Line]:
    lines = [
        Line(_PRIVATE.sub("", _SYMBOL.sub("• ", text)), start, end, base, size, bold, page)
        for text, start, end, base, size, bold in found
    ]
    return [line for line in lines if line.text.strip()]
