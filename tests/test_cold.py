"""Cold starts, measured once: that the figures are there, and the bar for the server's memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.cold import cold
from rag.pipeline import Pipeline


@pytest.mark.slow
def test_first_answers_and_memory(pipeline: Pipeline, seeds_index: Path) -> None:
    assert pipeline.corpus.articles()
    figures = cold(seeds_index, 1)
    assert 0 < figures["help_s"] < figures["ask_s"]
    assert 0 < figures["page_s"] < figures["answer_s"]
    assert 0 < figures["page_cpu_s"] <= figures["answer_cpu_s"]
    assert 100 < figures["anon_mb"] < figures["rss_mb"] < 600
