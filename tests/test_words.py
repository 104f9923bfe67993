"""Word segmentation, and that it costs no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rag.errors import SettingsError
from rag.vietnamese import words
from rag.vietnamese.words import segment


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("Tổng kim ngạch xuất nhập khẩu năm 2023 đạt 683 tỷ USD", ["xuất nhập khẩu", "2023", "683"]),
        ("Chính phủ ưu tiên phục hồi kinh tế", ["Chính phủ", "ưu tiên", "phục hồi", "kinh tế"]),
        ("Bộ trưởng Bùi Thanh Sơn chủ trì hội nghị", ["Bùi Thanh Sơn", "chủ trì", "hội nghị"]),
    ],
)
def test_syllables_are_joined_to_words(sentence: str, found: list[str]) -> None:
    words = segment(sentence)
    assert " ".join(words).split() == sentence.split()  # nothing lost, nothing moved
    assert set(found) <= set(words)


def test_nothing_gives_nothing() -> None:
    assert segment("") == []


def test_segmenting_loads_nothing_else_and_leaves_the_package_to_others() -> None:
    program = (
        "import sys\n"
        "import rag.vietnamese.words as w\n"
        "assert 'underthesea' not in sys.modules, 'loaded by the import alone'\n"
        "print(w.segment('kinh tế số')[0])\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'underthesea.pipeline.ner'} & set(sys.modules)\n"
        "bare = 'underthesea' in sys.modules\n"
        "sys.modules.update(dict.fromkeys(['torch', 'transformers']))  # they take seconds, and are not the point\n"
        "import underthesea\n"
        "print(underthesea.word_tokenize('kinh tế số')[0], underthesea.pos_tag('ăn')[0][0])\n"
        "print(w.segment('kinh tế số')[0])\n"
        "sys.exit(f'{heavy} {bare}' if heavy or bare else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False, env=None, timeout=60
    )
    assert (done.returncode, done.stdout.split("\n")) == (0, ["kinh tế", "kinh tế ăn", "kinh tế", ""]), done.stderr


def test_a_missing_package_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match="install hoidap again"):
        words.package()
