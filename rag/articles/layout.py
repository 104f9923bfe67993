"""The lines of printed pages to paragraphs: columns, rows of tables, headers and footers, words and pages broken off.

All measures are points; `base` is the height of the line that letters stand on, from the foot of the page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from rag.articles.blocks import Block, is_ended, item, one_line

_EDGE = 0.13  # of a page's height: where headers and footers stand
_PAGE_NUMBER = re.compile(r"\W*(?:trang|page)?\W*\d{1,4}\W*(?:(?:/|of|trên)\W*\d{1,4})?\W*", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_NUMBERED = re.compile(r"(?:\d{1,2}(?:\.\d{1,2})*[.)]|[a-zđ]\)|[IVX]{1,5}\.|Điều \d+\.|Chương [IVX\d]+|Mục \d+\.)\s")
_HYPHEN = "\u00ad"
_JOINT = "\ue000"  # stands for that hyphen until it is known what becomes of it: no text has it, see `pdf`
_LATIN = re.compile(r"[A-Za-z]{3,}$")


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or a part of one between wide gaps. `page` counts from 1."""

    text: str
    start: float
    end: float
    base: float
    size: float
    bold: bool
    page: int


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of a page in its own order, and its height."""

    lines: list[Line]
    height: float


def paragraphs(pages: Sequence[Page]) -> list[Block]:
    """The text of printed pages, each block with the pages that it stands on."""
    body = _usual_size([line for page in pages for line in page.lines])
    rows = [row for page in _without_edges(pages, body) for row in _in_columns(_rows(page.lines))]
    lines = [row[0] for row in rows if len(row) == 1]
    blocks: list[Block] = []
    pending: list[Line] = []
    measures = _Measures(lines, body)

    def close() -> None:
        if pending:
            blocks.append(_block(pending, measures, blocks))
            pending.clear()

    for at, row in enumerate(rows):
        if len(row) > 1:
            close()
            near = (rows[n] for n in (at - 1, at + 1) if 0 <= n < len(rows))
            if any(len(other) > 1 and other[0].page == row[0].page for other in near):
                cells = " | ".join(one_line(cell.text) for cell in row)
                blocks.append(Block(cells, pages=((0, row[0].page),)))
            else:
                blocks += [Block(one_line(cell.text), pages=((0, cell.page),)) for cell in row]
            continue
        line = row[0]
        if pending and not measures.goes_on(pending, line):
            close()
        pending.append(line)
    close()
    return [block for block in blocks if any(c.isalnum() for c in block.text)]


def _without_edges(pages: Sequence[Page], body: float) -> list[Page]:
    """Pages without numbers, and without the headers and footers that several of them share."""

    def in_edge(line: Line, page: Page) -> bool:
        return line.base < page.height * _EDGE or line.base > page.height * (1 - _EDGE)

    def name(line: Line) -> tuple[str, int]:
        # What is set smaller than the text at one height on several pages need not be the same: names of chapters.
        words = "" if line.size < 0.9 * body else _DIGITS.sub("#", one_line(line.text)).lower()
        return words, round(line.base / 4)

    def is_numbered(line: Line) -> bool:
        """Whether a small line begins or ends with the number of its page."""
        words = line.text.split()
        return line.size < 0.9 * body and str(line.page) in (words[0], words[-1])

    seen = Counter(key for page in pages for key in {name(line) for line in page.lines if in_edge(line, page)})
    often = max(2, len(pages) // 4)  # odd and even pages may differ, and chapters
    cleaned = []
    for page in pages:
        kept = [
            line
            for line in page.lines
            if not in_edge(line, page)
            or not (seen[name(line)] >= often or _PAGE_NUMBER.fullmatch(line.text.strip()) or is_numbered(line))
        ]
        cleaned.append(replace(page, lines=kept))
    return cleaned


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that stand side by side, one after the other in the page's order, as one row."""
    rows: list[list[Line]] = []
    for line in lines:
        before = rows[-1][-1] if rows else None
        if before and abs(before.base - line.base) < 0.4 * line.size and line.start > before.end:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def _in_columns(rows: list[list[Line]]) -> list[list[Line]]:
    """Two columns that a page's order runs across, one after the other."""
    pairs = [row for row in rows if len(row) == 2 and all(len(cell.text) > 20 for cell in row)]
    if len(pairs) < 5:
        return rows
    gutter = median(row[1].start for row in pairs)
    prose = [row for row in pairs if abs(row[1].start - gutter) < row[1].size]
    if len(prose) < 0.8 * len(pairs):
        return rows
    first, last = rows.index(prose[0]), len(rows) - rows[::-1].index(prose[-1])
    inside = [line for row in rows[first:last] for line in row]
    left = [[line] for line in inside if line.start < gutter - line.size]
    right = [[line] for line in inside if line.start >= gutter - line.size]
    return rows[:first] + left + right + rows[last:]


