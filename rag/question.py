"""What a question asks for: its words, the kind of answer it wants, and the numbers that must hold."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from rag.errors import QuestionError
from rag.schema import Turn
from rag.vietnamese.data import lines, read
from rag.vietnamese.normalize import clean, fold, has_accents, match_form, strip_accents, typed_with_accents
from rag.vietnamese.terms import Terms, syllables, terms

MAX_CHARS = 2000
# How far back a follow-up to a follow-up is read.
_MAX_BEFORE = 4
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_UPPER = "".join(c for c in map(chr, range(ord("A"), 0x1EFA)) if c.isupper())
_NAME = re.compile(rf"\b\d+-[{_UPPER}]\w*(?:[-/]\w+)*|\b[{_UPPER}]\w*(?:\s+[{_UPPER}]\w*)*")
_BEFORE_YEAR = re.compile(r"(?:\b(?:năm|nam|quý|quy|giai đoạn|giai doan)\s+|\d\s*[/-]\s*)$", re.IGNORECASE)
_YEAR_PHRASE = re.compile(
    rf"(?:\b(?:năm|nam|giai đoạn|giai doan)\s+)?(?:{_YEAR.pattern}\s*[-–]\s*)?{_YEAR.pattern}", re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\w.,/-])\d+(?![\w/-]|[.,]\d)")
_COUNTED = re.compile(r"\b(?:mấy|bao nhiêu|may|bao nhieu) (\w+)")


class Kind(StrEnum):
    """What sort of answer a question wants. The order is that of `question_words.toml`."""

    LIST = "list"
    DAY = "day"
    PERIOD = "period"
    QUANTITY = "quantity"
    TIME = "time"
    PLACE = "place"
    PERSON = "person"
    REASON = "reason"
    MANNER = "manner"
    DEFINITION = "definition"
    THING = "thing"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it was understood.

    `text` is what was typed, cleaned; `search_text` what is searched for: with accents where they could be restored,
    and with the questions before it where it is a follow-up. `accented` tells whether all of it was typed with
    accents; otherwise its words are compared folded, as a restored accent may be wrong. `readable` tells whether
    `search_text` has accents now: vectors of a text without them are noise. `content` are its distinct words that say
    what it is about, in match form (folded if not accented), in order. `years` are the years it names, `names` the
    syllables of each name and document number in it that can be told by its capitals, and its other numbers. `unit` is
    what is counted ("mấy nhóm": nhóm), "" if nothing is.
    """

    text: str
    search_text: str
    accented: bool
    readable: bool
    kind: Kind
    terms: Terms
    content: tuple[str, ...]
    years: frozenset[str]
    names: tuple[tuple[str, ...], ...]
    unit: str

    def form(self, text: str) -> list[str]:
        """The syllables of `text` in the form in which `content` is to be compared with them."""
        return [term if self.accented else strip_accents(term) for term in syllables(text)]


Restore = Callable[[str], str]
"""Gives a text that was typed without accents its accents, as far as it can."""


def _as_typed(text: str) -> str:
    return text


def understand(text: str, history: Sequence[Turn] = (), restore: Restore = _as_typed) -> Question:
    """Read a question, with the questions before it if it leans on them.

    Raises:
        QuestionError: it is empty, has no words, or is too long. The message is for the person who asks.
    """
    cleaned = _checked(text)
    leans = _leans(cleaned, accented=typed_with_accents(cleaned))
    asked = [*_questions_before(history), cleaned] if leans else [cleaned]
    accented = all(map(typed_with_accents, asked))
    written = [question if typed_with_accents(question) else restore(question) for question in asked]
    *before, now = _with_latest_years(written)
    search_text = " ".join([*before, now])
    readable = has_accents(search_text)
    searched, kind = _ask_words(now, accented=readable)
    if before:
        topic, kind_before = _ask_words(" ".join(before), accented=readable)
        searched, kind = f"{topic} {searched}", kind_before if kind == Kind.OPEN else kind
    counted = _COUNTED.search(match_form(now) if readable else fold(now))
    found = terms(searched)
    # Without accents "chị" and "chỉ" are one word: no list of words to pass over could be right.
    stop = _stopwords() if readable else frozenset()
    form = match_form if accented else fold
    content = tuple(dict.fromkeys(form(term) for term in found["syllables"] if term not in stop))
    return Question(
        text=cleaned,
        search_text=search_text,
        accented=accented,
        readable=readable,
        kind=kind,
        terms=found,
        content=content or tuple(dict.fromkeys(map(form, found["syllables"]))),
        years=_years(search_text),
        # Each by itself: the capital that a follow-up begins with is no name.
        names=tuple(dict.fromkeys(name for question in asked for name in _names(question, accented=accented))),
        unit=form(counted.group(1)) if counted and kind == Kind.QUANTITY else "",
    )


def _with_latest_years(questions: Sequence[str]) -> list[str]:
    """`questions` without the years that a later one replaces: "còn năm 2022?" asks of no other year."""
    kept = list(questions)
    for at, question in enumerate(questions):
        if _years(question):
            kept[:at] = [" ".join(_YEAR_PHRASE.sub(" ", earlier).split()) for earlier in kept[:at]]
    return kept


def _checked(text: str) -> str:
    cleaned = " ".join(clean(text).split())
    if not cleaned:
        raise QuestionError("Câu hỏi đang trống: hãy gõ điều bạn muốn biết.")
    if len(cleaned) > MAX_CHARS:
        raise QuestionError(
            f"Câu hỏi dài {len(cleaned)} ký tự, giới hạn là {MAX_CHARS}: hãy rút gọn, mỗi lần hỏi một ý."
        )
    if sum(c.isalnum() for c in cleaned) < 2:
        raise QuestionError("Câu hỏi chưa có từ nào để tìm: hãy gõ một câu hoặc vài từ khóa.")
    return cleaned


