"""The crash script, in a few rounds."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from eval.crash import Trial


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_nothing_removed_comes_back(tmp_path: Path) -> None:
    trial = Trial(tmp_path / "index", 60, random.Random(1))  # noqa: S311 # chance, not secrets
    trial.try_out(4)
    assert trial.wrong == []
    assert sum(trial.interrupted.values()) + len(trial.opening) > 4
    assert trial.ended.total() > 0
