"""What may be shown, on plain data."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.evidence import Evidence, weigh
from rag.generation import Draft
from rag.grounding import NO_PASSAGE, NOT_COVERED, REFUSAL, THRESHOLD, cite, refusal_reason, support
from rag.question import understand
from rag.schema import Article, Chunk, Passage, Scores
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


class TestCite:
    def test_each_statement_has_its_marker_and_its_exact_quote(self) -> None:
        drafts = [Draft("Gạo đạt 5 tỷ USD.", PASSAGE, (0, 17)), Draft("Cá đạt 9 tỷ USD.", PASSAGE, (18, 34))]
        (first, one), (second, two) = cite(drafts)
        assert (first, second) == ("Gạo đạt 5 tỷ USD. [1]", "Cá đạt 9 tỷ USD. [2]")
        assert (one.marker, one.quote, one.start, one.end) == (1, "Gạo đạt 5 tỷ USD.", 0, 17)
        assert (two.marker, two.quote) == (2, "Cá đạt 9 tỷ USD.")
        assert (one.article_id, one.title, one.publisher) == ("gao", "Gạo", "Báo Thử")
        assert (one.published, one.url, one.source) == (date(2024, 4, 2), "https://example.vn/gao", "Cổng tin")

    @pytest.mark.parametrize("span", [(5, 5), (9, 5), (0, 999), (17, 18), (-3, 4), (40, 50)])
    def test_what_quotes_nothing_is_dropped_and_leaves_no_gap(self, span: tuple[int, int]) -> None:
        drafts = [Draft("Bịa.", PASSAGE, span), Draft("Cá đạt 9 tỷ USD.", PASSAGE, (18, 34))]
        ((statement, citation),) = cite(drafts)
        assert statement == "Cá đạt 9 tỷ USD. [1]"
        assert citation.marker == 1

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(-40, 60), st.integers(-40, 60)), max_size=6))
    def test_every_quote_is_the_articles(self, spans: list[tuple[int, int]]) -> None:
        found = list(cite([Draft("x", PASSAGE, span) for span in spans]))
        assert [c.marker for _, c in found] == list(range(1, len(found) + 1))
        for statement, citation in found:
            assert ARTICLE.text[citation.start : citation.end] == citation.quote != ""
            assert citation.start >= 0
            assert statement.endswith(f"[{citation.marker}]")


class TestSupport:
    def test_nothing_supports_nothing(self) -> None:
        assert support(understand("gạo ngon"), []) == 0.0

    def test_the_sentence_asked_for_supports_and_another_does_not(self) -> None:
        question = "Kim ngạch xuất nhập khẩu năm 2023 là bao nhiêu?"
        good = support(understand(question), evidence_for(question, "Kim ngạch xuất nhập khẩu năm 2023 là 683 tỷ USD."))
        bad = support(understand(question), evidence_for(question, "Trời mưa to ở vùng núi."))
        assert 0 < bad < THRESHOLD < good < 1

    @pytest.mark.parametrize("feature", ["held", "pairs", "years", "names", "similarity"])
    def test_more_of_anything_never_supports_less(self, feature: str) -> None:
        question = understand("Gạo đạt bao nhiêu?")
        (evidence,) = evidence_for("Gạo đạt bao nhiêu?", "Gạo đạt 5 tỷ.")
        low, high = (replace(evidence, **{feature: value}) for value in (0.1, 0.9))  # type: ignore[arg-type]
        assert support(question, [low]) < support(question, [high])


class TestRefusal:
    def test_the_sentence(self) -> None:
        assert REFUSAL == "Tôi không tìm thấy thông tin này trong kho tài liệu."

    def test_nothing_found(self) -> None:
        assert refusal_reason(understand("Gạo năm 2023?"), [], 0.0) == NO_PASSAGE

    def test_a_year_that_the_evidence_lacks_is_named_however_well_the_rest_fits(self) -> None:
        question = "Kim ngạch gạo năm 2019 và 2018 là bao nhiêu?"
        evidence = evidence_for(question, "Kim ngạch gạo năm 2023 là 5 tỷ USD.")
        reason = refusal_reason(understand(question), evidence, 0.99)
        assert "2018, 2019" in reason

    def test_too_little_support(self) -> None:
        question = "Kim ngạch gạo năm 2023?"
        evidence = evidence_for(question, "Kim ngạch gạo năm 2023 là 5 tỷ USD.")
        assert refusal_reason(understand(question), evidence, THRESHOLD - 0.01) == NOT_COVERED
        assert refusal_reason(understand(question), evidence, THRESHOLD) == ""


def test_a_footnote_of_the_article_is_no_marker() -> None:
    article = Article("a", "T", "Dân số 8 triệu người [2] theo thống kê.")
    chunk = Chunk("c", "a", 0, len(article.text), article.text)
    passage = Passage(chunk, article, Scores(0, 0, 0), 1)
    ((statement, citation),) = cite([Draft(article.text, passage, (0, len(article.text)))])
    assert statement == "Dân số 8 triệu người theo thống kê. [1]"
    assert citation.quote == article.text