def _usual_size(lines: Sequence[Line]) -> float:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size * 2) / 2] += len(line.text)
    return max(sizes, key=lambda size: sizes[size], default=0.0)


class _Measures:
    """How wide the columns of a document are, and how far its lines are apart."""

    def __init__(self, lines: Sequence[Line], body: float) -> None:
        self.body = body
        runs: list[list[Line]] = []
        for line in lines:
            before = runs[-1][-1] if runs else None
            same = before and before.page == line.page and before.base > line.base and line.start < before.end
            if same:
                runs[-1].append(line)
            else:
                runs.append([line])
        self._right: dict[Line, float] = {}
        self._left: dict[Line, float] = {}
        for run in runs:
            width = 1.3 * median(line.end - line.start for line in run)
            ends = sorted(line.end for line in run if line.end - line.start <= width)
            right = ends[int(0.9 * (len(ends) - 1))] if len(run) > 1 else max(line.end for line in lines)
            starts = sorted(line.start for line in run)
            self._right |= dict.fromkeys(run, right)
            self._left |= dict.fromkeys(run, starts[len(starts) // 10])
        steps = sorted(
            (a.base - b.base) / a.size
            for run in runs
            for a, b in pairwise(run)
            if self.is_full(a) and abs(a.size - b.size) < 0.1 * a.size and 0 < a.base - b.base < 3 * a.size
        )
        self._step = steps[len(steps) // 4] if steps else 1.3

    def is_full(self, line: Line) -> bool:
        """Whether a line ends where its column does, but for one more word."""
        return line.end > self._right[line] - 4 * line.size

    def is_indented(self, line: Line) -> bool:
        """Whether a line begins to the right of its column."""
        return line.start > self._left[line] + line.size

    def is_large(self, line: Line) -> bool:
        """Whether a line is set larger than the text."""
        return line.size > 1.15 * self.body

    def goes_on(self, before: Sequence[Line], line: Line) -> bool:
        """Whether `line` belongs to the paragraph of the lines `before`."""
        last = before[-1]
        if abs(last.size - line.size) > 0.1 * line.size or item(line.text) or last.text.rstrip().endswith(_HYPHEN):
            return last.text.rstrip().endswith(_HYPHEN)
        begins = line.text.lstrip()[:1]
        if last.page != line.page or line.base > last.base:  # the next column or page
            open_end = not is_ended(last.text.rstrip()) or last.text.rstrip().endswith((",", ";"))
            return open_end and (begins.islower() or (begins.isdigit() and self.is_full(last)))
        step = (last.base - line.base) / line.size
        if self.is_large(line):
            return step < 1.25 * max(self._step, 1.2)
        is_kind = last.text.isupper() and not line.text.isupper()  # "KẾ HOẠCH", and what it is about
        if is_kind or step > 1.12 * self._step or last.bold != line.bold or not self.is_full(last):
            return False
        if _NUMBERED.match(line.text) and is_ended(last.text.rstrip()):
            return False
        hanging = item(before[0].text) or _NUMBERED.match(before[0].text)
        return bool(hanging) or line.start < last.start + 0.8 * line.size


def _block(lines: Sequence[Line], measures: _Measures, before: Sequence[Block]) -> Block:
    """One paragraph, heading or list item; where a new page begins in it is kept."""
    text = ""
    pages: list[tuple[int, int]] = []
    for line in lines:
        words = one_line(line.text.replace(_HYPHEN, _JOINT))
        if text.endswith(_JOINT):
            # A long foreign word that was parted loses its hyphen; "các-bon" keeps it.
            is_parted = _LATIN.search(text[:-1]) and words[:3].isascii() and words[:3].isalpha()
            text = text[:-1] + ("" if is_parted else "-")
        elif text:
            text += " "
        if not pages or pages[-1][1] != line.page:
            pages.append((len(text), line.page))
        text += words
    text, first = text.replace(_JOINT, "-"), lines[0]
    if measures.is_large(first) and len(text) < 200:
        return Block(text, "heading", 1 if first.size > 1.3 * measures.body else 2, tuple(pages))
    listed = item(text)
    # Bullets may be drawn, not written: then the indent alone tells.
    opened = bool(before) and (before[-1].text.endswith(":") or before[-1].kind == "item")
    if not listed and opened and text.endswith((";", ".")) and measures.is_indented(first):
        listed = f"- {text}"
    if listed and listed.startswith("- "):
        more = len(listed) - len(text)
        return Block(listed, "item", 0, tuple((max(0, at + more), page) for at, page in pages))
    return Block(text, "paragraph", 0, tuple(pages))
