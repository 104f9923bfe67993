"""An answer as HTML: what is shown, and that nothing in it can act."""

from __future__ import annotations

import html
import re
import string
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.schema import Answer, Article, Chunk, Outcome, Passage, Scores
from tests.stand_in import DOUBT, HOSTILE, HOSTILE_SHORT, HOSTILE_TEXT, NO_YEAR, REFUSAL, TRADE, cite
from ui import render

OUR_TAGS = {
    "div", "p", "ul", "ol", "li", "a", "span", "blockquote", "br", "button", "strong", "mark", "details", "summary"
}  # fmt: skip
OUR_ATTRIBUTES = {"class", "href", "title", "type"}
FIRST = cite(TRADE, "Tổng kim ngạch năm 2023 đạt 683 tỷ USD.")
WITH_SHORT = cite(TRADE, FIRST.quote, short="683 tỷ USD")
MARKED = 'Tổng kim ngạch năm 2023 đạt <strong class="hd-short">683 tỷ USD</strong>&#46;'


class Tags(HTMLParser):
    """The tags, attributes, links and text of a piece of HTML."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.links: dict[str, str] = {}
        self.text = ""
        self._href = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self._href = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        self._href = ""

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._href:
            self.links[data] = self._href


@given(st.text())
def test_escaped_text_has_no_sign_that_a_parser_acts_on(text: str) -> None:
    escaped = render.escape(text)
    assert not set(re.sub(r"&#\d+;", "", escaped)) & set(string.punctuation)
    assert html.unescape(escaped) == render.plain(text)


def test_plain_drops_what_disguises_text_and_keeps_vietnamese() -> None:
    assert render.plain("a\u202eb\u2066c\u200bd\ufeffe\u00adf\x00g\x1bh") == "abcdefgh"
    assert render.plain("a\r\n\r\u2028") == "a\n\n\n"
    kept = "Đường sắt, 1.000 đ và\u00a0“ngoặc”"
    assert render.plain(kept.replace("đ và", "đ\tvà") + "\r\nhai\u2028ba") == kept + "\nhai\nba"


@pytest.mark.parametrize("where", ["text", "title", "publisher", "source", "quote", "url", "article_id"])
def test_hostile_text_is_inert_wherever_it_stands(where: str) -> None:
    if where == "text":
        reply = Answer("?", f"{HOSTILE_TEXT} [1]", (FIRST,))
    else:
        hostile: Any = {where: HOSTILE_TEXT}
        reply = Answer("?", "Câu. [1]", (replace(FIRST, **hostile),))
    found = Tags(render.answer(reply))
    assert set(found.tags) <= OUR_TAGS
    assert set(found.attributes) <= OUR_ATTRIBUTES
    assert all(re.match(r"articles/[^/:]+\?start=|https://example\.vn/", link) for link in found.links.values())
    if where in {"text", "title", "quote"}:
        assert "<script>window.hacked = 1</script>" in found.text


def test_hostile_question_and_reason_are_inert() -> None:
    refusal = Answer("?", HOSTILE_TEXT, outcome=Outcome.NOT_FOUND, reason=HOSTILE_TEXT)
    for source in (
        render.question(HOSTILE_TEXT),
        render.answer(refusal),
        render.answer(replace(refusal, outcome=Outcome.UNSURE)),
        render.answer(replace(refusal, text="", understood=HOSTILE_TEXT, trace=((HOSTILE_TEXT, HOSTILE_TEXT),))),
        render.notice(HOSTILE_TEXT, "error"),
    ):
        assert set(Tags(source).tags) <= {"div", "p", "br", "button", "details", "summary", "ol", "li"}


def test_a_hostile_short_answer_is_marked_and_inert() -> None:
    hostile = cite(HOSTILE, HOSTILE_TEXT, short=HOSTILE_SHORT)
    source = render.answer(Answer("?", f"{HOSTILE_TEXT} [1]", (hostile,)))
    assert set(Tags(source).tags) <= OUR_TAGS
    assert source.count(f'<strong class="hd-short">{render.escape(HOSTILE_SHORT)}</strong>') == 2


def test_markers_lead_to_the_quoted_words_and_unknown_ones_stay_text() -> None:
    found = Tags(render.answer(Answer("?", "Đạt 683 tỷ USD. [1] Và nữa [7] [x] [12345].", (FIRST,))))
    assert found.links["[1]"] == f"articles/thuong-mai-2023?start={FIRST.start}&end={FIRST.end}#quote"
    assert "[7]" not in found.links
    assert "Và nữa [7] [x] [12345]." in found.text


def test_a_card_shows_where_the_words_stand() -> None:
    found = Tags(render.answer(Answer("?", "Câu. [1]", (FIRST,))))
    for words in (
        "Thương mại năm 2023",
        "Báo Thử · 02/04/2024",
        FIRST.quote,
        "Theo: Cổng thông tin: “Bài gốc”",
    ):
        assert words in found.text
    assert found.links["Mở bài viết"].endswith("#quote")
    assert found.links["Xem bài gốc"] == "https://example.vn/bai?a=1&b=2"


def test_a_card_tells_how_many_say_nearly_the_same() -> None:
    assert "gần giống" not in Tags(render.answer(Answer("?", "Câu. [1]", (FIRST,)))).text
    found = Tags(render.answer(Answer("?", "Câu. [1]", (replace(FIRST, alike=4),))))
    assert found.links["và 4 bài gần giống"] == "articles/thuong-mai-2023#alike"


def test_a_card_leaves_out_what_is_not_known() -> None:
    bare = replace(FIRST, publisher="", published=None, url="", source="")
    text = Tags(render.answer(Answer("?", "Câu. [1]", (bare,)))).text
    assert "Theo:" not in text
    assert "·" not in text
    assert "Xem bài gốc" not in text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "//evil.example/x",
        "/articles/x",
        "https://",
        "https://bank.vn@evil.example/",
        "https://example.vn/a b",
        "java\nscript:alert(1)",
        "https://example.vn/\u202egpj",
        "http://[::1",
        "",
    ],
)
def test_only_an_ordinary_web_address_is_linked(url: str) -> None:
    assert render.web_address(url) == ""
    assert "hd-original" not in render.answer(Answer("?", "Câu. [1]", (replace(FIRST, url=url),)))


def test_lines_with_a_dash_are_a_list() -> None:
    source = render.answer(Answer("?", "Gồm: [1]\n- một\n\n- hai [1]\nHết.", (FIRST,)))
    assert re.search(r"</p><ul><li>một</li><li>hai <a [^>]*>[^<]*</a></li></ul><p>Hết", source)


def test_numbered_lines_are_a_list_that_keeps_its_numbers() -> None:
    source = render.answer(Answer("?", "Gồm:\n\n1. một\n2) hai\n2024 là năm.", (FIRST,)))
    item = '<li class="hd-numbered">'
    assert f"<ul>{item}1&#46; một</li>{item}2&#41; hai</li></ul><p>2024 là năm" in source


def test_a_quote_of_several_lines_keeps_them_without_blank_ones() -> None:
    lines = replace(FIRST, quote="Gồm:\n\n- một\n \n- hai")
    assert "Gồm&#58;<br>&#45; một<br>&#45; hai</mark></blockquote>" in render.answer(Answer("?", "Câu. [1]", (lines,)))


def test_a_refusal_is_a_notice_with_its_reason_and_no_source() -> None:
    source = render.answer(Answer("?", REFUSAL, outcome=Outcome.NOT_FOUND, reason="Vì lẽ này."))
    assert "hd-refused" in source
    assert "Nguồn trích dẫn" not in source
    assert Tags(source).text == f"{REFUSAL}Vì lẽ này.Sao chép câu trả lờiHỏi lại"


def test_the_short_answer_is_marked_in_the_sentence_and_in_the_quote() -> None:
    source = render.answer(Answer("?", f"- {FIRST.quote} [1]", (WITH_SHORT,)))
    assert f"<li>{MARKED} <a " in source
    assert f'<blockquote><mark class="hd-used">{MARKED}</mark></blockquote>' in source
    assert "<strong" not in render.answer(Answer("?", f"{FIRST.quote} [1]", (FIRST,)))


def test_a_quotes_line_ends_stay_around_its_short_answer() -> None:
    article = replace(TRADE, text="Gồm:\n\nmột\n\nhai")
    source = render.answer(Answer("?", "Câu. [1]", (cite(article, article.text, short="một"),)))
    assert 'Gồm&#58;<br><strong class="hd-short">một</strong><br>hai</mark></blockquote>' in source


def test_an_unsure_answer_stands_under_its_warning() -> None:
    source = render.answer(Answer("?", f"{FIRST.quote} [1]", (WITH_SHORT,), outcome=Outcome.UNSURE, reason=DOUBT))
    assert f'<div class="hd-notice hd-unsure"><p>{render.escape(DOUBT)}</p></div><p>{MARKED} <a ' in source
    assert "hd-card" in source
    assert "hd-refused" not in source


def test_a_refusal_shows_what_comes_nearest_in_its_box_and_where_it_stands() -> None:
    text = f"{REFUSAL}\nChỉ có năm 2023: {FIRST.quote} [1]\n- Và nữa. [1]"
    source = render.answer(Answer("?", text, (WITH_SHORT,), outcome=Outcome.NOT_FOUND, reason=NO_YEAR))
    box, _, rest = source.partition("</div>")
    refusal, reason = render.escape(REFUSAL), render.escape(NO_YEAR)
    assert f'hd-refused"><p>{refusal}</p><p class="hd-reason">{reason}</p><p>Chỉ có năm 2023&#58; {MARKED}' in box
    assert re.search(r"<ul><li>Và nữa&#46; <a [^>]*>[^<]*</a></li></ul>$", box)
    assert "hd-card" in rest


def passage_of(article: Article, start: int, end: int, rank: int = 1) -> Passage:
    chunk = Chunk(f"{article.id}:{start}", article.id, start, end, article.text[start:end], heading="Kết quả")
    return Passage(chunk, article, Scores(0.871, 12.5, 1.94), rank)


def test_the_quoted_words_are_marked_between_what_stands_around_them() -> None:
    passage = passage_of(TRADE, TRADE.text.index("Tổng"), len(TRADE.text))
    second = cite(TRADE, "Xuất siêu khoảng 28 tỷ USD.")
    source = render.answer(Answer("?", f"{second.quote} [1]", (second,), (passage,)))
    quoted = source.partition("<blockquote>")[2].partition("</blockquote>")[0]
    assert Tags(quoted).text == (
        "Tổng kim ngạch năm 2023 đạt 683 tỷ USD. Xuất siêu khoảng 28 tỷ USD. "
        "- Vốn FDI đạt gần 36,6 tỷ USD. 1. Mở rộng thị trường. Kết luận của bài viết."
    )
    assert re.findall(r'<mark class="hd-used">(.*?)</mark>', quoted) == [render.escape(second.quote)]
    long = replace(TRADE, text="a b " * 100 + "Câu được trích. " + "c d " * 100)
    cited = cite(long, "Câu được trích.")
    around = render.answer(Answer("?", "Câu. [1]", (cited,), (passage_of(long, 0, len(long.text)),)))
    text = Tags(around.partition("<blockquote>")[2].partition("</blockquote>")[0]).text
    assert re.fullmatch(r"…[ab ]+ Câu được trích[.] [cd ]+…", text)
    assert len(text) < 300


def test_how_a_question_was_understood_and_what_was_considered_is_folded_away() -> None:
    passages = (passage_of(TRADE, 0, 60), passage_of(TRADE, 60, len(TRADE.text), 2))
    asked = Answer(
        "kim ngach",
        f"{FIRST.quote} [1]",
        (FIRST,),
        passages,
        support=0.874,
        timings={"embed": 100.0, "read": 23.0},
        understood="kim ngạch",
        trace=(("accents", "kim ngạch"), ("new", "a?")),
    )
    source = render.answer(asked)
    assert "Tôi hiểu câu hỏi là: kim ngạch" in source
    folded = source.partition('<details class="hd-how">')[2].partition("</details>")[0]
    assert '<ol class="hd-steps"><li>Thêm dấu: kim ngạch</li><li>new: a&#63;</li></ol>' in folded
    assert "Điểm chung 1,94 · gần nghĩa 0,87 · trùng từ 12,50" in folded
    assert "Mức chắc chắn 87% · trả lời trong 0,12 giây" in folded
    assert Tags(folded).links[TRADE.title] == f"articles/thuong-mai-2023?start=60&end={len(TRADE.text)}#quote"
    typed = render.answer(replace(asked, understood="kim ngach", trace=()))
    assert "Câu hỏi được tìm đúng như bạn gõ." in typed
    assert "details" not in render.answer(replace(asked, trace=(), passages=()))


def test_a_hostile_passage_is_inert() -> None:
    passage = passage_of(HOSTILE, 0, len(HOSTILE_TEXT))
    hostile = replace(passage, chunk=replace(passage.chunk, heading=HOSTILE_TEXT))
    cited = cite(HOSTILE, "683")
    source = render.answer(Answer("?", "Câu. [1]", (cited,), (hostile,)))
    assert set(Tags(source).tags) <= OUR_TAGS
    assert set(Tags(source).attributes) <= OUR_ATTRIBUTES


def test_the_scope_of_a_question_stands_under_it() -> None:
    assert render.question("Ai?", "Báo <b>").endswith('<p class="hd-scope">Chỉ tìm trong: Báo &#60;b&#62;</p></div>')


def test_an_article_id_cannot_leave_its_place_in_the_address() -> None:
    assert render.article_path("a/../b?c#d&e") == "articles/a%2F..%2Fb%3Fc%23d%26e"
    assert render.article_path(HOSTILE.id, 0, 5) == "articles/hostile?start=0&end=5#quote"
    assert (
        render.article_path(HOSTILE.id, 0, 5, "0a1b2c3d4e5f") == "articles/hostile?start=0&end=5&v=0a1b2c3d4e5f#quote"
    )


def test_dates_are_written_as_in_vietnam() -> None:
    assert render.day(date(2022, 8, 10)) == "10/08/2022"
    assert render.day(None) == ""


def test_a_long_question_is_shown_cut() -> None:
    text = Tags(render.question("a" * 20_000)).text
    assert text == "a" * 500 + "…"
