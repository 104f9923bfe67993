"""Two questions in one."""

from __future__ import annotations

import re

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
    assert splits(text)[0].parts == way


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
    assert way in [split.parts for split in splits(text)]


def test_the_way_by_years_leaves_no_part_without_its_topic_and_comes_first() -> None:
    first, *_ = splits("Kim ngạch năm 2022 và 2023 là bao nhiêu?")
    assert first.parts == ("Kim ngạch năm 2022 là bao nhiêu?", "Kim ngạch 2023 là bao nhiêu?")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Cống dài bao nhiêu, và ai xây nó?", ("Cống dài bao nhiêu", "ai xây nó?")),
        ("Ai ký văn bản? Còn hạn nộp là ngày nào?", ("Ai ký văn bản?", "hạn nộp là ngày nào?")),
        (
            "Số trường và số lớp học lần lượt là bao nhiêu?",
            ("Số trường", "số lớp học là bao nhiêu?"),
        ),
        ("Năm 2021 nổi bật gì, sang 2022 ký mấy văn kiện?", ("Năm 2021 nổi bật gì", "sang 2022 ký mấy văn kiện?")),
        ("Mấy tỉnh dự và ai chủ trì?", ("Mấy tỉnh dự", "ai chủ trì?")),
        ("Diễn ra trong mấy ngày, họp ở đâu?", ("Diễn ra trong mấy ngày", "họp ở đâu?")),
        ("Ai chủ trì hội nghị, còn ai dự thì ở đâu?", ("Ai chủ trì hội nghị", "ai dự thì ở đâu?")),
        ("Hội đồng có mấy người, ai làm chủ tịch?", ("Hội đồng có mấy người", "ai làm chủ tịch?")),
        ("Phương châm của tỉnh và phương châm của bộ ra sao?", ("Phương châm của tỉnh", "phương châm của bộ ra sao?")),
        ("Số trường ở tỉnh và số lớp mở năm nay?", ("Số trường ở tỉnh", "số lớp mở năm nay?")),
        # Of two things with their numbers the same is asked.
        (
            "Hội nghị 9/3 và phiên họp 21/12 họp ở đâu?",
            ("Hội nghị 9/3 họp ở đâu?", "phiên họp 21/12 họp ở đâu?"),
        ),
        (
            "Thông tư 12 và Nghị định (số 7) do ai ký?",
            ("Thông tư 12 do ai ký?", "Nghị định (số 7) do ai ký?"),
        ),
        # What is compared shares what is asked of it.
        (
            "Bến Tre với Trà Vinh, nơi nào đông dân hơn?",
            ("Bến Tre, nơi nào đông dân hơn?", "Trà Vinh, nơi nào đông dân hơn?"),
        ),
        (
            "Cầu Rồng so với cầu Hàn thì cây nào dài hơn?",
            ("Cầu Rồng, thì cây nào dài hơn?", "cầu Hàn thì cây nào dài hơn?"),
        ),
    ],
)
def test_two_things_are_surely_asked_for(text: str, parts: tuple[str, str]) -> None:
    first = splits(text)[0]
    assert (first.parts, first.is_sure) == (parts, True)


@pytest.mark.parametrize(
    "text",
    [
        "Tổng kim ngạch và xuất siêu là bao nhiêu?",  # the first part asks nothing: it may be one thing with the second
        "Các bên ngồi lại với nhau bàn việc gì?",
        "So với mục tiêu đề ra, xuất khẩu tăng bao nhiêu?",
        "Hội nghị bàn về đầu tư và thương mại khi nào?",
        "Hội nghị 21/1/2022 với phiên họp 21/12/2023, cuộc nào họp sáng?",
        "Ngày 9/3/2023, hội nghị họp vào lúc nào?",
        "Khoảng cách giữa quận 1 và quận 7 là bao nhiêu?",
        "Tổng của quý 1 và quý 2 là bao nhiêu?",
        "Công ty X12 và ông Nguyễn Văn A 45 tuổi bị phạt bao nhiêu?",
        "Nơi các đại biểu đến thăm và làm việc là tỉnh nào?",
        "Đảng và Nhà nước hỗ trợ, mỗi địa phương được bao nhiêu tiền?",
        "Theo kế hoạch sắp xếp và tinh gọn bộ máy, mỗi cơ quan giảm bao nhiêu người?",
        "Tóm tắt những ý chính của bài: Xây dựng Đảng và hệ thống chính trị trong sạch, vững mạnh",
        "Nêu các điều kiện: vay vốn và hỗ trợ lãi suất",
        "Mấy công ty đang lỗ với khách hàng nợ tiền xoay vốn bằng cách gì?",  # several firms
        "Ai muốn vay với lãi suất thấp thì nộp đơn ở đâu?",  # whoever wants to
        "Tỉnh đề ra những nhiệm vụ nào, kể ra giúp mình với?",
        "Tỉnh đề ra những nhiệm vụ nào, nêu cụ thể nhé!",
        "Tinh de ra nhung nhiem vu nao, ke ra giup minh voi?",
    ],
)
def test_what_may_be_one_thing_is_not_surely_two(text: str) -> None:
    assert not any(split.is_sure for split in splits(text))


