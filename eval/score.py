"""The scores of one question: what each metric is the mean of.

A score is absent where it has no meaning: no answer score for a question without an answer, no refusal precision
for one that was answered. Retrieval scores have the way of searching before them (`fused.recall@5`) and, where
articles are counted and not passages, the level (`fused.article.recall@5`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from eval import metrics
from eval.probe import EVIDENCE, WAYS, Found, Rankings, chunk_texts
from eval.text import count_words, holds, meets, without_markers
from rag.chunking import chunk_article
from rag.corpus import Corpus
from rag.schema import Answer, Turn

CUTS = (1, 5, 10, 20)
_MARKER = re.compile(r"\[(\d+)\]")

Scores = dict[str, float]


@dataclass(frozen=True, slots=True)
class Case:
    """A question with what is right, in ids of the corpus that it is asked of.

    `articles` are any of which will do, unless `every_article` is needed. Questions of one `group` are one to the
    statistics. `given` is the article that holds the answer or does not, for sets that ask with it alone;
    `given_answers` are the answers in it.
    """

    id: str
    type: str
    question: str
    answers: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    history: tuple[Turn, ...] = ()
    every_article: bool = False
    group: str = ""
    given: str = ""
    given_answers: tuple[str, ...] = ()

    @property
    def answerable(self) -> bool:
        """Whether the corpus holds the answer."""
        return bool(self.answers or self.all_of)


def answer_scores(case: Case, answer: Answer, text_of: Callable[[str], str | None]) -> Scores:
    """Scores of the answer, its citations and the decision to refuse. `text_of` gives an article's text by its id."""
    scores = refusal_scores(answerable=case.answerable, refused=answer.refused)
    said = without_markers(answer.text)
    if not answer.refused:
        spans = [(text_of(c.article_id), c.start, c.end, c.quote) for c in answer.citations]
        pointed = {int(n) for n in _MARKER.findall(answer.text)}
        scores["mean_words"] = float(count_words(said))
        scores["citation_validity"] = metrics.citation_validity(spans, pointed, {c.marker for c in answer.citations})
    if not case.answerable:
        return scores
    gold = case.answers or (" ".join(case.all_of),)
    quotes = [c.quote for c in answer.citations if not case.articles or c.article_id in case.articles]
    scores["answer_accuracy"] = metrics.answer_accuracy(said, answer.refused, case.answers, case.all_of)
    scores["token_f1"] = 0.0 if answer.refused else metrics.token_f1(said, gold)
    scores["citation_accuracy"] = (
        0.0 if answer.refused else metrics.citation_accuracy(quotes, case.answers, case.all_of)
    )
    # No generator gives one yet; one that does puts it into a field of this name.
    short: str | None = getattr(answer, "short", None)
    if short:
        scores["em"] = 0.0 if answer.refused else metrics.exact_match(short, gold)
        scores["f1"] = 0.0 if answer.refused else metrics.token_f1(short, gold)
    return scores


def refusal_scores(*, answerable: bool, refused: bool) -> Scores:
    """Whether refusing, or not refusing, was right.

    refusal_precision = right refusals / refusals; refusal_recall = right refusals / unanswerable questions;
    false_refusal_rate = wrong refusals / answerable questions.
    """
    scores = {"false_refusal_rate": float(refused)} if answerable else {"refusal_recall": float(refused)}
    return scores | ({"refusal_precision": float(not answerable)} if refused else {})


def evidence_scores(case: Case, sentences: Sequence[str]) -> Scores:
    """answer_in_citations@n: 1 if the answer stands in the n best sentences, else 0."""
    if not case.answerable:
        return {}
    return {
        f"answer_in_citations@{n}": float(meets(sentences[:n], case.answers, case.all_of))
        for n in range(1, EVIDENCE + 1)
    }


def retrieval_scores(case: Case, rankings: Rankings, corpus: Corpus, *, passages: bool = True) -> Scores:
    """Recall, MRR and nDCG of each way of searching: by articles and, if `passages`, by passages that hold the answer.

    Without `passages` an article is the unit, and the names carry no level.
    """
    if not case.answerable:
        return {}
    scores: Scores = {}
    level = "article." if passages else ""
    for way in WAYS:
        order = list(dict.fromkeys(found.article_id for found in rankings[way]))
        if case.articles:
            relevant = [article in case.articles for article in order]
            needs = (
                [_first(article == wanted for article in order) for wanted in case.articles]
                if case.every_article
                else [_first(relevant)]
            )
            scores |= _ranking_scores(f"{way}.{level}", needs, relevant, len(case.articles))
    if passages:
        scores |= _passage_scores(case, rankings, corpus)
    return scores


def _passage_scores(case: Case, rankings: Rankings, corpus: Corpus) -> Scores:
    """A passage is relevant if it holds an answer, or a part of `all_of`, and its article is gold."""
    parts: list[tuple[str, ...]] = [(part,) for part in case.all_of] or [case.answers]
    gold = case.articles or tuple({found.article_id for found in rankings["fused"]})
    texts = chunk_texts(corpus, rankings["fused"], gold)
    total = 0
    for article_id in gold:
        article = corpus.article(article_id)
        total += sum(_helps(chunk.text, parts) for chunk in chunk_article(article)) if article else 0
    if not total:  # the answer is drawn from several passages, or the gold is not of this corpus
        return {}
    scores: Scores = {}
    for way in WAYS:
        ranked = [texts.get(found.key, ("", ""))[1] for found in rankings[way]]
        needs = [_first(any(holds(text, answer) for answer in part) for text in ranked) for part in parts]
        relevant = [_helps(text, parts) for text in ranked]
        scores |= _ranking_scores(f"{way}.", needs, relevant, total)
    return scores


def _helps(text: str, parts: Sequence[Sequence[str]]) -> bool:
    return any(holds(text, answer) for part in parts for answer in part)


def _first(hits: Iterable[bool]) -> int | None:
    return next((rank for rank, hit in enumerate(hits, start=1) if hit), None)


def _ranking_scores(prefix: str, needs: Sequence[int | None], relevant: Sequence[bool], total: int) -> Scores:
    return {
        f"{prefix}ndcg@10": metrics.ndcg(relevant, total),
        f"{prefix}mrr": metrics.reciprocal_rank(relevant),
        **{f"{prefix}recall@{k}": metrics.recall(needs, k) for k in CUTS},
    }


def best_by_article(ranking: Sequence[Found]) -> dict[str, float]:
    """The score of each article: that of its best chunk."""
    best: dict[str, float] = {}
    for found in ranking:
        best.setdefault(found.article_id, found.score)
    return best


def failure(case: Case, answer: Answer, scores: Scores) -> str:
    """Why an answer is wrong, as far as it can be seen from outside; "" if it is right."""
    if not case.answerable:
        return "" if answer.refused else "not_refused"
    if scores["answer_accuracy"]:
        return ""
    passages = [passage.chunk.text for passage in answer.passages]
    if not meets(passages, case.answers, case.all_of):
        return "refused_not_retrieved" if answer.refused else "not_retrieved"
    if answer.refused:
        return "refused"
    said = without_markers(answer.text)
    if count_words(said) > metrics.MAX_WORDS:
        return "too_long"
    return "partial" if any(holds(said, part) for part in (*case.answers, *case.all_of)) else "not_selected"
