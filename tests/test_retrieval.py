"""Fusing two searches, and finding the right passages with the real model."""

from __future__ import annotations

import unicodedata
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.schema import Hit
from rag.pipeline import Pipeline
from rag.question import Helps, understand
from rag.retrieval import PASSAGES, dense_weight, fuse, lexical_query
from rag.schema import Filters
from rag.steps import Step
from rag.vietnamese.terms import DEFINITIONS, FIELDS, SKETCH


class TestFuse:
    def test_nothing_gives_nothing(self) -> None:
        assert fuse([], 0.5) == []

    def test_scores_are_standardised_then_added_by_weight(self) -> None:
        hits = [Hit(1, 0.9, 1.0), Hit(2, 0.8, 4.0), Hit(3, 0.7, 1.0)]
        dense, lexical = np.array([0.9, 0.8, 0.7]), np.array([1.0, 4.0, 1.0])
        expected = 0.3 * (dense - 0.8) / dense.std() + 0.7 * (lexical - 2.0) / lexical.std()
        fused = fuse(hits, 0.3)
        assert [hit.key for hit, _ in fused] == [2, 1, 3]
        assert {hit.key: score for hit, score in fused} == pytest.approx(dict(zip((1, 2, 3), expected, strict=True)))

    def test_without_dense_weight_only_words_count(self) -> None:
        hits = [Hit(1, 0.9, 1.0), Hit(2, 0.1, 2.0)]
        assert [hit.key for hit, _ in fuse(hits, 0.0)] == [2, 1]
        assert [hit.key for hit, _ in fuse(hits, 1.0)] == [1, 2]

    def test_equal_scores_keep_one_order(self) -> None:
        hits = [Hit(3, 0.5, 1.0), Hit(1, 0.5, 1.0), Hit(2, 0.5, 1.0)]
        assert [(hit.key, score) for hit, score in fuse(hits, 0.5)] == [(1, 0.0), (2, 0.0), (3, 0.0)]

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 50)), min_size=1, max_size=30), st.floats(0, 1))
    def test_every_hit_is_kept_and_scores_descend(self, scores: list[tuple[float, float]], weight: float) -> None:
        hits = [Hit(key, dense, lexical) for key, (dense, lexical) in enumerate(scores)]
        fused = fuse(hits, weight)
        assert {hit for hit, _ in fused} == set(hits)
        assert all(np.isfinite(score) for _, score in fused)
        assert all(a[1] >= b[1] for a, b in pairwise(fused))


class TestLexicalQuery:
    def test_a_question_is_searched_for_in_all_fields(self) -> None:
        query = lexical_query(understand("kim ngạch gạo", without={Step.ABBREVIATIONS}))
        assert set(query) == set(FIELDS) - {DEFINITIONS, SKETCH}  # these are no words of an article
        assert set(query["pairs"]) == {"kim_ngạch", "ngạch_gạo"}
        assert set(query["folded_pairs"]) == {"kim_ngach", "ngach_gao"}

    def test_vectors_count_only_where_there_are_accents(self) -> None:
        assert dense_weight(understand("kim ngạch gạo")) > 0
        assert dense_weight(understand("kim ngach gao")) == 0
        assert dense_weight(understand("kim ngach gao", helps=Helps(mend=lambda _, **_steps: "kim ngạch gạo"))) > 0

    def test_words_that_only_ask_are_not_searched_for(self) -> None:
        asked = "Kim ngạch là bao nhiêu?"
        alone = lexical_query(understand(asked, without={Step.ABBREVIATIONS}))
        assert set(alone["syllables"]) == {"kim", "ngạch", "là"}
        assert not {"bao", "nhiêu", "mấy"} & set(lexical_query(understand(asked))["syllables"])

    def test_other_ways_to_say_it_are_searched_for_too_and_weigh_less(self) -> None:
        query = lexical_query(understand("Kiều bào ở ngoài"))
        assert 0 < query["syllables"]["diaspora"] < query["syllables"]["kiều"]
        assert 0 < query["syllables"]["xứ"] < query["syllables"]["diaspora"]  # "người Việt xa xứ": nearly the same
        assert query["folded_pairs"]["xa_xu"] > 0


