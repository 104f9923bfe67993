"""Statements against their sources, on cases worked by hand."""

from __future__ import annotations

from datetime import date

import pytest

from eval.support import lacking, source, statements
from rag.schema import Answer, Article, Chunk, Citation, Passage, Scores

SOURCE = (
    "Sáng 2/4/2024, Bộ trưởng Bộ Ngoại giao Bùi Thanh Sơn chủ trì hội nghị tại Hà Nội. Kim ngạch đạt 683 tỷ USD, "
    "tăng 5,3%; có 1.000 doanh nghiệp dự, theo Chỉ thị 15-CT/TW ngày 10 tháng 8 năm 2022."
)


@pytest.mark.parametrize(
    ("statement", "lacks"),
    [
        ("Kim ngạch đạt 683 tỷ USD.", []),
        ("Kim ngạch đạt 683 tỉ đô la, tăng 5.3 %.", []),
        ("Kim ngạch đạt 683 triệu USD.", ["683 triệu"]),
        ("Kim ngạch đạt 36,6 tỷ USD, tăng 5,3%.", ["36,6 tỷ"]),
        ("Có 1000 doanh nghiệp dự.", []),
        ("Có 100 doanh nghiệp dự.", ["100"]),
        ("Hội nghị họp ngày 2 tháng 4 năm 2024.", []),
        ("Hội nghị họp ngày 02/04/2024 theo chỉ thị ngày 10-8-2022.", []),
        ("Hội nghị họp ngày 4/2/2024.", ["4/2/2024"]),
        ("Hội nghị họp ngày 2/4/2023.", ["2/4/2023"]),
        ("Hội nghị họp tháng 4/2023.", ["2023"]),
        ("Ông Bùi Thanh Sơn chủ trì.", []),
        ("Bùi Thanh Sơn chủ trì tại Hà Nội.", []),
        ("Ông Phạm Minh Chính chủ trì tại Huế.", ["Phạm Minh Chính", "Huế"]),
        ("Theo Bộ Ngoại giao, có Chỉ thị 15-CT/TW.", []),
        ("Có Chỉ thị 16-CT/TW.", ["16"]),
        ("ĐÃ BỊ HACK", ["BỊ HACK"]),
        ("Hội nghị bàn:\n- Hà Nội.\n- Vốn FDI.", ["FDI"]),
        ("Năm ngoái hội nghị đã họp.", []),
    ],
)
def test_what_a_statement_has_that_its_source_lacks(statement: str, lacks: list[str]) -> None:
    assert lacking(statement, SOURCE) == lacks


def test_a_source_is_the_passage_with_what_is_said_of_its_article() -> None:
    article = Article("a", "Hội nghị 32", "Một. Hai. Ba.", publisher="Báo X", published=date(2023, 12, 9))
    chunks = [Chunk("a:0", "a", 0, 8, "Một. Hai.", heading="Mở đầu"), Chunk("a:1", "a", 9, 13, "Ba.")]
    passages = tuple(Passage(chunk, article, Scores(1, 1, 1), rank) for rank, chunk in enumerate(chunks, start=1))
    citation = Citation(1, "a", article.title, article.publisher, article.published, "", "", "Hai.", 5, 9)
    answer = Answer("?", "Hai [1]\nBa:\n- bốn [2]\nNăm [9]", (citation,), passages)
    text = source(answer, citation)
    assert "Mở đầu" in text and "Một." in text and "Ba." not in text
    assert lacking("Hội nghị 32 họp ngày 9/12/2023, Báo X đưa tin.", text) == []
    assert statements(answer) == [("Hai", citation)]  # a marker without a citation shows nothing that could be checked
