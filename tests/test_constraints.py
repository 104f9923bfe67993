"""What a question names, and so must hold of its answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.understanding.constraints import Constraints, Named, constraints, form, holds, posts
from rag.understanding.dates import years
from rag.vietnamese.normalize import strip_accents, typed_with_accents


def read(text: str) -> Constraints:
    return constraints(text, accented=typed_with_accents(text))


def firm(text: str) -> list[str]:
    """What an answer about another one would be wrong for, as it is called when it is missed."""
    return [named.words for named in read(text).named if named.is_firm]


def place(text: str) -> Named:
    (found,) = read(text).named
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Kim ngạch năm 2022?", {"2022"}),
        ("So năm 2022 với 2024", {"2022", "2024"}),
        ("ngày 2/4/2024", {"2024"}),
        ("giai đoạn 2021-2025", {"2021", "2025"}),
        ("giai doan 2021 - 2025", {"2021", "2025"}),
        ("quý 1/2023", {"2023"}),
        ("hội nghị 2024 có ai", {"2024"}),
        ("2024", {"2024"}),
        ("Có 2000 doanh nghiệp và 1990 người", set()),
        ("trao 2000 tỷ đồng", set()),
        ("năm 2000 doanh nghiệp ra sao", {"2000"}),
        ("12024, 20245, 1850 và 2150", set()),
    ],
)
def test_years(text: str, found: set[str]) -> None:
    assert years(text) == read(text).years == found


class TestDays:
    @pytest.mark.parametrize(
        "text", ["Ngày 9/3 có gì?", "ngày 09/03/2023", "hôm 9 / 3", "ngày 9-3-2023", "ngày 9 tháng 3", "ngay 9 thang 3"]
    )
    def test_a_day_is_firm_and_has_two_ways_to_be_written(self, text: str) -> None:
        (day, *_) = read(text).named
        month = "tháng" if typed_with_accents(text) else "thang"
        assert (day.words, day.ways, day.is_firm) == ("ngày 9/3", (("9", "3"), ("9", month, "3")), True)

    @pytest.mark.parametrize("written", ["ngày 9/3/2023", "09/03", "9 tháng 3 năm 2023"])
    def test_either_way_is_recognised(self, written: str) -> None:
        (day, *_) = read("Ngày 9/3 có gì?").named
        words = f" {' '.join(form(written, accented=True))} "
        assert any(holds(words, way) for way in day.ways)

    @pytest.mark.parametrize("text", ["ngày 32/1 có gì", "mục 15/13", "tháng 3/2023", "0/5 là gì", "15-CT/TW"])
    def test_other_numbers_are_no_days(self, text: str) -> None:
        assert not [words for words in firm(text) if words.startswith("ngày")]


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Hội nghị lần thứ 32 ở đâu?", ["thứ 32"]),
            ("hoi nghi lan thu 32 o dau", ["thu 32"]),
            ("xếp thứ mấy", []),
        ],
    )
    def test_an_ordinal_is_firm(self, text: str, found: list[str]) -> None:
        assert firm(text) == found

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Chỉ thị 15-CT/TW do ai ký?", ["15-CT/TW"]),
            ("Kế hoạch 04-KH/UBND", ["04-KH/UBND"]),
            ("Nghị quyết số 59-NQ/TW nói gì?", ["59-NQ/TW"]),
            ("Nghị định 15/2020/NĐ-CP nói gì?", ["15/2020/NĐ-CP"]),
            ("Thông tư 01/2023/TT-BTC", ["01/2023/TT-BTC"]),
        ],
    )
    def test_a_document_number_is_firm_and_whole(self, text: str, found: list[str]) -> None:
        assert firm(text) == found

    def test_a_mere_number_is_not_firm(self) -> None:
        (named,) = read("Tinh thần 3 cùng là gì?").named
        assert (named.words, named.is_firm) == ("3", False)


class TestNames:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Ai là Bùi Thanh Sơn?", ["Bùi Thanh Sơn"]),
            ("Bùi Thanh Sơn là ai?", ["Bùi Thanh Sơn"]),
            ("ông Bùi Thanh Sơn và bà Nguyễn Thị Ánh", ["Bùi Thanh Sơn", "Nguyễn Thị Ánh"]),
            ("Ông Bùi Thanh Sơn là ai?", ["Bùi Thanh Sơn"]),
            ("Bộ trưởng Sơn nói gì?", []),
            ("hội nghị của Vinafood và FDI", []),
            ("Hội nghị bàn gì?", []),
        ],
    )
    def test_the_whole_name_of_a_person_is_firm(self, text: str, found: list[str]) -> None:
        assert firm(text) == found

    @pytest.mark.parametrize("text", ["Kiều hối đạt bao nhiêu?", "AI ĐÃ NÓI GÌ Ở HỘI NGHỊ?", "ai da noi gi o hoi nghi"])
    def test_a_capital_that_tells_nothing_names_nothing(self, text: str) -> None:
        assert read(text).named == ()

    def test_what_is_named_twice_is_named_once(self) -> None:
        assert [named.words for named in read("FDI và FDI của Hà Tĩnh, hà tĩnh").named] == ["Hà Tĩnh", "FDI"]


class TestPlaces:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("Gạo ở Hà Tĩnh", "Hà Tĩnh"),
            ("gạo ở hà tĩnh", "Hà Tĩnh"),
            ("gao o ha tinh", "Hà Tĩnh"),
            ("gạo ở Sài Gòn", "Thành phố Hồ Chí Minh"),
            ("gạo ở thành phố Hồ Chí Minh", "Thành phố Hồ Chí Minh"),
            ("gao o tp hcm", "Thành phố Hồ Chí Minh"),
            ("gạo của Hoa Kỳ", "Hoa Kỳ"),
            ("gạo của Mỹ", "Hoa Kỳ"),
            ("gạo của nước mỹ", "Hoa Kỳ"),
            ("gạo của Nhật", "Nhật Bản"),
            ("gạo ở Hòa Bình", "Hòa Bình"),
            ("gạo ở Hoà Bình", "Hòa Bình"),
            ("gạo từ Pháp", "Pháp"),
            ("gạo của Đắc Lắc", "Đắk Lắk"),
        ],
    )
    def test_a_place_is_one_whatever_it_is_called(self, text: str, words: str) -> None:
        assert firm(text) == [words]

    @pytest.mark.parametrize(
        ("one", "other"),
        [("gạo của Mỹ", "gạo của Hoa Kỳ"), ("gạo ở Sài Gòn", "gạo ở TPHCM"), ("gao o sai gon", "gao o tphcm")],
    )
    def test_its_names_stand_for_one_another(self, one: str, other: str) -> None:
        assert place(one).ways == place(other).ways

    @pytest.mark.parametrize(
        "text",
        [
            "bảo vệ hòa bình",
            "tổ chức bảo vệ pháp luật",
            "học mỹ thuật và ý kiến hay",
            "xe đức tính tốt",
            "nhật ký và anh em",
            "y te va nga xuong",  # without accents a syllable may be any word
            "duc tinh, phap luat, anh em, my thuat",
        ],
    )
    def test_an_everyday_word_in_small_letters_is_no_place(self, text: str) -> None:
        assert firm(text) == []

    @pytest.mark.parametrize(
        "text",
        ["Ý kiến của Thủ tướng?", "Pháp luật về đầu tư?", "Đức tính nào?", "Anh cho biết gì?", "Hòa bình là gì?"],
    )
    def test_nor_is_it_with_the_capital_of_the_beginning(self, text: str) -> None:
        assert firm(text) == []

    @pytest.mark.parametrize("text", ["Ở Hà Tĩnh ai điều hành?", "Tỉnh Hà Tĩnh có gì?", "Tại Hà Tĩnh, ai điều hành?"])
    def test_the_word_before_it_is_no_part_of_its_name(self, text: str) -> None:
        assert firm(text) == ["Hà Tĩnh"]

    def test_the_longest_name_is_taken(self) -> None:
        assert firm("điểm cầu Thừa Thiên Huế") == ["Huế"]
        assert len(read("điểm cầu Thừa Thiên Huế").named) == 1

    def test_viet_nam_goes_without_saying(self) -> None:
        assert firm("Gạo của Việt Nam") == firm("gao cua viet nam") == []


class TestPosts:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Chủ tịch UBND tỉnh là ai?", [("chủ", "tịch")]),  # the same as "Chủ tịch tỉnh"
            ("Phó Chủ tịch nước là ai?", [("phó", "chủ", "tịch", "nước")]),
            ("Ai là Bộ trưởng?", [("bộ", "trưởng")]),
            ("Thứ trưởng và Bộ trưởng", [("thứ", "trưởng"), ("bộ", "trưởng")]),
            ("Bộ trưởng gặp Bộ trưởng", [("bộ", "trưởng")]),
            ("bo truong la ai", [("bo", "truong")]),
            ("Hội nghị ở đâu?", []),
            # Another one's post need not stand beside whom it is asked after.
            ("Ai họp với Thủ tướng?", []),
            ("Ai tháp tùng Chủ tịch nước và Bộ trưởng?", [("bộ", "trưởng")]),
            ("giam doc so nao hop voi thu tuong", [("giam", "doc", "so")]),
            ("Việt Nam làm việc với Thủ tướng nào?", [("thủ", "tướng")]),
            ("Cuối cùng Chủ tịch nước là ai?", [("chủ", "tịch", "nước")]),
            ("Ai thay Bộ trưởng?", [("bộ", "trưởng")]),
        ],
    )
    def test_the_longest_post_is_taken_and_what_it_holds_is_none(self, text: str, found: list[tuple[str, ...]]) -> None:
        assert list(read(text).posts) == found

    def test_a_post_inside_a_longer_one_is_not_held(self) -> None:
        assert posts(form("phó thủ tướng", accented=True), accented=True) == (("phó", "thủ", "tướng"),)


class TestOpposites:
    def asked(self, text: str) -> dict[str, set[str]]:
        return {" ".join(one.asked): {" ".join(other) for other in one.others} for one in read(text).opposites}

    @pytest.mark.parametrize(
        ("text", "asked", "other"),
        [
            ("Xuất khẩu gạo ra sao?", "xuất khẩu", "nhập khẩu"),
            ("Nhập khẩu gạo ra sao?", "nhập khẩu", "xuất khẩu"),
            ("Xuất nhập khẩu ra sao?", "xuất nhập khẩu", "xuất khẩu"),
            ("Xuất siêu bao nhiêu?", "xuất siêu", "nhập siêu"),
            ("xuat sieu bao nhieu", "xuat sieu", "nhap sieu"),
        ],
    )
    def test_one_excludes_the_others(self, text: str, asked: str, other: str) -> None:
        assert other in self.asked(text)[asked]
        assert asked not in self.asked(text)[asked]

    @pytest.mark.parametrize(
        ("text", "said", "is_met"),
        [
            ("Chủ tịch HĐND là ai?", "chủ tịch hội đồng nhân dân", True),
            ("Chủ tịch Hội đồng nhân dân là ai?", "chủ tịch ubnd", False),
            ("chu tich hoi dong nhan dan la ai", "chu tich hdnd", True),
            ("Vốn FDI quý I ra sao?", "quý một", True),
            ("Vốn FDI quý I ra sao?", "quý 2", False),
        ],
    )
    def test_other_ways_to_say_it_are_the_same(self, text: str, said: str, is_met: bool) -> None:
        words = " ".join(form(said, accented=typed_with_accents(text)))
        assert all(one.is_met(f" {words} ") for one in read(text).opposites) == is_met

    @pytest.mark.parametrize("text", ["Xuất khẩu và nhập khẩu gạo?", "Gạo ngon không?"])
    def test_both_or_none_exclude_nothing(self, text: str) -> None:
        assert self.asked(text) == {}

    @pytest.mark.parametrize("text", ["Việt Nam ra sao?", "kim ngach nam 2023", "phía Nam"])
    def test_the_country_and_the_year_are_no_men(self, text: str) -> None:
        assert not {"nam"} & set(self.asked(text))


@given(st.text(max_size=60), st.booleans())
def test_any_text_has_its_constraints(text: str, accented: bool) -> None:
    found = constraints(text, accented=accented)
    assert all(named.ways and all(named.ways) for named in found.named)
    assert len({named.ways for named in found.named}) == len(found.named)


NAMING = ("Hà Tĩnh", "ngày", "9/3/2023", "15-CT/TW", "thứ 32", "Phó", "Chủ tịch", "Mỹ", "xuất khẩu", "năm", "FDI")


@given(st.lists(st.sampled_from(NAMING)))
def test_folded_a_question_has_the_same_years_and_posts(words: list[str]) -> None:
    text = " ".join(words)
    accented, folded = constraints(text, accented=True), constraints(strip_accents(text), accented=False)
    assert folded.years == accented.years
    assert {strip_accents(" ".join(post)) for post in accented.posts} == {" ".join(post) for post in folded.posts}


@pytest.mark.parametrize(
    ("text", "sorts"),
    [
        ("Ai chủ trì điểm cầu Cao Bằng ngày 21/12/2023?", {"Cao Bằng": "place", "ngày 21/12": "day"}),
        ("Kế hoạch số 05-KH/UBND nói gì?", {"05-KH/UBND": "document"}),
        ("Hội nghị lần thứ 32 họp ở đâu?", {"thứ 32": "ordinal"}),
        ("Việt Nam đứng thứ mấy châu Á?", {"châu Á": "region"}),
        ("Ông Nguyễn Đức Trung giữ chức gì?", {"Nguyễn Đức Trung": ""}),
        # Initials beside a name are no part of it.
        ("Vốn FDI Việt Nam năm 2023 ra sao?", {}),
        ("Ai chụp ảnh TTXVN Nguyễn Văn Bình?", {"Nguyễn Văn Bình": ""}),
    ],
)
def test_what_is_firm_is_of_a_sort(text: str, sorts: dict[str, str]) -> None:
    assert {named.words: named.sort for named in read(text).named if named.is_firm} == sorts


def test_a_country_of_a_region_may_be_meant() -> None:
    exact = {named.words: named.is_exact for named in read("Hàn Quốc hay châu Á, và ông Nguyễn Đức Trung?").named}
    assert exact == {"Hàn Quốc": True, "châu Á": False, "Nguyễn Đức Trung": False}


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("Chỉ thị 41 ra đời khi nào?", ["Chỉ thị 41"]),
        ("nghị quyết số 13 và thông tư 7 nói gì", ["nghị quyết 13", "thông tư 7"]),
        ("Chỉ thị số 15-CT/TW nói gì?", ["15-CT/TW"]),
        ("Kế hoạch 5 năm của tỉnh?", []),
        ("Kế hoạch 2023 của tỉnh?", []),
    ],
)
def test_a_document_is_named_by_its_number(text: str, documents: list[str]) -> None:
    assert [named.words for named in read(text).named if named.sort == "document"] == documents


@pytest.mark.parametrize("said", ["Chỉ thị 41 của Ban Bí thư", "Chỉ thị số 41 của Ban Bí thư"])
def test_a_document_is_the_same_with_and_without_the_word_number(said: str) -> None:
    (document,) = [named for named in read("Chỉ thị 41 nói gì?").named if named.sort == "document"]
    words = f" {' '.join(form(said, accented=True))} "
    assert any(holds(words, way) for way in document.ways)
    assert not any(holds(words.replace("41", "15"), way) for way in document.ways)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Bài của tác giả Hoài Anh viết gì?", []),
        ("Thủ tướng Anh nói gì?", ["Vương quốc Anh"]),
        ("Nguyễn Đức Trung nói gì?", []),
        ("Việt Nam, Anh ký gì?", ["Vương quốc Anh"]),
    ],
)
def test_a_name_that_ends_like_a_country_is_none(text: str, place: list[str]) -> None:
    assert [named.words for named in read(text).named if named.is_place] == place


def test_a_slogan_is_the_same_with_its_number_in_words() -> None:
    (slogan,) = [named for named in read("“3 cùng” là gì?").named if named.sort == "slogan"]
    assert slogan.ways == (("3", "cùng"), ("ba", "cùng"))
    (one,) = [named for named in read("Cơ chế ‘1 cửa’ là gì?").named if named.sort == "slogan"]
    assert one.ways == (("1", "cửa"), ("một", "cửa"))


def test_a_surname_alone_is_a_word() -> None:
    assert not read("Từ tháng mấy năm 2021?").named


@pytest.mark.parametrize(
    ("text", "is_firm"),
    [
        ("Hội nghị 2/4 do ai chủ trì?", True),
        ("Cuộc họp (9/3) bàn gì?", True),
        ("Ban chỉ đạo họp 2-3 lần mỗi năm để làm gì?", False),
        ("Đề nghị 2/3 đại biểu tán thành?", False),
    ],
)
def test_the_day_of_an_event_is_one(text: str, *, is_firm: bool) -> None:
    named = constraints(text, accented=True).named
    assert any(one.sort == "day" for one in named) is is_firm
