"""People who are called by their names, as their articles call them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.understanding.people import by_posts, people

ARTICLES = (
    "Thủ tướng Chính phủ Lê Văn Chính chủ trì, Phó Thủ tướng Hồ Quý Quang, Bộ trưởng Bộ Công Thương Đặng Hải Sơn dự.",
    "Đồng chí Đặng Hải Sơn, Bộ trưởng, phát biểu. Bà Phan Thị Hằng – Giám đốc Sở Y tế báo cáo.",
    "Giám đốc Sở Nội vụ Lý Gia Sơn dự. Thứ trưởng Ngô Nhật Minh và Thứ trưởng Đỗ Hùng Minh cũng dự.",
)


def test_posts_stand_before_or_behind_a_name() -> None:
    assert people(ARTICLES[0]) == (
        ("Lê Văn Chính", "Thủ tướng"),
        ("Hồ Quý Quang", "Phó Thủ tướng"),
        ("Đặng Hải Sơn", "Bộ trưởng"),
    )
    assert people(ARTICLES[1]) == (("Đặng Hải Sơn", "Bộ trưởng"), ("Phan Thị Hằng", "Giám đốc"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ông Chính khen gì?", "Thủ tướng khen gì?"),
        ("theo ông Lê Văn Chính thì sao", "theo Thủ tướng thì sao"),
        ("bà Hằng nói gì", "Giám đốc nói gì"),
        ("Bộ trưởng Sơn nói gì?", "Bộ trưởng nói gì?"),
        # Of two of that name one is told of more often.
        ("Ông Sơn nói gì?", "Bộ trưởng nói gì?"),
        # Nobody else may be meant; of two nobody knows which; and what asks for a post.
        ("Thủ tướng Lê Văn Chính khen gì?", "Thủ tướng Lê Văn Chính khen gì?"),
        ("Bộ trưởng Quang nói gì?", "Bộ trưởng Quang nói gì?"),
        ("Ông Minh nói gì?", "Ông Minh nói gì?"),
        ("Ông Tám nói gì?", "Ông Tám nói gì?"),
        ("Ông Chính giữ chức gì?", "Ông Chính giữ chức gì?"),
        ("Ông Chính là ai?", "Ông Chính là ai?"),
    ],
)
def test_who_is_called_by_a_name_is_called_by_the_post(text: str, said: str) -> None:
    assert by_posts(text, ARTICLES, ()) == said


def test_a_whole_name_that_is_to_be_read_stays() -> None:
    text = "Ông Lê Văn Chính khen gì?"
    assert by_posts(text, ARTICLES, ["Thủ tướng Lê Văn Chính khen."]) == text


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    people(text)
    assert isinstance(by_posts(text, [text], [text]), str)
