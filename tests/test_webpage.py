"""Saved pages: their data, their encodings, and what is thrown at a parser."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from rag.articles import read_bytes
from rag.errors import ArticleError
from rag.schema import Article

LEAD = "Sáng nay, xã Phú Điền khánh thành cây cầu mới bắc qua sông Vàm sau mười tháng thi công."
BODY = "Cây cầu dài 86 mét, rộng 7 mét, nối hai ấp vốn chỉ đi lại bằng đò ngang từ bao đời nay."
PAGE = (
    "<!DOCTYPE html><html><head><title>{title}</title>{head}</head><body><h1>Cầu mới nối hai bờ</h1>"
    "<p>{lead}</p><p>{body}</p></body></html>"
)


def read(head: str = "", title: str = "Cầu mới nối hai bờ", lead: str = LEAD, name: str = "bai.html") -> Article:
    return read_bytes(PAGE.format(title=title, head=head, lead=lead, body=BODY).encode(), name, Path(name).suffix)


@pytest.mark.parametrize(
    ("head", "meant"),
    [
        ('<meta property="article:published_time" content="2022-09-19T20:00:00Z">', date(2022, 9, 20)),
        ('<meta property="article:published_time" content="2022-09-20T01:00:00+07:00">', date(2022, 9, 20)),
        ('<meta itemprop="datePublished" content="20/09/2022">', date(2022, 9, 20)),
        ('<meta property="article:modified_time" content="2022-09-20">', None),
        ('<script type="application/ld+json">{"@type": "NewsArticle", "datePublished": "2022-09-20"}</script>',
         date(2022, 9, 20)),
        ('<script type="application/ld+json">{"@type": "NewsArticle", "datePublished": 7, "author": [3]', None),
        ('<script type="application/ld+json">' + "[" * 50_000 + "</script>", None),
    ],
)  # fmt: skip
def test_the_date_is_that_of_publication_in_vietnam(head: str, meant: date | None) -> None:
    assert read(head).published == meant


def test_the_publisher_is_that_of_the_domain_and_the_address_must_be_one() -> None:
    named = read('<link rel="canonical" href="https://tuoitre.vn/a.htm"><meta property="og:site_name" content="TTO!">')
    assert (named.publisher, named.url) == ("Tuổi Trẻ", "https://tuoitre.vn/a.htm")
    assert read('<link rel="canonical" href="javascript:alert(1)">').url == ""


def test_a_page_title_with_the_name_of_the_site_is_cut_to_the_articles() -> None:
    assert read(title="Cầu mới nối hai bờ - Báo Thử - Tin nhanh").title == "Cầu mới nối hai bờ"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1258"])
def test_encodings(codec: str) -> None:
    lead, body = (text if codec != "cp1258" else parted(text) for text in (LEAD, BODY))
    page = PAGE.format(title="Cau", head="", lead=lead, body=body).replace("Cầu mới nối hai bờ", "Khanh thanh")
    assert LEAD in read_bytes(page.encode(codec), "bai.html", ".html").text


def parted(text: str) -> str:
    """`text` as windows-1258 has it: tones after their letters."""
    import unicodedata

    out = ""
    for letter in unicodedata.normalize("NFC", text):
        try:
            letter.encode("cp1258")
            out += letter
        except UnicodeEncodeError:
            whole = unicodedata.normalize("NFD", letter)
            tone = next(mark for mark in whole if mark in "\u0300\u0301\u0303\u0309\u0323")
            out += unicodedata.normalize("NFC", whole.replace(tone, "")) + tone
    return out


def test_html_by_another_name_is_read_as_what_it_is() -> None:
    assert read(name="bai.md").text == read().text
    assert "<" not in read(name="bai.txt").text


def test_nothing_of_a_script_or_of_an_entity_comes_in(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mật khẩu", encoding="utf-8")
    page = (
        f'<?xml version="1.0"?><!DOCTYPE html [<!ENTITY x SYSTEM "file://{secret}">]>'
        f"<html><body><p>{LEAD}</p><p>&x; {BODY}</p><script>alert('chạy')</script>"
        f"<p onclick='chạy()' style='display:none'>Chữ ẩn không ai thấy trên trang này cả.</p></body></html>"
    )
    text = read_bytes(page.encode(), "bai.html", ".html").text
    assert not [word for word in ("mật khẩu", "alert", "chạy", "Chữ ẩn") if word in text]


def test_ten_megabytes_around_an_article_do_not_hide_it() -> None:
    menu = "".join(f'<li><a href="/{n}">Mục số {n} của trang</a></li>' for n in range(40_000))
    scripts = "<script>" + "x=1;" * 1_500_000 + "</script>"
    article = read(head=scripts, lead=f"{LEAD}</p><ul>{menu}</ul><p>")
    assert LEAD in article.text
    assert BODY in article.text
    assert "Mục số" not in article.text


def test_what_is_nested_deeply_is_read() -> None:
    assert BODY in read(lead="<div>" * 500 + LEAD).text


@pytest.mark.parametrize("page", ["<html></html>", "<html><body>" + "<div>" * 20_000, "<html>\x00\x01", "<html" * 1000])
def test_a_page_without_an_article_is_told(page: str) -> None:
    with pytest.raises(ArticleError, match=r"bai\.html .*;"):
        read_bytes(page.encode(), "bai.html", ".html")


def test_no_parser_is_loaded_before_there_is_something_to_parse() -> None:
    program = (
        "import sys, rag.articles; print(sorted({'lxml', 'mammoth', 'trafilatura', 'pypdfium2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"


def test_a_lead_that_is_set_as_a_heading_is_prose_and_a_heading_is_one() -> None:
    article = read(lead=f"</p><h2>{LEAD}</h2><h2>Rút ngắn đường đến trường</h2><p>")
    (heading,) = (article.text[slice(*span)] for span in article.headings)
    assert heading == "Rút ngắn đường đến trường"
    assert LEAD in article.text
