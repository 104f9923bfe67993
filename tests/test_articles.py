"""Articles in: which files, which encodings, what is article and what is not."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.articles import encoding, find, read
from rag.articles.legacy import is_syllable
from rag.articles.metadata import MAX_TITLE, publisher_of, short_title
from rag.errors import ArticleError
from rag.schema import Article

SHARED = Path(__file__).resolve().parents[2] / "shared" / "seeds"

LEAD = "Sáng nay, xã Phú Điền khánh thành cây cầu mới bắc qua sông Vàm sau mười tháng thi công."
BODY = "Cây cầu dài 86 mét, rộng 7 mét, nối hai ấp vốn chỉ đi lại bằng đò ngang từ bao đời nay."
MORE = "Kinh phí 12 tỷ đồng do tỉnh cấp một nửa, phần còn lại do người dân và doanh nghiệp góp."
TITLE = "Cầu mới nối hai bờ sông Vàm"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes text or bytes to a file in a temporary folder."""

    def _write(content: str | bytes, name: str = "bai.txt") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    return _write


def headings(article: Article) -> list[str]:
    return [article.text[start:end] for start, end in article.headings]


def lines(*parts: str) -> str:
    """Lines with a blank line between them, as web pages are saved."""
    return "\n\n".join(parts)


class TestFind:
    def test_a_folder_is_searched_to_the_bottom_and_sorted(self, write: Write, tmp_path: Path) -> None:
        for name in (
            "b.md",
            "a.txt",
            "sub/c.markdown",
            "sub/deep/D.TXT",
            "x.png",
            ".hidden.md",
            ".git/e.md",
            "README.md",
        ):
            write("x", name)
        names = [p.relative_to(tmp_path).as_posix() for p in find([tmp_path])]
        assert names == ["a.txt", "b.md", "sub/c.markdown", "sub/deep/D.TXT"]

    def test_a_file_given_by_name_is_taken_whatever_its_name(self, write: Write) -> None:
        readme, image = write("x", "README.md"), write("x", "x.png")
        assert find([readme, str(image)]) == [readme, image]

    def test_a_pattern_is_expanded_when_the_shell_did_not(self, write: Write, tmp_path: Path) -> None:
        for name in ("a1.md", "a2.md", "b.md", "a.png", "sub/a3.md"):
            write("x", name)
        assert [p.name for p in find([f"{tmp_path}/a*"])] == ["a1.md", "a2.md"]
        assert [p.name for p in find([f"{tmp_path}/**/*.md"])] == ["a1.md", "a2.md", "b.md", "a3.md"]

    def test_a_file_whose_name_looks_like_a_pattern_is_a_file(self, write: Write) -> None:
        path = write("x", "bài [1].md")
        assert find([path]) == [path]

    def test_each_file_comes_once_in_the_order_given(self, write: Write, tmp_path: Path) -> None:
        a, b = write("x", "a.md"), write("x", "b.md")
        (tmp_path / "link.md").symlink_to(a)
        assert find([b, tmp_path, f"{tmp_path}/*.md", str(a)]) == [b, a]

    def test_links_that_loop_do_no_harm(self, write: Write, tmp_path: Path) -> None:
        write("x", "in/a.md")
        (tmp_path / "in" / "loop").symlink_to(tmp_path)
        assert [p.name for p in find([tmp_path])] == ["a.md"]

    def test_what_a_browser_saves_beside_a_page_is_passed_over(self, write: Write, tmp_path: Path) -> None:
        for name in ("bài.html", "bài_files/frame.html", "khác_files/a.html"):
            write("x", name)
        names = [p.relative_to(tmp_path).as_posix() for p in find([tmp_path])]
        assert names == ["bài.html", "khác_files/a.html"]

    @pytest.mark.parametrize("item", ["thiếu.md", "rỗng", "*.md", "x\0y", "", "a" * 5000])
    def test_what_stands_for_no_file_is_an_error_that_names_it(self, item: str, tmp_path: Path) -> None:
        (tmp_path / "rỗng").mkdir()
        with pytest.raises(ArticleError) as error:
            find([tmp_path / item] if item else [item])
        assert item[:20] in str(error.value)
        assert ";" in str(error.value)  # the remedy


