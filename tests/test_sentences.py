"""Where sentences begin and end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.vietnamese.sentences import is_list_item, same_sentence, split_sentences, split_statements


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Đoàn làm việc tại TP. Hồ Chí Minh và TP. Đà Nẵng.",
        "TP. Hồ Chí Minh đăng cai hội nghị.",  # also where it could be taken for a list mark
        "TX. Hồng Lĩnh cùng tham dự.",
        "PGS.TS. Nguyễn Văn An và TS. Lê Bình phát biểu.",
        "Chỉ thị số 15-CT/TW được ban hành ngày 10/8/2022 và có hiệu lực ngay.",
        "Kế hoạch số 04-KH/UBND ban hành ngày 9.1.2023 có hiệu lực.",
        "Mức phí là 1.000.000 đồng một năm, tăng 32,1% so với 2022.",
        "Gạo, cà phê, hạt điều, v.v. và thủy sản đều tăng.",
        "Các đối tác như Nhật Bản, Mỹ, EU, ASEAN... đều tham gia.",
        "Các ngành mới… cũng được nhắc tới.",
        "Tổng thống Joseph R. Biden thăm Hà Nội.",
        "C. Mác viết về giá trị thặng dư.",
        "J. Biden thăm Hà Nội.",
        "Theo đ/c. Trần Lưu Quang, việc này cần làm ngay.",
        "Ông nói: “Hãy làm ngay!” và rời phòng họp.",
        "Website baohatinh.vn đăng tin này.",
    ],
)
def test_a_full_stop_inside_a_sentence_does_not_end_it(sentence: str) -> None:
    assert split(sentence) == [sentence]
    assert split(f"{sentence} Câu sau.") == [sentence, "Câu sau."]


@pytest.mark.parametrize("sentence", ["Nước ta đứng thứ 11 của châu Á.", "Đoàn sẽ đi thăm nước Ý."])
def test_a_word_of_one_capital_is_no_initial(sentence: str) -> None:
    assert split(f"{sentence} Mưa to.") == [sentence, "Mưa to."]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Một. Hai! Ba? Bốn?! Năm… Sáu... Bảy", ["Một.", "Hai!", "Ba?", "Bốn?!", "Năm…", "Sáu...", "Bảy"]),
        ("Ông nói: “Chúng ta làm được.” Rồi ông đi.", ["Ông nói: “Chúng ta làm được.”", "Rồi ông đi."]),
        ('Bà hỏi: "Bao giờ?" Không ai đáp.', ['Bà hỏi: "Bao giờ?"', "Không ai đáp."]),
        ("(Ảnh tư liệu.) Đoàn tới nơi.", ["(Ảnh tư liệu.)", "Đoàn tới nơi."]),
        ("Đạt 683 tỷ USD năm 2023. 12 dự án được cấp phép.", ["Đạt 683 tỷ USD năm 2023.", "12 dự án được cấp phép."]),
        ("Thứ hai, ngày 21/1. “Quyết liệt” là phương châm.", ["Thứ hai, ngày 21/1.", "“Quyết liệt” là phương châm."]),
        ("Người chủ trì là ông. Cuộc họp kéo dài.", ["Người chủ trì là ông.", "Cuộc họp kéo dài."]),
        ("Xe chạy 80 km/h. Đường thông thoáng.", ["Xe chạy 80 km/h.", "Đường thông thoáng."]),
        ("Có. Hội nghị đã họp.", ["Có.", "Hội nghị đã họp."]),  # a short sentence is no list mark
        ("Ảnh: VGP/Nhật Bắc\nThủ tướng chủ trì hội nghị.", ["Ảnh: VGP/Nhật Bắc", "Thủ tướng chủ trì hội nghị."]),
        ("Kết quả năm 2023\nXuất siêu 28 tỷ USD.", ["Kết quả năm 2023", "Xuất siêu 28 tỷ USD."]),
        ("Chia sẻ tầm nhìn./.\nHà An", ["Chia sẻ tầm nhìn./.", "Hà An"]),
        ("", []),
        (" \n\n \t ", []),
    ],
)
def test_and_one_after_it_does(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


@pytest.mark.parametrize(
    "mark", ["-", "–", "•", "*", "+", "1.", "12.", "3)", "(4)", "a)", "b.", "đ)", "II.", "iv)", "A)"]
)
def test_a_list_mark_is_not_of_the_sentence(mark: str) -> None:
    text = f"Gồm:\n  {mark} Nâng cao nhận thức. Sau đó làm ngay.\n{mark} Mở rộng quan hệ."
    spans = split_sentences(text)
    assert split(text) == ["Gồm:", "Nâng cao nhận thức.", "Sau đó làm ngay.", "Mở rộng quan hệ."]
    assert [is_list_item(text, span) for span in spans] == [False, True, True, True]


@pytest.mark.parametrize("text", ["TP. Vinh tham dự.", "C. Mác viết.", "-5 độ C ở Sa Pa.", "2023 là năm bản lề."])
def test_what_is_no_list_is_taken_for_none(text: str) -> None:
    assert split(text) == [text]
    assert not is_list_item(text, (0, len(text)))


pieces = st.sampled_from(
    ["Hà Nội", "TP. Vinh", "15-CT/TW", "1.000.000", "10/8/2022", "v.v.", "“Đúng.”", "J. Biden", ".", "!", "…", "...",
     "?", "\n", "\n\n", " ", "\u00a0", "- ", "1. ", "a) ", "(", ")", "\t", "kết quả", "\u200b", "II. ", ":", ";"]
)  # fmt: skip


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(pieces).map("".join), st.lists(pieces).map(" ".join)))
def test_spans_are_in_order_and_leave_out_white_space_and_list_marks_alone(text: str) -> None:
    spans = split_sentences(text)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    for start, end in spans:
        assert 0 <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        assert "\n" not in text[start:end]
    between = [0, *(at for span in spans for at in span), len(text)]
    for start, end in zip(between[::2], between[1::2], strict=True):
        for line in text[start:end].split("\n"):
            assert not line.strip() or is_list_mark(line.strip()), line


def is_list_mark(text: str) -> bool:
    return text in "-–•*+" or (len(text.strip("().")) <= 4 and text[-1] in ".)")


def test_a_long_text_without_any_end_takes_no_long_time() -> None:
    text = "a.b" * 100_000
    assert split(text) == [text]


LONG = (
    "Tại hội nghị, lãnh đạo tỉnh yêu cầu các sở, ban, ngành tập trung vào ba việc lớn trong sáu tháng cuối năm: "
    "rà soát toàn bộ các dự án chậm tiến độ, báo cáo trước ngày 15/8; bố trí đủ vốn đối ứng cho các công trình "
    "trọng điểm (trong đó có đường ven biển; cầu vượt sông); công khai thủ tục trên cổng thông tin của tỉnh."
)


def test_a_long_sentence_is_parted_at_its_clauses_but_not_in_brackets() -> None:
    statements = split_statements(LONG)
    assert [LONG[slice(*span)].split(maxsplit=1)[0] for span in statements] == ["Tại", "rà", "bố", "công"]
    assert "đường ven biển; cầu vượt sông" in LONG[slice(*statements[2])]
    assert all(same_sentence(LONG, a, b) for a, b in pairwise(statements))


def test_a_sentence_of_ordinary_length_is_one_statement() -> None:
    text = "Tỉnh có ba việc: một là đường; hai là trường. Sở báo cáo trước ngày 15/8."
    assert split_statements(text) == split_sentences(text)
    assert not same_sentence(text, *split_statements(text))


def test_enumerations_are_not_cut() -> None:
    names = ", ".join(["Hà Nội", "Huế", "Đà Nẵng", "Cần Thơ", "Hải Phòng"] * 7)
    text = f"Dự hội nghị có đại diện của {names}."
    assert split_statements(text) == [(0, len(text))]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["a", "b,", "c;", "d:", "e.", "(g", "h)", '"i', 'k"', "\n"]), max_size=200))
def test_statements_are_the_sentences_again(pieces: list[str]) -> None:
    text = " ".join(pieces)
    statements = split_statements(text)
    assert all(a[1] <= b[0] for a, b in pairwise(statements))
    for start, end in split_sentences(text):
        inside = [span for span in statements if start <= span[0] < end]
        assert (inside[0][0], inside[-1][1]) == (start, end)
        assert not any(text[a[1] : b[0]].strip() for a, b in pairwise(inside))
