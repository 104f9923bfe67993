"""What BM25 counts."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.vietnamese.normalize import match_form, strip_accents
from rag.vietnamese.terms import DEFINITIONS, FIELDS, SKETCH, TERM, definitions, syllables, terms


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hoà Bình tăng 36,6%", ["hòa", "bình", "tăng", "36,6"]),
        ("1.000.000 đồng, 18-20 tỷ USD…", ["1.000.000", "đồng", "18", "20", "tỉ", "usd"]),
        ("15-CT/TW ngày 10/8/2022", ["15", "ct", "tw", "ngày", "10", "8", "2022"]),
        ("năm 2023.", ["năm", "2023"]),
        ("COVID-19 và vắc-xin", ["covid", "19", "và", "vắc", "xin"]),
        ('" OR title:x* AND (NEAR', ["or", "title", "x", "and", "near"]),
        ("🙂 … “” _ –", []),
        ("", []),
    ],
)
def test_syllables_and_numbers(text: str, found: list[str]) -> None:
    assert syllables(text) == syllables(unicodedata.normalize("NFD", text)) == found


def test_the_fields() -> None:
    found = terms("Kinh tế của Đà Nẵng")
    assert (*found, SKETCH) == FIELDS  # that is of a whole article
    assert found["syllables"] == ["kinh", "tế", "của", "đà", "nẵng"]
    assert found["pairs"] == ["kinh_tế", "tế_của", "của_đà", "đà_nẵng"]
    assert {"kinh_tế", "đà_nẵng"} <= set(found["words"])
    assert found["folded_syllables"] == ["kinh", "te", "cua", "da", "nang"]
    assert found["folded_pairs"][-1] == "da_nang"
    assert {"kinh_te", "da_nang"} <= set(found["folded_words"])


def test_one_word_has_no_pair() -> None:
    assert terms("gạo")["pairs"] == []


@settings(deadline=None)
@given(st.text(max_size=60))
def test_terms_hold_no_white_space_and_fields_agree(text: str) -> None:
    found = terms(text)
    assert found["pairs"] == [f"{a}_{b}" for a, b in pairwise(found["syllables"])]
    for name in ("syllables", "pairs", "words"):
        assert found[f"folded_{name}"] == [strip_accents(term) for term in found[name]]
    # The lexical index parts terms at white space: none may hold any, or be empty.
    assert all(term and not any(c.isspace() for c in term) for field in found.values() for term in field)


@given(st.text(st.sampled_from("hHoòaÀÒỷyqu\u0300\u0323İKªß0²7.,-_ \n")) | st.text())
def test_syllables_are_those_of_the_match_form(text: str) -> None:
    found = [term.lstrip("0") or "0" if term.isdigit() else term for term in TERM.findall(match_form(text))]
    assert syllables(text) == found


def test_leading_zeros_make_no_other_number() -> None:
    assert syllables("02/04/2024") == syllables("2/4/2024") == ["2", "4", "2024"]
    assert syllables("0,5 và 0") == ["0,5", "và", "0"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("về ngoại giao kinh tế (NGKT) năm nay", [("NGKT", "ngoại giao kinh tế")]),
        ("Bộ Ngoại giao (sau đây gọi tắt là BNG) họp", [("BNG", "Bộ Ngoại giao")]),
        ("cơ quan đại diện (viết tắt là CQĐD)", [("CQĐD", "cơ quan đại diện")]),
        ("Ủy ban nhân dân (UBND)", [("UBND", "Ủy ban nhân dân")]),
        ("vận động (VĐ) và quần chúng nhân dân (QCND)", [("VĐ", "vận động"), ("QCND", "quần chúng nhân dân")]),
        ("Việt Nam (ASEAN)", []),  # other letters
        ("giao kinh tế (NGKT)", []),  # a word too few
        ("ngoại giao, kinh tế (NGKT)", []),
        ("ngoại giao kinh tế (ngkt)", []),
        ("(NGKT)", []),
        ("", []),
    ],
)
def test_abbreviations_that_a_text_explains(text: str, found: list[tuple[str, str]]) -> None:
    assert definitions(text) == found
    assert terms(text)[DEFINITIONS] == [f"{short}={full.replace(' ', '_')}" for short, full in found]
