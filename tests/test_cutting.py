"""A model's words cut into sentences, however the pieces fall."""

from __future__ import annotations

import pytest

from rag.generation.cutting import Cutter, Sentence

CASES = {
    "Đạt 683 tỷ USD [1]. Xuất siêu 28 tỷ USD [2, 3].": [
        Sentence("Đạt 683 tỷ USD.", (1,)),
        Sentence("Xuất siêu 28 tỷ USD.", (2, 3)),
    ],
    "Đạt 683 tỷ USD. [1][2] Ông J. Biden ở TP. Hà Nội.[đoạn 3]": [
        Sentence("Đạt 683 tỷ USD.", (1, 2)),
        Sentence("Ông J. Biden ở TP. Hà Nội.", (3,)),
    ],
    "Gồm:\n- **Một** là sạch [1]\n- Hai là đẹp. [2]\n3. Ba. Bốn.": [
        Sentence("Gồm:"),
        Sentence("Một là sạch", (1,), is_item=True),
        Sentence("Hai là đẹp.", (2,), is_item=True),
        Sentence("Ba.", is_item=True),
        Sentence("Bốn."),
    ],
    "<think>Nghĩ. Lại nghĩ [1].\n</think>\n\nTrả lời: Đạt 5 tỷ.": [Sentence("Đạt 5 tỷ.")],
    "<think>Nghĩ mãi. Không thôi.": [],
    "## Kết quả\nĐạt 5 tỷ [999999].": [Sentence("Kết quả"), Sentence("Đạt 5 tỷ.", (999999,))],
    # What is broken off in the middle is nothing.
    "Đạt 5 tỷ. Vốn đạt 36": [Sentence("Đạt 5 tỷ.")],
    "[1] [2]\n\n…": [],
    "": [],
}


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("text", CASES)
def test_sentences_are_whole_whatever_the_pieces(text: str, size: int) -> None:
    cutter = Cutter()
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    found = [sentence for piece in pieces for sentence in cutter.feed(piece)]
    assert [*found, *cutter.rest()] == CASES[text]


def test_a_sentence_comes_as_soon_as_the_next_begins() -> None:
    cutter = Cutter()
    assert not list(cutter.feed("Đạt 5 tỷ. "))  # a marker may follow
    assert not list(cutter.feed("[1"))
    assert not list(cutter.feed("]"))
    assert list(cutter.feed(" Vốn")) == [Sentence("Đạt 5 tỷ.", (1,))]


def test_what_has_no_end_is_not_waited_for() -> None:
    cutter = Cutter()
    found = [sentence for _ in range(1000) for sentence in cutter.feed("gạo ")]
    assert len(found) > 3
