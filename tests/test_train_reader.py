"""What the reader is taught to be an answer."""

from __future__ import annotations

import pytest

from eval.text import holds
from eval.train_reader import _occurrences


@pytest.mark.parametrize(
    ("text", "answer", "found"),
    [
        ("Giai đoạn 2022-2026 có 7 nhóm.", "2022 - 2026", "2022-2026"),
        ("Từ tháng 10/2021 thì họp.", "tháng 10-2021", "tháng 10/2021"),
        ("Đăng ngày 1/6/2022.", "01/06/2022", "1/6/2022"),
        ("Có 1.000 người dự.", "1.000 người", "1.000 người"),
        ("Thu được 36,6 tỷ USD.", "36,6 tỷ USD.", "36,6 tỷ USD"),
    ],
)
def test_an_answer_is_found_however_its_numbers_are_joined(text: str, answer: str, found: str) -> None:
    assert [text[start:end] for start, end in _occurrences(text, [answer])] == [found]
    assert holds(text, answer)  # as answers are scored


def test_a_part_of_a_number_or_a_word_is_none() -> None:
    assert not _occurrences("Có 150 người.", ["15", "người dự", ""])
