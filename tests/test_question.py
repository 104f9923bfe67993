"""What a question asks for."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import QuestionError
from rag.question import MAX_CHARS, Helps, Kind, Question, understand
from rag.schema import Turn
from rag.steps import Step
from rag.vietnamese.normalize import strip_accents, typed_with_accents


def named(question: Question) -> list[tuple[str, ...]]:
    """What the question names, as it is written there or in the list of places."""
    return [one.ways[0] for one in question.constraints.named]


ASKED = {
    Kind.LIST: [
        "Tinh thần “3 cùng” gồm những gì?",
        "Kể tên các hội nghị được nhắc tới",
        "Ba mục tiêu chính của công tác ngoại giao kinh tế năm 2022 là gì?",
        "Việt Nam có quan hệ với những đối tác chủ chốt nào?",
        "Điểm cầu Hà Tĩnh do những ai điều hành?",
        "Các đoàn của tỉnh đã thăm những nơi nào?",
        "Hội nghị đề ra nhiệm vụ gì, kể hết giúp mình?",
    ],
    Kind.DAY: ["Hội nghị diễn ra ngày nào?", "Chỉ thị ra ngày mấy?", "Thủ tướng họp hôm nào?"],
    Kind.PERIOD: ["Chương trình áp dụng cho giai đoạn nào?", "Nghị quyết thuộc nhiệm kỳ nào?"],
    Kind.QUANTITY: [
        "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?",
        "Chương trình có mấy nhóm nhiệm vụ?",
        "Việc triển khai kéo dài bao lâu?",
    ],
    Kind.RANK: ["Việt Nam là nền kinh tế lớn thứ mấy châu Á?", "Việt Nam đứng ở vị trí nào?"],
    Kind.TIME: [
        "Chỉ thị 15 ban hành khi nào?",
        "Bao giờ hội nghị khai mạc?",
        "7 nhóm nhiệm vụ được nêu khi nào?",
        "150 văn kiện được ký trong năm nào?",
        "Chừng nào mới xong con đường?",
    ],
    Kind.PLACE: [
        "Phiên họp tổ chức ở đâu?",
        "Hội nghị họp ở thành phố nào?",
        "Đoàn đến từ đâu?",
        "Cầu mới bắc qua huyện nào?",
    ],
    Kind.PERSON: [
        "Ai điều hành điểm cầu Hà Tĩnh?",
        "Chủ tịch UBND tỉnh Nghệ An là ai?",
        "Giám đốc Sở Ngoại vụ tên là gì?",
        "Hội nghị do ai chủ trì?",
        "Lãnh đạo nào ký văn bản?",
    ],
    Kind.REASON: [
        "Vì sao ngoại giao vắc-xin là điểm sáng nhất?",
        "Tại sao xuất siêu tăng?",
        "Nguyên nhân của hạn chế này?",
        "Nhờ đâu mà xuất siêu tăng?",
        "Vì chuyện gì mà mấy hãng tàu bỏ chuyến?",
        "Vì sao hội nghị bị hoãn mấy tháng?",
    ],
    Kind.MANNER: ["Thủ tướng muốn xây dựng đội ngũ cán bộ như thế nào?", "Bối cảnh năm 2024 ra sao?"],
    Kind.DEFINITION: ["NGKT nghĩa là gì?", "FDI là viết tắt của từ gì?"],
    Kind.THING: [
        "Chỉ thị 15 nói về gì?",
        "Hội nghị Ngoại giao lần thứ 32 có chủ đề gì?",
        "Phương châm của ngành ngoại giao năm 2022 là gì?",
        "Hà Tĩnh làm gì để thực hiện Chỉ thị?",
    ],
    Kind.OPEN: ["Kiều hối", "Kể về ngoại giao vắc-xin", "Vai trò của Hà Tĩnh", "Số 15-CT/TW", "Ngày 9/3"],
}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Sao năm nay xuất siêu giảm?", Kind.REASON),
        ("Sao kê tài khoản", Kind.OPEN),
        ("Sao Hỏa ở xa không?", Kind.OPEN),
        ("Làm sao xin cấp lại hộ chiếu?", Kind.MANNER),
        ("Diễn ra trong mấy ngày?", Kind.QUANTITY),
        ("Ai muốn góp vốn thì phải có mấy đồng?", Kind.QUANTITY),  # whoever wants to
        ("Ai là người đi thì tốt?", Kind.PERSON),
        ("Mấy xã vùng cao bán chè cho ai?", Kind.PERSON),  # several communes
        ("Mấy người dự họp?", Kind.QUANTITY),
    ],
)
def test_words_that_ask_only_here_and_there_are_told_by_their_accents(text: str, kind: Kind) -> None:
    assert understand(text).kind == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Số tỉnh dự hội nghị 21/12", Kind.QUANTITY),
        ("Địa điểm tổ chức phiên họp", Kind.PLACE),
        ("Thời gian khai mạc hội nghị", Kind.TIME),
        ("Số phận dự án thép", Kind.OPEN),
        ("Thời gian tới bộ tập trung vào việc", Kind.OPEN),
        ("Ngày càng nhiều doanh nghiệp", Kind.OPEN),
    ],
)
def test_the_first_word_may_ask_alone(text: str, kind: Kind) -> None:
    assert understand(text).kind == kind


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in ASKED.items() for text in texts])
def test_the_kind_is_seen_with_accents_and_without(kind: Kind, text: str) -> None:
    question = understand(text)
    assert (question.kind, question.accented) == (kind, True)
    plain = understand(strip_accents(text).lower())
    assert (plain.kind, plain.accented) == (kind, False)


def test_every_kind_is_tried() -> None:
    assert set(ASKED) == set(Kind)


@pytest.mark.parametrize("text", ["thu hai san ra khoi", "san hai", "mai chau"])
def test_a_question_word_inside_another_word_is_none(text: str) -> None:
    assert understand(text).kind == Kind.OPEN


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("Tổng kim ngạch của cả nước là bao nhiêu?", ("tổng", "kim", "ngạch", "cả", "nước")),
        ("Ai là người chủ trì hội nghị?", ("người", "chủ", "trì", "hội", "nghị")),
        ("Vì sao tỷ lệ đó tăng?", ("tỉ", "lệ", "tăng")),
        ("tong kim ngach la bao nhieu", ("tong", "kim", "ngach", "la")),  # no stop words without accents
        ("gạo, gạo và gạo", ("gạo",)),
        ("Là gì?", ("gì",)),  # what consists of nothing else keeps its words
    ],
)
def test_content_is_what_the_question_is_about(text: str, content: tuple[str, ...]) -> None:
    assert understand(text).content == content


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("So năm 2022 với 2024?", {"2022", "2024"}),
        ("Giai đoạn 1986-2022", {"1986", "2022"}),
        ("Ngày 9/3/2023 có gì?", {"2023"}),
        ("Mã số 12023 và 20235, 36,6 tỷ, 15-CT/TW", set()),
    ],
)
def test_years(text: str, years: set[str]) -> None:
    assert understand(text).constraints.years == years


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Ai điều hành điểm cầu Hà Tĩnh?", [("hà", "tĩnh")]),
        ("Hà Tĩnh có mấy nhóm giải pháp?", [("hà", "tĩnh")]),
        ("Hội nghị bàn về gì?", []),  # a capital at the beginning tells nothing
        ("FDI tăng bao nhiêu?", [("fdi",)]),
        ("Chỉ thị 15-CT/TW do ai ký?", [("15", "ct", "tw")]),
        ("ông Bùi Thanh Sơn và bà Nguyễn Thị Ánh nói gì", [("bùi", "thanh", "sơn"), ("nguyễn", "thị", "ánh")]),
        ("AI ĐIỀU HÀNH VIỆC NÀY?", []),  # where all are capitals none tells anything
        ("AI ĐIỀU HÀNH HÀ TĨNH?", [("hà", "tĩnh")]),  # but places are known without
        ("ai dieu hanh Ha Tinh", [("ha", "tinh")]),
    ],
)
def test_names(text: str, names: list[tuple[str, ...]]) -> None:
    assert named(understand(text, without={Step.ABBREVIATIONS})) == names


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("Chương trình có mấy nhóm nhiệm vụ?", "nhóm"),
        ("Đã ký bao nhiêu văn kiện?", "văn"),
        ("da ky bao nhieu van kien", "van"),
        ("Xuất siêu bao nhiêu?", ""),
        ("Xuất siêu đạt bao nhiêu trong năm 2023?", ""),
        ("Việt Nam đứng thứ mấy châu Á?", ""),
        ("Ai chủ trì?", ""),
    ],
)
def test_what_is_counted(text: str, unit: str) -> None:
    assert understand(text).unit == unit


@pytest.mark.parametrize("text", ["Tỷ lệ hoà bình ở Mỹ là bao nhiêu?", "Tỉnh uỷ có ai?"])
def test_spelling_makes_no_difference(text: str) -> None:
    modern = unicodedata.normalize("NFD", text.replace("hoà", "hòa").replace("uỷ", "ủy").replace("Tỷ", "Tỉ"))
    one, other = understand(text), understand(modern)
    assert (one.content, one.kind, one.terms["syllables"]) == (other.content, other.kind, other.terms["syllables"])


class TestFollowUp:
    TRADE = "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?"

    def history(self, *asked: str) -> list[Turn]:
        return [turn for text in asked for turn in (Turn("user", text), Turn("assistant", "Đạt 683 tỷ USD. [1]"))]

    @pytest.mark.parametrize(
        "text", ["còn năm 2022?", "Còn năm 2022 thì sao?", "thế năm 2022?", "con nam 2022 thi sao", "Vậy năm 2022?"]
    )
    def test_a_new_year_takes_the_place_of_the_old_one(self, text: str) -> None:
        question = understand(text, self.history(self.TRADE))
        assert question.constraints.years == {"2022"}
        assert "2023" not in question.search_text
        assert "2023" not in question.content
        assert {"kim", "xuat"} <= {strip_accents(word) for word in question.content}
        assert question.kind == Kind.QUANTITY
        assert question.text == text  # what was typed stays what was typed

    def test_the_topic_is_kept_where_no_year_is_new(self) -> None:
        question = understand("thế còn xuất siêu?", self.history(self.TRADE))
        assert question.constraints.years == {"2023"}
        assert "siêu" in question.content

    def test_a_follow_up_to_a_follow_up_reaches_the_topic(self) -> None:
        question = understand("còn năm 2021?", self.history(self.TRADE, "còn năm 2022?"))
        assert question.constraints.years == {"2021"}
        assert {"kim", "ngạch"} <= set(question.content)

    def test_but_no_further_than_the_question_that_stands_by_itself(self) -> None:
        question = understand("còn năm 2021?", self.history("Ai là Chủ tịch tỉnh Nghệ An?", self.TRADE))
        assert "nghệ" not in question.content
        assert question.kind == Kind.QUANTITY

    @pytest.mark.parametrize("text", ["Ông ấy giữ chức vụ gì?", "Người này là ai?"])
    def test_the_capital_that_a_follow_up_begins_with_is_no_name(self, text: str) -> None:
        names = named(understand(text, self.history("Ai dự ở điểm cầu Lạng Sơn?")))
        assert ("lạng", "sơn") in names
        assert not {"ông", "người", "còn", "ai"} & {name[0] for name in names}

    @pytest.mark.parametrize(
        "text",
        [
            "Ai điều hành điểm cầu Hà Tĩnh?",
            "Vốn FDI thực hiện năm 2022 đạt bao nhiêu?",
            "Ngoại giao vắc-xin có ý nghĩa gì?",
            "Thế giới năm 2024 ra sao?",
            "Thế nào là ngoại giao kinh tế?",
            "Con người là trung tâm nghĩa là gì?",
            "Con đường phát triển của Việt Nam?",
            "the gioi nam 2024 ra sao",
            "con nguoi viet nam the nao",
            "chinh phu no luc lam gi",
            "no cong viet nam la bao nhieu",
        ],
    )
    def test_a_complete_question_is_left_alone(self, text: str) -> None:
        assert understand(text, self.history(self.TRADE)) == understand(text)

    @pytest.mark.parametrize("text", ["Còn năm 2022?", "Ông ấy là ai?"])
    def test_without_a_question_before_it_stands_alone(self, text: str) -> None:
        alone = understand(text)
        assert understand(text, [Turn("assistant", "Xin chào"), Turn("user", "  "), Turn("user", "\u200b")]) == alone

    def test_a_question_without_accents_after_one_with_them_is_compared_folded(self) -> None:
        question = understand("con xuat sieu thi sao", self.history(self.TRADE))
        assert not question.accented
        assert {"ngach", "sieu"} <= set(question.content)

    def test_a_long_history_is_no_problem(self) -> None:
        question = understand("còn năm 2022?", self.history(*["còn " + "rất dài " * 5000] * 50))
        assert question.constraints.years == {"2022"}


class TestBadInput:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "trống"),
            (" \n\t\u00a0", "trống"),
            ("\x00\x01\x1b\x7f", "trống"),
            ("\u200b\u202e\ufeff", "trống"),
            ("\udc80\ud83d", "trống"),
            ("a", "chưa có từ"),
            ("?", "chưa có từ"),
            ("🙂🙂🎉", "chưa có từ"),
            ("* ? [ ' \" --", "chưa có từ"),
            ("kim ngạch " * 2000, "20.000|20000|19999"),
        ],
    )
    def test_what_cannot_be_asked_is_told_in_vietnamese(self, text: str, said: str) -> None:
        with pytest.raises(QuestionError, match=said) as told:
            understand(text)
        message = str(told.value)
        assert message.startswith("Câu hỏi")
        assert "hãy" in message  # the remedy
        assert len(message) < 150

    def test_the_limit_itself_is_allowed(self) -> None:
        assert understand(("gạo " * MAX_CHARS)[:MAX_CHARS]).content == ("gạo",)
        with pytest.raises(QuestionError):
            understand("a" * (MAX_CHARS + 1))

    @pytest.mark.parametrize(
        "text", ['" OR 1=1 --', "NEAR(a b)", "title:x AND (", "a* OR ?b [c TO d]", "x^2~ +y -z \\"]
    )
    def test_the_signs_of_query_languages_are_only_signs(self, text: str) -> None:
        for term in understand(text).terms["syllables"]:
            assert term.replace(",", "").replace(".", "").isalnum()

    def test_control_characters_do_not_part_words(self) -> None:
        assert understand("kim\x00 ngạ\u200bch").content == ("kim", "ngạch")

    @settings(deadline=None)
    @given(st.text(alphabet=st.characters(), max_size=80), st.text(max_size=40))
    def test_any_text_is_understood_or_told_why_not(self, text: str, before: str) -> None:
        try:
            question = understand(text, [Turn("user", before)])
        except QuestionError:
            return
        assert question.content
        assert question.search_text.encode()


class TestYears:
    @pytest.mark.parametrize(
        ("question", "years"),
        [
            ("Kim ngạch năm 2023?", {"2023"}),
            ("kim ngach nam 2023 dat bao nhieu", {"2023"}),
            ("Hội nghị ngày 2/4/2024 do ai chủ trì?", {"2024"}),
            ("Chương trình giai đoạn 2021-2025 có gì?", {"2021", "2025"}),
            ("hội nghị 2024 có ai dự", {"2024"}),
            ("Có 2000 doanh nghiệp tham gia ở đâu?", set()),
            ("Ai trao 2000 tỷ đồng?", set()),
        ],
    )
    def test_a_number_that_counts_is_no_year(self, question: str, years: set[str]) -> None:
        assert understand(question).constraints.years == years

    def test_a_later_year_takes_the_place_of_an_earlier_one(self) -> None:
        history = [Turn("user", "Mục tiêu giai đoạn 2021-2025 là gì?")]
        understood = understand("còn năm 2030 thì sao?", history)
        assert understood.constraints.years == {"2030"}
        assert understood.search_text == "còn năm 2030 thì sao? Mục tiêu là gì?"


class TestPartlyAccented:
    def test_one_accent_does_not_stop_the_others_from_coming_back(self) -> None:
        helps = Helps(mend=lambda _, **_steps: "Tổng kim ngạch đạt bao nhiêu?")
        restored = understand("Tong kim ngach xuat nhap khau đạt bao nhieu?", helps=helps)
        assert restored.search_text == "Tổng kim ngạch đạt bao nhiêu?"
        assert restored.accented  # and so it is compared with them: "biến động" is not "Biển Đông"
        assert restored.kind == Kind.QUANTITY

    def test_a_question_typed_right_is_left_alone(self) -> None:
        asked = "Vốn FDI năm 2023?"
        helps = Helps(mend=lambda text, **_steps: text if typed_with_accents(text) else "khác")
        understood = understand(asked, helps=helps, without={Step.ABBREVIATIONS})
        assert (understood.search_text, understood.trace) == (asked, ())


@pytest.mark.parametrize(
    "text",
    [
        "Phiên làm việc thứ hai của hội nghị do ai chủ trì?",
        "Công việc đầu tiên của Bác Hồ ở Pháp là gì?",
        "Địa điểm đầu tiên Thủ tướng đến thăm là đâu?",
        "Hội nghị lần thứ hai họp ở đâu?",
    ],
)
def test_what_has_a_number_is_not_always_an_item(text: str) -> None:
    assert understand(text).item == 0
