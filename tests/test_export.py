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
    short=(8, 16),
)
ANSWER = Answer(
    question="Gạo đạt bao nhiêu?",
    text="Gạo đạt 5 tỷ USD. [1]",
    citations=(CITATION,),
    passages=(PASSAGE,),
    support=0.9,
    understood="Gạo đạt bao nhiêu USD?",
    trace=(("synonyms", "Gạo đạt bao nhiêu USD?"),),
    generator="extractive",
    timings={"embed": 1.5},
)
REFUSED = Answer("Cá?", "Tôi không tìm thấy.", outcome=Outcome.NOT_FOUND, reason="Không có đoạn nào.")
NEAREST = replace(REFUSED, text=f"{REFUSED.text}\nChỉ có: {ANSWER.text}", citations=(CITATION,))
UNSURE = replace(ANSWER, outcome=Outcome.UNSURE, reason="Tôi không chắc:")


def printed(answer: Answer, *, terminal: bool = False) -> str:
    console = Console(
        file=io.StringIO(),
        width=100,
        highlight=False,
        force_terminal=terminal,
        color_system="standard" if terminal else None,
    )
    print_answer(console, answer)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_keys_are_those_that_were_promised() -> None:
    data = to_json(ANSWER)
    assert list(data) == [
        "question",
        "understood",
        "trace",
        "answer",
        "outcome",
        "refused",
        "reason",
        "support",
        "citations",
        "passages",
        "generator",
        "writing",
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
    assert (citation["short_answer"], citation["short_start"], citation["short_end"]) == ("5 tỷ USD", 8, 16)
    assert data["understood"] == "Gạo đạt bao nhiêu USD?"
    assert data["trace"] == [{"step": "synonyms", "question": "Gạo đạt bao nhiêu USD?"}]
    assert (data["outcome"], data["support"]) == ("answered", 0.9)
    (passage,) = data["passages"]
    assert passage["text"] == "Gạo đạt 5 tỷ USD."
    assert passage["scores"] == {"dense": 0.9, "lexical": 3.5, "fused": 1.2}
    assert json.loads(json.dumps(data, ensure_ascii=False)) == data


def test_a_refusal_and_a_missing_date() -> None:
    data = to_json(REFUSED)
    assert (data["outcome"], data["refused"]) == ("not_found", True)
    assert (data["reason"], data["citations"]) == ("Không có đoạn nào.", [])
    (citation,) = to_json(replace(ANSWER, citations=(replace(CITATION, published=None, short=None),)))["citations"]
    assert [citation[key] for key in ("published", "short_answer", "short_start", "short_end")] == [None] * 4


def test_an_unsure_answer_is_no_refusal() -> None:
    data = to_json(UNSURE)
    assert (data["outcome"], data["refused"], data["reason"]) == ("unsure", False, "Tôi không chắc:")


def test_the_terminal_shows_answer_source_and_quote() -> None:
    text = printed(ANSWER)
    assert "Gạo đạt **5 tỷ USD**. [1]" in text
    assert "[1] Gạo [bold]nếp[/bold] · Báo Thử · 02/04/2024 · gao" in text  # markup in a title stays a text
    assert "“Gạo đạt 5 tỷ USD.”" in text


def test_the_terminal_shows_why_it_was_refused() -> None:
    assert printed(REFUSED).split("\n") == ["", "Tôi không tìm thấy.", "Không có đoạn nào.", "", ""]


def test_the_terminal_tells_the_outcomes_apart() -> None:
    asked = ["", "Tôi hiểu câu hỏi là: Gạo đạt bao nhiêu USD?", "  Tìm cả từ đồng nghĩa: Gạo đạt bao nhiêu USD?"]
    said = "Gạo đạt **5 tỷ USD**. [1]"
    for answer, lines in (
        (ANSWER, [*asked, said]),
        (UNSURE, [*asked, "Tôi không chắc:", said]),
        (NEAREST, ["", "Tôi không tìm thấy.", "Không có đoạn nào.", f"Chỉ có: {said}"]),
    ):
        assert printed(answer).split("\n")[: len(lines)] == lines
        assert "“Gạo đạt 5 tỷ USD.”" in printed(answer)  # a quote stays word for word


def test_a_real_terminal_has_bold_and_dim() -> None:
    text = printed(UNSURE, terminal=True)
    assert "Gạo đạt \x1b[1m5 tỷ USD\x1b[0m. [1]" in text
    assert "**" not in text
    assert "\x1b[33mTôi không chắc:\x1b[0m" in text
    assert "\x1b[2mTôi hiểu câu hỏi là:" in text
    assert "\x1b[31mTôi không tìm thấy.\x1b[0m" in printed(NEAREST, terminal=True)


def test_an_article_cannot_write_markup_to_the_terminal() -> None:
    hostile = "[link=http://evil.example]bấm[/link] [/] [red]đỏ"
    answer = replace(ANSWER, text=hostile, citations=(replace(CITATION, quote=hostile, title=hostile),))
    assert printed(answer).count("[link=http://evil.example]bấm[/link] [/] [red]đỏ") == 3
