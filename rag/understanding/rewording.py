"""What the reader is asked: the question in plain words, and in those of the sentences that may answer it.

The reader takes what it cannot find in a sentence for a sign that it does not answer: "theo bài của Hoài Anh" stands in
none, and neither does "kiều bào" where the article says "người Việt Nam ở nước ngoài".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from rag.understanding.equivalents import Equivalent, Phrase
from rag.understanding.kinds import Kind, ask_words
from rag.vietnamese.data import lines
from rag.vietnamese.terms import TERM, syllables

_LEAST = 4  # syllables that are left to ask
# What an article, or who wrote it, is called; and what only begins alike: "bài học", "báo cáo", "tin tưởng".
_ARTICLE = (
    r"(?:bài(?:\s+(?:báo|viết))?|bản tin|tin|báo|tác giả|cây bút|phóng viên)\b"
    r"(?!\s+(?:chí|cáo|động|học|toán|tập|thi|thuốc|hát|bản|phát biểu|tham luận|diễn văn|tưởng|tức|mừng|trại|nhắn)\b)"
)
_SAYS = r"(?:viết|nói|nêu|cho biết|cho thấy|ghi)\s+(?:rằng|là|(?=có\b))"
# Where a question says which article it is about: at its beginning ("Theo bài của A, ..."), and at its end.
_SOURCES = (
    re.compile(
        rf"^(?:(?:theo|trong|ở)\s+(?:nội dung\s+)?{_ARTICLE}(?P<source>[^,?;:]{{0,60}}?)(?:,|\b{_SAYS})"
        rf"|{_ARTICLE}(?P<sayer>[^,?;:]{{0,60}}?)\b{_SAYS})\s*",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?:\s*,)?\s+(?:(?:được|có|mà)\s+)?(?:(?:nêu|nhắc|nói|đề cập|dẫn|kể|ghi)\s+(?:(?:đến|tới|tên)\s+)?)?"
        rf"(?:trong|theo|ở|trên)\s+{_ARTICLE}(?P<source>[^,?;:]{{0,60}})(?=\s*[?.]*$)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\s+(?:mà|được)\s+{_ARTICLE}(?P<source>[^,?;:]{{0,60}}?)\s+(?:nêu|nói|nhắc|kể|viết|ghi|đưa)(?:\s+(?:tới|đến|ra))?"
        r"(?=\s*(?:[?.,]|$))",
        re.IGNORECASE,
    ),
)
# Politeness before and behind what is asked.
_POLITE = (
    re.compile(
        r"^(?:[^?]*[.,!;]\s+)?(?:(?:xin|làm ơn|vui lòng|cho)\s+)+"
        r"(?:(?:phép|tôi|em|mình|đồng chí|các đồng chí|anh|chị|bạn)\s+)*"
        r"(?:hỏi|cho biết|biết|cho hỏi)\s*(?:là|rằng|xem|:|,)?\s+",
        re.IGNORECASE,
    ),
    re.compile(
        r"\s*,\s*(?:thưa|xin|làm ơn|cảm ơn|(?:các )?đồng chí (?:giải thích|cho biết|nói|giúp)|tôi muốn)\b[^,?]*[?.!]*$",
        re.IGNORECASE,
    ),
)


def without_politeness(text: str) -> str:
    """`text` without the words before and behind that only ask politely."""
    for pattern in _POLITE:
        found = pattern.search(text)
        if not found or re.search(r"\d", found.group()) or ask_words(found.group(), accented=True)[1] != Kind.OPEN:
            continue
        rest = text[: found.start()] + text[found.end() :]
        text = rest if len(syllables(rest)) >= _LEAST and ask_words(rest, accented=True)[1] != Kind.OPEN else text
    return text


def without_source(text: str) -> tuple[str, str]:
    """`text` without the words that only say which article it is about, and those by which they call it."""
    called = []
    for pattern in _SOURCES:
        found = pattern.search(text)
        if not found or ask_words(found.group(), accented=True)[1] != Kind.OPEN:
            continue
        rest = text[: found.start()] + text[found.end() :]
        if len(syllables(rest)) >= _LEAST:
            text = rest
            groups = found.groupdict()
            called.append((groups["source"] or groups.get("sayer") or "").strip())
    return text, " ".join(called)


def plainly_asked(text: str) -> str:
    """`text` with its ways to ask in the commonest words: "bữa nào" is "ngày nào"."""
    plain, pattern = _ways_to_ask()
    return pattern.sub(lambda found: plain[found.group().lower()], text)


@cache
def _ways_to_ask() -> tuple[Mapping[str, str], re.Pattern[str]]:
    pairs = (line.partition("=") for line in lines("ways_to_ask.txt"))
    plain = {way.strip(): common.strip() for way, _, common in pairs}
    longest_first = "|".join(map(re.escape, sorted(plain, key=len, reverse=True)))
    return plain, re.compile(rf"\b(?:{longest_first})\b", re.IGNORECASE)


def in_words_of(sentences: Iterable[str], text: str, equivalents: Sequence[Equivalent]) -> str:
    """`text` with each phrase that none of `sentences` says replaced by another way to say it that one of them has."""
    said = [f" {' '.join(syllables(sentence))} " for sentence in sentences]
    for one in equivalents:
        if not _says(said, one.phrase) and _says(said, one.other):
            text = _replaced(text, one)
    return text


def _says(said: Iterable[str], phrase: Phrase) -> bool:
    words = f" {' '.join(phrase)} "
    return any(words in sentence for sentence in said)


def _replaced(text: str, one: Equivalent) -> str:
    """`text` with the first place of `one.phrase` said as `one.other`."""
    words, spans = tuple(syllables(text)), [m.span() for m in TERM.finditer(text)]
    if len(words) != len(spans):  # a letter of two lengths: the places cannot be told
        return text
    length = len(one.phrase)
    at = next((at for at in range(len(words)) if words[at : at + length] == one.phrase), None)
    return text if at is None else text[: spans[at][0]] + " ".join(one.other) + text[spans[at + length - 1][1] :]
