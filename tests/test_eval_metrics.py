"""The metrics, against values worked out by hand, and against trec_eval and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eval import metrics
from eval.score import Case, answer_scores, refusal_scores
from eval.stats import Bootstrap, paired_p
from rag.schema import Answer, Citation, Outcome


def test_answer_accuracy() -> None:
    assert metrics.answer_accuracy("Ông Lê Ngọc Châu.", False, ["Lê Ngọc Châu", "Thái Sơn"], []) == 1
    assert metrics.answer_accuracy("Ông Lê Ngọc.", False, ["Lê Ngọc Châu"], []) == 0
    assert metrics.answer_accuracy("Ông Lê Ngọc Châu.", True, ["Lê Ngọc Châu"], []) == 0  # a refusal
    assert metrics.answer_accuracy("5 triệu", False, ["5 triệu"], ["5 triệu", "6 triệu"]) == 0  # one is missing
    assert metrics.answer_accuracy("Châu " * 80, False, ["Châu"], []) == 1
    assert metrics.answer_accuracy("Châu " * 81, False, ["Châu"], []) == 0  # the reader has to search


def test_token_f1() -> None:
    # 2 shared of 4 given and 3 gold: P 1/2, R 2/3, F1 4/7. The second answer shares none.
    assert metrics.token_f1("a b c d", ["b c e", "x"]) == pytest.approx(4 / 7)
    assert metrics.token_f1("a a", ["a"]) == pytest.approx(2 / 3)  # bags: the second a is not shared
    assert metrics.token_f1("", ["a"]) == 0


def test_exact_match() -> None:
    assert metrics.exact_match("Hoà Bình.", ["hòa bình"]) == 1
    assert metrics.exact_match("tỉnh Hòa Bình", ["Hòa Bình"]) == 0


def test_citation_accuracy() -> None:
    assert metrics.citation_accuracy(["đạt 683 tỷ USD", "và 28 tỷ"], ["683 tỷ"], ["683 tỷ", "28 tỷ"]) == 1
    assert metrics.citation_accuracy(["đạt 683 tỷ USD"], ["683 tỷ"], ["683 tỷ", "28 tỷ"]) == 0
    assert metrics.citation_accuracy(["từ " * 80 + "683 tỷ"], ["683 tỷ"], []) == 0  # a quote of 82 words
    assert metrics.citation_accuracy([], ["683 tỷ"], []) == 0


def test_citation_validity() -> None:
    text = "Một hai ba."
    assert metrics.citation_validity([(text, 4, 7, "hai")], {1}, {1}) == 1
    assert metrics.citation_validity([(text, 4, 7, "hai"), (text, 3, 7, "hai")], {1, 2}, {1, 2}) == 0
    assert metrics.citation_validity([(None, 4, 7, "hai")], {1}, {1}) == 0  # no such article
    assert metrics.citation_validity([(text, 4, 7, "hai")], {1, 2}, {1}) == 0  # [2] points to nothing
    assert metrics.citation_validity([], set(), set()) == 0  # an answer without a source


def test_recall_counts_what_is_needed() -> None:
    assert metrics.recall([3], 1) == 0
    assert metrics.recall([3], 5) == 1
    assert metrics.recall([1, 7, None], 5) == pytest.approx(1 / 3)
    assert metrics.recall([1, 7, None], 10) == pytest.approx(2 / 3)


def test_reciprocal_rank() -> None:
    assert metrics.reciprocal_rank([False, False, True, True]) == pytest.approx(1 / 3)
    assert metrics.reciprocal_rank([False]) == 0


def test_ndcg() -> None:
    # Relevant at ranks 2 and 3 of 3 relevant: (1/log2 3 + 1/log2 4) / (1 + 1/log2 3 + 1/log2 4).
    gain = 1 / math.log2(3) + 1 / 2
    assert metrics.ndcg([False, True, True], 3) == pytest.approx(gain / (1 + gain))
    assert metrics.ndcg([True] * 20, 20) == pytest.approx(1)
    assert metrics.ndcg([False] * 10 + [True], 1) == 0
    assert metrics.ndcg([], 0) == 0


def test_ranking_metrics_agree_with_trec_eval() -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval")
    random = np.random.default_rng(1)
    for _ in range(50):
        relevant = (random.random(30) < 0.2).tolist()
        missing = int(random.integers(0, 4))
        if not any(relevant):
            continue
        qrels = {f"d{i}": 1 for i, hit in enumerate(relevant) if hit} | {f"m{i}": 1 for i in range(missing)}
        run = {f"d{i}": float(100 - i) for i in range(30)}
        found = pytrec_eval.RelevanceEvaluator({"q": qrels}, {"ndcg_cut.10", "recip_rank"}).evaluate({"q": run})["q"]
        assert metrics.ndcg(relevant, len(qrels)) == pytest.approx(found["ndcg_cut_10"])
        assert metrics.reciprocal_rank(relevant) == pytest.approx(found["recip_rank"])


def test_auroc() -> None:
    # Pairs (positive, negative): .9 > .8, .9 > .2, .5 < .8, .5 > .2: three of four.
    assert metrics.auroc([0.9, 0.8, 0.5, 0.2], [True, False, True, False]) == 0.75
    assert metrics.auroc([0.5, 0.5], [True, False]) == 0.5  # a tie is half
    assert metrics.auroc([0.1, 0.9], [True, False]) == 0
    assert metrics.auroc([0.1, 0.9], [True, True]) is None


def test_refusal_curve() -> None:
    points = metrics.refusal_curve([0.9, 0.6, 0.3], [True, False, True])
    at = {point.threshold: (point.precision, point.recall, point.false_refusal_rate) for point in points}
    assert at[0.0] == (2 / 3, 1, 1)
    assert at[0.6] == (0.5, 0.5, 1)
    assert at[0.9] == (1, 0.5, 0)
    assert (points[-1].precision, points[-1].recall) == (None, 0)
    assert metrics.refusal_curve([0.1], [True]) == []


def test_calibration() -> None:
    first, last = metrics.calibration([0.02, 0.06, 1.0], [False, True, True])
    assert first.support == pytest.approx(0.04)
    assert (first.low, first.count, first.answerable) == (0.0, 2, 0.5)
    assert (last.high, last.count, last.answerable) == (1.0, 1, 1.0)


def test_percentile() -> None:
    assert metrics.percentile([1, 2, 3, 4, 5], 50) == 3
    assert metrics.percentile([0, 10], 95) == pytest.approx(9.5)


def test_refusal_scores_mean_what_they_say() -> None:
    # 3 answerable (1 refused), 2 unanswerable (1 refused): precision 1/2, recall 1/2, false refusals 1/3.
    asked = [(True, True), (True, False), (True, False), (False, True), (False, False)]
    scores = [refusal_scores(answerable=answerable, refused=refused) for answerable, refused in asked]

    def mean(name: str) -> float:
        held = [s[name] for s in scores if name in s]
        return sum(held) / len(held)

    assert mean("refusal_precision") == 0.5
    assert mean("refusal_recall") == 0.5
    assert mean("false_refusal_rate") == pytest.approx(1 / 3)


def test_no_score_without_meaning() -> None:
    refused = Answer("?", "Tôi không tìm thấy.", outcome=Outcome.NOT_FOUND)
    assert answer_scores(Case("i", "fact", "?"), refused, lambda _: None) == {
        "refusal_recall": 1.0,
        "refusal_precision": 1.0,
    }
    scores = answer_scores(Case("i", "fact", "?", answers=("a",)), refused, lambda _: None)
    assert scores["answer_accuracy"] == scores["citation_accuracy"] == scores["token_f1"] == 0
    assert {"mean_words", "citation_validity", "em", "f1"}.isdisjoint(scores)


def test_only_gold_articles_count_as_citations() -> None:
    def cite(article_id: str) -> Citation:
        return Citation(1, article_id, "", "", None, "", "", "683 tỷ", 0, 6)

    case = Case("i", "fact", "?", answers=("683 tỷ",), articles=("right",))
    right, wrong = (Answer("?", "683 tỷ [1]", citations=(cite(name),)) for name in ("right", "wrong"))
    assert answer_scores(case, right, lambda _: "683 tỷ")["citation_accuracy"] == 1
    assert answer_scores(case, wrong, lambda _: "683 tỷ")["citation_accuracy"] == 0
    assert answer_scores(case, wrong, lambda _: "683 tỷ")["answer_accuracy"] == 1
    assert answer_scores(case, right, lambda _: "khác hẳn")["citation_validity"] == 0


def test_bootstrap_interval_is_that_of_theory() -> None:
    random = np.random.default_rng(5)
    values = (random.random(400) < 0.7).astype(np.float64)
    (interval,) = Bootstrap(range(400)).mean(values[:, None])
    assert interval is not None
    error = math.sqrt(values.mean() * (1 - values.mean()) / 400)
    assert interval[0] == pytest.approx(values.mean() - 1.96 * error, abs=0.01)
    assert interval[1] == pytest.approx(values.mean() + 1.96 * error, abs=0.01)


def test_bootstrap_passes_over_missing_scores_and_keeps_groups_together() -> None:
    values = np.array([[1.0], [np.nan], [1.0]])
    assert Bootstrap("abc").mean(values) == [(1.0, 1.0)]
    assert Bootstrap("abc").mean(np.full((3, 1), np.nan)) == [None]
    # A hundred copies of two questions know no more than the two.
    copies = np.array([[0.0]] * 100 + [[1.0]] * 100)
    assert Bootstrap(["x"] * 100 + ["y"] * 100).mean(copies) == [(0.0, 1.0)]
    (apart,) = Bootstrap(range(200)).mean(copies)
    assert apart is not None
    assert apart[1] - apart[0] < 0.2


def test_bootstrap_of_the_area_is_around_it() -> None:
    random = np.random.default_rng(2)
    labels = (random.random(200) < 0.4).tolist()
    scores = [random.normal(1.0 if label else 0.0) for label in labels]
    area, interval = metrics.auroc(scores, labels), Bootstrap(range(200)).auroc(scores, labels)
    assert area is not None
    assert interval is not None
    assert interval[0] < area < interval[1]
    assert 0.05 < interval[1] - interval[0] < 0.25


def test_paired_test() -> None:
    assert paired_p([]) == paired_p([0.0, 0.0]) == 1
    # McNemar, exact: 1 worse and 9 better of ten, 2 * (1 + 10) / 2^10.
    assert paired_p([1.0] * 9 + [-1.0]) == pytest.approx(22 / 1024)
    # All 8 signs of (1, 2, 3): only + + + and - - - reach the sum of 6.
    assert paired_p([1.0, 2.0, 3.0]) == pytest.approx(2 / 8)
    random = np.random.default_rng(3)
    assert paired_p(random.normal(0.5, 1, 200).tolist()) < 0.001
    assert paired_p(random.normal(0, 1, 200).tolist()) > 0.01
