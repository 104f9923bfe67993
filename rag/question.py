"""Understanding a question, step by step: what is meant, what is asked for, and what must hold of the answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache

from rag.errors import QuestionError
from rag.schema import Turn
from rag.steps import NOTHING, Step
from rag.understanding.constraints import Constraints, constraints, form
from rag.understanding.equivalents import Counts, Equivalent, Phrase, equivalents, unsaid, write_out
from rag.understanding.followups import (
    MAX_CHARS,
    Resolved,
    list_before,
    only_points,
    resolve,
    without_pointers,
    without_replaced,
)
from rag.understanding.kinds import Kind, ask_words, asks_for_credits, counted, opening_kind, which_item
from rag.understanding.rewording import plainly_asked, without_politeness, without_source
from rag.understanding.splitting import Split, splits
from rag.vietnamese.data import lines
from rag.vietnamese.normalize import clean, fold, has_accents, match_form, strip_accents, typed_with_accents
from rag.vietnamese.terms import Terms, terms

__all__ = ["MAX_CHARS", "Helps", "Kind", "Question", "understand"]

# How much a word of an earlier question counts, beside 1 for a word of the question itself.
INHERITED = 0.4
_EMPTY, _BARE, _FULL, _FULL_FIRST = 1, 2, 7, 4  # words


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it was understood.

    `text` is what was typed, cleaned; `search_text` what is searched for: mended, written out, and followed by the
    questions that it leans on. `asked` is the same in plain words, without what it calls its `source` ("của Hoài Anh"
    in "theo bài của Hoài Anh": "" if it calls none so). `trace` holds each step that changed it, and the question
    after that step. `accented` tells whether all of it has accents, typed or given back; otherwise its words are
    compared folded. `readable` tells whether `search_text` has accents now: vectors of a text without
    them are noise. `content` are its distinct words that say what it is about, in match form (folded if not accented),
    in order, `inherited` those that only the earlier questions hold. `terms` are its own, `terms_before` those of the
    earlier questions. `equivalents` are other ways to say it. `unit` is what is counted ("mấy nhóm": nhóm), "" if
    nothing is. `ways` are the ways to take it for several questions in one, the likeliest first; `is_part` is true of
    those. `unsaid` are abbreviations of what the corpus never names. `item` is which item of a list is asked for, from
    1 (-1 is the last, 0 none). `rewords` tells whether the reader is asked in the words of the sentences.
    `asks_credits` is true of a question after who wrote an article, or when it came out.
    """

    text: str
    search_text: str
    asked: str
    source: str
    trace: tuple[tuple[str, str], ...]
    accented: bool
    readable: bool
    kind: Kind
    terms: Terms = field(hash=False)
    terms_before: Terms = field(hash=False)
    content: tuple[str, ...]
    inherited: frozenset[str]
    constraints: Constraints
    equivalents: tuple[Equivalent, ...]
    unit: str
    ways: tuple[Way, ...] = ()
    is_part: bool = False
    unsaid: tuple[str, ...] = ()
    asks_credits: bool = False
    item: int = 0
    rewords: bool = True

    def form(self, text: str) -> Phrase:
        """The syllables of `text` in the form in which `content` is to be compared with them."""
        return form(text, accented=self.accented)

    def read(self, text: str) -> Phrase:
        """The syllables of `text` as `form` gives them, and after them what else it says by `equivalents`."""
        words = self.form(text)
        joined = f" {' '.join(words)} "
        for equivalent in self.equivalents:
            if f" {_written(equivalent.other, accented=self.accented)} " in joined:
                words = (*words, "", *_written(equivalent.phrase, accented=self.accented).split())
        return words

    def weight(self, word: str) -> float:
        """How much a word of `content` counts, beside its rarity."""
        is_bare = len(self.content) - len(self.inherited) <= _BARE  # it only points: "còn năm 2022?"
        return INHERITED if word in self.inherited and not is_bare else 1.0


