"""What must hold of the answer because the question names it: years, days, numbers, names, places, posts, opposites."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from rag.understanding.equivalents import Phrase
from rag.vietnamese.data import lines
from rag.vietnamese.normalize import fold, strip_accents
from rag.vietnamese.terms import syllables

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
UPPER = "".join(c for c in map(chr, range(ord("A"), 0x1EFA)) if c.isupper())
"""Every capital letter of Vietnamese and its neighbours."""
_NAME = re.compile(rf"\b\d+-[{UPPER}]\w*(?:[-/]\w+)*|\b[{UPPER}]\w*(?:\s+[{UPPER}]\w*)*")
_BEFORE_YEAR = re.compile(r"(?:\b(?:năm|nam|quý|quy|giai đoạn|giai doan)\s+|\d\s*[/-]\s*)$", re.IGNORECASE)
YEAR_PHRASE = re.compile(
    rf"(?:\b(?:năm|nam|giai đoạn|giai doan)\s+)?(?:{_YEAR.pattern}\s*[-–]\s*)?{_YEAR.pattern}", re.IGNORECASE
)
"""A year with the words before it, to be taken out of a text."""
_NUMBER = re.compile(r"(?<![\w.,/-])\d+(?![\w/-]|[.,]\d)")
_DAY = re.compile(r"(?<![\d/-])0?(\d{1,2})(?:\s*[/-]\s*|\s+(?:tháng|thang)\s+)0?(\d{1,2})(?![\d,.]*\d|[/-][^\d])")
_ORDINAL = re.compile(r"\b(?:thứ|thu)\s+(\d+)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """Something that the question names; `ways` are the ways to write it, any of which will do.

    `words` is how it is called when it is missed. `is_firm` if an answer about another one is wrong: a place, a day, an
    ordinal, a document number, the whole name of a person; other capitals may be mere emphasis.
    """

    words: str
    ways: tuple[Phrase, ...]
    is_firm: bool


@dataclass(frozen=True, slots=True)
class Opposite:
    """A word of the question (`asked`) that excludes `others`: exports when imports are asked for."""

    asked: Phrase
    others: tuple[Phrase, ...]

    def is_met(self, words: str) -> bool:
        """Whether a sentence (its syllables joined and enclosed by spaces) does not tell of one of `others` instead."""
        held = _held((self.asked, *self.others), words)
        return self.asked in held or not held


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a question names. Everything is in match form, or folded if the question was not typed with accents."""

    years: frozenset[str] = frozenset()
    named: tuple[Named, ...] = ()
    posts: tuple[Phrase, ...] = ()
    opposites: tuple[Opposite, ...] = ()


def constraints(text: str, *, accented: bool) -> Constraints:
    """The constraints of the question `text`."""
    words = form(text, accented=accented)
    return Constraints(
        years=years(text),
        named=tuple({named.ways: named for named in _named(text, words, accented=accented)}.values()),
        posts=posts(words, accented=accented),
        opposites=tuple(_opposites(words, accented=accented)),
    )


def form(text: str, *, accented: bool) -> list[str]:
    """The syllables of `text`, folded if not `accented`."""
    return syllables(text) if accented else [strip_accents(s) for s in syllables(text)]


def years(text: str) -> frozenset[str]:
    """The years in `text`: "năm 2022", "2/4/2024", "2021-2025", "hội nghị 2024 có"; not "2000 doanh nghiệp"."""
    return frozenset(m.group() for m in _YEAR.finditer(text) if _is_year(text, m))


def _is_year(text: str, number: re.Match[str]) -> bool:
    if _BEFORE_YEAR.search(text, 0, number.start()):
        return True
    following = re.match(r"\s+(\w+)", text[number.end() :])
    return following is None or fold(following.group(1)) not in _counted()


def holds(words: str, phrase: Phrase) -> bool:
    """Whether the syllables `words`, joined and enclosed by spaces, hold `phrase`."""
    return f" {' '.join(phrase)} " in words


