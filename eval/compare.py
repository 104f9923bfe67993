"""Two runs side by side: what got better, what got worse, and whether chance explains it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eval.errors import EvalError
from eval.metrics import auroc
from eval.result import Question, Result
from eval.stats import Bootstrap, paired_p

LOWER_IS_BETTER = (
    "false_refusal_rate",
    "mean_words",
    "model_replaced",
    "model_moved",
    "model_dropped",
    "model_tokens_in",
    "model_tokens_out",
)
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric in both runs, over the `count` questions that both have with that score.

    `low` and `high` are the 95 % interval of `b - a`, from questions drawn in pairs; `p` is that of the paired test.
    """

    name: str
    a: float
    b: float
    low: float
    high: float
    p: float
    count: int

    @property
    def better(self) -> bool | None:
        """Whether b is better than a; None if the difference is not significant."""
        if self.p >= SIGNIFICANT or self.a == self.b:
            return None
        return (self.b < self.a) if self.name.removeprefix("given_context.") in LOWER_IS_BETTER else self.b > self.a


@dataclass(frozen=True, slots=True)
class Comparison:
    """`better` and `worse` are the records of a question in both runs, where one is correct and the other is not.

    `same_citations` are the shared questions for which both cite the same words of the same articles in the same order;
    None for runs without answers.
    """

    shared: int
    same_citations: int | None
    only_a: int
    only_b: int
    differences: tuple[Difference, ...]
    better: tuple[tuple[Question, Question], ...]
    worse: tuple[tuple[Question, Question], ...]


def compare(a: Result, b: Result) -> Comparison:
    """Compare `b` with `a` on the questions that both asked, in the same words.

    Raises:
        EvalError: they have no question in common.
    """
    before = {q["id"]: q for q in a.questions}
    pairs = [(before[q["id"]], q) for q in b.questions if _same(before.get(q["id"]), q)]
    if not pairs:
        raise EvalError("The two runs have no question in common: compare runs on the same set.")
    bootstrap = Bootstrap([q.get("group") or q["id"] for q, _ in pairs])
    names = list(dict.fromkeys(n for q, _ in pairs for n in q.get("scores", {})))
    differences = [found for name in names if (found := _difference(name, pairs, bootstrap))]
    if area := _area(pairs, bootstrap):
        differences.append(area)
    return Comparison(
        shared=len(pairs),
        same_citations=_same_citations(pairs),
        only_a=len(a.questions) - len(pairs),
        only_b=len(b.questions) - len(pairs),
        differences=tuple(differences),
        better=tuple((x, y) for x, y in pairs if y["correct"] and not x["correct"]),
        worse=tuple((x, y) for x, y in pairs if x["correct"] and not y["correct"]),
    )


def _same(a: Question | None, b: Question) -> bool:
    return a is not None and a["question"] == b["question"]


def _same_citations(pairs: list[tuple[Question, Question]]) -> int | None:
    if not all("citations" in question for pair in pairs for question in pair):
        return None
    return sum(_cited(x) == _cited(y) for x, y in pairs)


def _cited(question: Question) -> list[tuple[str, str]]:
    return [(citation["article_id"], citation["quote"]) for citation in question["citations"]]


def _difference(name: str, pairs: list[tuple[Question, Question]], bootstrap: Bootstrap) -> Difference | None:
    nan = float("nan")
    both = np.array([(x["scores"].get(name, nan), y.get("scores", {}).get(name, nan)) for x, y in pairs], np.float64)
    both[np.isnan(both).any(axis=1)] = nan  # a score that only one run has cannot be paired
    held = both[~np.isnan(both[:, 0])]
    if not len(held):
        return None
    change = both[:, 1] - both[:, 0]
    interval = bootstrap.mean(change[:, None])[0] or (nan, nan)
    means = held.mean(axis=0)
    # Questions of one group are one observation.
    grouped: dict[str, float] = {}
    for (x, _), d in zip(pairs, change, strict=True):
        if not np.isnan(d):
            group = x.get("group") or x["id"]
            grouped[group] = grouped.get(group, 0.0) + float(d)
    return Difference(name, float(means[0]), float(means[1]), *interval, paired_p(list(grouped.values())), len(held))


def _area(pairs: list[tuple[Question, Question]], bootstrap: Bootstrap) -> Difference | None:
    """AUROC is no mean: its p is from the share of paired draws on the other side of no difference."""
    sides = [[pair[i] for pair in pairs] for i in (0, 1)]
    if any(q.get("support") is None or "answerable" not in q for side in sides for q in side):
        return None
    labels = [not q["answerable"] for q in sides[0]]
    if labels != [not q["answerable"] for q in sides[1]] or len(set(labels)) < 2:
        return None
    scores = [[1 - q["support"] for q in side] for side in sides]
    a, b = (auroc(values, labels) for values in scores)
    assert a is not None and b is not None  # noqa: S101 # both kinds are there
    draws = bootstrap.auroc_draws(scores[1], labels) - bootstrap.auroc_draws(scores[0], labels)
    draws = draws[~np.isnan(draws)]
    low, high = np.percentile(draws, [2.5, 97.5])
    p = min(1.0, 2 * min(float((draws <= 0).mean()), float((draws >= 0).mean())) + 1 / len(draws))
    return Difference("refusal_auroc", a, b, float(low), float(high), p, len(pairs))
