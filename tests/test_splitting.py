"""Two questions in one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.understanding.splitting import splits


@pytest.mark.parametrize(
    ("text", "way"),
    [
        (
            "Việt Nam xếp thứ mấy châu Á và năm 2023 xuất siêu bao nhiêu?",
            ("Việt Nam xếp thứ mấy châu Á", "năm 2023 xuất siêu bao nhiêu?"),
        ),
        ("Tổng kim ngạch và xuất siêu là bao nhiêu?", ("Tổng kim ngạch", "xuất siêu là bao nhiêu?")),
        ("Kiều hối là gì; FDI là gì?", ("Kiều hối là gì", "FDI là gì?")),
        ("Ai chủ trì hội nghị, còn ai dự ở Hà Tĩnh?", ("Ai chủ trì hội nghị", "ai dự ở Hà Tĩnh?")),
        # What they share is said once.
        ("Ai điều hành ở Hà Tĩnh và ở Lạng Sơn?", ("Ai điều hành ở Hà Tĩnh", "Ai điều hành ở Lạng Sơn?")),
        ("Ai dự tại Hà Tĩnh và tại Lạng Sơn?", ("Ai dự tại Hà Tĩnh", "Ai dự tại Lạng Sơn?")),
    ],
)
def test_what_is_joined_is_parted(text: str, way: tuple[str, str]) -> None:
    assert splits(text)[0] == way


@pytest.mark.parametrize(
    ("text", "way"),
    [
        (
            "Kim ngạch năm 2022 và 2023 là bao nhiêu?",
            ("Kim ngạch năm 2022 là bao nhiêu?", "Kim ngạch 2023 là bao nhiêu?"),
        ),
        ("Xuất siêu năm 2022 so với năm 2023?", ("Xuất siêu năm 2022?", "Xuất siêu năm 2023?")),
        ("xuat sieu nam 2022; nam 2023?", ("xuat sieu nam 2022?", "xuat sieu nam 2023?")),
    ],
)
def test_two_years_are_two_questions_with_all_the_rest(text: str, way: tuple[str, str]) -> None:
    assert way in splits(text)


def test_the_way_by_years_leaves_no_part_without_its_topic_and_comes_first() -> None:
    first, *_ = splits("Kim ngạch năm 2022 và 2023 là bao nhiêu?")
    assert first == ("Kim ngạch năm 2022 là bao nhiêu?", "Kim ngạch 2023 là bao nhiêu?")


@pytest.mark.parametrize("text", ["So sánh xuất siêu năm 2022 với nhập siêu", "Hãy so xuất siêu với nhập siêu"])
def test_the_word_that_compares_belongs_to_no_part(text: str) -> None:
    left, right = splits(text)[0]
    assert left.startswith("xuất siêu")
    assert right.startswith("nhập siêu")


@pytest.mark.parametrize(
    "text",
    [
        "Ai chủ trì hội nghị?",
        "gạo và cá",  # too little on either side
        "gạo và",
        "và",
        "; và ;",
        "",
        "giai đoạn 2021-2025",
        "Vắc-xin là gì?",
        "vành đai và",
    ],
)
def test_what_joins_nothing_is_not_parted(text: str) -> None:
    assert splits(text) == []


def test_no_more_ways_than_can_be_tried_the_most_even_first() -> None:
    text = " và ".join(["một hai ba"] * 9)
    ways = splits(text)
    assert 1 < len(ways) <= 3
    assert [abs(len(left) - len(right)) for left, right in ways] == sorted(
        abs(len(left) - len(right)) for left, right in ways
    )


@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(st.sampled_from(["và", ";", "với", "năm", "2022", "2023", "ở", "Hà", "so", "còn", ","])).map(" ".join),
    )
)
def test_no_part_is_empty(text: str) -> None:
    assert all(part.strip() for way in splits(text) for part in way)
