"""Documents as they come: web pages, PDF and Word files with all that surrounds an article, each read right."""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from pathlib import Path
from typing import Any

import pytest

from rag.articles import read

FOLDER = Path(__file__).parent / "documents"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "expected.toml").read_text(encoding="utf-8"))
SPARE = 80


@pytest.mark.parametrize("name", EXPECTED)
def test_title_date_and_clean_text(name: str) -> None:
    expected = EXPECTED[name]
    article = read(FOLDER / name)
    assert article.title == expected["title"]
    assert article.published == expected.get("published")
    for field in {"author", "publisher", "url"} & expected.keys():
        assert getattr(article, field) == expected[field], field
    lines = article.text.split("\n")
    wanted = expected["lines"]
    assert [line for line in wanted if line not in lines] == []
    assert [line for line in lines if line in wanted] == wanted
    assert [words for words in expected.get("holds", ()) if words not in article.text] == []
    assert [words for words in expected["gone"] if words.lower() in article.text.lower()] == []
    assert len(article.text) <= sum(len(line) + 2 for line in wanted) + expected.get("spare", SPARE)
    assert article.title not in lines
    for words, page in expected.get("pages", {}).items():
        assert bisect_right(article.pages, article.text.index(words)) == page
