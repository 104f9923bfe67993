"""The syllables of Vietnamese, from the dictionary of 74,000 words that comes with underthesea."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path

from rag.vietnamese.normalize import unify_syllable
from rag.vietnamese.words import package

_TELEX_MARKS = {"\u0300": "f", "\u0301": "s", "\u0303": "x", "\u0309": "r", "\u0323": "j"}
_TELEX_HATS = {"â": "aa", "ă": "aw", "ê": "ee", "ô": "oo", "ơ": "ow", "ư": "uw", "đ": "dd"}


@cache
def lexicon() -> Counter[str]:
    """How many dictionary words hold each syllable, in match form."""
    folder = Path(package().origin or "").parent
    text = unicodedata.normalize("NFC", (folder / "corpus" / "data" / "Viet74K.txt").read_text(encoding="utf-8"))
    words = (set(word.split()) for word in text.lower().replace("-", " ").splitlines())
    counted = Counter(chain.from_iterable(word for word in words if all(map(str.isalpha, word))))
    single: Counter[str] = Counter()
    for syllable, count in counted.items():  # 9,000 of them, in 150,000 places
        single[unify_syllable(syllable)] += count
    return single


def telex(syllable: str) -> str:
    """The keys that type `syllable` by Telex, its tone last: "tịch" is "tichj", "nước" is "nuowcs".

    Whatever order its marks were typed in, one syllable has one such form; what is no syllable has one all the same.
    """
    typed = [_typed(character) for character in unicodedata.normalize("NFC", syllable.lower())]
    keys, tone = "".join(key for key, _ in typed), "".join(mark for _, mark in typed)
    return keys.replace("uwow", "uow").replace("uaw", "uwa") + tone


@lru_cache(maxsize=4_096)  # alphabets are short
def _typed(character: str) -> tuple[str, str]:
    """The keys of one letter, and that of its tone."""
    decomposed = unicodedata.normalize("NFD", character)
    letter = unicodedata.normalize("NFC", "".join(c for c in decomposed if c not in _TELEX_MARKS))
    return _TELEX_HATS.get(letter, letter), "".join(_TELEX_MARKS.get(c, "") for c in decomposed)
