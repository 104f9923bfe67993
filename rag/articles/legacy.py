"""Vietnamese in the encodings from before Unicode (TCVN3 or ABC, VNI, windows-1258), and in UTF-8 read wrongly.

Each table turns text whose bytes were read as windows-1252 back into Vietnamese. The one after which most words with
accents are possible Vietnamese syllables is the encoding; where nearly all are, the text is converted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

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
_SHOUTED = re.compile(r"[^a-z]*[A-Z][^a-z]*[A-Z][^a-z]*")  # a word with two plain capitals and no plain small letter
_PLAIN = re.compile(r"([\x00-\x7f]{20})[\x00-\x7f]{60,}(?=[\x00-\x7f]{20})")  # scripts, and all that has no accent
_TONES = (_GRAVE, _ACUTE, _HOOK, _TILDE, _DOT)

_WORDS = 3000
"""How many words with accents are looked at."""

_ENOUGH_WORDS = 4
_ENOUGH_SHARE = 0.75
_SURE_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Conversion:
    """An encoding in words, and the text as it was meant; "" where that is not sure."""

    encoding: str
    text: str


def _from_tcvn3(text: str) -> str:
    """TCVN3 has no capitals with tones: fonts of capitals show the small letters' codes."""
    return "\n".join(map(_capitals, "".join(_TCVN3.get(c, c) for c in text).split("\n")))


def _capitals(line: str) -> str:
    """A line, or the words of one, in capitals as far as can be seen, all in capitals."""
    plain = [c for c in line if c.isascii() and c.isalpha()]
    if len(plain) >= 4 and all(c.isupper() for c in plain):
        return line.upper()
    return _WORD.sub(lambda word: word[0].upper() if _SHOUTED.fullmatch(word[0]) else word[0], line)


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
    return unicodedata.normalize("NFC", _bytes_of(text).decode("cp1258", "replace"))


def _from_double_utf8(text: str) -> str:
    """Undoes UTF-8 that was read as windows-1252, once or twice, and saved again."""
    for _ in range(2):
        again = _bytes_of(text).decode("utf-8", "replace")
        if "\ufffd" in again and _share(again)[1] < _ENOUGH_WORDS:
            break
        text = again
        if not _is_suspect(text):
            break
    return unicodedata.normalize("NFC", text)


def _bytes_of(text: str) -> bytes:
    """The bytes that gave `text` when they were read as windows-1252, or as Latin-1 in its five holes."""
    raw = bytearray()
    for c in text:
        try:
            raw += c.encode("cp1252")
        except UnicodeEncodeError:
            raw += bytes((ord(c),)) if ord(c) < 0x100 else b"\xff"  # never part of UTF-8: what is lost shows
    return bytes(raw)


def _text_of(data: bytes) -> str:
    """`data` read as windows-1252, and as Latin-1 in its five holes."""
    return "".join(map(_CP1252.__getitem__, data))


_CP1252 = [bytes((b,)).decode("cp1252" if b not in b"\x81\x8d\x8f\x90\x9d" else "latin-1") for b in range(256)]

_LEGACY: dict[str, Callable[[str], str]] = {
    "the legacy encoding TCVN3 (ABC)": _from_tcvn3,
    "the legacy encoding VNI": _from_vni,
}
_BYTES = _LEGACY | {"the legacy encoding windows-1258": _from_1258}
_TEXT = _LEGACY | {"UTF-8 that was read as windows-1252": _from_double_utf8}


def is_syllable(word: str) -> bool:
    """Whether `word` is spelled like one Vietnamese syllable, with at most one tone."""
    decomposed = unicodedata.normalize("NFD", word.lower())
    if sum(decomposed.count(tone) for tone in _TONES) > 1:
        return False
    bare = unicodedata.normalize("NFC", "".join(c for c in decomposed if c not in _TONES))
    return _SYLLABLE.fullmatch(bare) is not None


def _share(text: str) -> tuple[float, int]:
    """Return the share of words with accents that are possible syllables, and the number of such words."""
    text = _PLAIN.sub(r"\1 ", text)
    found = list(islice((m.group() for m in _WORD.finditer(text) if not m.group().isascii()), _WORDS))
    return sum(map(is_syllable, found)) / max(len(found), 1), len(found)


def _is_suspect(text: str) -> bool:
    """Whether most words with accents are impossible in Vietnamese."""
    own, count = _share(unicodedata.normalize("NFC", text))
    return count >= _ENOUGH_WORDS and own <= 0.5


def _best(text: str, tables: dict[str, Callable[[str], str]], floor: float) -> Conversion | None:
    """Return what the table gives that makes most words Vietnamese, or None where none does."""
    best, found = max(floor, _ENOUGH_SHARE), None
    for name, convert in tables.items():
        converted = convert(text)
        share, count = _share(converted)
        if count >= _ENOUGH_WORDS and share > best:
            is_sure = share >= _SURE_SHARE and "\ufffd" not in converted
            best, found = share, Conversion(name, converted if is_sure else "")
    return found


def convert_bytes(data: bytes) -> Conversion | None:
    """Return what bytes that are not UTF-8 are in, and say, or None if that cannot be told."""
    return _best(_text_of(data), _BYTES, 0.0)


def convert_text(text: str) -> Conversion | None:
    """Return the encoding that Unicode text was wrongly read from, and what it says, or None.

    Only text whose own words are mostly impossible in Vietnamese is suspected, so that an article
    with foreign names, or one in French, passes.
    """
    if not _is_suspect(text):
        return None
    return _best(text, _TEXT, _share(unicodedata.normalize("NFC", text))[0] + 0.3)
