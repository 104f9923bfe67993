"""Two questions in one: "A và B lần lượt là bao nhiêu?", "so năm 2022 với năm 2024"."""

from __future__ import annotations

import re

from rag.understanding.constraints import YEAR_PHRASE, years
from rag.vietnamese.terms import syllables

_AND = re.compile(r"\s*(?:[,;]\s*)?\b(?:và|so với|với|còn|cùng với)\b\s+|\s*;\s*", re.IGNORECASE)
_COMPARING = re.compile(r"^\s*(?:hãy\s+)?so(?:\s+sánh)?\b\s*", re.IGNORECASE)
# What opens the second part when it shares the beginning of the first: "ở Hà Tĩnh và ở Lạng Sơn".
_SHARING = re.compile(r"(ở|tại|trong|của|về|năm|từ)\b", re.IGNORECASE)
_LEAST = 2  # syllables of a part
_MOST = 3  # ways to be tried: each costs two searches


def splits(text: str) -> list[tuple[str, str]]:
    """The ways to part `text` in two, the likeliest first; none if it joins nothing."""
    ways, of_years = [], []
    found = list(YEAR_PHRASE.finditer(text))
    if len(found) == 2 and len(years(text)) == 2 and _AND.fullmatch(text[found[0].end() : found[1].start()] or "-"):
        begin, end = text[: found[0].start()], text[found[1].end() :]
        of_years = [(begin + found[0].group() + end, begin + found[1].group() + end)]
    text = _COMPARING.sub("", text)
    for joint in _AND.finditer(text):
        left, right = text[: joint.start()].strip(), text[joint.end() :].strip()
        if min(len(syllables(left)), len(syllables(right))) < _LEAST:
            continue
        if shared := _SHARING.match(right):
            # The last such word of the left part begins what the right one replaces.
            places = list(re.finditer(rf"\b{re.escape(shared.group(1))}\b", left, re.IGNORECASE))
            if places and places[-1].start() > 0:
                right = left[: places[-1].start()] + right
        ways.append((left, right))
    middle = len(text) / 2
    ways.sort(key=lambda way: abs(len(way[0]) - middle))
    return [*of_years, *ways][:_MOST]
