"""Word segmentation: "kinh tế số" is the words kinh_tế and số. The only module that imports underthesea."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache

# `import underthesea` tries every optional part of itself, and two of them drag in torch and transformers:
# 3 s of which we need nothing. A None in sys.modules makes an import fail, and of these it expects that.
_NOT_NEEDED = ("agent", "pipeline.classification", "pipeline.dependency_parse", "pipeline.lang_detect",
               "pipeline.sentiment", "pipeline.translate")  # fmt: skip


@cache
def _tokenizer() -> Callable[[str], list[str]]:
    blocked = [f"underthesea.{part}" for part in _NOT_NEEDED if f"underthesea.{part}" not in sys.modules]
    sys.modules.update(dict.fromkeys(blocked))  # type: ignore[arg-type]
    try:
        from underthesea import word_tokenize
    finally:
        for name in blocked:
            sys.modules.pop(name, None)
    return word_tokenize  # type: ignore[no-any-return]


def segment(text: str) -> list[str]:
    """The words of `text` in order, the syllables of a word joined by a space: `["kinh tế", "số"]`."""
    return _tokenizer()(text)
