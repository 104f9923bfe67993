"""Word segmentation, and that it costs no torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

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


def test_segmenting_loads_neither_torch_nor_transformers_and_leaves_no_trace() -> None:
    program = (
        "import sys\n"
        "import rag.vietnamese.words as w\n"
        "assert 'underthesea' not in sys.modules, 'loaded by the import alone'\n"
        "print(w.segment('kinh tế số')[0])\n"
        "heavy = {'torch', 'transformers', 'sklearn'} & set(sys.modules)\n"
        "blocked = [name for name, module in sys.modules.items() if module is None and 'underthesea' in name]\n"
        "sys.exit(f'{heavy} {blocked}' if heavy or blocked else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False, env=None, timeout=60
    )
    assert (done.returncode, done.stdout.strip()) == (0, "kinh tế"), done.stderr
