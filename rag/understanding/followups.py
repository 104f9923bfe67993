"""What a follow-up leaves out, taken from the turns before it: "còn năm 2022?", "ông ấy giữ chức gì?"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from rag.schema import Turn
from rag.understanding.constraints import UPPER, names_place, without_places
from rag.understanding.dates import names_day, without_days, without_years, years
from rag.understanding.kinds import Kind, any_of, ask_words, which_item, without_asking
from rag.understanding.pronouns import POINTING, filled_in, named_in, points, without, without_person
from rag.vietnamese.data import lines
from rag.vietnamese.normalize import clean, fold, match_form, strip_accents, typed_with_accents
from rag.vietnamese.terms import syllables

MAX_CHARS = 2000
# How far back a follow-up to a follow-up is read.
_MAX_BEFORE = 4
_LEAST = 3  # syllables of what is left to ask
# What only leaves the topic before: "thôi bỏ qua Hà Tĩnh, ...", "hỏi sang việc khác: ...".
_ASIDE = re.compile(
    r"^(?:(?:thôi|à|ừ|ờ|ok|rồi|vâng)[\s,]+)*"
    r"(?:(?:(?:tạm|hãy)\s+)?(?:bỏ qua|khoan nói|không nói|gác lại)\b[^,:;?]{1,40}[,:;]"
    r"|(?:cho\s+)?(?:(?:tôi|em|mình)\s+)?(?:hỏi|chuyển|quay)\s+(?:sang\s+)?"
    r"(?:việc|chuyện|vấn đề|chủ đề|ý)\s+khác\s*[,:;.])\s*",
    re.IGNORECASE,
)
_THING = re.compile(
    rf"\b(hội nghị|chỉ thị|nghị quyết|nghị định|kế hoạch|chương trình|phiên họp|văn bản|hiệp định|quyết định|thông tư|"
    rf"luật|tỉnh|thành phố|nước|bộ|sở|công ty|tổ chức|dự án|chi thi|nghi quyet|nghi dinh|ke hoach|hoi nghi|phien hop|"
    rf"tinh|thanh pho|nuoc)\s+{POINTING}\b",
    re.IGNORECASE,
)
# "các mục tiêu đó", "hai cái này"; without accents "do" and "nay" are too many other words.
_POINTED_AT = re.compile(
    r"\b(?:các|những|mấy|hai|ba|bốn|\d)\s+(?:\w+\s+){1,3}?"
    r"(?<!trong )(?<!sau )(?<!từ )(?:này|đó|ấy|kia|vừa nêu|nói trên|nêu trên|kể trên)\b"
)
_CAPITALISED = f"[{UPPER}]\\w*"
# How far something reaches, which is said as a place is.
_REACH = re.compile(
    r"(?:\b(?:trên|trong|ở|của|tren|o|cua)\s+)?\b(?:thế giới|toàn cầu|cả nước|toàn quốc|the gioi|toan cau|ca nuoc)\b",
    re.IGNORECASE,
)
_SPEAKING = re.compile(r"\s*\[\d+\]")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A question with what it points to filled in (`now`), and the questions that it leans on, oldest first."""

    now: str
    before: tuple[str, ...] = ()


def resolve(text: str, history: Sequence[Turn]) -> Resolved:
    """`text` with what it leans on; alone if it is complete."""
    text = _without_aside(text) if history else text
    if not history or not (leans(text) or _repeats(text, history)):
        return Resolved(text)
    said = [_SPEAKING.sub("", " ".join(clean(turn.text).split()))[:MAX_CHARS] for turn in reversed(history)]
    now = _THING.sub(lambda m: _thing(m, said), filled_in(text, said))
    return Resolved(now, tuple(_questions_before(history)))


def leans(text: str) -> bool:
    """Whether a question cannot be understood without the one before: "còn năm 2022?", "ông ấy là ai?", "ai ký?"."""
    accented = typed_with_accents(text)
    opening, anywhere, other = _phrases(accented=accented)
    # What only looks like one of them is put out of sight.
    rest = other.sub("-", match_form(text) if accented else fold(text))
    does_point = (
        opening.match(rest)
        or _points_at_item(text)
        or points(rest)
        or any(p.search(rest) for p in (anywhere, _POINTED_AT))
    )
    return bool(does_point) or _is_bare(text)


def _points_at_item(text: str) -> bool:
    """Whether a question asks for an item of a list and names none: "mục tiêu thứ hai là gì?"."""
    item, _ = which_item(text)
    return bool(item) and not _names_something(text)


def _repeats(text: str, history: Sequence[Turn]) -> bool:
    """Whether a question names nothing of its own and all that it is about was said just before: "gồm những mục tiêu
    nào?" after three aims were told of.
    """
    accented = typed_with_accents(text)
    if _names_something(text):
        return False
    form = match_form if accented else fold
    said = set(syllables(form(" ".join(clean(turn.text) for turn in history[-2:]))))
    about = set(syllables(ask_words(text, accented=accented)[0])) - set(map(form, lines("stopwords.txt")))
    return bool(about) and about <= said


