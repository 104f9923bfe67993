"""Whether a model's sentence may be shown: which words of which passage carry it, or why none do.

Pure functions. Nothing of what a model says is believed: not its markers, which only say where to look first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from rag.evidence import Evidence
from rag.generation import Draft
from rag.generation.cutting import Sentence
from rag.generation.facts import Source, lacking, numbers
from rag.question import Question
from rag.schema import Passage, Span
from rag.understanding.constraints import constraints, form, holds
from rag.understanding.dates import years
from rag.vietnamese.data import lines
from rag.vietnamese.normalize import fold
from rag.vietnamese.sentences import is_list_item, same_sentence

# Of the content of a sentence this much stands in the words that are quoted for it, and with what stands before them.
COVERED, COVERED_WITH_CONTEXT = 0.65, 0.8
# Of the question, by IDF, this much stands in each statement of them, or in what introduces the list of an item.
_RELEVANT, _RELEVANT_INTRODUCTION = 0.25, 0.4
_STATEMENTS = 3  # that may carry one sentence together
_MOST_WORDS = 80
_NOWHERE = "không có trong tài liệu"
_SAME = 0.85
_NEW, _KEPT = 0.2, 0.6  # of the words of a question that is written out; of the content of the one that was asked
_ADDRESS = re.compile(r"\b[a-z0-9-]{2,}\.[a-z]{2,}\b|\w@\w")
_STAGE = re.compile(r"</?[^\W\d][^<>]*>|<\||^\s*\[\d+\]")  # a tag, a chat template's sign, a marker before its text
_NO_PROSE = re.compile(
    r"https?:|www\.|\]\(|!\[|</?[a-z!|]|\|>|<\||\[/?(?:INST|SYS)|```|\{\{|javascript:", re.IGNORECASE
)


def verify(
    sentence: Sentence,
    question: Question,
    passages: Sequence[Passage],
    evidence: Sequence[Evidence],
    said: Sequence[str] = (),
) -> Draft | str:
    """The draft that shows `sentence` with the words that carry it, or the reason why it is not shown, in Vietnamese.

    `passages` are those that the model was given, in the order of their numbers; `evidence` are their sentences. `said`
    is what the answer says already.
    """
    if reason := _unfit(sentence.text, said):
        return reason
    named = [passages[n - 1] for n in sentence.markers if 0 < n <= len(passages)]
    reasons = []
    for passage in dict.fromkeys((*named, *passages)):
        found = _carrying(sentence, question, passage, evidence)
        if not isinstance(found, str):
            return Draft(f"- {sentence.text}" if sentence.is_item else sentence.text, passage, found)
        reasons.append(found)
    return next((reason for reason in reasons if reason != _NOWHERE), _NOWHERE)


def _unfit(text: str, said: Sequence[str]) -> str:
    """What is wrong with a sentence before anything is held against it."""
    words = form(text, accented=True)
    if _NO_PROSE.search(text) or _ADDRESS.search(text) or not all(map(_is_ours, text)):
        return "có liên kết, mã hoặc chữ lạ"
    if len(words) > _MOST_WORDS:
        return "quá dài"
    if not content(text) or text.endswith(":"):  # a list that is announced may not come
        return "không nói gì"
    threes = list(zip(words, words[1:], words[2:], strict=False))
    if any(threes.count(three) > 2 for three in threes):
        return "lặp đi lặp lại"
    if any(_says_the_same(text, other) for other in said):
        return "lặp lại câu trước"
    return ""


def _is_ours(character: str) -> bool:
    """Whether it may stand in Vietnamese: letters that only look like ours are no ordinary way to write it."""
    return not character.isalpha() or unicodedata.name(character, "").startswith("LATIN")


def _says_the_same(one: str, other: str) -> bool:
    a, b = content(one), content(other)
    return len(a & b) >= _SAME * min(len(a), len(b)) and set(numbers(one)) <= set(numbers(other))


def content(text: str) -> frozenset[str]:
    """The syllables of `text` that say something."""
    return frozenset(form(text, accented=True)) - _stopwords()


def _carrying(sentence: Sentence, question: Question, passage: Passage, evidence: Sequence[Evidence]) -> Span | str:
    """The shortest run of statements of `passage` that carries the sentence, or what is wrong with the nearest."""
    weighed = {e.span: e for e in evidence if e.passage.chunk.id == passage.chunk.id}
    wanted = content(sentence.text)
    nearest, reason = 0.0, _NOWHERE
    for spans in _runs(passage):
        start, end = spans[0][0], spans[-1][1]
        text = passage.article.text[start:end]
        before = passage.article.text[passage.chunk.start : start]
        source = Source(text, f"{passage.article.title}\n{passage.chunk.heading}\n{before}")
        own = len(wanted & content(text)) / len(wanted)
        held = len(wanted & (content(text) | content(source.before))) / len(wanted)
        if own < COVERED or held < COVERED_WITH_CONTEXT:
            continue
        run = [weighed[span] for span in spans if span in weighed]
        why = _unasked(sentence, question, run, weighed, evidence[0])
        if not why and (missing := lacking(sentence.text, source, sorted(question.constraints.years & years(text)))):
            why = f"đoạn được dẫn không có “{missing}”"
        if not why:
            return start, start + len(text.rstrip(" ,;:"))
        if own > nearest:
            nearest, reason = own, why
    return reason


def _runs(passage: Passage) -> Iterator[Sequence[Span]]:
    """Runs of the statements of `passage`, the short ones first; nothing in or between them is spoken to a model."""
    spans = passage.chunk.sentences
    for length in range(1, _STATEMENTS + 1):
        for at in range(len(spans) - length + 1):
            run = spans[at : at + length]
            if not any(map(is_directive, passage.article.text[run[0][0] : run[-1][1]].splitlines())):
                yield run


def _unasked(
    sentence: Sentence,
    question: Question,
    run: Sequence[Evidence],
    weighed: Mapping[Span, Evidence],
    nearest: Evidence,
) -> str:
    """Whether the words of `run` are about something else than what is asked, as `nearest`, the best evidence, is not.

    `weighed` are the statements of their passage.
    """
    if not run:
        return _NOWHERE
    text = run[0].passage.article.text[run[0].span[0] : run[-1].span[1]]

    def best(feature: str) -> float:
        return max(e.features[feature] for e in run)

    wanted, both = question.constraints, (text, sentence.text)
    of_words = years(sentence.text) or years(text)
    # Words about a year that is not asked for may stand beside the answer where the sentence says so, figures may not.
    is_other_year = bool(wanted.years and of_words) and not wanted.years & of_words
    is_year_told = (
        best("years") == 1 and years(sentence.text) and not numbers(sentence.text)
        if is_other_year
        else best("years") > 0
    )
    wrong = {
        "không nói về điều được hỏi": not _is_relevant(sentence, run, weighed),
        "nói về năm khác": not is_year_told,
        "không nói về nơi, người hoặc văn bản được hỏi": not best("firm") or best("names") < nearest.features["names"],
        "nói về điều trái với điều được hỏi": not all(
            one.is_met(f" {' '.join(question.form(said))} ") for one in wanted.opposites for said in both
        ),
    }
    return next((reason for reason, is_so in wrong.items() if is_so), "")


def _is_relevant(sentence: Sentence, run: Sequence[Evidence], weighed: Mapping[Span, Evidence]) -> bool:
    """Whether each statement of `run` bears on the question, alone or as a part of a sentence or a list that does."""
    text = run[0].passage.article.text

    def is_own(e: Evidence) -> bool:
        return e.features["coverage"] >= _RELEVANT or (sentence.is_item and _is_introduced(e, weighed))

    def is_joined(e: Evidence) -> bool:
        return any(same_sentence(text, *sorted((e.span, o.span))) for o in run if o is not e and is_own(o))

    return all(is_own(e) or is_joined(e) for e in run)


def _is_introduced(item: Evidence, weighed: Mapping[Span, Evidence]) -> bool:
    """Whether `item` stands in a list whose introduction bears on the question."""
    text, spans = item.passage.article.text, item.passage.chunk.sentences
    first = at = spans.index(item.span)
    while at > 0 and is_list_item(text, spans[at]):
        at -= 1
    intro = weighed.get(spans[at])
    return at < first and intro is not None and intro.features["coverage"] >= _RELEVANT_INTRODUCTION


def faithful(text: str, question: str, before: Sequence[str]) -> str:
    """The question that a model made of `question` and what was said `before`; "" if it is another one.

    It keeps the years, names and numbers of the question and most of what it says, and nearly all of its words have
    been said.
    """
    alone = " ".join(text.split()).strip("\"'“”*` ")
    said = f" {' '.join(form(' '.join((*before, question)), accented=False))} "
    words = form(alone, accented=False)
    new = [word for word in words if f" {word} " not in said]
    if not (alone.endswith("?") and 2 < len(words) <= _MOST_WORDS) or _NO_PROSE.search(alone) or is_directive(alone):
        return ""
    if len(new) > _NEW * len(words) or any(word[0].isdigit() for word in new):
        return ""
    joined = f" {' '.join(words)} "
    asked = constraints(question, accented=False)
    own = set(form(" ".join(content(question)), accented=False))
    if len(own & set(words)) < _KEPT * len(own):
        return ""
    kept = years(question) <= years(alone) and all(any(holds(joined, w) for w in n.ways) for n in asked.named)
    named = constraints(alone, accented=False).named
    return alone if kept and all(any(holds(said, way) for way in one.ways) for one in named) else ""


def is_directive(text: str) -> bool:
    """Whether `text` tells whoever reads it what to answer, or plays what stands around it: it is neither shown to a
    model nor carries a sentence.
    """
    return bool(_STAGE.search(text) or _directives().search(fold(text)))


@cache
def _directives() -> re.Pattern[str]:
    entries = (fold(line).split(" ... ") for line in lines("directives.txt"))
    ways = (
        r"\W+(?:\w+\W+){0,5}?".join(r"\W+".join(map(re.escape, part.split())) for part in parts) for parts in entries
    )
    return re.compile("|".join(rf"(?<!\w){way}(?!\w)" for way in ways))


@cache
def _stopwords() -> frozenset[str]:
    return frozenset(word for line in lines("stopwords.txt") for word in form(line, accented=True))
