"""When a question says that an article came out, and when it did."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from rag.about import date_of, meant_by_source
from rag.question import understand
from rag.understanding.dates import came_out
from tests.conftest import make_article

JUNE = date(2022, 6, 1), date(2022, 6, 30)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Ai viết bài đăng ngày 1/6/2022?", (date(2022, 6, 1), date(2022, 6, 1))),
        ("tin ra hôm 21 tháng 1 năm 2022 của ai?", (date(2022, 1, 21), date(2022, 1, 21))),
        ("Bài viết tháng 6/2022 do ai viết?", JUNE),
        ("bài báo đăng hồi tháng 6 năm 2022 của ai", JUNE),
        # A day of which it tells, and no day at all.
        ("Ai viết bài về hội nghị ngày 9/3/2023?", None),
        ("Ai viết bài đăng ngày 9/3?", None),
        ("Ai viết bài về phiên họp diễn ra ngày 1/6/2022?", None),
        ("Ai đưa tin ngày 1/6/2022?", None),
        ("Ai viết bài đăng ngày 0/6/2022?", None),
        ("Ai viết bài ngày 31/2/2022?", None),
        ("Ai viết bài tháng 13/2022?", None),
    ],
)
def test_when_an_article_came_out_as_a_question_says_it(text: str, time: tuple[date, date] | None) -> None:
    assert came_out(text) == time


@pytest.mark.parametrize(
    ("called", "meant"), [("tháng 6/2022", "b"), ("giữa năm 2022", "b"), ("đầu năm 2022", "a"), ("cuối năm 2022", "c")]
)
def test_a_source_is_called_by_its_part_of_the_year(called: str, meant: str) -> None:
    months = {"a": 1, "b": 6, "c": 12}
    articles = [
        replace(make_article(name, "Gạo đạt 5 tỷ USD."), published=date(2022, month, 1))
        for name, month in months.items()
    ]
    assert meant_by_source(understand(f"Theo bài {called}, gạo bán được bao nhiêu?"), articles) == {meant}


def test_an_article_without_a_day_has_none() -> None:
    assert date_of(replace(make_article("a", "Gạo."), published=None)) == ""
