"""Abbreviations and English words written out, and other ways to say a phrase."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.local import LocalIndex
from rag.corpus import Corpus
from rag.pipeline import Pipeline
from rag.understanding.equivalents import Counts, Definitions, equivalents, foreign_words, write_out
from rag.understanding.kinds import asking_phrases
from rag.vietnamese.terms import FIELDS, syllables
from tests.conftest import HashEmbedder, make_article


def corpus_of(*sentences: str) -> Counts:
    """The counts of a corpus of these sentences."""
    said = [syllables(sentence) for sentence in sentences]

    def counts(terms: Sequence[str]) -> list[int]:
        return [sum(f" {term.replace('_', ' ')} " in f" {' '.join(one)} " for one in said) for term in terms]

    return counts


SILENT = corpus_of()
MIXED = ("UBND", "TT", "CT", "BT", "CP", "15", "-", "/", "&", "trade", "ASEAN", "của", "Chính phủ")


def written(text: str, counts: Counts = SILENT, **defined: str) -> str:
    return write_out(text, defined, counts)


class TestWriteOut:
    @pytest.mark.parametrize(
        ("text", "meant"),
        [
            ("UBND tỉnh có ai?", "Ủy ban nhân dân tỉnh có ai?"),
            ("ubnd tỉnh", "Ủy ban nhân dân tỉnh"),  # people type that one in small letters
            ("Kim ngạch XNK?", "Kim ngạch xuất nhập khẩu?"),
            ("(UBND), UBND.", "(Ủy ban nhân dân), Ủy ban nhân dân."),
            ("export turnover năm 2023", "kim ngạch xuất khẩu năm 2023"),
            ("Export turnover", "kim ngạch xuất khẩu"),
            ("Trade surplus là gì", "xuất siêu là gì"),  # the longest phrase, not "trade"
            ("NQ57 và NĐ 15", "Nghị quyết 57 và Nghị định 15"),
            ("NĐ15/2020 quy định gì", "Nghị định 15/2020 quy định gì"),
            ("COVID19, VTV1, VN30, 04-NQ57", "COVID19, VTV1, VN30, 04-NQ57"),
        ],
    )
    def test_what_has_one_meaning_is_written_out(self, text: str, meant: str) -> None:
        assert written(text) == meant

    @pytest.mark.parametrize(
        ("text", "meant"),
        [
            ("TT Chính phủ chủ trì gì?", "Thủ tướng Chính phủ chủ trì gì?"),
            ("TT Trump nói gì?", "Tổng thống Trump nói gì?"),
            ("BT Tỉnh ủy là ai?", "Bí thư Tỉnh ủy là ai?"),
            ("BT Ngoại giao là ai?", "Bộ trưởng Ngoại giao là ai?"),
            ("hợp đồng BT là gì?", "hợp đồng xây dựng - chuyển giao là gì?"),
            ("CT UBND tỉnh là ai?", "Chủ tịch Ủy ban nhân dân tỉnh là ai?"),
            ("TT chinh phu chu tri", "Thủ tướng chinh phu chu tri"),
        ],
    )
    def test_of_several_meanings_the_one_that_the_question_speaks_for(self, text: str, meant: str) -> None:
        assert written(text) == meant

    def test_or_the_one_that_the_corpus_has_beside_the_same_words(self) -> None:
        assert written("CT 15 nói gì?", corpus_of("Chỉ thị 15 nêu rõ", "Chủ tịch đến")) == "Chỉ thị 15 nói gì?"
        assert written("CT 15 nói gì?", corpus_of("Chương trình 15 nêu rõ")) == "chương trình 15 nói gì?"

    @pytest.mark.parametrize("text", ["TT nói gì?", "CT 15 nói gì?", "BT", "TT và CT"])
    def test_and_where_nothing_decides_it_stays(self, text: str) -> None:
        assert written(text) == text

    def test_what_is_written_out_first_decides_what_else_is_meant(self) -> None:
        assert written("TT ở VPCP") == "Thủ tướng ở Văn phòng Chính phủ"

    @pytest.mark.parametrize(
        "text",
        [
            "Thông báo 15-CT/TW",
            "Kế hoạch 04-KH/UBND và 12/CT",
            "đầu tư vào đâu, thứ tư",
            "Trung tâm tư liệu",
            "AI ĐIỀU HÀNH ĐIỂM CẦU HÀ TĨNH?",  # who, in capitals; not artificial intelligence
            "Ai điều hành?",
            "ở đâu, do ai, là gì",
        ],
    )
    def test_document_numbers_and_plain_words_stay(self, text: str) -> None:
        assert written(text) == text

    def test_what_the_corpus_itself_says_and_never_in_full_stays(self) -> None:
        assert written("ASEAN có gì?", corpus_of("Việt Nam và ASEAN")) == "ASEAN có gì?"
        assert written("ASEAN có gì?", corpus_of("Hiệp hội các quốc gia Đông Nam Á")).startswith(
            "Hiệp hội các quốc gia"
        )
        both = corpus_of("Hiệp hội các quốc gia Đông Nam Á (ASEAN)")
        assert written("ASEAN có gì?", both).startswith("Hiệp hội các quốc gia")

    def test_what_the_corpus_explains_comes_first(self) -> None:
        assert written("TT là gì?", TT="trung tâm truyền hình") == "trung tâm truyền hình là gì?"
        assert written("ZQX là gì?", ZQX="dây quá xa") == "dây quá xa là gì?"

    @settings(deadline=None)
    @given(st.text(max_size=60))
    def test_any_text_is_written_out(self, text: str) -> None:
        write_out(text, {"A": "một", "BC": ""}, SILENT)

    @settings(deadline=None)
    @given(st.lists(st.sampled_from(MIXED)).map(" ".join))
    def test_written_out_once_more_nothing_changes(self, text: str) -> None:
        once = written(text)
        assert written(once) == once


class TestEquivalents:
    def others(self, text: str, *, certain: bool | None = None, **defined: str) -> set[str]:
        found = equivalents(text, defined)
        return {" ".join(one.other) for one in found if certain is None or one.certain == certain}

    @pytest.mark.parametrize(
        ("text", "other"),
        [
            ("UBND tỉnh", "ủy ban nhân dân"),
            ("Uỷ ban nhân dân tỉnh", "ubnd"),
            ("xuất siêu", "trade surplus"),
            ("trade surplus", "xuất siêu"),
        ],
    )
    def test_abbreviations_and_english_are_one_thing_in_both_directions(self, text: str, other: str) -> None:
        assert other in self.others(text, certain=True)

    @pytest.mark.parametrize(("text", "other"), [("kiều bào về", "việt kiều"), ("Việt kiều về", "kiều bào")])
    def test_synonyms_are_less_certain_in_both_directions(self, text: str, other: str) -> None:
        assert other in self.others(text, certain=False)
        assert equivalents(text, {}, synonyms=False) == tuple(e for e in equivalents(text, {}) if e.certain)

    def test_what_the_corpus_explains_is_known_by_its_abbreviation(self) -> None:
        assert self.others("dây quá xa", ZQX="dây quá xa") == {"zqx"}

    def test_the_longest_phrase_is_taken(self) -> None:
        phrases = {" ".join(one.phrase) for one in equivalents("kim ngạch xuất khẩu", {})}
        assert "kim ngạch xuất khẩu" in phrases
        assert "xuất khẩu" not in phrases

    def test_nothing_is_its_own_equivalent(self) -> None:
        for text in ("UBND", "kiều bào", "xuất khẩu", "ngoại giao kinh tế"):
            found = equivalents(text, {"NGKT": "ngoại giao kinh tế"})
            assert found
            assert all(one.phrase != one.other for one in found)
            assert len({(one.phrase, one.other) for one in found}) == len(found)

    @pytest.mark.parametrize("text", ["đạt bao nhiêu", "diễn ra khi nào", "họp ở đâu", "Ai chủ trì?", "vì sao tăng"])
    def test_no_other_way_to_ask_is_a_way_to_answer(self, text: str) -> None:
        assert not self.others(text) & set(asking_phrases())

    def test_who_is_no_machine(self) -> None:
        assert equivalents("Ai chủ trì?", {}, synonyms=False) == ()

    def test_what_means_several_things_is_none_of_them(self) -> None:
        assert not self.others("TT") & {"thủ tướng", "tổng thống"}

    @given(st.text(max_size=40))
    def test_any_text_has_its_equivalents(self, text: str) -> None:
        assert all(one.phrase and one.other for one in equivalents(text, {"A": "b c"}))


def test_words_of_other_languages_are_known_in_small_letters() -> None:
    assert {"turnover", "export", "ubnd", "xnk"} <= foreign_words()
    assert not {"tư", "và", "kinh"} & foreign_words()


class TestDefinitions:
    def test_the_seeds_explain_theirs(self, pipeline: Pipeline) -> None:
        assert Definitions(pipeline.corpus.index).known()["NGKT"] == "ngoại giao kinh tế"

    def test_they_follow_the_index_and_of_two_the_one_that_most_explain(self, tmp_path: Path) -> None:
        index = LocalIndex(tmp_path / "index", FIELDS)
        corpus, definitions = Corpus(index, HashEmbedder), Definitions(index)
        assert definitions.known() == {}
        corpus.add([make_article("a", "Công tác vận động quần chúng (VĐQC) rất tốt.")])
        assert definitions.known() == {"VĐQC": "vận động quần chúng"}
        corpus.add([make_article(name, "Bộ vi đếm quá chậm (VĐQC) của máy.") for name in ("b", "c")])
        assert definitions.known() == {"VĐQC": "vi đếm quá chậm"}
        corpus.remove(["a", "b", "c"])
        assert definitions.known() == {}
        index.close()


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("ba nhóm là gì", [(("ba", "nhóm"), ("3", "nhóm"))]),
        ("có 7 nhóm nào", [(("7", "nhóm"), ("bảy", "nhóm"))]),
        ("thứ ba 2", []),  # nothing is counted
        ("năm nhóm", []),  # a year, nearly always
    ],
)
def test_a_small_number_is_said_in_words_or_in_digits(text: str, pairs: list[tuple[tuple[str, ...], ...]]) -> None:
    assert [(one.phrase, one.other) for one in equivalents(text, {}, synonyms=False)] == pairs
