"""The page of a quote, from the file to all that shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from rag.articles import read
from rag.corpus import _decode_article, _encode_article
from rag.generation import Draft
from rag.grounding import cite, page_at
from rag.schema import Answer, Article, Citation, Edition
from tests.conftest import make_article
from tests.stand_in import whole
from ui import render
from ui.export import to_json
from ui.terminal import print_answer
from ui.viewer import article_page

WORDS = "Hạn mặn kéo dài 74 ngày làm 38 trạm phải giảm công suất."


@pytest.fixture(scope="module")
def report() -> Article:
    """A report of two pages."""
    return read(Path(__file__).parent / "documents" / "bao-cao.pdf")


@pytest.fixture(scope="module")
def citation(report: Article) -> Citation:
    start = report.text.index(WORDS)
    cited = cite(Draft(WORDS, whole(report), (start, start + len(WORDS))), 1)
    assert cited is not None
    return cited[1]


def test_pages_survive_the_index_and_cost_nothing_where_there_are_none(report: Article) -> None:
    assert _decode_article(_encode_article(report)) == report
    assert "pages" not in _encode_article(make_article("a"))


def test_page_at(report: Article) -> None:
    assert len(report.pages) == 2
    second = report.pages[1]
    assert [page_at(report, at) for at in (0, second - 1, second, len(report.text) - 1)] == [1, 1, 2, 2]
    assert page_at(make_article("a"), 5) is None
    # Page 2 is a picture: nothing stands on it.
    assert [page_at(replace(report, pages=(0, 9, 9)), at) for at in (8, 9)] == [1, 3]


def test_it_stands_on_the_card_and_in_the_terminal_and_in_json(citation: Citation) -> None:
    answer = Answer("?", f"{WORDS} [1]", (citation,))
    console = Console(record=True, width=200)
    print_answer(console, answer)
    assert citation.page == 2
    assert "trang 2" in render.answer(answer)
    assert "trang 2" in console.export_text()
    assert to_json(answer)["citations"][0]["page"] == 2


def test_nothing_is_said_of_pages_where_there_are_none(citation: Citation) -> None:
    answer = Answer("?", f"{WORDS} [1]", (replace(citation, page=None),))
    assert "trang" not in render.answer(answer)
    assert to_json(answer)["citations"][0]["page"] is None
    assert "Trang 1" not in article_page(Edition(make_article("a")), None, "../")


def test_the_article_tells_where_its_pages_begin(report: Article, citation: Citation) -> None:
    page = article_page(Edition(report), (citation.start, citation.end), "../")
    assert page.index('<p class="page">Trang 1</p>') < page.index("Toàn tỉnh có 214 trạm")
    assert page.index("Tân Phước") < page.index('<p class="page">Trang 2</p>') < page.index("II&#46; Khó khăn")
    assert page.count('class="page"') == 2
    assert "Đến đoạn được trích dẫn (trang 2)" in page


def test_a_paragraph_over_two_pages_is_said_to_be_on_both() -> None:
    article = make_article("a", "Mở đầu.\n\nMột đoạn dài sang trang sau.\n\nĐoạn cuối.", pages=(0, 20))
    page = article_page(Edition(article), None, "../")
    assert page.index(">Trang 1<") < page.index(">Trang 1–2<") < page.index("Một đoạn") < page.index("Đoạn cuối")
    assert page.count('class="page"') == 2
