"""Years and days that a text names."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from functools import cache

from rag.schema import Span
from rag.vietnamese.data import lines
from rag.vietnamese.normalize import fold

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_BEFORE_YEAR = re.compile(r"(?:\b(?:năm|nam|quý|quy|giai đoạn|giai doan)\s+|\d\s*[/-]\s*)$", re.IGNORECASE)
YEAR_PHRASE = re.compile(
    rf"(?:\b(?:năm|nam|giai đoạn|giai doan)\s+)?(?:{_YEAR.pattern}\s*[-–]\s*)?{_YEAR.pattern}", re.IGNORECASE
)
PERIOD = re.compile(r"\b((?:19|20)\d\d)\s*[-–]\s*((?:19|20)\d\d)\b")
_DAY = re.compile(r"(?<![\d/-])0?(\d{1,2})(?:\s*[/-]\s*|\s+(?:tháng|thang)\s+)0?(\d{1,2})(?![\d,.]*\d|[/-][^\d])")
_BEFORE_DAY = re.compile(r"\b(?:ngày|ngay|sáng|sang|trưa|chiều|chieu|tối|toi|đêm|hôm|hom)\s+$", re.IGNORECASE)
_BEFORE_EVENT_DAY = re.compile(
    r"\b(?:(?:cuộc|buổi|phiên) họp|(?:cuoc|buoi|phien) hop|hội nghị|hoi nghi|sự kiện|su kien|lễ|le|bài|bai|tin)\s+\(?$",
    re.IGNORECASE,
)
_CAME_OUT = (
    r"\b(?:(?:bài(?:\s+(?:viết|báo))?|bản tin|(?<!đưa )tin)\s+(?:(?:được\s+)?(?:đăng|ra)\s+)?|đăng\s+)"
    r"(?:(?:hồi|vào|trong)\s+)?"
)
_DAY_NUMBER, _MONTH_NUMBER = r"(0?[1-9]|[12]\d|3[01])", r"(0?[1-9]|1[0-2])"
_OF_WHOLE = r"(?:\s*[/-]\s*|\s+năm\s+)"
_CAME_OUT_ON = re.compile(
    rf"{_CAME_OUT}(?:(?:ngày|hôm)\s+)?{_DAY_NUMBER}(?:\s*[/-]\s*|\s+tháng\s+){_MONTH_NUMBER}{_OF_WHOLE}({_YEAR.pattern})",
    re.IGNORECASE,
)
_CAME_OUT_IN = re.compile(rf"{_CAME_OUT}tháng\s+{_MONTH_NUMBER}{_OF_WHOLE}({_YEAR.pattern})", re.IGNORECASE)
_SHARE = re.compile(r"\s+(?:số|tổng|đại biểu|thành viên|dân|diện tích|lần|người)\b", re.IGNORECASE)  # "2/3 đại biểu"
_OF_YEAR = re.compile(r"\s*[/-]\s*\d+|\s+(?:năm|nam)\s+\d+", re.IGNORECASE)


def without_years(text: str) -> str:
    """`text` without the years that it names, and the words that only introduce them."""

    def rest(phrase: re.Match[str]) -> str:
        *_, last = _YEAR.finditer(text, phrase.start(), phrase.end())
        return " " if _is_year(text, last) else phrase.group()

    return _closed_up(YEAR_PHRASE.sub(rest, text))


def _closed_up(text: str) -> str:
    """`text` without the spaces that something left behind that was taken out."""
    return re.sub(r"\s+([?.,;:!])", r"\1", " ".join(text.split()))


def years(text: str) -> frozenset[str]:
    """The years in `text`: "năm 2022", "2/4/2024", "2021-2025", "hội nghị 2024 có"; not "2000 doanh nghiệp"."""
    return frozenset(m.group() for m in _YEAR.finditer(text) if _is_year(text, m))


def _is_year(text: str, number: re.Match[str]) -> bool:
    if _BEFORE_YEAR.search(text, 0, number.start()):
        return True
    following = re.match(r"\s+(\w+)", text[number.end() :])
    return following is None or fold(following.group(1)) not in _counted()


def days(text: str) -> Iterator[tuple[str, str, bool, Span]]:
    """What may be a day in `text`: day, month, whether it can be nothing else, and where it stands, with its year."""
    for day in _DAY.finditer(text):
        d, m = day.group(1).lstrip("0"), day.group(2).lstrip("0")
        if d and m and int(d) <= 31 and int(m) <= 12:
            before, year = _BEFORE_DAY.search(text, 0, day.start()), _OF_YEAR.match(text, day.end())
            is_share = _SHARE.match(text, day.end())
            is_event = not is_share and _BEFORE_EVENT_DAY.search(text, 0, day.start())
            is_day = bool(before or year or is_event)
            yield d, m, is_day, ((before or day).start(), (year or day).end())


def came_out(text: str) -> tuple[date, date] | None:
    """The first and the last day of when `text` says that an article came out: of "bài đăng ngày 2/4/2024" one day, of
    "bài tháng 6/2022" a month; None if it does not say.
    """
    if found := _CAME_OUT_ON.search(text):
        day, month, year = map(int, found.groups())
    elif found := _CAME_OUT_IN.search(text):
        (month, year), day = map(int, found.groups()), 0
    else:
        return None
    try:
        first = date(year, month, day or 1)
    except ValueError:  # no day of any calendar
        return None
    return first, first if day else first.replace(day=monthrange(year, month)[1])


def names_day(text: str) -> bool:
    """Whether `text` names a day."""
    return any(is_day for _, _, is_day, _ in days(text))


def without_days(text: str) -> str:
    """`text` without the days that it names, and their years."""
    for _, _, is_day, (start, end) in reversed(list(days(text))):
        if is_day:
            text = text[:start] + text[end:]
    return _closed_up(text)


@cache
def _counted() -> frozenset[str]:
    return frozenset(map(fold, lines("counted.txt")))