def _is_bare(text: str) -> bool:
    """Whether a question leaves out what it asks about: "ai chủ trì?", "tăng mấy phần trăm?"."""
    if _names_something(text):
        return False
    if len(syllables(text)) <= _LEAST:  # "chức vụ?", "cái thứ hai?"
        return True
    accented = typed_with_accents(text)
    said, other = _predicates(accented=accented)
    rest = said.sub(" ", other.sub(" x ", without_asking(text, accented=accented)))
    # Without accents a word that tells nothing may be any other.
    return set(syllables(rest)) <= (set(map(match_form, lines("stopwords.txt"))) if accented else set())


def list_before(text: str, before: Sequence[str]) -> tuple[str, list[str]]:
    """The last of the questions `before` that asked for several things, for `text`, and those before it; `text` and all
    of them if there is none.
    """
    for at in reversed(range(len(before))):
        if ask_words(before[at], accented=True)[1] in (Kind.LIST, Kind.QUANTITY):
            return before[at], list(before[:at])
    return text, list(before)


def only_points(text: str, before: Sequence[str]) -> bool:
    """Whether `text` asks what something is, and says nothing that the questions `before` do not: "nhóm nói về gì?"."""
    if ask_words(text, accented=True)[1] not in (Kind.OPEN, Kind.THING, Kind.LIST, Kind.DEFINITION):
        return False
    said, other = _predicates(accented=True)
    rest = said.sub(" ", other.sub(" x ", without_asking(without_pointers(text), accented=True)))
    known = map(match_form, (*lines("stopwords.txt"), *syllables(" ".join(before))))
    return not _names_something(text) and set(syllables(rest)) <= set(known)


def _names_something(text: str) -> bool:
    """Whether a question names a year, a place, or whatever has a capital or a number."""
    return bool(years(text) or names_place(text) or re.search(rf"(?<!^)\b[{UPPER}\d]", text))


def without_pointers(text: str) -> str:
    """`text` without the words that only point to what was said ("thế", "con số này"); itself if it is nothing else."""
    opening, anywhere, other = _phrases(accented=typed_with_accents(text))
    form = match_form(text) if typed_with_accents(text) else fold(text)
    kept = {m.span() for m in other.finditer(form)}
    pointers = [m for m in (opening.match(form), *anywhere.finditer(form)) if m and not _inside(m.span(), kept)]
    rest = text
    for m in sorted(pointers, key=lambda m: -m.start()):
        rest = rest[: m.start()] + rest[m.end() :]
    return rest if re.search(r"\w", rest) else text


def _inside(span: tuple[int, int], others: set[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)


def without_replaced(questions: Sequence[str]) -> list[str]:
    """`questions` without the years, days, places and people that a later one replaces: "còn năm 2022?", "thế còn ông
    Sơn?" ask of no other.
    """
    kept = list(questions)
    for at, question in enumerate(questions):
        if names_day(question):
            kept[:at] = map(without_days, kept[:at])
        if years(question):
            kept[:at] = map(without_years, kept[:at])
        if names_place(question) or _REACH.search(question):
            kept[:at] = (_REACH.sub(" ", without_places(one)) for one in kept[:at])
        if _is_of_person(question):
            kept[:at] = map(without_person, kept[:at])
    return kept


def _is_of_person(question: str) -> bool:
    """Whether a question says nothing but whom it is about: "thế còn ông Sơn?"."""
    text = without_pointers(question)
    people = named_in(text)
    rest = without_asking(without(text, people), accented=True)
    return bool(people) and set(syllables(rest)) <= set(map(match_form, lines("stopwords.txt")))


def _questions_before(history: Sequence[Turn]) -> list[str]:
    """The question before, and those before it as far back as each leans on another; oldest first."""
    run: list[str] = []
    for turn in reversed(history):
        asked = " ".join(clean(turn.text).split())[:MAX_CHARS]
        if turn.role != "user" or not asked:
            continue
        run.insert(0, asked)
        if len(run) == _MAX_BEFORE or not leans(asked):
            break
    return run


def _without_aside(text: str) -> str:
    rest = _ASIDE.sub("", text)
    return rest if len(syllables(rest)) >= _LEAST else text


def _thing(pointed: re.Match[str], said: Sequence[str]) -> str:
    """What "chỉ thị này" is: "Chỉ thị số 15-CT/TW", from the turn that named it last; itself if none did."""
    noun = re.escape(strip_accents(pointed.group(1)))
    named = re.compile(
        rf"\b{noun}\s+(?:(?:[^\W\d_]+\s+){{0,5}}?\d\S*|(?-i:{_CAPITALISED})(?:\s+(?-i:{_CAPITALISED}))*)",
        re.IGNORECASE,
    )
    for text in said:
        if found := named.search(strip_accents(text)):
            return text[slice(*found.span())].rstrip(".,;:?!")
    return pointed.group()


@cache
def _phrases(*, accented: bool) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """What a follow-up opens with, what it holds anywhere, and what is neither though it begins alike."""
    form = match_form if accented else fold
    phrases = [form(phrase) for phrase in lines("follow_up.txt")]
    opening, other = ([p[1:] for p in phrases if p.startswith(sign)] for sign in "^!")
    return any_of(opening), any_of([p for p in phrases if p[0] not in "^!"]), any_of(other)


@cache
def _predicates(*, accented: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What is said of something, and says nothing without it; and what only looks alike. Without accents one syllable
    may be any word.
    """
    form = match_form if accented else fold
    listed = [form(line) for line in lines("predicates.txt") if accented or " " in line]
    return any_of([p for p in listed if p[0] != "!"]), any_of([p[1:] for p in listed if p[0] == "!"])
