"""The corpus that is shipped."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
import yaml

from rag.articles import find, read
from rag.vietnamese.normalize import clean
from rag.vietnamese.sentences import split_sentences

FOLDER = Path(__file__).resolve().parents[1] / "seeds"
FILES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")

each = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem)[:20])


def test_there_are_five_and_the_readme_is_none_of_them() -> None:
    assert len(FILES) == 5
    assert find([FOLDER]) == FILES
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{path.stem}`" in readme for path in FILES)  # its provenance is told


@each
def test_the_front_matter_is_complete(path: Path) -> None:
    _, front, _ = path.read_text(encoding="utf-8").split("---\n", 2)
    keys = yaml.safe_load(front)
    assert {"id", "title", "publisher", "author", "published", "source", "tags"} <= set(keys)
    assert keys["id"] == path.stem
    assert all(keys.values())


@each
def test_it_is_read_as_an_article(path: Path) -> None:
    article = read(path)
    assert (article.id, article.published is not None) == (path.stem, True)
    assert article.title
    assert article.publisher
    assert article.source
    assert article.tags
    assert len(article.headings) >= 3
    assert 500 <= len(article.text.split()) <= 1200


@each
def test_its_text_is_clean(path: Path) -> None:
    raw = path.read_text(encoding="utf-8")
    assert unicodedata.is_normalized("NFC", raw)
    assert clean(raw) == raw
    assert raw.endswith("\n")


@each
def test_no_sentence_is_too_long_to_be_an_answer(path: Path) -> None:
    text = read(path).text
    assert max(len(text[start:end].split()) for start, end in split_sentences(text)) <= 75


def test_the_fact_that_everyone_asks_for() -> None:
    text = read(FOLDER / "hoi-nghi-co-quan-dai-dien-2024.md").text
    assert "683 tỷ USD" in text
