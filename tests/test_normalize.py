"""Spelling brought to one form, and the way back to the original."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.vietnamese.normalize import (
    _WITH_Y,
    as_most_write,
    clean,
    fold,
    has_accents,
    mapped,
    match_form,
    strip_accents,
    unify_syllable,
)

LETTERS = "aăâbcdđeêghiklmnoôơpqrstuưvxyAĂÂĐÊÔƠƯ"
VIETNAMESE = "".join(
    unicodedata.normalize("NFC", letter + tone)
    for letter in "aăâeêioôơuưy"
    for tone in "\u0300\u0301\u0303\u0309\u0323"
)
MARKS = "\u0300\u0301\u0303\u0309\u0323\u0302\u0306\u031b"
words = st.text(alphabet=LETTERS + VIETNAMESE + VIETNAMESE.upper() + MARKS + " ,.-/\n36")
texts = st.one_of(words, words.map(lambda t: unicodedata.normalize("NFD", t)), st.text())


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


class TestMatchForm:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("hoà", "hòa"),
            ("hoá", "hóa"),
            ("toả", "tỏa"),
            ("khoẻ", "khỏe"),
            ("loè", "lòe"),
            ("thuý", "thúy"),
            ("huỷ", "hủy"),
            ("uỷ", "ủy"),
            ("tuỳ", "tùy"),
            ("quý", "quí"),
            ("quỹ", "quĩ"),
            ("tỷ", "tỉ"),
            ("kỹ", "kĩ"),
            ("Mỹ", "Mĩ"),
            ("lý", "lí"),
            ("sỹ", "sĩ"),
            ("hy", "hi"),
            ("THOẢ THUẬN", "thỏa thuận"),
            ("Tỉnh uỷ Thanh Hoá", "tỉnh ủy Thanh Hóa"),
        ],
    )
    def test_two_spellings_of_one_word_are_one(self, one: str, other: str) -> None:
        assert match_form(one) == match_form(other)
        assert match_form(nfd(one)) == match_form(other)

    @pytest.mark.parametrize(
        "word",
        [
            "nguyễn",  # ê carries the tone
            "hoàn",  # closed: the second vowel
            "hoạch",
            "tuýp",
            "huỳnh",
            "quà",  # qu is a consonant: the a carries the tone
            "quả",
            "quốc",
            "ngoại",  # three vowels
            "xoáy",
            "khuỷu",
            "thuở",
            "già",  # no such pair
            "ý",  # y alone stays
            "yếu",
            "tây",
            "thủy",
        ],
    )
    def test_right_spellings_stay(self, word: str) -> None:
        assert match_form(word) == word

    @pytest.mark.parametrize("pair", [("hòa", "hoa"), ("tỉ", "ti"), ("má", "mà"), ("đa", "da"), ("quý", "quỳ")])
    def test_different_words_stay_different(self, pair: tuple[str, str]) -> None:
        assert match_form(pair[0]) != match_form(pair[1])

    def test_what_is_between_words_stays(self) -> None:
        assert match_form("Chỉ thị 15-CT/TW, 36,6 TỶ!") == "chỉ thị 15-ct/tw, 36,6 tỉ!"

    @settings(deadline=None)
    @given(st.text(alphabet=LETTERS.lower() + VIETNAMESE, max_size=8))
    def test_a_syllable_keeps_its_length(self, syllable: str) -> None:
        assert len(unify_syllable(syllable)) == len(syllable)

    @settings(deadline=None)
    @given(texts)
    def test_composed_and_decomposed_are_one(self, text: str) -> None:
        assert match_form(nfd(text)) == match_form(unicodedata.normalize("NFC", text))

    @settings(deadline=None)
    @given(words)
    def test_doing_it_twice_changes_nothing(self, text: str) -> None:
        assert match_form(match_form(text)) == match_form(text)


class TestFold:
    @pytest.mark.parametrize(
        ("text", "folded"),
        [
            ("Hoà Bình, Đắk Nông", "hoa binh, dak nong"),
            ("Quý III, 28 tỷ", "qui iii, 28 ti"),
            ("ĐƯỜNG PHƯỚC LỮ", "duong phuoc lu"),
            ("already plain", "already plain"),
        ],
    )
    def test_accents_and_case_go(self, text: str, folded: str) -> None:
        assert fold(text) == fold(nfd(text)) == folded

    def test_stripping_keeps_case_and_length(self) -> None:
        assert strip_accents("Tổng Đài Việt Nam") == "Tong Dai Viet Nam"

    @settings(deadline=None)
    @given(words)
    def test_a_question_typed_without_accents_folds_to_the_same(self, text: str) -> None:
        text = unicodedata.normalize("NFC", text)
        assert fold(text) == strip_accents(match_form(text))

    @pytest.mark.parametrize("text", ["đi", "hoà", "ơ", nfd("tổng"), "Nghi dinh số 5", "Đ"])
    def test_accents_are_seen(self, text: str) -> None:
        assert has_accents(text)

    @pytest.mark.parametrize("text", ["", "tong kim ngach 2023", "FDI?", "15-CT/TW", "“3 cung”…", "🙂"])
    def test_and_missing_ones_are_missed(self, text: str) -> None:
        assert not has_accents(text)


class TestClean:
    @pytest.mark.parametrize(
        ("text", "cleaned"),
        [
            ("Hà\u00a0Tĩnh", "Hà Tĩnh"),
            ("Hà\u202fTĩnh\u3000và\tHuế", "Hà Tĩnh và Huế"),
            ("kinh\u200b tế\ufeff", "kinh tế"),
            ("\u202etế\u202c \u2066kinh\u2069", "tế kinh"),
            ("vắc\u00adxin", "vắcxin"),
            ("a\x00b\x07c\x1bd\x7fe\x9ff", "abcdef"),
            ("một\r\nhai\rba\u2028bốn\u0085năm", "một\nhai\nba\nbốn\nnăm"),
            ("trang một\x0ctrang hai\x0bdòng", "trang một\ntrang hai\ndòng"),
            ("x\udc80y \ud83d", "xy "),
            (nfd("Tổng kim ngạch"), "Tổng kim ngạch"),
            ("to\u200b\u0302\u0309ng", "tổng"),
            ("Đã sạch, “nguyên” – 🙂.\n\nHết", "Đã sạch, “nguyên” – 🙂.\n\nHết"),
        ],
    )
    def test_what_is_seen_stays_and_the_rest_goes(self, text: str, cleaned: str) -> None:
        assert clean(text) == cleaned

    @settings(deadline=None)
    @given(st.text(alphabet=st.characters()))
    def test_any_text_becomes_storable_and_stays(self, text: str) -> None:
        cleaned = clean(text)
        assert clean(cleaned) == cleaned
        assert unicodedata.is_normalized("NFC", cleaned)
        assert cleaned.encode().decode() == cleaned
        assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in cleaned.replace("\n", ""))
        assert "".join(cleaned.splitlines()) == cleaned.replace("\n", "")

    @settings(deadline=None)
    @given(st.text(alphabet=LETTERS + VIETNAMESE + " \n.,"))
    def test_clean_text_is_left_alone(self, text: str) -> None:
        assert clean(unicodedata.normalize("NFC", text)) == unicodedata.normalize("NFC", text)


class TestAsMostWrite:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("kí", "ký"),
            ("ti", "ty"),
            ("tỉ", "tỷ"),
            ("quí", "quý"),
            ("lí", "lý"),
            ("sĩ", "sĩ"),
            ("mì", "mì"),
            ("đi", "đi"),
        ],
    )
    def test_a_syllable_is_spelt_as_it_stands_in_print(self, one: str, other: str) -> None:
        assert as_most_write(one) == other

    @given(st.sampled_from(sorted(_WITH_Y)))
    def test_it_is_the_same_syllable(self, syllable: str) -> None:
        assert match_form(as_most_write(syllable)) == syllable


class TestMapped:
    def test_a_span_of_the_normalised_text_is_found_in_the_original(self) -> None:
        original = nfd("Tỉnh uỷ Hoà Bình đạt 28 tỷ USD.")
        found = mapped(original)
        start = found.text.index("hòa bình")
        begin, end = found.original(start, start + len("hòa bình"))
        assert unicodedata.normalize("NFC", original[begin:end]) == "Hoà Bình"

    def test_folding_has_a_way_back_too(self) -> None:
        original = nfd("Phường Đắk Nông")
        found = mapped(original, fold)
        start = found.text.index("dak nong")
        begin, end = found.original(start, start + len("dak nong"))
        assert unicodedata.normalize("NFC", original[begin:end]) == "Đắk Nông"

    @settings(deadline=None)
    @given(texts)
    def test_offsets_never_go_back_and_span_the_whole(self, text: str) -> None:
        found = mapped(text)
        assert len(found.offsets) == len(found.text) + 1
        assert all(a <= b for a, b in pairwise(found.offsets))
        assert found.offsets[-1] == len(text)
        assert not found.text or found.offsets[0] == 0

    def test_a_mark_that_goes_into_no_letter_has_its_own_place(self) -> None:
        found = mapped("33\u0300A\u0300")  # typed by nobody, but a file may hold it; a property once drew it
        assert found.text == "33\u0300à"
        assert found.offsets == (0, 1, 2, 3, 5)

    @settings(deadline=None)
    @given(words, st.data())
    def test_the_original_slice_covers_what_was_found(self, text: str, data: st.DataObject) -> None:
        found = mapped(text)
        start = data.draw(st.integers(0, len(found.text)))
        end = data.draw(st.integers(start, len(found.text)))
        begin, stop = found.original(start, end)
        assert 0 <= begin <= stop <= len(text)
        # A tone may move and a final y be i inside a syllable; its letters are those of the original.
        slice_ = fold(text[begin:stop]).replace("y", "i")
        assert strip_accents(found.text[start:end]).replace("y", "i") in slice_

    @settings(deadline=None)
    @given(words)
    def test_whole_words_come_back_exactly(self, text: str) -> None:
        found = mapped(text)
        at = 0
        for word in found.text.split():
            at = found.text.index(word, at)
            begin, end = found.original(at, at + len(word))
            assert match_form(text[begin:end]) == word
            at += len(word)

    @settings(deadline=None)
    @given(words)
    def test_composed_and_decomposed_map_to_the_same_words(self, text: str) -> None:
        composed, decomposed = unicodedata.normalize("NFC", text), nfd(text)
        one, other = mapped(composed), mapped(decomposed)
        assert one.text == other.text == match_form(text)
        for word in re.finditer(r"\S+", one.text):
            a, b = one.original(*word.span())
            c, d = other.original(*word.span())
            assert unicodedata.normalize("NFC", decomposed[c:d]) == composed[a:b]
