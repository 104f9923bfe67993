"""Where to look: the days that are typed, and what is told of a choice."""

from __future__ import annotations

from datetime import date

import pytest

from rag.errors import QuestionError
from rag.schema import EVERYTHING, Filters
from tests.stand_in import TRADE
from ui.scope import EVERYWHERE, Scope, read_day


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("15/3/2023", date(2023, 3, 15), date(2023, 3, 15)),
        (" 05.03.2023 ", date(2023, 3, 5), date(2023, 3, 5)),
        ("2/2024", date(2024, 2, 1), date(2024, 2, 29)),
        ("02-2023", date(2023, 2, 1), date(2023, 2, 28)),
        ("2023", date(2023, 1, 1), date(2023, 12, 31)),
        ("", None, None),
        ("  ", None, None),
    ],
)
def test_a_day_a_month_or_a_year(text: str, first: date | None, last: date | None) -> None:
    assert read_day(text) == first
    assert read_day(text, last=True) == last


@pytest.mark.parametrize(
    "text", ["31/2/2023", "13/2023", "0000", "0/2023", "23", "hôm qua", "2023-03-15", "1/2/3/2023"]
)
def test_what_is_no_day_is_told_with_how_to_write_one(text: str) -> None:
    with pytest.raises(QuestionError, match="15/3/2023"):
        read_day(text)


def test_days_in_the_wrong_order_are_told() -> None:
    with pytest.raises(QuestionError, match="muộn hơn"):
        Scope(since="2024", until="2023").filters()


def test_what_was_chosen_as_filters_and_in_words() -> None:
    assert EVERYWHERE.filters() == EVERYTHING
    assert EVERYWHERE.told() == ""
    scope = Scope(("Báo A", "Báo B"), "2023", "6/2024", TRADE)
    assert scope.filters() == Filters(
        frozenset([TRADE.id]), frozenset(["Báo A", "Báo B"]), date(2023, 1, 1), date(2024, 6, 30)
    )
    assert scope.told() == "bài “Thương mại năm 2023” · Báo A, Báo B · từ 2023 đến 6/2024"
    assert Scope(until="2024").told() == "đến 2024"