def _years(text: str) -> frozenset[str]:
    """The years in `text`: "năm 2022", "2/4/2024", "2021-2025", "hội nghị 2024 có"; not "2000 doanh nghiệp"."""
    return frozenset(m.group() for m in _YEAR.finditer(text) if _is_year(text, m))


def _is_year(text: str, number: re.Match[str]) -> bool:
    if _BEFORE_YEAR.search(text, 0, number.start()):
        return True
    following = re.match(r"\s+(\w+)", text[number.end() :])
    return following is None or fold(following.group(1)) not in _counted()


def _names(text: str, *, accented: bool) -> tuple[tuple[str, ...], ...]:
    """Names ("Hà Tĩnh"), initials ("FDI"), document numbers ("15-CT/TW") and numbers, each as its syllables.

    A capital at the beginning of the question tells nothing, and neither does one where all are capitals.
    """
    found = [m.group() for m in _NUMBER.finditer(text) if m.group() not in _years(text)]
    if not text.isupper():
        capitals = _NAME.finditer(text)
        found += [m.group() for m in capitals if m.start() > 0 or m.group().isupper() or " " in m.group()]
    form = match_form if accented else fold
    return tuple(dict.fromkeys(tuple(form(word) for word in re.findall(r"[^\W_]+", name)) for name in found))


def _questions_before(history: Sequence[Turn]) -> list[str]:
    """The question before, and those before it as far back as each leans on another; oldest first."""
    run: list[str] = []
    for turn in reversed(history):
        asked = " ".join(clean(turn.text).split())[:MAX_CHARS]
        if turn.role != "user" or not asked:
            continue
        run.insert(0, asked)
        if len(run) == _MAX_BEFORE or not _leans(asked, accented=typed_with_accents(asked)):
            break
    return run


def _leans(text: str, *, accented: bool) -> bool:
    """Whether a question cannot be understood without the one before: "còn năm 2022?", "ông ấy là ai?"."""
    opening, anywhere, other = _follow_up(accented=accented)
    # What only looks like one of them is put out of sight.
    rest = other.sub("-", match_form(text) if accented else fold(text))
    return bool(opening.match(rest) or anywhere.search(rest))


@cache
def _follow_up(*, accented: bool) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """What a follow-up opens with, what it holds anywhere, and what is neither though it begins alike."""
    form = match_form if accented else fold
    phrases = [form(phrase) for phrase in lines("follow_up.txt")]
    opening, other = ([p[1:] for p in phrases if p.startswith(sign)] for sign in "^!")
    return _any_of(opening), _any_of([p for p in phrases if p[0] not in "^!"]), _any_of(other)


def _ask_words(text: str, *, accented: bool) -> tuple[str, Kind]:
    """`text` without the phrases that only ask, and the kind of answer that they ask for."""
    form = match_form(text) if accented else fold(text)
    kinds, asking = _patterns(accented=accented)
    kind = next((kind for kind, pattern in kinds if pattern.search(form)), Kind.OPEN)
    rest = asking.sub(" ", form)
    # A question that consists of nothing else keeps its words.
    return (rest if re.search(r"\w", rest) else form), kind


@cache
def _patterns(*, accented: bool) -> tuple[Sequence[tuple[Kind, re.Pattern[str]]], re.Pattern[str]]:
    """Kinds with what they are known by, in the order in which they are to be tried; and everything that only asks."""
    table = tomllib.loads(read("question_words.toml"))
    form = match_form if accented else fold
    phrases = {kind: [form(phrase) for phrase in table[kind]["phrases"]] for kind in Kind if kind != Kind.OPEN}
    numbered = [form(word) for word in table["numbered"]]
    known = [(kind, [p for p in found if "#" not in p]) for kind, found in phrases.items()]
    # "Ba mục tiêu là gì?" wants a list; "7 nhóm được nêu khi nào?" and "Chỉ thị 15 có từ khi nào?" want a time.
    known.insert(-1, (Kind.LIST, [p for p in phrases[Kind.LIST] if "#" in p]))
    plain = [phrase for _, found in known for phrase in found if not {"*", "#"} & set(phrase)]
    return [(kind, _any_of(found, numbered)) for kind, found in known], _any_of(plain)


def _any_of(phrases: Sequence[str], numbered: Sequence[str] = ()) -> re.Pattern[str]:
    """Any of `phrases` as whole words, the longest first; "*" is some words, "#" a number not after a `numbered`."""
    number = r"(?:\d{1,2}|hai|ba|bốn|bon|sáu|bảy|tám|chín|mười)"
    name = "".join(rf"(?<!\b{re.escape(word)} )" for word in numbered)
    wild = {re.escape("*"): r"\w+(?: \w+){0,11}?", re.escape("#"): rf"(?<![/.,-]){name}{number}"}
    ordered = [re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True)]
    for sign, meaning in wild.items():
        ordered = [phrase.replace(sign, meaning) for phrase in ordered]
    return re.compile(rf"\b(?:{'|'.join(ordered)})\b")


@cache
def _counted() -> frozenset[str]:
    return frozenset(map(fold, lines("counted.txt")))


@cache
def _stopwords() -> frozenset[str]:
    return frozenset(match_form(word) for word in lines("stopwords.txt"))