def _named(text: str, words: Sequence[str], *, accented: bool) -> Iterator[Named]:
    places = list(_places(text, words, accented=accented))
    yield from places
    for day in _DAY.finditer(text):
        d, m = day.group(1).lstrip("0"), day.group(2).lstrip("0")
        if d and m and int(d) <= 31 and int(m) <= 12:
            month = "tháng" if accented else "thang"
            yield Named(f"ngày {d}/{m}", ((d, m), (d, month, m)), is_firm=True)
    for ordinal in _ORDINAL.finditer(text):
        yield Named(ordinal.group(), (tuple(form(ordinal.group(), accented=accented)),), is_firm=True)
    in_places = {way for place in places for way in place.ways}
    for name, is_firm in _capitals(text):
        phrase = tuple(form(name, accented=accented))
        if phrase and phrase not in in_places:
            yield Named(name, (phrase,), is_firm)


def _capitals(text: str) -> Iterator[tuple[str, bool]]:
    """Names ("Hà Tĩnh"), initials ("FDI"), document numbers ("15-CT/TW") and other numbers, and whether each is firm.

    A capital at the beginning of the question tells nothing, and neither does one where all are capitals.
    """
    of_years = years(text)
    for number in _NUMBER.finditer(text):
        if number.group() not in of_years:
            yield number.group(), False
    if not text.isupper():
        for m in _NAME.finditer(text):
            name = m.group()
            if m.start() > 0 or name.isupper() or " " in name:
                yield name, bool(re.match(r"\d+-", name)) or len(name.split()) >= 3


def _places(text: str, words: Sequence[str], *, accented: bool) -> Iterator[Named]:
    table, longest = _gazetteer(accented=accented)
    typed = text if accented else ""
    at = 0
    while at < len(words):
        for length in range(min(longest, len(words) - at), 0, -1):
            found = table.get(tuple(words[at : at + length]))
            if found and (not found[2] or found[1] in typed):
                yield found[0]
                at += length - 1
                break
        at += 1


@cache
def _gazetteer(*, accented: bool) -> tuple[Mapping[Phrase, tuple[Named, str, bool]], int]:
    """Places by their names: the place, the name as it is written, and whether it needs its capitals."""
    table: dict[Phrase, tuple[Named, str, bool]] = {}
    for line in lines("places.txt"):
        names = [name.strip() for name in line.split(";")]
        ways = tuple(tuple(form(name.lstrip("!"), accented=accented)) for name in names)
        place = Named(names[0].lstrip("!"), ways, is_firm=True)
        if place.words == "Việt Nam":  # what the articles are about, named or not
            continue
        for name, way in zip(names, ways, strict=True):
            # Without accents a short name may be any word: "y", "nga".
            risky = name.startswith("!") or (not accented and len(way) == 1)
            table.setdefault(way, (place, name.lstrip("!"), risky))
    return table, max(map(len, table))


def posts(words: Sequence[str], *, accented: bool) -> tuple[Phrase, ...]:
    """The posts in a text, the longest at each place: of "phó chủ tịch" not "chủ tịch"."""
    table, longest = _posts(accented=accented)
    found, at = [], 0
    while at < len(words):
        for length in range(min(longest, len(words) - at), 0, -1):
            if (post := tuple(words[at : at + length])) in table:
                found.append(post)
                at += length - 1
                break
        at += 1
    return tuple(dict.fromkeys(found))


@cache
def _posts(*, accented: bool) -> tuple[frozenset[Phrase], int]:
    table = frozenset(tuple(form(line, accented=accented)) for line in lines("roles.txt"))
    return table, max(map(len, table))


def _opposites(words: Sequence[str], *, accented: bool) -> Iterator[Opposite]:
    text = f" {' '.join(words)} "
    for group in _contrasts(accented=accented):
        held = _held(group, text)
        if len(held) == 1:
            yield Opposite(held[0], tuple(phrase for phrase in group if phrase != held[0]))


def _held(group: Sequence[Phrase], words: str) -> list[Phrase]:
    """Those of `group` that `words` hold, where not as a part of a longer one: "xuất nhập khẩu" is no "nhập khẩu"."""
    held = []
    for phrase in sorted(group, key=len, reverse=True):
        if holds(words, phrase):
            held.append(phrase)
            words = words.replace(f" {' '.join(phrase)} ", "  ")
    return held


@cache
def _contrasts(*, accented: bool) -> Sequence[Sequence[Phrase]]:
    return [[tuple(form(w, accented=accented)) for w in line.split(" / ")] for line in lines("contrasts.txt")]


@cache
def _counted() -> frozenset[str]:
    return frozenset(map(fold, lines("counted.txt")))
