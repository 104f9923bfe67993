"""How sure an answer must be: numbers in a file that an operator may replace."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.calibration import NAME, Calibration, load_calibration, save_calibration
from rag.errors import CalibrationError
from tests.conftest import calibration_of

OWN = Calibration("của tôi", {"held": 1.5, "years": -2.0}, -0.5, 0.25, 0.75, "câu hỏi của tôi")


def test_the_probability_is_that_of_a_logistic_regression() -> None:
    assert OWN.probability({"held": 1.0, "years": 0.5}) == pytest.approx(0.5)  # -.5 + 1.5 - 1
    assert OWN.probability({"held": 1.0}) == pytest.approx(0.731058578)  # what is missing counts 0
    assert OWN.probability({"other": 9.0}) == OWN.probability({}) == pytest.approx(0.377540669)


@given(st.floats(allow_nan=False), st.floats(-1e9, 1e9))
def test_no_feature_leads_out_of_0_to_1(held: float, bias: float) -> None:
    assert 0 <= replace(OWN, bias=bias).probability({"held": held}) <= 1


def test_an_index_without_its_own_has_the_one_that_comes_with_hoidap(tmp_path: Path) -> None:
    shipped = load_calibration(tmp_path / "none")
    assert shipped == load_calibration(tmp_path)
    assert 0 < shipped.refuse_below < shipped.answer_from < 1
    shipped.check("multilingual-e5-small-q4-1")


def test_its_own_is_written_and_read_again(tmp_path: Path) -> None:
    path = save_calibration(OWN, tmp_path)
    assert path == tmp_path / NAME
    assert load_calibration(tmp_path) == OWN
    assert "của tôi" in path.read_text("utf-8")  # fit to be read
    save_calibration(replace(OWN, bias=1.0), tmp_path)
    assert load_calibration(tmp_path).bias == 1.0
    assert list(tmp_path.iterdir()) == [path]


def test_that_of_another_embedder_is_refused_with_the_remedy() -> None:
    OWN.check("của tôi")
    with pytest.raises(CalibrationError, match=r"'của tôi', the index uses 'khác': .*`hoidap calibrate GOLD`"):
        OWN.check("khác")


def changed(**fields: object) -> str:
    return json.dumps({**json.loads(json.dumps(vars_of(OWN))), **fields})


def vars_of(calibration: Calibration) -> dict[str, object]:
    names = ("embedder", "weights", "bias", "refuse_below", "answer_from", "fitted_on")
    return {name: getattr(calibration, name) for name in names}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe\x00",
        bytes(200),
        changed(bias="nhiều").encode(),
        changed(weights=[1, 2]).encode(),
        changed(weights={"held": "1"}).encode(),
        changed(weights=None).encode(),
        changed(unknown=1).encode(),
        changed(answer_from="cao").encode(),
        changed(refuse_below=None).encode(),
        changed(refuse_below=0.9, answer_from=0.1).encode(),
    ],
)
def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(CalibrationError, match=rf"{tmp_path}.*delete it, or run `hoidap calibrate GOLD`"):
        load_calibration(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CalibrationError, match=r"cannot be written .*: make the folder writable"):
        save_calibration(OWN, tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    save_calibration(OWN, tmp_path).chmod(0)
    with pytest.raises(CalibrationError, match="Permission denied"):
        load_calibration(tmp_path)


def test_the_one_for_tests_differs_only_where_it_is_told_to() -> None:
    assert calibration_of("hash", bias=1.0) == replace(calibration_of("hash"), bias=1.0)
