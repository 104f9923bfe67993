"""Two runs compared, on results made for the purpose; and feedback turned into gold lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from eval.candidates import Feedback, candidates, read_feedback
from eval.compare import compare
from eval.errors import EvalError
from eval.gold import load_gold
from eval.result import Result, summarise
from eval.terminal import print_comparison, print_result


def make(correct: list[bool], support: list[float] | None = None, **scores: float) -> Result:
    questions: list[dict[str, Any]] = [
        {
            "id": f"q{i}",
            "type": "fact",
            "question": f"Câu {i}?",
            "answer": f"Đáp {i} [b]{right}",
            "refused": False,
            "correct": right,
            "answerable": i % 2 == 0,
            "support": support[i] if support else None,
            "latency_ms": 1.0,
            "scores": {"correct": float(right), **scores},
        }
        for i, right in enumerate(correct)
    ]
    run = {"set": "s", "generator": "g", "embedder": "e", "corpus": "c", "seconds": 1.0}
    return summarise(run, questions, {})


def test_a_clear_gain_is_significant_and_a_small_one_is_not() -> None:
    before = make([False] * 20 + [True] * 20)
    clear = compare(before, make([True] * 30 + [False] * 2 + [True] * 8))
    (difference,) = clear.differences
    # 10 + 10 got better... the first 20 were wrong: all right now; of the last 20 two are wrong now.
    assert (len(clear.better), len(clear.worse)) == (20, 2)
    assert difference.better is True
    assert difference.b - difference.a == pytest.approx(18 / 40)
    assert difference.low < 18 / 40 < difference.high
    assert difference.p < 0.001
    small = compare(before, make([True] * 2 + [False] * 18 + [True] * 20))
    assert small.differences[0].better is None
    assert small.differences[0].p == 0.5  # two of two heads
    assert small.differences[0].low <= 0.05
    assert compare(before, before).differences[0].p == 1


def test_how_many_questions_have_the_same_citations(capsys: pytest.CaptureFixture[str]) -> None:
    def citing(*quotes: list[tuple[str, str]]) -> Result:
        result = make([True] * len(quotes))
        for question, cited in zip(result.questions, quotes, strict=True):
            question["citations"] = [{"article_id": a, "quote": q, "title": f"Of {a}"} for a, q in cited]
        return result

    before = citing([("a", "Một."), ("b", "Hai.")], [("a", "Một.")], [("a", "Ba.")], [])
    after = citing([("b", "Hai."), ("a", "Một.")], [("a", "Một.")], [("c", "Ba.")], [])
    found = compare(before, after)
    assert found.same_citations == 2
    print_comparison(Console(), found)
    assert "The same citations for 2 of them (50.0%)" in capsys.readouterr().out
    assert compare(make([True]), make([True])).same_citations is None


def test_a_loss_is_worse_and_lower_may_be_better() -> None:
    right, wrong = [True] * 20, [False] * 20
    worse = compare(make(right, false_refusal_rate=0.0), make(wrong, false_refusal_rate=1.0))
    assert {d.name: d.better for d in worse.differences} == {"correct": False, "false_refusal_rate": False}
    better = compare(make(wrong, mean_words=60.0), make(right, mean_words=20.0))
    assert {d.name: d.better for d in better.differences} == {"correct": True, "mean_words": True}


def test_chance_is_seldom_called_significant() -> None:
    random = np.random.default_rng(0)
    marked = 0
    for _ in range(100):
        a, b = (make((random.random(60) < 0.6).tolist()) for _ in range(2))
        marked += compare(a, b).differences[0].better is not None
    assert marked <= 8


def test_area_is_compared_by_drawing_questions_in_pairs() -> None:
    random = np.random.default_rng(1)
    told = [0.9 if i % 2 == 0 else 0.1 for i in range(60)]
    guessed = random.random(60).tolist()
    found = {d.name: d for d in compare(make([True] * 60, guessed), make([True] * 60, told)).differences}
    assert found["refusal_auroc"].b == 1
    assert found["refusal_auroc"].better is True
    same = {d.name: d for d in compare(make([True] * 60, guessed), make([True] * 60, guessed)).differences}
    assert same["refusal_auroc"].better is None


def test_only_what_both_asked_is_compared() -> None:
    a, b = make([True] * 4), make([True] * 3)
    b.questions[2]["question"] = "Khác?"
    found = compare(a, b)
    assert (found.shared, found.only_a, found.only_b) == (2, 2, 1)
    with pytest.raises(EvalError, match="no question in common"):
        compare(a, make([]))


def test_a_score_of_one_run_alone_is_left_out() -> None:
    found = compare(make([True] * 3, em=1.0), make([True] * 3))
    assert [d.name for d in found.differences] == ["correct"]


def test_tables_can_be_printed_and_markup_in_answers_is_only_text() -> None:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    print_comparison(console, compare(make([False] * 30), make([True] * 30)))
    print_result(console, make([True, False]))
    text = console.export_text()
    assert "better" in text
    assert "[b]True" in text
    assert "and 10 more" in text


def test_feedback_becomes_lines_to_review(tmp_path: Path) -> None:
    said = [
        Feedback("Cầu dài bao nhiêu?", "86 mét [1]", "up", articles=("a",), quotes=("Cầu dài 86 mét.",)),
        Feedback("cầu dài bao nhiêu ?", "khác", "down"),
        Feedback("ai xay cau", "Ông A [1]", "down", comment="sai rồi", articles=("a",)),
        Feedback("Ai là vua Mặt Trăng?", "Tôi không tìm thấy.", "up", refused=True),
        Feedback("Còn rộng?", "7 mét", "down", history=(("user", "Cầu dài?"), ("assistant", "86 mét"))),
    ]
    lines = list(candidates(said))
    assert [line["type"] for line in lines] == ["fact", "unaccented", "unanswerable", "followup"]
    assert [line["answers"] for line in lines] == [["Cầu dài 86 mét."], [], [], []]
    assert lines[1]["review"]["comment"] == "sai rồi"
    path = tmp_path / "c.jsonl"
    from eval.candidates import to_lines

    path.write_text(to_lines(lines), "utf-8")
    with pytest.raises(EvalError, match="line 1: still to be reviewed"):
        load_gold([path])
    reviewed = [{key: value for key, value in line.items() if key != "review"} for line in lines]
    path.write_text(to_lines(reviewed), "utf-8")
    assert len(load_gold([path])) == 4  # what comes out is gold in form
    feedback = tmp_path / "f.jsonl"
    feedback.write_text(
        '{"question": "Gì?", "answer": "x", "rating": "up", "history": [{"role": "user", "content": "A"}]}\n'
    )
    assert [one.history for one in read_feedback(feedback)] == [(("user", "A"),)]
    feedback.write_text('{"question": "Gì?", "answer": "x", "rating": "meh"}\n', "utf-8")
    with pytest.raises(EvalError, match=r"line 1: .*rating"):
        list(read_feedback(feedback))
