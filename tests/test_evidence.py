"""How well a sentence answers, on passages made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from rag.evidence import Evidence, fits, ranked, read, weigh
from rag.question import Helps, Kind, understand
from rag.reader import Reading
from rag.schema import Article, Chunk, Passage, Scores
from rag.vietnamese.sentences import split_statements


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
    spans = tuple(split_statements(text))
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
        assert found["Gạo lên giá."].features["coverage"] == pytest.approx(5 / 8)
        assert found["Kim ngạch tăng."].features["coverage"] == pytest.approx(3 / 8)
        assert found["Trời mưa."].features["coverage"] == 0
        assert {e.features["held"] for e in found.values()} == {1.0}  # the passage holds all

    def test_context_is_the_sentence_before_the_title_the_heading_and_the_date(self) -> None:
        found = weigh_text(
            "Kim ngạch gạo năm 2023?",
            "Gạo lên giá. Kim tăng. Trời mưa.",
            title="Ngạch",
            heading="Tin",
            published=date(2023, 3, 9),
        )
        assert found["Kim tăng."].features["coverage"] == pytest.approx(1 / 5)
        assert (
            found["Kim tăng."].features["context"] == 1.0
        )  # kim; gạo before it; ngạch in the title; năm, 2023 in the date
        assert found["Trời mưa."].features["context"] == pytest.approx(4 / 5)  # "gạo" is two sentences away

    def test_pairs_are_words_side_by_side(self) -> None:
        found = weigh_text("Kim ngạch gạo tăng?", "Kim ngạch gạo giảm. Ngạch kim tăng gạo.")
        assert found["Kim ngạch gạo giảm."].features["pairs"] == pytest.approx(2 / 3)
        assert found["Ngạch kim tăng gạo."].features["pairs"] == 0

    def test_a_question_without_accents_is_compared_folded_and_not_by_vectors(self) -> None:
        found = weigh_text("kim ngach gao", "Kim ngạch gạo giảm.")
        (only,) = found.values()
        assert (only.features["coverage"], only.features["pairs"], only.features["similarity"]) == (1.0, 1.0, 0.0)

    def test_one_spelling_is_as_good_as_another(self) -> None:
        (only,) = weigh_text("Hoà ước Mỹ, tỷ lệ?", "Hòa ước Mĩ, tỉ lệ.").values()
        assert only.features["coverage"] == 1.0

    @pytest.mark.parametrize(
        ("text", "fields", "share"),
        [
            ("Gạo 2022, 2023.", {}, 1.0),
            ("Gạo 2022.", {"published": date(2023, 1, 1)}, 1.0),
            ("Gạo 2022.", {"rest": " Cá năm 2023."}, 0.75),
            ("Gạo 2022.", {"published": date(2020, 1, 1)}, 0.5),
            ("Gạo 2022.", {}, 0.75),  # without a date, it may well be of the year after
            ("Gạo 2019.", {}, 0.0),
            ("Gạo.", {}, 0.0),
        ],
    )
    def test_years_stand_in_the_sentence_or_its_date_or_elsewhere_in_the_article_or_nowhere(
        self, text: str, fields: dict[str, object], share: float
    ) -> None:
        (only,) = weigh_text("Gạo năm 2023 và 2022?", text, **fields).values()
        assert only.features["years"] == share

    @pytest.mark.parametrize(
        ("text", "share"),
        [
            ("Giá gạo năm 2023 là 5 đồng.", 0.0),
            ("Giá gạo là 5 đồng, tăng so với cùng kỳ năm 2023.", 1.0),  # the year that it is compared with
            ("Từ năm 2021, giá gạo là 5 đồng.", 1.0),
            ("Giai đoạn 2021-2025, giá gạo là 5 đồng.", 1.0),
            ("Giá gạo năm 2023 là 5 đồng, năm 2024 là 6 đồng.", 1.0),
        ],
    )
    def test_a_figure_of_another_year_does_not_answer_whenever_the_article_is_of(self, text: str, share: float) -> None:
        day = date(2024, 4, 2)
        (only,) = weigh_text("Giá gạo năm 2024 là bao nhiêu?", text, published=day).values()
        assert only.features["years"] == share
        (only,) = weigh_text("Năm 2024 giá gạo ra sao?", text, published=day).values()
        assert only.features["years"] == 1.0

    @pytest.mark.parametrize(
        ("question", "text", "title", "share"),
        [
            ("Gạo ở Hà Tĩnh và Nghệ An?", "Gạo Hà Tĩnh ngon.", "", 0.5),
            ("Gạo ở Hà Tĩnh và Nghệ An?", "Gạo ngon.", "Hà Tĩnh, Nghệ An", 1.0),
            ("Gạo ở Sài Gòn?", "Gạo ngon ở TP. Hồ Chí Minh.", "", 1.0),  # another name of the same place
            ("gạo ở đâu", "Cá.", "", 1.0),
        ],
    )
    def test_names(self, question: str, text: str, title: str, share: float) -> None:
        (only,) = weigh_text(question, text, title=title).values()
        assert (only.features["names"], only.features["firm"]) == (share, share)

    @pytest.mark.parametrize(
        ("opening", "share"), [("Sáng 21/12, bộ họp.", 1.0), ("Bộ họp.\nSáng 21/12, trời mưa.", 0.5), ("Bộ họp.", 0.0)]
    )
    def test_what_an_article_opens_with_holds_for_all_of_it(self, opening: str, share: float) -> None:
        text = f"{opening}\nTrời nắng. Phiên họp tổ chức trực tiếp."
        found = weigh_text("Phiên họp sáng 21/12 tổ chức thế nào?", text)["Phiên họp tổ chức trực tiếp."].features
        assert found["firm"] == share
        assert found["firm_here"] == 0
        assert found["names"] == float(share == 1)
        assert (found["context"] > found["coverage"]) == (share == 1)

    def test_a_figure_is_of_the_place_beside_it_whatever_the_article_opens_with(self) -> None:
        found = weigh_text("Hà Tĩnh có bao nhiêu dự án?", "Hà Tĩnh họp. Trời nắng. Cả nước có 9 dự án.")
        assert found["Cả nước có 9 dự án."].features["firm"] == 0

    def test_other_capitals_are_not_firm(self) -> None:
        (only,) = weigh_text("Gạo của Vinafood?", "Gạo ngon.").values()
        assert (only.features["names"], only.features["firm"]) == (0.0, 1.0)

    @pytest.mark.parametrize(
        ("text", "share"),
        [
            ("Phó Chủ tịch tỉnh ăn gạo.", 1.0),
            ("Phó Chủ tịch Thường trực ăn gạo.", 0.0),
            ("Chủ tịch tỉnh ăn gạo.", 0.0),
            ("Gạo ngon.", 0.0),
        ],
    )
    def test_another_post_is_another_person(self, text: str, share: float) -> None:
        (only,) = weigh_text("Phó Chủ tịch tỉnh nào ăn gạo?", text).values()
        assert only.features["posts"] == share

    @pytest.mark.parametrize(
        ("text", "met"),
        [
            ("Xuất khẩu gạo tăng.", 1.0),
            ("Nhập khẩu gạo tăng.", 0.0),
            ("Xuất khẩu tăng, nhập khẩu giảm.", 1.0),
            ("Gạo tăng.", 1.0),
        ],
    )
    def test_the_opposite_of_what_is_asked_does_not_answer(self, text: str, met: float) -> None:
        (only,) = weigh_text("Xuất khẩu gạo ra sao?", text).values()
        assert only.features["opposites"] == met

    def test_the_context_does_not_stand_in_for_the_sentence_itself(self) -> None:
        found = weigh_text("Bộ trưởng ở Hà Tĩnh là ai?", "Gạo ngon.", title="Bộ trưởng ở Hà Tĩnh")
        (only,) = found.values()
        assert [only.features[name] for name in ("firm", "posts", "firm_here", "posts_here")] == [1.0, 1.0, 0.0, 0.0]

    def test_words_that_the_corpus_never_says_are_not_known(self) -> None:
        question = understand("giá gạo basmati")
        weights = dict.fromkeys(question.content, 1.0)
        (only,) = weigh(question, [make_passage("Giá gạo tăng.")], weights, frozenset({"basmati"}))
        assert only.features["known"] == pytest.approx(2 / 3)
        (only,) = weigh(question, [make_passage("Giá gạo tăng.")], weights)
        assert only.features["known"] == 1.0

    def test_an_abbreviation_is_as_good_as_its_words(self) -> None:
        question = understand("ngoại giao kinh tế", helps=Helps(defined={"NGKT": "ngoại giao kinh tế"}))
        (only,) = weigh(question, [make_passage("Đẩy mạnh NGKT.")], dict.fromkeys(question.content, 1.0))
        assert (only.features["coverage"], only.features["pairs"]) == (1.0, 1.0)


class StandInReader:
    """A `Reader` that likes the sentences that hold a word, and has room for a few only."""

    def __init__(self, word: str, room: int) -> None:
        self.word, self.room = word, room
        self.offered: list[str] = []
        self.told: list[str] = []

    def load(self) -> None:
        pass

    def read(self, _question: str, sentences: Sequence[str], introductions: Sequence[str] = ()) -> list[Reading]:
        self.offered += sentences
        self.told += introductions
        return [
            Reading(40.0 if self.word in sentence else -3.0, 1, len(sentence) - 1)
            for sentence in sentences[: self.room]
        ]


class TestRead:
    def evidence(self, count: int) -> list[Evidence]:
        text = " ".join(f"Gạo số {number} ngon." for number in range(count))
        return weigh(understand("gạo ngon"), [make_passage(text)], {"gạo": 1.0, "ngon": 1.0})

    def test_what_is_read_has_its_logit_and_its_short_answer_in_the_article(self) -> None:
        evidence = self.evidence(2)
        found = {e.span: e for e in read(understand("gạo ngon"), evidence, StandInReader("số 1", 2))}
        for span, one in found.items():
            assert one.short == (span[0] + 1, span[1] - 1)
            assert one.features["reader"] == (12.0 if "số 1" in one.text else -3.0)  # a logit is bounded

    def test_what_there_was_no_room_for_is_as_bad_as_the_worst_that_was_read(self) -> None:
        evidence = self.evidence(3)
        found = read(understand("gạo ngon"), evidence, StandInReader("số", 1))
        assert [(e.features["reader"], e.short is None) for e in found] == [(12.0, False), (12.0, True), (12.0, True)]

    def test_it_is_offered_no_more_than_a_few_the_best_first(self) -> None:
        evidence = self.evidence(30)
        reader = StandInReader("số", 30)
        assert len(read(understand("gạo ngon"), evidence, reader)) == 30
        assert reader.offered == [e.text for e in evidence[: len(reader.offered)]]
        assert 1 < len(reader.offered) < 30

    def test_where_none_of_these_answers_for_sure_it_is_offered_those_behind_them(self) -> None:
        evidence = self.evidence(40)
        sure, unsure = StandInReader("số", 40), StandInReader("số 17", 40)
        read(understand("gạo ngon"), evidence, sure)
        (best, *_) = read(understand("gạo ngon"), evidence, unsure)
        assert unsure.offered == [e.text for e in evidence[: len(unsure.offered)]]
        assert len(sure.offered) < len(unsure.offered) < 40
        assert best.text == "Gạo số 17 ngon."

    def test_it_is_told_of_which_article_each_sentence_is(self) -> None:
        passages = [make_passage("Gạo ngon.", article_id=name, title=f"Chợ {name}") for name in ("an", "bình")]
        evidence = weigh(understand("gạo ngon"), passages, {"gạo": 1.0, "ngon": 1.0})
        reader = StandInReader("Gạo", 9)
        read(understand("gạo ngon"), evidence, reader)
        assert reader.told == [e.passage.article.title for e in evidence]
        assert {*reader.told} == {"Chợ an", "Chợ bình"}

    def test_without_a_reader_and_without_evidence_nothing_changes(self) -> None:
        evidence = self.evidence(3)
        found = read(understand("gạo ngon"), evidence, None)
        assert [e.span for e in found] == [e.span for e in evidence]
        assert {(e.features["reader"], e.short) for e in found} == {(0.0, None)}
        reader = StandInReader("số", 9)
        assert (read(understand("gạo ngon"), [], reader), reader.offered) == ([], [])


class TestFits:
    @pytest.mark.parametrize(
        ("question", "holding", "lacking"),
        [
            ("Đạt bao nhiêu?", "Xuất siêu đạt 28 tỷ USD.", "Xuất siêu tăng mạnh."),
            ("Đạt bao nhiêu?", "Vốn đạt 36,6 tỷ.", "Đó là kết quả của năm 2023."),  # a year is no quantity
            ("Văn kiện được ký ngày nào?", "Ký ngày 9/1/2023.", "Ký trong năm 2022."),
            ("Cho giai đoạn nào?", "Chương trình giai đoạn 2022-2026.", "Chương trình năm 2022."),
            ("Diễn ra khi nào?", "Họp tháng 10/2021.", "Họp rất lâu."),
            ("Đứng thứ mấy?", "Việt Nam đứng thứ 12.", "Việt Nam có 12 đối tác."),
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
        assert (first.features["similarity"], second.features["similarity"]) == (0.9, 0.8)

    def test_nothing_gives_nothing(self) -> None:
        assert weigh(understand("gạo ngon"), [], {}) == []


class TestRankedPassages:
    """Passages by their best sentence besides what the search says."""

    question = understand("Kim ngạch gạo năm 2023 là bao nhiêu?")

    def ranked(self, *passages: Passage) -> tuple[Passage, ...]:
        return ranked(passages, weigh(self.question, passages, dict.fromkeys(self.question.content, 1.0)))

    def test_the_passage_with_the_sentence_that_answers_comes_first(self) -> None:
        about = make_passage("Gạo lên giá. Kim ngạch tăng.", article_id="a", fused=0.6)
        answers = make_passage("Trời mưa. Kim ngạch gạo năm 2023 là 4,6 tỷ USD.", article_id="b", fused=0.5)
        first, second = self.ranked(about, answers)
        assert (first.article.id, second.article.id) == ("b", "a")
        assert (first.rank, second.rank) == (1, 2)
        assert first.scores.fused > second.scores.fused
        assert (first.scores.dense, first.scores.lexical) == (answers.scores.dense, answers.scores.lexical)

    def test_the_search_counts_too(self) -> None:
        passages = [
            make_passage("Gạo lên giá.", article_id=name, fused=fused) for name, fused in (("a", 0.1), ("b", 0.9))
        ]
        alike = [Evidence(passage, passage.chunk.sentences[0], {"coverage": 1.0}) for passage in passages]
        assert [passage.article.id for passage in ranked(passages, alike)] == ["b", "a"]

    def test_a_passage_without_evidence_is_as_bad_as_the_worst(self) -> None:
        good, bad, none = (make_passage("Gạo lên giá.", article_id=name) for name in "abc")
        told = [Evidence(p, p.chunk.sentences[0], {"coverage": held}) for p, held in ((good, 1.0), (bad, 0.1))]
        assert [passage.article.id for passage in ranked([none, bad, good], told)] == ["a", "c", "b"]

    def test_nothing_gives_nothing(self) -> None:
        assert self.ranked() == ()


class TestAnotherYear:
    @pytest.mark.parametrize(
        ("text", "share"),
        [
            ("Điểm sáng năm 2021 là gạo.", 0.0),  # nothing here is of 2020
            ("Điểm sáng năm 2021 là gạo. Năm 2020 mất mùa.", 0.5),
            ("Điểm sáng là gạo, hơn năm 2021.", 0.5),  # the year that it is compared with, and perhaps the next one
        ],
    )
    def test_what_is_told_of_one_year_does_not_answer_for_another_that_nobody_names(
        self, text: str, share: float
    ) -> None:
        found = weigh_text("Điểm sáng năm 2020 là gì?", text)
        assert next(iter(found.values())).features["years"] == share

    def test_the_parts_of_a_long_sentence_are_of_the_year_that_it_begins_with(self) -> None:
        text = (
            "Năm 2023, cả nước đã đưa tổng sản lượng gạo thu hoạch của các vùng lên hơn 43 triệu tấn, trong đó "
            "phần lớn dành cho tiêu dùng của người dân; lượng gạo xuất khẩu sang các nước trong khu vực và xa hơn "
            "đạt gần 8 triệu tấn, cao nhất từ trước đến nay."
        )
        for year, share in (("2024", 0.0), ("2023", 1.0)):
            found = weigh_text(f"Lượng gạo xuất khẩu năm {year} là bao nhiêu?", text)
            (later,) = [evidence for evidence in found.values() if "2023" not in evidence.text]
            assert later.features["years"] == share


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Phó Chủ tịch tỉnh là ai?", "Phó Chủ tịch UBND tỉnh là ông An."),
        ("Giám đốc sở là ai?", "Giám đốc Sở Ngoại vụ là bà Bình."),
        ("Giám đốc Sở Ngoại vụ là ai?", "Giám đốc Sở là bà Bình."),
        ("Sở Ngoại vụ do ai làm giám đốc?", "Giám đốc Sở Ngoại vụ là bà Bình."),
    ],
)
def test_a_post_may_be_said_less_exactly(question: str, text: str) -> None:
    (only,) = weigh_text(question, text).values()
    assert only.features["posts"] == 1.0


@pytest.mark.parametrize("question", ["Giám đốc Sở Công Thương là ai?", "Sở Công Thương do ai làm giám đốc?"])
def test_a_post_of_another_department_is_another_one(question: str) -> None:
    (only,) = weigh_text(question, "Giám đốc Sở Ngoại vụ là bà Bình.").values()
    assert only.features["posts"] == 0.0


def test_the_council_is_not_the_committee() -> None:
    (only,) = weigh_text("Chủ tịch UBND tỉnh là ai?", "Chủ tịch HĐND tỉnh là ông An.").values()
    assert only.features["opposites"] < 1


class TestSource:
    def weighed(self, question: str, **fields: Any) -> float:
        understood = understand(question)
        other = make_passage("Gạo đạt 5 tấn.", article_id="khac", title="Cá")
        passage = make_passage("Gạo đạt 7 tấn.", article_id="bai", title="Lúa")
        passages = [replace(passage, article=replace(passage.article, **fields)), other]
        found = {e.passage.article.id: e for e in weigh(understood, passages, dict.fromkeys(understood.content, 1.0))}
        return found["bai"].features["source"] - found["khac"].features["source"]

    @pytest.mark.parametrize(
        ("called", "fields"),
        [
            ("của Hoài Anh", {"author": "Hoài Anh"}),
            ("tháng 6/2022", {"published": date(2022, 6, 1)}),
            ("trên báo Hà Tĩnh", {"publisher": "Baohatinh.vn"}),
            ("“Gạo lên giá”", {"title": "Gạo lên giá"}),
        ],
    )
    def test_the_article_that_a_question_calls_its_source_is_told(self, called: str, fields: dict[str, Any]) -> None:
        assert self.weighed(f"Theo bài {called}, gạo đạt mấy tấn?", **fields) == 1.0

    def test_a_source_that_no_article_is_told_by_rules_none_out(self) -> None:
        assert self.weighed("Theo bài của Kim Hoàn, gạo đạt mấy tấn?") == 0.0


def test_what_counts_since_a_year_is_not_of_one_before() -> None:
    for year, share in (("2022", 0.0), ("2023", 1.0)):
        (only,) = weigh_text(f"Năm {year} có bao nhiêu tấn gạo?", "Có 60 tấn gạo từ đầu năm 2023 đến nay.").values()
        assert only.features["years"] == share


def test_a_period_is_asked_for_as_a_whole() -> None:
    (only,) = weigh_text("Giai đoạn 2026 - 2030 có mấy nhóm gạo?", "Giai đoạn 2022 - 2026 có 7 nhóm gạo.").values()
    assert only.features["firm"] == 0.0
