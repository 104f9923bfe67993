"""Where short answers stand in the text of an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.schema import Answer, Article, Citation
from tests.stand_in import TRADE, cite
from ui.parts import short_spans, steps, understood


def told(text: str, *citations: Citation) -> list[str]:
    """`text` around and in its short answers: the odd ones are marked."""
    pieces, position = [], 0
    for start, end in short_spans(text, citations):
        pieces += [text[position:start], text[start:end]]
        position = end
    return [*pieces, text[position:]]


def quote(words: str, short: tuple[int, int], marker: int = 1) -> Citation:
    """A citation of `words`, which stand at 100, with its short answer at `short` in them."""
    article = Article("a", "A", "x" * 100 + words)
    return replace(cite(article, words, marker), short=(100 + short[0], 100 + short[1]))


def test_each_statement_has_the_short_answer_of_its_own_marker() -> None:
    first = cite(TRADE, "Tổng kim ngạch năm 2023 đạt 683 tỷ USD.", 1, "683 tỷ USD")
    second = cite(TRADE, "Vốn FDI đạt gần 36,6 tỷ USD.", 2, "36,6 tỷ USD")
    text = f"{first.quote} [1]\n{second.quote} [2]\nHết [3]."
    assert told(text, first, second)[1::2] == ["683 tỷ USD", "36,6 tỷ USD"]
    assert told(text, replace(first, short=None), second)[1::2] == ["36,6 tỷ USD"]


def test_of_the_same_words_those_at_the_spans_place_are_marked() -> None:
    words = "Tăng 5 %, rồi 5 %, rồi 5 %."
    for at in (5, 14, 23):
        before = "Tài liệu có mức 5 %: "
        assert told(f"{before}{words} [1]", quote(words, (at, at + 3)))[0] == before + words[:at]


def test_footnotes_that_were_taken_out_do_not_shift_it() -> None:
    words = "Gạo [3] đạt 5 tỷ USD [12] và 5 tỷ USD."
    at = words.rindex("5 tỷ USD")
    before, *short_and_rest = told("Gạo đạt 5 tỷ USD và 5 tỷ USD. [1]", quote(words, (at, at + 8)))
    assert (before, short_and_rest) == ("Gạo đạt 5 tỷ USD và ", ["5 tỷ USD", ". [1]"])


def test_two_markers_of_one_statement_mark_it_once() -> None:
    words = "Gạo đạt 5 tỷ USD."
    assert told(f"{words} [1][2]", quote(words, (8, 16)), quote(words, (8, 16), 2))[1::2] == ["5 tỷ USD"]
    assert told(f"{words} [1] [2]", quote(words, (8, 16)), quote(words, (4, 12), 2))[1::2] == ["đạt 5 tỷ"]


@pytest.mark.parametrize(
    ("statement", "marked"),
    [
        ("Con số là 5 tỷ USD", ["5 tỷ USD"]),
        ("Là 36,5 tỷ USD, 15 tỷ USD hay 5 tỷ USDT", []),
        ("Là 5 tỷ USD, đúng 5 tỷ USD", []),
        ("Không nói", []),
    ],
)
def test_in_other_words_than_the_quotes_it_is_marked_only_for_certain(statement: str, marked: list[str]) -> None:
    assert told(f"{statement} [1].", quote("Gạo đạt 5 tỷ USD.", (8, 16)))[1::2] == marked


@given(st.text("a [1]2\n"), st.text("a [1]2\n", min_size=1), st.integers(0, 5), st.integers(1, 5))
@example("111[1]", "111[1]", 3, 3)  # a footnote is no short answer
def test_the_spans_are_in_order_apart_and_hold_the_words(text: str, words: str, start: int, length: int) -> None:
    start = min(start, len(words) - 1)
    spans = short_spans(text, [quote(words, (start, min(start + length, len(words))))])
    ends = [0, *(end for _, end in spans)]
    assert all(before <= start < end <= len(text) for before, (start, end) in zip(ends, spans, strict=False))


def test_a_step_without_a_name_in_vietnamese_keeps_its_own() -> None:
    answer = Answer("a", "b", understood="a", trace=(("typos", "á"), ("khác", "à")))
    assert steps(answer) == [("Sửa lỗi gõ", "á"), ("khác", "à")]
    assert understood(answer) == ""
    assert understood(replace(answer, understood="à")) == "à"
