"""What a sentence states that can be held against a text: numbers, years, days, names, opposites, negations.

Pure functions on texts. They tell what is missed, in Vietnamese, or "" if nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.schema import Span
from rag.understanding.constraints import constraints, contrasted, form, holds, posts
from rag.understanding.dates import years
from rag.understanding.equivalents import Phrase
from rag.vietnamese.lexicon import lexicon
from rag.vietnamese.normalize import match_form

Number = tuple[str, str, str]
"""Its digits with a comma before the decimals, its scale ("tỉ", "%"), and what is counted, if that is money."""

_NUMBER = re.compile(
    r"(?<![\w.,])(\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:[.,]\d+)?)"
    r"(?:\s*(%|phần trăm|nghìn tỉ|triệu tỉ|trăm nghìn|nghìn|ngàn|vạn|triệu|tỉ)(?!\w))?"
    r"(?:\s*(usd|đô la|đồng|euro|eur|yên|nhân dân tệ|vnd|\$)(?!\w))?"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")
_SAME = {"phần trăm": "%", "ngàn": "nghìn", "đô la": "usd", "$": "usd", "vnd": "đồng", "eur": "euro"}
_DIGITS = {"hai": "2", "ba": "3", "bốn": "4", "sáu": "6", "bảy": "7", "tám": "8", "chín": "9", "mười": "10"}
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
# The year that something is compared with is not its own.
_COMPARED = re.compile(r"(?:so với|hơn|kém|bằng)[^\d,.;]{0,40}$")
_NEGATIONS = frozenset({"không", "chưa", "chẳng"})
# "không" in these denies nothing.
_NOT_NEGATIONS = frozenset({"hàng không", "không gian", "không khí", "không quân", "không phận", "không trung"})
_WORLD: dict[Phrase, str] = dict.fromkeys([("thế", "giới"), ("toàn", "cầu")], "thế giới")
# How far apart things are, in characters, more where a comma or an end stands between; so much further is as near.
_COMMA, _END, _TIE = 25, 100, 2


@dataclass(frozen=True, slots=True)
class Source:
    """The words that are to carry a sentence, and what a reader of them has read before: title, heading, sentences."""

    text: str
    before: str = ""


def lacking(sentence: str, source: Source, asked: Sequence[str] = ()) -> str:
    """What `sentence` states and `source` does not carry. `asked` are the years that the question names.

    Numbers, opposites and negations must stand in the words that are quoted; a name may stand before them, and a year
    too where the words name none.
    """
    said, words = form(sentence, accented=True), form(source.text, accented=True)
    return (
        _numbers_lacking(sentence, said, source.text, words)
        or _years_lacking(sentence, source)
        or _names_lacking(sentence, said, source)
        or _opposites_lacking(said, words)
        or _denied(said, words)
        or _misplaced(sentence, said, source.text, words, asked)
    )


@lru_cache(maxsize=4096)
def numbers(text: str) -> tuple[Number, ...]:
    """The numbers of `text` but for years, in order and one way of writing: "1.000 tỷ USD" is ("1000", "tỉ", "usd")."""
    return tuple(_number(m) for m in _numbers(match_form(text)))


def _numbers(text: str) -> Iterator[re.Match[str]]:
    of_years = {m.start() for m in _YEAR.finditer(text) if m.group() in years(text)}
    return (m for m in _NUMBER.finditer(text) if m.start() not in of_years)


def _number(m: re.Match[str]) -> Number:
    digits, scale, money = m.group(1), m.group(2) or "", m.group(3) or ""
    digits = digits.replace(".", "") if _THOUSANDS.fullmatch(digits) else digits.replace(".", ",")
    return re.sub(r"^0+(?=\d)", "", digits), _SAME.get(scale, scale), _SAME.get(money, money)


def _numbers_lacking(sentence: str, said: Phrase, text: str, words: Phrase) -> str:
    held = numbers(text)
    in_words = {_DIGITS[word] for word in words if word in _DIGITS}
    for digits, scale, money in numbers(sentence):
        same = [number for number in held if number[:2] == (digits, scale)]
        is_in_words = not scale and digits in in_words
        other_money = money and same and all(number[2] not in {"", money} for number in same)
        if other_money or not (same or is_in_words):
            return f"số {' '.join(filter(None, (digits, scale, money)))}"
    counted = {number[0] for number in held}
    return next((f"số {w}" for w in said if w in _DIGITS and w not in words and _DIGITS[w] not in counted), "")


def _years_lacking(sentence: str, source: Source) -> str:
    held = years(source.text)
    before = [m.group() for m in _YEAR.finditer(source.before) if m.group() in years(source.before)]
    for year in years(sentence) - held:
        if held or year not in before[-1:]:
            return f"năm {year}"
    return ""


def _names_lacking(sentence: str, said: Phrase, source: Source) -> str:
    """Names, places, days, document numbers, posts; and a first word that is no Vietnamese, and so a name."""
    words = form(source.text, accented=True)
    here, context = f" {' '.join(words)} ", f" {' '.join((*form(source.before, accented=True), '', *words))} "
    named = [n for n in constraints(sentence, accented=True).named if not n.words.isdigit()]  # those are numbers
    missing = [n for n in named if not any(holds(here, way) for way in n.ways)]
    for name in missing:
        if not any(holds(context, way) for way in name.ways):
            return name.words
    # A place or a person out of the context, in the place of the one that the words are about.
    if firm := [name for name in missing if name.is_firm]:
        ours = f" {' '.join(said)} "
        others = [n for n in constraints(source.text, accented=True).named if n.is_firm]
        if any(not holds(ours, way) for other in others for way in other.ways[:1]):
            return firm[0].words
    if said and said[0].isalpha() and said[0] not in lexicon() and not holds(context, said[:1]):
        return said[0]
    held = posts(context.split(), accented=True)
    return next((" ".join(p) for p in posts(said, accented=True) if not any(o[: len(p)] == p for o in held)), "")


def _opposites_lacking(said: Phrase, words: Phrase) -> str:
    pairs = zip(contrasted(said, accented=True), contrasted(words, accented=True), strict=True)
    return next((" ".join(phrase) for here, there in pairs for phrase in here if phrase not in there), "")


def _denied(said: Phrase, words: Phrase) -> str:
    """A negation that only one of the two has."""
    here, there = _negated(said), _negated(words)
    if here and not there:
        return "không"
    for word in there - here:
        plain = [at for at, other in enumerate(words) if other == word and not (at and words[at - 1] in _NEGATIONS)]
        if word in said and not plain:
            return f"không {word}"
    return ""


def _negated(words: Phrase) -> frozenset[str]:
    """The words right after a negation."""
    return frozenset(
        after
        for before, word, after in zip(("", *words), words, (*words[1:], ""), strict=False)
        if word in _NEGATIONS and f"{before} {word}" not in _NOT_NEGATIONS and f"{word} {after}" not in _NOT_NEGATIONS
    )


def _misplaced(sentence: str, said: Phrase, text: str, words: Phrase, asked: Sequence[str]) -> str:
    """A number beside another year, place or opposite than in `text`, a person with another post: things exchanged."""
    own, other = match_form(sentence), match_form(text)
    asked_here = [(0, len(own), year) for year in asked]
    pairs = [
        (
            _owners(own, _numbers(own), _year_marks(own) or asked_here),
            _owners(other, _numbers(other), _year_marks(other)),
        )
    ]
    for here, there in zip(contrasted(said, accented=True), contrasted(words, accented=True), strict=True):
        if here and len(there) > 1:
            ours, theirs = (_owners(t, _numbers(t), _marks(t, there)) for t in (own, other))
            pairs.append((ours, theirs))
    places = [_place_marks(t, sentence, text) for t in (own, other)]
    if len({what for *_, what in places[1]}) > 1:
        ours, theirs = (_owners(t, _numbers(t), of_it) for t, of_it in zip((own, other), places, strict=True))
        pairs.append((ours, theirs))
    held = posts(words, accented=True)
    names = [way for n in constraints(sentence, accented=True).named for way in n.ways if len(way) > 1]
    if len(held) > 1 and names:
        people = _pattern(names)
        ours, theirs = (_owners(t, people.finditer(t), _marks(t, held)) for t in (own, other))
        pairs.append((ours, theirs))
    for ours, theirs in pairs:
        for thing, owners in ours.items():
            if thing in theirs and not owners & theirs[thing]:
                return f"{thing} – {', '.join(sorted(owners))}"
    return ""


Mark = tuple[int, int, str]
"""Where something stands that others belong to, and what it is."""


def _owners(text: str, things: Iterable[re.Match[str]], marks: Sequence[Mark]) -> dict[str, frozenset[str]]:
    """Which of the marks each thing belongs to: the nearest, and what is as near."""
    owners: dict[str, frozenset[str]] = {}
    for thing in things:
        gaps = [(_gap(text, thing.span(), mark[:2]), mark[2]) for mark in marks]
        if gaps:
            nearest = min(gaps)[0] + _TIE
            name = " ".join(filter(None, _number(thing)[:2])) if thing.re is _NUMBER else thing.group()
            owners[name] = owners.get(name, frozenset()) | {what for gap, what in gaps if gap <= nearest}
    return owners


def _gap(text: str, one: Span, other: Span) -> int:
    between = text[min(one[1], other[1]) : max(one[0], other[0])]
    ends = len(re.findall(r"[.!?;]\s", between))
    return len(between) + _END * ends + _COMMA * (len(re.findall(r"[,:]\s", between)))


def _year_marks(text: str) -> list[Mark]:
    return [
        (*m.span(), m.group())
        for m in _YEAR.finditer(text)
        if m.group() in years(text) and not _COMPARED.search(text, max(0, m.start() - 60), m.start())
    ]


def _place_marks(text: str, *named_in: str) -> list[Mark]:
    """Where places and regions stand in `text` that `named_in` name, and the world."""
    named = [n for words in named_in for n in constraints(words, accented=True).named if n.is_place]
    ways = {way: n.words for n in named for way in n.ways} | _WORLD
    return [(*m.span(), ways[tuple(m.group().split())]) for m in _pattern(tuple(ways)).finditer(text)]


def _marks(text: str, phrases: Sequence[Phrase]) -> list[Mark]:
    return [(*m.span(), m.group()) for m in _pattern(phrases).finditer(text)]


def _pattern(phrases: Sequence[Phrase]) -> re.Pattern[str]:
    """Any of `phrases`, the longest first: "xuất nhập khẩu" is no "nhập khẩu"."""
    ordered = sorted((" ".join(phrase) for phrase in phrases), key=len, reverse=True)
    return re.compile("|".join(rf"(?<!\w){re.escape(phrase)}(?!\w)" for phrase in ordered))
