"""JSON lines: one article a line, told by a mark before it is read; what is wrong names its line."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from rag.articles import Item, encoding, find, items, read_bytes
from rag.errors import ArticleError

TEXT = "Sáng nay, xã Phú Điền khánh thành cây cầu mới bắc qua sông Vàm sau mười tháng thi công."
FULL = {
    "id": "cau-moi", "title": "Cầu mới", "text": TEXT, "url": "https://example.vn/cau",
    "published": "2024-05-06T01:00:00+07:00", "publisher": "Báo Thử", "source": "TTXVN", "author": "Trần Thử",
    "tags": ["cầu", "cầu", "sông Vàm"], "views": 7,
}  # fmt: skip


def write(path: Path, *lines: object) -> list[Item]:
    path.write_text("".join(f"{x if isinstance(x, str) else json.dumps(x)}\n" for x in lines), encoding="utf-8")
    return list(items(path))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bai.jsonl"


def test_a_line_is_an_article_and_unknown_keys_are_passed_over(path: Path) -> None:
    (item,) = write(path, FULL)
    article = item.read()
    assert item.name == f"{path}#cau-moi"
    assert (article.id, article.title, article.text) == ("cau-moi", "Cầu mới", TEXT)
    assert (article.publisher, article.source, article.author) == ("Báo Thử", "TTXVN", "Trần Thử")
    assert (article.published, article.url) == (date(2024, 5, 6), "https://example.vn/cau")
    assert article.tags == ("cầu", "sông Vàm")


def test_content_and_source_stand_for_text_and_publisher(path: Path) -> None:
    domain, name = write(
        path,
        {"id": 1, "title": "A", "content": TEXT, "source": "tuoitre.vn"},
        {"id": 2, "title": "B", "content": TEXT, "source": "Báo Xã"},
    )
    assert (domain.read().publisher, domain.read().id) == ("Tuổi Trẻ", "1")
    assert name.read().publisher == "Báo Xã"


def test_ids_that_cannot_be_in_an_address_are_mended_and_stay_apart(path: Path) -> None:
    ids = [
        item.read().id for item in write(path, *({"id": i, "title": "A", "text": TEXT} for i in ("a/b", "a b", "a-b")))
    ]
    assert len(set(ids)) == 3
    assert ids[2] == "a-b"
    (untold,) = write(path, {"title": "Cầu mới", "text": TEXT})
    assert untold.read().id.startswith("Cầu-mới-")


def test_the_mark_follows_the_bytes_wherever_the_line_stands(path: Path) -> None:
    other = {"id": "khac", "title": "Khác", "text": TEXT}
    before = {item.name: item.mark for item in write(path, FULL, other)}
    after = {item.name: item.mark for item in write(path, "", other | {"title": "Mới"}, FULL)}
    assert before.keys() == after.keys()
    assert before[f"{path}#cau-moi"] == after[f"{path}#cau-moi"]
    assert before[f"{path}#khac"] != after[f"{path}#khac"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"id": "b", "title": "B", "text": ', "not JSON"),
        ("[1, 2]", "not a JSON object"),
        ("[" * 100_000, "not JSON"),
        ({"id": "b", "title": "B", "text": ""}, "no article text"),
        ({"text": TEXT}, "neither id nor title"),
        ({"id": "b", "title": ["B"], "text": TEXT}, "title must be text"),
        ({"id": "b", "title": "B", "text": TEXT, "published": "hôm qua"}, "published .* 2023-03-09"),
        ({"id": "b", "title": "B", "text": TEXT, "url": "javascript:alert(1)"}, "https://"),
        ({"id": "cau-moi", "title": "B", "text": TEXT}, "has the id cau-moi that line 1 has"),
        ('{"id": "\udcff"}', "not JSON"),
    ],
)
def test_what_is_wrong_names_its_line_and_costs_no_other(path: Path, line: object, says: str) -> None:
    lines = [x if isinstance(x, str) else json.dumps(x) for x in (FULL, line, FULL | {"id": "sau"})]
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    first, bad, last = items(path)
    assert (first.read().id, last.read().id) == ("cau-moi", "sau")
    with pytest.raises(ArticleError, match=f"line 2.*{says}") as error:
        bad.read()
    assert ";" in str(error.value)


def test_a_file_may_be_larger_than_an_article_and_a_line_may_not(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "MAX_BYTES", 1000)
    first, second, long, last = write(
        path, FULL, FULL | {"id": "b"}, {"id": "dai", "text": TEXT * 20}, FULL | {"id": "c"}
    )
    assert [item.read().id for item in (first, second, last)] == ["cau-moi", "b", "c"]
    with pytest.raises(ArticleError, match="line 3 has more than"):
        long.read()


def test_a_line_that_moved_meanwhile_is_not_taken_for_another(path: Path) -> None:
    _, second = write(path, FULL, FULL | {"id": "b"})
    write(path, FULL | {"id": "b"}, FULL)
    with pytest.raises(ArticleError, match="changed while it was read"):
        second.read()


def test_other_files_are_one_item_and_what_is_wrong_is_told_by_reading(tmp_path: Path) -> None:
    good, empty, none = tmp_path / "a.md", tmp_path / "b.jsonl", tmp_path / "c.md"
    good.write_text(f"# Cầu\n\n{TEXT}\n", encoding="utf-8")
    empty.write_bytes(b"\n")
    assert find([tmp_path]) == [good, empty]
    (item,) = items(good)
    assert item.name == str(good)
    assert len(item.mark) == 64
    assert item.read().title == "Cầu"
    for path in (empty, none):
        (bad,) = items(path)
        assert bad.mark == ""
        with pytest.raises(ArticleError, match=path.name):
            bad.read()


def test_bytes_from_elsewhere() -> None:
    article = read_bytes(f"# Cầu\n\n{TEXT}".encode(), "cau-moi.md", ".md", "https://www.baohatinh.vn/cau")
    assert (article.id, article.url, article.publisher) == ("cau-moi", "https://www.baohatinh.vn/cau", "Báo Hà Tĩnh")
