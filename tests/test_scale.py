"""What `eval.scale` makes of a few articles, and the whole of it on a small scale."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from eval.errors import EvalError
from eval.scale_articles import Maker, _extrapolated, made_up_articles, read_articles
from tests.conftest import HashEmbedder


def test_real_articles_come_first_and_others_look_like_them() -> None:
    maker = Maker(made_up_articles(6), HashEmbedder(), 10_000)
    assert len(maker.real) == 6
    known = {text for article in made_up_articles(6) for text in article.text.splitlines()}
    for entry in islice(maker.entries(), 6, 30):
        text = json.loads(entry.document.payload)["text"]
        assert set(text.splitlines()) <= known
        for record in entry.records:
            chunk = json.loads(record.payload)
            words = text[chunk["start"] : chunk["end"]].lower().replace(".", "").split()
            assert record.terms["syllables"][-len(words) :] == words
            assert len(record.part_vectors) == len(chunk["sentences"])
            assert np.linalg.norm(record.vector) == pytest.approx(1, abs=1e-5)


def test_noise_brings_neighbours_as_near_as_in_a_large_corpus() -> None:
    maker = Maker(made_up_articles(20), HashEmbedder(), 100_000)
    made = np.stack([record.vector for entry in islice(maker.entries(), 20, 120) for record in entry.records])
    assert np.median((made @ maker.vectors.T).max(axis=1)) == pytest.approx(maker.nearest, abs=0.02)


def test_neighbours_in_the_same_article_do_not_make_a_corpus_look_dense() -> None:
    random = np.random.default_rng(0)
    strangers, near = (random.standard_normal((400, 1, 64)), 0.2 * random.standard_normal((400, 4, 64)))
    rows = (strangers + near).reshape(-1, 64)
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    owners = np.repeat(np.arange(400), 4)
    cosines = vectors @ vectors.T
    same = owners[:, None] == owners
    assert np.median(np.where(same & ~np.eye(len(owners), dtype=bool), cosines, -1).max(axis=1)) > 0.95
    truth = np.median(np.where(same, -1, cosines).max(axis=1))
    few = slice(100 * 4)
    assert _extrapolated(vectors[few], owners[few], 1_600, random) == pytest.approx(truth, abs=0.02)


def test_too_few_articles_tell_nothing() -> None:
    with pytest.raises(EvalError, match=r"4 articles are the fewest .*: give more with --real"):
        Maker(made_up_articles(3), HashEmbedder(), 10_000)


def test_a_file_that_holds_no_articles_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for content in ("", "{", '{"id": 1}'):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(EvalError, match=r"a\.jsonl .*: give JSON lines with id, title and text"):
            read_articles(path, 3)


@pytest.mark.slow
def test_all_of_it_on_a_small_scale(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "eval.scale", "--sizes", "30,60", "--real", "4", "--questions", "3"]
    subprocess.run([*command, "--folder", tmp_path / "work", "--out", tmp_path], check=True, capture_output=True)
    told = json.loads((tmp_path / "scale.json").read_text("utf-8"))
    assert [row["chunks"] >= size for row, size in zip(told["sizes"], (30, 60), strict=True)] == [True, True]
    for row in told["sizes"]:
        assert row["recall@10"] > 0.97  # of two vectors that are as near as each other either may be found
        assert row["ms"]["total"]["p95"] >= row["ms"]["dense"]["p50"] > 0
        assert all(size > 0 for size in row["bytes_per_chunk"].values())
    assert (tmp_path / "scale.svg").read_text("utf-8").startswith("<svg")
    assert not (tmp_path / "work").exists()
