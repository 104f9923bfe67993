"""A question in plainer words, and in those of the sentences that may answer it: what the reader best understands."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from rag.understanding.equivalents import Equivalent
from rag.understanding.kinds import Kind, ask_words
from rag.vietnamese.terms import TERM, syllables

MODE = os.environ.get("RW", "SCE")
_SOURCE = r"(?:bài(?:\s+(?:báo|viết))?|bản tin|tin|báo|tác giả|cây bút|phóng viên|tờ|trang)"
_OPENING = re.compile(rf"^(?:(?:theo|trong|ở)\s+)?(?:nội dung\s+)?{_SOURCE}\b[^,?;:]{{0,60}}(?:,|\b(?:viết|nói|nêu|cho biết|cho thấy|ghi)\s+(?:rằng|là))\s*", re.IGNORECASE)
_ENDING = re.compile(
    r"\s+(?:(?:được|có|mà)\s+)?(?:(?:nêu|nhắc|nói|đề cập|dẫn|kể|ghi)\s+(?:đến\s+|tới\s+|tên\s+)?)?(?:trong|theo|ở|trên)\s+"
    rf"{_SOURCE}\b(?!\s+(?:chí|cáo))[^,?;:]{{0,60}}(?=\s*\??$)",
    re.IGNORECASE,
)
_PLAIN = {
    "buổi nào": "khi nào", "bữa nào": "ngày nào", "hồi nào": "khi nào", "chừng nào": "khi nào", "cỡ nào": "bao nhiêu",
    "cỡ bao nhiêu": "bao nhiêu", "tốp mấy": "nhóm bao nhiêu", "tốp bao nhiêu": "nhóm bao nhiêu", "kể đủ": "kể tên",
    "kể hết": "kể tên", "kể ra": "kể tên", "được mấy": "được bao nhiêu",
}
_ASKING = re.compile(rf"\b(?:{'|'.join(sorted(_PLAIN, key=len, reverse=True))})\b", re.IGNORECASE)


def plain(text: str) -> str:
    if "S" in MODE:
        for pattern in (_OPENING, _ENDING):
            if (found := pattern.search(text)) and ask_words(found.group(), accented=True)[1] == Kind.OPEN:
                rest = text[: found.start()] + text[found.end() :]
                text = rest if len(syllables(rest)) >= 4 else text
    if "C" in MODE:
        text = _ASKING.sub(lambda m: _PLAIN[m.group().lower()], text)
    return text


def in_their_words(text: str, equivalents: Sequence[Equivalent], sentences: Sequence[str]) -> str:
    if "E" not in MODE:
        return text
    said = [f" {' '.join(syllables(s))} " for s in sentences]
    for one in equivalents:
        phrase, other = " ".join(one.phrase), " ".join(one.other)
        if any(f" {phrase} " in s for s in said) or not any(f" {other} " in s for s in said):
            continue
        spans = [m.span() for m in TERM.finditer(text)]
        words = syllables(text)
        if len(spans) != len(words):
            return text
        n = len(one.phrase)
        for at in range(len(words) - n + 1):
            if tuple(words[at : at + n]) == one.phrase:
                text = text[: spans[at][0]] + other + text[spans[at + n - 1][1] :]
                break
    return text
