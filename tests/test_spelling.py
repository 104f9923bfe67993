"""Restoring accents: from a real index, on what people type."""

from __future__ import annotations

import pytest

from rag.pipeline import Pipeline
from rag.understanding.spelling import Speller
from rag.vietnamese.normalize import fold, strip_accents


@pytest.fixture(scope="module")
def accents(pipeline: Pipeline) -> Speller:
    return Speller(pipeline.corpus.index)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tong kim ngach xuat nhap khau nam 2023", "tổng kim ngạch xuất nhập khẩu năm 2023"),
        ("Ai chu tri hoi nghi?", "Ai chủ trì hội nghị?"),
        ("co quan dai dien viet nam o nuoc ngoai", "cơ quan đại diện việt nam ở nước ngoài"),
        ("ngoai giao kinh te la gi", "ngoại giao kinh tế là gì"),
        ("nguoi viet nam o nuoc ngoai", "người việt nam ở nước ngoài"),
    ],
)
def test_what_the_corpus_says_gets_its_accents(accents: Speller, typed: str, meant: str) -> None:
    assert accents.restore(typed) == meant


def test_only_accents_change(accents: Speller) -> None:
    typed = "  Nam 2023, chi thi 15-CT/TW: dat bao nhieu (ty USD)?  UBND tinh... "
    restored = accents.restore(typed)
    assert restored != typed
    assert fold(restored) == fold(typed)
    assert len(restored) == len(typed)


@pytest.mark.parametrize("typed", ["", "123 !?", "qwzx fjkl", "🙂"])
def test_what_the_corpus_does_not_know_stays(accents: Speller, typed: str) -> None:
    assert accents.restore(typed) == typed


def test_most_syllables_of_the_articles_themselves_come_back(pipeline: Pipeline, accents: Speller) -> None:
    right = total = 0
    for article in pipeline.articles():
        line = max(article.text.splitlines(), key=len)
        restored = accents.restore(strip_accents(line))
        pairs = list(zip(line.lower().split(), restored.lower().split(), strict=True))
        right += sum(a == b for a, b in pairs)
        total += len(pairs)
    assert right / total > 0.9


def test_an_unaccented_question_is_shown_as_it_was_understood(pipeline: Pipeline) -> None:
    answer = pipeline.ask("tong kim ngach xuat nhap khau nam 2023 dat bao nhieu")
    assert answer.question == "tong kim ngach xuat nhap khau nam 2023 dat bao nhieu"
    assert answer.understood.startswith("tổng kim ngạch xuất nhập khẩu năm 2023 ")
    assert "683" in answer.text


def test_accents_that_were_typed_stay(accents: Speller) -> None:
    assert accents.restore("tong kim ngạch xuat nhap khau") == "tổng kim ngạch xuất nhập khẩu"
    assert accents.restore("tong kim nghịch").endswith("nghịch")


def test_a_long_text_is_restored_too(accents: Speller) -> None:
    text = "tong kim ngach xuat nhap khau " * 40
    assert accents.restore(text) == "tổng kim ngạch xuất nhập khẩu " * 40
