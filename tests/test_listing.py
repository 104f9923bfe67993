"""The list of the articles: what a search finds, how it is shown, and its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from rag.pipeline import Pipeline
from rag.schema import Article
from tests.conftest import make_article
from tests.stand_in import StandIn
from ui.listing import PER_PAGE, excerpt, found, newest_first
from ui.viewer import router


def client_of(engine: StandIn | Pipeline) -> TestClient:
    app = FastAPI()
    app.include_router(router(engine))
    return TestClient(app)


@pytest.fixture(scope="module")
def seeds(pipeline: Pipeline) -> Iterator[TestClient]:
    with client_of(pipeline) as client:
        yield client


def titles(client: TestClient, **query: str) -> list[str]:
    return re.findall(r'<li><a href="articles[^"]*">([^<]*)', client.get("/articles", params=query).text)


def test_words_are_found_with_and_without_accents(seeds: TestClient) -> None:
    everything = titles(seeds)
    assert len(everything) == 5
    (only,) = titles(seeds, q="Lê Ngọc Châu")
    assert titles(seeds, q="le ngoc chau") == [only]
    assert titles(seeds, q="lê ngọc chấu") == []
    assert "Không có bài viết nào" in seeds.get("/articles", params={"q": "bóng đá ngoại hạng"}).text


def test_what_was_found_is_marked_and_opens_there(seeds: TestClient) -> None:
    page = seeds.get("/articles", params={"q": "le ngoc chau"}).text
    assert re.findall("<mark>([^<]*)</mark>", page) == ["Lê", "Ngọc", "Châu"]
    start, end = re.findall(r"start&#61;(\d+)&#38;end&#61;(\d+)&#35;quote", page)[0]
    article = seeds.get(f"/articles/ha-tinh-trien-khai-chi-thi-15-2023?start={start}&end={end}").text
    assert re.findall('<mark id="quote">([^<]*)</mark>', article) == ["Lê Ngọc Châu"]


def test_a_publisher_can_be_chosen_where_there_are_several() -> None:
    articles = [
        make_article(name, publisher=publisher) for name, publisher in (("a", "Báo A"), ("b", "Báo B"), ("c", ""))
    ]
    client = client_of(StandIn(*articles))
    assert titles(client, publisher="Báo B") == ["Tiêu đề b"]
    assert titles(client, publisher="Báo B", q="Tiêu đề a") == []
    assert '<option value="Báo B" selected>' in client.get("/articles", params={"publisher": "Báo B"}).text
    assert "<select" not in client_of(StandIn(articles[0])).get("/articles").text


def test_a_long_list_has_pages() -> None:
    client = client_of(StandIn(*(make_article(f"a{number:02}") for number in range(2 * PER_PAGE + 5))))
    first, second, third = (titles(client, page=number, q="Tiêu đề") for number in "123")
    assert [len(first), len(second), len(third)] == [PER_PAGE, PER_PAGE, 5]
    assert len({*first, *second, *third}) == 2 * PER_PAGE + 5
    for odd in ("0", "-1", "x", "9" * 5000, "²"):
        assert titles(client, page=odd, q="Tiêu đề") in (first, third)
    page = client.get("/articles", params={"q": "Tiêu đề", "page": "2"}).text
    assert "Trang trước" in page
    assert "page&#61;3" in page


def test_newest_first_and_without_a_date_last() -> None:
    articles = [
        make_article("b"),
        make_article("c", published=date(2023, 1, 1)),
        make_article("a"),
        make_article("d", published=date(2024, 1, 1)),
    ]
    assert [article.id for article in newest_first(articles)] == ["d", "c", "a", "b"]


@given(st.text(alphabet="ab 1ấ.\n", max_size=600), st.sets(st.sampled_from(["a", "b", "ấ", "1", "ab"]), max_size=3))
def test_an_excerpt_is_of_the_text_and_its_words_are_those_sought(text: str, wanted: set[str]) -> None:
    (start, end), places = excerpt(text, frozenset(wanted))
    assert 0 <= start <= end <= len(text)
    assert end - start <= 220
    assert all(start <= a < b <= end for a, b in places)
    assert set(places) <= set(found(text, frozenset(wanted)))


def test_an_excerpt_begins_near_the_words() -> None:
    text = "Mở đầu.\n" + "từ khác " * 100 + "chỗ cần tìm " + "sau đó " * 100
    (start, end), places = excerpt(text, frozenset(["can", "tim"]))
    assert [text[a:b] for a, b in places] == ["cần", "tìm"]
    assert re.fullmatch(r"(khác )?(từ khác )+chỗ cần tìm (sau đó )+sau( đó)?", text[start:end])


def test_an_article_without_the_words_in_its_text_shows_its_beginning() -> None:
    article = Article("a", "Chỉ có ở tiêu đề", "Dòng đầu.\nDòng sau.")
    assert excerpt(article.text, frozenset(["tieu"])) == ((0, 9), [])
