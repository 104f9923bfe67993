"""A model's words, as they stream in, cut into whole sentences, each with the passages that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag.vietnamese.normalize import clean
from rag.vietnamese.sentences import split_sentences

_LONGEST = 800  # characters without an end are no sentence
_MARKER = re.compile(
    r"\s*[\[【]\s*(?:đoạn|nguồn|tài liệu|số)?\s*(\d{1,6}(?:\s*[,;]\s*\d{1,6})*)\s*[\]】]", re.IGNORECASE
)
# A marker that follows the full stop belongs to the sentence before it.
_AFTER_END = re.compile(rf"([.!?…]+)((?:{_MARKER.pattern})+)", re.IGNORECASE)
_MARKUP = re.compile(r"\*\*|__|`+|^\s*#{1,6}\s+", re.MULTILINE)
_ITEM = re.compile(r"\s*(?:[-–•*+]|\(?\d{1,2}[.)])\s+(?=\S)")
_ANSWER = re.compile(r"^\s*(?:trả lời|đáp án|câu trả lời|answer)\s*:\s*", re.IGNORECASE)
_ENDS = '.!?…:;"”»)'
_THINKING, _THOUGHT = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the model's, without its markers: the numbers of passages in `markers`, as it wrote them.

    `is_item` tells whether it opens a line of a list.
    """

    text: str
    markers: tuple[int, ...] = ()
    is_item: bool = False


class Cutter:
    """Holds what a model says back until a sentence is whole."""

    def __init__(self) -> None:
        self._held = ""
        self._is_line_begun = False

    def feed(self, text: str) -> Iterator[Sentence]:
        """The sentences that are whole with `text`."""
        self._held += text
        if _THOUGHT in self._held:
            self._held = self._held.partition(_THOUGHT)[2]
        if self._held.lstrip()[: len(_THINKING)] == _THINKING[: len(self._held.lstrip())]:
            return
        *lines, self._held = re.split(r"\r\n|[\n\r]", self._held)
        for line in lines:
            yield from self._sentences(line)
            self._is_line_begun = False
        yield from self._begun()

    def rest(self) -> Iterator[Sentence]:
        """What is left at the end, where it is whole: a model that may write no more stops anywhere."""
        if not self._held.lstrip().startswith(_THINKING):
            yield from (s for s in self._sentences(self._held) if s.markers or s.text[-1] in _ENDS)
        self._held = ""

    def _begun(self) -> Iterator[Sentence]:
        """The whole sentences of the line that is being written, but for the last: a marker may follow it."""
        line = _plain(self._held)
        if len(line) > _LONGEST:
            yield from self._sentences(line)
            self._held = ""
            return
        spans = split_sentences(line)
        if len(spans) < 2 or line[spans[-1][0]] in "[【":
            return
        yield from self._sentences(line[: spans[-2][1]])
        self._held = line[spans[-1][0] :]

    def _sentences(self, line: str) -> Iterator[Sentence]:
        line = _plain(line)
        is_item = not self._is_line_begun and bool(_ITEM.match(line))
        if not self._is_line_begun:
            line = _ANSWER.sub("", _ITEM.sub("", line, count=1), count=1) if is_item else _ANSWER.sub("", line, count=1)
        for start, end in split_sentences(line):
            numbers = (number for m in _MARKER.finditer(line, start, end) for number in re.findall(r"\d+", m.group(1)))
            text = _MARKER.sub("", line[start:end]).strip()
            if re.search(r"\w", text):
                yield Sentence(text, tuple(dict.fromkeys(map(int, numbers))), is_item)
                is_item = False
        if line.strip():
            self._is_line_begun = True


def _plain(text: str) -> str:
    """`text` without Markdown's emphasis, and with each marker inside the sentence that it closes."""
    return _AFTER_END.sub(r"\2\1", _MARKUP.sub("", clean(text)))
