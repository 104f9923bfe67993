"""When two answers count as the same."""

from __future__ import annotations

import unicodedata

import pytest

from eval.text import count_words, holds, meets, tokens, without_markers


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ông Lê Ngọc Châu chủ trì.", "lê ngọc châu"),
        ("Tỉnh Hoà Bình", "Hòa Bình"),
        (unicodedata.normalize("NFD", "Điểm cầu Hà Tĩnh"), "điểm cầu Hà Tĩnh"),
        ("đạt 683 tỉ USD", "683 tỷ USD"),
        ("chủ động, thích ứng", "chủ động thích ứng"),
        ("vốn 36,6 tỷ", "36.6 tỷ"),
        ("có 1.200 người", "1200 người"),
        ("gồm 1,200,000 người", "1.200.000 người"),
        ("Kế hoạch số 04-KH/UBND", "04/KH-UBND"),
        ("ngày 2 tháng 4 năm 2024", "02/04/2024"),
        ("ngày 21 tháng 1 tại Hà Nội", "21/1"),
        ("họp 2.4.2024", "2/4/2024"),
        ("tăng 5 % so với", "5%"),
        ("Thủ  tướng\nPhạm Minh Chính", "Thủ tướng Phạm Minh Chính"),
    ],
)
def test_same_however_it_is_written(text: str, wanted: str) -> None:
    assert holds(text, wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("150 văn kiện", "15"),
        ("36,65 tỷ", "36,6"),
        ("136,6 tỷ", "36,6 tỷ"),
        ("tăng 5,5%", "5%"),
        ("ma", "má"),
        ("Châu Ngọc Lê", "Lê Ngọc Châu"),
        ("", "a"),
        ("a", "…"),
    ],
)
def test_different(text: str, wanted: str) -> None:
    assert not holds(text, wanted)


def test_one_of_the_answers_and_all_of_the_parts() -> None:
    assert meets(["năm 2022 có 150", "và 60"], ["150", "một trăm năm mươi"], ["150", "60"])
    assert not meets(["năm 2022 có 150"], ["150"], ["150", "60"])
    assert not meets(["có 60"], ["150"], ["60"])
    assert meets(["có 60"], [], ["60"])
    assert not meets([], ["60"], [])


def test_markers_are_not_words_of_the_answer() -> None:
    assert without_markers("Đạt 683 tỷ. [1]\nXuất siêu [2]") == "Đạt 683 tỷ.\nXuất siêu"
    assert count_words(" một hai\nba ") == 3


def test_leading_zeros_only() -> None:
    assert tokens("00 010 100") == ("0", "10", "100")
