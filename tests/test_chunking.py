"""Chunks: every sentence once and whole, offsets that hold, sizes in bounds, whatever the article looks like."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.articles import find, read
from rag.chunking import MAX_WORDS, MIN_WORDS, chunk_article, embedding_text
from rag.schema import Article, Chunk, Span
from rag.vietnamese.sentences import is_list_item, split_statements
from tests.conftest import SEEDS

WORDS = st.sampled_from(
    [
        "cầu",
        "Việt Nam",
        "ngoại giao",
        "TP. Hồ Chí Minh",
        "15-CT/TW",
        "1.000.000 đồng",
        "36,6%",
        "10/8/2022",
        "“3 cùng”",
        "của",
        "và",
        "GS. TS. Trần",
        "(COVID-19)",
        "đạt",
        "v.v.",
        "🙂",
        "http://a.vn/b?c=1",
        "USD",
        "kinh tế - xã hội",
    ]
)


@st.composite
def sentences(draw: st.DrawFn) -> str:
    """A sentence of 1 to about 90 words; now and then one that no chunk can hold."""
    words = draw(st.lists(WORDS, min_size=1, max_size=30)) * draw(st.sampled_from([1, 1, 1, 2, 3, 12]))
    text = " ".join(words)
    return text[0].upper() + text[1:] + draw(st.sampled_from([".", ".", ".", "!", "?", "…", ".”", ":", ""]))


@st.composite
def lists(draw: st.DrawFn) -> str:
    mark = draw(st.sampled_from(["- ", "• ", "1. ", "a) "]))
    items = draw(st.lists(sentences(), min_size=1, max_size=9))
    return "\n".join([draw(sentences()).rstrip(".!?…”:") + ":", *(mark + item for item in items)])


@st.composite
def drawn_articles(draw: st.DrawFn) -> Article:
    """An article of paragraphs, lists and headings in any order."""
    paragraphs = st.lists(sentences(), min_size=1, max_size=8).map(" ".join)
    headings = st.lists(WORDS, min_size=1, max_size=6).map(lambda words: ("heading", " ".join(words)))
    body = st.one_of(paragraphs, paragraphs, lists()).map(lambda text: ("body", text))
    blocks = draw(st.lists(st.one_of(body, body, headings), max_size=14))
    text, spans = "", list[Span]()
    for kind, block in blocks:
        text += draw(st.sampled_from(["\n", "\n\n"])) if text else ""
        if kind == "heading":
            spans.append((len(text), len(text) + len(block)))
        text += block
    return Article("a", "Tiêu đề", text, tuple(spans))


def size(text: str, spans: tuple[Span, ...] | list[Span]) -> int:
    return sum(len(text[start:end].split()) for start, end in spans)


def sentences_of(article: Article) -> list[Span]:
    """All statements of the text but the headings."""
    inside = {at for start, end in article.headings for at in range(start, end)}
    return [span for span in split_statements(article.text) if span[0] not in inside]


def check(article: Article) -> list[Chunk]:
    """What holds for the chunks of every article."""
    chunks = chunk_article(article)
    assert chunks == chunk_article(article)
    assert [span for chunk in chunks for span in chunk.sentences] == sentences_of(article)
    names = {"", *(article.text[start:end] for start, end in article.headings)}
    for chunk in chunks:
        assert article.text[chunk.start : chunk.end] == chunk.text
        assert (chunk.start, chunk.end) == (chunk.sentences[0][0], chunk.sentences[-1][1])
        assert (chunk.article_id, chunk.heading in names) == (article.id, True)
        assert size(article.text, chunk.sentences) <= MAX_WORDS or len(chunk.sentences) == 1
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    assert all(a.end <= b.start for a, b in pairwise(chunks))
    return chunks


def lists_of(article: Article) -> Iterator[list[Span]]:
    """Each list with the sentence that introduces it."""
    found: list[Span] = []
    for span in sentences_of(article):
        headed = found and any(found[-1][1] <= start < span[0] for start, _ in article.headings)
        if found and not headed and is_list_item(article.text, span):
            found.append(span)
            continue
        if len(found) > 1:
            yield found
        found = [span]
    if len(found) > 1:
        yield found


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn_articles())
def test_every_sentence_stands_in_one_chunk_whole(article: Article) -> None:
    chunks = check(article)
    for listed in lists_of(article):
        holding = [chunk for chunk in chunks if set(chunk.sentences) & set(listed)]
        if size(article.text, listed) <= MAX_WORDS:
            assert len(holding) == 1, "a list that a chunk can hold is parted"
        if size(article.text, listed[:2]) <= MAX_WORDS:
            assert set(listed[:2]) <= set(holding[0].sentences), "a list is parted from what introduces it"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(st.sampled_from('aÂđ.!?:;"”’)( \n-–•1Đ…🙂,'), max_size=120))
def test_any_characters(text: str) -> None:
    check(Article("a", "", text))


@pytest.mark.parametrize("text", ["", " \n \n", "\n", "- \n- "])
def test_nothing_to_say_is_no_chunk(text: str) -> None:
    assert all(chunk.text.strip() for chunk in check(Article("a", "T", text)))


def test_a_heading_is_carried_but_not_held() -> None:
    body = " ".join(["Câu này có đúng bảy chữ đấy."] * 20)
    text = f"{body}\nKết quả. Năm 2023\n{body}\nKết luận\n{body}"
    first, second = text.index("Kết quả"), text.index("Kết luận")
    chunks = check(Article("a", "Tiêu đề", text, ((first, first + 17), (second, second + 8))))
    assert [chunk.heading for chunk in chunks] == ["", "Kết quả. Năm 2023", "Kết luận"]
    assert all("Kết" not in chunk.text for chunk in chunks)
    article = Article("a", "Tiêu đề", text)
    assert embedding_text(article, chunks[1]) == f"Tiêu đề\nKết quả. Năm 2023\n{body}"
    assert embedding_text(article, chunks[0]) == f"Tiêu đề\n{body}"


def test_short_sections_are_joined() -> None:
    short, long = "Một câu ngắn thôi.", " ".join(["Câu này có đúng bảy chữ đấy."] * 10)
    text = f"Đầu\n{short}\nGiữa\n{long}\nCuối\n{long}"
    headings = tuple((text.index(name), text.index(name) + 4) for name in ("Giữa", "Cuối"))
    chunks = check(Article("a", "T", text, ((0, 3), *headings)))
    assert [chunk.heading for chunk in chunks] == ["Đầu", "Cuối"]
    assert size(text, chunks[0].sentences) >= MIN_WORDS


def test_a_long_section_is_cut_into_like_parts() -> None:
    sentence = " ".join(["chữ"] * 19) + " cuối."
    (text, count) = (" ".join(["C" + sentence[1:]] * 30), 3)  # 600 words
    chunks = check(Article("a", "T", text))
    assert [size(text, chunk.sentences) for chunk in chunks] == [200] * count


def test_a_sentence_too_long_is_a_chunk_by_itself() -> None:
    long = "Rất " + "dài " * (MAX_WORDS + 30) + "thế."
    text = f"Câu đầu tiên ở đây. {long} Câu cuối cùng ở đây."
    chunks = check(Article("a", "T", text))
    assert [chunk.text for chunk in chunks] == ["Câu đầu tiên ở đây.", long, "Câu cuối cùng ở đây."]


def test_a_list_stays_with_its_introduction() -> None:
    filler = " ".join(["Câu này có đúng bảy chữ đấy."] * 29)
    items = "\n".join(f"- Nhóm thứ {n} " + "nội dung " * 10 + "hết." for n in range(1, 8))
    text = f"{filler}\nCó 7 nhóm nhiệm vụ:\n{items}"
    chunks = check(Article("a", "T", text))
    (holding,) = [chunk for chunk in chunks if "Có 7 nhóm" in chunk.text]
    assert "Nhóm thứ 1 " in holding.text
    assert len(chunks) > 1


def test_the_seed_articles() -> None:
    articles = [read(path) for path in find([SEEDS])]
    assert len(articles) == 5
    chunks = [chunk for article in articles for chunk in check(article)]
    assert all(len(chunk.text.split()) <= MAX_WORDS * 1.1 for chunk in chunks)
    assert sum(len(chunk.text.split()) < MIN_WORDS for chunk in chunks) <= len(articles)
