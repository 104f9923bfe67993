"""A real language model at HOIDAP_TEST_LLM_URL: whatever it says, nothing is shown that its source lacks."""

from __future__ import annotations

import os

import pytest

from rag.generation import open_generator
from rag.generation.facts import numbers
from rag.pipeline import Pipeline
from rag.schema import Outcome
from rag.settings import Settings
from rag.understanding.dates import years
from ui.parts import holds

URL = os.environ.get("HOIDAP_TEST_LLM_URL", "")
pytestmark = pytest.mark.skipif(not URL, reason="needs a model's server: name its base URL in HOIDAP_TEST_LLM_URL")

ANSWERABLE = (
    "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?",
    "Vốn FDI đăng ký năm 2023 đạt bao nhiêu?",
    "Chỉ thị số 15-CT/TW nói về vấn đề gì?",
)
UNANSWERABLE = ("Giá vàng SJC hôm nay bao nhiêu một lượng?", "Ai là tác giả Truyện Kiều?")


@pytest.fixture(scope="module")
def written(pipeline: Pipeline) -> Pipeline:
    """The pipeline over the seeds, with the real model behind it, and the patience that a busy machine needs."""
    settings = Settings(
        generator=os.environ.get("HOIDAP_TEST_LLM_MODEL", "openai:local"),
        model_url=URL,
        model_context=1536,
        model_first_seconds=150,
        model_between_seconds=60,
        model_total_seconds=300,
    )
    return Pipeline(pipeline.corpus, open_generator(settings), pipeline._calibration, pipeline._reader)


@pytest.mark.parametrize("question", ANSWERABLE)
def test_what_it_says_stands_in_its_sources(written: Pipeline, question: str) -> None:
    answer = written.ask(question)
    assert answer.outcome == Outcome.ANSWERED
    assert answer.writing.model
    assert len(answer.citations) == len(answer.text.splitlines())
    for statement, citation in zip(answer.text.splitlines(), answer.citations, strict=True):
        passage = next(passage for passage in answer.passages if holds(passage, citation))
        said = statement.rpartition(" [")[0]
        assert {n[:2] for n in numbers(said)} <= {n[:2] for n in numbers(citation.quote)}
        assert years(said) <= years(f"{passage.article.title} {passage.chunk.heading} {passage.chunk.text}")


@pytest.mark.parametrize("question", UNANSWERABLE)
def test_it_is_not_asked_what_nobody_knows(written: Pipeline, question: str) -> None:
    answer = written.ask(question)
    assert answer.refused
    assert answer.writing.model == ""