class TestEncoding:
    @pytest.mark.parametrize("content", [LEAD, "\ufeff" + LEAD, unicodedata.normalize("NFD", LEAD), LEAD + "\r\n"])
    def test_utf8_is_read(self, content: str, write: Write) -> None:
        assert read(write(content)).text == LEAD

    @pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    def test_utf16_is_read_with_and_without_byte_order_mark(self, codec: str, write: Write) -> None:
        assert read(write(LEAD.encode(codec))).text == LEAD

    # The country's name and motto as two font families wrote them.
    MOTTO = "Cộng hòa xã hội chủ nghĩa Việt Nam. Độc lập - Tự do - Hạnh phúc"
    LEGACY = (
        "Céng hßa x· héi chñ nghÜa ViÖt Nam. §éc lËp - Tù do - H¹nh phóc",
        "Coäng hoøa xaõ hoäi chuû nghóa Vieät Nam. Ñoäc laäp - Töï do - Haïnh phuùc",
    )

    @pytest.mark.parametrize("written", LEGACY)
    def test_legacy_bytes_and_their_mojibake_are_converted(self, written: str, write: Write) -> None:
        for content in (written.encode("latin-1"), written.encode("utf-8")):
            assert read(write(content)).text == self.MOTTO

    def test_capitals_of_tcvn3_are_small_letters_in_a_font_of_capitals(self, write: Write) -> None:
        written = f"BIªN B¶N HéI NGHÞ VIªN CHøC\n{self.LEGACY[0]}\n§iÒu 2. Sè: 12/Q§-UBND ngµy 7 th¸ng 5"
        text = read(write(f"Lêi nãi ®Çu\n{written}".encode("latin-1"))).text
        assert "BIÊN BẢN HỘI NGHỊ VIÊN CHỨC" in text
        assert "Điều 2. Số: 12/QĐ-UBND ngày 7 tháng 5" in text

    def test_windows_1258_is_converted(self, write: Write) -> None:
        # Letters with circumflex, breve and horn have codes; tones follow their letter.
        text = "Cô\u0323ng hòa xa\u0303 hô\u0323i chu\u0309 nghi\u0303a Viê\u0323t Nam".replace("ò", "o\u0300")
        assert read(write(text.encode("cp1258"))).text == "Cộng hòa xã hội chủ nghĩa Việt Nam"

    @pytest.mark.parametrize("times", [1, 2])
    def test_utf8_read_as_windows_1252_is_mended_where_nothing_is_lost(self, times: int, write: Write) -> None:
        broken = f"{LEAD}\n{BODY}"
        for _ in range(times):
            broken = "".join(
                bytes((b,)).decode("cp1252" if b not in b"\x81\x8d\x8f\x90\x9d" else "latin-1") for b in broken.encode()
            )
        assert read(write(f"{broken}")).text == lines(LEAD, BODY)

    def test_mojibake_that_has_lost_letters_is_refused_with_the_reason(self, write: Write) -> None:
        broken = LEAD.encode().decode("cp1252", "replace")
        assert "\ufffd" in broken
        with pytest.raises(ArticleError, match="read as windows-1252, with a part lost; save it anew"):
            read(write(broken))

    @pytest.mark.parametrize(
        "text",
        [
            "L'été dernier, les élèves étaient fatigués et le café fermé à cinq heures déjà.",
            "Ông Emmanuel Macron và bà Penélope Cruz gặp José Núñez ở São Paulo, rồi tới Zürich.",
            "An article in English, with one café and one naïve résumé in it.",
        ],
    )
    def test_foreign_words_are_not_taken_for_mojibake(self, text: str, write: Write) -> None:
        assert read(write(text)).text == text

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "is empty"),
            (" \n\u00a0\t\r\n ", "only white space"),
            (b"\x00\x01\x02" * 50, "binary"),
            (bytes(range(1, 256)) * 4, "binary"),
            (b"%PDF-1.7 ...", "PDF"),
            (b"PK\x03\x04....", "Office"),
            (b"\xd0\xcf\x11\xe0....", "old Word file"),
            (b"R\xe9sum\xe9 de l'article.", "not UTF-8 text"),
            (b"\xe2\x80\x8b\xc2\xad", "no article text"),
            ("---\ntitle: Chỉ có đầu\n---\n\n", "no article text"),
            ("![ảnh](a.png)\n\n<!-- ghi chú -->\n", "no article text"),
        ],
    )
    def test_what_cannot_be_an_article_is_refused_in_one_sentence(
        self, content: str | bytes, says: str, write: Write
    ) -> None:
        path = write(content, "bai.md")
        with pytest.raises(ArticleError, match=says) as error:
            read(path)
        message = str(error.value)
        assert str(path) in message
        assert ";" in message
        assert "\n" not in message

    def test_larger_than_the_limit_is_refused(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write(LEAD * 20)
        monkeypatch.setattr(encoding, "MAX_BYTES", 500)
        with pytest.raises(ArticleError, match="split it"):
            read(path)

    def test_missing_folder_pipe_and_unknown_suffix(self, write: Write, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.txt")
        (tmp_path / "folder.md").mkdir()
        for path, says in (
            (tmp_path / "none.md", "does not exist"),
            (tmp_path, "is a folder"),
            (tmp_path / "folder.md", "is a folder"),
            (tmp_path / "pipe.txt", "not a regular file"),
            (write("x", "a.xyz"), r"\.markdown, \.md, \.pdf, \.txt"),
            (write("x", "a.doc"), "save it as .docx"),
        ):
            with pytest.raises(ArticleError, match=says):
                read(path)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_without_permission(self, write: Write) -> None:
        path = write(LEAD)
        path.chmod(0)
        with pytest.raises(ArticleError, match="cannot be read"):
            read(path)

    def test_a_read_error_is_told(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> object:
            raise PermissionError(13, "Permission denied")

        path = write(LEAD)
        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(ArticleError, match=r"bai\.txt cannot be read \(Permission denied\)"):
            read(path)

    @pytest.mark.parametrize("word", ["nghiêng", "Quốc", "được", "ưỡn", "khuỷu", "ông", "giếng", "hoà", "hòa"])
    def test_syllables(self, word: str) -> None:
        assert is_syllable(word)

    @pytest.mark.parametrize("word", ["héi", "coäng", "x·", "café", "naïve", "quắcc", "áà", "größe"])
    def test_not_syllables(self, word: str) -> None:
        assert not is_syllable(word)


class TestFrontMatter:
    FULL = f"""---
id: cau-moi_1.0
title: "Cầu mới: nối hai bờ"
publisher: Báo Thử
author: Trần Thử
published: 2024-05-06
source: Báo khác
url: https://example.com/a?b=1
tags: [giao thông, cầu, cầu]
lạ: bỏ qua
khác: {{a: 1}}
---

{LEAD}
"""

    def test_all_keys(self, write: Write) -> None:
        with pytest.raises(ArticleError, match="key: value"):
            read(write(self.FULL, "a.md"))  # keys are English words: a stray accent is worth an error
        article = read(write(self.FULL.replace("lạ:", "la:").replace("khác:", "khac:"), "a.md"))
        assert article == Article(
            id="cau-moi_1.0", title="Cầu mới: nối hai bờ", text=LEAD, publisher="Báo Thử", author="Trần Thử",
            published=date(2024, 5, 6), source="Báo khác", url="https://example.com/a?b=1",
            tags=("giao thông", "cầu"),
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("2023-03-09", date(2023, 3, 9)),
            ('"2023-03-09"', date(2023, 3, 9)),
            ("2023-03-09T23:30:00+07:00", date(2023, 3, 9)),
            ("2023-03-09 18:00:00", date(2023, 3, 9)),
            ("9/3/2023", date(2023, 3, 9)),
            ("31-12-2023", date(2023, 12, 31)),
            ("", None),
            ("null", None),
        ],
    )
    def test_dates(self, written: str, meant: date | None, write: Write) -> None:
        assert read(write(f"---\ntitle: A\npublished: {written}\n---\n{LEAD}", "a.md")).published == meant

    @pytest.mark.parametrize(
        ("front", "says"),
        [
            ("title: A\npublished: hôm qua", "line 3: published"),
            ("published: 31/2/2023", "line 2: published .* 2023-03-09"),
            ("published: [2023]", "line 2: published"),
            ("id: [a, b]", "line 2: id"),
            ("id: a/b", "id is 'a/b'"),
            ("id: hai từ", "digits"),
            ("id: ..", "digits"),
            ("title:\n  a: b", "line 2: title"),
            ("tags: {a: b}", "line 2: tags"),
            ("title: A\nauthor: 'B", "front matter"),
            ("title: A: B", "line 2"),
            ("url: javascript:alert(1)", "https://"),
            ("url: JavaScript:alert(1)", "https://"),
            ("url: //example.com", "https://"),
            ("url: 'https://a.vn/\" onclick=\"x'", "https://"),
            ("url: ftp://example.com/a", "https://"),
            ("url: 'http://[x'", "https://"),
            ("- title\n- id\n\ntitle: A", "front matter"),
        ],
    )
    def test_mistakes_name_the_place_and_the_remedy(self, front: str, says: str, write: Write) -> None:
        with pytest.raises(ArticleError, match=says) as error:
            read(write(f"---\n{front}\n---\n{LEAD}", "a.md"))
        assert ";" in str(error.value)

    def test_front_matter_that_is_not_closed(self, write: Write) -> None:
        with pytest.raises(ArticleError, match="not closed"):
            read(write(f"---\ntitle: A\n\n{LEAD}", "a.md"))

    def test_ids_are_taken_as_written(self, write: Write) -> None:
        assert read(write(f"---\nid: 007\ntitle: 1.10\n---\n{LEAD}", "a.md")).id == "007"
        assert read(write(f"---\nid: 007\ntitle: 1.10\n---\n{LEAD}", "a.md")).title == "1.10"

    def test_rules_are_not_front_matter(self, write: Write) -> None:
        rule_first = read(write(f"---\n\n{LEAD}\n\n---\n\n{BODY}", "a.md"))
        assert rule_first.text == lines(LEAD, BODY)
        later = read(write(f"---\ntitle: A\n---\n{LEAD}\n\n---\ntitle: không phải\n---\n\n{BODY}", "b.md"))
        assert later.title == "A"
        assert later.text.startswith(LEAD)
        assert later.text.endswith(BODY)
        assert "title: không phải" in later.text

    def test_plain_text_may_have_it_too(self, write: Write) -> None:
        article = read(write(f"---\r\ntitle: {TITLE}\r\n---\r\n{TITLE}\r\n{LEAD}\r\n"))
        assert (article.title, article.text) == (TITLE, LEAD)

    @pytest.mark.parametrize(
        ("name", "article_id"),
        [("bài-1.2.txt", "bài-1.2"), ("Bài viết (1).txt", "Bài-viết-1"), ("a_b.txt", "a_b")],
    )
    def test_the_id_is_else_the_file_name(self, name: str, article_id: str, write: Write) -> None:
        assert read(write(LEAD, unicodedata.normalize("NFD", name))).id == article_id

    def test_a_file_name_that_gives_no_id(self, write: Write) -> None:
        with pytest.raises(ArticleError, match="the id from the file's name"):
            read(write(LEAD, "!!!.txt"))

    def test_the_publisher_is_else_that_of_the_url(self, write: Write) -> None:
        assert read(write(f"---\nurl: https://www.baohatinh.vn/x.html\n---\n{LEAD}")).publisher == "Báo Hà Tĩnh"
        assert publisher_of("https://giadinh.suckhoedoisong.vn/x") == "Gia đình và Xã hội"
        assert publisher_of("https://example.com") == ""


class TestMarkdown:
    def read(self, body: str, write: Write) -> Article:
        return read(write(f"---\ntitle: {TITLE}\n---\n\n{body}\n", "a.md"))

    def test_markup_becomes_plain_text(self, write: Write) -> None:
        article = self.read(
            "**Cầu** *mới* dài `86 m`, xem [bản đồ](https://a.vn 'x') và ![ảnh](b.png)<br>"
            "đường<sup>2</sup> &amp; bến.\n\n"
            "> Lời trích\n> dài hai dòng.\n\n<!-- ẩn\n\nẩn nữa -->\n\n<div>Trong thẻ</div>\n\n"
            "<script>x()</script>\n\n"
            "5 * 3 = 15 và snake_case_name, ~~gạch~~, ghi chú[^1] và \\*sao\\*.",
            write,
        )
        assert article.text == lines(
            "Cầu mới dài 86 m, xem bản đồ và",
            "đường2 & bến.",
            "Lời trích dài hai dòng.",
            "Trong thẻ",
            "5 * 3 = 15 và snake_case_name, gạch, ghi chú và *sao*.",
        )

    def test_headings_and_lists(self, write: Write) -> None:
        article = self.read(
            f"# {TITLE}\n\n{LEAD}\n\n## Quy **mô** ##\n\n- dài\n  86 mét\n* rộng\n\n1. một\n2) hai\n\n"
            f"Kinh phí\n---\n\n{MORE}",
            write,
        )
        assert article.text == lines(LEAD, "Quy mô", "- dài 86 mét\n- rộng\n1. một\n2. hai", "Kinh phí", MORE)
        assert headings(article) == ["Quy mô", "Kinh phí"]

    def test_prose_over_a_rule_is_no_heading(self, write: Write) -> None:
        article = self.read(f"{LEAD}\n---\n{BODY}", write)
        assert article.text == lines(LEAD, BODY)
        assert article.headings == ()

    def test_wrapped_paragraphs_are_joined_and_indented_ones_are_text(self, write: Write) -> None:
        wrapped = LEAD.replace(" ", "\n")
        assert self.read(f"{wrapped}\n\n    {BODY}", write).text == lines(LEAD, BODY)

    def test_tables_keep_their_rows(self, write: Write) -> None:
        assert self.read(f"{LEAD}\n\n| Năm | Cầu |\n|---|---|\n| 2023 | 4 |\n| 2024 | 6 |", write).text == lines(
            LEAD, "Năm | Cầu", "2023 | 4", "2024 | 6"
        )

    def test_a_table_at_the_end_is_no_menu(self, write: Write) -> None:
        rows = ["Xã | Cầu | Bến", "Phú Điền | Vàm | Trên"]
        table = f"| {rows[0]} |\n|---|---|---|\n| {rows[1]} |"
        assert self.read(f"{LEAD}\n\n{table}", write).text == lines(LEAD, *rows)

    def test_the_title_is_else_the_first_heading(self, write: Write) -> None:
        article = read(write(f"# {TITLE}\n\n{LEAD}\n\n## Phần\n\n{BODY}\n", "a.md"))
        assert (article.title, article.text) == (TITLE, lines(LEAD, "Phần", BODY))
        assert headings(article) == ["Phần"]

    def test_another_first_heading_than_the_title_stays(self, write: Write) -> None:
        article = self.read(f"# Tên khác\n\n{LEAD}", write)
        assert headings(article) == ["Tên khác"]

    def test_a_marked_heading_is_the_authors(self, write: Write) -> None:
        article = self.read(f"## Nổi bật\n\n{LEAD}\n\n## Bình luận\n\n{BODY}\n\n## Trần Bình", write)
        assert headings(article) == ["Nổi bật", "Bình luận", "Trần Bình"]


class TestPlainText:
    def test_title_and_paragraphs_on_single_lines(self, write: Write) -> None:
        article = read(write(f"{TITLE}\n{LEAD}\n{BODY}\n{MORE}\n"))
        assert (article.title, article.text) == (TITLE, lines(LEAD, BODY, MORE))
        assert article.headings == ()

    def test_without_title_the_first_sentence_serves_and_stays(self, write: Write) -> None:
        article = read(write(f"{LEAD} {BODY}\n{MORE}"))
        assert article.title == LEAD.rstrip(".")
        assert article.text == lines(f"{LEAD} {BODY}", MORE)

    def test_a_long_first_sentence_is_shortened_at_a_clause(self) -> None:
        begins = "Hôm nay, hội đồng nhân dân huyện họp kỳ thứ mười bốn để bàn việc xây cầu, làm đường"
        long = f"{begins}, mở trường và mấy việc cần kíp khác nữa."
        assert short_title(long) == f"{begins}…"

    @given(st.text(alphabet="abcđ ếộ,.;", min_size=1, max_size=400).filter(lambda s: s.strip(" ,.;")))
    def test_a_short_title_is_the_beginning(self, text: str) -> None:
        text = " ".join(text.split())
        title = short_title(text)
        assert len(title) <= MAX_TITLE
        assert text.startswith(title.rstrip("…"))

    def test_headings(self, write: Write) -> None:
        article = read(
            write(
                lines(
                    TITLE, LEAD, "Mười tháng trên công trường", BODY, "HAI BỜ NỐI NHỊP VUI", MORE,
                    "Các đại biểu cắt băng khánh thành", LEAD.replace("Sáng", "Chiều"),
                    "Ông Trần Văn Thử phát biểu tại lễ khánh thành", BODY.replace("86", "87"),
                    "Cây cầu nhìn từ trên cao. Ảnh: Trần Thử", MORE.replace("12", "13"), "Một dòng cuối cùng",
                )
            )
        )  # fmt: skip
        assert headings(article) == ["Mười tháng trên công trường", "HAI BỜ NỐI NHỊP VUI"]

    def test_lists_stay_lists(self, write: Write) -> None:
        article = read(write(f"{TITLE}\n{LEAD}\n• cầu\n– đường\n1) trường\n2. trạm\n{BODY}"))
        assert article.text == lines(LEAD, "- cầu\n- đường\n1. trường\n2. trạm", BODY)

    def test_hard_wrapped_text_is_joined(self, write: Write) -> None:
        paragraphs = [f"{LEAD} {BODY} {MORE}", f"{BODY} {MORE}", f"{MORE} {LEAD} {BODY}"]
        wrapped = "\n\n".join("\n".join(wrap(p, 60)) for p in paragraphs)
        assert read(
            write(f"{TITLE}\n\n{wrapped}\n\n- một mục dài của danh sách trong bài báo này, dài hơn\nmột dòng")
        ).text == lines(*paragraphs, "- một mục dài của danh sách trong bài báo này, dài hơn một dòng")

    def test_one_line_a_paragraph_is_not_joined(self, write: Write) -> None:
        short = [f"Đội số {n} gồm có {n + 2} người và {n + 1} chiếc thuyền lớn" for n in range(9)]
        assert read(write("\n".join([TITLE, LEAD, *short, BODY]))).text == lines(LEAD, *short, BODY)

    def test_a_one_sentence_article(self, write: Write) -> None:
        article = read(write(LEAD))
        assert (article.title, article.text) == (LEAD.rstrip("."), LEAD)
        only_title = read(write(TITLE))
        assert (only_title.title, only_title.text) == (TITLE, TITLE)

    def test_invisible_and_odd_spaces(self, write: Write) -> None:
        text = LEAD.replace(" ", "\u00a0", 3).replace("cầu", "c\u200bầ\u00adu\u202e") + "\u200b"
        assert read(write(f"{TITLE}\n\n\u3000  {text}  \u2028{BODY}\x07")).text == lines(LEAD, BODY)


def wrap(text: str, width: int) -> list[str]:
    out = [""]
    for word in text.split():
        if len(out[-1]) + 1 + len(word) > width:
            out.append(word)
        else:
            out[-1] = f"{out[-1]} {word}".strip()
    return out


class TestMetadata:
    @pytest.mark.parametrize(
        ("line", "author", "published", "told"),
        [
            ("Trần Thử| 01/06/2022 08:56", "Trần Thử", date(2022, 6, 1), ["Trần Thử| 01/06/2022 08:56"]),
            (
                "TRẦN THỬ - Thứ ba, 17/09/2024 17:07 (GMT+7)",
                "Trần Thử",
                date(2024, 9, 17),
                ["TRẦN THỬ", "17/09/2024 17:07"],
            ),
            (
                "Hương Chi-Thứ hai, ngày 07/10/2024 16:05 GMT+7",
                "Hương Chi",
                date(2024, 10, 7),
                ["Hương Chi", "07/10/2024 16:05"],
            ),
            ("Thứ năm, 9/3/2023, 18:00", "", date(2023, 3, 9), ["9/3/2023, 18:00"]),
            ("Cập nhật lúc: 18:00 ngày 9-3-2023", "", date(2023, 3, 9), ["18:00 ngày 9-3-2023"]),
            ("06:16 - 07/02/2025", "", date(2025, 2, 7), ["06:16 - 07/02/2025"]),
            ("Thời sự - 06/12/2024 15:52", "", date(2024, 12, 6), ["06/12/2024 15:52"]),
            ("Hà Nội, ngày 9 tháng 3 năm 2023", "", date(2023, 3, 9), ["Hà Nội, ngày 9 tháng 3 năm 2023"]),
            (
                "An Bình, Lê Thử | 08:53 19/08/2024",
                "An Bình - Lê Thử",
                date(2024, 8, 19),
                ["An Bình, Lê Thử | 08:53 19/08/2024"],
            ),
        ],
    )
    def test_bylines(self, line: str, author: str, published: date, told: list[str], write: Write) -> None:
        for text in (
            lines(TITLE, line, LEAD, BODY),
            lines(line, TITLE, LEAD, BODY),
            lines(TITLE, LEAD, BODY, line),
        ):
            article = read(write(text))
            assert (article.title, article.author, article.published) == (TITLE, author, published)
            assert article.text == lines(LEAD, BODY, *told)
            assert [article.text[slice(*span)] for span in article.credits] == told

    @pytest.mark.parametrize(
        "line",
        [
            "Kết quả xổ số ngày 26/10/2024",
            "Đội Bình Minh 08/07/2024",
            "Trận Phú Điền gặp Vàm Sông, 3h00 ngày 17/1/2025",
            "Thứ năm, 9/3, 18:00",
            "Hội nghị diễn ra ngày 9 tháng 3 năm 2023 tại trụ sở xã.",
            "31/2/2024",
            "05/06/2025:",
            "Thời gian nghỉ: Thứ Tư, ngày 01/01/2025",
        ],
    )
    def test_other_lines_with_dates_are_no_bylines(self, line: str, write: Write) -> None:
        article = read(write(lines(TITLE, line, LEAD, BODY)))
        assert article.published is None
        assert article.author == ""
        assert line in article.text

    def test_dates_in_sentences_are_not_the_articles(self, write: Write) -> None:
        assert read(write(lines(TITLE, f"Ngày 10/8/2022, {LEAD}", BODY))).published is None

    @pytest.mark.parametrize(
        ("line", "author"),
        [
            (" Kim Thử", "Kim Thử"),
            ("AN BÌNH (tổng hợp)", "An Bình"),
            ("Lê An - Vũ Bình", "Lê An - Vũ Bình"),
            ("Bài, ảnh: Trần Thử", "Trần Thử"),
            ("Tác giả: Trần Thử", "Trần Thử"),
            ("T.Thử", "T.Thử"),
            ("Trần Thử.", "Trần Thử"),
        ],
    )
    def test_signatures(self, line: str, author: str, write: Write) -> None:
        article = read(write(lines(TITLE, LEAD, BODY, line)))
        assert (article.author, article.text) == (author, lines(LEAD, BODY, line.strip()))
        assert [article.text[slice(*span)] for span in article.credits] == [line.strip()]

    @pytest.mark.parametrize("line", ["Hà Nội", "Bảng xếp hạng", "Sở Ngoại vụ", "Lịch thi đấu", "Một dòng cuối"])
    def test_other_last_lines_are_no_signatures(self, line: str, write: Write) -> None:
        article = read(write(lines(TITLE, LEAD, BODY, line)))
        assert article.text == lines(LEAD, BODY, line)
        assert article.author == ""

    @pytest.mark.parametrize(
        ("prefix", "publisher"),
        [
            ("(Baohatinh.vn) - ", "Báo Hà Tĩnh"),
            ("(TTXVN)- ", "Thông tấn xã Việt Nam"),
            ("VOV.VN – ", "VOV"),
            ("(Tranglạ.vn) - ", ""),
            ("(Trangla.vn) - ", "Trangla.vn"),
            ("(Dân trí) - ", "Dân trí"),
        ],
    )
    def test_the_publisher_before_the_lead(self, prefix: str, publisher: str, write: Write) -> None:
        article = read(write(lines(TITLE, prefix + LEAD, BODY)))
        assert article.publisher == publisher
        assert article.text == lines(LEAD if publisher else prefix + LEAD, BODY)

    def test_a_dash_in_the_lead_is_no_publisher(self, write: Write) -> None:
        lead = f"Phú Điền - {LEAD}"
        assert read(write(lines(TITLE, lead, BODY))).text == lines(lead, BODY)

    def test_mastheads(self, write: Write) -> None:
        article = read(
            write(
                lines(
                    "Cổng thông tin điện tử huyện Vàm",
                    "Phòng Giao thông",
                    "A- A A+ | Tăng tương phản",
                    TITLE,
                    LEAD,
                    BODY,
                )
            )
        )
        assert (article.publisher, article.title) == ("Cổng thông tin điện tử huyện Vàm", TITLE)
        assert article.text == lines(LEAD, BODY)

    def test_a_title_about_a_newspaper_is_no_masthead(self, write: Write) -> None:
        article = read(write(lines("Báo Hà Tĩnh", LEAD, BODY)))
        assert (article.title, article.publisher) == ("Báo Hà Tĩnh", "")

    def test_a_signature_may_stand_over_the_source(self, write: Write) -> None:
        article = read(write(lines(TITLE, LEAD, BODY, "Kim Thử", "Theo TTXVN")))
        assert (article.author, article.source, article.text) == ("Kim Thử", "TTXVN", lines(LEAD, BODY, "Kim Thử"))

    def test_the_publishers_name_is_no_part_of_a_title_made_from_the_lead(self, write: Write) -> None:
        article = read(write(lines(f"(Baohatinh.vn) - {LEAD}", BODY)))
        assert (article.title, article.text) == (LEAD.rstrip("."), lines(LEAD, BODY))

    def test_tags_topic_and_source_at_the_foot(self, write: Write) -> None:
        article = read(
            write(
                lines(
                    TITLE,
                    LEAD,
                    BODY,
                    "Chủ đề Cầu đường",
                    "Từ khóa: sông Vàm, cầu mới",
                    "Nguồn: Báo Thử",
                    "Theo TTXVN",
                )
            )
        )
        assert article.tags == ("Cầu đường", "sông Vàm", "cầu mới")
        assert article.source == "Báo Thử"
        assert article.text == lines(LEAD, BODY)

    def test_front_matter_wins_and_the_text_still_loses_its_byline(self, write: Write) -> None:
        article = read(
            write(
                "---\nauthor: Lê Khác\npublished: 2020-01-02\n---\n"
                + lines(TITLE, "Trần Thử| 01/06/2022 08:56", LEAD, BODY)
            )
        )
        assert (article.author, article.published) == ("Lê Khác", date(2020, 1, 2))
        assert article.text == lines(LEAD, BODY)


class TestNoise:
    def test_a_page_as_it_is_saved(self, write: Write) -> None:
        caption = "Người dân hai ấp đi trên cầu trong ngày khánh thành. Ảnh tư liệu"
        page = lines(
            "Trang chủ > Thời sự > Giao thông", TITLE, "Trần Thử| 01/06/2022 08:56", "Chia sẻ",
            f"(Baohatinh.vn) - {LEAD}",
            TITLE, caption, "ADQuảng cáo", BODY, "QUẢNG CÁO", caption, f"{TITLE} - Ảnh 2.", BODY, MORE,
            "Ảnh: Trần Thử",
            "Chủ đề Hạ tầng nông thôn", "Đọc thêm", "Xã bên mở hội đua thuyền", "Xã bên mở hội đua thuyền",
            "Hội đua thuyền năm nay có mười hai đội của bốn xã ven sông cùng tham dự.",
            "Giá lúa tăng nhẹ đầu vụ",
            "(0) Bình luận", "POWERED BY ONECMS - A PRODUCT OF NEKO",
        )  # fmt: skip
        article = read(write(page))
        assert article.text == lines(LEAD, caption, BODY, MORE, "Trần Thử| 01/06/2022 08:56")
        assert (article.title, article.author, article.publisher) == (TITLE, "Trần Thử", "Báo Hà Tĩnh")
        assert article.tags == ("Hạ tầng nông thôn",)

    @pytest.mark.parametrize(
        "line",
        [
            "ADQuảng cáo", "Quảng cáo", "(0) Bình luận", "Bình luận (3)",
            "A- A A+ | Tăng tương phản Giảm tương phản", "Theo dõi Báo Thử trên Google News",
            "Ảnh: Trần Thử", "(Ảnh minh hoạ)", "POWERED BY SOMETHING - ELSE",
            "XEM THÊM: Xã bên mở hội đua thuyền", "Tin liên quan Xã bên mở hội đua thuyền", "* Quảng cáo *",
        ],
    )  # fmt: skip
    def test_lines_removed_between_paragraphs(self, line: str, write: Write) -> None:
        assert read(write(lines(TITLE, LEAD, line, BODY, MORE))).text == lines(LEAD, BODY, MORE)

    @pytest.mark.parametrize(
        "line",
        ["Nổi bật", "Đừng bỏ lỡ", "Chia sẻ", "Bình luận", "https://a.vn/b", "PV", "Tag: cầu", "In bài viết"],
    )
    def test_lines_removed_at_the_foot(self, line: str, write: Write) -> None:
        assert read(write(lines(TITLE, LEAD, BODY, MORE, line))).text == lines(LEAD, BODY, MORE)

    @pytest.mark.parametrize(
        "stop",
        [
            "Đọc thêm",
            "TIN LIÊN QUAN",
            "Tin liên quan:",
            "Có thể bạn quan tâm",
            "Tin cùng chuyên mục",
            "Xem thêm",
        ],
    )
    def test_teasers_are_cut_to_the_end(self, stop: str, write: Write) -> None:
        teasers = [
            "Xã bên mở hội đua thuyền",
            "Mười hai đội của bốn xã ven sông sẽ tham dự hội năm nay.",
            "Giá lúa tăng",
            "Học sinh trở lại trường",
        ]
        assert read(write(lines(TITLE, LEAD, BODY, MORE, stop, *teasers))).text == lines(LEAD, BODY, MORE)

    def test_comments_are_cut_to_the_end(self, write: Write) -> None:
        page = lines(TITLE, LEAD, BODY, MORE, "Bình luận (2)", "Tôi đi qua cầu rồi, đẹp và chắc lắm bà con ơi.")
        assert read(write(page)).text == lines(LEAD, BODY, MORE)

    def test_a_box_inside_the_article_takes_only_itself(self, write: Write) -> None:
        links = ["• Xã bên mở hội đua thuyền", "• Giá lúa tăng nhẹ đầu vụ"]
        rest = [
            LEAD.replace("Sáng", "Chiều"),
            BODY.replace("86", "90"),
            MORE.replace("12", "15"),
            BODY.replace("86", "95"),
        ]
        article = read(write(lines(TITLE, LEAD, "Xem thêm", *links, "Phần hai", *rest)))
        assert article.text == lines(LEAD, "Phần hai", *rest)
        one = read(write(lines(TITLE, LEAD, BODY, "Đọc thêm", "Xã bên mở hội đua thuyền", *rest)))
        assert one.text == lines(LEAD, BODY, *rest)

    @pytest.mark.parametrize(
        "paragraph",
        [
            "Bạn đọc có thể đọc thêm về lịch sử dòng sông trong cuốn địa chí của huyện.",
            "Đọc thêm sách là lời khuyên mà thầy hiệu trưởng gửi tới học trò hai ấp.",
            "Chủ đề của lễ hội năm nay là nối nhịp hai bờ sông Vàm.",
            "Theo dõi sát mực nước là việc của tổ bảo vệ cầu trong mùa lũ.",
            "Chia sẻ với bà con, chủ tịch xã mong cầu được giữ gìn sạch đẹp.",
            "Quảng cáo rao vặt dán trên cầu sẽ bị xử phạt theo quy định.",
            "Nguồn vốn còn lại được dùng để làm đường dẫn lên cầu.",
            "Theo kế hoạch, đường dẫn sẽ xong trước Tết.",
            "Video của người dân ghi lại cảnh đò ngang chuyến cuối.",
            "Ảnh: hưởng của dòng chảy tới mố cầu đã được các kỹ sư tính kỹ từ trước.",
        ],
    )
    def test_stop_phrases_inside_sentences_lose_nothing(self, paragraph: str, write: Write) -> None:
        for page in (
            [TITLE, LEAD, paragraph],
            [TITLE, paragraph, LEAD, BODY],
            [TITLE, LEAD, paragraph, BODY],
            [paragraph],
        ):
            assert paragraph in read(write(lines(*page))).text

    @pytest.mark.parametrize("stop", ["Đọc thêm", "Xem thêm", "Bình luận (3)", "Tin liên quan"])
    def test_nothing_is_cut_before_there_is_an_article(self, stop: str, write: Write) -> None:
        assert read(write(lines(stop, TITLE, LEAD, BODY, MORE))).text == lines(LEAD, BODY, MORE)
        assert BODY in read(write(lines(TITLE, stop, LEAD, BODY, MORE))).text

    def test_short_lines_and_list_items_may_repeat(self, write: Write) -> None:
        parts = ["Đội hình:", BODY, "Đội hình:", MORE]
        assert read(write(lines(TITLE, LEAD, *parts))).text == lines(LEAD, *parts)
        place = "- Địa điểm: bến đò cũ của ấp Trên bên sông"
        items = f"{place}\n- Giờ: 8h\n{place}"
        assert items in read(write(f"{TITLE}\n{LEAD}\n{items}\n{BODY}")).text

    def test_a_lead_cut_off_before_it_stands_in_full(self, write: Write) -> None:
        assert read(write(lines(TITLE, f"{LEAD[:60]} ...", LEAD, BODY))).text == lines(LEAD, BODY)
        # The same sentence with dots is not a reason to lose the whole one.
        assert LEAD in read(write(lines(TITLE, f"{LEAD[:-1]} ...", BODY, LEAD))).text

    def test_the_title_as_the_only_text_stays(self, write: Write) -> None:
        assert read(write(f"---\ntitle: {TITLE}\n---\n{TITLE}\n")).text == TITLE


NOISE = st.sampled_from(
    ["ADQuảng cáo", "Đọc thêm", "Nổi bật", TITLE, "Trần Thử| 01/06/2022 08:56", "- mục", "1. mục",
     "---", "# Phần", "Theo TTXVN", "(Baohatinh.vn) - Lời dẫn của bài.", "Ảnh: A", "| a | b |", "> trích",
     "<b>đậm</b>", "TÍT IN HOA", "https://a.vn", "Kim Thử", "```"]
)  # fmt: skip
PARAGRAPH = st.one_of(NOISE, st.sampled_from([LEAD, BODY, MORE]), st.text(max_size=60))


class TestInvariants:
    @settings(
        max_examples=150,
        deadline=timedelta(seconds=2),
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        parts=st.lists(PARAGRAPH, max_size=12),
        gap=st.sampled_from(["\n", "\n\n", "\r\n"]),
        suffix=st.sampled_from([".md", ".txt"]),
    )
    def test_any_text_gives_a_sound_article_or_an_article_error(
        self, parts: list[str], gap: str, suffix: str, tmp_path: Path
    ) -> None:
        path = tmp_path / f"bai{suffix}"
        path.write_bytes(gap.join(parts).encode("utf-8", "ignore"))
        try:
            article = read(path)
        except ArticleError as error:
            assert "bai" in str(error)
            return
        assert read(path) == article
        text = article.text
        assert text.strip() == text != ""
        assert article.title
        for value in (text, article.title, article.author, article.publisher, article.source, *article.tags):
            assert unicodedata.is_normalized("NFC", value)
            assert not any(unicodedata.category(c) == "Cc" and c != "\n" for c in value)
            assert not any(c in value for c in "\u200b\u200d\u200e\u202e\u2060\ufeff\u00ad\u00a0")
        assert all(line == " ".join(line.split()) for line in text.split("\n"))
        assert "\n\n\n" not in text
        ends = 0
        for start, end in article.headings:
            assert ends <= start < end <= len(text)
            assert "\n" not in text[start:end]
            assert text[start - 2 : start] in ("", "\n\n")
            assert text[end : end + 2] in ("", "\n\n")
            ends = end

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        body=st.lists(
            st.sampled_from([LEAD, BODY, MORE, LEAD.replace("mười", "chín")]),
            min_size=1,
            max_size=4,
            unique=True,
        ),
        data=st.data(),
    )
    def test_noise_between_paragraphs_never_costs_one(
        self, body: list[str], data: st.DataObject, tmp_path: Path
    ) -> None:
        noise = st.sampled_from(
            [
                "ADQuảng cáo",
                "(0) Bình luận",
                "A- A A+ | Tăng tương phản Giảm tương phản",
                TITLE,
                "Ảnh: Trần Thử",
            ]
        )
        parts = [TITLE]
        for paragraph in body:
            parts += [*data.draw(st.lists(noise, max_size=2)), paragraph]
        path = tmp_path / "bai.txt"
        path.write_text(lines(*parts), encoding="utf-8")
        # Comments are cut only in the last half of a file; readers' comments look like paragraphs.
        kept = read(path).text.split("\n\n")
        assert kept == body[: len(kept)]
        if "(0) Bình luận" not in parts:
            assert kept == body


@pytest.fixture(scope="module")
def articles() -> dict[str, Article]:
    return {path.name[:3]: read(path) for path in find([SHARED])}


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the raw seed files are not here ({SHARED})")
class TestRawSeeds:
    def test_ids_titles_and_data(self, articles: dict[str, Article]) -> None:
        found = {n: (a.id[:3], a.publisher, a.author, a.published) for n, a in articles.items()}
        assert found == {
            "000": ("000", "Báo Hà Tĩnh", "", None),
            "001": ("001", "", "", None),
            "002": ("002", "", "Hoài Anh", date(2022, 6, 1)),
            "003": ("003", "Cổng thông tin điện tử tỉnh Lạng Sơn", "Kim Hoàn", None),
            "004": ("004", "", "", None),
        }
        assert articles["000"].title.startswith("Đưa ngoại giao kinh tế")
        assert articles["001"].title.endswith("năm 2022")
        assert articles["002"].title == "Đẩy mạnh ngoại giao kinh tế"
        assert articles["003"].title.startswith("Bộ Ngoại giao tổ chức")
        assert articles["004"].title.startswith("Chiều 2/4")
        assert articles["004"].title.endswith("…")
        assert articles["004"].text.startswith(articles["004"].title[:-1])

    def test_headings(self, articles: dict[str, Article]) -> None:
        assert {n: len(a.headings) for n, a in articles.items()} == {
            "000": 3,
            "001": 0,
            "002": 2,
            "003": 0,
            "004": 2,
        }
        assert "4 TRỌNG TÂM LỚN TRONG NGOẠI GIAO KINH TẾ NĂM 2024" in headings(articles["004"])

    def test_nothing_that_is_not_the_article(self, articles: dict[str, Article]) -> None:
        for article in articles.values():
            for noise in (
                "Quảng cáo",
                "Đọc thêm",
                "tương phản",
                "Bình luận",
                "Nổi bật",
                "Đừng bỏ lỡ",
                "ONECMS",
                "Baohatinh",
                "cử tri",
            ):
                assert noise not in article.text
            assert article.title not in article.text.split("\n")
            paragraphs = article.text.split("\n\n")
            assert len(set(paragraphs)) == len(paragraphs)

    def test_every_other_line_is_kept(self, articles: dict[str, Article]) -> None:
        kept = {n: len(a.text.split("\n\n")) for n, a in articles.items()}
        assert kept == {"000": 28, "001": 11, "002": 10, "003": 9, "004": 19}
        assert [articles["002"].text[slice(*span)] for span in articles["002"].credits] == [
            "Hoài Anh| 01/06/2022 08:56"
        ]
        assert [articles["003"].text[slice(*span)] for span in articles["003"].credits] == ["Kim Hoàn"]
        assert "Ảnh: VGP/Nhật Bắc" in articles["000"].text
        assert articles["000"].text.count("điều hành điểm cầu Hà Tĩnh.") == 1
        assert "Ảnh tư liệu" in articles["002"].text
        assert "Quang cảnh phiên họp trực tuyến tại điểm cầu tỉnh Lạng Sơn" in articles["003"].text
