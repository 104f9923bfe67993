"""Example questions: made of the articles, and offered only where the engine answers them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from rag.pipeline import Pipeline
from rag.schema import EVERYTHING, Answer, Article, Filters, Outcome, Turn
from tests.conftest import make_article
from tests.stand_in import HOSTILE, StandIn, cite
from ui.examples import COUNT, candidates, examples


def questions(text: str, *headings: str) -> list[str]:
    spans = tuple((text.index(heading), text.index(heading) + len(heading)) for heading in headings)
    return [candidate.question for candidate in candidates(Article("a", "Bài", text, headings=spans))]


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        (
            "Tổng thu ngân sách của tỉnh năm 2023 đạt gần 1.250 tỷ đồng.",
            "Tổng thu ngân sách của tỉnh năm 2023 đạt bao nhiêu?",
        ),
        ("Cầu Rào mới bắc qua sông Lạch dài 86 mét.", "Cầu Rào mới bắc qua sông Lạch dài bao nhiêu?"),
        ("Tỷ lệ hộ nghèo của huyện Nam giảm 2,5%.", "Tỷ lệ hộ nghèo của huyện Nam giảm bao nhiêu?"),
        (
            "Chiều qua, Chủ tịch tỉnh Trần Văn Nam chủ trì cuộc họp về Đề án 06 cùng các sở.",
            "Ai chủ trì cuộc họp về Đề án 06?",
        ),
        (
            "Kế hoạch của tỉnh Nam năm 2024 gồm 5 nhóm giải pháp: một; hai.",
            "Kế hoạch của tỉnh Nam năm 2024 gồm những nhóm giải pháp nào?",
        ),
        (
            "Sáng 5/9/2023, tại Huế, Bộ Y tế tổ chức hội thảo về vắc-xin.",
            "Bộ Y tế tổ chức hội thảo về vắc-xin vào ngày nào?",
        ),
        (
            "Ban Bí thư ban hành Chỉ thị số 15-CT/TW ngày 10/8/2022.",
            "Ban Bí thư ban hành Chỉ thị số 15-CT/TW ngày nào?",
        ),
        (
            "Phương châm của ngành y tế năm 2022 là “Thích ứng an toàn, linh hoạt”.",
            "Phương châm của ngành y tế năm 2022 là gì?",
        ),
    ],
)
def test_a_sentence_becomes_the_question_that_it_answers(sentence: str, question: str) -> None:
    assert questions(sentence) == [question]


@pytest.mark.parametrize(
    "sentence",
    [
        "Mục đích là tạo động lực bứt phá cho tăng trưởng kinh tế.",  # of what?
        "Đây là một trong những cây cầu dài nhất của tỉnh Nam năm 2023.",
        "Trời hôm nay đẹp.",
        "Cầu <b>Rào</b> mới bắc qua sông Lạch dài 86 mét.",
        "Cầu [Rào](http://evil.example) mới dài 86 mét.",
        "Cầu Rào `mới` bắc qua sông Lạch dài 86 mét.",
    ],
)
def test_what_makes_no_good_question_is_left(sentence: str) -> None:
    assert questions(sentence) == []


def test_a_heading_is_answered_by_its_section() -> None:
    text = "Mở đầu.\n\nBa mục tiêu của năm 2024\n\nMột là sạch.\n\nKết\n\nHết."
    (candidate,) = candidates(Article("a", "Bài", text, headings=((9, 33), (49, 52))))
    assert candidate.question == "Ba mục tiêu của năm 2024 là gì?"
    assert text[slice(*candidate.span)] == "Ba mục tiêu của năm 2024\n\nMột là sạch.\n\n"


def test_a_hostile_article_gives_no_question() -> None:
    assert candidates(HOSTILE) == []


class Picky(StandIn):
    """Answers from the article `knows` alone, whatever is asked; the other questions it is unsure of."""

    def __init__(self, articles: Sequence[Article], knows: str) -> None:
        super().__init__(*articles)
        self.knows = knows
        self.asked: list[str] = []

    def stream(self, question: str, history: Sequence[Turn] = (), only: Filters = EVERYTHING, /) -> Iterator[Answer]:
        self.asked.append(question)
        article = self._articles[self.knows]
        outcome = Outcome.ANSWERED if article.title in question else Outcome.UNSURE
        yield Answer(question, "Câu. [1]", (cite(article, article.text),), outcome=outcome)


def test_only_what_is_answered_from_its_own_sentence_is_offered() -> None:
    articles = [
        Article(name, name, f"Cầu {name} mới của tỉnh Nam dài 86 mét.") for name in ("Rào", "Bính", "Kiền", "Niệm")
    ]
    engine = Picky(articles, "Bính")
    assert examples(engine, articles) == ["Cầu Bính mới của tỉnh Nam dài bao nhiêu?"]
    assert len(engine.asked) == 4


def test_a_large_corpus_is_not_asked_without_end() -> None:
    articles = [make_article(f"{n}", f"Cầu số {n} của tỉnh Nam dài 86 mét. Cầu Rào {n} dài 7 mét.") for n in range(100)]
    engine = Picky(articles, "0")
    assert examples(engine, articles) == []
    assert len(engine.asked) <= 15


def test_the_seeds_give_examples_that_are_answered(pipeline: Pipeline) -> None:
    found = examples(pipeline, pipeline.articles())
    assert 4 <= len(found) <= COUNT
    assert len(set(found)) == len(found)
    for question in found:
        assert pipeline.ask(question).outcome == Outcome.ANSWERED
    articles = {pipeline.ask(question).citations[0].article_id for question in found}
    assert len(articles) >= 3


def test_examples_on_one_article_are_answered_by_it(pipeline: Pipeline) -> None:
    article = pipeline.article("ha-tinh-trien-khai-chi-thi-15-2023")
    assert article
    only = Filters(frozenset([article.id]))
    found = examples(pipeline, [article], only)
    assert found
    assert {c.article_id for q in found for c in pipeline.ask(q, only=only).citations} == {article.id}
