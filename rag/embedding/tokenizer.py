"""Text to the tokens of the bundled model: XLM-RoBERTa's SentencePiece pieces, by their ids.

They are those that `tokenizer.json` in the model's folder gives through the `tokenizers` library, which takes 290 MB
and a second to open the 250,000 pieces. SentencePiece takes 56 MB and half a second, in which other threads can work.
Two differences: what looks like a special token in a text (`</s>`) is text, and a row of dashes may part elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sentencepiece import SentencePieceProcessor

from rag.vietnamese.normalize import mapped

FILE = "pieces.model"

# What XLM-RoBERTa takes for nothing, and what for a space, before NFKC: SentencePiece's rule `nmt`.
_NOTHING = re.compile("[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]")
_SPACE = re.compile("[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]")
_SPACES = re.compile(" {2,}")


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a text: their ids, and where each stands in the text, in characters."""

    ids: list[int]
    offsets: list[tuple[int, int]]


class Tokenizer:
    """Makes tokens of texts; `begin` and `end` are the ids that stand around them, `pad` what fills a batch up."""

    def __init__(self, folder: Path) -> None:
        """Open the pieces in `folder`, which `bundled_folder` wrote. Raises an Exception if they are damaged."""
        self._pieces = SentencePieceProcessor.from_file(str(folder / FILE))
        self.begin, self.end, self.pad = self._pieces.bos_id(), self._pieces.eos_id(), self._pieces.pad_id()
        if self.pad < 0:  # it stands at the end of the file
            raise ValueError(f"{folder / FILE} is cut short")

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of the tokens of each text, without `begin` and `end`."""
        return [self._pieces.encode(_begun(normalise(text))) for text in texts]

    def tokens(self, text: str) -> Tokens:
        """The same of one text, with the way back to it.

        Tokens that one character was written out to ("½" is read as "1⁄2") all stand where it does.
        """
        normal = normalise(text)
        starts: Sequence[int] = range(len(text) + 1)
        if normal != text:
            back = mapped(text, normalise)
            normal, starts = back.text, back.offsets
        begun = _begun(normal)
        shift = len(begun) - len(normal)  # the space before it stands in no text
        encoded = self._pieces.encode(begun, return_type="offset_mapping")
        offsets = []
        for start, end in encoded["offsets"]:
            last = starts[max(end - shift, 1) - 1]
            after = bisect_right(starts, last, hi=len(starts) - 1)  # a character ends where another one begins
            offsets.append((starts[max(start - shift, 0)], starts[after]))
        return Tokens(encoded["ids"], offsets)


def normalise(text: str) -> str:
    """`text` as the model was trained to read it: NFKC, single spaces, nothing invisible."""
    seen = _SPACE.sub(" ", _NOTHING.sub("", text))
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", seen))


def _begun(text: str) -> str:
    """`text` with the space that every word begins with before its first one too."""
    return f" {text}" if text and not text.startswith(" ") else text


@cache
def open_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of the bundled model in `folder`, one for all who need it."""
    return Tokenizer(folder)
