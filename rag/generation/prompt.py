"""What a model is given to read: what to do, then numbered passages as data, then the question.

What stays the same from question to question comes first, so that a server that keeps what it has read reads it once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise

from rag.evidence import Evidence
from rag.generation.speech import Message
from rag.generation.verify import is_directive
from rag.schema import Passage, Span, Turn
from rag.vietnamese.normalize import clean

_PASSAGES = 8
_FOR_THE_ANSWER = 400  # tokens
# Of Vietnamese, by the vocabularies of the models of today, a token is two to three characters.
_CHARACTERS = 2
_AROUND = 120  # characters beside a passage's own: its number, its delimiters
_TURNS = 6
_TURN_CHARACTERS = 600
# What delimits data, what a chat template could take for its own, and what would pass for a marker of ours.
_SIGNS = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")", "{": "(", "}": ")", "`": "'", "|": "/"})
_ROLE = re.compile(r"^\s*(system|assistant|user|human|hệ thống|trợ lý|người dùng)\s*:", re.IGNORECASE | re.MULTILINE)


def answer_messages(question: str, passages: Sequence[Passage], texts: Sequence[str]) -> list[Message]:
    """Asks to answer `question` from `passages`, of each of which `texts` holds what is to be read."""
    data = "\n\n".join(
        _passage(number, p, text) for number, (p, text) in enumerate(zip(passages, texts, strict=True), 1)
    )
    return [("system", _prompt("answer")), ("human", f"{data}\n\nCâu hỏi: {inert(question)}\n\nTrả lời:")]


def condense_messages(question: str, history: Sequence[Turn]) -> list[Message]:
    """Asks to write `question` out with what it leaves to `history`."""
    names = {"user": "Người hỏi", "assistant": "Trả lời"}
    turns = (f"{names.get(turn.role, 'Khác')}: {inert(turn.text)[:_TURN_CHARACTERS]}" for turn in history[-_TURNS:])
    said = "\n".join(turns)
    return [
        ("system", _prompt("condense")),
        ("human", f"<trò chuyện>\n{said}\n</trò chuyện>\n\nCâu hỏi cuối: {inert(question)}\n\nCâu hỏi đầy đủ:"),
    ]


def fitted(question: str, evidence: Sequence[Evidence], context: int) -> tuple[list[Passage], list[str]]:
    """The passages of `evidence`, best first, and of each the whole sentences for which there is room.

    `context` are the tokens that there are for everything. Of a passage that does not fit as a whole, the sentences
    around its best one are taken.
    """
    room = (context - _FOR_THE_ANSWER) * _CHARACTERS - len(_prompt("answer")) - len(question)
    best: dict[str, Evidence] = {}
    for e in evidence:
        best.setdefault(e.passage.chunk.id, e)
    passages: list[Passage] = []
    texts: list[str] = []
    for e in best.values():
        head = _AROUND + len(e.passage.article.title)
        if text := _sentences(e.passage, e.span, room - head):
            room -= head + len(text)
            passages.append(e.passage)
            texts.append(text)
        if len(passages) == _PASSAGES:
            break
    return passages, texts


def _sentences(passage: Passage, best: Span, room: int) -> str:
    """As many whole statements of `passage` around `best` as `room` characters hold, but for those of an attacker."""
    text, spans = passage.article.text, list(passage.chunk.sentences)
    first = last = spans.index(best)
    if best[1] - best[0] > room or is_directive(text[slice(*best)]):
        return ""
    while True:
        if last + 1 < len(spans) and spans[last + 1][1] - spans[first][0] <= room:
            last += 1
        elif first > 0 and spans[last][1] - spans[first - 1][0] <= room:
            first -= 1
        else:
            break
    kept = [span for span in spans[first : last + 1] if not is_directive(text[slice(*span)])]
    between = ["\n" if "\n" in text[a[1] : b[0]] else " " for a, b in pairwise(kept)]
    return "".join(text[slice(*span)] + gap for span, gap in zip(kept, [*between, ""], strict=False))


def _passage(number: int, passage: Passage, text: str) -> str:
    article = passage.article
    title = "" if is_directive(article.title) else inert(article.title)
    day = f" | ngày {article.published:%d/%m/%Y}" if article.published else ""
    return f"<đoạn {number} | {title}{day}>\n{inert(text)}\n</đoạn {number}>"


def inert(text: str) -> str:
    """`text` as data: nothing in it can pass for a delimiter, a marker, a turn or a sign of a chat template."""
    return _ROLE.sub(r"\1 -", clean(text).translate(_SIGNS)).strip()


@cache
def _prompt(name: str) -> str:
    return files("rag.generation").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8").strip()
