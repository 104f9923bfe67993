"""Vietnamese spelling brought to one form, with the way back to the original offsets.

Three forms of a text, from light to heavy:

- `clean`: what an article's text is stored as. NFC, ordinary spaces, nothing invisible.
- `match_form`: what is compared. Lower case, one tone placement (hoà = hòa), one i/y (tỷ = tỉ).
- `fold`: `match_form` without accents (đ = d), for people who type without them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

# Characters that are invisible or reorder what is seen: general category Cf (zero-width, bidi, soft
# hyphen, BOM) and Cc (control) except the line break and the tab, which becomes a space; and lone surrogates (Cs),
# which no UTF-8 can hold.
_INVISIBLE = re.compile(
    r"[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_SPACES = re.compile(r"[^\S\n]")
_LINE_BREAKS = re.compile(r"\r\n?|[\u000b\u000c\u0085\u2028\u2029]")
_SYLLABLE = re.compile(r"[^\W\d_]+")

_TONES = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook above, dot below
_VOWELS = "aeiouy"


def clean(text: str) -> str:
    """NFC with ordinary spaces and line breaks, and without invisible characters."""
    text = _LINE_BREAKS.sub("\n", text)
    text = _SPACES.sub(" ", _INVISIBLE.sub("", text))
    return unicodedata.normalize("NFC", text)


def _split_tone(syllable: str) -> tuple[str, str]:
    """The syllable without its tone, and the tone mark or "" (hoà: hoa and the grave accent)."""
    decomposed = unicodedata.normalize("NFD", syllable)
    tones = [c for c in decomposed if c in _TONES]
    if len(tones) != 1:
        return syllable, ""
    return unicodedata.normalize("NFC", decomposed.replace(tones[0], "")), tones[0]


def _tone_position(bare: str) -> int | None:
    """Where the tone mark stands in a syllable without its tone, or None if it has no choice.

    Only oa, oe, uy are written in two ways. They take the older placement when open (hòa, thúy), the
    second vowel when closed (hoàn, tuýp) and ê where there is one (nguyễn); `qu` is a consonant (quý).
    """
    for pair in ("oa", "oe", "uy"):
        at = bare.find(pair)
        if at < 0 or (at > 0 and (bare[at - 1] in _VOWELS or bare[at - 1 : at + 1] == "qu")):
            continue
        if at + 2 == len(bare):
            return at
        return at + 2 if bare[at + 2] == "ê" else at + 1
    return None


@lru_cache(maxsize=65_536)  # a language has some ten thousand syllables; each is worked out once
def unify_syllable(syllable: str) -> str:
    """One lower-case NFC syllable with one tone placement and one spelling of a final i/y.

    The length never changes, so offsets stay valid.
    """
    bare, tone = _split_tone(syllable)
    if tone:
        at = _tone_position(bare)
        if at is not None:
            syllable = unicodedata.normalize("NFC", bare[: at + 1] + tone + bare[at + 1 :])
    # tỷ/tỉ, kỹ/kĩ, lý/lí, Mỹ/Mĩ, sỹ/sĩ, hy/hi, quý/quí: both are in use for an open syllable.
    if bare == "quy" or (len(bare) == 2 and bare[0] in "hklmst" and bare[1] == "y"):
        return unicodedata.normalize("NFC", bare[:-1] + "i" + tone)
    return syllable


# Of those that may be written in both ways, what most of 7,033 news articles write with y: "công ty", not "công ti".
_WITH_Y = frozenset(
    "hi hỉ ki kì kí kĩ kỉ kị li lí lị mi mĩ qui quì quí quĩ quỉ quị ti tỉ tị".split()  # noqa: SIM905 - as it is read
)


def as_most_write(syllable: str) -> str:
    """A syllable in match form as it stands in print: "kí" is "ký"."""
    if syllable not in _WITH_Y:
        return syllable
    bare, tone = _split_tone(syllable)
    return unicodedata.normalize("NFC", bare[:-1] + "y" + tone)


def lowered(text: str) -> str:
    """Lower case NFC."""
    return unicodedata.normalize("NFC", text).lower()


def match_form(text: str) -> str:
    """Lower case NFC with one spelling for each syllable: the form in which texts are compared."""
    return _SYLLABLE.sub(lambda m: unify_syllable(m.group()), lowered(text))


class _Bare(dict[int, str]):
    """Every letter without its accents, each worked out once."""

    def __missing__(self, code: int) -> str:
        letter = {"đ": "d", "Đ": "D"}.get(chr(code), chr(code))
        bare = "".join(c for c in unicodedata.normalize("NFD", letter) if not unicodedata.combining(c))
        return self.setdefault(code, bare)


_BARE = _Bare()


def strip_accents(text: str) -> str:
    """`text` as typed without accents, case kept: "Tổng Đài" -> "Tong Dai". For NFC input the length is kept."""
    return text.translate(_BARE)


def fold(text: str) -> str:
    """`match_form` without accents: "Hoà Bình, Đắk Nông" -> "hoa binh, dak nong"."""
    return strip_accents(match_form(text))


def has_accents(text: str) -> bool:
    """Whether any letter of `text` carries a Vietnamese accent or is đ."""
    normal = unicodedata.normalize("NFC", text)
    return strip_accents(normal) != normal


def typed_with_accents(text: str) -> bool:
    """Whether `text` was typed with accents, and not without them but for a word or two.

    Of the syllables of Vietnamese prose three in four carry an accent (measured on the seed articles); the line
    is far below, at one in four, because a short question may hold many names and initials.
    """
    found = _SYLLABLE.findall(unicodedata.normalize("NFC", text))
    return sum(map(has_accents, found)) * 4 >= max(len(found), 1)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A normalised text with its way back: `offsets[i]` is where character i began in the original.

    `offsets` has one entry more than `text`: the length of the original.
    """

    text: str
    offsets: tuple[int, ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text that `[start, end)` of `text` came from."""
        return self.offsets[start], self.offsets[end]


def mapped(text: str, form: Callable[[str], str] = match_form) -> Mapped:
    """`form(text)` with its map back to `text`, also where combining marks make lengths differ.

    `form` must not depend on anything outside a word; it is applied to words and the gaps between them.
    """
    pieces: list[str] = []
    offsets: list[int] = []
    bounds = sorted({0, len(text), *(at for m in re.finditer(r"[\w\u0300-\u036f]+", text) for at in m.span())})
    for start, end in pairwise(bounds):
        original = text[start:end]
        normal = form(original)
        pieces.append(normal)
        if len(normal) == len(original):
            offsets.extend(range(start, end))
        else:
            offsets.extend(_spread(original, form, len(normal), start))
    return Mapped("".join(pieces), (*offsets, len(text)))


def _spread(original: str, form: Callable[[str], str], length: int, start: int) -> list[int]:
    """Offsets for a word whose form has `length` characters, not its own number: by its grapheme clusters."""
    spread: list[int] = []
    for cluster in re.finditer(r"[^\u0300-\u036f][\u0300-\u036f]*|[\u0300-\u036f]+", original):
        # One letter as a rule; a mark that goes into no letter (3 and U+0300) stays, in its own place at the end.
        places = range(cluster.end() - len(form(cluster.group())), cluster.end())
        spread.extend(start + max(cluster.start(), at if n else 0) for n, at in enumerate(places))
    if len(spread) == length:
        return spread
    return [start + len(original) * i // max(length, 1) for i in range(length)]