def test_or_joins_only_what_is_compared() -> None:
    assert splits("Làm sao để viết hay một bài báo cáo?") == []
    assert splits("Xuất khẩu hay nhập khẩu tăng nhanh hơn?")[0].parts == ("Xuất khẩu", "nhập khẩu tăng nhanh hơn?")


@pytest.mark.parametrize("text", ["So sánh xuất siêu năm 2022 với nhập siêu", "Hãy so xuất siêu với nhập siêu"])
def test_the_word_that_compares_belongs_to_no_part(text: str) -> None:
    left, right = splits(text)[0].parts
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
        "Bối cảnh đối với ngành ngoại giao ra sao?",
        "Nước ta có quan hệ với những đối tác nào?",
        "Kim ngạch giữa Việt Nam và Lào năm nay?",
        "Ngoài ông An thì còn lãnh đạo nào khác dự họp?",
        "Phải bớt những gì, tức là phải tăng cái gì?",
        "vành đai và",
    ],
)
def test_what_joins_nothing_is_not_parted(text: str) -> None:
    assert splits(text) == []


def test_no_more_ways_than_can_be_tried_the_most_even_first() -> None:
    text = " và ".join(["một hai ba"] * 9)
    ways = [split.parts for split in splits(text)]
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
    assert all(part.strip() for split in splits(text) for part in split.parts)


def test_an_accent_parts_what_is_joined_from_what_is_not() -> None:
    assert not splits("Tổng kim ngạch năm 2023 mỗi con số là bao nhiêu?")
    assert splits("ai chu tri hoi nghi con ai du o ha tinh")


