"""Which sentences are quoted, on passages made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rag.evidence import weigh
from rag.generation import Draft
from rag.generation.clauses import unbroken
from rag.generation.extractive import MAX_SENTENCES, ExtractiveGenerator
from rag.question import understand
from rag.schema import Passage
from tests.test_evidence import make_passage

ANNOUNCES = "Chương trình gồm 3 nhiệm vụ trọng tâm:"
LIST = (
    "Trời mưa to.\n\nChương trình gồm 3 nhiệm vụ trọng tâm:\n\n"
    "1. Nâng cao nhận thức.\n2. Mở rộng quan hệ. Việc này cần làm ngay.\n3. Bố trí nguồn lực.\n\nHội nghị kết thúc."
)


def write(question: str, passages: Sequence[Passage]) -> list[Draft]:
    understood = understand(question)
    evidence = weigh(understood, passages, dict.fromkeys(understood.content, 1.0))
    return list(ExtractiveGenerator().generate(understood, evidence))


def quotes(question: str, *texts: str) -> list[str]:
    passages = [make_passage(text, article_id=f"bai-{n}", fused=float(-n)) for n, text in enumerate(texts)]
    drafts = write(question, passages)
    for draft in drafts:
        start, end = draft.span
        assert draft.passage.article.text[start:end] == draft.text
    return [draft.text for draft in drafts]


def test_the_sentence_that_answers_is_quoted_alone() -> None:
    text = "Trời mưa. Kim ngạch gạo năm 2023 đạt 5 tỷ USD. Đường sá thông thoáng."
    assert quotes("Kim ngạch gạo năm 2023 đạt bao nhiêu?", text) == ["Kim ngạch gạo năm 2023 đạt 5 tỷ USD."]


LIMIT = 75
ANNOUNCED = "Thời gian tới, công tác của ngành cần tập trung củng cố, bổ sung, đẩy mạnh các động lực gạo mới: "
OTHERS = [
    "mở rộng các mối quan hệ với những đối tác ở nhiều nước trong khu vực và trên thế giới",
    "cải thiện hệ thống đường sá, cầu cống, bến bãi, kho tàng cho những vùng xa trung tâm",
    "đào tạo đội ngũ cán bộ biết ngoại ngữ để làm việc được với mọi bên khi cần",
    "hoàn thiện các quy định về thuế, phí, lệ phí theo hướng đơn giản, rõ ràng hơn trước",
    "phối hợp giữa các bên có liên quan trong việc theo dõi, đôn đốc và báo cáo kết quả",
]


class TestList:
    def test_a_list_is_quoted_whole_with_what_introduces_it(self) -> None:
        (quote,) = quotes("Chương trình gồm những nhiệm vụ trọng tâm nào?", LIST)
        assert quote.startswith("Chương trình gồm 3 nhiệm vụ trọng tâm:")
        assert quote.endswith("3. Bố trí nguồn lực.")
        assert "2. Mở rộng quan hệ. Việc này cần làm ngay." in quote

    def test_an_item_is_not_told_again_beside_its_list(self) -> None:
        (quote,) = quotes("Các nhiệm vụ nâng cao nhận thức, bố trí nguồn lực gồm những gì?", LIST)
        assert quote.startswith("Chương trình gồm 3 nhiệm vụ")
        assert quote.count("Nâng cao nhận thức.") == 1

    @pytest.mark.parametrize(
        ("which", "item"),
        [
            ("thứ nhất", "Nâng cao nhận thức."),
            ("đầu tiên", "Nâng cao nhận thức."),
            ("thứ hai", "Mở rộng quan hệ."),
            ("cuối cùng", "Bố trí nguồn lực."),
        ],
    )
    def test_the_item_that_is_asked_for_is_quoted_with_the_introduction(self, which: str, item: str) -> None:
        text = f"{ANNOUNCES}\n\n1. Nâng cao nhận thức.\n2. Mở rộng quan hệ.\n3. Bố trí nguồn lực."
        found = quotes(f"Nhiệm vụ {which} của chương trình là gì?", text)
        assert found == [ANNOUNCES, item]

    def test_an_item_that_says_which_it_is_is_quoted_alone(self) -> None:
        text = "Phiên họp bàn hai việc: Thứ nhất, đánh giá giá gạo. Thứ hai, sửa sang kho bãi."
        assert quotes("Phiên họp bàn việc thứ hai là gì?", text) == ["Thứ hai, sửa sang kho bãi."]

    def test_a_long_list_may_begin_in_the_sentence_that_introduces_it(self) -> None:
        first = f"Phiên họp về gạo bàn hai việc: Thứ nhất, {', '.join(OTHERS[:3])}."
        second = f"Thứ hai, {', '.join(OTHERS[3:])}, {OTHERS[0]}."
        introduction, one, two = quotes("Phiên họp về gạo bàn những việc gì?", f"{first} {second}")
        assert introduction == "Phiên họp về gạo bàn hai việc:"
        assert one.startswith(f"Thứ nhất, {OTHERS[0][:20]}")
        assert two.startswith(f"Thứ hai, {OTHERS[3][:20]}")

    def test_an_item_that_there_is_not_is_not_made_up(self) -> None:
        assert "Chương trình gồm 3 nhiệm vụ" in quotes("Nhiệm vụ thứ chín của chương trình là gì?", LIST)[0]

    def test_a_short_list_is_quoted_with_its_introduction_whatever_is_asked(self) -> None:
        (quote,) = quotes("Chương trình có mấy nhiệm vụ trọng tâm?", LIST)
        assert quote.startswith("Chương trình gồm 3 nhiệm vụ trọng tâm:")
        assert quote.endswith("Bố trí nguồn lực.")

    def test_of_a_list_that_is_too_long_each_item_is_told_by_a_clause(self) -> None:
        text = f"{ANNOUNCED}{'; '.join(['gạo nếp, gạo tẻ và gạo lứt', *OTHERS])}."
        found = quotes("Các động lực gạo mới là gì?", text)
        assert found[:2] == [ANNOUNCED.strip(), "gạo nếp, gạo tẻ và gạo lứt;"]
        assert [item.startswith(quote[:20]) for item, quote in zip(OTHERS, found[2:], strict=True)] == [True] * 5
        assert sum(len(quote.split()) for quote in found) <= LIMIT

    def test_where_the_introduction_leaves_no_room_the_items_stand_alone(self) -> None:
        items = [f"{name} {' '.join(['gạo'] * 15)}." for name in ("Một", "Hai", "Ba", "Bốn")]
        lines = "\n".join(f"- {item}" for item in items)
        introduction = "Thời gian tới, theo lời bộ trưởng, các việc lớn của ngành gạo là:"
        found = quotes("Các việc lớn của ngành gạo là gì?", f"Trời mưa.\n\n{introduction}\n\n{lines}")
        assert found == items

    def test_of_more_items_than_can_be_read_the_first_are_quoted(self) -> None:
        items = [f"{name} {' '.join(['gạo'] * 30)}." for name in ("Một", "Hai", "Ba", "Bốn")]
        lines = "\n".join(f"- {item}" for item in items)
        found = quotes("Các việc lớn của ngành gạo là gì?", f"Trời mưa.\n\nCác việc lớn của ngành gạo là:\n\n{lines}")
        assert found == items[:2]

    def test_two_items_of_which_the_reader_is_sure_are_both_quoted(self) -> None:
        text = "Về gạo:\n\n- Gạo đứng trong nhóm 30 nước bán nhiều nhất.\n- Gạo thuộc nhóm 40 nước trồng nhiều nhất.\n"
        question = understand("Gạo thuộc hai nhóm nào?")
        evidence = weigh(question, [make_passage(text)], dict.fromkeys(question.content, 1.0))
        for logit, told in ((0.0, 1), (3.0, 2)):
            items = [replace(e, features={**e.features, "reader": logit}) for e in evidence if "nhóm" in e.text]
            others = [e for e in evidence if "nhóm" not in e.text]
            assert len(list(ExtractiveGenerator().generate(question, [*items, *others]))) == told, logit

    def test_a_short_item_is_quoted_with_its_whole_list(self) -> None:
        text = "Trời mưa.\n\nBáo nêu tên:\n\n1. gạo nếp thơm;\n2. ngô;\n3. khoai."
        (quote,) = quotes("Kể các loại gạo nếp thơm", text)
        assert quote.startswith("Báo nêu tên:")
        assert quote.endswith("3. khoai.")

    def test_what_says_that_it_adds_to_a_list_is_quoted_with_it(self) -> None:
        first, second = "Thợ gạo cần có sức khỏe và tay nghề.", "Họ còn phải có tâm với gạo."
        assert quotes("Thợ gạo cần những phẩm chất gì?", f"{first} {second} Trời mưa.") == [first, second]
        found = quotes("Thợ gạo cần những phẩm chất gì?", f"{first} Trời còn mưa. Thợ gạo cần phẩm chất.")
        assert "Trời còn mưa." not in found

    def test_what_announces_more_within_a_list_is_quoted_with_that(self) -> None:
        inner = (
            "bổ sung, đẩy mạnh các động lực gạo mới của ngành trong những năm tới: gạo nếp, gạo tẻ, gạo lứt, gạo nương"
        )
        text = f"Kế hoạch của tỉnh có bảy việc lớn cần phải làm ngay từ năm nay: {'; '.join([*OTHERS, inner])}."
        (quote,) = quotes("Các động lực gạo mới là gì?", text)
        assert inner in quote
        assert len(quote.split()) <= LIMIT

    def test_of_lists_within_lists_it_is_the_one_that_is_asked_for(self) -> None:
        inner = "bổ sung, đẩy mạnh các động lực gạo mới: gạo xanh, gạo đỏ, gạo tuần hoàn;"
        text = (
            f"Thời gian tới, bộ yêu cầu tập trung vào 4 trọng tâm lớn: {OTHERS[0]}; {inner} {'; '.join(OTHERS[1:3])}."
        )
        (quote,) = quotes("Các động lực mới cần bổ sung, đẩy mạnh gồm những loại gạo nào?", text)
        assert quote.startswith(inner)

    def test_but_not_where_one_thing_is_asked_for(self) -> None:
        assert quotes("Ai bố trí nguồn lực?", LIST)[0] == "Bố trí nguồn lực."


class TestLongSentence:
    CLAUSES = (
        "Bộ trưởng nêu rõ các lĩnh vực cần được quan tâm hơn nữa trong thời gian tới để phát triển bền vững; "
        "ngành nông nghiệp tiếp tục là trụ đỡ của nền kinh tế trong bối cảnh thế giới có nhiều biến động khó lường; "
        "kim ngạch gạo năm 2023 đạt 5 tỷ USD; "
        "ngành du lịch phục hồi mạnh mẽ với nhiều đường bay mới được mở tới các thị trường xa và gần."
    )

    def test_it_is_cut_after_the_clause_that_answers(self) -> None:
        assert len(self.CLAUSES.split()) > 60
        (quote,) = quotes("Kim ngạch gạo năm 2023 đạt bao nhiêu?", self.CLAUSES)
        # What stands before says who or what is spoken of.
        assert quote == self.CLAUSES.partition("; ngành du lịch")[0]

    def test_where_no_few_words_answer_it_goes_on_as_far_as_there_is_room(self) -> None:
        text = f"{self.CLAUSES[:-1]}, {'và nhờ mùa lễ hội kéo dài ' * 5}."
        (quote,) = quotes("Ngành nông nghiệp là trụ đỡ thế nào?", text)
        assert quote == text[: text.index(", và nhờ")]

    def test_of_two_questions_in_one_each_gets_no_more_than_its_clauses(self) -> None:
        question = "Kim ngạch gạo năm 2023 và kim ngạch cá năm 2023 đạt bao nhiêu?"
        part = replace(understand(question), is_part=True)
        evidence = weigh(part, [make_passage(self.CLAUSES)], dict.fromkeys(part.content, 1.0))
        draft, *_ = ExtractiveGenerator().generate(part, evidence)
        assert "5 tỷ USD" in draft.text
        assert len(draft.text.split()) <= 36

    def test_a_short_answer_to_the_first_leaves_its_room_to_the_second(self) -> None:
        text = (
            "Chương trình của Chính phủ giai đoạn mới thực hiện chỉ thị về công tác xuất khẩu của cả vùng đồng bằng đã "
            "xác định phương châm triển khai của mọi cơ quan từ nay về sau là quyết liệt, hành động, linh hoạt, "
            "hiệu quả, sáng tạo, đột phá, tranh thủ mọi cơ hội cho phát triển của đất nước trong những năm tới."
        )
        question = replace(understand("Phương châm triển khai là gì?"), is_part=True)
        (evidence,) = weigh(question, [make_passage(text)], dict.fromkeys(question.content, 1.0))
        at = text.index("quyết liệt")
        evidence = replace(evidence, short=(at, at + len("quyết liệt")))
        (alone,) = ExtractiveGenerator().generate(question, [evidence])
        (second,) = ExtractiveGenerator().generate(question, [evidence], 12)
        assert "sáng tạo, đột phá" not in alone.text
        assert "sáng tạo, đột phá" in second.text

    @pytest.mark.parametrize(
        ("room", "quoted"),
        [
            (14, "Bộ trưởng Võ Cường chủ trì hội nghị, có tinh thần quyết liệt"),
            (20, "Bộ trưởng Võ Cường chủ trì hội nghị, có tinh thần quyết liệt, linh hoạt, sáng tạo, đột phá."),
            (
                26,
                "Phó Thủ tướng Lê Bình, Bộ trưởng Võ Cường chủ trì hội nghị, có tinh thần quyết liệt, linh hoạt, "
                "sáng tạo, đột phá.",
            ),
            (80, ""),
        ],
    )
    def test_an_enumeration_is_not_broken_off_where_there_is_room(self, room: int, quoted: str) -> None:
        text = (
            "Chiều 9/3, Thủ tướng Trần An, Phó Thủ tướng Lê Bình, Bộ trưởng Võ Cường chủ trì hội nghị, có tinh thần "
            "quyết liệt, linh hoạt, sáng tạo, đột phá."
        )
        (evidence,) = weigh(understand("Ai chủ trì?"), [make_passage(f"Mở đầu. {text}")], {"trì": 1.0})[:1]
        whole = evidence.passage.article.text
        span = (whole.index("Bộ trưởng"), whole.index(", linh hoạt"))
        begin, end = unbroken(evidence, span, room)
        assert whole[begin:end] == (quoted or text)

    def test_of_one_that_cannot_be_parted_further_the_clauses_around_the_short_answer(self) -> None:
        text = (
            "Phát biểu tại lễ khởi công, ông Lê Văn An, chủ tịch tỉnh, cho biết cầu (dài 5 km, rộng 20 m) sẽ nối hai "
            "bờ sông Tiền, được làm trong ba năm, góp phần đưa hàng của cả vùng ra cảng nhanh hơn, rẻ hơn và an toàn."
        )
        question = replace(understand("Cầu dài bao nhiêu?"), is_part=True)
        (evidence,) = weigh(question, [make_passage(text)], dict.fromkeys(question.content, 1.0))
        at = text.index("5 km")
        evidence = replace(evidence, short=(at, at + len("5 km")))
        (draft,) = ExtractiveGenerator().generate(question, [evidence])
        assert draft.text == text[slice(*draft.span)]
        assert len(draft.text.split()) <= 36
        assert "(dài 5 km, rộng 20 m)" in draft.text
        assert draft.short == evidence.short

    def test_a_short_one_is_not_cut(self) -> None:
        text = "Trời mưa; kim ngạch gạo năm 2023 đạt 5 tỷ USD; đường thông."
        assert quotes("Kim ngạch gạo năm 2023 đạt bao nhiêu?", text) == [text]

    def test_one_without_clauses_stays_whole(self) -> None:
        text = "Kim ngạch gạo " + "rất " * 70 + "cao."
        assert quotes("Kim ngạch gạo thế nào?", text) == [text]


class TestSeveral:
    def test_never_more_than_three(self) -> None:
        text = " ".join(f"Vì sao gạo tăng giá lần {n}: do mưa {n * 'to '}." for n in range(1, 9))
        for question in ("Vì sao gạo tăng giá?", "gao tang gia", "Gạo tăng giá bao nhiêu lần?", "Gạo tăng thế nào?"):
            assert 1 <= len(quotes(question, text, text)) <= MAX_SENTENCES

    def test_what_is_asked_in_two_parts_is_answered_from_two_sentences(self) -> None:
        one, two = "Kim ngạch gạo đạt 5 tỷ USD.", "Xuất siêu thủy sản đạt 9 tỷ USD."
        text = f"{two} Trời mưa. {one}"
        assert quotes("Kim ngạch gạo và xuất siêu thủy sản là bao nhiêu?", text) == [two, one]  # in the text's order

    def test_the_best_sentences_article_comes_first(self) -> None:
        one, two = "Kim ngạch gạo nếp năm 2023 đạt 5 tỷ USD.", "Xuất siêu cá đạt 9 tỷ USD."
        assert quotes("Kim ngạch gạo nếp năm 2023 và xuất siêu cá là bao nhiêu?", two, one) == [one, two]

    def test_another_part_of_a_long_sentence_is_quoted_with_the_best_one(self) -> None:
        first = "Ngành gạo đã góp phần đưa tổng kim ngạch của cả nước trong năm 2023 lên 683 tỷ USD"
        between = "thu hút được nhiều dự án mới của những bên ở xa, trong lúc thị trường chung đang bị thu hẹp"
        other = "kim ngạch gạo thực hiện đạt gần 23 tỷ USD, cao nhất từ trước đến nay."
        text = f"{first}, nhiều hơn hẳn so với tất cả các năm trước đó cộng lại; {between}; {other}"
        found = " ".join(quotes("Tổng kim ngạch gạo năm 2023 thực hiện được bao nhiêu tỷ USD?", text))
        assert first in found
        assert other in found

    def test_of_what_is_nearly_as_good_the_clauses_that_answer_fill_the_room_that_is_left(self) -> None:
        best = f"Giá gạo năm nay tăng vì {OTHERS[0]}, {OTHERS[1]}."
        other = f"Giá gạo năm nay tăng vì mất mùa ở phía bắc, {OTHERS[2]}, {OTHERS[3]}."
        passages = [make_passage(best, article_id="a"), make_passage(other, article_id="b")]
        question = understand("Cái gì làm giá gạo năm nay tăng?")
        first, second = weigh(question, passages, dict.fromkeys(question.content, 1.0))
        assert len(first.text.split()) + len(second.text.split()) > LIMIT
        text = second.passage.article.text
        at = text.index(", ") - len("bắc")
        read = replace(second, short=(at, at + len("bắc")))
        drafts = list(ExtractiveGenerator().generate(question, [first, read]))
        assert [draft.passage.article.id for draft in drafts] == [first.passage.article.id, second.passage.article.id]
        assert text[: at + 3].startswith(drafts[1].text[:20])
        assert sum(len(draft.text.split()) for draft in drafts) <= LIMIT
        unread = list(ExtractiveGenerator().generate(question, [first, second]))
        assert len(unread) == 1

    def test_the_same_fact_is_not_told_twice(self) -> None:
        text = "Kim ngạch gạo năm 2023 đạt 5 tỷ USD."
        again = "Năm 2023, kim ngạch gạo đạt 5 tỷ USD."
        assert len(quotes("Kim ngạch gạo năm 2023 của cả nước đạt bao nhiêu?", text, again)) == 1

    def test_a_reason_is_read_on(self) -> None:
        text = "Gạo lên giá năm 2023. Mưa lũ kéo dài. Kho cạn. Đường hỏng."
        assert quotes("Vì sao gạo lên giá năm 2023?", text)[:2] == ["Gạo lên giá năm 2023.", "Mưa lũ kéo dài."]

    def test_the_neighbour_that_holds_what_is_asked_for_is_taken_along(self) -> None:
        text = "Hội nghị ngoại giao kinh tế toàn quốc đã họp. Ông Bùi Thanh Sơn chủ trì."
        assert "Ông Bùi Thanh Sơn chủ trì." in quotes("Ai dự hội nghị ngoại giao kinh tế toàn quốc?", text)

    def test_an_introduction_is_not_added_without_what_it_introduces(self) -> None:
        items = "\n".join(f"- việc {'rất dài ' * 30}{n};" for n in range(4))
        text = f"Công tác ngoại giao năm 2024 có thời cơ. Vì thế, năm 2024 công tác ngoại giao cần:\n{items}"
        for quote in quotes("Công tác ngoại giao năm 2024 ra sao, cần gì?", text)[1:]:
            assert not quote.endswith(":")


def test_statements_come_one_by_one() -> None:
    question = understand("Gạo đạt bao nhiêu?")
    evidence = weigh(question, [make_passage("Gạo đạt 5 tỷ.")], {"gạo": 1.0, "đạt": 1.0})
    drafts = ExtractiveGenerator().generate(question, evidence)
    assert next(drafts).text == "Gạo đạt 5 tỷ."
    assert ExtractiveGenerator().name == "extractive"


class TestWhatBelongsTogether:
    def test_what_is_announced_is_quoted_rather_than_the_announcement_if_there_is_no_room_for_both(self) -> None:
        announced = f"Triển khai mạnh mẽ ngoại giao y tế, hợp tác chuyển giao công nghệ, {', '.join(OTHERS[:3])}."
        announcement = f"Để thực hiện phương châm của ngành trong năm nay, {OTHERS[3]}, Bộ trưởng Ngoại giao đề nghị:"
        question = "Bộ trưởng Ngoại giao đề nghị triển khai mạnh mẽ ngoại giao nào trong năm nay?"
        (quote,) = quotes(question, f"{announcement}\n\n{announced}")
        assert quote.startswith("Triển khai mạnh mẽ ngoại giao y tế")
        (quote,) = quotes(question, announcement)
        assert quote == announcement

    def test_a_sentence_that_leans_on_the_one_before_is_quoted_with_it(self) -> None:
        text = "Trời mưa. Triển khai ngoại giao y tế. Mục tiêu là tự chủ vắc-xin."
        assert quotes("Muốn tự chủ vắc-xin thì phải làm gì?", text) == [
            "Triển khai ngoại giao y tế.",
            "Mục tiêu là tự chủ vắc-xin.",
        ]

    def test_the_list_that_follows_what_announces_it_is_quoted_too(self) -> None:
        text = (
            "Ngành đẩy mạnh những nội hàm mới của gạo. Trời mưa.\n\nBài nêu tên hai cái:\n\n1. công nghệ;\n2. y tế.\n"
        )
        announced, listed = quotes("Kể các nội hàm mới của gạo", text)
        assert announced == "Ngành đẩy mạnh những nội hàm mới của gạo."
        assert listed.endswith("2. y tế.")

    def test_as_much_of_a_long_list_is_told_as_there_is_room_for(self) -> None:
        items = [f"mục {n} về gạo, {'nói rất dài ' * 6}, hết mục {n};" for n in range(1, 6)]
        text = "Kế hoạch gồm các mục về gạo:\n\n" + "\n".join(f"{n}. {item}" for n, item in enumerate(items, 1))
        told = quotes("Kế hoạch gồm những mục nào về gạo?", text)
        assert [one.startswith(f"mục {n}") for n, one in enumerate(told[1:], 1)] == [True] * 5
        assert 40 < sum(len(one.split()) for one in told) <= 75


def test_of_a_long_enumeration_as_many_items_are_quoted_as_there_is_room_for() -> None:
    places = [f"thăm đồng bào và chiến sĩ ở xã Thứ {number} của huyện vùng cao" for number in range(1, 12)]
    text = f"Trong những ngày cuối năm nhiều mưa gió vừa qua, các đoàn của tỉnh đã {', '.join(places)}. Trời mưa to."
    (quote, *others) = quotes("Các đoàn của tỉnh đã thăm những nơi nào?", text)
    assert not others
    assert text.startswith(quote)
    assert LIMIT - 13 < len(quote.split()) <= LIMIT
    assert quote.endswith("của huyện vùng cao")


def test_what_explains_never_replaces_the_best_part_of_its_sentence() -> None:
    text = (
        "Ông nêu rõ: Giá gạo năm nay sẽ lên và xuống đan xen nhau, do đó nhà nông cần phải có sự chủ động, sát với "
        "tình hình mới, có tầm nhìn dài; tiếp tục sửa sang đường sá, tập trung vào các khâu trọng tâm, trọng điểm của "
        "từng vùng; xác định rõ các khó khăn cần tháo gỡ; hoàn thiện kho bãi, cầu cống bảo đảm đầy đủ và sát thực tiễn."
    )
    assert "Giá gạo năm nay sẽ lên và xuống đan xen nhau" in " ".join(quotes("Giá gạo năm nay sẽ ra sao?", text))
