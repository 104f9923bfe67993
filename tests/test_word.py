"""Word files that are no article: bombs, broken ones, old ones, and what they hide."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from rag.articles import find, read, read_bytes
from rag.errors import ArticleError

DOCUMENTS = Path(__file__).parent / "documents"
GOOD = (DOCUMENTS / "huong-dan.docx").read_bytes()


def changed(**parts: bytes) -> bytes:
    """The good file with other parts, by their names without folder and suffix."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for part in before.infolist():
            after.writestr(part.filename, parts.pop(Path(part.filename).stem, before.read(part)))
        for name, content in parts.items():
            after.writestr(f"word/{name}.xml", content)
    return out.getvalue()


ENTITIES = b'<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><w:document/>'
OUTSIDE = b'<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]><w:document>&x;</w:document>'


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (changed(media=bytes(300_000_000)), "ZIP bomb"),
        (changed(document=b"<w:document>" + b"<w:p/>" * 3_000_000), "ZIP bomb"),
        (changed(document=ENTITIES), "declares entities"),
        (changed(document=OUTSIDE), "declares entities"),
        (changed(document=OUTSIDE.decode().encode("utf-16")), "declares entities"),
        (changed(document=b"<w:document><w:body>"), "broken Word file"),
        (changed(document=b""), "broken Word file"),
        (GOOD[: len(GOOD) // 2], "broken or encrypted"),
        (b"x", "broken or encrypted"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "old Word file .*save it as .docx"),
    ],
    ids=["picture", "text", "entities", "outside", "utf-16", "cut xml", "no xml", "cut off", "no zip", "old"],
)
def test_what_is_no_article_is_told_with_the_remedy(data: bytes, says: str) -> None:
    with pytest.raises(ArticleError, match=f"bai.docx .*{says}") as error:
        read_bytes(data, "bai.docx", ".docx")
    assert ";" in str(error.value)


def test_a_word_file_by_another_name_is_read_as_what_it_is() -> None:
    assert read_bytes(GOOD, "bai.txt", ".txt").title == "Hướng dẫn nộp hồ sơ xin học bổng Đối ngoại trẻ"


def test_fonts_of_old_encodings_are_converted() -> None:
    old = "Céng hßa x· héi chñ nghÜa ViÖt Nam, §éc lËp - Tù do - H¹nh phóc"
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        body = archive.read("word/document.xml").decode()
    start, end = body.index("<w:p>"), body.rindex("</w:p>") + 6
    document = f"{body[:start]}<w:p><w:r><w:t>{old}</w:t></w:r></w:p>{body[end:]}"
    text = read_bytes(changed(document=document.encode()), "bai.docx", ".docx").text
    assert text == "Cộng hòa xã hội chủ nghĩa Việt Nam, Độc lập - Tự do - Hạnh phúc"


def test_an_old_word_file_in_a_folder_is_told_and_not_passed_over(tmp_path: Path) -> None:
    old = tmp_path / "cu.doc"
    old.write_bytes(b"\xd0\xcf\x11\xe0")
    assert find([tmp_path]) == [old]
    with pytest.raises(ArticleError, match="old Word file"):
        read(old)


def test_the_files_own_author_and_dates_are_not_the_articles() -> None:
    article = read(DOCUMENTS / "bao-cao-doi-ngoai.docx")
    assert article.author == ""
    assert article.published is not None
    assert article.published.year == 2024
