"""Whole runs: the shape of the result, and that generators which answer badly score badly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice

import pytest

from eval.gold import load_gold, shipped
from eval.names import below, known, parse_minimum
from eval.result import Result
from eval.run import run_cases
from eval.score import Case
from rag.evidence import Evidence
from rag.generation import Draft, Generator
from rag.pipeline import Pipeline
from rag.question import Question
from rag.schema import Turn

TYPES = ("fact", "followup", "unanswerable")


class TitleGenerator:
    """Answers with the title of the best article, whatever was asked."""

    name = "title"

    def generate(self, _question: Question, evidence: Sequence[Evidence], _said: int = 0) -> Iterator[Draft]:
        best = evidence[0]
        yield Draft(best.passage.article.title, best.passage, best.passage.chunk.sentences[0])


class RefusingGenerator:
    """Never finds anything to say."""

    name = "refusing"

    def generate(self, _question: Question, _evidence: Sequence[Evidence], _said: int = 0) -> Iterator[Draft]:
        return iter(())


class PassageGenerator:
    """Shows the best three passages whole: the answer is in there somewhere."""

    name = "passages"

    def generate(self, _question: Question, evidence: Sequence[Evidence], _said: int = 0) -> Iterator[Draft]:
        for passage in dict.fromkeys(e.passage.chunk.id for e in evidence[:30]):
            found = next(e.passage for e in evidence if e.passage.chunk.id == passage)
            yield Draft(found.chunk.text, found, (found.chunk.start, found.chunk.end))
            if found.rank >= 3:
                break


def with_generator(pipeline: Pipeline, generator: Generator) -> Pipeline:
    """`pipeline` with another generator, which is asked even where the answer is in doubt; the rest as it is."""
    calibration = replace(pipeline._calibration, answer_from=pipeline._calibration.refuse_below)
    return Pipeline(pipeline.corpus, generator, calibration, pipeline._reader)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """The first few gold questions of each type: what is measured here is the measuring."""
    by_type = groupby(sorted(load_gold(shipped("dev"), TYPES), key=lambda gold: gold.type), lambda gold: gold.type)
    return [
        Case(
            gold.id,
            gold.type,
            gold.question,
            answers=tuple(gold.answers),
            all_of=tuple(gold.all_of),
            articles=tuple(gold.articles),
            history=tuple(Turn(turn.role, turn.content) for turn in gold.history),
        )
        for _, golds in by_type
        for gold in islice(golds, 4)
    ]


@pytest.fixture(scope="module")
def shipped_run(pipeline: Pipeline, cases: list[Case]) -> Result:
    return run_cases(pipeline, cases, {"corpus": "seeds"})


def test_every_figure_is_there(shipped_run: Result, cases: list[Case]) -> None:
    names = {
        "answer_accuracy",
        "token_f1",
        "mean_words",
        "citation_accuracy",
        "citation_validity",
        "refusal_precision",
        "refusal_recall",
        "false_refusal_rate",
        "refusal_auroc",
        "latency_p50_ms",
        "latency_p95_ms",
        "latency.embed_p50_ms",
    }
    names |= {f"answer_in_citations@{n}" for n in (1, 2, 3)}
    for way in ("dense", "lexical", "fused"):
        for level in ("", "article."):
            names |= {f"{way}.{level}{m}" for m in ("ndcg@10", "mrr", "recall@1", "recall@5", "recall@10", "recall@20")}
    assert names <= set(shipped_run.metrics)
    assert all(known(name) for name in shipped_run.metrics)
    assert {"em", "f1", "given_context.refusal_auroc"}.isdisjoint(shipped_run.metrics)  # not measured: absent
    assert set(shipped_run.run) >= {"version", "generator", "embedder", "corpus", "started", "seconds"}
    assert set(shipped_run.by_type) == set(TYPES)
    assert "answer_accuracy" not in shipped_run.by_type["unanswerable"]
    assert [q["id"] for q in shipped_run.questions] == [case.id for case in cases]
    for question in shipped_run.questions:
        keys = {"id", "type", "question", "answer", "refused", "citations", "correct", "latency_ms"}
        assert keys <= set(question)
        assert all({"article_id", "quote"} <= set(c) for c in question["citations"])
        assert bool(question["failure"]) != question["correct"]


def test_means_and_intervals_are_those_of_the_questions(shipped_run: Result) -> None:
    answered = [q["scores"]["answer_accuracy"] for q in shipped_run.questions if q["answerable"]]
    assert shipped_run.metrics["answer_accuracy"] == pytest.approx(sum(answered) / len(answered), abs=1e-5)
    for name, interval in shipped_run.detail["intervals"].items():
        if interval:
            assert interval[0] - 1e-6 <= shipped_run.metrics[name] <= interval[1] + 1e-6, name


def test_the_shipped_generator_does_its_work(shipped_run: Result) -> None:
    assert shipped_run.metrics["citation_validity"] == 1
    assert shipped_run.by_type["fact"]["answer_accuracy"] > 0.7
    assert shipped_run.metrics["fused.article.recall@5"] > 0.9
    assert shipped_run.metrics["refusal_auroc"] > 0.7


def test_always_the_title_scores_badly(pipeline: Pipeline, cases: list[Case], shipped_run: Result) -> None:
    found = run_cases(with_generator(pipeline, TitleGenerator()), cases, {}).metrics
    assert found["answer_accuracy"] < 0.1
    assert found["citation_accuracy"] < 0.3
    # What does not depend on the generator is the same.
    for name in ("refusal_auroc", "fused.mrr", "refusal_recall"):
        assert found[name] == shipped_run.metrics[name]


def test_always_refusing_scores_badly(pipeline: Pipeline, cases: list[Case]) -> None:
    found = run_cases(with_generator(pipeline, RefusingGenerator()), cases, {}).metrics
    assert found["answer_accuracy"] == found["citation_accuracy"] == found["token_f1"] == 0
    assert found["false_refusal_rate"] == found["refusal_recall"] == 1
    unanswerable = sum(not case.answerable for case in cases)
    assert found["refusal_precision"] == found["correct"] == pytest.approx(unanswerable / len(cases), abs=1e-5)
    assert {"mean_words", "citation_validity"}.isdisjoint(found)


def test_no_refusal_precision_where_nothing_should_be_refused(pipeline: Pipeline, cases: list[Case]) -> None:
    answerable = [case for case in cases if case.answerable][:3]
    found = run_cases(with_generator(pipeline, RefusingGenerator()), answerable, {}).metrics
    assert found["false_refusal_rate"] == 1
    assert {"refusal_precision", "refusal_recall", "refusal_auroc"}.isdisjoint(found)


def test_quoting_whole_passages_scores_badly(pipeline: Pipeline, cases: list[Case], shipped_run: Result) -> None:
    result = run_cases(with_generator(pipeline, PassageGenerator()), cases, {})
    found = result.metrics
    assert found["answer_accuracy"] < 0.15
    assert found["citation_accuracy"] < 0.25  # a quote of a hundred words points to nothing
    assert found["token_f1"] < shipped_run.metrics["token_f1"] / 2
    assert found["mean_words"] > 150
    assert found["citation_validity"] == 1  # for what it quotes does stand there
    assert "too_long" in {q["failure"] for q in result.questions}


def test_a_question_that_cannot_be_asked_is_wrong_and_ends_nothing(pipeline: Pipeline, cases: list[Case]) -> None:
    long = replace(cases[0], id="long", question="dài " * 1000)
    result = run_cases(pipeline, [cases[0], long], {})
    record = result.questions[1]
    assert not record["correct"]
    assert record["answer"] == ""
    assert "giới hạn" in record["reason"]


def test_several_articles_are_needed_together(pipeline: Pipeline) -> None:
    ids = tuple(article.id for article in pipeline.articles()[:2])
    either = Case("a", "multi", "Hội nghị ngoại giao kinh tế", answers=("ngoại giao",), articles=ids)
    both = replace(either, id="b", every_article=True)
    one, two = (q["scores"] for q in run_cases(pipeline, [either, both], {}).questions)
    assert one["fused.article.recall@1"] in (0, 1)
    assert two["fused.article.recall@1"] <= 0.5
    assert two["fused.article.recall@5"] == 1


def test_minimums(shipped_run: Result) -> None:
    assert parse_minimum("fused.ndcg@10=0.5") == ("fused.ndcg@10", 0.5)
    assert below(shipped_run, [("citation_validity", 1.0)]) == []
    (sentence,) = below(shipped_run, [("citation_validity", 1.0), ("answer_accuracy", 1.01)])
    assert sentence.startswith("answer_accuracy is ") and sentence.endswith(", below 1.01.")
