"""What must hold of the answer because the question names it: years, days, numbers, names, places, posts, opposites."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from sys import intern

from rag.understanding.dates import PERIOD, days, years
from rag.understanding.equivalents import IN_WORDS, Phrase
from rag.vietnamese.data import lines
from rag.vietnamese.lexicon import lexicon
from rag.vietnamese.normalize import strip_accents, typed_with_accents
from rag.vietnamese.terms import TERM, syllables

UPPER = "".join(c for c in map(chr, range(ord("A"), 0x1EFA)) if c.isupper())
"""Every capital letter of Vietnamese and its neighbours."""
# A document number, or capitals in a row; where initials stand beside a name ("FDI Việt Nam") these are two.
_NAME = re.compile(
    rf"\b\d+(?:/\d{{4}})?[-/][{UPPER}]\w*(?:[-/]\w+)*|\b[{UPPER}]{{2,}}\b(?:\s+[{UPPER}]{{2,}}\b)*"
    rf"|\b[{UPPER}]\w*(?:\s+(?![{UPPER}]{{2}})[{UPPER}]\w*)*"
)
_NUMBER = re.compile(r"(?<![\w.,/-])\d+(?![\w/-]|[.,]\d)")
# What stands before a post of somebody whom another one meets, with accents and without; unless that one is asked for.
_MEETING = (("với",), ("voi",), ("gặp",), ("gap",), ("tháp", "tùng"), ("thap", "tung"))
_WHICH = (("nào",), ("nao",), ("là", "ai"), ("la", "ai"))
_HONORIFIC = re.compile(r"^(?:Ông|Bà|Anh|Chị|Cô|Đồng chí)\s+")
# "số mấy" of a document; not "con số nào", "chỉ số nào", "dân số bao nhiêu".
_ASKS_NUMBER = re.compile(
    r"\s(?<!\bcon )(?<!\bchỉ )(?<!\bchi )(?<!\bdân )(?<!\bdan )(?<!\btổng )(?<!\btong )(?<!\bmột )(?<!\bmot )"
    r"(?:số|so)\s+(?:(?:hiệu|hieu)\s+)?(?:mấy|may|bao nhiêu|bao nhieu|nào|nao|gì|gi)\b",
    re.IGNORECASE,
)
_SLOGAN = re.compile(r"[\"“”'‘’«»]\s*(\d)\s+([^\W\d]+(?:\s+[^\W\d]+)?)\s*[\"“”'‘’«»]")  # “3 cùng”
NUMBERS = (*map(str, range(1, 10)), "một", *IN_WORDS.values())
"""How many a slogan may tell of, as it may be written with accents."""
_ORDINAL = re.compile(r"\b(?:thứ|thu)\s+(\d+)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """Something that the question names; `ways` are the ways to write it, any of which will do.

    `words` is how it is called when it is missed. `is_firm` if an answer about another one is wrong: a place, a day, an
    ordinal, a document number, the whole name of a person; other capitals may be mere emphasis. `sort` tells which
    of these it is: "" for the name of a person, which may be two that stand side by side, and for mere capitals.
    `is_exact` if an answer has to hold it by just that name; of a region a place in it may be meant. A slogan
    ("5 cùng") is missed only where it is said with another number.
    """

    words: str
    ways: tuple[Phrase, ...]
    is_firm: bool
    sort: str = ""

    @property
    def is_exact(self) -> bool:
        """See above."""
        return self.sort not in ("", "region")

    @property
    def is_place(self) -> bool:
        """Whether it is a place or a region."""
        return self.sort in ("place", "region")


@dataclass(frozen=True, slots=True)
class Opposite:
    """What the question asks about, as it says it (`asked`) and in other ways (`ways`, with it), excludes `others`:
    exports when imports are asked for.
    """

    asked: Phrase
    ways: tuple[Phrase, ...]
    others: tuple[Phrase, ...]

    def is_met(self, words: str) -> bool:
        """Whether a text (its syllables joined and enclosed by spaces) does not tell of one of `others` instead."""
        held = _held(sorted((*self.ways, *self.others), key=len, reverse=True), words)
        return not held or any(way in held for way in self.ways)


@dataclass(frozen=True, slots=True)
class Constraints:
    """What a question names. Everything is in match form, or folded if the question has no accents.

    `number_of` is the kind of document of which the number is asked for ("nghị quyết số mấy"), () if none is.
    """

    years: frozenset[str] = frozenset()
    named: tuple[Named, ...] = ()
    posts: tuple[Phrase, ...] = ()
    opposites: tuple[Opposite, ...] = ()
    number_of: Phrase = ()


def constraints(text: str, *, accented: bool) -> Constraints:
    """The constraints of the question `text`."""
    words = form(text, accented=accented)
    return Constraints(
        years=years(text),
        named=tuple({named.ways: named for named in _named(text, words, accented=accented)}.values()),
        posts=tuple(dict.fromkeys(_asked_posts(words, accented=accented))),
        opposites=tuple(_opposites(words, accented=accented)),
        number_of=_number_of(text, accented=accented),
    )


@lru_cache(maxsize=16_384)  # the sentences that are weighed are the same from question to question
def form(text: str, *, accented: bool) -> Phrase:
    """The syllables of `text`, folded if not `accented`."""
    found = syllables(text)
    return tuple(map(intern, found if accented else map(strip_accents, found)))


def holds(words: str, phrase: Phrase) -> bool:
    """Whether the syllables `words`, joined and enclosed by spaces, hold `phrase`."""
    return _enclosed(phrase) in words


def _named(text: str, words: Sequence[str], *, accented: bool) -> Iterator[Named]:
    places = [place for place, _ in _places(text, words, accented=accented)]
    yield from places
    for d, m, is_day, _ in days(text):
        month = "tháng" if accented else "thang"
        yield Named(f"ngày {d}/{m}", ((d, m), (d, month, m)), is_day, "day" if is_day else "")
    for span in PERIOD.finditer(text):
        yield Named(f"giai đoạn {span.group()}", (span.groups(),), is_firm=True, sort="period")
    for ordinal in _ORDINAL.finditer(text):
        yield Named(ordinal.group(), (form(ordinal.group(), accented=accented),), is_firm=True, sort="ordinal")
    for slogan in _SLOGAN.finditer(text):
        number, words_behind = slogan.groups()
        in_words = IN_WORDS.get(number, "một")
        ways = tuple(form(f"{one} {words_behind}", accented=accented) for one in (number, in_words))
        yield Named(slogan.group(), ways, is_firm=False, sort="slogan")
    yield from _documents(text, accented=accented)
    in_places = [f" {' '.join(way)} " for place in places for way in place.ways]
    for name, is_firm in _capitals(text):
        phrase = form(name, accented=accented)
        if phrase and not any(holds(way, phrase) for way in in_places):
            yield Named(name, (phrase,), is_firm, "document" if is_firm and name[0].isdigit() else "")


def _documents(text: str, *, accented: bool) -> Iterator[Named]:
    """Documents by their kind and number alone ("Chỉ thị 15"); with its letters too a number is told by `_NAME`."""
    of_years = years(text)
    for found in _numbered_document().finditer(text):
        kind, number = found.groups()
        if number not in of_years:
            ways = tuple(form(f"{kind} {of}{number}", accented=accented) for of in ("", "số "))
            yield Named(f"{kind} {number}", ways, is_firm=False, sort="document")


def _number_of(text: str, *, accented: bool) -> Phrase:
    """The kind of document of which `text` asks the number, () if it asks for none."""
    asked = _ASKS_NUMBER.search(text)
    before = _document().finditer(text, 0, asked.start() + 1) if asked else ()
    unnumbered = [m.group(1) for m in before if not re.match(r"\s+(?:số\s+|so\s+)?\d", text[m.end() :])]
    return form(unnumbered[-1], accented=accented) if unnumbered else ()


@cache
def _document(behind: str = r"\b") -> re.Pattern[str]:
    """A kind of document, and `behind`."""
    kinds = [re.escape(way) for line in lines("documents.txt") for way in (line, strip_accents(line))]
    return re.compile(rf"\b({'|'.join(kinds)}){behind}", re.IGNORECASE)


def _numbered_document() -> re.Pattern[str]:
    return _document(r"\s+(?:số\s+|so\s+)?(\d+)(?![\d/-]|\s+(?:năm|nam)\b)")


def _capitals(text: str) -> Iterator[tuple[str, bool]]:
    """Names ("Hà Tĩnh"), initials ("FDI"), document numbers ("15-CT/TW") and other numbers, and whether each is firm.

    A capital at the beginning of the question tells nothing, and neither does one where all are capitals.
    """
    of_years = years(text)
    for number in _NUMBER.finditer(text):
        if number.group() not in of_years:
            yield number.group(), False
    if text.isupper():
        return
    for m in _NAME.finditer(text):
        name = _HONORIFIC.sub("", m.group())
        if m.start() == 0 and not (name.isupper() or name[0].isdigit() or _is_surname(name)):
            name = name.partition(" ")[2].strip()
        if name:
            yield name, name[0].isdigit() or len(name.split()) >= _WHOLE_NAME


def _is_surname(name: str) -> bool:
    """Whether `name` begins with a surname that more follows."""
    first, _, rest = name.partition(" ")
    return bool(rest) and first in lines("surnames.txt")


_WHOLE_NAME = 3  # syllables of a person's whole name


def _places(text: str, words: Sequence[str], *, accented: bool) -> Iterator[tuple[Named, tuple[int, int]]]:
    """The places that `text`, of these syllables, names, and where in it."""
    table, longest = _gazetteer(accented=accented)
    spans = [m.span() for m in TERM.finditer(text)]
    if len(spans) != len(words):  # a letter of two lengths: the places cannot be told from other words
        return
    at = 0
    while at < len(words):
        for length in range(min(longest, len(words) - at), 0, -1):
            found = table.get(tuple(words[at : at + length]))
            begins = [text[start] for start, _ in spans[at : at + length]]
            # The capital of the first word tells nothing.
            is_name = all(c.isupper() or c.isdigit() for c in begins) and (at > 0 or length > 1)
            if length == 1 and at and _is_within_name(text, spans[at - 1], spans[at]):
                is_name = False
            if found and (is_name or not found[1]):
                yield found[0], (spans[at][0], spans[at + length - 1][1])
                at += length - 1
                break
        at += 1


def _is_within_name(text: str, before: tuple[int, int], syllable: tuple[int, int]) -> bool:
    """Whether a syllable goes on with a name: "Đức" in "Nguyễn Đức Trung", "Anh" in "Hoài Anh", not in "nước Anh"."""
    word, between = text[slice(*before)], text[before[1] : syllable[0]]
    return word.istitle() and not between.strip() and (before[0] > 0 or word in lines("surnames.txt"))


def without_places(text: str) -> str:
    """`text` without the places that it names."""
    accented = typed_with_accents(text)
    for _, (start, end) in reversed(list(_places(text, form(text, accented=accented), accented=accented))):
        text = text[:start] + text[end:]
    return " ".join(text.split())


def names_place(text: str) -> bool:
    """Whether `text` names a place."""
    accented = typed_with_accents(text)
    return any(True for _ in _places(text, form(text, accented=accented), accented=accented))


@cache
def _gazetteer(*, accented: bool) -> tuple[Mapping[Phrase, tuple[Named, bool]], int]:
    """Places by their names: the place, and whether it needs its capitals."""
    table: dict[Phrase, tuple[Named, bool]] = {}
    plain = frozenset(map(strip_accents, lexicon()))
    listed = [(line, "place") for line in lines("places.txt")] + [(line, "region") for line in lines("regions.txt")]
    for line, sort in listed:
        names = [name.strip() for name in line.split(";")]
        ways = tuple(form(name.lstrip("!"), accented=accented) for name in names)
        place = Named(names[0].lstrip("!"), ways, is_firm=True, sort=sort)
        if place.words == "Việt Nam":  # what the articles are about, named or not
            continue
        for name, way in zip(names, ways, strict=True):
            # Without accents a short name may be any word: "y", "nga".
            risky = name.startswith("!") or (not accented and len(way) == 1 and way[0] in plain)
            table.setdefault(way, (place, risky))
    return table, max(map(len, table))


def posts(words: Sequence[str], *, accented: bool) -> tuple[Phrase, ...]:
    """The posts in a text, the longest at each place: of "phó chủ tịch" not "chủ tịch"."""
    return tuple(dict.fromkeys(post for _, post in _posts_in(words, accented=accented)))


def _posts_in(words: Sequence[str], *, accented: bool) -> Iterator[tuple[int, Phrase]]:
    """See `posts`; each with its place."""
    table, end = _posts(accented=accented), 0
    for at, word in enumerate(words):
        if at < end or word not in table:
            continue
        post = next((post for post in table[word] if tuple(words[at : at + len(post)]) == post), None)
        if post:
            yield at, post
            end = at + len(post)


def _asked_posts(words: Sequence[str], *, accented: bool) -> Iterator[Phrase]:
    """The posts in a question but for those of whom somebody else meets: "ai họp với Thủ tướng"."""
    for at, post in _posts_in(words, accented=accented):
        before, behind = tuple(words[:at]), tuple(words[at + len(post) :])
        is_met = any(before[-len(one) :] == one for one in _MEETING)
        if not is_met or any(behind[: len(one)] == one for one in _WHICH):
            yield post


@cache
def _posts(*, accented: bool) -> Mapping[str, Sequence[Phrase]]:
    """All posts by their first word, the longest first."""
    table: dict[str, list[Phrase]] = defaultdict(list)
    for post in sorted((form(line, accented=accented) for line in lines("roles.txt")), key=len, reverse=True):
        table[post[0]].append(post)
    return table


def _opposites(words: Sequence[str], *, accented: bool) -> Iterator[Opposite]:
    text = f" {' '.join(words)} "
    for group in _contrasts(accented=accented):
        held = _held(group, text)
        if len({group[way] for way in held}) == 1:
            ways = tuple(way for way in group if group[way] == group[held[0]])
            yield Opposite(held[0], ways, tuple(way for way in group if way not in ways))


def contrasted(words: Sequence[str], *, accented: bool) -> list[list[Phrase]]:
    """Of each set of words that exclude each other those in a text, of these syllables, each in the way it is listed
    first.
    """
    text = f" {' '.join(words)} "
    groups = _contrasts(accented=accented)
    return [list(dict.fromkeys(group[way] for way in _held(group, text))) for group in groups]


def _held(longest_first: Iterable[Phrase], words: str) -> list[Phrase]:
    """Those that `words` hold, where not as a part of a longer one: "xuất nhập khẩu" is no "nhập khẩu"."""
    held = []
    for phrase in longest_first:
        if (said := _enclosed(phrase)) in words:
            held.append(phrase)
            words = words.replace(said, "  ")
    return held


@lru_cache(maxsize=16_384)  # of those that questions are compared with there are a few thousand
def _enclosed(phrase: Phrase) -> str:
    return f" {' '.join(phrase)} "


@cache
def _contrasts(*, accented: bool) -> Sequence[Mapping[Phrase, Phrase]]:
    """Sets of words that exclude each other: every way to say each, with the way that is listed first; the longest ways
    come first.
    """
    groups = []
    for line in lines("contrasts.txt"):
        members = [[form(way, accented=accented) for way in member.split(" = ")] for member in line.split(" / ")]
        first = {way: ways[0] for ways in members for way in ways}
        groups.append({way: first[way] for way in sorted(first, key=len, reverse=True)})
    return groups
