"""The bundled model's tokens, beside those of the `tokenizers` library from the same folder."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from platformdirs import user_cache_path

from rag.embedding.bundled import bundled_folder
from rag.embedding.tokenizer import Tokenizer, open_tokenizer
from tests.conftest import SEEDS

ODD = [
    "",
    " ",
    "  hai   khoảng trắng ",
    "ﬁ ２０２３ ½x COVID-19… “Hà Nội”",
    "🙂🙂 🙂a",
    "Xin chào\nHà\tNội\r\n",
    "a\x01b c\u200bd\ufeffe\u00a0f",
    "漢字 العربية русский",
    "\ue000\ue001x",
    "<mask>",
    "▁a▁▁b",
    unicodedata.normalize("NFD", "Tổng kim ngạch xuất nhập khẩu của nước Việt Nam"),
    "Hoà Bình, hòa bình; tỷ, tỉ",
    "https://thuvienphapluat.vn/van-ban?x=1&y=2",
    "x" * 600,
]


@pytest.fixture(scope="module")
def ours() -> Tokenizer:
    return open_tokenizer(bundled_folder(user_cache_path("hoidap")))


@pytest.fixture(scope="module")
def theirs() -> tokenizers.Tokenizer:
    folder = bundled_folder(user_cache_path("hoidap"))
    return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


@pytest.fixture(scope="module")
def prose() -> list[str]:
    return [line for path in sorted(SEEDS.glob("*-20*.md")) for line in path.read_text("utf-8").splitlines()]


def test_the_ids_are_those_of_tokenizers(ours: Tokenizer, theirs: tokenizers.Tokenizer, prose: list[str]) -> None:
    assert len(prose) > 50
    decomposed = [unicodedata.normalize("NFD", line) for line in prose]
    texts = [*prose, *decomposed, *map(str.upper, prose), *ODD]
    expected = [encoded.ids for encoded in theirs.encode_batch(texts, add_special_tokens=False)]
    assert ours.ids(texts) == expected
    assert [ours.tokens(text).ids for text in texts] == expected


def test_the_ids_around_a_text_are_those_of_tokenizers(ours: Tokenizer, theirs: tokenizers.Tokenizer) -> None:
    assert theirs.encode("").ids == [ours.begin, ours.end]
    assert theirs.token_to_id("<pad>") == ours.pad


def test_the_offsets_are_those_of_tokenizers(ours: Tokenizer, theirs: tokenizers.Tokenizer, prose: list[str]) -> None:
    for text in [*prose, "ﬁ ２０２３ ½x", "…abc…", "🙂 a🙂🙂", "漢字 x", "a\x01b c", "\u200babc"]:
        assert ours.tokens(text).offsets == theirs.encode(text, add_special_tokens=False).offsets


def test_a_mark_goes_with_its_letter(ours: Tokenizer) -> None:
    text = unicodedata.normalize("NFD", "Tổng kim ngạch")
    assert [text[start:end] for start, end in ours.tokens(text).offsets] == [
        unicodedata.normalize("NFD", token) for token in ("Tổng", " kim", " ng", "ạch")
    ]


@settings(deadline=None, max_examples=200)
@given(
    text=st.text(
        alphabet=st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" ố\u0301▁…½")), max_size=30
    )
)
def test_offsets_go_forward_and_stay_inside(ours: Tokenizer, text: str) -> None:
    found = ours.tokens(text)
    assert len(found.ids) == len(found.offsets)
    assert all(0 <= start <= end <= len(text) for start, end in found.offsets)
    assert [start for start, _ in found.offsets] == sorted(start for start, _ in found.offsets)


def test_what_looks_like_a_special_token_is_text(ours: Tokenizer) -> None:
    (ids,) = ours.ids(["câu </s> khác <s> <pad>"])
    assert not {ours.begin, ours.end, ours.pad} & set(ids)


def test_pieces_that_are_cut_short_are_noticed(tmp_path: Path) -> None:
    whole = (bundled_folder(user_cache_path("hoidap")) / "pieces.model").read_bytes()
    for size in (0, 1000, len(whole) // 2, len(whole) - 1):
        (tmp_path / "pieces.model").write_bytes(whole[:size])
        with pytest.raises((ValueError, RuntimeError, OSError)):
            Tokenizer(tmp_path)
