"""What sort of answer a question wants, told by the words that only ask."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache

from rag.vietnamese.data import lines, read
from rag.vietnamese.normalize import fold, match_form

_COUNTED = re.compile(r"(?<!\bthứ )(?<!\bthu )(?<!\bsố )(?<!\bso )\b(?:mấy|bao nhiêu|may|bao nhieu) (\w+)")
_QUOTES = re.compile(r"[\"'“”‘’«»]")
_SEVERAL = ("những ", "các ", "nhung ", "cac ")
_BARE = 2  # words of "những tỉnh nào", which asks for a list
# Words that ask elsewhere, and what stands for them where something else asks in the same clause: "mấy" for "several"
# at the beginning of a clause or of what belongs to another word, "ai" for "whoever".
_CLAUSE = r"(?:(?!\b(?:và|còn|rồi)\b)[^,;?])*"
_NOT_ASKING = (
    (re.compile(rf"(^|[,;] |\b(?:của|với|như|cho) )mấy(?= (?!giờ\b|phần\b)({_CLAUSE}))", re.IGNORECASE), r"\1vài"),
    (re.compile(rf"(^)ai(?= (?!là\b){_CLAUSE}\bthì\b({_CLAUSE}))", re.IGNORECASE), "người"),
)
# What stands behind "bao nhiêu" and is no unit.
_NO_UNIT = frozenset("ở trong tại của là thì và với cho từ đến tiền o tai cua la thi va voi tu den tien".split())  # noqa: SIM905


class Kind(StrEnum):
    """What sort of answer a question wants. The order is that of `question_words.toml`."""

    DAY = "day"
    PERIOD = "period"
    LIST = "list"
    RANK = "rank"
    TIME = "time"
    QUANTITY = "quantity"
    PLACE = "place"
    PERSON = "person"
    REASON = "reason"
    MANNER = "manner"
    DEFINITION = "definition"
    THING = "thing"
    OPEN = "open"


STRICT_KINDS = frozenset({Kind.DAY, Kind.PERIOD, Kind.RANK, Kind.QUANTITY, Kind.TIME, Kind.PLACE, Kind.PERSON})
"""Kinds whose answers can be told by their form: what holds nothing of the form does not answer."""


def ask_words(text: str, *, accented: bool) -> tuple[str, Kind]:
    """`text` without the phrases that only ask, and the kind of answer that they ask for."""
    form = match_form(text) if accented else fold(text)
    rest = without_asking(text, accented=accented)
    # A question that consists of nothing else keeps its words.
    return (rest if re.search(r"\w", rest) else form), _kind(plainly(form) if accented else form, accented=accented)


def plainly(text: str) -> str:
    """`text`, with accents, without words that only look as if they asked where others do: "mấy hãng nhỏ bán cho ai" is
    asked of several firms.
    """
    for pattern, instead in _NOT_ASKING:
        found = pattern.search(text)
        if found and _kind(match_form(found.group(2)), accented=True) != Kind.OPEN:
            text = text[: found.start()] + found.expand(instead) + text[found.end() :]
    return text


def _kind(form: str, *, accented: bool) -> Kind:
    kinds, _ = _patterns(accented=accented)
    form = _QUOTES.sub("", form)  # “3 phát huy” are three
    kind, found = next(((kind, found) for kind, pattern in kinds if (found := pattern.search(form))), (Kind.OPEN, None))
    return _asked_of(found.group(), kinds) if kind == Kind.LIST and found else kind


def opening_kind(text: str) -> Kind:
    """What a text with accents asks for by its first word alone: "số tỉnh dự hội nghị"."""
    form = match_form(text)
    return next((kind for kind, opening in _openings() if opening.match(form)), Kind.OPEN)


def without_asking(text: str, *, accented: bool) -> str:
    """`text`, in match form or folded, without the phrases that only ask."""
    _, asking = _patterns(accented=accented)
    return asking.sub(" ", match_form(text) if accented else fold(text))


def _asked_of(several: str, kinds: Sequence[tuple[Kind, re.Pattern[str]]]) -> Kind:
    """What is asked of several things: a list of them, or where or when they are ("các hội nghị họp ở tỉnh nào")."""
    # "Các đoàn thăm những nơi nào" asks for a list of places.
    several = several[max(0, *map(several.rfind, _SEVERAL)) :]
    for kind, pattern in kinds:
        if kind in STRICT_KINDS and any(
            found.end() == len(several) and several.count(" ", 0, found.start()) > _BARE
            for found in pattern.finditer(several)
        ):
            return kind
    return Kind.LIST


def which_item(text: str) -> tuple[int, str]:
    """Which item of a list `text` asks for, from 1 (-1 is the last, 0 none), and `text` without saying which."""
    found = _ITEM.search(text)
    if not found:
        return 0, text
    _, number, first, _ = found.groups()
    at = 1 if first else (_ITEM_NUMBERS.index(number.lower()) % 10 + 1 if number else -1)
    kept = found.start() if found.group("noun").lower() in _ANY_ITEM else found.end("noun")
    return at, re.sub(r"\s+([?.,])", r"\1", " ".join((text[:kept] + text[found.end() :]).split()))


_ITEM_NUMBERS = [*["nhất", "hai", "ba", "tư", "năm", "sáu", "bảy", "tám", "chín", "mười"], *map(str, range(1, 11))]
_ANY_ITEM = ("cái", "ý", "điều", "việc")
_ITEM = re.compile(
    r"\b(?<!làm )(?<!công )(?<!sự )(?<!địa )(?<!thời )(?<!quan )(?<!chú )"
    r"(?P<noun>cái|nhóm|trọng tâm|mục tiêu|nhiệm vụ|giải pháp|điều|điểm|ý|nội dung|việc|động lực|phương hướng|vế|mục)"
    rf"\s+(?:thứ\s+({'|'.join(_ITEM_NUMBERS)})|(đầu tiên|đầu(?=\s*\?))|(cuối cùng|sau cùng|(?<!điểm )cuối))\b"
    r"(?!\s+(?:năm|tháng|kỳ|nhiệm kỳ|tuần|quý|ngày|đời))",
    re.IGNORECASE,
)


def asks_for_credits(now: str, whole: str, *, accented: bool) -> bool:
    """Whether the question `now` asks who wrote an article, or when it came out; `whole` is it and those before it."""
    named, asked, other = _credits(accented=accented)
    form = match_form if accented else fold
    return bool(asked.search(other.sub("-", form(now))) and named.search(other.sub("-", form(whole))))


@cache
def _credits(*, accented: bool) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """What an article may be called, what is asked of it, and what is neither though it looks alike."""
    phrases = [(match_form if accented else fold)(line) for line in lines("credits.txt")]
    named, other = (any_of([p[1:] for p in phrases if p[0] == sign]) for sign in "^!")
    return named, any_of([p for p in phrases if p[0] not in "^!"]), other


def counted(text: str, *, accented: bool) -> str:
    """What a question counts ("mấy nhóm": nhóm), in match form or folded; "" if nothing."""
    found = _COUNTED.search(match_form(text) if accented else fold(text))
    return found.group(1) if found and found.group(1) not in _NO_UNIT else ""


@cache
def asking_phrases() -> tuple[str, ...]:
    """Every phrase that only asks, with accents."""
    table = tomllib.loads(read("question_words.toml"))
    return tuple(phrase for kind in Kind if kind != Kind.OPEN for phrase in table[kind]["phrases"])


@cache
def _patterns(*, accented: bool) -> tuple[Sequence[tuple[Kind, re.Pattern[str]]], re.Pattern[str]]:
    """Kinds with what they are known by, in the order in which they are to be tried; and everything that only asks."""
    table = tomllib.loads(read("question_words.toml"))
    form = match_form if accented else fold
    phrases = {kind: [form(phrase) for phrase in table[kind]["phrases"]] for kind in Kind if kind != Kind.OPEN}
    numbered, several = [form(word) for word in table["numbered"]], form("mấy")
    known = [(kind, [p for p in found if "#" not in p and p != several]) for kind, found in phrases.items()]
    # "Ba mục tiêu là gì?" wants a list; "7 nhóm được nêu khi nào?" and "Chỉ thị 15 có từ khi nào?" want a time; "vì sao
    # vắng mấy tháng" wants a reason.
    known[-1:-1] = [(Kind.QUANTITY, [several]), (Kind.LIST, [p for p in phrases[Kind.LIST] if "#" in p])]
    plain = [phrase for _, found in known for phrase in found if not {"*", "#"} & set(phrase)]
    return [(kind, any_of(found, numbered)) for kind, found in known], any_of(plain)


@cache
def _openings() -> Sequence[tuple[Kind, re.Pattern[str]]]:
    """Kinds with the words that ask for them where a question opens with these and asks in no other words."""
    table = tomllib.loads(read("question_words.toml"))
    listed = [(kind, table.get(kind, {}).get("openings", ())) for kind in Kind]
    # "Ngày 9/3" and "số hóa" ask for nothing.
    longer = any_of(list(map(match_form, table["no_openings"])))
    return [
        (kind, re.compile(rf"(?!{longer.pattern}){any_of(list(map(match_form, words))).pattern}(?!\s+\d)"))
        for kind, words in listed
        if words
    ]


def any_of(phrases: Sequence[str], numbered: Sequence[str] = ()) -> re.Pattern[str]:
    """Any of `phrases` as whole words, the longest first; "*" is some words, "#" a number not after a `numbered`."""
    number = r"(?:\d{1,2}|hai|ba|bốn|bon|sáu|bảy|tám|chín|mười)"
    name = "".join(rf"(?<!\b{re.escape(word)} )" for word in numbered)
    wild = {re.escape("*"): r"[\w/-]+(?: [\w/-]+){0,11}?", re.escape("#"): rf"(?<![/.,-]){name}{number}"}
    ordered = [re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True)]
    for sign, meaning in wild.items():
        ordered = [phrase.replace(sign, meaning) for phrase in ordered]
    return re.compile(rf"\b(?:{'|'.join(ordered)})\b")


@cache
def answer_patterns() -> Mapping[Kind, tuple[re.Pattern[str], float]]:
    """For each kind what its answers hold, and what that is worth (log odds)."""
    letters = [chr(code) for code in range(ord("A"), 0x1EFA)]
    upper = "".join(c for c in letters if unicodedata.category(c) == "Lu")
    lower = "".join(c for c in letters if unicodedata.category(c) == "Ll")
    return {
        Kind(kind): (
            re.compile(entry["pattern"].replace("{U}", f"[{upper}]").replace("{L}", f"[{lower}]")),
            entry["weight"],
        )
        for kind, entry in tomllib.loads(read("answer_patterns.toml")).items()
    }
