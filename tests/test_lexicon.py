"""The dictionary's syllables, and the keys that type them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.vietnamese.lexicon import lexicon, telex


@pytest.mark.parametrize(
    ("syllable", "keys"),
    [
        ("tịch", "tichj"),
        ("ngày", "ngayf"),
        ("nước", "nuowcs"),
        ("đường", "dduowngf"),
        ("nữa", "nuwax"),
        ("huyện", "huyeenj"),
        ("khẩu", "khaaur"),
        ("ăn", "awn"),
        ("hoa", "hoa"),
        ("15", "15"),
        ("", ""),
    ],
)
def test_the_keys_of_a_syllable(syllable: str, keys: str) -> None:
    assert telex(syllable) == telex(syllable.upper()) == telex(unicodedata.normalize("NFD", syllable)) == keys


@pytest.mark.parametrize(
    ("one", "other"),
    [("nuawx", "nuwax"), ("nuowc", "nuwowc"), ("dịên", "diện"), ("kiêù", "kiều"), ("hoà", "hòa")],
)
def test_ways_to_type_one_syllable_are_one(one: str, other: str) -> None:
    assert telex(one) == telex(other)


@pytest.mark.parametrize(("one", "other"), [("mà", "má"), ("mơ", "mô"), ("đa", "da"), ("tăng", "tâng"), ("tư", "tu")])
def test_other_syllables_have_other_keys(one: str, other: str) -> None:
    assert telex(one) != telex(other)


@given(st.text(max_size=12))
def test_whatever_it_is_it_has_keys(text: str) -> None:
    assert telex(text) == telex(unicodedata.normalize("NFC", text))


def test_the_dictionary_counts_words_by_syllable() -> None:
    found = lexicon()
    assert len(found) > 6000
    assert {"ngoại", "giao", "hòa", "tỉ", "kĩ"} <= set(found)
    assert not {"hoà", "tỷ", "kỹ", "Ngoại", ""} & set(found)  # in match form
    assert found["giao"] > found["giáo_viên"] == 0
    assert all(term.isalpha() for term in found)
