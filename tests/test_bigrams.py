"""The counts of the language at large that the speller falls back on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from eval import count_bigrams
from rag.vietnamese import bigrams as module
from rag.vietnamese.bigrams import START, Bigrams, bigrams


def count(argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bigrams:
    """What the file that `argument` names is counted to be."""
    folder = tmp_path / "rag" / "vietnamese" / "data"
    folder.mkdir(parents=True)
    (tmp_path / "eval").mkdir()
    monkeypatch.setattr(count_bigrams, "__file__", str(tmp_path / "eval" / "count_bigrams.py"))
    monkeypatch.setattr(sys, "argv", ["count_bigrams", argument])
    count_bigrams.main()
    monkeypatch.setattr(module, "files", lambda _: tmp_path / "rag" / "vietnamese")
    counted: Bigrams = bigrams.__wrapped__()
    return counted


def test_what_ships_knows_the_language() -> None:
    known = bigrams()
    usual, unusual, unknown = known.follow([("thủ", "đô"), ("thứ", "đô"), ("thủ", "qwerty")])
    assert usual > 50 * unusual
    assert unknown == 0
    assert known.share("của") > 100 * known.share("khuỷu") > 0
    assert known.share("qwerty") == 0


def test_it_knows_how_people_ask_and_begin() -> None:
    several, cloud = bigrams().follow([("có", "mấy"), ("có", "mây")])
    assert several > 10 * cloud
    article, beach = bigrams().follow([(START, "bài"), (START, "bãi")])
    assert article > 10 * beach


def test_every_number_is_followed_by_what_follows_numbers() -> None:
    when, spirit, same = bigrams().follow([("2022", "khi"), ("2022", "khí"), ("9", "khi")])
    assert when == same > spirit


def test_questions_count_as_often_as_is_said_with_those_before_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = [{"role": "user", "content": "Thủ đô?"}, {"role": "assistant", "content": "Thủ thành."}]
    rows = [
        {"question": "Thủ tướng?", "history": history},
        {"question": "thu thach"},  # without accents it teaches none
        {"question": "Thủ thách?", "type": "typo"},
    ] * count_bigrams.LEAST + [{"question": "thủ chắc"}]
    questions = tmp_path / "questions.jsonl"
    questions.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    counted = count(f"{questions}=7", tmp_path, monkeypatch)
    follows = counted.follow([("thủ", "đô"), ("thủ", "tướng"), ("thủ", "thành"), ("thủ", "thách"), (START, "thủ")])
    assert np.allclose(follows, [5 / 11, 5 / 11, 0, 0, 1], rtol=0.05)
    assert counted.share("chắc") == 0  # typed once


def test_probabilities_are_those_of_the_texts_that_were_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles = tmp_path / "articles.jsonl"
    lines = [{"title": "Thủ đô", "text": "Thủ đô. Thủ tướng"}] * count_bigrams.LEAST
    articles.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    counted = count(str(articles), tmp_path, monkeypatch)
    follows = counted.follow([("thủ", "đô"), ("thủ", "tướng"), ("đô", "thủ"), ("tướng", "thủ")])
    # A count is kept to a sixteenth of a doubling; nothing follows across the end of a sentence or an article.
    assert np.allclose(follows, [2 / 3, 1 / 3, 0, 0], rtol=0.05)
    assert counted.share("thủ") == pytest.approx(0.5e6)
