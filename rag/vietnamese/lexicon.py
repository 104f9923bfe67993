"""The syllables of Vietnamese, from the dictionary of 74,000 words that comes with underthesea."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from rag.errors import SettingsError
from rag.vietnamese.normalize import match_form

_TELEX_MARKS = {"\u0300": "f", "\u0301": "s", "\u0303": "x", "\u0309": "r", "\u0323": "j"}
_TELEX_HATS = {"â": "aa", "ă": "aw", "ê": "ee", "ô": "oo", "ơ": "ow", "ư": "uw", "đ": "dd"}


@cache
def lexicon() -> tuple[Counter[str], Counter[str]]:
    """How many dictionary words hold each syllable, and each pair of neighbouring syllables (`a_b`), in match form."""
    single: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for line in _path().read_text(encoding="utf-8").splitlines():
        word = match_form(line).replace("-", " ").split()
        if all(syllable.isalpha() for syllable in word):
            single.update(set(word))
            pairs.update({f"{a}_{b}" for a, b in pairwise(word)})
    return single, pairs


def _path() -> Path:
    """Where the dictionary lies; the package is found, not imported, as that takes a second."""
    package = find_spec("underthesea")
    if package is None or package.origin is None:
        raise SettingsError("The package underthesea is missing: install hoidap again.")
    return Path(package.origin).parent / "corpus" / "data" / "Viet74K.txt"


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
