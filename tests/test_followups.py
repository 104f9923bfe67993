"""What a follow-up leaves out, from the turns before it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.question import understand
from rag.schema import Turn
from rag.understanding.followups import Resolved, leans, resolve, without_replaced

WHO = "Ai điều hành điểm cầu Hà Tĩnh?"


def history(asked: str, answered: str) -> list[Turn]:
    return [Turn("user", asked), Turn("assistant", answered)]


class TestPointing:
    @pytest.mark.parametrize(
        ("text", "filled"),
        [
            ("Ông ấy giữ chức gì?", "Lê Ngọc Châu giữ chức gì?"),
            ("Vị này nói gì?", "Lê Ngọc Châu nói gì?"),
            ("Phát biểu của người đó là gì?", "Phát biểu của Lê Ngọc Châu là gì?"),
            ("ong ay giu chuc gi", "Lê Ngọc Châu giu chuc gi"),
        ],
    )
    def test_a_person_is_the_one_that_was_named_last(self, text: str, filled: str) -> None:
        before = history(WHO, "Phó Chủ tịch Lê Ngọc Châu điều hành điểm cầu Hà Tĩnh. [1]")
        assert resolve(text, before) == Resolved(filled, (WHO,))

    def test_of_two_people_the_later_one(self) -> None:
        before = history(WHO, "Lê Ngọc Châu và Thái Phúc Sơn điều hành điểm cầu. [1]")
        assert resolve("Ông ấy là ai?", before).now == "Thái Phúc Sơn là ai?"

    def test_the_last_turn_comes_before_the_earlier_ones(self) -> None:
        before = [*history(WHO, "Lê Ngọc Châu. [1]"), *history("Còn Lạng Sơn?", "Dương Xuân Huyên. [1]")]
        assert resolve("Ông ấy là ai?", before).now == "Dương Xuân Huyên là ai?"

    def test_where_no_one_was_named_the_words_stay(self) -> None:
        before = history("Họp ở đâu?", "Hội nghị họp ở Hà Nội. [1]")
        assert resolve("Ông ấy là ai?", before) == Resolved("Ông ấy là ai?", ("Họp ở đâu?",))

    @pytest.mark.parametrize(
        ("text", "answered", "filled"),
        [
            ("Chỉ thị này do ai ký?", "Chỉ thị số 15-CT/TW ngày 10/8. [1]", "Chỉ thị số 15-CT/TW do ai ký?"),
            ("chi thi nay do ai ky", "Chỉ thị số 15-CT/TW ngày 10/8. [1]", "Chỉ thị số 15-CT/TW do ai ky"),
            ("Kế hoạch đó có gì?", "Theo Kế hoạch 04-KH/UBND. [1]", "Kế hoạch 04-KH/UBND có gì?"),
            ("Tỉnh này có gì?", "Việc của tỉnh Hà Tĩnh. [1]", "tỉnh Hà Tĩnh có gì?"),
            ("Hội nghị này họp ở đâu?", "Hội nghị lần thứ 32 đã họp. [1]", "Hội nghị lần thứ 32 họp ở đâu?"),
            ("Hội nghị này ở đâu?", "Hội nghị Ngoại giao lần thứ 32. [1]", "Hội nghị Ngoại giao lần thứ 32 ở đâu?"),
            ("Hội nghị này ở đâu?", "Hội nghị rất đông. [1]", "Hội nghị này ở đâu?"),
        ],
    )
    def test_a_thing_is_the_one_of_that_sort_that_was_named(self, text: str, answered: str, filled: str) -> None:
        assert resolve(text, history("Có gì mới?", answered)).now == filled

    def test_a_name_that_takes_the_place_of_a_word_does_not_join_the_one_before(self) -> None:
        before = history("Ai chủ trì?", "Ông Nguyễn Đức Trung. [1]")
        assert resolve("Bên Đảng ông ấy là gì?", before).now == "Bên Đảng ông Nguyễn Đức Trung là gì?"
        assert resolve("Ở Hà Tĩnh đồng chí ấy làm gì?", before).now == "Ở Hà Tĩnh ông Nguyễn Đức Trung làm gì?"
        assert resolve("Chức vụ của ông ấy?", before).now == "Chức vụ của Nguyễn Đức Trung?"

    def test_a_marker_of_ours_is_no_part_of_a_name(self) -> None:
        before = history("Có gì?", "Theo Chỉ thị 15 [1]")
        assert resolve("Chỉ thị này là gì?", before).now == "Chỉ thị 15 là gì?"


class TestWhatItLeansOn:
    def test_it_is_the_question_before(self) -> None:
        before = [*history("Ai?", "Không rõ."), *history(WHO, "Không rõ.")]
        assert resolve("còn năm 2022?", before).before == (WHO,)

    def test_as_far_back_as_each_leans_on_another_oldest_first(self) -> None:
        run = [WHO, "còn Lạng Sơn?", "thế còn Nghệ An?"]
        before = [turn for asked in ("Ai khác?", *run) for turn in history(asked, "Không rõ.")]
        assert resolve("còn Huế?", before).before == tuple(run)

    def test_but_not_without_end(self) -> None:
        before = [turn for number in range(20) for turn in history(f"còn số {number}?", "Không rõ.")]
        found = resolve("còn Huế?", before).before
        assert 1 < len(found) < 10
        assert found[-1] == "còn số 19?"

    @pytest.mark.parametrize("text", [WHO, "Thế giới ra sao?", "Chi phí là bao nhiêu?", "no cong la bao nhieu"])
    def test_a_complete_question_leans_on_nothing(self, text: str) -> None:
        assert not leans(text)
        assert resolve(text, history("Giá gạo?", "Lê Ngọc Châu. [1]")) == Resolved(text)

    @pytest.mark.parametrize(
        "text", ["còn Huế?", "Thế năm 2022?", "vậy thì sao", "Ông ấy là ai?", "năm đó có gì?", "con nam 2022 thi sao"]
    )
    def test_a_follow_up_leans(self, text: str) -> None:
        assert leans(text)
        assert resolve(text, []) == Resolved(text)

    def test_what_was_answered_is_not_searched_for(self) -> None:
        understood = understand("còn năm 2022?", history("Xuất siêu năm 2023?", "Đạt 28 tỷ USD tại Lạng Sơn. [1]"))
        assert not {"lạng", "28", "usd"} & {*understood.content, *understood.terms_before["syllables"]}

    def test_nothing_of_one_conversation_is_left_for_the_next(self) -> None:
        alone = understand("còn năm 2022?")
        understand("còn năm 2022?", history("Xuất siêu của Lạng Sơn?", "28 tỷ. [1]"))
        assert understand("còn năm 2022?") == alone


class TestYears:
    @pytest.mark.parametrize(
        ("questions", "kept"),
        [
            (["Gạo năm 2023?", "còn năm 2022?"], ["Gạo?", "còn năm 2022?"]),
            (["Gạo giai đoạn 2021-2025 ra sao?", "còn 2030?"], ["Gạo ra sao?", "còn 2030?"]),
            (["Gạo năm 2023?", "còn cá?"], ["Gạo năm 2023?", "còn cá?"]),
            (["Gạo năm 2021?", "còn năm 2022?", "còn cá?"], ["Gạo?", "còn năm 2022?", "còn cá?"]),
            (["Gạo năm 2021?", "còn năm 2022?", "năm 2023?"], ["Gạo?", "còn?", "năm 2023?"]),
            (["2000 doanh nghiệp năm 2021?", "còn năm 2022?"], ["2000 doanh nghiệp?", "còn năm 2022?"]),
            (["Ai họp ngày 21/12/2023?", "còn hôm 2/4?"], ["Ai họp?", "còn hôm 2/4?"]),
            (["Ai họp 21 tháng 12 năm 2023?", "còn ngày 2-4?"], ["Ai họp?", "còn ngày 2-4?"]),
            (["Ai dự phiên họp 21/12?", "còn sáng 2/4?"], ["Ai dự phiên họp?", "còn sáng 2/4?"]),
            (["3/4 dân số ủng hộ?", "còn sáng 2/4?"], ["3/4 dân số ủng hộ?", "còn sáng 2/4?"]),
            (["Ai họp ngày 21/12?", "còn cá?"], ["Ai họp ngày 21/12?", "còn cá?"]),
            (["Bà Trần Thị Hoa dự ở đâu?", "còn ông Lê Văn Sơn?"], ["dự ở đâu?", "còn ông Lê Văn Sơn?"]),
            (["Ông Sơn làm gì?", "Thế Trần Thị Hoa?"], ["làm gì?", "Thế Trần Thị Hoa?"]),
            *(
                ([before, "còn ông Nam?"], [before, "còn ông Nam?"])
                for before in (
                    "Ai dự ở Thành phố Hồ Chí Minh?",
                    "Ai dự lễ ở đường Võ Nguyên Giáp?",
                    "Ai dự ở huyện Cô Tô, ở Bà Rịa?",
                    "Ông Sơn gặp bà Trần Thị Hoa ngày nào?",  # who knows which of them it is about
                )
            ),
            (["Ông Sơn làm gì?", "ông Nam gặp ông ấy ở đâu?"], ["Ông Sơn làm gì?", "ông Nam gặp ông ấy ở đâu?"]),
            ([], []),
        ],
    )
    def test_a_later_year_or_day_takes_the_place_of_the_earlier_ones(
        self, questions: list[str], kept: list[str]
    ) -> None:
        assert without_replaced(questions) == kept

    def test_a_later_place_takes_the_place_of_the_earlier_one_too(self) -> None:
        named = understand("Còn Lạng Sơn?", history(WHO, "Lê Ngọc Châu. [1]")).constraints.named
        assert [one.words for one in named if one.is_firm] == ["Lạng Sơn"]


@settings(deadline=None)
@given(st.text(max_size=40), st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text(max_size=40))))
def test_any_conversation_is_followed(text: str, turns: list[tuple[str, str]]) -> None:
    found = resolve(text, [Turn(role, said) for role, said in turns])  # type: ignore[arg-type]
    assert all(question.strip() for question in found.before)


class TestTheSameAgain:
    """What names nothing of its own asks about what was just said."""

    BEFORE = history("Ngoại giao kinh tế năm 2022 có mấy mục tiêu chính?", "Có 3 mục tiêu chính. [1]")

    @pytest.mark.parametrize(
        "text",
        [
            "Gồm những mục tiêu nào?",
            "gom nhung muc tieu nao",
            "kể ra các mục tiêu đó giúp tôi",
            "ngoài hai cái này còn gì nữa?",
            "Cái thứ hai là gì?",
        ],
    )
    def test_it_leans_on_the_question_before(self, text: str) -> None:
        assert resolve(text, self.BEFORE).before == ("Ngoại giao kinh tế năm 2022 có mấy mục tiêu chính?",)

    @pytest.mark.parametrize(
        "text",
        [
            "Gồm những mục tiêu nào năm 2024?",  # of another year
            "Mục tiêu của Hà Tĩnh là gì?",
            "Gồm những nhiệm vụ nào?",  # of which nobody spoke
            "Các nước trên thế giới có mục tiêu gì?",
        ],
    )
    def test_what_names_something_of_its_own_is_complete(self, text: str) -> None:
        assert resolve(text, self.BEFORE) == Resolved(text)

    @pytest.mark.parametrize(
        "text",
        ["ai chủ trì?", "Tăng mấy phần trăm?", "do ai ký vậy ạ?", "ban hanh hom nao", "diễn ra ở đâu", "Gồm những gì?"],
    )
    def test_what_leaves_out_what_it_asks_about_leans(self, text: str) -> None:
        assert resolve(text, self.BEFORE).before == ("Ngoại giao kinh tế năm 2022 có mấy mục tiêu chính?",)

    @pytest.mark.parametrize(
        "text",
        [
            "ai chủ trì hội nghị?",
            "giá vàng bao nhiêu?",
            "gia vang tang bao nhieu",
            "FDI tăng mấy phần trăm?",
            "Đăng ký ở đâu?",
            "dang thanh lap khi nao",
            "ky hop thong qua gi",
        ],
    )
    def test_what_says_what_it_asks_about_is_complete(self, text: str) -> None:
        assert resolve(text, self.BEFORE) == Resolved(text)

    def test_bare_questions_lean_on_the_topic_of_those_before(self) -> None:
        before = [*history("Hội nghị ngoại giao họp ở đâu?", "Hà Nội. [1]"), *history("ai chủ trì?", "Thủ tướng. [1]")]
        assert resolve("khi nào kết thúc?", before).before == ("Hội nghị ngoại giao họp ở đâu?", "ai chủ trì?")

    def test_how_far_something_reaches_is_replaced_as_a_place_is(self) -> None:
        before = history("Việt Nam là nền kinh tế lớn thứ mấy châu Á?", "Thứ 11. [1]")
        assert "châu Á" not in understand("còn trên thế giới?", before).search_text
        before = history("Việt Nam là nền kinh tế lớn thứ mấy thế giới?", "Thứ 40. [1]")
        assert "thế giới" not in understand("còn ở châu Á?", before).search_text


class TestOneOfSeveral:
    before = history(WHO, "Lê Ngọc Châu và Thái Phúc Sơn điều hành điểm cầu. [1]")

    @pytest.mark.parametrize(
        ("text", "filled"),
        [
            ("Người đầu tiên giữ chức gì?", "Lê Ngọc Châu giữ chức gì?"),
            ("Người thứ hai giữ chức gì?", "Thái Phúc Sơn giữ chức gì?"),
            ("Người còn lại giữ chức gì?", "Thái Phúc Sơn giữ chức gì?"),
            ("Người thứ ba giữ chức gì?", "Người thứ ba giữ chức gì?"),  # there was none
            ("Ổng giữ chức gì?", "Thái Phúc Sơn giữ chức gì?"),
            ("Trong Đảng thì ông giữ chức gì?", "Trong Đảng thì Thái Phúc Sơn giữ chức gì?"),
        ],
    )
    def test_a_person_is_told_by_the_order(self, text: str, filled: str) -> None:
        assert resolve(text, self.before) == Resolved(filled, (WHO,))

    def test_the_other_one_is_whom_nobody_spoke_of_since(self) -> None:
        of_one = history("Ông Sơn làm gì?", "Giám đốc Sở. [1]")
        assert resolve("Thế ông còn lại?", [*self.before, *of_one]).now == "Thế Lê Ngọc Châu?"

    def test_nobody_is_the_other_one_if_that_cannot_be_told(self) -> None:
        of_both = history("Ông Châu với ông sơn làm gì?", "Tôi không tìm thấy.")
        assert resolve("Thế ông còn lại?", [*self.before, *of_both]).now == "Thế ông còn lại?"

    def test_a_place_with_the_same_name_is_not_spoken_of(self) -> None:
        of_one = history("Ông Châu làm gì?", "Chủ tịch tỉnh Sơn La. [1]")
        assert resolve("Thế ông còn lại?", [*self.before, *of_one]).now == "Thế Thái Phúc Sơn?"

    @pytest.mark.parametrize(
        "text", ["Đơn vị đầu tiên là gì?", "Các đơn vị còn lại làm gì?", "Hai người còn lại làm gì?"]
    )
    def test_nor_is_a_thing_or_several_people(self, text: str) -> None:
        assert resolve(text, self.before).now == text

    def test_a_title_is_no_part_of_a_name(self) -> None:
        assert resolve("Ông ấy là ai?", history(WHO, "Ông Lê Ngọc Châu. [1]")).now == "Lê Ngọc Châu là ai?"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Thôi bỏ qua Hà Tĩnh, cho hỏi Việt Nam ký bao nhiêu hiệp định?", "cho hỏi Việt Nam ký bao nhiêu hiệp định?"),
        ("Cho tôi hỏi sang việc khác: Nghệ An có ai dự họp?", "Nghệ An có ai dự họp?"),
    ],
)
def test_who_leaves_a_topic_asks_of_another(text: str, left: str) -> None:
    assert resolve(text, history(WHO, "Lê Ngọc Châu. [1]")) == Resolved(left)


@pytest.mark.parametrize(
    "text", ["Chức vụ?", "Cái thứ hai?", "Mục tiêu thứ hai là gì?", "Nhóm cuối cùng nói về việc gì?"]
)
def test_a_word_or_an_item_alone_leans_on_what_was_asked(text: str) -> None:
    assert leans(text)


@pytest.mark.parametrize("text", ["Hội nghị lần thứ hai họp ở đâu, bàn việc gì?", "Lạm phát là gì?"])
def test_what_only_looks_like_an_item_does_not_lean(text: str) -> None:
    assert not leans(text)


@pytest.mark.parametrize(
    "text",
    [
        "Người đầu tư nước ngoài được ưu đãi gì?",
        "Ai là người đầu tiên giữ chức Bộ trưởng Ngoại giao?",
        "Đàn ông được nghỉ mấy ngày khi vợ sinh con?",
        "Chuyển sang ngành khác cần những điều kiện gì?",
        "Cuộc họp có các nước trong đó có Lào do ai chủ trì?",
    ],
)
def test_a_complete_question_points_to_nobody(text: str) -> None:
    assert resolve(text, history(WHO, "Lê Ngọc Châu và Thái Phúc Sơn. [1]")) == Resolved(text)


@pytest.mark.parametrize(
    "text",
    ["Nhóm cuối cùng nói về chuyện gì?", "nhóm cuối nói về gì?", "Cái đầu tiên là gì nhỉ?", "thế còn nhóm thứ hai?"],
)
def test_an_item_is_one_of_the_list_that_was_asked_for_before(text: str) -> None:
    asked = "Chính phủ nêu mấy nhóm việc?"
    understood = understand(text, history(asked, "7 nhóm. [1]"))
    assert understood.asked == asked
    assert understood.item != 0


@pytest.mark.parametrize(
    "text",
    [
        "Nhóm đầu tiên của sở nói về gì?",
        "Nhóm đầu tiên của Chính phủ nói về gì?",
        "Nhóm thứ hai do ai phụ trách?",
        "Nhóm thứ hai được trình bày ngày nào?",
    ],
)
def test_but_not_where_it_asks_or_says_more(text: str) -> None:
    asked = "Chính phủ nêu mấy nhóm việc?"
    assert understand(text, history(asked, "7 nhóm.")).asked != asked


def test_the_list_is_what_was_asked_for_last_that_is_several_things() -> None:
    turns = [*history("Nghị quyết 57 có mấy mục tiêu?", "4 mục tiêu."), *history("Ai ký?", "Tô Lâm.")]
    assert understand("Cái thứ hai là gì?", turns).asked == "Nghị quyết 57 có mấy mục tiêu?"


def test_what_only_compares_with_the_past_leans() -> None:
    assert leans("So với các năm trước thì thế nào?")
    assert leans("So với cùng kỳ năm trước thì sao?")
    assert not leans("So với các năm trước, xuất khẩu gạo tăng bao nhiêu?")
