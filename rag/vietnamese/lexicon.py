"""The syllables of Vietnamese, from the dictionary of 74,000 words that comes with underthesea."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache
from itertools import chain
from pathlib import Path

from rag.vietnamese.normalize import match_form
from rag.vietnamese.words import package

_TELEX_MARKS = {"\u0300": "f", "\u0301": "s", "\u0303": "x", "\u0309": "r", "\u0323": "j"}
_TELEX_HATS = {"â": "aa", "ă": "aw", "ê": "ee", "ô": "oo", "ơ": "ow", "ư": "uw", "đ": "dd"}


@cache
def lexicon() -> Counter[str]:
    """How many dictionary words hold each syllable, in match form."""
    folder = Path(package().origin or "").parent
    words = (folder / "corpus" / "data" / "Viet74K.txt").read_text(encoding="utf-8")
    each = (set(word.split()) for word in match_form(words).replace("-", " ").splitlines())
    return Counter(chain.from_iterable(word for word in each if all(map(str.isalpha, word))))


def telex(syllable: str) -> str:
    """The keys that type `syllable` by Telex, its tone last: "tịch" is "tichj", "nước" is "nuowcs".

    Whatever order its marks were typed in, one syllable has one such form; what is no syllable has one all the same.
    """
    keys, tone = "", ""
    for character in unicodedata.normalize("NFC", syllable.lower()):
        bare = "".join(c for c in unicodedata.normalize("NFD", character) if c not in _TELEX_MARKS)
        tone += "".join(_TELEX_MARKS[c] for c in unicodedata.normalize("NFD", character) if c in _TELEX_MARKS)
        letter = unicodedata.normalize("NFC", bare)
        keys += _TELEX_HATS.get(letter, letter)
    return keys.replace("uwow", "uow").replace("uaw", "uwa") + tone
