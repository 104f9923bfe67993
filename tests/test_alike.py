"""Near-duplicates: found among others, told apart from a series and from other articles on the same event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from index.local import LocalIndex
from rag.alike import alike, holds, shingles, sketch
from rag.corpus import Corpus
from rag.question import understand
from rag.retrieval import Retriever
from rag.schema import EVERYTHING, Article
from rag.vietnamese.terms import FIELDS, SKETCH
from tests.conftest import HashEmbedder

LEAD = "Sáng 2/4, Bộ Công Thương công bố số liệu xuất khẩu gạo của quý I năm 2024."
BODY = (
    "Theo đó, cả nước xuất khẩu 2,1 triệu tấn gạo, thu về 1,4 tỷ USD, tăng 17% về lượng so với cùng kỳ năm trước.",
    "Phi-líp-pin là thị trường lớn nhất, chiếm 46% tổng lượng, tiếp theo là In-đô-nê-xi-a và Ma-lai-xi-a.",
    "Giá xuất khẩu bình quân đạt 653 USD một tấn, mức cao nhất kể từ khi có thống kê theo quý.",
    "Cục Xuất nhập khẩu cho rằng nhu cầu của các nước châu Á vẫn cao cho đến hết năm nay.",
    "Các doanh nghiệp được khuyến nghị theo dõi sát thời tiết và chuẩn bị đủ chân hàng cho vụ hè thu.",
)
RELEASE = Article(
    "a", "Xuất khẩu gạo đạt 1,4 tỷ USD", "\n".join((LEAD, *BODY)), publisher="Báo A", published=date(2024, 4, 2)
)
COPY = replace(
    RELEASE,
    id="b",
    title="Gạo Việt được mùa, được giá",
    text="\n".join(("Hạt gạo Việt Nam vừa có một quý bội thu trên thị trường thế giới.", *BODY[:3], BODY[4])),
    publisher="Báo B",
    published=date(2024, 4, 3),
)
EVENT = replace(
    RELEASE,
    id="c",
    title="Nông dân phấn khởi vì giá lúa",
    text=(
        "Tại Cần Thơ, lúa đông xuân đang được thương lái trả 8.000 đồng một ki-lô-gam.\n"
        "Giá xuất khẩu bình quân đạt 653 USD một tấn, mức cao nhất kể từ khi có thống kê theo quý.\n"
        "Bà Nguyễn Thị Sáu nói rằng gia đình bà lãi gần gấp đôi vụ trước, dù giá phân bón vẫn cao.\n"
        "Hợp tác xã của xã đã ký hợp đồng bao tiêu với ba doanh nghiệp cho hai vụ tới.\n"
        "Ngành nông nghiệp thành phố khuyên bà con không mở rộng diện tích ngoài quy hoạch."
    ),
    publisher="Báo C",
)


def series(day: str, price: str) -> Article:
    text = (
        f"Giá vàng miếng trong nước ngày {day} được các doanh nghiệp niêm yết ở mức {price} triệu đồng một lượng.\n"
        "Chênh lệch giữa giá mua và giá bán ở hầu hết các doanh nghiệp vẫn là hai triệu đồng một lượng.\n"
        "Người dân được khuyên cân nhắc kỹ trước khi mua vào trong lúc giá biến động mạnh như hiện nay."
    )
    return Article(f"vang-{price}", f"Giá vàng ngày {day}", text, published=date(2024, 4, int(day.partition("/")[0])))


def test_a_copy_with_another_title_and_lead_and_a_paragraph_cut() -> None:
    assert alike(RELEASE, COPY)
    assert alike(COPY, RELEASE)
    assert alike(RELEASE, replace(RELEASE, id="x", published=None))


def test_articles_on_one_event_are_not_joined() -> None:
    assert len(shingles(RELEASE.text) & shingles(EVENT.text)) > 10
    assert not alike(RELEASE, EVENT)


def test_a_series_is_told_apart_by_its_numbers() -> None:
    monday, tuesday = series("2/4", "81"), series("3/4", "82")
    assert len(shingles(monday.text) & shingles(tuesday.text)) > 0.7 * len(shingles(monday.text))
    assert not alike(monday, tuesday)
    assert alike(monday, replace(monday, id="x", title="Vàng miếng đứng yên"))


def test_the_same_words_of_another_year_are_another_article() -> None:
    assert not alike(RELEASE, replace(RELEASE, id="x", published=date(2025, 4, 2)))


def test_a_short_notice_is_not_the_long_article_that_holds_it() -> None:
    assert not alike(RELEASE, replace(RELEASE, id="x", text=BODY[3]))


def test_what_an_article_says_of_a_passage() -> None:
    assert holds(RELEASE, f"{BODY[1]} {BODY[2]}")
    assert not holds(RELEASE, BODY[1].replace("46%", "64%"))
    assert not holds(RELEASE, EVENT.text)
    assert holds(RELEASE, "Gạo") is False


def test_a_sketch_is_the_same_in_every_process() -> None:
    assert sketch("Cầu dài 86 mét") == ["233ec431ec2b6cc1"]
    assert sketch("") == sketch("?")


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    embedder = HashEmbedder()
    corpus = Corpus(LocalIndex(tmp_path / "index", FIELDS), lambda: embedder)
    corpus.add([RELEASE, COPY, EVENT, series("2/4", "81"), series("3/4", "82")])
    yield corpus
    corpus.index.close()


def test_they_are_found_in_the_index(corpus: Corpus) -> None:
    assert corpus.alike("a") == (COPY,)
    assert corpus.alike("b") == (RELEASE,)
    assert corpus.alike("c") == corpus.alike("vang-81") == corpus.alike("nowhere") == ()
    third = replace(COPY, id="d", title="Tin gạo")
    corpus.add([third])
    assert corpus.alike("a") == (COPY, third)
    corpus.remove(["b"])
    assert corpus.alike("a") == (third,)


def test_they_count_once_among_the_passages(corpus: Corpus) -> None:
    own = "Bên lề buổi công bố, ông Hòa cho biết kho dự trữ gạo tại cảng Sài Gòn sẽ mở rộng vào quý III."
    corpus.add([replace(COPY, id=f"b{n}", text=COPY.text + (f"\n{own}" if n == 2 else "")) for n in range(3)])

    def found(text: str) -> list[str]:
        question = understand(text)
        (vector,) = corpus.embedder.embed([question.search_text], "query")
        passages = Retriever(corpus).retrieve(question, vector, EVERYTHING).passages
        assert [passage.rank for passage in passages] == list(range(1, len(passages) + 1))
        return [passage.article.id for passage in passages]

    release = found("Giá xuất khẩu gạo bình quân đạt bao nhiêu?")
    assert len([name for name in release if name[0] in "ab"]) == 2  # one, and the one that says more
    assert "b2" in found("Kho dự trữ gạo tại cảng Sài Gòn mở rộng khi nào?")
    assert "c" in release


def test_an_index_from_before_there_were_sketches_is_read(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    old = Corpus(LocalIndex(tmp_path / "old", [field for field in FIELDS if field != SKETCH]), lambda: embedder)
    old.add([RELEASE, COPY])
    old.index.close()
    corpus = Corpus(LocalIndex(tmp_path / "old", FIELDS), lambda: embedder)
    assert [article.id for article in corpus.holding("Bộ Công Thương")] == ["a"]
    corpus.rebuild()
    assert corpus.alike("a") == (COPY,)
    corpus.index.close()
