"""The word lists, and an operator's own beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import SettingsError
from rag.vietnamese import data


@pytest.fixture(autouse=True)
def unread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process that has read no list yet."""
    monkeypatch.setattr(data, "_added", [])
    data.lines.cache_clear()
    yield
    data.lines.cache_clear()


def test_lines_are_added_to_the_list_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "abbreviations.txt").write_text("# ours\nCQĐDX = cơ quan đại diện xa # so\n", "utf-8")
    data.add_from(tmp_path)
    data.add_from(tmp_path)  # once more is nothing more
    found = data.lines("abbreviations.txt")
    assert found[-1] == "CQĐDX = cơ quan đại diện xa"
    assert found.count(found[-1]) == 1
    assert len(found) > 100
    assert data.lines("places.txt")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="make it, or leave HOIDAP_WORDS_DIR out"):
        data.add_from(tmp_path / "none")


def test_a_list_of_no_known_name(tmp_path: Path) -> None:
    (tmp_path / "abreviations.txt").write_text("A = b\n", "utf-8")
    with pytest.raises(SettingsError, match=r"abreviations\.txt extends no list: known are .*abbreviations\.txt"):
        data.add_from(tmp_path)


def test_too_late(tmp_path: Path) -> None:
    data.lines("places.txt")
    with pytest.raises(SettingsError, match="before the first question"):
        data.add_from(tmp_path)


def test_a_list_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "synonyms.txt").write_bytes(b"\xff\xfe")
    data.add_from(tmp_path)
    with pytest.raises(SettingsError, match="cannot be read as UTF-8"):
        data.lines("synonyms.txt")


def test_an_abbreviation_has_one_meaning_without_a_context() -> None:
    """The first line would win over the second, and nobody would see why."""
    plain = [line.partition("=")[0].strip() for line in data.lines("abbreviations.txt") if "|" not in line]
    assert len(plain) > 500
    assert sorted({short for short in plain if plain.count(short) > 1}) == []
