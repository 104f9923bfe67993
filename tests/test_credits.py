"""Who wrote an article and when it came out: read from its lines, told when asked, and evidence for nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from html import unescape

import pytest

from rag.articles import read
from rag.chunking import chunk_article
from rag.credits import credited, is_credit, names_somebody
from rag.embedding import Embedder
from rag.grounding import page_at
from rag.pipeline import Pipeline, open_pipeline
from rag.schema import Article, Edition, Outcome, Passage, Scores, Turn
from rag.settings import Settings
from rag.understanding.kinds import asks_for_credits
from ui.viewer import article_page, blocks

BY = "Minh Thư| 05/03/2021 07:45"
RICE = f"""Xuất khẩu gạo vượt kế hoạch

{BY}

Trong năm 2020, cả nước xuất khẩu hơn 6 triệu tấn gạo sang các nước trong khu vực, vượt kế hoạch đã đề ra từ đầu năm.

Bộ trưởng Trần Văn Bình cho biết giá gạo tăng nhờ chất lượng ngày càng cao và thị trường ngày càng rộng.
"""
BRIDGE = """Khởi công cầu Sông Lam

Sáng 12/5, tỉnh khởi công xây dựng cầu Sông Lam với chiều dài hơn 2 km, nối hai bờ của khu vực phía nam thành phố.

Chủ tịch tỉnh Lê Thị Hoa phát lệnh khởi công và yêu cầu các đơn vị bảo đảm tiến độ, chất lượng của công trình.

Quốc Tuấn
"""
SCHOOL = """Trường mới ở vùng cao

Ngày 5/9, huyện khánh thành trường tiểu học mới với mười hai phòng học cho hơn ba trăm em học sinh của năm bản vùng cao.

