"""The counts of the language at large that the speller falls back on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from eval import count_bigrams
from rag.vietnamese import bigrams as module
from rag.vietnamese.bigrams import Bigrams, bigrams


def test_what_ships_knows_the_language() -> None:
    known = bigrams()
    usual, unusual, unknown = known.follow([("thủ", "đô"), ("thứ", "đô"), ("thủ", "qwerty")])
    assert usual > 50 * unusual
    assert unknown == 0
    assert known.share("của") > 100 * known.share("khuỷu") > 0
    assert known.share("qwerty") == 0


def test_probabilities_are_those_of_the_texts_that_were_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles = tmp_path / "articles.jsonl"
    lines = [{"title": "Thủ đô", "text": "Thủ đô. Thủ tướng"}] * count_bigrams.LEAST
    articles.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    folder = tmp_path / "rag" / "vietnamese" / "data"
    folder.mkdir(parents=True)
    (tmp_path / "eval").mkdir()
    monkeypatch.setattr(count_bigrams, "__file__", str(tmp_path / "eval" / "count_bigrams.py"))
    monkeypatch.setattr(sys, "argv", ["count_bigrams", str(articles)])
    count_bigrams.main()

    monkeypatch.setattr(module, "files", lambda _: tmp_path / "rag" / "vietnamese")
    counted: Bigrams = bigrams.__wrapped__()
    follows = counted.follow([("thủ", "đô"), ("thủ", "tướng"), ("đô", "thủ"), ("tướng", "thủ")])
    # A count is kept to a sixteenth of a doubling; nothing follows across the end of a sentence or an article.
    assert np.allclose(follows, [2 / 3, 1 / 3, 0, 0], rtol=0.05)
    assert counted.share("thủ") == pytest.approx(0.5e6)
