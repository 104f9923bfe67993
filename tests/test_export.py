"""An answer as plain data, and on a terminal."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date

from rich.console import Console

from rag.schema import Answer, Article, Chunk, Citation, Outcome, Passage, Scores
from ui.export import to_json
from ui.terminal import print_answer

ARTICLE = Article(id="gao", title="Gạo [bold]nếp[/bold]", text="Gạo đạt 5 tỷ USD.", publisher="Báo Thử")
PASSAGE = Passage(Chunk("gao:0-17", "gao", 0, 17, ARTICLE.text, "Mục"), ARTICLE, Scores(0.9, 3.5, 1.2), 1, (0.91,))
CITATION = Citation(
    marker=1,
    article_id="gao",
    title=ARTICLE.title,
    publisher="Báo Thử",
    published=date(2024, 4, 2),
    url="",
    source="Cổng tin",
    quote=ARTICLE.text,
    start=0,
    end=17,
)
ANSWER = Answer(
    question="Gạo đạt bao nhiêu?",
    text="Gạo đạt 5 tỷ USD. [1]",
    citations=(CITATION,),
    passages=(PASSAGE,),
    support=0.9,
    generator="extractive",
    timings={"embed": 1.5},
)
REFUSED = Answer("Cá?", "Tôi không tìm thấy.", outcome=Outcome.NOT_FOUND, reason="Không có đoạn nào.")


def printed(answer: Answer) -> str:
    console = Console(file=io.StringIO(), width=100, highlight=False)
    print_answer(console, answer)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_keys_are_those_that_were_promised() -> None:
    data = to_json(ANSWER)
    assert list(data) == [
        "question",
        "answer",
        "refused",
        "reason",
        "citations",
        "passages",
        "generator",
        "timings_ms",
    ]
    (citation,) = data["citations"]
    promised = {"marker", "article_id", "title", "publisher", "published", "url", "quote", "start", "end"}
    assert promised <= set(citation)
    assert (citation["published"], citation["quote"], citation["start"], citation["end"]) == (
        "2024-04-02",
        "Gạo đạt 5 tỷ USD.",
        0,
        17,
    )
    (passage,) = data["passages"]
    assert passage["text"] == "Gạo đạt 5 tỷ USD."
    assert passage["scores"] == {"dense": 0.9, "lexical": 3.5, "fused": 1.2}
    assert json.loads(json.dumps(data, ensure_ascii=False)) == data


def test_a_refusal_and_a_missing_date() -> None:
    data = to_json(REFUSED)
    assert (data["refused"], data["reason"], data["citations"]) == (True, "Không có đoạn nào.", [])
    undated = to_json(replace(ANSWER, citations=(replace(CITATION, published=None),)))
    assert undated["citations"][0]["published"] is None


def test_the_terminal_shows_answer_source_and_quote() -> None:
    text = printed(ANSWER)
    assert "Gạo đạt 5 tỷ USD. [1]" in text
    assert "[1] Gạo [bold]nếp[/bold] · Báo Thử · 02/04/2024 · gao" in text  # markup in a title stays a text
    assert "“Gạo đạt 5 tỷ USD.”" in text


def test_the_terminal_shows_why_it_was_refused() -> None:
    text = printed(REFUSED)
    assert "Tôi không tìm thấy." in text
    assert "Không có đoạn nào." in text


def test_an_article_cannot_write_markup_to_the_terminal() -> None:
    hostile = "[link=http://evil.example]bấm[/link] [/] [red]đỏ"
    answer = replace(ANSWER, text=hostile, citations=(replace(CITATION, quote=hostile, title=hostile),))
    assert printed(answer).count("[link=http://evil.example]bấm[/link] [/] [red]đỏ") == 3
