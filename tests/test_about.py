"""What a reader of one sentence of an article is told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from rag.about import introduction
from tests.conftest import make_article

OPENING = "Chợ nổi đông khách trở lại."


def introduced(text: str, title: str = "Họp bàn về gạo", published: date | None = None) -> str:
    return introduction(replace(make_article("a", text), title=title, published=published))


class TestIntroduction:
    def test_it_is_the_day_the_title_and_the_opening(self) -> None:
        told = introduced(f"{OPENING}\n\nGạo bán chạy.", published=date(2024, 4, 2))
        assert told == f"2/4/2024. Họp bàn về gạo. {OPENING}"

    @pytest.mark.parametrize("day", ["Sáng 21/12", "Ngày 9 tháng 3", "Tối 21-1"])
    def test_of_the_opening_it_is_the_sentence_that_names_a_day(self, day: str) -> None:
        dated = f"{day}, hội nghị họp tại Huế."
        assert introduced(f"{OPENING}\n\nẢnh: An Bình\n\n{dated} Gạo bán chạy.").endswith(f". {dated}")

    def test_a_day_far_behind_is_none_of_the_opening(self) -> None:
        assert introduced(f"{OPENING}\n\n{'Gạo bán chạy. ' * 40}\n\nSáng 21/12, hội nghị họp.").endswith(OPENING)

    def test_a_day_that_there_is_no_room_for_is_none(self) -> None:
        late = f"{'Chợ nổi đông khách ' * 5} từ sáng 21/12."
        assert introduced(f"{OPENING} {late}\n\nGạo bán chạy.").endswith(OPENING)

    def test_what_the_title_says_is_not_said_again(self) -> None:
        text = "Họp bàn về gạo ngày 9/3\n\nSáng 9/3, tại Huế, hội nghị họp."
        assert (
            introduced(text, "Họp bàn về gạo ngày 9/3") == "Họp bàn về gạo ngày 9/3. Sáng 9/3, tại Huế, hội nghị họp."
        )

    def test_of_a_single_paragraph_it_is_the_title(self) -> None:
        assert introduced("Sáng 21/12, hội nghị họp. Gạo bán chạy.") == "Họp bàn về gạo"

    def test_of_what_has_neither_it_is_nothing(self) -> None:
        assert introduced("Gạo bán chạy.", title="") == ""

    def test_it_is_short_however_long_the_article_and_its_title_are(self) -> None:
        assert len(introduced(f"{'Gạo bán chạy ' * 99}\n\nHết.", title="Gạo " * 99)) < 200
