"""What feeds and sitemaps say."""

from __future__ import annotations

from datetime import date

import pytest

from rag.articles.feeds import Entry, Place, entries, kind_of, places
from rag.errors import ArticleError

RSS = """<?xml version="1.0" encoding="utf-8"?>
<!-- một bản tin -->
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Tin</title>
<item><title>Giá gạo &amp; cà phê</title><link>https://bao.example/gao</link>
<pubDate>Tue, 02 Apr 2024 23:30:00 +0700</pubDate><description>Tóm tắt</description></item>
<item><title>Cá tra</title><link>https://bao.example/ca</link><author>Lan Anh</author>
<content:encoded><![CDATA[<p>Cá đạt 9 tỷ USD.</p>]]></content:encoded></item>
<item><title>Giá gạo, lần nữa</title><link>https://bao.example/gao</link></item>
<item><title>Không có đường dẫn</title></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Tin</title>
<entry><title type="html">&lt;b&gt;Cầu&lt;/b&gt; mới</title><link href="https://bao.example/cau"/>
<updated>2024-04-03T00:30:00+07:00</updated><author><name>Minh</name></author></entry></feed>"""

SITEMAP = """<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc> https://bao.example/a?x=1&amp;y=2 </loc><lastmod>2024-04-02</lastmod></url>
<url><loc>https://bao.example/b</loc></url><url><lastmod>2024-04-02</lastmod></url></urlset>"""

INDEX = """<sitemapindex><sitemap><loc>https://bao.example/1.xml</loc></sitemap></sitemapindex>"""

ENTITIES = f"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "{"x" * 1000}"><!ENTITY b "{"&a;" * 1000}">
<!ENTITY c "{"&b;" * 1000}"><!ENTITY x SYSTEM "file:///etc/hostname">]>"""


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (RSS, "feed"),
        (ATOM, "feed"),
        ('<rdf:RDF xmlns:rdf="x">', "feed"),
        (SITEMAP, "sitemap"),
        (INDEX, "sitemap index"),
        ("<!DOCTYPE html><html><body><rss></body>", ""),
        ("<rssx>", ""),
        ("rss", ""),
        ("", ""),
    ],
)
def test_what_it_is(data: str, kind: str) -> None:
    assert kind_of(data.encode()) == kind


def test_rss() -> None:
    assert entries(RSS.encode(), "tin.rss") == [
        Entry("https://bao.example/gao", "Giá gạo & cà phê", date(2024, 4, 2)),
        Entry("https://bao.example/ca", "Cá tra", None, "Lan Anh", "<p>Cá đạt 9 tỷ USD.</p>"),
    ]


def test_atom() -> None:
    assert entries(ATOM.encode(), "tin.atom") == [Entry("https://bao.example/cau", "Cầu mới", date(2024, 4, 3), "Minh")]


def test_a_feed_with_small_mistakes_is_read() -> None:
    broken = RSS.replace("&amp;", "&").replace("</channel></rss>", "")
    assert [entry.title for entry in entries(broken.encode(), "x")] == ["Giá gạo & cà phê", "Cá tra"]


@pytest.mark.parametrize("data", ["<rss", "<rss><item></rss>", ENTITIES + "<rss version='2.0'><item>&c;</item></rss>"])
def test_a_feed_that_is_broken_is_told(data: str) -> None:
    with pytest.raises(ArticleError, match=r"tin\.rss cannot be read as a feed"):
        entries(data.encode(), "tin.rss")


def test_entities_of_a_feed_are_neither_files_nor_bombs() -> None:
    item = "<item><link>https://bao.example/{0}</link><title>{0} &{0};</title></item>"
    data = f"{ENTITIES}<rss version='2.0'><channel>{item.format('x')}{item.format('c')}</channel></rss>"
    found = entries(data.encode(), "x")
    assert all(len(entry.title) < 100_000 for entry in found)
    assert found[0].title in {"x", "x &x;"}


def test_an_empty_feed_is_no_mistake() -> None:
    assert entries(b"<rss version='2.0'><channel></channel></rss>", "x") == []


def test_sitemaps() -> None:
    assert places(SITEMAP.encode(), "s") == [
        Place("https://bao.example/a?x=1&y=2", "2024-04-02"),
        Place("https://bao.example/b"),
    ]
    assert places(INDEX.encode(), "s") == [Place("https://bao.example/1.xml")]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("<urlset><url>", "is broken XML"),
        (ENTITIES + "<urlset><url><loc>&c;</loc></url></urlset>", "declares entities"),
        ("<!DOCTYPE urlset SYSTEM 'http://a.example/x.dtd'><urlset/>", "declares entities"),
    ],
)
def test_a_sitemap_that_is_no_good_is_told(data: str, told: str) -> None:
    with pytest.raises(ArticleError, match=rf"s\.xml {told}"):
        places(data.encode(), "s.xml")
