"""Giving a question its spelling back: from a real index, on what people type."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.local import LocalIndex
from rag.corpus import Corpus
from rag.pipeline import Pipeline
from rag.understanding.spelling import Speller, telex_meant
from rag.vietnamese.lexicon import telex
from rag.vietnamese.normalize import fold, strip_accents, typed_with_accents
from rag.vietnamese.terms import FIELDS
from tests.conftest import HashEmbedder, make_article

GOLD = Path(__file__).resolve().parents[1] / "eval" / "gold"


@pytest.fixture(scope="module")
def speller(pipeline: Pipeline) -> Speller:
    return Speller(pipeline.corpus.index)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tong kim ngach xuat nhap khau nam 2023", "tổng kim ngạch xuất nhập khẩu năm 2023"),
        ("Ai chu tri hoi nghi?", "Ai chủ trì hội nghị?"),
        ("co quan dai dien viet nam o nuoc ngoai", "cơ quan đại diện việt nam ở nước ngoài"),
        ("ngoai giao kinh te la gi", "ngoại giao kinh tế là gì"),
        ("nguoi viet nam o nuoc ngoai", "người việt nam ở nước ngoài"),
        # As people ask, which articles do not.
        ("ai viet bai do?", "ai viết bài đó?"),
        ("nam nay co may muc tieu", "năm nay có mấy mục tiêu"),
        ("lam sao biet duoc han nop", "làm sao biết được hạn nộp"),
    ],
)
def test_what_the_corpus_says_gets_its_accents(speller: Speller, typed: str, meant: str) -> None:
    assert speller.restore(typed) == meant


def test_only_accents_change(speller: Speller) -> None:
    typed = "  Nam 2023, chi thi 15-CT/TW: dat bao nhieu (ty USD)?  UBND tinh... "
    restored = speller.restore(typed)
    assert restored != typed
    assert fold(restored) == fold(typed)
    assert len(restored) == len(typed)


@pytest.mark.parametrize("typed", ["", "123 !?", "qwzx fjkl", "🙂"])
def test_what_the_corpus_does_not_know_stays(speller: Speller, typed: str) -> None:
    assert speller.restore(typed) == typed


def test_most_syllables_of_the_articles_themselves_come_back(pipeline: Pipeline, speller: Speller) -> None:
    right = total = 0
    for article in pipeline.articles():
        line = max(article.text.splitlines(), key=len)
        restored = speller.restore(strip_accents(line))
        pairs = list(zip(line.lower().split(), restored.lower().split(), strict=True))
        right += sum(a == b for a, b in pairs)
        total += len(pairs)
    assert right / total > 0.9


def test_an_unaccented_question_is_shown_as_it_was_understood(pipeline: Pipeline) -> None:
    answer = pipeline.ask("tong kim ngach xuat nhap khau nam 2023 dat bao nhieu")
    assert answer.question == "tong kim ngach xuat nhap khau nam 2023 dat bao nhieu"
    assert answer.understood.startswith("tổng kim ngạch xuất nhập khẩu năm 2023 ")
    assert "683" in answer.text


def test_accents_that_were_typed_stay(speller: Speller) -> None:
    assert speller.restore("tong kim ngạch xuat nhap khau") == "tổng kim ngạch xuất nhập khẩu"
    assert speller.restore("tong kim nghịch").endswith("nghịch")


def test_a_long_text_is_restored_too(speller: Speller) -> None:
    text = "tong kim ngach xuat nhap khau " * 40
    assert speller.restore(text) == "tổng kim ngạch xuất nhập khẩu " * 40


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        # One letter: swapped, left out, one too many, another.
        ("ngoại gaio kinh tế", "ngoại giao kinh tế"),
        ("kim ngạh xuất nhập khẩu", "kim ngạch xuất nhập khẩu"),
        ("kim ngạchh xuất nhập khẩu", "kim ngạch xuất nhập khẩu"),
        ("kim ngạvh xuất nhập khẩu", "kim ngạch xuất nhập khẩu"),
        # The keys of Telex that stayed as they were typed.
        ("ngayf 2/4/2024", "ngày 2/4/2024"),
        ("họp sasng 21/12/2023", "họp sáng 21/12/2023"),
        ("quốc tichj", "quốc tịch"),
        ("nuawx", "nữa"),
        ("hooij nghij ngoaij giao", "hội nghị ngoại giao"),
        ("Tinhr Hà Tĩnh", "Tỉnh Hà Tĩnh"),
        # The tone on the wrong vowel.
        ("đại dịên nước ngoài", "đại diện nước ngoài"),
        ("kiêù hối mỗi năm", "kiều hối mỗi năm"),
        # The accents of a syllable missing, or only its tone.
        ("xuât nhập khảu", "xuất nhập khẩu"),
        ("Phạm Minh Chính phat biểu", "Phạm Minh Chính phát biểu"),
        # Two syllables without the space between them.
        ("tổng kimngạch", "tổng kim ngạch"),
        ("hộinghị ở đâu", "hội nghị ở đâu"),
        # Capitals stay capitals.
        ("Tổng kim ngạch XUẤT NHẬP KHẢU", "Tổng kim ngạch XUẤT NHẬP KHẨU"),
        ("Hội Ngịh Ngoại Giao", "Hội Nghị Ngoại Giao"),
        ("Vũ Quangg Minh", "Vũ Quang Minh"),  # a name that the corpus has beside the same word
        ("phó chủ tịch Nghệ Ann", "phó chủ tịch Nghệ An"),
    ],
)
def test_a_typing_mistake_is_mended(speller: Speller, typed: str, meant: str) -> None:
    assert speller.restore(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        # Names, also those that no article holds.
        "Ông Lê Ngọc Châu nói gì?",
        "Nguyễn Thị Nguyệt và Đặng Đình Quý",
        "Donald Trump và Antony Blinken đã gặp ai?",
        "Đắk Lắk, Pleiku và Kon Tum có gì?",
        # Initials, and words of other languages.
        "Vốn FDI, NGKT và ODA năm 2022",
        "export turnover của cả nước",
        "Hội nghị webinar về blockchain và logistics?",
        "Ngoại giao vắc-xin phòng COVID-19",
        # Document numbers, days, amounts, addresses.
        "Chỉ thị 15-CT/TW và Kế hoạch 04-KH/UBND",
        "ngày 2/4/2024, 36,6 tỷ USD",
        "gửi abc@def.vn hoặc www_x",
        # Questions typed right.
        "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?",
        "Điểm cầu Hà Tĩnh do ai điều hành?",
        "ở đầu cầu Hà Tĩnh có ai",
        "Vì sao ngoại giao vắc-xin là điểm sáng nhất?",
        "Thoả thuận kí kết, hoà bình và tỉ lệ ở Mĩ",
        "Donald Trumm ở Hà Tĩnh",  # a name that may be anyone's
    ],
)
def test_what_is_right_is_not_touched(speller: Speller, typed: str) -> None:
    assert speller.restore(typed) == typed


def test_no_gold_question_that_was_typed_right_is_touched(speller: Speller) -> None:
    lines = (GOLD / "dev.jsonl").read_text("utf-8").splitlines()
    asked = [one["question"] for one in map(json.loads, lines) if one["type"] in ("fact", "unanswerable")]
    right = [question for question in asked if typed_with_accents(question)]
    assert len(right) > 40
    assert [question for question in right if speller.restore(question) != question] == []


class TestWhatIsLeftOut:
    BARE, TYPO = "tong kim ngach", "tổng kimngạch đạt"

    def test_without_accents_only_typing_mistakes_are_mended(self, speller: Speller) -> None:
        assert speller.restore(self.BARE, accents=False) == self.BARE
        assert speller.restore(self.TYPO, accents=False) == "tổng kim ngạch đạt"

    def test_without_typos_only_accents_come_back(self, speller: Speller) -> None:
        assert speller.restore(self.BARE, typos=False) == "tổng kim ngạch"
        assert speller.restore(self.TYPO, typos=False) == self.TYPO
        mistaken = "tong kim ngahc"
        assert speller.restore(mistaken) == "tổng kim ngạch"
        assert speller.restore(mistaken, typos=False) == "tổng kim ngahc"


def test_the_words_of_an_index_are_learnt_anew_when_it_changes(tmp_path: Path) -> None:
    index = LocalIndex(tmp_path / "index", FIELDS)
    speller = Speller(index)
    assert speller.restore("xin chèo thuyền") == "xin chèo thuyền"
    before = speller.restore("nguoi moo")
    Corpus(index, HashEmbedder).add([make_article("a", "Người Mơông hát. Người Mơông múa.")])
    assert speller.restore("nguoi moong") == "người mơông"
    assert "mơông" not in before
    index.close()


@settings(deadline=None, max_examples=60)
@given(text=st.text(max_size=60), accents=st.booleans(), typos=st.booleans())
def test_any_text_is_read_and_what_is_between_its_words_stays(
    speller: Speller, text: str, accents: bool, typos: bool
) -> None:
    restored = speller.restore(text, accents=accents, typos=typos)
    assert re.findall(r"[\d_?!/@.,]", restored) == re.findall(r"[\d_?!/@.,]", text)


@settings(deadline=None, max_examples=60)
@given(text=st.text(alphabet="ngaiohtuwfsxje ấđ", max_size=40))
def test_no_mixture_of_letters_is_too_much(speller: Speller, text: str) -> None:
    assert speller.restore(text).count(" ") >= text.count(" ")


class TestTelexMeant:
    def by_keys(self, *syllables: str) -> dict[str, Sequence[str]]:
        return {telex(syllable): [syllable] for syllable in syllables}

    @pytest.mark.parametrize("typed", ["sasng", "sansg", "sangs"])
    def test_the_key_of_a_tone_may_stand_anywhere(self, typed: str) -> None:
        assert telex_meant(typed, self.by_keys("sáng", "sang")) == ["sáng"]

    def test_a_key_that_makes_no_syllable_is_a_letter(self) -> None:
        assert telex_meant("sasng", self.by_keys("sang")) is None
        assert telex_meant("xanh", self.by_keys("xanh", "ánh")) is None
        assert telex_meant("", self.by_keys("xanh")) is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        # What many people say alike, where both are syllables.
        ("ngoại dao kinh tế", "ngoại giao kinh tế"),
        ("Ai chủ chì hội nghị?", "Ai chủ trì hội nghị?"),
        ("súc tiến thương mại", "xúc tiến thương mại"),
        ("Ông ấy giữ chức dì?", "Ông ấy giữ chức gì?"),
        # Names that the corpus has but for one syllable.
        ("Ông Trần Lưu Quan nói gì?", "Ông Trần Lưu Quang nói gì?"),
        ("Ông Bùi Thành Sơn là ai?", "Ông Bùi Thanh Sơn là ai?"),
        ("Chỉ thị của Ban Bí Thứ", "Chỉ thị của Ban Bí Thư"),
    ],
)
def test_a_syllable_that_is_one_is_mended_where_its_neighbours_tell(speller: Speller, typed: str, meant: str) -> None:
    assert speller.restore(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "trâu bò",
        "xứ sở",
        "dự án nào",
        "nước Lào ký",
        "Võ Văn Thưởng",
        "Nguyễn Đức Chung",
        "Võ Trọng Hai",
        "Trần Thị Thu Hà",
    ],
)
def test_other_words_and_other_people_stay(speller: Speller, typed: str) -> None:
    assert speller.restore(typed) == typed