@lru_cache(maxsize=4_096)
def _written(phrase: Phrase, *, accented: bool) -> str:
    written = " ".join(phrase)
    return written if accented else strip_accents(written)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to take a question for several. It `is_sure` to ask for several; otherwise only the evidence can tell."""

    parts: tuple[Question, ...]
    is_sure: bool


Mend = Callable[..., str]
"""Mends the spelling of a text: see `rag.understanding.spelling.Speller.restore`."""


def _as_typed(text: str, *, accents: bool = True, typos: bool = True) -> str:  # the form of `Mend`
    return text


def _never(pairs: Sequence[str]) -> Sequence[int]:
    return [0] * len(pairs)


@dataclass(frozen=True, slots=True)
class Helps:
    """What the corpus knows of its own language: how its words are written, and which abbreviations it explains."""

    mend: Mend = _as_typed
    defined: Mapping[str, str] = field(default_factory=dict)
    counts: Counts = _never


def understand(
    text: str,
    history: Sequence[Turn] = (),
    helps: Helps | None = None,
    without: Collection[Step] = NOTHING,
    alone: str = "",
) -> Question:
    """Read a question, with the turns before it if it leans on them. Steps in `without` are left out.

    `alone` is the question as a language model wrote it out: then it leans on nothing.

    Raises:
        QuestionError: it is empty, has no words, or is too long. The message is for the person who asks.
    """
    helps = helps or Helps()
    trace: list[tuple[str, str]] = []
    cleaned = _checked(text)

    def step(name: Step, before: str, after: str) -> str:
        if after != before:
            trace.append((name.value, after))
        return after

    def mended(said: str) -> str:
        return helps.mend(said, accents=Step.ACCENTS not in without, typos=Step.TYPOS not in without)

    now = mended(cleaned)
    step(Step.ACCENTS if fold(now) == fold(cleaned) else Step.TYPOS, cleaned, now)
    resolved = Resolved(alone) if alone else resolve(now, () if Step.FOLLOW_UPS in without else history)
    now = step(Step.FOLLOW_UPS, now, resolved.now)
    before = list(map(mended, resolved.before))
    accented = all(map(typed_with_accents, (now, *before)))
    readable = has_accents(" ".join([now, *before]))
    never: tuple[str, ...] = ()
    if Step.ABBREVIATIONS not in without:
        never = unsaid(now, helps.defined, helps.counts) if helps.counts is not _never else ()
        now = step(Step.ABBREVIATIONS, now, write_out(now, helps.defined, helps.counts))
        before = [write_out(question, helps.defined, helps.counts) for question in before]
    *before, now = without_replaced([*before, now])
    if before:
        step(Step.FOLLOW_UPS, now, " ".join([now, *before]))

    read = _Read(cleaned, tuple(trace), accented, readable, helps.defined, frozenset(without), never)

    whole = _build(now, before, None, read)
    step(Step.REWORDING, whole.search_text, whole.asked)
    whole = replace(whole, trace=tuple(trace))
    if Step.PARTS in without:
        return whole
    return replace(whole, ways=tuple(_way(split, before, whole.kind, read) for split in splits(now)))


@dataclass(frozen=True, slots=True)
class _Read:
    """What was told of a question before it was taken apart; see `Question`."""

    text: str
    trace: tuple[tuple[str, str], ...]
    accented: bool
    readable: bool
    defined: Mapping[str, str]
    without: frozenset[Step]
    unsaid: tuple[str, ...]


def _way(split: Split, before: Sequence[str], kind: Kind, read: _Read) -> Way:
    """The parts of `split` as questions. One that names nothing and does not say much is about what the other names."""
    left, right = split.parts
    named = [constraints(part, accented=read.accented) for part in split.parts]
    # The first seldom leaves out what only the second says; a second that hardly says anything is about the first.
    leans = [
        split.is_sure
        and not split.is_whole
        and bool(other.named or _words_of(part, read) <= (_BARE if other.years else _EMPTY if part is right else -1))
        and not (own.named or own.years or _words_of(part, read) > full)
        for part, own, other, full in zip(split.parts, named, reversed(named), (_FULL_FIRST, _FULL), strict=True)
    ]
    # Each part asks for one thing, though together they ask for several.
    kind = Kind.OPEN if split.is_of_difference else Kind.THING if kind == Kind.LIST else kind
    built = (
        _build(left, [*before, right] if leans[0] else before, kind, read),
        _build(right, [*before, left] if leans[1] else before, kind, read),
    )
    return Way(tuple(replace(part, is_part=True) for part in built), split.is_sure)


def _words_of(part: str, read: _Read) -> int:
    """How many words of a part of a question say what it is about."""
    searched, _ = ask_words(part, accented=read.readable)
    return len(_content(terms(searched), accented=read.accented, readable=read.readable))


def _build(now: str, before: Sequence[str], kind: Kind | None, read: _Read) -> Question:
    """The question `now`, mended and written out, after the questions `before`; of `kind` if it tells none itself."""
    item, now = which_item(now)
    before = [which_item(question)[1] for question in before]
    if item and only_points(now, before):
        now, before = list_before(now, before)
    accented, readable, without = read.accented, read.readable, read.without
    whole = " ".join([now, *before])
    searched, own_kind = ask_words(without_pointers(now) if before else now, accented=readable)
    topic, kind_before = ask_words(" ".join(before), accented=readable) if before else ("", Kind.OPEN)
    if own_kind == Kind.OPEN and accented:
        own_kind = opening_kind(now)
    if own_kind == Kind.OPEN:
        own_kind = kind or kind_before
    own, inherited = terms(searched), terms(topic)
    content = _content(own, accented=accented, readable=readable)
    of_topic = _content(inherited, accented=accented, readable=readable) if topic else ()
    own_kind = Kind.LIST if item else own_kind
    unit = counted(now, accented=readable) if own_kind == Kind.QUANTITY else ""
    known = Step.ABBREVIATIONS not in without
    rewords = Step.REWORDING not in without
    plain, source = without_source(without_politeness(now))
    asked = plainly_asked(" ".join([plain, *(without_source(question)[0] for question in before)]))
    return Question(
        text=read.text,
        search_text=whole,
        asked=asked if rewords else whole,
        source=source if rewords else "",
        trace=read.trace,
        accented=accented,
        readable=readable,
        kind=Kind.OPEN if Step.KINDS in without else own_kind,
        terms=own,
        terms_before=inherited,
        content=tuple(dict.fromkeys((*content, *of_topic))),
        inherited=frozenset(of_topic) - frozenset(content),
        constraints=Constraints() if Step.CONSTRAINTS in without else _named(now, before, accented=accented),
        equivalents=equivalents(whole, read.defined, synonyms=Step.SYNONYMS not in without) if known else (),
        unit=match_form(unit) if accented else fold(unit),
        item=item,
        rewords=rewords,
        unsaid=read.unsaid,
        asks_credits=asks_for_credits(now, whole, accented=accented),
    )


def _named(now: str, before: Sequence[str], *, accented: bool) -> Constraints:
    """The constraints of a question; what only the questions before it name need not be said again."""
    own, topic = (constraints(text, accented=accented) for text in (now, " ".join(before)))
    inherited = tuple(replace(named, is_firm=False, sort="") for named in topic.named if named not in own.named)
    return replace(own, years=own.years | topic.years, named=(*own.named, *inherited))


def _content(found: Terms, *, accented: bool, readable: bool) -> tuple[str, ...]:
    """The words that say what a text is about; all its words if it says nothing else."""
    # Without accents "chị" and "chỉ" are one word: no list of words to pass over could be right.
    stop = _stopwords() if readable else frozenset()
    word = match_form if accented else fold
    content = tuple(dict.fromkeys(word(term) for term in found["syllables"] if term not in stop))
    return content or tuple(dict.fromkeys(map(word, found["syllables"])))


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


@cache
def _stopwords() -> frozenset[str]:
    return frozenset(match_form(word) for word in lines("stopwords.txt"))
