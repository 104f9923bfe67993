"""An engine of a few lines for the tests of the pages: each question word has one behaviour."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from rag.errors import QuestionError
from rag.schema import EVERYTHING, Answer, Article, Chunk, Citation, Edition, Filters, Outcome, Passage, Scores, Turn

REFUSAL = "Tôi không tìm thấy thông tin này trong kho tài liệu."
NO_YEAR = "Những đoạn liên quan nhất không có thông tin về năm 2019."
DOUBT = "Tôi không chắc đây là điều bạn hỏi; đoạn gần nhất là:"

TRADE = Article(
    id="thuong-mai-2023",
    title="Thương mại năm 2023",
    text=(
        "Mở đầu bài viết.\n"
        "Kết quả\n"
        "Tổng kim ngạch năm 2023 đạt 683 tỷ USD. Xuất siêu khoảng 28 tỷ USD.\n"
        "- Vốn FDI đạt gần 36,6 tỷ USD.\n"
        "1. Mở rộng thị trường.\n"
        "Kết luận của bài viết."
    ),
    headings=((17, 24),),
    publisher="Báo Thử",
    author="Người Viết",
    published=date(2024, 4, 2),
    url="https://example.vn/bai?a=1&b=2",
    source="Cổng thông tin: “Bài gốc”",
)

TODAY, OLD = "0123456789ab", "ba9876543210"
REPLACED = datetime(2026, 11, 21, 3, 4, tzinfo=UTC)
"""Two versions of every article, and when the old one became one."""

HOSTILE_TEXT = (
    '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 2"> 683 '
    "![ảnh](http://evil.example/a.png) [bấm](javascript:window.hacked=3) <http://evil.example/b> "
    "<form action=http://evil.example/c><button>gửi</button></form> `mã` **đậm** www.evil.example $x$\n\n"
    "<iframe src=http://evil.example/d></iframe> \u202egnort\u202c \u200bkhông\u200d rộng"
)

HOSTILE_SHORT = "<script>window.hacked = 1</script>"

HOSTILE = Article(
    id="hostile",
    title="<script>window.hacked = 4</script> ![t](http://evil.example/e.png)",
    text=HOSTILE_TEXT,
    publisher="<b>Báo</b>",
    author='" onmouseover="window.hacked = 5',
    url="javascript:window.hacked = 6",
    source="<i onclick=alert(1)>nguồn</i>",
)


def cite(article: Article, words: str, marker: int = 1, short: str = "") -> Citation:
    """A citation of `words`, which stand in `article`, with `short` of them as the short answer."""
    start = article.text.index(words)
    at = start + words.index(short)
    return Citation(
        marker=marker,
        article_id=article.id,
        title=article.title,
        publisher=article.publisher,
        published=article.published,
        url=article.url,
        source=article.source,
        quote=words,
        start=start,
        end=start + len(words),
        short=(at, at + len(short)) if short else None,
    )


def whole(article: Article) -> Passage:
    """All of `article` as a passage that was considered."""
    chunk = Chunk(f"{article.id}:0", article.id, 0, len(article.text), article.text)
    return Passage(chunk, article, Scores(0.87, 12.5, 1.94), 1)


class StandIn:
    """Answers in two steps; `go` lets the second step of a slow answer happen."""

    def __init__(self, *articles: Article) -> None:
        self._articles = {article.id: article for article in articles or (TRADE, HOSTILE)}
        self.near: dict[str, tuple[Article, ...]] = {}
        self.histories: list[tuple[Turn, ...]] = []
        self.scopes: list[Filters] = []
        self.threads: list[str] = []
        self.go = threading.Event()
        self.closed = threading.Event()
        self.read_to_its_end = False
        self.failure: Exception | None = None

    def stream(self, question: str, history: Sequence[Turn] = (), only: Filters = EVERYTHING, /) -> Iterator[Answer]:
        self.histories.append(tuple(history))
        self.scopes.append(only)
        self.threads.append(threading.current_thread().name)
        if not question.strip():
            raise QuestionError("Câu hỏi đang trống: hãy gõ điều bạn muốn biết.")
        if len(question) > 2000:
            raise QuestionError("Câu hỏi quá dài: hãy rút gọn.")
        if "hỏng" in question:
            raise RuntimeError("secret of the machine room")
        if "không có" in question:
            yield Answer(question, REFUSAL, outcome=Outcome.NOT_FOUND, reason="Không có đoạn nào nói đến điều này.")
            return
        if "độc hại" in question:
            cited = cite(HOSTILE, HOSTILE_TEXT, short=HOSTILE_SHORT)
            yield Answer(question, f"{HOSTILE_TEXT} [1] [9]", (cited,), (whole(HOSTILE),))
            return
        first, second = (
            cite(TRADE, "Tổng kim ngạch năm 2023 đạt 683 tỷ USD.", short="683 tỷ USD"),
            cite(TRADE, "Vốn FDI đạt gần 36,6 tỷ USD.", 2),
        )
        if "gần nhất" in question:
            nearest = f"{REFUSAL}\nTài liệu chỉ có số liệu năm 2023: {first.quote} [1]"
            yield Answer(question, nearest, (first,), outcome=Outcome.NOT_FOUND, reason=NO_YEAR)
            return
        if "không chắc" in question:
            yield Answer(question, f"{first.quote} [1]", (first,), outcome=Outcome.UNSURE, reason=DOUBT)
            return
        if "khong dau" in question:
            trace = (("accents", "không dấu"), ("new", "không dấu?"))
            considered = (whole(TRADE),)
            yield Answer(question, f"{first.quote} [1]", (first,), considered, understood="không dấu?", trace=trace)
            return
        try:
            yield Answer(question, f"{first.quote} [1]", (first,))
            if "chậm" in question:
                self.go.wait(20)
            yield Answer(question, f"{first.quote} [1]\n{second.quote} [2]", (first, second))
            self.read_to_its_end = True
        finally:
            self.closed.set()

    def quoted(self, question: str, only: Filters = EVERYTHING, /) -> Answer:
        *_, answer = self.stream(question, (), only)
        return answer

    def article(self, article_id: str, /) -> Article | None:
        if self.failure:
            raise self.failure
        return self._articles.get(article_id)

    def alike(self, article_id: str, /) -> tuple[Article, ...]:
        return self.near.get(article_id, ())

    def edition(self, article_id: str, version: str, /) -> Edition | None:
        article = self.article(article_id)
        if article and version == OLD:
            return Edition(replace(article, text=f"Bản cũ. {article.text}"), REPLACED)
        return Edition(article, is_asked_for=version in {"", TODAY}) if article else None

    def articles(self) -> list[Article]:
        if self.failure:
            raise self.failure
        return list(self._articles.values())

    def holding(self, words: str, /) -> list[Article]:
        return [article for article in self.articles() if words.lower() in f"{article.title} {article.text}".lower()]

    def publishers(self) -> list[str]:
        return sorted({article.publisher for article in self._articles.values() if article.publisher})
