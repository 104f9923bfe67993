"""What the reader is asked: plain words, and those of the sentences that may answer."""

from __future__ import annotations

import pytest

from rag.question import understand
from rag.steps import Step
from rag.understanding.equivalents import Equivalent
from rag.understanding.rewording import in_words_of, plainly_asked, without_politeness, without_source

ABROAD = Equivalent(("kiều", "bào"), ("người", "việt", "ở", "nước", "ngoài"), certain=False)


@pytest.mark.parametrize(
    ("text", "rest", "source"),
    [
        ("Theo bài của Hoài Anh, gạo bán được bao nhiêu?", "gạo bán được bao nhiêu?", "của Hoài Anh"),
        ("Báo Hà Tĩnh viết rằng năm nay gạo bán ra sao?", "năm nay gạo bán ra sao?", "Hà Tĩnh"),
        ("Gạo bán được bao nhiêu theo bài tháng 6/2022?", "Gạo bán được bao nhiêu?", "tháng 6/2022"),
        ("Có mấy nhóm việc được nêu trong bài của Hoài Anh?", "Có mấy nhóm việc?", "của Hoài Anh"),
        ("Số người ở nước ngoài mà bài năm 2022 nêu?", "Số người ở nước ngoài?", "năm 2022"),
        ("Báo hồi giữa năm 2022 nói có bao nhiêu người góp sức?", "có bao nhiêu người góp sức?", "hồi giữa năm 2022"),
        ("Gạo bán được bao nhiêu, theo bài đăng giữa năm 2022?", "Gạo bán được bao nhiêu?", "đăng giữa năm 2022"),
    ],
)
def test_what_only_names_the_article_is_not_read(text: str, rest: str, source: str) -> None:
    assert without_source(text) == (rest, source)


@pytest.mark.parametrize(
    "text",
    [
        "Bài của Hoài Anh đăng ngày nào?",  # nothing would be left to ask
        "Thứ trưởng được dẫn lời trong bài “Gạo” là ai?",
        "Tin học giúp gì cho nông dân trồng lúa?",
        "Báo chí nói gì về gạo?",
        "Theo báo cáo của Bộ Ngoại giao, có bao nhiêu nơi ký kết?",
        "Trong bài phát biểu tại hội nghị, Thủ tướng nhấn mạnh điều gì?",
        "Bài học kinh nghiệm của Hà Tĩnh, Lạng Sơn là gì?",
        "Vai trò của doanh nghiệp là gì trong bài toán tăng trưởng?",
    ],
)
def test_what_is_asked_of_an_article_stays(text: str) -> None:
    assert without_source(text) == (text, "")


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Tôi già rồi hay quên. Xin cho hỏi vị nào đứng đầu sở này?", "vị nào đứng đầu sở này?"),
        ("Gạo bán đi đứng trước mối lo gì, các đồng chí giải thích giúp?", "Gạo bán đi đứng trước mối lo gì"),
        ("Về hội nghị 9/3, cho hỏi ai chủ trì?", "Về hội nghị 9/3, cho hỏi ai chủ trì?"),  # it says which one
        ("Ai chủ trì?", "Ai chủ trì?"),
        ("Thứ trưởng cho biết có bao nhiêu nơi ký kết?", "Thứ trưởng cho biết có bao nhiêu nơi ký kết?"),
        ("Gạo tăng bao nhiêu phần trăm, nhờ hiệp định?", "Gạo tăng bao nhiêu phần trăm, nhờ hiệp định?"),
    ],
)
def test_polite_words_are_not_read(text: str, rest: str) -> None:
    assert without_politeness(text) == rest


def test_ways_to_ask_are_said_in_common_words() -> None:
    assert plainly_asked("Bữa nào họp, phòng rộng cỡ nào?") == "ngày nào họp, phòng rộng bao nhiêu?"


class TestWordsOfTheSentences:
    def test_a_phrase_that_they_say_otherwise_is_replaced(self) -> None:
        said = in_words_of(["Có 5 triệu người Việt ở nước ngoài."], "Kiều bào có bao nhiêu?", [ABROAD])
        assert said == "người việt ở nước ngoài có bao nhiêu?"

    def test_a_phrase_that_one_of_them_says_stays(self) -> None:
        sentences = ["Có 5 triệu người Việt ở nước ngoài.", "Kiều bào gửi tiền về."]
        assert in_words_of(sentences, "Kiều bào có bao nhiêu?", [ABROAD]) == "Kiều bào có bao nhiêu?"

    def test_what_no_sentence_says_stays(self) -> None:
        assert in_words_of(["Gạo ngon."], "Kiều bào có bao nhiêu?", [ABROAD]) == "Kiều bào có bao nhiêu?"


def test_a_question_holds_what_is_searched_for_and_what_is_asked() -> None:
    question = understand("Theo bài của Hoài Anh, họp bữa nào ở tỉnh?")
    assert question.search_text == "Theo bài của Hoài Anh, họp bữa nào ở tỉnh?"
    assert (question.asked, question.source) == ("họp ngày nào ở tỉnh?", "của Hoài Anh")


def test_it_is_a_step_that_is_shown_and_can_be_left_out() -> None:
    text = "Theo bài của Hoài Anh, họp bữa nào ở tỉnh?"
    assert understand(text).trace == (("rewording", "họp ngày nào ở tỉnh?"),)
    without = understand(text, without=[Step.REWORDING])
    assert (without.asked, without.source, without.trace, without.rewords) == (text, "", (), False)
