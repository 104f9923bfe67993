"""Recognising Vietnamese in the encodings from before Unicode: TCVN3 (ABC), VNI, windows-1258.

Each table turns text whose bytes were read as Latin-1 back into Vietnamese. The one after which
most words with accents are possible Vietnamese syllables is the encoding.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_TCVN3 = dict(
    zip(
        "µ¶·¸¹¨»¼½¾Æ©ÇÈÉÊË®ÌÎÏÐÑªÒÓÔÕÖ×ØÜÝÞßáâãä«åæçèé¬êëìíîïñòóô\u00adõö÷øùúûüýþ¡¢£¤¥¦§",
        "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵĂÂÊÔƠƯĐ",
        strict=True,
    )
)
_GRAVE, _ACUTE, _HOOK, _TILDE, _DOT, _CIRCUMFLEX, _BREVE = "\u0300\u0301\u0309\u0303\u0323\u0302\u0306"
_VNI_MARKS = {
    "ø": _GRAVE, "ù": _ACUTE, "û": _HOOK, "õ": _TILDE, "ï": _DOT,
    "â": _CIRCUMFLEX, "à": _CIRCUMFLEX + _GRAVE, "á": _CIRCUMFLEX + _ACUTE,
    "å": _CIRCUMFLEX + _HOOK, "ã": _CIRCUMFLEX + _TILDE, "ä": _CIRCUMFLEX + _DOT,
    "ê": _BREVE, "è": _BREVE + _GRAVE, "é": _BREVE + _ACUTE,
    "ú": _BREVE + _HOOK, "ü": _BREVE + _TILDE, "ë": _BREVE + _DOT,
}  # fmt: skip
_VNI_LETTERS = {"ñ": "đ", "ö": "ư", "ô": "ơ", "í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}

_ONSET = "(?:ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdđghklmnprstvx])?"
_RHYME = (
    "(?:a|ă|â|e|ê|i|o|ô|ơ|u|ư|y|ai|ao|au|ay|âu|ây|eo|êu|ia|iê|iêu|iu|oa|oă|oai|oao|oay|oe|oeo|oi|ôi|ơi|oo|"
    "ua|uâ|uây|uê|ui|uô|uôi|uơ|uy|uya|uyê|uyu|ưa|ưi|ươ|ươi|ươu|ưu|yê|yêu|uêu)"
)
_CODA = "(?:ng|nh|ch|[cmnpt])?"
_SYLLABLE = re.compile(_ONSET + _RHYME + _CODA)
_WORD = re.compile(r"[^\s\d!\"#$%&'()*+,./:;<=>?@\[\\\]^_`{|}~–—“”‘’…-]+")
_TONES = (_GRAVE, _ACUTE, _HOOK, _TILDE, _DOT)

_SAMPLE = 50_000
_ENOUGH_WORDS = 4
_ENOUGH_SHARE = 0.75


def _from_tcvn3(text: str) -> str:
    return "".join(_TCVN3.get(c, c) for c in text)


def _from_vni(text: str) -> str:
    """VNI writes the mark after its letter ("oä" = ộ); a few letters have codes of their own."""
    out: list[str] = []
    for c in text:
        lower = c.lower()
        if lower in _VNI_MARKS and out and out[-1].lower() in "aeiouyươ":
            out.append(_VNI_MARKS[lower])
        elif lower in _VNI_LETTERS:
            letter = _VNI_LETTERS[lower]
            out.append(letter if c == lower else letter.upper())
        else:
            out.append(c)
    return unicodedata.normalize("NFC", "".join(out))


def _from_1258(text: str) -> str:
    return unicodedata.normalize("NFC", text.encode("latin-1", "replace").decode("cp1258", "replace"))


def _from_double_utf8(text: str) -> str:
    """Undoes UTF-8 that was read as windows-1252 and saved again."""
    raw = bytearray()
    for c in text:
        try:
            raw += c.encode("cp1252")
        except UnicodeEncodeError:
            raw.append(ord(c) if ord(c) < 0x100 else ord("?"))  # windows-1252 has five holes
    return unicodedata.normalize("NFC", raw.decode("utf-8", "replace"))


_BYTES: dict[str, Callable[[str], str]] = {
    "the legacy encoding TCVN3 (ABC)": _from_tcvn3,
    "the legacy encoding VNI": _from_vni,
    "the legacy encoding windows-1258": _from_1258,
}
_TEXT: dict[str, Callable[[str], str]] = {
    "the legacy encoding TCVN3 (ABC)": _from_tcvn3,
    "the legacy encoding VNI": _from_vni,
    "UTF-8 that was read as windows-1252": _from_double_utf8,
}


def is_syllable(word: str) -> bool:
    """Whether `word` is spelled like one Vietnamese syllable, with at most one tone."""
    decomposed = unicodedata.normalize("NFD", word.lower())
    if sum(decomposed.count(tone) for tone in _TONES) > 1:
        return False
    bare = unicodedata.normalize("NFC", "".join(c for c in decomposed if c not in _TONES))
    return _SYLLABLE.fullmatch(bare) is not None


def _accented(text: str) -> list[str]:
    return [word for word in _WORD.findall(text) if not word.isascii()]


def _share(text: str) -> tuple[float, int]:
    """Return the share of words with accents that are possible syllables, and the number of such words."""
    found = _accented(text)
    return sum(map(is_syllable, found)) / max(len(found), 1), len(found)


def _best(text: str, tables: dict[str, Callable[[str], str]], floor: float) -> str:
    """Return the name of the table that makes most words Vietnamese, or "" where none does."""
    best, name = max(floor, _ENOUGH_SHARE), ""
    for candidate, convert in tables.items():
        share, count = _share(convert(text))
        if count >= _ENOUGH_WORDS and share > best:
            best, name = share, candidate
    return name


def guess_bytes(data: bytes) -> str:
    """Return the legacy Vietnamese encoding of bytes that are not UTF-8, in words, or ""."""
    return _best(data[:_SAMPLE].decode("latin-1"), _BYTES, 0.0)


def guess_text(text: str) -> str:
    """Return the legacy encoding that Unicode text was wrongly read from, in words, or "".

    Only text whose own words are mostly impossible in Vietnamese is suspected, so that an article
    with foreign names, or one in French, passes.
    """
    sample = text[:_SAMPLE]
    own, count = _share(unicodedata.normalize("NFC", sample))
    if count < _ENOUGH_WORDS or own > 0.5:
        return ""
    return _best(sample, _TEXT, own + 0.3)