class TestRealSearch:
    @pytest.mark.parametrize(
        ("question", "article", "words"),
        [
            ("Tổng kim ngạch xuất nhập khẩu năm 2023?", "hoi-nghi-co-quan-dai-dien-2024", "683 tỷ USD"),
            ("tong kim ngach xuat nhap khau nam 2023", "hoi-nghi-co-quan-dai-dien-2024", "683 tỷ USD"),
            ("Kiều hối mỗi năm", "day-manh-ngoai-giao-kinh-te-2022", "18-20 tỷ USD"),
            ("Ai dự ở điểm cầu Lạng Sơn?", "phien-hop-ngoai-giao-kinh-te-2023", "Dương Xuân Huyên"),
            ("Kế hoạch 04-KH/UBND", "ha-tinh-trien-khai-chi-thi-15-2023", "04-KH/UBND"),
            ("điểm sáng nhất của NGKT năm 2021", "hoi-nghi-ngoai-giao-kinh-te-2022", "điểm sáng nhất"),
        ],
    )
    def test_the_passage_that_answers_is_among_the_first_three(
        self, pipeline: Pipeline, question: str, article: str, words: str
    ) -> None:
        first = pipeline.retrieve(question)[:3]
        assert any(p.article.id == article and words in p.chunk.text for p in first)

    def test_passages_are_whole(self, pipeline: Pipeline) -> None:
        passages = pipeline.retrieve("Ngoại giao kinh tế là nhiệm vụ trung tâm")
        assert len(passages) == PASSAGES
        assert [p.rank for p in passages] == list(range(1, PASSAGES + 1))
        assert len({p.chunk.id for p in passages}) == PASSAGES
        fused = [p.scores.fused for p in passages]
        assert fused == sorted(fused, reverse=True)
        for p in passages:
            assert p.chunk.article_id == p.article.id
            assert p.article.text[p.chunk.start : p.chunk.end] == p.chunk.text
            assert len(p.similarities) == len(p.chunk.sentences)
            assert all(p.chunk.start <= start < end <= p.chunk.end for start, end in p.chunk.sentences)
            assert -1.001 <= p.scores.dense <= 1.001

    def test_scores_are_the_models_cosines(self, pipeline: Pipeline) -> None:
        question = "Xuất siêu năm 2023 là bao nhiêu?"
        first = pipeline.retrieve(question)[0]
        sentences = [first.article.text[start:end] for start, end in first.chunk.sentences]
        (vector,) = pipeline.corpus.embedder.embed([question], "query")
        by_hand = pipeline.corpus.embedder.embed(sentences, "passage") @ vector
        assert first.similarities == pytest.approx(by_hand.tolist(), abs=0.01)  # stored in half precision

    def test_another_spelling_finds_the_same(self, pipeline: Pipeline) -> None:
        question = "Thoả thuận với Mỹ về hoà bình"
        expected = [p.chunk.id for p in pipeline.retrieve(question)]
        decomposed = unicodedata.normalize("NFD", question)
        assert [p.chunk.id for p in pipeline.retrieve(decomposed)] == expected

    @pytest.mark.parametrize(
        ("only", "kept"),
        [
            (Filters(articles=frozenset({"day-manh-ngoai-giao-kinh-te-2022"})), {2022}),
            (Filters(since=date(2023, 12, 21)), {2023, 2024}),
            (Filters(until=date(2022, 1, 21)), {2022}),
            (Filters(since=date(2023, 3, 9), until=date(2023, 3, 9)), {2023}),
        ],
    )
    def test_filters_are_obeyed(self, pipeline: Pipeline, only: Filters, kept: set[int]) -> None:
        passages = pipeline.retrieve("Tổng kim ngạch xuất nhập khẩu năm 2023", only)
        days = [p.article.published for p in passages]
        assert {day.year for day in days if day} == kept
        assert all(day and (only.since or day) <= day <= (only.until or day) for day in days)
        assert not only.articles or {p.article.id for p in passages} == only.articles

    def test_what_is_filtered_out_altogether_is_nothing(self, pipeline: Pipeline) -> None:
        for only in (
            Filters(articles=frozenset({"không có"})),
            Filters(publishers=frozenset({"' OR 1=1 --"})),
            Filters(since=date(2030, 1, 1)),
            Filters(since=date(2024, 1, 1), until=date(2023, 1, 1)),
        ):
            assert pipeline.retrieve("Tổng kim ngạch", only) == ()