def test_what_differs_from_another_thing_is_two_things() -> None:
    (way, *_) = splits("Phương châm năm 2022 khác gì phương châm nêu ở Hà Tĩnh?")
    assert way.parts == ("Phương châm năm 2022", "phương châm nêu ở Hà Tĩnh?")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        # What asks only how two things differ is asked of neither.
        (
            "Số người ở trong bài cũ và tại hội nghị khác nhau thế nào?",
            ("Số người ở trong bài cũ", "Số người ở tại hội nghị"),
        ),
        (
            "Hình thức của hội nghị và của phiên họp khác nhau ra sao?",
            ("Hình thức của hội nghị", "Hình thức của phiên họp"),
        ),
        (
            "Hình thức của hội nghị và phiên họp khác nhau chỗ nào?",
            ("Hình thức của hội nghị", "Hình thức của phiên họp"),
        ),
        (
            "Số người ở nước ngoài nêu trong bài cũ khác gì con số Thủ tướng nêu năm nay?",
            ("Số người ở nước ngoài nêu trong bài cũ", "Số người ở nước ngoài Thủ tướng nêu năm nay?"),
        ),
        ("Phương châm của tỉnh khác phương châm của bộ như thế nào?", ("Phương châm của tỉnh", "phương châm của bộ")),
        (
            "Số người ở nước ngoài: bài cũ vs hội nghị",
            ("Số người ở nước ngoài bài cũ", "Số người ở nước ngoài hội nghị"),
        ),
        # What is asked of each is asked of both.
        ("Tỉnh này với tỉnh kia, mỗi bên mấy nhóm?", ("Tỉnh này, mấy nhóm?", "tỉnh kia, mấy nhóm?")),
        # What stands before them both is said of both.
        (
            "Theo bài cũ, có mấy nhóm và bao nhiêu người?",
            ("Theo bài cũ, có mấy nhóm", "Theo bài cũ, bao nhiêu người?"),
        ),
        ("Cho xin số trường ở tỉnh với số lớp mở năm nay?", ("số trường ở tỉnh", "số lớp mở năm nay?")),
        # Whose it is may stand behind.
        ("Ông A với ông B, chức vụ của mỗi người là gì?", ("Ông A, chức vụ là gì?", "ông B, chức vụ là gì?")),
        (
            "Hai ông phó chủ tịch tỉnh, một bên Huế một bên Nghệ An, tên gì?",
            ("ông phó chủ tịch tỉnh Huế, tên gì?", "ông phó chủ tịch tỉnh Nghệ An, tên gì?"),
        ),
        ("Giám đốc sở của Huế với của Vinh tên gì?", ("Giám đốc sở của Huế tên gì?", "Giám đốc sở của Vinh tên gì?")),
        # Two days of one thing, and what is asked of both.
        ("Hai cuộc họp 21/12 và 2/4 họp ở đâu?", ("cuộc họp 21/12 họp ở đâu?", "cuộc họp 2/4 họp ở đâu?")),
        (
            "Bài cũ và bài mới lần lượt do ai viết?",
            ("Bài cũ do ai viết?", "bài mới do ai viết?"),
        ),
        (
            "Bài trên báo A với bài trên báo B do hai tác giả nào viết?",
            ("Bài trên báo A do tác giả nào viết?", "bài trên báo B do tác giả nào viết?"),
        ),
        # Which is more is told by how much each is.
        (
            "Bộ có mấy nhóm việc, tỉnh có mấy nhóm việc, bên nào nhiều hơn?",
            ("Bộ có mấy nhóm việc", "tỉnh có mấy nhóm việc?"),
        ),
        (
            "Gạo xếp thứ mấy trong châu Á và trên thế giới?",
            ("Gạo xếp thứ mấy trong châu Á", "Gạo xếp thứ mấy trên thế giới?"),
        ),
        (
            "Số người mà bài cũ nêu khác gì con số bộ nhắc năm nay?",
            ("Số người mà bài cũ nêu", "Số người bộ nhắc năm nay?"),
        ),
        ("Đề nghị so sánh số lớp với số trường.", ("số lớp", "số trường.")),
    ],
)
def test_two_things_are_compared_or_asked_of_one_article(text: str, parts: tuple[str, str]) -> None:
    assert parts in [way.parts for way in splits(text)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "Cuộc thi có Huế dự và buổi lễ có Vinh dự diễn ra ngày nào?",
            ("Cuộc thi có Huế dự diễn ra ngày nào?", "buổi lễ có Vinh dự diễn ra ngày nào?"),
        ),
        (
            "Sở Y tế Cần Thơ và Sở Y tế UBND tỉnh Cà Mau do ai làm giám đốc?",
            ("Sở Y tế Cần Thơ do ai làm giám đốc?", "Sở Y tế UBND tỉnh Cà Mau do ai làm giám đốc?"),
        ),
        (
            "Lễ hội nhắc ở bài tháng 6/2022 và ở bài Bến Tre là lần thứ mấy?",
            ("Lễ hội nhắc ở bài tháng 6/2022 là lần thứ mấy?", "Lễ hội nhắc ở bài Bến Tre là lần thứ mấy?"),
        ),
        (
            "Ông Trần An và ông Lê Bình, ai giữ chức gì?",
            ("Ông Trần An giữ chức gì?", "ông Lê Bình giữ chức gì?"),
        ),
        (
            "Mục đầu tiên của Nhà nước và của Chính phủ là gì?",
            ("Mục đầu tiên của Nhà nước là gì?", "Mục đầu tiên của Chính phủ là gì?"),
        ),
        (
            "Huế và Vinh mỗi bên chia việc thành mấy nhóm?",
            ("Huế, chia việc thành mấy nhóm?", "Vinh, chia việc thành mấy nhóm?"),
        ),
        (
            "Huế và Vinh mỗi bên chia việc thành mấy nhóm, gọi là nhóm gì?",
            ("Huế, chia việc thành mấy nhóm, gọi là nhóm gì?", "Vinh, chia việc thành mấy nhóm, gọi là nhóm gì?"),
        ),
        (
            "Huế và Vinh, mỗi bên có mấy nhóm việc, có giống nhau về số lượng không?",
            ("Huế, có mấy nhóm việc?", "Vinh, có mấy nhóm việc?"),
        ),
        (
            "Lễ hội ở Huế với cuộc thi ở Vinh, mỗi sự kiện vào ngày nào?",
            ("Lễ hội ở Huế, vào ngày nào?", "cuộc thi ở Vinh, vào ngày nào?"),
        ),
        ("Huế với Vinh: bên nào do ai chủ trì?", ("Huế, do ai chủ trì?", "Vinh, do ai chủ trì?")),
        (
            "Cho em xin hai con số trong bài tháng 6/2022: sản lượng gạo và số người trồng.",
            ("sản lượng gạo trong bài tháng 6/2022", "số người trồng trong bài tháng 6/2022"),
        ),
        (
            "Xét số lớp và xét số thầy thì Huế đứng thứ mấy ở mỗi mặt?",
            ("Xét số lớp, Huế đứng thứ mấy?", "Xét số thầy, Huế đứng thứ mấy?"),
        ),
        (
            "Về số lớp và về số thầy, Huế thuộc hai nhóm nào?",
            ("Về số lớp, Huế thuộc nhóm nào?", "Về số thầy, Huế thuộc nhóm nào?"),
        ),
        (
            "Trong hai người Trần An và Lê Bình, ai là giám đốc, ai là chủ tịch?",
            ("Trần An giữ chức vụ gì?", "Lê Bình giữ chức vụ gì?"),
        ),
        (
            "Người dự ở Huế và ở Vinh là ai? Xin đối chiếu giúp.",
            ("Người dự ở Huế là ai", "Người dự ở Vinh là ai"),
        ),
    ],
)
def test_what_is_asked_behind_the_second_is_asked_of_both(text: str, parts: tuple[str, str]) -> None:
    (first, *_) = splits(text)
    assert (first.parts, first.is_sure, first.is_whole) == (parts, True, True)


