"""PDF files: what is not text is told by page, what is no article is refused, and what is torn is made whole."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

import pytest
from fpdf import FPDF
from fpdf.enums import AccessPermission
from PIL import Image

from rag.articles import pdf, read, read_bytes
from rag.articles.blocks import Block
from rag.articles.layout import Line, Page, paragraphs
from rag.articles.spacing import rejoined
from rag.errors import ArticleError

DOCUMENTS = Path(__file__).parent / "documents"
TEXT = "Sang nay, xa Phu Dien khanh thanh cay cau moi bac qua song Vam sau muoi thang thi cong."


def made(pages: list[str], *, locked: bool = False) -> bytes:
    """A PDF file with a line of text, or a picture for "", on each page."""
    document = FPDF()
    document.set_font("helvetica", size=11)
    if locked:
        document.set_encryption("chu", "mat-khau", permissions=AccessPermission.none())
    for text in pages:
        document.add_page()
        if text:
            document.multi_cell(0, 6, text)
        else:
            document.image(Image.new("L", (20, 20), 90), x=20, y=20, w=100)
    return bytes(document.output())


def column(lines: list[str], start: float, top: float = 700) -> list[Line]:
    """Lines of one column, 200 points wide when full."""
    return [Line(text, start, start + 5.5 * len(text), top - 14 * at, 11, False, 1) for at, text in enumerate(lines)]


def test_a_page_that_is_a_picture_is_told_by_its_number() -> None:
    article = read(DOCUMENTS / "kiem-ke.pdf")
    (doubt,) = article.doubts
    assert "kiem-ke.pdf: page 2 is a picture without text" in doubt
    assert "ocrmypdf" in doubt
    assert len(article.pages) == 3
    assert article.pages[1] == article.pages[2]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (made(["", ""]), "is scanned: none of its 2 pages .*ocrmypdf"),
        (made([TEXT], locked=True), "is locked with a password; save it without one"),
        (made([TEXT])[:400], "is broken; .* print it to a new PDF"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 40, "is broken"),
        (b"<1>" * 10, "is broken"),
    ],
    ids=["scanned", "encrypted", "cut off", "garbage", "no PDF"],
)
def test_what_cannot_be_read_is_told_with_the_remedy(data: bytes, says: str) -> None:
    with pytest.raises(ArticleError, match=f"bai.pdf {says}"):
        read_bytes(data, "bai.pdf", ".pdf")


def test_a_bomb_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream of some kilobytes that unpacks to a gigabyte of drawing."""
    packer = zlib.compressobj(9)
    bomb = b"".join([packer.compress(b"BT /F1 12 Tf (aaaaaaaa) Tj ET " * 40_000) for _ in range(900)]) + packer.flush()
    head = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    page = b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>endobj\n"
    stream = b"4 0 obj<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream endobj\n" % (len(bomb), bomb)
    monkeypatch.setattr(pdf, "_WAIT", 5)
    with pytest.raises(ArticleError, match=r"more time or memory|more than|is scanned"):
        read_bytes(head + page + stream + b"trailer<</Root 1 0 R>>", "bom.pdf", ".pdf")


def test_a_worker_that_dies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(-11, "worker")

    monkeypatch.setattr(subprocess, "run", dies)
    with pytest.raises(ArticleError, match="or is broken; print it to a new PDF file"):
        read_bytes(made([TEXT]), "bai.pdf", ".pdf")


def test_a_pdf_by_another_name_is_read_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bai.txt"
    path.write_bytes(made([TEXT]))
    assert read(path).text == TEXT


def test_fonts_of_old_encodings_are_converted() -> None:
    motto = "Céng hßa x· héi chñ nghÜa ViÖt Nam. §éc lËp - Tù do - H¹nh phóc muon nam, toan dan doan ket mot long."
    assert read_bytes(made([motto]), "bai.pdf", ".pdf").text.startswith(
        "Cộng hòa xã hội chủ nghĩa Việt Nam. Độc lập - Tự do - Hạnh phúc"
    )


def test_many_words_that_are_not_vietnamese_are_told() -> None:
    (doubt,) = read_bytes(made(["xíx yáy zúz wéw jój fóf " * 3]), "bai.pdf", ".pdf").doubts
    assert "bai.pdf: many words are not Vietnamese (xíx, yáy, zúz)" in doubt


def test_two_columns_that_are_drawn_line_by_line_are_read_one_after_the_other() -> None:
    left = column([f"dòng trái số {n} kể tiếp câu chuyện" for n in range(6)], 50)
    right = column([f"dòng phải số {n} kể tiếp câu chuyện" for n in range(6)], 300)
    across = [line for pair in zip(left, right, strict=True) for line in pair]
    text = " ".join(block.text for block in paragraphs([Page(across, 842)]))
    assert text.index("trái số 5") < text.index("phải số 0")


def test_words_parted_at_the_end_of_a_line() -> None:
    lines = column(["đo lượng khí các\u00ad", "bon trong một inter\u00ad", "national workshop"], 50)
    assert [block.text for block in paragraphs([Page(lines, 842)])] == [
        "đo lượng khí các-bon trong một international workshop"
    ]


def test_a_paragraph_over_two_pages_knows_where_the_second_begins() -> None:
    first = Line("Toàn tỉnh có hai trăm trạm cấp nước đang", 50, 280, 100, 11, False, 1)
    second = Line("hoạt động trong năm nay.", 50, 180, 780, 11, False, 2)
    (block,) = paragraphs([Page([first], 842), Page([second], 842)])
    assert block.text == "Toàn tỉnh có hai trăm trạm cấp nước đang hoạt động trong năm nay."
    assert block.pages == ((0, 1), (block.text.index("hoạt"), 2))


@pytest.mark.parametrize(
    ("torn", "whole"),
    [
        ("ĐIỀ U KHO ẢN THI HÀNH", "ĐIỀU KHOẢN THI HÀNH"),
        ("QUY Đ ỊNH VỀ QUẢN LÝ", "QUY ĐỊNH VỀ QUẢN LÝ"),
        ("k ế ho ạ ch nh ư sau. S ố li ệ u tính đ ế n h ế t ngày", "kế hoạch như sau. Số liệu tính đến hết ngày"),
        ("Trung tâm N ướ c s ạ ch nông thôn t ỉ nh báo cáo", "Trung tâm Nước sạch nông thôn tỉnh báo cáo"),
    ],
)  # fmt: skip
def test_syllables_torn_at_their_accents_are_joined(torn: str, whole: str) -> None:
    assert rejoined(Block(torn)).text == whole


@pytest.mark.parametrize(
    "text",
    [
        "Ông Emmanuel Macron gặp José Núñez ở São Paulo, rồi tới Zürich.",
        "Tổ A gồm nhóm B an toàn, Đắk R'lấp, Krông Pắc, Ê Đê, Buôn Ma Thuột và bà Nguyễn Ê Ban",
        "Bảng 1 a b c: x y z, ô số 2 và ý kiến ở mục 3",
    ],
)
def test_nothing_is_joined_where_nothing_is_torn(text: str) -> None:
    assert rejoined(Block(text)).text == text
