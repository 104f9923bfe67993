"""How well a sentence answers, on passages made by hand."""

from __future__ import annotations

from datetime import date

import pytest

from rag.evidence import Evidence, fits, weigh
from rag.question import Kind, understand
from rag.schema import Article, Chunk, Passage, Scores
from rag.vietnamese.sentences import split_sentences


def make_passage(
    text: str,
    *,
    article_id: str = "bai",
    title: str = "",
    heading: str = "",
    published: date | None = None,
    fused: float = 0.0,
    similarities: tuple[float, ...] = (),
    rest: str = "",
) -> Passage:
    """A passage of all of `text`, whose article goes on with `rest`."""
    article = Article(id=article_id, title=title, text=text + rest, published=published)
    spans = tuple(split_sentences(text))
    chunk = Chunk(f"{article_id}:0", article_id, 0, len(text), text, heading, spans)
    return Passage(chunk, article, Scores(0.8, 1.0, fused), 1, similarities or (0.8,) * len(spans))


def weigh_text(question: str, text: str, **fields: object) -> dict[str, Evidence]:
    """The evidence of each sentence of `text`, where every word of the question weighs the same."""
    understood = understand(question)
    passage = make_passage(text, **fields)  # type: ignore[arg-type]
    return {e.text: e for e in weigh(understood, [passage], dict.fromkeys(understood.content, 1.0))}


class TestFeatures:
    def test_coverage_is_the_share_of_the_words_by_weight(self) -> None:
        question = understand("Kim ngạch gạo?")
        passage = make_passage("Gạo lên giá. Kim ngạch tăng. Trời mưa.")
        found = {e.text: e for e in weigh(question, [passage], {"kim": 1.0, "ngạch": 2.0, "gạo": 5.0})}
        assert found["Gạo lên giá."].coverage == pytest.approx(5 / 8)
        assert found["Kim ngạch tăng."].coverage == pytest.approx(3 / 8)
        assert found["Trời mưa."].coverage == 0
        assert {e.held for e in found.values()} == {1.0}  # the passage holds all

    def test_context_is_the_sentence_before_the_title_the_heading_and_the_date(self) -> None:
        found = weigh_text(
            "Kim ngạch gạo năm 2023?",
            "Gạo lên giá. Kim tăng. Trời mưa.",
            title="Ngạch",
            heading="Tin",
            published=date(2023, 3, 9),
        )
        assert found["Kim tăng."].coverage == pytest.approx(1 / 5)
        assert found["Kim tăng."].context == 1.0  # kim; gạo before it; ngạch in the title; năm, 2023 in the date
        assert found["Trời mưa."].context == pytest.approx(4 / 5)  # "gạo" is two sentences away

    def test_pairs_are_words_side_by_side(self) -> None:
        found = weigh_text("Kim ngạch gạo tăng?", "Kim ngạch gạo giảm. Ngạch kim tăng gạo.")
        assert found["Kim ngạch gạo giảm."].pairs == pytest.approx(2 / 3)
        assert found["Ngạch kim tăng gạo."].pairs == 0

    def test_a_question_without_accents_is_compared_folded_and_not_by_vectors(self) -> None:
        found = weigh_text("kim ngach gao", "Kim ngạch gạo giảm.")
        (only,) = found.values()
        assert (only.coverage, only.pairs, only.similarity) == (1.0, 1.0, 0.0)

    def test_one_spelling_is_as_good_as_another(self) -> None:
        (only,) = weigh_text("Hoà ước Mỹ, tỷ lệ?", "Hòa ước Mĩ, tỉ lệ.").values()
        assert only.coverage == 1.0

    def test_years_stand_in_the_sentence_or_its_date_or_elsewhere_in_the_article_or_nowhere(self) -> None:
        question = "Gạo năm 2023 và 2022?"
        assert [e.years for e in weigh_text(question, "Gạo 2022, 2023.").values()] == [1.0]
        assert [e.years for e in weigh_text(question, "Gạo 2022.", published=date(2023, 1, 1)).values()] == [1.0]
        assert [e.years for e in weigh_text(question, "Gạo 2022.", rest=" Cá năm 2023.").values()] == [0.75]
        assert [e.years for e in weigh_text(question, "Gạo 2022.").values()] == [0.5]
        assert [e.years for e in weigh_text(question, "Gạo.").values()] == [0.0]
        assert [e.years for e in weigh_text("Gạo?", "Cá.").values()] == [1.0]

    def test_names(self) -> None:
        question = "Gạo ở Hà Tĩnh và Nghệ An?"
        assert [e.names for e in weigh_text(question, "Gạo Hà Tĩnh ngon.").values()] == [0.5]
        assert [e.names for e in weigh_text(question, "Gạo ngon.", title="Hà Tĩnh, Nghệ An").values()] == [1.0]
        assert [e.names for e in weigh_text("gạo ở đâu", "Cá.").values()] == [1.0]