@pytest.mark.parametrize(
    "text",
    [
        "Cuộc họp 9/3 với phiên họp 21/12 khác nhau về địa điểm ra sao?",
        "Đề nghị cơ quan cho biết, về địa điểm, cuộc họp 9/3 khác phiên họp 21/12 thế nào?",
        "Cuộc họp 9/3 và phiên họp 21/12 khác nhau thế nào về địa điểm?",
    ],
)
def test_in_what_two_things_differ_is_asked_of_each(text: str) -> None:
    (first, *_) = splits(text)
    of = tuple(part.lower() for part in first.parts)
    assert of == ("địa điểm của cuộc họp 9/3", "địa điểm của phiên họp 21/12")
    assert first.is_sure
    assert first.is_of_difference


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        # What is asked holds the same word that the second begins with.
        (
            "Hội nghị ở Huế và ở Vinh diễn ra ở khách sạn nào?",
            ("Hội nghị ở Huế diễn ra ở khách sạn nào?", "Hội nghị ở Vinh diễn ra ở khách sạn nào?"),
        ),
        (
            "Chỉ tiêu của Huế và của Vinh là bao nhiêu phần trăm của kế hoạch?",
            (
                "Chỉ tiêu của Huế là bao nhiêu phần trăm của kế hoạch?",
                "Chỉ tiêu của Vinh là bao nhiêu phần trăm của kế hoạch?",
            ),
        ),
        # A title or an office is not broken off behind its capitals.
        (
            "Quyết định của Thủ tướng và của Bộ trưởng là gì?",
            ("Quyết định của Thủ tướng", "Quyết định của Bộ trưởng là gì?"),
        ),
        ("Báo cáo của tỉnh và của Sở Ngoại vụ nêu gì?", ("Báo cáo của tỉnh", "Báo cáo của Sở Ngoại vụ nêu gì?")),
        # Names may share a syllable.
        ("Dân số Bắc Giang và Bắc Ninh là bao nhiêu?", ("Dân số Bắc Giang", "Bắc Ninh là bao nhiêu?")),
        # A year behind the second is of both, where the first has none.
        (
            "Bán sang Mỹ và bán sang Nhật Bản năm 2023 đạt bao nhiêu?",
            ("Bán sang Mỹ năm 2023 đạt bao nhiêu?", "bán sang Nhật Bản năm 2023 đạt bao nhiêu?"),
        ),
        (
            "Điểm cầu Huế năm 2022 và điểm cầu Vinh năm 2023 do ai điều hành?",
            ("Điểm cầu Huế năm 2022 do ai điều hành?", "điểm cầu Vinh năm 2023 do ai điều hành?"),
        ),
        # Of one of two it is not asked of each, of who is in a body it is.
        (
            "Hội nghị ngày 9/3 và hội nghị ngày 2/4, hội nghị nào do Thủ tướng chủ trì?",
            ("Hội nghị ngày 9/3", "hội nghị ngày 2/4, hội nghị nào do Thủ tướng chủ trì?"),
        ),
        (
            "Ban Thường vụ tỉnh Huế và Ban Thường vụ tỉnh Vinh gồm những ai?",
            ("Ban Thường vụ tỉnh Huế gồm những ai?", "Ban Thường vụ tỉnh Vinh gồm những ai?"),
        ),
    ],
)
def test_the_sides_are_whole(text: str, parts: tuple[str, str]) -> None:
    (first, *_) = splits(text)
    assert first.parts == parts


