"""What may be shown, on plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.calibration import Calibration, load_calibration
from rag.evidence import Evidence, weigh
from rag.generation import Draft
from rag.grounding import (
    NO_PASSAGE,
    NOT_COVERED,
    REFUSAL,
    UNSURE,
    Verdict,
    cite,
    features,
    judge,
    meeting,
    missed,
    nearest,
    weakest,
)
from rag.question import understand
from rag.schema import Article, Chunk, Citation, Outcome, Passage, Scores
from tests.conftest import calibration_of
from tests.test_evidence import make_passage

ARTICLE = Article(
    id="gao",
    title="Gạo",
    text="Gạo đạt 5 tỷ USD. Cá đạt 9 tỷ USD.",
    publisher="Báo Thử",
    published=date(2024, 4, 2),
    url="https://example.vn/gao",
    source="Cổng tin",
)
PASSAGE = Passage(Chunk("gao:0", "gao", 0, len(ARTICLE.text), ARTICLE.text), ARTICLE, Scores(0.9, 3, 1), 1)


def evidence_for(question: str, text: str) -> list[Evidence]:
    understood = understand(question)
    return weigh(understood, [make_passage(text)], dict.fromkeys(understood.content, 1.0))


def cited(drafts: Sequence[Draft]) -> list[tuple[str, Citation]]:
    """What is cited of `drafts`, with the markers 1, 2, ..."""
    return [found for marker, draft in enumerate(drafts, 1) if (found := cite(draft, marker))]


class TestCite:
    def test_each_statement_has_its_marker_and_its_exact_quote(self) -> None:
        drafts = [Draft("Gạo đạt 5 tỷ USD.", PASSAGE, (0, 17)), Draft("Cá đạt 9 tỷ USD.", PASSAGE, (18, 34))]
        (first, one), (second, two) = cited(drafts)
        assert (first, second) == ("Gạo đạt 5 tỷ USD. [1]", "Cá đạt 9 tỷ USD. [2]")
        assert (one.marker, one.quote, one.start, one.end) == (1, "Gạo đạt 5 tỷ USD.", 0, 17)
        assert (two.marker, two.quote) == (2, "Cá đạt 9 tỷ USD.")
        assert (one.article_id, one.title, one.publisher) == ("gao", "Gạo", "Báo Thử")
        assert (one.published, one.url, one.source) == (date(2024, 4, 2), "https://example.vn/gao", "Cổng tin")

    @pytest.mark.parametrize("span", [(5, 5), (9, 5), (0, 999), (17, 18), (-3, 4), (40, 50)])
    def test_what_quotes_nothing_is_not_cited(self, span: tuple[int, int]) -> None:
        assert cite(Draft("Bịa.", PASSAGE, span), 1) is None

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(-40, 60), st.integers(-40, 60)), max_size=6))
    def test_every_quote_is_the_articles(self, spans: list[tuple[int, int]]) -> None:
        for statement, citation in cited([Draft("x", PASSAGE, span) for span in spans]):
            assert ARTICLE.text[citation.start : citation.end] == citation.quote != ""
            assert citation.start >= 0
            assert statement.endswith(f"[{citation.marker}]")


# Weighs what the question holds and nothing else: refuses below .4, answers from .6.
CALIBRATION = calibration_of(
    "hash",
    weights={"held": 2.0, "pairs": 4.0, "years": 3.0, "firm": 1.0, "opposites": 1.0},
    bias=-7.0,
    refuse_below=0.4,
    answer_from=0.6,
)


def verdict_on(question: str, text: str, calibration: Calibration = CALIBRATION) -> Verdict:
    return judge(understand(question), evidence_for(question, text), calibration)


class TestFeatures:
    def test_they_have_the_names_that_the_shipped_calibration_weighs(self, tmp_path: Path) -> None:
        question = "Kim ngạch gạo năm 2023 là bao nhiêu?"
        found = features(understand(question), evidence_for(question, "Kim ngạch gạo năm 2023 là 5 tỷ USD."))
        assert set(load_calibration(tmp_path).weights) <= set(found)

    def test_what_holds_all_of_the_question_has_full_features(self) -> None:
        question = "Kim ngạch gạo năm 2023 là bao nhiêu?"
        found = features(understand(question), evidence_for(question, "Kim ngạch gạo năm 2023 là 5 tỷ USD."))
        assert {name: found[name] for name in ("held", "coverage", "context", "years", "names", "type")} == {
            "held": 1.0,
            "coverage": 1.0,
            "context": 1.0,
            "years": 1.0,
            "names": 1.0,
            "type": 1.0,
        }

    @pytest.mark.parametrize(
        ("question", "text", "lacking"),
        [
            ("Kim ngạch gạo là bao nhiêu?", "Kim ngạch gạo tăng mạnh.", "type"),
            ("Có mấy nhóm gạo?", "Có 5 loại gạo.", "unit"),
            ("Kim ngạch gạo năm 2023?", "Kim ngạch gạo năm 2022.", "years"),
            ("Gạo ở Hà Tĩnh?", "Gạo ở Nghệ An.", "firm"),
            ("Bộ trưởng gạo là ai?", "Thứ trưởng gạo là Nguyễn Văn An.", "posts"),
            ("Xuất khẩu gạo thế nào?", "Nhập khẩu gạo tốt.", "opposites"),
        ],
    )
    def test_what_misses_one_thing_lacks_one_feature(self, question: str, text: str, lacking: str) -> None:
        assert features(understand(question), evidence_for(question, text))[lacking] < 1

    def test_vectors_of_a_question_without_accents_tell_nothing(self) -> None:
        typed, plain = ("Kim ngạch gạo xay", "kim ngach gao xay")
        text = "Kim ngạch gạo năm 2023."
        accented = features(understand(typed), evidence_for(typed, text))
        folded = features(understand(plain), evidence_for(plain, text))
        assert (folded["similarity"], folded["dense"]) == (0.0, 0.0)
        assert accented["similarity"] != 0.0 != accented["dense"]

    def test_vectors_do_not_speak_against_what_holds_the_question_word_for_word(self) -> None:
        for question, is_held in (("Nguyễn Văn An là ai?", True), ("Nguyễn Văn Ba là ai?", False)):
            found = features(understand(question), evidence_for(question, "Ông Nguyễn Văn An bán gạo."))
            assert (found["similarity"] == found["dense"] == 0.0) == is_held


class TestSupport:
    def test_nothing_supports_nothing(self) -> None:
        assert judge(understand("gạo ngon"), [], CALIBRATION).support == 0.0

    def test_the_sentence_asked_for_supports_and_another_does_not(self) -> None:
        question = "Kim ngạch xuất nhập khẩu năm 2023 là bao nhiêu?"
        good = verdict_on(question, "Kim ngạch xuất nhập khẩu năm 2023 là 683 tỷ USD.").support
        bad = verdict_on(question, "Trời mưa to ở vùng núi.").support
        assert 0 < bad < CALIBRATION.refuse_below < CALIBRATION.answer_from < good < 1

    @pytest.mark.parametrize("feature", ["held", "pairs", "years", "firm", "opposites"])
    def test_more_of_anything_never_supports_less(self, feature: str) -> None:
        question = understand("Gạo đạt bao nhiêu?")
        (evidence,) = evidence_for("Gạo đạt bao nhiêu?", "Gạo đạt 5 tỷ.")
        low, high = (replace(evidence, features={**evidence.features, feature: value}) for value in (0.1, 1.0))
        assert judge(question, [low], CALIBRATION).support < judge(question, [high], CALIBRATION).support

    def test_the_weakest_part_is_what_an_answer_in_parts_is_worth(self) -> None:
        sure, unsure = Verdict(Outcome.ANSWERED, 0.9), Verdict(Outcome.UNSURE, 0.5, "hm")
        assert weakest([sure, unsure]) == weakest([unsure, sure]) == unsure


def of_support(support: float) -> Calibration:
    """A calibration by which all evidence has that support."""
    return replace(CALIBRATION, weights={}, bias=math.log(support / (1 - support)))


class TestVerdict:
    GOOD = ("Kim ngạch gạo năm 2023?", "Kim ngạch gạo năm 2023 là 5 tỷ USD.")

    def test_the_sentence(self) -> None:
        assert REFUSAL == "Tôi không tìm thấy thông tin này trong kho tài liệu."

    def test_nothing_found(self) -> None:
        assert judge(understand("Gạo năm 2023?"), [], CALIBRATION) == Verdict(Outcome.NOT_FOUND, 0.0, NO_PASSAGE)

    @pytest.mark.parametrize(
        ("support", "outcome", "reason"),
        [
            (0.39, Outcome.NOT_FOUND, NOT_COVERED),
            (0.41, Outcome.UNSURE, UNSURE),
            (0.59, Outcome.UNSURE, UNSURE),
            (0.61, Outcome.ANSWERED, ""),
        ],
    )
    def test_the_two_thresholds_part_three_outcomes(self, support: float, outcome: Outcome, reason: str) -> None:
        verdict = verdict_on(*self.GOOD, of_support(support))
        assert (verdict.outcome, verdict.reason, verdict.near) == (outcome, reason, "")
        assert verdict.support == pytest.approx(support)

    def test_a_year_that_the_evidence_lacks_is_named_however_well_the_rest_fits(self) -> None:
        question = "Kim ngạch gạo năm 2019 và 2018 là bao nhiêu?"
        verdict = verdict_on(question, "Kim ngạch gạo năm 2023 là 5 tỷ USD.", of_support(0.99))
        assert verdict.outcome == Outcome.NOT_FOUND
        assert "2018, 2019" in verdict.reason
        assert "2023" in verdict.near

    @pytest.mark.parametrize(
        ("question", "text", "said"),
        [
            ("Kim ngạch gạo năm 2019?", "Kim ngạch gạo năm 2023 là 5 tỷ USD.", "năm 2019"),
            ("Kim ngạch gạo ở Hà Tĩnh?", "Kim ngạch gạo ở Nghệ An là 5 tỷ.", "Hà Tĩnh"),
            ("Theo Chỉ thị 15-CT/TW gạo ra sao?", "Theo Chỉ thị 41-CT/TW gạo ngon.", "15-CT/TW"),
            ("Ai là Bộ trưởng Gạo?", "Nguyễn Văn An là Thứ trưởng Gạo.", "chức vụ khác"),
            ("Xuất khẩu gạo ra sao?", "Nhập khẩu gạo tốt.", "xuất khẩu"),
        ],
    )
    def test_a_refusal_says_what_is_missed_and_shows_what_is_near(self, question: str, text: str, said: str) -> None:
        verdict = verdict_on(question, text, of_support(0.1))
        assert verdict.outcome == Outcome.NOT_FOUND
        assert said in verdict.reason
        evidence = evidence_for(question, text)
        (draft,) = nearest(verdict, evidence)
        assert draft.text == f"{verdict.near} {text}"
        ((_, citation),) = cited([draft])
        assert citation.quote == text
        assert draft.rests_on(evidence[0].passage, evidence[0].span)

    @pytest.mark.parametrize("question", ["Cho biết ai là Bộ trưởng Gạo?", "Gặp nhau có ai, và ai là Bộ trưởng Gạo?"])
    def test_who_holds_a_post_is_asked_for_in_many_ways(self, question: str) -> None:
        verdict = verdict_on(question, "Bàn với ông Nguyễn Văn An, Giám đốc Sở, về gạo.", of_support(0.9))
        assert "chức vụ khác" in verdict.reason

    @pytest.mark.parametrize("question", ["Bộ trưởng Gạo gặp những ai?", "Bộ trưởng Gạo bàn với ai?"])
    def test_who_is_beside_the_one_of_the_post_may_have_another(self, question: str) -> None:
        verdict = verdict_on(question, "Bàn với ông Nguyễn Văn An, Giám đốc Sở, về gạo.", of_support(0.9))
        assert verdict.outcome == Outcome.ANSWERED

    @pytest.mark.parametrize(
        ("question", "text", "missing"),
        [
            ("Kế hoạch 05-KH/UBND ở Hà Tĩnh là gì?", "Kế hoạch 04-KH/UBND ở Hà Tĩnh là gạo.", "05-KH/UBND"),
            ("Ai dự ở Cao Bằng ngày 2/4?", "Ngày 2/4, Nguyễn Văn An dự ở Lạng Sơn.", "Cao Bằng"),
            ("Ai dự ở Lạng Sơn ngày 3/4?", "Ngày 2/4, Nguyễn Văn An dự ở Lạng Sơn.", "ngày 3/4"),
            ("Chỉ thị 41 về gạo ra ngày nào?", "Chỉ thị số 15-CT/TW về gạo ra ngày 10/8/2022.", "Chỉ thị 41"),
            (
                "Vốn đầu tư ra nước ngoài là bao nhiêu tỷ?",
                "Vốn gạo là 5 tỷ. FDI tăng.",
                "đầu tư ra nước ngoài",
            ),
            # A figure is of the place beside it, whatever else stands in the article.
            ("Vốn gạo của Nghệ An là bao nhiêu tỷ?", "Vốn gạo cả nước là 5 tỷ. Mưa. Nghệ An có mưa.", "Nghệ An"),
        ],
    )
    def test_of_several_things_that_are_named_none_may_be_another(self, question: str, text: str, missing: str) -> None:
        verdict = verdict_on(question, text)
        assert verdict.outcome == Outcome.NOT_FOUND
        assert verdict.reason == f"Những đoạn liên quan nhất không nói về {missing}."

    def test_a_fact_may_be_of_a_place_that_the_article_names_elsewhere(self) -> None:
        verdict = verdict_on(
            "Ai bán gạo ở Nghệ An?", "Ông Nguyễn Văn An bán gạo. Mưa. Nghệ An có mưa.", of_support(0.9)
        )
        assert verdict.outcome == Outcome.ANSWERED

    def test_what_is_far_from_the_question_is_not_shown_as_near(self) -> None:
        question, text = "Kim ngạch gạo xay năm 2019 ở Hà Tĩnh?", "Trời mưa to năm 2023."
        verdict = verdict_on(question, text, of_support(0.1))
        assert "2019" in verdict.reason
        assert (verdict.near, list(nearest(verdict, evidence_for(question, text)))) == ("", [])

    def test_what_misses_nothing_by_name_is_just_not_covered(self) -> None:
        verdict = verdict_on(*self.GOOD, of_support(0.1))
        assert (verdict.reason, list(nearest(verdict, evidence_for(*self.GOOD)))) == (NOT_COVERED, [])


def test_a_draft_rests_on_the_sentences_of_which_it_quotes_words() -> None:
    first, second = weigh(understand("gạo"), [make_passage("Gạo ngon. Gạo rẻ.")], {"gạo": 1.0})
    passage = first.passage
    assert Draft(first.text, passage, first.span).rests_on(passage, first.span)
    assert Draft("x", passage, (0, 17)).rests_on(passage, second.span)  # a list is quoted whole
    assert Draft("rẻ", passage, (14, 16)).rests_on(passage, second.span)  # of a long sentence, clauses
    assert not Draft(first.text, passage, first.span).rests_on(passage, second.span)
    (elsewhere,) = weigh(understand("gạo"), [make_passage("Gạo ngon.", article_id="khac")], {"gạo": 1.0})
    assert not Draft("x", elsewhere.passage, (0, 9)).rests_on(passage, first.span)


def test_a_footnote_of_the_article_is_no_marker() -> None:
    article = Article("a", "T", "Dân số 8 triệu người [2] theo thống kê.")
    chunk = Chunk("c", "a", 0, len(article.text), article.text)
    passage = Passage(chunk, article, Scores(0, 0, 0), 1)
    ((statement, citation),) = cited([Draft(article.text, passage, (0, len(article.text)))])
    assert statement == "Dân số 8 triệu người theo thống kê. [1]"
    assert citation.quote == article.text


@pytest.mark.parametrize(
    ("slogan", "is_missed"), [("“5 cùng”", True), ("“3 cùng”", False), ("“ba cùng”", False), ("“3 phát huy”", False)]
)
def test_a_slogan_with_another_number_is_another_one(slogan: str, *, is_missed: bool) -> None:
    question = understand(f"Tinh thần {slogan} về gạo là gì?")
    best, *_ = evidence_for(question.text, "Tinh thần “3 cùng” về gạo: cùng lắng nghe, cùng làm.")
    assert bool(missed(question, best)) is is_missed


class TestMeeting:
    text = "Tại Nghệ An, Chủ tịch tỉnh Lê Văn An chủ trì họp gạo. Phó Chủ tịch tỉnh Trần Văn Bình dự."

    def test_the_first_that_misses_nothing_comes_before_a_better_one_that_does(self) -> None:
        question = understand("Phó Chủ tịch tỉnh dự họp gạo ở Nghệ An là ai?")
        chair, deputy = sorted(evidence_for(question.text, self.text), key=lambda e: "Phó" in e.text)
        first, second = meeting(question, [chair, deputy])
        assert (first.text, second.text) == (deputy.text, chair.text)
        assert missed(question, chair)
        assert not missed(question, deputy)

    @pytest.mark.parametrize(("worse", "is_first"), [(3.5, True), (7.0, True), (9.0, False)])
    def test_who_has_the_post_may_be_further_behind(self, worse: float, *, is_first: bool) -> None:
        question = understand("Phó Chủ tịch tỉnh dự họp gạo ở Nghệ An là ai?")
        chair, deputy = sorted(evidence_for(question.text, self.text), key=lambda e: "Phó" in e.text)
        # Of the reader's logit, which nothing else tells of here.
        behind = (chair.score - worse - deputy.score) / (replace(deputy, features={"reader": 1.0}).score)
        deputy = replace(deputy, features={**deputy.features, "reader": behind})
        assert (meeting(question, [chair, deputy])[0] is deputy) is is_first

    def test_what_holds_nothing_of_the_sort_that_is_asked_for_does_not_come_first(self) -> None:
        question = understand("Chỉ thị 41 về gạo ra ngày nào?")
        best, other = evidence_for(question.text, "Chỉ thị 15 về gạo ra ngày 9/3. Chỉ thị 41 về gạo đã cũ.")
        assert meeting(question, [best, other])[0] is best

    def test_what_misses_nothing_stays_where_it_is(self) -> None:
        question = understand("Kim ngạch gạo là bao nhiêu?")
        found = evidence_for(question.text, "Kim ngạch gạo là 5 tỷ USD. Cá đạt 9 tỷ USD.")
        assert meeting(question, found) is found
        assert meeting(question, []) == []


@pytest.mark.parametrize(
    ("question", "text", "is_told"),
    [
        ("Chương trình gạo là nghị quyết số mấy?", "Chương trình gạo theo Nghị quyết số 21.", True),
        ("Chương trình gạo là nghị quyết số mấy?", "Chương trình gạo theo Nghị quyết 21/NQ-CP.", True),
        ("Chương trình gạo là nghị quyết số mấy?", "Chương trình gạo theo Chỉ thị số 15-CT/TW.", False),
        ("Kế hoạch gạo thực hiện Chỉ thị 15 mang số hiệu gì?", "Kế hoạch số 04-KH/UBND về gạo.", True),
        ("ke hoach gao so may", "Kế hoạch số 04 về gạo.", True),
        ("Kế hoạch gạo đặt ra con số nào?", "Kế hoạch gạo đặt ra 7 tấn.", True),  # not that of a document
        ("Theo nghị quyết về gạo, chỉ số nào tăng?", "Gạo tăng chỉ số giá.", True),
    ],
)
def test_the_number_of_a_document_is_that_of_its_kind(question: str, text: str, is_told: bool) -> None:
    (best,) = evidence_for(question, text)
    assert best.features["number"] == float(is_told)
    assert ("không nêu số" in missed(understand(question), best)) != is_told