class TestFits:
    @pytest.mark.parametrize(
        ("question", "holding", "lacking"),
        [
            ("Đạt bao nhiêu?", "Xuất siêu đạt 28 tỷ USD.", "Xuất siêu tăng mạnh."),
            ("Đạt bao nhiêu?", "Vốn đạt 36,6 tỷ.", "Đó là kết quả của năm 2023."),  # a year is no quantity
            ("Văn kiện được ký ngày nào?", "Ký ngày 9/1/2023.", "Ký trong năm 2022."),
            ("Cho giai đoạn nào?", "Chương trình giai đoạn 2022-2026.", "Chương trình năm 2022."),
            ("Diễn ra khi nào?", "Họp tháng 10/2021.", "Họp rất lâu."),
            ("Họp ở đâu?", "Họp tại Hà Nội.", "Họp trực tuyến."),
            ("Ai chủ trì?", "Nguyễn Đức Trung chủ trì.", "Hội nghị kết thúc."),
            ("Vì sao tăng?", "Tăng nhờ ngoại giao.", "Tăng mạnh."),
            ("Gồm những gì?", "Gồm: gạo; cá; tôm.", "Rất nhiều."),
        ],
    )
    def test_what_holds_the_sort_of_thing_that_is_asked_for_fits(
        self, question: str, holding: str, lacking: str
    ) -> None:
        understood = understand(question)
        assert fits(understood, holding, understood.form(holding)) > 0
        assert fits(understood, lacking, understood.form(lacking)) == 0

    def test_a_number_before_what_is_counted_fits_best(self) -> None:
        question = understand("Nêu mấy nhóm nhiệm vụ?")
        counted, other = "Có bảy nhóm.", "Có 63 tỉnh."
        assert fits(question, counted, question.form(counted)) == 2 * fits(question, other, question.form(other)) > 0

    def test_a_question_of_no_kind_wants_nothing(self) -> None:
        question = understand("Kiều hối")
        assert question.kind == Kind.OPEN
        assert fits(question, "Ngày 9/1/2023 tại Hà Nội, 28 tỷ.", []) == 0


class TestOrder:
    def test_the_best_comes_first(self) -> None:
        question = "Kim ngạch gạo năm 2023 đạt bao nhiêu?"
        found = weigh_text(question, "Gạo ngon. Kim ngạch gạo năm 2022 đạt 5 tỷ. Kim ngạch gạo năm 2023 đạt 6 tỷ.")
        assert next(iter(found)) == "Kim ngạch gạo năm 2023 đạt 6 tỷ."
        assert next(reversed(found)) == "Gạo ngon."

    def test_a_better_passage_and_a_nearer_vector_count(self) -> None:
        question = understand("gạo ngon")
        near = make_passage("Gạo ngon lắm.", article_id="near", fused=2.0)
        far = make_passage("Gạo ngon lắm.", article_id="far", fused=1.0)
        assert [e.passage.article.id for e in weigh(question, [far, near], {"gạo": 1.0})] == ["near", "far"]
        accented = understand("gạo ngọn")
        text = "Gạo ngọn đó. Gạo ngọn này."
        (first, second) = weigh(accented, [make_passage(text, similarities=(0.8, 0.9))], {"gạo": 1.0})
        assert (first.similarity, second.similarity) == (0.9, 0.8)

    def test_nothing_gives_nothing(self) -> None:
        assert weigh(understand("gạo ngon"), [], {}) == []