@pytest.mark.parametrize(
    "text",
    [
        "Ông Trần An và ông Lê Bình gặp nhau ở đâu?",
        "Ông Trần An và ông Lê Bình cùng chủ trì hội nghị nào?",
        "Hội nghị 9/3 và hội nghị 2/4 cách nhau bao nhiêu ngày?",
        "Thị trường Mỹ và thị trường Lào chiếm tổng cộng bao nhiêu phần trăm?",
        "Việt Nam và Lào thống nhất mỗi bên cử bao nhiêu đoàn?",
        "Theo thỏa thuận giữa Việt Nam và Lào mỗi bên góp bao nhiêu vốn?",
    ],
)
def test_what_two_do_together_is_not_asked_of_each(text: str) -> None:
    assert not any(way.is_whole for way in splits(text))


@pytest.mark.parametrize(
    "text",
    [
        "Về nhân sự, hội nghị đã bầu ai và các chức danh khác gồm những ai?",
        "Thủ tướng thăm Lào và hai nước khác ở châu lục nào?",
        "Năm nay khác về cơ cấu so với năm ngoái thế nào?",
    ],
)
def test_others_do_not_differ(text: str) -> None:
    assert not any(way.parts[0].lower().startswith(("nhân sự", "châu lục", "cơ cấu")) for way in splits(text))


def test_who_is_more_alike_is_no_aspect() -> None:
    ways = splits("Huế có mấy cầu, Vinh có mấy cầu, khác nhau về số lượng không?")
    assert not any("số lượng của" in part for way in ways for part in way.parts)


@pytest.mark.parametrize(
    "text",
    [
        "Hiệp định giữa một bên là Việt Nam và một bên là EU ký khi nào?",
        "Thủ tướng đề nghị một bên cung cấp vốn, còn bên kia làm gì?",
        "Việt Nam ký với EU khi nào và khi đó ai là Thủ tướng?",
        "Tỉ lệ 2/3 và 1/3 là của nước nào?",
        "Quan hệ của Việt Nam với của cải thế giới là gì?",
        "Thủ tướng hội đàm với Thủ tướng của nước nào?",
        "Kim ngạch với từng nước: mỗi năm tăng bao nhiêu?",
        "Doanh nghiệp với cơ quan phối hợp trong mỗi cuộc xúc tiến thế nào?",
        "Tổng của quý 1 và quý 2 là bao nhiêu?",
    ],
)
def test_nothing_is_said_of_both_that_is_of_one(text: str) -> None:
    assert not [way for way in splits(text) if way.is_sure and way.is_whole]
    words = set(re.findall(r"\w+", text))
    assert all(
        words == set(re.findall(r"\w+", " ".join(way.parts))) | {"và"} & words | {"còn"} & words for way in splits(text)
    )


@pytest.mark.parametrize(
    "text", ["Các địa phương khác triển khai Chỉ thị 15 như thế nào?", "Những nước khác tham gia hội nghị ra sao?"]
)
def test_other_ones_are_not_compared(text: str) -> None:
    assert splits(text) == []


def test_a_headline_is_not_surely_two_questions() -> None:
    assert not any(way.is_sure for way in splits("Đối ngoại địa phương: động lực phát triển và hội nhập"))


def test_a_part_that_only_asks_is_none() -> None:
    assert all("ngày nào?" not in way.parts for way in splits("Hội nghị họp vào buổi nào, ngày nào?"))
