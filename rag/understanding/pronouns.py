"""Whom "ông ấy" and "người còn lại" mean, of those who were named before."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.schema import Span
from rag.understanding.constraints import UPPER, names_place
from rag.understanding.kinds import Kind, answer_patterns
from rag.vietnamese.normalize import fold

POINTING = r"(?:này|đó|ấy|kia|nói trên|vừa nêu|nay|do|ay)"
"""What points at something that was said, as a pattern."""
_CAPITALISED = f"[{UPPER}]\\w*"
_PERSON = re.compile(
    rf"\b(?:ông|bà|anh|chị|cô|vị|người|đồng chí|ong|ba|vi|nguoi|dong chi)\s+{POINTING}\b|\b(?:ổng|bả)\b"
    r"|\b(?<!đàn )(?<!cha )(?<!ông )(?:ông|bà)"
    r"(?=\s+(?:giữ|làm|nói|phát biểu|chủ trì|dự|tham dự|đã|được|quê|sinh|yêu cầu|đề nghị|nhấn mạnh)\b)",
    re.IGNORECASE,
)
# One of several who were named: "người thứ hai".
_ONE_OF = re.compile(
    r"(?<!là )(?<!đơn )(?<!chức )(?<!học )(?<!danh )(?<!hai )(?<!ba )(?<!các )(?<!những )\b(?:người|ông|bà|vị)"
    r"\s+(?:(đầu tiên|thứ nhất)|(thứ hai)|(thứ ba)|(còn lại))\b"
    r"(?=\s*(?:[?.,]|$|(?:là|giữ|làm|nói|thì|tên)\b))",
    re.IGNORECASE,
)
_THE_OTHER = 3  # the group of `_ONE_OF`
_FULL_NAME = re.compile(rf"\b(?!(?:Ông|Bà|Anh|Chị|Cô)\s){_CAPITALISED}(?:\s+{_CAPITALISED}){{1,3}}")
_CALLED = re.compile(  # "ông Sơn", "bà Trần Thị Thu Hằng"
    r"(?:^(?:Ông|Bà|Anh|Chị|Cô|Đồng chí)|\b(?:ông|bà|anh|chị|cô|đồng chí))"
    rf"\s+{_CAPITALISED}(?:\s+{_CAPITALISED}){{0,3}}"
)
# What is called after somebody.
_AFTER_SOMEBODY = re.compile(
    r"\b(?:phố|đường|quận|huyện|xã|phường|trường|tư tưởng|quốc gia|giải|học viện)\s+$", re.IGNORECASE
)


def points(text: str) -> bool:
    """Whether `text` points at somebody who was named before."""
    return bool(_PERSON.search(text) or _ONE_OF.search(text))


def filled_in(text: str, said: Sequence[str]) -> str:
    """`text` with the names of those at whom it points; `said` are the turns before, the last one first."""
    return _ONE_OF.sub(lambda m: _one_of(m, said), _PERSON.sub(lambda m: _who(m, said), text))


def without_person(text: str) -> str:
    """`text` without whom it is about; of several people nobody knows who that is."""
    people = named_in(text)
    return without(text, people) if len(people) == 1 else text


def without(text: str, spans: Sequence[Span]) -> str:
    """`text` without what stands in `spans`."""
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return " ".join(text.split())


def named_in(text: str) -> list[Span]:
    """Where `text` names people, with their "ông" or "bà"."""
    pattern, _ = answer_patterns()[Kind.PERSON]
    called = [m.span() for m in _CALLED.finditer(text)]
    full = [m.span() for m in _FULL_NAME.finditer(text) if pattern.match(text, m.start())]
    found = [*called, *(span for span in full if not any(a <= span[0] and span[1] <= b for a, b in called))]
    return [
        (start, end)
        for start, end in found
        if not names_place(text[start:end]) and not _AFTER_SOMEBODY.search(text[:start])
    ]


def _who(pointed: re.Match[str], said: Sequence[str]) -> str:
    """Whom "ông ấy" means; behind a name with its "ông", which keeps the two apart: "bên Đảng ông Minh là gì"."""
    person = _person(said)
    if person and re.search(rf"\b{_CAPITALISED}\s+$", pointed.string[: pointed.start()]):
        return f"{'bà' if fold(pointed.group()).startswith('ba') else 'ông'} {person}"
    return person or pointed.group()


def _person(said: Sequence[str]) -> str:
    """The person that was named last, "" if none was."""
    for text in said:
        if named := _named(text):
            return named[-1]
    return ""


def _one_of(pointed: re.Match[str], said: Sequence[str]) -> str:
    """Whom "người thứ hai" means, of those who were named in the last turn that named several; "người còn lại" is the
    one whom no turn since then spoke of, or the second where it just named them. Itself if that tells nobody.
    """
    at = next(at for at, group in enumerate(pointed.groups()) if group)
    for turn, text in enumerate(said):
        named = list(dict.fromkeys(_named(text)))
        if len(named) < 2:
            continue
        if at == _THE_OTHER and turn:
            since = fold(" ".join(said[:turn]))
            left = [name for name in named if not _spoken_of(fold(name), since)]
            return left[0] if len(left) == 1 else pointed.group()
        if at == _THE_OTHER:
            return named[1]
        return named[at] if at < len(named) else pointed.group()
    return pointed.group()


def _spoken_of(name: str, text: str) -> bool:
    """Whether `text` names somebody, both folded, in full or as "ông Sơn"."""
    return name in text or bool(re.search(rf"\b(?:ong|ba|anh|chi|co|dong chi) {name.rpartition(' ')[2]}\b", text))


def _named(text: str) -> list[str]:
    """The people whom `text` names in full."""
    pattern, _ = answer_patterns()[Kind.PERSON]
    return [m.group() for m in _FULL_NAME.finditer(text) if pattern.match(text, m.start())]