Ông Giàng A Páo, trưởng bản, cảm ơn các nhà hảo tâm đã góp tiền và công sức để xây dựng ngôi trường này cho các em.
"""


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Article]:
    folder = tmp_path_factory.mktemp("texts")
    found = {}
    for name, text in {"gao": RICE, "cau": BRIDGE, "truong": SCHOOL}.items():
        path = folder / f"{name}.txt"
        path.write_text(text, encoding="utf-8")
        found[name] = read(path)
    return found


@pytest.fixture(scope="module")
def asked(
    articles: dict[str, Article], embedder: Embedder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipeline]:
    settings = Settings(index_dir=tmp_path_factory.mktemp("index"))
    pipeline = open_pipeline(settings, embedder=embedder)
    pipeline.corpus.add(list(articles.values()))
    yield pipeline
    pipeline.corpus.index.close()


class TestReading:
    def test_the_lines_are_the_last_of_the_text_as_they_were_written(self, articles: dict[str, Article]) -> None:
        rice, bridge = articles["gao"], articles["cau"]
        assert [rice.text[slice(*span)] for span in rice.credits] == [BY]
        assert rice.text.endswith(f"\n\n{BY}")
        assert (rice.author, rice.published) == ("Minh Thư", date(2021, 3, 5))
        assert [bridge.text[slice(*span)] for span in bridge.credits] == ["Quốc Tuấn"]
        assert articles["truong"].credits == ()

    def test_they_are_in_no_chunk(self, articles: dict[str, Article]) -> None:
        for article in articles.values():
            assert not any(BY in chunk.text or "Quốc Tuấn" in chunk.text for chunk in chunk_article(article))

    def test_they_stand_on_no_page_and_are_told_from_the_rest(self, articles: dict[str, Article]) -> None:
        rice = articles["gao"]
        start, _ = rice.credits[0]
        assert is_credit(rice, start)
        assert not is_credit(rice, start - 1)
        assert not is_credit(articles["truong"], len(articles["truong"].text) - 1)
        assert page_at(rice, start) is None

    def test_the_viewer_shows_them_quietly_and_marks_them(self, articles: dict[str, Article]) -> None:
        rice = articles["gao"]
        assert [block.kind for block in blocks(rice)][-1] == "credit"
        shown = article_page(Edition(rice), rice.credits[0], "../")
        assert f'<p class="credit"><mark id="quote">{BY}</mark></p>' in unescape(shown)


class TestCredited:
    def test_each_article_once_with_the_scores_of_its_best_passage(self, articles: dict[str, Article]) -> None:
        passages = [
            Passage(chunk, articles[name], Scores(0.9 - n / 10, 1.0, 2.0 - n), n + 1, (0.5,) * len(chunk.sentences))
            for n, name in enumerate(("cau", "gao", "truong", "cau"))
            for chunk in chunk_article(articles[name])[:1]
        ]
        found = {passage.article.id: passage for passage in credited(passages)}
        assert {name: passage.scores for name, passage in found.items()} == {
            "cau": passages[0].scores,
            "gao": passages[1].scores,
        }
        chunk = found["gao"].chunk
        assert chunk.text == articles["gao"].text[chunk.start : chunk.end] == BY
        assert len(found["gao"].similarities) == len(chunk.sentences) == 1

    @pytest.mark.parametrize(("line", "named"), [("Kim Hoàn", True), (BY, True), ("05/03/2021 07:45 GMT+7", False)])
    def test_a_name_needs_nothing_to_be_told_by(self, line: str, named: bool) -> None:
        assert names_somebody(line) is named


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Bài “Xuất khẩu gạo” do ai viết?", True),
        ("Tác giả bài viết về cầu Sông Lam là ai", True),
        ("bài báo về gạo đăng ngày nào", True),
        ("Tin này được đăng khi nào?", True),
        ("Ai viết thư cho bộ trưởng?", False),
        ("Bài viết nói gì về Đảng?", False),
        ("Ai là tác giả của phương án?", False),
        ("Khi nào đăng ký dự thi?", False),
        ("Bài thi được đăng ký khi nào?", False),
        ("Sở Thông tin cấp phép xuất bản cho bao nhiêu đơn vị?", False),
        ("Theo bản tin, tác giả của giải thưởng là ai?", False),
    ],
)
def test_what_asks_for_credits(text: str, *, asks: bool) -> None:
    assert asks_for_credits(text, text, accented=True) is asks


def test_what_is_asked_is_asked_now_of_what_was_named_before() -> None:
    before = "Bài về hội nghị do ai viết?"
    assert asks_for_credits("đăng hôm nào thế?", f"đăng hôm nào thế? {before}", accented=True)
    assert not asks_for_credits("ai chủ trì hội nghị?", f"ai chủ trì hội nghị? {before}", accented=True)


class TestAnswers:
    @pytest.mark.parametrize(
        ("question", "quote", "article"),
        [
            ("Bài “Xuất khẩu gạo vượt kế hoạch” do ai viết?", BY, "gao"),
            ("Bài Xuất khẩu gạo vượt kế hoạch đăng ngày nào?", BY, "gao"),
            ("bai xuat khau gao vuot ke hoach dang ngay may", BY, "gao"),
            ("Bài Xuất khẩu gạo vượt kế hoạch do ai viết, đăng ngày nào?", BY, "gao"),
            ("Tác giả bài viết về cầu Sông Lam là ai?", "Quốc Tuấn", "cau"),
            # By when it came out.
            ("Ai viết bài đăng ngày 5/3/2021?", BY, "gao"),
            ("Bài viết tháng 3/2021 do ai viết?", BY, "gao"),
        ],
    )
    def test_who_and_when(
        self, asked: Pipeline, articles: dict[str, Article], question: str, quote: str, article: str
    ) -> None:
        answer = asked.ask(question)
        assert answer.outcome == Outcome.ANSWERED
        assert [(citation.article_id, citation.quote) for citation in answer.citations] == [(article, quote)]
        citation, text = answer.citations[0], articles[article].text
        assert text[citation.start : citation.end] == quote

    def test_a_follow_up(self, asked: Pipeline) -> None:
        history = [Turn("user", "Ai viết bài Xuất khẩu gạo vượt kế hoạch?"), Turn("assistant", "Minh Thư")]
        assert asked.ask("đăng hôm nào thế?", history).citations[0].quote == BY

    @pytest.mark.parametrize(
        "question", ["Bài Trường mới ở vùng cao do ai viết?", "Bài Trường mới ở vùng cao đăng ngày nào?"]
    )
    def test_what_an_article_does_not_tell_of_itself_is_refused(self, asked: Pipeline, question: str) -> None:
        answer = asked.ask(question)
        assert answer.refused
        assert answer.reason == "Bài viết không ghi tác giả hoặc ngày đăng."

    @pytest.mark.parametrize("question", ["Ai cho biết giá gạo tăng?", "Ai phát lệnh khởi công cầu Sông Lam?"])
    def test_they_are_evidence_for_nothing_else(self, asked: Pipeline, question: str) -> None:
        answer = asked.ask(question)
        assert not any(is_credit(passage.article, passage.chunk.start) for passage in answer.passages)
        assert not {BY, "Quốc Tuấn"} & {citation.quote for citation in answer.citations}

    def test_passages_are_numbered_with_them(self, asked: Pipeline) -> None:
        ranks = [passage.rank for passage in asked.ask("Bài Xuất khẩu gạo vượt kế hoạch do ai viết?").passages]
        assert ranks == list(range(1, len(ranks) + 1))
