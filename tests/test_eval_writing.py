"""How the words of a language model fared: one question, all, beside quotes alone, and as it is printed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from rich.console import Console

from eval.names import known
from eval.report import to_html
from eval.result import Result, extractive, load, summarise, to_json
from eval.terminal import print_result
from eval.writing import totals, written, written_scores
from rag.evidence import Evidence
from rag.generation import Draft, open_generator
from rag.question import Question
from rag.schema import Answer, Citation, Outcome, Writing
from tests.test_eval_cli import _place, call
from tests.test_eval_report import HOSTILE, parse, result

__all__ = ["_place"]  # its fixture, for the run at the end

CITED = Citation(1, "a", "Cầu", "", None, "", "", "Cầu dài 86 mét, rộng 7 mét.", 0, 27)
ANSWER = Answer(
    "?",
    "Cầu dài 86 mét. [1]\nCầu rộng 9 mét. [2]\nCầu dài 86 mét, rộng 7 mét. [3]",
    (CITED, replace(CITED, marker=2), replace(CITED, marker=3)),
    writing=Writing("test:model", kept=2, moved=1, dropped=(("Cầu cao.", "no source"),), note="Hết giờ.", tokens_in=90),
)


def test_each_sentence_of_the_model_is_held_against_its_source() -> None:
    found = written(ANSWER, answerable=True)
    assert found == {
        "model": "test:model",
        "shown": ["Cầu dài 86 mét.", "Cầu rộng 9 mét."],  # the third is a quote
        "moved": 1,
        "dropped": [{"text": "Cầu cao.", "why": "no source"}],
        "unsupported": [{"text": "Cầu rộng 9 mét.", "lacks": ["9"]}],
        "note": "Hết giờ.",
        "tokens_in": 90,
        "tokens_out": 0,
    }
    assert written_scores(found) == {
        "model_sentences": 2,
        "model_moved": 1,
        "model_dropped": 1,
        "model_replaced": 0,
        "model_supported": 0,
        "model_tokens_in": 90,
    }
    assert all(map(known, written_scores(found)))


def test_whatever_is_said_where_the_corpus_holds_no_answer_is_unsupported() -> None:
    found = written(ANSWER, answerable=False)
    assert found and [one["lacks"] for one in found["unsupported"]] == [[], ["9"]]
    refused = written(replace(ANSWER, outcome=Outcome.NOT_FOUND), answerable=False)
    assert refused and not refused["shown"] and not refused["unsupported"]
    assert "model_supported" not in written_scores(refused)
    assert written_scores(refused)["model_replaced"] == 1


def test_a_model_that_was_not_asked_has_no_scores() -> None:
    assert written(replace(ANSWER, writing=Writing()), answerable=True) is None
    assert totals([{"id": "a"}]) == {}


def test_sums() -> None:
    one, other = written(ANSWER, answerable=True), written(replace(ANSWER, text=""), answerable=True)
    assert totals([{"writing": one}, {"writing": other}, {}]) == {
        "asked": 2,
        "replaced": 1,
        "shown": 2,
        "dropped": 2,
        "unsupported": 1,
        "moved": 2,
        "tokens_in": 180,
        "tokens_out": 0,
    }


def with_model(text: str = "Cầu dài 90 mét.") -> Result:
    """A run with a model that was unsupported once, and beside it one with quotes alone that is right more often."""
    plain = result(text)
    questions = [
        question | {"correct": False, "scores": question["scores"] | {"correct": 0.0}} for question in plain.questions
    ]
    for question in questions[:2]:
        question["writing"] = {
            **{
                "model": "m",
                "shown": [text, "Hai."],
                "moved": 1,
                "dropped": [{"text": text, "why": text}],
                "note": text,
            },
            **{"unsupported": [{"text": text, "lacks": [text]}], "tokens_in": 5, "tokens_out": 7},
        }
    found = summarise(plain.run, questions, {})
    found.detail["extractive"] = asdict(plain)
    return found


def test_both_are_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(to_json(with_model()), "utf-8")
    found = load(tmp_path / "a.json")
    beside = extractive(found)
    assert beside and beside.metrics == result().metrics
    assert extractive(beside) is None


def test_the_report_shows_each_sentence_and_both_answers() -> None:
    words = " ".join("".join(parse(to_html(with_model())).words).split())
    for shown in (
        "unsupported sentences that are shown",
        "So với chỉ trích nguyên văn",
        "không có căn cứ",
        "Token viết",
    ):
        assert shown in words
    assert "Right only with quotes · 6" in words
    assert "So với" not in "".join(parse(to_html(result())).words)


def test_nothing_hostile_in_a_models_words_comes_to_life() -> None:
    html = to_html(with_model(HOSTILE))
    assert {"script", "img"}.isdisjoint(parse(html).tags)
    assert "<script" not in html


def test_the_terminal_names_what_should_not_have_been_shown() -> None:
    console = Console(record=True, width=200)
    print_result(console, with_model("Cầu [b]dài 90 mét."))
    printed = console.export_text()
    assert "was asked 2 questions. Of its sentences 4 are shown, 2 of them with another source" in printed
    assert "Unsupported sentences that are shown: 2" in printed
    assert "q0  Cầu [b]dài 90 mét. (Cầu [b]dài 90 mét.)" in printed
    assert "A: quotes alone. B: the language model." in printed


class Scripted:
    """Writes as a model would: a sentence that its passage carries, one that it does not, and one that was dropped."""

    name = "test:scripted"

    def generate(self, _question: Question, evidence: Sequence[Evidence], _said: int = 0) -> Iterator[Draft | Writing]:
        best = evidence[0]
        yield Draft(best.text, best.passage, best.span)
        yield Draft("Nơi đó có 12345 người.", best.passage, best.span)
        yield Writing(self.name, kept=2, dropped=(("Bịa.", "x"),), tokens_in=10, tokens_out=2)


def test_a_run_with_a_model_is_compared_with_quotes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "rag.pipeline.open_generator", lambda s: Scripted() if s.generator == Scripted.name else open_generator(s)
    )
    found = call("gold.jsonl", "--corpus", "corpus", "--generator", Scripted.name, "--json", "out.json")
    assert found.exit_code == 0, found.output
    out = json.loads(Path("out.json").read_text("utf-8"))
    asked = [question for question in out["questions"] if "writing" in question]
    assert asked and out["detail"]["writing"]["asked"] == len(asked)
    assert out["detail"]["writing"]["unsupported"] >= len(asked)
    assert out["run"]["generator"] == Scripted.name
    assert out["metrics"]["model_supported"] == 0
    assert out["detail"]["extractive"]["run"]["generator"] == "extractive"
    assert not any("writing" in question for question in out["detail"]["extractive"]["questions"])
    assert "A: quotes alone" in found.stdout
