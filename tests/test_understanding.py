"""The steps by which a question is understood: what each leaves in the trace, and that each can be left out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag.pipeline import Pipeline
from rag.question import Kind, Question
from rag.retrieval import dense_weight
from rag.schema import Answer, Turn
from rag.steps import Step

Asked = Callable[..., Question]
WITH_ALL = "Chủ tịch UBND tỉnh và kiều bào năm 2023 ở Hà Tĩnh là ai, và xuất khẩu đạt bao nhiêu?"
BEFORE = [Turn("user", "Ai điều hành điểm cầu Hà Tĩnh?"), Turn("assistant", "Lê Ngọc Châu điều hành. [1]")]


def without(pipeline: Pipeline, *steps: Step) -> Pipeline:
    """`pipeline` without these steps."""
    return Pipeline(
        pipeline.corpus, pipeline._generator, pipeline._calibration, pipeline._reader, without=frozenset(steps)
    )


class TestTrace:
    @pytest.mark.parametrize(
        ("text", "step", "after"),
        [
            ("tong kim ngach xuat nhap khau", Step.ACCENTS, "tổng kim ngạch xuất nhập khẩu"),
            ("Hội nghị ngoại gaio kinh tế", Step.TYPOS, "Hội nghị ngoại giao kinh tế"),
            ("Kim ngạch XNK đạt bao nhiêu?", Step.ABBREVIATIONS, "Kim ngạch xuất nhập khẩu đạt bao nhiêu?"),
            ("NGKT có ý nghĩa gì?", Step.ABBREVIATIONS, "ngoại giao kinh tế có ý nghĩa gì?"),
        ],
    )
    def test_a_step_that_changes_the_question_is_told_with_what_it_made_of_it(
        self, pipeline: Pipeline, text: str, step: Step, after: str
    ) -> None:
        question = pipeline.understand(text)
        assert question.trace == ((step.value, after),)
        assert (question.text, question.search_text) == (text, after)

    def test_the_steps_come_in_their_order_and_the_last_is_what_is_searched_for(self, pipeline: Pipeline) -> None:
        question = pipeline.understand("Ông ấy nói gì về kimngạch XNK?", BEFORE)
        assert [name for name, _ in question.trace] == ["typos", "follow_ups", "abbreviations", "follow_ups"]
        assert question.trace[0][1] == "Ông ấy nói gì về kim ngạch XNK?"
        assert question.trace[-1][1] == question.search_text
        assert question.search_text.startswith("Lê Ngọc Châu nói gì về kim ngạch xuất nhập khẩu?")

    def test_what_was_typed_right_has_none(self, pipeline: Pipeline) -> None:
        assert pipeline.understand("Ai điều hành điểm cầu Hà Tĩnh?").trace == ()

    def test_it_is_in_the_answer(self, pipeline: Pipeline) -> None:
        answer = pipeline.ask("tong kim ngach XNK nam 2023")
        assert answer.trace == pipeline.understand("tong kim ngach XNK nam 2023").trace
        assert answer.understood == answer.trace[-1][1]

    def test_what_is_filled_in_does_not_keep_the_rest_from_its_accents(self, pipeline: Pipeline) -> None:
        assert pipeline.understand("ong ay giu chuc gi", BEFORE).search_text.startswith("Lê Ngọc Châu giữ chức gì")

    def test_without_accents_before_and_after_an_abbreviation(self, pipeline: Pipeline) -> None:
        question = pipeline.understand("tong kim ngach XNK nam 2023 dat bao nhieu")
        assert question.search_text == "tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu"


class TestLeftOut:
    @pytest.mark.parametrize(
        ("step", "text"),
        [
            (Step.ACCENTS, "tong kim ngach xuat nhap khau"),
            (Step.TYPOS, "Tổng kimngạch xuất nhập khẩu"),
            (Step.ABBREVIATIONS, "Tổng kim ngạch XNK"),
        ],
    )
    def test_what_a_step_would_change_stays(self, pipeline: Pipeline, step: Step, text: str) -> None:
        assert pipeline.understand(text).search_text != text
        question = without(pipeline, step).understand(text)
        assert (question.search_text, question.trace) == (text, ())

    def test_a_follow_up_stands_alone(self, pipeline: Pipeline) -> None:
        assert pipeline.understand("Ông ấy nói gì?", BEFORE).trace
        alone = without(pipeline, Step.FOLLOW_UPS).understand("Ông ấy nói gì?", BEFORE)
        assert alone == without(pipeline, Step.FOLLOW_UPS).understand("Ông ấy nói gì?")

    def test_synonyms(self, pipeline: Pipeline) -> None:
        assert not all(one.certain for one in pipeline.understand(WITH_ALL).equivalents)
        left = without(pipeline, Step.SYNONYMS).understand(WITH_ALL).equivalents
        assert left
        assert all(one.certain for one in left)
        assert without(pipeline, Step.ABBREVIATIONS).understand(WITH_ALL).equivalents == ()

    def test_parts(self, pipeline: Pipeline) -> None:
        assert pipeline.understand(WITH_ALL).ways
        assert without(pipeline, Step.PARTS).understand(WITH_ALL).ways == ()

    def test_constraints(self, pipeline: Pipeline) -> None:
        found = pipeline.understand(WITH_ALL).constraints
        assert all((found.years, found.named, found.posts, found.opposites))
        left = without(pipeline, Step.CONSTRAINTS).understand(WITH_ALL).constraints
        assert not any((left.years, left.named, left.posts, left.opposites))

    def test_kinds(self, pipeline: Pipeline) -> None:
        assert pipeline.understand(WITH_ALL).kind != Kind.OPEN
        question = without(pipeline, Step.KINDS).understand(WITH_ALL)
        assert question.kind == Kind.OPEN
        assert all(part.kind == Kind.OPEN for way in question.ways for part in way.parts)

    def test_one_of_the_two_searches(self, pipeline: Pipeline) -> None:
        question = pipeline.understand("Kiều hối mỗi năm")
        assert dense_weight(question, frozenset({Step.DENSE})) == 0
        assert dense_weight(question, frozenset({Step.LEXICAL})) == 1
        orders = {
            tuple(passage.chunk.id for passage in one.retrieve("Kiều hối mỗi năm"))
            for one in (pipeline, without(pipeline, Step.DENSE), without(pipeline, Step.LEXICAL))
        }
        assert len(orders) == 3

    def test_the_reader(self, pipeline: Pipeline) -> None:
        assert without(pipeline, Step.READER)._reader is None

        def short(answer: Answer) -> list[bool]:
            return [citation.short is not None for citation in answer.citations]

        question = "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?"
        assert any(short(pipeline.ask(question)))
        assert not any(short(without(pipeline, Step.READER).ask(question)))

    def test_everything_at_once_still_answers(self, pipeline: Pipeline) -> None:
        bare = without(pipeline, *(set(Step) - {Step.LEXICAL}))
        answer = bare.ask("Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?", BEFORE)
        assert "683" in answer.text  # depends on the calibration
        assert answer.trace == ()


class TestParts:
    def test_the_parts_share_what_the_question_leaves_out_once(self, pipeline: Pipeline) -> None:
        question = pipeline.understand("Tổng kim ngạch và xuất siêu lần lượt là bao nhiêu?")
        (way,) = question.ways
        left, right = way.parts
        assert left.kind == right.kind == question.kind == Kind.QUANTITY
        assert left.ways == right.ways == ()
        assert "siêu" not in left.content
        assert "ngạch" not in right.content

    @pytest.mark.parametrize(
        ("text", "leaning"),
        [
            ("Hội nghị ở Hà Tĩnh họp khi nào và ai chủ trì?", True),
            ("Hội nghị ở Hà Tĩnh họp khi nào và năm 2022 xuất siêu bao nhiêu?", False),
            (
                "Hội nghị ở Hà Tĩnh họp khi nào và các mục tiêu chiến lược mà chỉ thị mới hướng tới ở giai đoạn nào?",
                False,
            ),
        ],
    )
    def test_a_part_that_says_little_is_about_what_the_other_names(
        self, pipeline: Pipeline, text: str, leaning: bool
    ) -> None:
        way = pipeline.understand(text).ways[0]
        assert way.is_sure
        assert ("tĩnh" in way.parts[1].content) == leaning

    def test_each_part_is_answered_by_its_own_sentence(self, pipeline: Pipeline) -> None:
        answer = pipeline.ask("Tổng kim ngạch và xuất siêu năm 2023 lần lượt là bao nhiêu?")
        assert "683" in answer.text  # depends on the calibration
        assert "28 tỷ" in answer.text
        assert [citation.marker for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
