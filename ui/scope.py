"""Where to look for an answer: what the person chose on the page, as filters and told in Vietnamese."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from rag.errors import QuestionError
from rag.schema import Article, Filters

DAY_CHARACTERS = 10
"""Of a day as it is typed."""

_DAY = re.compile(r"(?:(?:(\d{1,2})[/.-])?(\d{1,2})[/.-])?(\d{4})")


@dataclass(frozen=True, slots=True)
class Scope:
    """What was chosen; nothing means everywhere. `since` and `until` are as they were typed."""

    publishers: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    article: Article | None = None

    def filters(self) -> Filters:
        """What may be searched.

        Raises:
            QuestionError: one of the days is none, or they are in the wrong order; the message is for the person.
        """
        since, until = read_day(self.since), read_day(self.until, last=True)
        if since and until and since > until:
            raise QuestionError(
                f"“Từ ngày” ({since:%d/%m/%Y}) đang muộn hơn “đến ngày” ({until:%d/%m/%Y}): hãy sửa lại."
            )
        articles = frozenset([self.article.id] if self.article else [])
        return Filters(articles, frozenset(self.publishers), since, until)

    def told(self) -> str:
        """In words, "" for everywhere."""
        days = [f"{word} {day.strip()}" for word, day in (("từ", self.since), ("đến", self.until)) if day.strip()]
        return " · ".join(
            part
            for part in (
                f"bài “{self.article.title}”" if self.article else "",
                ", ".join(self.publishers),
                " ".join(days),
            )
            if part
        )


EVERYWHERE = Scope()


def read_day(text: str, *, last: bool = False) -> date | None:
    """The day that `text` names: of a month or a year alone, its first or its `last` one. None for no text.

    Raises:
        QuestionError: it names none; the message is for the person.
    """
    if not text.strip():
        return None
    if written := _DAY.fullmatch(text.strip()):
        day, month, year = written.groups()
        try:
            first = date(int(year), int(month or 1), int(day or 1))
            if day or not last:
                return first
            month = month or "12"
            return date(int(year), int(month), monthrange(int(year), int(month))[1])
        except ValueError:  # the 31st of February, month 13, year 0
            pass
    raise QuestionError(f"“{text.strip()}” không phải là một ngày: hãy gõ như 15/3/2023, 3/2023 hoặc 2023.")
